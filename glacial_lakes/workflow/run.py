"""A project file → the whole job: map what is new, track, export, report, and a manifest."""

from __future__ import annotations

import glob
import json
import logging
import numbers
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.errors import N_, InputError, Message, MissingFileError, require
from glacial_lakes.events import (
    DemNotGiven,
    InputOdd,
    Listener,
    PartDone,
    SceneOdd,
    SceneRefused,
    SceneReused,
    StageStarted,
    collecting,
    ignore,
    only,
)
from glacial_lakes.export.export import earlier, export, require_packages
from glacial_lakes.inventory.build import named_basins, track
from glacial_lakes.inventory.catalogue import read_catalogue
from glacial_lakes.inventory.error_parts import tell_revised
from glacial_lakes.inventory.inventory import Inventory, open_inventory
from glacial_lakes.inventory.kept import refuse_empty, tell_away
from glacial_lakes.inventory.surveys import read_surveys
from glacial_lakes.io import atomic, locks, marks
from glacial_lakes.io.atomic import Aside
from glacial_lakes.io.checksums import checksum, parts_of
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.reach import check_reach, extent_of, require_near
from glacial_lakes.mapping.seeds import detector_of
from glacial_lakes.measures.glaciers import glacier_outlines
from glacial_lakes.measures.meridian import in_degrees
from glacial_lakes.places import file_of, keep_apart, layer_of
from glacial_lakes.report.page import write_report
from glacial_lakes.report.viewer import write_viewer
from glacial_lakes.review import working_copy
from glacial_lakes.runtime import machine
from glacial_lakes.runtime.processes import ProcessPerCall
from glacial_lakes.runtime.revision import code_version
from glacial_lakes.scenes import discover
from glacial_lakes.scenes.agreement import Ground, disagreeing
from glacial_lakes.scenes.dem import examine
from glacial_lakes.scenes.plausibility import PERCENTILES
from glacial_lakes.scenes.products import without_twins
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.schema import SceneState
from glacial_lakes.settings import (
    Project,
    StacSource,
    as_dict,
    check_output,
    digest,
    input_files,
)
from glacial_lakes.workflow import manifest, output_folder
from glacial_lakes.workflow.catalogues import KEPT_FOLDER, scenes_of_catalogues
from glacial_lakes.workflow.compiling import compile_ahead
from glacial_lakes.workflow.dask import map_on_cluster
from glacial_lakes.workflow.manifest import Record
from glacial_lakes.workflow.output_folder import (
    INVENTORY_NAME,
    REPORT_NAME,
    RUNNING_NAME,
    VIEWER_NAME,
    WORK_PREFIX,
)
from glacial_lakes.workflow.read_ahead import read_ahead, readers_of
from glacial_lakes.workflow.scene_tasks import (
    MEMORY_SHARE,
    OUTLINES_NAME,
    SCENES_FOLDER,
    SceneTask,
    capacity,
    earlier_record,
    folder_name,
    looks_in,
    map_all,
    rivers_in,
)

