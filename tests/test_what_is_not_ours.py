"""What a run, a command or a hostile folder may replace and remove: only its own results."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from sample_inventory import make_inventory
from sample_project import PRODUCTS, Maker, project_of

from glacial_lakes.cli.commands import main
from glacial_lakes.cli.demo import copy_sample
from glacial_lakes.errors import ConfigError, ForeignFileError, OverlapError
from glacial_lakes.export import edited as edited_exports
from glacial_lakes.export.edited import remember
from glacial_lakes.export.export import FORMATS, export
from glacial_lakes.inventory.inventory import open_inventory
from glacial_lakes.io import atomic
from glacial_lakes.io.kinds import may_replace
from glacial_lakes.io.marks import MARK_NAME, is_marked
from glacial_lakes.places import lies_in
from glacial_lakes.report.page import write_report
from glacial_lakes.review import working_copy
from glacial_lakes.settings import check_output, inputs_of, read_project
from glacial_lakes.simulate.__main__ import main as simulate
from glacial_lakes.workflow import output_folder
from glacial_lakes.workflow.map_files import map_scenes
from glacial_lakes.workflow.run import run

pytestmark = pytest.mark.usefixtures("here")
posix = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
WITHOUT_PYARROW = [name for name in FORMATS if name != "parquet"]


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): atomic.sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def command(*arguments: Path | str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0), ""


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished.parent, tmp_path / "project")
    return tmp_path / "project" / "project.toml"


# outputs that would meet inputs


@pytest.mark.parametrize(
    ("output", "scenes"),
    [
        ("data", "data/scenes/*"),
        ("data", "data/*/LT05*"),
        ("data", "dat?/scenes/*"),
        ("DATA", "data/scenes/*"),
        ("x/../data", "data/scenes/*"),
        ("data/scenes", "data/scenes/*"),
        (f"data/scenes/{PRODUCTS[0]}", "data/scenes/*"),
        (f"data/scenes/{PRODUCTS[0]}/out", "data/scenes/*"),
        pytest.param("link", "data/scenes/*", marks=posix),
        pytest.param("data", "link/scenes/*", marks=posix),
    ],
)
def test_a_run_never_touches_its_inputs(
    output: str, scenes: str, make: Maker, tmp_path: Path
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    (tmp_path / "data").mkdir()
    (tmp_path / "scenes").rename(tmp_path / "data" / "scenes")
    if sys.platform != "win32":
        (tmp_path / "link").symlink_to("data")
    text = path.read_text(encoding="utf-8")
    path.write_text(
        f'[project]\noutput = "{output}"\n{text}scenes = ["{scenes}"]\n', encoding="utf-8"
    )
    before = contents(tmp_path)
    assert command("run", path)[0] == 2
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("output", "scenes", "code"),
    [
        ("scenes/output", "scenes/*", 2),
        ("scenes/2024/output", "scenes/**", 2),
        ("scenes/output", "scenes/L*", 0),
        ("output", "scenes/*", 0),
        ("output", "*", 0),
    ],
)
def test_a_new_output_where_scenes_are_looked_for_is_refused(
    output: str, scenes: str, code: int, make: Maker, tmp_path: Path
) -> None:
    """Unless no pattern of scenes finds it in the next run."""
    path = make(tmp_path, PRODUCTS[:1])
    text = f'[project]\noutput = "{output}"\n[inputs]\nscenes = ["{scenes}"]\n'
    path.write_text(text, encoding="utf-8")
    if code:
        with pytest.raises(ConfigError, match="would mix results"):
            read_project(path)
    else:
        check_output(read_project(path))


@posix
def test_products_that_are_linked_into_the_output_are_inputs(make: Maker, tmp_path: Path) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    (tmp_path / "scenes").rename(tmp_path / "archive")
    (tmp_path / "output" / "scenes").mkdir(parents=True)
    (tmp_path / "output" / "scenes" / PRODUCTS[0]).symlink_to(tmp_path / "archive" / PRODUCTS[0])
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text}scenes = ["output/scenes/*"]\n', encoding="utf-8")
    before = contents(tmp_path / "archive")
    assert command("run", path)[0] == 2
    assert contents(tmp_path / "archive") == before


@pytest.mark.parametrize("key", ["dem", "glaciers"])
def test_inputs_in_the_output_folder_are_refused(key: str, make: Maker, tmp_path: Path) -> None:
    project = project_of(make(tmp_path, PRODUCTS[:1]))
    (tmp_path / "output").mkdir()
    named = shutil.copy(tmp_path / getattr(project.inputs, key), tmp_path / "output")
    inputs = replace(project.inputs, **{key: f"output/{Path(named).name}"})
    with pytest.raises(ConfigError, match="would mix results with the inputs"):
        run(replace(project, inputs=inputs))


def test_outlines_are_not_mapped_over_what_they_are_made_of(
    make: Maker, sample_data: Path, tmp_path: Path
) -> None:
    make(tmp_path, PRODUCTS[:1])
    product = tmp_path / "scenes" / PRODUCTS[0]
    before = contents(tmp_path)
    for out in (tmp_path / "glaciers.gpkg", product / "lakes.gpkg", tmp_path / "GLACIERS.gpkg"):
        with pytest.raises(OverlapError):
            map_scenes([product], out, glaciers=tmp_path / "glaciers.gpkg")
        with pytest.raises(OverlapError):
            map_scenes([tmp_path / "scenes"], out, glaciers=tmp_path / "glaciers.gpkg")
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "i.gpkg", "-o", "i.gpkg"),
        ("report", "i.gpkg", "-o", "I.GPKG"),
        ("report", "i.gpkg", "-o", "aoi.shp"),
        ("report", "i.gpkg", "-o", "notes.html"),
        ("track", "aoi.shp", "-o", "aoi.gpkg", "--glaciers", "aoi.gpkg"),
        ("track", "aoi.shp", "-o", "aoi.gpkg", "--date", "2015"),
        ("track", "aoi.shp", "-o", "notes.gpkg", "--date", "2015"),
        ("track", "aoi.shp", "-o", "s3://bucket/i.gpkg", "--date", "2015"),
        ("map", ".", "-o", "s3://bucket/x.gpkg"),
        ("export", "inventory.gpkg", "-o", "."),
        ("export", "i.gpkg", "-o", ".", "--format", "csv"),
        ("validate", "i.gpkg", "aoi.shp", "-o", "numbers.json", "--causes", "numbers.png"),
        ("init", "new", "--log-file", "notes.html"),
        ("--log-file", "aoi.dbf", "check", "aoi.shp"),
        ("check", "aoi.shp", "--log-file", "aoi.shp"),
        ("scenes", ".", "--log-file", "lakes.csv"),
        ("report", "i.gpkg", "-o", "new.html", "--log-file", "new.html"),
        ("export", "i.gpkg", "-o", "s3://bucket/x"),
    ],
)
def test_slips_of_the_hand_cost_nothing(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_inventory(4).to_file(tmp_path / "i.gpkg")
    shutil.copy(tmp_path / "i.gpkg", tmp_path / "inventory.gpkg")
    lakes = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.box(74, 42, 75, 43)], crs=4326)
    lakes.to_file(tmp_path / "aoi.shp")
    lakes.to_file(tmp_path / "aoi.gpkg")
    (tmp_path / "notes.html").write_text("<p>my notes")
    (tmp_path / "notes.gpkg").write_text("my notes")
    (tmp_path / "lakes.csv").write_text("lake,depth\nmine,3\n")
    (tmp_path / "numbers.png").write_bytes(b"\x89PNG mine")
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    assert command(*arguments)[0] == 2
    assert contents(tmp_path) == before | {
        name: sha for name, sha in contents(tmp_path).items() if name not in before
    }
    assert not (tmp_path / "s3:").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "project.toml", "--log-file", "dem.tif"),
        ("run", "project.toml", "--log-file", "GLACIERS.gpkg"),
        ("run", "project.toml", "--log-file", f"scenes/{PRODUCTS[0]}/{PRODUCTS[0]}_MTL.txt"),
        ("run", "project.toml", "--log-file", f"scenes/{PRODUCTS[0]}/new.log"),
        ("run", "project.toml", "--log-file", "output/inventory.gpkg"),
        ("run", "project.toml", "--log-file", "OUTPUT/inventory.gpkg"),
        ("series", "1", "project.toml", "-o", "curves.csv"),
        ("series", "1", "project.toml", "-o", "cat.csv"),
        ("series", "1", "project.toml", "-o", f"scenes/{PRODUCTS[0]}/s.csv"),
        ("track", "glaciers.gpkg", "-o", "cat.csv", "--catalogue", "project.toml"),
    ],
)
def test_what_a_project_reads_is_not_written_by_any_command(
    arguments: tuple[str, ...], make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even with --overwrite, and no log is begun there before it is told."""
    path = make(tmp_path, PRODUCTS[:1])
    text = path.read_text(encoding="utf-8")
    (tmp_path / "curves.csv").write_text("lake,area_m2,volume_m3\n1,1000,5000\n")
    (tmp_path / "cat.csv").write_text("no,lon,lat\n1,74.5,42.5\n")
    text += '[catalogue]\nfile = "cat.csv"\nid = "no"\n[storage]\ncurves = "curves.csv"\n'
    path.write_text(text, encoding="utf-8")
    for name in ("output", "OUTPUT"):
        (tmp_path / name).mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    assert command(*arguments, "--overwrite")[0] == 2
    assert contents(tmp_path) == before


