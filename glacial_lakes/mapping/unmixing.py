"""From a candidate to the water fraction of each pixel: local endmembers of water and shore.

Both change along a lake, so that each is a Gaussian-weighted mean of what is near.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.filters import gaussian_weights, median, median_of, smallest, smooth
from glacial_lakes.kernels.interpolation import upsample
from glacial_lakes.kernels.jit import inner, kernel
from glacial_lakes.kernels.morphology import FAR, depth_in, dilate, distance_to, extent
from glacial_lakes.scenes import sensors

FAINT = 1e-3
"""Weight of the overall mean, which counts where nothing is near."""

NOISE = 0.005
"""Reflectance noise floor (Sentinel-2 and Landsat stay below it over dark targets)."""

MIN_CORE = 4


@inner
def mean_around(bands, where, weights):  # type: ignore[no-untyped-def]
    """Return the Gaussian-weighted mean of the chosen pixels around every pixel."""
    height, width, count = bands.shape
    size = height * width
    one, faint = np.float32(1), np.float32(FAINT)
    chosen = np.empty((height, width, 1), np.float32)
    flat = chosen.reshape(-1)
    for place, is_chosen in enumerate(where.flat):
        flat[place] = is_chosen
    scale = smooth(chosen, weights).reshape(-1)
    for place in range(size):
        scale[place] = one / (scale[place] + faint)
    scale, flat = _each(scale, count), _each(flat, count)
    value = bands.reshape(-1)
    for place in range(size * count):
        flat[place] *= value[place]
    means = smooth(flat.reshape(bands.shape), weights).reshape(-1)
    # Far from any chosen pixel the mean of all takes over.
    overall = _everywhere(faint * _mean(bands, where), size)
    for place in range(size * count):
        means[place] = (means[place] + overall[place]) * scale[place]
    return means.reshape(bands.shape)


@inner
def mean_everywhere(bands, where):  # type: ignore[no-untyped-def]
    """Return the mean of the chosen pixels at every pixel."""
    height, width, _ = bands.shape
    return _everywhere(_mean(bands, where), height * width).reshape(bands.shape)


@inner
def endmembers_beside_shore(bands, cover, wet, dry, bare, weights):  # type: ignore[no-untyped-def]
    """Return the endmembers of water and land beside the shore, each freed of the other's share.

    Around every place w and l are the Gaussian-weighted least-squares solution of
    p = cover · w + (1 − cover) · l, w over mostly wet and l over mostly dry pixels, in turns.
    """
    shape = bands.shape
    height, width, count = shape
    size = height * width
    none, one, faint = np.float32(0), np.float32(1), np.float32(FAINT)
    of_wet, of_dry = np.empty(size, np.float32), np.empty(size, np.float32)
    share, is_wet, is_dry = cover.reshape(-1), wet.reshape(-1), dry.reshape(-1)
    rest = np.empty(size, np.float32)
    weight = np.empty((size, 2), np.float32)
    for place in range(size):
        rest[place] = one - share[place]
        of_wet[place] = share[place] if is_wet[place] else none
        of_dry[place] = rest[place] if is_dry[place] else none
        weight[place, 0] = share[place] ** 2 if is_wet[place] else none
        weight[place, 1] = (1 - share[place]) ** 2 if is_dry[place] else none
    weight = smooth(weight.reshape(height, width, 2), weights).reshape((size, 2))
    wet_scale, dry_scale = np.empty(size, np.float32), np.empty(size, np.float32)
    for place in range(size):
        wet_scale[place] = one / (weight[place, 0] + faint)
        dry_scale[place] = one / (weight[place, 1] + faint)
    # From here on one number for each band of each pixel, in flat arrays: see _each.
    share, rest = _each(share, count), _each(rest, count)
    of_wet, of_dry = _each(of_wet, count), _each(of_dry, count)
    wet_scale, dry_scale = _each(wet_scale, count), _each(dry_scale, count)
    wet_mean, dry_mean = _mean(bands, wet), _mean(bands, bare)
    water, land = _everywhere(wet_mean, size), _everywhere(dry_mean, size)
    wet_mean, dry_mean = _everywhere(faint * wet_mean, size), _everywhere(faint * dry_mean, size)
    value = bands.reshape(-1)
    freed = np.empty(size * count, np.float32)
    for _ in range(3):  # the shares are small: three turns settle it
        for place in range(size * count):
            freed[place] = of_wet[place] * (value[place] - rest[place] * land[place])
        wet_sums = smooth(freed.reshape(shape), weights).reshape(-1)
        for place in range(size * count):
            freed[place] = of_dry[place] * (value[place] - share[place] * water[place])
        dry_sums = smooth(freed.reshape(shape), weights).reshape(-1)
        for place in range(size * count):
            water[place] = (wet_sums[place] + wet_mean[place]) * wet_scale[place]
        for place in range(size * count):
            land[place] = (dry_sums[place] + dry_mean[place]) * dry_scale[place]
    return water.reshape(shape), land.reshape(shape)


@inner
def noise(bands, land, shore, core, n_core):  # type: ignore[no-untyped-def]
    """Return the sum of the covariances of shore and water, float64."""
    count = bands.shape[2]
    # Around the local mean: a shore half of ice and half of moraine is no noise of either.
    covariance = _covariance(bands, land, shore)
    if n_core >= MIN_CORE and n_core > 2 * count:
        # Bottom and sediment show through in the visible bands, not in the near infrared.
        within = _covariance(bands, np.zeros(bands.shape, np.float32), core)
        for one in range(count):
            for other in range(count):
                covariance[one, other] += within[one, other]
    # A few dozen pixels do not settle all correlations: lean towards independent bands.
    for one in range(count):
        covariance[one, one] += NOISE**2
        for other in range(count):
            if one != other:
                covariance[one, other] *= 0.7
    return covariance


@inner
def _covariance(bands, around, where):  # type: ignore[no-untyped-def]
    """Return the covariance of what the bands differ by from other values, float64."""
    height, width, count = bands.shape
    mean = np.zeros(count)
    chosen = 0
    for row in range(height):
        for col in range(width):
            if where[row, col]:
                chosen += 1
                for band in range(count):
                    mean[band] += bands[row, col, band] - around[row, col, band]
    for band in range(count):
        mean[band] /= max(1, chosen)
    result = np.zeros((count, count))
    apart = np.empty(count)
    for row in range(height):
        for col in range(width):
            if where[row, col]:
                for band in range(count):
                    apart[band] = bands[row, col, band] - around[row, col, band] - mean[band]
                for one in range(count):
                    for other in range(one + 1):
                        result[one, other] += apart[one] * apart[other]
    for one in range(count):
        for other in range(one + 1):
            result[one, other] /= max(1, chosen - 1)
            result[other, one] = result[one, other]
    return result


@inner
def _mean(bands, where):  # type: ignore[no-untyped-def]
    """Return the mean of the chosen pixels, one number a band."""
    height, width, count = bands.shape
    total = np.zeros(count)
    number = 0
    for row in range(height):
        for col in range(width):
            if where[row, col]:
                number += 1
                for band in range(count):
                    total[band] += bands[row, col, band]
    mean = np.empty(count, np.float32)
    for band in range(count):
        mean[band] = total[band] / max(1, number)
    return mean


@inner
def _everywhere(values, size):  # type: ignore[no-untyped-def]
    """Return one number a band for each of so many pixels, flat."""
    count = len(values)
    result = np.empty((size, count), np.float32)
    for band in range(count):
        for place in range(size):
            result[place, band] = values[band]
    return result.reshape(-1)


@inner
def _each(values, count):  # type: ignore[no-untyped-def]
    """Return each number of a flat array so many times, one for each band of its pixel.

    Flat arrays of equal length are what processors are quickest with.
    """
    result = np.empty((len(values), count), np.float32)
    for band in range(count):
        for place in range(len(values)):
            result[place, band] = values[place]
    return result.reshape(-1)


Float = NDArray[np.float32]

Bool = NDArray[np.bool_]

SHORE_PX = (1.5, 5.0)
"""The endmember of the shore is taken from pixels at this distance from the candidate."""

NEAR_LAND_PX = 3.5
"""Land nearer than this to the candidate defines a water fraction of 0."""

NEAR_WATER_PX = (1.2, 2.3)
"""Water at this depth inside the candidate defines a fraction of 1: it is shallow, so brighter
and more like land than the middle of the lake, but blur does not reach it any more."""

CORE_PX = 1.5
"""The endmember of water is taken from pixels deeper than this inside: beyond the reach of blur,
and still near enough to the shore to know its shallow, brighter water."""

REACH_PX = 2.5
"""Blur and the pixel's width spread a shore over this distance to either side."""

