"""What may not be called a lake, and what was not seen: snow and ice, cloud, shade, slope.

Reflectance is a mapping of band name to float32 array; NaN is not observed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

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
"""Green and SWIR1 reflectance above which nothing but cloud (or sand) is so bright and white."""
CLOUD_HEIGHT_M = (200.0, 3000.0)
"""Heights above the ground of the clouds that cast sharp shadows in mountains in summer."""
SHADOW_STEP_PX = 4.0
"""Step of the height search; clouds smaller than this cast no shadow of the size of a lake."""
SHADED = 0.35
"""Direct light relative to level ground below which a slope is too dark to judge."""
STEEP_DEG = 20.0
"""Slope above which a water surface is not expected; DEM older than the lake may still show it."""


def is_cloud(reflectance: Reflectance, flags: NDArray[np.uint8]) -> Bool:
    """Return opaque cloud: the product's flag, or bright and white up to the SWIR."""
    cloud: Bool = _cloud(reflectance["green"], reflectance.get("swir1", NO_BAND), flags)
    return cloud


@kernel
def _cloud(green, swir1, flags):  # type: ignore[no-untyped-def]
    height, width = flags.shape
    cloud = np.empty((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            cloud[row, col] = (flags[row, col] & CLOUD) != 0
            if swir1.size and green[row, col] > MIN_CLOUD[0] and swir1[row, col] > MIN_CLOUD[1]:
                cloud[row, col] = True
    return cloud


def is_snow_or_ice(reflectance: Reflectance) -> Bool:
    """Return sunlit snow and glacier ice by their spectra.

    Bright in green, dark in the SWIR (NDSI), and not falling off towards the near infrared as
    water does (NDWI). Without SWIR the brightness and the NDWI alone decide.
    """
    swir1 = reflectance.get("swir1", NO_BAND)
    snow: Bool = _snow_or_ice(reflectance["green"], reflectance["nir"], swir1)
    return snow


@kernel
def _snow_or_ice(green, nir, swir1):  # type: ignore[no-untyped-def]
    height, width = green.shape
    snow = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            g, n = green[row, col], nir[row, col]
            if not g > MIN_SNOW_GREEN or g + n == 0:
                continue
            value = (g - n) / (g + n)
            if value < MIN_WATER_NDWI:
                if swir1.size:
                    s = swir1[row, col]
                    snow[row, col] = g + s != 0 and (g - s) / (g + s) > MIN_NDSI
                else:
                    snow[row, col] = value > 0
    return snow


def reach_fraction(
    states: NDArray[np.uint8],
    cloud_state: int,
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    pixel_m: float,
    sun_azimuth_deg: float,
    sun_elevation_deg: float,
) -> float:
    """Return the share of some pixels on which a cloud may cast its shadow.

    The shadow of a cloud lies away from the sun by its height over the tangent of the sun's
    elevation. The height is not known, so this asks for any cloud 200 to 3000 m above the ground:
    a place where a dark object may be a shadow, not a mask of shadows.

    Parameters
    ----------
    states : array of uint8, shape (y, x)
        Of the whole scene.
    cloud_state : int
        Value of cloud in it.
    rows, cols : array of int
        The pixels.
    pixel_m, sun_azimuth_deg, sun_elevation_deg : float
    """
    if sun_elevation_deg <= 0:
        return 0.0
    lowest, highest = (
        height / math.tan(math.radians(sun_elevation_deg)) / pixel_m for height in CLOUD_HEIGHT_M
    )
    distance = np.arange(lowest, highest + SHADOW_STEP_PX, SHADOW_STEP_PX)
    azimuth = math.radians(sun_azimuth_deg)
    up = np.round(-distance * math.cos(azimuth)).astype(np.int64)
    along = np.round(distance * math.sin(azimuth)).astype(np.int64)
    return float(_share_towards(states, cloud_state, rows, cols, up, along))


@kernel
def _share_towards(states, cloud_state, rows, cols, up, along):  # type: ignore[no-untyped-def]
    height, width = states.shape
    reached = 0
    for pixel in range(len(rows)):
        for step in range(len(up)):
            row, col = rows[pixel] + up[step], cols[pixel] + along[step]
            if 0 <= row < height and 0 <= col < width and states[row, col] == cloud_state:
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
