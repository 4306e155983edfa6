"""Outlines that were not made here → an inventory: what ``glacial-lakes track`` does."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import (
    ForeignFileError,
    InputError,
    Message,
    MissingFileError,
    UnsafeInputError,
    shown,
)
from glacial_lakes.events import (
    InputOdd,
    Listener,
    PartDone,
    SceneMapped,
    SceneRefused,
    StageStarted,
    collecting,
    ignore,
)
from glacial_lakes.ingest.fields import ID_FORM
from glacial_lakes.ingest.neighbours import box_of, check_together
from glacial_lakes.ingest.reading import read_outlines
from glacial_lakes.inventory.build import track
from glacial_lakes.inventory.catalogue import Catalogue
from glacial_lakes.inventory.inventory import Inventory, is_inventory, open_inventory
from glacial_lakes.inventory.kept import refuse_empty
from glacial_lakes.io import atomic, locks, marks
from glacial_lakes.io.checksums import checksum, parts_of
from glacial_lakes.io.geopackage import require_ending
from glacial_lakes.io.vector import Places
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.reach import check_reach, require_near
from glacial_lakes.measures.meridian import distance_m, in_degrees, in_equal_area
from glacial_lakes.places import PathLike, file_of, keep_apart, listed, refuse_addresses
from glacial_lakes.review import working_copy
from glacial_lakes.runtime.revision import code_version, versions
from glacial_lakes.schema import SceneState, Status
from glacial_lakes.settings import TrackingSettings, digest

ID_PLACE_M = 1000.0
"""An identity that names a place farther than this from its outline is a slip."""


def track_files(
    paths: PathLike | Iterable[PathLike],
    out: Path | str,
    *,
    fields: Mapping[str, str] | None = None,
    date: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    glaciers: Places | None = None,
    basins: Places | None = None,
    basin_field: str = "name",
    catalogue: Catalogue | None = None,
    allow_empty: bool = False,
    language: str = "en",
    on_event: Listener = ignore,
) -> Inventory:
    """Make an inventory of older outlines: files that others drew, each with its dates.

    Lakes keep the identities of an inventory that ``out`` holds already; else those that the
    files bring, where these have the common form, are unique in their file and name the place of
    their outline; else they are born by the rule of all inventories here. Matching never looks
    at them.

    Parameters
    ----------
    paths : path-like or iterable of path-like
        Vector files, in any order and CRS.
    out : path-like
        The ``.gpkg`` file.
    fields, date, layer, encoding
        As for :func:`glacial_lakes.ingest.reading.read_outlines`, for all files.
    glaciers, basins, basin_field, catalogue
        As for :func:`glacial_lakes.track`.
    allow_empty : bool
        An inventory with lakes may be replaced by one without any.
    language : str
        Language of its legends in QGIS, and of what is later exported of it.
    on_event : callable, optional
        Called with messages of :mod:`glacial_lakes.events`; files that are refused and rows that
        are left out are told here.

    Returns
    -------
    Inventory
        As written. What a survey has no outline of is ``uncertain`` there, never absent.

    Raises
    ------
    ConfigError
        When ``out`` is no ``.gpkg``, or would come over an input.
    InputError
        When no file could be used, or ``out`` holds scenes that are not among the files; nothing
        is written.
    LockedError
        When a run writes into the same folder.
    OutputError
        When the inventory cannot be written.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> inventory = gl.track_files(["survey.gpkg"], "tracked.gpkg", date="2020-08-01")
    >>> len(inventory.lakes)
    1
    """
    refuse_addresses(out)
    out = Path(out).absolute()
    require_ending(out)
    others = [Path(path) for path in (glaciers, basins) if isinstance(path, Path | str)]
    for path in others:
        if not file_of(path).exists():
            raise MissingFileError(path, "does not exist", "check the path")
    paths = listed(paths)
    keep_apart([out], [*paths, *others])
    sources = sorted({Path(path).absolute() for path in paths}, key=lambda path: (path.name, path))
    refused: list[SceneRefused] = []
    listen = collecting(SceneRefused, refused, on_event)
    with locks.folder_lock(out.parent):
        atomic.settle(out.parent)
        is_new = _is_to_be_new(out)
        options: dict[str, Any] = {"fields": fields, "date": date, "layer": layer}
        options |= {"encoding": encoding}
        on_event(StageStarted("read", len(sources)))
        surveys = _read_all(sources, listen, options)
        if not surveys:
            only = refused[0].path if len(refused) == 1 else None
            raise InputError(only, "no file could be used", "see the reasons above")
        if not is_new:
            working_copy.take_in(out, on_event)
        previous = None if is_new or not out.is_file() else open_inventory(out)
        if previous is not None:
            _check_nothing_is_lost(previous, surveys, refused, out)
        check_together(
            {survey.coverage.scene_id: (path, survey.outlines) for survey, path in surveys},
            on_event,
        )
        extents = _extents(surveys)
        check_reach(extents, glaciers=glaciers, basins=basins)
        if catalogue is not None:
            require_near(catalogue.source, catalogue.placed.geometry, extents)
        if catalogue is not None and catalogue.note:
            on_event(InputOdd(catalogue.source, catalogue.note))
        on_event(StageStarted("track", len(surveys)))
        settings = TrackingSettings()
        inventory = track(
            [_without_codes(survey) for survey, _ in surveys],
            glaciers=glaciers,
            basins=basins,
            basin_field=basin_field,
            previous=_with_brought_ids(
                previous, [survey.outlines for survey, _ in surveys], settings
            ),
            settings=settings,
            catalogue=catalogue,
            scenes=_scenes(surveys, refused),
            run=_run_row(
                [path for _, path in surveys],
                options | {"catalogue": catalogue and catalogue.source},
                language,
            ),
        )
        inventory = with_own_dates(inventory)
        if previous is not None:
            refuse_empty(inventory, previous, out, allow_empty)
        on_event(StageStarted("export", 1))
        working_copy.replace(inventory, out)
    return inventory


def _is_to_be_new(out: Path) -> bool:
    """Tell whether the inventory takes the place of something else; refuse it unasked.

    Raises
    ------
    ForeignFileError
        When there is a file that is no inventory, and nobody wrote ``--overwrite``.
    """
    if not os.path.lexists(out) or (not out.is_symlink() and is_inventory(out)):
        return False
    if not marks.is_overwriting():
        raise ForeignFileError(
            out,
            "is there, and no earlier result",
            "name another file, or replace it with --overwrite",
        )
    return True


def _extents(surveys: Iterable[tuple[MappedScene, Path]]) -> list[shapely.Geometry]:
    boxes = [box_of(survey.outlines) for survey, _ in surveys]
    return [shapely.box(*box) for box in boxes if box is not None]


def _read_all(
    sources: Iterable[Path], listen: Listener, options: Mapping[str, Any]
) -> list[tuple[MappedScene, Path]]:
    read: list[tuple[MappedScene, Path]] = []
    names: dict[str, Path] = {}
    for path in sources:
        started = time.monotonic()
        try:
            surveys = read_outlines(path, **options, on_event=listen)
            other = next((names[n] for survey in surveys if (n := _name(survey)) in names), None)
            if other is not None:
                raise InputError(
                    path,
                    "has the name of another scene, {other}",
                    "rename one of them",
                    other=other,
                )
        except (InputError, UnsafeInputError) as error:
            listen(SceneRefused(str(path), error.line_beside(path)))
            listen(PartDone("read", path.name))
            continue
        for survey in surveys:
            names[_name(survey)] = path
            read.append((survey, path))
            count = len(survey.outlines)
            listen(SceneMapped(_name(survey), count, time.monotonic() - started))
        listen(PartDone("read", path.name))
    return read


def _name(survey: MappedScene) -> str:
    return survey.coverage.scene_id


def _without_codes(survey: MappedScene) -> MappedScene:
    """Return a survey without the codes of its file: matching never looks at them."""
    return replace(survey, outlines=survey.outlines.drop(columns=C.LAKE_ID))


def _check_nothing_is_lost(
    previous: Inventory,
    surveys: Iterable[tuple[MappedScene, Path]],
    refused: Iterable[SceneRefused],
    out: Path,
) -> None:
    given = {_name(survey) for survey, _ in surveys}
    given |= {shown(Path(event.path).name) for event in refused}
    given |= {shown(Path(event.path).stem) for event in refused}
    # One that was refused brought nothing that could be lost.
    used = previous.scenes[previous.scenes[C.STATE] != SceneState.REFUSED]
    lost = sorted(set(used[C.SCENE_ID].dropna()) - given)
    if lost:
        raise InputError(
            out,
            "holds scenes that are not among the files, such as {name}",
            "name their files too, or write to another file",
            name=lost[0],
        )


def _with_brought_ids(
    previous: Inventory | None, tables: Iterable[gpd.GeoDataFrame], settings: TrackingSettings
) -> Inventory | None:
    """Return the earlier inventory with the lakes that only the files name."""
    brought = brought_ids(tables)
    if brought.empty:
        return previous
    known = track([], settings=settings) if previous is None else previous
    if len(known.outlines):
        tree = shapely.STRtree(known.outlines.geometry.to_numpy())
        old, _ = tree.query(brought.geometry.to_numpy(), predicate="intersects")
        taken = brought[C.LAKE_ID].isin(known.lakes[C.LAKE_ID])
        brought = brought[~taken & ~brought.index.isin(brought.index[old])]
    rows = [table for table in (known.outlines, brought) if len(table)] or [brought]
    outlines = gpd.GeoDataFrame(pd.concat(rows, ignore_index=True), crs=4326)
    return replace(known, outlines=schema.conform(outlines, schema.OUTLINES))


def brought_ids(tables: Iterable[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the outlines whose file gives them an identity that can be believed.

    Parameters
    ----------
    tables : iterable of geopandas.GeoDataFrame
        Outlines of :func:`glacial_lakes.ingest.reading.read_outlines`.

    Returns
    -------
    geopandas.GeoDataFrame
        ``lake_id``, ``acquired`` and geometry in EPSG:4326.
    """
    parts = [
        table.loc[~table[C.LAKE_ID].duplicated(keep=False), [C.LAKE_ID, C.ACQUIRED, "geometry"]]
        for table in tables
    ]
    table = gpd.GeoDataFrame(
        pd.concat(
            [part.set_geometry(in_degrees(part.geometry)) for part in parts], ignore_index=True
        ),
        crs=4326,
    )
    formed = table[C.LAKE_ID].map(lambda name: bool(re.fullmatch(ID_FORM, str(name))))
    table = table[formed.astype(bool)].reset_index(drop=True)
    place = in_equal_area(place_of(table[C.LAKE_ID])).to_numpy()
    near = distance_m(place, in_equal_area(table.geometry).to_numpy()) <= ID_PLACE_M
    return table[near].reset_index(drop=True)


