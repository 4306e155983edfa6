"""A survey that lies where no other survey lies, and what slip of its coordinates explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from glacial_lakes.errors import N_, GlacialLakesError, InputError, Message
from glacial_lakes.events import InputOdd, Listener
from glacial_lakes.io.vector import read_as_drawn, spatial_layers
from glacial_lakes.places import file_of

FAR_DEG = 1.0
"""Surveys that lie farther apart than this are of different regions, or one lies wrong."""
_NEAR_DEG = 0.3
_ZONES = (-2, -1, 1, 2)
_ZONE_DEG = 6.0
_HEMISPHERE_DEG = 90.15
"""Northings of the south begin 10,000 km lower: 90.02 to 90.29 degrees on a meridian."""
_ENDINGS = (".gpkg", ".shp", ".geojson", ".fgb")
_MOST_SIBLINGS = 20

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Slip:
    """What is wrong with the coordinates of a survey."""

    distance_km: float
    """From the nearest other survey."""
    other: str
    """Name of the survey on which it would lie."""
    what: Message | str
    """The slip."""


def slip_of(survey: Box, others: Mapping[str, Box]) -> Slip | None:
    """Tell what slip would explain that a survey lies far from all others.

    Parameters
    ----------
    survey : tuple of float
        West, south, east, north in degrees.
    others : mapping of str to tuple of float
        The same of other surveys of the region, by name.

    Returns
    -------
    Slip or None
        None when it lies near another one, or when nothing known would bring it there.

    Examples
    --------
    >>> slip_of((42.5, 74.4, 42.7, 74.6), {"2010.shp": (74.4, 42.5, 74.6, 42.7)}).what
    'latitude and longitude are swapped'
    """
    apart = {name: _gap(survey, box) for name, box in others.items()}
    if not apart or min(apart.values()) <= FAR_DEG:
        return None
    west, south, east, north = survey
    moved: list[tuple[Box, str]] = [
        ((south, west, north, east), N_("latitude and longitude are swapped"))
    ]
    moved += [
        (
            (west + zones * _ZONE_DEG, south, east + zones * _ZONE_DEG, north),
            Message("its CRS is off by {zones} UTM zones", zones=abs(zones)),
        )
        for zones in _ZONES
    ]
    moved += [
        ((west, south + turn, east, north + turn), N_("its CRS is of the other hemisphere"))
        for turn in (-_HEMISPHERE_DEG, _HEMISPHERE_DEG)
    ]
    for box, what in moved:
        for name, other in others.items():
            if _gap(box, other) <= _NEAR_DEG:
                return Slip(_km(survey, others), name, what)
    return None


def described(slip: Slip) -> Message:
    """Return what is wrong with a survey, as a clause."""
    return Message(
        "lies {distance:.0f} km from {other}: {slip}, here or there",
        distance=slip.distance_km,
        other=slip.other,
        slip=slip.what,
    )


def check_together(
    surveys: Mapping[str, tuple[Path, gpd.GeoDataFrame]], on_event: Listener
) -> None:
    """Refuse surveys of which one lies where a slip of its coordinates has put it.

    One that lies far from those before it, and no slip explains it, is told: there may be two
    regions.

    Raises
    ------
    InputError
        Naming the survey that most others speak against, and the slip.
    """
    boxes = {name: box_of(table) for name, (_, table) in surveys.items()}
    known = {name: box for name, box in boxes.items() if box is not None}
    found: list[tuple[int, Path, Slip]] = []
    for name, box in known.items():
        others = {other: place for other, place in known.items() if other != name}
        slip = slip_of(box, others)
        if slip is not None:
            near = sum(_gap(box, place) <= FAR_DEG for place in others.values())
            found.append((near, surveys[name][0], slip))
    if found:
        _, path, slip = min(found, key=lambda one: (one[0], str(one[1])))
        raise InputError(path, described(slip), "correct the coordinates or the CRS")
    before: dict[str, Box] = {}
    for name, box in known.items():
        if before and min(_gap(box, place) for place in before.values()) > FAR_DEG:
            what = Message("lies {distance:.0f} km from the others", distance=_km(box, before))
            on_event(InputOdd(str(surveys[name][0]), what))
        before[name] = box


def slip_beside(path: Path, table: gpd.GeoDataFrame) -> Slip | None:
    """Compare a survey with the other vector files in its folder."""
    box = box_of(table)
    if box is None:
        return None
    others: dict[str, Box] = {}
    for sibling in siblings(path):
        if len(others) == _MOST_SIBLINGS:
            break
        try:
            place = extent(sibling)
        except (GlacialLakesError, OSError, ValueError, RuntimeError):
            continue  # what cannot be read tells nothing
        if place is not None:
            others[sibling.name] = place
    return slip_of(box, others)


def siblings(path: Path) -> list[Path]:
    """Return the other vector files in the folder of a file."""
    folder = file_of(path).absolute().parent
    return [
        sibling
        for sibling in (sorted(folder.iterdir())[: 50 * _MOST_SIBLINGS] if folder.is_dir() else ())
        if sibling.stem != file_of(path).stem and sibling.suffix.lower() in _ENDINGS
    ]


def extent(path: Path) -> Box | None:
    """Return where the first layer of a file lies, in degrees; None where it is not worth it."""
    layers = spatial_layers(path)
    info = pyogrio.read_info(path.absolute(), layer=layers[0], force_total_bounds=False)
    if info["features"] > 200_000:
        return None
    return box_of(read_as_drawn(path, layers[0]))


def box_of(table: gpd.GeoDataFrame) -> Box | None:
    """Return where a table lies, in degrees; None when it has no place."""
    shapes: Any = table.geometry.dropna().to_crs(4326)
    if shapes.empty:
        return None
    bounds = np.asarray(shapes.bounds, dtype=float)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        return None
    # The middle of the rows: one outline on the other side of the world is not the survey.
    low, high = np.percentile(bounds[:, :2], 10, axis=0), np.percentile(bounds[:, 2:], 90, axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _gap(one: Box, other: Box) -> float:
    return float(shapely.box(*_ordered(one)).distance(shapely.box(*_ordered(other))))


def _ordered(box: Box) -> Sequence[float]:
    west, south, east, north = box
    return min(west, east), min(south, north), max(west, east), max(south, north)


def _km(box: Box, others: Mapping[str, Box]) -> float:
    def middle(place: Box) -> tuple[float, float]:
        return (place[0] + place[2]) / 2, (place[1] + place[3]) / 2

    lon, lat = np.radians(middle(box))
    distances = []
    for place in others.values():
        east, north = np.radians(middle(place))
        cosine = np.sin(lat) * np.sin(north) + np.cos(lat) * np.cos(north) * np.cos(lon - east)
        distances.append(float(np.arccos(np.clip(cosine, -1, 1))) * 6371.0)
    return min(distances)
