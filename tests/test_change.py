"""Trends, steps, totals, composites and alerts, against an independent oracle and known series."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pymannkendall
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sample_inventory import assemble, make_inventory
from scipy.stats import false_discovery_control, kendalltau, norm, theilslopes

from glacial_lakes import change, schema
from glacial_lakes.change.statistics import (
    correlated_seasonal_mann_kendall,
    critical_score,
    mann_kendall,
    mann_kendall_hamed_rao,
    pettitt,
    seasonal_mann_kendall,
    seasonal_theil_sen,
    theil_sen,
    with_regard_to_number,
)
from glacial_lakes.change.trends import step, trend
from glacial_lakes.errors import InputError
from glacial_lakes.inventory.fast_changes import with_fast_changes
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.tables import Tracked

NONE = schema.conform(pd.DataFrame(), schema.LAKE_EVENTS)
NO_SCENES = schema.conform(pd.DataFrame(), schema.SCENES)


def years(n: int, start: int = 2000, month: int = 8) -> np.ndarray:
    return np.array([np.datetime64(f"{start + i}-{month:02d}-15", "ms") for i in range(n)])


def noise(n: int, memory: float, rng: np.random.Generator) -> np.ndarray:
    values = rng.normal(size=n)
    for i in range(1, n):
        values[i] = memory * values[i - 1] + np.sqrt(1 - memory**2) * values[i]
    return values


# Against pymannkendall and scipy


@pytest.mark.parametrize("n", [10, 17, 40])
@pytest.mark.parametrize("decimals", [9, 0])
def test_mann_kendall_is_that_of_pymannkendall_with_and_without_ties(n, decimals):
    values = np.round(np.random.default_rng(n).normal(size=n).cumsum(), decimals)
    theirs, ours = pymannkendall.original_test(values), mann_kendall(values)
    assert ours.score == theirs.s
    assert ours.variance == pytest.approx(theirs.var_s, rel=1e-12)
    assert ours.p == pytest.approx(theirs.p, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_correction_for_autocorrelation_is_that_of_pymannkendall(seed):
    n = 32  # an even number of pairs: no pair lies on the line, where theirs ranks by rounding
    values = noise(n, 0.5, np.random.default_rng(seed)) + 0.02 * np.arange(n)
    theirs = pymannkendall.hamed_rao_modification_test(values)
    ours = mann_kendall_hamed_rao(values, slope=theil_sen(np.arange(n), values).value)
    assert ours.variance == pytest.approx(theirs.var_s, rel=1e-9)
    assert ours.p == pytest.approx(theirs.p, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_seasonal_tests_and_slope_are_those_of_pymannkendall(seed):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(14, 4)) + rng.normal(size=(14, 1)) + [0, 5, 1, 2]
    theirs = pymannkendall.correlated_seasonal_test(table.ravel(), period=4)
    ours = correlated_seasonal_mann_kendall(table)
    assert (ours.score, ours.variance) == pytest.approx((theirs.s, theirs.var_s), rel=1e-9)
    table[rng.random(table.shape) < 0.2] = np.nan
    theirs, ours = (
        pymannkendall.seasonal_test(table.ravel(), period=4),
        seasonal_mann_kendall(table),
    )
    assert ours.p == pytest.approx(theirs.p, abs=1e-9)
    times = np.arange(14.0)[:, None] + 0 * table
    slope = seasonal_theil_sen(times, table, ours.variance)
    assert slope.value == pytest.approx(theirs.slope, rel=1e-9)


@pytest.mark.parametrize("n", [4, 5, 7, 9])
def test_few_values_have_the_exact_p_value(n):
    values = np.random.default_rng(n).normal(size=n)
    exact = kendalltau(np.arange(n), values, method="exact").pvalue
    assert mann_kendall(values).p == pytest.approx(exact, abs=1e-12)


def test_slope_and_interval_with_unequal_dates_are_those_of_scipy():
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0, 20, 25))
    values = 3 * times + rng.normal(0, 5, 25)
    theirs, ours = theilslopes(values, times), theil_sen(times, values)
    assert ours.value == pytest.approx(theirs.slope, rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx((theirs.low_slope, theirs.high_slope))


def test_real_dates_count_and_not_their_order():
    when = np.array(["2000-08-01", "2001-08-01", "2002-08-01", "2020-08-01"], "datetime64[ms]")
    areas = np.array([1.0, 2.0, 3.0, 21.0]) * 1e4
    assert trend(when, areas).slope_m2_per_year == pytest.approx(1e4, rel=1e-3)
    order = [2, 0, 3, 1]
    assert repr(trend(when[order], areas[order])) == repr(trend(when, areas))


# What must hold for any series


series = st.lists(
    st.floats(100, 1e6, allow_nan=False), min_size=4, max_size=25, unique_by=lambda x: round(x, 3)
)


@settings(deadline=None, max_examples=60)
@given(series, st.floats(0.1, 10), st.floats(-1e5, 1e5))
def test_a_trend_shifts_and_scales_with_the_areas(areas, factor, shift):
    one = trend(years(len(areas)), areas)
    other = trend(years(len(areas)), np.array(areas) * factor + shift)
    assert other.slope_m2_per_year == pytest.approx(factor * one.slope_m2_per_year, abs=1e-3)
    assume(len(np.unique(np.array(areas) * factor + shift)) == len(areas))
    assert other.p == pytest.approx(one.p, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(series)
def test_a_series_read_backwards_has_the_opposite_trend(areas):
    n = len(areas)
    when = np.datetime64("2000-01-01", "ms") + np.arange(n) * np.timedelta64(365, "D")
    one, back = trend(when, areas), trend(when, areas[::-1])
    assert back.slope_m2_per_year == pytest.approx(-one.slope_m2_per_year, abs=1e-6)
    assert back.p == pytest.approx(one.p, abs=1e-9)


@pytest.mark.parametrize(("n", "least"), [(5, 0.95), (8, 0.95), (12, 0.93), (25, 0.93)])
def test_the_interval_holds_the_true_slope_as_often_as_it_says(n, least):
    rng = np.random.default_rng(n)
    times = np.sort(rng.uniform(0, 20, n))
    slopes = [theil_sen(times, 50 * times + rng.normal(0, 100, n)) for _ in range(600)]
    assert np.mean([slope.low <= 50 <= slope.high for slope in slopes]) >= least


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("n", [7, 12, 25])
def test_lakes_that_only_remember_their_last_area_are_not_called_growing(n, memory):
    rng = np.random.default_rng(n)
    told = [trend(years(n), 1e5 + 1e3 * noise(n, memory, rng), np.full(n, 1e3)) for _ in range(250)]
    tested = np.mean([one.p <= 0.05 for one in told])
    called = np.mean([one.p <= 0.05 and one.exceeds_uncertainty for one in told])
    assert called <= 0.05 + 0.02
    assert tested <= (0.15 if n < 10 else 0.12)


def test_the_season_is_no_trend_and_does_not_hide_one():
    rng = np.random.default_rng(5)
    rates, slopes = [], []
    for _ in range(120):
        when, areas = [], []
        for year in range(2010, 2022):
            common = rng.normal(0, 700)
            for month, level in ((7, 0.0), (8, 9e3), (9, 4e3)):
                when.append(np.datetime64(f"{year}-{month:02d}-{rng.integers(1, 28):02d}", "ms"))
                areas.append(1e5 + level + common + rng.normal(0, 700))
        flat = trend(when, areas)
        assert flat.method == "seasonal"
        rates.append(flat.p <= 0.05)
        grown = np.array(areas) + 500.0 * np.repeat(np.arange(12), 3)
        slopes.append(trend(when, grown).slope_m2_per_year)
    assert np.mean(rates) <= 0.08
    assert np.median(slopes) == pytest.approx(500, abs=30)


# Few dates


def test_two_areas_have_a_difference_and_no_trend():
    told = trend(years(2), [1e4, 1.3e4], [300.0, 400.0])
    assert (told.method, told.n, told.difference_m2) == ("difference", 2, 3000.0)
    assert told.difference_sigma_m2 == 500.0
    assert told.exceeds_uncertainty
    assert np.isnan([told.slope_m2_per_year, told.p, told.slope_low_m2_per_year]).all()


def test_four_areas_have_a_slope_but_no_interval():
    told = trend(years(4), [1e4, 1.1e4, 1.2e4, 1.3e4], [10.0] * 4)
    assert told.slope_m2_per_year == pytest.approx(1e3, rel=1e-3)
    assert np.isnan(told.slope_low_m2_per_year)
    assert told.p == pytest.approx(1 / 12)
    assert critical_score(4, 0.95) is None


def test_areas_without_a_known_uncertainty_never_exceed_it():
    assert not trend(years(6), np.arange(6) * 1e4).exceeds_uncertainty


@pytest.mark.parametrize(
    ("times", "areas", "said"),
    [
        ([], [], "lists of one length"),
        (years(2), [1.0], "lists of one length"),
        (years(2), [1.0, np.nan], "is missing, or two times are the same"),
        (years(1)[[0, 0]], [1.0, 2.0], "two times are the same"),
        ([2003, 2010, 2020], [1.0, 2.0, 3.0], "times are no dates: 2003; give dates"),
        (np.array([2003, None], object), [1.0, 2.0], "times are no dates: 2003"),
        (["2003-08-01", "no day"], [1.0, 2.0], "times are no dates: .*no day"),
        ([[years(1)[0]], []], [1.0, 2.0], "times are no dates"),
        (years(2), ["1", "much"], "areas are no numbers: .*much"),
    ],
)
def test_what_is_no_series_of_dates_and_areas_is_refused_in_one_line(times, areas, said):
    with pytest.raises(InputError, match=said) as refused:
        trend(times, areas)
    assert "\n" not in str(refused.value)


def test_an_error_below_0_is_refused():
    with pytest.raises(InputError, match="an error is below 0; give errors of 0 or more"):
        trend(years(4), np.arange(4.0), [1.0, 1.0, -1.0, 1.0])


# Steps


def test_the_step_of_pettitt_lies_where_the_level_changes():
    values = np.r_[np.full(8, 3.0), np.full(6, 1.0)] + np.random.default_rng(1).normal(0, 0.1, 14)
    position, p = pettitt(values)
    assert position == 8
    assert p < 0.05


def test_a_step_is_told_and_a_steady_trend_is_none():
    rng = np.random.default_rng(2)
    jump = np.where(np.arange(16) < 9, 1e5, 7e4) + rng.normal(0, 1e3, 16)
    found = step(years(16), jump, np.full(16, 1e3))
    assert found is not None
    assert (found.after, found.date) == (years(16)[8], years(16)[9])
    assert found.change_m2 == pytest.approx(-3e4, rel=0.1)
    line = 1e5 + 3e3 * np.arange(16) + rng.normal(0, 1e3, 16)
    assert pettitt(line)[1] < 0.05
    assert step(years(16), line, np.full(16, 1e3)) is None
    assert step(years(16), jump, np.full(16, 2e4)) is None


# Tables


def table(areas: list[object], **given: object) -> pd.DataFrame:
    """One lake, an image a year; a text instead of an area is its status."""
    rows = []
    for i, area in enumerate(areas):
        seen = not isinstance(area, str)
        rows.append(
            {
                "lake_id": "A",
                "acquired": pd.Timestamp(f"{2010 + i}-08-15", tz="UTC"),
                "scene_id": f"S{2010 + i}",
                "sensor": "S2A",
                "status": ("absent" if area == 0 else "observed") if seen else area,
                "observed_fraction": 1.0 if seen else 0.2,
                "area_m2": area if seen else None,
                "area_sigma_m2": 500.0 if seen else None,
                "glacier_dist_m": 20.0,
                **given,
            }
        )
    return pd.DataFrame(rows)


def called(rows: pd.DataFrame, events: pd.DataFrame = NONE) -> pd.DataFrame:
    lakes = pd.DataFrame({"lake_id": rows["lake_id"].unique(), "state": "present"})
    return change.alerts(
        schema.conform(rows, schema.OBSERVATIONS),
        events,
        schema.conform(rows, schema.OUTLINES),
        schema.conform(lakes, schema.LAKES),
    )


def event(
    kind: str, after: str, date: str, before: float | None, now: float | None
) -> pd.DataFrame:
    row = {"lake_id": "A", "event": kind, "after": after, "date": date}
    row |= {"area_before_m2": before, "area_after_m2": now}
    return schema.conform(pd.DataFrame([row]), schema.LAKE_EVENTS)


def test_a_sudden_loss_is_an_alert_with_its_bracket_and_evidence():
    rows = called(table([2e4, 2e4, "cloud", 1.2e4, 1.2e4]))
    (row,) = rows.to_dict("records")
    assert row["alert"] == "sudden_drainage"
    assert (f"{row['after']:%Y}", f"{row['date']:%Y}") == ("2011", "2013")
    assert row["scene_ids"] == "S2011 S2013"
    assert row["z"] == pytest.approx(-8e3 / np.hypot(500, 500))
    assert row["confirmed"]


@pytest.mark.parametrize(
    "areas",
    [
        [2e4, 2e4, "cloud", "frozen", "uncertain"],
        [2e4, 2e4, "cloud", 2e4, 2e4],
        [2e4, 2e4, 1.2e4, 2e4, 2e4],
        [2e4, 3e4, 2e4, 2e4],
        [2e4, 2e4, 1.2e4],
        [2e4, 2e4, 1.6e4, 1.6e4],
        [2e3, 2e3, 1.2e3, 1.2e3],
        [2e4, 2e4, "cloud", "cloud", "cloud", "cloud", 1.2e4, 1.2e4],
    ],
    ids=["unseen", "back", "slip", "flood", "no second", "little", "within sigma", "long ago"],
)
def test_what_is_not_sure_is_no_alert(areas):
    assert called(table(areas)).empty


def test_a_large_lake_is_an_alert_at_once_and_waits_for_agreement():
    (row,) = called(table([3e5, 3e5, 1.8e5])).to_dict("records")
    assert row["alert"] == "sudden_drainage"
    assert not row["confirmed"]


def test_an_event_gives_one_alert_and_a_jump_at_a_split_none():
    areas = [2e4, 2e4, 1e3, 1e3]
    drained = event("drained", "2011-08-15", "2012-08-15", 2e4, 1e3)
    assert called(table(areas), drained)["alert"].tolist() == ["sudden_drainage"]
    split = event("split", "2011-08-15", "2012-08-15", 2e4, 1e4)
    assert called(table([2e4, 2e4, 1e4, 1e4]), split).empty
    assert called(table([2e4, 2e4, 1e4, 1e4]))["alert"].tolist() == ["sudden_drainage"]


@pytest.mark.parametrize(("later", "confirmed"), [(0.0, True), ("cloud", False), (9e3, False)])
def test_a_lake_never_seen_whole_that_drained_is_an_alert_with_an_unknown_area(later, confirmed):
    drained = event("drained", "2011-08-15", "2012-08-15", None, 0.0)
    (row,) = called(table(["cloud", "cloud", 0.0, later]), drained).to_dict("records")
    assert row["alert"] == "sudden_drainage"
    assert np.isnan(row["area_before_m2"])
    assert row["scene_ids"] == "S2011 S2012"
    assert row["confirmed"] is confirmed


def test_a_new_lake_is_an_alert_only_near_a_glacier():
    appeared = event("appeared", "2010-08-15", "2011-08-15", 0.0, 2e4)
    near = table([0, 2e4, 2e4])
    assert called(near, appeared)["alert"].tolist() == ["new_near_glacier"]
    assert called(near.assign(glacier_dist_m=4000.0), appeared).empty
    assert called(near.assign(glacier_dist_m=np.nan), appeared).empty
    assert called(near.assign(area_sigma_m2=2e4), appeared).empty


def test_contact_is_gained_by_growing_and_lost_by_shrinking():
    areas, gaps = [2e4, 2e4, 2.4e4, 2.4e4], [200.0, 180.0, 10.0, 0.0]
    assert called(table(areas).assign(glacier_dist_m=gaps))["alert"].tolist() == ["contact_gained"]
    back = table(areas[::-1]).assign(glacier_dist_m=gaps[::-1])
    assert called(back)["alert"].tolist() == ["contact_lost"]
    for same in ([2e4] * 4, areas[::-1]):
        assert called(table(same).assign(glacier_dist_m=gaps)).empty
    assert called(table(areas).assign(glacier_dist_m=[200.0, 180.0, 10.0, 200.0])).empty
    assert called(table(areas).assign(glacier_dist_m=[80.0, 70.0, 45.0, 40.0])).empty


def test_unconfirmed_lakes_give_no_alert_and_no_total():
    rows = table([2e4, 2e4, 1.2e4, 1.2e4])
    lakes = schema.conform(pd.DataFrame([{"lake_id": "A", "state": "unconfirmed"}]), schema.LAKES)
    observations = schema.conform(rows, schema.OBSERVATIONS)
    assert change.alerts(observations, NONE, schema.conform(rows, schema.OUTLINES), lakes).empty
    assert change.totals(change.by_date(observations, NO_SCENES), lakes).empty


def test_trends_start_anew_after_an_event():
    areas = [5e4, 5.1e4, 5e4, *(1e4 + 1e3 * i for i in range(7))]
    split = event("split", "2012-08-15", "2013-08-15", 5e4, 1e4)
    rows = schema.conform(table(areas), schema.OBSERVATIONS)
    (row,) = change.trends(rows, split).to_dict("records")
    assert row["n"] == 7
    assert row["trend"] == "growing"
    assert row["slope_m2_per_year"] == pytest.approx(1e3, rel=1e-2)
    assert row["line_last_m2"] - row["line_first_m2"] == pytest.approx(6e3, rel=1e-2)


def test_many_tests_are_judged_together():
    rng = np.random.default_rng(8)
    rows = [
        table(list(5e4 + rng.normal(0, 500, 12)), lake_id=f"L{i}").assign(area_sigma_m2=50.0)
        for i in range(60)
    ]
    rows.append(table(list(5e4 + 1e3 * np.arange(12)), lake_id="grows"))
    trends = change.trends(schema.conform(pd.concat(rows), schema.OBSERVATIONS), NONE)
    assert (trends["p"] <= 0.05).sum() > 1
    assert trends.loc[trends["trend"] == "growing", "lake_id"].tolist() == ["grows"]


def test_lakes_that_surely_change_leave_the_others_more_room_and_constant_ones_none():
    rng = np.random.default_rng(9)
    false, called = [], []
    for share in (0.0, 0.5, 0.9):
        is_changing = np.arange(200) < 200 * share
        found, wrong = [], []
        for _ in range(100):
            p = 2 * norm.sf(np.abs(rng.normal(3.0 * is_changing, 1.0)))
            q, plain = with_regard_to_number(p, 0.05), false_discovery_control(p)
            shown = (q <= 0.05) & (p <= 0.05)
            found.append(shown.sum() / max((plain <= 0.05).sum(), 1))
            wrong.append((shown & ~is_changing).sum() / max(shown.sum(), 1))
        false.append(np.mean(wrong))
        called.append(np.mean(found))
    assert max(false) <= 0.06
    assert called[0] <= 1
    assert min(called[1:]) > 1.02


def test_where_every_lake_but_one_changes_that_one_is_not_called():
    rows = [table(list(5e4 + 1e3 * np.arange(12)), lake_id=f"L{i}") for i in range(40)]
    rows.append(table([5e4, 5.1e4] * 6, lake_id="still").assign(area_sigma_m2=50.0))
    trends = change.trends(schema.conform(pd.concat(rows), schema.OBSERVATIONS), NONE)
    assert trends.loc[trends["trend"] == "none", "lake_id"].tolist() == ["still"]


def test_a_lake_that_was_never_measured_has_a_row_without_numbers():
    rows = schema.conform(table(["cloud", "frozen"]), schema.OBSERVATIONS)
    (row,) = change.trends(rows, NONE).to_dict("records")
    assert row["n"] == 0
    assert pd.isna([row["slope_m2_per_year"], row["trend"], row["difference_m2"]]).all()


# Totals


def two_lakes(*, second: list[object]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [table([1e4, 1.2e4, 1.2e4]), table(second, lake_id="B")]
    lakes = pd.DataFrame({"lake_id": ["A", "B"], "state": "present", "basin": ["Chu", "Talas"]})
    rows = schema.conform(pd.concat(rows), schema.OBSERVATIONS)
    return change.totals(change.by_date(rows, NO_SCENES), schema.conform(lakes, schema.LAKES)), rows


def test_a_lake_under_cloud_changes_no_total_on_common_lakes():
    totals, _ = two_lakes(second=[3e4, "cloud", 3e4])
    whole = totals[totals["basin"].isna()].set_index("epoch")
    assert whole["area_m2"].tolist() == [4e4, 1.2e4, 4.2e4]
    assert whole["n_unseen"].tolist() == [0, 1, 0]
    assert whole["unseen_area_m2"].tolist() == [0, 3e4, 0]
    assert whole["change_m2"].tolist()[1:] == [2e3, 0]
    assert whole["n_common"].tolist()[1:] == [1, 1]
    assert whole["compared_with"].tolist()[1:] == ["2010-08-15", "2011-08-15"]


def test_both_sums_of_errors_are_given():
    totals, _ = two_lakes(second=[3e4, 3e4, 3e4])
    first, second = totals.iloc[0], totals.iloc[1]
    assert first["sigma_independent_m2"] == pytest.approx(np.hypot(500, 500))
    assert first["sigma_correlated_m2"] == 1000
    assert second["change_sigma_correlated_m2"] == pytest.approx(2 * np.hypot(500, 500))


def test_basins_add_up_to_the_whole_and_a_drained_lake_counts_as_zero():
    totals, _ = two_lakes(second=[3e4, 3e4, 0])
    is_whole = totals["basin"].isna()
    parts = totals[~is_whole].groupby("epoch")["area_m2"].sum()
    assert parts.tolist() == totals.loc[is_whole, "area_m2"].tolist()
    last = totals[totals["basin"] == "Talas"].iloc[-1]
    assert (last["n_lakes"], last["n_unseen"], last["change_m2"]) == (0, 0, -3e4)


# Fast growth and shrinkage


def dated(areas: list[object], dates: list[str], **given: object) -> pd.DataFrame:
    """The same on dates of one's own; both parts of the errors are those of the schema."""
    acquired = pd.to_datetime(dates, utc=True)
    rows = table(areas, **given).assign(acquired=acquired, scene_id=dates)
    return schema.conform(rows, schema.OBSERVATIONS)


