"""Attributes of outlines: ``GeoDataFrame -> Series`` or ``DataFrame``, index kept."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

from glacial_lakes.grid import shifted
from glacial_lakes.outlines import pixels_inside
from glacial_lakes.stencils import median_of
from glacial_lakes.terrain import Terrain

ELLIPSOID = Geod(ellps="WGS84")
GLACIER_ID_COLUMNS = ("rgi_id", "rgiid", "glacier_id", "glims_id", "glimsid", "glac_id")
"""Column names (lower case) that hold a glacier's identity, best first."""


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
    geometries = outlines.to_crs("EPSG:4326").to_numpy()
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
    # The sign of a ring's area follows its direction; the first ring of a part is its shell.
    is_shell = np.diff(part, prepend=-1) > 0
    area = np.where(is_shell, 1, -1) * np.abs(measured[:, 0])
    known = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    sums = [
        np.where(known, np.bincount(outline[part], values, len(geometries)), np.nan)
        for values in (area, measured[:, 1])
    ]
    return pd.DataFrame(dict(zip(("area_m2", "perimeter_m"), sums, strict=True)), outlines.index)


def inner_lon_lat(outlines: gpd.GeoSeries) -> pd.DataFrame:
    """Return ``lon`` and ``lat`` in degrees of a point inside each outline."""
    points = outlines.to_crs("EPSG:4326").representative_point()
    return pd.DataFrame({"lon": points.x, "lat": points.y}, index=outlines.index)


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
    return pd.Series(values, index=outlines.index, name="elev_m", dtype=float)


def nearest_glacier(outlines: gpd.GeoSeries, glaciers: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the nearest glacier and the distance between the outlines.

    Parameters
    ----------
    outlines : GeoSeries in a projected CRS in metres
    glaciers : GeoDataFrame
        Glacier outlines in any CRS; the identity is taken from the first column of
        ``GLACIER_ID_COLUMNS``, else it is the row number.

    Returns
    -------
    DataFrame
        ``glacier_id`` (text) and ``glacier_dist_m`` (0 when they touch or overlap).
    """
    empty = pd.DataFrame(
        {"glacier_id": pd.Series(None, outlines.index, dtype=object), "glacier_dist_m": np.nan},
        index=outlines.index,
    )
    glaciers = glaciers[~(glaciers.geometry.is_empty | glaciers.geometry.isna())]
    if outlines.empty or glaciers.empty:
        return empty
    ids = glacier_ids(glaciers).to_numpy()
    tree = shapely.STRtree(glaciers.geometry.to_crs(outlines.crs).make_valid().to_numpy())
    (lake, glacier), distance = tree.query_nearest(
        outlines.to_numpy(), return_distance=True, all_matches=False
    )
    empty.iloc[lake, 0] = ids[glacier]
    empty.iloc[lake, 1] = distance
    return empty


def glacier_ids(glaciers: gpd.GeoDataFrame) -> pd.Series:
    """Return the identity of each glacier as text."""
    lower = {str(name).lower(): name for name in glaciers.columns}
    for wanted in GLACIER_ID_COLUMNS:
        if wanted in lower:
            named: pd.Series = glaciers[lower[wanted]].astype(str)
            return named
    return pd.Series([f"glacier {n}" for n in range(len(glaciers))], index=glaciers.index)
