"""What somebody must look at: sudden losses and growth, new lakes and contact at glaciers.

An event is a fact of a series: a lake appeared, or drained. An alert is a reason to look, with the
images that show it. Alerts take the events as they are, and add what is no event: large parts of
a lake lost or gained, less surely than an event wants it, and contact with the glacier. None is
called within the uncertainty of the areas, and none across a date on which the lake was not
observed: that is only a wider bracket.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from glacial_lakes.change.fast import SURE_AREA_M2
from glacial_lakes.change.offsets import difference_of
from glacial_lakes.change.series import best_of_day, involved, scenes_showing, seen_series
from glacial_lakes.change.trends import CHANGE_SIGMAS
from glacial_lakes.columns import C
from glacial_lakes.schema import ALERTS, AlertKind, EventKind, LakeState, Status, conform

SUDDEN_SHARE = 0.3
"""Share of the area lost or gained that is called sudden."""
SUDDEN_YEARS = 3.0
"""Between images farther apart, a part lost or gained may have changed slowly."""
MOST_REGROWTH = 1.5
"""What a drained lake of unknown size left may grow to this many times of itself."""
NEAR_GLACIER_M = 1_000.0
"""A new lake at most so far from a glacier is an alert."""
CONTACT_M = 50.0
"""Gap that glacier outlines drawn by another hand leave at a lake that touches the ice."""
APART_M = 100.0
"""Gap from which a lake does not touch the ice; in between, neither is said."""

Row = dict[str, Any]
Bracket = tuple[pd.Timestamp, pd.Timestamp]
"""Last date before a change, and first date after it."""


def alerts(
    observations: pd.DataFrame, events: pd.DataFrame, outlines: pd.DataFrame, lakes: pd.DataFrame
) -> pd.DataFrame:
    """Return what needs a look.

    - ``sudden_drainage``: the events ``drained`` and ``shrunk``; or a loss of 30 % or more within
      three years.
    - ``sudden_growth``: the events ``refilled`` and ``grown``; or a growth of 30 % or more within
      three years.
    - ``new_near_glacier``: the event ``appeared``, at most 1 km from a glacier.
    - ``contact_gained``, ``contact_lost``: a lake came within 50 m of the glacier outline, or
      withdrew farther than 100 m from it, and grew or shrank with that. Glacier outlines are
      those of one year, so this tells of the lake's shore, never of a glacier that moved.

    Every change exceeds 1.96 standard deviations of the difference of the two areas. Parts lost or
    gained, and contact, must hold between two images before and two after; on either side one
    image is enough for lakes of 0.09 km² or more. Jumps at a split or merge are left out.

    Parameters
    ----------
    observations, events, outlines, lakes : pandas.DataFrame
        Of an inventory.

    Returns
    -------
    pandas.DataFrame
        :data:`glacial_lakes.schema.ALERTS`, by date and lake.
    """
    sure = set(lakes.loc[lakes[C.STATE] != LakeState.UNCONFIRMED, C.LAKE_ID])
    seen = seen_series(observations)
    seen = seen[seen[C.LAKE_ID].isin(sure)]
    taken = _brackets(events)
    near = _distances(outlines)
    marked = seen[[C.LAKE_ID, "day", C.AREA_M2]].merge(near, on=[C.LAKE_ID, "day"], how="left")
    jumping, touching = _may_jump(marked), _may_gain_or_lose_contact(marked)
    named = set(events[C.LAKE_ID].dropna().map(str))
    chosen = seen[seen[C.LAKE_ID].isin(jumping | touching | named)]
    near = near[near[C.LAKE_ID].isin(chosen[C.LAKE_ID])]
    keys = zip(near[C.LAKE_ID], near["day"], strict=True)
    days = dict(zip(keys, near[C.GLACIER_DIST_M], strict=True))
    rows = [row for row in _of_events(events, chosen, days) if row[C.LAKE_ID] in sure]
    for lake, series in chosen.groupby(C.LAKE_ID):
        brackets = taken.get(str(lake), [])
        rows += [row for row in _jumps(series) if not _overlaps(brackets, row)]
        rows += _contacts(series, days)
    shown = observations[observations[C.LAKE_ID].isin({row[C.LAKE_ID] for row in rows})]
    images = dict(iter(best_of_day(shown).groupby(C.LAKE_ID)))
    nearest = lakes.set_index(C.LAKE_ID)[C.GLACIER_ID]
    for row in rows:
        scenes = scenes_showing(
            images[row[C.LAKE_ID]], [row[C.LAKE_ID]], [row[C.AFTER], row[C.DATE]]
        )
        row[C.SCENE_IDS] = " ".join(scenes)
        row[C.GLACIER_ID] = nearest.get(row[C.LAKE_ID])
        row[C.GLACIER_DIST_M] = days.get((row[C.LAKE_ID], row[C.DATE]), np.nan)
    table = conform(pd.DataFrame(rows), ALERTS)
    return table.sort_values([C.DATE, C.LAKE_ID, C.ALERT], kind="stable", ignore_index=True)


def _of_events(
    events: pd.DataFrame, seen: pd.DataFrame, distances: dict[tuple[str, pd.Timestamp], float]
) -> Iterator[Row]:
    kinds = {
        EventKind.DRAINED: AlertKind.SUDDEN_DRAINAGE,
        EventKind.SHRUNK: AlertKind.SUDDEN_DRAINAGE,
        EventKind.REFILLED: AlertKind.SUDDEN_GROWTH,
        EventKind.GROWN: AlertKind.SUDDEN_GROWTH,
        EventKind.APPEARED: AlertKind.NEW_NEAR_GLACIER,
    }
    series = dict(iter(seen.groupby(C.LAKE_ID)))
    for _, event in events[events[C.EVENT].isin(kinds)].iterrows():
        lake, date = str(event[C.LAKE_ID]), event[C.DATE]
        if lake not in series:
            continue
        if event[C.EVENT] == EventKind.APPEARED and not (
            distances.get((lake, date), np.inf) <= NEAR_GLACIER_M
        ):
            continue
        rows = series[lake].set_index("day")
        areas = event[[C.AREA_BEFORE_M2, C.AREA_AFTER_M2]].to_numpy(dtype=float)
        pair = rows.reindex([event[C.AFTER], date]).assign(**{C.AREA_M2: areas})
        row = _row(lake, kinds[event[C.EVENT]], (event[C.AFTER], date), pair)
        if abs(row[C.Z]) <= CHANGE_SIGMAS:
            continue
        later = rows.loc[rows.index > date, C.AREA_M2].to_numpy(dtype=float)[:1]
        is_loss = kinds[event[C.EVENT]] == AlertKind.SUDDEN_DRAINAGE
        # Of a lake that was never seen whole before, what is left must not grow again.
        unknown = is_loss and np.isnan(areas[0])
        middle = np.nansum(areas) * (MOST_REGROWTH if unknown else 0.5)
        yield row | {C.CONFIRMED: bool((later <= middle if is_loss else later > middle).any())}


def _jumps(series: pd.DataFrame) -> Iterator[Row]:
    """Yield the sudden losses and growths between two dates that both show the lake."""
    area = series[C.AREA_M2].to_numpy(dtype=float)
    days, is_there = series["day"].tolist(), (series[C.STATUS] == Status.OBSERVED).to_numpy()
    for i in range(1, len(series)):
        around = slice(max(i - 2, 0), i + 2)
        if not is_there[around].all() or _years(days[i - 1], days[i]) > SUDDEN_YEARS:
            continue
        sign = 1.0 if area[i] > area[i - 1] else -1.0
        first = around.start + int(np.argmax(sign * area[around.start : i]))
        last = i + int(np.argmin(sign * area[i : i + 2]))
        change = sign * (area[last] - area[first])
        noise = CHANGE_SIGMAS * _sigma(series.iloc[[first, last]])
        if not (change >= SUDDEN_SHARE * area[first] and change > noise):
            continue
        if not _is_supported(area, i):
            continue
        kind = AlertKind.SUDDEN_GROWTH if sign > 0 else AlertKind.SUDDEN_DRAINAGE
        pair = slice(i - 1, i + 1)
        lake, bracket = str(series[C.LAKE_ID].iloc[0]), (days[i - 1], days[i])
        row = _row(lake, kind, bracket, series.iloc[pair])
        yield row | {C.CONFIRMED: i + 1 < len(series)}


def _contacts(
    series: pd.DataFrame, distances: dict[tuple[str, pd.Timestamp], float]
) -> Iterator[Row]:
    """Yield contact with the glacier that a lake gained by growing, or lost by shrinking."""
    lake = str(series[C.LAKE_ID].iloc[0])
    gap = np.array([distances.get((lake, day), np.nan) for day in series["day"]], dtype=float)
    whole = (series[C.STATUS] == Status.OBSERVED).to_numpy()
    clear = whole & ((gap <= CONTACT_M) | (gap > APART_M))
    rows, touches = series[clear], gap[clear] <= CONTACT_M
    area = rows[C.AREA_M2].to_numpy(dtype=float)
    days = rows["day"].tolist()
    for i in range(1, len(rows)):
        before, after = touches[max(i - 2, 0) : i], touches[i : i + 2]
        if (
            touches[i] == touches[i - 1]
            or before.any() != before.all()
            or after.any() != after.all()
        ):
            continue
        pair = slice(i - 1, i + 1)
        kind = AlertKind.CONTACT_GAINED if touches[i] else AlertKind.CONTACT_LOST
        row = _row(lake, kind, (days[i - 1], days[i]), rows.iloc[pair])
        change = row[C.Z] if touches[i] else -row[C.Z]
        if change > CHANGE_SIGMAS and _is_supported(area, i):
            yield row | {C.CONFIRMED: len(after) > 1}


def _is_supported(area: np.ndarray[Any, np.dtype[np.float64]], position: int) -> bool:
    """Tell whether two images before and two from a position on agree, or the lake is large."""
    return 2 <= position < len(area) - 1 or bool(
        max(area[position - 1 : position + 1]) >= SURE_AREA_M2
    )


def _row(lake: str, kind: str, bracket: Bracket, pair: pd.DataFrame) -> Row:
    after, date = bracket
    areas, sigmas = (pair[name].to_numpy(dtype=float) for name in (C.AREA_M2, C.AREA_SIGMA_M2))
    sigma = _sigma(pair)
    return {
        C.LAKE_ID: lake,
        C.ALERT: kind,
        C.DATE: date,
        C.AFTER: after,
        C.AREA_BEFORE_M2: areas[0],
        C.SIGMA_BEFORE_M2: sigmas[0],
        C.AREA_AFTER_M2: areas[1],
        C.SIGMA_AFTER_M2: sigmas[1],
        C.Z: (areas[1] - areas[0]) / sigma if sigma > 0 else np.nan,
    }


def _sigma(pair: pd.DataFrame) -> float:
    """Return the standard deviation of the difference of two rows of a lake."""
    return float(difference_of(pair.iloc[:1], pair.iloc[1:])[0])


def _may_jump(seen: pd.DataFrame) -> set[str]:
    """Return the lakes with a loss or growth between two dates that is large enough for a jump."""
    before = seen[C.AREA_M2].shift()
    same = seen[C.LAKE_ID] == seen[C.LAKE_ID].shift()
    large = (seen[C.AREA_M2] - before).abs() >= 0.99 * SUDDEN_SHARE * before
    return set(seen.loc[same & large, C.LAKE_ID])


def _may_gain_or_lose_contact(seen: pd.DataFrame) -> set[str]:
    """Return the lakes that touch a glacier on some dates and lie apart from it on others."""
    gap = seen[C.GLACIER_DIST_M]
    near, apart = seen.loc[gap <= CONTACT_M, C.LAKE_ID], seen.loc[gap > APART_M, C.LAKE_ID]
    return set(near) & set(apart)


def _distances(outlines: pd.DataFrame) -> pd.DataFrame:
    """Return the distance to the glacier by lake and day."""
    whole = outlines[(outlines[C.STATUS] == Status.OBSERVED) & outlines[C.GLACIER_DIST_M].notna()]
    table = pd.DataFrame(
        {
            C.LAKE_ID: whole[C.LAKE_ID].map(str),
            "day": whole[C.ACQUIRED].dt.floor("D"),
            C.GLACIER_DIST_M: whole[C.GLACIER_DIST_M].astype(float),
        }
    )
    return table.drop_duplicates([C.LAKE_ID, "day"], keep="last")


def _brackets(events: pd.DataFrame) -> dict[str, list[Bracket]]:
    """Return when each lake had events: their jumps are told there, but for those of a season."""
    taken: dict[str, list[Bracket]] = {}
    lasting = events[~events[C.EVENT].isin([EventKind.SEASONAL_FILL, EventKind.SEASONAL_DRAIN])]
    for _, event in lasting.dropna(subset=[C.DATE, C.AFTER]).iterrows():
        for lake in involved(event):
            taken.setdefault(lake, []).append((event[C.AFTER], event[C.DATE]))
    return taken


def _overlaps(brackets: list[Bracket], row: Row) -> bool:
    return any(after < row[C.DATE] and row[C.AFTER] < date for after, date in brackets)


def _years(start: pd.Timestamp, end: pd.Timestamp) -> float:
    return (end - start) / pd.Timedelta(days=365.2425)
