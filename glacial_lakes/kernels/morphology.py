"""Distances, dilation and erosion of masks on the small windows around single lakes.

Arrays are two-dimensional (y, x); masks are bool, fields float32.
"""

from __future__ import annotations

import numpy as np

from glacial_lakes.kernels.jit import inner, kernel

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
def dilate(mask, steps):  # type: ignore[no-untyped-def]
    """Return a mask dilated by squares of ``2 · steps + 1`` pixels; beyond the array is nothing."""
    return _dilate(mask, steps, np.bool_(False))


@kernel
def erode(mask, steps):  # type: ignore[no-untyped-def]
    """Return a mask eroded by squares of ``2 · steps + 1`` pixels; beyond the array is outside."""
    return _dilate(mask, steps, np.bool_(True))


@inner
def _dilate(mask, steps, outside):  # type: ignore[no-untyped-def]
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
