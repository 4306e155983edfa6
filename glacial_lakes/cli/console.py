"""What the commands say: progress and log on stderr, a summary of the result for stdout."""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glacial_lakes.columns import C
from glacial_lakes.errors import (
    N_,
    ForeignFileError,
    GlacialLakesError,
    Message,
    OutputError,
    remedy_for,
    shown,
)
from glacial_lakes.events import (
    DemNotGiven,
    EditsTakenIn,
    ErrorsRevised,
    Event,
    InputOdd,
    InventoryRestored,
    KernelsCompiling,
    KernelsNotCompiled,
    Listener,
    RowsLeftOut,
    SceneMapped,
    SceneOdd,
    SceneRefused,
    SceneReused,
    ScenesAway,
    StageStarted,
    ignore,
)
from glacial_lakes.language import day, epoch, in_language, number, translate
from glacial_lakes.places import keep_apart, refuse_addresses
from glacial_lakes.runtime import interrupts, machine

if TYPE_CHECKING:
    import pandas as pd

    from glacial_lakes.inventory.area_series import AreaSeries
    from glacial_lakes.inventory.inventory import Inventory
    from glacial_lakes.workflow.run import RunResult

INVENTORY_NAME = "inventory.gpkg"
REPORT_NAME, VIEWER_NAME = "report.html", "viewer.html"
_AREAS = (C.AREA_BEFORE_M2, C.AREA_AFTER_M2)
_SHOWN_COLUMNS = (
    *(C.OTHER_ID, C.LAKE_TYPE, C.DAM_TYPE),
    *(C.CATALOGUE_NO, C.LAKE_NAME, C.DISTRICT, C.COMMENT),
)
_NOTES = {
    DemNotGiven: N_(
        "no DEM is given: shade and steep slopes, which can look like water, are not excluded"
    ),
    KernelsCompiling: N_(
        "first run on this computer: the innermost loops are compiled, once; this takes about a "
        "minute"
    ),
    KernelsNotCompiled: N_(
        "NUMBA_DISABLE_JIT is set: nothing is compiled, and a map takes hours; unset it"
    ),
}
Speaker = Callable[[str], str]

_LOG = logging.getLogger("glacial_lakes")


@dataclass(slots=True)
class Options:
    """The options that every verb takes, before or after its name."""

    verbose: int = 0
    quiet: bool = False
    log_file: str | None = None
    overwrite: bool = False
    as_json: bool = False
    debug: bool = False
    progress: bool = False
    lang: str | None = None
    """The language that the user named, or the project."""
    preferred: str = "en"
    """The language of help and usage errors, and of all where none is named."""
    proj: Mapping[str, str] = field(default_factory=dict)
    """Variables that pointed PROJ to another program and were left aside."""

    @property
    def language(self) -> str:
        """The language of what is said."""
        return self.lang or self.preferred


