"""Words, numbers and dates in two languages."""

from __future__ import annotations

import ast
import functools
import inspect
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.types
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_inventory import make_inventory
from texts import placeholders, source_texts, texts_of_code, trees, unmarked

from glacial_lakes.errors import Message
from glacial_lakes.io.qgis_style import layer_style
from glacial_lakes.language import (
    MISSING,
    area_unit,
    day,
    degrees,
    in_language,
    languages,
    number,
    translate,
)
from glacial_lakes.language.catalogue import FOLDER, catalogue, read_po

RUSSIAN = dict(read_po((FOLDER / "ru.po").read_text(encoding="utf-8")))
CLICK_PARTS = ("core", "decorators", "exceptions", "formatting", "parser", "types")
CLICK_UNSAID = re.compile(
    "deprecat|environment|shell|password|confirm|boolean|UUID|executable|flag|declaration|iterable"
    "|No options defined|Do you want|Choice\\(|format|len_type|defined twice|start character"
    "|version",
    re.IGNORECASE,
)
"""Texts of click that no command of ours can meet."""


@functools.cache
def sources() -> set[str]:
    """Return the entries that the catalogues must have."""
    return {text if context is None else f"{context}\4{text}" for context, text in source_texts()}


def click_texts() -> set[str]:
    """Return what the click that is installed says of a command line."""
    found = set()
    for name in CLICK_PARTS:
        for node in ast.walk(ast.parse(inspect.getsource(getattr(click, name)))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "ngettext"):
                found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    return {text for text in found if not CLICK_UNSAID.search(text)}


def test_every_text_of_the_package_has_a_russian_form() -> None:
    assert len(sources()) > 700
    assert sources() - RUSSIAN.keys() == set(), "add these to language/ru.po"


def test_no_entry_of_the_catalogue_is_left_over() -> None:
    text = (FOLDER / "ru.po").read_text(encoding="utf-8")
    ours, _, _ = text.partition("# ---- Headings and usage errors of the library click")
    assert dict(read_po(ours)).keys() - sources() - {""} == set(), "nobody says this any more"


def test_every_heading_and_usage_error_of_click_has_a_russian_form() -> None:
    known = {source.partition("\0")[0] for source in RUSSIAN}
    assert len(click_texts()) > 20
    assert click_texts() - known == set()


def test_no_text_for_people_is_made_where_no_catalogue_finds_it() -> None:
    for path, tree in trees():
        assert list(unmarked(tree)) == [], path


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    raise ConfigError(x, f'has {x} rows')",
        "def f(x):\n    what = f'has {x} rows'\n    raise ConfigError(x, what)",
        "def f(x):\n    what = 'has rows' if x else ''\n    raise ConfigError(x, what)",
        "def f(x):\n    yield Finding('rows', 'note', f'{x} rows')",
    ],
)
def test_a_text_that_no_catalogue_can_know_is_found(code: str) -> None:
    assert list(unmarked(ast.parse(code)))


def test_texts_are_found_where_they_are_said() -> None:
    code = "raise ConfigError(p, 'a b' if x else 'c {d}', N_('e f'), d=1)\nsay('g h', context='i')"
    assert set(texts_of_code(ast.parse(code))) == {
        (None, "a b"),
        (None, "c {d}"),
        (None, "e f"),
        ("i", "g h"),
    }


def is_whole(source: str) -> bool:
    """Tell whether the Russian form of an entry is Russian and takes the values of its source."""
    english, forms = source.rpartition("\4")[2].split("\0"), RUSSIAN[source].split("\0")
    allowed = set().union(*map(placeholders, english))
    return (
        len(forms) == (3 if len(english) > 1 else 1)
        and all(placeholders(russian) <= allowed for russian in forms)
        and (source not in sources() or all(placeholders(one) == allowed for one in forms))
        and (re.search("[А-Яа-яё№]", RUSSIAN[source]) is not None or english[0] in SAME)
    )


