"""Decisions with number, who, when and from which file."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

import geopandas as gpd
import pandas as pd


def signed(
    found: gpd.GeoDataFrame, earlier: gpd.GeoDataFrame, source: str, by: str | None
) -> gpd.GeoDataFrame:
    """Return new decisions that go on from earlier ones.

    Parameters
    ----------
    found, earlier : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS`.
    source : str
        Name of the edited file.
    by : str or None
        Who decided; by default what the fields of checks and edits say, else the user.
    """
    first = int(earlier["review_id"].max()) + 1 if len(earlier) else 1
    found = found.copy()
    found["review_id"] = pd.array(range(first, first + len(found)), dtype="Int64")
    found["reviewer"] = by or found["reviewer"].fillna(_user())
    found["reviewed"] = pd.Timestamp(datetime.now(UTC)).floor("s").as_unit("ms")
    found["source"] = source
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return "unknown"
