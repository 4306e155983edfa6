"""The guides, line by line: what runs here is run, and prints what the guide says."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import geopandas as gpd
import numpy as np
import pytest
import rasterio
from conftest import Call
from sample_project import PRODUCTS

import glacial_lakes as gl
from glacial_lakes.cli.commands import cli

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = {"en": "getting_started_windows.md", "ru": "getting_started_windows.ru.md"}
HOME = "C:\\lakes"
SKIPPED = ("cd ", "py ", "env\\", "python -m pip ", "start ", "notebook ", "notepad ")
"""What begins a line that only a Windows computer, or one with internet, can run."""
LONG = "glacial-lakes demo"
"""What README.md tells the end of, and `.ci/run` and tests/test_readme.py compare."""

Step = tuple[str, list[str]]


def blocks(text: str) -> list[tuple[str, list[str]]]:
    """Return the blocks of code of a document: their kinds and their lines."""
    found = re.findall(r"(?ms)^( *)```(\w+)\n(.*?)^ *```", text)
    return [(kind, textwrap.dedent(body).splitlines()) for _, kind, body in found]


def blocks_of(name: str, kind: str) -> list[str]:
    """Return the blocks of a kind in one of the documents."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return ["\n".join(lines) for found, lines in blocks(text) if found == kind]


def steps(language: str) -> Iterator[Step]:
    """Yield the commands of a guide, each with the lines that it is told to print, if any."""
    text = (DOCS / GUIDES[language]).read_text(encoding="utf-8")
    found = blocks(re.sub(r"(?m)^#+ .*", "```end\n```", text))
    for (kind, lines), (following, told) in zip(found, [*found[1:], ("end", [])], strict=True):
        if kind == "bat":
            for line in lines[:-1]:
                yield line, []
            yield lines[-1], told if following == "text" else []


def without_numbers(lines: list[str]) -> list[str]:
    return [re.sub(r"\d+(?:[.,]\d+)?", "N", line) for line in lines]


def test_the_guides_have_the_same_commands() -> None:
    english, russian = ([line for line, _ in steps(language)] for language in GUIDES)
    assert [line.removesuffix(" --lang ru") for line in russian] == english
    assert len(english) > 15


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("language", GUIDES)
def test_each_line_of_the_guide_prints_what_it_says(
    language: str,
    tmp_path: Path,
    sample_data: Path,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLACIAL_LAKES_LANGUAGE", language)
    compared = 0
    for line, told in steps(language):
        if line.startswith((*SKIPPED, LONG)):
            continue
        assert line.startswith("glacial-lakes "), line
        code, out, _ = call(*line.replace("\\", "/").split()[1:])
        assert code == 0, line
        if " init " in line:
            folder = tmp_path / line.split()[2]
            shutil.copytree(sample_data / "scenes" / PRODUCTS[0], folder / "scenes" / PRODUCTS[0])
            for name in ("dem.tif", "glaciers.gpkg"):
                shutil.copy(sample_data / name, folder / name)
        said = out.replace(str(tmp_path), HOME).replace("/", "\\").splitlines()
        assert told, f"the guide does not tell what this prints: {line}"
        if "doctor" in line:  # what it examines differs from one computer to the next
            said = said[-1:]
        expected, printed = (without_numbers(text) for text in (told, said))
        assert printed == expected, line
        compared += 1
    assert compared >= 4


GUIDE_NAMES = sorted(
    path.name.removesuffix(".md") for path in DOCS.glob("guide_*.md") if ".ru" not in path.name
)


@pytest.mark.parametrize("name", GUIDE_NAMES)
def test_every_guide_is_there_in_russian_and_leads_to_the_other(name: str) -> None:
    for one, other in ((f"{name}.md", f"{name}.ru.md"), (f"{name}.ru.md", f"{name}.md")):
        assert f"]({other})" in (DOCS / one).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GUIDE_NAMES)
