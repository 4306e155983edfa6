"""Decisions of two persons on one thing that do not agree: shown, and never decided by order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import shapely

from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.schema import Decision

_OF_EXISTENCE = (Decision.REJECTED, Decision.MERGED)
_OF_OUTLINE = (Decision.REDRAWN, Decision.ACCEPTED)


def contradictions(found: pd.DataFrame, since: pd.DataFrame) -> dict[int, Message]:
    """Return the new decisions that contradict others of which their person could not know.

    Parameters
    ----------
    found : pandas.DataFrame
        New rows of :data:`glacial_lakes.schema.REVIEWS`.
    since : pandas.DataFrame
        Decisions that were taken in since the edited copy was made.

    Returns
    -------
    dict of int to Message
        By position in ``found``: both decisions, with who took them.
    """
    told: dict[int, Message] = {}
    earlier = {str(lake): rows for lake, rows in since.groupby(C.LAKE_ID)}
    for position, (_, new) in enumerate(found.iterrows()):
        for _, old in earlier.get(str(new[C.LAKE_ID]), since.iloc[:0]).iterrows():
            for thing, one, other in _disagreements(old, new):
                told[position] = Message(
                    "{lake}: {one} ({by}), now {other} ({other_by})",
                    lake=f"{new[C.LAKE_ID]} {thing}".strip(),
                    one=one,
                    by=old[C.REVIEWER] or "–",
                    other=other,
                    other_by=new[C.REVIEWER] or "–",
                )
    return told


def _disagreements(old: pd.Series, new: pd.Series) -> Iterator[tuple[str, Any, Any]]:
    for field in FIELDS:
        if old[field] is not None and new[field] is not None and old[field] != new[field]:
            yield field, old[field] or "–", new[field] or "–"
    kinds = old[C.DECISION], new[C.DECISION]
    words = Message(str(kinds[0])), Message(str(kinds[1]))
    if (kinds[0] in _OF_EXISTENCE) != (kinds[1] in _OF_EXISTENCE) or set(kinds) == {
        Decision.ACCEPTED,
        Decision.WITHDRAWN,
    }:
        yield "", *words
    elif Decision.REDRAWN in kinds and set(kinds) <= set(_OF_OUTLINE) and _one_image(old, new):
        shapes = shapely.normalize([old["geometry"], new["geometry"]])
        if not shapely.equals_exact(shapes[0], shapes[1], 1e-7):
            yield "", *words


def _one_image(old: pd.Series, new: pd.Series) -> bool:
    days = [pd.Timestamp(row[C.ACQUIRED]).floor("D") for row in (old, new)]
    return bool(days[0] == days[1] and old[C.SENSOR] == new[C.SENSOR])
