"""An elevation model of other ground, or in another unit, is told by the light of the scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from glacial_lakes.events import SceneOdd, collecting
from glacial_lakes.mapping.relief_fit import ReliefFit, misfit
from glacial_lakes.scenes import open_scene
from glacial_lakes.scenes.raster import read_numbers, to_reflectance
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.workflow.map_files import map_scenes

PRODUCTS = (
    "LC08_L2SP_151030_20130903_20200904_02_T1",
    "LT05_L2SP_151030_20030817_20200904_02_T1",
)


def shown(scene: Scene, fit: ReliefFit, rows_at_a_time: int) -> str:
    """Return what is said after all rows of a scene were given."""
    rows, cols = scene.grid.shape
    for first in range(0, rows, rows_at_a_time):
        window = Window(0, first, cols, min(rows_at_a_time, rows - first))
        bands = {name: scene.bands[name] for name in ("green", "nir")}
        fit.add(
            window,
            {name: to_reflectance(b, read_numbers(b, window)[0]) for name, b in bands.items()},
        )
    fault = fit.fault()
    return "" if fault is None else str(fault)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_model_of_other_ground_is_told_and_the_right_one_is_not(
    product: str, sample_data: Path, tmp_path: Path
) -> None:
    scene = open_scene(sample_data / "scenes" / product)
    with rasterio.open(sample_data / "dem.tif") as dataset:
        heights, profile = dataset.read(1), dict(dataset.profile)
    place = profile["transform"]
    for said, values, moved in (
        ("", heights, place),
        ("another place", heights[::-1], place),
        ("another place", heights, place @ Affine.translation(33, 0)),
        ("too small", heights * 0.3048, place),
    ):
        path = tmp_path / "dem.tif"
        with rasterio.open(path, "w", **{**profile, "transform": moved}) as made:
            made.write(values.astype("float32"), 1)
        found = {shown(scene, ReliefFit(scene, path), rows) for rows in (37, 500)}
        assert len(found) == 1  # however many rows come at a time
        assert said in found.pop() if said else found == {""}


def test_shade_that_is_sunlit_is_told_and_slopes_that_were_corrected_are_not() -> None:
    random = np.random.default_rng(1)
    slopes = random.normal(0.0, 0.2, (200, 200)).astype("float32")
    light = np.clip((1 - slopes) / np.hypot(1, slopes), 0, None).astype("float32")
    steep = np.clip((1 - slopes / 0.3048) / np.hypot(1, slopes / 0.3048), 0, None).astype("float32")
    nir = 0.2 * light + 0.01
    assert misfit(nir / 2, nir, light) is None
    assert "in feet" in str(misfit(nir / 2, nir, steep))
    flat = np.where(light > 0, 0.2, 0.02).astype("float32")  # as after a correction
    flat += random.normal(0, 0.01, flat.shape).astype("float32")
    assert misfit(flat / 2, flat, light) is None
    bright = random.normal(0.2, 0.01, light.shape).astype("float32")  # shade too
    assert misfit(bright / 2, bright, steep) is None
    assert misfit(nir / 2, nir, np.full_like(light, np.nan)) is None


def test_a_scene_that_was_mapped_with_a_model_of_other_ground_looks_odd(
    sample_data: Path, tmp_path: Path
) -> None:
    with rasterio.open(sample_data / "dem.tif") as dataset:
        heights, profile = dataset.read(1), dict(dataset.profile)
    with rasterio.open(tmp_path / "dem.tif", "w", **profile) as made:
        made.write(np.ascontiguousarray(heights[::-1]), 1)
    product = sample_data / "scenes" / PRODUCTS[1]
    told = {}
    for dem in (tmp_path / "dem.tif", sample_data / "dem.tif"):
        odd: list[SceneOdd] = []
        map_scenes([product], tmp_path / "o.gpkg", dem=dem, on_event=collecting(SceneOdd, odd))
        told[dem.parent.name] = [str(event.reason) for event in odd]
    assert told[sample_data.name] == []
    assert "another place" in told[tmp_path.name][0]
