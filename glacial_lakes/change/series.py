"""The rows of an inventory as series: one observation a lake and date, one name a date."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

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
    rows = observations.dropna(subset="acquired").reset_index(drop=True)
    rows = rows.assign(day=rows["acquired"].dt.floor("D"))
    several = rows[rows.duplicated(["lake_id", "day", "sensor"], keep=False)]
    several = several.assign(
        is_seen=several["status"].isin(SEEN), seen_share=several["observed_fraction"].fillna(-1.0)
    )
    ranked = several.sort_values(
        ["is_seen", "seen_share", "scene_id"], ascending=[False, False, True]
    )
    best = rows.drop(index=ranked.index[ranked.duplicated(["lake_id", "day", "sensor"])])
    return best.sort_values(["lake_id", "acquired", "scene_id"], kind="stable")


def seen_series(observations: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of each lake through time: dates that tell its area, or that it is gone.

    Of two sensors on one day, the one with the smaller standard deviation is kept.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`.
    """
    rows = best_of_day(observations)
    rows = rows[rows["status"].isin(SEEN) & rows["area_m2"].notna()]
    sigma = rows["area_sigma_m2"].mask(rows["status"] == Status.ABSENT, 0.0)
    rows = rows.assign(area_sigma_m2=sigma)
    several = rows[rows.duplicated(["lake_id", "day"], keep=False)]
    ranked = several.sort_values(["area_sigma_m2", "scene_id"], kind="stable")
    worse = ranked.index[ranked.duplicated(["lake_id", "day"])]
    return rows.drop(index=worse).reset_index(drop=True)


def times_of_scenes(rows: pd.DataFrame, scenes: pd.DataFrame) -> pd.Series:
    """Return the time of the scene of each row, its own where the scene has none."""
    times = scenes.drop_duplicates("scene_id").set_index("scene_id")["acquired"]
    acquired = times.reindex(rows["scene_id"]).set_axis(rows.index)
    return acquired.fillna(rows["acquired"])


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
    images = pd.DataFrame({"acquired": acquired, "sensor": sensor})
    images["day"] = images["acquired"].dt.strftime("%Y-%m-%d")
    first = images.sort_values(["acquired", "sensor"]).drop_duplicates("day")
    leading = images["day"].map(first.set_index("day")["sensor"])
    same = (images["sensor"] == leading) | (images["sensor"].isna() & leading.isna())
    plain = {name: _plain(name) for name in images["sensor"].dropna().unique()}
    behind = images["sensor"].map(plain).fillna("other")
    return images["day"].where(same, images["day"] + "_" + behind.astype(str))


def involved(event: pd.Series) -> set[str]:
    """Return the lakes that take part in an event of :data:`glacial_lakes.schema.LAKE_EVENTS`."""
    lineage = [event[name] for name in ("from_ids", "to_ids") if isinstance(event[name], str)]
    return {str(event["lake_id"]), *" ".join(lineage).split()}


def evidence(
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
        & observations["lake_id"].isin(list(lakes))
        & (observations["status"].isin(SEEN) | (observations["observed_fraction"] > 0))
    ]
    scenes = shown.sort_values("acquired", kind="stable")["scene_id"].dropna()
    return list(dict.fromkeys(scenes.map(str)))


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-") or "other"
