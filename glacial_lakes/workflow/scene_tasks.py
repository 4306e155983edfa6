"""Many scenes → outlines on disk: each scene by itself, once, and none stops the others."""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import quote

import geopandas as gpd
from rasterio.windows import Window

from glacial_lakes.errors import (
    N_,
    ClusterError,
    GlacialLakesError,
    InputError,
    OutputError,
    ResourceError,
    TimeLimitError,
    UnsafeInputError,
)
from glacial_lakes.events import Listener, SceneMapped, SceneRefused, ignore
from glacial_lakes.grid import Grid
from glacial_lakes.io import atomic
from glacial_lakes.io.checksums import checksum, current_checksum, stamp
from glacial_lakes.mapping.candidates import MOST_BYTES
from glacial_lakes.mapping.mapped_scene import read_rivers
from glacial_lakes.mapping.pipeline import map_lakes, wanted_blocks
from glacial_lakes.mapping.read_mask import Blocks
from glacial_lakes.mapping.relief_fit import ReliefFit
from glacial_lakes.mapping.strips import ABOVE_PX, BELOW_PX
from glacial_lakes.runtime import interrupts
from glacial_lakes.scenes import verify
from glacial_lakes.scenes.plausibility import assess, require_plausible
from glacial_lakes.scenes.remote import is_remote
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.schema import SceneState
from glacial_lakes.settings import LimitSettings, MappingSettings
from glacial_lakes.workflow import manifest
from glacial_lakes.workflow.looks import Look, looking
from glacial_lakes.workflow.manifest import Record

SCENES_FOLDER = "scenes"
OUTLINES_NAME = "outlines.gpkg"
"""Outlines and observation mask of a scene."""
RECORD_NAME = "done.json"
LOOK_NAME = "look.tif"
"""The scene in false colour, from which the viewer cuts pictures of lakes."""
RESULT_NAMES = (RECORD_NAME, OUTLINES_NAME, LOOK_NAME, "coverage.tif")
"""All that is written of a scene, or was by version 0.1.0; the record, which tells that the others
are whole, first."""
SCENE_SECONDS = LimitSettings().scene_s
"""Longest time for a scene, where no project tells it."""

UNFORESEEN = N_("leave the scene out, and report this line")
"""What to do about a scene that fails in a way that nobody foresaw."""

MEMORY_SHARE = 0.75
"""Share of the computer's memory that is taken when nobody tells how much."""

BASE_BYTES = 400 * 2**20
"""Python, the libraries and the block cache of GDAL."""
SCENE_PIXEL_BYTES = 4
"""States of the scene, twice while they are packed, and the layers of a 30 m DEM (10 m scenes)."""
STRIP_PIXEL_BYTES = 95
"""Six bands and the masks of a strip, of the one before and of the one that is read."""
LEAST_STRIP_ROWS = 64

MOST_LOOKS = 25
"""Windows of a scene on a server that are looked at before it is mapped."""

_WAIT_SECONDS = 0.5  # Windows delivers Ctrl-C only between waits


@dataclass(frozen=True, slots=True)
class SceneTask:
    """All that a process needs to map one scene; picklable."""

    scene: Scene
    folder: Path
    """Where the result goes."""
    key: str
    """Digest of all that the result depends on besides the scene."""
    dem: Path | None
    glaciers: Path | None
    aoi: Path | None
    min_area_m2: float | None
    glacier_buffer_m: float | None
    settings: MappingSettings
    is_trusted: bool = False
    """A person vouches for the scene: it is mapped however implausible it looks."""


Mapped = tuple[Record, float]
"""A record, and the seconds that it took."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many scenes at a time, and how much each may take."""

    jobs: int
    strip_rows: int
    scene_bytes: int
    """Limit for one of ``jobs`` processes."""
    all_bytes: int
    """Limit for a scene that is mapped alone."""


def folder_name(scene_id: str) -> str:
    """Return a folder name that is different for every scene and valid on every system."""
    return quote(scene_id, safe=" ").replace(".", "%2E")


def looks_in(output: Path, scene_ids: Iterable[str]) -> dict[str, Path]:
    """Return the looks that runs kept in an output folder, by scene."""
    places = {name: output / SCENES_FOLDER / folder_name(name) / LOOK_NAME for name in scene_ids}
    return {name: path for name, path in places.items() if path.is_file()}


