"""The standard deviation of an area grows with what makes its shore uncertain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from shapely.geometry import Point, box

from glacial_lakes import measures
from glacial_lakes.mapping import uncertainty
from glacial_lakes.mapping.uncertainty import Shore, area_sigma, measure_shore, shift_px

SHAPE = (40, 40)
LAKE = box(100, 100, 300, 300)
ROWS, COLS = np.indices(SHAPE)
INSIDE = (ROWS >= 10) & (ROWS < 30) & (COLS >= 10) & (COLS < 30)
EVERYWHERE, NOWHERE = np.ones(SHAPE, bool), np.zeros(SHAPE, bool)


def measured(
    fraction: np.ndarray, level: float = 0.5, separation: float = np.inf, **more: np.ndarray
) -> Shore:
    known = {"inside": INSIDE, "usable": EVERYWHERE, "doubtful": NOWHERE}
    known |= {"core": INSIDE, "ground": EVERYWHERE} | more
    fraction = fraction.astype("float32")
    return measure_shore(fraction, level, LAKE, separation=separation, pixel_m=10.0, **known)


def of_disc(blur_px: float = 0.7, silty: float = 0.0, **more: np.ndarray) -> Shore:
    """Measure a round lake as an image with so much blur shows it; its west is of other water."""
    away = np.hypot(ROWS - 19.5, COLS - 19.5) - 10
    fraction = special.erfc(away / blur_px / np.sqrt(2)) / 2 - silty * (away < -3) * (COLS < 20)
    known = {"inside": away < 0, "usable": EVERYWHERE, "doubtful": NOWHERE}
    known |= {"core": away < -3, "ground": EVERYWHERE} | more
    polygon = Point(200, 200).buffer(100)
    return measure_shore(
        fraction.astype("float32"), 0.5, polygon, separation=np.inf, pixel_m=10.0, **known
    )


def test_a_blurred_shore_of_even_ground_is_as_well_known_as_any() -> None:
    shore = of_disc()
    assert (shore.doubtful, shore.apart_px) == (0, 0)
    assert shift_px(shore) == pytest.approx(uncertainty.LEAST_SHIFT_PX, abs=0.03)


def test_a_shore_sharper_than_the_image_can_show_one_is_less_known() -> None:
    assert shift_px(of_disc(blur_px=0.1)) > 5 * shift_px(of_disc())


def test_water_of_more_than_one_kind_makes_a_shore_less_known() -> None:
    silty = of_disc(silty=0.2)
    assert silty.unlike == pytest.approx(0.1, abs=0.01)
    assert shift_px(silty) > 2 * shift_px(of_disc())
    assert of_disc(core=NOWHERE).unlike == uncertainty.UNKNOWN_UNLIKE


def test_water_beside_the_outline_is_told_unless_it_is_of_another_lake() -> None:
    arm = (ROWS >= 18) & (ROWS < 22) & (COLS >= 31) & (COLS < 36)
    fraction = INSIDE | arm
    assert measured(fraction).apart_px == 4 * 3
    assert measured(fraction, ground=~arm).apart_px == 0
    assert measured(fraction, usable=~arm).apart_px == 0
    apart = area_sigma(800.0, 10.0, 0.05, apart_m2=1200.0)
    assert apart == pytest.approx(
        np.hypot(area_sigma(800.0, 10.0, 0.05), uncertainty.APART_WEIGHT * 1200), rel=1e-6
    )


def test_uneven_land_beside_the_shore_is_measured_as_spread() -> None:
    noise = np.random.default_rng(1).normal(0, 0.2, SHAPE)
    assert measured(np.where(INSIDE, 1, noise)).spread == pytest.approx(0.2, abs=0.02)


def test_a_wide_shore_has_more_mixed_pixels_and_moves_more_with_the_level() -> None:
    away = np.maximum(np.abs(ROWS - 19.5), np.abs(COLS - 19.5)) - 10
    steep, gentle = (measured(np.clip(0.5 - away / width, 0, 1)) for width in (2, 6))
    assert gentle.mixed > 1.5 * steep.mixed
    assert gentle.sensitivity > 2 * steep.sensitivity


def test_shade_along_half_of_the_shore_is_doubtful() -> None:
    assert measured(INSIDE, doubtful=COLS < 20).doubtful == pytest.approx(0.5)


def test_land_that_was_not_seen_tells_nothing_of_the_spread() -> None:
    wild = np.where(INSIDE, 1, np.where(COLS < 10, 5.0, 0.0))
    assert measured(wild, usable=COLS >= 10).spread == 0


def test_noise_and_water_that_the_outline_lacks_make_it_less_known() -> None:
    well = shift_px(measured(INSIDE, separation=20.0))
    assert shift_px(measured(INSIDE, separation=3.0)) > well
    assert shift_px(measured(INSIDE, level=0.56, separation=20.0)) > well
    assert shift_px(measured(INSIDE, level=0.4, separation=20.0)) == well


shores = st.builds(
    Shore,
    spread=st.floats(0, 1),
    mixed=st.floats(0, 5),
    sensitivity=st.floats(0, 50),
    doubtful=st.floats(0, 1),
    noise=st.floats(0, 1),
    unexplained=st.floats(0, 0.1),
    unlike=st.floats(0, 1),
    apart_px=st.floats(0, 100),
)


@given(shores, shores)
def test_what_is_worse_in_all_is_never_better_known(one: Shore, other: Shore) -> None:
    names = Shore.__slots__
    worst = Shore(**{name: max(getattr(one, name), getattr(other, name)) for name in names})
    for shore in (one, other):
        assert shift_px(replace(worst, mixed=shore.mixed)) >= shift_px(shore) >= 0


@given(shores, st.floats(0, 5), st.floats(0, 5))
def test_more_mixed_pixels_than_blur_makes_and_fewer_are_never_better_known(
    shore: Shore, one: float, other: float
) -> None:
    as_blurred = uncertainty.LEAST_BLURRED, uncertainty.LEAST_MIXED
    fewest, fewer = sorted(min(mixed, as_blurred[0]) for mixed in (one, other))
    more, most = sorted(max(mixed, as_blurred[1]) for mixed in (one, other))
    shifts = [shift_px(replace(shore, mixed=mixed)) for mixed in (fewest, fewer, more, most)]
    assert shifts[0] >= shifts[1] - 1e-12
    assert shifts[3] >= shifts[2] - 1e-12
    assert shifts[1] >= shift_px(replace(shore, mixed=as_blurred[1])) - 1e-12


def test_the_parts_of_the_error_are_added_in_quadrature() -> None:
    perimeter, pixel = 900.0, 10.0
    local = area_sigma(perimeter, pixel, 0.0)
    pieces = perimeter / pixel / uncertainty.CORRELATION_PX
    whole_px = uncertainty.WHOLE_PX * pixel**2
    along = uncertainty.LOCAL_SHIFT_PX * 10 * 900 / np.sqrt(pieces)
    assert local == pytest.approx(np.hypot(along, whole_px))
    whole = area_sigma(perimeter, pixel, 0.1, 2000.0)
    parts = (local, 0.1 * 10 * 900, uncertainty.HIDDEN_WEIGHT * 2000)
    assert whole == pytest.approx(np.sqrt(sum(part**2 for part in parts)))


def test_uncertainty_grows_with_perimeter_and_pixel() -> None:
    short, long = area_sigma([400.0, 4000.0], 10.0, 0.06)
    assert long > short
    assert area_sigma(400.0, 30.0, 0.06) > short


def test_hanshaw_bookhagen_formula_by_hand() -> None:
    error = measures.hanshaw_bookhagen_error(np.array([400.0]), 10.0)
    assert error[0] == pytest.approx(0.6872 * 40 * 50)
