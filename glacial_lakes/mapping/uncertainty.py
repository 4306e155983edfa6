"""How far the area of an outline may be off.

An outline is well known where water and land are each of one kind and far apart, where as many
pixels are mixed as blur mixes, where another contour level would hardly move it, and where it holds
as much water as its pixels show. All this, measured along each shore, tells how far all of it may
lie off; the rest is an error that changes every few pixels, and water beside the outline that it
leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import Polygon

from glacial_lakes.kernels.interpolation import upsample
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.kernels.morphology import dilate, erode, extent
from glacial_lakes.mapping.unmixing import FINE

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

BESIDE_PX = (2, 4)
"""Land from the first to the second of these distances beyond the outline has no water in it."""
MIXED = (0.2, 0.8)
"""Fractions of water of a mixed pixel."""
LEVELS = 0.1
"""The outline is compared with those at fractions higher and lower by this."""
LEAST_SHIFT_PX = 0.022
"""Of any outline: the blur of an image, which tells where on a slope of signals the shore lies, is
not exactly known."""
SPREAD_WEIGHT = 0.095
MIXED_WEIGHT = 0.025
SENSITIVITY_WEIGHT = 0.1
DOUBTFUL_WEIGHT = 0.5
NOISE_WEIGHT = 0.19
UNEXPLAINED_WEIGHT = 4.4
UNLIKE_WEIGHT = 1.3
UNMIXED_WEIGHT = 2.5
APART_WEIGHT = 1.2
LOCAL_SHIFT_PX = 0.08
CORRELATION_PX = 3.0
HIDDEN_WEIGHT = 0.6
WHOLE_PX = 0.39
"""Weights of the parts of the error, so that the stated shares of true areas lie within one and two
standard deviations for every sensor and size on development worlds, whose air, blur, bands that
miss each other and materials nobody knows (``benchmarks/sigma_weights.py``). ``WHOLE_PX`` is the
error of any area in pixels."""
LEAST_MIXED, LEAST_SENSITIVITY = 1.0, 0.4
"""Of a straight shore between even water and even land, by the blur of the image alone."""
LEAST_BLURRED, MOST_UNMIXED = 0.95, 0.4
"""Below the first, mixed pixels are fewer than an image can show: something cuts the shore, snow or
a mask. Farther below than the second lie shores along the edges of pixels."""
MIN_CORE = 4
UNKNOWN_UNLIKE = 0.1
"""How unlike the water of a lake may be whose core has fewer pixels than ``MIN_CORE``."""
MOST_SENSITIVITY = 2.0


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
    noise: float
    """Standard deviation of water and shore over their distance."""
    unexplained: float
    """How far above a half the level had to rise for the outline to hold no more water than its
    pixels show. Blur lowers the level of a lake; only what is neither this water nor this shore,
    such as shallows, weed or floes, raises it."""
    unlike: float
    """Standard deviation of the fraction of water in the core: water of more than one kind, of
    which the shore may have another than its surroundings tell."""
    apart_px: float
    """Pixels beside the outline, of no other candidate, that hold more water than land: arms and
    parts that the outline leaves out."""


def measure_shore(
    fraction: Float,
    level: float,
    polygon: Polygon,
    *,
    inside: Bool,
    usable: Bool,
    doubtful: Bool,
    core: Bool,
    ground: Bool,
    separation: float,
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
    core, ground : array of bool, shape (y, x)
        Pure water of the candidate; pixels that may belong to it.
    separation : float
        Distance of water and shore in standard deviations of both.
    pixel_m : float
    """
    spread, mixed, sensitivity, doubted, unlike, apart = _along_shore(
        fraction, level, inside, usable, doubtful, core, ground, polygon.length / pixel_m
    )
    noise, unexplained = 1 / max(separation, 1.0), max(0.0, level - 0.5)
    return Shore(spread, mixed, sensitivity, doubted, noise, unexplained, unlike, apart)


