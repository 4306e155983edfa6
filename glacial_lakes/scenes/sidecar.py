"""What a person writes beside images that do not tell all of themselves: a TOML file.

``docs/formats.md`` shows one. A GeoTIFF has one of its own stem, a folder of single bands one that
is named after what their names begin with. What names and descriptions of bands tell need not be in
it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from pyproj import Transformer

from glacial_lakes.errors import DamagedFileError, Message, MetadataError, UnsafeInputError
from glacial_lakes.grid import Grid
from glacial_lakes.io.parsing import toml_of
from glacial_lakes.scenes.declared import declared_scale
from glacial_lakes.scenes.metadata import to_number, to_time
from glacial_lakes.scenes.quality import DECODERS, Decoder
from glacial_lakes.scenes.sensors import BY_NAME
from glacial_lakes.scenes.source import Source, read_metadata

REQUIRED = ("acquired", "sensor", "scale", "offset", "bands")
"""What must be told, by the sidecar or otherwise."""

_OPTIONAL = (
    "nodata",
    "saturated",
    "sun_azimuth_deg",
    "sun_elevation_deg",
    "quality",
    "decoder",
    "level",
    "cloud_percent",
)
UNTAGGED = (1.0, 0.0)
"""Scale and offset of a band of which tags tell nothing."""

_PER_BAND = ("scale", "offset", "saturated")
"""Keys that may be tables with a number for each band."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What is told of a scene: by a sidecar, and by names and tags where it is silent."""

    where: Path
    """The sidecar, there or not."""
    keys: Mapping[str, Any]
    is_there: bool = True

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    def require(self, *keys: str) -> None:
        """Refuse a scene of which something is not told.

        Raises
        ------
        MetadataError
            With all keys that are missing.
        """
        missing = [key for key in keys if key not in self.keys]
        if missing and not self.is_there:
            raise MetadataError(
                self.where.parent,
                "the names of its files do not tell {missing}",
                "write {sidecar} beside them with lines such as sensor = {example}",
                missing=missing,
                sidecar=self.where.name,
                example='"S2A"',
            )
        if missing:
            raise MetadataError(
                self.where, "lacks {missing}", "add it to the sidecar", missing=missing
            )

    def text(self, key: str) -> str:
        """Return a text."""
        value = self.keys[key]
        if not isinstance(value, str):
            raise MetadataError(
                self.where,
                "{key} is {value}",
                "write it as text in quotes",
                key=key,
                value=repr(value),
            )
        return value

    def number(self, key: str, band: str) -> float | None:
        """Return a number of a band, or of all bands; None where it is not told."""
        value = self.keys.get(key)
        if isinstance(value, dict):
            if band not in value:
                raise MetadataError(
                    self.where,
                    "{key} has no {band}",
                    "add it, or write one number for all bands",
                    key=key,
                    band=band,
                )
            value = value[band]
        if value is None:
            return None
        if key == "scale":
            return declared_scale(value, self.where)
        return to_number(value, key, self.where)

    def with_tags(self, factors: Mapping[str, tuple[float, float]]) -> Sidecar:
        """Return it with scale and offset of the tags of images where it is silent.

        Parameters
        ----------
        factors : mapping of str to (float, float)
            Scale and offset by band; 1 and 0 where there are no tags.

        Raises
        ------
        MetadataError
            When tags contradict what is told otherwise.
        """
        tagged = {band: pair for band, pair in factors.items() if pair != UNTAGGED}
        if not tagged:
            return self
        places = {"scale": 0, "offset": 1}
        usual = {key: {band: pair[place] for band, pair in factors.items()}
                 for key, place in places.items()}  # fmt: skip
        both = Sidecar(self.where, {**usual, **self.keys}, self.is_there)
        for band, pair in tagged.items():
            for key, place in places.items():
                value = both.number(key, band)
                if value is not None and not math.isclose(value, pair[place], rel_tol=1e-6):
                    raise MetadataError(
                        self.where,
                        "tells {key} {value:g} of {band}, and the tags of the image tell {other:g}",
                        "correct one of them: gdal_edit -a_scale and -a_offset write the tags",
                        key=key,
                        value=value,
                        band=band,
                        other=pair[place],
                    )
        return both

    def nodata(self, tagged: float | None) -> float | None:
        """Return the number that stands for no data: NaN never is an observation, told or not."""
        value = self.keys.get("nodata", tagged)
        if value is None:
            raise MetadataError(
                self.where,
                "lacks nodata, and the image has no nodata tag",
                'add the number that stands for no data, or nodata = "none"',
            )
        if value == "none" or (isinstance(value, float) and math.isnan(value)):
            return None
        return to_number(value, "nodata", self.where)

    def time(self, grid: Grid) -> tuple[datetime, bool]:
        """Return when the image was taken, and whether only the day is told.

        Then it is the time at which the sensor usually passes over the place.
        """
        value = self.keys["acquired"]
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC), False
        day = _day(value)
        sensor = BY_NAME.get(str(self.keys.get("sensor")))
        if day is not None and sensor is not None and sensor.overpass_h is not None:
            return _overpass(day, sensor.overpass_h, grid), True
        text = value.isoformat() if isinstance(value, date) else value
        if not isinstance(text, str) or len(text) <= len("2021-08-24"):
            raise MetadataError(
                self.where,
                "acquired is {text}, without a time of day and zone",
                "write e.g. acquired = 2021-08-24T06:08:07Z",
                text=repr(str(text)),
            )
        return to_time(text, "acquired", self.where), False

    def quality(self) -> tuple[str, Decoder] | None:
        """Return the file of the quality layer, a bare name, and its decoder."""
        if "quality" not in self.keys and "decoder" not in self.keys:
            return None
        if "quality" not in self.keys or str(self.keys.get("decoder")) not in DECODERS:
            raise MetadataError(
                self.where,
                "tells quality and decoder in part only",
                "give the file as quality, and decoder as one of {decoders}",
                decoders=list(DECODERS),
            )
        name = self.text("quality")
        require_beside(name, "quality", self.where)
        return name, cast("Decoder", self.keys["decoder"])


