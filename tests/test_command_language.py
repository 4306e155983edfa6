"""Help and usage errors in the language of the option, the environment, or the system."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields
from pathlib import Path

import click
import pandas as pd
import pytest

from glacial_lakes.cli.commands import cli
from glacial_lakes.cli.translated import click_in, preferred_language
from glacial_lakes.language import system_language
from glacial_lakes.settings import EXPORT_FORMATS, TABLES

RUSSIAN = re.compile("[А-Яа-яё]")


@pytest.mark.parametrize(
    ("words", "variables", "language"),
    [
        ([], {}, "en"),
        (["--lang", "ru", "map"], {"LANG": "en_US.UTF-8"}, "ru"),
        (["map", "--lang=ru", "--help"], {"GLACIAL_LAKES_LANGUAGE": "en"}, "ru"),
        (["map", "-h"], {"GLACIAL_LAKES_LANGUAGE": "ru", "LANG": "en_GB"}, "ru"),
        (["map", "--lang", "en"], {"GLACIAL_LAKES_LANGUAGE": "ru"}, "en"),
        (["map", "--", "--lang", "ru"], {}, "en"),
        (["map", "--lang"], {"LANG": "ru_RU.UTF-8"}, "ru"),
        (["map", "--lang", "xx"], {"LC_ALL": "ru"}, "ru"),
    ],
)
def test_the_option_goes_before_the_variable_and_that_before_the_system(
    words: list[str], variables: dict[str, str], language: str
) -> None:
    assert preferred_language(words, variables) == language


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "RU"}, "ru"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "ky_KG.UTF-8"}, "en"),
        ({"LANGUAGE": "ky:ru:en", "LANG": "en_US.UTF-8"}, "ru"),
        ({"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "ru_RU", "LANG": "ru_RU"}, "en"),
        ({"LC_MESSAGES": "ru_RU", "LANG": "en_US"}, "ru"),
        ({"LC_ALL": "", "LANG": "ru"}, "ru"),
    ],
)
def test_the_system_tells_its_language_as_gettext_reads_it(
    variables: dict[str, str], language: str
) -> None:
    assert system_language(variables) == language


def pages() -> list[list[str]]:
    return [["--help"], *([name, "--help"] for name in cli.commands)]


@pytest.mark.parametrize("words", pages(), ids=" ".join)
def test_help_is_wholly_of_one_language(call, words: list[str]) -> None:
    assert not RUSSIAN.search(call(*words, "--lang", "en")[1])
    page = call(*words, "--lang", "ru")[1]
    names = re.compile(
        r"glacial-lakes|qgis-install|--?[\w-]+|\[([a-z]+\|[a-z|]+|x\S+)\]|\.(TOML|GPKG)|\.[a-z]+|\b(PROJ|UTC)\b"
    )
    formats = r"JSON на stdout|inventory\.\w+|\|layername=|shp|km"
    left = re.sub(rf"project\.toml|acquired=IMG_DAY|tcp://\S+|{formats}", "", page)
    left = names.sub("", left)
    known = {"Dask", "HTML", "CP", "GDAL", "GB", "QGIS", "ask", *cli.commands}
    assert set(re.findall("[A-Za-z]{2,}", left)) <= known, left
    assert page.startswith("Использование: ")
    assert "Показать эту справку и выйти." in page


@pytest.mark.parametrize(
    ("words", "russian", "english"),
    [
        (["run"], "Не указан аргумент 'ПРОЕКТ.TOML'.", "Missing argument 'PROJECT.TOML'."),
        (["runn"], "Нет команды 'runn'.", "No such command 'runn'."),
        (["run", "p", "--jbs", "2"], "Нет параметра ", "No such option"),
        (["run", "p", "--jobs", "0"], "0 – вне интервала x>=1.", "0 is not in the range x>=1."),
        (["run", "p", "--jobs", "x"], "'x' – не подходящее число", "'x' is not a valid integer"),
        (["run", "p", "q"], "Лишний аргумент (q)", "Got unexpected extra argument (q)"),
        (["run", "p", "--jobs"], "Для параметра '--jobs' нужно значение.", "requires an argument"),
        (["run", "p", "--max-memory", "4Q"], "не объём памяти", "is no amount of memory"),
        (["export", "a", "-o", "b", "--months", "7"], "для --months нужен", "--months needs"),
        (["map", "a"], "Не указан параметр '-o'.", "Missing option '-o'."),
    ],
)
def test_usage_errors_are_told_in_the_language(
    call, words: list[str], russian: str, english: str
) -> None:
    for language, told, hint in (("ru", russian, "Справка: "), ("en", english, "Try '")):
        code, out, err = call("--lang", language, *words)
        assert (code, out) == (2, ""), err
        assert told in err
        assert hint in err or words[-1] == "--jobs"


def test_click_speaks_english_again_afterwards() -> None:
    with click_in("ru"):
        assert click.exceptions._("Missing argument") == "Не указан аргумент"
    assert click.exceptions._("Missing argument") == "Missing argument"


def test_the_environment_and_the_system_decide_on_help(call, monkeypatch) -> None:
    monkeypatch.setenv("GLACIAL_LAKES_LANGUAGE", "ru")
    assert "Каталоги ледниковых озёр" in call("--help")[1]
    monkeypatch.setenv("GLACIAL_LAKES_LANGUAGE", "en")
    assert not RUSSIAN.search(call("--help")[1])
    monkeypatch.delenv("GLACIAL_LAKES_LANGUAGE")
    monkeypatch.setenv("LANGUAGE", "ru:en")
    assert "Контуры ледников" in call("map", "--help")[1]


def test_a_wrong_key_is_told_in_russian(call, tmp_path: Path) -> None:
    project = tmp_path / "p.toml"
    project.write_text('[inputs]\nscens = ["a"]\n', encoding="utf-8")
    told = f"GL2000 {project}: в [inputs] нет ключа scens; может быть, scenes?\n"
    assert call("--lang", "ru", "run", project) == (2, "", told)
    assert "has no key scens; did you mean scenes?" in call("--lang", "en", "run", project)[2]


def test_a_fault_of_a_project_is_told_in_its_language(call, tmp_path: Path) -> None:
    project = tmp_path / "p.toml"
    table = '[project]\nlanguage = "ru"\n'
    project.write_text(f'{table}[inputs]\ndem = "нет.tif"\n', encoding="utf-8")
    code, _, err = call("run", project)
    assert code == 2
    assert err.endswith("нет файла, указанного как inputs.dem в p.toml; исправьте путь\n")
    assert "correct the path" in call("--lang", "en", "run", project)[2]
    project.write_text('[project]\nlanguage = ["ru"]\n', encoding="utf-8")
    assert call("run", project)[0] == 2


@pytest.mark.usefixtures("here")
def test_a_run_warns_in_the_language_of_its_project(call, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished.parent, tmp_path / "lakes")
    project = tmp_path / "lakes" / "project.toml"
    numbers = pd.DataFrame({"НОМЕР": ["0007"], "lat": [42.6052], "lon": [74.5240]})
    numbers.to_csv(project.parent / "список.csv", index=False)
    more = '[project]\nlanguage = "ru"\n[export]\nformats = ["csv_excel"]\n'
    more += '[catalogue]\nfile = "список.csv"\nid = "НОМЕР"\n'
    project.write_text(project.read_text(encoding="utf-8") + more, encoding="utf-8")
    code, _, err = call("run", project)
    assert code == 0
    (warned,) = (line for line in err.splitlines() if "csv_excel" in line)
    assert warned.startswith("электронные таблицы, открывая csv_excel")
    assert "0007" in warned


def test_findings_of_the_doctor_are_russian(call) -> None:
    code, out, _ = call("doctor", "--lang", "ru")
    assert "временная папка" in out
    assert code in (0, 1)


def test_a_project_of_init_is_commented_in_the_language(call, tmp_path: Path) -> None:
    call("init", tmp_path, "--lang", "ru")
    lines = (tmp_path / "project.toml").read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if re.match(r"# \w+ = ", line) is None and line[:1] == "#"]
    assert len(comments) > 20
    keys = {one.name for table in TABLES.values() for one in fields(table)}
    keys |= {*EXPORT_FORMATS, "CP1251"}
    foreign = [line for line in comments if not RUSSIAN.search(line)]
    assert {word for line in foreign for word in re.findall(r"\w+", line)} <= keys  # a wrapped end
    assert 'language = "ru"' in lines
