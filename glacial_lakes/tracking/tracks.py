"""Outlines of one epoch after another become lakes that last: continue, split, merge, appear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from glacial_lakes.columns import C
from glacial_lakes.schema import EventKind, Status
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.epochs import LIKELY, Epoch, Seen
from glacial_lakes.tracking.matching import (
    COVERED,
    Match,
    geometry_array,
    match,
    same_lake,
    shows_joined,
    with_moved,
)
from glacial_lakes.tracking.ragged import Geometries, RaggedPolygons

NOT_SHOWN, WHOLE, PARTIAL, JOINT, COVERED_BY_OTHER = range(5)
"""How an epoch shows a lake. Joint: its outline covers other lakes too, and nobody can tell their
shares. Covered: the outline of another lake covers it."""

SIGHTING = np.dtype(
    [
        ("view", "i1"),
        ("patch", "i4"),
        (C.AREA_M2, "f8"),
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
    """Patches that show one lake together, or with what other images show of it."""

    patches: tuple[int, ...]
    outline: shapely.Geometry
    filled: bool = False
    """Whether a part of the outline is drawn as other images show it."""


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
    first_whole: shapely.Geometry | None = None
    """First outline of all of it; that of its birth may be a part."""
    whole_epochs: list[int] = field(default_factory=list)
    """Epochs in which it was seen whole."""
    misses: int = 0
    """Clear images since it was last seen that show no water."""
    ended: int | None = None
    """Epoch in which another lake took it in."""
    absorbed: bool = False
    """It was never seen whole by itself, and turned out to be a part of another lake."""
    flickers: bool = False
    """An image that could show a gap drew it as one with another lake, and a later one apart."""

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
            if not self.whole_epochs:
                self.first_whole = outline
            self.whole_epochs.append(epoch)
            self.last, self.last_m2, self.last_epoch = outline, area_m2, epoch
            if self.last_m2 > self.largest_m2:
                self.largest, self.largest_m2 = self.last, self.last_m2


@dataclass(frozen=True)
class Lineage:
    """A split or merge: tracks before and after, the one that keeps its identity first."""

    kind: Literal[EventKind.SPLIT, EventKind.MERGED]
    since: int
    """Last epoch that shows the lakes as they were."""
    epoch: int
    """First epoch that shows them as they are."""
    before: tuple[int, ...]
    after: tuple[int, ...]
    area_before_m2: float
    area_after_m2: float


@dataclass
class Links:
    """The lakes of a series of epochs, as :func:`link` found them.

    Outlines are most of the memory of tracking, so whoever writes tables takes it apart: nothing
    else may read it then.
    """

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
    """For each epoch the tracks whose outline is not one patch."""


@dataclass
class _Linker(Links):
    """The links in the making: grows with each epoch, and holds what only the next ones need."""

    merged: set[int] = field(default_factory=set)
    """Tracks that took part in a merge."""
    dormant: dict[int, set[int]] = field(default_factory=dict)
    """Tracks that a merge ended, by the patch of the epoch in hand that lies on them."""
    patch_facts: list[tuple[float, bool, bool]] = field(default_factory=list)
    """Planar area, whether seen whole and whether merged, of the patches of the epoch in hand."""

    def links(self) -> Links:
        """Return what was found, with a sighting of every track in every epoch."""
        born_later = np.zeros(len(self.tracks), SIGHTING)
        for number, known in enumerate(self.sightings):  # one by one: both would need much memory
            self.sightings[number] = np.append(known, born_later)[: len(self.tracks)].copy()
        return Links(
            self.epochs,
            self.settings,
            self.min_area_m2,
            self.tracks,
            self.lineage,
            self.places,
            self.sightings,
            self.unions,
        )


def ragged_outlines(links: Links, number: int, lakes: npt.NDArray[np.intp]) -> RaggedPolygons:
    """Return the outlines of lakes that an epoch shows."""
    unions, ragged = links.unions[number], links.epochs[number].ragged
    some = ragged[links.sightings[number]["patch"][lakes]]
    merged = {i: unions[lake].outline for i, lake in enumerate(lakes.tolist()) if lake in unions}
    return some.having(merged) if merged else some


def outlines_of(
    links: Links, numbers: npt.NDArray[np.intp], lakes: npt.NDArray[np.intp]
) -> Geometries:
    """Return the outline of each lake in an epoch that shows it."""
    outlines = np.empty(len(lakes), dtype=object)
    for number in np.unique(numbers).tolist():
        here = numbers == number
        outlines[here] = ragged_outlines(links, number, lakes[here]).geometries()
    return outlines


def outline_of(links: Links, number: int, lake: int) -> shapely.Geometry:
    """Return the outline of a lake in an epoch that shows it."""
    return ragged_outlines(links, number, np.array([lake])).geometries()[0]


def patches_of(links: Links, number: int, lake: int) -> list[int]:
    """Return the patches of a lake in an epoch that shows it."""
    union = links.unions[number].get(lake)
    return [*union.patches] if union else [int(links.sightings[number]["patch"][lake])]


def smallest_area(links: Links, number: int) -> float:
    """Return the area in m² of the smallest lake that is mapped in an epoch."""
    pixels = links.settings.min_pixels * links.epochs[number].resolution_m ** 2
    return max(pixels, links.min_area_m2)


_MATERIAL = 0.1
"""A neighbour below this share of a lake's area does not spoil the lake's own area."""

_SEEN_TO_FOUND = 0.5
"""Share of an outline that must be seen for a lake to be founded on it."""

_KEPT = 0.5
"""An outline below this share of the last one counts only where the rest of the place was seen."""

_STEADY = 0.8
"""Share of its largest area above which a lake's last outline alone tells where it is."""