@kernel
def _along_shore(fraction, level, inside, usable, doubtful, core, ground, length_px):  # type: ignore[no-untyped-def]
    height, width = inside.shape
    near, far = np.int64(BESIDE_PX[0]), np.int64(BESIDE_PX[1])
    around = dilate(inside, near)
    beside = dilate(around, far - near)
    deep, close = erode(inside, near), dilate(inside, np.int64(1))
    squares, mixed, doubted, apart = 0.0, 0, 0, 0
    land, rim, pure = 0, 0, 0
    total, total_squares = 0.0, 0.0
    field = np.zeros((height, width), np.float32)
    for row in range(height):
        for col in range(width):
            value = min(max(fraction[row, col], np.float32(-1)), np.float32(2))
            if inside[row, col] and core[row, col]:
                pure += 1
                total += value - 1
                total_squares += (value - 1) ** 2
            elif beside[row, col] and not close[row, col] and usable[row, col]:
                apart += ground[row, col] and value > 0.5
            if around[row, col]:
                if not inside[row, col]:
                    rim += 1
                    doubted += doubtful[row, col]
                if usable[row, col]:
                    field[row, col] = value
                    if not deep[row, col] and MIXED[0] < value < MIXED[1]:
                        mixed += 1
            elif beside[row, col] and usable[row, col]:
                land += 1
                squares += value * value
    top, bottom, left, right = extent(around)
    between = 0
    for value in upsample(field[top:bottom, left:right], FINE).flat:
        between += level - LEVELS < value < level + LEVELS
    spread = np.sqrt(squares / land) if land else 1.0
    sensitivity = between / FINE**2 / length_px
    unlike = UNKNOWN_UNLIKE
    if pure >= MIN_CORE:
        unlike = np.sqrt(max(0.0, total_squares / pure - (total / pure) ** 2))
    return spread, mixed / length_px, sensitivity, doubted / max(1, rim), unlike, float(apart)


def shift_px(shore: Shore, *, is_cut: bool = False) -> float:
    """Return one standard deviation of the shift that all of an outline shares, in pixels.

    Of a lake that is known to be cut, it is that of the shore that is seen: of the rest, where no
    pixel is mixed, bounds tell.
    """
    cut = 0.0 if is_cut else min(max(0.0, LEAST_BLURRED - shore.mixed), MOST_UNMIXED)
    sensitivity = min(shore.sensitivity, MOST_SENSITIVITY)
    return (
        LEAST_SHIFT_PX
        + SPREAD_WEIGHT * shore.spread
        + MIXED_WEIGHT * max(0.0, shore.mixed - LEAST_MIXED)
        + UNMIXED_WEIGHT * cut
        + SENSITIVITY_WEIGHT * max(0.0, sensitivity - LEAST_SENSITIVITY)
        + DOUBTFUL_WEIGHT * shore.doubtful
        + NOISE_WEIGHT * shore.noise
        + UNEXPLAINED_WEIGHT * shore.unexplained
        + UNLIKE_WEIGHT * shore.unlike
    )


def area_sigma(
    perimeter_m: ArrayLike,
    pixel_m: float,
    shift: ArrayLike,
    hidden_m2: ArrayLike = 0.0,
    apart_m2: ArrayLike = 0.0,
) -> NDArray[np.float64]:
    """Return one standard deviation of areas in m².

    Five parts, added in quadrature: the shift that all of the shore shares (:func:`shift_px`),
    one that is independent every few pixels along it, the part of the lake that was hidden, water
    beside the outline that may belong to the lake, and one of a part of a pixel whatever the size.

    Parameters
    ----------
    perimeter_m, shift, hidden_m2, apart_m2 : array_like of float
        Length of the outline, shared shift in pixels, hidden part of the area, and water beside it;
        one an outline.
    pixel_m : float
    """
    perimeter = np.asarray(perimeter_m, dtype=float)
    shared = np.asarray(shift, dtype=float) * pixel_m * perimeter
    pieces = np.maximum(perimeter / (CORRELATION_PX * pixel_m), 1.0)
    local = LOCAL_SHIFT_PX * pixel_m * perimeter / np.sqrt(pieces)
    hidden = HIDDEN_WEIGHT * np.asarray(hidden_m2, dtype=float)
    apart = APART_WEIGHT * np.asarray(apart_m2, dtype=float)
    whole = WHOLE_PX * pixel_m**2
    sigma: NDArray[np.float64] = np.sqrt(shared**2 + local**2 + hidden**2 + apart**2 + whole**2)
    return sigma
