"""How long the attributes of many lakes take: relief on a rough DEM, glacier contact, volumes.

python benchmarks/relief_speed.py             # 10 000 lakes on 27 000 km2 at 30 m
python benchmarks/relief_speed.py --lakes 500
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from scipy.ndimage import zoom

from glacial_lakes import measures

CELL_M = 30.0
SHAPE = (5000, 6000)
WEST, NORTH = 400_000.0, 4_800_000.0
RELIEF = ((6, 900.0), (20, 500.0), (60, 250.0), (200, 100.0), (600, 40.0), (1500, 12.0))
"""Hills across the DEM and their height in m; noise of 1 m makes hollows as real DEMs have."""


def write_dem(path: Path, rng: np.random.Generator) -> None:
    """Write rough ground."""
    z = 3500 + rng.standard_normal(SHAPE, dtype="float32")
    for count, height in RELIEF:
        knots = rng.standard_normal((count, count), dtype="float32")
        scale = (SHAPE[0] / count, SHAPE[1] / count)
        z += height * zoom(knots, scale, order=1)
    transform = Affine(CELL_M, 0, WEST, 0, -CELL_M, NORTH)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:32643"}
    with rasterio.open(
        path, "w", height=SHAPE[0], width=SHAPE[1], transform=transform, tiled=True, **profile
    ) as file:
        file.write(z, 1)


def discs(count: int, least_m: float, most_m: float, rng: np.random.Generator) -> gpd.GeoSeries:
    """Return circles all over the DEM."""
    east = WEST + rng.uniform(3000, SHAPE[1] * CELL_M - 3000, count)
    north = NORTH - rng.uniform(3000, SHAPE[0] * CELL_M - 3000, count)
    radius = rng.uniform(least_m, most_m, count)
    return gpd.GeoSeries(shapely.buffer(shapely.points(east, north), radius), crs=32643)


def main() -> None:
    """Print seconds of each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lakes", type=int, default=10_000)
    count = parser.parse_args().lakes
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        dem = Path(folder) / "dem.tif"
        write_dem(dem, rng)
        lakes = discs(count, 40, 250, rng)
        outlines = discs(4000, 200, 1500, rng)
        ice = gpd.GeoDataFrame({"rgi_id": range(len(outlines))}, geometry=outlines)
        began = time.perf_counter()
        measures.relief_indicators(lakes, dem, ice)
        relief = time.perf_counter()
        measures.glacier_contact(lakes, ice, 50.0)
        contact = time.perf_counter()
        measures.volumes(lakes.area)
        volumes = time.perf_counter()
    area_km2 = SHAPE[0] * SHAPE[1] * CELL_M**2 / 1e6
    print(f"{count} lakes, {len(ice)} glaciers, DEM of {area_km2:.0f} km2 at {CELL_M:.0f} m")
    print(f"relief   {relief - began:6.1f} s")
    print(f"contact  {contact - relief:6.1f} s")
    print(f"volume   {volumes - contact:6.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.1f} GiB (the DEM made here included)")


if __name__ == "__main__":
    main()
