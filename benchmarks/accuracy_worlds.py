"""Accuracy on worlds by seed: by the mean and by the mean of the worst tenth.

Used by ``accuracy.py --worlds``. A world is one measurement: its images show the same ground, so
shares are taken an image first and then over worlds. The worst tenth of forty-eight worlds is the
five worst of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import accuracy_tables
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import open_scene
from glacial_lakes.simulate.worlds import (
    DEVELOPMENT,
    GROUPS,
    KEPT,
    Image,
    World,
    WrittenWorld,
    write_world,
)
from glacial_lakes.validation.validate import validate

SEEDS = {"development": DEVELOPMENT[:48], "kept": KEPT}
LEAST_M2 = {"clear": 2_000.0, "hard": 2_000.0, "landsat": 20_000.0}
"""Smaller lakes count neither as found nor as missed."""
SMALLEST_M2 = {"clear": 500.0, "hard": 500.0, "landsat": 4_500.0}
"""What mapping looks for at all."""
NAMES = {
    "clear": "clear Sentinel-2",
    "hard": "snow, cloud, low sun",
    "landsat": "Landsat",
}
MIN_LAKES = 3
"""Images with fewer lakes of the size say nothing of a share."""
MIN_AREAS = 25
"""A site has a coverage of its own from so many areas on."""
WORST = 0.1


def compared(
    outlines: gpd.GeoDataFrame, image: Image, seed: int, frame: shapely.Polygon | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row a lake and one an outline of an image, compared with its truth.

    A lake that the edge of the image cuts is hit by an outline of its part in the image, whose
    frame is given: what lies outside of it no map can show. Its area and bounds stay those of all
    of the lake.
    """
    group, truth = image.view.group, image.truth
    cut, whole_m2 = pd.Series(False, truth.index), truth.geometry.area
    if frame is not None:
        cut = ~truth.geometry.within(frame)
        inside = truth.geometry.intersection(frame).buffer(0)
        truth = truth.set_geometry(truth.geometry.where(~cut, inside))
    # what lies in the cast shadow of a wall is asked of nobody
    seen = truth["observed_fraction"].where(~truth["in_shadow"].astype(bool), 0.0)
    truth = truth.assign(observed_fraction=seen)
    told = {"site": seed, "group": group, "condition": image.view.condition}
    result = validate(outlines, truth, min_area_m2=SMALLEST_M2[group])
    names = ["lake_id", "observed_fraction", "shadow_fraction", "frozen_fraction"]
    known = truth[[*names, "cloud_shadow_fraction", "kind", "lake_type"]].assign(
        shown=(truth["observed_fraction"] >= 0.999)
        & (truth["shadow_fraction"] < 0.01)
        & (truth["cloud_shadow_fraction"] < 0.01)
        & (truth["frozen_fraction"] < 0.01)
    )
    lakes = result.lakes.drop(columns=known.columns, errors="ignore").join(known)
    lakes.loc[cut, "area_m2"] = whole_m2[cut]
    lakes.loc[cut, "area_error"] = lakes["outline_area_m2"] / lakes["area_m2"] - 1
    status = outlines.get("status", "observed")
    without = outlines[status != "observed"] if "status" in outlines else outlines.iloc[:0]
    covered = np.zeros(len(truth))
    if len(without):
        covered = truth.geometry.intersection(without.geometry.union_all()).area / truth.area
    has_area = lakes["hit"] & lakes["area_error"].notna()
    lakes["withheld"] = ~has_area & (lakes["hit"] | (covered > 0.1))
    lakes["missed"] = ~has_area & ~lakes["withheld"]
    lakes = lakes.join(bounds(without, truth))
    found = result.outlines.assign(status=status)
    return lakes.assign(**told), found.assign(**told)


