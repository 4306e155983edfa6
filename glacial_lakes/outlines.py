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

SHORE_PX = (2.5, 8.0)
"""The shore signal is taken from pixels at this distance from the candidate."""
CORE_PX = (2.5, 1.5)
"""The water signal is taken from pixels deeper than this inside, or the next smaller depth."""
MIN_CORE = 4
MIN_SHORE = 8
NOISE = 0.005
"""Reflectance noise floor (Sentinel-2 and Landsat stay below it over dark targets)."""
BLUR_PX = 0.6
"""Standard deviation of the sensors' blur in pixels, from an MTF of about 0.2 at Nyquist."""
REFINEMENTS = 3
SHARED_SHIFT_PX = 0.06
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
    """Distance of water and shore in standard deviations of the shore."""
    method: str
    """``unmixed`` with a core of pure pixels, ``unmixed_small`` when the core had to be inferred."""


def unmix(bands: Float, candidate: Bool, others: Bool, seen: Bool) -> Fraction | None:
    """Return the water fraction of the pixels around a candidate.

    Each pixel is a mixture of the water signal w and the shore signal l near it. Both change
    along the lake, so they are Gaussian-weighted means of the core and of a ring outside. The
    fraction is the generalised least-squares solution
    f = (p − l)ᵀ C⁻¹ (w − l) / (w − l)ᵀ C⁻¹ (w − l), with C the covariance of the shore.

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
        shore = land & (away > nearest / 2)
    if shore.sum() < MIN_SHORE:
        return None
    core = _core(depth, candidate & seen)
    signal = bands[:, shore]
    covariance = np.cov(signal) + np.eye(len(bands)) * NOISE**2
    # A few dozen pixels do not settle all correlations: lean towards independent bands.
    covariance = 0.7 * covariance + 0.3 * np.diag(np.diag(covariance))
    inverse = np.linalg.inv(covariance)
    land_signal = _smoothed(bands, shore, sigma=3.0)
    if core is not None:
        water_signal = _smoothed(bands, core, sigma=4.0)
        fraction, distance = _project(bands, water_signal, land_signal, inverse)
        return Fraction(fraction, core, shore, distance, "unmixed")
    wettest = _wettest(bands, candidate & seen, land_signal, inverse)
    water_signal = np.broadcast_to(bands[:, wettest].mean(1)[:, None, None], bands.shape)
    fraction, distance = _project(bands, water_signal, land_signal, inverse)
    near = away <= nearest
    for _ in range(REFINEMENTS):
        # No pixel is pure. The outline tells how much water each pixel should hold after the
        # sensor's blur; regressing the pixels on that gives the signal of pure water.
        share = _blurred_share(np.where(near, fraction, 0))
        use = near & seen & (share > 0.1)
        if use.sum() < 2:
            break
        weight = share[use]
        excess = (bands - land_signal)[:, use]
        water_signal = land_signal + (excess * weight).sum(1)[:, None, None] / (weight**2).sum()
        fraction, distance = _project(bands, water_signal, land_signal, inverse)
    return Fraction(fraction, wettest, shore, distance, "unmixed_small")


def contour(fraction: Float, level: float, transform: Affine) -> list[Polygon]:
    """Return the polygons that enclose fractions above a level (marching squares).

    Pixel values stand for pixel centres. Outside of the array counts as land.
    """
    padded = np.pad(fraction, 1, constant_values=0.0)
    rings = []
    for line in find_contours(padded, level):
        if len(line) >= 4:
            x = transform.c + transform.a * (line[:, 1] - 0.5)
            y = transform.f + transform.e * (line[:, 0] - 0.5)
            rings.append(Polygon(np.column_stack([x, y])))
    return polygons_of_rings(rings)


def polygons_of_rings(rings: list[Polygon]) -> list[Polygon]:
    """Return polygons with holes from rings that do not cross each other."""
    shapes = [ring for ring in shapely.make_valid(rings) if ring.area > 0]
    shapes.sort(key=lambda ring: -float(ring.area))
    whole = shapely.GeometryCollection()
    for ring in shapes:
        whole = shapely.symmetric_difference(whole, ring)
    return [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]


def hanshaw_bookhagen_error(perimeter_m: float, pixel_m: float) -> float:
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
    for minimum in CORE_PX:
        core = usable & (depth > minimum)
        if core.sum() >= MIN_CORE:
            return core
    return None


def _wettest(bands: Float, candidate: Bool, land: Float, inverse: NDArray[np.float64]) -> Bool:
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
    bands: Float, water: Float, land: Float, inverse: NDArray[np.float64]
) -> tuple[Float, float]:
    direction = water - land
    weighted = np.einsum("bc,cyx->byx", inverse, direction)
    squared = (direction * weighted).sum(0)
    fraction = ((bands - land) * weighted).sum(0) / np.maximum(squared, 1e-6)
    return fraction.astype("float32"), float(np.sqrt(np.median(squared)))


def _blurred_share(fraction: Float) -> Float:
    """Return the share of water that the 0.5 contour predicts for each pixel after blur."""
    fine = 4
    rows, cols = fraction.shape
    zoomed = ndimage.zoom(fraction, fine, order=1, grid_mode=True, mode="nearest") > 0.5
    share = zoomed.reshape(rows, fine, cols, fine).mean((1, 3), dtype="float32")
    return ndimage.gaussian_filter(share, BLUR_PX)
