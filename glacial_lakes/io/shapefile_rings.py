"""Holes of a shapefile that lie outside of their outlines: GDAL makes ground of them.

The direction of a ring tells what it is: clockwise it is a shell, the other way a hole. GDAL
takes a hole that lies in no shell for one more shell, and the polygon grows without a word.
Where all rings of a polygon run one way its writer knew no directions, and GDAL's way is right.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

_POLYGONS = (5, 15, 25)
_ENTRY = struct.Struct(">2i")
_COUNTS = struct.Struct("<i32x2i")


def with_stray_holes(
    parts: Mapping[str, Path], shapes: NDArray[np.object_], records: Iterable[int]
) -> NDArray[np.object_]:
    """Give holes back to the polygons of which GDAL has made parts; they are not valid then.

    Parameters
    ----------
    parts : mapping of str to pathlib.Path
        The files of a shapefile by their endings, shapes and index checked.
    shapes : array of shapely.Geometry
        As GDAL reads them, without heights.
    records : iterable of int
        The number of each in the file, from 0.

    Returns
    -------
    numpy.ndarray of shapely.Geometry
        The same where there are no such holes.
    """
    several = np.flatnonzero(shapely.get_num_geometries(shapes) > 1)
    if not several.size:
        return shapes
    drawn = shapes.copy()
    numbers = list(records)
    with parts[".shp"].open("rb") as file, parts[".shx"].open("rb") as index:
        for row in several:
            index.seek(100 + _ENTRY.size * numbers[row])
            start, length = _ENTRY.unpack(index.read(_ENTRY.size))
            file.seek(2 * start + _ENTRY.size)
            drawn[row] = _with_holes(shapes[row], _rings(file.read(2 * length)))
    return drawn


def _rings(record: bytes) -> list[NDArray[np.float64]]:
    """Return the rings of a polygon, each of shape (n, 2)."""
    kind, parts, points = _COUNTS.unpack_from(record)
    if kind not in _POLYGONS:
        return []
    at = _COUNTS.size
    starts = np.frombuffer(record, "<i4", parts, at)
    places = np.frombuffer(record, "<f8", 2 * points, at + 4 * parts).reshape(-1, 2)
    return np.split(places, starts[1:])


def _with_holes(shape: shapely.Geometry, rings: list[NDArray[np.float64]]) -> shapely.Geometry:
    is_hole = [_turns_left(ring) for ring in rings]
    parts = shapely.get_parts(shape)
    if all(is_hole) or len(parts) <= is_hole.count(False):
        return shape
    holes = [ring for ring, inner in zip(rings, is_hole, strict=True) if inner]
    forms = {shapely.normalize(shapely.LinearRing(ring)) for ring in holes}
    stray = [shapely.normalize(part.exterior) in forms for part in parts]
    kept = [part for part, is_stray in zip(parts, stray, strict=True) if not is_stray]
    lost = [part.exterior for part, is_stray in zip(parts, stray, strict=True) if is_stray]
    if not kept:
        return shape
    kept[0] = shapely.Polygon(kept[0].exterior, [*kept[0].interiors, *lost])
    return shapely.MultiPolygon(kept) if len(kept) > 1 else kept[0]


def _turns_left(ring: NDArray[np.float64]) -> bool:
    x, y = (ring - ring[0]).T
    return bool((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0)
