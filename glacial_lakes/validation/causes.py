"""What lies below outlines on a map of causes, such as snow, shadow or river."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.errors import RasterioError
from rasterio.features import geometry_mask
from rasterio.io import DatasetReader
from rasterio.windows import Window

from glacial_lakes.errors import N_, DamagedFileError, GridError, VectorError
from glacial_lakes.grid import placed, shifted
from glacial_lakes.io.vector import read_vector
from glacial_lakes.scenes.raster import open_raster

CAUSE_COLUMN = "cause"
"""Column with the name of the cause, where causes are polygons."""
_RASTERS = {".tif", ".tiff"}


def causes_below(outlines: gpd.GeoSeries, path: Path | str) -> pd.Series:
    """Return what a map of causes shows below each outline.

    Parameters
    ----------
    outlines : GeoSeries of Polygon or MultiPolygon
        In any CRS.
    path : path-like
        A GeoTIFF of whole numbers, one a class: the answer is the most frequent class of the pixels
        whose middle lies in the outline (of those it touches, where there is none), as text. Or
        polygons with a column ``cause``: the answer is the one that shares most area.

    Returns
    -------
    Series of str
        Index of the outlines; None where the map shows nothing.

    Raises
    ------
    InputError
        When the file cannot be used.
    """
    source = Path(path).absolute()
    if source.suffix.lower() in _RASTERS:
        found = _classes(outlines, source)
    else:
        found = _names(outlines, source)
    return pd.Series(found, index=outlines.index, dtype=object)


def _classes(outlines: gpd.GeoSeries, source: Path) -> list[str | None]:
    try:
        with open_raster(str(source), "GTiff") as dataset:
            if dataset.crs is None:
                raise GridError(source, "has no CRS", "give it one, e.g. with gdal_edit -a_srs")
            if not np.issubdtype(np.dtype(dataset.dtypes[0]), np.integer):
                raise GridError(source, "holds no whole numbers", "give one integer a class")
            return [_class_below(shape, dataset) for shape in outlines.to_crs(dataset.crs)]
    except RasterioError as error:
        raise DamagedFileError(
            source, "cannot be read: {error}", "copy it again", error=error
        ) from error


def _class_below(outline: shapely.Geometry, dataset: DatasetReader) -> str | None:
    west, south, east, north = outline.bounds
    cols, rows = placed(~dataset.transform, np.array([west, east]), np.array([north, south]))
    left, right = np.clip([math.floor(cols[0]), math.ceil(cols[1])], 0, dataset.width)
    top, bottom = np.clip([math.floor(rows[0]), math.ceil(rows[1])], 0, dataset.height)
    if left >= right or top >= bottom:
        return None
    window = Window(left, top, right - left, bottom - top)
    values = dataset.read(1, window=window, masked=True)
    transform = shifted(dataset.transform, top, left)
    inside = geometry_mask([outline], values.shape, transform, invert=True)
    if not inside.any():
        inside = geometry_mask([outline], values.shape, transform, invert=True, all_touched=True)
    classes, counts = np.unique(values[inside].compressed(), return_counts=True)
    return str(classes[counts.argmax()]) if len(classes) else None


def _names(outlines: gpd.GeoSeries, source: Path) -> list[str | None]:
    places = read_vector(source)
    if CAUSE_COLUMN not in places:
        remedy = N_("name the column with the causes so")
        raise VectorError(source, "has no column {column!r}", remedy, column=CAUSE_COLUMN)
    shapes = outlines.to_crs(places.crs).to_numpy()
    areas = places.geometry.to_numpy()
    outline, place = shapely.STRtree(areas).query(shapes, predicate="intersects")
    shared = pd.DataFrame(
        {
            "outline": outline,
            "cause": places[CAUSE_COLUMN].to_numpy(dtype=object)[place],
            "area": shapely.area(shapely.intersection(shapes[outline], areas[place])),
        }
    ).dropna()
    sums = shared.groupby(["outline", "cause"])["area"].sum().reset_index()
    best = sums.sort_values(["area", "cause"]).groupby("outline")["cause"].last()
    return [str(best[row]) if row in best.index else None for row in range(len(outlines))]
