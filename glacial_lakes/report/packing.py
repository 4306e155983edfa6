"""Outlines as short texts that a page unpacks: whole steps of 1e-5 degrees, each from the last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray

from glacial_lakes.kernels.text import polyline_digits
from glacial_lakes.runtime.threads import in_threads

STEPS_PER_DEGREE = 100_000
"""A step is 1.1 m or less, a tenth of the finest pixel."""
_MOST_CHANGE = 0.02
"""Of the area of a shape that was simplified with less care."""


def packed(
    shapes: Sequence[shapely.Geometry | None] | NDArray[np.object_],
    origin: tuple[int, int],
    tolerance_deg: float | NDArray[np.float64] = 0.0,
) -> list[str]:
    """Write polygons as texts.

    A ring is its first place from ``origin`` and then the way from each place to the next,
    longitude before latitude, in steps; its last place, which is its first, is left out. A number
    is written with its sign in the lowest bit, five bits a character, lowest first, as in the
    encoded polylines of web maps. Rings are separated by blanks.

    Parameters
    ----------
    shapes : sequence of shapely.Geometry or None
        Polygons and multipolygons in degrees.
    origin : tuple of int
        Longitude and latitude in steps that places are counted from.
    tolerance_deg : float or array of float, shape (n,)
        How far a simplified outline may be from the true one, in degrees.

    Returns
    -------
    list of str
        One text a shape; empty where there is none.

    Examples
    --------
    >>> packed([shapely.box(0, 0, 2e-5, 1e-5)], (0, 0))
    ['C??AB??@']
    """
    geometries = np.array(shapes, dtype=object)
    if not len(geometries):
        return []
    tolerances = np.broadcast_to(tolerance_deg, len(geometries))
    texts: list[str] = in_threads(partial(_packed, origin), geometries, tolerances).tolist()
    return texts


def _packed(
    origin: tuple[int, int], shapes: NDArray[np.object_], tolerances_deg: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Write some polygons as texts; a thread's share of them stays in the cache of its core."""
    texts = np.full(len(shapes), "", dtype=object)
    simple = _simplified(shapes, tolerances_deg)
    parts, of_shape = shapely.get_parts(simple, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, of_part = shapely.get_rings(parts[areal], return_index=True)
    places, of_ring = shapely.get_coordinates(rings, return_index=True)
    if not len(places):
        return texts
    is_last = np.append(of_ring[1:] != of_ring[:-1], True)
    steps = np.rint(places[~is_last] * STEPS_PER_DEGREE).astype(np.int64) - origin
    of_ring = of_ring[~is_last]
    begins = np.append(True, of_ring[1:] != of_ring[:-1])
    ways = np.diff(steps, axis=0, prepend=0)
    ways[begins] = steps[begins]
    text, ends = polyline_digits(ways.ravel())
    ring_ends = ends[1::2][np.append(begins[1:], True)]
    shape_of_ring = of_shape[areal][of_part]
    start = 0
    for shape, end in zip(shape_of_ring.tolist(), ring_ends.tolist(), strict=True):
        ring = text[start:end]
        texts[shape] = f"{texts[shape]} {ring}" if texts[shape] else ring
        start = end
    return texts


def _simplified(
    shapes: NDArray[np.object_], tolerances: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Simplify polygons; seeing to it that they do not cross themselves takes three times as long.

    What crosses itself loses a part, and is done once more with care.
    """
    if not tolerances.any():
        return shapes
    simple: NDArray[np.object_]
    simple = shapely.simplify(shapes, tolerances, preserve_topology=False)
    area = shapely.area(shapes)
    is_other = np.abs(shapely.area(simple) - area) > _MOST_CHANGE * area
    simple[is_other] = shapely.simplify(shapes[is_other], tolerances[is_other])
    return simple
