"""A GeoTIFF with several bands, and a sidecar that tells what they are.

The sidecar is a TOML file of the same stem beside the image; ``docs/formats.md`` shows one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast, get_args

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    GlacialLakesError,
    Message,
    MetadataError,
    MissingFileError,
    UnsafeInputError,
)
from glacial_lakes.grid import Grid
from glacial_lakes.io.parsing import toml_of
from glacial_lakes.scenes.declared import declared, declared_scale, declared_sun
from glacial_lakes.scenes.local_metres import grid_of
from glacial_lakes.scenes.metadata import to_name, to_number, to_time
from glacial_lakes.scenes.quality import DECODERS, Decoder
from glacial_lakes.scenes.raster import (
    Band,
    Header,
    coarsening,
    read_header,
)
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import MAPPING_BANDS, BandName
from glacial_lakes.scenes.source import Source, raster_name, read_metadata

DRIVER = "GTiff"

_REQUIRED = ("acquired", "sensor", "scale", "offset", "bands")
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


def sidecar_of(path: Path) -> Path:
    """Return the name of a GeoTIFF's sidecar."""
    return path.with_suffix(".toml")


def quality_file_of(sidecar: Path) -> str | None:
    """Return the name of the quality layer that a sidecar tells, if it can be read."""
    try:
        text = read_metadata(Source(sidecar.parent, "folder", (sidecar.name,)), sidecar.name)
        quality = toml_of(text.decode("utf-8")).get("quality")
    except (GlacialLakesError, ValueError):
        return None
    return quality if isinstance(quality, str) else None


def open_geotiff(path: Path) -> Scene:
    """Describe a GeoTIFF stack by its sidecar.

    Parameters
    ----------
    path : Path
        The image; ``<stem>.toml`` lies beside it.

    Raises
    ------
    MissingFileError
        Without a sidecar, or without the quality layer that it names.
    MetadataError
        When the sidecar lacks a key, has an unknown one or a time without zone, or when its
        scale and offset do not give reflectance.
    """
    sidecar = sidecar_of(path)
    if not sidecar.is_file():
        raise MissingFileError(
            path,
            "has no sidecar {sidecar} beside it",
            "write one with the keys {keys}, nodata and the table [bands]",
            sidecar=sidecar.name,
            keys=_REQUIRED[:-1],
        )
    source = Source(path.parent, "folder", (path.name, sidecar.name))
    keys = _keys(source, sidecar)
    image = raster_name(source, path.name, DRIVER)
    header = read_header(image, DRIVER)
    if header.crs is None:
        raise MetadataError(path, "has no CRS", "give it one, e.g. with gdal_edit -a_srs")
    grid = grid_of(header.crs, header.transform, header.shape)
    return Scene(
        **declared(
            sidecar,
            id=to_name(path.stem.replace(" ", "_"), N_("the file name"), path),
            path=str(path),
            sensor=to_name(_text(keys, "sensor", sidecar), "sensor", sidecar),
            level=_text(keys, "level", sidecar) if "level" in keys else "stack",
            acquired=_acquired(keys["acquired"], sidecar),
            grid=grid,
            bands=_bands(keys, image, header, grid, sidecar),
            quality=_quality(keys, path, header, grid, sidecar),
            sun=declared_sun(keys, sidecar),
            cloud_percent=keys.get("cloud_percent"),
            provenance={
                "product": "geotiff",
                "granule": path.stem,
                "metadata": (sidecar.name,),
            },
        )
    )


def _keys(source: Source, sidecar: Path) -> Mapping[str, Any]:
    try:
        keys = toml_of(read_metadata(source, sidecar.name).decode("utf-8"))
    except ValueError as error:
        raise DamagedFileError(
            sidecar, "is not valid TOML ({error})", "correct it", error=error
        ) from None
    known = (*_REQUIRED, *_OPTIONAL)
    for key in keys:
        if key not in known:
            near = get_close_matches(key, known, 1)
            remedy = (
                Message("did you mean {name}?", name=near[0])
                if near
                else Message("known are {known}", known=known)
            )
            raise MetadataError(sidecar, "has the unknown key {key}", remedy, key=key)
    missing = [key for key in _REQUIRED if key not in keys]
    if missing:
        raise MetadataError(sidecar, "lacks {missing}", "add it to the sidecar", missing=missing)
    return keys


