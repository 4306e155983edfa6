"""The middle of a lake that is darker than its shallows, which no index proposes.

Deep water sends nearly no light back: what is left, noise and glint, has any index. Shallows around
it are proposed, as a ring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.labels import connected
from glacial_lakes.kernels.morphology import dilate
from glacial_lakes.mapping.unmixing import NOISE

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

MIN_RING_PX, MIN_MIDDLE_PX = 30, 4
"""A ring of fewer pixels encloses mixed ones alone; a middle of fewer is noise of the index, which
outlines bridge."""
MAX_DARK_NIR = 0.07
"""Near infrared of water under glint; ground enclosed by water is brighter, or in shade."""
BRIGHT_PERCENT = 75
"""Of the ring: its inner side, where blur of the shore does not reach, is darker than that."""


def with_dark_middle(
    reflectance: Mapping[str, Float], bands: Sequence[str], candidate: Bool, seen: Bool
) -> Bool:
    """Return a candidate with what it encloses and what is no brighter than it in any band.

    An island is brighter beyond 0.8 µm.

    Parameters
    ----------
    reflectance : mapping of str to array of float32, shape (y, x)
        At least nir; NaN is not observed.
    bands : sequence of str
        That must not be brighter.
    candidate, seen : array of bool, shape (y, x)
        What is not seen encloses nothing and is never added.

    Returns
    -------
    array of bool, shape (y, x)

    Examples
    --------
    >>> ring = np.zeros((20, 20), bool)
    >>> ring[3:17, 3:17] = True
    >>> ring[7:13, 7:13] = False
    >>> dark = {"nir": np.full((20, 20), 0.02, "float32")}
    >>> int(with_dark_middle(dark, ["nir"], ring, np.ones_like(ring)).sum())
    196
    """
    if candidate.sum() < MIN_RING_PX:
        return candidate
    closed = dilate(candidate, np.int64(1))
    labels, extents = connected(np.ascontiguousarray(~closed), len(closed), 0)
    height, width = closed.shape
    wide = candidate
    for number, (size, top, bottom, left, right) in enumerate(extents.tolist(), 1):
        is_open = top == 0 or left == 0 or bottom == height - 1 or right == width - 1
        if is_open or size < MIN_MIDDLE_PX:
            continue
        middle = dilate(labels == number, np.int64(1)) & ~candidate & seen
        if _is_dark(reflectance, bands, middle, candidate):
            wide = wide | middle
    return wide


def _is_dark(
    reflectance: Mapping[str, Float], bands: Sequence[str], middle: Bool, ring: Bool
) -> bool:
    if not middle.any() or not np.nanmedian(reflectance["nir"][middle]) < MAX_DARK_NIR:
        return False
    return all(
        np.nanmedian(reflectance[name][middle])
        <= np.nanpercentile(reflectance[name][ring], BRIGHT_PERCENT) + NOISE
        for name in bands
    )
