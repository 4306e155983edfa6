"""An inventory and an edited file → what the person decided. No files, no clock."""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import InputError, Message
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.review.additions import additions
from glacial_lakes.review.baseline import Task, changed_since, tasks_of
from glacial_lakes.review.edited_file import Edited, text_of
from glacial_lakes.review.matching import ONE_PLACE, is_same, paired, shift_m
from glacial_lakes.review.records import Row, changed, decision, decisions_in
from glacial_lakes.schema import Decision
from glacial_lakes.tracking.identities import lake_id

_LOG = logging.getLogger(__name__)
_MISSING = 0.5
_SHIFTED_ROWS = 3
_IDENTITY = (C.LAKE_ID, C.ACQUIRED, C.SCENE_ID, C.SENSOR, "geometry")


def differences(
    inventory: Inventory,
    edited: Edited,
    *,
    missing_is_rejected: bool | None = None,
) -> gpd.GeoDataFrame:
    """Understand what a person changed.

    Parameters
    ----------
    inventory : Inventory
        As it was before.
    edited : Edited
        From :func:`glacial_lakes.review.edited_file.read_edited`.
    missing_is_rejected : bool, optional
        Whether lakes that the file lacks were deleted. By default they were, unless more than
        half are missing, which is refused.

    Returns
    -------
    geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS` in EPSG:4326, without number, time and source;
        ``reviewer`` where a field of the file names one.

    Raises
    ------
    InputError
        When more than half of the lakes are missing, all outlines are shifted, or an added
        outline lies on another lake.
    """
    rows: list[Row] = []
    for message in changed_since(inventory, edited):
        _LOG.warning(message)
    for task in tasks_of(inventory, edited):
        rows += _compared(inventory, task, missing_is_rejected)
    rows = [row for row in _one_each(rows) if is_new(inventory, row)]
    taken = {*inventory.outlines[C.LAKE_ID], *inventory.lakes[C.LAKE_ID]}
    taken |= set(inventory.reviews[C.LAKE_ID].dropna())
    for row in rows:
        if row[C.LAKE_ID] is None:
            point = shapely.point_on_surface(row["geometry"])
            row[C.LAKE_ID] = lake_id(point.x, point.y, taken)
            taken.add(row[C.LAKE_ID])
    table = schema.conform(pd.DataFrame(rows), schema.REVIEWS)
    shapes = table.pop("geometry") if rows else pd.Series([], dtype="object")
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=4326))


def _compared(inventory: Inventory, task: Task, missing_is_rejected: bool | None) -> list[Row]:
    old, new = task.old.reset_index(drop=True), task.new.reset_index(drop=True)
    old_m = old.geometry.to_crs(EQUAL_AREA).to_numpy()
    new_m = new.geometry.to_crs(EQUAL_AREA).to_numpy()
    pairs, loose = paired(old, new, old_m, new_m)
    drawn = {i: shapely.union_all(new_m[members]) for i, members in pairs.items()}
    pairs, drawn, merged = _merged(inventory, old, old_m, pairs, drawn)
    missing = [i for i in range(len(old)) if i not in pairs and i not in merged]
    if len(missing) > _MISSING * len(old) and missing_is_rejected is None:
        raise InputError(
            None,
            Message(
                "the edited file lacks {missing} of {count} lake",
                "the edited file lacks {missing} of {count} lakes",
                missing=len(missing),
                count=len(old),
            ),
            "if it is a selection, review it with --partial; "
            "if all these lakes are false, with --whole",
        )
    parts = {i: [j for j, main in merged.items() if main == i] for i in pairs}
    rows: list[Row] = []
    shifts = []
    for i, members in sorted(pairs.items()):
        row = new.iloc[members[0]]
        if not is_same(old_m[i], drawn[i]):
            shape = shapely.union_all(new.geometry.to_numpy()[members])
            redrawn = decision(Decision.REDRAWN, old.iloc[i], row, shape)
            rows.append(redrawn | changed(old, i, shape))
            rows[-1] |= _latest_image(old, [i, *parts[i]])
            shifts.append(shift_m(old_m[i], drawn[i]))
        source = next((j for j in parts[i] if old[C.LAKE_ID].iloc[j] == row[C.LAKE_ID]), i)
        was = old.iloc[source].copy()  # the fields of a merged lake are those of the row kept
        was[[*_IDENTITY]] = old.iloc[i][[*_IDENTITY]]
        rows += decisions_in(was, row, task.whole_lakes)
    shifts = [shift for shift in shifts if shift]
    if len(shifts) >= _SHIFTED_ROWS and len(shifts) > len(pairs) / 2:
        raise InputError(
            None,
            Message(
                "{count} outline is unchanged but shifted by about {shift:.1f} m",
                "{count} outlines are unchanged but shifted by about {shift:.1f} m",
                count=len(shifts),
                shift=np.median(shifts),
            ),
            "correct the CRS of the edited file; nothing was taken in",
        )
    for i, main in merged.items():
        image = _latest_image(old, [main, *parts[main]])
        rows.append(_merger(old, i, main, new.iloc[pairs[main][0]]) | image)
    if missing_is_rejected is not False:
        rows += [_rejection(inventory, old, i, task) for i in missing]
    standing = {str(old[C.LAKE_ID].iloc[i]): shape for i, shape in drawn.items()}
    return rows + additions(inventory, old, new.iloc[loose], standing)


