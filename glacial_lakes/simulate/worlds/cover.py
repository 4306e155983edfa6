"""What covers the ground of a world, and what it reflects on a date."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import LineString, Polygon

from glacial_lakes.grid import placed, shifted
from glacial_lakes.simulate.frame import (
    CELL_M as GROUND_M,
)
from glacial_lakes.simulate.frame import (
    LANDSAT_CELL_M,
    MARGIN_M,
    NORTH,
    SHORE_M,
    WEST,
    water_share,
)
from glacial_lakes.simulate.light import gradient
from glacial_lakes.simulate.noise import Field, fractal_field, generator, smoothstep
from glacial_lakes.simulate.spectra import Spectrum, Water, water_reflectance
from glacial_lakes.simulate.surface import Reflectance
from glacial_lakes.simulate.worlds.drainage import CELL_M, Drainage, Ice
from glacial_lakes.simulate.worlds.frame import Frame, between, for_landsat, log_between
from glacial_lakes.simulate.worlds.lakes import Lake
from glacial_lakes.simulate.worlds.materials import Palette


@dataclass(frozen=True, slots=True)
class Habit:
    """What grows, flows and lies in a world. Ranges: ``docs/simulator.md``, *Worlds*."""

    tree_line: float
    """Quantile of the elevation up to which forest grows; 0 for none."""
    grass_line: float
    """Quantile of the elevation at which meadows give out."""
    ice_line: float
    """Quantile of the elevation of the equilibrium line."""
    balance_gradient: float
    """Metres of water a year per metre of height (Oerlemans 2001: 0.003–0.01)."""
    debris: float
    """How far up the tongues debris covers the ice, 0–1."""
    moraines: float
    """Strength of medial moraines and dirt bands, 0–1."""
    dirty_margin_m: float
    """Width of dirty ice along the margins."""
    rivers: int
    river_width_m: float
    """Of the largest; wide calm reaches pass for lakes."""
    braided: float
    """Share of gentle reaches below glaciers that are braided outwash, 0–1."""
    silt_m: float
    """Width of silt flats about silty lakes."""
    shore_m: float
    """Width of the wet strip along shores."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> Habit:
        """Draw the habit of a world."""
        forest = rng.random() < 0.4
        return cls(
            tree_line=between(rng, 0.15, 0.55) if forest else 0.0,
            grass_line=between(rng, 0.3, 0.9) if forest else between(rng, 0.0, 0.7),
            ice_line=between(rng, 0.5, 0.93),
            balance_gradient=log_between(rng, 0.003, 0.01),
            debris=between(rng, 0.0, 0.9),
            moraines=between(rng, 0.2, 1.0),
            dirty_margin_m=log_between(rng, 20.0, 150.0),
            rivers=int(rng.integers(2, 7)),
            river_width_m=log_between(rng, 8.0, 38.0),
            braided=between(rng, 0.0, 1.0),
            silt_m=log_between(rng, 8.0, 90.0),
            shore_m=log_between(rng, 2.0, 15.0),
        )


@dataclass(frozen=True, eq=False)
class Ground:
    """Shares of cover and textures on one grid of cells, whatever the date."""

    cell_m: float
    elevation: Field
    rise_east: Field
    rise_north: Field
    other_rock: Field
    scree: Field
    moraine: Field
    forest: Field
    grass: Field
    outwash: Field
    """Gravel and silt plains."""
    river: Field
    ice: Field
    """Share of glacier ice."""
    dirt: Field
    """Dirt in it, 0–1."""
    debris: Field
    """Share of it under debris."""
    patch: Field
    grain: Field
    """Unit noise: wide, and fine."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.elevation.shape[0], self.elevation.shape[1]

    @cached_property
    def slope(self) -> Field:
        """Metres of rise per metre."""
        return np.asarray(np.hypot(self.rise_east, self.rise_north), np.float32)

    def for_landsat(self) -> Ground:
        """Return the ground on cells of 10 m in step with Landsat's pixels."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "cell_m"}
        return replace(
            self, cell_m=LANDSAT_CELL_M, **{name: for_landsat(field) for name, field in own.items()}
        )


