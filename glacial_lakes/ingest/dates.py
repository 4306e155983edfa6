"""Dates as people write them: in fields, in names of satellite scenes, in names of files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import pandas as pd

Precision = Literal["day", "month", "year"]

ROUGH: Mapping[str, str] = {
    name: f"fair: only the {name} of the image is known" for name in ("year", "month")
}
"""Quality of outlines whose date is a guess within a year or month."""

_RANK: Mapping[Precision, int] = {"year": 0, "month": 1, "day": 2}
_WIDTH: Mapping[Precision, str] = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
_DAY = r"(?P<year>(?:19|20)\d\d)(?P<s>[-_./]?)(?P<month>\d\d)(?P=s)(?P<day>\d\d)"
_DAY_FIRST = r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>(?:19|20)\d\d)"
_MONTH = r"(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_FORMS = (_DAY, _DAY_FIRST, _MONTH, _YEAR)
_CLOCK = r"(?:[T ]\d.*)?"
_SCENES = (
    # Landsat collections, with or without the processing level, and the older names
    r"(?P<sensor>L[COETM]\d\d?)_(?:[A-Z0-9]{4}_)?\d{6}_(?P<date>\d{8})",
    r"(?P<sensor>L[COETM]\d)\d{6}(?P<yday>(?:19|20)\d{5})",
    # Sentinel-2 products, those before December 2016, and granules as Earth Engine names them
    r"(?P<sensor>S2[ABCD])_MSIL\w\w_(?P<date>\d{8})T",
    r"(?P<sensor>S2[ABCD])_\w+_V(?P<date>\d{8})T",
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


def day_of(value: Any) -> Day | None:
    """Return the date that a field holds, None where it is empty.

    Parameters
    ----------
    value : object
        A date or time, or a text or number such as ``2015-08-01``, ``20150801``, ``01.08.2015``,
        ``2015-08`` or ``2015``. Text with day and month divided by slashes is refused: nobody can
        tell which is which.

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    if value is None or pd.isna(value):
        return None
    if isinstance(value, date | datetime | pd.Timestamp):
        time = pd.Timestamp(value)
        return Day(time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC"), "day")
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    text = text.strip()
    if text in {"", "0"}:
        return None
    for form in _FORMS:
        if match := re.fullmatch(form + (_CLOCK if form is _DAY else ""), text):
            try:
                return _day(match)
            except ValueError:  # no such day
                break
    raise ValueError(text)


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
    year, month, day = (int(parts[name]) if parts.get(name) else None for name in _PARTS)
    precision: Precision = "day" if day else "month" if month else "year"
    time = datetime(year or 0, month or 7, day or (15 if month else 1))
    return Day(pd.Timestamp(time, tz="UTC"), precision)


_PARTS = ("year", "month", "day")


def _sensor(code: str | None) -> str | None:
    """Write ``LT5`` as ``LT05``, as newer products do."""
    return f"{code[:2]}0{code[2:]}" if code and len(code) == 3 and code[0] == "L" else code
