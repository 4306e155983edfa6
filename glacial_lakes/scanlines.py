"""Which pixels lie in polygons: runs of pixels along the rows, for very many polygons at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

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
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    x, y = points.T
    if project is not None:
        x, y = project(x, y)
    x, y = (x - transform.c) / transform.a, (y - transform.f) / transform.e
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    down = y[edge] < y[edge + 1]
    upper, lower = np.where(down, edge, edge + 1), np.where(down, edge + 1, edge)
    begin = np.ceil(y[upper] - 0.5).astype(np.int64)
    count = np.ceil(y[lower] - 0.5).astype(np.int64) - begin
    of_edge = np.repeat(np.arange(edge.size), count)
    row = np.arange(of_edge.size) - np.repeat(np.cumsum(count) - count - begin, count)
    upper, lower = upper[of_edge], lower[of_edge]
    across = (row + 0.5 - y[upper]) * (x[lower] - x[upper]) / (y[lower] - y[upper]) + x[upper]
    polygon = first + owner[part[ring[upper]]].astype(np.int64)
    order = np.lexsort((across, row, polygon))
    # A closed ring crosses a row an even number of times: in, out, in, out.
    column = np.floor(across[order] + 0.5).astype(np.int64)
    enter = order[::2]
    runs = Runs(polygon[enter], row[enter], column[::2], column[1::2])
    return runs[runs.stop > runs.start]
