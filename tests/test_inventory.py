from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from glacial_lakes import schema
from glacial_lakes.coverage import CompleteCoverage
from glacial_lakes.errors import InputError, VectorError
from glacial_lakes.export.export import export
from glacial_lakes.inventory.build import track
from glacial_lakes.inventory.inventory import (
    ALL_LAYERS,
    DERIVED,
    LAYERS,
    Inventory,
    open_inventory,
)
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.review.review_file import review_file

X0, Y0 = 400_000.0, 4_700_000.0
YEARS = (2016, 2018, 2020, 2022)


def _tables(years: tuple[int, ...] = YEARS) -> list[MappedScene]:
    """Three lakes that stay, one that drains after 2018 and one that appears in 2020."""
    tables = []
    for year in years:
        radii = {0: 150, 1: 220 + (year - 2016) * 5, 2: 90}
        radii |= {3: 180} if year <= 2018 else {4: 160}
        lakes = [shapely.Point(X0 + 900 * n, Y0).buffer(radius) for n, radius in radii.items()]
        table = gpd.GeoDataFrame(geometry=lakes, crs=32643)
        table["status"], table["observed_fraction"] = "observed", 1.0
        table["area_m2"] = table.area
        table["area_sigma_m2"] = 0.03 * table.area
        table["quality"] = "good"
        acquired = datetime(year, 8, 20, 5, 46, 41, tzinfo=UTC)
        coverage = CompleteCoverage(f"S2A_{year}", acquired, "S2A", 10.0)
        tables.append(MappedScene(table, coverage))
    return tables


@pytest.fixture
def inventory() -> Inventory:
    return track(_tables())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _equal(one: Inventory, other: Inventory) -> None:
    for name in LAYERS:
        left, right = getattr(one, name), getattr(other, name)
        if isinstance(left, gpd.GeoDataFrame):
            assert shapely.equals(left.geometry.to_numpy(), right.geometry.to_numpy()).all()
            assert left.crs == right.crs == 4326
            left, right = left.drop(columns="geometry"), right.drop(columns="geometry")
        pd.testing.assert_frame_equal(pd.DataFrame(left), pd.DataFrame(right))


def test_the_tables_have_the_columns_of_the_schema(inventory: Inventory) -> None:
    for name, columns in LAYERS.items():
        table = getattr(inventory, name)
        names = [column.name for column in columns]
        assert [column for column in table.columns if column != "geometry"] == names
    assert inventory.lakes.crs == inventory.outlines.crs == 4326
    assert inventory.outlines.is_valid.all()
    assert inventory.outlines["version"].notna().all()


def test_lakes_events_and_observations_tell_one_story(inventory: Inventory) -> None:
    assert inventory.lakes["state"].tolist().count("present") == 4
    assert sorted(inventory.events["event"]) == ["appeared", "drained"]
    drained = inventory.events.set_index("event").loc["drained", "lake_id"]
    rows = inventory.observations_of(drained)
    assert rows["status"].tolist() == ["observed", "observed", "absent", "absent"]
    assert rows["area_m2"].iloc[2:].tolist() == [0, 0]
    assert len(inventory.observations) == 5 * len(YEARS)
    assert inventory.scenes["n_outlines"].tolist() == [4] * 4


def test_an_inventory_reads_back_as_written(inventory: Inventory, tmp_path: Path) -> None:
    inventory.to_file(tmp_path / "a.gpkg")
    _equal(open_inventory(tmp_path / "a.gpkg"), inventory)


def test_an_empty_inventory_can_be_written_and_read(tmp_path: Path) -> None:
    empty = track([])
    empty.to_file(tmp_path / "a.gpkg")
    _equal(open_inventory(tmp_path / "a.gpkg"), empty)
    empty.to_shapefile(tmp_path / "a.shp")
    assert pyogrio.read_info(tmp_path / "a.shp")["features"] == 0
    assert "none" in repr(empty)


def test_equal_inputs_give_equal_bytes_in_any_order(tmp_path: Path) -> None:
    tables = _tables()
    digests = set()
    for number, order in enumerate(([0, 1, 2, 3], [3, 1, 0, 2])):
        path = tmp_path / f"{number}.gpkg"
        track([tables[i] for i in order]).to_file(path)
        digests.add(_sha256(path))
    open_inventory(path).to_file(tmp_path / "again.gpkg")
    assert {*digests, _sha256(tmp_path / "again.gpkg")} == digests
    assert len(digests) == 1


