"""How well lakes keep their identity, and which events are told.

    GLACIAL_LAKES_DATA=… python benchmarks/tracking.py    # rewrites docs/tracking.md, 15 minutes
    python benchmarks/tracking.py --only busy             # the busy series alone, 6 minutes
    python benchmarks/tracking.py --development           # busy series of development, printed

Three levels. Outlines that others drew, without their codes: do the links agree with the codes?
Outlines of a known truth, moved and roughened: what does tracking alone do wrong? Scenes, mapped
here: what is told in the end, and why is the rest missed?
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from accuracy_tables import table
from busy_series import busy_series
from documents import rewrite
from known_truth import (
    TRACKING,
    Events,
    Identities,
    compared_events,
    fed,
    identities,
    images_of,
    joint_idf1,
    true_events,
    truth_of,
    truth_tables,
    without_shade,
)
from lineage_metrics import Lineage

from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.ingest.reading import read_outlines
from glacial_lakes.inventory.build import track
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import discover, sensors
from glacial_lakes.simulate.sample import SCHEDULE
from glacial_lakes.simulate.series import simulate_series
from glacial_lakes.simulate.site import make_site

DOCUMENT = Path(__file__).parents[1] / "docs" / "tracking.md"
SITES = (41, 42, 43, 51, 52, 53, 54, 55)
"""The first three were looked at while the method was made, the others were not."""
BUSY = {"development": range(20_330, 20_342), "kept": range(97_600, 97_604)}
"""Seeds of busy series; kept ones are looked into by nobody. 97,500 to 97,505 were kept before, and
showed that a lake which the last image alone shows has not come: they are no longer."""
SEEDS = range(8)
YEARS = (2000, 2010, 2020)
SUDDEN = ("appeared", "drained")
SHRUNK = 0.85
"""A hidden lake counts as reported shrunk when its area is below this share of the truth."""
HIDDEN_M2 = 2_000.0


# Outlines that others drew


@dataclass(frozen=True)
class Survey:
    """Outlines of one file with the code that the digitisers gave and the identity given here."""

    year: int
    rows: pd.DataFrame
    """``code, lake_id, area_m2, outline``."""


def surveys_of(folder: Path) -> tuple[Inventory, list[Survey]]:
    """Track the outlines of the Indus basin without looking at their codes."""
    drawn = [read_outlines(folder / f"HKH_{year}_indus.shp")[0] for year in YEARS]
    inventory = track(
        [replace(one, outlines=one.outlines.drop(columns="lake_id")) for one in drawn]
    )
    surveys = []
    for year, survey in zip(YEARS, drawn, strict=True):
        one, scene = survey.outlines, survey.coverage.scene_id
        given = inventory.outlines[inventory.outlines["scene_id"] == scene].to_crs(EQUAL_AREA)
        ground = one.to_crs(EQUAL_AREA).geometry.to_numpy()
        place, found = shapely.STRtree(given.geometry.to_numpy()).query(
            shapely.point_on_surface(ground), predicate="intersects"
        )
        rows = pd.DataFrame({"code": one["lake_id"], "area_m2": one["area_m2"], "outline": ground})
        rows.loc[place, "lake_id"] = given["lake_id"].to_numpy()[found]
        surveys.append(Survey(year, rows))
    return inventory, surveys


def links(old: Survey, new: Survey) -> pd.DataFrame:
    """Return the pairs of outlines that overlap, and who says that they are one lake."""
    one, other = old.rows["outline"].to_numpy(), new.rows["outline"].to_numpy()
    i, j = shapely.STRtree(other).query(one, predicate="intersects")
    shared = shapely.area(shapely.intersection(one[i], other[j]))
    i, j = i[shared > 0], j[shared > 0]
    before, after = old.rows.iloc[i].reset_index(), new.rows.iloc[j].reset_index()
    return pd.DataFrame(
        {
            "old": before["code"],
            "new": after["code"],
            "years": f"{old.year}–{new.year}",
            "areas": [
                f"{a:.0f} → {b:.0f}"
                for a, b in zip(before["area_m2"], after["area_m2"], strict=True)
            ],
            "digitisers": before["code"] == after["code"],
            "ours": before["lake_id"] == after["lake_id"],
            "twice": [
                (old.rows["code"] == a).sum() > 1 or (new.rows["code"] == b).sum() > 1
                for a, b in zip(before["code"], after["code"], strict=True)
            ],
        }
    )


def came_and_went(surveys: Sequence[Survey]) -> pd.DataFrame:
    """Return the outlines that continue no lake, and the lakes that have no outline any more."""
    rows = []
    for number, (old, new) in enumerate(pairwise(surveys)):
        known = pd.concat([survey.rows for survey in surveys[: number + 1]])
        for kind, here, there, ids in (
            ("first outline", new.rows, known, known),
            ("no outline", old.rows, new.rows, new.rows),
        ):
            tree = shapely.STRtree(there["outline"].to_numpy())
            for row in here[~here["lake_id"].isin(ids["lake_id"])].itertuples():
                near = there.iloc[tree.query(row.outline, predicate="intersects")]
                overlaps = bool((shapely.area(shapely.intersection(
                    near["outline"].to_numpy(), row.outline)) > 0).any())  # fmt: skip
                same_code = bool((there["code"] == row.code).any())
                away = there[there["code"] == row.code]["outline"]
                reason = "no outline there in the other survey"
                if overlaps:
                    reason = "part of a lake that split or merged"
                elif same_code:
                    metres = min(shapely.distance(row.outline, other) for other in away)
                    reason = f"the code is {metres:.0f} m away, no common ground"
                told = {"what": f"{kind} in {new.year}", "code": row.code, "reason": reason}
                rows.append(told | {"area_m2": row.area_m2, "digitisers": not same_code})
    return pd.DataFrame(rows)


def drawn_by_others(folder: Path) -> str:
    """Tell how links agree with the digitisers', and explain what differs."""
    inventory, surveys = surveys_of(folder)
    pairs = pd.concat([links(old, new) for old, new in pairwise(surveys)], ignore_index=True)
    agrees = pairs["ours"] == pairs["digitisers"]
    changes = came_and_went(surveys)
    counts = changes.groupby(["what", "reason"])["digitisers"].agg(["size", "sum"]).reset_index()
    events = inventory.events["event"].value_counts()
    lines = [
        f"Overlapping pairs of outlines: {len(pairs)}. Linked as the digitisers linked them: "
        f"{agrees.sum()} ({agrees.mean():.2%}). Pairs whose codes were given to one outline a "
        f"survey: {(~pairs['twice']).sum()}, of these as the digitisers: "
        f"{agrees[~pairs['twice']].mean():.2%}.",
        f"Lakes: {len(inventory.lakes)}. Events: "
        + ", ".join(f"{count} {name}" for name, count in events.sort_index().items())
        + ".",
        "Pairs that differ; in each the digitisers gave one code to several outlines of a survey:",
        table(
            ["years", "codes", "area m²", "digitisers", "ours"],
            [
                [row.years, f"{row.old} → {row.new}", row.areas, *_one(row.digitisers, row.ours)]
                for row in pairs[~agrees].itertuples()
            ],
        ),
        "Splits and merges:",
        table(
            ["event", "codes before", "codes after", "area m²"],
            [_lineage(event, surveys) for event in inventory.events.itertuples()],
        ),
        "Outlines without a predecessor, and lakes without a successor:",
        table(
            ["what", "why", "lakes", "so say the digitisers' codes"],
            [[row.what, row.reason, str(row.size_), str(row.sum_)] for row in
             counts.rename(columns={"size": "size_", "sum": "sum_"}).itertuples()],
        ),
    ]  # fmt: skip
    return "\n\n".join(lines)


