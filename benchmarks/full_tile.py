"""A synthetic scene of the size of a Sentinel-2 tile, for timing and nothing else.

    python benchmarks/full_tile.py FOLDER [SIZE]

Writes the same ground twice: ``tile.tif``, a tiled and deflated GeoTIFF stack with a sidecar, and a
SAFE folder with JPEG 2000 bands; ``dem.tif`` (30 m) and ``glaciers.gpkg``, one glacier whose
10 km cover a fifth of the tile. Lakes have power-law sizes from 0.005 km² on, shores with sub-pixel
cover, and lie flat in the DEM. There is no cloud, no snow and little shade, so the scene is easy:
it supports statements on time and memory, none on accuracy.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import box

from glacial_lakes.grid import Grid
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.quality import Label
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.sentinel2 import write_sentinel2

Field = NDArray[np.float32]

SIZE = 10_980
LAKES_PER_PX = 4000 / SIZE**2
CRS = "EPSG:32643"
ORIGIN = (400_000.0, 4_800_000.0)
AZIMUTH_DEG, ELEVATION_DEG = 150.0, 55.0
TAKEN = Acquisition(datetime(2023, 8, 16, 5, 57, tzinfo=UTC), "S2A")
MORAINE = np.array([0.10, 0.13, 0.16, 0.20, 0.24, 0.20], np.float32)
MEADOW = np.array([0.04, 0.07, 0.06, 0.30, 0.20, 0.10], np.float32)
SILT = np.array([0.12, 0.14, 0.11, 0.04, 0.01, 0.005], np.float32)
CLEAR = np.array([0.05, 0.05, 0.03, 0.012, 0.006, 0.004], np.float32)
NOISE = 0.004
FINE = 4


@dataclass(frozen=True)
class Tile:
    """The share of water and the spectrum of the water of each pixel, and the height."""

    share: Field
    silt: Field
    height: Field
    """On 30 m."""


def smooth(rng: np.random.Generator, shape: tuple[int, int], cell: int) -> Field:
    """Return noise of unit deviation that changes over so many pixels."""
    small = rng.standard_normal((shape[0] // cell + 3, shape[1] // cell + 3)).astype(np.float32)
    rows, cols = (np.arange(n, dtype=np.float32) / cell + 0.5 for n in shape)
    part = [ndimage.map_coordinates(small, np.meshgrid(r, cols, indexing="ij"), order=1)
            for r in np.array_split(rows, max(1, shape[0] // 512))]  # fmt: skip
    return np.concatenate(part)


def make_ground(rng: np.random.Generator, size: int) -> Tile:
    """Lay lakes without overlap, the largest first, and make their surface flat in the DEM."""
    share, silt = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    coarse = size // 3
    height = 3000 + 60 * smooth(rng, (coarse, coarse), 60) + 8 * smooth(rng, (coarse, coarse), 12)
    count = round(LAKES_PER_PX * size**2)
    areas_px = np.sort(50 * rng.pareto(0.9, count) + 50)[::-1].clip(max=50_000)
    taken = np.zeros((size // 8 + 1, size // 8 + 1), bool)
    for area in areas_px:
        radius = float(np.sqrt(area / np.pi))
        reach = int(1.7 * radius) + 6
        if 2 * reach >= size:
            continue
        for _ in range(50):
            row, col = rng.integers(reach, size - reach, 2)
            ground = np.s_[(row - reach) // 8 : (row + reach) // 8 + 1,
                           (col - reach) // 8 : (col + reach) // 8 + 1]  # fmt: skip
            if not taken[ground].any():
                break
        else:
            continue
        taken[ground] = True
        fine = (np.arange(2 * reach * FINE) + 0.5) / FINE - reach
        y, x = np.meshgrid(fine, fine, indexing="ij")
        angle = np.arctan2(y, x)
        shore = np.ones_like(angle)
        for wave in range(2, 7):
            shore += rng.normal(0, 0.16 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
        inside = np.hypot(x, y) < radius * shore
        cover = inside.reshape(2 * reach, FINE, 2 * reach, FINE).mean((1, 3))
        window = np.s_[row - reach : row + reach, col - reach : col + reach]
        share[window] = np.maximum(share[window], cover)
        silt[window] = np.where(cover > 0, rng.uniform(0, 1), silt[window])
        flat = np.s_[
            (row - reach) // 3 : (row + reach) // 3, (col - reach) // 3 : (col + reach) // 3
        ]
        wet = cover[: (2 * reach) // 3 * 3 : 3, : (2 * reach) // 3 * 3 : 3][
            : height[flat].shape[0], : height[flat].shape[1]
        ]
        part = height[flat][: wet.shape[0], : wet.shape[1]]
        part[ndimage.binary_dilation(wet > 0)] = height[row // 3, col // 3]
    return Tile(share, silt, height.astype(np.float32))


def band(rng: np.random.Generator, tile: Tile, meadow: Field, grain: Field, number: int) -> Field:
    """Return the reflectance of one band on 10 m."""
    land = MORAINE[number] + meadow * (MEADOW[number] - MORAINE[number])
    land *= 1 + np.float32(0.12) * grain
    water = CLEAR[number] + tile.silt * (SILT[number] - CLEAR[number])
    value: Field = land + tile.share * (water - land)
    value = ndimage.gaussian_filter(value, 0.5)
    value += NOISE * rng.standard_normal(value.shape, dtype=np.float32)
    return value.clip(0.001)


def coarser(values: Field) -> Field:
    """Return the means of 2 by 2 pixels."""
    size = values.shape[0] // 2 * 2
    mean: Field = values[:size, :size].reshape(size // 2, 2, size // 2, 2).mean((1, 3))
    return mean


def write_tile(folder: Path, size: int = SIZE, seed: int = 7) -> None:
    """Write stack, SAFE, DEM and glaciers into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    tile = make_ground(rng, size)
    meadow = (0.5 + 0.5 * smooth(rng, (size, size), 80)).clip(0, 1).astype(np.float32)
    grain = smooth(rng, (size, size), 4)
    transform = Affine(10, 0, ORIGIN[0], 0, -10, ORIGIN[1])
    profile = {
        "driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "crs": CRS,
    }  # fmt: skip
    bands: dict[str, Field] = {}
    with rasterio.open(
        folder / "tile.tif", "w", width=size, height=size, count=5, dtype="uint16", predictor=2,
        interleave="band", transform=transform, num_threads="all_cpus", **profile,
    ) as file:  # fmt: skip
        for number, name in enumerate(BANDS):
            value = band(rng, tile, meadow, grain, number)
            if number < 5:
                if number == 4:  # the product has it on 20 m
                    value = np.kron(coarser(value), np.ones((2, 2), np.float32))[:size, :size]
                file.write((value * 10_000).round().astype(np.uint16), number + 1)
            bands[name] = (
                value if number < 4 else value[::2, ::2] if number == 4 else coarser(value)
            )
    names = "".join(f"{name} = {number}\n" for number, name in enumerate(BANDS[:5], 1))
    sun = f"sun_azimuth_deg = {AZIMUTH_DEG}\nsun_elevation_deg = {ELEVATION_DEG}"
    (folder / "tile.toml").write_text(
        f'acquired = {TAKEN.time:%Y-%m-%dT%H:%M:%SZ}\nsensor = "S2A"\nscale = 0.0001\n'
        f"offset = 0.0\nnodata = 0\n{sun}\n[bands]\n{names}",
        "utf-8",
    )
    with rasterio.open(
        folder / "dem.tif", "w", width=tile.height.shape[1], height=tile.height.shape[0], count=1,
        dtype="float32", predictor=3, transform=transform * Affine.scale(3), **profile,
    ) as file:  # fmt: skip
        file.write(tile.height, 1)
    side = size * 10.0
    near = box(ORIGIN[0], ORIGIN[1] - side, ORIGIN[0] + 0.2 * side - 10_000, ORIGIN[1])
    gpd.GeoDataFrame({"RGIId": ["G1"]}, geometry=[near], crs=CRS).to_file(folder / "glaciers.gpkg")
    labels = np.full((size // 2, size // 2), Label.BARE, np.uint8)
    labels[coarser(tile.share) > 0.5] = Label.WATER
    scene = SimulatedScene(
        acquisition=TAKEN,
        grid=Grid(rasterio.crs.CRS.from_string(CRS), transform, (size, size)),
        bands=bands,
        saturated=np.zeros((size, size), np.uint8),
        labels=labels,
        truth=gpd.GeoDataFrame({"lake_id": []}, geometry=[], crs=CRS),
        empty_places=pd.Series(dtype=float),
        sun_azimuth_deg=AZIMUTH_DEG,
        sun_elevation_deg=ELEVATION_DEG,
        shift_m=(0.0, 0.0),
    )
    write_sentinel2(scene, folder)


if __name__ == "__main__":
    write_tile(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:3]))
