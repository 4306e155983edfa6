"""Where the simulated world lies, and the grids that its fields are kept on.

Fields of the terrain reach 1.5 km beyond the scenes on cells of 10 m (*fine*) or 30 m
(*coarse*). The ground reaches 120 m beyond them on cells of 5 m for Sentinel-2, and of 10 m,
aligned with Landsat's pixels, for Landsat.
"""

from __future__ import annotations

import numpy as np
from affine import Affine
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry import Polygon

from glacial_lakes.grid import placed, scaled, shifted
from glacial_lakes.simulate.noise import Field

CRS_NAME = "EPSG:32643"
WEST, NORTH = 455_040.0, 4_722_000.0
"""Upper left corner of the Sentinel-2 scenes, near Ala-Archa in the Kyrgyz Range."""
SCENE_M = 9_000.0
MARGIN_M = 1_500.0
"""Terrain beyond the scenes, so that mountains outside can shade them."""
PAD_M = 120.0
"""Ground beyond the scenes, so that blur and pointing have something to take in."""
FINE_M = 10.0
COARSE_M = 30.0
CELL_M = 5.0
"""Cell of the ground for Sentinel-2; shores are resolved four times finer still."""
LANDSAT_CELL_M = 10.0
LANDSAT_OFFSET_M = 15.0
"""Pixel corners of Landsat lie half a pixel off multiples of 30 m, north-west of Sentinel-2's."""
SHORE_M = 1.25
"""Cell on which the share of water is counted."""


def upsample(field: Field, factor: int) -> Field:
    """Return the field on cells ``factor`` times finer, interpolated between cell centres."""
    zoomed = ndimage.zoom(field, factor, order=1, mode="nearest", grid_mode=True)
    return np.asarray(zoomed, dtype=np.float32)


def block_mean(field: Field, factor: int) -> Field:
    """Return the mean of blocks of ``factor`` by ``factor`` cells."""
    rows, cols = field.shape[0] // factor, field.shape[1] // factor
    blocks = field[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def for_landsat(field: Field) -> Field:
    """Return a field of the 5 m ground on the ground for Landsat."""
    first = round(LANDSAT_OFFSET_M / CELL_M)
    return block_mean(field[first:, first:], round(LANDSAT_CELL_M / CELL_M))


def on_ground(field: Field, field_cell_m: float, cell_m: float) -> Field:
    """Return a fine or coarse field of the terrain on the ground's cells."""
    rim = round((MARGIN_M - PAD_M) / field_cell_m)
    ground = upsample(field[rim:-rim, rim:-rim], round(field_cell_m / CELL_M))
    return ground if cell_m == CELL_M else for_landsat(ground)


def ground_transform(cell_m: float) -> Affine:
    """Return the transform of the ground with a cell of 5 m or 10 m."""
    pad = PAD_M if cell_m == CELL_M else PAD_M - LANDSAT_OFFSET_M
    return Affine(cell_m, 0, WEST - pad, 0, -cell_m, NORTH + pad)


def water_share(
    outlines: list[Polygon], transform: Affine, shape: tuple[int, int], finer: int
) -> Field:
    """Return the share of each cell inside outlines, counted on cells ``finer`` times smaller."""
    share = np.zeros(shape, np.float32)
    for outline in outlines:
        left, bottom, right, top = outline.bounds
        col0, row0 = placed(~transform, left, top)
        col1, row1 = placed(~transform, right, bottom)
        c0, r0 = max(int(col0) - 1, 0), max(int(row0) - 1, 0)
        c1, r1 = min(int(col1) + 2, shape[1]), min(int(row1) + 2, shape[0])
        if c1 <= c0 or r1 <= r0:
            continue
        corner = scaled(shifted(transform, r0, c0), 1.0 / finer)
        size = ((r1 - r0) * finer, (c1 - c0) * finer)
        inside = rasterize([(outline, 1)], size, transform=corner, dtype="uint8")
        part = block_mean(inside.astype(np.float32), finer)
        share[r0:r1, c0:c1] = np.maximum(share[r0:r1, c0:c1], part)
    return share
