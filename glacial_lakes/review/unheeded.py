"""What a person wrote into an inventory and no decision follows from: told, never dropped silently.

Columns that are computed stay as they are, and where only some words can stand, no other does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.inventory.inventory import KEYS, Inventory
from glacial_lakes.review.edited_file import Edited, known_word, text_of

_PERSONS = {*FIELDS, C.VERIFIED, C.VERIFIED_BY, C.EDITED, C.EDITED_BY}
_LISTED = 3
_SAME = 1e-9


def unheeded(inventory: Inventory, edited: Edited) -> list[Message]:
    """Return what was written and is not taken in, one line a column.

    Parameters
    ----------
    inventory : Inventory
        As it was before.
    edited : Edited
        From :func:`glacial_lakes.review.edited_file.read_edited`.

    Returns
    -------
    list of Message
        Computed columns are compared where the file is a copy of this very run.
    """
    found: list[Message] = []
    for layer, columns in (("lakes", schema.LAKES), ("outlines", schema.OUTLINES)):
        written = edited.written.get(layer)
        if written is not None and edited.runs == set(inventory.runs[C.RUN_ID].map(str)):
            found += _computed(getattr(inventory, layer), written, layer, columns)
    for table in (edited.lakes, edited.outlines, edited.file):
        if table is not None:
            found += _no_words(table)
    return list(dict.fromkeys(found))


def _computed(
    old: pd.DataFrame, new: pd.DataFrame, layer: str, columns: tuple[schema.Column, ...]
) -> Iterator[Message]:
    keys = list(KEYS[layer])
    new = schema.conform(new[[name for name in new.columns if name != "geometry"]], columns)
    old, new = (table[table[keys].notna().all(axis=1)] for table in (old, new))
    old, new = (table.drop_duplicates(keys).set_index(keys) for table in (old, new))
    both = old.index.intersection(new.index)
    for column in columns:
        if column.name in _PERSONS or column.name in keys:
            continue
        before, after = old.loc[both, column.name], new.loc[both, column.name]
        changed = before.index[[not _same(*pair) for pair in zip(before, after, strict=True)]]
        if len(changed):
            lakes = list(dict.fromkeys(k if isinstance(k, str) else k[0] for k in changed))
            yield Message(
                "{column} is computed and stays as it was, in {count} row, of {lakes}",
                "{column} is computed and stays as it was, in {count} rows, such as of {lakes}",
                column=column.name,
                count=len(changed),
                lakes=lakes[:_LISTED],
            )


def _same(one: Any, other: Any) -> bool:
    if pd.isna(one) or pd.isna(other) or one == "" or other == "":
        return bool(pd.isna(one) or one == "") == bool(pd.isna(other) or other == "")
    if isinstance(one, pd.Timestamp):
        return bool(abs(one - other) < pd.Timedelta(seconds=1))
    if isinstance(one, float):
        return abs(one - float(other)) <= _SAME * max(abs(one), 1.0)
    return str(one) == str(other) or bool(one == other)


def _no_words(table: pd.DataFrame) -> Iterator[Message]:
    for column in schema.OUTLINES:
        if column.name not in FIELDS or column.words is None or column.name not in table:
            continue
        for lake, value in zip(table[C.LAKE_ID], table[column.name], strict=True):
            text = text_of(value)
            if text is not None and known_word(column, text) is None:
                yield Message(
                    "{column} of {lake} cannot be {text} and stays as it was; known are {words}",
                    column=column.name,
                    lake=lake or "–",
                    text=text,
                    words=[str(word) for word in column.words],
                )
