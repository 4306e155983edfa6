"""Whether elevation models are told that are not of the ground of a scene, or in another unit.

    GLACIAL_LAKES_DATA=… python benchmarks/relief_fit.py

Scenes with a model: the sample and those of the independent simulator. Each is asked with the model
as it is, and with the same in feet, half as high again, a third as high, upside down, and moved.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

from glacial_lakes.errors import GlacialLakesError
from glacial_lakes.mapping.relief_fit import ReliefFit
from glacial_lakes.scenes import find_products, open_scene
from glacial_lakes.scenes.raster import read_numbers, to_reflectance
from glacial_lakes.scenes.scene import Scene

SAMPLE = Path(__file__).parents[1] / "sample_data"
FOLDERS = ("clear_summer", "series", "varied_301", "varied_306")


def scenes() -> Iterator[tuple[Path, Path]]:
    """Yield products and their elevation models."""
    data = Path(os.environ["GLACIAL_LAKES_DATA"]) / "independent_truth"
    for root, dem in ((SAMPLE / "scenes", SAMPLE / "dem.tif"), *(
        (data / name, data / name / "dem.tif") for name in FOLDERS
    )):  # fmt: skip
        yield from ((product, dem) for product in find_products(root) if dem.exists())


def variants(dem: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield an elevation model as it is, and with faults."""
    with rasterio.open(dem) as dataset:
        heights = dataset.read(1, masked=True).astype("float32").filled(np.nan)
        profile = dict(dataset.profile, driver="GTiff", dtype="float32", nodata=np.nan)
    low = heights - np.nanmin(heights) + 500.0
    place = profile["transform"]
    yield "as it is", dem
    for name, values, moved in (
        ("in feet", low / 0.3048, place),
        ("half as high again", low * 1.5, place),
        ("a third as high", heights * 0.3048, place),
        ("upside down", heights[::-1], place),
        ("moved by 300 m", heights, place @ Affine.translation(10, 0)),
        ("moved by 1 km", heights, place @ Affine.translation(33, 0)),
    ):
        path = folder / f"{name.replace(' ', '_')}.tif"
        with rasterio.open(path, "w", **{**profile, "transform": moved}) as made:
            made.write(values, 1)
        yield name, path


def verdict(scene: Scene, dem: Path) -> str:
    """Return what is said of a model: fits, told, or refused."""
    try:
        fit = ReliefFit(scene, dem)
    except GlacialLakesError:
        return "refused"
    rows, cols = scene.grid.shape
    whole = Window(0, 0, cols, rows)
    bands = {name: scene.bands[name] for name in ("green", "nir")}
    fit.add(whole, {n: to_reflectance(b, read_numbers(b, whole)[0]) for n, b in bands.items()})
    return "fits" if fit.fault() is None else "told"


def main() -> None:
    """Print a table."""
    counts: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for product, dem in scenes():
            scene = open_scene(product)
            for name, path in variants(dem, Path(folder)):
                counts.setdefault(name, Counter())[verdict(scene, path)] += 1
    for name, count in counts.items():
        print(f"{name:20}", dict(count))


if __name__ == "__main__":
    main()
