"""Lakes within ground that is as dark as water: the shade of a wall or of a cloud.

Both are proposed as one candidate, which as a whole is no lake. The index of the lake in it is
higher than that of the ground around, with an edge as sharp as the image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.filters import evened
from glacial_lakes.kernels.labels import connected
from glacial_lakes.kernels.morphology import depth_in, dilate

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

EVEN_PX = 1.5
"""The index of dark ground is noisy: its means over this distance (Gaussian) are looked at."""
LEVELS = np.arange(0.1, 0.95, 0.05)
"""Of the index, at which parts are looked for."""
MAX_MOVE_PX = 0.75
"""How far the edge of a part may move from one level to the next."""
MIN_PX = 15
"""Fewer pixels stand out by noise alone."""
MOST_OF_ALL = 0.8
"""A larger share of the candidate is the candidate."""
MIN_RISE = 0.15
"""Of the index of a part above that of the candidate around it."""
AROUND_PX = (2, 5)
"""Where that is looked at, beyond the reach of blur."""
SAME, MOST = 0.5, 6
"""Overlap over union of parts that are one, and how many are told."""


def standing_out(index: Float, candidate: Bool) -> list[Bool]:
    """Return the parts of a candidate whose water index stands out with a sharp edge.

    Connected parts above a level are followed from one level to the next; those are told whose
    edge moves least (maximally stable regions, Matas et al. 2004), the largest first.

    Parameters
    ----------
    index : array of float32, shape (y, x)
        Water index; finite in the candidate.
    candidate : array of bool, shape (y, x)

    Returns
    -------
    list of array of bool, shape (y, x)
        Parts may lie within parts.

    Examples
    --------
    >>> shade = np.zeros((40, 40), bool)
    >>> shade[2:38, 2:38] = True
    >>> index = np.full((40, 40), 0.1, "float32")
    >>> index[10:20, 10:20] = 0.5
    >>> [int(part.sum()) for part in standing_out(index, shade)]
    [100]
    """
    if candidate.sum() < 2 * MIN_PX:
        return []
    index = evened(index, candidate, EVEN_PX)
    most = MOST_OF_ALL * candidate.sum()
    wet = [index > level for level in LEVELS]
    before = connected(np.ascontiguousarray(wet[0] & candidate), len(index), 0)
    found: list[tuple[float, Bool]] = []
    for level in range(1, len(LEVELS) - 1):
        labels, extents = connected(np.ascontiguousarray(wet[level] & candidate), len(index), 0)
        for number, (size, top, bottom, left, right) in enumerate(extents.tolist(), 1):
            if not MIN_PX <= size < most:
                continue
            there = slice(top, bottom + 1), slice(left, right + 1)
            own = labels[there] == number
            outer = before[1][before[0][there][own][0] - 1][0]
            inner = (own & wet[level + 1][there]).sum()
            edge = (own & (depth_in(np.pad(own, 1), 2.0)[1:-1, 1:-1] < 2)).sum()
            moved = (outer - inner) / (2 * edge)
            if moved > MAX_MOVE_PX:
                continue
            part = np.zeros_like(candidate)
            part[there] = own
            if _rise(index, candidate, part) > MIN_RISE:
                found.append((moved, part))
        before = labels, extents
    return _distinct(found)


def _rise(index: Float, candidate: Bool, part: Bool) -> float:
    """Return the index of a part above that of the candidate around it."""
    near, far = (dilate(part, np.int64(steps)) for steps in AROUND_PX)
    around = far & ~near & candidate
    return float(np.median(index[part]) - np.median(index[around])) if around.any() else np.inf


def _distinct(found: list[tuple[float, Bool]]) -> list[Bool]:
    """Return one of parts that are nearly the same, by its edge; the largest first."""
    kept: list[Bool] = []
    for _, part in sorted(found, key=lambda one: one[0]):
        if all((part & other).sum() < SAME * (part | other).sum() for other in kept):
            kept.append(part)
    return sorted(kept[:MOST], key=lambda part: -int(part.sum()))
