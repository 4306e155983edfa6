"""An elevation model that a person holds as a DataArray, made a raster like those of files.

What the array says of CRS, unit, scale and voids is written into the raster, so that whoever reads
it need not know where it came from. xarray is never imported here: who holds an array has done so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rasterio.io import MemoryFile

from glacial_lakes.errors import Message, UnsafeInputError
from glacial_lakes.scenes.held_array import (
    crs_of,
    number_of,
    plane_of,
    stored,
    transform_of,
    void_of,
)
from glacial_lakes.scenes.raster import MAX_PIXELS

if TYPE_CHECKING:
    import xarray as xr


_DEM = Message("the DEM")


@contextmanager
def as_raster(array: xr.DataArray, what: Message = _DEM) -> Iterator[Any]:
    """Yield a raster in memory of an elevation model, or of another field, in an array.

    Parameters
    ----------
    array : xarray.DataArray (y, x)
        Pixel centres as coordinates, in either order; a third dimension of length 1 is taken
        away. The CRS is that of the accessor ``rio``, of the grid mapping (``spatial_ref``), or
        ``attrs["crs"]``. ``units``, ``scale_factor``, ``add_offset`` and ``_FillValue``,
        ``nodata`` or ``missing_value`` among the attributes are followed. It is loaded whole.

    what : Message
        What errors call it.

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
    plane = plane_of(array, what)
    if plane.size > MAX_PIXELS:
        raise UnsafeInputError(
            None,
            "{what} has {count} pixels",
            "cut it to the scenes first",
            what=what,
            count=plane.size,
        )
    if plane.dtype.kind not in "uif":
        raise UnsafeInputError(
            None, "{what} holds {kinds} numbers", "give heights", what=what, kinds=str(plane.dtype)
        )
    crs, transform, heights = crs_of(array, what), transform_of(plane, what), stored(plane)
    profile = {
        "driver": "GTiff",
        "height": plane.shape[0],
        "width": plane.shape[1],
        "count": 1,
        "crs": crs,
        "transform": transform,
        "nodata": void_of(array, heights.dtype.name, what),
        "BIGTIFF": "IF_SAFER",
    }
    with MemoryFile() as memory:
        with memory.open(**profile, dtype=heights.dtype.name) as written:
            written.write(heights, 1)
            written.units = (str(array.attrs.get("units", "")),)
            written.scales = (number_of(array, "scale_factor", 1.0, what),)
            written.offsets = (number_of(array, "add_offset", 0.0, what),)
        with memory.open() as dataset:
            yield dataset