def test_an_update_keeps_identities_reviews_and_runs(inventory: Inventory, tmp_path: Path) -> None:
    first = track(_tables(YEARS[1:]), run={"run_id": "one", "settings": "{}"})
    decided = {"lake_id": [first.lakes["lake_id"][0]], "decision": ["accepted"], "review_id": [1]}
    reviews = schema.conform(
        gpd.GeoDataFrame(decided, geometry=first.lakes.geometry[:1], crs=4326), schema.REVIEWS
    )
    Inventory(**{**vars(first), "reviews": reviews}).to_file(tmp_path / "a.gpkg")
    second = track(_tables(), previous=open_inventory(tmp_path / "a.gpkg"), run={"run_id": "two"})
    assert set(first.lakes["lake_id"]) == set(second.lakes["lake_id"])
    assert second.runs["run_id"].tolist() == ["one", "two"]
    assert second.reviews.drop(columns="geometry").equals(reviews.drop(columns="geometry"))
    renewed = track(_tables(), previous=second)
    pd.testing.assert_frame_equal(renewed.observations, second.observations)


def test_a_file_that_calls_a_state_by_its_older_name_is_read_as_any_other(
    inventory: Inventory, tmp_path: Path
) -> None:
    name = str(inventory.lakes["lake_id"][0])

    def with_state(word: str) -> Inventory:
        state = inventory.lakes["state"].mask(inventory.lakes["lake_id"] == name, word)
        return replace(inventory, lakes=inventory.lakes.assign(state=state))

    older, newer = tmp_path / "older.gpkg", tmp_path / "newer.gpkg"
    with_state("doubtful").to_file(older)
    with_state(schema.LakeState.UNCONFIRMED).to_file(newer)
    assert "doubtful" in set(pyogrio.read_dataframe(older, layer="lakes")["state"])
    read = open_inventory(older)
    _equal(read, open_inventory(newer))
    assert read.lakes.set_index("lake_id").loc[name, "state"] == "unconfirmed"
    assert name not in set(read.trends["lake_id"])

    for one in (older, newer):
        export(open_inventory(one), tmp_path / one.stem, ["csv", "geojson", "kmz"])
    for path in sorted((tmp_path / "newer").rglob("*.*")):
        twin = tmp_path / "older" / path.relative_to(tmp_path / "newer")
        assert twin.read_bytes() == path.read_bytes(), path.name

    edited = tmp_path / "edited.gpkg"  # a person's copy of the older file
    rows = pyogrio.read_dataframe(older, layer="lakes")
    rows["verified"] = rows["lake_id"] == name
    rows.to_file(edited, layer="lakes")
    review_file(older, edited, by="Reviewer")
    reviewed = open_inventory(older)
    assert reviewed.reviews["decision"].tolist() == ["accepted"]
    assert reviewed.lakes.set_index("lake_id").loc[name, "state"] == "present"


def test_an_older_file_without_pixel_sizes_has_those_of_its_sensors(
    inventory: Inventory, tmp_path: Path
) -> None:
    sensors = ["S2A", "LE07", "drone", None]
    outlines = inventory.outlines.iloc[:4].assign(sensor=sensors).drop(columns="pixel_m")
    replace(inventory, outlines=outlines).to_file(tmp_path / "older.gpkg")
    read = open_inventory(tmp_path / "older.gpkg").outlines
    assert read["pixel_m"].tolist() == pytest.approx([10.0, 30.0, np.nan, np.nan], nan_ok=True)


def test_a_value_is_shown_as_the_plain_text_that_it_is() -> None:
    values = pd.Series([*schema.Status, None], dtype=object)
    assert repr(values.tolist()[0]) == "'observed'"
    assert json.dumps(values.tolist()[0]) == '"observed"'
    assert f"{schema.LakeState.GONE}" == "gone"


