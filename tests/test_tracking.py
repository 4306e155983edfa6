from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely import affinity

from glacial_lakes import schema
from glacial_lakes.coverage import CompleteCoverage
from glacial_lakes.errors import InputError
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.io.vector import read_vector
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import discover
from glacial_lakes.tracking.tables import (
    FILLED_IN,
    SEEN_ONCE,
    SHOWN_AFTER_ALL,
    Tracked,
    track_lakes,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from known_truth import (
    TRACKING,
    KnownCoverage,
    compared_events,
    fed,
    identities,
    true_events,
    truth_tables,
)

# The independent series


@pytest.mark.parametrize("seed", range(4))
def test_the_independent_series_is_followed(data: Path, seed: int) -> None:
    folder = data / "independent_truth" / "series"
    tables, truth = truth_tables(folder, seed), true_events(folder)
    tracked = track_lakes(tables)
    found = identities(tracked.outlines, fed(tables))
    events = compared_events(tracked.events, truth, found.pairs)
    report = f"IDF1 {found.idf1:.4f}, {events}"
    assert found.with_either_name(truth).idf1 >= 0.99, report
    assert found.idf1 >= 0.98, report
    assert len(events.right) >= 16, report
    assert events.precision >= 0.95, report
    tellable = [row for row in truth.index if events.missed.get(row, TRACKING) == TRACKING]
    assert events.recall(tellable) >= 0.95, report


def test_no_hidden_or_frozen_lake_of_the_series_is_called_shrunk_or_absent(data: Path) -> None:
    tables = truth_tables(data / "independent_truth" / "series", 0)
    tracked = track_lakes(tables)
    lakes = tracked.lakes.to_crs(32644).set_index("lake_id").geometry
    checked = 0
    for table in tables:
        coverage = table.coverage
        seen = coverage.observe(lakes)
        rows = tracked.observations[tracked.observations["scene_id"] == coverage.scene_id]
        rows = rows.set_index("lake_id").loc[seen.index[seen["observed_fraction"] < 0.5]]
        checked += len(rows)
        assert rows["area_m2"].isna().all()
        assert not rows["status"].isin(["observed", "absent"]).any()
        drops = tracked.events[tracked.events["event"] == "drained"]
        today = drops["date"].dt.date == coverage.acquired.date()
        assert not drops.loc[today, "lake_id"].isin(rows.index).any()
    assert checked > 200


# The real outlines of the Indus basin


def test_links_of_the_indus_lakes_agree_with_the_digitisers(data: Path) -> None:
    tables = []
    for year in (2000, 2010, 2020):
        path = data / "hkh_indus_lakes" / f"HKH_{year}_indus.shp"
        lakes = read_vector(path)[["GLIMS_ID", "geometry"]].to_crs(EQUAL_AREA)
        lakes["status"], lakes["observed_fraction"] = "observed", 1.0
        lakes["area_m2"] = lakes.area
        coverage = CompleteCoverage(path.stem, datetime(year, 9, 1), "Landsat")
        tables.append(MappedScene(lakes, coverage))
    tracked = track_lakes(tables)
    given = tracked.outlines.to_crs(EQUAL_AREA)
    right, wrong = 0, []
    named = []
    for table in tables:
        mine = given[given["scene_id"] == table.coverage.scene_id]
        tree = shapely.STRtree(table.outlines.geometry.to_numpy())
        part, lake = tree.query(shapely.point_on_surface(mine.geometry.to_numpy()), "intersects")
        named.append(
            mine.iloc[part]
            .assign(glims=table.outlines["GLIMS_ID"].to_numpy()[lake])
            .reset_index(drop=True)
        )
    for old, new in itertools.pairwise(named):
        a, b = shapely.STRtree(new.geometry.to_numpy()).query(
            old.geometry.to_numpy(), predicate="intersects"
        )
        one, other = old.geometry.to_numpy()[a], new.geometry.to_numpy()[b]
        shared = shapely.area(shapely.intersection(one, other))
        linked = shared >= 0.3 * np.minimum(shapely.area(one), shapely.area(other))
        for i, j in zip(a[linked], b[linked], strict=True):
            same = old["lake_id"][i] == new["lake_id"][j]
            if same == (old["glims"][i] == new["glims"][j]):
                right += 1
            else:
                wrong.append((old["glims"][i], new["glims"][j], old["lake_id"][i]))
    share = right / (right + len(wrong))
    assert right > 800
    assert share >= 0.995, f"{share:.4f} of {right + len(wrong)} pairs agree; not: {wrong}"
    ids = tracked.lakes["lake_id"]
    assert ids.is_unique
    assert ids.str.fullmatch(r"GL\d{6}[EW]\d{5}[NS](_\d+)?").all()


# Outlines as they are mapped


def _mapped(folder: Path, site: Path, days: Sequence[str]) -> list[gpd.GeoDataFrame]:
    """Map the scenes of some days."""
    return [
        map_lakes(scene, dem=site / "dem.tif", glaciers=site / "glaciers.gpkg")
        for scene in discover([folder])
        if f"{scene.acquired:%Y-%m-%d}" in days
    ]


def _shrunk(tracked: Tracked, truth: gpd.GeoDataFrame, day: str) -> list[str]:
    """Name the true lakes, hidden or frozen by a tenth, that have too small an area that day."""
    rows = tracked.outlines[tracked.outlines["acquired"].dt.strftime("%Y-%m-%d") == day]
    rows = rows[rows["area_m2"].notna() & (rows["quality"] != SEEN_ONCE)].to_crs(truth.crs)
    gone = tracked.observations
    gone = gone[(gone["acquired"].dt.strftime("%Y-%m-%d") == day) & (gone["status"] == "absent")]
    places = tracked.lakes[tracked.lakes["lake_id"].isin(gone["lake_id"])].to_crs(truth.crs)
    hidden = truth[(truth["observed_fraction"] < 0.9) | (truth["frozen_fraction"] > 0.1)]
    hidden = hidden[hidden["area_m2"] > 2000]
    assert len(hidden) > 10
    named = []
    for table, share in ((rows, 0.85), (places, 1e9)):
        outline, lake = shapely.STRtree(hidden.geometry.to_numpy()).query(
            table.geometry.to_numpy(), "intersects"
        )
        area = table.area.to_numpy()[outline]
        true = hidden["area_m2"].to_numpy()[lake]
        named += hidden["lake_id"].iloc[lake[area < share * true]].tolist()
    return named


def test_half_frozen_lakes_of_the_sample_are_not_reported_as_smaller(sample_data: Path) -> None:
    day = "2019-06-13"
    days = ("2016-10-29", "2018-08-12", day, "2022-08-16")
    tracked = track_lakes(_mapped(sample_data / "scenes", sample_data, days))
    truth = gpd.read_file(sample_data / "truth.gpkg", layer=day).to_crs(
        tracked.lakes.estimate_utm_crs()
    )
    assert _shrunk(tracked, truth, day) == []
    half = truth.set_index("lake_id").geometry["GL074549E42575N"].representative_point()
    rows = tracked.outlines.to_crs(truth.crs)
    row = rows[rows.contains(half) & (rows["acquired"].dt.strftime("%Y-%m-%d") == day)].iloc[0]
    assert row["status"] == "frozen"
    assert row["observed_fraction"] < 0.9
    assert np.isnan(row["area_m2"])


def test_half_frozen_lakes_of_the_independent_series_are_not_reported_as_smaller(
    data: Path,
) -> None:
    site, day = data / "independent_truth" / "series", "2011-06-04"
    tracked = track_lakes(_mapped(site, site, ("2000-09-08", day, "2014-08-23")))
    truth = gpd.read_file(site / "truth.gpkg", layer=day)
    assert _shrunk(tracked, truth, day) == []
    drained = tracked.events[tracked.events["event"] == "drained"]
    assert not (drained["date"].dt.strftime("%Y-%m-%d") == day).any()


# Single situations


X0, Y0 = 400_000.0, 3_580_000.0


def _lake(x: float, y: float, radius: float = 100.0) -> shapely.Geometry:
    return shapely.Point(X0 + x, Y0 + y).buffer(radius)


def _scene(
    day: str,
    lakes: Sequence[shapely.Geometry] = (),
    clouds: Sequence[shapely.Geometry] = (),
    resolution_m: float = 10.0,
    name: str | None = None,
    statuses: Sequence[str] | None = None,
    cloud_status: str = "cloud",
) -> MappedScene:
    sensor = "S2A" if resolution_m < 20 else "LC08"
    table = gpd.GeoDataFrame(
        {"status": list(statuses or ["observed"] * len(lakes))},
        geometry=list(lakes),
        crs=32644,
    )
    table["observed_fraction"] = np.where(table["status"] == "observed", 1.0, 0.6)
    table["area_m2"] = table.area.where(table["status"] == "observed")
    table["area_sigma_m2"] = 0.03 * table["area_m2"]
    coverage = KnownCoverage(
        name or f"{sensor}_{day}",
        datetime.fromisoformat(f"{day}T05:30:00").replace(tzinfo=UTC),
        sensor,
        resolution_m,
        gpd.GeoDataFrame(
            {"status": [cloud_status] * len(clouds)}, geometry=list(clouds), crs=32644
        ),
    )
    return MappedScene(table, coverage)


def _series(tracked: Tracked, lake_id: str) -> list[str]:
    rows = tracked.observations[tracked.observations["lake_id"] == lake_id]
    return [
        f"{row.area_m2:.0f}" if row.status == "observed" else row.status
        for row in rows.itertuples()
    ]


def _kinds(tracked: Tracked) -> list[str]:
    return [f"{row.event} {row.after:%Y}-{row.date:%Y}" for row in tracked.events.itertuples()]


def _only(tracked: Tracked) -> str:
    assert len(tracked.lakes) == 1, tracked.lakes
    return str(tracked.lakes["lake_id"].iloc[0])


def test_a_lake_that_grows_threefold_between_images_keeps_its_identity() -> None:
    radii = (60, 105, 180, 320)
    tables = [
        _scene(f"20{10 + i}-08-01", [_lake(0.8 * radius, 0, radius)])
        for i, radius in enumerate(radii)
    ]
    tracked = track_lakes(tables)
    _only(tracked)
    assert _kinds(tracked) == []
    assert tracked.lakes["n_observed"].tolist() == [4]


def test_a_lake_that_was_hidden_for_years_comes_back_with_its_identity() -> None:
    cloud = [_lake(0, 0, 500)]
    tables = [_scene("2010-08-01", [_lake(0, 0)])]
    tables += [_scene(f"201{i}-08-01", [], cloud) for i in range(1, 6)]
    tables += [_scene("2016-08-01", [_lake(5, 5, 105)])]
    tracked = track_lakes(tables)
    assert _series(tracked, _only(tracked))[1:6] == ["cloud"] * 5
    assert _kinds(tracked) == []


@pytest.mark.parametrize("status", ["cloud", "shadow", "nodata", "frozen", "uncertain"])
def test_what_was_not_seen_is_never_an_event_and_has_no_area(status: str) -> None:
    tables = [
        _scene("2010-08-01", [_lake(0, 0, 300)]),
        _scene("2011-08-01", [_lake(0, 0, 300)]),
        # The map shows the tenth of the lake that is free as if it were all of it.
        _scene("2012-08-01", [_lake(-250, 0, 80)], [_lake(60, 0, 300)], cloud_status=status),
        _scene("2013-08-01", [], [_lake(0, 0, 400)], cloud_status=status),
    ]
    tracked = track_lakes(tables)
    assert _series(tracked, _only(tracked))[2:] == [status] * 2
    assert _kinds(tracked) == []
    assert tracked.lakes["state"].tolist() == ["present"]


ICE = shapely.box(X0 + 50, Y0 - 300, X0 + 300, Y0 + 300)
OPEN = _lake(0, 0, 200).difference(ICE)


def _half_hidden(day: str, status: str) -> gpd.GeoDataFrame:
    """Return a scene that outlines the open part of a lake as if it were all of it."""
    return _scene(day, [OPEN], [ICE], cloud_status=status)


@pytest.mark.parametrize("status", ["cloud", "shadow", "nodata", "frozen", "uncertain"])
@pytest.mark.parametrize("n_after", [0, 1, 3])
@pytest.mark.parametrize("n_half", [1, 2])
def test_the_open_part_of_a_lake_is_not_its_area(status: str, n_after: int, n_half: int) -> None:
    tables = [_scene(f"200{i}-08-01", [_lake(0, 0, 200)]) for i in range(2)]
    tables += [_half_hidden(f"201{i}-06-01", status) for i in range(n_half)]
    tables += [_scene(f"202{i}-08-01", [_lake(0, 0, 200)]) for i in range(n_after)]
    tracked = track_lakes(tables)
    assert _series(tracked, _only(tracked))[2 : 2 + n_half] == [status] * n_half
    assert _kinds(tracked) == []
    half = tracked.outlines[tracked.outlines["acquired"].dt.year // 10 == 201]
    assert len(half) == n_half
    assert half["area_m2"].isna().all()
    share = OPEN.area / _lake(0, 0, 200).area
    assert half["observed_fraction"].to_numpy() == pytest.approx(share, abs=0.01)
    assert half.to_crs(32644).area.to_numpy() == pytest.approx(OPEN.area, rel=0.01)


BESIDE = shapely.box(X0 + 90, Y0 - 150, X0 + 220, Y0 + 150)
"""Cloud over the eastern shore of a lake, and over ground that it may reach."""


def _looks_cut(before: shapely.Geometry, cut: shapely.Geometry, after: shapely.Geometry) -> Tracked:
    return track_lakes(
        [
            _scene("2010-08-01", [before]),
            _scene("2011-08-01", [cut], [BESIDE], statuses=["cloud"]),
            _scene("2012-08-01", [after]),
        ]
    )


def test_a_lake_beside_a_cloud_has_its_area_where_other_images_show_no_more_of_it() -> None:
    lake, cut = _lake(0, 0), _lake(0, 0, 98)
    tracked = _looks_cut(lake, cut, lake)
    first, second, third = tracked.observations.itertuples()
    assert (first.status, second.status, third.status) == ("observed",) * 3
    assert second.area_m2 == pytest.approx(cut.area, rel=1e-3)
    assert second.observed_fraction >= 0.9
    assert second.area_sigma_m2 >= 0.9 * first.area_sigma_m2
    assert abs(second.area_m2 - lake.area) < 2 * second.area_sigma_m2
    row = tracked.outlines[tracked.outlines["acquired"].dt.year == 2011].iloc[0]
    assert row["quality"] == SHOWN_AFTER_ALL
    assert row["area_err_hb_m2"] > 0 or pd.isna(row["perimeter_m"])


@pytest.mark.parametrize("after", [100, 95])
def test_what_a_cloud_hides_of_a_lake_is_drawn_where_images_before_and_after_agree_on_it(
    after: int,
) -> None:
    before, later = _lake(0, 0), _lake(0, 0, after)
    seen = before.difference(shapely.box(X0 + 50, Y0 - 150, X0 + 220, Y0 + 150))
    tables = [
        _scene("2010-08-01", [before]),
        _scene("2011-08-01", [seen], [BESIDE.buffer(45)], statuses=["cloud"]),
        _scene("2012-08-01", [later]),
    ]
    tracked = track_lakes(tables)
    second = tracked.observations.iloc[1]
    common = before.intersection(later).union(seen).area
    hidden = 1 - seen.area / common
    assert hidden > 0.12
    assert second["status"] == "observed"
    assert second["area_m2"] == pytest.approx(common, rel=1e-3)
    assert second["observed_fraction"] == pytest.approx(1 - hidden, abs=0.09)
    assert second["area_sigma_m2"] > (common - seen.area) / 2
    row = tracked.outlines[tracked.outlines["acquired"].dt.year == 2011].to_crs(32644).iloc[0]
    assert row.geometry.area == pytest.approx(common, rel=1e-3)
    assert row["quality"] == FILLED_IN


def test_nothing_is_drawn_where_an_image_shows_that_a_lake_had_withdrawn() -> None:
    lake = _lake(0, 0)
    bare = shapely.box(X0 + 50, Y0 - 150, X0 + 220, Y0 + 150)
    west = shapely.box(X0 - 220, Y0 - 150, X0 - 95, Y0 + 150)
    tables = [
        _scene("2010-08-01", [lake]),
        _scene("2011-08-01", [lake.difference(bare)], [west], statuses=["cloud"]),
        _scene("2012-08-01", [lake]),
    ]
    tracked = track_lakes(tables)
    assert _series(tracked, _only(tracked))[1] == "cloud"


def test_images_before_and_after_bound_how_large_a_lake_under_cloud_is() -> None:
    lake = _lake(0, 0, 200)
    seen = lake.intersection(shapely.box(X0 - 210, Y0 - 210, X0 - 40, Y0 + 210))
    cloud = shapely.box(X0 - 40, Y0 - 400, X0 + 800, Y0 + 400)
    tables = [
        _scene("2010-08-01", [lake]),
        _scene("2011-08-01", [seen], [cloud], statuses=["cloud"]),
        _scene("2012-08-01", [lake]),
    ]
    second = track_lakes(tables).observations.iloc[1]
    assert second["status"] == "cloud"
    assert lake.area < second["area_max_m2"] < 1.1 * lake.area


def test_more_than_a_quarter_of_a_lake_is_not_drawn_by_other_images() -> None:
    lake = _lake(0, 0)
    hides = shapely.box(X0 + 25, Y0 - 150, X0 + 220, Y0 + 150)
    tables = [
        _scene("2010-08-01", [lake]),
        _scene("2011-08-01", [lake.difference(hides)], [hides.buffer(30)], statuses=["cloud"]),
        _scene("2012-08-01", [lake]),
    ]
    tracked = track_lakes(tables)
    assert _series(tracked, _only(tracked))[1] == "cloud"


def test_a_lake_beside_a_cloud_has_no_area_where_any_other_image_shows_more_of_it() -> None:
    lake = _lake(0, 0)
    larger = lake.union(shapely.box(X0, Y0 - 60, X0 + 200, Y0 + 60))
    dark = lake.union(shapely.box(X0 - 250, Y0 - 40, X0, Y0 + 40))
    for before, cut, after in (
        (larger, lake, larger),  # the rest of it is under the cloud
        (larger, lake, lake),  # it may have been as large still
        (lake, lake, larger),  # or already
        (lake, dark, lake),  # takes in dark ground
    ):
        assert _looks_cut(before, cut, after).observations["status"].iloc[1] == "cloud"


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize(("radii", "status"), [((100, 99), "observed"), ((100, 93), "cloud")])
def test_at_the_ends_of_a_series_two_outlines_of_a_steady_lake_tell_that_nothing_is_hidden(
    radii: tuple[int, int], status: str, is_last: bool
) -> None:
    whole = [_scene(f"201{i}-08-01", [_lake(0, 0, r)]) for i, r in enumerate(radii, 1)]
    day = "2013-08-01" if is_last else "2010-08-01"
    cut = _scene(day, [_lake(0, 0)], [BESIDE], statuses=["cloud"])
    tracked = track_lakes([*whole, cut])
    seen = tracked.observations.set_index("scene_id").loc[f"S2A_{day}"]
    assert seen["status"] == status
    if status == "observed":  # it may change as much again
        assert seen["area_sigma_m2"] > abs(_lake(0, 0, 100).area - _lake(0, 0, 99).area)


def test_at_the_ends_of_a_series_one_outline_does_not_tell_that_nothing_is_hidden() -> None:
    cut = _scene("2013-08-01", [_lake(0, 0)], [BESIDE], statuses=["cloud"])
    tracked = track_lakes([_scene("2012-08-01", [_lake(0, 0)]), cut])
    assert _series(tracked, _only(tracked))[1] == "cloud"


@pytest.mark.parametrize(
    ("status", "radius", "is_told"),
    [
        ("frozen", 80, True),
        ("cloud", 80, True),
        ("shadow", 80, False),  # the same shade each year
        ("frozen", 100, False),  # another part is open
    ],
)
def test_what_looks_like_ice_beside_the_same_water_in_two_summers_is_no_lake(
    status: str, radius: int, is_told: bool
) -> None:
    tables = [_scene(f"200{i}-08-01", [_lake(0, 0, 200)]) for i in range(3)]
    for i, r in enumerate((80, radius)):
        bed = _lake(0, 0, 200).difference(_lake(0, 0, r + 5))
        tables.append(_scene(f"201{i}-08-01", [_lake(0, 0, r)], [bed], cloud_status=status))
    tracked = track_lakes(tables)
    assert (_series(tracked, _only(tracked))[3] != status) == is_told
    assert ("drained 2002-2010" in _kinds(tracked)) == is_told


@pytest.mark.parametrize(
    ("summers", "kinds"),
    [
        ("oooiii", ["drained 2002-2003"]),
        ("ooii", []),  # one of six orders
        ("oioiii", []),  # it freezes
    ],
)
def test_a_lake_has_drained_where_more_summers_end_in_ice_than_chance_would_put_last(
    summers: str, kinds: list[str]
) -> None:
    lake = _lake(0, 0, 200)
    tables = [
        _scene(
            f"200{i}-08-01",
            [lake] * (what == "o"),
            [lake.buffer(-20)] * (what == "i"),
            cloud_status="frozen",
        )
        for i, what in enumerate(summers)
    ]
    assert _kinds(track_lakes(tables)) == kinds


def test_the_open_part_of_a_lake_is_not_its_area_in_the_first_image_either() -> None:
    tables = [_half_hidden("2010-06-01", "frozen"), _scene("2011-08-01", [_lake(0, 0, 200)])]
    tracked = track_lakes(tables)
    assert _series(tracked, _only(tracked))[0] == "frozen"


def test_a_lake_that_grows_into_a_glacier_keeps_its_early_areas() -> None:
    glacier = _lake(0, 0, 1000)
    tables = []
    for i in range(5):
        lake = _lake(0, 0, 100 + 40 * i)
        tables.append(
            _scene(f"201{i}-08-01", [lake], [glacier.difference(lake)], cloud_status="frozen")
        )
    assert track_lakes(tables).lakes["n_observed"].tolist() == [5]


def test_a_glacier_that_advances_into_a_lake_leaves_it_an_area() -> None:
    tables = [_scene(f"200{i}-08-01", [_lake(0, 0, 200)]) for i in range(2)]
    tables += [_half_hidden(f"201{i}-08-01", "frozen") for i in range(3)]
    tracked = track_lakes(tables)
    areas = tracked.outlines.set_index("acquired")["area_m2"]
    assert areas.iloc[2:].notna().all()


def test_a_lake_that_was_smaller_before_its_shore_was_hidden_keeps_its_area() -> None:
    # The next image that shows the ground decides: it is land by then.
    tables = [_scene(f"200{i}-08-01", [_lake(0, 0, 200)]) for i in range(2)]
    tables += [_half_hidden("2010-08-01", "cloud")]
    tables += [_scene("2011-08-01", [OPEN])]
    assert track_lakes(tables).lakes["n_observed"].tolist() == [4]


def test_a_merge_may_have_happened_while_the_neighbour_was_hidden() -> None:
    left, right, both = _dumbbell()
    tables = [_scene(f"201{i}-08-01", [left, right]) for i in range(2)]
    tables += [_scene("2012-06-01", [left], [right.buffer(40)], cloud_status="frozen")]
    tables += [_scene(f"201{i}-08-01", [both]) for i in (3, 4)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == ["merged 2011-2013"]
    assert _series(tracked, tracked.events["to_ids"][0])[2] == "frozen"


def test_a_crumb_beside_the_joint_outline_does_not_keep_two_lakes_from_merging() -> None:
    left, right, both = _dumbbell()
    for x, radius in ((-70, 12), (320, 30)):
        crumb = _lake(x, 0, radius)
        joint = both.difference(crumb.buffer(6))
        tables = [_scene(f"201{i}-08-01", [left, right]) for i in range(2)]
        tables += [_scene("2012-08-01", [joint, crumb]), _scene("2013-08-01", [both])]
        tracked = track_lakes(tables)
        assert _kinds(tracked) == ["merged 2011-2012"]
        assert sorted(tracked.lakes["state"]) == ["merged", "present"]


def test_a_piece_that_one_image_cuts_off_has_not_merged() -> None:
    whole, piece = _lake(0, 0, 200), _lake(185, 0, 12)
    tables = [_scene(f"200{i}-08-01", [whole]) for i in range(2)]
    tables += [_scene("2010-08-01", [_lake(-30, 0, 165), piece])]
    tables += [_scene(f"202{i}-08-01", [whole]) for i in range(2)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == []
    assert tracked.lakes.sort_values("area_m2")["state"].tolist()[-1] == "present"


@pytest.mark.parametrize(
    ("n_images", "hidden", "kinds"),
    [
        (1, True, []),  # openings in the ice of one lake
        (1, False, ["merged 2010-2011"]),  # land between them was seen
        (2, True, ["merged 2011-2012"]),  # two images agree
    ],
)
def test_openings_in_the_ice_of_one_summer_have_not_merged(
    n_images: int, hidden: bool, kinds: list[str]
) -> None:
    left, right, both = _lake(-130, 0, 120), _lake(130, 0, 120), _lake(0, 0, 255)
    both = both.intersection(shapely.box(X0 - 300, Y0 - 130, X0 + 300, Y0 + 130))
    ice = [both.difference(left.union(right).buffer(5))] * hidden
    tables = [
        _scene(f"201{i}-08-01", [left, right], ice, cloud_status="frozen") for i in range(n_images)
    ]
    tables += [_scene(f"201{n_images + i}-08-01", [both]) for i in range(2)]
    assert _kinds(track_lakes(tables)) == kinds


def test_a_shadow_in_the_place_of_a_lake_to_come_does_not_date_its_coming() -> None:
    lake = _lake(0, 0, 200)
    tables = _looking([[], [], [_lake(30, 0, 120)], [lake], [lake]], [1, 1, 0.8, 1, 1])
    shadow = tables[2].outlines
    shadow["status"], shadow["observed_fraction"] = "cloud", 0.6
    shadow["area_m2"] = shadow["area_sigma_m2"] = np.nan
    tracked = track_lakes(tables)
    assert _kinds(tracked) == ["appeared 2011-2013"]


def test_a_lake_has_appeared_over_a_speck_that_a_cloud_let_be_seen() -> None:
    lake, speck = _lake(0, 0, 300), _lake(250, 0, 22)
    cloud = lake.buffer(30).difference(speck.buffer(12))
    tables = [_scene(f"201{i}-08-01", resolution_m=30) for i in range(2)]
    tables += [_scene("2012-08-01", [speck], [cloud])]
    tables += [_scene(f"201{i}-08-01", [lake], resolution_m=30) for i in (3, 4)]
    for table in tables:
        table.outlines["lake_prob"] = np.where(table.outlines.area < 1e4, 0.7, 1.0)
    assert _kinds(track_lakes(tables)) == ["appeared 2011-2013"]


def test_a_lake_where_ice_was_in_two_late_summers_has_appeared() -> None:
    lake = _lake(0, 0, 200)
    for months, kinds in (
        (("08", "09"), ["appeared 2011-2012"]),
        (("06", "08"), []),
        (("06", "06"), []),
    ):
        tables = [
            _scene(f"201{i}-{month}-01", [], [lake.buffer(50)], cloud_status="frozen")
            for i, month in enumerate(months)
        ]
        tables += [_scene(f"201{i}-08-01", [lake]) for i in (2, 3)]
        tracked = track_lakes(tables)
        assert _kinds(tracked) == kinds
        assert _series(tracked, _only(tracked))[:2] == ["frozen"] * 2
        assert tracked.events["area_before_m2"].isna().all()
        assert tracked.events["from_ids"].isna().all()


@pytest.mark.parametrize(
    ("hidden_share", "month", "status", "kinds"),
    [
        (0.2, "08", "cloud", ["drained 2011-2012"]),
        (0.2, "06", "frozen", []),
        (0.2, "08", "frozen", ["drained 2011-2012"]),
        (0.4, "08", "cloud", []),
    ],
)
def test_a_lake_has_drained_where_too_little_is_hidden_to_hold_it(
    hidden_share: float, month: str, status: str, kinds: list[str]
) -> None:
    bed = shapely.box(X0, Y0, X0 + 400, Y0 + 400)
    gap = shapely.box(X0, Y0, X0 + 400 * hidden_share, Y0 + 400)
    tables = [_scene(f"201{i}-08-01", [bed]) for i in range(2)]
    tables += [_scene(f"201{i}-{month}-01", [], [gap], cloud_status=status) for i in (2, 3)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == kinds
    assert _series(tracked, _only(tracked))[2:] == [status] * 2
    assert tracked.events["area_after_m2"].isna().all()
    assert tracked.lakes["state"].tolist() == ["gone" if kinds else "present"]


@pytest.mark.parametrize("radius", [30, 70])
def test_a_lake_has_drained_to_a_remnant_though_the_remnant_is_not_seen_whole(radius: int) -> None:
    lake, remnant = _lake(0, 0), _lake(0, 0, radius)
    cloud = shapely.box(X0 - 100, Y0 + 10, X0 - 60, Y0 + 100).union(_lake(0, 30, 12))
    tables = [_scene(f"201{i}-08-01", [lake]) for i in range(2)]
    tables += [_scene(f"201{i}-08-01", [remnant], [cloud], statuses=["cloud"]) for i in (2, 3)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == (["drained 2011-2012"] if radius == 30 else [])
    assert tracked.lakes["state"].tolist() == ["present"]
    assert _series(tracked, _only(tracked))[2:] == ["cloud", "cloud"]
    if radius == 30:
        (event,) = tracked.events.itertuples()
        assert event.to_ids == event.from_ids
        assert np.isnan(event.area_after_m2)


@pytest.mark.parametrize(
    ("n_parts", "left_m", "kinds"),
    [(2, 0, ["drained 2011-2012"]), (2, 120, []), (1, 0, [])],
    ids=["gone", "half of the part left", "part seen once"],
)
def test_a_lake_never_seen_whole_has_drained_where_its_seen_part_did(
    n_parts: int, left_m: float, kinds: list[str]
) -> None:
    cloud = shapely.box(X0 - 300, Y0 - 300, X0 - 60, Y0 + 300)
    part = _lake(0, 0, 160).difference(cloud)
    tables = [
        _scene(f"201{2 - n_parts + i}-08-01", [part], [cloud], statuses=["cloud"])
        for i in range(n_parts)
    ]
    rest = [_lake(0, 0, left_m)] if left_m else []
    tables += [_scene(f"201{i}-08-01", rest) for i in (2, 3)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == kinds
    assert tracked.events["area_before_m2"].isna().all()


def test_a_lake_appears_with_its_first_part_though_its_area_is_never_known() -> None:
    cloud = shapely.box(X0 - 300, Y0 - 300, X0 - 60, Y0 + 300)
    part = _lake(0, 0, 160).difference(cloud)
    tables = [_scene(f"201{i}-08-01") for i in range(2)]
    tables += [_scene(f"201{i}-08-01", [part], [cloud], statuses=["cloud"]) for i in (3, 4)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == ["appeared 2011-2013"]
    assert tracked.events["area_after_m2"].isna().all()
    assert _series(tracked, _only(tracked)) == ["absent", "absent", "cloud", "cloud"]


def test_a_part_that_is_smaller_than_the_lake_was_tells_no_loss() -> None:
    cloud = shapely.box(X0 - 300, Y0 - 300, X0 + 100, Y0 + 300)
    part = _lake(0, 0, 160).difference(cloud)
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 160)]) for i in range(2)]
    tables += [_scene(f"201{i}-08-01", [part], [cloud], statuses=["cloud"]) for i in (2, 3)]
    assert _kinds(track_lakes(tables)) == []


@pytest.mark.parametrize("n_summers", [1, 2])
def test_a_lake_has_appeared_where_two_late_summers_showed_bare_ground_and_a_little_ice(
    n_summers: int,
) -> None:
    lake, ice = _lake(0, 0), shapely.box(X0 - 100, Y0 - 100, X0 - 50, Y0 + 100)
    tables = [
        _scene(f"201{i}-08-01", [], [ice], cloud_status="frozen") for i in range(n_summers)
    ] + [_scene(f"201{i}-08-01", [lake]) for i in (5, 6)]
    assert _kinds(track_lakes(tables)) == (["appeared 2011-2015"] if n_summers == 2 else [])


def test_what_only_one_image_ever_showed_has_neither_drained_nor_appeared() -> None:
    river = _lake(0, 0, 200)
    for shown in (0, 2):
        tables = [_scene(f"201{i}-08-01", [river] if i == shown else []) for i in range(5)]
        assert _kinds(track_lakes(tables)) == []


@pytest.mark.parametrize("probability", [0.5, 0.99])
@pytest.mark.parametrize("shown", [0, 4])
def test_what_only_one_image_ever_showed_has_drained_where_its_looks_tell_a_lake(
    probability: float, shown: int
) -> None:
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 50)] * (i == shown)) for i in range(5)]
    tables[shown].outlines["lake_prob"] = probability
    tracked = track_lakes(tables)
    is_lake = probability > 0.9
    # That it has come is not sure: images miss small lakes.
    assert _kinds(tracked) == ["drained 2010-2011"] * (is_lake and shown == 0)
    state = ("gone" if shown == 0 else "present") if is_lake else "unconfirmed"
    assert tracked.lakes["state"].tolist() == [state]