def open_streams() -> None:
    """Give a program that was started without standard streams some that lead nowhere.

    Else the next file that is opened takes their number, and what a library prints lands in it.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            nowhere = os.fdopen(
                descriptor, "w" if descriptor else "r", encoding="utf-8", closefd=False
            )
            setattr(sys, name, nowhere)


def summary(result: RunResult, options: Options) -> list[str]:
    """Tell what a run did, and where its files are."""
    say = speaker(options)
    if not result.paths:
        return [say("No scene could be used; nothing was written.")]
    if result.unchanged:
        lines = [say("Nothing new: the result of the last run still holds.")]
    else:
        counts = Message(
            "{mapped}, {reused} as before, {refused} refused",
            mapped=Message(
                "{count} scene mapped", "{count} scenes mapped", count=len(result.mapped)
            ),
            reused=len(result.reused),
            refused=len(result.refused),
        )
        lines = [say(counts), *findings(result.output / INVENTORY_NAME, options)]
    if result.set_aside:
        odd_scenes = Message(
            "{count} scene looks odd and waits until you trust it",
            "{count} scenes look odd and wait until you trust them",
            count=len(result.set_aside),
        )
        lines.append(say(odd_scenes))
    folder = result.output / "shapefiles"
    pages = {path.name: path for path in result.paths if path.suffix == ".html"}
    places = {
        N_("inventory"): result.output / INVENTORY_NAME,
        N_("shapefiles"): folder if any(folder in path.parents for path in result.paths) else None,
        N_("report"): pages.get(REPORT_NAME),
        N_("viewer"): pages.get(VIEWER_NAME),
    }
    width = max(len(say(name)) for name in places)
    return lines + [f"{say(name):{width}}  {path}" for name, path in places.items() if path]


def decided(reviews: pd.DataFrame, dry_run: bool, options: Options) -> list[str]:
    """Tell the decisions of a person, one a line, and what becomes of them."""
    from glacial_lakes.schema import REVIEWS  # noqa: PLC0415 (slow to load)

    say, language = speaker(options), options.language
    if reviews.empty:
        return [say("Nothing was changed in the edited file.")]
    lines = []
    for _, review in reviews.drop(columns="geometry").iterrows():
        row = review.dropna()
        areas = [number(row[name], 0, language) for name in _AREAS if name in row]
        fields = [f"{' → '.join(areas)} {say('m²')}"] if areas else []
        fields += [
            f"{column.label(language)}: {column.shown_value(row[column.name], language)}"
            for column in REVIEWS
            if column.name in row and column.name in _SHOWN_COLUMNS
        ]
        when = day(row[C.ACQUIRED], language) if C.ACQUIRED in row else ""
        lines.append(
            f"{say(row[C.DECISION]):16} {row[C.LAKE_ID]:17} {when:10}  {'  '.join(fields)}  "
            f"({row.get(C.REVIEWER) or say('not told')})"
        )
    kept = Message(
        "{count} decision is kept in the inventory.",
        "{count} decisions are kept in the inventory.",
        count=len(reviews),
    )
    return [*lines, say(Message("Nothing was written.") if dry_run else kept)]


def dates_of(series: AreaSeries, options: Options) -> list[str]:
    """Tell the area of a lake, or why it is not known, one date a line; then its events."""
    say, language = speaker(options), options.language
    lines = [series.lake_id]
    for _, row in series.observations.iterrows():
        when = "" if row.isna()[C.ACQUIRED] else day(row[C.ACQUIRED], language)
        area = ""
        if not row.isna()[C.AREA_M2]:
            area = number(row[C.AREA_M2], 0, language)
            if row[C.AREA_SIGMA_M2] > 0:
                area += f" ± {number(row[C.AREA_SIGMA_M2], 0, language)}"
        elif not row.isna()[C.AREA_MIN_M2]:
            bounds = row[[C.AREA_MIN_M2, C.AREA_MAX_M2]].dropna()
            area = " … ".join(number(value, 0, language) for value in bounds)
            area = area if len(bounds) > 1 else f"≥ {area}"
        area += f" {say('m²')}" if area else ""
        volume = ""
        if not row.isna()[C.VOLUME_M3]:
            ends = (C.VOLUME_M3, C.VOLUME_LOW_M3, C.VOLUME_HIGH_M3)
            half, low, high = (number(row[name] / 1e6, 3, language) for name in ends)
            range_text = Message(
                "{half} ({low} to {high}) million m³", half=half, low=low, high=high
            )
            volume = say(range_text)
        line = f"{when:10}  {row[C.SENSOR]:5}  {say(row[C.STATUS]):14}  {area:22}  {volume}"
        lines.append(line.rstrip())
    for _, event in series.events.iterrows():
        lines.append(f"{day(event[C.DATE], language)}  {say(event[C.EVENT])}")
    return lines


def surveys(inventory: Inventory, options: Options) -> list[str]:
    """Tell how the older outlines of each survey were understood: their dates and their number."""
    from glacial_lakes.ingest.dates import ROUGH  # noqa: PLC0415 (slow to load)

    say, lines = speaker(options), []
    for scene_id, rows in inventory.outlines.groupby(C.SCENE_ID):
        ends = rows[C.ACQUIRED].min(), rows[C.ACQUIRED].max()
        days = list(dict.fromkeys(day(time, options.language) for time in ends))
        rough = int(rows[C.QUALITY].isin(ROUGH.values()).sum())
        rough_dates = Message(
            "{count} date known to the year or month only",
            "{count} dates known to the year or month only",
            count=rough,
        )
        note = f"  ({say(rough_dates)})" if rough else ""
        lines.append(f"{' – '.join(days):23}  {len(rows):6}  {scene_id}{note}")
    return lines


def findings(path: Path, options: Options) -> list[str]:
    """Tell the number of lakes, their area with its uncertainty, events and alerts."""
    from glacial_lakes.inventory.inventory import open_inventory  # noqa: PLC0415 (slow to load)
    from glacial_lakes.schema import LakeState  # noqa: PLC0415

    say = speaker(options)
    inventory = open_inventory(path)
    total = inventory.total
    lakes = Message("{count} lake", "{count} lakes", count=len(inventory.lakes))
    totals = {"lakes": lakes, "present": total.n_present, "area": (total.area_m2 or 0.0) / 1e6}
    text = Message(
        "{lakes}, {present} present now, {area:.3f} ± {sigma:.3f} km²",
        **totals,
        sigma=(total.sigma_m2 or 0.0) / 1e6,
    )
    if total.n_known and total.sigma_m2 is None:
        # Older outlines: an error of some lakes is none of the total.
        present = inventory.lakes[inventory.lakes[C.STATE] == LakeState.PRESENT]
        known = int((present[C.AREA_M2].notna() & present[C.AREA_SIGMA_M2].notna()).sum())
        text = Message(
            "{lakes}, {present} present now, {area:.3f} km², uncertainty known for {known}",
            **totals,
            known=known,
        )
    lines = [say(text)]
    older, double = total.older_m2 or 0.0, total.double_m2 or 0.0
    if older or double >= 1:
        of_it = Message(
            "of it {older:.3f} km² of older dates, {double:.3f} km² in outlines of two lakes",
            older=older / 1e6,
            double=double / 1e6,
        )
        lines.append(say(of_it))
    area, sigma = total.epoch_m2, total.epoch_sigma_m2
    if older and total.epoch and area is not None and sigma is not None:
        date = Message(
            "on {date} alone: {lakes}, {area:.3f} ± {sigma:.3f} km²",
            date=epoch(total.epoch, options.language),
            lakes=Message("{count} lake", "{count} lakes", count=total.n_epoch),
            area=area / 1e6,
            sigma=sigma / 1e6,
        )
        lines.append(say(date))
    for name, count in inventory.events[C.EVENT].value_counts().sort_index().items():
        lines.append(f"{say(str(name))}: {count}")
    return [*lines, f"{say('alerts')}: {len(inventory.alerts)}"]


def _noted(event: InventoryRestored | ScenesAway | ErrorsRevised, say: Speaker) -> str:
    if isinstance(event, InventoryRestored):
        return say("{path} was missing and is put back as it was written").format(path=event.path)
    if isinstance(event, ErrorsRevised):
        revised = Message(
            "the errors of {areas} of {known} older areas are parted anew by what all dates show; "
            "the areas are as they were",
            areas=event.areas,
            known=event.known,
        )
        return say(revised)
    missing_scenes = Message(
        "{scenes}: what only they showed is left out, but for lakes that persons have touched: "
        "{lakes}",
        scenes=Message(
            "{count} scene of the last run is not there",
            "{count} scenes of the last run are not there",
            count=event.scenes,
        ),
        lakes=event.lakes,
    )
    return say(missing_scenes)


def _taken_in(count: int, kept: str) -> Message:
    if not count:
        return Message(
            "the inventory was changed, but no decision follows; kept as {path}", path=kept
        )
    return Message(
        "the inventory was edited: {count} decision kept, file in {path}",
        "the inventory was edited: {count} decisions kept, file in {path}",
        count=count,
        path=kept,
    )


@contextmanager
def progress(
    options: Options, refused: list[SceneRefused] | None = None, stages: Sequence[str] = ()
) -> Iterator[Listener]:
    """Give a listener that shows a bar on a terminal, else a line for each scene.

    Refusals wait until work starts. Where none does, the answer follows at once and tells them.
    """
    waiting: list[SceneRefused] = []
    is_working = False
    far = how_far(options, stages)
    with _shown(options) as show:

        def start() -> None:
            nonlocal is_working
            is_working = True
            while waiting:
                show(waiting.pop(0))

        def listen(event: Event) -> None:
            interrupts.raise_if_interrupted()  # between scenes and between stages
            far(event)
            if event == StageStarted("map", 0):
                return
            if isinstance(event, StageStarted):
                start()
            if isinstance(event, SceneRefused):
                if refused is not None:
                    refused.append(event)
                if not is_working:
                    waiting.append(event)
                    return
            show(event)

        try:
            yield listen
        except BaseException:  # no answer follows
            start()
            raise
        for line in refusals(waiting, options):
            _LOG.debug(line)  # for the log file


def how_far(options: Options, stages: Sequence[str]) -> Listener:
    """Return a listener that tells on stderr how far a command is, where that is asked for."""
    if not options.progress:
        return ignore
    from glacial_lakes.cli.fraction import percents  # noqa: PLC0415 - few ask for it

    return percents(stages, lambda percent: click.echo(f"{percent} %", err=True))


@contextmanager
def _shown(options: Options) -> Iterator[Listener]:
    say = speaker(options)
    with ExitStack() as stack:
        bars: list[Any] = []

        def tell(text: str) -> None:
            _LOG.info(text)
            if bars:
                bars[0].update(1)

        def listen(event: Event) -> None:
            match event:
                case StageStarted("map", total):
                    scene_count = Message(
                        "{count} scene to map", "{count} scenes to map", count=total
                    )
                    _LOG.info(say(scene_count))
                    if sys.stderr.isatty() and not (options.quiet or options.verbose):
                        bar = click.progressbar(length=total, label=say("mapping"), file=sys.stderr)
                        bars.append(stack.enter_context(bar))
                case StageStarted("track"):
                    _LOG.info(say("tracking lakes"))
                case StageStarted("export"):
                    _LOG.info(say("writing files"))
                case SceneMapped(scene_id, outlines, seconds):
                    mapped_scene = Message(
                        "{scene}: {count} outline in {seconds:.1f} s",
                        "{scene}: {count} outlines in {seconds:.1f} s",
                        scene=scene_id,
                        count=outlines,
                        seconds=float(seconds),
                    )
                    tell(say(mapped_scene))
                case SceneReused(scene_id):
                    _LOG.info(say("{scene}: as before").format(scene=scene_id))
                case EditsTakenIn(count, kept):
                    _LOG.warning(_taken_in(count, kept))
                case InventoryRestored() | ScenesAway() | ErrorsRevised():
                    _LOG.warning(_noted(event, say))
                case DemNotGiven() | KernelsCompiling() | KernelsNotCompiled():
                    _LOG.warning(say(_NOTES[type(event)]))
                case SceneOdd() | InputOdd() | RowsLeftOut():
                    _LOG.warning(oddity(event, options))
                case SceneRefused():
                    tell(*refusals([event], options))

        yield listen


@contextmanager
def reasons_first(options: Options, refused: Sequence[SceneRefused]) -> Iterator[None]:
    """Tell why nothing could be used where the messages about it were not shown before."""
    try:
        yield
    except GlacialLakesError:
        if _screen_level(options) > logging.INFO:
            for line in refusals(refused, options):
                _LOG.error(line)
        raise


def refusals(refused: Sequence[SceneRefused], options: Options) -> list[str]:
    """Tell which products could not be used, and why."""
    say = speaker(options)
    text = say("refused: {path}: {reason}")
    return [
        text.format(path=event.path, reason=in_language(event.reason, options.language))
        for event in refused
    ]


def oddity(event: SceneOdd | InputOdd | RowsLeftOut, options: Options) -> str:
    """Tell why a scene or another input looks odd, and what becomes of it."""
    say, reason = speaker(options), in_language(event.reason, options.language)
    if isinstance(event, SceneOdd) and not event.is_used:
        text = say(
            'set aside: {path}: {reason}; if it is right, write inputs.trusted_scenes = ["{scene}"]'
        )
        return text.format(path=event.path, reason=reason, scene=event.scene_id)
    if isinstance(event, RowsLeftOut):
        return f"{event.path}: {reason}"
    return say("looks odd: {path}: {reason}").format(path=event.path, reason=reason)


def percent(value: float | None) -> str:
    """Write a share in whole percent, a dash when it is not known."""
    return "–" if value is None else f"{value:.0f} %"


def speaker(options: Options) -> Speaker:
    """Return the function that puts a text into the user's language."""
    return functools.partial(_sentence, language=options.language)


