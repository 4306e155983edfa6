"""What happened to the lakes between the dates of a series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.lakes import Lake, Strait
from glacial_lakes.simulate.site import Site

SEEN = 0.9
"""Share of a lake or of its place that must be in view for a date to show it."""
DRAINED = 0.3
"""A lake has drained that keeps less than this share of its area from one date to the next."""
FROZEN = 0.5
"""A lake frozen beyond this share does not show what became of it."""

COLUMNS = (
    C.LAKE_ID,
    C.EVENT,
    C.DATE,
    C.FROM_IDS,
    C.TO_IDS,
    C.AFTER,
    "first_visible_date",
    C.AREA_BEFORE_M2,
    C.AREA_AFTER_M2,
)


@dataclass(frozen=True, eq=False)
class DateView:
    """The truth of one date and what its scene shows."""

    acquisition: Acquisition
    truth: gpd.GeoDataFrame
    empty_places: pd.Series

    @property
    def date(self) -> str:
        """The date as ``YYYY-MM-DD``."""
        return f"{self.acquisition.time:%Y-%m-%d}"

    def shows(self, lake_id: str) -> bool:
        """Tell whether the scene shows the lake, or that it is not there."""
        row = self.truth.loc[self.truth[C.LAKE_ID] == lake_id]
        if row.empty:
            return bool(self.empty_places.get(lake_id, 0.0) >= SEEN)
        return bool(
            row[C.OBSERVED_FRACTION].iloc[0] >= SEEN and row["frozen_fraction"].iloc[0] <= FROZEN
        )

    def area_m2(self, lake_ids: str) -> float:
        """Return the area of lakes whose names are separated by blanks."""
        present = self.truth[C.LAKE_ID].isin(lake_ids.split())
        return round(float(self.truth.loc[present, C.AREA_M2].sum()), 1)


def lake_events(site: Site, views: Sequence[DateView]) -> pd.DataFrame:
    """Return a table of appeared, drained, merged and split lakes.

    Parameters
    ----------
    site : Site
        The lakes with their histories.
    views : sequence of DateView
        In order of time.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`. ``after`` is the last date before the event, ``date`` the first
        one after it, ``first_visible_date`` the first one that shows all its lakes (later where
        cloud, gaps or ice hide them, empty if none does).
    """
    rows = []
    for number, (before, after) in enumerate(pairwise(views)):
        for lake_id, event, from_ids, to_ids in _between(site, before, after):
            ids = f"{from_ids} {to_ids}".split()
            visible = [
                view.date for view in views[number + 1 :] if all(view.shows(name) for name in ids)
            ]
            rows.append(
                (
                    lake_id,
                    event,
                    after.date,
                    from_ids,
                    to_ids,
                    before.date,
                    visible[0] if visible else "",
                    before.area_m2(from_ids),
                    after.area_m2(to_ids),
                )
            )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values([C.DATE, C.LAKE_ID], ignore_index=True)


Change = tuple[str, str, str, str]
"""Lake, event, names before and names after."""


def _between(site: Site, before: DateView, after: DateView) -> Iterator[Change]:
    start, end = before.acquisition.year, after.acquisition.year
    for lake in site.lakes:
        yield from _lake_change(lake, start, end)
    for strait in site.straits:
        yield from _strait_change(strait, start, end)


def _lake_change(lake: Lake, start: float, end: float) -> Iterator[Change]:
    before, after = lake.history.share(start), lake.history.share(end)
    name = lake.lake_id
    if before <= 0.0 < after:
        yield name, "appeared", "", name
    elif before > 0.0 and after < DRAINED * before:
        yield name, "drained", name, name if after > 0.0 else ""


def _strait_change(strait: Strait, start: float, end: float) -> Iterator[Change]:
    was, now = (strait.opens <= year < strait.closes for year in (start, end))
    one, both = strait.first, f"{strait.first} {strait.second}"
    if now and not was:
        yield one, "merged", both, one
    elif was and not now:
        yield one, "split", one, both
