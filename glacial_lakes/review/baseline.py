"""An edited file → what of the inventory each of its tables is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory import catalogue, decisions
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.review.edited_file import Edited, text_of
from glacial_lakes.schema import LakeState, Status

_OF_LAKE = (*FIELDS, C.VERIFIED, C.VERIFIED_BY, C.EDITED, C.EDITED_BY)
_LISTED = 3


@dataclass(frozen=True)
class Task:
    """Outlines of one image, or of all lakes, and the person's version of them."""

    old: gpd.GeoDataFrame
    new: gpd.GeoDataFrame
    whole_lakes: bool
    """A row stands for its lake on all dates."""


def tasks_of(inventory: Inventory, edited: Edited) -> Iterator[Task]:
    """Yield each table of an edited file with the outlines of the inventory it was made of."""
    words = _words_then(inventory, edited)
    if edited.lakes is not None:
        yield Task(_with_words(_before(inventory, edited), words), edited.lakes, True)
    if edited.outlines is not None:
        decided = _decided_since(inventory, edited)
        tables = (
            table[~table[C.LAKE_ID].isin(decided)]
            for table in (_with_words(inventory.outlines, words), edited.outlines)
        )
        yield from _by_image(*tables)
    if edited.file is not None:
        yield from _of_file(inventory, edited.file)


def standing(inventory: Inventory) -> gpd.GeoDataFrame:
    """Return the lakes with their image, and with what is told of the lake, not of the image."""
    stands = decisions.reference(inventory.outlines).reset_index()
    stands = stands[stands[C.LAKE_ID].isin(inventory.lakes[C.LAKE_ID])]
    lakes = inventory.lakes.set_index(C.LAKE_ID).reindex(stands[C.LAKE_ID])
    for name in _OF_LAKE:
        stands[name] = lakes[name].to_numpy()
    return stands.reset_index(drop=True)


def _before(inventory: Inventory, edited: Edited) -> gpd.GeoDataFrame:
    """Return the lakes as they were when the person made the copy.

    The layer of outlines in the copy tells it: since then a run, or another review, may have
    given the inventory newer outlines, which the person has not seen.
    """
    now = standing(inventory)
    if edited.outlines is None or not len(edited.outlines):
        return now
    copied = edited.outlines.dropna(subset=[C.LAKE_ID, C.ACQUIRED])
    then = decisions.reference(copied.assign(**{C.EDITED: copied[C.EDITED].astype("boolean")}))
    then = then.reset_index()
    current = dict(zip(now[C.LAKE_ID], now[C.ACQUIRED].dt.floor("s"), strict=True))
    decided = _decided_since(inventory, edited)
    same = [
        current.get(name) == when and name not in decided
        for name, when in zip(then[C.LAKE_ID], then[C.ACQUIRED].dt.floor("s"), strict=True)
    ]
    older = then[~np.array(same, dtype=bool)]
    kept = now[now[C.LAKE_ID].isin(then[C.LAKE_ID][same])]
    parts = [part for part in (kept, older) if len(part)] or [now]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=4326)


def changed_since(inventory: Inventory, edited: Edited) -> Iterator[Message]:
    """Tell what a copy still has of the words of lakes that runs have changed since."""
    decided = _decided_since(inventory, edited)
    for name, by_lake in _words_then(inventory, edited).items():
        lakes = sorted(set(by_lake) - decided)
        column = next(column for column in schema.LAKES if column.name == name)
        if lakes:
            yield Message(
                "{column} of {count} lake was changed by a run since the copy was made, and what "
                "the copy has is no decision: {lakes}",
                "{column} of {count} lakes was changed by a run since the copy was made, and what "
                "the copy has is no decision: {lakes}",
                count=len(lakes),
                column=column.mention(),
                lakes=lakes[:_LISTED],
            )


def _words_then(inventory: Inventory, edited: Edited) -> dict[str, dict[str, str | None]]:
    """Return by column what runs since the copy was made have changed: the lakes' words then.

    A number, name, district or remark stands in all rows of a lake, and a person types it into
    one. What all of them say, and the inventory no longer does, the list or the districts have
    changed since; it is no decision of who made the copy.
    """
    if set(inventory.runs[C.RUN_ID].map(str)) <= edited.runs:
        return {}
    tables = [table for table in (edited.outlines, edited.lakes) if table is not None]
    now = inventory.lakes.set_index(C.LAKE_ID)
    then: dict[str, dict[str, str | None]] = {}
    for name in catalogue.FIELDS:
        columns = [table[[C.LAKE_ID, name]] for table in tables if name in table]
        rows = pd.concat(columns) if columns else pd.DataFrame({C.LAKE_ID: [], name: []})
        for lake, values in rows[rows[C.LAKE_ID].isin(now.index)].groupby(C.LAKE_ID)[name]:
            said = [text_of(value) for value in values]
            if len(said) > 1 and text_of(now.loc[lake, name]) not in said:
                then.setdefault(name, {})[str(lake)] = max(said, key=said.count)
    return then


