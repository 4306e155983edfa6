"""A DEM on the scene's terms: slope, illumination and cast shadow for the scene's sun."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.errors import N_, ImplausibleError, NotCoveredError
from glacial_lakes.grid import Grid
from glacial_lakes.kernels.interpolation import sample
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.scenes.dem import (
    STEEPEST_HALF_DEG,
    Dem,
    name_of,
    open_dem,
    read_heights,
    spacing_m,
)

Float = NDArray[np.float32]

Bool = NDArray[np.bool_]

ALMOST_SQUARE = 1.01
"""Pixels that are longer than wide by less are taken for squares."""

FAR_BELOW_M = -1e6
"""Height of what lies beyond the DEM: it casts no shadow."""


@dataclass(frozen=True)
class Terrain:
    """Layers of a DEM on its own grid in the scene's CRS (NaN where the DEM has no value)."""

    grid: Grid
    elevation_m: Float
    slope_deg: Float
    illumination: Float
    """Direct light relative to level ground: 1 there, 0 in shadow, above 1 towards the sun."""

    def on(self, transform: Affine, shape: tuple[int, int], layer: str) -> Float:
        """Return a layer sampled bilinearly at the pixel centres of another raster.

        Parameters
        ----------
        transform : Affine
            Of the other raster, in the CRS of this one.
        shape : tuple of int
            Its rows and columns.
        layer : str
            ``elevation_m``, ``slope_deg`` or ``illumination``.
        """
        return sample(getattr(self, layer), self.grid.transform, transform, shape)


def read_terrain(
    dem: Dem,
    grid: Grid,
    sun_azimuth_deg: float | None = None,
    sun_elevation_deg: float | None = None,
    *,
    margin_m: float = 3000.0,
) -> Terrain:
    """Read the DEM around a grid and derive slope and illumination.

    Parameters
    ----------
    dem : path-like, rasterio dataset or xarray.DataArray
        Elevation in metres, any CRS and resolution.
    grid : Grid
        Grid of the scene; the layers cover it and ``margin_m`` around it, so that mountains
        outside the scene cast their shadow into it.
    sun_azimuth_deg, sun_elevation_deg : float, optional
        Sun position; without it illumination is NaN.
    margin_m : float
        Width of the rim read around the scene.

    Raises
    ------
    UnknownProductError, UnsafeInputError, DamagedFileError
        When it is no local GeoTIFF, no raster that is open and no array, refers to others, or
        cannot be read.
    GridError
        When the DEM has no CRS or does not meet the scene.
    ImplausibleError
        When its heights are no ground's in metres.
    """
    with open_dem(dem) as dataset:
        # A DEM in degrees is warped at about its own spacing; finer would only invent detail.
        spacing = max(grid.resolution, spacing_m(dataset))
        around = _padded(grid, margin_m, spacing)
        elevation = read_heights(dataset, around)
    coarse = grid.coarsened(8)
    if not np.isfinite(sample(elevation, around.transform, coarse.transform, coarse.shape)).any():
        what = N_("the DEM does not cover the scene")
        raise NotCoveredError(name_of(dem), what, "give one that does")
    gradient = horn_gradient(elevation, around.resolution)
    slope = np.hypot(*gradient)
    np.degrees(np.arctan(slope, out=slope), out=slope)
    _check_slope(slope, dem)
    if sun_azimuth_deg is None or sun_elevation_deg is None or sun_elevation_deg <= 0:
        lit = np.full_like(elevation, np.nan)
    else:
        lit = illumination(gradient, sun_azimuth_deg, sun_elevation_deg)
        lit[cast_shadow(elevation, around.resolution, sun_azimuth_deg, sun_elevation_deg)] = 0
    return Terrain(around, elevation, slope, lit)


