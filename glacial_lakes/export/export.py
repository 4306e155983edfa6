"""An inventory in the formats of others: shapefile, GeoPackage, CSV, GeoJSON, KMZ, Parquet.

Every file is whole or absent, and equal inventories give equal bytes.
"""

from __future__ import annotations

import csv
import difflib
import importlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from glacial_lakes import change, schema
from glacial_lakes.change.series import epoch_names, times_of_scenes
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, ConfigError, Message, require, tame
from glacial_lakes.events import Listener, PartDone, StageStarted, ignore
from glacial_lakes.export import xlsx
from glacial_lakes.export.edited import keep_edited, remember
from glacial_lakes.export.kml import write_kmz
from glacial_lakes.inventory.inventory import STATUS_COLOURS, Inventory, open_inventory
from glacial_lakes.inventory.map_rules import SHAPEFILE_RULES
from glacial_lakes.io.atomic import is_aside, settle, together, whole
from glacial_lakes.io.locks import folder_lock
from glacial_lakes.io.marks import is_overwriting, overwriting
from glacial_lakes.io.qgis_style import lake_label, layer_style
from glacial_lakes.io.shapefile import write_shapefile
from glacial_lakes.kernels.text import DIGITS, ring_texts, texts_of
from glacial_lakes.mapping.reach import require_near
from glacial_lakes.report.page import require_language, write_report
from glacial_lakes.report.summaries import Field, Sheet, heading, number, sheets, words
from glacial_lakes.runtime import machine
from glacial_lakes.runtime.processes import ProcessPerCall
from glacial_lakes.runtime.threads import in_threads
from glacial_lakes.schema import UNUSED
from glacial_lakes.settings import EXPORT_FORMATS

OBSERVATION_FIELDS = (
    C.LAKE_ID,
    C.ACQUIRED,
    C.AREA_M2,
    C.AREA_SIGMA_M2,
    C.OBSERVED_FRACTION,
    C.STATUS,
    C.SCENE_ID,
    C.AREA_MIN_M2,
    C.AREA_MAX_M2,
    C.SENSOR,
    C.AREA_SIGMA_SHARED_M2,
    C.AREA_SIGMA_DATE_M2,
)
EVENT_FIELDS = (
    *(C.LAKE_ID, C.EVENT, C.DATE, C.FROM_IDS, C.TO_IDS, C.AFTER),
    *(C.AREA_BEFORE_M2, C.AREA_AFTER_M2),
)

logger = logging.getLogger(__name__)

_MANY_OUTLINES = 20_000
"""From so many on, a second process is worth the time that it takes to start and to be told."""
_TWO_BYTES, _OUTLINE_BYTES = 2**30, 16 * 1024
"""Memory that two processes need at most, and for each outline with all that is told of it
(``benchmarks/tracking_speed.py``)."""
_PACKAGES = {"parquet": "pyarrow"}
"""What a format needs besides the package's own dependencies."""
_APART = ("shp", "kmz")
"""What a second process writes: half of the work, without the tables that the others share."""
_FORMULA = re.compile(r"[\t\r\n]|[\s\x00-\x20\u200b-\u200f\ufeff]*[=+\-@＝＋－＠−﹢﹣﹦﹫]")
"""How a cell begins that a spreadsheet may take for a formula: also behind blanks, and in the wide
forms of other keyboards."""
_NEXT_CELL = re.compile(
    r"([;\t\r\n|][\s\x00-\x20]*|[;\t\r\n|,][\s\x00-\x20\"]*(?=[=@＝＠]))(?=[=+\-@＝＋－＠])"
)
"""The same behind what parts cells where the comma is decimal, and where it is not."""
_MISREAD = re.compile(r"0\d+|\d{1,4}([-/.]\d{1,2}){1,2}|\d+[-/.]\d{4}|\d+[eE]\d+|\d{16,}")
"""Numbers of catalogues that spreadsheets take for a day or a number when they open a text."""
_ROWS_AT_ONCE = 20_000
"""Features whose text is in memory together."""
_STRICT_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_GRID_DEG = 10.0**-DIGITS
"""About 1 cm: RFC 7946 advises against more digits than the data have."""


