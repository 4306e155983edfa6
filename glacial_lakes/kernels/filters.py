"""Gaussian means, medians and what stands out, mostly on the small windows around single lakes.

Arrays are two-dimensional (y, x) unless told; masks are bool, fields float32.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.jit import inner, kernel


@cache
def gaussian_weights(sigma: float, truncate: float) -> NDArray[np.float32]:
    """Return one half of the weights of a Gaussian mean, from its centre outwards."""
    steps = np.arange(int(truncate * sigma + 0.5) + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    half: NDArray[np.float32] = (weights / (2 * weights.sum() - 1)).astype("float32")
    return half


@kernel
def smooth(fields, weights):  # type: ignore[no-untyped-def]
    """Return Gaussian-weighted means of fields (y, x, n), mirrored beyond the array, float32.

    Equal to ``scipy.ndimage.gaussian_filter`` in the first two axes. The fields lie side by side in
    memory, so that one step of the processor serves several of them.
    """
    height, width, count = fields.shape
    radius = len(weights) - 1
    length = width * count
    line = np.empty((width + 2 * radius) * count, np.float32)
    across = np.empty((height + 2 * radius, length), np.float32)
    flat = fields.reshape(height, length)
    result = np.empty((height, length), np.float32)
    edge = radius * count
    inside = line[edge : edge + length]
    before, behind = np.empty(edge, np.int64), np.empty(edge, np.int64)
    for place in range(edge):
        col, field = place // count, place % count
        before[place] = _mirrored(col - radius, width) * count + field
        behind[place] = _mirrored(width + col, width) * count + field
    for row in range(height):
        source = flat[row]
        for place in range(length):
            inside[place] = source[place]
        for place in range(edge):
            line[place] = source[before[place]]
            line[edge + length + place] = source[behind[place]]
        _weighted(line, weights, count, across[row + radius])
    for row in range(radius):
        above, below = _mirrored(row - radius, height), _mirrored(height + row, height)
        for place in range(length):
            across[row, place] = across[above + radius, place]
            across[height + radius + row, place] = across[below + radius, place]
    flat_across = across.reshape(-1)
    for row in range(height):
        _weighted(flat_across[row * length :], weights, length, result[row])
    return result.reshape(height, width, count)


def evened(
    values: NDArray[np.float32], where: NDArray[np.bool_], sigma: float
) -> NDArray[np.float32]:
    """Return Gaussian means of the values near each pixel that is asked for, of such alone."""
    weights = gaussian_weights(sigma, 3.0)
    both = np.stack([np.where(where, values, np.float32(0)), where.astype(np.float32)], axis=-1)
    total, share = np.moveaxis(smooth(both, weights), -1, 0)
    means: NDArray[np.float32] = np.where(
        where, total / np.maximum(share, np.float32(1e-6)), values
    )
    return means


@inner
def _weighted(line, weights, step, target):  # type: ignore[no-untyped-def]
    """Fill a row with the weighted sums of what lies before and behind in a longer row.

    Two distances at a time, so that sums are seldom fetched and put back.
    """
    size, centre = len(target), (len(weights) - 1) * step
    here = line[centre : centre + size]
    for place in range(size):
        target[place] = weights[0] * here[place]
    for near in range(1, len(weights), 2):
        far = min(near + 1, len(weights) - 1)
        one, other = weights[near], weights[far] if far > near else np.float32(0)
        before, behind = line[centre - near * step :], line[centre + near * step :]
        farther, beyond = line[centre - far * step :], line[centre + far * step :]
        before, behind = before[:size], behind[:size]
        farther, beyond = farther[:size], beyond[:size]
        for place in range(size):
            sums = target[place] + one * (before[place] + behind[place])
            target[place] = sums + other * (farther[place] + beyond[place])


@inner
def _mirrored(index, size):  # type: ignore[no-untyped-def]
    index %= 2 * size
    return index if index < size else 2 * size - 1 - index


@kernel
def median_of(field, where):  # type: ignore[no-untyped-def]
    """Return the median of the finite values of a field in a mask; NaN where there are none."""
    height, width = field.shape
    values = np.empty(height * width, np.float32)
    count = 0
    for row in range(height):
        for col in range(width):
            if where[row, col] and abs(field[row, col]) < np.float32(np.inf):
                values[count] = field[row, col]
                count += 1
    return median(values[:count])


@inner
def median(values):  # type: ignore[no-untyped-def]
    """Return the median of values, which change their order; NaN of none."""
    count = len(values)
    if count == 0:
        return np.nan
    middle = count // 2
    upper = smallest(values, middle)
    if count % 2:
        return float(upper)
    lower = values[0]
    for place in range(1, middle):
        lower = max(lower, values[place])
    return 0.5 * (float(lower) + float(upper))


@kernel
def smallest(values, rank):  # type: ignore[no-untyped-def]
    """Return the value with so many smaller ones (Hoare's selection).

    Those before ``rank`` are then not larger, those behind it not smaller.
    """
    left, right = 0, len(values) - 1
    while left < right:
        pivot = values[(left + right) // 2]
        low, high = left, right
        while low <= high:
            while values[low] < pivot:
                low += 1
            while values[high] > pivot:
                high -= 1
            if low <= high:
                kept = values[low]
                values[low] = values[high]
                values[high] = kept
                low += 1
                high -= 1
        if rank <= high:
            right = high
        elif rank >= low:
            left = low
        else:
            break
    return values[rank]


@kernel
def stands_out(field, reach, least):  # type: ignore[no-untyped-def]
    """Return pixels far above, or far below, those in all four directions.

    Parameters
    ----------
    field : ndarray (y, x), float32
        NaN: no value; such a pixel does not stand out, nor one beside it.
    reach : int
        Pixels to those that it is compared with; nearer the edge nothing is found.
    least : float32
        What more than this lies between is far.
    """
    height, width = field.shape
    found = np.zeros((height, width), np.bool_)
    for row in range(reach, height - reach):
        for col in range(reach, width - reach):
            here = field[row, col]
            beside = field[row, col - reach]
            if here > beside + least:
                found[row, col] = (
                    here > field[row, col + reach] + least
                    and here > field[row - reach, col] + least
                    and here > field[row + reach, col] + least
                )
            elif here < beside - least:
                found[row, col] = (
                    here < field[row, col + reach] - least
                    and here < field[row - reach, col] - least
                    and here < field[row + reach, col] - least
                )
    return found
