"""One array of a Zarr store as a raster, read in whole chunks. Whoever imports this needs zarr.

Zarr names the codecs of an array in its metadata, and some of those that exist run code of the
file (``pickle``) or unpack without bounds. Only those are used that products of satellites have,
and what their chunks say of their size is looked at before they are unpacked.
"""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    GlacialLakesError,
    Message,
    MissingFileError,
    ResourceError,
    UnsafeInputError,
)
from glacial_lakes.io.parsing import json_of
from glacial_lakes.io.zips import open_zip
from glacial_lakes.scenes import remote
from glacial_lakes.scenes.remote import is_remote
from glacial_lakes.scenes.source import MAX_METADATA_BYTES, require_plain

CODECS = {
    "blosc",
    "zstd",
    "bytes",
    "crc32c",
    "sharding_indexed",
    "scale_offset",
    "cast_value",
}
"""Of Zarr 3, and of ``numcodecs`` with its prefix or without; those that zarr does not know yet are
refused by it."""

_IN_ZIP = re.compile(r"/vsizip/\{(?P<archive>.+)\}/(?P<node>.*)", re.DOTALL)
_AGAIN = N_("download the product again")
_CRC_BYTES = 4
"""After the index of a shard."""


class ZarrArray:
    """An open array (y, x) with what is asked of a dataset of rasterio.

    Decoded chunks are kept as far as the last window touched their rows: strips are lower.
    """

    count = 1
    crs = None
    transform = Affine.identity()
    nodata = None
    scales, offsets = (1.0,), (0.0,)
    """Those of its attributes are the reader's business."""

    def __init__(self, path: str, most_pixels: int, most_bytes: int) -> None:
        self._path = path
        store, node = _store(path, most_bytes)
        try:
            document = _document(path)
            self.shape = _shape_within(document, path, most_pixels, most_bytes)
            self._codecs = _codecs(document)
            version = document["zarr_format"]
            array = zarr.open_array(store, path=node, mode="r", zarr_format=version)
            self.dtypes = (_number_type(array.dtype, path),)
        except GlacialLakesError:
            raise
        except Exception as error:  # zarr and its codecs raise whatever
            raise _damaged(path, error) from error
        self._store, self._array = store, array
        self.block_shapes = [(int(array.chunks[0]), int(array.chunks[1]))]
        self._kept: dict[tuple[int, int], NDArray[Any]] = {}

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.shape[1]

    def read(
        self, index: int, window: Window | None = None, out_shape: tuple[int, int] | None = None
    ) -> NDArray[Any]:
        """Return the numbers of a window, or of every so manyeth pixel of all.

        Parameters
        ----------
        index : int
            1.
        window : Window, optional
            Whole pixels inside the array; default all.
        out_shape : tuple of int, optional
            Rows and columns of a thinned copy of all.
        """
        if out_shape is not None:
            return self._thinned(*out_shape)
        rows_of, cols_of = (slice(0, size) for size in self.shape)
        if window is not None:
            rows_of, cols_of = window.toslices()
        return self._window(rows_of, cols_of)

    def _thinned(self, height: int, width: int) -> NDArray[Any]:
        """Return some rows and columns of all, a row of chunks after the other."""
        rows = np.arange(height) * self.height // height
        cols = np.arange(width) * self.width // width
        edge = self.block_shapes[0][0]
        parts = []
        for number in np.unique(rows // edge):
            chosen = rows[rows // edge == number]
            span = slice(int(chosen[0]), int(chosen[-1]) + 1)
            parts.append(self._window(span, slice(0, self.width))[chosen - span.start][:, cols])
        return np.concatenate(parts)

    def _window(self, rows: slice, cols: slice) -> NDArray[Any]:
        height, width = self.block_shapes[0]
        down = range(rows.start // height, -(-rows.stop // height))
        along = range(cols.start // width, -(-cols.stop // width))
        numbers = np.empty((rows.stop - rows.start, cols.stop - cols.start), self.dtypes[0])
        self._kept = {place: chunk for place, chunk in self._kept.items() if place[0] in down}
        places = [(row, col) for row in down for col in along]
        missing = [place for place in places if place not in self._kept]
        self._kept |= zip(missing, self._chunks(missing), strict=True)
        for row, col in places:
            top, left = row * height, col * width
            first, end = max(rows.start, top), min(rows.stop, top + height)
            start, stop = max(cols.start, left), min(cols.stop, left + width)
            numbers[
                first - rows.start : end - rows.start, start - cols.start : stop - cols.start
            ] = self._kept[row, col][first - top : end - top, start - left : stop - left]
        return numbers

    def _chunks(self, places: Sequence[tuple[int, int]]) -> list[NDArray[Any]]:
        """Return decoded chunks; those of a server are fetched several at a time."""
        height, width = self.block_shapes[0]
        starts = [(row * height, col * width) for row, col in places]
        if len(starts) < 2 or not is_remote(self._path):
            return [self._chunk(*start) for start in starts]
        with ThreadPoolExecutor(min(remote.TOGETHER, len(starts)), "fetch") as pool:
            return list(pool.map(lambda start: self._chunk(*start), starts))

    def _chunk(self, row: int, col: int) -> NDArray[Any]:
        height, width = self.block_shapes[0]
        try:
            numbers = np.asarray(self._array[row : row + height, col : col + width])
        except (MissingFileError, ResourceError):
            raise
        except Exception as error:  # as above
            path = self._path
            if is_remote(path):
                path = remote.address_of(path)
                self._drop(row, col)
            if isinstance(error, GlacialLakesError):
                raise
            raise _damaged(path, error) from error
        return np.ascontiguousarray(numbers, dtype=self.dtypes[0])

    def _drop(self, row: int, col: int) -> None:
        """Remove the file of a chunk that is none as its server gave it."""
        down, across = self._array.shards or self.block_shapes[0]
        name = self._array.metadata.encode_chunk_key((row // down, col // across))
        file = remote.beside(self._path, name)
        if file is not None:
            remote.drop(file)

    def touched(self, rows: tuple[int, int], cols: tuple[int, int]) -> set[int]:
        """Return the numbers of the chunks that hold some rows and columns, row by row."""
        height, width = self.block_shapes[0]
        along = -(-self.width // width)
        return {
            row * along + col
            for row in range(rows[0] // height, -(-rows[1] // height))
            for col in range(cols[0] // width, -(-cols[1] // width))
        }

    def lacking_bytes(self, numbers: set[int], index: int) -> int:
        """Return how many bytes are still to be fetched from a server for some chunks.

        The start of each of their files is, for that tells its size; of a shard its index is, too.
        """
        height, width = self.block_shapes[0]
        down, across = (
            edge // inner
            for edge, inner in zip(
                self._array.shards or (height, width), (height, width), strict=True
            )
        )
        files: dict[tuple[int, int], list[int]] = {}
        for number in numbers:
            row, col = divmod(number, -(-self.width // width))
            held = files.setdefault((row // down, col // across), [])
            held.append(row % down * across + col % across)
        lacking = 0
        for place, chunks in files.items():
            path = remote.beside(self._path, self._array.metadata.encode_chunk_key(place))
            if path is not None:
                parts = [(0, remote.size_of(path))]
                if self._array.shards is not None:
                    parts = self._parts_of_shard(path, chunks, down * across)
                lacking += remote.lacking_bytes(path, parts)
        return lacking

    def _parts_of_shard(
        self, path: str, chunks: Sequence[int], count: int
    ) -> list[tuple[int, int]]:
        """Return first and end byte of some chunks of a shard, by its index (ZEP 2)."""
        size, length = remote.size_of(path), 16 * count
        shard = next(one for one in self._codecs if one.get("name") == "sharding_indexed")
        start = 0
        if shard["configuration"].get("index_location", "end") == "end":
            start = size - length - _CRC_BYTES
        index = np.frombuffer(remote.read_part(path, start, start + length), "<u8").reshape(-1, 2)
        found = [tuple(index[chunk].tolist()) for chunk in chunks]
        return [(first, first + taken) for first, taken in found if first < size]

    def close(self) -> None:
        """Forget what was decoded, and close the file."""
        self._kept = {}
        self._store.close()

    def __enter__(self) -> ZarrArray:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def line_of(path: str, most: int) -> NDArray[np.float64]:
    """Return an array of one dimension, such as a coordinate, of at most so many numbers."""
    store, node = _store(path, 8 * most)
    try:
        document = _document(path)
        _check_codecs(_codecs(document), path)
        shape = tuple(int(size) for size in document["shape"])
        if len(shape) != 1 or shape[0] > most:
            raise UnsafeInputError(path, "is no line of {most} numbers", _AGAIN, most=most)
        numbers: NDArray[np.float64] = np.asarray(
            zarr.open_array(store, path=node, mode="r", zarr_format=document["zarr_format"])[:],
            np.float64,
        )
    except GlacialLakesError:
        raise
    except Exception as error:  # as above
        raise _damaged(path, error) from error
    return numbers


def _store(path: str, most_bytes: int) -> tuple[Any, str]:
    """Return the store of an array, and the name of the array in it."""
    if is_remote(path):
        return _Store(partial(_of_server, path), most_bytes), ""
    packed = _IN_ZIP.fullmatch(path)
    if packed is None:
        return _Store(partial(_of_folder, Path(path)), most_bytes), ""
    archive = open_zip(packed["archive"])
    return _Store(partial(_of_zip, archive), most_bytes, archive.close), packed["node"]


Part = RangeByteRequest | OffsetByteRequest | SuffixByteRequest | None
"""Of a file; None: all."""


class _Store(MemoryStore):
    """Files that are only read, wherever they are: zarr gets no chunk that was not looked at."""

    supports_writes = supports_deletes = supports_listing = False

    def __init__(
        self,
        read: Callable[[str, Part], bytes | None],
        most_bytes: int,
        close: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(read_only=True)
        self._read, self._most_bytes, self._end = read, most_bytes, close

    def get_sync(self, key: str, *, prototype: Any = None, byte_range: Any = None) -> Any:
        content = self._read(key, byte_range)
        if content is None:
            return None
        if not key.endswith(("zarr.json", ".zarray", ".zattrs", ".zgroup")):
            _check_chunk(content[:18], self._most_bytes, key)
        return (prototype or default_buffer_prototype()).buffer.from_bytes(content)

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        return await asyncio.to_thread(
            self.get_sync, key, prototype=prototype, byte_range=byte_range
        )

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._read, key, None) is not None

    def close(self) -> None:
        if self._end is not None:
            self._end()
        super().close()


def _of_folder(folder: Path, key: str, part: Part) -> bytes | None:
    path = folder / key
    try:
        require_plain(path)
        with path.open("rb") as stream:
            start, end = _ends(part, path.stat().st_size)
            stream.seek(start)
            return stream.read(end - start)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _of_zip(archive: zipfile.ZipFile, key: str, part: Part) -> bytes | None:
    try:
        item = archive.getinfo(key)
    except KeyError:
        return None
    start, end = _ends(part, item.file_size)
    with archive.open(item) as stream:
        stream.seek(start)
        return stream.read(end - start)


def _of_server(array: str, key: str, part: Part) -> bytes | None:
    path = remote.beside(array, key)
    if path is None:
        return None
    start, end = _ends(part, remote.size_of(path))
    return remote.read_part(path, start, end)


def _ends(part: Part, size: int) -> tuple[int, int]:
    """Return first and end byte of a part of a file of some size."""
    if isinstance(part, RangeByteRequest):
        return part.start, min(part.end, size)
    if isinstance(part, OffsetByteRequest):
        return part.offset, size
    return (0 if part is None else max(0, size - part.suffix)), size


_ZSTD = b"\x28\xb5\x2f\xfd"


def _check_chunk(first: bytes, most_bytes: int, key: str) -> None:
    """Refuse a compressed chunk that says that it unpacks to more than any chunk holds."""
    if first.startswith(_ZSTD):
        size = _zstd_size(first)
    elif len(first) >= 16 and first[0] in (1, 2):  # Blosc: version, …, 4 bytes of size
        size = int.from_bytes(first[4:8], "little")
        if int.from_bytes(first[12:16], "little") < 16:
            return  # not Blosc: numbers as they are
    else:
        return
    if size is None or size > most_bytes:
        what = Message(
            "its part {key} would unpack to more than {most} MB", key=key, most=most_bytes // 10**6
        )
        raise UnsafeInputError(None, what, _AGAIN)


def _zstd_size(first: bytes) -> int | None:
    """Return the size that a frame of Zstandard tells of its content (RFC 8878, 3.1.1.1)."""
    descriptor = first[4]
    flag, is_single, ids = descriptor >> 6, descriptor >> 5 & 1, descriptor & 3
    length = (1 if is_single else 0) if flag == 0 else 1 << flag
    start = 5 + (not is_single) + (0, 1, 2, 4)[ids]
    size = int.from_bytes(first[start : start + length], "little")
    return size + (256 if flag == 1 else 0) if length else None


def _document(path: str) -> Mapping[str, Any]:
    """Return the metadata of an array, of either version."""
    for name in ("zarr.json", ".zarray"):
        content = _bytes_of(path, name)
        if content is not None:
            document = json_of(content)
            if isinstance(document, dict):
                return document
    raise DamagedFileError(path, "is no array of Zarr", _AGAIN)


def _bytes_of(path: str, name: str) -> bytes | None:
    if is_remote(path):  # stands for the metadata themselves
        there = remote.address_of(path).endswith(f"/{name}")
        return remote.read_part(path, 0, remote.size_of(path)) if there else None
    packed = _IN_ZIP.fullmatch(path)
    if packed is None:
        file = Path(path) / name
        if not file.exists():
            return None
        require_plain(file)
        with file.open("rb") as stream:
            return stream.read(MAX_METADATA_BYTES)
    with open_zip(packed["archive"]) as archive:
        inner = f"{packed['node']}/{name}"
        if inner not in archive.namelist():
            return None
        with archive.open(inner) as member:
            return member.read(MAX_METADATA_BYTES)


def _shape_within(
    document: Mapping[str, Any], path: str, most_pixels: int, most_bytes: int
) -> tuple[int, int]:
    shape = tuple(int(size) for size in document["shape"])
    if len(shape) != 2 or not all(shape):
        raise DamagedFileError(path, "is no raster but has the shape {shape}", _AGAIN, shape=shape)
    if shape[0] * shape[1] > most_pixels:
        what = Message(
            "the header claims {width} x {height} pixels", width=shape[1], height=shape[0]
        )
        raise UnsafeInputError(path, what, "no scene is as large; download it again")
    codecs = _codecs(document)
    _check_codecs(codecs, path)
    chunk = document["chunks"] if "chunks" in document else _inner_chunk(document, codecs)
    size = 8 * int(np.prod([int(edge) for edge in chunk], dtype=object))
    if size > most_bytes:
        what = Message("has compressed blocks of {size} MiB", size=size >> 20)
        raise UnsafeInputError(path, what, _AGAIN)
    return shape[0], shape[1]


def _inner_chunk(document: Mapping[str, Any], codecs: list[Mapping[str, Any]]) -> list[int]:
    for codec in codecs:
        if codec.get("name") == "sharding_indexed":
            return list(codec["configuration"]["chunk_shape"])
    return list(document["chunk_grid"]["configuration"]["chunk_shape"])


def _codecs(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return all codecs of an array, also those of its shards."""
    found = [*(document.get("filters") or ()), document.get("compressor")]
    waiting = [*found, *document.get("codecs", ())]
    codecs = []
    while waiting:
        codec = waiting.pop(0)
        if codec is None:
            continue
        codec = {"name": codec} if isinstance(codec, str) else codec
        codecs.append(codec)
        inner = codec.get("configuration") or {}
        waiting += [*inner.get("codecs", ()), *inner.get("index_codecs", ())]
    return codecs


def _check_codecs(codecs: list[Mapping[str, Any]], path: str) -> None:
    for codec in codecs:
        name = str(codec.get("name") or codec.get("id"))
        if name.removeprefix("numcodecs.") not in CODECS:
            raise UnsafeInputError(
                path,
                "is packed with {codec}, which is not read",
                "write it again with Blosc or Zstandard",
                codec=repr(name),
            )


def _number_type(kind: Any, path: str) -> str:
    kind = np.dtype(kind).newbyteorder("=")
    if kind.kind not in "uif":
        raise UnsafeInputError(
            path, "holds {kinds} numbers", "give reflectance, not radar phase", kinds=str(kind)
        )
    return str(np.dtype(np.float64) if kind.itemsize == 2 and kind.kind == "f" else kind)


def _damaged(path: str, error: Exception) -> DamagedFileError:
    reason = " ".join(f"{error}".split()) or type(error).__name__
    return DamagedFileError(path, "cannot be read ({reason})", _AGAIN, reason=reason[:200])