def fast(rows: pd.DataFrame, events: pd.DataFrame = NONE, **settings: float) -> list[str]:
    found = change.fast_changes(
        schema.conform(rows, schema.OBSERVATIONS), events, TrackingSettings(**settings)
    )
    return [f"{e.event} {e.after:%Y-%m} {e.date:%Y-%m}" for e in found.itertuples()]


@pytest.mark.parametrize(
    ("areas", "told"),
    [
        ([2e4, 2e4, 2.8e4, 2.8e4], ["grown 2011-08 2012-08"]),
        ([2e4, 2e4, "cloud", 2.8e4, 2.8e4], ["grown 2011-08 2013-08"]),
        ([2e4, 2e4, 2.3e4, 2.7e4, 2.7e4], ["grown 2011-08 2013-08"]),
        ([2e4, 2e4, 2.1e4, 2.8e4, 2.8e4], ["grown 2012-08 2013-08"]),
        ([2.8e4, 2.8e4, 1.8e4, 1.8e4], ["shrunk 2011-08 2012-08"]),
        ([2e4, 2e4, 3e4, 3e4, 2e4, 2e4], ["grown 2011-08 2012-08", "shrunk 2013-08 2014-08"]),
        ([3e5, 3e5, 4.2e5], ["grown 2011-08 2012-08"]),
        ([2e4, 2e4, 2.8e4], []),
        ([2e4, 2e4, 2.8e4, 2e4, 2e4], []),
        ([2e4, 2e4, 2.4e4, 2.4e4], []),
        ([2e4 + 500 * i for i in range(12)], []),
        ([2e3, 2e3, 3e3, 3e3], []),
        ([2e4, 2e4, 0, 2.8e4, 2.8e4], []),
    ],
    ids=[
        "jump",
        "hidden between",
        "two years",
        "most of it between two dates",
        "loss",
        "back after years",
        "large",
        "no second",
        "slip",
        "little",
        "slow",
        "within its error",
        "gone between",
    ],
)
def test_fast_growth_is_an_event_between_the_dates_that_show_it(areas, told):
    assert fast(table(areas)) == told


