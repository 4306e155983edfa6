"""A scene from top to bottom in strips: each pixel is read once, and a view holds what is around.

Memory follows the strip and not the scene. The next strip is decoded, in threads of its own,
while the one before is worked on.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.blocks import Blocks
from glacial_lakes.pixels import Pixels, band_names, make_pixels
from glacial_lakes.scenes import Scene, block_row_bytes, keep_open
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.terrain import Terrain

Float = NDArray[np.float32]
Flags = NDArray[np.uint8]
Span = tuple[int, int]

LEAST_CACHE_BYTES = 32 * 2**20
READERS = 2
"""Threads that decode. Each keeps its own bands, so that their blocks stay in its cache."""
ABOVE_PX = 64
"""Rows above the core: what is around an object, and gaps that are bridged."""
BELOW_PX = 256
"""Rows below it: an object that begins in the core is seldom taller; then it is read once more."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Rows of a scene that are worked on together."""

    core: Span
    """First and end row; no other strip has them."""
    pixels: Pixels
    """The core and the rows around it, as far as the scene goes."""


def strips(scene: Scene, terrain: Terrain | None, blocks: Blocks, rows: int) -> Iterator[Strip]:
    """Yield a scene from top to bottom.

    The pixels of a strip hold only until the next but one is asked for.

    Parameters
    ----------
    scene : Scene
    terrain : Terrain, optional
    blocks : Blocks
        What is read; the rest counts as not observed.
    rows : int
        Rows that are read at a time; cores are as high.
    """
    extent = blocks.extent
    first_row, left, width = int(extent.row_off), int(extent.col_off), int(extent.width)
    end_row = first_row + int(extent.height)
    names = band_names(scene)
    parts = [range(first, len(names), READERS) for first in range(READERS)]
    held = ABOVE_PX + BELOW_PX
    buffers: list[tuple[Float, Flags]] = [
        (
            np.empty((len(names), held + rows, width), np.float32),
            np.empty((held + rows, width), np.uint8),
        )
        for _ in range(2 if extent.height > rows else 1)
    ]

    def fill(number: int, bands: range) -> None:
        """Read rows into the last part of a buffer; those above are there, or come from before."""
        raw, flags = buffers[number % len(buffers)]
        raw, flags = raw[bands.start :: bands.step, held:], flags[held:]
        top = first_row + number * rows
        if not blocks.wanted.all():
            raw[:] = np.nan
            if bands.start == 0:
                flags[:] = int(Quality.NODATA)
        for window in blocks.runs(top, min(end_row, top + rows)):
            down, along = window.toslices()
            there = slice(along.start - left, along.stop - left)
            place = np.s_[..., down.start - top : down.stop - top, there]
            scene.read(names[bands.start :: bands.step], window, out=raw[place])
            if bands.start == 0:
                flags[place] = scene.read_flags(window)

    with ExitStack() as stack:
        cache = cache_bytes(scene)
        readers = [stack.enter_context(_reader(cache)) for _ in parts]

        def begin(number: int) -> list[Future[None]]:
            return [
                reader.submit(fill, number, part)
                for reader, part in zip(readers, parts, strict=True)
            ]

        count = -(-int(extent.height) // rows)
        reading = begin(0) if count else []
        for number in range(count):
            for part in reading:
                part.result()
            raw, flags = buffers[number % len(buffers)]
            if number:
                raw_before, flags_before = buffers[(number - 1) % len(buffers)]
                raw[:, :held], flags[:held] = raw_before[:, rows:], flags_before[rows:]
            last = number == count - 1
            if not last:
                reading = begin(number + 1)
            new_row = first_row + number * rows
            core = (
                max(first_row, new_row - BELOW_PX),
                end_row if last else new_row + rows - BELOW_PX,
            )
            if core[0] >= core[1]:
                continue
            top, bottom = max(first_row, core[0] - ABOVE_PX), min(end_row, new_row + rows)
            part_of = np.s_[..., held - (new_row - top) : held + bottom - new_row, :]
            window = Window(left, top, width, bottom - top)
            yield Strip(core, make_pixels(scene, window, raw[part_of], flags[part_of], terrain))


def cache_bytes(scene: Scene) -> int:
    """Return the block cache that a scene needs so that no block is decoded twice.

    A row of blocks of each band, for it is higher than what is read at a time; two of coarser
    bands, which are read a pixel beyond.
    """
    bands = [scene.bands[name] for name in band_names(scene)]
    bands += [band for band in (scene.quality, scene.saturation) if band is not None]
    rows = [
        block_row_bytes(band) * (2 if band.resolution > 1.5 * scene.grid.resolution else 1)
        for band in bands
    ]
    return LEAST_CACHE_BYTES + sum(rows)


@contextmanager
def _reader(cache: int) -> Iterator[ThreadPoolExecutor]:
    """Give a thread whose datasets stay open until the end."""
    with ThreadPoolExecutor(1, "decode") as thread, ExitStack() as kept:
        for context in (rasterio.Env(GDAL_CACHEMAX=cache), keep_open()):
            thread.submit(kept.enter_context, context).result()
        try:
            yield thread
        finally:
            thread.submit(kept.close).result()
