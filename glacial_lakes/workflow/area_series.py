"""The area of one lake through time, of as little of each scene as tells it.

Mapping gives of a part of a scene what it gives of all of it, and tracking looks at a lake and at
those beside it. So the lake and what lies around are mapped, tracked, and looked at again in a
wider window where the lake turns out to reach farther.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes.change.errors import split
from glacial_lakes.change.series import involved
from glacial_lakes.columns import C
from glacial_lakes.errors import (
    N_,
    GlacialLakesError,
    InputError,
    Message,
    OutputError,
    require,
)
from glacial_lakes.events import (
    Listener,
    SceneMapped,
    SceneRefused,
    SceneReused,
    StageStarted,
    collecting,
    ignore,
)
from glacial_lakes.inventory.area_series import AreaSeries, Picture, frame, series_in
from glacial_lakes.inventory.build import track
from glacial_lakes.inventory.inventory import Inventory, empty_layer, open_inventory
from glacial_lakes.inventory.surveys import Surveys, read_surveys
from glacial_lakes.io.vector import Places, as_places
from glacial_lakes.mapping.bounds import FARTHEST_M
from glacial_lakes.mapping.false_colour import LIMITS, false_colour
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.pipeline import map_lakes, wanted_blocks
from glacial_lakes.mapping.seeds import detector_of
from glacial_lakes.measures.glaciers import glacier_outlines
from glacial_lakes.measures.meridian import in_degrees, in_equal_area, metric_crs
from glacial_lakes.scenes.dem import Dem
from glacial_lakes.scenes.plausibility import assess, require_plausible
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.schema import SceneState
from glacial_lakes.settings import (
    LimitSettings,
    MappingSettings,
    Project,
    TrackingSettings,
    digest,
)
from glacial_lakes.tracking.tables import footprints
from glacial_lakes.workflow import manifest
from glacial_lakes.workflow.compiling import compile_ahead
from glacial_lakes.workflow.manifest import Record
from glacial_lakes.workflow.map_files import outcomes, reason_of
from glacial_lakes.workflow.output_folder import INVENTORY_NAME
from glacial_lakes.workflow.read_ahead import read_ahead, readers_of
from glacial_lakes.workflow.run import (
    checksums_of,
    compared,
    find_scenes,
    odd_scenes,
    require_reach,
    tasks_of,
    tell_of_dem,
    usable,
)
from glacial_lakes.workflow.scene_tasks import OUTLINES_NAME, earlier_record, sample_of_blocks

MARGIN_M = FARTHEST_M + 500.0
"""Least width of what is mapped around a lake: all hidden ground beside it that may be lake.
Tracking looks for a lake that moved no farther than 200 m."""

_ID = re.compile(r"GL(\d{6})([EW])(\d{5})([NS])(?:_\d+)?")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The lake that is asked for."""

    name: str | None
    """Its ID; None for the lake at a place."""
    ground: gpd.GeoSeries
    """Where it lies, as far as that is known beforehand, in degrees."""


@dataclass(frozen=True, slots=True)
class _MappedPart:
    """What is told of a scene."""

    record: Record
    mapped: MappedScene | None
    """None for a scene that is refused."""


