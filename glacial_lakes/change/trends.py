"""The trend of a lake's area, how sure it is, whether a step tells it better; and of all lakes."""

from __future__ import annotations

import json
import numbers
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from glacial_lakes.change.errors import apart
from glacial_lakes.change.offsets import NEAR_DAYS, Offsets, difference_of, may_share, offsets
from glacial_lakes.change.series import involved, one_of_day, seen_by_sensors
from glacial_lakes.change.statistics import (
    Numbers,
    Slope,
    correlated_seasonal_mann_kendall,
    first_autocorrelation,
    least_squares,
    mann_kendall,
    mann_kendall_first_order,
    mann_kendall_hamed_rao,
    mann_kendall_of_memory,
    median_slope,
    pettitt,
    seasonal_mann_kendall,
    seasonal_theil_sen,
    theil_sen,
    with_regard_to_number,
)
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, InputError
from glacial_lakes.scenes.sensors import instrument
from glacial_lakes.schema import (
    FAST_EVENTS,
    TRENDS,
    Autocorrelation,
    EventKind,
    Status,
    TrendKind,
    conform,
)

Times = npt.NDArray[np.datetime64]

Method = Literal["difference", "theil-sen", "seasonal", "least-squares"]

CHANGE_SIGMAS = 1.96
"""A difference is called a change beyond this many standard deviations (95 %)."""

ALPHA = 0.05
"""Level of all tests."""

_MIN_DATES = 4

_MIN_FOR_CORRELATION = 10
"""Dates from which an autocorrelation can be measured (Hamed & Rao 1998)."""

_MIN_FOR_MEMORY = 5
"""Dates from which a lake tells something of how much its areas remember."""

_USUAL_MEMORY = 0.3
"""Standard deviation of how much areas remember, as far as no dates tell it: a few series by
themselves tell little."""

_MIN_FOR_STEP = 8
"""Dates below which the test of Pettitt (1979) cannot reach its level beside a trend."""

_MIN_YEARS = 4
"""A month is a season of its own when it has images of so many years."""

_DAYS_A_YEAR = 365.2425


@dataclass(frozen=True, slots=True)
class Trend:
    """How the area of a lake changed; what cannot be told is NaN or NaT.

    Parameters
    ----------
    n : int
        Dates with an area.
    first, last : numpy.datetime64
        First and last of them.
    span_years : float
        Time between them.
    difference_m2, difference_sigma_m2 : float
        Last area minus first one, and its standard deviation.
    method : {"difference", "theil-sen", "seasonal", "least-squares"}
        ``seasonal``: months are compared with themselves only. ``least-squares``: of
        several instruments, each with its offset.
    slope_m2_per_year, slope_low_m2_per_year, slope_high_m2_per_year : float
        Median slope, or that of least squares, with its 95 % interval.
    median_area_m2 : float
        The area that percents refer to; the line of the trend passes through it at
        ``median_time``.
    median_time : numpy.datetime64
        Median of the times.
    p : float
        Two-sided p-value of the Mann-Kendall test, or of the slope of least squares.
    exceeds_uncertainty : bool
        Whether the change along the trend (the difference, when there is none) exceeds 1.96
        standard deviations of a difference of two areas, and the slope of several instruments as
        many of its own; false when these are not known.
    """

    n: int
    first: np.datetime64
    last: np.datetime64
    span_years: float
    difference_m2: float
    difference_sigma_m2: float
    method: Method
    slope_m2_per_year: float
    slope_low_m2_per_year: float
    slope_high_m2_per_year: float
    median_area_m2: float
    median_time: np.datetime64
    p: float
    exceeds_uncertainty: bool

    @property
    def slope_percent_per_year(self) -> float:
        """Slope in percent of the median area a year."""
        if not self.median_area_m2 > 0:
            return float("nan")
        return 100 * self.slope_m2_per_year / self.median_area_m2

    def area_at(self, time: np.datetime64) -> float:
        """Return the area that the line of the trend has at a time, in m²."""
        years = float(_years(np.array([time]), self.median_time)[0])
        return self.median_area_m2 + self.slope_m2_per_year * years