def export(
    inventory: Inventory,
    folder: Path | str,
    formats: Iterable[str],
    *,
    language: str | None = None,
    since: str | Path | Inventory | None = None,
    on_event: Listener = ignore,
) -> list[Path]:
    """Write an inventory in several formats.

    Of very many outlines, a second process writes half of the formats.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`.
    folder : path-like
        Output folder, made when missing.
    formats : iterable of str
        ``shp``: ``shapefiles/lakes_<YYYY-MM-DD>.shp`` for every date and ``shapefiles/lakes.shp``
        with the latest full outline of each lake that is present, each with a field dictionary
        and a QGIS style; ``gpkg``: ``inventory.gpkg``; ``csv``: ``lakes.csv``,
        ``observations.csv``, ``events.csv``, ``trends.csv``, ``alerts.csv``,
        ``storage.csv`` and ``totals.csv``;
        ``csv_excel``: the same tables in the folder ``csv_excel`` with ``;``, decimal comma and a
        byte order mark, which a double click opens right where the comma is decimal, and beside
        them the tables of the workbook in the language;
        ``xlsx``: ``inventory.xlsx`` with tables for people, and ``to_visit.gpx``;
        ``geojson``: ``lakes.geojson`` and ``outlines.geojson``; ``kmz``: ``lakes.kmz`` with a time
        slider;
        ``parquet``: ``lakes.parquet`` and ``outlines.parquet``; ``report``: ``report.html``.
    language : {"en", "ru"}, optional
        Language of report, workbook, legends and the KMZ's words; by default the inventory's own.
    since : str, path-like or Inventory, optional
        What changes in workbook and report are told from: a date, a year, years
        (``2009-2011``) or an earlier inventory; by default the first area of each lake.
    on_event : callable, optional
        Called with a message of :mod:`glacial_lakes.events` for each format that is written.

    Returns
    -------
    list of pathlib.Path
        The files written, in the order of ``formats``.

    Raises
    ------
    ConfigError
        For a format that is not known or needs a package that is not installed, before anything
        is written.
    OutputError
        When a file cannot be written; an older one is left as it was.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> inventory = gl.open_inventory("inventory.gpkg")
    >>> [path.name for path in gl.export_inventory(inventory, "exported", ["geojson"])]
    ['lakes.geojson', 'outlines.geojson']
    """
    require(inventory, Inventory, "inventory", N_("open it with open_inventory"))
    require(folder, (str, os.PathLike), "folder", N_("give the path of a folder"))
    require(formats, Iterable, "formats", N_('give a list of formats, e.g. ["csv"]'))
    names = list(dict.fromkeys([formats] if isinstance(formats, str) else formats))
    for name in names:
        if name not in FORMATS:
            near = difflib.get_close_matches(name.lower(), FORMATS, n=1, cutoff=0.3)
            remedy = (
                Message("did you mean {name}?", name=near[0])
                if near
                else Message("use any of {formats}", formats=list(FORMATS))
            )
            raise ConfigError(None, "there is no export format {name!r}", remedy, name=name)
    if not names:
        return []
    language = language or inventory.language
    require_language(language)
    require_packages(names)
    folder = Path(folder).absolute()
    given = earlier(since, inventory)
    on_event(StageStarted("export", len(names)))

    def write_into(place: Path) -> dict[str, list[Path]]:
        return _all_written(inventory, place, names, language, given, on_event)

    if is_aside(folder / "x"):
        paths = write_into(folder)
    else:
        with folder_lock(folder):
            settle(folder)
            with together(folder) as aside:
                paths = write_into(aside.folder)
                noted = keep_edited(aside)
                paths = {
                    name: [folder / path.relative_to(aside.folder) for path in written]
                    for name, written in paths.items()
                }
            remember(folder, noted)
    return [path for name in names for path in paths[name]]


