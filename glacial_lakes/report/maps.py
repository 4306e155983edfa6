"""The map of the report: pure functions from geometry to pixel positions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import shapely

from glacial_lakes.language import degrees, number, translate
from glacial_lakes.measures.meridian import around, turned
from glacial_lakes.report.marks import Mark, digits_of, round_ticks

Bounds = tuple[float, float, float, float]

MAP_WIDTH, MAP_MAX_HEIGHT, MAP_MIN_HEIGHT = 760, 820, 360

_MARKER_BELOW = 7.0
"""A lake smaller than this, in pixels, gets a ring."""

_DIGIT_WIDTH, _DIGIT_HEIGHT = 6.6, 9.0


@dataclass(frozen=True)
class Frame:
    """A local map: equirectangular about its centre, true to scale there, north up.

    Over 2 degrees the east-west scale changes by less than 2 % at mid-latitudes, which no reader
    of a drawing can see; meridians and parallels are straight lines.

    Parameters
    ----------
    lon, lat : float
        Centre in degrees.
    pixels_per_m : float
        Scale.
    width, height : float
        Size in pixels.
    """

    lon: float
    lat: float
    pixels_per_m: float
    width: float
    height: float

    @cached_property
    def metres_per_degree(self) -> tuple[float, float]:
        """Length of a degree of longitude and of latitude at the centre (WGS 84 series)."""
        phi = math.radians(self.lat)
        lon = 111412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi) + 0.118 * math.cos(5 * phi)
        lat = 111132.92 - 559.82 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi)
        return lon, lat

    def x(self, lon: Any) -> Any:
        """Pixel column of a longitude."""
        lon = turned(lon, self.lon)
        return self.width / 2 + (lon - self.lon) * self.metres_per_degree[0] * self.pixels_per_m

    def y(self, lat: Any) -> Any:
        """Pixel row of a latitude."""
        return self.height / 2 - (lat - self.lat) * self.metres_per_degree[1] * self.pixels_per_m

    @cached_property
    def bounds(self) -> Bounds:
        """West, south, east and north edge in degrees."""
        east, north = (
            size / 2 / self.pixels_per_m / degree
            for size, degree in zip((self.width, self.height), self.metres_per_degree, strict=True)
        )
        return self.lon - east, self.lat - north, self.lon + east, self.lat + north

    def path(self, geometry: shapely.Geometry | None) -> str:
        """SVG path of polygons in EPSG:4326, cut to the frame, simplified to a third of a pixel."""
        if geometry is None or geometry.is_empty:
            return ""
        pixels = shapely.transform(
            geometry, lambda xy: np.column_stack([self.x(xy[:, 0]), self.y(xy[:, 1])])
        )
        if not shapely.box(0, 0, self.width, self.height).contains(shapely.box(*pixels.bounds)):
            pixels = shapely.clip_by_rect(pixels, -5, -5, self.width + 5, self.height + 5)
        pixels = shapely.simplify(pixels, 0.3)
        return "".join(
            "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(ring)[:-1]) + "Z"
            for polygon in shapely.get_parts(pixels)
            if polygon.geom_type == "Polygon"
            for ring in (polygon.exterior, *polygon.interiors)
        )


def fit(bounds: Bounds, width: float, heights: tuple[float, float], least_m: float) -> Frame:
    """Return the frame that shows bounds with a margin.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east and north in degrees.
    width : float
        Width of the drawing in pixels.
    heights : tuple of float
        Smallest and largest height allowed, in pixels.
    least_m : float
        Least extent shown, in metres: a single pond is not blown up to a page.
    """
    west, south, east, north = bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    degree_lon, degree_lat = Frame(lon, lat, 1, 1, 1).metres_per_degree
    wide = max((east - west) * degree_lon, least_m) * 1.14
    high = max((north - south) * degree_lat, least_m) * 1.14
    height = min(max(width * high / wide, heights[0]), heights[1])
    return Frame(lon, lat, min(width / wide, height / high), width, height)


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """Length of a scale bar in pixels and in words."""

    pixels: float
    label: str


@dataclass(frozen=True, slots=True)
class MapLake:
    """A lake on the map; ``ring`` when it is too small to see, ``label`` when there is room."""

    number: int
    title: str
    state: str
    path: str
    at: Mark
    box: Bounds
    ring: bool
    drawn: str = ""
    """What a person drew, where the newest outline contradicts it."""
    label: Mark | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """Everything on the map; ``rest`` are state and path of the lakes without a curve."""

    frame: Frame
    lakes: tuple[MapLake, ...]
    rest: tuple[tuple[str, str], ...]
    glaciers: tuple[str, ...]
    meridians: tuple[Mark, ...]
    parallels: tuple[Mark, ...]
    scale: ScaleBar


@dataclass(frozen=True, slots=True)
class MapInput:
    """What the map needs of a lake; ``state`` is present, unseen or gone."""

    number: int
    title: str
    state: str
    geometry: shapely.Geometry
    drawn: shapely.Geometry | None = None
    """What a person drew, where the newest outline contradicts it."""


def draw_map(
    lakes: Sequence[MapInput],
    glaciers: Iterable[shapely.Geometry],
    language: str,
    rest: Sequence[tuple[str, shapely.Geometry]] = (),
) -> Map | None:
    """Place lakes, glaciers, graticule, scale bar and labels.

    Parameters
    ----------
    lakes : sequence of MapInput
        Geometry in EPSG:4326, the most important first: labels are placed in this order and left
        out where they would cover an earlier one.
    glaciers : iterable of shapely.Geometry
        Outlines in EPSG:4326.
    language : str
        Language of the labels.
    rest : sequence of (str, shapely.Geometry)
        State and outline of further lakes, which get neither number nor link.

    Returns
    -------
    Map or None
        None when no lake has a geometry.
    """
    shown = [lake for lake in lakes if lake.geometry is not None and not lake.geometry.is_empty]
    if not shown:
        return None
    others = [(state, shape) for state, shape in rest if shape is not None and not shape.is_empty]
    bounds = extent_of([*(lake.geometry for lake in shown), *(s for _, s in others)])
    frame = fit(bounds, MAP_WIDTH, (MAP_MIN_HEIGHT, MAP_MAX_HEIGHT), 1500.0)
    ice = [frame.path(glacier) for glacier in glaciers if _is_on(glacier, frame)]
    bar = scale_bar(frame, 130, language)
    furniture = [
        (frame.width - bar.pixels - 22, frame.height - 32, frame.width, frame.height),
        (frame.width - 44, 0.0, frame.width, 52.0),
    ]
    west, south, east, north = frame.bounds
    lons, lats = round_ticks(west, east, 5), round_ticks(south, north, 5)
    return Map(
        frame,
        _place_labels([_map_lake(lake, frame) for lake in shown], furniture, frame),
        _paths_by_state(others, frame),
        tuple(path for path in ice if path),
        tuple(
            Mark(
                frame.x(lon), 0, degrees(float(turned(lon, 0.0)), "lon", language, digits_of(lons))
            )
            for lon in lons
        ),
        tuple(
            Mark(0, frame.y(lat), degrees(lat, "lat", language, digits_of(lats))) for lat in lats
        ),
        bar,
    )


def _paths_by_state(
    lakes: Sequence[tuple[str, shapely.Geometry]], frame: Frame
) -> tuple[tuple[str, str], ...]:
    """Return one path a state; lakes too small to see are dots, of which one place has one."""
    paths: dict[str, dict[str, None]] = {}
    boxes = shapely.bounds([shape for _, shape in lakes]).reshape(-1, 4)
    columns, rows = frame.x(boxes[:, ::2]), frame.y(boxes[:, 1::2])
    is_small = np.maximum(np.ptp(columns, axis=1), np.ptp(rows, axis=1)) < _MARKER_BELOW
    dots = zip(np.rint(columns.mean(axis=1)), np.rint(rows.mean(axis=1)), strict=True)
    for (state, shape), small, (x, y) in zip(lakes, is_small, dots, strict=True):
        path = f"M{x - 1:.0f} {y - 1:.0f}h2v2h-2Z" if small else frame.path(shape)
        paths.setdefault(state, {})[path] = None
    return tuple((state, "".join(paths[state])) for state in sorted(paths))


def _map_lake(lake: MapInput, frame: Frame) -> MapLake:
    west, south, east, north = lake.geometry.bounds
    box = (frame.x(west), frame.y(north), frame.x(east), frame.y(south))
    inside = shapely.point_on_surface(lake.geometry)
    at = Mark(round(frame.x(inside.x), 1), round(frame.y(inside.y), 1))
    is_small = max(box[2] - box[0], box[3] - box[1]) < _MARKER_BELOW
    if is_small:
        box = (at.x - 4, at.y - 4, at.x + 4, at.y + 4)
    if lake.drawn is not None:  # the number stands beside both outlines
        west, south, east, north = lake.drawn.bounds
        box = (
            min(box[0], frame.x(west)),
            min(box[1], frame.y(north)),
            max(box[2], frame.x(east)),
            max(box[3], frame.y(south)),
        )
    return MapLake(
        lake.number,
        lake.title,
        lake.state,
        frame.path(lake.geometry),
        at,
        box,
        is_small,
        frame.path(lake.drawn),
    )


def _place_labels(
    lakes: Sequence[MapLake], furniture: Sequence[Bounds], frame: Frame
) -> tuple[MapLake, ...]:
    """Give each lake the first free place around it for its number, or none."""
    taken = [*furniture, *(lake.box for lake in lakes)]
    placed = []
    for lake in lakes:
        wide, high = _DIGIT_WIDTH * len(str(lake.number)), _DIGIT_HEIGHT
        west, north, east, south = lake.box
        middle = (west + east - wide) / 2, (north + south + high) / 2
        places = (
            (east + 2, middle[1]),
            (west - 2 - wide, middle[1]),
            (middle[0], north - 2),
            (middle[0], south + 2 + high),
            (east, north),
            (east, south + high),
            (west - wide, north),
            (west - wide, south + high),
        )
        for x, y in places:
            box = (x, y - high, x + wide, y)
            is_inside = box[0] > 2 and box[1] > 2 and box[2] < frame.width - 2
            if is_inside and y < frame.height - 2 and not any(_meet(box, other) for other in taken):
                taken.append(box)
                label = Mark(round(x, 1), round(y, 1), str(lake.number))
                placed.append(replace(lake, label=label))
                break
        else:
            placed.append(lake)
    return tuple(placed)


def extent_of(shapes: Sequence[shapely.Geometry]) -> Bounds:
    """Return the bounds of geometries in degrees; around 180 degrees east is beyond it."""
    bounds = shapely.bounds(shapely.get_parts(shapes))
    west, south, east, north = around(tuple(shapely.total_bounds(shapes)), bounds[:, ::2].ravel())
    return west, south, east, north


def _is_on(shape: shapely.Geometry, frame: Frame) -> bool:
    """Tell whether a geometry may lie on the map, on whichever side of 180 degrees."""
    west, south, east, north = shape.bounds
    places = ((west + turn, south, east + turn, north) for turn in (-360, 0, 360))
    return any(_meet(place, frame.bounds) for place in places)


def _meet(a: Bounds, b: Bounds) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def scale_bar(frame: Frame, pixels: float, language: str) -> ScaleBar:
    """Return the bar of a round length that is at most so many pixels long."""
    metres = pixels / frame.pixels_per_m
    power = 10.0 ** math.floor(math.log10(metres))
    length = next(step * power for step in (5, 2, 1) if step * power <= metres)
    label = (
        f"{number(length / 1000, 1 if length < 1000 else 0, language)} {translate('km', language)}"
        if length >= 1000
        else f"{number(length, 0, language)} {translate('m', language)}"
    )
    return ScaleBar(round(length * frame.pixels_per_m, 1), label)
