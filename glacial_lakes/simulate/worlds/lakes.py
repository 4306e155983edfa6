"""Lakes of a world: where they lie, how their shores run, and what is in the water."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry import Polygon, box
from shapely.geometry.polygon import orient
from skimage.measure import find_contours

from glacial_lakes.grid import placed, shifted
from glacial_lakes.simulate.frame import FINE_M, MARGIN_M, NORTH, WEST
from glacial_lakes.simulate.light import gradient
from glacial_lakes.simulate.noise import Field, fractal_field, generator
from glacial_lakes.simulate.spectra import Water
from glacial_lakes.simulate.worlds.drainage import CELL_M, Drainage, Ice
from glacial_lakes.simulate.worlds.frame import Frame, between, choose, log_between

Shape = Literal["round", "crooked", "fjord", "islands"]


@dataclass(frozen=True, slots=True)
class Lakes:
    """How many lakes of which sizes a world has. Ranges: ``docs/simulator.md``, *Worlds*."""

    small: int
    """Lakes whose areas follow a power law from 0.0005 km² on."""
    exponent: float
    """Of the number of lakes larger than an area (Cael & Seekell 2016; 0.7–1.1 in mountains)."""
    middle: int
    """Further lakes of 0.01–0.4 km², evenly by the logarithm: the power law gives few of them."""
    large_m2: float
    """Area of one large lake, 0 for none."""
    at_edge: int
    """Lakes that the edge of the image cuts."""

    @classmethod
    def of(cls, rng: np.random.Generator, size_m: float) -> Lakes:
        """Draw what a world has."""
        large = 0.0
        if rng.random() < 0.45:
            large = min(log_between(rng, 5e5, 5e7), 0.22 * size_m**2)
        return cls(
            small=int(rng.integers(16, 34)),
            exponent=between(rng, 0.65, 1.05),
            middle=int(rng.integers(8, 15)),
            large_m2=large,
            at_edge=int(rng.integers(0, 4)),
        )

    def areas_m2(self, rng: np.random.Generator) -> list[float]:
        """Draw the areas, largest first."""
        small = 500.0 * rng.random(self.small) ** (-1.0 / self.exponent)
        middle = np.exp(rng.uniform(math.log(1e4), math.log(4e5), self.middle))
        areas = [*np.clip(small, 500.0, 2e5), *middle]
        if self.large_m2:
            areas.append(self.large_m2)
        return sorted((float(area) for area in areas), reverse=True)


@dataclass(frozen=True)
class Lake:
    """One lake of a world."""

    lake_id: str
    lake_type: str
    shape: str
    outline: Polygon
    level_m: float
    water: Water
    kind: str
    """What is in the water: ``deep clear``, ``clear``, ``green``, ``algae``, ``milk`` …"""
    inflow_rad: float


@dataclass(frozen=True, eq=False)
class Placed:
    """Lakes and the terrain that holds them."""

    lakes: tuple[Lake, ...]
    terrain: Field


def place(
    seed: int, wish: Lakes, terrain: Field, drainage: Drainage, ice: Ice, frame: Frame
) -> Placed:
    """Place lakes on level ground, along streams, before, beside and on glaciers.

    Each lake floods the field that its seed lies in: relief, a fractal and the distance from
    the seed, weighted by the shape that is wanted. So shores follow the relief, arms run up the
    valleys, and what stands out of the field is an island.
    """
    rng = generator(seed, 103)
    bare, terrain = terrain, terrain.copy()
    scene = box(WEST, NORTH - frame.size_m, WEST + frame.size_m, NORTH)
    slope = np.hypot(*gradient(ndimage.gaussian_filter(bare, 4.0), FINE_M))
    sites = _sites(drainage, ice, slope, frame)
    taken: list[Polygon] = []
    lakes: list[Lake] = []
    edges = set(rng.choice(12, min(wish.at_edge, 12), replace=False).tolist())
    for number, area in enumerate(wish.areas_m2(rng)):
        for _ in range(14):
            lake_type = _type(rng, area, sites)
            x, y = _spot(rng, sites[lake_type], frame, at_edge=number in edges, area=area)
            shape = _shape(rng, area)
            made = _flooded(rng, bare, frame, x, y, area, shape)
            if made is None:
                continue
            outline, level = made
            if number in edges:
                if (
                    scene.contains(outline)
                    or outline.intersection(scene).area < 0.25 * outline.area
                ):
                    continue
            elif not scene.buffer(-60.0).contains(outline):
                continue
            gap = log_between(rng, 14.0, 90.0)
            if any(outline.distance(other) < gap for other in taken):
                continue
            taken.append(outline)
            kind, water = draw_water(rng, lake_type, area)
            lakes.append(
                Lake(
                    f"W{seed:05d}-{len(lakes) + 1:03d}", lake_type, shape, outline, level, water,
                    kind, between(rng, -math.pi, math.pi),
                )
            )  # fmt: skip
            break
    for lake in lakes:
        _let_in(terrain, lake.outline, lake.level_m, frame)
    return Placed(tuple(lakes), terrain)


def _sites(drainage: Drainage, ice: Ice, slope: Field, frame: Frame) -> dict[str, NDArray[np.intp]]:
    """Return the cells of 60 m that suit each type of lake."""
    shape = drainage.height.shape
    gentle = ndimage.uniform_filter(slope, 6)[3::6, 3::6][: shape[0], : shape[1]]
    gentle = np.pad(
        gentle, [(0, shape[0] - gentle.shape[0]), (0, shape[1] - gentle.shape[1])], mode="edge"
    )
    rim = round(MARGIN_M / CELL_M) - 4
    inner = np.zeros(shape, bool)
    inner[rim:-rim, rim:-rim] = True
    bare = (ice.inside_m < -60.0) & inner
    downstream = np.zeros(shape[0] * shape[1], bool)
    for end in ice.termini:
        cell = end
        for _ in range(22):
            cell = int(drainage.receiver[cell])
            downstream[cell] = True
    below = ndimage.binary_dilation(downstream.reshape(shape), iterations=3)
    # the gentlest of each kind, so that any relief has places
    quiet = gentle < max(0.10, float(np.quantile(gentle[bare], 0.12)) if bare.any() else 0.1)
    high = drainage.height > np.quantile(drainage.height[inner], 0.55)
    near_ice = np.abs(ice.inside_m) < 90.0
    wet = drainage.area_m2.reshape(shape) > 4e5
    sites = {
        "valley": bare & quiet,
        "stream": bare & wet & (gentle < 0.2),
        "tarn": bare & high & (gentle < 0.24),
        "proglacial": bare & below & (gentle < 0.26),
        "ice-contact": inner & near_ice & (gentle < 0.22),
        "supraglacial": inner & (ice.inside_m > 60.0) & (ice.lowness > 0.35) & (gentle < 0.22),
    }
    return {name: np.flatnonzero(cells) for name, cells in sites.items() if cells.sum() > 12}


def _type(rng: np.random.Generator, area: float, sites: dict[str, NDArray[np.intp]]) -> str:
    shares = {
        "valley": 0.30, "stream": 0.13, "tarn": 0.22, "proglacial": 0.20,
        "ice-contact": 0.08, "supraglacial": 0.12 if area < 2e4 else 0.0,
    }  # fmt: skip
    if area > 1e5:
        shares |= {"tarn": 0.05, "valley": 0.6}
    known = {name: share for name, share in shares.items() if name in sites}
    return choose(rng, **known) if known else next(iter(sites))


def _spot(
    rng: np.random.Generator, cells: NDArray[np.intp], frame: Frame, *, at_edge: bool, area: float
) -> tuple[float, float]:
    cols = round(frame.terrain_cells * FINE_M / CELL_M)
    best = (0.0, 0.0)
    for _ in range(40 if at_edge else 1):
        row, col = divmod(int(cells[int(rng.integers(cells.size))]), cols)
        x = WEST - MARGIN_M + (col + rng.random()) * CELL_M
        y = NORTH + MARGIN_M - (row + rng.random()) * CELL_M
        best = (x, y)
        to_edge = min(
            abs(x - WEST),
            abs(x - WEST - frame.size_m),
            abs(y - NORTH),
            abs(y - NORTH + frame.size_m),
        )
        if to_edge < 0.4 * math.sqrt(area):
            break
    return best


def _shape(rng: np.random.Generator, area: float) -> Shape:
    if area < 3e3:
        shares = {"round": 0.6, "crooked": 0.35, "fjord": 0.05}
    elif area < 3e4:
        shares = {"round": 0.4, "crooked": 0.35, "fjord": 0.17, "islands": 0.08}
    else:
        shares = {"round": 0.22, "crooked": 0.33, "fjord": 0.27, "islands": 0.18}
    return choose(rng, **shares)  # type: ignore[return-value]


_WEIGHTS: dict[str, tuple[float, float, float, float]] = {
    "round": (0.25, 0.22, 1.0, 0.8),
    "crooked": (0.6, 0.8, 0.55, 0.65),
    "fjord": (1.3, 0.9, 0.25, 0.6),
    "islands": (0.5, 1.0, 0.5, 0.35),
}
"""Weights of relief, fractal and distance, and the roughness (Hurst exponent) of the fractal."""


def _flooded(
    rng: np.random.Generator,
    terrain: Field,
    frame: Frame,
    x: float,
    y: float,
    area: float,
    shape: Shape,
) -> tuple[Polygon, float] | None:
    """Flood the field about a place until the area is reached; None where that fails."""
    radius = math.sqrt(area / math.pi)
    cell = float(np.clip(radius / 22.0, 0.6, 10.0))
    half = math.ceil(3.4 * radius / cell)
    count = 2 * half + 1
    steps = (np.arange(count, dtype=np.float32) - half) * np.float32(cell)
    east, south = np.meshgrid(steps, steps)
    col = (x - WEST + MARGIN_M) / FINE_M - 0.5 + east / FINE_M
    row = (NORTH + MARGIN_M - y) / FINE_M - 0.5 + south / FINE_M
    limit = terrain.shape[0] - 2
    if row.min() < 1 or col.min() < 1 or row.max() > limit or col.max() > limit:
        return None
    ground = ndimage.map_coordinates(terrain, [row, col], order=1)
    relief, rough, round_, hurst = _WEIGHTS[shape]
    wave = fractal_field(rng, (count, count), cell, longest_m=5.0 * radius, hurst=hurst)
    stretch, turn = log_between(rng, 1.0, 2.2), between(rng, 0.0, math.pi)
    along = east * math.cos(turn) + south * math.sin(turn)
    across = south * math.cos(turn) - east * math.sin(turn)
    away = (along / stretch) ** 2 + (across * stretch) ** 2
    rise = (ground - ground[half, half]) / np.float32(0.16 * radius + 3.0)
    field = relief * rise + rough * 0.75 * wave + round_ * away / np.float32(radius**2)
    near = slice(half - half // 6, half + half // 6 + 1)
    start = np.unravel_index(int(field[near, near].argmin()), field[near, near].shape)
    seed = (int(start[0]) + near.start, int(start[1]) + near.start)
    low, high = float(field[seed]), float(field[seed]) + 8.0
    found = None
    for _ in range(13):
        level = 0.5 * (low + high)
        label, _ = ndimage.label(field < level)
        part = label == label[seed] if label[seed] else np.zeros_like(label, bool)
        if part.sum() * cell**2 > area:
            high = level
        else:
            low, found = level, part
    if found is None or not 0.6 * area < found.sum() * cell**2 < 1.1 * area:
        return None
    if found[0].any() or found[-1].any() or found[:, 0].any() or found[:, -1].any():
        return None
    inside = ground[found]
    steep = float(np.percentile(inside, 92) - np.percentile(inside, 8))
    if steep > 6.0 + 0.30 * radius:
        return None
    # no other hollow that the level fills may join in
    own = ndimage.binary_dilation(found, iterations=2)
    masked = np.where(own, field, max(float(field.max()), low + 1.0))
    rings = [
        Polygon(np.column_stack([x + (c[:, 1] - half) * cell, y - (c[:, 0] - half) * cell]))
        for c in find_contours(masked, low)  # type: ignore[no-untyped-call]
        if len(c) > 4
    ]
    rings = [ring.buffer(0) for ring in rings]
    shell = max(rings, key=lambda ring: ring.area)
    holes = [
        ring
        for ring in rings
        if ring is not shell and shell.contains(ring) and ring.area > 8 * cell**2
    ]
    for hole in holes:
        shell = shell.difference(hole)
    if shell.geom_type != "Polygon" or not shell.is_valid:
        return None
    return orient(shell.simplify(0.1 * cell)), float(np.percentile(inside, 30))


def _let_in(terrain: Field, outline: Polygon, level: float, frame: Frame) -> None:
    """Make the lake level, and ease its shores down or up to it."""
    reach = 30.0 + 0.35 * math.sqrt(outline.area)
    left, bottom, right, top = outline.buffer(2.5 * reach).bounds
    transform = frame.terrain_transform
    c0, r0 = placed(~transform, left, top)
    c1, r1 = placed(~transform, right, bottom)
    size = terrain.shape[0]
    rows = slice(max(int(r0), 0), min(int(r1) + 1, size))
    cols = slice(max(int(c0), 0), min(int(c1) + 1, size))
    corner = shifted(transform, rows.start, cols.start)
    shape = (rows.stop - rows.start, cols.stop - cols.start)
    if min(shape) < 3:
        return
    inside = rasterize([(outline, 1)], shape, transform=corner, dtype="uint8", all_touched=True) > 0
    away = ndimage.distance_transform_edt(~inside).astype(np.float32) * np.float32(FINE_M)
    ease = np.exp(-((away / np.float32(reach)) ** 2))
    part = terrain[rows, cols]
    bank = level + np.minimum(0.06 * away, 0.35 * np.abs(part - level) + 0.3)
    part += ease * (bank - part)
    part[inside] = level


def draw_water(rng: np.random.Generator, lake_type: str, area: float) -> tuple[str, Water]:
    """Draw what is in the water: from 0.02 g m⁻³ of flour to glacial milk of 900 g m⁻³.

    Near ice the water carries flour, far from it dissolved matter and algae (Kutser et al. 2005;
    Slemmons et al. 2013). Deep clear water as in Smith & Baker 1981.
    """
    glacial = {"milk": 0.34, "turbid": 0.32, "pale": 0.24, "clear": 0.10}
    distant = {
        "deep clear": 0.2,
        "clear": 0.35,
        "green": 0.17,
        "brown": 0.1,
        "pale": 0.12,
        "algae": 0.06,
    }
    kind = choose(rng, **(distant if lake_type in {"valley", "stream", "tarn"} else glacial))
    if area < 3e3 and kind == "deep clear":
        kind = "clear"
    flour, yellow, chlorophyll, bed = {
        "deep clear": ((0.02, 0.2), (0.005, 0.04), (0.03, 0.3), (0.25, 0.8)),
        "clear": ((0.2, 2.0), (0.01, 0.15), (0.1, 1.0), (0.06, 0.4)),
        "green": ((1.5, 10.0), (0.1, 0.6), (1.0, 8.0), (0.05, 0.3)),
        "brown": ((0.3, 3.0), (0.8, 5.0), (1.0, 6.0), (0.05, 0.3)),
        "algae": ((6.0, 30.0), (0.3, 1.5), (15.0, 60.0), (0.03, 0.15)),
        "pale": ((6.0, 40.0), (0.01, 0.1), (0.1, 0.8), (0.06, 0.3)),
        "turbid": ((40.0, 180.0), (0.01, 0.1), (0.1, 0.5), (0.05, 0.3)),
        "milk": ((180.0, 900.0), (0.01, 0.1), (0.1, 0.4), (0.05, 0.25)),
    }[kind]
    old = {"deep clear": "clear", "brown": "green", "algae": "green", "pale": "turbid"}
    plain = old.get(kind, "very turbid" if kind == "milk" else kind)
    water = Water(
        kind=plain,  # type: ignore[arg-type]
        sediment_g_m3=log_between(rng, *flour),
        yellow_m1=log_between(rng, *yellow),
        chlorophyll_mg_m3=log_between(rng, *chlorophyll),
        bottom_slope=log_between(rng, *bed),
    )
    return kind, water