GROUND_PX = 3.0
"""A lake reaches at most this far beyond its candidate."""

DRY_PX, WET_PX = 2.0, 5.0
"""Land and water beside the shore are what lies within these distances of it."""

SMOOTH_PX = 2.0
"""Endmembers change along a lake: they are means over this distance (Gaussian)."""

SMOOTH_REACH = 4.0
"""Farther than so many of these distances nothing has weight."""

NEIGHBOURHOOD_PX = 7
"""Pixels around a candidate and its rim that its endmembers come from and its outline lies in."""

MAX_DIM_LIGHT = 0.7
"""Ground in less of the shore's light is taken for dim ground,"""

MAX_DIM_EXCESS = 0.4
"""where its colour has so much less water than its darkness."""

MIN_DIM_LIGHT = 0.1
"""Deep water is darker than its shallows. What is no brighter than the water in any band, and has
less of the shore's light than this, is no ground: shade has more."""

MIN_COLOUR = 0.05
"""Squared sine of the angle between the endmembers of water and land below which they differ in
brightness alone."""

LEVEL_LIMITS = (0.3, 0.6)

FINE = 4
"""Contours are filled on pixels this many times finer."""

MIN_SHORE = 8

MIN_SEEN = 2


@dataclass(frozen=True, slots=True)
class Fraction:
    """Water fraction around one candidate and the endmembers that it was unmixed with."""

    water: Float
    """Fraction of water, shape (y, x); 0 land, 1 water, beyond by noise."""
    core: Bool
    shore: Bool
    ground: Bool
    """Pixels that may belong to the candidate: near it, and nearer to it than to any other."""
    separation: float
    """Distance of water and shore in standard deviations of both (Mahalanobis)."""
    method: str
    """``unmixed`` with a core of pure pixels, ``unmixed_small`` with the wettest third instead."""


