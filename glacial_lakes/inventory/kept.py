"""Lakes that a person has touched, while what shows them is away."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import InputError, Message
from glacial_lakes.events import Listener, ScenesAway
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory import decisions
from glacial_lakes.schema import Decision, Status
from glacial_lakes.tracking.tables import Tracked

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory

_SAME_PLACE = 0.5
"""Share of a lake that lies in lakes of today from which it is one of them."""


def touched_lakes(reviews: gpd.GeoDataFrame) -> set[str]:
    """Return the lakes of which a person has said something, and not that they are none."""
    force = decisions.in_force(reviews)
    gone = force[C.DECISION].isin([Decision.MERGED]) | (
        (force[C.DECISION] == Decision.REJECTED) & force[C.ACQUIRED].isna()
    )
    return set(force.loc[~gone, C.LAKE_ID].dropna()) - set(force.loc[gone, C.LAKE_ID])


def annotated_lakes(inventory: Inventory) -> set[str]:
    """Return the lakes of which columns that a person added say something, in any layer."""
    found: set[str] = set()
    for table, columns in (
        (inventory.lakes, schema.LAKES),
        (inventory.outlines, schema.OUTLINES),
        (inventory.observations, schema.OBSERVATIONS),
        (inventory.events, schema.LAKE_EVENTS),
    ):
        known = {column.name for column in columns} | {"geometry"}
        added = table[[column for column in table.columns if column not in known]]
        says = (added.notna() & (added != "")).any(axis=1)
        found |= set(table.loc[says, C.LAKE_ID].dropna())
    return found


def with_kept(
    tracked: Tracked,
    previous: Tracked,
    reviews: gpd.GeoDataFrame,
    scenes: pd.DataFrame,
    annotated: Collection[str] = (),
) -> Tracked:
    """Return the tables with the touched lakes that the scenes of today do not show.

    What a person said of a lake outlasts the images that showed it: they may be back tomorrow.
    Such a lake keeps its rows as they were; of the scenes that the earlier inventory did not have
    nothing is said (``uncertain``). A lake whose place is a part of other lakes now has become
    one of them, and is not kept.

    Parameters
    ----------
    tracked, previous : Tracked
        Lakes of today, and those of the earlier inventory.
    reviews : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS`.
    scenes : pandas.DataFrame
        :data:`glacial_lakes.schema.SCENES` of today.
    annotated : collection of str
        Lakes of which a person has said something elsewhere (:func:`annotated_lakes`).
    """
    touched = touched_lakes(reviews) | set(annotated)
    names = touched & set(previous.lakes[C.LAKE_ID]) - set(tracked.lakes[C.LAKE_ID])
    lakes = previous.lakes[previous.lakes[C.LAKE_ID].isin(names)]
    lakes = lakes[~_is_covered(lakes, tracked.lakes)]
    if lakes.empty:
        return tracked
    names = set(lakes[C.LAKE_ID])

    def of_names(table: Any) -> Any:
        return table[table[C.LAKE_ID].isin(names)]

    seen = of_names(previous.observations)
    rows = _joined(tracked.observations, [seen, _silent(names, seen, scenes)], schema.OBSERVATIONS)
    events = previous.events
    known = names | set(tracked.lakes[C.LAKE_ID])
    event_lakes = [
        {str(lake), *str(before or "").split(), *str(after or "").split()}
        for lake, before, after in zip(
            events[C.LAKE_ID], events[C.FROM_IDS], events[C.TO_IDS], strict=True
        )
    ]
    is_kept = [bool(ids & names) and ids <= known for ids in event_lakes]
    happened = _joined(tracked.events, [events[np.array(is_kept, dtype=bool)]], schema.LAKE_EVENTS)
    return Tracked(
        _sorted(_spatial(tracked.lakes, lakes, schema.LAKES), C.LAKE_ID),
        _sorted(
            _spatial(tracked.outlines, of_names(previous.outlines), schema.OUTLINES),
            C.ACQUIRED,
            C.LAKE_ID,
        ),
        _sorted(rows, C.LAKE_ID, C.ACQUIRED, C.SCENE_ID),
        _sorted(happened, C.DATE, C.LAKE_ID, C.EVENT),
    )


def refuse_empty(inventory: Inventory, previous: Inventory, path: Path, allow_empty: bool) -> None:
    """Refuse to replace an inventory with lakes by one in which no image shows any.

    Raises
    ------
    InputError
        Unless it is allowed.
    """
    scenes = set(inventory.scenes[C.SCENE_ID].dropna())
    is_shown = inventory.outlines[C.SCENE_ID].isin(scenes).any()
    if allow_empty or is_shown or previous.lakes.empty:
        return
    raise InputError(
        path,
        Message(
            "has {count} lake, and no image shows any now; it is left as it is",
            "has {count} lakes, and no image shows any now; it is left as it is",
            count=len(previous.lakes),
        ),
        "look into the inputs, or let it be replaced with --allow-empty",
    )


def tell_away(inventory: Inventory, previous: Inventory, on_event: Listener) -> None:
    """Tell of scenes of the earlier inventory that are not there, and of the lakes kept."""
    mapped = previous.scenes[C.STATE] == schema.SceneState.MAPPED
    away = set(previous.scenes.loc[mapped, C.SCENE_ID]) - set(inventory.scenes[C.SCENE_ID])
    if away:
        shown = inventory.outlines[C.SCENE_ID].isin(set(inventory.scenes[C.SCENE_ID]))
        kept = set(inventory.lakes[C.LAKE_ID]) - set(inventory.outlines.loc[shown, C.LAKE_ID])
        on_event(ScenesAway(len(away), len(kept & set(previous.lakes[C.LAKE_ID]))))


def _is_covered(lakes: gpd.GeoDataFrame, others: gpd.GeoDataFrame) -> Any:
    shapes = lakes.geometry.to_crs(EQUAL_AREA).to_numpy()
    tree = shapely.STRtree(others.geometry.to_crs(EQUAL_AREA).to_numpy())
    row, other = tree.query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[row], tree.geometries[other]))
    total = np.bincount(row, weights=shared, minlength=len(shapes))
    return total >= _SAME_PLACE * shapely.area(shapes)


def _silent(names: Collection[str], seen: pd.DataFrame, scenes: pd.DataFrame) -> pd.DataFrame:
    """Return observations that say nothing, of lakes in scenes that they have no row for."""
    mapped = scenes.loc[scenes[C.STATE] != schema.SceneState.REFUSED]
    images = mapped[[C.ACQUIRED, C.SCENE_ID, C.SENSOR]].dropna(subset=[C.ACQUIRED, C.SCENE_ID])
    pairs = images.merge(pd.DataFrame({C.LAKE_ID: sorted(names)}), how="cross")
    known = pd.MultiIndex.from_frame(seen[[C.LAKE_ID, C.SCENE_ID]])
    new = pairs[~pd.MultiIndex.from_frame(pairs[[C.LAKE_ID, C.SCENE_ID]]).isin(known)]
    return new.assign(**{C.STATUS: Status.UNCERTAIN})


def _joined(
    table: pd.DataFrame, others: list[pd.DataFrame], columns: tuple[schema.Column, ...]
) -> pd.DataFrame:
    names = {column.name for column in columns} | {"geometry"}
    parts = [
        schema.conform(part[[name for name in part.columns if name in names]], columns)
        for part in (table, *others)
        if len(part)
    ]
    return pd.concat(parts, ignore_index=True) if parts else table


def _spatial(
    table: gpd.GeoDataFrame, other: gpd.GeoDataFrame, columns: tuple[schema.Column, ...]
) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(_joined(table, [other], columns), geometry="geometry", crs=4326)


def _sorted(table: Any, *by: str) -> Any:
    return table.sort_values(list(by), kind="stable", ignore_index=True)