def _one(*answers: bool) -> list[str]:
    return ["one lake" if answer else "two lakes" for answer in answers]


def _lineage(event: pd.Series, surveys: Sequence[Survey]) -> list[str]:
    codes = []
    for ids, day in ((event.from_ids, event.after), (event.to_ids, event.date)):
        survey = min(surveys, key=lambda one: abs(one.year - day.year))
        here = survey.rows[survey.rows["lake_id"].isin(ids.split())]
        codes.append(" + ".join(sorted(here["code"])))
    area = f"{event.area_before_m2:.0f} → {event.area_after_m2:.0f}"
    return [event.event, *codes, area]


# Outlines of a known truth, and scenes


@dataclass(frozen=True)
class Result:
    """An inventory compared with the truth."""

    name: str
    found: Identities
    events: Events
    truth: pd.DataFrame
    hidden: int
    shrunk: int
    with_shade: Identities
    """Identities where lakes in shade count as in view."""
    parts: int
    """Outlines of cut lakes."""
    too_large: int
    """Such parts that are larger than their lake by a tenth or more."""
    lineage: Lineage
    withheld: pd.DataFrame
    """``status`` and ``around`` of the lake-dates in view that were found and have no area."""

    @property
    def either(self) -> Identities:
        """Identities where a split or merge leaves the name to either lake."""
        return self.found.with_either_name(self.truth)


