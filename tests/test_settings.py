"""The project file: what is read from where, and what is refused with which words."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import glacial_lakes as gl
from glacial_lakes import settings
from glacial_lakes.errors import ConfigError
from glacial_lakes.settings import (
    TABLES,
    AreaSettings,
    Project,
    as_dict,
    digest,
    project_template,
    read_project,
)

OF_CATALOGUE = ("catalogue_2025.shp", "districts.gpkg")


def write(folder: Path, text: str, name: str = "project.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str, **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_project(write(folder, text), environment=environment)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert read_project(write(tmp_path, ""), environment={}) == Project(folder=tmp_path)


def test_the_file_of_the_design_is_read(tmp_path: Path) -> None:
    for name in ("aoi.gpkg", "basins.gpkg", "dem.tif", "glaciers.gpkg"):
        (tmp_path / name).touch()
    text = """
        [project]
        name = "Ала-Арча"
        output = "output"
        language = "ru"
        [area]
        aoi = "aoi.gpkg"
        min_area_m2 = 2000
        glacier_buffer_m = 10000
        [inputs]
        scenes = ["scenes/*"]
        dem = "dem.tif"
        glaciers = "glaciers.gpkg"
        months = [7, 8, 9, 10]
        [mapping]
        [tracking]
        [export]
        formats = ["shp", "gpkg", "csv", "report"]
    """
    project = read_project(write(tmp_path, text), environment={})
    assert project.project.name == "Ала-Арча"
    assert project.area == AreaSettings("aoi.gpkg", 2000.0, 10000.0)
    assert isinstance(project.area.min_area_m2, float)
    assert project.inputs.months == (7, 8, 9, 10)
    assert hash(project) == hash(read_project(tmp_path / "project.toml", environment={}))


def test_a_file_saved_by_windows_notepad_is_read(tmp_path: Path) -> None:
    path = tmp_path / "project.toml"
    path.write_bytes(b'\xef\xbb\xbf[project]\r\nname = "A"\r\n')
    assert read_project(path, environment={}).project.name == "A"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[area]\nmin_area = 1", ["[area] has no key min_area", "did you mean min_area_m2?"]),
        ("[inputs]\nglacier = 'x'", ["[inputs]", "did you mean glaciers?"]),
        ("[input]\ndem = 'x'", ["no table [input]", "did you mean inputs?"]),
        ("[project]\nzzz = 1", ["zzz", "use one of name, output, language"]),
        ("area = 3", ["area is no table", "[area]"]),
        ("[area]\nmin_area_m2 = -5", ["area.min_area_m2 = -5", "above 0"]),
        ("[area]\nmin_area_m2 = 'big'", ['area.min_area_m2 = "big" is not a number']),
        ("[area]\nmin_area_m2 = nan", ["area.min_area_m2 = NaN is not a number"]),
        ("[area]\nmin_area_m2 = true", ["is not a number"]),
        ("[inputs]\nmonths = [0, 13]", ["inputs.months", "months from 1 to 12"]),
        ("[inputs]\nmonths = []", ["months from 1 to 12"]),
        ("[inputs]\nmonths = [7.5]", ["is not a list of whole numbers"]),
        ("[inputs]\nmonths = 7", ["is not a list of whole numbers"]),
        ("[inputs]\nscenes = 'scenes'", ["is not a list of texts"]),
        ("[inputs]\nscenes = []", ["at least one path"]),
        ("[project]\nlanguage = 'de'", ["project.language", "one of en, ru"]),
        ("[project]\nname = ' '", ["project.name", "not empty"]),
        ("[mapping]\nmin_pixels = 0", ["above 0"]),
        ("[mapping]\nstrip_rows = 10.5", ["is not a whole number"]),
        ("[tracking]\nmin_overlap = 2", ["from 0 to 1"]),
        ("[export]\nformats = ['shape']", ["export.formats", "shp"]),
        ("[area\n", ["is no TOML", "line 1"]),
        ("[inputs]\ndem = 'C:\\\\x'\nscenes = [\"C:\\x\"]", ["is no TOML", "write /"]),
        ("[inputs]\ndem = 'нет.tif'", ["нет.tif", "inputs.dem of project.toml is not there"]),
        ("[project]\noutput = '.'", ["project.output", "would mix", "folder of its own"]),
        ("[project]\noutput = '..'", ["would mix"]),
        ("[project]\noutput = 'project.toml'", ["is a file", "folder of its own"]),
        ("[project]\noutput = 'a/b'\n[inputs]\nscenes = ['a']", ["would mix"]),
    ],
)
def test_nonsense_is_refused_in_words_that_help(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith("GL2000 ")
    for word in words:
        assert word in message
    assert str(tmp_path) in message


def test_a_missing_file_tells_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="glacial-lakes init"):
        read_project(tmp_path / "project.toml")


def test_command_line_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    path = write(tmp_path, "[area]\nmin_area_m2 = 1\nglacier_buffer_m = 1")
    environment = {"GLACIAL_LAKES_AREA_MIN_AREA_M2": "2", "GLACIAL_LAKES_PROJECT_LANGUAGE": "ru"}
    overrides = {"area.min_area_m2": 3}
    assert read_project(path, environment={}).area == AreaSettings(None, 1.0, 1.0)
    read = read_project(path, environment=environment)
    assert (read.area.min_area_m2, read.project.language) == (2.0, "ru")
    read = read_project(path, environment=environment, overrides=overrides)
    assert (read.area.min_area_m2, read.project.language) == (3.0, "ru")


def test_lists_come_from_the_environment_with_commas(tmp_path: Path) -> None:
    environment = {
        "GLACIAL_LAKES_INPUTS_MONTHS": "7, 8",
        "GLACIAL_LAKES_INPUTS_SCENES": "a/*,снимки/*",
        "GLACIAL_LAKES_DATA": "not a setting",
        "GLACIAL_LAKES_LANGUAGE": "ru",
        "PATH": "x",
    }
    inputs = read_project(write(tmp_path, ""), environment=environment).inputs
    assert inputs.months == (7, 8)
    assert inputs.scenes == ("a/*", "снимки/*")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("GLACIAL_LAKES_AREA_MIN_AREA", "2", "did you mean min_area_m2?"),
        ("GLACIAL_LAKES_AREA_MIN_AREA_M2", "two", 'area.min_area_m2 = "two" is not a number'),
        ("GLACIAL_LAKES_INPUTS_MONTHS", "7,x", "is not a list of whole numbers"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str, words: str) -> None:
    message = refusal(tmp_path, "", **{name: value})
    assert words in message
    assert name in message


def test_the_template_is_the_defaults_and_names_every_key(tmp_path: Path) -> None:
    text = project_template()
    assert read_project(write(tmp_path, text), environment={}) == Project(folder=tmp_path)
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line else line for line in text.splitlines()
    )
    keys = {table: set(values) for table, values in tomllib.loads(uncommented).items()}
    assert keys == {
        table: {field.name for field in dataclasses.fields(kind)} for table, kind in TABLES.items()
    }


def test_every_setting_has_a_meaning_in_the_template() -> None:
    lines = project_template().splitlines()
    for number, line in enumerate(lines):
        if " = " in line:
            assert lines[number - 1].startswith("# ")
            assert " = " not in lines[number - 1]


def test_a_new_export_format_is_told_in_the_project_file(monkeypatch) -> None:
    monkeypatch.setattr(settings, "EXPORT_FORMATS", (*settings.EXPORT_FORMATS, "some_format"))
    for language in ("en", "ru"):
        assert ", report, some_format." in project_template(language).replace("\n# ", " ")


@pytest.mark.parametrize(("language", "told"), [("en", "without it"), ("ru", "если не задан")])
def test_a_setting_without_a_default_says_once_what_holds_then(language: str, told: str) -> None:
    text = project_template(language)
    assert max(map(len, text.splitlines())) <= 100
    meanings = re.split(r"\n(?:# )?\w+ = .*", text)
    absent = [field for kind in TABLES.values() for field in dataclasses.fields(kind)]
    optional = sum(field.default is None for field in absent)
    assert [" ".join(one.split("\n# ")).count(told) for one in meanings].count(1) == optional
    assert text.count("Не задано") == text.count("Not set") == 0


def test_the_indices_are_told_by_a_name_that_python_knows() -> None:
    assert "any of gl.indices" in project_template()
    assert settings.MappingSettings().index in gl.indices.names()


def test_the_template_is_refused_by_nothing_when_all_of_it_is_used(tmp_path: Path) -> None:
    of_storage = ("curves.csv", "lake_12_depths.tif")
    for name in ("aoi.gpkg", "basins.gpkg", "dem.tif", "glaciers.gpkg", *OF_CATALOGUE, *of_storage):
        (tmp_path / name).touch()
    text = "\n".join(
        line.removeprefix("# ") if " = " in line else line
        for line in project_template().splitlines()
    )
    assert read_project(write(tmp_path, text), environment={}).inputs.dem == "dem.tif"


def test_the_digest_follows_values_and_not_order(tmp_path: Path) -> None:
    one = read_project(write(tmp_path, "[area]\nmin_area_m2 = 1"), environment={})
    other = read_project(write(tmp_path, "[area]\nmin_area_m2 = 2"), environment={})
    assert digest(as_dict(one)) != digest(as_dict(other))
    reordered = dict(reversed(list(as_dict(one).items())))
    assert digest(as_dict(one)) == digest(reordered)


@given(st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False) | st.text()))
def test_unknown_tables_never_pass(tmp_path_factory: pytest.TempPathFactory, values: dict) -> None:
    folder = tmp_path_factory.mktemp("p")
    path = write(folder, "")
    with pytest.raises(ConfigError):
        read_project(path, environment={}, overrides={"area.xyz": values})


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_pipe_in_place_of_a_project_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "project.toml")
    with pytest.raises(ConfigError, match="is no plain file"):
        gl.read_project(tmp_path / "project.toml")
