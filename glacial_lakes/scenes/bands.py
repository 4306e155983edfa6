"""Bands in single files: ``B03.tif``, ``…_B03_10m.jp2``, Amazon, Landsat without MTL, Earth Engine.

Names of files and folder, ``tileInfo.json`` of Amazon and a sidecar tell sensor, date and factors.
What none of them tells is asked for and never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from glacial_lakes.errors import N_, MetadataError, MissingFileError
from glacial_lakes.grid import Grid
from glacial_lakes.scenes.declared import declared, declared_sun
from glacial_lakes.scenes.files import Stored, bands_in, layer_in
from glacial_lakes.scenes.landsat import COLLECTION_2, FILL
from glacial_lakes.scenes.level1c_masks import (
    CLASS_BANDS,
    CLASSES,
    POLYGONS,
    decode_classes,
    decode_polygons,
    polygons_in,
)
from glacial_lakes.scenes.metadata import read_json, to_name
from glacial_lakes.scenes.names import Named, read_name
from glacial_lakes.scenes.offsets import expected_offset
from glacial_lakes.scenes.quality import (
    QUALITY_LAYERS,
    SATURATION_LAYER,
    Decoder,
    saturation_bits,
)
from glacial_lakes.scenes.raster import AnyLayer, Header, StackedLayers, read_header
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import BY_NAME, MAPPING_BANDS, band_meant
from glacial_lakes.scenes.sidecar import Sidecar, read_sidecar, require_beside
from glacial_lakes.scenes.source import Source, driver_of, find, raster_name

ROWS = (
    Row(
        "single bands: `B03.tif`, `…_B03_10m.jp2`, Sentinel-2 on Amazon, Landsat 2 without MTL",
        "folder, one of its bands",
        "by the name of the product (Sentinel-2 as JPEG 2000, Landsat Collection 2), else `scale` "
        "and `offset` of a sidecar",
        "SCL, QA_PIXEL with QA_RADSAT, MSK_CLASSI or MSK_CLOUDS of Level 1C, or the sidecar's",
    ),
)

COMMON_SIDECAR = "scene.toml"
"""Name of the sidecar of files that are called after their bands alone."""

_FILE = re.compile(
    r"(?P<folder>(?:R\d0m/)?)(?P<start>(?:.*?[_. -])??)"
    r"(?P<token>(?:SR_)?B(?:and)?_?(?:\d{1,2}|8A)|blue|green|red|nir(?:08)?|swir(?:1|2|16|22)"
    r"|SCL|QA_PIXEL|QA_RADSAT)"
    r"(?P<pixel>_\d0m)?(?:_\(Raw\))?\.(?:tiff?|jp2)",
    re.IGNORECASE,
)
_TILE_INFO = "tileInfo.json"


def is_band(name: str) -> bool:
    """Tell whether a file is named like one band of a scene."""
    return start_of(name) is not None


def start_of(name: str) -> str | None:
    """Return what stands before the band in the name of a file; None for a file of another name."""
    match = _FILE.fullmatch(name)
    return None if match is None else match["start"]


def groups(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the files of each scene among names: by what its names begin with, then by band.

    Of a band with several sizes of pixels the finest file is taken.

    Examples
    --------
    >>> groups(["B03.tif", "B08.tif", "dem.tif"])
    {'': {'b03': 'B03.tif', 'b08': 'B08.tif'}}
    """
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for name in sorted(names):
        match = _FILE.fullmatch(name)
        if match is None:
            continue
        size = re.search(r"\d0", match["pixel"] or match["folder"])
        pixel = int(size[0]) if size else 0
        files = found.setdefault(match["start"], {})
        token = match["token"].lower()
        files[token] = min(files.get(token, (pixel, name)), (pixel, name))
    return {
        start: {token: name for token, (_, name) in files.items()}
        for start, files in found.items()
        if len(files) > 1
    }


def sidecar_name(start: str) -> str:
    """Return the name of the sidecar of files that begin so."""
    stem = start.rstrip("_. -")
    return f"{stem}.toml" if stem else COMMON_SIDECAR


