"""How much less the area of one lake costs than a map of the whole scene.

    python benchmarks/series_cost.py FOLDER [SIZE]

FOLDER holds what ``benchmarks/full_tile.py`` writes, and is filled by it where it is empty. Told
are pixels that were read, seconds and processor seconds of a map of each product, and of a series
of a lake in the middle of its lakes by size; and whether both give the same area.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import full_tile
import shapely

from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import open_scene
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.workflow.area_series import area_series
from glacial_lakes.workflow.compiling import compile_ahead

COUNTED: Counter[str] = Counter()


def counted(read: Any) -> Any:
    """Return a way to read that counts pixels of all bands."""

    def counting(scene: Scene, bands: Any, window: Any = None, **options: Any) -> Any:
        values = read(scene, bands, window, **options)
        COUNTED["pixels"] += values.size
        return values

    return counting


def measured(call: Any) -> tuple[Any, dict[str, float]]:
    """Return what a call gives, and what it cost."""
    COUNTED.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    cost = {"pixels": COUNTED["pixels"] / 1e6}
    cost |= {"seconds": time.perf_counter() - wall, "processor": time.process_time() - cpu}
    return found, cost


def main() -> None:
    folder, size = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else full_tile.SIZE
    if not (folder / "tile.tif").exists():
        folder.mkdir(parents=True, exist_ok=True)
        full_tile.write_tile(folder, size)
    compile_ahead()
    dem = folder / "dem.tif"
    Scene.read = counted(Scene.read)  # type: ignore[method-assign]
    for product in (folder / "tile.tif", *folder.glob("*.SAFE")):
        scene = open_scene(product)
        map_lakes(scene, dem=dem, near=full_tile_corner(scene))  # what is loaded at first use
        mapped, whole = measured(lambda scene=scene: map_lakes(scene, dem=dem))
        lakes = mapped.outlines.sort_values("area_m2").reset_index(drop=True)
        lake = lakes.iloc[len(lakes) // 2]
        place = lakes.to_crs(4326).geometry.iloc[len(lakes) // 2]
        series, part = measured(
            lambda scene=scene, place=place: area_series(
                place, [scene], dem=dem, trusted_scenes=[scene.id]
            )
        )
        same = series.observations["area_m2"].tolist() == [lake["area_m2"]]
        print(f"{product.name}: {scene.grid.shape[0]} pixels a side, the same area: {same}")
        for name, unit in (("pixels", "million"), ("seconds", "s"), ("processor", "s")):
            ratio = whole[name] / max(part[name], 1e-9)
            print(f"  {name:9} {whole[name]:9.2f} {part[name]:9.2f} {unit:8} 1/{ratio:.1f}")


def full_tile_corner(scene: Scene) -> Any:
    """Return a place in the corner of a scene, in degrees."""
    import geopandas as gpd  # noqa: PLC0415

    west, _, _, north = scene.grid.bounds
    corner = shapely.box(west, north - 500, west + 500, north)
    return gpd.GeoSeries([corner], crs=scene.grid.crs.to_wkt())


if __name__ == "__main__":
    main()