def earlier(since: str | Path | Inventory | None, inventory: Inventory) -> str | Inventory | None:
    """Return what changes are told from: the inventory of a file that is named, else as it is.

    Raises
    ------
    InputError
        When the earlier inventory is of another place.
    """
    if isinstance(since, Path) or (isinstance(since, str) and since.lower().endswith(".gpkg")):
        held = open_inventory(since)
        require_near(since, held.lakes.geometry, shapely.envelope(inventory.lakes.geometry))
        return held
    return since


def lacking_packages(formats: Iterable[str]) -> dict[str, str]:
    """Return the formats that this installation cannot write, with the package of each."""
    lacking = {}
    for name in formats:
        package = _PACKAGES.get(name)
        try:
            if package is not None:
                importlib.import_module(package)
        except ImportError:
            lacking[name] = str(package)
    return lacking


def require_packages(formats: Iterable[str]) -> None:
    """Refuse formats that this installation cannot write, before hours are spent on them.

    Raises
    ------
    ConfigError
        Naming the package.
    """
    for name, package in lacking_packages(formats).items():
        raise ConfigError(
            None,
            "the format {format} needs the package {package}",
            "pip install {package}, or leave the format out",
            format=name,
            package=package,
        )


def _all_written(
    inventory: Inventory,
    folder: Path,
    names: Sequence[str],
    language: str,
    since: str | Inventory | None,
    on_event: Listener,
) -> dict[str, list[Path]]:
    apart = [name for name in names if name in _APART]
    here = [name for name in names if name not in _APART]
    if apart and here and _is_work_for_two(len(inventory.outlines)):
        return _written_by_two(inventory, folder, here, apart, language, since, on_event)
    return _written(inventory, folder, names, language, since, on_event)


def _is_work_for_two(outlines: int) -> bool:
    has_room = machine.memory_bytes() >= _TWO_BYTES + outlines * _OUTLINE_BYTES
    return outlines >= _MANY_OUTLINES and machine.core_count() > 1 and has_room


def _written(
    inventory: Inventory,
    folder: Path,
    names: Sequence[str],
    language: str,
    since: str | Inventory | None = None,
    on_event: Listener = ignore,
) -> dict[str, list[Path]]:
    with_earlier: dict[str, Writer] = {
        "xlsx": partial(xlsx.write, since=since),
        "csv_excel": partial(_csv_excel, since=since),
        "report": partial(_report, since=since),
    }
    writers = FORMATS | with_earlier
    paths = {}
    for name in names:
        paths[name] = writers[name](inventory, folder, language)
        on_event(PartDone("export", name))
    return paths


def _written_there(
    inventory: Inventory, folder: Path, names: Sequence[str], language: str, overwrite: bool
) -> dict[str, list[Path]]:
    """Do in another process what the caller may."""
    with overwriting(None if overwrite else ()):
        return _written(inventory, folder, names, language)


def _written_by_two(
    inventory: Inventory,
    folder: Path,
    here: Sequence[str],
    apart: Sequence[str],
    language: str,
    since: str | Inventory | None,
    on_event: Listener,
) -> dict[str, list[Path]]:
    """Write some formats in this process and the others in a second one, at the same time."""
    with ProcessPerCall(1) as second:
        arguments = (inventory, folder, apart, language, is_overwriting())
        others = second.submit(_written_there, *arguments)
        try:
            paths = _written(inventory, folder, here, language, since, on_event)
        except Exception:
            wait([others])  # what it writes is to be whole
            raise
        paths.update(others.result())
    for name in apart:
        on_event(PartDone("export", name))
    return paths


