"""One scene → lake outlines: seeds, features, water fraction, contour, attributes, coverage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.windows import Window, union

from glacial_lakes import measures, schema
from glacial_lakes.columns import C
from glacial_lakes.coverage import Coverage, State
from glacial_lakes.errors import N_, InputError, MetadataError, require
from glacial_lakes.grid import Grid, within
from glacial_lakes.io.repair import repaired
from glacial_lakes.io.vector import Places, as_places
from glacial_lakes.mapping import classification, masks, observability, slc_gaps, uncertainty
from glacial_lakes.mapping.bounds import SIGMAS, hidden_px
from glacial_lakes.mapping.candidates import (
    AROUND_PX,
    MOST_BYTES,
    Candidate,
    CutCandidate,
    Measured,
    begin,
    extended,
    measure,
    object_at,
    objects,
    standing,
    unsettled,
)
from glacial_lakes.mapping.features import Features
from glacial_lakes.mapping.fields import Fields, require_xarray
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.outside_model import (
    ABOVE,
    OutsideModel,
    Probability,
    read_outside_model,
)
from glacial_lakes.mapping.path_radiance import path_reflectance
from glacial_lakes.mapping.pixels import (
    CIRRUS,
    NODATA,
    Pixels,
    band_names,
    ground_states,
    read_pixels,
)
from glacial_lakes.mapping.probability import lake_prob
from glacial_lakes.mapping.reach import on_map
from glacial_lakes.mapping.read_mask import REMOTE_PX, Blocks
from glacial_lakes.mapping.rivers import river_outlines
from glacial_lakes.mapping.seeds import Detector, Proposer, bands_of, detector_for, proposer
from glacial_lakes.mapping.strips import Strip, strips
from glacial_lakes.measures.glaciers import glacier_outlines
from glacial_lakes.scenes import Scene, block_shape, keep_open
from glacial_lakes.scenes.dem import Dem
from glacial_lakes.scenes.remote import is_remote
from glacial_lakes.scenes.sensors import is_top_of_atmosphere
from glacial_lakes.schema import Status
from glacial_lakes.settings import MappingSettings
from glacial_lakes.terrain import Terrain, read_terrain

if TYPE_CHECKING:
    import xarray as xr

Bool = NDArray[np.bool_]
States = NDArray[np.uint8]
Place = tuple[int, int]
Look = Callable[[Window, dict[str, NDArray[np.float32]]], None]

WORKERS = 2
"""Threads that measure candidates; a run maps several scenes at a time besides."""
MASK_BANDS = ("green", "nir", "swir1")
"""What clouds, snow and ice are told by."""
AT_A_TIME = 8
"""Candidates that a thread takes at once."""


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
    if detector is not None:
        remedy = N_("give a function, or its name as MappingSettings(detector=…)")
        require(detector, Callable, "detector", remedy)
    for band in ("green", "nir"):
        if band not in scene.bands:
            raise MetadataError(
                scene.path, "there is no {band} band", "name one in the sidecar", band=band
            )
    if detector is not None and probability is not None:
        raise InputError(None, "detector and probability are both given", "give one of them")
    ice = None if glaciers is None else glacier_outlines(glaciers)
    region = None if aoi is None else on_map(as_places(aoi), scene.grid)
    blocks = _blocks(scene, ice, glacier_buffer_m, region)
    ground = None if near is None else on_map(as_places(near), scene.grid)
    if ground is not None:
        blocks = blocks.near(ground, 0.0)
    smallest = settings.min_pixels * scene.grid.pixel_area_m2
    model, proposing = None, band_names(scene) if detector else bands_of(settings)
    if probability is not None:
        model, proposing = _outside_model(probability, scene, region, settings), []
    job = _Job(
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
    states, measured = _measure_all(job, settings.strip_rows)
    rows, rivers = _decide(job, states, measured, settings.min_lake_prob)
    hidden = [_hidden_m2(job, states, row) for row in rows]
    table = _table(scene, rows, hidden, job.terrain)
    if ice is not None:
        table = _near_glaciers(table, ice, glacier_buffer_m)
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


@dataclass(frozen=True, slots=True)
class Judged:
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
) -> list[Judged]:
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
    job = _Job(
        scene,
        dem,
        proposer(detector_for(scene, settings)),
        Blocks.of(scene.grid, min(block_shape(scene.bands["green"]))),
        _bands(scene, bands_of(settings)),
        _outline_bands(scene),
        settings.min_pixels * scene.grid.pixel_area_m2,
        not observability.is_high_summer(scene),
    )
    states, measured = _measure_all(job, settings.strip_rows)
    sky, judged = _Sky(job, states), []
    for one in measured:
        if one.found is not None:
            found, _ = _reached(job, sky.clouds, one, one.found)
            rules = classification.by_rules(found)
            judged.append(Judged(found, rules, *lake_prob(found, rules), one.window, one.body))
    return judged


@dataclass(frozen=True)
class _Job:
    """What is the same for all candidates of a scene."""

    scene: Scene
    dem: Dem | None
    propose: Proposer
    blocks: Blocks
    bands: list[str]
    """That are read."""
    outline_bands: list[str]
    smallest_m2: float
    may_hold_ice: bool
    look: Look | None = None
    model: OutsideModel | None = None
    """What proposes, when it may leave ground unanswered."""
    fields: Fields | None = None
    """What keeps all that is gone through, when somebody asks for it."""
    asked: tuple[shapely.Geometry, ...] = ()
    """On the map of the scene, each of which a lake meets, or nothing is told of it."""

    @cached_property
    def terrain(self) -> Terrain | None:
        """The DEM for the scene's sun; None without one."""
        if self.dem is None:
            return None
        sun = self.scene.sun_azimuth_deg, self.scene.sun_elevation_deg
        return read_terrain(self.dem, self.scene.grid, *sun)

    @cached_property
    def path(self) -> dict[str, float]:
        """Reflectance of the air in the bands that are read."""
        if not is_top_of_atmosphere(self.scene.level):
            return {}
        height = None
        if self.terrain is not None:
            coarse = self.scene.grid.coarsened(16)
            heights = self.terrain.on(coarse.transform, coarse.shape, "elevation_m")
            height = float(np.nanmedian(heights))
        return path_reflectance(self.scene, self.bands, height)

    def wants(self, outline: shapely.Geometry) -> bool:
        """Return whether anything may be told of a lake."""
        return all(outline.intersects(places) for places in self.asked)

    def seeds(self, pixels: Pixels) -> NDArray[np.bool_]:
        """Return the pixels that may hold water."""
        cloud = pixels.cloud & ~masks.shows_water(pixels.reflectance)
        excluded = pixels.snow_or_ice | cloud | pixels.dark_slope
        return self.propose(pixels, excluded)

    def measure(self, pixels: Pixels, candidate: Candidate) -> list[Measured]:
        """Draw and measure the outlines of a candidate."""
        return measure(
            pixels,
            candidate,
            self.scene.grid,
            bands=self.outline_bands,
            smallest_m2=self.smallest_m2,
            sun_elevation_deg=self.scene.sun_elevation_deg,
            may_hold_ice=self.may_hold_ice,
            has_cloud_mask=self.scene.quality is not None,
            model=self.model,
            keep_fraction=self.fields is not None,
        )


