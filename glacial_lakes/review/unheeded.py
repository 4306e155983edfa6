"""What a person wrote into an inventory and no decision follows from: told, never dropped silently.

Columns that are computed stay as they are, and where only some words can stand, no other does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.inventory.inventory import ALL_LAYERS, KEYS, Inventory
from glacial_lakes.review.edited_file import WITH_WORDS, Edited, known_word, text_of

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
    is_of_this_run = edited.runs == set(inventory.runs[C.RUN_ID].map(str))
    last = inventory.reviews[C.REVIEW_ID].max() if len(inventory.reviews) else 0
    for layer, written in edited.written.items() if is_of_this_run else ():
        has_words = layer in WITH_WORDS
        if not has_words and edited.last_review != last:
            continue  # later decisions changed these layers
        old, new = _by_keys(getattr(inventory, layer), layer), _by_keys(written, layer)
        found += _computed(old, new, layer, _PERSONS if has_words else set())
        if not has_words:
            found += _rows(old, new, layer)
    for table in (edited.lakes, edited.outlines, edited.file):
        if table is not None:
            found += _no_words(table)
    return list(dict.fromkeys(found))


def _by_keys(table: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Return the columns of ours of a layer, by what tells its rows."""
    keys = list(KEYS[layer])
    table = table[[name for name in table.columns if name != "geometry"]]
    table = schema.conform(table, ALL_LAYERS[layer])
    if layer in WITH_WORDS:
        table = table[table[keys].notna().all(axis=1)]
    else:  # a row that a person added may name no scene
        named = {key: table[key].astype(object).where(table[key].notna(), "–") for key in keys}
        table = table.assign(**named)
    return table.drop_duplicates(keys).set_index(keys)


def _computed(
    old: pd.DataFrame, new: pd.DataFrame, layer: str, persons: Collection[str]
) -> Iterator[Message]:
    both = old.index.intersection(new.index)
    for column in ALL_LAYERS[layer]:
        if column.name in persons or column.name in KEYS[layer]:
            continue
        before, after = old.loc[both, column.name], new.loc[both, column.name]
        unlike = ~((before == after).fillna(False) | (before.isna() & after.isna())).to_numpy(bool)
        before, after = before[unlike], after[unlike]
        changed = before.index[[not _same(*pair) for pair in zip(before, after, strict=True)]]
        if len(changed):
            yield Message(
                "{column} is computed and stays as it was, in {count} row, of {lakes}",
                "{column} is computed and stays as it was, in {count} rows, such as of {lakes}",
                column=column.name if layer in WITH_WORDS else f"{layer}.{column.name}",
                count=len(changed),
                lakes=_named(changed),
            )


def _rows(old: pd.DataFrame, new: pd.DataFrame, layer: str) -> Iterator[Message]:
    """Tell rows that were added to a layer that is computed, or deleted from it."""
    added, deleted = new.index.difference(old.index), old.index.difference(new.index)
    if len(added):
        yield Message(
            "{layer} is computed: {count} row that was added is not taken in, of {rows}",
            "{layer} is computed: {count} rows that were added are not taken in, such as of {rows}",
            layer=layer,
            count=len(added),
            rows=_named(added),
        )
    if len(deleted):
        yield Message(
            "{layer} is computed: {count} row that was deleted is back, of {rows}",
            "{layer} is computed: {count} rows that were deleted are back, such as of {rows}",
            layer=layer,
            count=len(deleted),
            rows=_named(deleted),
        )


def _named(rows: pd.Index) -> list[str]:
    """Return the lakes, scenes or numbers of the first of some rows."""
    names = [str(row[0] if isinstance(row, tuple) else row) for row in rows]
    return list(dict.fromkeys(names))[:_LISTED]


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
