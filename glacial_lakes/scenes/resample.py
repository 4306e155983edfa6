"""Coarse pixels on a finer grid, the same value for a pixel whatever window is asked for.

The fine grid starts at the same corner as the coarse one, and its pixels are a whole number
of times smaller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    return coarse[rows[:, None], cols]


def bilinear(
    coarse: NDArray[np.float32], factor: int, start: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return fine pixels interpolated between the centres of coarse ones; NaN is left out.

    A fine pixel in a coarse NaN is NaN; elsewhere NaN neighbours have no weight, which at the
    edge of the raster repeats the last pixel. Parameters as for :func:`nearest`, but ``coarse``
    has one pixel more on each side.
    """
    seen = np.isfinite(coarse)
    value = _blend(np.where(seen, coarse, np.float32(0)), factor, start, shape)
    weight = _blend(seen.astype(np.float32), factor, start, shape)
    own = nearest(seen[1:-1, 1:-1], factor, start, shape)
    fine = np.full(shape, np.nan, np.float32)
    return np.divide(value, weight, out=fine, where=own)


def _blend(
    coarse: NDArray[np.float32], factor: int, start: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.float32]:
    row, row_weight = _neighbours(start[0], shape[0], factor)
    col, col_weight = _neighbours(start[1], shape[1], factor)
    row_weight = row_weight[:, None]
    along = coarse[row] * (1 - row_weight) + coarse[row + 1] * row_weight
    return np.asarray(along[:, col] * (1 - col_weight) + along[:, col + 1] * col_weight)


def _neighbours(start: int, size: int, factor: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Index of the coarse centre before each fine centre, and the weight of the one after it.

    The index counts from the pixel before the span.
    """
    position = (np.arange(start, start + size) + 0.5) / factor - 0.5
    before = np.floor(position)
    index = before.astype(np.intp) - coarse_span(start, size, factor)[0] + 1
    return index, (position - before).astype(np.float32)
