"""A scene: paths and numbers that tell how to read reflectance and quality, never open files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.grid import Grid

BandName = Literal["blue", "green", "red", "nir", "swir1", "swir2"]
QualityDecoder = Literal["scl", "qa_pixel", "bqa", "none"]


class Quality(IntFlag):
    """Quality of a pixel, the same bits for every sensor (uint8)."""

    NODATA = 1
    SATURATED = 2
    CLOUD = 4
    CLOUD_SHADOW = 8
    SNOW = 16
    TERRAIN_SHADOW = 32
    STEEP = 64
    CIRRUS = 128


@dataclass(frozen=True, slots=True)
class Band:
    """Where one band is stored and how its numbers become reflectance.

    ``reflectance = number * scale + offset`` where the number is neither ``nodata`` nor in
    ``saturated``.
    """

    path: str
    """File name as GDAL takes it (absolute; ``/vsizip/`` and ``/vsitar/`` for archives)."""
    driver: str
    """GDAL driver that must open it: a file that claims to be another format is refused."""
    index: int
    """Band in the file, from 1."""
    scale: float
    offset: float
    nodata: float | None
    resolution: float
    """Pixel edge in metres."""
    saturated: float | None = None
    """Numbers at or above this are saturated."""


@dataclass(frozen=True)
class Scene:
    """One acquisition of one sensor: cheap, immutable and picklable.

    Made by :func:`glacial_lakes.open_scene`, not by hand.
    """

    id: str
    path: str
    """The product folder, archive or file that was opened."""
    sensor: str
    """``S2A``, ``S2B``, ``S2C``, ``LT04``, ``LT05``, ``LE07``, ``LC08``, ``LC09``, or a sidecar's."""
    level: str
    """``L1C``, ``L2A``, ``L1TP``, ``L2SP``, … as the product names it."""
    acquired: datetime
    """Sensing time, aware, UTC."""
    grid: Grid
    """The grid of the finest band; all bands are read on it."""
    sun_azimuth_deg: float | None
    """Clockwise from north."""
    sun_elevation_deg: float | None
    bands: Mapping[str, Band]
    quality: Band | None
    """The product's own quality layer, if any."""
    decoder: QualityDecoder
    """How ``quality`` is decoded into :class:`Quality` bits."""
    cloud_percent: float | None = None
    """The product's own estimate."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Processing baseline, checksum state (``verified``, ``unverified``), and the like."""
