"""Field names of published inventories, and which column of ours each one is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.errors import ConfigError, Message, VectorError
from glacial_lakes.io.numbers import Numbers, numbers_of
from glacial_lakes.io.shapefile import spellings
from glacial_lakes.settings import nearest

NAMES: Mapping[str, tuple[str, ...]] = {
    C.LAKE_ID: ("lake_id", "glake_id", "gl_id", "glims_id", "lakeid", "unique_id"),
    C.ACQUIRED: (
        *("acquired", "gl_date", "gl_time", "date", "img_date", "image_date", "acq_date"),
        *("date_acq", "obs_date", "дата", "дата_съемки", "дата_съёмки", "дата_съем", "дата_снимк"),
    ),
    "year": ("year", "gl_year", "img_year", "image_year", "год"),
    "start_date": ("start_date", "startdate"),
    "end_date": ("end_date", "enddate"),
    C.SOURCE_IMAGE: ("source_image", "gl_image", "image_id", "scene_id", "image", "снимок"),
    C.SENSOR: ("sensor", "gl_sensor"),
    "area": ("area_m2", "gl_area", "area_sqkm", "area_km2", "area", "площадь"),
    C.PIXEL_M: ("pixel_m",),
    C.AREA_SIGMA_M2: (
        *("area_sigma_m2", "area_sigma", "gl_a_error", "area_error", "area_err", "a_error"),
        *("err_area", "area_uncert", "area_uncertainty", "area_uncer", "area_unc", "area_e"),
        *("uncertainty", "uncertaint", "uncert", "error", "err"),
        *("ошибка_площади", "ошибка_пл", "погрешность", "погрешн"),
    ),
    C.ELEV_M: ("elev_m", "gl_elev", "altitude", "elevation", "elev", "высота", "высота_м"),
    C.LON: ("lon", "gl_long", "longitude"),
    C.LAT: ("lat", "gl_lati", "latitude"),
    C.LAKE_TYPE: ("lake_type", "gl_type"),
    C.DAM_TYPE: ("dam_type", "type"),
    C.GLACIER_ID: ("glacier_id", "glac_id"),
    C.GLACIER_DIST_M: ("glacier_dist_m", "glacier_di", "glac_dist"),
    C.OBSERVED_FRACTION: ("observed_fraction", "observed_f", "obs_frac"),
    C.STATUS: ("status",),
    C.OUTLINE_METHOD: ("outline_method", "outline_me", "method"),
    C.QUALITY: ("quality",),
    C.LAKE_NAME: ("lake_name", "lakename", "placename", "name", "название"),
    C.CATALOGUE_NO: (
        *("catalogue_no", "catal_no", "catalog_no", "номер", "номер_озера", "№_в_каталоге"),
    ),
    C.DISTRICT: ("district", "район"),
    C.COMMENT: ("comment", "remarks", "notes", "примечание"),
}
"""Our columns and the fields that are taken for them, in lower case, best first: those of Wang et
al. (2020), Hi-MAG (Chen et al. 2021), ICIMOD, GrIML, and our own in full and cut to ten letters.
``area``, ``lon`` and ``lat`` are only compared with the geometry, a ``year`` is the date where
nothing else tells it. ICIMOD's ``Type`` is a class of
dams; see :func:`glacial_lakes.ingest.reading.read_outlines` for others."""

ID_FORM = r"GL\d{6}[EW]\d{5}[NS](_\d+)?"
"""The form of identities that the inventories of the region share."""
UNITS: Mapping[str, float] = {"m2": 1.0, "ha": 1e4, "km2": 1e6}
"""Square metres of the units that area fields have."""
PERCENT = "%"
SHARE = "1"
"""Errors that are shares of the area, such as 0.05; no name or number tells this unit."""
_IN_NAMES = {
    **dict.fromkeys(("km2", "sqkm", "км2"), "km2"),
    **dict.fromkeys(("ha", "га"), "ha"),
    **dict.fromkeys(("m2", "sqm", "м2"), "m2"),
    **dict.fromkeys(("pct", "perc", "percent", "proc", "проц"), PERCENT),
}
_WITH_UNITS = ("area", C.AREA_SIGMA_M2)
"""Columns whose fields may have a unit at the end of their names."""
_HIGHEST_LAKE_M = 7000.0
"""The highest lakes of the earth lie below this (Ojos del Salado: 6390 m)."""
_PLAUSIBLE = (2e-3, 0.5)
"""Errors of areas that people state, as shares of the area; the median of a file."""


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


def numbers_in(values: pd.Series, ours: str, unit: str | None) -> Numbers:
    """Return the numbers that a field holds for one of our columns.

    Heights that no lake has, such as those in feet, are none that are understood.
    """
    numbers = numbers_of(values, unit)
    if ours != "elev_m":
        return numbers
    too_high = numbers.found > _HIGHEST_LAKE_M
    return Numbers(numbers.found.mask(too_high), numbers.odd | too_high, numbers.units)


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


def unit_in_name(name: str) -> str | None:
    """Return the unit that the name of a field ends with, such as ``err_km2`` or ``err_%``."""
    last = re.split(r"[_\s(\[,]+", name.lower().strip(" )]."))[-1]
    return PERCENT if name.rstrip(" )]").endswith("%") else _IN_NAMES.get(last)


def errors_m2(
    errors: pd.Series, area_m2: pd.Series, units: pd.Series, beside: str | None
) -> tuple[pd.Series, str | None]:
    """Return errors of areas in square metres, and the unit of those that name none.

    Parameters
    ----------
    errors, area_m2 : pandas.Series of float
        Errors as written, and areas of the geometry; same index.
    units : pandas.Series of str
        The unit that the field or a number tells: of :data:`UNITS`, or :data:`PERCENT`; None
        where neither does. Errors in another unit are missing.
    beside : str or None
        The unit of the areas beside them, which errors have where they are plausible so.

    Returns
    -------
    tuple
        The unit is None, and errors without a unit missing, where several units or none would do.
    """
    per_unit = {unit: errors * factor for unit, factor in UNITS.items()}
    per_unit |= {PERCENT: errors / 100 * area_m2, SHARE: errors * area_m2}
    untold = units.isna()
    unit = _likely(per_unit, area_m2, (errors > 0) & (area_m2 > 0) & untold, beside)
    found = errors * float("nan")
    for name, in_m2 in per_unit.items():
        found = found.where(~((units == name) | (untold & (name == unit))), in_m2)
    return found, unit


def _likely(
    per_unit: Mapping[str, pd.Series], area_m2: pd.Series, known: pd.Series, beside: str | None
) -> str | None:
    """Return the unit in which errors are plausible, the usual one first; None without one."""
    usual = beside or "m2"
    if not known.any():
        return usual
    low, high = _PLAUSIBLE
    shares = {unit: (found / area_m2)[known].median() for unit, found in per_unit.items()}
    fitting = [unit for unit, share in shares.items() if low <= share <= high]
    if usual in fitting:
        return usual
    return fitting[0] if len(fitting) == 1 else None


def _spelled(name: str) -> str:
    """Return a name in lower case, with ``_`` for blanks and dashes."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _without_unit(name: str) -> str:
    """Return a spelled name without the unit that it ends with."""
    parts = re.split(r"[_(\[,]+", _spelled(name).rstrip(")]"))
    return "_".join(parts[:-1]).strip("_") if unit_in_name(name) else ""


def _first(fields: Mapping[str, str], names: Iterable[str]) -> str | None:
    """Return the first field that has one of the names, whole or as shapefiles cut it."""
    found = (_spelled(cut) for name in names for cut in spellings(_spelled(name)))
    return next((fields[name] for name in found if name in fields), None)


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
    lower = {_spelled(name): name for name in reversed(names)}
    bare = {_without_unit(name): name for name in reversed(names)}
    chosen: dict[str, str] = {}
    for ours, theirs in (given or {}).items():
        found = theirs if theirs in names else _first(lower, [theirs])
        if found is None:
            raise VectorError(
                str(path),
                "has no column {theirs}",
                "use one of {names}",
                theirs=theirs,
                names=names,
            )
        chosen[ours] = found
    taken = set(chosen.values())
    for ours, candidates in NAMES.items():
        known = _first(lower, candidates)
        if known is None and ours in _WITH_UNITS:
            known = next((bare[name] for name in candidates if name in bare), None)
        if ours not in chosen and known is not None and known not in taken:
            chosen[ours] = known
            taken.add(known)
    return chosen
