"""One scene → lake outlines: seeds, evidence, water fraction, contour, attributes, coverage."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.windows import Window
from scipy import ndimage
from shapely.geometry import Polygon

from glacial_lakes import (
    evidence,
    masks,
    measures,
    outlines,
    schema,
    uncertainty,
    visibility,
    water,
)
from glacial_lakes.coverage import Coverage, State
from glacial_lakes.detectors import Detector, detector_of
from glacial_lakes.errors import MetadataError
from glacial_lakes.pixels import ALL_BANDS, Pixels, ground_states, read_pixels
from glacial_lakes.scenes import Scene, keep_open
from glacial_lakes.settings import MappingSettings
from glacial_lakes.terrain import Terrain, read_terrain
from glacial_lakes.vectors import read_vector

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

HALO_PX = 12
"""Pixels around a candidate that its shore signal and outline need."""
VIEW_PX = 40
"""Pixels around a candidate that tell a piece of a river from a pond."""
MIN_SEEDS = 2
"""A single seed pixel has no signal of its own."""
EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True)
class Mark:
    """Pixels of a window whose state a candidate settles."""

    window: Window
    where: Bool
    state: State


@dataclass(frozen=True, slots=True)
class Found:
    """What one candidate gave: outlines as rows, and marks for the coverage."""

    rows: list[dict[str, Any]]
    marks: list[Mark]


def map_lakes(
    scene: Scene,
    *,
    dem: str | Path | None = None,
    glaciers: str | Path | gpd.GeoDataFrame | None = None,
    aoi: str | Path | gpd.GeoDataFrame | None = None,
    min_area_m2: float | None = None,
    glacier_buffer_m: float | None = 10_000.0,
    settings: MappingSettings | None = None,
    detector: Detector | None = None,
) -> gpd.GeoDataFrame:
    """Map the lakes of one scene.

    Parameters
    ----------
    scene : Scene
    dem : path-like, optional
        Elevation in m. Without it shade is told from water by the spectrum alone, and each
        outline says so in ``quality``.
    glaciers : path-like or GeoDataFrame, optional
        Glacier outlines; give each lake its nearest glacier and distance.
    aoi : path-like or GeoDataFrame, optional
        Polygons; lakes with their inner point outside are left out.
    min_area_m2 : float, optional
        Smallest lake; default ``settings.min_pixels`` pixels of the scene.
    glacier_buffer_m : float or None
        Lakes farther from any glacier are left out (needs ``glaciers``).
    settings : MappingSettings, optional
    detector : callable, optional
        What proposes water, instead of what the settings say; see :mod:`glacial_lakes.detectors`.

    Returns
    -------
    GeoDataFrame
        Columns of ``schema.MAPPED``, one Polygon a row, in the CRS of the scene. A lake that
        clouds, shadow or gaps cut has its visible part as geometry, a null area, and the reason
        in ``status``. ``attrs["coverage"]`` tells what the scene shows of every place.

    Raises
    ------
    MetadataError
        When the scene lacks a green or near-infrared band.
    """
    settings = settings or MappingSettings()
    detector = detector or detector_of(settings)
    for band in ("green", "nir"):
        if band not in scene.bands:
            raise MetadataError(scene.path, f"there is no {band} band", "name one in the sidecar")
    terrain = None
    if dem is not None:
        terrain = read_terrain(dem, scene.grid, scene.sun_azimuth_deg, scene.sun_elevation_deg)
    smallest = settings.min_pixels * scene.grid.pixel_area_m2
    if min_area_m2 is not None:
        smallest = min_area_m2
    states = np.zeros(scene.grid.shape, np.uint8)
    seeds = np.zeros(scene.grid.shape, bool)
    with keep_open():
        for core, padded in scene.grid.blocks(settings.block_size, overlap=water.MAX_GAP_ROWS):
            pixels = read_pixels(scene, padded, terrain)
            excluded = pixels.snow_or_ice | pixels.cloud | pixels.dark_slope
            found = detector(pixels.reflectance, excluded)
            inner = _within(core, padded)
            seeds[core.toslices()] = found[inner]
            states[core.toslices()] = ground_states(pixels)[inner]
        labels, _ = ndimage.label(seeds, EIGHT)
        reach = _shadow_reach(scene, states)
        may_hold_ice = not visibility.is_high_summer(scene)
        mapped = {
            number: _map_object(
                scene,
                view,
                candidate,
                others,
                ground=states,
                reach=reach,
                smallest=smallest,
                may_hold_ice=may_hold_ice,
            )
            for number, view, candidate, others in _objects(
                scene, labels, terrain, settings.block_size
            )
        }
    # In the order of the labels, whatever the blocks were; where two touch, water wins.
    candidates = [mapped[number] for number in sorted(mapped)]
    for mark in sorted(
        (m for one in candidates for m in one.marks), key=lambda m: m.state == State.WATER
    ):
        states[mark.window.toslices()][mark.where] = mark.state
    table = _table(scene, [row for one in candidates for row in one.rows], terrain)
    if glaciers is not None:
        table = _near_glaciers(table, _vector(glaciers), glacier_buffer_m)
    if aoi is not None:
        region = _vector(aoi).to_crs(table.crs).geometry.union_all()
        inside = shapely.intersects(region, table.representative_point().to_numpy())
        table = table[inside].reset_index(drop=True)
        kept = [region, *table.geometry]  # a lake on the border is seen as a whole
        outside = geometry_mask(kept, scene.grid.shape, scene.grid.transform)
        states[outside] = State.NODATA
    table.attrs["coverage"] = Coverage.from_states(
        states,
        scene_id=scene.id,
        acquired=scene.acquired,
        sensor=scene.sensor,
        grid=scene.grid,
    )
    return table


def _within(inner: Window, outer: Window) -> tuple[slice, slice]:
    """Return the part of an array of the outer window that the inner window takes."""
    row, col = int(inner.row_off - outer.row_off), int(inner.col_off - outer.col_off)
    return slice(row, row + int(inner.height)), slice(col, col + int(inner.width))


def _shadow_reach(scene: Scene, states: NDArray[np.uint8]) -> Bool:
    if scene.sun_azimuth_deg is None or scene.sun_elevation_deg is None:
        return np.zeros(states.shape, bool)
    return masks.shadow_reach(
        states == State.CLOUD, scene.grid.resolution, scene.sun_azimuth_deg, scene.sun_elevation_deg
    )


def _objects(
    scene: Scene, labels: NDArray[np.int32], terrain: Terrain | None, block: int
) -> Iterator[tuple[int, Pixels, Bool, Bool]]:
    """Yield each label with its surroundings, the object and its neighbours.

    Objects of one block share one reading of the scene.
    """
    boxes = ndimage.find_objects(labels)
    home = [(rows.start // block, cols.start // block) for rows, cols in boxes]
    for row, col in sorted(set(home)):
        size = block + 4 * VIEW_PX
        reach = Window(col * block - VIEW_PX, row * block - VIEW_PX, size, size)
        shared = read_pixels(scene, scene.grid.clip(reach), terrain)
        for number, (rows, cols) in enumerate(boxes, start=1):
            if home[number - 1] != (row, col):
                continue
            view = scene.grid.clip(_grown(rows, cols, VIEW_PX))
            pixels = shared.cut(view) if shared.covers(view) else read_pixels(scene, view, terrain)
            near = labels[view.toslices()]
            yield number, pixels, near == number, (near > 0) & (near != number)


def _map_object(
    scene: Scene,
    view: Pixels,
    in_view: Bool,
    neighbours: Bool,
    *,
    ground: NDArray[np.uint8],
    reach: Bool,
    smallest: float,
    may_hold_ice: bool,
) -> Found:
    """Return the outlines of one candidate and what it changes in the ground states."""
    if in_view.sum() < MIN_SEEDS:
        return Found([], [])
    place = _around(in_view)
    window = Window(
        view.window.col_off + place[1].start,
        view.window.row_off + place[0].start,
        place[1].stop - place[1].start,
        place[0].stop - place[0].start,
    )
    pixels, candidate, others = view.cut(window), in_view[place], neighbours[place]
    state = ground[window.toslices()]
    known = np.isfinite(pixels.reflectance["nir"]) & ~pixels.cloud & ~pixels.dark_slope
    names = _outline_bands(scene)
    bands = np.stack([np.nan_to_num(pixels.reflectance[name]) for name in names])
    fraction = outlines.unmix(bands, candidate, others, known, pixel_m=scene.grid.resolution)
    if fraction is None:
        return Found([], [Mark(window, candidate & (state == State.LAND), State.UNCERTAIN)])
    mine = (known | _like_core(pixels, fraction)) & fraction.ground
    field = np.where(mine, fraction.water, np.float32(0))
    level = outlines.conserving_level(fraction.water, mine, candidate)
    transform = scene.grid.crop(window).transform
    rows, marks = [], []
    seeds = _centres(candidate, transform)
    drawn = map(outlines.without_streams, outlines.contour(field, level, transform))
    for polygon in itertools.chain.from_iterable(drawn):
        if polygon.area < smallest or not shapely.contains_xy(polygon, *seeds).any():
            continue
        inside = _inside(polygon, candidate.shape, transform)
        body = candidate & inside
        found = evidence.gather(
            pixels,
            body,
            fraction,
            polygon,
            pixel_m=scene.grid.resolution,
            reach=reach[window.toslices()],
            sun_elevation_deg=scene.sun_elevation_deg,
        )
        width = water.river_width_px(scene.grid.resolution)
        if found.width_px < width:
            line = np.zeros_like(in_view)
            line[place] = body
            found = replace(found, trace_px=_trace(view, line, found, width))
        verdict = evidence.judge(found)
        if verdict != "lake":
            taken_for = State.SHADOW if verdict == "shadow" else State.UNCERTAIN
            marks.append(Mark(window, inside & (state == State.LAND), taken_for))
            continue
        observed, status = visibility.observed(
            inside,
            pixels,
            state,
            fraction,
            found,
            pixel_m=scene.grid.resolution,
            may_hold_ice=may_hold_ice,
        )
        marks.append(Mark(window, inside & pixels.seen, State.WATER))
        shore = uncertainty.measure_shore(
            fraction.water,
            level,
            polygon,
            inside=inside,
            usable=known & ~others,
            doubtful=visibility.doubtful_shore(pixels, may_hold_ice=may_hold_ice),
            pixel_m=scene.grid.resolution,
        )
        rows.append(
            {
                "geometry": polygon,
                "observed_fraction": observed,
                "status": status,
                "outline_method": fraction.method,
                "threshold": evidence.shore_index(pixels, fraction),
                "quality": evidence.quality(found, fraction),
                "shift_px": uncertainty.shift_px(shore),
            }
        )
    return Found(rows, marks)


def _grown(rows: slice, cols: slice, pad: int) -> Window:
    height, width = rows.stop - rows.start, cols.stop - cols.start
    return Window(cols.start - pad, rows.start - pad, width + 2 * pad, height + 2 * pad)


def _around(mask: Bool) -> tuple[slice, slice]:
    """Return the part of an array that holds a mask and HALO_PX around it."""
    rows, cols = np.nonzero(mask)
    return (
        slice(max(0, int(rows.min()) - HALO_PX), int(rows.max()) + HALO_PX + 1),
        slice(max(0, int(cols.min()) - HALO_PX), int(cols.max()) + HALO_PX + 1),
    )


def _trace(view: Pixels, body: Bool, found: evidence.Evidence, width: int) -> float:
    value = water.ndwi_or_zero(view.reflectance["green"], view.reflectance["nir"])
    rise = found.ndwi - found.shore_ndwi
    level = max(found.shore_ndwi + 0.3 * rise, water.MIN_WET_NDWI)
    usable = ~(view.cloud | view.snow_or_ice | view.dark_slope)
    return water.river_trace(value, body, usable, level, width)


def _like_core(pixels: Pixels, fraction: outlines.Fraction) -> Bool:
    """Return pixels of dark slopes that are as bright as this lake, so not in shade after all.

    The DEM is coarser than the image and its shade is off by a pixel or two.
    """
    green = pixels.reflectance["green"]
    lake = float(np.nanmedian(green[fraction.core]))
    with np.errstate(invalid="ignore"):
        alike: Bool = (green > 0.7 * lake) & (green < 1.4 * lake)
    return alike & pixels.dark_slope & ~pixels.cloud


def _outline_bands(scene: Scene) -> list[str]:
    """Return the bands that outlines are drawn with: those of the finest resolution."""
    present = [name for name in ALL_BANDS if name in scene.bands]
    finest = min(scene.bands[name].resolution for name in present)
    return [name for name in present if scene.bands[name].resolution == finest]


def _centres(mask: Bool, transform: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, cols = np.nonzero(mask)
    return transform.c + transform.a * (cols + 0.5), transform.f + transform.e * (rows + 0.5)


def _inside(polygon: Polygon, shape: tuple[int, int], transform: Any) -> Bool:
    rows, cols = np.indices(shape)
    x = transform.c + transform.a * (cols.ravel() + 0.5)
    y = transform.f + transform.e * (rows.ravel() + 0.5)
    shapely.prepare(polygon)
    result: Bool = shapely.contains_xy(polygon, x, y).reshape(shape)
    return result


def _table(scene: Scene, rows: list[dict[str, Any]], terrain: Terrain | None) -> gpd.GeoDataFrame:
    crs = scene.grid.crs.to_wkt()
    columns = [column.name for column in schema.MAPPED] + ["geometry"]
    if not rows:
        empty = gpd.GeoDataFrame({name: [] for name in columns}, geometry="geometry", crs=crs)
        return schema.conform(empty, schema.MAPPED)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)
    size = measures.geodesic_area_perimeter(table.geometry)
    pixel = scene.grid.resolution
    table["scene_id"] = scene.id
    table["acquired"] = pd.Timestamp(scene.acquired)
    table["sensor"] = scene.sensor
    table["perimeter_m"] = size["perimeter_m"]
    table["area_m2"] = size["area_m2"]
    perimeter = size["perimeter_m"].to_numpy()
    hidden = (1 - table["observed_fraction"]) * table["area_m2"]
    table["area_sigma_m2"] = uncertainty.area_sigma(perimeter, pixel, table["shift_px"], hidden)
    table["area_err_hb_m2"] = uncertainty.hanshaw_bookhagen_error(perimeter, pixel)
    cut = table["status"] != "observed"
    table.loc[cut, ["area_m2", "area_sigma_m2", "area_err_hb_m2"]] = np.nan
    table[["lon", "lat"]] = measures.inner_lon_lat(table.geometry)
    if terrain is not None:
        table["elev_m"] = measures.elevation(table.geometry, terrain)
    return schema.conform(table.drop(columns="shift_px"), schema.MAPPED)


def _near_glaciers(
    table: gpd.GeoDataFrame, glaciers: gpd.GeoDataFrame, buffer_m: float | None
) -> gpd.GeoDataFrame:
    near = measures.nearest_glacier(table.geometry, glaciers)
    table[["glacier_id", "glacier_dist_m"]] = near
    if buffer_m is None:
        return table
    return table[~(table["glacier_dist_m"] > buffer_m)].reset_index(drop=True)


def _vector(source: str | Path | gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return source if isinstance(source, gpd.GeoDataFrame) else read_vector(source)
