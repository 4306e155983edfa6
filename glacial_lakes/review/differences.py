"""An inventory and an edited file → what the person decided. No files, no clock."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.errors import InputError
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.review.additions import additions
from glacial_lakes.review.baseline import Task, tasks_of
from glacial_lakes.review.edited_file import FIELDS, text_of
from glacial_lakes.review.matching import ONE_PLACE, is_same, paired, shift_m
from glacial_lakes.review.records import Row, changed, decision, decisions_in
from glacial_lakes.schema import Decision
from glacial_lakes.tracking.identities import lake_id

_MISSING = 0.5
_SHIFTED_ROWS = 3
_IDENTITY = ("lake_id", "acquired", "scene_id", "sensor", "geometry")


def differences(
    inventory: Inventory,
    edited: Mapping[str, gpd.GeoDataFrame],
    *,
    missing_is_rejected: bool | None = None,
) -> gpd.GeoDataFrame:
    """Understand what a person changed.

    Parameters
    ----------
    inventory : Inventory
        As it was before.
    edited : mapping of str to geopandas.GeoDataFrame
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
    for task in tasks_of(inventory, edited):
        rows += _compared(inventory, task, missing_is_rejected)
    rows = [row for row in _one_each(rows) if _is_new(inventory, row)]
    taken = {*inventory.outlines["lake_id"], *inventory.lakes["lake_id"]}
    taken |= set(inventory.reviews["lake_id"].dropna())
    for row in rows:
        if row["lake_id"] is None:
            point = shapely.point_on_surface(row["geometry"])
            row["lake_id"] = lake_id(point.x, point.y, taken)
            taken.add(row["lake_id"])
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
            "the edited file lacks {missing} of {count} lakes",
            "if it is a selection, review it with --partial; "
            "if all these lakes are false, with --whole",
            missing=len(missing),
            count=len(old),
        )
    parts = {i: [j for j, main in merged.items() if main == i] for i in pairs}
    images = {i: _latest_image(old, [i, *parts[i]]) for i in pairs}
    rows: list[Row] = []
    shifts = []
    for i, members in sorted(pairs.items()):
        row = new.iloc[members[0]]
        if not is_same(old_m[i], drawn[i]):
            shape = shapely.union_all(new.geometry.to_numpy()[members])
            redrawn = decision(Decision.REDRAWN, old.iloc[i], row, shape)
            rows.append(redrawn | changed(old, i, shape))
            rows[-1] |= images[i]
            shifts.append(shift_m(old_m[i], drawn[i]))
        source = next((j for j in parts[i] if old["lake_id"].iloc[j] == row["lake_id"]), i)
        was = old.iloc[source].copy()  # the fields of a merged lake are those of the row kept
        was[[*_IDENTITY]] = old.iloc[i][[*_IDENTITY]]
        rows += decisions_in(was, row, task.whole_lakes)
    shifts = [shift for shift in shifts if shift]
    if len(shifts) >= _SHIFTED_ROWS and len(shifts) > len(pairs) / 2:
        raise InputError(
            None,
            "{count} outlines are unchanged but shifted by about {shift:.1f} m",
            "correct the CRS of the edited file; nothing was taken in",
            count=len(shifts),
            shift=np.median(shifts),
        )
    for i, main in merged.items():
        rows.append(_merger(old, i, main, new.iloc[pairs[main][0]]) | images[main])
    if missing_is_rejected is not False:
        rows += [_rejection(inventory, old, i, task) for i in missing]
    standing = {str(old["lake_id"].iloc[i]): shape for i, shape in drawn.items()}
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
    earlier = inventory.reviews[inventory.reviews["decision"] == Decision.MERGED]
    known = set(zip(earlier["lake_id"], earlier["other_id"], strict=True))
    ids = old["lake_id"].tolist()
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
    latest = old.loc[rows].sort_values(["acquired", "scene_id"], kind="stable").iloc[-1]
    return {name: latest[name] for name in ("acquired", "scene_id", "sensor")}


