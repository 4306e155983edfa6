"""What the ground around lakes says, from a DEM: what drains in, steep fronts, steep headwalls.

Indicators of first-order screening, not a hazard assessment. The DEM is read tile by tile, each
with a rim that holds the catchments of its lakes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.features import rasterize

from glacial_lakes.columns import C
from glacial_lakes.errors import Message, NotCoveredError
from glacial_lakes.grid import Grid
from glacial_lakes.measures.catchment import Drainage, drainage
from glacial_lakes.measures.meridian import in_degrees
from glacial_lakes.scenes.dem import Dem, name_of, open_dem
from glacial_lakes.terrain import Terrain, read_terrain

logger = logging.getLogger(__name__)

NEAR_M = 1000.0
"""How far below a lake its front is looked at (Fujita et al. 2013)."""
TOO_NEAR_M = 100.0
"""Ground nearer to the shore than this is left out: errors of the DEM look steep there (Rounce et
al. 2016, *Hydrol. Earth Syst. Sci.* 20, 3455-3475)."""
FRONT_DEG = 10.0
"""Fronts that look down more steeply are steep: no lake without one is known to have burst by
itself (Fujita et al. 2013)."""
HEADWALL_DEG = 30.0
"""Slopes from which rock and ice may fall (Allen et al. 2019, *Sci. Bull.* 64, 435-445)."""
REACH_DEG = 14.0
"""Mean slope of the way to the lake at which they may reach it (Allen et al. 2019)."""

_CELL_M = 30.0
_TILE_M = 40_000.0
_MARGIN_M = 10_000.0
_LATTICE_M = 900.0
"""Tiles begin on multiples of it, so that other lakes do not move the pixels."""
_MIN_SEEN = 0.9

COLUMNS = (
    C.UPSLOPE_AREA_M2,
    C.UPSLOPE_GLACIER_FRACTION,
    C.DOWNSTREAM_SLOPE_DEG,
    C.FRONT_ANGLE_DEG,
    C.LOWERING_HEIGHT_M,
    C.HEADWALL_AREA_M2,
)
_ONTO_ICE = "runs_onto_glacier"
_ICE_WATER = "glacier_water_near"
_FOUND = (*COLUMNS, C.ELEV_M, _ONTO_ICE, _ICE_WATER)


def relief_indicators(
    lakes: gpd.GeoSeries, dem: Dem, glaciers: gpd.GeoDataFrame | None = None
) -> pd.DataFrame:
    """Return catchment and relief indicators of lakes.

    Parameters
    ----------
    lakes : GeoSeries of Polygon or MultiPolygon, any CRS
        Lakes of one time; each is a sink for the water above it.
    dem : path-like, rasterio dataset or xarray.DataArray
        Elevation in metres, any CRS and resolution; sampled at its own, at least 30 m.
    glaciers : GeoDataFrame, optional
        Glacier outlines in any CRS.

    Returns
    -------
    DataFrame
        ``upslope_area_m2``: all that drains to the lake, also through lakes above it, without
        the lake itself; ``upslope_glacier_fraction``: share of glaciers in it (missing without
        glaciers); both missing where the catchment reaches the edge of the DEM or of 10 km
        around a tile. ``downstream_slope_deg``: mean slope of the way of the water over the first
        km below the lake, or to the next lake; missing where the DEM shows no fall.
        ``front_angle_deg``: steepest angle down
        from the lake to ground 100 m to 1 km from the shore, 0 where none is lower;
        ``lowering_height_m``: how far the lake must sink until it is nowhere above 10°.
        ``headwall_area_m2``: ground steeper than 30° whose way to the lake falls by 14° or more on
        average, map area. ``elev_m``: median elevation inside the outline. ``runs_onto_glacier``
        (boolean): the water leaves the lake onto a glacier; ``glacier_water_near`` (boolean): water
        of a glacier reaches it or ground at most 100 m from it (both missing without glaciers).
        All missing where the DEM has no value.

    Raises
    ------
    UnknownProductError
        When the DEM cannot be read.
    GridError
        When the DEM has no CRS.
    """
    columns = {name: np.full(len(lakes), np.nan) for name in _FOUND}
    with open_dem(dem) as opened:
        for tile in _tiles(lakes):
            try:
                terrain = read_terrain(opened, tile.grid, margin_m=_MARGIN_M)
            except NotCoveredError:
                logger.warning(
                    Message(
                        "{dem} does not cover {count} lake",
                        "{dem} does not cover {count} lakes",
                        dem=name_of(dem) or "dem",
                        count=len(tile.core),
                    )
                )
                continue
            for name, values in _of_tile(tile, terrain, glaciers).items():
                columns[name][tile.core] = values[: len(tile.core)]
    return pd.DataFrame(columns, index=lakes.index).astype(
        {_ONTO_ICE: "boolean", _ICE_WATER: "boolean"}
    )


@dataclass(frozen=True)
class _Tile:
    """Lakes to measure, by position, and all lakes around them in the tile's CRS."""

    grid: Grid
    core: NDArray[np.int64]
    shapes: NDArray[np.object_]
    """First those of ``core``, in its order, then the others."""


