"""Ragged polygons: very many outlines as one array of vertices.

A geometry costs more than its vertices do. So the outlines of all dates are held as vertices, and
become geometries a date at a time, or a few at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from glacial_lakes.kernels.vertices import ring_vertices
from glacial_lakes.measures.meridian import cut_at_180, half_world

Geometries = NDArray[np.object_]
Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]

_transformer = lru_cache(pyproj.Transformer.from_crs)


@dataclass(frozen=True)
class RaggedPolygons:
    """Outlines as their vertices."""

    points: Numbers
    """x and y, shape (vertex, 2)."""
    rings: Whole
    """Where the vertices of each ring begin, and where the last one's end."""
    outlines: Whole
    """Where the rings of each outline begin, and where the last one's end."""
    others: Mapping[int, Any]
    """By position, the few that are no plain polygon."""

    @classmethod
    def of(cls, outlines: Geometries) -> RaggedPolygons:
        """Pack geometries."""
        is_plain = shapely.get_type_id(outlines) == shapely.GeometryType.POLYGON
        is_plain &= ~(shapely.is_empty(outlines) | shapely.has_z(outlines))
        others = {int(i): outlines[i] for i in np.flatnonzero(~is_plain)}
        plain = outlines.copy()
        plain[~is_plain] = None
        points, ring, outline = ring_vertices(plain)
        rings = np.searchsorted(ring, np.arange(len(outline) + 1))
        return cls(points, rings, np.searchsorted(outline, np.arange(len(outlines) + 1)), others)

    def __len__(self) -> int:
        """Return the number of outlines."""
        return len(self.outlines) - 1

    def geometries(self) -> Geometries:
        """Return the outlines as geometries."""
        polygon = shapely.GeometryType.POLYGON
        outlines: Geometries = shapely.from_ragged_array(
            polygon, self.points, (self.rings, self.outlines)
        )
        for position, other in self.others.items():
            outlines[position] = other
        return outlines

    def __getitem__(self, chosen: NDArray[np.intp]) -> RaggedPolygons:
        """Return some of the outlines, by position."""
        ring, outlines = _gathered(self.outlines, chosen)
        vertex, rings = _gathered(self.rings, ring)
        others: dict[int, Any] = {}
        if self.others:
            others = {i: self.others[p] for i, p in enumerate(chosen.tolist()) if p in self.others}
        return RaggedPolygons(self.points[vertex], rings, outlines, others)

    def copy(self) -> RaggedPolygons:
        """Return the same in memory of this thread: what another keeps for long splinters its."""
        return replace(self, points=self.points.copy())

    def having(self, others: Mapping[int, Any]) -> RaggedPolygons:
        """Return the outlines with some geometries in their places."""
        return replace(self, others={**self.others, **others})

    def to_crs(self, source: Any, target: Any) -> RaggedPolygons:
        """Return the outlines in another CRS; most of the work is done without Python's lock."""
        if pyproj.CRS(source).is_exact_same(pyproj.CRS(target)):
            return self
        transform = _transformer(source, target, always_xy=True).transform
        points = np.column_stack(transform(self.points[:, 0], self.points[:, 1]))
        others = gpd.GeoSeries([*self.others.values()], crs=source).to_crs(target)
        moved = replace(self, points=points, others=dict(zip(self.others, others, strict=True)))
        half = half_world(target)
        return moved if half is None or moved._width() <= half else moved._cut(target)

    def _width(self) -> float:
        """Return how far the outlines reach in x; of few regions it is more than half the world."""
        x = [self.points[:, 0], shapely.bounds([*self.others.values()]).reshape(-1, 4)[:, ::2]]
        ends = [end(part) for part in x if part.size for end in (np.nanmin, np.nanmax)]
        return float(max(ends) - min(ends)) if ends else 0.0

    def _cut(self, crs: Any) -> RaggedPolygons:
        """Return the outlines cut at the 180th meridian; of the most none reaches it."""
        whole = self.geometries()
        cut = cut_at_180(whole, crs)
        crossing = {
            int(i): cut[i]
            for i in np.flatnonzero([a is not b for a, b in zip(whole, cut, strict=True)])
        }
        return self.having(crossing) if crossing else self


def _gathered(begins: Whole, chosen: NDArray[np.intp]) -> tuple[Whole, Whole]:
    """Return the positions of all members of some groups, and where each group begins then."""
    sizes = begins[chosen + 1] - begins[chosen]
    gathered = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(sizes, out=gathered[1:])
    members = np.arange(gathered[-1]) + np.repeat(begins[chosen] - gathered[:-1], sizes)
    return members, gathered
