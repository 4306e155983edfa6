"""How fast values rise: the median of the slopes of all pairs, with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from glacial_lakes.change.rank_tests import Numbers, critical_score, mann_kendall

CONFIDENCE = 0.95
"""Of the intervals of slopes."""
_LARGEST_EXACT = 9


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope per unit of time with its interval; the ends are NaN when there is none."""

    value: float
    low: float
    high: float


def theil_sen(times: npt.ArrayLike, values: npt.ArrayLike, variance: float | None = None) -> Slope:
    """Return the median slope of all pairs (Theil 1950) with the interval of Sen (1968).

    Real times count: pairs at unequal distances have their own slopes. One bad value among four
    does not spoil it.

    Parameters
    ----------
    times, values : array_like of float
        Shape (n,), at least two different times; pairs of equal time are left out.
    variance : float, optional
        Variance of the Mann-Kendall score, when it is known to be larger than that of independent
        values.

    Returns
    -------
    Slope
        With a 95 % interval; without one when so few values cannot give it.
    """
    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    test = mann_kendall(values[np.argsort(times, kind="stable")])
    n = values.size
    if variance is None and n <= _LARGEST_EXACT:
        limit = critical_score(n, CONFIDENCE)
    else:
        limit = _limit(max(test.variance, variance or 0.0))
    return _slope(_pair_slopes(times, values), limit)


def seasonal_theil_sen(times: npt.ArrayLike, values: npt.ArrayLike, variance: float) -> Slope:
    """Return the median slope of all pairs of one season (Hirsch et al. 1982).

    Parameters
    ----------
    times, values : array_like of float
        Shape (year, season), NaN where there is no value.
    variance : float
        Variance of the seasonal Mann-Kendall score.
    """
    columns = zip(np.asarray(times, dtype=float).T, np.asarray(values, dtype=float).T, strict=True)
    slopes = [_pair_slopes(t[np.isfinite(v)], v[np.isfinite(v)]) for t, v in columns]
    return _slope(np.concatenate(slopes), _limit(variance))


def _limit(variance: float) -> float:
    return float(ndtri((1 + CONFIDENCE) / 2) * np.sqrt(variance))


def median_slope(times: Numbers, values: Numbers) -> float:
    """Return the median slope of :func:`theil_sen` alone."""
    return float(np.median(_pair_slopes(times, values)))


def _pair_slopes(times: Numbers, values: Numbers) -> Numbers:
    first, second = _pairs(times.size)
    apart = times[second] - times[first]
    slopes: Numbers = (values[second] - values[first])[apart != 0] / apart[apart != 0]
    return slopes


@lru_cache(maxsize=64)
def _pairs(n: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(n, 1)


def _slope(slopes: Numbers, limit: float | None) -> Slope:
    """Take the slopes whose ranks lie ``limit`` scores around the middle."""
    ordered = np.sort(slopes)
    middle = ordered.size // 2
    value = float(ordered[middle] if ordered.size % 2 else ordered[middle - 1 : middle + 1].mean())
    rank = -1 if limit is None else int(np.floor((ordered.size - limit) / 2)) - 1
    if rank < 0:
        return Slope(value, np.nan, np.nan)
    return Slope(value, float(ordered[rank]), float(ordered[-1 - rank]))
