"""The 180th meridian: outlines that cross it are cut there, as RFC 7946 has them.

A ring whose longitudes jump from 180 to -180 would lie around the whole world. Cut there, an
outline has parts on both sides, and each of them is where it should be in degrees and in
:data:`glacial_lakes.grid.EQUAL_AREA`.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.io.repair import repaired

_HALF_DEG = 180.0
_HALF_M = float(pyproj.Transformer.from_crs(4326, EQUAL_AREA, always_xy=True).transform(180, 0)[0])
_EQUAL_AREA = pyproj.CRS(EQUAL_AREA)


def in_degrees(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return geometries in EPSG:4326, cut at the 180th meridian where they cross it."""
    return _cut(shapes.to_crs(4326))


def in_equal_area(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return geometries in :data:`glacial_lakes.grid.EQUAL_AREA`, cut likewise."""
    return _cut(shapes.to_crs(EQUAL_AREA))


def cut_at_180(shapes: Any, crs: Any) -> NDArray[np.object_]:
    """Return geometries cut at the 180th meridian where one of their parts crosses it.

    Parameters
    ----------
    shapes : array of shapely.Geometry
        Parts that are wider than half of the world, or that reach beyond 180 degrees, cross it.
    crs : any CRS
        One of degrees, or :data:`glacial_lakes.grid.EQUAL_AREA`; of others nothing is cut.
    """
    cut = np.array(shapes, dtype=object)
    half = half_world(crs)
    if half is None or not len(cut):
        return cut
    bounds = shapely.bounds(cut)
    known = np.isfinite(bounds).all(axis=1)  # what the CRS does not know lies nowhere
    bounds[~known] = 0.0
    may_cross = (bounds[:, 2] - bounds[:, 0] > half) | (np.abs(bounds[:, ::2]) > half).any(axis=1)
    for row in np.flatnonzero(may_cross):
        parts = shapely.get_parts(cut[row])
        if any(_crosses(part, half) for part in parts):
            cut[row] = _joined([piece for part in parts for piece in _pieces(part, half)])
    return cut


def half_world(crs: Any) -> float | None:
    """Return where a CRS has the 180th meridian; None where it does not end there."""
    crs = pyproj.CRS(crs)
    if crs.is_geographic:
        return _HALF_DEG
    return _HALF_M if crs.equals(_EQUAL_AREA) else None


def metric_crs(shapes: gpd.GeoSeries) -> pyproj.CRS:
    """Return the UTM zone in the middle of geometries, also where they lie around 180 degrees."""
    bounds = in_degrees(shapes).bounds.dropna()
    west, east = bounds["minx"].to_numpy(), bounds["maxx"].to_numpy()
    lon = _middle(np.concatenate([west, east]))
    lat = (bounds["miny"].min() + bounds["maxy"].max()) / 2
    zone: pyproj.CRS = gpd.GeoSeries([shapely.Point(lon, lat)], crs=4326).estimate_utm_crs()
    return zone


def distance_m(ones: Any, others: Any) -> NDArray[np.float64]:
    """Return distances in :data:`glacial_lakes.grid.EQUAL_AREA`, the short way round the world."""
    ways = [
        shapely.distance(
            shapely.transform(ones, lambda xy, by=turn: xy + np.array([by, 0])), others
        )
        for turn in (-2 * _HALF_M, 0.0, 2 * _HALF_M)
    ]
    nearest: NDArray[np.float64] = np.min(ways, axis=0)
    return nearest


def turned(lon: Any, centre: float) -> Any:
    """Return longitudes within 180 degrees of a centre; they may be beyond 180."""
    near = np.abs(np.subtract(lon, centre)) <= _HALF_DEG  # these stay as they are, to the last bit
    far = (lon - centre + _HALF_DEG) % (2 * _HALF_DEG) - _HALF_DEG + centre
    return np.where(near, lon, far)


def around(bounds: tuple[float, ...], lons: Any) -> tuple[float, ...]:
    """Return the bounds of places with their shorter extent, east beyond 180 if need be."""
    west, south, east, north = bounds
    centre = _middle(np.asarray(lons, dtype=float))
    if east - west <= _HALF_DEG or abs(centre) < _HALF_DEG / 2:
        return bounds
    lons = turned(np.asarray(lons, dtype=float), centre % (2 * _HALF_DEG))
    return float(lons.min()), south, float(lons.max()), north


def beside_each_other(shapes: gpd.GeoSeries, centre: float | None = None) -> gpd.GeoSeries:
    """Return geometries in degrees for a drawing: none lies on the other side of the world.

    Parameters
    ----------
    shapes : GeoSeries in EPSG:4326, cut at the 180th meridian
    centre : float, optional
        Longitude of the drawing; by default the middle of the geometries.
    """
    if centre is None:
        centre = _middle(shapes.bounds[["minx", "maxx"]].to_numpy().ravel())
    if abs(centre) < _HALF_DEG / 2:
        return shapes

    def turn(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([turned(xy[:, 0], centre), xy[:, 1]])

    moved = shapely.transform(shapes.to_numpy(), turn)
    return gpd.GeoSeries(moved, index=shapes.index, crs=shapes.crs)


def _middle(lons: NDArray[np.float64]) -> float:
    """Return the middle of longitudes, whichever way round they lie closer together."""
    lons = lons[np.isfinite(lons)]
    plain, east = lons, lons % (2 * _HALF_DEG)
    chosen = min(plain, east, key=np.ptp) if len(lons) else np.zeros(1)
    return float(turned((chosen.min() + chosen.max()) / 2, 0.0))


def _cut(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    cut = cut_at_180(shapes.to_numpy(), shapes.crs)
    return gpd.GeoSeries(cut, index=shapes.index, crs=shapes.crs, name=shapes.name)


def _crosses(part: shapely.Geometry, half: float) -> bool:
    west, _, east, _ = shapely.bounds(part)
    width = east - west
    beyond = max(abs(west), abs(east)) > half * (1 + 1e-12)
    return bool(half < width < 2 * half * (1 - 1e-12) or (beyond and width < half))


def _pieces(part: shapely.Geometry, half: float) -> list[shapely.Geometry]:
    if not _crosses(part, half):
        return [part]
    west, _, east, _ = shapely.bounds(part)
    if east - west > half and west >= 0:  # from 0 to 360, across the meridian of Greenwich
        part = shapely.transform(part, lambda xy: xy - np.outer(xy[:, 0] > half, [2 * half, 0]))
    elif east - west > half:
        part = shapely.transform(part, lambda xy: xy + np.outer(xy[:, 0] < 0, [2 * half, 0]))
    elif west < -half:
        part = shapely.transform(part, lambda xy: xy + np.array([2 * half, 0.0]))
    (part,) = repaired([part])
    west, south, east, north = shapely.bounds(part)
    inner = shapely.intersection(part, shapely.box(west - 1, south - 1, half, north + 1))
    outer = shapely.intersection(part, shapely.box(half, south - 1, east + 1, north + 1))
    return [inner, shapely.transform(outer, lambda xy: xy - np.array([2 * half, 0.0]))]


def _joined(pieces: list[shapely.Geometry]) -> shapely.Geometry:
    parts = shapely.get_parts(shapely.get_parts(pieces))
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    chosen = parts[areal] if areal.any() else parts
    joined: shapely.Geometry = shapely.union_all(chosen)
    return joined
