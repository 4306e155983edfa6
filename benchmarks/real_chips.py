"""Mapping of real images: outlines drawn on pictures, and counts where people or truth tell.

    GLACIAL_LAKES_DATA=… python benchmarks/real_chips.py FOLDER
    GLACIAL_LAKES_DATA=… python benchmarks/real_chips.py FOLDER --only tahoe loon_bilinear
    GLACIAL_LAKES_DATA=… python benchmarks/real_chips.py --document   # docs/accuracy.md

Maps every chip, writes FOLDER/<chip>.png with the outlines over natural and false colour, and
prints number and area of the outlines. Where labels exist it prints precision, recall and IoU by
pixel next to those of NDWI > 0. The chips find faults; nothing is fitted to them.

Outlines with an area are yellow, those that are cut magenta, labels cyan.

``--document`` draws the chips of ``SHOWN`` beside the plain methods into ``docs/images``, and
rewrites their table in ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import accuracy_tables
import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import rasterio
from documents import rewrite
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.transform import from_origin
from scipy import ndimage
from skimage.filters import threshold_otsu

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
DOCS = Path(__file__).parents[1] / "docs"
MARKS = ("<!-- measured on real images -->", "<!-- end of measured on real images -->")
SHOWN = {
    "loon_bilinear": "loon",
    "ukis_sentinel2": "cumulus",
    "tahoe": "tahoe",
    "everest_2000_toa": "everest",
    "khadakwasla": "khadakwasla",
    "flathead_2015": "flathead",
}
"""Chips whose licences let pictures of them be shown, and what the document calls them."""
LEAST_PX = 5
BEST_OF = np.round(np.arange(-0.6, 0.61, 0.02), 2)
"""Thresholds of NDWI of which the best by the labels is told: nobody knows it beforehand."""


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


def plain_methods(chip: Chip) -> dict[str, Bool]:
    """Return what thresholds of NDWI take for water; the best by labels where there are some."""
    green, nir = chip.scene.read(["green", "nir"])
    with np.errstate(invalid="ignore", divide="ignore"):
        index = indices.ndwi(green, nir)
    found = {
        "NDWI > 0": index > 0,
        "Otsu": index > threshold_otsu(index[np.isfinite(index)]),
    }
    if chip.water is not None and chip.water.any():
        best = max(BEST_OF, key=lambda level: agreement(index > level, chip)[2])
        found[f"best threshold, NDWI > {best:g}"] = index > best
    return found


def show(chip: Chip, mapped: MappedScene, path: Path) -> None:
    """Draw the outlines on a chip beside what plain methods find, as a small picture."""
    scene = chip.scene
    there = [name for name in BANDS if name in scene.bands]
    bands = dict(zip(there, scene.read(there), strict=True))
    green, nir = bands["green"], bands["nir"]
    picture = _stretched(np.stack([nir, bands.get("red", green), green]))
    plain = plain_methods(chip)
    west, south, east, north = scene.grid.bounds
    box = (west, east, south, north)
    count = 1 + len(plain)
    high = 4.4 * (north - south) / (east - west)
    figure, axes = plt.subplots(1, count, figsize=(4.4 * count, high + 0.3))
    for axis, (name, water) in zip(axes, [("glacial_lakes", None), *plain.items()], strict=True):
        axis.imshow(picture, extent=box, interpolation="nearest")
        if water is None:
            for is_cut, colour in ((False, "yellow"), (True, "magenta")):
                some = mapped.outlines[mapped.outlines["area_m2"].isna() == is_cut]
                if len(some):
                    some.boundary.plot(ax=axis, color=colour, linewidth=0.9)
        else:
            axis.contour(
                water, [0.5], colors="yellow", linewidths=0.5, extent=(west, east, north, south)
            )
        if chip.water is not None and chip.water.any():
            axis.contour(
                chip.water, [0.5], colors="cyan", linewidths=0.5, linestyles="dotted",
                extent=(west, east, north, south),
            )  # fmt: skip
        axis.set(xlim=(west, east), ylim=(south, north))
        axis.set_title(name, fontsize=9)
        axis.axis("off")
    figure.subplots_adjust(0.002, 0.002, 0.998, 0.93, 0.01)
    figure.savefig(path, dpi=72, pil_kwargs={"quality": 78, "optimize": True})
    plt.close(figure)


def told(chip: Chip, mapped: MappedScene) -> list[list[str]]:
    """Return a row a method: water that it finds, and how it agrees with labels."""
    pixel_km2 = chip.scene.grid.pixel_area_m2 / 1e6
    outlines = mapped.outlines
    ours = inside_of(outlines.geometry, chip.scene)
    rows = []
    for method, found in {"glacial_lakes": ours, **plain_methods(chip)}.items():
        row = [SHOWN[chip.name], method]
        row += [str(len(outlines)) if found is ours else str(_pieces(found))]
        row += [f"{found.sum() * pixel_km2:.2f}"]
        if chip.water is None:
            row += ["–", "–", "–"]
        else:
            row += [
                f"{value:.2f}" if np.isfinite(value) else "–" for value in agreement(found, chip)
            ]
        rows.append(row)
    return rows


def _pieces(water: Bool) -> int:
    """Return the number of connected pieces of water of the least size that mapping looks for."""
    labels, _ = ndimage.label(water)
    return int((np.bincount(labels.ravel())[1:] >= LEAST_PX).sum())


def document(data: Path, work: Path) -> None:
    """Draw the chips that are shown, and rewrite their table."""
    rows = []
    for chip in chips(data, work):
        if chip.name in SHOWN:
            mapped = map_lakes(chip.scene, dem=chip.dem)
            show(chip, mapped, DOCS / "images" / f"real_{SHOWN[chip.name]}.jpg")
            rows += told(chip, mapped)
    order = list(SHOWN.values())
    rows.sort(key=lambda row: order.index(row[0]))
    head = ["image", "method", "outlines", "km²", "precision", "recall", "IoU"]
    rewrite(DOCS / "accuracy.md", accuracy_tables.table(head, rows), MARKS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="for the pictures")
    parser.add_argument("--document", action="store_true", help="rewrite docs/accuracy.md")
    parser.add_argument("--only", nargs="+", help="names of chips")
    arguments = parser.parse_args()
    data, rows = Path(os.environ["GLACIAL_LAKES_DATA"]), {}
    if arguments.document:
        with tempfile.TemporaryDirectory() as work:
            document(data, Path(work))
    if arguments.folder is None:
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for chip in chips(data, Path(work)):
            if arguments.only and chip.name not in arguments.only:
                continue
            mapped = map_lakes(chip.scene, dem=chip.dem)
            draw(chip, mapped, arguments.folder / f"{chip.name}.png")
            rows[chip.name] = figures(chip, mapped)
    print(pd.DataFrame(rows).T.to_string())


if __name__ == "__main__":
    main()
