"""Landsat 4–9: Collection 2 Level 1 and 2, Collection 1 Level 1, and older Level 1 products.

Folder or tar. Formulas: Landsat 8–9 Data Format Control Books LSDS-1822 and LSDS-1619 for the
rescaling of MTL files; Chander, Markham & Helder (2009), doi:10.1016/j.rse.2009.01.007, where an
older MTL tells radiance only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pyproj import Geod, Transformer

from glacial_lakes.errors import (
    N_,
    GridError,
    Message,
    MetadataError,
    MissingFileError,
    UnknownProductError,
)
from glacial_lakes.grid import Grid
from glacial_lakes.scenes.metadata import to_name, to_number, to_sun, to_time
from glacial_lakes.scenes.mtl import Groups, read_mtl
from glacial_lakes.scenes.plausibility import check_time, contradictions
from glacial_lakes.scenes.quality import Decoder, saturation_bits
from glacial_lakes.scenes.raster import Band, Header, coarsening, read_header
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import SAID
from glacial_lakes.scenes.source import Source, find, raster_name

METADATA = r"(?P<start>L[^/]*_)MTL\.(?:txt|json|xml)"
"""Name of the metadata, in any case."""

ROWS = (
    Row(
        "Landsat 4–9 Collection 2 Level 2 (L2SP, L2SR)",
        "folder, `.tar`, `.tar.gz`, `*_MTL.txt`, `.json`, `.xml`",
        "`REFLECTANCE_MULT`, `REFLECTANCE_ADD` of the group "
        "`LEVEL2_SURFACE_REFLECTANCE_PARAMETERS`",
        "QA_PIXEL, QA_RADSAT",
    ),
    Row(
        "Landsat 4–9 Collection 2 Level 1",
        "the same",
        "`REFLECTANCE_MULT`, `REFLECTANCE_ADD`, divided by the sine of the sun's elevation",
        "QA_PIXEL, QA_RADSAT",
    ),
    Row("Landsat 4–8 Collection 1 Level 1", "the same", "the same", "BQA"),
    Row(
        "Landsat 4–8 Level 1 before collections",
        "the same",
        "the same; TM and ETM+ files that tell radiance only: Chander, Markham & Helder (2009), "
        "with the distance to the Sun from the date",
        "none",
    ),
)

DRIVER = "GTiff"

FILL = 0.0
"""Fill of every Landsat band, whether or not its file is tagged with it."""

COLLECTION_2 = (2.75e-05, -0.2)
"""Scale and offset of all surface reflectance of Collection 2 (LSDS-1619, LSDS-1618)."""

_COLLECTIONS = ("01", "02", "03")

_RANGE_ERROR = 0.005
"""How far minimum and maximum of reflectance may be from what scale and offset give."""

_BAND_IN_NAME = re.compile(r"_b(?:and)?(\d+)\.\w+$", re.IGNORECASE)

_LAYER_IN_NAME = re.compile(r"_(QA_[A-Z]+|SR_\w+|ST_\w+|BQA|BQUALITY|B\d+)$", re.IGNORECASE)
_QUALITY_NAMES = {"QA_PIXEL", "BQA", "BQUALITY"}
_PATH_IN_NAME = re.compile(r"L[A-Z]\d\d_L\w{3}_(\d{6})_")
_IMAGE_IN_NAME = re.compile(r"(L[A-Z]\d\d)_L\w{3}_(\d{6}_\d{8})_", re.IGNORECASE)
_CORNER_M = 100.0
"""How far apart corners in degrees and in metres may be: degrees are rounded to 1e-5, one metre,
and the worst of the test data are 1 m apart."""
_CORNERS = ("UL", "UR", "LL", "LR")
_EARTH = Geod(ellps="WGS84")

_ESUN = {
    "LT04": {1: 1983.0, 2: 1795.0, 3: 1539.0, 4: 1028.0, 5: 219.8, 7: 83.49},
    "LT05": {1: 1983.0, 2: 1796.0, 3: 1536.0, 4: 1031.0, 5: 220.0, 7: 83.44},
    "LE07": {1: 1997.0, 2: 1812.0, 3: 1533.0, 4: 1039.0, 5: 230.8, 7: 84.90},
}
"""Solar irradiance outside the atmosphere, W m⁻² µm⁻¹ (Chander et al. 2009, tables 3–5)."""

_IDENTITY = ("PRODUCT_CONTENTS", "METADATA_FILE_INFO", "PRODUCT_METADATA")
_IMAGE = ("IMAGE_ATTRIBUTES", "PRODUCT_METADATA")
_FILES = ("PRODUCT_CONTENTS", "PRODUCT_METADATA")
_LEVEL2 = ("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS",)
_LEVEL1 = ("LEVEL1_RADIOMETRIC_RESCALING", "RADIOMETRIC_RESCALING")
_LEVEL1_RANGE = ("LEVEL1_MIN_MAX_PIXEL_VALUE", "MIN_MAX_PIXEL_VALUE")
_LEVEL1_REFLECTANCE = ("LEVEL1_MIN_MAX_REFLECTANCE", "MIN_MAX_REFLECTANCE")
_PROJECTION = ("PROJECTION_ATTRIBUTES", "PRODUCT_METADATA", "PROJECTION_PARAMETERS")
_LEVEL1_RADIANCE = ("LEVEL1_MIN_MAX_RADIANCE", "MIN_MAX_RADIANCE")


def metadata_files(names: Iterable[str]) -> list[str]:
    """Return the MTL file of each product among names, sorted.

    Of one product's files the text is preferred to JSON, and JSON to XML.
    """
    found: dict[str, str] = {}
    for ending in ("txt", "json", "xml"):
        for name in names:
            if name.lower().endswith(f"_mtl.{ending}"):
                found.setdefault(name[: -len(f"_mtl.{ending}")], name)
    return sorted(found.values())


def open_landsat(source: Source, metadata_name: str) -> Scene:
    """Describe a Landsat product.

    Parameters
    ----------
    source : Source
        Its files.
    metadata_name : str
        Its MTL file.

    Raises
    ------
    UnknownProductError
        For the Multispectral Scanner, which lacks the bands that lakes are told by.
    MissingFileError
        When a band or the quality layer that the MTL lists is not there.
    MetadataError
        When scale, offset, time or sun are not told.
    """
    where = source.path / metadata_name
    mtl = read_mtl(source, metadata_name)
    sensor, numbers = _sensor(mtl, where)
    _check_collection(mtl, where)
    level = to_name(_get(mtl, _IDENTITY, "PROCESSING_LEVEL", "DATA_TYPE"), N_("the level"), where)
    files = {
        name: _file(source, mtl, f"FILE_NAME_BAND_{number}", Message("the {band} band", band=name))
        for name, number in numbers.items()
    }
    quality_file, decoder = _quality_file(source, mtl)
    doubts = _other_layer(quality_file)
    saturation_file = _listed(source, mtl, "FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION")
    acquired = _acquired(mtl, where)
    elevation, azimuth = to_sun(
        to_number(_get(mtl, _IMAGE, "SUN_ELEVATION"), "SUN_ELEVATION", where),
        to_number(_get(mtl, _IMAGE, "SUN_AZIMUTH"), "SUN_AZIMUTH", where),
        where,
    )

    paths = {name: raster_name(source, file, DRIVER) for name, file in files.items()}
    headers = {name: read_header(path, DRIVER) for name, path in paths.items()}
    fine = headers["green"]
    bands = {}
    for name, number in numbers.items():
        scale, offset, ceiling = _radiometry(
            mtl,
            number,
            where,
            level=level,
            sensor=sensor,
            sun_elevation_deg=elevation,
            acquired=acquired,
        )
        doubts += _other_band(files[name], number)
        doubts += _contradictions(mtl, number, level, (scale, offset), where)
        factor = coarsening(headers[name], paths[name], fine)
        bands[name] = Band(
            paths[name], DRIVER, 1, scale, offset, FILL, fine.resolution * factor, ceiling
        )
    grid = Grid(fine.crs, fine.transform, fine.shape)
    _check_place(mtl, grid, where)
    doubts += _other_corners(mtl, grid, where)
    check_time(acquired, sensor, where)
    scene_id = to_name(_get(mtl, _IDENTITY, "LANDSAT_PRODUCT_ID", "LANDSAT_SCENE_ID"), "id", where)
    doubts += _other_path(scene_id, _path_row(mtl, where))
    doubts += _other_image(scene_id, [*files.values(), quality_file])
    doubts += contradictions(
        acquired, grid, (elevation, azimuth), _processed(mtl), scene_id, sensor
    )
    cloud = _get(mtl, _IMAGE, "CLOUD_COVER")
    alone = len(metadata_files(source.names)) == 1
    return Scene(
        id=scene_id,
        path=str(source.path if alone else where),
        sensor=sensor,
        level=level,
        acquired=acquired,
        grid=grid,
        sun_azimuth_deg=azimuth,
        sun_elevation_deg=elevation,
        bands=bands,
        quality=None if quality_file is None else _layer(source, quality_file, fine),
        decoder=decoder,
        saturation=None if saturation_file is None else _layer(source, saturation_file, fine),
        saturation_bits=saturation_bits(numbers),
        cloud_percent=None if cloud is None else _cloud(cloud, where),
        provenance={
            "product": "landsat",
            "baseline": _get(mtl, _IDENTITY, "COLLECTION_NUMBER") or "0 (pre-collection)",
            "processed": _processed(mtl),
            "granule": _path_row(mtl, where),
            "checksum": "unverified",
            "metadata": (metadata_name,),
            "contradictions": tuple(doubts),
        },
    )


def earth_sun_distance(time: datetime) -> float:
    """Return the distance from Earth to Sun in astronomical units, within 0.0002.

    The low-precision formula of the Astronomical Almanac (section C, "Low-precision formulas
    for the Sun"): ``R = 1.00014 - 0.01671 cos g - 0.00014 cos 2g`` with the mean anomaly
    ``g = 357.528° + 0.9856003° n``, ``n`` days since 2000-01-01 12:00 UTC.
    """
    days = (time - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400
    anomaly = math.radians(357.528 + 0.9856003 * days)
    return 1.00014 - 0.01671 * math.cos(anomaly) - 0.00014 * math.cos(2 * anomaly)


def _get(mtl: Groups, groups: tuple[str, ...], *keys: str) -> str | None:
    """First of the keys in the first of the groups that has one; empty values do not count."""
    for key in keys:
        for group in groups:
            value = mtl.get(group, {}).get(key)
            if value:
                return value
    return None


def _sensor(mtl: Groups, where: Path) -> tuple[str, Mapping[str, int]]:
    spacecraft = _get(mtl, _IMAGE, "SPACECRAFT_ID") or ""
    sensor = _get(mtl, _IMAGE, "SENSOR_ID") or ""
    if sensor == "MSS":
        raise UnknownProductError(
            where,
            "is of the Multispectral Scanner, which has no blue and no short-wave infrared band",
            "use TM, ETM+ or OLI products",
        )
    found = SAID.get((spacecraft, sensor))
    if found is None:
        raise UnknownProductError(
            where,
            "is of {spacecraft} {sensor}",
            "use TM, ETM+ or OLI products",
            spacecraft=spacecraft or Message("no spacecraft"),
            sensor=sensor or Message("sensor"),
        )
    return found.name, found.bands


def _check_collection(mtl: Groups, where: Path) -> None:
    """Refuse a collection that is not known: its layers may have other bits."""
    collection = _get(mtl, _IDENTITY, "COLLECTION_NUMBER")
    if collection is not None and collection not in _COLLECTIONS:
        raise UnknownProductError(
            where,
            "is of the collection {collection}",
            "use one of {known}",
            collection=collection,
            known=_COLLECTIONS,
        )


def _file(source: Source, mtl: Groups, key: str, what: str) -> str:
    name = _listed(source, mtl, key)
    if name is None:
        text = _get(mtl, _FILES, key)
        raise MissingFileError(
            source.path,
            "lacks {part}, {name}" if text else "lacks {part}: its MTL has no {key}",
            "download the product whole",
            part=Message(what),
            name=Path(text or "").name,
            key=key,
        )
    return name


def _other_band(file: str, number: int) -> list[Message]:
    """Return what is wrong when a file is named for one band and listed for another."""
    named = _BAND_IN_NAME.search(file)
    if named is None or int(named[1]) == number:
        return []
    what = N_("band {number} is in {file}, by its name another one")
    return [Message(what, number=number, file=Path(file).name)]


def _other_layer(file: str | None) -> list[Message]:
    """Return what is wrong when the file of the quality layer is named for another layer."""
    named = None if file is None else _LAYER_IN_NAME.search(Path(file).stem)
    if named is None or named[1].upper() in _QUALITY_NAMES:
        return []
    return [
        Message(
            "the quality layer is in {file}, by its name another one", file=Path(str(file)).name
        )
    ]


def _other_path(scene_id: str, path_row: str) -> list[Message]:
    """Return what is wrong when the name of a product tells another path and row."""
    named = _PATH_IN_NAME.match(scene_id)
    if named is None or named[1] == path_row:
        return []
    what = N_("the image is of path and row {path}, but its name tells {named}")
    return [Message(what, path=path_row, named=named[1])]


def _other_image(scene_id: str, files: Iterable[str | None]) -> list[Message]:
    """Return what is wrong when a file that is listed is named for another image."""
    own = _IMAGE_IN_NAME.match(scene_id)
    for file in files:
        name = Path(file or "").name
        named = _IMAGE_IN_NAME.match(name)
        if own is not None and named is not None and named.groups() != own.groups():
            return [Message("its file {file} is of another image, by its name", file=name)]
    return []


def _other_corners(mtl: Groups, grid: Grid, where: Path) -> list[Message]:
    """Return what is wrong when corners are no rectangle, or in degrees another place."""
    metres = _corners(mtl, "PROJECTION_X", "PROJECTION_Y", where)
    if len(metres) == len(_CORNERS):
        (ul, ur, ll, lr) = (metres[corner] for corner in _CORNERS)
        askew = max(abs(ul[0] - ll[0]), abs(ur[0] - lr[0]), abs(ul[1] - ur[1]), abs(ll[1] - lr[1]))
        if not askew < _CORNER_M:
            return [Message("its corners are {askew:.0f} m off a rectangle", askew=askew)]
    to_degrees = Transformer.from_crs(grid.crs.to_wkt(), "EPSG:4326", always_xy=True)
    for corner, (lon, lat) in _corners(mtl, "LON", "LAT", where).items():
        if corner not in metres:
            continue
        other_lon, other_lat = to_degrees.transform(*metres[corner])
        is_place = abs(lat) <= 90 and math.isfinite(other_lon) and math.isfinite(other_lat)
        apart = _EARTH.inv(lon, lat, other_lon, other_lat)[2] if is_place else math.inf
        if not apart < _CORNER_M:
            what = N_(
                "the corner {corner} lies at {lat:.3f}°, {lon:.3f}° by its degrees, "
                "and at {other_lat:.3f}°, {other_lon:.3f}° by its metres"
            )
            where_by = {"lat": lat, "lon": lon, "other_lat": other_lat, "other_lon": other_lon}
            return [Message(what, corner=corner, **where_by)]
    return []


def _corners(mtl: Groups, x: str, y: str, where: Path) -> dict[str, tuple[float, float]]:
    """Return the corners that the MTL tells in two of its coordinates, by name."""
    found = {}
    for corner in _CORNERS:
        keys = [f"CORNER_{corner}_{axis}_PRODUCT" for axis in (x, y)]
        texts = [_get(mtl, _PROJECTION, key) for key in keys]
        if texts[0] is not None and texts[1] is not None:
            found[corner] = (
                to_number(texts[0], keys[0], where),
                to_number(texts[1], keys[1], where),
            )
    return found


def _listed(source: Source, mtl: Groups, key: str) -> str | None:
    """Name of a file that the MTL lists, if it lies beside the MTL, in whatever case."""
    text = _get(mtl, _FILES, key)
    return None if text is None else find(source, re.escape(text))


def _quality_file(source: Source, mtl: Groups) -> tuple[str | None, Decoder]:
    if _get(mtl, _FILES, "FILE_NAME_QUALITY_L1_PIXEL"):
        return _file(source, mtl, "FILE_NAME_QUALITY_L1_PIXEL", N_("the quality layer")), "qa_pixel"
    if not _get(mtl, _IDENTITY, "COLLECTION_NUMBER"):
        return None, "none"  # older products have none, or one with other bits
    return _file(source, mtl, "FILE_NAME_BAND_QUALITY", N_("the quality layer")), "bqa"


def _radiometry(
    mtl: Groups,
    band: int,
    where: Path,
    *,
    level: str,
    sensor: str,
    sun_elevation_deg: float,
    acquired: datetime,
) -> tuple[float, float, float | None]:
    """Scale and offset to reflectance, and the number that means saturation."""

    def number(groups: tuple[str, ...], key: str) -> float:
        return to_number(_get(mtl, groups, f"{key}_BAND_{band}"), f"{key}_BAND_{band}", where)

    if level.startswith("L2"):
        return (
            number(_LEVEL2, "REFLECTANCE_MULT"),
            number(_LEVEL2, "REFLECTANCE_ADD"),
            number(_LEVEL2, "QUANTIZE_CAL_MAX"),
        )
    ceiling = number(_LEVEL1_RANGE, "QUANTIZE_CAL_MAX")
    height = math.sin(math.radians(sun_elevation_deg))
    if _get(mtl, _LEVEL1, f"REFLECTANCE_MULT_BAND_{band}"):
        scale = number(_LEVEL1, "REFLECTANCE_MULT") / height
        return scale, number(_LEVEL1, "REFLECTANCE_ADD") / height, ceiling
    if sensor not in _ESUN:
        raise MetadataError(
            where, "REFLECTANCE_MULT_BAND_{band} is missing", "download it again", band=band
        )
    floor = number(_LEVEL1_RANGE, "QUANTIZE_CAL_MIN")
    darkest = number(_LEVEL1_RADIANCE, "RADIANCE_MINIMUM")
    # the rounded RADIANCE_MULT of these files is up to 0.5 % off, so the range is used
    gain = (number(_LEVEL1_RADIANCE, "RADIANCE_MAXIMUM") - darkest) / (ceiling - floor)
    per_radiance = math.pi * earth_sun_distance(acquired) ** 2 / (_ESUN[sensor][band] * height)
    return gain * per_radiance, (darkest - gain * floor) * per_radiance, ceiling


def _contradictions(
    mtl: Groups, band: int, level: str, factors: tuple[float, float], where: Path
) -> list[Message]:
    """Return how factors contradict the collection, or the range of reflectance beside them."""
    found: list[Message] = []
    scale, offset = factors
    if scale <= 0:
        found.append(
            Message(
                "band {band} has the scale {scale:g}: higher numbers would be darker",
                band=band,
                scale=scale,
            )
        )
    is_level_2 = level.startswith("L2")
    if is_level_2 and _get(mtl, _IDENTITY, "COLLECTION_NUMBER") == "02":
        pairs = zip(factors, COLLECTION_2, strict=True)
        if not all(math.isclose(factor, known, rel_tol=1e-3) for factor, known in pairs):
            found.append(
                Message(
                    "band {band} has the scale {scale:g} and the offset {offset:g}, "
                    "Collection 2 has {known_scale:g} and {known_offset:g}",
                    band=band,
                    scale=scale,
                    offset=offset,
                    known_scale=COLLECTION_2[0],
                    known_offset=COLLECTION_2[1],
                )
            )
    if not is_level_2:
        rescaling = [
            _get(mtl, _LEVEL1, f"REFLECTANCE_{key}_BAND_{band}") for key in ("MULT", "ADD")
        ]
        if not all(rescaling):
            return found
        scale, offset = (to_number(text, N_("the rescaling"), where) for text in rescaling)
    groups, limits = (_LEVEL2, _LEVEL2) if is_level_2 else (_LEVEL1_REFLECTANCE, _LEVEL1_RANGE)
    for end in ("MINIMUM", "MAXIMUM"):
        keys = f"REFLECTANCE_{end}_BAND_{band}", f"QUANTIZE_CAL_{end[:3]}_BAND_{band}"
        texts = [_get(mtl, place, key) for place, key in zip((groups, limits), keys, strict=True)]
        if not all(texts):
            continue
        expected, number = (
            to_number(text, key, where) for text, key in zip(texts, keys, strict=True)
        )
        reached = scale * number + offset
        if abs(reached - expected) > _RANGE_ERROR:
            found.append(
                Message(
                    "band {band} reaches the reflectance {reached:.3f} by scale and offset, "
                    "but {expected:.3f} by {key}",
                    band=band,
                    reached=reached,
                    expected=expected,
                    key=keys[0],
                )
            )
    return found


def _check_place(mtl: Groups, grid: Grid, where: Path) -> None:
    """Refuse rasters that do not lie inside the corners of the MTL; a part of a scene does."""
    zone = _get(mtl, _PROJECTION, "UTM_ZONE")
    code = grid.crs.to_epsg() or 0
    if (
        zone is not None
        and code // 100 in (326, 327)
        and code % 100 != abs(int(to_number(zone, "UTM_ZONE", where)))
    ):
        raise GridError(
            where,
            "the images lie in the UTM zone {found}, the metadata says {zone}",
            "download the product again",
            found=code % 100,
            zone=zone,
        )
    corners = _corners(mtl, "PROJECTION_X", "PROJECTION_Y", where)
    if len(corners) < len(_CORNERS):
        return
    easts, norths = zip(*corners.values(), strict=True)
    west, south, east, north = grid.bounds
    beyond = max(min(easts) - west, east - max(easts), min(norths) - south, north - max(norths))
    if beyond > 2 * grid.resolution:
        raise GridError(
            where,
            "the images reach {beyond:.0f} m beyond the corners that it tells",
            "download the product again",
            beyond=beyond,
        )


def _acquired(mtl: Groups, where: Path) -> datetime:
    date = _get(mtl, _IMAGE, "DATE_ACQUIRED")
    time = _get(mtl, _IMAGE, "SCENE_CENTER_TIME")
    text = None if date is None or time is None else f"{date}T{time}"
    return to_time(text, "DATE_ACQUIRED with SCENE_CENTER_TIME", where)


def _processed(mtl: Groups) -> str:
    groups = ("LEVEL2_PROCESSING_RECORD", "LEVEL1_PROCESSING_RECORD", "METADATA_FILE_INFO")
    return _get(mtl, groups, "DATE_PRODUCT_GENERATED", "FILE_DATE") or ""


def _path_row(mtl: Groups, where: Path) -> str:
    path, row = (to_number(_get(mtl, _IMAGE, key), key, where) for key in ("WRS_PATH", "WRS_ROW"))
    return f"{path:03.0f}{row:03.0f}"


def _cloud(text: str, where: Path) -> float | None:
    percent = to_number(text, "CLOUD_COVER", where)
    return percent if percent >= 0 else None  # -1 stands for "not assessed"


def _layer(source: Source, name: str, fine: Header) -> Band:
    path = raster_name(source, name, DRIVER)
    factor = coarsening(read_header(path, DRIVER), path, fine)
    return Band(path, DRIVER, 1, 1.0, 0.0, None, fine.resolution * factor)