def _sentence(text: str, language: str) -> str:
    is_filled = isinstance(text, Message)
    return in_language(text, language) if is_filled else translate(text, language)


_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ glacial_lakes")


def _check_log_file(options: Options, named: Sequence[Path]) -> None:
    """Refuse a log file that is a file of the command, or of anything else but a log."""
    path = Path(str(options.log_file)).absolute()
    refuse_addresses(path.name, str(options.log_file))
    keep_apart([path], named)
    if options.overwrite or not os.path.lexists(path) or path.is_char_device():
        return
    try:
        head = ""
        if path.is_file():  # a pipe would keep its reader waiting
            with path.open(encoding="utf-8", errors="replace") as file:
                head = file.readline(200)
    except OSError as error:
        remedy = remedy_for(error, N_("check the path"))
        raise OutputError(path, "cannot be written: {reason}", remedy, reason=error) from error
    if not (_LOG_LINE.match(head) or (path.is_file() and not head)):
        raise ForeignFileError(
            path,
            "is there, and no log of this program",
            "name another file, or replace it with --overwrite",
        )


class _OneLine(logging.Formatter):
    """A message is one line that steers no terminal, whatever the names of files in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (of logging)
        return shown(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(map(shown, super().formatException(ei).splitlines()))


def set_up_log(options: Options, named: Sequence[Path] = ()) -> None:
    """Send messages of the package to stderr, and to the log file all of them.

    Parameters
    ----------
    options : Options
        Of the command line.
    named : sequence of pathlib.Path
        Files that the command reads and writes: none of them can be the log file.
    """
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(_screen_level(options))
    screen.setFormatter(_InLanguage(options))
    if logging.lastResort:  # what speaks for libraries
        logging.lastResort.setFormatter(_OneLine("%(message)s"))
    _LOG.handlers[:] = [screen]
    _LOG.setLevel(logging.DEBUG)
    if options.log_file:
        _check_log_file(options, named)
        try:
            file = logging.FileHandler(options.log_file, "w" if options.overwrite else "a", "utf-8")
        except OSError as error:
            raise OutputError(
                options.log_file,
                "cannot be written: {reason}",
                remedy_for(error, N_("check the path")),
                reason=error,
            ) from error
        file.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        _LOG.addHandler(file)
    say = speaker(options)
    for name, value in options.proj.items():
        text = say(
            "{name}={value} belongs to another program and is left aside ({keep}=1 keeps it)"
        )
        _LOG.warning(text.format(name=name, value=value, keep=machine.KEEP_PROJ))


class _InLanguage(_OneLine):
    """Says what the package tells its log in the language of the user; files keep English.

    A project may tell the language after the log has begun.
    """

    def __init__(self, options: Options) -> None:
        super().__init__("%(message)s")
        self._options = options

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (of logging)
        """Return the line on the screen."""
        if isinstance(record.msg, Message):
            return in_language(record.msg, self._options.language)
        return super().formatMessage(record)


def _screen_level(options: Options) -> int:
    if options.quiet:
        return logging.ERROR
    if options.verbose > 1:
        return logging.DEBUG
    shows_bar = sys.stderr.isatty() and not options.verbose
    return logging.WARNING if shows_bar else logging.INFO
