from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from scipy.optimize import linear_sum_assignment
from shapely import affinity

from glacial_lakes import schema
from glacial_lakes.epochs import CompleteCoverage
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking import Tracked, track_lakes

RESOLUTION_M = {"LT05": 30.0, "LE07": 30.0, "LC08": 30.0, "S2A": 10.0, "S2B": 10.0}


@dataclass(frozen=True)
class KnownCoverage:
    """Coverage with known gaps: polygons with their status, in one projected CRS."""

    scene_id: str
    acquired: datetime
    sensor: str
    resolution_m: float = 10.0
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


# The independent series


def _truth_tables(data: Path, seed: int) -> list[gpd.GeoDataFrame]:
    """Outlines as a good map would give them: shifted, rough, with gaps and misses."""
    rng = np.random.default_rng(seed)
    folder = data / "independent_truth" / "series"
    scenes = {
        f"{p.name.split('_')[3 if p.name[0] == 'L' else 2][:8]}": p.name
        for p in folder.iterdir()
        if p.is_dir()
    }
    tables = []
    for layer, _ in pyogrio.list_layers(folder / "truth.gpkg"):
        truth = gpd.read_file(folder / "truth.gpkg", layer=str(layer))
        name = scenes[str(layer).replace("-", "")]
        sensor = name.split("_")[0]
        resolution = RESOLUTION_M[sensor]
        east, north = rng.uniform(3, 8, 2) * rng.choice([-1, 1], 2)
        shifted = truth.set_geometry(truth.translate(east, north))
        hidden = shifted[(truth["observed_fraction"] < 0.9) | (truth["frozen_fraction"] > 0.1)]
        frozen = hidden["frozen_fraction"] > 0.1
        gaps = gpd.GeoDataFrame(
            {"status": np.where(frozen, "frozen", "cloud")}, geometry=hidden.buffer(30).to_numpy(), crs=32644
        )
        acquired = datetime.fromisoformat(f"{layer}T05:30:00").replace(tzinfo=UTC)
        coverage = KnownCoverage(name, acquired, sensor, resolution, gaps)
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
            crs=32644,
        )
        mapped["area_m2"] = mapped.area
        mapped["area_sigma_m2"] = 0.05 * mapped.area
        mapped.attrs["coverage"] = coverage
        tables.append(mapped)
    return tables


def _identities(tracked: Tracked, tables: Sequence[gpd.GeoDataFrame]) -> pd.DataFrame:
    """Say for every true lake and date which identity its outline was given."""
    found = tracked.outlines.to_crs(32644)
    pairs = []
    for table in tables:
        scene = table.attrs["coverage"].scene_id
        mine = found[found["scene_id"] == scene]
        lake, true = shapely.STRtree(table.geometry.to_numpy()).query(
            mine.geometry.to_numpy(), predicate="intersects"
        )
        one, other = mine.geometry.to_numpy()[lake], table.geometry.to_numpy()[true]
        shared = shapely.area(shapely.intersection(one, other))
        alike = shared / shapely.area(shapely.union(one, other)) > 0.5
        pairs += [
            (scene, true_id, lake_id)
            for true_id, lake_id in zip(
                table["true_id"].to_numpy()[true[alike]],
                mine["lake_id"].to_numpy()[lake[alike]],
                strict=True,
            )
        ]
    return pd.DataFrame(pairs, columns=["scene_id", "true_id", "lake_id"])


def _idf1(pairs: pd.DataFrame, n_true: int, n_found: int) -> float:
    counts = pairs.groupby(["true_id", "lake_id"]).size().unstack(fill_value=0)
    rows, columns = linear_sum_assignment(counts.to_numpy(), maximize=True)
    return float(2 * counts.to_numpy()[rows, columns].sum() / (n_true + n_found))


def _scored_events(data: Path, tracked: Tracked, pairs: pd.DataFrame) -> dict[str, list[str]]:
    """Compare events with the truth: same kind, same lake, date in the bracket that was seen."""
    truth = pd.read_csv(data / "independent_truth" / "series" / "truth_events.csv")
    kinds = {"drainage": "drained", "disappearance": "drained", "appearance": "appeared"}
    kinds |= {"split": "split", "merge": "merged"}
    lake_of = pairs.groupby("lake_id")["true_id"].agg(lambda ids: ids.mode().iloc[0]).to_dict()
    right, false = [], []
    open_events = {(kinds[row.event], row.lake_id): row for row in truth.itertuples()}
    for event in tracked.events.itertuples():
        involved = {*str(event.from_ids).split(), *str(event.to_ids).split(), event.lake_id}
        keys = {(event.event, str(lake_of.get(i, i)).removesuffix("_1")) for i in involved}
        hits = [key for key in keys if key in open_events]
        bracket = (
            hits
            and event.after.date().isoformat()
            < open_events[hits[0]].first_visible_date
            <= event.date.date().isoformat()
        )
        name = f"{event.event} {event.lake_id} {event.after:%Y}-{event.date:%Y}"
        if bracket:
            right.append(name)
            del open_events[hits[0]]
        else:
            false.append(f"{name} {event.area_before_m2:.0f}>{event.area_after_m2:.0f} {keys}")
    return {"right": right, "false": false, "missed": [str(key) for key in open_events]}


@pytest.mark.parametrize("seed", range(8))
def test_the_independent_series_is_followed(data: Path, seed: int) -> None:
    tables = _truth_tables(data, seed)
    tracked = track_lakes(tables)
    pairs = _identities(tracked, tables)
    idf1 = _idf1(pairs, sum(len(table) for table in tables), len(tracked.outlines))
    events = _scored_events(data, tracked, pairs)
    n_right, n_false, n_missed = (len(events[key]) for key in ("right", "false", "missed"))
    precision, recall = n_right / (n_right + n_false), n_right / (n_right + n_missed)
    report = f"IDF1 {idf1:.4f}, events: precision {precision:.3f}, recall {recall:.3f}\n"
    report += "\n".join(f"{key}: {names}" for key, names in events.items())
    assert idf1 >= 0.97, report
    assert precision >= 0.9, report
    assert recall >= 0.9, report
    assert False, report
