"""The area curves of the report: pure functions from observations to pixel positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from glacial_lakes.language import MISSING, area_unit, day, number, translate
from glacial_lakes.report.marks import Mark, digits_of, round_ticks
from glacial_lakes.report.model import LakeTrend, Observation

WIDTH, HEIGHT = 660, 188
LEFT, RIGHT, TOP, BOTTOM = 58, 650, 20, 136
"""Edges of the plot in the drawing, in pixels; the bottom is the line of area 0."""
STRIP = 152
"""Height of the row of dates without observation, below the line of area 0."""


@dataclass(frozen=True, slots=True)
class AreaMark:
    """A measured area with its error bar, in pixels."""

    x: float
    y: float
    low: float
    high: float
    title: str


@dataclass(frozen=True, slots=True)
class Curve:
    """The area of one lake through time."""

    unit: str
    areas: tuple[AreaMark, ...]
    line: str
    trend: str
    """Line of the trend; empty when there is none."""
    absent: tuple[Mark, ...]
    gaps: tuple[Mark, ...]
    """Dates without observation; the label is the reason."""
    events: tuple[Mark, ...]
    x_ticks: tuple[Mark, ...]
    y_ticks: tuple[Mark, ...]


def draw_curve(
    observations: Sequence[Observation],
    events: Sequence[tuple[pd.Timestamp, str]],
    period: tuple[pd.Timestamp, pd.Timestamp],
    language: str,
    trend: LakeTrend | None = None,
) -> Curve:
    """Place the observations of one lake; what was not observed gets no place on the area axis.

    Parameters
    ----------
    observations : sequence of Observation
        All dates of one lake, sorted by time.
    events : sequence of (pandas.Timestamp, str)
        Date and what happened.
    period : tuple of pandas.Timestamp
        First and last time of the axis, the same for all lakes.
    language : str
        Language of the labels.
    trend : LakeTrend, optional
        Its line is drawn when a trend is shown.
    """
    tops = [entry.area_m2 + (entry.sigma_m2 or 0.0) for entry in observations if entry.area_m2]
    top = max(tops, default=1e4)
    unit, factor = area_unit(top)
    top = max(top * 1.06, 1.0)

    def row(value: float) -> float:
        share = min(max(value / top, 0.0), 1.0)
        return round(BOTTOM - share * (BOTTOM - TOP), 1)

    def column(when: pd.Timestamp) -> float:
        share = (when - period[0]) / (period[1] - period[0])
        return round(LEFT + share * (RIGHT - LEFT), 1)

    areas: list[AreaMark] = []
    absent: list[Mark] = []
    gaps: list[Mark] = []
    for entry in observations:
        x, when = column(entry.acquired), day(entry.acquired, language)
        if entry.is_measured and entry.area_m2 is not None:
            spread = entry.sigma_m2 or 0.0
            low, high = row(entry.area_m2 - spread), row(entry.area_m2 + spread)
            title = f"{when}: {measured(entry.area_m2, entry.sigma_m2, language)}"
            areas.append(AreaMark(x, row(entry.area_m2), low, high, title))
        elif entry.is_seen:
            absent.append(Mark(x, row(0.0), "", f"{when}: {translate('no water seen', language)}"))
        else:
            reason = translate("not observed: {reason}", language)
            reason = reason.format(reason=translate(entry.status, language))
            gaps.append(Mark(x, STRIP, entry.status, f"{when}: {reason}"))
    line = ""
    if trend is not None and trend.is_shown:
        ends = (trend.first, trend.line_first_m2 or 0.0), (trend.last, trend.line_last_m2 or 0.0)
        line = " ".join(f"{column(when)},{row(area)}" for when, area in ends)
    seen = sorted([(mark.x, mark.y) for mark in areas] + [(mark.x, mark.y) for mark in absent])
    scale = round_ticks(0.0, top / factor, 4)
    digits = digits_of(scale)
    return Curve(
        translate(unit, language),
        tuple(areas),
        " ".join(f"{x},{y}" for x, y in seen),
        line,
        tuple(absent),
        tuple(gaps),
        tuple(Mark(column(when), TOP, label) for when, label in _joined(events)),
        tuple(Mark(column(when), 0, label) for when, label in time_ticks(*period, language)),
        tuple(Mark(0, row(value * factor), number(value, digits, language)) for value in scale),
    )


def _joined(events: Sequence[tuple[pd.Timestamp, str]]) -> list[tuple[pd.Timestamp, str]]:
    """Put the events of one date into one label."""
    dates = sorted({when for when, _ in events})
    return [
        (date, ", ".join(dict.fromkeys(label for when, label in events if when == date)))
        for date in dates
    ]


def measured(
    area_m2: float | None, sigma_m2: float | None, language: str, unit: str = "km²"
) -> str:
    """Write an area in km² with its standard error: ``0.0123 ± 0.0008 km²``.

    Parameters
    ----------
    area_m2, sigma_m2 : float or None
        In m²; a missing area is a dash, a missing error is left out.
    language : str
        ``"en"`` or ``"ru"``.
    unit : str
        What is put behind; empty in tables whose head names it.
    """
    if area_m2 is None or pd.isna(area_m2):
        return MISSING
    text = number(area_m2 / 1e6, 4 if area_m2 else 0, language)
    if area_m2 and sigma_m2 is not None and not pd.isna(sigma_m2):  # no water has no error
        text += f" ±\N{NO-BREAK SPACE}{number(sigma_m2 / 1e6, 4, language)}"
    return f"{text}\N{NO-BREAK SPACE}{translate(unit, language)}".rstrip()


def time_ticks(
    start: pd.Timestamp, end: pd.Timestamp, language: str
) -> list[tuple[pd.Timestamp, str]]:
    """Return round years, or months when the period is short, with their labels."""
    years = (end - start).days / 365.25
    months = next((s for s in (1, 2, 3, 6, 12, 24, 60, 120) if years * 12 / s <= 8), 240)
    first = pd.Timestamp(
        year=start.year - start.year % max(months // 12, 1), month=1, day=1, tz="UTC"
    )
    dates = pd.date_range(first, end, freq=pd.DateOffset(months=months))
    form = "%Y" if months >= 12 else translate("%Y-%m", language, context="format")
    return [(date, date.strftime(form)) for date in dates if date >= start]