def read_sidecar(source: Source, name: str, usual: Mapping[str, Any]) -> Sidecar:
    """Return what a sidecar tells, and what is told otherwise where it is silent.

    Parameters
    ----------
    source : Source
        Its files.
    name : str
        Of the sidecar; it may be missing.
    usual : mapping of str to object
        What else tells, by the keys of a sidecar.

    Raises
    ------
    DamagedFileError
        When it is no TOML.
    MetadataError
        When it has an unknown key.
    """
    where = source.path / name
    if name not in source.names:
        return Sidecar(where, usual, False)
    try:
        keys = toml_of(read_metadata(source, name).decode("utf-8"))
    except ValueError as error:
        raise DamagedFileError(
            where, "is not valid TOML ({error})", "correct it", error=error
        ) from None
    known = (*REQUIRED, *_OPTIONAL)
    for key, value in keys.items():
        if key not in known:
            near = get_close_matches(key, known, 1)
            remedy = (
                Message("did you mean {name}?", name=near[0])
                if near
                else Message("use one of {known}", known=known)
            )
            raise MetadataError(where, "has the unknown key {key}", remedy, key=key)
        if isinstance(value, dict) and key not in (*_PER_BAND, "bands"):
            raise MetadataError(where, "{key} is a table", "write one value for all bands", key=key)
    return Sidecar(where, {**usual, **keys})


def require_beside(name: str, key: str, where: Path) -> None:
    """Refuse a name of a file that leads out of the folder."""
    if Path(name).name != name or name in {"", ".", ".."} or "\\" in name or ":" in name:
        raise UnsafeInputError(
            where,
            "{key} is {name!r}, not a file beside it",
            "write the bare file name",
            key=key,
            name=name,
        )


def _day(value: object) -> date | None:
    if isinstance(value, date):
        return None if isinstance(value, datetime) else value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _overpass(day: date, hours: float, grid: Grid) -> datetime:
    """Return when it is that local mean solar time in the middle of a grid."""
    west, south, east, north = grid.bounds
    to_degrees = Transformer.from_crs(grid.crs.to_wkt(), "EPSG:4326", always_xy=True)
    lon, _ = to_degrees.transform((west + east) / 2, (south + north) / 2)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return midnight + timedelta(hours=round(hours - lon / 15.0, 2))
