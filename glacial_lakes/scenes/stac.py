"""Items of STAC as scenes: Sentinel-2, Landsat and HLS in GeoTIFF, here or on a server.

What the numbers mean depends on the provider (:data:`PROVIDERS`): some deliver them as the maker
does, one undoes the offset of Sentinel-2 and leaves it listed. How each is known, and what it
does, stands in one table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rasterio.crs import CRS
from rasterio.errors import CRSError

from glacial_lakes.errors import (
    N_,
    GridError,
    Message,
    MetadataError,
    MissingFileError,
    UnknownProductError,
    UnsafeInputError,
    require,
)
from glacial_lakes.grid import Grid
from glacial_lakes.scenes.eopf_zarr import METADATA, one_store, open_eopf, open_remote_eopf
from glacial_lakes.scenes.hls import FILL, NARROW_NIR, SCALE, decode_fmask
from glacial_lakes.scenes.landsat import COLLECTION_2
from glacial_lakes.scenes.metadata import to_name, to_number, to_sun, to_time
from glacial_lakes.scenes.names import read_name
from glacial_lakes.scenes.offsets import stored_offset
from glacial_lakes.scenes.plausibility import check_tile, check_time, contradictions
from glacial_lakes.scenes.quality import (
    QUALITY_LAYERS,
    SATURATION_LAYER,
    Decoder,
    saturation_bits,
)
from glacial_lakes.scenes.raster import AnyBand, Band, Header, coarsening, read_header
from glacial_lakes.scenes.remote import Access, describe
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import BY_NAME, MAPPING_BANDS, SENSORS, Sensor, band_meant
from glacial_lakes.scenes.source import driver_of, open_source, raster_name
from glacial_lakes.scenes.sun import sun_over


@dataclass(frozen=True, slots=True)
class Provider:
    """Who keeps a collection of Sentinel-2, and what became of its offset there."""

    name: str
    known_by: str
    """What in an item tells it: a property, or the host of an address."""
    offset: str
    """What is done, for people."""
    is_applied: bool | None = None
    """Whether the offset was undone; None: the item tells it for each band or by a property."""
    is_listed: bool = True
    """Whether what bands list can be believed."""


APPLIED = "earthsearch:boa_offset_applied"

PROVIDERS = (
    Provider(
        "Element84 Earth Search v1",
        APPLIED,
        N_("undone where the property says so, whatever raster:bands lists; else as delivered"),
    ),
    Provider(
        "Element84, images without that property",
        "sentinel-cogs.s3.us-west-2.amazonaws.com",
        N_("undone in some and listed all the same: from baseline 04.00 on refused"),
        is_listed=False,
    ),
    Provider(
        "Microsoft Planetary Computer",
        ".blob.core.windows.net",
        N_("as delivered and not listed: it follows from s2:processing_baseline"),
        is_applied=False,
    ),
    Provider(
        "Google Cloud",
        "storage.googleapis.com",
        N_("as delivered and not listed: it follows from s2:processing_baseline"),
        is_applied=False,
    ),
    Provider(
        "Copernicus Data Space",
        ".dataspace.copernicus.eu",
        N_("as delivered, listed in raster:offset of each band"),
    ),
)
"""Elsewhere an offset that is listed is believed where the baseline has it, and a baseline from
04.00 on without one is refused."""

_TIFF = re.compile(r"image/(?:tiff|vnd\.stac\.geotiff)|geotiff", re.IGNORECASE)
_AGAIN = N_("search again, or correct the item")
_STORE = re.compile(r"(.+?\.zarr)(?:/|$)", re.IGNORECASE | re.DOTALL)
_METRES = re.compile(r"_(\d+)m$", re.IGNORECASE)
_HLS_LAYERS: Mapping[str, Decoder] = {"fmask": decode_fmask}
_SENTINEL_SCALE = 1e-4
_SATURATED = 65535.0


def open_item(
    item: Mapping[str, Any], where: str, root: Path | None, access: Access | None = None
) -> Scene:
    """Describe the scene of an item; of remote images only headers are read.

    Parameters
    ----------
    item : mapping
        GeoJSON Feature of STAC 1.0 or 1.1.
    where : str
        Its file or address, from which relative addresses start.
    root : pathlib.Path or None
        The folder of the catalogue, outside of which no file is read; None on a server.
    access : Access, optional
        What may be asked of servers; without it only files beside the item are read.

    Raises
    ------
    UnknownProductError
        For another satellite, or images of another format.
    MetadataError
        When scale, offset, time or a band are not told.
    MissingFileError, UnsafeInputError
        When an image is not there, lies on a host that is not allowed, or outside the catalogue.
    GridError
        When images do not fit each other, or lie elsewhere than the item says.
    """
    facts = _Item(item, where, root)
    sensor = facts.sensor
    scene_id = to_name(str(item.get("id") or "") or None, N_("the name of the item"), where)
    chosen = dict(_bands(facts, sensor))
    if facts.hls is not None and NARROW_NIR in facts.assets:
        chosen["nir"] = NARROW_NIR
    store = None if chosen else _store(facts)
    if store is not None:
        return _open_store(store, facts, access)
    missing = [band for band in MAPPING_BANDS if band not in chosen]
    if missing:
        raise MetadataError(
            where, "has no band {missing}; it has {there}", _AGAIN,
            missing=missing, there=sorted(facts.assets),
        )  # fmt: skip
    paths = {name: _path(facts.assets[key], facts, access) for name, key in chosen.items()}
    headers = {name: read_header(*path) for name, path in paths.items()}
    finest = min(headers.values(), key=lambda header: header.resolution)
    if finest.crs is None:
        raise GridError(where, "no CRS is told", "download the image again")
    _check_place(facts, finest)
    grid = Grid(finest.crs, finest.transform, finest.shape)
    factors = {name: _factors(facts, chosen[name], sensor) for name in chosen}
    bands = {
        name: Band(
            *path,
            index=1,
            scale=factors[name][0],
            offset=factors[name][1],
            nodata=_nodata(facts, chosen[name], headers[name]),
            resolution=grid.resolution * coarsening(headers[name], path[0], finest),
            saturated=_SATURATED if sensor.name.startswith("S2") else None,
        )
        for name, path in paths.items()
    }
    decoders = _HLS_LAYERS if facts.hls is not None else QUALITY_LAYERS
    layers = {name: _layer(facts, name, finest, access) for name in (*decoders, SATURATION_LAYER)}
    quality = next((name for name in decoders if layers[name] is not None), None)
    acquired = to_time(facts.text("datetime", "start_datetime"), N_("the sensing time"), where)
    check_time(acquired, sensor.name, where)
    sun = _sun(facts)
    azimuth, elevation = sun_over(grid, acquired) if sun is None else (sun[1], sun[0])
    processed = facts.text("s2:generation_time", "created") or ""
    granule = _granule(facts, sensor)
    if granule and not sensor.said[1:]:  # tiles; Landsat has paths and rows
        check_tile(granule, grid, where, is_always_north=facts.hls is not None)
    doubts = [factor[2] for factor in factors.values() if factor[2] is not None][:1]
    doubts += contradictions(acquired, grid, sun, processed, scene_id, sensor.name)
    cloud = facts.text("eo:cloud_cover")
    return Scene(
        id=scene_id,
        path=where,
        sensor=sensor.name,
        level=_level(facts, sensor),
        acquired=acquired,
        grid=grid,
        sun_azimuth_deg=azimuth if elevation > 0 else None,
        sun_elevation_deg=elevation if elevation > 0 else None,
        bands=bands,
        quality=None if quality is None else layers[quality],
        decoder="none" if quality is None else decoders[quality],
        saturation=layers[SATURATION_LAYER],
        saturation_bits=saturation_bits(sensor.bands),
        cloud_percent=None if cloud is None else to_number(cloud, N_("the cloud cover"), where),
        provenance={
            "product": "stac",
            "baseline": _baseline_text(facts) or "",
            "processed": processed,
            "granule": granule or scene_id,
            "datastrip": "",
            "checksum": "unverified",
            "metadata": (),
            "contradictions": tuple(doubts),
        },
    )


def scene_of(
    item: Any, hosts: Sequence[str], folder: str | os.PathLike[str] | None, wait_s: float
) -> Scene:
    """Return the scene of an item that a person holds: :meth:`Scene.from_stac`."""
    where = None
    if hasattr(item, "get_self_href"):  # of pystac
        where, item = item.get_self_href(), item.to_dict(transform_hrefs=False)
    require(item, Mapping, "item", N_("give an item of STAC, or its GeoJSON"))
    access = None
    if folder is not None:
        access = Access(tuple(hosts), str(Path(folder).absolute()), wait_s)
    root = None
    if where is not None and "://" not in where:
        root = Path(where).parent.resolve()
    return open_item(item, where or str(item.get("id")), root, access)


class _Item:
    """What an item tells, and of which provider it is."""

    def __init__(self, item: Mapping[str, Any], where: str, root: Path | None) -> None:
        properties, assets = item.get("properties"), item.get("assets")
        if not isinstance(properties, Mapping) or not isinstance(assets, Mapping):
            raise MetadataError(where, "is no item of STAC", "give a catalogue or an item")
        self.where, self.root, self.properties = where, root, properties
        self.collection = item.get("collection")
        self.assets = {
            str(key): asset
            for key, asset in assets.items()
            if isinstance(asset, Mapping) and isinstance(asset.get("href"), str)
        }
        named = read_name(str(item.get("id") or ""), where)
        self.hls = named if named is not None and named.maker == "hls" else None
        """What the name tells of a product of HLS, whose items tell little else."""

    @property
    def sensor(self) -> Sensor:
        """The sensor; of HLS that of the product, which is of two satellites or more."""
        return _sensor(self) if self.hls is None else BY_NAME[self.hls.sensor]

    def text(self, *names: str) -> str | None:
        for name in names:
            value = self.properties.get(name)
            if isinstance(value, str | int | float) and str(value):
                return str(value)
        return None

    def provider(self, href: str) -> Provider | None:
        """Return the provider of an image."""
        host = urlsplit(_https(href)).hostname or ""
        for one in PROVIDERS:
            by_host = one.known_by.startswith(".") and host.endswith(one.known_by)
            if one.known_by in self.properties or by_host or host == one.known_by:
                return one
        return None


def _sensor(facts: _Item) -> Sensor:
    platform = (facts.text("platform") or "").lower().replace("_", "-")
    for one in SENSORS:
        if one.said and one.said[0].lower().replace("_", "-") == platform and one.bands:
            return one
    raise UnknownProductError(
        facts.where,
        "is of {platform!r}, which is not read",
        "search for Sentinel-2, Landsat 4 to 9, or HLS",
        platform=facts.text("platform") or "",
    )


def _bands(facts: _Item, sensor: Sensor) -> Iterator[tuple[str, str]]:
    """Yield each band of ours and the name of its asset: by that name, else by what it tells."""
    found: dict[str, list[tuple[float, str]]] = {}
    for key, asset in facts.assets.items():
        if not _is_readable(asset):
            continue
        listed = _first(asset.get("eo:bands")) or _first(asset.get("bands"))
        names = [key, listed.get("name"), listed.get("common_name"), listed.get("eo:common_name")]
        if len(asset.get("eo:bands") or asset.get("bands") or ()) > 1:
            continue  # a picture of several
        for name in names:
            band = band_meant(str(name), sensor.name) if isinstance(name, str) else None
            if band is not None:
                metres = _METRES.search(key)
                size = float(metres[1]) if metres else _number(asset, "gsd", 0.0)
                found.setdefault(band, []).append((size, key))
                break
            if name == key and _is_other(key, sensor):
                break
    for band, hits in found.items():
        yield band, min(hits)[1]


def _is_other(key: str, sensor: Sensor) -> bool:
    """Tell whether a name is that of a band that is none of ours, such as B8A or nir08."""
    return re.fullmatch(r"b\d?\d?[0-9a](?:_\d+m)?|nir0\d", key.lower()) is not None and bool(
        sensor.bands
    )


def _first(value: object) -> Mapping[str, Any]:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], Mapping) else {}


def _number(table: Mapping[str, Any], name: str, default: float) -> float:
    value = table.get(name, default)
    return float(value) if isinstance(value, int | float) else default


def _is_readable(asset: Mapping[str, Any]) -> bool:
    """Tell whether an asset may hold numbers: a TIFF, or JPEG 2000 beside the item."""
    kind, path = str(asset.get("type") or ""), urlsplit(asset["href"]).path.lower()
    return bool(_TIFF.search(kind)) or path.endswith((".tif", ".tiff", ".jp2"))


def _https(href: str) -> str:
    """Return the address by which anybody reads what lies in a store of Google."""
    return re.sub(r"^gs://", "https://storage.googleapis.com/", href)


def _store(facts: _Item) -> str | None:
    """Return where the product in Zarr lies of which all assets are parts; None where none is."""
    found = {match[1] for asset in facts.assets.values()
             if (match := _STORE.match(_address(asset))) is not None}  # fmt: skip
    return found.pop() if len(found) == 1 else None


def _open_store(href: str, facts: _Item, access: Access | None) -> Scene:
    if "://" in href or facts.root is None:
        return open_remote_eopf(href, _allowed(href, access))
    source = open_source(_beside(href, Path(facts.where), facts.root))
    [metadata] = one_store(name for name in source.names if re.fullmatch(METADATA, name)) or [""]
    return open_eopf(source, metadata)


def _address(asset: Mapping[str, Any]) -> str:
    """Return where an asset lies: on a server that is asked by https, if on any."""
    options = [asset["href"]]
    others = asset.get("alternate")
    if isinstance(others, Mapping):
        options += [one.get("href") for one in others.values() if isinstance(one, Mapping)]
    known = [_https(href) for href in options if isinstance(href, str)]
    return next((one for one in known if one.startswith(("https://", "http://"))), known[0])


def _path(asset: Mapping[str, Any], facts: _Item, access: Access | None) -> tuple[str, str]:
    """Return the path of an image and its driver."""
    href = _address(asset)
    if "://" not in href and facts.root is not None:
        path = _beside(href, Path(facts.where), facts.root)
        source = open_source(path.parent)
        driver = driver_of(path.name)
        return raster_name(source, path.name, driver), driver
    if "://" not in href:
        what = N_("names {href!r}, which is no address")
        raise UnsafeInputError(facts.where, what, _AGAIN, href=href[:80])
    access = _allowed(href, access)
    if urlsplit(href).path.lower().endswith(".jp2"):
        raise UnknownProductError(
            href.partition("?")[0],
            "is JPEG 2000, of which a server cannot give a part",
            "download the product, or search a collection of GeoTIFF (COG)",
        )
    return describe(href, access), "GTiff"


def _allowed(href: str, access: Access | None) -> Access:
    if access is None:
        what = N_("lies on a server")
        remedy = N_("allow its host, and tell where what is fetched is kept: docs/remote.md")
        raise UnsafeInputError(href.partition("?")[0], what, remedy)
    return access


def _beside(href: str, item: Path, root: Path) -> Path:
    """Return what an item of a static catalogue names, which lies below the folder of that."""
    path = (item.parent / unquote(href)).resolve()
    if not path.is_relative_to(root.resolve()):
        what = N_("names {href!r}, which lies outside of its catalogue")
        raise UnsafeInputError(item, what, _AGAIN, href=href[:80])
    if not path.exists():
        raise MissingFileError(item, "lacks {name}", "download it whole", name=href)
    return path


def _nodata(facts: _Item, key: str, header: Header) -> float:
    asset = facts.assets[key]
    listed = {**_first(asset.get("raster:bands")), **_first(asset.get("bands")), **asset}
    value = listed.get("nodata")
    if isinstance(value, int | float):
        return float(value)
    if header.nodata is not None:
        return header.nodata
    return 0.0 if facts.hls is None else FILL


def _factors(facts: _Item, key: str, sensor: Sensor) -> tuple[float, float, Message | None]:
    """Return scale and offset of a band, and why the offset cannot be what is listed."""
    asset = facts.assets[key]
    listed = {**asset, **_first(asset.get("bands")), **_first(asset.get("raster:bands"))}
    scale = listed.get("scale", listed.get("raster:scale"))
    offset = listed.get("offset", listed.get("raster:offset"))
    is_sentinel = sensor.name.startswith("S2")
    if scale is None and is_sentinel:
        scale = _SENTINEL_SCALE
    if scale is None and offset is None and _is_collection_2(facts):  # as USGS lists them
        scale, offset = COLLECTION_2
    if scale is None and facts.hls is not None:  # the same in all products
        scale, offset = SCALE, 0.0 if offset is None else offset
    for name, value in (("scale", scale), *((("offset", offset),) if not is_sentinel else ())):
        if value is None:
            what = Message("{name} of {band}", name=name, band=key)
            raise MetadataError(facts.where, "{name} is missing", _AGAIN, name=what)
    factor = to_number(scale, "scale", facts.where)
    if factor <= 0:
        raise MetadataError(
            facts.where, "{name} is {value}", _AGAIN, name="scale", value=f"{factor:g}"
        )
    shift = None if offset is None else to_number(offset, "offset", facts.where)
    if not is_sentinel:
        return factor, shift or 0.0, None
    is_applied = facts.properties.get(APPLIED)
    provider = facts.provider(asset["href"])
    if not isinstance(is_applied, bool):
        is_applied = None if provider is None else provider.is_applied
    if provider is not None and not provider.is_listed:
        shift = None
    text = _baseline_text(facts)
    baseline = None if text is None else to_number(text, N_("the processing baseline"), facts.where)
    stored, doubt = stored_offset(
        facts.where,
        baseline,
        listed=None if shift is None else round(shift / factor, 3),
        is_applied=is_applied,
    )
    return factor, stored * factor, doubt


def _is_collection_2(facts: _Item) -> bool:
    """Tell whether an item is surface reflectance of Landsat, which has the same factors always."""
    level = facts.text("landsat:correction") or ""
    return facts.text("landsat:collection_number") == "02" and level.startswith("L2S")


def _baseline_text(facts: _Item) -> str | None:
    if facts.hls is not None:
        return facts.hls.collection
    text = facts.text("s2:processing_baseline", "processing:version")
    return None if text is None else text.removeprefix("N")


def _layer(facts: _Item, name: str, fine: Header, access: Access | None) -> AnyBand | None:
    """Return a layer of quality; the one in the largest pixels where there are several."""
    keys = [key for key in facts.assets if _METRES.sub("", key.lower()) == name]
    keys = [key for key in keys if _is_readable(facts.assets[key])]
    if not keys:
        return None
    path = _path(facts.assets[min(keys)], facts, access)
    header = read_header(*path)
    factor = coarsening(header, path[0], fine)
    return Band(*path, 1, 1.0, 0.0, None, fine.resolution * factor)


def _check_place(facts: _Item, header: Header) -> None:
    """Refuse an image that lies in another map than the item says; HLS names its tile instead."""
    if facts.hls is not None:
        return
    for name in ("proj:code", "proj:epsg"):
        value = facts.properties.get(name)
        if value is None:
            continue
        try:
            crs = CRS.from_user_input(value)
        except (CRSError, TypeError, ValueError):
            raise GridError(
                facts.where, "the CRS is {code!r}", _AGAIN, code=str(value)[:60]
            ) from None
        if crs != header.crs:
            what = N_("the images lie in another CRS than the item tells ({code})")
            raise GridError(facts.where, what, _AGAIN, code=str(value)[:60])


def _sun(facts: _Item) -> tuple[float, float] | None:
    elevation = facts.text("view:sun_elevation")
    azimuth = facts.text("view:sun_azimuth", "s2:mean_solar_azimuth")
    zenith = facts.text("s2:mean_solar_zenith")
    if azimuth is None or (elevation is None and zenith is None):
        return None
    height = (
        to_number(elevation, "view:sun_elevation", facts.where)
        if elevation is not None
        else 90 - to_number(zenith, "s2:mean_solar_zenith", facts.where)
    )
    return to_sun(height, to_number(azimuth, "view:sun_azimuth", facts.where), facts.where)


def _granule(facts: _Item, sensor: Sensor) -> str:
    if facts.hls is not None:
        return facts.hls.granule
    if sensor.name.startswith("S2"):
        code = facts.text("grid:code", "s2:mgrs_tile") or ""
        found = re.search(r"(\d{2}[A-Z]{3})$", code)
        return found[1] if found else ""
    path, row = facts.text("landsat:wrs_path"), facts.text("landsat:wrs_row")
    return f"{int(path):03d}{int(row):03d}" if path and row else ""


def _level(facts: _Item, sensor: Sensor) -> str:
    if facts.hls is not None:
        return "L2"
    text = " ".join(
        str(value)
        for value in (
            facts.text("s2:product_type", "processing:level", "landsat:correction"),
            facts.collection,
        )
        if value
    ).upper()
    known: dict[str, tuple[str, ...]]
    if sensor.name.startswith("S2"):
        known = {"L1C": ("L1C", "MSI1C"), "L2A": ("L2A", "MSI2A")}
    else:
        known = {"L2SP": ("L2SP",), "L2SR": ("L2SR",), "L1TP": ("L1TP",)}
    level = next((name for name, parts in known.items() if any(p in text for p in parts)), None)
    if level is None:
        raise MetadataError(facts.where, "the level is not told", _AGAIN)
    return level