def bounds(without: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the least and the most that outlines without an area tell of each lake.

    An outline tells of the lake that it lies in by more than half; of several parts of one lake
    the least add up, and the most is the largest; one of them without a bound leaves none.
    """
    told = pd.DataFrame(np.nan, truth.index, ["least_m2", "most_m2"])
    if "area_min_m2" not in without or without.empty:
        return told
    part, lake = truth.sindex.query(without.geometry, predicate="intersects")
    parts = without.geometry.iloc[part]
    shared = parts.intersection(truth.geometry.iloc[lake], align=False).area.to_numpy()
    own = shared > 0.5 * parts.area.to_numpy()
    rows = without.iloc[part[own]]
    by_lake = rows.groupby(truth.index[lake[own]])
    told["least_m2"] = by_lake["area_min_m2"].sum()
    told["most_m2"] = by_lake["area_max_m2"].agg(lambda most: most.max(skipna=False))
    return told


def of_world(
    seed: int, *, folder: Path, outlines: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make, or read again, a world; map its images, or read their outlines; compare."""
    written = write_world(World.of(seed), folder / f"{seed}")
    parts = [
        compared(outlines_of(written, image, outlines), image, seed, frame_of(image))
        for image in written.images
        if _has_lakes(image)
    ]
    lakes, found = (pd.concat(part, ignore_index=True) for part in zip(*parts, strict=True))
    return lakes, found


def frame_of(image: Image) -> shapely.Polygon:
    """Return the frame of an image in the CRS of its truth."""
    grid = open_scene(image.product).grid
    frame = gpd.GeoSeries([shapely.box(*grid.bounds)], crs=grid.crs.to_wkt())
    return frame.to_crs(image.truth.crs).item()


def outlines_of(written: WrittenWorld, image: Image, folder: Path | None) -> gpd.GeoDataFrame:
    """Return the outlines of an image: mapped now, or those that ``map_worlds.py`` wrote."""
    if folder is not None:
        name = f"{written.world.seed}-{image.view.group}.gpkg"
        return gpd.read_file(folder / name, layer="outlines")
    scene = open_scene(image.product)
    mapped = map_lakes(scene, dem=written.dem, glaciers=written.glaciers).outlines
    return mapped.set_geometry(mapped.geometry.to_crs(image.truth.crs))


def _has_lakes(image: Image) -> bool:
    truth = image.truth
    seen = (truth["observed_fraction"] >= 0.5) & (truth["frozen_fraction"] <= 0.5)
    return bool((seen & (truth["area_m2"] >= SMALLEST_M2[image.view.group] * 1.05)).any())


def measures(lakes: pd.DataFrame, found: pd.DataFrame) -> dict[str, float]:
    """Return what is measured of one image."""
    low = LEAST_M2[lakes["group"].iloc[0]]
    counted = lakes[lakes["counted"] & (lakes["area_m2"] >= low)]
    shown = counted[counted["shown"]]
    claims = accuracy_tables.claims(found, low)
    enough, whole = len(counted) >= MIN_LAKES, len(shown) >= MIN_LAKES
    size = accuracy_tables.errors(lakes, low)
    return {
        "f1": accuracy_tables.f1(lakes, found, low) if enough else math.nan,
        "missed": shown["missed"].mean() if whole else math.nan,
        "withheld": shown["withheld"].mean() if whole else math.nan,
        "false": float((~claims["true"]).sum()),
        "false_km2": float(claims.loc[~claims["true"], "area_m2"].sum() / 1e6),
        "area_error": size.abs().median() if len(size) >= MIN_LAKES else math.nan,
    }


def per_world(lakes: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return one row a world and group."""
    rows = []
    for (site, group), own in lakes.groupby(["site", "group"], sort=False):
        outlines = found[(found["site"] == site) & (found["group"] == group)]
        rows.append({"site": site, "group": group, **measures(own, outlines)})
    return pd.DataFrame(rows)


def worst(values: pd.Series, *, high_is_bad: bool) -> float:
    """Return the mean of the worst tenth, of one value at least."""
    known = values.dropna().sort_values(ascending=not high_is_bad)
    return float(known.head(max(1, math.ceil(WORST * len(known)))).mean())


def _within(lakes: pd.DataFrame, sigmas: float) -> pd.Series:
    stated = lakes[lakes["hit"] & lakes["area_error"].notna()]
    away = (stated["area_error"] * stated["area_m2"]).abs() / stated["area_sigma_m2"]
    return (away <= sigmas).astype(float).groupby(stated["site"]).agg(["mean", "size"])


def coverages(lakes: pd.DataFrame) -> tuple[float, float, float, float, int]:
    """Return pooled coverage of one and two sigma, and the 10th percentile of sites of each.

    The last is the number of sites that have areas enough.
    """
    lakes = lakes[lakes["area_m2"] >= lakes["group"].map(LEAST_M2)]
    if "area_sigma_m2" not in lakes or not (lakes["hit"] & lakes["area_error"].notna()).any():
        return math.nan, math.nan, math.nan, math.nan, 0
    pooled, low = [], []
    for sigmas in (1, 2):
        sites = _within(lakes, sigmas)
        pooled.append(float(np.average(sites["mean"], weights=sites["size"])))
        many = sites.loc[sites["size"] >= MIN_AREAS, "mean"]
        low.append(float(many.quantile(0.1)) if len(many) else math.nan)
    return pooled[0], pooled[1], low[0], low[1], len(many)


def report(lakes: pd.DataFrame, found: pd.DataFrame) -> str:
    """Return the tables as Markdown."""
    sites = per_world(lakes, found)
    head = ["images", "worlds", "F1", "missed %", "withheld %", "false", "false km²"]
    head += ["median area error %", "1 σ %", "2 σ %"]
    rows = []
    for group in [*GROUPS, "all"]:
        own = sites if group == "all" else sites[sites["group"] == group]
        if own.empty:
            continue
        areas = coverages(lakes if group == "all" else lakes[lakes["group"] == group])
        rows.append(
            [
                NAMES.get(group, "all"),
                str(own["site"].nunique()),
                _two(own["f1"], 1.0, ".3f", high_is_bad=False),
                _two(own["missed"], 100.0, ".1f", high_is_bad=True),
                _two(own["withheld"], 100.0, ".1f", high_is_bad=True),
                _two(own["false"], 1.0, ".1f", high_is_bad=True),
                _two(own["false_km2"], 1.0, ".3f", high_is_bad=True),
                _two(own["area_error"], 100.0, ".1f", high_is_bad=True),
                f"{100 * areas[0]:.0f}",
                f"{100 * areas[1]:.0f}",
            ]
        )
    whole = coverages(lakes)
    below = (
        f"Each cell: mean of the worlds / mean of their worst tenth. {whole[4]} worlds state "
        f"{MIN_AREAS} areas or more; the 10th percentile of their coverage is "
        f"{100 * whole[2]:.0f} % within one and {100 * whole[3]:.0f} % within two sigma."
    )
    small = lakes[lakes["counted"] & (lakes["group"] == "clear")]
    small = small[small["area_m2"].between(1e3, 5e3)]
    claimed = accuracy_tables.claims(found[found["group"] == "clear"], 1e3, 5e3)
    below += (
        f" Objects of 0.001–0.005 km² on clear Sentinel-2: recall {small['hit'].mean():.2f}, "
        f"precision {claimed['hit'].mean():.2f} ({len(small)} lakes)."
    )
    return accuracy_tables.table(head, rows) + "\n\n" + below + _of_bounds(lakes)


def _of_bounds(lakes: pd.DataFrame) -> str:
    """Return how many lakes without an area lie within the bounds that are told of them."""
    told = lakes[lakes["least_m2"].notna()]
    if told.empty:
        return ""
    above, below = told["area_m2"] >= told["least_m2"], ~(told["area_m2"] > told["most_m2"])
    both = told[told["most_m2"].notna()]
    return (
        f" {len(told)} lakes have an outline without an area: {100 * (above & below).mean():.0f} % "
        f"lie within their bounds ({100 * above.mean():.0f} % above the lower, "
        f"{100 * below.mean():.0f} % below the upper, which {100 * len(both) / len(told):.0f} % "
        f"have; in the middle it is {(both['most_m2'] / both['area_m2']).median():.1f} times and "
        f"the lower {(told['least_m2'] / told['area_m2']).median():.2f} of the true area)."
    )


def _two(values: pd.Series, factor: float, form: str, *, high_is_bad: bool) -> str:
    mean, bad = factor * values.mean(), factor * worst(values, high_is_bad=high_is_bad)
    return f"{mean:{form}} / {bad:{form}}"


def run(
    seeds: Iterable[int], folder: Path, outlines: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the worlds of some seeds; return rows of lakes and of outlines."""
    job = partial(of_world, folder=folder, outlines=outlines)
    with ProcessPoolExecutor(2) as pool:
        parts = list(pool.map(job, seeds))
    lakes, found = (pd.concat(part, ignore_index=True) for part in zip(*parts, strict=True))
    return lakes, found
