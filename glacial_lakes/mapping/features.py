"""What a candidate looks like, in its core and against its own shore."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from glacial_lakes.kernels.filters import median_of
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.kernels.morphology import depth_in, dilate, erode
from glacial_lakes.mapping.indices import ndwi_or_zero
from glacial_lakes.mapping.pixels import Pixels
from glacial_lakes.mapping.rivers import river_width_px
from glacial_lakes.mapping.unmixing import Fraction
from glacial_lakes.scenes.quality import Quality

Bool = NDArray[np.bool_]

MAX_DEPTH_PX = 12.0
"""Deeper inside nothing is narrow any more."""

TURNED_AWAY = 0.8
"""A slope with less direct light than this share of level ground faces away from the sun; shade
of a DEM of 30 m is off by a pixel or two, so what is dark or steep there may be in shadow."""

SHADE_EDGE_PX = 2
"""Shade of a DEM is off by so much."""

MIN_SHADE_PX = 50
"""Fewer pixels in shade tell nothing of it: there is next to none."""

ABOVE_SHADE, SHADE_SPREADS, LEAST_SHADE_SPREAD = 0.12, 3.7, 0.03
"""Index over the median of ground in shade from which water differs from it; in distances of upper
quartile and median, of which 0.67 are a standard deviation; and the least of these distances."""

DARKER_THAN_SHADE = 0.5
"""Share of the near infrared of the darkest twentieth of the ground in shade."""

TERRAIN_SHADOW = int(Quality.TERRAIN_SHADOW)
CLOUD_SHADOW, CIRRUS = int(Quality.CLOUD_SHADOW), int(Quality.CIRRUS)


@dataclass(frozen=True, slots=True)
class Features:
    """What a candidate looks like, in its core and against its shore."""

    ndwi: float
    """Median NDWI of the core."""
    shore_ndwi: float
    green: float
    nir: float
    """Medians of the core."""
    green_ratio: float
    """Green of the core over green of the shore."""
    nir_ratio: float
    """NIR of the core over NIR of the shore."""
    separation: float
    """Distance of core and shore in standard deviations of both (Mahalanobis)."""
    illumination: float
    """Median direct light relative to level ground; NaN without a DEM."""
    slope_deg: float
    """Median slope; NaN without a DEM."""
    sun_elevation_deg: float
    """NaN when the product does not tell it."""
    swir1: float
    """Median of the core; NaN without such a band."""
    blue: float
    """The same."""
    shadow_fraction: float
    """Share flagged as cloud shadow by the product."""
    reach_fraction: float
    """Share that lies where a cloud's shadow may fall."""
    haze_fraction: float
    """Share flagged as thin cirrus by the product."""
    width_px: float
    """Area over half the perimeter: the width of a long shape, the radius of a round one."""
    length_px: float
    """Half perimeter."""
    widest_px: float
    """Width at the widest place; of a strip of one width as much as ``width_px``."""
    trace_px: float
    """Length of the narrow wet line that the candidate is part of; 0 when it is wide itself."""
    narrow: bool
    """Whether it is narrower than mountain rivers may be."""
    outside: float = np.nan
    """Mean probability that an outside model gives it; NaN without one."""
    unlike_shade: bool = False
    """Whether a DEM tells that ground in shade around it looks otherwise, or that there is none.
    Asked for where shade alone speaks against it (:func:`is_unlike_shade`)."""
    red: float = np.nan
    """Median of the core; NaN without such a band."""
    air: float = 0.0
    """Light of the air that was taken off the green; 0 of surface reflectance."""