@pytest.mark.parametrize(("probability", "kinds"), [(0.3, []), (0.7, ["drained 2011-2012"])])
def test_what_is_more_likely_no_lake_has_not_drained(probability: float, kinds: list[str]) -> None:
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 80)] * (i < 2)) for i in range(4)]
    for table in tables[:2]:
        table.outlines["lake_prob"] = probability
    assert _kinds(track_lakes(tables)) == kinds


@pytest.mark.parametrize(("probability", "kinds"), [(0.7, []), (0.95, ["appeared 2013-2014"])])
def test_what_only_the_last_image_shows_has_come_where_its_looks_tell_a_lake(
    probability: float, kinds: list[str]
) -> None:
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 200)] * (i == 4)) for i in range(5)]
    tables[4].outlines["lake_prob"] = probability
    assert _kinds(track_lakes(tables)) == kinds


@pytest.mark.parametrize(("probability", "state"), [(0.3, "unconfirmed"), (0.7, "present")])
def test_no_size_confirms_what_is_more_likely_no_lake(probability: float, state: str) -> None:
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 200)] * (i == 4)) for i in range(5)]
    tables[4].outlines["lake_prob"] = probability
    assert track_lakes(tables).lakes["state"].tolist() == [state]


def _looking(
    shapes: Sequence[Sequence[shapely.Geometry]], looks: Sequence[float | Sequence[float]]
) -> list[MappedScene]:
    """Return a scene a year with these outlines and their probabilities to be lakes."""
    tables = [_scene(f"20{i + 10}-08-01", lakes) for i, lakes in enumerate(shapes)]
    for table, probability in zip(tables, looks, strict=True):
        table.outlines["lake_prob"] = probability
    return tables


