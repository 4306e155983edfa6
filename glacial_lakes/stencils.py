"""Compiled steps on the small windows around single lakes: distances, means, rims, medians.

A scene has thousands of candidates of some hundred pixels each. There a call of a library costs
more than its work, so that these few loops are compiled (numba): ``benchmarks/kernels.py`` compares
each with its plain counterpart, and the tests hold them equal.

All arrays are two-dimensional (y, x) unless told; masks are bool, fields float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def _stamp(package: Path) -> tuple[int, int]:
    """Return what changes with any source file of a package: the last time and the total size."""
    states = [path.stat() for path in package.rglob("*.py")]
    latest = max((state.st_mtime_ns for state in states), default=0)
    return latest, sum(state.st_size for state in states)


_SOURCES = _stamp(Path(__file__).parent)
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}


def kernel(function: Callable[..., Any], **options: bool) -> Any:
    """Compile a function at its first call, and keep the result on disk for later processes.

    It works without Python's lock, so that threads run side by side; a division by 0 is not
    finite.

    What shortens the compilation: kernels that do not call each other many levels deep, since each
    level compiles those below once more; arrays of one layout; types instead of literals, which are
    types of their own; no arrays set or compared as a whole.
    """
    compiled = njit(**_OPTIONS, **options)(function)  # type: ignore[call-overload]
    # Numba keeps a result while the file of the function is unchanged. Yet what it calls, and the
    # numbers that it takes in, come from other files too, and are compiled into it.
    kept = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if kept is not None:
        kept._source_stamp = kept._source_stamp, _SOURCES
    return compiled


inner = partial(kernel, no_cpython_wrapper=True)
"""The same for a function that only others of its kind call."""

FAR = 99.0
"""Stands for any distance beyond the limit that was asked for."""


@kernel
def distance_to(mask, limit):  # type: ignore[no-untyped-def]
    """Return the distance in pixels of every pixel to the nearest one of a mask, float32.

    Distances above ``limit`` are FAR. Equal to ``scipy.ndimage.distance_transform_edt(~mask)``
    below the limit; its cost grows with the limit and not with the size of the mask.
    """
    return _distance(mask, limit, np.bool_(False))


@kernel
def depth_in(mask, limit):  # type: ignore[no-untyped-def]
    """Return the distance to the nearest pixel outside of a mask; beyond the array is outside."""
    return _distance(mask, limit, np.bool_(True))


@inner
def _distance(mask, limit, inside):  # type: ignore[no-untyped-def]
    """Return the distance to pixels of a mask, or inside of it to those that are not in it."""
    height, width = mask.shape
    reach = int(np.ceil(limit))
    none = reach + 1
    beyond = 0 if inside else none
    upright = np.empty((height, width), np.int32)
    for col in range(width):
        since = beyond
        for row in range(height):
            since = 0 if mask[row, col] != inside else min(since + 1, none)
            upright[row, col] = since
        since = beyond
        for row in range(height - 1, -1, -1):
            since = 0 if mask[row, col] != inside else min(since + 1, none)
            upright[row, col] = min(upright[row, col], since)
    found = np.empty((height, width), np.float32)
    nearest = none
    for row in range(height):
        for col in range(width):
            nearest = min(nearest, upright[row, col])
    if nearest == none and not inside:  # nothing is near, as in most windows
        for row in range(height):
            for col in range(width):
                found[row, col] = np.float32(FAR)
        return found
    far = 4 * none * none
    most = limit * limit + 1e-6
    line = np.empty(width + 2 * reach, np.int32)
    best = np.empty(width, np.int32)
    for col in range(width + 2 * reach):
        line[col] = 0 if inside else far
    for row in range(height):
        for col in range(width):
            away = upright[row, col]
            best[col] = away * away if away < none else far
            line[reach + col] = best[col]
        for step in range(1, reach + 1):
            for col in range(width):
                nearer = min(line[reach + col - step], line[reach + col + step]) + step * step
                best[col] = min(best[col], nearer)
        for col in range(width):
            near = best[col] <= most
            found[row, col] = np.sqrt(np.float32(best[col])) if near else np.float32(FAR)
    return found


@kernel
def grown(mask, steps):  # type: ignore[no-untyped-def]
    """Return a mask dilated by squares of ``2 · steps + 1`` pixels; beyond the array is nothing."""
    return _widened(mask, steps, np.bool_(False))


@kernel
def shrunk(mask, steps):  # type: ignore[no-untyped-def]
    """Return a mask eroded by squares of ``2 · steps + 1`` pixels; beyond the array is outside."""
    return _widened(mask, steps, np.bool_(True))


@inner
def _widened(mask, steps, outside):  # type: ignore[no-untyped-def]
    """Return a mask dilated, or what a dilation of its outside leaves of it."""
    height, width = mask.shape
    along = np.empty((height, width), np.bool_)
    for row in range(height):
        last = -1 if outside else -steps - 1
        for col in range(width):
            if mask[row, col] != outside:
                last = col
            along[row, col] = col - last <= steps
        last = width if outside else width + steps + 1
        for col in range(width - 1, -1, -1):
            if mask[row, col] != outside:
                last = col
            along[row, col] |= last - col <= steps
    found = np.empty((height, width), np.bool_)
    for row in range(height):
        edge = outside and (row < steps or row >= height - steps)
        for col in range(width):
            found[row, col] = edge
        for near in range(max(0, row - steps), min(height, row + steps + 1)):
            for col in range(width):
                found[row, col] |= along[near, col]
        if outside:
            for col in range(width):
                found[row, col] = not found[row, col]
    return found


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
def finer(field, times):  # type: ignore[no-untyped-def]
    """Return an array on pixels ``times`` finer, linear between the centres, float32."""
    height, width = field.shape
    result = np.empty((height * times, width * times), np.float32)
    above, low = _between(height, times)
    before, late = _between(width, times)
    line = np.empty(width + 1, np.float32)
    for row in range(height * times):
        upper, lower = field[above[row]], field[min(above[row] + 1, height - 1)]
        for col in range(width):
            line[col] = upper[col] + (lower[col] - upper[col]) * low[row]
        line[width] = line[width - 1]
        target = result[row]
        for col in range(width * times):
            value = line[before[col]]
            target[col] = value + (line[before[col] + 1] - value) * late[col]
    return result


@inner
def _between(size, times):  # type: ignore[no-untyped-def]
    """Return the centre before each fine centre, and the weight of the one after it."""
    index = np.empty(size * times, np.int64)
    weight = np.empty(size * times, np.float32)
    for fine in range(size * times):
        position = min(max((fine + 0.5) / times - 0.5, 0.0), size - 1.0)
        index[fine] = int(position)
        weight[fine] = position - int(position)
    return index, weight


@kernel
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
