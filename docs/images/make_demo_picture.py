"""Draw ``demo.png`` of the README from what ``glacial-lakes demo`` wrote.

Run both in the root of the repository::

    glacial-lakes demo
    python docs/images/make_demo_picture.py glacial_lakes_demo/output/inventory.gpkg

The lakes are chosen by their history, not by name: the one that grew most, and the largest of
those that drained. The image behind them is the clearest one that shows both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from PIL import Image

import glacial_lakes as gl

PICTURE = Path(__file__).with_name("demo.png")
FIRST, LAST = "#ffb000", "#ffffff"
"""Colours of the first and last outline of a lake."""
INK = "#22313a"
MARGIN_M = 450.0


def main(path: Path) -> None:
    """Draw the picture of an inventory whose scenes lie in the folder above it."""
    mpl.use("Agg")
    mpl.rcParams.update(
        {
            "font.size": 10.5,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": "#9aa7ae",
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    inventory = gl.open_inventory(path)
    chosen = {"A": grown_most(inventory), "B": drained_most(inventory)}
    scene = clearest_scene(inventory, path.parents[1], chosen.values())
    figure = plt.figure(figsize=(12.4, 5.9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    left, right = figure.subfigures(1, 2, width_ratios=(1.0, 1.08))
    draw_map(left.subplots(), inventory, scene, chosen)
    above, below = right.subplots(2, 1, sharex=True)
    draw_curve(above, inventory, chosen["A"], "A   grew most")
    draw_curve(below, inventory, chosen["B"], "B   drained")
    handles = {
        label: handle
        for ax in (above, below)
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    right.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=2, frameon=False
    )
    figure.savefig(PICTURE, dpi=125, facecolor="white")
    with Image.open(PICTURE) as picture:  # 256 colours: a third of the bytes, no visible loss
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


def grown_most(inventory: gl.Inventory) -> str:
    """Return the lake that grew most from its first to its last measured area."""
    measured = inventory.observations.dropna(subset="area_m2").sort_values("acquired")
    areas = measured[measured["status"] == "observed"].groupby("lake_id")["area_m2"]
    events = inventory.events
    changed = " ".join(events[["from_ids", "to_ids"]].fillna("").agg(" ".join, axis=1)).split()
    growth = (areas.last() - areas.first())[areas.count() > 3].drop(changed, errors="ignore")
    return str(growth.idxmax())


def drained_most(inventory: gl.Inventory) -> str:
    """Return the lake that lost most by draining."""
    drained = inventory.events[inventory.events["event"] == "drained"]
    return str(drained.sort_values("area_before_m2")["lake_id"].iloc[-1])


def clearest_scene(inventory: gl.Inventory, folder: Path, lake_ids: Iterable[str]) -> gl.Scene:
    """Return the scene of finest pixels that shows most of the lakes, then the least bright one.

    Bright scenes are those with much cloud and snow.
    """
    seen = inventory.observations[inventory.observations["status"] == "observed"]
    counts = seen[seen["lake_id"].isin(list(lake_ids))]["scene_id"].value_counts()
    mapped = inventory.scenes[inventory.scenes["state"] == "mapped"]
    scenes = [gl.open_scene(folder / path) for path in mapped["path"]]
    return min(
        scenes,
        key=lambda scene: (
            scene.grid.resolution,
            -int(counts.get(scene.id, 0)),
            float(np.nanmean(scene.read(["green"]))),
        ),
    )


def draw_map(ax: Axes, inventory: gl.Inventory, scene: gl.Scene, chosen: dict[str, str]) -> None:
    """Draw the scene in true colour, and of lakes measured twice or more two outlines."""
    outlines = inventory.outlines.to_crs(scene.grid.crs.to_wkt())
    whole = outlines[outlines["status"] == "observed"].sort_values("acquired")
    whole = whole[whole.groupby("lake_id")["lake_id"].transform("size") > 1]
    frame = square_around(whole[whole["lake_id"].isin(chosen.values())])
    window = scene.grid.window_of(frame)
    colours = scene.read(["red", "green", "blue"], window)
    west, south, east, north = scene.grid.crop(window).bounds
    ax.imshow(true_colour(colours), extent=(west, east, south, north), interpolation="bicubic")
    by_lake = whole.groupby("lake_id").cumcount()
    first = whole[by_lake == 0]
    last = whole.drop_duplicates("lake_id", keep="last")
    line = [withStroke(linewidth=2.6, foreground=INK)]
    last.boundary.plot(ax=ax, color=LAST, lw=1.5, aspect=None, path_effects=line)
    first.boundary.plot(ax=ax, color=FIRST, lw=1.2, aspect=None)
    edge = [withStroke(linewidth=3.5, foreground=INK)]
    for letter, lake_id in chosen.items():
        x, _, _, top = whole[whole["lake_id"] == lake_id].total_bounds
        ax.annotate(
            letter,
            (x, top),
            fontsize=19,
            fontweight="bold",
            color="white",
            ha="right",
            path_effects=edge,
        )
    years = whole["acquired"].dt.year
    handles = [
        Line2D([], [], color=FIRST, lw=2.2, label=f"first measured outline (from {years.min()})"),
        Line2D([], [], color=LAST, lw=2.2, label=f"last measured outline (to {years.max()})"),
    ]
    ax.legend(handles=handles, loc="lower left", facecolor="#46565f", framealpha=0.92,
              edgecolor="none", labelcolor="white")  # fmt: skip
    bar = 1000.0
    x, y = east - 0.05 * (east - west) - bar, south + 0.05 * (north - south)
    ax.plot([x, x + bar], [y, y], color="white", lw=4, path_effects=edge, solid_capstyle="butt")
    ax.annotate("1 km", (x + bar / 2, y), xytext=(0, 6), textcoords="offset points", ha="center",
                color="white", path_effects=edge)  # fmt: skip
    ax.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[],
           xlabel="", ylabel="")  # fmt: skip
    ax.set_title(f"{scene.acquired:%Y-%m-%d}, simulated {scene.sensor} image", loc="left")


def draw_curve(ax: Axes, inventory: gl.Inventory, lake_id: str, title: str) -> None:
    """Draw the area of a lake through time; the legend is the figure's."""
    inventory.plot(lake_id, ax=ax)
    ax.set_title(title, loc="left", fontweight="bold", pad=20)
    ax.set_title(f"lake {lake_id}", loc="right", fontsize="small", color="#6b7a83", pad=20)
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()


def square_around(lakes: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """Return a square in map coordinates that holds the lakes and a margin."""
    west, south, east, north = lakes.total_bounds
    half = max(east - west, north - south) / 2 + MARGIN_M
    x, y = (west + east) / 2, (south + north) / 2
    return x - half, y - half, x + half, y + half


def true_colour(reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return colours from 0 to 1 of bands (red, green, blue); dark ground is lifted."""
    stretched: NDArray[np.float32] = np.clip(reflectance.transpose(1, 2, 0) / 0.38, 0, 1) ** 0.65
    return np.nan_to_num(stretched, nan=1.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
