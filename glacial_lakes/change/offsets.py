"""How much larger one instrument draws lakes than another, from dates that both show.

Only areas of one lake at most thirty days apart tell it: other differences may be growth. Where
lakes differ, the reason is what their shared errors come from, size and shore; so offsets are told
in these: in standard deviations of the difference that the shared parts of both errors allow. Those
are the medians of the dates of a lake and instrument, as one image may err far more than others.
What the lakes of a region have in common is the mean; of a class of sizes it is drawn towards that
of all sizes, and of all sizes towards none, as far as there are few pairs. Without any pair an
offset is as uncertain as the shared errors say, and hardly more than all dates of both differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from glacial_lakes.change.errors import (
    AS_SURE_AS,
    COMMON_DATE_SHARE,
    COMMON_SHARE,
    HELD,
    LAKE_AS_SURE_AS,
    SIZES_M2,
    apart,
    areas_of,
    difference_sigma,
    images_of,
    in_common,
    stretched,
    tools_of,
)
from glacial_lakes.change.series import seen_by_sensors
from glacial_lakes.columns import C
from glacial_lakes.scenes.sensors import instrument
from glacial_lakes.schema import Status

Numbers = npt.NDArray[np.float64]

NEAR_DAYS = 30
"""A lake that changes fast changes little in so many days."""
NEAR = pd.Timedelta(days=NEAR_DAYS)
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
    shared: Mapping[str, pd.Series] = field(default_factory=dict)
    """By instrument the median of the shared errors of each lake, in shares of its area."""

    def is_told(self, first: str, second: str) -> bool:
        """Tell whether near dates of both show any lake."""
        one, other = sorted((first, second))
        return (one, other) in self.measured and not self.measured[one, other].empty

    def between(self, first: str, second: str, area_m2: float) -> tuple[float, float]:
        """Return by how much the second draws larger than the first, and how uncertain that is.

        Both in units of :func:`glacial_lakes.change.errors.apart` of the shared errors of both,
        for a lake of an area.
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

    def left_in(self, first: str, second: str, lakes: pd.Series, areas_m2: Numbers) -> Numbers:
        """Return one standard deviation of the offset of each lake, where none is taken out.

        Units as of :meth:`between`. It is how far the lakes of the region are from no offset, and
        the lake itself as far as near dates of both show it.
        """
        mean, common, spread = self.by_size(first, second)[:, np.searchsorted(SIZES_M2, areas_m2)]
        variance = mean**2 + common + spread
        one, other = sorted((first, second))
        if (one, other) in self.measured:
            own = self.measured[one, other].reindex(lakes)
            beyond = (own["offset"] ** 2 - own["variance"]).to_numpy(dtype=float)
            square = np.maximum(beyond, 0.0)
            drawn = (LAKE_AS_SURE_AS * variance + square) / (LAKE_AS_SURE_AS + 1)
            variance = np.where(np.isnan(square), variance, drawn)
        sigma: Numbers = np.sqrt(variance)
        return sigma

    def shared_of(self, tool: str, lakes: pd.Series, otherwise: Numbers) -> Numbers:
        """Return the shared errors of lakes in shares of their areas, if known."""
        if tool not in self.shared:
            return otherwise
        known = self.shared[tool].reindex(lakes).to_numpy(dtype=float)
        found: Numbers = np.where(np.isnan(known), otherwise, known)
        return found

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


NO_OFFSETS = Offsets()
"""What is known of a region that nobody has seen."""


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
    shared = may_share(rows[C.AREA_SIGMA_SHARED_M2], rows[C.AREA_SIGMA_DATE_M2])
    rows = rows.assign(shared=shared / rows[C.AREA_M2].to_numpy(dtype=float))
    rows["shared"] = rows.groupby(["instrument", C.LAKE_ID])["shared"].transform("median")
    by_tool = {str(tool): part for tool, part in rows.groupby("instrument")}
    for one, other in combinations(sorted(by_tool), 2):
        pairs = _pairs(by_tool[one], by_tool[other], NEAR)
        most = _most(_pairs(by_tool[one], by_tool[other]))
        known |= {(one, other, size): found for size, found in enumerate(_pooled(pairs, most))}
        measured_by[one, other] = pairs
    of_lakes = {tool: part.groupby(C.LAKE_ID)["shared"].first() for tool, part in by_tool.items()}
    return Offsets(known, measured_by, of_lakes)


