"""Where lakes lie: on valley floors, before, on and below glaciers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.features import geometry_mask
from scipy import ndimage
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box
from shapely.ops import unary_union

from glacial_lakes.simulate.frame import CRS_NAME, FINE_M, MARGIN_M, NORTH, SCENE_M, WEST
from glacial_lakes.simulate.glaciers import Glacier
from glacial_lakes.simulate.lakes import (
    History,
    Lake,
    LakeType,
    Strait,
    appearing,
    draining,
    growing,
    shrinking,
    stable,
)
from glacial_lakes.simulate.light import shadow_depth
from glacial_lakes.simulate.noise import Field
from glacial_lakes.simulate.relief import Relief, Valley
from glacial_lakes.simulate.shapes import lake_outline, placed
from glacial_lakes.simulate.spectra import WaterKind, draw_water

GAP_M = 70.0
"""Least gap between lakes, and width of the sill between two lakes that merge or split."""
_RIM_M = 200.0
"""No lake lies nearer to the edge of the scenes."""
_TRIES = 600
_AUTUMN_SUN = (159.0, 31.0)
"""Azimuth and elevation of the sun that shaded lakes are hidden from: late October."""
_DEEP_M = 6.0
"""Depth in the shadow at which a place counts as shaded."""


@dataclass(frozen=True)
class Wish:
    """A lake that a site should have."""

    lake_type: LakeType
    hectares: float
    water: WaterKind
    history: History = field(default_factory=stable)
    islands: int = 0
    joined: tuple[float, float] | None = None
    """Years between which the lake is one; two lakes on either side of a sill otherwise."""
    shaded: bool = False
    """At the foot of a wall that keeps the autumn sun away."""


WISHES: tuple[Wish, ...] = (
    Wish("proglacial", 62.0, "turbid", islands=2),
    Wish("unconnected", 34.0, "clear", islands=1),
    Wish("proglacial", 21.0, "green"),
    Wish("proglacial", 15.0, "turbid", shrinking(0.72, 2003, 2023)),
    Wish("ice-contact", 13.0, "very turbid", growing(0.35, 2003, 2023)),
    Wish("proglacial", 12.0, "turbid", joined=(2014.5, 2100)),
    Wish("unconnected", 11.0, "clear"),
    Wish("unconnected", 10.0, "green", joined=(1900, 2012.5)),
    Wish("ice-contact", 8.5, "turbid", growing(0.5, 2003, 2023)),
    Wish("proglacial", 8.0, "turbid", draining(2017.4, 0.08)),
    Wish("unconnected", 6.5, "clear"),
    Wish("proglacial", 5.5, "very turbid"),
    Wish("ice-contact", 4.6, "turbid", appearing(2010.5, 2023)),
    Wish("unconnected", 4.2, "green"),
    Wish("ice-contact", 3.0, "very turbid", growing(0.4, 2003, 2020)),
    Wish("proglacial", 2.8, "green", shrinking(0.8, 2006, 2023)),
    Wish("unconnected", 2.6, "clear", shaded=True),
    Wish("unconnected", 2.4, "clear"),
    Wish("supraglacial", 2.0, "turbid"),
    Wish("proglacial", 1.8, "turbid"),
    Wish("unconnected", 1.6, "green", islands=1),
    Wish("proglacial", 1.4, "very turbid", draining(2020.6, 0.0)),
    Wish("unconnected", 1.25, "clear"),
    Wish("supraglacial", 1.1, "clear", growing(0.5, 2005, 2018)),
    Wish("proglacial", 1.0, "turbid"),
    Wish("unconnected", 0.9, "clear"),
    Wish("unconnected", 0.8, "clear", shaded=True),
    Wish("unconnected", 0.75, "green"),
    Wish("supraglacial", 0.65, "clear"),
    Wish("proglacial", 0.6, "turbid"),
    Wish("unconnected", 0.52, "clear"),
    Wish("proglacial", 0.45, "very turbid"),
    Wish("supraglacial", 0.42, "turbid"),
    Wish("unconnected", 0.36, "green"),
    Wish("unconnected", 0.33, "clear"),
)
"""The lakes of a site, largest first: every type, water, size class and kind of event."""


@dataclass(frozen=True)
class Placed:
    """What placing yields."""

    lakes: tuple[Lake, ...]
    straits: tuple[Strait, ...]
    terrain: Field
    """The relief with the lakes let in, metres, fine cells."""


@dataclass(frozen=True)
class _Spot:
    """A place for a lake, in map coordinates."""

    x: float
    y: float
    bearing_rad: float
    """Up the valley, anticlockwise from east."""
    half_width_m: float
    """Half the width of the valley floor."""


def place_lakes(
    rng: np.random.Generator,
    relief: Relief,
    glaciers: Sequence[Glacier],
    wishes: Sequence[Wish],
) -> Placed:
    """Find a place for each wish, largest first, and let the lakes into the terrain.

    A lake must lie on a nearly level stretch, apart from the others and from the edge of the
    scenes. A wish that finds no place is left out.
    """
    terrain = relief.elevation.copy()
    shade = shadow_depth(terrain, FINE_M, *_AUTUMN_SUN)
    scene = box(WEST, NORTH - SCENE_M, WEST + SCENE_M, NORTH).buffer(-_RIM_M)
    taken: list[Polygon] = []
    lakes: list[Lake] = []
    straits: list[Strait] = []
    for wish in wishes:
        for spot in _spots(rng, wish, relief.valleys, glaciers, shade):
            parts, strait = _parts(rng, wish, spot)
            whole = unary_union([*parts, strait])
            if not scene.contains(whole) or any(whole.distance(other) < GAP_M for other in taken):
                continue
            here, inside = _cells(whole, terrain.shape, pad_m=20.0)
            low, level, high = np.percentile(terrain[here][inside], [5, 30, 95])
            if high - low > max(45.0, 0.22 * math.sqrt(whole.area)):
                continue
            if wish.shaded and (shade[here][inside] > _DEEP_M).mean() < 0.9:
                continue
            made = [_lake(rng, wish, part, spot.bearing_rad, float(level)) for part in parts]
            if wish.joined is not None:
                straits.append(Strait(made[0].lake_id, made[1].lake_id, strait, *wish.joined))
            lakes += made
            taken += parts
            _let_in(terrain, whole, float(level))
            break
    for lake in lakes:  # easing one shore may have touched a neighbour
        here, inside = _cells(lake.outline, terrain.shape, pad_m=20.0)
        terrain[here][inside] = lake.level_m
    return Placed(tuple(lakes), tuple(straits), terrain)


def _spots(
    rng: np.random.Generator,
    wish: Wish,
    valleys: Sequence[Valley],
    glaciers: Sequence[Glacier],
    shade: Field,
) -> Iterator[_Spot]:
    """Yield places on valley floors that suit the type of lake and the shade it wants."""
    length = math.sqrt(wish.hectares * 1e4 * 4 / math.pi) * 1.3
    dark = _shaded_stretches(valleys, glaciers, shade) if wish.shaded else []
    for _ in range(_TRIES):
        if dark:
            valley, along = dark[int(rng.integers(len(dark)))]
        else:
            valley, along = _stretch(rng, wish.lake_type, length, valleys, glaciers)
        if not 0.0 < along < valley.length_m:
            continue
        x, y, bearing = valley.at(along)
        half_width = float(np.interp(along, valley.along, valley.half_width_m))
        aside = rng.normal(0.0, 0.5) * max(half_width - length / 3, 10.0)
        x, y = x - math.sin(bearing) * aside, y - math.cos(bearing) * aside
        row, col = int(y / FINE_M), int(x / FINE_M)
        if not (0 <= row < shade.shape[0] and 0 <= col < shade.shape[1]):
            continue
        if wish.shaded == bool(shade[row, col] > _DEEP_M):
            turned = bearing + rng.normal(0.0, 0.15)
            yield _Spot(WEST - MARGIN_M + x, NORTH + MARGIN_M - y, turned, half_width)


def _shaded_stretches(
    valleys: Sequence[Valley], glaciers: Sequence[Glacier], shade: Field
) -> list[tuple[Valley, float]]:
    """Return the ice-free points of the valleys that lie deep in shadow."""
    found = []
    for valley in valleys:
        fed = [glacier.terminus_m for glacier in glaciers if glacier.valley is valley]
        top = min(fed, default=valley.length_m) - 200.0
        row = np.clip((valley.y / FINE_M).astype(np.intp), 0, shade.shape[0] - 1)
        col = np.clip((valley.x / FINE_M).astype(np.intp), 0, shade.shape[1] - 1)
        dark = (shade[row, col] > _DEEP_M) & (valley.along < top)
        found += [(valley, float(along)) for along in valley.along[dark]]
    return found


def _stretch(
    rng: np.random.Generator,
    lake_type: LakeType,
    length: float,
    valleys: Sequence[Valley],
    glaciers: Sequence[Glacier],
) -> tuple[Valley, float]:
    """Return a valley and the distance from its mouth at which a lake of the type may lie."""
    if lake_type == "unconnected":
        valley = valleys[int(rng.integers(len(valleys)))]
        fed = [glacier.terminus_m for glacier in glaciers if glacier.valley is valley]
        top = min(fed) - 1300.0 if fed else valley.length_m
        return valley, rng.uniform(60.0, top) if top > 61.0 else -1.0
    dirty = [glacier for glacier in glaciers if glacier.debris > 0]
    pool = dirty if lake_type == "supraglacial" and dirty else glaciers
    glacier = pool[int(rng.integers(len(pool)))]
    if lake_type == "ice-contact":
        along = glacier.terminus_at(2013.0) + 50.0 - length / 2
    elif lake_type == "supraglacial":
        along = glacier.terminus_at(2023.0) + rng.uniform(170.0, 800.0)
    else:
        along = glacier.terminus_m - length / 2 - rng.uniform(60.0, 1500.0)
    return glacier.valley, along


def _parts(rng: np.random.Generator, wish: Wish, spot: _Spot) -> tuple[list[Polygon], Polygon]:
    """Return the lake and an empty strait, or two lakes and the strait between them."""
    area = wish.hectares * 1e4 * float(np.exp(rng.normal(0.0, 0.04)))
    narrow = 4.0 * area / (math.pi * (2.3 * spot.half_width_m) ** 2)
    elongation = float(np.clip(max(rng.uniform(1.2, 2.3), narrow), 1.1, 4.6))
    rough = rng.uniform(0.25, 0.5)
    if wish.joined is None:
        lake = lake_outline(rng, area, elongation=elongation, roughness=rough, islands=wish.islands)
        return [placed(lake, spot.x, spot.y, spot.bearing_rad)], Polygon()
    share = rng.uniform(0.52, 0.68)
    half = max(elongation / 2, 1.1)
    lower = lake_outline(rng, share * area, elongation=half, roughness=rough)
    upper = lake_outline(rng, (1 - share) * area, elongation=half, roughness=rough)
    upper = affinity.translate(upper, lower.bounds[2] - upper.bounds[0])
    while lower.distance(upper) < GAP_M:
        upper = affinity.translate(upper, 4.0)
    strait = LineString([lower.centroid, upper.centroid]).buffer(
        0.16 * math.sqrt(area), cap_style="flat"
    )
    middle = (lower.bounds[0] + upper.bounds[2]) / 2
    at = [
        placed(affinity.translate(part, -middle), spot.x, spot.y, spot.bearing_rad)
        for part in (lower, upper, strait)
    ]
    return at[:2], at[2]


def _lake(
    rng: np.random.Generator, wish: Wish, outline: Polygon, bearing: float, level: float
) -> Lake:
    inside = outline.representative_point()
    lon, lat = Transformer.from_crs(CRS_NAME, "EPSG:4326", always_xy=True).transform(
        inside.x, inside.y
    )
    reach = 0.3 * math.sqrt(outline.area)
    dam = Point(
        outline.centroid.x - math.cos(bearing) * reach,
        outline.centroid.y - math.sin(bearing) * reach,
    )
    anchor = dam if outline.contains(dam) else inside
    return Lake(
        lake_id=f"GL{round(lon * 1000):06d}E{round(lat * 1000):05d}N",
        lake_type=wish.lake_type,
        outline=outline,
        anchor=(anchor.x, anchor.y),
        level_m=level,
        water=draw_water(rng, wish.water),
        inflow_bearing_rad=bearing,
        history=wish.history,
    )


def _cells(
    outline: Polygon, shape: tuple[int, ...], pad_m: float
) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return a window of the terrain around an outline, and which of its cells it touches."""
    west, north = WEST - MARGIN_M, NORTH + MARGIN_M
    left, bottom, right, top = outline.bounds
    row0 = max(int((north - top - pad_m) / FINE_M), 0)
    row1 = min(int((north - bottom + pad_m) / FINE_M) + 1, shape[0])
    col0 = max(int((left - west - pad_m) / FINE_M), 0)
    col1 = min(int((right - west + pad_m) / FINE_M) + 1, shape[1])
    transform = Affine(FINE_M, 0, west + col0 * FINE_M, 0, -FINE_M, north - row0 * FINE_M)
    size = (row1 - row0, col1 - col0)
    touched = geometry_mask([outline], size, transform, invert=True, all_touched=True)
    return (slice(row0, row1), slice(col0, col1)), np.asarray(touched)


def _let_in(terrain: Field, outline: Polygon, level: float) -> None:
    """Flatten the lake to its level and ease the terrain around it, with a low rim."""
    pad = 320.0
    window, inside = _cells(outline, terrain.shape, pad)
    distance = ndimage.distance_transform_edt(~inside) * FINE_M
    here = terrain[window]
    step = float(np.abs(here[inside] - level).max())
    ease = min(max(50.0, 1.6 * step), pad - 20.0)
    share = np.clip(distance / ease, 0.0, 1.0)
    rim = 2.5 * (distance / 25.0) * np.exp(1.0 - distance / 25.0)
    eased = level + rim * (1.0 - share) + (here - level) * share * share * (3.0 - 2.0 * share)
    terrain[window] = np.where(inside, level, np.where(distance < ease, eased, here))
