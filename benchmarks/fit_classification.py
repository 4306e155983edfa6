"""Fit how sure the classification of candidates is, on development worlds, and judge it on others.

    python benchmarks/fit_classification.py FOLDER                 # fits, rewrites the table
    python benchmarks/fit_classification.py FOLDER --judge         # kept worlds: docs/model_card.md

Worlds are made in FOLDER and kept there, with the candidates that mapping finds in them. Those that
are fitted are mapped with their elevation model and once more without. A candidate is a lake when
half of its outline is true water. Candidates over lakes that are hidden or frozen by half tell
nothing and are left out.

The model adds one number for each feature, read from bins, and for a few pairs of features; the sum
is the logarithm of the odds. It is a logistic regression with a penalty on the numbers.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
from accuracy_tables import table as markdown
from documents import rewrite
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from glacial_lakes.mapping.classification import by_rules, classify
from glacial_lakes.mapping.features import Features
from glacial_lakes.mapping.pipeline import candidates
from glacial_lakes.mapping.probability import TABLE, described, lake_prob
from glacial_lakes.scenes import Scene, open_scene
from glacial_lakes.settings import MappingSettings
from glacial_lakes.simulate import World, write_world
from glacial_lakes.simulate.worlds import KEPT

DEVELOPMENT = range(20701, 20764)
HIDDEN_SHARE = 0.5
TRUE_SHARE = 0.5
MOST_UNKNOWN = 0.1
BINS = 15
FEATURES = [field.name for field in fields(Features)]
DOCUMENT = Path(__file__).parents[1] / "docs" / "model_card.md"


def collect(seeds: Iterable[int], folder: Path, *, is_bare: bool = False) -> pd.DataFrame:
    """Return all candidates of some worlds with what is true of them; kept in the folder.

    What is bare is mapped without the elevation model of the world.
    """
    tables = []
    for seed in seeds:
        kept = folder / f"{seed}{'_bare' if is_bare else ''}.parquet"
        if not kept.is_file():
            made = write_world(World.of(seed), folder / str(seed))
            dem = None if is_bare else made.dem
            images = [
                labelled(open_scene(image.product), image.truth, dem).assign(
                    group=image.view.group, number=number
                )
                for number, image in enumerate(made.images)
            ]
            pd.concat(images, ignore_index=True).assign(world=seed).to_parquet(kept)
            print(seed, flush=True)
        tables.append(pd.read_parquet(kept))
    table = pd.concat(tables, ignore_index=True)
    # The rules as they are now: what is kept holds those of the day on which it was made.
    return table.assign(category=[by_rules(features) for features in _features(table)])


def _features(table: pd.DataFrame) -> list[Features]:
    return [Features(**row) for row in table[FEATURES].to_dict("records")]


def labelled(scene: Scene, truth: gpd.GeoDataFrame, dem: Path | None) -> pd.DataFrame:
    """Return the features of the candidates of a scene, and whether each is a lake."""
    truth = truth.to_crs(scene.grid.crs.to_wkt())
    hidden = (truth["observed_fraction"] < HIDDEN_SHARE) | (truth["frozen_fraction"] > HIDDEN_SHARE)
    water, unknown = (_burnt(part, scene) for part in (truth[~hidden], truth[hidden]))
    rows: list[dict[str, Any]] = []
    for one in candidates(scene, dem=dem):
        there, body = one.window.toslices(), one.body
        if unknown[there][body].mean() > MOST_UNKNOWN:
            continue
        share = water[there][body].mean()
        rows.append(asdict(one.features) | {"share": share, "pixels": int(body.sum())})
    return pd.DataFrame(rows)


def _burnt(shapes: gpd.GeoDataFrame, scene: Scene) -> NDArray[np.bool_]:
    if shapes.empty:
        return np.zeros(scene.grid.shape, bool)
    burnt = rasterio.features.rasterize(
        shapes.geometry, scene.grid.shape, transform=scene.grid.transform
    )
    return np.asarray(burnt, bool)


EDGES: dict[str, tuple[float, ...]] = {
    "ndwi": (-0.2, -0.05, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.75, 0.9),
    "contrast": (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    "shore_ndwi": (-0.5, -0.35, -0.25, -0.15, -0.05, 0.0, 0.05, 0.1, 0.2),
    "green": (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3),
    "nir": (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.16),
    "swir1": (0.003, 0.006, 0.01, 0.02, 0.04, 0.07, 0.1),
    "green_ratio": (0.15, 0.25, 0.35, 0.45, 0.6, 0.75, 0.9, 1.1, 1.4, 2.0),
    "nir_ratio": (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9),
    "blueness": (1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0),
    "tint": (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1, 1.3),
    "separation": (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0),
    "illumination": (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0, 1.1),
    "slope": (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0),
    "sun": (25.0, 35.0, 45.0, 55.0),
    "shadow": (0.05, 0.2, 0.5, 0.8),
    "reach": (0.05, 0.5),
    "haze": (0.05, 0.3, 0.7),
    "width": (1.3, 1.6, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0),
    "elongation": (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0),
    "evenness": (1.0, 1.2, 1.5, 1.8, 2.2, 3.0),
    "trace": (5.0, 12.0, 25.0, 50.0),
    "rules": (1.0, 2.0, 3.0, 4.0),
}
"""Bins of each feature, at round numbers."""
PAIRS: dict[tuple[str, str], tuple[tuple[float, ...], tuple[float, ...]]] = {
    ("illumination", "slope"): ((0.2, 0.35, 0.5, 0.8, 1.0), (2.0, 4.0, 8.0, 15.0, 25.0)),
    ("contrast", "blueness"): ((0.15, 0.25, 0.35, 0.5, 0.7), (1.4, 2.0, 3.0, 5.0)),
    ("ndwi", "shore_ndwi"): ((0.1, 0.2, 0.3, 0.4, 0.6), (-0.35, -0.2, -0.1, 0.0, 0.1)),
    ("slope", "contrast"): ((2.0, 5.0, 10.0, 20.0), (0.15, 0.25, 0.4, 0.6)),
    ("trace", "elongation"): ((5.0, 25.0), (3.0, 5.0, 8.0)),
    ("green_ratio", "nir_ratio"): ((0.3, 0.5, 0.7, 1.0, 1.4), (0.1, 0.2, 0.35, 0.6)),
    ("sun", "illumination"): ((35.0, 45.0), (0.35, 0.65, 0.9)),
    ("ndwi", "green"): ((0.15, 0.25, 0.4, 0.6), (0.02, 0.05, 0.1, 0.17)),
}
"""Features whose meaning depends on one another, with their bins."""
PENALTY = 10.0
"""Weight of the squared numbers, chosen by leaving out a quarter of the development worlds in
turn."""


def fitted(table: pd.DataFrame, worlds: str) -> dict[str, Any]:
    """Return the model of some candidates: the numbers that make them likeliest, with a penalty."""
    pairs = zip(_features(table), table["category"], strict=True)
    found = pd.DataFrame([described(features, rules) for features, rules in pairs])
    terms = [((name,), (edges,)) for name, edges in EDGES.items()]
    terms += list(PAIRS.items())
    columns, sizes = [], []
    for names, edges in terms:
        place = np.zeros(len(found), int)
        for name, own in zip(names, edges, strict=True):
            values = found[name].to_numpy(float)
            number = np.where(np.isnan(values), len(own) + 1, np.searchsorted(own, values, "right"))
            place = place * (len(own) + 2) + number
        columns.append(place)
        sizes.append(math.prod(len(own) + 2 for own in edges))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rows = np.repeat(np.arange(len(found)), len(columns))
    cols = (np.stack(columns, 1) + starts[:-1]).ravel()
    design = csr_matrix((np.ones(len(rows)), (rows, cols)), (len(found), int(starts[-1])))
    is_lake = (table["share"] >= TRUE_SHARE).to_numpy(float)

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = design @ weights[1:] + weights[0]
        off = 1 / (1 + np.exp(-odds)) - is_lake
        value = (np.logaddexp(0, odds) - is_lake * odds).sum() + PENALTY / 2 * (
            weights[1:] @ weights[1:]
        )
        return value, np.concatenate([[off.sum()], design.T @ off + PENALTY * weights[1:]])

    best = minimize(cost, np.zeros(int(starts[-1]) + 1), jac=True, method="L-BFGS-B").x
    bias, written = best[0], []
    for (names, edges), start, size, place in zip(terms, starts, sizes, columns, strict=False):
        values = best[1 + start : 1 + start + size]
        middle = values[place].mean()  # so that each number tells what is unusual
        bias += middle
        seen = np.bincount(place, minlength=size) > 0
        shown = np.where(seen, values - middle, 0.0).round(3) + 0.0
        written.append({"features": names, "edges": edges, "values": shown.tolist()})
    return {"form": 1, "fitted_on": worlds, "bias": round(float(bias), 3), "terms": written}


def write(model: dict[str, Any], path: Path) -> None:
    """Write a model as JSON, one term a line."""
    terms = ",\n  ".join(json.dumps(term) for term in model["terms"])
    head = ", ".join(f"{json.dumps(key)}: {json.dumps(model[key])}" for key in list(model)[:3])
    path.write_text(f'{{{head}, "terms": [\n  {terms}\n]}}\n', "utf-8")


def calibration(prob: NDArray[np.float64], is_lake: NDArray[np.bool_]) -> dict[str, float]:
    """Return expected calibration error over bins of equal mass, Brier skill, and counts."""
    order = np.argsort(prob, kind="stable")
    parts = np.array_split(order, BINS)
    error = sum(abs(prob[part].mean() - is_lake[part].mean()) * len(part) for part in parts)
    brier, base = ((prob - is_lake) ** 2).mean(), ((is_lake.mean() - is_lake) ** 2).mean()
    return {
        "candidates": len(prob),
        "lakes": int(is_lake.sum()),
        "calibration error": round(error / len(prob), 4),
        "Brier skill": round(1 - brier / base, 3),
    }


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Return how well the probabilities of the package hold, by group of images."""
    prob, decided = [], []
    for features, rules in zip(_features(table), table["category"], strict=True):
        prob.append(lake_prob(features, rules)[0])
        decided.append(classify(features, MappingSettings().min_lake_prob) == "lake")
    table = table.assign(prob=prob, decided=decided, is_lake=table["share"] >= TRUE_SHARE)
    rows = {}
    for name, part in [("all", table), *table.groupby("group")]:
        row = calibration(part["prob"].to_numpy(), part["is_lake"].to_numpy())
        for how, taken in (
            ("rules", part["category"] == "lake"),
            ("rules and probability", part["decided"]),
        ):
            true = (taken & part["is_lake"]).sum()
            row[f"F1, {how}"] = round(2 * true / (taken.sum() + part["is_lake"].sum()), 3)
        rows[name] = row
    return pd.DataFrame(rows).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0, help="number of the first world")
    parser.add_argument("--worlds", type=int, default=63, help="how many")
    parser.add_argument("--judge", action="store_true", help="on kept worlds, instead of fitting")
    arguments = parser.parse_args()
    seeds = (KEPT if arguments.judge else DEVELOPMENT)[arguments.first :][: arguments.worlds]
    table = collect(seeds, arguments.folder)
    worlds = f"worlds {seeds[0]} to {seeds[-1]}"
    if not arguments.judge:
        bare = collect(seeds, arguments.folder, is_bare=True)
        both = pd.concat([table, bare], ignore_index=True)
        write(fitted(both, f"{worlds}, with and without DEM"), TABLE)
        return
    result = judged(table)
    print(result.to_string())
    lines = [f"{len(seeds)} kept worlds ({worlds}), {len(table)} candidates.", ""]
    rows = [
        [name, *(f"{value:g}" for value in row)]
        for name, row in zip(result.index, result.to_numpy(), strict=True)
    ]
    lines.append(markdown(["images", *result.columns], rows))
    rewrite(DOCUMENT, "\n".join(lines))


if __name__ == "__main__":
    main()
