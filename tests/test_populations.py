"""A candidate that holds two kinds of ground is two objects; a lake of uneven water is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from glacial_lakes.mapping.populations import populations

BANDS = ("blue", "green", "red", "nir")
GREY_WATER = (0.185, 0.193, 0.197, 0.115)
DIRTY_ICE = (0.30, 0.31, 0.265, 0.187)
TURBID_WATER = (0.13, 0.16, 0.14, 0.06)
CLEAR_WATER = (0.07, 0.06, 0.03, 0.012)


def ground(
    left: tuple[float, ...], right: tuple[float, ...], seed: int = 1, wide: int = 45
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return bands of two kinds side by side in texture and blur, the candidate, and the left."""
    rng = np.random.default_rng(seed)
    cols = np.arange(60) + 3 * gaussian_filter(rng.normal(size=(40, 60)), 4)
    share = gaussian_filter((cols < 60 - wide).astype(float), 0.8)
    light = 1 + 0.4 * gaussian_filter(rng.normal(size=(40, 60)), 1)
    light = np.where(share > 0.5, 1, light)
    ends = (np.array(end)[:, None, None] for end in (left, right))
    first, second = ends
    planes = (share * first + (1 - share) * second) * light + rng.normal(0, 0.002, (4, 40, 60))
    candidate = np.zeros((40, 60), bool)
    candidate[3:37, 4:56] = True
    bands = {name: plane.astype("float32") for name, plane in zip(BANDS, planes, strict=True)}
    return bands, candidate, share > 0.5


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_a_grey_lake_and_the_dirty_ice_around_are_two(seed: int) -> None:
    bands, candidate, lake = ground(GREY_WATER, DIRTY_ICE, seed)
    parts = populations(bands, BANDS, candidate)
    assert len(parts) == 2
    assert not (parts[0] & parts[1]).any()
    overlaps = [(part & lake).sum() / (part | lake & candidate).sum() for part in parts]
    assert max(overlaps) > 0.85


@pytest.mark.parametrize("kinds", [(CLEAR_WATER, TURBID_WATER), (GREY_WATER, GREY_WATER)])
def test_water_of_two_colours_is_one_lake(kinds: tuple[tuple[float, ...], ...]) -> None:
    bands, candidate, _ = ground(*kinds)
    (whole,) = populations(bands, BANDS, candidate)
    assert (whole == candidate).all()


SHALLOWS, DEEP = (0.03, 0.02, 0.01, 0.004), (0.006, 0.003, 0.002, 0.003)
SHADE_OF_ROCK = (0.012, 0.014, 0.014, 0.013)


def test_deep_water_whose_index_is_noise_is_one_lake_with_its_shallows() -> None:
    for deep, count in ((DEEP, 1), (SHADE_OF_ROCK, 2)):
        bands, candidate, _ = ground(SHALLOWS, deep)
        assert len(populations(bands, BANDS, candidate)) == count


def test_a_clear_lake_is_cut_out_of_shade_of_every_brightness() -> None:
    rng = np.random.default_rng(5)
    light = np.exp(1.2 * gaussian_filter(rng.normal(size=(60, 80)), 3) / 0.094)
    blue = gaussian_filter(rng.normal(size=(60, 80)), 2) / 0.14
    shade = np.array([0.045, 0.034, 0.024, 0.015])[:, None, None] * light
    shade = shade * (1 + 0.06 * blue * np.array([1, 0.6, 0, -0.9])[:, None, None])
    lake = np.hypot(*np.mgrid[-30:30, -40:40]) < 12
    share = gaussian_filter(lake.astype(float), 0.7)
    planes = share * np.array(CLEAR_WATER)[:, None, None] + (1 - share) * shade
    planes = np.maximum(planes + rng.normal(0, 0.001, planes.shape), 0.001)
    bands = {name: plane.astype("float32") for name, plane in zip(BANDS, planes, strict=True)}
    candidate = np.zeros((60, 80), bool)
    candidate[4:56, 4:76] = True
    dark = np.where(lake, 1, 0.2).astype("float32")
    parts = populations(bands, BANDS, candidate, dark)
    own = max(parts, key=lambda part: (part & lake).sum() / part.sum())
    assert (own & lake).sum() > 0.95 * own.sum()
    assert (own & lake).sum() > 0.9 * lake.sum()
    assert len(populations(bands, BANDS, candidate)) == 1, "in the sun it may be water, of silt"


def test_a_lake_half_in_glint_is_one() -> None:
    glint = tuple(value + 0.03 for value in CLEAR_WATER)
    bands, candidate, _ = ground(CLEAR_WATER, glint)
    assert len(populations(bands, BANDS, candidate)) == 1


def test_silt_that_thins_out_evenly_is_one_lake() -> None:
    silt = np.linspace(0, 1, 60)[None, None] * np.ones((1, 40, 1))
    weak, strong = (np.array(end)[:, None, None] for end in (GREY_WATER, TURBID_WATER))
    planes = weak + silt * (strong - weak)
    planes = planes + np.random.default_rng(2).normal(0, 0.003, planes.shape)
    bands = {name: plane.astype("float32") for name, plane in zip(BANDS, planes, strict=True)}
    assert len(populations(bands, BANDS, np.ones((40, 60), bool))) == 1


def test_parts_do_not_depend_on_what_lies_around() -> None:
    bands, candidate, _ = ground(GREY_WATER, DIRTY_ICE)
    parts = populations(bands, BANDS, candidate)
    wider = {name: np.pad(band, 9, constant_values=0.5) for name, band in bands.items()}
    again = populations(wider, BANDS, np.pad(candidate, 9))
    assert [np.array_equal(one, other[9:-9, 9:-9]) for one, other in zip(parts, again, strict=True)]
