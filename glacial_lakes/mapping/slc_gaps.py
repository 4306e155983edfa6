"""Gaps of Landsat 7 since May 2003 (scan line corrector off), bridged so that a lake is one."""

from __future__ import annotations

import numpy as np

from glacial_lakes.kernels.jit import kernel

MAX_GAP_ROWS = 14
"""Widest strip without data that is bridged: the SLC-off gaps of Landsat 7 reach 14 pixels."""


@kernel
def bridge_gaps(band, unseen, first):  # type: ignore[no-untyped-def]
    """Fill short gaps of a band linearly along columns, in place; what else is unseen becomes NaN.

    The gaps of Landsat 7 since 2003 run across the scene in strips of up to 14 rows; a lake that
    they cross is one lake. Filled pixels count as not observed all the same.

    Parameters
    ----------
    band : array of float32, shape (y, x)
    unseen : array of bool, shape (y, x)
        The gaps.
    first : int
        Row from which on the band changes; those above show where gaps begin.
    """
    height, width = band.shape
    above = np.full(width, -1)  # the last row that was seen
    for row in range(height):
        for col in range(width):
            if unseen[row, col]:
                if row >= first:
                    band[row, col] = np.nan
                continue
            top = above[col]
            above[col] = row
            if top + 1 == row or top < 0 or row - top - 1 > MAX_GAP_ROWS:
                continue
            for gap in range(max(top + 1, first), row):
                weight = np.float32((gap - top) / (row - top))
                upper, lower = band[top, col], band[row, col]
                band[gap, col] = upper * (np.float32(1) - weight) + lower * weight
