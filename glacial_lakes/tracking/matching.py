"""Which outlines of an epoch lie on which lakes, and whether two of them are one lake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely

from glacial_lakes.kernels.overlaps import overlap_areas
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.epochs import Epoch, shared_areas
from glacial_lakes.tracking.identities import best_pairs
from glacial_lakes.tracking.ragged import Geometries

SameLake = Literal["apart", "together", "alone", "unknown"]

COVERED = 0.5
"""Share of a lake that an outline must cover to show the lake, or to have taken it in."""
_RECENT_WEIGHT = 10.0
"""How much more area shared with the last outline counts than with older ground."""
_SEPARABLE_PIXELS = 1.5
"""Mixed pixels bridge narrower gaps: the image cannot tell two such lakes apart."""
_HELD = 0.8
"""Share of the ground between two lakes that an outline must cover to show that it is water."""
COMPARABLE = 1.5
"""Ratio of pixel sizes up to which two images show the same detail."""


@dataclass(frozen=True)
class Match:
    """How the patches of an epoch meet the lakes; all members are positions."""

    main: dict[int, int]
    """Lake to the patch that continues it."""
    extra: dict[int, list[int]]
    """Lake to the patches that lie in it beside its main one."""
    joined: dict[int, list[int]]
    """Lake to the lakes without a patch of their own that its patch meets."""
    free: list[int]
    """Patches that meet no lake."""
    kept: dict[int, float]
    """Lake to the area that its last outline shares with its main patch."""
    met: set[int]
    """Lakes that a patch meets."""


def match(
    epoch: Epoch,
    settings: TrackingSettings,
    *,
    footprints: Geometries,
    lasts: Geometries,
    standing: npt.NDArray[np.float64],
) -> Match:
    """Match the patches of an epoch with lakes.

    Patches and lakes that overlap are matched as a group, so that the shared area in all is
    largest: neighbours never take each other's outline because one came first. Area shared with
    the last outline weighs more, so that of the parts of an old lake its last one continues it.

    Parameters
    ----------
    epoch : Epoch
        Patches.
    settings : TrackingSettings
        Limits.
    footprints : numpy.ndarray of geometry
        Where each lake is looked for; None for lakes that have ended.
    lasts : numpy.ndarray of geometry
        Last outline of each lake.
    standing : numpy.ndarray of float
        Weight of each lake where several claim one patch.
    """
    lake, patch, shared = shared_areas(epoch.tree, footprints)
    smaller = np.minimum(shapely.area(footprints)[lake], epoch.areas[patch])
    linked = shared >= settings.min_overlap * smaller
    lake, patch, shared = lake[linked], patch[linked], shared[linked]
    recent, moved = shared.copy(), footprints[lake] != lasts[lake]
    recent[moved] = overlap_areas(lasts[lake[moved]], epoch.outlines[patch[moved]])
    weight = standing[lake] * (shared + _RECENT_WEIGHT * recent)
    main = dict(best_pairs(lake, patch, weight, len(footprints), len(epoch.outlines)))
    for swallowed in _swallowed(lake, patch, recent, shapely.area(lasts), main, settings):
        del main[swallowed]
    owner = {patch: lake for lake, patch in main.items()}
    extra: dict[int, list[int]] = {}
    joined: dict[int, list[int]] = {}
    placed: set[int] = set()
    kept: dict[int, float] = {}
    order = np.argsort(-shared, kind="stable")
    edges = zip(lake[order].tolist(), patch[order].tolist(), recent[order].tolist(), strict=True)
    for this_lake, this_patch, this_recent in edges:
        if main.get(this_lake) == this_patch:
            kept[this_lake] = this_recent
        elif this_patch not in owner and this_patch not in placed:
            extra.setdefault(this_lake, []).append(this_patch)
            placed.add(this_patch)
        elif this_patch in owner and this_lake not in main:
            joined.setdefault(owner[this_patch], []).append(this_lake)
    free = sorted(set(range(len(epoch.outlines))) - set(patch.tolist()))
    return Match(main, extra, joined, free, kept, set(lake.tolist()))


def _swallowed(
    lake: npt.NDArray[np.intp],
    patch: npt.NDArray[np.intp],
    shared: npt.NDArray[np.float64],
    area: npt.NDArray[np.float64],
    main: Mapping[int, int],
    settings: TrackingSettings,
) -> list[int]:
    """Return the lakes that the outline of another one covers, all but a crumb beside it.

    As a lake that keeps less than ``drained_fraction`` has drained, one that keeps less of what
    another one covers does not go on in it.
    """
    covers = shared >= COVERED * area[lake]
    covering = dict(zip(lake[covers].tolist(), shared[covers].tolist(), strict=True))
    edges = zip(lake.tolist(), patch.tolist(), shared.tolist(), strict=True)
    return [
        one
        for one, outline, part in edges
        if main.get(one) == outline and part < settings.drained_fraction * covering.get(one, 0.0)
    ]


def with_moved(
    found: Match,
    epoch: Epoch,
    settings: TrackingSettings,
    footprints: Geometries,
    missable: Iterable[int],
) -> Match:
    """Let lakes that no patch meets continue as the nearest patch like them that meets no lake.

    Parameters
    ----------
    found : Match
        What overlaps.
    epoch, settings, footprints
        As of :func:`match`.
    missable : iterable of int
        Lakes whose place was seen, so that a patch beside it may be the lake moved on; ascending.
    """
    lakes = [i for i in missable if i not in found.met]
    near = _nearest(footprints, lakes, epoch, found.free, settings)
    taken = set(near.values())
    free = [i for i in found.free if i not in taken]
    return replace(found, main=found.main | near, free=free)


def same_lake(
    later: Iterable[Epoch], one: shapely.Geometry, other: shapely.Geometry, resolved_m: float
) -> SameLake:
    """Ask the next image that shows two places whole whether they are one lake.

    Parameters
    ----------
    later : iterable of Epoch
        In the order of time.
    one, other : shapely.Geometry
        Outlines of the places, apart.
    resolved_m : float
        Pixel size of the image that showed them apart.

    Returns
    -------
    str
        ``apart`` or ``together``; ``alone`` when later images show ``one`` but never ``other``;
        ``unknown`` when no later image shows them.
    """
    alone = False
    for epoch in later:
        here, there = _whole_patch_at(epoch, one), _whole_patch_at(epoch, other)
        alone |= here is not None
        if here is None or there is None:
            continue
        if here != there:
            return "apart"
        if shows_joined(
            epoch.ragged[np.array([here])].geometries()[0],
            one,
            other,
            resolution_m=epoch.resolution_m,
            resolved_m=resolved_m,
        ):
            return "together"
    return "alone" if alone else "unknown"


def can_separate(resolution_m: float, gap_m: float, resolved_m: float) -> bool:
    """Tell whether pixels of one size show a gap that pixels of ``resolved_m`` have shown."""
    return gap_m >= _SEPARABLE_PIXELS * resolution_m or resolution_m <= COMPARABLE * resolved_m


def shows_joined(
    outline: shapely.Geometry,
    one: shapely.Geometry,
    other: shapely.Geometry,
    *,
    resolution_m: float,
    resolved_m: float,
) -> bool:
    """Tell whether an outline on two places shows that the ground between them is water.

    Where pixels are too large to be sure of the gap, though not larger than it, a gap would still
    narrow the outline: one that covers the ground between the two has none.
    """
    gap_m = shapely.distance(one, other)
    if can_separate(resolution_m, gap_m, resolved_m):
        return True
    if gap_m < resolution_m:
        return False
    near = shapely.intersection(one.buffer(gap_m), other.buffer(gap_m))
    between = near.difference(one).difference(other)
    held: bool = shapely.intersection(outline, between).area >= _HELD * between.area
    return held


def geometry_array(geometries: Iterable[shapely.Geometry | None]) -> Geometries:
    """Return geometries as an array of objects, also when there are none."""
    values = list(geometries)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _nearest(
    footprints: Geometries,
    lakes: Sequence[int],
    epoch: Epoch,
    patches: Sequence[int],
    settings: TrackingSettings,
) -> dict[int, int]:
    """Pair lakes and patches that meet nothing, when each is the other's nearest and like it.

    A lake on moving ice can leave its outline between two images; the gap may not exceed the
    smaller one's width. Outlines that touch need not be alike.
    """
    if not lakes or not patches:
        return {}
    old, new = footprints[list(lakes)], epoch.outlines[list(patches)]
    limit = settings.max_distance_m
    there, distances = shapely.STRtree(new).query_nearest(
        old, max_distance=limit, return_distance=True
    )
    back = shapely.STRtree(old).query_nearest(new, max_distance=limit)
    mutual = {(int(a), int(b)) for b, a in back.T}
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for (a, b), distance in zip(there.T.tolist(), distances, strict=True):
        small, large = sorted((old[a].area, new[b].area))
        like = small >= settings.min_overlap * large or distance == 0
        like = like and distance <= 2 * np.sqrt(small / np.pi)
        if like and (a, b) in mutual and patches[b] not in taken and lakes[a] not in pairs:
            pairs[lakes[a]] = patches[b]
            taken.add(patches[b])
    return pairs


def _whole_patch_at(epoch: Epoch, place: shapely.Geometry) -> int | None:
    patches = epoch.whole_patches_at(place)
    if not len(patches):
        return None
    outlines = epoch.ragged[patches].geometries()
    shared = shapely.area(shapely.intersection(outlines, place))
    best = int(shared.argmax())
    enough = COVERED * min(place.area, float(epoch.areas[patches[best]]))
    return int(patches[best]) if shared[best] >= enough else None
