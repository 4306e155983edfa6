"""The accuracy benchmark runs end to end, and keeps seeds that development does not see."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from shapely import box

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import accuracy
import accuracy_tables
import accuracy_worlds
import documents
import geopandas as gpd
import numpy as np
import pandas as pd


def test_kept_seeds_are_not_those_of_development() -> None:
    assert not set(accuracy.KEPT) & set(accuracy.DEVELOPMENT)
    assert len(accuracy.KEPT) * len(accuracy.CONDITIONS) >= 200


def test_the_conditions_span_what_is_asked_for() -> None:
    sensors = {condition.sensor for condition in accuracy.CONDITIONS}
    assert {"S2A", "LC08", "LT05", "LE07"} <= sensors
    suns = [condition.sun_deg for condition in accuracy.CONDITIONS]
    assert min(low for low, _ in suns) <= 20
    assert max(high for _, high in suns) >= 65


def test_mapping_beats_the_plain_methods_on_a_site() -> None:
    chosen = tuple(one for one in accuracy.CONDITIONS if one.sensor in ("S2A", "LC08"))[:1]
    lakes, outlines = accuracy.rows_of_site(accuracy.DEVELOPMENT[0], chosen)
    score = {
        name: accuracy_tables.f1(lakes[lakes["method"] == name], part, 2e3)
        for name, part in outlines.groupby("method")
    }
    ours = score.pop("glacial_lakes")
    assert ours > 0.9
    assert max(score.values()) < ours - 0.2
    assert "clear" in accuracy_tables.report(lakes, outlines)


def test_the_tables_are_put_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "accuracy.md"
    begin, end = documents.MEASURED
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n", "utf-8")
    documents.rewrite(page, "new")
    text = page.read_text("utf-8")
    assert text.startswith("before") and text.endswith("after\n")
    assert "new" in text and "old" not in text


@pytest.mark.parametrize("page", ["accuracy.md"])
def test_the_document_shows_measured_tables(page: str) -> None:
    text = (BENCHMARKS.parent / "docs" / page).read_text("utf-8")
    begin, end = documents.MEASURED
    measured = text.partition(begin)[2].partition(end)[0]
    assert "### Targets" in measured


def seen_lakes() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Five lakes of one hectare: mapped, without an area, not mapped, in shade, and no lake."""
    places = [box(x, 0, x + 100, 100) for x in range(0, 2500, 500)]
    truth = gpd.GeoDataFrame(
        {
            "lake_id": ["mapped", "withheld", "missed", "shaded"],
            "observed_fraction": 1.0,
            "shadow_fraction": [0.0, 0.0, 0.0, 0.9],
            "in_shadow": [False, False, False, True],
            "cloud_shadow_fraction": 0.0,
            "frozen_fraction": 0.0,
            "kind": "clear",
            "lake_type": "tarn",
        },
        geometry=places[:4],
        crs=32643,
    )
    outlines = gpd.GeoDataFrame(
        {"status": ["observed", "partial", "observed"], "area_sigma_m2": 100.0},
        geometry=[places[0], places[1], places[4]],
        crs=32643,
    )
    return outlines, truth


def test_worlds_tell_missed_from_withheld_and_do_not_ask_for_what_lies_in_shade() -> None:
    outlines, truth = seen_lakes()
    image = SimpleNamespace(view=SimpleNamespace(group="clear", condition="clear"), truth=truth)
    lakes, found = accuracy_worlds.compared(outlines, image, 1)
    lakes = lakes.set_index("lake_id")
    assert lakes.loc[["mapped", "withheld", "missed"], "withheld"].tolist() == [False, True, False]
    assert lakes.loc[["mapped", "withheld", "missed"], "missed"].tolist() == [False, False, True]
    assert lakes["counted"].tolist() == [True, True, True, False]
    told = accuracy_worlds.measures(lakes.reset_index(), found)
    assert told["missed"] == told["withheld"] == pytest.approx(1 / 3)
    assert told["false"] == 1
    assert told["false_km2"] == pytest.approx(0.01, rel=0.01)
    assert "clear Sentinel-2" in accuracy_worlds.report(lakes.reset_index(), found)


def test_a_lake_that_the_edge_cuts_is_compared_with_its_part_in_the_image() -> None:
    outlines, truth = seen_lakes()
    image = SimpleNamespace(view=SimpleNamespace(group="clear", condition="clear"), truth=truth)
    outlines.loc[0, "geometry"] = box(55, 0, 100, 100)  # the part that shows, as truth tells it
    truth.loc[0, "observed_fraction"] = 0.55
    frame = box(45, -1000, 5000, 1000)
    whole, _ = accuracy_worlds.compared(outlines, image, 1)
    lakes, _ = accuracy_worlds.compared(outlines, image, 1, frame)
    assert not whole["hit"].loc[0]
    assert lakes["hit"].loc[0]
    assert lakes["iou"].loc[0] == pytest.approx(45 / 55, rel=0.01)
    # the lake is as large as before: an area that is told of it must be all of it
    assert lakes["area_m2"].loc[0] == pytest.approx(10_000, rel=0.01)
    assert lakes["area_error"].loc[0] == pytest.approx(-0.55, abs=0.01)
    pd.testing.assert_frame_equal(lakes.loc[[1, 2, 3]], whole.loc[[1, 2, 3]])


def test_the_worst_tenth_is_the_mean_of_the_worst() -> None:
    values = pd.Series([*np.linspace(0.5, 1.0, 39), np.nan])
    assert accuracy_worlds.worst(values, high_is_bad=False) == pytest.approx(
        np.linspace(0.5, 1.0, 39)[:4].mean()
    )
    assert accuracy_worlds.worst(values, high_is_bad=True) == pytest.approx(
        np.linspace(0.5, 1.0, 39)[-4:].mean()
    )


def test_the_worlds_that_measure_are_kept() -> None:
    assert len(accuracy_worlds.SEEDS["kept"]) >= 40
    assert not set(accuracy_worlds.SEEDS["kept"]) & set(accuracy_worlds.SEEDS["development"])
