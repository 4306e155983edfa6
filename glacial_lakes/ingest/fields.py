"""Field names of published inventories, and which column of ours each one is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from glacial_lakes.errors import ConfigError, Message, VectorError
from glacial_lakes.settings import nearest

NAMES: Mapping[str, tuple[str, ...]] = {
    "lake_id": ("lake_id", "glake_id", "gl_id", "glims_id", "lakeid", "unique_id"),
    "acquired": ("acquired", "gl_date", "gl_time", "date", "img_date", "image_date", "дата"),
    "start_date": ("start_date", "startdate"),
    "end_date": ("end_date", "enddate"),
    "source_image": ("source_image", "gl_image", "image_id", "scene_id", "image", "снимок"),
    "sensor": ("sensor", "gl_sensor"),
    "area": ("area_m2", "gl_area", "area_sqkm", "area_km2", "area", "площадь"),
    "pixel_m": ("pixel_m",),
    "area_sigma_m2": ("area_sigma_m2", "area_sigma", "gl_a_error"),
    "elev_m": ("elev_m", "gl_elev", "altitude", "elevation", "elev", "высота"),
    "lon": ("lon", "gl_long", "longitude"),
    "lat": ("lat", "gl_lati", "latitude"),
    "lake_type": ("lake_type", "gl_type"),
    "dam_type": ("dam_type", "type"),
    "glacier_id": ("glacier_id", "glac_id"),
    "glacier_dist_m": ("glacier_dist_m", "glacier_di", "glac_dist"),
    "observed_fraction": ("observed_fraction", "observed_f", "obs_frac"),
    "status": ("status",),
    "outline_method": ("outline_method", "outline_me", "method"),
    "quality": ("quality",),
    "lake_name": ("lake_name", "lakename", "placename", "name", "название"),
    "comment": ("comment", "remarks", "notes", "примечание"),
}
"""Our columns and the fields that are taken for them, in lower case, best first: those of Wang et
al. (2020), Hi-MAG (Chen et al. 2021), ICIMOD, GrIML, and our own in full and cut to ten letters.
``area``, ``lon`` and ``lat`` are only compared with the geometry. ICIMOD's ``Type`` is a class of
dams; see :func:`glacial_lakes.ingest.reading.read_older` for others."""

UNITS: Mapping[str, float] = {"m2": 1.0, "ha": 1e4, "km2": 1e6}
"""Square metres of the units that area fields have."""


def field_map(text: str) -> tuple[str, str]:
    """Return our column and the other field of a text such as ``acquired=IMG_DAY``.

    Raises
    ------
    ConfigError
        When it has another form, or names no column that can be taken over.
    """
    ours, sign, theirs = (part.strip() for part in text.partition("="))
    if not (ours and sign and theirs):
        what = Message("{text} does not say which field is which", text=text)
        raise ConfigError("--field", what, "write it as acquired=IMG_DAY")
    if ours not in NAMES:
        raise ConfigError("--field", "has no column {ours}", nearest(ours, NAMES), ours=ours)
    return ours, theirs


def area_unit(written: pd.Series, area_m2: pd.Series) -> str | None:
    """Return the unit of :data:`UNITS` in which areas are written, None when there are none.

    Parameters
    ----------
    written, area_m2 : pandas.Series of float
        Areas of a field and of the geometry, same index.
    """
    known = (written > 0) & (area_m2 > 0)
    if not known.any():
        return None
    ratio = float((area_m2[known] / written[known]).median())
    return min(UNITS, key=lambda unit: abs(math.log(ratio / UNITS[unit])))


def recognise(
    path: object, columns: Iterable[object], given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return which field of a file holds which of our columns.

    Parameters
    ----------
    path : path-like
        The file, for the message.
    columns : iterable of str
        Its fields.
    given : mapping of str to str, optional
        Our column to the file's field, where the user knows better.

    Raises
    ------
    VectorError
        When the file lacks a field that the user named.
    """
    names = [str(name) for name in columns if name != "geometry"]
    lower = {name.lower(): name for name in reversed(names)}
    chosen: dict[str, str] = {}
    for ours, theirs in (given or {}).items():
        found = theirs if theirs in names else lower.get(theirs.lower())
        if found is None:
            raise VectorError(
                str(path), "has no column {theirs}", "it has: {names}", theirs=theirs, names=names
            )
        chosen[ours] = found
    taken = set(chosen.values())
    for ours, candidates in NAMES.items():
        known = next((lower[name] for name in candidates if name in lower), None)
        if ours not in chosen and known is not None and known not in taken:
            chosen[ours] = known
            taken.add(known)
    return chosen
