"""An index of many scenes on one grid, read when it is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.warp import reproject, transform_bounds
from rasterio.windows import Window

from glacial_lakes.columns import C
from glacial_lakes.errors import N_, InputError, MetadataError, require
from glacial_lakes.grid import Grid
from glacial_lakes.io.extras import chunked, lazy_pixels
from glacial_lakes.mapping import indices
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import FLAG_ATTRS, Quality

if TYPE_CHECKING:
    import xarray as xr

_SAME_PLACE = 1e-3
"""Of a pixel: grids that lie apart by a whole number of pixels to within this are one."""
_AROUND_PX = 4
"""Pixels around a window that interpolation may ask for."""

Float = NDArray[np.float32]
Flags = NDArray[np.uint8]


def stack(
    scenes: Sequence[Scene],
    index: str = "ndwi",
    *,
    grid: Grid | None = None,
    chunks: int | str | Mapping[str, int | str] | None = None,
) -> xr.DataArray:
    """Return an index of many scenes as one lazy array (needs ``xarray``).

    The index is computed on the pixels of each scene. Where these are not those of the grid it is
    interpolated bilinearly, onto pixels more than 1.5 times as large averaged; flags are those of
    the nearest pixel. A pixel has the same value whatever part is read.

    Parameters
    ----------
    scenes : sequence of Scene
    index : str
        A name of :mod:`glacial_lakes.mapping.indices`.
    grid : Grid, optional
        Default: that of the first scene.
    chunks : int, str or mapping, optional
        As of :meth:`xarray.DataArray.chunk` (needs ``dask``). Without them parts are read when they
        are selected and looked at, and the whole when it is computed with.

    Returns
    -------
    xarray.DataArray (time, y, x), float32
        Sorted by time; NaN where nothing was observed. Coordinates: ``time`` (UTC), ``scene_id``,
        ``sensor``, ``y``, ``x``, ``spatial_ref``, and ``quality`` (time, y, x), uint8, bits of
        :class:`glacial_lakes.Quality`, as lazy as the index.

    Raises
    ------
    InputError
        For an argument of another type, no scene, or an index that does not exist.
    MetadataError
        When a scene lacks a band of the index.
    ConfigError
        When xarray is not installed, or dask is not where chunks are asked for.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scenes = [one for one in gl.discover("sample_data/scenes") if one.sensor[0] == "L"]
    >>> ndwi = gl.stack(scenes, "ndwi")
    >>> ndwi.dims, ndwi.shape
    (('time', 'y', 'x'), (5, 300, 300))
    """
    require(scenes, Sequence, "scenes", N_("give a list of scenes"), but=str)
    if not scenes:
        raise InputError(None, "there is no scene to stack", "give a list of scenes")
    for scene in scenes:
        require(scene, Scene, "a scene", N_("open it with open_scene"))
        for band in indices.bands_of(index):
            if band not in scene.bands:
                raise MetadataError(
                    scene.path, "there is no {band} band", "choose another index", band=band
                )
    if grid is not None:
        require(grid, Grid, "grid", N_("give a Grid, e.g. that of a scene"))
    lazy = lazy_pixels()
    grid = scenes[0].grid if grid is None else grid
    layers = [_Layer(one, grid) for one in sorted(scenes, key=lambda one: (one.acquired, one.id))]
    dims, shape = ("time", "y", "x"), (len(layers), *grid.shape)
    quality = lazy.lazy(partial(_read, layers, None), dims, shape, np.uint8, **FLAG_ATTRS)
    values = lazy.lazy(partial(_read, layers, index), dims, shape, np.float32, units="1")
    coords = lazy.places(grid) | {
        "time": [lazy.as_time(layer.scene.acquired) for layer in layers],
        C.SCENE_ID: ("time", [layer.scene.id for layer in layers]),
        "sensor": ("time", [layer.scene.sensor for layer in layers]),
        "quality": quality,
    }
    return chunked(lazy.xr.DataArray(values, coords, name=index), chunks)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Layer:
    """A scene on the grid of a stack."""

    scene: Scene
    grid: Grid

    def index(self, name: str, window: Window) -> Float:
        bands = indices.bands_of(name)

        def compute(part: Window) -> Float:
            planes = dict(zip(bands, self.scene.read(bands, part), strict=True))
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(indices.compute(name, planes), np.float32)

        ratio = self.grid.resolution / self.scene.grid.resolution
        how = Resampling.average if ratio > 1.5 else Resampling.bilinear
        return self._on_grid(compute, window, how, np.float32(np.nan))

    def flags(self, window: Window) -> Flags:
        nothing = np.uint8(Quality.NODATA)
        return self._on_grid(self.scene.read_quality, window, Resampling.nearest, nothing)

    def _on_grid(self, read: Any, window: Window, how: Resampling, nothing: Any) -> NDArray[Any]:
        own, wanted = self.scene.grid, self.grid.crop(window)
        shift = self._shift()
        if shift is not None:
            row, col = shift
            part = Window(window.col_off + col, window.row_off + row, window.width, window.height)
            values: NDArray[Any] = read(part)
            return values
        bounds = transform_bounds(self.grid.crs, own.crs, *wanted.bounds, densify_pts=21)
        pad = _AROUND_PX * max(1, round(self.grid.resolution / own.resolution))
        part = own.window_of(bounds, pad)
        out = np.full(wanted.shape, nothing)
        if part.width and part.height:
            reproject(
                read(part),
                out,
                src_transform=own.crop(part).transform,
                src_crs=own.crs,
                src_nodata=nothing if how != Resampling.nearest else None,
                dst_transform=wanted.transform,
                dst_crs=wanted.crs,
                dst_nodata=nothing,
                init_dest_nodata=True,
                resampling=how,
                tolerance=0.0,  # else a place depends on the window
            )
        return out

    def _shift(self) -> tuple[int, int] | None:
        """Return rows and columns from the grid to the scene's own, where both are one."""
        own, grid = self.scene.grid, self.grid
        (a, e), (own_a, own_e) = ((one.transform.a, one.transform.e) for one in (grid, own))
        if own.crs != grid.crs or not np.allclose((a, e), (own_a, own_e), rtol=1e-9, atol=0):
            return None
        col = (grid.transform.c - own.transform.c) / a
        row = (grid.transform.f - own.transform.f) / e
        apart = max(abs(row - round(row)), abs(col - round(col)))
        return (round(row), round(col)) if apart < _SAME_PLACE else None


def _read(layers: Sequence[_Layer], index: str | None, parts: tuple[slice, ...]) -> NDArray[Any]:
    """Return an index, or flags for None, of some layers in a window."""
    time, rows, cols = parts
    window = Window.from_slices(rows, cols)
    return np.stack(
        [
            layer.flags(window) if index is None else layer.index(index, window)
            for layer in layers[time]
        ]
    )
