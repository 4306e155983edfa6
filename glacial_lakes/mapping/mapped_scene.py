"""What mapping makes of a scene and tracking takes: outlines and the observation mask."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError
from rasterio.features import rasterize
from rasterio.windows import Window

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.coverage import CompleteCoverage, Coverage, DrawnCoverage, SceneCoverage
from glacial_lakes.errors import N_, DamagedFileError, InputError, require
from glacial_lakes.grid import Grid
from glacial_lakes.io import geopackage
from glacial_lakes.io.extras import lazy_pixels
from glacial_lakes.runtime.notebooks import ShowsFacts

if TYPE_CHECKING:
    import xarray as xr

OUTLINES_LAYER = "outlines"
COVERAGE_TABLE = "coverage"
RIVERS_TABLE = "rivers"
"""No layer of its own: whoever takes the file for outlines need not name one."""

_UNREADABLE = KeyError, TypeError, ValueError, shapely.errors.GEOSException


@dataclass(frozen=True, eq=False, repr=False)
class MappedScene(ShowsFacts):
    """One scene as mapped, or one survey as drawn.

    Parameters
    ----------
    outlines : geopandas.GeoDataFrame
        Columns of :data:`glacial_lakes.schema.MAPPED`, one row a water body, any CRS.
    coverage : SceneCoverage
        The observation mask: what the scene shows of every place. A
        :class:`~glacial_lakes.coverage.Coverage` where pixels tell it; for outlines that somebody
        drew a :class:`~glacial_lakes.coverage.CompleteCoverage`.
    rivers : geopandas.GeoSeries, optional
        What pixels show of rivers, polygons in any CRS: for maps, not to measure.

    Raises
    ------
    InputError
        When one is of another type.

    Examples
    --------
    >>> from datetime import datetime
    >>> import geopandas as gpd, glacial_lakes as gl
    >>> from shapely import box
    >>> drawn = gpd.GeoDataFrame(geometry=[box(0, 0, 300, 200)], crs="EPSG:32643")
    >>> survey = gl.CompleteCoverage("survey 2020", datetime(2020, 8, 1), "S2A", 10.0)
    >>> gl.MappedScene(drawn, survey)
    <MappedScene survey 2020: S2A, 2020-08-01, 1 outline>
    """

    outlines: gpd.GeoDataFrame
    coverage: SceneCoverage
    rivers: gpd.GeoSeries | None = None

    def __post_init__(self) -> None:
        require(self.outlines, gpd.GeoDataFrame, "outlines", N_("give a GeoDataFrame"))
        remedy = N_("give what tells where the scene saw the ground, e.g. a CompleteCoverage")
        if not hasattr(self.coverage, "observe"):  # a class of one's own may know less than others
            require(self.coverage, SceneCoverage, "coverage", remedy)

    def to_file(self, path: str | Path) -> None:
        """Write outlines and observation mask as one GeoPackage, whole or not at all.

        The outlines are a layer that QGIS opens, with the columns of
        :data:`glacial_lakes.schema.MAPPED` first; equal scenes give equal bytes.

        Parameters
        ----------
        path : path-like
            The ``.gpkg`` file; an old one is replaced.

        Raises
        ------
        ConfigError
            When the file has another ending.
        InputError
            When the observation mask is of a class of one's own.
        OutputError
            When the file cannot be written.
        """
        geopackage.require_ending(path)
        table = _ordered(self.outlines)
        records = {COVERAGE_TABLE: _record(self.coverage)}
        if self.rivers is not None:  # none at all, too: a later scene takes the place of this file
            whole = shapely.MultiPolygon(shapely.get_parts(self.rivers.to_numpy()))
            records[RIVERS_TABLE] = {"crs": self.rivers.crs.to_wkt(), "content": whole.wkb}
        geopackage.write_layers(path, {OUTLINES_LAYER: table}, records=records)

    def to_xarray(self) -> xr.Dataset:
        """Return what pixels show and whose they are, made when looked at (needs ``xarray``).

        Returns
        -------
        xarray.Dataset (y, x)
            ``state``, uint8, as of :meth:`Coverage.to_xarray`; ``outline``, int32: the place of the
            outline in :attr:`outlines` that holds the centre of the pixel, from 1; 0 for none.

        Raises
        ------
        InputError
            When no pixels were mapped: the outlines are drawn.
        ConfigError
            When xarray is not installed.
        """
        coverage = self.coverage
        if not isinstance(coverage, Coverage):
            raise InputError(
                None, "outlines that were drawn have no pixels", "give a scene that was mapped"
            )
        lazy = lazy_pixels()
        shapes = self.outlines.geometry.to_crs(coverage.grid.crs.to_wkt()).to_numpy()
        outline = lazy.lazy(
            partial(_outline_parts, coverage.grid, shapes),
            ("y", "x"),
            coverage.grid.shape,
            np.int32,
            long_name="place of the outline in the table, from 1",
        )
        cube: xr.Dataset = coverage.to_xarray().to_dataset()
        return cube.assign(outline=outline)

    @classmethod
    def read(cls, path: str | Path) -> MappedScene:
        """Read what :meth:`to_file` wrote.

        Raises
        ------
        DamagedFileError
            When the file does not hold outlines and an observation mask.
        VectorError, UnsafeInputError
            When it is no readable GeoPackage.
        """
        layers = geopackage.read_layers(path, [OUTLINES_LAYER])
        record = geopackage.read_record(path, COVERAGE_TABLE)
        if OUTLINES_LAYER not in layers or record is None:
            raise DamagedFileError(path, "is no mapped scene", "map it again")
        outlines = gpd.GeoDataFrame(_ordered(layers[OUTLINES_LAYER]))
        return cls(_single_parts(outlines), _coverage(record, path), read_rivers(path))

    def __repr__(self) -> str:
        facts = self._facts()
        summary = ", ".join(facts[name] for name in ("sensor", "acquired", "outlines"))
        return f"<MappedScene {facts['scene']}: {summary}>"

    def _facts(self) -> dict[str, str]:
        count = len(self.outlines)
        amount = f"{count} outline" if count == 1 else f"{count} outlines"
        if C.AREA_M2 in self.outlines and (not count or self.outlines[C.AREA_M2].notna().any()):
            amount += f", {self.outlines[C.AREA_M2].sum() / 1e6:.3f} km²"
        return {
            "scene": self.coverage.scene_id,
            "sensor": self.coverage.sensor,
            "acquired": f"{self.coverage.acquired:%Y-%m-%d}",
            "outlines": amount,
        }


def read_rivers(path: str | Path) -> gpd.GeoSeries | None:
    """Read the rivers alone of what :meth:`MappedScene.to_file` wrote; None where it has none.

    Raises
    ------
    DamagedFileError
        When they cannot be understood.
    """
    try:
        record = geopackage.read_record(path, RIVERS_TABLE)
        if record is None:
            return None
        parts = shapely.get_parts(shapely.from_wkb(record["content"]))
        return gpd.GeoSeries(parts, crs=record["crs"])
    except (*_UNREADABLE, sqlite3.Error, CRSError) as error:
        raise DamagedFileError(path, "is no mapped scene", "map it again") from error


def _outline_parts(
    grid: Grid, shapes: NDArray[np.object_], parts: tuple[slice, ...]
) -> NDArray[np.int32]:
    """Return the places of outlines, from 1, in parts of rows and columns."""
    crop = grid.crop(Window.from_slices(*parts))
    near = np.flatnonzero(shapely.intersects(shapes, shapely.box(*crop.bounds)))
    places = np.zeros(crop.shape, np.int32)
    if near.size:
        rasterize(
            [(shapes[place], int(place) + 1) for place in near],
            out=places,
            transform=crop.transform,
        )
    return places


def _ordered(outlines: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the columns that are there, those of the schema first and of its types.

    One that is missing is not made up: polygons without an area are measured when they are tracked,
    and those whose area is missing are not.
    """
    there = [column for column in schema.MAPPED if column.name in outlines]
    return schema.conform(outlines, tuple(there))