def test_a_guide_has_the_same_commands_code_and_sections_in_russian(name: str) -> None:
    one, other = f"{name}.md", f"{name}.ru.md"
    for kind in ("sh", "text", "json"):
        assert blocks_of(one, kind) == blocks_of(other, kind)
    for english, russian in zip(blocks_of(one, "python"), blocks_of(other, "python"), strict=True):
        assert ast.dump(ast.parse(english)) == ast.dump(ast.parse(russian))
    rows = [
        len(re.findall(r"(?m)^(?:\||## )", (DOCS / page).read_text(encoding="utf-8")))
        for page in (one, other)
    ]
    assert rows[1] >= rows[0]


def commands_told() -> Iterator[tuple[str, str]]:
    """Yield the commands that documents tell, in blocks and in the text, with the document."""
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        lines = [line.strip() for _, block in blocks(text) for line in block]
        spans = re.findall(r"`(glacial-lakes [^`]+)`", re.sub(r"(?s)```.*?```", "", text))
        for line in [*lines, *spans]:
            if line.startswith("glacial-lakes "):
                yield path.name, " ".join(line.split())


@pytest.mark.parametrize(("name", "line"), sorted(set(commands_told())))
def test_every_command_of_a_document_is_understood(name: str, line: str) -> None:
    words = shlex.split(re.split(r" > | +#", line)[0].replace("\\", "/"))[1:]
    if "…" in line or re.search(r"\b[A-Z]{3,}\b(?!\.)", line.replace("CP1251", "")):
        pytest.skip("tells a form, not a command")
    verb = next(word for word in words if word in cli.commands)
    words.remove(verb)  # options of all verbs may stand before and behind it
    try:
        cli.commands[verb].make_context(verb, words).close()
    except click.MissingParameter:
        assert not words, line  # the verb alone, as a name of it


@pytest.mark.thorough
@pytest.mark.usefixtures("here")
def test_the_guide_for_batch_jobs_runs_and_prints_what_it_says(
    tmp_path: Path,
    finished: Path,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(finished.parent, tmp_path / "lakes")
    monkeypatch.chdir(tmp_path / "lakes")
    (line,) = blocks_of("guide_batch.md", "sh")
    words, _, _ = line.partition(" > ")
    code, out, said = call(*words.split()[1:])
    assert (code, said) == (0, "")
    (told,) = blocks_of("guide_batch.md", "json")
    answer = json.loads(out)
    assert {name: type(value) for name, value in answer.items()} == {
        name: type(value) for name, value in json.loads(told).items()
    }
    assert (tmp_path / "lakes" / "run.log").is_file()
    (code_told,) = blocks_of("guide_batch.md", "python")
    exec(compile(code_told, "guide_batch.md", "exec"), {})  # noqa: S102 (our own text)
    _, printed = blocks_of("guide_batch.md", "text")
    said_now = capsys.readouterr().out.splitlines()
    assert without_numbers(said_now) == without_numbers([printed])


def test_the_guide_for_researchers_runs(
    tmp_path: Path, sample_data: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dask")
    (tmp_path / "output").mkdir()
    shutil.copy(finished.parent / "output" / "inventory.gpkg", tmp_path / "output")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample_data / "scenes" / PRODUCTS[0], tmp_path / "scenes" / PRODUCTS[0])
    shutil.copy(sample_data / "dem.tif", tmp_path / "dem.tif")
    truth = gpd.read_file(sample_data / "truth.gpkg", layer="2003-08-17")
    scene = gl.discover("scenes")[0]
    green, nir = scene.read(["green", "nir"])
    probability = np.where(gl.indices.ndwi(green, nir) > 0.2, 0.9, 0.1).astype("float32")
    form = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": scene.grid.crs}
    height, width = probability.shape
    with rasterio.open(
        "probability.tif", "w", height=height, width=width, transform=scene.grid.transform, **form
    ) as file:
        file.write(probability, 1)
    names: dict[str, object] = {"gl": gl, "reference": truth}
    for code in blocks_of("guide_researcher.md", "python"):
        exec(compile(code, "guide_researcher.md", "exec"), names)  # noqa: S102 (our own text)
    assert len(names["round_ones"]) > 0  # type: ignore[arg-type]
    assert bool(names["observed"].any())  # type: ignore[attr-defined]
