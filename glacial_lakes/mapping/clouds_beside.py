"""Which clouds around a candidate are believed.

The test for clouds takes white ground for cloud, and masks of products take bright lakes for it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.filters import median_of
from glacial_lakes.kernels.morphology import dilate, erode
from glacial_lakes.mapping.masks import CLOUD
from glacial_lakes.mapping.pixels import NODATA, Pixels
from glacial_lakes.mapping.unmixing import MIN_SHORE

Bool = NDArray[np.bool_]

BRIGHTER = 1.5
"""Green of a cloud over that of the ground around. The brightest slopes and boulders of one kind of
rock that face the sun stay below."""
BRIGHTEST_GROUND = 0.45
"""Green that ground without snow does not have on average: most of the view is under cloud."""
NARROW_M = 60.0
"""Clouds are wider; the mixed margin of a snow patch is not."""
ROUND_LAKE_PX = (3, 6)
"""A mask that takes a lake for cloud ends at its shore, within the first of these distances: its
own pixels are coarser, up to 20 m on 10. A cloud goes on to the second."""
MOST_FLAGGED, LEAST_FLAGGED = 0.1, 0.5
"""Share of the ground beyond that shore and of the lake that are flagged in such a mask."""


def with_believed_clouds(pixels: Pixels, own: Bool, ground: Bool, pixel_m: float) -> Pixels:
    """Return the pixels around a candidate with those clouds alone that are believed.

    A cloud that is told by its brightness is much brighter than the ground, and no darker in the
    SWIR: there snow in patches, whose mixture with rock is as white as cloud, is darker. What is
    narrow is none either. A cloud that the product flags is believed unless it ends where the
    candidate ends, all around, through which water shows.

    Parameters
    ----------
    pixels : Pixels
    own, ground : array of bool, shape (y, x)
        Pixels of the candidate, and those of none.
    pixel_m : float
    """
    flagged = pixels.flags & CLOUD != 0
    guessed = pixels.cloud & ~flagged
    if (flagged & own).sum() > LEAST_FLAGGED * own.sum():
        shore, beyond = (dilate(own, np.int64(steps)) for steps in ROUND_LAKE_PX)
        if (flagged & beyond & ~shore).sum() < MOST_FLAGGED * (beyond & ~shore).sum():
            flagged = flagged & ~shore
    if "swir1" in pixels.reflectance and guessed.any():
        guessed = _unexplained(pixels, guessed, ground & ~flagged, pixel_m)
    cloud = flagged | guessed
    if (cloud == pixels.cloud).all():
        return pixels
    return replace(pixels, cloud=cloud, seen=~(cloud | (pixels.flags & NODATA != 0)))


def _unexplained(pixels: Pixels, guessed: Bool, ground: Bool, pixel_m: float) -> Bool:
    """Return the part of guessed clouds that the ground does not explain."""
    green, swir1 = pixels.reflectance["green"], pixels.reflectance["swir1"]
    known = ground & ~pixels.snow_or_ice & np.isfinite(green)
    usual = median_of(green, known)
    if known.sum() < MIN_SHORE or usual > BRIGHTEST_GROUND:
        return guessed
    explained = (green < BRIGHTER * usual) | (swir1 < median_of(swir1, known))
    half = max(1, round(NARROW_M / pixel_m / 2))
    found: Bool = dilate(erode(guessed & ~explained, half), half)
    return found
