"""Quality layers as imperfect as those of real processors."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glacial_lakes.simulate.noise import Field, fractal_field

Bits = NDArray[np.bool_]


class Label(IntEnum):
    """What a processor takes a pixel for."""

    NODATA = 0
    BARE = 1
    PLANTS = 2
    WATER = 3
    SNOW = 4
    DARK = 5
    SHADOW = 6
    CIRRUS = 7
    DILATED = 8
    CLOUD_MEDIUM = 9
    CLOUD = 10


SCL = {
    Label.NODATA: 0,
    Label.BARE: 5,
    Label.PLANTS: 4,
    Label.WATER: 6,
    Label.SNOW: 11,
    Label.DARK: 2,
    Label.SHADOW: 3,
    Label.CIRRUS: 10,
    Label.DILATED: 7,
    Label.CLOUD_MEDIUM: 8,
    Label.CLOUD: 9,
}
"""Scene classification of Sentinel-2 L2A (Sentinel-2 Products Specification Document)."""


def label_pixels(
    rng: np.random.Generator,
    bands: dict[str, Field],
    cloud: Field,
    shade: Field,
    *,
    pixel_m: float,
    dilation: int,
) -> NDArray[np.uint8]:
    """Return a :class:`Label` for each pixel.

    Clouds are found from their thickness, but thin edges are missed in places, masks are grown
    by a few pixels, some bright snow passes for cloud, shadows of clouds lie a little off, and
    dark water and shaded slopes are confused: faults told of Sen2Cor and Fmask (Zhu & Woodcock
    2012; Baetens et al. 2019; Skakun et al. 2022).

    Parameters
    ----------
    bands : dict
        Reflectance of ``green``, ``red``, ``nir`` and ``swir1``, NaN for no data.
    cloud, shade : numpy.ndarray
        Optical thickness towards the sensor and towards the sun.
    pixel_m : float
        Pixel edge.
    dilation : int
        Pixels by which the processor grows its cloud mask.
    """
    green, red, nir, swir = (bands[name] for name in ("green", "red", "nir", "swir1"))
    shape = green.shape
    doubt = fractal_field(rng, shape, pixel_m, longest_m=1200.0, hurst=0.3)
    nan = ~np.isfinite(green)
    with np.errstate(invalid="ignore", divide="ignore"):
        ndsi = (green - swir) / (green + swir)
        ndvi = (nir - red) / (nir + red)
        ndwi = (green - nir) / (green + nir)
    labels = np.full(shape, Label.BARE, np.uint8)
    labels[ndvi > 0.38] = Label.PLANTS
    snow = (ndsi > 0.4) & (nir > 0.12) & (green > 0.14)
    labels[(nir < 0.07 + 0.01 * doubt) & (green < 0.07)] = Label.DARK
    wet = (ndwi > 0.08 + 0.05 * doubt) & (nir < 0.15) & (green > 0.025) & ~snow
    labels[wet & (ndsi > 0.1)] = Label.WATER
    labels[snow] = Label.SNOW
    moved = np.roll(shade, tuple(int(s) for s in rng.integers(-2, 3, 2)), (0, 1))
    shadow = (moved > np.maximum(0.7 + 0.3 * doubt, 0.2)) & (nir < 0.22) & ~snow
    labels[ndimage.binary_opening(shadow, iterations=1)] = Label.SHADOW
    certain = cloud > np.maximum(1.6 + 0.6 * doubt, 0.5)
    medium = cloud > np.maximum(0.75 + 0.45 * doubt, 0.2)
    near = ndimage.binary_dilation(certain, iterations=dilation) if certain.any() else certain
    labels[(cloud > np.maximum(0.09 + 0.05 * doubt, 0.02)) & ~snow] = Label.CIRRUS
    labels[near] = Label.DILATED
    labels[medium] = Label.CLOUD_MEDIUM
    labels[certain] = Label.CLOUD
    bright = snow & (doubt > 1.75) & (green > 0.55)
    labels[bright] = np.where(doubt > 2.2, Label.CLOUD, Label.CLOUD_MEDIUM)[bright]
    labels[nan] = Label.NODATA
    return labels


def scene_classification(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return Sentinel-2 scene classes; a grown cloud mask is medium cloud probability there."""
    table = np.zeros(len(Label), np.uint8)
    for label, value in SCL.items():
        table[label] = value
    table[Label.DILATED] = 8
    return table[labels]


def qa_pixel(labels: NDArray[np.uint8], *, cirrus_band: bool) -> NDArray[np.uint16]:
    """Return Landsat Collection 2 QA_PIXEL.

    Bits (Landsat 8–9 Collection 2 Level 2 Science Product Guide): 0 fill, 1 dilated cloud,
    2 cirrus, 3 cloud, 4 cloud shadow, 5 snow, 6 clear, 7 water, and two bits of confidence each
    for cloud (8), cloud shadow (10), snow (12) and cirrus (14), the last one only where the
    sensor has a cirrus band.
    """
    low = (1 << 8) | (1 << 10) | (1 << 12) | ((1 << 14) if cirrus_band else 0)
    clear = low | (1 << 6)
    table = np.full(len(Label), clear, np.uint16)
    table[Label.NODATA] = 1
    table[Label.WATER] = clear | (1 << 7)
    table[Label.SNOW] = clear | (1 << 5) | (0b11 << 12)
    table[Label.SHADOW] = low | (1 << 4) | (0b11 << 10)
    table[Label.DILATED] = low | (1 << 1)
    table[Label.CLOUD] = low | (1 << 3) | (0b11 << 8)
    table[Label.CLOUD_MEDIUM] = low | (1 << 3) | (0b11 << 8)
    if cirrus_band:
        table[Label.CIRRUS] = clear | (1 << 2) | (0b11 << 14)
    return table[labels]
