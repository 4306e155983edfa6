"""What a person wrote into an inventory and no decision follows from: told, never dropped silently.

Columns that are computed stay as they are, and where only some words can stand, no other does.
"""

from __future__ import annotations

import numbers
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.inventory.decisions import DRAWN, FIELDS
from glacial_lakes.inventory.inventory import ALL_LAYERS, DERIVED, KEYS, Inventory
from glacial_lakes.measures.meridian import in_equal_area
from glacial_lakes.review.baseline import tasks_of
from glacial_lakes.review.edited_file import WITH_WORDS, Edited, known_word, text_of, written_as
from glacial_lakes.review.matching import is_same
from glacial_lakes.review.records import same_text
from glacial_lakes.runtime.revision import code_version

_PERSONS = {*FIELDS, C.VERIFIED, C.VERIFIED_BY, C.EDITED, C.EDITED_BY}
_LISTED = 3
_SAME = 1e-9
_ROUNDED = 1e-4
"""What numbers may be off in a file of another program, as a share of them."""
_OF_LAKE = tuple(column for column in schema.LAKES if column.name in (C.BASIN, C.STATE, C.NUMBER))
_MEASURED = (schema.AREA, schema.AREA_SIGMA, schema.PERIMETER, schema.ELEVATION, *_OF_LAKE)


def ignored_edits(inventory: Inventory, edited: Edited, found: pd.DataFrame) -> list[Message]:
    """Return what was written and is not taken in, one line a column.

    Parameters
    ----------
    inventory : Inventory
        As it was before.
    edited : Edited
        From :func:`glacial_lakes.review.edited_file.read_edited`.
    found : pandas.DataFrame
        What was understood of it, rows of :data:`glacial_lakes.schema.REVIEWS`.

    Returns
    -------
    list of Message
        All computed columns are compared where the file is a copy of this very run; in shapefiles,
        layers by themselves and copies of earlier runs those that follow from an outline, and
        basin and state, where the outline is as it was.
    """
    messages: list[Message] = []
    if edited.runs and edited.runs == set(inventory.runs[C.RUN_ID].map(str)):
        messages += _of_this_run(inventory, edited)
    else:
        messages += _measured(inventory, edited)
    for table in (edited.lakes, edited.outlines, edited.file):
        if table is not None:
            messages += _no_words(table)
    messages += _names_alone(inventory, edited, found)
    messages += _ticks_alone(inventory, edited, found)
    return list(dict.fromkeys(messages))


def _of_this_run(inventory: Inventory, edited: Edited) -> Iterator[Message]:
    """Yield what was written into a copy of this very run, of which all computed is known."""
    reviews = inventory.reviews
    last = reviews[C.REVIEW_ID].max() if len(reviews) else 0
    later = reviews[reviews[C.REVIEW_ID] > edited.last_review]
    since = {*later[C.LAKE_ID], *later[C.OTHER_ID].dropna()}
    for layer, written in edited.written.items():
        has_words = layer in WITH_WORDS
        if not has_words and edited.last_review != last:
            continue  # later decisions changed these layers
        if layer in DERIVED and not (inventory.runs[C.VERSION] == code_version()).all():
            continue  # another version drew other conclusions
        old, new = _by_keys(getattr(inventory, layer), layer), _by_keys(written, layer)
        if has_words:  # what other persons decided since the copy was made, it cannot show
            old, new = (rows[~rows.index.isin(since, level=0)] for rows in (old, new))
        yield from _computed(old, new, layer, _PERSONS if has_words else set())
        if not has_words:
            yield from _rows(old, new, layer)


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
            name = column.name if layer in WITH_WORDS else f"{layer}.{column.name}"
            yield _stays(column.mention(name), len(changed), _named(changed))


def _measured(inventory: Inventory, edited: Edited) -> Iterator[Message]:
    """Yield what was written into columns that follow from outlines that are as they were."""
    lakes = inventory.lakes.drop_duplicates(C.LAKE_ID).set_index(C.LAKE_ID)
    changed: dict[Message, list[str]] = {}
    for task in tasks_of(inventory, edited):
        layer = "lakes" if task.whole_lakes else "outlines"
        frame = edited.written["file" if edited.file is not None else layer]
        old = task.old.drop_duplicates(C.LAKE_ID).set_index(C.LAKE_ID)
        new = task.new[task.new[C.LAKE_ID].isin(old.index)]
        ids = new[C.LAKE_ID]
        shapes = (
            in_equal_area(gpd.GeoSeries(rows.geometry)).to_numpy() for rows in (old.loc[ids], new)
        )
        unmoved = np.array([is_same(*pair) for pair in zip(*shapes, strict=True)], dtype=bool)
        for column in _MEASURED:
            name = written_as(column, frame)
            before = lakes if column in _OF_LAKE else old
            if name is None or (column in _OF_LAKE and not task.whole_lakes):
                continue
            values = frame[name].loc[new.index[unmoved]]
            known = before[column.name].reindex(ids[unmoved])
            for lake, one, other in zip(ids[unmoved], known, values, strict=True):
                if not _same_in_file(one, other):
                    changed.setdefault(column.mention(name), []).append(str(lake))
    for named, changed_lakes in changed.items():
        yield _stays(named, len(changed_lakes), _named(changed_lakes))


