"""Compiled code is kept in one place, and is out of date when what it was made from changes."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numba
import pytest

import glacial_lakes
from glacial_lakes.kernels import cache

PACKAGE = cache.PACKAGE
FREE_ROOMS = ("cli", "language", "report", "review", "export", "workflow", "ingest", "simulate")
"""Nothing of these is compiled."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the package that may be edited."""
    target = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


# What makes it out of date


def test_texts_commands_and_reports_may_change_without_compiling_anew(copy: Path) -> None:
    before = cache.stamp(copy)
    for room in FREE_ROOMS:
        for path in (copy / room).rglob("*.py"):
            path.write_text(path.read_text("utf-8") + "\nMORE = 1\n", "utf-8")
    assert cache.stamp(copy) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mapping/masks.py", "MIN_WATER_NDWI = 0.24", "MIN_WATER_NDWI = 0.34"),
        ("scenes/quality.py", "CLOUD = ", "CLOUD = 1 * "),
        ("kernels/jit.py", '"nogil": True', '"nogil": False'),
        ("kernels/filters.py", "middle = count // 2", "middle = count // 3"),
    ],
)
def test_a_number_or_a_kernel_that_changes_makes_all_out_of_date(
    copy: Path, file: str, old: str, new: str
) -> None:
    before = cache.stamp(copy)
    edited(copy / file, old, new)
    assert cache.stamp(copy) != before


def test_the_stamp_is_the_same_wherever_the_package_lies(copy: Path) -> None:
    assert cache.stamp(copy) == cache.stamp(PACKAGE)


