"""Lakes through time against a known truth: who is who, and what happened.

A folder of truth has ``truth.gpkg`` (a layer a date with ``lake_id, area_m2, observed_fraction,
frozen_fraction``), ``truth_events.csv`` and products whose names tell dates and sensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from lineage_metrics import Lineage, graph_of, lineage
from scipy.optimize import linear_sum_assignment

from glacial_lakes.ingest.dates import Image, image_of
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.scenes import sensors
from glacial_lakes.schema import FAST_EVENTS

KINDS = {
    "appearance": "appeared",
    "drainage": "drained",
    "disappearance": "drained",
    "split": "split",
    "merge": "merged",
}
"""Names of events in other truths; those of this project's simulator are ours."""
ALIKE = 0.5
"""Intersection over union of an outline with the lake that it shows."""
FAITHFUL = 0.75
"""The same of an outline that shows what becomes of the lake."""
SMALLEST_PIXELS = 10
SEEN, FROZEN = 0.9, 0.1
"""A lake counts where so much of it is in view and no more of it is frozen."""


@dataclass(frozen=True)
class KnownCoverage:
    """Coverage with known gaps: polygons with their status, in one projected CRS."""

    scene_id: str
    acquired: datetime
    sensor: str
    resolution_m: float = 10.0
    is_complete: ClassVar[bool] = True
    hidden: gpd.GeoDataFrame = field(
        default_factory=lambda: gpd.GeoDataFrame({"status": []}, geometry=[], crs=32644)
    )

    def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
        places = geometries.to_crs(self.hidden.crs).to_numpy()
        fraction = np.ones(len(places))
        status = np.full(len(places), "observed", dtype=object)
        tree = shapely.STRtree(self.hidden.geometry.to_numpy())
        place, gap = tree.query(places, predicate="intersects")
        shared = shapely.area(shapely.intersection(places[place], tree.geometries[gap]))
        np.subtract.at(fraction, place, shared / shapely.area(places[place]))
        for row in np.argsort(shared):
            if fraction[place[row]] < 0.9:
                status[place[row]] = self.hidden["status"].iloc[gap[row]]
        return pd.DataFrame(
            {"observed_fraction": fraction.clip(0, 1), "status": status}, index=geometries.index
        )


def truth_of(folder: Path) -> dict[str, gpd.GeoDataFrame]:
    """Return the true lakes by date."""
    path = folder / "truth.gpkg"
    return {str(day): gpd.read_file(path, layer=day) for day, _ in pyogrio.list_layers(path)}