def _text(keys: Mapping[str, Any], key: str, sidecar: Path) -> str:
    if not isinstance(keys[key], str):
        raise MetadataError(
            sidecar,
            "{key} is {value}",
            "write it as text in quotes",
            key=key,
            value=repr(keys[key]),
        )
    return cast("str", keys[key])


def _acquired(value: object, sidecar: Path) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    text = value.isoformat() if isinstance(value, date) else value
    if not isinstance(text, str) or len(text) <= len("2021-08-24"):
        text = str(text)
        raise MetadataError(
            sidecar,
            "acquired is {text}, without a time of day and zone",
            "write e.g. acquired = 2021-08-24T06:08:07Z",
            text=repr(text),
        )
    return to_time(text, "acquired", sidecar)


def _bands(
    keys: Mapping[str, Any], image: str, header: Header, grid: Grid, sidecar: Path
) -> dict[str, Band]:
    table = keys["bands"]
    names = get_args(BandName)
    if not isinstance(table, dict):
        raise MetadataError(sidecar, "bands is no table", "write [bands] and name = index lines")
    for name, index in table.items():
        if name not in names:
            raise MetadataError(
                sidecar,
                "[bands] has {name}, which is no band name",
                "use {names}; other keys stand above [bands]",
                name=name,
                names=names,
            )
        if type(index) is not int or not 1 <= index <= header.count:
            raise MetadataError(
                sidecar,
                "{name} = {index}, but the image has bands 1 to {count}",
                "correct the index",
                name=name,
                index=repr(index),
                count=header.count,
            )
    missing = [name for name in MAPPING_BANDS if name not in table]
    if missing:
        raise MetadataError(
            sidecar, "[bands] lacks {missing}", "add it", missing=" and ".join(missing)
        )
    scale = declared_scale(keys["scale"], sidecar)
    saturated = keys.get("saturated")
    return {
        name: Band(
            path=image,
            driver=DRIVER,
            index=table[name],
            scale=scale,
            offset=to_number(keys["offset"], "offset", sidecar),
            nodata=_nodata(keys, header, sidecar),
            resolution=grid.resolution,
            saturated=None if saturated is None else to_number(saturated, "saturated", sidecar),
        )
        for name in names
        if name in table
    }


def _nodata(keys: Mapping[str, Any], header: Header, sidecar: Path) -> float | None:
    value = keys.get("nodata", header.nodata)
    if value is None:
        raise MetadataError(
            sidecar,
            "lacks nodata, and the image has no nodata tag",
            'add the number that stands for no data, or nodata = "none"',
        )
    if value == "none" or (isinstance(value, float) and math.isnan(value)):
        return None  # NaN is never an observation, declared or not
    return to_number(value, "nodata", sidecar)


def _quality(
    keys: Mapping[str, Any], path: Path, header: Header, grid: Grid, sidecar: Path
) -> tuple[Band | None, Decoder]:
    if "quality" not in keys and "decoder" not in keys:
        return None, "none"
    if "quality" not in keys or str(keys.get("decoder")) not in DECODERS:
        raise MetadataError(
            sidecar,
            "tells quality and decoder in part only",
            "give the file as quality, and decoder as one of {decoders}",
            decoders=list(DECODERS),
        )
    name = _text(keys, "quality", sidecar)
    if Path(name).name != name or name in {"", ".", ".."} or "\\" in name or ":" in name:
        raise UnsafeInputError(
            sidecar,
            "quality is {name!r}, not a file beside it",
            "write the bare file name",
            name=name,
        )
    if not (path.parent / name).is_file():
        raise MissingFileError(path.parent / name, "is not there", "correct quality in the sidecar")
    source = Source(path.parent, "folder", (name,))
    layer = raster_name(source, name, DRIVER)
    factor = coarsening(read_header(layer, DRIVER), layer, header)
    band = Band(layer, DRIVER, 1, 1.0, 0.0, None, grid.resolution * factor)
    return band, cast("Decoder", keys["decoder"])
