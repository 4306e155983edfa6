"""Bathymetries and rating curves that a project gives → curves of its lakes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.errors import RasterioError

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, DamagedFileError, Message, VectorError
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory.catalogue import column_of
from glacial_lakes.inventory.names import LakeNames
from glacial_lakes.io.numbers import numbers_of
from glacial_lakes.io.tables import read_table
from glacial_lakes.measures import rating_curves
from glacial_lakes.measures.meridian import in_equal_area
from glacial_lakes.scenes.dem import open_dem
from glacial_lakes.settings import StorageSettings
from glacial_lakes.tracking.tables import Tracked

LAKE = "lake"
_AREAS = {C.AREA_M2: 1.0, "area_km2": 1e6}
_VOLUMES = {C.VOLUME_M3: 1.0, "volume_million_m3": 1e6}
_SIGMAS = {C.VOLUME_SIGMA_M3: 1.0, "volume_sigma_million_m3": 1e6}
_BESIDE = {C.AREA_M2: "m2", "area_km2": "km2"}
"""The unit that may stand beside the numbers of a column."""
_MOST_PIXELS = 50_000_000
_LISTED = 3

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Surveys:
    """What the files say, before anybody knows which lakes they mean."""

    curves: pd.DataFrame
    """``lake`` as the file calls it, and the columns of :data:`glacial_lakes.schema.CURVES` but
    for ``lake_id``."""
    basins: gpd.GeoDataFrame
    """Of each bathymetry where it lies, in :data:`glacial_lakes.grid.EQUAL_AREA`: its file as
    ``source``, and its curve as ``curve``."""


def read_surveys(settings: StorageSettings, folder: Path = Path()) -> Surveys:
    """Read the curves and bathymetries that a project names.

    Parameters
    ----------
    settings : StorageSettings
        Table ``[storage]`` of a project.
    folder : pathlib.Path
        Where its paths start.

    Raises
    ------
    VectorError
        When a table lacks a column, or holds what is no number above 0.
    GlacialLakesError
        When a bathymetry cannot be read, or shows no water.

    Examples
    --------
    >>> from glacial_lakes.settings import StorageSettings
    >>> len(read_surveys(StorageSettings()).curves)
    0
    """
    curves = _curves(folder / settings.curves, settings.sheet) if settings.curves else _no_curves()
    rows = [_bathymetry(folder / path) for path in settings.bathymetry]
    basins = gpd.GeoDataFrame(
        {C.SOURCE: [row[0] for row in rows], "curve": [row[1] for row in rows]},
        geometry=[row[2] for row in rows],
        crs=EQUAL_AREA,
    )
    return Surveys(curves, basins)


def curves_in(surveys: Surveys, tracked: Tracked) -> pd.DataFrame:
    """Return the curves of the lakes of an inventory; what means no lake of it is told in the log.

    A bathymetry is that of the lake that shares most ground with it, and outranks a table.

    Returns
    -------
    pandas.DataFrame
        :data:`glacial_lakes.schema.CURVES`, by lake and area.
    """
    known = LakeNames(tracked.lakes)
    names = surveys.curves[LAKE].map(lambda name: known.ids(str(name)))
    unclear = names.map(len) != 1
    for name, source in dict.fromkeys(
        zip(surveys.curves.loc[unclear, LAKE], surveys.curves.loc[unclear, C.SOURCE], strict=True)
    ):
        count = len(known.ids(str(name)))
        what = Message("{path}: no lake is called {lake}", path=source, lake=name)
        if count:
            what = Message("{path}: several lakes are called {lake}", path=source, lake=name)
        _LOG.warning(what)
    rows = surveys.curves[~unclear].assign(**{C.LAKE_ID: names[~unclear].map(lambda ids: ids[0])})
    parts = [rows.drop(columns=LAKE)]
    ground = in_equal_area(tracked.outlines.geometry).to_numpy()
    for _, basin in surveys.basins.iterrows():
        shared = shapely.area(shapely.intersection(ground, basin.geometry))
        if not len(ground) or not shared.max() > 0:
            _LOG.warning(Message("{path}: no lake lies there", path=basin[C.SOURCE]))
            continue
        name = tracked.outlines[C.LAKE_ID].iloc[int(shared.argmax())]
        parts = [part[part[C.LAKE_ID] != name] for part in parts]
        columns = {C.AREA_M2: basin["curve"].area_m2, C.VOLUME_M3: basin["curve"].volume_m3}
        parts.append(pd.DataFrame(columns).assign(**{C.LAKE_ID: name, C.SOURCE: basin[C.SOURCE]}))
    filled = [part for part in parts if len(part)] or parts[:1]
    table = schema.conform(pd.concat(filled, ignore_index=True), schema.CURVES)
    return table.sort_values([C.LAKE_ID, C.AREA_M2], ignore_index=True)


def _no_curves() -> pd.DataFrame:
    names = [LAKE, *(column.name for column in schema.CURVES if column.name != C.LAKE_ID)]
    return pd.DataFrame({name: pd.Series(dtype=object) for name in names})


def _curves(path: Path, sheet: str | None) -> pd.DataFrame:
    """Read a table of lakes, areas and volumes, as spreadsheets of any country save it."""
    table = read_table(path, (LAKE, *_AREAS, *_VOLUMES, *_SIGMAS), None, sheet).frame
    found = pd.DataFrame({LAKE: table[column_of(path, table, LAKE)]})
    found[C.AREA_M2] = _numbers(path, table, _AREAS)
    found[C.VOLUME_M3] = _numbers(path, table, _VOLUMES)
    given = [name for name in _SIGMAS if name in table]
    found[C.VOLUME_SIGMA_M3] = _numbers(path, table, _SIGMAS, empty=True) if given else np.nan
    falls = [
        str(lake)
        for lake, points in found.groupby(LAKE)
        if (points.sort_values(C.AREA_M2)[C.VOLUME_M3].diff() <= 0).any()
        or points[C.AREA_M2].duplicated().any()
    ]
    if falls:
        what = Message("the volume does not grow with the area of {lakes}", lakes=falls[:_LISTED])
        raise VectorError(path, what, "correct areas and volumes, one line each")
    return found.assign(**{C.SOURCE: path.name})


def _numbers(
    path: Path, table: pd.DataFrame, units: Mapping[str, float], *, empty: bool = False
) -> pd.Series:
    name = next((name for name in units if name in table), None)
    if name is None:
        column_of(path, table, next(iter(units)))  # tells which columns there are
    read = numbers_of(table[name])
    values = read.found * units[str(name)]
    is_of_other = read.units.notna() & (read.units != _BESIDE.get(str(name)))
    odd = is_of_other | ~((values > 0) | (empty & values.isna() & ~read.odd))
    if odd.any():
        what = Message(
            "has no number above 0 in {column}, rows {rows}",
            column=str(name),
            rows=odd[odd].index[:_LISTED].tolist(),
        )
        raise VectorError(path, what, "correct it, or remove the row")
    return values


def _bathymetry(path: Path) -> tuple[str, rating_curves.RatingCurve, Any]:
    """Return the name, the curve and the place of a raster of depths in metres, down above 0."""
    with open_dem(path) as dataset:
        crs, transform = dataset.crs, dataset.transform
        if not crs.is_projected or dataset.width * dataset.height > _MOST_PIXELS:
            what = Message("is no bathymetry of one lake on a map in metres")
            raise DamagedFileError(path, what, "cut it to the lake, and warp it to UTM")
        try:
            depth = dataset.read(1, masked=True).astype("float64").filled(np.nan)
        except RasterioError as error:
            remedy = N_("copy or download it again")
            raise DamagedFileError(path, "the raster cannot be read", remedy) from error
    pixel_m2 = abs(transform.a * transform.e) * crs.linear_units_factor[1] ** 2
    curve = rating_curves.from_depths(depth, pixel_m2)
    if curve is None:
        remedy = N_("give depths in metres, down above 0")
        raise DamagedFileError(path, "shows no depth above 0", remedy)
    rows, cols = np.nonzero(depth > 0)
    west, north = transform.c + cols.min() * transform.a, transform.f + rows.min() * transform.e
    east = transform.c + (cols.max() + 1) * transform.a
    south = transform.f + (rows.max() + 1) * transform.e
    place = gpd.GeoSeries([shapely.box(west, south, east, north)], crs=crs.to_wkt())
    return path.name, curve, in_equal_area(place).iloc[0]
