"""Which parts of a scene are read: square blocks near the glaciers and the area of interest.

Decoding costs more than all else, so that what no lake of interest can touch is not decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.grid import Grid
from glacial_lakes.io.repair import repaired

BLOCK_PX = 512
"""Least edge of a block."""
REMOTE_PX = 128
"""The edge where images lie on a server: to fetch what nobody needs costs more than decoding."""
MARGIN_PX = 16
"""An outline reaches so far beyond the pixels that propose it."""


@dataclass(frozen=True)
class Blocks:
    """Square blocks of a grid, row by row, and which of them are wanted."""

    grid: Grid
    edge: int
    """Pixels along an edge: as many as are decoded together anyway."""
    wanted: NDArray[np.bool_]
    """Shape (block row, block column)."""
    reaches: tuple[tuple[shapely.STRtree, float], ...] = ()
    """Places in the CRS of the grid, and the distance that each block has to one of them."""
    beyond: Window | None = None
    """A window beyond which nothing is read of blocks either; None: there is none. The last pixels
    of a block may need, of coarser bands, a neighbour in what else nobody fetches."""

    @classmethod
    def of(cls, grid: Grid, edge: int = BLOCK_PX, least: int = BLOCK_PX) -> Blocks:
        """Return all blocks of a grid."""
        edge = max(edge, least)
        rows, cols = (-(-length // edge) for length in grid.shape)
        return cls(grid, edge, np.ones((rows, cols), bool))

    def near(self, places: gpd.GeoDataFrame, distance_m: float, around_px: int = 0) -> Blocks:
        """Return the blocks that lie within a distance of some geometries, or around what does."""
        geometries = places.geometry.to_crs(self.grid.crs.to_wkt())
        geometries = geometries[~(geometries.isna() | geometries.is_empty)]
        reach = (
            shapely.STRtree(repaired(geometries)),
            distance_m + MARGIN_PX * self.grid.resolution,
        )
        rows, cols = np.indices(self.wanted.shape) * self.edge
        edges = np.stack([rows, cols, rows + self.edge, cols + self.edge], -1).reshape(-1, 4)
        read = reach[0], reach[1] + around_px * self.grid.resolution
        near = _near(self._boxes(edges), read).reshape(self.wanted.shape)
        bounds = self._around(geometries, read[1]) if around_px else self.beyond
        return replace(
            self, wanted=self.wanted & near, reaches=(*self.reaches, reach), beyond=bounds
        )

    def _around(self, places: gpd.GeoSeries, distance: float) -> Window | None:
        """Return what lies within a distance of some places, and in what is read already."""
        if not len(places):
            return self.beyond
        west, south, east, north = places.total_bounds
        bounds = west - distance, south - distance, east + distance, north + distance
        return self._read_of(self.grid.window_of(bounds))

    def _read_of(self, window: Window) -> Window:
        """Return the part of a window of blocks that is read."""
        return window if self.beyond is None else within_both(window, self.beyond)

    def reached(self, windows: Sequence[Window]) -> NDArray[np.bool_]:
        """Return which windows lie so near to the places that a lake there may be wanted."""
        edges = [
            (one.row_off, one.col_off, one.row_off + one.height, one.col_off + one.width)
            for one in windows
        ]
        boxes = self._boxes(np.array(edges, float).reshape(-1, 4))
        near = np.ones(len(windows), bool)
        for reach in self.reaches:
            near &= _near(boxes, reach)
        return near

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Return which pixels of a window are read."""
        down, along = window.toslices()
        rows, cols = np.arange(down.start, down.stop), np.arange(along.start, along.stop)
        wanted: NDArray[np.bool_] = self.wanted[np.ix_(rows // self.edge, cols // self.edge)]
        if self.beyond is None:
            return wanted
        bounds = self.beyond.toslices()
        (top, bottom), (left, right) = ((part.start, part.stop) for part in bounds)
        return wanted & np.outer((rows >= top) & (rows < bottom), (cols >= left) & (cols < right))

    def _boxes(self, edges: NDArray[Any]) -> NDArray[np.object_]:
        """Return boxes on the map of first and end row and column."""
        west, _, _, north = self.grid.bounds
        across, down = self.grid.transform.a, -self.grid.transform.e
        top, left, bottom, right = edges.T
        boxes: NDArray[np.object_] = shapely.box(
            west + left * across,
            north - bottom * down,
            west + right * across,
            north - top * down,
        )
        return boxes

    def sample(self, most: int) -> list[Window]:
        """Return the windows of some wanted blocks, evenly among all."""
        places = np.argwhere(self.wanted)
        chosen = np.linspace(0, len(places) - 1, min(most, len(places))).round().astype(int)
        windows = (self.read_window((int(row), int(col))) for row, col in places[chosen])
        return [window for window in windows if window.width and window.height]

    @property
    def extent(self) -> Window:
        """The smallest window around all that is wanted; empty when nothing is."""
        height, width = self.grid.shape
        rows, cols = (np.flatnonzero(self.wanted.any(axis)) * self.edge for axis in (1, 0))
        if not len(rows):
            return Window(0, 0, 0, 0)
        top, left = int(rows[0]), int(cols[0])
        bottom = min(int(rows[-1]) + self.edge, height)
        right = min(int(cols[-1]) + self.edge, width)
        return self._read_of(Window(left, top, right - left, bottom - top))

    def read_window(self, block: tuple[int, int]) -> Window:
        """Return the part of a wanted block that is read."""
        return self._read_of(self.window(block))

    def window(self, block: tuple[int, int]) -> Window:
        """Return the window of a block, by its place among the blocks."""
        row, col = block
        edge = self.edge
        return self.grid.clip(Window(col * edge, row * edge, edge, edge))

    def of_window(self, window: Window) -> list[tuple[int, int]]:
        """Return the places of the blocks that hold pixels of a window."""
        if not (window.width and window.height):
            return []
        down, along = (
            range(part.start // self.edge, -(-part.stop // self.edge)) for part in window.toslices()
        )
        return [(row, col) for row in down for col in along]

    def hold(self, window: Window) -> bool:
        """Return whether all of a window is read."""
        first_row, first_col = int(window.row_off) // self.edge, int(window.col_off) // self.edge
        end_row = int(window.row_off + window.height - 1) // self.edge + 1
        end_col = int(window.col_off + window.width - 1) // self.edge + 1
        is_wanted = self.wanted[first_row:end_row, first_col:end_col].all()
        return bool(is_wanted) and self._read_of(window) == window

    def runs(self, first_row: int, end_row: int) -> list[Window]:
        """Return the windows that hold what is wanted of some rows, joined along rows."""
        height, width = self.grid.shape
        windows = []
        for number, wanted in enumerate(self.wanted):
            top = max(first_row, number * self.edge)
            bottom = min(end_row, (number + 1) * self.edge, height)
            if top >= bottom:
                continue
            edges = np.flatnonzero(np.diff(wanted, prepend=False, append=False))
            for left, right in (edges.reshape(-1, 2) * self.edge).clip(max=width).tolist():
                found = self._read_of(Window(left, top, right - left, bottom - top))
                if found.width and found.height:
                    windows.append(found)
        return windows


def within_both(one: Window, other: Window) -> Window:
    """Return what two windows share; an empty one where they share nothing."""
    (top, bottom), (left, right) = (
        (max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(one.toslices(), other.toslices(), strict=True)
    )
    return Window(left, top, max(0, right - left), max(0, bottom - top))


def _near(boxes: NDArray[np.object_], reach: tuple[shapely.STRtree, float]) -> NDArray[np.bool_]:
    tree, distance = reach
    found = np.zeros(len(boxes), bool)
    found[tree.query(boxes, predicate="dwithin", distance=distance)[0]] = True
    return found
