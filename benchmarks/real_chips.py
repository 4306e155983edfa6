"""Mapping of real images: outlines drawn on pictures, and counts where people or truth tell.

    GLACIAL_LAKES_DATA=… python benchmarks/real_chips.py FOLDER
    GLACIAL_LAKES_DATA=… python benchmarks/real_chips.py FOLDER --only tahoe loon_bilinear

Maps every chip, writes FOLDER/<chip>.png with the outlines over natural and false colour, and
prints number and area of the outlines. Where labels exist it prints precision, recall and IoU by
pixel next to those of NDWI > 0. The chips find faults; nothing is fitted to them.

Outlines with an area are yellow, those that are cut magenta, labels cyan.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.transform import from_origin

from glacial_lakes.mapping import indices
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import Scene, discover, open_scene

mpl.use("agg")
from matplotlib import pyplot as plt

Bool = NDArray[np.bool_]

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
STACKS = ("everest_2000_toa", "tahoe", "dal_lake", "khadakwasla", "loon_nearest", "loon_bilinear")
LABELS = {"sentinel2": ("S2A", 10.0), "landsat5": ("LT05", 30.0)}
"""Chips with hand labels, their sensor and pixel."""
WATER_LABEL = 1
VARIED = ("varied_301", "varied_306")


@dataclass(frozen=True)
class Chip:
    """A real image, and what is known of its water."""

    name: str
    scene: Scene
    dem: Path | None = None
    water: Bool | None = None
    """True water by pixel; None where nobody tells."""
    known: Bool | None = None
    """Where it is told; None is everywhere."""


def chips(data: Path, work: Path) -> Iterator[Chip]:
    """Yield all chips; those without a sidecar or a grid get one in the folder ``work``."""
    for name in STACKS:
        scene = open_scene(data / "real_chips" / name / f"{name}.tif")
        if name.startswith("loon"):
            folder = data / "real_chips" / "loon_source"
            labels = (folder / f"{part}.gpkg" for part in ("lakes_truth", "valid_area"))
            water, known = (_drawn(gpd.read_file(path), scene) for path in labels)
            yield Chip(name, scene, None, water, known)
        elif name == "everest_2000_toa":
            yield Chip(name, scene, None, np.zeros(scene.grid.shape, bool))
        else:
            yield Chip(name, scene)
    for scene in discover([data / "flathead_landsat"]):
        yield Chip(f"flathead_{scene.acquired.year}", scene)
    for path in sorted((data / "sen2r_barbellino" / "out").glob("*[TB]OA_10.tif")):
        yield Chip(path.stem, _barbellino(path, work))
    for name in LABELS:
        yield _labelled(data / "ukis_csmask" / f"{name}.npz", work)
    for name in VARIED:
        folder = data / "independent_truth" / name
        [scene] = discover([folder])
        truth = gpd.read_file(folder / "truth.gpkg", layer=f"{scene.acquired:%Y-%m-%d}")
        yield Chip(name, scene, folder / "dem.tif", _drawn(truth, scene))


def _drawn(shapes: gpd.GeoDataFrame, scene: Scene) -> Bool:
    shapes = shapes.to_crs(scene.grid.crs.to_wkt()).geometry
    return inside_of(shapes, scene)


def inside_of(shapes: gpd.GeoSeries, scene: Scene) -> Bool:
    """Return the pixels of a scene whose centres polygons hold."""
    if shapes.empty:
        return np.zeros(scene.grid.shape, bool)
    grid = scene.grid
    inside: Bool = geometry_mask(shapes, grid.shape, grid.transform, invert=True)
    return inside


def _barbellino(path: Path, work: Path) -> Scene:
    """Open a stack of sen2r with a sidecar of ours; L1C has no quality layer."""
    stem, copy = path.stem, work / path.name
    shutil.copy(path, copy)
    day = stem.split("_")[1]
    quality = ""
    if "2A2A" in stem:
        classes = path.name.replace("BOA", "SCL")
        shutil.copy(path.with_name(classes), work)
        quality = f'quality = "{classes}"\ndecoder = "scl"\n'
    level, swir = ("L2A", (10, 11)) if quality else ("L1C", (11, 12))
    copy.with_suffix(".toml").write_text(
        f"acquired = {day[:4]}-{day[4:6]}-{day[6:]}T10:20:00Z\n"
        f'sensor = "S2A"\nscale = 0.0001\noffset = 0.0\nnodata = 65535\nlevel = "{level}"\n'
        f"{quality}[bands]\nblue = 2\ngreen = 3\nred = 4\nnir = 8\n"
        f"swir1 = {swir[0]}\nswir2 = {swir[1]}\n",
        "utf-8",
    )
    return open_scene(copy)


def _labelled(path: Path, work: Path) -> Chip:
    sensor, pixel_m = LABELS[path.stem]
    chip = np.load(path)
    image = chip["img"].transpose(2, 0, 1)
    copy = work / f"ukis_{path.stem}.tif"
    count, height, width = image.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width}
    transform = from_origin(500_000, 5_000_000, pixel_m, pixel_m)
    with rasterio.open(
        copy, "w", **profile, dtype="float32", crs="EPSG:32633", transform=transform
    ) as file:
        file.write(image)
    bands = "".join(f"{name} = {number}\n" for number, name in enumerate(BANDS, 1))
    year = 2009 if sensor == "LT05" else 2019
    copy.with_suffix(".toml").write_text(
        f'acquired = {year}-08-01T10:00:00Z\nsensor = "{sensor}"\nscale = 1.0\noffset = 0.0\n'
        f'level = "TOA"\nnodata = "none"\n[bands]\n{bands}',
        "utf-8",
    )
    water = chip["msk"][..., 0] == WATER_LABEL
    return Chip(copy.stem, open_scene(copy), None, water)


def agreement(found: Bool, chip: Chip) -> tuple[float, float, float]:
    """Return precision, recall and IoU by pixel where the chip tells of water."""
    assert chip.water is not None
    known = np.ones(found.shape, bool) if chip.known is None else chip.known
    found, water = found & known, chip.water & known
    both = (found & water).sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return both / found.sum(), both / water.sum(), both / (found | water).sum()


def figures(chip: Chip, mapped: MappedScene) -> dict[str, object]:
    """Return what one chip gives."""
    outlines = mapped.outlines
    seen = outlines["area_m2"].notna()
    row: dict[str, object] = {
        "outlines": len(outlines),
        "with area": int(seen.sum()),
        "km2": round(outlines.area.sum() / 1e6, 3),
        "with area km2": round(outlines["area_m2"].sum() / 1e6, 3),
        "largest km2": round(outlines.area.max() / 1e6, 3) if len(outlines) else 0.0,
    }
    if chip.water is not None:
        green, nir = chip.scene.read(["green", "nir"])
        with np.errstate(invalid="ignore", divide="ignore"):
            plain = indices.ndwi(green, nir) > 0
        ours = inside_of(outlines.geometry, chip.scene)
        names = ("precision", "recall", "IoU")
        row |= dict(zip(names, np.round(agreement(ours, chip), 3), strict=True))
        row["IoU of NDWI > 0"] = round(agreement(plain, chip)[2], 3)
    return row


def _stretched(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return bands from 0 to 1 between their 1st and 99th percentile, as (y, x, band)."""
    low, high = np.nanpercentile(bands, (1, 99), axis=(1, 2), keepdims=True)
    shown = np.nan_to_num(np.clip((bands - low) / np.maximum(high - low, 1e-6), 0, 1))
    return np.moveaxis(shown**0.7, 0, -1)


