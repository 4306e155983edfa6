"""The best observation of each lake in the season of some years, as inventories are published."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from glacial_lakes.change.series import SEEN, best_of_day
from glacial_lakes.columns import C
from glacial_lakes.errors import InputError
from glacial_lakes.schema import Status

_QUALITIES = ("good", "fair", "poor")
_STEP = 0.1
"""Images whose cloud or whose share of the lake differ by less are equally good."""


def best_observations(
    observations: pd.DataFrame,
    outlines: pd.DataFrame,
    scenes: pd.DataFrame,
    years: tuple[int, int],
    months: Sequence[int],
) -> pd.DataFrame:
    """Return the best row of each lake among the images of a season in some years.

    Best is what was seen at all, then by the quality of the outline, the share of the lake that
    was seen and the cloud in the scene (both in tenths), then by the time to the middle of the
    season in the middle of the years. What was seen in part never counts as seen. A date that
    shows no water where the lake is competes like one that shows it well.

    Parameters
    ----------
    observations, outlines, scenes : pandas.DataFrame
        Of an inventory.
    years : tuple of int
        First and last year.
    months : sequence of int
        Months of the year, 1 to 12; a season may run through the turn of the year.

    Returns
    -------
    pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`, one row a lake that any image was to show.

    Raises
    ------
    InputError
        When no image lies in that time.
    """
    rows = best_of_day(observations)
    first, last = years
    time = rows[C.ACQUIRED].dt
    rows = rows[time.year.between(first, last) & time.month.isin(list(months))]
    if rows.empty:
        raise InputError(
            None,
            "there is no image of the years {first} to {last} in the months chosen",
            "choose other years or months",
            first=first,
            last=last,
        )
    quality = outlines.drop_duplicates([C.LAKE_ID, C.SCENE_ID])
    rows = rows.merge(quality[[C.LAKE_ID, C.SCENE_ID, C.QUALITY]], "left", [C.LAKE_ID, C.SCENE_ID])
    clouds = scenes.drop_duplicates(C.SCENE_ID).set_index(C.SCENE_ID)[C.CLOUD_PERCENT]
    cloud = rows[C.SCENE_ID].map(clouds).astype("float64").fillna(100.0)
    word = rows[C.QUALITY].astype("string").str.split(":").str[0].str.strip()
    rank = word.map({name: n for n, name in enumerate(_QUALITIES)}).astype("float64")
    away = rows[C.ACQUIRED] - _reference(years, months)
    rows = rows.assign(
        is_unseen=~rows[C.STATUS].isin(SEEN),
        rank=rank.mask(rows[C.STATUS] == Status.ABSENT, 0.0).fillna(1.0),
        hidden=np.floor((1 - rows[C.OBSERVED_FRACTION].fillna(0.0)) / _STEP + 1e-9),
        cloud=np.floor(cloud / (100 * _STEP)),
        away=away.abs(),
    )
    order = [C.LAKE_ID, "is_unseen", "rank", "hidden", "cloud", "away", C.SCENE_ID]
    best: pd.DataFrame = rows.sort_values(order, kind="stable").drop_duplicates(
        C.LAKE_ID, ignore_index=True
    )
    return best.reindex(columns=observations.columns)


def _reference(years: tuple[int, int], months: Sequence[int]) -> pd.Timestamp:
    """Return the middle of the season in the middle of the years."""
    angles = 2 * np.pi * (np.asarray(months) - 0.5) / 12
    middle = np.angle(np.exp(1j * angles).sum()) / (2 * np.pi) % 1
    return pd.Timestamp(sum(years) // 2, 1, 1, tz="UTC") + pd.Timedelta(days=365.25 * middle)
