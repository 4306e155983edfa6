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
    fine = np.empty((len(rows), len(cols)), np.float32)
    values = np.empty((2, coarse.shape[1]), np.float32)  # weighted sums, and their weights
    for row in range(len(rows)):
        above, weight = rows[row], row_weights[row]
        own_row = above + (weight >= 0.5)
        for col in range(coarse.shape[1]):
            values[0, col] = values[1, col] = 0
            for near, share in ((above, np.float32(1) - weight), (above + 1, weight)):
                if np.isfinite(coarse[near, col]):
                    values[0, col] += coarse[near, col] * share
                    values[1, col] += share
        for col in range(len(cols)):
            fine[row, col] = np.float32(np.nan)
            before, weight = cols[col], col_weights[col]
            if np.isfinite(coarse[own_row, before + (weight >= 0.5)]):
                total = values[0, before] * (1 - weight) + values[0, before + 1] * weight
                known = values[1, before] * (1 - weight) + values[1, before + 1] * weight
                fine[row, col] = total / known
    return fine


def _neighbours(start: int, size: int, factor: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Index of the coarse centre before each fine centre, and the weight of the one after it.

    The index counts from the pixel before the span.
    """
    position = (np.arange(start, start + size) + 0.5) / factor - 0.5
    before = np.floor(position)
    index = before.astype(np.intp) - coarse_span(start, size, factor)[0] + 1
    return index, (position - before).astype(np.float32)
