"""Weights of the parts of the area error in ``mapping/uncertainty.py``, and what they give.

    python benchmarks/sigma_weights.py FOLDER
    python benchmarks/sigma_weights.py FOLDER --worlds 2

The error of each area over its perimeter is the mean shift of its outline. The weights are those
under which, on development worlds that are made in FOLDER and kept there, the share of areas within
one and two standard deviations comes nearest to 68 and 95 % for each sensor and length, for low
and high noise, and where unmixing explains the shore or does not. A class counts less the fewer
areas it has. The sensitivity to the level keeps a weight of its own: it is the only part that tells
of shores so gentle as none of these images has. Lakes with floes are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import accuracy_tables
import accuracy_worlds
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from shapely.geometry import Polygon

from glacial_lakes.mapping import uncertainty
from glacial_lakes.scenes import open_scene
from glacial_lakes.simulate.worlds import World, write_world

LENGTHS = [0, 13, 20, 44, 95, np.inf]
"""Of outlines, in pixels."""
MIXED = [0, 0.9, 1.2, 1.5, np.inf]
"""Mixed pixels per pixel of shore."""
FEW_APART_PX = 3
AIMS = {1: (0.68, 0.03), 2: (0.95, 0.015)}
"""Share within so many standard deviations, and how far off it may be."""
ALIKE = 3
"""A lake is seen on several scenes, and its errors resemble each other: so many areas count as
one."""
STARTS = 8
START = (
    uncertainty.LEAST_SHIFT_PX,
    uncertainty.SPREAD_WEIGHT,
    uncertainty.MIXED_WEIGHT,
    uncertainty.DOUBTFUL_WEIGHT,
    uncertainty.LOCAL_SHIFT_PX,
    uncertainty.HIDDEN_WEIGHT,
    uncertainty.WHOLE_PX,
    uncertainty.UNEXPLAINED_WEIGHT,
    uncertainty.NOISE_WEIGHT,
    uncertainty.UNLIKE_WEIGHT,
    uncertainty.UNMIXED_WEIGHT,
    uncertainty.APART_WEIGHT,
)
SEEDS = (20_500, 20_501, 20_502, 20_504, *range(20_700, 20_710), 20_711)
"""Of the worlds whose areas the weights in use were fitted to."""


@contextmanager
def recorded() -> Iterator[list[dict[str, float]]]:
    """Note what mapping measures along each shore, with the length of the outline."""
    notes: list[dict[str, float]] = []
    measure = uncertainty.measure_shore

    def noted(fraction, level, polygon: Polygon, *rest, **more) -> uncertainty.Shore:  # type: ignore[no-untyped-def]
        shore = measure(fraction, level, polygon, *rest, **more)
        notes.append(asdict(shore) | {"planar_area_m2": polygon.area})
        return shore

    uncertainty.measure_shore = noted
    try:
        yield notes
    finally:
        uncertainty.measure_shore = measure


def shifts_of_world(seed: int, folder: Path) -> pd.DataFrame:
    """Return one row a measured area: its shift in pixels and what its shore is like."""
    rows = []
    written = write_world(World.of(seed), folder / f"{seed}")
    for image in written.images:
        with recorded() as notes:
            outlines = accuracy_worlds.outlines_of(written, image, None)
        lakes, _ = accuracy_worlds.compared(outlines, image, seed, accuracy_worlds.frame_of(image))
        lakes = lakes[
            lakes["hit"] & lakes["area_error"].notna() & (lakes["frozen_fraction"] < 0.01)
        ]
        outline = outlines.iloc[lakes["outline"].astype(int)]
        known = pd.DataFrame(notes).drop_duplicates("planar_area_m2").set_index("planar_area_m2")
        table = known.reindex(outline.area.to_numpy()).reset_index(drop=True)
        scene = open_scene(image.product)
        pixel, perimeter = scene.grid.resolution, outline["perimeter_m"].to_numpy(dtype=float)
        error = (lakes["area_error"] * lakes["area_m2"]).to_numpy(dtype=float)
        hidden = (1 - outline["observed_fraction"]) * outline["area_m2"]
        table["shift_px"] = error / perimeter / pixel
        table["length_px"] = perimeter / pixel
        table["hidden_px"] = hidden.to_numpy(dtype=float) / perimeter / pixel
        table["sensor"] = scene.sensor
        rows.append(table)
    return pd.concat(rows, ignore_index=True)


def sigma(weights: NDArray[np.float64], rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the standard deviation of shifts, as ``uncertainty`` has it, for other weights."""
    least, spread, mixed, doubtful, local, hidden, whole, lacking, *further = np.abs(weights)
    noise, unlike, unmixed, apart = further
    extra = rows["sensitivity"].clip(upper=uncertainty.MOST_SENSITIVITY)
    shared = (
        least
        + spread * rows["spread"]
        + mixed * (rows["mixed"] - uncertainty.LEAST_MIXED).clip(lower=0)
        + unmixed * (uncertainty.LEAST_BLURRED - rows["mixed"]).clip(0, uncertainty.MOST_UNMIXED)
        + uncertainty.SENSITIVITY_WEIGHT * (extra - uncertainty.LEAST_SENSITIVITY).clip(lower=0)
        + doubtful * rows["doubtful"]
        + lacking * rows["unexplained"]
        + noise * rows["noise"]
        + unlike * rows["unlike"]
    )
    pieces = (rows["length_px"] / uncertainty.CORRELATION_PX).clip(lower=1)
    total = shared**2 + local**2 / pieces + (hidden * rows["hidden_px"]) ** 2
    total += (whole / rows["length_px"]) ** 2 + (apart * rows["apart_px"] / rows["length_px"]) ** 2
    return np.sqrt(total.to_numpy(dtype=float))