def export_composites(
    inventory: Inventory,
    folder: Path | str,
    composites: Mapping[str, tuple[int, int]],
    months: Sequence[int],
    language: str | None = None,
) -> list[Path]:
    """Write the best outline of each lake in the season of some years.

    This is how inventories are published.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`.
    folder : path-like
        Output folder, made when missing.
    composites : mapping of str to tuple of int
        Name to first and last year, e.g. ``{"2020": (2019, 2021)}``: each gives
        ``shapefiles/lakes_<name>.shp``. ``totals_of_composites.csv`` tells the totals of all,
        and what changed between them on lakes that both show.
    months : sequence of int
        Months of the season.
    language : {"en", "ru"}, optional
        Language of legends in QGIS; by default the inventory's own.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    InputError
        When no image lies in the time of one, before anything is written.
    OutputError
        When a file cannot be written; an older one is left as it was.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> inventory = gl.open_inventory("inventory.gpkg")
    >>> paths = gl.export_composites(inventory, "composites", {"2009": (2008, 2010)}, [7, 8, 9])
    >>> "lakes_2009.shp" in {path.name for path in paths}
    True
    """
    target = Path(folder).absolute()
    ordered = sorted(composites.items(), key=lambda item: (item[1], item[0]))
    rows = [
        inventory.best_observations(years, months).assign(**{C.EPOCH: name})
        for name, years in ordered
    ]
    with folder_lock(target):
        settle(target)
        with together(target) as aside:
            paths = []
            for name, years in ordered:
                path = aside.folder / "shapefiles" / f"lakes_{name}.shp"
                table = inventory.composite(years, months)
                paths += _styled_shapefile(table, path, language or inventory.language)
            totals = change.totals(pd.concat(rows, ignore_index=True), inventory.lakes)
            path = aside.folder / "totals_of_composites.csv"
            fields = [column.name for column in schema.TOTALS]
            paths.append(write_csv(totals, schema.TOTALS, fields, path))
            noted = keep_edited(aside)
        remember(target, noted)
    return [target / path.relative_to(aside.folder) for path in paths]


def epochs(inventory: Inventory) -> dict[str, gpd.GeoDataFrame]:
    """Return the outlines of every date by name; scenes of one day and sensor are one epoch.

    A date without any outline is an empty table: it was looked at. Lakes seen only in part keep
    their geometry, without an area, and their status says why.

    Parameters
    ----------
    inventory : Inventory
        Its tables ``scenes`` and ``outlines`` are used.

    Returns
    -------
    dict of str to geopandas.GeoDataFrame
        By ``YYYY-MM-DD``; when several sensors share a day, the first image has the plain name
        and the others that of the sensor behind it, as ``2020-08-01_LC08``.
    """
    outlines = _outlines(inventory)
    scenes = schema.conform(inventory.scenes, schema.SCENES)
    mapped = scenes.loc[~scenes[C.STATE].isin(UNUSED), [C.ACQUIRED, C.SENSOR]]
    here = outlines[C.SCENE_ID].isin(scenes[C.SCENE_ID]) | outlines[C.SCENE_ID].isna()
    outlines = outlines[here]  # of scenes that are away only lakes that persons touched are told
    drawn = {C.ACQUIRED: times_of_scenes(outlines, scenes), C.SENSOR: outlines[C.SENSOR]}
    images = pd.concat([mapped, pd.DataFrame(drawn)])
    images = images.dropna(subset=C.ACQUIRED).reset_index(drop=True)
    images["name"] = epoch_names(images[C.ACQUIRED], images[C.SENSOR])
    names = images["name"].iloc[len(mapped.dropna(subset=C.ACQUIRED)) :].to_numpy()
    tables: dict[str, gpd.GeoDataFrame] = {}
    for name in images.sort_values([C.ACQUIRED, C.SENSOR])["name"].unique():
        rows = outlines[names == name]
        rows = rows.sort_values([C.LAKE_ID, C.OBSERVED_FRACTION, C.AREA_M2], na_position="first")
        tables[name] = rows.drop_duplicates(C.LAKE_ID, keep="last", ignore_index=True)
    return tables


def _outlines(inventory: Inventory) -> gpd.GeoDataFrame:
    table = schema.conform(inventory.outlines, schema.OUTLINES)
    table = gpd.GeoDataFrame(table, geometry=inventory.outlines.geometry, crs="EPSG:4326")
    return table.sort_values([C.LAKE_ID, C.ACQUIRED, C.SCENE_ID], kind="stable")


