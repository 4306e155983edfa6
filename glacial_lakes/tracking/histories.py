"""What each image says about each lake, and how far it is trusted.

- An area is given only where an image shows the lake whole and by itself; what the images
  around it tell of hidden parts is the matter of :mod:`glacial_lakes.tracking.partly_hidden`.
- ``absent`` is given only where an image shows the place, without water, and could have shown
  the lake; otherwise the reason is given.
- A lake of fewer than ``sure_pixels`` pixels is absent only when the image before or after
  agrees: single misses are common at that size.
- Where an image lacks many lakes that the images before and after show, the image is at fault
  (fresh snow, thin ice, haze), not the lakes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import shapely

from glacial_lakes.coverage import MIN_OBSERVED_FRACTION
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.epochs import (
    Epoch,
    Geometries,
    Seen,
    is_north,
    is_open_season,
    shared_areas,
)
from glacial_lakes.tracking.linking import Links, Sighting, Track, smallest_area
from glacial_lakes.tracking.matching import COMPARABLE, geometry_array
from glacial_lakes.tracking.partly_hidden import partly_hidden

_CONFIDENCE = 1.96
"""Standard deviations of a 95 % interval."""
_ENOUGH_TO_JUDGE = 10
"""Lakes needed to judge an image by those that it lacks."""
_SHOWN_WHOLE: Seen = (0, 1.0, "observed")
"""The place of a lake that one patch shows whole, of which the patch tells all."""


class View(NamedTuple):
    """What one epoch says about one lake; there is one for every lake and epoch."""

    epoch: int
    scene: int
    """Position of the scene that sees it best."""
    fraction: float
    status: str
    resolution_m: float
    late_summer: bool
    shows_water: bool = False
    """Whether the lake, or a part of it, was outlined."""
    area_m2: float = np.nan
    sigma_m2: float = np.nan
    at_most_m2: float = np.nan
    """Where it was not seen whole, and most of what was seen is no water: what may be left."""
    at_least_m2: float = np.nan
    """Where it was not seen whole: the part of it that was."""

    @property
    def decides(self) -> bool:
        """Whether it tells the area: that of the lake, or zero."""
        return self.status in {"observed", "absent"}

    @property
    def lacks(self) -> bool:
        """Whether it tells that the lake is not there, or all but a remnant that is hidden."""
        return self.status == "absent" or not np.isnan(self.at_most_m2)

    @property
    def largest_m2(self) -> float:
        """The area, or what may be left of it."""
        return self.area_m2 if self.decides else self.at_most_m2

    @property
    def smallest_m2(self) -> float:
        """The area, or the part of it that was seen."""
        return self.area_m2 if self.decides else self.at_least_m2

    @property
    def is_ice(self) -> bool:
        """Whether the place is ice when lakes are open, or bare but for a remnant that is ice."""
        hidden = self.fraction <= 1 - MIN_OBSERVED_FRACTION
        return self.late_summer and self.status == "frozen" and (hidden or self.lacks)


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
    hidden = partly_hidden(links)
    views: list[list[View]] = [[] for _ in tracks]
    ground = geometry_array(track.first for track in tracks)
    in_north = is_north(ground).tolist()
    limit = links.settings.drained_fraction
    coarsest = [
        max((links.epochs[i].resolution_m for i in track.whole_epochs), default=0.0)
        for track in tracks
    ]
    for number, epoch in enumerate(links.epochs):
        places = _places(links, number, ground)
        unseen = [lake for lake, track in enumerate(tracks) if number not in track.sightings]
        covered = _covered(epoch, ground, unseen, links.settings.min_overlap)
        areas = shapely.area(ground).tolist()
        summer = {side: is_open_season(epoch.acquired, north=side) for side in (True, False)}
        told, resolution_m = _told_by_patches(epoch), epoch.resolution_m
        for lake, track in enumerate(tracks):
            sighting = track.sightings.get(number)
            place = places.get(lake, _SHOWN_WHOLE)
            view = View(number, *place, resolution_m, summer[in_north[lake]])
            if sighting is not None:
                view = _sighted(epoch, told, sighting, view, areas[lake], limit)
                if (lake, number) in hidden:
                    share, status = hidden[lake, number]
                    view = _without_area(view)._replace(
                        status=status, fraction=1 - share, at_least_m2=sighting.area_m2
                    )
                elif sighting.view == "whole":
                    ground[lake] = sighting.outline
            else:
                area = areas[lake]
                ended = track.ended is not None and track.ended <= number
                could_show = _could_show(links, number, coarsest[lake], area)
                unknown = lake in covered or ended or not could_show
                view = _without_outline(view, area, links.settings, unknown=unknown)
            views[lake].append(view)
    return views


def _places(links: Links, number: int, ground: Geometries) -> dict[int, Seen]:
    """Return how an epoch saw the tracks that it does not show whole; linking asked for most."""
    places = links.places[number]
    sightings = [track.sightings.get(number) for track in links.tracks]
    born_later = [
        lake
        for lake, sighting in enumerate(sightings)
        if lake not in places and not (sighting is not None and sighting.is_one_whole_patch)
    ]
    seen = links.epochs[number].best_views(ground[born_later])
    return places | dict(zip(born_later, seen, strict=True))


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
    told = (
        (lake, view.epoch, view.status == "observed", view.area_m2)
        for lake, views in enumerate(histories)
        for view in views
        if view.decides
    )
    lake, epoch, shown, area = np.fromiter(told, dtype=np.dtype((float, 4))).T
    same = lake[1:] == lake[:-1]
    before, after = np.append(False, same), np.append(same, False)
    needed = np.where(np.isin(epoch, (0, n_epochs - 1)), 1, 2)
    agreed = (~before | (np.roll(shown, 1) > 0)) & (~after | (np.roll(shown, -1) > 0))
    is_judged = (before.astype(int) + after == needed) & agreed
    earlier, later = (
        np.where(have, np.roll(area, by), np.inf) for have, by in ((before, 1), (after, -1))
    )
    usual = np.minimum(earlier, later)
    is_dip = (area <= settings.drained_fraction * usual) & (usual > 0)
    judged, lost = (
        np.bincount(epoch[chosen].astype(int), minlength=n_epochs)
        for chosen in (is_judged, is_judged & is_dip)
    )
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
    seen = [view for view in views if view.decides or view.lacks]
    doubted: set[int] = set()
    area = float(track.first.area)
    for i, view in enumerate(seen):
        around = seen[max(i - 1, 0) : i] + seen[i + 1 : i + 2]
        if view.epoch in unreliable:
            if view.lacks or _is_dip(view, around, settings):
                doubted.add(view.epoch)
        elif view.lacks:
            agreed = any(other.lacks for other in around) or _precedes_growth(seen, i)
            if not agreed and not is_sure(area, view, settings):
                doubted.add(view.epoch)
        else:
            area = view.area_m2
    return [_doubted(view) if view.epoch in doubted else view for view in views]


def is_doubtful(views: Sequence[View], track: Track, settings: TrackingSettings) -> bool:
    """Tell whether a lake is a single small outline that other images contradict.

    They show its place without water, or under the outline of another lake.

    Parameters
    ----------
    views : sequence of View
        One an epoch, from :func:`raw_views`.
    track : Track
        The lake.
    settings : TrackingSettings
        Tells which size is small.
    """
    contradicted = track.ended is not None or any(view.status == "absent" for view in views)
    if len(track.sightings) > 1 or not contradicted:
        return False
    return not any(
        is_sure(float(track.first.area), views[epoch], settings) for epoch in track.sightings
    )


def is_sure(area_m2: float, view: View, settings: TrackingSettings) -> bool:
    """Tell whether an image does not miss or invent a lake of this size by chance."""
    return area_m2 >= settings.sure_pixels * view.resolution_m**2


def uncertainty_m2(one: View, other: View) -> float:
    """Return half the 95 % interval of the difference of two areas; unknown ones are exact."""
    return _CONFIDENCE * float(np.nan_to_num(np.hypot(one.sigma_m2, other.sigma_m2)))


def _without_outline(
    view: View, area_m2: float, settings: TrackingSettings, *, unknown: bool
) -> View:
    """Say of a place without an outline whether the lake is absent.

    Where so little was hidden that a lake in there would count as drained, and the rest is no
    water, the loss is certain though the area is not. Ice out of season leaves it open: more of
    it may lie on the lake than was recognised.
    """
    if view.status == "observed":
        if unknown:
            return view._replace(status="uncertain")
        return view._replace(status="absent", area_m2=0.0, sigma_m2=0.0)
    may_freeze = view.status == "frozen" and not view.late_summer
    if not (unknown or may_freeze) and 1 - view.fraction <= settings.drained_fraction:
        return view._replace(at_most_m2=(1 - view.fraction) * area_m2)
    return view


def _doubted(view: View) -> View:
    return _without_area(view)._replace(status="uncertain" if view.decides else view.status)


def _without_area(view: View) -> View:
    return view._replace(area_m2=np.nan, sigma_m2=np.nan, at_most_m2=np.nan)


def _could_show(links: Links, number: int, shown_m: float, area_m2: float) -> bool:
    """Tell whether an epoch would have shown a lake of this area, had it been there.

    The epoch must be one that leaves no lake out. The lake must be twice the smallest of that
    sensor; and either images as coarse have shown it (``shown_m`` is the largest pixel of those
    that have), or it is too large to be missed.
    """
    resolution_m = links.epochs[number].resolution_m
    if not links.epochs[number].is_complete or area_m2 < 2 * smallest_area(links, number):
        return False
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


def _told_by_patches(epoch: Epoch) -> list[tuple[int, float, float, float]]:
    """Return scene, fraction, area and standard deviation of each patch."""
    numbers = {name: number for number, name in reversed([*enumerate(epoch.scene_ids)])}
    names = ("observed_fraction", "area_m2", "area_sigma_m2")
    fraction, area, sigma = (epoch.columns[name] for name in names)
    scenes = [numbers[name] for name in epoch.columns["scene_id"]]
    columns = (fraction.tolist(), area.tolist(), np.sqrt(sigma**2).tolist())
    return list(zip(scenes, *columns, strict=True))


def _sighted(
    epoch: Epoch,
    told: Sequence[tuple[int, float, float, float]],
    sighting: Sighting,
    place: View,
    area_m2: float,
    limit: float,
) -> View:
    """Say what an outline tells of a lake whose area was ``area_m2`` before.

    Where the part that is seen, what may be hidden of it, and what was hidden of the place are
    together less than ``limit`` of the lake, the loss is certain though the area is not.
    """
    if sighting.is_one_whole_patch:
        scene, fraction, known_m2, sigma_m2 = told[sighting.patches[0]]
        rest = (place.resolution_m, place.late_summer, True, known_m2, sigma_m2)
        return View(place.epoch, scene, fraction, "observed", *rest)
    patches = list(sighting.patches)
    columns = {name: values[patches] for name, values in epoch.columns.items()}
    scene = told[patches[0]][0]
    fraction = float(columns["observed_fraction"].min())
    if sighting.view == "whole":
        return place._replace(
            shows_water=True,
            scene=scene,
            fraction=fraction,
            status="observed",
            area_m2=float(columns["area_m2"].sum()),
            sigma_m2=float(np.sqrt((columns["area_sigma_m2"] ** 2).sum())),
        )
    reasons = [status for status in (*columns["status"], place.status) if status != "observed"]
    view = place._replace(
        shows_water=True,
        scene=scene,
        fraction=float(np.nanmin([fraction, place.fraction])),
        status=reasons[0] if reasons else "uncertain",
    )
    may_freeze = view.status == "frozen" and not view.late_summer
    part = float(sighting.outline.area) / fraction if fraction > 0 else np.inf
    left = part + (1 - place.fraction) * area_m2
    alone = sighting.view == "partial"
    certain = alone and epoch.is_complete and not may_freeze and left <= limit * area_m2
    return view._replace(
        at_most_m2=left if certain else np.nan,
        at_least_m2=float(sighting.outline.area) if alone else np.nan,
    )


def _precedes_growth(seen: Sequence[View], position: int) -> bool:
    """Tell whether the first look at a place, without water, is followed by a lake that grows.

    A lake that was missed by chance has no reason to grow afterwards; a new one has.
    """
    later = seen[1:]
    if position or len(later) < 2 or any(view.status != "observed" for view in later):
        return False
    return later[-1].area_m2 - later[0].area_m2 > uncertainty_m2(later[0], later[-1])
