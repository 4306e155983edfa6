"""What mapping knows of the pixels of a window: reflectance, flags, masks and terrain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes import masks, water
from glacial_lakes.coverage import State
from glacial_lakes.grid import shifted
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.stencils import kernel
from glacial_lakes.terrain import Terrain

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

NODATA, CIRRUS, SNOW = int(Quality.NODATA), int(Quality.CIRRUS), int(Quality.SNOW)
SHADE = int(Quality.CLOUD_SHADOW | Quality.TERRAIN_SHADOW)
STATE_NODATA, STATE_LAND, STATE_CLOUD = int(State.NODATA), int(State.LAND), int(State.CLOUD)
STATE_SNOW, STATE_SHADOW = int(State.SNOW), int(State.SHADOW)

TERRAIN_ROWS = 64
"""Slope and light are wanted for a moment only: so many rows of them stay in the fast memory."""

ALL_BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")


@dataclass(frozen=True)
class Pixels:
    """Everything that mapping knows of the pixels of a window."""

    window: Window
    reflectance: dict[str, Float]
    """Gaps bridged; NaN where nothing is known."""
    flags: NDArray[np.uint8]
    cloud: Bool
    snow_or_ice: Bool
    seen: Bool
    """Observed and not cloud."""
    transform: Affine
    """Of the window."""
    terrain: Terrain | None

    @cached_property
    def slope_deg(self) -> Float:
        """Slope; NaN without a DEM."""
        return self._of_terrain("slope_deg")

    @cached_property
    def illumination(self) -> Float:
        """Direct light relative to level ground; NaN without a DEM."""
        return self._of_terrain("illumination")

    def _of_terrain(self, layer: str) -> Float:
        if self.terrain is None:
            return np.full(self.flags.shape, np.nan, np.float32)
        return self.terrain.on(self.transform, self.flags.shape, layer)

    @property
    def dark_slope(self) -> Bool:
        """Slopes in deep shade: neither water nor shore can be told from them."""
        both = np.uint8(Quality.TERRAIN_SHADOW | Quality.STEEP)
        result: Bool = (self.flags & both) == both
        return result

    def covers(self, window: Window) -> bool:
        """Return whether a window lies in these pixels."""
        own = self.window
        return bool(
            own.row_off <= window.row_off
            and own.col_off <= window.col_off
            and window.row_off + window.height <= own.row_off + own.height
            and window.col_off + window.width <= own.col_off + own.width
        )

    def cut(self, window: Window) -> Pixels:
        """Return the part in a window, which must be covered; small, so that it is copied."""
        row = int(window.row_off - self.window.row_off)
        col = int(window.col_off - self.window.col_off)
        part = np.s_[row : row + int(window.height), col : col + int(window.width)]
        return Pixels(
            window,
            {name: np.ascontiguousarray(band[part]) for name, band in self.reflectance.items()},
            np.ascontiguousarray(self.flags[part]),
            np.ascontiguousarray(self.cloud[part]),
            np.ascontiguousarray(self.snow_or_ice[part]),
            np.ascontiguousarray(self.seen[part]),
            shifted(self.transform, row, col),
            self.terrain,
        )


def band_names(scene: Scene) -> list[str]:
    """Return the bands that mapping reads."""
    return [name for name in ALL_BANDS if name in scene.bands]


def read_pixels(scene: Scene, window: Window, terrain: Terrain | None = None) -> Pixels:
    """Read a window of a scene with the masks that mapping needs.

    Gaps are bridged as far as the window shows both of their sides.
    """
    raw = scene.read(band_names(scene), window)
    return make_pixels(scene, window, raw, scene.read_flags(window), terrain)


def make_pixels(
    scene: Scene,
    window: Window,
    raw: Float,
    flags: NDArray[np.uint8],
    terrain: Terrain | None,
) -> Pixels:
    """Return the masks of what was read.

    Parameters
    ----------
    scene : Scene
    window : Window
        On the grid of the scene.
    raw : array of float32, shape (band, y, x)
        :func:`band_names` in order; pixels that lack a band become NaN in all, in place.
    flags : array of uint8, shape (y, x)
        The product's own.
    terrain : Terrain, optional
    """
    nodata = _without_value(raw, flags)
    reflectance = dict(zip(band_names(scene), raw, strict=True))
    if nodata.any():
        reflectance = {name: water.bridge_gaps(band) for name, band in reflectance.items()}
    cloud = masks.is_cloud(reflectance, flags)
    transform = shifted(scene.grid.transform, window.row_off, window.col_off)
    flags = flags | (nodata * np.uint8(Quality.NODATA))
    if terrain is not None:
        for first in range(0, len(flags), TERRAIN_ROWS):
            part = flags[first : first + TERRAIN_ROWS]
            there = shifted(transform, first, 0)
            slope, lit = (
                terrain.on(there, part.shape, layer) for layer in ("slope_deg", "illumination")
            )
            part |= masks.terrain_flags(slope, lit)
    snow_or_ice = masks.is_snow_or_ice(reflectance)
    seen = ~(nodata | cloud)
    return Pixels(window, reflectance, flags, cloud, snow_or_ice, seen, transform, terrain)


@kernel
def _without_value(raw, flags):  # type: ignore[no-untyped-def]
    """Return where a band has no value, and make all bands NaN there."""
    count, height, width = raw.shape
    nodata = np.zeros((height, width), np.bool_)
    for row in range(height):
        line = nodata[row]
        for col in range(width):
            line[col] = (flags[row, col] & NODATA) != 0
        for band in range(count):
            for col in range(width):
                line[col] |= not abs(raw[band, row, col]) < np.float32(np.inf)
        lacking = 0
        for col in range(width):
            lacking += line[col]
        if lacking:
            for band in range(count):
                for col in range(width):
                    if line[col]:
                        raw[band, row, col] = np.nan
    return nodata


def ground_states(pixels: Pixels) -> NDArray[np.uint8]:
    """Return the state of each pixel as far as it is no lake."""
    states: NDArray[np.uint8] = _ground_states(pixels.flags, pixels.cloud, pixels.snow_or_ice)
    return states


@kernel
def _ground_states(flags, cloud, snow_or_ice):  # type: ignore[no-untyped-def]
    height, width = flags.shape
    states = np.empty((height, width), np.uint8)
    for row in range(height):
        for col in range(width):
            flag = flags[row, col]
            if flag & NODATA:
                states[row, col] = STATE_NODATA
            elif cloud[row, col] or flag & CIRRUS:
                states[row, col] = STATE_CLOUD
            elif snow_or_ice[row, col] or flag & SNOW:
                states[row, col] = STATE_SNOW
            elif flag & SHADE:
                states[row, col] = STATE_SHADOW
            else:
                states[row, col] = STATE_LAND
    return states
