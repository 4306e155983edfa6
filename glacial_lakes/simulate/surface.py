"""What the ground reflects on a date: rock, plants, ice and snow, rivers and lakes, mixed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from shapely.geometry import Polygon

from glacial_lakes.grid import placed, shifted
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.frame import COARSE_M, SHORE_M, on_ground, water_share
from glacial_lakes.simulate.ground import Ground
from glacial_lakes.simulate.lakes import LakeState
from glacial_lakes.simulate.noise import Field, fractal_field, generator, smoothstep
from glacial_lakes.simulate.site import Site
from glacial_lakes.simulate.spectra import LAND, Spectrum, Water, water_reflectance

Reflectance = np.ndarray[tuple[int, int, int], np.dtype[np.float32]]

_TEXTURE_TINT = (0.9, 0.4, 0.0, -0.35, -0.6, -0.7)
_RIVER = Water("turbid", 160.0, 0.05, 0.2, 0.1)


@dataclass(frozen=True, eq=False)
class LakeCover:
    """A lake on the ground's cells."""

    state: LakeState
    window: tuple[slice, slice]
    share: Field
    """Share of each cell of the window that is lake."""
    ice: Field
    """Share of the lake's surface in each cell that is frozen."""


@dataclass(frozen=True, eq=False)
class Surface:
    """The ground on a date, before the light of the day falls on it."""

    albedo: Reflectance
    """Reflectance (band, y, x) under even light."""
    lakes: tuple[LakeCover, ...]


def make_surface(site: Site, ground: Ground, acquisition: Acquisition) -> Surface:
    """Mix the spectra of all covers by their shares of each cell.

    Parameters
    ----------
    site : Site
        Where.
    ground : Ground
        The site's ground, at 5 m or coarser.
    acquisition : Acquisition
        When, with snow line and ice line.

    Returns
    -------
    Surface
        Albedo in the six bands of :data:`glacial_lakes.simulate.sensors.BANDS`.
    """
    year = acquisition.year
    albedo = np.empty((6, *ground.shape), np.float32)
    schist, granite = LAND["schist"], LAND["granite"]
    for band in range(6):
        albedo[band] = schist[band] + (granite[band] - schist[band]) * ground.granite
    _cover(albedo, ground.scree * np.float32(0.8), LAND["scree"])
    _cover(albedo, ground.moraine, LAND["moraine"])
    green = math.exp(-(((acquisition.time.timetuple().tm_yday - 198) / 48.0) ** 2))
    _cover(albedo, ground.meadow, _between("dry grass", "meadow", green))
    _cover(albedo, ground.gravel, LAND["gravel"])
    _grain(albedo, ground, 0.13)
    ice = _glacier_ice(site, ground, year, albedo)
    snow = _snow(ground, acquisition, albedo)
    states = site.lakes_in(year)
    _cover_water(albedo, _off_islands(ground, states) * (1.0 - snow), ground)
    lakes = [cover_lake(ground, acquisition, state) for state in states]
    for cover in lakes:
        _fill_lake(albedo, ground, cover, np.maximum(ice, snow), site.seed)
    return Surface(albedo, tuple(lakes))


def _cover(albedo: Reflectance, share: Field, spectrum: Spectrum) -> None:
    for band in range(6):
        albedo[band] += share * (np.float32(spectrum[band]) - albedo[band])


def _between(first: str, second: str, share: float) -> Spectrum:
    mixed = [a + share * (b - a) for a, b in zip(LAND[first], LAND[second], strict=True)]
    return mixed[0], mixed[1], mixed[2], mixed[3], mixed[4], mixed[5]


def _grain(albedo: Reflectance, ground: Ground, strength: float) -> None:
    common = 1.0 + strength * (0.75 * ground.coarse_grain + 0.65 * ground.fine_grain)
    common = np.clip(common, 0.35, 1.9).astype(np.float32)
    tint = np.float32(0.5 * strength) * ground.tint
    for band in range(6):
        albedo[band] *= common + np.float32(_TEXTURE_TINT[band]) * tint


