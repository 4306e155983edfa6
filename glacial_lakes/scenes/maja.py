"""Sentinel-2 Level 2A of MAJA, as THEIA and others deliver it (Muscate format), folder or zip.

Reflectance without the correction for slopes (SRE) is preferred to that with it (FRE), which makes
slopes in shade brighter and a lake as uneven as the elevation model is. Bits follow the manual of
MAJA.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.errors import N_, Message, MetadataError, MissingFileError, UnknownProductError
from glacial_lakes.scenes.declared import declared
from glacial_lakes.scenes.files import Stored, bands_in, layer_in, path_of
from glacial_lakes.scenes.metadata import read_xml, text_in, to_name, to_number, to_sun, to_time
from glacial_lakes.scenes.names import read_name
from glacial_lakes.scenes.plausibility import check_tile
from glacial_lakes.scenes.quality import Flags, Quality, set_flag
from glacial_lakes.scenes.raster import StackedLayers
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import BY_NAME
from glacial_lakes.scenes.source import Source, find

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

METADATA = r"(?P<start>(?:SENTINEL|LANDSAT|VENUS)[^/]*_)MTD_ALL\.xml"
"""Name of the metadata, in any case."""

ROWS = (
    Row(
        "Sentinel-2 L2A of MAJA (THEIA), SRE or, without it, FRE",
        "folder, `.zip`, `*_MTD_ALL.xml`",
        "number ÷ quantification value of the XML",
        "MG2, CLM and SAT",
    ),
)

_MG2 = {0b10: Quality.CLOUD, 0b100: Quality.SNOW, 0b1000: Quality.CLOUD_SHADOW}
_HIDDEN = 0b100000
"""Bit of MG2 of ground that the satellite does not see; those of shade are left to the relief."""
_CLM = {
    0b10: Quality.CLOUD,
    0b10000: Quality.CIRRUS,  # the thinnest clouds
    0b1100000: Quality.CLOUD_SHADOW,
    0b10000000: Quality.CIRRUS,
}


def decode_masks(stacked: NDArray[Any]) -> Flags:
    """Return the flags of MG2 and CLM that :class:`StackedLayers` read."""
    flags = np.zeros(stacked.shape, np.uint8)
    ground, cloud = (stacked & 0xFF).astype(np.uint8), (stacked >> 8 & 0xFF).astype(np.uint8)
    for bits, meanings in ((ground, _MG2), (cloud, _CLM)):
        for mask, flag in meanings.items():
            set_flag(flags, (bits & mask) != 0, flag)
    set_flag(flags, (ground & _HIDDEN) != 0, Quality.NODATA)
    return flags


_SATURATED = 0b1111
"""Bits of the mask of saturation in the finest pixels: blue, green, red and near infrared."""


def open_maja(source: Source, metadata_name: str) -> Scene:
    """Describe a product of MAJA.

    Parameters
    ----------
    source : Source
        Its files.
    metadata_name : str
        Its ``*_MTD_ALL.xml``.

    Raises
    ------
    UnknownProductError
        For another satellite than Sentinel-2, or another level than 2A.
    MissingFileError
        When a band or a mask is not there.
    MetadataError
        When scale, time or sun are not told.
    """
    where = source.path / metadata_name
    tree = read_xml(source, metadata_name)
    scene_id = to_name(text_in(tree, "PRODUCT_ID"), "PRODUCT_ID", where)
    named = read_name(scene_id, where)
    if named is None or named.maker != "maja":
        raise UnknownProductError(
            where, "is of the product {name}", "give Sentinel-2 Level 2A of MAJA", name=scene_id
        )
    platform = text_in(tree, "PLATFORM") or ""
    said = BY_NAME[named.sensor].said[0].upper().replace("-", "")
    start = re.escape(metadata_name.rpartition("/")[2][: -len("_MTD_ALL.xml")])
    kind = next(
        (kind for kind in ("SRE", "FRE") if find(source, rf"{start}_{kind}_B3\.tif")), "SRE"
    )
    quantification = to_number(
        text_in(tree, "REFLECTANCE_QUANTIFICATION_VALUE"), N_("the quantification value"), where
    )
    if quantification <= 0:
        raise MetadataError(
            where,
            "{name} is {value}",
            "download the product again",
            name=Message("the quantification value"),
            value=f"{quantification:g}",
        )
    what = Message("the special value {name}", name="nodata")
    nodata = to_number(_named(tree, "SPECIAL_VALUE", "nodata"), what, where)
    bands, grid, finest = bands_in(
        source,
        {
            band: Stored(
                _file(source, rf"{start}_{kind}_B{number}\.tif"), 1 / quantification, 0.0, nodata
            )
            for band, number in BY_NAME[named.sensor].bands.items()
        },
    )
    check_tile(named.granule, grid, where)
    masks = tuple(
        layer_in(source, _file(source, rf"MASKS/{start}_{name}_R1\.tif"), grid, finest)
        for name in ("MG2", "CLM")
    )
    saturated = find(source, rf"MASKS/{start}_SAT_R1\.tif")
    acquired = to_time(text_in(tree, "ACQUISITION_DATE"), "ACQUISITION_DATE", where)
    doubts = []
    if acquired.date() != named.day:
        doubts.append(
            Message(
                "the image is of {day}, but its name tells {named}",
                day=Message.of_day(acquired),
                named=Message.of_day(named.day),
            )
        )
    if platform != said:
        doubts.append(
            Message(
                "the image is of {sensor}, but its name tells {named}", sensor=platform, named=said
            )
        )
    fields = declared(
        where,
        id=scene_id,
        path=path_of(source, metadata_name, METADATA),
        sensor=named.sensor,
        level=named.level,
        acquired=acquired,
        grid=grid,
        bands=bands,
        quality=(StackedLayers(masks), decode_masks),
        sun=_sun(tree, where),
        cloud_percent=_named(tree, "QUALITY_INDEX", "CloudPercent"),
        processed=text_in(tree, "PRODUCTION_DATE") or "",
        doubts=doubts,
        provenance={
            "product": "maja",
            "baseline": text_in(tree, "PRODUCT_VERSION") or "",
            "granule": named.granule,
            "reflectance": kind,
            "metadata": (metadata_name,),
        },
    )
    if saturated is not None:
        layer = layer_in(source, saturated, grid, finest)
        fields |= {"saturation": layer, "saturation_bits": _SATURATED}
    return Scene(**fields)


def _file(source: Source, pattern: str) -> str:
    name = find(source, pattern)
    if name is None:
        text = pattern.replace("\\", "")
        raise MissingFileError(source.path, "lacks {name}", "download the product whole", name=text)
    return name


def _named(tree: Element, tag: str, name: str) -> str | None:
    """Return the text of the element of a tag that has a name."""
    return next((one.text for one in tree.iter(tag) if one.get("name") == name), None)


def _sun(tree: Element, where: Path) -> tuple[float, float]:
    mean = next(tree.iter("Mean_Value_List"), None)
    angles = None if mean is None else next(mean.iter("Sun_Angles"), None)
    zenith, azimuth = (
        to_number(
            None if angles is None else text_in(angles, tag),
            Message("the sun's {tag}", tag=tag),
            where,
        )
        for tag in ("ZENITH_ANGLE", "AZIMUTH_ANGLE")
    )
    return to_sun(90 - zenith, azimuth, where)