def unmix(
    bands: Float, candidate: Bool, others: Bool, seen: Bool, *, pixel_m: float = 10.0
) -> Fraction | None:
    """Return the water fraction of the pixels around a candidate.

    Each pixel is a mixture of the endmembers of water w and shore l near it. Both change along
    the lake, so they are Gaussian-weighted means of the core and of a ring outside. The
    fraction is the generalised least-squares solution
    f = (p − l)ᵀ C⁻¹ (w − l) / (w − l)ᵀ C⁻¹ (w − l), with C the sum of the covariances
    of shore and water.

    It is done twice. The first endmembers come from pixels that the blur of the shore hardly
    reaches. They give a first outline, and with it the share of water that each pixel beside the
    shore sees through the blur. Freed of that share, the second endmembers come from the shore
    itself, where beach and shallows differ from the ground and the water farther off.

    Parameters
    ----------
    bands : array of float32, shape (band, y, x)
        Reflectance; finite where ``seen``.
    candidate, others : array of bool, shape (y, x)
        Pixels of this candidate, and of its neighbours.
    seen : array of bool, shape (y, x)
        Observed and neither cloud nor shadow.
    pixel_m : float
        Pixel edge, which tells the blur of the image.

    Returns
    -------
    Fraction or None
        None when there is no shore to compare with.
    """
    smoothing = gaussian_weights(SMOOTH_PX, SMOOTH_REACH)
    blurring = gaussian_weights(sensors.blur_px(pixel_m), 4.0)
    found, small, water, core, shore, ground, separation = _unmix(
        bands, candidate, others, seen, smoothing, blurring
    )
    if not found:
        return None
    method = "unmixed_small" if small else "unmixed"
    return Fraction(water, core, shore, ground, separation, method)