def _glacier_ice(site: Site, ground: Ground, year: float, albedo: Reflectance) -> Field:
    """Lay glacier ice: clean, dirty in bands along the flow, or under debris near the snout."""
    inside = np.maximum.reduce([glacier.inside_m(year) for glacier in site.glaciers])
    debris = np.zeros_like(inside)
    for glacier in site.glaciers:
        own = np.where(glacier.inside_m(year) > -60.0, glacier.debris_cover(year), 0.0)
        debris = np.maximum(debris, own.astype(np.float32))
    margin, cover = (on_ground(field, COARSE_M, ground.cell_m) for field in (inside, debris))
    ice = smoothstep(margin + 30.0 * ground.patch + 5.0 * ground.coarse_grain, -4.0, 4.0)
    stones = smoothstep(cover + 0.2 * ground.patch + 0.12 * ground.flow, 0.3, 0.6)
    dirt = smoothstep(ground.flow + 0.5 * ground.patch, -0.9, 1.6)
    _cover(albedo, ice, LAND["glacier ice"])
    _cover(albedo, ice * np.maximum(dirt, np.float32(0.15)), LAND["dirty ice"])
    _cover(albedo, ice * stones, LAND["debris on ice"])
    for band in range(6):
        albedo[band] *= 1.0 + ice * (0.08 * ground.fine_grain)
    return ice


def _snow(ground: Ground, acquisition: Acquisition, albedo: Reflectance) -> Field:
    """Lay snow: lower on northern slopes, in patches near its line, none on the steepest rock."""
    slope = np.hypot(ground.rise_east, ground.rise_north)
    northness = -ground.rise_north / np.maximum(slope, 0.05)
    height = ground.elevation + 130.0 * np.clip(northness, -1, 1) * smoothstep(slope, 0.1, 0.5)
    hold = 1.0 - smoothstep(slope + 0.08 * ground.patch, 0.95, 1.35)
    above = height - np.float32(acquisition.snow_line_m) + 85.0 * ground.patch
    snow = smoothstep(above, -30.0, 30.0) * hold
    _cover(albedo, snow, LAND["old snow"])
    _cover(albedo, snow * (1.0 - smoothstep(above, 60.0, 320.0)), LAND["firn"])
    if acquisition.fresh_snow_line_m is not None:
        fallen = height - np.float32(acquisition.fresh_snow_line_m) + 60.0 * ground.patch
        fresh = smoothstep(fallen, -80.0, 160.0) * (1.0 - 0.6 * (1.0 - hold))
        _cover(albedo, fresh, LAND["fresh snow"])
        snow = np.maximum(snow, fresh)
    for band in range(6):
        albedo[band] *= 1.0 + snow * (0.02 * ground.fine_grain + 0.025 * ground.coarse_grain)
    return snow.astype(np.float32)


def _off_islands(ground: Ground, states: Iterable[LakeState]) -> Field:
    """Return the rivers without what would run across an island in a lake."""
    islands = [Polygon(ring) for state in states for ring in state.outline.interiors]
    return ground.river * (1.0 - water_share(islands, ground.transform, ground.shape, 2))


def _cover_water(albedo: Reflectance, share: Field, ground: Ground) -> None:
    rows, cols = np.nonzero(share > 0)
    if rows.size == 0:
        return
    part = share[rows, cols]
    depth = np.maximum(0.45 + 0.12 * ground.fine_grain[rows, cols], np.float32(0.0))
    sediment = np.full(part.shape, _RIVER.sediment_g_m3, np.float32)
    for band in range(6):
        water = water_reflectance(band, sediment, depth, _RIVER, LAND["gravel"][band]) + 0.012
        albedo[band][rows, cols] += part * (water - albedo[band][rows, cols])