def _check_slope(slope_deg: Float, dem: Dem) -> None:
    """Refuse heights that make ground steeper than any: in feet, or of a vertical exaggeration."""
    known = np.isfinite(slope_deg)
    if 2 * np.count_nonzero(slope_deg > STEEPEST_HALF_DEG) > np.count_nonzero(known):
        raise ImplausibleError(
            name_of(dem),
            "half of the ground of the DEM is steeper than {median:.0f}°",
            "convert its heights to metres, e.g. from feet",
            median=float(np.median(slope_deg[known])),
        )


def horn_gradient(elevation_m: Float, resolution_m: float) -> tuple[Float, Float]:
    """Return the slope components towards east and north (Horn 1981, 3x3 window).

    Parameters
    ----------
    elevation_m : array of float32, shape (y, x)
        Rows run north to south.
    resolution_m : float
        Pixel edge.

    Returns
    -------
    tuple of array
        Rise per metre towards east and towards north; NaN next to missing elevations.
    """
    east, north = _horn(np.asarray(elevation_m, np.float32), resolution_m)
    return east, north


@kernel
def _horn(z, resolution):  # type: ignore[no-untyped-def]
    height, width = z.shape
    to_east, to_north = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    weight = np.float32(1 / (8 * resolution))
    for row in range(height):
        above, here, below = z[max(row - 1, 0)], z[row], z[min(row + 1, height - 1)]
        for col in range(width):
            left, right = max(col - 1, 0), min(col + 1, width - 1)
            rise = (above[right] - above[left]) + (below[right] - below[left])
            to_east[row, col] = (rise + 2 * (here[right] - here[left])) * weight
            rise = (above[left] - below[left]) + (above[right] - below[right])
            to_north[row, col] = (rise + 2 * (above[col] - below[col])) * weight
            if not abs(here[col]) < np.float32(np.inf):
                to_east[row, col] = to_north[row, col] = np.float32(np.nan)
    return to_east, to_north


def illumination(
    gradient: tuple[Float, Float], sun_azimuth_deg: float, sun_elevation_deg: float
) -> Float:
    """Return the direct light on the slope relative to level ground, 0 where it faces away.

    With the unit vector towards the sun s and the surface normal n this is max(0, n·s) over the
    sine of the sun's elevation: the shaded relief of Horn (1981), scaled so that level ground is
    1 for every sun.
    """
    azimuth, elevation = math.radians(sun_azimuth_deg), math.radians(sun_elevation_deg)
    lit: Float = _lit(
        *gradient,
        np.float32(math.cos(elevation) * math.sin(azimuth)),
        np.float32(math.cos(elevation) * math.cos(azimuth)),
        np.float32(math.sin(elevation)),
    )
    return lit


@kernel
def _lit(to_east, to_north, east, north, up):  # type: ignore[no-untyped-def]
    height, width = to_east.shape
    lit = np.empty((height, width), np.float32)
    one, none = np.float32(1), np.float32(0)
    for row in range(height):
        for col in range(width):
            x, y = to_east[row, col], to_north[row, col]
            cosine = (up - east * x - north * y) / np.sqrt(one + x * x + y * y)
            lit[row, col] = cosine / up if not cosine < none else none
    return lit


