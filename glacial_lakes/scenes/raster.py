"""One stored band: its header is checked, and its numbers are read within bounds.

GDAL is told the one driver that may open a file, gets absolute names only, and takes nothing
from files that lie beside it (``.aux.xml`` can replace CRS and nodata without a word).
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.windows import Window

from glacial_lakes.errors import DamagedFileError, GridError, Message, UnsafeInputError
from glacial_lakes.grid import named_crs, scaled
from glacial_lakes.io.drivers import require_raster_driver
from glacial_lakes.io.extras import optional
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.scenes.held_array import as_stored
from glacial_lakes.scenes.remote import RemoteImage, is_remote

if TYPE_CHECKING:
    import xarray as xr

MAX_PIXELS = 1_000_000_000
"""Largest width × height that a header may claim: eight Sentinel-2 tiles."""

MAX_BLOCK_BYTES = 1 << 29
"""Largest piece of a compressed file that must be decoded at once; a tile has 1 MB or so."""

_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "GTIFF_POINT_GEO_IGNORE": "NO",
}
"""Whatever the settings of GDAL on this computer are: no files beside, and no half pixel off."""

ZARR = "Zarr"
"""In place of a driver of GDAL: of an array that the library ``zarr`` reads."""

_THIN_EDGE = 512

_thread = threading.local()


@dataclass(frozen=True, slots=True)
class Band:
    """Where one band is stored and how its numbers become reflectance.

    ``reflectance = number * scale + offset`` where the number is not ``nodata``.
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
    made_with: tuple[float, float] | None = None
    """Scale and offset that somebody else made reflectance of whole numbers with: their rounding is
    undone, so that it is what those numbers give here."""


@dataclass(frozen=True, eq=False)
class HeldBand:
    """One band that a person holds as an array, maybe not loaded yet; the same as :class:`Band`.

    A window is taken from the array when it is read, and only then.
    """

    plane: xr.DataArray
    """Stored numbers (y, x), north-up."""
    scale: float
    offset: float
    nodata: float | None
    resolution: float
    saturated: float | None = None
    made_with: tuple[float, float] | None = None
    path: ClassVar[str] = ""
    driver: ClassVar[str] = "array"


@dataclass(frozen=True, slots=True)
class StackedLayers:
    """Layers of flags of one grid that are read as one number (uint64), eight bits each.

    The first one has the lowest bits; a layer of more than eight bits gives its lowest ones.
    """

    layers: tuple[Band, ...]

    @property
    def resolution(self) -> float:
        """Pixel edge in metres."""
        return self.layers[0].resolution

    @property
    def path(self) -> str:
        """Name of the first file, for errors."""
        return self.layers[0].path

    @property
    def driver(self) -> str:
        """Driver of the first file."""
        return self.layers[0].driver


AnyBand: TypeAlias = Band | HeldBand
"""A band, wherever it is stored."""


@dataclass(frozen=True, slots=True)
class PackedLayer:
    """A layer of flags that was drawn when the product was opened, and is carried along."""

    path: str
    """Name of the file that it was drawn of."""
    shape: tuple[int, int]
    content: bytes
    """The numbers (y, x), uint8, compressed by zlib."""
    resolution: float
    """Pixel edge in metres."""
    driver: ClassVar[str] = "array"

    def numbers(self) -> NDArray[np.uint8]:
        """Return the numbers (y, x)."""
        return np.frombuffer(zlib.decompress(self.content), np.uint8).reshape(self.shape)


AnyLayer: TypeAlias = AnyBand | StackedLayers | PackedLayer
"""A layer of flags."""


def parts_of(layer: AnyLayer) -> Sequence[AnyBand]:
    """Return the bands that a layer is read from; none of one that was drawn."""
    if isinstance(layer, PackedLayer):
        return ()
    return layer.layers if isinstance(layer, StackedLayers) else (layer,)


def paths_of(layer: AnyLayer) -> set[str]:
    """Return the names of the files of a band or a layer, as GDAL takes them."""
    if isinstance(layer, PackedLayer):
        return {layer.path}
    return {part.path for part in parts_of(layer)}