def make_ground(
    seed: int, frame: Frame, terrain: Field, drainage: Drainage, ice: Ice, habit: Habit
) -> tuple[Ground, list[Polygon]]:
    """Return the ground of a world on cells of 5 m, and its rivers as polygons."""
    rng = generator(seed, 104)
    elevation = frame.on_ground(terrain)
    rise_east, rise_north = (frame.on_ground(rise) for rise in gradient(terrain, 10.0))
    shape = (elevation.shape[0], elevation.shape[1])
    slope = np.hypot(rise_east, rise_north).astype(np.float32)
    rock, patch, wide = (
        fractal_field(rng, shape, GROUND_M, longest_m=longest, hurst=hurst)
        for longest, hurst in ((2500.0, 0.5), (600.0, 0.3), (900.0, 0.45))
    )
    grain = fractal_field(rng, shape, GROUND_M, longest_m=300.0, hurst=0.05)
    levels = np.quantile(elevation, [0.0, habit.tree_line, habit.grass_line, 1.0])
    span = float(levels[-1] - levels[0])
    inside = frame.on_ground(ice.inside_m, CELL_M)
    lowness = frame.on_ground(ice.lowness, CELL_M)
    glacier = smoothstep(inside + 22.0 * patch + 6.0 * grain, -5.0, 5.0)
    glacier *= 1.0 - smoothstep(slope + 0.1 * patch, 0.9, 1.3)
    # bands run along the flow: at a constant distance from the margin
    bands = _bands(rng, inside, elevation, patch)
    bare = smoothstep(lowness + 0.18 * wide, 1.02 - habit.debris, 1.22 - habit.debris)
    streaks = smoothstep(bands, 1.35 - 0.9 * habit.moraines, 1.75 - 0.9 * habit.moraines)
    stones = np.maximum(bare, streaks * smoothstep(lowness, 0.05, 0.4))
    margin = np.exp(-np.maximum(inside, 0.0) / np.float32(habit.dirty_margin_m))
    dirt = np.clip(
        np.maximum(margin, 0.55 * habit.moraines * smoothstep(bands, -0.6, 1.4)) + 0.12 * grain,
        0,
        1,
    )
    old = smoothstep(inside + 60.0 * patch, -520.0, -330.0) * (1.0 - smoothstep(slope, 0.6, 0.95))
    rivers, plains = _rivers(seed, frame, drainage, ice, slope, habit)
    transform = frame.ground_transform(GROUND_M)
    river = water_share(rivers, transform, shape, 2)
    outwash = water_share(plains, transform, shape, 1)
    outwash = smoothstep(outwash + 0.25 * patch * (outwash > 0), 0.2, 0.8)
    grass = np.zeros(shape, np.float32)
    if habit.grass_line > 0:
        height = (elevation - np.float32(levels[2])) / np.float32(0.12 * span)
        grass = 1.0 - smoothstep(height - 0.35 * patch + 2.5 * (slope - 0.5), -1.0, 1.0)
        grass *= smoothstep(patch + 0.6 * wide, -1.2, 0.3) * (1.0 - 0.85 * old)
    forest = np.zeros(shape, np.float32)
    if habit.tree_line > 0:
        height = (elevation - np.float32(levels[1])) / np.float32(0.10 * span)
        forest = 1.0 - smoothstep(height + 0.5 * wide, -1.0, 0.6)
        forest *= smoothstep(patch + 0.5 * grain + 0.7 * wide, -1.3, -0.5)
        forest *= (1.0 - outwash) * (1.0 - old) * (1.0 - smoothstep(slope, 0.9, 1.2))
    made = Ground(
        cell_m=GROUND_M,
        elevation=elevation,
        rise_east=rise_east,
        rise_north=rise_north,
        other_rock=smoothstep(rock + 0.1 * patch, -0.25, 0.25),
        scree=0.85 * (1.0 - smoothstep(slope + 0.1 * patch, 0.55, 0.85)),
        moraine=old,
        forest=forest,
        grass=grass.astype(np.float32),
        outwash=outwash,
        river=river,
        ice=glacier,
        dirt=dirt.astype(np.float32),
        debris=stones.astype(np.float32),
        patch=patch,
        grain=grain,
    )
    return made, rivers