def cast_shadow(
    elevation_m: Float, resolution_m: float, sun_azimuth_deg: float, sun_elevation_deg: float
) -> Bool:
    """Return where terrain towards the sun stands above the ray to the sun.

    A pixel p is in shadow when dem(p + d·u) − d·tan(e) > dem(p) for some distance d along the
    sun's azimuth u, with e the sun's elevation. The maximum over d is built by doubling: the
    highest obstacle within 2k steps is the higher of the one within k steps and of the one
    within k steps of the pixel k steps ahead. So the cost grows with the logarithm of the
    shadow length, where marching each ray grows with the length itself.

    Parameters
    ----------
    elevation_m : array of float32, shape (y, x)
        NaN casts no shadow, and lies in none: of a void nothing is known.
    resolution_m, sun_azimuth_deg, sun_elevation_deg : float

    Returns
    -------
    array of bool, shape (y, x)
        False everywhere when the sun stands at the zenith; True when it is below the horizon.
    """
    if sun_elevation_deg <= 0:
        return np.ones(elevation_m.shape, bool)
    drop = resolution_m * math.tan(math.radians(sun_elevation_deg))
    azimuth = math.radians(sun_azimuth_deg)
    row_step, col_step = -math.cos(azimuth), math.sin(azimuth)
    lowest, highest = _span(elevation_m)
    if lowest > highest:
        return np.zeros(elevation_m.shape, bool)
    z = _known_or(elevation_m, np.float32(lowest - 1e4))  # finite, so that interpolation stays so
    longest = float(highest - lowest) / drop
    obstacle = _higher(z, row_step, col_step, drop, True)
    steps = 1
    while steps < longest:
        there = steps * row_step, steps * col_step
        obstacle = _higher(obstacle, *there, steps * drop, False)
        steps *= 2
    shadow: Bool = (obstacle > z) & np.isfinite(elevation_m)
    return shadow


@kernel
def _span(z):  # type: ignore[no-untyped-def]
    """Return the lowest and the highest finite value; the lowest is the higher of none."""
    lowest, highest = np.float32(np.inf), np.float32(-np.inf)
    for row in range(z.shape[0]):
        for col in range(z.shape[1]):
            if abs(z[row, col]) < np.float32(np.inf):
                lowest, highest = min(lowest, z[row, col]), max(highest, z[row, col])
    return lowest, highest


@kernel
def _known_or(z, low):  # type: ignore[no-untyped-def]
    """Return a field with a low value where it has none."""
    height, width = z.shape
    known = np.empty((height, width), np.float32)
    for row in range(height):
        for col in range(width):
            known[row, col] = z[row, col] if abs(z[row, col]) < np.float32(np.inf) else low
    return known


@kernel
def _higher(z, row_step, col_step, drop, only_ahead):  # type: ignore[no-untyped-def]
    """Return the higher of a field and of what lies some steps ahead of it, less a drop.

    Ahead is bilinear, and far below beyond the edge.
    """
    height, width = z.shape
    row_whole, col_whole = int(np.floor(row_step)), int(np.floor(col_step))
    down, along = np.float32(row_step - row_whole), np.float32(col_step - col_whole)
    level, rest = np.float32(1) - down, np.float32(1) - along
    low = np.float32(FAR_BELOW_M)
    line = np.empty((2, width + 1), np.float32)
    result = np.empty((height, width), np.float32)
    for row in range(height):
        for part in range(2):
            source = row + row_whole + part
            inside = 0 <= source < height
            for col in range(width + 1):
                there = col + col_whole
                known = inside and 0 <= there < width
                line[part, col] = z[source, there] if known else low
        for col in range(width):
            upper = line[0, col] * rest + line[0, col + 1] * along
            lower = line[1, col] * rest + line[1, col + 1] * along
            ahead = upper * level + lower * down - np.float32(drop)
            result[row, col] = ahead if only_ahead else max(ahead, z[row, col])
    return result


def _padded(grid: Grid, margin_m: float, spacing: float) -> Grid:
    factor = max(1, round(spacing / grid.resolution))
    coarse = _squared(grid).coarsened(factor)
    pad = math.ceil(margin_m / coarse.resolution)
    rows, cols = coarse.shape
    return coarse.crop(Window(-pad, -pad, cols + 2 * pad, rows + 2 * pad))


def _squared(grid: Grid) -> Grid:
    """Return a grid of squares that covers a grid, whose pixels may be rectangles."""
    if max(grid.stretch) < ALMOST_SQUARE:
        return grid
    west, south, east, north = grid.bounds
    edge = grid.resolution
    shape = math.ceil((north - south) / edge), math.ceil((east - west) / edge)
    return Grid(grid.crs, Affine(edge, 0.0, west, 0.0, -edge, north), shape)