def test_a_russian_form_takes_the_values_of_its_source() -> None:
    assert [source for source in sorted(RUSSIAN.keys() - {""}) if not is_whole(source)] == []


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ("{count} lake\0{count} lakes", "{count} озеро"),
        ("did you mean {name}?", "может быть, другое?"),
        ("did you mean {name}?", "может быть, {name}, {other}?"),
        ("a lake", "a lake"),
    ],
)
def test_a_form_that_lacks_something_is_found(
    source: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUSSIAN, source, form)
    assert not is_whole(source)


SAME = {
    ".gpkg, .shp, .geojson or .fgb",
    "1,234.5",
    "{year:04d}-{month:02d}-{day:02d}",
    '"{label}" ({name})',
    '"{word}"',
    "%Y-%m",
    "HTTP {status}",
}
"""Hold no word that another language would say otherwise."""


def test_a_text_without_a_russian_form_stays_english():
    assert translate("no such text", "ru") == "no such text"
    assert translate("drained", "ru") == "опорожнилось"
    assert translate("drained", "en") == "drained"
    assert translate("", "ru") == ""


def test_codes_that_are_no_words_are_told_in_words():
    assert translate("nodata", "en") == "no data"
    assert translate("nodata", "ru") == "нет данных"
    assert in_language("none", "ru") == "нет"
    assert translate("none", "ru") == "не выявлен"


def test_a_context_tells_two_meanings_of_a_word_apart():
    assert translate("dates", "ru") == "даты"
    assert translate("dates", "ru", "number") == "дат"


def test_a_catalogue_is_read_as_gettext_does(tmp_path):
    text = """
# a comment
#, fuzzy
msgid "unsure"
msgstr "неясно"

msgid "" "two "
"lines\\n"
msgstr "две строки \\"и\\" кавычки"
msgctxt "here"
msgid "word"
msgstr "слово"

msgid "untranslated"
msgstr ""

msgid "{n} lake"
msgid_plural "{n} lakes"
msgstr[0] "{n} озеро"
msgstr[1] "{n} озера"
msgstr[2] "{n} озёр"
"""
    assert dict(read_po(text.replace('"" "two "', '"two "'))) == {
        "two lines\n": 'две строки "и" кавычки',
        "here\4word": "слово",
        "{n} lake\0{n} lakes": "{n} озеро\0{n} озера\0{n} озёр",
    }


@pytest.mark.parametrize("line", ["msgid word", '"text"', "what is this"])
def test_a_line_that_is_none_of_a_catalogue_is_named(line):
    with pytest.raises(ValueError, match="line 2"):
        list(read_po(f"\n{line}\n"))


def test_russian_has_three_forms_of_plurals():
    told = catalogue("ru").ngettext("Did you mean {possibility}?", "", 1)
    assert told == "Может быть, {possibility}?"
    assert catalogue("ru").ngettext("Did you mean {possibility}?", "", 5).startswith("(Возможные")


def test_a_language_is_one_file(tmp_path: Path) -> None:
    """Help, numbers and dates of a language that nobody spoke before."""
    text = (FOLDER / "ru.po").read_text(encoding="utf-8")
    told = {
        "Контуры ледников": "Мөңгүлөр",
        "{day:02d}.{month:02d}.{year:04d}": "{year}/{month:02d}/{day:02d}",
        "1\u202f234,5": "1'234,5",
    }
    for russian, other in told.items():
        assert f'msgstr "{russian}' in text
        text = text.replace(f'msgstr "{russian}', f'msgstr "{other}')
    (tmp_path / "ky.po").write_text(text, encoding="utf-8")
    code = (
        "import datetime, importlib, pathlib\n"
        "from glacial_lakes.language import day, number\n"
        "catalogue = importlib.import_module('glacial_lakes.language.catalogue')\n"
        f"catalogue.FOLDER = pathlib.Path({str(tmp_path)!r})\n"
        "print(number(1234567.5, 1, 'ky'), day(datetime.datetime(2021, 8, 12), 'ky'))\n"
        "from glacial_lakes.cli.commands import main\n"
        "main(['--lang', 'ky', 'map', '--help'])\n"
    )
    command = [sys.executable, "-X", "utf8", "-c", code]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.startswith("1'234'567,5 2021/08/12\n")
    assert "Мөңгүлөр" in done.stdout
    assert "[en|ky]" in done.stdout


