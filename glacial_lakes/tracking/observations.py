"""What each epoch says about each lake, and how far it is trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from glacial_lakes.columns import C
from glacial_lakes.schema import Status
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking.epochs import LIKELY, Epoch, is_north, is_open_season, shared_areas
from glacial_lakes.tracking.matching import COMPARABLE, geometry_array
from glacial_lakes.tracking.partial import Shown, largest_by_others, partly_hidden, shown_after_all
from glacial_lakes.tracking.ragged import Geometries
from glacial_lakes.tracking.tracks import (
    JOINT,
    NOT_SHOWN,
    PARTIAL,
    WHOLE,
    Links,
    Track,
    Union,
    outlines_of,
    patches_of,
    ragged_outlines,
    smallest_area,
)

Numbers = npt.NDArray[np.float64]

Flags = npt.NDArray[np.bool_]


class View(NamedTuple):
    """What one epoch says about one lake."""

    epoch: int
    scene: int
    """Position of the scene that sees it best."""
    fraction: float
    status: str
    resolution_m: float
    late_summer: bool
    shows_water: bool = False
    """Whether the lake, or a part of it, was outlined."""
    could_show: bool = True
    """Whether it would have shown the lake, had the lake been there in full view."""
    lake_prob: float = np.nan
    """Probability that what was outlined is a lake, by the looks of it in this image."""
    area_m2: float = np.nan
    sigma_m2: float = np.nan
    at_most_m2: float = np.nan
    """Where it was not seen whole, and most of what was seen is no water: what may be left."""
    at_least_m2: float = np.nan
    """Where it was not seen whole: the part of it that was."""
    area_min_m2: float = np.nan
    area_max_m2: float = np.nan
    """Where it has no area: the bounds of it, as far as the image tells them."""

    @property
    def decides(self) -> bool:
        """Whether it tells the area: that of the lake, or zero."""
        return self.status in {Status.OBSERVED, Status.ABSENT}

    @property
    def lacks(self) -> bool:
        """Whether it tells that the lake is not there, or all but a remnant that is hidden."""
        return self.status == Status.ABSENT or not np.isnan(self.at_most_m2)

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
        """Whether the place is ice when lakes are open, wholly or where it is not bare."""
        is_late = self.late_summer and self.status == Status.FROZEN
        return is_late and self.could_show and not self.shows_water


@dataclass
class Views:
    """What all epochs say about all lakes, in the making; see :func:`raw_views` and :func:`doubt`.

    Arrays of shape (lake, epoch), named as in a view.
    """

    scene: npt.NDArray[np.intp]
    fraction: Numbers
    status: npt.NDArray[np.object_]
    resolution_m: Numbers
    late_summer: Flags
    shows_water: Flags
    could_show: Flags
    lake_prob: Numbers
    area_m2: Numbers
    sigma_m2: Numbers
    at_most_m2: Numbers
    at_least_m2: Numbers
    area_min_m2: Numbers
    area_max_m2: Numbers

    @classmethod
    def blank(cls, lakes: int, epochs: int) -> Views:
        """Return views that tell that all places were seen, and nothing else."""
        shape = lakes, epochs
        unknown = [np.full(shape, np.nan) for _ in range(7)]
        no = [np.zeros(shape, dtype=bool) for _ in range(3)]
        status = np.full(shape, Status.OBSERVED, dtype=object)
        return cls(
            np.zeros(shape, dtype=int), np.ones(shape), status, np.zeros(shape), *no, *unknown
        )

    def of(self, lake: int) -> list[View]:
        """Return the views of a lake."""
        columns = (values[lake].tolist() for values in self._columns())
        epochs = range(self.status.shape[1])
        return [View(*values) for values in zip(epochs, *columns, strict=True)]

    def at(self, lake: int, epoch: int) -> View:
        """Return one view."""
        return View(epoch, *(values.item(lake, epoch) for values in self._columns()))

    def put(self, lake: int, view: View) -> None:
        """Enter one view."""
        for values, value in zip(self._columns(), view[1:], strict=True):
            values[lake, view.epoch] = value

    @property
    def decides(self) -> Flags:
        """Which of them tell the area: that of the lake, or zero."""
        decides: Flags = (self.status == Status.OBSERVED) | (self.status == Status.ABSENT)
        return decides

    @property
    def lacks(self) -> Flags:
        """Which of them tell that the lake is not there, or all but a remnant that is hidden."""
        lacks: Flags = (self.status == Status.ABSENT) | ~np.isnan(self.at_most_m2)
        return lacks

    def _columns(self) -> Iterator[npt.NDArray[Any]]:
        return (getattr(self, name) for name in View._fields[1:])


_CONFIDENCE = 1.96
"""Standard deviations of a 95 % interval."""

_BY_CHANCE = 0.05
"""Probability below which an order of summers is none of chance."""

_MOSTLY_SEEN = 0.5
"""Share of a place that must be seen to say that the rest, which is ice, is no lake."""

SURELY = 0.9
"""Probability from which on an outline is a lake though no other image shows it."""

_ENOUGH_TO_COMPARE = 10
"""Lakes needed to judge an image by those that it lacks."""


def raw_views(links: Links) -> Views:
    """Return what each epoch says about each track, taken at its word.

    Parameters
    ----------
    links : Links
        A linked series.

    Returns
    -------
    Views
        Areas are on the ellipsoid, in m².
    """
    tracks = links.tracks
    hidden = partly_hidden(links)
    shown = shown_after_all(links, hidden)
    _fill_in(links, shown)
    views = Views.blank(len(tracks), len(links.epochs))
    ground = _first_grounds(links, hidden)
    areas, in_north = shapely.area(ground), is_north(ground)
    shown_m = _shown_m(links, areas)
    for number, epoch in enumerate(links.epochs):
        summer, winter = (is_open_season(epoch.acquired, north=side) for side in (True, False))
        views.late_summer[:, number] = np.where(in_north, summer, winter)
        views.resolution_m[:, number] = epoch.resolution_m
        sightings = links.sightings[number]
        shows = sightings["view"] != NOT_SHOWN
        whole = sightings["view"] == WHOLE
        alone = whole.copy()
        alone[[*links.unions[number]]] = False
        with epoch.at_hand():
            _enter_places(views, links, number, ground, alone)
            _enter_patches(views, epoch, number, alone, sightings["patch"])
            for lake in np.flatnonzero(shows & ~alone).tolist():
                views.put(lake, _sighted(links, views.at(lake, number), lake, float(areas[lake])))
            unseen = np.flatnonzero(~shows)
            views.could_show[:, number] = _could_show(links, number, shown_m, areas)
            _enter_unseen(views, links, number, ground, areas, unseen)
        for lake, (share, status) in hidden[number].items():
            found = views.at(lake, number)
            least_m2 = float(sightings[C.AREA_M2][lake])
            margin_m2 = _CONFIDENCE * np.nan_to_num(found.sigma_m2)
            view = _without_area(found)._replace(
                status=status,
                fraction=1 - share,
                at_least_m2=least_m2,
                area_min_m2=max(0.0, least_m2 - margin_m2),
                area_max_m2=(least_m2 + margin_m2) / (1 - share) if share < 1 else np.nan,
            )
            views.put(lake, view)
        whole[[*hidden[number]]] = False
        whole[[*shown[number]]] = True
        ground[whole] = ragged_outlines(links, number, np.flatnonzero(whole)).geometries()
        areas[whole] = sightings[C.AREA_M2][whole]
    _enter_shown(views, links, shown)
    _enter_largest(views, largest_by_others(links, hidden, shown))
    _enter_repeated(views, links)
    _enter_ice(views, links.settings)
    return views


def _first_grounds(links: Links, hidden: Sequence[Mapping[int, Any]]) -> Geometries:
    """Return where each lake is looked for before its first outline: its first complete one.

    A speck before it, less than ``drained_fraction`` of it, is not the lake yet.
    """
    ground = geometry_array(
        track.first if track.first_whole is None else track.first_whole for track in links.tracks
    )
    if not len(ground):
        return ground
    sightings = np.stack(links.sightings)
    whole = sightings["view"] == WHOLE
    for number, cut in enumerate(hidden):
        whole[number, [*cut]] = False
    every = np.arange(len(ground))
    first = whole.argmax(axis=0)
    whole[first, every] = False
    following = whole.argmax(axis=0)
    area_m2 = sightings[C.AREA_M2]
    is_speck = whole.any(axis=0) & (
        area_m2[first, every] <= links.settings.drained_fraction * area_m2[following, every]
    )
    born = np.array([track.whole_epochs[0] if track.whole_epochs else -1 for track in links.tracks])
    later = np.where(is_speck, following, first)
    moved = np.flatnonzero(
        (born >= 0) & (sightings["view"][later, every] == WHOLE) & (later != born)
    )
    ground[moved] = outlines_of(links, later[moved], moved)
    return ground


def _fill_in(links: Links, shown: Sequence[Mapping[int, Shown]]) -> None:
    """Enter the outlines of which other images show a hidden part."""
    for number, lakes in enumerate(shown):
        for lake, told in lakes.items():
            if told.outline is not None:
                patches = tuple(patches_of(links, number, lake))
                links.unions[number][lake] = Union(patches, told.outline, filled=True)
                links.sightings[number][C.AREA_M2][lake] = told.outline.area


def _enter_repeated(views: Views, links: Links) -> None:
    """Enter the areas of outlines that several images show alike, though each looks cut.

    Clouds hide another part of a lake each time, and so does ice. Where two images agree on an
    outline, what lies beside it is none of the lake: a glacier, or a bright bed that looks like
    cloud or ice. Shade and the edge of images come back to their place, and tell nothing.
    """
    shape = views.area_m2.shape
    area_m2, sigma_m2 = np.full(shape, np.nan), np.full(shape, np.nan)
    differs = (views.status == Status.CLOUD) | ((views.status == Status.FROZEN) & views.late_summer)
    for number, epoch in enumerate(links.epochs):
        cut = links.sightings[number]["view"] == PARTIAL
        for lake in np.flatnonzero(cut & (differs & views.could_show)[:, number]).tolist():
            patches = patches_of(links, number, lake)
            if epoch.whole[patches].all():
                area_m2[lake, number] = epoch.columns[C.AREA_M2][patches].sum()
                errors = epoch.columns[C.AREA_SIGMA_M2][patches]
                sigma_m2[lake, number] = np.hypot.reduce(errors)
    for lake in np.flatnonzero(np.isfinite(area_m2).sum(axis=1) > 1).tolist():
        epochs = np.flatnonzero(np.isfinite(area_m2[lake]))
        area, sigma = area_m2[lake, epochs], sigma_m2[lake, epochs]
        alike = np.abs(np.diff(area)) <= _CONFIDENCE * np.hypot(sigma[1:], sigma[:-1])
        for i in np.flatnonzero(np.append(alike, False) | np.append(False, alike)).tolist():
            view = _without_area(views.at(lake, int(epochs[i])))
            area_told, sigma_told = float(area[i]), float(sigma[i])
            view = view._replace(area_m2=area_told, sigma_m2=sigma_told, at_least_m2=np.nan)
            views.put(lake, view._replace(status=Status.OBSERVED, fraction=1.0))


def _enter_ice(views: Views, settings: TrackingSettings) -> None:
    """Enter what is left of lakes in whose place several late summers show ice.

    A lake is open by then; where ice remains there is a glacier, its dead ice, or a bright bed. Two
    summers tell where most of the place is bare. Where little of it is, all summers since must show
    ice, and none before: so many that chance would not put them all at the end.
    """
    unknown = np.isnan(views.at_most_m2) & (~views.shows_water | ~np.isnan(views.at_least_m2))
    is_ice = views.late_summer & (views.status == Status.FROZEN) & unknown & views.could_show
    is_bare = is_ice & (views.fraction >= _MOSTLY_SEEN)
    left_m2 = np.nan_to_num(np.where(views.decides, views.area_m2, views.at_least_m2))
    for lake in np.flatnonzero(is_ice.sum(axis=1) > 1).tolist():
        area_m2 = np.where(views.decides[lake], views.area_m2[lake], np.nan)
        known = pd.Series(area_m2).shift()
        is_left = left_m2[lake] <= settings.drained_fraction * known.ffill().to_numpy()
        ice = is_bare[lake]
        if ice.sum() < 2:
            # One outline with dark ground does not make a remnant of what was the lake before.
            is_left &= (
                left_m2[lake] <= settings.drained_fraction * known.cummin().ffill().to_numpy()
            )
            is_open = views.late_summer[lake] & views.shows_water[lake] & ~is_left
            ice = _final(is_ice[lake] & is_left, is_open)
        told = ice & is_left
        views.at_most_m2[lake, told] = left_m2[lake, told]


def _final(is_ice: Flags, is_open: Flags) -> Flags:
    """Return the summers of ice, when chance would not put so many of them after all open ones.

    If a lake froze over now and then, any order of its frozen and open summers would be as likely.
    """
    ice, is_water = np.flatnonzero(is_ice), np.flatnonzero(is_open)
    in_order = ice.size and is_water.size and is_water[-1] < ice[0]
    chance = 1 / math.comb(ice.size + is_water.size, ice.size)
    return is_ice if in_order and chance <= _BY_CHANCE else np.zeros_like(is_ice)


def _enter_shown(views: Views, links: Links, shown: Sequence[Mapping[int, Shown]]) -> None:
    """Enter the lakes that an image shows though it looked cut.

    Nobody measured the shore of such an outline. Its error is that of the other outlines of the
    lake, which grows with pixel and circumference; half of what was hidden and of what may be
    ground adds to it, and what the lake may have changed by since it was seen whole.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = views.sigma_m2 / (views.resolution_m * np.sqrt(views.area_m2))
    for number, lakes in enumerate(shown):
        for lake, (_, filled, share, extra, ahead) in lakes.items():
            view = views.at(lake, number)
            area_m2 = float(links.sightings[number][C.AREA_M2][lake])
            usual = errors[lake][np.isfinite(errors[lake])]
            sigma = float(np.median(usual)) if usual.size else np.nan
            sigma *= view.resolution_m * area_m2**0.5
            doubt_m2 = area_m2 * ((filled + share + extra) / 2 + ahead)
            views.put(
                lake,
                view._replace(
                    status=Status.OBSERVED,
                    fraction=1 - filled - share,
                    area_m2=area_m2,
                    sigma_m2=float(np.hypot(sigma, doubt_m2)),
                    at_most_m2=np.nan,
                    at_least_m2=np.nan,
                    area_min_m2=np.nan,
                    area_max_m2=np.nan,
                ),
            )