def cover_lake(ground: Ground, acquisition: Acquisition, state: LakeState) -> LakeCover:
    """Return the shares of the ground's cells that a lake and its ice cover."""
    left, bottom, right, top = state.outline.bounds
    pad = 60.0
    col0, row0 = placed(~ground.transform, left - pad, top + pad)
    col1, row1 = placed(~ground.transform, right + pad, bottom - pad)
    rows = slice(max(int(row0), 0), min(int(row1) + 1, ground.shape[0]))
    cols = slice(max(int(col0), 0), min(int(col1) + 1, ground.shape[1]))
    shape = (rows.stop - rows.start, cols.stop - cols.start)
    corner = shifted(ground.transform, rows.start, cols.start)
    finer = round(ground.cell_m / SHORE_M)
    share = water_share([state.outline], corner, shape, finer)
    ice = np.zeros(shape, np.float32)
    if acquisition.ice_line_m is not None:
        frozen = float(np.clip((state.lake.level_m - acquisition.ice_line_m) / 350.0, 0.0, 1.0))
        ice = _lake_ice(share, ground.patch[rows, cols], frozen)
    return LakeCover(state, (rows, cols), share, ice)


def _lake_ice(share: Field, patch: Field, frozen: float) -> Field:
    """Return the frozen share of cells: the ice melts from the shore inwards."""
    wet = share > 0.5
    if frozen <= 0.0 or not wet.any():
        return np.zeros_like(share)
    from_shore = ndimage.distance_transform_edt(wet)
    order = (from_shore / from_shore.max() + 0.3 * patch).astype(np.float32)
    limit = float(np.quantile(order[wet], 1.0 - frozen))
    return smoothstep(order, limit - 0.02, limit + 0.02) if frozen < 1.0 else np.ones_like(share)


def _fill_lake(
    albedo: Reflectance, ground: Ground, cover: LakeCover, frost: Field, seed: int
) -> None:
    rows, cols = cover.window
    lake, share = cover.state.lake, cover.share
    cell = ground.cell_m
    wet = share > 0.5
    if not wet.any():
        wet = share >= share.max()
    inside_m = ndimage.distance_transform_edt(wet) * cell - 0.5 * cell
    outside_m = np.maximum(ndimage.distance_transform_edt(~wet) * cell - 0.5 * cell, 0.0)
    patch, fine = ground.patch[rows, cols], ground.fine_grain[rows, cols]
    reach = np.clip(6.0 + 5.0 * patch, 1.5, 16.0)
    damp = (np.exp(-outside_m / reach) * 0.8 * (1.0 - frost[rows, cols])).astype(np.float32)
    depth = np.maximum(lake.water.bottom_slope * inside_m, 0.05 + 0.02 * fine)
    depth = np.clip(depth * (1.0 + 0.2 * patch), 0.05, 40.0).astype(np.float32)
    sediment = _plume(ground, cover, seed)
    glint = 0.004 + 0.003 * abs(math.sin(lake.level_m))
    for band in range(6):
        view = albedo[band][rows, cols]
        view += damp * (np.float32(LAND["wet sediment"][band]) - view)
        water = water_reflectance(band, sediment, depth, lake.water, LAND["lake bed"][band])
        water += glint * (1.0 + 0.25 * fine)
        white, grey = LAND["white lake ice"][band], LAND["grey lake ice"][band]
        frozen = grey + (white - grey) * smoothstep(patch, -1.0, 0.8)
        water += cover.ice * (frozen - water)
        view += share * (water - view)


def _plume(ground: Ground, cover: LakeCover, seed: int) -> Field:
    """Return suspended sediment: settling away from the inflow, stirred by eddies."""
    rows, cols = cover.window
    lake = cover.state.lake
    y, x = np.mgrid[rows, cols].astype(np.float32)
    scale = math.sqrt(cover.state.outline.area) / ground.cell_m
    centre = cover.state.outline.centroid
    col, row = placed(~ground.transform, centre.x, centre.y)
    towards = (x - col) * math.cos(lake.inflow_bearing_rad) - (y - row) * math.sin(
        lake.inflow_bearing_rad
    )
    rng = generator(seed, 21, round(lake.outline.area))
    eddies = fractal_field(
        rng, cover.share.shape, ground.cell_m, longest_m=max(6 * scale, 60.0), hurst=0.8
    )
    strength = 0.28 if lake.water.kind in {"turbid", "very turbid"} else 0.45
    exponent = strength * np.clip(towards / max(scale, 1.0), -1.5, 1.5) + 0.15 * eddies
    return np.asarray(lake.water.sediment_g_m3 * np.exp(exponent), dtype=np.float32)
