"""Outlines that show only a part of their lake, because the rest of it was hidden.

One image cannot tell: the open water of a lake that is half frozen, or half under cloud, looks
like a smaller lake, and a lake beside a cloud or in the shade of a slope may go on there. The
images around it can. Ground that was lake before, is lake afterwards, and was not seen in between
belongs to the lake all the time; and where neither of them shows more lake, nothing is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from glacial_lakes.columns import C
from glacial_lakes.coverage import MIN_OBSERVED_FRACTION
from glacial_lakes.kernels.overlaps import overlap_areas
from glacial_lakes.runtime.threads import in_threads
from glacial_lakes.schema import EventKind, Status
from glacial_lakes.tracking.epochs import Epoch, is_late_summer
from glacial_lakes.tracking.matching import geometry_array
from glacial_lakes.tracking.ragged import Geometries, Numbers
from glacial_lakes.tracking.tracks import (
    NOT_SHOWN,
    PARTIAL,
    WHOLE,
    Lineage,
    Links,
    Track,
    outline_of,
    outlines_of,
    ragged_outlines,
)

_MAY_LACK = 1 - MIN_OBSERVED_FRACTION
_MAY_FILL = 0.25
"""Share of a lake that other images may fill in."""
_SEEN = 0.5
"""Share of a piece of ground from which on an image tells what it is."""
_CLEARLY = 0.999
"""Of a limit: what rounding cannot bring over it."""

Positions = npt.NDArray[np.intp]
Hidden = tuple[float, str]
"""Share of a lake that was not observed, and why."""
_NOTHING: Hidden = (0.0, Status.OBSERVED)


def partly_hidden(links: Links) -> list[dict[int, Hidden]]:
    """Return the whole-looking outlines that lack a hidden part of their lake.

    The ground asked for is the last complete outline, as far as the next image that shows this
    ground still finds a lake there; never the largest outline, for a lake that grows into ice
    has ice on its later ground in all early images. The first outline of a lake, which has none
    before it, is compared with the next one; ice in late summer is then no reason for doubt.

    Parameters
    ----------
    links : Links
        A linked series.

    Returns
    -------
    list of dict
        For each epoch, track to the share that was not observed (more than 0.1) and the main
        reason.
    """
    hidden: list[dict[int, Hidden]] = [{} for _ in links.epochs]
    if not links.tracks:
        return hidden
    sightings = np.stack(links.sightings)
    later = _next_whole(sightings)
    complete = np.full(len(links.tracks), -1)
    merges = _merges(links)
    for number, epoch in enumerate(links.epochs):
        joined = _joined(links, number, complete, merges)
        sure = _lacks_nothing(sightings, number, complete, later[number])
        sure[[*joined]] = False
        is_whole = sightings["view"][number] == WHOLE
        unsure = np.flatnonzero(is_whole & ~sure)
        grounds = _grounds(links, number, unsure, complete, later[number], joined)
        complete[is_whole & sure] = number
        outlines = ragged_outlines(links, number, unsure).geometries()
        for lake, outline, ground, lack in zip(
            unsure.tolist(), outlines, grounds, _lacks(epoch, grounds, outlines), strict=True
        ):
            hidden_part = lack
            if complete[lake] >= 0 and lack[0] > _MAY_LACK:
                hidden_part = _by_later_images(links, lake, number, ground, outline, lack)
            elif lack[1] == Status.FROZEN and is_late_summer(epoch.acquired, outline):
                hidden_part = _NOTHING
            if hidden_part[0] > _MAY_LACK:
                hidden[number][lake] = hidden_part
            else:
                complete[lake] = number
    return hidden


class Shown(NamedTuple):
    """A lake that an image shows though it looked cut."""

    outline: shapely.Geometry | None
    """Its outline with the ground that was hidden and is lake in the images before and after; None
    where nothing had to be filled in."""
    filled: float
    """Share of that which was filled in."""
    share: float
    """Of the lake and of where other outlines have it, what is not known; at most 0.1."""
    extra: float
    """Share of the outline that was lake in neither of them."""
    ahead: float
    """Share that the lake may have gained or lost since, where outlines are on one side alone."""


def shown_after_all(links: Links, hidden: Sequence[Mapping[int, Hidden]]) -> list[dict[int, Shown]]:
    """Return the lakes whose outline is known, though an image looks as if a part was hidden.

    The last whole outline before and the first one after tell what was hidden. Ground that is lake
    in both was lake in between, if the image does not show that it was land, and is filled in (as
    Zhao and Gao 2018 do with water under cloud). Little may be against it: lake in both that the
    image shows as land, hidden ground that is lake in one of them, and what the outline takes in
    beyond both, such as dark ground. At the end
    of a series the last two before stand for them, and at its start the first two after, where the
    lake is steady: they differ by as little, and no more is filled in.

    Parameters
    ----------
    links : Links
        A linked series.
    hidden : sequence of mapping
        From :func:`partly_hidden`: these outlines tell nothing.

    Returns
    -------
    list of dict
        For each epoch by track.
    """
    shown: list[dict[int, Shown]] = [{} for _ in links.epochs]
    if not links.tracks:
        return shown
    sightings = np.stack(links.sightings)
    before, after = _around(_whole(sightings, hidden))
    n_epochs, every = len(sightings), np.arange(sightings.shape[1])
    area = sightings[C.AREA_M2]
    for number, epoch in enumerate(links.epochs):
        earlier, later = before[number], after[number]
        has_earlier, has_later = earlier >= 0, later < n_epochs
        second = before[np.maximum(earlier - 1, 0), every]
        third = after[np.minimum(later + 1, n_epochs - 1), every]
        has_second = (earlier > 0) & (second >= 0)
        has_third = (later < n_epochs - 1) & (third < n_epochs)
        at_end, at_start = ~has_later & has_second, ~has_earlier & has_third
        is_cut = sightings["view"][number] == PARTIAL
        is_cut[[*hidden[number]]] = True
        lakes = np.flatnonzero(is_cut & ((has_earlier & has_later) | at_end | at_start))
        one, other = (
            np.where(at_start, third, earlier)[lakes],
            np.where(at_end, second, later)[lakes],
        )
        around = np.stack([area[one, lakes], area[other, lakes]])
        now = area[number, lakes]
        change = np.ptp(around, axis=0) / around.max(0)
        on_one_side = (at_end | at_start)[lakes]
        may_fill = np.where(on_one_side, _MAY_LACK, _MAY_FILL)
        ahead = np.where(on_one_side, change, 0.0)
        alike = (now >= (1 - _MAY_LACK - may_fill) * around.max(0)) & (
            now <= around.max(0) / (1 - _MAY_LACK)
        )
        alike &= ahead <= _MAY_LACK
        lakes, now, ahead, may_fill = lakes[alike], now[alike], ahead[alike], may_fill[alike]
        if not lakes.size:
            continue
        outlines = ragged_outlines(links, number, lakes).geometries()
        grounds = [outlines_of(links, which[alike], lakes) for which in (one, other)]
        common = np.stack([overlap_areas(ground, outlines) for ground in grounds])
        extra = np.maximum(1 - common.max(0) / now, 0.0)
        missed = (shapely.area(grounds) - common).sum(0)
        is_sure = missed <= _CLEARLY * _MAY_LACK * (now + missed)
        for i in np.flatnonzero((extra <= _MAY_LACK) & is_sure).tolist():
            shown[number][int(lakes[i])] = Shown(None, 0.0, 0.0, float(extra[i]), float(ahead[i]))
        unsure = np.flatnonzero((extra <= _MAY_LACK) & ~is_sure)
        parts = _filled(epoch, outlines[unsure], *(ground[unsure] for ground in grounds))
        for i, (outline, dry_m2, open_m2) in zip(unsure.tolist(), parts, strict=True):
            whole_m2 = float(outline.area)
            filled, share = 1 - float(now[i]) / whole_m2, open_m2 / (whole_m2 + open_m2)
            is_alike = dry_m2 <= _MAY_LACK * whole_m2
            if is_alike and share <= _MAY_LACK and filled + share <= may_fill[i]:
                told = outline if filled > 0 else None
                told_of = Shown(told, filled, share, float(extra[i]), float(ahead[i]))
                shown[number][int(lakes[i])] = told_of
    return shown


def largest_by_others(
    links: Links, hidden: Sequence[Mapping[int, Hidden]], shown: Sequence[Mapping[int, Shown]]
) -> list[dict[int, float]]:
    """Return how large lakes are at most of which images hide a part, by the images around these.

    A lake is no larger than its outline and the ground that is lake in the last whole outline
    before or in the first one after.

    Parameters
    ----------
    links : Links
        A linked series.
    hidden, shown
        From :func:`partly_hidden` and :func:`shown_after_all`.

    Returns
    -------
    list of dict
        For each epoch the planar area in m² by track, where there are outlines on both sides.
    """
    largest: list[dict[int, float]] = [{} for _ in links.epochs]
    if not links.tracks:
        return largest
    sightings = np.stack(links.sightings)
    whole = _whole(sightings, hidden)
    for number, lakes_shown in enumerate(shown):
        whole[number, [*lakes_shown]] = True
    before, after = _around(whole)
    for number in range(len(links.epochs)):
        is_cut = sightings["view"][number] == PARTIAL
        is_cut[[*hidden[number]]] = True
        has_both = (before[number] >= 0) & (after[number] < len(whole))
        lakes = np.flatnonzero(is_cut & ~whole[number] & has_both)
        if not lakes.size:
            continue
        outlines = ragged_outlines(links, number, lakes).geometries()
        grounds = [outlines_of(links, which[number, lakes], lakes) for which in (before, after)]
        most_m2 = shapely.area(shapely.union_all([outlines, *grounds], axis=0))
        largest[number] = dict(zip(lakes.tolist(), most_m2.tolist(), strict=True))
    return largest


def _whole(
    sightings: npt.NDArray[Any], hidden: Sequence[Mapping[int, Hidden]]
) -> npt.NDArray[np.bool_]:
    """Tell which outlines show all of their lake, shape (epoch, track)."""
    whole: npt.NDArray[np.bool_] = sightings["view"] == WHOLE
    for number, cut in enumerate(hidden):
        whole[number, [*cut]] = False
    return whole


def _around(whole: npt.NDArray[np.bool_]) -> tuple[Positions, Positions]:
    """Return the last epoch up to each that shows a lake whole, and the first from it on.

    Where there is none they are -1 and the number of epochs.
    """
    n_epochs = len(whole)
    numbers = np.arange(n_epochs)[:, np.newaxis]
    before = np.maximum.accumulate(np.where(whole, numbers, -1), axis=0)
    after = np.minimum.accumulate(np.where(whole, numbers, n_epochs)[::-1], axis=0)[::-1]
    return before, after


def _filled(
    epoch: Epoch, outlines: Geometries, earlier: Geometries, later: Geometries
) -> list[tuple[shapely.Geometry, float, float]]:
    """Return outlines with what was hidden of lake that is there before and after.

    Returns
    -------
    list of (geometry, float, float)
        The outline; the area in m² of lake before and after that the image shows as land; and that
        of hidden ground of which the others do not agree.
    """
    if not len(outlines):
        return []
    known, unknown = (
        shapely.difference(ground, outlines)
        for ground in (
            shapely.intersection(earlier, later),
            shapely.symmetric_difference(earlier, later),
        )
    )
    parts, lake = shapely.get_parts(known, return_index=True)
    pixel_m2 = epoch.resolution_m**2
    is_seen = shapely.area(parts) >= pixel_m2  # an image tells nothing of less than a pixel
    parts, lake = parts[is_seen], lake[is_seen]
    hides = epoch.best_views(parts).fraction < _SEEN
    has_unknown = shapely.area(unknown) >= pixel_m2
    open_m2 = np.zeros(len(outlines))
    fraction = epoch.best_views(unknown[has_unknown]).fraction
    open_m2[has_unknown] = (1 - fraction) * shapely.area(unknown[has_unknown])
    dry_m2 = np.bincount(lake, np.where(hides, 0.0, shapely.area(parts)), len(outlines))
    filled = outlines.copy()
    pieces, owner = parts[hides], lake[hides]  # sorted by lake
    for part in np.split(np.arange(owner.size), np.flatnonzero(np.diff(owner)) + 1):
        if part.size:
            whose = owner[part[0]]
            filled[whose] = shapely.union_all([outlines[whose], *pieces[part]])
    return list(zip(filled, dry_m2.tolist(), open_m2.tolist(), strict=True))


def _next_whole(sightings: npt.NDArray[Any]) -> Positions:
    """Return the next epoch that shows each lake whole, the same one where none does."""
    later, following = np.empty(sightings.shape, dtype=int), np.full(sightings.shape[1], -1)
    for number in reversed(range(len(sightings))):
        later[number] = np.where(following < 0, number, following)
        following[sightings["view"][number] == WHOLE] = number
    return later


def _lacks_nothing(
    sightings: npt.NDArray[Any], number: int, complete: Positions, later: Positions
) -> npt.NDArray[np.bool_]:
    """Tell whether linking has found already that outlines lack next to nothing.

    Compared is the last complete outline, or the next whole one where none is known.
    """
    now, then = sightings[number], sightings[later, np.arange(len(later))]
    area_m2 = now[C.AREA_M2]
    first = (later == number) | (
        (then["before"] == number) & _covers(area_m2, then[C.AREA_M2], then["shared_m2"])
    )
    known = (now["before"] == complete) & _covers(area_m2, now["before_m2"], now["shared_m2"])
    sure: npt.NDArray[np.bool_] = np.where(complete < 0, first, known)
    return sure


def _covers(outline_m2: Numbers, ground_m2: Numbers, shared_m2: Numbers) -> npt.NDArray[np.bool_]:
    rest = ground_m2 - shared_m2
    covers: npt.NDArray[np.bool_] = rest <= _CLEARLY * _MAY_LACK * (outline_m2 + rest)
    return covers


def _merges(links: Links) -> dict[int, list[Lineage]]:
    """Return the merges by the lake that goes on."""
    merges: dict[int, list[Lineage]] = {}
    for change in links.lineage:
        if change.kind == EventKind.MERGED:
            merges.setdefault(change.before[0], []).append(change)
    return merges


def _joined(
    links: Links, number: int, complete: Positions, merges: Mapping[int, Sequence[Lineage]]
) -> dict[int, list[int]]:
    """Return the lakes that others will have taken in, where an epoch does not show them."""
    view = links.sightings[number]["view"]
    joined = {
        lake: sorted(
            {
                other
                for change in changes
                if change.epoch > number
                for other in change.before[1:]
                if complete[other] >= 0 and view[other] == NOT_SHOWN
            }
        )
        for lake, changes in merges.items()
    }
    return {lake: others for lake, others in joined.items() if others}


def _grounds(
    links: Links,
    number: int,
    lakes: Positions,
    complete: Positions,
    later: Positions,
    joined: Mapping[int, Sequence[int]],
) -> Geometries:
    """Return where lakes are expected in an epoch.

    With them the lakes that they will have taken in by their next image, where this one does not
    show them: nobody can tell whether they have done so already.
    """
    known = complete[lakes] >= 0
    grounds = outlines_of(links, np.where(known, complete[lakes], later[lakes]), lakes)
    grounds[known] = shapely.union_all(grounds[known][:, np.newaxis], axis=1)
    for i in np.flatnonzero(known & np.isin(lakes, [*joined])).tolist():
        lake = int(lakes[i])
        members = [outline_of(links, int(complete[j]), j) for j in (lake, *joined[lake])]
        grounds[i] = shapely.union_all(members)
    return grounds


def _lacks(epoch: Epoch, grounds: Geometries, outlines: Geometries) -> list[Hidden]:
    """Tell which share of outline and ground together was not observed."""
    lacks = [_NOTHING] * len(grounds)
    area, missed = shapely.area(outlines), shapely.area(grounds) - overlap_areas(grounds, outlines)
    unsure = np.flatnonzero(missed > _CLEARLY * _MAY_LACK * (area + missed))  # the rest is sure
    rest = in_threads(shapely.difference, grounds[unsure], outlines[unsure])
    missed = shapely.area(rest)
    size = area[unsure] + missed
    lacking = missed > _MAY_LACK * size
    seen = epoch.best_views(rest[lacking])
    found = unsure[lacking], missed[lacking], size[lacking], seen.fraction, seen.status
    for i, part, whole, fraction, status in zip(*found, strict=True):
        if status != Status.OBSERVED:
            lacks[i] = (float((1 - fraction) * part / whole), status)
    return lacks


def _lack(epoch: Epoch, ground: shapely.Geometry, outline: shapely.Geometry) -> Hidden:
    return _lacks(epoch, geometry_array([ground]), geometry_array([outline]))[0]


def _later(track: Track, number: int) -> Sequence[int]:
    return [epoch for epoch in track.whole_epochs if epoch > number]


def _by_later_images(
    links: Links,
    lake: int,
    number: int,
    ground: shapely.Geometry,
    outline: shapely.Geometry,
    lack: Hidden,
) -> Hidden:
    """Ask the next image that shows a ground whether the lake still covers it.

    Where no image ever shows it again, it stays hidden; only what is ice in two late summers is a
    glacier that advanced into the lake.
    """
    acquired = links.epochs[number].acquired
    summers = int(lack[1] == Status.FROZEN and is_late_summer(acquired, ground))
    for later in _later(links.tracks[lake], number):
        epoch, then = links.epochs[later], outline_of(links, later, lake)
        share, status = _lack(epoch, ground, then)
        if share <= _MAY_LACK:
            still = shapely.intersection(ground, then)
            return _lack(links.epochs[number], still, outline)
        summers += status == Status.FROZEN and is_late_summer(epoch.acquired, ground)
    return _NOTHING if summers > 1 else lack
