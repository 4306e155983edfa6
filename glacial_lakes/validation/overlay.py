"""Two sets of outlines laid over each other: what meets what, and how much of it is shared."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

Geometries = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

MIN_IOU = 0.5
"""Shared over united area from which an outline is a hit (Everingham et al. 2010)."""
MAIN_PART = 0.5
"""Share of an object that lies in another one from which it is a part of that one."""
_SLIVER = 1e-6
"""Share of the smaller object below which an overlap is rounding along a common shore."""


@dataclass(frozen=True)
class Overlay:
    """Objects of two sets; all members are aligned with the outlines or with the lakes."""

    outline_counted: Flags
    """Outlines that are right or wrong, not left out with an unobservable or small lake."""
    outline_true: Flags
    """Counted outlines that overlap a counted lake."""
    outline_alone: Flags
    """Counted outlines that overlap no reference lake at all."""
    outline_merges: Flags
    """Counted outlines that hold the main parts of several lakes."""
    outline_false_m2: npt.NDArray[np.float64]
    """Area outside of all reference lakes; 0 where not counted."""
    lake_outline: Positions
    """Outline that hits the lake, or -1."""
    lake_iou: npt.NDArray[np.float64]
    """Shared over united area with that outline, NaN where there is none."""
    lake_seen: Flags
    """Counted lakes that a counted outline overlaps."""
    lake_split: Flags
    """Counted lakes that hold the main parts of several counted outlines."""
    lake_true_m2: npt.NDArray[np.float64]
    """Area inside counted outlines; 0 where the lake is not counted."""


def equal_area_frame(outlines: gpd.GeoSeries) -> pyproj.CRS:
    """Return the Lambert azimuthal equal-area frame about the middle of outlines.

    Areas are those on the WGS 84 ellipsoid everywhere; lengths are right to 0.1 % within 500 km
    of the middle (Snyder 1987, p. 182).

    Parameters
    ----------
    outlines : GeoSeries
        Not empty, in any CRS.
    """
    points = outlines.representative_point().to_crs("EPSG:4326")
    lon, lat = np.radians(points.x.to_numpy()), np.radians(points.y.to_numpy())
    # Directions have a mean where longitudes have none: on both sides of the date line.
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    lon_0 = np.degrees(np.arctan2(y.mean(), x.mean()))
    lat_0 = np.degrees(np.arctan2(z.mean(), np.hypot(x.mean(), y.mean())))
    return pyproj.CRS.from_dict(
        {"proj": "laea", "lat_0": lat_0, "lon_0": lon_0, "datum": "WGS84", "units": "m"}
    )


def overlay(
    outlines: Geometries, lakes: Geometries, lake_counted: Flags, min_area_m2: float
) -> Overlay:
    """Match outlines with reference lakes, and measure what is shared.

    Pairs are taken in the order of their IoU, largest first. In a set without overlaps no object
    has two partners above one half, so no other order finds more.

    Parameters
    ----------
    outlines, lakes : numpy.ndarray of Polygon or MultiPolygon
        In one equal-area frame.
    lake_counted : numpy.ndarray of bool
        Lakes that are a hit or a miss. What touches only others, or hits one, is left out.
    min_area_m2 : float
        Smaller outlines are left out too, unless they hit a counted lake.
    """
    outline_m2, lake_m2 = shapely.area(outlines), shapely.area(lakes)
    outline, lake, shared_m2 = _overlaps(outlines, lakes)
    iou = shared_m2 / (outline_m2[outline] + lake_m2[lake] - shared_m2)
    lake_outline, lake_iou = _hits(outline, lake, iou, len(lakes))

    hits, spared = np.zeros((2, len(outlines)), dtype=bool)
    matched = lake_outline >= 0
    hits[lake_outline[matched & lake_counted]] = True
    spared[lake_outline[matched & ~lake_counted]] = True
    meets = _among(outline, len(outlines))
    meets_counted = _among(outline[lake_counted[lake]], len(outlines))
    spared |= meets & ~meets_counted
    counted = ~spared & (hits | (outline_m2 >= min_area_m2))

    valid = counted[outline] & lake_counted[lake]
    inside = valid & (shared_m2 >= MAIN_PART * outline_m2[outline])
    swallowed = counted[outline] & (shared_m2 >= MAIN_PART * lake_m2[lake])
    true_m2, false_m2 = np.zeros(len(lakes)), np.zeros(len(outlines))
    if counted.any():
        whole_map = shapely.STRtree(outlines[counted])
        true_m2[lake_counted] = _covered(_disjoint(lakes[lake_counted]), whole_map)
        apart = _disjoint(outlines[counted])
        false_m2[counted] = shapely.area(apart) - _covered(apart, shapely.STRtree(lakes))
    return Overlay(
        outline_counted=counted,
        outline_true=counted & meets_counted,
        outline_alone=counted & ~meets,
        outline_merges=np.bincount(outline[swallowed], minlength=len(outlines)) > 1,
        outline_false_m2=np.maximum(false_m2, 0.0),
        lake_outline=lake_outline,
        lake_iou=lake_iou,
        lake_seen=_among(lake[valid], len(lakes)),
        lake_split=np.bincount(lake[inside], minlength=len(lakes)) > 1,
        lake_true_m2=true_m2,
    )


def _overlaps(
    left: Geometries, right: Geometries
) -> tuple[Positions, Positions, npt.NDArray[np.float64]]:
    """Return the pairs that overlap, and their shared area in m²."""
    one, other = shapely.STRtree(right).query(left, predicate="intersects")
    shared_m2 = shapely.area(shapely.intersection(left[one], right[other]))
    smaller_m2 = np.minimum(shapely.area(left)[one], shapely.area(right)[other])
    real = shared_m2 > _SLIVER * smaller_m2
    return one[real], other[real], shared_m2[real]


def _hits(
    outline: Positions, lake: Positions, iou: npt.NDArray[np.float64], n_lakes: int
) -> tuple[Positions, npt.NDArray[np.float64]]:
    chosen, best = np.full(n_lakes, -1), np.full(n_lakes, np.nan)
    taken: set[int] = set()
    for pair in np.argsort(-iou, kind="stable"):
        if iou[pair] < MIN_IOU:
            break
        if chosen[lake[pair]] < 0 and outline[pair] not in taken:
            chosen[lake[pair]], best[lake[pair]] = outline[pair], iou[pair]
            taken.add(outline[pair])
    return chosen, best


def _among(positions: Positions, size: int) -> Flags:
    flags = np.zeros(size, dtype=bool)
    flags[positions] = True
    return flags


def _disjoint(geometries: Geometries) -> Geometries:
    """Return geometries without what earlier ones cover, so that their areas add up."""
    later, earlier, _ = _overlaps(geometries, geometries)
    parts = geometries.copy()
    for position in np.unique(later[earlier < later]):
        before = geometries[earlier[(later == position) & (earlier < position)]]
        parts[position] = shapely.difference(geometries[position], shapely.union_all(before))
    return parts


def _covered(geometries: Geometries, tree: shapely.STRtree) -> npt.NDArray[np.float64]:
    """Return the area in m² of each geometry inside the union of a tree's geometries."""
    position, cover = tree.query(geometries, predicate="intersects")
    covered = np.zeros(len(geometries))
    single = np.bincount(position, minlength=len(geometries))[position] == 1
    alone = position[single]
    covered[alone] = shapely.area(
        shapely.intersection(geometries[alone], tree.geometries[cover[single]])
    )
    for several in np.unique(position[~single]):
        union = shapely.union_all(tree.geometries[cover[position == several]])
        covered[several] = shapely.intersection(geometries[several], union).area
    return covered
