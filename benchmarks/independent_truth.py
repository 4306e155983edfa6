"""Mapping against scenes of an independent simulator with known truth.

    GLACIAL_LAKES_DATA=… python benchmarks/independent_truth.py
    GLACIAL_LAKES_DATA=… python benchmarks/independent_truth.py --errors

Prints for each scene how many lakes are found and how well their areas agree. Lakes smaller than
1000 m² (Sentinel-2) or 10 000 m² (Landsat) are left out. ``--errors`` lists every missed lake and
every false outline from 0.01 km² on, with what the truth says of the place and what was mapped
there. Identities and events are the matter of ``tracking.py``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from accuracy_tables import table
from rasterio.features import geometry_mask
from rasterio.mask import mask

from glacial_lakes.coverage import Coverage, State
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import discover
from glacial_lakes.validation.validate import validate

SMALLEST_M2 = {"S": 1_000.0, "L": 10_000.0}
CLASSES = ("no data", "lake", "river", "cloud", "cloud shadow", "terrain shadow", "snow", "ice")
CLASSES += ("plants", "rock", "frozen lake")
LARGE_M2 = 10_000.0
LEAST_SHARE = 0.1


def accuracy(folder: Path) -> tuple[list[MappedScene], pd.DataFrame]:
    """Map all scenes of a folder and compare each with its truth."""
    outlines, rows = [], {}
    for scene in discover([folder]):
        truth = gpd.read_file(folder / "truth.gpkg", layer=f"{scene.acquired:%Y-%m-%d}")
        mapped = map_lakes(scene, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg")
        outlines.append(mapped)
        result = validate(mapped.outlines, truth, min_area_m2=SMALLEST_M2[scene.sensor[0]])
        large = validate(mapped.outlines, truth, min_area_m2=LARGE_M2)
        rows[f"{scene.sensor} {scene.acquired:%Y-%m-%d}"] = {
            **result.to_frame().loc["all", ["lakes", "precision", "recall", "f1"]],
            **large.to_frame().loc["all", ["area_error", "area_error_abs"]].add_suffix("_1ha"),
        }
    return outlines, pd.DataFrame(rows).T


def causes(scene: MappedScene, folder: Path) -> list[dict[str, Any]]:
    """Return what is there and what was mapped, for each missed lake and each false outline."""
    mapped, coverage = scene.outlines, scene.coverage
    assert isinstance(coverage, Coverage)
    date = f"{coverage.acquired:%Y-%m-%d}"
    truth = gpd.read_file(folder / "truth.gpkg", layer=date).to_crs(mapped.crs)
    result = validate(mapped, truth, min_area_m2=LARGE_M2)
    states, grid = coverage.states(), coverage.grid
    rows = []
    missed = result.lakes["counted"] & ~result.lakes["hit"]
    for _, lake in truth.loc[missed[missed].index].iterrows():
        inside = geometry_mask([lake.geometry], grid.shape, grid.transform, invert=True)
        seen_as = np.bincount(states[inside], minlength=len(State)) / max(1, inside.sum())
        drawn = mapped[mapped.intersects(lake.geometry)]
        rows.append(
            {
                "date": date,
                "missed": lake["lake_id"],
                "area_m2": round(lake["area_m2"]),
                "truth": f"{lake['lake_type']}, {lake['water']}"
                + (f", cloud {lake['cloud_fraction']:.0%}" if lake["cloud_fraction"] else "")
                + (", in shadow" if lake["in_shadow"] else ""),
                "mapped as": ", ".join(
                    f"{state.name.lower()} {seen_as[state]:.0%}"
                    for state in State
                    if seen_as[state] >= LEAST_SHARE
                ),
                "outline": " ".join(drawn["status"]),
            }
        )
    claimed = result.outlines["counted"] & ~result.outlines["true"]
    false = mapped.loc[claimed[claimed].index]
    with rasterio.open(folder / f"classes_{date}.tif") as file:
        for outline in false.to_crs(file.crs).itertuples():
            classes, _ = mask(file, [outline.geometry], crop=True, nodata=255)
            share = np.bincount(classes[classes < len(CLASSES)], minlength=len(CLASSES))
            rows.append(
                {
                    "date": date,
                    "missed": "false",
                    "area_m2": round(outline.geometry.area),
                    "truth": CLASSES[int(share.argmax())],
                    "mapped as": "lake",
                    "outline": outline.status,
                }
            )
    return rows


def main() -> None:
    root = Path(os.environ["GLACIAL_LAKES_DATA"]) / "independent_truth"
    first, clear = accuracy(root / "clear_summer")
    outlines, series = accuracy(root / "series")
    if "--errors" in sys.argv:
        folders = [(one, root / "clear_summer") for one in first]
        folders += [(one, root / "series") for one in outlines]
        rows = [row for mapped, folder in folders for row in causes(mapped, folder)]
        print(table(rows[0], [[str(value) for value in row.values()] for row in rows]))
        return
    print(pd.concat([clear, series]).astype(float).round(3).to_string())


if __name__ == "__main__":
    main()
