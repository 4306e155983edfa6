"""What the report says of changes: alerts, trends and totals by date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from glacial_lakes.report.rows import Alert, LakeTrend

if TYPE_CHECKING:
    from glacial_lakes.inventory import Inventory

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
            lake=(str(row["lake_id"]), numbers.get(row["lake_id"])),
            kind=str(row["alert"]),
            is_confirmed=bool(row["confirmed"]),
            evidence=tuple(str(row["scene_ids"] or "").split()),
            **{name: _known(row[name]) for name in Alert.__slots__ if name in row},
        )
        for row in _records(alerts)
    )


def trend_rows(inventory: Inventory) -> dict[str, LakeTrend]:
    """Return the trend of each lake with an area, by lake ID."""
    rows = _records(inventory.trends)
    return {
        str(row["lake_id"]): LakeTrend(
            kind=_known(row["trend"]),
            exceeds_uncertainty=row["exceeds_uncertainty"] is True,
            **{
                name: _known(row[name])
                for name in LakeTrend.__slots__
                if name in row and name != "exceeds_uncertainty"
            },
        )
        for row in rows
        if row["n"] > 0
    }


def changed_lakes(lakes: pd.DataFrame, trends: Mapping[str, LakeTrend]) -> list[str]:
    """Return present lakes that changed beyond their own uncertainty, the largest change first."""
    changed = [
        (abs(trends[lake].difference_m2 or 0.0), str(lake))
        for lake in lakes.loc[lakes["state"] == "present", "lake_id"]
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