def offsets_of(observations: pd.DataFrame) -> Offsets:
    """Return the offsets between the instruments of an inventory.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`.

    Examples
    --------
    >>> from glacial_lakes import schema
    >>> offsets_of(schema.conform(pd.DataFrame(), schema.OBSERVATIONS)).is_told("LC", "S2")
    False
    """
    seen = seen_by_sensors(observations)
    seen = seen[(seen[C.STATUS] == Status.OBSERVED) & (seen[C.AREA_M2] > 0)]
    return offsets(seen.assign(instrument=instrument(seen[C.SENSOR])))


@dataclass(frozen=True)
class Differences:
    """Differences of the areas of lakes between two dates, without what another instrument adds."""

    change_m2: Numbers
    offset_m2: Numbers
    """What was taken out of each; 0 where one instrument took both."""
    sigma_m2: Numbers
    sum_sigma_m2: float
    """One standard deviation of the sum of the changes, with what lakes have in common."""


class _Two(NamedTuple):
    """Areas of lakes on two dates, shape (2, lake), and what their instruments differ by."""

    areas: Numbers
    shared: Numbers
    date: Numbers
    tools: npt.NDArray[np.object_]
    is_alike: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, before: pd.DataFrame, after: pd.DataFrame) -> _Two:
        tools = np.stack([instrument(rows[C.SENSOR]).to_numpy(object) for rows in (before, after)])
        return cls(*areas_of(before, after), tools, pd.notna(tools[0]) & (tools[0] == tools[1]))

    def apart(self, lakes: pd.Series, pooled: Offsets) -> Iterator[_Apart]:
        """Yield the lakes that two known instruments see, in the order of these.

        Where nothing is told to be shared, as in files of others, the error of the dates is all.
        """
        is_apart = ~self.is_alike & pd.notna(self.tools).all(axis=0)
        is_apart &= (self.areas > 0).all(axis=0) & (self.shared > 0).any(axis=0)
        for first, second in sorted(set(zip(*self.tools[:, is_apart].tolist(), strict=True))):
            here = np.flatnonzero(is_apart & (self.tools[0] == first) & (self.tools[1] == second))
            names, middle = lakes.iloc[here], np.sqrt(self.areas[:, here].prod(axis=0))
            of_rows = self.shared[:, here] / self.areas[:, here]
            shares = [
                pooled.shared_of(tool, names, own)
                for tool, own in zip((first, second), of_rows, strict=True)
            ]
            yield _Apart(here, (first, second, names, middle), apart(*shares) * middle)


class _Apart(NamedTuple):
    """Lakes that two instruments see."""

    here: npt.NDArray[np.intp]
    asked: tuple[str, str, pd.Series, Numbers]
    """Both instruments, IDs of the lakes, and areas, as :class:`Offsets` is asked."""
    unit_m2: Numbers


