"""What somebody must look at: sudden losses and growth, new lakes and contact at glaciers.

An event is a fact of a series: a lake appeared, or drained. An alert is a reason to look, with the
images that show it. Alerts take the events as they are, and add what is no event: large parts of
a lake lost or gained, and contact with the glacier. None is called within the uncertainty of the
areas, and none across a date on which the lake was not observed: that is only a wider bracket.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from glacial_lakes.change.series import best_of_day, evidence, involved, seen_series
from glacial_lakes.change.trends import CHANGE_SIGMAS
from glacial_lakes.schema import ALERTS, AlertKind, EventKind, LakeState, Status, conform

SUDDEN_SHARE = 0.3
"""Share of the area lost or gained that is called sudden."""
SUDDEN_YEARS = 3.0
"""Between images farther apart, a part lost or gained may have changed slowly."""
SURE_AREA_M2 = 90_000.0
"""A lake of 100 Landsat pixels needs no second image: that long a shore is not moved by chance."""
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

    - ``sudden_drainage``: the event ``drained``; or a loss of 30 % or more within three years.
    - ``sudden_growth``: the event ``refilled``; or a growth of 30 % or more within three years.
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
    sure = set(lakes.loc[lakes["state"] != LakeState.UNCONFIRMED, "lake_id"])
    seen = seen_series(observations)
    seen = seen[seen["lake_id"].isin(sure)]
    taken = _brackets(events)
    near = _distances(outlines)
    marked = seen[["lake_id", "day", "area_m2"]].merge(near, on=["lake_id", "day"], how="left")
    jumping, touching = _may_jump(marked), _may_gain_or_lose_contact(marked)
    named = set(events["lake_id"].dropna().map(str))
    chosen = seen[seen["lake_id"].isin(jumping | touching | named)]
    near = near[near["lake_id"].isin(chosen["lake_id"])]
    keys = zip(near["lake_id"], near["day"], strict=True)
    days = dict(zip(keys, near["glacier_dist_m"], strict=True))
    rows = [row for row in _of_events(events, chosen, days) if row["lake_id"] in sure]
    for lake, series in chosen.groupby("lake_id"):
        brackets = taken.get(str(lake), [])
        rows += [row for row in _jumps(series) if not _overlaps(brackets, row)]
        rows += _contacts(series, days)
    shown = observations[observations["lake_id"].isin({row["lake_id"] for row in rows})]
    images = dict(iter(best_of_day(shown).groupby("lake_id")))
    nearest = lakes.set_index("lake_id")["glacier_id"]
    for row in rows:
        scenes = evidence(images[row["lake_id"]], [row["lake_id"]], [row["after"], row["date"]])
        row["scene_ids"] = " ".join(scenes)
        row["glacier_id"] = nearest.get(row["lake_id"])
        row["glacier_dist_m"] = days.get((row["lake_id"], row["date"]), np.nan)
    table = conform(pd.DataFrame(rows), ALERTS)
    return table.sort_values(["date", "lake_id", "alert"], kind="stable", ignore_index=True)


def _of_events(
    events: pd.DataFrame, seen: pd.DataFrame, distances: dict[tuple[str, pd.Timestamp], float]
) -> Iterator[Row]:
    kinds = {
        EventKind.DRAINED: AlertKind.SUDDEN_DRAINAGE,
        EventKind.REFILLED: AlertKind.SUDDEN_GROWTH,
        EventKind.APPEARED: AlertKind.NEW_NEAR_GLACIER,
    }
    series = dict(iter(seen.groupby("lake_id")))
    for _, event in events[events["event"].isin(kinds)].iterrows():
        lake, date = str(event["lake_id"]), event["date"]
        if lake not in series:
            continue
        if event["event"] == EventKind.APPEARED and not (
            distances.get((lake, date), np.inf) <= NEAR_GLACIER_M
        ):
            continue
        rows = series[lake].set_index("day")
        sigmas = rows["area_sigma_m2"].reindex([event["after"], date]).to_numpy(dtype=float)
        areas = event[["area_before_m2", "area_after_m2"]].to_numpy(dtype=float)
        row = _row(lake, kinds[event["event"]], (event["after"], date), areas, sigmas)
        if abs(row["z"]) <= CHANGE_SIGMAS:
            continue
        later = rows.loc[rows.index > date, "area_m2"].to_numpy(dtype=float)[:1]
        is_loss = event["event"] == EventKind.DRAINED
        # Of a lake that was never seen whole before, what is left must not grow again.
        unknown = is_loss and np.isnan(areas[0])
        middle = np.nansum(areas) * (MOST_REGROWTH if unknown else 0.5)
        yield row | {"confirmed": bool((later <= middle if is_loss else later > middle).any())}


def _jumps(series: pd.DataFrame) -> Iterator[Row]:
    """Yield the sudden losses and growths between two dates that both show the lake."""
    area, sigma = (series[name].to_numpy(dtype=float) for name in ("area_m2", "area_sigma_m2"))
    days, is_there = series["day"].tolist(), (series["status"] == Status.OBSERVED).to_numpy()
    for i in range(1, len(series)):
        around = slice(max(i - 2, 0), i + 2)
        if not is_there[around].all() or _years(days[i - 1], days[i]) > SUDDEN_YEARS:
            continue
        sign = 1.0 if area[i] > area[i - 1] else -1.0
        first = around.start + int(np.argmax(sign * area[around.start : i]))
        last = i + int(np.argmin(sign * area[i : i + 2]))
        change = sign * (area[last] - area[first])
        noise = CHANGE_SIGMAS * np.hypot(sigma[first], sigma[last])
        if not (change >= SUDDEN_SHARE * area[first] and change > noise):
            continue
        if not _is_supported(area, i):
            continue
        kind = AlertKind.SUDDEN_GROWTH if sign > 0 else AlertKind.SUDDEN_DRAINAGE
        pair = slice(i - 1, i + 1)
        lake, bracket = str(series["lake_id"].iloc[0]), (days[i - 1], days[i])
        row = _row(lake, kind, bracket, area[pair], sigma[pair])
        yield row | {"confirmed": i + 1 < len(series)}


def _contacts(
    series: pd.DataFrame, distances: dict[tuple[str, pd.Timestamp], float]
) -> Iterator[Row]:
    """Yield contact with the glacier that a lake gained by growing, or lost by shrinking."""
    lake = str(series["lake_id"].iloc[0])
    gap = np.array([distances.get((lake, day), np.nan) for day in series["day"]], dtype=float)
    whole = (series["status"] == Status.OBSERVED).to_numpy()
    clear = whole & ((gap <= CONTACT_M) | (gap > APART_M))
    rows, touches = series[clear], gap[clear] <= CONTACT_M
    area, sigma = (rows[name].to_numpy(dtype=float) for name in ("area_m2", "area_sigma_m2"))
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
        row = _row(lake, kind, (days[i - 1], days[i]), area[pair], sigma[pair])
        change = row["z"] if touches[i] else -row["z"]
        if change > CHANGE_SIGMAS and _is_supported(area, i):
            yield row | {"confirmed": len(after) > 1}


def _is_supported(area: np.ndarray[Any, np.dtype[np.float64]], position: int) -> bool:
    """Tell whether two images before and two from a position on agree, or the lake is large."""
    return 2 <= position < len(area) - 1 or bool(
        max(area[position - 1 : position + 1]) >= SURE_AREA_M2
    )


def _row(lake: str, kind: str, bracket: Bracket, areas: Any, sigmas: Any) -> Row:
    after, date = bracket
    return {
        "lake_id": lake,
        "alert": kind,
        "date": date,
        "after": after,
        "area_before_m2": areas[0],
        "sigma_before_m2": sigmas[0],
        "area_after_m2": areas[1],
        "sigma_after_m2": sigmas[1],
        "z": (areas[1] - areas[0]) / np.hypot(*sigmas) if np.hypot(*sigmas) > 0 else np.nan,
    }


def _may_jump(seen: pd.DataFrame) -> set[str]:
    """Return the lakes with a loss or growth between two dates that is large enough for a jump."""
    before = seen["area_m2"].shift()
    same = seen["lake_id"] == seen["lake_id"].shift()
    large = (seen["area_m2"] - before).abs() >= 0.99 * SUDDEN_SHARE * before
    return set(seen.loc[same & large, "lake_id"])


def _may_gain_or_lose_contact(seen: pd.DataFrame) -> set[str]:
    """Return the lakes that touch a glacier on some dates and lie apart from it on others."""
    gap = seen["glacier_dist_m"]
    near, apart = seen.loc[gap <= CONTACT_M, "lake_id"], seen.loc[gap > APART_M, "lake_id"]
    return set(near) & set(apart)


def _distances(outlines: pd.DataFrame) -> pd.DataFrame:
    """Return the distance to the glacier by lake and day."""
    whole = outlines[(outlines["status"] == Status.OBSERVED) & outlines["glacier_dist_m"].notna()]
    table = pd.DataFrame(
        {
            "lake_id": whole["lake_id"].map(str),
            "day": whole["acquired"].dt.floor("D"),
            "glacier_dist_m": whole["glacier_dist_m"].astype(float),
        }
    )
    return table.drop_duplicates(["lake_id", "day"], keep="last")


def _brackets(events: pd.DataFrame) -> dict[str, list[Bracket]]:
    """Return when each lake had events: their jumps are told there."""
    taken: dict[str, list[Bracket]] = {}
    for _, event in events.dropna(subset=["date", "after"]).iterrows():
        for lake in involved(event):
            taken.setdefault(lake, []).append((event["after"], event["date"]))
    return taken


def _overlaps(brackets: list[Bracket], row: Row) -> bool:
    return any(after < row["date"] and row["after"] < date for after, date in brackets)


def _years(start: pd.Timestamp, end: pd.Timestamp) -> float:
    return (end - start) / pd.Timedelta(days=365.2425)