SEASON = ["2019-09-01", "2020-06-01", "2020-07-20", "2020-08-20", "2020-09-20", "2021-06-01"]


def test_what_a_season_undoes_is_told_apart_from_lasting_growth():
    fill = ["seasonal_fill 2020-06 2020-07", "seasonal_drain 2020-08 2020-09"]
    assert fast(dated([2e4, 2e4, 3e4, 3e4, 2e4, 2e4], SEASON)) == fill
    assert fast(dated([2e4, 2e4, 3e4, 3e4, 3e4, 3e4], SEASON)) == ["grown 2020-06 2020-07"]
    again = dated(
        [3e4, 3e4, 2e4, 2e4, 3e4, 3e4, 2e4, 2e4],
        [f"{y}-{m}-01" for y in (2020, 2021) for m in ("06", "07", "09", "10")],
    )
    undone = ["seasonal_drain 2020-07 2020-09", "seasonal_fill 2020-10 2021-06"]
    assert fast(again) == [*undone, "seasonal_drain 2021-07 2021-09"]
    later = dated([2e4], ["2023-08-01"])
    assert fast(pd.concat([again, later], ignore_index=True)) == [*undone, "shrunk 2021-07 2021-09"]


def test_settings_tell_what_is_fast_and_other_events_take_their_jumps():
    rows = table([2e4, 2e4, 2.8e4, 2.8e4])
    assert fast(rows, fast_fraction=0.5) == []
    assert fast(rows, fast_fraction_per_year=0.5) == []
    split = event("split", "2011-08-15", "2012-08-15", 4e4, 2.8e4)
    assert fast(rows, split) == []
    assert fast(rows, change.fast_changes(schema.conform(rows, schema.OBSERVATIONS), NONE))


