"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pandas as pd
import pytest
from products import LAYOUTS, Products
from sample_project import PRODUCTS, Maker, in_this_process, project_of

from glacial_lakes.cli.commands import main
from glacial_lakes.scenes import remote
from glacial_lakes.simulate.eopf_zarr import write_eopf_zarr
from glacial_lakes.workflow import read_ahead
from glacial_lakes.workflow.compiling import compile_ahead
from glacial_lakes.workflow.run import run

Call = Callable[..., tuple[object, str, str]]

ROOT = Path(__file__).parents[1]
os.environ["LANGUAGE"] = "en"  # whatever the system of the one who tests says
if "PYTEST_XDIST_WORKER" not in os.environ:  # these get what the first process has
    # What programs keep for a user is none of the tests' business, but for fonts, slow to list.
    os.environ.setdefault("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))
    CACHES = tempfile.TemporaryDirectory(prefix="glacial_lakes-tests-")
    os.environ["XDG_CACHE_HOME"] = os.environ["LOCALAPPDATA"] = CACHES.name
os.environ["OGR_SQLITE_SYNCHRONOUS"] = "OFF"  # what tests write need not outlive a power cut
NEEDS_DATA = "needs real products: GLACIAL_LAKES_DATA names no folder (see CONTRIBUTING.md)"

SMOKE = {
    "test_change.py",
    "test_check.py",
    "test_export.py",
    "test_files.py",
    "test_indices.py",
    "test_inventory.py",
    "test_measures.py",
    "test_outlines.py",
    "test_scenes.py",
    "test_scenes_formats.py",
    "test_settings.py",
    "test_terrain.py",
    "test_uncertainty.py",
    "test_vectors.py",
}
"""Modules that show within a few minutes whether other versions of the libraries will do."""

THOROUGH = {
    "test_accuracy_benchmark.py",
    "test_area_series.py",
    "test_bare_machines.py",
    "test_cluster.py",
    "test_compiled.py",
    "test_detectors.py",
    "test_doors.py",
    "test_interrupts.py",
    "test_partner.py",
    "test_permissions.py",
    "test_qgis_tools.py",
    "test_review.py",
    "test_real_servers.py",
    "test_remote_zarr.py",
    "test_review_in_place.py",
    "test_review_lineage.py",
    "test_stac.py",
    "test_viewer.py",
    "test_what_a_person_added.py",
    "test_what_is_not_ours.py",
    "test_workflow.py",
    "test_year.py",
}
"""Modules that play whole programs, servers, browsers and several people, and break them."""

hypothesis.settings.register_profile("without a clock", deadline=None)
hypothesis.settings.load_profile("without a clock")

SLOWEST_FIRST = (
    "test_workflow.py",
    "test_cluster.py",
    "test_compiled.py",
    "test_notebooks.py",
    "test_bare_machines.py",
)
"""Modules that must not come last: one process of pytest would wait for the other."""

COLLECTED = pytest.StashKey[list[pytest.Item]]()
"""Every test that was found, before any is left out."""


def pytest_configure(config: pytest.Config) -> None:
    """Take a fault that pandas 2 warns of, and that pandas 3 no longer knows, for an error."""
    if hasattr(pd.errors, "SettingWithCopyWarning"):
        warning = "error::pandas.errors.SettingWithCopyWarning"
        config.addinivalue_line("filterwarnings", warning)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs real products and what tries other versions; put the slowest first."""
    config.stash[COLLECTED] = list(items)
    items.sort(key=lambda item: item.path.name not in SLOWEST_FIRST)
    for item in items:
        if item.path.name in THOROUGH:
            item.add_marker(pytest.mark.thorough)
        if "data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real_data)
        elif item.path.name in SMOKE:
            item.add_marker(pytest.mark.smoke)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return a function that runs the command line in this process: code, stdout and stderr.

    Files are not tried in another process first, which would load for two seconds what is here.
    """
    monkeypatch.setattr(read_ahead, "too_costly", lambda readers, limits: {})

    def run_command(*arguments: object) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        return (caught.value.code, *capsys.readouterr())

    return run_command


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the loops once, before the workers of pytest would do so side by side."""
    # A shell without job control starts what runs in the background deaf to Ctrl-C, and so would
    # be the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):  # nohup has it ignored
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        compile_ahead()


@pytest.fixture
def here() -> Iterator[None]:
    """Let runs open and map scenes in this process, where processes are not what is tested."""
    with in_this_process():
        yield


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask servers that fail again at once."""
    monkeypatch.setattr(remote, "PAUSE_S", 0.01)


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real products and independent truth, or skip."""
    folder = os.environ.get("GLACIAL_LAKES_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip(NEEDS_DATA)
    return Path(folder)


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """Return the folder of the simulated sample scenes."""
    return ROOT / "sample_data"


@pytest.fixture(scope="session")
def products(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Products:
    """Return small products of the simulator in every layout that is read."""
    return Products(tmp_path_factory.mktemp("products"), sample_data)


@pytest.fixture(scope="session")
def stores(products: Products, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return one scene of baseline 04.00 in each layout of EOPF Zarr."""
    folder = tmp_path_factory.mktemp("stores")
    return {
        layout: write_eopf_zarr(products.scenes["2022"], folder / layout, layout)
        for layout in LAYOUTS
    }


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


@pytest.fixture(scope="session")
def finished(make: Maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project file of a run over three scenes, two at a time; to be copied or read."""
    path = make(tmp_path_factory.mktemp("finished"))
    result = run(project_of(path), jobs=2)
    assert len(result.mapped) == 3
    return path
