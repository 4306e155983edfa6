# ruff: noqa: S608
"""Corrections of a person, made by other programs, and what later runs make of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from editing import convert, edit_by_gdal, edit_by_qgis, ogr, qgis, run_here, sql, told
from sample_inventory import make_inventory

from glacial_lakes import schema
from glacial_lakes.errors import InputError
from glacial_lakes.inventory import decisions
from glacial_lakes.inventory.inventory import Inventory, open_inventory
from glacial_lakes.report.page import write_report
from glacial_lakes.review import matching
from glacial_lakes.review.differences import differences
from glacial_lakes.review.edited_file import read_edited
from glacial_lakes.review.review_file import review_file
from glacial_lakes.workflow.run import RunResult

PRODUCTS = (
    "LT05_L2SP_151030_20030817_20200904_02_T1",
    "LE07_L2SP_151030_20060817_20200904_02_T1",
)
LATER = "LT05_L2SP_151030_20090724_20200904_02_T1"
PARTS = ["area_sigma_shared_m2", "area_sigma_date_m2"]
"""What all lakes of a region and all their dates tell of the error: each update revises it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of an inventory made by hand."""
    make_inventory(12).to_file(tmp_path / "inventory.gpkg")
    return tmp_path / "inventory.gpkg"


@pytest.fixture
def copy(path: Path) -> Path:
    return Path(shutil.copy(path, path.with_name("copy.gpkg")))


# understanding


@ogr
@pytest.mark.parametrize("crs", ["EPSG:32643", "EPSG:28473", "EPSG:3857"])
@pytest.mark.parametrize("name", ["lakes.shp", "lakes_2018-08-20.shp"])
def test_rounding_and_projections_are_no_edits(path: Path, crs: str, name: str) -> None:
    inventory = open_inventory(path)
    file = path.with_name(name)
    inventory.to_shapefile(file, "2018-08-20" if "_" in name else None)
    convert("-t_srs", crs, path.with_name("p.shp"), file)
    convert("-t_srs", "EPSG:4326", path.with_name("q.geojson"), path.with_name("p.shp"))
    for edited in (file, path.with_name("p.shp"), path.with_name("q.geojson")):
        assert differences(inventory, read_edited(edited)).empty


@pytest.mark.parametrize("radius", [15, 40, 200])
def test_rounding_of_a_decimetre_is_no_edit_and_a_moved_shore_is_one(radius: int) -> None:
    drawn = shapely.Point(0.03, 0.04).buffer(radius, quad_segs=3 * radius)
    off = np.random.default_rng(radius).uniform(-0.07, 0.07, (len(drawn.exterior.coords) - 1, 2))
    rounded = shapely.Polygon(shapely.get_coordinates(drawn)[:-1] + off)
    assert shapely.symmetric_difference(drawn, rounded).area > 0
    assert matching.is_same(drawn, rounded)
    assert not matching.is_same(drawn, drawn.buffer(0.3))


@ogr
def test_reversed_rings_with_another_start_are_no_edits(path: Path, copy: Path) -> None:
    sql(copy, "UPDATE lakes SET geom = ST_Multi(ST_Reverse(geom))")
    assert review_file(path, copy).empty


@ogr
def test_moves_deletions_additions_types_and_comments_are_understood(
    path: Path, copy: Path
) -> None:
    before = open_inventory(path)
    ids = before.lakes["lake_id"].tolist()
    sql(copy, f"UPDATE lakes SET geom = ST_Buffer(geom, 0.0003) WHERE lake_id = '{ids[1]}'")
    sql(copy, f"DELETE FROM lakes WHERE lake_id = '{ids[2]}'")
    sql(
        copy,
        f"UPDATE lakes SET lake_type = 'ice-contact', comment = 'өзөн' WHERE lake_id = '{ids[3]}'",
    )
    sql(copy, f"UPDATE lakes SET verified = 1, verified_by = 'Петров' WHERE lake_id = '{ids[5]}'")
    sql(
        copy,
        "INSERT INTO lakes (geom) VALUES (ST_Multi(ST_Buffer(MakePoint(74.9, 42.9, 4326), 0.001)))",
    )
    found = review_file(path, copy, dry_run=True)
    assert open_inventory(path).reviews.empty
    found = review_file(path, copy, by="Иванова")
    added = "GL074900E42900N"
    assert told(found) == sorted(
        [
            ("redrawn", ids[1]),
            ("rejected", ids[2]),
            ("reclassified", ids[3]),
            ("commented", ids[3]),
            ("accepted", ids[5]),
            ("added", added),
        ]
    )
    after = open_inventory(path)
    lakes = after.lakes.set_index("lake_id")
    assert set(lakes.index) == {*ids, added} - {ids[2]}
    assert lakes.loc[ids[1], ["edited", "edited_by"]].tolist() == [True, "Иванова"]
    assert lakes.loc[ids[3], ["lake_type", "comment"]].tolist() == ["ice-contact", "өзөн"]
    assert lakes.loc[ids[5], ["verified", "verified_by"]].tolist() == [True, "Петров"]
    assert lakes.loc[added, "state"] == "present"
    assert len(after.observations_of(added)) == len(before.observations_of(ids[0]))
    assert set(after.reviews["source"]) == {"copy.gpkg"}
    assert after.reviews["reviewed"].notna().all()
    other = [name for name in ids if name not in ids[1:6]]
    for table in ("lakes", "outlines", "observations"):
        old, new = getattr(before, table), getattr(after, table)
        if table == "lakes":  # they had no numbers yet
            old = old.assign(number=new.set_index("lake_id")["number"].reindex(ids).array)
        assert rows_of(new, other) == rows_of(old, other)
    assert review_file(path, copy).empty  # the same file again


def rows_of(table: pd.DataFrame, ids: list[str]) -> list[bytes]:
    """Return the rows of lakes as bytes: geometries as WKB, numbers to the last bit.

    What of an error comes back on all dates is told by all lakes of a region.
    """
    rows = table[table["lake_id"].isin(ids)].drop(columns=PARTS, errors="ignore")
    if "geometry" in rows:
        rows = pd.DataFrame(rows).assign(geometry=shapely.to_wkb(rows["geometry"].to_numpy()))
    return [
        repr(row).encode()
        for row in rows.sort_values(["lake_id"], kind="stable").itertuples(index=False)
    ]


@ogr
def test_who_is_the_field_when_it_was_written_now(path: Path, copy: Path) -> None:
    sql(copy, "UPDATE lakes SET geom = ST_Buffer(geom, 0.0003), edited_by = 'Петров' WHERE fid = 2")
    assert review_file(path, copy)["reviewer"].tolist() == ["Петров"]
    again = Path(shutil.copy(path, path.with_name("again.gpkg")))
    sql(again, "UPDATE lakes SET geom = ST_Buffer(geom, 0.0003) WHERE fid = 2")
    assert review_file(path, again)["reviewer"].tolist() != ["Петров"]


@ogr
def test_a_shapefile_in_cp1251_with_cut_names_is_understood(path: Path) -> None:
    inventory = open_inventory(path)
    inventory.to_shapefile(path.with_name("lakes.shp"))
    edited = path.with_name("cp1251.shp")
    convert("-lco", "ENCODING=CP1251", "-t_srs", "EPSG:28473", edited, path.with_name("lakes.shp"))
    name = inventory.latest()["lake_id"].iloc[0]
    sql(edited, f"UPDATE cp1251 SET Comment = 'Проверено в поле' WHERE GLAKE_ID = '{name}'")
    assert told(differences(inventory, read_edited(edited))) == [("commented", name)]
    edited.with_suffix(".cpg").unlink()
    found = differences(inventory, read_edited(edited, "CP1251"))
    assert found["comment"].tolist() == ["Проверено в поле"]
    cut = path.with_name("cut.shp")
    convert("-select", "lake_id,acquired,lake_type", cut, path, "outlines")
    assert differences(inventory, read_edited(cut)).empty


@ogr
def test_the_parts_of_a_split_lake_keep_one_identity_and_get_one(path: Path, copy: Path) -> None:
    inventory = open_inventory(path)
    lake = inventory.lakes.iloc[3]
    x, y, right, top = lake["geometry"].bounds
    cut = x + 0.4 * (right - x)
    edited = read_edited(copy)
    halves = [
        lake["geometry"].intersection(shapely.box(x, y, cut, top)),
        lake["geometry"].intersection(shapely.box(cut, y, right, top)),
    ]
    rows = edited.lakes[edited.lakes["lake_id"] == lake["lake_id"]]
    rest = edited.lakes[edited.lakes["lake_id"] != lake["lake_id"]]
    split = pd.concat([rest, *(rows.assign(geometry=[half]) for half in halves)])
    found = differences(inventory, replace(edited, lakes=gpd.GeoDataFrame(split, crs=4326)))
    by_kind = found.set_index("decision")
    assert sorted(by_kind.index) == ["redrawn", "split"]
    assert by_kind.loc["redrawn", "lake_id"] == lake["lake_id"]
    assert by_kind.loc["redrawn", "geometry"].equals(halves[1])
    assert by_kind.loc["split", "lake_id"] not in set(inventory.lakes["lake_id"])


def test_a_lake_drawn_anew_without_a_code_keeps_its_identity(path: Path, copy: Path) -> None:
    inventory, edited = open_inventory(path), read_edited(copy)
    lakes = edited.lakes.copy()
    name = lakes["lake_id"].iloc[4]
    lakes.loc[lakes.index[4], "lake_id"] = None
    lakes.loc[lakes.index[4], "geometry"] = lakes.geometry.iloc[4].buffer(0.0001)
    assert told(differences(inventory, replace(edited, lakes=lakes))) == [("redrawn", name)]


def test_a_selection_is_refused_or_taken_as_one(path: Path, copy: Path) -> None:
    inventory, edited = open_inventory(path), read_edited(copy)
    few = replace(edited, lakes=edited.lakes.iloc[:3])
    with pytest.raises(InputError, match=r"lacks 9 of 12 lakes.*--partial"):
        differences(inventory, few)
    assert differences(inventory, few, missing_is_rejected=False).empty
    assert len(differences(inventory, few, missing_is_rejected=True)) == 9


@ogr
def test_a_bow_tie_is_refused_by_name_and_nothing_is_taken_in(path: Path, copy: Path) -> None:
    name = open_inventory(path).lakes["lake_id"].iloc[1]
    sql(copy, "DELETE FROM lakes WHERE fid = 3")
    tie = "MULTIPOLYGON(((74.5 42.6,74.6 42.7,74.6 42.6,74.5 42.7,74.5 42.6)))"
    sql(copy, f"UPDATE lakes SET geom = ST_GeomFromText('{tie}', 4326) WHERE fid = 2")
    before = path.read_bytes()
    with pytest.raises(InputError, match=f"1 outline crosses itself.*{name} \\(42.60000 74.5"):
        review_file(path, copy)
    assert path.read_bytes() == before


def test_a_layer_that_is_shifted_as_a_whole_is_refused(path: Path, copy: Path) -> None:
    inventory, edited = open_inventory(path), read_edited(copy)
    lakes = edited.lakes.to_crs(32643)
    lakes.geometry = lakes.geometry.translate(120, 60)
    with pytest.raises(InputError, match=r"shifted by about 1[34]"):
        differences(inventory, replace(edited, lakes=lakes.to_crs(4326)))


@ogr
def test_a_rejected_lake_comes_back_with_its_identity_when_drawn_again(
    path: Path, copy: Path
) -> None:
    lake = open_inventory(path).lakes.iloc[2]
    sql(copy, "DELETE FROM lakes WHERE fid = 3")
    review_file(path, copy)
    again = Path(shutil.copy(path, path.with_name("again.gpkg")))
    shape = f"ST_GeomFromText('{lake['geometry'].wkt}', 4326)"
    sql(again, f"INSERT INTO lakes (geom, comment) VALUES ({shape}, 'всё же озеро')")
    assert told(review_file(path, again)) == [("added", lake["lake_id"])]
    after = open_inventory(path)
    assert lake["lake_id"] in set(after.lakes["lake_id"])
    assert after.reviews["decision"].tolist() == ["rejected", "added"]


# what follows


def test_of_two_decisions_on_one_thing_the_later_counts() -> None:
    kinds = ["redrawn", "redrawn", "rejected", "added", "accepted"]
    when = pd.to_datetime(["2020-08-01"] * 2 + [None, "2020-08-01", "2020-08-01"], utc=True)
    rows = {"review_id": range(5), "lake_id": "A", "decision": kinds, "acquired": when}
    shapes = [shapely.Point(0, 0).buffer(i + 1) for i in range(5)]
    reviews = gpd.GeoDataFrame(rows, geometry=shapes, crs=4326)
    reviews = gpd.GeoDataFrame(schema.conform(reviews, schema.REVIEWS), crs=4326)
    assert decisions.in_force(reviews)["review_id"].tolist() == [3, 4]
    assert decisions.in_force(reviews[:3])["review_id"].tolist() == [2]
    assert decisions.in_force(reviews[:2])["review_id"].tolist() == [1]


@pytest.mark.parametrize(("radius", "conflict"), [(100, False), (104, False), (140, True)])
def test_an_outline_of_a_person_stands_until_a_newer_one_is_clearly_different(
    radius: float, conflict: bool
) -> None:
    place = gpd.GeoSeries([shapely.Point(74.5, 42.6)], crs=4326).to_crs(32643)[0]
    shapes = gpd.GeoSeries([place.buffer(100), place.buffer(radius)], crs=32643)
    rows = gpd.GeoDataFrame(
        {
            "lake_id": "A",
            "acquired": pd.to_datetime(["2020-08-01", "2022-08-01"], utc=True),
            "area_m2": shapes.area,
            "area_sigma_m2": 0.03 * shapes.area,
            "status": "observed",
            "edited": [True, None],
        },
        geometry=shapes.to_crs(4326),
    )
    outlines = gpd.GeoDataFrame(schema.conform(rows, schema.OUTLINES), crs=4326)
    lake = decisions.reference(outlines).loc["A"]
    assert lake["acquired"].year == (2022 if conflict else 2020)
    assert (lake["review_conflict"] is not pd.NA) == conflict


# the round trip with runs


def project(folder: Path, sample_data: Path, products: tuple[str, ...]) -> Path:
    for product in products:
        shutil.copytree(sample_data / "scenes" / product, folder / "scenes" / product)
    for name in ("dem.tif", "glaciers.gpkg"):
        shutil.copy(sample_data / name, folder / name)
    inputs = '[inputs]\ndem = "dem.tif"\nglaciers = "glaciers.gpkg"\n'
    (folder / "project.toml").write_text(inputs, encoding="utf-8")
    return folder / "project.toml"


@pytest.fixture(scope="module")
def finished(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = project(tmp_path_factory.mktemp("finished"), sample_data, PRODUCTS)
    assert len(run_here(path).mapped) == 2
    return path


@pytest.fixture
def run_folder(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished.parent, tmp_path / "project")
    return tmp_path / "project"


def add_scene(folder: Path, sample_data: Path) -> RunResult:
    shutil.copytree(sample_data / "scenes" / LATER, folder / "scenes" / LATER)
    return run_here(folder / "project.toml")


def of_scenes(inventory: Inventory, table: str, ids: set[str]) -> dict[tuple[str, str], bytes]:
    rows = getattr(inventory, table)
    rows = rows[rows["scene_id"].isin(PRODUCTS) & rows["lake_id"].isin(ids)]
    rows = rows.drop(columns=PARTS)
    if table == "outlines":
        rows = pd.DataFrame(rows).assign(geometry=shapely.to_wkb(rows["geometry"].to_numpy()))
    return {(r.lake_id, r.scene_id): repr(r).encode() for r in rows.itertuples(index=False)}


def assert_old_rows_stay(before: Inventory, after: Inventory, ids: set[str]) -> None:
    """Old rows are the same, but for lakes that look cut: images before and after decide on these.

    The outline itself stays; whether it has an area follows from images next to it, and is told.
    """
    keys = ["lake_id", "scene_id"]
    told = [table.outlines.set_index(keys)["quality"] for table in (before, after)]
    by_others = {key for one in told for key in one.index[one.str.contains("looked cut", na=False)]}
    for table in ("outlines", "observations"):
        old, new = of_scenes(before, table, ids), of_scenes(after, table, ids)
        assert old.keys() == new.keys()
        assert {key for key in old if old[key] != new[key]} <= by_others
    assert len(by_others) <= 2
    was, now = (table.outlines.set_index(keys).geometry for table in (before, after))
    assert all(now[key].equals(was[key]) for key in by_others & set(was.index))


def test_a_new_scene_costs_only_itself_and_leaves_old_rows_as_they_are(
    run_folder: Path, sample_data: Path
) -> None:
    before = open_inventory(run_folder / "output" / "inventory.gpkg")
    result = add_scene(run_folder, sample_data)
    assert result.mapped == (LATER,)
    assert set(result.reused) == set(PRODUCTS)
    after = open_inventory(run_folder / "output" / "inventory.gpkg")
    ids = set(before.lakes["lake_id"])
    assert ids <= set(after.lakes["lake_id"])
    assert_old_rows_stay(before, after, ids)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(edit_by_gdal, marks=ogr),
        pytest.param(edit_by_qgis, marks=qgis),
    ],
)
def test_later_runs_respect_every_decision(
    edit: object, run_folder: Path, sample_data: Path
) -> None:
    path = run_folder / "output" / "inventory.gpkg"
    before = open_inventory(path)
    seen = before.lakes[before.lakes["n_observed"] == 2].sort_values("area_m2")["lake_id"].tolist()
    west, south, *_ = before.lakes.total_bounds
    ids = {"false": seen[-1], "moved": seen[-2], "typed": seen[-3], "place": f"{west} {south}"}
    edited = Path(shutil.copy(path, run_folder / "edited.gpkg"))
    edit(edited, ids)  # type: ignore[operator]
    found = review_file(path, edited)
    added = found.loc[found["decision"] == "added", "lake_id"].item()
    assert told(found) == sorted(
        [
            ("rejected", ids["false"]),
            ("redrawn", ids["moved"]),
            ("reclassified", ids["typed"]),
            ("commented", ids["typed"]),
            ("added", added),
        ]
    )
    reviewed = open_inventory(path)
    assert run_here(run_folder / "project.toml").mapped == ()
    again = open_inventory(path)
    result = add_scene(run_folder, sample_data)
    assert result.mapped == (LATER,)
    after = open_inventory(path)
    for inventory in (reviewed, again, after):
        lakes = inventory.lakes.set_index("lake_id")
        assert ids["false"] not in lakes.index
        assert set(before.lakes["lake_id"]) - {ids["false"]} <= set(lakes.index)
        place = before.lakes.set_index("lake_id").geometry[ids["false"]]
        assert not inventory.outlines.intersects(place.buffer(-0.0001)).any()
        assert lakes.loc[ids["typed"], ["lake_type", "comment"]].tolist() == [
            "ice-contact",
            "осмотрено",
        ]
        drawn = found.set_index("decision").geometry["redrawn"]
        rows = inventory.outlines[inventory.outlines["edited"].fillna(False)].set_index("lake_id")
        assert rows.geometry[ids["moved"]].equals(drawn)
        assert rows.loc[ids["moved"], "edited_by"] == "Петров"
        assert added in lakes.index
        assert lakes.loc[added, "state"] == "present"
        assert len(inventory.reviews) == 5
    lake = after.lakes.set_index("lake_id").loc[ids["moved"]]
    assert lake["geometry"].equals(drawn) or lake["review_conflict"]
    assert after.scenes["n_rejected"].sum() >= 2
    known = set(before.lakes["lake_id"]) - {ids["false"]}
    assert_old_rows_stay(after, again, known)
    # A rejected lake holds no water back any more: catchments below it may change.
    ground = [column.name for column in schema.ATTRIBUTES]
    for table in ("outlines", "observations", "lakes"):
        rest = sorted(known - {ids["moved"], ids["typed"]})
        new, old = (
            getattr(inventory, table).drop(columns=ground, errors="ignore")
            for inventory in (again, before)
        )
        assert rows_of(new, rest) == rows_of(old, rest)


def contradicted(path: Path) -> tuple[Inventory, str]:
    """Return an inventory in which a newer outline denies what a person drew, and the lake."""
    inventory = open_inventory(path)
    outlines = inventory.outlines
    seen = outlines[outlines["status"] == "observed"].groupby("lake_id").size()
    name = str(seen.idxmax())
    mine = outlines.index[(outlines["lake_id"] == name) & (outlines["status"] == "observed")]
    row = outlines.loc[mine[-2]]
    drawn = gpd.GeoDataFrame(
        [
            {
                "decision": "redrawn",
                "review_id": 1,
                "reviewer": "Иванова",
                "geometry": shapely.affinity.scale(row.geometry, 2, 2),
                **{key: row[key] for key in ("lake_id", "acquired", "scene_id", "sensor")},
            }
        ],
        crs=4326,
    )
    reviews = gpd.GeoDataFrame(schema.conform(drawn, schema.REVIEWS), crs=4326)
    return inventory.with_reviews(reviews), name


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Newer outline clearly differs", "Drawn by", "both outlines"]),
        ("ru", ["Новый контур явно отличается", "контур исправил(а) Иванова", "оба контура"]),
    ],
)
def test_the_report_shows_both_outlines_of_a_conflict(
    path: Path, language: str, words: list[str]
) -> None:
    inventory, name = contradicted(path)
    assert inventory.lakes.set_index("lake_id").loc[name, "review_conflict"]
    page = write_report(inventory, path.with_name("r.html"), language=language)
    text = page.read_text(encoding="utf-8")
    for word in words:
        assert word.lower() in text.lower()
    map_, *rest = text.split('<article class="one"')
    (article,) = (part for part in rest if name in part.split("</h3>")[0])
    drawings = [part.split("</svg>")[0] for part in (map_.split('class="sheet"')[1], article)]
    for drawing in drawings:
        (drawn,) = re.findall(r'class="drawn" d="(M[^"]+Z)"', drawing)
        assert drawn not in drawing.replace(f'class="drawn" d="{drawn}"', "")
    assert 'class="drawn" d="M' not in "".join(part for part in rest if part is not article)


def test_a_copy_tells_which_reviews_it_knew_whatever_becomes_of_its_tables(path: Path) -> None:
    inventory, name = contradicted(path)
    inventory.to_file(path)
    edited = read_edited(path)
    assert edited.last_review == 1
    assert edited.lakes.attrs == edited.outlines.attrs == {}
    outlines = gpd.GeoDataFrame(pd.concat([edited.outlines]), crs=4326)
    mine = (outlines["lake_id"] == name) & outlines["edited"].fillna(False).astype(bool)
    assert mine.any()
    outlines.loc[mine, "geometry"] = shapely.buffer(outlines.geometry[mine].to_numpy(), 0.0002)
    found = differences(inventory, replace(edited, outlines=outlines))
    assert told(found) == [("redrawn", name)]


def test_who_checks_the_newer_outline_ends_the_conflict(path: Path) -> None:
    inventory, name = contradicted(path)
    inventory.to_file(path)
    copy = Path(shutil.copy(path, path.with_name("copy.gpkg")))
    edited = read_edited(copy)
    lakes = edited.lakes.copy()
    lakes.loc[lakes["lake_id"] == name, "verified"] = True
    found = differences(inventory, replace(edited, lakes=lakes))
    assert told(found) == [("accepted", name)]
    after = inventory.with_reviews(found.assign(review_id=2, reviewer="Петров"))
    lake = after.lakes.set_index("lake_id").loc[name]
    assert lake["review_conflict"] is pd.NA
    assert lake["geometry"].equals(inventory.lakes.set_index("lake_id").geometry[name])
    assert "Newer outline clearly" not in write_report(after, path.with_name("r.html")).read_text()


@ogr
def test_the_command_says_what_it_understood(path: Path, copy: Path) -> None:
    name = open_inventory(path).lakes["lake_id"].iloc[2]
    sql(copy, f"DELETE FROM lakes WHERE lake_id = '{name}'")
    told = [sys.executable, "-m", "glacial_lakes", "--lang", "ru", "review", str(path), str(copy)]
    said = subprocess.run(
        [*told, "--by", "Иванова"], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert "отклонено" in said.stdout
    assert name in said.stdout
    assert "Иванова" in said.stdout
    assert "В каталоге сохранено 1 решение." in said.stdout
    said = subprocess.run([*told, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == {"reviews": []}
