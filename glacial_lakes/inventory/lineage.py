"""Lakes that persons split and merged → the events that tell it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd

from glacial_lakes import schema
from glacial_lakes.schema import Decision, Status
from glacial_lakes.tracking.tables import Tracked


def with_lineage(tracked: Tracked, force: gpd.GeoDataFrame) -> Tracked:
    """Return the tables with the splits and mergers that persons drew.

    One is an event when an earlier image shows the lakes as they were; else it only corrects how
    they were mapped from the first. What tracking says later of the same lakes is the same event,
    and is left out.

    Parameters
    ----------
    tracked : Tracked
        Lakes with the outlines that persons drew.
    force : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS` in force.
    """
    rows = [*_events(tracked.outlines, force)]
    if not rows:
        return tracked
    by_persons = schema.conform(pd.DataFrame(rows), schema.LAKE_EVENTS)
    events = tracked.events
    again = pd.Series(False, index=events.index)
    lineage = [
        _names(one) | _names(other)
        for one, other in zip(events["from_ids"], events["to_ids"], strict=True)
    ]
    for _, event in by_persons.iterrows():
        mine = _names(event["from_ids"]) | _names(event["to_ids"])
        same = pd.Series([names <= mine for names in lineage], index=events.index)
        again |= (events["event"] == event["event"]) & (events["date"] >= event["date"]) & same
    events = pd.concat([events[~again], by_persons], ignore_index=True)
    events = events.sort_values(["date", "lake_id", "event"], kind="stable", ignore_index=True)
    outlines = tracked.outlines.copy()
    for _, event in by_persons.iterrows():
        here = outlines["acquired"].dt.floor("D") == event["date"]
        here &= outlines["lake_id"] == event["lake_id"]
        outlines.loc[here, "event"] = event["event"]
    return replace(tracked, outlines=outlines, events=schema.conform(events, schema.LAKE_EVENTS))


def _events(outlines: gpd.GeoDataFrame, force: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    drawn = force[force["decision"].isin([Decision.SPLIT, Decision.MERGED])]
    days = drawn["acquired"].dt.floor("D").rename("day")
    for (kind, main, day), group in drawn.groupby(["decision", "other_id", days]):
        whole = outlines[(outlines["status"] == Status.OBSERVED) & outlines["area_m2"].notna()]
        when = whole["acquired"].dt.floor("D")
        before = whole[when < day].sort_values("acquired", kind="stable")
        before = before.drop_duplicates("lake_id", keep="last").set_index("lake_id")
        names = [str(name) for name in group["lake_id"]]
        if kind == Decision.MERGED:
            others = [name for name in names if name in before.index]
            sides, since = ([main, *others], [main]), others
        else:
            others = [name for name in names if name not in before.index]
            sides, since = ([main], [main, *others]), [main]
        if not others or main not in before.index:
            continue
        after = whole[(when == day) & whole["lake_id"].isin(sides[1])]
        yield {
            "lake_id": main,
            "event": kind,
            "date": day,
            "after": before.loc[since, "acquired"].min().floor("D"),
            "from_ids": " ".join(sides[0]),
            "to_ids": " ".join(sides[1]),
            "area_before_m2": before.loc[sides[0], "area_m2"].sum(),
            "area_after_m2": after.drop_duplicates("lake_id")["area_m2"].sum(),
        }


def _names(text: Any) -> set[str]:
    return set() if text is None or pd.isna(text) else set(str(text).split())
