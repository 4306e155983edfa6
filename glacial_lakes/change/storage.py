"""Volumes of lakes on their dates, and how they changed: by surveys, else by area scalings."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glacial_lakes import schema
from glacial_lakes.change.offsets import difference_of
from glacial_lakes.change.series import seen_series
from glacial_lakes.columns import C
from glacial_lakes.measures.rating_curves import CURVE_ERROR, RatingCurve
from glacial_lakes.measures.volume import volume_changes, volumes
from glacial_lakes.schema import VolumeMethod

Float = NDArray[np.float64]

_VOLUMES = (C.VOLUME_LOW_M3, C.VOLUME_M3, C.VOLUME_HIGH_M3)
_CHANGES = (C.VOLUME_CHANGE_LOW_M3, C.VOLUME_CHANGE_M3, C.VOLUME_CHANGE_HIGH_M3)


def curves_of(table: pd.DataFrame) -> dict[str, RatingCurve]:
    """Return the curves of lakes by their IDs.

    Parameters
    ----------
    table : pandas.DataFrame
        :data:`glacial_lakes.schema.CURVES`.
    """
    curves = {}
    for name, rows in table.dropna(subset=[C.AREA_M2, C.VOLUME_M3]).groupby(C.LAKE_ID):
        ordered = rows.sort_values(C.AREA_M2).drop_duplicates(C.AREA_M2)
        volume = ordered[C.VOLUME_M3].to_numpy(dtype=float)
        errors = ordered[C.VOLUME_SIGMA_M3].to_numpy(dtype=float, na_value=np.nan) / volume
        error = float(np.nanmedian(errors)) if np.isfinite(errors).any() else CURVE_ERROR
        areas = ordered[C.AREA_M2].to_numpy(dtype=float)
        curves[str(name)] = RatingCurve(tuple(areas), tuple(volume), error)
    return curves


def with_volumes(
    observations: pd.DataFrame, curves: pd.DataFrame, shallow: Collection[str] = ()
) -> pd.DataFrame:
    """Return observations with the volume on each date, and its change since the first one.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS` of any lakes.
    curves : pandas.DataFrame
        :data:`glacial_lakes.schema.CURVES`.
    shallow : collection of str
        Lakes of whose depth the area says nothing: they have a volume by their curve alone.

    Returns
    -------
    pandas.DataFrame
        :data:`glacial_lakes.schema.SERIES`. A lake that has drained has the volume 0. Volumes are
        missing where the area is, and where neither a curve nor relations hold for it.
    """
    table = schema.conform(observations, schema.SERIES)
    table = table.sort_values([C.LAKE_ID, C.ACQUIRED, C.SCENE_ID], kind="stable", ignore_index=True)
    known = table[C.AREA_M2].notna()
    rows = table[known]
    if not len(rows):
        return table
    earliest = rows.drop_duplicates(C.LAKE_ID)
    start = earliest.set_axis(earliest[C.LAKE_ID]).loc[rows[C.LAKE_ID]]
    is_first = rows.index.isin(earliest.index)
    area, before = (part[C.AREA_M2].to_numpy(dtype=float) for part in (rows, start))
    sigma = rows[C.AREA_SIGMA_M2].to_numpy(dtype=float, na_value=np.nan)
    between = np.where(is_first, 0.0, np.nan_to_num(difference_of(start, rows)))
    held, changed = _by_relations(area, before, between)
    methods = np.full(len(rows), VolumeMethod.RELATIONS.value, dtype=object)
    no_depth = rows[C.LAKE_ID].isin(list(shallow)).to_numpy()
    for name, curve in curves_of(curves).items():
        own = (rows[C.LAKE_ID] == name).to_numpy()
        if own.any():
            parts = (values[own] for values in (area, before, sigma, between))
            held[:, own], changed[:, own] = _by_curve(curve, *parts)
            methods[own] = VolumeMethod.CURVE.value
            no_depth = no_depth & ~own
    held[:, no_depth] = changed[:, no_depth] = np.nan
    methods[~np.isfinite(held[1])] = None
    columns = dict(zip((*_VOLUMES, *_CHANGES), (*held, *changed), strict=True))
    for column, values in (columns | {C.VOLUME_METHOD: methods}).items():
        table.loc[known, column] = values
    return schema.conform(table, schema.SERIES)


def storage(
    observations: pd.DataFrame, curves: pd.DataFrame, shallow: Collection[str] = ()
) -> pd.DataFrame:
    """Return the volume of each lake on its last date, and its change since the first one.

    Parameters
    ----------
    observations, curves, shallow
        As for :func:`with_volumes`.

    Returns
    -------
    pandas.DataFrame
        :data:`glacial_lakes.schema.STORAGE`, by lake; lakes without any volume are left out.
    """
    rows = with_volumes(seen_series(observations), curves, shallow)
    rows = rows[rows[C.AREA_M2].notna()]
    by_lake = rows.groupby(C.LAKE_ID)
    table = rows.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)
    table[C.N], times = by_lake.size(), by_lake[C.ACQUIRED]
    table[C.FIRST], table[C.LAST] = times.min(), times.max()
    table = table[table[C.VOLUME_M3].notna() | table[C.VOLUME_CHANGE_M3].notna()]
    names = [column.name for column in schema.STORAGE if column.name != C.LAKE_ID]
    return schema.conform(table[names].reset_index(), schema.STORAGE)


def _by_relations(area: Float, before: Float, between: Float) -> tuple[Float, Float]:
    held = volumes(pd.Series(area))[list(_VOLUMES)].to_numpy().T.copy()
    held[:, area == 0] = 0.0
    return held, volume_changes(before, area, between)


def _by_curve(
    curve: RatingCurve, area: Float, before: Float, sigma: Float, between: Float
) -> tuple[Float, Float]:
    (volume, error), (start, _) = curve.volumes(area), curve.volumes(before)
    slope = curve.slope_m(area)
    slope = np.where(np.isfinite(slope), slope, curve.slope_m(before))
    off = np.hypot(volume * error, np.nan_to_num(slope * sigma))
    change = volume - start
    error = np.where(area > 0, error, curve.relative_error)
    changed_off = np.hypot(change * error, np.nan_to_num(slope * between))
    return (
        np.stack([volume - off, volume, volume + off]),
        np.stack([change - changed_off, change, change + changed_off]),
    )