def open_bands(source: Source, start: str, folder: str) -> Scene:
    """Describe a scene of single bands.

    Parameters
    ----------
    source : Source
        Its files, in a folder.
    start : str
        What their names begin with.
    folder : str
        The name of their folder, which may be that of their product; empty where another product
        lies there as well, of which the name is.

    Raises
    ------
    MetadataError
        When sensor, time, scale, offset or no data are not told, with the key of the sidecar.
    UnknownProductError
        When a name has a part that is not known.
    MissingFileError
        When green or near infrared is not there, or Landsat Level 1 lacks its MTL.
    """
    files = groups(source.names)[start]
    name = sidecar_name(start)
    named, usual, metadata, product = _facts_of_names(source, start, folder)
    sidecar = read_sidecar(source, name, usual)
    if named is not None and named.maker == "landsat" and named.level.startswith("L1"):
        raise MissingFileError(source.path, "lacks its metadata, *_MTL.txt", "download it whole")
    sidecar.require("sensor")
    chosen = _chosen(files, sidecar, source)
    headers = {band: _header(source, file) for band, file in chosen.items()}
    factors = _factors(named, chosen, files, headers)
    sidecar = Sidecar(sidecar.where, {**factors, **sidecar.keys}, sidecar.is_there)
    sidecar = sidecar.with_tags({band: header.factors[0] for band, header in headers.items()})
    sidecar.require("acquired", "scale", "offset")
    bands, grid, finest = bands_in(
        source,
        {
            band: Stored(
                file,
                sidecar.number("scale", band) or 1.0,
                sidecar.number("offset", band) or 0.0,
                sidecar.nodata(headers[band].nodata),
                sidecar.number("saturated", band),
            )
            for band, file in chosen.items()
        },
    )
    time, is_usual = sidecar.time(grid)
    layer = sidecar.quality()
    quality: tuple[AnyLayer | None, Decoder] = (None, "none")
    if layer is not None:
        quality = layer_in(source, layer[0], grid, finest), layer[1]
    else:
        for token, decoder in QUALITY_LAYERS.items():
            if token in files:
                quality = layer_in(source, files[token], grid, finest), decoder
    if quality[0] is None and not start and named is not None and named.level == "L1C":
        quality = _level1c_mask(source, grid, finest)
    saturation = None
    if SATURATION_LAYER in files:
        saturation = layer_in(source, files[SATURATION_LAYER], grid, finest)
    is_alone = bool(folder) and len(groups(source.names)) == 1
    stem = start.rstrip("_. -") or product or folder or Path(chosen["green"]).stem
    fields = declared(
        sidecar.where if name in source.names else source.path,
        id=to_name(re.sub(r"[^\w.+-]", "_", stem), N_("the file name"), source.path),
        path=str(source.path if is_alone else source.path / chosen["green"]),
        sensor=to_name(sidecar.text("sensor"), "sensor", sidecar.where),
        level=sidecar.text("level") if "level" in sidecar else "stack",
        acquired=time,
        grid=grid,
        bands=bands,
        quality=quality,
        sun=declared_sun(sidecar.keys, sidecar.where),
        cloud_percent=sidecar.keys.get("cloud_percent"),
        is_lazy=any(band.driver == "JP2OpenJPEG" for band in bands.values()),
        provenance={
            "product": "bands",
            "baseline": "" if named is None else named.baseline or named.collection,
            "granule": (named.granule if named is not None else "") or stem,
            "metadata": (*([name] if name in source.names else []), *metadata, chosen["green"]),
            **({"time": "overpass"} if is_usual else {}),
        },
    )
    facts = BY_NAME.get(sidecar.text("sensor"))
    if saturation is not None and facts is not None:
        fields |= {"saturation": saturation, "saturation_bits": saturation_bits(facts.bands)}
    return Scene(**fields)


