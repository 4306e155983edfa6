"""What follows from the decisions of persons: on outlines before tracking, on lakes after it.

The table of reviews only grows. What is in force is read from it anew each time, so that a run
gives the same lakes as the review itself did.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory.lineage import with_lineage
from glacial_lakes.measures import geodesic_area_perimeter, hanshaw_bookhagen_error
from glacial_lakes.schema import UNUSED, Decision, LakeState, Status
from glacial_lakes.tracking.tables import Tracked

AT_PLACE = 0.5
"""Share of an outline that lies in a rejected place from which it is what was rejected there."""
CLEARLY_SIGMAS = 1.96
LIKE = 0.8
"""Intersection over union from which two outlines do not differ clearly, whatever their areas.

A lake whose area grew by a quarter has as much in common with what it was. Two mappings of a lake
that did not change fall below it in 14 % of pairs (small lakes, two sensors), and below it with
areas beyond the sigmas in 0.6 % (``benchmarks/repeat_mapping.py``)."""
FIELDS = (
    *(C.LAKE_TYPE, C.DAM_TYPE),
    *(C.CATALOGUE_NO, C.LAKE_NAME, C.DISTRICT, C.COMMENT),
)
"""Attributes that a person may set: how a lake is classified, and what it is called."""
DRAWN = (Decision.REDRAWN, Decision.ADDED, Decision.SPLIT)
"""Decisions that bring an outline of a person."""
_ON_IMAGE = (*DRAWN, Decision.MERGED, Decision.REJECTED)
_UNCHECKED = {C.VERIFIED: None, C.VERIFIED_BY: None}
_LASTING = [column.name for column in schema.OUTLINES if column.redrawn is schema.Redrawn.OF_LAKE]
_FIXED = {
    column.name: column.drawn_as
    for column in schema.OUTLINES
    if column.redrawn is schema.Redrawn.FIXED
}


def in_force(reviews: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the decisions that no later one has replaced, in the order they were taken.

    A lake that was rejected is only rejected, until it is added again. Of the outlines of one
    image the last one counts. All decisions on attributes are kept: the later one of two on the
    same attribute wins when they are applied in order.
    """
    rows = reviews.sort_values(C.REVIEW_ID, kind="stable", ignore_index=True)
    image = rows[C.ACQUIRED].dt.strftime("%Y-%m-%d").fillna("") + " " + rows[C.SENSOR].fillna("")
    is_rejected = (rows[C.DECISION] == Decision.REJECTED) & rows[C.ACQUIRED].isna()
    kept: list[int] = []
    for _, lake in rows.groupby(C.LAKE_ID, sort=False):
        existence = lake.index[
            is_rejected[lake.index] | lake[C.DECISION].isin([Decision.ADDED, Decision.SPLIT])
        ]
        if len(existence) and is_rejected[existence[-1]]:
            kept.append(existence[-1])
            continue
        rest = lake[~is_rejected[lake.index]]
        is_outline = rest[C.DECISION].isin(_ON_IMAGE)
        last = image[rest.index[is_outline]].drop_duplicates(keep="last").index
        kept += [*last, *rest.index[~is_outline]]
    return gpd.GeoDataFrame(rows.loc[sorted(kept)], crs=reviews.crs)


