"""What each image says about each lake, how far it is trusted, and the events that follow.

- An area is given only where an image shows the lake whole and by itself.
- ``absent`` is given only where an image shows the place, without water, and could have shown
  the lake; otherwise the reason is given.
- A lake of fewer than ``sure_pixels`` pixels is absent, has come or has drained only when the
  image before or after agrees: single misses and single false lakes are common at that size.
- Where an image lacks many lakes that the images before and after show, the image is at fault
  (fresh snow, thin ice, haze), not the lakes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import shapely

from glacial_lakes.epochs import Epoch, Geometries, shared_areas
from glacial_lakes.linking import Links, Sighting, Track, smallest_area
from glacial_lakes.matching import COMPARABLE, geometry_array
from glacial_lakes.settings import TrackingSettings

_CONFIDENCE = 1.96
"""A change counts when it exceeds its 95 % interval."""
_REFILLED = 0.5
"""Share of the area before a drainage from which a lake counts as refilled."""
_ENOUGH_TO_JUDGE = 10
"""Lakes needed to judge an image by those that it lacks."""


@dataclass(frozen=True)
class View:
    """What one epoch says about one lake."""

    epoch: int
    scene: int
    """Position of the scene that sees it best."""
    fraction: float
    status: str
    resolution_m: float
    area_m2: float = np.nan
    sigma_m2: float = np.nan

    @property
    def decides(self) -> bool:
        """Whether it tells that the lake is there, or that it is not."""
        return self.status in {"observed", "absent"}


@dataclass(frozen=True)
class Happening:
    """An event in the life of one lake; ``None`` for what is not there."""

    kind: Literal["appeared", "drained", "refilled"]
    before: View
    after: View


def raw_views(links: Links) -> list[list[View]]:
    """Return what each epoch says about each track, taken at its word.

    Parameters
    ----------
    links : Links
        A linked series.

    Returns
    -------
    list of list of View
        By track, then by epoch. Areas are on the ellipsoid, in m².
    """
    tracks = links.tracks
    views: list[list[View]] = [[] for _ in tracks]
    ground = geometry_array(track.first for track in tracks)
    for number, epoch in enumerate(links.epochs):
        known = links.places[number]
        n_known = known.best.size
        unborn = epoch.observe(ground[n_known:])
        unseen = [lake for lake, track in enumerate(tracks) if number not in track.sightings]
        covered = _covered(epoch, ground, unseen, links.settings.min_overlap)
        for lake, track in enumerate(tracks):
            place = known.best_of(lake) if lake < n_known else unborn.best_of(lake - n_known)
            view = View(number, *place, epoch.resolution_m)
            sighting = track.sightings.get(number)
            ended = track.ended is not None and track.ended <= number
            if sighting is not None:
                view = _sighted(epoch, sighting, view)
                if sighting.view == "whole":
                    ground[lake] = sighting.outline
            elif view.status == "observed":
                hidden = lake in covered or ended
                hidden |= not _could_show(links, number, track, float(ground[lake].area))
                view = (
                    replace(view, status="uncertain")
                    if hidden
                    else replace(view, status="absent", area_m2=0.0, sigma_m2=0.0)
                )
            views[lake].append(view)
    return views


def unreliable_epochs(
    histories: Iterable[Sequence[View]], n_epochs: int, settings: TrackingSettings
) -> set[int]:
    """Return the epochs that lack too many of the lakes that the images around them show.

    At both ends of a series, where the image on one side is missing, twice the share is needed.

    Parameters
    ----------
    histories : iterable of sequence of View
        Of all lakes, from :func:`raw_views`.
    n_epochs : int
        Number of epochs.
    settings : TrackingSettings
        Tells which share is too many.
    """
    judged, lost = np.zeros(n_epochs), np.zeros(n_epochs)
    for views in histories:
        seen = [view for view in views if view.decides]
        for i, view in enumerate(seen):
            around = [seen[j] for j in (i - 1, i + 1) if 0 <= j < len(seen)]
            needed = 1 if view.epoch in {0, n_epochs - 1} else 2
            if len(around) == needed and all(other.status == "observed" for other in around):
                judged[view.epoch] += 1
                lost[view.epoch] += _is_dip(view, around, settings)
    limit = np.full(n_epochs, settings.max_lost_fraction)
    limit[:1] *= 2
    limit[-1:] *= 2
    many = (judged >= _ENOUGH_TO_JUDGE) & (lost > limit * judged)
    return {int(epoch) for epoch in np.flatnonzero(many)}


def trusted_views(
    views: Sequence[View], track: Track, unreliable: set[int], settings: TrackingSettings
) -> list[View]:
    """Return the views of a lake, with what must be doubted turned to ``uncertain``.

    Doubted are single absences of small lakes, and all losses in unreliable epochs.

    Parameters
    ----------
    views : sequence of View
        One an epoch, from :func:`raw_views`.
    track : Track
        The lake.
    unreliable : set of int
        From :func:`unreliable_epochs`.
    settings : TrackingSettings
        Tells which size is small.
    """
    seen = [view for view in views if view.decides]
    doubted: set[int] = set()
    area = float(track.first.area)
    for i, view in enumerate(seen):
        around = seen[max(i - 1, 0) : i] + seen[i + 1 : i + 2]
        if view.epoch in unreliable:
            if view.status == "absent" or _is_dip(view, around, settings):
                doubted.add(view.epoch)
        elif view.status == "absent":
            agreed = any(other.status == "absent" for other in around)
            if not agreed and not is_sure(area, view, settings):
                doubted.add(view.epoch)
        else:
            area = view.area_m2
    return [
        replace(view, status="uncertain", area_m2=np.nan, sigma_m2=np.nan)
        if view.epoch in doubted
        else view
        for view in views
    ]


def happenings(
    views: Sequence[View], changed: set[int], settings: TrackingSettings
) -> list[Happening]:
    """Return the appearance, drainages and refillings of a lake.

    Parameters
    ----------
    views : sequence of View
        One an epoch, from :func:`trusted_views`.
    changed : set of int
        Epochs in which the lake split or merged: its area jumps there without draining.
    settings : TrackingSettings
        Limits.
    """
    seen = [view for view in views if view.decides]
    found: list[Happening] = []
    full: View | None = None
    drained_from: float | None = None
    for i, view in enumerate(seen):
        last = seen[i - 1] if i else None
        following = seen[i + 1] if i + 1 < len(seen) else None
        if full is None:
            if view.status == "absent":
                continue
            if last is not None and _stays(view, following, view.area_m2 / 2, settings):
                found.append(Happening("appeared", last, view))
            full = view
        elif last is None:
            continue
        elif drained_from is None:
            if (
                last is full
                and view.area_m2 <= settings.drained_fraction * full.area_m2
                and view.epoch not in changed
                and _is_drained(seen, i, settings)
            ):
                found.append(Happening("drained", full, view))
                drained_from = full.area_m2
            elif view.area_m2 > 0:
                full = view
        elif view.area_m2 >= _REFILLED * drained_from and _stays(
            view, following, _REFILLED * drained_from, settings
        ):
            found.append(Happening("refilled", last, view))
            full, drained_from = view, None
    return found


def is_doubtful(views: Sequence[View], track: Track, settings: TrackingSettings) -> bool:
    """Tell whether a lake is a single small outline that other images contradict.

    Parameters
    ----------
    views : sequence of View
        One an epoch, from :func:`raw_views`.
    track : Track
        The lake.
    settings : TrackingSettings
        Tells which size is small.
    """
    if len(track.sightings) > 1 or not any(view.status == "absent" for view in views):
        return False
    return not any(
        is_sure(float(track.first.area), views[epoch], settings) for epoch in track.sightings
    )


def is_sure(area_m2: float, view: View, settings: TrackingSettings) -> bool:
    """Tell whether an image does not miss or invent a lake of this size by chance."""
    return area_m2 >= settings.sure_pixels * view.resolution_m**2


def _could_show(links: Links, number: int, track: Track, area_m2: float) -> bool:
    """Tell whether an epoch would have shown a lake of this area, had it been there.

    It must be twice the smallest lake of that sensor; and either images as coarse have shown it,
    or it is too large to be missed.
    """
    resolution_m = links.epochs[number].resolution_m
    if area_m2 < 2 * smallest_area(links, number):
        return False
    shown_m = max((links.epochs[i].resolution_m for i in track.whole_epochs), default=0.0)
    sure = area_m2 >= links.settings.sure_pixels * resolution_m**2
    return sure or resolution_m <= COMPARABLE * shown_m


def _is_dip(view: View, around: Sequence[View], settings: TrackingSettings) -> bool:
    usual = min((other.area_m2 for other in around), default=0.0)
    return view.area_m2 <= settings.drained_fraction * usual and usual > 0


def _covered(epoch: Epoch, ground: Geometries, lakes: Sequence[int], share: float) -> set[int]:
    """Tell which places lie under any outline: there is water, but it may be another lake's."""
    places = ground[list(lakes)]
    place, _, shared = shared_areas(epoch.tree, places)
    under = np.bincount(place, weights=shared, minlength=len(places))
    return {lakes[int(i)] for i in np.flatnonzero(under >= share * shapely.area(places))}