def area_series(
    lake: str | Places,
    scenes: Iterable[Scene],
    *,
    inventory: Inventory | None = None,
    dem: Dem | None = None,
    glaciers: Places | None = None,
    aoi: Places | None = None,
    min_area_m2: float | None = None,
    glacier_buffer_m: float | None = 10_000.0,
    settings: MappingSettings | None = None,
    tracking: TrackingSettings | None = None,
    trusted_scenes: Collection[str] = (),
    limits: LimitSettings | None = None,
    on_event: Listener = ignore,
) -> AreaSeries:
    """Return the area of one lake through time, as a run over the whole scenes would tell it.

    Only the blocks of each scene are read that the lake and what lies around it need. Three things
    only whole scenes tell: whether an image lacks so many lakes that its losses are not believed
    (``max_lost_fraction``); which part of an error the dates of a lake share, which is estimated
    from the lakes of ``inventory``, or without one from those around; and checksums of products,
    which are not compared here.

    Parameters
    ----------
    lake : str, path-like, GeoDataFrame, GeoSeries, geometry or bounds
        ID of a lake, or its number or name in ``inventory``; or where it lies: the lake that shares
        most ground with it, else the nearest within ``max_distance_m`` of the tracking. A geometry,
        or bounds (west, south, east, north), is in degrees (EPSG:4326).
    scenes : iterable of Scene
        In any order.
    inventory : Inventory, optional
        Its lakes keep their IDs and what persons decided. Where it has all scenes, nothing is
        mapped: its own rows are returned, with pictures.
    dem, glaciers, aoi, min_area_m2, glacier_buffer_m, settings
        As for :func:`glacial_lakes.map_lakes`.
    tracking : TrackingSettings, optional
        As ``settings`` for :func:`glacial_lakes.track`.
    trusted_scenes : collection of str
        Names of scenes that are used although they look odd or implausible.
    limits : LimitSettings, optional
        With them scenes are mapped in a process of their own.
    on_event : callable, optional
        Called with messages of :mod:`glacial_lakes.events`; scenes that are refused are told here.

    Returns
    -------
    AreaSeries

    Raises
    ------
    InputError
        When no image shows such a lake, a name stands for several, or what is given is of another
        type.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scenes = gl.discover("sample_data/scenes")[:2]
    >>> series = gl.area_series("GL074524E42605N", scenes, dem="sample_data/dem.tif")
    >>> series.observations["status"].tolist()
    ['observed', 'nodata']
    """
    scenes = sorted(_checked(scenes), key=lambda scene: (scene.acquired, scene.id))
    if inventory is not None:
        require(inventory, Inventory, "inventory", N_("open it with open_inventory"))
    tracking = tracking or TrackingSettings()
    asked = _asked(lake, inventory)
    if inventory is not None and asked.name and _holds(inventory, scenes):
        return _with_pictures(series_in(inventory, asked.name), scenes)
    compile_ahead(on_event)
    given = {
        "dem": dem,
        "glaciers": glaciers,
        "aoi": aoi,
        "min_area_m2": min_area_m2,
        "glacier_buffer_m": glacier_buffer_m,
        "settings": settings,
    }
    job = _Job(tuple(scenes), {}, given, tracking, inventory, frozenset(trusted_scenes), limits)
    return _mapped_and_tracked(asked, job, on_event)


