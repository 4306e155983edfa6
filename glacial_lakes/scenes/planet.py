"""PlanetScope surface reflectance: 4 or 8 bands in one GeoTIFF, with UDM2 or the older UDM.

Orders and bits follow Planet's specification of imagery products. Time, sun and instrument come
from the JSON or XML beside the image; without them from its name and from time and place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.errors import N_, MetadataError, MissingFileError, UnknownProductError
from glacial_lakes.grid import Grid
from glacial_lakes.scenes.declared import declared, declared_sun
from glacial_lakes.scenes.files import Stored, bands_in, layer_in, path_of
from glacial_lakes.scenes.metadata import read_json, read_xml, text_in, to_time
from glacial_lakes.scenes.names import read_name
from glacial_lakes.scenes.quality import Decoder, Flags, Quality, set_flag
from glacial_lakes.scenes.raster import AnyLayer, Header, StackedLayers
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import BY_NAME
from glacial_lakes.scenes.source import Source

_TOOLS = r"(?:_(?:harmonized|clip|reproject|file_format))*"
"""What Planet appends for the tools of an order that leave numbers reflectance, in any order."""

METADATA = rf"(?P<start>\d{{8}}_\d{{6}}_[^/]*_)3B_AnalyticMS_SR(?P<eight>_8b)?{_TOOLS}\.tif"
"""The image, which stands for the product."""

ROWS = (
    Row(
        "PlanetScope surface reflectance of 4 and 8 bands",
        "folder, its `*_3B_AnalyticMS_SR*.tif`",
        "number ÷ 10000; time, sun and instrument from `*_metadata.json` or `.xml`",
        "UDM2, or the older UDM (no snow, no shadow)",
    ),
)

_SCALE, _FILL = 1e-4, 0.0

_UDM2 = (
    (2, Quality.SNOW),
    (6, Quality.CLOUD),
    (3, Quality.CLOUD_SHADOW),
    (4, Quality.CIRRUS),  # light haze, or all haze from version 2.1 on
    (5, Quality.CLOUD),  # heavy haze
    (8, Quality.NODATA),  # the older UDM
)
"""Bands of UDM2 in the order in which they are stacked, and what they mean."""

_UDM_FILL, _UDM_CLOUD = 0b1, 0b10


def decode_udm(bits: NDArray[Any]) -> Flags:
    """Return the flags of the older mask (uint8): fill, cloud, and bands that are missing."""
    flags = np.zeros(bits.shape, np.uint8)
    set_flag(flags, (bits & _UDM_CLOUD) != 0, Quality.CLOUD)
    set_flag(flags, (bits & (0xFF & ~_UDM_CLOUD)) != 0, Quality.NODATA)
    return flags


def decode_udm2(stacked: NDArray[Any]) -> Flags:
    """Return the flags of the bands of UDM2 that :class:`StackedLayers` read."""
    numbers = stacked.astype(np.uint64)
    flags = np.zeros(numbers.shape, np.uint8)
    for place, (_, flag) in enumerate(_UDM2):
        layer = (numbers >> np.uint64(8 * place)) & np.uint64(0xFF)
        if flag == Quality.NODATA:
            layer &= np.uint64(0xFF & ~_UDM_CLOUD)
        set_flag(flags, layer != 0, flag)
    return flags


def open_planet(source: Source, metadata_name: str) -> Scene:
    """Describe a PlanetScope scene.

    Parameters
    ----------
    source : Source
        Its files.
    metadata_name : str
        The image.

    Raises
    ------
    MissingFileError
        When nothing tells the instrument of an image of four bands.
    MetadataError
        When time or sun are none, or the image has other bands than its name says.
    """
    where = source.path / metadata_name
    folder, _, file = metadata_name.rpartition("/")
    image = re.fullmatch(METADATA, file, re.IGNORECASE)
    scene_id = file.partition("_3B_")[0]
    named = read_name(scene_id, where)
    if image is None or named is None or named.time is None:
        raise UnknownProductError(
            where,
            "is named like PlanetScope, but not as its maker does",
            "give it its own name back",
        )
    start = re.escape(f"{folder}/{scene_id}" if folder else scene_id)
    facts, metadata = _metadata(source, start)
    sensor = facts.get("instrument") or ("PSB.SD" if image["eight"] else None)
    if sensor is None:
        raise MissingFileError(
            where,
            "lacks its metadata, {name}",
            "put it beside the image, which does not tell its instrument",
            name=f"{scene_id}_metadata.json",
        )
    if sensor not in BY_NAME or not sensor.startswith("PS"):
        raise UnknownProductError(
            where,
            "is of the instrument {sensor}",
            "use one of {known}",
            sensor=sensor,
            known=[name for name in BY_NAME if name.startswith("PS")],
        )
    order = BY_NAME["PSB.SD" if image["eight"] else "PS2"].bands
    bands, grid, finest = bands_in(
        source,
        {
            band: Stored(metadata_name, _SCALE, 0.0, _FILL, index=index)
            for band, index in order.items()
        },
    )
    quality, decoder = _quality(source, start, grid, finest)
    processed = str(facts.get("processed") or "")
    return Scene(
        **declared(
            where,
            id=scene_id,
            path=path_of(source, metadata_name, METADATA),
            sensor=sensor,
            level="SR",
            acquired=to_time(
                facts.get("acquired") or named.time.isoformat(), N_("the sensing time"), where
            ),
            grid=grid,
            bands=bands,
            quality=(quality, decoder),
            sun=declared_sun(facts, where),
            cloud_percent=facts.get("cloud_percent"),
            processed=processed,
            provenance={
                "product": "planet",
                "baseline": "",
                "granule": scene_id,
                "metadata": (metadata_name, *metadata),
            },
        )
    )


def _metadata(source: Source, start: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return what the metadata beside an image tell, and their name."""
    name = _find(source, start + rf"(?:_3B[^/]*)?_metadata{_TOOLS}\.json")
    if name is not None:
        content = read_json(source, name)
        properties = content.get("properties") if isinstance(content, dict) else None
        if not isinstance(properties, dict):
            raise MetadataError(
                source.path / name, "has no properties", "download the product again"
            )
        cloud = properties.get("cloud_percent")
        return {
            "acquired": _text(properties.get("acquired")),
            "instrument": _text(properties.get("instrument")),
            "sun_elevation_deg": properties.get("sun_elevation"),
            "sun_azimuth_deg": properties.get("sun_azimuth"),
            "cloud_percent": cloud
            if cloud is not None
            else _percent(properties.get("cloud_cover")),
            "processed": _text(properties.get("published")),
        }, (name,)
    name = _find(source, start + rf"_3B_[^/]*_metadata{_TOOLS}\.xml")
    if name is None:
        return {}, ()
    tree = read_xml(source, name)
    azimuth = text_in(tree, "illuminationAzimuthAngle")
    instrument = next(
        (text_in(part, "shortName") for part in tree.iter() if part.tag.endswith("}Instrument")),
        None,
    )
    return {
        "acquired": text_in(tree, "acquisitionDateTime"),
        "instrument": instrument,
        "sun_elevation_deg": text_in(tree, "illuminationElevationAngle"),
        "sun_azimuth_deg": azimuth,
        "cloud_percent": text_in(tree, "cloudCoverPercentage"),
        "processed": None,
    }, (name,)


def _text(value: object) -> str | None:
    """Return a text of what JSON holds, whatever that is."""
    return None if value is None else str(value)


def _percent(share: object) -> float | None:
    return 100.0 * share if isinstance(share, (int, float)) else None


def _find(source: Source, pattern: str) -> str | None:
    """Return the first file whose name with its folders matches an expression, any case."""
    expression = re.compile(pattern, re.IGNORECASE)
    return next((name for name in source.names if expression.fullmatch(name)), None)


def _quality(
    source: Source, start: str, grid: Grid, finest: Header
) -> tuple[AnyLayer | None, Decoder]:
    name = _find(source, start + rf"_3B_udm2{_TOOLS}\.tif")
    if name is not None:
        layers = tuple(layer_in(source, name, grid, finest, index) for index, _ in _UDM2)
        return StackedLayers(layers), decode_udm2
    name = _find(source, start + rf"_3B_[^/]*udm{_TOOLS}\.tif")
    if name is not None:
        return layer_in(source, name, grid, finest), decode_udm
    return None, "none"
