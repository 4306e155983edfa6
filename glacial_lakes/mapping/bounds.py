"""Between which bounds the area of a lake lies of which an image shows a part.

At least what shows; at most that, and all hidden ground beside it that may be the lake.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window
from shapely.geometry import Polygon

from glacial_lakes.coverage import State
from glacial_lakes.grid import Grid, shifted, within
from glacial_lakes.kernels.labels import connected_with
from glacial_lakes.kernels.morphology import dilate
from glacial_lakes.kernels.rasterize import pixels_inside
from glacial_lakes.terrain import Terrain

Bool = NDArray[np.bool_]
States = NDArray[np.uint8]

SIGMAS = 2.0
"""Standard deviations that the bounds leave for the shore that is seen."""
MAX_RISE_M = 25.0
"""A lake is level: ground that a DEM tells to lie farther above or below it is not hidden lake. The
DEM may be older than the lake, and is off by some metres in mountains."""
MAX_SLOPE_DEG = 30.0
"""The same of slope; the shore of a small lake is steep in a DEM of 30 m."""
FARTHEST_M = 5000.0
"""Where hidden ground goes on farther than this, nothing is told of how large a lake may be."""
FIRST_LOOK_PX = 40


def hidden_px(
    states: States,
    grid: Grid,
    polygon: Polygon,
    hidden: tuple[Window, Bool],
    terrain: Terrain | None = None,
    *,
    under_snow: bool = False,
) -> tuple[float, float]:
    """Return how many pixels are hidden inside of an outline, and how many beside it may be lake.

    Those beside are connected with it over hidden pixels, or over water behind these, and as level
    as a DEM tells a lake to be.

    Parameters
    ----------
    states : array of uint8, shape (y, x)
        :class:`~glacial_lakes.coverage.State` of the whole scene.
    grid : Grid
        Of the scene.
    polygon : Polygon
        The outline in the CRS of the scene.
    hidden : Window and array of bool
        What is hidden in and beside the outline besides, as by the edge of a cloud beyond its mask.
    terrain : Terrain, optional
    under_snow : bool
        Whether snow and ice may lie on lakes at the date.

    Returns
    -------
    tuple of float
        The second is NaN when the hidden ground reaches the edge of the scene, or goes on for more
        than ``FARTHEST_M``.

    Examples
    --------
    >>> from affine import Affine
    >>> from rasterio.crs import CRS
    >>> from shapely import box
    >>> grid = Grid(CRS.from_epsg(32643), Affine(10, 0, 0, 0, -10, 300), (30, 30))
    >>> states = np.full(grid.shape, State.LAND, np.uint8)
    >>> states[10:20, 15:18] = State.CLOUD
    >>> lake = box(100, 100, 150, 200)
    >>> hidden_px(states, grid, lake, (grid.window, np.zeros(grid.shape, bool)))
    (0.0, 30.0)
    """
    passable = np.zeros(len(State), bool)
    passable[[State.NODATA, State.CLOUD, State.SHADOW, State.UNCERTAIN, State.WATER]] = True
    passable[State.SNOW] = under_snow
    level_m = _level_m(grid, polygon, terrain)
    own_window, own_hidden = hidden
    farthest, reach = round(FARTHEST_M / grid.resolution), FIRST_LOOK_PX
    while True:
        window = grid.window_of(polygon.bounds, reach)
        transform = shifted(grid.transform, window.row_off, window.col_off)
        shape = int(window.height), int(window.width)
        inside = pixels_inside(polygon, transform, shape)
        may = passable[states[window.toslices()]]
        both = _shared(window, own_window)
        unclear = np.zeros(shape, bool)
        unclear[within(both, window)] = own_hidden[within(both, own_window)]
        in_it = float((inside & unclear).sum())
        may |= unclear
        if terrain is not None:
            away = np.abs(terrain.on(transform, shape, "elevation_m") - np.float32(level_m))
            may &= ~(away > MAX_RISE_M)
            may &= ~(terrain.on(transform, shape, "slope_deg") > MAX_SLOPE_DEG)
        start = dilate(inside, np.int64(1))
        lake = connected_with(start, may | start)
        on_edge = _edges(lake)
        beyond = _edges_of_grid(window, grid)
        if (on_edge & beyond).any():
            return in_it, float("nan")
        if not on_edge.any():
            return in_it, float((lake & may & ~inside).sum())
        if reach >= farthest:
            return in_it, float("nan")
        reach = min(2 * reach, farthest)


def _level_m(grid: Grid, polygon: Polygon, terrain: Terrain | None) -> float:
    """Return the height of a lake by the DEM; NaN where it tells none."""
    if terrain is None:
        return float("nan")
    window = grid.window_of(polygon.bounds, 1)
    transform = shifted(grid.transform, window.row_off, window.col_off)
    shape = int(window.height), int(window.width)
    heights = terrain.on(transform, shape, "elevation_m")[pixels_inside(polygon, transform, shape)]
    known = heights[np.isfinite(heights)]
    return float(np.median(known)) if known.size else float("nan")


def _shared(one: Window, other: Window) -> Window:
    """Return what two windows share; of no size where they share nothing."""
    top, left = max(one.row_off, other.row_off), max(one.col_off, other.col_off)
    bottom = min(one.row_off + one.height, other.row_off + other.height)
    right = min(one.col_off + one.width, other.col_off + other.width)
    return Window(left, top, max(0, right - left), max(0, bottom - top))


def _edges(mask: Bool) -> Bool:
    """Return which edges of a window some pixels touch: top, bottom, left, right."""
    return np.array([mask[0].any(), mask[-1].any(), mask[:, 0].any(), mask[:, -1].any()])


def _edges_of_grid(window: Window, grid: Grid) -> Bool:
    """Return which edges of a window are those of the scene."""
    rows, cols = grid.shape
    ends = window.row_off + window.height, window.col_off + window.width
    return np.array([window.row_off <= 0, ends[0] >= rows, window.col_off <= 0, ends[1] >= cols])