def _measure_all(job: _Job, rows: int) -> tuple[States, list[Measured]]:
    """Return the states of the ground, and all outlines in the order of their first pixels.

    A candidate that strips do not hold with all that is around it is read once more, in a window
    of its own; so nothing depends on the strips.
    """
    states = np.zeros(job.scene.grid.shape, np.uint8)
    with ThreadPoolExecutor(WORKERS, "measure") as pool:
        found, cut = _measure_strips(job, rows, states, pool)
        shares = np.array_split(np.array(sorted(cut), int).reshape(-1, 2), WORKERS)
        for measured in pool.map(lambda share: _measure_apart(job, share.tolist()), shares):
            found |= measured
    return states, [one for place in sorted(found) for one in found[place]]


def _measure_strips(
    job: _Job, rows: int, states: States, pool: ThreadPoolExecutor
) -> tuple[dict[Place, list[Measured]], list[Place]]:
    """Fill the states, and return what strips hold whole and the first pixels of the rest."""
    found: dict[Place, list[Measured]] = {}
    cut: list[Place] = []
    before: list[Future[dict[Place, list[Measured]]]] = []
    followed: list[CutCandidate] = []
    for strip, seeds in _seeded(job, rows):
        pixels, (first, end) = strip.pixels, strip.core
        _, along = pixels.window.toslices()
        core = pixels.cut(Window(along.start, first, pixels.window.width, end - first))
        ground = ground_states(core)
        if job.model is not None:
            ground[job.model.unknown(core.window) & (ground == State.LAND)] = State.UNCERTAIN
        states[first:end, along] = ground
        if job.look is not None:
            job.look(core.window, core.reflectance)
        if job.fields is not None:
            job.fields.keep_pixels(core, seeds[within(core.window, pixels.window)])
        whole, continuing, apart, beyond = _candidates(job, strip, seeds)
        found |= {one.first: [unsettled(one, pixels.window)] for one in beyond}
        parts = (whole[place : place + AT_A_TIME] for place in range(0, len(whole), AT_A_TIME))
        measuring = [pool.submit(_measured, job, pixels, part) for part in parts]
        ended, followed, left = _follow(job, strip, seeds, followed, continuing)
        measuring += [pool.submit(_measured, job, one.pixels(), [one.candidate]) for one in ended]
        cut += apart + left
        # The strip before must be done with: its pixels make room for those to come.
        for part in before:
            found |= part.result()
        before = measuring
    for part in before:
        found |= part.result()
    return found, cut