class Names:
    """What the names at the left margin of a package's files stand for."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self.defined: dict[tuple[Path, str], ast.AST] = {}
        self.imported: dict[tuple[Path, str], tuple[str, str]] = {}
        for path in sorted(package.rglob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        source = node.module or "", alias.name
                        self.imported[path, alias.asname or alias.name] = source
                elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                    self.defined[path, node.name] = node
                elif isinstance(node, ast.Assign | ast.AnnAssign):
                    for name in ast.walk(node):
                        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                            self.defined[path, name.id] = node

    def kernels(self) -> Iterator[tuple[Path, str]]:
        """Yield the functions that are compiled."""
        for (path, name), node in self.defined.items():
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(by, ast.Name) and by.id in ("kernel", "inner")
                for by in node.decorator_list
            ):
                yield path, name

    def file_of(self, module: str) -> Path | None:
        home = self.package.parent.joinpath(*module.split("."))
        for path in (home.with_suffix(".py"), home / "__init__.py"):
            if path.is_file() and self.package in path.parents:
                return path
        return None

    def reached(self) -> dict[Path, str]:
        """Return the files that anything compiled follows from, each with one reason."""
        files: dict[Path, str] = {}
        coming = [(path, name, name) for path, name in self.kernels()]
        seen: set[tuple[Path, str]] = set()
        while coming:
            path, name, why = coming.pop()
            if (path, name) in seen:
                continue
            seen.add((path, name))
            if (path, name) in self.imported:
                module, original = self.imported[path, name]
                inner, home = self.file_of(f"{module}.{original}"), self.file_of(module)
                if inner is not None:  # a module: what is asked of it is not looked into
                    files.setdefault(inner, why)
                elif home is not None:
                    coming.append((home, original, f"{why} ← {original}"))
            elif (path, name) in self.defined:
                files.setdefault(path, why)
                asked = (
                    node.id
                    for node in ast.walk(self.defined[path, name])
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
                )
                coming += [(path, other, f"{why} ← {other}") for other in asked]
        return files


def unstamped(package: Path) -> dict[str, str]:
    stamped = cache.sources(package).keys()
    reached = Names(package).reached()
    return {path.name: why for path, why in reached.items() if path not in stamped}


def test_all_that_kernels_follow_from_is_in_the_stamp() -> None:
    reached = Names(PACKAGE).reached()
    assert {PACKAGE / "scenes" / "quality.py", PACKAGE / "kernels" / "filters.py"} <= set(reached)
    # What the decorators are is no number: jit.py and its settings are stamped, cache.py is not.
    assert unstamped(PACKAGE).keys() <= {"cache.py"}


def test_a_number_that_comes_another_way_would_be_seen(copy: Path) -> None:
    masks = copy / "mapping" / "masks.py"
    edited(
        masks,
        "from glacial_lakes.scenes.quality import Quality",
        "from glacial_lakes.settings import smallest",
    )
    edited(masks, "CLOUD = int(Quality.CLOUD)", "CLOUD = smallest()")
    with (copy / "settings.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef smallest():\n    return 2\n")
    assert "settings.py" in unstamped(copy)


@pytest.mark.parametrize(
    "file", ["errors.py", "columns.py", "schema.py", "settings.py", "language/ru.po"]
)
def test_words_and_columns_make_no_compiled_code_out_of_date(copy: Path, file: str) -> None:
    before = cache.stamp(copy)
    with (copy / file).open("a", encoding="utf-8") as text:
        text.write("\n# more\n")
    assert cache.stamp(copy) == before


def test_every_compiled_function_comes_from_a_stamped_file() -> None:
    stamped = cache.sources(PACKAGE)
    compiled = numba.core.dispatcher.Dispatcher
    files = set()
    for module in pkgutil.walk_packages(glacial_lakes.__path__, "glacial_lakes."):
        if "__main__" in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, compiled):
                files.add(Path(value.py_func.__code__.co_filename))
    assert len(files) > 10
    assert files <= stamped.keys()


# Where it is kept

ASK = """
from glacial_lakes.kernels import cache
place = cache.place()
print(place.folder, place.lasting, sep="|")
"""
COMPILE = """
import os
import numpy as np, numba
from glacial_lakes.kernels import filters
assert filters.smallest(np.arange(3), 1) == 1
assert numba.config.CACHE_DIR == os.environ.get("NUMBA_CACHE_DIR", "")
"""


def asked(copy: Path, code: str = COMPILE, **variables: str) -> tuple[Path | None, bool]:
    """Compile one kernel of a copy in a new process, or do nothing; return where it is kept."""
    names = {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}
    environment = {name: text for name, text in os.environ.items() if name not in names}
    environment["PYTHONPATH"] = os.pathsep.join([str(copy.parent), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", ASK + code],
        check=False,
        capture_output=True,
        cwd=copy.parent,
        env=environment | variables,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    folder, lasting = done.stdout.strip().split("|")
    return (None if folder == "None" else Path(folder)), lasting == "True"


def closed(copy: Path) -> Path:
    """Let nothing be kept beside the files of a package, not even by an administrator."""
    (copy / "__pycache__").write_text("no folder")
    return copy


posix = pytest.mark.skipif(sys.platform == "win32", reason="folders of POSIX systems")


def test_it_is_kept_in_the_package(copy: Path) -> None:
    folder, lasting = asked(copy)
    assert folder is not None
    assert lasting
    assert folder.parent == copy / "__pycache__"
    assert list(folder.rglob("filters.smallest*.nbc"))
    assert asked(copy, "") == (folder, True)


def test_it_is_kept_where_numba_is_told_to(copy: Path, tmp_path: Path) -> None:
    folder, lasting = asked(copy, NUMBA_CACHE_DIR=str(tmp_path / "told"))
    assert folder is not None
    assert lasting
    assert folder.parent == tmp_path / "told"
    assert list(folder.rglob("filters.smallest*.nbc"))
    assert not list(copy.rglob("*.nbc"))


@posix
def test_a_package_that_cannot_be_written_keeps_it_among_the_users_caches(
    copy: Path, tmp_path: Path
) -> None:
    folder, lasting = asked(closed(copy), XDG_CACHE_HOME=str(tmp_path / "caches"))
    assert folder is not None
    assert lasting
    assert folder.parent == tmp_path / "caches" / "glacial_lakes"


@posix
def test_without_a_home_it_is_kept_in_the_temporary_folder_and_for_this_user_alone(
    copy: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/x", "TMPDIR": str(shared)}
    folder, lasting = asked(closed(copy), **nowhere)
    assert folder is not None
    assert not lasting
    assert folder.parent.parent == shared
    assert folder.parent.stat().st_mode & 0o077 == 0
    # What others can write there is not run.
    folder.parent.chmod(0o777)
    assert asked(copy, "", **nowhere) == (None, False)
    shutil.rmtree(folder.parent)
    folder.parent.symlink_to(tmp_path)
    assert asked(copy, "", **nowhere) == (None, False)


def test_folders_of_earlier_code_go_but_for_the_newest(copy: Path) -> None:
    folder, _ = asked(copy, "")
    assert folder is not None
    name = folder.name.rpartition("-")[0]
    others = [folder.parent / "kernels-00000000-000000000000", folder.parent / f"{name}-mine"]
    earlier = [folder.parent / f"{name}-{number:012d}" for number in range(4)]
    for age, path in enumerate([*earlier, *others]):
        path.mkdir()
        os.utime(path, (age, age))
    edited(copy / "mapping" / "masks.py", "MIN_NDSI = 0.3", "MIN_NDSI = 0.31")
    new, _ = asked(copy, "")
    assert new != folder
    kept = {path for path in folder.parent.iterdir() if path.name.startswith("kernels-")}
    assert kept == {new, folder, earlier[3], *others}


# Once, ahead

AHEAD = """
import logging
messages = logging.getLogger("glacial_lakes.runtime.processes")
messages.addHandler(logging.StreamHandler())
messages.setLevel(logging.DEBUG)
from glacial_lakes.workflow.compiling import compile_ahead
told = []
compile_ahead(told.append)
print(len(told))
"""

USE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numba
import glacial_lakes as gl
from glacial_lakes.cli.demo import copy_sample
project = gl.read_project(copy_sample(Path(sys.argv[1])))
with ThreadPoolExecutor(1) as here:
    result = gl.run(project, executor=here)
assert len(result.mapped) == 9
inventory = gl.open_inventory(result.output / "inventory.gpkg")
gl.export_inventory(inventory, result.output, ["kmz", "geojson"])
used = 0
for name, module in sorted(sys.modules.items()):
    if name.startswith("glacial_lakes."):
        for value in list(vars(module).values()):
            if isinstance(value, numba.core.dispatcher.Dispatcher):
                assert not value.stats.cache_misses, (value, value.stats)
                used += bool(value.stats.cache_hits)
assert used > 25
"""


