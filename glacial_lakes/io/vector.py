"""Vector files read with distrust: format, layer, encoding and CRS checked, geometry mended."""

from __future__ import annotations

import codecs
import glob
import logging
import re
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from pyogrio.errors import CRSError, DataLayerError, DataSourceError
from pyproj.exceptions import ProjError
from shapely.errors import GEOSException

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    LockedError,
    Message,
    ResourceError,
    UnsafeInputError,
    VectorError,
    reason,
    remedy_for,
)
from glacial_lakes.events import Event, InputOdd, Listener, RowsLeftOut
from glacial_lakes.io.atomic import settle
from glacial_lakes.io.drivers import require_vector_driver
from glacial_lakes.io.parsing import json_within
from glacial_lakes.io.reasons import plain_reason
from glacial_lakes.io.repair import COLLECTION, is_broken, moved_areas, polygons_only, repaired
from glacial_lakes.io.shapefile import check_shapefile, parts_of
from glacial_lakes.io.shapefile_rings import with_stray_holes
from glacial_lakes.io.zipped import unpacked
from glacial_lakes.places import file_of, layer_of, with_layer
from glacial_lakes.runtime import doors
from glacial_lakes.runtime.collector import collected
from glacial_lakes.runtime.quiet import quiet

logger = logging.getLogger(__name__)

_LEADING_ELSEWHERE = (
    b"<ogrvrtdatasource",
    b"<vrtdataset",
    b"gdal_streamed_alg",
    b"<!entity",
    b"<ogrwfsdatasource",
    b"<ogrcswdatasource",
    b"<wfs_capabilities",
    b"<gdal_wms",
    b"isseamless",
)
"""What sends GDAL to other files or the network, in small letters; the last is of MapInfo."""
_KML_ROOT = re.compile(rb"(?:<\?.*?\?>|<!--.*?-->|\s)*<(?:\w+:)?kml[\s>]", re.DOTALL)
_CRS_KEY = re.compile(
    b'"(?:'
    + b"|".join(
        b"".join(rb"(?:%c|\\u00%x)" % (letter, letter) for letter in key)
        for key in (b"crs", b"spatialReference")
    )
    + rb')"\s*:\s*(?=\{)',
    re.IGNORECASE,
)
"""Members that tell the CRS of a GeoJSON, or of what Esri has instead, their letters plain or by
number."""
_BYTES = "ISO-8859-1"
"""The encoding in which each byte is a letter."""
_CRS_NAMES = ("name", "urn", "code")
"""What holds its name, and what did in older GeoJSON."""
_DEGREES = re.compile(r"(?:CRS[:_ ]*84|\b4326|WGS[ _]*(?:19)?84)\s*$", re.IGNORECASE)
"""Names of the CRS that GeoJSON has without any."""
_EPSG_OF_DEGREES = 4326
_GRID_FILES = re.compile(r'(?:PARAMETERFILE\["[^"]*",|"PROJ4_GRIDS",|\w*grids=)"?([^",\s]*)')
"""Files with shifts between datums that the text of a CRS names."""
_CHUNK_BYTES, _OVERLAP_BYTES = 1 << 24, 1 << 16
_NO_MEMORY = re.compile(r"out of memory|bad_alloc|(?:cannot|failed to|not) alloc", re.IGNORECASE)
_UNKNOWN = ("unknown", "notspecified", "unnamed", "undefined", "dunknown", "userdefined")
_WGS84_M = 6_378_137.0
_LISTED = 5
_UTF8 = {"GPKG", "FlatGeobuf", "GeoJSON"}
"""Formats whose texts are UTF-8, whatever a file says."""
_MARK = "\N{REPLACEMENT CHARACTER}"


Places: TypeAlias = (
    Path | str | gpd.GeoDataFrame | gpd.GeoSeries | shapely.Geometry | Sequence[float]
)
"""What an argument for places takes: a vector file, a table or series with a CRS, or a shapely
geometry or bounding box (west, south, east, north), both in degrees (EPSG:4326)."""


