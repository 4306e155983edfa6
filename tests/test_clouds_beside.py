"""What hides a lake: clouds that are some, not bright ground or the lake itself; and ice on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from rasterio.windows import Window

from glacial_lakes.kernels.morphology import dilate
from glacial_lakes.mapping import masks, observability
from glacial_lakes.mapping.clouds_beside import with_believed_clouds
from glacial_lakes.mapping.pixels import Pixels
from glacial_lakes.scenes.quality import Quality

GROUND = (0.22, 0.25, 0.27, 0.29)  # green, red, nir, swir1
BRIGHT = (0.31, 0.36, 0.37, 0.34)  # the same rock on slopes that face the sun
PATCHY = (0.38, 0.38, 0.36, 0.21)  # partly under snow
WATER = (0.15, 0.10, 0.03, 0.01)
ICE = (0.40, 0.38, 0.30, 0.04)
NONE = np.zeros((40, 40), bool)
CLOUD = (0.55, 0.55, 0.54, 0.40)


def view(spot: tuple[float, ...], size: int, flag: int = 0) -> Pixels:
    """Return ground with a square of something else in it."""
    image = np.empty((4, 40, 40), "float32")
    image[:] = np.array(GROUND)[:, None, None]
    there = np.zeros((40, 40), bool)
    there[10 : 10 + size, 10 : 10 + size] = True
    image[:, there] = np.array(spot)[:, None]
    reflectance = dict(zip(("green", "red", "nir", "swir1"), image, strict=True))
    flags = np.where(there, np.uint8(flag), np.uint8(0))
    cloud = masks.is_cloud(reflectance, flags)
    assert (cloud == there).all()
    snow = masks.is_snow_or_ice(reflectance)
    whole = Window(0, 0, 40, 40)
    return Pixels(whole, reflectance, flags, cloud, snow, ~cloud, Affine.identity(), None)


@pytest.mark.parametrize(
    ("spot", "size", "remains"),
    [
        pytest.param(CLOUD, 15, True, id="a cloud that the mask misses"),
        pytest.param(CLOUD, 3, False, id="too narrow for a cloud"),
        pytest.param(BRIGHT, 15, False, id="hardly brighter than the ground"),
        pytest.param(PATCHY, 15, False, id="darker in the SWIR, as snow in patches is"),
        pytest.param(CLOUD, 30, True, id="cloud over most of the view"),
    ],
)
def test_ground_explains_what_is_bright_but_no_cloud(
    spot: tuple[float, ...], size: int, remains: bool
) -> None:
    pixels = view(spot, size)
    found = with_believed_clouds(pixels, NONE, ~NONE, 10.0)
    assert found.cloud.sum() == (size**2 if remains else 0)
    assert (found.seen == ~found.cloud).all()


def test_what_the_product_flags_stays_cloud() -> None:
    pixels = view(BRIGHT, 3, int(Quality.CLOUD))
    assert with_believed_clouds(pixels, NONE, ~NONE, 10.0).cloud.sum() == 9


@pytest.mark.parametrize(("beyond", "believed"), [(2, False), (12, True)])
def test_a_mask_that_takes_a_lake_for_cloud_is_not_believed(beyond: int, believed: bool) -> None:
    pixels = view(WATER, 15, int(Quality.CLOUD))
    assert masks.shows_water(pixels.reflectance)[12, 12]
    lake = pixels.cloud
    pixels.flags[dilate(lake, np.int64(beyond))] = Quality.CLOUD
    pixels = replace(pixels, cloud=pixels.flags != 0)
    assert with_believed_clouds(pixels, lake, ~lake, 10.0).cloud.any() == believed


@pytest.mark.parametrize(("spot", "floats"), [(ICE, True), (GROUND, False)])
def test_ice_that_water_encloses_floats_and_an_island_of_rock_does_not(
    spot: tuple[float, ...], floats: bool
) -> None:
    pixels = view(spot, 6, int(Quality.CLOUD))
    island = pixels.cloud
    water = np.zeros((40, 40), bool)
    water[5:30, 5:30] = True
    floating = observability.floating_ice(pixels, water & ~island)
    assert (floating == (island & floats)).all()
    assert not observability.floating_ice(pixels, water & ~dilate(island, np.int64(30))).any()
