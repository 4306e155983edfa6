"""Outlines that show only a part of their lake, because the rest of it was hidden.

One image cannot tell: the open water of a lake that is half frozen, or half under cloud, looks
like a smaller lake. The images around it can. Ground that was lake before, is lake afterwards,
and was not seen in between belongs to the lake all the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import shapely

from glacial_lakes.coverage import MIN_OBSERVED_FRACTION
from glacial_lakes.overlaps import overlap_areas
from glacial_lakes.threads import in_threads
from glacial_lakes.tracking.epochs import Epoch, is_late_summer
from glacial_lakes.tracking.linking import Lineage, Links, Track, outline_of, outlines_in
from glacial_lakes.tracking.matching import geometry_array
from glacial_lakes.tracking.packed import Geometries

_MAY_LACK = 1 - MIN_OBSERVED_FRACTION
_CLEARLY = 0.999
"""Of a limit: what rounding cannot bring over it."""

Hidden = tuple[float, str]
"""Share of a lake that was not observed, and why."""
_NOTHING: Hidden = (0.0, "observed")


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
    complete: dict[int, int] = {}
    merges = _merges(links)
    for number, epoch in enumerate(links.epochs):
        asked, grounds = [], []
        for lake, track in enumerate(links.tracks):
            sighting = track.sightings.get(number)
            if sighting is None or sighting.view != "whole":
                continue
            joined = _joined(links, lake, number, complete, merges)
            if not joined and _lacks_nothing(track, number, complete.get(lake)):
                complete[lake] = number
                continue
            asked.append(lake)
            grounds.append(_ground(links, lake, number, complete, joined))
        sightings = [links.tracks[lake].sightings[number] for lake in asked]
        outlines = outlines_in(epoch, sightings).geometries()
        for lake, outline, ground, lack in zip(
            asked, outlines, grounds, _lacks(epoch, geometry_array(grounds), outlines), strict=True
        ):
            told = lack
            if lake in complete and lack[0] > _MAY_LACK:
                told = _by_later_images(links, lake, number, ground, outline, lack)
            elif lack[1] == "frozen" and is_late_summer(epoch.acquired, outline):
                told = _NOTHING
            if told[0] > _MAY_LACK:
                hidden[number][lake] = told
            else:
                complete[lake] = number
    return hidden


def _lacks_nothing(track: Track, number: int, complete: int | None) -> bool:
    """Tell whether linking has found already that an outline lacks next to nothing.

    Compared is the last complete outline, or the next one where none is known.
    """
    sighting = track.sightings[number]
    if complete is not None:
        is_next = sighting.before == complete
        return is_next and _covers(sighting.area_m2, sighting.before_m2, sighting.shared_m2)
    later = min(_later(track, number), default=None)
    if later is None:
        return True
    then = track.sightings[later]
    is_next = then.before == number
    return is_next and _covers(sighting.area_m2, then.area_m2, then.shared_m2)


def _covers(outline_m2: float, ground_m2: float, shared_m2: float) -> bool:
    rest = ground_m2 - shared_m2
    return rest <= _CLEARLY * _MAY_LACK * (outline_m2 + rest)


def _merges(links: Links) -> dict[int, list[Lineage]]:
    """Return the merges by the lake that goes on."""
    merges: dict[int, list[Lineage]] = {}
    for change in links.lineage:
        if change.kind == "merged":
            merges.setdefault(change.before[0], []).append(change)
    return merges


def _joined(
    links: Links,
    lake: int,
    number: int,
    complete: Mapping[int, int],
    merges: Mapping[int, Sequence[Lineage]],
) -> set[int]:
    """Return the lakes that a lake will have taken in, where an epoch does not show them."""
    return {
        other
        for change in merges.get(lake, ())
        if change.epoch > number
        for other in change.before[1:]
        if other in complete and number not in links.tracks[other].sightings
    }


def _ground(
    links: Links, lake: int, number: int, complete: Mapping[int, int], joined: set[int]
) -> shapely.Geometry:
    """Return where a lake is expected in an epoch.

    With it the lakes that it will have taken in by its next image, where this one does not show
    them: nobody can tell whether it has done so already.
    """
    if lake not in complete:
        return outline_of(links, min(_later(links.tracks[lake], number), default=number), lake)
    lakes = (lake, *sorted(joined))
    return shapely.union_all([outline_of(links, complete[i], i) for i in lakes])


def _lacks(epoch: Epoch, grounds: Geometries, outlines: Geometries) -> list[Hidden]:
    """Tell which share of outline and ground together was not observed."""
    lacks = [_NOTHING] * len(grounds)
    area, missed = shapely.area(outlines), shapely.area(grounds) - overlap_areas(grounds, outlines)
    asked = np.flatnonzero(missed > _CLEARLY * _MAY_LACK * (area + missed))  # the rest is sure
    rest = in_threads(shapely.difference, grounds[asked], outlines[asked])
    missed = shapely.area(rest)
    size = area[asked] + missed
    lacking = missed > _MAY_LACK * size
    seen = epoch.best_views(rest[lacking])
    found = asked[lacking], missed[lacking], size[lacking], seen.fraction, seen.status
    for i, part, whole, fraction, status in zip(*found, strict=True):
        if status != "observed":
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
    summers = int(lack[1] == "frozen" and is_late_summer(links.epochs[number].acquired, ground))
    for later in _later(links.tracks[lake], number):
        epoch, then = links.epochs[later], outline_of(links, later, lake)
        share, status = _lack(epoch, ground, then)
        if share <= _MAY_LACK:
            still = shapely.intersection(ground, then)
            return _lack(links.epochs[number], still, outline)
        summers += status == "frozen" and is_late_summer(epoch.acquired, ground)
    return _NOTHING if summers > 1 else lack
