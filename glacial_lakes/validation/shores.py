"""How far one outline runs from another."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

DEFAULT_STEP_M = 5.0
"""Distance of the points on an outline whose pixel size is not known: half a Sentinel-2 pixel."""


class ShoreOffsets(NamedTuple):
    """Sums over the points of both outlines; they add up over lakes."""

    points: int
    sum_m: float
    sum_m2: float


def shore_offsets(
    outline: shapely.Geometry, reference: shapely.Geometry, step_m: float = DEFAULT_STEP_M
) -> ShoreOffsets:
    """Measure the distances between two outlines, both ways.

    Points lie at equal distances along all rings of both outlines. Each is measured to the nearest
    place of the other outline; the distance is positive where the outline runs outside of the
    reference. Both ways, because an outline that leaves out a bay is near the reference at each of
    its own points.

    Parameters
    ----------
    outline, reference : Polygon or MultiPolygon
        In one frame in metres.
    step_m : float
        Distance of the points.

    Returns
    -------
    ShoreOffsets
        Number of points, sum of signed distances (m), sum of squares (m²).
    """
    outward = _signed(_points(outline, step_m), reference)
    inward = -_signed(_points(reference, step_m), outline)
    offsets = np.concatenate([outward, inward])
    return ShoreOffsets(len(offsets), math.fsum(offsets), math.fsum(offsets**2))


def _points(outline: shapely.Geometry, step_m: float) -> npt.NDArray[np.object_]:
    places = []
    for ring in shapely.get_rings(shapely.get_parts(outline)):
        corners = shapely.get_coordinates(ring)
        along = np.concatenate([[0.0], np.hypot(*np.diff(corners, axis=0).T).cumsum()])
        count = max(4, math.ceil(along[-1] / step_m))
        at = along[-1] * np.arange(count) / count
        places.append(np.column_stack([np.interp(at, along, values) for values in corners.T]))
    points: npt.NDArray[np.object_] = shapely.points(np.concatenate(places))
    return points


def _signed(points: npt.NDArray[np.object_], outline: shapely.Geometry) -> npt.NDArray[np.float64]:
    """Return the distance of points from an outline, negative inside."""
    _, distance = shapely.STRtree(_segments(outline)).query_nearest(
        points, return_distance=True, all_matches=False
    )
    shapely.prepare(outline)
    inside = shapely.contains(outline, points)
    signed: npt.NDArray[np.float64] = np.where(inside, -distance, distance)
    return signed


def _segments(outline: shapely.Geometry) -> npt.NDArray[np.object_]:
    """Return the pieces between vertices: a tree of them finds the nearest one at once."""
    rings = shapely.get_rings(shapely.get_parts(outline))
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    pairs = np.stack([corners[:-1], corners[1:]], axis=1)
    segments: npt.NDArray[np.object_] = shapely.linestrings(pairs[ring[:-1] == ring[1:]])
    return segments
