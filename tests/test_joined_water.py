"""A lake that runs together with shade is told apart; its own dark middle belongs to it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from glacial_lakes.mapping.dark_middle import with_dark_middle
from glacial_lakes.mapping.standing_out import standing_out

SHAPE = (70, 90)
BLUR_PX = 0.8


def disc(row: float, col: float, radius: float) -> np.ndarray:
    """Return a disc on the grid of these tests."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.asarray(np.hypot(rows - row, cols - col) < radius)


def shaded(lake: float, shade: float, where: np.ndarray, noise: float, seed: int) -> np.ndarray:
    """Return the index of a lake in shade, of which each pixel is noisy."""
    rng = np.random.default_rng(seed)
    index = shade + (lake - shade) * gaussian_filter(where.astype(float), BLUR_PX)
    return np.asarray(index + rng.normal(0, noise, SHAPE), "float32")


def agreement(part: np.ndarray, truth: np.ndarray) -> float:
    """Return overlap over union."""
    return float((part & truth).sum() / (part | truth).sum())


@given(
    shade=st.floats(0.0, 0.35),
    rise=st.floats(0.4, 0.5),
    radius=st.floats(8, 14),
    seed=st.integers(0, 999),
)
@settings(max_examples=30, deadline=None)
def test_a_lake_in_the_shade_of_a_wall_stands_out(
    shade: float, rise: float, radius: float, seed: int
) -> None:
    lake = disc(35, 40, radius)
    wall = np.zeros(SHAPE, bool)
    wall[3:-3, 3:-3] = True
    parts = standing_out(shaded(shade + rise, shade, lake, 0.1, seed), wall)
    assert max(agreement(part, lake) for part in parts) > 0.6
    assert all((part & lake).sum() > 0.8 * part.sum() for part in parts)


@given(st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_shade_of_noisy_index_holds_no_lake(seed: int) -> None:
    wall = disc(35, 45, 30)
    assert standing_out(shaded(0.2, 0.2, wall, 0.15, seed), wall) == []


def test_water_that_grows_clearer_bit_by_bit_is_no_lake_within_a_lake() -> None:
    lake = disc(35, 45, 30)
    slope = np.linspace(0.2, 0.8, SHAPE[1], dtype="float32")[None].repeat(SHAPE[0], 0)
    assert standing_out(slope, lake) == []


def ring_and_bands(middle_nir: float) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return a ring of shallows, what it encloses, and bands of both."""
    lake, middle = disc(35, 45, 25), disc(35, 45, 15)
    green = np.where(middle, 0.02, 0.05).astype("float32")
    nir = np.where(middle, middle_nir, 0.015).astype("float32")
    return lake & ~middle, middle, {"green": green, "nir": nir}


def test_the_dark_middle_of_a_ring_of_shallows_is_water() -> None:
    ring, middle, bands = ring_and_bands(0.016)
    whole = with_dark_middle(bands, list(bands), ring, np.ones(SHAPE, bool))
    assert (whole == (ring | middle)).all()


def test_an_island_and_what_a_cloud_hides_are_no_dark_middle() -> None:
    ring, middle, bands = ring_and_bands(0.15)
    assert (with_dark_middle(bands, list(bands), ring, np.ones(SHAPE, bool)) == ring).all()
    ring, middle, bands = ring_and_bands(0.016)
    assert (with_dark_middle(bands, list(bands), ring, ~middle) == ring).all()


def test_a_bay_that_opens_to_the_land_is_not_enclosed() -> None:
    ring, _, bands = ring_and_bands(0.016)
    ring[30:40, 55:] = False
    assert (with_dark_middle(bands, list(bands), ring, np.ones(SHAPE, bool)) == ring).all()
