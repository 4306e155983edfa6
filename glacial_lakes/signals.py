"""Signals of water and land around each pixel, and how much they scatter.

Both change along a lake, so that each is a Gaussian-weighted mean of what is near.
"""

from __future__ import annotations

import numpy as np

from glacial_lakes.stencils import inner, smooth

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
def signals_beside_shore(bands, cover, wet, dry, bare, weights):  # type: ignore[no-untyped-def]
    """Return the signals of water and land beside the shore, each freed of the other's share.

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