@pytest.mark.parametrize(
    ("looks", "radius", "kinds"),
    [
        ((0.6,), 40, ["appeared 2010-2011"]),
        ((0.2, 0.3), 40, ["appeared 2011-2012"]),
        ((0.4, 0.3), (200, 40), []),  # as large before
        ((0.6, 0.3), 40, []),  # two images agree
        ((0.6,), 120, []),  # more than a third of the lake
        ((np.nan,), 40, []),  # somebody drew it
    ],
)
def test_dark_ground_in_the_place_of_a_lake_to_come_does_not_hide_that_it_came(
    looks: Sequence[float], radius: Any, kinds: list[str]
) -> None:
    radii = np.broadcast_to(radius, len(looks)).tolist()
    shapes = [[_lake(0, 0, r)] for r in radii] + [[_lake(30, 0, 200)]] * 2
    tables = _looking(shapes, [*looks, 0.9, 0.9])
    assert _kinds(track_lakes(tables)) == kinds


@pytest.mark.parametrize(("later", "kinds"), [(0.3, []), (0.7, ["appeared 2011-2012"])])
def test_what_two_images_take_for_no_lake_has_not_appeared(later: float, kinds: list[str]) -> None:
    lake = [_lake(0, 0, 80)]
    tables = _looking([[], [], lake, lake], [1.0, 1.0, 0.3, later])
    assert _kinds(track_lakes(tables)) == kinds