def _enter_largest(views: Views, largest: Sequence[Mapping[int, float]]) -> None:
    """Enter how large lakes are at most that images show in part, by the images around these.

    What is known of a shore is the error of the other outlines of the lake.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = views.sigma_m2 / views.area_m2
    for number, lakes in enumerate(largest):
        for lake, most_m2 in lakes.items():
            usual = errors[lake][np.isfinite(errors[lake])]
            most_m2 *= 1 + _CONFIDENCE * float(np.median(usual)) if usual.size else np.nan  # noqa: PLW2901
            bound = np.fmin(views.area_max_m2[lake, number], most_m2)
            views.area_max_m2[lake, number] = np.fmax(bound, views.area_min_m2[lake, number])


def _enter_places(
    views: Views, links: Links, number: int, ground: Geometries, alone: Flags
) -> None:
    """Enter how an epoch saw the tracks that it does not show whole; linking asked for most."""
    unshown, seen = links.places[number]
    known = alone.copy()
    known[unshown] = True
    born_later = np.flatnonzero(~known)
    later = links.epochs[number].best_views(ground[born_later])
    for lakes, shown in ((unshown, seen), (born_later, later)):
        views.scene[lakes, number] = shown.scene
        views.fraction[lakes, number] = shown.fraction
        views.status[lakes, number] = shown.status


def _enter_patches(
    views: Views, epoch: Epoch, number: int, alone: Flags, patch: npt.NDArray[np.intp]
) -> None:
    """Enter the lakes of which one patch tells all."""
    lakes, patches = np.flatnonzero(alone), patch[alone]
    views.scene[lakes, number] = epoch.scenes[patches]
    views.fraction[lakes, number] = epoch.columns[C.OBSERVED_FRACTION][patches]
    views.status[lakes, number] = Status.OBSERVED
    views.shows_water[lakes, number] = True
    views.lake_prob[lakes, number] = epoch.columns[C.LAKE_PROB][patches]
    views.area_m2[lakes, number] = epoch.columns[C.AREA_M2][patches]
    views.sigma_m2[lakes, number] = np.sqrt(epoch.columns[C.AREA_SIGMA_M2][patches] ** 2)


def _enter_unseen(
    views: Views,
    links: Links,
    number: int,
    ground: Geometries,
    areas: Numbers,
    lakes: npt.NDArray[np.intp],
) -> None:
    """Say of places without an outline whether the lake is absent.

    Where so little was hidden that a lake in there would count as drained, and the rest is no
    water, the loss is certain though the area is not. Ice out of season leaves it open: more of
    it may lie on the lake than was recognised.
    """
    epoch, settings = links.epochs[number], links.settings
    area_m2, status, fraction = (
        areas[lakes],
        views.status[lakes, number],
        views.fraction[lakes, number],
    )
    unknown = _covered(epoch, ground[lakes], settings.min_overlap)
    unknown |= ~views.could_show[lakes, number]
    ends = [links.tracks[lake].ended for lake in lakes.tolist()]
    unknown |= np.array([end is not None and end <= number for end in ends], dtype=bool)
    seen = status == Status.OBSERVED
    absent, uncertain = lakes[seen & ~unknown], lakes[seen & unknown]
    views.status[uncertain, number] = Status.UNCERTAIN
    views.status[absent, number] = Status.ABSENT
    views.area_m2[absent, number] = views.sigma_m2[absent, number] = 0.0
    may_freeze = (status == Status.FROZEN) & ~views.late_summer[lakes, number]
    bare = ~(seen | unknown | may_freeze) & (1 - fraction <= settings.drained_fraction)
    views.at_most_m2[lakes[bare], number] = (1 - fraction[bare]) * area_m2[bare]


def unreliable_epochs(views: Views, lakes: Sequence[int], settings: TrackingSettings) -> set[int]:
    """Return the epochs that lack too many of the lakes that the images around them show.

    At both ends of a series, where the image on one side is missing, twice the share is needed.

    Parameters
    ----------
    views : Views
        From :func:`raw_views`.
    lakes : sequence of int
        The lakes that count.
    settings : TrackingSettings
        Tells which share is too many.
    """
    chosen, n_epochs = list(lakes), views.status.shape[1]
    lake, epoch = np.nonzero(views.decides[chosen])
    shown = views.status[chosen][lake, epoch] == Status.OBSERVED
    area = views.area_m2[chosen][lake, epoch]
    same = lake[1:] == lake[:-1]
    before, after = np.append(False, same), np.append(same, False)
    needed = np.where(np.isin(epoch, (0, n_epochs - 1)), 1, 2)
    agreed = (~before | np.roll(shown, 1)) & (~after | np.roll(shown, -1))
    is_compared = (before.astype(int) + after == needed) & agreed
    earlier, later = (
        np.where(have, np.roll(area, by), np.inf) for have, by in ((before, 1), (after, -1))
    )
    usual = np.minimum(earlier, later)
    is_dip = (area <= settings.drained_fraction * usual) & (usual > 0)
    compared, lost = (
        np.bincount(epoch[which], minlength=n_epochs)
        for which in (is_compared, is_compared & is_dip)
    )
    limit = np.full(n_epochs, settings.max_lost_fraction)
    limit[:1] *= 2
    limit[-1:] *= 2
    many = (compared >= _ENOUGH_TO_COMPARE) & (lost > limit * compared)
    return {int(epoch) for epoch in np.flatnonzero(many)}


def doubt(
    views: Views,
    tracks: Sequence[Track],
    lakes: Iterable[int],
    unreliable: set[int],
    settings: TrackingSettings,
) -> None:
    """Turn what must be doubted to ``uncertain``.

    Doubted are single absences of small lakes, and all losses in unreliable epochs.

    Parameters
    ----------
    views : Views
        From :func:`raw_views`; changed in place.
    tracks : sequence of Track
        All lakes.
    lakes : iterable of int
        Those that are asked for.
    unreliable : set of int
        From :func:`unreliable_epochs`.
    settings : TrackingSettings
        Tells which size is small.
    """
    some_lack = set(np.flatnonzero(views.lacks.any(axis=1)).tolist())
    for lake in lakes:
        if unreliable or lake in some_lack:
            for view in _doubted(views.of(lake), tracks[lake], unreliable, settings):
                shown = Status.UNCERTAIN if view.decides else view.status
                views.put(lake, _without_area(view)._replace(status=shown))


def _doubted(
    views: Sequence[View], track: Track, unreliable: set[int], settings: TrackingSettings
) -> list[View]:
    seen = [view for view in views if view.decides or view.lacks]
    doubted: list[View] = []
    area = float(track.first.area)
    for i, view in enumerate(seen):
        around = seen[max(i - 1, 0) : i] + seen[i + 1 : i + 2]
        if view.epoch in unreliable:
            if view.lacks or _is_dip(view, around, settings):
                doubted.append(view)
        elif view.lacks:
            agreed = any(other.lacks for other in around) or _precedes_growth(seen, i)
            if not agreed and not is_sure(area, view, settings):
                doubted.append(view)
        else:
            area = view.area_m2
    return doubted


def is_unconfirmed(views: Views, links: Links, lake: int) -> bool:
    """Tell whether a lake is a single outline that other images contradict, and no sure lake.

    They show its place without water, or under the outline of another lake; and its own looks do
    not tell that it is a lake, of a large one that it is none.

    Parameters
    ----------
    views : Views
        From :func:`raw_views`.
    links : Links
        The linked series.
    lake : int
        Position of the lake.
    """
    track = links.tracks[lake]
    if track.ended is None and not (views.status[lake] == Status.ABSENT).any():
        return False
    shown = [i for i, now in enumerate(links.sightings) if now["view"][lake] != NOT_SHOWN]
    if len(shown) > 1:
        return False
    area_m2 = float(track.first.area)
    seen = [views.at(lake, epoch) for epoch in shown]
    return not any(
        is_lake(view, links.settings)
        or (is_sure(area_m2, view, links.settings) and not view.lake_prob < LIKELY)
        for view in seen
    )


def is_lake(view: View, settings: TrackingSettings) -> bool:
    """Tell whether a whole outline is a lake by its looks, and large enough that these count."""
    least = 2 * settings.min_pixels * view.resolution_m**2
    return view.decides and view.lake_prob >= SURELY and view.area_m2 >= least


def is_sure(area_m2: float, view: View, settings: TrackingSettings) -> bool:
    """Tell whether an image does not miss or invent a lake of this size by chance."""
    return area_m2 >= settings.sure_pixels * view.resolution_m**2


def uncertainty_m2(one: View, other: View) -> float:
    """Return half the 95 % interval of the difference of two areas; unknown ones are exact."""
    return _CONFIDENCE * float(np.nan_to_num(np.hypot(one.sigma_m2, other.sigma_m2)))


def _without_area(view: View) -> View:
    return view._replace(
        area_m2=np.nan,
        sigma_m2=np.nan,
        at_most_m2=np.nan,
        area_min_m2=np.nan,
        area_max_m2=np.nan,
    )


def _shown_m(links: Links, area_m2: Numbers) -> Numbers:
    """Return the largest pixel of the images that show each lake, all of it or a large part."""
    shown_m = np.zeros(len(links.tracks))
    for epoch, sightings in zip(links.epochs, links.sightings, strict=True):
        alone = np.isin(sightings["view"], (WHOLE, PARTIAL, JOINT))
        shows = alone & (sightings[C.AREA_M2] >= _MOSTLY_SEEN * area_m2)
        shown_m[shows] = np.maximum(shown_m[shows], epoch.resolution_m)
    return shown_m


def _could_show(links: Links, number: int, shown_m: Numbers, area_m2: Numbers) -> Flags:
    """Tell whether an epoch would have shown lakes of these areas, had they been there.

    The epoch must be one that leaves no lake out. A lake must be twice the smallest of that
    sensor; and either images as coarse have shown it (``shown_m`` is the largest pixel of those
    that have), or it is too large to be missed.
    """
    epoch = links.epochs[number]
    sure = area_m2 >= links.settings.sure_pixels * epoch.resolution_m**2
    found = sure | (epoch.resolution_m <= COMPARABLE * shown_m)
    return found & (area_m2 >= 2 * smallest_area(links, number)) & epoch.is_complete


def _is_dip(view: View, around: Sequence[View], settings: TrackingSettings) -> bool:
    usual = min((other.area_m2 for other in around), default=0.0)
    return view.area_m2 <= settings.drained_fraction * usual and usual > 0


def _covered(epoch: Epoch, places: Geometries, share: float) -> Flags:
    """Tell which places lie under any outline: there is water, but it may be another lake's."""
    place, _, shared = shared_areas(epoch.tree, places)
    under = np.bincount(place, weights=shared, minlength=len(places))
    covered: Flags = under >= share * shapely.area(places)
    return covered


