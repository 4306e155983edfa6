"""Water under the glint of the sun is as grey as no sunlit ground, and belongs to its lake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize
from scipy.ndimage import gaussian_filter

import glacial_lakes as gl
from glacial_lakes.mapping.path_radiance import path_reflectance
from glacial_lakes.mapping.seeds import MAX_DARK_NIR, is_grey

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
CLEAR = (0.03, 0.022, 0.014, 0.009, 0.006, 0.005)
MORAINE = (0.11, 0.14, 0.17, 0.20, 0.22, 0.19)
SKY = (0.25, 0.15, 0.09, 0.05, 0.015, 0.008)
"""Light of a clear sky on shaded ground, as shares of that of the sun and the sky together."""
SHAPE, FINE = (100, 100), 8
TRANSFORM = Affine(10, 0, 450_000, 0, -10, 4_721_000)
LAKE = shapely.affinity.scale(shapely.Point(450_500, 4_720_500).buffer(220), 1.2, 0.8)


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Return a DEM of level ground."""
    file = tmp_path / "dem.tif"
    kept = {"driver": "GTiff", "dtype": "float32", "crs": "EPSG:32643", "count": 1}
    place = TRANSFORM * Affine.translation(-20, -20) * Affine.scale(3)
    with rasterio.open(file, "w", width=60, height=60, transform=place, **kept) as made:
        made.write(np.full((1, 60, 60), 3200, "float32"))
    return file


NO_AIR = (0.0,) * 6
AIR = (0.043, 0.028, 0.016, 0.009, 0.003, 0.002)
"""What the air sends up over high mountains on a clear day."""


def scene(
    glint: float,
    rows: int = SHAPE[0] // 2,
    air: tuple[float, ...] = NO_AIR,
    depth: np.ndarray | float = 0.0,
    step: float = 0.0,
) -> gl.Scene:
    """Return a clear lake whose northern rows lie under glint, under air, in steps of reflectance.

    What is deep, from 0 to 1, is black.
    """
    xr = pytest.importorskip("xarray")
    rng = np.random.default_rng(7)
    fine = TRANSFORM * Affine.scale(1 / FINE)
    inside = rasterize([LAKE], (SHAPE[0] * FINE, SHAPE[1] * FINE), transform=fine).astype(float)
    blurred = gaussian_filter(inside, 0.6 * FINE)
    share = blurred.reshape(SHAPE[0], FINE, SHAPE[1], FINE).mean((1, 3))
    ripples = gaussian_filter(rng.normal(size=SHAPE), 1) / 0.28
    added = np.where(np.arange(SHAPE[0])[:, None] < rows, glint * (1 + 0.1 * ripples), 0)
    clear = np.array(CLEAR)[:, None, None]
    water = clear + depth * (0.002 - clear) + gaussian_filter(added, 1)
    texture = 1 + 0.08 * gaussian_filter(rng.normal(size=SHAPE), 1) / 0.28
    land = np.array(MORAINE)[:, None, None] * texture
    image = share * water + (1 - share) * land + rng.normal(0, 0.0015, (6, *SHAPE))
    image = np.maximum(image + np.array(air)[:, None, None], 0.0)
    image = np.round(image / step) * step if step else image
    x, y = 450_005 + 10 * np.arange(SHAPE[1]), 4_720_995 - 10 * np.arange(SHAPE[0])
    cube = xr.DataArray(
        image.astype("float32"),
        coords={"band": list(BANDS), "y": y, "x": x},
        dims=("band", "y", "x"),
        attrs={"crs": "EPSG:32643"},
    )
    sun = {"sun_azimuth_deg": 150.0, "sun_elevation_deg": 60.0}
    when = {"sensor": "S2A", "acquired": "2022-07-28T05:40:00Z"}
    when["level"] = "L2A" if air == NO_AIR else "L1C"
    return gl.Scene.from_xarray(cube, scale=1, offset=0, **sun, **when)


@pytest.mark.parametrize("glint", [0.01, 0.025, 0.035])
def test_a_lake_half_in_glint_has_all_of_its_area(glint: float, flat: Path) -> None:
    (row,) = gl.map_lakes(scene(glint), dem=flat).outlines.to_dict("records")
    assert row["status"] == "observed"
    assert abs(row["area_m2"] / LAKE.area - 1) < 0.03


@pytest.mark.parametrize("glint", [0.015, 0.025])
def test_glint_on_all_water_of_a_scene_is_not_taken_for_haze(glint: float, flat: Path) -> None:
    calm, seen = scene(0.0, air=AIR), scene(glint, rows=SHAPE[0], air=AIR)
    found = path_reflectance(seen, BANDS, 3200.0)
    assert found == pytest.approx(path_reflectance(calm, BANDS, 3200.0), abs=0.004)
    (row,) = gl.map_lakes(seen, dem=flat).outlines.to_dict("records")
    assert abs(row["area_m2"] / LAKE.area - 1) < 0.03


@pytest.mark.parametrize("sun", [30.0, 60.0])
@pytest.mark.parametrize("step", [0.0, 1 / 255])
def test_the_black_middle_of_a_lake_is_part_of_it(step: float, sun: float, flat: Path) -> None:
    """It is darker than its shallows, as ground in dim light is, but darker than any shade."""
    from_shore = LAKE.exterior.distance(
        shapely.points(*(TRANSFORM * (np.mgrid[0.5:100, 0.5:100][::-1])))
    )
    depth = np.clip(from_shore / 120, 0, 1)
    seen = replace(scene(0.0, depth=depth, step=step), sun_elevation_deg=sun)
    (row,) = gl.map_lakes(seen, dem=flat).outlines.to_dict("records")
    assert row["status"] == "observed"
    assert abs(row["area_m2"] / LAKE.area - 1) < 0.03


def test_without_an_elevation_model_nothing_is_proposed_by_its_darkness_alone(flat: Path) -> None:
    both = [gl.map_fields(scene(0.035), dem=dem)["seed"].to_numpy() for dem in (flat, None)]
    assert both[0][both[1]].all()
    assert both[0].sum() > both[1].sum()


@given(st.floats(MAX_DARK_NIR, 0.06), st.floats(1.2, 4))
@settings(max_examples=200, deadline=None)
def test_ground_in_the_light_of_the_sky_is_not_grey(nir: float, rise: float) -> None:
    """Darker ground is proposed whatever its colour."""
    shaded = rock(rise) * np.array(SKY)
    assert not is_grey(*np.float32(shaded[[0, 1, 3, 4]] * nir / shaded[3]))


@given(st.floats(0.03, 0.06), st.floats(2.5, 4))
@settings(max_examples=200, deadline=None)
def test_ground_in_a_dim_sun_is_not_grey(nir: float, rise: float) -> None:
    dim = rock(rise)[[0, 1, 3, 4]]
    assert not is_grey(*np.float32(dim * nir / dim[2]))


def rock(rise: float) -> np.ndarray:
    """Return ground that reflects so many times as much SWIR as green."""
    return rise ** np.array([-0.3, 0, 0.3, 0.6, 1, 0.9])
