"""Candidates: connected seeds, followed through the strips, and measured with all that is around.

Objects taller than a strip are put together from the strips that they go through: to read one
again would decode blocks again that take much longer than all else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.columns import C
from glacial_lakes.coverage import State
from glacial_lakes.grid import Grid, within
from glacial_lakes.kernels import rasterize
from glacial_lakes.kernels.filters import median_of
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.kernels.labels import connected
from glacial_lakes.kernels.morphology import depth_in, dilate
from glacial_lakes.mapping import (
    classification,
    features,
    indices,
    observability,
    outlines,
    rivers,
    slc_gaps,
    uncertainty,
    unmixing,
)
from glacial_lakes.mapping.clouds_beside import with_believed_clouds
from glacial_lakes.mapping.dark_middle import with_dark_middle
from glacial_lakes.mapping.features import CIRRUS, CLOUD_SHADOW, Features
from glacial_lakes.mapping.masks import MIN_WATER_NDWI, STEEP_DEG
from glacial_lakes.mapping.outside_model import OutsideModel
from glacial_lakes.mapping.pixels import Pixels, ground_states
from glacial_lakes.mapping.populations import CLEAR_NDWI, populations
from glacial_lakes.mapping.standing_out import standing_out
from glacial_lakes.mapping.unmixing import Fraction
from glacial_lakes.mapping.whole_water import with_all_water
from glacial_lakes.schema import Status

Float = NDArray[np.float32]

Bool = NDArray[np.bool_]

States = NDArray[np.uint8]

HALO_PX = 12
"""Pixels around a candidate that its shore signal and outline need."""

VIEW_PX = 40
"""Pixels around a candidate that tell a piece of a river from a pond."""

MIN_SEEDS = 2
"""A single seed pixel has no signal of its own."""

PURE_PX = 1.5
"""Blur of the shore does not reach deeper inside."""

MAX_NECK = 0.25
"""Two lakes that run together touch along a smaller share of their shore."""

ALIKE_NDWI = 0.1
"""Index of one lake differs by less, from the shallows to the middle."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connected object of pixels that may hold water."""

    first: tuple[int, int]
    """Row and column in the scene of its first pixel: its name, with whatever it was read."""
    extent: Window
    """The smallest window around it."""
    labels: NDArray[np.int32]
    """Objects of the pixels that it was found in, down to HALO_PX below it; 0 is none."""
    number: int
    """Its own label."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one outline of a candidate looks like."""

    window: Window
    body: Bool
    """Pixels of the candidate inside of the outline."""
    land: Bool
    """Pixels inside that else count as land."""
    water: Bool
    """Pixels inside that were seen."""
    found: Features | None
    """None for a candidate without a shore."""
    row: dict[str, Any] | None
    """What the table tells of it; None when it is no lake by its own features."""
    fraction: Float | None = None
    """Fraction of water where the outline may run, else NaN; None unless it is to be kept."""
    level: float = np.nan
    """Fraction that the outline runs along."""
    within: tuple[Measured, ...] = ()
    """What stands out within and may be a lake if this is none."""


def objects(seeds: Bool, window: Window, begun: int) -> Iterator[Candidate]:
    """Yield the connected seed pixels of a window in the order of their first pixels.

    Such of a single pixel are left out, and such that begin below so many rows.
    """
    labels, extents = connected(seeds, begun, 1 + HALO_PX)
    row_off, col_off = int(window.row_off), int(window.col_off)
    for number, (size, top, bottom, left, right) in enumerate(extents.tolist(), 1):
        if size >= MIN_SEEDS and top < begun:
            first = left + int((labels[top, left : right + 1] == number).argmax())
            yield Candidate(
                (top + row_off, first + col_off),
                Window(left + col_off, top + row_off, right - left + 1, bottom - top + 1),
                labels,
                number,
            )


def object_at(row: int, col: int, seeds: Bool, window: Window) -> Candidate:
    """Return the object of the seed pixels of a window that a pixel of the scene belongs to."""
    down, along = row - int(window.row_off), col - int(window.col_off)
    return next(
        one
        for one in objects(seeds, window, int(window.height))
        if one.labels[down, along] == one.number
    )


