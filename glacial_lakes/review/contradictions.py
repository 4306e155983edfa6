"""Decisions of two persons on one thing that do not agree: shown, and never decided by order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.schema import Column, Decision

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
    by_position: dict[int, Message] = {}
    earlier = {str(lake): rows for lake, rows in since.groupby(C.LAKE_ID)}
    for position, (_, new) in enumerate(found.iterrows()):
        for _, old in earlier.get(str(new[C.LAKE_ID]), since.iloc[:0]).iterrows():
            for column, one, other in _disagreements(old, new):
                values = {"lake": new[C.LAKE_ID], "one": one, "other": other}
                values |= {"by": old[C.REVIEWER] or "–", "other_by": new[C.REVIEWER] or "–"}
                by_position[position] = (
                    Message("{lake}: {one} ({by}), now {other} ({other_by})", **values)
                    if column is None
                    else Message(
                        "{lake}, {column}: {one} ({by}), now {other} ({other_by})",
                        column=column.mention(),
                        **values,
                    )
                )
    return by_position


def _disagreements(old: pd.Series, new: pd.Series) -> Iterator[tuple[Column | None, Any, Any]]:
    """Yield what two decisions say otherwise, and the column in which they do, if in one."""
    for column in schema.REVIEWS:
        one, other = old[column.name], new[column.name]
        if column.name in FIELDS and one is not None and other is not None and one != other:
            yield column, _shown(column, one), _shown(column, other)
    kinds = old[C.DECISION], new[C.DECISION]
    words = Message(str(kinds[0])), Message(str(kinds[1]))
    if (kinds[0] in _OF_EXISTENCE) != (kinds[1] in _OF_EXISTENCE) or set(kinds) == {
        Decision.ACCEPTED,
        Decision.WITHDRAWN,
    }:
        yield None, *words
    elif Decision.REDRAWN in kinds and set(kinds) <= set(_OF_OUTLINE) and _one_image(old, new):
        shapes = shapely.normalize([old["geometry"], new["geometry"]])
        if not shapely.equals_exact(shapes[0], shapes[1], 1e-7):
            yield None, *words


def _shown(column: Column, value: str) -> str:
    """Return a value for a message; the only words that can stand there, in any language."""
    return Message(value) if value and column.words is not None else value or "–"


def _one_image(old: pd.Series, new: pd.Series) -> bool:
    days = [pd.Timestamp(row[C.ACQUIRED]).floor("D") for row in (old, new)]
    return bool(days[0] == days[1] and old[C.SENSOR] == new[C.SENSOR])
