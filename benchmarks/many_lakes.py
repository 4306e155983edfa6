"""Outlines of very many lakes on many dates, for timing and nothing else.

    python benchmarks/many_lakes.py FOLDER LAKES DATES [--complete]

Writes one folder a date, as ``run`` leaves them below ``scenes/``; and ``glaciers.gpkg``, one
glacier for fifty lakes. Lakes have power-law sizes from 0.005 km² on, 30 to 80 vertices, and lie a
kilometre apart, 10,000 of them on the ground of a Sentinel-2 tile. Their shores move by a third of
a pixel from date to date. A tenth grows, one in a hundred drains, splits in two, or comes later
than the first date; about a fifth of all lakes lies under cloud on each date. With ``--complete``
there is no cloud, and every place was looked at, as in inventories that somebody drew.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from glacial_lakes.coverage import CompleteCoverage, Coverage, SceneCoverage, State
from glacial_lakes.grid import Grid
from glacial_lakes.io.geopackage import write_layers
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.measures import inner_lon_lat, nearest_glacier
from glacial_lakes.workflow.scene_tasks import OUTLINES_NAME

Numbers = NDArray[np.float64]

UTM = "EPSG:32643"
WEST, NORTH = 300_000.0, 4_900_000.0
SPACING_M, PIXEL_M = 1098.0, 10.0
CLOUD_PX = 61
"""Edge of a square of cloud in pixels."""
CLOUDY = 0.2
FIRST = datetime(2000, 7, 15, 5, 30, tzinfo=UTC)
SINGLE_AREA_M2, LARGEST_AREA_M2 = 5e3, 5e5
RARE = 0.01


@dataclass(frozen=True)
class Lakes:
    """Lakes as they are on every date, arrays of shape (lake,) if nothing else is said."""

    x: Numbers
    y: Numbers
    radius: Numbers
    waves: Numbers
    """Amplitude and phase of five waves of the shore, shape (2, 5, lake)."""
    growth: Numbers
    """Factor of the radius from the first date to the last."""
    born: NDArray[np.intp]
    """First date that shows it."""
    drained: NDArray[np.intp]
    """First date without it."""
    split: NDArray[np.intp]
    """First date on which it is two."""


def make_lakes(count: int, dates: int, seed: int = 0) -> Lakes:
    """Return lakes on a grid of places, one a kilometre."""
    rng = np.random.default_rng((seed, count))
    side = int(np.ceil(np.sqrt(count)))
    place = np.arange(count)
    x = WEST + (place % side + 0.5 + rng.uniform(-0.1, 0.1, count)) * SPACING_M
    y = NORTH - (place // side + 0.5 + rng.uniform(-0.1, 0.1, count)) * SPACING_M
    area = np.minimum(SINGLE_AREA_M2 * (1 + rng.pareto(1.0, count)), LARGEST_AREA_M2)
    amplitude = rng.normal(0, 0.12, (5, count)) / np.arange(1, 6)[:, None]
    phase = rng.uniform(0, 2 * np.pi, (5, count))

    def rare() -> NDArray[np.intp]:
        chosen = rng.random(count) < RARE
        return np.where(chosen, rng.integers(1, max(dates, 2), count), dates)

    late = rare()
    return Lakes(
        x,
        y,
        np.sqrt(area / np.pi),
        np.stack([amplitude, phase]),
        np.where(rng.random(count) < 0.1, 1.3, 1.0),
        np.where(late == dates, 0, late),
        rare(),
        rare(),
    )


def outlines_of(lakes: Lakes, number: int, dates: int, seed: int = 0) -> NDArray[np.object_]:
    """Return the outlines on a date in :data:`UTM`; two of a lake that has split."""
    rng = np.random.default_rng((seed, lakes.x.size, number))
    there = np.flatnonzero((lakes.born <= number) & (number < lakes.drained))
    size = there.size
    radius = lakes.radius[there] * lakes.growth[there] ** (number / max(dates - 1, 1))
    vertices = np.clip(2 * np.pi * radius / (1.2 * PIXEL_M), 30, 80).astype(int)
    start = np.cumsum(vertices) - vertices
    lake = np.repeat(np.arange(size), vertices)
    angle = 2 * np.pi * (np.arange(lake.size) - start[lake]) / vertices[lake]
    amplitude, phase = lakes.waves[:, :, there[lake]]
    wave = np.arange(1, 6)[:, None]
    shape = 1 + (amplitude * np.cos(wave * angle + phase)).sum(axis=0)
    reach = radius[lake] * np.maximum(shape, 0.3) + rng.normal(0, PIXEL_M / 3, lake.size)
    shift = rng.normal(0, PIXEL_M / 5, (2, size))
    points = np.column_stack(
        [
            lakes.x[there][lake] + shift[0][lake] + reach * np.cos(angle),
            lakes.y[there][lake] + shift[1][lake] + reach * np.sin(angle),
        ]
    )
    outlines = shapely.polygons(shapely.linearrings(points, indices=lake))
    two = lakes.split[there] <= number
    middle, half = lakes.x[there][two], 1.5 * PIXEL_M
    south, north = lakes.y[there][two] - SPACING_M, lakes.y[there][two] + SPACING_M
    channel = shapely.box(middle - half, south, middle + half, north)
    parts = shapely.get_parts(shapely.difference(outlines[two], channel))
    return np.concatenate([outlines[~two], parts[shapely.area(parts) >= SINGLE_AREA_M2 / 4]])


def cloud_of(side_px: int, number: int, seed: int = 0) -> NDArray[np.bool_]:
    """Return where a date has cloud, in squares of :data:`CLOUD_PX` pixels."""
    rng = np.random.default_rng((seed, side_px, number, 1))
    cells = -(-side_px // CLOUD_PX)
    coarse = rng.normal(size=(cells // 5 + 2, cells // 5 + 2))
    field = np.kron(coarse, np.ones((5, 5)))[:cells, :cells] + rng.normal(0, 0.5, (cells, cells))
    return field > np.quantile(field, 1 - CLOUDY)


def write_date(
    folder: Path,
    lakes: Lakes,
    glaciers: gpd.GeoDataFrame,
    number: int,
    dates: int,
    *,
    complete: bool,
) -> None:
    """Write outlines and coverage of a date."""
    coverage: SceneCoverage = CompleteCoverage(_name(number), _time(number), "S2A", PIXEL_M)
    outlines = outlines_of(lakes, number, dates)
    side_px = int(np.ceil(np.ceil(np.sqrt(lakes.x.size)) * SPACING_M / PIXEL_M))
    seen = np.ones(outlines.size)
    if not complete:
        cloud = cloud_of(side_px, number)
        grid = Grid(
            CRS.from_string(UTM), Affine(PIXEL_M, 0, WEST, 0, -PIXEL_M, NORTH), (side_px, side_px)
        )
        states = np.where(cloud, State.CLOUD, State.LAND).astype(np.uint8)
        states = states.repeat(CLOUD_PX, axis=0).repeat(CLOUD_PX, axis=1)[:side_px, :side_px]
        coverage = Coverage.from_states(
            states,
            scene_id=_name(number),
            acquired=_time(number),
            sensor="S2A",
            grid=grid,
        )
        points, owner = shapely.get_coordinates(outlines, return_index=True)
        column = ((points[:, 0] - WEST) / PIXEL_M / CLOUD_PX).astype(int).clip(0, len(cloud) - 1)
        row = ((NORTH - points[:, 1]) / PIXEL_M / CLOUD_PX).astype(int).clip(0, len(cloud) - 1)
        seen -= np.bincount(owner, cloud[row, column]) / np.bincount(owner)
    kept = seen >= 0.5
    outlines, seen = outlines[kept], seen[kept]
    area, length = shapely.area(outlines), shapely.length(outlines)
    whole = seen >= 0.9
    table = gpd.GeoDataFrame(
        {
            "scene_id": _name(number),
            "acquired": pd.Timestamp(_time(number)),
            "sensor": "S2A",
            "area_m2": np.where(whole, area, np.nan),
            "area_sigma_m2": np.where(whole, 0.15 * length * PIXEL_M, np.nan),
            "area_err_hb_m2": np.where(whole, 0.34 * length * PIXEL_M, np.nan),
            "perimeter_m": length,
            "elev_m": 3500.0,
            "observed_fraction": seen,
            "status": np.where(whole, "observed", "cloud"),
            "outline_method": "subpixel",
            "threshold": 0.1,
            "quality": "good",
        },
        geometry=outlines,
        crs=UTM,
    )
    table = table.join([inner_lon_lat(table.geometry), nearest_glacier(table.geometry, glaciers)])
    folder.mkdir(parents=True, exist_ok=True)
    MappedScene(table, coverage).to_file(folder / OUTLINES_NAME)


def read_date(folder: Path) -> MappedScene:
    """Return the outlines of a date as tracking wants them."""
    return MappedScene.read(folder / OUTLINES_NAME)


def write_all(folder: Path, count: int, dates: int, *, complete: bool = False) -> None:
    """Write all dates, and the glaciers."""
    lakes = make_lakes(count, dates)
    near = slice(None, None, 50)
    ice = shapely.buffer(shapely.points(lakes.x[near] + 500, lakes.y[near]), 300)
    names = [f"G{number}" for number in range(ice.size)]
    glaciers = gpd.GeoDataFrame({"rgi_id": names}, geometry=ice, crs=UTM)
    for number in range(dates):
        place = folder / _name(number)
        write_date(place, lakes, glaciers, number, dates, complete=complete)
    write_layers(folder / "glaciers.gpkg", {"glaciers": glaciers})


def dates_in(folder: Path) -> list[Path]:
    """Return the folders of the dates."""
    return sorted(path.parent for path in folder.glob(f"*/{OUTLINES_NAME}"))


def _name(number: int) -> str:
    return f"S2A_{number:03d}"


def _time(number: int) -> datetime:
    """Two dates a year, in the summer."""
    return FIRST + timedelta(days=365.25 * (number // 2) + 35 * (number % 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("lakes", type=int)
    parser.add_argument("dates", type=int)
    parser.add_argument("--complete", action="store_true", help="no cloud, as drawn by hand")
    options = parser.parse_args()
    write_all(options.folder, options.lakes, options.dates, complete=options.complete)


if __name__ == "__main__":
    main()