def link(epochs: list[Epoch], settings: TrackingSettings, *, min_area_m2: float = 0.0) -> Links:
    """Link the outlines of all epochs.

    Tracks are founded in the order of time, so that a later epoch takes none back, but for lakes
    never seen whole that turn out to be a part of another, and large parts of the last epoch.

    Parameters
    ----------
    epochs : sequence of Epoch
        In the order of time.
    settings : TrackingSettings
        Limits of the matching.
    min_area_m2 : float
        Smallest lake that was mapped, where that is more than ``min_pixels``.

    Returns
    -------
    Links
        Every patch that was seen well enough belongs to a track.
    """
    links = _Linker(epochs, settings, min_area_m2, [], [], [])
    for number, epoch in enumerate(epochs):
        # Room for a lake on every patch.
        links.sightings.append(np.zeros(len(links.tracks) + len(epoch.areas), SIGHTING))
        links.unions.append({})
        with epoch.at_hand():
            _link(links, number)
    return links.links()


def _see(
    links: _Linker,
    number: int,
    lake: int,
    patches: Sequence[int],
    outline: shapely.Geometry,
    area_m2: float,
    view: int,
    before: tuple[int, float, float] = UNKNOWN,
) -> None:
    """Enter that an epoch shows a lake."""
    links.sightings[number][lake] = (view, patches[0], area_m2, *before)
    links.unions[number].pop(lake, None)
    if len(patches) > 1:
        links.unions[number][lake] = Union(tuple(patches), outline)
    links.tracks[lake].see(number, outline, area_m2, whole=view == WHOLE)


def _link(links: _Linker, number: int) -> None:
    """Link the outlines of an epoch with the lakes of the earlier ones."""
    epoch, tracks, settings = links.epochs[number], links.tracks, links.settings
    lasts = geometry_array(track.last for track in tracks)
    links.dormant.clear()
    links.patch_facts[:] = _patch_facts(epoch)
    _make_dormant(links, number, links.merged)
    footprints = _footprints(tracks, lasts)
    standing = np.array([track.standing for track in tracks])
    found = match(epoch, settings, footprints=footprints, lasts=lasts, standing=standing)
    shown = _shown_whole(links, found)
    unshown = np.array([i for i in range(len(tracks)) if i not in shown], dtype=int)
    seen = epoch.best_views(lasts[unshown])
    links.places.append((unshown, seen))
    clear = set(unshown[seen.status == Status.OBSERVED].tolist())
    missable = [lake for lake in sorted(clear) if tracks[lake].misses < GONE_AFTER]
    found = with_moved(found, epoch, settings, footprints, missable)
    outlines = epoch.outlines
    for lake, patch in found.main.items():
        if lake in shown:
            track, area_m2 = tracks[lake], links.patch_facts[patch][0]
            before = track.last_epoch, track.last_m2, found.kept[lake]
            _see(links, number, lake, (patch,), outlines[patch], area_m2, WHOLE, before)
        else:
            _continue(links, number, lake, found, clear)
    for patch in found.free:
        _found(links, number, patch)
    met = found.main.keys() | {lake for lakes in found.joined.values() for lake in lakes}
    if epoch.is_complete:
        _count_misses(links, number, clear - met)


