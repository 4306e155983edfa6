"""The partner's catalogue → places with number, name, district and remark."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.errors import N_, Message, VectorError
from glacial_lakes.io.parsing import is_nothing
from glacial_lakes.io.shapefile import spellings
from glacial_lakes.io.tables import is_table, plain, read_table
from glacial_lakes.io.vector import read_as_drawn
from glacial_lakes.measures.meridian import in_degrees
from glacial_lakes.places import file_of
from glacial_lakes.settings import CatalogueSettings, nearest

FIELDS = (C.CATALOGUE_NO, C.LAKE_NAME, C.DISTRICT, C.COMMENT)
"""What a catalogue may say of a lake."""
_LON = ("lon", "long", "longitude", "x", "долгота", "долг", "в.д.", "вд")
_LAT = ("lat", "latitude", "y", "широта", "шир", "с.ш.", "сш")
_PLAIN = re.compile(r"[-+]?\d+(?:\.\d+)?")
_PARTS = re.compile(
    r"(?P<before>[NSEWСЮВЗ]?)\s*(?P<degrees>\d{1,3})\s*[°º:\s]\s*(?P<minutes>\d{1,2}(?:[.,]\d+)?)"
    r"(?:\s*['′ʹ’´:\s]\s*(?:(?P<seconds>\d{1,2}(?:[.,]\d+)?)\s*(?:\"|″|''|′′|’’|”|´´)?)?)?"
    r"\s*(?P<behind>[NSEWСЮВЗ]?)(?:\.?\s*[ШД])?\.?"
)
"""Degrees, minutes and seconds, and the side of the equator or of Greenwich, in English or Russian
(с. ш., ю. ш., в. д., з. д.); in capitals."""
_SUM = r"(?:итог|всего|сумма|в том числе|из них|total|sum)\b|итого"
"""How lines below a list begin that add it up."""
_FEW = 2
"""Columns of a list that says nothing but numbers and names."""
_LISTED = 3


@dataclass(frozen=True, eq=False)
class Catalogue:
    """A partner's catalogue as its file says it."""

    places: gpd.GeoDataFrame
    """:data:`FIELDS` as text, None where the file says nothing, and geometry in EPSG:4326, None
    where the file does not tell the place."""
    source: str
    """Name of the file."""
    saved: pd.Timestamp
    """When it was saved, UTC."""
    patterns: Mapping[str, str]
    """Patterns of new numbers by district; ``""`` is that of all other districts."""
    districts: gpd.GeoDataFrame | None = None
    """Polygons with the column ``district``, EPSG:4326: where new lakes lie."""
    note: Message | None = None
    """What of the file is not used."""

    @property
    def placed(self) -> gpd.GeoDataFrame:
        """The rows whose place the file tells."""
        shapes = self.places.geometry
        return self.places[shapes.notna() & ~shapes.is_empty]


