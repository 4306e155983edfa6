"""What mapping knows of the pixels of a window: reflectance, flags, masks and terrain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes import masks, water
from glacial_lakes.coverage import State
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.terrain import Terrain

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

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


def read_pixels(scene: Scene, window: Window, terrain: Terrain | None = None) -> Pixels:
    """Read a window of a scene with the masks that mapping needs."""
    names = [name for name in ALL_BANDS if name in scene.bands]
    raw = scene.read(names, window)
    flags = scene.read_quality(window)
    nodata = (flags & Quality.NODATA != 0) | ~np.isfinite(raw).all(0)
    raw[:, nodata] = np.nan
    reflectance = {name: water.bridge_gaps(band) for name, band in zip(names, raw, strict=True)}
    cloud = masks.is_cloud(reflectance, flags)
    if terrain is None:
        slope = lit = np.full(flags.shape, np.nan, np.float32)
    else:
        grid = scene.grid.crop(window)
        slope, lit = terrain.on(grid, terrain.slope_deg), terrain.on(grid, terrain.illumination)
        flags = flags | masks.terrain_flags(slope, lit)
    flags[nodata] |= np.uint8(Quality.NODATA)
    snow_or_ice = masks.is_snow_or_ice(reflectance)
    return Pixels(window, reflectance, flags, cloud, snow_or_ice, ~nodata & ~cloud, slope, lit)


def ground_states(pixels: Pixels) -> NDArray[np.uint8]:
    """Return the state of each pixel as far as it is no lake."""
    flags = pixels.flags
    shade = (flags & (Quality.CLOUD_SHADOW | Quality.TERRAIN_SHADOW)) != 0
    snow = pixels.snow_or_ice | ((flags & Quality.SNOW) != 0)
    states = np.full(flags.shape, State.LAND, np.uint8)
    states[shade] = State.SHADOW
    states[snow] = State.SNOW
    states[pixels.cloud | ((flags & Quality.CIRRUS) != 0)] = State.CLOUD
    states[(flags & Quality.NODATA) != 0] = State.NODATA
    return states
