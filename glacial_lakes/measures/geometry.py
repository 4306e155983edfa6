"""Size and place of outlines on the ellipsoid, and their elevation."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod
from rasterio.features import geometry_mask
from shapely.geometry.polygon import orient

from glacial_lakes.terrain import Terrain

ELLIPSOID = Geod(ellps="WGS84")


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
        crop = terrain.grid.crop(window)
        inside = geometry_mask(
            [geometry], crop.shape, crop.transform, invert=True, all_touched=True
        )
        rows = slice(int(window.row_off), int(window.row_off + window.height))
        cols = slice(int(window.col_off), int(window.col_off + window.width))
        found = terrain.elevation_m[rows, cols][inside]
        found = found[np.isfinite(found)]
        values.append(float(np.median(found)) if found.size else np.nan)
    return pd.Series(values, index=outlines.index, name="elev_m", dtype=float)
