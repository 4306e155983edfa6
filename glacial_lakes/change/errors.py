"""What the errors of a lake's areas have in common, and what each date adds.

On every image of a sensor the shore of a lake is of the same material, blurred in the same way and
judged by the same kind of water: most of the error of an area comes back on the next date, and a
difference of two dates does not have it. How much each date adds is what the areas of the region's
lakes scatter from date to date; that scatter, measured in the errors that the images tell, is the
share of the date.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.mapping.uncertainty import HIDDEN_WEIGHT
from glacial_lakes.scenes.sensors import instrument
from glacial_lakes.schema import Status

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

COMMON_SHARE = 0.3
"""Share of the variance of the shared part that the lakes of a region have in common, for one
instrument."""
COMMON_DATE_SHARE = 0.1
"""The same of the part of the date, for one image."""
SAME_SHORE = 0.2
"""Correlation of what a lake shares over its dates between two instruments: both see one shore. In
mapped development series 0.1 to 0.4."""
SIZES_M2 = (1e4, 3e4, 1e5)
"""Between these, lakes are of one class."""
DATE_SHARES = (0.36, 0.32, 0.28, 0.24)
"""Share of the standard deviation that a date adds, by the class of size, where hardly any lake is
seen three times: that of development series (``benchmarks/change.py``)."""
AS_SURE_AS = 10
"""What is known beforehand counts as so many values do, for an instrument and for a class."""
LAKE_AS_SURE_AS = 6
"""What is known of a class counts for one lake as so many values of the lake do."""
_LARGEST = 3.0
"""A value farther off than so many deviations counts for its lake as one that far off: it may be a
change, and no error."""
_LEAST_SHARE = 0.1
HELD = 0.6827, 0.9545
"""Shares of normal values within one and within two standard deviations."""


def difference_sigma(
    areas_m2: npt.ArrayLike,
    shared_m2: npt.ArrayLike,
    date_m2: npt.ArrayLike,
    is_alike: npt.ArrayLike,
) -> Numbers:
    """Return one standard deviation of the difference of two areas of a lake.

    Of two dates of one instrument the errors of the dates count, and of what these share only
    that a longer shore has more of it; of two instruments what these do not share with each other.

    Parameters
    ----------
    areas_m2 : array_like of float, shape (2, ...)
        Areas before and after; 0 where there is no lake.
    shared_m2, date_m2 : array_like of float, shape (2, ...)
        Both parts of their errors.
    is_alike : array_like of bool, shape (...)
        Whether one instrument took both.

    Examples
    --------
    >>> same, other = difference_sigma([[9e4] * 2, [9e4] * 2], [[4e3] * 2] * 2, [[1e3] * 2] * 2,
    ...                                [True, False])
    >>> round(float(same)), round(float(other))
    (1414, 5254)
    """
    area, shared, date = (np.asarray(one, dtype=float) for one in (areas_m2, shared_m2, date_m2))
    alike = stretched(area, shared) ** 2
    common = np.where(np.asarray(is_alike, dtype=bool), alike, apart(*shared) ** 2)
    sigma: Numbers = np.sqrt((date**2).sum(axis=0) + common)
    return sigma


def apart(one: npt.ArrayLike, other: npt.ArrayLike) -> Numbers:
    """Return by how much what two instruments share over their dates differs, where nothing tells.

    One shore errs alike in both as far as :data:`SAME_SHORE` says: much of it, where both see it
    equally well, and hardly any, where one sees it far better.

    Parameters
    ----------
    one, other : array_like of float
        Standard deviations of the shared part, any unit.

    Examples
    --------
    >>> apart([1.0, 5.0], 1.0).round(2).tolist()
    [1.26, 4.9]
    """
    first, second = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    sigma: Numbers = np.sqrt(first**2 + second**2 - 2 * SAME_SHORE * first * second)
    return sigma


def stretched(area: Numbers, shared: Numbers) -> Numbers:
    """Return what a longer shore adds to the error that both areas share."""
    shore = np.sqrt(np.maximum(area, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.where(shore > 0, shared / shore, np.nan)
    along = np.where(np.isnan(along), along[::-1], along)  # a lake that is not there has no shore
    added: Numbers = np.nan_to_num(along.mean(axis=0) * (shore[1] - shore[0]))
    return added


def areas_of(*tables: pd.DataFrame) -> tuple[Numbers, Numbers, Numbers]:
    """Return areas, and both parts of their errors, of tables with as many rows; a row a table."""
    parts = [parts_of(table).assign(**{C.AREA_M2: table[C.AREA_M2]}) for table in tables]
    area, shared, date = (
        np.stack([part[name].to_numpy(dtype=float) for part in parts])
        for name in (C.AREA_M2, C.AREA_SIGMA_SHARED_M2, C.AREA_SIGMA_DATE_M2)
    )
    return area, shared, date


def sum_sigma(rows: pd.DataFrame) -> float:
    """Return one standard deviation of the sum of the areas of lakes.

    Some of what each lake shares over its dates all lakes of an instrument share as well, and some
    of what a date adds all lakes of the image.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row of :data:`glacial_lakes.schema.OBSERVATIONS` a lake, seen or absent.

    Returns
    -------
    float
        NaN where the error of a lake is not known.
    """
    parts = parts_of(rows)
    variance = in_common(parts[C.AREA_SIGMA_SHARED_M2], tools_of(rows), COMMON_SHARE)
    variance += in_common(parts[C.AREA_SIGMA_DATE_M2], images_of(rows), COMMON_DATE_SHARE)
    return float(np.sqrt(variance))


def in_common(sigmas: pd.Series, group: pd.Series, share: float) -> float:
    """Return the variance of a sum of errors of which some of each is common to its group."""
    values = sigmas.to_numpy(dtype=float)
    sums = pd.Series(values).groupby(group.to_numpy()).sum(min_count=1).to_numpy(dtype=float)
    return float((1 - share) * (values**2).sum() + share * (sums**2).sum())


def tools_of(rows: pd.DataFrame) -> pd.Series:
    """Return the instrument of each row; one that is not known is like no other."""
    known = instrument(rows[C.SENSOR])
    numbers = pd.Series([f"#{n}" for n in range(len(rows))], index=rows.index, dtype=object)
    return known.where(known.notna(), numbers)


def images_of(rows: pd.DataFrame) -> pd.Series:
    """Return instrument and day of each row."""
    days: pd.Series = rows[C.ACQUIRED].dt.strftime(" %Y-%m-%d").fillna("")
    return tools_of(rows).str.cat(days)


def parts_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return both parts of the errors of areas, of 0 where a lake is seen to be absent.

    Where they are not told, as in files of others, the error counts as one of the date.

    Parameters
    ----------
    rows : pandas.DataFrame
        With ``status, area_sigma_m2`` and, if known, ``area_sigma_shared_m2, area_sigma_date_m2``.

    Returns
    -------
    pandas.DataFrame
        ``area_sigma_shared_m2, area_sigma_date_m2``, index of ``rows``.
    """
    whole = rows[C.AREA_SIGMA_M2].astype("float64")
    date = rows.get(C.AREA_SIGMA_DATE_M2, pd.Series(np.nan, rows.index)).astype("float64")
    shared = rows.get(C.AREA_SIGMA_SHARED_M2, pd.Series(np.nan, rows.index)).astype("float64")
    has_parts = date.notna() & shared.notna()
    gone = rows[C.STATUS] == Status.ABSENT
    return pd.DataFrame(
        {
            C.AREA_SIGMA_SHARED_M2: shared.where(has_parts, 0.0).mask(gone, 0.0),
            C.AREA_SIGMA_DATE_M2: date.where(has_parts, whole).mask(gone, 0.0),
        }
    )


