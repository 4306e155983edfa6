# ruff: noqa: S608
"""Lakes that a person splits and merges: identities, events, and what later runs make of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from editing import in_qgis, ogr, qgis, run_here, sql, told
from sample_inventory import make_inventory
from sample_project import PRODUCTS, Maker

import glacial_lakes as gl
from glacial_lakes.coverage import CompleteCoverage
from glacial_lakes.inventory.inventory import Inventory, open_inventory
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.review.review_file import review_file


def by_gdal(edited: Path, ids: dict[str, str]) -> None:
    """Split and merge as QGIS does: the parts of a split lake have all its fields."""
    name = ids["split"]
    shape = open_inventory(edited).lakes.set_index("lake_id").geometry[name]
    x, y, right, top = shape.bounds
    cut = x + 0.4 * (right - x)
    halves = [
        f"ST_Multi(ST_GeomFromText('{shape.intersection(shapely.box(*box)).wkt}', 4326))"
        for box in ((cut, y, right, top), (x, y, cut, top))
    ]
    sql(edited, f"UPDATE lakes SET geom = {halves[0]} WHERE lake_id = '{name}'")
    copied = f"SELECT '{name}', state, {halves[1]} FROM lakes WHERE lake_id = '{name}'"
    sql(edited, f"INSERT INTO lakes (lake_id, state, geom) {copied}")
    kept, gone = (f"(SELECT geom FROM lakes WHERE lake_id = '{ids[k]}')" for k in ("kept", "gone"))
    union = f"ST_Multi(ST_Union({kept}, {gone}))"
    sql(edited, f"UPDATE lakes SET geom = {union} WHERE lake_id = '{ids['kept']}'")
    sql(edited, f"DELETE FROM lakes WHERE lake_id = '{ids['gone']}'")


def by_qgis(edited: Path, ids: dict[str, str]) -> None:
    editor = in_qgis("split_in_qgis.py", edited, json.dumps(ids))
    said = editor.communicate()
    assert editor.returncode == 0, said


editors = pytest.mark.parametrize(
    "edit", [pytest.param(by_gdal, marks=ogr), pytest.param(by_qgis, marks=qgis)]
)


def lakes_of(inventory: Inventory) -> pd.DataFrame:
    return inventory.lakes.set_index("lake_id")


def check(
    inventory: Inventory,
    old: gpd.GeoDataFrame,
    ids: tuple[str, ...],
    days: tuple[pd.Timestamp, ...],
) -> gpd.GeoDataFrame:
    """Check what holds in every later inventory; return the outlines of the last day."""
    large, small, whole, part = ids
    first, last = days
    assert set(inventory.lakes["lake_id"]) >= {*old.index, part}
    outlines = inventory.outlines[inventory.outlines["acquired"].dt.floor("D") == last]
    outlines = outlines.set_index("lake_id")
    union = shapely.union(old.geometry[large], old.geometry[small])
    assert outlines.geometry[large].symmetric_difference(union).area < 1e-6 * union.area
    assert small not in outlines.index
    halves = [outlines.geometry[name] for name in (whole, part)]
    assert sum(half.area for half in halves) == pytest.approx(old.geometry[whole].area)
    assert halves[0].area > halves[1].area
    hand = inventory.events[inventory.events["date"] == last].set_index("event")
    event = hand[hand["lake_id"] == large].loc["merged"]
    assert (event["from_ids"], event["to_ids"]) == (f"{large} {small}", large)
    assert event["after"] == first
    event = hand[hand["lake_id"] == whole].loc["split"]
    assert (event["from_ids"], event["to_ids"]) == (whole, f"{whole} {part}")
    assert inventory.events.duplicated(["lake_id", "event", "date"]).sum() == 0
    assert outlines.loc[large, "event"] == "merged"
    return outlines


@editors
def test_later_runs_respect_splits_and_mergers(
    edit: object, make: Maker, finished: Path, tmp_path: Path, sample_data: Path
) -> None:
    project = make(tmp_path, PRODUCTS[:2])
    run_here(project)
    path = tmp_path / "output" / "inventory.gpkg"
    before = open_inventory(path)
    later = lakes_of(open_inventory(finished.parent / "output" / "inventory.gpkg"))
    seen = before.lakes[before.lakes["n_observed"] == 2].sort_values("area_m2")["lake_id"]
    seen = seen[seen.isin(later.index[later["n_observed"] == 3])]
    whole, small, large = seen[-3:]
    edited = Path(shutil.copy(path, tmp_path / "edited.gpkg"))
    edit(edited, {"split": whole, "kept": small, "gone": large})  # type: ignore[operator]
    found = review_file(path, edited)
    (part,) = found.loc[found["decision"] == "split", "lake_id"]
    assert told(found) == sorted(
        [("redrawn", large), ("merged", small), ("redrawn", whole), ("split", part)]
    )
    rows = found.set_index(["decision", "lake_id"])
    assert rows.loc[("merged", small), "other_id"] == large
    assert rows.loc[("split", part), "other_id"] == whole
    assert part not in lakes_of(before).index
    assert review_file(path, edited).empty
    first, last = sorted(before.scenes["acquired"].dt.floor("D"))
    old = lakes_of(before)
    inventories = [open_inventory(path)]
    run_here(project)
    inventories.append(open_inventory(path))
    product = PRODUCTS[2]
    shutil.copytree(sample_data / "scenes" / product, tmp_path / "scenes" / product)
    assert run_here(project).mapped == (product,)
    inventories.append(open_inventory(path))
    for number, inventory in enumerate(inventories):
        outlines = check(inventory, old, (large, small, whole, part), (first, last))
        lakes = lakes_of(inventory)
        if number < 2:
            assert lakes.loc[[small, part], "state"].tolist() == ["merged", "present"]
            assert lakes.loc[[large, whole], "review_conflict"].isna().all()
            assert lakes.geometry[large].equals(outlines.geometry[large])
    for name in (large, whole):  # the newest image shows them as they were: both are kept
        drawn = lakes.geometry[name].equals(outlines.geometry[name])
        assert drawn != (lakes.loc[name, "review_conflict"] is True)
    ground = shapely.union_all(old.geometry[[large, small, whole]].to_numpy())
    newest = inventory.outlines[inventory.outlines["scene_id"] == product].set_index("lake_id")
    shapes = newest.geometry.to_numpy()
    there = newest.index[shapely.area(shapely.intersection(shapes, ground)) > 0]
    assert set(there) & {large, small, whole}
    assert set(there) <= {large, small, whole, part}


@ogr
def test_a_merger_of_lakes_that_no_earlier_image_shows_apart_is_no_event(tmp_path: Path) -> None:
    path = tmp_path / "inventory.gpkg"
    make_inventory(12, dates=1).to_file(path)
    before = open_inventory(path).lakes.sort_values("area_m2")["lake_id"].tolist()
    edited = Path(shutil.copy(path, tmp_path / "edited.gpkg"))
    by_gdal(edited, {"split": before[0], "kept": before[1], "gone": before[2]})
    found = review_file(path, edited)
    assert sorted(found["decision"]) == ["merged", "redrawn", "redrawn", "split"]
    after = open_inventory(path)
    assert after.events.empty
    assert before[1] not in set(after.lakes["lake_id"])
    assert lakes_of(after).loc[before[2], "geometry"].geom_type == "MultiPolygon"
    assert len(after.lakes) == len(before)


@ogr
def test_a_merger_can_be_taken_back_and_the_lake_has_its_old_identity(tmp_path: Path) -> None:
    path = tmp_path / "inventory.gpkg"
    make_inventory(12, dates=1).to_file(path)
    before = open_inventory(path).lakes.sort_values("area_m2").set_index("lake_id")
    cut, small, large = before.index[:3]
    edited = Path(shutil.copy(path, tmp_path / "edited.gpkg"))
    by_gdal(edited, {"split": cut, "kept": small, "gone": large})
    review_file(path, edited)
    again = Path(shutil.copy(path, tmp_path / "again.gpkg"))
    one, other = (f"ST_GeomFromText('{before.geometry[n].wkt}', 4326)" for n in (large, small))
    sql(again, f"UPDATE lakes SET geom = {one} WHERE lake_id = '{large}'")
    sql(again, f"INSERT INTO lakes (geom) VALUES ({other})")
    assert told(review_file(path, again)) == [("redrawn", large), ("split", small)]
    after = lakes_of(open_inventory(path))
    for name in (small, large):
        assert after.geometry[name].equals(before.geometry[name])
        assert after.loc[name, "state"] == "present"


@ogr
def test_lakes_that_a_newer_image_shows_otherwise_have_not_grown_or_drained(
    tmp_path: Path,
) -> None:
    """The person's outlines are of an older image: they and the newer ones are not one lake."""

    def scene(year: int, shapes: list[shapely.Geometry]) -> gl.MappedScene:
        time = pd.Timestamp(f"{year}-08-01T05:00:00").to_pydatetime()
        outlines = gpd.GeoDataFrame(geometry=shapes, crs=4326)
        areas = geodesic_area_perimeter(outlines.geometry)["area_m2"]
        outlines = outlines.assign(area_m2=areas, area_sigma_m2=1000.0, status="observed")
        return gl.MappedScene(outlines, CompleteCoverage(f"S2A_{year}", time, "S2A", 10.0))

    lakes = [shapely.box(74.5 + x, 42.6, 74.5 + x + 0.004, 42.604) for x in (0, 0.02, 0.0245)]
    lakes[2] = shapely.box(*lakes[2].bounds[:2], 74.5285, 42.6035)
    older = [scene(year, lakes) for year in (2023, 2024)]
    path = tmp_path / "inventory.gpkg"
    before = gl.track(older)
    before.to_file(path)
    whole, kept, gone = before.lakes.sort_values("lon")["lake_id"]
    edited = Path(shutil.copy(path, tmp_path / "edited.gpkg"))
    by_gdal(edited, {"split": whole, "kept": kept, "gone": gone})
    found = review_file(path, edited)
    (part,) = found.loc[found["decision"] == "split", "lake_id"]
    reviewed = open_inventory(path)
    newer = [scene(year, lakes) for year in (2025, 2026)]
    after = gl.track([*older, *newer], previous=reviewed)
    assert not set(after.events["event"]) & {"grown", "shrunk", "drained", "refilled"}
    assert after.alerts.empty
    rows = after.events[after.events["date"].dt.year == 2025]
    told_ids = rows.set_index(["event", "lake_id"])[["from_ids", "to_ids"]]
    assert told_ids.loc[("split", kept)].tolist() == [kept, f"{kept} {gone}"]
    assert told_ids.loc[("merged", whole)].tolist() == [f"{whole} {part}", whole]
    assert lakes_of(after).loc[[whole, part, kept, gone], "state"].tolist() == [
        *("present", "merged", "present", "present")
    ]
    assert after.total.area_m2 == pytest.approx(before.total.area_m2, rel=1e-6)
    again = gl.track([*older, *newer], previous=after)
    pd.testing.assert_frame_equal(again.events, after.events)
