"""Coarse pixels on a finer grid, the same value for a pixel whatever window is asked for.

The fine grid starts at the same corner as the coarse one, and its pixels are a whole number
of times smaller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.stencils import inner, kernel


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