def _seeded(job: _Job, rows: int) -> Iterator[tuple[Strip, Bool]]:
    """Yield the strips with their seeds, of which those that two of them share are found once."""
    seeds, known = np.zeros((0, 0), bool), Window(0, 0, 0, 0)
    for strip in strips(job.scene, job.bands, lambda: job.terrain, job.blocks, rows, job.path):
        pixels, window = strip.pixels, strip.pixels.window
        # What gaps hid may be known now.
        settled = int(known.row_off + known.height) - slc_gaps.MAX_GAP_ROWS
        new = min(max(settled, int(window.row_off)), int(window.row_off + window.height))
        kept = seeds[int(window.row_off - known.row_off) :][: new - int(window.row_off)]
        rest = Window(window.col_off, new, window.width, window.row_off + window.height - new)
        fresh = job.seeds(pixels.cut(rest))
        seeds, known = np.concatenate([kept, fresh]) if len(kept) else fresh, window
        yield strip, seeds


def _measured(
    job: _Job, pixels: Pixels, candidates: Sequence[Candidate]
) -> dict[Place, list[Measured]]:
    return {one.first: job.measure(pixels, one) for one in candidates}


def _candidates(
    job: _Job, strip: Strip, seeds: Bool
) -> tuple[list[Candidate], list[Candidate], list[Place], list[Candidate]]:
    """Return the candidates that begin in a strip.

    Those that it holds with all that is around, those that go on below, the first pixels of such
    that blocks cut that are not read, and those of which no part that is read is near enough to
    be wanted.
    """
    grid, pixels, (first, end) = job.scene.grid, strip.pixels, strip.core
    last, bottom = end - int(pixels.window.row_off), pixels.window.row_off + pixels.window.height
    begun = [one for one in objects(seeds, pixels.window, last) if one.first[0] >= first]
    whole, continuing, apart, beyond = [], [], [], []
    for one, near in zip(begun, job.blocks.reached([one.extent for one in begun]), strict=True):
        needed = grid.around(one.extent, AROUND_PX)
        if not near and (strip.is_last or one.extent.row_off + one.extent.height < bottom):
            beyond.append(one)
        elif not near or not job.blocks.hold(needed):
            apart.append(one.first)
        elif pixels.covers(needed):
            whole.append(one)
        else:
            continuing.append(one)
    return whole, continuing, apart, beyond


def _follow(
    job: _Job,
    strip: Strip,
    seeds: Bool,
    followed: Sequence[CutCandidate],
    begun: Sequence[Candidate],
) -> tuple[list[CutCandidate], list[CutCandidate], list[Place]]:
    """Return the objects that end in a strip, those that go on, and the first pixels of the rest.

    The rest have no room, or lie partly where nothing is read.
    """
    pixels, grid = strip.pixels, job.scene.grid
    ended: list[CutCandidate] = []
    going_on: list[CutCandidate] = []
    left: list[Place] = []
    room = MOST_BYTES
    for one in (
        *(extended(one, pixels, seeds, is_last=strip.is_last) for one in followed),
        *(begin(one, pixels, seeds, is_last=strip.is_last) for one in begun),
    ):
        room -= one.size_bytes
        read = job.blocks.hold(grid.around(one.candidate.extent, AROUND_PX))
        state = standing(one, grid) if read and room >= 0 else "beyond"
        if state == "whole":
            ended.append(one)
        elif state == "goes on":
            going_on.append(one)
        else:
            left.append(one.candidate.first)
    return ended, going_on, left


