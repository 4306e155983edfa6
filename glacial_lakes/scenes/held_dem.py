"""An elevation model that a person holds as a DataArray, made a raster like those of files.

What the array says of CRS, unit, scale and voids is written into the raster, so that whoever reads
it need not know where it came from. xarray is never imported here: who holds an array has done so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.dtypes import in_dtype_range
from rasterio.errors import CRSError
from rasterio.io import MemoryFile

from glacial_lakes.errors import GridError, ImplausibleError, UnsafeInputError
from glacial_lakes.scenes.raster import MAX_PIXELS

if TYPE_CHECKING:
    import xarray as xr

_AXES = (("x", "lon", "longitude", "easting"), ("y", "lat", "latitude", "northing"))
"""Names of dimensions that tell columns and rows."""
_UNEVEN = 0.1
"""Of a pixel: how far a coordinate may lie from its place on an even grid; float32 degrees do."""
_VOID_NAMES = ("_FillValue", "nodata", "missing_value")


def is_data_array(source: object) -> TypeGuard[xr.DataArray]:
    """Tell whether something is an xarray DataArray, without importing xarray."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(source, xarray.DataArray)


@contextmanager
def as_raster(array: xr.DataArray) -> Iterator[Any]:
    """Yield a raster in memory of an elevation model in an array.

    Parameters
    ----------
    array : xarray.DataArray (y, x)
        Pixel centres as coordinates, in either order; a third dimension of length 1 is taken
        away. The CRS is that of the accessor ``rio``, of the grid mapping (``spatial_ref``), or
        ``attrs["crs"]``. ``units``, ``scale_factor``, ``add_offset`` and ``_FillValue``,
        ``nodata`` or ``missing_value`` among the attributes are heeded. It is loaded whole.

    Yields
    ------
    rasterio.DatasetReader

    Raises
    ------
    GridError
        When it has no CRS, is no even grid, or its dimensions are not told.
    UnsafeInputError
        When it is too large to be held twice, or holds no real numbers.
    ImplausibleError
        When its scale, offset or mark of voids is no number.
    """
    plane = _plane(array)
    if plane.size > MAX_PIXELS:
        raise UnsafeInputError(
            None, "the DEM has {count} pixels", "cut it to the scenes first", count=plane.size
        )
    if plane.dtype.kind not in "uif":
        raise UnsafeInputError(
            None, "the DEM holds {kinds} numbers", "give heights", kinds=str(plane.dtype)
        )
    crs, transform, heights = _crs(array), _transform(plane), _stored(plane)
    profile = {
        "driver": "GTiff",
        "height": plane.shape[0],
        "width": plane.shape[1],
        "count": 1,
        "crs": crs,
        "transform": transform,
        "nodata": _void(array, heights.dtype.name),
        "BIGTIFF": "IF_SAFER",
    }
    with MemoryFile() as memory:
        with memory.open(**profile, dtype=heights.dtype.name) as written:
            written.write(heights, 1)
            written.units = (str(array.attrs.get("units", "")),)
            written.scales = (_number(array, "scale_factor", 1.0),)
            written.offsets = (_number(array, "add_offset", 0.0),)
        with memory.open() as dataset:
            yield dataset


def _plane(array: xr.DataArray) -> xr.DataArray:
    """Return the array north-up, with the dimensions y and x."""
    names = {str(name).lower(): name for name in array.dims}
    x, y = (next((names[name] for name in known if name in names), None) for known in _AXES)
    if x is None or y is None:
        raise GridError(
            None,
            "the dimensions of the DEM are {names}",
            "name them y and x, e.g. with rename",
            names=[str(name) for name in array.dims],
        )
    single = [name for name in array.dims if name not in (x, y) and array.sizes[name] == 1]
    plane = array.squeeze(single, drop=True)
    if plane.ndim != 2:
        rest = [str(name) for name in plane.dims if name not in (x, y)]
        raise GridError(
            None, "the DEM has several layers, by {names}", "choose one with isel", names=rest
        )
    for name in (x, y):
        if name not in plane.coords or plane.sizes[name] < 2:
            raise GridError(
                None,
                "the DEM has no coordinates of its pixels along {name}",
                "give it those of their centres with assign_coords",
                name=str(name),
            )
    plane = plane.transpose(y, x)
    rising = {name: _steps(plane, name)[0] > 0 for name in (y, x)}
    if rising[y]:
        plane = plane.isel({y: slice(None, None, -1)})
    return plane if rising[x] else plane.isel({x: slice(None, None, -1)})


def _steps(plane: xr.DataArray, name: Any) -> tuple[float, float]:
    """Return the step along a dimension, and its first coordinate."""
    try:
        places = plane.coords[name].to_numpy().astype(np.float64)
    except (TypeError, ValueError):
        places = np.full(plane.sizes[name], np.nan)
    step = float(places[-1] - places[0]) / (len(places) - 1)
    even = places[0] + step * np.arange(len(places))
    if not step or not np.abs(places - even).max() <= _UNEVEN * abs(step):
        raise GridError(
            None,
            "the coordinates of the DEM along {name} are not evenly spaced",
            "warp it onto an even grid",
            name=str(name),
        )
    return step, float(places[0])


def _transform(plane: xr.DataArray) -> Affine:
    (down, north), (across, west) = (_steps(plane, name) for name in plane.dims)
    return Affine(across, 0.0, west - across / 2, 0.0, down, north - down / 2)


def _crs(array: xr.DataArray) -> CRS:
    for entry in _crs_entries(array):
        if entry is not None and str(entry).strip():
            try:
                return CRS.from_user_input(entry)
            except (CRSError, TypeError, ValueError):
                raise GridError(
                    None,
                    "the CRS of the DEM cannot be read",
                    'give it another, e.g. attrs["crs"] = "EPSG:32643"',
                ) from None
    raise GridError(
        None, "the DEM has no CRS", 'give it one: rio.write_crs, or attrs["crs"] = "EPSG:32643"'
    )


def _crs_entries(array: xr.DataArray) -> Iterator[Any]:
    """Yield what an array says of its CRS: by rioxarray, as CF has it, as ``to_xarray`` does."""
    yield getattr(getattr(array, "rio", None), "crs", None)
    name = array.encoding.get("grid_mapping") or array.attrs.get("grid_mapping") or "spatial_ref"
    if name in array.coords:
        mapping = array.coords[name].attrs
        yield mapping.get("crs_wkt") or mapping.get("spatial_ref")
    yield array.attrs.get("crs")


def _void(array: xr.DataArray, kind: str) -> float | None:
    """Return the number that marks voids, where numbers of this kind can; NaN always does."""
    names = [name for name in _VOID_NAMES if array.attrs.get(name) is not None]
    marks = [_number(array, name, np.nan) for name in names]
    with np.errstate(over="ignore"):
        return next((mark for mark in [*marks, np.nan] if in_dtype_range(mark, kind)), None)


def _number(array: xr.DataArray, name: str, default: float) -> float:
    value = array.attrs.get(name, default)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ImplausibleError(
            None,
            "the DEM has the {name} {value}, which is no number",
            "correct this attribute",
            name=name,
            value=str(value),
        ) from None


def _stored(plane: xr.DataArray) -> NDArray[Any]:
    """Return the numbers of a plane as a GeoTIFF can hold them."""
    values = plane.to_numpy()
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        return values.astype(np.float64)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