@pytest.mark.parametrize(("looks", "kinds"), [((0.3, 0.2, 0.6), []), ((0.7, 0.4, 0.6), True)])
def test_what_is_no_lake_in_the_mean_of_its_images_has_not_drained(
    looks: Sequence[float], kinds: Any
) -> None:
    tables = _looking([[_lake(0, 0, 80)]] * 3 + [[]] * 2, [*looks, 1.0, 1.0])
    assert _kinds(track_lakes(tables)) == (["drained 2012-2013"] if kinds else [])


def test_a_part_that_is_all_that_could_show_confirms_that_a_lake_appeared() -> None:
    lake, cloud = _lake(0, 0, 50), shapely.box(X0 - 30, Y0 - 200, X0 + 200, Y0 + 200)
    for shows, kinds in ((True, ["appeared 2011-2012"]), (False, [])):
        part = [lake.difference(cloud)] * shows
        tables = [_scene(f"201{i}-08-01") for i in (0, 1)] + [_scene("2012-08-01", [lake])]
        tables += [_scene("2013-08-01", part, [cloud], statuses=["cloud"] * shows)]
        assert _kinds(track_lakes(tables)) == kinds


@pytest.mark.parametrize(("frozen_again", "kinds"), [(True, []), (False, ["appeared 2011-2012"])])
def test_ice_tells_of_no_lake_where_the_lake_looks_like_ice_itself(
    frozen_again: bool, kinds: list[str]
) -> None:
    lake, place = _lake(0, 0, 200), _lake(0, 0, 250)
    tables = [_scene(f"201{i}-08-01", [], [place], cloud_status="frozen") for i in (0, 1)]
    tables += [_scene(f"201{i}-08-01", [lake]) for i in (2, 3)]
    tables += [_scene("2014-08-01", [], [place], cloud_status="frozen")] * frozen_again
    assert _kinds(track_lakes(tables)) == kinds