def _measure_apart(job: _Job, pixels: Sequence[Place]) -> dict[Place, list[Measured]]:
    """Measure the candidates of some pixels, each in a window that holds all of it."""
    found: dict[Place, list[Measured]] = {}
    with keep_open():
        for row, col in pixels:
            found |= _measure_around(job, row, col)
    return found


def _measure_around(job: _Job, row: int, col: int) -> dict[Place, list[Measured]]:
    extent, pad = Window(col, row, 1, 1), 4 * AROUND_PX
    if is_remote(job.scene.bands["green"].path):
        pad = AROUND_PX  # what is fetched costs more than to look twice
    while True:
        window = job.scene.grid.around(extent, pad)
        pixels = read_pixels(job.scene, job.bands, window, job.terrain, job.path)
        seeds = job.seeds(pixels)
        one = object_at(row, col, seeds, window)
        extent = one.extent
        if pixels.covers(job.scene.grid.around(extent, AROUND_PX)):
            break
        pad = AROUND_PX + max(int(extent.height), int(extent.width)) // 2
    part = object_at(row, col, seeds & job.blocks.read(window), window)
    if not job.blocks.reached([part.extent]).all():  # as its strip would have said
        return {part.first: [unsettled(part, window)]}
    return _measured(job, pixels, [one])


def _decide(
    job: _Job, states: States, measured: Sequence[Measured], min_lake_prob: float
) -> tuple[list[dict[str, Any]], list[tuple[Window, Bool]]]:
    """Return the rows of the lakes and the pixels of rivers, and mark what the candidates settle.

    The last question needs all of the scene: whether a cloud may cast its shadow on a place. It is
    asked of what may be a lake that somebody wants, for to answer it more may have to be read.
    """
    sky = _Sky(job, states)
    rows, rivers, marks = [], [], []
    for one in measured:
        category = "land"
        if one.found is not None:
            found = one.found
            is_open = one.row is not None and job.wants(one.row["geometry"])
            if is_open:
                found = _under_its_sky(job, sky, one, found, min_lake_prob)
            category = classification.classify(found, min_lake_prob)
            if job.fields is not None:
                job.fields.keep_judged(one, found, category)
        if category == "lake" and one.row is not None:
            prob, reasons = lake_prob(found, classification.by_rules(found))
            told = {C.LAKE_PROB: prob, C.LAKE_PROB_REASONS: reasons, "window": one.window}
            told[C.QUALITY] = classification.quality(
                found, one.row[C.OUTLINE_METHOD], has_cloud_mask=job.scene.quality is not None
            )
            rows.append(one.row | told)
            marks.append((one.window, one.water, State.WATER))
        else:
            if category == "river":
                rivers.append((one.window, one.body))
            taken_for = State.SHADOW if category == "shadow" else State.UNCERTAIN
            marks.append((one.window, one.land, taken_for))
    # Where two touch, water wins.
    for window, where, state in sorted(marks, key=lambda mark: mark[2] == State.WATER):
        states[window.toslices()][where] = state
    return rows, rivers


