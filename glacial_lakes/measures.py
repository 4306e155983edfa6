"""Attributes of outlines: ``GeoDataFrame -> Series`` or ``DataFrame``, index kept."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod
from shapely.geometry.polygon import orient

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
    rows = []
    for geometry in outlines.to_crs("EPSG:4326"):
        if geometry is None or geometry.is_empty:
            rows.append((np.nan, np.nan))
            continue
        # The sign of a ring's area follows its orientation, so shells and holes must differ.
        parts = [ELLIPSOID.geometry_area_perimeter(orient(p)) for p in shapely.get_parts(geometry)]
        rows.append((sum(area for area, _ in parts), sum(length for _, length in parts)))
    return pd.DataFrame(rows, columns=["area_m2", "perimeter_m"], index=outlines.index, dtype=float)


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
    values = []
    for geometry in outlines:
        window = terrain.grid.window_of(geometry.bounds, pad=1)
        rows, cols = window.toslices()
        part = terrain.elevation_m[rows, cols]
        local = shifted(terrain.grid.transform, rows.start, cols.start)
        inside = np.zeros(part.shape, bool)
        for polygon in shapely.get_parts(geometry):
            inside |= pixels_inside(polygon, local, part.shape)
        if not inside.any():  # smaller than a pixel of the DEM
            middle = geometry.representative_point()
            col, row = ~local * (middle.x, middle.y)
            inside[
                min(max(int(row), 0), part.shape[0] - 1), min(max(int(col), 0), part.shape[1] - 1)
            ] = True
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