@pytest.mark.parametrize(("probability", "kinds"), [(0.3, []), (0.7, ["split 2011-2012"])])
def test_dark_ground_on_the_bed_of_a_lake_has_not_split_off(
    probability: float, kinds: list[str]
) -> None:
    left, right, both = _dumbbell()
    apart = [[left, right]] * 2
    tables = _looking([[both]] * 2 + apart, [0.9, 0.9, *[[0.9, probability]] * 2])
    assert _kinds(track_lakes(tables)) == kinds


@pytest.mark.parametrize(("probability", "kinds"), [(0.3, []), (0.7, ["merged 2011-2012"])])
def test_a_lake_does_not_merge_with_dark_ground(probability: float, kinds: list[str]) -> None:
    left, right, both = _dumbbell()
    tables = _looking([[left, right]] * 2 + [[both]] * 2, [*[[0.9, probability]] * 2, 0.9, 0.9])
    assert _kinds(track_lakes(tables)) == kinds


def test_a_piece_that_is_too_small_for_a_split_is_too_small_for_a_merge() -> None:
    for radius, kinds in ((30, []), (45, ["merged 2012-2013"])):
        piece = _lake(100 + 20 + radius, 0, radius)
        bridge = shapely.box(X0, Y0 - 20, X0 + 120 + radius, Y0 + 20)
        apart, both = [_lake(0, 0, 100), piece], shapely.union_all([_lake(0, 0), piece, bridge])
        tables = [_scene(f"201{i}-08-01", apart if i < 3 else [both]) for i in range(5)]
        assert _kinds(track_lakes(tables)) == kinds


@pytest.mark.parametrize(("shown", "kinds"), [("aabab", []), ("aaaab", ["merged 2013-2014"])])
def test_lakes_that_were_drawn_as_one_and_apart_again_have_not_merged_on_the_last_image(
    shown: str, kinds: list[str]
) -> None:
    left, right, both = _dumbbell()
    tables = [
        _scene(f"201{i}-08-01", [left, right] if what == "a" else [both])
        for i, what in enumerate(shown)
    ]
    assert _kinds(track_lakes(tables)) == kinds


def test_an_image_could_show_a_lake_of_which_one_as_coarse_shows_a_large_part() -> None:
    lake, cloud = _lake(0, 0, 130), _lake(200, 0, 100)
    part = lake.difference(cloud)
    for shape, kinds in (([part], ["appeared 2011-2012"]), ([], [])):
        tables = [_scene(f"201{i}-08-01", resolution_m=30) for i in (0, 1)]
        tables += [_scene("2012-08-01", shape, [cloud], 30, statuses=["cloud"] * len(shape))]
        tables += [_scene(f"201{i}-08-01", [lake]) for i in (3, 4)]
        assert _kinds(track_lakes(tables)) == kinds


def test_a_part_that_took_in_dark_ground_does_not_hide_a_drainage() -> None:
    cloud = _lake(0, 500, 250)
    dark = _lake(0, 0, 330).difference(cloud)
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 160)]) for i in (0, 1)]
    tables += [_scene("2012-08-01", [dark], [cloud], statuses=["cloud"])]
    tables += [_scene(f"201{i}-08-01", [_lake(0, 0, 50)]) for i in (3, 4, 5)]
    assert _kinds(track_lakes(tables)) == ["drained 2011-2013"]


def test_what_a_lake_was_before_it_split_does_not_confirm_a_part_with_dark_ground() -> None:
    left, right, both = _dumbbell()
    cloud = _lake(-100, 330, 200)
    dark = _lake(-40, 0, 190).difference(cloud)
    tables = [_scene(f"201{i}-08-01", [both]) for i in (0, 1)]
    tables += [_scene(f"201{i}-08-01", [left, right]) for i in (2, 3)]
    tables += [_scene("2014-08-01", [dark, right], [cloud], statuses=["cloud", "observed"])]
    tables += [_scene(f"201{i}-08-01", [left, right]) for i in (5, 6)]
    assert _kinds(track_lakes(tables)) == ["split 2011-2012"]


def test_a_dark_patch_of_a_glacier_between_two_summers_of_ice_has_not_appeared() -> None:
    patch = _lake(0, 0, 80)
    for later, kinds in ((["frozen"], []), ([], ["appeared 2011-2012"])):
        ice = [(f"201{i}-08-01", [], [patch.buffer(50)]) for i in (0, 1)]
        shown = [("2012-08-01", [patch], [])]
        again = [("2013-08-01", [], [patch.buffer(50)])] * len(later)
        tables = [
            _scene(day, lakes, clouds, cloud_status="frozen")
            for day, lakes, clouds in [*ice, *shown, *again, ("2014-08-01", [patch], [])]
        ]
        assert _kinds(track_lakes(tables)) == kinds


def test_a_lake_whose_place_a_cloud_shadow_had_before_has_appeared() -> None:
    cloud = _lake(0, 110, 60)
    shadow = _lake(0, 20, 40).difference(cloud)
    tables = [_scene(f"201{i}-08-01", [], resolution_m=30) for i in (0, 1)]
    tables += [_scene("2012-08-01", [shadow], [cloud], statuses=["cloud"])]
    tables += [_scene("2013-08-01", [], resolution_m=30)]
    tables += [_scene(f"201{i}-08-01", [_lake(0, 0, 200)]) for i in (4, 5)]
    assert _kinds(track_lakes(tables)) == ["appeared 2013-2014"]


def test_a_drainage_is_told_from_the_last_image_that_shows_the_lake() -> None:
    radii = (60, 95, 0, 0)
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, r)] * (r > 0)) for i, r in enumerate(radii)]
    tables[1].outlines["area_sigma_m2"] = 2e4
    assert "drained 2010-2012" not in _kinds(track_lakes(tables))