def rivers_in(output: Path, scene_ids: Iterable[str]) -> dict[str, gpd.GeoSeries]:
    """Return what runs that are kept in an output folder took for rivers, by scene."""
    found = {}
    for name in scene_ids:
        path = output / SCENES_FOLDER / folder_name(name) / OUTLINES_NAME
        with suppress(GlacialLakesError):  # they are a help; without them the page says the same
            rivers = read_rivers(path) if path.is_file() else None
            if rivers is not None:
                found[name] = rivers
    return found


def capacity(grids: Sequence[Grid], jobs: int, max_memory: int, strip_rows: int) -> Capacity:
    """Choose the number of processes and the rows of a strip so that the memory suffices.

    Parameters
    ----------
    grids : sequence of Grid
        Grids of the scenes; the largest one counts.
    jobs : int
        Most processes.
    max_memory : int
        Bytes for all processes together.
    strip_rows : int
        Most rows read at a time; halved while even one scene would not fit.
    """

    def most(rows: int) -> int:
        return max(estimate_bytes(grid.shape, rows) for grid in grids)

    while most(strip_rows) > max_memory and strip_rows > LEAST_STRIP_ROWS:
        strip_rows //= 2
    fitting = max_memory // most(strip_rows)
    jobs = max(1, min(jobs, fitting, len(grids)))
    return Capacity(jobs, strip_rows, max_memory // jobs, max_memory)


def estimate_bytes(shape: tuple[int, int], strip_rows: int) -> int:
    """Return the memory that mapping a scene takes at most, from measurements."""
    height, width = shape
    strip = width * min(height, strip_rows + ABOVE_PX + BELOW_PX)
    fixed = BASE_BYTES + MOST_BYTES
    return fixed + SCENE_PIXEL_BYTES * height * width + STRIP_PIXEL_BYTES * strip


def map_scene(task: SceneTask) -> Mapped:
    """Map one scene into its folder; runs in a process of its own.

    The folder is made in one that is there: a process that outlives its run for a moment brings
    nothing back that the next run has removed.

    Returns
    -------
    Record
        Also for a scene that is refused.
    float
        Seconds.

    Raises
    ------
    OutputError
        When the result cannot be written: no fault of the scene.
    MemoryError
        When the memory does not suffice.
    """
    started = time.monotonic()
    parts = manifest.scene_parts(task.scene)
    task.folder.mkdir(exist_ok=True)  # what holds it is the run's: gone with a run that was killed
    for name in RESULT_NAMES:  # the record first: no half old result counts
        (task.folder / name).unlink(missing_ok=True)
    record = Record(
        scene_id=task.scene.id,
        state=SceneState.MAPPED,
        reason="",
        n_outlines=0,
        key=task.key,
        stamp=stamp(parts),
        checksum="",
        outputs={},
    )
    is_lasting = True
    try:
        record = replace(record, checksum=checksum(parts))
        record = replace(record, verified=verify(task.scene))
        found = assess(task.scene, sampled(task))
        record = replace(
            record,
            plausibility=found.verdict,
            reason=found.reason,
            reflectance=found.reflectance,
            ground=found.ground,
        )
        if not task.is_trusted:
            require_plausible(task.scene, found)
        record = _write_outlines(task, record)
    except (OutputError, MemoryError):
        raise
    except GlacialLakesError as error:
        is_lasting = _is_of_scene(error, task, parts) and _reads_as_before(parts, record)
        record = replace(
            record, state=SceneState.REFUSED, reason=error.line_beside(task.scene.path)
        )
    except Exception as error:
        if _lacks_memory(error):
            raise MemoryError from error
        is_lasting = False
        what = " ".join(f"{type(error).__name__}: {error}".split())
        record = replace(
            record, state=SceneState.REFUSED, reason=InputError(None, what, UNFORESEEN).line
        )
    if is_lasting:
        manifest.write(task.folder / RECORD_NAME, record.as_json())
    return record, time.monotonic() - started


def sampled(task: SceneTask) -> list[Window] | None:
    """Return where a scene is looked at before it is mapped; None: all over it.

    Of images on a server only what is mapped as well is fetched.
    """
    return sample_of_blocks(task.scene, partial(blocks_of, task))


def sample_of_blocks(scene: Scene, blocks: Callable[[], Blocks]) -> list[Window] | None:
    """Return windows of a scene on a server, evenly among its blocks that are read; else None."""
    return blocks().sample(MOST_LOOKS) if is_remote(scene.bands["green"].path) else None


def blocks_of(task: SceneTask) -> Blocks:
    """Return the blocks of its scene that are read."""
    return wanted_blocks(
        task.scene,
        glaciers=task.glaciers,
        aoi=task.aoi,
        glacier_buffer_m=task.glacier_buffer_m,
    )


def _is_of_scene(error: GlacialLakesError, task: SceneTask, parts: Sequence[Path]) -> bool:
    """Tell whether it is the scene that an error is about, and no other file of the run.

    Only then is it told of the scene by later runs too, without a new look. A refusal for another
    reason, such as a file of glaciers that a program holds, is gone when that reason is.
    """
    if not isinstance(error, InputError | UnsafeInputError):
        return False
    others = {str(path) for path in (task.dem, task.glaciers, task.aoi) if path is not None}
    if error.path is None or error.path in others:
        return False
    named = Path(error.path)
    product = Path(task.scene.path)
    return named in parts or named == product or product in named.parents


def _reads_as_before(parts: Sequence[Path], record: Record) -> bool:
    """Tell whether the files of a scene can be read, and hold what they held before.

    A disk that failed for a moment says the same as a file that is cut short.
    """
    try:
        return bool(record.checksum) and checksum(parts) == record.checksum
    except OSError:
        return False


def _lacks_memory(error: Exception) -> bool:
    """Tell whether it was the memory that did not suffice, for arrays, a folder or a thread."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


def _write_outlines(task: SceneTask, record: Record) -> Record:
    fit = None if task.dem is None else ReliefFit(task.scene, task.dem)
    with looking(task.folder / LOOK_NAME, task.scene.grid) as look:
        mapped = map_lakes(
            task.scene,
            dem=task.dem,
            glaciers=task.glaciers,
            aoi=task.aoi,
            min_area_m2=task.min_area_m2,
            glacier_buffer_m=task.glacier_buffer_m,
            settings=task.settings,
            look=_shown_to(look, fit),
        )
    fault = None if fit is None else fit.fault()
    if fault is not None and record.plausibility == "plausible":
        record = replace(record, plausibility="odd", reason=fault)
    mapped.to_file(task.folder / OUTLINES_NAME)
    names = (OUTLINES_NAME, LOOK_NAME)
    written = {name: atomic.sha256(task.folder / name) for name in names}
    return replace(record, n_outlines=len(mapped.outlines), outputs=written)


def _shown_to(look: Look, fit: ReliefFit | None) -> Callable[[Window, dict[str, Any]], None]:
    """Return what gives the rows of a scene to both, where there are both."""

    def add(window: Window, reflectance: dict[str, Any]) -> None:
        look.add(window, reflectance)
        if fit is not None:
            fit.add(window, reflectance)

    return add


def earlier_record(task: SceneTask) -> Record | None:
    """Return the record of an earlier run if it still holds for the same scene and settings."""
    record = manifest.read_record(task.folder / RECORD_NAME)
    if record is None or record.key != task.key or record.scene_id != task.scene.id:
        return None
    if record.state == SceneState.MAPPED and not (
        record.outputs.keys() == {OUTLINES_NAME, LOOK_NAME}
        and manifest.outputs_hold(task.folder, record.outputs)
    ):
        return None
    parts = manifest.scene_parts(task.scene)
    known = {record.stamp: record.checksum}
    return record if current_checksum(parts, known) == record.checksum else None


def map_all(
    tasks: Sequence[SceneTask],
    executor: Executor,
    *,
    alone: Executor,
    work: Path,
    call: Callable[[SceneTask], Mapped] = map_scene,
    ahead: Callable[[], int] | None = None,
    on_event: Listener = ignore,
) -> list[Record]:
    """Map scenes by an executor, in any order; those whose process died once more, alone.

    Each scene is mapped into ``work``, and its result is moved into its place from here: what a
    lost worker still writes can never mix with the result of another one.

    Parameters
    ----------
    tasks : sequence of SceneTask
        The scenes.
    executor : concurrent.futures.Executor
        Where they run, e.g. :class:`~glacial_lakes.runtime.processes.ProcessPerCall`.
    alone : concurrent.futures.Executor
        Where scenes run whose process died.
    work : pathlib.Path
        Folder for unfinished results, on the disk of the output.
    call : callable
        What the executor does.
    ahead : callable, optional
        Gives the number of scenes that may be handed over at a time, asked again and again.
        Default: all.
    on_event : callable
        Told of each scene when it is done.

    Returns
    -------
    list of Record
        In the order of the tasks.

    Raises
    ------
    OutputError
        When the output folder cannot be written; the scenes that run are stopped.
    ClusterError
        When the executor is a cluster that cannot do it.
    """
    records: dict[str, Record] = {}
    died: list[SceneTask] = []
    pending: dict[Future[Mapped], SceneTask] = {}
    waiting = deque(tasks)
    try:
        while waiting or pending:
            most = ahead() if ahead else len(tasks)
            while waiting and len(pending) < most:
                task = waiting.popleft()
                pending[executor.submit(call, _aside(task, work))] = task
            done, _ = wait(pending, timeout=_WAIT_SECONDS, return_when=FIRST_COMPLETED)
            interrupts.raise_if_interrupted()
            while done:
                future = done.pop()
                task = pending.pop(future)
                if future.cancelled():  # not by us
                    what = N_("the connection to the Dask scheduler was lost")
                    raise ClusterError(None, what, "start the run again: it goes on from here")
                error = future.exception()
                if _ends_the_run(error):
                    raise error
                if error is None or isinstance(error, TimeLimitError):
                    records[task.scene.id] = _record_of(task, future, work, on_event)
                else:
                    died.append(task)
                del future  # a cluster would map again what is still held when its worker goes
    finally:
        for future in pending:
            future.cancel()
    for task in died:
        future = alone.submit(call, _aside(task, work))
        while not wait([future], timeout=_WAIT_SECONDS).done:
            interrupts.raise_if_interrupted()
        records[task.scene.id] = _record_of(task, future, work, on_event)
    return [records[task.scene.id] for task in tasks]


def _aside(task: SceneTask, work: Path) -> SceneTask:
    return replace(task, folder=work / task.folder.name)


def _record_of(task: SceneTask, future: Future[Mapped], work: Path, on_event: Listener) -> Record:
    """Put the result of a scene in its place, return its record and tell the listener."""
    try:
        record, seconds = future.result()
        atomic.move_results(_aside(task, work).folder, task.folder, RESULT_NAMES)
        is_mapped = record.state == SceneState.MAPPED
        if is_mapped and not manifest.outputs_hold(task.folder, record.outputs):
            raise OutputError(task.folder, "did not arrive whole", "examine the disk")
    except GlacialLakesError as error:
        if _ends_the_run(error):
            raise
        record = _refused(task, error.what, error.remedy)
    except Exception as error:  # noqa: BLE001 (an executor's own failure, e.g. a lost worker)
        if _lacks_memory(error):
            record = _refused(
                task, N_("the memory does not suffice"), N_("allow more with --max-memory")
            )
        else:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            record = _refused(task, what, N_("look into the log of the executor"))
    if record.state == SceneState.MAPPED:
        on_event(SceneMapped(record.scene_id, record.n_outlines, seconds))
    else:
        on_event(SceneRefused(task.scene.path, record.reason))
    return record


def _ends_the_run(error: BaseException | None) -> TypeGuard[GlacialLakesError]:
    """Tell whether an error is no fault of the scene, and would meet the others too."""
    if isinstance(error, ClusterError):  # a file that is lost here as well is the scene's fault
        return error.path is None or Path(error.path).exists()
    return isinstance(error, OutputError)


def _refused(task: SceneTask, what: str, remedy: str) -> Record:
    reason = ResourceError(None, what, remedy).line
    return Record(task.scene.id, SceneState.REFUSED, reason, 0, task.key, "", "", {})
