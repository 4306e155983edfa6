"""Figures for notebooks and papers: the area of a lake through time, and where the lakes are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation
from scipy.stats import norm

from glacial_lakes.change.offsets import difference_of, offsets_of
from glacial_lakes.change.trends import CHANGE_SIGMAS
from glacial_lakes.columns import C
from glacial_lakes.errors import N_
from glacial_lakes.language import area_unit, day, decimal_mark, translate
from glacial_lakes.measures.meridian import beside_each_other, in_degrees
from glacial_lakes.schema import ENDED, Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glacial_lakes.inventory.area_series import AreaSeries

WATER, EVENT, GAP, GLACIER = "#0072b2", "#d55e00", "#7f8a92", "#dfe6ea"
"""Blue and vermilion of Okabe & Ito are told apart by colour-blind readers and in grey print."""

GAP_MARKERS: Mapping[str, str] = {
    Status.CLOUD: "o",
    Status.SHADOW: "^",
    Status.NODATA: "s",
    Status.FROZEN: "D",
    Status.UNCERTAIN: "|",
}


def plot_area(
    observations: pd.DataFrame,
    ax: Axes | None = None,
    language: str = "en",
    events: pd.DataFrame | None = None,
) -> Axes:
    """Draw the area of one lake through time.

    Measured areas carry one standard error. Dates on which the lake was not observed are hollow
    marks below the axis of area 0, by reason; they have no area. Dates on which the lake was seen
    to be absent are crosses at 0.

    Parameters
    ----------
    observations : pandas.DataFrame
        Rows of one lake with ``lake_id, acquired, area_m2, area_sigma_m2, status``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    language : {"en", "ru"}
        Language of the labels.
    events : pandas.DataFrame, optional
        ``schema.LAKE_EVENTS``; those in which the lake takes part are labelled vertical lines.

    Returns
    -------
    matplotlib.axes.Axes
        Area in m² or km², whichever suits its size; the unit is in the label.
    """
    ax = _axes(ax, (7.2, 3.2))
    table = observations.sort_values(C.ACQUIRED)
    measured = (table[C.STATUS] == Status.OBSERVED) & table[C.AREA_M2].notna()
    absent = table[C.STATUS] == Status.ABSENT
    largest = float(table.loc[measured, C.AREA_M2].max()) if measured.any() else 0.0
    unit, factor = area_unit(largest)
    known, seen = table[measured | absent], table[measured]
    ax.plot(_times(known), known[C.AREA_M2].fillna(0.0) / factor, color=WATER, alpha=0.35, lw=1)
    if len(seen):
        ax.errorbar(
            _times(seen),
            seen[C.AREA_M2] / factor,
            yerr=seen[C.AREA_SIGMA_M2].fillna(0.0) / factor,
            fmt="o",
            ms=4,
            capsize=2.5,
            lw=1.2,
            color=WATER,
            label=translate("area with one standard error", language),
        )
    if absent.any():
        gone = table[absent]
        label = translate("no water seen", language)
        ax.plot(_times(gone), np.zeros(len(gone)), "x", color=EVENT, ms=6, label=label)
    time_and_share = ax.get_xaxis_transform()
    below = time_and_share + ScaledTranslation(0, -9 / 72, ax.figure.dpi_scale_trans)
    for status, rows in table[~(measured | absent)].groupby(C.STATUS):
        label = translate("not observed: {reason}", language)
        ax.plot(
            _times(rows),
            np.zeros(len(rows)),
            GAP_MARKERS.get(str(status), "|"),
            mfc="white",
            mec=GAP,
            ms=5,
            clip_on=False,
            transform=below,
            label=label.format(reason=translate(str(status), language)),
        )
    for date, event in () if events is None else _events_of(table, events):
        when = float(date2num(date))  # type: ignore[no-untyped-call]
        ax.axvline(when, color=EVENT, lw=1, ls=(0, (4, 2.5)))
        ax.annotate(
            translate(str(event), language),
            (when, 1.0),
            xycoords=time_and_share,
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            color=EVENT,
            fontsize="small",
        )
    label = translate("Area ({unit})", language).format(unit=translate(unit, language))
    ax.set_ylabel(label)
    ax.set_ylim(bottom=0)
    if len(table):
        times = _times(table)  # the marks below the axis do not count for its automatic limits
        pad = max(0.04 * (times.max() - times.min()), pd.Timedelta(days=60))
        ax.set_xlim(times.min() - pad, times.max() + pad)
    decimal = decimal_mark(language)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace(".", decimal))
    ax.tick_params(axis="x", pad=17, length=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e5e9ec", lw=0.7)
    ax.set_axisbelow(True)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


PICTURES_A_LINE = 6


def figure_of_series(series: AreaSeries, language: str = "en") -> Figure:
    """Draw the area of a lake through time, and below it its picture and outline on each date.

    Parameters
    ----------
    series : AreaSeries
        From :func:`glacial_lakes.area_series`.
    language : {"en", "ru"}
        Language of the labels.
    """
    seen = series.observations[series.observations[C.SCENE_ID].isin([*series.pictures])]
    lines = -(-len(seen) // PICTURES_A_LINE)
    height = 3.2 + 1.9 * lines
    figure = Figure(figsize=(10.0, height), layout="constrained")
    grid = figure.add_gridspec(1 + lines, PICTURES_A_LINE, height_ratios=[3.2] + [1.9] * lines)
    plot_area(series.observations, figure.add_subplot(grid[0, :]), language, series.events)
    for place, (_, row) in enumerate(seen.iterrows()):
        picture = series.pictures[row[C.SCENE_ID]]
        ax = figure.add_subplot(grid[1 + place // PICTURES_A_LINE, place % PICTURES_A_LINE])
        west, south, east, north = picture.grid.bounds
        colours = np.moveaxis(picture.colours, 0, -1)
        ax.imshow(colours, extent=(west, east, south, north), interpolation="nearest")
        own = series.outlines[series.outlines[C.SCENE_ID] == row[C.SCENE_ID]]
        if len(own):
            shore = own.geometry.boundary.to_crs(picture.grid.crs.to_wkt())
            shore.plot(ax=ax, color="#f0e442", lw=0.9, aspect=None)
        ax.set_xlim(west, east)
        ax.set_ylim(south, north)
        ax.set_axis_off()
        status = translate(str(row[C.STATUS]), language)
        ax.set_title(f"{day(row[C.ACQUIRED], language)} {row[C.SENSOR]}\n{status}", fontsize=7)
    return figure


def plot_lakes(
    lakes: gpd.GeoDataFrame, ax: Axes | None = None, glaciers: gpd.GeoDataFrame | None = None
) -> Axes:
    """Draw a small map of lakes, true to scale at its middle, with a ring where one is tiny.

    Parameters
    ----------
    lakes : geopandas.GeoDataFrame
        Outlines in any CRS; with a column ``state``, lakes that are gone are hollow.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    glaciers : geopandas.GeoDataFrame, optional
        Outlines in any CRS, drawn behind the lakes.

    Returns
    -------
    matplotlib.axes.Axes
        Longitude and latitude in degrees.
    """
    ax = _axes(ax, (6.0, 6.0))
    shapes = lakes.set_geometry(beside_each_other(in_degrees(lakes.geometry)))
    gone = pd.Series(False, index=shapes.index)
    if C.STATE in shapes:
        gone = shapes[C.STATE].isin(ENDED)
    if len(shapes):
        west, south, east, north = shapes.total_bounds
        pad = 0.06 * max(east - west, north - south, 0.01)
        points = shapes.geometry.representative_point()
        ax.plot(points.x, points.y, "o", ms=5, mfc="none", mec=WATER, mew=0.6, alpha=0.6)
        if (~gone).any():
            shapes[~gone].plot(ax=ax, color=WATER, edgecolor=WATER, aspect=None)
        if gone.any():
            shapes[gone].plot(ax=ax, color="none", edgecolor=EVENT, ls="--", aspect=None)
        if glaciers is not None and len(glaciers):
            ice = beside_each_other(in_degrees(glaciers.geometry), (west + east) / 2)
            ice.plot(ax=ax, color=GLACIER, edgecolor="#b5c2ca", lw=0.6, zorder=0, aspect=None)
        ax.set_xlim(west - pad, east + pad)
        ax.set_ylim(south - pad, north + pad)
        ax.set_aspect(1 / np.cos(np.radians((south + north) / 2)))
    ax.set(xlabel="", ylabel="")
    ax.locator_params(nbins=5)
    ax.xaxis.set_major_formatter("{x:.3f}°")
    ax.yaxis.set_major_formatter("{x:.3f}°")
    return ax


SIZE_EDGES_M2 = (0.0, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, np.inf)
"""Edges of the size classes of :func:`plot_sizes`, half decades."""


def plot_changes(observations: pd.DataFrame, ax: Axes | None = None, language: str = "en") -> Axes:
    """Draw how much each lake changed between its first and its last measured area.

    Bars are one standard deviation of the difference
    (:func:`glacial_lakes.change.difference_of`): of two dates of one instrument it leaves
    out what both areas err by alike. Lakes that changed by less than 1.96 of them are hollow.

    Parameters
    ----------
    observations : pandas.DataFrame
        ``schema.OBSERVATIONS`` of any lakes; those with one measured area are left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    language : {"en", "ru"}
        Language of the labels.

    Returns
    -------
    matplotlib.axes.Axes
        First area in km² on a logarithmic axis, and the change in percent of it.
    """
    ax = _axes(ax, (5.6, 4.2))
    table = observations[
        (observations[C.STATUS] == Status.OBSERVED) & (observations[C.AREA_M2] > 0)
    ].sort_values([C.LAKE_ID, C.ACQUIRED], kind="stable")
    several = table[table.duplicated(C.LAKE_ID, keep=False)]
    first, last = (several.drop_duplicates(C.LAKE_ID, keep=end) for end in ("first", "last"))
    before = first[C.AREA_M2].to_numpy(dtype=float)
    percent = 100 * (last[C.AREA_M2].to_numpy(dtype=float) - before) / before
    sigma = 100 * difference_of(first, last, offsets_of(observations)) / before
    is_change = np.abs(percent) > CHANGE_SIGMAS * sigma
    for chosen, fill, text in (
        (~is_change, "white", N_("within the uncertainty")),
        (is_change, WATER, N_("beyond the uncertainty")),
    ):
        if chosen.any():
            ax.errorbar(
                before[chosen] / 1e6,
                percent[chosen],
                yerr=np.nan_to_num(sigma[chosen]),
                fmt="o",
                ms=4.5,
                mfc=fill,
                mec=WATER,
                ecolor="#9cc6e2",
                lw=1,
                label=translate(text, language),
            )
    ax.axhline(0, color="#1b2730", lw=0.8)
    ax.set_xscale("log")
    ax.set_xlabel(translate("First area (km²)", language))
    ax.set_ylabel(translate("Change (%)", language))
    ax.spines[["top", "right"]].set_visible(False)
    if is_change.size:
        ax.legend(frameon=False, fontsize="small")
    return ax


def plot_sizes(lakes: pd.DataFrame, ax: Axes | None = None, language: str = "en") -> Axes:
    """Draw how many lakes there are in each class of size.

    Bars of error are one standard deviation of the number of lakes in a class, which follows from
    the errors of their areas: near an edge a lake may belong to either side. With normal errors a
    lake is in a class with the probability p; the variance of the number is the sum of p (1 - p).

    Parameters
    ----------
    lakes : pandas.DataFrame
        ``schema.LAKES``; lakes that are gone or merged, or whose area is not known, are left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    language : {"en", "ru"}
        Language of the labels.

    Returns
    -------
    matplotlib.axes.Axes
        Classes of :data:`SIZE_EDGES_M2` in km², and the number of lakes.
    """
    ax = _axes(ax, (5.6, 3.6))
    known = lakes[~lakes[C.STATE].isin(ENDED) & lakes[C.AREA_M2].notna()]
    areas = known[C.AREA_M2].to_numpy(float)[:, None]
    sigma = np.maximum(np.nan_to_num(known[C.AREA_SIGMA_M2].to_numpy(float)), 1e-9)[:, None]
    edges = np.array(SIZE_EDGES_M2)
    below = np.where(np.isinf(edges), 1.0, norm.cdf((edges - areas) / sigma))
    below[:, 0] = 0.0  # no lake is smaller than nothing
    shares = np.diff(below, axis=1)
    counts = np.histogram(areas, bins=edges)[0]
    places = np.arange(len(counts))
    spread = np.sqrt((shares * (1 - shares)).sum(axis=0))
    ax.bar(places, counts, width=0.85, color="#7fb6db", edgecolor=WATER)
    has_lakes = (counts > 0) | (spread > 0.05)
    ax.errorbar(
        places[has_lakes], counts[has_lakes], yerr=spread[has_lakes], fmt="none", ecolor="#1b2730"
    )
    decimal = decimal_mark(language)
    names = [f"{edge / 1e6:g}".replace(".", decimal) for edge in edges[1:-1]]
    ax.set_xticks(np.arange(len(names)) + 0.5, names)
    ax.set_xlabel(translate("Area (km²)", language))
    ax.set_ylabel(translate("Number of lakes", language))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # noqa: PLC0415 (chooses a window system when imported)

    return plt.subplots(figsize=size, layout="constrained")[1]


def _times(table: pd.DataFrame) -> pd.Series:
    """Return UTC times without the zone, which axes do not need."""
    times: pd.Series = table[C.ACQUIRED].dt.tz_localize(None)
    return times


def _events_of(observations: pd.DataFrame, events: pd.DataFrame) -> list[tuple[pd.Timestamp, str]]:
    """Return date and name of the events in which a lake takes part."""
    lakes = set(observations[C.LAKE_ID])
    lineage = events[C.FROM_IDS].fillna("") + " " + events[C.TO_IDS].fillna("")
    concerned = [
        bool(lakes & {lake_id, *others.split()})
        for lake_id, others in zip(events[C.LAKE_ID], lineage, strict=True)
    ]
    own = (
        events.loc[np.array(concerned, dtype=bool)]
        .dropna(subset=C.DATE)
        .drop_duplicates([C.DATE, C.EVENT])
    )
    return [
        (pd.Timestamp(date), str(event))
        for date, event in zip(own[C.DATE], own[C.EVENT], strict=True)
    ]
