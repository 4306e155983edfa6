"""The command line: each verb is one library call, its result on stdout, all else on stderr."""

from __future__ import annotations

import functools
import io
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from glacial_lakes.cli import translated
from glacial_lakes.cli.console import (
    Options,
    dates_of,
    decided,
    findings,
    how_far,
    oddity,
    open_streams,
    percent,
    progress,
    reasons_first,
    refusals,
    set_up_log,
    speaker,
    summary,
    surveys,
)
from glacial_lakes.columns import C
from glacial_lakes.errors import (
    N_,
    ConfigError,
    GlacialLakesError,
    InputError,
    LockedError,
    Message,
    OutputError,
    OverlapError,
    remedy_for,
    shown,
)
from glacial_lakes.events import (
    RowsLeftOut,
    SceneOdd,
    SceneRefused,
    StageStarted,
    collecting,
)
from glacial_lakes.io.marks import overwriting
from glacial_lakes.language import day, in_language, languages, number, translate
from glacial_lakes.places import file_of, keep_apart, refuse_addresses, with_layer
from glacial_lakes.runtime import doors, interrupts, machine

if TYPE_CHECKING:
    import pandas as pd

    from glacial_lakes.runtime.findings import Finding
    from glacial_lakes.settings import Project

OK, ERROR, USAGE, PARTIAL, LOCKED, INTERRUPTED = 0, 1, 2, 3, 4, 130

_OF_THE_DISK = (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError)
"""What the names on a disk bring about, and no fault of the program."""

_LOG = logging.getLogger("glacial_lakes")
_UNSAFE_IN_JSON = re.compile("[\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")
"""What JSON allows in texts and a terminal obeys, or cannot be written."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_UNITS |= {f"{unit}i": 2 ** (10 * power) for power, unit in enumerate("kmgt", start=1)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb says: lines for people, values for ``--json``, the exit code."""

    lines: list[str] = field(default_factory=list)
    values: Any = None
    code: int = OK


_FILE_SUFFIXES = {
    *(".shp", ".dbf", ".gpkg", ".csv", ".xlsx", ".json", ".geojson", ".kml", ".kmz"),
    *(".parquet", ".html", ".nc", ".zip"),
}
"""By what a name is one of a file, where a folder is asked for."""


def _usage_text(message: Message) -> str:
    """Return what is wrong with a word of the command line, in the user's language."""
    context = click.get_current_context(silent=True)
    options = context and context.find_object(Options)
    return in_language(message, options.preferred if options else "en")


