# ruff: noqa: S608
"""Edits made in the inventory itself: none is lost, and none is seen where there is none."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
from conftest import Call
from editing import edit_by_gdal, edit_by_qgis, in_qgis, ogr, qgis, run_here, sql, told
from sample_inventory import make_inventory
from sample_project import PRODUCTS, Maker

from glacial_lakes.errors import InputError, LockedError, VectorError
from glacial_lakes.inventory.inventory import open_inventory
from glacial_lakes.io import atomic
from glacial_lakes.review import working_copy
from glacial_lakes.review.review_file import review_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of an inventory made by hand, as a run writes it."""
    working_copy.replace(make_inventory(12), tmp_path / "inventory.gpkg")
    return tmp_path / "inventory.gpkg"


@pytest.fixture(scope="module")
def two_scenes(make: Maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = make(tmp_path_factory.mktemp("two"), PRODUCTS[:2])
    assert len(run_here(project).mapped) == 2
    return project


@pytest.fixture
def project(two_scenes: Path, tmp_path: Path) -> Path:
    shutil.copytree(two_scenes.parent, tmp_path / "project")
    return tmp_path / "project" / "project.toml"


def kept_in(path: Path) -> list[Path]:
    return sorted((path.parent / "edited").glob("*.gpkg"))


def names_of(path: Path) -> dict[str, str]:
    lakes = open_inventory(path).lakes
    seen = lakes[lakes["n_observed"] == 2].sort_values("area_m2")["lake_id"].tolist()
    west, south, *_ = lakes.total_bounds
    return {"false": seen[-1], "moved": seen[-2], "typed": seen[-3], "place": f"{west} {south}"}


@pytest.mark.parametrize(
    "edit", [pytest.param(edit_by_gdal, marks=ogr), pytest.param(edit_by_qgis, marks=qgis)]
)
def test_a_run_makes_decisions_of_edits_and_keeps_the_edited_file(
    edit: object, project: Path
) -> None:
    path = project.parent / "output" / "inventory.gpkg"
    ids = names_of(path)
    text = project.read_text(encoding="utf-8")
    project.write_text(f'{text}\n[project]\nby = "Отдел ледников"\n', encoding="utf-8")
    edit(path, ids)  # type: ignore[operator]
    drawn = shapes_in(path)
    said = run_in_russian(project)
    assert "каталог был исправлен" in said.stderr
    (kept,) = kept_in(path)
    assert str(kept) in said.stderr
    assert shapes_in(kept) == drawn
    after = open_inventory(path)
    lakes = after.lakes.set_index("lake_id")
    added = after.reviews.loc[after.reviews["decision"] == "added", "lake_id"].item()
    assert told(after.reviews) == sorted(
        [
            ("rejected", ids["false"]),
            ("redrawn", ids["moved"]),
            ("reclassified", ids["typed"]),
            ("commented", ids["typed"]),
            ("added", added),
        ]
    )
    assert ids["false"] not in lakes.index
    assert added in lakes.index
    assert lakes.loc[ids["moved"], "geometry"].wkb in drawn
    assert lakes.loc[ids["moved"], "edited_by"] == "Петров"
    assert lakes.loc[ids["typed"], "comment"] == "осмотрено"
    assert set(after.reviews["source"]) == {"inventory.gpkg"}
    who = after.reviews.set_index("decision")["reviewer"]
    assert who["rejected"] == "Отдел ледников"  # nothing of the lake is left to name anybody
    assert who["redrawn"] == "Петров"
    assert who.notna().all()
    assert after.decided_by == "Отдел ледников"
    assert "Нового нет" in run_in_russian(project).stdout
    assert kept_in(path) == [kept]


def run_in_russian(project: Path) -> subprocess.CompletedProcess[str]:
    told = [sys.executable, "-m", "glacial_lakes", "--lang", "ru", "run", str(project)]
    return subprocess.run(told, capture_output=True, text=True, check=True, encoding="utf-8")


def shapes_in(path: Path) -> list[bytes]:
    return [shape.wkb for shape in gpd.read_file(path, layer="lakes").geometry]


@ogr
def test_the_user_of_the_computer_signs_for_nobody(
    path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "operator7")
    names = open_inventory(path).lakes["lake_id"]
    sql(path, f"DELETE FROM lakes WHERE lake_id = '{names.iloc[2]}'")
    sql(path, f"UPDATE lakes SET verified = 1 WHERE lake_id = '{names.iloc[1]}'")
    code, out, errors = call("--lang", "ru", "review", path)
    assert code == 0
    assert out.count("(не указано)") == 2
    assert "у 2 решений не указано, кто их принял" in errors
    after = open_inventory(path)
    assert after.reviews["reviewer"].isna().all()
    assert after.lakes.set_index("lake_id")["verified"].sum() == 1
    assert b"operator7" not in path.read_bytes()
    again = Path(shutil.copy(path, path.parent / "copy.gpkg"))
    sql(again, f"UPDATE lakes SET verified_by = 'Асанов' WHERE lake_id = '{names.iloc[1]}'")
    assert review_file(path, again)["reviewer"].tolist() == ["Асанов"]


@ogr
def test_a_number_that_is_given_to_two_lakes_is_told(path: Path, call: Call) -> None:
    one, other, third = open_inventory(path).lakes["lake_id"].iloc[:3]
    sql(path, f"UPDATE lakes SET catalogue_no = '0777' WHERE lake_id IN ('{one}', '{other}')")
    code, _, errors = call("--lang", "ru", "review", path, "--by", "Асанов")
    assert code == 0
    assert f"номер 0777 у нескольких озёр: {one}, {other};" in errors
    sql(path, f"UPDATE lakes SET comment = 'ясно' WHERE lake_id = '{third}'")
    _, _, errors = call("--lang", "ru", "review", path, "--by", "Асанов")
    assert "0777" not in errors, "it was told once; quality control lists it"
    lakes = open_inventory(path).lakes.set_index("lake_id")["catalogue_no"]
    assert lakes[[one, other]].tolist() == ["0777", "0777"]


@ogr
def test_whom_the_project_names_decides_where_the_fields_name_nobody(tmp_path: Path) -> None:
    inventory, path = make_inventory(12), tmp_path / "inventory.gpkg"
    told = json.dumps({"project": {"by": "Отдел ледников"}})
    working_copy.replace(replace(inventory, runs=inventory.runs.assign(settings=told)), path)
    name = inventory.lakes["lake_id"].iloc[2]
    sql(path, f"DELETE FROM lakes WHERE lake_id = '{name}'")
    assert review_file(path)["reviewer"].tolist() == ["Отдел ледников"]


@ogr
@pytest.mark.parametrize("named", [True, False])
def test_review_takes_in_what_was_edited_in_the_inventory(path: Path, named: bool) -> None:
    name = open_inventory(path).lakes["lake_id"].iloc[2]
    sql(path, f"DELETE FROM lakes WHERE lake_id = '{name}'")
    edited = path.read_bytes()
    given = (path, path) if named else (path,)
    assert told(review_file(*given, dry_run=True)) == [("rejected", name)]
    assert path.read_bytes() == edited
    assert told(review_file(*given, by="Иванова")) == [("rejected", name)]
    after = open_inventory(path)
    assert name not in set(after.lakes["lake_id"]) | set(after.outlines["lake_id"])
    assert after.reviews["reviewer"].tolist() == ["Иванова"]
    assert [kept.read_bytes() for kept in kept_in(path)] == [edited]
    assert review_file(*given).empty


@ogr
def test_edits_in_the_inventory_and_in_a_copy_are_both_taken_in(path: Path) -> None:
    ids = open_inventory(path).lakes["lake_id"].tolist()
    copy = Path(shutil.copy(path, path.with_name("copy.gpkg")))
    sql(copy, f"DELETE FROM lakes WHERE lake_id = '{ids[1]}'")
    sql(path, f"UPDATE lakes SET comment = 'моя' WHERE lake_id = '{ids[2]}'")
    found = review_file(path, copy)
    assert told(found) == [("commented", ids[2]), ("rejected", ids[1])]
    assert found["review_id"].tolist() == [1, 2]
    assert found["source"].tolist() == ["inventory.gpkg", "copy.gpkg"]
    after = open_inventory(path)
    assert after.reviews["review_id"].tolist() == [1, 2]
    assert after.lakes.set_index("lake_id").loc[ids[2], "comment"] == "моя"


@ogr
def test_opening_is_no_edit(project: Path) -> None:
    path = project.parent / "output" / "inventory.gpkg"
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("UPDATE gpkg_contents SET last_change = '2026-01-01T00:00:00.000Z'")
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    assert path.read_bytes() != before
    run_here(project)
    assert not kept_in(path)
    assert path.read_bytes() == before


@ogr
def test_what_is_no_decision_is_kept_as_well(path: Path) -> None:
    written = path.read_bytes()
    sql(path, "UPDATE lakes SET elev_m = 1 WHERE fid = 2")
    edited = path.read_bytes()
    assert review_file(path).empty
    assert path.read_bytes() == written
    assert [kept.read_bytes() for kept in kept_in(path)] == [edited]


@ogr
def test_a_run_refuses_edits_that_it_cannot_understand_and_leaves_them(project: Path) -> None:
    path = project.parent / "output" / "inventory.gpkg"
    tie = "MULTIPOLYGON(((74.5 42.6,74.6 42.7,74.6 42.6,74.5 42.7,74.5 42.6)))"
    sql(path, f"UPDATE lakes SET geom = ST_GeomFromText('{tie}', 4326) WHERE fid = 2")
    edited = path.read_bytes()
    with pytest.raises(InputError, match="1 outline crosses itself"):
        run_here(project)
    assert path.read_bytes() == edited


@ogr
def test_a_run_that_finds_most_lakes_gone_asks(project: Path) -> None:
    path = project.parent / "output" / "inventory.gpkg"
    sql(path, "DELETE FROM lakes WHERE fid > 1")
    with pytest.raises(InputError, match=r"lacks \d+ of \d+ lakes.*--partial.*--whole"):
        run_here(project)
    assert len(review_file(path, missing_is_rejected=True)) == len(names_in(path, "rejected"))
    assert len(open_inventory(path).lakes) == 1


def names_in(path: Path, decision: str) -> list[str]:
    reviews = open_inventory(path).reviews
    return reviews.loc[reviews["decision"] == decision, "lake_id"].tolist()


@ogr
@pytest.mark.parametrize("stopped_at", [0, 1, 2])
def test_edits_survive_a_stop_at_any_moment(
    stopped_at: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = open_inventory(path).lakes["lake_id"].iloc[2]
    sql(path, f"DELETE FROM lakes WHERE lake_id = '{name}'")
    moves: list[Path] = []
    move = atomic._replace

    def stop(source: Path, target: Path) -> None:
        if len(moves) == stopped_at:
            raise KeyboardInterrupt
        moves.append(target)
        move(source, target)

    monkeypatch.setattr(atomic, "_replace", stop)
    with pytest.raises(KeyboardInterrupt):
        review_file(path)
    monkeypatch.undo()
    assert told(review_file(path)) == [("rejected", name)]
    assert open_inventory(path).reviews["review_id"].tolist() == [1]
    assert len(kept_in(path)) == 1
    assert review_file(path).empty


def test_a_missing_inventory_is_put_back_with_its_decisions(project: Path) -> None:
    path = project.parent / "output" / "inventory.gpkg"
    written = path.read_bytes()
    path.unlink()
    run_here(project)
    assert path.read_bytes() == written


def test_another_inventory_in_its_place_is_refused(path: Path) -> None:
    other = make_inventory(8)
    replace(other, runs=other.runs.assign(run_id="another")).to_file(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="is not the inventory that the last run"):
        review_file(path)
    assert path.read_bytes() == before


def test_an_inventory_of_which_nothing_is_known_is_refused(path: Path) -> None:
    shutil.rmtree(path.parent / "as_written")
    with pytest.raises(InputError, match="is the inventory itself"):
        review_file(path)


# open in another program

HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
    database.create_function(name, 1, lambda shape: 0)  # what GDAL's triggers ask
database.execute("PRAGMA journal_mode = " + sys.argv[3])
if sys.argv[3] == "DELETE":
    database.execute("PRAGMA cache_size = 1")
    database.execute("PRAGMA cache_spill = 1")
    database.execute("BEGIN IMMEDIATE")
database.execute("CREATE TEMP TABLE ids AS SELECT fid FROM lakes")
for fid, in database.execute("SELECT fid FROM ids").fetchall():
    database.execute("UPDATE lakes SET comment = ? WHERE fid = ?", (sys.argv[2] * 99, fid))
print("held", flush=True)
sys.stdin.read()
"""


def hold(path: Path, journal: str) -> subprocess.Popen[str]:
    """Start another program that edits the inventory and keeps it open."""
    told = [sys.executable, "-c", HOLD, str(path), "текст", journal]
    holder = subprocess.Popen(told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_an_inventory_that_is_open_elsewhere_is_neither_read_nor_replaced(
    path: Path, journal: str
) -> None:
    holder = hold(path, journal)
    try:
        beside = sorted(p.name for p in path.parent.glob("inventory.gpkg-*"))
        assert beside
        before = path.read_bytes()
        for attempt in (
            lambda: review_file(path),
            lambda: working_copy.replace(make_inventory(3), path),
            lambda: make_inventory(3).to_file(path),
        ):
            with pytest.raises(LockedError, match="is open in another program"):
                attempt()
        assert path.read_bytes() == before
    finally:
        holder.kill()
        holder.wait()


@qgis
@pytest.mark.parametrize("state", ["saved", "unsaved"])
def test_edits_that_qgis_has_not_saved_are_waited_for(path: Path, state: str) -> None:
    editor = in_qgis("hold_in_qgis.py", path, state)
    assert editor.stdout is not None
    assert editor.stdout.readline() == "held\n"
    try:
        if state == "unsaved":
            with pytest.raises(LockedError, match="save them and close the file there"):
                review_file(path)
    finally:
        said = editor.communicate()
    assert editor.returncode == 0, said
    assert review_file(path)["comment"].tolist() == ["осмотрено"]


def test_saved_edits_of_a_program_that_crashed_are_taken_in(path: Path) -> None:
    holder = hold(path, "WAL")
    holder.kill()
    holder.wait()
    assert path.with_name("inventory.gpkg-wal").stat().st_size > 0
    found = review_file(path)
    assert set(found["decision"]) == {"commented"}
    assert len(found) == len(open_inventory(path).lakes)
    assert not path.with_name("inventory.gpkg-wal").exists()


def test_what_a_crashed_program_had_not_saved_is_rolled_back(path: Path) -> None:
    written = path.read_bytes()
    holder = hold(path, "DELETE")
    holder.kill()
    holder.wait()
    assert path.with_name("inventory.gpkg-journal").exists()
    assert review_file(path).empty
    assert open_inventory(path).lakes["comment"].isna().all()
    assert path.read_bytes() == written


def test_the_command_without_a_second_file(path: Path) -> None:
    told = [sys.executable, "-m", "glacial_lakes", "review", str(path), "--json"]
    said = subprocess.run(told, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == {"reviews": []}


@pytest.mark.parametrize("layer", ["lakes", "events", "scenes"])
def test_a_layer_that_was_renamed_is_told_and_not_taken_for_unchanged(
    path: Path, layer: str
) -> None:
    copy = path.with_name("copy.gpkg")
    for file in (copy, path):
        if file == copy:
            shutil.copy(path, copy)
        with closing(sqlite3.connect(file)) as database:
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                database.execute(f'DROP TRIGGER "{name}"')
            database.execute(f"ALTER TABLE {layer} RENAME TO mine")
            for table in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_ogr_contents"):
                database.execute(
                    f"UPDATE {table} SET table_name = 'mine' WHERE table_name = '{layer}'"
                )
            database.commit()
        edited = copy if file == copy else None
        with pytest.raises(VectorError, match=f"no layer {layer}, but mine; give a layer"):
            review_file(path, edited, dry_run=True)
