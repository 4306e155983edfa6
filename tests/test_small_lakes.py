"""A small lake whose arm no seed holds is drawn with it."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

from glacial_lakes.grid import Grid
from glacial_lakes.mapping import candidates, seeds
from glacial_lakes.mapping.pixels import Pixels

SIZE, FINE, PIXEL = 60, 8, 10.0
WATER = {"blue": 0.05, "green": 0.06, "red": 0.03, "nir": 0.015, "swir1": 0.008}
CONIFERS = {"blue": 0.025, "green": 0.04, "red": 0.03, "nir": 0.25, "swir1": 0.12}
"""A pixel of which a third is conifers has the index of land."""
POND_PX, ARM_PX = 5.0, 8.0


def area_px(seed: int) -> float:
    """Return the area of the outline of a square pond with an arm as wide as a pixel."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : SIZE * FINE, 0 : SIZE * FINE] / FINE - 30.5
    lake = (np.maximum(abs(x), abs(y)) < POND_PX / 2) | (
        (x > 0) & (x < POND_PX / 2 + ARM_PX) & (abs(y) < 0.5)
    )
    blurred = gaussian_filter(lake.astype(float), 0.45 * FINE)
    share = blurred.reshape(SIZE, FINE, SIZE, FINE).mean((1, 3))
    light = 1 + 0.06 * gaussian_filter(rng.normal(size=share.shape), 1)
    bands = {
        name: (share * WATER[name] + (1 - share) * value * light).astype("float32")
        for name, value in CONIFERS.items()
    }
    transform = from_origin(500_000, 4_700_000, PIXEL, PIXEL)
    grid = Grid(CRS.from_epsg(32643), transform, share.shape)
    window, nothing = Window(0, 0, SIZE, SIZE), np.zeros(share.shape, bool)
    flags = nothing.astype(np.uint8)
    pixels = Pixels(window, bands, flags, nothing, nothing, ~nothing, transform, None)
    [one] = candidates.objects(seeds.water_seeds(bands, nothing), window, SIZE)
    found = candidates.measure(
        pixels, one, grid, bands=list(bands), smallest_m2=500, sun_elevation_deg=60.0,
        may_hold_ice=False,
    )  # fmt: skip
    [row] = [lake.row for lake in found if lake.row is not None]
    return float(row["geometry"].area) / PIXEL**2


@pytest.mark.parametrize("seed", range(3))
def test_the_arm_of_a_pond_in_dark_forest_belongs_to_it(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    truth = POND_PX**2 + ARM_PX
    with_arm = area_px(seed)
    monkeypatch.setattr(candidates, "LEAST_GROWTH", np.inf)
    without = area_px(seed)
    assert without < 0.95 * truth
    assert abs(with_arm - truth) < 0.7 * abs(without - truth)
