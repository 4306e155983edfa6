"""What the errors of a lake's areas share, offsets between instruments, and what follows."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from change import shares_in_common
from change_series import table_series
from sample_inventory import make_inventory

from glacial_lakes import change, schema
from glacial_lakes.change.errors import (
    DATE_SHARES,
    SAME_SHORE,
    SIZES_M2,
    difference_sigma,
    split,
    sum_sigma,
)
from glacial_lakes.change.offsets import Differences, Offsets, differences, offsets, offsets_of
from glacial_lakes.change.series import seen_series
from glacial_lakes.change.trends import by_lake, measured_series, memories
from glacial_lakes.events import ErrorsRevised
from glacial_lakes.inventory.error_parts import tell_revised, with_parts
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.scenes.sensors import instrument
from glacial_lakes.tracking.tables import Tracked

NONE = schema.conform(pd.DataFrame(), schema.LAKE_EVENTS)
NO_SCENES = schema.conform(pd.DataFrame(), schema.SCENES)
PARTS = ["area_sigma_shared_m2", "area_sigma_date_m2"]


def annual(sensor: str, first: int, last: int) -> list[tuple[str, str]]:
    shift = 7 * (sensor[0] == "S")
    return [(sensor, f"{year}-08-{8 + year % 9 + shift:02d}") for year in range(first, last + 1)]


def mixed(*parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((date for part in parts for date in part), key=lambda date: date[1])


LANDSAT = annual("LC08", 2013, 2024)
TWO = mixed(LANDSAT, annual("S2A", 2018, 2024))


# Both parts


def test_the_parts_are_of_the_error_and_stand_for_it_together():
    rows, _ = table_series(1, 30, TWO)
    together = np.hypot(rows[PARTS[0]], rows[PARTS[1]])
    pd.testing.assert_series_equal(together, rows["area_sigma_m2"], check_names=False)
    assert rows.loc[rows["status"] == "cloud", PARTS].isna().all(axis=None)


def test_the_scatter_of_the_region_tells_what_a_date_adds():
    rows, _ = table_series(2, 80, LANDSAT)
    share = rows[PARTS[1]] / rows["area_sigma_m2"]
    assert share.median() == pytest.approx(0.38, abs=0.06)
    noisier = rows.assign(
        area_m2=rows["area_m2"]
        + 0.8 * rows["area_sigma_m2"] * np.random.default_rng(0).normal(size=len(rows))
    )
    assert (split(noisier)[PARTS[1]] / rows["area_sigma_m2"]).median() > 0.7


def test_even_growth_is_no_error_of_dates():
    still, _ = table_series(3, 60, LANDSAT)
    grown, _ = table_series(3, 60, LANDSAT, growth=0.5)
    shares = [(rows[PARTS[1]] / rows["area_sigma_m2"]).median() for rows in (still, grown)]
    assert shares[1] == pytest.approx(shares[0], abs=0.03)


def test_two_dates_take_the_share_that_is_known_beforehand():
    rows, _ = table_series(4, 20, LANDSAT[:2], hide=0.0)
    size = np.searchsorted(SIZES_M2, rows.groupby("lake_id")["area_m2"].transform("median"))
    expected = np.array(DATE_SHARES)[size] * rows["area_sigma_m2"]
    assert rows[PARTS[1]].to_numpy() == pytest.approx(expected.to_numpy())


def test_what_was_hidden_is_an_error_of_its_date_alone():
    rows, _ = table_series(5, 20, LANDSAT[:2], hide=0.0)
    cut = rows.assign(observed_fraction=[0.9, 1.0] * 20)
    sigma = np.hypot(rows["area_sigma_m2"], 0.06 * rows["area_m2"])
    parts = split(cut.assign(area_sigma_m2=sigma))
    assert (parts[PARTS[1]][::2] >= 0.06 * rows["area_m2"][::2]).all()
    assert parts[PARTS[0]][::2].to_numpy() == pytest.approx(
        rows[PARTS[0]][::2].to_numpy(), rel=1e-6
    )


def test_of_an_unknown_sensor_nothing_is_shared():
    rows, _ = table_series(6, 5, LANDSAT)
    parts = split(rows.assign(sensor=None))
    pd.testing.assert_series_equal(parts[PARTS[1]], rows["area_sigma_m2"], check_names=False)


def test_the_parts_do_not_depend_on_the_order_of_rows():
    rows, _ = table_series(7, 20, TWO)
    mingled = rows.sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(split(mingled).sort_index(), split(rows))


# Differences


def test_a_difference_of_one_instrument_leaves_out_what_both_areas_share():
    told = difference_sigma(np.full((2, 2), 9e4), np.full((2, 2), 4e3), np.full((2, 2), 1e3),
                            [True, False])  # fmt: skip
    unlike = np.sqrt(2 * (1 - SAME_SHORE)) * 4e3
    assert told == pytest.approx([np.sqrt(2) * 1e3, np.hypot(unlike, np.sqrt(2) * 1e3)])


def test_a_lake_that_is_gone_takes_the_shared_error_with_it():
    told = difference_sigma([9e4, 0.0], [4e3, 0.0], [1e3, 0.0], is_alike=True)
    assert told == pytest.approx(np.hypot(4e3, 1e3))
    larger = difference_sigma([9e4, 36e4], [4e3, 8e3], [1e3, 1e3], is_alike=True)
    assert larger == pytest.approx(np.sqrt(2e6 + 4e3**2))


@pytest.mark.parametrize("growth", [0.0, 0.3])
def test_differences_lie_within_their_error_as_often_as_it_says(growth):
    rows, truth = table_series(8, 150, TWO, growth=growth, hide=0.0)
    rows = rows.assign(error=rows["area_m2"] - truth["true_m2"])
    dates = [rows[rows["scene_id"] == f"{sensor} {day}"] for sensor, day in TWO]
    for one, other in ((0, 3), (1, 4), (2, 5)):
        first, last = dates[one], dates[other]
        told = difference_sigma(
            *(np.stack([table[name] for table in (first, last)]) for name in ["area_m2", *PARTS]),
            (first["sensor"].to_numpy() == last["sensor"].to_numpy()),
        )
        away = np.abs(last["error"].to_numpy() - first["error"].to_numpy()) / told
        assert (away <= 1).mean() == pytest.approx(0.68, abs=0.12)
        assert (away <= 1.96).mean() == pytest.approx(0.95, abs=0.06)


def test_differences_of_two_instruments_do_so_over_many_regions():
    away = []
    for seed in range(40, 140):
        rows, truth = table_series(seed, 8, [("LC08", "2020-08-08"), ("S2A", "2020-08-20")], hide=0)
        error = (rows["area_m2"] - truth["true_m2"]).to_numpy().reshape(-1, 2)
        columns = (rows[name].to_numpy().reshape(-1, 2).T for name in ("area_m2", *PARTS))
        told = difference_sigma(*columns, is_alike=False)
        away += list(np.abs(error[:, 1] - error[:, 0]) / told)
    assert np.mean(np.array(away) <= 1) == pytest.approx(0.68, abs=0.06)
    assert np.mean(np.array(away) <= 1.96) >= 0.92


OVERLAP = mixed(annual("LC08", 2013, 2020), annual("S2A", 2018, 2024))
APART = mixed(annual("LC08", 2008, 2014), annual("S2A", 2017, 2023))


def within(seeds: range, dates: list[tuple[str, str]], factor: float, **kw: Any) -> list[float]:
    """Return how often differences of two instruments lie within one and 1.96 deviations.

    The images tell all errors by a factor too large.
    """
    away = []
    for seed in seeds:
        rows, truth = table_series(seed, 30, dates, hide=0.0, **kw)
        rows = rows.assign(area_sigma_m2=factor * rows["area_sigma_m2"])
        rows = rows.assign(**split(rows), true_m2=truth["true_m2"])
        before, after = of_image(rows, " ".join(dates[0])), of_image(rows, " ".join(dates[-1]))
        told = change.difference_of(before, after, offsets_of(rows))
        change_m2 = after["area_m2"] - before["area_m2"]
        away += list(np.abs(change_m2 - (after["true_m2"] - before["true_m2"])) / told)
    return [float(np.mean(np.array(away) <= most)) for most in (1, 1.96)]


@pytest.mark.parametrize("factor", [1.0, 2.5])
def test_near_dates_tell_how_far_two_instruments_differ_also_where_images_tell_too_much(factor):
    one, two = within(range(200, 240), OVERLAP, factor)
    assert one == pytest.approx(0.68, abs=0.09)
    assert two == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize("growth", [0.0, 0.2])
def test_without_near_dates_growth_makes_no_difference_of_two_instruments_too_sure(growth):
    one, two = within(range(200, 240), APART, 1.0, growth=growth)
    assert one >= 0.6
    assert two >= 0.9


def test_dates_far_apart_tell_that_two_instruments_differ_by_less_than_images_tell():
    rows, _ = table_series(23, 120, APART, hide=0.0)
    rows = rows.assign(area_sigma_m2=2.5 * rows["area_sigma_m2"])
    rows = rows.assign(**split(rows))
    before, after = of_image(rows, "LC08 2008"), of_image(rows, "S2A 2023")
    narrower = change.difference_of(before, after, offsets_of(rows))
    assert np.median(narrower / change.difference_of(before, after)) < 0.7


# Offsets of instruments


def test_an_image_that_errs_more_leaves_the_offset_of_its_lakes():
    """What the dates of a lake share is one value; it was taken from the two images compared."""
    rows, _ = table_series(22, 60, OVERLAP, hide=0.0)
    rows = shifted(rows, "S2A", 2.0)
    blurred = rows["scene_id"] == "LC08 2013-08-14"
    assert blurred.any()
    less_sure = rows.assign(
        **{name: rows[name].mask(blurred, 5 * rows[name]) for name in ("area_sigma_m2", *PARTS)}
    )
    last = of_image(rows, "S2A 2024")
    told = [
        differences(of_image(table, "LC08 2013"), last, offsets_of(table))
        for table in (rows, less_sure)
    ]
    assert told[1].offset_m2 == pytest.approx(told[0].offset_m2, rel=0.05, abs=10.0)
    assert (told[1].sigma_m2 > told[0].sigma_m2).all()


def shifted(rows: pd.DataFrame, sensor: str, sigmas: float) -> pd.DataFrame:
    """All lakes of a sensor are drawn larger by so much of their error."""
    here = (rows["sensor"] == sensor).astype(float)
    return rows.assign(area_m2=rows["area_m2"] + sigmas * here * rows["area_sigma_m2"])


def known_offset(rows: pd.DataFrame, area_m2: float) -> tuple[float, float]:
    measured = measured_series(seen_series(rows), NONE)
    return offsets(measured).between("LC", "S2", area_m2)


def test_pairs_of_near_dates_tell_the_offset_and_growth_does_not():
    rows, _ = table_series(9, 120, TWO)
    plain, _ = known_offset(rows, 3e4)
    moved, sigma = known_offset(shifted(rows, "S2A", 2.0), 3e4)
    assert moved > plain + 0.3
    assert sigma < 1
    grown, _ = table_series(9, 120, TWO, growth=0.5)
    assert known_offset(grown, 3e4)[0] == pytest.approx(plain, abs=0.25)


def test_two_instruments_of_one_day_tell_their_offset():
    same_day = [("S2A", day) for _, day in LANDSAT if day >= "2018"]
    rows, _ = table_series(19, 60, mixed(LANDSAT, same_day), hide=0.0)
    told = change.trends(shifted(rows, "S2A", 3.0), NONE)["sensor_offsets"].map(json.loads)
    (second,) = {name for offset in told for name in offset}
    larger = np.array([offset[second][0] for offset in told]) * (1 if second == "S2" else -1)
    assert (larger > 0).all()


def test_a_date_of_whose_error_nothing_is_shared_leaves_the_offset_of_its_instrument():
    """A date that hid some of the lake is such a one; it was the end of all offsets of the lake."""
    rows, _ = table_series(20, 60, mixed(annual("LC08", 2013, 2020), annual("S2A", 2018, 2024)))
    rows = shifted(rows, "S2A", 3.0)
    first = rows[rows["status"] == "observed"].groupby("lake_id").head(1).index
    rows.loc[first, "area_sigma_date_m2"] = rows.loc[first, "area_sigma_m2"]
    rows.loc[first, "area_sigma_shared_m2"] = 0.0
    found = change.trends(rows, NONE)
    assert set(found["method"]) == {"least-squares"}
    assert (found["p"] < 0.05).mean() < 0.15


def test_instruments_that_no_near_dates_show_are_compared_by_way_of_a_third_one():
    eight = [(sensor, f"{day[:-2]}{int(day[-2:]) + 2}") for sensor, day in LANDSAT[:8]]
    dates = mixed(annual("LE07", 2004, 2015), eight, annual("S2A", 2018, 2024))
    rows, _ = table_series(21, 80, dates, hide=0.0)
    told = change.trends(shifted(rows, "LE07", 2.0), NONE)["sensor_offsets"].map(json.loads)
    eight_off, two_off = (np.array([one[name][0] for one in told]) for name in ("LC", "S2"))
    assert (eight_off < 0).all()
    assert np.median(two_off / eight_off) > 0.5


def test_without_pairs_an_offset_is_as_uncertain_as_the_shared_errors():
    rows, _ = table_series(10, 40, mixed(annual("LC08", 2013, 2016), annual("S2A", 2018, 2022)))
    assert known_offset(rows, 3e4) == (0.0, 1.0)
    trends = change.trends(rows, NONE)
    assert trends["confounded"].all()
    assert not change.trends(table_series(10, 5, TWO)[0], NONE)["confounded"].any()


@pytest.mark.parametrize(
    "dates",
    [TWO, mixed(annual("LE07", 2002, 2011), annual("S2A", 2016, 2024))],
    ids=["overlap", "apart"],
)
def test_constant_lakes_of_two_instruments_have_no_trend(dates):
    found = pd.concat(
        change.trends(shifted(table_series(seed, 60, dates)[0], "S2A", 1.0), NONE)
        for seed in (11, 12, 21, 22)
    )
    low, high = found["slope_low_m2_per_year"], found["slope_high_m2_per_year"]
    assert (found["p"] < 0.05).mean() <= 0.06
    assert ((low <= 0) & (high >= 0)).mean() >= 0.93
    assert found["step_date"].notna().mean() <= 0.03


def test_slow_growth_of_one_instrument_is_called():
    still, _ = table_series(13, 40, LANDSAT, km2=(0.2, 0.5))
    grown, _ = table_series(14, 40, LANDSAT, km2=(0.2, 0.5), growth=0.1)
    found = change.trends(pd.concat([still, grown], ignore_index=True), NONE)
    called = found["trend"] == "growing"
    is_grown = found["lake_id"].isin(set(grown["lake_id"]))
    assert called[is_grown].mean() >= 0.8
    assert called[~is_grown].mean() <= 0.05


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_what_a_region_tells_of_memory_keeps_few_dates_from_false_trends(memory):
    rows, _ = table_series(31, 120, LANDSAT[:9], memory=memory, hide=0.0)
    found = change.trends(rows, NONE)
    assert (found["p"] < 0.05).mean() <= 0.1
    assert (found["autocorrelation"] == "corrected").all()


def test_what_a_region_tells_of_memory_is_right_and_costs_no_slow_growth():
    for memory in (0.0, 0.4):
        rows, _ = table_series(32, 120, LANDSAT, memory=memory, hide=0.0)
        told = memories(by_lake(measured_series(seen_series(rows), NONE)))
        assert np.mean([*told.values()]) == pytest.approx(memory, abs=0.12)
    still, _ = table_series(33, 60, LANDSAT, km2=(0.02, 0.05), shift_px=0.085, date_share=0.3)
    grown, _ = table_series(
        34, 60, LANDSAT, km2=(0.02, 0.05), growth=0.12, shift_px=0.085, date_share=0.3
    )
    found = change.trends(pd.concat([still, grown], ignore_index=True), NONE)
    is_grown = found["lake_id"].isin(set(grown["lake_id"]))
    assert (found["trend"] == "growing")[is_grown].mean() >= 0.75
    assert (found["trend"] != "none")[~is_grown].mean() <= 0.05


def test_a_trend_can_be_fitted_again_from_what_is_exported():
    rows, _ = table_series(15, 12, mixed(TWO, annual("LE07", 2006, 2012)), growth=0.2)
    found = change.trends(rows, NONE).set_index("lake_id")
    for lake, own in rows[rows["status"] == "observed"].groupby("lake_id"):
        told, sensors = found.loc[lake], found.loc[lake, "sensors"].split()
        kind = own["sensor"].str[:2].to_numpy()
        areas, middle = own["area_m2"].to_numpy(), own["area_m2"].median()
        # Generalised least squares: the offsets are errors that the areas of a sensor share.
        covariance = np.diag((own[PARTS[1]].to_numpy() / middle) ** 2)
        values = areas / middle
        for name, (mean, sigma) in json.loads(told["sensor_offsets"]).items():
            assert name in sensors[1:]
            here = (kind == name).astype(float)
            values = values - mean / 100 * here
            covariance += (sigma / 100) ** 2 * np.outer(here, here)
        years = (own["acquired"] - own["acquired"].iloc[0]) / pd.Timedelta(days=365.2425)
        design = np.column_stack([np.ones(len(own)), years])
        weight = np.linalg.inv(covariance)
        line = np.linalg.solve(design.T @ weight @ design, design.T @ weight @ values)
        assert told["slope_m2_per_year"] == pytest.approx(line[1] * middle, rel=1e-3, abs=0.05)
        assert (told["method"], told["autocorrelation"]) == ("least-squares", "not corrected")


# Sums


def test_what_lakes_have_in_common_is_found_again_in_series_that_have_it():
    parts = []
    for seed in range(40, 80):
        rows, truth = table_series(
            seed, 25, mixed(LANDSAT[:4], annual("S2A", 2018, 2021)), hide=0.0
        )
        error = rows["area_m2"] - truth["true_m2"].to_numpy()
        day = rows["acquired"].dt.strftime("%Y-%m-%d")
        tools = instrument(rows["sensor"])
        parts.append(rows.assign(error=error, day=day, series=str(seed), instrument=tools))
    shared, date = shares_in_common(pd.concat(parts, ignore_index=True))
    assert shared == pytest.approx(0.3, abs=0.1)
    assert date == pytest.approx(0.0, abs=0.02)


def test_the_error_of_a_sum_lies_between_independent_and_fully_correlated():
    rows, _ = table_series(16, 50, LANDSAT[:1], hide=0.0)
    sigma = rows["area_sigma_m2"].to_numpy()
    assert np.sqrt((sigma**2).sum()) < sum_sigma(rows) < sigma.sum()
    assert sum_sigma(rows.iloc[:1]) == pytest.approx(sigma[0])


def of_image(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[rows["scene_id"].str.startswith(name)].reset_index(drop=True)


def test_the_change_of_a_sum_leaves_out_what_the_dates_share():
    rows, _ = table_series(17, 50, TWO, hide=0.0)
    first, last, other = (of_image(rows, name) for name in ("LC08 2013", "LC08 2020", "S2A 2020"))
    alike = differences(first, last, Offsets())
    assert alike.sum_sigma_m2 < sum_sigma(last)
    assert differences(first, other, Offsets()).sum_sigma_m2 > alike.sum_sigma_m2
    assert alike.sigma_m2 == pytest.approx(change.difference_of(first, last))
    assert not alike.offset_m2.any()


def test_a_lake_that_is_gone_or_of_an_unknown_sensor_has_no_offset():
    rows, _ = table_series(18, 40, TWO, hide=0.0)
    pooled = offsets(measured_series(seen_series(shifted(rows, "S2A", 2.0)), NONE))
    first, other = of_image(rows, "LC08 2013"), of_image(rows, "S2A 2020")
    gone = other.assign(area_m2=0.0, status="absent", area_sigma_m2=0.0)
    for after in (gone, other.assign(sensor=None)):
        told = differences(first, after, pooled)
        assert not told.offset_m2.any()
        assert np.isfinite([told.sum_sigma_m2, *told.sigma_m2]).all()
        assert told.sigma_m2 == pytest.approx(change.difference_of(first, after))


def changed(seed: int, dates: list[tuple[str, str]], pooled: bool) -> tuple[Differences, float]:
    """Return what is told of a region between its first and last date, and the error of the sum."""
    rows, truth = table_series(seed, 25, dates, hide=0.0, growth=0.2)
    known = offsets(measured_series(seen_series(rows), NONE)) if pooled else Offsets()
    first, last = (of_image(rows, " ".join(dates[n])) for n in (0, -1))
    grown = truth.groupby("scene_id")["true_m2"].sum()
    told = differences(first, last, known)
    true = grown[last["scene_id"].iloc[0]] - grown[first["scene_id"].iloc[0]]
    return told, float(told.change_m2.sum() - true)


def test_the_change_of_a_sum_is_freed_of_what_near_dates_of_both_instruments_tell():
    dates = mixed(annual("LC08", 2014, 2018), annual("S2A", 2016, 2020))
    with_offsets, without = (
        [changed(seed, dates, pooled) for seed in range(100, 160)] for pooled in (True, False)
    )
    for told in (with_offsets, without):
        away = np.abs([error / one.sum_sigma_m2 for one, error in told])
        assert 0.6 <= (away <= 1).mean() <= 0.9
        assert (away <= 1.96).mean() >= 0.9
    rms = [np.std([error for _, error in told]) for told in (with_offsets, without)]
    assert rms[0] < 0.5 * rms[1]


def test_totals_tell_the_offset_between_instruments_and_take_it_out_of_the_change():
    rows, _ = table_series(19, 30, mixed(LANDSAT[-3:], annual("S2A", 2022, 2024)), hide=0.0)
    lakes = pd.DataFrame({"lake_id": rows["lake_id"].unique(), "state": "present"})
    lakes = schema.conform(lakes, schema.LAKES)
    plain, moved = (
        change.totals(change.by_date(table, NO_SCENES), lakes)
        for table in (rows, shifted(rows, "S2A", 1.0))
    )
    apart = plain["sensor_offset_m2"].notna()
    assert apart.tolist()[1:] == [True] * 5
    shift = (moved["area_m2"].diff() - plain["area_m2"].diff())[apart]
    left = (moved["change_m2"] - plain["change_m2"])[apart]
    assert (left.abs() < 0.4 * shift.abs()).all()
    raw = moved["change_m2"] + moved["sensor_offset_m2"]
    assert raw[apart].to_numpy() == pytest.approx(moved["area_m2"].diff()[apart].to_numpy())


# In an inventory


def parted(inventory: Inventory, observations: pd.DataFrame | None = None) -> Inventory:
    rows = inventory.observations if observations is None else observations
    tables = Tracked(inventory.lakes, inventory.outlines, rows, inventory.events)
    return replace(inventory, **vars(with_parts(tables)))


def test_outlines_and_lakes_have_the_parts_of_their_observations():
    made = parted(make_inventory())
    for table in (made.outlines, made.lakes):
        known = table[table["area_sigma_m2"].notna()]
        together = np.hypot(known[PARTS[0]], known[PARTS[1]])
        assert together.to_numpy() == pytest.approx(known["area_sigma_m2"].to_numpy())


def test_a_run_tells_that_it_has_revised_the_errors_of_older_dates():
    made = make_inventory()
    rows = made.observations
    old, new = parted(made, rows[rows["acquired"].dt.year < 2019]), parted(made)
    told: list[object] = []
    tell_revised(new, old, told.append)
    (event,) = told
    assert isinstance(event, ErrorsRevised)
    assert 0 < event.areas <= event.known
    tell_revised(new, new, told.append)
    assert len(told) == 1


def test_the_headline_tells_what_is_of_older_dates_and_what_is_counted_twice():
    made = parted(make_inventory())
    total = made.total
    present = made.lakes[made.lakes["state"] == "present"]
    newest = present["last_seen"].dt.floor("D").max()
    older = present.loc[present["last_seen"].dt.floor("D") < newest, "area_m2"].sum()
    assert total.older_m2 == pytest.approx(older)
    assert total.double_m2 == pytest.approx(0.0, abs=1.0)
    largest = present.loc[[present["area_m2"].idxmax()]]
    again = pd.concat([made.lakes, largest.assign(lake_id="twin")], ignore_index=True)
    twice = replace(made, lakes=again).total
    assert twice.double_m2 == pytest.approx(largest["area_m2"].item(), rel=0.01)
    assert (total.epoch, total.n_epoch) in {
        (date.epoch, date.n_lakes) for date in made.totals.itertuples()
    }