def test_looks_of_a_part_beside_a_cloud_tell_no_lake() -> None:
    cloud = shapely.box(X0 + 20, Y0 - 300, X0 + 300, Y0 + 300)
    dark = _lake(0, 0, 160).difference(cloud)
    tables = [_scene("2010-08-01", [dark], [cloud], statuses=["cloud"])]
    tables += [_scene(f"201{i}-08-01", []) for i in (1, 2, 3)]
    tables[0].outlines["lake_prob"] = 0.99
    assert _kinds(track_lakes(tables)) == []


@pytest.mark.parametrize(
    ("months", "seen", "kinds"),
    [
        (("08", "08"), 0.6, ["drained 2011-2012"]),
        (("06", "08"), 0.6, []),
        (("08", "06"), 0.6, []),
        (("08", "08"), 0.3, []),
    ],
)
@pytest.mark.parametrize("left_m", [0, 50])
def test_a_lake_has_drained_whose_bed_is_bare_and_ice_in_two_late_summers(
    months: tuple[str, str], seen: float, kinds: list[str], left_m: float
) -> None:
    bed = shapely.box(X0, Y0, X0 + 400, Y0 + 400)
    ice = shapely.box(X0 + 400 * seen, Y0, X0 + 400, Y0 + 400)
    rest = [_lake(60, 200, left_m)] if left_m else []
    tables = [_scene(f"201{i}-08-01", [bed]) for i in range(2)]
    tables += [
        _scene(
            f"201{i}-{month}-01",
            rest,
            [ice],
            cloud_status="frozen",
            statuses=["frozen"] * len(rest),
        )
        for i, month in enumerate(months, 2)
    ]
    assert _kinds(track_lakes(tables)) == kinds


def test_ice_where_an_image_is_too_coarse_for_the_lake_is_no_appearance() -> None:
    lake = _lake(0, 0, 30)
    tables = [
        _scene(f"201{i}-08-01", [], [lake.buffer(50)], m, cloud_status="frozen")
        for i, m in enumerate([30.0, 30.0])
    ]
    tables += [_scene(f"201{i}-08-01", [lake]) for i in (2, 3)]
    assert _kinds(track_lakes(tables)) == []


def test_a_lake_has_drained_though_the_first_image_still_shows_its_wet_bed() -> None:
    radii = (160, 160, 110, 62, 62)
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, r)]) for i, r in enumerate(radii)]
    assert _kinds(track_lakes(tables)) == ["drained 2011-2013"]


def test_a_small_lake_that_grows_from_nothing_has_appeared_after_a_single_look() -> None:
    for growth, kinds in ((1.0, []), (1.3, ["appeared 2010-2013"])):
        tables = [_scene("2010-08-01", [])]
        tables += [_scene(f"201{3 + i}-08-01", [_lake(0, 0, 30 * growth**i)]) for i in range(3)]
        assert _kinds(track_lakes(tables)) == kinds


def test_drained_and_refilled_lakes_are_told_with_the_images_before_and_after() -> None:
    tables = [
        _scene("2010-08-01", [_lake(0, 0, 200)]),
        _scene("2011-08-01", [_lake(0, 0, 200)]),
        _scene("2012-08-01", [], [_lake(0, 0, 900)]),
        _scene("2013-08-01", []),
        _scene("2014-08-01", [_lake(0, 0, 60)]),
        _scene("2015-08-01", [_lake(0, 0, 190)]),
    ]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == ["drained 2011-2013", "refilled 2014-2015"]
    assert _series(tracked, _only(tracked))[2:4] == ["cloud", "absent"]
    assert tracked.events["area_after_m2"][0] == 0
    assert tracked.outlines["event"].tolist()[-1] == "refilled"


def test_a_lake_that_shrinks_slowly_has_not_drained() -> None:
    tables = [_scene(f"20{10 + i}-08-01", [_lake(0, 0, 200 * 0.75**i)]) for i in range(6)]
    assert _kinds(track_lakes(tables)) == []


def test_a_drop_within_its_uncertainty_is_no_event() -> None:
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 200 if i < 2 else 90)]) for i in range(4)]
    assert _kinds(track_lakes(tables)) == ["drained 2011-2012"]
    for table in tables:
        table.outlines["area_sigma_m2"] = 60_000.0
    assert _kinds(track_lakes(tables)) == []


def test_a_small_lake_that_one_image_misses_has_not_drained() -> None:
    present = [_lake(0, 0, 40)]
    tables = [_scene(f"201{i}-08-01", [] if i == 2 else present) for i in range(5)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == []
    assert _series(tracked, _only(tracked))[2] == "uncertain"
    tables = [_scene(f"201{i}-08-01", present if i < 3 else []) for i in range(5)]
    assert _kinds(track_lakes(tables)) == ["drained 2012-2013"]


def test_a_large_lake_has_drained_on_the_first_image_without_it() -> None:
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 200)] if i < 3 else []) for i in range(4)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == ["drained 2012-2013"]
    assert tracked.lakes["state"].tolist() == ["gone"]


def test_a_coarse_image_cannot_tell_that_a_small_lake_is_absent() -> None:
    tables = [
        _scene(
            f"201{i}-08-01", [_lake(0, 0, 40)] if i % 2 else [], resolution_m=10 if i % 2 else 30
        )
        for i in range(6)
    ]
    tracked = track_lakes(tables)
    assert _series(tracked, _only(tracked))[::2] == ["uncertain"] * 3
    assert _kinds(tracked) == []


def test_absences_of_a_sensor_that_never_showed_the_lake_do_not_count() -> None:
    lake = _lake(0, 0, 120)  # 50 pixels of 30 m: more than enough to be seen, in principle
    resolutions = [30, 30, 30, 10, 10, 30]
    tables = [
        _scene(f"201{i}-08-01", [lake] if m == 10 else [], resolution_m=m)
        for i, m in enumerate(resolutions)
    ]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == []
    assert _series(tracked, _only(tracked))[:3] == ["uncertain"] * 3
    tables[2] = _scene("2012-08-01", [lake], resolution_m=30)
    assert _kinds(track_lakes(tables)) == ["appeared 2011-2012"]


def test_a_lake_near_the_smallest_area_that_was_mapped_is_not_called_absent() -> None:
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0, 60)] if i < 2 else []) for i in range(4)]
    assert _kinds(track_lakes(tables)) == ["drained 2011-2012"]
    assert _kinds(track_lakes(tables, min_area_m2=10_000)) == []


@pytest.mark.parametrize("bad", [0, 2, 5])
def test_an_image_that_lacks_many_lakes_is_at_fault_itself(bad: int) -> None:
    lakes = [_lake(900 * i, 0, 120) for i in range(30)]
    tables = [
        _scene(f"201{i}-08-01", lakes[1:13] if i == bad else lakes[1:] if i > 2 else lakes)
        for i in range(6)
    ]
    tracked = track_lakes(tables)
    kinds = _kinds(tracked)
    assert len(kinds) <= 1, kinds
    assert set(kinds) <= {"drained 2012-2013", "drained 2011-2013"}
    day = f"201{bad}"
    rows = tracked.observations[tracked.observations["scene_id"].str.contains(day)]
    assert (rows["status"] == "uncertain").sum() >= 18


def test_a_lake_of_the_first_image_has_not_appeared_but_a_later_one_has() -> None:
    first, later = _lake(0, 0), _lake(2000, 0, 40)
    tables = [_scene(f"201{i}-08-01", [first] if i < 2 else [first, later]) for i in range(4)]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == ["appeared 2011-2012"]
    born = tracked.events["lake_id"][0]
    assert _series(tracked, born)[:2] == ["absent"] * 2
    assert tracked.outlines["event"].dropna().tolist() == ["appeared"]


def test_a_place_hidden_in_all_earlier_images_gives_no_appearance() -> None:
    later = _lake(2000, 0, 200)
    tables = [_scene(f"201{i}-08-01", [_lake(0, 0)], [later.buffer(50)]) for i in range(2)]
    tables += [_scene("2012-08-01", [_lake(0, 0), later])]
    assert _kinds(track_lakes(tables)) == []


def test_a_small_outline_that_only_one_image_shows_is_unconfirmed_and_no_event() -> None:
    tables = [
        _scene(f"201{i}-08-01", [_lake(0, 0)] + [_lake(900, 0, 40)] * (i == 2)) for i in range(5)
    ]
    tracked = track_lakes(tables)
    assert sorted(tracked.lakes["state"]) == ["present", "unconfirmed"]
    assert tracked.outlines["quality"].dropna().tolist() == [SEEN_ONCE]
    assert _kinds(tracked) == []


def _dumbbell(radius: float = 100, gap: float = 80) -> tuple[shapely.Geometry, ...]:
    left, right = _lake(0, 0, radius), _lake(2 * radius + gap, 0, 0.8 * radius)
    bridge = shapely.box(X0, Y0 - 40, X0 + 2 * radius + gap, Y0 + 40)
    return left, right, shapely.union_all([left, right, bridge])


