"""Compiled steps on the small windows around single lakes: distances, means, rims, medians.

A scene has thousands of candidates of some hundred pixels each. There a call of a library costs
more than its work, so that these few loops are compiled (numba): ``benchmarks/kernels.py`` compares
each with its plain counterpart, and the tests hold them equal.

All arrays are two-dimensional (y, x) unless told; masks are bool, fields float32.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}

kernel = njit(**_OPTIONS)  # type: ignore[call-overload]
"""Compiles a function at its first call, and keeps the result on disk for later processes. It
works without Python's lock, so that threads run side by side; a division by 0 is not finite."""
inner = njit(**_OPTIONS, no_cpython_wrapper=True)  # type: ignore[call-overload]
"""The same for a function that only others of its kind call.

What shortens the compilation: kernels that do not call each other many levels deep, since each
level compiles those below once more; arrays of one layout; types instead of literals, which are
types of their own; no arrays set or compared as a whole.
"""

LOOK = 64
"""Pixels of a row that are looked at together."""
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
    inside = line[radius * count : (radius + width) * count]
    for row in range(height):
        source = flat[row]
        for place in range(length):
            inside[place] = source[place]
        for col in range(radius):
            before, behind = _mirrored(col - radius, width), _mirrored(width + col, width)
            for field in range(count):
                line[col * count + field] = source[before * count + field]
                line[(radius + width + col) * count + field] = source[behind * count + field]
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


@kernel
def connected(mask, begun, halo):  # type: ignore[no-untyped-def]
    """Return the labels of what is connected over sides or corners, int32, and their extents.

    Equal to ``scipy.ndimage.label``, but its cost follows the runs of pixels in a mask that is
    mostly empty, and it ends where nothing goes on that begins in the first rows.

    Parameters
    ----------
    mask : array of bool, shape (y, x)
        C-contiguous.
    begun : int
        What begins in so many rows is labelled whole; of the rest, what the same rows show.
    halo : int
        Rows below the last of it that are labelled as well.

    Returns
    -------
    labels : array of int32, shape (row, x)
        From 1 on, in the order of first pixels; 0 outside of the mask.
    extents : array of int64, shape (label, 5)
        Number of pixels, first and last row, first and last column.
    """
    height, width = mask.shape
    count = 0
    for row in range(height):
        line = mask[row]
        count += line[0]
        before, here = line[: width - 1], line[1:]
        for col in range(width - 1):
            count += here[col] > before[col]
    runs = np.empty((count, 3), np.int64)  # row, first and end column
    parent = np.arange(count)
    number, above, end = 0, 0, height
    for row in range(height):
        if row >= end:
            break
        first = number
        line = mask[row]
        col = _next(line, 0)
        while col < width:
            begin = col
            while col < width and line[col]:
                col += 1
            runs[number, 0], runs[number, 1], runs[number, 2] = row, begin, col
            number += 1
            col = _next(line, col)
        other = above
        goes_on = row < begun
        for run in range(first, number):
            while other < first and runs[other, 2] < runs[run, 1]:
                other += 1
            near = other
            while near < first and runs[near, 1] <= runs[run, 2]:
                one, two = _root(parent, run), _root(parent, near)
                parent[max(one, two)] = min(one, two)
                near += 1
            goes_on |= runs[_root(parent, run), 0] < begun
        above = first
        if not goes_on and end == height:
            end = min(height, row + halo)
    label = np.zeros(number, np.int32)
    labels = np.zeros((end, width), np.int32)
    extents = np.empty((number, 5), np.int64)
    known = 0
    for run in range(number):
        row, begin, stop = runs[run, 0], runs[run, 1], runs[run, 2]
        root = _root(parent, run)
        if root == run:
            one = extents[known]
            one[0], one[1], one[3], one[4] = 0, row, begin, stop - 1
            known += 1
            label[run] = known
        label[run] = label[root]
        one = extents[label[run] - 1]
        one[0] += stop - begin
        one[2] = row
        one[3], one[4] = min(one[3], begin), max(one[4], stop - 1)
        for col in range(begin, stop):
            labels[row, col] = label[run]
    return labels, extents[:known]


