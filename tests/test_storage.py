"""Volume of lakes and its change: published relations, rating curves and bathymetries."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

import glacial_lakes as gl
from glacial_lakes import schema
from glacial_lakes.change import storage, with_volumes
from glacial_lakes.errors import DamagedFileError, VectorError
from glacial_lakes.inventory.surveys import read_surveys
from glacial_lakes.measures.rating_curves import (
    EXPONENT_ERROR,
    FARTHEST,
    RatingCurve,
    from_depths,
)
from glacial_lakes.measures.volume import SCATTER_FACTOR, volume_changes, volumes
from glacial_lakes.settings import StorageSettings

NO_CURVES = schema.conform(pd.DataFrame(), schema.CURVES)


def rows_of(lake: str, areas: list[float | None], sigma: float = 0.0) -> pd.DataFrame:
    """Return observations of a lake, one a year: None is a cloud, 0 no lake."""
    table = pd.DataFrame({"area_m2": areas})
    table["lake_id"], table["sensor"], table["observed_fraction"] = lake, "S2A", 1.0
    table["acquired"] = pd.date_range("2015-08-01", periods=len(areas), freq="365D", tz="UTC")
    table["scene_id"] = [f"scene {number}" for number in range(len(areas))]
    table["area_sigma_m2"] = table["area_m2"].where(table["area_m2"].isna(), sigma)
    status = ["cloud" if pd.isna(area) else "observed" if area else "absent" for area in areas]
    return schema.conform(table.assign(status=status), schema.OBSERVATIONS)


def curve_of(lake: str, areas: list[float], volumes_m3: list[float]) -> pd.DataFrame:
    table = {"lake_id": lake, "area_m2": areas, "volume_m3": volumes_m3, "source": "survey"}
    return schema.conform(pd.DataFrame(table), schema.CURVES)


def test_the_largest_lake_whose_survey_could_be_checked_lies_within_the_interval() -> None:
    tasman = volumes(pd.Series([5.96e6])).iloc[0]
    assert tasman["volume_low_m3"] < 510e6 < tasman["volume_high_m3"]
    assert tasman["volume_m3"] == pytest.approx(510e6, rel=0.1)
    assert volumes(pd.Series([7e6])).isna().all(axis=None)


def test_a_change_has_the_interval_of_the_relations_and_the_error_of_the_areas() -> None:
    areas = np.array([1e5]), np.array([1.5e5])
    low, half, high = volume_changes(*areas, np.array([0.0]))
    both = [volumes(pd.Series(area)).iloc[0]["volume_m3"] for area in areas]
    assert half[0] == pytest.approx(both[1] - both[0], rel=0.05)
    assert high[0] / half[0] >= SCATTER_FACTOR
    assert half[0] / low[0] >= SCATTER_FACTOR
    wide = volume_changes(*areas, np.array([5e4]))
    assert wide[0][0] < 0 < low[0] < high[0] < wide[2][0]  # no growth is as likely
    back = volume_changes(*reversed(areas), np.array([0.0]))
    np.testing.assert_allclose(back[::-1], [-low, -half, -high])


def test_a_lake_that_drained_lost_the_volume_that_it_had() -> None:
    told = with_volumes(rows_of("A", [1e5, None, 0.0]), NO_CURVES)
    assert told["volume_m3"].isna().tolist() == [False, True, False]
    assert told["volume_m3"].iloc[2] == 0
    assert told["volume_change_m3"].iloc[2] == pytest.approx(-told["volume_m3"].iloc[0])
    assert told["volume_change_m3"].iloc[0] == 0


def test_the_survey_of_a_lake_takes_the_place_of_relations() -> None:
    rows = pd.concat([rows_of("A", [1e5, 2e5], 2e3), rows_of("B", [1e5, 2e5], 2e3)])
    told = with_volumes(rows, curve_of("B", [1e5, 2e5], [5e5, 2e6])).set_index("lake_id")
    assert told.loc["A", "volume_method"].tolist() == ["relations"] * 2
    assert told.loc["B", "volume_method"].tolist() == ["curve"] * 2
    assert told.loc["B", "volume_m3"].tolist() == pytest.approx([5e5, 2e6])
    last = told.loc["B"].iloc[-1]
    slope = 2e6 / 2e5 * np.log(4) / np.log(2)
    expected = np.hypot(0.1 * 1.5e6, slope * 2e3 * 2**0.5)
    spread = (last["volume_change_high_m3"] - last["volume_change_low_m3"]) / 2
    assert last["volume_change_m3"] == pytest.approx(1.5e6)
    assert spread == pytest.approx(expected, rel=0.02)


def test_a_curve_goes_through_its_points_and_ends_where_nobody_surveyed() -> None:
    curve = RatingCurve((1e5, 2e5, 4e5), (1e6, 3e6, 8e6))
    inside, error = curve.volumes(np.array([1e5, 1.5e5, 2e5, 4e5]))
    assert inside[[0, 2, 3]].tolist() == pytest.approx([1e6, 3e6, 8e6])
    assert 1e6 < inside[1] < 3e6
    assert error.tolist() == pytest.approx([0.1] * 4)
    far, more = curve.volumes(np.array([4e5 * FARTHEST, 5e4, 0.0]))
    assert far.tolist() == pytest.approx([8e6 * (8 / 3), 1e6 / 3, 0.0])
    assert more[:2].tolist() == pytest.approx([np.hypot(0.1, EXPONENT_ERROR * np.log(2))] * 2)
    assert np.isnan(curve.volumes(np.array([4.1e5 * FARTHEST, 4.9e4, np.nan]))[0]).all()


def test_the_curve_of_a_cone_is_that_of_a_cone() -> None:
    y, x = np.mgrid[-100:101, -100:101] * 2.0
    depth = np.maximum(0.0, 30.0 * (1 - np.hypot(x, y) / 180.0))
    depth[0, 0] = np.nan
    curve = from_depths(depth, 4.0)
    assert curve is not None
    areas = np.array(curve.area_m2)
    assert areas[-1] == pytest.approx(np.pi * 180**2, rel=0.01)
    # A third of area times depth, of each level.
    np.testing.assert_allclose(
        np.array(curve.volume_m3)[2:], (areas * 30 * (areas / areas[-1]) ** 0.5 / 3)[2:], rtol=0.03
    )
    assert from_depths(np.zeros((3, 3)), 4.0) is None


def test_storage_is_that_of_the_last_date_and_tells_lakes_with_a_volume_alone() -> None:
    rows = pd.concat(
        [rows_of("A", [1e5, 2e5, None]), rows_of("B", [1e3, 1e3]), rows_of("C", [1e5, 2e5])]
    )
    table = storage(rows, NO_CURVES, shallow={"C"}).set_index("lake_id")
    assert table.index.tolist() == ["A"]  # B is too small, of C the area says nothing
    assert table.loc["A", "n"] == 2
    assert table.loc["A", "last"] == pd.Timestamp("2016-07-31", tz="UTC")
    known = storage(rows, curve_of("C", [1e5], [1e6]), shallow={"C"}).set_index("lake_id")
    assert known.loc["C", "volume_method"] == "curve"


@pytest.fixture
def surveyed(tmp_path: Path) -> tuple[gl.Inventory, StorageSettings, Path]:
    """Return an inventory of two lakes, and files that tell the volume of them."""
    from datetime import UTC, datetime

    import geopandas as gpd
    from shapely import box

    shapes = [
        box(500_000, 4_700_000, 500_400, 4_700_300),
        box(502_000, 4_700_000, 502_500, 4_700_200),
    ]
    drawn = gpd.GeoDataFrame(geometry=shapes, crs="EPSG:32643")
    dates = [
        gl.CompleteCoverage(str(y), datetime(y, 8, 1, tzinfo=UTC), "S2A") for y in (2015, 2020)
    ]
    inventory = gl.track([gl.MappedScene(drawn, coverage) for coverage in dates])
    first = inventory.lakes["lake_id"].iloc[0]
    text = f"lake;area_km2;volume_million_m3\n{first};0,12;2,5\nNo lake;0,1;1\n"
    (tmp_path / "curves.csv").write_text(text, encoding="utf-8-sig")
    depth = np.zeros((40, 60), "float32")
    depth[10:30, 5:55] = 8.0
    with rasterio.open(
        tmp_path / "depth.tif", "w", driver="GTiff", height=40, width=60, count=1, dtype="float32",
        crs="EPSG:32643", transform=Affine(10, 0, 501_950, 0, -10, 4_700_300),
    ) as dataset:  # fmt: skip
        dataset.write(depth, 1)
    return inventory, StorageSettings("curves.csv", ("depth.tif",)), tmp_path


def test_curves_and_bathymetries_of_the_project_reach_lakes_storage_and_the_file(
    surveyed, caplog: pytest.LogCaptureFixture
) -> None:
    inventory, settings, folder = surveyed
    surveys = read_surveys(settings, folder)
    scenes = [
        gl.MappedScene(
            inventory.outlines[inventory.outlines["scene_id"] == name].drop(columns="lake_id"),
            gl.CompleteCoverage(name, time.to_pydatetime(), "S2A"),
        )
        for name, time in zip(
            inventory.scenes["scene_id"], inventory.scenes["acquired"], strict=True
        )
    ]
    tracked = gl.track(scenes, surveys=surveys, previous=inventory)
    assert "curves.csv: no lake is called No lake" in caplog.text
    first, second = tracked.lakes.sort_values("lon")["volume_m3"]
    assert first == pytest.approx(2.5e6, rel=0.01)
    assert second == pytest.approx(8 * 500 * 200, rel=0.01)
    assert set(tracked.storage["volume_method"]) == {"curve"}
    tracked.to_file(folder / "inventory.gpkg")
    read = gl.open_inventory(folder / "inventory.gpkg")
    pd.testing.assert_frame_equal(read.curves, tracked.curves)
    pd.testing.assert_frame_equal(read.storage, tracked.storage)
    # Without new surveys the known ones stay.
    again = gl.track(scenes, previous=read)
    pd.testing.assert_frame_equal(again.curves, tracked.curves)
    plain = replace(tracked, curves=NO_CURVES)
    assert set(plain.storage["volume_method"]) == {"relations"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lake,area_m2,volume_m3\nA,1e5,zero\n", r"no number above 0 in volume_m3, rows 2;"),
        ("lake,area_m2,volume_m3\nA,1e5,2e6\nA,2e5,1e6\n", "does not grow with the area of"),
        (
            'lake,area_m2,volume_m3\nA,"25,000",3e5\nA,"125,000",3e6\n',
            "no number above 0 in area_m2",
        ),
        ("lake;area_m2;volume_m3\nA;2,5 ha;3e5\n", "no number above 0 in area_m2, rows 2;"),
        ("lake,area_m2\nA,1e5\n", "has no column volume_m3"),
        ("name,area_m2,volume_m3\nA,1,1\n", "has no column lake"),
    ],
)
def test_a_table_that_cannot_be_meant_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "curves.csv").write_text(text, encoding="utf-8")
    with pytest.raises(VectorError, match=said) as refused:
        read_surveys(StorageSettings("curves.csv"), tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        'lake,area_m2,volume_m3\nA,"25,000.0","300,000.5"\nA,"125,000.0","3,000,000"\n',
        "lake;area_m2;volume_m3\nA;25\u00a0000;300\u202f000,5\nA;125 000 м²;3\u00a0000\u00a0000\n",
    ],
)
def test_numbers_of_curves_are_read_as_people_write_them(tmp_path: Path, text: str) -> None:
    """Three digits behind a comma that could be thousands are refused: a lake is not 25 m²."""
    (tmp_path / "curves.csv").write_text(text, encoding="utf-8")
    curves = read_surveys(StorageSettings("curves.csv"), tmp_path).curves
    assert curves["area_m2"].tolist() == [25_000.0, 125_000.0]
    assert curves["volume_m3"].tolist() == [300_000.5, 3_000_000.0]


def test_a_raster_without_depths_is_refused(surveyed) -> None:
    _, _, folder = surveyed
    shutil.copy(folder / "depth.tif", folder / "flat.tif")
    with rasterio.open(folder / "flat.tif", "r+") as dataset:
        dataset.write(np.zeros((40, 60), "float32"), 1)
    with pytest.raises(DamagedFileError, match="shows no depth above 0"):
        read_surveys(StorageSettings(bathymetry=("flat.tif",)), folder)