def series_of_project(
    project: Project, lake: str | Places, *, on_event: Listener = ignore
) -> AreaSeries:
    """Return the area of one lake through time, of the scenes and the output of a project.

    What the last run mapped is not mapped again; where nothing is new since, its inventory tells.
    Nothing is written.

    Parameters
    ----------
    project : Project
        From :func:`glacial_lakes.read_project`.
    lake : str, path-like, GeoDataFrame, GeoSeries, geometry or bounds
        As for :func:`area_series`.
    on_event : callable, optional
        Called with messages of :mod:`glacial_lakes.events`.

    Returns
    -------
    AreaSeries

    Raises
    ------
    InputError
        When there is no such lake.
    GlacialLakesError
        As for :func:`glacial_lakes.run`.
    """
    require(project, Project, "project", N_("read it with read_project"))
    refused: list[SceneRefused] = []
    listen = collecting(SceneRefused, refused, on_event)
    detector_of(project.mapping, project.file)
    output = (project.folder / project.project.output).resolve()
    path = output / INVENTORY_NAME
    inventory = open_inventory(path) if path.is_file() else None
    asked = _asked(lake, inventory)  # told before anything is opened
    with read_ahead(readers_of(project), project.limits):
        scenes = find_scenes(project, listen)
    tell_of_dem(project, on_event)
    require_reach(project, scenes)
    checksums = checksums_of(project)
    tasks = {task.scene.id: task for task in tasks_of(project, scenes, checksums, output)}
    known = {
        name: record for name, task in tasks.items() if (record := earlier_record(task)) is not None
    }
    for name, record in known.items():
        if record.state == SceneState.REFUSED:
            listen(SceneRefused(tasks[name].scene.path, record.reason))
    trusted = frozenset(project.inputs.trusted_scenes)
    if inventory is not None and asked.name and len(known) == len(tasks):
        refusals = tuple(sorted(refused, key=lambda event: (event.path, event.reason)))
        records = compared(scenes, known)
        table = manifest.scene_table(project.folder, scenes, records, refusals, trusted)
        content = manifest.content(project, table, records, checksums)
        if digest(dict(content))[:16] in inventory.runs[C.RUN_ID].tail(1).tolist():
            return _with_pictures(series_in(inventory, asked.name), scenes)
    compile_ahead(on_event)
    parts = {
        name: _MappedPart(
            record,
            MappedScene.read(tasks[name].folder / OUTLINES_NAME)
            if record.state == SceneState.MAPPED
            else None,
        )
        for name, record in known.items()
    }
    area, some = project.area, next(iter(tasks.values()))
    given = {
        "dem": some.dem,
        "glaciers": some.glaciers,
        "aoi": some.aoi,
        "min_area_m2": area.min_area_m2,
        "glacier_buffer_m": area.glacier_buffer_m,
        "settings": project.mapping,
    }
    surveys = read_surveys(project.storage, project.folder)
    job = _Job(
        tuple(scenes), parts, given, project.tracking, inventory, trusted, project.limits, surveys
    )
    return _mapped_and_tracked(asked, job, listen)


@dataclass(frozen=True, slots=True)
class _Job:
    """What a series is made of."""

    scenes: tuple[Scene, ...]
    parts: Mapping[str, _MappedPart]
    """Scenes that were mapped before, as a whole."""
    given: Mapping[str, Any]
    """For mapping."""
    tracking: TrackingSettings
    inventory: Inventory | None
    trusted: frozenset[str]
    limits: LimitSettings | None
    surveys: Surveys | None = None


def _checked(scenes: Iterable[Scene]) -> list[Scene]:
    not_meant = (str, bytes, pd.DataFrame)
    require(scenes, Iterable, "scenes", N_("give a list of scenes"), but=not_meant)
    found = list(scenes)
    for scene in found:
        require(scene, Scene, "scene", N_("open it with open_scene"))
    return found


def _asked(lake: str | Places, inventory: Inventory | None) -> _Asked:
    """Return the lake that is asked for: by its name, or by where it lies."""
    if not isinstance(lake, str):
        return _Asked(None, in_degrees(as_places(lake).geometry))
    if inventory is not None:
        (name,) = inventory.ids_of([lake])
        outlines = inventory.outlines
        return _Asked(name, outlines.geometry[outlines[C.LAKE_ID] == name])
    named = _ID.fullmatch(lake)
    if named is None:
        raise InputError(
            None,
            "{lake} is no ID of a lake, and there is no inventory that knows the name",
            "run the project first, or give the place of the lake",
            lake=lake,
        )
    lon, lat = int(named[1]) / 1000, int(named[3]) / 1000
    place = shapely.Point(lon if named[2] == "E" else -lon, lat if named[4] == "N" else -lat)
    return _Asked(lake, gpd.GeoSeries([place], crs=4326))


def _holds(inventory: Inventory, scenes: Sequence[Scene]) -> bool:
    """Tell whether an inventory has exactly some scenes."""
    table = inventory.scenes
    mapped = table.loc[table[C.STATE] == SceneState.MAPPED, C.SCENE_ID]
    return {scene.id for scene in scenes} == set(mapped)