def _same_in_file(one: Any, other: Any) -> bool:
    """Tell whether a value is the same after the rounding of other programs; 0 may be none."""
    if pd.isna(one):
        return bool(pd.isna(other) or other in ("", 0))
    if isinstance(one, numbers.Real):
        number = pd.to_numeric(other, errors="coerce")
        return bool(np.isclose(number, float(one), rtol=_ROUNDED, atol=_ROUNDED))
    return str(one) == text_of(other)


def _names_alone(inventory: Inventory, edited: Edited, found: pd.DataFrame) -> Iterator[Message]:
    """Yield who decided where nothing was decided: a name goes with a decision, never alone."""
    reviews = inventory.reviews
    since = {*reviews.loc[reviews[C.REVIEW_ID] > edited.last_review, C.LAKE_ID]}
    decided = {*found[C.LAKE_ID]}
    by_whom: dict[str, set[str]] = {}
    for lake, who in pd.concat([reviews, found])[[C.LAKE_ID, C.REVIEWER]].to_numpy():
        by_whom.setdefault(lake, set()).update([who, *(who or "").split(", ")])
    alone: dict[str, list[str]] = {}
    for task in tasks_of(inventory, edited):
        old = task.old.drop_duplicates(C.LAKE_ID).set_index(C.LAKE_ID)
        new = task.new[task.new[C.LAKE_ID].isin(old.index)]
        for column in (schema.VERIFIED_BY, schema.EDITED_BY):
            name = column.name
            before = [text_of(value) for value in old[name].reindex(new[C.LAKE_ID])]
            for lake, was, now in zip(new[C.LAKE_ID], before, new[name], strict=True):
                if now is None:  # deleted, where the file can show it
                    is_alone = edited.file is None and lake not in {*since, *decided}
                else:
                    is_alone = now not in by_whom.get(lake, ())
                if is_alone and not same_text(was, now):
                    alone.setdefault(column.mention(), []).append(lake)
    for named, lakes in alone.items():
        yield Message(
            "{column} says who decided, and nothing was decided: it stays as it was, in {count} "
            "row, of {lakes}",
            "{column} says who decided, and nothing was decided: it stays as it was, in {count} "
            "rows, such as of {lakes}",
            column=named,
            count=len(lakes),
            lakes=_named(lakes),
        )


def _ticks_alone(inventory: Inventory, edited: Edited, found: pd.DataFrame) -> Iterator[Message]:
    """Yield where it was ticked, or no more, that a person drew an outline that is as it was."""
    reviews = inventory.reviews
    decided = pd.concat([reviews, found])
    drawn = set(decided.loc[decided[C.DECISION].isin(DRAWN), C.LAKE_ID])
    later = set(reviews.loc[reviews[C.REVIEW_ID] > edited.last_review, C.LAKE_ID])
    changed: dict[str, None] = {}
    for task in tasks_of(inventory, edited):
        old = task.old.drop_duplicates(C.LAKE_ID).set_index(C.LAKE_ID)[C.EDITED]
        new = task.new[task.new[C.LAKE_ID].isin(old.index)]
        before = old.reindex(new[C.LAKE_ID]).astype("boolean").fillna(False)
        for lake, was, now in zip(new[C.LAKE_ID], before, new[C.EDITED], strict=True):
            is_ticked = now is True and not was and lake not in drawn
            is_cleared = now is False and was and edited.file is None and lake not in later
            if is_ticked or is_cleared:
                changed[lake] = None
    if changed:
        yield Message(
            "{column} tells whether a person drew the outline, which is as it was: it stays too, "
            "in {count} row, of {lakes}; what was checked is marked in {verified}",
            "{column} tells whether a person drew the outline, which is as it was: it stays too, "
            "in {count} rows, such as of {lakes}; what was checked is marked in {verified}",
            column=schema.EDITED.mention(),
            count=len(changed),
            lakes=_named(changed),
            verified=schema.VERIFIED.mention(),
        )


def _stays(column: Message, count: int, lakes: list[str]) -> Message:
    return Message(
        "{column} is computed and stays as it was, in {count} row, of {lakes}",
        "{column} is computed and stays as it was, in {count} rows, such as of {lakes}",
        column=column,
        count=count,
        lakes=lakes,
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


def _named(rows: Iterable[Any]) -> list[str]:
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


def _quoted(word: str) -> Message:
    """Return a word that has a comma in some languages as one of a list."""
    return Message('"{word}"', context="format", word=Message(str(word)))


def _no_words(table: pd.DataFrame) -> Iterator[Message]:
    for column in schema.OUTLINES:
        if column.name not in FIELDS or column.words is None or column.name not in table:
            continue
        for lake, value in zip(table[C.LAKE_ID], table[column.name], strict=True):
            text = text_of(value)
            if text is not None and known_word(column, text) is None:
                yield Message(
                    "{column} of {lake} cannot be {text} and stays as it was; known are {words}",
                    column=column.mention(),
                    lake=lake or "–",
                    text=text,
                    words=[_quoted(word) for word in column.words],
                )
