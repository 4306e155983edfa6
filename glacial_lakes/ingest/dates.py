"""Dates as people write them: in fields, in names of satellite scenes, in names of files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import pandas as pd

from glacial_lakes.errors import N_

Precision = Literal["day", "month", "year"]

ROUGH: Mapping[str, str] = {
    "year": N_("fair: only the year of the image is known"),
    "month": N_("fair: only the month of the image is known"),
}
"""Quality of outlines whose date is a guess within a year or month."""

_RANK: Mapping[Precision, int] = {"year": 0, "month": 1, "day": 2}
_WIDTH: Mapping[Precision, str] = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
_YEARS = r"(?P<year>(?:19|20)\d\d)"
_PLAUSIBLE = range(1900, 2100)
"""The same of what is no text."""
_DAY = rf"{_YEARS}(?P<s>[-_./]?)(?P<month>\d\d)(?P=s)(?P<day>\d\d)"
_DAY_SHORT = rf"{_YEARS}(?P<s>[-_./ ])(?P<month>\d\d?)(?P=s)(?P<day>\d\d?)"
_DAY_FIRST = rf"(?P<day>\d\d?)\.(?P<month>\d\d?)\.{_YEARS}"
_MONTH = rf"{_YEARS}-(?P<month>\d\d)"
_FORMS = (_DAY, _DAY_FIRST, _MONTH, _YEARS)
"""Dates in names of files."""
_NAME = r"(?P<name>[^\W\d_]{3,})\.?"
_WRITTEN = (
    _DAY,
    _DAY_SHORT,
    _DAY_FIRST,
    rf"(?P<day>\d\d?)[-. ]?\s*{_NAME}[-,. ]\s*{_YEARS}",
    rf"{_NAME}\s*(?P<day>\d\d?),?\s+{_YEARS}",
    rf"{_YEARS}[-,. ]\s*{_NAME}[-. ]\s*(?P<day>\d\d?)",
    rf"{_YEARS}[-/.](?P<month>\d\d?)",
    rf"(?P<month>\d\d?)[./]{_YEARS}",
    rf"{_NAME}[-, ]\s*{_YEARS}",
    _YEARS,
)
"""Dates in fields that nobody can misread; with a day first also what :data:`_EITHER` matches."""
_EITHER = rf"(?P<one>\d\d?)(?P<s>[-/])(?P<two>\d\d?)(?P=s){_YEARS}"
"""Day and month, or month and day."""
_CLOCK = r"(?:[T, ]+\d.*|Z|T?\d{6}.*)?"
_YEAR_WORD = r"(?:\s*(?:г|год|года)\.?)?"
_NOTHING = re.compile(
    r"[-–—?.0\s]*|-?9{4,}(?:\.0+)?|9999-99-99|<?nul+>?|n\W?a\W?n?|nat|none|no ?data|unknown"
    r"|нет(?: данных)?|н/?д",
    re.IGNORECASE,
)
"""What people write where they know no date."""
_MONTHS = ("jan|янв", "feb|фев", "mar|мар", "apr|апр", "may|ма[йя]", "jun|июн", "jul|июл",
           "aug|авг", "sep|сен", "oct|окт", "nov|ноя", "dec|дек")  # fmt: skip
"""How months begin, in English and Russian."""
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_ROMAN_MONTH = re.compile(rf"(?<=\d)(?P<s>[-./ ])({'|'.join(_ROMAN)})(?P=s)(?=\d)", re.IGNORECASE)
"""As of ``12.VIII.2015``, which field books have."""
_EXCEL = range(20_000, 60_000)
"""Days since 1900 as tables count them, from 1954 to 2064; other tables count from 1904."""
_SCENES = (
    # Landsat collections, with or without the processing level, and the older names
    r"(?P<sensor>L[COETM]\d\d?)_(?:[A-Z0-9]{4}_)?\d{6}_(?P<date>\d{8})",
    r"(?P<sensor>L[COETM]\d)\d{6}(?P<yday>(?:19|20)\d{5})",
    # Sentinel-2 products, those before December 2016, and granules as Earth Engine names them
    r"(?P<sensor>S2[A-Z])_MSIL\w\w_(?P<date>\d{8})T",
    r"(?P<sensor>S2[A-Z])_\w{1,100}_V(?P<date>\d{8})T",
    r"(?<!\d)(?P<date>\d{8})T\d{6}_\d{8}T\d{6}_T\d\d[A-Z]{3}",
)


@dataclass(frozen=True, slots=True)
class Day:
    """A date, and how well it is known.

    Parameters
    ----------
    time : pandas.Timestamp
        UTC; the middle of the month or year where only that is known.
    precision : {"day", "month", "year"}
        What is known.
    """

    time: pd.Timestamp
    precision: Precision

    def agrees(self, other: Day) -> bool:
        """Tell whether two dates are the same, as far as both are known."""
        form = _WIDTH[min(self.precision, other.precision, key=lambda name: _RANK[name])]
        return self.time.strftime(form) == other.time.strftime(form)


@dataclass(frozen=True, slots=True)
class Image:
    """What the name of a satellite scene tells."""

    time: pd.Timestamp
    sensor: str | None


def day_of(value: Any, *, month_first: bool | None = None) -> Day | None:
    """Return the date that a field holds, None where it is empty or says that there is none.

    A written day stays that day, whatever time zone is beside it.

    Parameters
    ----------
    value : object
        A date or time, or a text or number such as ``2015-08-01``, ``20150801``, ``1.8.2015``,
        ``1 Aug 2015``, ``2015-08`` or ``2015``; 99 or 0 stand for an unknown month or day.
    month_first : bool, optional
        Which of the first two numbers of ``8/1/2015`` is the month. When it is not told, such
        text is read only where one of them cannot be a month.

    Raises
    ------
    ValueError
        When it cannot be read, or could mean two days.
    """
    if value is None or pd.isna(value):
        return None
    if isinstance(value, date | datetime | pd.Timestamp):
        if value.year not in _PLAUSIBLE:
            raise ValueError(value.isoformat()[:10])
        return Day(pd.Timestamp(value).tz_localize(None).tz_localize("UTC"), "day")
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
    text = " ".join(re.sub(r"(?<=\d)\.0+$", "", text.strip()).split())
    text = _ROMAN_MONTH.sub(lambda month: f".{_ROMAN.index(month[2].upper()) + 1}.", text)
    if _NOTHING.fullmatch(text):
        return None
    for form in _WRITTEN:
        if match := re.fullmatch(_with_rest(form), text, re.IGNORECASE):
            try:
                return _day(match)
            except ValueError:  # no such day
                break
    if match := re.fullmatch(_EITHER + _CLOCK, text):
        order = _order(match)
        order = month_first if order is None else order
        if order is not None:
            month, day = (match["one"], match["two"]) if order else (match["two"], match["one"])
            return Day(pd.Timestamp(int(match["year"]), int(month), int(day), tz="UTC"), "day")
    raise ValueError(text)


def puts_month_first(values: Iterable[Any]) -> bool | None:
    """Return whether dates such as ``8/13/2015`` in a field begin with the month.

    None when no date of the field tells it, or when they contradict each other.
    """
    matches = (re.fullmatch(_EITHER + _CLOCK, str(value).strip()) for value in values)
    orders = {_order(match) for match in matches if match} - {None}
    return orders.pop() if len(orders) == 1 else None


def excel_day(text: str) -> pd.Timestamp | None:
    """Return the day that a number would be as tables count days, None for other texts."""
    if not re.fullmatch(r"\d{5}(?:\.\d+)?", text) or int(float(text)) not in _EXCEL:
        return None
    return pd.Timestamp(1899, 12, 30) + pd.Timedelta(days=int(float(text)))


def _with_rest(form: str) -> str:
    """Return a form with what may follow it: a time of day behind a day, the word for a year."""
    return form + (_CLOCK if "<day>" in form else "") + _YEAR_WORD


def _order(match: re.Match[str]) -> bool | None:
    """Return whether the month stands first, None where both could."""
    one, two = int(match["one"]), int(match["two"])
    if one == two:
        return True
    return None if max(one, two) <= _LAST_MONTH else two > _LAST_MONTH


def image_of(text: Any) -> Image | None:
    """Return what the name of a Landsat or Sentinel-2 scene tells, None for other texts."""
    for form in _SCENES:
        if match := re.search(form, str(text)):
            parts = match.groupdict()
            written, how = (
                (parts["date"], "%Y%m%d") if parts.get("date") else (parts["yday"], "%Y%j")
            )
            time = pd.to_datetime(written, format=how, utc=True, errors="coerce")
            if not pd.isna(time):
                return Image(time, _sensor(parts.get("sensor")))
    return None


def day_in_name(name: str) -> Day | None:
    """Return the date in the name of a file, None where there is none.

    Parameters
    ----------
    name : str
        Such as ``lakes_2015-08-01`` or ``HKH_2010_indus``.

    Raises
    ------
    ValueError
        When it holds several dates that do not agree; they are named.
    """
    if image := image_of(name):
        return Day(image.time, "day")
    found: list[Day] = []
    rest = name
    for form in _FORMS:
        for match in list(re.finditer(rf"(?<!\d){form}(?!\d)", rest)):
            try:
                found.append(_day(match))
            except ValueError:  # digits that are no date
                continue
            rest = rest.replace(match[0], " ")
    found.sort(key=lambda day: -_RANK[day.precision])
    if any(not day.agrees(found[0]) for day in found):
        raise ValueError(" ".join(day.time.strftime(_WIDTH[day.precision]) for day in found))
    return found[0] if found else None


def _day(match: re.Match[str]) -> Day:
    parts = match.groupdict()
    year = int(parts["year"])
    month = _month(parts["name"]) if parts.get("name") else _known(parts.get("month"))
    day = _known(parts.get("day")) if month else None
    precision: Precision = "day" if day else "month" if month else "year"
    time = datetime(year, month or 7, day or (15 if month else 1))
    return Day(pd.Timestamp(time, tz="UTC"), precision)


_LAST_MONTH = 12
_UNKNOWN = (0, 99)
"""What stands for an unknown month or day, e.g. in the Randolph Glacier Inventory."""


def _known(text: str | None) -> int | None:
    return None if text is None or int(text) in _UNKNOWN else int(text)


def _month(name: str) -> int:
    for number, begin in enumerate(_MONTHS, 1):
        if re.match(begin, name, re.IGNORECASE):
            return number
    raise ValueError(name)


def _sensor(code: str | None) -> str | None:
    """Write ``LT5`` as ``LT05``, as newer products do."""
    return f"{code[:2]}0{code[2:]}" if code and len(code) == 3 and code[0] == "L" else code
