"""What a scene shows of a place: fractions, reasons, and nothing unseen called land."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window
from shapely import box

from glacial_lakes.coverage import Coverage, State
from glacial_lakes.errors import DamagedFileError
from glacial_lakes.grid import Grid

GRID = Grid(CRS.from_epsg(32643), Affine(10, 0, 460_000, 0, -10, 4_720_000), (40, 50))


def coverage(states: np.ndarray) -> Coverage:
    return Coverage.from_states(
        states.astype("uint8"), scene_id="S", acquired=datetime(2020, 8, 1, tzinfo=UTC),
        sensor="S2A", grid=GRID,
    )  # fmt: skip


def square(row: int, col: int, size: int) -> gpd.GeoSeries:
    west, north = 460_000 + 10 * col, 4_720_000 - 10 * row
    return gpd.GeoSeries([box(west, north - 10 * size, west + 10 * size, north)], crs=32643)


def test_a_place_that_is_seen_is_observed() -> None:
    seen = coverage(np.full(GRID.shape, State.LAND)).observe(square(5, 5, 10))
    assert seen.iloc[0].to_dict() == {"observed_fraction": 1.0, "status": "observed"}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.NODATA, "nodata"),
        (State.CLOUD, "cloud"),
        (State.SHADOW, "shadow"),
        (State.SNOW, "frozen"),
        (State.UNCERTAIN, "uncertain"),
    ],
)
def test_the_status_names_what_hides_the_place(state: State, status: str) -> None:
    states = np.full(GRID.shape, State.WATER)
    states[:, 10:] = state
    seen = coverage(states).observe(square(5, 5, 10)).iloc[0]
    assert seen["status"] == status
    assert seen["observed_fraction"] == pytest.approx(0.5)


def test_a_place_outside_of_the_scene_is_nodata() -> None:
    seen = coverage(np.full(GRID.shape, State.LAND)).observe(square(500, 5, 10)).iloc[0]
    assert seen.to_dict() == {"observed_fraction": 0.0, "status": "nodata"}


def test_a_place_half_outside_of_the_scene_is_half_observed() -> None:
    seen = coverage(np.full(GRID.shape, State.LAND)).observe(square(35, 5, 10)).iloc[0]
    assert seen.to_dict() == {"observed_fraction": 0.5, "status": "nodata"}


@given(st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_hiding_more_never_shows_more(hidden: int) -> None:
    states = np.full(100, State.WATER)
    states[:hidden] = State.CLOUD
    full = np.full(GRID.shape, State.LAND)
    full[5:15, 5:15] = states.reshape(10, 10)
    seen = coverage(full).observe(square(5, 5, 10)).iloc[0]
    assert seen["observed_fraction"] == pytest.approx(1 - hidden / 100)
    assert (seen["status"] == "observed") == (hidden <= 10)


def test_polygons_in_degrees_keep_their_index() -> None:
    places = square(5, 5, 10).to_crs(4326)
    places.index = ["a"]
    seen = coverage(np.full(GRID.shape, State.LAND)).observe(places)
    assert list(seen.index) == ["a"]
    assert seen["status"].iloc[0] == "observed"


def test_a_sliver_between_pixel_centres_is_still_observed() -> None:
    sliver = gpd.GeoSeries([box(460_101, 4_719_801, 460_102, 4_719_802)], crs=32643)
    assert coverage(np.full(GRID.shape, State.LAND)).observe(sliver)["status"].iloc[0] == "observed"


def test_file_round_trip_keeps_everything(tmp_path: Path) -> None:
    states = np.random.default_rng(0).integers(0, 7, GRID.shape)
    before = coverage(states)
    before.to_file(tmp_path / "coverage.tif")
    after = Coverage.from_file(tmp_path / "coverage.tif")
    assert after == before
    np.testing.assert_array_equal(after.states(), states)
    np.testing.assert_array_equal(after.states(Window(-2, -1, 4, 3))[1:, 2:], states[:2, :2])


def test_another_file_is_no_coverage(tmp_path: Path) -> None:
    (tmp_path / "coverage.tif").write_bytes(b"something else")
    with pytest.raises(DamagedFileError, match="no coverage of a scene"):
        Coverage.from_file(tmp_path / "coverage.tif")