def read_catalogue(settings: CatalogueSettings, folder: Path = Path()) -> Catalogue | None:
    """Read the catalogue that a project names.

    Parameters
    ----------
    settings : CatalogueSettings
        Table ``[catalogue]`` of a project.
    folder : pathlib.Path
        Where its paths start.

    Returns
    -------
    Catalogue or None
        None when no catalogue is named. Rows without a number are left out of it, and its note
        tells them.

    Raises
    ------
    VectorError
        When the file cannot be read, lacks a column that is named, gives one number to two
        lakes, or a table has no coordinates.

    Examples
    --------
    >>> from glacial_lakes.settings import CatalogueSettings
    >>> read_catalogue(CatalogueSettings()) is None
    True
    """
    if settings.file is None:
        return None
    path = folder / settings.file
    if settings.id is None:
        remedy = N_("name the column with the numbers of its lakes: id in [catalogue]")
        raise VectorError(path, "does not tell which column holds the numbers", remedy)
    sheet = None
    if is_table(path):
        frame, sheet = _table(path, settings)
    else:
        frame = read_as_drawn(path, None, settings.encoding)
        frame.index += 1  # rows as people count them
    named = {
        C.CATALOGUE_NO: settings.id,
        C.LAKE_NAME: settings.name,
        C.DISTRICT: settings.district,
        C.COMMENT: settings.comment,
    }
    values = {
        ours: [_text(value) for value in frame[column_of(path, frame, theirs)]]
        if theirs is not None
        else [None] * len(frame)
        for ours, theirs in named.items()
    }
    texts = {name: pd.Series(column, dtype="object") for name, column in values.items()}
    places = gpd.GeoDataFrame(texts, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    is_numbered = _numbered(places, frame).to_numpy()
    rows = frame.index[~is_numbered].tolist()
    places = places[is_numbered].reset_index(drop=True)
    _require_unique(path, places[C.CATALOGUE_NO])
    return Catalogue(
        places.set_geometry(in_degrees(places.geometry)),
        path.name if sheet is None else f"{file_of(path).name} ({sheet})",
        pd.Timestamp(file_of(path).stat().st_mtime, unit="s", tz="UTC"),
        dict(_pattern(text) for text in settings.new_numbers),
        _districts(settings, folder),
        _unnumbered(rows) if rows else None,
    )


def _numbered(places: gpd.GeoDataFrame, frame: pd.DataFrame) -> pd.Series:
    """Tell which rows are lakes: a row without a place may be a heading, a sum or a signature."""
    numbers = places[C.CATALOGUE_NO]
    has_figures = numbers.str.contains(r"\d", na=False).astype(bool)
    texts = frame.drop(columns=frame.geometry.name).map(_text)
    first = texts.bfill(axis=1).iloc[:, 0]  # a sum is called so before the number that it is
    is_sum = pd.Series(False, index=numbers.index)
    for said in (numbers, first.set_axis(numbers.index)):
        is_sum |= said.astype("str").str.match(_SUM, case=False).astype(bool)
    is_alone = (texts.notna().sum(axis=1) <= 1).to_numpy() & (len(texts.columns) > _FEW)
    is_placed = places.geometry.notna() & ~places.geometry.is_empty
    is_lake: pd.Series = (has_figures & ~is_sum & ~is_alone) | (is_placed & numbers.notna())
    return is_lake


def _unnumbered(rows: Sequence[int]) -> Message:
    return Message(
        "{count} row has no number and is left out: row {rows}",
        "{count} rows have no number and are left out, such as {rows}",
        count=len(rows),
        rows=list(rows[:_LISTED]),
    )


def _pattern(text: str) -> tuple[str, str]:
    """Return the district of a pattern and the pattern itself."""
    district, sign, pattern = text.rpartition("=")
    return (district.strip(), pattern.strip()) if sign else ("", text.strip())


def _districts(settings: CatalogueSettings, folder: Path) -> gpd.GeoDataFrame | None:
    if settings.districts is None:
        return None
    path = folder / settings.districts
    try:
        frame = read_as_drawn(path)
    except VectorError:
        if settings.encoding is None:
            raise
        frame = read_as_drawn(path, None, settings.encoding)  # of the same office
    names = [_text(value) for value in frame[column_of(path, frame, settings.district_field)]]
    table = gpd.GeoDataFrame({C.DISTRICT: names}, geometry=frame.geometry.array, crs=frame.crs)
    return table.set_geometry(in_degrees(table.geometry))


def column_of(path: Path, frame: pd.DataFrame, name: str) -> str:
    """Return the name of a column as a file spells it.

    Raises
    ------
    VectorError
        When there is none.
    """
    known = [str(column) for column in frame.columns if column != "geometry"]
    found = {column.lower(): column for column in reversed(known)} | {c: c for c in known}
    for spelled in (name, *spellings(name.lower())):
        if spelled in found:
            return found[spelled]
    what = Message("has no column {name}", name=name)
    raise VectorError(path, what, nearest(name, known))


def _require_unique(path: Path, numbers: pd.Series) -> None:
    again = numbers[numbers.duplicated()].unique()
    if len(again):
        what = Message("gives one number to several lakes: {numbers}", numbers=[*again[:_LISTED]])
        raise VectorError(path, what, "correct the numbers, or take another column as id")


def column_names(path: Path, wanted: Sequence[str] = (), encoding: str | None = None) -> list[str]:
    """Return the names of the columns of a vector file or table.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    wanted : sequence of str
        Names, besides those of coordinates, by which the headings of a table are known.
    encoding : str, optional
        Text encoding of a file that does not tell it.

    Raises
    ------
    VectorError
        When it cannot be read.
    """
    if is_table(path):
        return [
            str(name) for name in read_table(path, (*_LON, *_LAT, *wanted), encoding).frame.columns
        ]
    return [str(name) for name in read_as_drawn(path, None, encoding).columns if name != "geometry"]


def _table(path: Path, settings: CatalogueSettings) -> tuple[gpd.GeoDataFrame, str | None]:
    """Read a table with coordinates in degrees, and which of several sheets it is."""
    ours = (settings.id, settings.name, settings.district, settings.comment)
    named = [name for name in (*ours, settings.lon, settings.lat) if name is not None]
    read = read_table(path, (*named, *_LON, *_LAT), settings.encoding, settings.sheet)
    table = read.frame
    if table.empty:
        raise VectorError(path, "holds no lakes", "give a table with a line of headings")
    lon = _coordinate(path, table, settings.lon, _LON)
    lat = _coordinate(path, table, settings.lat, _LAT)
    odd = (lon.abs() > 180) | (lat.abs() > 90)
    if odd.any():
        what = Message(
            "has coordinates that are no degrees in rows {rows}",
            rows=odd[odd].index[:_LISTED].tolist(),
        )
        raise VectorError(
            path, what, "write them as 42.5312, 42,5312 or 42°31'52\", longitude and latitude"
        )
    points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), index=table.index, crs=4326)
    placed = points.where(lon.notna() & lat.notna(), None)
    return gpd.GeoDataFrame(table, geometry=placed), read.sheet


