"""Outlines that an edited file has and the inventory has not: lakes missed, parts of split ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes.columns import C
from glacial_lakes.errors import N_, InputError, Message
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory import decisions
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.review.matching import ONE_PLACE, is_one_place, is_same
from glacial_lakes.review.records import Row, is_word
from glacial_lakes.schema import UNUSED, Decision

_LOG = logging.getLogger(__name__)


def additions(
    inventory: Inventory,
    old: gpd.GeoDataFrame,
    new: gpd.GeoDataFrame,
    standing: Mapping[str, shapely.Geometry],
) -> list[Row]:
    """Return the lakes that a person added or split off.

    One at a rejected place has its identity back, and so has one that was merged by hand.

    Parameters
    ----------
    inventory : Inventory
        As it was before.
    old : geopandas.GeoDataFrame
        Its outlines that the file is compared with.
    new : geopandas.GeoDataFrame
        Outlines of the file that are none of these.
    standing : mapping of str to shapely.Geometry
        How the file draws the old lakes, by lake ID, in
        :data:`glacial_lakes.grid.EQUAL_AREA`.

    Returns
    -------
    list of dict
        Rows of :data:`glacial_lakes.schema.REVIEWS`; ``lake_id`` is None where it is to be given.

    Raises
    ------
    InputError
        When an outline lies on another lake.
    """
    rows: list[Row] = []
    placed = dict(standing)
    rejected = decisions.rejected_lakes(inventory.reviews)
    places = dict(zip(rejected[C.LAKE_ID], rejected.geometry.to_crs(EQUAL_AREA), strict=True))
    ended = decisions.merged_lakes(inventory.reviews)
    ended_m = dict(zip(ended[C.LAKE_ID], ended.geometry.to_crs(EQUAL_AREA), strict=True))
    before = dict(zip(old[C.LAKE_ID], old.geometry.to_crs(EQUAL_AREA), strict=True))
    now = inventory.lakes[~inventory.lakes[C.LAKE_ID].isin(old[C.LAKE_ID])]
    born = dict(zip(now[C.LAKE_ID], now.geometry.to_crs(EQUAL_AREA), strict=True))
    for (_, row), shape in zip(new.iterrows(), new.geometry.to_crs(EQUAL_AREA), strict=True):
        if row[C.LAKE_ID] in places and not row[C.VERIFIED]:
            _LOG.warning(
                Message("{lake} stays rejected; set verified to bring it back", lake=row[C.LAKE_ID])
            )
            continue
        if any(is_same(other, shape) for other in born.values()):
            continue  # added by an earlier review of the same file
        where = row["geometry"]
        on = next((name for name, other in placed.items() if is_one_place(shape, other)), None)
        if on is not None:
            point = shapely.point_on_surface(where)
            raise InputError(
                None,
                "an added outline at {lat:.5f} {lon:.5f} lies on the lake {lake}",
                "delete one of the two; nothing was taken in",
                lat=point.y,
                lon=point.x,
                lake=on,
            )
        known = places | ended_m
        name = next((n for n, place in known.items() if is_one_place(shape, place)), None)
        placed[name or f"{where.centroid.y:.5f} {where.centroid.x:.5f}"] = shape
        source = _split_from(shape, before, standing)
        area = float(geodesic_area_perimeter(gpd.GeoSeries([where], crs=4326))[C.AREA_M2].iloc[0])
        added: Row = {
            C.DECISION: Decision.SPLIT if source else Decision.ADDED,
            C.LAKE_ID: name,
            C.OTHER_ID: source,
            C.REVIEWER: row[C.EDITED_BY] or row[C.VERIFIED_BY],
            "geometry": where,
            C.AREA_AFTER_M2: area,
        }
        added |= _image(inventory, old[old[C.LAKE_ID] == source] if source else old, row)
        if row[C.LAKE_ID] is None or row[C.LAKE_ID] != source:  # else its fields are copies
            added |= {
                name: row[name]
                for name in FIELDS
                if name in row.index and row[name] and is_word(name, row[name])
            }
        rows.append(added)
    return rows


def _split_from(
    shape: shapely.Geometry,
    before: Mapping[str, shapely.Geometry],
    standing: Mapping[str, shapely.Geometry],
) -> str | None:
    """Return the lake that an outline was a part of, and that was drawn without it."""
    shared = {
        name: shapely.intersection(before[name], shape).area
        for name, drawn in standing.items()
        if not is_same(before[name], drawn)
    }
    name = max(shared, key=lambda n: shared[n], default=None)
    return name if name and shared[name] >= ONE_PLACE * shape.area else None


def _image(inventory: Inventory, old: gpd.GeoDataFrame, row: pd.Series) -> Row:
    """Return the image that an added outline is of: that of its date, else the newest one."""
    usable = ~inventory.scenes[C.STATE].isin(UNUSED)
    scenes = inventory.scenes[usable].dropna(subset=C.ACQUIRED)
    days = old[C.ACQUIRED].dt.floor("D").unique()
    if len(days) == 1:
        chosen = scenes[scenes[C.SCENE_ID].isin(old[C.SCENE_ID])]
    else:
        day = pd.Timestamp(row[C.ACQUIRED]).floor("D")
        chosen = scenes[scenes[C.ACQUIRED].dt.floor("D") == day]
    chosen = (chosen if len(chosen) else scenes).sort_values([C.ACQUIRED, C.SCENE_ID])
    if chosen.empty:
        what = N_("the inventory has no scene that a lake could be added to")
        raise InputError(None, what, "run the project first, then review again")
    last = chosen.iloc[-1]
    return {name: last[name] for name in (C.ACQUIRED, C.SCENE_ID, C.SENSOR)}
