"""The events in the life of one lake: appeared, drained, refilled.

A lake of fewer than ``sure_pixels`` pixels has come or has drained only when the next image
agrees: single misses and single false lakes are common at that size. What only one image ever
showed has come or drained only where its looks tell that it is a lake.

The part that shows of a lake cut by cloud, gaps or shade stands for its least size: it tells that a
lake is there, and that it has drained when less than ``drained_fraction`` of the part is left. Some
parts take in dark ground, so two images must agree. A part never tells that a lake shrank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from glacial_lakes.schema import EventKind, Status
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.observations import (
    LIKELY,
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
        if full is None:
            before = _last_without(views, view) if view.smallest_m2 > 0 else None
            stays = _stays(view, following, view.smallest_m2 / 2, settings)
            if before is not None and stays and not (before.is_ice and _refreezes(views, view)):
                found.append(DetectedEvent(EventKind.APPEARED, before, view))
            is_there = before is None or stays or is_lake(view, settings)
            full = view if view.smallest_m2 > 0 and is_there else None
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


def _last_without(views: Sequence[View], water: View) -> View | None:
    """Return the last view of a place before some water that tells that no lake was there.

    As at a drainage, a place is bare when what little of it was hidden holds no such lake.
    Ice in a single late summer may be a lake that stayed frozen; in two, it is a glacier.
    """
    ice = [view for view in views[: water.epoch] if view.is_ice]
    bare = [view for view in views[: water.epoch] if view.lacks and view.status != Status.FROZEN]
    return max(bare + (ice if len(ice) > 1 else []), key=lambda view: view.epoch, default=None)


def _stays(view: View, following: View | None, area_m2: float, settings: TrackingSettings) -> bool:
    """Tell whether a lake that came is really there.

    What one image shows may be no lake; and a lake that it shows may have been missed before. The
    last image counts where the looks of the outline tell that it is a lake.
    """
    if following is None:
        return is_sure(view.smallest_m2, view, settings) and not view.lake_prob < SURELY
    return following.smallest_m2 >= area_m2


def _refreezes(views: Sequence[View], view: View) -> bool:
    """Tell whether the next late summer shows ice again where a lake came out of ice.

    A dark patch of a glacier looks like a lake on single images.
    """
    later = [one for one in views if one.epoch > view.epoch and (one.is_ice or one.shows_water)]
    return bool(later) and later[0].is_ice


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
    its looks tell that it is a lake.
    """
    view = seen[position]
    if (
        full.lake_prob < LIKELY
        or not view.largest_m2 <= settings.drained_fraction * full.smallest_m2
    ):
        return False
    lost = full.smallest_m2 - view.largest_m2
    coarse = max(full.resolution_m, view.resolution_m)
    if lost <= max(uncertainty_m2(full, view), 2 * settings.min_pixels * coarse**2):
        return False
    limit = _REFILLED * full.smallest_m2
    water = [
        other
        for other in views
        if other.epoch < view.epoch and other.shows_water and other is not full
    ]
    if not (is_lake(full, settings) or any(other.smallest_m2 >= limit for other in water)):
        return False
    later = [other for other in seen[position + 1 :] if other.decides or other.lacks][:1]
    if later and not view.decides:
        return later[0].largest_m2 <= limit
    if view.status == Status.ABSENT or is_sure(full.smallest_m2, view, settings):
        return True
    return any(other.largest_m2 <= limit for other in later)
