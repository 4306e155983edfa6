"""What a person wrote into an inventory and no decision follows from: told, never dropped silently.

Columns that are computed stay as they are, and where only some words can stand, no other does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.inventory.inventory import KEYS, Inventory
from glacial_lakes.measures.meridian import in_equal_area
from glacial_lakes.review.baseline import tasks_of
from glacial_lakes.review.edited_file import Edited, known_word, text_of, written_as
from glacial_lakes.review.matching import is_same

_PERSONS = {*FIELDS, C.VERIFIED, C.VERIFIED_BY, C.EDITED, C.EDITED_BY}
_LISTED = 3
_SAME = 1e-9
_ROUNDED = 1e-4
"""What numbers may be off in a file of another program, as a share of them."""
_OF_LAKE = tuple(column for column in schema.LAKES if column.name in (C.BASIN, C.STATE))
_MEASURED = (schema.AREA, schema.AREA_SIGMA, schema.PERIMETER, schema.ELEVATION, *_OF_LAKE)


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
        All computed columns are compared where the file is a copy of this very run; in shapefiles,
        layers by themselves and copies of earlier runs those that follow from an outline, and
        basin and state, where the outline is as it was.
    """
    found: list[Message] = []
    if edited.runs and edited.runs == set(inventory.runs[C.RUN_ID].map(str)):
        for layer, columns in (("lakes", schema.LAKES), ("outlines", schema.OUTLINES)):
            if (written := edited.written.get(layer)) is not None:
                found += _computed(getattr(inventory, layer), written, layer, columns)
    else:
        found += _measured(inventory, edited)
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
            lakes = [key if isinstance(key, str) else key[0] for key in changed]
            yield _stays(column.name, lakes)


def _measured(inventory: Inventory, edited: Edited) -> Iterator[Message]:
    """Yield what was written into columns that follow from outlines that are as they were."""
    lakes = inventory.lakes.drop_duplicates(C.LAKE_ID).set_index(C.LAKE_ID)
    changed: dict[str, list[str]] = {}
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
                    changed.setdefault(name, []).append(str(lake))
    for name, told in changed.items():
        yield _stays(name, told)


def _same_in_file(one: Any, other: Any) -> bool:
    """Tell whether a value is the same after the rounding of other programs; 0 may be none."""
    if pd.isna(one):
        return bool(pd.isna(other) or other in ("", 0))
    if isinstance(one, float):
        number = pd.to_numeric(other, errors="coerce")
        return bool(np.isclose(number, one, rtol=_ROUNDED, atol=_ROUNDED))
    return str(one) == text_of(other)


def _stays(column: str, rows: list[str]) -> Message:
    return Message(
        "{column} is computed and stays as it was, in {count} row, of {lakes}",
        "{column} is computed and stays as it was, in {count} rows, such as of {lakes}",
        column=column,
        count=len(rows),
        lakes=list(dict.fromkeys(rows))[:_LISTED],
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
