"""Quality flags: one set of bits for every sensor, and a decoder for each product's own layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntFlag
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.uint8]
Decode = Callable[[NDArray[Any]], Flags]
Decoder = Literal["scl", "qa_pixel", "bqa", "none"] | Decode
"""How the numbers of a quality layer become flags: a name of :data:`DECODERS`, or a function of a
family of products that has its own."""


class Quality(IntFlag):
    """Quality of a pixel, the same bits for every sensor (uint8).

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scene = gl.discover("sample_data/scenes")[0]
    >>> flags = scene.read_quality()
    >>> bool((flags & gl.Quality.CLOUD).any())
    True
    """

    NODATA = 1
    SATURATED = 2
    CLOUD = 4
    CLOUD_SHADOW = 8
    SNOW = 16
    TERRAIN_SHADOW = 32
    STEEP = 64
    CIRRUS = 128


FLAG_ATTRS: dict[str, object] = {
    "long_name": "quality of pixels",
    "flag_masks": np.array([int(flag) for flag in Quality], np.uint8),
    "flag_meanings": " ".join(flag.name.lower() for flag in Quality if flag.name),
}
"""What CF says of an array of flags."""

_SCL_FLAGS = {
    0: Quality.NODATA,
    1: Quality.SATURATED,
    3: Quality.CLOUD_SHADOW,
    8: Quality.CLOUD,
    9: Quality.CLOUD,
    10: Quality.CIRRUS,
    11: Quality.SNOW,
}
"""Classes of the Sentinel-2 scene classification. Class 2 (dark features) means nothing here:
it holds many mountain lakes."""

_QA_PIXEL_FLAGS = {
    0b1: Quality.NODATA,
    0b1000: Quality.CLOUD,
    0b110: Quality.CIRRUS,  # dilated cloud (bit 1) is a margin around cloud, and mostly clear
    0b10000: Quality.CLOUD_SHADOW,
    0b100000: Quality.SNOW,
}
"""Bit masks of Landsat Collection 2 QA_PIXEL (USGS LSDS-1619 and LSDS-1328, table of QA_PIXEL)."""

_HIGH = 0b11
_BQA_CONFIDENCES = {
    5: Quality.CLOUD,
    7: Quality.CLOUD_SHADOW,
    9: Quality.SNOW,
    11: Quality.CIRRUS,
}
"""First bit of each two-bit confidence in Landsat Collection 1 BQA; 3 is high (LSDS-1618)."""


QUALITY_LAYERS: Mapping[str, Decoder] = {"scl": "scl", "qa_pixel": "qa_pixel"}
"""Layers that are known by their own names, and their decoders."""
SATURATION_LAYER = "qa_radsat"
"""The name of Landsat's layer of saturated bands, a bit each."""


def saturation_bits(numbers: Mapping[str, int]) -> int:
    """Return the bits of Landsat's layer that count, by the numbers of bands.

    Those of the bands that outlines are drawn with: bright snow saturates no others.
    """
    return sum(
        1 << numbers[name] - 1 for name in ("blue", "green", "red", "nir") if name in numbers
    )


def as_whole(numbers: NDArray[Any], fill: int) -> NDArray[Any]:
    """Return numbers of classes or bits as whole ones: exports of several bands have one type."""
    if numbers.dtype.kind != "f":
        return numbers
    return np.where(np.isfinite(numbers), numbers, fill).astype(np.uint16)


def set_flag(flags: Flags, where: NDArray[np.bool_], flag: Quality) -> None:
    """Add a flag to some pixels, in place."""
    flags[where] |= np.uint8(flag)


def decode_scl(classes: NDArray[Any]) -> Flags:
    """Return the flags of Sentinel-2 scene classes (uint8, 0–11); other classes are no data."""
    table = np.full(256, Quality.NODATA, np.uint8)
    table[:12] = [_SCL_FLAGS.get(value, 0) for value in range(12)]
    flags: Flags = table[as_whole(classes, 0).astype(np.uint8)]
    return flags


def decode_qa_pixel(bits: NDArray[Any]) -> Flags:
    """Return the flags of Landsat Collection 2 QA_PIXEL numbers (uint16)."""
    bits = as_whole(bits, 1)
    flags = np.zeros(bits.shape, np.uint8)
    for mask, flag in _QA_PIXEL_FLAGS.items():
        set_flag(flags, (bits & mask) != 0, flag)
    return flags


def decode_bqa(bits: NDArray[Any]) -> Flags:
    """Return the flags of Landsat Collection 1 BQA numbers (uint16).

    Cloud is the cloud bit or a high cloud confidence; the others need a high confidence.
    """
    flags = np.zeros(bits.shape, np.uint8)
    set_flag(flags, (bits & 0b1) != 0, Quality.NODATA)
    set_flag(flags, (bits & 0b1100) != 0, Quality.SATURATED)
    set_flag(flags, (bits & 0b10000) != 0, Quality.CLOUD)
    for first, flag in _BQA_CONFIDENCES.items():
        set_flag(flags, (bits >> first) & _HIGH == _HIGH, flag)
    return flags


def decoder_of(decoder: Decoder) -> Decode:
    """Return the function that decodes a quality layer."""
    return decoder if callable(decoder) else DECODERS[decoder]


def tells_snow(decoder: Decoder) -> bool:
    """Tell whether a quality layer has a class or a bit of snow among its lowest sixteen."""
    if decoder == "none":
        return False
    flags = decoder_of(decoder)(np.arange(1 << 16, dtype=np.uint16))
    return bool((flags & Quality.SNOW).any())


DECODERS: dict[str, Decode] = {
    "scl": decode_scl,
    "qa_pixel": decode_qa_pixel,
    "bqa": decode_bqa,
}
"""Decoder of each layer by the name that a scene or a sidecar gives."""
