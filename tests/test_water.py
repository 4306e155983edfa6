"""Candidates, streams, and gaps that are bridged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glacial_lakes.mapping import indices, masks, rivers, seeds, slc_gaps
from glacial_lakes.scenes.quality import Quality

SPECTRA = {  # blue, green, red, nir, swir1, swir2
    "clear water": (0.07, 0.06, 0.03, 0.012, 0.008, 0.006),
    "glacial milk": (0.13, 0.16, 0.14, 0.08, 0.015, 0.01),
    "moraine": (0.11, 0.14, 0.17, 0.22, 0.24, 0.22),
    "meadow": (0.04, 0.08, 0.06, 0.30, 0.18, 0.10),
    "fresh snow": (0.85, 0.85, 0.84, 0.75, 0.08, 0.06),
    "glacier ice": (0.38, 0.37, 0.34, 0.28, 0.05, 0.04),
    "black water": (0.0, 0.002, 0.004, 0.007, 0.024, 0.02),
    "deep water with glint": (0.03, 0.021, 0.02, 0.023, 0.017, 0.015),
    "moraine in dim light": (0.011, 0.014, 0.017, 0.022, 0.024, 0.022),
    "conifers in shade": (0.004, 0.006, 0.003, 0.024, 0.005, 0.002),
    "milk as of ice": (0.20, 0.27, 0.27, 0.20, 0.015, 0.01),
    "red with silt": (0.20, 0.276, 0.339, 0.25, 0.015, 0.01),
    "dusty firn": (0.45, 0.55, 0.58, 0.50, 0.06, 0.05),
    "dry clay": (0.17, 0.24, 0.31, 0.38, 0.40, 0.36),
    "white rock": (0.36, 0.39, 0.41, 0.43, 0.46, 0.40),
    "cloud": (0.62, 0.62, 0.62, 0.63, 0.46, 0.40),
}
NAMES = ("blue", "green", "red", "nir", "swir1", "swir2")


def pixels(*kinds: str) -> dict[str, np.ndarray]:
    values = np.array([[SPECTRA[kind] for kind in kinds]], "float32")
    return {name: values[:, :, band] for band, name in enumerate(NAMES)}


def proposed(kind: str, bands: tuple[str, ...] = NAMES) -> bool:
    reflectance = {name: band for name, band in pixels(kind).items() if name in bands}
    flags = np.zeros((1, 1), np.uint8)
    excluded = masks.is_snow_or_ice(reflectance) | masks.is_cloud(reflectance, flags)
    return bool(seeds.water_seeds(reflectance, excluded)[0, 0])


@pytest.mark.parametrize("kind", ["clear water", "glacial milk"])
def test_water_is_proposed(kind: str) -> None:
    assert proposed(kind)
    assert proposed(kind, ("blue", "green", "red", "nir"))  # as of a sensor without SWIR


def test_black_water_with_glint_and_too_little_green_is_proposed() -> None:
    assert proposed("black water")


@pytest.mark.parametrize("kind", ["moraine in dim light", "conifers in shade"])
def test_deep_water_under_more_glint_is_proposed_and_dim_ground_is_not(kind: str) -> None:
    assert proposed("deep water with glint")
    assert not proposed(kind)


@pytest.mark.parametrize("kind", ["moraine", "meadow", "fresh snow", "glacier ice", "cloud"])
def test_land_snow_ice_and_cloud_are_not_proposed(kind: str) -> None:
    assert not proposed(kind)


def test_snow_and_ice_are_told_from_milky_water() -> None:
    found = masks.is_snow_or_ice(pixels("fresh snow", "glacier ice", "glacial milk", "moraine"))
    assert found.tolist() == [[True, True, False, False]]


@pytest.mark.parametrize("bands", [NAMES, NAMES[:4]])
@pytest.mark.parametrize("kind", ["milk as of ice", "red with silt"])
def test_silty_water_as_bright_as_ice_is_proposed_by_its_colour(
    kind: str, bands: tuple[str, ...]
) -> None:
    assert proposed(kind, bands)


@pytest.mark.parametrize("bands", [NAMES, NAMES[:4]])
@pytest.mark.parametrize("kind", ["dusty firn", "dry clay"])
def test_snow_and_ground_that_redden_are_not_proposed(kind: str, bands: tuple[str, ...]) -> None:
    assert not proposed(kind, bands)


def test_white_rock_is_no_cloud() -> None:
    assert not masks.is_cloud(pixels("white rock"), np.zeros((1, 1), np.uint8)).any()


def test_unflagged_cloud_is_found_by_its_brightness_in_the_swir() -> None:
    kinds = pixels("cloud", "fresh snow", "moraine")
    assert masks.is_cloud(kinds, np.zeros((1, 3), np.uint8)).tolist() == [[True, False, False]]


def test_fresh_snow_on_a_slope_that_faces_the_sun_is_no_cloud() -> None:
    snow = {name: 1.4 * band for name, band in pixels("fresh snow").items()}
    snow["swir1"][:] = 0.24
    assert not masks.is_cloud(snow, np.zeros((1, 1), np.uint8)).any()
    assert masks.is_snow_or_ice(snow).all()


def test_a_cloud_flag_is_believed() -> None:
    flags = np.full((1, 1), Quality.CLOUD, np.uint8)
    assert masks.is_cloud(pixels("moraine"), flags).all()


def test_terrain_flags_need_a_dem() -> None:
    nothing = np.full((2, 2), np.nan, "float32")
    assert not masks.terrain_flags(nothing, nothing).any()
    steep, dark = np.float32([[30.0, 5.0]]), np.float32([[0.1, 0.9]])
    both = Quality.STEEP | Quality.TERRAIN_SHADOW
    assert masks.terrain_flags(steep, dark).tolist() == [[both, 0]]


@given(hnp.arrays("float32", (2, 5, 5), elements=st.floats(-0.25, 2, width=32) | st.just(np.nan)))
@settings(max_examples=100, deadline=None)
def test_index_is_bounded_and_missing_stays_missing(bands: np.ndarray) -> None:
    green, nir = bands
    value = indices.ndwi_or_zero(green, nir)
    seen = np.isfinite(green) & np.isfinite(nir)
    assert (np.abs(value[seen]) <= 1).all()
    assert np.isnan(value[~seen]).all()


def test_a_piece_of_a_stream_has_the_length_of_the_stream() -> None:
    value = np.full((60, 60), -0.2, "float32")
    value[30, 5:55] = 0.05
    piece = np.zeros(value.shape, bool)
    piece[30, 20:24] = True
    usable = np.ones(value.shape, bool)
    assert rivers.river_trace(value, piece, usable, 0.0, 5) >= 48


def test_a_pond_beside_a_stream_is_no_line() -> None:
    value = np.full((60, 60), -0.2, "float32")
    value[30, 5:55] = 0.05
    pond = np.zeros(value.shape, bool)
    pond[26:35, 20:29] = True
    assert rivers.river_trace(value, pond, np.ones(value.shape, bool), 0.0, 5) == 0


def test_scan_gaps_are_bridged_and_wide_gaps_are_not() -> None:
    band = np.repeat(np.arange(60, dtype="float32")[:, None], 3, axis=1)
    band[10:24, 0] = np.nan
    band[10:40, 1] = np.nan
    slc_gaps.bridge_gaps(band, np.isnan(band), 0)
    np.testing.assert_allclose(band[:, 0], np.arange(60))
    assert np.isnan(band[10:40, 1]).all()


def test_the_rim_of_a_scene_is_not_bridged() -> None:
    band = np.ones((20, 2), "float32")
    band[:5] = np.nan
    slc_gaps.bridge_gaps(band, np.isnan(band), 0)
    assert np.isnan(band[:5]).all()
