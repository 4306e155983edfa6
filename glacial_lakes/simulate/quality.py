"""Quality layers as imperfect as those of real processors."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glacial_lakes.simulate.noise import Field, fractal_field
from glacial_lakes.simulate.sensors import SensorName

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

QA_OLI = {
    Label.NODATA: 1,
    Label.BARE: 21824,
    Label.PLANTS: 21824,
    Label.WATER: 21952,
    Label.SNOW: 30048,
    Label.DARK: 21824,
    Label.SHADOW: 23888,
    Label.CIRRUS: 54596,
    Label.DILATED: 21762,
    Label.CLOUD_MEDIUM: 22280,
    Label.CLOUD: 22280,
}
QA_TM = {
    Label.NODATA: 1,
    Label.BARE: 5440,
    Label.PLANTS: 5440,
    Label.WATER: 5504,
    Label.SNOW: 13664,
    Label.DARK: 5440,
    Label.SHADOW: 7440,
    Label.CIRRUS: 5440,
    Label.DILATED: 5442,
    Label.CLOUD_MEDIUM: 5896,
    Label.CLOUD: 5896,
}
"""QA_PIXEL of OLI, and of TM and ETM+, which have no band for cirrus and set the bit "clear"
otherwise (value tables of the Collection 2 Level 2 Science Product Guides)."""


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


def qa_pixel(labels: NDArray[np.uint8], sensor: SensorName) -> NDArray[np.uint16]:
    """Return Landsat Collection 2 QA_PIXEL.

    Bits (Landsat Collection 2 Level 2 Science Product Guides): 0 fill, 1 dilated cloud,
    2 cirrus, 3 cloud, 4 cloud shadow, 5 snow, 6 clear, 7 water, and two bits of confidence each
    for cloud (8), cloud shadow (10), snow (12) and, with OLI, cirrus (14).
    """
    values = QA_OLI if sensor in {"LC08", "LC09"} else QA_TM
    table = np.zeros(len(Label), np.uint16)
    for label, value in values.items():
        table[label] = value
    return table[labels]


def bqa(
    labels: NDArray[np.uint8], sensor: SensorName, saturated: NDArray[np.uint8]
) -> NDArray[np.uint16]:
    """Return the quality band of Landsat Collection 1 Level 1.

    Bits (USGS, Landsat Collection 1 Level 1 Quality Assessment Band): 0 fill, two of the number
    of saturated bands (2: 1-2, 3-4, 5 or more), 4 cloud, and two bits of confidence each for
    cloud (5), cloud shadow (7), snow (9) and, with OLI, cirrus (11).

    Parameters
    ----------
    labels : numpy.ndarray
        A :class:`Label` for each pixel.
    sensor : str
        Decides on the bits of cirrus.
    saturated : numpy.ndarray
        Bits by band, as in :class:`~glacial_lakes.simulate.scene.SimulatedScene`.
    """
    clear = 2720 if sensor in {"LC08", "LC09"} else 672
    table = np.full(len(Label), clear, np.uint16)
    table[Label.NODATA] = 1
    table[[Label.CLOUD, Label.CLOUD_MEDIUM]] += 80  # the bit of cloud, and high confidence
    table[Label.SHADOW] += 256
    table[Label.SNOW] += 1024
    if sensor in {"LC08", "LC09"}:
        table[Label.CIRRUS] += 4096
    full = np.unpackbits(saturated[..., np.newaxis], axis=-1).sum(axis=-1)
    share = np.select([full >= 5, full >= 3, full >= 1], [12, 8, 4], 0).astype(np.uint16)
    return table[labels] + np.where(labels == Label.NODATA, np.uint16(0), share)
