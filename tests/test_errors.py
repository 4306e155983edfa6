"""Every code is explained in one table, from which the pages of errors are made."""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sample_project import PRODUCTS
from texts import trees

from glacial_lakes import errors
from glacial_lakes.errors import EXPLAINED, GlacialLakesError, ImplausibleError
from glacial_lakes.scenes import open_scene
from glacial_lakes.scenes.plausibility import assess, contradictions, require_plausible

DOCS = Path(__file__).parents[1] / "docs"


def codes_of_the_source() -> set[str]:
    """Return the codes that the package spells: those of its classes, and any other."""
    found = {"GL0000"}
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                told = re.fullmatch(r"GL\d{4}", node.value)
                found |= {told[0]} if told and path.name != "errors.py" else set()
            if isinstance(node, ast.ClassDef):
                found |= {
                    value.value
                    for line in node.body
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code"
                    for value in (line.value,)
                    if isinstance(value, ast.Constant)
                }
    return found


def test_every_code_that_can_be_told_is_explained_and_no_other() -> None:
    assert len(codes_of_the_source()) > 10
    assert codes_of_the_source() == set(EXPLAINED)
    for code, told in EXPLAINED.items():
        assert re.fullmatch(r"GL\d{4}", code)
        assert all((told.title, told.cause, told.remedy)), code


def test_every_kind_of_error_has_a_code_of_the_table() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in kinds if issubclass(kind, GlacialLakesError)]
    assert {kind.code for kind in ours} == set(EXPLAINED)


def test_only_what_nobody_foresaw_is_told_without_a_kind() -> None:
    places = [
        path.name
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "GlacialLakesError"
    ]
    assert places == ["commands.py"]
    assert "bug" in EXPLAINED["GL0000"].cause
    assert "report" in EXPLAINED["GL0000"].remedy


def test_every_refusal_says_what_to_do() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    kinds = {name for name in kinds if issubclass(getattr(errors, name), GlacialLakesError)}
    without = [
        f"{path.name}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in kinds
        if not any(isinstance(part, ast.Starred) for part in node.args)
        if len(node.args) < 3 or getattr(node.args[2], "value", "told") == ""
    ]
    assert without == []


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        ("time", "correct in its metadata"),
        ("scale", "compare scale and offset"),
        ("bands", "each band has its own file"),
        ("nothing", "download it again"),
    ],
)
def test_the_remedy_of_an_implausible_scene_is_that_of_its_fault(
    fault: str, remedy: str, sample_data: Path
) -> None:
    scene = open_scene(sample_data / "scenes" / PRODUCTS[0])
    bands = dict(scene.bands)
    if fault == "time":
        night = contradictions(scene.acquired + timedelta(hours=12), scene.grid, None)
        scene = replace(scene, provenance={**scene.provenance, "contradictions": night})
    elif fault == "scale":
        bands = {name: replace(band, scale=10 * band.scale) for name, band in bands.items()}
    elif fault == "bands":
        bands |= {"green": bands["nir"], "nir": bands["green"]}
    else:
        bands["red"] = replace(bands["red"], scale=0.0, offset=0.1)
    scene = replace(scene, bands=bands)
    with pytest.raises(ImplausibleError, match=remedy) as told:
        require_plausible(scene, assess(scene))
    assert ("scale" in told.value.remedy) == (fault == "scale")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_pages_of_errors_are_the_table(language: str) -> None:
    path = DOCS / "make_errors.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = (DOCS / script.PAGES[language][0]).read_text(encoding="utf-8")
    assert text == script.page(language), "run: python docs/make_errors.py"
    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == sorted(EXPLAINED)
    assert re.search("[А-Яа-я]", text.partition("###")[2]) is not None or language == "en"