if TYPE_CHECKING:
    from distributed import Client

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did.

    Parameters
    ----------
    output : pathlib.Path
        The output folder.
    paths : tuple of pathlib.Path
        The files of the result, the manifest last; empty when no scene could be used.
    mapped, reused : tuple of str
        Scenes that were mapped now, and those whose earlier outlines still hold.
    refused : tuple of SceneRefused
        Scenes that could not be used, with the reason.
    n_lakes : int
        Lakes in the inventory.
    unchanged : bool
        Nothing was new, and nothing was written.
    set_aside : tuple of SceneOdd
        Scenes that were mapped but look odd, and wait for a person to trust them.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> result = gl.run(gl.read_project("project/project.toml"))
    >>> result.output.name, (result.output / "manifest.json").exists()
    ('output', True)
    """

    output: Path
    paths: tuple[Path, ...]
    mapped: tuple[str, ...]
    reused: tuple[str, ...]
    refused: tuple[SceneRefused, ...]
    n_lakes: int
    unchanged: bool = False
    set_aside: tuple[SceneOdd, ...] = ()


def run(
    project: Project,
    *,
    jobs: int | None = None,
    max_memory: int | None = None,
    executor: Executor | Client | None = None,
    allow_empty: bool = False,
    on_event: Listener = ignore,
) -> RunResult:
    """Do the whole job of a project: scenes in, inventory, exports and report out.

    Only scenes that are new or changed are mapped. The result does not depend on ``jobs``,
    ``max_memory``, the executor or the order of the scenes: it is the same to the byte. A run
    that is stopped at any moment leaves the older result whole, and the next one goes on.

    Parameters
    ----------
    project : Project
        From :func:`read_project`.
    jobs : int, optional
        Scenes mapped at a time. Default: one for each core, or each thread of a cluster.
    max_memory : int, optional
        Bytes for all processes together; fewer scenes at a time and smaller blocks are used to
        keep to it. Default: ``limits.memory_gb`` of the project.
    executor : distributed.Client or concurrent.futures.Executor, optional
        Where scenes are mapped instead of in processes of this computer. It must see the same
        files at the same paths.
    allow_empty : bool
        An inventory with lakes may be replaced by one in which no image shows any.
    on_event : callable, optional
        Called with messages of :mod:`glacial_lakes.events`.

    Returns
    -------
    RunResult

    Raises
    ------
    ClusterError
        When a cluster is lost, or its workers see other files or have other versions.
    ConfigError
        When the project names an index or a detector that does not exist.
    InputError
        When an argument is of another type, or jobs is below 1.
    LockedError
        When another run writes the same output.
    MissingFileError
        When an input that the project names is not there.
    OutputError
        When a result cannot be written.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> project = gl.read_project("project/project.toml")
    >>> result = gl.run(project)
    >>> result.refused, result.n_lakes > 0
    ((), True)
    """
    _require_types(project, jobs, max_memory)
    refused: list[SceneRefused] = []
    listen = collecting(SceneRefused, refused, on_event)
    detector_of(project.mapping, project.file)  # told once, not by every scene
    check_output(project)
    require_packages(project.export.formats)
    output = (project.folder / project.project.output).resolve()
    with locks.folder_lock(output):
        atomic.settle(output)
        output_folder.claim(output)
        take_in = partial(working_copy.take_in, output / INVENTORY_NAME, listen, project.project.by)
        take_in()
        with read_ahead(readers_of(project), project.limits):
            scenes = find_scenes(project, listen)
        tell_of_dem(project, on_event)
        keep_apart([output], {part for scene in scenes for part in _places(scene)}, folder=True)
        require_reach(project, scenes, on_event)
        checksums = checksums_of(project)
        tasks = tasks_of(project, scenes, checksums, output)
        with _work_folder(output) as work:
            records, mapped = _map(
                tasks,
                work,
                executor,
                jobs=jobs,
                max_memory=max_memory or project.limits.memory_bytes,
                scene_seconds=project.limits.scene_s,
                on_event=listen,
            )
        trusted = project.inputs.trusted_scenes
        records = compared(scenes, records)
        odd = odd_scenes(scenes, records, trusted)
        for event in odd:
            on_event(event)
        used = usable(records, {event.scene_id for event in odd})
        reused = tuple(scene_id for scene_id in used if scene_id not in mapped)
        refusals = tuple(sorted(refused, key=lambda event: (event.path, event.reason)))
        result = RunResult(output, (), mapped, reused, refusals, 0, set_aside=odd)
        if not used:
            return result
        table = manifest.scene_table(project.folder, scenes, records, refusals, trusted)
        take_in()  # mapping may have taken hours
        content = manifest.content(project, table, records, checksums)
        earlier = manifest.read(output / manifest.FILE_NAME)
        outputs = manifest.outputs_of(earlier)
        is_same = content == {key: earlier.get(key) for key in content}
        is_same &= isinstance(earlier.get(C.N_LAKES), int)
        if is_same and manifest.outputs_hold(output, outputs):
            n_lakes, unchanged = int(earlier[C.N_LAKES]), True
        else:
            listen(StageStarted("track", len(used)))
            inventory = _track(project, output, used, table, content, allow_empty, listen)
            n_lakes, unchanged = len(inventory.lakes), False
            outputs = _replace_results(project, output, inventory, content, outputs, listen)
        paths = tuple(output / name for name in (*outputs, manifest.FILE_NAME))
        return replace(result, paths=paths, n_lakes=n_lakes, unchanged=unchanged)


def _require_types(project: object, jobs: object, max_memory: object) -> None:
    require(project, Project, "project", N_("read it with read_project"))
    remedy = N_("give a whole number of at least 1")
    for name, value in (("jobs", jobs), ("max_memory", max_memory)):
        if value is None:
            continue
        require(value, numbers.Integral, name, remedy, but=bool)
        if int(value) < 1:  # type: ignore[call-overload]
            raise InputError(None, "{name} is given as {value}", remedy, name=name, value=value)


def usable(records: Mapping[str, Record], waiting: set[str]) -> list[str]:
    """Return the scenes that were mapped and wait for nobody."""
    mapped = (record for record in records.values() if record.state == SceneState.MAPPED)
    return [record.scene_id for record in mapped if record.scene_id not in waiting]


def compared(scenes: Sequence[Scene], records: Mapping[str, Record]) -> dict[str, Record]:
    """Return the records, with those odd that show the ground as no other scene does.

    What ``done.json`` keeps is of the scene alone, so that another scene changes none.
    """
    grounds = {
        scene.id: Ground(
            extent_of(scene.grid),
            record.ground,
            {band: levels[PERCENTILES.index(50.0)] for band, levels in record.reflectance.items()},
        )
        for scene in scenes
        if (record := records[scene.id]).plausibility == "plausible"
        and record.state == SceneState.MAPPED
    }
    reasons = disagreeing(grounds)
    return {
        name: replace(record, plausibility="odd", reason=reasons[name])
        if name in reasons
        else record
        for name, record in records.items()
    }


def odd_scenes(
    scenes: Sequence[Scene], records: Mapping[str, Record], trusted: Collection[str]
) -> tuple[SceneOdd, ...]:
    """Return the scenes that wait until a person trusts them."""
    odd = {record.scene_id: record for record in records.values() if record.is_odd(trusted)}
    return tuple(
        SceneOdd(scene.id, scene.path, odd[scene.id].reason, is_used=False)
        for scene in scenes
        if scene.id in odd
    )


def tell_of_dem(project: Project, on_event: Listener) -> None:
    """Tell that a project has no elevation model, or what is odd about it."""
    if project.inputs.dem is None:
        on_event(DemNotGiven())
    elif reason := examine(dem := project.folder / project.inputs.dem):
        on_event(InputOdd(str(dem), reason))


def require_reach(project: Project, scenes: Sequence[Scene], on_event: Listener = ignore) -> None:
    """Refuse inputs that cannot be used or meet no scene, before hours are spent on them."""
    if project.area.basins is not None:
        named_basins(project.folder / project.area.basins, project.area.basin_field)
    catalogue = read_catalogue(project.catalogue, project.folder)
    if catalogue is not None and catalogue.note:
        on_event(InputOdd(str(project.folder / str(project.catalogue.file)), catalogue.note))
    surveys = read_surveys(project.storage, project.folder)
    extents = [extent_of(scene.grid) for scene in scenes]
    basins = in_degrees(surveys.basins.geometry)
    for name, place in zip(surveys.basins[C.SOURCE], basins, strict=True):
        require_near(name, [place], extents)
    if catalogue is not None:
        require_near(catalogue.source, catalogue.placed.geometry, extents)
    since = project.export.since
    if since is not None and since.lower().endswith(".gpkg"):
        path = project.folder / since
        require_near(path, open_inventory(path).lakes.geometry, extents)
    if not scenes:
        return
    named = {
        "aoi": project.area.aoi,
        "glaciers": project.inputs.glaciers,
        "basins": project.area.basins,
    }
    check_reach(
        extents,
        buffer_m=project.area.glacier_buffer_m,
        **{name: None if path is None else project.folder / path for name, path in named.items()},
    )


def _places(scene: Scene) -> set[Path]:
    """Return the product of a scene, and the files of it that lie elsewhere."""
    product = Path(scene.path)
    parts = [part for part in manifest.scene_parts(scene) if part.parent.name != KEPT_FOLDER]
    here = {product} if "://" not in scene.path else set()
    return {*here, *(part for part in parts if not part.is_relative_to(product))}


def find_scenes(project: Project, on_event: Listener) -> list[Scene]:
    """Open the scenes of a project that lie in its months.

    Raises
    ------
    InputError, MissingFileError
        When the project names a scene that is not there, or all lie in other months.
    """
    folder = Path(glob.escape(str(project.folder)))
    patterns = []
    for pattern in project.inputs.scenes:
        if isinstance(pattern, StacSource):
            continue
        literal = project.folder / pattern
        if literal.exists():
            patterns.append(literal)
        elif glob.has_magic(pattern):
            patterns.append(folder / pattern)
        else:
            what = N_("inputs.scenes names it, but it is not there")
            raise MissingFileError(literal, what, "correct the path")
    scenes = discover(patterns, on_event, limits=project.limits) if patterns else []
    if any(isinstance(named, StacSource) for named in project.inputs.scenes):
        scenes = without_twins(
            [*scenes, *scenes_of_catalogues(project, on_event)], on_event, limits=project.limits
        )
    months = project.inputs.months
    chosen = [scene for scene in scenes if months is None or scene.acquired.month in months]
    if scenes and not chosen:
        what = Message(
            "the only scene lies in none of the months {months}",
            "none of {count} scenes lies in the months {months}",
            count=len(scenes),
            months=str(list(months or ())),
        )
        raise InputError(project.folder, what, "change inputs.months")
    if len(chosen) < len(scenes):
        _LOG.info(
            Message(
                "{count} scene is out of season",
                "{count} scenes are out of season",
                count=len(scenes) - len(chosen),
            )
        )
    return chosen


def checksums_of(project: Project) -> dict[str, str]:
    """Return the checksums of the inputs of a project besides scenes, by what they are."""
    return {
        name: checksum(parts_of(project.folder / file_of(path)))
        for name, path in input_files(project).items()
    }


def tasks_of(
    project: Project, scenes: Sequence[Scene], checksums: Mapping[str, str], output: Path
) -> list[SceneTask]:
    """Return what is to do for each scene, with the key of all that its result depends on."""
    settings = as_dict(project)
    settings["mapping"].pop("strip_rows")  # sets memory, never the result
    for name in ("basins", "basin_field"):  # mapping does not know them
        settings["area"].pop(name)
    depends = {
        "version": code_version(),
        "mapping": settings["mapping"],
        "area": settings["area"],
        "checksums": {
            name: sum_ for name, sum_ in checksums.items() if name in ("aoi", "dem", "glaciers")
        },
    }
    if layer := layer_of(project.inputs.glaciers or ""):
        depends["glaciers_layer"] = layer
    key = digest(depends)

    def located(path: str | None) -> Path | None:
        return None if path is None else project.folder / path

    return [
        SceneTask(
            scene=scene,
            folder=output / SCENES_FOLDER / folder_name(scene.id),
            key=f"{key}-trusted" if scene.id in project.inputs.trusted_scenes else key,
            dem=located(project.inputs.dem),
            glaciers=located(project.inputs.glaciers),
            aoi=located(project.area.aoi),
            min_area_m2=project.area.min_area_m2,
            glacier_buffer_m=project.area.glacier_buffer_m,
            settings=project.mapping,
            is_trusted=scene.id in project.inputs.trusted_scenes,
        )
        for scene in scenes
    ]


@contextmanager
def _work_folder(output: Path) -> Iterator[Path]:
    """Give a folder for unfinished results, and remove it and those of killed runs.

    Twice, for what a killed run had begun may write for a moment after it.
    """
    _remove_work(output)
    work = output / f"{WORK_PREFIX}{secrets.token_hex(8)}"
    work.mkdir()
    (work / RUNNING_NAME).touch()
    try:
        yield work
    finally:
        (work / RUNNING_NAME).unlink(missing_ok=True)
        _remove_work(output)


def _remove_work(output: Path) -> None:
    for folder in output.glob(f"{WORK_PREFIX}*"):
        output_folder.remove_work(folder)


def _map(
    tasks: Sequence[SceneTask],
    work: Path,
    executor: Executor | Client | None,
    *,
    jobs: int | None,
    max_memory: int | None,
    scene_seconds: float,
    on_event: Listener,
) -> tuple[dict[str, Record], tuple[str, ...]]:
    """Map what has no valid earlier result; return all records, and the scenes mapped now."""
    earlier = {task.scene.id: earlier_record(task) for task in tasks}
    records = {scene_id: record for scene_id, record in earlier.items() if record is not None}
    new = [task for task in tasks if task.scene.id not in records]
    on_event(StageStarted("map", len(new)))
    for task in tasks:
        if record := records.get(task.scene.id):
            on_event(
                SceneReused(record.scene_id)
                if record.state == SceneState.MAPPED
                else SceneRefused(task.scene.path, record.reason)
            )
    fresh: list[Record] = []
    if new and (executor is None or isinstance(executor, Executor)):
        compile_ahead(on_event)
        fresh = _map_here(
            new,
            work,
            executor,
            jobs=jobs,
            max_memory=max_memory,
            scene_seconds=scene_seconds,
            on_event=on_event,
        )
    elif new:
        fresh = map_on_cluster(
            new,
            executor,
            work=work,
            jobs=jobs,
            max_memory=max_memory,
            scene_seconds=scene_seconds,
            on_event=on_event,
        )
    records |= {record.scene_id: record for record in fresh}
    mapped = tuple(record.scene_id for record in fresh if record.state == SceneState.MAPPED)
    return {task.scene.id: records[task.scene.id] for task in tasks}, mapped


def _map_here(
    tasks: Sequence[SceneTask],
    work: Path,
    executor: Executor | None,
    *,
    jobs: int | None,
    max_memory: int | None,
    scene_seconds: float,
    on_event: Listener,
) -> list[Record]:
    room = capacity(
        [task.scene.grid for task in tasks],
        jobs or machine.core_count(),
        max_memory or int(machine.memory_bytes() * MEMORY_SHARE),
        tasks[0].settings.strip_rows,
    )
    tasks = [
        replace(task, settings=replace(task.settings, strip_rows=room.strip_rows)) for task in tasks
    ]
    pool = executor and nullcontext(executor)
    with (
        pool
        or ProcessPerCall(
            room.jobs, seconds=scene_seconds, memory_bytes=room.scene_bytes
        ) as running,
        ProcessPerCall(1, seconds=scene_seconds, memory_bytes=room.all_bytes) as alone,
    ):
        return map_all(tasks, running, alone=alone, work=work, on_event=on_event)


def _track(
    project: Project,
    output: Path,
    usable: Sequence[str],
    scenes: pd.DataFrame,
    content: Mapping[str, Any],
    allow_empty: bool,
    on_event: Listener,
) -> Inventory:
    path = output / INVENTORY_NAME
    row = _run_row(content)
    previous = open_inventory(path) if path.is_file() else None
    if previous is not None:  # a run that was stopped after the inventory is no second run
        runs = previous.runs[previous.runs[C.RUN_ID] != row[C.RUN_ID]]
        previous = replace(previous, runs=runs.reset_index(drop=True))
    glaciers, dem, basins = project.inputs.glaciers, project.inputs.dem, project.area.basins
    inventory = track(
        (
            MappedScene.read(output / SCENES_FOLDER / folder_name(scene) / OUTLINES_NAME)
            for scene in usable
        ),
        glaciers=None if glaciers is None else project.folder / glaciers,
        dem=None if dem is None else project.folder / dem,
        basins=None if basins is None else project.folder / basins,
        basin_field=project.area.basin_field,
        previous=previous,
        settings=project.tracking,
        min_area_m2=project.area.min_area_m2,
        catalogue=read_catalogue(project.catalogue, project.folder),
        surveys=read_surveys(project.storage, project.folder),
        scenes=scenes,
        run=row,
    )
    if previous is not None:
        refuse_empty(inventory, previous, path, allow_empty)
        tell_away(inventory, previous, on_event)
        tell_revised(inventory, previous, on_event)
    return inventory


def _run_row(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row for the table of runs; it has no start: equal runs give equal bytes."""
    checksums = {row[C.SCENE_ID]: row["sha256"] for row in content["scenes"]}
    inputs = {**content["inputs"], "scenes": checksums}
    return {
        C.RUN_ID: digest(dict(content))[:16],
        C.VERSION: content["glacial_lakes"],
        C.LIBRARIES: json.dumps(content["versions"]),
        C.SETTINGS: json.dumps(content["settings"], ensure_ascii=False),
        C.INPUTS: json.dumps(inputs, ensure_ascii=False),
    }