def _bands(rng: np.random.Generator, inside: Field, elevation: Field, patch: Field) -> Field:
    tile = fractal_field(rng, (512, 512), 1.0, longest_m=60.0, hurst=0.3)
    row = inside / 5.0 + 2.0 * patch
    col = elevation / 6.0
    return tile[row.astype(np.intp) % 512, col.astype(np.intp) % 512]


def _rivers(
    seed: int, frame: Frame, drainage: Drainage, ice: Ice, slope: Field, habit: Habit
) -> tuple[list[Polygon], list[Polygon]]:
    """Return the streams as polygons, and the outwash plains that some of them braid over."""
    rng = generator(seed, 105)
    cols = drainage.height.shape[1]
    area = drainage.area_m2
    largest = max(float(area.max()), 1.0)
    strips: list[Polygon] = []
    plains: list[Polygon] = []
    for cells in _courses(drainage, habit.rivers):
        row, col = np.divmod(cells, cols)
        smooth = [
            ndimage.gaussian_filter1d(v.astype(float), 2.0, mode="nearest") for v in (row, col)
        ]
        x = WEST - MARGIN_M + (smooth[1] + 0.5) * CELL_M
        y = NORTH + MARGIN_M - (smooth[0] + 0.5) * CELL_M
        fine = np.arange(0, len(x) - 1, 0.25)
        x, y = np.interp(fine, np.arange(len(x)), x), np.interp(fine, np.arange(len(y)), y)
        flow = np.interp(fine, np.arange(len(cells)), np.sqrt(area[cells] / largest))
        fall = np.interp(
            fine, np.arange(len(cells)), np.gradient(drainage.height.ravel()[cells]) / CELL_M
        )
        heading = np.arctan2(np.gradient(y), np.gradient(x))
        under_ice = np.interp(fine, np.arange(len(cells)), ice.inside_m.ravel()[cells]) > 0
        width = np.maximum(habit.river_width_m * flow, 2.5) / (1.0 + 6.0 * np.clip(fall, 0, 0.4))
        gentle = (fall < 0.05) & ~under_ice
        braided = gentle & (rng.random() < habit.braided)
        channels = int(rng.integers(2, 6))
        plain_m = between(rng, 40.0, 160.0)
        for number in range(channels):
            phase = ndimage.gaussian_filter1d(rng.standard_normal(fine.size), 5.0) * 3.0
            phase = np.clip(phase, -1.2, 1.2)
            wander = np.where(braided, plain_m * phase, (6.0 + 0.5 * width) * phase)
            wander = ndimage.gaussian_filter1d(wander, 1.5)
            px, py = x - np.sin(heading) * wander, y + np.cos(heading) * wander
            alone = number == 0
            carries = ~under_ice & (alone | braided)
            own = width * np.where(braided, between(rng, 0.25, 0.7), 1.0)
            strips += _strip(px, py, own, carries)
        if braided.any():
            plains += _strip(x, y, np.full(fine.size, 2.2 * plain_m), braided)
        elif gentle.any():
            plains += _strip(x, y, 2.5 * width + 12.0, gentle)
    return strips, plains


def _courses(drainage: Drainage, most: int) -> Iterator[NDArray[np.intp]]:
    """Yield the largest streams as cells from their mouths up to their heads."""
    area = drainage.area_m2
    upstream: dict[int, int] = {}
    for cell in drainage.order.tolist():  # the largest donor carries the river on
        target = int(drainage.receiver[cell])
        if target != cell and (target not in upstream or area[cell] > area[upstream[target]]):
            upstream[target] = cell
    mouths = np.flatnonzero(drainage.receiver == np.arange(area.size))
    branches = [
        cell
        for cell in np.flatnonzero(area > 1.5e6).tolist()
        if upstream.get(int(drainage.receiver[cell])) != cell
    ]
    first = sorted(mouths.tolist(), key=lambda cell: -float(area[cell]))[:3]
    then = sorted(set(branches) - set(first), key=lambda cell: -float(area[cell]))
    for start in [*first, *then][:most]:
        path = [start]
        while path[-1] in upstream and area[upstream[path[-1]]] > 4e5:
            path.append(upstream[path[-1]])
        if len(path) >= 8:
            yield np.array(path, np.intp)


