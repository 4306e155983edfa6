"""Outline tables of many dates → the tables of lakes, outlines, observations and events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.measures import hanshaw_bookhagen_error
from glacial_lakes.runtime import collector
from glacial_lakes.runtime.threads import one_ahead
from glacial_lakes.schema import LakeState, Status
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.epochs import utc
from glacial_lakes.tracking.events import detect_events, may_have_events
from glacial_lakes.tracking.identities import known_ids, lake_ids
from glacial_lakes.tracking.matching import geometry_array
from glacial_lakes.tracking.observations import (
    Views,
    doubt,
    is_unconfirmed,
    raw_views,
    unreliable_epochs,
)
from glacial_lakes.tracking.ragged import RaggedPolygons
from glacial_lakes.tracking.tile_merging import epochs_of
from glacial_lakes.tracking.tracks import (
    COVERED_BY_OTHER,
    NOT_SHOWN,
    Links,
    link,
    outline_of,
    patches_of,
    ragged_outlines,
)

SEEN_ONCE = N_("poor: seen once, by itself in no other image")
"""Quality of an outline that no other image confirms though some could have."""
SHOWN_AFTER_ALL = N_("fair: looked cut, but images before and after show no more of the lake")
"""Quality of an outline whose area is told because of other images."""
FILLED_IN = N_("fair: a part was hidden, and is drawn as images before and after show it")
"""Quality of an outline that other images complete."""


_SUMMED = [
    column.name
    for column in schema.MAPPED
    if column.merge is schema.Merge.SUM and column is not schema.AREA
]
"""What is added up where a lake has several outlines; its area is that of the view."""


@dataclass(frozen=True)
class Tracked:
    """Lakes through time, as tables of :mod:`glacial_lakes.schema`, sorted."""

    lakes: gpd.GeoDataFrame
    outlines: gpd.GeoDataFrame
    observations: pd.DataFrame
    events: pd.DataFrame


def track_lakes(
    mapped: Iterable[MappedScene],
    *,
    previous: gpd.GeoDataFrame | None = None,
    taken: Collection[str] = (),
    settings: TrackingSettings | None = None,
    min_area_m2: float | None = None,
) -> Tracked:
    """Follow lakes through the outlines of many scenes.

    Parameters
    ----------
    mapped : iterable of MappedScene
        In any order and CRS.
    previous : geopandas.GeoDataFrame, optional
        Outlines of an earlier inventory, whose lake IDs are kept.
    taken : collection of str, optional
        Further IDs that no lake may be given anew.
    settings : TrackingSettings, optional
        Limits.
    min_area_m2 : float, optional
        Smallest lake that was mapped, when one was chosen: what is missing near this limit may
        only have fallen below it.

    Returns
    -------
    Tracked
        The tables; the order of the input has no influence.

    Raises
    ------
    InputError
        When outlines have no CRS, or a scene is given twice.
    """
    settings = settings or TrackingSettings()
    epochs = epochs_of(mapped, min_overlap=settings.min_overlap)
    with collector.paused():
        links = link(epochs, settings, min_area_m2=min_area_m2 or 0.0)
        views = raw_views(links)
        kept = [number for number, track in enumerate(links.tracks) if not track.absorbed]
        names = dict(zip(kept, _names(links, kept, previous, taken), strict=True))
        in_lineage = {lake for change in links.lineage for lake in (*change.before, *change.after)}
        unconfirmed = {
            lake for lake in kept if lake not in in_lineage and is_unconfirmed(views, links, lake)
        }
        unreliable = unreliable_epochs(views, kept, settings)
        doubt(views, links.tracks, kept, unreliable, settings)
        events = _events(links, views, names)
        observations = _observations(links, views, names)
        states = _states(links, views, names, unconfirmed)
        links.tracks.clear()  # they hold outlines, and have told all
        rows = _outlines(links, views, names, unconfirmed, events)
        lakes = _lakes(states, rows)
    return Tracked(lakes, rows, observations, events)


def footprints(outlines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the ground of each lake, its first, largest and last outline, by lake ID.

    Parameters
    ----------
    outlines : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.OUTLINES`.

    Returns
    -------
    geopandas.GeoSeries
        In :data:`glacial_lakes.grid.EQUAL_AREA`.
    """
    frame = outlines[[C.LAKE_ID, C.ACQUIRED, "geometry"]].to_crs(EQUAL_AREA)
    frame["size"] = frame.geometry.area
    by_time = frame.sort_values([C.LAKE_ID, C.ACQUIRED], kind="stable")
    by_size = frame.sort_values([C.LAKE_ID, "size"], kind="stable")
    parts = [
        by_time.drop_duplicates(C.LAKE_ID, keep="first"),
        by_time.drop_duplicates(C.LAKE_ID, keep="last"),
        by_size.drop_duplicates(C.LAKE_ID, keep="last"),
    ]
    ground = shapely.union_all([geometry_array(part.geometry) for part in parts], axis=0)
    return gpd.GeoSeries(ground, index=pd.Index(parts[0][C.LAKE_ID]), crs=EQUAL_AREA)