def _sighted(epoch: Epoch, sighting: Sighting, place: View) -> View:
    patches = list(sighting.patches)
    columns = {name: values[patches] for name, values in epoch.columns.items()}
    scene = epoch.scene_ids.index(columns["scene_id"][0])
    fraction = float(columns["observed_fraction"].min())
    if sighting.view == "whole":
        return replace(
            place,
            scene=scene,
            fraction=fraction,
            status="observed",
            area_m2=float(columns["area_m2"].sum()),
            sigma_m2=float(np.sqrt((columns["area_sigma_m2"] ** 2).sum())),
        )
    reasons = [status for status in (*columns["status"], place.status) if status != "observed"]
    return replace(
        place,
        scene=scene,
        fraction=float(np.nanmin([fraction, place.fraction])),
        status=reasons[0] if reasons else "uncertain",
    )


def _stays(view: View, following: View | None, area_m2: float, settings: TrackingSettings) -> bool:
    """Tell whether a lake that came is really there."""
    if is_sure(view.area_m2, view, settings):
        return True
    return following is not None and following.area_m2 >= area_m2


def _is_drained(seen: Sequence[View], position: int, settings: TrackingSettings) -> bool:
    """Tell whether a drop is more than its uncertainty, and no single slip of the map."""
    full, view = seen[position - 1], seen[position]
    lost = full.area_m2 - view.area_m2
    coarse = max(full.resolution_m, view.resolution_m)
    spread = np.nan_to_num(np.hypot(full.sigma_m2, view.sigma_m2))
    if lost <= max(_CONFIDENCE * spread, 2 * settings.min_pixels * coarse**2):
        return False
    earlier, later = seen[: position - 1], seen[position + 1 : position + 2]
    established = any(other.area_m2 >= _REFILLED * full.area_m2 for other in earlier)
    if not established and not is_sure(full.area_m2, full, settings):
        return False
    if view.status == "absent" or is_sure(full.area_m2, view, settings):
        return True
    return any(other.area_m2 <= _REFILLED * full.area_m2 for other in later)