def unsettled(candidate: Candidate, window: Window) -> Measured:
    """Return a candidate of the pixels of a window of which nothing is told."""
    own = candidate.labels[within(candidate.extent, window)] == candidate.number
    return Measured(candidate.extent, own, own, own, None, None)


def measure(
    around: Pixels,
    candidate: Candidate,
    grid: Grid,
    *,
    bands: list[str],
    smallest_m2: float,
    sun_elevation_deg: float | None,
    may_hold_ice: bool,
    has_cloud_mask: bool = True,
    air: float = 0.0,
    model: OutsideModel | None = None,
    keep_fraction: bool = False,
) -> list[Measured]:
    """Draw the outlines of a candidate and measure them.

    Parameters
    ----------
    around : Pixels
        Hold the candidate and VIEW_PX around it, as far as the scene goes; its labels are theirs.
    candidate : Candidate
    grid : Grid
        Of the scene.
    bands : list of str
        Bands that outlines are drawn with.
    smallest_m2, sun_elevation_deg : float
    may_hold_ice : bool
        Whether lakes may be frozen at the date.
    has_cloud_mask : bool
        Whether the product tells of clouds; else they are told by brightness alone.
    air : float
        Light of the air that was taken off the green band, as reflectance.
    model : OutsideModel, optional
        What says besides how likely a candidate is water.
    keep_fraction : bool
        Whether the fraction of water is told with each outline.
    """
    window = grid.around(candidate.extent, HALO_PX)
    pixels, near = around.cut(window), candidate.labels[within(window, around.window)]
    own, others = near == candidate.number, (near > 0) & (near != candidate.number)
    pixels = with_believed_clouds(pixels, own, near == 0, grid.resolution)
    own &= ~pixels.cloud  # water that shows through what remains cloud is not seen
    if not own.any():
        return []
    green, nir = pixels.reflectance["green"], pixels.reflectance["nir"]
    own = _without_slopes(indices.ndwi_or_zero(green, nir), pixels.slope_deg, pixels.flags, own)
    free = pixels.seen & ~others & ~pixels.snow_or_ice
    own = with_dark_middle(pixels.reflectance, bands, own, free)
    index = indices.ndwi_or_zero(green, nir)
    drawn = partial(
        _measure_part,
        around,
        grid=grid,
        bands=bands,
        smallest_m2=smallest_m2,
        sun_elevation_deg=sun_elevation_deg,
        may_hold_ice=may_hold_ice,
        has_cloud_mask=has_cloud_mask,
        air=air,
        model=model,
        keep_fraction=keep_fraction,
    )
    return [
        _looked_into(one, index, pixels, others, drawn)
        for part in populations(pixels.reflectance, bands, own, pixels.illumination)
        for one in drawn(pixels, part, others=others)
    ]


def _looked_into(
    one: Measured, index: Float, pixels: Pixels, others: Bool, drawn: Callable[..., list[Measured]]
) -> Measured:
    """Return an outline with the lakes within that stand out of it, if it may be none as a whole.

    What looks like a lake is none where the rest is none by itself, or another lake.
    """
    if not _may_hold_shade(one):
        return one
    lakes: list[Measured] = []
    rest = one.body.copy()
    for part in standing_out(index, one.body):
        if rest[part].all():
            shade = one.body & ~part
            flags = pixels.flags | np.where(shade, np.uint8(CLOUD_SHADOW), np.uint8(0))
            told = drawn(replace(pixels, flags=flags), part, others=others)
            told = [lake for lake in told if lake.row is not None]
            if told:
                rest &= ~part
                lakes += told
    if not lakes:
        return one
    if one.row is not None and classification.is_sure(one.found):
        within, is_whole = one.body & ~rest, one.row[C.STATUS] == Status.OBSERVED
        # The shore of what is seen is that of the whole: shallows are none of deep water beside.
        left = drawn(pixels, rest, others=others | within if is_whole else others)
        if is_whole and not all(classification.is_shade(other.found) for other in left):
            return one
        if any(classification.is_likely(other.found) for other in left):
            if _share_beside(within, rest) > MAX_NECK:
                return one
            lakes += [other for other in left if other.row is not None]
        one = replace(one, row=None)
    return replace(one, within=tuple(lakes))