def compared(
    name: str, inventory: Inventory, folder: Path, truth: dict[str, gpd.GeoDataFrame]
) -> Result:
    """Compare an inventory with the truth of its folder."""
    images = images_of(folder)
    by_day = pd.Series({day: image.sensor for day, (_, image) in images.items()})
    pixels = sensors.pixel_m(by_day).to_dict()
    found = identities(inventory.outlines, truth, pixels)
    happened = true_events(folder)
    events = compared_events(inventory.events, happened, found.pairs)
    with_shade = identities(inventory.outlines, truth_of(folder), pixels)
    hides = hidden(inventory, truth, found.pairs)
    lineage = found.lineage(inventory.events, happened)
    of_parts = parts(inventory, truth)
    why = withheld(inventory, found.pairs)
    return Result(name, found, events, happened, *hides, with_shade, *of_parts, lineage, why)


def withheld(inventory: Inventory, pairs: pd.DataFrame) -> pd.DataFrame:
    """Tell why lakes in view have no area, and where else in time the lake was seen whole."""
    day = inventory.outlines["acquired"].dt.strftime("%Y-%m-%d")
    rows = pd.DataFrame(inventory.outlines[["lake_id", "status"]]).assign(day=day)
    whole = rows[rows["status"] == "observed"].groupby("lake_id")["day"]
    first, last = whole.min(), whole.max()
    cut = pairs[~pairs["whole"]].merge(rows, on=["lake_id", "day"], how="left")
    before = cut["lake_id"].map(first).fillna("~") < cut["day"]
    after = cut["lake_id"].map(last).fillna("") > cut["day"]
    sides = [before & after, before | after]
    around = np.select(sides, ["before and after", "on one side"], "never")
    return cut[["status"]].assign(around=around)


def parts(inventory: Inventory, truth: dict[str, gpd.GeoDataFrame]) -> tuple[int, int]:
    """Count the outlines of cut lakes, and those that are larger than any lake below."""
    cut = inventory.outlines[inventory.outlines["status"] != "observed"]
    day_of_row = cut["acquired"].dt.strftime("%Y-%m-%d")
    too_large = 0
    for day, lakes in truth.items():
        drawn = cut[day_of_row == day].to_crs(lakes.crs).geometry.to_numpy()
        true = lakes.geometry.to_numpy()
        part, lake = shapely.STRtree(true).query(drawn, predicate="intersects")
        largest = np.zeros(len(drawn))
        np.maximum.at(largest, part, shapely.area(true)[lake])
        too_large += int((shapely.area(drawn) > 1.1 * largest).sum())
    return len(cut), too_large


def hidden(
    inventory: Inventory, truth: dict[str, gpd.GeoDataFrame], pairs: pd.DataFrame
) -> tuple[int, int]:
    """Count lake-dates that are hidden or frozen, and those that are reported as shrunk."""
    counts = pairs.groupby("lake_id")["true_id"].nunique()
    known = pairs[pairs["lake_id"].map(counts) == 1].drop_duplicates("true_id")
    lake_of = known.set_index("true_id")["lake_id"]
    day_of_row = inventory.observations["acquired"].dt.strftime("%Y-%m-%d")
    total = shrunk = 0
    for day, lakes in truth.items():
        areas = inventory.observations[day_of_row == day].groupby("lake_id")["area_m2"].min()
        covered = (lakes["observed_fraction"] < 0.9) | (lakes["frozen_fraction"] > 0.5)
        covered &= (lakes["area_m2"] > HIDDEN_M2) & lakes["lake_id"].isin(lake_of.index)
        told = lakes[covered]["lake_id"].map(lake_of).map(areas).astype("float64")
        total += len(told)
        shrunk += int((told < SHRUNK * lakes[covered]["area_m2"]).sum())
    return total, shrunk


