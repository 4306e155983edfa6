"""Lakes that persons split and merged → the events that tell it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.schema import Decision, EventKind, LakeState, Status
from glacial_lakes.tracking.tables import Tracked

_PART = 0.5
"""Share of a lake that lies in another one from which it is a part of it."""


def with_lineage(tracked: Tracked, force: gpd.GeoDataFrame) -> Tracked:
    """Return the tables with the splits and mergers that persons drew.

    One is an event when an earlier image shows the lakes as they were; else it only corrects how
    they were mapped from the first. What tracking says later of the same lakes is the same event,
    and is left out. Where a newer image shows them otherwise, that is an event too: a lake that was
    merged and is there again has split off, and one that was split off and lies in its old lake
    again has merged. Else their areas would tell of growth and drainage that never were.

    Parameters
    ----------
    tracked : Tracked
        Lakes with the outlines that persons drew.
    force : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS` in force.
    """
    undone = [*_undone(tracked.outlines, force)]
    rows = [*_events(tracked.outlines, force), *undone]
    if not rows:
        return tracked
    by_persons = schema.conform(pd.DataFrame(rows), schema.LAKE_EVENTS)
    events = tracked.events
    again = pd.Series(False, index=events.index)
    lineage = [
        _names(one) | _names(other)
        for one, other in zip(events[C.FROM_IDS], events[C.TO_IDS], strict=True)
    ]
    for _, event in by_persons.iterrows():
        members = _names(event[C.FROM_IDS]) | _names(event[C.TO_IDS])
        same = pd.Series([names <= members for names in lineage], index=events.index)
        again |= (events[C.EVENT] == event[C.EVENT]) & (events[C.DATE] >= event[C.DATE]) & same
    events = pd.concat([events[~again], by_persons], ignore_index=True)
    events = events.sort_values([C.DATE, C.LAKE_ID, C.EVENT], kind="stable", ignore_index=True)
    outlines = tracked.outlines.copy()
    for _, event in by_persons.iterrows():
        here = outlines[C.ACQUIRED].dt.floor("D") == event[C.DATE]
        here &= outlines[C.LAKE_ID] == event[C.LAKE_ID]
        outlines.loc[here, C.EVENT] = event[C.EVENT]
    lakes = tracked.lakes.copy()
    for contrary in undone:
        if contrary[C.EVENT] == EventKind.MERGED:
            ended = lakes[C.LAKE_ID].isin(_names(contrary[C.FROM_IDS]) - {contrary[C.LAKE_ID]})
            lakes.loc[ended, C.STATE] = LakeState.MERGED
    events = schema.conform(events, schema.LAKE_EVENTS)
    return replace(tracked, lakes=lakes, outlines=outlines, events=events)


def _undone(outlines: gpd.GeoDataFrame, force: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    """Yield what newer images show of lakes that persons split or merged, where they contradict."""
    drawn = force[force[C.DECISION].isin([Decision.SPLIT, Decision.MERGED])]
    whole = outlines[(outlines[C.STATUS] == Status.OBSERVED) & outlines[C.AREA_M2].notna()]
    whole = whole.assign(day=whole[C.ACQUIRED].dt.floor("D")).sort_values(C.ACQUIRED, kind="stable")
    days = drawn[C.ACQUIRED].dt.floor("D").rename("day")
    for (kind, main, day), group in drawn.groupby([C.DECISION, C.OTHER_ID, days]):
        parts = dict(zip(group[C.LAKE_ID].map(str), group.geometry, strict=True))
        until = whole[whole["day"] <= day].drop_duplicates(C.LAKE_ID, keep="last")
        until = until.set_index(C.LAKE_ID)[C.AREA_M2]
        for date, image in whole[whole["day"] > day].groupby("day"):
            there = image.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)
            if kind == Decision.MERGED:
                names = [name for name in parts if name in there.index]
                sides = [main], [main, *names]
            else:
                names = [name for name in parts if _lies_in(parts[name], name, main, there)]
                sides = [main, *names], [main]
            if not names:
                continue
            yield {
                C.LAKE_ID: main,
                C.EVENT: EventKind.SPLIT if kind == Decision.MERGED else EventKind.MERGED,
                C.DATE: date,
                C.AFTER: whole.loc[whole["day"] < date, "day"].max(),
                C.FROM_IDS: " ".join(sides[0]),
                C.TO_IDS: " ".join(sides[1]),
                C.AREA_BEFORE_M2: until.reindex(sides[0]).sum(),
                C.AREA_AFTER_M2: there[C.AREA_M2].reindex(sides[1]).sum(),
            }
            break


def _lies_in(part: shapely.Geometry, name: str, main: str, there: gpd.GeoDataFrame) -> bool:
    """Tell whether an image shows as a part of a lake what a person split off it."""
    if name in there.index or main not in there.index:
        return False
    lake = there.geometry[main]
    return bool(shapely.intersection(part, lake).area >= _PART * part.area)


def _events(outlines: gpd.GeoDataFrame, force: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    drawn = force[force[C.DECISION].isin([Decision.SPLIT, Decision.MERGED])]
    days = drawn[C.ACQUIRED].dt.floor("D").rename("day")
    for (kind, main, day), group in drawn.groupby([C.DECISION, C.OTHER_ID, days]):
        whole = outlines[(outlines[C.STATUS] == Status.OBSERVED) & outlines[C.AREA_M2].notna()]
        when = whole[C.ACQUIRED].dt.floor("D")
        before = whole[when < day].sort_values(C.ACQUIRED, kind="stable")
        before = before.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)
        names = [str(name) for name in group[C.LAKE_ID]]
        if kind == Decision.MERGED:
            others = [name for name in names if name in before.index]
            sides, since = ([main, *others], [main]), others
        else:
            others = [name for name in names if name not in before.index]
            sides, since = ([main], [main, *others]), [main]
        if not others or main not in before.index:
            continue
        after = whole[(when == day) & whole[C.LAKE_ID].isin(sides[1])]
        yield {
            C.LAKE_ID: main,
            C.EVENT: kind,
            C.DATE: day,
            C.AFTER: before.loc[since, C.ACQUIRED].min().floor("D"),
            C.FROM_IDS: " ".join(sides[0]),
            C.TO_IDS: " ".join(sides[1]),
            C.AREA_BEFORE_M2: before.loc[sides[0], C.AREA_M2].sum(),
            C.AREA_AFTER_M2: after.drop_duplicates(C.LAKE_ID)[C.AREA_M2].sum(),
        }


def _names(text: Any) -> set[str]:
    return set() if text is None or pd.isna(text) else set(str(text).split())
