"""What mapping knows of the pixels of a window: reflectance, flags, masks and terrain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import get_args

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.coverage import State
from glacial_lakes.grid import shifted, within
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.mapping import masks, slc_gaps
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.scene import BandName
from glacial_lakes.terrain import Terrain

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

NODATA, CIRRUS, SNOW = int(Quality.NODATA), int(Quality.CIRRUS), int(Quality.SNOW)
SHADE = int(Quality.CLOUD_SHADOW | Quality.TERRAIN_SHADOW)
STATE_NODATA, STATE_LAND, STATE_CLOUD = int(State.NODATA), int(State.LAND), int(State.CLOUD)
STATE_SNOW, STATE_SHADOW = int(State.SNOW), int(State.SHADOW)

MAGNITUDE, INFINITE = np.int32(0x7FFFFFFF), np.int32(0x7F800000)
"""Bits of a float32 but its sign; from the second on they are infinity and no numbers."""
NO_PATH: Mapping[str, float] = MappingProxyType({})
"""Of surface reflectance: the light of the air is taken off already."""
TERRAIN_ROWS = 64
"""Slope and light are wanted for a moment only: so many rows of them stay in the fast memory."""


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

    @property
    def size_bytes(self) -> int:
        """Memory of the arrays."""
        per_pixel = 4 * len(self.reflectance) + 4  # and flags and three masks of a byte
        return per_pixel * self.flags.size

    @classmethod
    def stacked(cls, parts: Sequence[Pixels]) -> Pixels:
        """Return the pixels of windows that lie one right below the other as those of one."""
        first = parts[0].window
        height = sum(int(part.window.height) for part in parts)
        return cls(
            Window(first.col_off, first.row_off, first.width, height),
            {
                name: np.concatenate([part.reflectance[name] for part in parts])
                for name in parts[0].reflectance
            },
            np.concatenate([part.flags for part in parts]),
            np.concatenate([part.cloud for part in parts]),
            np.concatenate([part.snow_or_ice for part in parts]),
            np.concatenate([part.seen for part in parts]),
            parts[0].transform,
            parts[0].terrain,
        )

    def covers(self, window: Window) -> bool:
        """Return whether a window lies in these pixels."""
        own = self.window
        return bool(
            own.row_off <= window.row_off
            and own.col_off <= window.col_off
            and window.row_off + window.height <= own.row_off + own.height
            and window.col_off + window.width <= own.col_off + own.width
        )

    def kept(self, window: Window) -> Pixels:
        """Return a copy of the part in a window, which must be covered.

        The rows of a strip are read into again: what outlives it must be a copy.
        """
        part = self.cut(window)
        return replace(
            part,
            reflectance={name: band.copy() for name, band in part.reflectance.items()},
            flags=part.flags.copy(),
            cloud=part.cloud.copy(),
            snow_or_ice=part.snow_or_ice.copy(),
            seen=part.seen.copy(),
        )

    def cut(self, window: Window) -> Pixels:
        """Return the part in a window, which must be covered: copied unless it is whole rows."""
        part = within(window, self.window)
        row, col = part[0].start, part[1].start
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
    """Return the bands of a scene that mapping has a use for."""
    return [name for name in get_args(BandName) if name in scene.bands]


def read_pixels(
    scene: Scene,
    names: Sequence[str],
    window: Window,
    terrain: Terrain | None = None,
    path: Mapping[str, float] = NO_PATH,
) -> Pixels:
    """Read some bands of a window of a scene with the masks that mapping needs.

    Gaps are bridged as far as the window shows both of their sides. ``path`` is the reflectance of
    the air by band, which is taken off.
    """
    planes = Planes.empty(names, int(window.height), int(window.width))
    scene.read(planes.names, window, out=planes.bands)
    planes.flags[:] = scene.read_flags(window)
    transform = shifted(scene.grid.transform, window.row_off, window.col_off)
    fill_masks(planes, 0, transform, terrain, path)
    return planes.pixels(window, transform, terrain)


@dataclass(slots=True)
class Planes:
    """Rows that are read into, with what is known of them; filled, so not frozen as pixels are."""

    names: tuple[str, ...]
    bands: Float
    """Shape (band, y, x)."""
    flags: NDArray[np.uint8]
    cloud: Bool
    snow_or_ice: Bool
    seen: Bool

    @classmethod
    def empty(cls, names: Sequence[str], height: int, width: int) -> Planes:
        """Return planes that hold nothing yet."""
        flags = np.empty((height, width), np.uint8)
        masks_of = [np.empty((height, width), np.bool_) for _ in range(3)]
        bands = np.empty((len(names), height, width), np.float32)
        return cls(tuple(names), bands, flags, *masks_of)

    def rows(self, first: int, end: int) -> Planes:
        """Return some of the rows; they stay one with these."""
        masks_of = (mask[first:end] for mask in (self.cloud, self.snow_or_ice, self.seen))
        return Planes(self.names, self.bands[:, first:end], self.flags[first:end], *masks_of)

    def copy_rows(self, first: int, end: int, to: int) -> None:
        """Copy rows to other rows, which they must not overlap."""
        for plane in (*self.bands, self.flags, self.cloud, self.snow_or_ice, self.seen):
            plane[to : to + end - first] = plane[first:end]

    def pixels(self, window: Window, transform: Affine, terrain: Terrain | None) -> Pixels:
        """Return all rows as the pixels of a window, whose transform is given."""
        reflectance = dict(zip(self.names, self.bands, strict=True))
        return Pixels(
            window,
            reflectance,
            self.flags,
            self.cloud,
            self.snow_or_ice,
            self.seen,
            transform,
            terrain,
        )


def fill_masks(
    planes: Planes,
    first: int,
    transform: Affine,
    terrain: Terrain | None,
    path: Mapping[str, float] = NO_PATH,
) -> None:
    """Fill flags and masks of the rows from one on, and bridge their gaps, in place.

    Parameters
    ----------
    planes : Planes
        Pixels that lack a band become NaN in all.
    first : int
        Rows above were filled before. What gaps hid of the last of them may be known now.
    transform : Affine
        Of the planes.
    terrain : Terrain, optional
    path : mapping of str to float
        Reflectance of the air by band, which is taken off the new rows.
    """
    flags = planes.flags
    for name, band in zip(planes.names, planes.bands, strict=True):
        if name in path:
            band[first:] -= np.float32(path[name])
    for band in planes.bands:
        _flag_missing(band[first:].view(np.int32), flags[first:])
    if terrain is not None:
        for top in range(first, len(flags), TERRAIN_ROWS):
            part = flags[top : top + TERRAIN_ROWS]
            there = shifted(transform, top, 0)
            slope, lit = (
                terrain.on(there, part.shape, layer) for layer in ("slope_deg", "illumination")
            )
            part |= masks.terrain_flags(slope, lit)
    changed = max(0, first - slc_gaps.MAX_GAP_ROWS)
    _bridge_gaps(planes, changed)
    new = planes.rows(changed, len(flags))
    reflectance = dict(zip(new.names, new.bands, strict=True))
    new.cloud[:] = masks.is_cloud(reflectance, new.flags)
    new.snow_or_ice[:] = masks.is_snow_or_ice(reflectance)
    np.logical_not(new.cloud | (new.flags & NODATA != 0), out=new.seen)


def _bridge_gaps(planes: Planes, first: int) -> None:
    """Bridge gaps in the rows from one on; rows above show where they begin."""
    top = max(0, first - slc_gaps.MAX_GAP_ROWS)
    nodata = planes.flags[top:] & NODATA != 0
    if nodata.any():
        for band in planes.bands:
            slc_gaps.bridge_gaps(band[top:], nodata, first - top)


@kernel
def _flag_missing(bits, flags):  # type: ignore[no-untyped-def]
    """Flag the pixels of a band without a value, in place; its numbers are looked at as bits."""
    height, width = bits.shape
    for row in range(height):
        line = bits[row]
        most = np.int32(0)
        for col in range(width):
            most = max(most, line[col] & MAGNITUDE)
        if most >= INFINITE:  # in few rows
            for col in range(width):
                flags[row, col] |= np.uint8(NODATA) * (line[col] & MAGNITUDE >= INFINITE)


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
