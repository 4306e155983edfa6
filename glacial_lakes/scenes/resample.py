"""Coarse pixels on a finer grid, the same value for a pixel whatever window is asked for.

The fine grid starts at the same corner as the coarse one, and its pixels are a whole number
of times smaller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.stencils import kernel


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
    return coarse.take(rows, axis=0).take(cols, axis=1)


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
    count, one, none = coarse.shape[1], np.float32(1), np.float32(0)
    fine = np.empty((len(rows), len(cols)), np.float32)
    sums, known = np.empty(count, np.float32), np.empty(count, np.float32)
    for row in range(len(rows)):
        weight = row_weights[row]
        rest = one - weight
        above, below, target = coarse[rows[row]], coarse[rows[row] + 1], fine[row]
        lacking = 0
        for col in range(count):
            sums[col] = above[col] * rest + below[col] * weight
            lacking += not abs(sums[col]) < np.float32(np.inf)
        if not lacking:
            for col in range(len(cols)):
                before, share = cols[col], col_weights[col]
                target[col] = sums[before] * (1 - share) + sums[before + 1] * share
            continue
        for col in range(count):
            sums[col] = known[col] = none
            if abs(above[col]) < np.float32(np.inf):
                sums[col], known[col] = above[col] * rest, rest
            if abs(below[col]) < np.float32(np.inf):
                sums[col], known[col] = sums[col] + below[col] * weight, known[col] + weight
        own = below if weight >= 0.5 else above
        for col in range(len(cols)):
            before, share = cols[col], col_weights[col]
            target[col] = np.float32(np.nan)
            if np.isfinite(own[before + (share >= 0.5)]):
                total = sums[before] * (1 - share) + sums[before + 1] * share
                target[col] = total / (known[before] * (1 - share) + known[before + 1] * share)
    return fine


def _neighbours(start: int, size: int, factor: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Index of the coarse centre before each fine centre, and the weight of the one after it.

    The index counts from the pixel before the span.
    """
    position = (np.arange(start, start + size) + 0.5) / factor - 0.5
    before = np.floor(position)
    index = before.astype(np.intp) - coarse_span(start, size, factor)[0] + 1
    return index, (position - before).astype(np.float32)
