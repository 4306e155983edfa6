"""Facts about sensors, one row each: names, bands, service, size of pixels, blur of images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import pandas as pd

BandName = Literal["blue", "green", "red", "nir", "swir1", "swir2"]

MAPPING_BANDS = ("green", "nir")
"""The bands that no scene can lack; a pixel without them is not observed."""

_MSI = {"blue": 2, "green": 3, "red": 4, "nir": 8, "swir1": 11, "swir2": 12}
_TM = {"blue": 1, "green": 2, "red": 3, "nir": 4, "swir1": 5, "swir2": 7}
_OLI = {"blue": 2, "green": 3, "red": 4, "nir": 5, "swir1": 6, "swir2": 7}
_DOVE = {"blue": 1, "green": 2, "red": 3, "nir": 4}
_SUPER_DOVE = {"blue": 2, "green": 4, "red": 6, "nir": 8}


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
    overpass_h : float, optional
        Local mean solar time at which it takes its images, in hours; None: at no usual time.
    """

    name: str
    pixel_m: float
    blur_px: float
    said: tuple[str, ...] = ()
    launch: str = ""
    end: str = ""
    bands: Mapping[str, int] = field(default_factory=dict)
    overpass_h: float | None = None


def _sentinel2(letter: str, launch: str = "") -> Sensor:
    """Return the sensor of a satellite of the series, which are built alike."""
    said = (f"Sentinel-2{letter}",)
    return Sensor(f"S2{letter}", 10.0, 0.8, said, launch, "", _MSI, overpass_h=10.5)


def _landsat(
    name: str, said: tuple[str, str], launch: str, end: str = "", overpass_h: float = 10.2
) -> Sensor:
    bands = _OLI if said[1].startswith("OLI") else _TM
    return Sensor(name, 30.0, 0.6, said, launch, end, bands, overpass_h)


SENSORS = (
    _sentinel2("A", "2015-06-23"),
    _sentinel2("B", "2017-03-07"),
    _sentinel2("C", "2024-09-05"),
    *map(_sentinel2, "DEFGHIJKLMNOPQRSTUVWXYZ"),
    _landsat("LT04", ("LANDSAT_4", "TM"), "1982-07-16", "2001-06-30", 9.75),
    _landsat("LT05", ("LANDSAT_5", "TM"), "1984-03-01", "2013-06-30", 9.75),
    _landsat("LE07", ("LANDSAT_7", "ETM"), "1999-04-15", "2025-12-31", 10.0),
    _landsat("LC08", ("LANDSAT_8", "OLI_TIRS"), "2013-02-11"),
    _landsat("LO08", ("LANDSAT_8", "OLI"), "2013-02-11"),
    _landsat("LC09", ("LANDSAT_9", "OLI_TIRS"), "2021-09-27"),
    _landsat("LO09", ("LANDSAT_9", "OLI"), "2021-09-27"),
    _landsat("LC10", ("LANDSAT_10", "OLI_TIRS"), ""),
    _landsat("LO10", ("LANDSAT_10", "OLI"), ""),
    Sensor("LM", 60.0, 0.6),
    Sensor("HLSL30", 30.0, 0.6, (), "2013-02-11", "", _OLI, 10.2),
    Sensor("HLSS30", 30.0, 0.6, (), "2015-06-23", "", _MSI, 10.5),
    Sensor("PS2", 3.0, 0.8, bands=_DOVE),
    Sensor("PS2.SD", 3.0, 0.8, bands=_DOVE),
    Sensor("PSB.SD", 3.0, 0.8, bands=_SUPER_DOVE),
)
"""Sentinel-2; Landsat TM, ETM+, OLI with and without TIRS, and MSS, whose images are not read but
whose outlines are; HLS; PlanetScope by Planet's names of its instruments. The blur is larger than
that of the optics (0.4–0.6 and 0.3–0.4 pixels: MTF at Nyquist 0.15–0.5), because the beach and the
shallows mix as well; measured with ``benchmarks/accuracy.py --development``. That of MSS, HLS and
PlanetScope was not measured. Sentinel-2 that are not built yet have no launch; Landsat 10 is read
where it carries an OLI.
"""

SAID: Mapping[tuple[str, ...], Sensor] = {one.said: one for one in SENSORS if one.said}
"""Sensors by what metadata name them."""

BY_NAME: Mapping[str, Sensor] = {one.name: one for one in SENSORS}
"""Sensors by their own names."""

SERVICE: Mapping[str, tuple[str, str]] = {
    one.name: (one.launch, one.end) for one in SENSORS if one.launch
}
"""Launch and end of each satellite."""

_NUMBERED = re.compile(r"(?:sr_)?b(?:and)?_?0?(\d{1,2})(?:_\d+m)?")
"""``B03``, ``b03``, ``B3``, ``SR_B3``, ``band_3``, ``B03_10m``, in lower case."""
_OTHER_NAMES = {"swir16": "swir1", "swir22": "swir2"}
"""Common names of STAC that are not ours."""
_LANDSAT_NIR = "nir08"
"""The name of STAC for the near infrared of Landsat; of Sentinel-2 it is the narrow band 8A."""

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


def band_meant(key: str, sensor: str) -> str | None:
    """Return the band that a name stands for, as people and makers write it; None: none of ours.

    Parameters
    ----------
    key : str
        ``green``, ``swir16``; with a known sensor ``B03``, ``SR_B3``, ``band_3``, ``nir08``.
    sensor : str
        Its name in :data:`SENSORS`.

    Examples
    --------
    >>> band_meant("B03_10m", "S2A"), band_meant("SR_B3", "LT05"), band_meant("B8A", "S2A")
    ('green', 'red', None)
    """
    name = key.strip().lower()
    facts = BY_NAME.get(sensor)
    if name == _LANDSAT_NIR:
        return "nir" if sensor.startswith("L") else None
    if name in get_args(BandName) or name in _OTHER_NAMES:
        return _OTHER_NAMES.get(name, name)
    numbered = _NUMBERED.fullmatch(name)
    if facts is None or numbered is None:
        return None
    number = int(numbered[1])
    return next((band for band, own in facts.bands.items() if own == number), None)


def blur_px(pixel_m: float) -> float:
    """Return the blur of images in pixels, by their pixel in metres: that of the nearest known."""
    return min(SENSORS, key=lambda sensor: abs(sensor.pixel_m - pixel_m)).blur_px


def is_top_of_atmosphere(level: str) -> bool:
    """Tell whether a product of a level holds reflectance above the air.

    Examples
    --------
    >>> [is_top_of_atmosphere(level) for level in ("L1C", "L1TP", "TOA", "L2A", "L2SP", "stack")]
    [True, True, True, False, False, False]
    """
    return level.upper().startswith(("L1", "TOA"))
