"""The area of all lakes that are there now, and how far that number may be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from glacial_lakes.change.errors import sum_sigma
from glacial_lakes.columns import C
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory.decisions import reference
from glacial_lakes.schema import LakeState, Status

if TYPE_CHECKING:
    import geopandas as gpd

    from glacial_lakes.inventory.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Total:
    """Sum of the latest areas of the lakes that are present; None where it is not known.

    Parameters
    ----------
    n_present, n_known : int
        Lakes, and those of them with an area.
    area_m2, sigma_m2 : float
        Sum, and its standard deviation with what the errors of lakes have in common.
    sigma_independent_m2, sigma_correlated_m2 : float
        The same if errors were independent, and if they were fully correlated.
    older_m2 : float
        Part of the sum that was measured before the newest day of any of the areas.
    double_m2 : float
        Ground that the outlines of two lakes both hold, such as an old and a new one of one lake;
        it is counted twice.
    oldest, newest : pandas.Timestamp
        Times of the areas.
    epoch : str
        The date that shows most lakes, the newest of several.
    n_epoch, epoch_m2, epoch_sigma_m2 : int, float, float
        Lakes measured on it, their area, its standard deviation.
    """

    n_present: int
    n_known: int
    area_m2: float | None = None
    sigma_m2: float | None = None
    sigma_independent_m2: float | None = None
    sigma_correlated_m2: float | None = None
    older_m2: float | None = None
    double_m2: float | None = None
    oldest: pd.Timestamp | None = None
    newest: pd.Timestamp | None = None
    epoch: str | None = None
    n_epoch: int | None = None
    epoch_m2: float | None = None
    epoch_sigma_m2: float | None = None

    @property
    def digits(self) -> int:
        """Digits of km² that show the error with two figures."""
        if not self.sigma_m2:
            return 3
        return max(0, 1 - math.floor(math.log10(self.sigma_m2 / 1e6)))


def total_of(inventory: Inventory) -> Total:
    """Return the sum of the latest areas of an inventory, and a date beside it."""
    lakes = inventory.lakes
    present = lakes[lakes[C.STATE] == LakeState.PRESENT]
    known = present[present[C.AREA_M2].notna()]
    if known.empty:
        return Total(len(present), 0)
    outlines = inventory.outlines
    whole = outlines[
        (outlines[C.STATUS] == Status.OBSERVED) & outlines[C.LAKE_ID].isin(known[C.LAKE_ID])
    ]
    stands = reference(whole) if len(whole) else whole.set_index(C.LAKE_ID)
    taken = stands.reindex(known[C.LAKE_ID])[[C.SENSOR, C.ACQUIRED]].set_axis(known.index)
    rows = pd.DataFrame(known.drop(columns="geometry")).assign(
        **{C.STATUS: Status.OBSERVED, C.SENSOR: taken[C.SENSOR], C.ACQUIRED: taken[C.ACQUIRED]}
    )
    areas, sigmas = (rows[name].to_numpy(dtype=float) for name in (C.AREA_M2, C.AREA_SIGMA_M2))
    days = rows[C.ACQUIRED].dt.floor("D")
    is_sure = bool(np.isfinite(sigmas).all())
    dates = inventory.totals
    dates = dates[dates[C.BASIN].isna() & (dates[C.N_LAKES] > 0)]
    best = dates.sort_values([C.N_LAKES, C.LAST_IMAGE], kind="stable").iloc[-1:]
    beside = {} if best.empty else _beside(best.iloc[0])
    return Total(
        n_present=len(present),
        n_known=len(known),
        area_m2=float(areas.sum()),
        sigma_m2=sum_sigma(rows) if is_sure else None,
        sigma_independent_m2=float(np.sqrt((sigmas**2).sum())) if is_sure else None,
        sigma_correlated_m2=float(sigmas.sum()) if is_sure else None,
        older_m2=float(areas[(days < days.max()).to_numpy()].sum()),
        double_m2=_double(known),
        oldest=None if days.isna().all() else rows[C.ACQUIRED].min(),
        newest=None if days.isna().all() else rows[C.ACQUIRED].max(),
        **beside,
    )


def _beside(date: pd.Series) -> dict[str, Any]:
    sigma = float(date[C.AREA_SIGMA_M2])
    return {
        "epoch": str(date[C.EPOCH]),
        "n_epoch": int(date[C.N_LAKES]),
        "epoch_m2": float(date[C.AREA_M2]),
        "epoch_sigma_m2": None if np.isnan(sigma) else sigma,
    }


def _double(lakes: gpd.GeoDataFrame) -> float:
    """Return the area of the ground that two lakes both hold."""
    shapes = lakes.geometry.to_crs(EQUAL_AREA).to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pair = one < other
    shared = shapely.intersection(shapes[one[pair]], shapes[other[pair]])
    return float(shapely.area(shared).sum())
