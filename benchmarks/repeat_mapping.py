"""How alike two mappings of a lake are that did not change: the rule of review conflicts.

    python benchmarks/repeat_mapping.py          # a few minutes on two cores

Simulated sites whose lakes are all stable are seen by Sentinel-2 and Landsat on clear dates of
late summer, mapped and tracked as any project. Each pair of whole outlines of one lake stands for
an outline that a person has approved, as drawn, and a newer one. Printed are the quantiles of the
intersection over union by sensors, and the share of pairs that a conflict would be told of: by
the area alone, by the shape alone, and by both, as the rule asks. The first outline has the error
of a drawn one (Hanshaw & Bookhagen 2014).
"""

from __future__ import annotations

import itertools
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory.build import track
from glacial_lakes.inventory.decisions import CLEARLY_SIGMAS
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import discover
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.lakes import stable
from glacial_lakes.simulate.placement import WISHES
from glacial_lakes.simulate.series import simulate_series
from glacial_lakes.simulate.site import make_site

SITES = (21, 22, 23)
DATES = (
    ("2017-08-20T05:33:00", "LC08"),
    ("2018-08-22T05:56:41", "S2A"),
    ("2019-08-27T05:56:51", "S2B"),
    ("2020-08-28T05:33:10", "LC08"),
    ("2021-09-02T05:56:49", "S2A"),
    ("2022-08-25T05:33:20", "LC08"),
)
LIMITS = (0.9, 0.8, 0.7, 0.6, 0.5)


def pairs_of(seed: int) -> pd.DataFrame:
    """Map a site of stable lakes; return one row a pair of whole outlines of a lake."""
    wishes = tuple(replace(wish, history=stable(), joined=None) for wish in WISHES)
    site = make_site(seed, wishes=wishes)
    schedule = tuple(
        Acquisition(datetime.fromisoformat(time).replace(tzinfo=UTC), sensor)
        for time, sensor in DATES
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_series(site, schedule, folder)
        inputs = {"dem": folder / "dem.tif", "glaciers": folder / "glaciers.gpkg"}
        tables = [map_lakes(scene, **inputs) for scene in discover([folder / "scenes"])]
        outlines = track(tables, glaciers=gpd.read_file(inputs["glaciers"])).outlines
    whole = outlines[outlines["status"] == "observed"].to_crs(EQUAL_AREA)
    rows = []
    for _, lake in whole.sort_values("acquired").groupby("lake_id"):
        for (_, one), (_, other) in itertools.combinations(lake.iterrows(), 2):
            shared = shapely.intersection(one.geometry, other.geometry).area
            sigma = np.hypot(one["area_err_hb_m2"], other["area_sigma_m2"])
            rows.append(
                {
                    "sensors": " ".join(sorted({one["sensor"][:2], other["sensor"][:2]})),
                    "area_m2": one["area_m2"],
                    "like": shared / shapely.union(one.geometry, other.geometry).area,
                    "differs": abs(one["area_m2"] - other["area_m2"]) > CLEARLY_SIGMAS * sigma,
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Print the distribution and the rates of false conflicts."""
    with ProcessPoolExecutor(2) as pool:
        pairs = pd.concat(pool.map(pairs_of, SITES), ignore_index=True)
    shares = [0.01, 0.05, 0.25, 0.5]
    print(f"{len(pairs)} pairs of outlines of lakes that did not change")
    print("intersection over union: pairs, then quantiles 1 %, 5 %, 25 %, 50 %")
    sizes = pd.cut(pairs["area_m2"], [0, 1e4, 1e5, np.inf], labels=["< 0.01", "< 0.1", "larger"])
    for (sensors, size), group in pairs.groupby(["sensors", sizes], observed=True):
        quantiles = "  ".join(f"{value:.2f}" for value in group["like"].quantile(shares))
        print(f"  {sensors:6} {size:>7} km²: {len(group):5}  {quantiles}")
    print(f"conflicts told by the area alone: {pairs['differs'].mean():.2%}")
    for limit in LIMITS:
        unlike = pairs["like"] < limit
        both = (unlike & pairs["differs"]).mean()
        print(f"  limit {limit}: by the shape alone {unlike.mean():.2%}, by both {both:.2%}")


if __name__ == "__main__":
    main()