def _shapefiles(inventory: Inventory, folder: Path, language: str) -> list[Path]:
    place = folder / "shapefiles"
    paths = []
    for name, table in epochs(inventory).items():
        paths += _styled_shapefile(table, place / f"lakes_{name}.shp", language)
    return [
        *paths,
        *_latest_shapefile(inventory.latest_with_trends(), place / "lakes.shp", language),
    ]


def _latest_shapefile(lakes: gpd.GeoDataFrame, path: Path, language: str) -> list[Path]:
    """Write the latest state, drawn by type, change and doubt as the inventory is in QGIS."""
    style = layer_style(
        schema.LATEST,
        language,
        rules=SHAPEFILE_RULES,
        label=lake_label(is_shapefile=True),
        is_shapefile=True,
    )
    paths = write_shapefile(lakes, path, schema.LATEST)
    return [*paths, _write_text(path.with_suffix(".qml"), style)]


def _styled_shapefile(outlines: gpd.GeoDataFrame, path: Path, language: str) -> list[Path]:
    style = layer_style(
        schema.OUTLINES,
        language,
        coloured=schema.STATUS.shapefile,
        colours=STATUS_COLOURS,
        label=lake_label(is_shapefile=True),
        is_shapefile=True,
    )
    paths = write_shapefile(outlines, path, schema.OUTLINES)
    return [*paths, _write_text(path.with_suffix(".qml"), style)]


def _geopackage(inventory: Inventory, folder: Path, language: str) -> list[Path]:
    path = folder / "inventory.gpkg"
    inventory.to_file(path, language)
    return [path]


def _csv(inventory: Inventory, folder: Path, language: str) -> list[Path]:
    return _tables(inventory, folder, PLAIN)


def _csv_excel(
    inventory: Inventory, folder: Path, language: str, since: str | Inventory | None = None
) -> list[Path]:
    place = folder / "csv_excel"
    found = _tables(inventory, place, FOR_EXCEL)
    numbers = inventory.lakes[C.CATALOGUE_NO].dropna()
    misread = [text for text in sorted(numbers) if _MISREAD.fullmatch(text)]
    if misread:
        what = Message(
            "spreadsheets that open {folder} show numbers such as {number} as dates or cut them: "
            "hand on inventory.xlsx, where they stay as they are",
            folder=place.name,
            number=misread[0],
        )
        logger.warning(what)
    for sheet in sheets(inventory, since):
        name = sheet.title.lower().replace(" ", "_")
        path = place / f"{'list_of_' if name == 'lakes' else ''}{name}.csv"
        found.append(_write_sheet(sheet, path, language, FOR_EXCEL))
    return found


def _write_sheet(sheet: Sheet, path: Path, language: str, dialect: Dialect) -> Path:
    """Write a table for people as text: headings and words in the language, days as ISO 8601."""
    heads = [_as_text(heading(field, language)) for field in sheet.fields]
    rows = (
        [
            _sheet_cell(field, value, language, dialect.decimal)
            for field, value in zip(sheet.fields, row, strict=True)
        ]
        for row in sheet.rows
    )
    return _write_rows([heads, *rows], path, dialect)


def _sheet_cell(field: Field, value: Any, language: str, decimal: str) -> str:
    if value is None:
        return ""
    if field.kind == "day":
        return f"{value:%Y-%m-%d}"
    if field.kind in ("real", "integer"):
        return f"{number(field, value):.{field.digits}f}".replace(".", decimal)
    return _as_text(words(field, value, language))


