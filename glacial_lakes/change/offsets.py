"""How much larger one instrument draws lakes than another, from dates that both show.

Only areas of one lake at most thirty days apart tell it: other differences may be growth. Where
lakes differ, the reason is what their shared errors come from, size and shore; so offsets are told
in these: in standard deviations of the difference that the shared parts of both errors allow.
What the lakes of a region have in common is the mean; of a class of sizes it is drawn towards that
of all sizes, and of all sizes towards none, as far as there are few pairs. Without any pair an
offset is as uncertain as the shared errors say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from glacial_lakes.change.errors import AS_SURE_AS, COMMON_SHARE, SIZES_M2
from glacial_lakes.columns import C

Numbers = npt.NDArray[np.float64]

NEAR_DAYS = 30
"""A lake that changes fast changes little in so many days."""
_CLASSES_DIFFER = 0.25
"""Variance of the means of classes beside that of the lakes of one."""
_LARGEST = 3.0
"""A lake farther off than so many deviations counts as one that far off."""


@dataclass(frozen=True)
class Offsets:
    """Offsets between instruments; made by :func:`offsets`.

    Parameters
    ----------
    known : mapping
        Mean and standard deviation for a lake, in units of the shared errors, by both instruments
        in the order of their names and by the class of size.
    """

    known: Mapping[tuple[str, str, int], tuple[float, float]] = field(default_factory=dict)

    def between(self, first: str, second: str, area_m2: float) -> tuple[float, float]:
        """Return by how much the second draws larger than the first, and how uncertain that is.

        Both in units of the root sum of squares of the shared errors of both, for a lake of
        an area.
        """
        size = int(np.searchsorted(SIZES_M2, area_m2))
        one, other = sorted((first, second))
        mean, sigma = self.known.get((one, other, size), (0.0, 1.0))
        return (mean if first == one else -mean), sigma


def offsets(measured: pd.DataFrame) -> Offsets:
    """Return the offsets between the instruments that see the lakes of a region.

    Parameters
    ----------
    measured : pandas.DataFrame
        Rows of :func:`glacial_lakes.change.series.seen_series` with an area above 0 and
        ``instrument``.
    """
    known: dict[tuple[str, str, int], tuple[float, float]] = {}
    rows = measured.dropna(subset="instrument").sort_values(C.ACQUIRED, kind="stable")
    by_tool = {str(tool): part for tool, part in rows.groupby("instrument")}
    for one, other in combinations(sorted(by_tool), 2):
        pairs = _pairs(by_tool[one], by_tool[other])
        known |= {(one, other, size): found for size, found in enumerate(_pooled(pairs))}
    return Offsets(known)


def _pairs(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the offset of each lake with a pair of near dates, its variance, and the size."""
    names = [C.LAKE_ID, C.ACQUIRED, C.AREA_M2, C.AREA_SIGMA_SHARED_M2, C.AREA_SIGMA_DATE_M2]
    pairs = pd.merge_asof(
        one[names],
        other[names],
        on=C.ACQUIRED,
        by=C.LAKE_ID,
        direction="nearest",
        tolerance=pd.Timedelta(days=NEAR_DAYS),
        suffixes=("", "_other"),
    ).dropna(subset=f"{C.AREA_M2}_other")
    area, second = pairs[C.AREA_M2], pairs[f"{C.AREA_M2}_other"]
    middle = np.sqrt(area * second)
    shared, date = (
        np.hypot(pairs[name] / area, pairs[f"{name}_other"] / second)
        for name in (C.AREA_SIGMA_SHARED_M2, C.AREA_SIGMA_DATE_M2)
    )
    table = pd.DataFrame(
        {
            C.LAKE_ID: pairs[C.LAKE_ID],
            "size": np.searchsorted(SIZES_M2, middle),
            "offset": np.log(second / area) / shared,
            "variance": (date / shared) ** 2,
        }
    )
    table = table[np.isfinite(table["offset"]) & np.isfinite(table["variance"])]
    lakes: pd.DataFrame = table.groupby(C.LAKE_ID).agg(
        size=("size", "first"),
        offset=("offset", "mean"),
        variance=("variance", "mean"),
        pairs=("offset", "size"),
    )
    lakes["variance"] /= lakes["pairs"]
    return lakes


def _pooled(lakes: pd.DataFrame) -> list[tuple[float, float]]:
    """Return mean and standard deviation of the offset of a lake of each class of size."""
    if lakes.empty:
        return [(0.0, 1.0)] * (len(SIZES_M2) + 1)
    mean, variance, spread = _drawn(lakes, 0.0, COMMON_SHARE, 1 - COMMON_SHARE)
    found = []
    for size in range(len(SIZES_M2) + 1):
        here = lakes[lakes["size"] == size]
        own = _drawn(here, mean, variance + _CLASSES_DIFFER * spread, spread)
        found.append((own[0], float(np.sqrt(own[1] + own[2]))))
    return found


def _drawn(
    lakes: pd.DataFrame, mean: float, variance: float, spread: float
) -> tuple[float, float, float]:
    """Return mean of lakes, its variance and their own, drawn towards what is known before."""
    if lakes.empty:
        return mean, variance, spread
    off = lakes["offset"].to_numpy(dtype=float)
    middle = float(np.median(off))
    reach = _LARGEST * 1.4826 * float(np.median(np.abs(off - middle)))
    if off.size > 2:
        off = np.clip(off, middle - reach, middle + reach)
    error = lakes["variance"].to_numpy(dtype=float)
    seen = max(float(((off - middle) ** 2).mean() - error.mean()), 0.0)
    spread = (AS_SURE_AS * spread + off.size * seen) / (AS_SURE_AS + off.size)
    weights = 1 / (spread + error)
    precision = 1 / variance + weights.sum()
    return float((mean / variance + (weights * off).sum()) / precision), 1 / precision, spread
