"""Very many lakes: what is done for each lake must not grow with their number.

Time is not measured, for it depends on what else the machine does. Counted are the calls of
Python functions and the memory, which are the same on any machine.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

import glacial_lakes as gl
from glacial_lakes.coverage import CompleteCoverage
from glacial_lakes.export.export import export
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.report import contents
from glacial_lakes.report.page import write_report

FEW, MANY = 60, 240
DATES = 4


def tables(lakes: int, dates: int = DATES) -> list[MappedScene]:
    """Return lakes on a grid; in each column of ten one drains, one splits, one merges back."""
    made = []
    for number in range(dates):
        place = np.arange(lakes)
        x, y = 500_000 + 700.0 * (place % 10), 4_700_000 + 700.0 * (place // 10)
        radius = 60 + 5 * (place % 7) + 2 * number
        discs = shapely.buffer(shapely.points(x, y), radius)
        there = (place % 10 != 3) | (number < 2)
        parted = (place % 10 == 5) & (number >= 1) | (place % 10 == 6) & (number == 0)
        strait = shapely.box(x - 20, y - 300, x + 20, y + 300)
        halves = shapely.get_parts(shapely.difference(discs, strait)[there & parted])
        outlines = np.concatenate([discs[there & ~parted], halves])
        area = shapely.area(outlines)
        table = gpd.GeoDataFrame(
            {"area_m2": area, "area_sigma_m2": 0.05 * area, "observed_fraction": 1.0},
            geometry=outlines,
            crs=32643,
        ).assign(status="observed", quality="good")
        acquired = datetime(2000 + 5 * number, 8, 1, tzinfo=UTC)
        coverage = CompleteCoverage(f"S{number}", acquired, "S2A", 10.0)
        made.append(MappedScene(table, coverage))
    return made


def calls(function: Callable[[], Any]) -> int:
    """Return how many functions of Python and C are called."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


@pytest.fixture(scope="module")
def inventories() -> dict[int, gl.Inventory]:
    made = {count: gl.track(tables(count)) for count in (FEW, MANY)}
    for inventory in made.values():  # kept when they have been made once
        assert len(inventory.trends) and len(inventory.alerts) and len(inventory.totals)
    return made


def test_four_times_the_lakes_take_at_most_four_times_the_steps_to_track() -> None:
    given = {count: tables(count) for count in (FEW, MANY)}
    gl.track(tables(10))  # what is loaded once
    few, many = (calls(lambda n=n: gl.track(given[n])) for n in (FEW, MANY))
    assert many <= 4 * few


def test_four_times_the_dates_take_little_more_than_four_times_the_steps_to_track() -> None:
    given = {count: tables(FEW, count) for count in (DATES, 4 * DATES)}
    few, many = (calls(lambda n=n: gl.track(given[n])) for n in (DATES, 4 * DATES))
    assert many <= 4.4 * few  # a slope of 1.1 is 4.6


@pytest.mark.parametrize("name", ["trends", "alerts", "totals"])
def test_four_times_the_lakes_take_at_most_four_times_the_steps_to_find_changes(
    inventories: dict[int, gl.Inventory], name: str
) -> None:
    fresh = {count: replace(inventory) for count, inventory in inventories.items()}
    few, many = (calls(lambda n=n: getattr(fresh[n], name)) for n in (FEW, MANY))
    assert many <= 4 * few


@pytest.mark.parametrize("name", ["shp", "gpkg", "csv", "kmz", "geojson"])
def test_four_times_the_lakes_take_at_most_four_times_the_steps_to_export(
    inventories: dict[int, gl.Inventory], name: str, tmp_path: Path
) -> None:
    export(inventories[FEW], tmp_path, [name])
    few, many = (calls(lambda n=n: export(inventories[n], tmp_path, [name])) for n in (FEW, MANY))
    assert many <= 4 * few


def test_four_times_the_lakes_take_at_most_four_times_the_steps_to_report(
    inventories: dict[int, gl.Inventory], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "DRAWN", FEW)
    write_report(inventories[FEW], tmp_path / "report.html")
    few, many = (
        calls(lambda n=n: write_report(inventories[n], tmp_path / "report.html"))
        for n in (FEW, MANY)
    )
    assert many <= 4 * few


def test_tracking_holds_the_outlines_of_all_dates_but_once() -> None:
    def peak(count: int) -> int:
        given = tables(count)
        tracemalloc.start()
        gl.track(given.pop(0) for _ in range(DATES))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(FEW)
    assert peak(MANY) <= 4.4 * peak(FEW)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_report_of_many_lakes_is_bounded_and_says_what_it_leaves_out(
    inventories: dict[int, gl.Inventory],
    language: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, limit in (("LISTED", 50), ("DRAWN", 20), ("MOST_ROWS", 10)):
        monkeypatch.setattr(contents, name, limit)
    inventory = inventories[MANY]
    page = write_report(inventory, tmp_path / "report.html", language=language).read_text("utf-8")
    said = {"en": "Shown are {} of {}", "ru": "Показано {} из {}"}[language]
    assert said.format(50, len(inventory.lakes)) in page
    assert said.format(20, len(inventory.lakes)) in page
    assert said.format(10, len(inventory.events)) in page
    assert page.count('<article class="one"') == 20
    links = {part.partition('"')[0] for part in page.split('href="#lake-')[1:]}
    assert all(f'id="lake-{number}"' in page for number in links)


def test_lakes_with_alerts_are_drawn_before_larger_ones(
    inventories: dict[int, gl.Inventory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "DRAWN", 12)
    inventory = inventories[MANY]
    alerted = set(inventory.alerts["lake_id"])
    drawn = {lake.lake_id for lake in contents.describe(inventory, [], "en").drawn}
    assert len(drawn) == 12
    assert len(alerted) > 12
    assert drawn <= alerted


def test_a_lake_that_a_newer_image_contradicts_is_drawn_first(
    inventories: dict[int, gl.Inventory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "DRAWN", 1)
    inventory = inventories[FEW]
    smallest = inventory.lakes.sort_values("area_m2")["lake_id"].iloc[0]
    is_drawn = inventory.outlines["lake_id"] == smallest
    is_drawn &= inventory.outlines["acquired"] == inventory.outlines["acquired"][is_drawn].min()
    contradicted = replace(
        inventory,
        lakes=inventory.lakes.assign(review_conflict=inventory.lakes["lake_id"] == smallest),
        outlines=inventory.outlines.assign(edited=is_drawn, edited_by="A. B."),
    )
    told = contents.describe(contradicted, [], "en")
    assert [lake.lake_id for lake in told.drawn] == [smallest]
    assert [lake.lake_id for lake in told.contradicted] == [smallest]
    assert told.drawn[0].chip is not None
    assert told.drawn[0].chip.drawn


def test_a_report_of_few_lakes_draws_them_all(inventories: dict[int, gl.Inventory]) -> None:
    told = contents.describe(inventories[FEW], [], "en")
    assert len(told.drawn) == len(told.lakes) == told.n_lakes == len(inventories[FEW].lakes)
    assert told.map is not None
    assert not told.map.rest


def test_of_the_tables_of_scenes_one_at_a_time_is_in_memory() -> None:
    alive: list[weakref.ref[gpd.GeoDataFrame]] = []
    most = 0

    def one_by_one() -> Iterator[MappedScene]:
        nonlocal most
        for number in range(DATES):
            gc.collect()
            most = max(most, sum(table() is not None for table in alive))
            scene = tables(FEW)[number]
            alive.append(weakref.ref(scene.outlines))
            yield scene
            del scene

    gl.track(one_by_one())
    assert len(alive) == DATES
    assert most <= 1
