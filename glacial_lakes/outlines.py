"""From a candidate to its outline: local water and shore signals, water fraction, contour, error.

The outline runs where half of a pixel is water. A fixed index threshold does not run there: on
mixed pixels the index bends towards the brighter part, so that lakes come out too small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import Polygon
from skimage.measure import find_contours

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

SHORE_PX = (1.5, 5.0)
"""The shore signal is taken from pixels at this distance from the candidate."""
NEAR_LAND_PX = 3.5
"""Land nearer than this to the candidate defines a water fraction of 0."""
NEAR_WATER_PX = (1.2, 2.3)
"""Water at this depth inside the candidate defines a fraction of 1: it is shallow, so brighter
and more like land than the middle of the lake, but blur does not reach it any more."""
CORE_PX = 1.5
"""The water signal is taken from pixels deeper than this inside: beyond the reach of blur, and
still near enough to the shore to know its shallow, brighter water."""
REACH_PX = 2.5
"""Blur and the pixel's width spread a shore over this distance to either side."""
MIN_CORE = 4
MIN_SHORE = 8
NOISE = 0.005
"""Reflectance noise floor (Sentinel-2 and Landsat stay below it over dark targets)."""
SHARED_SHIFT_PX = 0.11
LOCAL_SHIFT_PX = 0.25
CORRELATION_PX = 3.0
"""Shifts of the outline, measured on simulated scenes by ``benchmarks/outline_error.py``."""


@dataclass(frozen=True, slots=True)
class Fraction:
    """Water fraction around one candidate and the signals that it was unmixed with."""

    water: Float
    """Fraction of water, shape (y, x); 0 land, 1 water, beyond by noise."""
    core: Bool
    shore: Bool
    separation: float
    """Distance of water and shore in standard deviations of both (Mahalanobis)."""
    method: str
    """``unmixed`` with a core of pure pixels, ``unmixed_small`` with the wettest third instead."""


def unmix(bands: Float, candidate: Bool, others: Bool, seen: Bool) -> Fraction | None:
    """Return the water fraction of the pixels around a candidate.

    Each pixel is a mixture of the water signal w and the shore signal l near it. Both change
    along the lake, so they are Gaussian-weighted means of the core and of a ring outside. The
    fraction is the generalised least-squares solution
    f = (p − l)ᵀ C⁻¹ (w − l) / (w − l)ᵀ C⁻¹ (w − l), with C the sum of the covariances
    of shore and water.

    Parameters
    ----------
    bands : array of float32, shape (band, y, x)
        Reflectance, without NaN where ``seen``.
    candidate, others : array of bool, shape (y, x)
        Pixels of this candidate, and of its neighbours.
    seen : array of bool, shape (y, x)
        Observed and neither cloud nor shadow.

    Returns
    -------
    Fraction or None
        None when there is no shore to compare with.
    """
    depth = ndimage.distance_transform_edt(np.pad(candidate, 1))[1:-1, 1:-1]
    away = ndimage.distance_transform_edt(~candidate)
    nearest, farthest = SHORE_PX
    land = seen & ~candidate & ~others
    shore = land & (away > nearest) & (away <= farthest)
    if shore.sum() < MIN_SHORE:
        shore = land & (away > nearest)
    if shore.sum() < MIN_SHORE:
        return None
    core = _core(depth, candidate & seen)
    land_signal = _smoothed(bands, shore, sigma=2.0)
    # Around the local mean: a shore half of ice and half of moraine is no noise of either.
    texture = (bands - land_signal)[:, shore]
    covariance = np.cov(texture) + np.eye(len(bands)) * NOISE**2
    if core is not None and core.sum() > 2 * len(bands):
        # Bottom and sediment show through in the visible bands, not in the near infrared.
        covariance = covariance + np.cov(bands[:, core])
    # A few dozen pixels do not settle all correlations: lean towards independent bands.
    covariance = 0.7 * covariance + 0.3 * np.diag(np.diag(covariance))
    inverse = np.linalg.inv(covariance)
    if core is not None:
        method, water_signal = "unmixed", _smoothed(bands, core, sigma=2.0)
    else:
        method, core = "unmixed_small", _wettest(bands, candidate & seen, land_signal, inverse)
        water_signal = np.broadcast_to(bands[:, core].mean(1)[:, None, None], bands.shape)
    fraction, separation = _project(bands, water_signal, land_signal, inverse)
    # Next to the shore, land and shallow water differ a little from the means around them: the
    # nearest land must come out as 0 and the nearest water as 1.
    zero = _median(fraction, shore & (away <= NEAR_LAND_PX), default=0.0)
    one = 1.0
    if method == "unmixed":
        nearest, farthest = NEAR_WATER_PX
        one = _median(fraction, candidate & (depth > nearest) & (depth <= farthest), default=1.0)
    fraction = ((fraction - zero) / (float(np.clip(one, 0.8, 1.1)) - zero)).astype("float32")
    return Fraction(fraction, core, shore, separation, method)


def contour(fraction: Float, level: float, transform: Affine) -> list[Polygon]:
    """Return the polygons that enclose fractions above a level (marching squares).

    Pixel values stand for pixel centres. Outside of the array counts as land.
    """
    padded = np.pad(fraction, 1, constant_values=0.0)
    rings = []
    lines: list[NDArray[np.float64]] = find_contours(padded, level)  # type: ignore[no-untyped-call]
    for line in lines:
        if len(line) >= 4:
            x = transform.c + transform.a * (line[:, 1] - 0.5)
            y = transform.f + transform.e * (line[:, 0] - 0.5)
            rings.append(Polygon(np.column_stack([x, y])))
    return polygons_of_rings(rings)


