"""The plain counterpart of each compiled step: NumPy, SciPy, scikit-image and shapely alone.

Nobody maps with these. They say in a few lines what a compiled loop must give; the tests hold both
equal, and ``benchmarks/kernels.py`` tells what the loops save.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from scipy import ndimage
from shapely.geometry import Polygon
from skimage.measure import find_contours

from glacial_lakes.coverage import State
from glacial_lakes.mapping import (
    features,
    indices,
    masks,
    observability,
    seeds,
    slc_gaps,
    uncertainty,
    unmixing,
)
from glacial_lakes.mapping.candidates import CLEAR_NDWI, PURE_PX
from glacial_lakes.scenes.quality import Quality

EIGHT = np.ones((3, 3), bool)


# Stencils


def distance_to(mask, limit):
    distance = np.full(mask.shape, np.inf)
    if mask.any():
        distance = ndimage.distance_transform_edt(~mask)
    return np.where(distance <= limit, distance, 99)


def depth_in(mask, limit):
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.where(depth <= limit, depth, 99)


def dilate(mask, steps):
    return ndimage.binary_dilation(mask, EIGHT, iterations=steps)


def erode(mask, steps):
    return ndimage.binary_erosion(mask, EIGHT, iterations=steps)


def smooth(fields, sigma, truncate):
    return ndimage.gaussian_filter(fields, sigma, truncate=truncate, axes=(0, 1))


def upsample(field, times):
    return ndimage.zoom(field, times, order=1, grid_mode=True, mode="nearest")


def extent(mask):
    if not mask.any():
        return 0, 1, 0, 1
    rows, cols = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    height, width = mask.shape
    return (
        max(0, rows[0] - 1),
        min(height, rows[-1] + 2),
        max(0, cols[0] - 1),
        min(width, cols[-1] + 2),
    )


def median_of(field, where):
    values = field[where & np.isfinite(field)]
    return float(np.median(values.astype(float))) if len(values) else np.nan


def smallest(values, rank):
    return np.partition(values, rank)[rank]


def connected(mask):
    labels, _ = ndimage.label(mask, EIGHT)
    sizes = np.bincount(labels.ravel())[1:]
    extents = [
        (size, rows.start, rows.stop - 1, cols.start, cols.stop - 1)
        for size, (rows, cols) in zip(sizes, ndimage.find_objects(labels), strict=True)
    ]
    return labels, np.array(extents).reshape(-1, 5)


def inside_of(polygon, shape):
    """``polygon`` in pixels from the upper left corner."""
    rows, cols = np.indices(shape) + 0.5
    return shapely.contains_xy(polygon, cols, rows)


def contour_lines(field, level):
    """Return closed rings in pixels from the upper left corner."""
    lines = find_contours(np.pad(field.astype(float), 1), level)
    return [line[:, ::-1] - 0.5 for line in lines]


# Outlines


def around(field):
    return ndimage.gaussian_filter(
        field.astype("float32"), unmixing.SMOOTH_PX, truncate=unmixing.SMOOTH_REACH, axes=(-2, -1)
    )


def mean_around(bands, where):
    total = around(np.where(where, bands, np.float32(0)))
    means = bands[:, where].mean(1)[:, None, None]
    return (total + unmixing.FAINT * means) / (around(where) + unmixing.FAINT)


def wettest(bands, candidate, land, inverse):
    difference = (bands - land)[:, candidate]
    distance = np.einsum("bp,bc,cp->p", difference, inverse, difference)
    chosen = np.zeros(candidate.shape, bool)
    rows, cols = np.nonzero(candidate)
    top = np.argsort(-distance, kind="stable")[: max(1, len(rows) // 3)]
    chosen[rows[top], cols[top]] = True
    return chosen


def project(bands, wet, dry, inverse):
    direction = wet - dry
    weighted = np.einsum("bc,cyx->byx", inverse, direction)
    squared = (direction * weighted).sum(0)
    fraction = ((bands - dry) * weighted).sum(0) / np.maximum(squared, 1e-6)
    return fraction.astype("float32"), float(np.sqrt(np.median(squared)))


def unmix(bands, candidate, others, seen, blur_px):
    """Return water fraction, core, shore, separation, ground and method, or None."""
    top, bottom, left, right = extent(candidate)
    reach = unmixing.NEIGHBOURHOOD_PX
    place = np.s_[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach]
    found = _unmix(
        np.nan_to_num(bands[:, *place], nan=0),
        candidate[place],
        others[place],
        seen[place],
        blur_px,
    )
    if found is None:
        return None
    whole = []
    for part in found[:4]:
        array = np.zeros(candidate.shape, part.dtype)
        array[place] = part
        whole.append(array)
    return *whole, *found[4:]


def _unmix(bands, candidate, others, seen, blur_px):
    depth, away = depth_in(candidate, np.inf), ndimage.distance_transform_edt(~candidate)
    nearest, farthest = unmixing.SHORE_PX
    land = seen & ~candidate & ~others
    shore = land & (away > nearest) & (away <= farthest)
    if shore.sum() < unmixing.MIN_SHORE:
        shore = land & (away > nearest)
    if shore.sum() < unmixing.MIN_SHORE:
        return None
    core = candidate & seen & (depth > unmixing.CORE_PX)
    small = core.sum() < unmixing.MIN_CORE
    land_signal = mean_around(bands, shore)
    covariance = np.cov((bands - land_signal)[:, shore].astype(float))
    covariance = np.atleast_2d(covariance) + np.eye(len(bands)) * unmixing.NOISE**2
    if not small and core.sum() > 2 * len(bands):
        covariance = covariance + np.cov(bands[:, core].astype(float))
    inverse = np.linalg.inv(0.7 * covariance + 0.3 * np.diag(np.diag(covariance)))
    if small:
        core = wettest(bands, candidate & seen, land_signal, inverse)
        water_signal = np.broadcast_to(bands[:, core].mean(1)[:, None, None], bands.shape)
    else:
        water_signal = mean_around(bands, core)
    fraction, separation = project(bands, water_signal, land_signal, inverse)
    zero, one = 0.0, 1.0
    near = shore & (away <= unmixing.NEAR_LAND_PX)
    if near.sum() >= unmixing.MIN_SHORE:
        zero = median_of(fraction, near)
    nearest, farthest = unmixing.NEAR_WATER_PX
    shallow = candidate & (depth > nearest) & (depth <= farthest)
    if not small and shallow.sum() >= unmixing.MIN_SHORE:
        one = median_of(fraction, shallow)
    fraction = ((fraction - zero) / (np.clip(one, 0.8, 1.1) - zero)).astype("float32")
    ground = away <= unmixing.GROUND_PX
    if others.any():
        ground &= away <= ndimage.distance_transform_edt(~others)
    cover = blurred_cover(fraction, seen & ground, candidate, blur_px)
    beside = endmembers_beside_shore(bands, cover, seen & ~others)
    if beside is not None:
        water_signal, land_signal = beside
        fraction, separation = project(bands, water_signal, land_signal, inverse)
    fraction = without_dim_ground(fraction, bands, water_signal, land_signal, inverse)
    return fraction, core, shore, ground, separation, small


def without_dim_ground(fraction, bands, water, land, inverse):
    """Return fractions lowered where only dim light explains them."""
    both = np.stack(np.broadcast_arrays(water, land)).astype(float)
    weighted = np.einsum("sbyx,bc->scyx", both, inverse)
    gram = np.einsum("sbyx,tbyx->yxst", weighted, both)
    given = np.einsum("sbyx,byx->yxs", weighted, bands.astype(float))
    under = np.linalg.det(gram)
    differ = under > unmixing.MIN_COLOUR * gram[..., 0, 0] * gram[..., 1, 1]
    gram[~differ] = np.eye(2)
    a, b = np.moveaxis(np.linalg.solve(gram, given[..., None])[..., 0], -1, 0)
    dim = differ & (b > 0) & (a + b < unmixing.MAX_DIM_LIGHT)
    share = np.where(dim, a.clip(0) / np.where(dim, a.clip(0) + b, 1), fraction)
    return np.where(fraction - share > unmixing.MAX_DIM_EXCESS, share, fraction).astype("float32")


def blurred_cover(fraction, usable, candidate, blur_px):
    level, fine = conserving_level(fraction, usable, candidate), unmixing.FINE
    deep = depth_in(candidate, np.inf) > unmixing.REACH_PX
    field = np.where(deep, np.float32(1), np.where(usable, fraction, np.float32(0)))
    inside = upsample(field, fine) > level
    share = inside.reshape(len(field), fine, -1, fine).mean((1, 3), dtype="float32")
    return ndimage.gaussian_filter(share, blur_px, truncate=4.0)


def endmembers_beside_shore(bands, cover, usable):
    wet = cover > 0.5
    if not wet.any():
        return None
    pure = cover > min(0.9, 0.8 * float(cover.max()))
    dry = usable & ~wet & (distance_to(wet, 9) <= unmixing.DRY_PX)
    wet = usable & pure & wet & (depth_in(wet, 9) <= unmixing.WET_PX)
    bare = dry & (cover < 0.03)
    if dry.sum() < unmixing.MIN_SHORE or wet.sum() < unmixing.MIN_SEEN or not bare.any():
        return None
    wet_mean, dry_mean = (bands[:, where].mean(1)[:, None, None] for where in (wet, bare))
    water_signal, land = (np.broadcast_to(mean, bands.shape) for mean in (wet_mean, dry_mean))
    rest = 1 - cover
    wet_weight = around(np.where(wet, cover**2, 0)) + unmixing.FAINT
    dry_weight = around(np.where(dry, rest**2, 0)) + unmixing.FAINT
    for _ in range(3):
        freed = around(np.where(wet, cover * (bands - rest * land), 0))
        other = around(np.where(dry, rest * (bands - cover * water_signal), 0))
        water_signal = (freed + unmixing.FAINT * wet_mean) / wet_weight
        land = (other + unmixing.FAINT * dry_mean) / dry_weight
    return water_signal, land


def conserving_level(fraction, usable, candidate):
    near, (lowest, highest) = unmixing.REACH_PX, unmixing.LEVEL_LIMITS
    wet = fraction > 0.5
    if not (wet & candidate).any():
        return 0.5
    beside = distance_to(wet & dilate(candidate, 1), near) <= near
    field = np.where(depth_in(wet, near) > near, np.float32(1), np.clip(fraction, -0.5, 1.5))
    field = np.where(usable & beside, field, np.float32(0))
    top, bottom, left, right = extent(field > 0)
    fine = upsample(np.clip(field[top:bottom, left:right], 0, 1), unmixing.FINE)
    count = math.floor(field.sum(dtype=float) * unmixing.FINE**2 + 0.5)
    count = np.clip(count, 1, fine.size - 1)
    level = smallest(fine.ravel(), fine.size - count)
    return float(np.clip(level, lowest, highest))


# What is measured along and inside of an outline


def along_shore(fraction, level, inside, usable, doubtful, core, ground, length_px):
    """Return spread, mixed, sensitivity, doubtful, unlike and apart of a shore.

    See :class:`uncertainty.Shore`.
    """
    near, far = uncertainty.BESIDE_PX
    fraction = np.clip(fraction, -1, 2)
    around = dilate(inside, near)
    beside, pure = dilate(around, far - near), core & inside
    land = beside & ~around & usable
    edge = around & ~erode(inside, near) & usable
    rim = around & ~inside
    low, high = uncertainty.MIXED
    mixed = edge & (fraction > low) & (fraction < high)
    top, bottom, left, right = extent(around)
    field = np.where(around & usable, fraction, np.float32(0))
    fine = upsample(field[top:bottom, left:right], uncertainty.FINE)
    between = (fine > level - uncertainty.LEVELS) & (fine < level + uncertainty.LEVELS)
    return (
        np.sqrt(np.mean(fraction[land] ** 2)) if land.any() else 1.0,
        mixed.sum() / length_px,
        between.sum() / uncertainty.FINE**2 / length_px,
        doubtful[rim].mean() if rim.any() else 0.0,
        fraction[pure].std() if pure.sum() >= uncertainty.MIN_CORE else uncertainty.UNKNOWN_UNLIKE,
        (beside & ~dilate(inside, 1) & usable & ground & ~pure & (fraction > 0.5)).sum(),
    )


def medians(green, nir, swir1, slope, lit, flags, body, all_core, shore):
    core = all_core & body if (all_core & body).any() else body
    value = ndwi_or_zero(green, nir)
    chosen = [
        (field, where)
        for field, places in ((value, 2), (green, 2), (nir, 2), (swir1, 1))
        for where in (core, shore)[:places]
    ]
    chosen += [(slope, body), (lit, body)]
    shares = (features.CLOUD_SHADOW, features.CIRRUS)
    inside = flags[body]
    return (
        *(median_of(field, where) for field, where in chosen),
        *((inside & flag != 0).sum() / max(1, len(inside)) for flag in shares),
    )


def shaded(flags, seen, ground, green):
    shade = flags & Quality.TERRAIN_SHADOW != 0
    flagged = flags & Quality.CLOUD_SHADOW != 0
    under, beside = flagged & ~ground & seen, ~flagged & ~ground & seen
    if min(under.sum(), beside.sum()) >= unmixing.MIN_SHORE:
        limit = observability.MAX_SHADOW_GREEN * median_of(green, beside)
        if median_of(green, under) < limit:
            return shade | flagged
    return shade


def without_slopes(ndwi, slope, flags, candidate):
    """Return a candidate of clear water without the slopes that it runs together with."""
    pure = depth_in(candidate, 2.0) > PURE_PX
    if not median_of(ndwi, pure) > CLEAR_NDWI:
        return candidate
    weak = ndwi < masks.MIN_WATER_NDWI
    steep = (slope > masks.STEEP_DEG / 2) & (flags & Quality.CIRRUS == 0)
    ground = dilate(pure & weak & steep, 1)
    return candidate & ~(ground & weak)


def hazy_water(fall, nir, core_fall, core_nir, dry_fall):
    """Return pixels that may show the lake through haze."""
    clear = 1 - np.maximum(0, nir - core_nir) / (observability.CLOUD_NIR - core_nir)
    fall = fall / clear
    rise = (fall - dry_fall) / (core_fall - dry_fall)
    lowest, highest = observability.HAZY_RISE
    alike = (clear > 0) & (rise > lowest) & (rise < highest)
    if core_fall > 0:
        alike &= fall >= observability.MIN_HAZY_FALL * core_fall
    return alike


def observed(
    inside,
    green,
    nir,
    flags,
    cloud,
    seen,
    snow_or_ice,
    slope,
    state,
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
    pad = 2
    cloudy = dilate(cloud, fringe)
    thin = flags & Quality.CIRRUS != 0
    thin |= dilate(erode(thin, speck), speck + thin_fringe)
    shade = shaded(flags, seen, ground, green)
    fall = green - nir
    with np.errstate(invalid="ignore", divide="ignore"):
        wet = ndwi_or_zero(green, nir) > shore_ndwi + observability.MAX_SHORE_RISE * (
            ndwi - shore_ndwi
        )
        through_haze = hazy_water(
            fall, nir, median_of(fall, core), median_of(nir, core), median_of(fall, shore)
        )
        icy = may_hold_ice & snow_or_ice & (slope < observability.MAX_ICE_SLOPE_DEG)
        hazy = thin & through_haze & ~(slope > masks.STEEP_DEG)
    may_be_lake = np.pad((wet & (thin | shade)) | hazy | icy, pad)
    state = np.where(thin & (state != State.NODATA), State.CLOUD, state)
    state = np.pad(state, pad, constant_values=State.NODATA)
    inside, seen, shade = np.pad(inside, pad), np.pad(seen, pad), np.pad(shade, pad)
    rim, ring = dilate(inside, 2) & ~inside, dilate(inside, 5) & ~dilate(inside, 2)
    parts = (
        (inside, ~seen | shade),
        (rim, ~seen | np.pad(cloudy | icy, pad)),
        (ring, may_be_lake),
    )
    share = 1 - max((part & hides).sum() / max(1, part.sum()) for part, hides in parts)
    hidden = np.any([part & hides for part, hides in parts], axis=0)
    counts = np.bincount(state[hidden], minlength=len(State))
    counts[State.SHADOW] += (hidden & shade & (state == State.LAND)).sum()
    counts[[State.LAND, State.WATER]] = 0
    return share, int(counts.argmax()) if counts.any() else int(State.CLOUD)


# Pixels of a scene


def ratio(one, other):
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one - other) / (one + other)


def ndwi_or_zero(green, nir):
    known = np.isfinite(green + nir)
    green, nir = np.maximum(green, np.float32(0)), np.maximum(nir, np.float32(0))
    return np.where(known, (green - nir) / np.maximum(green + nir, indices.MIN_SIGNAL), np.nan)


def is_milk(blue, green, red, nir, swir1):
    if not blue.size:
        return np.zeros(green.shape, bool)
    milk = (green > masks.MIN_SNOW_GREEN) & (blue < np.float32(masks.MAX_MILK_BLUE) * green)
    fall = ratio(green, nir)
    third = swir1 if swir1.size else np.full_like(green, np.nan)
    none = np.isnan(third)
    falls = fall > np.where(none, masks.MIN_MILK_NDWI_WITHOUT_SWIR, masks.MIN_MILK_NDWI)
    if red.size:
        silty = red > np.float32(masks.MIN_SILT_RED) * green
        falls |= silty & (ratio(red, nir) > masks.MIN_SILT_FALL)
    return milk & falls & (none | (ratio(green, third) > masks.MIN_MILK_NDSI))


def candidates(blue, green, red, nir, swir1, excluded):
    value = ndwi_or_zero(green, nir)
    strong = (value > masks.MIN_WATER_NDWI) & (green < seeds.MAX_WATER_GREEN)
    weak = (value > seeds.MIN_SEED_NDWI) & (nir < seeds.MAX_SEED_NIR)
    dark = nir < seeds.MAX_DARK_NIR
    if swir1.size:
        weak &= (swir1 < seeds.MAX_SEED_SWIR1) & (swir1 < green)
        dark &= swir1 < seeds.MAX_DARK_SWIR1
        dark |= (nir < seeds.MAX_GLINT) & (seeds.GLINT_FALL * nir < swir1) & (swir1 < nir)
    milk = (green < seeds.MAX_WATER_GREEN) & is_milk(blue, green, red, nir, swir1)
    return (strong | weak | dark | milk) & ~excluded & np.isfinite(value)


def river_trace(value, candidate, usable, level, width_px):
    wet = ((value > level) & usable) | candidate
    half = width_px // 2
    wide = dilate(erode(wet, half), half) if half else wet
    narrow = wet & ~wide
    if (narrow & candidate).sum() < candidate.sum() / 2:
        return 0.0
    lines, _ = ndimage.label(dilate(narrow, 1), EIGHT)
    through = np.isin(lines, np.unique(lines[candidate & narrow])) & narrow
    rows, cols = np.nonzero(through)
    return float(np.hypot(np.ptp(rows), np.ptp(cols)))


def is_cloud(green, nir, swir1, flags):
    cloud = flags & Quality.CLOUD != 0
    if not swir1.size:
        return cloud
    min_green, min_swir1 = masks.MIN_CLOUD
    bright = (green > min_green) & (swir1 > min_swir1)
    bright &= swir1 < np.float32(masks.MAX_CLOUD_FALL) * nir
    return cloud | (bright & (ratio(green, swir1) < masks.MIN_NDSI))


def shows_water(blue, green, red, nir, swir1):
    dark = (swir1 if swir1.size else nir) < masks.MAX_UNCLOUDED_SWIR1
    falls = green - nir > masks.MIN_WATER_NDWI * (green + nir)
    return dark & (falls | is_milk(blue, green, red, nir, swir1))


def is_snow_or_ice(blue, green, red, nir, swir1):
    bright = (green > masks.MIN_SNOW_GREEN) & (ratio(green, nir) < masks.MIN_WATER_NDWI)
    bright &= ~is_milk(blue, green, red, nir, swir1)
    if swir1.size:
        return bright & (ratio(green, swir1) > masks.MIN_NDSI)
    return bright & (ratio(green, nir) > 0)


def terrain_flags(slope, lit):
    flags = np.zeros(slope.shape, np.uint8)
    flags[lit < masks.SHADED] |= np.uint8(Quality.TERRAIN_SHADOW)
    flags[slope > masks.STEEP_DEG] |= np.uint8(Quality.STEEP)
    return flags


def without_value(raw, flags):
    """Return the flags with NODATA also where a band has no value."""
    return np.where(np.isfinite(raw).all(0), flags, flags | np.uint8(Quality.NODATA))


def bridge_gaps(band, unseen, first):
    """Return the band with short gaps filled, and NaN in all others, from a row on."""
    rows = band.shape[0]
    line = np.arange(rows)[:, None]
    above = np.maximum.accumulate(np.where(unseen, -1, line), axis=0)
    below = np.minimum.accumulate(np.where(unseen, rows, line)[::-1], axis=0)[::-1]
    gap = unseen & (above >= 0) & (below < rows) & (below - above - 1 <= slc_gaps.MAX_GAP_ROWS)
    row, col = np.nonzero(gap)
    top, bottom = above[row, col], below[row, col]
    weight = ((row - top) / (bottom - top)).astype("float32")
    filled = np.where(unseen, np.float32(np.nan), band)
    filled[row, col] = band[top, col] * (1 - weight) + band[bottom, col] * weight
    filled[:first] = band[:first]
    return filled


def ground_states(flags, cloud, snow_or_ice):
    states = np.full(flags.shape, State.LAND, np.uint8)
    states[flags & (Quality.CLOUD_SHADOW | Quality.TERRAIN_SHADOW) != 0] = State.SHADOW
    states[snow_or_ice | (flags & Quality.SNOW != 0)] = State.SNOW
    states[cloud | (flags & Quality.CIRRUS != 0)] = State.CLOUD
    states[flags & Quality.NODATA != 0] = State.NODATA
    return states


def shadow_reach(cloud, pixel_m, sun_azimuth_deg, sun_elevation_deg):
    """Return all pixels on which a cloud may cast its shadow."""
    reach = np.zeros_like(cloud)
    lowest, highest = (
        height / math.tan(math.radians(sun_elevation_deg)) / pixel_m
        for height in masks.CLOUD_HEIGHT_M
    )
    away = math.radians(sun_azimuth_deg + 180)
    for distance in np.arange(lowest, highest + masks.SHADOW_STEP_PX, masks.SHADOW_STEP_PX):
        rows, cols = round(-distance * math.cos(away)), round(distance * math.sin(away))
        reach |= shifted(cloud, -rows, -cols, False)
    return reach


def shifted(z, rows, cols, beyond):
    """Return z at (row + rows, col + cols)."""
    out = np.full(z.shape, beyond, z.dtype)
    height, width = z.shape
    if abs(rows) < height and abs(cols) < width:
        out[max(0, -rows) : height - max(0, rows), max(0, -cols) : width - max(0, cols)] = z[
            max(0, rows) : height - max(0, -rows), max(0, cols) : width - max(0, -cols)
        ]
    return out


def to_reflectance(numbers, scale, offset, nodata):
    """``nodata`` None when there is none."""
    missing = ~np.isfinite(numbers)
    if nodata is not None:
        missing |= numbers == nodata
    with np.errstate(over="ignore", invalid="ignore"):
        reflectance = numbers.astype(np.float32) * np.float32(scale) + np.float32(offset)
    reflectance[missing | ~np.isfinite(reflectance)] = np.nan
    return reflectance


def bilinear(coarse, factor, start, shape):
    """Return fine pixels between coarse ones, of which ``coarse`` has one more on each side."""
    seen = np.isfinite(coarse)
    positions = [
        (np.arange(first, first + size) + 0.5) / factor - 0.5 - (first // factor - 1)
        for first, size in zip(start, shape, strict=True)
    ]
    value = blend(np.where(seen, coarse, np.float32(0)), *positions)
    weight = blend(seen.astype("float32"), *positions)
    own = seen[np.ix_(*(np.floor(one + 0.5).astype(int) for one in positions))]
    return np.divide(value, weight, out=np.full(shape, np.nan, np.float32), where=own)


def blend(field, y, x):
    """Return a field between its pixels, first along rows and then along columns."""
    last_row, last_col = field.shape[0] - 1, field.shape[1] - 1
    row = np.clip(np.floor(y), 0, max(last_row - 1, 0)).astype(int)
    col = np.clip(np.floor(x), 0, max(last_col - 1, 0)).astype(int)
    low, late = (y - row).astype("float32")[:, None], (x - col).astype("float32")
    across = field[:, col] * (1 - late) + field[:, np.minimum(col + 1, last_col)] * late
    return across[row] * (1 - low) + across[np.minimum(row + 1, last_row)] * low


# Terrain


def horn_gradient(elevation, resolution):
    z = np.pad(elevation.astype(float), 1, mode="edge")
    east, north = z[:, 2:] - z[:, :-2], z[:-2] - z[2:]
    to_east = (east[:-2] + 2 * east[1:-1] + east[2:]) / (8 * resolution)
    to_north = (north[:, :-2] + 2 * north[:, 1:-1] + north[:, 2:]) / (8 * resolution)
    missing = ~np.isfinite(elevation)
    return np.where(missing, np.nan, to_east), np.where(missing, np.nan, to_north)


def illumination(gradient, sun_azimuth_deg, sun_elevation_deg):
    azimuth, elevation = math.radians(sun_azimuth_deg), math.radians(sun_elevation_deg)
    to_east, to_north = gradient
    across = math.cos(elevation) * (to_east * math.sin(azimuth) + to_north * math.cos(azimuth))
    cosine = (math.sin(elevation) - across) / np.sqrt(1 + to_east**2 + to_north**2)
    return np.clip(cosine, 0, None) / math.sin(elevation)


def cast_shadow(elevation, resolution, sun_azimuth_deg, sun_elevation_deg):
    """NaN counts as far below."""
    drop = resolution * math.tan(math.radians(sun_elevation_deg))
    azimuth = math.radians(sun_azimuth_deg)
    row_step, col_step = -math.cos(azimuth), math.sin(azimuth)
    if not np.isfinite(elevation).any():
        return np.zeros(elevation.shape, bool)
    lowest = np.float32(np.nanmin(elevation) - 1e4)
    z = np.where(np.isfinite(elevation), elevation, lowest)
    longest = float(np.nanmax(elevation) - np.nanmin(elevation)) / drop
    obstacle, steps = ahead(z, row_step, col_step) - np.float32(drop), 1
    while steps < longest:
        farther = ahead(obstacle, steps * row_step, steps * col_step)
        obstacle, steps = np.maximum(obstacle, farther - np.float32(steps * drop)), 2 * steps
    return (obstacle > z) & np.isfinite(elevation)  # nothing is known of a void


def ahead(z, row_step, col_step):
    """Return z at (row + row_step, col + col_step), bilinear, far below outside."""
    row, col = math.floor(row_step), math.floor(col_step)
    down, along = np.float32(row_step - row), np.float32(col_step - col)
    upper, lower = (
        shifted(z, line, col, -1e6) * (1 - along) + shifted(z, line, col + 1, -1e6) * along
        for line in (row, row + 1)
    )
    return upper * (1 - down) + lower * down


def sample(layer, source, target, shape):
    """NaN outside the pixel centres of the source and next to NaN."""
    y = (target.f + target.e * (np.arange(shape[0]) + 0.5) - source.f) / source.e - 0.5
    x = (target.c + target.a * (np.arange(shape[1]) + 0.5) - source.c) / source.a - 0.5
    values = blend(layer, y, x)
    values[(y < 0) | (y > layer.shape[0] - 1)] = np.nan
    values[:, (x < 0) | (x > layer.shape[1] - 1)] = np.nan
    return values


def stands_out(field, reach, least):
    found = np.zeros(field.shape, bool)
    if min(field.shape) > 2 * reach:
        here = field[reach:-reach, reach:-reach]
        around = np.stack(
            [
                field[: -2 * reach, reach:-reach],
                field[2 * reach :, reach:-reach],
                field[reach:-reach, : -2 * reach],
                field[reach:-reach, 2 * reach :],
            ]
        )
        is_out = (here > around + least).all(axis=0) | (here < around - least).all(axis=0)
        found[reach:-reach, reach:-reach] = is_out
    return found


def sampled(source, rows, cols, size, parts):
    share = (np.arange(size * parts) + 0.5) / (size * parts) * (len(rows) - 1)
    lattice = np.meshgrid(share, share, indexing="ij")
    places = [ndimage.map_coordinates(nodes, lattice, order=1) - 0.5 for nodes in (rows, cols)]

    def means(layer):
        values = ndimage.map_coordinates(layer, places, order=1, mode="grid-constant")
        return values.reshape(size, parts, size, parts).mean((1, 3))

    known = means(source.any(axis=0).astype(float))
    bands = np.stack([means(band.astype(float)) for band in source])
    square = np.where(known >= 0.5, np.floor(bands / np.maximum(known, 0.5) + 0.5), 0)
    return np.moveaxis(square, 0, -1)


def polygon_of(rings) -> list[Polygon]:
    """Return polygons with holes from rings that do not cross each other."""
    shapes = [ring for ring in shapely.make_valid(rings) if ring.area > 0]
    whole = shapely.GeometryCollection()
    for ring in sorted(shapes, key=lambda ring: -float(ring.area)):
        whole = shapely.symmetric_difference(whole, ring)
    return [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]


def ring_texts(points):
    """Return the vertices of a ring as text."""
    return " ".join(["%.7f,%.7f"] * len(points)) % tuple(points.ravel().tolist())
