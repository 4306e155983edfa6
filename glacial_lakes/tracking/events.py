"""The events in the life of one lake: appeared, drained, refilled.

A lake of fewer than ``sure_pixels`` pixels has come or has drained only when the next image
agrees: single misses and single false lakes are common at that size. What only one image ever
showed has come or drained only where its looks tell that it is a lake. Coming is the mirror of
draining: water that is less than ``drained_fraction`` of what follows, and no lake by its looks, is
not the lake yet.

The part that shows of a lake cut by cloud, gaps or shade stands for its least size: it tells that a
lake is there, and that it has drained when less than ``drained_fraction`` of the part is left. Some
parts take in dark ground, so two images must agree. A part never tells that a lake shrank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from glacial_lakes.schema import EventKind, Status
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.epochs import LIKELY
from glacial_lakes.tracking.observations import (
    SURELY,
    Flags,
    View,
    Views,
    is_lake,
    is_sure,
    uncertainty_m2,
)

_REFILLED = 0.5
"""Share of the area before a drainage from which a lake counts as refilled."""


@dataclass(frozen=True)
class DetectedEvent:
    """An event in the life of one lake; ``None`` for what is not there."""

    kind: Literal[EventKind.APPEARED, EventKind.DRAINED, EventKind.REFILLED]
    before: View
    after: View


def may_have_events(views: Views, settings: TrackingSettings) -> Flags:
    """Tell in which lakes :func:`detect_events` may find anything; most only ever show water.

    Without an image that lacks a lake, or shows ice in its place, it has not appeared; when its
    least area is more than ``drained_fraction`` of the largest, it has not drained.
    """
    least = np.where(views.decides, views.area_m2, np.inf).min(axis=1, initial=np.inf)
    most = np.fmax(views.area_m2, views.at_least_m2)
    most = np.nan_to_num(most).max(axis=1, initial=0.0)
    without = views.lacks | (views.late_summer & (views.status == Status.FROZEN))
    may: Flags = without.any(axis=1) | ~(least > settings.drained_fraction * most)
    return may


def detect_events(
    views: Sequence[View], changed: set[int], settings: TrackingSettings
) -> list[DetectedEvent]:
    """Return the appearance, drainages and refillings of a lake.

    Parameters
    ----------
    views : sequence of View
        One an epoch, from :class:`~glacial_lakes.tracking.observations.Views` that are trusted.
    changed : set of int
        Epochs in which the lake split or merged: its area jumps there without draining.
    settings : TrackingSettings
        Limits.
    """
    views = _without_specks(views, changed, settings)
    seen = [view for view in views if view.decides or view.lacks or view.at_least_m2 > 0]
    if not seen:
        return []
    found: list[DetectedEvent] = []
    full: View | None = None
    earlier: View | None = None
    drained_from: float | None = None
    last = seen[0]
    for i, view in enumerate(seen):
        following = seen[i + 1] if i + 1 < len(seen) else None
        is_part = not (view.decides or view.lacks)
        if full is None and is_part and view.lake_prob < SURELY:
            continue  # it may be a shadow: what tells more will date the coming
        if full is None:
            shows = view.smallest_m2 > 0 and not view.decides & view.lacks
            before = _last_without(views, view) if shows else None
            stays = _stays(view, following, view.smallest_m2 / 2, settings)
            if before is not None and stays:
                found.append(DetectedEvent(EventKind.APPEARED, before, view))
            is_there = before is None or stays or is_lake(view, settings)
            full = view if shows and is_there else None
        elif drained_from is None:
            if is_part:
                if not view.at_least_m2 >= full.smallest_m2:
                    continue  # the rest of the lake is hidden
                last, full, earlier = view, view, full
                continue
            may_drain = last is full and view.epoch not in changed
            # Of a lake that drained, the first image may still show some of its wet bed.
            before = next(
                (
                    one
                    for one in (full, earlier)
                    if may_drain
                    and one
                    and (one is full or _lasts(seen[i + 1 :], one))
                    and _is_drained(seen, i, one, _since_change(views, changed, one), settings)
                ),
                None,
            )
            if before is not None:
                found.append(DetectedEvent(EventKind.DRAINED, before, view))
                drained_from = before.smallest_m2
            elif view.area_m2 > 0:
                earlier = full if may_drain and view.area_m2 < full.smallest_m2 else None
                full = view
        elif view.smallest_m2 >= _REFILLED * drained_from and _stays(
            view, following, _REFILLED * drained_from, settings
        ):
            found.append(DetectedEvent(EventKind.REFILLED, last, view))
            full, earlier, drained_from = view, None, None
        elif is_part:
            continue
        last = view
    return found


def _without_specks(
    views: Sequence[View], changed: set[int], settings: TrackingSettings
) -> Sequence[View]:
    """Return the views, where water that is no lake yet tells that the lake was not there.

    Such is dark ground or a puddle in the place of a lake to come: no sure lake by its looks, in
    several images in each more likely none, and less than ``drained_fraction`` of what the next
    image with water shows, which is too large to be missed or drawn so small by chance.
    """
    water = [view for view in views if view.shows_water and view.smallest_m2 > 0]
    specks: set[int] = set()
    largest_m2 = 0.0
    for view, following in pairwise(water):
        is_doubtful = view.lake_prob < (1 if view.decides else LIKELY)
        is_doubtful &= not is_lake(view, settings)
        if not is_doubtful or (specks and view.lake_prob >= LIKELY) or following.epoch in changed:
            break
        specks.add(view.epoch)
        largest_m2 = max(largest_m2, view.smallest_m2)
        least = following.smallest_m2
        grows = least - view.smallest_m2 > uncertainty_m2(view, following)
        is_new = grows and largest_m2 <= settings.drained_fraction * least
        if is_new and is_sure(least, following, settings):
            # Of what is cut, nobody knows how large it was: it tells nothing.
            return [
                one._replace(at_most_m2=one.area_m2, at_least_m2=np.nan)
                if one.epoch in specks
                else one
                for one in views
            ]
        if view.lake_prob >= LIKELY:
            break
    return views


def _last_without(views: Sequence[View], water: View) -> View | None:
    """Return the last view of a place before some water that tells that no lake was there.

    As at a drainage, a place is bare when what little of it was hidden holds no such lake.
    Ice in a single late summer may be a lake that stayed frozen; in two, it is a glacier. Where the
    next late summer shows ice again, the water is a dark patch of it; where a later one does, the
    lake is one that freezes or a mask that errs, and ice tells nothing.
    """
    ice = [view for view in views[: water.epoch] if view.is_ice]
    bare = [view for view in views[: water.epoch] if view.lacks and view.status != Status.FROZEN]
    last = max(bare + (ice if len(ice) > 1 else []), key=lambda view: view.epoch, default=None)
    if last is None or not last.is_ice:
        return last
    later = [one for one in views[water.epoch + 1 :] if one.is_ice or one.shows_water]
    if later and later[0].is_ice:
        return None
    return (bare[-1] if bare else None) if any(one.is_ice for one in later) else last


def _stays(view: View, following: View | None, area_m2: float, settings: TrackingSettings) -> bool:
    """Tell whether a lake that came is really there.

    What one image shows may be no lake; and a lake that it shows may have been missed before. The
    last image counts where the looks of the outline tell that it is a lake. Of a lake that is cut
    afterwards, no more than its share that was seen can show.
    """
    if following is None:
        return is_sure(view.smallest_m2, view, settings) and not view.lake_prob < SURELY
    if view.lake_prob < LIKELY and following.lake_prob < LIKELY:
        return False
    shown = 1.0 if following.decides or following.lacks else following.fraction
    return following.smallest_m2 >= shown * area_m2


def _since_change(views: Sequence[View], changed: set[int], full: View) -> Sequence[View]:
    """Return the views since the lake last split or merged: before, it was another one."""
    return views[max((epoch for epoch in changed if epoch <= full.epoch), default=0) :]


def _lasts(later: Sequence[View], full: View) -> bool:
    """Tell whether the next image that tells it finds a lake still drained."""
    next_view = [view for view in later if view.decides or view.lacks][:1]
    return bool(next_view) and next_view[0].largest_m2 <= _REFILLED * full.smallest_m2


def _is_drained(
    seen: Sequence[View],
    position: int,
    full: View,
    views: Sequence[View],
    settings: TrackingSettings,
) -> bool:
    """Tell whether a drop is more than its uncertainty, and no single slip of the map.

    What only one image ever showed may be a flood, a shadow or a piece of a river: it counts where
    its looks tell that it is a lake. Dark ground that comes and goes with the light is no lake: nor
    is what looks more likely so in the mean of its images.
    """
    view = seen[position]
    if not view.largest_m2 <= settings.drained_fraction * full.smallest_m2:
        return False
    lost = full.smallest_m2 - view.largest_m2
    coarse = max(full.resolution_m, view.resolution_m)
    if lost <= max(uncertainty_m2(full, view), 2 * settings.min_pixels * coarse**2):
        return False
    limit = _REFILLED * full.smallest_m2
    like = [
        other
        for other in views
        if other.epoch < view.epoch and other.shows_water and other.smallest_m2 >= limit
    ]
    looks = [other.lake_prob for other in like if other.decides or other is full]
    is_none = full.lake_prob < LIKELY or np.mean(looks) < LIKELY
    if is_none or not (is_lake(full, settings) or any(other is not full for other in like)):
        return False
    later = [other for other in seen[position + 1 :] if other.decides or other.lacks][:1]
    if later and not view.decides:
        return later[0].largest_m2 <= limit
    if view.status == Status.ABSENT or is_sure(full.smallest_m2, view, settings):
        return True
    return any(other.largest_m2 <= limit for other in later)
