"""One scene → lake outlines: seeds, features, water fraction, contour, attributes, coverage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.windows import Window, union

from glacial_lakes.columns import C
from glacial_lakes.coverage import Coverage, State
from glacial_lakes.errors import N_, InputError, MetadataError, require, require_amount
from glacial_lakes.grid import Grid
from glacial_lakes.io.repair import repaired
from glacial_lakes.io.vector import Places, as_places
from glacial_lakes.mapping import classification, observability, outlines
from glacial_lakes.mapping.candidates import AROUND_PX, Measured
from glacial_lakes.mapping.features import Features
from glacial_lakes.mapping.fields import Fields, require_xarray
from glacial_lakes.mapping.job import Job, Look
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.measuring import measure_all
from glacial_lakes.mapping.outside_model import (
    ABOVE,
    OutsideModel,
    Probability,
    read_outside_model,
)
from glacial_lakes.mapping.pixels import band_names
from glacial_lakes.mapping.probability import lake_prob
from glacial_lakes.mapping.reach import on_map, with_polygons
from glacial_lakes.mapping.read_mask import REMOTE_PX, Blocks
from glacial_lakes.mapping.rivers import river_outlines
from glacial_lakes.mapping.seeds import Detector, bands_of, detector_for, proposer
from glacial_lakes.mapping.sky import Sky, reached, under_its_sky
from glacial_lakes.mapping.table import hidden_m2, near_glaciers, table_of
from glacial_lakes.measures.glaciers import glacier_outlines
from glacial_lakes.scenes import Scene, block_shape
from glacial_lakes.scenes.dem import Dem
from glacial_lakes.scenes.remote import is_remote
from glacial_lakes.settings import MappingSettings

if TYPE_CHECKING:
    import xarray as xr

Bool = NDArray[np.bool_]
States = NDArray[np.uint8]

MASK_BANDS = ("green", "nir", "swir1")
"""What clouds, snow and ice are told by."""


def map_lakes(
    scene: Scene,
    *,
    dem: Dem | None = None,
    glaciers: Places | None = None,
    aoi: Places | None = None,
    near: Places | None = None,
    min_area_m2: float | None = None,
    glacier_buffer_m: float | None = 10_000.0,
    settings: MappingSettings | None = None,
    detector: Detector | None = None,
    probability: Probability | None = None,
    look: Look | None = None,
) -> MappedScene:
    """Map the lakes of one scene.

    A lake is the same whatever part of the scene is asked for: clouds that may cast their shadow
    on it are looked up beyond ``aoi``, ``near`` and ``glacier_buffer_m``. Only ``area_max_m2`` of a
    lake that is cut asks for hidden ground up to 5 km around it, as far as that is read.

    Parameters
    ----------
    scene : Scene
    dem : path-like, rasterio dataset or xarray.DataArray, optional
        Elevation in m; an array needs a CRS (``rio.write_crs``, or ``attrs["crs"]``), and its
        ``units`` where they are not m. A dataset cannot be sent to other processes. Without an
        elevation model shade is told from water by the spectrum alone, and each outline says so
        in ``quality``.
    glaciers : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        Glacier outlines; give each lake its nearest glacier and distance.
    aoi : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        Polygons; lakes with their inner point outside are left out. A geometry, or bounds (west,
        south, east, north), is in degrees (EPSG:4326).
    near : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        Polygons; only lakes that meet them are mapped, whole, and only the blocks of the scene that
        this takes are read. Elsewhere nothing is told.
    min_area_m2 : float, optional
        Smallest lake; default ``settings.min_pixels`` pixels of the scene.
    glacier_buffer_m : float or None
        Lakes farther from any glacier are left out (needs ``glaciers``). Blocks of the scene in
        which no lake can be near enough are not read, and count as not observed.
    settings : MappingSettings, optional
    detector : callable, optional
        What proposes water, instead of what the settings say; see
        :mod:`glacial_lakes.mapping.seeds`.
    probability : path-like, rasterio dataset, xarray.DataArray or ndarray, optional
        What an outside model says of the whole scene, instead of a detector: probability of water
        from 0 to 1, or a mask of 0 and 1, on any grid with a CRS, or an array on the grid of the
        scene. Pixels above ``settings.seed_threshold`` (default 0.5) are proposed, and the mean
        probability of a candidate is part of its ``lake_prob``. It must cover the scene, or
        ``aoi``; ground of which it does not say anything (no data, NaN) is ``uncertain``.
    look : callable, optional
        Called with the window and the reflectance by band of rows of the scene, each row once, from
        top to bottom: what is read for mapping need not be read again to be shown.

    Returns
    -------
    MappedScene
        ``outlines``: columns of ``schema.MAPPED``, one Polygon a row, in the CRS of the scene. A
        lake that clouds, shadow or gaps cut has its visible part as geometry, a null area, and
        the reason in ``status``. ``coverage`` tells what the scene shows of every place.

    Raises
    ------
    InputError
        When an argument is of another type, the detector gives no array of bool of the right
        shape, or the probability holds other numbers.
    GridError
        When the probability has no CRS or does not cover the scene.
    MetadataError
        When the scene lacks a green or near-infrared band.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scene = gl.discover("sample_data/scenes")[0]
    >>> mapped = gl.map_lakes(scene, dem="sample_data/dem.tif", aoi=(74.50, 42.60, 74.56, 42.65))
    >>> len(mapped.outlines) > 3
    True
    >>> [round(value) for value in mapped.outlines[["area_m2", "area_sigma_m2"]].max() > 0]
    [1, 1]
    """
    mapped, _ = _map(
        scene,
        dem=dem,
        glaciers=glaciers,
        aoi=aoi,
        near=near,
        min_area_m2=min_area_m2,
        glacier_buffer_m=glacier_buffer_m,
        settings=settings,
        detector=detector,
        probability=probability,
        look=look,
    )
    return mapped


def map_fields(
    scene: Scene,
    *,
    dem: Dem | None = None,
    near: Places | None = None,
    min_area_m2: float | None = None,
    settings: MappingSettings | None = None,
    detector: Detector | None = None,
    probability: Probability | None = None,
) -> xr.Dataset:
    """Map the lakes of one scene, and return what it goes through (needs ``xarray``).

    It is kept while :func:`map_lakes` maps, so it is what the outlines come from. A pixel takes
    some 25 bytes; give ``near`` for a part of a large scene.

    Parameters
    ----------
    scene, dem, near, min_area_m2, settings, detector, probability
        As of :func:`map_lakes`.

    Returns
    -------
    xarray.Dataset
        On the grid of the scene (y, x), or of the part that was read: ``seed``, the masks
        ``cloud``, ``snow_or_ice`` and ``dark_slope``, ``ndwi``, ``slope_deg``, ``illumination``
        (NaN without ``dem``), ``water_fraction`` (NaN away from candidates), ``candidate`` (its
        number, or 0), ``state`` and ``outline`` as of :meth:`MappedScene.to_xarray`. By ``number``,
        one an outline of a candidate: ``category``, ``lake_prob``, ``lake_prob_reasons``, ``level``
        (fraction of water that the outline runs along), and its features, ``feature_ndwi`` and
        others, as of :class:`glacial_lakes.mapping.features.Features`.

    Raises
    ------
    ConfigError
        When xarray is not installed.
    GlacialLakesError
        As of :func:`map_lakes`.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scene = gl.discover("sample_data/scenes")[0]
    >>> cube = gl.map_fields(scene, dem="sample_data/dem.tif")
    >>> shadows = cube.number[cube.category == "shadow"]
    >>> taken_for_shadow = cube.candidate.isin(shadows)
    """
    require_xarray()
    fields = Fields()
    mapped, part = _map(
        scene,
        dem=dem,
        near=near,
        min_area_m2=min_area_m2,
        settings=settings,
        detector=detector,
        probability=probability,
        fields=fields,
    )
    return fields.to_xarray(mapped, part)


def _map(
    scene: Scene,
    *,
    dem: Dem | None,
    near: Places | None,
    min_area_m2: float | None,
    settings: MappingSettings | None,
    detector: Detector | None,
    probability: Probability | None,
    glaciers: Places | None = None,
    aoi: Places | None = None,
    glacier_buffer_m: float | None = None,
    look: Look | None = None,
    fields: Fields | None = None,
) -> tuple[MappedScene, Window]:
    """Return what was mapped, and the part of the scene that its observation mask shows."""
    settings = MappingSettings() if settings is None else settings
    require(scene, Scene, "scene", N_("open it with open_scene"))
    require(settings, MappingSettings, "settings", N_("give MappingSettings"))
    _require_types(detector, look, min_area_m2, glacier_buffer_m)
    for band in ("green", "nir"):
        if band not in scene.bands:
            raise MetadataError(
                scene.path, "there is no {band} band", "name one in the sidecar", band=band
            )
    if detector is not None and probability is not None:
        raise InputError(None, "detector and probability are both given", "give one of them")
    ice = None if glaciers is None else with_polygons(glacier_outlines(glaciers), "glaciers")
    region = None if aoi is None else on_map(with_polygons(as_places(aoi), "aoi"), scene.grid)
    blocks = _blocks(scene, ice, glacier_buffer_m, region)
    ground = None if near is None else on_map(as_places(near), scene.grid)
    if ground is not None:
        blocks = blocks.near(ground, 0.0)
    smallest = settings.min_pixels * scene.grid.pixel_area_m2
    model, proposing = None, band_names(scene) if detector else bands_of(settings)
    if probability is not None:
        model, proposing = _outside_model(probability, scene, region, settings), []
    job = Job(
        scene,
        dem,
        model.propose if model else proposer(detector or detector_for(scene, settings)),
        blocks,
        _bands(scene, proposing),
        _outline_bands(scene),
        smallest if min_area_m2 is None else min_area_m2,
        not observability.is_high_summer(scene),
        look,
        model,
        fields,
        tuple(_whole(places) for places in (region, ground) if places is not None),
    )
    states, measured = measure_all(job, settings.strip_rows)
    rows, rivers = _decide(job, states, measured, settings.min_lake_prob)
    hidden = [hidden_m2(job, states, row) for row in rows]
    table = table_of(scene, rows, hidden, job.terrain)
    if ice is not None:
        table = near_glaciers(table, ice, glacier_buffer_m)
    grid, part = scene.grid, scene.grid.window
    if ground is not None:
        part = _touched(grid, blocks.extent, table)
        states, grid = states[part.toslices()], grid.crop(part)
    if region is not None:
        table = _within(region, table, table.representative_point(), states, grid)
    if ground is not None:
        table = _within(ground, table, table.geometry, states, grid)
    coverage = Coverage.from_states(
        states, scene_id=scene.id, acquired=scene.acquired, sensor=scene.sensor, grid=grid
    )
    return MappedScene(table, coverage, river_outlines(rivers, scene.grid)), part


def _require_types(
    detector: object, look: object, min_area_m2: object, glacier_buffer_m: object
) -> None:
    if detector is not None:
        remedy = N_("give a function, or its name as MappingSettings(detector=…)")
        require(detector, Callable, "detector", remedy)
    if look is not None:
        require(look, Callable, "look", N_("give a function"))
    for name, value in (("min_area_m2", min_area_m2), ("glacier_buffer_m", glacier_buffer_m)):
        if value is not None:
            require_amount(value, name)


def _decide(
    job: Job, states: States, measured: Sequence[Measured], min_lake_prob: float
) -> tuple[list[dict[str, Any]], list[tuple[Window, Bool]]]:
    """Return the rows of the lakes and the pixels of rivers, and mark what the candidates settle.

    The last question needs all of the scene: whether a cloud may cast its shadow on a place. It is
    asked of what may be a lake that somebody wants, for to answer it more may have to be read.
    """
    sky = Sky(job, states)
    rows, rivers, marks = [], [], []
    waiting = [*reversed(measured)]
    while waiting:
        one = waiting.pop()
        category = "land"
        if one.found is not None:
            found = one.found
            is_open = one.row is not None and job.wants(one.row["geometry"])
            if is_open:
                found = under_its_sky(job, sky, one, found, min_lake_prob)
            category = classification.classify(found, min_lake_prob)
            if job.fields is not None:
                job.fields.keep_classified(one, found, category)
        if category == "lake" and one.row is not None:
            prob, reasons = lake_prob(found, classification.by_rules(found))
            columns = {C.LAKE_PROB: prob, C.LAKE_PROB_REASONS: reasons, "window": one.window}
            columns[C.QUALITY] = classification.quality(
                found, one.row[C.OUTLINE_METHOD], has_cloud_mask=job.scene.quality is not None
            )
            rows.append(one.row | columns)
            marks.append((one.window, one.water, State.WATER))
        else:
            if category == "river":
                rivers.append((one.window, one.body))
            taken_for = State.SHADOW if category == "shadow" else State.UNCERTAIN
            marks.append((one.window, one.land, taken_for))
            waiting += reversed(one.within)
    # Where two touch, water wins.
    for window, where, state in sorted(marks, key=lambda mark: mark[2] == State.WATER):
        states[window.toslices()][where] = state
    own = outlines.apart([row["geometry"] for row in rows])
    rows = [
        row | {"geometry": outline}
        for row, outline in zip(rows, own, strict=True)
        if outline is not None
    ]
    return rows, rivers


def wanted_blocks(
    scene: Scene,
    *,
    glaciers: Places | None = None,
    aoi: Places | None = None,
    glacier_buffer_m: float | None = 10_000.0,
) -> Blocks:
    """Return the blocks of a scene that :func:`map_lakes` reads; parameters as there."""
    ice = None if glaciers is None else glacier_outlines(glaciers)
    region = None if aoi is None else on_map(as_places(aoi), scene.grid)
    return _blocks(scene, ice, glacier_buffer_m, region)


def bands_read(scene: Scene, settings: MappingSettings) -> list[str]:
    """Return the bands of a scene that :func:`map_lakes` reads."""
    return _bands(scene, bands_of(settings))


def _blocks(
    scene: Scene,
    ice: gpd.GeoDataFrame | None,
    glacier_buffer_m: float | None,
    region: gpd.GeoDataFrame | None,
) -> Blocks:
    green, around = scene.bands["green"], 0
    if is_remote(green.path):  # what is around what ends at the border is not decoded twice
        blocks, around = Blocks.of(scene.grid, REMOTE_PX, REMOTE_PX), AROUND_PX
    else:
        blocks = Blocks.of(scene.grid, min(block_shape(green)))
    if ice is not None and glacier_buffer_m is not None:
        ground = on_map(ice, scene.grid, glacier_buffer_m)
        blocks = blocks.near(ground, glacier_buffer_m, around)
    return blocks if region is None else blocks.near(region, 0.0, around)


def _bands(scene: Scene, proposing: Collection[str]) -> list[str]:
    """Return the bands that are read: those of outlines, of masks, and that propose water."""
    needed = {*_outline_bands(scene), *MASK_BANDS, *proposing}
    return [name for name in band_names(scene) if name in needed]


def _outline_bands(scene: Scene) -> list[str]:
    """Return the bands that outlines are drawn with: those of the finest resolution."""
    present = band_names(scene)
    finest = min(scene.bands[name].resolution for name in present)
    return [name for name in present if scene.bands[name].resolution == finest]


def _outside_model(
    probability: Probability,
    scene: Scene,
    region: gpd.GeoDataFrame | None,
    settings: MappingSettings,
) -> OutsideModel:
    """Return what an outside model says of a scene, or of the part of it that is asked for."""
    grid, needed = scene.grid, scene.grid.bounds
    if region is not None and len(region):
        wanted = shapely.intersection(shapely.box(*region.total_bounds), shapely.box(*needed))
        needed = needed if wanted.is_empty else wanted.bounds
    above = ABOVE if settings.seed_threshold is None else settings.seed_threshold
    return read_outside_model(probability, grid, above=above, needed=needed)


def _touched(grid: Grid, read: Window, table: gpd.GeoDataFrame) -> Window:
    """Return the part of a scene that was read or holds an outline; one pixel where none is."""
    windows = [read] if read.width else []
    if len(table):
        windows.append(grid.window_of(tuple(table.total_bounds), 1))
    return union(windows) if windows else Window(0, 0, 1, 1)


def _within(
    places: gpd.GeoDataFrame,
    table: gpd.GeoDataFrame,
    chosen_by: gpd.GeoSeries,
    states: States,
    grid: Grid,
) -> gpd.GeoDataFrame:
    """Return the lakes of some places, and tell in the states of nothing that lies elsewhere."""
    inside = _whole(places)
    chosen = shapely.intersects(inside, chosen_by.to_numpy())
    table = table[chosen].reset_index(drop=True)
    kept = [inside, *table.geometry]  # a lake on the border is seen as a whole
    states[geometry_mask(kept, grid.shape, grid.transform)] = State.NODATA
    return table


def _whole(places: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return all of some places as one."""
    whole = shapely.union_all(repaired(places.geometry))
    shapely.prepare(whole)
    return whole