def _names(
    links: Links,
    kept: Sequence[int],
    previous: gpd.GeoDataFrame | None,
    taken: Collection[str],
) -> list[str]:
    tracks = [links.tracks[number] for number in kept]
    known: list[str | None] = [None] * len(tracks)
    reserved: list[str] = []
    if previous is not None and len(previous):
        old = footprints(previous)
        reserved = [str(name) for name in old.index]
        ground = geometry_array(
            shapely.union_all(
                [
                    outline_of(links, number, lake)
                    for number, sightings in enumerate(links.sightings)
                    if sightings["view"][lake] not in (NOT_SHOWN, COVERED_BY_OTHER)
                ]
            )
            for lake in kept
        )
        limit = links.settings.min_overlap
        known = known_ids(ground, old.to_numpy(), reserved, min_overlap=limit)
    return lake_ids(geometry_array(track.first for track in tracks), known, {*reserved, *taken})


def _day(links: Links, epoch: int) -> pd.Timestamp:
    return links.epochs[epoch].acquired.normalize()


def _events(links: Links, views: Views, names: Mapping[int, str]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    changed: dict[int, set[int]] = {lake: set() for lake in names}
    for change in links.lineage:
        for lake in {*change.before, *change.after}:
            changed[lake].add(change.epoch)
        rows.append(
            {
                C.LAKE_ID: names[change.before[0]],
                C.EVENT: change.kind,
                C.DATE: _day(links, change.epoch),
                C.AFTER: _day(links, change.since),
                C.FROM_IDS: " ".join(names[lake] for lake in change.before),
                C.TO_IDS: " ".join(names[lake] for lake in change.after),
                C.AREA_BEFORE_M2: change.area_before_m2,
                C.AREA_AFTER_M2: change.area_after_m2,
            }
        )
    may = may_have_events(views, links.settings)
    for lake in names:
        if not may[lake]:
            continue
        for detected in detect_events(views.of(lake), changed[lake], links.settings):
            before, after = detected.before.area_m2, detected.after.area_m2
            rows.append(
                {
                    C.LAKE_ID: names[lake],
                    C.EVENT: detected.kind,
                    C.DATE: _day(links, detected.after.epoch),
                    C.AFTER: _day(links, detected.before.epoch),
                    C.FROM_IDS: names[lake] if detected.before.shows_water else None,
                    C.TO_IDS: names[lake] if detected.after.shows_water else None,
                    C.AREA_BEFORE_M2: before,
                    C.AREA_AFTER_M2: after,
                }
            )
    table = schema.conform(pd.DataFrame(rows), schema.LAKE_EVENTS)
    return table.sort_values([C.DATE, C.LAKE_ID, C.EVENT], kind="stable", ignore_index=True)


def _outlines(
    links: Links,
    views: Views,
    names: Mapping[int, str],
    unconfirmed: set[int],
    events: pd.DataFrame,
) -> gpd.GeoDataFrame:
    """Return one row a lake and epoch with an outline of its own.

    Outlines are most of the memory of tracking: this takes the epochs out of the links, one after
    the other from the last, so that they are not held in two frames at a time.
    """
    rows = _rows(links, views, names, unconfirmed, events)
    parts = [
        gpd.GeoDataFrame(part, geometry=ragged.geometries(), crs=4326)
        for part, ragged in one_ahead(_in_degrees, rows)
    ]
    filled = [part for part in reversed(parts) if len(part)] or parts[-1:]
    del parts
    if not filled:
        filled = [gpd.GeoDataFrame({C.LAKE_ID: []}, geometry=[], crs=4326)]
    table = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=4326)
    del filled
    table = schema.conform(table, schema.OUTLINES).drop(columns="is_merged", errors="ignore")
    lost = (table[C.LON].isna() | table[C.LAT].isna()).to_numpy()
    points = shapely.point_on_surface(table.geometry.to_numpy()[lost])
    for name, values in ((C.LON, shapely.get_x(points)), (C.LAT, shapely.get_y(points))):
        table[name] = table[name].fillna(pd.Series(values, index=table.index[lost]))
    # Most often they are sorted already, and are not copied.
    table = table.sort_values([C.ACQUIRED, C.LAKE_ID], kind="stable", ignore_index=True)
    return gpd.GeoDataFrame(table, crs=4326)


