"""Fast growth and shrinkage among the events of an inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd

from glacial_lakes import schema
from glacial_lakes.change import fast_changes
from glacial_lakes.columns import C
from glacial_lakes.schema import FAST_EVENTS
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.tables import Tracked


def with_fast_changes(tracked: Tracked, settings: TrackingSettings | None = None) -> Tracked:
    """Return the tables with the fast changes that the areas tell now, in place of earlier ones.

    Parameters
    ----------
    tracked : Tracked
        With both parts of each error.
    settings : TrackingSettings, optional
        Tells what is fast.
    """
    is_old = tracked.events[C.EVENT].isin(FAST_EVENTS)
    rest = tracked.events[~is_old]
    found = fast_changes(tracked.observations, rest, settings)
    if found.empty and not is_old.any():
        return tracked
    parts = [part for part in (rest, found) if len(part)] or [found]
    events = schema.conform(pd.concat(parts, ignore_index=True), schema.LAKE_EVENTS)
    events = events.sort_values([C.DATE, C.LAKE_ID, C.EVENT], kind="stable", ignore_index=True)
    return replace(tracked, events=events, outlines=_named(tracked.outlines, found))


def _named(outlines: gpd.GeoDataFrame, found: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return outlines with the fast changes of their dates among the events of these."""
    keys = [C.LAKE_ID, C.DATE]
    happened: Mapping[Any, str] = found.groupby(keys)[C.EVENT].agg(" ".join).to_dict()
    days = outlines[C.ACQUIRED].dt.floor("D")
    events = [
        " ".join(filter(None, (_without_fast(words), happened.get((lake, day))))) or None
        for words, lake, day in zip(
            outlines[C.EVENT].fillna(""), outlines[C.LAKE_ID], days, strict=True
        )
    ]
    return outlines.assign(**{C.EVENT: pd.Series(events, index=outlines.index, dtype=object)})


def _without_fast(words: str) -> str:
    return " ".join(word for word in words.split() if word not in FAST_EVENTS)