def _shown_whole(links: _Linker, found: Match) -> set[int]:
    """Return the lakes of which one patch shows all: how their places were seen is no question."""
    return {
        lake
        for lake, patch in found.main.items()
        if lake not in found.extra
        and lake not in found.joined
        and links.patch_facts[patch][1]
        and links.patch_facts[patch][0] >= _KEPT * links.tracks[lake].last_m2
    }


def _patch_facts(epoch: Epoch) -> Iterable[tuple[float, bool, bool]]:
    is_merged = epoch.columns["is_merged"].astype(bool)
    return zip(epoch.areas.tolist(), epoch.whole.tolist(), is_merged.tolist(), strict=True)


def _footprints(tracks: Sequence[Track], lasts: Geometries) -> Geometries:
    """Return where each lake is looked for; None for lakes that have ended."""
    largests = geometry_array(track.largest for track in tracks)
    areas = np.array([(track.last_m2, track.largest_m2) for track in tracks]).reshape(-1, 2)
    is_smaller = areas[:, 0] < _STEADY * areas[:, 1]
    places = lasts.copy()
    places[is_smaller] = shapely.union(lasts[is_smaller], largests[is_smaller])
    places[[not track.active for track in tracks]] = None
    return places


def _make_dormant(links: _Linker, number: int, lakes: Iterable[int]) -> None:
    """Enter which patches of an epoch lie on lakes that a merge ended."""
    ended = [i for i in sorted(lakes) if links.tracks[i].ended is not None]
    if not ended:
        return
    lasts = geometry_array(links.tracks[i].last for i in ended)
    for lake, patch in links.epochs[number].tree.query(lasts, predicate="intersects").T.tolist():
        links.dormant.setdefault(patch, set()).add(ended[lake])


def _continue(links: _Linker, number: int, lake: int, found: Match, clear: set[int]) -> None:
    epoch, track, patch = links.epochs[number], links.tracks[lake], found.main[lake]
    area_m2, whole, is_merged = links.patch_facts[patch]
    # A patch can look whole when cloud hides just the other half of its lake.
    here = sum(links.patch_facts[i][0] for i in (patch, *found.extra.get(lake, ())))
    whole = whole and (is_merged or lake in clear or here >= _KEPT * track.last_m2)
    parts = _parts(links, number, lake, found, whole=whole) if lake in found.extra else [patch]
    joint = lake in found.joined and _merge(links, number, lake, found, whole=whole)
    outline, shared = epoch.outlines[patch], found.kept.get(lake)
    if len(parts) > 1:
        outline, shared = shapely.union_all(epoch.outlines[parts]), None
        area_m2 = float(outline.area)
        whole = whole and all(links.patch_facts[i][1] for i in parts)
    view = PARTIAL if not whole else JOINT if joint else WHOLE
    before = UNKNOWN if shared is None else (track.last_epoch, track.last_m2, shared)
    _see(links, number, lake, parts, outline, area_m2, view, before)


def _parts(links: _Linker, number: int, lake: int, found: Match, *, whole: bool) -> list[int]:
    """Return the patches that make up a lake; found new lakes on those that split off."""
    epoch, track, patch = links.epochs[number], links.tracks[lake], found.main[lake]
    parts, children = [patch], list[int]()
    for other in found.extra.get(lake, []):
        child = epoch.outlines[other]
        # Dark ground beside a lake, or on the bed that it left, is no lake that split off.
        may_be = not epoch.columns[C.LAKE_PROB][other] < LIKELY
        clear = whole and may_be and links.patch_facts[other][1]
        main = epoch.outlines[patch]
        lasts = clear and _stays_apart(links, number, main, child)
        apart = lasts and not _is_remnant(links, number, lake, main, child)
        (children if apart else parts).append(other)
    born = [_found(links, number, child) for child in children]
    if children:
        since = _last_together(links, number, lake, patch, children)
        if since is not None:
            before = float(links.sightings[since][C.AREA_M2][lake])
            after = float(shapely.area(epoch.outlines[[*parts, *children]]).sum())
            links.lineage.append(
                Lineage(EventKind.SPLIT, since, number, (lake,), (lake, *born), before, after)
            )
        # The children's ground is theirs now.
        track.largest, track.largest_m2 = epoch.outlines[patch], links.patch_facts[patch][0]
    return parts


