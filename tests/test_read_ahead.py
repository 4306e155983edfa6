"""Inputs besides scenes that ask for more than they may: the run ends, and says which it was."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sample_project import PRODUCTS, Maker, project_of

from glacial_lakes.cli.commands import main
from glacial_lakes.errors import ResourceError, TimeLimitError, VectorError
from glacial_lakes.places import file_of
from glacial_lakes.settings import LimitSettings
from glacial_lakes.workflow import read_ahead as ahead
from glacial_lakes.workflow.map_files import map_scenes
from glacial_lakes.workflow.read_ahead import layer_readers, read_ahead, too_costly, vector_readers
from glacial_lakes.workflow.run import run

ENDLESS = """
WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t)
SELECT x AS fid, {geometry} AS geom FROM t
"""
LARGE = """
WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t LIMIT 100)
SELECT x AS fid, {geometry} AS geom, hex(zeroblob(50000000)) AS a FROM t
"""
BOX = shapely.box(76.9, 42.9, 77.2, 43.2)


def query_as_layer(path: Path, query: str) -> Path:
    """Write a GeoPackage whose only layer is a query; {geometry} in it is a box."""
    gpd.GeoDataFrame({"a": [1]}, geometry=[BOX], crs="EPSG:4326").to_file(path, layer="area")
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("DROP TABLE gpkg_ogr_contents")
    connection.execute("ALTER TABLE area RENAME TO stored")
    connection.execute("UPDATE gpkg_geometry_columns SET table_name = 'area'")
    connection.execute("UPDATE gpkg_contents SET table_name = 'area'")
    stored = "(SELECT geom FROM stored)"
    connection.execute(f"CREATE VIEW area AS {query.format(geometry=stored)}")
    connection.commit()
    connection.close()
    return path


def test_a_file_that_never_ends_is_named_when_its_time_is_over(tmp_path: Path) -> None:
    area = query_as_layer(tmp_path / "area.gpkg", ENDLESS)
    limits = LimitSettings(open_s=1.0)
    with (
        pytest.raises(TimeLimitError, match=r"area\.gpkg: took longer than 1 s"),
        read_ahead(vector_readers(aoi=area), limits),
    ):
        pass


ENDLESS_FILE = {
    "check": ("check", "evil.gpkg"),
    "track": ("track", "evil.gpkg", "-o", "tracked.gpkg"),
    "track --glaciers": ("track", "good.gpkg", "-o", "tracked.gpkg", "--glaciers", "evil.gpkg"),
    "review": ("review", "good.gpkg", "evil.gpkg"),
    "review of the inventory": ("review", "evil.gpkg"),
    "validate": ("validate", "evil.gpkg", "good.gpkg"),
    "validate, reference": ("validate", "good.gpkg", "evil.gpkg"),
    "validate --causes": ("validate", "good.gpkg", "good.gpkg", "--causes", "evil.gpkg"),
    "export": ("export", "evil.gpkg", "-o", "out"),
    "export --since": ("export", "good.gpkg", "-o", "out", "--since", "evil.gpkg"),
    "report --glaciers": ("report", "good.gpkg", "-o", "out.html", "--glaciers", "evil.gpkg"),
}


@pytest.mark.parametrize("words", ENDLESS_FILE.values(), ids=ENDLESS_FILE)
def test_each_command_tries_the_files_that_people_give_it_within_limits(
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("good.gpkg", "evil.gpkg"):
        gpd.GeoDataFrame({"a": [1]}, geometry=[BOX], crs="EPSG:4326").to_file(name)
    tried: list[str] = []

    def one_costs_too_much(
        function: Callable[[Any], Any], readers: Iterable[Any], **limits: object
    ) -> Iterator[Any]:
        for reader in readers:
            tried.append(reader.args[0])
            is_evil = file_of(reader.args[0]).name == "evil.gpkg"
            yield TimeLimitError(None, "took longer than it may") if is_evil else None

    monkeypatch.setattr(ahead, "in_turn", one_costs_too_much)
    with pytest.raises(SystemExit) as left:
        main([*words])
    said = capsys.readouterr().err
    assert left.value.code == 1
    assert "evil.gpkg: " in said
    assert "took longer than it may" in said
    assert tried
    assert {path.name for path in tmp_path.iterdir()} <= {"good.gpkg", "evil.gpkg"}


def test_a_layer_that_never_ends_ends_check_in_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    area = query_as_layer(tmp_path / "area.gpkg", ENDLESS)
    monkeypatch.setenv("GLACIAL_LAKES_LIMITS_OPEN_S", "1")
    with pytest.raises(SystemExit) as left:
        main(["check", str(area)])
    assert left.value.code == 1
    assert "area.gpkg: took longer than 1 s" in capsys.readouterr().err


def test_of_several_files_only_the_one_that_costs_too_much_is_refused(tmp_path: Path) -> None:
    query_as_layer(tmp_path / "area.gpkg", ENDLESS)
    good = tmp_path / "good.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=[BOX], crs="EPSG:4326").to_file(good)
    readers = layer_readers(tmp_path / "area.gpkg", good, tmp_path / "missing.gpkg")
    (found,) = too_costly(readers, LimitSettings(open_s=1.0)).items()
    assert found[0] == tmp_path / "area.gpkg"
    assert isinstance(found[1], TimeLimitError)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory reliably")
@pytest.mark.parametrize("command", ["run", "map"])
def test_a_file_that_eats_the_memory_ends_no_more_than_its_process(
    command: str, make: Maker, tmp_path: Path
) -> None:
    query_as_layer(tmp_path / "area.gpkg", LARGE)
    limits = "[limits]\nopen_memory_gb = 0.7\n"
    path = make(tmp_path, PRODUCTS[:1], '[area]\naoi = "area.gpkg"\n' + limits)
    project = project_of(path)
    with pytest.raises((ResourceError, VectorError), match=r"area\.gpkg: ") as told:
        if command == "run":
            run(project)
        else:
            scenes, out = tmp_path / "scenes", tmp_path / "lakes.gpkg"
            map_scenes([scenes], out, aoi=tmp_path / "area.gpkg", limits=project.limits)
    assert "memory" in str(told.value)
