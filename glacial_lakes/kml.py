"""Lakes for Google Earth: a KMZ with outlines on a time slider, after OGC KML 2.2."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.files import whole
from glacial_lakes.language import translate

_WATER, _WATER_FILL = "ffb27200", "66b27200"
"""Colours as alpha, blue, green, red."""
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
"""Date stamp inside the archive: equal content must give equal bytes on any day."""
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOLD = (
    schema.ACQUIRED,
    schema.AREA,
    schema.AREA_SIGMA,
    schema.ELEVATION,
    schema.LAKE_TYPE,
    schema.GLACIER_DIST,
    schema.SENSOR,
    schema.SCENE_ID,
)


def write_kmz(
    outlines: gpd.GeoDataFrame, observations: pd.DataFrame, path: Path, language: str = "en"
) -> Path:
    """Write full outlines of all dates, each shown from its date to the next time its lake is seen.

    Parameters
    ----------
    outlines : geopandas.GeoDataFrame
        ``schema.OUTLINES`` and geometry in EPSG:4326; rows without an area are left out.
    observations : pandas.DataFrame
        ``schema.OBSERVATIONS``; a date on which a lake was seen to be absent ends its outline.
    path : pathlib.Path
        The ``.kmz`` file.
    language : {"en", "ru"}
        Language of the words in it.

    Returns
    -------
    pathlib.Path
        The file written.
    """
    kml = Element("kml", xmlns="http://www.opengis.net/kml/2.2")
    document = SubElement(kml, "Document")
    _text(document, "name", translate("Glacial lakes", language))
    style = SubElement(document, "Style", id="lake")
    line, fill = SubElement(style, "LineStyle"), SubElement(style, "PolyStyle")
    _text(line, "color", _WATER)
    _text(line, "width", "2")
    _text(fill, "color", _WATER_FILL)
    seen = observations[observations["status"].isin(["observed", "absent"])]
    times = {lake: sorted(rows) for lake, rows in seen.groupby("lake_id")["acquired"]}
    full = outlines[outlines["area_m2"].notna()].sort_values(["lake_id", "acquired", "scene_id"])
    for lake_id, rows in full.groupby("lake_id"):
        folder = SubElement(document, "Folder")
        _text(folder, "name", lake_id)
        for (_, row), shape in zip(rows.iterrows(), rows.geometry, strict=True):
            later = [when for when in times.get(lake_id, []) if when > row["acquired"]]
            _placemark(folder, row, shape, later[0] if later else None, language)
    indent(kml, space=" ")
    text = tostring(kml, encoding="utf-8", xml_declaration=True)
    entry = zipfile.ZipInfo("doc.kml", date_time=_FIXED_DATE)
    entry.create_system = 3  # the same bytes on Windows too
    entry.compress_type = zipfile.ZIP_DEFLATED
    with whole(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(entry, text)
    return path


def _placemark(
    folder: Element,
    row: pd.Series[Any],
    shape: shapely.Geometry,
    end: pd.Timestamp | None,
    language: str,
) -> None:
    placemark = SubElement(folder, "Placemark")
    _text(placemark, "name", row["lake_id"])
    span = SubElement(placemark, "TimeSpan")
    _text(span, "begin", f"{row['acquired']:%Y-%m-%dT%H:%M:%SZ}")
    if end is not None:
        _text(span, "end", f"{end:%Y-%m-%dT%H:%M:%SZ}")
    _text(placemark, "styleUrl", "#lake")
    extended = SubElement(placemark, "ExtendedData")
    for column in _TOLD:
        if pd.isna(row[column.name]):
            continue
        data = SubElement(extended, "Data", name=column.name)
        unit = f", {column.unit}" if column.type == "real" else ""
        _text(data, "displayName", (column.ru if language == "ru" else column.en) + unit)
        _text(data, "value", _FORMS.get(column.type, str)(row[column.name]))
    geometry = SubElement(placemark, "MultiGeometry")
    for part in shapely.get_parts(shape):
        _polygon(geometry, part)


_FORMS: dict[str, Callable[[Any], str]] = {
    "real": lambda value: f"{value:.1f}",
    "time": lambda value: f"{value:%Y-%m-%dT%H:%M:%SZ}",
}


def _polygon(parent: Element, shape: shapely.Polygon) -> None:
    polygon = SubElement(parent, "Polygon")
    rings = [("outerBoundaryIs", shape.exterior)]
    rings += [("innerBoundaryIs", ring) for ring in shape.interiors]
    for name, ring in rings:
        points = shapely.get_coordinates(ring)
        boundary = SubElement(SubElement(polygon, name), "LinearRing")
        _text(boundary, "coordinates", " ".join(f"{lon:.7f},{lat:.7f}" for lon, lat in points))


def _text(parent: Element, name: str, text: object) -> None:
    SubElement(parent, name).text = _NO_XML.sub("", str(text))
