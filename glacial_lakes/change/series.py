"""The rows of an inventory as series: one observation a lake and date, one name a date."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from glacial_lakes.change.errors import parts_of
from glacial_lakes.columns import C
from glacial_lakes.schema import Status

SEEN = (Status.OBSERVED, Status.ABSENT)
"""Statuses that tell an area: the lake's, or zero."""


def best_of_day(observations: pd.DataFrame) -> pd.DataFrame:
    """Keep one row a lake, day and sensor: a lake on one tile is not missed on the next one.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`.

    Returns
    -------
    pandas.DataFrame
        Sorted by lake and time, with a column ``day``.
    """
    rows = observations.dropna(subset=C.ACQUIRED).reset_index(drop=True)
    rows = rows.assign(day=rows[C.ACQUIRED].dt.floor("D"))
    several = rows[rows.duplicated([C.LAKE_ID, "day", C.SENSOR], keep=False)]
    several = several.assign(
        is_seen=several[C.STATUS].isin(SEEN), seen_share=several[C.OBSERVED_FRACTION].fillna(-1.0)
    )
    ranked = several.sort_values(
        ["is_seen", "seen_share", C.SCENE_ID], ascending=[False, False, True]
    )
    best = rows.drop(index=ranked.index[ranked.duplicated([C.LAKE_ID, "day", C.SENSOR])])
    return best.sort_values([C.LAKE_ID, C.ACQUIRED, C.SCENE_ID], kind="stable")


def seen_series(observations: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of each lake through time: dates that tell its area, or that it is gone.

    Of two sensors on one day, the one with the smaller standard deviation is kept.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`.
    """
    return one_of_day(seen_by_sensors(observations))


def seen_by_sensors(observations: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of :func:`seen_series`, of one day those of all sensors.

    These two tell best how sensors differ: on one day a lake is as large for both.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`.
    """
    rows = best_of_day(observations)
    rows = rows[rows[C.STATUS].isin(SEEN) & rows[C.AREA_M2].notna()]
    sigma = rows[C.AREA_SIGMA_M2].mask(rows[C.STATUS] == Status.ABSENT, 0.0)
    return rows.assign(**parts_of(rows), **{C.AREA_SIGMA_M2: sigma})


def one_of_day(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep of :func:`seen_by_sensors` the sensor with the smaller error of each lake and day."""
    several = rows[rows.duplicated([C.LAKE_ID, "day"], keep=False)]
    ranked = several.sort_values([C.AREA_SIGMA_M2, C.SCENE_ID], kind="stable")
    worse = ranked.index[ranked.duplicated([C.LAKE_ID, "day"])]
    return rows.drop(index=worse).reset_index(drop=True)


def times_of_scenes(rows: pd.DataFrame, scenes: pd.DataFrame) -> pd.Series:
    """Return the time of the scene of each row, its own where the scene has none."""
    times = scenes.drop_duplicates(C.SCENE_ID).set_index(C.SCENE_ID)[C.ACQUIRED]
    acquired = times.reindex(rows[C.SCENE_ID]).set_axis(rows.index)
    return acquired.fillna(rows[C.ACQUIRED])


def epoch_names(acquired: pd.Series, sensor: pd.Series) -> pd.Series:
    """Name the date of each image; images of one day and sensor have one name.

    Parameters
    ----------
    acquired, sensor : pandas.Series
        One row an image, same index.

    Returns
    -------
    pandas.Series
        ``YYYY-MM-DD``; when several sensors share a day, the first image has the plain name and
        the others that of the sensor behind it, as ``2020-08-01_LC08``.
    """
    images = pd.DataFrame({C.ACQUIRED: acquired, C.SENSOR: sensor})
    images["day"] = images[C.ACQUIRED].dt.strftime("%Y-%m-%d")
    first = images.sort_values([C.ACQUIRED, C.SENSOR]).drop_duplicates("day")
    leading = images["day"].map(first.set_index("day")[C.SENSOR])
    same = (images[C.SENSOR] == leading) | (images[C.SENSOR].isna() & leading.isna())
    plain = {name: _plain(name) for name in images[C.SENSOR].dropna().unique()}
    behind = images[C.SENSOR].map(plain).astype("object").fillna("other")  # may be all missing
    return images["day"].where(same, images["day"] + "_" + behind.astype(str))


def involved(event: pd.Series) -> set[str]:
    """Return the lakes that take part in an event of :data:`glacial_lakes.schema.LAKE_EVENTS`."""
    lineage = [event[name] for name in (C.FROM_IDS, C.TO_IDS) if isinstance(event[name], str)]
    return {str(event[C.LAKE_ID]), *" ".join(lineage).split()}


def scenes_showing(
    observations: pd.DataFrame, lakes: Iterable[str], days: Iterable[pd.Timestamp]
) -> list[str]:
    """Return the scenes that show lakes, a part or their absence, on some days; in order of time.

    Parameters
    ----------
    observations : pandas.DataFrame
        From :func:`best_of_day`.
    lakes : iterable of str
        Lake IDs.
    days : iterable of pandas.Timestamp
        Midnight, UTC.
    """
    shown = observations[
        observations["day"].isin(list(days))
        & observations[C.LAKE_ID].isin(list(lakes))
        & (observations[C.STATUS].isin(SEEN) | (observations[C.OBSERVED_FRACTION] > 0))
    ]
    scenes = shown.sort_values(C.ACQUIRED, kind="stable")[C.SCENE_ID].dropna()
    return list(dict.fromkeys(scenes.map(str)))


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-") or "other"
