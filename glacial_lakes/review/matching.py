"""Which outlines of an edited file are which of the inventory, and which are unchanged."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from glacial_lakes.columns import C
from glacial_lakes.tracking.identities import known_ids

SAME_SHARE = 0.001
"""Share of its area by which an outline may differ through rounding or re-projection."""
SAME_M = 0.5
"""Distance in metres, the same."""
ROUNDED_M = 0.1
"""What coordinates of six digits, or of MapInfo, may be off; much for a small lake."""
ONE_PLACE = 0.5
"""Share of the smaller outline that two outlines of one lake have in common."""


def is_same(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    """Tell whether two outlines differ by no more than rounding and re-projection (metres)."""
    if shapely.hausdorff_distance(one, other) > SAME_M:
        return False
    allowed = max(SAME_SHARE * one.area, ROUNDED_M * one.length)
    return bool(shapely.symmetric_difference(one, other).area <= allowed)


def paired(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, old_m: np.ndarray, new_m: np.ndarray
) -> tuple[dict[int, list[int]], list[int]]:
    """Return for each old row the new rows that are it, and the new rows that are none."""
    place = {name: i for i, name in enumerate(old[C.LAKE_ID])}
    groups: dict[int, list[int]] = {}
    loose: list[int] = []
    for j, name in enumerate(new[C.LAKE_ID]):
        if name in place:
            groups.setdefault(place[name], []).append(j)
        else:
            loose.append(j)
    pairs: dict[int, list[int]] = {}
    for i, members in groups.items():
        exploded = len(shapely.get_parts(old_m[i])) > 1 and len(members) > 1
        if exploded and is_same(old_m[i], shapely.union_all(new_m[members])):
            pairs[i] = members  # a lake in several parts, which the program has taken apart
            continue
        shared = shapely.area(shapely.intersection(new_m[members], old_m[i]))
        best = members[int(shared.argmax())]
        pairs[i] = [best]
        loose += [j for j in members if j != best and not is_same(new_m[best], new_m[j])]
    lost = [i for i in range(len(old)) if i not in pairs]
    if lost and loose:  # drawn anew, or with a code that was mangled
        names = known_ids(new_m[loose], old_m[lost], [str(i) for i in lost], min_overlap=ONE_PLACE)
        found = {j: int(name) for j, name in zip(loose, names, strict=True) if name is not None}
        pairs |= {i: [j] for j, i in found.items()}
        loose = [j for j in loose if j not in found]
    return pairs, sorted(loose)


def shift_m(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Return by how much an outline was moved as it is; 0 when its form changed."""
    move = shapely.get_coordinates(one.centroid) - shapely.get_coordinates(other.centroid)
    if is_same(one, shapely.transform(other, lambda xy: xy + move)):
        return float(np.hypot(*move[0]))
    return 0.0


def is_one_place(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    """Tell whether two outlines share half of the smaller one or more."""
    shared = shapely.intersection(one, other).area
    return bool(shared >= ONE_PLACE * min(one.area, other.area))
