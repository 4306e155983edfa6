"""Objects taller than a strip: put together from the strips that they go through.

To read one again would decode blocks again that take much longer than all else: a long lake, or a
river, has many of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes import water
from glacial_lakes.candidates import VIEW_PX, Candidate, object_at
from glacial_lakes.grid import Grid, within
from glacial_lakes.pixels import Pixels

Bool = NDArray[np.bool_]

AROUND_PX = VIEW_PX + water.MAX_GAP_ROWS
"""What must be known around an object: its view, and the gaps that reach into it."""
BESIDE_PX = AROUND_PX + 160
"""Columns that are kept on both sides of what is known of an object, for it may go sideways."""
MOST_BYTES = 32 * 2**20
"""Of all objects that are followed at a time."""


@dataclass(frozen=True, slots=True)
class Tall:
    """An object that goes on below what is known, with the columns around it."""

    candidate: Candidate
    """As far as it is known; its labels are those of the seeds."""
    parts: tuple[Pixels, ...]
    """One below the other, without a gap."""
    seeds: Bool
    """Of all parts, shape (y, x)."""

    @property
    def window(self) -> Window:
        """Window of all parts."""
        first, height = self.parts[0].window, self.seeds.shape[0]
        return Window(first.col_off, first.row_off, first.width, height)

    @property
    def size_bytes(self) -> int:
        """Memory of the pixels."""
        return sum(part.size_bytes for part in self.parts)

    def pixels(self) -> Pixels:
        """Return all parts as one."""
        return Pixels.stacked(self.parts)


def begin(candidate: Candidate, pixels: Pixels, seeds: Bool, *, is_last: bool) -> Tall:
    """Keep what a strip shows of an object that it cuts, and of what is around.

    Parameters
    ----------
    candidate : Candidate
        Found in these pixels.
    pixels : Pixels
        Of the strip.
    seeds : array of bool
        Of the same pixels.
    is_last : bool
        Whether no strip follows. Else the last rows may change when the next shows the other side
        of gaps, and are left to it.
    """
    own, extent = pixels.window, candidate.extent
    top = max(int(own.row_off), int(extent.row_off) - AROUND_PX)
    left = max(int(own.col_off), int(extent.col_off) - BESIDE_PX)
    right = min(int(own.col_off + own.width), int(extent.col_off + extent.width) + BESIDE_PX)
    window = Window(left, top, right - left, _settled(pixels, is_last) - top)
    part = pixels.cut(window)
    return _told(candidate, (part,), np.ascontiguousarray(seeds[within(window, own)]))


def extended(tall: Tall, pixels: Pixels, seeds: Bool, *, is_last: bool) -> Tall:
    """Return an object with the rows that the next strip adds; parameters as for :func:`begin`."""
    known = tall.window
    end = int(known.row_off + known.height)
    window = Window(known.col_off, end, known.width, _settled(pixels, is_last) - end)
    part = pixels.cut(window)
    all_seeds = np.concatenate([tall.seeds, seeds[within(window, pixels.window)]])
    return _told(tall.candidate, (*tall.parts, part), all_seeds)


def standing(tall: Tall, grid: Grid) -> Literal["whole", "goes on", "beyond"]:
    """Tell whether the parts hold an object with all that is around it, or may with more rows."""
    needed, known = grid.around(tall.candidate.extent, AROUND_PX), tall.window
    if (
        needed.col_off < known.col_off
        or needed.col_off + needed.width > known.col_off + known.width
        or needed.row_off < known.row_off
    ):
        return "beyond"
    below = needed.row_off + needed.height > known.row_off + known.height
    return "goes on" if below else "whole"


def _settled(pixels: Pixels, is_last: bool) -> int:
    end = int(pixels.window.row_off + pixels.window.height)
    return end if is_last else end - water.MAX_GAP_ROWS


def _told(candidate: Candidate, parts: Sequence[Pixels], seeds: Bool) -> Tall:
    """Look the object up in all that is known."""
    tall = Tall(candidate, tuple(parts), seeds)
    return replace(tall, candidate=object_at(*candidate.first, seeds, tall.window))