def place_of(ids: pd.Series) -> gpd.GeoSeries:
    """Return the points that identities of the common form name, in EPSG:4326."""
    lon = [float(name[2:8]) / (1000 if name[8] == "E" else -1000) for name in ids]
    lat = [float(name[9:14]) / (1000 if name[14] == "N" else -1000) for name in ids]
    return gpd.GeoSeries(gpd.points_from_xy(lon, lat), index=ids.index, crs=4326)


def with_own_dates(inventory: Inventory) -> Inventory:
    """Return the inventory with the date of each outline in its observation and its events.

    Tracking compares surveys; their outlines were drawn on images of different days.
    """
    outlines, rows = inventory.outlines, inventory.observations
    own = outlines.set_index([C.LAKE_ID, C.SCENE_ID])[C.ACQUIRED]
    own = own[~own.index.duplicated()]
    keys = pd.MultiIndex.from_frame(rows[[C.LAKE_ID, C.SCENE_ID]])
    dated = own.reindex(keys).set_axis(rows.index)
    seen = rows[C.STATUS] == Status.OBSERVED
    rows = rows.assign(
        **{
            C.ACQUIRED: dated.fillna(rows[C.ACQUIRED]),
            C.OBSERVED_FRACTION: rows[C.OBSERVED_FRACTION].where(seen),
        }
    )
    return replace(
        inventory,
        outlines=_named_sensors(outlines),
        observations=_named_sensors(
            rows.sort_values([C.LAKE_ID, C.ACQUIRED, C.SCENE_ID], kind="stable", ignore_index=True)
        ),
        events=_dated_events(inventory.events, own, inventory.scenes),
        scenes=_named_sensors(inventory.scenes),
    )


