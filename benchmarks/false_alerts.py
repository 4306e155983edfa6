"""False alerts per 100 lake-years on lakes that never change.

    python benchmarks/false_alerts.py            # both levels, about five minutes on two cores
    python benchmarks/false_alerts.py series     # only the series

Two levels. Series: areas drawn from their standard deviations, with dates under cloud, snow and
ice, and with single areas that are grossly wrong without anybody knowing. Scenes: simulated sites
whose lakes are all stable, seen by Sentinel-2 and Landsat under cloud, after snowfall, half frozen
and at low sun; mapped and tracked as any project. Whatever is called there is false. The interval
is that of a Poisson count (95 %).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.stats import chi2

from glacial_lakes import change, schema
from glacial_lakes.inventory.build import track
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import discover
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.lakes import stable
from glacial_lakes.simulate.placement import WISHES
from glacial_lakes.simulate.series import simulate_series
from glacial_lakes.simulate.site import make_site

SITES = (11, 12, 13)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SCHEDULE = (
    Acquisition(_utc("2016-08-20T05:33:00"), "LC08"),
    Acquisition(_utc("2017-09-25T05:56:41"), "S2A", baseline="02.05", fresh_snow_line_m=3700),
    Acquisition(_utc("2018-07-20T05:56:41"), "S2A", baseline="02.06", cloud_fraction=0.25),
    Acquisition(_utc("2019-06-13T05:56:51"), "S2B", snow_line_m=3700, ice_line_m=3480),
    Acquisition(_utc("2019-08-29T05:33:10"), "LC08", cloud_fraction=0.15, cirrus=0.02),
    Acquisition(_utc("2020-08-11T05:56:51"), "S2B", haze=0.006),
    Acquisition(_utc("2021-10-25T05:56:49"), "S2A", fresh_snow_line_m=3850),
    Acquisition(_utc("2022-07-02T05:56:49"), "S2B", snow_line_m=3850, ice_line_m=3650),
    Acquisition(_utc("2022-09-06T05:33:20"), "LC08", cloud_fraction=0.3),
    Acquisition(_utc("2023-08-21T05:56:51"), "S2A", cloud_fraction=0.1, cirrus=0.015),
    Acquisition(_utc("2024-10-14T05:33:30"), "LC08", fresh_snow_line_m=3800),
)
"""Snow in June and September, ice in June and July, low sun in October, cloud of all amounts."""


def interval(count: int, years: float) -> str:
    """Return a rate per 100 lake-years with its exact Poisson interval."""
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = chi2.ppf(0.975, 2 * count + 2) / 2
    rate, low, high = (100 * value / years for value in (count, low, high))
    return f"{count} in {years:.0f} lake-years: {rate:.2f} per 100 ({low:.2f} to {high:.2f})"


def stable_series(
    rng: np.random.Generator, lakes: int, *, wrong: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return observations and outlines of lakes that never change, two images a year.

    ``wrong`` is the share of areas that lack up to two thirds of the lake, unknown to their
    standard deviation: ice that was not recognised, shade, thin cloud.
    """
    dates = [
        pd.Timestamp(f"{year}-{m:02d}-15", tz="UTC") for year in range(2000, 2025) for m in (7, 9)
    ]
    rows = []
    for lake in range(lakes):
        area = float(np.exp(rng.uniform(np.log(2e3), np.log(1e6))))
        gap = float(rng.choice([0.0, rng.uniform(0, 150), rng.uniform(150, 5000)]))
        for date in dates:
            pixel = 10.0 if date.year >= 2016 else 30.0
            sigma = 0.12 * pixel * 3.9 * np.sqrt(area)
            status = str(
                rng.choice(["observed", "cloud", "frozen", "shadow"], p=[0.6, 0.2, 0.15, 0.05])
            )
            share = rng.uniform(0.33, 1.0) if rng.uniform() < wrong else 1.0
            measured = max(share * area + rng.normal(0, sigma), 1.0)
            seen = status == "observed"
            rows.append(
                {
                    "lake_id": f"lake {lake}",
                    "acquired": date,
                    "scene_id": f"{date:%Y-%m-%d}",
                    "sensor": "S2A" if pixel == 10.0 else "LT05",
                    "status": status,
                    "observed_fraction": 1.0 if seen else 0.3,
                    "area_m2": measured if seen else np.nan,
                    "area_sigma_m2": sigma if seen else np.nan,
                    "glacier_dist_m": max(gap + rng.normal(0, 0.3 * pixel), 0.0),
                }
            )
    table = pd.DataFrame(rows)
    return schema.conform(table, schema.OBSERVATIONS), schema.conform(table, schema.OUTLINES)


