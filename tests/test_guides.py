"""The guides for Windows, line by line: what runs here is run, and prints what the guide says."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Call
from sample_project import PRODUCTS

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = {"en": "getting_started_windows.md", "ru": "getting_started_windows.ru.md"}
HOME = "C:\\lakes"
SKIPPED = ("cd ", "py ", "env\\", "python -m pip ", "start ", "notebook ", "notepad ")
"""What begins a line that only a Windows computer, or one with internet, can run."""
LONG = "glacial-lakes demo"
"""What README.md tells the end of, and `.ci/run` and tests/test_readme.py compare."""

Step = tuple[str, list[str]]


def steps(language: str) -> Iterator[Step]:
    """Yield the commands of a guide, each with the lines that it is told to print, if any."""
    text = (DOCS / GUIDES[language]).read_text(encoding="utf-8")
    text = re.sub(r"(?m)^#+ .*", "```end\n```", text)
    found = re.findall(r"(?ms)^( *)```(\w+)\n(.*?)^ *```", text)
    blocks = [(kind, textwrap.dedent(body).splitlines()) for _, kind, body in found]
    for (kind, lines), (following, told) in zip(blocks, [*blocks[1:], ("end", [])], strict=True):
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
