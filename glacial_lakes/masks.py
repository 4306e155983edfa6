"""What may not be called a lake, and what was not seen: snow and ice, cloud, shade, slope.

Reflectance is a mapping of band name to float32 array; NaN is not observed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from glacial_lakes import indices
from glacial_lakes.scenes.quality import Quality

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Reflectance = Mapping[str, Float]

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
    cloud: Bool = (flags & Quality.CLOUD) != 0
    if "swir1" not in reflectance:
        return cloud
    min_green, min_swir1 = MIN_CLOUD
    green, swir1 = reflectance["green"], reflectance["swir1"]
    result: Bool = cloud | ((green > min_green) & (swir1 > min_swir1))
    return result


def is_snow_or_ice(reflectance: Reflectance) -> Bool:
    """Return sunlit snow and glacier ice by their spectra.

    Bright in green, dark in the SWIR (NDSI), and not falling off towards the near infrared as
    water does (NDWI). Without SWIR the brightness and the NDWI alone decide.
    """
    green, nir = reflectance["green"], reflectance["nir"]
    with np.errstate(invalid="ignore", divide="ignore"):
        bright = (green > MIN_SNOW_GREEN) & (indices.ndwi(green, nir) < MIN_WATER_NDWI)
        if "swir1" in reflectance:
            bright &= indices.ndsi(green, reflectance["swir1"]) > MIN_NDSI
        else:
            bright &= indices.ndwi(green, nir) > 0
    result: Bool = bright
    return result


def shadow_reach(
    cloud: Bool, pixel_m: float, sun_azimuth_deg: float, sun_elevation_deg: float
) -> Bool:
    """Return where a cloud may cast its shadow, for bases of 200 to 3000 m above the ground.

    The shadow of a cloud lies away from the sun by its height over the tangent of the sun's
    elevation. The height is not known, so this is the union over all heights: a place where a
    dark object may be a shadow, not a mask of shadows.

    Parameters
    ----------
    cloud : array of bool, shape (y, x)
    pixel_m, sun_azimuth_deg, sun_elevation_deg : float

    Returns
    -------
    array of bool, shape (y, x)
    """
    reach = np.zeros_like(cloud)
    if sun_elevation_deg <= 0 or not cloud.any():
        return reach
    lowest, highest = (
        height / math.tan(math.radians(sun_elevation_deg)) / pixel_m for height in CLOUD_HEIGHT_M
    )
    away = math.radians(sun_azimuth_deg + 180)
    for distance in np.arange(lowest, highest + SHADOW_STEP_PX, SHADOW_STEP_PX):
        rows, cols = round(-distance * math.cos(away)), round(distance * math.sin(away))
        height, width = cloud.shape
        if abs(rows) >= height or abs(cols) >= width:
            break
        onto = np.s_[max(0, rows) : height + min(0, rows), max(0, cols) : width + min(0, cols)]
        source = np.s_[
            max(0, -rows) : height + min(0, -rows), max(0, -cols) : width + min(0, -cols)
        ]
        reach[onto] |= cloud[source]
    return reach


def terrain_flags(slope_deg: Float, illumination: Float) -> NDArray[np.uint8]:
    """Return the flags TERRAIN_SHADOW and STEEP (no flag where the DEM has no value)."""
    flags = np.zeros(slope_deg.shape, np.uint8)
    flags[illumination < SHADED] |= np.uint8(Quality.TERRAIN_SHADOW)
    flags[slope_deg > STEEP_DEG] |= np.uint8(Quality.STEEP)
    return flags