def _coordinate(
    path: Path, table: pd.DataFrame, named: str | None, usual: Sequence[str]
) -> pd.Series:
    if named is None:
        spelled = {plain(name): name for name in reversed([*table.columns])}
        named = next((spelled[name] for name in usual if name in spelled), None)
    if named is None:
        raise VectorError(
            path,
            "does not tell where its lakes lie",
            "name the columns with longitude and latitude in degrees: lon and lat in [catalogue]",
        )
    return table[column_of(path, table, named)].map(degrees_of).astype(float)


def degrees_of(text: str) -> float:
    r"""Return the degrees that a cell of a table holds, whole or in minutes and seconds.

    Parameters
    ----------
    text : str
        ``42.5``, ``42,5°``, ``42°30'``, ``42 30 00,5``, ``42:30:00``, ``N42°30'``, ``42°30' с. ш.``

    Returns
    -------
    float
        South and west negative; NaN where the cell holds nothing, infinity where no degrees.

    Examples
    --------
    >>> degrees_of("42°30'18\""), degrees_of("70,25"), degrees_of("12°30' з. д."), degrees_of("–")
    (42.505, 70.25, -12.5, nan)
    """
    text = text.strip()
    if is_nothing(text):
        return math.nan
    plain = text.replace(",", ".").strip(" °º")
    if _PLAIN.fullmatch(plain):
        return float(plain)
    found = _PARTS.fullmatch(text.upper())
    if found is None:
        return math.inf
    degrees, minutes, seconds = (
        float((found[name] or "0").replace(",", ".")) for name in ("degrees", "minutes", "seconds")
    )
    if minutes >= 60 or seconds >= 60:
        return math.inf
    value = round(degrees + minutes / 60 + seconds / 3600, 9)
    return -value if (found["before"] or found["behind"] or "N") in "SWЮЗ" else value


def _text(value: Any) -> str | None:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None