def _in_degrees(rows: tuple[pd.DataFrame, RaggedPolygons]) -> tuple[pd.DataFrame, RaggedPolygons]:
    return rows[0], rows[1].to_crs(EQUAL_AREA, 4326)


def _rows(
    links: Links,
    views: Views,
    names: Mapping[int, str],
    unconfirmed: set[int],
    events: pd.DataFrame,
) -> Iterator[tuple[pd.DataFrame, RaggedPolygons]]:
    """Yield the rows of each epoch with their outlines, from the last epoch on; let go of it."""
    happened = events.groupby([C.LAKE_ID, C.DATE])[C.EVENT].agg(" ".join).to_dict()
    every = np.array(sorted(names, key=lambda lake: names[lake]), dtype=int)
    for number in reversed(range(len(links.epochs))):
        epoch = links.epochs[number]
        view = links.sightings[number]["view"][every]
        lakes = every[(view != NOT_SHOWN) & (view != COVERED_BY_OTHER)]
        shown, patches = lakes.tolist(), [patches_of(links, number, i) for i in lakes.tolist()]
        part = epoch.patches.iloc[[first for first, *_ in patches]].copy()
        status = views.status[shown, number]
        for name in _SUMMED:
            part[name] = _sums(epoch.patches[name].to_numpy(dtype=float), patches)
        settled = (status == Status.OBSERVED) & (part[C.STATUS] != Status.OBSERVED).to_numpy()
        bound = hanshaw_bookhagen_error(part[C.PERIMETER_M], part[C.PIXEL_M])
        errors = part[C.AREA_ERR_HB_M2].where(status == Status.OBSERVED)
        part[C.AREA_ERR_HB_M2] = errors.mask(settled & errors.isna(), bound)
        part[C.LAKE_ID] = [names[lake] for lake in shown]
        part[C.AREA_M2] = views.area_m2[shown, number]
        part[C.AREA_SIGMA_M2] = views.sigma_m2[shown, number]
        part[C.AREA_MIN_M2] = views.area_min_m2[shown, number]
        part[C.AREA_MAX_M2] = views.area_max_m2[shown, number]
        part[C.OBSERVED_FRACTION] = views.fraction[shown, number]
        part[C.STATUS] = status
        part[C.QUALITY] = part[C.QUALITY].mask(settled, SHOWN_AFTER_ALL)
        unions = links.unions[number]
        filled = np.array([lake in unions and unions[lake].filled for lake in shown], dtype=bool)
        part[C.QUALITY] = part[C.QUALITY].mask(filled, FILLED_IN)
        poor = np.array([lake in unconfirmed for lake in shown], dtype=bool)
        part[C.QUALITY] = part[C.QUALITY].mask(poor, SEEN_ONCE)
        day = epoch.acquired.normalize()
        part[C.EVENT] = [happened.get((names[lake], day)) for lake in shown]
        ragged = ragged_outlines(links, number, lakes)
        del links.epochs[number], epoch
        yield part, ragged


