"""From fractions of water to polygons: contours, and lakes without their streams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import Polygon

from glacial_lakes.kernels.contours import contour_lines

Float = NDArray[np.float32]

Bool = NDArray[np.bool_]

STREAM_WIDTH_M = 30.0
"""Long parts of a lake narrower than this are streams."""

MIN_STREAM_WIDTHS = 2.0
"""Shorter ones are corners of the lake, or straits."""

MAX_STREAM_SHARE = 0.5
"""A lake of which more is narrow is a narrow lake."""

COARSE_M = 1.0

CORNER_M = 8.0
"""No stream that is long enough to count is so near to a basin all along."""

SLIVER_M = 0.01


def contour(
    fraction: Float, level: float, transform: Affine, *, least_m2: float = 0.0
) -> list[Polygon]:
    """Return the polygons that enclose fractions above a level (marching squares).

    Pixel values stand for pixel centres. Outside of the array counts as land.

    Parameters
    ----------
    fraction : array of float32, shape (y, x)
    level : float
    transform : Affine
        Of the array.
    least_m2 : float
        Polygons that would be smaller even without their islands are left out.
    """
    x, y, starts, areas = contour_lines(fraction, level)
    x, y = transform.c + transform.a * x, transform.f + transform.e * y
    least_px = least_m2 / abs(transform.a * transform.e)
    points = np.column_stack([x, y])
    shells = [
        shapely.polygons(points[starts[ring] : starts[ring + 1]])
        for ring in np.flatnonzero(areas >= max(least_px, 1e-9))
    ]
    islands = [points[starts[ring] : starts[ring + 1]] for ring in np.flatnonzero(areas < -1e-9)]
    polygons = _with_islands(shells, islands) if islands else shells
    if shapely.is_valid(polygons).all():
        return polygons
    parts = shapely.get_parts(shapely.make_valid(polygons))
    return [part for part in parts if part.geom_type == "Polygon"]


def _with_islands(shells: list[Polygon], islands: list[NDArray[np.float64]]) -> list[Polygon]:
    """Put each island into the smallest polygon around it."""
    shells = sorted(shells, key=lambda shell: float(shell.area))
    inner: list[list[NDArray[np.float64]]] = [[] for _ in shells]
    for island in islands:
        around = np.flatnonzero(shapely.contains_xy(shells, *island[0]))
        if len(around):
            inner[around[0]].append(island)
    return [Polygon(shell.exterior, holes) for shell, holes in zip(shells, inner, strict=True)]


def apart(polygons: Sequence[Polygon]) -> list[Polygon | None]:
    """Return outlines of which no two share ground.

    Parts of one candidate are drawn each by itself, so that both may claim the shore between them:
    the larger has it. What lies mostly in a larger one is None.

    Examples
    --------
    >>> lake, bay, pool = shapely.box(0, 0, 9, 9), shapely.box(8, 0, 12, 9), shapely.box(1, 1, 3, 3)
    >>> [None if one is None else one.area for one in apart([bay, pool, lake])]
    [27.0, None, 81.0]
    """
    told: list[Polygon | None] = list(polygons)
    drawn = np.array(polygons, object)
    first, second = shapely.STRtree(drawn).query(drawn, predicate="intersects")
    beside: dict[int, list[int]] = {}
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        if one != other:
            beside.setdefault(one, []).append(other)
    size = shapely.area(drawn)
    settled: set[int] = set()
    for one in sorted(beside, key=lambda place: (-size[place], place)):
        larger = [told[other] for other in beside[one] if other in settled]
        settled.add(one)
        whole = polygons[one]
        rest = shapely.difference(whole, shapely.union_all([each for each in larger if each]))
        if rest.equals(whole):
            continue
        part = max(shapely.get_parts(rest), key=shapely.area, default=None)
        told[one] = part if part is not None and part.area > size[one] / 2 else None
    return told


def without_streams(polygon: Polygon) -> list[Polygon]:
    """Return the lakes of a polygon, without the streams that flow in, out and from one to another.

    A stream is what a disc of its width does not reach, longer than some widths, and either blind
    or between two basins. A narrow passage that comes back to its basin, as behind an island,
    belongs to the lake. A polygon that is narrow in large part is kept.

    Parameters
    ----------
    polygon : Polygon
        In metres.
    """
    half = STREAM_WIDTH_M / 2
    # Few lakes have a stream; a third of the vertices and coarse arcs show most to have none.
    coarse = polygon.simplify(COARSE_M, preserve_topology=False)
    near = coarse.buffer(-half, quad_segs=4).buffer(half + CORNER_M, quad_segs=4)
    if near.covers(polygon):
        return [polygon]
    wide = polygon.buffer(-half).buffer(1.05 * half)
    narrow = shapely.get_parts(polygon.difference(wide))
    narrow = narrow[shapely.length(narrow) / 2 > MIN_STREAM_WIDTHS * STREAM_WIDTH_M]
    if wide.is_empty or not len(narrow):
        return [polygon]
    basins = shapely.STRtree(shapely.get_parts(wide))
    streams = [part for part in narrow if _is_stream(part, wide, basins)]
    if shapely.area(streams).sum() > MAX_STREAM_SHARE * polygon.area:
        return [polygon]
    rest = polygon.difference(shapely.union_all(streams))
    # Slivers along a cut would cross themselves in another CRS.
    return list(shapely.get_parts(shapely.set_precision(rest, SLIVER_M)))


def _is_stream(narrow: Polygon, wide: shapely.Geometry, basins: shapely.STRtree) -> bool:
    mouths = shapely.get_parts(narrow.buffer(1e-3).intersection(wide))
    joined = set(basins.query(mouths, predicate="intersects")[1])
    return len(mouths) == 1 or len(joined) > 1
