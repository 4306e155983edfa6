"""Which pixels lie in polygons: of one polygon as a mask, of very many as runs along the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import Polygon

from glacial_lakes.kernels.jit import kernel
from glacial_lakes.kernels.vertices import ring_vertices

Bool = NDArray[np.bool_]

Whole = NDArray[np.int64]

Numbers = NDArray[np.float64]

Projection = Callable[[Numbers, Numbers], tuple[Numbers, Numbers]]

_VERTICES_AT_ONCE = 500_000
"""Bounds the memory; the crossings of so many edges with the rows are found together."""


@dataclass(frozen=True)
class Runs:
    """Runs of pixels in a row that lie in a polygon; arrays of one length."""

    polygon: Whole
    """Position of the polygon."""
    row: Whole
    start: Whole
    """First column."""
    stop: Whole
    """Column behind the last one."""

    def __getitem__(self, chosen: slice | NDArray[np.bool_] | Whole) -> Runs:
        """Return some of the runs."""
        return Runs(self.polygon[chosen], self.row[chosen], self.start[chosen], self.stop[chosen])


def runs_in(
    polygons: NDArray[np.object_], transform: Affine, project: Projection | None = None
) -> Runs:
    """Return the pixels whose centres lie in polygons, by row and then by polygon.

    The rule is that of GDAL's rasterization, of which this is the scan line algorithm for arrays.

    Parameters
    ----------
    polygons : numpy.ndarray of shapely.Geometry
        Polygons and MultiPolygons; they may overlap. What is missing or empty has no run.
    transform : affine.Affine
        Pixel (column, row) to coordinates, north-up. Pixels are not cut to any raster: rows and
        columns may be negative.
    project : callable, optional
        x and y of the polygons to those of the pixels, when they are in another CRS.

    Returns
    -------
    Runs
        Sorted by row.
    """
    parts = [
        _runs(polygons[chosen], transform, project, chosen.start) for chosen in _chunks(polygons)
    ]
    if not parts:
        none = np.zeros(0, np.int64)
        return Runs(none, none, none, none)
    runs = Runs(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("polygon", "row", "start", "stop")
        )
    )
    return runs[np.argsort(runs.row, kind="stable")]


def _chunks(polygons: NDArray[np.object_]) -> Iterator[slice]:
    """Yield slices of polygons with some number of vertices together."""
    vertices = np.cumsum(shapely.get_num_coordinates(polygons))
    start = 0
    while start < len(polygons):
        limit = (vertices[start - 1] if start else 0) + _VERTICES_AT_ONCE
        stop = max(start + 1, int(np.searchsorted(vertices, limit, side="right")))
        yield slice(start, stop)
        start = stop


def _runs(
    polygons: NDArray[np.object_], transform: Affine, project: Projection | None, first: int
) -> Runs:
    points, ring, owner = ring_vertices(polygons)
    x, y = points.T
    if project is not None:
        x, y = project(x, y)
    x, y = (x - transform.c) / transform.a, (y - transform.f) / transform.e
    begins = np.searchsorted(owner[ring], np.arange(len(polygons) + 1))
    polygon, row, start, stop = _crossed(x, y, ring, begins)
    return Runs(polygon + first, row, start, stop)


@kernel
def _crossed(x, y, ring, begins):  # type: ignore[no-untyped-def]
    """Return polygon, row, first and last column of the runs between crossings of edges and rows.

    A closed ring crosses a row an even number of times: in, out, in, out.
    """
    level = np.ceil(y - 0.5).astype(np.int64)
    total = 0
    for vertex in range(1, len(x)):
        if ring[vertex] == ring[vertex - 1]:
            total += abs(level[vertex] - level[vertex - 1])
    runs = np.empty((4, total // 2), np.int64)
    count = 0
    for polygon in range(len(begins) - 1):
        begin, end = begins[polygon], begins[polygon + 1]
        if begin == end:
            continue
        top, bottom = level[begin:end].min(), level[begin:end].max()
        here = slice(begin, end)
        columns, begun = _columns(x[here], y[here], ring[here], level[here] - top, top)
        for row in range(bottom - top):
            for place in range(begun[row], begun[row + 1], 2):
                start = int(np.floor(columns[place] + 0.5))
                stop = int(np.floor(columns[place + 1] + 0.5))
                if stop > start:
                    runs[:, count] = polygon, row + top, start, stop
                    count += 1
    return runs[:, :count]


@kernel
def _columns(x, y, ring, level, top):  # type: ignore[no-untyped-def]
    """Return where the edges of a polygon cross its rows, rising, and where each row begins."""
    begun = np.zeros(level.max() + 2, np.int64)
    for vertex in range(1, len(x)):
        if ring[vertex] == ring[vertex - 1]:
            one, other = level[vertex - 1], level[vertex]
            for row in range(min(one, other), max(one, other)):
                begun[row + 1] += 1
    begun = np.cumsum(begun)
    ends, columns = begun.copy(), np.empty(begun[-1])
    for vertex in range(1, len(x)):
        if ring[vertex] != ring[vertex - 1]:
            continue
        upper, lower = (vertex - 1, vertex) if y[vertex - 1] < y[vertex] else (vertex, vertex - 1)
        for row in range(level[upper], level[lower]):
            down = row + top + 0.5 - y[upper]
            column = down * (x[lower] - x[upper]) / (y[lower] - y[upper]) + x[upper]
            spot = ends[row]
            while spot > begun[row] and columns[spot - 1] > column:
                columns[spot] = columns[spot - 1]
                spot -= 1
            columns[spot] = column
            ends[row] += 1
    return columns, begun


@kernel
def inside_of(x, y, starts, shape):  # type: ignore[no-untyped-def]
    """Return the pixels whose centres lie in a polygon (even-odd rule).

    Parameters
    ----------
    x, y : array of float64
        Vertices of all rings, closed, in pixels from the upper left corner.
    starts : array of int64
        Where each ring begins, and the number of vertices.
    shape : tuple of int
        Rows and columns.
    """
    height, width = shape
    flips = np.zeros((height, width + 1), np.int32)
    for ring in range(len(starts) - 1):
        for vertex in range(starts[ring], starts[ring + 1] - 1):
            y0, y1 = y[vertex], y[vertex + 1]
            if y0 == y1:
                continue
            x0, x1 = x[vertex], x[vertex + 1]
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            first = max(0, int(np.ceil(y0 - 0.5)))
            end = min(height, int(np.ceil(y1 - 0.5)))
            slope = (x1 - x0) / (y1 - y0)
            for row in range(first, end):
                crossing = x0 + (row + 0.5 - y0) * slope
                col = min(max(int(np.ceil(crossing - 0.5)), 0), width)
                flips[row, col] += 1
    inside = np.zeros((height, width), np.bool_)
    for row in range(height):
        crossed = 0
        for col in range(width):
            crossed += flips[row, col]
            inside[row, col] = crossed % 2 == 1
    return inside


def pixels_inside(polygon: Polygon, transform: Affine, shape: tuple[int, int]) -> Bool:
    """Return the pixels of a north-up raster whose centres lie in a polygon."""
    x, y = shapely.get_coordinates(polygon).T
    ends = [0, len(x)]
    if shapely.get_num_interior_rings(polygon):
        ends = [0, *np.cumsum(shapely.get_num_coordinates(shapely.get_rings(polygon)))]
    cols, rows = (x - transform.c) / transform.a, (y - transform.f) / transform.e
    inside: Bool = inside_of(cols, rows, np.array(ends), shape)
    return inside