@pytest.mark.parametrize("resolution_m", [10.0, 30.0])
def test_lasting_splits_and_merges_are_told_with_lineage(resolution_m: float) -> None:
    left, right, both = _dumbbell()
    apart, together = [left, right], [both]
    tables = [
        _scene(f"20{10 + i}-08-01", lakes, resolution_m=resolution_m)
        for i, lakes in enumerate([together] * 2 + [apart] * 3 + [together] * 2)
    ]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == ["split 2011-2012", "merged 2014-2015"]
    assert len(tracked.lakes) == 2
    split, merged = tracked.events.itertuples()
    parent = split.from_ids
    assert split.to_ids.split()[0] == merged.to_ids == parent
    assert set(merged.from_ids.split()) == set(split.to_ids.split()) == set(tracked.lakes.lake_id)
    child = split.to_ids.split()[1]
    assert _series(tracked, child)[:2] == _series(tracked, child)[5:] == ["uncertain"] * 2
    assert tracked.lakes.set_index("lake_id")["state"].to_dict() == {
        parent: "present",
        child: "merged",
    }
    assert split.area_before_m2 == pytest.approx(both.area, rel=0.01)
    assert split.area_after_m2 == pytest.approx(left.area + right.area, rel=0.01)


def test_a_child_that_merged_and_split_again_has_its_old_identity() -> None:
    left, right, both = _dumbbell()
    states = [[left, right]] * 2 + [[both]] * 2 + [[left, right]] * 2
    tracked = track_lakes([_scene(f"201{i}-08-01", lakes) for i, lakes in enumerate(states)])
    assert _kinds(tracked) == ["merged 2011-2012", "split 2013-2014"]
    assert len(tracked.lakes) == 2


def test_a_split_in_the_last_image_waits_for_the_next_unless_it_is_large() -> None:
    for radius, events in ((45, []), (100, ["split 2011-2012"])):
        left, right, both = _dumbbell(radius)
        states = [[both], [both], [left, right]]
        tables = [_scene(f"201{i}-08-01", lakes) for i, lakes in enumerate(states)]
        assert _kinds(track_lakes(tables)) == events
        tables.append(_scene("2013-08-01", [left, right]))
        assert _kinds(track_lakes(tables)) == ["split 2011-2012"]


def test_a_part_too_small_for_a_split_stays_a_part_of_its_lake() -> None:
    main, part = _lake(0, 0), _lake(0, 130, 15)
    bridge = shapely.box(X0 - 10, Y0, X0 + 10, Y0 + 130)
    whole = shapely.union_all([main, part, bridge])
    states = [[whole], [whole], [main, part], [main, part]]
    tracked = track_lakes([_scene(f"201{i}-08-01", lakes) for i, lakes in enumerate(states)])
    assert _kinds(tracked) == []
    assert float(tracked.lakes.set_index("lake_id").loc[_only(tracked), "area_m2"]) == (
        pytest.approx(main.area + part.area)
    )


def _drawn(year: int, lakes: Sequence[shapely.Geometry]) -> gpd.GeoDataFrame:
    coverage = CompleteCoverage(f"survey {year}", datetime(year, 8, 1), "LT05")
    return replace(_scene(f"{year}-08-01", lakes), coverage=coverage)


def test_drawn_outlines_that_share_a_shore_are_one_lake_in_parts() -> None:
    lake = _lake(0, 0)
    west = lake.intersection(shapely.box(X0 - 100, Y0 - 100, X0, Y0 + 100))
    tracked = track_lakes([_drawn(2000, [west, lake.difference(west)]), _drawn(2010, [lake])])
    assert _kinds(tracked) == []
    areas = tracked.observations["area_m2"]
    assert areas.tolist() == pytest.approx([lake.area] * 2)
    assert len(tracked.lakes) == 1


def test_an_outline_that_grew_off_its_old_ground_but_touches_it_is_the_same_lake() -> None:
    small, large = _lake(0, 0, 40), _lake(150, 0, 115)
    shared = small.intersection(large).area
    assert 0 < shared < 0.05 * small.area
    _only(track_lakes([_drawn(2000, [small]), _drawn(2010, [large])]))


def test_outlines_that_flicker_between_one_and_two_are_no_events() -> None:
    left, right, both = _dumbbell()
    states = [[left, right], [both], [left, right], [left, right], [both], [left, right]]
    tracked = track_lakes([_scene(f"201{i}-08-01", lakes) for i, lakes in enumerate(states)])
    assert _kinds(tracked) == []
    assert len(tracked.lakes) == 2
    for lake_id in tracked.lakes["lake_id"]:
        assert [text == "uncertain" for text in _series(tracked, lake_id)] == [
            len(lakes) == 1 for lakes in states
        ]


def test_pixels_that_bridge_a_narrow_gap_are_no_merge() -> None:
    left, right, both = _dumbbell(gap=20)
    tables = [
        _scene(
            f"201{i}-08-01", [left, right] if i < 3 else [both], resolution_m=10 if i < 3 else 30
        )
        for i in range(6)
    ]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == []
    assert _series(tracked, tracked.lakes["lake_id"][0])[3:] == ["uncertain"] * 3


def test_a_gap_that_the_older_sensor_could_not_show_is_no_split() -> None:
    left, right, both = _dumbbell(gap=20)
    tables = [
        _scene(
            f"201{i}-08-01", [both] if i < 3 else [left, right], resolution_m=30 if i < 3 else 10
        )
        for i in range(6)
    ]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == []
    assert len(tracked.lakes) == 2


@pytest.mark.parametrize(("strait", "kinds"), [(600, ["split 2012-2013"]), (80, [])])
def test_an_old_outline_that_holds_the_ground_of_a_gap_of_its_pixel_was_one_lake(
    strait: float, kinds: list[str]
) -> None:
    whole = shapely.box(X0 - 250, Y0 - 200, X0 + 250, Y0 + 200)
    gap = shapely.box(X0 - 20, Y0 - 250, X0 + 20, Y0 + 250)
    parts = [*whole.difference(gap).geoms]
    bridge = whole.intersection(shapely.box(X0 - 50, Y0 - strait / 2, X0 + 50, Y0 + strait / 2))
    old = shapely.union_all([*parts, bridge])
    tables = [
        _scene(f"201{i}-08-01", [old] if i < 3 else parts, resolution_m=30 if i < 3 else 10)
        for i in range(6)
    ]
    tracked = track_lakes(tables)
    assert _kinds(tracked) == kinds
    assert len(tracked.lakes) == 2


def test_a_lake_whose_middle_is_hidden_once_has_not_split() -> None:
    strip = shapely.box(X0 - 40, Y0 - 400, X0 + 40, Y0 + 400)
    whole = _lake(0, 0, 200)
    halves = list(shapely.get_parts(whole.difference(strip)))
    tables = [
        _scene("2010-08-01", [whole]),
        _scene("2011-08-01", halves, [strip], statuses=["nodata"] * 2, cloud_status="nodata"),
        _scene("2012-08-01", [whole]),
    ]
    tracked = track_lakes(tables)
    assert _series(tracked, _only(tracked))[1] == "nodata"
    assert len(tracked.outlines) == 3
    assert _kinds(tracked) == []


def test_neighbours_in_a_shifted_image_do_not_take_each_other() -> None:
    lakes = [_lake(i * 65, 0, 25) for i in range(12)]
    shifted = [affinity.translate(lake, 20, 0) for lake in lakes]
    tracked = track_lakes([_scene("2010-08-01", lakes), _scene("2011-08-01", shifted)])
    first, second = (rows for _, rows in tracked.outlines.groupby("acquired"))
    assert len(tracked.lakes) == len(lakes)
    order = [list(rows.sort_values("lon")["lake_id"]) for rows in (first, second)]
    assert order[0] == order[1]


# Tiles


def test_equal_and_contained_outlines_of_two_tiles_are_one_lake() -> None:
    half = shapely.box(X0, Y0 - 500, X0 + 500, Y0 + 500)
    whole, other = _lake(0, 0), _lake(3000, 0)
    for duplicate, status in ((whole, "observed"), (whole.intersection(half), "nodata")):
        tables = [
            _scene("2010-08-01", [whole, other], name="tile_a"),
            _scene("2010-08-01", [duplicate, other], name="tile_b", statuses=[status, "observed"]),
        ]
        tracked = track_lakes(tables)
        assert len(tracked.lakes) == len(tracked.outlines) == 2
        assert tracked.outlines["area_m2"].to_numpy() == pytest.approx(whole.area, rel=1e-3)
        counts = tracked.observations.groupby("lake_id")["status"].agg(sorted)
        assert counts.tolist() == [["nodata", "observed"]] * 2


