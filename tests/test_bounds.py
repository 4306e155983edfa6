"""Lakes of which an image shows a part: no area, but bounds that hold the true one."""

from __future__ import annotations

from datetime import UTC, datetime

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from scipy import ndimage

import glacial_lakes as gl
from glacial_lakes.grid import Grid
from glacial_lakes.mapping.bounds import hidden_px
from glacial_lakes.schema import Status
from glacial_lakes.terrain import Terrain
from glacial_lakes.tracking.tables import track_lakes

SIZE, PIXEL_M = 120, 10.0
PLACE = Affine(PIXEL_M, 0, 500_000, 0, -PIXEL_M, 4_700_000)
GRID = Grid(CRS.from_epsg(32643), PLACE, (SIZE, SIZE))
X, Y = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
ROUND = np.hypot(X - 60, Y - 60) < 25
TRUE_M2 = np.pi * 250.0**2
CLOUD, VEGETATION, WATER = 9, 4, 6


def cut_by(cloud: NDArray[np.bool_], seed: int = 3) -> gl.MappedScene:
    """Map a round lake of which a cloud hides a part."""
    xr = pytest.importorskip("xarray")
    rng = np.random.default_rng(seed)
    bands = {
        "blue": (0.06, 0.05), "green": (0.08, 0.06), "red": (0.10, 0.03), "nir": (0.16, 0.015),
        "swir1": (0.20, 0.008), "swir2": (0.18, 0.006),
    }  # fmt: skip
    at = {"y": PLACE.f - PIXEL_M * Y[:, 0], "x": PLACE.c + PIXEL_M * X[0]}
    arrays = {}
    for name, (land, water) in bands.items():
        plane = ndimage.gaussian_filter(np.where(ROUND, water, land), 0.7)  # as optics blur
        plane += rng.normal(0, 0.002, ROUND.shape)
        plane = np.where(cloud, 0.7, plane).astype(np.float32)
        arrays[name] = xr.DataArray(plane, dims=("y", "x"), coords=at)
    classes = np.where(cloud, CLOUD, np.where(ROUND, WATER, VEGETATION)).astype(np.uint8)
    scene = gl.Scene.from_xarray(
        arrays,
        quality=xr.DataArray(classes, dims=("y", "x"), coords=at),
        decoder="scl",
        sensor="S2A",
        acquired=datetime(2022, 8, 1, 5, 30, tzinfo=UTC),
        scale=1.0,
        offset=0.0,
        crs=32643,
    )
    return gl.map_lakes(scene)


@pytest.mark.parametrize("hidden_from", [50, 60, 70, 77])
def test_bounds_hold_the_area_of_a_lake_that_a_cloud_cuts(hidden_from: int) -> None:
    cloud = (hidden_from <= X) & (X < 100) & (np.abs(Y - 60) < 35)
    mapped = cut_by(cloud).outlines
    lake = mapped.iloc[0]
    assert len(mapped) == 1
    assert lake["status"] == "cloud"
    assert np.isnan(lake["area_m2"])
    assert lake["area_min_m2"] < TRUE_M2 < lake["area_max_m2"]
    shows = shapely.area(lake.geometry)
    assert 0.9 * shows < lake["area_min_m2"] < shows


def test_a_twentieth_under_a_cloud_leaves_an_area_with_a_wider_sigma() -> None:
    cloud = (np.abs(X - 60) < 2) & (np.abs(Y - 36) < 3)
    seen, cut = (cut_by(some).outlines.iloc[0] for some in (cloud & False, cloud))
    assert cut["status"] == "observed"
    assert 0.9 < cut["observed_fraction"] < 0.98
    assert cut["area_sigma_m2"] > 1.3 * seen["area_sigma_m2"]
    assert cut[["area_min_m2", "area_max_m2"]].isna().all()


def test_hidden_ground_that_reaches_the_edge_of_the_image_gives_no_upper_bound() -> None:
    lake = cut_by(X >= 60).outlines.iloc[0]
    assert lake["area_min_m2"] > 0.4 * TRUE_M2
    assert np.isnan(lake["area_max_m2"])


def beside(states: NDArray[np.uint8], slope_deg: float = 0.0, rise_m: float = 0.0) -> float:
    heights = np.where(X > 70, np.float32(3000 + rise_m), np.float32(3000))
    level = np.where(X > 70, np.float32(slope_deg), np.float32(0))
    terrain = Terrain(GRID, heights, level.astype(np.float32), np.ones_like(heights))
    lake = shapely.box(*(PLACE * (40, 80)), *(PLACE * (60, 40)))
    nothing = GRID.window, np.zeros(GRID.shape, bool)
    return hidden_px(states, GRID, lake, nothing, terrain)[1]


def test_steep_or_higher_ground_under_a_cloud_is_no_hidden_lake() -> None:
    states = np.full(GRID.shape, gl.State.LAND, np.uint8)
    states[50:70, 60:90] = gl.State.CLOUD
    whole = beside(states)
    assert whole == pytest.approx(20 * 30)
    for terrain in ({"slope_deg": 40.0}, {"rise_m": 60.0}, {"rise_m": -60.0}):
        assert beside(states, **terrain) == pytest.approx(20 * 10, abs=20)


def test_water_behind_a_cloud_may_be_the_same_lake() -> None:
    states = np.full(GRID.shape, gl.State.LAND, np.uint8)
    states[50:70, 60:65] = gl.State.CLOUD
    states[50:70, 65:80] = gl.State.WATER
    states[10:20, 10:20] = gl.State.WATER
    assert beside(states) == pytest.approx(20 * 20)


def drawn(year: int, status: str, **told: float) -> gl.MappedScene:
    lake = shapely.box(0, 0, 200, 200) if status == "observed" else shapely.box(0, 0, 100, 200)
    table = gpd.GeoDataFrame(
        {"status": [status], "observed_fraction": [1.0 if status == "observed" else 0.5]},
        geometry=[shapely.affinity.translate(lake, 500_000, 4_700_000)],
        crs=32643,
    )
    table["area_m2"] = table.area.where(table["status"] == "observed")
    table["area_sigma_m2"] = 0.03 * table["area_m2"]
    when = datetime(year, 8, 1, 5, 30, tzinfo=UTC)
    return gl.MappedScene(table.assign(**told), gl.CompleteCoverage(f"{year}", when, "S2A", 10.0))


def test_bounds_stand_in_outlines_and_observations_where_there_is_no_area() -> None:
    told = {"area_min_m2": 19_000.0, "area_max_m2": 41_000.0}  # less than others tell
    cut = drawn(2021, "cloud", **told)
    tracked = track_lakes([drawn(2020, "observed"), cut, drawn(2022, "observed")])
    for table in (tracked.outlines, tracked.observations):
        rows = table.sort_values("acquired")
        assert rows["status"].tolist() == [Status.OBSERVED, Status.CLOUD, Status.OBSERVED]
        assert rows["area_m2"].isna().tolist() == [False, True, False]
        for name, value in told.items():
            assert rows[name].fillna(0).tolist() == [0.0, value, 0.0]
