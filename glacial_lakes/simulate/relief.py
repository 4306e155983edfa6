"""Mountain relief: an eroded range, glacially widened valleys, rough rock."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from glacial_lakes.simulate.erosion import erode, streams
from glacial_lakes.simulate.frame import COARSE_M, FINE_M, upsample
from glacial_lakes.simulate.noise import Field, fractal_field, ridged_field, smoothstep

EROSION_M = 60.0


@dataclass(frozen=True, eq=False)
class Valley:
    """A valley's thalweg from its mouth up to its head, in metres from the upper left corner."""

    x: NDArray[np.float64]
    """Eastwards."""
    y: NDArray[np.float64]
    """Southwards."""
    along: NDArray[np.float64]
    """Distance from the mouth."""
    floor_m: NDArray[np.float64]
    """Elevation of the valley floor, never falling upstream."""
    half_width_m: NDArray[np.float64]
    """Half the width of the flat floor."""

    @property
    def length_m(self) -> float:
        """Length from mouth to head."""
        return float(self.along[-1])

    def at(self, along_m: float) -> tuple[float, float, float]:
        """Return x, y and the upstream bearing (anticlockwise from east) at a distance."""
        low, high = np.clip([along_m - 45.0, along_m + 45.0], 0.0, self.length_m)
        x1, x, x2 = np.interp([low, along_m, high], self.along, self.x)
        y1, y, y2 = np.interp([low, along_m, high], self.along, self.y)
        return float(x), float(y), math.atan2(-(y2 - y1), x2 - x1)

    def reach(self, elevation_m: float) -> float:
        """Return the distance from the mouth at which the floor reaches an elevation."""
        number = int(np.searchsorted(self.floor_m, elevation_m))
        return float(self.along[min(number, self.along.size - 1)])

    def coordinates(self, size: int) -> tuple[Field, Field]:
        """Return along-valley position and distance of each cell of a coarse square grid."""
        distance, nearest = cKDTree(np.column_stack([self.x, self.y])).query(_centres(size))
        shape = (size, size)
        along = self.along[nearest].reshape(shape)
        return along.astype(np.float32), distance.reshape(shape).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Relief:
    """The bare mountains."""

    elevation: Field
    """Metres, on cells of :data:`FINE_M`."""
    valleys: tuple[Valley, ...]
    """Largest first."""


def make_relief(rng: np.random.Generator, size_m: float, base_m: float = 3120.0) -> Relief:
    """Return mountains over a square whose north side is the lower one.

    Rivers carve the range (:func:`glacial_lakes.simulate.erosion.erode`); glaciers of the past
    have widened the valleys to troughs (Svensson 1959); crests are roughened by a ridged
    multifractal.
    """
    count = round(size_m / EROSION_M)
    shape = (count, count)
    tilt = np.linspace(0.0, 900.0, count)[:, None]
    bumps = fractal_field(rng, shape, EROSION_M, longest_m=6000, shortest_m=700, hurst=0.5)
    start = tilt + 25.0 * bumps + rng.uniform(0.0, 2.0, shape)
    talus = 0.55 + 0.10 * fractal_field(rng, shape, EROSION_M, longest_m=2500, hurst=0.6)
    range_m, receiver, area = erode(
        start, np.clip(talus, 0.35, 0.9), EROSION_M, steepness_m=255.0, steps=80
    )
    # The drainage runs along the eight directions of its grid; a warp bends it.
    warp = [
        55.0 * fractal_field(rng, shape, EROSION_M, longest_m=1500, shortest_m=240, hurst=0.7)
        for _ in range(2)
    ]
    valleys = tuple(
        _thalweg(path, range_m + base_m, area, warp)
        for path in streams(receiver, area, shape, 3.0e5)
        if path.size * EROSION_M > 900.0
    )
    coarse = round(size_m / COARSE_M)
    surface = _warped(range_m + base_m, warp, coarse)
    surface = _troughs(surface, valleys)
    zoom = round(COARSE_M / FINE_M)
    near = _distance(valleys, coarse).reshape(coarse, coarse)
    rough = upsample(smoothstep(near.astype(np.float32), 120.0, 500.0), zoom)
    fine = upsample(surface, zoom)
    fine = ndimage.gaussian_filter(fine, 1.5)
    ridges = ridged_field(rng, fine.shape, FINE_M, longest_m=900.0, octaves=5)
    bumpy = fractal_field(rng, fine.shape, FINE_M, longest_m=600.0, shortest_m=30.0, hurst=0.9)
    fine = fine + rough * (70.0 * (ridges - 0.35) + 4.0 * bumpy) + (1.0 - rough) * 2.5 * bumpy
    return Relief(fine.astype(np.float32), valleys)


def _centres(size: int) -> NDArray[np.float64]:
    centre = (np.arange(size) + 0.5) * COARSE_M
    x, y = np.meshgrid(centre, centre)
    return np.column_stack([x.ravel(), y.ravel()])


def _warped(range_m: NDArray[np.float64], warp: list[Field], size: int) -> Field:
    """Return the range on the coarse grid, displaced by the warp (x, y) in metres."""
    step = COARSE_M / EROSION_M
    cells = (np.arange(size) + 0.5) * step - 0.5
    row, col = np.meshgrid(cells, cells, indexing="ij")
    shift = [ndimage.map_coordinates(w, [row, col], order=1, mode="nearest") for w in warp]
    sampled = ndimage.map_coordinates(
        range_m,
        [row + shift[1] / EROSION_M, col + shift[0] / EROSION_M],
        order=1,
        mode="nearest",
    )
    return np.asarray(sampled, dtype=np.float32)


def _thalweg(
    path: NDArray[np.intp],
    range_m: NDArray[np.float64],
    area: NDArray[np.float64],
    warp: list[Field],
) -> Valley:
    rows, cols = np.divmod(path, range_m.shape[1])
    x = (cols + 0.5) * EROSION_M - warp[0][rows, cols]
    y = (rows + 0.5) * EROSION_M - warp[1][rows, cols]
    knots = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    along = np.arange(0.0, knots[-1], 15.0)

    def smooth(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
        on_line = np.interp(along, knots, values)
        return np.asarray(ndimage.gaussian_filter1d(on_line, sigma, mode="nearest"))

    floor = np.maximum.accumulate(smooth(range_m.ravel()[path], 12.0))
    width = np.clip(0.055 * np.sqrt(smooth(area[path], 10.0)), 45.0, 230.0)
    return Valley(smooth(x, 4.0), smooth(y, 4.0), along, floor, width)


def _troughs(surface: Field, valleys: tuple[Valley, ...]) -> Field:
    """Widen the valleys: flat floors between walls steeper than the fluvial slopes."""
    points = np.column_stack(
        [np.concatenate([v.x for v in valleys]), np.concatenate([v.y for v in valleys])]
    )
    floor = np.concatenate([v.floor_m for v in valleys])
    width = np.concatenate([v.half_width_m for v in valleys])
    distance, nearest = cKDTree(points).query(_centres(surface.shape[0]))
    beyond = np.maximum(distance - width[nearest], 0.0)
    trough = floor[nearest] + 0.02 * distance + 0.85 * beyond**2 / (beyond + 80.0)
    return np.asarray(np.minimum(surface, trough.reshape(surface.shape)), np.float32)


def _distance(valleys: tuple[Valley, ...], size: int) -> NDArray[np.float64]:
    points = np.column_stack(
        [np.concatenate([v.x for v in valleys]), np.concatenate([v.y for v in valleys])]
    )
    return np.asarray(cKDTree(points).query(_centres(size))[0])