@kernel
def _unmix(all_bands, all_candidate, all_others, all_seen, smoothing, blurring):  # type: ignore[no-untyped-def]
    """Return whether there is a shore, whether the core is small, and what a fraction consists of.

    One kernel for all steps: they are short, and a thread that comes back from each would wait for
    Python's lock longer than for the step.
    """
    place, depth, bands, chosen, counts = _surroundings(
        all_bands, all_candidate, all_others, all_seen
    )
    own, free, usable, ground, shore, core, nearest, shallow = chosen
    n_shore, n_core, n_nearest, n_shallow = counts
    shape = all_candidate.shape
    if n_shore < MIN_SHORE:
        none = np.zeros((0, 0), np.bool_)
        return False, False, np.zeros((0, 0), np.float32), none, none, none, np.nan
    land = mean_around(bands, shore, smoothing)
    inverse = np.linalg.inv(noise(bands, land, shore, core, n_core))
    small = n_core < MIN_CORE
    if small:
        core = _wettest(bands, own, usable, land, inverse)
        water = mean_everywhere(bands, core)
    else:
        water = mean_around(bands, core, smoothing)
    fraction, squared = _project(bands, water, land, inverse)
    # Next to the shore, land and shallow water differ a little from the means around them: the
    # nearest land must come out as 0 and the nearest water as 1.
    zero = median_of(fraction, nearest) if n_nearest >= MIN_SHORE else 0.0
    one = median_of(fraction, shallow) if not small and n_shallow >= MIN_SHORE else 1.0
    scale = 1 / (min(max(one, 0.8), 1.1) - zero)
    flat = fraction.reshape(-1)
    for pixel in range(len(flat)):
        flat[pixel] = (np.float64(flat[pixel]) - zero) * scale
    level = conserving_level(fraction, usable, own)
    cover = _blurred_cover(fraction, usable, depth, level, blurring)
    found, wet, dry, bare = _beside_shore(cover, free)
    if found:
        water, land = endmembers_beside_shore(bands, cover, wet, dry, bare, smoothing)
        fraction, squared = _project(bands, water, land, inverse)
    _dim_ground(fraction, bands, water, land, inverse)
    return (
        True,
        small,
        _laid(fraction, place, shape),
        _laid(core, place, shape),
        _laid(shore, place, shape),
        _laid(ground, place, shape),
        np.sqrt(median(squared)),
    )


@inner
def _laid(part, place, shape):  # type: ignore[no-untyped-def]
    """Lay a part of a window into a whole one of 0."""
    top, bottom, left, right = place
    whole = np.zeros(shape, part.dtype)
    for row in range(top, bottom):
        for col in range(left, right):
            whole[row, col] = part[row - top, col - left]
    return whole


