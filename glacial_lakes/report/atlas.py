"""One printed page a lake: its images with the outline drawn on, its curve, facts and dates."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from markupsafe import Markup

from glacial_lakes import language as words
from glacial_lakes import schema
from glacial_lakes.change.series import involved
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, require
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.measures.meridian import beside_each_other
from glacial_lakes.report import curves
from glacial_lakes.report.chips import CHIP_SIZE
from glacial_lakes.report.contents import lakes_of
from glacial_lakes.report.maps import Frame, ScaleBar, scale_bar
from glacial_lakes.report.model import Lake
from glacial_lakes.report.page import (
    content_hash,
    environment_of,
    require_language,
    source_of,
    write_page,
)
from glacial_lakes.report.pictures import cut_out, frames_of
from glacial_lakes.report.relief import Bounds, data_uri, encoded, mercator
from glacial_lakes.report.summaries import to_visit
from glacial_lakes.schema import Status

SIZE = 420
"""Pixels of a side of an image: 6 cm of paper at 180 dots an inch."""
MOST_IMAGES = 3
MOST_DATES = 45
"""Dates of a lake on its page, at most: the newest ones."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a lake with the outline that was drawn on it."""

    src: str
    outline: str
    """Path in pixels; empty where the image has no outline."""
    scale: ScaleBar
    day: pd.Timestamp
    sensor: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page of a lake shows."""

    lake: Lake
    images: tuple[Image, ...]
    events: tuple[Mapping[str, Any], ...]
    alerts: tuple[Mapping[str, Any], ...]
    decisions: tuple[Mapping[str, Any], ...]


def write_atlas(
    inventory: Inventory,
    path: Path | str,
    lakes: Sequence[str] | None = None,
    *,
    language: str = "en",
    title: str | None = None,
    looks: Mapping[str, Path] | None = None,
) -> Path:
    """Write an HTML file to print, with a page A4 for each lake that is asked for.

    A page has images of the lake with the outline drawn on, the first, the last and the one before
    its newest alert or event; its area through time; what is known of it; and its dates.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`.
    path : path-like
        The ``.html`` file; an old one is replaced only by a whole new one.
    lakes : sequence of str, optional
        Each by its ID, its number in reports, its number in the catalogue, or its name; by default
        those that need a look.
    language : str
        Language of all words; codes and names stay.
    title : str, optional
        Heading, e.g. the name of the valley.
    looks : mapping of str to path-like, optional
        Rasters of red, green and blue by scene, as runs keep them. Without them a page shows the
        first and the last outline.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ConfigError
        For a language that is not known.
    InputError
        When the inventory has no lake of a name.
    OutputError
        When the file cannot be written; an older one is left as it was.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> inventory = gl.open_inventory("inventory.gpkg")
    >>> gl.report.write_atlas(inventory, "atlas.html", ["1"]).name
    'atlas.html'
    """
    require(inventory, Inventory, "inventory", N_("open it with open_inventory"))
    require(path, (str, os.PathLike), "path", N_("give the path of a file"))
    require_language(language)
    names = _asked(inventory, lakes)
    environment = environment_of(language)
    style = source_of(environment, "style.css")
    page = environment.get_template("atlas.html").render(
        sheets=_sheets(inventory, names, looks or {}, language),
        language=language,
        title=title or inventory.name or words.translate("Glacial lake inventory", language),
        box=curves,
        size=SIZE,
        chip_size=CHIP_SIZE,
        most_dates=MOST_DATES,
        style=Markup(style),  # noqa: S704 (our own file)
        style_hash=content_hash(style),
    )
    return write_page(path, page)


def _asked(inventory: Inventory, lakes: Sequence[str] | None) -> list[str]:
    """Return the IDs of lakes, in the order in which they were named."""
    if lakes is None:
        visited = to_visit(inventory)
        place = [field.title for field in visited.fields].index("Lake ID")
        return [str(row[place]) for row in visited.rows]
    require(lakes, (list, tuple), "lakes", N_("give a list of IDs, numbers or names"))
    return inventory.ids_of(lakes)


def _sheets(
    inventory: Inventory, names: Sequence[str], looks: Mapping[str, Path], language: str
) -> list[Sheet]:
    by_id = {lake.lake_id: lake for lake in lakes_of(inventory, names, language)}
    shown = [by_id[name] for name in names]
    images = _images(inventory, shown, looks, language)
    events = schema.conform(inventory.events, schema.LAKE_EVENTS)
    happened = _by_lake(events, [involved(row) for _, row in events.iterrows()], names)
    alerts = _by_lake(inventory.alerts, [{name} for name in inventory.alerts[C.LAKE_ID]], names)
    reviews = schema.conform(inventory.reviews, schema.REVIEWS)
    decisions = _by_lake(reviews, [{name} for name in reviews[C.LAKE_ID]], names)
    return [
        Sheet(
            lake,
            tuple(images.get(lake.lake_id, ())),
            tuple(happened[lake.lake_id]),
            tuple(alerts[lake.lake_id]),
            tuple(decisions[lake.lake_id]),
        )
        for lake in shown
    ]


def _by_lake(
    table: pd.DataFrame, lakes: Sequence[set[str]], names: Sequence[str]
) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of each lake, missing values as None."""
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in names}
    plain = pd.DataFrame(table.drop(columns="geometry", errors="ignore")).astype(object)
    plain = plain.where(plain.notna(), None)
    for row, of_row in zip(plain.to_dict("records"), lakes, strict=True):
        for name in of_row & found.keys():
            found[name].append({str(key): value for key, value in row.items()})
    return found


def _images(
    inventory: Inventory, lakes: Sequence[Lake], looks: Mapping[str, Path], language: str
) -> dict[str, list[Image]]:
    """Return the images of lakes in the order of time."""
    outlines = gpd.GeoDataFrame(schema.conform(inventory.outlines, schema.OUTLINES), crs=4326)
    places = {lake.lake_id: place for place, lake in enumerate(lakes)}
    rows = outlines[outlines[C.LAKE_ID].isin(places) & outlines.geometry.notna()]
    rows = rows.assign(lake=rows[C.LAKE_ID].map(places).astype(int))
    for lake, group in rows.groupby("lake"):
        centre = lakes[int(str(lake))].lon or 0.0
        rows.loc[group.index, "geometry"] = beside_each_other(group.geometry, centre)
    frames = frames_of(rows)
    drawn = dict(zip(zip(rows["lake"], rows[C.SCENE_ID], strict=True), rows.geometry, strict=True))
    asked: dict[str, list[int]] = {}
    for place, lake in enumerate(lakes):
        for scene in _telling(inventory, lake, looks) if place in frames else ():
            asked.setdefault(scene, []).append(place)
    cut = {
        (lake, scene): picture
        for scene, wanted in asked.items()
        for lake, picture in cut_out(Path(looks[scene]), {n: frames[n] for n in wanted}, SIZE)
    }
    found: dict[str, list[Image]] = {}
    for place, lake in enumerate(lakes):
        for seen in lake.observations:
            picture = cut.get((place, seen.scene_id or ""))
            if picture is not None:
                outline = drawn.get((place, seen.scene_id))
                found.setdefault(lake.lake_id, []).append(
                    Image(
                        data_uri(encoded(picture)),
                        _path(outline, frames[place]),
                        _scale(frames[place], lake, language),
                        seen.acquired,
                        seen.sensor or "",
                    )
                )
    return found


def _telling(inventory: Inventory, lake: Lake, looks: Mapping[str, Path]) -> list[str]:
    """Return the scenes of the first and the last look at a lake, and of what happened last."""
    seen = [one for one in lake.observations if one.is_seen and one.scene_id in looks]
    seen = seen or [
        one for one in lake.observations if one.scene_id in looks and one.status != Status.NODATA
    ]
    if not seen:
        return []
    alerts, events = inventory.alerts, inventory.events
    days = [
        table.loc[table[C.LAKE_ID] == lake.lake_id, name].dropna()
        for name in (C.AFTER, C.DATE)
        for table in (alerts, events)
    ]
    at = [pd.Timestamp(day).date() for some in days for day in reversed(some.tolist())]
    ends = [seen[0], seen[-1]]
    between = [one for day in at for one in seen if one.acquired.date() == day]
    between += [seen[len(seen) // 2]]
    scenes = dict.fromkeys(one.scene_id or "" for one in (*ends, *between))
    return list(scenes)[:MOST_IMAGES]


def _path(outline: shapely.Geometry | None, frame: Bounds) -> str:
    """Return an SVG path of polygons in degrees on a picture."""
    if outline is None or outline.is_empty:
        return ""
    left, bottom, right, top = frame

    def pixels(xy: Any) -> Any:
        x, y = mercator(xy[:, 0], xy[:, 1])
        return np.column_stack(
            [(x - left) / (right - left) * SIZE, (top - y) / (top - bottom) * SIZE]
        )

    drawn = shapely.simplify(shapely.transform(outline, pixels), 0.3)
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(ring)[:-1]) + "Z"
        for polygon in shapely.get_parts(drawn)
        if polygon.geom_type == "Polygon"
        for ring in (polygon.exterior, *polygon.interiors)
    )


def _scale(frame: Bounds, lake: Lake, language: str) -> ScaleBar:
    left, _, right, _ = frame
    lat = lake.lat or 0.0
    metres = (right - left) * math.cos(math.radians(lat))
    return scale_bar(Frame(lake.lon or 0.0, lat, SIZE / metres, SIZE, SIZE), SIZE / 3, language)
