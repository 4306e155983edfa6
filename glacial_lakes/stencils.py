"""Compiled steps on the small windows around single lakes: distances, means, rims, medians.

A scene has thousands of candidates of some hundred pixels each. There a call of a library costs
more than its work, so that these few loops are compiled (numba): ``benchmarks/kernels.py`` compares
each with its plain counterpart, and the tests hold them equal.

All arrays are two-dimensional (y, x) unless told; masks are bool, fields float32.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FAR = 99.0
"""Stands for any distance beyond the limit that was asked for."""


@njit(cache=True, nogil=True)
def distance_to(mask, limit):  # type: ignore[no-untyped-def]
    """Return the distance in pixels of every pixel to the nearest one of a mask, float32.

    Distances above ``limit`` are FAR. Equal to ``scipy.ndimage.distance_transform_edt(~mask)``
    below the limit; its cost grows with the limit and not with the size of the mask.
    """
    height, width = mask.shape
    reach = int(np.ceil(limit))
    none = reach + 1
    upright = np.empty((height, width), np.int32)
    for col in range(width):
        since = none
        for row in range(height):
            since = 0 if mask[row, col] else min(since + 1, none)
            upright[row, col] = since
        since = none
        for row in range(height - 1, -1, -1):
            since = 0 if mask[row, col] else min(since + 1, none)
            upright[row, col] = min(upright[row, col], since)
    found = np.empty((height, width), np.float32)
    most = limit * limit + 1e-6
    for row in range(height):
        for col in range(width):
            best = 1 << 30
            for step in range(max(-reach, -col), min(reach, width - 1 - col) + 1):
                away = upright[row, col + step]
                if away < none:
                    squared = step * step + away * away
                    best = min(best, squared)
            found[row, col] = np.sqrt(np.float32(best)) if best <= most else np.float32(FAR)
    return found


@njit(cache=True, nogil=True)
def depth_in(mask, limit):  # type: ignore[no-untyped-def]
    """Return the distance to the nearest pixel outside of a mask; beyond the array is outside."""
    height, width = mask.shape
    outside = np.ones((height + 2, width + 2), np.bool_)
    for row in range(height):
        for col in range(width):
            outside[row + 1, col + 1] = not mask[row, col]
    return distance_to(outside, limit)[1:-1, 1:-1].copy()


@njit(cache=True, nogil=True)
def grown(mask, steps):  # type: ignore[no-untyped-def]
    """Return a mask dilated by squares of ``2 · steps + 1`` pixels; beyond the array is nothing."""
    height, width = mask.shape
    along = np.zeros((height, width), np.bool_)
    for row in range(height):
        last = -steps - 1
        for col in range(width):
            if mask[row, col]:
                last = col
            along[row, col] = col - last <= steps
        last = width + steps + 1
        for col in range(width - 1, -1, -1):
            if mask[row, col]:
                last = col
            along[row, col] |= last - col <= steps
    found = np.zeros((height, width), np.bool_)
    for row in range(height):
        for near in range(max(0, row - steps), min(height, row + steps + 1)):
            for col in range(width):
                found[row, col] |= along[near, col]
    return found


@njit(cache=True, nogil=True)
def shrunk(mask, steps):  # type: ignore[no-untyped-def]
    """Return a mask eroded by squares of ``2 · steps + 1`` pixels; beyond the array is outside."""
    height, width = mask.shape
    outside = np.ones((height + 2, width + 2), np.bool_)
    for row in range(height):
        for col in range(width):
            outside[row + 1, col + 1] = not mask[row, col]
    return ~grown(outside, steps)[1:-1, 1:-1]


@njit(cache=True, nogil=True)
def gaussian_weights(sigma, truncate):  # type: ignore[no-untyped-def]
    """Return one half of the weights of a Gaussian mean, from its centre outwards, float32."""
    radius = int(truncate * sigma + 0.5)
    half = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return (half / (2 * half.sum() - half[0])).astype(np.float32)


@njit(cache=True, nogil=True)
def smooth(planes, weights):  # type: ignore[no-untyped-def]
    """Return Gaussian-weighted means of planes (p, y, x), mirrored beyond the array, float32.

    Equal to ``scipy.ndimage.gaussian_filter`` in the last two axes.
    """
    count, height, width = planes.shape
    radius = len(weights) - 1
    across = np.empty((height + 2 * radius, width), np.float32)
    line = np.empty(width + 2 * radius, np.float32)
    result = np.empty((count, height, width), np.float32)
    for plane in range(count):
        for row in range(height):
            for col in range(-radius, width + radius):
                line[col + radius] = planes[plane, row, _mirrored(col, width)]
            target = across[row + radius]
            for col in range(width):
                target[col] = weights[0] * line[col + radius]
            for step in range(1, radius + 1):
                weight = weights[step]
                before, behind = radius - step, radius + step
                for col in range(width):
                    target[col] += weight * (line[col + before] + line[col + behind])
        for row in range(radius):
            across[row] = across[_mirrored(row - radius, height) + radius]
            across[height + radius + row] = across[_mirrored(height + row, height) + radius]
        for row in range(height):
            target = result[plane, row]
            centre = across[row + radius]
            for col in range(width):
                target[col] = weights[0] * centre[col]
            for step in range(1, radius + 1):
                weight = weights[step]
                above, below = across[row + radius - step], across[row + radius + step]
                for col in range(width):
                    target[col] += weight * (above[col] + below[col])
    return result


@njit(cache=True, nogil=True)
def _mirrored(index, size):  # type: ignore[no-untyped-def]
    index %= 2 * size
    return index if index < size else 2 * size - 1 - index


@njit(cache=True, nogil=True)
def finer(field, times):  # type: ignore[no-untyped-def]
    """Return an array on pixels ``times`` finer, linear between the centres, float32."""
    height, width = field.shape
    result = np.empty((height * times, width * times), np.float32)
    line = np.empty(width, np.float32)
    for fine_row in range(height * times):
        position = min(max((fine_row + 0.5) / times - 0.5, 0.0), height - 1.0)
        row = min(int(position), max(height - 2, 0))
        below = min(row + 1, height - 1)
        weight = np.float32(position - row)
        for col in range(width):
            line[col] = field[row, col] * (np.float32(1) - weight) + field[below, col] * weight
        target = result[fine_row]
        for fine_col in range(width * times):
            position = min(max((fine_col + 0.5) / times - 0.5, 0.0), width - 1.0)
            col = min(int(position), max(width - 2, 0))
            weight = np.float32(position - col)
            beside = min(col + 1, width - 1)
            target[fine_col] = line[col] * (np.float32(1) - weight) + line[beside] * weight
    return result


@njit(cache=True, nogil=True)
def extent(mask):  # type: ignore[no-untyped-def]
    """Return first and end row, first and end column of a mask and a pixel around it.

    The first pixel alone when the mask is empty.
    """
    height, width = mask.shape
    top, bottom, left, right = height, -1, width, -1
    for row in range(height):
        for col in range(width):
            if mask[row, col]:
                top, bottom = min(top, row), row
                left, right = min(left, col), max(right, col)
    if bottom < 0:
        return 0, 1, 0, 1
    return max(0, top - 1), min(height, bottom + 2), max(0, left - 1), min(width, right + 2)


@njit(cache=True, nogil=True)
def median_of(field, where):  # type: ignore[no-untyped-def]
    """Return the median of the finite values of a field in a mask; NaN where there are none."""
    values = np.empty(field.size, np.float32)
    count = 0
    height, width = field.shape
    for row in range(height):
        for col in range(width):
            if where[row, col] and np.isfinite(field[row, col]):
                values[count] = field[row, col]
                count += 1
    if count == 0:
        return np.nan
    ordered = np.sort(values[:count])
    middle = count // 2
    if count % 2:
        return float(ordered[middle])
    return float((ordered[middle - 1] + ordered[middle]) * np.float32(0.5))


@njit(cache=True, nogil=True)
def share_of(part, whole):  # type: ignore[no-untyped-def]
    """Return the share of a mask that another one takes; 0 of nothing."""
    both = 0
    count = 0
    height, width = whole.shape
    for row in range(height):
        for col in range(width):
            if whole[row, col]:
                count += 1
                both += part[row, col]
    return both / max(1, count)


@njit(cache=True, nogil=True)
def inside_of(x, y, starts, shape):  # type: ignore[no-untyped-def]
    """Return the pixels whose centres lie in a polygon (even-odd rule).

    Parameters
    ----------
    x, y : array of float64
        Vertices of all rings, closed, in pixels from the upper left corner.
    starts : array of int64
        Where each ring begins, and the number of vertices.
    shape : tuple of int
        Rows and columns.
    """
    height, width = shape
    flips = np.zeros((height, width + 1), np.int32)
    for ring in range(len(starts) - 1):
        for vertex in range(starts[ring], starts[ring + 1] - 1):
            y0, y1 = y[vertex], y[vertex + 1]
            if y0 == y1:
                continue
            x0, x1 = x[vertex], x[vertex + 1]
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            first = max(0, int(np.ceil(y0 - 0.5)))
            end = min(height, int(np.ceil(y1 - 0.5)))
            slope = (x1 - x0) / (y1 - y0)
            for row in range(first, end):
                crossing = x0 + (row + 0.5 - y0) * slope
                col = min(max(int(np.ceil(crossing - 0.5)), 0), width)
                flips[row, col] += 1
    inside = np.zeros((height, width), np.bool_)
    for row in range(height):
        crossed = 0
        for col in range(width):
            crossed += flips[row, col]
            inside[row, col] = crossed % 2 == 1
    return inside
