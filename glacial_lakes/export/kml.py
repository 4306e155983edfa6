"""Lakes for Google Earth: a KMZ with outlines on a time slider, after OGC KML 2.2."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from xml.sax.saxutils import escape

import geopandas as gpd
import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.io.atomic import whole
from glacial_lakes.kernels.text import ring_texts, texts_of
from glacial_lakes.language import translate
from glacial_lakes.schema import Status

_WATER, _WATER_FILL = "ffb27200", "66b27200"
"""Colours as alpha, blue, green, red."""
_TIME = "{:%Y-%m-%dT%H:%M:%SZ}"
_HEAD = f"""<?xml version='1.0' encoding='utf-8'?>
<kml xmlns="http://www.opengis.net/kml/2.2">
 <Document>
  <name>{{name}}</name>
  <Style id="lake">
   <LineStyle>
    <color>{_WATER}</color>
    <width>2</width>
   </LineStyle>
   <PolyStyle>
    <color>{_WATER_FILL}</color>
   </PolyStyle>
  </Style>
"""
_ROWS_AT_ONCE = 20_000
"""Outlines whose text is in memory together."""
_PIECES_AT_ONCE = 1000
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
"""Date stamp inside the archive: equal content must give equal bytes on any day."""
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLUMNS = (
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
    entry = zipfile.ZipInfo("doc.kml", date_time=_FIXED_DATE)
    entry.create_system = 3  # the same bytes on Windows too
    entry.compress_type = zipfile.ZIP_DEFLATED
    with (
        whole(path) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
        archive.open(entry, "w", force_zip64=False) as file,
        ThreadPoolExecutor(1) as packing,  # zlib works without Python's lock
    ):
        pieces = _document(outlines, observations, language)
        packed: Future[int] | None = None
        while text := "".join(islice(pieces, _PIECES_AT_ONCE)):
            if packed is not None:
                packed.result()
            packed = packing.submit(file.write, text.encode())
        if packed is not None:
            packed.result()
    return path


def _document(
    outlines: gpd.GeoDataFrame, observations: pd.DataFrame, language: str
) -> Iterator[str]:
    """Yield the text of the document, piece by piece: it is long."""
    full = outlines[outlines[C.AREA_M2].notna()].sort_values([C.LAKE_ID, C.ACQUIRED, C.SCENE_ID])
    full = full.assign(end=_ends(full, observations).to_numpy())
    yield _HEAD.format(name=_text(translate("Glacial lakes", language)))
    lake = None
    for start in range(0, len(full), _ROWS_AT_ONCE):
        rows = full.iloc[start : start + _ROWS_AT_ONCE]
        for lake_id, placemark in zip(rows[C.LAKE_ID], _placemarks(rows, language), strict=True):
            if lake_id != lake:
                yield "  </Folder>\n" if lake is not None else ""
                yield f"  <Folder>\n   <name>{_text(lake_id)}</name>\n"
                lake = lake_id
            yield placemark
    yield "  </Folder>\n" if lake is not None else ""
    yield " </Document>\n</kml>"


def _placemarks(rows: gpd.GeoDataFrame, language: str) -> Iterator[str]:
    begins, ends = (texts_of(rows[name], _TIME.format) for name in (C.ACQUIRED, "end"))
    names = [_text(name) for name in rows[C.LAKE_ID]]
    columns = []
    for column in _COLUMNS:
        unit = f", {column.unit}" if column.type == "real" else ""
        label = column.meaning(language) + unit
        head = (
            f'     <Data name="{column.name}">\n'
            f"      <displayName>{_text(label)}</displayName>\n      <value>"
        )
        form = {"real": "{:.1f}", "time": _TIME}.get(column.type, "{}").format

        def datum(value: object, head: str = head, form: Callable[..., str] = form) -> str:
            return f"{head}{_text(form(value))}</value>\n     </Data>\n"

        texts = texts_of(rows[column.name], datum)
        columns.append(["" if text is None else text for text in texts])
    facts = map("".join, zip(*columns, strict=True))
    shapes = ring_texts(rows.geometry.to_numpy(), "", ",", " ")
    for name, begin, end, data, parts in zip(names, begins, ends, facts, shapes, strict=True):
        yield (
            f"   <Placemark>\n    <name>{name}</name>\n    <TimeSpan>\n"
            f"     <begin>{begin}</begin>\n"
            + ("" if end is None else f"     <end>{end}</end>\n")
            + "    </TimeSpan>\n    <styleUrl>#lake</styleUrl>\n"
            + (f"    <ExtendedData>\n{data}    </ExtendedData>\n")
            + "    <MultiGeometry>\n"
            + "".join(_polygon(rings) for rings in parts)
            + "    </MultiGeometry>\n   </Placemark>\n"
        )


def _ends(rows: pd.DataFrame, observations: pd.DataFrame) -> pd.Series:
    """Return the next time that each lake was seen after each of its rows."""
    seen = observations[observations[C.STATUS].isin([Status.OBSERVED, Status.ABSENT])]
    seen = seen[[C.LAKE_ID, C.ACQUIRED]].drop_duplicates().assign(end=seen[C.ACQUIRED])
    found = pd.merge_asof(
        rows[[C.LAKE_ID, C.ACQUIRED]].reset_index(drop=True).reset_index().sort_values(C.ACQUIRED),
        seen.sort_values(C.ACQUIRED),
        on=C.ACQUIRED,
        by=C.LAKE_ID,
        direction="forward",
        allow_exact_matches=False,
    )
    ends: pd.Series = found.set_index("index")["end"].sort_index()
    return ends


def _polygon(rings: Sequence[str]) -> str:
    names = ["outerBoundaryIs"] + ["innerBoundaryIs"] * (len(rings) - 1)
    return (
        "     <Polygon>\n"
        + "".join(
            f"      <{name}>\n       <LinearRing>\n"
            f"        <coordinates>{ring.rstrip()}</coordinates>\n"
            f"       </LinearRing>\n      </{name}>\n"
            for name, ring in zip(names, rings, strict=True)
        )
        + "     </Polygon>\n"
    )


def _text(text: object) -> str:
    return escape(_NO_XML.sub("", str(text)))
