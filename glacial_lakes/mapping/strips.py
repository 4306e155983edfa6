"""A scene from top to bottom in strips: each pixel is read once, and a view holds what is around.

Memory follows the strip and not the scene. The next strip is decoded, in threads of its own,
while the one before is worked on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import rasterio
from rasterio.windows import Window

from glacial_lakes.grid import shifted, within
from glacial_lakes.mapping.pixels import NO_PATH, Pixels, Planes, fill_masks
from glacial_lakes.mapping.read_mask import Blocks
from glacial_lakes.scenes import Scene, block_row_bytes, keep_open
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.raster import parts_of
from glacial_lakes.terrain import Terrain

Span = tuple[int, int]

LEAST_CACHE_BYTES = 16 * 2**20
READERS = 2
"""Threads that decode. Each keeps its own bands, so that their blocks stay in its cache."""
ABOVE_PX = 64
"""Rows above the core: what is around an object, and gaps that are bridged."""
BELOW_PX = 192
"""Rows below it: most objects that begin in the core end there, the others are followed."""
HELD_PX = ABOVE_PX + BELOW_PX


@dataclass(frozen=True, slots=True)
class Strip:
    """Rows of a scene that are worked on together."""

    core: Span
    """First and end row; no other strip has them."""
    pixels: Pixels
    """The core and the rows around it, as far as the scene goes."""
    is_last: bool
    """Whether no other follows."""


def strips(
    scene: Scene,
    names: Sequence[str],
    find_terrain: Callable[[], Terrain | None],
    blocks: Blocks,
    rows: int,
    path: Mapping[str, float] = NO_PATH,
) -> Iterator[Strip]:
    """Yield a scene from top to bottom.

    The pixels of a strip hold until the next but one is asked for; only their last MAX_GAP_ROWS,
    which no candidate of it needs, may change when the next shows the other side of gaps.

    Parameters
    ----------
    scene : Scene
    names : sequence of str
        Bands that are read.
    find_terrain : callable
        Gives the terrain, or None; called while the first rows are decoded.
    blocks : Blocks
        What is read; the rest counts as not observed.
    rows : int
        Rows that are read at a time; cores are as high.
    path : mapping of str to float
        Reflectance of the air by band, which is taken off.
    """
    extent = blocks.extent
    first_row, left, width = int(extent.row_off), int(extent.col_off), int(extent.width)
    end_row = first_row + int(extent.height)
    parts = [range(first, len(names), READERS) for first in range(READERS)]
    count = -(-int(extent.height) // rows)
    places = list(_places(count, rows))
    planes = Planes.empty(names, max(places, default=0) + rows, width)

    def fill(number: int, bands: range) -> None:
        """Read the rows of a strip below those of the one before."""
        place = planes.rows(places[number], places[number] + rows)
        top = first_row + number * rows
        if not blocks.wanted.all():
            place.bands[bands.start :: bands.step] = np.nan
            if bands.start == 0:
                place.flags[:] = int(Quality.NODATA)
        for window in blocks.runs(top, min(end_row, top + rows)):
            there = within(window, Window(left, top, width, rows))
            out = place.bands[bands.start :: bands.step, *there]
            scene.read(names[bands.start :: bands.step], window, out=out)
            if bands.start == 0:
                place.flags[there] = scene.read_flags(window)

    with ExitStack() as stack:
        cache = cache_bytes(scene, names)
        readers = [stack.enter_context(_reader(cache)) for _ in parts]

        def begin(number: int) -> list[Future[None]]:
            return [
                reader.submit(fill, number, part)
                for reader, part in zip(readers, parts, strict=True)
            ]

        reading = begin(0) if count else []
        terrain = find_terrain()
        for number, place in enumerate(places):
            for part in reading:
                part.result()
            last = number == count - 1
            if not last:
                reading = begin(number + 1)
            if number and place == HELD_PX:  # those above lie at the end
                end = places[number - 1] + rows
                planes.copy_rows(end - HELD_PX, end, to=0)
            new_row = first_row + number * rows
            held, new = min(HELD_PX, new_row - first_row), min(rows, end_row - new_row)
            part_of = planes.rows(place - held, place + new)
            top = new_row - held
            transform = shifted(scene.grid.transform, top, left)
            fill_masks(part_of, held, transform, terrain, path)
            core = (
                max(first_row, new_row - BELOW_PX),
                end_row if last else new_row + rows - BELOW_PX,
            )
            if core[0] >= core[1]:
                continue
            above = max(first_row, core[0] - ABOVE_PX)
            window = Window(left, above, width, new_row + new - above)
            transform = shifted(scene.grid.transform, above, left)
            part_of = part_of.rows(above - top, held + new)
            yield Strip(core, part_of.pixels(window, transform, terrain), last)


def _places(count: int, rows: int) -> Iterator[int]:
    """Yield where the new rows of each strip lie, with HELD_PX from those before above them.

    One strip follows the other. At the end they begin anew; there is room for the strip that is
    given, the one before and the one that is read, which do not overlap.
    """
    around = 3 - -HELD_PX // rows
    for number in range(count):
        yield HELD_PX + number % around * rows


def cache_bytes(scene: Scene, names: Sequence[str]) -> int:
    """Return the block cache that some bands of a scene need so that no block is decoded twice.

    A row of blocks of each band, for it is higher than what is read at a time; two of coarser
    bands, which are read a pixel beyond.
    """
    bands = [scene.bands[name] for name in names]
    for layer in (scene.quality, scene.saturation):
        bands += [] if layer is None else parts_of(layer)
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
