"""Mountains: carved by rivers and ice from a seed, or taken from a DEM that is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy import ndimage

from glacial_lakes.simulate.erosion import erode
from glacial_lakes.simulate.frame import FINE_M
from glacial_lakes.simulate.light import gradient
from glacial_lakes.simulate.noise import Field, fractal_field, generator, ridged_field, smoothstep
from glacial_lakes.simulate.worlds.frame import Frame, between, finer

_CARVED_M = 75.0
"""Cell of the erosion; finer forms are added to it."""


@dataclass(frozen=True, slots=True)
class Mountains:
    """What a range is like. Ranges: ``docs/simulator.md``, *Worlds*."""

    base_m: float
    """Elevation of the lowest valley."""
    steepness_m: float
    """Uplift over erodibility (Kirby & Whipple 2012: 50–400 m in active ranges)."""
    talus: float
    """Threshold gradient of hillslopes (Burbank et al. 1996; Korup 2008: 30–40°)."""
    trough_m: float
    """Half-width of the ice-widened, sediment-filled valley floors (Svensson 1959)."""
    fill_m: float
    """Depth of what fills them."""
    rough_m: float
    """Relief of crests and of ice-scoured rock."""
    turn: int
    """Quarter turns of the range."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> Mountains:
        """Draw a range."""
        return cls(
            base_m=between(rng, 900.0, 4300.0),
            steepness_m=between(rng, 90.0, 270.0),
            talus=between(rng, 0.5, 0.8),
            trough_m=between(rng, 90.0, 330.0),
            fill_m=between(rng, 5.0, 35.0),
            rough_m=between(rng, 15.0, 80.0),
            turn=int(rng.integers(4)),
        )


def make_mountains(seed: int, mountains: Mountains, frame: Frame) -> Field:
    """Return the elevation of a range on the terrain's cells of 10 m, before lakes lie in it."""
    rng = generator(seed, 101)
    size = frame.terrain_cells
    count = math.ceil(size * FINE_M / _CARVED_M) + 2
    shape = (count, count)
    bumps = fractal_field(rng, shape, _CARVED_M, longest_m=7000, shortest_m=700, hurst=0.5)
    start = np.linspace(0.0, 700.0, count)[:, None] + 35.0 * bumps + rng.uniform(0, 2, shape)
    talus = mountains.talus * (
        1.0 + 0.18 * fractal_field(rng, shape, _CARVED_M, longest_m=2500, hurst=0.6)
    )
    carved, _, _ = erode(
        start, np.clip(talus, 0.3, 1.1), _CARVED_M, steepness_m=mountains.steepness_m, steps=45
    )
    carved = np.rot90(carved, mountains.turn)
    cells = (np.arange(size, dtype=np.float32) + 0.5) * (FINE_M / _CARVED_M) + 0.5
    row, col = np.meshgrid(cells, cells, indexing="ij")
    bend = [
        60.0 / _CARVED_M * fractal_field(rng, row.shape, FINE_M, longest_m=1600, shortest_m=260)
        for _ in range(2)
    ]
    surface = ndimage.map_coordinates(
        carved.astype(np.float32), [row + bend[0], col + bend[1]], order=1, mode="nearest"
    )
    surface = ndimage.gaussian_filter(surface, 2.5) + np.float32(mountains.base_m)
    surface = _with_floors(surface, mountains)
    return _roughened(rng, surface, mountains.rough_m)


def from_dem(
    relief: Path | NDArray[np.float32], seed: int, frame: Frame, *, cell_m: float | None = None
) -> Field:
    """Return relief cut from a DEM at a random place, turned and mirrored by chance.

    Below the DEM's own cell the spectrum is continued by a self-affine field in proportion to
    the slope, because a DEM of 30 m has no power there and real ground has.

    Parameters
    ----------
    relief : pathlib.Path or numpy.ndarray
        A DEM in metres: a raster file, or an array (rows, columns) without voids.
    seed : int
        Decides on the place.
    frame : Frame
        How large.
    cell_m : float, optional
        Cell edge of an array, metres.
    """
    rng = generator(seed, 102)
    if isinstance(relief, np.ndarray):
        height, cell = relief.astype(np.float32), cell_m or 30.0
    else:
        height, cell = _read(relief)
    want = math.ceil(frame.terrain_cells * FINE_M / cell) + 4
    while min(height.shape) < want:  # mirrored on: ridges stay ridges
        height = np.pad(height, [(0, height.shape[0] - 1), (0, height.shape[1] - 1)], "reflect")
    row = int(rng.integers(height.shape[0] - want + 1))
    col = int(rng.integers(height.shape[1] - want + 1))
    part = np.rot90(height[row : row + want, col : col + want], int(rng.integers(4)))
    part = part[:, ::-1] if rng.random() < 0.5 else part
    cells = (np.arange(frame.terrain_cells) + 0.5) * (FINE_M / cell) + 1.5
    at = np.meshgrid(cells, cells, indexing="ij")
    surface = ndimage.map_coordinates(part, at, order=3, mode="nearest").astype(np.float32)
    slope = np.hypot(*gradient(ndimage.gaussian_filter(surface, cell / FINE_M), FINE_M))
    detail = fractal_field(rng, surface.shape, FINE_M, longest_m=3 * cell, hurst=0.85)
    return np.asarray(surface + 0.08 * cell * slope * detail, np.float32)


def _read(path: Path) -> tuple[Field, float]:
    with rasterio.open(path) as file:
        height = file.read(1, masked=True).astype(np.float32)
        across, down = file.res
        if file.crs is not None and file.crs.is_geographic:
            middle = (file.bounds.top + file.bounds.bottom) / 2
            across, down = across * 111_320 * math.cos(math.radians(middle)), down * 110_574
    void = np.ma.getmaskarray(height)
    filled = height.filled(0.0)
    if void.any():
        nearest = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
        filled = filled[tuple(nearest)]
    square = ndimage.zoom(filled, (1.0, across / down), order=1)
    return np.asarray(square, np.float32), down


def _with_floors(surface: Field, mountains: Mountains) -> Field:
    """Fill the valleys: floors as flat and wide as ice and rivers leave them."""
    radius = round(mountains.trough_m / (3 * FINE_M))
    low = ndimage.minimum_filter(surface[::3, ::3], 2 * radius + 1, mode="nearest")
    low = ndimage.gaussian_filter(low, 0.8 * radius, mode="nearest")
    low = finer(low, 3)[: surface.shape[0], : surface.shape[1]]
    low = ndimage.gaussian_filter(low, 3.0) + np.float32(mountains.fill_m)
    soft = np.float32(3.0)  # metres over which floor and wall pass into each other
    return np.asarray(np.logaddexp(surface / soft, low / soft) * soft, np.float32)


def _roughened(rng: np.random.Generator, surface: Field, rough_m: float) -> Field:
    slope = np.hypot(*gradient(ndimage.gaussian_filter(surface, 6.0), FINE_M)).astype(np.float32)
    steep = smoothstep(slope, 0.12, 0.55)
    crests = ridged_field(rng, surface.shape, FINE_M, longest_m=800.0, octaves=5)
    knobs = fractal_field(rng, surface.shape, FINE_M, longest_m=500.0, hurst=0.8)
    rough = steep * (np.float32(rough_m) * (crests - 0.35) + 4.0 * knobs)
    return np.asarray(surface + rough + (1.0 - steep) * 1.6 * knobs, np.float32)
