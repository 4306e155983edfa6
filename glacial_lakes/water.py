"""Which pixels may hold water: seeds by a global threshold, streams, gaps that are bridged.

A global threshold only proposes; :mod:`evidence` judges each candidate by its own signal.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.masks import MIN_WATER_NDWI, NO_BAND
from glacial_lakes.stencils import grown, kernel, shrunk

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

MIN_SEED_NDWI = 0.06
"""Lower bound of the seeds: a pixel half of turbid water and half of moraine."""
MAX_SEED_NIR = 0.16
MAX_SEED_SWIR1 = 0.14
"""Weak seeds must be dark beyond 0.8 µm, as mixed pixels of water are and bright land is not."""
MAX_WATER_GREEN = 0.40
"""The brightest glacial milk stays below this; snow and cloud do not."""
MIN_SIGNAL = 0.01
"""Sum of green and NIR below which their ratio is noise."""
MIN_WET_NDWI = -0.05
"""Index above which a pixel may hold a stream; bare ground between meadows has about -0.15."""
RIVER_WIDTH_M = 50.0
"""Mountain rivers and streams are narrower, and three pixels at least to be told from a pond."""
MAX_GAP_ROWS = 14
"""Widest strip without data that is bridged: the SLC-off gaps of Landsat 7 reach 14 pixels."""


@kernel
def ndwi_or_zero(green, nir):  # type: ignore[no-untyped-def]
    """Return NDWI; 0 where both bands are so dark that the ratio is noise; NaN stays NaN.

    Parameters
    ----------
    green, nir : array of float32, shape (y, x)
    """
    height, width = green.shape
    value = np.empty((height, width), np.float32)
    for row in range(height):
        for col in range(width):
            total = green[row, col] + nir[row, col]
            if abs(total) < MIN_SIGNAL:
                value[row, col] = 0
            elif np.isfinite(total):
                ratio = (green[row, col] - nir[row, col]) / total
                value[row, col] = min(max(ratio, np.float32(-1)), np.float32(1))
            else:
                value[row, col] = np.nan
    return value


def candidates(reflectance: Mapping[str, Float], excluded: Bool) -> Bool:
    """Return pixels that may hold water.

    Parameters
    ----------
    reflectance : mapping of band name to float32 array (y, x)
        At least green and nir; NaN is not observed.
    excluded : array of bool
        Never a candidate: cloud, snow and ice, slopes in deep shade.
    """
    green, nir = reflectance["green"], reflectance["nir"]
    swir1 = reflectance.get("swir1", NO_BAND)
    found: Bool = _candidates(green, nir, swir1, excluded)
    return found


@kernel
def _candidates(green, nir, swir1, excluded):  # type: ignore[no-untyped-def]
    height, width = green.shape
    found = np.empty((height, width), np.bool_)
    has_swir1 = swir1.size > 0
    for row in range(height):
        for col in range(width):
            g, n = green[row, col], nir[row, col]
            value = (g - n) / (g + n)
            strong = (value > MIN_WATER_NDWI) & (g < MAX_WATER_GREEN)
            weak = (value > MIN_SEED_NDWI) & (n < MAX_SEED_NIR)
            if has_swir1:
                s = swir1[row, col]
                weak &= (s < MAX_SEED_SWIR1) & (s < g)
            bright_enough = abs(g + n) >= MIN_SIGNAL  # else the ratio is noise
            found[row, col] = (strong | weak) & bright_enough & (not excluded[row, col])
    return found


def river_width_px(pixel_m: float) -> int:
    """Return the width in pixels up to which a line may be a river."""
    return max(3, round(RIVER_WIDTH_M / pixel_m))


def river_trace(value: Float, candidate: Bool, usable: Bool, level: float, width_px: int) -> float:
    """Return the length in pixels of the narrow wet line through a candidate.

    A stream narrower than a pixel shows as a chain of candidates joined by fainter pixels. Wet
    ground wider than ``width_px`` is no line; what remains of the candidate's surroundings
    is joined and its extent measured.

    Parameters
    ----------
    value : array of float32, shape (y, x)
        Water index.
    candidate : array of bool
    usable : array of bool
        Neither snow, cloud nor deep shade.
    level : float
        Index above which a pixel counts as wet.
    width_px : int
        Largest width of a line.

    Returns
    -------
    float
        Diagonal of the line's extent; 0 when most of the candidate is wide water.
    """
    return float(_trace(value, candidate, usable, level, width_px // 2))


@kernel
def _trace(value, candidate, usable, level, half_width):  # type: ignore[no-untyped-def]
    height, width = value.shape
    wet = np.empty((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            is_wet = value[row, col] > level and usable[row, col]
            wet[row, col] = candidate[row, col] or is_wet
    wide = grown(shrunk(wet, half_width), half_width)
    narrow = np.zeros((height, width), np.bool_)
    balance = 0  # of the candidate's narrow and wide pixels
    for row in range(height):
        for col in range(width):
            narrow[row, col] = wet[row, col] and not wide[row, col]
            if candidate[row, col]:
                balance += 1 if narrow[row, col] else -1
    if balance < 0:
        return 0.0
    # The lines, a pixel wider so that faint ones hold together, from the candidate on.
    line = grown(narrow, np.int64(1))
    waiting = np.empty((height * width, 2), np.int32)
    count = 0
    for row in range(height):
        for col in range(width):
            if narrow[row, col] and candidate[row, col]:
                line[row, col] = False
                waiting[count, 0], waiting[count, 1] = row, col
                count += 1
    top, bottom, left, right = height, 0, width, 0
    while count:
        count -= 1
        row, col = waiting[count, 0], waiting[count, 1]
        if narrow[row, col]:
            top, bottom = min(top, row), max(bottom, row)
            left, right = min(left, col), max(right, col)
        for near_row in range(max(0, row - 1), min(height, row + 2)):
            for near_col in range(max(0, col - 1), min(width, col + 2)):
                if line[near_row, near_col]:
                    line[near_row, near_col] = False
                    waiting[count, 0], waiting[count, 1] = near_row, near_col
                    count += 1
    return np.hypot(float(bottom - top), float(right - left))


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