def rejected_lakes(reviews: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the decisions by which a place is no lake on any date."""
    force = in_force(reviews)
    return force[(force[C.DECISION] == Decision.REJECTED) & force[C.ACQUIRED].isna()]


def merged_lakes(reviews: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the decisions by which a lake is a part of another one from an image on."""
    force = in_force(reviews)
    return force[force[C.DECISION] == Decision.MERGED]


def left_out(outlines: gpd.GeoDataFrame, reviews: gpd.GeoDataFrame) -> pd.Series:
    """Tell which outlines lie, by half or more, in a rejected place.

    An outline that is much larger than what the person saw there is not that any more.

    Parameters
    ----------
    outlines : geopandas.GeoDataFrame
        Outlines of a scene, in any CRS.
    reviews : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS`.

    Returns
    -------
    pandas.Series of bool
        By the index of the outlines.
    """
    hit = np.zeros(len(outlines), dtype=bool)
    places = rejected_lakes(reviews)
    if len(places) and len(outlines):
        shapes = outlines.geometry.to_crs(EQUAL_AREA).to_numpy()
        tree = shapely.STRtree(places.geometry.to_crs(EQUAL_AREA).to_numpy())
        row, place = tree.query(shapes, predicate="intersects")
        shared = shapely.area(shapely.intersection(shapes[row], tree.geometries[place]))
        hit[row[shared >= AT_PLACE * shapely.area(shapes)[row]]] = True
    return pd.Series(hit, index=outlines.index)


def known_ground(outlines: gpd.GeoDataFrame, reviews: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return outlines by which lakes are recognized: also those that persons have replaced.

    And those of lakes that persons have touched and that the inventory has lost since.
    """
    outlines = _with_lost(outlines, reviews)
    is_known = reviews[C.LAKE_ID].isin(outlines[C.LAKE_ID])
    is_known |= reviews[C.DECISION] == Decision.MERGED
    old = reviews[reviews[C.REPLACED].notna() & is_known]
    if old.empty:
        return outlines
    ground = gpd.GeoDataFrame(
        old[[C.LAKE_ID, C.ACQUIRED]],
        geometry=shapely.from_wkt(old[C.REPLACED].to_numpy(dtype=str)),
        crs=4326,
    )
    known = [outlines[[C.LAKE_ID, C.ACQUIRED, "geometry"]], ground]
    return gpd.GeoDataFrame(pd.concat(known, ignore_index=True), crs=4326)


def _with_lost(outlines: gpd.GeoDataFrame, reviews: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    force = in_force(reviews)
    ended = force[C.DECISION].isin([Decision.REJECTED, Decision.MERGED])
    is_lost = ~force[C.LAKE_ID].isin({*outlines[C.LAKE_ID], *force.loc[ended, C.LAKE_ID]})
    lost = force[is_lost & force.geometry.notna() & ~force.geometry.is_empty]
    if lost.empty:
        return outlines
    columns = [C.LAKE_ID, C.ACQUIRED, "geometry"]
    known = [outlines[columns], lost[columns]] if len(outlines) else [lost[columns]]
    return gpd.GeoDataFrame(pd.concat(known, ignore_index=True), crs=4326)


def reference(outlines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the outline that stands for each lake, indexed by its identity.

    That is the latest whole one. Where a person drew one, it is the person's, until the latest
    one differs from it clearly: in area beyond :data:`CLEARLY_SIGMAS` of their common error, and
    in shape by an intersection over union below :data:`LIKE`. Column ``review_conflict`` tells
    where it does.
    """
    rows = outlines.assign(
        whole=outlines[C.STATUS] == Status.OBSERVED, **{C.REVIEW_CONFLICT: pd.NA}
    )
    rows[C.REVIEW_CONFLICT] = rows[C.REVIEW_CONFLICT].astype("boolean")
    rows = rows.sort_values([C.LAKE_ID, "whole", C.ACQUIRED, C.SCENE_ID], kind="stable")
    latest = rows.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)
    drawn = rows[rows[C.EDITED].fillna(False) & rows["whole"]]
    drawn = drawn.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)
    for name in drawn.index:
        if _clearly_different(drawn.loc[name], latest.loc[name]):
            latest.loc[name, C.REVIEW_CONFLICT] = True
        else:
            latest.loc[name] = drawn.loc[name]
    return gpd.GeoDataFrame(latest, geometry="geometry", crs=outlines.crs)


def _clearly_different(one: pd.Series, other: pd.Series) -> bool:
    sigmas = np.nan_to_num(np.array([one[C.AREA_SIGMA_M2], other[C.AREA_SIGMA_M2]], dtype=float))
    change = abs(float(one[C.AREA_M2]) - float(other[C.AREA_M2]))
    pair = gpd.GeoSeries([one["geometry"], other["geometry"]], crs=4326).to_crs(EQUAL_AREA)
    union = shapely.union(pair[0], pair[1]).area
    like = shapely.intersection(pair[0], pair[1]).area >= LIKE * union
    return change > CLEARLY_SIGMAS * float(np.hypot(*sigmas)) and not like


