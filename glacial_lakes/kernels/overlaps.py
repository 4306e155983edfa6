"""Areas that polygons share, for very many pairs: without building what they share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.jit import kernel
from glacial_lakes.kernels.vertices import ring_vertices
from glacial_lakes.runtime.threads import in_threads

Numbers = NDArray[np.float64]

_NOTHING = 1e-12
"""Share of the smaller polygon's bounds below which only rounding overlaps."""


def overlap_areas(one: NDArray[np.object_], other: NDArray[np.object_]) -> Numbers:
    """Return the planar area that each polygon shares with its partner.

    Between two levels of y that hold a vertex each, all edges are straight, so that the width of
    what two polygons share is a piecewise linear function of y; its integral is exact but for
    rounding. Nothing depends on how edges cross or coincide, as it does in a general overlay,
    which takes longer.

    Parameters
    ----------
    one, other : numpy.ndarray of shapely.Geometry
        Polygons and MultiPolygons of one planar CRS, of one length. What is missing or empty
        shares nothing.

    Returns
    -------
    numpy.ndarray of float64
        In the square of the unit of the CRS; touching polygons have zero.
    """
    return in_threads(lambda a, b: _overlaps(*_edges(a), *_edges(b)), one, other)


def _edges(polygons: NDArray[np.object_]) -> tuple[Numbers, NDArray[np.int64]]:
    """Return the edges (x, y of the lower and of the upper end) and where each polygon's begin."""
    points, ring, polygon = ring_vertices(polygons)
    edges, of_ring = _rising(points, ring)
    return edges, np.searchsorted(polygon[of_ring], np.arange(len(polygons) + 1))


@kernel
def _rising(points, ring):  # type: ignore[no-untyped-def]
    """Return the edges of rings from their lower to their upper end, and the ring of each.

    Level edges bound no width, and are left out.
    """
    edges, of_ring = np.empty((len(points), 4)), np.empty(len(points), np.int64)
    count = 0
    for vertex in range(1, len(points)):
        if ring[vertex] != ring[vertex - 1] or points[vertex, 1] == points[vertex - 1, 1]:
            continue
        down = points[vertex - 1, 1] > points[vertex, 1]
        lower, upper = (vertex, vertex - 1) if down else (vertex - 1, vertex)
        edges[count, 0], edges[count, 1] = points[lower, 0], points[lower, 1]
        edges[count, 2], edges[count, 3] = points[upper, 0], points[upper, 1]
        of_ring[count] = ring[vertex]
        count += 1
    return edges[:count], of_ring[:count]


@kernel
def _overlaps(one, one_begins, other, other_begins):  # type: ignore[no-untyped-def]
    """Return the shared area of each pair of polygons given by their edges."""
    areas = np.zeros(len(one_begins) - 1)
    for pair in range(len(areas)):
        a = one[one_begins[pair] : one_begins[pair + 1]]
        b = other[other_begins[pair] : other_begins[pair + 1]]
        if len(a) == 0 or len(b) == 0:
            continue
        low = max(a[:, 1].min(), b[:, 1].min())
        high = min(a[:, 3].max(), b[:, 3].max())
        left = max(min(a[:, 0].min(), a[:, 2].min()), min(b[:, 0].min(), b[:, 2].min()))
        right = min(max(a[:, 0].max(), a[:, 2].max()), max(b[:, 0].max(), b[:, 2].max()))
        if low >= high or left >= right:
            continue
        area = _overlap(_above(a, low, high, left), _above(b, low, high, left), high - low)
        if area > _NOTHING * (high - low) * (right - left):
            areas[pair] = area
    return areas


@kernel
def _above(edges, low, high, left):  # type: ignore[no-untyped-def]
    """Return the edges between two levels, sorted by their lower end, from a near origin."""
    meets = (edges[:, 3] > low) & (edges[:, 1] < high)
    near = edges[meets]
    near[:, 0] -= left
    near[:, 2] -= left
    near[:, 1] -= low
    near[:, 3] -= low
    return near[np.argsort(near[:, 1])]