def _stays_apart(
    links: Links, number: int, main: shapely.Geometry, child: shapely.Geometry
) -> bool:
    """Tell whether a part has become a lake of its own.

    A small one waits for the next image that agrees: so no identity is given that a later image
    would take back.
    """
    epoch = links.epochs[number]
    answer = same_lake(links.epochs[number + 1 :], main, child, epoch.resolution_m)
    sure = child.area >= links.settings.sure_pixels * epoch.resolution_m**2
    return answer == "apart" or (answer == "unknown" and sure)


def _last_together(
    links: Links, number: int, lake: int, patch: int, children: Sequence[int]
) -> int | None:
    """Return the last epoch that shows a lake and its children as one lake.

    None when no epoch does that would have shown them apart.
    """
    track, epoch = links.tracks[lake], links.epochs[number]
    main = epoch.outlines[patch]
    for earlier in reversed(track.whole_epochs):
        outline, before = outline_of(links, earlier, lake), links.epochs[earlier]
        for child in epoch.outlines[list(children)]:
            enough = child.area >= _enough_to_split(links, earlier, main)
            if enough and _shows_together(before, outline, epoch, main, child):
                return earlier
    return None


def _is_remnant(links: Links, number: int, lake: int, main: shapely.Geometry, child: Any) -> bool:
    """Tell whether a part is too small for a split of the lake that it belonged to before."""
    track, epoch = links.tracks[lake], links.epochs[number]
    for earlier in reversed(track.whole_epochs):
        outline, before = outline_of(links, earlier, lake), links.epochs[earlier]
        if _shows_together(before, outline, epoch, main, child):
            return bool(child.area < _enough_to_split(links, earlier, main))
    return False


def _enough_to_split(links: Links, earlier: int, main: shapely.Geometry) -> float:
    return max(_MATERIAL * float(main.area), smallest_area(links, earlier))


def _shows_together(
    before: Epoch, outline: shapely.Geometry, now: Epoch, main: shapely.Geometry, child: Any
) -> bool:
    """Tell whether an outline holds a later part of its lake, in an image that shows the gap."""
    if shapely.intersection(outline, child).area < COVERED * child.area:
        return False
    return shows_joined(
        outline,
        main,
        child,
        resolution_m=before.resolution_m,
        resolved_m=now.resolution_m,
    )


def _merge(links: _Linker, number: int, lake: int, found: Match, *, whole: bool) -> bool:
    """End the lakes that a patch took in for good; return whether it only seems to."""
    track, patch = links.tracks[lake], found.main[lake]
    outline, area_m2 = links.epochs[number].outlines[patch], links.patch_facts[patch][0]
    partners, ended, joint = [], list[int](), False
    for other in found.joined.get(lake, []):
        neighbour = links.tracks[other]
        covered = shapely.intersection(neighbour.last, outline).area
        if neighbour.misses >= GONE_AFTER or covered < COVERED * neighbour.last_m2:
            continue
        if whole and not neighbour.whole_epochs:
            neighbour.absorbed = True
        elif whole and track.whole_epochs and _is_merged(links, number, outline, track, neighbour):
            neighbour.ended = number
            ended.append(other)
            if not _is_piece(links, track, other) and _were_two(links, outline, track, neighbour):
                partners.append(other)
        else:
            neighbour.flickers |= whole and _joins(links, number, outline, track, neighbour)
            _see(links, number, other, (patch,), outline, area_m2, COVERED_BY_OTHER)
            joint |= neighbour.last_m2 >= _MATERIAL * track.last_m2
    if partners:
        lakes = (lake, *partners)
        # The main lake alone does not tell: the others may have been hidden, and joined already.
        since = min(links.tracks[i].whole_epochs[-1] for i in partners)
        before = sum(links.tracks[i].last_m2 for i in lakes)
        merger = Lineage(EventKind.MERGED, since, number, lakes, (lake,), before, area_m2)
        links.lineage.append(merger)
        links.merged.update(lakes)
    _make_dormant(links, number, links.merged.intersection(ended))
    return joint


