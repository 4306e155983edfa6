"""Sentinel-2 Level-1C and Level-2A products in the SAFE format, as a folder or a zip.

The images are JPEG 2000, or GeoTIFF with the same names, as Planetary Computer keeps them.

Names and values follow the Products Specification Document (S2-PDGS-TAS-DI-PSD, issue 14 and
later); older Level-2A products with the suffix ``_2A`` in their element names are read too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from affine import Affine
from rasterio.crs import CRS

from glacial_lakes.errors import (
    N_,
    GridError,
    Message,
    MetadataError,
    MissingFileError,
    UnknownProductError,
)
from glacial_lakes.grid import Grid, scaled
from glacial_lakes.scenes.level1c_masks import (
    CLASS_BANDS,
    CLASSES,
    POLYGONS,
    decode_classes,
    decode_polygons,
    polygons_in,
)
from glacial_lakes.scenes.metadata import read_xml, text_in, to_name, to_number, to_sun, to_time
from glacial_lakes.scenes.offsets import FIRST_UNKNOWN_BASELINE, OWN_BASELINE, stored_offset
from glacial_lakes.scenes.plausibility import check_tile, check_time, contradictions
from glacial_lakes.scenes.quality import Decoder
from glacial_lakes.scenes.raster import (
    AnyLayer,
    Band,
    Header,
    StackedLayers,
    coarsening,
    read_header,
)
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import SAID
from glacial_lakes.scenes.source import Source, driver_of, find, find_all, raster_name

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

METADATA = r"MTD_MSIL(?:1C|2A)\.xml"
"""Name of the product metadata, in any case: ``MTD_MSIL2a.xml`` occurs."""

ROWS = (
    Row(
        "Sentinel-2 L2A, bands as JPEG 2000 or, with the same names, GeoTIFF",
        "`.SAFE` folder, `.zip`, `MTD_MSIL2A.xml`",
        "(number + offset of the band) ÷ quantification value; both from the XML",
        "scene classification (SCL)",
    ),
    Row(
        "Sentinel-2 L1C",
        "the same, `MTD_MSIL1C.xml`",
        "the same",
        "MSK_CLASSI (cloud, cirrus, snow); before baseline 04.00 the polygons MSK_CLOUDS",
    ),
)

_BANDS = {
    "blue": ("B02", "B2", 10),
    "green": ("B03", "B3", 10),
    "red": ("B04", "B4", 10),
    "nir": ("B08", "B8", 10),
    "swir1": ("B11", "B11", 20),
    "swir2": ("B12", "B12", 20),
}
"""Common name → name in files, physical band in the metadata, native pixel in metres."""

_NODATA, _SATURATED = 0.0, 65535.0

_LATER_QUANTIFICATION = 2.04
"""Baselines before this also had a quantification value of 1000."""


def open_sentinel2(source: Source, metadata_name: str) -> Scene:
    """Describe a Sentinel-2 product.

    Parameters
    ----------
    source : Source
        Its files.
    metadata_name : str
        The file that matches :data:`METADATA`.

    Raises
    ------
    MissingFileError
        When a band, the scene classification or the granule's metadata is not there.
    MetadataError
        When scale, offset, time or sun are not told: a baseline of 04.00 or later without its
        list of offsets is refused, since nothing else tells whether -1000 was added.
    GridError
        When the images do not lie where the metadata says.
    """
    where = source.path / metadata_name
    product = read_xml(source, metadata_name)
    level = _level(product, where)
    tile_name = _tile_file(source)
    granule_files = source if tile_name is None else source.within(tile_name)
    names = {
        name: _image_file(granule_files, product, level, code, pixel_m)
        for name, (code, _, pixel_m) in _BANDS.items()
    }
    quality_name = _image_file(granule_files, product, level, "SCL", 20) if level == "L2A" else None
    if tile_name is None:
        raise MissingFileError(source.path, "lacks GRANULE/…/MTD_TL.xml", "download it whole")
    tile = read_xml(source, tile_name)

    drivers = {name: driver_of(file) for name, file in names.items()}
    paths = {name: raster_name(source, file, drivers[name]) for name, file in names.items()}
    headers = {name: read_header(path, drivers[name]) for name, path in paths.items()}
    grid, decimated = _grid(tile, headers["green"], source.path / tile_name)
    fine = Header(grid.crs, grid.transform, grid.shape, 1, None)
    nodata, saturated = _special_values(product, where)
    scale, offsets, doubts = _radiometry(product, where)
    doubts += _unusual_values(nodata, saturated)
    bands = {
        name: Band(
            path=path,
            driver=drivers[name],
            index=1,
            scale=scale,
            offset=offsets[_BANDS[name][1]] * scale,
            nodata=nodata,
            resolution=grid.resolution * coarsening(_placed(headers[name], fine), path, fine),
            saturated=saturated,
        )
        for name, path in paths.items()
    }
    quality, decoder = _quality(source, granule_files, quality_name, fine, grid)
    elevation, azimuth = _sun(tile, source.path / tile_name)
    scene_id = _product_id(product, where)
    sensor = _sensor(product, where)
    acquired = to_time(
        text_in(tile, "SENSING_TIME")
        or text_in(product, "PRODUCT_START_TIME")
        or text_in(product, "DATATAKE_SENSING_START"),
        N_("the sensing time"),
        where,
    )
    processed = text_in(product, "GENERATION_TIME") or ""
    check_time(acquired, sensor, where)
    doubts += contradictions(acquired, grid, (elevation, azimuth), processed, scene_id, sensor)
    granule = _tile_id(scene_id, tile, where)
    doubts += _other_tile(granule, text_in(tile, "TILE_ID") or "")
    check_tile(granule, grid, where)
    return Scene(
        id=scene_id,
        path=str(source.path),
        sensor=sensor,
        level=level,
        acquired=acquired,
        grid=grid,
        sun_azimuth_deg=azimuth,
        sun_elevation_deg=elevation,
        bands=bands,
        quality=quality,
        decoder=decoder,
        cloud_percent=_cloud(product, tile, where),
        provenance={
            "product": "sentinel2",
            "baseline": text_in(product, "PROCESSING_BASELINE") or "",
            "processed": processed,
            "granule": granule,
            "datastrip": _datastrip(product, tile),
            "checksum": "unverified",
            "metadata": (metadata_name, tile_name),
            "decimated": decimated,
            "contradictions": tuple(doubts),
        },
    )


def _level(product: Element, where: Path) -> str:
    text = text_in(product, "PROCESSING_LEVEL") or ""
    level = {"Level-1C": "L1C", "Level-2A": "L2A", "Level-2Ap": "L2A"}.get(text)
    if level is None:
        raise UnknownProductError(
            where, "is of the level {text!r}", "give a Level-1C or Level-2A product", text=text
        )
    return level


def _tile_file(source: Source) -> str | None:
    """Return the metadata of the one granule, None where there is none.

    A folder without them is no granule, and one in a folder of its own name is one all the same.
    """
    start = re.compile(re.escape(source.root) + r"GRANULE/(?:[^/]+/)+MTD_TL\.xml", re.IGNORECASE)
    found = [name for name in source.names if start.fullmatch(name)]
    if len(found) > 1:
        raise UnknownProductError(
            source.path,
            Message("holds {count} granule", "holds {count} granules", count=len(found)),
            "download it again, one tile a product",
        )
    return found[0] if found else None


def _product_id(product: Element, where: Path) -> str:
    text = text_in(product, "PRODUCT_URI", "PRODUCT_URI_2A", "PRODUCT_URI_1C")
    return to_name(text, N_("the product name (PRODUCT_URI)"), where).removesuffix(".SAFE")


def _sensor(product: Element, where: Path) -> str:
    spacecraft = text_in(product, "SPACECRAFT_NAME") or ""
    found = SAID.get((spacecraft,))
    if found is None:
        raise MetadataError(
            where,
            "the spacecraft is {spacecraft!r}",
            "give a Sentinel-2 product",
            spacecraft=spacecraft,
        )
    return found.name


def _image_file(source: Source, product: Element, level: str, code: str, pixel_m: int) -> str:
    """Name of an image in the granule; its absence is told by the name that is listed."""
    folder, ending = (
        (f"R{pixel_m}m/", f"_{code}_{pixel_m}m") if level == "L2A" else ("", f"_{code}")
    )
    texts = ((element.text or "").strip() for element in product.iter())
    listed = f"GRANULE/…/IMG_DATA/{folder}…{ending}"
    listed = next((text for text in texts if text.endswith(ending)), listed)
    own = _IMAGE_OF.match(listed.rpartition("/")[2])
    for kind in ("jp2", "tiff?"):
        for above in ("", r"GRANULE/[^/]+/"):  # without metadata of the granule only the latter
            for name in find_all(source, rf"{above}IMG_DATA/{folder}[^/]*{ending}\.{kind}"):
                named = _IMAGE_OF.match(name.rpartition("/")[2])
                if own is None or named is None or named[0].upper() == own[0].upper():
                    return name  # and none of another image, which somebody put beside it
    raise MissingFileError(
        source.path, "lacks {name}", "download the product whole", name=f"{listed}.jp2"
    )


_IMAGE_OF = re.compile(r"T\d{2}[A-Z]{3}_\d{8}T\d{6}(?=_)", re.IGNORECASE)
"""Tile and time with which names of images begin."""


def _special_values(product: Element, where: Path) -> tuple[float, float]:
    values = {
        text_in(element, "SPECIAL_VALUE_TEXT"): text_in(element, "SPECIAL_VALUE_INDEX")
        for element in product.iter("Special_Values")
    }
    return (
        to_number(values.get("NODATA"), Message("the special value {name}", name="NODATA"), where),
        to_number(
            values.get("SATURATED"), Message("the special value {name}", name="SATURATED"), where
        ),
    )


def _unusual_values(nodata: float, saturated: float) -> list[Message]:
    """Return what is wrong with special values: lakes would be taken for either."""
    what = N_("the special value {name} is {value:g}, all products have {usual:g}")
    values = (("NODATA", nodata, _NODATA), ("SATURATED", saturated, _SATURATED))
    return [
        Message(what, name=name, value=value, usual=usual)
        for name, value, usual in values
        if value != usual
    ]


def _radiometry(product: Element, where: Path) -> tuple[float, Mapping[str, float], list[Message]]:
    """Scale, offset in stored numbers by physical band (``B3``), and what contradicts them."""
    quantification = to_number(
        text_in(
            product,
            "BOA_QUANTIFICATION_VALUE",
            "L2A_BOA_QUANTIFICATION_VALUE",
            "QUANTIFICATION_VALUE",
        ),
        N_("the quantification value"),
        where,
    )
    baseline = to_number(
        text_in(product, "PROCESSING_BASELINE"), N_("the processing baseline"), where
    )
    made = None
    if baseline == OWN_BASELINE:
        made = to_time(text_in(product, "GENERATION_TIME"), "GENERATION_TIME", where)
    is_known = baseline < FIRST_UNKNOWN_BASELINE or baseline == OWN_BASELINE
    allowed = (1000.0, 10_000.0) if baseline < _LATER_QUANTIFICATION else (10_000.0,)
    if quantification <= 0:
        raise MetadataError(
            where,
            "{name} is {value}",
            "download the product again",
            name=Message("the quantification value"),
            value=f"{quantification:g}",
        )
    doubts = []
    if is_known and quantification not in allowed:
        doubts.append(
            Message(
                "the quantification value is {value:g}, baseline {baseline:05.2f} has 10000",
                value=quantification,
                baseline=baseline,
            )
        )
    physical = [physical for _, physical, _ in _BANDS.values()]
    listed = {
        element.get("band_id"): element.text
        for tag in ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET")
        for element in product.iter(tag)
    }
    if not listed:
        offset, _ = stored_offset(where, baseline, made=made)
        return 1 / quantification, dict.fromkeys(physical, offset), doubts
    ids = {
        element.get("physicalBand"): element.get("bandId")
        for element in product.iter("Spectral_Information")
    }
    offsets, wrong = {}, []
    for band in physical:
        stated = to_number(
            listed.get(ids.get(band, "")), Message("the offset of {band}", band=band), where
        )
        offsets[band], doubt = stored_offset(where, baseline, listed=stated, made=made)
        wrong += [] if doubt is None else [doubt]
    doubts += wrong[:1]
    return 1 / quantification, offsets, doubts


def _grid(tile: Element, header: Header, where: Path) -> tuple[Grid, bool]:
    """Grid of the 10 m bands, and whether the images are thinned copies of the product's.

    The metadata tells the grid; the image must lie in the same place. A thinned copy covers
    the same area with larger pixels.
    """
    code = text_in(tile, "HORIZONTAL_CS_CODE") or ""
    if not re.fullmatch(r"EPSG:\d+", code):
        raise MetadataError(where, "the CRS is {code!r}", "download the product again", code=code)
    crs = CRS.from_user_input(code)
    size = _of_resolution(tile, "Size", where)
    place = _of_resolution(tile, "Geoposition", where)

    def number(element: Element, tag: str) -> float:
        return to_number(text_in(element, tag), Message("{tag} at 10 m", tag=tag), where)

    rows, cols = int(number(size, "NROWS")), int(number(size, "NCOLS"))
    west, north = number(place, "ULX"), number(place, "ULY")
    width, height = number(place, "XDIM"), number(place, "YDIM")
    nominal = Grid(crs, Affine(width, 0, west, 0, height, north), (rows, cols))
    if header.crs is None and header.shape == nominal.shape:
        return nominal, False
    found = Grid(crs, header.transform, header.shape)
    apart = max(abs(a - b) for a, b in zip(found.bounds, nominal.bounds, strict=True))
    if header.crs != crs or apart > nominal.resolution / 2:
        raise GridError(
            where,
            "the images lie {apart:g} m off the grid that it tells",
            "download it again",
            apart=apart,
        )
    return found, found.shape != nominal.shape


def _of_resolution(tile: Element, tag: str, where: Path) -> Element:
    for element in tile.iter(tag):
        if element.get("resolution") == "10":
            return element
    raise MetadataError(where, "{tag} at 10 m is missing", "download the product again", tag=tag)


def _placed(header: Header, fine: Header) -> Header:
    """Header of an image without a georeference, placed at the corner of the fine grid."""
    if header.crs is not None:
        return header
    factor = max(1, round(fine.shape[0] / header.shape[0]))
    transform = scaled(fine.transform, factor)
    return Header(fine.crs, transform, header.shape, header.count, header.nodata)


def _quality(
    source: Source, granule: Source, classes: str | None, fine: Header, grid: Grid
) -> tuple[AnyLayer | None, Decoder]:
    """Return the scene classification, or the mask of Level 1C where there is one."""
    if classes is not None:
        return _layer(source, classes, fine), "scl"
    mask = find(granule, CLASSES)
    if mask is not None:
        layers = tuple(_layer(source, mask, fine, index) for index in CLASS_BANDS)
        return StackedLayers(layers), decode_classes
    polygons = find(granule, POLYGONS)
    if polygons is not None:
        return polygons_in(source, polygons, grid), decode_polygons
    return None, "none"


def _layer(source: Source, name: str, fine: Header, index: int = 1) -> Band:
    driver = driver_of(name)
    path = raster_name(source, name, driver)
    header = read_header(path, driver)
    if header.count < index:
        raise MetadataError(
            source.path / name,
            "has {count} bands, and band {index} is needed",
            "download the product again",
            count=header.count,
            index=index,
        )
    factor = coarsening(_placed(header, fine), path, fine)
    return Band(path, driver, index, 1.0, 0.0, None, fine.resolution * factor)


def _sun(tile: Element, where: Path) -> tuple[float, float]:
    mean = next(tile.iter("Mean_Sun_Angle"), None)
    zenith, azimuth = (
        to_number(
            None if mean is None else text_in(mean, tag), Message("the sun's {tag}", tag=tag), where
        )
        for tag in ("ZENITH_ANGLE", "AZIMUTH_ANGLE")
    )
    return to_sun(90 - zenith, azimuth, where)


def _cloud(product: Element, tile: Element, where: Path) -> float | None:
    text = text_in(tile, "CLOUDY_PIXEL_PERCENTAGE") or text_in(product, "Cloud_Coverage_Assessment")
    return None if text is None else to_number(text, N_("the cloud cover"), where)


def _datastrip(product: Element, tile: Element) -> str:
    """Return when the data strip begins, as its name tells; empty where it does not."""
    listed = (item.get("datastripIdentifier") or "" for item in product.iter("Granule"))
    name = text_in(tile, "DATASTRIP_ID") or next(listed, "")
    match = re.search(r"_S(\d{8}T\d{6})_", f"{name}_")
    return match[1] if match else ""


def _other_tile(granule: str, tile_id: str) -> list[Message]:
    """Return what is wrong when the metadata of the granule are those of another tile."""
    named = re.search(r"_T(\d{2}[A-Z]{3})_", f"{tile_id}_")
    if named is None or named[1] == granule:
        return []
    what = N_("the metadata of the granule are of the tile {told}, those of the product of {tile}")
    return [Message(what, told=named[1], tile=granule)]


def _tile_id(scene_id: str, tile: Element, where: Path) -> str:
    match = re.search(r"_T(\d{2}[A-Z]{3})_", f"{scene_id}_{text_in(tile, 'TILE_ID') or ''}_")
    if match is None:
        raise MetadataError(where, "the tile is not told", "download the product again")
    return match[1]
