"""Regions of arrays that you made yourself: their outlines and properties, by scikit-image.

For masks, probabilities or indices of any origin, in memory. :func:`glacial_lakes.map_lakes` draws
outlines from all bands of a scene instead, and judges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from skimage.measure import find_contours, label, regionprops_table
from skimage.morphology import dilation

from glacial_lakes.columns import C
from glacial_lakes.errors import N_, GridError, InputError, Message
from glacial_lakes.grid import Grid, placed
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.schema import Status

REGION = "region"
"""Name of the index of both tables: numbers from 1 on, in the order of first pixels."""


def outlines(
    values: ArrayLike, transform: Affine, crs: Any, *, level: float = 0.5
) -> gpd.GeoDataFrame:
    """Return the outlines of what lies above a level.

    Parameters
    ----------
    values : array (y, x)
        A mask, or what grows with water: its fraction or probability, an index. The outline runs
        between pixel centres where the values pass the level. NaN was not observed.
    transform : affine.Affine
        Of the array, as rasterio has it; north-up.
    crs : any that rasterio takes
        Projected, in metres.
    level : float
        Above is water.

    Returns
    -------
    geopandas.GeoDataFrame
        One Polygon a region of pixels that touch at sides or corners, by its number: ``area_m2``
        and ``perimeter_m`` on the ellipsoid, ``pixel_m``, and ``status``. A region at the edge of
        the array or beside pixels that were not observed may go on there: its status is
        ``nodata`` and its area is missing. :func:`glacial_lakes.validate` takes the table as it
        is, and :class:`glacial_lakes.MappedScene` holds it for :func:`glacial_lakes.track`.

    Raises
    ------
    InputError
        When the array has no rows and columns, or holds no real numbers.
    GridError
        When the CRS is none in metres, or the transform is not north-up.

    Examples
    --------
    >>> import numpy as np
    >>> from affine import Affine
    >>> water = np.zeros((60, 60), bool)
    >>> water[20:40, 20:50] = True
    >>> found = outlines(water, Affine(10, 0, 450000, 0, -10, 4720000), "EPSG:32643")
    >>> found["status"].tolist(), round(found["area_m2"].item() / 60_000, 2)
    (['observed'], 1.0)
    """
    array = _numbers(values)
    grid = _grid(array, transform, crs)
    known = np.isfinite(array)
    above = known & (array > level)
    regions = label(above, connectivity=2)
    numbers, shapes = _drawn(array, known, regions, level)
    shapes = shapely.transform(
        shapes, lambda places: np.column_stack(placed(grid.transform, *(places + 0.5).T))
    )
    table = gpd.GeoDataFrame(geometry=shapes, index=_index(numbers), crs=grid.crs.to_wkt())
    size = geodesic_area_perimeter(table.geometry)
    is_cut = np.isin(numbers, regions[_beside_unknown(known)])
    table[C.AREA_M2] = size[C.AREA_M2].mask(is_cut)
    table[C.PERIMETER_M] = size[C.PERIMETER_M]
    table[C.PIXEL_M] = grid.resolution
    table[C.STATUS] = np.where(is_cut, Status.NODATA.value, Status.OBSERVED.value)
    return table


def properties(
    mask: ArrayLike,
    transform: Affine,
    crs: Any,
    values: Mapping[str, ArrayLike] | None = None,
) -> gpd.GeoDataFrame:
    """Return form and values of the regions of a mask.

    Parameters
    ----------
    mask : array (y, x) of bool or int
        A mask, or the numbers of regions in an array of labels, 0 for none.
    transform : affine.Affine
        Of the array, as rasterio has it; north-up.
    crs : any that rasterio takes
        Projected, in metres.
    values : mapping of str to array (y, x), optional
        Bands or indices, by name.

    Returns
    -------
    geopandas.GeoDataFrame
        By the number of the region, which is that of :func:`outlines` for ``values > level``:
        ``pixels``, ``pixel_area_m2`` (on the map), ``length_m`` and ``width_m`` (axes of the
        ellipse with the same second moments), ``azimuth_deg`` (of its long axis, from north to
        east, below 180), ``eccentricity``, ``solidity`` (share of the convex hull), and of each of
        the values ``name_mean``, ``name_min``, ``name_max``, NaN where one of its pixels has
        none. The geometry is the centroid.

    Raises
    ------
    InputError
        When the mask is neither bool nor int, or values have another shape.
    GridError
        As for :func:`outlines`.

    Examples
    --------
    >>> import numpy as np
    >>> from affine import Affine
    >>> water = np.zeros((60, 60), bool)
    >>> water[20:40, 20:50] = True
    >>> shade = {"nir": np.where(water, 0.02, 0.2)}
    >>> form = properties(water, Affine(10, 0, 450000, 0, -10, 4720000), "EPSG:32643", shade)
    >>> form.loc[1, ["pixel_area_m2", "azimuth_deg", "nir_mean"]].tolist()
    [60000.0, 90.0, 0.02]
    """
    remedy = N_("give rows and columns of bool, e.g. values > 0.5")
    array = _plane(mask, "bui", remedy)
    grid = _grid(array, transform, crs)
    regions = label(array, connectivity=2) if array.dtype.kind == "b" else array.astype(np.int64)
    bands = {name: _numbers(band) for name, band in (values or {}).items()}
    for name, band in bands.items():
        if band.shape != array.shape:
            raise InputError(
                None,
                "{name} has the shape {shape}, the mask {other}",
                "give both on one grid",
                name=name,
                shape=str(band.shape),
                other=str(array.shape),
            )
    spacing = (-grid.transform.e, grid.transform.a)
    found = regionprops_table(regions, properties=_FORM, spacing=spacing)
    down, across = found["centroid-0"] / spacing[0], found["centroid-1"] / spacing[1]
    x, y = placed(grid.transform, across + 0.5, down + 0.5)
    table = gpd.GeoDataFrame(
        {
            "pixels": np.rint(found["area"] / grid.pixel_area_m2).astype(np.int64),
            "pixel_area_m2": found["area"],
            "length_m": found["axis_major_length"],
            "width_m": found["axis_minor_length"],
            # Theirs is from the first axis, which runs south, towards the second.
            "azimuth_deg": -np.degrees(found["orientation"]) % 180,
            "eccentricity": found["eccentricity"],
            "solidity": found["solidity"],
        },
        geometry=gpd.points_from_xy(x, y),
        index=_index(found["label"]),
        crs=grid.crs.to_wkt(),
    )
    for name, band in bands.items():
        intensities = regionprops_table(regions, band, properties=tuple(_OF_VALUES.values()))
        for suffix, property_name in _OF_VALUES.items():
            table[f"{name}_{suffix}"] = intensities[property_name]
    return table


_FORM = (
    *("label", "area", "centroid", "axis_major_length", "axis_minor_length"),
    *("orientation", "eccentricity", "solidity"),
)
_OF_VALUES = {"mean": "intensity_mean", "min": "intensity_min", "max": "intensity_max"}


_OFF_LEVEL = 1e-6
"""Share of the range of values by which all are kept off the level, so that no two rings touch."""


def _plane(values: ArrayLike, kinds: str, remedy: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in kinds:
        raise InputError(
            None,
            "an array of {kind} with {count} dimensions is given",
            remedy,
            kind=array.dtype.name,
            count=array.ndim,
        )
    return array


def _numbers(values: ArrayLike) -> NDArray[np.float64]:
    return _plane(values, "buif", N_("give rows and columns of numbers")).astype(np.float64)


def _grid(array: NDArray[Any], transform: Affine, crs: Any) -> Grid:
    try:
        return Grid(CRS.from_user_input(crs), transform, array.shape)
    except CRSError:
        what = Message("the CRS {crs} cannot be read", crs=str(crs))
        raise GridError(None, what, 'give another, e.g. "EPSG:32643"') from None


def _index(numbers: NDArray[Any]) -> pd.Index:
    return pd.Index(numbers.astype(np.int64), name=REGION)


def _drawn(
    array: NDArray[np.float64], known: NDArray[np.bool_], regions: NDArray[Any], level: float
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Return the number and the polygon of each region, in columns and rows of pixel centres.

    Rings of holes, and of islands in them, are nested by even and odd. A region is the polygon
    that holds its first pixel.
    """
    if not regions.any():
        return np.empty(0, np.int64), np.empty(0, object)
    highest, lowest = array[known].max(), array[known].min()
    low = min(lowest, 2 * level - highest)  # of what is unknown or beyond the edge
    apart = _OFF_LEVEL * (highest - low)
    above = np.maximum(array, level + apart)
    drawn = np.where(regions > 0, above, np.where(known, np.minimum(array, level - apart), low))
    rings = find_contours(np.pad(drawn, 1, constant_values=low), level, fully_connected="high")
    lines = [shapely.LineString(ring[:, ::-1] - 1) for ring in rings]
    shapes = shapely.get_parts(shapely.build_area(shapely.GeometryCollection(lines)))
    numbers, first = np.unique(regions, return_index=True)
    is_region = numbers > 0
    rows, cols = np.unravel_index(first[is_region], regions.shape)
    region, shape = shapely.STRtree(shapes).query(shapely.points(cols, rows), predicate="within")
    order = np.argsort(region)
    return numbers[is_region][region[order]], shapes[shape[order]]


def _beside_unknown(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels at the edge of the array or beside such that were not observed."""
    unknown = np.pad(~known, 1, constant_values=True)
    beside: NDArray[np.bool_] = dilation(unknown, np.ones((3, 3), bool))[1:-1, 1:-1]
    return beside