def redraw(tracked: Tracked, reviews: gpd.GeoDataFrame, scenes: pd.DataFrame) -> Tracked:
    """Put the outlines that persons drew, added and rejected into the tables of lakes.

    Parameters
    ----------
    tracked : Tracked
        Lakes as tracking gives them, or as an earlier review left them.
    reviews : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS`.
    scenes : pandas.DataFrame
        :data:`glacial_lakes.schema.SCENES`.

    Returns
    -------
    Tracked
        Lakes that no decision names keep their rows as they are. An outline that a person drew
        has the area error of Hanshaw & Bookhagen (2014); the images in which an added lake was
        not mapped say nothing of it (``uncertain``).
    """
    if reviews.empty:
        return tracked
    tracked = _without(tracked, set(rejected_lakes(reviews)[C.LAKE_ID]))
    force = in_force(reviews)
    on_image = force[C.DECISION].isin(_ON_IMAGE) & force[C.ACQUIRED].notna()
    touched: set[str] = set()
    outlines, observations = tracked.outlines, tracked.observations
    for _, review in force[on_image].iterrows():
        lake, drawn = str(review[C.LAKE_ID]), None
        here = (outlines[C.LAKE_ID] == lake) & _same_image(outlines, review)
        if review[C.DECISION] in DRAWN:
            drawn = _drawn_row(outlines, here, review)
            rest, row = outlines[~here], gpd.GeoDataFrame([drawn], crs=outlines.crs)
            row = schema.conform(row, schema.OUTLINES)[outlines.columns]
            joined = pd.concat([rest, row], ignore_index=True) if len(rest) else row
            outlines = gpd.GeoDataFrame(joined, crs=outlines.crs)
        else:
            outlines = outlines[~here]
        observations = _observed(observations, review, drawn, scenes)
        touched.add(lake)
    outlines = outlines.sort_values([C.ACQUIRED, C.LAKE_ID], kind="stable", ignore_index=True)
    outlines = gpd.GeoDataFrame(outlines, geometry="geometry", crs=4326)
    order = [C.LAKE_ID, C.ACQUIRED, C.SCENE_ID]
    observations = observations.sort_values(order, kind="stable", ignore_index=True)
    merged = set(force.loc[force[C.DECISION] == Decision.MERGED, C.LAKE_ID])
    lakes = _lakes(tracked.lakes, outlines, observations, touched, merged)
    bare = touched - set(lakes[C.LAKE_ID])
    rest = _without(Tracked(lakes, outlines, observations, tracked.events), bare)
    return with_lineage(rest, force)


def describe(tracked: Tracked, reviews: gpd.GeoDataFrame) -> Tracked:
    """Put types, names, comments and checks by persons on lakes and outlines."""
    force = _described(reviews)
    if force.empty:
        return tracked
    lakes, outlines = tracked.lakes.copy(), tracked.outlines.copy()
    stands = reference(outlines)
    newer = stands.loc[stands[C.REVIEW_CONFLICT].fillna(False).astype(bool), C.ACQUIRED]
    for _, review in force.iterrows():
        name = str(review[C.LAKE_ID])
        lake, rows = lakes[C.LAKE_ID] == name, outlines[C.LAKE_ID] == name
        values = {field: review[field] or None for field in FIELDS if review[field] is not None}
        if review[C.DECISION] in {Decision.ACCEPTED, Decision.WITHDRAWN}:
            checked = review[C.DECISION] == Decision.ACCEPTED
            values = {
                C.VERIFIED: True,
                C.VERIFIED_BY: _both(lakes.loc[lake, C.VERIFIED_BY], review[C.REVIEWER]),
            }
            values = values if checked else _UNCHECKED
            here = _same_image(outlines, review)
            if checked and name in newer.index and newer[name] == review[C.ACQUIRED]:
                lakes.loc[lake, C.REVIEW_CONFLICT] = pd.NA  # the newer outline was checked
            rows &= here if checked else True
        elif review[C.DECISION] == Decision.RECLASSIFIED and pd.notna(review[C.ACQUIRED]):
            rows &= _same_image(outlines, review)
            latest = name in stands.index and stands.loc[name, C.ACQUIRED] == review[C.ACQUIRED]
            lake &= latest
        for field, value in values.items():
            lakes.loc[lake, field] = value
            outlines.loc[rows, field] = value
        if review[C.DECISION] == Decision.ACCEPTED:
            lakes.loc[lake & (lakes[C.STATE] == LakeState.UNCONFIRMED), C.STATE] = LakeState.PRESENT
    lakes = gpd.GeoDataFrame(schema.conform(lakes, schema.LAKES), crs=4326)
    outlines = gpd.GeoDataFrame(schema.conform(outlines, schema.OUTLINES), crs=4326)
    return replace(tracked, lakes=lakes, outlines=outlines)