def _sums(values: npt.NDArray[np.float64], groups: Sequence[list[int]]) -> list[float]:
    """Return the sum of the values of each group of positions, of which most have one member."""
    numbers = values.tolist()
    return [numbers[g[0]] if len(g) == 1 else float(values[g].sum()) for g in groups]


def _lakes(states: Mapping[str, LakeState], outlines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one row a lake, from its latest whole outline."""
    rows = outlines[[C.LAKE_ID, C.ACQUIRED, C.AREA_M2]]
    whole = pd.DataFrame(rows).assign(whole=outlines[C.STATUS] == Status.OBSERVED)
    whole = whole.sort_values(["whole", C.ACQUIRED], kind="stable")
    latest = outlines.loc[whole.groupby(C.LAKE_ID).tail(1).index]
    latest = latest.set_index(C.LAKE_ID).sort_index()
    by_lake = rows.groupby(C.LAKE_ID)
    latest[C.FIRST_SEEN] = by_lake[C.ACQUIRED].min()
    latest[C.LAST_SEEN] = by_lake[C.ACQUIRED].max()
    latest[C.N_OBSERVED] = by_lake[C.AREA_M2].count()
    latest[C.MAX_AREA_M2] = by_lake[C.AREA_M2].max()
    latest[C.STATE] = pd.Series(states, dtype="object").reindex(latest.index)
    names_only = [column.name for column in schema.LAKES if column.name in latest]
    table = schema.conform(latest[[*names_only, "geometry"]].reset_index(), schema.LAKES)
    return gpd.GeoDataFrame(table, geometry="geometry", crs=4326)


def _states(
    links: Links, views: Views, names: Mapping[int, str], unconfirmed: set[int]
) -> dict[str, LakeState]:
    """Return the state of each lake by its ID; gone is what the last view that tells it lacks.

    Merged is what another lake took in: its ground is water still.
    """
    lacks = views.lacks
    tells = views.decides | lacks
    is_last = tells & (np.cumsum(tells[:, ::-1], axis=1)[:, ::-1] == 1)
    lost = (is_last & lacks & ~views.shows_water).any(axis=1)
    states: dict[str, LakeState] = {}
    for lake, name in names.items():
        if lake in unconfirmed:
            states[name] = LakeState.UNCONFIRMED
        elif links.tracks[lake].ended is not None:
            states[name] = LakeState.MERGED
        else:
            states[name] = LakeState.GONE if lost[lake] else LakeState.PRESENT
    return states


def _observations(links: Links, views: Views, names: Mapping[int, str]) -> pd.DataFrame:
    """Return one row a lake and scene; of the scenes of one epoch one carries what was seen."""
    lakes = sorted(names, key=lambda lake: names[lake])
    scenes = sorted(
        (utc(coverage.acquired).floor("ms"), coverage.scene_id, coverage.sensor, number, place)
        for number, epoch in enumerate(links.epochs)
        for place, coverage in enumerate(epoch.coverages)
    )
    numbers, places = (np.array([scene[i] for scene in scenes], dtype=int) for i in (3, 4))
    chosen = np.ix_(np.array(lakes, dtype=int), numbers)
    tells = views.scene[chosen] == places
    columns = {
        C.AREA_M2: np.where(tells, views.area_m2[chosen], np.nan),
        C.AREA_SIGMA_M2: np.where(tells, views.sigma_m2[chosen], np.nan),
        C.AREA_MIN_M2: np.where(tells, views.area_min_m2[chosen], np.nan),
        C.AREA_MAX_M2: np.where(tells, views.area_max_m2[chosen], np.nan),
        C.OBSERVED_FRACTION: np.where(tells, views.fraction[chosen], np.nan),
        C.STATUS: np.where(tells, views.status[chosen], Status.NODATA),
    }
    table = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    table[C.LAKE_ID] = np.repeat(np.array([names[lake] for lake in lakes], object), len(scenes))
    for position, name in enumerate((C.ACQUIRED, C.SCENE_ID, C.SENSOR)):
        values = pd.Series([scene[position] for scene in scenes], dtype=None if scenes else object)
        table[name] = values.iloc[np.tile(np.arange(len(scenes)), len(lakes))].to_numpy()
    return schema.conform(table, schema.OBSERVATIONS)