def test_beside_images_in_the_folder_of_a_project_there_is_room_for_a_log(
    make: Maker, tmp_path: Path
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    text = path.read_text(encoding="utf-8").replace('"scenes/*"', '"*"')
    path.write_text(text, encoding="utf-8")
    (tmp_path / "run.log").touch()
    (tmp_path / "series").mkdir()
    inputs = inputs_of(read_project(path))
    assert not any(
        lies_in(tmp_path / name, one) for one in inputs for name in ("run.log", "series")
    )


def test_a_folder_of_another_kind_is_told_by_init_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenes").write_text("mine")
    assert command("init", tmp_path)[0] == 1
    assert "GL0000" not in capsys.readouterr().err
    assert contents(tmp_path).keys() == {"scenes"}


def test_what_is_named_with_overwrite_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_inventory(4).to_file(tmp_path / "i.gpkg")
    monkeypatch.chdir(tmp_path)
    Path("notes.html").write_text("<p>my notes")
    assert command("report", "i.gpkg", "-o", "notes.html", "--overwrite")[0] == 0
    assert "<main>" in Path("notes.html").read_text(encoding="utf-8")
    assert command("--overwrite", "report", "i.gpkg", "-o", "i.gpkg")[0] == 2


@pytest.mark.parametrize("content", ["vector", "text"])
def test_an_inventory_takes_the_place_of_what_is_named_with_overwrite(
    content: str, tmp_path: Path
) -> None:
    lakes = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.box(74, 42, 74.01, 42.01)], crs=4326)
    lakes.to_file(tmp_path / "lakes.shp")
    out = tmp_path / "i.gpkg"
    lakes.to_file(out) if content == "vector" else out.write_text("my notes")
    words = ("track", tmp_path / "lakes.shp", "-o", out, "--date", "2015", "-q")
    assert command(*words)[0] == 2
    assert command(*words, "--overwrite")[0] == 0
    assert len(open_inventory(out).lakes) == 1
    assert "i" not in pyogrio.list_layers(out)[:, 0]
    assert command(*words)[0] == 0


