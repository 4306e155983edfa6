"""Attributes of the lakes of an inventory: measures put into its tables.

What a person says outranks them: :func:`glacial_lakes.inventory.decisions.describe` comes behind.
"""

from __future__ import annotations

from typing import TypeVar

import geopandas as gpd
import pandas as pd

from glacial_lakes import change, measures
from glacial_lakes.change.alerts import CONTACT_M
from glacial_lakes.columns import C
from glacial_lakes.measures.glaciers import RETREATED_M, SAME_TIME_YEARS
from glacial_lakes.measures.meridian import metric_crs
from glacial_lakes.scenes.dem import Dem
from glacial_lakes.schema import LakeState, LakeType

Table = TypeVar("Table", bound=pd.DataFrame)


def near_glaciers(table: gpd.GeoDataFrame, ice: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Fill in the nearest glacier, where mapping did not, and the type of lake.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Lakes or outlines of an inventory.
    ice : geopandas.GeoDataFrame
        Glacier outlines.
    """
    ice = _real(ice)
    if table.empty or ice.empty:
        return table
    metres = metric_crs(table.geometry)
    ice = ice.to_crs(metres)
    table, lost = table.copy(deep=False), table[C.GLACIER_ID].isna()
    if lost.any():
        near = measures.nearest_glacier(table.geometry[lost].to_crs(metres), ice)
        for name in (C.GLACIER_ID, C.GLACIER_DIST_M):
            table[name] = table[name].where(~lost, near[name].reindex(table.index))
    is_lake = C.LAST_SEEN in table
    seen = table[C.LAST_SEEN if is_lake else C.ACQUIRED]
    # Of very many outlines few are near a glacier. Of a lake the year is told even far from any.
    within = None if is_lake else RETREATED_M
    close = is_lake | measures.may_be_near(table.geometry, ice, RETREATED_M)
    shapes = table.geometry[close].to_crs(metres)
    relations = measures.relation_to_glaciers(shapes, ice, seen[close], CONTACT_M, within)
    relations = relations.reindex(table.index)
    table[C.LAKE_TYPE] = relations[C.LAKE_TYPE].where(close, LakeType.UNCONNECTED)
    table[C.DAM_TYPE] = _ice_dam(relations[C.LAKE_TYPE] == LakeType.SUPRAGLACIAL)
    if is_lake:
        table[C.GLACIER_YEAR] = relations[C.GLACIER_YEAR]
        contact = measures.glacier_contact(shapes, ice, CONTACT_M)
        table[list(contact)] = contact.where(_present(table))
    return table


def on_relief(lakes: gpd.GeoDataFrame, dem: Dem, ice: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Fill in what the DEM tells of the lakes that are present; elevations where none is known.

    Unconnected lakes without any glacier upslope, that water of glaciers does not even pass by
    (a DEM may lead a stream past a lake), become ``non-glacier-fed``; lakes in contact with a
    glacier of the image's time that drain onto it are dammed by ice.
    """
    here = lakes[_present(lakes)]
    ice = None if ice is None or _real(ice).empty else _real(ice)
    if here.empty:
        return lakes
    found = measures.relief_indicators(here.geometry, dem, ice).reindex(lakes.index)
    runs_onto_glacier = found.pop("runs_onto_glacier").fillna(False).astype(bool)
    is_passed_by = found.pop("glacier_water_near").fillna(True).astype(bool)
    lakes = lakes.copy()
    lakes[C.ELEV_M] = lakes[C.ELEV_M].fillna(found.pop(C.ELEV_M))  # of what persons drew
    lakes[list(found)] = found
    if ice is not None:
        # A DEM that lets less drain in than the lake is large does not know the lake.
        is_known = found[C.UPSLOPE_AREA_M2] >= lakes[C.AREA_M2]
        has_none = is_known & ~is_passed_by & (found[C.UPSLOPE_GLACIER_FRACTION] == 0)
        unfed = (lakes[C.LAKE_TYPE] == LakeType.UNCONNECTED) & has_none
        lakes[C.LAKE_TYPE] = lakes[C.LAKE_TYPE].mask(unfed, LakeType.NON_GLACIER_FED)
        same_time = (lakes[C.LAST_SEEN].dt.year - lakes[C.GLACIER_YEAR]).abs() <= SAME_TIME_YEARS
        dammed = (lakes[C.LAKE_TYPE] == LakeType.ICE_CONTACT) & runs_onto_glacier
        dammed &= same_time.fillna(False).astype(bool)
        lakes[C.DAM_TYPE] = lakes[C.DAM_TYPE].mask(dammed, "ice")
    return lakes


def as_lakes(outlines: gpd.GeoDataFrame, lakes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Say of outlines what the relief says of their lakes.

    That is the type without a glacier, a dam of ice, and the elevation of what a person drew.
    """
    levels = outlines[C.LAKE_ID].map(lakes.set_index(C.LAKE_ID)[C.ELEV_M])
    unfed = lakes.loc[lakes[C.LAKE_TYPE] == LakeType.NON_GLACIER_FED, C.LAKE_ID]
    dammed = lakes.loc[lakes[C.DAM_TYPE] == "ice", C.LAKE_ID]
    apart = (outlines[C.LAKE_TYPE] == LakeType.UNCONNECTED) & outlines[C.LAKE_ID].isin(unfed)
    touching = (outlines[C.LAKE_TYPE] == LakeType.ICE_CONTACT) & outlines[C.LAKE_ID].isin(dammed)
    return outlines.assign(
        **{
            C.LAKE_TYPE: outlines[C.LAKE_TYPE].mask(apart, LakeType.NON_GLACIER_FED),
            C.DAM_TYPE: outlines[C.DAM_TYPE].mask(touching, "ice"),
            C.ELEV_M: outlines[C.ELEV_M].fillna(levels),
        }
    )


def screened(
    lakes: gpd.GeoDataFrame,
    which: pd.Series | None = None,
    curves: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Fill in what files of the room ``measures`` tell of the lakes that are present.

    Volume, peak discharge and potential flood are a first-order screening, but for lakes that were
    surveyed.

    Parameters
    ----------
    lakes : geopandas.GeoDataFrame
        Lakes of an inventory.
    which : pandas.Series of bool, optional
        Lakes to fill in, by default all; the others keep what they have.
    curves : pandas.DataFrame, optional
        :data:`glacial_lakes.schema.CURVES`.
    """
    tables = [measure(lakes) for measure in measures.of_lakes()]
    found = pd.concat(tables, axis=1)
    if curves is not None and len(curves):
        surveyed = _surveyed(lakes, curves)
        found.loc[surveyed.index, list(surveyed)] = surveyed
    found = found.where(_present(lakes))
    if which is not None:
        found = found.where(which, lakes.reindex(columns=found.columns))
    return lakes.assign(**found)


def _surveyed(lakes: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Return volume, mean depth and peak discharge of the lakes that have a curve."""
    own = lakes[lakes[C.LAKE_ID].isin(curves[C.LAKE_ID])]
    rows = pd.DataFrame(own[[C.LAKE_ID, C.AREA_M2, C.AREA_SIGMA_M2]])
    volumes = change.with_volumes(rows, curves).set_index(C.LAKE_ID).reindex(own[C.LAKE_ID])
    found = volumes[[C.VOLUME_LOW_M3, C.VOLUME_M3, C.VOLUME_HIGH_M3]].set_axis(own.index)
    for depth, volume in zip(
        (C.MEAN_DEPTH_LOW_M, C.MEAN_DEPTH_M, C.MEAN_DEPTH_HIGH_M), list(found), strict=True
    ):
        found[depth] = found[volume] / own[C.AREA_M2]
    peaks = measures.peak_discharges(found[C.VOLUME_LOW_M3], found[C.VOLUME_HIGH_M3])
    return pd.concat([found, peaks], axis=1)


def _present(lakes: pd.DataFrame) -> pd.Series:
    is_present: pd.Series = (lakes[C.STATE] == LakeState.PRESENT) & lakes[C.AREA_M2].notna()
    return is_present


def _real(ice: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return ice[~(ice.geometry.is_empty | ice.geometry.isna())]


def _ice_dam(holds: pd.Series) -> pd.Series:
    return pd.Series(None, index=holds.index, dtype=object).mask(holds, "ice")
