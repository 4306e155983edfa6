"""A person's corrections → decisions kept in the inventory, which every later run respects."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.errors import N_, InputError, Message, require
from glacial_lakes.events import InputOdd, Listener
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.io import atomic, locks
from glacial_lakes.io.vector import logged
from glacial_lakes.review import working_copy
from glacial_lakes.review.contradictions import contradictions
from glacial_lakes.review.decision_file import is_decision_file, read_decisions
from glacial_lakes.review.differences import differences
from glacial_lakes.review.edited_file import Edited, read_edited
from glacial_lakes.review.ignored_edits import ignored_edits
from glacial_lakes.review.matching import is_same
from glacial_lakes.review.records import named, nameless, shared_numbers, signed


def review_file(
    inventory: Path | str,
    edited: Path | str | None = None,
    *,
    by: str | None = None,
    missing_is_rejected: bool | None = None,
    encoding: str | None = None,
    conflicts: Literal["ask", "file", "inventory"] = "ask",
    dry_run: bool = False,
    on_event: Listener = logged,
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
        Who decided where the fields of checks and edits name nobody; by default whom the project
        names, ``by`` in ``[project]``, else nobody.
    missing_is_rejected : bool, optional
        See :func:`differences`.
    encoding : str, optional
        Text encoding of a shapefile that does not tell it.
    conflicts : {"ask", "file", "inventory"}
        What becomes of decisions on which somebody else decided otherwise since the edited copy
        was made: by default nothing is taken in and both are told; else the decision of the file
        counts, or that of the inventory.
    dry_run : bool
        Only understand, write nothing.
    on_event : callable, optional
        Called with :class:`~glacial_lakes.events.InputOdd` for what was written and is not taken
        in, such as a computed column; without it they are warnings in the log.

    Returns
    -------
    geopandas.GeoDataFrame
        The new decisions, :data:`glacial_lakes.schema.REVIEWS`; empty when nothing was changed.

    Raises
    ------
    InputError
        When the file cannot be understood, or contradicts what somebody decided since it was
        copied; nothing is written.
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
        by = by or after.decided_by
        if not is_itself:
            try:
                if is_decision_file(source):
                    more = read_decisions(source, after)
                else:
                    copy = read_edited(source, encoding)
                    read = differences(after, copy, missing_is_rejected=missing_is_rejected)
                    read = named(read, by)
                    more, others = _agreeing(read, after.reviews, copy, conflicts)
                    for reason in (*others, *ignored_edits(after, copy, read)):
                        on_event(InputOdd(str(source), reason))
            except InputError as error:
                raise type(error)(error.path or source, error.what, error.remedy) from error
            if len(more):
                more = signed(more, after.reviews, source.name, by)
                after = after.with_reviews(more)
                tables = [table for table in (found, more) if len(table)]
                found = gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=4326)
        for reason in (*edits.ignored, *nameless(found), *shared_numbers(after.lakes, found)):
            on_event(InputOdd(str(path), reason))
        if edits.is_edited and not dry_run:
            working_copy.keep(path)
        if (edits.is_edited or len(found)) and not dry_run:
            working_copy.put(after, path)
        return found


def _is_brought_back(review: pd.Series, found: gpd.GeoDataFrame) -> bool:
    """Tell whether new decisions draw an outline again that an earlier one replaced."""
    if review[C.REPLACED] is None:
        return False
    drawn = found[(found[C.LAKE_ID] == review[C.LAKE_ID])].geometry.to_crs(EQUAL_AREA)
    old = gpd.GeoSeries.from_wkt([review[C.REPLACED]], crs=4326).to_crs(EQUAL_AREA)[0]
    return any(is_same(shape, old) for shape in drawn)


def _agreeing(
    found: gpd.GeoDataFrame, reviews: gpd.GeoDataFrame, copy: Edited, conflicts: str
) -> tuple[gpd.GeoDataFrame, list[Message]]:
    """Return the decisions that may be taken in, and what else was decided on the same things.

    All are refused where a person must be asked.
    """
    if found.empty or reviews.empty:
        return found, []
    since = reviews[reviews[C.REVIEW_ID] > copy.last_review]
    if copy.file is not None:  # it does not tell what its person knew, but for old outlines
        is_back = [_is_brought_back(row, found) for _, row in since.iterrows()]
        since = since[np.array(is_back, dtype=bool)]
    contradicted = contradictions(found, since)
    if contradicted and conflicts == "ask":
        raise InputError(
            None,
            Message(
                "{count} decision contradicts one that was taken since the copy was made: "
                "{decisions}",
                "{count} decisions contradict others taken since the copy was made: {decisions}",
                count=len(contradicted),
                decisions=list(contradicted.values()),
            ),
            "ask each other; then review again with --conflicts file or --conflicts inventory",
        )
    if conflicts == "file":
        return found, [
            Message("counts from now on: {decision}", decision=one) for one in contradicted.values()
        ]
    left = found.drop(index=found.index[list(contradicted)]).reset_index(drop=True)
    return left, [
        Message("not taken in: {decision}", decision=one) for one in contradicted.values()
    ]