def test_a_lake_cut_by_the_edge_of_two_tiles_is_united() -> None:
    whole = _lake(0, 0)
    west = shapely.box(X0 - 5000, Y0 - 5000, X0, Y0 + 5000)
    east = shapely.box(X0, Y0 - 5000, X0 + 5000, Y0 + 5000)
    tables = [
        _scene(
            "2010-08-01",
            [whole.intersection(here)],
            [there],
            name=name,
            statuses=["nodata"],
            cloud_status="nodata",
        )
        for name, here, there in (("west", west, east), ("east", east, west))
    ]
    tracked = track_lakes(tables)
    _only(tracked)
    row = tracked.outlines.iloc[0]
    assert row["status"] == "observed"
    assert row["area_m2"] == pytest.approx(whole.area, rel=2e-3)
    assert row["area_sigma_m2"] > 0
    assert (
        row.geometry.symmetric_difference(gpd.GeoSeries([whole], crs=32644).to_crs(4326)[0]).area
        < 1e-9
    )
    assert sorted(tracked.observations["status"]) == ["nodata", "observed"]


# Identities


def test_two_lakes_at_nearly_one_place_get_different_identities() -> None:
    lakes = [_lake(0, 0, 14), _lake(40, 0, 14)]
    ids = track_lakes([_scene("2010-08-01", lakes)]).lakes["lake_id"].tolist()
    assert len(set(ids)) == 2
    assert all(id_.startswith("GL0") for id_ in ids)


def test_identities_of_an_earlier_inventory_are_kept_and_never_given_again() -> None:
    early = _scene("2009-08-01", [_lake(-80, 0, 30), _lake(2000, 0)])
    later = [_scene(f"201{i}-08-01", [_lake(0, 0), _lake(2000, 0)]) for i in range(3)]
    before = track_lakes(later)
    after = track_lakes([early, *later], previous=before.outlines)
    assert after.lakes["lake_id"].tolist() == before.lakes["lake_id"].tolist()
    assert track_lakes([early, *later]).lakes["lake_id"].tolist() != after.lakes["lake_id"].tolist()
    gone = before.outlines.assign(geometry=before.outlines.translate(1, 1))
    renewed = track_lakes(later, previous=gone)
    assert not set(renewed.lakes["lake_id"]) & set(before.lakes["lake_id"])


_POND = st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(15, 55))
_DATE = st.lists(_POND, max_size=8, unique_by=lambda pond: pond[:2])


def _ponds(dates: list[list[tuple[int, int, int]]]) -> list[MappedScene]:
    cloud = [shapely.box(X0 - 100, Y0 - 100, X0 + 250, Y0 + 1000)]
    return [
        _scene(
            f"20{10 + i}-08-01",
            [_lake(100 * x, 100 * y, r) for x, y, r in ponds if i % 3 != 2 or x > 3],
            cloud if i % 3 == 2 else (),
            resolution_m=30 if i % 2 else 10,
        )
        for i, ponds in enumerate(dates)
    ]


@pytest.mark.thorough
@settings(max_examples=10, deadline=None)
@given(st.lists(_DATE, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_scenes_and_rows_changes_nothing(
    dates: list[list[tuple[int, int, int]]], random: Random
) -> None:
    tables = _ponds(dates)
    straight = track_lakes(tables)
    mixed = []
    for table in random.sample(tables, len(tables)):
        order = random.sample(range(len(table.outlines)), len(table.outlines))
        rows = table.outlines.iloc[order].reset_index(drop=True)
        mixed.append(replace(table, outlines=rows))
    for name in ("lakes", "outlines", "observations", "events"):
        one, other = (pd.DataFrame(getattr(t, name)) for t in (straight, track_lakes(mixed)))
        pd.testing.assert_frame_equal(one, other)


@settings(max_examples=10, deadline=None)
@given(st.lists(_DATE, min_size=2, max_size=5))
def test_a_later_scene_changes_no_identity(dates: list[list[tuple[int, int, int]]]) -> None:
    tables = _ponds(dates)
    before, after = track_lakes(tables[:-1]), track_lakes(tables)
    updated = track_lakes(tables, previous=before.outlines)
    assert set(before.lakes["lake_id"]) <= set(updated.lakes["lake_id"])
    for tracked in (after, updated):
        old = before.outlines[["lake_id", "scene_id", "geometry"]]
        both = old.merge(tracked.outlines, on=["lake_id", "scene_id"], suffixes=("", "_new"))
        assert len(both) == len(old)


@settings(max_examples=10, deadline=None)
@given(st.lists(_DATE, min_size=1, max_size=5))
@example([[], [], [], [(0, 0, 15), (3, 0, 40)], [(0, 0, 15), (2, 0, 40)]])
def test_every_lake_has_a_row_for_every_scene_and_an_area_only_where_seen(
    dates: list[list[tuple[int, int, int]]],
) -> None:
    tables = _ponds(dates)
    tracked = track_lakes(tables)
    rows = tracked.observations
    assert len(rows) == len(tracked.lakes) * len(tables)
    assert not rows.duplicated(["lake_id", "scene_id"]).any()
    assert set(rows["status"]) <= set(schema.Status)
    assert (rows.loc[rows["status"] == "observed", "area_m2"] > 0).all()
    assert (rows.loc[rows["status"] == "absent", "area_m2"] == 0).all()
    assert rows.loc[~rows["status"].isin(["observed", "absent"]), "area_m2"].isna().all()
    assert (rows.loc[rows["status"] == "observed", "observed_fraction"] >= 0.9).all()
    places = tracked.outlines.to_crs(32644)
    for table in tables:
        # A lake that moved may be hidden where it is on one date, and seen to be absent from
        # where it is on another.
        seen = table.coverage.observe(places.geometry)["observed_fraction"]
        most = seen.groupby(places["lake_id"]).max()
        hidden = most.index[most < 0.1]
        mine = rows[rows["scene_id"] == table.coverage.scene_id]
        assert mine.loc[mine["lake_id"].isin(hidden), "area_m2"].isna().all()


@settings(max_examples=10, deadline=None)
@given(st.lists(_DATE, min_size=1, max_size=4))
def test_tiles_that_repeat_or_contain_outlines_add_no_lake(
    dates: list[list[tuple[int, int, int]]],
) -> None:
    tables = _ponds(dates)
    copies = []
    for number, table in enumerate(tables):
        coverage = table.coverage
        assert isinstance(coverage, KnownCoverage)
        outlines = table.outlines
        copy = outlines.set_geometry(outlines.buffer(-1 if number % 2 else 0))
        again = replace(coverage, scene_id=f"{coverage.scene_id}_again")
        copies.append(MappedScene(copy, again))
    one, both = track_lakes(tables), track_lakes([*copies, *tables])
    assert both.lakes["lake_id"].tolist() == one.lakes["lake_id"].tolist()
    assert len(both.outlines) == len(one.outlines)
    assert both.events["event"].tolist() == one.events["event"].tolist()


# The edges


def test_scenes_without_lakes_and_no_scenes_give_empty_tables() -> None:
    for tables in ([], [_scene("2010-08-01")], [_scene("2010-08-01"), _scene("2011-08-01")]):
        tracked = track_lakes(tables)
        for table, columns in (
            (tracked.lakes, schema.LAKES),
            (tracked.outlines, schema.OUTLINES),
            (tracked.observations, schema.OBSERVATIONS),
            (tracked.events, schema.LAKE_EVENTS),
        ):
            assert table.empty
            assert [c.name for c in columns] == [c for c in table.columns if c != "geometry"]
        assert tracked.lakes.crs == tracked.outlines.crs == 4326


def test_a_table_without_coverage_or_crs_or_a_scene_given_twice_is_refused() -> None:
    table = _scene("2010-08-01", [_lake(0, 0)])
    with pytest.raises(InputError, match="twice"):
        track_lakes([table, table])
    with pytest.raises(InputError, match="MappedScene"):
        track_lakes([table.outlines])  # type: ignore[list-item]
    nowhere = replace(table, outlines=table.outlines.set_crs(None, allow_override=True))
    with pytest.raises(InputError, match="CRS"):
        track_lakes([nowhere])


def test_none_of_many_lakes_is_confused_with_another() -> None:
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(np.arange(25) * 900.0, np.arange(16) * 900.0), -1).reshape(-1, 2)
    radii = rng.lognormal(4, 0.6, len(places))
    tables = []
    for date in range(8):
        shift = rng.uniform(-8, 8, 2)
        lakes = [
            _lake(*(place + shift), radius * rng.normal(1, 0.03))
            for place, radius in zip(places, radii, strict=True)
        ]
        tables.append(_scene(f"20{date:02d}-08-01", lakes))
    tracked = track_lakes(tables)
    assert len(tracked.lakes) == 400
    assert len(tracked.observations) == 3200
    east = tracked.outlines.to_crs(32643).geometry.centroid.x
    assert (east.groupby(tracked.outlines["lake_id"]).agg(np.ptp) < 50).all()
