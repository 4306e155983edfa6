"""Facts about sensors, one row each: names, bands, service, size of pixels, blur of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

BandName = Literal["blue", "green", "red", "nir", "swir1", "swir2"]

MAPPING_BANDS = ("green", "nir")
"""The bands that no scene can lack; a pixel without them is not observed."""

_MSI = {"blue": 2, "green": 3, "red": 4, "nir": 8, "swir1": 11, "swir2": 12}
_TM = {"blue": 1, "green": 2, "red": 3, "nir": 4, "swir1": 5, "swir2": 7}
_OLI = {"blue": 2, "green": 3, "red": 4, "nir": 5, "swir1": 6, "swir2": 7}


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor; those whose names begin with the same two letters have the same pixel and blur.

    Parameters
    ----------
    name : str
        Such as ``LC08``.
    pixel_m : float
        Pixel in which outlines are drawn.
    blur_px : float
        Effective blur, a standard deviation in pixels.
    said : tuple of str
        What metadata name it: spacecraft and instrument of Landsat, spacecraft of Sentinel-2.
    launch, end : str
        ISO dates between which it took images; an empty end: it still does.
    bands : mapping of str to int
        Common name of a band to its number in the names of files and in the MTL of Landsat.
    """

    name: str
    pixel_m: float
    blur_px: float
    said: tuple[str, ...] = ()
    launch: str = ""
    end: str = ""
    bands: Mapping[str, int] = field(default_factory=dict)


SENSORS = (
    Sensor("S2A", 10.0, 0.8, ("Sentinel-2A",), "2015-06-23", "", _MSI),
    Sensor("S2B", 10.0, 0.8, ("Sentinel-2B",), "2017-03-07", "", _MSI),
    Sensor("S2C", 10.0, 0.8, ("Sentinel-2C",), "2024-09-05", "", _MSI),
    Sensor("S2D", 10.0, 0.8, ("Sentinel-2D",), bands=_MSI),
    Sensor("LT04", 30.0, 0.6, ("LANDSAT_4", "TM"), "1982-07-16", "2001-06-30", _TM),
    Sensor("LT05", 30.0, 0.6, ("LANDSAT_5", "TM"), "1984-03-01", "2013-06-30", _TM),
    Sensor("LE07", 30.0, 0.6, ("LANDSAT_7", "ETM"), "1999-04-15", "2025-12-31", _TM),
    Sensor("LC08", 30.0, 0.6, ("LANDSAT_8", "OLI_TIRS"), "2013-02-11", "", _OLI),
    Sensor("LO08", 30.0, 0.6, ("LANDSAT_8", "OLI"), "2013-02-11", "", _OLI),
    Sensor("LC09", 30.0, 0.6, ("LANDSAT_9", "OLI_TIRS"), "2021-09-27", "", _OLI),
    Sensor("LO09", 30.0, 0.6, ("LANDSAT_9", "OLI"), "2021-09-27", "", _OLI),
    Sensor("LM", 60.0, 0.6),
)
"""Sentinel-2; Landsat TM, ETM+, OLI with and without TIRS, and MSS, whose images are not read but
whose outlines are. The blur is larger than that of
the optics (0.4–0.6 and 0.3–0.4 pixels: MTF at Nyquist 0.15–0.5), because the beach and the shallows
mix as well; measured with ``benchmarks/accuracy.py --development``. That of MSS was not measured.
"""

SAID: Mapping[tuple[str, ...], Sensor] = {one.said: one for one in SENSORS if one.said}
"""Sensors by what metadata name them."""

BY_NAME: Mapping[str, Sensor] = {one.name: one for one in SENSORS}
"""Sensors by their own names."""

SERVICE: Mapping[str, tuple[str, str]] = {
    one.name: (one.launch, one.end) for one in SENSORS if one.launch
}
"""Launch and end of each satellite."""

_PIXELS_M = {sensor.name[:2]: sensor.pixel_m for sensor in SENSORS}


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


def instrument(names: pd.Series) -> pd.Series:
    """Return what draws alike: satellites that carry one instrument have one name.

    Parameters
    ----------
    names : pandas.Series of str
        Such as ``S2A`` or ``LC08``.

    Returns
    -------
    pandas.Series of object
        The first two letters of a known sensor, OLI without TIRS as OLI with it; another name as
        it is; missing stays missing.

    Examples
    --------
    >>> instrument(pd.Series(["S2A", "S2B", "LO08", "drone"])).tolist()
    ['S2', 'S2', 'LC', 'drone']
    """
    texts = names.astype("object")
    known = {name: instrument_of(name) for name in texts.dropna().unique()}
    found: pd.Series = texts.map(known)
    return found


def instrument_of(name: str) -> str:
    """Return :func:`instrument` of one name."""
    start = name[:2]
    return {"LO": "LC"}.get(start, start) if start in _PIXELS_M else name


def blur_px(pixel_m: float) -> float:
    """Return the blur of images in pixels, by their pixel in metres: that of the nearest known."""
    return min(SENSORS, key=lambda sensor: abs(sensor.pixel_m - pixel_m)).blur_px
