"""The lakes of a series of epochs: what is known of each, and which patches show it when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.epochs import Epoch, Seen
from glacial_lakes.tracking.packed import Geometries, Packed

NOT_SHOWN, WHOLE, PARTIAL, JOINT, COVERED_BY_OTHER = range(5)
"""How an epoch shows a lake. Joint: its outline covers other lakes too, and nobody can tell their
shares. Covered: the outline of another lake covers it."""

SIGHTING = np.dtype(
    [
        ("view", "i1"),
        ("patch", "i4"),
        ("area_m2", "f8"),
        ("before", "i4"),
        ("before_m2", "f8"),
        ("shared_m2", "f8"),
    ]
)
"""A lake in an epoch: how it shows; its patch, the first of several; planar area of its outline;
epoch and planar area of its last whole outline before, and the area that both share, where that is
known."""
UNKNOWN = (-1, 0.0, 0.0)
"""Last whole outline of a lake, where what it shares with the present one is not known."""
_Sightings = npt.NDArray[Any]

GONE_AFTER = 2
"""Clear images without water after which a lake no longer takes part in merges."""


class Union(NamedTuple):
    """Patches that show one lake together."""

    patches: tuple[int, ...]
    outline: shapely.Geometry


@dataclass
class Track:
    """A lake in the making."""

    first: shapely.Geometry
    """Outline of its birth: gives the identity."""
    last: shapely.Geometry
    last_m2: float
    """Planar area of that."""
    last_epoch: int
    """Epoch of that."""
    largest: shapely.Geometry
    largest_m2: float
    whole_epochs: list[int] = field(default_factory=list)
    """Epochs in which it was seen whole."""
    misses: int = 0
    """Clear images since it was last seen that show no water."""
    ended: int | None = None
    """Epoch in which another lake took it in."""
    absorbed: bool = False
    """It was never seen whole by itself, and turned out to be a part of another lake."""

    @property
    def active(self) -> bool:
        """Whether it can continue by itself."""
        return self.ended is None and not self.absorbed

    @property
    def standing(self) -> float:
        """Weight where several lakes claim one patch: never seen whole < gone < present."""
        if not self.whole_epochs:
            return 0.001
        return 0.03 if self.misses >= GONE_AFTER else 1.0

    def see(self, epoch: int, outline: shapely.Geometry, area_m2: float, *, whole: bool) -> None:
        """Enter that an epoch shows it."""
        if self.whole_epochs[-1:] == [epoch]:
            self.whole_epochs.pop()
        self.misses = 0
        if whole:
            self.whole_epochs.append(epoch)
            self.last, self.last_m2, self.last_epoch = outline, area_m2, epoch
            if self.last_m2 > self.largest_m2:
                self.largest, self.largest_m2 = self.last, self.last_m2


@dataclass(frozen=True)
class Lineage:
    """A split or merge: tracks before and after, the one that keeps its identity first."""

    kind: Literal["split", "merged"]
    since: int
    """Last epoch that shows the lakes as they were."""
    epoch: int
    """First epoch that shows them as they are."""
    before: tuple[int, ...]
    after: tuple[int, ...]
    area_before_m2: float
    area_after_m2: float


@dataclass(frozen=True)
class Links:
    """The lakes of a series of epochs."""

    epochs: list[Epoch]
    settings: TrackingSettings
    min_area_m2: float
    tracks: list[Track]
    """In the order of their birth."""
    lineage: list[Lineage]
    places: list[tuple[npt.NDArray[np.intp], Seen]]
    """For each epoch the tracks that it does not show whole, and how it saw their last outlines."""
    sightings: list[_Sightings] = field(default_factory=list)
    """For each epoch a :data:`SIGHTING` of every track."""
    unions: list[dict[int, Union]] = field(default_factory=list)
    """For each epoch the tracks that several patches show."""
    merged: set[int] = field(default_factory=set)
    """Tracks that took part in a merge."""
    asleep: dict[int, set[int]] = field(default_factory=dict)
    """Tracks that a merge ended, by the patch of the epoch in hand that lies on them."""
    told: list[tuple[float, bool, bool]] = field(default_factory=list)
    """Planar area, whether seen whole and whether united, of the patches of the epoch in hand."""


def packed_outlines(links: Links, number: int, lakes: npt.NDArray[np.intp]) -> Packed:
    """Return the outlines of lakes that an epoch shows."""
    unions, packed = links.unions[number], links.epochs[number].packed
    some = packed[links.sightings[number]["patch"][lakes]]
    united = {i: unions[lake].outline for i, lake in enumerate(lakes.tolist()) if lake in unions}
    return some.having(united) if united else some


def outlines_of(
    links: Links, numbers: npt.NDArray[np.intp], lakes: npt.NDArray[np.intp]
) -> Geometries:
    """Return the outline of each lake in an epoch that shows it."""
    outlines = np.empty(len(lakes), dtype=object)
    for number in np.unique(numbers).tolist():
        here = numbers == number
        outlines[here] = packed_outlines(links, number, lakes[here]).geometries()
    return outlines


def outline_of(links: Links, number: int, lake: int) -> shapely.Geometry:
    """Return the outline of a lake in an epoch that shows it."""
    return packed_outlines(links, number, np.array([lake])).geometries()[0]


def patches_of(links: Links, number: int, lake: int) -> list[int]:
    """Return the patches of a lake in an epoch that shows it."""
    union = links.unions[number].get(lake)
    return [*union.patches] if union else [int(links.sightings[number]["patch"][lake])]


def smallest_area(links: Links, number: int) -> float:
    """Return the area in m² of the smallest lake that is mapped in an epoch."""
    pixels = links.settings.min_pixels * links.epochs[number].resolution_m ** 2
    return max(pixels, links.min_area_m2)