def simulated(seed: int) -> list[Result]:
    """Simulate a site of this project; compare its true outlines and its mapped scenes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_series(make_site(seed), SCHEDULE, folder)
        results = [alone(f"site {seed}, outlines {noise}", folder, noise) for noise in range(2)]
        shown = without_shade(truth_of(folder))
        return [*results, mapped(f"site {seed}", folder, folder / "scenes", shown)]


def alone(name: str, folder: Path, seed: int) -> Result:
    """Track the true outlines of a folder, moved and roughened."""
    tables = truth_tables(folder, seed)
    inventory, happened = track(tables), true_events(folder)
    found = identities(inventory.outlines, fed(tables))
    events = compared_events(inventory.events, happened, found.pairs)
    lineage = found.lineage(inventory.events, happened)
    none = pd.DataFrame({"status": [], "around": []})  # these outlines have areas
    return Result(name, found, events, happened, 0, 0, found, 0, 0, lineage, none)


def mapped(name: str, folder: Path, scenes: Path, truth: dict[str, gpd.GeoDataFrame]) -> Result:
    """Map and track the scenes of a folder."""
    files = {"dem": folder / "dem.tif", "glaciers": folder / "glaciers.gpkg"}
    inputs = {what: path for what, path in files.items() if path.exists()}
    inventory = track([map_lakes(scene, **inputs) for scene in discover([scenes])])
    return compared(name, inventory, folder, truth)


def busy(seed: int) -> Result:
    """Map and track a busy series."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        busy_series(seed, folder)
        shown = without_shade(truth_of(folder))
        return mapped(f"busy {seed}", folder, folder / "scenes", shown)


def of_outlines(results: Iterable[Result]) -> str:
    """Tell what tracking alone does with true outlines."""
    rows = [
        [
            result.name,
            str(result.found.n_true),
            f"{result.found.idf1:.4f}",
            f"{result.either.idf1:.4f}",
            f"{result.lineage.tra:.4f}",
            _share(result.lineage.division_f1),
            f"{len(result.events.right)} of {len(result.events.right) + len(result.events.false)}",
            f"{len(result.events.found)} of {len(_tellable(result))}",
        ]
        for result in results
    ]
    head = ["series", "lake-dates", "IDF1", "IDF1, either name", "TRA", "division F1"]
    head += ["events right", "events found"]
    return table(head, rows)


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _tellable(result: Result) -> list[int]:
    """Return the true events whose lakes the outlines show: the others nobody can tell."""
    missed = result.events.missed
    return [row for row in result.truth.index if missed.get(row, TRACKING) == TRACKING]


def of_scenes(results: Sequence[Result]) -> str:
    """Tell what is told of mapped scenes, and why the rest is missed."""
    rows = [_of_series(result.name, [result]) for result in results]
    for kind, name in (("site", "all sites"), ("busy", "all busy series")):
        group = [result for result in results if result.name.startswith(kind)]
        if group:
            rows.append(_of_series(name, group))
    head = ["series", "lake-dates", "IDF1", "shaded lakes too", "of those mapped"]
    head += ["TRA", "division F1", "withheld"]
    head += ["events right", "events found", "sudden right", "sudden found"]
    head += ["hidden told as shrunk", "parts too large"]
    missed = [
        [result.name, event.event, event.lake_id, event.date, result.events.missed[event.Index]]
        for result in results
        for event in result.truth.itertuples()
        if event.Index in result.events.missed
    ]
    false = [[result.name, line] for result in results for line in result.events.false]
    parts = [table(head, rows), of_withheld(results)]
    parts.append(table(["series", "event", "lake", "date", "why it is missed"], missed))
    if false:
        parts.append(table(["series", "told, and not so in the truth"], false))
    return "\n\n".join(parts)