@dataclass(frozen=True, slots=True)
class ClassifiedCandidate:
    """A candidate, what it looks like and how it was judged."""

    features: Features
    rules: classification.Category
    """What the rules take it for."""
    lake_prob: float
    lake_prob_reasons: str
    window: Window
    """Of the scene."""
    body: Bool
    """Pixels of the candidate in the window."""


def candidates(
    scene: Scene, *, dem: Dem | None = None, settings: MappingSettings | None = None
) -> list[ClassifiedCandidate]:
    """Return all that may be a lake in a scene, before it is decided which are.

    Parameters
    ----------
    scene : Scene
    dem : path-like, rasterio dataset or xarray.DataArray, optional
    settings : MappingSettings, optional

    Returns
    -------
    list of Judged
        In the order of their first pixels; those that are too small are left out.
    """
    settings = MappingSettings() if settings is None else settings
    job = Job(
        scene,
        dem,
        proposer(detector_for(scene, settings)),
        Blocks.of(scene.grid, min(block_shape(scene.bands["green"]))),
        _bands(scene, bands_of(settings)),
        _outline_bands(scene),
        settings.min_pixels * scene.grid.pixel_area_m2,
        not observability.is_high_summer(scene),
    )
    states, measured = measure_all(job, settings.strip_rows)
    sky, classified = Sky(job, states), []
    for one in (each for whole in measured for each in (whole, *whole.within)):
        if one.found is not None:
            found, _ = reached(job, sky.clouds, one, one.found)
            rules = classification.by_rules(found)
            classified.append(
                ClassifiedCandidate(found, rules, *lake_prob(found, rules), one.window, one.body)
            )
    return classified