def of_series(lakes: int = 400) -> None:
    """Print the rates of false alerts and trends of series without images."""
    none = schema.conform(pd.DataFrame(), schema.LAKE_EVENTS)
    for wrong in (0.0, 0.02):
        observations, outlines = stable_series(np.random.default_rng(1), lakes, wrong=wrong)
        table = schema.conform(
            pd.DataFrame({"lake_id": observations["lake_id"].unique(), "state": "present"}),
            schema.LAKES,
        )
        called = change.alerts(observations, none, outlines, table)
        print(f"series, {wrong:.0%} of areas wrong: {interval(len(called), 25.0 * lakes)}")
        _print_kinds(called)
        trends = change.trends(observations, none)["trend"]
        print(f"  lakes with a trend: {trends.isin(['growing', 'shrinking']).sum()} of {lakes}")


def stable_site(seed: int) -> tuple[int, int, float, pd.DataFrame]:
    """Map and track a site of stable lakes; return lakes, trends, lake-years and alerts."""
    wishes = tuple(replace(wish, history=stable(), joined=None) for wish in WISHES)
    site = make_site(seed, wishes=wishes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_series(site, SCHEDULE, folder)
        outlines = list(_mapped(folder))
        inventory = track(outlines, glaciers=gpd.read_file(folder / "glaciers.gpkg"))
    return len(inventory.lakes), *_called(inventory)


def _mapped(folder: Path) -> Iterator[MappedScene]:
    for scene in discover([folder / "scenes"]):
        yield map_lakes(scene, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg")


def _called(inventory: Inventory) -> tuple[int, float, pd.DataFrame]:
    times = inventory.scenes["acquired"]
    span = (times.max() - times.min()) / pd.Timedelta(days=365.2425)
    lakes = inventory.lakes
    watched = int((lakes["state"] != "unconfirmed").sum())
    trends = int(inventory.trends["trend"].isin(["growing", "shrinking"]).sum())
    return trends, watched * span, pd.DataFrame(inventory.alerts.drop(columns="geometry"))


def of_scenes() -> None:
    """Print the rate of false alerts of simulated scenes."""
    with ProcessPoolExecutor(2) as pool:
        sites = list(pool.map(stable_site, SITES))
    years = sum(site[2] for site in sites)
    called = pd.concat([site[3].assign(site=n) for n, site in zip(SITES, sites, strict=True)])
    print(f"scenes, {len(SITES)} sites: {interval(len(called), years)}")
    _print_kinds(called)
    trends, lakes = (sum(site[n] for site in sites) for n in (1, 0))
    print(f"  lakes with a trend: {trends} of {lakes}")
    if len(called):
        shown = [
            "site",
            "lake_id",
            "alert",
            "after",
            "date",
            "area_before_m2",
            "area_after_m2",
            "z",
        ]
        print(called[[*shown, "confirmed"]].to_string(index=False))


def _print_kinds(called: pd.DataFrame) -> None:
    for kind, count in called["alert"].value_counts().sort_index().items():
        print(f"  {kind}: {count}")


if __name__ == "__main__":
    of_series()
    if sys.argv[1:] != ["series"]:
        of_scenes()