def difference_of(
    before: pd.DataFrame, after: pd.DataFrame, pooled: Offsets = NO_OFFSETS
) -> Numbers:
    """Return one standard deviation of the difference of two areas of each lake.

    Of one instrument it is :func:`glacial_lakes.change.errors.difference_sigma`; of two, their
    offset is left in the difference, and counts as far as the region tells how large it is.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Rows of :data:`glacial_lakes.schema.OBSERVATIONS`, as many in both. A sensor that is not
        known is like no other.
    pooled : Offsets, optional
        Those of the region; without them what is usual counts.

    Examples
    --------
    >>> rows = pd.DataFrame({"lake_id": ["A", "A"], "sensor": ["LC08", "S2A"]})
    >>> rows = rows.assign(status="observed", area_m2=9e4, area_sigma_m2=[5e3, 2.5e3])
    >>> rows["area_sigma_shared_m2"], rows["area_sigma_date_m2"] = [4e3, 2e3], [3e3, 1.5e3]
    >>> difference_of(rows.iloc[[0]], rows.iloc[[1]]).round().tolist()
    [5296.0]
    """
    two = _Two.of(before, after)
    sigma = difference_sigma(two.areas, two.shared, two.date, two.is_alike)
    lakes = before.get(C.LAKE_ID, pd.Series(None, before.index, dtype=object))
    for here, asked, unit in two.apart(lakes, pooled):
        sigma[here] = np.sqrt(
            (two.date[:, here] ** 2).sum(axis=0) + (pooled.left_in(*asked) * unit) ** 2
        )
    return sigma


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
    two = _Two.of(*both)
    offset, common = np.zeros(len(before)), np.zeros(len(before))
    own = np.where(two.is_alike, 0.0, apart(*two.shared))
    variance = 0.0
    for here, asked, unit in two.apart(both[0][C.LAKE_ID], pooled):
        offset[here], common[here], own[here] = np.stack(pooled.of_lakes(*asked)) * unit
        variance += float(common[here].sum()) ** 2
    longer = pd.Series(np.where(two.is_alike, stretched(two.areas, two.shared), 0.0))
    variance += float((own**2).sum()) + in_common(longer, tools_of(both[0]), COMMON_SHARE)
    for rows, added in zip(both, two.date, strict=True):
        variance += in_common(pd.Series(added), images_of(rows), COMMON_DATE_SHARE)
    sigma = np.sqrt((two.date**2).sum(axis=0) + common**2 + own**2 + longer.to_numpy() ** 2)
    change = two.areas[1] - two.areas[0] - offset
    return Differences(change, offset, sigma, float(np.sqrt(variance)))


def may_share(shared: npt.ArrayLike, date: npt.ArrayLike) -> Numbers:
    """Return how much of errors an instrument may add on all dates alike.

    Where no part is told to be shared, as in files of others or on a date that hid some of the
    lake, any of the error may be.
    """
    part = np.asarray(shared, dtype=float)
    found: Numbers = np.where(part > 0, part, np.asarray(date, dtype=float))
    return found


def _pairs(
    one: pd.DataFrame, other: pd.DataFrame, within: pd.Timedelta | None = None
) -> pd.DataFrame:
    """Return the offset of each lake with pairs of dates, its variance, and the size.

    Each date of the first instrument is compared with the nearest one of the second.
    """
    names = [C.LAKE_ID, C.ACQUIRED, C.AREA_M2, C.AREA_SIGMA_DATE_M2, "shared"]
    pairs = pd.merge_asof(
        one[names],
        other[names],
        on=C.ACQUIRED,
        by=C.LAKE_ID,
        direction="nearest",
        tolerance=within,
        suffixes=("", "_other"),
    ).dropna(subset=f"{C.AREA_M2}_other")
    area, second = pairs[C.AREA_M2], pairs[f"{C.AREA_M2}_other"]
    middle = np.sqrt(area * second)
    shared = apart(pairs["shared"], pairs["shared_other"])
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


def _most(lakes: pd.DataFrame) -> float:
    """Return the variance that offsets have at most, 1 where too few lakes tell it.

    However far apart two dates are: what lakes differ by holds their growth and the offset, and is
    hardly ever less than the offset alone.
    """
    if lakes.empty:
        return 1.0
    within = float(np.quantile(np.abs(lakes["offset"]), HELD[0]))  # growth is beyond that
    seen = max(within**2 - float(lakes["variance"].median()), 0.0)
    return min((AS_SURE_AS + len(lakes) * seen) / (AS_SURE_AS + len(lakes)), 1.0)


def _pooled(lakes: pd.DataFrame, most: float) -> list[tuple[float, float, float]]:
    """Return mean of the offsets of each class of size, its variance and that of the lakes.

    Beforehand the sum of both variances is known to be ``most``.
    """
    if lakes.empty:
        return [(0.0, COMMON_SHARE * most, (1 - COMMON_SHARE) * most)] * (len(SIZES_M2) + 1)
    mean, variance, spread = _drawn(lakes, 0.0, COMMON_SHARE * most, (1 - COMMON_SHARE) * most)
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
