"""Busy series: worlds in which every third lake drains, comes, falls apart or joins another.

Nine dates of four sensors from 1995 to 2023: scan gaps, ice in June, clouds on three dates; air,
masks and faults of the image vary from date to date. A folder holds what ``known_truth.py`` reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from shapely import affinity
from shapely.geometry import LineString, Polygon
from shapely.geometry.polygon import orient
from world_images import seen_on, write_ground

from glacial_lakes.simulate.noise import generator
from glacial_lakes.simulate.series import fixed_date, write_layer
from glacial_lakes.simulate.truth import geodesic_area_m2
from glacial_lakes.simulate.worlds import World, look, make_world
from glacial_lakes.simulate.worlds.lakes import Lake
from glacial_lakes.simulate.worlds.scene import WorldSite, write_image

DATES = (
    ("LT05", "1995-08-20", "clear"),
    ("LE07", "2000-09-08", "clear"),
    ("LE07", "2008-08-14", "clear"),
    ("LT05", "2011-06-04", "snow"),
    ("LC08", "2014-08-23", "cloud"),
    ("S2A", "2018-08-11", "cloud"),
    ("LC08", "2020-09-15", "clear"),
    ("S2B", "2022-07-28", "clear"),
    ("S2A", "2023-08-16", "cloud"),
)
"""Sensor, day and condition of each image."""
EVENTS = 12
"""Of a world."""
SMALL, MIDDLE = (20, 34)
"""Lakes of a world, see :class:`glacial_lakes.simulate.worlds.lakes.Lakes`."""
SMALLEST_M2 = 15_000.0
"""Lakes below this, of 17 Landsat pixels, have no events."""
KINDS = ("drained", "appeared", "vanished", "split", "merged")
CONSTANT = 0.7
"""Share of the lakes without events that do not grow."""
LEFT = 0.18
"""Share of its area that a drained lake keeps."""


@dataclass(frozen=True)
class Course:
    """What becomes of a lake: its outlines before and from the image with number ``since`` on."""

    lake: Lake
    kind: str
    since: int
    before: tuple[Polygon, ...]
    after: tuple[Polygon, ...]
    first_share: float = 1.0
    """Share of the last area that it has on the first image; it grows evenly."""

    def lakes(self, number: int) -> Iterator[Lake]:
        """Yield what there is of it on an image."""
        outlines = self.before if number < self.since else self.after
        share = self.first_share + (1 - self.first_share) * number / (len(DATES) - 1)
        for part, outline in enumerate(outlines):
            name = f"{self.lake.lake_id}{f'_{part}' * (part > 0)}"
            if share < 1:
                outline = shrunk(outline, share)  # noqa: PLW2901
            yield replace(self.lake, lake_id=name, outline=orient(outline))

    def event(self) -> dict[str, object]:
        """Return its row of the true events."""
        one, other = self.before, self.after
        names = [self.lake.lake_id, *(f"{self.lake.lake_id}_1",) * (max(len(one), len(other)) > 1)]
        return {
            "lake_id": self.lake.lake_id,
            "date": DATES[self.since][1],
            "event": "drained" if self.kind == "vanished" else self.kind,
            "area_before_m2": round(sum(map(geodesic_area_m2, one))),
            "area_after_m2": round(sum(map(geodesic_area_m2, other))),
            "first_visible_date": "",
            "parts": " ".join(names),
        }


def courses(seed: int, lakes: Sequence[Lake]) -> list[Course]:
    """Return what becomes of each lake of a world."""
    rng = generator(seed, 120)
    large = [lake for lake in lakes if SMALLEST_M2 <= lake.outline.area <= 5e5]
    chosen = {large[i].lake_id for i in rng.permutation(len(large))[:EVENTS]}
    found, count = [], int(rng.integers(len(KINDS)))
    for lake in lakes:
        whole = (lake.outline,)
        if lake.lake_id not in chosen:
            share = 1.0 if rng.random() < CONSTANT else float(rng.uniform(0.4, 0.8))
            found.append(Course(lake, "none", 0, whole, whole, share))
            continue
        kind, since = KINDS[count % len(KINDS)], int(rng.integers(1, len(DATES)))
        count += 1
        parts = halves(lake.outline) if kind in {"split", "merged"} else whole
        if len(parts) < 2 and kind in {"split", "merged"}:
            kind = "drained"
        before, after = {
            "drained": (whole, (shrunk(lake.outline, LEFT),)),
            "vanished": (whole, ()),
            "appeared": ((), whole),
            "split": (whole, parts),
            "merged": (parts, whole),
        }[kind]
        found.append(Course(lake, kind, since, before, after))
    return found


def shrunk(outline: Polygon, share: float) -> Polygon:
    """Return a share of a lake about the place farthest from its shores."""
    point = shapely.maximum_inscribed_circle(outline).coords[0]
    small = affinity.scale(outline, math.sqrt(share), math.sqrt(share), origin=point)
    return _largest(small.intersection(outline))[0]


def halves(outline: Polygon) -> tuple[Polygon, ...]:
    """Return a lake cut in two across its long axis, the larger part first; itself where not."""
    frame = shapely.get_coordinates(shapely.minimum_rotated_rectangle(outline))[:3]
    long, short = sorted(np.diff(frame, axis=0), key=lambda side: -float(np.hypot(*side)))
    across = short / np.hypot(*short)
    width = max(45.0, 0.25 * math.sqrt(outline.area))
    middle = np.array(outline.centroid.coords[0])
    for aside in (0.0, 0.12, -0.12, 0.22, -0.22):
        place = middle + aside * long
        line = LineString([place - 2e4 * across, place + 2e4 * across])
        parts = _largest(outline.difference(line.buffer(width / 2)))
        if len(parts) == 2 and parts[1].area > 0.2 * outline.area:
            return parts
    return (outline,)


def _largest(shape: shapely.Geometry) -> tuple[Polygon, ...]:
    parts = sorted(getattr(shape, "geoms", [shape]), key=lambda part: -part.area)
    return tuple(parts[:2])


def busy_site(seed: int) -> WorldSite:
    """Return a world with many lakes that are large enough for events."""
    world = World.of(seed)
    wish = replace(world.lakes, small=SMALL, middle=MIDDLE, large_m2=0.0, at_edge=0)
    return seen_on(make_world(replace(world, lakes=wish)), DATES)


def busy_series(seed: int, folder: Path) -> None:
    """Write products, DEM, glaciers and truth of a busy series into a folder."""
    site = busy_site(seed)
    happens = courses(seed, site.lakes)
    with fixed_date():
        write_ground(site, folder)
        for number, view in enumerate(site.world.views):
            lakes = tuple(lake for course in happens for lake in course.lakes(number))
            scene = look(replace(site, lakes=lakes), view)
            write_image(scene, view, folder / "scenes")
            day = f"{view.acquisition.time:%Y-%m-%d}"
            write_layer(folder / "truth.gpkg", day, scene.truth, append=number > 0)
    rows = [course.event() for course in happens if course.kind != "none"]
    pd.DataFrame(rows).to_csv(folder / "truth_events.csv", index=False, lineterminator="\n")
