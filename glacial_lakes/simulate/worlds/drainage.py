"""Where water and ice flow on any relief: streams, glaciers, and where glaciers end."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glacial_lakes.simulate.frame import FINE_M, block_mean
from glacial_lakes.simulate.noise import Field

CELL_M = 60.0
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Drainage:
    """Flow over the terrain on cells of 60 m."""

    height: Field
    """Elevation, hollows filled."""
    receiver: NDArray[np.intp]
    """Flat index of the cell that each cell drains to; itself at the rim."""
    order: NDArray[np.intp]
    """Flat indices, downstream before upstream."""
    area_m2: NDArray[np.float64]

    def below(self, cell: int, steps: int) -> int:
        """Return the cell so many steps downstream."""
        for _ in range(steps):
            cell = int(self.receiver[cell])
        return cell


def drain(terrain: Field) -> Drainage:
    """Return the drainage of a relief by priority-flood (Barnes et al. 2014)."""
    height = block_mean(terrain, round(CELL_M / FINE_M))
    rows, cols = height.shape
    filled = height.astype(np.float64).ravel().copy()
    receiver = np.arange(filled.size)
    seen = np.zeros(filled.size, bool)
    heap: list[tuple[float, int]] = []
    for cell in range(filled.size):
        row, col = divmod(cell, cols)
        if row in (0, rows - 1) or col in (0, cols - 1):
            seen[cell] = True
            heap.append((float(filled[cell]), cell))
    heapq.heapify(heap)
    order = []
    while heap:
        level, cell = heapq.heappop(heap)
        order.append(cell)
        row, col = divmod(cell, cols)
        for r in range(max(row - 1, 0), min(row + 2, rows)):
            for c in range(max(col - 1, 0), min(col + 2, cols)):
                other = r * cols + c
                if seen[other]:
                    continue
                seen[other] = True
                filled[other] = max(float(filled[other]), level + 1e-3)
                receiver[other] = cell
                heapq.heappush(heap, (float(filled[other]), other))
    area = np.full(filled.size, CELL_M**2)
    for cell in reversed(order):
        if receiver[cell] != cell:
            area[receiver[cell]] += area[cell]
    return Drainage(
        filled.reshape(rows, cols).astype(np.float32), receiver, np.array(order, np.intp), area
    )


@dataclass(frozen=True, eq=False)
class Ice:
    """Glaciers on cells of 60 m."""

    inside_m: Field
    """Distance inside the margin, negative outside."""
    termini: tuple[int, ...]
    """Flat indices of the lowest cells of the tongues."""
    lowness: Field
    """0 at the equilibrium line and above, 1 at the snouts: where debris gathers."""


def glaciers(drainage: Drainage, equilibrium_m: float, gradient_yr: float) -> Ice:
    """Return glaciers as steady flow: mass gained above a line is lost on the way below it.

    The balance rises with height by ``gradient_yr`` above the line and by twice as much below
    (Oerlemans 2001); where the flux downstream is used up, the tongue ends. Half-widths grow
    with flux to the power 0.35 (after Bahr 1997, width scaling of glaciers).
    """
    height = drainage.height.ravel()
    balance = (height - equilibrium_m) * gradient_yr * CELL_M**2
    balance = np.where(balance < 0, 2.0 * balance, np.minimum(balance, 1.2 * CELL_M**2))
    flux = balance.astype(np.float64)
    receiver = drainage.receiver
    for cell in drainage.order[::-1].tolist():
        target = receiver[cell]
        if target != cell and flux[cell] > 0:
            flux[target] += flux[cell]
    least = 25.0 * CELL_M**2 * 0.3
    trunk = flux > least
    half_width = np.where(
        trunk, np.clip(38.0 * (np.maximum(flux, 0.0) / least) ** 0.35, 45.0, 600.0), 0.0
    )
    shape = drainage.height.shape
    inside = np.full(shape, -600.0, np.float32)
    widths = half_width.reshape(shape)
    edges = np.geomspace(45.0, 601.0, 9)
    for low, high in pairwise(edges):
        cells = (widths >= low) & (widths < high)
        if cells.any():
            away = ndimage.distance_transform_edt(~cells) * CELL_M
            inside = np.maximum(inside, (0.5 * (low + high) - away).astype(np.float32))
    # a tongue keeps to its trough: it does not climb the walls
    trough = ndimage.minimum_filter(
        np.where(trunk.reshape(shape), drainage.height, np.inf), 13, mode="nearest"
    )
    climb = np.where(np.isfinite(trough), drainage.height - trough, 0.0)
    inside -= np.clip(climb - 70.0, 0.0, None).astype(np.float32) * 1.5
    ends = [
        int(cell)
        for cell in np.flatnonzero(trunk)
        if receiver[cell] != cell and not trunk[receiver[cell]]
    ]
    span = max(float(equilibrium_m - height[trunk].min()), 60.0) if trunk.any() else 60.0
    low = np.clip((equilibrium_m - drainage.height) / span, 0.0, 1.0)
    return Ice(ndimage.gaussian_filter(inside, 0.7), tuple(ends), low.astype(np.float32))
