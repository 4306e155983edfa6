"""Lakes and their histories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.polygon import orient

from glacial_lakes.simulate.spectra import Water

LakeType = Literal["supraglacial", "ice-contact", "proglacial", "unconnected"]


@dataclass(frozen=True)
class History:
    """How the area of a lake changes: share of the full area at given years."""

    name: str
    years: tuple[float, ...]
    shares: tuple[float, ...]

    def share(self, year: float) -> float:
        """Return the share of the full area; constant before the first and after the last year."""
        return float(np.interp(year, self.years, self.shares))


def stable() -> History:
    """Return the history of a lake that keeps its area."""
    return History("stable", (2000.0,), (1.0,))


def growing(first: float, start: float, end: float) -> History:
    """Return an even growth from a share of the area to all of it."""
    return History("growing", (start, end), (first, 1.0))


def shrinking(last: float, start: float, end: float) -> History:
    """Return an even loss of area down to a share of it."""
    return History("shrinking", (start, end), (1.0, last))


def draining(year: float, left: float) -> History:
    """Return a sudden drainage to a share of the area, possibly none."""
    return History("draining", (year, year + 0.01), (1.0, left))


def appearing(year: float, end: float) -> History:
    """Return the birth of a lake at a third of its area, and its growth."""
    return History("appearing", (year, year + 0.01, end), (0.0, 0.33, 1.0))


@dataclass(frozen=True)
class Lake:
    """One lake: its full outline in map coordinates, its water and its history."""

    lake_id: str
    lake_type: LakeType
    outline: Polygon
    anchor: tuple[float, float]
    """The point about which it shrinks and grows: its dam."""
    level_m: float
    water: Water
    inflow_bearing_rad: float
    """Towards the inflow, anticlockwise from east: turbid water comes from there."""
    history: History

    def outline_at(self, year: float) -> Polygon | None:
        """Return the outline in a year, or None where there is no lake."""
        share = self.history.share(year)
        if share <= 0.0:
            return None
        factor = math.sqrt(share)
        return orient(affinity.scale(self.outline, factor, factor, origin=self.anchor))


@dataclass(frozen=True)
class Strait:
    """A strait that joins two lakes for some years; the joint lake bears the first one's name."""

    first: str
    second: str
    outline: Polygon
    opens: float
    closes: float


@dataclass(frozen=True)
class LakeState:
    """A lake as it is on one date."""

    lake: Lake
    outline: Polygon


def decimal_year(time: datetime) -> float:
    """Return the date as a year with its fraction."""
    start = datetime(time.year, 1, 1, tzinfo=time.tzinfo)
    end = datetime(time.year + 1, 1, 1, tzinfo=time.tzinfo)
    return time.year + (time - start) / (end - start)


def lakes_in(lakes: Sequence[Lake], straits: Sequence[Strait], year: float) -> list[LakeState]:
    """Return the lakes of a year, joined where a strait is open."""
    states = {lake.lake_id: (lake, lake.outline_at(year)) for lake in lakes}
    for strait in straits:
        first, one = states[strait.first]
        _, two = states[strait.second]
        if strait.opens <= year < strait.closes and one is not None and two is not None:
            joint = one.union(strait.outline).union(two)
            states[strait.first] = (first, _largest(joint))
            states.pop(strait.second)
    return [
        LakeState(lake, orient(outline)) for lake, outline in states.values() if outline is not None
    ]


def _largest(shape: Polygon | MultiPolygon) -> Polygon:
    parts = getattr(shape, "geoms", [shape])
    return max(parts, key=lambda part: part.area)