@dataclass(frozen=True, slots=True)
class Step:
    """A sudden and lasting change of the area."""

    after: np.datetime64
    """Last date before it."""
    date: np.datetime64
    """First date after it."""
    change_m2: float
    """Median of the areas after it minus that of the areas before it."""
    p: float
    """Of the test of Pettitt (1979)."""


def trend(
    times: npt.ArrayLike, areas_m2: npt.ArrayLike, sigmas_m2: npt.ArrayLike | None = None
) -> Trend:
    """Return the trend of an area through time.

    The slope is that of Theil and Sen with real dates, its interval that of Sen (1968), the test
    that of Mann and Kendall: exact up to nine dates; from ten on with the larger of the
    corrections for autocorrelation of Hamed & Rao (1998) and Yue & Wang (2004), where they widen
    the law. When at least two months have images of four years each, months are compared with
    themselves only (Hirsch & Slack 1984).

    Parameters
    ----------
    times : array_like of datetime64
        UTC, shape (n,), all different; any order.
    areas_m2 : array_like of float
        One a time, none missing, all of one instrument.
    sigmas_m2 : array_like of float, optional
        Standard deviations of what each date adds (``area_sigma_date_m2``), NaN where not known.

    Returns
    -------
    Trend

    Raises
    ------
    InputError
        When a time is no date or an area no number, when there is no area, a missing one, or two of
        one time.

    Examples
    --------
    >>> import numpy as np
    >>> import glacial_lakes as gl
    >>> times = np.array([f"{year}-08-15" for year in range(2010, 2020)], "datetime64[D]")
    >>> found = gl.trend(times, 10_000.0 + 500.0 * np.arange(10))
    >>> round(found.slope_m2_per_year), found.p < 0.05
    (500, True)
    """
    return _trend(*_series(times, areas_m2, sigmas_m2))


def _trend(when: Times, areas: Numbers, sigmas: Numbers, memory: float | None = None) -> Trend:
    """Return the trend of areas in order; ``memory`` is their autocorrelation, where known."""
    n, years = when.size, _years(when, when[0])
    difference = float(areas[-1] - areas[0]) if n > 1 else np.nan
    difference_sigma = float(np.hypot(sigmas[0], sigmas[-1])) if n > 1 else np.nan
    method: Method = "difference"
    slope, p = Slope(np.nan, np.nan, np.nan), np.nan
    change, change_sigma = difference, difference_sigma
    if n >= _MIN_DATES:
        method = "seasonal" if _is_seasonal(when) else "theil-sen"
        is_seasonal = method == "seasonal"
        slope, p = _seasonal(when, areas) if is_seasonal else _plain(years, areas, memory)
        change = slope.value * float(years[-1])
        change_sigma = float(np.sqrt(2) * np.median(sigmas))
    return Trend(
        n=n,
        first=when[0],
        last=when[-1],
        span_years=float(years[-1]),
        difference_m2=difference,
        difference_sigma_m2=difference_sigma,
        method=method,
        slope_m2_per_year=slope.value,
        slope_low_m2_per_year=slope.low,
        slope_high_m2_per_year=slope.high,
        median_area_m2=float(np.median(areas)),
        median_time=_median_time(when),
        p=p,
        exceeds_uncertainty=bool(abs(change) > CHANGE_SIGMAS * change_sigma),
    )


