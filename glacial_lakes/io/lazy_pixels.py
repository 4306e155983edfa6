"""Pixels that xarray asks for when they are looked at. Whoever imports this file needs xarray."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import DTypeLike, NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from glacial_lakes.grid import Grid

Read = Callable[[tuple[slice, ...]], NDArray[Any]]
"""From parts of all dimensions, of step 1, to numbers. It must be picklable and hold nothing open,
so that dask can call it in other threads and processes."""


class _Pixels(BackendArray):  # type: ignore[misc] # xarray has it untyped
    def __init__(self, read: Read, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._of_parts, self.shape, self.dtype = read, shape, np.dtype(dtype)

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        parts: list[slice] = []
        rest: list[Any] = []
        for part, size in zip(key, self.shape, strict=True):
            if isinstance(part, slice):
                start, stop, step = part.indices(size)
                parts.append(slice(start, max(start, stop)))
                rest.append(slice(None, None, step))
            else:
                parts.append(slice(int(part), int(part) + 1))
                rest.append(0)
        is_empty = any(part.start == part.stop for part in parts)
        shape = [part.stop - part.start for part in parts]
        numbers = np.empty(shape, self.dtype) if is_empty else self._of_parts(tuple(parts))
        wanted: NDArray[Any] = numbers[tuple(rest)]
        return wanted


def lazy(
    read: Read, dims: tuple[str, ...], shape: tuple[int, ...], dtype: DTypeLike, **attrs: object
) -> xr.Variable:
    """Return a variable whose numbers are read when they are looked at.

    Parameters
    ----------
    read : callable
    dims, shape, dtype
        Of the variable.
    **attrs
        Of the variable.
    """
    pixels = indexing.LazilyIndexedArray(_Pixels(read, shape, dtype))
    return xr.Variable(dims, pixels, attrs, {"grid_mapping": "spatial_ref"})


def places(grid: Grid) -> Mapping[str, Any]:
    """Return the coordinates of the pixels of a grid, and its CRS as CF and rioxarray have it."""
    (rows, cols), at = grid.shape, grid.transform
    crs = pyproj.CRS.from_wkt(grid.crs.to_wkt()).to_cf()
    corner = " ".join(f"{value:.15g}" for value in at.to_gdal())
    return {
        "y": ("y", at.f + at.e * (np.arange(rows) + 0.5), _axis("y", "projection_y_coordinate")),
        "x": ("x", at.c + at.a * (np.arange(cols) + 0.5), _axis("x", "projection_x_coordinate")),
        "spatial_ref": ((), 0, crs | {"GeoTransform": corner}),
    }


def _axis(name: str, standard_name: str) -> dict[str, str]:
    return {"units": "m", "axis": name.upper(), "standard_name": standard_name}


def as_time(time: datetime) -> np.datetime64:
    """Return a time as numpy has it, UTC without saying so."""
    aware = time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(aware, "ns")
