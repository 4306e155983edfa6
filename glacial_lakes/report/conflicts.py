"""Outlines that persons drew and that a newer image contradicts."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes.report.rows import Conflict


def conflicts_of(
    lakes: gpd.GeoDataFrame, outlines: gpd.GeoDataFrame
) -> Mapping[str, tuple[Conflict, shapely.Geometry]]:
    """Return, by lake ID, what the person drew and what the newer image shows, and the drawing.

    Parameters
    ----------
    lakes : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.LAKES`.
    outlines : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.OUTLINES`.
    """
    found = {}
    contradicted = lakes.loc[lakes["review_conflict"].fillna(False).astype(bool), "lake_id"]
    whole = outlines[(outlines["status"] == "observed") & outlines["lake_id"].isin(contradicted)]
    for name, rows in whole.sort_values("acquired", kind="stable").groupby("lake_id"):
        drawn = rows[rows["edited"].fillna(False).astype(bool)]
        if drawn.empty:
            continue
        one, other = drawn.iloc[-1], rows.iloc[-1]
        told = Conflict(
            drawn_by=None if pd.isna(one["edited_by"]) else str(one["edited_by"]),
            drawn_of=one["acquired"],
            drawn_area_m2=_real(one["area_m2"]),
            drawn_sigma_m2=_real(one["area_sigma_m2"]),
            newer_of=other["acquired"],
            newer_area_m2=_real(other["area_m2"]),
            newer_sigma_m2=_real(other["area_sigma_m2"]),
        )
        found[str(name)] = (told, one["geometry"])
    return found


def _real(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
