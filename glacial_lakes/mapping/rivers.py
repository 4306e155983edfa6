"""The narrow wet line that a piece of a river or stream is part of, and what was taken for one."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.windows import Window

from glacial_lakes.grid import Grid
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.kernels.morphology import dilate, erode

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

MIN_WET_NDWI = -0.05
"""Index above which a pixel may hold a stream; bare ground between meadows has about -0.15."""

RIVER_WIDTH_M = 50.0
"""Mountain rivers and streams are narrower, and three pixels at least to be told from a pond."""


def river_width_px(pixel_m: float) -> int:
    """Return the width in pixels up to which a line may be a river."""
    return max(3, round(RIVER_WIDTH_M / pixel_m))


def river_trace(value: Float, candidate: Bool, usable: Bool, level: float, width_px: int) -> float:
    """Return the length in pixels of the narrow wet line through a candidate.

    A stream narrower than a pixel shows as a chain of candidates joined by fainter pixels. Wet
    ground wider than ``width_px`` is no line; what remains of the candidate's surroundings
    is joined and its extent measured.

    Parameters
    ----------
    value : array of float32, shape (y, x)
        Water index.
    candidate : array of bool
    usable : array of bool
        Neither snow, cloud nor deep shade.
    level : float
        Index above which a pixel counts as wet.
    width_px : int
        Largest width of a line.

    Returns
    -------
    float
        Diagonal of the line's extent; 0 when most of the candidate is wide water.
    """
    return float(_trace(value, candidate, usable, level, width_px // 2))


def river_outlines(bodies: Iterable[tuple[Window, Bool]], grid: Grid) -> gpd.GeoSeries:
    """Return outlines of what was taken for rivers, to be looked at: a pixel is their accuracy.

    Parameters
    ----------
    bodies : iterable of (Window, array of bool)
        Windows of the grid, and the pixels of a river in each.
    grid : Grid
        Of the scene.

    Returns
    -------
    geopandas.GeoSeries
        Polygons in the CRS of the grid, those that touch as one.
    """
    found = []
    for window, body in bodies:
        transform = grid.crop(window).transform
        drawn = shapes(body.astype(np.uint8), body, connectivity=8, transform=transform)
        found += [shapely.geometry.shape(shape) for shape, _ in drawn]
    whole = shapely.union_all(found) if found else shapely.MultiPolygon()
    parts = shapely.get_parts(shapely.simplify(whole, grid.resolution))
    return gpd.GeoSeries(parts, crs=grid.crs.to_wkt())


@kernel
def _trace(value, candidate, usable, level, half_width):  # type: ignore[no-untyped-def]
    height, width = value.shape
    wet = np.empty((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            is_wet = value[row, col] > level and usable[row, col]
            wet[row, col] = candidate[row, col] or is_wet
    wide = dilate(erode(wet, half_width), half_width)
    narrow = np.zeros((height, width), np.bool_)
    balance = 0  # of the candidate's narrow and wide pixels
    for row in range(height):
        for col in range(width):
            narrow[row, col] = wet[row, col] and not wide[row, col]
            if candidate[row, col]:
                balance += 1 if narrow[row, col] else -1
    if balance < 0:
        return 0.0
    # The lines, a pixel wider so that faint ones hold together, from the candidate on.
    line = dilate(narrow, np.int64(1))
    waiting = np.empty((height * width, 2), np.int32)
    count = 0
    for row in range(height):
        for col in range(width):
            if narrow[row, col] and candidate[row, col]:
                line[row, col] = False
                waiting[count, 0], waiting[count, 1] = row, col
                count += 1
    top, bottom, left, right = height, 0, width, 0
    while count:
        count -= 1
        row, col = waiting[count, 0], waiting[count, 1]
        if narrow[row, col]:
            top, bottom = min(top, row), max(bottom, row)
            left, right = min(left, col), max(right, col)
        for near_row in range(max(0, row - 1), min(height, row + 2)):
            for near_col in range(max(0, col - 1), min(width, col + 2)):
                if line[near_row, near_col]:
                    line[near_row, near_col] = False
                    waiting[count, 0], waiting[count, 1] = near_row, near_col
                    count += 1
    return np.hypot(float(bottom - top), float(right - left))
