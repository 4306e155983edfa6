"""What a scene looks like, kept beside its outlines: the bands that mapping reads, in colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.grid import Grid
from glacial_lakes.io.atomic import whole
from glacial_lakes.mapping.false_colour import false_colour

_BLOCK = 256
_PROFILE = {
    "driver": "GTiff",
    "count": 3,
    "dtype": "uint8",
    "tiled": True,
    "blockxsize": _BLOCK,
    "blockysize": _BLOCK,
    "compress": "JPEG",
    "photometric": "YCBCR",
    "jpeg_quality": 80,
    "sparse_ok": True,
    "bigtiff": "IF_SAFER",
}


class Look:
    """Takes the rows of a scene from top to bottom, and writes whole rows of blocks.

    A block is written once, for what is compressed with losses is not the same after a second time.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._rows = np.zeros((3, _BLOCK, dataset.width), np.uint8)
        self._top = 0

    def add(self, window: Window, reflectance: Mapping[str, NDArray[np.float32]]) -> None:
        """Take rows; those that are left out are not known."""
        colours = false_colour(reflectance)
        left, first = int(window.col_off), int(window.row_off)
        for row in range(first, first + int(window.height)):
            while row >= self._top + _BLOCK:
                self.flush()
            self._rows[:, row - self._top, left : left + colours.shape[2]] = colours[:, row - first]

    def flush(self) -> None:
        """Write the rows that were taken, if any of them is known."""
        height = min(_BLOCK, self._dataset.height - self._top)
        if height > 0:
            for left in range(0, self._dataset.width, _BLOCK):
                part = self._rows[:, :height, left : left + _BLOCK]
                if part.any():
                    window = Window(left, self._top, part.shape[2], height)
                    self._dataset.write(part, window=window)
        self._rows[:] = 0
        self._top += _BLOCK


@contextmanager
def looking(path: Path, grid: Grid) -> Iterator[Look]:
    """Give what writes the look of a scene into a file.

    Parameters
    ----------
    path : pathlib.Path
        The ``.tif`` file.
    grid : Grid
        Of the scene.
    """
    height, width = grid.shape
    with (
        whole(path) as temporary,
        rasterio.open(
            temporary,
            "w",
            width=width,
            height=height,
            crs=grid.crs,
            transform=grid.transform,
            **_PROFILE,
        ) as dataset,
    ):
        look = Look(dataset)
        yield look
        look.flush()
