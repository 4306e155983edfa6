"""Fast growth and shrinkage of lakes: between which two dates, and whether a season undid it.

A change is fast when a share of the lake is gained or lost at some rate, both of the settings, and
surely more than the errors of the two areas. Whatever two images before it or two after it show
must agree; on either side one is enough for a lake that is large. So a change is told from the
dates around it alone: a later date can confirm it, or show that it was of a season, and else leaves
it as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from glacial_lakes.change.errors import difference_sigma
from glacial_lakes.change.series import involved, seen_series
from glacial_lakes.columns import C
from glacial_lakes.scenes.sensors import instrument
from glacial_lakes.schema import FAST_EVENTS, LAKE_EVENTS, EventKind, Status, conform
from glacial_lakes.settings import TrackingSettings

SURE_AREA_M2 = 90_000.0
"""A lake of 100 Landsat pixels needs no second image: that long a shore is not moved by chance."""
FAST_SIGMAS = 3.0
"""So many standard deviations of the difference: of all pairs of dates of a lake none passes by
chance."""
SEASON_DAYS = 400.0
"""What is undone within so many days, a year and the irregular dates of images, was of a season."""
_BACK = 0.5
"""Share of a change of which no more may be left when it is undone."""
_MOST = 2 / 3
"""When so much of a change happened between two dates next to each other, it happened there."""
_DAYS_A_YEAR = 365.2425

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_KINDS = {
    (1, False): EventKind.GROWN,
    (-1, False): EventKind.SHRUNK,
    (1, True): EventKind.SEASONAL_FILL,
    (-1, True): EventKind.SEASONAL_DRAIN,
}


class _Change(NamedTuple):
    """Growth (sign 1) or shrinkage (-1) between two dates of a series, by their positions."""

    before: int
    after: int
    sign: int


def fast_changes(
    observations: pd.DataFrame, events: pd.DataFrame, settings: TrackingSettings | None = None
) -> pd.DataFrame:
    """Return the fast growth and shrinkage of lakes, and fast filling and draining of a season.

    - ``grown``, ``shrunk``: at least ``fast_fraction`` of the area gained or lost, at
      ``fast_fraction_per_year`` or faster, and more than three standard deviations of the
      difference. When most of it happened between two dates next to each other, these are its
      dates.
    - ``seasonal_fill``, ``seasonal_drain``: the same, undone within thirteen months, and what undid
      it. At the end of a series, what undoes the change of a season is of that season as well,
      until a date more than thirteen months later shows that it lasts.

    None reaches across a date without the lake, or across another event.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`, with both parts of the errors.
    events : pandas.DataFrame
        :data:`glacial_lakes.schema.LAKE_EVENTS`; fast changes among them are passed over.
    settings : TrackingSettings, optional

    Returns
    -------
    pandas.DataFrame
        :data:`glacial_lakes.schema.LAKE_EVENTS`, by date and lake.

    Examples
    --------
    >>> import pandas as pd
    >>> from glacial_lakes import change, schema
    >>> rows = pd.DataFrame({"area_m2": [4e4, 4.1e4, 6e4, 6.1e4], "area_sigma_m2": 2e3})
    >>> rows["acquired"] = pd.to_datetime([f"20{y}-08-01" for y in (20, 21, 22, 23)], utc=True)
    >>> rows = rows.assign(lake_id="A", status="observed", sensor="S2A", scene_id="")
    >>> none = schema.conform(pd.DataFrame(), schema.LAKE_EVENTS)
    >>> found = change.fast_changes(schema.conform(rows, schema.OBSERVATIONS), none)
    >>> found[["event", "after", "date"]].astype(str).to_numpy().tolist()
    [['grown', '2021-08-01 00:00:00+00:00', '2022-08-01 00:00:00+00:00']]
    """
    settings = settings or TrackingSettings()
    seen = seen_series(observations)
    seen = seen.assign(gone=(seen[C.STATUS] == Status.ABSENT).groupby(seen[C.LAKE_ID]).cumsum())
    seen = seen[(seen[C.STATUS] == Status.OBSERVED) & (seen[C.AREA_M2] > 0)]
    area = seen.groupby(C.LAKE_ID)[C.AREA_M2]
    may = area.transform("max") >= (1 + settings.fast_fraction) * area.transform("min")
    seen = seen[may].reset_index(drop=True)
    seen = seen.assign(instrument=instrument(seen[C.SENSOR]))
    brackets = _brackets(events[~events[C.EVENT].isin(FAST_EVENTS)])
    rows: list[dict[str, Any]] = []
    for lake, places in seen.groupby(C.LAKE_ID).indices.items():
        rows += _of_lake(str(lake), seen.iloc[places], brackets, settings)
    table = conform(pd.DataFrame(rows), LAKE_EVENTS)
    return table.sort_values([C.DATE, C.LAKE_ID, C.EVENT], kind="stable", ignore_index=True)


def _brackets(events: pd.DataFrame) -> dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]]:
    taken: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for _, event in events.dropna(subset=[C.DATE, C.AFTER]).iterrows():
        for lake in involved(event):
            taken.setdefault(lake, []).append((event[C.AFTER], event[C.DATE]))
    return taken


def _of_lake(
    lake: str,
    rows: pd.DataFrame,
    brackets: Mapping[str, Sequence[tuple[pd.Timestamp, pd.Timestamp]]],
    settings: TrackingSettings,
) -> Iterator[dict[str, Any]]:
    part = rows["gone"].to_numpy(dtype=int)
    for after, date in brackets.get(lake, ()):
        part = part + (rows["day"] > after).to_numpy() + (rows["day"] >= date).to_numpy()
    days = ((rows["day"] - rows["day"].iloc[0]) / pd.Timedelta(days=1)).to_numpy(dtype=float)
    area = rows[C.AREA_M2].to_numpy(dtype=float)
    changes = _changes(days, area, _sigmas(rows), part, settings)
    seasonal = _seasonal(changes, days, area, part)
    when = rows["day"].tolist()
    for change, is_seasonal in zip(changes, seasonal, strict=True):
        yield {
            C.LAKE_ID: lake,
            C.EVENT: _KINDS[change.sign, is_seasonal],
            C.DATE: when[change.after],
            C.AFTER: when[change.before],
            C.FROM_IDS: lake,
            C.TO_IDS: lake,
            C.AREA_BEFORE_M2: area[change.before],
            C.AREA_AFTER_M2: area[change.after],
        }


def _sigmas(rows: pd.DataFrame) -> Numbers:
    """Return one standard deviation of the difference of each two areas."""
    shape = len(rows), len(rows)

    def both(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.stack([np.broadcast_to(one, shape) for one in (values[:, None], values)])

    names = (C.AREA_M2, C.AREA_SIGMA_SHARED_M2, C.AREA_SIGMA_DATE_M2)
    areas, shared, date = (both(rows[name].to_numpy(dtype=float)) for name in names)
    tools, _ = pd.factorize(rows["instrument"])
    return difference_sigma(areas, shared, date, (tools[:, None] == tools) & (tools >= 0))


def _changes(
    days: Numbers, area: Numbers, sigma: Numbers, part: Places, settings: TrackingSettings
) -> list[_Change]:
    """Return the fast changes, in order and apart; of those that end on a date the shortest."""
    around = np.arange(len(area))
    same = part[1:] == part[:-1]
    earlier, later = around - np.append(False, same), around + np.append(same, False)
    has_both = (earlier < around)[:, None] & (later > around)
    is_large = np.maximum(area[:, None], area) >= SURE_AREA_M2
    years = (days - days[:, None]) / _DAYS_A_YEAR
    may = (has_both | is_large) & (part[:, None] == part) & (years > 0)
    is_fast = {}
    for sign in (1, -1):
        size = sign * area
        first = np.where(size[earlier] > size, earlier, around)[:, None]
        last = np.where(size[later] < size, later, around)
        gained = size[last] - size[first]
        least = np.maximum(settings.fast_fraction, settings.fast_fraction_per_year * years)
        beyond = gained > FAST_SIGMAS * sigma[first, last]
        is_fast[sign] = may & (gained >= least * area[first]) & beyond
    found: list[_Change] = []
    start = 0
    for after in range(1, len(area)):
        begun = [
            (start + int(places[-1]), sign)
            for sign, fast in is_fast.items()
            if (places := np.flatnonzero(fast[start:after, after])).size
        ]
        if begun:
            change = _narrowed(_Change(max(begun)[0], after, max(begun)[1]), area)
            found.append(change)
            start = change.after
    return found


def _narrowed(change: _Change, area: Numbers) -> _Change:
    steps = change.sign * np.diff(area[change.before : change.after + 1])
    largest = int(np.argmax(steps))
    if steps[largest] < _MOST * steps.sum():
        return change
    return _Change(change.before + largest, change.before + largest + 1, change.sign)


def _seasonal(changes: Sequence[_Change], days: Numbers, area: Numbers, part: Places) -> list[bool]:
    """Tell which changes are undone within a season, or undo one."""

    def is_undone(one: _Change, other: _Change) -> bool:
        change = one.sign * (area[one.after] - area[one.before])
        left = one.sign * (area[other.after] - area[one.before])
        within = days[other.after] - days[one.before] <= SEASON_DAYS
        apart = one.sign != other.sign and part[one.before] == part[other.after]
        return bool(apart and within and left <= _BACK * change)

    seasonal = [False] * len(changes)
    number = 0
    while number + 1 < len(changes):
        if is_undone(changes[number], changes[number + 1]):
            seasonal[number] = seasonal[number + 1] = True
            number += 1
        number += 1
    if len(changes) > 1 and not seasonal[-1] and seasonal[-2]:
        may_go_on = days[-1] - days[changes[-1].after] <= SEASON_DAYS
        seasonal[-1] = may_go_on and is_undone(changes[-2], changes[-1])
    return seasonal