def _may_hold_shade(one: Measured) -> bool:
    """Return whether an outline may take in shade: what is no lake, or one partly in it.

    A low sun throws shade where none is told.
    """
    if one.row is None or not classification.is_sure(one.found):
        # What is black beyond measure has an index of noise.
        return one.found is None or not classification.is_black_unexplained(one.found)
    is_low = one.found is not None and one.found.sun_elevation_deg < classification.LOW_SUN_DEG
    return one.row[C.STATUS] in ((Status.OBSERVED, Status.SHADOW) if is_low else (Status.SHADOW,))


def _share_beside(part: Bool, other: Bool) -> float:
    """Return the share of the pixels around a part that are of another."""
    around = dilate(part, np.int64(1)) & ~part
    return float((around & other).sum() / max(1, around.sum()))


def _measure_part(
    around: Pixels,
    pixels: Pixels,
    own: Bool,
    *,
    others: Bool,
    grid: Grid,
    bands: list[str],
    smallest_m2: float,
    sun_elevation_deg: float | None,
    may_hold_ice: bool,
    has_cloud_mask: bool,
    air: float,
    model: OutsideModel | None,
    keep_fraction: bool,
) -> list[Measured]:
    """Draw and measure the outlines of a part of a candidate that is of one kind.

    Other parts are ground like any other: each ends at the middle between both.
    """
    pixel_m, window = grid.resolution, pixels.window
    state = ground_states(pixels)
    dark_slope = pixels.dark_slope
    known = np.isfinite(pixels.reflectance["nir"]) & ~pixels.cloud & ~dark_slope
    signals = np.stack([pixels.reflectance[name] for name in bands])
    first = unmixing.unmix(signals, own, others, known, pixel_m=pixel_m)
    if first is None:
        land = own & (state == State.LAND)
        return [Measured(window, own, land, land, None, None)]
    seeds = own
    own, fraction = with_all_water(first, signals, seeds, others, known, pixel_m=pixel_m)
    field, level, floating, known_here = _drawn(pixels, fraction, own, known)
    kept = np.where(known_here, field, np.float32(np.nan)) if keep_fraction else None
    looked: list[shapely.Polygon] = []
    if own is not seeds:
        field_1, level_1, *_ = _drawn(pixels, first, seeds, known)
        looked = _polygons(field_1, level_1, pixels, smallest_m2)
    measured = []
    for polygon in _polygons(field, level, pixels, smallest_m2):
        inside = rasterize.pixels_inside(polygon, pixels.transform, own.shape)
        body = seeds & inside
        if not body.any():
            continue
        # What it is, the first look tells, as it did when the probabilities were fitted.
        shape = _most_of(polygon, looked)
        shown = inside
        if shape is not polygon:
            shown = rasterize.pixels_inside(shape, pixels.transform, own.shape)
        found = features.measure_features(
            pixels,
            seeds & shown if (seeds & shown).any() else body,
            first,
            shape,
            shown,
            pixel_m=pixel_m,
            sun_elevation_deg=sun_elevation_deg,
        )
        found = replace(found, air=air)
        found = _seen_from_afar(around, window, seeds, body, found, grid)
        if model is not None:
            found = replace(found, outside=model.probability(window, body))
        land = inside & (state == State.LAND)
        row = None
        if classification.may_be_lake(found):
            share, status = observability.observed(
                inside,
                pixels,
                state,
                fraction,
                found,
                pixel_m=pixel_m,
                may_hold_ice=may_hold_ice,
                has_cloud_mask=has_cloud_mask,
                floating=floating,
            )
            shore = uncertainty.measure_shore(
                fraction.water,
                level,
                polygon,
                inside=inside,
                usable=known & ~others,
                doubtful=observability.doubtful_shore(pixels, may_hold_ice=may_hold_ice),
                core=fraction.core,
                ground=fraction.ground,
                separation=fraction.separation,
                pixel_m=pixel_m,
            )
            hidden = None
            if status != Status.OBSERVED:
                hidden = observability.hidden_ground(
                    pixels,
                    fraction,
                    pixel_m=pixel_m,
                    may_hold_ice=may_hold_ice,
                    has_cloud_mask=has_cloud_mask,
                    floating=floating,
                )
            row = {
                "geometry": polygon,
                "hidden": hidden,
                C.OBSERVED_FRACTION: share,
                C.STATUS: status,
                C.OUTLINE_METHOD: fraction.method,
                C.THRESHOLD: classification.shore_index(found),
                "shift_px": uncertainty.shift_px(shore, is_cut=status != Status.OBSERVED),
                "apart_px": shore.apart_px,
            }
        water = inside & pixels.seen
        measured.append(Measured(window, body, land, water, found, row, kept, float(level)))
    return measured


