"""Between pixels: coarse on fine ones, a layer at those of another raster, a square askew in one.

Where a coarse and a fine grid belong together, the fine one starts at the same corner and its
pixels are a whole number of times smaller; a pixel has the same value whatever window is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from glacial_lakes.kernels.jit import inner, kernel

Float = NDArray[np.float32]

_ROUNDING = 1e-6
"""Pixels by which a place between nodes may be beyond them."""


def coarse_span(start: int, size: int, factor: int) -> tuple[int, int]:
    """Return ``(start, size)`` of the coarse pixels that a span of fine pixels lies in."""
    first = start // factor
    last = (start + size - 1) // factor
    return first, last - first + 1


def nearest(
    coarse: NDArray[Any], factor: int, start: tuple[int, int], shape: tuple[int, int]
) -> NDArray[Any]:
    """Return, for each fine pixel, the number of the coarse pixel that it lies in.

    Parameters
    ----------
    coarse : ndarray (coarse_y, coarse_x)
        Pixels of the spans that :func:`coarse_span` gives, and no others.
    factor : int
        Fine pixels along the edge of a coarse one.
    start, shape : tuple of int
        First row and column of the fine window, and its rows and columns.
    """
    rows, cols = (
        np.arange(first, first + size) // factor - coarse_span(first, size, factor)[0]
        for first, size in zip(start, shape, strict=True)
    )
    return coarse.take(cols, axis=1).take(rows, axis=0)  # whole rows last: they are copied at once


def bilinear(
    coarse: NDArray[np.float32], factor: int, start: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return fine pixels interpolated between the centres of coarse ones; NaN is left out.

    A fine pixel in a coarse NaN is NaN; elsewhere NaN neighbours have no weight, which at the
    edge of the raster repeats the last pixel. Parameters as for :func:`nearest`, but ``coarse``
    has one pixel more on each side.
    """
    row, row_weight = _neighbours(start[0], shape[0], factor)
    col, col_weight = _neighbours(start[1], shape[1], factor)
    fine: NDArray[np.float32] = _blend(coarse, row, row_weight, col, col_weight)
    return fine


@kernel
def _blend(coarse, rows, row_weights, cols, col_weights):  # type: ignore[no-untyped-def]
    height, width = len(rows), len(cols)
    one, half = np.float32(1), np.float32(0.5)
    fine = np.empty((height, width), np.float32)
    # Each coarse row is interpolated along itself once; the rows between two are means of them.
    lines = np.empty((2, width), np.float32)
    known = np.empty((2, width), np.float32)
    whole, held = np.zeros(2, np.bool_), np.full(2, -1)
    for row in range(height):
        for source in (rows[row], rows[row] + 1):
            place = source % 2
            if held[place] != source:
                held[place] = source
                whole[place] = _along(coarse[source], cols, col_weights, lines[place], known[place])
        before = rows[row] % 2
        weight, target = row_weights[row], fine[row]
        rest = one - weight
        upper, lower = lines[before], lines[1 - before]
        if whole[0] and whole[1]:
            for col in range(width):
                target[col] = upper[col] * rest + lower[col] * weight
            continue
        own = coarse[rows[row] + (weight >= half)]
        for col in range(width):
            shown = known[before, col] * rest + known[1 - before, col] * weight
            if known[before, col] == one and known[1 - before, col] == one:
                shown = one
            value = (upper[col] * rest + lower[col] * weight) / shown
            seen = abs(own[cols[col] + (col_weights[col] >= half)]) < np.float32(np.inf)
            target[col] = value if seen else np.float32(np.nan)
    return fine


@inner
def _along(line, cols, weights, sums, known):  # type: ignore[no-untyped-def]
    """Fill the weighted sums of what is known of a row, and its weights; tell whether all is."""
    one, none = np.float32(1), np.float32(0)
    lacking = 0
    for col in range(len(line)):
        lacking += not abs(line[col]) < np.float32(np.inf)
    for col in range(len(cols)):
        before, weight = cols[col], weights[col]
        sums[col] = line[before] * (one - weight) + line[before + 1] * weight
        known[col] = one
    if lacking:
        for col in range(len(cols)):
            before, weight = cols[col], weights[col]
            first = abs(line[before]) < np.float32(np.inf)
            second = abs(line[before + 1]) < np.float32(np.inf)
            if not (first and second):
                sums[col] = line[before] * (one - weight) if first else none
                sums[col] += line[before + 1] * weight if second else none
                known[col] = (one - weight if first else none) + (weight if second else none)
    return lacking == 0