def test_the_catalogues_are_whole_and_every_other_language_is_english():
    assert languages() == ("en", "ru")
    assert catalogue("ky").gettext("drained") == "drained"


def test_russian_numbers_have_a_decimal_comma_and_a_thin_space():
    assert number(1234567.891, 2, "ru") == "1\u202f234\u202f567,89"
    assert number(1234567.891, 2, "en") == "1,234,567.89"
    assert number(-0.5, 1, "ru") == "\u22120,5"


def test_a_rounded_number_in_a_message_has_the_decimal_sign_of_the_language():
    told = Message("took longer than {seconds:.0f} s", seconds=2.5)
    assert in_language(told, "ru") == "не уложился в 2 с"
    told = Message("{size:.1f} GiB", size=2.25)
    assert [in_language(told, name) for name in ("ru", "en")] == ["2,2 ГиБ", "2.2 GiB"]
    told = Message("{what} {name} {value:05.2f}", what=told, name=0.5, value=5.1)
    assert in_language(told, "ru") == "2,2 ГиБ 0.5 05.10"  # as files and products write them


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, math.inf])
def test_a_missing_number_is_a_dash_and_never_zero(missing):
    assert number(missing, 1, "ru") == MISSING


@given(st.floats(-1e12, 1e12), st.integers(0, 4), st.sampled_from(["en", "ru"]))
def test_a_number_reads_back_as_it_was_rounded(value, digits, language):
    text = number(value, digits, language)
    plain = text.replace("\u2212", "-")
    plain = plain.replace(",", "") if language == "en" else plain.replace("\u202f", "")
    assert float(plain.replace(",", ".")) == float(f"{value:.{digits}f}")
    assert not re.fullmatch("\u2212[0.,]*", text)


def test_dates_are_written_as_each_language_does():
    when = pd.Timestamp("2021-08-12T05:36:31Z")
    assert day(when, "ru") == "12.08.2021"
    assert day(when, "en") == "2021-08-12"
    assert day(pd.NaT, "ru") == day(None) == MISSING


def test_coordinates_name_their_side():
    assert degrees(-74.5124, "lon", "en") == "74.512° W"
    assert degrees(42.6, "lat", "ru") == "42,600° с. ш."
    assert degrees(None, "lat") == MISSING


def test_small_areas_are_told_in_square_metres():
    assert area_unit(99_999) == ("m²", 1.0)
    assert area_unit(100_000) == ("km²", 1e6)


def test_a_legend_in_russian_keeps_the_values_that_it_colours():
    english, russian = (
        layer_style((), language, coloured="status", colours={"nodata": "1,2,3"})
        for language in ("en", "ru")
    )
    assert 'value="nodata" label="nodata"' in english
    assert 'value="nodata" label="нет данных"' in russian
    assert english.replace('label="nodata"', 'label="нет данных"') == russian


def test_the_language_of_an_inventory_is_that_of_its_last_project():
    inventory = make_inventory()
    for settings, language in (
        ('{"project": {"language": "ru"}}', "ru"),
        ('{"project": {"language": "xx"}}', "en"),
        ("{}", "en"),
        ("no JSON", "en"),
        (None, "en"),
    ):
        runs = inventory.runs.assign(settings=settings)
        assert replace(inventory, runs=runs).language == language
    assert replace(inventory, runs=inventory.runs.iloc[:0]).language == "en"
