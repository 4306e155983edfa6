"""Size and place of outlines on the ellipsoid, and their elevation."""

from __future__ import annotations

import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

from glacial_lakes.columns import C
from glacial_lakes.grid import shifted
from glacial_lakes.kernels.filters import median_of
from glacial_lakes.kernels.rasterize import pixels_inside
from glacial_lakes.measures.meridian import in_degrees
from glacial_lakes.terrain import Terrain

ELLIPSOID = Geod(ellps="WGS84")
_ON_180_DEG = 1e-9


def geodesic_area_perimeter(outlines: gpd.GeoSeries) -> pd.DataFrame:
    """Return area and perimeter on the WGS 84 ellipsoid (Karney 2013).

    Parameters
    ----------
    outlines : GeoSeries of Polygon or MultiPolygon, any CRS

    Returns
    -------
    DataFrame
        ``area_m2`` and ``perimeter_m`` (holes included in the perimeter); NaN for missing.
    """
    geometries = in_degrees(outlines).to_numpy()
    parts, outline = shapely.get_parts(geometries, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.searchsorted(ring, np.arange(len(rings) + 1))
    measured = np.array(
        [
            ELLIPSOID.polygon_area_perimeter(*points[begin:end].T)
            for begin, end in itertools.pairwise(ends)
        ]
    ).reshape(-1, 2)
    measured[:, 1] -= _along_180(points, ring, len(rings))
    # The sign of a ring's area follows its direction; the first ring of a part is its shell.
    is_shell = np.diff(part, prepend=-1) > 0
    area = np.where(is_shell, 1, -1) * np.abs(measured[:, 0])
    known = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    sums = [
        np.where(known, np.bincount(outline[part], values, len(geometries)), np.nan)
        for values in (area, measured[:, 1])
    ]
    return pd.DataFrame(dict(zip((C.AREA_M2, C.PERIMETER_M), sums, strict=True)), outlines.index)


def _along_180(points: Any, ring: Any, count: int) -> Any:
    """Return how much of each ring lies on the 180th meridian: a cut there is no shore."""
    on = np.abs(points[:, 0]) > 180 - _ON_180_DEG
    edge = np.flatnonzero(on[:-1] & on[1:] & (ring[:-1] == ring[1:]))
    if not len(edge):
        return np.zeros(count)
    begin, end = points[edge], points[edge + 1]
    lengths = ELLIPSOID.inv(begin[:, 0], begin[:, 1], begin[:, 0], end[:, 1])[2]
    return np.bincount(ring[edge], lengths, count)


def hanshaw_bookhagen_error(perimeter_m: Any, pixel_m: Any) -> Any:
    """Return the one-sigma area error in m² of Hanshaw & Bookhagen (2014), 0.6872·P/G·G²/2.

    Stands beside the own uncertainty to compare with older inventories.

    Parameters
    ----------
    perimeter_m, pixel_m : float, array or Series of float
        Perimeter P and pixel size G.
    """
    return 0.6872 * perimeter_m * pixel_m / 2


def inner_lon_lat(outlines: gpd.GeoSeries) -> pd.DataFrame:
    """Return ``lon`` and ``lat`` in degrees of a point inside each outline."""
    points = in_degrees(outlines).representative_point()
    return pd.DataFrame({C.LON: points.x, C.LAT: points.y}, index=outlines.index)


def elevation(outlines: gpd.GeoSeries, terrain: Terrain) -> pd.Series:
    """Return the median DEM elevation in m inside each outline.

    Parameters
    ----------
    outlines : GeoSeries in the CRS of the terrain
    terrain : Terrain

    Returns
    -------
    Series of float64
        Missing where the DEM has no value.
    """
    values, corner = [], terrain.grid.transform
    for geometry in outlines:
        west, south, east, north = geometry.bounds
        left, right = int((west - corner.c) / corner.a), int((east - corner.c) / corner.a) + 1
        top, bottom = int((north - corner.f) / corner.e), int((south - corner.f) / corner.e) + 1
        part = terrain.elevation_m[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        local = shifted(corner, max(0, top), max(0, left))
        inside = np.zeros(part.shape, bool)
        for polygon in shapely.get_parts(geometry):
            inside |= pixels_inside(polygon, local, part.shape)
        if part.size and not inside.any():  # narrower than a pixel of the DEM
            inside[:] = True
        values.append(median_of(part, inside))
    return pd.Series(values, index=outlines.index, name=C.ELEV_M, dtype=float)
