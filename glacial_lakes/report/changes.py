"""What the report says of changes: alerts, trends, totals, and drawn outlines now contradicted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes.columns import C
from glacial_lakes.report.model import Alert, Conflict, LakeTrend
from glacial_lakes.schema import LakeState, Status

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory


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
    contradicted = lakes.loc[lakes[C.REVIEW_CONFLICT].fillna(False).astype(bool), C.LAKE_ID]
    whole = outlines[
        (outlines[C.STATUS] == Status.OBSERVED) & outlines[C.LAKE_ID].isin(contradicted)
    ]
    for name, rows in whole.sort_values(C.ACQUIRED, kind="stable").groupby(C.LAKE_ID):
        drawn = rows[rows[C.EDITED].fillna(False).astype(bool)]
        if drawn.empty:
            continue
        one, other = drawn.iloc[-1], rows.iloc[-1]
        conflict = Conflict(
            drawn_by=None if pd.isna(one[C.EDITED_BY]) else str(one[C.EDITED_BY]),
            drawn_of=one[C.ACQUIRED],
            drawn_area_m2=_real(one[C.AREA_M2]),
            drawn_sigma_m2=_real(one[C.AREA_SIGMA_M2]),
            newer_of=other[C.ACQUIRED],
            newer_area_m2=_real(other[C.AREA_M2]),
            newer_sigma_m2=_real(other[C.AREA_SIGMA_M2]),
        )
        found[str(name)] = (conflict, one["geometry"])
    return found


def _real(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


GROWTH_ROWS = 20


def alert_rows(alerts: pd.DataFrame, numbers: Mapping[str, int]) -> tuple[Alert, ...]:
    """Return the alerts.

    Parameters
    ----------
    alerts : pandas.DataFrame
        :data:`glacial_lakes.schema.ALERTS`.
    numbers : mapping of str to int
        Place of each lake that has a curve in the report.
    """
    return tuple(
        Alert(
            lake=(str(row[C.LAKE_ID]), numbers.get(row[C.LAKE_ID])),
            kind=str(row[C.ALERT]),
            is_confirmed=bool(row[C.CONFIRMED]),
            scenes=tuple(str(row[C.SCENE_IDS] or "").split()),
            **{name: _known(row[name]) for name in Alert.__slots__ if name in row},
        )
        for row in _records(alerts)
    )


def trend_rows(inventory: Inventory) -> dict[str, LakeTrend]:
    """Return the trend of each lake with an area, by lake ID."""
    rows = _records(inventory.trends)
    return {
        str(row[C.LAKE_ID]): LakeTrend(
            kind=_known(row[C.TREND]),
            exceeds_uncertainty=row[C.EXCEEDS_UNCERTAINTY] is True,
            **{
                name: _known(row[name])
                for name in LakeTrend.__slots__
                if name in row and name != C.EXCEEDS_UNCERTAINTY
            },
        )
        for row in rows
        if row[C.N] > 0
    }


def changed_lakes(lakes: pd.DataFrame, trends: Mapping[str, LakeTrend]) -> list[str]:
    """Return present lakes that changed beyond their own uncertainty, the largest change first."""
    changed = [
        (abs(trends[lake].difference_m2 or 0.0), str(lake))
        for lake in lakes.loc[lakes[C.STATE] == LakeState.PRESENT, C.LAKE_ID]
        if lake in trends and trends[lake].is_change
    ]
    return [lake for _, lake in sorted(changed, key=lambda pair: -pair[0])[:GROWTH_ROWS]]


def total_rows(inventory: Inventory) -> tuple[dict[str, Any], ...]:
    """Return the totals by date, :data:`glacial_lakes.schema.TOTALS`, missing values as None."""
    return tuple(
        {name: _known(value) for name, value in row.items()} for row in _records(inventory.totals)
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in table.columns if name != "geometry"]
    columns = [table[name].astype(object) for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _known(value: Any) -> Any:
    return None if value is None or pd.isna(value) else value
