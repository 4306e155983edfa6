"""What may not be called a lake, and what was not seen: snow and ice, cloud, shade, slope.

Reflectance is a mapping of band name to float32 array; NaN is not observed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.kernels.jit import kernel
from glacial_lakes.scenes.quality import Quality

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Reflectance = Mapping[str, Float]

CLOUD = int(Quality.CLOUD)
TERRAIN_SHADOW, STEEP = np.uint8(Quality.TERRAIN_SHADOW), np.uint8(Quality.STEEP)
NO_BAND = np.empty((0, 0), np.float32)
"""Stands for a band that the sensor does not have."""

MIN_WATER_NDWI = 0.24
"""Open water that fills its pixel has a larger NDWI, snow and glacier ice a smaller one: fine
new snow reaches 0.1 and melting ice 0.2 (spectra of Warren 1982 and Bøggild et al. 2010), the
most turbid glacial lakes have about 0.25."""
MIN_SNOW_GREEN = 0.17
"""Sunlit snow and ice reflect more green than this; shaded ones do not and are found by shade."""
MIN_NDSI = 0.3
"""Snow and ice are dark beyond 1.5 µm (Hall et al. 1995 use 0.4; ice with debris is lower)."""
MIN_CLOUD = (0.30, 0.20)
"""Green and SWIR1 reflectance above which nothing but cloud (or sand) is so bright and white; snow
may be as bright where the sun stands upon it, but by its NDSI it is none."""
MAX_CLOUD_FALL = 0.95
"""SWIR1 over near infrared: droplets absorb at 1.6 µm but not at 0.84 (95 % of the clouds of two
hand-labelled real images lie below), white rock, sand and dry silt reflect as much or more."""
MIN_MILK_NDWI, MIN_MILK_NDSI, MAX_MILK_BLUE = 0.06, 0.5, 0.83
"""Water full of rock flour may have the NDWI of ice and be as bright. But silt absorbs the blue,
which of turbid water is 0.6 to 0.8 of the green (Doxaran et al. 2002), and water beyond 1.5 µm;
snow and ice are as blue as green, and what reddens them, debris, shines in the SWIR."""
MIN_MILK_NDWI_WITHOUT_SWIR = 0.1
MIN_SILT_RED, MIN_SILT_FALL = 1.1, 0.08
"""With still more of it red is brighter than green, and near infrared less far below both. Dry
ground rises on from red to near infrared, and dust on snow does not redden it so."""
MAX_UNCLOUDED_SWIR1 = 0.05
"""Below it no opaque cloud lies over a pixel; the same of the near infrared without that band."""
CLOUD_HEIGHT_M = (200.0, 3000.0)
"""Heights above the ground of the clouds that cast sharp shadows in mountains in summer."""
SHADOW_STEP_PX = 4.0
"""Step of the height search; clouds smaller than this cast no shadow of the size of a lake."""
SHADED = 0.35
"""Direct light relative to level ground below which a slope is too dark to judge."""
STEEP_DEG = 20.0
"""Slope above which a water surface is not expected; DEM older than the lake may still show it."""


def is_cloud(reflectance: Reflectance, flags: NDArray[np.uint8]) -> Bool:
    """Return opaque cloud: the product's flag, or bright and white up to the SWIR.

    Droplets absorb less at 1.6 µm than grains of snow do (Dozier 1989).
    """
    swir1 = reflectance.get("swir1", NO_BAND)
    cloud: Bool = _cloud(reflectance["green"], reflectance["nir"], swir1, flags)
    return cloud


@kernel
def _cloud(green, nir, swir1, flags):  # type: ignore[no-untyped-def]
    height, width = flags.shape
    cloud = np.empty((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            cloud[row, col] = (flags[row, col] & CLOUD) != 0
            if swir1.size and green[row, col] > MIN_CLOUD[0] and swir1[row, col] > MIN_CLOUD[1]:
                g, s = green[row, col], swir1[row, col]
                white = s < MAX_CLOUD_FALL * nir[row, col]
                cloud[row, col] |= white and (g - s) / (g + s) < MIN_NDSI
    return cloud


_BRIGHTEST = 1e9
"""More than any reflectance, of which sums and quotients are numbers."""


def may_be_cloud(reflectance: Reflectance, flags: NDArray[np.uint8]) -> Bool:
    """Return where :func:`is_cloud` may find cloud, whatever the bands are that are not given.

    Parameters
    ----------
    reflectance : mapping of str to array of float32, shape (y, x)
        Any of ``green`` and ``swir1``.
    flags : array of uint8, shape (y, x)
    """
    anything = np.full(flags.shape, _BRIGHTEST, np.float32)
    green, swir1 = (reflectance.get(name, anything) for name in ("green", "swir1"))
    cloud: Bool = _cloud(green, np.full_like(anything, np.inf), swir1, flags)
    return cloud


def shows_water(reflectance: Reflectance) -> Bool:
    """Return pixels of water that no cloud hides whose mask was right: it would shine in the SWIR.

    Parameters
    ----------
    reflectance : mapping of str to array of float32, shape (y, x)
    """
    water: Bool = _shows_water(*_by_band(reflectance))
    return water


@kernel
def _shows_water(blue, green, red, nir, swir1):  # type: ignore[no-untyped-def]
    height, width = green.shape
    water = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            g, n = green[row, col], nir[row, col]
            b = blue[row, col] if blue.size else np.float32(np.nan)
            r = red[row, col] if red.size else np.float32(np.nan)
            s = swir1[row, col] if swir1.size else np.float32(np.nan)
            if (s if swir1.size else n) < MAX_UNCLOUDED_SWIR1:
                water[row, col] = g - n > MIN_WATER_NDWI * (g + n) or is_milk(b, g, r, n, s)
    return water


def _by_band(reflectance: Reflectance) -> tuple[Float, ...]:
    names = ("blue", "green", "red", "nir", "swir1")
    return tuple(reflectance.get(name, NO_BAND) for name in names)


def is_snow_or_ice(reflectance: Reflectance) -> Bool:
    """Return sunlit snow and glacier ice by their spectra.

    Bright in green, dark in the SWIR (NDSI), and not falling off towards the near infrared as
    water does (NDWI). Without SWIR the brightness and the NDWI alone decide. What has the colour of
    silt is milky water (:func:`is_milk`).
    """
    snow: Bool = _snow_or_ice(*_by_band(reflectance))
    return snow


@kernel
def is_milk(blue, green, red, nir, swir1):  # type: ignore[no-untyped-def]
    """Return whether a pixel has the colour of water full of silt; NaN of a band: there is none.

    Told where green is bright, so that noise does not matter.
    """
    if not (green > MIN_SNOW_GREEN and blue < MAX_MILK_BLUE * green):
        return False
    if not np.isnan(swir1) and not (green - swir1) / (green + swir1) > MIN_MILK_NDSI:
        return False
    if red > MIN_SILT_RED * green and (red - nir) / (red + nir) > MIN_SILT_FALL:
        return True
    fall = (green - nir) / (green + nir)
    return fall > (MIN_MILK_NDWI_WITHOUT_SWIR if np.isnan(swir1) else MIN_MILK_NDWI)


@kernel
def _snow_or_ice(blue, green, red, nir, swir1):  # type: ignore[no-untyped-def]
    height, width = green.shape
    snow = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            g, n = green[row, col], nir[row, col]
            if not g > MIN_SNOW_GREEN or g + n == 0:
                continue
            value = (g - n) / (g + n)
            if value < MIN_WATER_NDWI:
                b = blue[row, col] if blue.size else np.float32(np.nan)
                r = red[row, col] if red.size else np.float32(np.nan)
                s = swir1[row, col] if swir1.size else np.float32(np.nan)
                if is_milk(b, g, r, n, s):
                    continue
                if swir1.size:
                    snow[row, col] = g + s != 0 and (g - s) / (g + s) > MIN_NDSI
                else:
                    snow[row, col] = value > 0
    return snow


def reach_fraction(
    cloud: Bool,
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    pixel_m: float,
    sun_azimuth_deg: float,
    sun_elevation_deg: float,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> float:
    """Return the share of some pixels on which a cloud may cast its shadow.

    The shadow of a cloud lies away from the sun by its height over the tangent of the sun's
    elevation. The height is not known, so this asks for any cloud 200 to 3000 m above the ground:
    a place where a dark object may be a shadow, not a mask of shadows.

    Parameters
    ----------
    cloud : array of bool, shape (y, x)
        At the pixels, and all that :func:`clouds_above` tells of.
    rows, cols : array of int
        The pixels.
    pixel_m, sun_azimuth_deg, sun_elevation_deg : float
    stretch : tuple of float
        As of :class:`glacial_lakes.Grid`, of pixels that are no squares.
    """
    down, along = towards_sun(pixel_m, sun_azimuth_deg, sun_elevation_deg, stretch)
    cloud = np.ascontiguousarray(cloud)  # the loop is compiled for one layout
    return float(_share_towards(cloud, rows, cols, down, along))


def towards_sun(
    pixel_m: float,
    sun_azimuth_deg: float,
    sun_elevation_deg: float,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns from a pixel to all places whose cloud may cast its shadow on it."""
    if sun_elevation_deg <= 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    lowest, highest = (
        height / math.tan(math.radians(sun_elevation_deg)) / pixel_m for height in CLOUD_HEIGHT_M
    )
    distance = np.arange(lowest, highest + SHADOW_STEP_PX, SHADOW_STEP_PX)
    azimuth = math.radians(sun_azimuth_deg)
    down = np.round(-distance * (math.cos(azimuth) * stretch[0])).astype(np.int64)
    along = np.round(distance * (math.sin(azimuth) * stretch[1])).astype(np.int64)
    return down, along