@dataclass(frozen=True, slots=True)
class Header:
    """What a raster file says of itself before any pixel is read."""

    crs: CRS | None
    transform: Affine
    shape: tuple[int, int]
    count: int
    nodata: float | None
    dtype: str = ""
    """Of the first band."""
    factors: tuple[tuple[float, float], ...] = ()
    """Scale and offset of each band by its tags; without tags 1 and 0."""

    @property
    def resolution(self) -> float:
        """Edge of a pixel: the geometric mean of width and height."""
        return float(abs(self.transform.a * self.transform.e) ** 0.5)


@contextmanager
def keep_open() -> Iterator[None]:
    """Keep datasets open from one read to the next inside the ``with`` block.

    Windows that share compressed tiles are then decoded once, from GDAL's block cache. It
    holds for the current thread only; datasets are never shared between threads.
    """
    if _kept() is not None:
        yield
        return
    _thread.datasets = {}
    try:
        yield
    finally:
        for dataset in _thread.datasets.values():
            dataset.close()
        _thread.datasets = None


def read_header(path: str, driver: str) -> Header:
    """Return the header of a raster.

    Raises
    ------
    DamagedFileError
        When the driver cannot open the file.
    UnsafeInputError
        When the header claims more pixels than any scene has.
    """
    with _dataset(path, driver) as dataset:
        return Header(
            named_crs(dataset.crs) if dataset.crs else None,
            dataset.transform,
            dataset.shape,
            dataset.count,
            dataset.nodata,
            dataset.dtypes[0],
            tuple(zip(dataset.scales, dataset.offsets, strict=True)),
        )


def read_tags(path: str, driver: str) -> dict[str, str]:
    """Return what a raster file tells in words: its tags, and descriptions of bands by number.

    Raises
    ------
    DamagedFileError, UnsafeInputError
        As for :func:`read_header`.
    """
    with _dataset(path, driver) as dataset:
        described = {str(n): text for n, text in enumerate(dataset.descriptions, 1) if text}
        return {**dataset.tags(), **described}


def block_shape(band: AnyBand) -> tuple[int, int]:
    """Return rows and columns of a band that are decoded together."""
    if isinstance(band, HeldBand):
        rows, cols = band.plane.chunks or ((1,), (band.plane.shape[1],))
        return max(rows), max(cols)
    with _dataset(band.path, band.driver) as dataset:
        height, width = dataset.block_shapes[band.index - 1]
    return height, width


def block_row_bytes(band: AnyBand) -> int:
    """Return the memory of one row of blocks of a band, as they are stored."""
    height, _ = block_shape(band)
    if isinstance(band, HeldBand):
        return height * band.plane.shape[1] * band.plane.dtype.itemsize
    with _dataset(band.path, band.driver) as dataset:
        number = np.dtype(dataset.dtypes[band.index - 1]).itemsize
        size: int = min(height, dataset.height) * dataset.width * number
    return size


