# ruff: noqa: S608
"""A partner's year over ``run``: two years of scenes, corrections, a new scene, a rerun.

Nothing of it is lost: no decision, name, column, number or layer.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from editing import ogr, run_here, sql
from pandas.testing import assert_frame_equal
from sample_project import PRODUCTS, Maker, tree

from glacial_lakes.inventory.inventory import ALL_LAYERS, Inventory, open_inventory
from glacial_lakes.review.review_file import review_file
from glacial_lakes.workflow.run import RunResult

pytestmark = ogr

PROJECT = """
[project]
name = "Каталог района"
language = "ru"
[export]
formats = ["shp", "gpkg", "csv", "csv_excel", "xlsx", "kmz", "report"]
since = "2003"
[catalogue]
file = "перечень.shp"
encoding = "CP1251"
id = "НОМЕР"
name = "НАЗВАНИЕ"
district = "РАЙОН"
comment = "ПРИМЕЧАНИЕ"
new_numbers = ["Западный=KG-W-{n:03d}", "KG-{n:03d}"]
districts = "районы.gpkg"
"""
LISTED = 12
FAR = shapely.box(70.0, 40.0, 70.001, 40.001)
TOLD = ("catalogue_no", "lake_name", "district", "comment")


@dataclass(frozen=True)
class Year:
    """What an office had after each step."""

    folder: Path
    before: Inventory
    """After two years of scenes."""
    corrected: Inventory
    """After corrections, and a run of the same scenes."""
    after: Inventory
    """After a new scene, and a newer catalogue."""
    ids: dict[str, str]
    """The lakes that persons touched, by what they did."""
    rerun: RunResult
    trees: tuple[dict[str, str], dict[str, str]]
    """All results after the new scene, and after one more run."""

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def lake(self, deed: str, inventory: Inventory | None = None) -> pd.Series:
        lakes = (inventory or self.after).lakes
        return lakes.set_index("lake_id").loc[self.ids[deed]]


def write_catalogue(folder: Path, truth: Path, **changed: str) -> None:
    """Write a national list of some lakes that are there and one far away, as ArcGIS saves it."""
    lakes = gpd.read_file(truth, layer="2003-08-17").nlargest(LISTED, "area_m2")
    x = lakes.centroid.x
    west = x < np.median(x)
    rows = {
        "НОМЕР": [f"ЧУ-{n}" for n in range(1, LISTED + 1)],
        "НАЗВАНИЕ": [f"Озеро {n}" if n % 2 else None for n in range(1, LISTED + 1)],
        "РАЙОН": np.where(west, "Западный", "Восточный"),
        "ПРИМЕЧАНИЕ": ["плотина" if n == 1 else None for n in range(1, LISTED + 1)],
    }
    table = gpd.GeoDataFrame(pd.DataFrame(rows), geometry=lakes.geometry.to_numpy(), crs=lakes.crs)
    table = table.to_crs(4326)
    far = {"НОМЕР": "ЧУ-99", "НАЗВАНИЕ": "Далёкое", "РАЙОН": "Южный", "ПРИМЕЧАНИЕ": None}
    far_table = gpd.GeoDataFrame(pd.DataFrame([far]), geometry=[FAR], crs=4326)
    table = gpd.GeoDataFrame(pd.concat([table, far_table], ignore_index=True), crs=4326)
    for number, remark in changed.items():
        table.loc[table["НОМЕР"] == number, "ПРИМЕЧАНИЕ"] = remark
    table.to_file(folder / "перечень.shp", encoding="CP1251", engine="pyogrio")


def write_districts(folder: Path, bounds: tuple[float, float, float, float]) -> None:
    west, south, east, north = bounds
    middle = (west + east) / 2
    halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    table = gpd.GeoDataFrame({"name": ["Западный", "Восточный"]}, geometry=halves, crs=4326)
    table.to_file(folder / "районы.gpkg")


def add_scenes(folder: Path, sample: Path, names: tuple[str, ...]) -> None:
    for name in names:
        shutil.copytree(sample / "scenes" / name, folder / "scenes" / name)


def correct(path: Path, ids: dict[str, str], place: str) -> None:
    """Do in the inventory what an operator does in QGIS in a season."""

    def lakes(told: str, deed: str) -> None:
        sql(path, f"UPDATE lakes SET {told} WHERE lake_id = '{ids[deed]}'")

    sql(path, f"DELETE FROM lakes WHERE lake_id = '{ids['rejected']}'")
    wider = "ST_Multi(ST_Buffer(geom, 0.0002))"
    lakes(f"geom = {wider}, edited_by = 'Петров'", "redrawn")
    lakes("lake_name = 'Кичи-Көл', comment = 'осмотрено', catalogue_no = 'Д-17'", "named")
    lakes("catalogue_no = 'ЧУ-77'", "numbered")
    lakes("verified = 1, verified_by = 'Асанова', dam_type = 'moraine'", "checked")
    circle = f"ST_Multi(ST_Buffer(MakePoint({place}, 4326), 0.001))"
    told = "'Жаңы-Көл', 'найдено на карте', 'Асанова'"
    sql(
        path,
        f"INSERT INTO lakes (geom, lake_name, comment, edited_by) VALUES ({circle}, {told})",
    )
    with closing(sqlite3.connect(path)) as database, database:  # fields and tables of their own
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0)
        database.execute("ALTER TABLE lakes ADD COLUMN 'глубина_м' REAL")
        chosen = f"'{ids['named']}', '{ids['checked']}'"
        database.execute(f"UPDATE lakes SET 'глубина_м' = 12.5 WHERE lake_id IN ({chosen})")
    way = gpd.GeoDataFrame({"кто": ["Асанова"]}, geometry=[shapely.Point(75, 42)], crs=4326)
    way.to_file(path, layer="маршруты", mode="a")


@pytest.fixture(scope="module")
def year(make: Maker, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Year:
    folder = tmp_path_factory.mktemp("year")
    project = make(folder, PRODUCTS[:2], PROJECT)
    write_catalogue(folder, sample_data / "truth.gpkg")
    lakes = gpd.read_file(sample_data / "truth.gpkg", layer="2003-08-17").to_crs(4326)
    write_districts(folder, shapely.box(*lakes.total_bounds).buffer(0.05).bounds)
    run_here(project)
    path = folder / "output" / "inventory.gpkg"
    before = open_inventory(path)
    ordered = before.lakes.sort_values("area_m2")
    listed = ordered[ordered["catalogue_no"].str.startswith("ЧУ-")]["lake_id"]
    new = ordered[ordered["catalogue_no"].str.startswith("KG-")]["lake_id"]
    ids = dict(zip(("redrawn", "checked", "copied", "untouched"), listed.iloc[::-1], strict=False))
    ids |= dict(zip(("rejected", "named", "numbered"), new.iloc[::-1], strict=False))
    copy = Path(shutil.copy(path, folder / "копия.gpkg"))
    west, south, *_ = before.lakes.total_bounds
    correct(path, ids, f"{west}, {south}")
    sql(copy, f"UPDATE lakes SET comment = 'копия' WHERE lake_id = '{ids['copied']}'")
    run_here(project)
    review_file(path, copy, by="Второй")
    corrected = open_inventory(path)
    add_scenes(folder, sample_data, PRODUCTS[2:])
    number = corrected.lakes.set_index("lake_id")["catalogue_no"]
    changed = {number[ids["untouched"]]: "осмотр 2026", number[ids["copied"]]: "новее"}
    write_catalogue(folder, sample_data / "truth.gpkg", **changed)
    later = pd.Timestamp.now(tz="UTC").timestamp() + 5
    os.utime(folder / "перечень.shp", (later, later))
    run_here(project)
    after = open_inventory(path)
    added = corrected.reviews.loc[corrected.reviews["decision"] == "added", "lake_id"].item()
    results = tree(project)
    rerun = run_here(project)
    return Year(
        folder, before, corrected, after, ids | {"added": added}, rerun, (results, tree(project))
    )


def test_a_rerun_of_the_same_changes_no_byte(year: Year) -> None:
    assert year.rerun.unchanged
    assert year.trees[0] == year.trees[1]


def test_every_decision_of_a_year_is_kept_as_it_was(year: Year) -> None:
    told = set(
        zip(*(year.corrected.reviews[name] for name in ("decision", "lake_id")), strict=True)
    )
    deeds = {"rejected": "rejected", "redrawn": "redrawn", "added": "added"}
    assert {(decision, year.ids[deed]) for deed, decision in deeds.items()} <= told
    taken = len(year.corrected.reviews)
    assert_frame_equal(
        pd.DataFrame(year.after.reviews.iloc[:taken]), pd.DataFrame(year.corrected.reviews)
    )
    assert year.lake("checked")["verified_by"] == "Асанова"
    assert year.lake("checked")["dam_type"] == "moraine"
    who = year.after.reviews.set_index("lake_id")["reviewer"]
    assert who[year.ids["copied"]] == "Второй"


def test_a_rejected_place_stays_rejected_on_the_new_scene(year: Year) -> None:
    (place,) = year.before.lakes.loc[year.before.lakes["lake_id"] == year.ids["rejected"]].geometry
    ground = year.after.lakes.geometry.intersects(place)
    assert not ground.any()
    assert year.ids["rejected"] not in set(year.after.outlines["lake_id"])


def test_an_outline_that_a_person_drew_is_that_of_its_date(year: Year) -> None:
    drawn = year.corrected.reviews.set_index("decision").loc["redrawn"]
    rows = year.after.outlines
    rows = rows[(rows["lake_id"] == year.ids["redrawn"]) & rows["edited"].fillna(False)]
    assert rows["edited_by"].tolist() == ["Петров"]
    assert rows["acquired"].tolist() == [drawn["acquired"]]
    assert rows.geometry.iloc[0].equals_exact(drawn["geometry"], 1e-7)


def test_a_lake_keeps_its_number_and_what_people_call_it(year: Year) -> None:
    stages = [year.before, year.corrected, year.after]
    for old, new in pairwise(stages):
        one, other = (table.lakes.set_index("lake_id") for table in (old, new))
        lasting = one.index.difference([year.ids["rejected"]])
        assert set(lasting) <= set(other.index)
        assert (one.loc[lasting, "number"] == other.loc[lasting, "number"]).all()
        renamed = ("named", "numbered", "copied", "untouched")
        unnamed = lasting.difference([year.ids[deed] for deed in renamed])
        for column in TOLD:
            pairs = zip(one.loc[unnamed, column], other.loc[unnamed, column], strict=True)
            assert [(a, b) for a, b in pairs if a is not None and a != b] == []
    assert year.after.lakes["number"].is_unique
    assert year.after.lakes["catalogue_no"].is_unique
    gone = year.before.lakes.set_index("lake_id").loc[year.ids["rejected"]]
    assert gone["number"] not in set(year.after.lakes["number"])
    assert gone["catalogue_no"] not in set(year.after.lakes["catalogue_no"])
    named = year.lake("named")
    assert [named[column] for column in ("catalogue_no", "lake_name", "comment")] == [
        *("Д-17", "Кичи-Көл", "осмотрено")
    ]
    assert year.lake("numbered")["catalogue_no"] == "ЧУ-77"
    assert year.lake("added")["lake_name"] == "Жаңы-Көл"
    assert year.lake("added")["catalogue_no"].startswith("KG-")


def test_a_lake_that_a_person_drew_has_an_elevation_as_the_others_have(year: Year) -> None:
    drawn = year.after.outlines.set_index("lake_id").loc[[year.ids["added"]]]
    assert 2000 < year.lake("added")["elev_m"] < 6000
    assert drawn["elev_m"].notna().all()
    assert year.after.lakes["elev_m"].notna().all()


def test_a_newer_remark_of_the_catalogue_counts_and_the_older_is_listed(year: Year) -> None:
    assert year.lake("untouched")["comment"] == "осмотр 2026"
    assert year.lake("copied", year.corrected)["comment"] == "копия"
    assert year.lake("copied")["comment"] == "новее"
    page = (year.output / "report.html").read_text(encoding="utf-8")
    (row,) = re.findall(r"<tr>(?:(?!</tr>).)*>копия<.*?</tr>", page, re.DOTALL)
    assert "новее" in row


def test_no_layer_and_no_column_is_lost(year: Year) -> None:
    path = year.output / "inventory.gpkg"
    layers = {name for name, _ in pyogrio.list_layers(path)}
    assert {*ALL_LAYERS, "маршруты"} <= layers
    for name, columns in ALL_LAYERS.items():
        there = set(pyogrio.read_info(path, layer=name)["fields"])
        assert {column.name for column in columns} - {"geometry"} <= there
    depth = gpd.read_file(path, layer="lakes").set_index("lake_id")["глубина_м"]
    assert depth[[year.ids["named"], year.ids["checked"]]].tolist() == [12.5, 12.5]
    assert depth.notna().sum() == 2
    assert gpd.read_file(path, layer="маршруты")["кто"].tolist() == ["Асанова"]
    (kept,) = (year.output / "edited").glob("*.gpkg")
    assert len(gpd.read_file(kept, layer="lakes")) == len(year.before.lakes)


def test_scenes_events_and_observations_only_grow(year: Year) -> None:
    assert list(year.after.scenes["scene_id"]) == list(PRODUCTS)
    keys = ["lake_id", "scene_id"]
    old, new = (table.observations.set_index(keys).index for table in (year.corrected, year.after))
    assert set(old) <= set(new)


def test_names_and_numbers_stand_in_every_result(year: Year) -> None:
    words = ("Кичи-Көл", "Д-17", "осмотрено", "Жаңы-Көл", "осмотр 2026", "ЧУ-1", "Восточный")
    book = openpyxl.load_workbook(year.output / "inventory.xlsx", read_only=True)
    cells = {
        str(cell)
        for sheet in book
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if cell
    }
    texts = {
        "report.html": (year.output / "report.html").read_text(encoding="utf-8"),
        "lakes.csv": (year.output / "lakes.csv").read_text(encoding="utf-8"),
        "csv_excel": (year.output / "csv_excel" / "lakes.csv").read_text(encoding="utf-8-sig"),
        "inventory.xlsx": "\n".join(cells),
    }
    with zipfile.ZipFile(year.output / "lakes.kmz") as archive:
        texts["lakes.kmz"] = archive.read("doc.kml").decode()
    shapes = gpd.read_file(year.output / "shapefiles" / "lakes.shp")
    names = shapes[["Catal_No", "Lake_Name", "District", "Comment"]].to_numpy().ravel()
    texts["lakes.shp"] = "\n".join(str(name) for name in names)
    for name, text in texts.items():
        assert [word for word in words if word not in text] == [], name
    for name in ("report.html", "inventory.xlsx"):
        assert "Далёкое" in texts[name]
        assert "места нет ни на одном снимке" in texts[name]
