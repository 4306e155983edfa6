"""Harmonized Landsat and Sentinel-2 (HLS) of version 2: GeoTIFFs of 30 m, one a band.

Names, factors and bits follow the User Guide of HLS 2.0 (LP DAAC). Each image tells time, sun and
factors in its tags; copies without them have the factors of the version and the sun of their time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.errors import N_, Message, MissingFileError, UnknownProductError
from glacial_lakes.scenes.declared import declared
from glacial_lakes.scenes.files import Stored, bands_in, layer_in, path_of, tags_in
from glacial_lakes.scenes.metadata import to_number, to_sun, to_time
from glacial_lakes.scenes.names import read_name
from glacial_lakes.scenes.plausibility import check_tile
from glacial_lakes.scenes.quality import Flags, Quality, set_flag
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sensors import BY_NAME
from glacial_lakes.scenes.source import Source

METADATA = r"(?P<start>HLS\.[^/]+\.)B03\.tiff?"
"""The green image, which stands for the product."""

ROWS = (
    Row(
        "HLS L30 and S30, version 2.0",
        "folder, its `HLS.*.B03.tif`",
        "tags `scale_factor`, `add_offset`; of copies without tags 0.0001 and 0",
        "Fmask",
    ),
)

SCALE, FILL = 1e-4, -9999.0
"""Of the reflectance of all products."""
_ORBIT = timedelta(hours=2)
"""The name of S30 tells when the sensor began, before an orbit at most, maybe the day before."""
_EACH = re.compile(r"\s*(?:[;,]|\s\+\s)\s*")
"""Between what is told of each of two images that one product was made of."""
NARROW_NIR = "B8A"
"""Of S30 the band that is like the near infrared of Landsat; the wide one where it is missing."""

_FMASK = {
    0b1: Quality.CIRRUS,
    0b10: Quality.CLOUD,
    0b100: Quality.CIRRUS,  # beside cloud or its shadow: mostly clear, as dilated cloud of Landsat
    0b1000: Quality.CLOUD_SHADOW,
    0b10000: Quality.SNOW,
}
_FMASK_FILL = 255


def decode_fmask(bits: NDArray[Any]) -> Flags:
    """Return the flags of Fmask numbers of HLS (uint8)."""
    flags = np.zeros(bits.shape, np.uint8)
    for mask, flag in _FMASK.items():
        set_flag(flags, (bits & mask) != 0, flag)
    flags[bits == _FMASK_FILL] = Quality.NODATA
    return flags


def open_hls(source: Source, metadata_name: str) -> Scene:
    """Describe an HLS product.

    Parameters
    ----------
    source : Source
        Its files.
    metadata_name : str
        The green image.

    Raises
    ------
    UnknownProductError
        When its name has a part that is not known.
    MissingFileError
        When a band or Fmask is not there.
    MetadataError
        When its tags tell no time or sun that can be.
    """
    where = source.path / metadata_name
    start, _, _ = metadata_name.rpartition(".B03.")
    ending = metadata_name.rpartition(".")[2]
    named = read_name(start.rpartition("/")[2], where)
    if named is None or named.time is None:
        raise UnknownProductError(
            where, "is named like HLS, but not as its makers do", "give it its own name back"
        )
    tags = tags_in(source, metadata_name)
    scale = _factor(tags, "scale_factor", SCALE, where)
    offset = _factor(tags, "add_offset", 0.0, where)
    files = {
        band: f"{start}.B{number:02d}.{ending}"
        for band, number in BY_NAME[named.sensor].bands.items()
    }
    narrow = f"{start}.{NARROW_NIR}.{ending}"
    if named.sensor == "HLSS30" and (narrow in source.names or files["nir"] not in source.names):
        files["nir"] = narrow
    bands, grid, finest = bands_in(
        source, {band: Stored(file, scale, offset, FILL) for band, file in files.items()}
    )
    check_tile(named.granule, grid, where, is_always_north=True)
    times = _EACH.split(tags.get("SENSING_TIME", "").strip())
    acquired = to_time(times[0] or named.time.isoformat(), N_("the sensing time"), where)
    doubts = []
    if abs(acquired - named.time) > _ORBIT:
        doubts.append(
            Message(
                "the image is of {day}, but its name tells {named}",
                day=Message.of_day(acquired),
                named=Message.of_day(named.day),
            )
        )
    if not math.isclose(scale, SCALE, rel_tol=1e-6) or offset:  # some tell it as a float of 32 bits
        what = N_(
            "the scale is {scale:g}, the offset {offset:g}; all products have {usual:g} and 0"
        )
        doubts.append(Message(what, scale=scale, offset=offset, usual=SCALE))
    mask = f"{start}.Fmask.{ending}"
    if mask not in source.names:
        raise MissingFileError(source.path, "lacks {name}", "download the product whole", name=mask)
    return Scene(
        **declared(
            where,
            id=start.rpartition("/")[2],
            path=path_of(source, metadata_name, METADATA),
            sensor=named.sensor,
            level="L2",
            acquired=acquired,
            grid=grid,
            bands=bands,
            quality=(layer_in(source, mask, grid, finest), decode_fmask),
            sun=_sun(tags, where),
            cloud_percent=tags.get("cloud_coverage"),
            processed=tags.get("HLS_PROCESSING_TIME", ""),
            doubts=doubts,
            provenance={
                "product": "hls",
                "baseline": named.collection,
                "granule": named.granule,
                "metadata": (metadata_name,),
            },
        )
    )


def _factor(tags: Mapping[str, str], name: str, usual: float, where: Path) -> float:
    return to_number(tags[name], name, where) if name in tags else usual


def _sun(tags: Mapping[str, str], where: Path) -> tuple[float, float] | None:
    """Return elevation and azimuth; of a product of two images those of the first."""
    names = ("MEAN_SUN_ZENITH_ANGLE", "MEAN_SUN_AZIMUTH_ANGLE")
    if not all(name in tags for name in names):
        return None
    zenith, azimuth = (to_number(_EACH.split(tags[name])[0], name, where) for name in names)
    return to_sun(90 - zenith, azimuth, where)
