"""Cloud masks of Sentinel-2 Level-1C: a raster of classes, or the polygons before baseline 04.00.

Both are of 60 m. Names and classes follow the Sentinel-2 Products Specification Document.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from glacial_lakes.errors import N_, GridError
from glacial_lakes.grid import Grid, scaled
from glacial_lakes.scenes.metadata import read_xml, to_number
from glacial_lakes.scenes.quality import Flags, Quality, set_flag
from glacial_lakes.scenes.raster import PackedLayer
from glacial_lakes.scenes.source import Source, gdal_name

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

CLASSES = r"(?:QI_DATA|qi)/[^/]*MSK_CLASSI_B00\.jp2"
POLYGONS = r"(?:QI_DATA|qi)/[^/]*MSK_CLOUDS?_B00(?:_MSIL1C)?\.gml"

"""Below the granule of a SAFE, or beside the bands as Amazon keeps them."""

CLASS_BANDS = (3, 1, 2)
"""Snow, opaque cloud and cirrus, in the order in which they are stacked."""
_CLASS_FLAGS = (Quality.SNOW, Quality.CLOUD, Quality.CIRRUS)

_PIXEL_M = 60
_TYPES = {"OPAQUE": (1, Quality.CLOUD), "CIRRUS": (2, Quality.CIRRUS)}


def decode_classes(stacked: NDArray[Any]) -> Flags:
    """Return the flags of snow, opaque cloud and cirrus that were stacked."""
    numbers = stacked.astype(np.uint64)
    flags = np.zeros(numbers.shape, np.uint8)
    for place, flag in enumerate(_CLASS_FLAGS):
        set_flag(flags, (numbers >> np.uint64(8 * place)) & np.uint64(0xFF) != 0, flag)
    return flags


def decode_polygons(bits: NDArray[Any]) -> Flags:
    """Return the flags of polygons that :func:`polygons_in` drew."""
    flags = np.zeros(bits.shape, np.uint8)
    for bit, flag in _TYPES.values():
        set_flag(flags, (bits & bit) != 0, flag)
    return flags


def polygons_in(source: Source, name: str, grid: Grid) -> PackedLayer:
    """Draw the polygons of clouds on pixels of 60 m.

    Parameters
    ----------
    source : Source
        The files of the product.
    name : str
        The GML file.
    grid : Grid
        That of the bands.

    Raises
    ------
    DamagedFileError
        When it is no XML.
    MetadataError
        When a corner is no number.
    GridError
        When it lies in another zone than the images.
    """
    from rasterio.features import rasterize  # noqa: PLC0415 - most products have no polygons

    where = source.path / name
    tree = read_xml(source, name)
    factor = max(1, round(_PIXEL_M / grid.resolution))
    transform = scaled(grid.transform, factor)
    rows, cols = (-(-size // factor) for size in grid.shape)
    _check_crs(tree, grid, where)
    shapes = []
    for feature in tree.iter():
        if not feature.tag.endswith("}MaskFeature"):
            continue
        kind = next((one.text for one in feature.iter() if one.tag.endswith("}maskType")), None)
        rings = [
            _ring(one.text or "", where) for one in feature.iter() if one.tag.endswith("}posList")
        ]
        bit, _ = _TYPES.get((kind or "").strip().upper(), (1, Quality.CLOUD))
        if rings and len(rings[0]) > 3:
            outline = {"type": "Polygon", "coordinates": [r for r in rings if len(r) > 3]}
            shapes.append((outline, bit))
    drawn = np.zeros((rows, cols), np.uint8)
    for bit, _ in _TYPES.values():
        some = [shape for shape, own in shapes if own == bit]
        if some:
            drawn |= _drawn(rasterize, some, (rows, cols), transform) * np.uint8(bit)
    return PackedLayer(
        gdal_name(source, name), (rows, cols), zlib.compress(drawn.tobytes()), float(_PIXEL_M)
    )


def _drawn(
    rasterize: Any, shapes: list[dict[str, Any]], size: tuple[int, int], transform: Affine
) -> NDArray[np.uint8]:
    drawn: NDArray[np.uint8] = rasterize(shapes, size, transform=transform, dtype="uint8")
    return drawn


def _check_crs(tree: Element, grid: Grid, where: Path) -> None:
    """Refuse polygons of another zone; a file without clouds may tell none."""
    named = next((one.get("srsName") for one in tree.iter() if one.get("srsName")), None)
    code = (named or "").rpartition(":")[2]
    if code and code != str(grid.crs.to_epsg()):
        raise GridError(
            where,
            "lies in EPSG:{code}, the images in EPSG:{own}",
            "download the product again",
            code=code,
            own=grid.crs.to_epsg(),
        )


def _ring(text: str, where: Path) -> list[tuple[float, float]]:
    numbers = [to_number(part, N_("a corner of a cloud"), where) for part in text.split()]
    return list(zip(numbers[::2], numbers[1::2], strict=False))