def _is_merged(
    links: Links, number: int, outline: shapely.Geometry, one: Track, other: Track
) -> bool:
    """Tell whether two lakes are one from this epoch on.

    Where no later image tells, this one is believed, unless it was so before and came to nothing.
    """
    if not _joins(links, number, outline, one, other):
        return False
    later = links.epochs[number + 1 :]
    answer = same_lake(later, one.last, other.last, _resolved_m(links, one, other))
    return answer == "together" or (answer == "unknown" and not other.flickers)


def _joins(links: Links, number: int, outline: shapely.Geometry, one: Track, other: Track) -> bool:
    """Tell whether an outline shows that two lakes are one."""
    return shows_joined(
        outline,
        one.last,
        other.last,
        resolution_m=links.epochs[number].resolution_m,
        resolved_m=_resolved_m(links, one, other),
    )


def _resolved_m(links: Links, one: Track, other: Track) -> float:
    """Return the largest pixel of the images that showed two lakes apart."""
    apart = set(one.whole_epochs) & set(other.whole_epochs)
    return max((links.epochs[i].resolution_m for i in apart), default=0.0)


def _were_two(links: Links, outline: shapely.Geometry, one: Track, other: Track) -> bool:
    """Tell whether two lakes have joined, and were no parts of one of which an image showed little.

    Two images that show them apart are right. A single one must have seen the ground between them,
    and the outline that holds both must be no more than twice as large.
    """
    if len(set(one.whole_epochs) & set(other.whole_epochs)) > 1:
        return True
    new = shapely.difference(outline, shapely.union(one.last, other.last))
    if new.area > COVERED * outline.area:
        return False
    before = links.epochs[other.whole_epochs[-1]]
    return bool(before.best_views(geometry_array([new])).fraction[0] >= _SEEN_TO_FOUND)


def _is_piece(links: Links, main: Track, lake: int) -> bool:
    """Tell whether what another lake took in was none, or a piece of it that images cut off.

    A piece is what would be too small for a split, and a small one that a single image shows.
    """
    other = links.tracks[lake]
    looks = [
        links.epochs[i].columns[C.LAKE_PROB][patches_of(links, i, lake)].min()
        for i in other.whole_epochs
    ]
    if other.last_m2 < _MATERIAL * main.last_m2 or max(looks) < LIKELY:
        return True
    born, *more = other.whole_epochs
    sure = links.settings.sure_pixels * links.epochs[born].resolution_m ** 2
    return not more and other.last_m2 < sure and main.whole_epochs[0] < born


def _found(links: _Linker, number: int, patch: int) -> int:
    """Found a lake on a patch, or wake the lake that a merge ended in its place."""
    epoch = links.epochs[number]
    outline, (area_m2, whole, _) = epoch.outlines[patch], links.patch_facts[patch]
    if not whole and not epoch.columns[C.OBSERVED_FRACTION][patch] >= _SEEN_TO_FOUND:
        return -1
    likeness = {}
    for i in sorted(links.dormant.get(patch, ())):
        track = links.tracks[i]
        if track.ended is not None:
            shared = shapely.intersection(track.last, outline).area
            likeness[i] = shared / min(track.last_m2, area_m2)
    best = max(likeness, key=lambda i: likeness[i], default=None)
    if best is not None and likeness[best] >= links.settings.min_overlap:
        reactivated = links.tracks[best]
        reactivated.ended, reactivated.largest, reactivated.largest_m2 = None, outline, area_m2
    else:
        best = len(links.tracks)
        links.tracks.append(Track(outline, outline, area_m2, number, outline, area_m2))
    _see(links, number, best, (patch,), outline, area_m2, WHOLE if whole else PARTIAL)
    return best


def _count_misses(links: _Linker, number: int, lakes: set[int]) -> None:
    epoch, settings = links.epochs[number], links.settings
    for lake in sorted(lakes):
        track = links.tracks[lake]
        if track.active and track.last_m2 >= 2 * smallest_area(links, number):
            sure = track.last_m2 >= settings.sure_pixels * epoch.resolution_m**2
            track.misses += GONE_AFTER if sure else 1
