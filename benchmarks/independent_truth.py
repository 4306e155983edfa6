"""Mapping and tracking against scenes of an independent simulator with known truth.

    GLACIAL_LAKES_DATA=… python benchmarks/independent_truth.py

Prints for each scene how many lakes are found and how well their areas agree, then for the series
which events were found and how many hidden lakes were reported as shrunk. Lakes smaller than
1000 m² (Sentinel-2) or 10 000 m² (Landsat) are left out of the first table.
"""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes.inventory import Inventory, track
from glacial_lakes.mapping import map_lakes
from glacial_lakes.scenes import discover
from glacial_lakes.validation import validate

SMALLEST_M2 = {"S": 1_000.0, "L": 10_000.0}
EVENTS = {
    "appearance": "appeared",
    "drainage": "drained",
    "disappearance": "drained",
    "split": "split",
    "merge": "merged",
}
"""Names of the truth's events in ours."""
SHRUNK = 0.85
"""A hidden lake counts as reported shrunk when its area is below this share of the truth."""


def accuracy(folder: Path) -> tuple[list[gpd.GeoDataFrame], pd.DataFrame]:
    """Map all scenes of a folder and compare each with its truth."""
    outlines, rows = [], {}
    for scene in discover([folder]):
        truth = gpd.read_file(folder / "truth.gpkg", layer=f"{scene.acquired:%Y-%m-%d}")
        mapped = map_lakes(scene, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg")
        outlines.append(mapped)
        result = validate(mapped, truth, min_area_m2=SMALLEST_M2[scene.sensor[0]])
        large = validate(mapped, truth, min_area_m2=10_000.0)
        rows[f"{scene.sensor} {scene.acquired:%Y-%m-%d}"] = {
            **result.to_frame().loc["all", ["lakes", "precision", "recall", "f1"]],
            **large.to_frame().loc["all", ["area_error", "area_error_abs"]].add_suffix("_1ha"),
        }
    return outlines, pd.DataFrame(rows).T


def true_ids(inventory: Inventory, folder: Path) -> dict[str, set[str]]:
    """Return for each lake of the inventory the true lakes that its outlines overlap most."""
    names: dict[str, set[str]] = {}
    for acquired, found in inventory.outlines.groupby("acquired"):
        truth = gpd.read_file(folder / "truth.gpkg", layer=f"{acquired:%Y-%m-%d}")
        rows = found.to_crs(truth.crs)
        row, lake = shapely.STRtree(truth.geometry.to_numpy()).query(
            rows.geometry.to_numpy(), predicate="intersects"
        )
        for r, t in zip(row, lake, strict=True):
            shared = rows.geometry.iloc[r].intersection(truth.geometry.iloc[t]).area
            if shared > 0.3 * min(rows.geometry.iloc[r].area, truth.geometry.iloc[t].area):
                names.setdefault(rows["lake_id"].iloc[r], set()).add(truth["lake_id"].iloc[t])
    return names


def events(inventory: Inventory, names: dict[str, set[str]], folder: Path) -> str:
    """Compare events: the same kind, on the same true lake, with the true date in the bracket."""
    truth = pd.read_csv(folder / "truth_events.csv")
    found: set[int] = set()
    right = 0
    for _, event in inventory.events.iterrows():
        ids = " ".join(event[["from_ids", "to_ids"]].dropna()).split()
        places = set().union(*(names.get(lake, set()) for lake in ids))
        there = pd.Series([bool(places & set(parts.split())) for parts in truth["parts"]])
        same = truth[
            (truth["event"].map(EVENTS) == event["event"])
            & (truth["date"] <= f"{event['date']:%Y-%m-%d}")
            & (truth["first_visible_date"] > f"{event['after']:%Y-%m-%d}")
            & there
        ]
        right += not same.empty
        found |= set(same.index[:1])
    return f"events: {right} of {len(inventory.events)} right, {len(found)} of {len(truth)} found"


def hidden(inventory: Inventory, names: dict[str, set[str]], folder: Path) -> str:
    """Count lake-dates that are hidden or frozen, and those that are reported as shrunk."""
    lakes = {true: lake for lake, trues in names.items() if len(trues) == 1 for true in trues}
    total = shrunk = 0
    for acquired, rows in inventory.observations.groupby("acquired"):
        truth = gpd.read_file(folder / "truth.gpkg", layer=f"{acquired:%Y-%m-%d}")
        covered = (truth["observed_fraction"] < 0.9) | (truth["frozen_fraction"] > 0.5)
        for _, lake in truth[covered & (truth["area_m2"] > 2000)].iterrows():
            if lake["lake_id"] not in lakes:
                continue
            areas = rows.loc[rows["lake_id"] == lakes[lake["lake_id"]], "area_m2"].dropna()
            total += 1
            shrunk += bool((areas < SHRUNK * lake["area_m2"]).any())
    return f"hidden or frozen lake-dates: {total}, reported as shrunk or gone: {shrunk}"


def main() -> None:
    root = Path(os.environ["GLACIAL_LAKES_DATA"]) / "independent_truth"
    _, clear = accuracy(root / "clear_summer")
    outlines, series = accuracy(root / "series")
    print(pd.concat([clear, series]).astype(float).round(3).to_string())
    inventory = track(outlines)
    names = true_ids(inventory, root / "series")
    print(events(inventory, names, root / "series"))
    print(hidden(inventory, names, root / "series"))


if __name__ == "__main__":
    main()