def _strip(x: np.ndarray, y: np.ndarray, width: np.ndarray, where: np.ndarray) -> list[Polygon]:
    """Return runs of a line as polygons of changing width."""
    out: list[Polygon] = []
    index = np.flatnonzero(where)
    if index.size < 4:
        return out
    for run in np.split(index, np.flatnonzero(np.diff(index) > 1) + 1):
        for first in range(0, run.size - 1, 12):
            part = run[first : first + 13]
            if part.size >= 2:
                line = LineString(np.column_stack([x[part], y[part]]))
                out.append(line.buffer(0.5 * float(width[part].mean())))
    return out


@dataclass(frozen=True, slots=True)
class Season:
    """Snow and lake ice on a date."""

    snow_line: float
    """Quantile of the elevation above which old snow and firn lie."""
    fresh_line: float
    """Quantile above which snow fell in the last days; above 1 for none."""
    ice_line: float
    """Quantile at which lakes begin to be frozen; above 1 for none."""
    grass: str
    glint: float
    """Reflectance of sun and sky on the water (Harmel et al. 2018: 0–0.04 at 10 m)."""
    bergs: float
    """Share of ice-contact lakes under floating ice."""


@dataclass(frozen=True, eq=False)
class LakeCover:
    """A lake on the ground's cells."""

    lake: Lake
    window: tuple[slice, slice]
    share: Field
    ice: Field
    """Frozen share of its surface."""


def make_surface(
    seed: int,
    frame: Frame,
    ground: Ground,
    lakes: tuple[Lake, ...],
    palette: Palette,
    habit: Habit,
    season: Season,
) -> tuple[Reflectance, tuple[LakeCover, ...]]:
    """Mix the spectra of all covers by their shares; return reflectance and lakes."""
    land = palette.spectra
    albedo = np.empty((6, *ground.shape), np.float32)
    for band in range(6):
        first, second = land["rock"][band], land["other rock"][band]
        albedo[band] = first + np.float32(second - first) * ground.other_rock
    _lay(albedo, ground.scree, land["scree"])
    _lay(albedo, ground.moraine, land["moraine"])
    _lay(albedo, 0.9 * ground.grass, land[season.grass])
    _lay(albedo, ground.outwash, land["gravel"])
    silty = ground.outwash * smoothstep(ground.patch, 0.0, 0.9)
    _lay(albedo, silty, land["wet silt"])
    _lay(albedo, ground.forest, land["forest"])
    texture = 1.0 + np.float32(palette.grain) * (0.7 * ground.patch + 0.75 * ground.grain)
    texture = np.clip(texture, 0.4, 1.8)
    for band in range(6):
        albedo[band] *= texture
    ice = ground.ice
    _lay(albedo, ice, land["ice"])
    _lay(albedo, ice * ground.dirt, land["dirty ice"])
    _lay(albedo, ice * ground.debris, land["debris on ice"])
    snow = _snow(albedo, ground, season, land)
    _flow(albedo, ground, ground.river * (1.0 - snow), land["wet debris"], seed)
    covers = []
    for number, lake in enumerate(lakes):
        cover = _cover_of(frame, ground, lake, season, generator(seed, 106, number))
        if cover is not None:
            _fill(albedo, ground, cover, palette, habit, season, snow, generator(seed, 107, number))
            covers.append(cover)
    return albedo, tuple(covers)


def _lay(albedo: Reflectance, share: Field, spectrum: Spectrum) -> None:
    for band in range(6):
        albedo[band] += share * (np.float32(spectrum[band]) - albedo[band])


def _snow(albedo: Reflectance, ground: Ground, season: Season, land: dict[str, Spectrum]) -> Field:
    """Lay snow: lower on northern slopes, in patches near its line, none on the steepest rock."""
    shaded = -ground.rise_north / np.maximum(ground.slope, np.float32(0.05))
    favour = np.clip(shaded, -1, 1) * smoothstep(ground.slope, 0.1, 0.5)
    height = ground.elevation + 120.0 * favour + 90.0 * ground.patch + 12.0 * ground.grain
    hold = 1.0 - smoothstep(ground.slope + 0.1 * ground.patch, 0.95, 1.35)
    share = np.zeros(ground.shape, np.float32)
    if season.snow_line < 1:
        above = height - np.float32(np.quantile(ground.elevation, season.snow_line))
        share = smoothstep(above, -30.0, 30.0) * hold
        _lay(albedo, share, land["old snow"])
        _lay(albedo, share * (1.0 - smoothstep(above, 40.0, 300.0)), land["firn"])
    if season.fresh_line < 1:
        above = height - np.float32(np.quantile(ground.elevation, season.fresh_line))
        fresh = smoothstep(above, -90.0, 140.0) * (0.4 + 0.6 * hold)
        _lay(albedo, fresh, land["fresh snow"])
        share = np.maximum(share, fresh)
    for band in range(6):
        albedo[band] *= 1.0 + share * (0.025 * ground.grain + 0.03 * ground.patch)
    return share