def step(
    times: npt.ArrayLike, areas_m2: npt.ArrayLike, sigmas_m2: npt.ArrayLike | None = None
) -> Step | None:
    """Return the step of an area through time, or None when there is none.

    A step is told when the test of Pettitt (1979) finds it, two levels fit the areas better than
    the line of the trend (smaller sum of absolute residuals), and the change exceeds 1.96
    standard deviations of a difference of two areas. Without the second condition every steady
    trend would have a step in its middle.

    Parameters
    ----------
    times, areas_m2, sigmas_m2 : array_like
        As of :func:`trend`.
    """
    when, areas, sigmas = _series(times, areas_m2, sigmas_m2)
    if when.size < _MIN_FOR_STEP:
        return None
    position, p = pettitt(areas)
    if p > ALPHA:
        return None
    before, after = np.median(areas[:position]), np.median(areas[position:])
    change = float(after - before)
    levels = np.where(np.arange(when.size) < position, before, after)
    years = _years(when, when[0])
    line = areas - median_slope(years, areas) * years
    rest = np.abs(areas - levels).sum(), np.abs(line - np.median(line)).sum()
    noise = CHANGE_SIGMAS * np.sqrt(2) * np.median(sigmas)
    if rest[0] >= rest[1] or not abs(change) > noise:
        return None
    return Step(when[position - 1], when[position], change, p)


@dataclass(frozen=True, slots=True)
class Instruments:
    """What the areas of a lake are of: one entry an area, and what each instrument is known for.

    Parameters
    ----------
    names : tuple of str
        All instruments; the first is the one that the others are compared with.
    place : numpy.ndarray of int
        Which of them each area is of.
    offsets : numpy.ndarray of float
        Relative offset of each but the first, as the region tells it, and its standard deviation;
        shape (2, instruments - 1).
    is_confounded : bool
        Whether the years of some have no date in common with those of the others: growth and
        offset cannot be told apart by this lake.
    """

    names: tuple[str, ...]
    place: npt.NDArray[np.intp]
    offsets: Numbers
    is_confounded: bool


def trend_of_sensors(
    times: npt.ArrayLike, areas_m2: npt.ArrayLike, sigmas_m2: npt.ArrayLike, tools: Instruments
) -> tuple[Trend, Numbers]:
    """Return the trend of areas of several instruments, and the relative offsets that it has found.

    Least squares of a line and of an offset for each instrument but the first, of which beforehand
    is known what pairs of near dates in the region tell. The interval and the test are those of
    Student; they are as wide as the residuals, where these are larger than the errors say.

    Parameters
    ----------
    times, areas_m2, sigmas_m2 : array_like
        As of :func:`trend`; in order of time, errors known.
    tools : Instruments

    Returns
    -------
    trend : Trend
    offsets : numpy.ndarray of float, shape (3, instruments - 1)
        Offset of each instrument and both ends of its 95 % interval, shares of the median area.
    """
    when, areas, sigmas = _series(times, areas_m2, sigmas_m2)
    years, middle = _years(when, when[0]), float(np.median(areas))
    others = np.arange(1, len(tools.names))
    design = np.column_stack(
        [np.ones(when.size), years, (tools.place[:, None] == others).astype(float)]
    )
    known = (tools.offsets[0], tools.offsets[1])
    fit = least_squares(design, areas / middle, sigmas / middle, known)
    found, p = fit.slope(1)
    line = [fit.slope(2 + n)[0] for n in range(others.size)]
    offsets = np.array([[one.value, one.low, one.high] for one in line]).T
    level = areas - middle * np.r_[0.0, offsets[0]][tools.place]
    found_trend = replace(
        trend(when, areas, sigmas),
        method="least-squares",
        slope_m2_per_year=found.value * middle,
        slope_low_m2_per_year=found.low * middle,
        slope_high_m2_per_year=found.high * middle,
        median_area_m2=float(np.median(level)),
        p=p,
        exceeds_uncertainty=bool(
            abs(found.value) > CHANGE_SIGMAS * np.sqrt(fit.covariance[1, 1])
            and abs(found.value) * middle * years[-1]
            > CHANGE_SIGMAS * np.sqrt(2) * np.median(sigmas)
        ),
    )
    return found_trend, offsets