def _merger(old: gpd.GeoDataFrame, i: int, main: int, new: pd.Series) -> Row:
    """Return the decision that a lake is a part of another one."""
    area = geodesic_area_perimeter(old.geometry.iloc[i : i + 1])["area_m2"].iloc[0]
    return decision(Decision.MERGED, old.iloc[i], new, old.geometry.iloc[i]) | {
        "other_id": old["lake_id"].iloc[main],
        "area_before_m2": float(area),
        "replaced": shapely.to_wkt(old.geometry.iloc[i], rounding_precision=-1),
    }


def _rejection(inventory: Inventory, old: gpd.GeoDataFrame, i: int, task: Task) -> Row:
    """Return the rejection of a lake with all ground it ever covered, or of one outline."""
    row, name = old.iloc[i], old["lake_id"].iloc[i]
    mine = inventory.outlines[inventory.outlines["lake_id"] == name]
    size = float(geodesic_area_perimeter(old.geometry.iloc[i : i + 1])["area_m2"].iloc[0])
    rejected = decision(Decision.REJECTED, row, None, row["geometry"]) | {"area_before_m2": size}
    if not task.whole_lakes and len(mine) > 1:
        return rejected
    ground = shapely.union_all(mine.geometry.to_numpy())
    others = inventory.outlines[inventory.outlines["lake_id"] != name].geometry
    near = others[others.intersects(ground)]
    place = shapely.difference(ground, shapely.union_all(near.to_numpy()))
    parts = shapely.get_parts(place)
    parts = parts[shapely.get_type_id(parts) == 3]
    place = shapely.multipolygons(parts) if len(parts) else row["geometry"]
    return rejected | {"geometry": place, "acquired": None, "scene_id": None, "sensor": None}


def _is_new(inventory: Inventory, row: Row) -> bool:
    """Tell whether the inventory does not say so already: the file may be taken in again."""
    name, kind = row["lake_id"], row["decision"]
    lake = inventory.lakes[inventory.lakes["lake_id"] == name]
    is_new = kind in {Decision.ADDED, Decision.SPLIT} or not lake.empty
    if kind == Decision.MERGED:
        earlier = inventory.reviews[inventory.reviews["decision"] == Decision.MERGED]
        is_new = (name, row["other_id"]) not in zip(
            earlier["lake_id"], earlier["other_id"], strict=True
        )
    elif kind == Decision.REDRAWN and is_new:
        outlines = inventory.outlines[inventory.outlines["lake_id"] == name]
        there = outlines[outlines["acquired"] == row["acquired"]].geometry.to_crs(EQUAL_AREA)
        drawn = gpd.GeoSeries([row["geometry"]], crs=4326).to_crs(EQUAL_AREA)[0]
        is_new = not any(is_same(shape, drawn) for shape in there)
    elif kind in {Decision.ACCEPTED, Decision.WITHDRAWN} and is_new:
        is_checked = bool(lake["verified"].fillna(False).iloc[0])
        is_new = is_checked != (kind == Decision.ACCEPTED)
    elif kind in {Decision.RECLASSIFIED, Decision.COMMENTED} and is_new and row["acquired"] is None:
        fields = [field for field in FIELDS if field in row]
        is_new = any((text_of(lake[field].iloc[0]) or "") != row[field] for field in fields)
    return is_new


def _one_each(rows: list[Row]) -> list[Row]:
    """Leave out what a person did twice, in the layer of lakes and in that of outlines."""
    gone = {
        r["lake_id"] for r in rows if r["decision"] == Decision.REJECTED and r["acquired"] is None
    }
    seen: set[object] = set()
    kept = []
    for row in rows:
        key: object = (row["decision"], row["lake_id"], row["acquired"])
        if row["lake_id"] is None:
            key = shapely.to_wkb(shapely.set_precision(row["geometry"], 1e-6))
        if key not in seen and (row["lake_id"] not in gone or row["acquired"] is None):
            kept.append(row)
        seen.add(key)
    return kept
