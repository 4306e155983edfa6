"""Lakes for Google Earth: a KMZ with outlines on a time slider, after OGC KML 2.2."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import geopandas as gpd
import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.inventory.inventory import STATE_COLOURS
from glacial_lakes.io.atomic import whole
from glacial_lakes.kernels.text import ring_texts, texts_of
from glacial_lakes.language import day, decimal_mark, translate
from glacial_lakes.schema import LakeState, Status

_TIME = "{:%Y-%m-%dT%H:%M:%SZ}"
_HEAD = """<?xml version='1.0' encoding='utf-8'?>
<kml xmlns="http://www.opengis.net/kml/2.2">
 <Document>
  <name>{name}</name>
"""
_STYLE = """  <Style id="{state}">
   <LineStyle>
    <color>ff{colour}</color>
    <width>2</width>
   </LineStyle>
   <PolyStyle>
    <color>66{colour}</color>
   </PolyStyle>
  </Style>
"""
"""Colours are alpha, blue, green, red."""
_ROWS_AT_ONCE = 20_000
"""Outlines whose text is in memory together."""
_PIECES_AT_ONCE = 1000
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
"""Date stamp inside the archive: equal content must give equal bytes on any day."""
_NO_XML = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLUMNS = (
    schema.LAKE_ID,
    schema.CATALOGUE_NO,
    schema.LAKE_NAME,
    schema.DISTRICT,
    schema.COMMENT,
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
    lakes: pd.DataFrame,
    outlines: gpd.GeoDataFrame,
    observations: pd.DataFrame,
    path: Path,
    language: str = "en",
) -> Path:
    """Write full outlines of all dates, each shown from its date to the next time its lake is seen.

    Lakes have the name that the partner gave them, lie in a folder of their district, and have a
    colour by their state.

    Parameters
    ----------
    lakes : pandas.DataFrame
        ``schema.LAKES``: their states.
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
        pieces = _document(lakes, outlines, observations, language)
        packed: Future[int] | None = None
        while text := "".join(islice(pieces, _PIECES_AT_ONCE)):
            if packed is not None:
                packed.result()
            packed = packing.submit(file.write, text.encode())
        if packed is not None:
            packed.result()
    return path


def _document(
    lakes: pd.DataFrame, outlines: gpd.GeoDataFrame, observations: pd.DataFrame, language: str
) -> Iterator[str]:
    """Yield the text of the document, piece by piece: it is long."""
    full = outlines[outlines[C.AREA_M2].notna()].sort_values([C.LAKE_ID, C.ACQUIRED, C.SCENE_ID])
    full = full.assign(end=_ends(full, observations).to_numpy())
    by_lake = full.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)
    states = lakes.set_index(C.LAKE_ID)[C.STATE].to_dict()
    full = full.assign(
        label=full[C.LAKE_ID].map(_labels(by_lake)),
        folder=full[C.LAKE_ID].map(by_lake[C.DISTRICT].fillna("")),
        **{
            C.STATE: full[C.LAKE_ID]
            .map(states)
            .where(lambda found: found.isin(STATE_COLOURS), str(LakeState.PRESENT))
        },
    ).sort_values(["folder", C.LAKE_ID, C.ACQUIRED, C.SCENE_ID], kind="stable")
    yield _HEAD.format(name=_text(translate("Glacial lakes", language)))
    for state, colour in STATE_COLOURS.items():
        red, green, blue = (f"{int(part):02x}" for part in colour.split(","))
        yield _STYLE.format(state=state, colour=f"{blue}{green}{red}")
    is_by_district = bool((full["folder"] != "").any())
    for number, (district, rows) in enumerate(full.groupby("folder", sort=True)):
        if is_by_district:
            name = str(district) or translate("No district", language)
            yield f'  <Folder id="district-{number}">\n   <name>{_text(name)}</name>\n'
        yield from _folders(rows, language)
        yield "  </Folder>\n" if is_by_district else ""
    yield " </Document>\n</kml>"


def _labels(lakes: pd.DataFrame) -> dict[str, str]:
    """Return what people call each lake: its number in the catalogue and its name, else its ID."""
    columns = (lakes[name] for name in (C.CATALOGUE_NO, C.LAKE_NAME))
    return {
        str(lake): " ".join(str(text) for text in texts if isinstance(text, str)) or str(lake)
        for lake, *texts in zip(lakes.index, *columns, strict=True)
    }


def _folders(full: gpd.GeoDataFrame, language: str) -> Iterator[str]:
    """Yield a folder for each lake, with its outlines of all dates."""
    lake = None
    for start in range(0, len(full), _ROWS_AT_ONCE):
        rows = full.iloc[start : start + _ROWS_AT_ONCE]
        columns = (rows[C.LAKE_ID], rows["label"], _placemarks(rows, language))
        for lake_id, label, placemark in zip(*columns, strict=True):
            if lake_id != lake:
                yield "  </Folder>\n" if lake is not None else ""
                yield f"  <Folder>\n   <name>{_text(label)}</name>\n"
                lake = lake_id
            yield placemark
    yield "  </Folder>\n" if lake is not None else ""


def _real(value: float, mark: str) -> str:
    return f"{value:.1f}".replace(".", mark)


def _time(when: pd.Timestamp, language: str) -> str:
    return f"{day(when, language)} {when:%H:%M}"


def _placemarks(rows: gpd.GeoDataFrame, language: str) -> Iterator[str]:
    begins, ends = (texts_of(rows[name], _TIME.format) for name in (C.ACQUIRED, "end"))
    names = [_text(name) for name in rows["label"]]
    columns = []
    for column in _COLUMNS:
        label = column.label(language) if column.type == "real" else column.meaning(language)
        head = (
            f'     <Data name="{column.name}">\n'
            f"      <displayName>{_text(label)}</displayName>\n      <value>"
        )
        form: Callable[[Any], str] = "{}".format
        if column.type == "real":
            form = partial(_real, mark=decimal_mark(language))
        elif column.type == "time":
            form = partial(_time, language=language)
        if column.words is not None and language != "en":
            form = partial(translate, language=language)

        def datum(value: object, head: str = head, form: Callable[[Any], str] = form) -> str:
            return f"{head}{_text(form(value))}</value>\n     </Data>\n"

        texts = texts_of(rows[column.name], datum)
        columns.append(["" if text is None else text for text in texts])
    facts = map("".join, zip(*columns, strict=True))
    shapes = ring_texts(rows.geometry.to_numpy(), "", ",", " ")
    pieces = zip(names, begins, ends, rows[C.STATE], facts, shapes, strict=True)
    for name, begin, end, state, data, parts in pieces:
        yield (
            f"   <Placemark>\n    <name>{name}</name>\n    <TimeSpan>\n"
            f"     <begin>{begin}</begin>\n"
            + ("" if end is None else f"     <end>{end}</end>\n")
            + "    </TimeSpan>\n"
            f"    <styleUrl>#{state}</styleUrl>\n"
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
