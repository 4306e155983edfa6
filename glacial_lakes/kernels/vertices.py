"""The vertices of very many polygons, ring by ring."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

_POLYGON = 3


def ring_vertices(
    polygons: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return all vertices, the ring of each, and the polygon of each ring.

    Parameters
    ----------
    polygons : numpy.ndarray of shapely.Geometry
        Polygons and MultiPolygons. What is missing or empty has no vertex.

    Returns
    -------
    points : array of float64, shape (vertex, 2)
        Rings are closed: their last vertex is the first one again.
    ring : array of int64, shape (vertex,)
    polygon : array of int64, shape (ring,)
        Position in ``polygons``; ascending.
    """
    is_polygon = shapely.get_type_id(polygons) == _POLYGON
    simple = is_polygon & (shapely.get_num_interior_rings(polygons) == 0)
    polygon, rings = np.arange(len(polygons)), polygons
    if not simple.all():  # taking rings out of polygons copies them
        others = np.flatnonzero(~simple)
        parts, owner = shapely.get_parts(polygons[others], return_index=True)
        copied, part = shapely.get_rings(parts, return_index=True)
        polygon = np.concatenate([np.flatnonzero(simple), others[owner[part]]])
        order = np.argsort(polygon, kind="stable")
        polygon, rings = polygon[order], np.concatenate([polygons[simple], copied])[order]
    points, ring = shapely.get_coordinates(rings, return_index=True)
    return points, ring, polygon
