"""Outlines of many scenes → an inventory: tracking, decisions of persons, attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

import glacial_lakes
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, VectorError, require, require_amount
from glacial_lakes.inventory import attributes, decisions
from glacial_lakes.inventory.catalogue import Catalogue
from glacial_lakes.inventory.error_parts import with_parts
from glacial_lakes.inventory.fast_changes import with_fast_changes
from glacial_lakes.inventory.inventory import Inventory, as_layer, empty_layer
from glacial_lakes.inventory.kept import annotated_lakes, with_kept
from glacial_lakes.inventory.register import Views, catalogued_lakes, registered
from glacial_lakes.inventory.surveys import Surveys, curves_in
from glacial_lakes.io.repair import repaired
from glacial_lakes.io.vector import Places, as_places
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.reach import with_polygons
from glacial_lakes.measures.glaciers import glacier_outlines
from glacial_lakes.measures.meridian import in_degrees
from glacial_lakes.scenes.dem import Dem
from glacial_lakes.schema import SceneState
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.epochs import utc
from glacial_lakes.tracking.tables import Tracked, track_lakes
from glacial_lakes.tracking.tile_merging import checked

_TRACKED = ("lakes", "outlines", "observations", "events")


def track(
    mapped: Iterable[MappedScene],
    *,
    glaciers: Places | None = None,
    dem: Dem | None = None,
    basins: Places | None = None,
    basin_field: str = "name",
    previous: Inventory | None = None,
    settings: TrackingSettings | None = None,
    min_area_m2: float | None = None,
    catalogue: Catalogue | None = None,
    surveys: Surveys | None = None,
    scenes: pd.DataFrame | None = None,
    run: Mapping[str, Any] | None = None,
) -> Inventory:
    """Make an inventory of the outlines of many scenes.

    Parameters
    ----------
    mapped : iterable of MappedScene
        All scenes that the inventory shall hold, in any order, as :func:`glacial_lakes.map_lakes`
        gives them. Outlines that somebody drew need no columns: without ``area_m2`` they are
        measured on the ellipsoid, and count as seen whole.
    glaciers : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        Glacier outlines. They give each lake its type
        (:func:`glacial_lakes.measures.relation_to_glaciers`), its contact, and nearest glacier
        and distance where mapping did not.
    dem : path-like, rasterio dataset or xarray.DataArray, optional
        Elevation model for the catchment and relief indicators of the lakes
        (:func:`glacial_lakes.measures.relief_indicators`): a first-order screening.
    basins : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        Polygons of basins or countries, for totals.
    basin_field : str
        Column of ``basins`` that holds their names.
    previous : Inventory, optional
        An earlier inventory: its lakes keep their IDs, its IDs are never given to others, and its
        reviews and runs are taken over.
    settings : TrackingSettings, optional
        Limits of the matching.
    min_area_m2 : float, optional
        Smallest lake that was mapped, when one was chosen.
    catalogue : Catalogue, optional
        The partner's list of lakes, from
        :func:`glacial_lakes.inventory.catalogue.read_catalogue`: its numbers, names, districts and
        remarks are joined to the lakes, once and for ever.
    surveys : Surveys, optional
        Bathymetries and rating curves of lakes, from
        :func:`glacial_lakes.inventory.surveys.read_surveys`; by default those of ``previous``.
    scenes : pandas.DataFrame, optional
        Table of scenes, :data:`glacial_lakes.schema.SCENES`; by default made of the coverages.
    run : mapping, optional
        Row to add to the table of runs, :data:`glacial_lakes.schema.RUNS`.

    Returns
    -------
    Inventory
        The same for any order of the scenes.

    Raises
    ------
    InputError
        When outlines have no CRS, or a scene is given twice, or what is given is no
        :class:`~glacial_lakes.mapping.mapped_scene.MappedScene`.
    VectorError
        When glaciers or basins cannot be read, or the basins have no such column.
    UnknownProductError, GridError
        When the DEM cannot be read or has no CRS.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scenes = gl.discover("sample_data/scenes")[:2]
    >>> mapped = [gl.map_lakes(scene, dem="sample_data/dem.tif") for scene in scenes]
    >>> inventory = gl.track(mapped, glaciers="sample_data/glaciers.gpkg")
    >>> inventory.observations["sensor"].unique().tolist()
    ['LT05', 'LE07']
    """
    _require_types(mapped, previous, settings, min_area_m2)
    reviews = empty_layer("reviews") if previous is None else as_layer(previous.reviews, "reviews")
    known = None if previous is None else decisions.known_ground(previous.outlines, reviews)
    seen: list[dict[str, Any]] = []
    views = None if catalogue is None else Views.of(catalogue)
    tracked = track_lakes(
        _without_rejected(mapped, reviews, seen, views),
        previous=known,
        taken=set(reviews[C.LAKE_ID].dropna()),
        settings=settings,
        min_area_m2=min_area_m2,
    )
    scene_table = as_layer(_scenes(seen, scenes, reviews), "scenes")
    shown = set(tracked.lakes[C.LAKE_ID])
    if previous is not None:
        tables = (as_layer(getattr(previous, name), name) for name in _TRACKED)
        annotated = annotated_lakes(previous) | catalogued_lakes(previous.register)
        tracked = with_kept(tracked, Tracked(*tables), reviews, scene_table, annotated)
    tracked = with_parts(decisions.redraw(tracked, reviews, scene_table))
    tracked = with_fast_changes(tracked, settings)
    lakes, rows = (as_layer(getattr(tracked, name), name) for name in ("lakes", "outlines"))
    ice = None if glaciers is None else with_polygons(glacier_outlines(glaciers), "glaciers")
    if ice is not None:
        lakes, rows = (attributes.near_glaciers(table, ice) for table in (lakes, rows))
    if dem is not None:
        lakes = attributes.on_relief(lakes, dem, ice)
        rows = attributes.as_lakes(rows, lakes)
    tracked = replace(tracked, lakes=lakes, outlines=rows)
    if basins is not None:
        named = tracked.lakes.assign(**{C.BASIN: _basins(tracked.lakes, basins, basin_field)})
        tracked = replace(tracked, lakes=named)
    tracked = decisions.describe(tracked, reviews)
    register = empty_layer("register") if previous is None else previous.register
    kept = set(tracked.lakes[C.LAKE_ID]) - shown
    register, tracked = registered(register, tracked, reviews, catalogue, views, kept)
    curves = empty_layer("curves") if previous is None else previous.curves
    if surveys is not None:
        curves = curves_in(surveys, tracked)
    lakes = attributes.screened(tracked.lakes, curves=curves)
    tracked = replace(tracked, lakes=as_layer(lakes, "lakes"))
    rows = tracked.outlines
    earlier = empty_layer("runs") if previous is None else previous.runs
    added = [dict(run)] if run is not None else []
    return Inventory(
        lakes=tracked.lakes,
        outlines=as_layer(rows.assign(**{C.VERSION: str(glacial_lakes.__version__)}), "outlines"),
        observations=tracked.observations,
        events=tracked.events,
        reviews=reviews,
        scenes=scene_table,
        runs=as_layer(pd.concat([earlier, pd.DataFrame(added)], ignore_index=True), "runs")
        if added
        else earlier,
        register=register,
        curves=as_layer(curves, "curves"),
    )


def _require_types(mapped: object, previous: object, settings: object, min_area_m2: object) -> None:
    # A table can be gone through, but not scene by scene.
    kind = Sequence if isinstance(mapped, pd.DataFrame) else Iterable
    require(mapped, kind, "mapped", N_("give a list of mapped scenes"))
    if previous is not None:
        require(previous, Inventory, "previous", N_("open it with open_inventory"))
    if settings is not None:
        require(settings, TrackingSettings, "settings", N_("give TrackingSettings"))
    if min_area_m2 is not None:
        require_amount(min_area_m2, "min_area_m2")


def _without_rejected(
    mapped: Iterable[MappedScene],
    reviews: gpd.GeoDataFrame,
    seen: list[dict[str, Any]],
    views: Views | None,
) -> Iterator[MappedScene]:
    """Yield the scenes without the outlines at rejected places, and note what they had.

    And how they saw the places of a catalogue.

    One scene at a time: the outlines of all scenes need not be in memory twice.
    """
    is_any_rejected = len(decisions.rejected_lakes(reviews)) > 0
    for scene in checked(mapped):
        kept, rejected = scene, None
        if is_any_rejected:
            hit = decisions.left_out(scene.outlines, reviews)
            kept, rejected = replace(scene, outlines=scene.outlines[~hit]), int(hit.sum())
        seen.append(
            {
                C.SCENE_ID: scene.coverage.scene_id,
                C.ACQUIRED: utc(scene.coverage.acquired),
                C.SENSOR: scene.coverage.sensor,
                C.STATE: SceneState.MAPPED,
                C.N_OUTLINES: len(scene.outlines),
                C.N_REJECTED: rejected,
            }
        )
        if views is not None:
            views.add(scene.coverage, utc(scene.coverage.acquired))
        yield kept


def named_basins(basins: Places, field: str) -> gpd.GeoDataFrame:
    """Return polygons with a column of their names; they are numbered where no column is at all.

    Raises
    ------
    VectorError
        When there are columns, but none of that name.
    """
    table = as_places(basins)
    known = [str(name) for name in table.columns if name != table.geometry.name]
    if not known:
        return table.assign(**{field: [str(row + 1) for row in range(len(table))]})
    if field not in known:
        raise VectorError(
            basins if isinstance(basins, Path | str) else None,
            "has no column {field}",
            "it has: {known}; name the one with the names: basin_field in the project, "
            "or --basin-field",
            field=field,
            known=known,
        )
    return table


def _basins(lakes: gpd.GeoDataFrame, basins: Places, field: str) -> pd.Series:
    """Return the name of the basin in which a point inside each lake lies."""
    table = named_basins(basins, field)
    areas = repaired(in_degrees(table.geometry).to_crs(lakes.crs))
    lake, basin = shapely.STRtree(areas).query(
        shapely.point_on_surface(lakes.geometry.to_numpy()), predicate="intersects"
    )
    found = table[field].iloc[basin].set_axis(lakes.index[lake]).dropna().map(str)
    names: pd.Series = found[~found.index.duplicated()].reindex(lakes.index)
    return names


def _scenes(
    seen: Sequence[Mapping[str, Any]], scenes: pd.DataFrame | None, reviews: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the table of scenes: that given, or one made of the coverages."""
    counts = {row[C.SCENE_ID]: row[C.N_REJECTED] for row in seen}
    if scenes is None:
        table = pd.DataFrame(seen, columns=None if seen else [C.SCENE_ID, C.ACQUIRED])
        scenes = table.sort_values([C.ACQUIRED, C.SCENE_ID], ignore_index=True)
    if not len(decisions.rejected_lakes(reviews)):
        return scenes
    return scenes.assign(**{C.N_REJECTED: scenes[C.SCENE_ID].map(counts).astype("Int64")})