def step_of_sensors(
    times: npt.ArrayLike, areas_m2: npt.ArrayLike, sigmas_m2: npt.ArrayLike, tools: Instruments
) -> Step | None:
    """Return the step of areas of several instruments, as :func:`step` does, offsets taken out.

    The step must exceed 1.96 standard deviations that errors and offsets give it together.
    """
    when, areas, sigmas = _series(times, areas_m2, sigmas_m2)
    _, offsets = trend_of_sensors(when, areas, sigmas, tools)
    middle = float(np.median(areas))
    found = step(when, areas - middle * np.r_[0.0, offsets[0]][tools.place], sigmas)
    if found is None:
        return None
    others = np.arange(1, len(tools.names))
    sides = np.column_stack(
        [
            np.ones(when.size),
            when >= found.date,
            (tools.place[:, None] == others).astype(float),
        ]
    )
    known = (tools.offsets[0], tools.offsets[1])
    fit = least_squares(sides, areas / middle, sigmas / middle, known)
    sigma = float(np.sqrt(fit.covariance[1, 1] * fit.excess))
    return found if abs(fit.found[1]) > CHANGE_SIGMAS * sigma else None


def _series(
    times: npt.ArrayLike, areas_m2: npt.ArrayLike, sigmas_m2: npt.ArrayLike | None
) -> tuple[Times, Numbers, Numbers]:
    when, areas = _dates(times), _numbers(areas_m2)
    sigmas = np.full(areas.shape, np.nan) if sigmas_m2 is None else _numbers(sigmas_m2)
    if not (when.ndim == 1 and when.size > 0 and when.shape == areas.shape == sigmas.shape):
        raise InputError(
            None,
            "times, areas and sigmas are not lists of one length, at least one",
            "give an area for each time",
        )
    if np.isnan(areas).any() or np.isnat(when).any() or np.unique(when).size < when.size:
        raise InputError(
            None,
            "a time or an area is missing, or two times are the same",
            "leave such rows out",
        )
    if (sigmas < 0).any():
        raise InputError(None, "an error is below 0", "give errors of 0 or more")
    order = np.argsort(when)
    return when[order], areas[order], sigmas[order]


def _dates(times: npt.ArrayLike) -> Times:
    remedy = N_('give dates, e.g. "2020-08-15"')
    try:
        given = np.asarray(times)
        when = np.asarray(times, dtype="datetime64[ms]")
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(None, "times are no dates: {error}", remedy, error=error) from None
    # NumPy takes whole numbers for milliseconds of 1970: every year would be the same moment.
    is_any_number = given.dtype.kind in "biu" or (
        given.dtype.kind == "O" and any(isinstance(one, numbers.Number) for one in given.flat)
    )
    if given.size and is_any_number:
        what = N_("times are no dates: {error}")
        raise InputError(None, what, remedy, error=given.flat[0])
    return when


def _numbers(values: npt.ArrayLike) -> Numbers:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(
            None, "areas are no numbers: {error}", "give square metres", error=error
        ) from None


def _plain(years: Numbers, areas: Numbers, memory: float | None) -> tuple[Slope, float]:
    if memory is not None:
        test = mann_kendall_of_memory(areas, memory)
        return theil_sen(years, areas, test.variance if memory > 0 else None), test.p
    if areas.size < _MIN_FOR_CORRELATION:
        return theil_sen(years, areas), mann_kendall(areas).p
    slope = median_slope(years, areas)
    tests = (
        mann_kendall(areas),
        mann_kendall_hamed_rao(areas, years, slope),
        mann_kendall_first_order(areas, years, slope),
    )
    test = max(tests, key=lambda test: test.variance)
    return theil_sen(years, areas, test.variance), test.p


def _seasonal(when: Times, areas: Numbers) -> tuple[Slope, float]:
    years, values = _by_month(when, areas)
    tests = seasonal_mann_kendall(values), correlated_seasonal_mann_kendall(values)
    test = max(tests, key=lambda test: test.variance)
    return seasonal_theil_sen(years, values, test.variance), test.p


def _is_seasonal(when: Times) -> bool:
    year, month = _calendar(when)
    images = np.unique(12 * year + month - 1)
    return int((np.bincount(images % 12) >= _MIN_YEARS).sum()) > 1