def coarsening(header: Header, path: str, like: Header) -> int:
    """Return how many pixels of ``like`` lie along the edge of one of this raster's pixels.

    Raises
    ------
    GridError
        Unless both rasters share CRS and upper left corner, the factor is a whole number, and
        they cover the same area to within one coarse pixel.
    """
    factor = max(1, round(header.resolution / like.resolution))
    nearly = 1e-3 * min(1.0, like.resolution)
    same = header.crs == like.crs and header.transform.almost_equals(
        scaled(like.transform, factor), precision=nearly
    )
    covers = all(
        size in {full // factor, -(-full // factor)}
        for size, full in zip(header.shape, like.shape, strict=True)
    )
    if not (same and covers):
        raise GridError(
            path,
            "its grid ({rows} x {columns} pixels of {resolution:g} m) "
            "does not fit the scene's other bands",
            "take all bands from one product",
            rows=header.shape[0],
            columns=header.shape[1],
            resolution=header.resolution,
        )
    return factor


def read_numbers(band: AnyLayer, window: Window) -> tuple[NDArray[Any], tuple[slice, slice]]:
    """Return the stored numbers in the part of a window that lies on the raster.

    Parameters
    ----------
    band : Band or StackedLayers
        What to read.
    window : Window
        Whole pixels of this band; may reach over the edge of the raster.

    Returns
    -------
    numbers : ndarray (y, x)
        In the dtype of the file; empty when the window misses the raster.
    inside : tuple of slice
        Rows and columns of the window that the numbers belong to.
    """
    if isinstance(band, StackedLayers):
        read = [read_numbers(layer, window) for layer in band.layers]
        return _stacked([numbers for numbers, _ in read]), read[0][1]
    if isinstance(band, PackedLayer):
        rows, within_rows = _overlap(int(window.row_off), int(window.height), band.shape[0])
        cols, within_cols = _overlap(int(window.col_off), int(window.width), band.shape[1])
        return band.numbers()[rows, cols], (within_rows, within_cols)
    top, left = int(window.row_off), int(window.col_off)
    if isinstance(band, HeldBand):
        height, width = band.plane.shape
        row, row_end = max(0, top), min(height, top + int(window.height))
        col, col_end = max(0, left), min(width, left + int(window.width))
        if row >= row_end or col >= col_end:
            return as_stored(np.empty((0, 0), band.plane.dtype)), (slice(0, 0), slice(0, 0))
        numbers = _held(band, slice(row, row_end), slice(col, col_end))
        return numbers, (slice(row - top, row_end - top), slice(col - left, col_end - left))
    with _dataset(band.path, band.driver) as dataset:
        row, row_end = max(0, top), min(dataset.height, top + int(window.height))
        col, col_end = max(0, left), min(dataset.width, left + int(window.width))
        if row >= row_end or col >= col_end:
            return np.empty((0, 0), dataset.dtypes[band.index - 1]), (slice(0, 0), slice(0, 0))
        try:
            numbers = dataset.read(
                band.index, window=Window(col, row, col_end - col, row_end - row)
            )
        except RasterioError as error:
            raise _damaged(band.path, error) from error
    return numbers, (slice(row - top, row_end - top), slice(col - left, col_end - left))


def _overlap(start: int, length: int, size: int) -> tuple[slice, slice]:
    """Return the part of an axis that a window covers, and where it lies in the window."""
    first, end = min(max(0, start), size), min(max(0, start + length), size)
    if first >= end:
        return slice(0, 0), slice(0, 0)
    return slice(first, end), slice(first - start, end - start)


def _stacked(layers: Sequence[NDArray[Any]]) -> NDArray[np.uint64]:
    number = np.zeros(layers[0].shape, np.uint64)
    for place, layer in enumerate(layers):
        number |= layer.astype(np.uint8).astype(np.uint64) << np.uint64(8 * place)
    return number


def read_thinned(band: AnyLayer, shape: tuple[int, int] | None = None) -> NDArray[Any]:
    """Return a copy of a band of at most 512 rows and columns, without decoding all of it.

    Parameters
    ----------
    band : Band
        Of a format that holds itself in several resolutions, such as JPEG 2000.
    shape : tuple of int, optional
        Rows and columns; by default those of the band divided by a power of two.
    """
    if isinstance(band, StackedLayers):
        return _stacked([read_thinned(layer, shape) for layer in band.layers])
    if isinstance(band, PackedLayer):
        places = (
            np.arange(size) * full // size
            for size, full in zip(shape or _thin_shape(band.shape), band.shape, strict=True)
        )
        return band.numbers()[np.ix_(*places)]
    if isinstance(band, HeldBand):
        height, width = band.plane.shape
        rows, cols = shape or (min(height, _THIN_EDGE), min(width, _THIN_EDGE))
        thin = band.plane[:: max(1, height // rows), :: max(1, width // cols)]
        return as_stored(thin[:rows, :cols].to_numpy())
    with _dataset(band.path, band.driver) as dataset:
        shape = shape or _thin_shape(dataset.shape)
        try:
            thinned: NDArray[Any] = dataset.read(band.index, out_shape=shape)
        except RasterioError as error:
            raise _damaged(band.path, error) from error
    return thinned


def _thin_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns divided by the power of two that leaves at most 512."""
    factor = 1
    while max(shape) > _THIN_EDGE * factor:
        factor *= 2
    return max(1, shape[0] // factor), max(1, shape[1] // factor)


def is_nodata(band: AnyBand, numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where numbers stand for nothing: the band's nodata, NaN or infinity."""
    missing: NDArray[np.bool_] = ~np.isfinite(numbers)
    if band.nodata is not None:
        missing |= numbers == band.nodata
    return missing


def to_reflectance(
    band: AnyBand, numbers: NDArray[Any], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return float32 reflectance; NaN where the number is no data.

    Parameters
    ----------
    band : Band
    numbers : ndarray (y, x)
    out : ndarray (y, x), float32, optional
        Where to write it.
    """
    nodata: Any = np.nan if band.nodata is None else band.nodata
    whole = numbers.dtype.kind in "ui"
    if whole:  # a nodata that no number can equal changes nothing
        limits = np.iinfo(numbers.dtype)
        is_one = float(nodata).is_integer() and limits.min <= nodata <= limits.max
        known, nodata = is_one, numbers.dtype.type(nodata if is_one else 0)
    else:
        known = True
    if out is not None and not out.flags.c_contiguous:  # loops are slow where a line has gaps
        out[...] = to_reflectance(band, numbers)
        return out
    if band.made_with is not None and not whole:
        numbers = _rounded_alike(numbers, *band.made_with)
    reflectance = np.empty(numbers.shape, np.float32) if out is None else out
    scale, offset = np.float32(band.scale), np.float32(band.offset)
    _scale(np.atleast_2d(numbers), scale, offset, nodata, known, np.atleast_2d(reflectance))
    return reflectance


@kernel
def _scale(numbers, scale, offset, nodata, has_nodata, reflectance):  # type: ignore[no-untyped-def]
    height, width = numbers.shape
    for row in range(height):
        for col in range(width):
            number = numbers[row, col]
            value = np.float32(number) * scale + offset
            missing = (has_nodata & (number == nodata)) | (not abs(value) < np.float32(np.inf))
            reflectance[row, col] = np.float32(np.nan) if missing else value


_ROUNDED = 4 * np.finfo(np.float32).eps
"""Share by which one rounding of a float32 differs from another."""


def _rounded_alike(numbers: NDArray[Any], scale: float, offset: float) -> NDArray[Any]:
    """Return reflectance rounded as that of stored whole numbers; what is between these stays."""
    with np.errstate(invalid="ignore"):  # infinity less infinity
        whole = np.rint((numbers.astype(np.float64) - offset) / scale)
        alike = np.empty(numbers.shape, np.float32)
        factors = np.float32(scale), np.float32(offset)
        _scale(np.atleast_2d(whole), *factors, np.nan, False, np.atleast_2d(alike))
        is_near = np.abs(alike - numbers) <= _ROUNDED * (np.abs(numbers) + abs(offset))
    return np.where(is_near, alike, numbers)


def _held(band: HeldBand, rows: slice, cols: slice) -> NDArray[Any]:
    """Return numbers of an array; of a lazy one whole chunks are computed, each once a pass."""
    kept = _kept()
    if band.plane.chunks is None or kept is None:
        return as_stored(band.plane[rows, cols].to_numpy())
    chunks = kept.setdefault(("array", str(id(band))), Chunks(band.plane))
    return as_stored(chunks.read(rows, cols))


class Chunks:
    """The chunks of a dask array (y, x) that the last window touched, computed.

    As GDAL's cache of blocks: strips are lower than chunks, which may come from far away.
    """

    def __init__(self, plane: xr.DataArray) -> None:
        self._blocks = plane.data.blocks
        self._starts = [np.cumsum((0, *sizes)) for sizes in plane.data.chunks]
        self._dtype = plane.dtype
        self._computed: dict[tuple[int, int], NDArray[Any]] = {}

    def read(self, rows: slice, cols: slice) -> NDArray[Any]:
        """Return the numbers of a window that is not empty."""
        from dask.base import compute  # noqa: PLC0415 - who holds such an array has it

        down, across = (
            range(
                int(np.searchsorted(starts, part.start, "right")) - 1,
                int(np.searchsorted(starts, part.stop, "left")),
            )
            for starts, part in zip(self._starts, (rows, cols), strict=True)
        )
        kept = {place: chunk for place, chunk in self._computed.items() if place[0] in down}
        missing = [(i, j) for i in down for j in across if (i, j) not in kept]
        kept |= zip(missing, compute(*(self._blocks[place] for place in missing)), strict=True)
        self._computed = kept
        numbers = np.empty((rows.stop - rows.start, cols.stop - cols.start), self._dtype)
        for i in down:
            for j in across:
                into, taken = zip(
                    _shared(self._starts[0][i : i + 2], rows),
                    _shared(self._starts[1][j : j + 2], cols),
                    strict=True,
                )
                numbers[into] = kept[i, j][taken]
        return numbers

    def close(self) -> None:
        """Forget what was computed."""
        self._computed = {}


def _shared(chunk: NDArray[Any], part: slice) -> tuple[slice, slice]:
    """Return what a chunk and a window share along an axis, as parts of the window and of it."""
    first, end = (int(edge) for edge in chunk)
    start, stop = max(first, part.start), min(end, part.stop)
    return slice(start - part.start, stop - part.start), slice(start - first, stop - first)


def _kept() -> dict[tuple[str, str], Any] | None:
    return getattr(_thread, "datasets", None)


@contextmanager
def _dataset(path: str, driver: str) -> Iterator[Any]:
    kept = _kept()
    with ExitStack() as stack:
        dataset = None if kept is None else kept.get((path, driver))
        if dataset is None:
            dataset = open_raster(path, driver)
            if kept is None:
                stack.enter_context(dataset)
            else:
                kept[path, driver] = dataset
        yield dataset


def open_raster(path: str, driver: str, most_pixels: int = MAX_PIXELS) -> Any:
    """Open a local raster by one driver, with nothing from the files beside it.

    Parameters
    ----------
    path : str
        As GDAL takes it, absolute.
    driver : str
        The only one that may open it.
    most_pixels : int
        Largest width × height.

    Returns
    -------
    rasterio.DatasetReader
        Open; a context manager.

    Raises
    ------
    DamagedFileError
        When the driver cannot open the file.
    UnsafeInputError
        When the header claims more pixels, or blocks too large to decode.
    """
    if driver == ZARR:
        return zarr_arrays().ZarrArray(path, most_pixels, MAX_BLOCK_BYTES)
    if is_remote(path):
        local = partial(open_raster, driver=driver, most_pixels=most_pixels)
        return RemoteImage(path, local)
    with rasterio.Env(**_OPTIONS):
        try:
            dataset = rasterio.open(path, driver=driver)
        except RasterioError as error:
            require_raster_driver(driver, path)
            raise _damaged(path, error) from error
    try:
        check_bounds(dataset, path, most_pixels)
    except UnsafeInputError:
        dataset.close()
        raise
    return dataset


def zarr_arrays() -> Any:
    """Return :mod:`glacial_lakes.scenes.zarr_array`, or a ConfigError without the library."""
    return optional("zarr", "glacial_lakes.scenes.zarr_array")


def check_bounds(dataset: Any, path: str | None, most_pixels: int = MAX_PIXELS) -> None:
    """Refuse an open raster that claims more than any has, or holds no real numbers.

    Raises
    ------
    UnsafeInputError
        As for :func:`open_raster`.
    """
    height, width = dataset.shape
    if width * height > most_pixels:
        what = Message("the header claims {width} x {height} pixels", width=width, height=height)
        raise UnsafeInputError(path, what, "no scene is as large; download it again")
    if any(np.dtype(name).kind not in "uif" for name in dataset.dtypes):
        kinds = ", ".join(sorted(set(dataset.dtypes)))
        raise UnsafeInputError(
            path, "holds {kinds} numbers", "give reflectance, not radar phase", kinds=kinds
        )
    if dataset.compression is not None and _block_bytes(dataset) > MAX_BLOCK_BYTES:
        what = Message("has compressed blocks of {size} MiB", size=_block_bytes(dataset) >> 20)
        raise UnsafeInputError(
            path, what, "write it in tiles, e.g. with gdal_translate -co TILED=YES"
        )


def _block_bytes(dataset: Any) -> int:
    """Return the memory of the largest piece that is decoded at once."""
    rows, cols = max(dataset.block_shapes)
    together = (
        dataset.count if dataset.interleaving and dataset.interleaving.value == "PIXEL" else 1
    )
    return int(rows * cols * together * max(np.dtype(name).itemsize for name in dataset.dtypes))


def _damaged(path: str, error: Exception) -> DamagedFileError:
    return DamagedFileError(
        path,
        "cannot be read ({reason})",
        "download the product again",
        reason=error.__cause__ or error,
    )