def _most_of(polygon: shapely.Polygon, others: Sequence[shapely.Polygon]) -> shapely.Polygon:
    """Return the other polygon that has most of one, or itself where none has any."""
    shared = shapely.area(shapely.intersection(polygon, [*others]))
    return others[int(shared.argmax())] if (shared > 0).any() else polygon


def _drawn(
    pixels: Pixels, fraction: Fraction, own: Bool, known: Bool
) -> tuple[Float, float, Bool, Bool]:
    """Return the field that outlines are drawn in, its level, floating ice, and what is known."""
    dark_slope = pixels.dark_slope
    mine = known & fraction.ground
    if dark_slope.any():
        mine |= _like_core(pixels, fraction, dark_slope) & fraction.ground
    field = np.where(mine, fraction.water, np.float32(0))
    level = unmixing.conserving_level(fraction.water, mine, own)
    floating = observability.floating_ice(pixels, field > level)
    field[floating] = 1
    return field, level, floating, mine | floating


def _polygons(
    field: Float, level: float, pixels: Pixels, smallest_m2: float
) -> list[shapely.Polygon]:
    """Return the outlines of a field, without streams."""
    wholes = outlines.contour(field, level, pixels.transform, least_m2=smallest_m2)
    parts = (part for whole in wholes for part in outlines.without_streams(whole))
    return [part for part in parts if part.area >= smallest_m2]


@kernel
def _without_slopes(ndwi, slope, flags, candidate):  # type: ignore[no-untyped-def]
    """Return a candidate of clear water without the bluish slopes that it runs together with.

    Beside ice, slopes in dim light are blue enough to be proposed. Where the shore does not reach
    by blur, water has a larger index; haze and shallows lower it, but not on a slope.
    """
    height, width = candidate.shape
    deep = depth_in(candidate, 2.0)
    pure = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            pure[row, col] = deep[row, col] > PURE_PX
    if not median_of(ndwi, pure) > CLEAR_NDWI:
        return candidate
    ground = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            weak = pure[row, col] and ndwi[row, col] < MIN_WATER_NDWI
            steep = slope[row, col] > STEEP_DEG / 2 and flags[row, col] & CIRRUS == 0
            ground[row, col] = weak and steep
    ground = dilate(ground, np.int64(1))
    rest = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            weak = ground[row, col] and ndwi[row, col] < MIN_WATER_NDWI
            rest[row, col] = candidate[row, col] and not weak
    return rest


def _trace(view: Pixels, body: Bool, found: Features, width: int) -> float:
    value = indices.ndwi_or_zero(view.reflectance["green"], view.reflectance["nir"])
    rise = found.ndwi - found.shore_ndwi
    level = max(found.shore_ndwi + 0.3 * rise, rivers.MIN_WET_NDWI)
    usable = ~(view.cloud | view.snow_or_ice | view.dark_slope)
    return rivers.river_trace(value, body, usable, level, width)


def _seen_from_afar(
    around: Pixels, window: Window, own: Bool, body: Bool, found: Features, grid: Grid
) -> Features:
    """Return features with what the ground around a candidate tells of it."""
    asked = classification.is_shade_alone(found)
    if not (found.narrow or asked):
        return found
    view = around.cut(grid.around(window, VIEW_PX - HALO_PX))
    there = within(window, view.window)
    if found.narrow:
        line = np.zeros(view.flags.shape, bool)
        line[there] = body
        width = rivers.river_width_px(grid.resolution)
        found = replace(found, trace_px=_trace(view, line, found, width))
    if asked:
        candidate = np.zeros(view.flags.shape, bool)
        candidate[there] = own
        unlike = features.is_unlike_shade(view, candidate, found)
        found = replace(found, unlike_shade=unlike)
    return found


