"""What is true on a date, and how much of it a scene shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from shapely import transform
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from glacial_lakes.columns import C
from glacial_lakes.grid import Grid, placed
from glacial_lakes.simulate.frame import CRS_NAME
from glacial_lakes.simulate.ground import Ground
from glacial_lakes.simulate.noise import Field
from glacial_lakes.simulate.sky import OPAQUE, Sky
from glacial_lakes.simulate.surface import LakeCover


@dataclass(frozen=True, eq=False)
class View:
    """What stands between the ground and a scene's pixels."""

    ground: Ground
    sky: Sky
    missing: NDArray[np.bool_]
    """Pixels without data."""
    grid: Grid
    """Their grid."""


def geodesic_area_m2(outline: Polygon) -> float:
    """Return the area of an outline in the site's CRS on the WGS 84 ellipsoid."""
    to_lonlat = Transformer.from_crs(CRS_NAME, "EPSG:4326", always_xy=True)
    lonlat = transform(outline, lambda xy: np.column_stack(to_lonlat.transform(*xy.T)))
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(orient(lonlat))
    return float(area)


def lake_truth(covers: Sequence[LakeCover], view: View) -> gpd.GeoDataFrame:
    """Return one row a lake: outline, geodesic area, and the shares of it that are in view.

    Columns: ``lake_id``, ``area_m2``, ``observed_fraction`` (neither under cloud thicker than
    :data:`~glacial_lakes.simulate.sky.OPAQUE` nor without data), ``cloud_fraction``,
    ``cloud_shadow_fraction``, ``shadow_fraction`` (cast shadow of terrain), ``in_shadow`` (half
    or more of it), ``frozen_fraction``, ``lake_type``, ``water``, ``history``, ``elev_m``.
    """
    return gpd.GeoDataFrame(
        [_row(cover, view) for cover in covers], geometry="geometry", crs=CRS_NAME
    )


def places_in_view(covers: Sequence[LakeCover], view: View) -> pd.Series:
    """Return the observed fraction of each place where a lake lies at other times, by lake."""
    fractions = {
        cover.state.lake.lake_id: round(1.0 - _share(cover, _hidden(cover, view)), 4)
        for cover in covers
    }
    return pd.Series(fractions, dtype="float64", name=C.OBSERVED_FRACTION)


def _row(cover: LakeCover, view: View) -> dict[str, object]:
    lake, sky, window = cover.state.lake, view.sky, cover.window
    cloud = sky.cloud[window] > OPAQUE
    shaded = _share(cover, sky.lit[window] < 0.5)
    return {
        C.LAKE_ID: lake.lake_id,
        C.AREA_M2: round(geodesic_area_m2(cover.state.outline), 2),
        C.OBSERVED_FRACTION: round(1.0 - _share(cover, _hidden(cover, view)), 4),
        "cloud_fraction": _share(cover, cloud),
        "cloud_shadow_fraction": _share(cover, (sky.shade[window] > OPAQUE) & ~cloud),
        "shadow_fraction": shaded,
        "in_shadow": shaded >= 0.5,
        "frozen_fraction": _share(cover, cover.ice),
        C.LAKE_TYPE: lake.lake_type,
        "water": lake.water.kind,
        "history": lake.history.name,
        C.ELEV_M: round(lake.level_m, 1),
        "geometry": cover.state.outline,
    }


def _share(cover: LakeCover, field: NDArray[np.bool_] | Field) -> float:
    """Return the mean of a field over the lake, to four decimals."""
    total = float(cover.share.sum(dtype=np.float64))
    return round(float((cover.share * field).sum(dtype=np.float64)) / max(total, 1e-9), 4)


def _hidden(cover: LakeCover, view: View) -> NDArray[np.bool_]:
    cloud = view.sky.cloud[cover.window] > OPAQUE
    if not view.missing.any():
        return cloud
    rows, cols = cover.window
    row, col = np.mgrid[rows, cols] + 0.5
    x, y = placed(view.ground.transform, col.ravel(), row.ravel())
    pixel_col, pixel_row = placed(~view.grid.transform, x, y)
    limit = view.missing.shape[0] - 1
    at = np.clip(np.floor([pixel_row, pixel_col]).astype(np.intp), 0, limit)
    return np.asarray(cloud | view.missing[at[0], at[1]].reshape(row.shape))
