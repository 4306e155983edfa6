"""From reflectance on fine cells to a sensor's pixels: blur, pointing, noise, counts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glacial_lakes.simulate.frame import block_mean
from glacial_lakes.simulate.noise import Field
from glacial_lakes.simulate.sensors import Sensor


def take(
    signal: Field,
    *,
    cell_m: float,
    first: int,
    count: int,
    pixel_m: float,
    blur_m: float,
    shift_m: tuple[float, float],
) -> Field:
    """Return the pixels that a band sees.

    Parameters
    ----------
    signal : numpy.ndarray
        Reflectance on the ground's cells.
    cell_m : float
        Cell edge.
    first, count : int
        First cell of the scene (rows and columns alike) and number of pixels a side.
    pixel_m, blur_m : float
        Pixel edge, and standard deviation of the Gaussian point spread before it.
    shift_m : tuple of float
        How far the image lies east and north of where it says it is: the pointing error.
    """
    factor = round(pixel_m / cell_m)
    blurred = ndimage.gaussian_filter(signal, blur_m / cell_m, truncate=3.0, mode="nearest")
    size = count * factor
    # The pixel that claims a place shows the ground that lies the error away from it.
    row, row_part = _split(first + shift_m[1] / cell_m)
    col, col_part = _split(first - shift_m[0] / cell_m)

    def part(dr: int, dc: int) -> Field:
        window = blurred[row + dr : row + dr + size, col + dc : col + dc + size]
        return np.asarray(window, np.float32)

    moved = (1 - row_part) * ((1 - col_part) * part(0, 0) + col_part * part(0, 1)) + row_part * (
        (1 - col_part) * part(1, 0) + col_part * part(1, 1)
    )
    return block_mean(np.asarray(moved, np.float32), factor)


def _split(position: float) -> tuple[int, np.float32]:
    whole = math.floor(position)
    return whole, np.float32(position - whole)


def pointing(rng: np.random.Generator, sensor: Sensor) -> tuple[float, float]:
    """Draw the geolocation error of a scene, east and north, in metres, at most 2.5 sigma."""
    east, north = np.clip(rng.standard_normal(2), -2.5, 2.5) * sensor.pointing_m
    return float(east), float(north)


def develop(
    rng: np.random.Generator, pixels: Field, sensor: Sensor, band: int, *, sun_elevation_deg: float
) -> tuple[Field, NDArray[np.bool_]]:
    """Add the sensor's noise, count and saturate; return reflectance and where it saturated.

    The variance is half constant and half in proportion to the light, and meets the specified
    signal-to-noise ratio at the reference radiance.
    """
    overhead = 1.0 / math.sin(math.radians(max(sun_elevation_deg, 5.0)))
    reference = sensor.reference[band] * overhead
    at_reference = reference / sensor.snr[band]
    sigma = at_reference * np.sqrt(0.5 + 0.5 * np.clip(pixels, 0.0, None) / reference)
    noisy = pixels + sigma * rng.standard_normal(pixels.shape, dtype=np.float32)
    step = sensor.step[band] * overhead
    if step > 0:
        noisy = np.round(noisy / step) * np.float32(step)
    ceiling = np.float32(sensor.ceiling[band] * overhead)
    return np.minimum(noisy, ceiling).astype(np.float32), np.asarray(noisy >= ceiling)


def scan_gaps(rng: np.random.Generator, rows: int, cols: int) -> NDArray[np.bool_]:
    """Return the gaps of ETM+ since its scan line corrector failed on 31 May 2003.

    Wedges along the scans, two scans (about 33 rows) apart, widest at the edge of the swath and
    none at its centre (Landsat 7 Data Users Handbook); the scene lies well off the centre.
    """
    row, col = np.mgrid[0:rows, 0:cols]
    phase = (row - 0.155 * col + rng.uniform(0.0, 33.0)) % 33.0
    width = rng.uniform(5.0, 8.0) + 2.5 * col / cols
    return np.asarray(phase < width)