def _with_words(
    table: gpd.GeoDataFrame, words: Mapping[str, Mapping[str, str | None]]
) -> gpd.GeoDataFrame:
    """Return lakes or outlines with other words in some columns, by lake."""
    changed = table.copy(deep=False)
    for name, by_lake in words.items():
        is_other = changed[C.LAKE_ID].isin(by_lake)
        changed[name] = changed[name].where(~is_other, changed[C.LAKE_ID].map(by_lake))
    return changed


def _decided_since(inventory: Inventory, edited: Edited) -> set[str]:
    """Return the lakes that somebody has decided on since the copy was made."""
    reviews = inventory.reviews
    return set(reviews.loc[reviews[C.REVIEW_ID] > edited.last_review, C.LAKE_ID])


def _of_file(inventory: Inventory, table: gpd.GeoDataFrame) -> Iterator[Task]:
    """Tell whether a file holds the latest outlines of all lakes, or those of some images."""
    outlines, days = inventory.outlines, table[C.ACQUIRED].dt.floor("D")
    known = table[table[C.ACQUIRED].notna() & table[C.LAKE_ID].notna()]
    if known.empty:
        yield Task(standing(inventory), table, True)
        return
    image = outlines[C.ACQUIRED].dt.floor("D")
    present = inventory.lakes.loc[inventory.lakes[C.STATE] == LakeState.PRESENT, C.LAKE_ID]
    whole = outlines[(outlines[C.STATUS] == Status.OBSERVED) & (image <= days.max())]
    latest = decisions.reference(whole[whole[C.LAKE_ID].isin(present)]).reset_index()
    others = [outlines[image.isin(days.dropna().unique())], outlines]
    if _likeness(latest, known) < max(_likeness(rows, known) for rows in others):
        yield from _by_image(outlines, table)
        return
    unit = _unit(known)
    keys = set(_keys(known, unit))
    is_shown = np.array([key in keys for key in _keys(outlines, unit)], dtype=bool)
    shown = outlines[is_shown]  # what the file shows, and
    rest = latest[~latest[C.LAKE_ID].isin(known[C.LAKE_ID])]  # what it should show
    base = pd.concat([shown, rest], ignore_index=True)[list(outlines.columns)]
    base = gpd.GeoDataFrame(base.drop_duplicates(C.LAKE_ID), crs=4326)
    yield Task(base, table, True)


def _unit(rows: pd.DataFrame) -> str:
    """Return how finely the file tells times: some programs keep only days."""
    times = rows[C.ACQUIRED]
    return "D" if (times == times.dt.floor("D")).all() else "s"


def _keys(rows: pd.DataFrame, unit: str) -> Iterator[tuple[str, pd.Timestamp]]:
    return zip(rows[C.LAKE_ID], rows[C.ACQUIRED].dt.floor(unit), strict=True)


def _likeness(rows: pd.DataFrame, known: pd.DataFrame) -> float:
    """Return intersection over union of the lakes and images of two tables."""
    unit = _unit(known)
    ours, theirs = set(_keys(rows, unit)), set(_keys(known, unit))
    return len(ours & theirs) / max(1, len(ours | theirs))


def _by_image(outlines: gpd.GeoDataFrame, table: gpd.GeoDataFrame) -> Iterator[Task]:
    newest = table[C.ACQUIRED].max()
    days = table[C.ACQUIRED].fillna(newest).dt.floor("D")
    for day in sorted(days.dropna().unique()):
        new = table[days == day]
        old = outlines[outlines[C.ACQUIRED].dt.floor("D") == day]
        known = new[C.SENSOR].where(new[C.SENSOR].notna(), _likely_sensors(old, new))
        ours, theirs = old[C.SENSOR].fillna(""), known.fillna("")  # older ones may tell none
        for sensor in sorted({*theirs}):
            yield Task(old[ours == sensor], new[theirs == sensor], False)


def _likely_sensors(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.Series:
    """Return the sensor of the day's outline that is most like each new one."""
    outlines = old.sort_values(C.SENSOR)
    ours = outlines.geometry.to_crs(EQUAL_AREA).to_numpy()
    likely = []
    for shape in new.geometry.to_crs(EQUAL_AREA):
        shared = shapely.area(shapely.intersection(ours, shape))
        like = shared / (shapely.area(ours) + shape.area - shared)
        likely.append(outlines[C.SENSOR].iloc[int(like.argmax())] if len(like) else None)
    return pd.Series(likely, index=new.index, dtype="object")
