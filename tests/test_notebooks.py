"""Notebooks: they run from top to bottom, use the public interface only, and carry no outputs."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

import glacial_lakes

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
FIRST = NOTEBOOKS / "01_first_inventory.ipynb"
CHANGE = NOTEBOOKS / "03_change_over_time.ipynb"
TUNE = NOTEBOOKS / "02_tune_one_scene.ipynb"
OWN = NOTEBOOKS / "04_your_own_data.ipynb"
SECONDS_A_CELL = 120


def execute(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> nbformat.notebooknode.NotebookNode:
    """Run a notebook in a folder, in a kernel of this interpreter, whatever kernels there are."""
    monkeypatch.setenv("PYTHONPATH", str(Path(glacial_lakes.__file__).parents[1]))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    kernel = KernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=SECONDS_A_CELL,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def code_of(path: Path) -> list[str]:
    return [
        cell.source.removesuffix(";")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
    ]


def texts_of(cell: nbformat.notebooknode.NotebookNode) -> str:
    return "\n".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


def played(
    path: Path, sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, list[nbformat.notebooknode.NotebookNode]]:
    """Run a notebook beside the sample data; return its folder and cells, none of which warned."""
    shutil.copytree(sample_data, tmp_path / "sample_data")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    done = execute(path, folder, monkeypatch)
    cells = [cell for cell in done.cells if cell.cell_type == "code"]
    errors = [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]
    assert not errors, errors[0]["text"]
    return folder, cells


@pytest.mark.thorough
def test_the_first_inventory_runs_and_tells_its_story(
    tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cells = played(FIRST, sample_data, tmp_path, monkeypatch)
    pictures = sum("image/png" in o.get("data", {}) for cell in cells for o in cell.outputs)
    assert pictures == 4
    story = "\n".join(texts_of(cell) for cell in cells)
    for word in ("cloud", "frozen", "absent", "drained", "merged", "split", "GLAKE_ID", "± "):
        assert word in story
    assert glacial_lakes.open_inventory(folder / "first_inventory" / "inventory.gpkg").lakes.size
    assert (folder / "first_inventory" / "lakes_fields.csv").is_file()


@pytest.mark.thorough
def test_one_scene_is_tuned_step_by_step(
    tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cells = played(TUNE, sample_data, tmp_path, monkeypatch)
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 2
    story = "\n".join(texts_of(cell) for cell in cells)
    for word in ("Otsu", "candidates", "half of the pixel is water", "unmixed", "mndwi"):
        assert word in story


@pytest.mark.thorough
def test_change_over_time_is_told_on_the_sample_and_on_drawn_outlines(
    tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cells = played(CHANGE, sample_data, tmp_path, monkeypatch)
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 2
    story = "\n".join(texts_of(cell) for cell in cells)
    for word in ("sudden_drainage", "new_near_glacier", "growing", "true +", "n_common"):
        assert word in story
    is_there = (Path(os.environ.get("GLACIAL_LAKES_DATA", "")) / "hkh_indus_lakes").is_dir()
    assert ("Upper Indus" in story) == is_there
    assert (folder / "change_over_time" / "shapefiles" / "lakes_2022.shp").is_file()


@pytest.mark.thorough
def test_the_same_pixels_give_the_same_lakes_whatever_they_come_in(
    tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cells = played(OWN, sample_data, tmp_path, monkeypatch)
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 1
    story = "\n".join(texts_of(cell) for cell in cells)
    for word in ("outlines of the product: True", "metres about 42.6 N 75 E", "shadow", "GL0744"):
        assert word in story
    assert (folder / "your_own_data" / "areas.nc").is_file()


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_use_the_public_interface_only(path: Path) -> None:
    for source in code_of(path):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                parts = (node.module or "").split(".")
                # whole modules of functions, as the documents name them
                assert parts[0] != "glacial_lakes" or len(parts) <= 2
                assert not any(alias.name.startswith("_") for alias in node.names)
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names if a.name.startswith("glacial_lakes")]
                assert names in ([], ["glacial_lakes"])


def test_the_links_of_notebooks_lead_to_files() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for part in cell.source.split("](")[1:] if cell.cell_type == "markdown" else []:
                assert (path.parent / part.split(")")[0].split("#")[0]).is_file(), part
