"""The tables of ``accuracy.py``, from one row a lake and one an outline."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from glacial_lakes.validation.intervals import Estimate, bootstrap, median, wilson

OURS = "glacial_lakes"
BRIGHT = ("turbid", "very turbid")
WEATHER = ("cloud 15 %", "cloud 40 %", "cloud 60 %", "cloud 30 %", "fresh snow", "low sun")
SENSORS = {"S2A": "Sentinel-2", "S2B": "Sentinel-2", "LC08": "Landsat 8/9", "LC09": "Landsat 8/9"}
SENSORS |= {"LT05": "Landsat 5", "LE07": "Landsat 7"}


SIGMA_SIZES = ((0, 1e4), (1e4, 5e4), (5e4, 1e5), (1e5, np.inf))
COVERAGE = {1: (0.63, 0.73), 2: (0.92, 0.98)}
"""Shares of true areas that are aimed at within one and two standard deviations."""
MIN_AREAS = 20
"""Fewer say too little of a share."""


def f1(lakes: pd.DataFrame, outlines: pd.DataFrame, low: float = 0, high: float = np.inf) -> float:
    """F1 at IoU >= 0.5 of the lakes and outlines of a size."""
    wanted = lakes[lakes["counted"] & lakes["area_m2"].between(low, high, inclusive="left")]
    recall, precision = wanted["hit"].mean(), claims(outlines, low, high)["hit"].mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def claims(outlines: pd.DataFrame, low: float = 0, high: float = np.inf) -> pd.DataFrame:
    """Outlines that claim to be a whole lake: the seen part of a hidden one claims nothing."""
    part_of_lake = outlines["true"] & (outlines["status"] != "observed") & ~outlines["hit"]
    of_size = outlines["area_m2"].between(low, high, inclusive="left")
    return outlines[outlines["counted"] & ~part_of_lake & of_size]


def errors(lakes: pd.DataFrame, low: float = 0, high: float = np.inf) -> pd.Series:
    """Relative area errors of the hits that state an area."""
    of_size = lakes["area_m2"].between(low, high, inclusive="left")
    chosen: pd.Series = lakes.loc[of_size & lakes["hit"], "area_error"].dropna().astype(float)
    return chosen


def shore_rmse_px(lakes: pd.DataFrame) -> float:
    """Root mean square distance of outlines from the shore, pointing error taken out."""
    hit = lakes[lakes["hit"] & lakes["area_error"].notna()]
    total = hit["centred_shore_sum_m2"] / hit["pixel"] ** 2
    count = hit["centred_shore_points"].sum()
    return float(np.sqrt(total.sum() / count)) if count else np.nan


def coverage(lakes: pd.DataFrame, sigmas: float) -> Estimate:
    """Share of true areas within so many standard deviations."""
    hit = lakes[lakes["hit"] & lakes["area_error"].notna()]
    away = (hit["area_error"] * hit["area_m2"]).abs() / hit["area_sigma_m2"]
    return wilson(float((away <= sigmas).sum()), len(hit))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _percent(value: float, *, signed: bool = False) -> str:
    return "–" if np.isnan(value) else f"{100 * value:{'+' if signed else ''}.2f}"


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f}–{estimate.high:.2f})"


def by_condition(lakes: pd.DataFrame, outlines: pd.DataFrame) -> str:
    """One row a sensor and condition, the plain methods beside."""
    plain = [name for name in lakes["method"].unique() if name != OURS]
    rows = []
    for (sensor, condition), every in lakes.groupby(["family", "condition"], sort=False):
        low = 2_000.0 if sensor == "Sentinel-2" else 20_000.0
        own = every[every["method"] == OURS]
        found = outlines[(outlines["family"] == sensor) & (outlines["condition"] == condition)]
        own_found = claims(found[found["method"] == OURS], low)
        shown = own[own["shown"] & (own["area_m2"] >= low)]
        size = errors(own, 10_000)
        rows.append(
            [
                f"{sensor}, {condition}",
                str(own["site"].nunique()),
                str(len(shown)),
                _interval(wilson(own_found["hit"].sum(), len(own_found))),
                _interval(wilson(shown["hit"].sum(), len(shown))),
                _share(f1(own, found[found["method"] == OURS], low)),
                _percent(size.abs().median()),
                _percent(size.median(), signed=True),
                *(
                    _share(f1(every[every["method"] == name], found[found["method"] == name], low))
                    for name in plain
                ),
            ]
        )
    head = ["images", "scenes", "lakes shown whole", "precision", "recall of these", "F1"]
    head += ["median area error %", "signed %", *(f"F1 of {name}" for name in plain)]
    return table(head, rows)


def by_size(own: pd.DataFrame, found: pd.DataFrame) -> str:
    """Clear scenes by size."""
    limits = {
        "Sentinel-2": (2e3, 1e4, 5e4, 1e5, np.inf),
        "Landsat 8/9": (1e4, 2e4, 5e4, 1e5, np.inf),
        "Landsat 5": (1e4, 2e4, 5e4, 1e5, np.inf),
        "Landsat 7": (1e4, 2e4, 5e4, 1e5, np.inf),
    }
    rows = []
    for sensor, edges in limits.items():
        lakes = own[(own["family"] == sensor) & (own["condition"] == "clear")]
        outlines = found[(found["family"] == sensor) & (found["condition"] == "clear")]
        for low, high in itertools.pairwise(edges):
            size = errors(lakes, low, high)
            of_size = lakes[lakes["area_m2"].between(low, high, inclusive="left")]
            name = f"{low / 1e6:g}–{high / 1e6:g}" if np.isfinite(high) else f"> {low / 1e6:g}"
            rows.append(
                [
                    sensor,
                    name,
                    str(int(of_size["counted"].sum())),
                    _share(f1(lakes, outlines, low, high)),
                    _percent(size.abs().median()),
                    _percent(size.median(), signed=True),
                    f"{shore_rmse_px(of_size):.2f}",
                ]
            )
    head = ["clear scenes", "km²", "lakes", "F1", "median area error %", "signed %"]
    return table([*head, "shore RMSE, pixels"], rows)


def shore_errors(own: pd.DataFrame, low: float = 1e4) -> dict[tuple[str, str], pd.DataFrame]:
    """Lakes with an area on clear Sentinel-2 scenes, by water and shore."""
    lakes = own[(own["family"] == "Sentinel-2") & (own["condition"] == "clear")]
    lakes = lakes[lakes["shown"] & (lakes["area_m2"] >= low)]
    lakes = lakes[lakes["hit"] & lakes["area_error"].notna()]
    return {
        (water, shore): lakes[(lakes["water"].isin(BRIGHT) == bright) & (lakes["shore"] == shore)]
        for water, bright in (("clear or green", False), ("turbid", True))
        for shore in ("moraine", "vegetated", "ice")
    }


def median_bias(lakes: pd.DataFrame) -> Estimate:
    """Median signed area error with its interval."""
    return bootstrap(lakes["area_error"].to_numpy(dtype=float)[:, None], median, seed=1)


def by_shore(own: pd.DataFrame) -> str:
    """Bias and shore error on clear Sentinel-2 scenes by water and shore."""
    rows = []
    with_small = shore_errors(own, 2e3)
    for (water, shore), lakes in shore_errors(own).items():
        bias = median_bias(lakes)
        every = with_small[water, shore]
        off_m = (lakes["centred_shore_sum_m"] / lakes["centred_shore_points"]).median()
        total = (lakes["area_error"] * lakes["area_m2"]).sum() / max(1.0, lakes["area_m2"].sum())
        interval = "–" if np.isnan(bias.low) else f"{100 * bias.low:+.2f} to {100 * bias.high:+.2f}"
        rows.append(
            [
                water,
                shore,
                str(len(lakes)),
                f"{_percent(bias.value, signed=True)} ({interval})",
                _percent(total, signed=True),
                _percent(lakes["area_error"].abs().median()),
                f"{lakes['area_m2'].median() / 1e6:.3f}",
                f"{off_m:+.2f}",
                f"{len(every)}: {_percent(median_bias(every).value, signed=True)}",
            ]
        )
    head = ["water", "most of the shore", "lakes", "median bias %", "bias of the sum %"]
    head += ["median error %", "median km²", "shore off by m"]
    return table([*head, "lakes from 0.002 km²: median bias %"], rows)


def sigma_classes(own: pd.DataFrame) -> Iterable[tuple[str, float, float, pd.DataFrame]]:
    """Yield sensor, limits of size, and the lakes with an area, where there are enough."""
    for sensor, lakes in own.groupby("family", sort=False):
        for low, high in SIGMA_SIZES:
            part = lakes[lakes["area_m2"].between(low, high, inclusive="left")]
            if len(errors(part)) >= MIN_AREAS:
                yield str(sensor), low, high, part


def by_sigma(own: pd.DataFrame) -> str:
    """Coverage of the stated standard deviation, all conditions."""
    rows = []
    for sensor, low, high, part in sigma_classes(own):
        name = f"{low / 1e6:g}–{high / 1e6:g}" if np.isfinite(high) else f"> {low / 1e6:g}"
        shares = [_interval(coverage(part, sigmas)) for sigmas in COVERAGE]
        rows.append([sensor, name, str(len(errors(part))), *shares])
    return table(["images", "km²", "areas", "within one", "within two"], rows)


def outside(own: pd.DataFrame, sigmas: int) -> tuple[int, int]:
    """Count the classes whose coverage is not what is aimed at, and whose interval excludes it."""
    least, most = COVERAGE[sigmas]
    shares = [coverage(part, sigmas) for *_, part in sigma_classes(own)]
    off = [share for share in shares if not least <= round(share.value, 2) <= most]
    return len(off), sum(share.high < least or share.low > most for share in off)


def targets(own: pd.DataFrame, found: pd.DataFrame) -> str:
    """What is aimed at, and what is measured."""

    def of(sensor: str, *conditions: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        lakes, outlines = (
            part[
                part["family"].str.startswith(sensor)
                & (part["condition"].isin(conditions) if conditions else True)
            ]
            for part in (own, found)
        )
        return lakes, outlines

    clear, clear_found = of("Sentinel-2", "clear")
    landsat, landsat_found = of("Landsat", "clear")
    rough, rough_found = of("", *WEATHER)
    shown = rough[rough["shown"] & (rough["area_m2"] >= np.where(rough["pixel"] > 20, 2e4, 2e3))]
    rough_found = claims(rough_found)
    rough_found = rough_found[
        rough_found["area_m2"] >= np.where(rough_found["pixel"] > 20, 2e4, 2e3)
    ]
    one_kind = clear["homogeneous"].astype(bool) & (clear["area_m2"] >= 1e4)
    mixed = ~clear["homogeneous"].astype(bool) & (clear["area_m2"] >= 1e4)
    false = found[found["counted"] & ~found["true"] & (found["area_m2"] >= 1e4)]
    scenes = own.groupby(["site", "sensor", "condition"]).ngroups
    spoiled = false.groupby(["site", "sensor", "condition"]).ngroups
    at_least: Callable[[float, float], bool] = lambda value, limit: value >= limit  # noqa: E731
    at_most: Callable[[float, float], bool] = lambda value, limit: value <= limit  # noqa: E731
    asked = [
        ("Sentinel-2 clear, F1, >= 0.01 km²", f1(clear, clear_found, 1e4), 0.96, at_least),
        ("Sentinel-2 clear, F1, 0.002–0.01 km²", f1(clear, clear_found, 2e3, 1e4), 0.85, at_least),
        (
            "Sentinel-2 clear, median area error, >= 0.1 km²",
            errors(clear, 1e5).abs().median(),
            0.015,
            at_most,
        ),
        (
            "Sentinel-2 clear, median area error, 0.01–0.1 km²",
            errors(clear, 1e4, 1e5).abs().median(),
            0.04,
            at_most,
        ),
        (
            "Sentinel-2 clear, shore RMSE in pixels, shores of one kind",
            shore_rmse_px(clear[one_kind]),
            0.2,
            at_most,
        ),
        (
            "Sentinel-2 clear, shore RMSE in pixels, mixed shores",
            shore_rmse_px(clear[mixed]),
            0.35,
            at_most,
        ),
        (
            "all images, share without a false lake >= 0.01 km²",
            1 - spoiled / scenes,
            0.95,
            at_least,
        ),
        ("Landsat clear, F1, >= 0.02 km²", f1(landsat, landsat_found, 2e4), 0.93, at_least),
        (
            "Landsat clear, median area error, >= 0.1 km²",
            errors(landsat, 1e5).abs().median(),
            0.03,
            at_most,
        ),
        (
            "Sentinel-2 clear, largest median bias of a water and shore (either sign)",
            max(abs(median_bias(part).value) for part in shore_errors(own).values() if len(part)),
            0.01,
            at_most,
        ),
        (
            "classes with less or more than 68 ± 5 % within one sigma",
            outside(own, 1)[0],
            0,
            at_most,
        ),
        ("classes for which chance does not explain that", outside(own, 1)[1], 0, at_most),
        (
            "classes with less or more than 95 ± 3 % within two sigma",
            outside(own, 2)[0],
            0,
            at_most,
        ),
        ("classes for which chance does not explain this", outside(own, 2)[1], 0, at_most),
        ("cloud, snow, low sun: precision", rough_found["hit"].mean(), 0.95, at_least),
        ("cloud, snow, low sun: recall of lakes shown whole", shown["hit"].mean(), 0.9, at_least),
        (
            "areas of lakes less than 90 % observed",
            float(own["area_though_hidden"].sum()),
            0,
            at_most,
        ),
    ]
    rows = [
        [
            name,
            f"{'>=' if better is at_least else '<='} {limit:g}",
            f"{value:.3f}",
            "met" if better(value, limit) else "**not met**",
        ]
        for name, value, limit, better in asked
    ]
    return table(["target", "limit", "measured", ""], rows)


def report(lakes: pd.DataFrame, outlines: pd.DataFrame) -> str:
    """All tables as Markdown."""
    lakes = lakes.assign(family=lakes["sensor"].map(SENSORS))
    outlines = outlines.assign(family=outlines["sensor"].map(SENSORS))
    own, found = lakes[lakes["method"] == OURS], outlines[outlines["method"] == OURS]
    scenes = own.groupby(["site", "sensor", "condition"]).ngroups
    parts = [
        f"{scenes} scenes of {own['site'].nunique()} sites, {int(own['counted'].sum())} lakes.",
        "### Targets",
        targets(own, found),
        "### By sensor and condition",
        by_condition(lakes, outlines),
        "### By size",
        by_size(own, found),
        "### Bias by water and shore",
        by_shore(own),
        "### Standard deviation of areas",
        by_sigma(own),
    ]
    return "\n\n".join(parts)
