"""Values and vertices of very many rows as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from glacial_lakes.kernels.jit import kernel

DIGITS = 7
"""After the point: about 1 cm in degrees."""
_LONGEST = 20 + DIGITS
"""Characters of the longest number with sign and point."""
BITS, FIRST_CHARACTER = 5, 63
"""Of a digit of a packed number, and the character of 0."""
MOST_DIGITS = 7
"""Of a packed number: they hold any place on the globe in steps of 1e-5 degrees."""
_MINUS, _POINT, _ZERO = (ord(letter) for letter in "-.0")


def texts_of(values: pd.Series, form: Callable[[Any], str]) -> NDArray[np.object_]:
    """Return each value as text, None where it is missing; equal values are put into words once."""
    place, known = pd.factorize(values)
    texts = np.full(len(known) + 1, None, dtype=object)  # a missing value has the place -1
    texts[:-1] = [form(value) for value in known]
    result: NDArray[np.object_] = texts[place]
    return result


def ring_texts(
    shapes: NDArray[np.object_], before: str, between: str, behind: str
) -> Iterator[list[list[str]]]:
    """Yield the text of each ring, by part, of each polygon.

    Parameters
    ----------
    shapes : numpy.ndarray of shapely.Geometry
        Polygons and MultiPolygons; what is missing has no part.
    before, between, behind : str
        What stands before x, between x and y, and behind y of each vertex.

    Yields
    ------
    list of list of str
        For each part its rings, the exterior one first; numbers have :data:`DIGITS` digits after
        the point.
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    text, places = written(points, before, between, behind)
    ends = np.cumsum(np.bincount(ring, minlength=len(rings)))
    stops = places[ends].tolist()
    begins = [0, *stops]
    of_part = np.searchsorted(part, np.arange(len(parts) + 1)).tolist()
    of_shape = np.searchsorted(owner, np.arange(len(shapes) + 1)).tolist()
    for first, last in pairwise(of_shape):
        yield [
            [text[begins[n] : stops[n]] for n in range(of_part[place], of_part[place + 1])]
            for place in range(first, last)
        ]


def written(
    points: NDArray[np.float64], before: str, between: str, behind: str
) -> tuple[str, NDArray[np.int64]]:
    """Return points as one text, and where each begins in it; the end of all is the last."""
    words = (np.frombuffer(word.encode("ascii"), np.uint8) for word in (before, between, behind))
    letters, places = _written(points, *words)
    return letters.tobytes().decode("ascii"), places


@kernel
def _written(points, before, between, behind):  # type: ignore[no-untyped-def]
    """Return the letters of points, and where each begins.

    Libraries write one number at a time, which takes most of the time of a file of outlines.
    """
    count = len(points)
    longest = 2 * _LONGEST + len(before) + len(between) + len(behind)
    letters = np.empty(count * longest, np.uint8)
    places = np.empty(count + 1, np.int64)
    place = 0
    for point in range(count):
        places[point] = place
        for axis in range(2):
            for letter in before if axis == 0 else between:
                letters[place] = letter
                place += 1
            value = points[point, axis]
            number = np.int64(np.floor(abs(value) * 10.0**DIGITS + 0.5))
            if value < 0:
                letters[place] = _MINUS
                place += 1
            digits, limit = 1, 10 ** (DIGITS + 1)
            while number >= limit:
                digits, limit = digits + 1, limit * 10
            spot = place + digits + DIGITS
            place = spot + 1
            for digit in range(DIGITS + digits):
                if digit == DIGITS:
                    letters[spot] = _POINT
                    spot -= 1
                letters[spot] = _ZERO + number % 10
                number //= 10
                spot -= 1
        for letter in behind:
            letters[place] = letter
            place += 1
    places[count] = place
    return letters[:place], places


def polyline_digits(numbers: NDArray[np.int64]) -> tuple[str, NDArray[np.int64]]:
    """Return numbers as the digits of encoded polylines one after the other, and where each ends.

    The sign is the lowest bit; five bits a character, the lowest first, and a sixth where more
    follow.

    Parameters
    ----------
    numbers : ndarray (n,), int64
        Below 2**34.

    Examples
    --------
    >>> text, ends = polyline_digits(np.array([1, -1, 1000]))
    >>> text, ends.tolist()
    ('A@o}@', [1, 2, 5])
    """
    characters = np.empty(MOST_DIGITS * len(numbers), np.uint8)
    ends = np.empty(len(numbers), np.int64)
    count = _write_digits(numbers, characters, ends)
    return characters[:count].tobytes().decode("ascii"), ends


@kernel
def _write_digits(numbers, characters, ends):  # type: ignore[no-untyped-def]
    count = 0
    for place in range(len(numbers)):
        number = numbers[place]
        rest = ~(number << 1) if number < 0 else number << 1
        while rest >= 1 << BITS:
            characters[count] = FIRST_CHARACTER + (rest & (1 << BITS) - 1 | 1 << BITS)
            rest >>= BITS
            count += 1
        characters[count] = FIRST_CHARACTER + rest
        count += 1
        ends[place] = count
    return count
