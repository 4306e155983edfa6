"""How much of a lake an image shows, and what hides the rest: cloud, shade, gaps, ice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform as transform_points

from glacial_lakes.coverage import MIN_OBSERVED_FRACTION, STATUS, State
from glacial_lakes.kernels.filters import median_of
from glacial_lakes.kernels.jit import inner, kernel
from glacial_lakes.kernels.morphology import dilate, erode
from glacial_lakes.mapping.features import CIRRUS, CLOUD_SHADOW, Features
from glacial_lakes.mapping.indices import ndwi_or_zero
from glacial_lakes.mapping.masks import MAX_CLOUD_FALL, STEEP_DEG
from glacial_lakes.mapping.pixels import Pixels
from glacial_lakes.mapping.unmixing import MIN_SHORE, Fraction
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.schema import Status

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
MIN_ENCLOSING_PX = 30
"""Fewer pixels of water enclose nothing that an image shows."""
MAX_SHORE_RISE = 0.5
"""Ground whose NDWI rises above that of the shore by this share of the lake's may be lake."""
HAZY_RISE = (0.4, 1.6)
"""The same through haze, of the fall from green to near infrared that the lake shows through it."""
MIN_HAZY_FALL = 0.4
"""Haze is white: through it water still reflects more green than near infrared, ground does not."""
CLOUD_NIR = 0.8
"""Reflectance of cloud that lets no light through; thinner cloud mixes it with the ground."""
SPECK_M = 60.0
"""Smaller clouds in a mask are noise, or have no wide edge."""
MIN_WHITE_GREEN, MIN_WHITE_SWIR1, MIN_WHITE_BLUE = 0.12, 0.12, 0.85
BRIGHTER_THAN_SHORE, BLUER_THAN_SHORE = 1.1, 1.1
"""Green, SWIR1, blue over green, and green and that ratio over those of the shore, from which a
pixel beside water may be cloud in a product without a mask of clouds."""
MIN_WET = 0.25
"""Ground that seems to hold more water than this may be lake where something hides a part of it."""
MAX_CUT_PX = 5
"""Pixels of the image's edge along which a lake may end and still be seen whole: two of its own,
and their corners."""
MOST_OF_CUT = 0.89
"""How much of a lake lies beyond the image is not known; it is not observed, whatever it shows."""
TERRAIN_SHADOW = int(Quality.TERRAIN_SHADOW)
NODATA, LAND, WATER = int(State.NODATA), int(State.LAND), int(State.WATER)
CLOUDED, SHADOWED, STATE_COUNT = int(State.CLOUD), int(State.SHADOW), len(State)


def observed(
    inside: Bool,
    pixels: Pixels,
    state: NDArray[np.uint8],
    fraction: Fraction,
    found: Features,
    *,
    pixel_m: float,
    may_hold_ice: bool,
    has_cloud_mask: bool = True,
    floating: Bool | None = None,
) -> tuple[float, str]:
    """Return the observed fraction of a lake, and ``observed`` or what hides the rest.

    Hidden and shaded pixels inside count as they are. Hidden pixels along the shore tell that
    the lake may go on beneath: the fraction is also at most the seen share of the shore. So does
    wet-looking ground beyond the outline where thin cloud or shade may have ended it. The fringe
    of a cloud hides more than its mask, and beyond the edge of the image nothing is seen.
    """
    if _leaves_image(inside, pixels.reflectance["nir"]) > MAX_CUT_PX:
        share = 1 - float((inside & ~pixels.seen).sum() / max(1, inside.sum()))
        return min(share, MOST_OF_CUT), STATUS[State.NODATA]
    share, hidden_by = _observed(
        inside,
        pixels.reflectance["green"],
        pixels.reflectance["nir"],
        pixels.flags,
        pixels.cloud if has_cloud_mask else pixels.cloud | _whitened(pixels, fraction),
        pixels.seen,
        pixels.snow_or_ice,
        pixels.slope_deg,
        state,
        fraction.ground,
        fraction.core,
        fraction.shore,
        found.ndwi,
        found.shore_ndwi,
        max(1, round(CLOUD_FRINGE_M / pixel_m)),
        max(1, round(THIN_CLOUD_FRINGE_M / pixel_m)),
        round(SPECK_M / pixel_m / 2),
        may_hold_ice,
    )
    if floating is not None:
        afloat = float((inside & floating).sum() / max(1, inside.sum()))
        if 1 - afloat < share:
            share, hidden_by = 1 - afloat, int(State.SNOW)
    if share >= MIN_OBSERVED_FRACTION:
        return share, Status.OBSERVED
    return share, STATUS[State(hidden_by)]