class _Sky:
    """Where clouds are, also in blocks that hold no lake of interest: read when asked for.

    Of such a block the flags come first, with the two bands in which clouds are bright: where
    these show none, which is almost everywhere, the others are not read.
    """

    def __init__(self, job: _Job, states: States) -> None:
        self._job, self._states = job, states
        self._flags: dict[Place, NDArray[np.uint8]] = {}
        self._read: dict[Place, Bool] = {}

    def clouds(self, window: Window, places: Collection[Place]) -> Bool:
        """Return the clouds of a window as if all of the scene had been read.

        What lies in blocks other than those of some places may be left out.
        """
        return self._of(window, places, self._look)

    def flagged(self, window: Window, places: Collection[Place]) -> Bool:
        """Return those of the clouds that the product flags, of which nothing else is read."""
        return self._of(window, places, self._look_at_flags)

    def _of(self, window: Window, places: Collection[Place], look: Callable[[Place], Bool]) -> Bool:
        found: Bool = self._states[window.toslices()] == State.CLOUD
        blocks = self._job.blocks
        for block in places:
            if not blocks.wanted[block]:
                there = blocks.window(block)
                both = there.intersection(window)
                found[within(both, window)] = look(block)[within(both, there)]
        return found

    def _look_at_flags(self, block: Place) -> Bool:
        if block not in self._flags:
            there = self._job.blocks.window(block)
            self._flags[block] = self._job.scene.read_flags(there)
        flags = self._flags[block]
        is_cloud: Bool = (flags & (masks.CLOUD | CIRRUS) != 0) & (flags & NODATA == 0)
        return is_cloud

    def _look(self, block: Place) -> Bool:
        if block not in self._read:
            self._look_at_flags(block)
            there = self._job.blocks.window(block)
            self._read[block] = self._clouds_in(there, self._flags[block])
        return self._read[block]

    def _clouds_in(self, there: Window, flags: NDArray[np.uint8]) -> Bool:
        """Return the clouds of a block that was not read yet."""
        job = self._job
        names = [name for name in ("green", "swir1") if name in job.bands]
        bands = dict(zip(names, job.scene.read(names, there), strict=True))
        for name in job.path.keys() & bands.keys():
            bands[name] -= np.float32(job.path[name])
        if not (masks.may_be_cloud(bands, flags) | (flags & CIRRUS != 0)).any():
            return np.zeros(flags.shape, bool)
        pixels = read_pixels(job.scene, job.bands, there, None, job.path)
        clouds: Bool = ground_states(pixels) == State.CLOUD
        return clouds


def _blocks_towards(
    blocks: Blocks, extent: Window, down: NDArray[np.int64], along: NDArray[np.int64]
) -> set[Place]:
    """Return the blocks in which what lies in a window meets one of some distances from it."""
    top, left = int(extent.row_off), int(extent.col_off)
    places: set[Place] = set()
    for row, col in zip((top + down).tolist(), (left + along).tolist(), strict=True):
        met = blocks.grid.clip(Window(col, row, extent.width, extent.height))
        places.update(blocks.of_window(met))
    return places


def _under_its_sky(
    job: _Job, sky: _Sky, one: Measured, found: Features, min_lake_prob: float
) -> Features:
    """Return the features with what the clouds towards the sun tell, as far as that decides."""
    told, least = found, 0.0
    for clouds in (sky.flagged, sky.clouds):
        if not classification.sky_decides(found, min_lake_prob, least):
            break
        told, least = _reached(job, clouds, one, found)
    return told


def _reached(
    job: _Job,
    clouds: Callable[[Window, Collection[Place]], Bool],
    one: Measured,
    found: Features,
) -> tuple[Features, float]:
    """Return the features under some clouds, and the share that these may shade."""
    azimuth, elevation = job.scene.sun_azimuth_deg, job.scene.sun_elevation_deg
    asked = classification.may_be_cloud_shadow(found)
    if azimuth is None or elevation is None or not (asked or found.shadow_fraction > 0):
        return found, 0.0
    grid = job.scene.grid
    rows, cols = np.nonzero(one.body)
    rows, cols = rows + int(one.window.row_off), cols + int(one.window.col_off)
    sun = azimuth, elevation, grid.stretch
    above = masks.clouds_above(rows, cols, grid.resolution, *sun)
    window = grid.clip(above)
    own = Window(int(cols.min()), int(rows.min()), int(np.ptp(cols)) + 1, int(np.ptp(rows)) + 1)
    places = _blocks_towards(job.blocks, own, *masks.towards_sun(grid.resolution, *sun))
    reach = masks.reach_fraction(
        clouds(window, places),
        rows - int(window.row_off),
        cols - int(window.col_off),
        grid.resolution,
        *sun,
    )
    is_whole = (window.height, window.width) == (above.height, above.width)
    return classification.under_sky(found, reach, is_whole=is_whole), reach


def _touched(grid: Grid, read: Window, table: gpd.GeoDataFrame) -> Window:
    """Return the part of a scene that was read or holds an outline; one pixel where none is."""
    windows = [read] if read.width else []
    if len(table):
        windows.append(grid.window_of(tuple(table.total_bounds), 1))
    return union(windows) if windows else Window(0, 0, 1, 1)


