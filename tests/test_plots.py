"""Figures of lakes: what was not observed has no area."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.dates import date2num
from sample_inventory import glaciers, make_inventory

from glacial_lakes.inventory.plots import (
    SIZE_EDGES_M2,
    plot_area,
    plot_changes,
    plot_lakes,
    plot_sizes,
)


@pytest.fixture(scope="module")
def inventory():
    return make_inventory()


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def of_lake(inventory, place):
    lake_id = inventory.lakes["lake_id"].iloc[place]
    rows = inventory.observations
    return rows[rows["lake_id"] == lake_id]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def labels(ax):
    return ax.get_legend_handles_labels()[1]


def test_measured_areas_have_error_bars_of_one_sigma(inventory):
    rows = of_lake(inventory, 2)
    ax = plot_area(rows)
    assert isinstance(ax, Axes)
    seen = rows[rows["status"] == "observed"].sort_values("acquired")
    factor = 1e6 if "km²" in ax.get_ylabel() else 1.0
    (bars,) = [part for part in ax.containers if isinstance(part, ErrorbarContainer)]
    np.testing.assert_allclose(np.asarray(bars[0].get_ydata(), float), seen["area_m2"] / factor)
    ends = np.array([segment[:, 1] for segment in bars[2][0].get_segments()], dtype=float)
    lengths = ends[:, 1] - ends[:, 0]
    np.testing.assert_allclose(lengths, 2 * seen["area_sigma_m2"] / factor, rtol=1e-9)


def test_dates_without_observation_lie_off_the_area_axis_with_their_reason(inventory):
    rows = of_lake(inventory, 7)
    ax = plot_area(rows)
    unseen = rows[~rows["status"].isin(["observed", "absent"])]
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert sum(len(line.get_xdata()) for line in hollow) == len(unseen) > 0
    assert all(line.get_transform() != ax.transData for line in hollow)
    assert "not observed: shadow" in labels(ax)
    first, last = ax.get_xlim()
    assert first < date2num(rows["acquired"].min()) < date2num(rows["acquired"].max()) < last


def test_a_lake_seen_to_be_absent_is_drawn_at_zero(inventory):
    rows = of_lake(inventory, 0)
    ax = plot_area(rows)
    (crosses,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert list(crosses.get_ydata()) == [0.0] * int((rows["status"] == "absent").sum())


def test_the_lake_s_own_events_are_labelled_in_the_language_asked(inventory):
    assert len(inventory.events) > 1
    ax = plot_area(of_lake(inventory, 0), language="ru", events=inventory.events)
    assert texts(ax) == ["опорожнилось"]
    assert ax.get_ylabel().startswith("Площадь")


def test_the_unit_follows_the_size(inventory):
    rows = of_lake(inventory, 2)
    assert "(m²)" in plot_area(rows.assign(area_m2=rows["area_m2"] * 0 + 3000.0)).get_ylabel()
    assert "(km²)" in plot_area(rows.assign(area_m2=rows["area_m2"] * 0 + 3e5)).get_ylabel()


def test_a_lake_that_was_never_observed_can_be_drawn(inventory):
    rows = of_lake(inventory, 3).assign(status="cloud", area_m2=np.nan, area_sigma_m2=np.nan)
    ax = plot_area(rows)
    ax.figure.canvas.draw()
    assert labels(ax) == ["not observed: cloud"]


@pytest.mark.parametrize("state", ["gone", "merged"])
def test_what_is_no_lake_of_its_own_any_more_is_not_counted(inventory, state):
    lakes = inventory.lakes.assign(state="present")
    before = sum(bar.get_height() for bar in plot_sizes(lakes).patches)
    lakes.loc[lakes["area_m2"].notna().idxmax(), "state"] = state
    after = sum(bar.get_height() for bar in plot_sizes(lakes).patches)
    assert after == before - 1


def test_the_map_takes_any_crs_and_an_empty_table(inventory):
    ax = plot_lakes(inventory.lakes.to_crs(32643), glaciers=glaciers().to_crs(32643))
    west, east = ax.get_xlim()
    assert 74 < west < east < 75
    ax.figure.canvas.draw()
    assert isinstance(plot_lakes(inventory.lakes.iloc[:0]), Axes)


def test_changes_are_drawn_with_the_error_of_a_difference(inventory):
    ax = inventory.plot_changes()
    rows = inventory.observations
    seen = rows[(rows["status"] == "observed") & (rows["area_m2"] > 0)].sort_values("acquired")
    expected = {}
    for _, lake in seen.groupby("lake_id"):
        if len(lake) > 1:
            first, last = lake.iloc[0], lake.iloc[-1]
            expected[round(first["area_m2"], 3)] = (
                100 * (last["area_m2"] / first["area_m2"] - 1),
                100 * np.hypot(first["area_sigma_m2"], last["area_sigma_m2"]) / first["area_m2"],
            )
    drawn = {}
    for part in ax.containers:
        ends = np.array([segment[:, 1] for segment in part[2][0].get_segments()])
        for x, y, (low, high) in zip(*part[0].get_data(), ends, strict=True):
            drawn[round(x * 1e6, 3)] = (y, (high - low) / 2)
    assert drawn.keys() == expected.keys()
    for area, told in expected.items():
        np.testing.assert_allclose(drawn[area], told, rtol=1e-6)
    assert len(ax.containers) == 2


def test_a_lake_at_the_edge_of_two_classes_counts_for_either(inventory):
    sure = inventory.lakes.iloc[:2].assign(
        area_m2=[2e4, 2e4], area_sigma_m2=[10.0, 10.0], state="present"
    )
    bars, errors = (plot_sizes(sure).containers[n] for n in (0, 1))
    counts = [bar.get_height() for bar in bars]
    assert counts[SIZE_EDGES_M2.index(1e4)] == sum(counts) == 2
    assert max(np.ptp(s[:, 1]) for s in errors[2][0].get_segments()) == pytest.approx(0, abs=1e-6)
    edge = sure.assign(area_m2=[3e4, 3e4], area_sigma_m2=[500.0, 500.0])
    _, errors = plot_sizes(edge).containers
    half_widths = [np.ptp(segment[:, 1]) / 2 for segment in errors[2][0].get_segments()]
    np.testing.assert_allclose(half_widths, np.sqrt(2 * 0.25), rtol=1e-6)


def test_figures_of_a_whole_inventory_take_axes_and_speak_russian(inventory):
    _, (left, middle, right) = plt.subplots(1, 3)
    assert inventory.plot_overview(left) is left
    assert plot_changes(inventory.observations, middle, "ru") is middle
    assert plot_sizes(inventory.lakes, right, "ru") is right
    assert "км²" in middle.get_xlabel() + right.get_xlabel()
    assert plot_changes(inventory.observations.iloc[:0]).get_xlabel()
    assert plot_sizes(inventory.lakes.iloc[:0]).get_xlabel()