def _both(names: pd.Series, another: str | None) -> str | None:
    """Return who checked a lake: nobody is forgotten when another person does so too."""
    earlier = next(iter(names.dropna()), "")
    if another is None:
        return earlier or None
    if not earlier or earlier in another:
        return another
    return earlier if another in earlier.split(", ") else f"{earlier}, {another}"


def _described(reviews: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the decisions that say something of lakes beside their outlines, in order.

    What was written beside a new lake lasts, also where its outline was drawn anew since.
    """
    kinds = (Decision.ACCEPTED, Decision.WITHDRAWN, Decision.RECLASSIFIED, Decision.COMMENTED)
    force = in_force(reviews)
    has_words = reviews[list(FIELDS)].notna().any(axis=1)
    born = reviews[reviews[C.DECISION].isin([Decision.ADDED, Decision.SPLIT]) & has_words]
    parts = [force[force[C.DECISION].isin(kinds)], born]
    rows = pd.concat([part for part in parts if len(part)] or parts[:1])
    return gpd.GeoDataFrame(rows.sort_values(C.REVIEW_ID, kind="stable"), crs=reviews.crs)


def _without(tracked: Tracked, names: set[str]) -> Tracked:
    """Return the tables without some lakes, and without what happened to them."""
    if not names:
        return tracked
    events = tracked.events
    lineage = (events[C.FROM_IDS].fillna("") + " " + events[C.TO_IDS].fillna("")).str.split()
    gone = [
        name in names or not names.isdisjoint(ids)
        for name, ids in zip(events[C.LAKE_ID], lineage, strict=True)
    ]

    def rest(table: Any) -> Any:
        return table[~table[C.LAKE_ID].isin(names)].reset_index(drop=True)

    return Tracked(
        rest(tracked.lakes),
        rest(tracked.outlines),
        rest(tracked.observations),
        events[~np.array(gone, dtype=bool)].reset_index(drop=True),
    )


def _same_image(table: pd.DataFrame, review: pd.Series) -> pd.Series:
    """Tell which rows are of the day and sensor of a decision."""
    same = table[C.ACQUIRED].dt.floor("D") == pd.Timestamp(review[C.ACQUIRED]).floor("D")
    both: pd.Series = same & (table[C.SENSOR] == review[C.SENSOR])
    return both


def _drawn_row(outlines: gpd.GeoDataFrame, here: pd.Series, review: pd.Series) -> dict[str, Any]:
    """Return the row of an outline that a person drew, in place of the mapped one."""
    of_lake = outlines[outlines[C.LAKE_ID] == review[C.LAKE_ID]]
    row: dict[str, Any] = {}
    if here.any():
        row = outlines[here].iloc[0].to_dict()
    elif len(of_lake):
        row = of_lake.iloc[-1][_LASTING].to_dict()
    row |= {name: review[name] for name in (C.LAKE_ID, C.ACQUIRED, C.SCENE_ID, C.SENSOR)} | {
        name: row[name] for name in (C.ACQUIRED, C.SCENE_ID) if name in row
    }
    shape = review["geometry"]
    size = geodesic_area_perimeter(gpd.GeoSeries([shape], crs=4326)).iloc[0]
    pixel = float(outlines.loc[_same_image(outlines, review), C.PIXEL_M].median())
    sigma = hanshaw_bookhagen_error(float(size[C.PERIMETER_M]), pixel)
    point = shapely.point_on_surface(shape)
    measured = {
        "geometry": shape,
        C.PIXEL_M: pixel,
        C.AREA_M2: float(size[C.AREA_M2]),
        C.AREA_SIGMA_M2: row.get(C.AREA_SIGMA_M2) if np.isnan(sigma) else sigma,
        C.AREA_ERR_HB_M2: None if np.isnan(sigma) else sigma,
        C.PERIMETER_M: float(size[C.PERIMETER_M]),
        C.LON: shapely.get_x(point),
        C.LAT: shapely.get_y(point),
    }
    return row | _FIXED | measured | {C.EDITED_BY: review[C.REVIEWER]}


def _observed(
    observations: pd.DataFrame,
    review: pd.Series,
    drawn: dict[str, Any] | None,
    scenes: pd.DataFrame,
) -> pd.DataFrame:
    """Say in the observations of a lake what a person saw in an image."""
    lake = observations[C.LAKE_ID] == review[C.LAKE_ID]
    if not lake.any():
        images = scenes.loc[~scenes[C.STATE].isin(UNUSED), [C.ACQUIRED, C.SCENE_ID, C.SENSOR]]
        rows = images.dropna().assign(**{C.LAKE_ID: review[C.LAKE_ID], C.STATUS: Status.UNCERTAIN})
        rows = schema.conform(rows, schema.OBSERVATIONS)
        observations = pd.concat([observations, rows], ignore_index=True)
        lake = observations[C.LAKE_ID] == review[C.LAKE_ID]
    image = observations[lake & _same_image(observations, review)]
    if image.empty:
        return observations
    measured = image[image[C.AREA_M2].notna()]
    named = image[image[C.SCENE_ID] == review[C.SCENE_ID]]
    place = next(rows.index[0] for rows in (measured, named, image) if len(rows))
    columns = [C.AREA_M2, C.AREA_SIGMA_M2, C.OBSERVED_FRACTION, C.STATUS]
    seen = drawn or {C.OBSERVED_FRACTION: image.loc[place, C.OBSERVED_FRACTION]}
    status = Status.UNCERTAIN if drawn is None else Status.OBSERVED
    if review[C.DECISION] == Decision.MERGED:
        seen, status = seen | {C.AREA_M2: 0.0}, Status.ABSENT
    observations = observations.copy()
    observations.loc[place, columns[:3]] = [
        np.nan if seen.get(name) is None else seen[name] for name in columns[:3]
    ]
    observations.loc[place, C.STATUS] = status
    observations.loc[place, [C.AREA_MIN_M2, C.AREA_MAX_M2]] = np.nan  # of what the image showed
    return observations


def _lakes(
    lakes: gpd.GeoDataFrame,
    outlines: gpd.GeoDataFrame,
    observations: pd.DataFrame,
    touched: set[str],
    merged: set[str],
) -> gpd.GeoDataFrame:
    """Return the table of lakes, with new rows for those that a person has touched."""
    touched_outlines = outlines[outlines[C.LAKE_ID].isin(touched)]
    if touched_outlines.empty:
        return lakes[~lakes[C.LAKE_ID].isin(touched)].reset_index(drop=True)
    stands = reference(touched_outlines)
    old = lakes.set_index(C.LAKE_ID)
    rows = []
    for name, group in touched_outlines.groupby(C.LAKE_ID):
        row = old.loc[name].to_dict() if name in old.index else {C.STATE: LakeState.PRESENT}
        stand = stands.loc[name]
        row |= {key: stand[key] for key in old.columns if key in stand.index}
        edited = group[group[C.EDITED].fillna(False)].sort_values(C.ACQUIRED)
        seen = observations[observations[C.LAKE_ID] == name]
        seen = seen[seen[C.STATUS].isin([Status.OBSERVED, Status.ABSENT])].sort_values(C.ACQUIRED)
        says = len(seen) and seen[C.ACQUIRED].iloc[-1] in set(edited[C.ACQUIRED])
        ended = name in merged and len(seen) and seen[C.STATUS].iloc[-1] == Status.ABSENT
        state = LakeState.PRESENT if says or row[C.STATE] == LakeState.UNCONFIRMED else row[C.STATE]
        rows.append(
            row
            | {
                C.LAKE_ID: name,
                C.FIRST_SEEN: group[C.ACQUIRED].min(),
                C.LAST_SEEN: group[C.ACQUIRED].max(),
                C.N_OBSERVED: int(group[C.AREA_M2].count()),
                C.MAX_AREA_M2: group[C.AREA_M2].max(),
                C.STATE: LakeState.MERGED if ended else state,
                C.EDITED: True if len(edited) else None,
                C.EDITED_BY: edited[C.EDITED_BY].iloc[-1] if len(edited) else None,
            }
        )
    new = schema.conform(gpd.GeoDataFrame(rows, crs=4326), schema.LAKES)[lakes.columns]
    rest = lakes[~lakes[C.LAKE_ID].isin(touched)]
    table = pd.concat([rest, new], ignore_index=True) if len(rest) else new
    table = table.sort_values(C.LAKE_ID, kind="stable", ignore_index=True)
    return gpd.GeoDataFrame(schema.conform(table, schema.LAKES), geometry="geometry", crs=4326)
