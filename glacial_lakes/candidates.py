"""One candidate → its outlines, what speaks for each, and how much of each the image shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes import evidence, outlines, uncertainty, unmixing, visibility, water
from glacial_lakes.components import connected
from glacial_lakes.coverage import State
from glacial_lakes.evidence import CIRRUS, Evidence
from glacial_lakes.grid import Grid, within
from glacial_lakes.masks import MIN_WATER_NDWI, STEEP_DEG
from glacial_lakes.pixels import Pixels, ground_states
from glacial_lakes.stencils import depth_in, grown, kernel, median_of
from glacial_lakes.unmixing import Fraction

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
ALIKE_NDWI = 0.1
"""Index of one lake differs by less, from the shallows to the middle."""
CLEAR_NDWI = 0.4
"""Water that differs so clearly from ground is not mixed with it unseen."""


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
    found: Evidence | None
    """None for a candidate without a shore."""
    row: dict[str, Any] | None
    """What the table tells of it; None when it is no lake by its own evidence."""


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
    """
    pixel_m = grid.resolution
    window = grid.around(candidate.extent, HALO_PX)
    pixels, near = around.cut(window), candidate.labels[within(window, around.window)]
    own, others = near == candidate.number, (near > 0) & (near != candidate.number)
    green, nir = pixels.reflectance["green"], pixels.reflectance["nir"]
    own = _without_slopes(water.ndwi_or_zero(green, nir), pixels.slope_deg, pixels.flags, own)
    state = ground_states(pixels)
    dark_slope = pixels.dark_slope
    known = np.isfinite(pixels.reflectance["nir"]) & ~pixels.cloud & ~dark_slope
    signals = np.stack([pixels.reflectance[name] for name in bands])
    fraction = unmixing.unmix(signals, own, others, known, pixel_m=pixel_m)
    if fraction is None:
        land = own & (state == State.LAND)
        return [Measured(window, own, land, land, None, None)]
    mine = known & fraction.ground
    if dark_slope.any():
        mine |= _like_core(pixels, fraction, dark_slope) & fraction.ground
    field = np.where(mine, fraction.water, np.float32(0))
    level = unmixing.conserving_level(fraction.water, mine, own)
    measured = []
    for whole in outlines.contour(field, level, pixels.transform, least_m2=smallest_m2):
        for polygon in outlines.without_streams(whole):
            if polygon.area < smallest_m2:
                continue
            inside = outlines.pixels_inside(polygon, pixels.transform, own.shape)
            body = own & inside
            if not body.any():
                continue
            found = evidence.gather(
                pixels,
                body,
                fraction,
                polygon,
                pixel_m=pixel_m,
                sun_elevation_deg=sun_elevation_deg,
            )
            width = water.river_width_px(pixel_m)
            if found.width_px < width:
                view = around.cut(grid.around(candidate.extent, VIEW_PX))
                line = np.zeros(view.flags.shape, bool)
                line[within(window, view.window)] = body
                found = replace(found, trace_px=_trace(view, line, found, width))
            land = inside & (state == State.LAND)
            row = None
            if evidence.judge(found) == "lake":
                share, status = visibility.observed(
                    inside,
                    pixels,
                    state,
                    fraction,
                    found,
                    pixel_m=pixel_m,
                    may_hold_ice=may_hold_ice,
                )
                shore = uncertainty.measure_shore(
                    fraction.water,
                    level,
                    polygon,
                    inside=inside,
                    usable=known & ~others,
                    doubtful=visibility.doubtful_shore(pixels, may_hold_ice=may_hold_ice),
                    pixel_m=pixel_m,
                )
                row = {
                    "geometry": polygon,
                    "observed_fraction": share,
                    "status": status,
                    "outline_method": fraction.method,
                    "threshold": evidence.shore_index(found),
                    "quality": evidence.quality(found, fraction),
                    "shift_px": uncertainty.shift_px(shore),
                }
            measured.append(Measured(window, body, land, inside & pixels.seen, found, row))
    return measured


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
    ground = grown(ground, np.int64(1))
    rest = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            weak = ground[row, col] and ndwi[row, col] < MIN_WATER_NDWI
            rest[row, col] = candidate[row, col] and not weak
    return rest


def _trace(view: Pixels, body: Bool, found: Evidence, width: int) -> float:
    value = water.ndwi_or_zero(view.reflectance["green"], view.reflectance["nir"])
    rise = found.ndwi - found.shore_ndwi
    level = max(found.shore_ndwi + 0.3 * rise, water.MIN_WET_NDWI)
    usable = ~(view.cloud | view.snow_or_ice | view.dark_slope)
    return water.river_trace(value, body, usable, level, width)


def _like_core(pixels: Pixels, fraction: Fraction, dark_slope: Bool) -> Bool:
    """Return pixels of dark slopes that look like this lake, so are not in shade after all.

    The DEM is coarser than the image and its shade is off by a pixel or two. Clear water is as dark
    as shade, but bluer.
    """
    green = pixels.reflectance["green"]
    ndwi = water.ndwi_or_zero(green, pixels.reflectance["nir"])
    lake = median_of(green, fraction.core)
    alike: Bool = (green > 0.7 * lake) & (green < 1.4 * lake)
    alike &= ndwi > median_of(ndwi, fraction.core) - ALIKE_NDWI
    return alike & dark_slope & ~pixels.cloud