def _neighbours(start: int, size: int, factor: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Index of the coarse centre before each fine centre, and the weight of the one after it.

    The index counts from the pixel before the span.
    """
    position = (np.arange(start, start + size) + 0.5) / factor - 0.5
    before = np.floor(position)
    index = before.astype(np.intp) - coarse_span(start, size, factor)[0] + 1
    return index, (position - before).astype(np.float32)


@kernel
def upsample(field, times):  # type: ignore[no-untyped-def]
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


def sample(layer: Float, source: Affine, target: Affine, shape: tuple[int, int]) -> Float:
    """Sample a layer bilinearly at the pixel centres of a raster in the same CRS.

    NaN outside the source's pixel centres and next to NaN.
    """
    x = (target.c + target.a * (np.arange(shape[1]) + 0.5) - source.c) / source.a - 0.5
    y = (target.f + target.e * (np.arange(shape[0]) + 0.5) - source.f) / source.e - 0.5
    sampled: Float = _bilinear(layer, y, x)
    return sampled


@kernel
def _bilinear(layer, y, x):  # type: ignore[no-untyped-def]
    height, width = layer.shape
    values = np.empty((len(y), len(x)), np.float32)
    before = np.zeros(len(x), np.int32)
    late = np.empty(len(x), np.float32)
    first, end = len(x), 0
    for col in range(len(x)):
        if 0 <= x[col] <= width - 1:
            first, end = min(first, col), col + 1
            before[col] = min(int(x[col]), max(width - 2, 0))
            late[col] = x[col] - before[col]
    # Each source row is interpolated along itself once; the rows between two are means of them.
    lines = np.empty((2, len(x)), np.float32)
    held = np.full(2, -1)
    for row in range(len(y)):
        target = values[row]
        if not 0 <= y[row] <= height - 1 or first >= end:
            for col in range(len(x)):
                target[col] = np.float32(np.nan)
            continue
        above = min(int(y[row]), max(height - 2, 0))
        below = min(above + 1, height - 1)
        for source in (above, below):
            if held[source % 2] != source:
                held[source % 2] = source
                line, along = lines[source % 2], layer[source]
                for col in range(first, end):
                    one, other = along[before[col]], along[min(before[col] + 1, width - 1)]
                    line[col] = one * (np.float32(1) - late[col]) + other * late[col]
        for col in range(first):
            target[col] = np.float32(np.nan)
        for col in range(end, len(x)):
            target[col] = np.float32(np.nan)
        low = np.float32(y[row] - above)
        high = np.float32(1) - low
        inner, upper, lower = target[first:end], lines[above % 2], lines[below % 2]
        upper, lower = upper[first:end], lower[first:end]
        for col in range(end - first):
            inner[col] = upper[col] * high + lower[col] * low
    return values


def sampled(
    source: NDArray[np.uint8],
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
    size: int,
) -> NDArray[np.uint8]:
    """Return a square of an image, whatever way it lies in it.

    Parameters
    ----------
    source : ndarray (band, y, x), uint8
        The image; 0 in all bands where nothing is known.
    rows, cols : ndarray (n, n), float64
        Where the nodes of a lattice over the square lie in the image, in pixels from its corner;
        between nodes the image is even enough to interpolate.
    size : int
        Pixels of a side of the square.

    Returns
    -------
    ndarray (size, size, band), uint8
        The mean of places that are a pixel of the image apart at most, each interpolated between
        four pixels; 0 where most of them are not known.

    Examples
    --------
    >>> image = np.array([[[10, 20], [30, 40]]], np.uint8)
    >>> sampled(image, np.array([[0.0, 0.0], [2.0, 2.0]]), np.array([[0.0, 2.0]] * 2), 2)[..., 0]
    array([[10, 20],
           [30, 40]], dtype=uint8)
    """
    parts, is_whole = _lies(source, rows, cols, size)
    loop = _sampled_known if is_whole else _sampled
    picture: NDArray[np.uint8] = loop(source, rows, cols, size, parts)
    return picture


@kernel
def _lies(source, rows, cols, size):  # type: ignore[no-untyped-def]
    """Return places along a pixel of a square, and whether all under it is known."""
    bands, height, width = source.shape
    widest, is_whole = 0.0, True
    for places, length in ((rows, height), (cols, width)):
        widest = max(widest, np.ptp(places[0]), np.ptp(places[:, 0]))
        is_whole &= places.min() > 0.5 and places.max() < length - 0.5 - _ROUNDING
    for row in range(height):
        for col in range(width):
            brightest = source[0, row, col]
            for band in range(1, bands):
                brightest = max(brightest, source[band, row, col])
            is_whole &= brightest > 0
    return max(1, int(np.round(widest / size))), is_whole


@kernel
def _sampled_known(source, rows, cols, size, parts):  # type: ignore[no-untyped-def]
    """Do what `_sampled` does, in half the time, where all is known."""
    bands, height, width = source.shape
    picture = np.empty((size, size, bands), np.uint8)
    nodes, steps = rows.shape[0], size * parts
    flat = source.copy().reshape(bands, height * width)
    line = np.empty((2, nodes))
    before, share = np.empty(steps, np.int64), np.empty(steps)
    for step in range(steps):
        share[step] = (step + 0.5) / steps * (nodes - 1)
        before[step] = int(share[step])
        share[step] -= before[step]
    corner, low, late = np.empty(steps, np.int64), np.empty(steps), np.empty(steps)
    values, total = np.empty(steps), np.empty((bands, size))
    for row in range(size):
        total[:] = 0.0
        for step in range(row * parts, (row + 1) * parts):
            top, down = before[step], share[step]
            for node in range(nodes):  # from the centre of the first pixel
                line[0, node] = (1 - down) * rows[top, node] + down * rows[top + 1, node] - 0.5
                line[1, node] = (1 - down) * cols[top, node] + down * cols[top + 1, node] - 0.5
            for place in range(steps):
                left, along = before[place], share[place]
                y = (1 - along) * line[0, left] + along * line[0, left + 1]
                x = (1 - along) * line[1, left] + along * line[1, left + 1]
                corner[place] = int(y) * width + int(x)
                low[place], late[place] = y - int(y), x - int(x)
            for band in range(bands):
                upper, lower = flat[band], flat[band, width:]
                for place in range(steps):
                    first, y, x = corner[place], low[place], late[place]
                    values[place] = (1 - y) * (
                        (1 - x) * upper[first] + x * upper[first + 1]
                    ) + y * ((1 - x) * lower[first] + x * lower[first + 1])
                for col in range(size):
                    for place in range(col * parts, (col + 1) * parts):
                        total[band, col] += values[place]
        for band in range(bands):
            for col in range(size):
                picture[row, col, band] = np.uint8(total[band, col] / (parts * parts) + 0.5)
    return picture


@kernel
def _sampled(source, rows, cols, size, parts):  # type: ignore[no-untyped-def]
    bands, height, width = source.shape
    picture = np.zeros((size, size, bands), np.uint8)
    nodes, steps = rows.shape[0], size * parts
    line = np.empty((2, nodes))
    total, known = np.empty((bands, size)), np.empty(size)
    is_known = np.zeros((height, width), np.bool_)
    for band in range(bands):
        is_known |= source[band] > 0
    for row in range(size):
        for col in range(size):
            known[col] = 0.0
            for band in range(bands):
                total[band, col] = 0.0
        for step in range(row * parts, (row + 1) * parts):
            down = (step + 0.5) / steps * (nodes - 1)
            top = int(down)
            down -= top
            for node in range(nodes):  # from the centre of the first pixel
                line[0, node] = (1 - down) * rows[top, node] + down * rows[top + 1, node] - 0.5
                line[1, node] = (1 - down) * cols[top, node] + down * cols[top + 1, node] - 0.5
            for place in range(steps):
                along = (place + 0.5) / steps * (nodes - 1)
                left = int(along)
                along -= left
                y = (1 - along) * line[0, left] + along * line[0, left + 1]
                x = (1 - along) * line[1, left] + along * line[1, left + 1]
                above, before = int(np.floor(y)), int(np.floor(x))
                y, x = y - above, x - before
                col = place // parts
                for corner in range(4):
                    down_one, along_one = corner // 2, corner % 2
                    r, c = above + down_one, before + along_one
                    if 0 <= r < height and 0 <= c < width and is_known[r, c]:
                        weight = (y if down_one else 1 - y) * (x if along_one else 1 - x)
                        known[col] += weight
                        for band in range(bands):
                            total[band, col] += weight * source[band, r, c]
        for col in range(size):
            if 2 * known[col] >= parts * parts:
                for band in range(bands):
                    picture[row, col, band] = np.uint8(total[band, col] / known[col] + 0.5)
    return picture