@inner
def _next(line, col):  # type: ignore[no-untyped-def]
    """Return where the next run of a row begins; its length when there is none."""
    size = len(line)
    while col + LOOK <= size:  # at many together, for most rows are empty
        part = line[col : col + LOOK]
        found = False
        for place in range(LOOK):
            found |= part[place]
        if found:
            break
        col += LOOK
    while col < size and not line[col]:
        col += 1
    return col


@inner
def _root(parent, run):  # type: ignore[no-untyped-def]
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@kernel
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


@kernel
def contour_lines(field, level):  # type: ignore[no-untyped-def]
    """Return the lines along which a field crosses a level (marching squares), closed.

    Values stand for pixel centres; beyond the array all is 0, which must be below the level. The
    higher side lies to the left of a line, with y pointing up. Where two corners of a square are
    high, they are not joined over its middle.

    Returns
    -------
    x, y : array of float64
        Vertices in pixels from the upper left corner, one ring after the other.
    starts : array of int64
        Where each ring begins, and the number of vertices.
    areas : array of float64
        Signed area of each ring in pixels: above 0 around high ground, below 0 around low.
    """
    height, width = field.shape[0] + 2, field.shape[1] + 2
    high = np.zeros((height, width), np.bool_)
    for row in range(height - 2):
        for col in range(width - 2):
            high[row + 1, col + 1] = field[row, col] > level
    # Every side of a square that is crossed leads on to one other side. Sides are numbered: the
    # one from a corner to the right, then all those downwards.
    sides = height * width
    onward = np.full(2 * sides, -1, np.int64)
    crossed = 0
    for row in range(height - 1):
        for col in range(width - 1):
            case = (
                high[row, col]
                + 2 * high[row, col + 1]
                + 4 * high[row + 1, col]
                + 8 * high[row + 1, col + 1]
            )
            if case in (0, 15):
                continue
            crossed += 2
            top = row * width + col
            left, bottom, right = sides + top, top + width, sides + top + 1
            if case in (1, 9):
                onward[left] = top
            if case in (2, 6):
                onward[top] = right
            if case in (4, 6):
                onward[bottom] = left
            if case in (8, 9):
                onward[right] = bottom
            if case == 3:
                onward[left] = right
            elif case == 5:
                onward[bottom] = top
            elif case == 7:
                onward[bottom] = right
            elif case == 10:
                onward[top] = bottom
            elif case == 11:
                onward[left] = bottom
            elif case == 12:
                onward[right] = left
            elif case == 13:
                onward[right] = top
            elif case == 14:
                onward[top] = left
    x, y = np.empty(4 * crossed + 1), np.empty(4 * crossed + 1)
    starts, areas = np.zeros(crossed + 1, np.int64), np.zeros(crossed + 1)
    rings, count = 0, 0
    for first in range(2 * sides):
        if onward[first] < 0:
            continue
        side = first
        area = 0.0
        while onward[side] >= 0:
            row, col = (side % sides) // width, side % width
            down = side >= sides
            one = _value(field, row, col)
            other = _value(field, row + down, col + (not down))
            part = (level - one) / (other - one)
            x[count] = col - 0.5 + (0.0 if down else part)
            y[count] = row - 0.5 + (part if down else 0.0)
            if count > starts[rings]:
                area -= x[count - 1] * y[count] - x[count] * y[count - 1]
            count += 1
            following = onward[side]
            onward[side] = -1
            side = following
        begin = starts[rings]
        area -= x[count - 1] * y[begin] - x[begin] * y[count - 1]
        x[count], y[count] = x[begin], y[begin]
        count += 1
        areas[rings] = area / 2
        rings += 1
        starts[rings] = count
    return x[:count], y[:count], starts[: rings + 1], areas[:rings]


@inner
def _value(field, row, col):  # type: ignore[no-untyped-def]
    """Return a value by its place in an array that has one more pixel of 0 on every side."""
    if 1 <= row <= field.shape[0] and 1 <= col <= field.shape[1]:
        return np.float64(field[row - 1, col - 1])
    return 0.0
