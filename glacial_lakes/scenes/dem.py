"""An elevation model, read with the distrust of any other input: heights in metres, or unknown.

A file, a raster that a person has opened, or an array: all are read as rasters. Of files, one
driver each, nothing from files beside it, no format that refers to others. What the tags say of
scale, offset, unit and nodata is done. Heights that no ground has are no heights: where they stand
apart from all others they are voids that nobody tagged, else the unit is wrong and the model is
refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window, from_bounds

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    GridError,
    ImplausibleError,
    Message,
    NotCoveredError,
    UnknownProductError,
    UnsafeInputError,
    remedy_for,
)
from glacial_lakes.grid import Grid
from glacial_lakes.kernels.filters import stands_out
from glacial_lakes.scenes.held_array import is_data_array
from glacial_lakes.scenes.held_dem import as_raster
from glacial_lakes.scenes.raster import check_bounds, open_raster

Float = NDArray[np.float32]

if TYPE_CHECKING:
    import xarray as xr

    Dem: TypeAlias = Path | str | DatasetReader | WarpedVRT | xr.DataArray
else:  # whoever asks for the types at run time need not have xarray
    Dem = Path | str | DatasetReader | WarpedVRT | Any
"""What an argument for an elevation model takes: a local file, a rasterio dataset that is open for
reading, or an xarray DataArray with a CRS. Files and arrays can be sent to other processes."""

LOWEST_M, HIGHEST_M = -11000.0, 9000.0
"""Below the deepest sea (−10 935 m) and above Everest (8849 m) there is no ground."""

LOWEST_LAND_M = -500.0
"""All land is higher (the shore of the Dead Sea: −440 m)."""

STEEPEST_HALF_DEG = 55.0
"""Half of the ground steeper than this is none in metres: steep mountains have 35 to 40°."""

_GAP_M = 500.0
"""A single height that stands so far from all others is no ground, but a void."""

_FEW = 1e-3
"""Share of impossible heights that may be faults of single pixels."""

_MOST_PIXELS = 40_000_000_000
"""A continent at 30 m."""

_LOOKED_AT = 40_000_000
"""Pixels of a window that are looked at one by one; of a larger one every second, third, …"""

_MARKS = (-32768.0, -32767.0, -9999.0, 32767.0)
"""Heights of no ground near any lake, by which programs mark voids, with a tag or without."""

_RIM_PX = 4
"""A void that was resampled without a tag is smeared over so many pixels: those of bicubic."""

_LOW_M = 300.0
"""Where hardly any ground is between 0 and this height, 0 is no sea, but a void."""

_REACHES_PX = (1, 2, 4)
_STEEPEST_STEP = 10.0
"""Steps over these distances that are steeper than this (84°), and 500 m high, on all four sides
are faults of pixels; the walls of the Karakoram rise 8 in 1 on one side, over 30 m."""

_KILOMETRES = (-0.5, 9.0)
"""All heights within this, with fractions and some relief: kilometres."""
_LEAST_RELIEF = 0.02

_ANGLES_OR_SHADES = (-1.0, 361.0)
_ROUGH = 0.02
"""Half of the steps from pixel to pixel above this share of the range of 128 pixels: a picture of
the relief or its slope (test data: ground 0.003–0.015, hillshades of it 0.022–0.047)."""

_UNITS_M = {
    "": 1.0,
    "m": 1.0,
    "metre": 1.0,
    "meter": 1.0,
    "metres": 1.0,
    "meters": 1.0,
    "dm": 0.1,
    "decimetre": 0.1,
    "decimeter": 0.1,
    "cm": 0.01,
    "centimetre": 0.01,
    "centimeter": 0.01,
    "mm": 0.001,
    "millimetre": 0.001,
    "millimeter": 0.001,
    "km": 1000.0,
    "ft": 0.3048,
    "foot": 0.3048,
    "feet": 0.3048,
    "international foot": 0.3048,
    "us-ft": 1200 / 3937,
    "ft-us": 1200 / 3937,
    "ftus": 1200 / 3937,
    "foot_us": 1200 / 3937,
    "us survey foot": 1200 / 3937,
}

_HGT_BYTES = {2 * rows * cols for rows, cols in ((1201, 1201), (3601, 3601), (3601, 1801))}
_TIFF_SIGNS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_GIVE = N_("give a GeoTIFF, e.g. made with gdal_translate")

_LOG = logging.getLogger(__name__)


@contextmanager
def open_dem(dem: Dem) -> Iterator[Any]:
    """Open an elevation model, however it is held.

    Parameters
    ----------
    dem : path-like, rasterio dataset or xarray.DataArray
        A local GeoTIFF or SRTM tile (``.hgt``); a dataset open for reading, of which the first
        band is read and which is left open; an array as for
        :func:`glacial_lakes.scenes.held_dem.as_raster`.

    Yields
    ------
    rasterio.DatasetReader

    Raises
    ------
    UnknownProductError
        When it is none of these, not there, or closed.
    UnsafeInputError
        For an address, a file that refers to others, or a header beyond all bounds.
    DamagedFileError
        When it cannot be read.
    GridError
        When it has no CRS or is rotated.
    """
    with _raster_of(dem) as dataset:
        name = name_of(dataset)
        if dataset.crs is None:
            raise GridError(name, "the DEM has no CRS", "give it one, e.g. with gdal_edit -a_srs")
        a, b, _, d, e = dataset.transform[:5]
        if b or d or a < 0 or e > 0:  # the library that reads it fails on one that is upside down
            raise GridError(name, "the DEM is not north-up", "warp it, e.g. with gdalwarp")
        try:
            yield dataset
        except RasterioError as error:
            raise DamagedFileError(
                name,
                "the DEM cannot be read ({error})",
                "copy or download it again",
                error=error.__cause__ or error,
            ) from error


def name_of(dem: Dem) -> str | None:
    """Return what messages call an elevation model; None for one that is only in memory."""
    if isinstance(dem, Path | str):
        return str(dem)
    name = getattr(dem, "name", None)
    return None if is_data_array(dem) or not name or name.startswith("/vsimem/") else str(name)


def files_of(dem: Dem | None) -> list[Path]:
    """Return the local files that an elevation model is read from, which no result may replace."""
    if dem is None or is_data_array(dem):
        return []
    if isinstance(dem, Path | str):
        return [Path(dem)]
    return [path for path in map(Path, getattr(dem, "files", ())) if path.exists()]


@contextmanager
def _raster_of(dem: Dem) -> Iterator[Any]:
    if isinstance(dem, Path | str):
        driver = _driver_of(dem)
        with open_raster(str(Path(dem).absolute()), driver, _MOST_PIXELS) as dataset:
            yield dataset
    elif is_data_array(dem):
        with as_raster(dem) as dataset:
            yield dataset
    elif isinstance(dem, DatasetReader | WarpedVRT):
        if dem.closed:
            what, remedy = N_("the DEM is closed"), N_("open it again, or give its path")
            raise UnknownProductError(name_of(dem), what, remedy)
        check_bounds(dem, name_of(dem), _MOST_PIXELS)
        yield dem
    else:
        what = Message("the DEM is given as {kind}", kind=type(dem).__name__)
        remedy = N_("give a file, a rasterio dataset open for reading, or an xarray DataArray")
        raise UnknownProductError(None, what, remedy)


def read_heights(dem: Dem, grid: Grid) -> Float:
    """Read an elevation model on a grid.

    Parameters
    ----------
    dem : path-like, rasterio dataset or xarray.DataArray
        As for :func:`open_dem`.
    grid : Grid

    Returns
    -------
    ndarray (y, x), float32
        Metres, bilinear between the model's own pixels; NaN where it tells none.

    Raises
    ------
    NotCoveredError
        When it does not meet the grid.
    ImplausibleError
        When its heights are no ground's in metres, or its unit is unknown.
    GlacialLakesError
        As for :func:`open_dem`.
    """
    with open_dem(dem) as dataset:
        window = _window_of(dataset, grid)
        heights = _heights(dataset, window)
        _require_heights(dataset)
        spacing = spacing_m(dataset) * max(1.0, window.height / heights.shape[0])
        wrong = _impossible(heights, spacing, name_of(dataset))
        is_float = np.issubdtype(np.dtype(dataset.dtypes[0]), np.floating)
        is_whole = heights.shape == (window.height, window.width)
        if not wrong.any():
            if is_float and is_whole and np.isnan(heights).any():  # NaN, whatever the tag says
                return _on_grid(heights, dataset, window, grid)
            scale, shift = _factors(dataset)
            unknown = np.nan if dataset.nodata is None and is_float else dataset.nodata
            with _warped(dataset, grid, unknown) as warped:
                elevation: Float = warped.read(1)
            return elevation if (scale, shift) == (1.0, 0.0) else elevation * scale + shift
        if not is_whole:
            raise ImplausibleError(
                name_of(dataset),
                Message(
                    "the DEM has {count} height that no ground has",
                    "the DEM has {count} heights that no ground has",
                    count=int(wrong.sum()),
                ),
                "tag them as no data, e.g. with gdalwarp -srcnodata",
            )
        _LOG.warning(
            Message(
                "{path}: {count} void without a nodata tag",
                "{path}: {count} voids without a nodata tag",
                path=name_of(dataset) or "dem",
                count=int(wrong.sum()),
            )
        )
        heights[_with_smears(heights, wrong, spacing)] = np.nan
        return _on_grid(heights, dataset, window, grid)


def examine(dem: Dem) -> str:
    """Look at some windows of an elevation model before a long run.

    Returns
    -------
    str
        What a person should know of it, as a clause; empty when there is nothing.

    Raises
    ------
    GlacialLakesError
        As for :func:`read_heights`, where a window shows it.
    """
    with open_dem(dem) as dataset:
        _require_heights(dataset)
        edge, parts = 256, []
        whole = Window(0, 0, dataset.width, dataset.height)
        for row in np.linspace(0, max(0, dataset.height - edge), 5).astype(int):
            for col in np.linspace(0, max(0, dataset.width - edge), 5).astype(int):
                window = Window(int(col), int(row), edge, edge).intersection(whole)
                parts.append(_heights(dataset, window))
        heights = np.concatenate([part.ravel() for part in parts])
        void = _impossible(heights[None], np.inf, name_of(dataset))[0]
        spikes = [_spikes(part, spacing_m(dataset)).ravel() for part in parts]
        wrong = void | np.concatenate(spikes)
        ground = [np.where(_is_void(part), np.nan, part) for part in parts]
        _require_ground(ground, dataset)
        if wrong.any():
            values = sorted({float(value) for value in heights[wrong]})[:3]
            listed = ", ".join(f"{value:g}" for value in values)
            return Message(
                "heights such as {listed} m are no ground's: unknown there", listed=listed
            )
        if _is_picture(ground):
            return N_("as rough as the shade or the slope of relief: heights are wanted")
        return ""


def spacing_m(dataset: Any) -> float:
    """Return the edge of a pixel of a raster in metres, in degrees that in its middle."""
    a, e = dataset.transform.a, -dataset.transform.e
    if dataset.crs.is_geographic:
        latitude = np.radians((dataset.bounds.top + dataset.bounds.bottom) / 2)
        return float(111_320.0 * np.sqrt(abs(a * e) * np.cos(latitude)))
    return float(np.sqrt(abs(a * e)) * dataset.crs.linear_units_factor[1])


def _driver_of(path: Path | str) -> str:
    text = str(path)
    if "://" in text or text.startswith("/vsi"):
        raise UnsafeInputError(text, "is no local file", "download it and name the copy")
    source = Path(path).absolute()
    if not source.is_file():
        what = N_("the DEM is no file") if source.exists() else N_("the DEM does not exist")
        raise UnknownProductError(source, what, "check the path")
    try:
        with source.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        remedy = remedy_for(error, N_("copy or download it again"))
        raise DamagedFileError(
            source, "the DEM cannot be read ({error})", remedy, error=error
        ) from error
    if head.startswith(_TIFF_SIGNS):
        return "GTiff"
    if source.suffix.lower() == ".hgt" and source.stat().st_size in _HGT_BYTES:
        return "SRTMHGT"
    if b"<VRTDataset" in head or b"<GDAL_WMS" in head or b"<WCS_GDAL" in head:
        raise UnsafeInputError(source, "the DEM refers to other files or addresses", _GIVE)
    raise UnknownProductError(source, "the DEM cannot be read: it is no TIFF", _GIVE)


def _factors(dataset: Any) -> tuple[float, float]:
    """Return what makes metres of the stored numbers: scale and offset."""
    unit = (dataset.units[0] or "").strip().lower()
    if unit not in _UNITS_M:
        raise ImplausibleError(
            name_of(dataset),
            "the DEM has the unit {unit}",
            "convert it to metres, or correct the tag of its unit",
            unit=unit,
        )
    scale, shift = float(dataset.scales[0]), float(dataset.offsets[0])
    if not (np.isfinite(scale) and np.isfinite(shift) and scale > 0):
        raise ImplausibleError(
            name_of(dataset),
            "the DEM has the scale {scale:g} and the offset {shift:g}",
            "correct these tags",
            scale=scale,
            shift=shift,
        )
    return scale * _UNITS_M[unit], shift * _UNITS_M[unit]


def _window_of(dataset: Any, grid: Grid) -> Window:
    """Return the part of the model that a grid needs, with a rim."""
    whole = Window(0, 0, dataset.width, dataset.height)
    west, south, east, north = transform_bounds(grid.crs, dataset.crs, *grid.bounds)
    if not np.isfinite([west, south, east, north]).all() or west >= east:
        return whole  # a grid across the 180th meridian
    found = from_bounds(west, south, east, north, dataset.transform)
    top, left = int(np.floor(found.row_off)) - 4, int(np.floor(found.col_off)) - 4
    bottom = int(np.ceil(found.row_off + found.height)) + 4
    right = int(np.ceil(found.col_off + found.width)) + 4
    top, bottom = (int(np.clip(edge, 0, dataset.height)) for edge in (top, bottom))
    left, right = (int(np.clip(edge, 0, dataset.width)) for edge in (left, right))
    if top >= bottom or left >= right:
        raise NotCoveredError(
            name_of(dataset), "the DEM does not cover the scene", "give one that does"
        )
    return Window(left, top, right - left, bottom - top)


def _heights(dataset: Any, window: Window) -> Float:
    """Return heights in metres as the model stores them, NaN where it says that it has none."""
    scale, shift = _factors(dataset)
    every = max(1, int(np.ceil((window.width * window.height / _LOOKED_AT) ** 0.5)))
    shape = max(1, int(window.height // every)), max(1, int(window.width // every))
    stored = dataset.read(1, window=window, out_shape=shape, masked=True)
    heights: Float = stored.astype("float32").filled(np.nan)
    return heights if (scale, shift) == (1.0, 0.0) else heights * scale + shift


def _require_heights(dataset: Any) -> None:
    """Refuse pictures: numbers of 8 bits are no heights unless a tag makes them such."""
    is_picture = np.dtype(dataset.dtypes[0]).itemsize == 1
    if is_picture and _factors(dataset) == (1.0, 0.0):
        raise ImplausibleError(
            name_of(dataset),
            "the DEM holds numbers from 0 to 255, as pictures of the relief do",
            "give the heights that the picture was made of",
        )


def _require_ground(parts: list[Float], dataset: Any) -> None:
    """Refuse a model without heights, of one height, or in kilometres."""
    known = np.concatenate([part[np.isfinite(part)] for part in parts])
    if not known.size:
        raise ImplausibleError(
            name_of(dataset), "the DEM has no heights", "give another one, or leave it out"
        )
    low, high = float(known.min()), float(known.max())
    if low == high and known.size > 1:
        raise ImplausibleError(
            name_of(dataset),
            "the DEM has the height {low:g} m everywhere",
            "give another one, or leave it out",
            low=low,
        )
    if high < LOWEST_LAND_M:
        raise ImplausibleError(
            name_of(dataset),
            "the DEM has no height above {high:.0f} m, as if it told depths",
            "give heights above the sea, or leave it out",
            high=high,
        )
    has_fractions = bool((known != np.round(known)).mean() > 0.5)
    is_small = low > _KILOMETRES[0] and high < _KILOMETRES[1]
    if is_small and has_fractions and float(known.std()) > _LEAST_RELIEF:
        raise ImplausibleError(
            name_of(dataset),
            "all heights of the DEM lie between {low:.2f} and {high:.2f} m, as if in kilometres",
            "convert it to metres, tag its unit, or leave it out",
            low=low,
            high=high,
        )


def _is_picture(parts: list[Float]) -> bool:
    """Tell whether a model has the range and the roughness of shades or angles."""
    known = np.concatenate([part[np.isfinite(part)] for part in parts])
    rough = [share for part in parts if (share := _roughness(part)) is not None]
    if not known.size or not rough:
        return False
    low, high = _ANGLES_OR_SHADES
    return bool(known.min() > low and known.max() < high and np.median(rough) > _ROUGH)


def _roughness(heights: Float) -> float | None:
    """Return half of the steps from pixel to pixel over the range of 128 pixels."""
    part = heights[:128, :128]
    if part.shape != (128, 128) or not np.isfinite(part).all():
        return None
    low, high = np.percentile(part, (1, 99))
    return float(np.median(np.abs(np.diff(part, axis=1))) / (high - low)) if high > low else None


def _is_void(heights: Float) -> NDArray[np.bool_]:
    is_void: NDArray[np.bool_] = np.isinf(heights) | np.isin(heights, _MARKS)
    return is_void


def _spikes(heights: Float, spacing: float) -> NDArray[np.bool_]:
    """Return pixels, and small groups, far above or below the ground on all four sides."""
    found = np.zeros(heights.shape, bool)
    for reach in _REACHES_PX:
        least = np.float32(max(_GAP_M, _STEEPEST_STEP * reach * spacing))
        found |= stands_out(np.ascontiguousarray(heights, np.float32), reach, least)
    return found


def _with_smears(heights: Float, void: NDArray[np.bool_], spacing: float) -> NDArray[np.bool_]:
    """Return voids with their rims, where ground beside them falls off as no ground does."""
    near = _dilated(void, _RIM_PX)
    known = np.where(near & ~void, heights, np.nan)
    least = max(_GAP_M, _STEEPEST_STEP * spacing)
    falls = [bool((np.abs(np.diff(known, axis=axis)) > least).any()) for axis in (0, 1)]
    return near if any(falls) else void


def _dilated(where: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return places and those around them, in both directions."""
    dilated = where.copy()
    for axis in (0, 1):
        lines = np.moveaxis(dilated, axis, 0)
        before = lines.copy()
        for step in range(1, pixels + 1):
            lines[step:] |= before[:-step]
            lines[:-step] |= before[step:]
    return dilated


