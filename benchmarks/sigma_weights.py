"""Weights of the parts of the area error in ``glacial_lakes/uncertainty.py``, and what they give.

    python benchmarks/sigma_weights.py              # development seeds, about five minutes
    python benchmarks/sigma_weights.py --sites 2

The error of each area over its perimeter is the mean shift of its outline. The weights are those
under which the shifts on the development scenes of ``accuracy.py`` are most likely (Student's t of
30 degrees of freedom, so that a single wrong outline does not widen all others).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import accuracy
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import t as student
from shapely.geometry import Polygon

from glacial_lakes import uncertainty

FREEDOM = 30
SIZES = [0, 1e4, 5e4, 1e5, np.inf]
START = (
    uncertainty.SPREAD_WEIGHT,
    uncertainty.MIXED_WEIGHT,
    uncertainty.SENSITIVITY_WEIGHT,
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


def shifts_of_site(seed: int) -> pd.DataFrame:
    """Return one row a measured area: its shift in pixels and what its shore is like."""
    rows = []
    for scene, folder, simulated, shores in accuracy.scenes_of_site(seed):
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
    spread, mixed, sensitivity, doubtful, local, hidden, whole = np.abs(weights)
    extra = rows["sensitivity"].clip(upper=uncertainty.MOST_SENSITIVITY)
    shared = (
        spread * rows["spread"]
        + mixed * (rows["mixed"] - uncertainty.LEAST_MIXED).clip(lower=0)
        + sensitivity * (extra - uncertainty.LEAST_SENSITIVITY).clip(lower=0)
        + doubtful * rows["doubtful"]
    )
    pieces = (rows["length_px"] / uncertainty.CORRELATION_PX).clip(lower=1)
    total = shared**2 + local**2 / pieces + (hidden * rows["hidden_px"]) ** 2
    total += (whole / rows["length_px"]) ** 2
    return np.sqrt(total.to_numpy(dtype=float))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sites", type=int, help="only so many seeds")
    parser.add_argument("--rows", type=Path, help="file for the rows behind the figures")
    options = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        sites = pool.map(shifts_of_site, accuracy.DEVELOPMENT[: options.sites])
        rows = pd.concat(sites, ignore_index=True).dropna()
    if options.rows:
        rows.to_pickle(options.rows)

    def unlikely(weights: NDArray[np.float64]) -> float:
        scale = np.maximum(sigma(weights, rows), 1e-3)
        density = student.logpdf(rows["shift_px"] / scale, FREEDOM) - np.log(scale)
        return -float(density.sum())

    best = minimize(unlikely, START, method="Nelder-Mead", options={"maxiter": 5000}).x
    print("spread, mixed, sensitivity, doubtful, local, hidden, whole:", np.abs(best).round(3))
    for name, weights in (("these weights", best), ("weights in use", np.array(START))):
        rows["z"] = (rows["shift_px"] / sigma(weights, rows)).abs()
        groups = rows.groupby(["sensor", pd.cut(rows["area_m2"], SIZES)], observed=True)["z"]
        told = groups.agg(
            areas="size", one=lambda z: (z <= 1).mean(), two=lambda z: (z <= 2).mean()
        )
        print(f"\n{name}: all {(rows['z'] <= 1).mean():.3f} {(rows['z'] <= 2).mean():.3f}")
        print(told.round(3).to_string())


if __name__ == "__main__":
    main()
