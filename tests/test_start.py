"""Starting without typing: a folder dragged onto a file of Windows, and what the file does."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import click
import pytest
from conftest import Call
from sample_project import PRODUCTS

from glacial_lakes.cli.commands import cli
from glacial_lakes.cli.start import project_in
from glacial_lakes.errors import MissingFileError
from glacial_lakes.settings import read_project

WINDOWS = Path(__file__).parents[1] / "docs" / "windows"
SCRIPTS = sorted(WINDOWS.glob("*.cmd"))


def touched(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_folder_with_scenes_becomes_a_project_with_what_lies_there(tmp_path: Path) -> None:
    for name in ("scenes/S2A_X.zip", "dem_30m.tif", "rgi70_13.shp", "notes.txt"):
        touched(tmp_path / name)
    path = project_in(tmp_path, "ru")
    assert path == tmp_path / "project.toml"
    project = read_project(path, environment={})
    assert project.inputs.scenes == ("scenes/*",)
    assert (project.inputs.dem, project.inputs.glaciers) == ("dem_30m.tif", "rgi70_13.shp")
    assert project.project.language == "ru"
    text = path.read_text(encoding="utf-8").replace('"rgi70_13.shp"', '"other.shp"')
    path.write_text(text, encoding="utf-8")
    assert project_in(tmp_path, "en") == path
    assert project_in(path, "en") == path
    assert path.read_text(encoding="utf-8") == text


def test_a_new_folder_is_made_ready_and_waits_for_images(tmp_path: Path, call: Call) -> None:
    code, out, _ = call("--lang", "ru", "start", tmp_path / "озёра", "--no-open")
    assert code == 0
    assert (tmp_path / "озёра" / "scenes").is_dir()
    assert "Положите снимки" in out
    assert not (tmp_path / "озёра" / "project.toml").exists()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="folder"):
        project_in(touched(tmp_path / "photo.jpg"), "en")


@pytest.mark.usefixtures("here")
def test_a_folder_of_images_is_only_read_and_the_report_is_opened(
    tmp_path: Path, sample_data: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "снимки 2003"
    shutil.copytree(sample_data / "scenes" / PRODUCTS[0], folder / PRODUCTS[0])
    for name in ("dem.tif", "glaciers.gpkg"):
        shutil.copy(sample_data / name, folder / name)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    code, out, _ = call("--json", "start", folder)
    assert code == 0
    project = tmp_path / "снимки 2003_lakes"
    assert json.loads(out)["lakes"] > 0
    assert opened == [str(project / "output" / "report.html")]
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before
    assert call("--json", "start", folder, "--no-open")[0] == 0
    assert len(opened) == 1


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_of_windows_has_its_line_ends_and_calls_what_is_there(path: Path) -> None:
    data = path.read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n")
    text = data.decode("utf-8")
    assert not text.startswith("\ufeff")  # cmd.exe would take it for a command
    lines = text.split("\r\n")
    head = lines[: next(i for i, line in enumerate(lines) if line.startswith("chcp 65001"))]
    assert all(line.isascii() for line in head)
    verbs = re.findall(r"-m glacial_lakes (\w+)", text)
    assert verbs
    assert set(verbs) <= set(cli.commands)
    labels = {line[1:] for line in lines if line.startswith(":")}
    assert set(re.findall(r"goto (\w+)", text)) == labels
    assert lines.count("pause") == sum(line.startswith("exit /b") for line in lines)
