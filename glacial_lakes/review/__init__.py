"""A person's corrections → decisions kept in the inventory, which every later run respects."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd

from glacial_lakes import files
from glacial_lakes.errors import InputError
from glacial_lakes.inventory import open_inventory
from glacial_lakes.review.differences import differences
from glacial_lakes.review.edited import read_edited

__all__ = ["differences", "read_edited", "review_file"]


def review_file(
    inventory: Path | str,
    edited: Path | str,
    *,
    by: str | None = None,
    missing_is_rejected: bool | None = None,
    encoding: str | None = None,
    dry_run: bool = False,
) -> gpd.GeoDataFrame:
    """Take a person's corrections into an inventory, all of them or none.

    Parameters
    ----------
    inventory : path-like
        The ``inventory.gpkg``; it is replaced.
    edited : path-like
        An edited copy of it, or an edited shapefile of its lakes, in any CRS.
    by : str, optional
        Who decided; by default what the fields of checks and edits say, else the user.
    missing_is_rejected : bool, optional
        See :func:`differences`.
    encoding : str, optional
        Text encoding of a shapefile that does not tell it.
    dry_run : bool
        Only understand, write nothing.

    Returns
    -------
    geopandas.GeoDataFrame
        The new decisions, :data:`glacial_lakes.schema.REVIEWS`; empty when nothing was changed.

    Raises
    ------
    InputError
        When the file cannot be understood; nothing is written.
    LockedError
        When a run writes the same output.
    OutputError
        When the inventory cannot be written.
    """
    path, source = Path(inventory).absolute(), Path(edited).absolute()
    if source.exists() and path.exists() and source.samefile(path):
        raise InputError(
            path,
            "is the inventory itself, so that nothing tells what was changed",
            "edit a copy of it, or a shapefile of the run",
        )
    with files.lock(path.parent):
        before = open_inventory(path)
        try:
            found = differences(
                before, read_edited(source, encoding), missing_is_rejected=missing_is_rejected
            )
        except InputError as error:
            raise type(error)(error.path or source, error.what, error.remedy) from error
        if found.empty:
            return found
        first = int(before.reviews["review_id"].max()) + 1 if len(before.reviews) else 1
        found["review_id"] = pd.array(range(first, first + len(found)), dtype="Int64")
        found["reviewer"] = by or found["reviewer"].fillna(_user())
        found["reviewed"] = pd.Timestamp(datetime.now(UTC)).floor("s").as_unit("ms")
        found["source"] = source.name
        if not dry_run:
            before.with_reviews(found).to_file(path)
        return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return "unknown"
