"""The project file as frozen dataclasses: every default with its unit and source."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import fnmatch
import glob
import hashlib
import inspect
import itertools
import json
import math
import os
import re
import textwrap
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from glacial_lakes.errors import N_, ConfigError, Message, fill, remedy_for, require, require_path
from glacial_lakes.language import languages, translate
from glacial_lakes.places import file_of, is_same, lies_in, refuse_addresses

EXPORT_FORMATS = (
    *("shp", "gpkg", "csv", "csv_excel", "xlsx", "geojson", "kmz", "parquet", "report"),
)
"""Formats of the room ``export``: one has a file there named after it, with a function ``write``,
or a line in ``export.py``."""
ENVIRONMENT_PREFIX = "GLACIAL_LAKES_"


@dataclass(frozen=True, slots=True)
class MappingSettings:
    """How one scene is mapped.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> gl.MappingSettings(index="mndwi").seed_threshold is None
    True
    """

    min_pixels: float = 5.0
    """Smallest lake in pixels of the scene (Lesi et al. 2022)."""
    index: str = "ndwi"
    """Index that proposes water, any of :mod:`indices` or of an extension; each candidate is then
    judged by its own signal."""
    seed_threshold: float | None = None
    """Index above which a pixel is proposed; without it the rule of the method for ndwi, and the
    published threshold for the others."""
    seed_method: Literal["otsu", "yen", "isodata"] | None = None
    """Find the threshold in the histogram of the index, anew for each scene (Otsu 1979, Yen et al.
    1995, Ridler & Calvard 1978); each band of it is read twice then; without it
    ``seed_threshold`` holds."""
    detector: str | None = None
    """Extension that proposes water instead of an index; without it ``index`` does."""
    min_lake_prob: float = 0.2
    """Probability below which a candidate is no lake though the rules take it for one; a higher one
    gives fewer false lakes and misses more."""
    strip_rows: int = 128
    """Rows that are read at a time: sets memory, never the result."""

    def __post_init__(self) -> None:
        _check_fields(self, "mapping")


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """How outlines of many dates become lakes.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> gl.TrackingSettings(drained_fraction=0.5).max_distance_m
    200.0
    """

    min_overlap: float = 0.3
    """Smallest intersection over the smaller area that links two outlines."""
    max_distance_m: float = 200.0
    """Farthest gap between outlines that may still be one lake (GeoKauko: overlap, then 200 m)."""
    drained_fraction: float = 0.3
    """A lake has drained when it keeps less than this share of its area."""
    min_pixels: float = 5.0
    """Smallest lake that an image shows, in its pixels (Lesi et al. 2022); only of lakes twice as
    large can an image tell that they are not there."""
    sure_pixels: float = 100.0
    """A lake of so many pixels is not missed or invented by chance (0.01 km² in Sentinel-2);
    the coming and going of a smaller one needs two images that agree."""
    max_lost_fraction: float = 0.25
    """An image that lacks more than this share of the lakes that the images before and after it
    show is at fault itself (fresh snow, thin ice): its losses are not counted."""
    fast_fraction: float = 0.3
    """A lake that gains or loses this share of its area, surely and fast, has grown or shrunk:
    an event."""
    fast_fraction_per_year: float = 0.1
    """Fast is a share of the area each year of at least this much."""

    def __post_init__(self) -> None:
        _check_fields(self, "tracking")


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """Table ``[project]``."""

    name: str = "Glacial lakes"
    """Title of the report."""
    output: str = "output"
    """Folder for results, relative to the project file."""
    language: str = "en"
    """Language of the report."""
    by: str | None = None
    """Who decides where corrections name nobody; without it nobody is named."""


@dataclass(frozen=True, slots=True)
class AreaSettings:
    """Table ``[area]``."""

    aoi: str | None = None
    """Polygons outside of which nothing is mapped: any vector file, or "file|layername=name" of one
    with several layers; without it all that the scenes show is mapped."""
    min_area_m2: float | None = None
    """Smallest lake in the inventory; without it ``min_pixels`` of each scene."""
    glacier_buffer_m: float | None = 10_000.0
    """Lakes farther than this from any glacier are left out (Wang et al. 2020)."""
    basins: str | None = None
    """Polygons of basins or countries (any vector file): totals are given for each; without it
    only those of all lakes."""
    basin_field: str = "name"
    """Column of basins that holds their names; basins without any column are numbered."""


@dataclass(frozen=True, slots=True)
class StacSource:
    """A catalogue among the scenes of ``[inputs]``.

    Examples
    --------
    >>> StacSource("catalog.json").collections
    ()
    """

    stac: str
    """The file of a catalogue or an item, or the address of one or of a server."""
    collections: tuple[str, ...] = ()
    """Of these; without them of all."""
    datetime: str | None = None
    """An interval such as 2020-06-01/2024-10-31; without it all times."""
    max_cloud_percent: float | None = None
    """Clouds that the item tells; without it all."""
    filter: str | None = None
    """A condition in CQL2 text, for servers that know it."""


@dataclass(frozen=True, slots=True)
class InputSettings:
    """Table ``[inputs]``."""

    scenes: tuple[str | StacSource, ...] = ("scenes/*",)
    """Product folders, .zip, .tar, or GeoTIFF stacks with a sidecar; ``*`` stands for any name.
    A table names a catalogue of STAC, here or on a server (docs/remote.md)."""
    hosts: tuple[str, ...] = ()
    """Hosts that may be asked for catalogues and images; without them none is."""
    dem: str | None = None
    """Elevation model in metres: slope, cast shadow, lake elevation; without it shade and steep
    slopes, which can look like water, are not excluded."""
    glaciers: str | None = None
    """Glacier outlines, e.g. the Randolph Glacier Inventory; without it lakes are kept however far
    glaciers are."""
    months: tuple[int, ...] | None = None
    """Months of the year (UTC) whose scenes are used; without it all."""
    trusted_scenes: tuple[str, ...] = ()
    """Names of scenes that are used although they look odd or implausible."""


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    """Table ``[catalogue]``: the list of lakes that a service keeps; its numbers and names last.

    Examples
    --------
    >>> CatalogueSettings(file="lakes_2025.shp", id="NUMBER").name is None
    True
    """

    file: str | None = None
    """Last year's list of lakes: any vector file, or a table (.xlsx, .ods, .csv) with coordinates
    in degrees; without it lakes have no numbers of yours."""
    id: str | None = None
    """Its column with the numbers of the lakes; without it the list cannot be read."""
    name: str | None = None
    """Its column with their names; without it none are taken."""
    district: str | None = None
    """Its column with their districts; without it none are taken."""
    comment: str | None = None
    """Its column with remarks; without it none are taken."""
    lon: str | None = None
    """Column of a table with longitudes; without it usual names are looked for."""
    lat: str | None = None
    """Column of a table with latitudes; without it usual names are looked for."""
    encoding: str | None = None
    """Text encoding of a file that does not tell it, e.g. "CP1251"; without it UTF-8 or CP1251."""
    new_numbers: tuple[str, ...] = ()
    """Patterns by which new lakes get the next free number, {n} or {n:04d} in each; "DISTRICT=" in
    front of one makes it that of a district; without any new lakes get no number."""
    districts: str | None = None
    """Polygons of districts (any vector file), in which new lakes lie; without it they have
    none."""
    district_field: str = "name"
    """Column of districts that holds their names."""
    sheet: str | None = None
    """Sheet of file, if that is a workbook; without it the one that has the columns."""


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Table ``[storage]``: what surveys tell of the volume of lakes.

    Examples
    --------
    >>> StorageSettings(curves="curves.csv").bathymetry
    ()
    """

    curves: str | None = None
    """Table (.xlsx, .ods, .csv) of surveyed volumes: columns lake (ID, number or name), area_m2 or
    area_km2, volume_m3 or volume_million_m3, and volume_sigma_m3 if it is known; several lines of a
    lake are its rating curve; without it volumes follow from published relations."""
    bathymetry: tuple[str, ...] = ()
    """Rasters (GeoTIFF) of depths in metres, one a lake, on a map in metres; 0 or no data outside
    of the water."""
    sheet: str | None = None
    """Sheet of curves, if that is a workbook; without it the one that has the columns."""


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Table ``[export]``."""

    formats: tuple[str, ...] = ("shp", "gpkg", "csv", "report")
    """What is written beside ``inventory.gpkg``: any of :data:`EXPORT_FORMATS`."""
    since: str | None = None
    """What changes in inventory.xlsx and report are told from: a date, a year, years such as
    "2009-2011", or an earlier inventory (.gpkg); without it the first area of each lake."""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Table ``[limits]``: what one bad file may cost; no limit changes a result.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> gl.Project().limits.scene_s
    3600.0
    """

    open_s: float = 300.0
    """Longest time to open one product, in seconds."""
    open_memory_gb: float = 2.0
    """Most memory to open products, in GB (Linux)."""
    scene_s: float = 3600.0
    """Longest time to map one scene, in seconds; a full Sentinel-2 tile takes about a minute."""
    wait_s: float = 30.0
    """Longest time without an answer of a server, in seconds; it is asked three times."""
    kept_gb: float = 20.0
    """Most disk for parts of images that were fetched, in GB; the oldest are removed."""
    memory_gb: float | None = None
    """Most memory for all scenes that are mapped at a time, in GB; without it three quarters of
    the computer's, or what the workers of a cluster may use."""

    @property
    def open_memory_bytes(self) -> int:
        """Most memory to open products."""
        return int(self.open_memory_gb * 10**9)

    @property
    def memory_bytes(self) -> int | None:
        """Most memory for all scenes that are mapped at a time."""
        return None if self.memory_gb is None else int(self.memory_gb * 10**9)


