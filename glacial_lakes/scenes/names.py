"""What the names of products tell: satellite, level, time, place, baseline or collection.

A name of a known form is understood whole or refused for the part that is not known; a name of no
known form tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from glacial_lakes.errors import N_, Message, UnknownProductError
from glacial_lakes.scenes.sensors import BY_NAME, SENSORS


@dataclass(frozen=True, slots=True)
class Named:
    """What a name tells; empty or None where it does not."""

    maker: str
    """``sentinel2``, ``landsat``, ``hls``, ``planet`` or ``maja``."""
    day: date
    time: datetime | None
    """In UTC; None where only the day is told."""
    sensor: str = ""
    """Of :data:`glacial_lakes.scenes.sensors.SENSORS`."""
    level: str = ""
    granule: str = ""
    """Tile without ``T``, or path and row."""
    baseline: str = ""
    """``04.00`` of Sentinel-2."""
    collection: str = ""
    """``02`` of Landsat, ``2.0`` of HLS."""


_TILE = r"(?P<tile>\d{2}[A-Z]{3})"
_SENTINEL_LEVELS = ("L1C", "L2A")
_LANDSAT_LEVELS = ("L1TP", "L1GT", "L1GS", "L2SP", "L2SR")

_FORMS: Mapping[str, tuple[str, ...]] = {
    "sentinel2": (
        rf"(?P<sensor>S2[^_]+)_MSI(?P<level>L[^_]+)_(?P<time>\d{{8}}T\d{{6}})_N(?P<baseline>[^_]+)"
        rf"_R[^_]+_T{_TILE}_[^_.]+(?:\..*)?",
        rf"(?P<sensor>S2[^_]+)_T?{_TILE}_(?P<time>\d{{8}}(?:T\d{{6}})?)(?:_\d+)?_(?P<level>L[^_]+)",
        rf"T{_TILE}_(?P<time>\d{{8}}T\d{{6}})",  # a granule's images
        rf"(?P<time>\d{{8}}T\d{{6}})_\d{{8}}T\d{{6}}_T{_TILE}",  # as Earth Engine names it
    ),
    "landsat": (
        r"(?P<sensor>L[A-Z]\d\d)_(?P<level>L\w{3})_(?P<tile>\d{6})_(?P<time>\d{8})_\d{8}"
        r"_(?P<collection>[^_]+)_(?P<tier>[^_.]+)(?:_SR)?(?:\..*)?",
        r"(?P<sensor>L[A-Z]\d\d)_(?P<tile>\d{6})_(?P<time>\d{8})",  # as Earth Engine names it
        r"(?P<sensor>L[A-Z]\d)(?P<tile>\d{6})(?P<yday>\d{7})[A-Z]{3}\d\d",  # before collections
    ),
    "hls": (
        rf"HLS\.(?P<sensor>[^.]+)\.T{_TILE}\.(?P<yday>\d{{7}})T(?P<clock>\d{{6}})"
        r"\.v(?P<collection>[^.]+\.[^.]+)",
    ),
    "planet": (
        r"(?P<time>\d{8}_\d{6})(?P<part>_\d{2})?_(?P<satellite>[0-9a-f]{4})(?:_(?P<level>[^_]+)"
        r"(?:_[^.]*)?)?(?:\..*)?",
    ),
    "maja": (
        r"(?P<sensor>(?:SENTINEL|LANDSAT|VENUS)[^_]*)_(?P<time>\d{8}-\d{6})-\d+_(?P<level>L[^_]+)"
        rf"_T{_TILE}_[A-Z]_V[\d-]+(?:\..*)?",
    ),
}

_KNOWN: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("sentinel2", "level"): _SENTINEL_LEVELS,
    ("landsat", "level"): _LANDSAT_LEVELS,
    ("landsat", "collection"): ("01", "02", "03"),
    ("landsat", "tier"): ("T1", "T2", "RT"),
    ("hls", "collection"): ("2.0",),
    ("planet", "level"): ("3B",),
    ("maja", "level"): ("L2A",),
}
"""Parts of names that have few values."""

_HLS = {"L30": "HLSL30", "S30": "HLSS30"}
_OLD_LANDSAT = {"LT4": "LT04", "LT5": "LT05", "LE7": "LE07", "LC8": "LC08", "LO8": "LO08"}
_MAJA = {one.said[0].upper().replace("-", ""): one.name for one in SENSORS if len(one.said) == 1}


def read_name(name: str, where: Path | str) -> Named | None:
    """Return what a name tells, None for a name of no known form.

    Parameters
    ----------
    name : str
        Of a product, a folder or what stands before the band in the name of a file.
    where : path-like
        Named in errors.

    Raises
    ------
    UnknownProductError
        When a name of a known form has a part that is not known, such as another level.

    Examples
    --------
    >>> named = read_name("LC08_L2SP_151030_20130903_20200904_02_T1", "")
    >>> named.sensor, named.level, named.day.isoformat(), named.collection
    ('LC08', 'L2SP', '2013-09-03', '02')
    """
    for maker, forms in _FORMS.items():
        for form in forms:
            match = re.fullmatch(form, name)
            if match is not None:
                return _named(maker, {k: v for k, v in match.groupdict().items() if v}, where)
    return None


def _named(maker: str, parts: Mapping[str, str], where: Path | str) -> Named:
    for part, text in parts.items():
        known = _KNOWN.get((maker, part))
        if known is not None and text not in known:
            raise _unknown(where, part, text, known)
    baseline = parts.get("baseline", "")
    if baseline and not re.fullmatch(r"\d{4}", baseline):
        raise _unknown(where, "baseline", f"N{baseline}", ("N0500",))
    return Named(
        maker,
        *_time(parts, where),
        _sensor(maker, parts.get("sensor", ""), where),
        parts.get("level", ""),
        parts.get("tile", ""),
        f"{baseline[:2]}.{baseline[2:]}" if baseline else "",
        parts.get("collection", ""),
    )


def _sensor(maker: str, text: str, where: Path | str) -> str:
    if not text:
        return ""
    name = {
        "hls": _HLS.get(text, ""),
        "maja": _MAJA.get(text, ""),
        "landsat": _OLD_LANDSAT.get(text, text),
    }.get(maker, text)
    if name not in BY_NAME:
        raise _unknown(where, "satellite", text, ())
    return name


def _time(parts: Mapping[str, str], where: Path | str) -> tuple[date, datetime | None]:
    day = parts["yday"] if "yday" in parts else re.sub(r"[T_-].*", "", parts["time"])
    clock = parts.get("clock") or re.sub(r"^\d+[T_-]?", "", parts.get("time", ""))
    try:
        time = datetime.strptime(day + clock, ("%Y%j" if "yday" in parts else "%Y%m%d")
                                 + ("%H%M%S" if clock else "")).replace(tzinfo=UTC)  # fmt: skip
    except ValueError:
        raise _unknown(where, "date", day + clock, ()) from None
    return time.date(), time if clock else None


_PARTS = {
    "satellite": N_("the satellite"),
    "level": N_("the level"),
    "baseline": N_("the processing baseline"),
    "collection": N_("the collection"),
    "tier": N_("the tier"),
    "date": N_("the date"),
}


def _unknown(
    where: Path | str, part: str, text: str, known: tuple[str, ...]
) -> UnknownProductError:
    return UnknownProductError(
        where,
        "{part} {text} in its name is not known",
        "use one of {known}" if known else "give a product of another one, or a sidecar",
        part=Message(_PARTS[part]),
        text=text,
        known=known,
    )
