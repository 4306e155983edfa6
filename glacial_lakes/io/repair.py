"""Polygons that cross or cover themselves, made valid without losing ground that was drawn.

An even-odd rule, as of :func:`shapely.make_valid`, takes ground that is covered twice for a hole.
Here every ring holds the ground that it winds around, holes are cut out of their own part, and the
parts are joined.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from glacial_lakes.errors import Message
from glacial_lakes.grid import EQUAL_AREA

POLYGON, MULTIPOLYGON, COLLECTION = 3, 6, 7
TRACE = 1e-3
"""Share of its area by which a repair may move an outline without being told."""
_ROUNDED_M2 = 0.5
"""Areas are told in whole square metres."""
_LISTED = 20
_MOST_FACES = 2000
"""A ring that meets itself more often than this was not drawn: the even-odd rule must do."""


def polygons_only(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return geometries with collections that hold polygons reduced to these.

    Google Earth puts a polygon and its label in one, an intersection in QGIS polygons and lines.
    """
    mixed = np.flatnonzero(shapely.get_type_id(geometries) == COLLECTION)
    shapes = geometries.copy()
    for row in mixed:
        parts = _polygons_in(geometries[row])
        if parts:
            shapes[row] = shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0]
    return shapes


def _polygons_in(shape: shapely.Geometry) -> list[shapely.Polygon]:
    if shapely.get_type_id(shape) == POLYGON:
        return [shape]
    if shapely.get_type_id(shape) not in (MULTIPOLYGON, COLLECTION):
        return []
    return [one for part in shapely.get_parts(shape) for one in _polygons_in(part)]


def is_broken(geometries: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return which geometries are polygons that are not valid."""
    areal = np.isin(shapely.get_type_id(geometries), (POLYGON, MULTIPOLYGON))
    broken: NDArray[np.bool_] = areal & ~shapely.is_valid(geometries)
    return broken


def repaired(geometries: Any) -> NDArray[np.object_]:
    """Return geometries with all polygons valid; what is valid or no polygon stays as it is.

    Parameters
    ----------
    geometries : array or GeoSeries of shapely.Geometry
        Missing ones stay missing.

    Returns
    -------
    numpy.ndarray of shapely.Geometry
        A repaired polygon has the ground of the union of its parts, and may be empty.
    """
    shapes = np.array(geometries, dtype=object)
    broken = is_broken(shapes)
    shapes[broken] = [_union_of_parts(shape) for shape in shapes[broken]]
    return shapes


def moved_areas(before: gpd.GeoSeries, after: gpd.GeoSeries) -> Message | None:
    """Name the rows whose area a repair has moved, with the areas; None when there are none.

    Parameters
    ----------
    before, after : GeoSeries
        The same rows in one CRS, before and after.
    """
    rows = np.flatnonzero(is_broken(before.to_numpy()))
    drawn, kept = (  # of a polygon that is not valid, holes may be larger than the shell
        np.abs(shapely.area(shapes.iloc[rows].to_crs(EQUAL_AREA).to_numpy()))
        for shapes in (before, after)
    )
    far = np.abs(drawn - kept) > np.maximum(TRACE * np.maximum(drawn, kept), _ROUNDED_M2)
    if not far.any():
        return None
    changes = [
        f"{row + 1}: {was:.0f} → {now:.0f} m²"
        for row, was, now in zip(rows[far], drawn[far], kept[far], strict=True)
    ]
    more = ["…"] if len(changes) > _LISTED else []
    return Message(
        "repair changed the area of {count} polygon, by row: {rows}",
        "repair changed the area of {count} polygons, by row: {rows}",
        count=len(changes),
        rows=changes[:_LISTED] + more,
    )


def _union_of_parts(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.union_all([_part(part) for part in shapely.get_parts(shape)])


def _part(part: shapely.Polygon) -> shapely.Geometry:
    """Return a part without its holes; a hole that reaches outside takes nothing else away."""
    if part.is_empty:
        return part
    shell = _wound(part.exterior)
    holes = [_wound(ring) for ring in part.interiors]
    return shapely.difference(shell, shapely.union_all(holes)) if holes else shell


def _wound(ring: shapely.LinearRing) -> shapely.Geometry:
    """Return the ground that a ring winds around, however often and in which direction."""
    points = shapely.get_coordinates(ring)
    if not np.isfinite(points).all():
        return shapely.Polygon()
    lines = shapely.union_all([shapely.LineString(points)])  # cut where it meets itself
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    if len(faces) > _MOST_FACES:
        return _areal(shapely.make_valid(shapely.Polygon(ring)))
    inner = shapely.get_coordinates(shapely.point_on_surface(faces))
    kept = [face for face, place in zip(faces, inner, strict=True) if _turns(points, place)]
    return shapely.union_all(kept) if kept else shapely.Polygon()


def _areal(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.union_all(parts[shapely.get_type_id(parts) == POLYGON])


def _turns(ring: NDArray[np.float64], place: NDArray[np.float64]) -> int:
    """Return how often a closed line turns around a place (winding number)."""
    x, y = (ring - place).T
    left = x[:-1] * y[1:] - x[1:] * y[:-1]  # the side of each edge on which the place lies
    up = (y[:-1] <= 0) & (y[1:] > 0) & (left > 0)
    down = (y[:-1] > 0) & (y[1:] <= 0) & (left < 0)
    return int(up.sum()) - int(down.sum())