def _tiles(lakes: gpd.GeoSeries) -> Iterator[_Tile]:
    """Cut the lakes into tiles of their UTM zones."""
    known = np.flatnonzero(~(lakes.is_empty | lakes.isna()).to_numpy())
    places = in_degrees(lakes.iloc[known]).representative_point()
    zones = np.clip((places.x.to_numpy() + 180) // 6, 0, 59).astype(int) + 1
    codes = np.where(places.y.to_numpy() >= 0, 32600, 32700) + zones
    for code in np.unique(codes):
        # Lakes of the zones beside it may lie in the rim of a tile.
        apart = np.abs(zones - code % 100)
        near = np.flatnonzero(np.minimum(apart, 60 - apart) <= 1)
        local = lakes.iloc[known[near]].to_crs(int(code))
        tree, points = shapely.STRtree(local.to_numpy()), local.representative_point()
        in_zone = np.flatnonzero(codes[near] == code)
        corners = np.floor(np.stack([points.x, points.y])[:, in_zone] / _TILE_M)
        keys, which = np.unique(corners, axis=1, return_inverse=True)
        for number in range(keys.shape[1]):
            core = in_zone[which.ravel() == number]
            grid = _grid(shapely.total_bounds(tree.geometries[core]), int(code))
            rim = shapely.buffer(shapely.box(*grid.bounds), _MARGIN_M, join_style="mitre")
            others = np.setdiff1d(tree.query(rim), core)
            shapes = tree.geometries[np.concatenate([core, others])]
            yield _Tile(grid, known[near[core]], shapes)


def _grid(bounds: NDArray[np.float64], code: int) -> Grid:
    west, south = (math.floor(side / _LATTICE_M) * _LATTICE_M for side in bounds[:2])
    east, north = (math.ceil(side / _LATTICE_M) * _LATTICE_M for side in bounds[2:])
    shape = (max(1, round((north - south) / _CELL_M)), max(1, round((east - west) / _CELL_M)))
    transform = Affine(_CELL_M, 0, west, 0, -_CELL_M, north)
    return Grid(CRS.from_epsg(code), transform, shape)


def _of_tile(
    tile: _Tile, terrain: Terrain, glaciers: gpd.GeoDataFrame | None
) -> dict[str, NDArray[np.float64]]:
    """Return the indicators of all lakes of a tile, in the order of its shapes."""
    from scipy.ndimage import distance_transform_edt  # noqa: PLC0415 - mapping does without it

    grid, z = terrain.grid, terrain.elevation_m.copy()
    numbers = _burnt(tile.shapes, grid)
    level = _levels(z, numbers, len(tile.shapes))
    numbers[~np.isfinite(level[numbers])] = 0
    z[numbers > 0] = level[numbers[numbers > 0]]
    flow = drainage(z, numbers, grid.resolution)
    ice = None if glaciers is None else _ice(glaciers, grid)
    area, on_ice, cut = _upslope(flow, numbers, level, ice)
    pixel = grid.pixel_area_m2
    steep = terrain.slope_deg > HEADWALL_DEG
    with np.errstate(invalid="ignore", divide="ignore"):
        reaches = (z - level[flow.lake]) / flow.path_m >= math.tan(math.radians(REACH_DEG))
    walls = np.bincount(flow.lake[steep & reaches & (numbers == 0)], minlength=len(level)).astype(
        "float64"
    )
    found = {name: np.full(len(level), np.nan) for name in _FOUND}
    found[C.ELEV_M] = level
    whole = np.isfinite(level) & ~cut
    found[C.UPSLOPE_AREA_M2][whole] = area[whole] * pixel
    found[C.HEADWALL_AREA_M2][whole] = walls[whole] * pixel
    if ice is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(area > 0, on_ice / area, 0.0)
        found[C.UPSLOPE_GLACIER_FRACTION][whole] = share[whole]
    below_ice = None if ice is None else _below_ice(flow, numbers, ice)
    for lake in range(1, len(tile.core) + 1):
        if not np.isfinite(level[lake]):
            continue
        crop = _around(grid, tile.shapes[lake - 1].bounds)
        apart = distance_transform_edt(numbers[crop] != lake, sampling=grid.resolution)
        front = _front(z[crop], apart, level[lake])
        found[C.FRONT_ANGLE_DEG][lake], found[C.LOWERING_HEIGHT_M][lake] = front
        way = flow.way_down(lake, NEAR_M, grid.resolution)
        found[C.DOWNSTREAM_SLOPE_DEG][lake] = _slope_down(way, z, level[lake], numbers)
        if below_ice is not None:
            found[_ICE_WATER][lake] = float(below_ice[crop][apart <= TOO_NEAR_M].any())
        if ice is not None and way:
            first = [place for place, gone in way if gone <= TOO_NEAR_M]
            found[_ONTO_ICE][lake] = float(ice.ravel()[first].all())
    return {name: values[1:] for name, values in found.items()}


def _burnt(shapes: NDArray[np.object_], grid: Grid) -> NDArray[np.int32]:
    """Return the number of the lake in each pixel that it touches; small ones lie on top."""
    order = np.argsort(-shapely.area(shapes), kind="stable")
    burnt: NDArray[np.int32] = rasterize(
        [(shapes[place], int(place) + 1) for place in order],
        grid.shape,
        transform=grid.transform,
        all_touched=True,
        dtype="int32",
    )
    return burnt


def _levels(
    z: NDArray[np.float32], numbers: NDArray[np.int32], n_lakes: int
) -> NDArray[np.float64]:
    """Return the median elevation of each lake by its number; place 0 is missing."""
    known = (numbers > 0) & np.isfinite(z)
    medians = pd.Series(z[known]).groupby(numbers[known]).median()
    level = np.full(n_lakes + 1, np.nan)
    level[medians.index.to_numpy()] = medians.to_numpy()
    return level


def _ice(glaciers: gpd.GeoDataFrame, grid: Grid) -> NDArray[np.bool_]:
    around = gpd.GeoSeries([shapely.box(*grid.bounds)], crs=grid.crs).to_crs(glaciers.crs)
    near = glaciers.geometry.iloc[glaciers.sindex.query(around.iloc[0])].to_crs(grid.crs)
    shapes = [shape for shape in near if shape is not None and not shape.is_empty]
    if not shapes:
        return np.zeros(grid.shape, bool)
    mask = rasterize(shapes, grid.shape, transform=grid.transform, dtype="uint8")
    ice: NDArray[np.bool_] = mask.astype(bool)
    return ice


def _upslope(
    flow: Drainage,
    numbers: NDArray[np.int32],
    level: NDArray[np.float64],
    ice: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return pixels above each lake, those with ice, and whether there may be more.

    Lakes count for the lakes below them. Of two lakes that drain into each other in a closed
    basin the lower one takes all.
    """
    count = len(level)
    land = (flow.lake > 0) & (numbers == 0)
    area = np.bincount(flow.lake[land], minlength=count).astype("float64")
    size = np.bincount(numbers.ravel(), minlength=count).astype("float64")
    on_ice = np.zeros(count)
    iced = np.zeros(count)
    if ice is not None:
        on_ice = np.bincount(flow.lake[land & ice], minlength=count).astype("float64")
        iced = np.bincount(numbers[ice], minlength=count).astype("float64")
    cut = np.zeros(count, bool)
    cut[: len(flow.is_cut)] = flow.is_cut
    for lake in np.argsort(-np.nan_to_num(level, nan=-np.inf), kind="stable"):
        below = int(flow.downstream[lake]) if 0 < lake < len(flow.downstream) else 0
        if below and level[below] < level[lake]:
            area[below] += area[lake] + size[lake]
            on_ice[below] += on_ice[lake] + iced[lake]
            cut[below] |= cut[lake]
    return area, on_ice, cut


def _around(grid: Grid, bounds: tuple[float, float, float, float]) -> tuple[slice, slice]:
    window = grid.window_of(bounds, pad=math.ceil(NEAR_M / grid.resolution) + 1)
    top, left = int(window.row_off), int(window.col_off)
    return slice(top, top + int(window.height)), slice(left, left + int(window.width))


def _below_ice(
    flow: Drainage, numbers: NDArray[np.int32], ice: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return where water of glaciers runs, on through lakes."""
    below, lake_at = ice.ravel().copy(), numbers.ravel()
    front = np.flatnonzero(below)
    while len(front):
        after = flow.following[front]
        fed = np.unique(lake_at[after])
        outlets = flow.outlet[fed[fed > 0]]
        front = np.unique(np.concatenate([after, outlets[outlets >= 0]]))
        front = front[~below[front]]
        below[front] = True
    return below.reshape(ice.shape)


def _front(z: NDArray[np.float32], apart: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Return the steepest angle down from the lake, and the height to sink until it is 10°."""
    near = (apart >= TOO_NEAR_M) & (apart <= NEAR_M)
    fall, far = level - z[near].astype("float64"), apart[near]
    seen = np.isfinite(fall)
    if seen.sum() < _MIN_SEEN * len(fall) or not seen.any():
        return np.nan, np.nan
    fall, far = fall[seen], far[seen]
    angle = math.degrees(math.atan(float((fall / far).max())))
    sink = float((fall - far * math.tan(math.radians(FRONT_DEG))).max())
    return max(0.0, angle), max(0.0, sink)


def _slope_down(
    way: list[tuple[int, float]],
    z: NDArray[np.float32],
    level: float,
    numbers: NDArray[np.int32],
) -> float:
    """Return the mean slope of a way down in degrees.

    Missing where the DEM ends it, and where the DEM lets the way rise: water does not, so that the
    DEM does not know the outlet.
    """
    if not way:
        return np.nan
    last, gone = way[-1]
    if gone < NEAR_M and numbers.ravel()[last] == 0:
        return np.nan
    fall = level - float(z.ravel()[last])
    return math.degrees(math.atan2(fall, gone)) if fall >= 0 else np.nan
