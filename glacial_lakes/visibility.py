"""How much of a lake an image shows, and what hides the rest: cloud, shade, gaps, ice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform as transform_points
from scipy import ndimage

from glacial_lakes import outlines, water
from glacial_lakes.coverage import MIN_OBSERVED_FRACTION, STATUS, State
from glacial_lakes.evidence import Evidence
from glacial_lakes.masks import STEEP_DEG
from glacial_lakes.pixels import Pixels
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import Quality

Bool = NDArray[np.bool_]

CLOUD_FRINGE_M = 30.0
"""Thin edge of a cloud that its mask misses (one to three pixels)."""
MAX_SHADOW_GREEN = 0.75
"""Land in the shadow of a cloud reflects less green than this share of the land around."""
THIN_CLOUD_FRINGE_M = 100.0
"""Thin cloud has a wide edge, in which water loses its colour before the mask begins."""
MAX_ICE_SLOPE_DEG = 2.0
"""Ice as flat as this beside open water may be the frozen part of the lake, outside of the months
in which lakes are open and ice beside them is a glacier."""
MAX_DOUBTFUL_ICE_SLOPE_DEG = 8.0
"""The shore of a small lake in a DEM of 30 m; ice on flatter ground may lie on the lake."""
ICE_FREE_MONTHS = (7, 8, 9)
MAX_SHORE_RISE = 0.5
"""Ground whose NDWI rises above that of the shore by this share of the lake's may be lake."""
MIN_HAZY_RISE = 0.4
"""The same through haze, of the difference of green and near infrared."""
EIGHT = np.ones((3, 3), bool)


def observed(
    inside: Bool,
    pixels: Pixels,
    state: NDArray[np.uint8],
    fraction: outlines.Fraction,
    found: Evidence,
    *,
    pixel_m: float,
    may_hold_ice: bool,
) -> tuple[float, str]:
    """Return the observed fraction of a lake, and ``observed`` or what hides the rest.

    Hidden and shaded pixels inside count as they are. Hidden pixels along the shore tell that
    the lake may go on beneath: the fraction is also at most the seen share of the shore. So does
    wet-looking ground beyond the outline where thin cloud or shade may have ended it. The fringe
    of a cloud hides more than its mask, and beyond the edge of the image nothing is seen.
    """
    pad = 2
    cloudy = np.pad(_near(pixels.cloud, CLOUD_FRINGE_M / pixel_m), pad)
    thin = _near(pixels.flags & Quality.CIRRUS != 0, THIN_CLOUD_FRINGE_M / pixel_m)
    shaded = _shaded(pixels, fraction)
    seen = np.pad(pixels.seen, pad)
    value = water.ndwi_or_zero(pixels.reflectance["green"], pixels.reflectance["nir"])
    with np.errstate(invalid="ignore"):
        wet = value > found.shore_ndwi + MAX_SHORE_RISE * (found.ndwi - found.shore_ndwi)
    lake_ice = np.zeros_like(wet)
    if may_hold_ice:
        with np.errstate(invalid="ignore"):
            lake_ice = pixels.snow_or_ice & (pixels.slope_deg < MAX_ICE_SLOPE_DEG)
    hazy = thin & _wet_through_haze(pixels, fraction) & ~(pixels.slope_deg > STEEP_DEG)
    may_be_lake = (wet & (thin | shaded)) | hazy
    beyond = np.pad(may_be_lake | lake_ice, pad)
    icy = np.pad(lake_ice, pad)
    state = np.where(thin & (state != State.NODATA), State.CLOUD, state)
    inside, state = np.pad(inside, pad), np.pad(state, pad, constant_values=State.NODATA)
    rim = _near(inside, 2) & ~inside
    ring = _near(inside, 5) & ~_near(inside, 2)
    hidden_inside = inside & (~seen | np.pad(shaded, pad))
    hidden_rim = rim & (~seen | cloudy | icy)
    hidden_ring = ring & beyond
    observed = 1 - max(
        float(hidden.sum() / max(1, whole.sum()))
        for hidden, whole in ((hidden_inside, inside), (hidden_rim, rim), (hidden_ring, ring))
    )
    if observed >= MIN_OBSERVED_FRACTION:
        return observed, "observed"
    hidden = hidden_inside | hidden_rim | hidden_ring
    counts = np.bincount(state[hidden], minlength=len(State))
    counts[State.SHADOW] += (hidden & np.pad(shaded, pad) & (state == State.LAND)).sum()
    counts[[State.LAND, State.WATER]] = 0
    return observed, STATUS[State(int(counts.argmax()))] if counts.any() else "cloud"


def doubtful_shore(pixels: Pixels, *, may_hold_ice: bool) -> Bool:
    """Return pixels in which a shore is hard to place: in shade, or of ice on flat ground."""
    doubtful: Bool = (pixels.flags & Quality.TERRAIN_SHADOW) != 0
    if may_hold_ice:
        doubtful |= pixels.snow_or_ice & ~(pixels.slope_deg > MAX_DOUBTFUL_ICE_SLOPE_DEG)
    return doubtful


def is_high_summer(scene: Scene) -> bool:
    """Return whether lakes are free of ice: the three warmest months of the hemisphere."""
    west, south, east, north = scene.grid.bounds
    _, lat = transform_points(
        scene.grid.crs, "EPSG:4326", [(west + east) / 2], [(south + north) / 2]
    )
    return (scene.acquired.month - (0 if lat[0] >= 0 else 6)) % 12 in ICE_FREE_MONTHS


def _shaded(pixels: Pixels, fraction: outlines.Fraction) -> Bool:
    """Return pixels in shade, where a shore cannot be told.

    Products take dark lakes for shadows of clouds. The flag is believed where the land that it
    covers is darker than the land around.
    """
    shaded: Bool = (pixels.flags & Quality.TERRAIN_SHADOW) != 0
    flagged = (pixels.flags & Quality.CLOUD_SHADOW) != 0
    land = ~fraction.ground & pixels.seen
    under, beside = flagged & land, ~flagged & land
    if min(under.sum(), beside.sum()) >= outlines.MIN_SHORE:
        green = pixels.reflectance["green"]
        if np.median(green[under]) < MAX_SHADOW_GREEN * np.median(green[beside]):
            shaded = shaded | flagged
    return shaded


def _wet_through_haze(pixels: Pixels, fraction: outlines.Fraction) -> Bool:
    """Return pixels that may be water seen through thin cloud.

    Haze adds about as much in the green as in the near infrared: it lowers the NDWI of water, but
    leaves the difference of both.
    """
    fall = pixels.reflectance["green"] - pixels.reflectance["nir"]
    core, shore = (float(np.nanmedian(fall[part])) for part in (fraction.core, fraction.shore))
    with np.errstate(invalid="ignore"):
        result: Bool = fall > shore + MIN_HAZY_RISE * (core - shore)
    return result


def _near(mask: Bool, distance_px: float) -> Bool:
    result: Bool = ndimage.binary_dilation(mask, EIGHT, iterations=max(1, round(distance_px)))
    return result
