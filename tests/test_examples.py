"""Every public name has an example, and the examples run."""

from __future__ import annotations

import doctest
import importlib
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sample_project import Maker

import glacial_lakes as gl

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    {
        *(getattr(gl, name).__module__ for name in gl.__all__),
        *(module.__name__ for module in (gl.indices, gl.regions)),
    }
)


@pytest.fixture(scope="module")
def folder(finished: Path, make: Maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as the examples have it: sample data, an inventory, a survey, a project."""
    path = tmp_path_factory.mktemp("examples")
    (path / "sample_data").symlink_to(ROOT / "sample_data", target_is_directory=True)
    for name in ("inventory.gpkg", "copy.gpkg"):
        shutil.copy(finished.parent / "output" / "inventory.gpkg", path / name)
    survey = gpd.GeoDataFrame(geometry=[shapely.box(74.50, 42.60, 74.51, 42.61)], crs=4326)
    survey.to_file(path / "survey.gpkg")
    make(path / "project", ("LT05_L2SP_151030_20030817_20200904_02_T1",))
    return path


@pytest.mark.parametrize("name", gl.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    assert ">>>" in getattr(gl, name).__doc__


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = doctest.testmod(
        importlib.import_module(module),
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert found.failed == 0