def shares(weights: NDArray[np.float64], rows: pd.DataFrame) -> pd.DataFrame:
    """Return how many areas of each class lie within one and two deviations."""
    away = (rows["shift_px"] / sigma(weights, rows)).abs()
    family = rows["sensor"].map(accuracy_tables.SENSORS).str.partition(" ")[0]
    length = pd.cut(rows["length_px"], LENGTHS).astype(str)
    noise = pd.qcut(rows["noise"], 4, labels=False)
    classes = [
        family + ", length " + length,
        "noise, quarter " + noise.astype(str),
        "unexplained " + (rows["unexplained"] > 0).astype(str),
        "unlike, quarter " + pd.qcut(rows["unlike"], 4, labels=False).astype(str),
        "mixed " + pd.cut(rows["mixed"], MIXED).astype(str),
        "apart " + (rows["apart_px"] > FEW_APART_PX).astype(str),
    ]
    parts = []
    for own in classes:
        groups = away.groupby(own)
        told = {
            f"within {limit}": groups.apply(lambda z, n=limit: (z <= n).mean()) for limit in AIMS
        }
        parts.append(pd.DataFrame({"areas": groups.size(), **told}))
    return pd.concat(parts)


def off(weights: NDArray[np.float64], rows: pd.DataFrame) -> float:
    """Return how far the shares are from what is aimed at."""
    told = shares(weights, rows)
    total = 0.0
    for limit, (aim, tolerance) in AIMS.items():
        chance = aim * (1 - aim) / (told["areas"] / ALIKE)
        total += float(((told[f"within {limit}"] - aim) ** 2 / (tolerance**2 + chance)).sum())
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worlds", type=int, default=len(SEEDS), help="how many")
    parser.add_argument("--rows", type=Path, help="file for the rows behind the figures")
    options = parser.parse_args()
    seeds = SEEDS[: options.worlds]
    with ProcessPoolExecutor(2) as pool:
        worlds = pool.map(partial(shifts_of_world, folder=options.folder), seeds)
        rows = pd.concat(worlds, ignore_index=True).dropna()
    if options.rows:
        rows.to_pickle(options.rows)
    best, in_use = np.array(START), np.array(START)
    for number in range(STARTS):
        start = in_use * np.random.default_rng(number).uniform(0.5, 1.8, len(in_use))
        found = minimize(off, start, (rows,), method="Nelder-Mead", options={"maxiter": 900}).x
        best = min(best, found, key=lambda weights: off(weights, rows))
    print("least, spread, mixed, doubtful, local, hidden, whole, unexplained, noise,")
    print("unlike, unmixed, apart:")
    print(np.abs(best).round(3))
    for name, weights in (("these weights", best), ("weights in use", in_use)):
        print(f"\n{name}: off by {off(weights, rows):.1f}")
        print(shares(weights, rows).round(3).to_string())


if __name__ == "__main__":
    main()