def _whole(places: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return all of some places as one."""
    whole = shapely.union_all(repaired(places.geometry))
    shapely.prepare(whole)
    return whole


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


def _bands(scene: Scene, proposing: Collection[str]) -> list[str]:
    """Return the bands that are read: those of outlines, of masks, and that propose water."""
    needed = {*_outline_bands(scene), *MASK_BANDS, *proposing}
    return [name for name in band_names(scene) if name in needed]


def _outline_bands(scene: Scene) -> list[str]:
    """Return the bands that outlines are drawn with: those of the finest resolution."""
    present = band_names(scene)
    finest = min(scene.bands[name].resolution for name in present)
    return [name for name in present if scene.bands[name].resolution == finest]


def _hidden_m2(job: _Job, states: States, row: Mapping[str, Any]) -> tuple[float, float]:
    """Return how much of an outline is hidden, and how much hidden ground may be of its lake.

    NaN where it is seen whole.
    """
    if row["hidden"] is None:
        return np.nan, np.nan
    grid = job.scene.grid
    inside, beside = hidden_px(
        states,
        grid,
        row["geometry"],
        (row["window"], row["hidden"]),
        job.terrain,
        under_snow=job.may_hold_ice,
    )
    return inside * grid.pixel_area_m2, beside * grid.pixel_area_m2


def _table(
    scene: Scene,
    rows: list[dict[str, Any]],
    hidden_m2: list[tuple[float, float]],
    terrain: Terrain | None,
) -> gpd.GeoDataFrame:
    crs = scene.grid.crs.to_wkt()
    columns = [column.name for column in schema.MAPPED] + ["geometry"]
    if not rows:
        empty = gpd.GeoDataFrame({name: [] for name in columns}, geometry="geometry", crs=crs)
        return schema.conform(empty, schema.MAPPED)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)
    size = measures.geodesic_area_perimeter(table.geometry)
    pixel = scene.grid.resolution
    table[C.SCENE_ID] = scene.id
    table[C.ACQUIRED] = pd.Timestamp(scene.acquired)
    table[C.SENSOR] = scene.sensor
    table[C.PIXEL_M] = pixel
    table[C.PERIMETER_M] = size[C.PERIMETER_M]
    table[C.AREA_M2] = size[C.AREA_M2]
    perimeter = size[C.PERIMETER_M].to_numpy()
    hidden = (1 - table[C.OBSERVED_FRACTION]) * table[C.AREA_M2]
    shore = perimeter, pixel, table["shift_px"]
    apart = table["apart_px"] * scene.grid.pixel_area_m2
    table[C.AREA_SIGMA_M2] = uncertainty.area_sigma(*shore, hidden, apart)
    table[C.AREA_ERR_HB_M2] = measures.hanshaw_bookhagen_error(perimeter, pixel)
    cut = table[C.STATUS] != Status.OBSERVED
    margin = SIGMAS * uncertainty.area_sigma(*shore, apart_m2=apart)
    inside, beside = np.array(hidden_m2).T
    table[C.AREA_MIN_M2] = (table[C.AREA_M2] - inside - margin).clip(lower=0.0).where(cut)
    table[C.AREA_MAX_M2] = (table[C.AREA_M2] + beside + margin).where(cut)
    table.loc[cut, [C.AREA_M2, C.AREA_SIGMA_M2, C.AREA_ERR_HB_M2]] = np.nan
    table[[C.LON, C.LAT]] = measures.inner_lon_lat(table.geometry)
    if terrain is not None:
        table[C.ELEV_M] = measures.elevation(table.geometry, terrain)
    return schema.conform(
        table.drop(columns=["shift_px", "apart_px", "hidden", "window"]), schema.MAPPED
    )


def _near_glaciers(
    table: gpd.GeoDataFrame, glaciers: gpd.GeoDataFrame, buffer_m: float | None
) -> gpd.GeoDataFrame:
    near = measures.nearest_glacier(table.geometry, glaciers)
    table[[C.GLACIER_ID, C.GLACIER_DIST_M]] = near
    if buffer_m is None:
        return table
    return table[~(table[C.GLACIER_DIST_M] > buffer_m)].reset_index(drop=True)
