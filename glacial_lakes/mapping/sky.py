"""The clouds towards the sun of a candidate, which may lie where nothing else is read."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.coverage import State
from glacial_lakes.grid import within
from glacial_lakes.mapping import classification, masks
from glacial_lakes.mapping.candidates import Measured
from glacial_lakes.mapping.features import Features
from glacial_lakes.mapping.job import Job
from glacial_lakes.mapping.pixels import CIRRUS, NODATA, ground_states, read_pixels
from glacial_lakes.mapping.read_mask import Blocks

Bool = NDArray[np.bool_]
States = NDArray[np.uint8]
Place = tuple[int, int]


class Sky:
    """Where clouds are, also in blocks that hold no lake of interest: read when asked for.

    Of such a block the flags come first, then the two bands in which clouds are bright, one after
    the other: where these show none, which is almost everywhere, the others are not read.
    """

    def __init__(self, job: Job, states: States) -> None:
        self._job, self._states = job, states
        self._flags: dict[Place, NDArray[np.uint8]] = {}
        self._read: dict[Place, Bool] = {}

    def clouds(self, window: Window, places: Collection[Place]) -> Bool:
        """Return the clouds of a window as if all of the scene had been read.

        What lies in blocks other than those of some places may be left out.
        """
        return self._of(window, places, self._look)

    def flagged(self, window: Window, places: Collection[Place]) -> Bool:
        """Return those of the clouds that the product flags, of which nothing else is read."""
        return self._of(window, places, self._look_at_flags)

    def _of(self, window: Window, places: Collection[Place], look: Callable[[Place], Bool]) -> Bool:
        found: Bool = self._states[window.toslices()] == State.CLOUD
        blocks = self._job.blocks
        for block in places:
            there = blocks.window(block)
            if not blocks.hold(there):
                both = there.intersection(window)
                found[within(both, window)] = look(block)[within(both, there)]
        return found

    def _look_at_flags(self, block: Place) -> Bool:
        if block not in self._flags:
            there = self._job.blocks.window(block)
            self._flags[block] = self._job.scene.read_flags(there)
        flags = self._flags[block]
        is_cloud: Bool = (flags & (masks.CLOUD | CIRRUS) != 0) & (flags & NODATA == 0)
        return is_cloud

    def _look(self, block: Place) -> Bool:
        if block not in self._read:
            self._look_at_flags(block)
            there = self._job.blocks.window(block)
            self._read[block] = self._clouds_in(there, self._flags[block])
        return self._read[block]

    def _clouds_in(self, there: Window, flags: NDArray[np.uint8]) -> Bool:
        """Return the clouds of a block that was not read yet."""
        job = self._job
        bands: dict[str, NDArray[np.float32]] = {}
        for name in ("green", "swir1"):
            if "swir1" in job.bands:  # without it the flags alone tell of clouds
                [band] = job.scene.read([name], there)
                bands[name] = band - np.float32(job.path.get(name, 0.0))
                may_be = masks.may_be_cloud(bands, flags)
            else:
                may_be = flags & masks.CLOUD != 0
            if not (may_be | (flags & CIRRUS != 0)).any():
                return np.zeros(flags.shape, bool)
        pixels = read_pixels(job.scene, job.bands, there, None, job.path)
        clouds: Bool = ground_states(pixels) == State.CLOUD
        return clouds


def under_its_sky(
    job: Job, sky: Sky, one: Measured, found: Features, min_lake_prob: float
) -> Features:
    """Return the features with what the clouds towards the sun tell, as far as that decides."""
    known, least = found, 0.0
    for clouds in (sky.flagged, sky.clouds):
        if not classification.sky_decides(found, min_lake_prob, least):
            break
        known, least = reached(job, clouds, one, found)
    return known


def reached(
    job: Job,
    clouds: Callable[[Window, Collection[Place]], Bool],
    one: Measured,
    found: Features,
) -> tuple[Features, float]:
    """Return the features under some clouds, and the share that these may shade."""
    azimuth, elevation = job.scene.sun_azimuth_deg, job.scene.sun_elevation_deg
    asked = classification.may_be_cloud_shadow(found)
    if azimuth is None or elevation is None or not (asked or found.shadow_fraction > 0):
        return found, 0.0
    grid = job.scene.grid
    rows, cols = np.nonzero(one.body)
    rows, cols = rows + int(one.window.row_off), cols + int(one.window.col_off)
    sun = azimuth, elevation, grid.stretch
    above = masks.clouds_above(rows, cols, grid.resolution, *sun)
    window = grid.clip(above)
    own = Window(int(cols.min()), int(rows.min()), int(np.ptp(cols)) + 1, int(np.ptp(rows)) + 1)
    places = _blocks_towards(job.blocks, own, *masks.towards_sun(grid.resolution, *sun))
    reach = masks.reach_fraction(
        clouds(window, places),
        rows - int(window.row_off),
        cols - int(window.col_off),
        grid.resolution,
        *sun,
    )
    is_whole = (window.height, window.width) == (above.height, above.width)
    return classification.under_sky(found, reach, is_whole=is_whole), reach


def _blocks_towards(
    blocks: Blocks, extent: Window, down: NDArray[np.int64], along: NDArray[np.int64]
) -> set[Place]:
    """Return the blocks in which what lies in a window meets one of some distances from it."""
    top, left = int(extent.row_off), int(extent.col_off)
    places: set[Place] = set()
    for row, col in zip((top + down).tolist(), (left + along).tolist(), strict=True):
        met = blocks.grid.clip(Window(col, row, extent.width, extent.height))
        places.update(blocks.of_window(met))
    return places