def _merged(
    inventory: Inventory,
    old: gpd.GeoDataFrame,
    old_m: np.ndarray,
    pairs: dict[int, list[int]],
    drawn: dict[int, shapely.Geometry],
) -> tuple[dict[int, list[int]], dict[int, shapely.Geometry], dict[int, int]]:
    """Tell which lakes a person joined to others: the largest of them keeps its identity.

    A lake that the file lacks was joined to the one whose outline was drawn over half of it or
    more. Returned are pairs and drawn outlines, by the lake that remains, and for each old row
    that ends the row of that lake.
    """
    earlier = inventory.reviews[inventory.reviews[C.DECISION] == Decision.MERGED]
    known = set(zip(earlier[C.LAKE_ID], earlier[C.OTHER_ID], strict=True))
    ids = old[C.LAKE_ID].tolist()
    groups: dict[int, list[int]] = {}
    rows, tree = list(drawn), shapely.STRtree(list(drawn.values()))
    for i in (i for i in range(len(old)) if i not in pairs):
        near = [rows[place] for place in tree.query(old_m[i])]
        shared = {k: shapely.intersection(drawn[k], old_m[i]).area for k in near}
        main = max(shared, key=lambda k: shared[k], default=None)
        if main is None or shared[main] < ONE_PLACE * shapely.area(old_m[i]):
            continue
        if (ids[i], ids[main]) in known or not is_same(old_m[main], drawn[main]):
            groups.setdefault(main, []).append(i)
    pairs, drawn = dict(pairs), dict(drawn)
    merged: dict[int, int] = {}
    for main, others in groups.items():
        largest = max((main, *others), key=lambda i: float(shapely.area(old_m[i])))
        if largest != main:
            pairs[largest], drawn[largest] = pairs.pop(main), drawn.pop(main)
        merged |= {i: largest for i in (main, *others) if i != largest}
    return pairs, drawn, merged


def _latest_image(old: gpd.GeoDataFrame, rows: list[int]) -> Row:
    """Return the image that shows lakes together: the latest of those they stand on."""
    latest = old.loc[rows].sort_values([C.ACQUIRED, C.SCENE_ID], kind="stable").iloc[-1]
    return {name: latest[name] for name in (C.ACQUIRED, C.SCENE_ID, C.SENSOR)}


def _merger(old: gpd.GeoDataFrame, i: int, main: int, new: pd.Series) -> Row:
    """Return the decision that a lake is a part of another one."""
    area = geodesic_area_perimeter(old.geometry.iloc[i : i + 1])[C.AREA_M2].iloc[0]
    return decision(Decision.MERGED, old.iloc[i], new, old.geometry.iloc[i]) | {
        C.OTHER_ID: old[C.LAKE_ID].iloc[main],
        C.AREA_BEFORE_M2: float(area),
        C.REPLACED: shapely.to_wkt(old.geometry.iloc[i], rounding_precision=-1),
    }


def _rejection(inventory: Inventory, old: gpd.GeoDataFrame, i: int, task: Task) -> Row:
    """Return the rejection of a lake with all ground it ever covered, or of one outline."""
    row = old.iloc[i]
    count = int((inventory.outlines[C.LAKE_ID] == row[C.LAKE_ID]).sum())
    if not task.whole_lakes and count > 1:
        return _rejected(row)
    return rejected_lake(inventory, row)


