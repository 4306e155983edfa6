"""Vertices of very many polygons as text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray


def ring_texts(shapes: NDArray[np.object_], vertex: str, between: str) -> Iterator[list[list[str]]]:
    """Yield the text of each ring, by part, of each polygon.

    Parameters
    ----------
    shapes : numpy.ndarray of shapely.Geometry
        Polygons and MultiPolygons; what is missing has no part.
    vertex : str
        Format of x and y in the style of ``printf``.
    between : str
        What stands between two vertices.

    Yields
    ------
    list of list of str
        For each part its rings, the exterior one first.
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.cumsum(np.bincount(ring, minlength=len(rings))).tolist()
    of_part = np.searchsorted(part, np.arange(len(parts) + 1)).tolist()
    of_shape = np.searchsorted(owner, np.arange(len(shapes) + 1)).tolist()
    values = points.ravel().tolist()
    forms: dict[int, str] = {}

    def text(number: int) -> str:
        begin, end = ends[number - 1] if number else 0, ends[number]
        count = end - begin
        if count not in forms:
            forms[count] = between.join([vertex] * count)
        return forms[count] % tuple(values[2 * begin : 2 * end])

    for first, last in pairwise(of_shape):
        yield [
            [text(number) for number in range(of_part[place], of_part[place + 1])]
            for place in range(first, last)
        ]