def conserving_level(fraction: Float, usable: Bool, candidate: Bool) -> float:
    """Return the contour level whose polygon holds as much area as the fractions sum to.

    Blur and the pixel's own width smear a shore evenly, so that the sum of fractions is kept;
    but the 0.5 contour of a smeared convex lake lies inside of its shore, the more the smaller
    the lake. Deep pixels count as full and pixels far outside as empty, so that texture there
    does not matter.

    Parameters
    ----------
    fraction : array of float32, shape (y, x)
    usable : array of bool
        Pixels that may belong to this lake.
    candidate : array of bool

    Returns
    -------
    float
        Between 0.3 and 0.6; 0.5 for a straight shore.
    """
    near = REACH_PX
    wet = fraction > 0.5
    if not (wet & candidate).any():
        return 0.5
    depth = ndimage.distance_transform_edt(np.pad(wet, 1))[1:-1, 1:-1]
    away = ndimage.distance_transform_edt(~(wet & ndimage.binary_dilation(candidate, iterations=1)))
    field = np.where(depth > near, np.float32(1), np.clip(fraction, -0.5, 1.5))
    field = np.where(usable & (away <= near), field, np.float32(0))
    total = float(field.sum())
    fine = 4
    values = ndimage.zoom(np.clip(field, 0, 1), fine, order=1, grid_mode=True, mode="nearest")
    count = int(np.clip(round(total * fine**2), 1, values.size - 1))
    level = float(np.partition(values.ravel(), values.size - count)[values.size - count])
    return float(np.clip(level, 0.3, 0.6))


def polygons_of_rings(rings: list[Polygon]) -> list[Polygon]:
    """Return polygons with holes from rings that do not cross each other."""
    shapes = [ring for ring in shapely.make_valid(rings) if ring.area > 0]
    shapes.sort(key=lambda ring: -float(ring.area))
    whole = shapely.GeometryCollection()
    for ring in shapes:
        whole = shapely.symmetric_difference(whole, ring)
    return [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]


def hanshaw_bookhagen_error(
    perimeter_m: NDArray[np.float64], pixel_m: float
) -> NDArray[np.float64]:
    """Return the one-sigma area error in m² of Hanshaw & Bookhagen (2014), 0.6872·P/G·G²/2.

    Stands beside the own uncertainty to compare with older inventories.
    """
    return 0.6872 * perimeter_m * pixel_m / 2


def area_sigma(perimeter_m: NDArray[np.float64], pixel_m: float) -> NDArray[np.float64]:
    """Return one standard deviation of the area in m².

    Two parts, added in quadrature: an error that all of the shore shares (a wrong water or shore
    signal moves the whole outline by ``SHARED_SHIFT_PX``), and one that is independent every few
    pixels along the shore.
    """
    shared = SHARED_SHIFT_PX * pixel_m * perimeter_m
    pieces = np.maximum(perimeter_m / (CORRELATION_PX * pixel_m), 1.0)
    local = LOCAL_SHIFT_PX * pixel_m * perimeter_m / np.sqrt(pieces)
    return np.hypot(shared, local)


def _core(depth: Float, usable: Bool) -> Bool | None:
    core = usable & (depth > CORE_PX)
    return core if core.sum() >= MIN_CORE else None


def _median(values: Float, where: Bool, default: float) -> float:
    return float(np.median(values[where])) if where.sum() >= MIN_SHORE else default


def _wettest(bands: Float, candidate: Bool, land: Float, inverse: NDArray[np.floating]) -> Bool:
    """Return the third of a small candidate that differs most from the shore."""
    difference = (bands - land)[:, candidate]
    distance = np.einsum("bp,bc,cp->p", difference, inverse, difference)
    count = max(1, candidate.sum() // 3)
    chosen = np.zeros(candidate.shape, bool)
    rows, cols = np.nonzero(candidate)
    top = np.argsort(-distance, kind="stable")[:count]
    chosen[rows[top], cols[top]] = True
    return chosen


def _smoothed(bands: Float, where: Bool, sigma: float) -> Float:
    """Return the Gaussian-weighted mean of the chosen pixels around every pixel."""
    weight = ndimage.gaussian_filter(where.astype("float32"), sigma, truncate=6.0)
    faint = 1e-3  # far from any chosen pixel the overall mean takes over
    smoothed = np.empty_like(bands)
    for band, out in zip(bands, smoothed, strict=True):
        chosen = np.where(where, band, np.float32(0))
        total = ndimage.gaussian_filter(chosen, sigma, truncate=6.0)
        out[:] = (total + faint * band[where].mean()) / (weight + faint)
    return smoothed


def _project(
    bands: Float, water: Float, land: Float, inverse: NDArray[np.floating]
) -> tuple[Float, float]:
    direction = water - land
    weighted = np.einsum("bc,cyx->byx", inverse, direction)
    squared = (direction * weighted).sum(0)
    fraction = ((bands - land) * weighted).sum(0) / np.maximum(squared, 1e-6)
    return fraction.astype("float32"), float(np.sqrt(np.median(squared)))
