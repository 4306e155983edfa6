"""Shaded relief as the ground of the viewer's map."""

from __future__ import annotations

import base64
import logging
import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS

from glacial_lakes.errors import Message, NotCoveredError
from glacial_lakes.grid import Grid
from glacial_lakes.measures.catchment import drainage
from glacial_lakes.measures.meridian import turned
from glacial_lakes.scenes.dem import Dem, name_of, read_heights
from glacial_lakes.terrain import horn_gradient, illumination

_LOG = logging.getLogger(__name__)

WEB_MERCATOR = CRS.from_epsg(3857)
"""The projection of the map; a map unit is a metre at the equator, less elsewhere."""
MOST_PIXELS = 1600
"""Longer side of the relief."""
LEAST_PIXEL_M = 20.0
STREAM_KM2 = 5.0
"""Ground above a pixel from which on a stream is drawn there."""
_STREAM = np.array([58, 128, 178], np.uint8)

_SUN = 315.0, 45.0  # from the upper left, as maps are shaded
_QUALITY = 65
"""Of JPEG, which takes a third of the time of WebP and half as much room again."""

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file and where it lies, as the viewer takes it."""

    content: bytes
    """JPEG."""
    bounds: Bounds
    """West, south, east and north in degrees; straight sides in web Mercator."""


def mercator(lon: Any, lat: Any) -> tuple[Any, Any]:
    """Return places in :data:`WEB_MERCATOR`; longitudes beyond 180 degrees go on.

    Examples
    --------
    >>> [round(float(value)) for value in mercator(180.0, 0.0)]
    [20037508, 0]
    """
    radius = 6378137.0
    lat = np.radians(lat)
    return np.radians(lon) * radius, np.log(np.tan(math.pi / 4 + lat / 2)) * radius


def relief(dem: Dem, bounds: Bounds) -> Picture | None:
    """Shade an elevation model for a map.

    Parameters
    ----------
    dem : path-like, rasterio dataset or xarray.DataArray
        As for :func:`glacial_lakes.map_lakes`.
    bounds : tuple of float
        West, south, east and north of the map in degrees.

    Returns
    -------
    Picture or None
        Grey, from dark shade to bright slopes (Horn 1981), white where the elevation is not
        known, with streams in blue; None where the model does not meet the map.
    """
    west, south, east, north = bounds
    (left, right), (bottom, top) = mercator(np.array([west, east]), np.array([south, north]))
    shrunk = math.cos(math.radians((south + north) / 2))
    pixel = max((right - left) / MOST_PIXELS, (top - bottom) / MOST_PIXELS, LEAST_PIXEL_M / shrunk)
    shape = (max(1, math.ceil((top - bottom) / pixel)), max(1, math.ceil((right - left) / pixel)))
    if max(bounds[2], -bounds[0]) > 180 or turned(west, 0.0) != west:
        return None  # web Mercator ends there, and so does what can be warped to it
    grid = Grid(WEB_MERCATOR, Affine(pixel, 0, left, 0, -pixel, top), shape)
    try:
        heights = read_heights(dem, grid)
    except NotCoveredError:
        _LOG.warning(
            Message(
                "{path}: no relief is drawn, for no lake lies there", path=name_of(dem) or "dem"
            )
        )
        return None
    lit = illumination(horn_gradient(heights, pixel * shrunk), *_SUN)
    grey = np.full(shape, 255, np.uint8)
    known = np.isfinite(lit)
    if not known.any():
        return None
    grey[known] = np.clip(70 + 130 * lit[known], 0, 255).astype(np.uint8)
    wet = streams(heights, pixel * shrunk)
    content = encoded(np.where(wet[..., None], _STREAM, grey[..., None]))
    east, south = from_mercator(left + shape[1] * pixel, top - shape[0] * pixel)
    return Picture(content, (west, south, east, north))


def streams(heights: NDArray[np.float32], cell_m: float) -> NDArray[np.bool_]:
    """Tell where water of more than :data:`STREAM_KM2` gathers.

    Parameters
    ----------
    heights : array of float32, shape (y, x)
        NaN: no elevation.
    cell_m : float
        Pixel edge.

    Returns
    -------
    array of bool, shape (y, x)
        Steepest way down from pixel to pixel, and over the pass out of hollows; in a hollow itself,
        which a lake or a fault of the model fills, no stream is drawn.
    """
    following = drainage(heights, np.zeros(heights.shape, np.int32), cell_m).following
    is_moving = following != np.arange(following.size)
    gathered = np.isfinite(heights).ravel().astype(np.float64)
    waiting = np.bincount(following[is_moving], minlength=following.size)
    ready = np.flatnonzero(is_moving & (waiting == 0))
    while ready.size:  # from the ridges down: all that flow into these are done
        below = following[ready]
        np.add.at(gathered, below, gathered[ready])
        np.subtract.at(waiting, below, 1)
        ready = np.unique(below[is_moving[below] & (waiting[below] == 0)])
    wet: NDArray[np.bool_] = gathered.reshape(heights.shape) * cell_m**2 > STREAM_KM2 * 1e6
    return wet


def encoded(image: NDArray[np.uint8]) -> bytes:
    """Return an image of red, green and blue, shape (y, x, 3), as a JPEG file."""
    with BytesIO() as file:
        Image.fromarray(image).save(file, "JPEG", quality=_QUALITY)
        return file.getvalue()


def data_uri(content: bytes) -> str:
    """Return a JPEG file as the address of itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"


def from_mercator(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude of a place in :data:`WEB_MERCATOR`."""
    radius = 6378137.0
    lat = math.degrees(2 * math.atan(math.exp(y / radius)) - math.pi / 2)
    return math.degrees(x / radius), lat
