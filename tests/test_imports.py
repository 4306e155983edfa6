"""The rooms of the package import only downwards, and importing the package is quick."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import glacial_lakes

PACKAGE = Path(glacial_lakes.__file__).parent

TOP_TO_BOTTOM = [
    "__main__",
    "cli",
    "ingest",
    "workflow",
    "export",
    "report",
    "review",
    "inventory",
    "tracking",
    "change",
    "validation",
    "mapping",
    "measures",
    "coverage",
    "terrain",
    "simulate",
    "scenes",
    "io",
    "kernels",
    "runtime",
    "schema",
    "columns",
    "settings",
    "places",
    "grid",
    "events",
    "language",
    "errors",
    "__init__",
]
"""One folder a stage. ``__init__`` comes last: everyone may ask it for the version, and its own
imports are lazy."""

SOURCES = sorted(PACKAGE.rglob("*.py"))


def room(source: Path) -> str:
    """Return the module or subpackage that a file belongs to."""
    return source.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every room imported anywhere in a file, also inside functions, with its line."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide the room"
            assert node.module
            names = [node.module]
            if node.module == "glacial_lakes":
                names = [f"glacial_lakes.{alias.name}" for alias in node.names]
        for name in names:
            package, _, inner = name.partition(".")
            if package == "glacial_lakes":
                first = inner.split(".")[0]
                yield (first if first in TOP_TO_BOTTOM else "__init__"), node.lineno


def upward_imports(source: Path, text: str) -> list[str]:
    home = room(source)
    level = TOP_TO_BOTTOM.index(home)
    return [
        f"{source.name}:{line} {home} imports {other}"
        for other, line in imported_rooms(ast.parse(text))
        if other != home and TOP_TO_BOTTOM.index(other) < level
    ]


def test_every_module_has_its_place() -> None:
    assert {room(source) for source in SOURCES} <= set(TOP_TO_BOTTOM)


@pytest.mark.parametrize(
    "source",
    [source for source in SOURCES if source != PACKAGE / "__init__.py"],
    ids=lambda source: source.relative_to(PACKAGE).as_posix(),
)
def test_imports_go_downwards(source: Path) -> None:
    assert upward_imports(source, source.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "from glacial_lakes.workflow import run",
        "import glacial_lakes.workflow",
        "from glacial_lakes import workflow",
        "def f():\n    from glacial_lakes.workflow import run",
    ],
)
def test_an_upward_import_is_found(text: str) -> None:
    assert upward_imports(PACKAGE / "grid.py", text)


def floors() -> int:
    """Return how many rooms stand on each other where the house is highest."""
    below: dict[str, set[str]] = {}
    for source in SOURCES:
        if source != PACKAGE / "__init__.py":
            rooms = {name for name, _ in imported_rooms(ast.parse(source.read_text("utf-8")))}
            below.setdefault(room(source), set()).update(rooms - {"__init__"})
    heights: dict[str, int] = {}
    for name in reversed(TOP_TO_BOTTOM):
        under = below.get(name, set()) - {name}
        heights[name] = 1 + max((heights[other] for other in under), default=0)
    return heights["cli"]  # the file __main__ is its door


def test_the_house_can_be_seen_at_once() -> None:
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(entries) <= 30
    assert floors() <= 14


def test_nothing_imports_the_simulator() -> None:
    assert [
        f"{source}:{line}"
        for source in SOURCES
        if room(source) != "simulate"
        for other, line in imported_rooms(ast.parse(source.read_text(encoding="utf-8")))
        if other == "simulate"
    ] == []


FILES = {
    ".".join(source.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    ): source
    for source in SOURCES
}


def imported_files(node: ast.AST) -> Iterator[str]:
    """Yield the modules imported anywhere in a file, except those that only name types."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        full = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if name in FILES else str(node.module) for name in full)
    for child in ast.iter_child_nodes(node):
        yield from imported_files(child)


def cycle(texts: dict[str, str]) -> list[str]:
    """Return files that import each other in a ring; the package itself only tells its version."""
    known = texts.keys() - {"glacial_lakes"}
    graph = {name: known & set(imported_files(ast.parse(text))) for name, text in texts.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert cycle({name: path.read_text(encoding="utf-8") for name, path in FILES.items()}) == []


def test_a_ring_of_imports_is_found_but_not_one_of_types() -> None:
    there, back = "glacial_lakes.grid", "glacial_lakes.terrain"
    texts = {there: "def f():\n    from glacial_lakes import terrain", back: f"import {there}"}
    assert set(cycle(texts)) == {there, back}
    texts[there] = "if TYPE_CHECKING:\n    from glacial_lakes import terrain"
    assert cycle(texts) == []


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return done.stdout


@pytest.mark.parametrize(
    ("module", "ours"), [("glacial_lakes", 1), ("glacial_lakes.cli.commands", 18)]
)
def test_the_import_loads_nothing_heavy_and_little_of_ours(module: str, ours: int) -> None:
    loaded = python(f"import sys, {module}; print(*sys.modules)").split()
    heavy = {"numpy", "numba", "pandas", "rasterio", "geopandas", "pyogrio", "shapely", "scipy"}
    assert not heavy & set(loaded)
    assert len([name for name in loaded if name.startswith("glacial_lakes")]) <= ours
    assert ("click" in loaded) == module.endswith("commands")


def test_the_public_names_are_few_sorted_and_there() -> None:
    names = glacial_lakes.__all__
    assert names == sorted(names)
    assert len(names) <= 30
    assert names == dir(glacial_lakes)
    for name in names:
        assert getattr(glacial_lakes, name).__doc__, name


@pytest.mark.parametrize("name", ["indices", "regions", "simulate", "measures", "change", "schema"])
def test_modules_load_when_they_are_asked_for(name: str) -> None:
    assert python(f"import glacial_lakes as gl; print(gl.{name}.__doc__ is not None)").strip()


def test_public_names_stay_themselves_whatever_is_imported_before() -> None:
    code = (
        "import glacial_lakes as gl, glacial_lakes.export, glacial_lakes.workflow\n"
        "print(all(callable(getattr(gl, name)) for name in gl.__all__))"
    )
    assert python(code).strip() == "True"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="detect_lakes"):
        glacial_lakes.detect_lakes  # noqa: B018


def test_only_the_command_line_prints() -> None:
    printing = re.compile(r"^\s*(print|click\.echo)\(", re.MULTILINE)
    commands = {PACKAGE / "cli" / "commands.py", PACKAGE / "simulate" / "__main__.py"}
    found = {path for path in SOURCES if printing.search(path.read_text(encoding="utf-8"))}
    assert found <= commands
