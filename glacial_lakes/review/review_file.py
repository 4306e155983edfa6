"""A person's corrections → decisions kept in the inventory, which every later run respects."""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import pandas as pd

from glacial_lakes.errors import N_, InputError, require
from glacial_lakes.io import atomic, locks
from glacial_lakes.review import working_copy
from glacial_lakes.review.decision_file import is_decision_file, read_decisions
from glacial_lakes.review.differences import differences
from glacial_lakes.review.edited_file import read_edited
from glacial_lakes.review.records import signed


def review_file(
    inventory: Path | str,
    edited: Path | str | None = None,
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
        The ``inventory.gpkg``; it is replaced. What was edited in it since a run or a review
        wrote it is taken in as well, and the edited file is kept in the folder ``edited``.
    edited : path-like, optional
        An edited copy of it, an edited shapefile of its lakes, in any CRS, or what the viewer
        saved. By default the inventory itself.
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
        When a run writes the same output, or another program has the inventory open.
    OutputError
        When the inventory cannot be written.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> len(gl.review_file("inventory.gpkg", "copy.gpkg", dry_run=True))  # nobody edited it
    0
    """
    require(inventory, (str, os.PathLike), "inventory", N_("give the path of an inventory"))
    if edited is not None:
        require(edited, (str, os.PathLike), "edited", N_("give the path of a file"))
    path = Path(inventory).absolute()
    source = path if edited is None else Path(edited).absolute()
    is_itself = source.exists() and path.exists() and source.samefile(path)
    hold = locks.lock_if_writable if dry_run else locks.folder_lock
    with hold(path.parent):
        if not dry_run:
            atomic.settle(path.parent)
        if is_itself and not working_copy.is_reviewable(path):
            raise InputError(
                path,
                "is the inventory itself, and nothing tells what was changed in it",
                "edit a copy of it, or a shapefile of the run",
            )
        rejected = missing_is_rejected if is_itself else None
        edits = working_copy.edits(path, by=by, missing_is_rejected=rejected)
        after, found = edits.inventory, edits.reviews
        if not is_itself:
            try:
                more = (
                    read_decisions(source, after)
                    if is_decision_file(source)
                    else differences(
                        after,
                        read_edited(source, encoding),
                        missing_is_rejected=missing_is_rejected,
                    )
                )
            except InputError as error:
                raise type(error)(error.path or source, error.what, error.remedy) from error
            if len(more):
                more = signed(more, after.reviews, source.name, by)
                after = after.with_reviews(more)
                tables = [table for table in (found, more) if len(table)]
                found = gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=4326)
        if edits.is_edited and not dry_run:
            working_copy.keep(path)
        if (edits.is_edited or len(found)) and not dry_run:
            working_copy.put(after, path)
        return found