def _flow(albedo: Reflectance, ground: Ground, share: Field, bed: Spectrum, seed: int) -> None:
    """Fill the rivers: shallow, with riffles, silty as the world's ice makes them."""
    rows, cols = np.nonzero(share > 0)
    if rows.size == 0:
        return
    rng = generator(seed, 108)
    water = Water("turbid", log_between(rng, 3.0, 300.0), 0.05, 0.2, 0.1)
    part = share[rows, cols]
    depth = np.clip(between(rng, 0.3, 1.5) * (1.0 + 0.4 * ground.grain[rows, cols]), 0.05, 4.0)
    sediment = np.full(part.shape, water.sediment_g_m3, np.float32)
    foam = between(rng, 0.0, 0.03) * (1.0 + ground.patch[rows, cols]).clip(0)
    for band in range(6):
        seen = water_reflectance(band, sediment, depth.astype(np.float32), water, bed[band])
        albedo[band][rows, cols] += part * (seen + foam + 0.004 - albedo[band][rows, cols])


def _cover_of(
    frame: Frame, ground: Ground, lake: Lake, season: Season, rng: np.random.Generator
) -> LakeCover | None:
    """Return the shares of the ground's cells that a lake and its ice cover."""
    pad = 130.0
    transform: Affine = frame.ground_transform(ground.cell_m)
    left, bottom, right, top = lake.outline.bounds
    col0, row0 = placed(~transform, left - pad, top + pad)
    col1, row1 = placed(~transform, right + pad, bottom - pad)
    rows = slice(max(int(row0), 0), min(int(row1) + 1, ground.shape[0]))
    cols = slice(max(int(col0), 0), min(int(col1) + 1, ground.shape[1]))
    shape = (rows.stop - rows.start, cols.stop - cols.start)
    if min(shape) < 3:
        return None
    corner = shifted(transform, rows.start, cols.start)
    share = water_share([lake.outline], corner, shape, round(ground.cell_m / SHORE_M))
    ice = np.zeros(shape, np.float32)
    patch = ground.patch[rows, cols]
    if season.ice_line < 1:
        line, top_m = np.quantile(ground.elevation, [season.ice_line, 1.0])
        reach = max(0.35 * float(top_m - line), 50.0)
        frozen = (lake.level_m - float(line)) / reach + 0.3 * float(rng.standard_normal())
        ice = _melting(share, patch, float(np.clip(frozen, 0.0, 1.0)))
    if lake.lake_type == "ice-contact" and season.bergs > 0:
        grain = ground.grain[rows, cols] + 0.8 * patch
        limit = float(np.quantile(grain, 1.0 - season.bergs))
        ice = np.maximum(ice, smoothstep(grain, limit, limit + 0.3))
    return LakeCover(lake, (rows, cols), share, ice)


def _melting(share: Field, patch: Field, frozen: float) -> Field:
    """Return the frozen share of cells: ice goes from the shore inwards, in a ragged line."""
    wet = share > 0.5
    if frozen <= 0.0 or not wet.any():
        return np.zeros_like(share)
    if frozen >= 1.0:
        return np.ones_like(share)
    from_shore = ndimage.distance_transform_edt(wet)
    order = (from_shore / from_shore.max() + 0.3 * patch).astype(np.float32)
    limit = float(np.quantile(order[wet], 1.0 - frozen))
    return smoothstep(order, limit - 0.02, limit + 0.02)