def test_fast_changes_of_noise_are_none_and_new_dates_leave_the_older_ones():
    rng = np.random.default_rng(7)
    true = np.array([2e4] * 6 + [3.2e4] * 6 + [1.8e4] * 6)
    grown = table([*true + rng.normal(0, 450, 18)])
    every = fast(grown)
    assert every == ["grown 2015-08 2016-08", "shrunk 2021-08 2022-08"]
    for n in range(2, 19):
        assert fast(grown.iloc[:n]) == every[: (n >= 8) + (n >= 14)]
    still = pd.concat([table([*rng.normal(2e4, 500, 20)], lake_id=f"L{i}") for i in range(100)])
    assert fast(still) == []


def test_a_trend_goes_on_over_fast_growth_and_an_alert_tells_it_once():
    rows = table([2e4, 2e4, 2e4, 3e4, 3e4, 3e4, 3e4, 3e4])
    events = change.fast_changes(schema.conform(rows, schema.OBSERVATIONS), NONE)
    (trend,) = change.trends(schema.conform(rows, schema.OBSERVATIONS), events).to_dict("records")
    assert trend["n"] == 8
    alerts = called(rows, events)
    assert alerts["alert"].tolist() == ["sudden_growth"] and alerts["confirmed"].all()


def test_fast_changes_stand_in_all_tables_and_are_made_anew_by_later_dates():
    rows = dated([2e4, 2e4, 3e4, 3e4], SEASON[:4]).assign(event=None)
    square = gpd.GeoSeries([shapely.box(74.5, 42.6, 74.501, 42.601)] * 4, crs=4326)
    outlines = gpd.GeoDataFrame(schema.conform(rows, schema.OUTLINES), geometry=square)
    outlines.loc[2, "event"] = "split"
    known = Tracked(outlines.iloc[:1], outlines, rows, NONE)
    told = with_fast_changes(known)
    assert told.events["event"].tolist() == ["grown"]
    assert told.outlines["event"].tolist() == [None, None, "split grown", None]
    back = pd.concat([rows, dated([2e4, 2e4], SEASON[4:])], ignore_index=True)
    later = with_fast_changes(replace(told, observations=back))
    assert later.events["event"].tolist() == ["seasonal_fill", "seasonal_drain"]
    assert later.outlines["event"].tolist() == [None, None, "split seasonal_fill", None]
    assert with_fast_changes(later).events.equals(later.events)
    none = with_fast_changes(later, TrackingSettings(fast_fraction=0.9))
    assert none.events.empty and none.outlines["event"].tolist() == [None, None, "split", None]