def _replace_results(
    project: Project,
    output: Path,
    inventory: Inventory,
    content: Mapping[str, Any],
    before: dict[str, str],
    on_event: Listener,
) -> dict[str, str]:
    """Write all results aside and put them into the place of the older ones, manifest last."""
    with (
        marks.overwriting(output_folder.owned(output, before)),
        atomic.together(output) as aside,
    ):
        outputs = _write(project, output, inventory, aside, on_event)
        for path, name in output_folder.keep_changed(output, before, aside).items():
            reason = N_("was changed since the last run; what was there is now {kept}")
            on_event(InputOdd(str(path), Message(reason, kept=output / name)))
        aside.removals |= output_folder.stale(output, before, outputs)
        ending = {C.N_LAKES: len(inventory.lakes), "outputs": outputs}
        manifest.write(aside.folder / manifest.FILE_NAME, {**content, **ending})
        aside.last = (manifest.FILE_NAME,)
    return outputs


def _write(
    project: Project, output: Path, inventory: Inventory, aside: Aside, on_event: Listener
) -> dict[str, str]:
    """Write inventory, exports and report; return the SHA-256 by name in the output folder."""
    folder = aside.folder
    info, formats = project.project, project.export.formats
    on_event(StageStarted("export", len(formats)))
    working_copy.stage_unedited(inventory, output / INVENTORY_NAME, aside)
    paths = [folder / INVENTORY_NAME]
    others = [name for name in formats if name not in ("gpkg", "report")]
    since = project.export.since
    if since is not None and since.lower().endswith(".gpkg"):
        since = str(project.folder / since)
    tell = only(PartDone, on_event)
    paths += export(inventory, folder, others, language=info.language, since=since, on_event=tell)
    if "report" in formats:
        source, dem = project.inputs.glaciers, project.inputs.dem
        ice = None if source is None else glacier_outlines(project.folder / source)
        common: dict[str, Any] = {"language": info.language, "title": info.name, "glaciers": ice}
        before = earlier(since, inventory)
        paths += [
            write_report(inventory, folder / REPORT_NAME, since=before, **common),
            *write_viewer(
                inventory,
                folder / VIEWER_NAME,
                dem=None if dem is None else project.folder / dem,
                looks=looks_in(output, inventory.scenes[C.SCENE_ID].dropna()),
                rivers=rivers_in(output, inventory.scenes[C.SCENE_ID].dropna()),
                **common,
            ),
        ]
        on_event(PartDone("export", "report"))
    output_folder.leave_styles(output, aside)
    written = [path for path in paths if path.is_file()]
    return {path.relative_to(folder).as_posix(): atomic.sha256(path) for path in written}
