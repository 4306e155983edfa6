# ruff: noqa: S608
"""Edits of lakes by other programs: GDAL's own and QGIS."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from sample_project import in_this_process

from glacial_lakes.settings import read_project
from glacial_lakes.workflow.run import RunResult, run

ogr = pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="needs ogr2ogr of gdal-bin")


def sql(path: Path, statement: str) -> None:
    """Edit a file with GDAL's own program."""
    told = ["ogrinfo", "-q", str(path), "-dialect", "SQLite", "-sql", statement]
    subprocess.run(told, check=True, capture_output=True)


def convert(*arguments: object) -> None:
    subprocess.run(["ogr2ogr", *map(str, arguments)], check=True, capture_output=True)


def told(reviews: pd.DataFrame) -> list[tuple[str, str]]:
    return sorted(zip(reviews["decision"], reviews["lake_id"], strict=True))


def run_here(path: Path) -> RunResult:
    with in_this_process():
        return run(read_project(path, environment={}))


def edit_by_gdal(edited: Path, ids: dict[str, str]) -> None:
    sql(edited, f"DELETE FROM lakes WHERE lake_id = '{ids['false']}'")
    wider = "ST_Multi(ST_Buffer(geom, 0.00015)), edited_by = 'Петров'"
    sql(edited, f"UPDATE lakes SET geom = {wider} WHERE lake_id = '{ids['moved']}'")
    told = "lake_type = 'ice-contact', comment = 'осмотрено'"
    sql(edited, f"UPDATE lakes SET {told} WHERE lake_id = '{ids['typed']}'")
    circle = "ST_Multi(ST_Buffer(MakePoint({}, {}, 4326), 0.001))".format(*ids["place"].split())
    sql(edited, f"INSERT INTO lakes (geom) VALUES ({circle})")


def in_qgis(script: str, edited: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a script in the Python that QGIS brings."""
    code = Path(__file__).with_name(script)
    environment = {
        "QT_QPA_PLATFORM": "offscreen",
        "PATH": "/usr/bin:/bin",
        "HOME": str(edited.parent),
        "PYTHONIOENCODING": "utf-8",
    }
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    told = ["/usr/bin/python3", str(code), str(edited), *arguments]
    return subprocess.Popen(told, text=True, env=environment, **pipes)


def edit_by_qgis(edited: Path, ids: dict[str, str]) -> None:
    editor = in_qgis("edit_in_qgis.py", edited, json.dumps(ids))
    said = editor.communicate()
    assert editor.returncode == 0, said


def _has_pyqgis() -> bool:
    if not Path("/usr/bin/python3").exists():
        return False
    told = ["/usr/bin/python3", "-c", "import qgis.core"]
    return subprocess.run(told, capture_output=True, env={}, check=False).returncode == 0


qgis = pytest.mark.skipif(not _has_pyqgis(), reason="needs python3-qgis")