@kernel
def _observed(  # type: ignore[no-untyped-def]
    whole,
    green,
    nir,
    flags,
    cloud,
    seen,
    snow_or_ice,
    slope,
    states,
    ground,
    core,
    shore,
    ndwi,
    shore_ndwi,
    fringe,
    thin_fringe,
    speck,
    may_hold_ice,
):
    """Return the observed fraction, and the state that hides most of the rest."""
    height, width = whole.shape
    pad = 2  # what lies beyond the edge of the image was not seen
    tall, wide = height + 2 * pad, width + 2 * pad
    near_cloud = dilate(cloud, fringe)
    thin = np.zeros((height, width), np.bool_)
    inside = np.zeros((tall, wide), np.bool_)
    fall = np.empty((height, width), np.float32)
    for row in range(height):
        for col in range(width):
            thin[row, col] = flags[row, col] & CIRRUS != 0
            inside[row + pad, col + pad] = whole[row, col]
            fall[row, col] = green[row, col] - nir[row, col]
    thin |= dilate(erode(thin, speck), speck + thin_fringe)
    shaded = _shaded(flags, seen, ground, green)
    value = ndwi_or_zero(green, nir)
    dry_fall, core_fall = median_of(fall, shore), median_of(fall, core)
    core_nir = median_of(nir, core)
    wet_ndwi = shore_ndwi + MAX_SHORE_RISE * (ndwi - shore_ndwi)
    rim = dilate(inside, np.int64(2))
    ring = dilate(inside, np.int64(5))
    hidden = np.zeros(3)
    count = np.zeros(3)
    by = np.zeros(STATE_COUNT, np.int64)
    for row in range(tall):
        for col in range(wide):
            if not ring[row, col]:
                continue
            part = 0 if inside[row, col] else 1 if rim[row, col] else 2
            count[part] += 1
            y, x = row - pad, col - pad
            beyond = y < 0 or x < 0 or y >= height or x >= width
            if beyond:
                if part == 1:
                    hidden[1] += 1
                    by[NODATA] += 1
                continue
            state = states[y, x]
            if thin[y, x] and state != NODATA:
                state = CLOUDED
            icy = may_hold_ice and snow_or_ice[y, x] and slope[y, x] < MAX_ICE_SLOPE_DEG
            if part == 0:
                is_hidden = not seen[y, x] or shaded[y, x]
            elif part == 1:
                is_hidden = not seen[y, x] or near_cloud[y, x] or icy
            else:
                wet = value[y, x] > wet_ndwi and (thin[y, x] or shaded[y, x])
                hazy = (
                    thin[y, x]
                    and not slope[y, x] > STEEP_DEG
                    and _is_hazy_water(fall[y, x], nir[y, x], core_fall, core_nir, dry_fall)
                )
                is_hidden = wet or hazy or icy
            if is_hidden:
                hidden[part] += 1
                by[state] += 1
                if shaded[y, x] and state == LAND:
                    by[SHADOWED] += 1
    share = 1.0
    for part in range(3):
        share = min(share, 1 - hidden[part] / max(1.0, count[part]))
    most, hides = 0, CLOUDED
    for state in range(STATE_COUNT):
        if state not in (LAND, WATER) and by[state] > most:
            most, hides = by[state], state
    return share, hides


@inner
def _is_hazy_water(fall, nir, core_fall, core_nir, dry_fall):  # type: ignore[no-untyped-def]
    """Return whether a pixel may show the lake through haze.

    Haze adds as much green as near infrared, and takes the same share from both: the brighter it
    makes the water in the near infrared, the less is left of the fall between the two.
    """
    clear = 1 - max(0.0, nir - core_nir) / (CLOUD_NIR - core_nir)
    if not clear > 0:
        return False
    fall = fall / clear
    if core_fall > 0 and fall < MIN_HAZY_FALL * core_fall:
        return False
    rise = (fall - dry_fall) / (core_fall - dry_fall) if core_fall != dry_fall else 1.0
    return HAZY_RISE[0] < rise < HAZY_RISE[1]


def hidden_ground(
    pixels: Pixels,
    fraction: Fraction,
    *,
    pixel_m: float,
    may_hold_ice: bool,
    has_cloud_mask: bool = True,
    floating: Bool,
) -> Bool:
    """Return pixels in and around a lake of which the image does not show whether they are lake.

    What :func:`observed` counts as hidden, wherever it lies, and ground beside the outline that
    looks wet, as water does under a veil that no mask knows.
    """
    cloud = pixels.cloud if has_cloud_mask else pixels.cloud | _whitened(pixels, fraction)
    hidden: Bool = floating | ~pixels.seen
    hidden |= _shaded(pixels.flags, pixels.seen, fraction.ground, pixels.reflectance["green"])
    unclear = fraction.ground & (fraction.water > MIN_WET)
    unclear |= dilate(cloud, np.int64(max(1, round(CLOUD_FRINGE_M / pixel_m))))
    thin = pixels.flags & CIRRUS != 0
    speck, fringe = round(SPECK_M / pixel_m / 2), max(1, round(THIN_CLOUD_FRINGE_M / pixel_m))
    unclear |= thin | dilate(erode(thin, np.int64(speck)), np.int64(speck + fringe))
    if may_hold_ice:
        unclear |= pixels.snow_or_ice & ~(pixels.slope_deg > MAX_DOUBTFUL_ICE_SLOPE_DEG)
    return hidden | (unclear & ~(fraction.water > 0.5))