def test_samples_are_simulated_into_no_folder_of_other_work(tmp_path: Path) -> None:
    for name in ("glaciers.gpkg", "project.toml", "README.md"):
        (tmp_path / name).write_text("mine")
    before = contents(tmp_path)
    assert CliRunner().invoke(simulate, [str(tmp_path)]).exit_code == 1
    assert contents(tmp_path) == before


def test_a_log_goes_on_and_may_be_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.log").touch()
    for name in ("new.log", "new.log", "empty.log"):
        assert command("scenes", ".", "--log-file", name)[0] == 1
        Path(f"{name}").write_text("2026-01-01 00:00:00,000 INFO glacial_lakes: x\n")
    assert command("scenes", ".", "--log-file", "/dev/null")[0] == 1


# results of the same kind


@pytest.mark.parametrize("name", WITHOUT_PYARROW)
def test_an_export_replaces_an_earlier_export_and_nothing_else(name: str, tmp_path: Path) -> None:
    (folder := tmp_path / "out").mkdir()
    few, more = make_inventory(3), make_inventory(5)
    export(few, folder, [name])
    first = contents(folder)
    paths = export(more, folder, [name])
    assert contents(folder) != first
    for path in {path.suffix: path for path in paths}.values():  # one of a kind
        for foreign in (b"a person's own work\n", b'{"a": 1}', b"SQLite format 3\0", b"PK\x03\x04"):
            shutil.copytree(folder, tmp_path / "other", dirs_exist_ok=True)
            mine = tmp_path / "other" / path.relative_to(folder)
            mine.write_bytes(foreign)
            if mine.suffix == ".shp":  # its table tells whose it is
                mine.with_suffix(".dbf").write_bytes(foreign)
            if mine.suffix in {".prj", ".cpg", ".shx"}:
                continue
            with pytest.raises(ForeignFileError):
                export(few, tmp_path / "other", [name])
            assert mine.read_bytes() == foreign
            shutil.rmtree(tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lakes.csv", "lake_id,lake_name,comment\nGL1,Mine,words\n"),
        ("lakes.geojson", '{"type": "FeatureCollection", "features": [{"properties": {}}]}'),
        ("lakes.geojson", '{"type": "FeatureCollection", "features": [{"properties": null}]}'),
    ],
)
def test_a_table_made_by_hand_with_some_of_our_columns_is_no_result(
    name: str, content: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ForeignFileError):
        export(make_inventory(3), tmp_path, [Path(name).suffix[1:]])
    assert (tmp_path / name).read_text(encoding="utf-8") == content