def as_places(source: Places) -> gpd.GeoDataFrame:
    """Return places as a table, however they are held.

    Parameters
    ----------
    source : path-like, GeoDataFrame, GeoSeries, shapely geometry or four numbers
        Geometries and bounding boxes (west, south, east, north) are in degrees, EPSG:4326.

    Returns
    -------
    geopandas.GeoDataFrame
        With a CRS; polygons that are not valid are repaired, see :mod:`glacial_lakes.io.repair`.

    Raises
    ------
    VectorError
        When a table has no CRS, a bounding box has no area, or it is none of these.

    Examples
    --------
    >>> as_places((76.9, 42.9, 77.2, 43.2)).total_bounds.tolist()
    [76.9, 42.9, 77.2, 43.2]
    """
    if isinstance(source, Path | str):
        return read_vector(source)
    if isinstance(source, gpd.GeoDataFrame | gpd.GeoSeries):
        if source.crs is None:
            raise VectorError(None, "a table of places has no CRS", "give it one with set_crs")
        is_table = isinstance(source, gpd.GeoDataFrame)
        return _repaired(source if is_table else source.to_frame("geometry"), "", logged)
    if not isinstance(source, shapely.Geometry):
        source = _box(source)
    return _repaired(gpd.GeoDataFrame(geometry=[source], crs="EPSG:4326"), "", logged)


def logged(event: Event) -> None:
    """Tell in the log what is odd about an input: the listener where nobody else listens."""
    if isinstance(event, InputOdd | RowsLeftOut):
        logger.warning(
            Message("{path}: {reason}", path=event.path or N_("a table"), reason=event.reason)
        )