def started(code: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | variables,
    )


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out.strip(), err


def kept(folder: Path) -> dict[str, int]:
    """Return when each piece of compiled code was written, by name."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")}


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return a cache that two processes filled that started together, and how often they did."""
    folder = tmp_path_factory.mktemp("warm")
    variables = {"NUMBA_CACHE_DIR": str(folder), "NUMBA_DEBUG_CACHE": "1"}
    both = [ended(process) for process in [started(AHEAD, **variables) for _ in range(2)]]
    assert [out for out, _ in both] == ["1", "1"]  # both say why it takes so long
    return folder, sum(err.count("[cache] data saved to") for _, err in both)


@pytest.mark.thorough
def test_two_processes_that_start_together_compile_each_loop_once(warm: tuple[Path, int]) -> None:
    folder, written = warm
    before = kept(folder)
    assert written == len(before) > 25
    assert ended(started(AHEAD, NUMBA_CACHE_DIR=str(folder)))[0] == "0"
    assert kept(folder) == before


@pytest.mark.thorough
def test_a_whole_run_finds_all_compiled(warm: tuple[Path, int], tmp_path: Path) -> None:
    ended(started(USE, str(tmp_path / "demo"), NUMBA_CACHE_DIR=str(warm[0])))


def test_who_is_killed_while_compiling_holds_up_nobody(tmp_path: Path) -> None:
    holding = "from glacial_lakes.kernels import cache\nwith cache.held():\n print(1, flush=True)\n"
    waiting = started(f"{holding} input()", NUMBA_CACHE_DIR=str(tmp_path))
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "1\n"
    other = started(holding, NUMBA_CACHE_DIR=str(tmp_path))
    with pytest.raises(subprocess.TimeoutExpired):
        other.wait(5)
    waiting.kill()
    assert ended(other)[0] == "1"
    waiting.communicate()
