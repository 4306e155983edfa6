"""README and documents say what the code does: commands, files, codes, columns, links."""

from __future__ import annotations

import importlib
import importlib.util
import operator
import re
import shutil
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pytest
from PIL import Image

import glacial_lakes as gl
from glacial_lakes import schema
from glacial_lakes.cli import commands, console
from glacial_lakes.settings import EXPORT_FORMATS, project_template

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LARGEST_PICTURE = 400_000


def section(title: str) -> str:
    """Return the text of the README below a heading, up to the next of its level."""
    level = title.split(" ", maxsplit=1)[0]
    return README.split(f"\n{title}\n", 1)[1].split(f"\n{level} ", 1)[0]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """Return the cells of the Markdown tables of a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for number, row in enumerate(cells) if number > 1]


def code_words(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Return the script that makes the data dictionary."""
    path = ROOT / "docs" / "make_data_dictionary.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_two_commands_stand_alone_and_in_order() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python -m pip install")]
    assert lines == [
        "python -m pip install . && glacial-lakes demo",
        'python -m pip install ".[test]" && python -m pytest',
    ]


def test_the_workflow_runs_the_two_commands() -> None:
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    for line in README.splitlines():
        if line.startswith("python -m pip install"):
            assert f"- run: {line}\n" in workflow


