"""A mountain range carved by rivers: uplift, stream power and threshold hillslopes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
Grid1 = NDArray[np.float64]

UPLIFT_M = 60.0
"""Rise of the rock in one time step."""

_NEIGHBOURS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


def erode(
    start: NDArray[np.float64],
    talus: NDArray[np.float64],
    cell_m: float,
    *,
    steepness_m: float,
    steps: int,
) -> tuple[NDArray[np.float64], Index, Grid1]:
    """Return the elevation of a range in balance, its flow receivers and drainage areas.

    Rock rises evenly and rivers cut by ``K * sqrt(A) * slope``, solved implicitly from the
    outlet upwards (Braun & Willett 2013, *Geomorphology* 180–181); slopes never exceed the
    ``talus`` gradient (threshold hillslopes, Burbank et al. 1996, *Nature* 379). Water leaves
    over the north side only.

    Parameters
    ----------
    start : numpy.ndarray
        First guess of the elevation in metres, rising southwards.
    talus : numpy.ndarray
        Steepest gradient of each cell, metres per metre.
    cell_m : float
        Cell edge in metres.
    steepness_m : float
        Uplift over erodibility: channel slope times the root of the drainage area.
    steps : int
        Time steps, each of :data:`UPLIFT_M`.

    Returns
    -------
    elevation, receiver, area
        Metres, as ``start``; flat index of the cell that each cell drains to; m².
    """
    height = start.astype(np.float64).ravel()
    shape = start.shape
    limit = talus.ravel()
    span = _spans(shape, cell_m)
    receiver = np.arange(height.size)
    area = np.full(height.size, cell_m**2)
    outlet = np.arange(height.size) < shape[1]
    rise = UPLIFT_M * ~outlet
    for _ in range(steps):
        receiver, distance = _receivers(height.reshape(shape), span)
        levels = list(_levels(receiver))
        area = np.full(height.size, cell_m**2)
        for cells in reversed(levels):
            np.add.at(area, receiver[cells], area[cells])
        height += rise
        rate = np.sqrt(area) * (UPLIFT_M / steepness_m) / distance
        for cells in levels:
            below = height[receiver[cells]]
            cut = (height[cells] + rate[cells] * below) / (1.0 + rate[cells])
            height[cells] = np.minimum(cut, below + limit[cells] * distance[cells])
    return height.reshape(shape), receiver, area


def _spans(shape: tuple[int, int], cell_m: float) -> list[tuple[int, int, float]]:
    return [(dr, dc, cell_m * float(np.hypot(dr, dc))) for dr, dc in _NEIGHBOURS]


def _receivers(
    height: NDArray[np.float64], span: list[tuple[int, int, float]]
) -> tuple[Index, Grid1]:
    """Return the steepest lower neighbour of each cell and the distance to it."""
    rows, cols = height.shape
    padded = np.pad(height, 1, constant_values=np.inf)
    steepest = np.zeros(height.shape)
    target = np.arange(height.size).reshape(height.shape)
    distance = np.ones(height.shape)
    flat = target.copy()
    for dr, dc, length in span:
        drop = (height - padded[1 + dr : 1 + dr + rows, 1 + dc : 1 + dc + cols]) / length
        better = drop > steepest
        steepest = np.where(better, drop, steepest)
        target = np.where(better, flat + dr * cols + dc, target)
        distance = np.where(better, length, distance)
    target[0] = flat[0]
    return target.ravel(), distance.ravel()


def _levels(receiver: Index) -> Iterator[Index]:
    """Yield the cells by their number of steps to the outlet, from one upwards."""
    steps = (receiver != np.arange(receiver.size)).astype(np.intp)
    pointer = receiver.copy()
    while True:
        further = steps[pointer]
        if not further.any():
            break
        steps = steps + further
        pointer = pointer[pointer]
    order = np.argsort(steps, kind="stable")
    bounds = np.searchsorted(steps[order], np.arange(1, steps.max() + 2))
    for first, last in pairwise(bounds):
        yield order[first:last]


def streams(
    receiver: Index, area: Grid1, shape: tuple[int, int], smallest_m2: float
) -> list[Index]:
    """Return the rivers as flat indices from mouth to head, the largest first.

    Each river follows the donor of the largest drainage area; what is left at a confluence is a
    river of its own, which begins at the confluence.
    """
    uphill: dict[int, list[int]] = {}
    for cell in np.flatnonzero((area >= smallest_m2) & (receiver != np.arange(area.size))).tolist():
        uphill.setdefault(int(receiver[cell]), []).append(cell)
    waiting: list[tuple[float, int, int]] = [
        (float(area[foot]), foot, -1) for foot in uphill if receiver[foot] == foot
    ]
    rivers: list[Index] = []
    while waiting:
        waiting.sort()
        _, head, foot = waiting.pop()
        path = [head] if foot < 0 else [foot, head]
        while head in uphill:
            *others, largest = sorted(uphill[head], key=lambda c: (float(area[c]), c))
            waiting += [(float(area[other]), other, head) for other in others]
            head = largest
            path.append(head)
        rivers.append(np.array(path, np.intp))
    return rivers