def without_shade(truth: Mapping[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Return the truth of a series of this project; what is in shade does not count as in view."""
    return {
        day: lakes.assign(
            observed_fraction=lakes["observed_fraction"]
            - lakes["cloud_shadow_fraction"]
            - lakes["shadow_fraction"]
        )
        for day, lakes in truth.items()
    }


def images_of(folder: Path) -> dict[str, tuple[str, Image]]:
    """Return name and image of each product of a folder by date."""
    names = (path.name for path in folder.rglob("*") if path.is_dir())
    found = {name: image_of(name) for name in names}
    return {f"{image.time:%Y-%m-%d}": (name, image) for name, image in found.items() if image}


def truth_tables(folder: Path, seed: int) -> list[gpd.GeoDataFrame]:
    """Return true outlines as a good map would give them: shifted, rough, with gaps and misses."""
    rng = np.random.default_rng(seed)
    images = images_of(folder)
    tables = []
    for day, truth in truth_of(folder).items():
        name, image = images[day]
        resolution = sensors.pixel_m(pd.Series([image.sensor])).item()
        east, north = rng.uniform(3, 8, 2) * rng.choice([-1, 1], 2)
        shifted = truth.set_geometry(truth.translate(east, north))
        out_of_view = (truth["observed_fraction"] < SEEN) | (truth["frozen_fraction"] > FROZEN)
        hidden = shifted[out_of_view]
        frozen = hidden["frozen_fraction"] > FROZEN
        gaps = gpd.GeoDataFrame(
            {"status": np.where(frozen, "frozen", "cloud")},
            geometry=hidden.buffer(30).to_numpy(),
            crs=truth.crs,
        )
        acquired = datetime.fromisoformat(f"{day}T05:30:00").replace(tzinfo=UTC)
        small = shifted["area_m2"] < 10_000
        missed = small & (rng.random(len(shifted)) < 0.05)
        seen = shifted.drop(index=hidden.index)
        seen = seen[~missed.loc[seen.index] & (seen["area_m2"] >= 5 * resolution**2)]
        rough = rng.normal(0, 0.035, len(seen)) * np.sqrt(seen.area) / 2 / np.sqrt(np.pi)
        mapped = gpd.GeoDataFrame(
            {
                "true_id": seen["lake_id"],
                "observed_fraction": seen["observed_fraction"],
                "status": "observed",
                "quality": "good",
            },
            geometry=seen.buffer(rough),
            crs=truth.crs,
        )
        mapped["area_m2"] = mapped.area
        mapped["area_sigma_m2"] = 0.05 * mapped.area
        coverage = KnownCoverage(name, acquired, str(image.sensor), resolution, gaps)
        tables.append(MappedScene(mapped, coverage))
    return tables


@dataclass(frozen=True)
class Identities:
    """Which identity the outline of each true lake was given on each date."""

    pairs: pd.DataFrame
    """``day, true_id, lake_id, faithful, whole``, one row a true lake that was found."""
    true: pd.DataFrame
    """``day, true_id`` of the true lakes that count."""
    found: pd.DataFrame
    """``day, lake_id`` of the outlines that claim to be one."""

    @property
    def n_true(self) -> int:
        """True lakes that count."""
        return len(self.true)

    @property
    def n_found(self) -> int:
        """Outlines that claim to be one."""
        return len(self.found)

    @property
    def n_withheld(self) -> int:
        """Lakes in view that were found, but have no area because a part seems hidden."""
        return int((~self.pairs["whole"]).sum())

    def lineage(self, told: pd.DataFrame, truth: pd.DataFrame) -> Lineage:
        """Return the measures of the Cell Tracking Challenge.

        Parameters
        ----------
        told : pandas.DataFrame
            :data:`glacial_lakes.schema.LAKE_EVENTS`.
        truth : pandas.DataFrame
            From :func:`true_events`.
        """
        branches = ("split", "merged")
        real = [(row.ids, row.ids, row.date) for row in truth.itertuples() if row.event in branches]
        ours = [
            (str(row.from_ids).split(), str(row.to_ids).split(), f"{row.date:%Y-%m-%d}")
            for row in told.itertuples()
            if row.event in branches
        ]
        pairs = [
            ((str(row.true_id), row.day), (str(row.lake_id), row.day))
            for row in self.pairs.itertuples()
        ]
        return lineage(
            graph_of(self.true, "true_id", real), graph_of(self.found, "lake_id", ours), pairs
        )

    @property
    def idf1(self) -> float:
        """IDF1 (Ristani et al. 2016): each true lake has one identity, each identity one lake."""
        return 2 * _agreeing(self.pairs) / (self.n_true + self.n_found)

    def with_either_name(self, events: pd.DataFrame) -> Identities:
        """Return them with the truth's name kept by the other lake wherever that fits better.

        Two lakes of one size merge, or one falls into two like halves: which of the two keeps the
        name is chance, in the truth as in an inventory.
        """
        pairs = self.pairs
        for event in events[events["event"].isin(["split", "merged"])].itertuples():
            one, *others = sorted(event.ids)
            for other in others:
                later = pairs["day"] >= event.date
                names = pairs["true_id"].where(
                    ~later, pairs["true_id"].replace({one: other, other: one})
                )
                swapped = pairs.assign(true_id=names)
                if _agreeing(swapped) > _agreeing(pairs):
                    pairs = swapped
        return replace(self, pairs=pairs)


def joint_idf1(series: Iterable[Identities]) -> float:
    """Return the IDF1 of several series, each with its own lakes."""
    told = [(_agreeing(one.pairs), one.n_true + one.n_found) for one in series]
    return 2 * sum(right for right, _ in told) / sum(total for _, total in told)


def _agreeing(pairs: pd.DataFrame) -> int:
    counts = pd.crosstab(pairs["true_id"], pairs["lake_id"]).to_numpy()
    return int(counts[linear_sum_assignment(counts, maximize=True)].sum())


def fed(tables: Iterable[MappedScene]) -> dict[str, gpd.GeoDataFrame]:
    """Return tables of :func:`truth_tables` as the truth: what was not in them cannot be found."""
    return {
        f"{table.coverage.acquired:%Y-%m-%d}": table.outlines.rename(
            columns={"true_id": "lake_id"}
        ).assign(frozen_fraction=0.0)
        for table in tables
    }


def identities(
    outlines: gpd.GeoDataFrame,
    truth: Mapping[str, gpd.GeoDataFrame],
    pixel_m: Mapping[str, float] | None = None,
) -> Identities:
    """Compare the outlines of an inventory with the lakes of every date.

    Counted are true lakes of at least ten pixels that are in view, and outlines of that size.
    Outlines at lakes that are hidden, frozen or smaller count neither as hit nor as false.

    Parameters
    ----------
    outlines : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.OUTLINES`.
    truth : mapping of str to geopandas.GeoDataFrame
        True lakes by date.
    pixel_m : mapping of str to float, optional
        Pixel size by date; without it, lakes of every size count.
    """
    rows, true_rows, found_rows = [], [], []
    day_of_row = outlines["acquired"].dt.strftime("%Y-%m-%d")
    for day, lakes in truth.items():
        least = SMALLEST_PIXELS * pixel_m[day] ** 2 if pixel_m else 0.0
        found = outlines[day_of_row == day].to_crs(lakes.crs)
        counted = (lakes["observed_fraction"] >= SEEN) & (lakes["frozen_fraction"] <= FROZEN)
        counted = (counted & (lakes["area_m2"] >= least)).to_numpy()
        drawn, true = found.geometry.to_numpy(), lakes.geometry.to_numpy()
        lake, outline = shapely.STRtree(drawn).query(true, predicate="intersects")
        shared = shapely.area(shapely.intersection(true[lake], drawn[outline]))
        union = shapely.area(true)[lake] + shapely.area(drawn)[outline] - shared
        likeness = shared / union
        hit = (likeness > ALIKE) & counted[lake]
        ignored = np.zeros(len(drawn), dtype=bool)
        ignored[outline[~counted[lake]]] = True
        whole = (found["status"] == "observed").to_numpy()
        ignored[outline[~whole[outline]]] = True  # the part of a lake that shows claims nothing
        claims = ~ignored & (shapely.area(drawn) >= least)
        claims[outline[hit]] = True
        names, ids = lakes["lake_id"].to_numpy(), found["lake_id"].to_numpy()
        true_rows.append(pd.DataFrame({"day": day, "true_id": names[counted]}))
        found_rows.append(pd.DataFrame({"day": day, "lake_id": ids[claims]}))
        rows.append(
            pd.DataFrame(
                {
                    "day": day,
                    "true_id": names[lake[hit]],
                    "lake_id": ids[outline[hit]],
                    "faithful": whole[outline[hit]] & (likeness[hit] > FAITHFUL),
                    "whole": whole[outline[hit]],
                }
            )
        )
    tables = (rows, true_rows, found_rows)
    return Identities(*(pd.concat(parts, ignore_index=True) for parts in tables))


def true_events(folder: Path) -> pd.DataFrame:
    """Return what happened: ``event, ids, date, first_visible_date, area_before_m2``."""
    table = pd.read_csv(folder / "truth_events.csv", keep_default_na=False)
    texts = table["parts"] if "parts" in table else table["from_ids"] + " " + table["to_ids"]
    table["ids"] = [frozenset(text.split()) for text in texts]
    table["event"] = table["event"].replace(KINDS)
    return table


@dataclass(frozen=True)
class Events:
    """Events of an inventory against those of the truth."""

    right: list[str]
    false: list[str]
    found: list[int]
    """Rows of the truth that the inventory tells."""
    missed: dict[int, str]
    """Rows that it does not tell, and why."""

    @property
    def precision(self) -> float:
        told = len(self.right) + len(self.false)
        return len(self.right) / told if told else float("nan")

    def recall(self, rows: Iterable[int] | None = None) -> float:
        """Return the share of the true events, of some rows, that the inventory tells."""
        known = {*self.found, *self.missed} if rows is None else set(rows)
        return len(known & set(self.found)) / len(known) if known else float("nan")


def compared_events(told: pd.DataFrame, truth: pd.DataFrame, pairs: pd.DataFrame) -> Events:
    """Compare events: the same kind, on the same lake, with the date in the bracket that is told.

    Parameters
    ----------
    told : pandas.DataFrame
        :data:`glacial_lakes.schema.LAKE_EVENTS`; fast growth and shrinkage, of which the truth does
        not tell, are passed over.
    truth : pandas.DataFrame
        From :func:`true_events`.
    pairs : pandas.DataFrame
        From :func:`identities`.
    """
    names = pairs.groupby("lake_id")["true_id"].agg(set).to_dict()
    right, false, found = [], [], []
    for event in told[~told["event"].isin(FAST_EVENTS)].itertuples():
        ours = {event.lake_id, *str(event.from_ids or "").split(), *str(event.to_ids or "").split()}
        lakes = set().union(*(names.get(name, set()) for name in ours))
        hits = [
            row.Index
            for row in truth.itertuples()
            if row.Index not in found
            and row.event == event.event
            and row.ids & lakes
            and f"{event.after:%Y-%m-%d}" < (row.first_visible_date or row.date)
            and row.date <= f"{event.date:%Y-%m-%d}"
        ]
        line = f"{event.event} {event.lake_id} {event.after:%Y-%m-%d} to {event.date:%Y-%m-%d}"
        (right if hits else false).append(line)
        found += hits[:1]
    missed = {
        row.Index: why_missed(row.event, row.ids, row.date, pairs)
        for row in truth.itertuples()
        if row.Index not in found
    }
    return Events(right, false, found, missed)


def why_missed(kind: str, ids: frozenset[str], date: str, pairs: pd.DataFrame) -> str:
    """Tell why tracking could not see an event, or that it could."""
    shown = pairs[pairs["true_id"].isin(ids) & pairs["faithful"]]
    before, after = shown[shown["day"] < date], shown[shown["day"] >= date]
    if kind in {"drained", "split"} and before.empty:
        return "no good outline of it before"
    if kind == "merged" and before["true_id"].nunique() < len(ids):
        return "no good outlines of both before"
    if kind == "split" and after["true_id"].nunique() < len(ids):
        return "no good outlines of both after"
    if kind in {"appeared", "merged"} and after.empty:
        return "no good outline of it after"
    return TRACKING


TRACKING = "tracking"
"""Why an event is missed that outlines show."""