def _named_sensors(table: Any) -> Any:
    return table.assign(**{C.SENSOR: table[C.SENSOR].where(table[C.SENSOR] != "", None)})


def _dated_events(events: pd.DataFrame, own: pd.Series, scenes: pd.DataFrame) -> pd.DataFrame:
    """Widen the bracket of each event to the days of the outlines that show it."""
    surveys = scenes.groupby(scenes[C.ACQUIRED].dt.floor("D"))[C.SCENE_ID].agg(list).to_dict()

    def days(lakes: str, day: pd.Timestamp) -> pd.Series:
        rows = pd.MultiIndex.from_product([lakes.split(), surveys.get(day, [])])
        found: pd.Series = own.reindex(rows).dropna().dt.floor("D")
        return found

    rows = events.to_dict("records")
    for event in rows:
        before = days(event[C.FROM_IDS] or event[C.LAKE_ID], event[C.AFTER]).min()
        after = days(event[C.TO_IDS] or event[C.LAKE_ID], event[C.DATE]).max()
        if before < after:  # false where either is missing
            event |= {C.AFTER: before, C.DATE: after}
    return schema.conform(pd.DataFrame(rows, columns=events.columns), schema.LAKE_EVENTS)


def _scenes(
    surveys: Iterable[tuple[MappedScene, Path]], refused: Iterable[SceneRefused]
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for survey, path in surveys:
        coverage = survey.coverage
        rows.append(
            {
                C.SCENE_ID: coverage.scene_id,
                C.ACQUIRED: coverage.acquired,
                C.SENSOR: coverage.sensor,
                C.PATH: shown(path.name),
                C.STATE: SceneState.MAPPED,
                C.N_OUTLINES: len(survey.outlines),
            }
        )
    for event in refused:
        name = shown(Path(event.path).name)
        kept = json.dumps(Message(event.reason).as_json(), ensure_ascii=False)
        reason = {C.REASON: str(event.reason), C.REASON_MESSAGE: kept}
        rows.append({C.SCENE_ID: name, C.PATH: name, C.STATE: SceneState.REFUSED, **reason})
    table = schema.conform(pd.DataFrame(rows), schema.SCENES)
    return table.sort_values([C.ACQUIRED, C.SCENE_ID], kind="stable", ignore_index=True)


def _run_row(paths: Iterable[Path], options: Mapping[str, Any], language: str) -> dict[str, Any]:
    given_options = {name: value for name, value in options.items() if value}
    if language != "en":
        given_options["project"] = {"language": language}
    inputs = {shown(path.name): checksum(parts_of(path)) for path in sorted(set(paths))}
    version = code_version()
    return {
        C.RUN_ID: digest({"version": version, "options": given_options, "inputs": inputs})[:16],
        C.VERSION: version,
        C.SETTINGS: json.dumps(given_options, ensure_ascii=False),
        C.INPUTS: json.dumps(inputs, ensure_ascii=False),
        C.LIBRARIES: json.dumps(versions()),
    }
