"""The pixel grid: a CRS, an affine transform and a shape, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.windows import Window

from glacial_lakes.errors import N_, GridError, require

EQUAL_AREA = "EPSG:6933"
"""The one frame of all matching (EASE-Grid 2.0): true areas, and true shapes near 30 degrees."""

Places = TypeVar("Places", float, NDArray[np.float64])
"""Places along one axis: one, or an array."""


_UTM = {"proj": "utm", "ellps": "WGS84", "units": "m", "no_defs": True}
"""A zone of UTM on the ellipsoid of WGS 84 whose datum has no name."""


def named_crs(crs: CRS) -> CRS:
    """Return a zone of UTM on the ellipsoid of WGS 84 by its code, another CRS as it is.

    Makers of images write it out with an unknown datum, as HLS does: it is the same place.

    Examples
    --------
    >>> named_crs(CRS.from_string("+proj=utm +zone=43 +ellps=WGS84 +units=m +no_defs")).to_epsg()
    32643
    """
    told = {} if crs.to_epsg() else crs.to_dict()
    zone, is_south = told.pop("zone", None), told.pop("south", False)
    return CRS.from_epsg((32700 if is_south else 32600) + zone) if told == _UTM else crs


def shifted(transform: Affine, row: float, col: float) -> Affine:
    """Return the transform of a north-up raster that begins at another pixel."""
    a, e = transform.a, transform.e
    return Affine(a, 0.0, transform.c + col * a, 0.0, e, transform.f + row * e)


def scaled(transform: Affine, factor: float) -> Affine:
    """Return the transform of a raster with pixels ``factor`` times as large."""
    a, b, c, d, e, f = tuple(transform)[:6]
    return Affine(a * factor, b * factor, c, d * factor, e * factor, f)


def placed(transform: Affine, x: Places, y: Places) -> tuple[Places, Places]:
    """Return where a transform takes places: pixels onto the map, its inverse the way back.

    Of the operators that do it, affine 2 has only ``*`` and affine 3 warns of it.
    """
    a, b, c, d, e, f = tuple(transform)[:6]
    return x * a + y * b + c, x * d + y * e + f


def within(inner: Window, outer: Window) -> tuple[slice, slice]:
    """Return the part of an array of the outer window that the inner window takes."""
    row, col = int(inner.row_off - outer.row_off), int(inner.col_off - outer.col_off)
    return slice(row, row + int(inner.height)), slice(col, col + int(inner.width))


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a raster lie.

    Parameters
    ----------
    crs : rasterio.crs.CRS
        Projected CRS in metres.
    transform : affine.Affine
        Pixel (column, row) of the upper left pixel corner to map coordinates; north-up.
    shape : tuple of int
        Rows and columns.

    Raises
    ------
    GridError
        For a missing or geographic CRS, a rotated transform, or an empty shape.
    InputError
        When one is of another type.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> from affine import Affine
    >>> from rasterio.crs import CRS
    >>> grid = gl.Grid(CRS.from_epsg(32643), Affine(30, 0, 450000, 0, -30, 4720000), (200, 300))
    >>> grid.resolution, grid.bounds
    (30.0, (450000.0, 4714000.0, 459000.0, 4720000.0))
    """

    crs: CRS
    transform: Affine
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        if not self.crs:
            raise GridError(
                None, "the raster has no CRS", "give it one, e.g. with gdal_edit -a_srs"
            )
        require(self.crs, CRS, "crs", N_("give a rasterio.crs.CRS"))
        require(self.transform, Affine, "transform", N_("give an affine.Affine"))
        require(self.shape, (tuple, list), "shape", N_("give the numbers of rows and columns"))
        if not self.crs.is_projected or self.crs.linear_units_factor[1] != 1.0:
            raise GridError(
                None,
                "the CRS {crs} is not a projected one in metres",
                "reproject the raster to its UTM zone, e.g. with gdalwarp -t_srs",
                crs=self.crs.to_string(),
            )
        a, b, _, d, e, _ = tuple(self.transform)[:6]
        if b or d or a <= 0 or e >= 0 or self.transform == Affine.identity():
            raise GridError(None, "the raster is not north-up", "warp it, e.g. with gdalwarp")
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise GridError(
                None, "the raster has the shape {shape}", "download it again", shape=str(self.shape)
            )

    @property
    def resolution(self) -> float:
        """Edge of a pixel in metres: the geometric mean of width and height."""
        return float((self.transform.a * -self.transform.e) ** 0.5)

    @property
    def stretch(self) -> tuple[float, float]:
        """Pixels down and across that are as long as :attr:`resolution`; 1 and 1 of squares."""
        return self.resolution / -self.transform.e, self.resolution / self.transform.a

    @property
    def crs_name(self) -> str:
        """The CRS as people name it: by its code, or by its name."""
        code = str(self.crs.to_string())
        return code if code.startswith("EPSG:") else str(pyproj.CRS.from_wkt(code).name)

    @property
    def pixel_area_m2(self) -> float:
        """Planar area of a pixel in m²."""
        return float(self.transform.a * -self.transform.e)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north edge in CRS units."""
        rows, cols = self.shape
        west, north = placed(self.transform, 0, 0)
        east, south = placed(self.transform, cols, rows)
        return west, south, east, north

    @property
    def window(self) -> Window:
        """The window that covers the whole grid."""
        return Window(0, 0, self.shape[1], self.shape[0])

    def crop(self, window: Window) -> Grid:
        """Return the grid of a window; the window may reach over the edge."""
        shape = (int(window.height), int(window.width))
        return Grid(self.crs, shifted(self.transform, window.row_off, window.col_off), shape)

    def clip(self, window: Window) -> Window:
        """Return the part of a window that lies on the grid (its size may be zero)."""
        top, left = max(0, int(window.row_off)), max(0, int(window.col_off))
        bottom = min(self.shape[0], int(window.row_off + window.height))
        right = min(self.shape[1], int(window.col_off + window.width))
        return Window(left, top, max(0, right - left), max(0, bottom - top))

    def around(self, window: Window, pad: int) -> Window:
        """Return a window and so many pixels around it, cut to the grid."""
        return self.clip(
            Window(
                window.col_off - pad,
                window.row_off - pad,
                window.width + 2 * pad,
                window.height + 2 * pad,
            )
        )

    def window_of(self, bounds: tuple[float, float, float, float], pad: int = 0) -> Window:
        """Return the window of whole pixels that covers bounds, padded, cut to the grid."""
        west, south, east, north = bounds
        left, top = placed(~self.transform, west, north)
        right, bottom = placed(~self.transform, east, south)
        col, row = int(left // 1) - pad, int(top // 1) - pad
        width, height = int(-(-right // 1)) + pad - col, int(-(-bottom // 1)) + pad - row
        return self.clip(Window(col, row, width, height))

    def blocks(self, size: int, overlap: int = 0) -> Iterator[tuple[Window, Window]]:
        """Yield ``(core, padded)`` windows that tile the grid row by row.

        The cores partition the grid; each padded window is its core grown by ``overlap``
        pixels and cut to the grid.
        """
        rows, cols = self.shape
        for row in range(0, rows, size):
            for col in range(0, cols, size):
                core = Window(col, row, min(size, cols - col), min(size, rows - row))
                yield core, self.around(core, overlap)

    def coarsened(self, factor: int) -> Grid:
        """Return the grid of pixels ``factor`` times as large, covering at least this grid."""
        rows, cols = self.shape
        shape = (-(-rows // factor), -(-cols // factor))
        return Grid(self.crs, scaled(self.transform, factor), shape)