def _of_series(name: str, results: Sequence[Result]) -> list[str]:
    """Return the row of a series, or of several; their graphs are not one."""
    events = [result.events for result in results]
    sudden = [result.truth.index[result.truth["event"].isin(SUDDEN)] for result in results]
    right, false = (
        [line for one in events for line in getattr(one, kind)] for kind in ("right", "false")
    )
    told = [line for line in right if line.split()[0] in SUDDEN]
    wrong = [line for line in false if line.split()[0] in SUDDEN]
    found = sum(len({*rows} & {*one.found}) for rows, one in zip(sudden, events, strict=True))
    hits = [result.found.pairs for result in results]
    alone = results[0].lineage if len(results) == 1 else None
    return [
        name,
        str(sum(result.found.n_true for result in results)),
        f"{joint_idf1(result.found for result in results):.3f}",
        f"{joint_idf1(result.with_shade for result in results):.3f}",
        f"{joint_idf1(Identities(pairs, pairs, pairs) for pairs in hits):.3f}",
        f"{alone.tra:.3f}" if alone else "",
        _share(alone.division_f1) if alone else "",
        f"{sum(result.found.n_withheld for result in results)} of {sum(map(len, hits))}",
        f"{len(right)} of {len(right + false)}",
        f"{sum(len(one.found) for one in events)} of {sum(len(one.truth) for one in results)}",
        f"{len(told)} of {len(told + wrong)}",
        f"{found} of {sum(map(len, sudden))}",
        f"{sum(one.shrunk for one in results)} of {sum(one.hidden for one in results)}",
        f"{sum(one.too_large for one in results)} of {sum(one.parts for one in results)}",
    ]


def of_withheld(results: Sequence[Result]) -> str:
    """Tell the reasons of the lake-dates that are withheld, and whether the lake is seen whole."""
    heads = ["before and after", "on one side", "never"]
    rows = [
        [result.name, status, *(str((part["around"] == head).sum()) for head in heads)]
        for result in results
        for status, part in result.withheld.groupby("status")
    ]
    return table(["withheld of", "as", *(f"seen whole: {head}" for head in heads)], rows)


def of_series() -> str:
    """Tell what becomes of outlines that others drew, of known outlines and of mapped series."""
    data = Path(os.environ["GLACIAL_LAKES_DATA"])
    series = data / "independent_truth" / "series"
    with ProcessPoolExecutor(2) as pool:
        sites = [result for part in pool.map(simulated, SITES) for result in part]
    outlines = [alone(f"other simulator, outlines {seed}", series, seed) for seed in SEEDS]
    outlines += [result for result in sites if "outlines" in result.name]
    scenes = [mapped("other simulator", series, series, truth_of(series))]
    scenes += [result for result in sites if "outlines" not in result.name]
    return "\n\n".join(
        [
            "## Outlines that others drew",
            drawn_by_others(data / "hkh_indus_lakes"),
            "## Outlines of a known truth",
            of_outlines(outlines),
            "## Mapped scenes",
            of_scenes(scenes),
        ]
    )


def of_busy(kind: str) -> str:
    """Tell what becomes of busy series."""
    with ProcessPoolExecutor(2) as pool:
        return "## Busy series\n\n" + of_scenes([*pool.map(busy, BUSY[kind])])


PARTS = {
    "series": (of_series, ("<!-- measured -->", "<!-- end of measured -->")),
    "busy": (
        lambda: of_busy("kept"),
        ("<!-- measured: busy -->", "<!-- end of measured: busy -->"),
    ),
}
"""Parts of the document, each between marks of its own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--development", action="store_true", help="busy development series alone")
    parser.add_argument("--only", choices=[*PARTS], help="rewrite this part alone")
    options = parser.parse_args()
    if options.development:
        print(of_busy("development"))
        return
    for name in [options.only] if options.only else PARTS:
        told, marks = PARTS[name]
        text = told()
        print(text)
        rewrite(DOCUMENT, text, marks)


if __name__ == "__main__":
    main()