def test_results_that_a_person_changed_are_kept_beside_the_new_ones(tmp_path: Path) -> None:
    parts = ("shapefiles/lakes.shp", "shapefiles/lakes.dbf", "shapefiles/lakes.shx")
    names = ("lakes.csv", "report.html", "inventory.gpkg", "shapefiles/lakes.qml", *parts)
    (tmp_path / "shapefiles").mkdir()
    for name in names:
        (tmp_path / name).write_text("as written")
    written = {name: atomic.sha256(tmp_path / name) for name in names}
    with atomic.together(tmp_path) as aside:
        assert output_folder.keep_changed(tmp_path, written, aside) == {}
    for name in set(names) - {"report.html", *parts[::2]}:
        (tmp_path / name).write_text("changed")
    with atomic.together(tmp_path) as aside:
        kept = output_folder.keep_changed(tmp_path, written, aside)
    names_kept = {path.relative_to(tmp_path).as_posix() for path in kept}
    assert names_kept == {"lakes.csv", "shapefiles/lakes.qml", *parts}
    for path, name in kept.items():
        assert (tmp_path / name).read_bytes() == path.read_bytes()
    assert len({Path(name).stem for path, name in kept.items() if path.suffix != ".csv"}) == 1


def add_column(path: Path) -> None:
    if path.suffix == ".gpkg":
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("ALTER TABLE lakes ADD COLUMN notes TEXT")
    else:
        pd.read_csv(path).assign(notes="mine").to_csv(path, index=False)


def add_layer(path: Path) -> None:
    lakes = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.box(74, 42, 75, 43)], crs=4326)
    lakes.to_file(path, layer="mine")


@pytest.mark.parametrize(
    ("name", "change"),
    [("inventory.gpkg", add_column), ("inventory.gpkg", add_layer), ("lakes.csv", add_column)],
)
def test_what_a_person_added_to_makes_an_export_theirs(
    name: str, change: Callable[[Path], None], tmp_path: Path
) -> None:
    export(make_inventory(3), tmp_path, ["gpkg", "csv"])
    change(tmp_path / name)
    before = atomic.sha256(tmp_path / name)
    with pytest.raises(ForeignFileError):
        export(make_inventory(5), tmp_path, ["gpkg", "csv"])
    assert atomic.sha256(tmp_path / name) == before


def test_a_result_of_a_version_with_fewer_columns_is_an_earlier_result(tmp_path: Path) -> None:
    export(make_inventory(3), tmp_path, ["csv"])
    table = pd.read_csv(tmp_path / "lakes.csv")
    table[table.columns[:-5]].to_csv(tmp_path / "lakes.csv", index=False)
    export(make_inventory(3), tmp_path, ["csv"])
    assert list(pd.read_csv(tmp_path / "lakes.csv").columns) == list(table.columns)


@posix
def test_what_a_person_wrote_into_exports_is_kept_before_they_are_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_inventory(4)
    formats = ["shp", "csv", "csv_excel", "geojson"]
    monkeypatch.setattr(edited_exports, "of_user", lambda: [tmp_path / "home"])
    tmp_path = tmp_path / "exports"
    export(made, tmp_path, formats)
    written = contents(tmp_path)
    export(made, tmp_path, formats)
    assert contents(tmp_path) == written
    assert not caplog.records
    shapes = gpd.read_file(tmp_path / "shapefiles" / "lakes.shp")
    shapes.assign(Comment="words in a shapefile").to_file(tmp_path / "shapefiles" / "lakes.shp")
    for name in ("lakes.csv", "csv_excel/lakes.csv"):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(f"words in {name}\n")
    features = (tmp_path / "lakes.geojson").read_text(encoding="utf-8")
    (tmp_path / "lakes.geojson").write_text(features.replace("present", "PRESENT"), "utf-8")
    edited = contents(tmp_path)
    export(made, tmp_path, formats)
    assert {name: contents(tmp_path)[name] for name in written} == written
    kept = set(contents(tmp_path / "edited").values())
    ours = {name: sha for name, sha in edited.items() if written.get(name) != sha}
    assert {"lakes.csv", "csv_excel/lakes.csv", "lakes.geojson"} < set(ours)
    assert set(ours.values()) <= kept
    (shp,) = (tmp_path / "edited").glob("*.shp")
    assert gpd.read_file(shp)["Comment"].tolist() == ["words in a shapefile"] * len(shapes)
    assert sum("was edited since it was exported" in line for line in caplog.messages) >= 4


