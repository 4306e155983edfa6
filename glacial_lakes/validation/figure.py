"""The figure of an accuracy: detection, area errors, shores and areas by size class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from glacial_lakes.columns import C
from glacial_lakes.errors import N_
from glacial_lakes.language import translate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#7f8a92"
"""Of Okabe & Ito: told apart by colour-blind readers."""
_SERIES = (("precision", BLUE, "o"), ("recall", ORANGE, "s"), ("f1", GREEN, "D"))
_PARTS = (("true_area_m2", BLUE), ("missed_area_m2", GREY), ("false_area_m2", ORANGE))


def draw(numbers: pd.DataFrame, lakes: pd.DataFrame, language: str = "en") -> Figure:
    """Draw the numbers by size class and the area error of each lake.

    Parameters
    ----------
    numbers : pandas.DataFrame
        As :meth:`glacial_lakes.validation.accuracy.Accuracy.to_frame` returns.
    lakes : pandas.DataFrame
        As in :class:`glacial_lakes.validation.accuracy.Accuracy`.
    language : {"en", "ru"}
        Language of the labels.

    Returns
    -------
    matplotlib.figure.Figure
        Not tied to any window.
    """
    figure = Figure(figsize=(9.6, 7.2), layout="constrained")
    (detection, errors), (shores, areas) = figure.subplots(2, 2)
    _detection(detection, numbers, language)
    _errors(errors, lakes, language)
    _shores(shores, numbers, language)
    _areas(areas, numbers, language)
    return figure


def _detection(ax: Axes, numbers: pd.DataFrame, language: str) -> None:
    for shift, (name, colour, marker) in enumerate(_SERIES):
        label = translate("F1" if name == "f1" else name, language)
        style = {"color": colour, "marker": marker, "label": label}
        _points(ax, numbers, name, 0.18 * (shift - 1), style)
    ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel(translate("at IoU ≥ 0.5", language))
    ax.legend(loc="lower right", fontsize="small")
    _classes(ax, numbers, language)


def _errors(ax: Axes, lakes: pd.DataFrame, language: str) -> None:
    table = lakes.dropna(subset=["area_error"])
    ax.axhline(0, color=GREY, lw=1)
    if len(table):
        ax.plot(table[C.AREA_M2] / 1e6, table["area_error"], "o", ms=4, color=BLUE, alpha=0.6)
        ax.set_xscale("log")
    ax.set_xlabel(translate("Area of the reference lake (km²)", language))
    ax.set_ylabel(translate("Area error", language))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))


def _shores(ax: Axes, numbers: pd.DataFrame, language: str) -> None:
    unit = "px" if numbers["shore_rmse_px"].notna().any() else "m"
    for name, shift, colour, marker in (("rmse", -0.1, BLUE, "o"), ("bias", 0.1, ORANGE, "s")):
        label = translate(
            {"rmse": N_("RMSE"), "bias": N_("mean, outwards positive")}[name], language
        )
        style = {"color": colour, "marker": marker, "label": label}
        _points(ax, numbers, f"shore_{name}_{unit}", shift, style)
    ax.axhline(0, color=GREY, lw=1)
    text = {"px": N_("Distance of shores (pixels)"), "m": N_("Distance of shores (m)")}[unit]
    ax.set_ylabel(translate(text, language))
    ax.legend(loc="best", fontsize="small")
    _classes(ax, numbers, language)


def _areas(ax: Axes, numbers: pd.DataFrame, language: str) -> None:
    bottom = np.zeros(len(numbers))
    places = np.arange(len(numbers))
    for name, colour in _PARTS:
        height = numbers[name].to_numpy(dtype=float) / 1e6
        label = translate(name.split("_", maxsplit=1)[0], language)
        ax.bar(places, height, 0.6, bottom=bottom, color=colour, label=label)
        bottom += height
    ax.set_ylabel(translate("Area, km²", language))
    ax.legend(loc="upper left", fontsize="small")
    _classes(ax, numbers, language)


def _points(
    ax: Axes, numbers: pd.DataFrame, name: str, shift: float, style: dict[str, Any]
) -> None:
    places = np.arange(len(numbers)) + shift
    ax.plot(places, numbers[name], ls="", ms=5, **style)
    ax.vlines(places, numbers[f"{name}_low"], numbers[f"{name}_high"], lw=1.5, color=style["color"])


def _classes(ax: Axes, numbers: pd.DataFrame, language: str) -> None:
    names = [translate(str(name), language) for name in numbers.index]
    ax.set_xticks(np.arange(len(numbers)), names, fontsize="small")
    ax.set_xlabel(translate("Size class (km²)", language))
