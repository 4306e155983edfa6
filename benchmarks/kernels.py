"""How much faster each compiled step is than its plain counterpart, and what compiling costs.

python benchmarks/kernels.py            # two minutes; most of it is the first process
python benchmarks/kernels.py --write    # docs/performance.md as well
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plain_kernels as plain
import shapely
from affine import Affine
from documents import rewrite
from scipy import ndimage

from glacial_lakes import terrain
from glacial_lakes.kernels import (
    contours,
    filters,
    interpolation,
    labels,
    morphology,
    rasterize,
    text,
)
from glacial_lakes.mapping import (
    features,
    indices,
    masks,
    observability,
    pixels,
    rivers,
    seeds,
    slc_gaps,
    uncertainty,
    unmixing,
)
from glacial_lakes.scenes import raster, sensors
from glacial_lakes.scenes.raster import Band

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs/performance.md"
MARKS = ("<!-- kernels -->", "<!-- end of kernels -->")
WINDOWS = (30, 60)
SCENE = 2000
BANDS = 4
SHORTEST_S, ROUNDS = 0.05, 5

Step = Callable[[], Any]
Steps = dict[str, tuple[Step, Step]]

FIRST = """
import sys, time
began = time.perf_counter()
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import open_scene
imported = time.perf_counter()
scene, dem, glaciers = sys.argv[1:]
map_lakes(open_scene(scene), dem=dem, glaciers=glaciers)
print(time.perf_counter() - imported, time.process_time())
"""


def seconds(step: Step) -> float:
    """Return the shortest time of a call in some rounds of many."""
    step()
    began = time.perf_counter()
    step()
    calls = max(1, int(SHORTEST_S / max(time.perf_counter() - began, 1e-7)))
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(calls):
            step()
        rounds.append((time.perf_counter() - began) / calls)
    return min(rounds)


def of_candidate(size: int) -> Steps:
    """Return the steps on the window of a lake that fills a fifth of it."""
    rng = np.random.default_rng(1)
    rows, cols = np.indices((size, size)) - size / 2
    wobble = ndimage.gaussian_filter(rng.standard_normal((size, size)), 2)
    cover = np.clip(size / 4 + 6 * wobble - np.hypot(rows, cols), 0, 1)
    cover = ndimage.gaussian_filter(cover, 0.7).astype("float32")
    lake = cover > 0.45
    wet, dry = rng.uniform((0.02, 0.15), (0.1, 0.4), (BANDS, 2)).T[:, :, None, None]
    bands = cover * wet + (1 - cover) * dry + rng.normal(0, 0.01, (BANDS, size, size))
    bands = bands.astype("float32")
    none, full = np.zeros_like(lake), np.ones_like(lake)
    slope, flags = np.full((size, size), 3, "float32"), np.zeros((size, size), np.uint8)
    blur = sensors.blur_px(10.0)
    found = unmixing.unmix(bands, lake, none, full)
    assert found is not None
    fields = np.ascontiguousarray(np.moveaxis(bands, 0, 2))
    sigma, reach = unmixing.SMOOTH_PX, unmixing.SMOOTH_REACH
    weights = filters.gaussian_weights(sigma, reach)
    polygon = shapely.buffer(shapely.Point(size / 2, size / 2), size / 4)
    water_index = indices.ndwi_or_zero(bands[1], bands[3])
    shore = cover, 0.5, lake, full, none, found.core, found.ground, polygon.length
    medians = bands[1], bands[3], slope, slope, slope, flags, lake, found.core, found.shore
    seen = (
        lake, bands[1], bands[3], flags, none, full, none, slope, flags + np.uint8(1),
        found.ground, found.core, found.shore, 0.5, -0.2, 3, 10, 3, True,
    )  # fmt: skip
    return {
        "distance to a mask": (
            lambda: morphology.distance_to(lake, 6.0),
            lambda: plain.distance_to(lake, 6.0),
        ),
        "dilation": (lambda: morphology.dilate(lake, 3), lambda: plain.dilate(lake, 3)),
        "Gaussian means of 4 bands": (
            lambda: filters.smooth(fields, weights),
            lambda: plain.smooth(fields, sigma, reach),
        ),
        "finer pixels": (
            lambda: interpolation.upsample(cover, 4),
            lambda: plain.upsample(cover, 4),
        ),
        "median in a mask": (
            lambda: filters.median_of(cover, lake),
            lambda: plain.median_of(cover, lake),
        ),
        "labels": (lambda: labels.connected(lake, len(lake), 0), lambda: plain.connected(lake)),
        "pixels in a polygon": (
            lambda: rasterize.pixels_inside(polygon, Affine.identity(), lake.shape),
            lambda: plain.inside_of(polygon, lake.shape),
        ),
        "contour lines": (
            lambda: contours.contour_lines(cover, 0.5),
            lambda: plain.contour_lines(cover, 0.5),
        ),
        "water fraction": (
            lambda: unmixing.unmix(bands, lake, none, full),
            lambda: plain.unmix(bands, lake, none, full, blur),
        ),
        "conserving level": (
            lambda: unmixing.conserving_level(cover, full, lake),
            lambda: plain.conserving_level(cover, full, lake),
        ),
        "error along the shore": (
            lambda: uncertainty._along_shore(*shore),
            lambda: plain.along_shore(*shore),
        ),
        "evidence": (lambda: features._medians(*medians), lambda: plain.medians(*medians)),
        "observed fraction": (
            lambda: observability._observed(*seen),
            lambda: plain.observed(*seen),
        ),
        "line of a river": (
            lambda: rivers.river_trace(water_index, lake, full, 0.1, 5),
            lambda: plain.river_trace(water_index, lake, full, 0.1, 5),
        ),
    }


def of_scene(size: int) -> Steps:
    """Return the steps on all pixels of a scene."""
    rng = np.random.default_rng(1)
    shape = size, size
    blue, green, red, nir, swir1 = rng.uniform(0, 0.5, (5, *shape)).astype("float32")
    flags = rng.choice([0, 0, 0, 4, 32], shape).astype(np.uint8)
    cloud = ndimage.zoom(rng.random((size // 50, size // 50)), 50, order=1) > 0.7
    rows, cols = rng.integers(0, size, (2, 300))
    gaps = np.indices(shape).sum(0) % 150 < 9
    numbers = rng.integers(0, 10_000, shape).astype("uint16")
    band = Band("", "GTiff", 1, 1e-4, -0.1, 0.0, 10.0)
    half = np.ascontiguousarray(green[: size // 2 + 2, : size // 2 + 2])
    hills = ndimage.zoom(rng.random((size // 50, size // 50)), 50, order=3) * 3000
    hills = hills.astype("float32")
    gradient = terrain.horn_gradient(hills, 30.0)
    target, source = Affine(10, 0, 0, 0, -10, 0), Affine(30, 0, -90, 0, -30, 90)
    vertices = rng.uniform(0, 90, (size**2 // 100, 2))
    sun = 150.0, 40.0
    return {
        "reflectance": (
            lambda: raster.to_reflectance(band, numbers),
            lambda: plain.to_reflectance(numbers, band.scale, band.offset, band.nodata),
        ),
        "20 m to 10 m": (
            lambda: interpolation.bilinear(half, 2, (0, 0), shape),
            lambda: plain.bilinear(half, 2, (0, 0), shape),
        ),
        "seeds": (
            lambda: seeds._water_seeds(blue, green, red, nir, swir1, cloud),
            lambda: plain.candidates(blue, green, red, nir, swir1, cloud),
        ),
        "cloud": (
            lambda: masks._cloud(green, nir, swir1, flags),
            lambda: plain.is_cloud(green, nir, swir1, flags),
        ),
        "water under a flag": (
            lambda: masks._shows_water(blue, green, red, nir, swir1),
            lambda: plain.shows_water(blue, green, red, nir, swir1),
        ),
        "snow and ice": (
            lambda: masks._snow_or_ice(blue, green, red, nir, swir1),
            lambda: plain.is_snow_or_ice(blue, green, red, nir, swir1),
        ),
        "gaps": (
            lambda: slc_gaps.bridge_gaps(green.copy(), gaps, 0),
            lambda: plain.bridge_gaps(green, gaps, 0),
        ),
        "terrain flags": (
            lambda: masks.terrain_flags(green, nir),
            lambda: plain.terrain_flags(green, nir),
        ),
        "states": (
            lambda: pixels._ground_states(flags, cloud, cloud),
            lambda: plain.ground_states(flags, cloud, cloud),
        ),
        "labels": (
            lambda: labels.connected(cloud, len(cloud), 0),
            lambda: plain.connected(cloud),
        ),
        "reach of shadows": (
            lambda: masks.reach_fraction(cloud, rows, cols, 10.0, *sun),
            lambda: plain.shadow_reach(cloud, 10.0, *sun),
        ),
        "DEM on the scene": (
            lambda: interpolation.sample(hills, source, target, shape),
            lambda: plain.sample(hills, source, target, shape),
        ),
        "vertices as text, one for 100 pixels": (
            lambda: text.written(vertices, "", ",", " "),
            lambda: plain.ring_texts(vertices),
        ),
        "gradient": (
            lambda: terrain.horn_gradient(hills, 30.0),
            lambda: plain.horn_gradient(hills, 30.0),
        ),
        "light": (
            lambda: terrain.illumination(gradient, *sun),
            lambda: plain.illumination(gradient, *sun),
        ),
        "cast shadow": (
            lambda: terrain.cast_shadow(hills, 30.0, *sun),
            lambda: plain.cast_shadow(hills, 30.0, *sun),
        ),
    }


def table(sizes: dict[int, Steps]) -> str:
    """Return the times of both versions of each step."""
    lines = [
        "| step | pixels | plain | compiled | times faster |",
        "| --- | --- | --- | --- | --- |",
    ]
    for size, steps in sizes.items():
        for name, (compiled, plainly) in steps.items():
            slow, fast = seconds(plainly), seconds(compiled)
            lines.append(
                f"| {name} | {size} × {size} | {told(slow)} | {told(fast)} | {slow / fast:.1f} |"
            )
    return "\n".join(lines)


def told(value_s: float) -> str:
    """Return a time in a unit that suits it."""
    return f"{value_s * 1e3:.1f} ms" if value_s >= 1e-3 else f"{value_s * 1e6:.0f} µs"


def starts() -> str:
    """Return what the first and the second process on a machine take for a sample scene."""
    sample = ROOT / "sample_data"
    scene = min((sample / "scenes").glob("S2A*"))
    lines = ["| process | first scene, wall s | whole process, CPU s |", "| --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as cache:
        for name in ("first: compiles", "second: finds what was compiled"):
            said = subprocess.run(
                [sys.executable, "-c", FIRST, scene, sample / "dem.tif", sample / "glaciers.gpkg"],
                env=os.environ | {"NUMBA_CACHE_DIR": cache},
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            wall, cpu = (float(word) for word in said.split())
            lines.append(f"| {name} | {wall:.1f} | {cpu:.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance.md")
    options = parser.parse_args()
    sizes = {size: of_candidate(size) for size in WINDOWS} | {SCENE: of_scene(SCENE)}
    text = f"{starts()}\n\n{table(sizes)}"
    print(text)
    if options.write:
        rewrite(DOCUMENT, text, MARKS)


if __name__ == "__main__":
    main()