def floating_ice(pixels: Pixels, water: Bool) -> Bool:
    """Return ice that water encloses on flat ground: floes and icebergs, which belong to the lake.

    An island rises, or is of rock.
    """
    floating = np.zeros(water.shape, bool)
    if not (pixels.snow_or_ice & ~water).any() or water.sum() < MIN_ENCLOSING_PX:
        return floating
    from scipy import ndimage  # noqa: PLC0415 - most scenes do without

    labels, _ = ndimage.label(ndimage.binary_fill_holes(water) & ~water)
    for number, part in enumerate(ndimage.find_objects(labels), 1):
        hole = labels[part] == number
        slope = pixels.slope_deg[part][hole]
        rises = np.isfinite(slope).any() and np.nanmedian(slope) > MAX_DOUBTFUL_ICE_SLOPE_DEG
        if pixels.snow_or_ice[part][hole].mean() > 0.5 and not rises:
            floating[part] |= hole
    return floating


def _whitened(pixels: Pixels, fraction: Fraction) -> Bool:
    """Return pixels around a lake that thin cloud may have whitened, where no mask tells of it.

    They are brighter than the shore, bluer than it and almost as blue as green, which rocks are
    not, and as bright in the SWIR as no snow, nor snow in patches: these darken the shore there.
    Bare ground beside plants is as white, but falls off to the SWIR less; what is narrower than
    three pixels is no cloud.
    """
    bands = pixels.reflectance
    if "blue" not in bands or "swir1" not in bands:
        return np.zeros(pixels.flags.shape, bool)
    green = bands["green"]
    bright = max(MIN_WHITE_GREEN, BRIGHTER_THAN_SHORE * median_of(green, fraction.shore))
    with np.errstate(invalid="ignore", divide="ignore"):
        blueness = bands["blue"] / green
    least = max(MIN_WHITE_BLUE, BLUER_THAN_SHORE * median_of(blueness, fraction.shore))
    swir1 = bands["swir1"]
    white: Bool = (green > bright) & (blueness > least)
    white &= swir1 < MAX_CLOUD_FALL * bands["nir"]
    white &= swir1 > max(MIN_WHITE_SWIR1, median_of(swir1, fraction.shore))
    wide: Bool = dilate(erode(white, np.int64(1)), np.int64(1))
    return wide


def _leaves_image(inside: Bool, nir: NDArray[np.float32]) -> int:
    """Return the pixels along which a lake meets the edge of the image.

    That is the edge of the array, which reaches farther around a lake unless the image ends, or of
    a wide piece without data; single lost pixels and bridged gaps are none.
    """
    unknown = ~np.isfinite(nir)
    on_edge = inside[0].any() or inside[-1].any() or inside[:, 0].any() or inside[:, -1].any()
    if not on_edge and not unknown.any():
        return 0
    beyond = np.pad(unknown, 3, constant_values=True)
    beyond = dilate(erode(beyond, np.int64(1)), np.int64(1))
    beside = dilate(np.pad(inside, 3), np.int64(1))
    return int((beside & beyond).sum())


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


@kernel
def _shaded(flags, seen, ground, green):  # type: ignore[no-untyped-def]
    """Return pixels in shade, where a shore cannot be told.

    Products take dark lakes for shadows of clouds. The flag is believed where the land that it
    covers is darker than the land around.
    """
    height, width = flags.shape
    shaded = np.zeros((height, width), np.bool_)
    under, beside = np.zeros((height, width), np.bool_), np.zeros((height, width), np.bool_)
    n_under, n_beside = 0, 0
    for row in range(height):
        for col in range(width):
            shaded[row, col] = flags[row, col] & TERRAIN_SHADOW != 0
            if seen[row, col] and not ground[row, col]:
                flagged = flags[row, col] & CLOUD_SHADOW != 0
                under[row, col], beside[row, col] = flagged, not flagged
                n_under, n_beside = n_under + flagged, n_beside + (not flagged)
    if min(n_under, n_beside) < MIN_SHORE:
        return shaded
    if median_of(green, under) < MAX_SHADOW_GREEN * median_of(green, beside):
        for row in range(height):
            for col in range(width):
                shaded[row, col] |= flags[row, col] & CLOUD_SHADOW != 0
    return shaded