# Composites


def composite_inventory(rows: pd.DataFrame, quality: list[str], cloud: list[float]) -> Inventory:
    scenes = rows[["scene_id", "acquired", "sensor"]].assign(cloud_percent=cloud)
    square = shapely.box(74.5, 42.6, 74.501, 42.601)
    outlines = rows.assign(quality=quality, geometry=square)
    outlines = outlines[outlines["status"] == "observed"]
    lake = {"lake_id": "A", "state": "present", "geometry": square}
    tables = (outlines, rows, NONE, pd.DataFrame(), scenes, pd.DataFrame())
    return assemble([lake], *(table.to_dict("records") for table in tables))


@pytest.mark.parametrize(
    ("areas", "quality", "cloud", "best"),
    [
        ([1e4, 1e4, 1e4], ["good"] * 3, [0, 0, 0], "S2011"),
        ([1e4, "cloud", 1e4], ["good"] * 3, [40, 0, 0], "S2012"),
        ([1e4, 1e4, 1e4], ["good", "fair: shade", "poor: small"], [0, 0, 0], "S2010"),
        ([1e4, 1e4, 1e4], ["good"] * 3, [30, 30, 2], "S2012"),
    ],
    ids=["nearest to the middle", "seen whole", "quality", "least cloud"],
)
def test_the_best_observation_is_taken(areas, quality, cloud, best):
    inventory = composite_inventory(table(areas), quality, cloud)
    (row,) = inventory.composite((2010, 2012), (7, 8, 9, 10)).to_dict("records")
    assert row["scene_id"] == best
    assert row["area_m2"] == 1e4


def test_a_composite_has_no_lake_that_no_image_showed_whole():
    inventory = composite_inventory(table([1e4, "cloud", "frozen"]), ["good"] * 3, [0, 0, 0])
    assert inventory.composite((2011, 2012), (8,)).empty
    with pytest.raises(InputError, match="no image of the years 2011 to 2012"):
        inventory.composite((2011, 2012), (1, 2))


def test_each_outline_of_a_composite_is_one_of_the_inventory():
    inventory = make_inventory()
    composite = inventory.composite((2016, 2020), (7, 8, 9, 10))
    assert composite["lake_id"].is_unique
    assert 0 < len(composite) <= len(inventory.lakes)
    assert (composite["status"] == "observed").all()
    assert composite["acquired"].dt.year.between(2016, 2020).all()
    known = set(map(tuple, inventory.outlines[["lake_id", "scene_id"]].to_numpy()))
    assert set(map(tuple, composite[["lake_id", "scene_id"]].to_numpy())) <= known
    assert list(composite.columns) == list(inventory.outlines.columns)