def _rejected(row: pd.Series) -> Row:
    """Return the rejection of one outline."""
    shape = gpd.GeoSeries([row["geometry"]], crs=4326)
    size = float(geodesic_area_perimeter(shape)[C.AREA_M2].iloc[0])
    return decision(Decision.REJECTED, row, None, row["geometry"]) | {C.AREA_BEFORE_M2: size}


def rejected_lake(inventory: Inventory, row: pd.Series) -> Row:
    """Return the rejection of a lake with all ground it ever covered; ``row`` is how it stands."""
    name, rejected = row[C.LAKE_ID], _rejected(row)
    lake_outlines = inventory.outlines[inventory.outlines[C.LAKE_ID] == name]
    ground = shapely.union_all(lake_outlines.geometry.to_numpy())
    others = inventory.outlines[inventory.outlines[C.LAKE_ID] != name].geometry
    near = others[others.intersects(ground)]
    place = shapely.difference(ground, shapely.union_all(near.to_numpy()))
    parts = shapely.get_parts(place)
    parts = parts[shapely.get_type_id(parts) == 3]
    place = shapely.multipolygons(parts) if len(parts) else row["geometry"]
    return rejected | {"geometry": place, C.ACQUIRED: None, C.SCENE_ID: None, C.SENSOR: None}


def is_new(inventory: Inventory, row: Row) -> bool:
    """Tell whether the inventory does not say so already: the file may be taken in again."""
    name, kind = row[C.LAKE_ID], row[C.DECISION]
    lake = inventory.lakes[inventory.lakes[C.LAKE_ID] == name]
    is_news = kind in {Decision.ADDED, Decision.SPLIT} or not lake.empty
    if kind == Decision.MERGED:
        earlier = inventory.reviews[inventory.reviews[C.DECISION] == Decision.MERGED]
        is_news = (name, row[C.OTHER_ID]) not in zip(
            earlier[C.LAKE_ID], earlier[C.OTHER_ID], strict=True
        )
    elif kind == Decision.REDRAWN and is_news:
        outlines = inventory.outlines[inventory.outlines[C.LAKE_ID] == name]
        there = outlines[outlines[C.ACQUIRED] == row[C.ACQUIRED]].geometry.to_crs(EQUAL_AREA)
        drawn = gpd.GeoSeries([row["geometry"]], crs=4326).to_crs(EQUAL_AREA)[0]
        is_news = not any(is_same(shape, drawn) for shape in there)
    elif kind in {Decision.ACCEPTED, Decision.WITHDRAWN} and is_news:
        is_checked = bool(lake[C.VERIFIED].fillna(False).iloc[0])
        is_news = is_checked != (kind == Decision.ACCEPTED)
        if is_checked and kind == Decision.ACCEPTED and row[C.REVIEWER]:
            by_whom = (text_of(lake[C.VERIFIED_BY].iloc[0]) or "").split(", ")
            is_news = not set(row[C.REVIEWER].split(", ")) <= set(by_whom)
    elif (
        kind in {Decision.RECLASSIFIED, Decision.COMMENTED} and is_news and row[C.ACQUIRED] is None
    ):
        fields = [field for field in FIELDS if field in row]
        is_news = any((text_of(lake[field].iloc[0]) or "") != row[field] for field in fields)
    return is_news


def _one_each(rows: list[Row]) -> list[Row]:
    """Leave out what a person did twice, in the layer of lakes and in that of outlines."""
    gone = {
        r[C.LAKE_ID] for r in rows if r[C.DECISION] == Decision.REJECTED and r[C.ACQUIRED] is None
    }
    seen: set[object] = set()
    kept = []
    for row in rows:
        key: object = (row[C.DECISION], row[C.LAKE_ID], row[C.ACQUIRED])
        if row[C.LAKE_ID] is None:
            key = shapely.to_wkb(shapely.set_precision(row["geometry"], 1e-6))
        if key not in seen and (row[C.LAKE_ID] not in gone or row[C.ACQUIRED] is None):
            kept.append(row)
        seen.add(key)
    return kept
