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

from glacial_lakes.change.errors import (
    AS_SURE_AS,
    COMMON_DATE_SHARE,
    COMMON_SHARE,
    SIZES_M2,
    areas_of,
    difference_of,
    images_of,
    in_common,
    stretched,
    tools_of,
)
from glacial_lakes.columns import C
from glacial_lakes.scenes.sensors import instrument

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
        Mean, its variance and that of the lakes, in units of the shared errors, by both instruments
        in the order of their names and by the class of size.
    """

    known: Mapping[tuple[str, str, int], tuple[float, float, float]] = field(default_factory=dict)
    measured: Mapping[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    """By both instruments the lakes with near dates of both: ``offset, variance`` by lake."""

    def is_told(self, first: str, second: str) -> bool:
        """Tell whether near dates of both show any lake."""
        one, other = sorted((first, second))
        return (one, other) in self.measured and not self.measured[one, other].empty

    def between(self, first: str, second: str, area_m2: float) -> tuple[float, float]:
        """Return by how much the second draws larger than the first, and how uncertain that is.

        Both in units of the root sum of squares of the shared errors of both, for a lake of
        an area.
        """
        mean, *variances = self.by_size(first, second)[:, np.searchsorted(SIZES_M2, area_m2)]
        return float(mean), float(np.sqrt(sum(variances)))

    def of_lakes(
        self, first: str, second: str, lakes: pd.Series, areas_m2: Numbers
    ) -> tuple[Numbers, Numbers, Numbers]:
        """Return the offset of each lake, what all share of its error, and what is its own.

        Units as of :meth:`between`. A lake that near dates of both show by itself is drawn towards
        the mean only as far as these dates err; so the errors of such lakes hardly add up.
        """
        mean, common, spread = self.by_size(first, second)[:, np.searchsorted(SIZES_M2, areas_m2)]
        one, other = sorted((first, second))
        if (one, other) not in self.measured:
            return mean, np.sqrt(common), np.sqrt(spread)
        own = self.measured[one, other].reindex(lakes)
        error = own["variance"].fillna(np.inf).to_numpy(dtype=float)
        own_offset = own["offset"].to_numpy(dtype=float) * (1 if first == one else -1)
        reach = _LARGEST * np.sqrt(spread + error)
        away = np.where(np.isinf(error), 0.0, np.clip(own_offset - mean, -reach, reach))
        weight = spread / (spread + error)
        return mean + weight * away, (1 - weight) * np.sqrt(common), np.sqrt(spread * (1 - weight))

    def by_size(self, first: str, second: str) -> Numbers:
        """Return the offset of each class of size, its variance and that of the lakes.

        Shape (3, class), units as of :meth:`between`.
        """
        one, other = sorted((first, second))
        unknown = (0.0, COMMON_SHARE, 1 - COMMON_SHARE)
        sizes = range(len(SIZES_M2) + 1)
        known = np.array([self.known.get((one, other, size), unknown) for size in sizes]).T
        known[0] *= 1 if first == one else -1
        return known


def offsets(measured: pd.DataFrame) -> Offsets:
    """Return the offsets between the instruments that see the lakes of a region.

    Parameters
    ----------
    measured : pandas.DataFrame
        Rows of :func:`glacial_lakes.change.series.seen_by_sensors` with an area above 0 and
        ``instrument``.
    """
    known: dict[tuple[str, str, int], tuple[float, float, float]] = {}
    measured_by: dict[tuple[str, str], pd.DataFrame] = {}
    rows = measured.dropna(subset="instrument").sort_values(C.ACQUIRED, kind="stable")
    by_tool = {str(tool): part for tool, part in rows.groupby("instrument")}
    for one, other in combinations(sorted(by_tool), 2):
        pairs = _pairs(by_tool[one], by_tool[other])
        known |= {(one, other, size): found for size, found in enumerate(_pooled(pairs))}
        measured_by[one, other] = pairs
    return Offsets(known, measured_by)


@dataclass(frozen=True)
class Differences:
    """Differences of the areas of lakes between two dates, without what another instrument adds."""

    change_m2: Numbers
    offset_m2: Numbers
    """What was taken out of each; 0 where one instrument took both."""
    sigma_m2: Numbers
    sum_sigma_m2: float
    """One standard deviation of the sum of the changes, with what lakes have in common."""


def differences(before: pd.DataFrame, after: pd.DataFrame, pooled: Offsets) -> Differences:
    """Return the differences of areas, of two instruments with the offset that the region tells.

    Of one instrument the errors are those of :func:`glacial_lakes.change.errors.difference_sigma`.
    Of two, what both share over all dates is left only as far as the offset is not known: of that
    some is the mean of the region, common to all lakes, the rest of each lake by itself. A lake
    that is not there has no offset.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Rows of :data:`glacial_lakes.schema.OBSERVATIONS`, a lake each in the same order.
    pooled : Offsets
        Those of the region.
    """
    if before.empty:
        return Differences(np.zeros(0), np.zeros(0), np.zeros(0), 0.0)
    both = (before.reset_index(drop=True), after.reset_index(drop=True))
    areas, shared, date = areas_of(*both)
    tools = [instrument(one[C.SENSOR]).to_numpy(dtype=object) for one in both]
    is_known = pd.notna(tools[0]) & pd.notna(tools[1])
    is_apart = ~is_known | (tools[0] != tools[1])
    offset = np.zeros(len(both[0]))
    common, own = np.zeros(offset.size), np.where(is_apart, np.hypot(*shared), 0.0)
    pairs = pd.Series(list(zip(*tools, strict=True)), dtype=object)
    variance = 0.0
    for tool, tool_after in sorted(set(pairs[is_known & is_apart])):
        here = np.flatnonzero((tools[0] == tool) & (tools[1] == tool_after))
        (one, other), (off, off_other) = areas[:, here], shared[:, here]
        middle = np.sqrt(one * other)
        of_lakes = np.stack(
            pooled.of_lakes(tool, tool_after, both[0][C.LAKE_ID].iloc[here], middle)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = np.hypot(off / one, off_other / other) * middle
        of_lakes[:, middle == 0] = np.sqrt([[0.0], [COMMON_SHARE], [1 - COMMON_SHARE]])
        unit = np.where(middle > 0, unit, own[here])
        offset[here], common[here], own[here] = of_lakes * unit
        variance += float(common[here].sum()) ** 2
    stretched_sigma = pd.Series(np.where(is_apart, 0.0, stretched(areas, shared)))
    variance += float((own**2).sum()) + in_common(stretched_sigma, tools_of(both[0]), COMMON_SHARE)
    for rows, added in zip(both, date, strict=True):
        variance += in_common(pd.Series(added), images_of(rows), COMMON_DATE_SHARE)
    apart = np.sqrt((date**2).sum(axis=0) + common**2 + own**2)
    sigma = np.where(is_apart, apart, difference_of(*both))
    return Differences(areas[1] - areas[0] - offset, offset, sigma, float(np.sqrt(variance)))


def may_share(shared: npt.ArrayLike, date: npt.ArrayLike) -> Numbers:
    """Return how much of errors an instrument may add on all dates alike.

    Where no part is told to be shared, as in files of others or on a date that hid some of the
    lake, any of the error may be.
    """
    part = np.asarray(shared, dtype=float)
    found: Numbers = np.where(part > 0, part, np.asarray(date, dtype=float))
    return found


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
    one_shared, other_shared = (
        may_share(pairs[f"{C.AREA_SIGMA_SHARED_M2}{end}"], pairs[f"{C.AREA_SIGMA_DATE_M2}{end}"])
        for end in ("", "_other")
    )
    shared = np.hypot(one_shared / area, other_shared / second)
    name = C.AREA_SIGMA_DATE_M2
    date = np.hypot(pairs[name] / area, pairs[f"{name}_other"] / second)
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


def _pooled(lakes: pd.DataFrame) -> list[tuple[float, float, float]]:
    """Return mean of the offsets of each class of size, its variance and that of the lakes."""
    if lakes.empty:
        return [(0.0, COMMON_SHARE, 1 - COMMON_SHARE)] * (len(SIZES_M2) + 1)
    mean, variance, spread = _drawn(lakes, 0.0, COMMON_SHARE, 1 - COMMON_SHARE)
    found = []
    for size in range(len(SIZES_M2) + 1):
        here = lakes[lakes["size"] == size]
        found.append(_drawn(here, mean, variance + _CLASSES_DIFFER * spread, spread))
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
