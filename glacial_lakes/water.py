"""Which pixels may hold water: seeds by a global threshold, streams, gaps that are bridged.

A global threshold only proposes; :mod:`evidence` judges each candidate by its own signal.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glacial_lakes import indices
from glacial_lakes.masks import MIN_WATER_NDWI

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


def ndwi_or_zero(green: Float, nir: Float) -> Float:
    """Return NDWI; 0 where both bands are so dark that the ratio is noise; NaN stays NaN."""
    total = green + nir
    with np.errstate(invalid="ignore", divide="ignore"):
        value = indices.ndwi(green, nir)
        return np.where(np.abs(total) < MIN_SIGNAL, np.float32(0), np.clip(value, -1, 1))


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
    value = ndwi_or_zero(green, nir)
    with np.errstate(invalid="ignore"):
        strong = (value > MIN_WATER_NDWI) & (green < MAX_WATER_GREEN)
        weak = (value > MIN_SEED_NDWI) & (nir < MAX_SEED_NIR)
        if "swir1" in reflectance:
            swir1 = reflectance["swir1"]
            weak &= (swir1 < MAX_SEED_SWIR1) & (swir1 < green)
    result: Bool = (strong | weak) & ~excluded
    return result


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
    with np.errstate(invalid="ignore"):
        wet = ((value > level) & usable) | candidate
    wide = ndimage.binary_opening(wet, np.ones((width_px, width_px), bool))
    narrow = wet & ~wide
    if (narrow & candidate).sum() < candidate.sum() / 2:
        return 0.0
    lines, _ = ndimage.label(
        ndimage.binary_dilation(narrow, np.ones((3, 3), bool)), np.ones((3, 3))
    )
    through = np.isin(lines, np.unique(lines[candidate & narrow])) & narrow
    rows, cols = np.nonzero(through)
    return float(np.hypot(np.ptp(rows), np.ptp(cols)))


def bridge_gaps(band: Float) -> Float:
    """Return the band with short gaps filled linearly along columns.

    The gaps of Landsat 7 since 2003 run across the scene in strips of up to 14 rows; a lake that
    they cross is one lake. Filled pixels count as not observed all the same.
    """
    rows = band.shape[0]
    seen = np.isfinite(band)
    if seen.all() or not seen.any():
        return band
    line = np.arange(rows)[:, None]
    above = np.maximum.accumulate(np.where(seen, line, -1), axis=0)
    below = np.minimum.accumulate(np.where(seen, line, rows)[::-1], axis=0)[::-1]
    gap = ~seen & (above >= 0) & (below < rows) & (below - above - 1 <= MAX_GAP_ROWS)
    row, col = np.nonzero(gap)
    top, bottom = above[row, col], below[row, col]
    weight = ((row - top) / (bottom - top)).astype("float32")
    filled = band.copy()
    filled[row, col] = band[top, col] * (1 - weight) + band[bottom, col] * weight
    return filled