def _like_core(pixels: Pixels, fraction: Fraction, dark_slope: Bool) -> Bool:
    """Return pixels of dark slopes that look like this lake, so are not in shade after all.

    The DEM is coarser than the image and its shade is off by a pixel or two. Clear water is as dark
    as shade, but bluer.
    """
    green = pixels.reflectance["green"]
    ndwi = indices.ndwi_or_zero(green, pixels.reflectance["nir"])
    lake = median_of(green, fraction.core)
    alike: Bool = (green > 0.7 * lake) & (green < 1.4 * lake)
    alike &= ndwi > median_of(ndwi, fraction.core) - ALIKE_NDWI
    return alike & dark_slope & ~pixels.cloud


AROUND_PX = VIEW_PX + slc_gaps.MAX_GAP_ROWS
"""What must be known around an object: its view, and the gaps that reach into it."""

BESIDE_PX = AROUND_PX + 160
"""Columns that are kept on both sides of what is known of an object, for it may go sideways."""

MOST_BYTES = 32 * 2**20
"""Of all objects that are followed at a time."""


@dataclass(frozen=True, slots=True)
class CutCandidate:
    """An object that goes on below what is known, with the columns around it."""

    candidate: Candidate
    """As far as it is known; its labels are those of the seeds."""
    parts: tuple[Pixels, ...]
    """One below the other, without a gap."""
    seeds: Bool
    """Of all parts, shape (y, x)."""

    @property
    def window(self) -> Window:
        """Window of all parts."""
        first, height = self.parts[0].window, self.seeds.shape[0]
        return Window(first.col_off, first.row_off, first.width, height)

    @property
    def size_bytes(self) -> int:
        """Memory of the pixels."""
        return sum(part.size_bytes for part in self.parts)

    def pixels(self) -> Pixels:
        """Return all parts as one."""
        return Pixels.stacked(self.parts)


def begin(candidate: Candidate, pixels: Pixels, seeds: Bool, *, is_last: bool) -> CutCandidate:
    """Keep what a strip shows of an object that it cuts, and of what is around.

    Parameters
    ----------
    candidate : Candidate
        Found in these pixels.
    pixels : Pixels
        Of the strip.
    seeds : array of bool
        Of the same pixels.
    is_last : bool
        Whether no strip follows. Else the last rows may change when the next shows the other side
        of gaps, and are left to it.
    """
    own, extent = pixels.window, candidate.extent
    top = max(int(own.row_off), int(extent.row_off) - AROUND_PX)
    left = max(int(own.col_off), int(extent.col_off) - BESIDE_PX)
    right = min(int(own.col_off + own.width), int(extent.col_off + extent.width) + BESIDE_PX)
    window = Window(left, top, right - left, _settled(pixels, is_last) - top)
    part = pixels.kept(window)
    return _looked_up(candidate, (part,), np.ascontiguousarray(seeds[within(window, own)]))


def extended(one: CutCandidate, pixels: Pixels, seeds: Bool, *, is_last: bool) -> CutCandidate:
    """Return an object with the rows that the next strip adds; parameters as for :func:`begin`."""
    known = one.window
    end = int(known.row_off + known.height)
    window = Window(known.col_off, end, known.width, _settled(pixels, is_last) - end)
    part = pixels.kept(window)
    all_seeds = np.concatenate([one.seeds, seeds[within(window, pixels.window)]])
    return _looked_up(one.candidate, (*one.parts, part), all_seeds)


def standing(one: CutCandidate, grid: Grid) -> Literal["whole", "goes on", "beyond"]:
    """Tell whether the parts hold an object with all that is around it, or may with more rows."""
    needed, known = grid.around(one.candidate.extent, AROUND_PX), one.window
    if (
        needed.col_off < known.col_off
        or needed.col_off + needed.width > known.col_off + known.width
        or needed.row_off < known.row_off
    ):
        return "beyond"
    below = needed.row_off + needed.height > known.row_off + known.height
    return "goes on" if below else "whole"


def _settled(pixels: Pixels, is_last: bool) -> int:
    end = int(pixels.window.row_off + pixels.window.height)
    return end if is_last else end - slc_gaps.MAX_GAP_ROWS


def _looked_up(candidate: Candidate, parts: Sequence[Pixels], seeds: Bool) -> CutCandidate:
    """Look the object up in all that is known."""
    one = CutCandidate(candidate, tuple(parts), seeds)
    return replace(one, candidate=object_at(*candidate.first, seeds, one.window))
