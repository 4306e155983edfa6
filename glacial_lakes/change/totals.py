"""How many lakes, and how much area, on each date; and what changed on lakes that two dates show.

Totals of two dates must not be subtracted: a lake under cloud is not a lake that is gone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glacial_lakes.change.errors import sum_sigma
from glacial_lakes.change.offsets import Offsets, differences, offsets_of
from glacial_lakes.change.series import SEEN, best_of_day, epoch_names, times_of_scenes
from glacial_lakes.columns import C
from glacial_lakes.scenes.sensors import instrument
from glacial_lakes.schema import TOTALS, LakeState, Status, conform


def by_date(observations: pd.DataFrame, scenes: pd.DataFrame) -> pd.DataFrame:
    """Return one row a lake and date with the date's name in ``epoch``, as :func:`totals` wants.

    Parameters
    ----------
    observations, scenes : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS` and :data:`~glacial_lakes.schema.SCENES`. The
        scene gives the date its name: the outlines of an older survey are of many days.
    """
    rows = best_of_day(observations)
    acquired = times_of_scenes(rows, scenes)
    return rows.assign(**{C.EPOCH: epoch_names(acquired, rows[C.SENSOR])})


def totals(rows: pd.DataFrame, lakes: pd.DataFrame) -> pd.DataFrame:
    """Return number and area of lakes by epoch, for all lakes and for each basin.

    The error of a sum is that of :func:`glacial_lakes.change.errors.sum_sigma`, which knows what
    lakes share; beside it errors are added as independent, and as fully correlated: it lies
    between. Doubtful lakes are left out.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row a lake and epoch: :data:`glacial_lakes.schema.OBSERVATIONS` and ``epoch``.
    lakes : pandas.DataFrame
        ``lake_id, state, basin``.

    Returns
    -------
    pandas.DataFrame
        :data:`glacial_lakes.schema.TOTALS`, by basin (all lakes first, without a name) and time.
        The change is from the epoch before, on lakes that both show, absent ones included. Of two
        instruments it is without the offset that near dates of both tell
        (``sensor_offset_m2``, with :func:`glacial_lakes.change.offsets.differences`).
    """
    kept = lakes.loc[lakes[C.STATE] != LakeState.UNCONFIRMED, [C.LAKE_ID, C.BASIN]]
    rows = _with_nearest(rows.merge(kept, on=C.LAKE_ID))
    pooled = offsets_of(rows)
    parts: list[tuple[str | None, pd.DataFrame]] = [(None, rows)]
    parts += [(str(name), part) for name, part in rows.groupby(C.BASIN)]
    found = [row for name, part in parts for row in _by_epoch(part, name, pooled)]
    return conform(pd.DataFrame(found), TOTALS)


def _with_nearest(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the area that each lake has on the nearest date that tells it."""
    rows = rows.sort_values([C.ACQUIRED, C.LAKE_ID], kind="stable")
    seen = rows.loc[rows[C.STATUS].isin(SEEN), [C.LAKE_ID, C.ACQUIRED, C.AREA_M2]]
    return pd.merge_asof(
        rows,
        seen.rename(columns={C.AREA_M2: "nearest_m2"}),
        on=C.ACQUIRED,
        by=C.LAKE_ID,
        direction="nearest",
    )


def _by_epoch(rows: pd.DataFrame, basin: str | None, pooled: Offsets) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before: pd.DataFrame | None = None
    for epoch, here in rows.groupby(C.EPOCH, sort=False):
        here = here.set_index(C.LAKE_ID)  # noqa: PLW2901
        lakes = here[(here[C.STATUS] == Status.OBSERVED) & (here[C.AREA_M2] > 0)]
        unseen = here[~here[C.STATUS].isin(SEEN) & (here["nearest_m2"] != 0)]
        area, independent, correlated = _sums(lakes[C.AREA_M2], lakes[C.AREA_SIGMA_M2])
        row = {
            C.EPOCH: epoch,
            C.BASIN: basin,
            C.FIRST_IMAGE: here[C.ACQUIRED].min(),
            C.LAST_IMAGE: here[C.ACQUIRED].max(),
            C.N_LAKES: len(lakes),
            C.AREA_M2: area,
            C.AREA_SIGMA_M2: sum_sigma(lakes.reset_index()) if len(lakes) else np.nan,
            C.SIGMA_INDEPENDENT_M2: independent,
            C.SIGMA_CORRELATED_M2: correlated,
            C.N_UNSEEN: len(unseen),
            C.UNSEEN_AREA_M2: unseen["nearest_m2"].sum(min_count=1 if len(unseen) else 0),
        }
        if before is not None:
            row |= {C.COMPARED_WITH: found[-1][C.EPOCH]} | _change(before, here, pooled)
        found.append(row)
        before = here
    return found


def _change(before: pd.DataFrame, here: pd.DataFrame, pooled: Offsets) -> dict[str, Any]:
    both = before.merge(here, left_index=True, right_index=True, suffixes=("_before", "_after"))
    seen = both[f"{C.STATUS}_before"].isin(SEEN) & both[f"{C.STATUS}_after"].isin(SEEN)
    wet = (both[f"{C.AREA_M2}_before"] > 0) | (both[f"{C.AREA_M2}_after"] > 0)
    both = both[seen & wet]
    first, last = before.loc[both.index].reset_index(), here.loc[both.index].reset_index()
    difference = differences(first, last, pooled)
    change, independent, correlated = _sums(
        pd.Series(difference.change_m2), pd.Series(difference.sigma_m2)
    )
    tools = [set(instrument(one[C.SENSOR]).dropna()) for one in (first, last)]
    return {
        C.N_COMMON: len(both),
        C.CHANGE_M2: change,
        C.SENSOR_OFFSET_M2: difference.offset_m2.sum() if len(set.union(*tools)) > 1 else np.nan,
        C.CHANGE_SIGMA_M2: difference.sum_sigma_m2 if len(both) else np.nan,
        C.CHANGE_SIGMA_INDEPENDENT_M2: independent,
        C.CHANGE_SIGMA_CORRELATED_M2: correlated,
    }


def _sums(areas: pd.Series, sigmas: pd.Series) -> tuple[float, float, float]:
    """Return a sum and its two errors; NaN without any part, and where a part's is not known."""
    if areas.empty:
        return np.nan, np.nan, np.nan
    parts = sigmas.to_numpy(dtype=float)
    return float(areas.sum()), float(np.sqrt((parts**2).sum())), float(parts.sum())