def _fill(
    albedo: Reflectance,
    ground: Ground,
    cover: LakeCover,
    palette: Palette,
    habit: Habit,
    season: Season,
    snow: Field,
    rng: np.random.Generator,
) -> None:
    """Lay the shore and the water of a lake."""
    land, lake = palette.spectra, cover.lake
    rows, cols = cover.window
    share, cell = cover.share, ground.cell_m
    wet = share > 0.5
    if not wet.any():
        wet = share >= share.max()
    inside_m = ndimage.distance_transform_edt(wet) * cell - 0.5 * cell
    outside_m = np.maximum(ndimage.distance_transform_edt(~wet) * cell - 0.5 * cell, 0.0)
    patch, grain = ground.patch[rows, cols], ground.grain[rows, cols]
    free = (1.0 - snow[rows, cols]) * (1.0 - ground.ice[rows, cols])
    level = (1.0 - smoothstep(ground.slope[rows, cols], 0.12, 0.4)) * free
    plants = np.maximum(ground.grass, ground.forest)[rows, cols]

    def strip(width_m: float, strength: float) -> Field:
        width = np.clip(width_m * (1.0 + 0.8 * patch), 1.0, 3.0 * width_m)
        return np.asarray(strength * np.exp(-outside_m / width), np.float32)

    part = albedo[:, rows, cols]
    glacial = lake.kind in {"milk", "turbid", "pale"}
    if glacial and lake.lake_type != "supraglacial":
        flats = strip(habit.silt_m, 1.0) * level * smoothstep(patch + 0.4 * grain, -0.2, 0.9)
        _lay(part, flats * (1.0 - 0.7 * plants), land["silt"])
        _lay(part, flats * np.exp(-outside_m / 20.0).astype(np.float32), land["wet silt"])
    damp = strip(habit.shore_m, 0.85) * free
    _lay(part, damp * (1.0 - 0.6 * plants), land["wet silt" if glacial else "wet debris"])
    if plants.any():
        _lay(part, strip(1.2 * habit.shore_m, 0.6) * plants * level, land["sedge"])
    depth = np.maximum(lake.water.bottom_slope * inside_m, 0.05 + 0.02 * grain)
    depth = np.clip(depth * (1.0 + 0.2 * patch), 0.05, 120.0).astype(np.float32)
    sediment = _plume(lake, share, cell, rng)
    bottom = land["lake bed" if glacial else "wet debris"]
    ripples = season.glint * np.clip(1.0 + 0.35 * grain + 0.4 * patch, 0.0, 3.0)
    sheet = _ice_sheet(land, patch, grain, rng)
    for band in range(6):
        seen = water_reflectance(band, sediment, depth, lake.water, bottom[band])
        if lake.kind == "algae":  # cells scatter back where water no longer absorbs all
            seen = seen + np.float32((0, 0.004, 0, 0.02, 0, 0)[band])
        seen = seen + ripples.astype(np.float32)
        seen = seen + cover.ice * (sheet[band] - seen)
        part[band] += share * (seen - part[band])


def _ice_sheet(
    land: dict[str, Spectrum], patch: Field, grain: Field, rng: np.random.Generator
) -> list[Field]:
    """Return the ice of a lake: white, grey, black, under snow, or with melt water on it."""
    ages = ("black lake ice", "grey lake ice", "slush", "white lake ice", "old snow")
    age = int(rng.integers(len(ages) - 1))
    mix = smoothstep(patch + 0.3 * grain, -0.8, 0.8)
    younger, older = land[ages[age]], land[ages[age + 1]]
    return [
        np.asarray(younger[band] + mix * np.float32(older[band] - younger[band]), np.float32)
        for band in range(6)
    ]


def _plume(lake: Lake, share: Field, cell: float, rng: np.random.Generator) -> Field:
    """Return suspended sediment: settling away from the inflow, stirred by eddies."""
    rows, cols = share.shape
    y, x = np.mgrid[0:rows, 0:cols].astype(np.float32)
    scale = math.sqrt(lake.outline.area) / cell
    towards = (x - cols / 2) * math.cos(lake.inflow_rad) - (y - rows / 2) * math.sin(
        lake.inflow_rad
    )
    eddies = fractal_field(rng, (rows, cols), cell, longest_m=max(4 * scale * cell, 60.0))
    strength = between(rng, 0.1, 0.7)
    exponent = strength * np.clip(towards / max(scale, 1.0), -1.5, 1.5) + 0.2 * eddies
    return np.asarray(lake.water.sediment_g_m3 * np.exp(exponent), dtype=np.float32)
