"""Numbers with their confidence intervals: shares (Wilson), ratios and medians (bootstrap)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

CONFIDENCE = 0.95
"""Every interval is expected to hold the true value this often."""
RESAMPLES = 1000
MIN_RESAMPLED = 5
"""A bootstrap of fewer objects says nothing of those that were not drawn: no interval."""

_Z = float(norm.ppf(0.5 + CONFIDENCE / 2))
_MAX_DRAWN = 2_000_000

Rows = npt.NDArray[np.float64]
Statistic = Callable[[Rows], npt.NDArray[np.float64]]


class Estimate(NamedTuple):
    """A value and the ends of its interval; NaN where it is not known."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def wilson(successes: float, trials: float) -> Estimate:
    """Return a share with the score interval of Wilson (1927).

    Parameters
    ----------
    successes, trials : float
        Counts; missing where ``trials`` is 0.

    Examples
    --------
    >>> [round(x, 3) for x in wilson(9, 10)]
    [0.9, 0.596, 0.982]
    """
    if trials <= 0:
        return UNKNOWN
    share, spread = successes / trials, _Z**2 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    return Estimate(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def f1_score(true: int, outlines: int, found: int, lakes: int) -> Estimate:
    """Return the harmonic mean of precision and recall.

    F1 is 2 J / (1 + J) of the share J = F1 / (2 − F1) of right objects among right, false and
    missed ones; its interval is that of J (Wilson), carried over.

    Parameters
    ----------
    true, outlines : int
        Right outlines, and all.
    found, lakes : int
        Reference lakes found, and all.
    """
    if lakes + outlines == 0:
        return UNKNOWN
    precision, recall = true / max(outlines, 1), found / max(lakes, 1)
    score = 2 * precision * recall / (precision + recall) if true and found else 0.0
    share = score / (2 - score)
    objects = (outlines - true) + (lakes - found) + (true + found) / 2
    _, low, high = wilson(share * objects, objects)
    return Estimate(score, 2 * low / (1 + low), 2 * high / (1 + high))


def bootstrap(rows: npt.ArrayLike, statistic: Statistic, seed: int) -> Estimate:
    """Return a statistic of objects with its percentile bootstrap interval (Efron 1979).

    Whole objects are drawn, so what belongs to one lake stays together.

    Parameters
    ----------
    rows : array-like of float, shape (objects, values)
        Their order has no influence.
    statistic : callable
        From an array of shape ``(…, objects, values)`` to one of shape ``(…)``.
    seed : int
        Equal seeds give equal intervals.
    """
    table = np.asarray(rows, dtype=float)
    count = len(table)
    if not count:
        return UNKNOWN
    table = table[np.lexsort(table.T)]
    value = float(statistic(table))
    if count < MIN_RESAMPLED or math.isnan(value):
        return Estimate(value, math.nan, math.nan)
    random = np.random.default_rng(seed)
    at_once = max(1, _MAX_DRAWN // table.size)
    drawn = [
        statistic(table[random.integers(count, size=(min(at_once, RESAMPLES - first), count))])
        for first in range(0, RESAMPLES, at_once)
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(np.concatenate(drawn), [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def median(rows: Rows) -> npt.NDArray[np.float64]:
    """Return the median of the first value of the rows."""
    middle: npt.NDArray[np.float64] = np.median(rows[..., 0], axis=-1)
    return middle


def ratio(above: npt.ArrayLike, below: npt.ArrayLike) -> Statistic:
    """Return the statistic that divides two weighted sums of the rows.

    Parameters
    ----------
    above, below : array-like of float, shape (values,)
        Weights of the values in numerator and denominator. Missing where the latter is 0.
    """
    weights = np.stack([np.asarray(above, dtype=float), np.asarray(below, dtype=float)], axis=1)

    def statistic(rows: Rows) -> npt.NDArray[np.float64]:
        sums = rows.sum(axis=-2) @ weights
        divided: npt.NDArray[np.float64] = np.divide(
            sums[..., 0],
            sums[..., 1],
            out=np.full(sums.shape[:-1], np.nan),
            where=sums[..., 1] != 0,
        )
        return divided

    return statistic
