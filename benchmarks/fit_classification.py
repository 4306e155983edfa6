"""Fit how sure the classification of candidates is, on development worlds, and judge it on others.

    python benchmarks/fit_classification.py FOLDER                 # fits, rewrites the table
    python benchmarks/fit_classification.py FOLDER --worlds 40 --only-collect
    python benchmarks/fit_classification.py FOLDER --judge         # kept worlds: docs/model_card.md

Worlds are made in FOLDER and kept there, with the candidates that mapping finds in them. A
candidate is a lake when half of its outline is true water. Candidates over lakes that are hidden or
frozen by half tell nothing and are left out.

The model adds one number for each feature, read from bins, and for a few pairs of features; the sum
is the logarithm of the odds. It is a logistic regression with a penalty on the numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
from numpy.typing import NDArray

from glacial_lakes.mapping.pipeline import candidates
from glacial_lakes.scenes import Scene, open_scene
from glacial_lakes.simulate import World, write_world
from glacial_lakes.simulate.worlds import DEVELOPMENT, KEPT

HIDDEN_SHARE = 0.5
TRUE_SHARE = 0.5


def collect(seeds: Iterable[int], folder: Path) -> pd.DataFrame:
    """Return all candidates of some worlds with what is true of them; kept in the folder."""
    tables = []
    for seed in seeds:
        kept = folder / f"{seed}.parquet"
        if not kept.is_file():
            made = write_world(World.of(seed), folder / str(seed))
            images = [
                labelled(open_scene(image.product), image.truth, made.dem).assign(
                    group=image.view.group, number=number
                )
                for number, image in enumerate(made.images)
            ]
            pd.concat(images, ignore_index=True).assign(world=seed).to_parquet(kept)
            print(seed, flush=True)
        tables.append(pd.read_parquet(kept))
    return pd.concat(tables, ignore_index=True)


def labelled(scene: Scene, truth: gpd.GeoDataFrame, dem: Path | None) -> pd.DataFrame:
    """Return the features of the candidates of a scene, and whether each is a lake."""
    truth = truth.to_crs(scene.grid.crs.to_wkt())
    hidden = (truth["observed_fraction"] < HIDDEN_SHARE) | (truth["frozen_fraction"] > HIDDEN_SHARE)
    water, unknown = (_burnt(part, scene) for part in (truth[~hidden], truth[hidden]))
    rows: list[dict[str, Any]] = []
    for found, category, window, body in candidates(scene, dem=dem):
        there = window.toslices()
        if unknown[there][body].mean() > 0.1:
            continue
        share = water[there][body].mean()
        rows.append(
            asdict(found) | {"category": category, "share": share, "pixels": int(body.sum())}
        )
    return pd.DataFrame(rows)


def _burnt(shapes: gpd.GeoDataFrame, scene: Scene) -> NDArray[np.bool_]:
    if shapes.empty:
        return np.zeros(scene.grid.shape, bool)
    burnt = rasterio.features.rasterize(
        shapes.geometry, scene.grid.shape, transform=scene.grid.transform
    )
    return np.asarray(burnt, bool)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--only-collect", action="store_true")
    arguments = parser.parse_args()
    seeds = (KEPT if arguments.judge else DEVELOPMENT)[arguments.first :][: arguments.worlds]
    table = collect(seeds, arguments.folder)
    print(len(table))


if __name__ == "__main__":
    main()
