"""Inputs besides scenes that ask for more than they may: the run ends, and says which it was."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sample_project import PRODUCTS, Maker, project_of

from glacial_lakes.errors import ResourceError, TimeLimitError, VectorError
from glacial_lakes.settings import LimitSettings
from glacial_lakes.workflow.map_files import map_scenes
from glacial_lakes.workflow.read_ahead import read_ahead, vector_readers
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
