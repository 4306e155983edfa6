"""Products of satellites as scenes: reflectance and quality on one grid, whoever made them."""

from __future__ import annotations

from glacial_lakes.scenes.integrity import verify
from glacial_lakes.scenes.products import discover, find_products, open_scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.raster import Band, block_row_bytes, block_shape, keep_open
from glacial_lakes.scenes.scene import BandName, Scene

__all__ = [
    "Band",
    "BandName",
    "Quality",
    "Scene",
    "block_row_bytes",
    "block_shape",
    "discover",
    "find_products",
    "keep_open",
    "open_scene",
    "verify",
]
