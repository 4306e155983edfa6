"""What is said about change: errors of differences, trends, steps and totals against known truth.

    python benchmarks/change.py FOLDER             # development seeds, printed
    python benchmarks/change.py FOLDER --kept      # kept seeds; rewrites docs/change.md
    python benchmarks/change.py FOLDER --shares    # what lakes have in common, development seeds
    python benchmarks/change.py FOLDER --only tables      # with --kept: rewrites that part

Mapped series are made in FOLDER once and read again, by one process.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from accuracy_tables import table
from change_series import (
    Known,
    known_of,
    named,
    site_series,
    table_series,
    unlike_series,
    world_series,
)
from documents import rewrite
from scipy.stats import false_discovery_control, norm

from glacial_lakes import change, schema
from glacial_lakes.change.errors import split, sum_sigma
from glacial_lakes.change.offsets import differences as change_of
from glacial_lakes.change.offsets import offsets_of
from glacial_lakes.change.trends import ALPHA
from glacial_lakes.inventory.build import track
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import discover
from glacial_lakes.scenes.sensors import instrument
from glacial_lakes.simulate.acquisition import Acquisition

DOCUMENT = Path(__file__).parents[1] / "docs" / "change.md"
SITES = {"development": range(7_100, 7_102), "kept": range(97_100, 97_102)}
WORLDS = {"development": range(20_300, 20_303), "kept": range(97_300, 97_302)}
TOTALS = {
    "development": (range(7_200, 7_202), range(20_310, 20_314)),
    "kept": (range(97_200, 97_204), range(97_400, 97_420)),
}
SEEDS = {"development": range(3), "kept": range(1_420, 1_428)}
"""Seeds of sites, of worlds, of both for totals, and of series without images; kept ones are looked
into by nobody."""
SUMS = {"development": range(300, 364), "kept": range(1_500, 1_564)}
"""Seeds of regions without images whose sums are compared."""
SIZES = ["below 0.01 km²", "0.01 to 0.03 km²", "0.03 to 0.1 km²", "above 0.1 km²"]
IN_VIEW = 0.01
MIN_LAKES = 5
WILD_SIGMAS = 4.0
MIN_DATES = 9
HIDDEN_DATES = 2
REGIONS = (10, 25, 60, 120, 200)
"""Lakes of regions whose instruments draw unlike."""
UNLIKE_SEEDS = {"development": 91_000, "kept": 95_000}
UNLIKE: dict[str, dict[str, Any]] = {
    "+3%": {"larger": {"S2": 0.03}},
    "-4.8%, dates far off": {"larger": {"S2": -0.048}, "tails": True},
    "-2%, Landsat 7 +3%, errors a third too small": {
        "larger": {"S2": -0.02, "LE": 0.03},
        "told": 0.67,
    },
    "+3%, lakes differ by 5%, errors half too large": {
        "larger": {"S2": 0.03},
        "spread": 0.05,
        "told": 1.5,
    },
}
"""By how much Sentinel-2 draws lakes larger than Landsat 8, and how else errors are not as told."""
AS_MAPPED = {"shift_px": 0.085, "date_share": 0.3}
"""Errors of series without images: those of mapped development lakes of 0.01 to 0.1 km2."""
NONE = schema.conform(pd.DataFrame(), schema.LAKE_EVENTS)


def site_schedule() -> list[Acquisition]:
    """Twelve years of Landsat 8, and Sentinel-2 in the last five, four days later."""
    taken = []
    for year in range(2013, 2025):
        day = 12 + (7 * year) % 12
        time = datetime(year, 8, day, 5, 33, year % 60, tzinfo=UTC)
        taken.append(Acquisition(time, "LC08", haze=0.002 + 0.001 * (year % 3)))
        if year >= 2020:
            time = datetime(year, 8, day + 4, 5, 56, 41, tzinfo=UTC)
            sensor = "S2A" if year % 2 else "S2B"
            taken.append(Acquisition(time, sensor, haze=0.002 + 0.001 * (year % 4)))  # type: ignore[arg-type]
    return taken


def totals_schedule(seed: int) -> list[Acquisition]:
    """Return a date of each of two instruments."""
    day = 5 + seed % 20
    return [
        Acquisition(datetime(2016, 8, day, 5, 33, 1, tzinfo=UTC), "LC08"),
        Acquisition(datetime(2018, 8, day, 5, 56, 41, tzinfo=UTC), "S2A", haze=0.004),
    ]


def world_dates() -> list[tuple[str, str]]:
    dates = [("LE07", f"{year}-08-{10 + year % 9}") for year in (2000, 2002, 2006, 2010)]
    for year in range(2014, 2025, 2):
        dates.append(("LC08", f"{year}-08-{10 + year % 9}"))
        if year >= 2018:
            dates.append(("S2A", f"{year}-08-{14 + year % 9}"))
    return [*dates, ("S2B", "2019-08-20"), ("S2B", "2021-08-22")]


def observed(series: Known) -> pd.DataFrame:
    """Return the areas of true lakes: ``error`` is that of the area, in m²."""
    rows = series.inventory.observations.drop(
        columns=["area_sigma_shared_m2", "area_sigma_date_m2"], errors="ignore"
    )
    rows = rows.join(split(rows)).assign(day=rows["acquired"].dt.strftime("%Y-%m-%d"))
    rows = rows[(rows["status"] == "observed") & (rows["area_m2"] > 0)]
    truth = series.truth.dropna(subset="lake_id").rename(columns={"area_m2": "true_m2"})
    truth = truth[~truth.duplicated(["lake_id", "day", "sensor"], keep=False)]
    both = rows.merge(truth, on=["lake_id", "day", "sensor"])
    both = both[both["hidden"] <= IN_VIEW]
    both["error"] = both["area_m2"] - both["true_m2"]
    both["instrument"] = instrument(both["sensor"])
    both["series"] = series.name
    wild = both["error"].abs() > 0.5 * both["true_m2"]  # half of another lake: no matter of errors
    return both[~wild]


def differences(series: Known) -> pd.DataFrame:
    """Return the error of the difference of each pair of dates of a lake, in its deviations.

    As areas are subtracted (``z``), and with the offset between instruments taken out (``freed``).
    """
    rows = observed(series)
    known = series.inventory.observations
    pooled = offsets_of(known.assign(**split(known)))
    pairs = [
        pair
        for _, places in rows.groupby("lake_id").indices.items()
        for pair in combinations(places, 2)
    ]
    if not pairs:
        return pd.DataFrame()
    before, after = (rows.iloc[list(place)] for place in zip(*pairs, strict=True))
    before, after = before.reset_index(drop=True), after.reset_index(drop=True)
    error = after["error"] - before["error"]
    freed = change_of(before, after, pooled)
    return pd.DataFrame(
        {
            "series": series.name,
            "lake_id": before["lake_id"],
            "pair": before["instrument"].str.cat(after["instrument"], "–"),
            "alike": before["instrument"] == after["instrument"],
            "grows": (before["true_m2"] / after["true_m2"] - 1).abs() > 0.002,
            "area_m2": before["true_m2"],
            "z": error / change.difference_of(before, after, pooled),
            "freed": (error - freed.offset_m2) / freed.sigma_m2,
            "independent": error / np.hypot(before["area_sigma_m2"], after["area_sigma_m2"]),
        }
    )


def coverage(rows: pd.DataFrame, by: str) -> list[list[str]]:
    """Return the share of differences within one and 1.96 deviations, by a column."""
    told = []
    for name, part in rows.groupby(by, observed=True):
        cells = [str(name), str(len(part)), str(part["lake_id"].nunique())]
        for column in ("z", "freed", "independent"):
            away = part[column].abs()
            cells += [f"{(away <= 1).mean():.1%}", f"{(away <= 1.96).mean():.1%}"]
        told.append(cells)
    return told


def annual(sensor: str, first: int, last: int, month: int = 8) -> list[tuple[str, str]]:
    """Return an image a year; the days of two sensors of one month are a week apart."""
    shift = 7 * (sensor[0] == "S")
    return [(sensor, f"{y}-{month:02d}-{8 + y % 9 + shift:02d}") for y in range(first, last + 1)]


LANDSAT = annual("LC08", 2013, 2024)
PLANS: dict[str, list[tuple[str, str]]] = {
    "Landsat 8, 12 years": LANDSAT,
    "Landsat 8, 12 years, and Sentinel-2, 7": LANDSAT + annual("S2A", 2018, 2024),
    "Landsat 8, 8 years, then Sentinel-2, overlapping 3": annual("LC08", 2013, 2020)
    + annual("S2A", 2018, 2024),
    "Landsat 7, 10 years, then Sentinel-2, no overlap": annual("LE07", 2002, 2011)
    + annual("S2A", 2016, 2024),
    "Landsat 7, Landsat 8, Sentinel-2": annual("LE07", 2005, 2014)
    + annual("LC08", 2013, 2020)
    + annual("S2A", 2018, 2024),
}


UNLIKE_PLANS = [name for name in PLANS if "Sentinel-2" in name]


def in_order(dates: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(dates, key=lambda one: one[1])


REMEMBERED = {
    **{f"{last - 2012} dates": annual("LC08", 2013, last) for last in (2021, 2024, 2032)},
    "two instruments": in_order(PLANS["Landsat 8, 8 years, then Sentinel-2, overlapping 3"]),
}


def constant_tables(seeds: Sequence[int], lakes: int = 60) -> list[list[str]]:
    """Return what trends and steps say of constant lakes, by plan."""
    told = []
    for name, dates in PLANS.items():
        found = pd.concat(
            change.trends(table_series(seed, lakes, in_order(dates), **AS_MAPPED)[0], NONE)
            for seed in seeds
        )
        told.append([name, *of_constant(found)])
    return told


def unlike_tables(first_seed: int) -> list[list[str]]:
    """Return the same of constant lakes of instruments that draw unlike, in regions of any size."""
    told = []
    for name in UNLIKE_PLANS:
        for kind, way in UNLIKE.items():
            found = pd.concat(
                change.trends(
                    unlike_series(first_seed + n, lakes, in_order(PLANS[name]), **way), NONE
                )
                for n, lakes in enumerate(REGIONS)
            )
            told.append([name, kind, *of_constant(found)])
    return told


def of_constant(found: pd.DataFrame) -> list[str]:
    """Return number of lakes, p < 0.05, intervals that hold zero, called, and steps."""
    tested = found[found["p"].notna()]
    low, high = (tested[f"slope_{end}_m2_per_year"] for end in ("low", "high"))
    holds = ((low <= 0) & (high >= 0))[low.notna()]
    shown = tested["trend"].isin(["growing", "shrinking"])
    return [
        str(len(tested)),
        f"{(tested['p'] < 0.05).mean():.1%}",
        f"{holds.mean():.1%}" if len(holds) else "–",
        f"{shown.mean():.1%}",
        f"{tested['step_date'].notna().mean():.1%}",
    ]


def growing_tables(seeds: Sequence[int], lakes: int = 60) -> list[list[str]]:
    """Return how many growing lakes of 0.02-0.05 km2 are called, among as many constant ones.

    Of those that are hidden on two dates at most. And, of one instrument, how many of them the
    best test could call that knew the errors.
    """
    told, best = [], ["Landsat 8, 12 years: a test that knows the true errors"]
    for name in list(PLANS)[:3]:
        dates = in_order(PLANS[name])
        cells = [name]
        for growth in (0.10, 0.15, 0.20):
            called, could = [], []
            for seed in seeds:
                still, known = table_series(seed, lakes, dates, km2=(0.02, 0.05), **AS_MAPPED)
                grown, truth = table_series(
                    seed + 500,
                    lakes,
                    dates,
                    km2=(0.02, 0.05),
                    growth=growth,
                    hide=0.08,
                    **AS_MAPPED,
                )
                rows = pd.concat([still, grown], ignore_index=True)
                hidden = (grown["status"] != "observed").groupby(grown["lake_id"]).sum()
                is_grown = set(hidden.index[hidden <= HIDDEN_DATES])
                found = change.trends(rows, NONE)
                found = found[found["lake_id"].isin(is_grown)]
                called += list(found["trend"] == "growing")
                if name == next(iter(PLANS)):
                    sigma = pd.concat([known, truth], ignore_index=True)["date_sigma_m2"]
                    best_of = callable_lakes(rows, sigma)
                    could += [lake in best_of for lake in is_grown]
            cells.append(f"{np.mean(called):.1%}")
            if could:
                best.append(f"{np.mean(could):.1%}")
        told.append(cells)
    return [told[0], best, *told[1:]]


def callable_lakes(rows: pd.DataFrame, sigma_m2: pd.Series) -> set[str]:
    """Return the lakes that least squares call which know how much each date truly errs."""
    seen = rows.assign(sigma=sigma_m2.to_numpy())[(rows["status"] == "observed").to_numpy()]
    p = {}
    for lake, own in seen.groupby("lake_id"):
        years = (own["acquired"] - own["acquired"].iloc[0]) / pd.Timedelta(days=365.2425)
        weight = 1 / own["sigma"].to_numpy() ** 2
        apart = years.to_numpy() - np.average(years, weights=weight)
        variance = 1 / (weight * apart**2).sum()
        slope = (weight * apart * own["area_m2"].to_numpy()).sum() * variance
        p[str(lake)] = 2 * norm.sf(abs(slope) / np.sqrt(variance))
    shown = false_discovery_control([*p.values()]) <= ALPHA
    return {lake for lake, is_shown in zip(p, shown, strict=True) if is_shown}


def remembering(seeds: Sequence[int], lakes: int = 60) -> list[list[str]]:
    """Return p < 0.05 and steps of constant lakes whose errors remember the year before."""
    told = []
    for memory in (0.0, 0.4, 0.8):
        cells = [f"{memory:.1f}"]
        for dates in REMEMBERED.values():
            found = pd.concat(
                change.trends(
                    table_series(seed, lakes, dates, memory=memory, hide=0.0, **AS_MAPPED)[0], NONE
                )
                for seed in seeds
            )
            cells.append(f"{(found['p'] < 0.05).mean():.1%}")
            cells.append(f"{found['step_date'].notna().mean():.1%}")
        told.append(cells)
    return told


def fast_courses() -> dict[str, tuple[list[tuple[str, str]], list[float], list[str]]]:
    """Return dates, true sizes in shares of the first one, and true events, by name."""
    annual_dates, year = in_order(PLANS["Landsat 8, 12 years, and Sentinel-2, 7"]), np.arange(12)
    summers = [("S2A", f"{y}-{m:02d}-15") for y in range(2018, 2025) for m in (6, 7, 8, 9)]
    of_date = [int(day[:4]) - 2013 for _, day in annual_dates]

    def yearly(sizes: Sequence[float]) -> list[float]:
        return [float(sizes[n]) for n in of_date]

    grown = {f"+{share:.0%} in a year": 1 + share * (year >= 6) for share in (0.4, 0.6)}
    shrunk = {f"-{share:.0%} in a year": 1 - share * (year >= 6) for share in (0.4, 0.6)}
    filled = [1 + 0.6 * (day[:4] == "2021" and "-06" < day[4:7] < "-09") for _, day in summers]
    kinds = [("grown", grown), ("shrunk", shrunk)]
    return {
        "slow: +20% in 12 years": (annual_dates, yearly(1 + 0.2 * year / 11), []),
        **{
            name: (annual_dates, yearly(sizes), [kind])
            for kind, courses in kinds
            for name, sizes in courses.items()
        },
        "doubled in four years": (
            annual_dates,
            yearly(1 + np.clip((year - 4) / 4, 0, 1)),
            ["grown"],
        ),
        "filled for two months, +60%": (summers, filled, ["seasonal_fill", "seasonal_drain"]),
    }


def fast_tables(seeds: Sequence[int], lakes: int = 60) -> list[list[str]]:
    """Return what is told of fast changes: of how many lakes all true kinds and no other, and when.

    A date is right when the true size is the old one on the last date before, and the new one on
    the first date after, and no measured date of the lake lies between them. Of growth over
    years, some of it must lie between them.
    """
    constant = {
        f"constant: {name}": (in_order(dates), [1.0] * len(dates), [])
        for name, dates in PLANS.items()
    }
    told = []
    for name, (dates, course, kinds) in (constant | fast_courses()).items():
        right, dated, wrong, count = 0, 0, 0, 0
        for seed in seeds:
            rows, truth = table_series(seed, lakes, dates, course=course, **AS_MAPPED)
            rows["true_m2"] = truth["true_m2"].to_numpy()
            found = change.fast_changes(rows, NONE)
            count += lakes
            wrong += int((~found["event"].isin(kinds)).sum())
            for lake, events in found.groupby("lake_id"):
                if set(events["event"]) == set(kinds):
                    right += 1
                    own = rows[(rows["lake_id"] == lake) & (rows["status"] == "observed")]
                    dated += all(_is_dated(own, event) for event in events.itertuples())
        told.append(
            [
                name,
                str(count),
                f"{right / count:.1%}" if kinds else "–",
                f"{dated / right:.1%}" if right else "–",
                str(wrong),
            ]
        )
    return told


def _is_dated(rows: pd.DataFrame, event: Any) -> bool:
    """Tell whether a change lies where it truly is: no shorter bracket of measured dates has it."""
    days = rows["acquired"].dt.floor("D")
    within = rows[(days >= event.after) & (days <= event.date)]
    sizes = within["true_m2"].to_numpy()
    if rows["true_m2"].nunique() > 2:  # growth over years
        return bool(sizes[0] != sizes[-1])
    return len(sizes) == 2 and bool(sizes[0] != sizes[1])


def of_tables(kind: str) -> list[str]:
    seeds = SEEDS[kind]
    return [
        "### Fast growth and shrinkage, series without images",
        table(
            [
                "lakes",
                "of them",
                "just true kinds of events",
                "of these dated right",
                "false events",
            ],
            fast_tables(seeds),
        ),
        "### Constant lakes, series without images",
        table(
            ["dates", "lakes", "p < 0.05", "interval holds 0", "called", "steps"],
            constant_tables(seeds),
        ),
        "### Growing lakes of 0.02 to 0.05 km², called",
        table(["dates", "10 %", "15 %", "20 %"], growing_tables(seeds)),
        "### Constant lakes whose errors remember the year before",
        table(
            [
                "correlation of a year",
                *(head for name in REMEMBERED for head in (f"{name}: p < 0.05", "steps")),
            ],
            remembering(seeds[:2]),
        ),
    ]


def sum_errors(series: Known) -> Iterator[dict[str, float]]:
    """Yield, of each date, the error of the sum of the lakes measured on it, in deviations."""
    rows = observed(series)
    for _, here in rows.groupby(["day", "sensor"]):
        if len(here) >= MIN_LAKES:
            yield sum_error(here, series.name, str(here["instrument"].iloc[0]))


def sum_error(rows: pd.DataFrame, series: str, kind: str) -> dict[str, Any]:
    """Return the error of the sum of the areas of lakes, one row a lake, in deviations."""
    error = float(rows["error"].sum())
    return {
        "series": series,
        "instrument": kind,
        "lakes": len(rows),
        "percent": 100 * error / float(rows["true_m2"].sum()),
        "z": error / sum_sigma(rows),
        "independent": error / float(np.sqrt((rows["area_sigma_m2"] ** 2).sum())),
        "correlated": error / float(rows["area_sigma_m2"].sum()),
    }


def table_sums(seeds: Sequence[int], lakes: int = 60) -> Iterator[dict[str, Any]]:
    """Yield the errors of sums of series without images: of the last date, and of all lakes.

    That of all lakes is made of the latest area of each, as the headline of a run is: of several
    dates and two instruments.
    """
    dates = in_order(annual("LC08", 2015, 2023) + annual("S2A", 2018, 2022))
    for seed in seeds:
        rows, truth = table_series(seed, lakes, dates, hide=0.3, **AS_MAPPED)
        true = truth["true_m2"].to_numpy()
        rows = rows.assign(true_m2=true, error=rows["area_m2"] - true)
        rows = rows[rows["status"] == "observed"].sort_values("acquired", kind="stable")
        last = rows[rows["acquired"] == rows["acquired"].max()]
        yield sum_error(last, str(seed), "one date")
        yield sum_error(rows.drop_duplicates("lake_id", keep="last"), str(seed), "latest areas")


def shares_in_common(rows: pd.DataFrame) -> tuple[float, float]:
    """Return how much of both parts of the errors the lakes of a region have in common.

    Of the shared part, the lakes that an instrument sees; of the part of the date, those of an
    image. It is the mean product of the errors of two lakes beside the mean square of one, errors
    in deviations that are told of them: with what is common to all regions, such as lakes drawn
    too small, since a sum has that too.

    Parameters
    ----------
    rows : pandas.DataFrame
        From :func:`observed`, of many series.

    Returns
    -------
    shared, date : float
        What ``glacial_lakes.change.errors.COMMON_SHARE`` and ``COMMON_DATE_SHARE`` say.
    """
    own = ["series", "instrument", "lake_id"]
    by_lake = rows.groupby(own)
    lakes = by_lake.agg(error=("error", "mean"), sigma=("area_sigma_shared_m2", "median"))
    lakes = lakes.reset_index()
    dates = rows.assign(n=by_lake["error"].transform("size"))
    dates["rest"] = dates["error"] - by_lake["error"].transform("mean")
    dates = dates[dates["n"] > 2]
    scale = dates["area_sigma_date_m2"] * np.sqrt(1 - 1 / dates["n"])
    return (
        _in_common(lakes["error"] / lakes["sigma"], lakes, ["series", "instrument"]),
        _in_common(dates["rest"] / scale, dates, ["series", "day", "sensor"]),
    )


def _in_common(off: pd.Series, rows: pd.DataFrame, group: list[str]) -> float:
    known = rows[group].assign(off=off.clip(-WILD_SIGMAS, WILD_SIGMAS)).dropna()
    of_group = known.groupby(group)["off"].agg(
        total="sum", squares=lambda z: (z**2).sum(), n="size"
    )
    pairs = (of_group["n"] * (of_group["n"] - 1)).sum()
    products = (of_group["total"] ** 2 - of_group["squares"]).sum() / pairs
    return float(products / (known["off"] ** 2).mean())


def of_totals(series: Sequence[Known]) -> str:
    return of_sums(pd.DataFrame([row for one in series for row in sum_errors(one)]))


def of_sums(found: pd.DataFrame) -> str:
    """Return the table of errors of :func:`sum_error`, of all and by their kind."""
    told = []
    for name, part in [("all", found), *found.groupby("instrument")]:
        cells = [str(name), str(part["series"].nunique()), str(len(part))]
        cells.append(f"{part['percent'].mean():+.2f}")
        for column in ("z", "independent", "correlated"):
            away = part[column].abs()
            cells += [f"{(away <= 1).mean():.1%}", f"{(away <= 1.96).mean():.1%}"]
        told.append(cells)
    heads = ["of", "series", "sums", "mean error %"]
    heads += ["68 %", "95 %", "independent: 68 %", "95 %", "correlated: 68 %", "95 %"]
    return table(heads, told)


def of_mapped(series: Sequence[Known]) -> list[str]:
    pairs = pd.concat([differences(one) for one in series], ignore_index=True)
    pairs["size"] = pd.cut(pairs["area_m2"], [0, 1e4, 3e4, 1e5, np.inf], labels=SIZES)
    heads = ["of", "differences", "lakes", "68 %", "95 %"]
    heads += ["without the offset: 68 %", "95 %", "independent: 68 %", "95 %"]
    kinds = pairs["pair"].where(~pairs["alike"], "one: " + pairs["pair"])
    lines = [
        "### Differences of two dates",
        table(heads, coverage(pairs.assign(kind=np.where(pairs["alike"], "one", "two")), "kind")),
        table(heads, coverage(pairs.assign(pair=kinds), "pair")),
        table(heads, coverage(pairs[pairs["alike"]], "size")),
    ]
    if pairs["grows"].any():
        growing = pairs.assign(grows=np.where(pairs["grows"], "growing", "constant"))
        lines.append(table(heads, coverage(growing[growing["alike"]], "grows")))
    return lines


def of_mapped_trends(series: Sequence[Known]) -> list[str]:
    """Tell what the trends of mapped lakes say, of constant and of growing ones."""
    rows, grown = [], []
    for one in series:
        seen = observed(one)
        change_of = one.truth.groupby("lake_id")["area_m2"].agg(lambda a: a.iloc[-1] / a.iloc[0])
        known = one.inventory.observations
        known = known[known["lake_id"].isin(set(seen["lake_id"]))]
        known = known.assign(**split(known))
        for tools, text in (("", "all"), ("LC", "Landsat 8"), ("S2", "Sentinel-2")):
            part = known if not tools else known[instrument(known["sensor"]) == tools]
            found = change.trends(part, NONE).assign(kind=text)
            found["growth"] = found["lake_id"].map(change_of)
            rows.append(found)
    found = pd.concat(rows, ignore_index=True)
    found["growth"] = (found["growth"] - 1).round(3)
    still = found[found["growth"] == 0]
    told = [[name, *of_constant(part)] for name, part in still.groupby("kind")]
    for (name, growth), part in found[found["growth"] > 0].groupby(["kind", "growth"]):
        of_size = part["line_first_m2"].between(1.5e4, 6e4)
        enough = part[of_size & (part["n"] >= MIN_DATES)]
        shown = f"{(enough['trend'] == 'growing').mean():.1%}" if len(enough) else "–"
        grown.append([str(name), f"{growth:.0%}", str(len(enough)), shown])
    heads = ["dates", "lakes", "p < 0.05", "interval holds 0", "called", "steps"]
    lines = ["### Trends of constant lakes", table(heads, told)]
    if grown:
        lines += [
            "### Growing lakes of 0.015 to 0.06 km²",
            table(["dates", "growth", "lakes", "called"], grown),
        ]
    return lines


def independent_series(folder: Path) -> Known:
    """Return the series of the independent simulator."""
    scenes = list(discover([folder]))
    mapped = [
        map_lakes(s, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg") for s in scenes
    ]
    inventory = track(mapped, glaciers=folder / "glaciers.gpkg")
    tables = []
    for scene in scenes:
        truth = gpd.read_file(folder / "truth.gpkg", layer=f"{scene.acquired:%Y-%m-%d}")
        truth = truth.assign(shadow_fraction=truth["in_shadow"].astype(float))
        truth = truth.assign(cloud_shadow_fraction=0.0)
        tables.append(known_of(inventory, scene.acquired, scene.sensor, truth))
    return named("independent", inventory, pd.concat(tables, ignore_index=True))


def mapped_series(kind: str, folder: Path) -> list[Known]:
    """Return all mapped series of a kind of seeds."""
    return [
        *(site_series(seed, site_schedule(), folder, grow=True) for seed in SITES[kind]),
        *(world_series(seed, world_dates(), folder) for seed in WORLDS[kind]),
        *series_for_totals(kind, folder),
    ]


def series_for_totals(kind: str, folder: Path) -> list[Known]:
    """Return series of two dates each."""
    of_sites, of_worlds = TOTALS[kind]
    many = [site_series(seed, totals_schedule(seed), folder, grow=False) for seed in of_sites]
    few = [("LC08", "2017-08-18"), ("S2A", "2020-08-18")]
    return many + [world_series(seed, few, folder) for seed in of_worlds]


def of_mapped_part(kind: str, folder: Path) -> list[str]:
    sites = [site_series(seed, site_schedule(), folder, grow=True) for seed in SITES[kind]]
    worlds = [world_series(seed, world_dates(), folder) for seed in WORLDS[kind]]
    return [
        "## Mapped sites, Landsat 8 and Sentinel-2",
        *of_mapped(sites),
        *of_mapped_trends(sites),
        "## Mapped worlds, Landsat 7, Landsat 8 and Sentinel-2",
        *of_mapped(worlds),
        *of_mapped_trends(worlds),
        "### Sums of a date",
        of_totals([*sites, *worlds]),
    ]


def of_sums_part(kind: str, _folder: Path) -> list[str]:
    found = pd.DataFrame([*table_sums(SUMS[kind])])
    return ["## Sums of lakes, series without images", of_sums(found)]


def of_unlike_part(kind: str, _folder: Path) -> list[str]:
    heads = ["dates", "Sentinel-2 draws", "lakes", "p < 0.05", "interval holds 0"]
    return [
        "## Constant lakes of instruments that draw unlike, series without images",
        table([*heads, "called", "steps"], unlike_tables(UNLIKE_SEEDS[kind])),
    ]


def of_totals_part(kind: str, folder: Path) -> list[str]:
    return ["## Sums of the lakes of a date", of_totals(series_for_totals(kind, folder))]


def of_independent_part(_kind: str, _folder: Path) -> list[str]:
    root = os.environ.get("GLACIAL_LAKES_DATA")
    if not root:
        return []
    other = independent_series(Path(root) / "independent_truth" / "series")
    return ["## The independent series", *of_mapped([other]), of_totals([other])]


PARTS = {
    "tables": lambda kind, _: ["## Series without images", *of_tables(kind)],
    "unlike": of_unlike_part,
    "sums": of_sums_part,
    "mapped": of_mapped_part,
    "totals": of_totals_part,
    "independent": of_independent_part,
}
"""Parts of the document, each between marks of its own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--only", choices=[*PARTS])
    parser.add_argument("--shares", action="store_true", help="fit what lakes have in common")
    options = parser.parse_args()
    if options.shares:
        rows = [observed(one) for one in mapped_series("development", options.folder)]
        shared, date = shares_in_common(pd.concat(rows, ignore_index=True))
        print(f"COMMON_SHARE {shared:.2f}, COMMON_DATE_SHARE {date:.2f}")
        return
    kind = "kept" if options.kept else "development"
    for part in [options.only] if options.only else PARTS:
        lines = PARTS[part](kind, options.folder)
        if lines:
            text = "\n\n".join(lines)
            print(text)
            if options.kept:
                rewrite(
                    DOCUMENT,
                    text,
                    (f"<!-- measured: {part} -->", f"<!-- end of measured: {part} -->"),
                )


if __name__ == "__main__":
    main()
