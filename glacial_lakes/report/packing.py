"""Outlines as short texts that a page unpacks: whole steps of 1e-5 degrees, each from the last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

STEPS_PER_DEGREE = 100_000
"""A step is 1.1 m or less, a tenth of the finest pixel."""

_BITS, _FIRST_CHARACTER = 5, 63
_MOST_DIGITS = 7
"""Seven digits of five bits hold any place on the globe."""


def packed(
    shapes: Sequence[shapely.Geometry | None] | NDArray[np.object_],
    origin: tuple[int, int],
    tolerance_deg: float | NDArray[np.float64] = 0.0,
) -> list[str]:
    """Write polygons as texts.

    A ring is its first place from ``origin`` and then the way from each place to the next,
    longitude before latitude, in steps; its last place, which is its first, is left out. A number
    is written with its sign in the lowest bit, five bits a character, lowest first, as in the
    encoded polylines of web maps. Rings are separated by blanks.

    Parameters
    ----------
    shapes : sequence of shapely.Geometry or None
        Polygons and multipolygons in degrees.
    origin : tuple of int
        Longitude and latitude in steps that places are counted from.
    tolerance_deg : float or array of float, shape (n,)
        How far a simplified outline may be from the true one, in degrees.

    Returns
    -------
    list of str
        One text a shape; empty where there is none.

    Examples
    --------
    >>> packed([shapely.box(0, 0, 2e-5, 1e-5)], (0, 0))
    ['CA?A@??']
    """
    geometries = np.array(shapes, dtype=object)
    texts = [""] * len(geometries)
    if not len(geometries):
        return texts
    simple = shapely.simplify(geometries, tolerance_deg)
    parts, of_shape = shapely.get_parts(simple, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, of_part = shapely.get_rings(parts[areal], return_index=True)
    places, of_ring = shapely.get_coordinates(rings, return_index=True)
    if not len(places):
        return texts
    is_last = np.append(of_ring[1:] != of_ring[:-1], True)
    steps = np.rint(places[~is_last] * STEPS_PER_DEGREE).astype(np.int64) - origin
    of_ring = of_ring[~is_last]
    begins = np.append(True, of_ring[1:] != of_ring[:-1])
    ways = np.diff(steps, axis=0, prepend=0)
    ways[begins] = steps[begins]
    text, ends = _digits(ways.ravel())
    ring_ends = ends[1::2][np.append(begins[1:], True)]
    shape_of_ring = of_shape[areal][of_part]
    start = 0
    for shape, end in zip(shape_of_ring.tolist(), ring_ends.tolist(), strict=True):
        ring = text[start:end]
        texts[shape] = f"{texts[shape]} {ring}" if texts[shape] else ring
        start = end
    return texts


def _digits(numbers: NDArray[np.int64]) -> tuple[str, NDArray[np.int64]]:
    """Return the digits of numbers one after the other, and where each number ends."""
    values = np.where(numbers < 0, ~(numbers << 1), numbers << 1)
    counts = np.ones(len(values), np.int64)
    for digit in range(1, _MOST_DIGITS):
        counts += values >> (_BITS * digit) > 0
    ends = np.cumsum(counts)
    characters = np.empty(int(ends[-1]), np.uint8)
    for digit in range(_MOST_DIGITS):
        has = counts > digit
        goes_on = (counts[has] > digit + 1).astype(np.int64) << _BITS
        value = values[has] >> (_BITS * digit) & (1 << _BITS) - 1
        characters[ends[has] - counts[has] + digit] = (value | goes_on) + _FIRST_CHARACTER
    return characters.tobytes().decode("ascii"), ends
