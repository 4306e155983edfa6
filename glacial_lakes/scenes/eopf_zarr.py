"""Sentinel-2 products as EOPF Zarr, the successor of SAFE: a folder or a zip.

Layouts: Zarr 2 as ESA's samples have it, Zarr 3 with or without shards, and GeoZarr, whose numbers
are reflectance already. The product ``eopf`` that makes them from SAFE writes an offset of −0.1
whatever the baseline was, so that the offset is compared with the baseline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    GridError,
    Message,
    MetadataError,
    MissingFileError,
    UnknownProductError,
    UnsafeInputError,
)
from glacial_lakes.grid import Grid
from glacial_lakes.io.parsing import json_of
from glacial_lakes.scenes.metadata import to_name, to_number, to_sun, to_time
from glacial_lakes.scenes.offsets import expected_offset, stored_offset
from glacial_lakes.scenes.plausibility import check_tile, check_time, contradictions
from glacial_lakes.scenes.raster import ZARR, Band, Header, coarsening, read_header, zarr_arrays
from glacial_lakes.scenes.remote import (
    AbsentError,
    Access,
    describe,
    is_kept,
    read_part,
    shown_address,
    size_of,
)
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import SAID
from glacial_lakes.scenes.source import MAX_METADATA_BYTES, Source, gdal_name, read_metadata
from glacial_lakes.scenes.sun import sun_over

METADATA = r"zarr\.json|\.zgroup"
"""Name of what makes a folder a group of Zarr, of version 3 or 2."""

ROWS = (
    Row(
        "Sentinel-2 L2A, L1C as EOPF Zarr: Zarr 2, Zarr 3 with or without shards, GeoZarr; needs "
        '`pip install "glacial-lakes[zarr]"`',
        "`.zarr` folder, `.zip`",
        "`scale_factor`, `add_offset` of the band, the offset compared with the baseline; of "
        "floats the number itself",
        "L2A: scene classification (SCL); L1C: none",
    ),
)

_REFLECTANCE = "measurements/reflectance"
_BANDS = {
    "blue": "r10m/b02",
    "green": "r10m/b03",
    "red": "r10m/b04",
    "nir": "r10m/b08",
    "swir1": "r20m/b11",
    "swir2": "r20m/b12",
}
_CLASSES = "conditions/mask/l2a_classification/r20m/scl"
_LEVELS = {"l1c": "L1C", "level-1c": "L1C", "l2a": "L2A", "level-2a": "L2A"}
_SENSORS = {said[0].lower(): sensor for said, sensor in SAID.items() if len(said) == 1}
_SATURATED, _SATURATED_REFLECTANCE = 65535.0, 6.0
"""The largest number, and less than the reflectance that it stands for (6.45 or 6.55)."""
_SCALE = 1e-4
"""Of the stored numbers of all products."""
_MOST_COORDINATES = 100_000
_AGAIN = N_("download the product again")
_UNTOLD = ("", "null", "none")


def one_store(names: Iterable[str]) -> list[str]:
    """Return the metadata of the outermost group, which holds all others; of version 3 if both."""
    found = sorted(names, key=lambda name: (name.count("/"), not name.endswith(".json"), name))
    return found[:1]


class _Store(Protocol):
    """Where the groups and arrays of a product are."""

    @property
    def where(self) -> Path | str:
        """What errors name."""

    def document(self, name: str) -> Mapping[str, Any] | None:
        """Return a document, by its name below the root; None where there is none."""

    def array(self, name: str) -> str:
        """Return what an array is opened by."""


@dataclass(frozen=True)
class _Here:
    """A folder or a zip."""

    source: Source

    @property
    def where(self) -> Path:
        return self.source.path

    def document(self, name: str) -> Mapping[str, Any] | None:
        source, name = self.source, f"{self.source.root}{name}"
        if source.kind == "folder" and name not in source.names:  # not listed below its root
            if not (source.path / name).is_file():
                return None
            source = replace(source, names=(name,))
        if name not in source.names:
            return None
        return _parsed(read_metadata(source, name), source.path / name)

    def array(self, name: str) -> str:
        return gdal_name(self.source, f"{self.source.root}{name}")


class _OnServer:
    """An address; of what its root tells of all documents none is asked for."""

    def __init__(self, url: str, access: Access) -> None:
        self.where, self._url, self._access = shown_address(url), url.rstrip("/"), access
        self._documents: dict[str, Mapping[str, Any] | None] = {}
        self._is_consolidated = False
        refusals: list[MissingFileError] = []
        kept = {name: is_kept(f"{self._url}/{name}", access) for name in _ROOTS}
        for name in sorted(_ROOTS, key=lambda name: not kept[name]):
            try:
                top = self._fetch(name)
            except MissingFileError as error:  # some servers refuse what they do not have
                refusals.append(error)
                continue
            documents = _mapping(top.get("metadata"))
            if name == "zarr.json":
                nodes = _mapping(_mapping(top.get("consolidated_metadata")).get("metadata"))
                documents = {f"{node}/zarr.json": document for node, document in nodes.items()}
                self._documents[name] = top
            self._documents |= {one: _mapping(document) for one, document in documents.items()}
            self._is_consolidated = bool(documents)
            return
        raise refusals[0]

    def document(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._documents and not self._is_consolidated:
            try:
                self._documents[name] = self._fetch(name)
            except AbsentError:
                self._documents[name] = None
        return self._documents.get(name)

    def array(self, name: str) -> str:
        ending = next(one for one in _ARRAYS if self.document(f"{name}/{one}") is not None)
        return describe(f"{self._url}/{name}/{ending}", self._access)

    def _fetch(self, name: str) -> Mapping[str, Any]:
        path, where = describe(f"{self._url}/{name}", self._access), f"{self.where}/{name}"
        if size_of(path) > MAX_METADATA_BYTES:
            remedy = N_("download the product again")
            raise UnsafeInputError(where, "is too large for a metadata file", remedy)
        return _parsed(read_part(path, 0, size_of(path)), where)


_ROOTS = ("zarr.json", ".zmetadata", ".zgroup")
_ARRAYS = ("zarr.json", ".zarray")


def _parsed(content: bytes, where: Path | str) -> Mapping[str, Any]:
    try:
        return _mapping(json_of(content))
    except ValueError as error:
        what = N_("is not valid JSON ({error})")
        raise DamagedFileError(where, what, _AGAIN, error=error) from None


@dataclass(frozen=True)
class _Node:
    """A group or an array of the store."""

    name: str
    document: Mapping[str, Any]
    attributes: Mapping[str, Any]


def open_eopf(source: Source, metadata_name: str) -> Scene:
    """Describe a Sentinel-2 product in Zarr.

    Parameters
    ----------
    source : Source
        Its files.
    metadata_name : str
        The file that matches :data:`METADATA`.

    Raises
    ------
    ConfigError
        When zarr is not installed.
    UnknownProductError
        When the store is no Sentinel-2 product.
    MissingFileError
        When a band or the scene classification is not there.
    MetadataError
        When scale, offset, time or platform are not told.
    GridError
        When no CRS is told, or bands do not fit each other.
    """
    if source.kind == "tar":
        raise UnknownProductError(
            source.path, "is a Zarr in a tar", "unpack it, and name the folder"
        )
    return _open(_Here(source), str(source.path), source.path / metadata_name)


def open_remote_eopf(url: str, access: Access) -> Scene:
    """Describe a Sentinel-2 product in Zarr on a server; errors as of :func:`open_eopf`.

    Parameters
    ----------
    url : str
        Of the folder of the store.
    access : Access
        What may be asked.

    Raises
    ------
    UnsafeInputError, MissingFileError, DamagedFileError, ResourceError
        When its host is not allowed, or its server does not give what it should.
    """
    return _open(_OnServer(url, access), shown_address(url), shown_address(url))


def _open(store: _Store, path: str, where: Path | str) -> Scene:
    root = _node(store, "")
    discovery = root.attributes.get("stac_discovery", {}) if root else {}
    discovery = discovery.get("stac_discovery", discovery) if isinstance(discovery, Mapping) else {}
    if root is None or _node(store, f"{_REFLECTANCE}/r10m") is None:
        raise UnknownProductError(
            store.where,
            "is a Zarr without {group}",
            "of another cube open the bands with xarray, and give them to Scene.from_xarray",
            group=_REFLECTANCE,
        )
    zarr_arrays()  # asked for before anything is said of the product
    properties = _Properties(discovery.get("properties"), root.attributes.get("other_metadata"))
    level = _level(properties, where)
    nodes = {name: _array(store, f"{_REFLECTANCE}/{path}") for name, path in _BANDS.items()}
    placed = {name: _placed(store, node, root) for name, node in nodes.items()}
    green = placed["green"]
    grid = Grid(_crs_of(green, where), green.transform, green.shape)
    baseline = _baseline(properties, discovery, where)
    factors = {name: _factors(node, where) for name, node in nodes.items()}
    bands = {
        name: Band(
            path=store.array(nodes[name].name),
            driver=ZARR,
            index=1,
            scale=factors[name][0],
            offset=factors[name][1],
            nodata=factors[name][2],
            resolution=grid.resolution * coarsening(header, str(where), green),
            saturated=_SATURATED_REFLECTANCE if factors[name][2] is None else _SATURATED,
            made_with=_made_with(baseline) if factors[name][2] is None else None,
        )
        for name, header in placed.items()
    }
    sensor = _sensor(properties, where)
    acquired = _time(properties, where)
    check_time(acquired, sensor, where)
    sun = _sun(properties, where)
    scene_id = _scene_id(discovery, Path(path).name, store.where)
    processed = properties.text("processing:datetime", "created") or ""
    doubts = _doubtful_offset(factors, baseline, where)
    doubts += contradictions(acquired, grid, sun, processed, scene_id, sensor)
    granule = _granule(scene_id, properties, where)
    check_tile(granule, grid, where)
    azimuth, elevation = sun_over(grid, acquired) if sun is None else (sun[1], sun[0])
    cloud = properties.text("eo:cloud_cover")
    return Scene(
        id=scene_id,
        path=path,
        sensor=sensor,
        level=level,
        acquired=acquired,
        grid=grid,
        sun_azimuth_deg=azimuth if elevation > 0 else None,
        sun_elevation_deg=elevation if elevation > 0 else None,
        bands=bands,
        quality=_quality(store, root, green, where) if level == "L2A" else None,
        decoder="scl" if level == "L2A" else "none",
        cloud_percent=None if cloud is None else to_number(cloud, N_("the cloud cover"), where),
        provenance={
            "product": "eopf_zarr",
            "baseline": "" if baseline is None else f"{baseline:05.2f}",
            "processed": processed,
            "granule": granule,
            "datastrip": "",
            "checksum": "unverified",
            "metadata": () if isinstance(where, str) else (where.name,),
            "contradictions": tuple(doubts),
        },
    )


class _Properties:
    """What the root of the store tells, by name; ``null`` as a text is nothing."""

    def __init__(self, *tables: object) -> None:
        self._tables = [table for table in tables if isinstance(table, Mapping)]

    def text(self, *names: str) -> str | None:
        for name in names:
            for table in self._tables:
                value = table.get(name)
                if isinstance(value, str | int | float) and str(value).lower() not in _UNTOLD:
                    return str(value)
        return None


def _node(store: _Store, name: str) -> _Node | None:
    """Return a group or array of the store; None where there is none."""
    folder = f"{name}/" if name else ""
    own = store.document(f"{folder}zarr.json")
    if own is not None:
        return _Node(name, own, _mapping(own.get("attributes")))
    own = store.document(f"{folder}.zarray") or store.document(f"{folder}.zgroup")
    if own is None:
        return None
    return _Node(name, own, _mapping(store.document(f"{folder}.zattrs")))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _array(store: _Store, name: str) -> _Node:
    node = _node(store, name)
    if node is None or "shape" not in node.document:
        what = N_("lacks {name}")
        raise MissingFileError(store.where, what, "download the product whole", name=name)
    return node


def _placed(store: _Store, node: _Node, root: _Node) -> Header:
    """Return where the pixels of an array lie: by its transform, its coordinates, or both."""
    path = store.array(node.name)
    shape = read_header(path, ZARR).shape
    above = node.name.rpartition("/")[0]
    group = _node(store, above)
    tables = [node.attributes, *([] if group is None else [group.attributes])]
    stated = next((found for found in map(_transform, tables) if found is not None), None)
    seen = _coordinates(store, above, shape)
    if stated is not None and seen is not None and not stated.almost_equals(seen, precision=1e-3):
        raise GridError(path, "its transform and its coordinates contradict each other", _AGAIN)
    transform = stated if stated is not None else seen
    if transform is None:
        raise GridError(path, "neither transform nor coordinates tell where it lies", _AGAIN)
    return Header(_crs(store, tables, above, root, path), transform, shape, 1, None)


def _transform(attributes: Mapping[str, Any]) -> Affine | None:
    for name in ("proj:transform", "spatial:transform"):
        numbers = attributes.get(name)
        if isinstance(numbers, Sequence) and len(numbers) in (6, 9):
            a, b, c, d, e, f = (float(number) for number in numbers[:6])
            if a > 0 and e < 0 and not b and not d:
                return Affine(a, b, c, d, e, f)
    return None


def _coordinates(store: _Store, group: str, shape: tuple[int, int]) -> Affine | None:
    lines = []
    for name, size in zip(("y", "x"), shape, strict=True):
        node = _node(store, f"{group}/{name}")
        if node is None:
            return None
        path = store.array(node.name)
        places = zarr_arrays().line_of(path, _MOST_COORDINATES)
        step = (places[-1] - places[0]) / max(1, len(places) - 1)
        even = places[0] + step * np.arange(len(places))
        if len(places) != size or not step or np.abs(places - even).max() > 0.01 * abs(step):
            raise GridError(path, "the coordinates do not fit the pixels", _AGAIN)
        lines.append((step, places[0]))
    (down, north), (across, west) = lines
    if down > 0 or across < 0:
        raise GridError(store.where, "the image is not north-up", _AGAIN)
    return Affine(across, 0.0, west - across / 2, 0.0, down, north - down / 2)


def _crs(
    store: _Store, tables: Sequence[Mapping[str, Any]], group: str, root: _Node, path: str
) -> CRS | None:
    """Return the CRS that all who tell one agree on; None where nobody does."""
    mapping = _node(store, f"{group}/spatial_ref")
    discovery = _mapping(root.attributes.get("stac_discovery"))
    entries = [
        *(table.get(name) for table in tables for name in ("proj:epsg", "proj:code")),
        *(() if mapping is None else (mapping.attributes.get("crs_wkt"),)),
        *(_mapping(discovery.get("properties")).get(name) for name in ("proj:epsg", "proj:code")),
        _mapping(root.attributes.get("other_metadata")).get("horizontal_CRS_code"),
    ]
    stated = [entry for entry in entries if entry is not None and str(entry).lower() not in _UNTOLD]
    found: CRS | None = None
    for entry in stated:
        try:
            one = CRS.from_user_input(int(entry) if str(entry).isdecimal() else entry)
        except (CRSError, TypeError, ValueError):
            raise GridError(path, "the CRS is {code!r}", _AGAIN, code=str(entry)[:60]) from None
        if found is not None and one != found:
            raise GridError(path, "two different CRS are told", _AGAIN)
        found = one
    return found


def _crs_of(header: Header, where: Path | str) -> CRS:
    if header.crs is None:
        raise GridError(where, "no CRS is told", _AGAIN)
    return header.crs


def _factors(node: _Node, where: Path | str) -> tuple[float, float, float | None]:
    """Return scale, offset and no data of a band; floats are reflectance, and NaN where none is."""
    own = _mapping(node.attributes.get("_eopf_attrs"))
    factors = {
        name: node.attributes.get(name, own.get(name)) for name in ("scale_factor", "add_offset")
    }
    kind = str(node.document.get("data_type", node.document.get("dtype")))
    if "f" in kind:
        if any(value is not None for value in factors.values()):
            raise MetadataError(
                where,
                "{band} holds reflectance and tells a scale as well",
                "open it with xarray, and give it to Scene.from_xarray",
                band=node.name,
            )
        return 1.0, 0.0, None
    for name, value in factors.items():
        if value is None:
            raise MetadataError(
                where, "{name} of {band} is missing", _AGAIN, name=name, band=node.name
            )
    scale, offset = (to_number(value, name, where) for name, value in factors.items())
    if scale <= 0:
        raise MetadataError(
            where, "{name} is {value}", _AGAIN, name="scale_factor", value=f"{scale:g}"
        )
    void = node.attributes.get("_FillValue", node.document.get("fill_value"))
    return scale, offset, 0.0 if void is None else to_number(void, "fill_value", where)


def _made_with(baseline: float | None) -> tuple[float, float] | None:
    """Return scale and offset of the whole numbers that reflectance was made of."""
    offset = expected_offset(baseline)
    return None if offset is None else (_SCALE, offset * _SCALE)


def _doubtful_offset(
    factors: Mapping[str, tuple[float, float, float | None]],
    baseline: float | None,
    where: Path | str,
) -> list[Message]:
    """Return what contradicts the offset; of reflectance nobody can tell what was done to it."""
    offsets = [offset / scale for scale, offset, void in factors.values() if void is not None]
    if offsets and baseline is None:  # the converter writes one that may be wrong
        raise MetadataError(
            where, "{name} is missing", _AGAIN, name=Message("the processing baseline")
        )
    doubts = (stored_offset(where, baseline, listed=round(offset, 3))[1] for offset in offsets)
    return [doubt for doubt in doubts if doubt is not None][:1]


def _quality(store: _Store, root: _Node, fine: Header, where: Path | str) -> Band:
    node = _array(store, _CLASSES)
    header = _placed(store, node, root)
    if header.crs is None:
        header = replace(header, crs=fine.crs)
    factor = coarsening(header, str(where), fine)
    return Band(store.array(node.name), ZARR, 1, 1.0, 0.0, None, fine.resolution * factor)


def _level(properties: _Properties, where: Path | str) -> str:
    text = properties.text("processing:level") or ""
    level = _LEVELS.get(text.lower())
    if level is None:
        kind = properties.text("product:type") or ""
        level = next((name for name in ("L1C", "L2A") if name in kind), None)
    if level is None:
        raise UnknownProductError(
            where, "is of the level {text!r}", "give a Level-1C or Level-2A product", text=text
        )
    return level


def _sensor(properties: _Properties, where: Path | str) -> str:
    text = properties.text("platform") or ""
    found = _SENSORS.get(text.lower().replace("_", "-"))
    if found is None:
        raise MetadataError(
            where, "the spacecraft is {spacecraft!r}", "give a Sentinel-2 product", spacecraft=text
        )
    return found.name


def _time(properties: _Properties, where: Path | str) -> datetime:
    text = properties.text("datetime", "start_datetime", "mean_sensing_time")
    return to_time(text, N_("the sensing time"), where)


def _sun(properties: _Properties, where: Path | str) -> tuple[float, float] | None:
    """Return elevation and azimuth; None where they are not told."""
    ending = "angle_in_deg_for_all_bands_all_detectors"
    zenith = properties.text(f"mean_sun_zenith_{ending}")
    azimuth = properties.text(f"mean_sun_azimuth_{ending}")
    if zenith is None or azimuth is None:
        return None
    return to_sun(
        90 - to_number(zenith, Message("the sun's {tag}", tag="ZENITH_ANGLE"), where),
        to_number(azimuth, Message("the sun's {tag}", tag="AZIMUTH_ANGLE"), where),
        where,
    )


def _scene_id(discovery: Mapping[str, Any], named: str, where: Path | str) -> str:
    text = str(discovery.get("id") or named)
    name = re.sub(r"(?:\.SAFE|\.zarr|\.zip)+$", "", text, flags=re.IGNORECASE)
    return to_name(name, N_("the product name"), where)


def _baseline(
    properties: _Properties, discovery: Mapping[str, Any], where: Path | str
) -> float | None:
    """Return the processing baseline; None where nothing tells it."""
    text = properties.text("eopf:baseline", "processing:version")
    named = re.search(r"_N(\d{2})(\d{2})_", f"{discovery.get('id') or ''}_")
    if named is not None:
        return float(f"{named[1]}.{named[2]}")
    if text is None:
        return None
    return to_number(text, N_("the processing baseline"), where)


def _granule(scene_id: str, properties: _Properties, where: Path | str) -> str:
    code = (properties.text("grid:code") or "").removeprefix("MGRS-")
    match = re.search(r"_T(\d{2}[A-Z]{3})_", f"{scene_id}_T{code}_")
    if match is None:
        raise MetadataError(where, "the tile is not told", _AGAIN)
    return match[1]