def test_the_shapefile_holds_the_latest_state_or_one_date(
    inventory: Inventory, tmp_path: Path
) -> None:
    inventory.to_shapefile(tmp_path / "lakes.shp")
    latest = pyogrio.read_dataframe(tmp_path / "lakes.shp")
    assert len(latest) == 4
    assert set(latest["GL_Date"]) == {"2022-08-20T05:46:41Z"}
    assert latest["GLAKE_ID"].is_unique
    for day in ("2016-08-20", date(2016, 8, 20)):
        inventory.to_shapefile(tmp_path / "old.shp", day)
        old = pyogrio.read_dataframe(tmp_path / "old.shp")
        assert set(old["GL_Date"]) == {"2016-08-20T05:46:41Z"}
        assert old["GL_Area"].sum() == pytest.approx(_tables()[0].outlines.area.sum(), rel=1e-9)
    with pytest.raises(InputError, match="2022-08-20"):
        inventory.to_shapefile(tmp_path / "no.shp", "2017-01-01")


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="needs ogrinfo of gdal-bin")
def test_gdal_lists_the_layers_and_their_rows(inventory: Inventory, tmp_path: Path) -> None:
    path = tmp_path / "inventory.gpkg"
    inventory.to_file(path)
    said = subprocess.run(
        ["ogrinfo", "-al", "-so", str(path)], capture_output=True, text=True, check=True
    )
    assert not said.stderr
    blocks = said.stdout.split("Layer name: ")[1:]
    counts = {
        block.split("\n")[0]: int(block.split("Feature Count: ")[1].split()[0])
        for block in blocks
        if "Feature Count" in block
    }
    layers = (*LAYERS, *DERIVED)
    assert {name: counts[name] for name in layers} == {
        name: len(getattr(inventory, name)) for name in layers
    }
    assert counts["layer_styles"] == len(ALL_LAYERS)


def test_glaciers_give_distance_identity_and_type() -> None:
    ice = gpd.GeoDataFrame(
        {"rgi_id": ["near", "far"], "src_date": "2020-08-01T00:00:00"},
        geometry=[
            shapely.box(X0 - 200, Y0 - 200, X0 + 200, Y0 + 200),
            shapely.box(X0 + 50_000, Y0, X0 + 51_000, Y0 + 1000),
        ],
        crs=32643,
    ).to_crs(4326)
    lakes = track(_tables(), glaciers=ice).lakes.sort_values("lon")
    assert lakes["lake_type"].tolist() == ["supraglacial"] + ["unconnected"] * 4
    assert set(lakes["glacier_id"]) == {"near"}
    distances = [0.0, 900 - 200 - 250, 1800 - 200 - 90]
    assert lakes["glacier_dist_m"].tolist()[:3] == pytest.approx(distances, abs=3)
    ice = ice.set_geometry(ice.to_crs(32643).translate(380, 0).to_crs(4326))
    types = track(_tables(), glaciers=ice).lakes.sort_values("lon")["lake_type"].tolist()
    assert types[:2] == ["ice-contact", "unconnected"]


def test_distances_that_mapping_measured_are_kept() -> None:
    tables = _tables()
    for one in tables:
        one.outlines["glacier_id"], one.outlines["glacier_dist_m"] = "as mapped", 12.0
    ice = gpd.GeoDataFrame({"rgi_id": ["x"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    lakes = track(tables, glaciers=ice).lakes
    assert set(lakes["glacier_id"]) == {"as mapped"}
    assert set(lakes["glacier_dist_m"]) == {12.0}


def test_what_is_no_inventory_is_refused_by_name(tmp_path: Path) -> None:
    lake = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    pyogrio.write_dataframe(lake, tmp_path / "a.gpkg", layer="lakes")
    with pytest.raises(VectorError, match="no layer outlines, observations"):
        open_inventory(tmp_path / "a.gpkg")
    pyogrio.write_dataframe(lake, tmp_path / "a.geojson")
    with pytest.raises(VectorError, match="GeoPackage"):
        open_inventory(tmp_path / "a.geojson")


def test_a_lake_can_be_drawn_and_an_unknown_one_is_told(inventory: Inventory) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    axes = inventory.plot(inventory.lakes["lake_id"][0])
    assert axes.has_data()
    plt.close(axes.figure)
    with pytest.raises(InputError, match=r"has no lake GL0; choose from the column .*\(lake_id\)"):
        inventory.plot("GL0")


def test_the_summary_is_safe_html(inventory: Inventory) -> None:
    inventory.lakes.loc[0, "state"] = "<script>"
    page = inventory._repr_html_()
    assert "<script>" not in page
    assert "3 present" in page
    assert "2016-08-20 to 2022-08-20" in page


def test_lakes_carry_their_latest_whole_outline(inventory: Inventory) -> None:
    growing = inventory.lakes.sort_values("max_area_m2").iloc[-1]
    assert growing["area_m2"] == growing["max_area_m2"]
    assert growing["n_observed"] == len(YEARS)
    area = gpd.GeoSeries([growing.geometry], crs=4326).to_crs(32643).area[0]
    assert area == pytest.approx(np.pi * 250**2, rel=0.01)
    assert growing["first_seen"].year == YEARS[0]
    assert growing["last_seen"].year == YEARS[-1]