def test_the_lines_of_python_run_and_the_demo_ends_as_told(
    tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "sample_data"
    shutil.copytree(sample_data, copy, ignore=shutil.ignore_patterns("S2*", "LE07*"))
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    (code,) = blocks(section("## From Python"), "python")
    assert len(code.split("\n\n")[1].splitlines()) == 5
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 (our own text)
    inventory = names["inventory"]
    assert isinstance(inventory, gl.Inventory)
    assert len(inventory.lakes) > 10
    assert (tmp_path / "lakes.shp").is_file()

    output = tmp_path / "output"
    output.mkdir()
    inventory.to_file(output / "inventory.gpkg")
    names_of_files = ("inventory.gpkg", "shapefiles/lakes.shp", "report.html", "viewer.html")
    ids = tuple(inventory.scenes["scene_id"])
    paths = tuple(output / name for name in names_of_files)
    result = gl.RunResult(output, paths, ids, (), (), len(inventory.lakes))
    said = [without_numbers(line) for line in console.summary(result, console.Options())]
    (told,) = blocks(section("## Try it"), "text")
    expected = [without_numbers(line) for line in told.splitlines()]
    event = re.compile(rf"({'|'.join(schema.EventKind)}): N")
    assert [x for x in expected if not event.fullmatch(x)] == [
        x for x in said if not event.fullmatch(x)
    ]
    assert any(event.fullmatch(line) for line in expected)


def without_numbers(line: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", re.sub(r"(?<=  )\S*[/\\]output", "output", line))


def test_every_command_is_in_the_table_and_every_one_named_exists() -> None:
    table = {row[0].strip("`").split()[1] for row in rows(section("## Your own scenes"))}
    assert table == set(commands.cli.commands)
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        fenced = "\n".join(re.findall(r"```.*?\n(.*?)```", text, re.DOTALL))
        spans = "\n".join(code_words(text))
        named = set(re.findall(r"^glacial-lakes (\w[\w-]*)", f"{fenced}\n{spans}", re.MULTILINE))
        assert named <= set(commands.cli.commands), path.name


def test_exit_codes_are_those_of_the_command_line() -> None:
    told = {int(code): meaning for code, meaning, _ in rows(section("## Exit codes"))}
    constants = (
        commands.OK,
        commands.ERROR,
        commands.USAGE,
        commands.PARTIAL,
        commands.LOCKED,
        commands.INTERRUPTED,
    )
    assert tuple(told) == constants
    assert ", ".join(f"{code} {meaning}" for code, meaning in told.items()) in str(
        commands.cli.epilog
    )


def test_statuses_events_and_formats_are_those_of_the_code() -> None:
    told = "".join(row[0] for row in rows(section("## How to read the result")))
    assert code_words(told) == set(schema.Status)
    written = section("## What is written")
    told = re.search(r"`export` writes other formats too, such as (.*);", written)[1]
    assert code_words(told) < set(EXPORT_FORMATS)
    line = next(line for line in project_template().splitlines() if "formats = " in line)
    comment = project_template().partition(line)[0].rpartition("[export]")[2]
    assert set(re.findall(r"\w+", comment)) > set(EXPORT_FORMATS)
    assert ", ".join(schema.EventKind) in written


def test_the_layers_named_are_those_of_an_inventory() -> None:
    from glacial_lakes.inventory.inventory import DERIVED, LAYERS

    (row,) = [row for row in rows(section("## What is written")) if row[0] == "`inventory.gpkg`"]
    assert code_words(row[1]) == {*LAYERS, *DERIVED}


def test_the_data_dictionary_is_the_schema(script: ModuleType) -> None:
    text = (ROOT / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert text == script.dictionary(), "run: python docs/make_data_dictionary.py"
    assert set(script.STATUS_MEANINGS) == set(schema.Status)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in headings]
            assert anchor in anchors, link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_scripts_named_in_documents_exist(path: Path) -> None:
    for name in re.findall(r"python (\S+\.py)", path.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), name


def test_files_named_for_contributors_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:glacial_lakes|tests|docs|benchmarks|\.ci|\.github)/\S+)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_rooms_told_to_contributors_are_those_of_the_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text.split("\n## Where things are\n")[1].split("\n## ")[0]
    told = [name for row in rows(part) for name in re.findall("`([^`]+)`", row[0])]
    package = Path(gl.__file__).parent
    there = {path.name for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert sorted(told) == sorted(there - {"__init__.py", "__main__.py", "__pycache__"})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_constants_named_in_documents_exist(path: Path) -> None:
    for span in code_words(path.read_text(encoding="utf-8")):
        if named := re.fullmatch(r"([a-z_0-9.]+)\.([A-Z][A-Z_0-9]+)", span):
            module = importlib.import_module(f"glacial_lakes.{named[1]}")
            assert hasattr(module, named[2]), span


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_measured_part_of_a_document_holds_figures(path: Path) -> None:
    parts = re.findall(
        r"<!-- (?!end of )[^>]* -->(.*?)<!-- end of [^>]* -->", path.read_text("utf-8"), re.DOTALL
    )
    assert all(re.search(r"\d", part) for part in parts)


def test_the_picture_is_small_enough_to_load_quickly() -> None:
    path = ROOT / "docs" / "images" / "demo.png"
    assert path.stat().st_size < LARGEST_PICTURE
    with Image.open(path) as picture:
        assert picture.width >= 1200


def test_the_version_cited_is_that_of_the_package() -> None:
    version = gl.__version__
    assert f"glacial_lakes, version {version}*" in README
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {version}\n" in citation
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = [name for name in re.findall(r"^## \[(.+?)\]", changelog, re.M) if name[0].isdigit()]
    assert versions[0] == version


def test_the_page_of_the_python_interface_has_a_line_for_each_name() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `gl\.(\w+)` \| .{9,} \|$", text, re.M)
    assert told == gl.__all__


def test_documents_teach_names_that_gl_gives() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n(.*?)```", text, re.S)
        inner = re.findall(r"(?:from|import) glacial_lakes\.[\w.]+", "\n".join(blocks))
        inner += re.findall(r"`glacial_lakes\.(?:scenes|mapping|ingest)[\w.()]*`", text)
        assert inner == [], page.name
        for name in re.findall(r"\bgl\.([a-z_]+(?:\.\w+)?)", "\n".join(blocks)):
            assert operator.attrgetter(name)(gl), name


def test_a_usual_change_touches_at_most_three_files_and_these_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    changes = rows(text.split("\n## Usual changes\n")[1].split("\n## ")[0])
    assert len(changes) >= 10
    for name, touched, files, _ in changes:
        paths = {path for path in code_words(touched) if "/" in path and " " not in path}
        assert all((ROOT / path).exists() for path in paths), name
        assert max(map(int, re.findall(r"\d", files))) <= 3
        assert len(paths) <= 3, name
