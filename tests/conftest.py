"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from sample_project import PRODUCTS, Maker, project_of

from glacial_lakes.workflow.compiling import compile_ahead
from glacial_lakes.workflow.run import run

ROOT = Path(__file__).parents[1]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the loops once, before the workers of pytest would do so side by side."""
    # A shell without job control starts what runs in the background deaf to Ctrl-C, and so would
    # be the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        compile_ahead()


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real products and independent truth, or skip."""
    folder = os.environ.get("GLACIAL_LAKES_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GLACIAL_LAKES_DATA does not name the folder of real test data")
    return Path(folder)


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """Return the folder of the simulated sample scenes."""
    return ROOT / "sample_data"


@pytest.fixture(scope="session")
def make(sample_data: Path) -> Maker:
    """Return a function that makes a project folder with some of the sample scenes."""

    def make_project(folder: Path, products: tuple[str, ...] = PRODUCTS, text: str = "") -> Path:
        for product in products:
            shutil.copytree(sample_data / "scenes" / product, folder / "scenes" / product)
        for name in ("dem.tif", "glaciers.gpkg"):
            shutil.copy(sample_data / name, folder / name)
        inputs = '[inputs]\ndem = "dem.tif"\nglaciers = "glaciers.gpkg"\n'
        (folder / "project.toml").write_text(inputs + text, encoding="utf-8")
        return folder / "project.toml"

    return make_project


@pytest.fixture(scope="module")
def finished(make: Maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project file of a run over three scenes, two at a time."""
    path = make(tmp_path_factory.mktemp("finished"))
    result = run(project_of(path), jobs=2)
    assert len(result.mapped) == 3
    return path
