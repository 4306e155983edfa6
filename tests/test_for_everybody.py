"""A clone without data that is not in the repository runs nearly all tests, on any versions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from conftest import COLLECTED, SMOKE
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from products import Products

ROOT = Path(__file__).parents[1]
TESTS = {path.name for path in Path(__file__).parent.glob("test_*.py")}
SHARE = 0.05
DOCUMENT = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = tuple(PROJECT["optional-dependencies"])


def requirements(*extras: str) -> list[Requirement]:
    """Return what the project and extras of it need."""
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def locked_versions(name: str) -> dict[str, Version]:
    """Return the versions of a file of .ci/lock by the name of the package."""
    lines = (ROOT / ".ci" / f"{name}.txt").read_text(encoding="utf-8").split()
    pairs = (line.split("==") for line in lines)
    return {canonicalize_name(package): Version(version) for package, version in pairs}


def test_at_most_one_test_in_twenty_needs_real_products(request: pytest.FixtureRequest) -> None:
    items = request.config.stash[COLLECTED]
    if {item.path.name for item in items} != TESTS:
        pytest.skip("counts the whole suite: python -m pytest")
    needing = [item for item in items if item.get_closest_marker("real_data")]
    assert len(needing) <= SHARE * len(items)
    functions, theirs = (
        {(item.path, item.function) for item in group} for group in (items, needing)
    )
    assert 0 < len(theirs) <= SHARE * len(functions)


def test_a_scene_is_mapped_where_every_warning_is_an_error(
    products: Products, tmp_path: Path
) -> None:
    """Ours and those that libraries give of how they are called."""
    command = [sys.executable, "-W", "error", "-m", "glacial_lakes", "map", "-q"]
    command += [str(products.find("LE07*")), "-o", str(tmp_path / "lakes.gpkg")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_quick_subset_names_modules_that_are_there() -> None:
    assert SMOKE <= TESTS


def test_no_test_measures_time() -> None:
    """What a clock says depends on what else the machine does."""
    clock = re.compile(r"time\.(perf_counter|process_time|time|thread_time)\(|timeit")
    difference = re.compile(r"monotonic\(\)\s*-")
    for name in sorted(TESTS - {Path(__file__).name}):
        text = (Path(__file__).parent / name).read_text(encoding="utf-8")
        assert not clock.search(text), name
        assert not difference.search(text), name


def test_the_lowest_versions_are_those_that_the_project_allows() -> None:
    lowest = locked_versions("lowest")
    for needed in requirements("test"):
        [bound] = needed.specifier
        assert bound.operator == ">="
        assert lowest[canonicalize_name(needed.name)] == Version(bound.version), needed.name


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_the_locked_versions_are_whole_and_allowed(python: str) -> None:
    locked = locked_versions(f"locked-{python}")
    for needed in requirements("test", "dev", "docs"):
        assert needed.specifier.contains(locked[canonicalize_name(needed.name)]), needed.name


def test_the_document_lists_each_dependency_with_its_bounds_and_licence() -> None:
    table = {
        cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
        for line in DOCUMENT.splitlines()
        if line.startswith("| `")
        for cells in [line.strip("|").split("|")]
    }
    wanted = list(PROJECT["dependencies"])
    for extra, names in PROJECT["optional-dependencies"].items():
        wanted += names
        assert f"`{extra}`" in DOCUMENT
    needed = dict(re.fullmatch(r"([\w.-]+(?:\[\w+\])?)(.*)", text).groups() for text in wanted)
    assert {name: cells[0].strip("`") for name, cells in table.items()} == needed
    lines = (ROOT / ".ci" / "locked-3.13.txt").read_text(encoding="utf-8").split()
    newest = dict(line.split("==") for line in lines)
    for name, cells in table.items():
        assert cells[1].strip("`") == newest.get(name.partition("[")[0].lower(), "–"), name


@pytest.mark.parametrize("text", sorted({str(one) for one in requirements(*EXTRAS)}))
def test_the_licence_in_the_document_is_the_one_that_the_package_tells(text: str) -> None:
    name = re.match(r"[\w.-]+", text)[0]
    [row] = (line for line in DOCUMENT.splitlines() if re.match(rf"\| `{name}[`\[]", line))
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    words = " ".join(
        [
            told.get("License-Expression") or "",
            (told.get("License") or "")[:200],
            *(c for c in told.get_all("Classifier") or () if c.startswith("License")),
        ]
    )
    families = ("BSD", "MIT", "Apache", "MPL", "PSF", "Python Software Foundation")
    found = {
        family.replace("Python Software Foundation", "PSF")
        for family in families
        if family in words
    }
    assert found & set(re.findall(r"BSD|MIT|Apache|MPL|PSF", row)), words