def _facts_of_names(
    source: Source, start: str, folder: str
) -> tuple[Named | None, dict[str, Any], tuple[str, ...], str]:
    """Return what names and the JSON of Amazon tell, and the names of the latter and its product.

    Folders of Amazon are called after a number, which many have.
    """
    info: Mapping[str, Any] = {}
    metadata: tuple[str, ...] = ()
    if _TILE_INFO in source.names and not start:
        content = read_json(source, _TILE_INFO)
        info, metadata = (content if isinstance(content, dict) else {}), (_TILE_INFO,)
    product = str(info.get("productName") or "")
    texts = (start.rstrip("_. -"), product, folder)
    names = [named for text in texts if (named := read_name(text, source.path)) is not None]
    if not names:
        return None, {}, metadata, ""
    days = {named.day for named in names}
    sensors = {named.sensor for named in names if named.sensor}
    if len(days) > 1 or len(sensors) > 1:
        raise MetadataError(
            source.path,
            "the names of files and folder tell {told}",
            "put the bands of one image into one folder, and name it after them",
            told=sorted(map(str, days if len(days) > 1 else sensors)),
        )
    named = max(names, key=lambda one: (bool(one.level), bool(one.baseline), bool(one.sensor)))
    times = [one.time for one in names if one.time is not None]
    usual: dict[str, Any] = {"acquired": times[0] if times else named.day}
    if sensors:
        usual["sensor"] = min(sensors)
    if named.level:
        usual["level"] = named.level
    if "cloudyPixelPercentage" in info:
        usual["cloud_percent"] = info["cloudyPixelPercentage"]
    return named, usual, metadata, product if read_name(product, source.path) else ""


def _chosen(files: Mapping[str, str], sidecar: Sidecar, source: Source) -> dict[str, str]:
    """Return the file of each band: as the sidecar says, else by its name and the sensor."""
    table = sidecar.keys.get("bands", {})
    if not isinstance(table, dict):
        raise MetadataError(
            sidecar.where, "bands is no table", 'write [bands] and name = "file" lines'
        )
    found: dict[str, str] = {}
    for token, file in files.items():
        band = band_meant(token, sidecar.text("sensor"))
        if band is not None:
            found.setdefault(band, file)
    for band, file in table.items():
        if band_meant(band, "") != band or not isinstance(file, str):
            raise MetadataError(
                sidecar.where,
                "[bands] has {name} = {value}",
                'write lines such as green = "B03.tif"',
                name=band,
                value=repr(file),
            )
        require_beside(file, band, sidecar.where)
        found[band] = file
    missing = [band for band in MAPPING_BANDS if band not in found]
    if missing:
        raise MissingFileError(
            source.path,
            "has no file of the band {missing} of {sensor}",
            "put it beside the others, or name it in [bands] of {sidecar}",
            missing=missing,
            sensor=sidecar.text("sensor"),
            sidecar=sidecar.where.name,
        )
    order = ("blue", "green", "red", "nir", "swir1", "swir2")
    return {band: found[band] for band in order if band in found}


def _level1c_mask(source: Source, grid: Grid, finest: Header) -> tuple[AnyLayer | None, Decoder]:
    """Return the mask of clouds that Amazon keeps beside the bands of Level 1C."""
    mask = find(source, CLASSES)
    if mask is not None:
        layers = (layer_in(source, mask, grid, finest, index) for index in CLASS_BANDS)
        return StackedLayers(tuple(layers)), decode_classes
    polygons = find(source, POLYGONS)
    if polygons is not None:
        return polygons_in(source, polygons, grid), decode_polygons
    return None, "none"


def _header(source: Source, file: str) -> Header:
    if file not in source.names:
        raise MissingFileError(source.path, "lacks {name}", "download the product whole", name=file)
    driver = driver_of(file)
    return read_header(raster_name(source, file, driver), driver)


def _factors(
    named: Named | None,
    chosen: Mapping[str, str],
    files: Mapping[str, str],
    headers: Mapping[str, Header],
) -> dict[str, Any]:
    """Return scale, offset and no data where the name of the product tells them.

    A JPEG 2000 is as its maker wrote it. A GeoTIFF was written anew by somebody, who may have
    taken off the offset of Sentinel-2: then only products without one are known.
    """
    if named is None or any(np.dtype(one.dtype) != np.uint16 for one in headers.values()):
        return {}
    if named.maker == "sentinel2" and named.baseline:
        offset = expected_offset(float(named.baseline))
        is_own = all(file.lower().endswith(".jp2") for file in chosen.values())
        if offset is None or (offset and not is_own):
            return {"scale": 1e-4, "nodata": 0}
        return {"scale": 1e-4, "offset": offset * 1e-4, "nodata": 0, "saturated": 65535}
    is_collection_2 = named.collection == "02" or (
        not named.collection and any(token.startswith("sr_b") for token in files)
    )
    if named.maker == "landsat" and is_collection_2:
        scale, offset = COLLECTION_2
        return {"scale": scale, "offset": offset, "nodata": FILL, "saturated": 65535}
    return {}
