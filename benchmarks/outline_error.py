"""How far outlines lie from the true shore, in pixels, on simulated scenes.

The figures behind ``SHARED_SHIFT_PX`` and ``LOCAL_SHIFT_PX`` in ``glacial_lakes/outlines.py``:
the area error of each lake over its perimeter is the mean shift of its outline.

    python benchmarks/outline_error.py              # the sample scenes
    python benchmarks/outline_error.py FOLDER …     # folders with scenes/, dem.tif, truth.gpkg
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes.mapping import map_lakes
from glacial_lakes.scenes import Scene, discover

SIZES = pd.IntervalIndex.from_breaks([0, 1e4, 5e4, 1e5, np.inf], name="area_m2")


def lakes_of(scene: Scene, folder: Path) -> pd.DataFrame:
    """Return mapped and true area of every lake that is wholly seen and mapped as one."""
    truth = gpd.read_file(folder / "truth.gpkg", layer=f"{scene.acquired:%Y-%m-%d}")
    truth = truth[(truth["observed_fraction"] > 0.99) & (truth["frozen_fraction"] < 0.01)]
    mapped = map_lakes(scene, dem=folder / "dem.tif")
    mapped = mapped[mapped["status"] == "observed"]
    pairs = shapely.STRtree(truth.to_crs(mapped.crs).geometry.to_numpy()).query(
        mapped.geometry.to_numpy(), predicate="intersects"
    )
    alone = [np.bincount(side)[side] == 1 for side in pairs]
    found, true = pairs[:, alone[0] & alone[1]]
    pixel = scene.grid.resolution
    table = mapped.iloc[found][["area_m2", "area_sigma_m2", "perimeter_m"]].reset_index(drop=True)
    table["sensor"] = f"{scene.sensor[:2]} {pixel:.0f} m"
    table["size"] = pd.cut(truth["area_m2"].to_numpy()[true], SIZES)
    table["error_m2"] = table["area_m2"] - truth["area_m2"].to_numpy()[true]
    table["shift_px"] = table["error_m2"] / table["perimeter_m"] / pixel
    table["z"] = table["error_m2"] / table["area_sigma_m2"]
    return table


def main(folders: list[Path]) -> None:
    tables = [
        lakes_of(scene, folder) for folder in folders for scene in discover([folder / "scenes"])
    ]
    lakes = pd.concat(tables, ignore_index=True)
    summary = lakes.groupby(["sensor", "size"], observed=True).agg(
        lakes=("z", "size"),
        median_shift_px=("shift_px", "median"),
        shift_68_px=("shift_px", lambda x: x.abs().quantile(0.68)),
        within_1_sigma=("z", lambda z: (z.abs() < 1).mean()),
        within_2_sigma=("z", lambda z: (z.abs() < 2).mean()),
    )
    print(summary.round(3).to_string())


if __name__ == "__main__":
    given = [Path(name) for name in sys.argv[1:]]
    main(given or [Path(__file__).parents[1] / "sample_data"])
