"""The water fraction around all of a lake, however far its seeds reach."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.morphology import dilate
from glacial_lakes.mapping.unmixing import Fraction, unmix

MOST_WET_BESIDE, MOST_LOOKS = 0.5, 2
"""Share of the pixels beside a candidate that are mostly water from which the shore is looked for
once more; and how often at most. Where seeds reach the shore fewer are."""


def with_all_water(
    first: Fraction,
    bands: NDArray[np.float32],
    candidate: NDArray[np.bool_],
    others: NDArray[np.bool_],
    seen: NDArray[np.bool_],
    *,
    pixel_m: float = 10.0,
) -> tuple[NDArray[np.bool_], Fraction]:
    """Return a candidate with all of its water, and the water fraction of the pixels around that.

    A candidate is what looks wet by itself. Beside dark forest a pixel half of water does not, so
    that it ends well inside of the shore, and what lies beside it is no ground to compare with:
    the lake would come out too small, the more so the more the image is blurred. Then the shore is
    looked for once more, around the water that the first look found beside the candidate. What the
    candidate is stays with the first look, for shade too has an edge that a second one finds.

    Parameters
    ----------
    first : Fraction
        The first look, :func:`glacial_lakes.mapping.unmixing.unmix` of the same arrays.
    bands, candidate, others, seen, pixel_m
        As of that.

    Returns
    -------
    array of bool, shape (y, x)
        The candidate, perhaps wider.
    Fraction

    Examples
    --------
    >>> water = np.zeros((30, 30), bool)
    >>> water[8:22, 8:22] = True
    >>> image = np.where(water, 0.05, 0.2)[None].astype("float32")
    >>> seeds, none = np.zeros_like(water), np.zeros_like(water)
    >>> seeds[9:21, 9:21] = True
    >>> first = unmix(image, seeds, none, ~none)
    >>> wider, _ = with_all_water(first, image, seeds, none, ~none)
    >>> bool((wider == water).all())
    True
    """
    fraction = first
    for _ in range(MOST_LOOKS):
        beside = dilate(candidate, np.int64(1)) & ~candidate & seen & ~others
        wet = beside & (fraction.water > 0.5)
        if wet.sum() <= MOST_WET_BESIDE * beside.sum():
            break
        again = unmix(bands, candidate | wet, others, seen, pixel_m=pixel_m)
        if again is None:
            break
        candidate, fraction = candidate | wet, again
    return candidate, fraction
