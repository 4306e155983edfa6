"""The grid of an image in degrees, in metres: the same pixels, on a map on which they are even.

On an equidistant cylindrical map whose true parallel runs through the image, longitudes and
latitudes are columns and rows of one size in metres. So nothing is resampled, which would cost
small lakes some of their area. Pixels are rectangles, the narrower the farther from the equator.
"""

from __future__ import annotations

import math

import pyproj
from affine import Affine
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import EquidistantCylindricalConversion
from rasterio.crs import CRS

from glacial_lakes.errors import GridError
from glacial_lakes.grid import Grid, placed

MOST_STRETCH = 1.1
"""Of a pixel in the middle against one at an edge; twice as much lies between both edges."""
MOST_BENT_PX = 0.1
"""How far rows may lie from even ones: a PROJ that draws this map on the ellipsoid bends them."""


def grid_of(crs: CRS, transform: Affine, shape: tuple[int, int]) -> Grid:
    """Return the grid of a raster; of one in degrees in metres, with the same pixels.

    Parameters
    ----------
    crs : rasterio.crs.CRS
        Projected in metres, or geographic in degrees.
    transform : affine.Affine
        North-up.
    shape : tuple of int
        Rows and columns.

    Raises
    ------
    GridError
        As of :class:`glacial_lakes.Grid`; or when degrees are none, or reach over so many latitudes
        that pixels are not of one size.

    Examples
    --------
    >>> grid = grid_of(CRS.from_epsg(4326), Affine(1e-4, 0, 74.5, 0, -1e-4, 42.7), (800, 900))
    >>> round(grid.transform.a, 2), round(grid.transform.e, 2), grid.shape
    (8.19, -11.13, (800, 900))
    >>> grid.crs_name
    'WGS 84, metres about 42.7 N 75 E'
    """
    a, b, _, d, e, _ = tuple(transform)[:6]
    if not is_in_degrees(crs) or b or d or a <= 0 or e >= 0:
        return Grid(crs, transform, shape)  # which refuses what is no grid
    west, north = placed(transform, 0.0, 0.0)
    east, south = placed(transform, float(shape[1]), float(shape[0]))
    if not (-90 <= south < north <= 90 and -360 <= west < east <= 540 and east - west <= 360):
        raise GridError(
            None,
            "the raster in degrees reaches from {south:g} to {north:g}° N, {west:g} to {east:g}° E",
            "correct its CRS, e.g. with gdal_edit -a_srs",
            south=south, north=north, west=west, east=east,
        )  # fmt: skip
    latitude, longitude = round((south + north) / 2, 1), round((west + east) / 2)
    origin = longitude - 360 * round(longitude / 360)
    local = _local_crs(crs, latitude, origin)
    move = pyproj.Transformer.from_crs(local.geodetic_crs, local, always_xy=True).transform
    (_, along), _ = move([origin, origin + 1], [latitude, latitude])
    _, (top, middle, bottom) = move([origin] * 3, [north, (north + south) / 2, south])
    down = (bottom - top) / shape[0]
    widths = [math.cos(math.radians(edge)) for edge in (south, latitude, north)]
    is_even = widths[1] < MOST_STRETCH * min(widths)
    if not (is_even and abs((top + bottom) / 2 - middle) < MOST_BENT_PX * abs(down)):
        raise GridError(
            None,
            "the raster reaches from {south:g} to {north:g}° of latitude, "
            "over which the size of its pixels changes",
            "cut it into parts, e.g. with gdal_translate -projwin",
            south=south,
            north=north,
        )
    at = Affine(transform.a * along, 0.0, (west - longitude) * along, 0.0, down, top)
    return Grid(CRS.from_wkt(local.to_wkt()), at, shape)


def is_in_degrees(crs: CRS | None) -> bool:
    """Tell whether a CRS has longitudes and latitudes in degrees, and no other axes."""
    if not crs or not crs.is_geographic:
        return False
    axes = pyproj.CRS.from_wkt(crs.to_wkt())
    return not axes.is_derived and all(
        math.isclose(axis.unit_conversion_factor, math.radians(1)) for axis in axes.axis_info[:2]
    )


def _local_crs(crs: CRS, latitude: float, longitude: int) -> ProjectedCRS:
    degrees = pyproj.CRS.from_wkt(crs.to_wkt()).to_2d()
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return ProjectedCRS(
        EquidistantCylindricalConversion(latitude, 0.0, longitude),
        name=f"{degrees.name}, metres about {abs(latitude)} {north} {abs(longitude)} {east}",
        geodetic_crs=degrees,
    )
