"""What an outside model says of a scene: a probability of water, or a mask, on any grid.

It takes the place of the seeds, window by window, and is one more feature of each candidate;
outline, area and error come from the scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    GridError,
    InputError,
    Message,
    MissingFileError,
    require,
)
from glacial_lakes.grid import Grid, within
from glacial_lakes.mapping.pixels import Pixels
from glacial_lakes.scenes.held_array import is_data_array
from glacial_lakes.scenes.held_dem import as_raster
from glacial_lakes.scenes.raster import check_bounds, open_raster

if TYPE_CHECKING:
    import xarray as xr

    Probability: TypeAlias = Path | str | DatasetReader | WarpedVRT | xr.DataArray | NDArray[Any]
else:  # whoever asks for the types at run time need not have xarray
    Probability = Path | str | DatasetReader | WarpedVRT | Any
"""A local GeoTIFF, a rasterio dataset that is open for reading, a DataArray with a CRS, or an array
on the grid of the scene."""

ABOVE = 0.5
"""Probability above which a pixel is proposed, where settings tell no other."""

_WHAT = Message("the probability")
_ROWS = 512
"""Rows that are brought onto the grid at a time."""
_FINER = 1.5
"""A model whose pixels are smaller than those of the scene by more than this is averaged."""

Bool = NDArray[np.bool_]
Float = NDArray[np.float32]
_UNKNOWN = np.uint8(255)
_STEPS = 250
"""Of the probability that is kept of each pixel, in a byte."""


@dataclass(frozen=True, eq=False)
class OutsideModel:
    """What an outside model says of the pixels of a scene."""

    grid: Grid
    above: NDArray[np.bool_]
    """Shape of the grid: what is proposed."""
    share: NDArray[np.uint8]
    """Shape of the grid: the probability in steps of 1/250; 255 the model does not say."""

    def propose(self, pixels: Pixels, excluded: Bool) -> Bool:
        """Return the pixels of a window that may hold water."""
        proposed: Bool = self.above[within(pixels.window, self.grid.window)] & ~excluded
        return proposed

    def unknown(self, window: Window) -> Bool:
        """Return the pixels of a window of which the model says nothing."""
        unknown: Bool = self.share[within(window, self.grid.window)] == _UNKNOWN
        return unknown

    def probability(self, window: Window, where: Bool) -> float:
        """Return the mean probability in some pixels of a window; NaN where the model is silent."""
        share = self.share[within(window, self.grid.window)][where]
        known = share[share != _UNKNOWN]
        return float(known.mean()) / _STEPS if known.size else float("nan")


def read_outside_model(
    probability: Probability,
    grid: Grid,
    *,
    above: float = ABOVE,
    needed: tuple[float, float, float, float] | None = None,
) -> OutsideModel:
    """Bring a probability or a mask onto the grid of a scene.

    Parameters
    ----------
    probability : path-like, rasterio dataset, xarray.DataArray or ndarray
        From 0 to 1, or a mask of 0 and 1; no data and NaN where the model does not say. An array
        of numpy has the shape of the grid.
    grid : Grid
    above : float
        Probability above which a pixel is water.
    needed : (west, south, east, north), optional
        What must be covered, in the CRS of the grid; default the grid.

    Raises
    ------
    InputError
        When it is of another type or shape, or its numbers are no probabilities.
    GridError
        When it has no CRS or does not cover what is needed.
    MissingFileError, DamagedFileError, UnsafeInputError
        When a file is not there, cannot be read, or claims too much.
    """
    proposed, share = np.zeros(grid.shape, bool), np.full(grid.shape, _UNKNOWN)
    with _opened(probability, grid) as dataset:
        name = None if dataset.name.startswith("/vsimem/") else dataset.name
        if dataset.crs is None:
            remedy = N_("give it one, e.g. with gdal_edit -a_srs")
            raise GridError(name, "{what} has no CRS", remedy, what=_WHAT)
        _require_cover(dataset, grid, grid.bounds if needed is None else needed, name)
        try:
            with _warped(dataset, grid) as warped:
                for top in range(0, grid.shape[0], _ROWS):
                    rows = slice(top, min(grid.shape[0], top + _ROWS))
                    window = Window.from_slices(rows, (0, grid.shape[1]))
                    values = _checked(warped.read(1, window=window), name)
                    known = np.isfinite(values)
                    proposed[rows] = values > above
                    share[rows][known] = np.round(values[known] * _STEPS)
        except RasterioError as error:
            raise DamagedFileError(
                name,
                "cannot be read ({reason})",
                "copy or download it again",
                reason=error.__cause__ or error,
            ) from error
    return OutsideModel(grid, proposed, share)


def _checked(values: Float, name: str | None) -> Float:
    known = np.isfinite(values)
    if known.any():
        low, high = float(values[known].min()), float(values[known].max())
        if low < 0 or high > 1:
            raise InputError(
                name,
                "{what} has numbers from {low:g} to {high:g}",
                "give probabilities from 0 to 1, or a mask of 0 and 1",
                what=_WHAT,
                low=low,
                high=high,
            )
    return values


def _warped(dataset: Any, grid: Grid) -> WarpedVRT:
    is_float = np.dtype(dataset.dtypes[0]).kind == "f"
    west, _, east, _ = transform_bounds(dataset.crs, grid.crs, *dataset.bounds)
    ratio = grid.resolution * dataset.width / (east - west)
    smooth = Resampling.average if ratio > _FINER else Resampling.bilinear
    return WarpedVRT(
        dataset,
        crs=grid.crs.to_wkt(),
        transform=grid.transform,
        height=grid.shape[0],
        width=grid.shape[1],
        resampling=smooth if is_float or ratio > _FINER else Resampling.nearest,
        src_nodata=np.nan if dataset.nodata is None and is_float else dataset.nodata,
        nodata=np.nan,
        dtype="float32",
    )


def _require_cover(
    dataset: Any, grid: Grid, needed: tuple[float, float, float, float], name: str | None
) -> None:
    """Refuse what leaves some ground unanswered: it would count as land without a lake."""
    corners = shapely.box(*dataset.bounds)
    edge = min(abs(dataset.transform.a), abs(dataset.transform.e))
    west, south, east, north = needed
    inset = min(grid.resolution, (east - west) / 4, (north - south) / 4)
    inner = (west + inset, south + inset, east - inset, north - inset)
    try:
        there = shapely.box(*transform_bounds(grid.crs, dataset.crs, *inner, densify_pts=21))
    except RasterioError:
        there = shapely.box(np.inf, np.inf, np.inf, np.inf)
    if not corners.buffer(edge, join_style="mitre").covers(there):
        raise GridError(
            name,
            "{what} does not cover all of the scene",
            "give it for the whole scene, or an aoi that it covers",
            what=_WHAT,
        )


@contextmanager
def _opened(probability: Probability, grid: Grid) -> Iterator[Any]:
    if isinstance(probability, Path | str):
        path = Path(probability).absolute()
        if not path.is_file():
            raise MissingFileError(path, "does not exist", "check the path")
        with open_raster(str(path), "GTiff") as dataset:
            yield dataset
    elif isinstance(probability, DatasetReader | WarpedVRT):
        check_bounds(probability, probability.name)
        yield probability
    elif is_data_array(probability):
        _require_kind(probability.dtype)
        is_mask = probability.dtype.kind == "b"
        with as_raster(probability.astype(np.uint8) if is_mask else probability, _WHAT) as dataset:
            yield dataset
    else:
        remedy = N_("give a GeoTIFF, a rasterio dataset, a DataArray with a CRS, or an array")
        require(probability, np.ndarray, "probability", remedy)
        _require_kind(probability.dtype)
        if probability.shape != grid.shape:
            raise InputError(
                None,
                "{what} has the shape {shape}, and the scene {wanted}",
                "give it on the grid of the scene, or with a CRS",
                what=_WHAT,
                shape=str(probability.shape),
                wanted=str(grid.shape),
            )
        kind = np.float32 if probability.dtype.kind == "f" else np.uint8
        if probability.dtype.kind != "f":  # what does not fit into a byte is no mask
            probability = np.clip(probability, 0, 255)
        with MemoryFile() as memory:
            with memory.open(
                driver="GTiff", height=grid.shape[0], width=grid.shape[1], count=1,
                dtype=np.dtype(kind).name, crs=grid.crs, transform=grid.transform,
            ) as written:  # fmt: skip
                written.write(probability.astype(kind), 1)
            with memory.open() as dataset:
                yield dataset


def _require_kind(dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "buif":
        raise InputError(
            None,
            "{what} holds {kinds} numbers",
            "give probabilities from 0 to 1, or a mask of 0 and 1",
            what=_WHAT,
            kinds=str(dtype),
        )