def draw(chip: Chip, mapped: MappedScene, path: Path) -> None:
    """Draw the outlines over natural and false colour."""
    scene = chip.scene
    there = [name for name in BANDS if name in scene.bands]
    bands = dict(zip(there, scene.read(there), strict=True))
    green, nir = bands["green"], bands["nir"]
    views = {
        "red, green, blue": [bands.get("red", nir), green, bands.get("blue", green)],
        "SWIR or NIR, NIR, green": [bands.get("swir1", nir), nir, green],
    }
    west, south, east, north = scene.grid.bounds
    figure, axes = plt.subplots(1, 2, figsize=(20, 10 * (north - south) / (east - west) + 0.6))
    for axis, (title, view) in zip(axes, views.items(), strict=True):
        axis.imshow(_stretched(np.stack(view)), extent=(west, east, south, north))
        if chip.water is not None and chip.water.any():
            axis.contour(
                chip.water, [0.5], colors="cyan", linewidths=0.6,
                extent=(west, east, north, south),
            )  # fmt: skip
        for is_cut, colour in ((False, "yellow"), (True, "magenta")):
            some = mapped.outlines[mapped.outlines["area_m2"].isna() == is_cut]
            if len(some):
                some.boundary.plot(ax=axis, color=colour, linewidth=0.9)
        axis.set(xlim=(west, east), ylim=(south, north), title=f"{chip.name}: {title}")
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for the pictures")
    parser.add_argument("--only", nargs="+", help="names of chips")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    with tempfile.TemporaryDirectory() as work:
        for chip in chips(Path(os.environ["GLACIAL_LAKES_DATA"]), Path(work)):
            if arguments.only and chip.name not in arguments.only:
                continue
            mapped = map_lakes(chip.scene, dem=chip.dem)
            draw(chip, mapped, arguments.folder / f"{chip.name}.png")
            rows[chip.name] = figures(chip, mapped)
    print(pd.DataFrame(rows).T.to_string())


if __name__ == "__main__":
    main()