def clouds_above(
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    pixel_m: float,
    sun_azimuth_deg: float,
    sun_elevation_deg: float,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> Window:
    """Return the window of all clouds that :func:`reach_fraction` asks for, and of the pixels."""
    reach = 0.0
    if sun_elevation_deg > 0:
        highest = CLOUD_HEIGHT_M[1] / math.tan(math.radians(sun_elevation_deg)) / pixel_m
        reach = highest + 2 * SHADOW_STEP_PX
    azimuth = math.radians(sun_azimuth_deg)
    up = round(-reach * (math.cos(azimuth) * stretch[0]))
    along = round(reach * (math.sin(azimuth) * stretch[1]))
    top, left = int(rows.min()) + min(up, 0), int(cols.min()) + min(along, 0)
    bottom, right = int(rows.max()) + max(up, 0) + 1, int(cols.max()) + max(along, 0) + 1
    return Window(left, top, right - left, bottom - top)


@kernel
def _share_towards(cloud, rows, cols, down, along):  # type: ignore[no-untyped-def]
    height, width = cloud.shape
    reached = 0
    for pixel in range(len(rows)):
        for step in range(len(down)):
            row, col = rows[pixel] + down[step], cols[pixel] + along[step]
            if 0 <= row < height and 0 <= col < width and cloud[row, col]:
                reached += 1
                break
    return reached / max(1, len(rows))


def terrain_flags(slope_deg: Float, illumination: Float) -> NDArray[np.uint8]:
    """Return the flags TERRAIN_SHADOW and STEEP (no flag where the DEM has no value)."""
    flags: NDArray[np.uint8] = _terrain_flags(slope_deg, illumination)
    return flags


@kernel
def _terrain_flags(slope, lit):  # type: ignore[no-untyped-def]
    height, width = slope.shape
    flags = np.zeros((height, width), np.uint8)
    for row in range(height):
        for col in range(width):
            if lit[row, col] < SHADED:
                flags[row, col] |= TERRAIN_SHADOW
            if slope[row, col] > STEEP_DEG:
                flags[row, col] |= STEEP
    return flags