def _mapped_and_tracked(asked: _Asked, job: _Job, on_event: Listener) -> AreaSeries:
    """Map and track a lake and what lies around it, until nothing of it lies farther."""
    near = _around(asked.ground, MARGIN_M + 1000.0)
    if job.given["glaciers"] is not None:  # read once, not by every scene
        ice = glacier_outlines(job.given["glaciers"])
        job = replace(job, given={**job.given, "glaciers": ice})
    for name, one in job.parts.items():
        if one.mapped is not None:
            on_event(SceneReused(name))
    listen = on_event
    while True:
        parts = _mapped_parts(job, near, listen)
        listen(StageStarted("track", len(parts)))
        tracked = track(
            [_part(one.mapped, near) for one in parts if one.mapped is not None],
            previous=None if job.inventory is None else _part_of(job.inventory, near),
            glaciers=job.given["glaciers"],
            surveys=job.surveys,
            settings=job.tracking,
            min_area_m2=job.given["min_area_m2"],
        )
        lake_id = _lake_of(asked, tracked, job.tracking.max_distance_m)
        if job.inventory is not None:
            tracked = _with_pooled_errors(tracked, job.inventory)
        series = series_in(tracked, lake_id)
        kin = {lake_id, *_others_in(series.events)}
        outlines = tracked.outlines
        needed = _around(outlines.geometry[outlines[C.LAKE_ID].isin(kin)], MARGIN_M)
        if near.covers(needed.to_crs(near.crs)).all():
            return _with_pictures(series, job.scenes)
        both = pd.concat([shapes.to_crs(4326) for shapes in (near, needed)], ignore_index=True)
        near, listen = _around(both, 1000.0), ignore


def _with_pooled_errors(tracked: Inventory, inventory: Inventory) -> Inventory:
    """Return what was tracked with parts of the errors that all lakes of an inventory tell."""
    rows, known = tracked.observations, inventory.observations
    others = known[~known[C.LAKE_ID].isin(rows[C.LAKE_ID])]
    parts = split(pd.concat([rows, others], ignore_index=True)).iloc[: len(rows)]
    columns = {str(name): parts[name].to_numpy() for name in parts}
    return replace(tracked, observations=rows.assign(**columns))


def _around(ground: gpd.GeoSeries, margin_m: float) -> gpd.GeoSeries:
    """Return a box around some ground, in metres."""
    shapes = ground.to_crs(metric_crs(ground))
    return gpd.GeoSeries([shapely.box(*shapes.total_bounds).buffer(margin_m)], crs=shapes.crs)


def _mapped_parts(job: _Job, near: gpd.GeoSeries, on_event: Listener) -> list[_MappedPart]:
    """Return what is told of the scenes that can be used."""
    new = [scene for scene in job.scenes if scene.id not in job.parts]
    on_event(StageStarted("map", len(new)))
    parts = dict(job.parts)
    call = functools.partial(_look, {**job.given, "near": near}, job.trusted)
    for scene, outcome in zip(new, outcomes(call, new, job.limits), strict=True):
        if isinstance(outcome, OutputError):
            raise outcome
        if isinstance(outcome, Exception):
            on_event(SceneRefused(scene.path, reason_of(outcome, scene.path)))
            continue
        parts[scene.id], seconds = outcome
        on_event(SceneMapped(scene.id, parts[scene.id].record.n_outlines, seconds))
    scenes = [scene for scene in job.scenes if scene.id in parts]
    records = compared(scenes, {name: one.record for name, one in parts.items()})
    odd = odd_scenes(scenes, records, job.trusted)
    for event in odd:
        on_event(event)
    used = [parts[name] for name in usable(records, {event.scene_id for event in odd})]
    if not used:
        raise InputError(None, "no scene could be used", "see the reasons above")
    return used