def _box(bounds: Any) -> shapely.Geometry:
    try:
        west, south, east, north = (float(bound) for bound in bounds)
    except (TypeError, ValueError):
        what = Message("places are given as {kind}", kind=type(bounds).__name__)
        remedy = N_("give a file, a table, a geometry or west, south, east, north in degrees")
        raise VectorError(None, what, remedy) from None
    if -180 < east < 0 < west < 180 and east + 360 - west < 180 and -90 <= south < north <= 90:
        # West of the 180th meridian and east of it, as RFC 7946 has it.
        return shapely.MultiPolygon(
            [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
        )
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        what = Message(
            "a bounding box has the bounds {west:g}, {south:g}, {east:g}, {north:g}",
            west=west,
            south=south,
            east=east,
            north=north,
        )
        raise VectorError(None, what, "give west, south, east, north in degrees")
    return shapely.box(west, south, east, north)


def read_vector(
    path: Path | str,
    layer: str | None = None,
    encoding: str | None = None,
    on_event: Listener = logged,
    *,
    local_times: bool = False,
) -> gpd.GeoDataFrame:
    """Read a layer of a local vector file and make its geometries fit for use.

    The format is told from the first bytes, not from the name: shapefile, GeoPackage, GeoJSON,
    FlatGeobuf, KML, MapInfo, a file geodatabase folder, or a zip or KMZ with one of them. Invalid
    polygons are repaired (their ground is the union of their parts), heights are dropped. Features
    without geometry are dropped.

    Parameters
    ----------
    path : path-like
        A local file; of one with several layers also ``lakes.gpkg|layername=2020``.
    layer : str, optional
        Needed only when the file holds several spatial layers.
    encoding : str, optional
        Text encoding of a shapefile that does not tell it, e.g. ``"CP1251"``.
    on_event : callable, optional
        Called with :class:`~glacial_lakes.events.InputOdd` for repairs that move an area, and
        with :class:`~glacial_lakes.events.RowsLeftOut`; without it they are warnings in the log.
    local_times : bool
        Times are those of the clock that wrote them, without its zone: a day stays that day.

    Returns
    -------
    geopandas.GeoDataFrame
        All attributes, 2D valid geometry, with a CRS and a fresh index.

    Raises
    ------
    UnsafeInputError
        For URLs, virtual files and files that pretend to be another format.
    DamagedFileError
        When the file is cut short.
    VectorError
        When parts, CRS, text encoding, layer or all geometries are missing.
    """
    rows = read_rows(path, layer, encoding, on_event, local_times=local_times)
    return rows.reset_index(drop=True)


def read_rows(
    path: Path | str,
    layer: str | None = None,
    encoding: str | None = None,
    on_event: Listener = logged,
    *,
    local_times: bool = False,
) -> gpd.GeoDataFrame:
    """Read a layer as :func:`read_vector` does; the index is the row in the file, from 0."""
    layer = layer or layer_of(path)
    with unpacked(local_file(path)) as source:
        frame = _read_as_drawn(source, layer, encoding, local_times, "ignore", "mark")
    lost = has_marks(frame)
    if lost.any():
        what = Message("rows with letters that cannot be read: {rows}", rows=row_numbers(lost))
        on_event(InputOdd(str(local_file(path)), what))
    return _usable(frame, local_file(path), on_event)


def read_as_drawn(
    path: Path | str,
    layer: str | None = None,
    encoding: str | None = None,
    *,
    local_times: bool = False,
    on_text: Literal["raise", "mark"] = "raise",
) -> gpd.GeoDataFrame:
    """Read a layer as :func:`read_vector` does, but leave invalid and missing geometries as is.

    For files that a person has edited: what is wrong in them is the person's to mend. With
    ``local_times`` times are those of the clock that wrote them, without its zone. Rows with a
    text that cannot be read are named in an error, or it is marked (:func:`has_marks`).
    """
    layer = layer or layer_of(path)
    with unpacked(local_file(path)) as source:
        return _read_as_drawn(source, layer, encoding, local_times, on_text=on_text)


def _read_as_drawn(
    source: Path,
    layer: str | None,
    encoding: str | None,
    local_times: bool,
    on_invalid: Literal["raise", "ignore"] = "raise",
    on_text: Literal["raise", "mark"] = "raise",
) -> gpd.GeoDataFrame:
    """Read a layer; what is no geometry, such as a ring of two points, is missing where ignored."""
    driver = driver_of(source)
    require_vector_driver(driver, source)
    is_utf8 = False
    if driver == "ESRI Shapefile":
        encoding = check_shapefile(source, encoding)
        is_utf8 = codecs.lookup(encoding).name == "utf-8"
        encoding = _BYTES if is_utf8 else encoding
    with reading(source):
        _require_no_grid_files(source, driver)
        layer = _spatial_layer(source, layer)
        info = pyogrio.read_info(source, layer=layer, encoding=encoding)
        if info["driver"] not in {driver, "LIBKML"}:
            what, remedy = (
                N_("is not the {driver} file it seems to be"),
                N_("convert it to a GeoPackage"),
            )
            raise UnsafeInputError(source, what, remedy, driver=driver)
        frame = read_frame(
            source,
            on_text=on_text,
            layer=layer,
            encoding=encoding,
            force_2d=True,
            on_invalid=on_invalid,
        )
        if driver == "ESRI Shapefile":
            frame = _with_stray_holes(source, frame)
        if local_times:
            frame = frame.assign(**_local_times(source, layer, encoding, info))
        if is_utf8:
            frame = _in_whole_letters(frame)
    if frame.crs is None:
        raise VectorError(source, "has no CRS", "give it one, e.g. with ogr2ogr -a_srs")
    if driver == "GeoJSON" and frame.crs.to_epsg() == _EPSG_OF_DEGREES:
        _refuse_unknown_crs(source)
    if _is_of_unknown_datum(frame.crs):
        raise VectorError(
            source,
            "the datum of its CRS is unknown ({crs}): places may be off by 100 m",
            "give it the CRS it was drawn in, e.g. with ogr2ogr -a_srs EPSG:28413",
            crs=frame.crs.name,
        )
    _require_leads_somewhere(source, frame.crs)
    return frame


def _in_whole_letters(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a frame read byte by byte with its names and texts as UTF-8.

    Shapefiles cut names to ten bytes, and texts to their width, in the middle of a letter too.
    """

    def text(value: Any) -> Any:
        if not isinstance(value, str) or value.isascii():
            return value
        # Leaves half a letter at the end for the bytes that would follow.
        return codecs.getincrementaldecoder("utf-8")().decode(value.encode(_BYTES))

    is_text = pd.api.types.is_object_dtype, pd.api.types.is_string_dtype  # of pandas 2 and 3
    texts = [name for name in frame if any(one(frame[name]) for one in is_text)]
    decoded = frame.assign(
        **{str(name): frame[name].map(text).astype(frame[name].dtype) for name in texts}
    )
    return decoded.rename(columns=text)


def _with_stray_holes(shp: Path, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = frame.geometry.to_numpy()
    if not (shapely.get_num_geometries(shapes) > 1).any():
        return frame
    # Rows that are marked as deleted are left out, but keep their numbers.
    _, records, _, _ = pyogrio.raw.read(shp, columns=[], read_geometry=False, return_fids=True)
    drawn = with_stray_holes(parts_of(shp), shapes, records)
    found: gpd.GeoDataFrame = frame.set_geometry(gpd.GeoSeries(drawn, frame.index, frame.crs))
    return found


def _local_times(
    source: Path, layer: str, encoding: str | None, info: Mapping[str, Any]
) -> dict[str, pd.Series]:
    """Return the fields with times as they are written, by name."""
    names = [
        str(name)
        for name, kind in zip(info["fields"], info["dtypes"], strict=True)
        if str(kind).startswith("datetime64[ms")
    ]
    if not names:
        return {}
    meta, _, _, columns = pyogrio.raw.read(
        source,
        layer=layer,
        encoding=encoding,
        columns=names,
        read_geometry=False,
        datetime_as_string=True,
    )
    return {
        str(name): pd.Series([_local_time(text) for text in texts], dtype="datetime64[ms]")
        for name, texts in zip(meta["fields"], columns, strict=True)
    }


def _local_time(text: Any) -> pd.Timestamp | None:
    return pd.Timestamp(text).tz_localize(None) if text else None


def _is_of_unknown_datum(crs: pyproj.CRS) -> bool:
    """Tell whether a CRS does not say where its ellipsoid lies.

    One of WGS 84 size is taken for it; parameters towards WGS 84 tell the place of any other.
    """
    if crs.is_bound:
        return False
    earth = crs.geodetic_crs
    if earth is None or earth.datum is None:
        return True
    name = re.sub("[^a-z]", "", earth.datum.name.lower())
    is_named = not name.startswith(_UNKNOWN) and name not in {"", "d"}
    ellipsoid = earth.ellipsoid
    return not is_named and (ellipsoid is None or abs(ellipsoid.semi_major_metre - _WGS84_M) > 1.0)


def _require_no_grid_files(source: Path, driver: str) -> None:
    """Refuse a file whose CRS names another file, before GDAL opens that."""
    for definition in _crs_texts(source, driver):
        _require_no_files_in(source, definition)


def _crs_texts(source: Path, driver: str) -> Iterator[str]:
    """Yield what a file says of its CRS, and maybe more of it; a KML has none to tell.

    A MapInfo file tells the datum by numbers.
    """
    if driver == "GPKG":
        uri = f"{source.absolute().as_uri()}?immutable=1"
        with suppress(sqlite3.Error), closing(sqlite3.connect(uri, uri=True)) as database:
            for row in database.execute("SELECT * FROM gpkg_spatial_ref_sys"):
                yield " ".join(str(text) for text in row)
    elif driver == "GeoJSON":
        yield from map(str, _crs_members(source))
    elif driver == "OpenFileGDB":  # in single bytes and in double ones
        for table in sorted(source.glob("*.gdbtable")):
            for piece in _pieces(table):
                yield piece.replace(b"\0", b"").decode("latin-1")
    elif driver in {"ESRI Shapefile", "FlatGeobuf"}:
        told = parts_of(source)[".prj"] if driver == "ESRI Shapefile" else source
        for piece in islice(_pieces(told), 1):  # more than GDAL takes for a header
            yield piece.decode("latin-1")


def _require_leads_somewhere(source: Path, crs: pyproj.CRS) -> None:
    """Refuse a CRS that PROJ reads another file for, or that it knows no way from."""
    _require_no_files_in(source, crs.to_wkt())
    try:
        pyproj.Transformer.from_crs(crs, _EPSG_OF_DEGREES)
    except ProjError as error:
        raise VectorError(
            source,
            "its CRS cannot be used ({error})",
            "give it the CRS it was drawn in, e.g. with ogr2ogr -a_srs EPSG:28413",
            error=error,
        ) from None


def _require_no_files_in(source: Path, definition: str) -> None:
    files = _GRID_FILES.findall(definition)
    if any(name.strip("@ ").lower() != "null" for name in files):
        raise UnsafeInputError(
            source,
            "its CRS refers to another file, {name}",
            "give it the CRS it was drawn in, e.g. with ogr2ogr -a_srs EPSG:28413",
            name=files[0],
        )


def spatial_layers(path: Path | str) -> list[str]:
    """Return the names of the layers with geometry of a vector file, in their order."""
    with unpacked(local_file(path)) as source, reading(source):
        driver = driver_of(source)
        require_vector_driver(driver, source)
        if driver == "ESRI Shapefile":
            parts_of(source)
        _require_no_grid_files(source, driver)
        return [str(name) for name, geometry in pyogrio.list_layers(source) if geometry is not None]


def local_file(path: Path | str) -> Path:
    """Return the path of a local file; what is missing or looks like an address is refused."""
    text = str(path)
    if "://" in text or text.startswith("/vsi"):
        raise UnsafeInputError(text, "is no local file", "download it and name the copy")
    source = file_of(path).absolute()  # GDAL reads relative names such as s3:x as addresses
    for folder in (source.parent, source.parent.parent):  # results may be half put into place
        settle(folder)
    if not source.exists():
        raise VectorError(source, "does not exist", "check the name")
    return source


def driver_of(source: Path) -> str:
    """Name the driver of the first bytes; refuse what sends GDAL to other files or the network."""
    if source.is_dir():
        if source.suffix.lower() == ".gdb" and any(source.glob("*.gdbtable")):
            return "OpenFileGDB"
        raise VectorError(source, "is a folder, not a vector file", "name a file in it")
    _require_plain_beside(source)
    head = _head(source)
    lower = head.lower()
    if any(sign in lower for sign in _LEADING_ELSEWHERE):
        raise UnsafeInputError(source, "refers to other files", "convert it to a GeoPackage")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    suffix = source.suffix.lower()
    signs = {
        "ESRI Shapefile": head.startswith(b"\x00\x00\x27\x0a") and suffix == ".shp",
        "GPKG": head.startswith(b"SQLite format 3\x00") and head[68:70] == b"GP",
        "FlatGeobuf": head.startswith(b"fgb\x03fgb"),
        "GeoJSON": text.startswith(b"{") and b'"type"' in text,
        "KML": _KML_ROOT.match(text) is not None,
        "MapInfo File": text.lower().startswith(b"!table")
        or (suffix == ".mif" and text.lower().startswith(b"version")),
    }
    if signs["GeoJSON"]:
        _refuse_linked_crs(source)
    for driver, found in signs.items():
        if found:
            return driver
    raise VectorError(
        source, "is no vector file that is known here", "convert it to a GeoPackage or shapefile"
    )


def _require_plain_beside(source: Path) -> None:
    """Refuse a pipe or device named like a part of a file: GDAL would wait for it for ever."""
    for part in source.parent.glob(f"{glob.escape(source.stem)}[.-]*"):
        if part.name != source.name and part.exists() and not (part.is_file() or part.is_dir()):
            raise UnsafeInputError(part, "is no plain file", "copy it into one")


def _head(source: Path) -> bytes:
    """Return the beginning of a file; a pipe or device would keep its reader waiting for ever."""
    try:
        if not stat.S_ISREG(source.stat().st_mode):
            raise UnsafeInputError(source, "is no plain file", "copy it into one")
        with source.open("rb") as file:
            return file.read(65536)
    except OSError as error:
        raise VectorError(
            source, "cannot be read: {reason}", remedy_for(error, "copy it again"), reason=error
        ) from error


def _refuse_linked_crs(source: Path) -> None:
    """Refuse a CRS that somebody else would have to tell, over the network or in another file."""
    for member in _crs_members(source):
        properties = member.get("properties")
        keys = properties if isinstance(properties, dict) else {}
        if member.get("type") in {"link", "url"} or "href" in keys or "url" in keys:
            raise UnsafeInputError(
                source,
                "its CRS is a link, and nothing is fetched",
                "name the CRS instead, e.g. convert it to a GeoPackage with ogr2ogr -a_srs",
            )


def _refuse_unknown_crs(source: Path) -> None:
    """Refuse a GeoJSON in degrees that names another CRS, which GDAL does not know."""
    for member in _crs_members(source):
        properties = member.get("properties")
        entries = properties if isinstance(properties, dict) else {}
        name = str(next((entries[key] for key in _CRS_NAMES if entries.get(key)), ""))
        if name and not _DEGREES.search(name):
            raise VectorError(
                source,
                "its CRS is named {name}, which is not known: places may be off",
                "give it the CRS it was drawn in, e.g. with ogr2ogr -a_srs EPSG:28413",
                name=name,
            )


def _crs_members(source: Path) -> Iterator[dict[str, Any]]:
    """Yield what a GeoJSON says of its CRS."""
    for text in _pieces(source):
        for found in _CRS_KEY.finditer(text):
            member = text[found.end() : found.end() + _OVERLAP_BYTES]
            with suppress(ValueError):
                yield json_within(member.decode(errors="replace"), 0)


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces that overlap by what a definition may take."""
    with path.open("rb") as file:
        piece = b""
        while chunk := file.read(_CHUNK_BYTES):
            piece = piece[-2 * _OVERLAP_BYTES :] + chunk
            yield piece


def _spatial_layer(source: Path, layer: str | None) -> str:
    names = [str(name) for name, geometry in pyogrio.list_layers(source) if geometry is not None]
    if layer is not None:
        if layer not in names:
            raise VectorError(
                source,
                "has no spatial layer {layer!r}",
                "use one of {names}",
                layer=layer,
                names=names,
            )
        return layer
    if not names:
        raise VectorError(source, "has no spatial layer", "name a file with polygons")
    if len(names) > 1:
        what = Message("has the layers {names}", names=names)
        named = with_layer(source.name, names[0])
        raise VectorError(source, what, "name one of them, e.g. {name}", name=named)
    return names[0]


def _usable(frame: gpd.GeoDataFrame, source: Path, on_event: Listener) -> gpd.GeoDataFrame:
    frame = _repaired(frame, str(source), on_event)
    geometries = frame.geometry.to_numpy()
    lost = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    if len(frame) and lost.all():
        what = Message(
            "its only feature has no geometry",
            "none of its {count} features has a geometry",
            count=len(frame),
        )
        raise VectorError(source, what, "name a file that has some, or leave it out")
    if lost.any():
        rows = row_numbers(lost)
        what = Message("rows without geometry left out: {rows}", rows=rows)
        on_event(RowsLeftOut(str(source), what, int(lost.sum())))
    usable: gpd.GeoDataFrame = frame[~lost]
    return usable


def row_numbers(chosen: Any, index: Any = None) -> str:
    """Return the numbers of the first of some rows, from 1, and how many there are."""
    rows = np.flatnonzero(chosen)
    rows = rows if index is None else np.asarray(index)[rows]
    more = ", …" if len(rows) > _LISTED else ""
    return f"{len(rows)} ({', '.join(str(row + 1) for row in rows[:_LISTED])}{more})"


def _repaired(table: gpd.GeoDataFrame, path: str, on_event: Listener) -> gpd.GeoDataFrame:
    if (shapely.get_type_id(table.geometry.to_numpy()) == COLLECTION).any():
        shapes = gpd.GeoSeries(polygons_only(table.geometry.to_numpy()), table.index)
        table = table.set_geometry(shapes.set_crs(table.crs))
    broken = is_broken(table.geometry.to_numpy())
    if not broken.any():
        return table
    shapes = gpd.GeoSeries(repaired(table.geometry), index=table.index, crs=table.crs)
    logger.warning(
        Message(
            "{path}: {count} invalid polygon repaired",
            "{path}: {count} invalid polygons repaired",
            path=path or N_("a table"),
            count=int(broken.sum()),
        )
    )
    moved = moved_areas(table.geometry, shapes)
    if moved is not None:
        on_event(InputOdd(path, moved))
    mended: gpd.GeoDataFrame = table.set_geometry(shapes)
    return mended


def read_frame(
    source: Path, *, on_text: Literal["raise", "mark"] = "raise", **options: Any
) -> gpd.GeoDataFrame:
    """Read a layer; pyogrio leaves all that it read to Python's collector, which comes late.

    Where a format is UTF-8 and a text is not, the text is marked or the rows are named.
    """
    try:
        with collected():
            return pyogrio.read_dataframe(source, **options)
    except UnicodeDecodeError:
        if options.get("encoding") is not None or driver_of(source) not in _UTF8:
            raise
    with collected():  # every byte is a letter of Latin-1
        frame = pyogrio.read_dataframe(source, **{**options, "encoding": "latin-1"})
    frame = frame.rename(columns=_as_utf8)
    for name in frame.columns.drop("geometry", errors="ignore"):
        if pd.api.types.is_string_dtype(frame[name]) or frame[name].dtype == object:
            frame[name] = frame[name].map(_as_utf8)
    if on_text == "raise":
        raise VectorError(
            source,
            "has texts that are no UTF-8 in the layer {layer}: {rows}",
            "write them again",
            layer=options.get("layer") or source.stem,
            rows=row_numbers(has_marks(frame)),
        )
    return frame


def _as_utf8(text: Any) -> Any:
    return text.encode("latin-1").decode(errors="replace") if isinstance(text, str) else text


def has_marks(frame: pd.DataFrame) -> Any:
    """Tell which rows hold the mark of a letter that could not be read."""
    marked = np.zeros(len(frame), dtype=bool)
    for name, values in frame.items():
        if name != "geometry" and (pd.api.types.is_string_dtype(values) or values.dtype == object):
            marked |= values.map(lambda value: isinstance(value, str) and _MARK in value).to_numpy(
                bool
            )
    return marked


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """Read without a request to anybody, and say in one line why a file cannot be read."""
    try:
        with _offline(), quiet(RuntimeWarning), quiet(UserWarning):  # of measures (M) left out
            yield
    except CRSError as error:
        raise VectorError(
            source, "its CRS cannot be read: {error}", "replace its .prj", error=error
        ) from error
    except UnicodeError as error:
        raise VectorError(
            source,
            "its text is not in the encoding named: {error}",
            "name the right encoding",
            error=error,
        ) from error
    except (DataSourceError, DataLayerError, GEOSException) as error:
        said = plain_reason(error)
        if _NO_MEMORY.search(said):  # where it is limited: no fault of the file
            remedy = N_("allow more with limits.open_memory_gb")
            raise ResourceError(source, "the memory does not suffice", remedy) from error
        if "database is locked" in said:
            raise LockedError(
                source,
                "is open in another program, which may hold changes",
                "save them and close the file there, e.g. in QGIS, then start again",
            ) from error
        raise DamagedFileError(
            source, "cannot be read: {error}", "copy it again", error=reason(said)
        ) from error


_READERS = threading.Lock()
_reading_now: list[dict[str, str | None]] = []
"""What was set before the first of the reads that run, once for each of them."""


@contextmanager
def _offline() -> Iterator[None]:
    """Let GDAL ask nobody in the block, whatever thread it is in."""
    with _READERS:
        before = {name: pyogrio.get_gdal_config_option(name) for name in doors.OFFLINE}
        _reading_now.append(_reading_now[0] if _reading_now else before)
        pyogrio.set_gdal_config_options(dict(doors.OFFLINE))
    try:
        yield
    finally:
        with _READERS:
            before = _reading_now.pop()
            if not _reading_now:
                pyogrio.set_gdal_config_options(before)
