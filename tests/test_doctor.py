"""The examination of an installation, and PROJ data of another program."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio

from glacial_lakes.cli.doctor import RASTER_DRIVERS, VECTOR_DRIVERS, examine
from glacial_lakes.kernels import cache
from glacial_lakes.runtime import machine

OWN_PROJ = Path(rasterio.__file__).parent / "proj_data"
needs_wheel = pytest.mark.skipif(
    not (OWN_PROJ / "proj.db").is_file(), reason="this rasterio brings no PROJ data of its own"
)


@pytest.fixture
def old_proj(tmp_path: Path) -> Path:
    """Return PROJ data as an older program would bring them: same file, older layout."""
    shutil.copy(OWN_PROJ / "proj.db", tmp_path / "proj.db")
    (tmp_path / "proj.db").chmod(0o644)
    with sqlite3.connect(tmp_path / "proj.db") as database:
        database.execute(
            "UPDATE metadata SET value = 2 WHERE key = 'DATABASE.LAYOUT.VERSION.MINOR'"
        )
    database.close()
    return tmp_path


def doctor(
    folder: Path | None = None, **variables: str
) -> tuple[int, dict[str, dict[str, str]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "glacial_lakes", "--json", "doctor"],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, **variables},
    )
    findings = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    return done.returncode, findings, done.stderr


def test_this_installation_has_no_fault() -> None:
    findings = {finding.subject: finding for finding in examine({})}
    assert [finding for finding in findings.values() if finding.state == "fault"] == []
    assert rasterio.__gdal_version__ in findings["rasterio"].value
    assert findings["rasterio drivers"].value == ", ".join(RASTER_DRIVERS)
    assert findings["pyogrio drivers"].value == ", ".join(VECTOR_DRIVERS)


def test_every_finding_that_is_not_well_says_what_to_do() -> None:
    strange = {"GDAL_DRIVER_PATH": "C:/OSGeo4W/bin/gdalplugins", "GDAL_DATA": "C:/x"}
    findings = examine({**strange, "PROJ_LIB": "C:/OSGeo4W/share/proj"})
    notes = {finding.subject for finding in findings if finding.state == "note"}
    assert set(strange) <= notes
    assert all(finding.remedy for finding in findings if finding.state != "ok")


@needs_wheel
@pytest.mark.parametrize("variable", machine.PROJ_VARIABLES)
def test_proj_data_of_another_program_are_left_aside(old_proj: Path, variable: str) -> None:
    code, findings, errors = doctor(**{variable: str(old_proj)})
    assert code == 0
    assert findings[variable]["state"] == "note"
    assert f"{variable}={old_proj} belongs to another program" in errors


@needs_wheel
def test_without_that_rasterio_would_break_and_the_doctor_says_so(old_proj: Path) -> None:
    code, findings, _ = doctor(PROJ_LIB=str(old_proj), GLACIAL_LAKES_KEEP_PROJ="1")
    assert code == 1
    assert findings["rasterio PROJ"]["state"] == "fault"
    assert "PROJ_LIB" in findings["rasterio PROJ"]["remedy"]


@needs_wheel
def test_proj_data_of_rasterio_itself_are_not_foreign() -> None:
    assert machine.foreign_proj({"PROJ_LIB": str(OWN_PROJ)}) == {}
    assert machine.foreign_proj({"PROJ_LIB": ""}) == {}


@needs_wheel
def test_dropping_changes_only_the_foreign_variables() -> None:
    environment = {"PROJ_LIB": "/usr/share/other", "PROJ_DATA": str(OWN_PROJ), "HOME": "/h"}
    assert machine.drop_foreign_proj(environment) == {"PROJ_LIB": "/usr/share/other"}
    assert environment == {"PROJ_DATA": str(OWN_PROJ), "HOME": "/h"}


def test_the_doctor_tells_where_compiled_code_is_kept(tmp_path: Path) -> None:
    _, findings, _ = doctor(NUMBA_CACHE_DIR=str(tmp_path))
    assert findings["compiled code"]["state"] == "ok"
    assert Path(findings["compiled code"]["value"]).parent == tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="folders of POSIX systems")
def test_the_doctor_tells_when_compiled_code_does_not_last(tmp_path: Path) -> None:
    package = tmp_path / "glacial_lakes"
    shutil.copytree(cache.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__pycache__").write_text("no folder")
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/x", "TMPDIR": str(tmp_path)}
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    code, findings, _ = doctor(tmp_path, PYTHONPATH=path, NUMBA_CACHE_DIR="", **nowhere)
    assert code == 0
    assert findings["compiled code"]["state"] == "note"
    assert "NUMBA_CACHE_DIR" in findings["compiled code"]["remedy"]


def test_the_doctor_and_a_map_tell_at_once_when_nothing_is_compiled() -> None:
    program = (
        "from glacial_lakes.cli.doctor import examine\n"
        "from glacial_lakes.workflow.compiling import compile_ahead\n"
        "compile_ahead(print)\n"
        "print([finding.value for finding in examine({}) if finding.state == 'fault'])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "KernelsNotCompiled" in told
    assert "NUMBA_DISABLE_JIT is set: a map takes hours" in told


def test_memory_and_cores_are_those_of_this_computer() -> None:
    assert 1 <= machine.core_count() <= (os.cpu_count() or 1)
    assert 2**28 < machine.memory_bytes() < 2**50
