"""An edited file → what of the inventory each of its tables is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory import decisions
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.review.edited_file import FIELDS
from glacial_lakes.schema import LakeState, Status

_OF_LAKE = (*FIELDS, "verified", "verified_by", "edited_by")


@dataclass(frozen=True)
class Task:
    """Outlines of one image, or of all lakes, and the person's version of them."""

    old: gpd.GeoDataFrame
    new: gpd.GeoDataFrame
    whole_lakes: bool
    """A row stands for its lake on all dates."""


def tasks_of(inventory: Inventory, edited: Mapping[str, gpd.GeoDataFrame]) -> Iterator[Task]:
    """Yield each table of an edited file with the outlines of the inventory it was made of."""
    if "lakes" in edited:
        yield Task(_before(inventory, edited), edited["lakes"], True)
    if "outlines" in edited:
        yield from _by_image(*_undecided(inventory, edited["outlines"]))
    if "file" in edited:
        yield from _of_file(inventory, edited["file"])


def _standing(inventory: Inventory) -> gpd.GeoDataFrame:
    """Return the lakes with their image, and with what is told of the lake, not of the image."""
    stands = decisions.reference(inventory.outlines).reset_index()
    stands = stands[stands["lake_id"].isin(inventory.lakes["lake_id"])]
    lakes = inventory.lakes.set_index("lake_id").reindex(stands["lake_id"])
    for name in _OF_LAKE:
        stands[name] = lakes[name].to_numpy()
    return stands.reset_index(drop=True)


def _before(inventory: Inventory, edited: Mapping[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the lakes as they were when the person made the copy.

    The layer of outlines in the copy tells it: since then a run, or another review, may have
    given the inventory newer outlines, which the person has not seen.
    """
    now = _standing(inventory)
    if "outlines" not in edited or not len(edited["outlines"]):
        return now
    copied = edited["outlines"].dropna(subset=["lake_id", "acquired"])
    then = decisions.reference(copied.assign(edited=copied["edited"].astype("boolean")))
    then = then.reset_index()
    current = dict(zip(now["lake_id"], now["acquired"].dt.floor("s"), strict=True))
    decided = _decided_since(inventory, edited["outlines"])
    same = [
        current.get(name) == when and name not in decided
        for name, when in zip(then["lake_id"], then["acquired"].dt.floor("s"), strict=True)
    ]
    older = then[~np.array(same, dtype=bool)]
    kept = now[now["lake_id"].isin(then["lake_id"][same])]
    parts = [part for part in (kept, older) if len(part)] or [now]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=4326)


def _undecided(
    inventory: Inventory, copied: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return outlines of now and of the copy, of lakes that nobody has decided on since."""
    decided = _decided_since(inventory, copied)
    asked = [table[~table["lake_id"].isin(decided)] for table in (inventory.outlines, copied)]
    return asked[0], asked[1]


def _decided_since(inventory: Inventory, copied: gpd.GeoDataFrame) -> set[str]:
    """Return the lakes that somebody has decided on since the copy was made."""
    reviews = inventory.reviews
    since = reviews[reviews["review_id"] > copied.attrs.get("last_review", 0)]
    return set(since["lake_id"])


def _of_file(inventory: Inventory, table: gpd.GeoDataFrame) -> Iterator[Task]:
    """Tell whether a file holds the latest outlines of all lakes, or those of some images."""
    outlines, days = inventory.outlines, table["acquired"].dt.floor("D")
    known = table[table["acquired"].notna() & table["lake_id"].notna()]
    if known.empty:
        yield Task(_standing(inventory), table, True)
        return
    image = outlines["acquired"].dt.floor("D")
    present = inventory.lakes.loc[inventory.lakes["state"] == LakeState.PRESENT, "lake_id"]
    whole = outlines[(outlines["status"] == Status.OBSERVED) & (image <= days.max())]
    latest = decisions.reference(whole[whole["lake_id"].isin(present)]).reset_index()
    others = [outlines[image.isin(days.dropna().unique())], outlines]
    if _likeness(latest, known) < max(_likeness(rows, known) for rows in others):
        yield from _by_image(outlines, table)
        return
    unit = _unit(known)
    keys = set(_keys(known, unit))
    told = outlines[[key in keys for key in _keys(outlines, unit)]]  # what the file shows, and
    rest = latest[~latest["lake_id"].isin(known["lake_id"])]  # what it should show
    base = pd.concat([told, rest], ignore_index=True)[list(outlines.columns)]
    base = gpd.GeoDataFrame(base.drop_duplicates("lake_id"), crs=4326)
    yield Task(base, table, True)


def _unit(rows: pd.DataFrame) -> str:
    """Return how finely the file tells times: some programs keep only days."""
    times = rows["acquired"]
    return "D" if (times == times.dt.floor("D")).all() else "s"


def _keys(rows: pd.DataFrame, unit: str) -> Iterator[tuple[str, pd.Timestamp]]:
    return zip(rows["lake_id"], rows["acquired"].dt.floor(unit), strict=True)


def _likeness(rows: pd.DataFrame, known: pd.DataFrame) -> float:
    """Return intersection over union of the lakes and images of two tables."""
    unit = _unit(known)
    ours, theirs = set(_keys(rows, unit)), set(_keys(known, unit))
    return len(ours & theirs) / max(1, len(ours | theirs))


def _by_image(outlines: gpd.GeoDataFrame, table: gpd.GeoDataFrame) -> Iterator[Task]:
    newest = table["acquired"].max()
    days = table["acquired"].fillna(newest).dt.floor("D")
    for day in sorted(days.dropna().unique()):
        new = table[days == day]
        old = outlines[outlines["acquired"].dt.floor("D") == day]
        told = new["sensor"].where(new["sensor"].notna(), _likely_sensors(old, new))
        for sensor in sorted({*told.fillna("")}):
            yield Task(old[old["sensor"] == sensor], new[told.fillna("") == sensor], False)


def _likely_sensors(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.Series:
    """Return the sensor of the day's outline that is most like each new one."""
    outlines = old.sort_values("sensor")
    ours = outlines.geometry.to_crs(EQUAL_AREA).to_numpy()
    likely = []
    for shape in new.geometry.to_crs(EQUAL_AREA):
        shared = shapely.area(shapely.intersection(ours, shape))
        like = shared / (shapely.area(ours) + shape.area - shared)
        likely.append(outlines["sensor"].iloc[int(like.argmax())] if len(like) else None)
    return pd.Series(likely, index=new.index, dtype="object")
