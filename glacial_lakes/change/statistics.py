"""Tests for a trend and a step that ask only which value is larger, and the median slope."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtr, stdtrit
from scipy.stats import false_discovery_control, rankdata

Numbers = npt.NDArray[np.float64]

_LARGEST_EXACT = 9
"""Largest number of values whose p-value is counted out instead of approximated."""
_ALPHA = 0.05
"""Level at which Hamed & Rao (1998) take an autocorrelation for real."""

_MOST_MEMORY = 0.95
"""Values that remember more than this have no trend that could be told from it."""


@dataclass(frozen=True, slots=True)
class RankTest:
    """What a test of the Mann-Kendall family says.

    Parameters
    ----------
    score : float
        Pairs of values that rise, minus pairs that fall.
    variance : float
        Variance of the score if there is no trend.
    p : float
        Two-sided probability of a score at least so far from zero if there is no trend.
    """

    score: float
    variance: float
    p: float


def mann_kendall(values: npt.ArrayLike) -> RankTest:
    """Test values in the order of time for a trend (Mann 1945, Kendall 1975).

    Up to nine different values the p-value is exact; otherwise it is that of the normal law with
    correction for continuity and ties. Values are taken as independent.

    Parameters
    ----------
    values : array_like of float
        Shape (n,), none missing.
    """
    values = np.asarray(values, dtype=float)
    score, n = _score(values), values.size
    variance = _variance(values)
    if n <= _LARGEST_EXACT and np.unique(values).size == n:
        return RankTest(score, variance, exact_p(score, n))
    return RankTest(score, variance, _normal_p(score, variance))


def mann_kendall_hamed_rao(
    values: npt.ArrayLike, times: npt.ArrayLike | None = None, slope: float = 0.0
) -> RankTest:
    """Test values that may be autocorrelated for a trend (Hamed & Rao 1998).

    Parameters
    ----------
    values : array_like of float
        Shape (n,), in the order of time; ten or more make the correction trustworthy.
    times : array_like of float, optional
        By default 0, 1, 2, …
    slope : float
        Slope over ``times`` that is taken out before the autocorrelation is measured.
    """
    values = np.asarray(values, dtype=float)
    n = values.size
    times = np.asarray(np.arange(n) if times is None else times, dtype=float)
    ranks = _residual_ranks(values, times, slope)
    correlation = np.correlate(ranks, ranks, "full")[n:] / max(float(ranks @ ranks), 1e-12)
    lag = np.arange(1, n)
    real = np.abs(correlation) > ndtri(1 - _ALPHA / 2) / np.sqrt(n)
    weights = (n - lag) * (n - lag - 1) * (n - lag - 2)
    factor = 1 + 2 / (n * (n - 1) * (n - 2)) * float((weights * correlation)[real].sum())
    score, variance = _score(values), _variance(values) * max(factor, 0.0)
    return RankTest(score, variance, _normal_p(score, variance))


def mann_kendall_first_order(
    values: npt.ArrayLike, times: npt.ArrayLike | None = None, slope: float = 0.0
) -> RankTest:
    """Test values each of which may remember the one before it for a trend (Yue & Wang 2004).

    Short series need this: hardly any of their autocorrelations pass the test of
    :func:`mann_kendall_hamed_rao`.

    Parameters
    ----------
    values, times, slope
        As of :func:`mann_kendall_hamed_rao`; five values or more.
    """
    return mann_kendall_of_memory(values, first_autocorrelation(values, times, slope))


def first_autocorrelation(
    values: npt.ArrayLike, times: npt.ArrayLike | None = None, slope: float = 0.0
) -> float:
    """Return how much each value remembers the one before it.

    It is that of what the slope leaves, freed of the bias that few values and a fitted slope give
    it (van Giersbergen 2005): right in the mean, and far off in a single short series.

    Parameters
    ----------
    values, times, slope
        As of :func:`mann_kendall_hamed_rao`; five values or more.
    """
    values = np.asarray(values, dtype=float)
    n = values.size
    times = np.asarray(np.arange(n) if times is None else times, dtype=float)
    ranks = _residual_ranks(values, times, slope)
    squares = float(ranks @ ranks)
    if squares == 0.0:  # all on the line
        return 0.0
    return (n * float(ranks[1:] @ ranks[:-1]) / squares + 2) / (n - 4)


def mann_kendall_of_memory(values: npt.ArrayLike, memory: float) -> RankTest:
    """Test values each of which remembers the one before it by so much (Yue & Wang 2004).

    Parameters
    ----------
    values : array_like of float
        Shape (n,), in the order of time.
    memory : float
        First autocorrelation; below 0 it counts as 0, when this is :func:`mann_kendall`.
    """
    values = np.asarray(values, dtype=float)
    plain, n, lag = mann_kendall(values), values.size, np.arange(1, values.size)
    kept = float(np.clip(memory, 0.0, _MOST_MEMORY))
    factor = 1 + 2 * float(((1 - lag / n) * kept**lag).sum())
    variance = plain.variance * factor
    p = max(plain.p, _normal_p(plain.score, variance)) if factor > 1 else plain.p
    return RankTest(plain.score, variance, p)


def seasonal_mann_kendall(table: npt.ArrayLike) -> RankTest:
    """Test for a trend that all seasons share, each compared with itself (Hirsch et al. 1982).

    Parameters
    ----------
    table : array_like of float
        Shape (year, season), NaN where there is no value. Seasons are taken as independent.
    """
    seasons = _seasons(table)
    score = sum(_score(values) for values in seasons)
    variance = sum(_variance(values) for values in seasons)
    return RankTest(score, variance, _normal_p(score, variance))


def correlated_seasonal_mann_kendall(table: npt.ArrayLike) -> RankTest:
    """Test as :func:`seasonal_mann_kendall` where a year moves all its seasons.

    After Hirsch & Slack (1984), with the covariances of Dietz & Killeen (1981).

    Parameters
    ----------
    table : array_like of float
        Shape (year, season), NaN where there is no value.
    """
    columns = np.asarray(table, dtype=float).T
    n = columns.shape[1]
    count = np.isfinite(columns).sum(axis=1)
    rises = np.sign(np.nan_to_num(columns[:, None, :] - columns[:, :, None]))
    ranks = (count[:, None] + 1 - rises.sum(axis=2)) / 2
    pairs = np.einsum("gij,hij->gh", rises, rises) / 2
    covariance = (pairs + 4 * ranks @ ranks.T - n * np.multiply.outer(count + 1, count + 1)) / 3
    score = sum(_score(values) for values in _seasons(table))
    variance = float(covariance.sum())
    return RankTest(score, variance, _normal_p(score, variance))


def exact_p(score: float, n: int) -> float:
    """Return the two-sided p-value of a Mann-Kendall score of n values without ties."""
    scores, share = _score_law(n)
    return float(min(1.0, share[np.abs(scores) >= abs(score) - 1e-9].sum()))


def critical_score(n: int, confidence: float) -> float | None:
    """Return the largest score within the confidence of no trend; None when all scores are.

    Parameters
    ----------
    n : int
        Number of values, without ties.
    confidence : float
        For instance 0.95.
    """
    scores, share = _score_law(n)
    tail = np.cumsum(share[::-1])[::-1]
    beyond = scores[tail <= (1 - confidence) / 2 + 1e-12]
    return float(beyond.min()) - 2 if beyond.size else None


def with_regard_to_number(p: npt.ArrayLike, level: float) -> Numbers:
    """Return p-values of many tests with regard to their number, for one level.

    The two steps of Benjamini, Krieger & Yekutieli (2006). The first, of Benjamini & Hochberg
    (1995), takes all lakes for constant; what it shows tells how many are not, and the second
    counts only the others. Of the lakes that are called, in the mean a share of ``level`` is
    constant at most. Where hardly a lake changes, both steps say the same.

    Parameters
    ----------
    p : array_like of float
        Shape (n,), none missing.
    level : float
        Share of false ones among the called, the only one that the values can be compared with.

    Returns
    -------
    numpy.ndarray of float, shape (n,)

    Examples
    --------
    >>> with_regard_to_number([0.001, 0.002, 0.003, 0.08], 0.05).round(4).tolist()
    [0.0011, 0.0011, 0.0011, 0.021]
    """
    values = np.asarray(p, dtype=float)
    first = (1 + level) * false_discovery_control(values)
    shown = int((first <= level).sum())
    rest = values.size - shown if shown < values.size else values.size
    q: Numbers = np.minimum(first * rest / values.size, 1.0)
    return q


def pettitt(values: npt.ArrayLike) -> tuple[int, float]:
    """Look for the step that splits values best into two parts (Pettitt 1979).

    Parameters
    ----------
    values : array_like of float
        Shape (n,), in the order of time, at least two.

    Returns
    -------
    position : int
        Number of values before the step.
    p : float
        Approximate probability of such a split if there is none. A steady trend gives a small
        one too.
    """
    values = np.asarray(values, dtype=float)
    n = values.size
    ahead = np.sign(values[:, None] - values[None, :])
    scores = np.cumsum(ahead.sum(axis=1))[:-1]  # pairs within the first part cancel out
    position = int(np.abs(scores).argmax())
    p = 2 * np.exp(-6 * scores[position] ** 2 / (n**3 + n**2))
    return position + 1, float(min(1.0, p))


def _score(values: Numbers) -> float:
    rises = np.sign(values[None, :] - values[:, None])
    return float(np.triu(rises, 1).sum())


def _variance(values: Numbers) -> float:
    n = values.size
    ties = np.unique(values, return_counts=True)[1]
    return float(n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18


def _normal_p(score: float, variance: float) -> float:
    if variance <= 0:
        return 1.0
    z = max(abs(score) - 1, 0.0) / np.sqrt(variance)
    return float(2 * ndtr(-z))


def _seasons(table: npt.ArrayLike) -> list[Numbers]:
    columns = np.asarray(table, dtype=float).T
    return [column[np.isfinite(column)] for column in columns]


def _residual_ranks(values: Numbers, times: Numbers, slope: float) -> Numbers:
    """Return the ranks, from their mean, of what a slope leaves; rounding makes no order."""
    rest = values - slope * times
    rest = (rest - rest.mean()) / max(float(np.abs(values - values.mean()).max()), 1e-300)
    ranks = np.asarray(rankdata(np.round(rest, 9)), dtype=float)
    centred: Numbers = ranks - ranks.mean()
    return centred


@lru_cache(maxsize=_LARGEST_EXACT + 1)
def _score_law(n: int) -> tuple[Numbers, Numbers]:
    """Return every score that n values can have, rising, and its share of all their orders."""
    share = np.ones(1)
    for size in range(2, n + 1):
        share = np.convolve(share, np.full(size, 1 / size))
    pairs = n * (n - 1) // 2
    return np.arange(-pairs, pairs + 1, 2, dtype=float), share


CONFIDENCE = 0.95
"""Of the intervals of slopes."""


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


@dataclass(frozen=True, slots=True)
class Fit:
    """What weighted least squares say of unknowns of which something is known before.

    Parameters
    ----------
    found : array of float, shape (k,)
        The unknowns.
    covariance : array of float, shape (k, k)
        As the stated errors have it.
    excess : float
        How much larger than these errors say the squares of the residuals are, at least 1.
    freedom : int
        Degrees of freedom; 0: nothing is left to judge by.
    """

    found: Numbers
    covariance: Numbers
    excess: float
    freedom: int

    def slope(self, place: int) -> tuple[Slope, float]:
        """Return an unknown with its 95 % interval, and the p-value of its being 0."""
        value = float(self.found[place])
        if self.freedom < 1:
            return Slope(value, np.nan, np.nan), np.nan
        sigma = float(np.sqrt(self.covariance[place, place] * self.excess))
        reach = float(stdtrit(self.freedom, (1 + CONFIDENCE) / 2)) * sigma
        p = 2 * float(stdtr(self.freedom, -abs(value) / sigma))
        return Slope(value, value - reach, value + reach), p


def least_squares(
    design: npt.ArrayLike,
    values: npt.ArrayLike,
    sigmas: npt.ArrayLike,
    known: tuple[npt.ArrayLike, npt.ArrayLike],
) -> Fit:
    """Fit unknowns to values, and to what is known of the last of them before.

    Parameters
    ----------
    design : array_like of float, shape (n, k)
    values, sigmas : array_like of float, shape (n,)
        Values and their standard deviations, independent.
    known : tuple of array_like of float, shape (m,)
        Means and standard deviations of the last m unknowns.
    """
    design, values = np.asarray(design, dtype=float), np.asarray(values, dtype=float)
    mean, sigma = (np.asarray(one, dtype=float) for one in known)
    n, k = design.shape
    rows = np.vstack([design, np.eye(k)[k - mean.size :]])
    targets = np.concatenate([values, mean])
    weights = 1 / np.concatenate([np.asarray(sigmas, dtype=float), sigma])
    scaled = rows * weights[:, None]
    covariance: Numbers = np.asarray(np.linalg.pinv(scaled.T @ scaled), dtype=float)
    found: Numbers = covariance @ (scaled.T @ (targets * weights))
    rest = (targets - rows @ found) * weights
    freedom = n + mean.size - k
    excess = max(1.0, float(rest @ rest) / freedom) if freedom > 0 else 1.0
    return Fit(found, covariance, excess, freedom)


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