def measure_features(
    pixels: Pixels,
    body: Bool,
    fraction: Fraction,
    polygon: Polygon,
    inside: Bool,
    *,
    pixel_m: float,
    sun_elevation_deg: float | None,
) -> Features:
    """Measure a candidate.

    Parameters
    ----------
    pixels : Pixels
        The candidate and its surroundings.
    body : array of bool, shape (y, x)
        Pixels of the candidate inside its outline.
    fraction : Fraction
        Its core, its shore and their separation.
    polygon : Polygon
        Its outline in metres.
    inside : array of bool, shape (y, x)
        Pixels inside of it.
    pixel_m : float
        Pixel edge.
    sun_elevation_deg : float or None

    Returns
    -------
    Features
        With ``trace_px`` and ``reach_fraction`` 0: the line through a narrow candidate and the
        shadows of clouds need a wider view. Without what an outside model says.
    """
    bands = pixels.reflectance
    measured = _medians(
        bands["green"],
        bands["nir"],
        bands.get("swir1", pixels.slope_deg),
        pixels.slope_deg,
        pixels.illumination,
        pixels.flags,
        body,
        fraction.core,
        fraction.shore,
    )
    ndwi, shore_ndwi, green, shore_green, nir, shore_nir, swir1, slope, lit, shadow, haze = measured
    half_perimeter = polygon.exterior.length / 2 / pixel_m
    width = polygon.area / pixel_m**2 / half_perimeter
    core = body & fraction.core
    core = core if core.any() else body
    return Features(
        ndwi=ndwi,
        shore_ndwi=shore_ndwi,
        green=green,
        nir=nir,
        green_ratio=green / max(shore_green, 1e-3),
        nir_ratio=nir / max(shore_nir, 1e-3),
        separation=fraction.separation,
        illumination=lit,
        slope_deg=slope,
        sun_elevation_deg=np.nan if sun_elevation_deg is None else sun_elevation_deg,
        swir1=swir1 if "swir1" in bands else np.nan,
        blue=median_of(bands["blue"], core) if "blue" in bands else np.nan,
        red=median_of(bands["red"], core) if "red" in bands else np.nan,
        shadow_fraction=shadow,
        reach_fraction=0.0,
        haze_fraction=haze,
        width_px=width,
        length_px=half_perimeter,
        widest_px=2 * float(depth_in(inside, MAX_DEPTH_PX).max()) - 1,
        trace_px=0.0,
        narrow=width < river_width_px(pixel_m),
    )


def is_unlike_shade(pixels: Pixels, candidate: Bool, found: Features) -> bool:
    """Return whether the shade around a candidate does not explain it.

    Ground in shade is seen by the light of the sky, whose blue lifts its index as far as the air of
    the scene and the kind of ground have it. This is measured where the DEM puts ground around the
    candidate in shade, away from the edges of shade, which a DEM has a pixel or two off. What has a
    far larger index, or is far darker than all of it, is water. So is what lies in the sun where
    the DEM knows of no shade around.

    Parameters
    ----------
    pixels : Pixels
        The candidate and the ground around it.
    candidate : array of bool, shape (y, x)
    found : Features
    """
    if pixels.terrain is None:
        return False
    edge = np.int64(SHADE_EDGE_PX)
    shade = erode(pixels.flags & TERRAIN_SHADOW != 0, edge) & pixels.seen
    shade &= ~dilate(candidate, edge)
    if shade.sum() < MIN_SHADE_PX:
        return found.illumination > TURNED_AWAY
    green, nir = pixels.reflectance["green"][shade], pixels.reflectance["nir"][shade]
    usual, high = np.percentile(ndwi_or_zero(green[None], nir[None]), (50, 75))
    rise = found.ndwi - usual
    if rise > ABOVE_SHADE and rise > SHADE_SPREADS * max(high - usual, LEAST_SHADE_SPREAD):
        return True
    dark_green, dark_nir = np.percentile(green, 5), np.percentile(nir, 5)
    return bool(found.green < dark_green and found.nir < DARKER_THAN_SHADE * dark_nir)


@kernel
def _medians(green, nir, swir1, slope, lit, flags, body, all_core, shore):  # type: ignore[no-untyped-def]
    height, width = body.shape
    core = np.zeros((height, width), np.bool_)
    shadow, haze, count, pure = 0, 0, 0, 0
    for row in range(height):
        for col in range(width):
            if body[row, col]:
                count += 1
                core[row, col] = all_core[row, col]
                pure += all_core[row, col]
                shadow += flags[row, col] & CLOUD_SHADOW != 0
                haze += flags[row, col] & CIRRUS != 0
    count = max(1, count)
    if not pure:
        core = body
    value = ndwi_or_zero(green, nir)
    return (
        median_of(value, core),
        median_of(value, shore),
        median_of(green, core),
        median_of(green, shore),
        median_of(nir, core),
        median_of(nir, shore),
        median_of(swir1, core),
        median_of(slope, body),
        median_of(lit, body),
        shadow / count,
        haze / count,
    )