@posix
def test_of_exports_the_records_of_the_last_folders_are_kept_and_none_in_the_home_of_the_tester(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "linux":
        (place,) = edited_exports.of_user()
        assert Path.home() not in place.parents
    monkeypatch.setattr(edited_exports, "of_user", lambda: [tmp_path / "home"])
    monkeypatch.setattr(edited_exports, "MOST_RECORDS", 3)
    for number in range(5):
        remember(tmp_path / str(number), {"lakes.csv": "00"})
        for record in (tmp_path / "home").rglob("*.json"):  # each a second older than the next
            told = record.stat()
            os.utime(record, ns=(told.st_atime_ns, told.st_mtime_ns - 10**9))
    records = (tmp_path / "home" / "exports").glob("*.json")
    folders = {json.loads(path.read_text(encoding="utf-8"))["folder"] for path in records}
    assert folders == {str(tmp_path / str(number)) for number in (2, 3, 4)}


def test_a_link_is_not_replaced(tmp_path: Path) -> None:
    target = write_report(make_inventory(3), tmp_path / "far.html")
    (tmp_path / "near.html").symlink_to(target)
    with pytest.raises(ForeignFileError, match="is a link"):
        write_report(make_inventory(3), tmp_path / "near.html")
    assert (tmp_path / "near.html").is_symlink()
    assert not may_replace(target, tmp_path / "near.html")
    assert not may_replace(target, tmp_path)
    assert may_replace(target, tmp_path / "nothing.html")


# several inventories in one folder

NAMES = ("lakes", "old_lakes", "lakes.v2", "lakes_2", "l*s", "l[a]kes", "Lakes2")


def test_an_inventory_keeps_its_copy_while_its_namesakes_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "as_written"
    copies: dict[Path, Path] = {}
    for inventory in (make_inventory(4), make_inventory(6)):
        for name in NAMES:
            if sys.platform == "win32" and "*" in name:
                continue  # no name there
            mine = tmp_path / f"{name}.gpkg"
            working_copy.replace(inventory, mine)
            copies.pop(mine, None)
            assert all(copy.exists() for copy in copies.values())
            (copies[mine],) = {*folder.iterdir()} - {*copies.values(), folder / "lakes.notes.gpkg"}
            (folder / "lakes.notes.gpkg").write_text("mine")
    assert len(copies) > 5
    for mine in copies:
        assert working_copy.edits(mine).is_edited is False
        mine.unlink()
        assert working_copy.restore(mine)


def test_two_edits_of_one_second_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "inventory.gpkg"
    for text in (b"one", b"two"):
        path.write_bytes(text)
        os.utime(path, (1e9, 1e9))
        working_copy.keep(path)
        working_copy.keep(path)
    kept = sorted(entry.read_bytes() for entry in (tmp_path / "edited").iterdir())
    assert kept == [b"one", b"two"]


# output folders of others


def test_a_manifest_has_no_power_outside_its_folder(copied: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("precious\n")
    output = copied.parent / "output"
    content = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    content["outputs"] |= {
        name: hashlib.sha256(b"precious\n").hexdigest()
        for name in (
            "../../precious.txt",
            str(precious),
            "..\\..\\precious.txt",
            "sub/../../../precious.txt",
            "./../../precious.txt",
        )
    }
    (output / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    (output / "lakes.csv").unlink(missing_ok=True)
    (output / "observations.csv").unlink()
    result = run(project_of(copied))
    assert not result.unchanged
    assert precious.read_text() == "precious\n"


def test_a_manifest_has_no_power_over_what_runs_do_not_write(copied: Path) -> None:
    output = copied.parent / "output"
    content = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    files = [output / name for name in ("notes.txt", "edited/mine.gpkg", "shapefiles/mine.shp")]
    for mine in (*files, output / "scenes" / "x"):
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("mine\n")
        content["outputs"][mine.relative_to(output).as_posix()] = atomic.sha256(mine)
    (output / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    (output / "observations.csv").unlink()
    run(project_of(copied))
    for mine in (*files, output / "scenes" / "x"):
        assert mine.read_text() == "mine\n"


@pytest.mark.parametrize(
    "content", ["[1]", '{"outputs": [1]}', '{"outputs": {"a": 1}, "n_lakes": "x"}', "{"]
)
def test_a_manifest_of_any_content_is_no_fault(content: str, copied: Path) -> None:
    output = copied.parent / "output"
    expected = contents(output)
    (output / "manifest.json").write_text(content, encoding="utf-8")
    result = run(project_of(copied))
    assert result.mapped == ()
    assert {**contents(output)} == expected


@pytest.mark.parametrize(
    "name", ["lakes.csv", "report.html", "scenes/mine/a.tif", "inventory.gpkg"]
)
def test_a_folder_of_other_work_is_refused_before_anything_is_mapped(
    name: str, make: Maker, tmp_path: Path
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    mine = tmp_path / "output" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert command("run", path)[0] == 2
    assert [entry.read_text() for entry in (tmp_path / "output").rglob("*") if entry.is_file()] == [
        "mine"
    ]


def test_files_of_a_person_beside_the_results_stay(make: Maker, tmp_path: Path) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    mine = [
        tmp_path / "output" / name
        for name in ("README.txt", "my lakes.csv", ".mapping-notes/a.txt", ".DS_Store")
    ]
    for one in mine:
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_text("mine")
    run(project_of(path))
    note = tmp_path / "output" / "scenes" / PRODUCTS[0] / "notes.txt"
    note.write_text("mine")
    project = project_of(path)
    changed = replace(project, mapping=replace(project.mapping, min_pixels=9.0))
    assert run(changed).mapped == PRODUCTS[:1]
    assert {one.read_text() for one in [*mine, note]} == {"mine"}


def test_a_folder_of_an_earlier_version_gets_the_mark(copied: Path) -> None:
    output = copied.parent / "output"
    (output / MARK_NAME).unlink()
    assert run(project_of(copied)).unchanged
    assert is_marked(output)
    (output / MARK_NAME).unlink()
    for name in ("manifest.json", "inventory.gpkg"):  # killed before its first manifest
        (output / name).unlink()
    assert run(project_of(copied)).reused == PRODUCTS
    assert is_marked(output)


@posix
@pytest.mark.parametrize("name", ["scenes", "shapefiles", "as_written"])
def test_a_linked_folder_of_results_is_refused(name: str, copied: Path, tmp_path: Path) -> None:
    output = copied.parent / "output"
    (output / name).rename(tmp_path / "elsewhere")
    (output / name).symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path / "elsewhere")
    with pytest.raises(ForeignFileError, match="is a link to another folder"):
        run(project_of(copied))
    assert contents(tmp_path / "elsewhere") == before


@posix
def test_work_folders_are_removed_by_what_they_hold(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.txt").write_text("mine")
    names = ["0123456789abcdef", "00000000000000aa", "00000000000000bb", "notes"]
    works = [tmp_path / f".mapping-{name}" for name in names]
    for work in (works[0], works[1], works[3]):
        (work / "LT05").mkdir(parents=True)
        (work / "LT05" / "outlines.gpkg").write_text("x")
        (work / "LT05" / ".outlines.h-1-abcd.part.gpkg-journal").write_text("x")
        (work / "running").touch()
    (works[1] / "LT05" / "a person's.txt").write_text("mine")
    works[2].symlink_to(mine)
    for work in works:
        output_folder.remove_work(work)
    assert [work.exists() for work in works] == [False, True, True, True]
    assert (works[1] / "LT05" / "a person's.txt").exists()
    assert (mine / "a.txt").exists()


def test_the_demo_keeps_what_a_person_changed_in_it(tmp_path: Path) -> None:
    project = copy_sample(tmp_path / "demo")
    project.write_text("mine", encoding="utf-8")
    (band,) = (project.parent / "scenes").glob("LT05*2003*/*_SR_B2.TIF")
    band.unlink()
    copy_sample(tmp_path / "demo")
    assert project.read_text(encoding="utf-8") == "mine"
    assert band.is_file()