@kernel
def _overlap(a, b, height):  # type: ignore[no-untyped-def]
    """Return the area that two polygons share between level 0 and a height."""
    in_a, in_b = np.empty(len(a), np.int64), np.empty(len(b), np.int64)
    n_a, n_b, next_a, next_b = 0, 0, 0, 0
    sides_a, sides_b = np.empty((len(a), 2)), np.empty((len(b), 2))
    cuts = np.empty(5)
    area, bottom = 0.0, 0.0
    while bottom < height:
        n_a, next_a = _active(a, in_a, n_a, next_a, bottom)
        n_b, next_b = _active(b, in_b, n_b, next_b, bottom)
        top = min(_next_level(a, in_a, n_a, next_a), _next_level(b, in_b, n_b, next_b), height)
        if n_a >= 2 and n_b >= 2:
            _sides(a, in_a, n_a, bottom, top, sides_a)
            _sides(b, in_b, n_b, bottom, top, sides_b)
            for i in range(0, n_a - 1, 2):
                for j in range(0, n_b - 1, 2):
                    area += (top - bottom) * _width(sides_a, i, sides_b, j, cuts)
        bottom = top
    return area


@kernel
def _active(edges, active, count, following, level):  # type: ignore[no-untyped-def]
    """Drop the edges that end at a level and take up those that begin there."""
    kept = 0
    for place in range(count):
        if edges[active[place], 3] > level:
            active[kept] = active[place]
            kept += 1
    while following < len(edges) and edges[following, 1] <= level:
        if edges[following, 3] > level:
            active[kept] = following
            kept += 1
        following += 1
    return kept, following


@kernel
def _next_level(edges, active, count, following):  # type: ignore[no-untyped-def]
    """Return where the next edge begins or an active one ends."""
    level = edges[following, 1] if following < len(edges) else np.inf
    for place in range(count):
        level = min(level, edges[active[place], 3])
    return level


@kernel
def _sides(edges, active, count, bottom, top, sides):  # type: ignore[no-untyped-def]
    """Fill in x of the active edges at bottom and top of a slab, from left to right."""
    for place in range(count):
        x0, y0, x1, y1 = edges[active[place]]
        slope = (x1 - x0) / (y1 - y0)
        at_bottom, at_top = x0 + (bottom - y0) * slope, x0 + (top - y0) * slope
        spot = place
        while spot > 0 and sides[spot - 1, 0] + sides[spot - 1, 1] > at_bottom + at_top:
            sides[spot, 0], sides[spot, 1] = sides[spot - 1, 0], sides[spot - 1, 1]
            spot -= 1
        sides[spot, 0], sides[spot, 1] = at_bottom, at_top


@kernel
def _width(a, i, b, j, cuts):  # type: ignore[no-untyped-def]
    """Return the mean width that two intervals share, whose ends run straight through a slab.

    The width is linear between the heights (0 to 1) at which two ends meet.
    """
    left, right, other_left, other_right = a[i, 0], a[i + 1, 0], b[j, 0], b[j + 1, 0]
    to_left, to_right = a[i, 1] - left, a[i + 1, 1] - right
    to_other_left, to_other_right = b[j, 1] - other_left, b[j + 1, 1] - other_right
    count = 0
    for apart, change in (
        (left - other_left, to_left - to_other_left),
        (right - other_right, to_right - to_other_right),
        (left - other_right, to_left - to_other_right),
        (right - other_left, to_right - to_other_left),
    ):
        if apart * (apart + change) < 0:
            spot = count
            cut = -apart / change
            while spot > 0 and cuts[spot - 1] > cut:
                cuts[spot] = cuts[spot - 1]
                spot -= 1
            cuts[spot] = cut
            count += 1
    cuts[count] = 1.0
    since, before = 0.0, max(min(right, other_right) - max(left, other_left), 0.0)
    mean = 0.0
    for place in range(count + 1):
        at = cuts[place]
        end = min(right + at * to_right, other_right + at * to_other_right)
        width = max(end - max(left + at * to_left, other_left + at * to_other_left), 0.0)
        mean += 0.5 * (width + before) * (at - since)
        since, before = at, width
    return mean