def _by_month(when: Times, areas: Numbers) -> tuple[Numbers, Numbers]:
    """Return median times in years and median areas of each month, shape (year, month)."""
    year, month = _calendar(when)
    rows, columns = np.unique(year), np.unique(month)
    decimal = _years(when, when[0])
    times, values = np.full((2, rows.size, columns.size), np.nan)
    row, column = np.searchsorted(rows, year), np.searchsorted(columns, month)
    times[row, column], values[row, column] = decimal, areas
    count = np.zeros(times.shape, dtype=int)
    np.add.at(count, (row, column), 1)
    for i, j in np.argwhere(count > 1):
        here = (row == i) & (column == j)
        times[i, j], values[i, j] = np.median(decimal[here]), np.median(areas[here])
    return times, values


def _calendar(when: Times) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    months = when.astype("datetime64[M]").astype(int)
    return 1970 + months // 12, months % 12 + 1


def _years(when: Times, start: np.datetime64) -> Numbers:
    years: Numbers = (when - start) / np.timedelta64(1, "D") / _DAYS_A_YEAR
    return years


def _median_time(when: Times) -> np.datetime64:
    middle = np.median(when.astype("int64"))
    return np.datetime64(int(middle), "ms")


_TREND_COLUMNS = [column.name for column in TRENDS if hasattr(Trend, column.name)]

_NEW_START = [kind for kind in EventKind if kind not in FAST_EVENTS]
"""Events after which a lake is another body of water; a trend across them means nothing."""


