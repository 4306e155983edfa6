"""The rows of the lakes of a scene as the table that leaves the room: areas, errors, bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glacial_lakes import measures, schema
from glacial_lakes.columns import C
from glacial_lakes.mapping import uncertainty
from glacial_lakes.mapping.bounds import SIGMAS, hidden_px
from glacial_lakes.mapping.job import Job
from glacial_lakes.scenes import Scene
from glacial_lakes.schema import Status
from glacial_lakes.terrain import Terrain

States = NDArray[np.uint8]


def table_of(
    scene: Scene,
    rows: list[dict[str, Any]],
    hidden_of_rows: list[tuple[float, float]],
    terrain: Terrain | None,
) -> gpd.GeoDataFrame:
    """Return the columns of ``schema.MAPPED`` of all lakes.

    ``hidden_of_rows`` holds :func:`hidden_m2` of each; a lake that is cut has bounds instead of an
    area.
    """
    crs = scene.grid.crs.to_wkt()
    columns = [column.name for column in schema.MAPPED] + ["geometry"]
    if not rows:
        empty = gpd.GeoDataFrame({name: [] for name in columns}, geometry="geometry", crs=crs)
        return schema.conform(empty, schema.MAPPED)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)
    size = measures.geodesic_area_perimeter(table.geometry)
    pixel = scene.grid.resolution
    table[C.SCENE_ID] = scene.id
    table[C.ACQUIRED] = pd.Timestamp(scene.acquired)
    table[C.SENSOR] = scene.sensor
    table[C.PIXEL_M] = pixel
    table[C.PERIMETER_M] = size[C.PERIMETER_M]
    table[C.AREA_M2] = size[C.AREA_M2]
    perimeter = size[C.PERIMETER_M].to_numpy()
    hidden = (1 - table[C.OBSERVED_FRACTION]) * table[C.AREA_M2]
    shore = perimeter, pixel, table["shift_px"]
    apart = table["apart_px"] * scene.grid.pixel_area_m2
    table[C.AREA_SIGMA_M2] = uncertainty.area_sigma(*shore, hidden, apart)
    table[C.AREA_ERR_HB_M2] = measures.hanshaw_bookhagen_error(perimeter, pixel)
    cut = table[C.STATUS] != Status.OBSERVED
    margin = SIGMAS * uncertainty.area_sigma(*shore, apart_m2=apart)
    inside, beside = np.array(hidden_of_rows).T
    table[C.AREA_MIN_M2] = (table[C.AREA_M2] - inside - margin).clip(lower=0.0).where(cut)
    table[C.AREA_MAX_M2] = (table[C.AREA_M2] + beside + margin).where(cut)
    table.loc[cut, [C.AREA_M2, C.AREA_SIGMA_M2, C.AREA_ERR_HB_M2]] = np.nan
    table[[C.LON, C.LAT]] = measures.inner_lon_lat(table.geometry)
    if terrain is not None:
        table[C.ELEV_M] = measures.elevation(table.geometry, terrain)
    return schema.conform(
        table.drop(columns=["shift_px", "apart_px", "hidden", "window"]), schema.MAPPED
    )


def hidden_m2(job: Job, states: States, row: Mapping[str, Any]) -> tuple[float, float]:
    """Return how much of an outline is hidden, and how much hidden ground may be of its lake.

    NaN where it is seen whole.
    """
    if row["hidden"] is None:
        return np.nan, np.nan
    grid = job.scene.grid
    inside, beside = hidden_px(
        states,
        grid,
        row["geometry"],
        (row["window"], row["hidden"]),
        job.terrain,
        under_snow=job.may_hold_ice,
    )
    return inside * grid.pixel_area_m2, beside * grid.pixel_area_m2


def near_glaciers(
    table: gpd.GeoDataFrame, glaciers: gpd.GeoDataFrame, buffer_m: float | None
) -> gpd.GeoDataFrame:
    """Return the lakes with the nearest glacier, without those farther from any than a buffer."""
    near = measures.nearest_glacier(table.geometry, glaciers)
    table[[C.GLACIER_ID, C.GLACIER_DIST_M]] = near
    if buffer_m is None:
        return table
    return table[~(table[C.GLACIER_DIST_M] > buffer_m)].reset_index(drop=True)
