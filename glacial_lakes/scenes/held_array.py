"""What an array with coordinates tells of itself: its grid, its CRS, its voids.

xarray is never imported here: who holds an array has done so. Messages name the array as the caller
does (``what``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.dtypes import in_dtype_range
from rasterio.errors import CRSError

from glacial_lakes.errors import GridError, ImplausibleError, Message
from glacial_lakes.grid import named_crs

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


def has_axes(array: xr.DataArray) -> bool:
    """Tell whether an array has rows and columns."""
    names = {str(name).lower() for name in array.dims}
    return all(names & set(known) for known in _AXES)


def plane_of(array: xr.DataArray, what: Message) -> xr.DataArray:
    """Return the array north-up, with the dimensions y and x."""
    names = {str(name).lower(): name for name in array.dims}
    x, y = (next((names[name] for name in known if name in names), None) for known in _AXES)
    if x is None or y is None:
        raise GridError(
            None,
            "the dimensions of {what} are {names}",
            "name them y and x, e.g. with rename",
            what=what,
            names=[str(name) for name in array.dims],
        )
    single = [name for name in array.dims if name not in (x, y) and array.sizes[name] == 1]
    plane = array.squeeze(single, drop=True)
    if plane.ndim != 2:
        rest = [str(name) for name in plane.dims if name not in (x, y)]
        raise GridError(
            None,
            "{what} has several layers, by {names}",
            "choose one with isel",
            what=what,
            names=rest,
        )
    for name in (x, y):
        if name not in plane.coords or plane.sizes[name] < 2:
            raise GridError(
                None,
                "{what} has no coordinates of its pixels along {name}",
                "give it those of their centres with assign_coords",
                what=what,
                name=str(name),
            )
    plane = plane.transpose(y, x)
    rising = {name: _steps(plane, name, what)[0] > 0 for name in (y, x)}
    if rising[y]:
        plane = plane.isel({y: slice(None, None, -1)})
    return plane if rising[x] else plane.isel({x: slice(None, None, -1)})


def _steps(plane: xr.DataArray, name: Any, what: Message) -> tuple[float, float]:
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
            "the coordinates of {what} along {name} are not evenly spaced",
            "warp it onto an even grid",
            what=what,
            name=str(name),
        )
    return step, float(places[0])


def transform_of(plane: xr.DataArray, what: Message) -> Affine:
    """Return the transform of a plane of :func:`plane_of`."""
    (down, north), (across, west) = (_steps(plane, name, what) for name in plane.dims)
    if _tells_corners(plane.attrs.get("transform"), across, west):
        return Affine(across, 0.0, west, 0.0, down, north)
    return Affine(across, 0.0, west - across / 2, 0.0, down, north - down / 2)


def _tells_corners(transform: Any, across: float, west: float) -> bool:
    """Tell whether coordinates are those of the upper left corners of pixels (stackstac).

    The transform in the attributes says where pixels begin, also those of another part.
    """
    try:
        step, _, begin = (float(number) for number in tuple(transform)[:3])
    except (TypeError, ValueError):
        return False
    apart = (west - begin) / across
    return bool(np.isclose(step, across, rtol=1e-6) and abs(apart - round(apart)) < _UNEVEN)


def crs_in(attrs: Mapping[Any, Any]) -> Any:
    """Return the CRS that attributes tell, of an array, or of a group of EOPF; None: none."""
    names = ("crs", "proj:epsg", "proj:code")
    return next((attrs[name] for name in names if attrs.get(name) is not None), None)


def crs_of(array: xr.DataArray, what: Message) -> CRS:
    """Return the CRS that an array tells.

    Raises
    ------
    GridError
        When it tells none, or one that is not known.
    """
    for entry in _crs_entries(array):
        if entry is not None and str(entry).strip():
            try:
                return named_crs(CRS.from_user_input(entry))
            except (CRSError, TypeError, ValueError):
                raise GridError(
                    None,
                    "the CRS of {what} cannot be read",
                    'give it another, e.g. attrs["crs"] = "EPSG:32643"',
                    what=what,
                ) from None
    raise GridError(
        None,
        "{what} has no CRS",
        'give it one: rio.write_crs, or attrs["crs"] = "EPSG:32643"',
        what=what,
    )


def _crs_entries(array: xr.DataArray) -> Iterator[Any]:
    """Yield what an array says of its CRS: by rioxarray, as CF has it, as ``to_xarray`` does."""
    yield getattr(getattr(array, "rio", None), "crs", None)
    name = array.encoding.get("grid_mapping") or array.attrs.get("grid_mapping") or "spatial_ref"
    if name in array.coords:
        mapping = array.coords[name].attrs
        yield mapping.get("crs_wkt") or mapping.get("spatial_ref")
    yield crs_in(array.attrs)


def tells_void(array: xr.DataArray) -> bool:
    """Tell whether an array says which number marks voids, or said so before it was decoded."""
    return any(
        told.get(name) is not None for told in (array.attrs, array.encoding) for name in _VOID_NAMES
    )


def void_of(array: xr.DataArray, kind: str, what: Message) -> float | None:
    """Return the number that marks voids, where numbers of this kind can; NaN always does."""
    names = [name for name in _VOID_NAMES if array.attrs.get(name) is not None]
    marks = [number_of(array, name, np.nan, what) for name in names]
    with np.errstate(over="ignore"):
        return next((mark for mark in [*marks, np.nan] if in_dtype_range(mark, kind)), None)


def number_of(array: xr.DataArray, name: str, default: float, what: Message) -> float:
    """Return an attribute that is a number."""
    value = array.attrs.get(name, default)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ImplausibleError(
            None,
            "{what} has the {name} {value}, which is no number",
            "correct this attribute",
            what=what,
            name=name,
            value=str(value),
        ) from None


def stored(plane: xr.DataArray) -> NDArray[Any]:
    """Return the numbers of a plane as a GeoTIFF can hold them."""
    return as_stored(plane.to_numpy())


def as_stored(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in one piece and the byte order of this computer; none of 2 bytes and less."""
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        return values.astype(np.float64)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