def trends(observations: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Return the trend of each lake: of the areas measured since its last event.

    Fast growth and shrinkage are no new start: the trend goes on over them.

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
        regard to the number of lakes tested (Benjamini, Krieger & Yekutieli 2006). A lake is
        ``growing`` or ``shrinking`` when both are at most 0.05 and the change along the trend
        exceeds its own uncertainty; ``none`` says only that no trend is shown.
    """
    seen = seen_by_sensors(observations)
    pooled = offsets(measured_series(seen, events))
    measured = measured_series(one_of_day(seen), events)
    lakes = measured.groupby(C.LAKE_ID)
    ends = difference_of(lakes.head(1), lakes.tail(1), pooled)  # both in the order of the lakes
    sigmas = dict(zip(lakes.head(1)[C.LAKE_ID], ends, strict=True))
    series = by_lake(measured)
    remembered = memories(series)
    rows = []
    for lake in sorted(observations[C.LAKE_ID].dropna().unique()):
        row = {C.LAKE_ID: lake, C.N: 0}
        if lake in series:
            row |= _row(series[lake], pooled, float(sigmas[lake]), remembered.get(lake))
        rows.append(row)
    table = conform(pd.DataFrame(rows), TRENDS)
    tested = table[C.P].notna()
    if tested.any():
        table.loc[tested, C.Q] = with_regard_to_number(table.loc[tested, C.P], ALPHA)
        table.loc[tested, C.TREND] = TrendKind.NONE
        # Where most lakes change, q alone would call what no test shows.
        shown = tested & (table[[C.P, C.Q]] <= ALPHA).all(axis=1)
        shown &= table[C.EXCEEDS_UNCERTAINTY].fillna(False)
        table.loc[shown, C.TREND] = TrendKind.GROWING
        table.loc[shown & (table[C.SLOPE_M2_PER_YEAR] < 0), C.TREND] = TrendKind.SHRINKING
    return table


def measured_series(seen: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Return the areas that trends are of: those since the last event of each lake.

    Of rows of :func:`glacial_lakes.change.series.seen_series` or
    :func:`~glacial_lakes.change.series.seen_by_sensors`, with the column ``instrument``
    (:func:`glacial_lakes.scenes.sensors.instrument`).
    """
    measured = seen[(seen[C.STATUS] == Status.OBSERVED) & (seen[C.AREA_M2] > 0)]
    starts = pd.to_datetime(measured[C.LAKE_ID].map(_last_events(events)), utc=True)
    measured = measured[~(measured["day"] < starts)]
    return measured.assign(instrument=instrument(measured[C.SENSOR]))


class Series(NamedTuple):
    """The areas of a lake since its last event, in the order of time."""

    when: Times
    areas: Numbers
    shared: Numbers
    """Both parts of their errors."""
    date: Numbers
    tools: npt.NDArray[np.object_]
    """Instruments; missing where not known."""


def by_lake(measured: pd.DataFrame) -> dict[str, Series]:
    """Return the rows of :func:`measured_series` by lake, one a day."""
    names = (C.AREA_M2, C.AREA_SIGMA_SHARED_M2, C.AREA_SIGMA_DATE_M2)
    columns = (
        measured[C.ACQUIRED].dt.tz_convert(None).to_numpy(),
        *(measured[name].to_numpy(dtype=float) for name in names),
        measured["instrument"].to_numpy(dtype=object),
    )
    places = measured.groupby(C.LAKE_ID).indices
    return {str(lake): Series(*(own[here] for own in columns)) for lake, here in places.items()}


def instruments_of(series: Series, pooled: Offsets) -> Instruments | None:
    """Return what the areas of a lake are of; None where it is one instrument, or not known.

    Parameters
    ----------
    series : Series
        From :func:`by_lake`.
    pooled : Offsets
        What the region tells.
    """
    when, area, shared, date, tools = series
    if len(set(tools)) < 2:
        return None
    if pd.isna(tools).any() or not (date > 0).all():
        return None
    counts = Counter(sorted(tools))
    names = tuple(sorted(counts, key=lambda name: -counts[name]))
    of_tools = may_share(shared, date) / area
    common = {name: float(np.median(of_tools[tools == name])) for name in names}
    middle = float(np.median(area))
    known = {names[0]: (0.0, 0.0)}
    while rest := [name for name in names if name not in known]:
        # A chain of near dates tells more than that nothing is known: Landsat 7 by 8 to Sentinel-2.
        pairs = [(start, name) for start in known for name in rest]
        start, name = next((pair for pair in pairs if pooled.is_told(*pair)), pairs[0])
        mean, sigma = pooled.between(start, name, middle)
        scale = float(apart(common[start], common[name]))
        before, error = known[start]
        known[name] = (before + mean * scale, float(np.hypot(error, sigma * scale)))
    place = np.array([names.index(name) for name in tools], dtype=np.intp)
    offsets_of = np.array([known[name] for name in names[1:]]).T
    return Instruments(names, place, offsets_of, _is_apart(when, place))


def _is_apart(when: Times, place: npt.NDArray[np.intp]) -> bool:
    """Tell whether the time of some instruments is apart from that of the others."""
    spans = sorted((when[place == n].min(), when[place == n].max()) for n in range(place.max() + 1))
    reached = np.maximum.accumulate([last for _, last in spans])[:-1]
    begun = np.array([first for first, _ in spans[1:]])
    return bool((begun > reached + np.timedelta64(NEAR_DAYS, "D")).any())


def memories(series: Mapping[str, Series]) -> dict[str, float]:
    """Return how much the areas of each lake of one instrument remember those before them.

    A dozen dates hardly tell it, and to correct for what they seem to tell costs a fifth of the
    slow growth that could be called. All lakes that an instrument sees in a region tell it well:
    of their autocorrelations the mean counts, and of each lake its own as far as lakes differ by
    more than chance.

    Parameters
    ----------
    series : mapping of str to Series
        From :func:`by_lake`.

    Returns
    -------
    dict of str to float
        By lake, at least 0. Lakes with fewer than four dates, with seasons, or of several
        instruments are left out.
    """
    found: dict[str, float] = {}
    seen: dict[str, dict[str, tuple[float, float]]] = {}
    for lake, (when, areas, _, _, names) in series.items():
        n, tools = when.size, {"" if pd.isna(tool) else tool for tool in names}
        if n < _MIN_DATES or len(tools) > 1 or _is_seasonal(when):
            continue
        own, variance = 0.0, np.inf
        if n >= _MIN_FOR_MEMORY:
            years = _years(when, when[0])
            own = first_autocorrelation(areas, years, median_slope(years, areas))
            variance = n / (n - 4) ** 2
        seen.setdefault(tools.pop(), {})[lake] = own, variance
    for lakes in seen.values():
        own, variance = np.array([*lakes.values()]).T
        tells = np.isfinite(variance)
        if not tells.any():
            continue
        weight = 1 / variance
        mean = float((weight * own).sum() / (weight.sum() + 1 / _USUAL_MEMORY**2))
        spread = (own[tells] - mean) ** 2 - variance[tells]
        apart = max(float((weight[tells] * spread).sum() / weight.sum()), 0.0)
        drawn = mean + apart / (apart + variance) * (own - mean)
        found |= dict(zip(lakes, np.maximum(drawn, 0.0).tolist(), strict=True))
    return found


def _row(own: Series, pooled: Offsets, sigma: float, memory: float | None) -> dict[str, Any]:
    """Return the trend of a lake; ``sigma`` is that of its last area minus its first."""
    when, areas, shared, sigmas, _ = own
    tools = instruments_of(own, pooled)
    seen_by = tuple(dict.fromkeys(tool for tool in own.tools if not pd.isna(tool)))
    row: dict[str, Any] = {
        C.SENSORS: " ".join(seen_by if tools is None else tools.names) or None,
        C.AREA_SIGMA_SHARED_M2: _median(shared),
        C.AREA_SIGMA_DATE_M2: _median(sigmas),
    }
    if tools is None or when.size < _MIN_DATES:
        fitted, found = _trend(when, areas, sigmas, memory), step(when, areas, sigmas)
    else:
        fitted, drawn = trend_of_sensors(when, areas, sigmas, tools)
        found = step_of_sensors(when, areas, sigmas, tools)
        row |= {
            C.SENSOR_OFFSET_PCT: 100 * drawn[0, 0],
            C.SENSOR_OFFSET_LOW_PCT: 100 * drawn[1, 0],
            C.SENSOR_OFFSET_HIGH_PCT: 100 * drawn[2, 0],
            C.SENSOR_OFFSETS: _known_offsets(tools),
        }
    if tools is not None:
        row[C.CONFOUNDED] = tools.is_confounded
    if when.size > 1:
        fitted = replace(fitted, difference_sigma_m2=sigma)
        if fitted.method == "difference":
            exceeds = bool(abs(fitted.difference_m2) > CHANGE_SIGMAS * sigma)
            fitted = replace(fitted, exceeds_uncertainty=exceeds)
    if when.size >= _MIN_DATES:
        is_corrected = fitted.method != "least-squares" and (
            memory is not None or when.size >= _MIN_FOR_CORRELATION
        )
        row[C.AUTOCORRELATION] = (
            Autocorrelation.CORRECTED if is_corrected else Autocorrelation.NOT_CORRECTED
        )
    row |= {name: getattr(fitted, name) for name in _TREND_COLUMNS}
    row |= {
        C.LINE_FIRST_M2: fitted.area_at(fitted.first),
        C.LINE_LAST_M2: fitted.area_at(fitted.last),
    }
    if found is not None:
        row |= {
            C.STEP_AFTER: found.after,
            C.STEP_DATE: found.date,
            C.STEP_M2: found.change_m2,
            C.STEP_P: found.p,
        }
    return row


def _median(values: Numbers) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _known_offsets(tools: Instruments) -> str:
    known = {
        name: [round(100 * float(value), 4) for value in tools.offsets[:, n]]
        for n, name in enumerate(tools.names[1:])
    }
    return json.dumps(known)


def _last_events(events: pd.DataFrame) -> dict[str, pd.Timestamp]:
    starts: dict[str, pd.Timestamp] = {}
    for _, event in events[events[C.EVENT].isin(_NEW_START)].dropna(subset=C.DATE).iterrows():
        for lake in involved(event):
            starts[lake] = max(starts.get(lake, event[C.DATE]), event[C.DATE])
    return starts
