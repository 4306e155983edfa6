"""Weights of the parts of the area error in ``mapping/uncertainty.py``, and what they give.

    python benchmarks/sigma_weights.py              # development seeds, about half an hour
    python benchmarks/sigma_weights.py --sites 2

The error of each area over its perimeter is the mean shift of its outline. The weights are those
under which, for each sensor and size on the development scenes of ``accuracy.py``, the share of
areas within one and two standard deviations comes nearest to 68 and 95 %. A class counts less the
fewer areas it has. The sensitivity to the level keeps a weight of its own: it is the only part that
tells of shores so gentle as none of these scenes has.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import accuracy
import accuracy_tables
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from shapely.geometry import Polygon

from glacial_lakes.mapping import uncertainty

SIZES = [0, 1e4, 5e4, 1e5, np.inf]
AIMS = {1: (0.68, 0.03), 2: (0.95, 0.015)}
"""Share within so many standard deviations, and how far off it may be."""
ALIKE = 3
"""A lake is seen on several scenes, and its errors resemble each other: so many areas count as
one."""
STARTS = 24
START = (
    uncertainty.LEAST_SHIFT_PX,
    uncertainty.SPREAD_WEIGHT,
    uncertainty.MIXED_WEIGHT,
    uncertainty.DOUBTFUL_WEIGHT,
    uncertainty.LOCAL_SHIFT_PX,
    uncertainty.HIDDEN_WEIGHT,
    uncertainty.WHOLE_PX,
)


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


def shifts_of_site(seed: int, conditions: tuple[accuracy.Condition, ...]) -> pd.DataFrame:
    """Return one row a measured area: its shift in pixels and what its shore is like."""
    rows = []
    for scene, folder, simulated, shores in accuracy.scenes_of_site(seed, conditions):
        with recorded() as notes:
            outlines = accuracy.mapped(scene, folder)
        lakes = accuracy.compared(outlines, simulated, shores).lakes
        lakes = lakes[lakes["hit"] & lakes["area_error"].notna()]
        outline = outlines.iloc[lakes["outline"].astype(int)]
        known = pd.DataFrame(notes).drop_duplicates("planar_area_m2").set_index("planar_area_m2")
        table = known.reindex(outline.area.to_numpy()).reset_index(drop=True)
        pixel, perimeter = scene.grid.resolution, outline["perimeter_m"].to_numpy(dtype=float)
        error = (lakes["area_error"] * lakes["area_m2"]).to_numpy(dtype=float)
        hidden = (1 - outline["observed_fraction"]) * outline["area_m2"]
        table["shift_px"] = error / perimeter / pixel
        table["length_px"] = perimeter / pixel
        table["hidden_px"] = hidden.to_numpy(dtype=float) / perimeter / pixel
        table["area_m2"] = lakes["area_m2"].to_numpy(dtype=float)
        table["sensor"] = scene.sensor
        rows.append(table)
    return pd.concat(rows, ignore_index=True)


def sigma(weights: NDArray[np.float64], rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the standard deviation of shifts, as ``uncertainty`` has it, for other weights."""
    least, spread, mixed, doubtful, local, hidden, whole = np.abs(weights)
    extra = rows["sensitivity"].clip(upper=uncertainty.MOST_SENSITIVITY)
    shared = (
        least
        + spread * rows["spread"]
        + mixed * (rows["mixed"] - uncertainty.LEAST_MIXED).clip(lower=0)
        + uncertainty.SENSITIVITY_WEIGHT * (extra - uncertainty.LEAST_SENSITIVITY).clip(lower=0)
        + doubtful * rows["doubtful"]
    )
    pieces = (rows["length_px"] / uncertainty.CORRELATION_PX).clip(lower=1)
    total = shared**2 + local**2 / pieces + (hidden * rows["hidden_px"]) ** 2
    total += (whole / rows["length_px"]) ** 2
    return np.sqrt(total.to_numpy(dtype=float))


def shares(weights: NDArray[np.float64], rows: pd.DataFrame) -> pd.DataFrame:
    """Return how many areas of each sensor and size lie within one and two deviations."""
    away = (rows["shift_px"] / sigma(weights, rows)).abs()
    family = rows["sensor"].map(accuracy_tables.SENSORS)
    groups = away.groupby([family, pd.cut(rows["area_m2"], SIZES)], observed=True)
    told = {f"within {limit}": groups.apply(lambda z, n=limit: (z <= n).mean()) for limit in AIMS}
    return pd.DataFrame({"areas": groups.size(), **told})


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
    parser.add_argument("--sites", type=int, help="only so many seeds")
    parser.add_argument("--rows", type=Path, help="file for the rows behind the figures")
    options = parser.parse_args()
    jobs = [(seed, accuracy.CONDITIONS) for seed in accuracy.DEVELOPMENT]
    jobs += [(seed, accuracy.LANDSAT) for seed in accuracy.DEVELOPMENT_FOR_LANDSAT]
    with ProcessPoolExecutor(2) as pool:
        sites = pool.map(shifts_of_site, *zip(*jobs[: options.sites], strict=True))
        rows = pd.concat(sites, ignore_index=True).dropna()
    if options.rows:
        rows.to_pickle(options.rows)
    best, in_use = np.array(START), np.array(START)
    for number in range(STARTS):
        start = in_use * np.random.default_rng(number).uniform(0.5, 1.8, len(in_use))
        found = minimize(off, start, (rows,), method="Nelder-Mead", options={"maxiter": 900}).x
        best = min(best, found, key=lambda weights: off(weights, rows))
    print("least, spread, mixed, doubtful, local, hidden, whole:", np.abs(best).round(3))
    for name, weights in (("these weights", best), ("weights in use", in_use)):
        print(f"\n{name}: off by {off(weights, rows):.1f}")
        print(shares(weights, rows).round(3).to_string())


if __name__ == "__main__":
    main()
