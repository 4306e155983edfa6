"""Text of metadata files → times, numbers and XML trees, or a refusal that names the file."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import defusedxml
from defusedxml import ElementTree

from glacial_lakes.errors import N_, DamagedFileError, Message, MetadataError, UnsafeInputError
from glacial_lakes.io.parsing import json_of
from glacial_lakes.scenes.source import Source, read_metadata

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MISSING, _WRONG = N_("{name} is missing"), N_("{name} is {value}")
_NAME = re.compile(r"[\w.+-]{1,120}")


def read_xml(source: Source, name: str) -> Element:
    """Parse an XML file; document type definitions and entities are refused."""
    where = source.path / name
    try:
        return ElementTree.fromstring(read_metadata(source, name), forbid_dtd=True)
    except defusedxml.DefusedXmlException as error:
        raise UnsafeInputError(
            where,
            "has a document type or an entity ({error})",
            "download the product again",
            error=error,
        ) from None
    except (ParseError, UnicodeError, LookupError) as error:
        raise DamagedFileError(
            where, "is not valid XML ({error})", "download the product again", error=error
        ) from None


def text_in(tree: Element, *tags: str) -> str | None:
    """Return the text of the first element with one of some local names, without its namespace."""
    for element in tree.iter():
        if element.tag.rpartition("}")[2] in tags:
            return (element.text or "").strip() or None
    return None


def read_json(source: Source, name: str) -> Any:
    """Parse a JSON file; one that is nested too deep is refused as any other that is damaged."""
    try:
        return json_of(read_metadata(source, name).decode("utf-8"))
    except ValueError as error:
        raise DamagedFileError(
            source.path / name,
            "is not valid JSON ({error})",
            "download the product again",
            error=error,
        ) from None


def to_number(text: object, what: str, where: Path | str) -> float:
    """Return a finite number.

    Raises
    ------
    MetadataError
        When it is missing or no number; ``what`` says which one.
    """
    try:
        number = float(str(text))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        state = _MISSING if text is None else _WRONG
        remedy = N_("download the product again")
        raise MetadataError(where, state, remedy, name=Message(what), value=repr(text))
    return number


def to_time(text: str | None, what: str, where: Path | str) -> datetime:
    """Return a time in UTC from ISO 8601 text with its zone.

    Fractions of a second are cut to microseconds.
    """
    cut = re.sub(r"(\.\d{6})\d+", r"\1", text or "")
    try:
        time = datetime.fromisoformat(cut)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        state = _MISSING if text is None else _WRONG
        remedy = N_("give date, time and zone, e.g. 2021-08-24T06:08:07Z")
        raise MetadataError(where, state, remedy, name=Message(what), value=repr(text))
    return time.astimezone(UTC)


def to_sun(elevation: float, azimuth: float, where: Path | str) -> tuple[float, float]:
    """Return the sun's elevation and azimuth (0–360) in degrees, if it stands in the sky."""
    if not 0 < elevation <= 90 or not -360 <= azimuth <= 360:
        raise MetadataError(
            where,
            "the sun's elevation {elevation:g}° and azimuth {azimuth:g}° are not those of a day",
            "use an image taken by daylight",
            elevation=elevation,
            azimuth=azimuth,
        )
    return elevation, azimuth % 360


def to_name(text: str | None, what: str, where: Path | str) -> str:
    """Return a plain name, fit for file names and tables."""
    if text is None or not _NAME.fullmatch(text.strip()):
        state = _MISSING if text is None else _WRONG
        remedy = N_("download the product again")
        raise MetadataError(where, state, remedy, name=Message(what), value=repr(text))
    return text.strip()
