"""What mapping knows of the pixels of a window: reflectance, flags, masks and terrain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes import masks, water
from glacial_lakes.coverage import State
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.terrain import Terrain

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

NODATA, CIRRUS, SNOW = int(Quality.NODATA), int(Quality.CIRRUS), int(Quality.SNOW)
SHADE = int(Quality.CLOUD_SHADOW | Quality.TERRAIN_SHADOW)
STATE_NODATA, STATE_LAND, STATE_CLOUD = int(State.NODATA), int(State.LAND), int(State.CLOUD)
STATE_SNOW, STATE_SHADOW = int(State.SNOW), int(State.SHADOW)

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
    slope_deg: Float
    illumination: Float

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
        """Return the part in a window, which must be covered."""
        row = int(window.row_off - self.window.row_off)
        col = int(window.col_off - self.window.col_off)
        part = np.s_[row : row + int(window.height), col : col + int(window.width)]
        return Pixels(
            window,
            {name: band[part] for name, band in self.reflectance.items()},
            self.flags[part],
            self.cloud[part],
            self.snow_or_ice[part],
            self.seen[part],
            self.slope_deg[part],
            self.illumination[part],
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
    if terrain is None:
        slope = lit = np.full(flags.shape, np.nan, np.float32)
    else:
        grid = scene.grid.crop(window)
        slope, lit = terrain.on(grid, terrain.slope_deg), terrain.on(grid, terrain.illumination)
        flags = flags | masks.terrain_flags(slope, lit)
    flags = flags | np.where(nodata, np.uint8(Quality.NODATA), np.uint8(0))
    snow_or_ice = masks.is_snow_or_ice(reflectance)
    return Pixels(window, reflectance, flags, cloud, snow_or_ice, ~nodata & ~cloud, slope, lit)


@njit(cache=True, nogil=True)
def _without_value(raw, flags):  # type: ignore[no-untyped-def]
    """Return where a band has no value, and make all bands NaN there."""
    count, height, width = raw.shape
    nodata = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            missing = (flags[row, col] & NODATA) != 0
            for band in range(count):
                missing |= not np.isfinite(raw[band, row, col])
            if missing:
                nodata[row, col] = True
                for band in range(count):
                    raw[band, row, col] = np.nan
    return nodata


def ground_states(pixels: Pixels) -> NDArray[np.uint8]:
    """Return the state of each pixel as far as it is no lake."""
    states: NDArray[np.uint8] = _ground_states(pixels.flags, pixels.cloud, pixels.snow_or_ice)
    return states


@njit(cache=True, nogil=True)
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
