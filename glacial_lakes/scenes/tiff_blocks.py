"""Where the blocks of a TIFF lie in its file, read from its directories (TIFF 6.0, BigTIFF)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.errors import N_, DamagedFileError

Read = Callable[[int, int], bytes]
"""From the first byte and the number of bytes to these."""

_WIDTH, _HEIGHT, _SAMPLES, _ROWS_PER_STRIP, _PLANAR = 256, 257, 277, 278, 284
_STRIP_OFFSETS, _STRIP_COUNTS = 273, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_TYPES = {1: "u1", 2: "S1", 3: "u2", 4: "u4", 12: "f8", 13: "u4", 16: "u8", 18: "u8"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES |= {13: 4, 16: 8, 17: 8, 18: 8}
_MOST_DIRECTORIES, _MOST_BYTES = 64, 1 << 25


@dataclass(frozen=True)
class Blocks:
    """The blocks of the image in full resolution."""

    shape: tuple[int, int]
    block: tuple[int, int]
    """Rows and columns of a block."""
    offsets: NDArray[np.uint64]
    """First byte of each, row by row, those of one sample after the other; 0: it is not there."""
    sizes: NDArray[np.uint64]

    def touched(self, rows: tuple[int, int], cols: tuple[int, int]) -> Iterator[int]:
        """Yield the numbers of the blocks of the first sample that hold some rows and columns."""
        height, width = self.block
        along = -(-self.shape[1] // width)
        for row in range(rows[0] // height, -(-rows[1] // height)):
            for col in range(cols[0] // width, -(-cols[1] // width)):
                yield row * along + col


def read_blocks(read: Read, where: str) -> Blocks:
    """Return the blocks of a TIFF, having read all that GDAL looks at when it opens the file.

    Raises
    ------
    DamagedFileError
        When it is no TIFF, or its directories are not what they should be.
    """
    try:
        return _read(read)
    except (struct.error, ValueError, LookupError, TypeError, OverflowError):
        what = N_("its directory of blocks cannot be understood")
        raise DamagedFileError(where, what, "download the file whole, and name that") from None


def _read(read: Read) -> Blocks:
    start = read(0, 16)
    order = {b"II": "<", b"MM": ">"}[start[:2]]
    magic, place = struct.unpack(f"{order}HI", start[2:8])
    is_big = magic == 43
    if is_big:
        place = struct.unpack(f"{order}Q", start[8:16])[0]
    elif magic != 42:
        raise ValueError(magic)
    first: dict[int, NDArray[Any]] | None = None
    used = 0
    for _ in range(_MOST_DIRECTORIES):
        tags, place, taken = _directory(read, order, is_big, place)
        used += taken
        if used > _MOST_BYTES:
            raise ValueError(used)
        first = tags if first is None else first
        if not place:
            break
    assert first is not None  # noqa: S101 (there is one in the range)
    shape = int(first[_HEIGHT][0]), int(first[_WIDTH][0])
    if _TILE_OFFSETS in first:
        block = int(first[_TILE_HEIGHT][0]), int(first[_TILE_WIDTH][0])
        offsets, sizes = first[_TILE_OFFSETS], first[_TILE_COUNTS]
    else:
        block = min(int(first[_ROWS_PER_STRIP][0]), shape[0]), shape[1]
        offsets, sizes = first[_STRIP_OFFSETS], first[_STRIP_COUNTS]
    count = -(-shape[0] // block[0]) * -(-shape[1] // block[1])
    if len(offsets) != len(sizes) or len(offsets) % count:
        raise ValueError(len(offsets))
    return Blocks(shape, block, offsets.astype(np.uint64), sizes.astype(np.uint64))


def _directory(
    read: Read, order: str, is_big: bool, place: int
) -> tuple[dict[int, NDArray[Any]], int, int]:
    """Return the tags of a directory, where the next one lies, and the bytes that were read."""
    head, step, link = ("Q", 20, "Q") if is_big else ("H", 12, "I")
    head_bytes, link_bytes = struct.calcsize(head), struct.calcsize(link)
    count = struct.unpack(f"{order}{head}", read(place, head_bytes))[0]
    if not 0 < count < 4096:
        raise ValueError(count)
    content = read(place + head_bytes, count * step + link_bytes)
    tags, used = {}, len(content)
    for number in range(count):
        entry = content[number * step : (number + 1) * step]
        tag, kind, length = struct.unpack(f"{order}HH{link}", entry[: 4 + link_bytes])
        size = _SIZES.get(kind, 1) * length
        data = entry[4 + link_bytes :]
        if size > len(data):
            if size > _MOST_BYTES:
                raise ValueError(size)
            data = read(struct.unpack(f"{order}{link}", data[:link_bytes])[0], size)
            used += size
        if kind in _TYPES and kind != 2:
            tags[tag] = np.frombuffer(data[:size], f"{order}{_TYPES[kind]}")
    return tags, struct.unpack(f"{order}{link}", content[count * step :])[0], used