@inner
def _surroundings(all_bands, all_candidate, all_others, all_seen):  # type: ignore[no-untyped-def]
    """Return the part of a window that matters, and what its pixels are to the candidate.

    Returns
    -------
    place : tuple of int
        First and end row, first and end column.
    depth : array of float32, shape (y, x)
        Distance to the outside of the candidate.
    bands : array of float32, shape (y, x, band)
        Bands last: see smooth. 0 for NaN.
    chosen : tuple of array of bool
        Candidate, seen outside of others, usable, ground, shore, core, nearest shore, shallows.
    counts : tuple of int
        Pixels of the last four.
    """
    shape = all_candidate.shape
    top, bottom, left, right = extent(all_candidate)
    top, bottom = max(0, top - NEIGHBOURHOOD_PX), min(shape[0], bottom + NEIGHBOURHOOD_PX)
    left, right = max(0, left - NEIGHBOURHOOD_PX), min(shape[1], right + NEIGHBOURHOOD_PX)
    height, width, count = bottom - top, right - left, len(all_bands)
    bands = np.empty((height, width, count), np.float32)
    candidate, others = np.empty((height, width), np.bool_), np.empty((height, width), np.bool_)
    seen = np.empty((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            candidate[row, col] = all_candidate[top + row, left + col]
            others[row, col] = all_others[top + row, left + col]
            seen[row, col] = all_seen[top + row, left + col]
            for band in range(count):
                value = all_bands[band, top + row, left + col]
                bands[row, col, band] = value if np.isfinite(value) else np.float32(0)
    depth, away = depth_in(candidate, 6.0), distance_to(candidate, 6.0)
    away_from_others = distance_to(others, 6.0)
    shore, core = np.empty((height, width), np.bool_), np.empty((height, width), np.bool_)
    nearest, shallow = np.empty((height, width), np.bool_), np.empty((height, width), np.bool_)
    ground, usable = np.empty((height, width), np.bool_), np.empty((height, width), np.bool_)
    free = np.empty((height, width), np.bool_)
    farthest = SHORE_PX[1]
    n_shore, n_core, n_nearest, n_shallow = 0, 0, 0, 0
    for _ in range(2):  # a second time with all land, where there is too little near
        n_shore, n_core, n_nearest, n_shallow = 0, 0, 0, 0
        for row in range(height):
            for col in range(width):
                near, deep = away[row, col], depth[row, col]
                mine = candidate[row, col]
                free[row, col] = seen[row, col] and not others[row, col]
                land = free[row, col] and not mine and SHORE_PX[0] < near <= farthest
                shore[row, col], n_shore = land, n_shore + land
                first = land and near <= NEAR_LAND_PX
                nearest[row, col], n_nearest = first, n_nearest + first
                pure = mine and seen[row, col] and deep > CORE_PX
                core[row, col], n_core = pure, n_core + pure
                first = mine and NEAR_WATER_PX[0] < deep <= NEAR_WATER_PX[1]
                shallow[row, col], n_shallow = first, n_shallow + first
                ground[row, col] = near <= GROUND_PX and near <= away_from_others[row, col]
                usable[row, col] = ground[row, col] and seen[row, col]
        if n_shore >= MIN_SHORE:
            break
        farthest = FAR
    return (
        (top, bottom, left, right),
        depth,
        bands,
        (candidate, free, usable, ground, shore, core, nearest, shallow),
        (n_shore, n_core, n_nearest, n_shallow),
    )


@inner
def _blurred_cover(fraction, usable, depth, level, weights):  # type: ignore[no-untyped-def]
    """Return the share of water that each pixel sees when the outline is where fractions say."""
    height, width = fraction.shape
    field = np.zeros((height, width), np.float32)
    for row in range(height):
        for col in range(width):
            if depth[row, col] > REACH_PX:
                field[row, col] = 1
            elif usable[row, col]:
                field[row, col] = fraction[row, col]
    top, bottom, left, right = extent(field)
    fine = upsample(field[top:bottom, left:right], FINE)
    share = np.zeros((height, width, 1), np.float32)
    for row in range(fine.shape[0]):
        for col in range(fine.shape[1]):
            if fine[row, col] > level:
                share[top + row // FINE, left + col // FINE, 0] += np.float32(1 / FINE**2)
    return smooth(share, weights).reshape((height, width))


@inner
def _beside_shore(cover, usable):  # type: ignore[no-untyped-def]
    """Return mostly wet, mostly dry and quite dry pixels beside the shore.

    The first is False when there is too little of one.
    """
    height, width = cover.shape
    wet, dry = np.empty((height, width), np.bool_), np.empty((height, width), np.bool_)
    bare = np.empty((height, width), np.bool_)
    highest = np.float32(0)
    for row in range(height):
        for col in range(width):
            highest = max(highest, cover[row, col])
            wet[row, col] = cover[row, col] > 0.5
    away, depth = distance_to(wet, DRY_PX), depth_in(wet, WET_PX)
    least = min(0.9, 0.8 * highest)
    n_wet, n_dry, n_bare = 0, 0, 0
    for row in range(height):
        for col in range(width):
            share = cover[row, col]
            is_dry = usable[row, col] and not wet[row, col] and away[row, col] <= DRY_PX
            is_wet = usable[row, col] and wet[row, col] and depth[row, col] <= WET_PX
            is_wet = is_wet and share > least
            is_bare = is_dry and share < 0.03
            wet[row, col], dry[row, col], bare[row, col] = is_wet, is_dry, is_bare
            n_wet, n_dry, n_bare = n_wet + is_wet, n_dry + is_dry, n_bare + is_bare
    return n_dry >= MIN_SHORE and n_wet >= MIN_SEEN and n_bare > 0, wet, dry, bare


@kernel
def conserving_level(fraction, usable, candidate):  # type: ignore[no-untyped-def]
    """Return the contour level whose polygon holds as much area as the fractions sum to.

    Blur and the pixel's own width smear a shore evenly, so that the sum of fractions is kept;
    but the 0.5 contour of a smeared convex lake lies inside of its shore, the more the smaller
    the lake. Deep pixels count as full and pixels far outside as empty, so that texture there
    does not matter.

    Parameters
    ----------
    fraction : array of float32, shape (y, x)
    usable : array of bool
        Pixels that may belong to this lake.
    candidate : array of bool

    Returns
    -------
    float
        Between 0.3 and 0.6; 0.5 for a straight shore.
    """
    lowest, highest = LEVEL_LIMITS
    height, width = fraction.shape
    wet, near = np.zeros((height, width), np.bool_), dilate(candidate, np.int64(1))
    any_wet = False
    for row in range(height):
        for col in range(width):
            wet[row, col] = fraction[row, col] > 0.5
            any_wet |= wet[row, col] and candidate[row, col]
    if not any_wet:
        return 0.5
    depth = depth_in(wet, REACH_PX)
    for row in range(height):
        for col in range(width):
            wet[row, col] &= near[row, col]
    away = distance_to(wet, REACH_PX)
    field = np.zeros((height, width), np.float32)
    total = 0.0
    for row in range(height):
        for col in range(width):
            if usable[row, col] and away[row, col] <= REACH_PX:
                value = fraction[row, col]
                if depth[row, col] > REACH_PX:
                    value = np.float32(1)
                total += min(max(value, np.float32(-0.5)), np.float32(1.5))
                field[row, col] = min(max(value, np.float32(0)), np.float32(1))
    top, bottom, left, right = extent(field)
    fine = upsample(field[top:bottom, left:right], FINE)
    wanted = min(max(int(total * FINE**2 + 0.5), 1), fine.size - 1)
    above, count = 0, 0
    between = np.empty(fine.size, np.float32)
    for row in range(fine.shape[0]):
        for col in range(fine.shape[1]):
            value = fine[row, col]
            if value > highest:
                above += 1
            elif value > lowest:
                between[count] = value
                count += 1
    if wanted <= above:
        return highest
    if wanted > above + count:
        return lowest
    return min(max(float(smallest(between[:count], count - (wanted - above))), lowest), highest)


@inner
def _wettest(bands, candidate, seen, land, inverse):  # type: ignore[no-untyped-def]
    """Return the third of a small candidate that differs most from the shore."""
    height, width, count = bands.shape
    squared = np.full((height, width), -1.0)
    ordered = np.empty(height * width)
    number = 0
    for row in range(height):
        for col in range(width):
            if candidate[row, col] and seen[row, col]:
                total = 0.0
                for one in range(count):
                    for other in range(count):
                        total += (
                            (bands[row, col, one] - land[row, col, one])
                            * inverse[one, other]
                            * (bands[row, col, other] - land[row, col, other])
                        )
                squared[row, col] = total
                ordered[number] = total
                number += 1
    chosen = np.zeros((height, width), np.bool_)
    wanted = min(number, max(1, number // 3))
    if wanted:
        least = smallest(ordered[:number], number - wanted)
        for row in range(height):
            for col in range(width):
                chosen[row, col] = squared[row, col] >= max(least, 0.0)
    return chosen


@inner
def _project(bands, water, land, inverse):  # type: ignore[no-untyped-def]
    """Return the fraction of each pixel, and the squared distance of both endmembers there."""
    height, width, count = bands.shape
    fraction = np.empty((height, width), np.float32)
    squared = np.empty(height * width)
    direction = np.empty(count)
    for row in range(height):
        for col in range(width):
            for band in range(count):
                direction[band] = water[row, col, band] - land[row, col, band]
            along = 0.0
            length = 0.0
            for band in range(count):
                weighted = 0.0
                for other in range(count):
                    weighted += inverse[band, other] * direction[other]
                length += direction[band] * weighted
                along += (bands[row, col, band] - land[row, col, band]) * weighted
            squared[row * width + col] = length
            fraction[row, col] = along / max(length, 1e-6)
    return fraction, squared


@inner
def _is_black(pixel, water, land):  # type: ignore[no-untyped-def]
    """Return whether a pixel is as dark as the water and darker than shade of the shore."""
    total, lit = 0.0, 0.0
    for band in range(len(pixel)):
        total += pixel[band]
        lit += land[band]
        if pixel[band] > water[band] + NOISE:
            return False
    return total < MIN_DIM_LIGHT * lit


@kernel
def _dim_ground(fraction, bands, water, land, inverse):  # type: ignore[no-untyped-def]
    """Lower the fractions that only dim light explains, in place.

    Ground that faces away from the sun is darker than the shore and so looks like a mixture with
    water. In p = a w + b l the light is free, and a / (a + b) is the share that colour tells.
    """
    height, width, count = bands.shape
    for row in range(height):
        for col in range(width):
            if not fraction[row, col] > MAX_DIM_EXCESS:
                continue
            if _is_black(bands[row, col], water[row, col], land[row, col]):
                continue
            ww, wl, ll, pw, pl = 0.0, 0.0, 0.0, 0.0, 0.0
            for one in range(count):
                for other in range(count):
                    weight = inverse[one, other]
                    ww += water[row, col, one] * weight * water[row, col, other]
                    wl += water[row, col, one] * weight * land[row, col, other]
                    ll += land[row, col, one] * weight * land[row, col, other]
                    pw += bands[row, col, one] * weight * water[row, col, other]
                    pl += bands[row, col, one] * weight * land[row, col, other]
            under = ww * ll - wl * wl
            if not under > MIN_COLOUR * ww * ll:
                continue
            a, b = (pw * ll - pl * wl) / under, (pl * ww - pw * wl) / under
            if b > 0 and a + b < MAX_DIM_LIGHT:
                share = max(a, 0.0) / (max(a, 0.0) + b)
                if fraction[row, col] - share > MAX_DIM_EXCESS:
                    fraction[row, col] = share