def _single_parts(outlines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the outlines with polygons that GeoPackages hold as parts of one."""
    shapes = outlines.geometry.to_numpy()
    single = shapely.get_num_geometries(shapes) == 1
    parts = gpd.GeoSeries(shapely.get_geometry(shapes, 0), outlines.index, crs=outlines.crs)
    return outlines.set_geometry(outlines.geometry.where(~single, parts))


def _record(coverage: SceneCoverage) -> dict[str, geopackage.Value]:
    """Return the row that keeps a coverage."""
    row: dict[str, geopackage.Value] = {
        "kind": type(coverage).__name__,
        C.SCENE_ID: coverage.scene_id,
        C.ACQUIRED: coverage.acquired.isoformat(),
        C.SENSOR: coverage.sensor,
    }
    match coverage:
        case Coverage():
            return row | {"content": coverage.tiff}
        case DrawnCoverage():
            extent = shapely.to_wkb(coverage.extent)
            return row | {"resolution_m": coverage.resolution_m, "content": extent}
        case CompleteCoverage():
            return row | {"resolution_m": coverage.resolution_m}
    raise InputError(
        None,
        "an observation mask of the class {kind} has no form in files",
        "use Coverage, CompleteCoverage or DrawnCoverage",
        kind=type(coverage).__name__,
    )


def _coverage(record: Mapping[str, Any], path: str | Path) -> SceneCoverage:
    """Return the coverage that a row keeps."""
    try:
        if record["kind"] == Coverage.__name__:
            return Coverage.from_tiff(record["content"], path)
        kept = {name: record[name] for name in (C.SCENE_ID, C.SENSOR, "resolution_m")}
        kept[C.ACQUIRED] = datetime.fromisoformat(record[C.ACQUIRED])
        if record["kind"] == DrawnCoverage.__name__:
            return DrawnCoverage(**kept, extent=shapely.from_wkb(record["content"]))
        if record["kind"] == CompleteCoverage.__name__:
            return CompleteCoverage(**kept)
    except (InputError, *_UNREADABLE) as error:
        raise DamagedFileError(path, "is no mapped scene", "map it again") from error
    raise DamagedFileError(path, "is no mapped scene", "map it again")