def _impossible(heights: Float, spacing: float, name: str | None) -> NDArray[np.bool_]:
    """Return where heights are voids that nobody tagged; refuse heights in another unit."""
    wrong: NDArray[np.bool_] = (heights < LOWEST_M) | (heights > HIGHEST_M)
    lone = _lone_heights(heights)
    void = _is_void(heights) | (np.isin(heights, lone) if lone else False)
    is_low = (heights > 0) & (heights < _LOW_M)
    if is_low.sum() < _FEW * (heights >= _LOW_M).sum():
        void |= heights == 0
    if void.any():  # smeared, where the void was resampled
        void |= wrong & _dilated(void, _RIM_PX)
    left = wrong & ~void
    known = np.isfinite(heights) & ~void
    if left.sum() > _FEW * known.sum():
        low, high = float(heights[known].min()), float(heights[known].max())
        raise ImplausibleError(
            name,
            "the DEM has heights from {low:.0f} to {high:.0f} m, which no ground has",
            "convert it to metres, e.g. from feet or decimetres, or tag its scale or unit",
            low=low,
            high=high,
        )
    return wrong | void | _spikes(np.where(void, np.nan, heights), spacing)


def _lone_heights(heights: Float) -> list[float]:
    """Return heights that stand for themselves, far from all others: the marks of voids."""
    known = heights[np.isfinite(heights)]
    if not known.size:
        return []
    step, first = 100.0, -1000
    places = np.clip((known - LOWEST_M) / step, first, -first).astype(np.int16)
    bins = np.flatnonzero(np.bincount(places - first)) + first
    ends = np.flatnonzero(np.diff(bins) > _GAP_M / step)
    runs = np.split(bins, ends + 1)
    if len(runs) == 1:
        return []
    lone = []
    for run in runs:
        values = known[(places >= run[0]) & (places <= run[-1])]
        if values.min() == values.max() and values.size < known.size:
            lone.append(float(values[0]))
    return lone if len(lone) < len(runs) else []


def _on_grid(heights: Float, dataset: Any, window: Window, grid: Grid) -> Float:
    """Return heights of a window of a model on a grid, of which NaN spoil none beside them."""
    profile = {
        "driver": "GTiff",
        "width": heights.shape[1],
        "height": heights.shape[0],
        "count": 1,
        "dtype": "float32",
        "crs": dataset.crs,
        "transform": dataset.window_transform(window),
        "nodata": np.nan,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as mended:
            mended.write(heights, 1)
        with memory.open() as mended, _warped(mended, grid, np.nan) as warped:
            elevation: Float = warped.read(1)
    return elevation


def _warped(dataset: Any, grid: Grid, nodata: float | None) -> WarpedVRT:
    return WarpedVRT(
        dataset,
        crs=grid.crs.to_wkt(),
        transform=grid.transform,
        height=grid.shape[0],
        width=grid.shape[1],
        resampling=Resampling.bilinear,
        src_nodata=nodata,
        nodata=np.nan,
        dtype="float32",
    )
