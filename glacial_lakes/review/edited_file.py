"""A file that a person has edited, in the words of the schema, whatever a program did to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import InputError, Message, VectorError
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.inventory.inventory import ALL_LAYERS, NEEDED, refuse_renamed_layers
from glacial_lakes.io.at_rest import settle
from glacial_lakes.io.geopackage import layer_names, read_layers
from glacial_lakes.io.vector import read_as_drawn, spatial_layers
from glacial_lakes.language import languages, translate
from glacial_lakes.measures.meridian import in_degrees

_READ = (
    *(C.LAKE_ID, C.ACQUIRED, C.SCENE_ID, C.SENSOR, C.AREA_M2, C.AREA_SIGMA_M2, C.STATUS),
    *(*FIELDS, C.VERIFIED, C.VERIFIED_BY, C.EDITED, C.EDITED_BY),
)
WITH_WORDS = ("outlines", "lakes")
"""Layers whose rows and columns a person may change; the others follow from these and scenes."""
_TRUE = {"1", "1.0", "true", "t", "yes", "y", "да"}
_TABLES = {".xlsx", ".xls", ".ods", ".csv", ".txt", ".tsv"}
"""What people edit in spreadsheets."""
_LISTED = 5
_COPY_HAS = 2
"""Layers with geometry by which a copy of an inventory is known, whatever others are called."""


@dataclass(frozen=True, eq=False)
class Edited:
    """The tables of a file that a person has edited; None for those that it has not.

    Polygons in EPSG:4326 with ``lake_id``, ``acquired``, ``sensor``, those of
    :data:`~glacial_lakes.inventory.decisions.FIELDS` that the file has, ``verified``,
    ``verified_by`` and ``edited_by``; texts are None where they are empty.
    """

    lakes: gpd.GeoDataFrame | None = None
    """Of a copy of an inventory."""
    outlines: gpd.GeoDataFrame | None = None
    """Of a copy of an inventory."""
    file: gpd.GeoDataFrame | None = None
    """The one layer of any other file."""
    last_review: int = 0
    """Number of the last review that the copy knew: what was decided since, it cannot show."""
    runs: frozenset[str] = frozenset()
    """Runs that the copy knew."""
    written: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """All columns as they are written, by layer; ``file`` for the one layer of another file."""


def read_edited(path: Path | str, encoding: str | None = None) -> Edited:
    """Read the outlines of an edited file.

    Parameters
    ----------
    path : path-like
        A copy of an inventory (its layers ``lakes`` and ``outlines`` are read), or any vector
        file with one layer of lakes.
    encoding : str, optional
        Text encoding of a shapefile that does not tell it.

    Returns
    -------
    Edited

    Raises
    ------
    VectorError
        When the file has no lakes.
    InputError
        When outlines cross themselves, are empty or no polygons; the lakes are named.
    LockedError
        When another program has the file open: it may hold edits that are not saved.
    """
    settle(path)
    if Path(path).suffix.lower() in _TABLES:
        raise InputError(
            path,
            "is a table: outlines and decisions on lakes are not in it",
            "write names, districts and remarks into the list that [catalogue] names, or into the "
            "layer lakes of the inventory",
        )
    layers = spatial_layers(path)
    if len(set(NEEDED).intersection(layers)) >= _COPY_HAS:
        refuse_renamed_layers(path, layer_names(path))
    known: list[str] = [name for name in WITH_WORDS if name in layers and len(layers) > 1]
    if not known:
        frame = read_as_drawn(path, None, encoding)
        return Edited(file=_table(path, frame, is_copy=False), written={"file": frame})
    frames = {name: read_as_drawn(path, name, encoding) for name in known}
    tables = {name: _table(path, frame, is_copy=True) for name, frame in frames.items()}
    if "reviews" not in layers:
        return Edited(**tables, written=frames)
    others = read_layers(path, [name for name in ALL_LAYERS if name not in WITH_WORDS])
    runs = others.get("runs", pd.DataFrame())
    return Edited(
        **tables,
        last_review=_last_review(path),
        runs=frozenset(runs[C.RUN_ID].map(str)) if C.RUN_ID in runs else frozenset(),
        written={**frames, **others},
    )


def _last_review(path: Path | str) -> int:
    taken = read_as_drawn(path, "reviews")
    return int(taken[C.REVIEW_ID].max()) if C.REVIEW_ID in taken and len(taken) else 0


def written_as(column: schema.Column, frame: pd.DataFrame) -> str | None:
    """Return the field of a file that holds a column, in full, cut, or as shapefiles have it."""
    given = {str(name).lower(): str(name) for name in frame.columns}
    names = (column.name, column.name[:10], (column.shapefile or column.name).lower())
    return next((given[name] for name in names if name in given), None)


def _table(path: Path | str, frame: gpd.GeoDataFrame, *, is_copy: bool) -> gpd.GeoDataFrame:
    columns: dict[str, Any] = {}
    for column in schema.OUTLINES:
        if column.name not in _READ:
            continue
        found = written_as(column, frame)
        if found is None:
            if column.name not in FIELDS:
                columns[column.name] = [None] * len(frame)
        elif column.type == "time":
            columns[column.name] = _times(frame[found], path)
        elif column.type == "real":
            columns[column.name] = pd.to_numeric(frame[found], errors="coerce")
        elif column.type == "boolean":
            columns[column.name] = [str(value).strip().lower() in _TRUE for value in frame[found]]
        else:
            texts = [text_of(value) for value in frame[found]]
            columns[column.name] = [known_word(column, text) or text for text in texts]
    if not is_copy and all(value is None for value in columns[C.LAKE_ID]):
        raise VectorError(
            path,
            "has no field with lake codes (lake_id or GLAKE_ID)",
            "edit a copy of the inventory or one of its shapefiles",
        )
    values_of = {name: pd.Series(values, dtype="object") for name, values in columns.items()}
    table = gpd.GeoDataFrame(values_of, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    table[C.ACQUIRED] = pd.to_datetime(table[C.ACQUIRED], utc=True)
    _check(table, path)
    return table.set_geometry(in_degrees(table.geometry))


def text_of(value: Any) -> str | None:
    """Return a text without blanks around it; None where there is none."""
    return None if value is None or pd.isna(value) else str(value).strip() or None


def known_word(column: schema.Column, text: str | None) -> str | None:
    """Return the word that a text of a column stands for, in any language; None for no such word.

    Examples
    --------
    >>> known_word(schema.LAKE_TYPE, "ice-contact"), known_word(schema.LAKE_TYPE, "a pond")
    ('ice-contact', None)
    """
    if text is None or column.words is None:
        return text
    for word in column.words:
        spellings = {str(word), *(translate(str(word), language) for language in languages())}
        if text.lower() in {spelling.lower() for spelling in spellings}:
            return str(word)
    return None


def _times(values: pd.Series, path: Path | str) -> pd.Series:
    if values.dtype == object:
        values = values.map(text_of)
    try:
        return pd.to_datetime(values, utc=True, format="mixed")
    except (ValueError, TypeError):
        raise VectorError(
            path, "has dates that cannot be read", "write them as 2024-08-31, or leave them empty"
        ) from None


def _check(table: gpd.GeoDataFrame, path: Path | str) -> None:
    shapes = table.geometry.to_numpy()
    areal = pd.Series(shapely.get_type_id(shapes)).isin([3, 6]).to_numpy()
    sound = areal & ~shapely.is_empty(shapes) & shapely.is_valid(shapes)
    if sound.all():
        return
    places = [
        f"{table[C.LAKE_ID].iloc[row] or 'without a code'} ({_place(table, row)})"
        for row in (~sound).nonzero()[0][:_LISTED]
    ]
    raise InputError(
        path,
        Message(
            "{count} outline crosses itself or is empty: {places}",
            "{count} outlines cross themselves or are empty: {places}",
            count=(~sound).sum(),
            places=places,
        ),
        "mend them, e.g. with the QGIS tool Check validity; nothing was taken in",
    )


def _place(table: gpd.GeoDataFrame, row: int) -> str:
    shape = table.geometry.iloc[row : row + 1].to_crs(4326).iloc[0]
    if shape is None or shape.is_empty:
        return f"row {row + 1}"
    x, y = shapely.get_coordinates(shape)[0]
    return f"{y:.5f} {x:.5f}"