def _sighted(links: Links, place: View, lake: int, area_m2: float) -> View:
    """Say what an outline that is not one whole patch tells of a lake that had ``area_m2``.

    Where the part that is seen, what may be hidden of it, and what was hidden of the place are
    together less than ``drained_fraction`` of the lake, the loss is certain though the area is
    not.
    """
    number, epoch = place.epoch, links.epochs[place.epoch]
    view, shown_m2 = links.sightings[number][["view", C.AREA_M2]][lake].item()
    patches = patches_of(links, number, lake)
    columns = {name: values[patches] for name, values in epoch.columns.items()}
    scene = int(epoch.scenes[patches[0]])
    fraction = float(columns[C.OBSERVED_FRACTION].min())
    place = place._replace(lake_prob=float(columns[C.LAKE_PROB].min()))
    if view == WHOLE:
        return place._replace(
            shows_water=True,
            scene=scene,
            fraction=fraction,
            status=Status.OBSERVED,
            area_m2=float(columns[C.AREA_M2].sum()),
            sigma_m2=float(np.sqrt((columns[C.AREA_SIGMA_M2] ** 2).sum())),
        )
    reasons = [status for status in (*columns[C.STATUS], place.status) if status != Status.OBSERVED]
    seen = place._replace(
        shows_water=True,
        scene=scene,
        fraction=float(np.nanmin([fraction, place.fraction])),
        status=reasons[0] if reasons else Status.UNCERTAIN,
    )
    may_freeze = seen.status == Status.FROZEN and not seen.late_summer
    part = shown_m2 / fraction if fraction > 0 else np.inf
    left = part + (1 - place.fraction) * area_m2
    alone, limit = view == PARTIAL, links.settings.drained_fraction
    certain = alone and epoch.is_complete and not may_freeze and left <= limit * area_m2
    least, most = columns[C.AREA_MIN_M2], columns[C.AREA_MAX_M2]
    least_m2 = least[np.isfinite(least)].sum() if alone and np.isfinite(least).any() else np.nan
    return seen._replace(
        at_most_m2=left if certain else np.nan,
        at_least_m2=shown_m2 if alone else np.nan,
        area_min_m2=least_m2,
        # Each tells how large the lake may be that its part belongs to.
        area_max_m2=float(max(least_m2, most.max()))
        if alone and np.isfinite(most).all()
        else np.nan,
    )


def _precedes_growth(seen: Sequence[View], position: int) -> bool:
    """Tell whether the first look at a place, without water, is followed by a lake that grows.

    A lake that was missed by chance has no reason to grow afterwards; a new one has.
    """
    later = seen[1:]
    if position or len(later) < 2 or any(view.status != Status.OBSERVED for view in later):
        return False
    return later[-1].area_m2 - later[0].area_m2 > uncertainty_m2(later[0], later[-1])
