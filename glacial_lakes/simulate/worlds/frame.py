"""Where a world lies: the scene, the ground under it, and the terrain around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from glacial_lakes.grid import Grid
from glacial_lakes.simulate.frame import (
    CELL_M,
    CRS_NAME,
    FINE_M,
    LANDSAT_CELL_M,
    LANDSAT_OFFSET_M,
    MARGIN_M,
    NORTH,
    WEST,
    block_mean,
)
from glacial_lakes.simulate.noise import Field

PAD_M = 150.0
"""Ground beyond the scene, for blur, pointing and warps to take in."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The squares of a world: the scene, its ground (``PAD_M`` wider), its terrain (1.5 km)."""

    size_m: float
    """Edge of the scene, a multiple of 60 m."""

    @property
    def terrain_cells(self) -> int:
        """Cells of 10 m along the terrain's edge."""
        return round((self.size_m + 2 * MARGIN_M) / FINE_M)

    @property
    def terrain_transform(self) -> Affine:
        """Terrain cells onto the map."""
        return Affine(FINE_M, 0, WEST - MARGIN_M, 0, -FINE_M, NORTH + MARGIN_M)

    def ground_transform(self, cell_m: float) -> Affine:
        """Ground cells onto the map, for the cell of Sentinel-2 or that of Landsat."""
        pad = PAD_M if cell_m == CELL_M else PAD_M - LANDSAT_OFFSET_M
        return Affine(cell_m, 0, WEST - pad, 0, -cell_m, NORTH + pad)

    def on_ground(self, field: Field, cell_m: float = FINE_M) -> Field:
        """Return a field of the terrain, or of coarser cells over it, on the ground's 5 m."""
        field = field if cell_m == FINE_M else finer(field, round(cell_m / FINE_M))
        cell_m = FINE_M
        rim = round((MARGIN_M - PAD_M) / cell_m)
        return finer(field[rim:-rim, rim:-rim], round(cell_m / CELL_M))

    def grid(self, pixel_m: float, *, landsat: bool) -> Grid:
        """Return the grid of a scene's finest bands."""
        offset = LANDSAT_OFFSET_M if landsat else 0.0
        count = round(self.size_m / pixel_m)
        corner = Affine(pixel_m, 0, WEST - offset, 0, -pixel_m, NORTH + offset)
        return Grid(CRS.from_string(CRS_NAME), corner, (count, count))


def finer(field: Field, factor: int) -> Field:
    """Return a field on cells ``factor`` times finer, linear between cell centres.

    As :func:`glacial_lakes.simulate.frame.upsample`, several times as fast.
    """
    return _finer_rows(_finer_rows(field, factor).T, factor).T


def _finer_rows(field: Field, factor: int) -> Field:
    rows, cols = field.shape
    out = np.empty((rows, factor, cols), np.float32)
    padded = np.concatenate([field[:1], field, field[-1:]])
    for part in range(factor):
        at = (part + 0.5) / factor - 0.5
        near, far = (padded[1:-1], padded[2:]) if at >= 0 else (padded[1:-1], padded[:-2])
        share = np.float32(abs(at))
        out[:, part] = near + share * (far - near)
    return out.reshape(rows * factor, cols)


def for_landsat(field: Field) -> Field:
    """Return a field of the 5 m ground on cells of 10 m in step with Landsat's pixels."""
    first = round(LANDSAT_OFFSET_M / CELL_M)
    return block_mean(np.asarray(field)[first:, first:], round(LANDSAT_CELL_M / CELL_M))


def choose(rng: np.random.Generator, **shares: float) -> str:
    """Draw one name by its share."""
    names = list(shares)
    weights = np.array([shares[name] for name in names])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw evenly from a range."""
    return float(rng.uniform(low, high))


def log_between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw evenly from a range in the logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
