"""Words, numbers and dates in two languages."""

from __future__ import annotations

import math
import re
import string

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacial_lakes import schema
from glacial_lakes.language import (
    ENGLISH,
    MISSING,
    RUSSIAN,
    area_unit,
    day,
    degrees,
    number,
    translate,
)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_a_text_without_a_russian_form_stays_english():
    assert translate("no such text", "ru") == "no such text"
    assert translate("drained", "ru") == "опорожнилось"
    assert translate("drained", "en") == "drained"


def test_every_status_and_event_of_the_schema_has_a_russian_form():
    for word in (*schema.Status, *schema.EventKind):
        assert word in RUSSIAN, word


def test_russian_forms_are_russian_and_keep_the_placeholders():
    for english, russian in RUSSIAN.items():
        assert re.search("[А-Яа-яё№]", russian), english
        assert placeholders(english) == placeholders(russian), english


def test_english_forms_belong_to_codes_that_have_a_russian_form_too():
    assert ENGLISH.keys() <= RUSSIAN.keys()


def test_russian_numbers_have_a_decimal_comma_and_a_thin_space():
    assert number(1234567.891, 2, "ru") == "1\u202f234\u202f567,89"
    assert number(1234567.891, 2, "en") == "1,234,567.89"
    assert number(-0.5, 1, "ru") == "\u22120,5"


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
