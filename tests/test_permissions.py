"""What the system does not let us read or write: one line that says so, and nothing harmed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_inventory import make_inventory
from sample_project import PRODUCTS, Maker

from glacial_lakes.io import atomic
from glacial_lakes.review import working_copy

SCENE, OTHER = PRODUCTS[:2]


def _words() -> list[str]:
    """Return what starts a program without the right of root to pass over permissions."""
    if sys.platform == "win32":
        return []
    if os.geteuid():
        return [sys.executable]
    setpriv = shutil.which("setpriv")
    bounded = "--bounding-set=-dac_override,-dac_read_search"
    return [setpriv, bounded, sys.executable] if setpriv else []


pytestmark = pytest.mark.skipif(not _words(), reason="permissions of POSIX systems")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[None]:
    """Open what tests have closed, so that it can be removed."""
    yield
    for path in (tmp_path, *tmp_path.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)


def said(folder: Path, *words: object) -> tuple[int, list[str]]:
    """Run commands one after the other in one process; return the last code and what was told.

    Files are not tried in another process first: it would load for seconds what is here.
    """
    program = (
        "import sys\n"
        "from glacial_lakes.cli.commands import main\n"
        "from glacial_lakes.workflow import read_ahead\n"
        "read_ahead.too_costly = lambda readers, limits: {}\n"
        "main(sys.argv[1:])"
    )
    done = subprocess.run(
        [*_words(), "-c", program, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.mark.usefixtures("closed")
def test_a_scene_that_may_not_be_read_costs_only_itself(make: Maker, tmp_path: Path) -> None:
    make(tmp_path, PRODUCTS[:2])
    (band,) = (tmp_path / "scenes" / SCENE).glob("*_SR_B2.TIF")
    band.chmod(0)
    code, lines = said(tmp_path, "scenes", "scenes")
    assert code == 3
    (refused,) = [line for line in lines if "refused" in line]
    assert "Permission denied" in refused
    assert refused.endswith("check who may read and write it")
    assert sum(OTHER in line for line in lines) == 1


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize(
    ("closes", "words", "code"),
    [
        ("project.toml", ("run", "project.toml"), 2),
        ("dem.tif", ("run", "project.toml"), 1),
        ("output", ("run", "project.toml"), 1),
        ("lakes.gpkg", ("check", "lakes.gpkg"), 1),
        ("lakes.gpkg", ("review", "lakes.gpkg"), 1),
        ("lakes.gpkg", ("validate", "lakes.gpkg", "lakes.gpkg"), 1),
        ("lakes.gpkg", ("export", "lakes.gpkg", "-o", "out"), 1),
        ("output", ("export", "lakes.gpkg", "-o", "output/csv", "--format", "csv"), 1),
        ("output", ("init", "output/new"), 1),
    ],
)
def test_what_may_not_be_read_or_written_is_told_in_one_line(
    make: Maker, tmp_path: Path, closes: str, words: tuple[str, ...], code: int
) -> None:
    make(tmp_path, PRODUCTS[:1])
    (tmp_path / "output").mkdir()
    working_copy.replace(make_inventory(3), tmp_path / "lakes.gpkg")
    (tmp_path / closes).chmod(0)
    found, lines = said(tmp_path, *words)
    assert found == code
    told = [line for line in lines if "Permission denied" in line]
    assert len(told) == 1, lines
    assert "GL0000" not in told[0]
    assert closes in told[0] or words[0] == "check"  # the only file it is about
    assert "check who may read and write it" in "\n".join(lines)


@pytest.mark.usefixtures("closed")
def test_older_exports_are_whole_when_new_ones_may_not_be_written(tmp_path: Path) -> None:
    make_inventory(3).to_file(tmp_path / "lakes.gpkg")
    assert said(tmp_path, "export", "lakes.gpkg", "-o", "out", "--format", "csv")[0] == 0
    before = {path: atomic.sha256(path) for path in (tmp_path / "out").iterdir()}
    make_inventory(5).to_file(tmp_path / "lakes.gpkg")
    (tmp_path / "out").chmod(0o555)
    code, lines = said(tmp_path, "export", "lakes.gpkg", "-o", "out", "--format", "csv")
    assert code == 1
    assert "Permission denied" in lines[-1]
    assert {path: atomic.sha256(path) for path in (tmp_path / "out").iterdir()} == before