@dataclass(frozen=True, slots=True)
class Project:
    """A project file and where it lies.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> gl.Project().export.formats
    ('shp', 'gpkg', 'csv', 'report')
    """

    folder: Path = Path()
    """Folder of the project file; all paths in it are relative to this."""
    project: ProjectInfo = field(default_factory=ProjectInfo)
    area: AreaSettings = field(default_factory=AreaSettings)
    inputs: InputSettings = field(default_factory=InputSettings)
    catalogue: CatalogueSettings = field(default_factory=CatalogueSettings)
    mapping: MappingSettings = field(default_factory=MappingSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    export: ExportSettings = field(default_factory=ExportSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    file: Path | None = field(default=None, compare=False)
    """The project file; None for a project made in Python."""

    def __post_init__(self) -> None:
        require(self.folder, Path, "folder", N_("give a pathlib.Path"))
        for name, kind in TABLES.items():
            remedy = Message("give {kind}", kind=kind.__name__)
            require(getattr(self, name), kind, name, remedy)


TABLES: Mapping[str, type] = {
    "project": ProjectInfo,
    "area": AreaSettings,
    "inputs": InputSettings,
    "catalogue": CatalogueSettings,
    "mapping": MappingSettings,
    "tracking": TrackingSettings,
    "storage": StorageSettings,
    "export": ExportSettings,
    "limits": LimitSettings,
}

_Rule = tuple[Callable[[Any], bool], str]


def _between(low: float, high: float) -> _Rule:
    range_text = Message("a number from {low:g} to {high:g}", low=low, high=high)
    return lambda value: low <= value <= high, range_text


NUMBER_PATTERN = re.compile(r"\{n(?::0(?P<digits>[1-9])d)?\}")
"""Where the number stands in a pattern of numbers, and with how many digits."""


def _one_each(patterns: Iterable[str]) -> bool:
    return all(len(NUMBER_PATTERN.findall(pattern)) == 1 for pattern in patterns)


_TEXT: _Rule = (lambda value: bool(value.strip()), N_("a text that is not empty"))
_RULES: Mapping[str, _Rule] = {
    "project.name": _TEXT,
    "project.by": _TEXT,
    "project.output": _TEXT,
    "project.language": (
        lambda value: value in languages(),
        Message("one of {languages}", languages=languages()),
    ),
    "area.aoi": _TEXT,
    "area.basins": _TEXT,
    "area.basin_field": _TEXT,
    "inputs.scenes": (lambda value: value and all(value), N_("a list of at least one path")),
    "inputs.dem": _TEXT,
    "inputs.glaciers": _TEXT,
    "inputs.months": (
        lambda value: value and all(1 <= month <= 12 for month in value),
        N_("a list of months from 1 to 12"),
    ),
    **{
        f"catalogue.{name}": _TEXT
        for name in (
            *("file", "sheet", "id", "name", "district", "comment", "lon", "lat", "encoding"),
        )
    },
    "export.since": _TEXT,
    "storage.curves": _TEXT,
    "storage.sheet": _TEXT,
    "catalogue.districts": _TEXT,
    "catalogue.district_field": _TEXT,
    "catalogue.new_numbers": (
        lambda value: all(map(NUMBER_PATTERN.search, value)) and _one_each(value),
        N_("a list of patterns with one {n} each, such as KG-CHU-{n:04d}"),
    ),
    "mapping.min_lake_prob": _between(0.0, 1.0),
    "mapping.strip_rows": _between(64, 65536),
    "tracking.min_overlap": _between(0.0, 1.0),
    "tracking.fast_fraction_per_year": _between(0.0, 1.0),
    "export.formats": (
        lambda value: set(value) <= set(EXPORT_FORMATS),
        Message("a list of any of {formats}", formats=EXPORT_FORMATS),
    ),
}
_POSITIVE: _Rule = (lambda value: value > 0, N_("a number above 0"))
_RULES_BY_UNIT: Mapping[str, _Rule] = {
    "fraction": _between(0.0, 1.0),
    "deg": _between(0.0, 90.0),
    "pixels": _POSITIVE,
    "m": _POSITIVE,
    "m2": _POSITIVE,
    "s": _between(1.0, 604_800.0),
    "gb": _between(0.1, 100_000.0),
}
"""For keys without a rule of their own, by the last word of their name."""


def read_project(
    path: Path | str,
    *,
    overrides: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Project:
    """Read and check a project file.

    A value is taken from ``overrides``, else from the environment, else from the file, else it
    is the default.

    Parameters
    ----------
    path : path-like
        A TOML file. Relative paths in it start at its folder.
    overrides : mapping of str to object, optional
        Values by dotted key, e.g. ``{"project.language": "ru"}``: the command line.
    environment : mapping of str to str, optional
        Variables named ``GLACIAL_LAKES_<TABLE>_<KEY>``; ``os.environ`` when None. Lists are
        written with commas: ``GLACIAL_LAKES_INPUTS_MONTHS=7,8,9``.

    Returns
    -------
    Project
        With ``folder`` absolute.

    Raises
    ------
    ConfigError
        For a file that is missing or no TOML, an unknown table or key (the nearest known one is
        named), a value of the wrong type or out of range, an input that does not exist, or an
        output folder that would mix with the inputs.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> project = gl.read_project("sample_data/project.toml", environment={})
    >>> project.area.glacier_buffer_m
    10000.0
    """
    require_path(path)
    file = Path(path).absolute()
    tables = _parse(file)
    for name, table in tables.items():
        if name not in TABLES:
            raise ConfigError(file, "there is no table [{name}]", nearest(name, TABLES), name=name)
        if not isinstance(table, dict):
            raise ConfigError(
                file, "{name} is no table", "write [{name}] and its keys below it", name=name
            )
    given = {
        f"{name}.{key}": (str(file), value)
        for name, table in tables.items()
        for key, value in table.items()
    }
    given |= _from_environment(os.environ if environment is None else environment)
    given |= {key: ("command line", value) for key, value in (overrides or {}).items()}
    values: dict[str, dict[str, object]] = {name: {} for name in TABLES}
    for key, (source, value) in given.items():
        name, _, setting = key.partition(".")
        values[name][setting] = _checked(source, key, value)
    tables_read: dict[str, Any] = {name: TABLES[name](**values[name]) for name in TABLES}
    project = Project(file.parent, **tables_read, file=file)
    try:
        _check_inputs(file, project)
        check_output(project, file)
    except (OSError, ValueError) as error:
        raise ConfigError(
            file,
            "names a path that cannot be: {reason}",
            remedy_for(error, N_("correct the path")),
            reason=error,
        ) from error
    return project


def language_of(path: Path | str) -> str | None:
    """Return the language that a project file names, whatever else is wrong with it.

    Parameters
    ----------
    path : path-like
        A TOML file.

    Returns
    -------
    str or None
        None where it names none that is known.

    Examples
    --------
    >>> language_of("sample_data/project.toml") is None
    True
    """
    try:
        table = _parse(Path(path).absolute()).get("project")
    except ConfigError:
        return None
    named = table.get("language") if isinstance(table, dict) else None
    return named if isinstance(named, str) and named in languages() else None


def read_limits(environment: Mapping[str, str] | None = None) -> LimitSettings:
    """Return the limits for commands without a project file: the defaults, or the environment's.

    Raises
    ------
    ConfigError
        For a value of the wrong type or out of range.
    """
    given = _from_environment(os.environ if environment is None else environment)
    values: dict[str, Any] = {
        key.removeprefix("limits."): _checked(source, key, value)
        for key, (source, value) in given.items()
        if key.startswith("limits.")
    }
    return LimitSettings(**values)


def as_dict(project: Project) -> dict[str, dict[str, Any]]:
    """Return the effective settings as plain tables, as they are stored with every result."""
    return {
        name: {
            key: _listed(value) for key, value in dataclasses.asdict(getattr(project, name)).items()
        }
        for name in TABLES
    }


def _listed(value: Any) -> Any:
    """Return a value as JSON gives it back: lists in place of tuples."""
    if isinstance(value, tuple):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return value


def digest(values: object) -> str:
    """Return the SHA-256 of plain values (anything that JSON holds), keys in any order."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()  # names of any bytes


def project_template(language: str = "en", values: Mapping[str, object] | None = None) -> str:
    """Return a project file with every key, its meaning and its default.

    The keys that most projects set, and those of which a value is given (such as ``inputs.dem``),
    are written out; the others are comments. The language is that of the comments, of the report
    and of its title.
    """
    given = values or {}
    chosen = {
        "project.language": language,
        "project.name": translate(ProjectInfo().name, language),
        **given,
    }
    lines = [
        translate(
            "# Project file of glacial_lakes. Run it with: glacial-lakes run project.toml", language
        ),
        translate(
            "# Paths start at the folder of this file. Lines behind # show the default, "
            "or an example.",
            language,
        ),
    ]
    for table, kind in TABLES.items():
        lines += ["", f"[{table}]"]
        meanings = _field_docs(kind)
        for item in dataclasses.fields(kind):
            key = f"{table}.{item.name}"
            meaning = translate(meanings[item.name], language)
            lines += _comment(fill(meaning, {"formats": EXPORT_FORMATS}))
            shown = key in _WRITTEN_OUT or key in given
            value = chosen.get(key, _EXAMPLES.get(key, item.default))
            text = json.dumps(value, ensure_ascii=False)
            lines.append(f"{'' if shown else '# '}{item.name} = {text}")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    """Return a text as lines of comment."""
    return textwrap.wrap(
        text,
        _COMMENT_WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


_COMMENT_WIDTH = 98
_WRITTEN_OUT = {"project.name", "project.output", "project.language", "inputs.scenes"}
_EXAMPLES: Mapping[str, object] = {
    "project.by": "A. Ivanova",
    "area.aoi": "aoi.gpkg",
    "area.basins": "basins.gpkg",
    "area.min_area_m2": 2000,
    "export.since": "2020",
    "catalogue.file": "catalogue_2025.shp",
    "catalogue.sheet": "Lakes",
    "catalogue.id": "NUMBER",
    "catalogue.name": "NAME",
    "catalogue.district": "DISTRICT",
    "catalogue.comment": "REMARK",
    "catalogue.lon": "LON",
    "catalogue.lat": "LAT",
    "catalogue.encoding": "CP1251",
    "catalogue.new_numbers": ["KG-{n:04d}"],
    "catalogue.districts": "districts.gpkg",
    "inputs.dem": "dem.tif",
    "inputs.glaciers": "glaciers.gpkg",
    "inputs.months": [7, 8, 9, 10],
    "inputs.hosts": ["earth-search.aws.element84.com", "sentinel-cogs.s3.us-west-2.amazonaws.com"],
    "mapping.seed_threshold": 0.1,
    "mapping.detector": "my_detector",
    "mapping.seed_method": "otsu",
    "limits.memory_gb": 4,
    "storage.curves": "curves.csv",
    "storage.sheet": "Curves",
    "storage.bathymetry": ["lake_12_depths.tif"],
}


def _parse(file: Path) -> dict[str, Any]:
    if file.exists() and not file.is_file():  # a pipe or device would keep its reader for ever
        raise ConfigError(file, "is no plain file", "name the project.toml itself")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        remedy = N_("write one with: glacial-lakes init DIR")
        raise ConfigError(file, "there is no such file", remedy) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            file, "cannot be read: {error}", "save it as UTF-8 text", error=error
        ) from error
    except (ValueError, RecursionError) as error:
        remedy = N_("texts stand in quotes, lists in [ ]; in Windows paths write / for \\")
        raise ConfigError(file, "is no TOML: {error}", remedy, error=_toml_fault(error)) from error
    except OSError as error:
        remedy = remedy_for(error, N_("copy it again"))
        raise ConfigError(file, "cannot be read: {error}", remedy, error=error) from error


_TOML_FAULTS = (
    N_("Invalid value"),
    N_("Invalid statement"),
    N_("Invalid initial character for a key part"),
    N_("Invalid date or datetime"),
    N_("Expected '=' after a key in a key/value pair"),
    N_("Expected newline or end of document after a statement"),
    N_("Expected ']' at the end of a table declaration"),
    N_("Unclosed array"),
    N_("Unclosed inline table"),
    N_("Unterminated string"),
    N_("Unescaped '\\' in a string"),
    N_("Cannot overwrite a value"),
    N_("Illegal character '\\n'"),
)
"""What the reader of TOML says most often; the rest of it stays English."""


def _toml_fault(error: Exception) -> Message:
    """Return what the reader of TOML says, as far as catalogues know it."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
    if found is None:
        return Message(str(error))
    reason, line, column = found.groups()
    if reason.startswith("Cannot declare"):
        reason = N_("A table is declared twice")
    if line is None:
        return Message("{reason} (at the end)", reason=Message(reason))
    return Message(
        "{reason} (line {line}, column {column})", reason=Message(reason), line=line, column=column
    )


def nearest(name: str, known: Iterable[str]) -> Message:
    """Return what to do about a name that is not known: the one that may be meant, or all."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    if near:
        return Message("did you mean {name}?", name=near[0])
    return Message("use one of {names}", names=names)


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[str, object]]:
    found: dict[str, tuple[str, object]] = {}
    for variable in sorted(environment):
        table, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
        if variable.startswith(ENVIRONMENT_PREFIX) and table in TABLES:
            kind = typing.get_type_hints(TABLES[table]).get(key, str)
            found[f"{table}.{key}"] = (variable, _from_text(environment[variable], kind))
    return found


def _from_text(text: str, kind: Any) -> object:
    for option in (kind, *typing.get_args(kind)):
        if typing.get_origin(option) is tuple:
            return [
                _from_text(item.strip(), typing.get_args(option)[0]) for item in text.split(",")
            ]
        if option in (int, float):
            try:
                return option(text)
            except ValueError:
                return text
    return text


def _checked(source: str, key: str, value: object) -> object:
    table, _, name = key.partition(".")
    kinds = typing.get_type_hints(TABLES[table])
    if name not in kinds:
        raise ConfigError(
            source, "[{table}] has no key {name}", nearest(name, kinds), table=table, name=name
        )
    by_unit = _RULES_BY_UNIT.get(name.rpartition("_")[2])
    accepts, allowed = _RULES.get(key) or by_unit or (lambda _: True, _describe(kinds[name]))
    shown = f"{key} = {json.dumps(value, ensure_ascii=False, default=str)}"
    try:
        converted = _convert(value, kinds[name])
    except TypeError:
        kind = Message(_describe(kinds[name]))
        raise ConfigError(
            source,
            "{shown} is not {kind}",
            "give {allowed}",
            shown=shown,
            kind=kind,
            allowed=Message(allowed),
        ) from None
    if converted is not None and not accepts(converted):
        raise ConfigError(
            source,
            "{shown} is not allowed",
            "give {allowed}",
            shown=shown,
            allowed=Message(allowed),
        )
    return converted


def _check_fields(settings: MappingSettings | TrackingSettings, table: str) -> None:
    """Refuse what a project file may not say either, and make whole numbers floats."""
    for name in (one.name for one in dataclasses.fields(settings)):
        value = _checked(type(settings).__name__, f"{table}.{name}", getattr(settings, name))
        object.__setattr__(settings, name, value)


def _convert(value: object, kind: Any) -> object:
    """Return the value as the type of its setting, or raise TypeError."""
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if StacSource in options and not isinstance(value, str):
            return _table(value, StacSource)
        return None if value is None else _convert(value, options[0])
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(item, options[0]) for item in value)
    if origin is Literal and value in options:
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number of hundreds of digits
            if math.isfinite(value):
                return float(value)
    elif kind in (int, str) and type(value) is kind:
        return value
    raise TypeError


def _table(value: object, kind: type) -> object:
    """Return a table inside of a list as the type of its setting, or raise TypeError."""
    if isinstance(value, kind):
        return value
    kinds = typing.get_type_hints(kind)
    if not isinstance(value, Mapping) or "stac" not in value or not kinds.keys() >= value.keys():
        raise TypeError
    return kind(**{name: _convert(item, kinds[name]) for name, item in value.items()})


def _describe(kind: Any) -> str:
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _describe(options[0])
    if origin is tuple:
        if StacSource in typing.get_args(options[0]):
            return N_('a list of texts, or of tables such as { stac = "catalog.json" }')
        return N_("a list of texts") if options[0] is str else N_("a list of whole numbers")
    if origin is Literal:
        *others, last = (json.dumps(option) for option in options)
        return Message("{first} or {last}", first=", ".join(others), last=last)
    return {float: N_("a number"), int: N_("a whole number"), str: N_("a text")}[kind]


_INPUTS = {
    "aoi": "area.aoi",
    "basins": "area.basins",
    "dem": "inputs.dem",
    "glaciers": "inputs.glaciers",
    "catalogue": "catalogue.file",
    "districts": "catalogue.districts",
    "curves": "storage.curves",
}
"""Settings that name files besides scenes, by what the files are."""
_PRODUCT = re.compile(
    r"(S1|S2|L[COTEM]0?\d|HLS|SENTINEL|LANDSAT).*|.*\.(safe|zarr|zip|tar|tgz|gz|tiff?|jp2)",
    re.IGNORECASE | re.DOTALL,
)


def input_files(project: Project) -> dict[str, str]:
    """Return the files besides scenes that a project names, by what they are, as it names them.

    Examples
    --------
    >>> input_files(Project())
    {}
    """
    named = {}
    for name, key in _INPUTS.items():
        table, _, setting = key.partition(".")
        value = getattr(getattr(project, table), setting)
        if value is not None:
            named[name] = value
    depths = {f"bathymetry {n}": path for n, path in enumerate(project.storage.bathymetry, 1)}
    return named | depths


def inputs_of(project: Project) -> list[Path]:
    """Return the files and folders that a project reads, as far as they are there.

    Where a pattern of scenes finds whatever lies in the folder of the project, only what is called
    like a product, or is an image or an archive, is an input.
    """
    folder = project.folder
    found = [folder / file_of(name) for name in input_files(project).values()]
    since = project.export.since
    if since is not None and since.lower().endswith(".gpkg"):
        found.append(folder / since)
    for named in project.inputs.scenes:
        pattern = named.stac if isinstance(named, StacSource) else named
        if "://" in pattern:
            continue
        if not glob.has_magic(pattern) or (folder / pattern).exists():
            found.append(folder / pattern)
            continue
        hits = _hits(pattern, folder)
        if glob.has_magic(Path(pattern).parts[0]):
            hits = [hit for hit in hits if _PRODUCT.fullmatch(hit.name)]
        found += hits
    return [path for path in found if path.exists()]


def _hits(pattern: str, folder: Path) -> list[Path]:
    whole = Path(glob.escape(str(folder.absolute()))) / pattern
    return [*Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))]


def _check_inputs(file: Path, project: Project) -> None:
    for name, value in input_files(project).items():
        if not (path := project.folder / file_of(value)).exists():
            raise ConfigError(
                path,
                "{key} of {file} is not there",
                "correct the path",
                key=_INPUTS.get(name, "storage.bathymetry"),
                file=file.name,
            )


def check_output(project: Project, file: Path | None = None) -> None:
    """Refuse an output folder that would mix with the inputs, whatever links or patterns name.

    Parameters
    ----------
    project : Project
        With ``folder`` absolute.
    file : pathlib.Path, optional
        Where the project was read.

    Raises
    ------
    ConfigError
        When the project or an input lies in the output folder, or the output folder in an input.
    """
    folder, output = project.folder, project.folder / project.project.output
    refuse_addresses(project.project.output)
    inputs = [folder / file_of(name) for name in input_files(project).values()]
    if os.path.lexists(output) and not output.is_dir():
        shown = json.dumps(project.project.output, ensure_ascii=False)
        what = Message("project.output = {shown} is a file", shown=shown)
        raise ConfigError(file or folder, what, 'give a folder of its own, e.g. "output"')
    mixed = [folder, *inputs]
    for named in project.inputs.scenes:
        if isinstance(named, StacSource) and "://" in named.stac:
            continue
        pattern = named.stac if isinstance(named, StacSource) else named
        literal = folder / pattern
        if literal.exists() or not glob.has_magic(pattern):
            hits = [literal]
        else:
            hits = [
                hit
                for hit in _hits(pattern, folder)
                if not (is_same(hit, output) and _holds_results(output))
            ]
            if _would_match(pattern, output, folder):  # a scene of the next run
                inputs.append(output)
        mixed += hits
        inputs += [hit for hit in hits if not lies_in(folder, hit)]
    if any(lies_in(path, output) for path in mixed) or any(
        lies_in(output, path) for path in inputs
    ):
        shown = json.dumps(project.project.output, ensure_ascii=False)
        what = Message("project.output = {shown} would mix results with the inputs", shown=shown)
        raise ConfigError(file or folder, what, 'give a folder of its own, e.g. "output"')


def _would_match(pattern: str, output: Path, folder: Path) -> bool:
    """Tell whether a pattern finds an output, or a folder around it, in a folder that it names.

    Of a pattern that begins with a wild card, the project folder itself, results are left out.
    """
    parts = Path(pattern).parts
    named = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    root, wild = folder.joinpath(*parts[:named]), parts[named:]
    if is_same(root, folder) or is_same(root, output) or not lies_in(output, root):
        return False
    inside = Path(os.path.relpath(output, root)).parts
    return any(_matches(inside[:end], wild) for end in range(1, len(inside) + 1))


def _matches(names: Sequence[str], wild: Sequence[str]) -> bool:
    if not wild:
        return not names
    if wild[0] == "**":
        return any(_matches(names[skipped:], wild[1:]) for skipped in range(len(names) + 1))
    is_one = bool(names) and fnmatch.fnmatchcase(names[0].casefold(), wild[0].casefold())
    return is_one and _matches(names[1:], wild[1:])


def _holds_results(folder: Path) -> bool:
    """Tell whether a folder that a pattern of scenes matches is one of results, or a new one."""
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    return not names or not names.isdisjoint({".glacial_lakes", "manifest.json"})


def _field_docs(kind: type) -> dict[str, str]:
    """Return the text below each field of a dataclass, which Python keeps only in the source."""
    body = typing.cast(ast.ClassDef, ast.parse(inspect.getsource(kind)).body[0]).body
    docs = {}
    for above, below in itertools.pairwise(body):
        match above, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                plain = inspect.cleandoc(str(text)).replace("``", "")
                plain = plain.replace(":data:`EXPORT_FORMATS`", "{formats}")
                docs[name] = plain.replace(":mod:`indices`", "gl.indices")
    return docs