def _look(
    given: Mapping[str, Any], trusted: Collection[str], scene: Scene
) -> tuple[_MappedPart, float]:
    """Map a part of a scene; also what a process apart from this one does."""
    started = time.monotonic()
    near = functools.partial(wanted_blocks, scene, aoi=given["near"])
    found = assess(scene, sample_of_blocks(scene, near))
    if scene.id not in trusted:
        require_plausible(scene, found)
    mapped = map_lakes(scene, **given)
    record = Record(
        scene.id,
        SceneState.MAPPED,
        found.reason,
        len(mapped.outlines),
        key="",
        stamp="",
        checksum="",
        outputs={},
        plausibility=found.verdict,
        reflectance=found.reflectance,
        ground=found.ground,
    )
    return _MappedPart(record, mapped), time.monotonic() - started


def _part(mapped: MappedScene, near: gpd.GeoSeries) -> MappedScene:
    """Return a scene with the outlines near a lake alone."""
    outlines = mapped.outlines
    touches = outlines.intersects(near.to_crs(outlines.crs).iloc[0])
    return replace(mapped, outlines=outlines[touches].reset_index(drop=True))


def _part_of(inventory: Inventory, near: gpd.GeoSeries) -> Inventory:
    """Return what an inventory tells of the lakes near one."""
    place = in_degrees(near).iloc[0]
    lakes = inventory.lakes
    names = set(lakes.loc[lakes.intersects(place), C.LAKE_ID])
    names |= set(inventory.outlines.loc[inventory.outlines.intersects(place), C.LAKE_ID])
    tables = {
        name: table[table[C.LAKE_ID].isin(names)].reset_index(drop=True)
        for name in ("lakes", "outlines", "observations", "events", "register", "curves")
        for table in (getattr(inventory, name),)
    }
    reviews = inventory.reviews
    concerned = reviews[C.LAKE_ID].isin(names) | reviews.intersects(place)
    tables["reviews"] = reviews[concerned].reset_index(drop=True)
    return replace(inventory, **tables, runs=empty_layer("runs"))


def _lake_of(asked: _Asked, tracked: Inventory, farthest_m: float) -> str:
    """Return the ID of the lake that is asked for."""
    known = set(tracked.lakes[C.LAKE_ID])
    if asked.name is not None:
        if asked.name in known:
            return asked.name
        what = Message("no image shows the lake {lake}", lake=asked.name)
        raise InputError(None, what, "give the place of the lake, or another ID")
    place = shapely.union_all(in_equal_area(asked.ground).to_numpy())
    ground = footprints(tracked.outlines).sort_index()
    shared = shapely.area(shapely.intersection(ground.to_numpy(), place))
    away = shapely.distance(ground.to_numpy(), place)
    if len(ground) and away.min() <= farthest_m:
        return str(ground.index[np.lexsort([away, -shared])[0]])
    raise InputError(
        None, "no image shows a lake at this place", "give the outline of a lake, or an ID"
    )


def _others_in(events: pd.DataFrame) -> set[str]:
    """Return the lakes that take part in some events."""
    return {name for _, event in events.iterrows() for name in involved(event)}


def _with_pictures(series: AreaSeries, scenes: Iterable[Scene]) -> AreaSeries:
    found = {scene.id: _picture(series.outlines, scene) for scene in scenes}
    shown = {name: picture for name, picture in found.items() if picture is not None}
    return replace(series, pictures=shown)


def _picture(outlines: gpd.GeoDataFrame, scene: Scene) -> Picture | None:
    """Return what a scene shows of a lake; None where it shows nothing of it."""
    window = scene.grid.window_of(frame(outlines, scene.grid))
    if not (window.width and window.height):
        return None
    names = [name for name in LIMITS if name in scene.bands]
    try:
        values = scene.read(names, window)
    except GlacialLakesError:  # pictures are a help; without them the table says the same
        return None
    colours = false_colour(dict(zip(names, values, strict=True)))
    return Picture(colours, scene.grid.crop(window)) if colours.any() else None