def split(observations: pd.DataFrame) -> pd.DataFrame:
    """Return what the error of each area shares over the dates of its lake, and what its date adds.

    Between the dates before and after it, an area is compared with the straight line between
    these, so that even growth is no error. How far off areas are, in the errors that their images
    tell, is the share of the date: of an instrument, of its lakes of a size, and of a lake, each
    drawn towards the one before it as far as there is little to go by. It is never more than the
    whole error: what is beyond that is taken for a change of the lake. The part of a lake that was
    hidden is an error of the date alone.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`.

    Returns
    -------
    pandas.DataFrame
        ``area_sigma_shared_m2, area_sigma_date_m2``, index of ``observations``; their root sum of
        squares is ``area_sigma_m2``. Where the sensor is not known all is of the date.
    """
    sigma = observations[C.AREA_SIGMA_M2].to_numpy(dtype=float)
    hidden = hidden_sigma(observations)
    kind = instrument(observations[C.SENSOR])
    share = np.ones(len(observations))
    series = np.flatnonzero(
        (observations[C.STATUS] == Status.OBSERVED).to_numpy()
        & (observations[C.AREA_M2] > 0).to_numpy()
        & (sigma > 0)
        & kind.notna().to_numpy()
        & observations[C.ACQUIRED].notna().to_numpy()
    )
    if series.size:
        share[series] = _shares(observations.iloc[series], kind.iloc[series], sigma[series])
    date = np.sqrt(hidden**2 + share**2 * (sigma**2 - hidden**2))
    shared = np.sqrt(np.maximum(sigma**2 - date**2, 0.0))
    return pd.DataFrame(
        {C.AREA_SIGMA_SHARED_M2: shared, C.AREA_SIGMA_DATE_M2: date}, index=observations.index
    )


