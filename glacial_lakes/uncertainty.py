"""How far the area of an outline may be off.

An outline is well known where water and land are each of one kind, where few pixels are mixed and
where another contour level would hardly move it. These three, measured along each shore, tell how
far all of it may lie off; the rest is an error that changes every few pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from shapely.geometry import Polygon

from glacial_lakes.outlines import FINE, extent, finer

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

BESIDE_PX = (2, 4)
"""Land from the first to the second of these distances beyond the outline has no water in it."""
MIXED = (0.2, 0.8)
"""Fractions of water of a mixed pixel."""
LEVELS = 0.1
"""The outline is compared with those at fractions higher and lower by this."""
SPREAD_WEIGHT = 0.31
MIXED_WEIGHT = 0.06
SENSITIVITY_WEIGHT = 0.48
DOUBTFUL_WEIGHT = 0.6
LOCAL_SHIFT_PX = 0.14
CORRELATION_PX = 3.0
HIDDEN_WEIGHT = 0.2
"""Weights of the parts of the error: largest likelihood on the development scenes of
``benchmarks/sigma_weights.py``."""
LEAST_MIXED, LEAST_SENSITIVITY = 1.0, 0.4
"""Of a straight shore between even water and even land, by the blur of the image alone."""
MOST_SENSITIVITY = 2.0
EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True)
class Shore:
    """What tells how well an outline is known."""

    spread: float
    """Root mean square fraction of water that the land beside the outline seems to have."""
    mixed: float
    """Mixed pixels per pixel of shore."""
    sensitivity: float
    """Area between the neighbouring levels per pixel of shore, in pixels."""
    doubtful: float
    """Share of the shore that shade or ice makes hard to place."""


def measure_shore(
    fraction: Float,
    level: float,
    polygon: Polygon,
    *,
    inside: Bool,
    usable: Bool,
    doubtful: Bool,
    pixel_m: float,
) -> Shore:
    """Measure along an outline how well it is known.

    Parameters
    ----------
    fraction : array of float32, shape (y, x)
        Fraction of water; finite.
    level : float
        Fraction at the outline.
    polygon : Polygon
        The outline in metres.
    inside, usable : array of bool, shape (y, x)
        Pixels inside of the outline; pixels seen that belong to no other lake.
    doubtful : array of bool, shape (y, x)
        Pixels in which a shore is hard to place.
    pixel_m : float
    """
    near, far = BESIDE_PX
    pad = far
    usable = np.pad(usable, pad)
    inside, doubtful = np.pad(inside, pad), np.pad(doubtful, pad)
    fraction = np.pad(np.clip(fraction, -1, 2), pad)
    around = ndimage.binary_dilation(inside, EIGHT, iterations=near)
    land = ndimage.binary_dilation(around, EIGHT, iterations=far - near) & ~around & usable
    edge = around & ~ndimage.binary_erosion(inside, EIGHT, iterations=near) & usable
    rim = around & ~inside
    low, high = MIXED
    length = polygon.length / pixel_m
    mixed = edge & (fraction > low) & (fraction < high)
    place = extent(around)
    fine = finer(np.where(around & usable, fraction, np.float32(0))[place])
    between = (fine > level - LEVELS) & (fine < level + LEVELS)
    return Shore(
        spread=float(np.sqrt(np.mean(fraction[land] ** 2))) if land.any() else 1.0,
        mixed=float(mixed.sum() / length),
        sensitivity=float(between.sum() / FINE**2 / length),
        doubtful=float(doubtful[rim].mean()) if rim.any() else 0.0,
    )


def shift_px(shore: Shore) -> float:
    """Return one standard deviation of the shift that all of an outline shares, in pixels."""
    sensitivity = min(shore.sensitivity, MOST_SENSITIVITY)
    return (
        SPREAD_WEIGHT * shore.spread
        + MIXED_WEIGHT * max(0.0, shore.mixed - LEAST_MIXED)
        + SENSITIVITY_WEIGHT * max(0.0, sensitivity - LEAST_SENSITIVITY)
        + DOUBTFUL_WEIGHT * shore.doubtful
    )


def area_sigma(
    perimeter_m: ArrayLike, pixel_m: float, shift: ArrayLike, hidden_m2: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Return one standard deviation of areas in m².

    Three parts, added in quadrature: the shift that all of the shore shares (:func:`shift_px`),
    one that is independent every few pixels along it, and the part of the lake that was hidden.

    Parameters
    ----------
    perimeter_m, shift, hidden_m2 : array_like of float
        Length of the outline, shared shift in pixels, and hidden part of the area; one an outline.
    pixel_m : float
    """
    perimeter = np.asarray(perimeter_m, dtype=float)
    shared = np.asarray(shift, dtype=float) * pixel_m * perimeter
    pieces = np.maximum(perimeter / (CORRELATION_PX * pixel_m), 1.0)
    local = LOCAL_SHIFT_PX * pixel_m * perimeter / np.sqrt(pieces)
    hidden = HIDDEN_WEIGHT * np.asarray(hidden_m2, dtype=float)
    sigma: NDArray[np.float64] = np.sqrt(shared**2 + local**2 + hidden**2)
    return sigma


def hanshaw_bookhagen_error(
    perimeter_m: NDArray[np.float64], pixel_m: float
) -> NDArray[np.float64]:
    """Return the one-sigma area error in m² of Hanshaw & Bookhagen (2014), 0.6872·P/G·G²/2.

    Stands beside the own uncertainty to compare with older inventories.
    """
    return 0.6872 * perimeter_m * pixel_m / 2
