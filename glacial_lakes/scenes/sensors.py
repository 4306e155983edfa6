"""Facts about sensors, in one table: how large their pixels are, and how far images are blurred."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Sensor:
    """A family of sensors whose images have the same detail.

    Parameters
    ----------
    prefix : str
        First two letters of its names, such as ``S2`` of ``S2A``.
    pixel_m : float
        Pixel in which outlines are drawn.
    blur_px : float
        Effective blur, a standard deviation in pixels.
    """

    prefix: str
    pixel_m: float
    blur_px: float


SENSORS = (
    Sensor("S2", 10.0, 0.8),
    Sensor("LT", 30.0, 0.6),
    Sensor("LE", 30.0, 0.6),
    Sensor("LC", 30.0, 0.6),
    Sensor("LO", 30.0, 0.6),
    Sensor("LM", 60.0, 0.6),
)
"""Sentinel-2; Landsat TM, ETM+, OLI with and without TIRS, and MSS. The blur is larger than that of
the optics (0.4–0.6 and 0.3–0.4 pixels: MTF at Nyquist 0.15–0.5), because the beach and the shallows
mix as well; measured with ``benchmarks/accuracy.py --development``. That of MSS was not measured.
"""

_PIXELS_M = {sensor.prefix: sensor.pixel_m for sensor in SENSORS}


def pixel_m(names: pd.Series) -> pd.Series:
    """Return the pixel size of sensors.

    Parameters
    ----------
    names : pandas.Series of str
        Such as ``S2A`` or ``LC08``.

    Returns
    -------
    pandas.Series of float64
        In metres; missing where the sensor is not known.

    Examples
    --------
    >>> pixel_m(pd.Series(["S2A", "LE07", "drone"])).tolist()
    [10.0, 30.0, nan]
    """
    starts = names.astype("string").str[:2]
    found: pd.Series = starts.map(_PIXELS_M).astype("float64")
    return found


def blur_px(pixel_m: float) -> float:
    """Return the blur of images in pixels, by their pixel in metres: that of the nearest known."""
    return min(SENSORS, key=lambda sensor: abs(sensor.pixel_m - pixel_m)).blur_px