def hidden_sigma(rows: pd.DataFrame) -> Numbers:
    """Return the part of the errors that comes from what was hidden of each lake, in m²."""
    sigma = rows[C.AREA_SIGMA_M2].to_numpy(dtype=float)
    unseen = 1 - rows[C.OBSERVED_FRACTION].astype("float64").fillna(1.0).to_numpy()
    hidden = HIDDEN_WEIGHT * unseen * rows[C.AREA_M2].to_numpy(dtype=float)
    least: Numbers = np.fmin(np.nan_to_num(np.maximum(hidden, 0.0)), sigma)
    return least


def _shares(rows: pd.DataFrame, kind: pd.Series, sigma: Numbers) -> Numbers:
    """Return the share of the date in the error of each of the areas, none missing."""
    lake = pd.factorize(rows[C.LAKE_ID])[0]
    tool, _ = pd.factorize(kind)
    area = rows[C.AREA_M2].to_numpy(dtype=float)
    own = pd.factorize(pd.Series(lake) * (tool.max() + 1) + tool)[0]
    middle = pd.Series(area).groupby(own).transform("median").to_numpy()
    size = np.searchsorted(SIZES_M2, middle)
    member = tool * (len(SIZES_M2) + 1) + size

    place, off = _departures(rows[C.ACQUIRED], own, area, sigma, hidden_sigma(rows))
    usual = np.array(DATE_SHARES)
    of_tool = _drawn(off / usual[size[place]], tool[place], np.ones(tool.max() + 1))
    of_class = _drawn(off, member[place], np.outer(of_tool, usual).ravel())
    squares, count = np.zeros(own.max() + 1), np.zeros(own.max() + 1)
    before = of_class[member[place]]
    np.add.at(squares, own[place], np.fmin(off, _LARGEST * before) ** 2)
    np.add.at(count, own[place], 1)
    known = of_class[member] ** 2
    of_lake = (LAKE_AS_SURE_AS * known + squares[own]) / (LAKE_AS_SURE_AS + count[own])
    share: Numbers = np.clip(np.sqrt(of_lake), _LEAST_SHARE, 1.0)
    return share


def _departures(
    acquired: pd.Series, own: Places, area: Numbers, sigma: Numbers, hidden: Numbers
) -> tuple[Places, Numbers]:
    """Return how far areas are from the line between their neighbours, in errors of the image.

    Areas of which a part was hidden are passed over, and of two images of one day the second.
    """
    days = ((acquired - acquired.min().floor("D")) // pd.Timedelta(days=1)).to_numpy(dtype="int64")
    order = np.lexsort((days, own))
    order = order[hidden[order] < 0.3 * sigma[order]]
    again = np.zeros(order.size, dtype=bool)
    again[1:] = (np.diff(own[order]) == 0) & (np.diff(days[order]) == 0)
    order = order[~again]
    before, here, after = order[:-2], order[1:-1], order[2:]
    is_one = (own[before] == own[here]) & (own[here] == own[after])
    before, here, after = before[is_one], here[is_one], after[is_one]
    part = (days[here] - days[before]) / (days[after] - days[before])
    departure = area[here] - (1 - part) * area[before] - part * area[after]
    error = np.sqrt(
        sigma[here] ** 2 + ((1 - part) * sigma[before]) ** 2 + (part * sigma[after]) ** 2
    )
    return here, np.abs(departure) / error


def _drawn(off: Numbers, group: Places, known: Numbers) -> Numbers:
    """Return the scale of each group: that within which as much lies as normal errors have it."""
    found = known.copy()
    for number in np.unique(group):
        here = off[group == number]
        one, two = np.quantile(here, HELD)
        scale = one * two / 2
        weight = here.size / (here.size + AS_SURE_AS)
        found[number] = np.sqrt(weight * scale + (1 - weight) * known[number] ** 2)
    return found
