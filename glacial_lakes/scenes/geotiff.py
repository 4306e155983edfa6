"""A GeoTIFF with several bands, and a sidecar that tells what they are.

The sidecar is a TOML file of the same stem beside the image; ``docs/formats.md`` shows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from glacial_lakes.errors import (
    N_,
    GlacialLakesError,
    MetadataError,
    MissingFileError,
    UnknownProductError,
)
from glacial_lakes.grid import Grid
from glacial_lakes.io.parsing import toml_of
from glacial_lakes.scenes.declared import declared, declared_sun
from glacial_lakes.scenes.files import layer_in
from glacial_lakes.scenes.landsat import COLLECTION_2, FILL
from glacial_lakes.scenes.local_metres import grid_of
from glacial_lakes.scenes.metadata import to_name
from glacial_lakes.scenes.names import read_name
from glacial_lakes.scenes.quality import QUALITY_LAYERS, SATURATION_LAYER, Decoder, saturation_bits
from glacial_lakes.scenes.raster import AnyLayer, Band, Header, read_header, read_tags
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import BY_NAME, MAPPING_BANDS, BandName, band_meant
from glacial_lakes.scenes.sidecar import REQUIRED, UNTAGGED, Sidecar, read_sidecar
from glacial_lakes.scenes.source import Source, raster_name, read_metadata

DRIVER = "GTiff"

ROWS = (
    Row(
        "any sensor with green and near infrared, also as Earth Engine exports it",
        "`.tif` with a sidecar",
        "`scale` and `offset` of the sidecar or of the tags, for all bands or for each",
        "the sidecar's: `scl`, `qa_pixel`, `bqa`",
    ),
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
    """Describe a GeoTIFF stack by its sidecar, its name and the descriptions of its bands.

    Parameters
    ----------
    path : Path
        The image; ``<stem>.toml`` lies beside it.

    Raises
    ------
    MissingFileError
        Without a sidecar, or without the quality layer that it names.
    MetadataError
        When something is not told, a key is not known, a time has no zone, or scale and offset do
        not give reflectance.
    """
    sidecar = sidecar_of(path)
    is_there = sidecar.is_file()
    source = Source(path.parent, "folder", (path.name, *([sidecar.name] if is_there else [])))
    usual = {} if not is_there and not _is_named(path) else _usual(source, path)
    if not is_there and not all(key in usual for key in REQUIRED if key != "bands"):
        raise MissingFileError(
            path,
            "has no sidecar {sidecar} beside it",
            "write one with the keys {keys}, nodata and the table [bands]",
            sidecar=sidecar.name,
            keys=REQUIRED[:-1],
        )
    facts = read_sidecar(source, sidecar.name, usual)
    image = raster_name(source, path.name, DRIVER)
    header = read_header(image, DRIVER)
    is_tagged = any(factors != UNTAGGED for factors in header.factors)
    by_tags = ("scale", "offset", "bands") if is_tagged else ("bands",)
    facts.require(*(key for key in REQUIRED if key not in by_tags))
    if header.crs is None:
        raise MetadataError(path, "has no CRS", "give it one, e.g. with gdal_edit -a_srs")
    grid = grid_of(header.crs, header.transform, header.shape)
    sensor = to_name(facts.text("sensor"), "sensor", sidecar)
    bands = _bands(facts, _table(facts, sensor, source, path), image, header, grid)
    time, is_usual = facts.time(grid)
    described = {text.lower(): int(number) for number, text in
                 read_tags(image, DRIVER).items() if number.isdigit()}  # fmt: skip
    fields = declared(
        sidecar,
        id=to_name(path.stem.replace(" ", "_"), N_("the file name"), path),
        path=str(path),
        sensor=sensor,
        level=facts.text("level") if "level" in facts else "stack",
        acquired=time,
        grid=grid,
        bands=bands,
        quality=_quality(facts, path, grid, header, described),
        sun=declared_sun(facts.keys, sidecar),
        cloud_percent=facts.keys.get("cloud_percent"),
        provenance={
            "product": "geotiff",
            "granule": path.stem,
            "metadata": (sidecar.name if is_there else path.name,),
            **({"time": "overpass"} if is_usual else {}),
        },
    )
    if SATURATION_LAYER in described and sensor in BY_NAME:
        own = Source(path.parent, "folder", (path.name,))
        index = described[SATURATION_LAYER]
        fields |= {
            "saturation": layer_in(own, path.name, grid, header, index),
            "saturation_bits": saturation_bits(BY_NAME[sensor].bands),
        }
    return Scene(**fields)


def _is_named(path: Path) -> bool:
    try:
        return read_name(path.stem, path) is not None
    except UnknownProductError:
        return False


def _usual(source: Source, path: Path) -> dict[str, Any]:
    """Return what the name of an image tells, by the keys of a sidecar.

    Factors only of Landsat, whose bands are described ``SR_B3`` in Collection 2 alone.
    """
    try:
        named = read_name(path.stem, path)
    except UnknownProductError:
        return {}  # a person's own name, for whose parts the sidecar stands
    if named is None:
        return {}
    usual: dict[str, Any] = {"acquired": named.time or named.day}
    usual |= {"sensor": named.sensor} if named.sensor else {}
    usual |= {"level": named.level} if named.level else {}
    image = raster_name(source, path.name, DRIVER)
    described = read_tags(image, DRIVER).values()
    is_collection_2 = any(text.upper().startswith("SR_B") for text in described)
    if (
        named.maker == "landsat"
        and is_collection_2
        and named.collection in ("", "02")
        and read_header(image, DRIVER).dtype == "uint16"
    ):
        scale, offset = COLLECTION_2
        usual |= {"scale": scale, "offset": offset, "nodata": FILL, "level": named.level or "L2SP"}
    return usual


def _table(facts: Sidecar, sensor: str, source: Source, path: Path) -> Mapping[str, object]:
    """Return the table of bands: as told, else by the descriptions of the image."""
    if "bands" in facts:
        table = facts.keys["bands"]
        if not isinstance(table, dict):
            raise MetadataError(
                facts.where, "bands is no table", "write [bands] and name = index lines"
            )
        return table
    described = read_tags(raster_name(source, path.name, DRIVER), DRIVER)
    found: dict[str, object] = {}
    for number, text in described.items():
        band = band_meant(text, sensor) if number.isdigit() else None
        if band is not None:
            found.setdefault(band, int(number))
    if not found:
        facts.require("bands")
    return found


def _bands(
    facts: Sidecar, table: Mapping[str, object], image: str, header: Header, grid: Grid
) -> dict[str, Band]:
    names = get_args(BandName)
    for name, index in table.items():
        if name not in names:
            raise MetadataError(
                facts.where,
                "[bands] has {name}, which is no band name",
                "use {names}; other keys stand above [bands]",
                name=name,
                names=names,
            )
        if type(index) is not int or not 1 <= index <= header.count:
            raise MetadataError(
                facts.where,
                "{name} = {index}, but the image has bands 1 to {count}",
                "correct the index",
                name=name,
                index=repr(index),
                count=header.count,
            )
    missing = [name for name in MAPPING_BANDS if name not in table]
    if missing:
        raise MetadataError(
            facts.where, "[bands] lacks {missing}", "add it", missing=" and ".join(missing)
        )
    nodata = facts.nodata(header.nodata)
    facts = facts.with_tags({name: header.factors[index - 1] for name, index in table.items()
                           if isinstance(index, int)})  # fmt: skip
    return {
        name: Band(
            path=image,
            driver=DRIVER,
            index=index,
            scale=facts.number("scale", name) or 1.0,
            offset=facts.number("offset", name) or 0.0,
            nodata=nodata,
            resolution=grid.resolution,
            saturated=facts.number("saturated", name),
        )
        for name in names
        if isinstance(index := table.get(name), int)
    }


def _quality(
    facts: Sidecar, path: Path, grid: Grid, header: Header, described: Mapping[str, int]
) -> tuple[AnyLayer | None, Decoder]:
    """Return the layer that the sidecar names, else the one that is described among the bands."""
    layer = facts.quality()
    if layer is None:
        own = Source(path.parent, "folder", (path.name,))
        for name, decoder in QUALITY_LAYERS.items():
            if name in described:
                return layer_in(own, path.name, grid, header, described[name]), decoder
        return None, "none"
    name, decoder = layer
    if not (path.parent / name).is_file():
        raise MissingFileError(path.parent / name, "is not there", "correct quality in the sidecar")
    return layer_in(Source(path.parent, "folder", (name,)), name, grid, header), decoder