def _tables(inventory: Inventory, folder: Path, dialect: Dialect) -> list[Path]:
    observations = schema.conform(inventory.observations, schema.OBSERVATIONS)
    events = schema.conform(inventory.events, schema.LAKE_EVENTS)
    return [
        write_csv(
            observations.sort_values([C.LAKE_ID, C.ACQUIRED, C.SCENE_ID]),
            schema.OBSERVATIONS,
            OBSERVATION_FIELDS,
            folder / "observations.csv",
            dialect,
        ),
        write_csv(
            events.sort_values([C.DATE, C.LAKE_ID, C.EVENT]),
            schema.LAKE_EVENTS,
            EVENT_FIELDS,
            folder / "events.csv",
            dialect,
        ),
        *(
            write_csv(table, columns, [column.name for column in columns], folder / name, dialect)
            for name, table, columns in (
                ("lakes.csv", inventory.lakes.sort_values(C.LAKE_ID), schema.LAKES),
                ("trends.csv", inventory.trends, schema.TRENDS),
                ("alerts.csv", inventory.alerts, schema.ALERTS),
                ("storage.csv", inventory.storage, schema.STORAGE),
                ("totals.csv", inventory.totals, schema.TOTALS),
            )
        ),
    ]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How tables are written as text."""

    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"


PLAIN = Dialect()
"""RFC 4180, for programs."""
FOR_EXCEL = Dialect(";", ",", "utf-8-sig")
"""For a double click where the comma is decimal."""


def write_csv(
    table: pd.DataFrame,
    columns: Sequence[schema.Column],
    fields: Sequence[str],
    path: Path,
    dialect: Dialect = PLAIN,
) -> Path:
    """Write RFC 4180 in UTF-8; a missing value is empty, no text can start a formula (OWASP)."""
    kinds = {column.name: column.type for column in columns}
    cells = [_cells(table[name], kinds[name], dialect.decimal) for name in fields]
    return _write_rows(chain([fields], zip(*cells, strict=True)), path, dialect)


def _write_rows(rows: Iterable[Sequence[str]], path: Path, dialect: Dialect) -> Path:
    with (
        whole(path) as temporary,
        temporary.open("w", encoding=dialect.encoding, newline="") as file,
    ):
        csv.writer(file, delimiter=dialect.delimiter).writerows(rows)
    return path


def _cells(values: pd.Series, kind: schema.ColumnType, decimal: str = ".") -> list[str]:
    plain = _plain_values(values, kind)
    if kind == "real":
        texts = ["" if v is None else repr(round(v, 6)).removesuffix(".0") for v in plain]
        return texts if decimal == "." else [text.replace(".", decimal) for text in texts]
    texts = ["" if value is None else str(value) for value in plain]
    if kind != "text":
        return texts
    return [_as_text(text) for text in texts]


def _as_text(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; most are returned as they are."""
    if _FORMULA.match(text):
        text = f"'{text}"
    return tame(_NEXT_CELL.sub(r"\1'", text))


def _plain_values(values: pd.Series, kind: schema.ColumnType) -> list[Any]:
    """Return the values of a column as plain Python has them: None where missing, times as text."""
    if kind in {"time", "date"}:
        form: Callable[[Any], str] = iso_time if kind == "time" else "{:%Y-%m-%d}".format
        return [*texts_of(values, form)]
    none: Any = None
    plain: list[Any] = values.to_numpy(dtype=object, na_value=none).tolist()
    if kind != "text" or set(map(type, plain)) <= {str, type(None)}:
        return plain
    return [None if value is None else str(value) for value in plain]


def iso_time(when: datetime) -> str:
    """Return a UTC time as ``2021-08-12T05:36:31Z``, with milliseconds only where there are any."""
    whole_seconds = when.microsecond == 0
    text = when.isoformat(timespec="seconds" if whole_seconds else "milliseconds")
    return text.replace("+00:00", "Z")


def _geojson(inventory: Inventory, folder: Path, language: str) -> list[Path]:
    return [
        _write_geojson(
            inventory.lakes.sort_values(C.LAKE_ID), schema.LAKES, folder / "lakes.geojson"
        ),
        _write_geojson(_outlines(inventory), schema.OUTLINES, folder / "outlines.geojson"),
    ]


