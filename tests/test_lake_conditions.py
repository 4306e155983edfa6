"""Lakes in shade, under thin cloud, frozen or silty: found, or not observed with the reason."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import discover

SHRUNK = 0.85
Pair = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]


def mapped_and_true(folder: Path, scenes: Path, date: str) -> Pair:
    scene = next(one for one in discover([scenes]) if f"{one.acquired:%Y-%m-%d}" == date)
    mapped = map_lakes(scene, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg").outlines
    return mapped, gpd.read_file(folder / "truth.gpkg", layer=date).to_crs(mapped.crs)


@pytest.fixture(scope="module")
def late_summer(data: Path) -> Pair:
    folder = data / "independent_truth" / "series"
    return mapped_and_true(folder, folder, "2023-08-16")


def on(mapped: gpd.GeoDataFrame, lake: shapely.Polygon) -> pd.DataFrame:
    return mapped[mapped.intersects(lake)]


@pytest.mark.parametrize(
    ("lake", "status"),
    [
        pytest.param("P0118", "shadow", id="cast shadow on a third of the lake"),
        pytest.param("P0005", "cloud", id="thin cloud over half of the lake"),
    ],
)
def test_a_lake_that_shade_or_thin_cloud_cuts_has_no_area(
    late_summer: Pair, lake: str, status: str
) -> None:
    mapped, truth = late_summer
    found = on(mapped, truth.set_index("lake_id").geometry[lake])
    assert found["status"].tolist() == [status]
    assert found["area_m2"].isna().all()


@pytest.mark.parametrize("lake", ["P0018_1", "GL079654E32345N", "P0032"])
def test_a_lake_beside_thin_cloud_that_is_seen_whole_has_its_area(
    late_summer: Pair, lake: str
) -> None:
    mapped, truth = late_summer
    row = truth.set_index("lake_id").loc[lake]
    found = on(mapped, row.geometry)
    assert found["status"].tolist() == ["observed"]
    assert found["area_m2"].item() == pytest.approx(row.area_m2, rel=0.03)


def test_a_frozen_lake_is_not_told_to_be_smaller(data: Path) -> None:
    folder = data / "independent_truth" / "series"
    mapped, truth = mapped_and_true(folder, folder, "2011-06-04")
    frozen = truth[truth["frozen_fraction"] > 0.5]
    assert len(frozen) > 50
    for lake in frozen.itertuples():
        areas = on(mapped, lake.geometry)["area_m2"].dropna()
        assert not (areas < SHRUNK * lake.area_m2).any()


def test_silty_lakes_are_found_where_they_are_shown(sample_data: Path) -> None:
    mapped, truth = mapped_and_true(sample_data, sample_data / "scenes", "2022-08-16")
    silty = truth[(truth["water"] == "very turbid") & (truth["observed_fraction"] == 1)]
    assert len(silty) >= 3
    for lake in silty.itertuples():
        found = on(mapped, lake.geometry)
        assert found["status"].tolist() == ["observed"]
        limit = 3 * found["area_sigma_m2"].item()
        assert found["area_m2"].item() == pytest.approx(lake.area_m2, abs=limit)


def test_a_lake_in_deep_shade_is_not_given_an_area(data: Path) -> None:
    folder = data / "independent_truth" / "clear_summer"
    mapped, truth = mapped_and_true(folder, folder, "2021-08-24")
    shaded = truth[truth["in_shadow"].astype(bool)]
    assert len(shaded) >= 2
    for lake in shaded.itertuples():
        assert on(mapped, lake.geometry)["area_m2"].isna().all()
