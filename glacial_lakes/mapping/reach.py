"""Whether inputs meet: areas, glaciers and basins against the places of scenes or outlines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from glacial_lakes.errors import N_, InputError, Message, VectorError
from glacial_lakes.grid import Grid, placed
from glacial_lakes.io.vector import Places, as_places
from glacial_lakes.measures.glaciers import glacier_outlines
from glacial_lakes.measures.meridian import in_degrees

FAR_M = 100_000.0
"""Glaciers farther than this from everything tell nothing of any lake."""
_SIDE_M, _SIDE_DEG = 1000.0, 0.01
"""Longest sides that are moved to another map as they are: they bend by centimetres."""
_AROUND_DEG = 0.1
_DEG_M = 111_000.0
_EARTH = pyproj.Geod(ellps="WGS84")
_POLYGONS = (3, 6)
_POLE_DEG = 91.0
"""Latitudes beyond the poles by more than what rounding does are none."""


def check_reach(
    extents: Iterable[shapely.Geometry],
    *,
    aoi: Places | None = None,
    glaciers: Places | None = None,
    basins: Places | None = None,
    buffer_m: float | None = None,
) -> None:
    """Refuse inputs that have no polygons, or that lie beside everything that they are for.

    What lies within reach of one place is enough: a file of glaciers may be of one valley.

    Parameters
    ----------
    extents : iterable of shapely.Geometry
        Where scenes or outlines lie, in EPSG:4326; a little too large does no harm. When there
        is none, only the polygons are looked for.
    aoi, glaciers, basins : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        As for :func:`glacial_lakes.map_lakes` and :func:`glacial_lakes.track`.
    buffer_m : float, optional
        Distance from glaciers within which lakes are kept.

    Raises
    ------
    InputError
        Naming the file, and how far it lies away.
    """
    places = list(extents)
    for source, reach_m in ((aoi, 0.0), (basins, 0.0), (glaciers, buffer_m or FAR_M)):
        if source is None:
            continue
        path = source if isinstance(source, Path | str) else None
        read = glacier_outlines if source is glaciers else as_places
        shapes = _polygons(read(source))
        if not len(shapes):
            what = N_("has no polygons")
            raise VectorError(path, what, "name a file that has some, or leave it out")
        require_near(path, shapes, places, reach_m)


def require_near(
    path: Path | str | None,
    shapes: Iterable[shapely.Geometry],
    places: Iterable[shapely.Geometry],
    reach_m: float = FAR_M,
) -> None:
    """Refuse an input that lies farther from everything than it can matter.

    Parameters
    ----------
    path : path-like or None
        Named in the message.
    shapes : iterable of shapely.Geometry
        What the input tells of, in EPSG:4326; without any nothing is asked.
    places : iterable of shapely.Geometry
        Where scenes or outlines lie, in EPSG:4326; without any nothing is asked.
    reach_m : float
        How far away it may lie.

    Raises
    ------
    InputError
        Naming the file, and how far it lies away.
    """
    told = np.array([shape for shape in shapes if shape and not shape.is_empty], dtype=object)
    around = [place for place in places if place and not place.is_empty]
    if not len(told) or not around:
        return
    remedy = N_("correct its CRS or coordinates, or leave it out")
    _, south, _, north = shapely.bounds(told).T
    on_earth = told[(south >= -_POLE_DEG) & (north <= _POLE_DEG)]
    if not len(on_earth):
        what = N_("has coordinates in metres, and a CRS in degrees")
        raise InputError(path, what, remedy)
    distance_m = _distance_m(on_earth, around)
    if distance_m > reach_m:
        what = N_("lies {distance:.0f} km away from all images and outlines")
        raise InputError(path, what, remedy, distance=distance_m / 1000)


def extent_of(grid: Grid) -> shapely.Geometry:
    """Return the box of a scene in degrees, on both sides of the 180th meridian if need be."""
    rows, columns = grid.shape
    x, y = placed(
        grid.transform, np.array([0.0, columns, 0.0, columns]), np.array([0.0, 0.0, rows, rows])
    )
    try:
        west, south, east, north = transform_bounds(
            grid.crs, "EPSG:4326", x.min(), y.min(), x.max(), y.max()
        )
    except RasterioError:
        return shapely.Polygon()
    if not np.isfinite([west, south, east, north]).all():
        return shapely.Polygon()
    if west <= east:
        return shapely.box(west, south, east, north)
    halves = [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
    return shapely.MultiPolygon(halves)


def on_map(table: gpd.GeoDataFrame, grid: Grid, reach_m: float = 0.0) -> gpd.GeoDataFrame:
    """Return what of some places lies about a scene, in the CRS of the scene.

    A map shows its own part of the world, and a straight line of one map is bent on another:
    what lies far away is cut off, and long sides get more corners, before they are moved.

    Parameters
    ----------
    table : GeoDataFrame of Polygon or MultiPolygon
        Valid, with a CRS.
    grid : Grid
        Of the scene.
    reach_m : float
        How far around the scene places matter.
    """
    crs = grid.crs.to_wkt()
    extent = extent_of(grid)
    if extent.is_empty or table.crs.equals(crs):
        return table.to_crs(crs)
    table = table[~shapely.is_missing(table.geometry.to_numpy())]
    shapes = table.geometry
    if table.crs.is_projected:
        unit_m = table.crs.axis_info[0].unit_conversion_factor
        shapes = shapes.segmentize(_SIDE_M / unit_m)
    shapes = in_degrees(shapes)
    around = _widened(extent, reach_m)
    shapely.prepare(around)
    outer = ~shapely.covers(around, shapes.to_numpy())
    shapes.loc[outer] = shapely.intersection(shapes[outer].to_numpy(), around)
    cut: gpd.GeoDataFrame = table.set_geometry(shapes.segmentize(_SIDE_DEG))
    return cut[~cut.geometry.is_empty].to_crs(crs)


def _widened(extent: shapely.Geometry, reach_m: float) -> shapely.Geometry:
    """Return a box in degrees with what lies around it, also behind the 180th meridian."""
    up = _AROUND_DEG + reach_m / _DEG_M
    boxes = []
    for west, south, east, north in shapely.bounds(shapely.get_parts(extent)):
        along = up / max(0.01, np.cos(np.radians(min(89.0, max(-south, north)))))
        boxes += [
            shapely.box(west - along + turn, south - up, east + along + turn, north + up)
            for turn in (-360.0, 0.0, 360.0)
        ]
    return shapely.union_all(boxes)


def with_polygons(table: gpd.GeoDataFrame, argument: str) -> gpd.GeoDataFrame:
    """Return places as they are, of which polygons are meant.

    Raises
    ------
    VectorError
        When there are geometries, but no polygon among them.
    """
    if len(table) and not np.isin(shapely.get_type_id(table.geometry.to_numpy()), _POLYGONS).any():
        what = Message("{argument} has no polygons", argument=argument)
        raise VectorError(None, what, "give polygons, or leave it out")
    return table


def _polygons(table: gpd.GeoDataFrame) -> Any:
    places = table.geometry
    is_areal = np.isin(shapely.get_type_id(places.to_numpy()), _POLYGONS)
    shapes = in_degrees(places[is_areal & ~places.is_empty]).to_numpy()
    shapes = shapes[shapely.area(shapes) > 0]
    return shapes[np.isfinite(shapely.bounds(shapes)).all(axis=1)] if len(shapes) else shapes


def _distance_m(shapes: Any, places: list[shapely.Geometry]) -> float:
    """Return the shortest distance on the ellipsoid, along the shortest line in degrees."""
    tree = shapely.STRtree(shapes)
    least = np.inf
    for place in places:
        near = tree.query_nearest(place, all_matches=False)
        line = shapely.get_coordinates(shapely.shortest_line(place, tree.geometries[near[0]]))
        _, _, metres = _EARTH.inv(*line[0], *line[-1])
        least = min(least, float(metres))
    return least
