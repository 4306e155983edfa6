"""What covers the ground whatever the date: rock, scree, moraine, meadow, rivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine
from shapely.geometry import LineString, Polygon

from glacial_lakes.simulate.frame import (
    CELL_M,
    COARSE_M,
    FINE_M,
    LANDSAT_CELL_M,
    MARGIN_M,
    NORTH,
    WEST,
    for_landsat,
    ground_transform,
    on_ground,
    water_share,
)
from glacial_lakes.simulate.glaciers import REFERENCE_YEAR, Glacier
from glacial_lakes.simulate.light import gradient
from glacial_lakes.simulate.noise import Field, fractal_field, generator, smoothstep
from glacial_lakes.simulate.relief import Valley

TREELESS_M = 3_560.0
"""Elevation at which meadows give out (northern Tien Shan)."""
_OLD_EXTENT_M = 900.0
"""How much farther down the glaciers reached when they left the moraines."""
_RIVERS = 3


@dataclass(frozen=True, eq=False)
class Ground:
    """Shares of cover and the texture, on one grid of cells."""

    transform: Affine
    cell_m: float
    elevation: Field
    rise_east: Field
    rise_north: Field
    granite: Field
    """Share of granite in the rock, the rest is schist."""
    scree: Field
    moraine: Field
    meadow: Field
    river: Field
    gravel: Field
    flow: Field
    """Unit noise drawn out along the glaciers: bands of dirt in the ice."""
    patch: Field
    """Unit noise that decides on snow patches and margins."""
    coarse_grain: Field
    fine_grain: Field
    tint: Field
    """Unit noise of the texture: coarse, fine, and a shift of colour."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.elevation.shape[0], self.elevation.shape[1]


def make_ground(
    seed: int, terrain: Field, valleys: Sequence[Valley], glaciers: Sequence[Glacier]
) -> Ground:
    """Return the ground of a site on cells of 5 m."""
    elevation = on_ground(terrain, FINE_M, CELL_M)
    shape = (elevation.shape[0], elevation.shape[1])
    rise_east, rise_north = (on_ground(rise, FINE_M, CELL_M) for rise in gradient(terrain, FINE_M))
    slope = np.asarray(np.hypot(rise_east, rise_north), np.float32)
    rng = generator(seed, 4)
    rock, plants, patch, debris, coarse_grain, fine_grain, tint = (
        fractal_field(rng, shape, CELL_M, longest_m=longest, hurst=hurst)
        for longest, hurst in (
            (2500.0, 0.5),
            (500.0, 0.3),
            (700.0, 0.35),
            (900.0, 0.4),
            (600.0, 0.1),
            (40.0, 0.1),
            (1500.0, 0.3),
        )
    )
    old = [
        g.inside_m(REFERENCE_YEAR - _OLD_EXTENT_M / g.retreat_m_yr, widened=1.25) for g in glaciers
    ]
    moraine = smoothstep(
        on_ground(np.maximum.reduce(old), COARSE_M, CELL_M) + 25.0 * patch, -30.0, 30.0
    )
    moraine *= 1.0 - smoothstep(slope, 0.65, 0.95)
    transform = ground_transform(CELL_M)
    rivers = river_strips(seed, valleys, glaciers)
    banks = [strip.buffer(11.0) for strip in rivers]
    height = elevation - 110.0 * plants + 350.0 * (slope - 0.45)
    meadow = 1.0 - smoothstep(height, TREELESS_M - 110.0, TREELESS_M + 90.0)
    meadow *= smoothstep(plants, -0.9, 0.4) * (1.0 - 0.9 * moraine)
    return Ground(
        transform=transform,
        cell_m=CELL_M,
        elevation=elevation,
        rise_east=rise_east,
        rise_north=rise_north,
        granite=smoothstep(rock, -0.7, 0.7),
        scree=1.0 - smoothstep(slope + 0.08 * debris, 0.55, 0.85),
        moraine=moraine,
        meadow=meadow,
        river=water_share(rivers, transform, shape, 2),
        gravel=water_share(banks, transform, shape, 2) * smoothstep(plants, -0.6, 0.8),
        flow=_flow_bands(rng, glaciers, shape, patch),
        patch=patch,
        coarse_grain=coarse_grain,
        fine_grain=fine_grain,
        tint=tint,
    )


def coarsened(ground: Ground) -> Ground:
    """Return the ground for Landsat: means of cells of 10 m in step with its pixels."""
    return Ground(
        transform=ground_transform(LANDSAT_CELL_M),
        cell_m=LANDSAT_CELL_M,
        elevation=for_landsat(ground.elevation),
        rise_east=for_landsat(ground.rise_east),
        rise_north=for_landsat(ground.rise_north),
        granite=for_landsat(ground.granite),
        scree=for_landsat(ground.scree),
        moraine=for_landsat(ground.moraine),
        meadow=for_landsat(ground.meadow),
        river=for_landsat(ground.river),
        gravel=for_landsat(ground.gravel),
        flow=for_landsat(ground.flow),
        patch=for_landsat(ground.patch),
        coarse_grain=for_landsat(ground.coarse_grain),
        fine_grain=for_landsat(ground.fine_grain),
        tint=for_landsat(ground.tint),
    )


def river_strips(
    seed: int, valleys: Sequence[Valley], glaciers: Sequence[Glacier]
) -> list[Polygon]:
    """Return the rivers of the largest valleys as strips 9–13 m wide, in map coordinates.

    They rise at the glaciers and wander over the valley floor.
    """
    strips = []
    for number, valley in enumerate(valleys[:_RIVERS]):
        rng = generator(seed, 9, number)
        fed = [glacier.terminus_m for glacier in glaciers if glacier.valley is valley]
        below = valley.along < min(fed, default=0.8 * valley.length_m)
        if below.sum() < 10:
            continue
        wander = np.cumsum(rng.normal(0.0, 4.0, int(below.sum())))
        wander -= np.linspace(0.0, wander[-1], wander.size)
        floor = 0.6 * valley.half_width_m[below]
        wander = np.clip(wander, -floor, floor)
        x, y = valley.x[below], valley.y[below]
        heading = np.arctan2(np.gradient(y), np.gradient(x))
        east = WEST - MARGIN_M + x - np.sin(heading) * wander
        north = NORTH + MARGIN_M - (y + np.cos(heading) * wander)
        strips.append(LineString(np.column_stack([east, north])).buffer(6.5 - number))
    return strips


def _flow_bands(
    rng: np.random.Generator, glaciers: Sequence[Glacier], shape: tuple[int, int], patch: Field
) -> Field:
    """Return noise in the glaciers' own coordinates, ten times longer than wide."""
    tile = fractal_field(rng, (512, 512), 1.0, longest_m=64.0, hurst=0.3)
    inside = np.stack([glacier.inside_m(REFERENCE_YEAR) for glacier in glaciers])
    which = inside.argmax(axis=0)[None]
    along = np.take_along_axis(np.stack([g.along for g in glaciers]), which, 0)[0]
    across = np.take_along_axis(np.stack([g.across for g in glaciers]), which, 0)[0]
    row = on_ground(across, COARSE_M, CELL_M) / 4.0 + 3.0 * patch
    col = on_ground(along, COARSE_M, CELL_M) / 40.0
    bands = tile[row.astype(np.intp) % 512, col.astype(np.intp) % 512]
    return bands.reshape(shape)
