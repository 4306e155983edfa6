"""The trends of all lakes of an inventory, with the tests of many lakes taken together."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from glacial_lakes.change.series import involved, seen_series
from glacial_lakes.change.trends import ALPHA, Trend, step, trend
from glacial_lakes.schema import TRENDS, conform

_TOLD = [column.name for column in TRENDS if hasattr(Trend, column.name)]
_NEW_START = ("appeared", "drained", "refilled", "split", "merged")
"""Events after which a lake is another body of water; a trend across them means nothing."""


def trends(observations: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Return the trend of each lake: of the areas measured since its last event.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`.
    events : pandas.DataFrame
        :data:`glacial_lakes.schema.LAKE_EVENTS`.

    Returns
    -------
    pandas.DataFrame
        :data:`glacial_lakes.schema.TRENDS`, one row a lake, by lake ID. ``q`` is the p-value with
        regard to the number of lakes tested (Benjamini & Hochberg 1995). A lake is ``growing`` or
        ``shrinking`` when q is at most 0.05 and the change along the trend exceeds its own
        uncertainty; ``none`` says only that no trend is shown.
    """
    seen = seen_series(observations)
    measured = seen[(seen["status"] == "observed") & (seen["area_m2"] > 0)]
    starts = pd.to_datetime(measured["lake_id"].map(_last_events(events)), utc=True)
    measured = measured[~(measured["day"] < starts)]
    acquired = measured["acquired"].dt.tz_convert(None).to_numpy()
    areas, sigmas = (measured[name].to_numpy() for name in ("area_m2", "area_sigma_m2"))
    known = measured.groupby("lake_id").indices
    rows = []
    for lake in sorted(observations["lake_id"].dropna().unique()):
        here = known.get(lake, ())
        row = {"lake_id": lake, "n": len(here)}
        rows.append(row | (_row(acquired[here], areas[here], sigmas[here]) if len(here) else {}))
    table = conform(pd.DataFrame(rows), TRENDS)
    tested = table["p"].notna()
    if tested.any():
        table.loc[tested, "q"] = false_discovery_control(table.loc[tested, "p"])
        table.loc[tested, "trend"] = "none"
        shown = tested & (table["q"] <= ALPHA) & table["exceeds_uncertainty"].fillna(False)
        table.loc[shown, "trend"] = "growing"
        table.loc[shown & (table["slope_m2_per_year"] < 0), "trend"] = "shrinking"
    return table


def _row(*data: npt.NDArray[Any]) -> dict[str, Any]:
    told = trend(*data)
    row: dict[str, Any] = {name: getattr(told, name) for name in _TOLD}
    row |= {"line_first_m2": told.area_at(told.first), "line_last_m2": told.area_at(told.last)}
    found = step(*data)
    if found is not None:
        row |= {
            "step_after": found.after,
            "step_date": found.date,
            "step_m2": found.change_m2,
            "step_p": found.p,
        }
    return row


def _last_events(events: pd.DataFrame) -> dict[str, pd.Timestamp]:
    starts: dict[str, pd.Timestamp] = {}
    for _, event in events[events["event"].isin(_NEW_START)].dropna(subset="date").iterrows():
        for lake in involved(event):
            starts[lake] = max(starts.get(lake, event["date"]), event["date"])
    return starts