def _write_geojson(table: gpd.GeoDataFrame, columns: Sequence[schema.Column], path: Path) -> Path:
    """Write RFC 7946: longitude and latitude, exterior rings anticlockwise, strict JSON."""
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type": "FeatureCollection", "features": [\n')
        for start in range(0, len(table), _ROWS_AT_ONCE):
            rows = table.iloc[start : start + _ROWS_AT_ONCE]
            file.write(",\n" if start else "")
            file.write(",\n".join(_features(rows, columns)))
        file.write("\n]}\n")
    return path


def _features(table: gpd.GeoDataFrame, columns: Sequence[schema.Column]) -> Iterator[str]:
    typed = schema.conform(table, tuple(columns))
    names = [column.name for column in columns]
    values = [_plain_values(typed[column.name], column.type) for column in columns]
    for row, geometry in zip(zip(*values, strict=True), _geometries(table.geometry), strict=True):
        attributes = dict(zip(names, row, strict=True))
        properties = _STRICT_JSON.encode(attributes)
        yield f'{{"type": "Feature", "properties": {properties}, "geometry": {geometry}}}'


def _geometries(shapes: gpd.GeoSeries) -> Iterator[str]:
    outlines = in_threads(_on_grid, shapes.to_numpy())
    for parts in ring_texts(outlines, "[", ", ", "], "):
        polygons = [f"[{', '.join(f'[{ring[:-2]}]' for ring in rings)}]" for rings in parts]
        if not polygons:
            yield "null"
        elif len(polygons) == 1:
            yield f'{{"type": "Polygon", "coordinates": {polygons[0]}}}'
        else:
            yield f'{{"type": "MultiPolygon", "coordinates": [{", ".join(polygons)}]}}'


def _on_grid(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return outlines rounded, valid, and with rings as RFC 7946 wants them."""
    # Rounding alone keeps where a ring begins; only few outlines need to be put right after it.
    snapped = shapely.set_precision(shapes, _GRID_DEG, mode="pointwise")
    snapped = shapely.remove_repeated_points(snapped)
    crossing = ~(shapely.is_valid(snapped) | shapely.is_missing(snapped))
    snapped[crossing] = shapely.set_precision(shapes[crossing], _GRID_DEG)
    rounded: npt.NDArray[np.object_] = shapely.orient_polygons(snapped)
    return rounded


def _kmz(inventory: Inventory, folder: Path, language: str) -> list[Path]:
    observations = schema.conform(inventory.observations, schema.OBSERVATIONS)
    lakes = schema.conform(inventory.lakes, schema.LAKES)
    path = folder / "lakes.kmz"
    return [write_kmz(lakes, _outlines(inventory), observations, path, language)]


def _parquet(inventory: Inventory, folder: Path, language: str) -> list[Path]:
    paths = []
    for name, table in (
        ("lakes", inventory.lakes.sort_values(C.LAKE_ID)),
        ("outlines", _outlines(inventory)),
    ):
        path = folder / f"{name}.parquet"
        with whole(path) as temporary:
            table.to_parquet(temporary, index=False)
        paths.append(path)
    return paths


def _report(
    inventory: Inventory, folder: Path, language: str, since: str | Inventory | None = None
) -> list[Path]:
    return [write_report(inventory, folder / "report.html", language=language, since=since)]


def _write_text(path: Path, text: str) -> Path:
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def _of_file(name: str) -> Writer:
    """Return the function ``write`` of the file of this room that is named after a format."""

    def write(inventory: Inventory, folder: Path, language: str) -> list[Path]:
        module = importlib.import_module(f"glacial_lakes.export.{name}")
        paths: list[Path] = module.write(inventory, folder, language)
        return paths

    return write


Writer = Callable[[Inventory, Path, str], list[Path]]

_OF_THIS_FILE: Mapping[str, Writer] = {
    "shp": _shapefiles,
    "gpkg": _geopackage,
    "csv": _csv,
    "csv_excel": _csv_excel,
    "geojson": _geojson,
    "kmz": _kmz,
    "parquet": _parquet,
    "report": _report,
}

FORMATS: dict[str, Writer] = {
    name: _OF_THIS_FILE.get(name) or _of_file(name) for name in EXPORT_FORMATS
}
"""What can be asked of :func:`export`."""