def memory_amount(text: str) -> int:
    """Return the bytes of an amount of memory such as ``4GB`` or ``1500MiB``."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text, re.IGNORECASE)
    unit = match and _UNITS.get(match[2].lower())
    if not match or not unit or float(match[1]) <= 0:
        raise click.BadParameter(
            _usage_text(Message("{text!r} is no amount of memory such as 4GB or 1500MB", text=text))
        )
    return int(float(match[1]) * unit)


def epoch_years(text: str) -> tuple[str, int, int]:
    """Return name, first and last year of an epoch such as ``2020=2019-2021``."""
    match = re.fullmatch(r"([A-Za-z0-9_]+)=(\d{4})(?:-(\d{4}))?", text)
    if not match or int(match[2]) > int(match[3] or match[2]):
        raise click.BadParameter(
            _usage_text(Message("{text!r} is no epoch such as 2020=2019-2021", text=text))
        )
    return match[1], int(match[2]), int(match[3] or match[2])


def month_list(text: str) -> tuple[int, ...]:
    """Return the months of a season such as ``7-10``, ``11-2`` or ``7,8,9``."""
    match = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text)
    parts = text.split(",")
    if match:
        first, last = int(match[1]), int(match[2])
        months = range(first, last + (13 if last < first else 1))
        found = [(month - 1) % 12 + 1 for month in months] if 1 <= first <= 12 >= last >= 1 else []
    else:
        found = [int(part) for part in parts if re.fullmatch(r"\d{1,2}", part)]
    if len(found) < (1 if match else len(parts)) or not all(1 <= month <= 12 for month in found):
        raise click.BadParameter(
            _usage_text(Message("{text!r} are no months such as 7-10 or 7,8,9", text=text))
        )
    return tuple(dict.fromkeys(found))


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value not in (None, False, 0) and param.name:
        setattr(ctx.ensure_object(Options), param.name, value)


def _common(language_variable: str | None = None) -> Callable[[Any], Any]:
    """Add the options that every verb takes; the environment is asked only before the verb."""
    add = functools.partial(click.option, expose_value=False, callback=_keep)
    options = (
        add("-v", "--verbose", count=True, help="More messages; -vv for all."),
        add("-q", "--quiet", is_flag=True, help="No messages but errors."),
        add("--log-file", type=click.Path(dir_okay=False), help="File for all messages."),
        add("--overwrite", is_flag=True, help="Replace also what is no earlier result."),
        add("--json", "as_json", is_flag=True, help="The result as JSON on stdout."),
        add("--progress", is_flag=True, help="Tell on stderr how far the work is, in percent."),
        add("--debug", is_flag=True, help="Show where in the code an error arose."),
        add(
            "--lang",
            type=click.Choice(languages()),
            envvar=language_variable,
            help="Language of messages and reports.",
        ),
    )

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 error, 2 wrong usage or project file, 3 some scenes refused, "
    "4 another run or program holds the output, 130 interrupted.",
)
@_common(translated.VARIABLE)
@click.version_option(package_name="glacial-lakes")
def cli() -> None:
    """Glacial lake inventories from multi-date satellite images."""


def _named(given: Mapping[str, Any]) -> tuple[list[Path], list[Path]]:
    """Return the files that a command names: what it reads, and what it writes."""
    written = [path for path in (given.get("out"),) if path is not None]
    values = [value for name, value in given.items() if name not in {"out", "folder"}]
    flat = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    files = [file_of(one) for one in flat if isinstance(one, Path)]
    return [file for file in files if file.is_file()], written


def _of_projects(named: Sequence[Path], options: Options) -> list[Path]:
    """Return what the project files among some files name as inputs.

    Raises
    ------
    OverlapError
        When the log file is called like a result of one of them.
    """
    from glacial_lakes.settings import inputs_of, read_project

    found: list[Path] = []
    for path in (path for path in named if path.suffix.lower() == ".toml"):
        try:
            project = read_project(path)
        except GlacialLakesError:  # the command itself says what is wrong with it
            continue
        found += inputs_of(project)
        if options.log_file:
            from glacial_lakes.workflow.output_folder import is_result

            if is_result(Path(options.log_file), project.folder / project.project.output):
                what, remedy = N_("is a result of {project}"), N_("give it a name of its own")
                raise OverlapError(options.log_file, what, remedy, project=path)
    return found


def _project_of(options: Options, path: Path) -> Project:
    """Read a project; from here on its language is that of all that is said, of its faults too."""
    from glacial_lakes.settings import language_of, read_project

    overrides = {"project.language": options.lang} if options.lang else {}
    options.lang = options.lang or language_of(path)
    project = read_project(path, overrides=overrides)
    options.lang = project.project.language
    return project


def verb(function: Callable[..., Answer]) -> click.Command:
    """Make a command of a function that takes the options and returns an answer."""

    @click.pass_obj
    @functools.wraps(function)
    def ask(options: Options, /, **given: Any) -> Answer:
        read, written = _named(given)
        with overwriting() if options.overwrite else nullcontext():
            read += _of_projects(read, options)
            set_up_log(options, [*read, *written])
            if function.__name__ != "review":
                keep_apart(written, read)
            return function(options, **given)

    return cli.command(function.__name__.removesuffix("_").replace("_", "-"))(_common()(ask))


def _within_limits(readers: Mapping[Path, Callable[[], object]]) -> None:
    """Refuse files of people that ask for more than they may, before this process reads them."""
    from glacial_lakes.settings import read_limits
    from glacial_lakes.workflow.read_ahead import too_costly

    for error in too_costly(readers, read_limits()).values():
        raise error


def _file_in(since: str | None) -> str | None:
    """Return the inventory that ``--since`` names; None where it is a time."""
    return since if since and since.lower().endswith(".gpkg") else None


def _layer_in(path: Path, layer: str | None) -> Path:
    """Return the name of the layer of a file that is read, where one is told."""
    return Path(with_layer(path, layer)) if layer else path


_PAGES = (".html", ".htm")
"""Endings by which a browser opens a report."""

_allow_empty = click.option(
    "--allow-empty", is_flag=True, help="Let an inventory be replaced by one without lakes."
)


@verb
@click.argument("folder", metavar="[DIR]", default="glacial_lakes_demo", type=Path)
def demo(options: Options, folder: Path) -> Answer:
    """Map the sample scenes into DIR: inventory, shapefiles and report."""
    from glacial_lakes.cli.demo import copy_sample

    return _run(options, copy_sample(folder))


@verb
@click.argument("folder", metavar="DIR", type=Path)
def init(options: Options, folder: Path) -> Answer:
    """Write a commented project.toml into DIR, and a folder for the scenes beside it."""
    from glacial_lakes.io.atomic import whole
    from glacial_lakes.settings import project_template

    path = folder.absolute() / "project.toml"
    if path.exists():
        raise ConfigError(path, "is there already", "edit it, or name another folder")
    scenes = path.parent / "scenes"
    scenes.mkdir(parents=True, exist_ok=True)
    with whole(path) as temporary:
        text = project_template(options.language)
        temporary.write_text(text, encoding="utf-8", newline="\n")
    say = speaker(options)
    lines = [
        str(path),
        say("Put scenes into {folder}, edit the file, then: glacial-lakes run {path}").format(
            folder=scenes, path=path
        ),
    ]
    return Answer(lines, {"project": str(path)})


@verb
@click.argument("folder", metavar="[DIR]", default="my_lakes", type=Path)
@click.option("--open/--no-open", "is_opened", default=True, help="Open the report at the end.")
def start(options: Options, folder: Path, is_opened: bool) -> Answer:
    """Map the images in DIR without a project file of yours, and open the report."""
    from glacial_lakes.cli.start import SCENES_FOLDER, project_in

    path = project_in(folder, options.language)
    if path is None:
        place = folder.absolute()
        say = speaker(options)
        advice = say(
            "Put images into {scenes}, elevation model (dem.tif) and glacier outlines "
            "(glaciers.gpkg or .shp) into {folder}, then start again"
        )
        lines = [advice.format(scenes=place / SCENES_FOLDER, folder=place)]
        answer, at_end = Answer(lines, {"project": None}), place
    else:
        answer = _run(options, path)
        at_end = Path(answer.values["output"]) / "report.html"  # noqa: PD011
    if is_opened and at_end.exists():
        click.launch(str(at_end))
    return answer


@verb
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=Path)
@click.option("--verify", is_flag=True, help="Compare files with their checksums: reads them all.")
def scenes(options: Options, paths: tuple[Path, ...], verify: bool) -> Answer:
    """List the scenes below PATH...: date, sensor, level, baseline, sun, cloud, problems."""
    from glacial_lakes.scenes import discover
    from glacial_lakes.scenes.integrity import checked
    from glacial_lakes.scenes.plausibility import problems_of
    from glacial_lakes.settings import read_limits

    refused: list[SceneRefused] = []
    language = options.language
    found = discover(paths, collecting(SceneRefused, refused), limits=read_limits())
    rows, lines = [], []
    for scene in found:
        checksum, problems = checked(scene) if verify else ("unverified", [])
        problems = [*problems, *problems_of(scene)]
        baseline, sun = scene.provenance.get("baseline", ""), scene.sun_elevation_deg
        row = {
            C.SCENE_ID: scene.id,
            C.SENSOR: scene.sensor,
            C.LEVEL: scene.level,
            "baseline": baseline,
            C.ACQUIRED: scene.acquired.isoformat(),
            C.CLOUD_PERCENT: scene.cloud_percent,
            C.SUN_ELEVATION_DEG: sun,
            C.CHECKSUM: checksum,
            "problems": problems,
            C.PATH: scene.path,
        }
        rows.append(row)
        height = "–" if sun is None else f"{sun:.0f}°"
        lines.append(
            f"{day(scene.acquired, language)} {scene.acquired:%H:%M}  {scene.sensor:6}  "
            f"{scene.level:5}  {baseline.partition(' ')[0] or '–':5}  {height:>3}  "
            f"{translate(checksum, language):12}  "
            f"{percent(scene.cloud_percent):>5}  {scene.id}"
        )
        lines += [f"    {in_language(problem, language)}" for problem in problems]
    lines += refusals(refused, options)
    values = {"scenes": rows, "refused": _refused_rows(refused)}
    return Answer(lines, values, _code(bool(found), bool(refused)))


@verb
@click.argument("paths", metavar="SCENE...", nargs=-1, required=True, type=Path)
@click.option("-o", "out", required=True, type=Path, help=".gpkg, .shp, .geojson or .fgb")
@click.option("--dem", type=Path, help="Elevation model: slope, shadow, lake elevation.")
@click.option("--glaciers", type=Path, help="Glacier outlines.")
@click.option(
    "--aoi",
    type=Path,
    help='Polygons outside of which nothing is mapped; "FILE|layername=NAME" of several layers.',
)
@click.option("--min-area-m2", type=click.FloatRange(min=0, min_open=True), help="Smallest lake.")
def map_(options: Options, paths: tuple[Path, ...], out: Path, **inputs: Any) -> Answer:
    """Map single scenes into one file of outlines, without lake identities."""
    from glacial_lakes.settings import read_limits
    from glacial_lakes.workflow.map_files import map_scenes

    refused: list[SceneRefused] = []
    with reasons_first(options, refused), progress(options, refused, ["map", "export"]) as listen:
        outlines = map_scenes(paths, out, **inputs, limits=read_limits(), on_event=listen)
    observed = outlines[C.AREA_M2].dropna()
    done = Message(
        "{count} outline, {area:.3f} km² → {path}",
        "{count} outlines, {area:.3f} km² → {path}",
        count=len(outlines),
        area=float(observed.sum() / 1e6),
        path=out.absolute(),
    )
    lines = [in_language(done, options.language), *refusals(refused, options)]
    values = {
        "path": str(out.absolute()),
        "outlines": len(outlines),
        "scenes": sorted(set(outlines[C.SCENE_ID])),
        "refused": _refused_rows(refused),
    }
    return Answer(lines, values, _code(True, bool(refused)))


@verb
@click.argument("project", metavar="PROJECT.TOML", type=Path)
@click.option("--jobs", type=click.IntRange(min=1), help="Scenes mapped at a time.")
@click.option(
    "--max-memory", type=memory_amount, metavar="SIZE", help="For all processes together, e.g. 4GB."
)
@click.option("--dask", metavar="ADDRESS", help="Map on a Dask cluster, e.g. tcp://10.0.0.5:8786.")
@click.option("--plan", is_flag=True, help="Only tell scenes, bytes and memory; read no pixel.")
@_allow_empty
def run(options: Options, project: Path, plan: bool, **where: Any) -> Answer:
    """Do the whole job of a project file: map what is new, track, export, report."""
    return _plan(options, project, **where) if plan else _run(options, project, **where)


def _plan(
    options: Options,
    path: Path,
    jobs: int | None = None,
    max_memory: int | None = None,
    **_: Any,
) -> Answer:
    project = _project_of(options, path)
    from glacial_lakes.workflow.plan import explain

    with progress(options) as listen:
        plan = explain(project, jobs=jobs, max_memory=max_memory, on_event=listen)
    rows = [
        {
            C.SCENE_ID: scene.scene_id,
            C.ACQUIRED: scene.acquired.isoformat(),
            C.SENSOR: scene.sensor,
            C.LEVEL: scene.level,
            C.CLOUD_PERCENT: scene.cloud_percent,
            C.PATH: scene.path,
            "bytes": scene.bytes,
            "remote": scene.is_remote,
            "reused": scene.is_reused,
        }
        for scene in plan.scenes
    ]
    lines = [
        f"{day(scene.acquired, options.language)} {scene.acquired:%H:%M}  {scene.sensor:5}  "
        f"{number(scene.bytes / 1e6, 1, options.language):>9} {translate('MB', options.language)}  "
        f"{scene.scene_id}"
        for scene in plan.scenes
    ]
    summary = Message(
        "{count} scene, {size:.1f} MB to read, {fetched:.1f} MB of them from servers; "
        "{jobs} at a time, {memory:.1f} GB of memory at most",
        "{count} scenes, {size:.1f} MB to read, {fetched:.1f} MB of them from servers; "
        "{jobs} at a time, {memory:.1f} GB of memory at most",
        count=len(plan.scenes),
        size=plan.bytes / 1e6,
        fetched=plan.fetched_bytes / 1e6,
        jobs=plan.jobs,
        memory=plan.memory_bytes / 1e9,
    )
    lines += [in_language(summary, options.language), *refusals(plan.refused, options)]
    values = {
        "scenes": rows,
        "bytes": plan.bytes,
        "fetched_bytes": plan.fetched_bytes,
        "jobs": plan.jobs,
        "memory_bytes": plan.memory_bytes,
        "refused": _refused_rows(plan.refused),
    }
    return Answer(lines, values, _code(bool(plan.scenes), bool(plan.refused)))


@verb
@click.argument("lake", metavar="LAKE")
@click.argument("project", metavar="PROJECT.TOML", type=Path)
@click.option("-o", "out", type=Path, help="The .csv file; a figure (.png) goes beside it.")
def series(options: Options, lake: str, project: Path, out: Path | None) -> Answer:
    """Tell the area of one LAKE on all dates: its ID, number or name, a file, or LON,LAT."""
    from glacial_lakes.settings import inputs_of

    settings = _project_of(options, project)
    place = _place_of(lake)
    if out is not None:
        if out.suffix.lower() != ".csv":
            raise click.BadParameter(
                _usage_text(Message("{path} does not end in .csv", path=out)), param_hint="-o"
            )
        refuse_addresses(out)
        read = [project, *inputs_of(settings), *([place] if isinstance(place, Path) else [])]
        keep_apart([out, out.with_suffix(".png")], read)
    from glacial_lakes.export.series import write_series
    from glacial_lakes.workflow.area_series import series_of_project
    from glacial_lakes.workflow.read_ahead import layer_readers

    if isinstance(place, Path):
        _within_limits(layer_readers(place))
    refused: list[SceneRefused] = []
    with reasons_first(options, refused), progress(options, refused) as listen:
        found = series_of_project(settings, place, on_event=listen)
    names = [] if out is None else write_series(found, out, options.language)
    lines = [*dates_of(found, options), *map(str, names), *refusals(refused, options)]
    values = {
        "lake": found.lake_id,
        "observations": _records(found.observations),
        "events": _records(found.events),
        "paths": [str(path) for path in names],
        "refused": _refused_rows(refused),
    }
    return Answer(lines, values, _code(True, bool(refused)))


def _place_of(lake: str) -> Any:
    """Return what a word of the command line names: a place, a file of places or a lake."""
    numbers = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*", lake)
    if numbers:
        from shapely import Point

        return Point(float(numbers[1]), float(numbers[2]))
    path = Path(lake)
    return path if path.suffix.lower() in _FILE_SUFFIXES and file_of(path).exists() else lake


@verb
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=Path)
@click.option("-o", "out", required=True, type=Path, help="The .gpkg file of the inventory.")
@click.option(
    "--field",
    "given",
    multiple=True,
    metavar="OURS=THEIRS",
    help="A field of FILE under another name, e.g. acquired=IMG_DAY; may be repeated.",
)
@click.option("--date", metavar="YYYY[-MM[-DD]]", help="Date of all outlines.")
@click.option("--encoding", help="Text encoding of a shapefile, e.g. CP1251.")
@click.option("--layer", help="Layer of FILE.")
@click.option("--glaciers", type=Path, help="Glacier outlines.")
@click.option(
    "--basins", type=Path, help='Polygons of basins; "FILE|layername=NAME" of several layers.'
)
@click.option("--basin-field", default="name", help="Their field with names.")
@click.option(
    "--catalogue",
    type=Path,
    metavar="FILE|PROJECT.TOML",
    help="Your list of lakes, whose numbers, names and districts last; where its columns have "
    "unusual names, the project file that tells them.",
)
@_allow_empty
def track(
    options: Options,
    paths: tuple[Path, ...],
    out: Path,
    given: tuple[str, ...],
    catalogue: Path | None,
    **inputs: Any,
) -> Answer:
    """Make an inventory of older outlines that others drew."""
    from glacial_lakes.ingest.fields import field_map
    from glacial_lakes.ingest.partner import named_catalogue
    from glacial_lakes.ingest.track_files import track_files
    from glacial_lakes.settings import read_limits
    from glacial_lakes.workflow.read_ahead import layer_readers, too_costly

    fields = dict(field_map(text) for text in given)
    others = layer_readers(out, inputs["glaciers"], inputs["basins"])
    if catalogue is not None:
        others[catalogue] = functools.partial(named_catalogue, catalogue, inputs["encoding"])
    surveys_read = layer_readers(*paths, layer=inputs["layer"], encoding=inputs["encoding"])
    costly = too_costly(others | surveys_read, read_limits())
    for path in others.keys() & costly.keys():
        raise costly[path]
    if catalogue is not None:
        inputs["catalogue"] = named_catalogue(catalogue, inputs["encoding"])
    refused: list[SceneRefused] = []
    left_out: list[RowsLeftOut] = []
    stages = ["read", "track", "export"]
    with reasons_first(options, refused), progress(options, refused, stages) as tell:
        listen = collecting(RowsLeftOut, left_out, tell)
        for path, error in costly.items():
            listen(SceneRefused(str(path), error.line_beside(path)))
        paths = tuple(path for path in paths if path not in costly)
        inventory = track_files(
            paths, out, fields=fields, language=options.language, **inputs, on_event=listen
        )
    say, path = speaker(options), out.absolute()
    lines = [
        *surveys(inventory, options),
        *findings(path, options),
        f"{say('inventory')}  {path}",
        *refusals(refused, options),
        *(oddity(event, options) for event in left_out),
    ]
    values = {
        "path": str(path),
        "lakes": len(inventory.lakes),
        "left_out": [
            {"path": event.path, "rows": event.count, "reason": event.reason} for event in left_out
        ],
        "surveys": inventory.outlines[C.SCENE_ID].value_counts().sort_index().to_dict(),
        "refused": _refused_rows(refused),
    }
    return Answer(lines, values, _code(True, bool(refused or left_out)))


@verb
@click.argument("path", metavar="FILE", type=Path)
@click.option("--layer", help="Layer of FILE.")
@click.option("--encoding", help="Text encoding of a shapefile, e.g. CP1251.")
def check(options: Options, path: Path, **given: Any) -> Answer:
    """Examine a file of lakes: geometry, overlaps, codes, dates, fields, units."""
    from glacial_lakes.ingest.check import check_file
    from glacial_lakes.ingest.neighbours import extent, siblings
    from glacial_lakes.workflow.read_ahead import layer_readers

    beside = {sibling: functools.partial(extent, sibling) for sibling in siblings(path)}
    _within_limits(layer_readers(path, **given) | beside)
    return _examined(check_file(path, **given), options)


@verb
@click.argument("inventory", metavar="INVENTORY.GPKG", type=Path)
@click.option("-o", "folder", required=True, type=Path, help="Folder for the files.")
@click.option("--format", "formats", multiple=True, help="May be repeated; default: all.")
@click.option(
    "--epoch",
    "epochs",
    multiple=True,
    type=epoch_years,
    metavar="NAME=YEAR-YEAR",
    help="Best outlines of some years, e.g. 2020=2019-2021; may be repeated.",
)
@click.option(
    "--months",
    type=month_list,
    metavar="MONTHS",
    help="Season of --epoch, e.g. 7-10; default: all.",
)
@click.option(
    "--since",
    metavar="TIME|INVENTORY.GPKG",
    help="What changes in inventory.xlsx and report are told from, e.g. 2020 or 2009-2011.",
)
def export(
    options: Options,
    inventory: Path,
    folder: Path,
    formats: tuple[str, ...],
    since: str | None,
    **composites: Any,
) -> Answer:
    """Write an inventory in other formats, or the best outlines of some years."""
    from glacial_lakes.export.export import FORMATS, export_composites, lacking_packages
    from glacial_lakes.export.export import export as write
    from glacial_lakes.inventory.inventory import open_inventory
    from glacial_lakes.workflow.read_ahead import layer_readers

    for name in formats:
        if name not in FORMATS:
            what = Message(
                "{name!r} is no format; known are {formats}", name=name, formats=list(FORMATS)
            )
            raise click.BadParameter(_usage_text(what), param_hint="--format")
    if folder.is_file() or folder.suffix.lower() in _FILE_SUFFIXES:
        raise ConfigError(
            folder,
            "is a file, or named like one: the files of an export have names of their own",
            "name a folder",
        )
    epochs, months = composites["epochs"], composites["months"]
    if months and not epochs:
        raise click.UsageError(_usage_text(Message("--months needs --epoch")))
    lacking = {} if formats else lacking_packages(FORMATS)
    names = formats or (() if epochs else tuple(name for name in FORMATS if name not in lacking))
    refuse_addresses(folder)
    keep_apart([folder / "inventory.gpkg"] if "gpkg" in names else [], [inventory])
    listen = how_far(options, ["read", "export"])
    listen(StageStarted("read", 1))
    _within_limits(layer_readers(inventory, _file_in(since)))
    lakes = open_inventory(inventory)
    language = options.lang or lakes.language
    paths = write(lakes, folder.absolute(), names, language=language, since=since, on_event=listen)
    if epochs:
        years = {name: (first, last) for name, first, last in epochs}
        season = months or range(1, 13)
        paths += export_composites(lakes, folder.absolute(), years, season, language=language)
    files = [str(path) for path in paths]
    say = speaker(options)
    left_out = [
        say("{format} is left out: it needs the package {package}").format(
            format=name, package=package
        )
        for name, package in lacking.items()
        if not epochs
    ]
    return Answer([*files, *left_out], {"paths": files})


@verb
@click.argument("inventory", metavar="INVENTORY.GPKG", type=Path)
@click.option("-o", "out", required=True, type=Path, help="The .html file.")
@click.option(
    "--kind",
    type=click.Choice(["full", "summary", "atlas", "viewer"]),
    default="full",
    help="The full report, ten pages of it, a page for each lake, or a map to review in.",
)
@click.option(
    "--lake",
    "lakes",
    metavar="NAME",
    multiple=True,
    help="ID, number or name of a lake in the atlas; without it all that need a look.",
)
@click.option("--glaciers", type=Path, help="Glacier outlines.")
@click.option("--dem", type=Path, help="Elevation model: relief of the viewer.")
@click.option(
    "--since",
    metavar="TIME|INVENTORY.GPKG",
    help="What the table of changes is told from, e.g. 2020 or 2009-2011.",
)
def report(
    options: Options,
    inventory: Path,
    out: Path,
    kind: str,
    dem: Path | None,
    since: str | None,
    lakes: tuple[str, ...],
    **given: Any,
) -> Answer:
    """Write the report of an inventory: one HTML page that needs no network."""
    from glacial_lakes.export.export import earlier
    from glacial_lakes.inventory.inventory import open_inventory
    from glacial_lakes.report import write_atlas, write_viewer
    from glacial_lakes.report.page import write_report
    from glacial_lakes.scenes.dem import examine
    from glacial_lakes.workflow.read_ahead import layer_readers
    from glacial_lakes.workflow.scene_tasks import looks_in, rivers_in

    refuse_addresses(out)
    if out.suffix.lower() not in _PAGES:
        what, remedy = N_("its ending names no format"), N_("use any of {writers}")
        raise ConfigError(out, what, remedy, writers=list(_PAGES))
    if lakes and kind != "atlas":
        what = Message("{option} needs --kind {kind}", option="--lake", kind="atlas")
        raise click.UsageError(_usage_text(what))
    readers = layer_readers(inventory, given["glaciers"], _file_in(since))
    if dem is not None:
        readers[dem] = functools.partial(examine, dem)
    _within_limits(readers)
    held = open_inventory(inventory)
    path = out.absolute()
    common: dict[str, Any] = {"language": options.lang or held.language}
    of_run = inventory.absolute().parent, held.scenes[C.SCENE_ID].dropna()
    looks = looks_in(*of_run)
    if kind == "viewer":
        common |= {"dem": dem, "looks": looks, "rivers": rivers_in(*of_run)}
        path, *_ = write_viewer(held, path, **common, **given)
    elif kind == "atlas":
        path = write_atlas(held, path, list(lakes) or None, looks=looks, **common)
    else:
        common |= {"is_summary": kind == "summary", "since": earlier(since, held)}
        path = write_report(held, path, **common, **given)
    return Answer([str(path)], {"path": str(path)})


@verb
@click.argument("inventory", metavar="INVENTORY.GPKG", type=Path)
@click.argument("edited", metavar="[EDITED]", type=Path, required=False)
@click.option("--by", metavar="NAME", help="Who decided, where the fields name nobody.")
@click.option("--dry-run", is_flag=True, help="Only show what was understood.")
@click.option(
    "--partial/--whole",
    default=None,
    help="EDITED is a selection / all lakes that it lacks are false.",
)
@click.option("--encoding", help="Text encoding of a shapefile, e.g. CP1251.")
@click.option(
    "--conflicts",
    type=click.Choice(["ask", "file", "inventory"]),
    default="ask",
    help="Whose decision counts where EDITED contradicts a later one; default: ask.",
)
def review(
    options: Options, inventory: Path, edited: Path | None, partial: bool | None, **given: Any
) -> Answer:
    """Take corrections into an inventory: from EDITED, or made in the inventory itself."""
    from glacial_lakes.review.review_file import review_file
    from glacial_lakes.workflow.read_ahead import layer_readers

    listen = how_far(options, ["read", "review"])
    listen(StageStarted("read", 1))
    _within_limits(layer_readers(inventory) | layer_readers(edited, encoding=given["encoding"]))
    listen(StageStarted("review", 1))
    rejected = None if partial is None else not partial
    found = review_file(inventory, edited, missing_is_rejected=rejected, **given)
    values = _records(found.drop(columns=["geometry", C.REPLACED]))
    return Answer(decided(found, given["dry_run"], options), {"reviews": values})


@verb
@click.argument("outlines", metavar="OUTLINES", type=Path)
@click.argument("reference", metavar="REFERENCE", type=Path)
@click.option("-o", "out", type=Path, help="The .json file; a figure (.png) goes beside it.")
@click.option("--layer", help="Layer of OUTLINES.")
@click.option("--reference-layer", help="Layer of REFERENCE.")
@click.option("--date", metavar="YYYY-MM-DD", help="Day of OUTLINES to compare.")
@click.option("--min-area-m2", type=click.FloatRange(min=0), default=0.0, help="Smallest lake.")
@click.option("--pixel-m", type=click.FloatRange(min=0, min_open=True), help="Pixel of OUTLINES.")
@click.option("--causes", type=Path, help="Class raster or polygons: what false lakes are.")
def validate(
    options: Options, outlines: Path, reference: Path, out: Path | None, **given: Any
) -> Answer:
    """Compare outlines with reference outlines of the same date and area."""
    from glacial_lakes.validation.table import lines
    from glacial_lakes.validation.validate import validate_files, write_accuracy
    from glacial_lakes.workflow.read_ahead import layer_readers

    if out is not None and out.suffix.lower() != ".json":
        raise click.BadParameter(
            _usage_text(Message("{path} does not end in .json", path=out)), param_hint="-o"
        )
    if out is not None:
        refuse_addresses(out)
        read = [path for path in (outlines, reference, given["causes"]) if path is not None]
        keep_apart([out, out.with_suffix(".png")], read)
    readers = layer_readers(_layer_in(outlines, given["layer"]), given["causes"])
    _within_limits(readers | layer_readers(_layer_in(reference, given["reference_layer"])))
    listen = how_far(options, ["read", "compare", "export"])
    accuracy = validate_files(outlines, reference, **given, on_event=listen)
    listen(StageStarted("export", 1))
    names = write_accuracy(accuracy, out, options.language) if out is not None else []
    text_lines = [*lines(accuracy, options.language), *(str(path) for path in names)]
    return Answer(text_lines, accuracy.to_dict())


@verb
@click.option("-o", "folder", type=Path, help="Folder of plugins; default: that of QGIS.")
def qgis_install(options: Options, folder: Path | None) -> Answer:
    """Put the tools for the Processing toolbox of QGIS in place; they run this installation."""
    from glacial_lakes.cli.qgis_install import NAME, install

    paths = install(options.language, None if folder is None else folder.absolute())
    say = speaker(options)
    advice = say("In QGIS: Plugins, Manage and Install Plugins, Installed: {name}.")
    lines = [*(str(path) for path in paths), advice.format(name="Glacial lakes")]
    return Answer(lines, {"paths": [str(path) for path in paths], "plugin": NAME})


@verb
@click.option("--warm", is_flag=True, help="Compile the innermost loops now, not at the first run.")
def doctor(options: Options, warm: bool) -> Answer:
    """Examine the installation: versions, drivers, PROJ and GDAL conflicts, memory."""
    from glacial_lakes.cli.doctor import examine

    if warm:
        from glacial_lakes.workflow.compiling import compile_ahead

        with progress(options) as listen:
            compile_ahead(listen)
    return _examined(examine({**os.environ, **options.proj}), options)


def _examined(found: Sequence[Finding], options: Options) -> Answer:
    say, say_clause = speaker(options), functools.partial(in_language, language=options.language)
    width = max(len(say_clause(finding.subject)) for finding in found)
    lines = []
    for finding in found:
        subject, value = say_clause(finding.subject), say_clause(finding.value)
        lines.append(f"{say(finding.state):9} {subject:{width}}  {value}")
        if finding.remedy:
            lines.append(f"{'':9} {'':{width}}  → {say_clause(finding.remedy)}")
    faults = sum(finding.state == "fault" for finding in found)
    fault_count = Message("{count} fault", "{count} faults", count=faults)
    lines.append(say_clause(fault_count if faults else Message("All is well.")))
    return Answer(lines, [asdict(finding) for finding in found], ERROR if faults else OK)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    language = translated.preferred_language(words, os.environ)
    open_streams()
    doors.go_offline(os.environ)
    options = Options(preferred=language, proj=machine.drop_foreign_proj(os.environ))
    with translated.click_in(language):
        sys.exit(_main(words, options))


def _main(arguments: Sequence[str], options: Options) -> int:
    for stream in (sys.stdout, sys.stderr):  # names of any script, on consoles of any code page
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        command = translated.command_in(cli, options.preferred)
        with interrupts.remembered():
            done = command.main(
                list(arguments), prog_name="glacial-lakes", standalone_mode=False, obj=options
            )
        return _say(done, options) if isinstance(done, Answer) else int(done or OK)
    except (click.exceptions.Abort, KeyboardInterrupt):
        say = speaker(options)
        _tell(say("interrupted: older results are whole, and a new run goes on from here"))
        return INTERRUPTED
    except click.ClickException as error:
        usage = "\n".join(map(shown, error.format_message().expandtabs().split("\n")))
        error.format_message = lambda: usage  # type: ignore[method-assign]
        error.show()
        return error.exit_code
    except GlacialLakesError as error:
        return _failed(error, error, options)
    except _OF_THE_DISK as error:  # wherever they are met: no errors of the program
        remedy = remedy_for(error, N_("check the path"))
        denied = InputError(error.filename, "cannot be reached: {reason}", remedy, reason=error)
        return _failed(error, denied, options)
    except Exception as error:  # noqa: BLE001 (nobody should have to read a traceback)
        what = " ".join(f"{type(error).__name__}: {error}".split())
        notice = GlacialLakesError(None, what, "run again with --debug and report it")
        return _failed(error, notice, options)


def _tell(text: str) -> None:
    """Say something on stderr, if anybody can hear it."""
    with suppress(OSError):
        click.echo(text, err=True)


def _say(answer: Answer, options: Options) -> int:
    if options.as_json:
        text = json.dumps(answer.values, indent=2, ensure_ascii=False, default=str)
        text = _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    else:
        text = "\n".join(map(shown, answer.lines))
    try:
        click.echo(text)
    except BrokenPipeError:  # the reader of stdout has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush
        raise OutputError(
            None,
            "the standard output cannot be written: {reason}",
            "free the disk, or send it elsewhere",
            reason=error,
        ) from error
    return answer.code


def _failed(error: Exception, notice: GlacialLakesError, options: Options) -> int:
    _LOG.debug(Message("the error arose here"), exc_info=error)
    if options.debug:
        traceback_lines = "".join(traceback.format_exception(error)).splitlines()
        _tell("\n".join(map(shown, traceback_lines)))
    _tell(in_language(notice, options.language))
    if isinstance(error, LockedError):
        return LOCKED
    return USAGE if isinstance(error, ConfigError) else ERROR


def _run(
    options: Options,
    path: Path,
    jobs: int | None = None,
    max_memory: int | None = None,
    dask: str | None = None,
    allow_empty: bool = False,
) -> Answer:
    project = _project_of(options, path)

    from glacial_lakes.workflow import run  # after the project is known to be good: it loads slowly
    from glacial_lakes.workflow.dask import connect

    with (
        connect(dask) if dask else nullcontext() as client,
        progress(options, stages=["map", "track", "export"]) as listen,
    ):
        result = run.run(
            project,
            jobs=jobs,
            max_memory=max_memory,
            executor=client,
            allow_empty=allow_empty,
            on_event=listen,
        )
    names = [str(path) for path in result.paths]
    values = {
        "output": str(result.output),
        "paths": names,
        "mapped": result.mapped,
        "reused": result.reused,
        "refused": _refused_rows(result.refused),
        "set_aside": _refused_rows(result.set_aside),
        "lakes": result.n_lakes,
        "unchanged": result.unchanged,
    }
    lines = [*summary(result, options), *refusals(result.refused, options)]
    left_out = bool(result.refused or result.set_aside)
    return Answer(lines, values, _code(bool(result.paths), left_out))


def _records(table: pd.DataFrame) -> Any:
    """Return the rows of a table as JSON has them, times in milliseconds since 1970."""
    times = [str(name) for name, kind in table.dtypes.items() if kind.kind == "M"]
    rows = json.loads(table.drop(columns=times).to_json(orient="records"))
    for name in times:
        for row, time, is_none in zip(rows, table[name], table[name].isna(), strict=True):
            row[name] = None if is_none else round(time.timestamp() * 1000)
    return [{str(name): row[name] for name in table} for row in rows]


def _refused_rows(refused: Sequence[SceneRefused | SceneOdd]) -> list[dict[str, str]]:
    return [{"path": event.path, "reason": event.reason} for event in refused]


def _code(any_used: bool, any_refused: bool) -> int:
    if not any_used:
        return ERROR
    return PARTIAL if any_refused else OK
