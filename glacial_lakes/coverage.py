"""What a scene shows of a place: water, not water, or not observed and why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.features import geometry_mask
from rasterio.io import MemoryFile
from rasterio.windows import Window

from glacial_lakes.columns import C
from glacial_lakes.errors import N_, DamagedFileError, InputError, require, require_amount
from glacial_lakes.grid import EQUAL_AREA, Grid, placed
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.extras import lazy_pixels
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.kernels.rasterize import Runs, runs_in
from glacial_lakes.schema import Status

if TYPE_CHECKING:
    import xarray as xr

States = NDArray[np.uint8]

_transformer = lru_cache(Transformer.from_crs)

MIN_OBSERVED_FRACTION = 0.9
"""Below this share of a lake seen, it counts as not observed (the rule of DEA Waterbodies)."""
DEFAULT_RESOLUTION_M = 30.0
"""Pixel size of images of which nobody tells it."""
_BLOCK_ROWS = 64
_ROWS_AT_ONCE = 256
"""Rows of a scene that are unpacked together; bounds the memory."""
_CACHE_BYTES = 4 * 2**20
"""Blocks that GDAL keeps of an open scene, which is read once from top to bottom."""
_FAR_ROWS = 64
"""Rows between two polygons from which they are not worth unpacking."""


class State(IntEnum):
    """What a pixel shows (uint8). LAND and WATER are observed, all others are not.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> gl.State.CLOUD
    <State.CLOUD: 3>
    """

    NODATA = 0
    LAND = 1
    WATER = 2
    CLOUD = 3
    SHADOW = 4
    SNOW = 5
    UNCERTAIN = 6


OBSERVED = (State.LAND, State.WATER)
STATUS = {
    State.NODATA: Status.NODATA,
    State.CLOUD: Status.CLOUD,
    State.SHADOW: Status.SHADOW,
    State.SNOW: Status.FROZEN,
    State.UNCERTAIN: Status.UNCERTAIN,
}
"""The status of a lake that a state hides."""


@runtime_checkable
class SceneCoverage(Protocol):
    """What must be known of a scene besides its outlines: where it saw the ground."""

    @property
    def scene_id(self) -> str:
        """Name of the scene."""

    @property
    def acquired(self) -> datetime:
        """Time of the image, UTC."""

    @property
    def sensor(self) -> str:
        """Satellite and sensor."""

    @property
    def resolution_m(self) -> float:
        """Pixel of the image in metres."""

    @property
    def is_complete(self) -> bool:
        """Whether a place without an outline was no lake."""

    def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
        """Return ``observed_fraction`` and ``status`` of each geometry, same index."""


@dataclass(frozen=True)
class Coverage:
    """The states of a scene's pixels, kept as a compressed GeoTIFF in memory.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scene = gl.discover("sample_data/scenes")[0]
    >>> seen = gl.map_lakes(scene, dem="sample_data/dem.tif").coverage
    >>> seen.scene_id == scene.id
    True
    """

    scene_id: str
    acquired: datetime
    sensor: str
    grid: Grid
    tiff: bytes
    is_complete: ClassVar[bool] = True

    @classmethod
    def from_states(
        cls, states: States, *, scene_id: str, acquired: datetime, sensor: str, grid: Grid
    ) -> Coverage:
        """Pack states of shape ``grid.shape``."""
        require(states, np.ndarray, "states", N_("give an array of uint8"))
        if states.shape != tuple(grid.shape):
            raise InputError(
                None,
                "states have the shape {shape}, their grid has {expected}",
                "give both of one scene",
                shape=str(states.shape),
                expected=str(tuple(grid.shape)),
            )
        profile = {
            "driver": "GTiff",
            "dtype": "uint8",
            "count": 1,
            "height": grid.shape[0],
            "width": grid.shape[1],
            "crs": grid.crs,
            "transform": grid.transform,
            "compress": "deflate",
            "blockysize": _BLOCK_ROWS,
            "num_threads": "all_cpus",
            "nodata": int(State.NODATA),
        }
        tags = {C.SCENE_ID: scene_id, C.ACQUIRED: acquired.isoformat(), C.SENSOR: sensor}
        with MemoryFile() as memory:
            with memory.open(**profile) as dataset:
                dataset.write(states, 1)
                dataset.update_tags(**tags)
            return cls(scene_id, acquired, sensor, grid, bytes(memory.getbuffer()))

    @classmethod
    def from_file(cls, path: str | Path) -> Coverage:
        """Read what :meth:`to_file` wrote.

        Raises
        ------
        DamagedFileError
            When the file is no coverage.
        """
        return cls.from_tiff(Path(path).read_bytes(), path)

    @classmethod
    def from_tiff(cls, tiff: bytes, path: str | Path) -> Coverage:
        """Unpack the GeoTIFF of a coverage; ``path`` is the file that holds it."""
        try:
            with MemoryFile(tiff) as memory, memory.open(driver="GTiff") as dataset:
                tags = dataset.tags()
                grid = Grid(dataset.crs, dataset.transform, dataset.shape)
            acquired = datetime.fromisoformat(tags[C.ACQUIRED])
            return cls(tags[C.SCENE_ID], acquired, tags[C.SENSOR], grid, tiff)
        except (rasterio.errors.RasterioError, KeyError, ValueError) as error:
            raise DamagedFileError(
                path, "no coverage of a scene ({error})", "map it again", error=error
            ) from error

    @property
    def resolution_m(self) -> float:
        """Pixel of the image in metres."""
        return self.grid.resolution

    def to_file(self, path: str | Path) -> None:
        """Write the states as a GeoTIFF, whole or not at all."""
        with whole(Path(path)) as aside:
            aside.write_bytes(self.tiff)

    def states(self, window: Window | None = None) -> States:
        """Return the states of a window, NODATA outside the scene."""
        with self._reader() as read:
            states: States = read(window or self.grid.window)
        return states

    @cached_property
    def _crs_wkt(self) -> str:
        return str(self.grid.crs.to_wkt())

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        with (
            rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES),
            MemoryFile(self.tiff) as memory,
            memory.open(driver="GTiff") as dataset,
        ):

            def read(window: Window) -> States:
                inside = self.grid.clip(window)
                if inside == window:
                    return np.asarray(dataset.read(1, window=window))
                states = np.full((int(window.height), int(window.width)), State.NODATA, np.uint8)
                if inside.width and inside.height:
                    row = int(inside.row_off - window.row_off)
                    col = int(inside.col_off - window.col_off)
                    part = states[row : row + int(inside.height), col : col + int(inside.width)]
                    part[:] = dataset.read(1, window=inside)
                return states

            yield read

    def to_xarray(self) -> xr.DataArray:
        """Return the states with coordinates, unpacked when they are looked at (needs ``xarray``).

        Returns
        -------
        xarray.DataArray (y, x), uint8
            Values of :class:`State`, whose names stand in ``attrs["flag_meanings"]``. Coordinates:
            ``y`` and ``x``, pixel centres in metres; ``time`` (UTC); ``spatial_ref``.

        Raises
        ------
        ConfigError
            When xarray is not installed.
        """
        lazy = lazy_pixels()
        attrs = {
            "long_name": "what the scene shows",
            "flag_values": np.array([int(state) for state in State], np.uint8),
            "flag_meanings": " ".join(state.name.lower() for state in State),
            C.SCENE_ID: self.scene_id,
            C.SENSOR: self.sensor,
        }
        states = lazy.lazy(
            partial(_state_parts, self), ("y", "x"), self.grid.shape, np.uint8, **attrs
        )
        coords = lazy.places(self.grid) | {"time": lazy.as_time(self.acquired)}
        array: xr.DataArray = lazy.xr.DataArray(states, coords, name="state")
        return array

    def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
        """Tell how much of each polygon the scene shows.

        Parameters
        ----------
        geometries : GeoSeries of polygons, any CRS

        Returns
        -------
        DataFrame
            Index of ``geometries``; ``observed_fraction`` (0..1) and ``status``: ``observed``
            when at least 90 % is seen, else the main reason (``cloud``, ``shadow``, ``nodata``,
            ``frozen``, ``uncertain``). Places outside the scene are ``nodata``.
        """
        with self._reader() as read:
            counts = self._counts(geometries, read)
        total, seen = counts.sum(axis=1), counts[:, OBSERVED].sum(axis=1)
        fractions = np.divide(seen, total, out=np.zeros(len(counts)), where=total > 0)
        counts[:, OBSERVED] = 0
        reasons = np.array([STATUS.get(state, Status.NODATA) for state in State], dtype=object)
        statuses = reasons[counts.argmax(axis=1)]
        statuses[fractions >= MIN_OBSERVED_FRACTION] = Status.OBSERVED
        return pd.DataFrame(
            {C.OBSERVED_FRACTION: fractions, C.STATUS: statuses}, index=geometries.index
        )

    def _counts(self, polygons: gpd.GeoSeries, read: Any) -> NDArray[np.int64]:
        """Count the pixels of each state in each polygon, shape (polygon, state)."""
        counts = np.zeros((len(polygons), len(State)), np.int64)
        project = _transformer(polygons.crs, self._crs_wkt, always_xy=True).transform
        runs = runs_in(polygons.to_numpy(), self.grid.transform, project)
        hit = np.zeros(len(polygons), dtype=bool)
        hit[runs.polygon] = True
        rows, cols = self.grid.shape
        start, stop = runs.start.clip(0, cols), runs.stop.clip(0, cols)
        inside = (runs.row >= 0) & (runs.row < rows) & (start < stop)
        lost = runs.stop - runs.start - np.where(inside, stop - start, 0)
        counts[:, State.NODATA] += np.bincount(runs.polygon, lost, len(counts)).astype(np.int64)
        runs = replace(runs, start=start, stop=stop)[inside]
        breaks = (np.diff(runs.row) > _FAR_ROWS) | (np.diff(runs.row // _ROWS_AT_ONCE) > 0)
        for here in np.split(np.arange(runs.row.size), np.flatnonzero(breaks) + 1):
            if here.size:
                _count(runs[here], read, counts)
        for position in np.flatnonzero(~hit):  # a sliver may hold no pixel centre
            sliver = polygons.iloc[[position]].to_crs(self._crs_wkt).iloc[0]
            counts[position] = self._touched(sliver, read)
        return counts

    def _touched(self, polygon: Any, read: Any) -> NDArray[np.int64]:
        """Count the pixels of each state that a polygon touches."""
        if polygon is None or polygon.is_empty:
            return np.zeros(len(State), np.int64)
        window = _window(self.grid, polygon.bounds)
        inside = self.grid.clip(window)
        if not (inside.width and inside.height):
            return np.zeros(len(State), np.int64)
        crop = self.grid.crop(window)
        hit = geometry_mask([polygon], crop.shape, crop.transform, invert=True, all_touched=True)
        return np.bincount(read(window)[hit], minlength=len(State))


def _state_parts(coverage: Coverage, parts: tuple[slice, ...]) -> States:
    """Return the states in parts of rows and columns."""
    with coverage._reader() as read:
        states: States = read(Window.from_slices(*parts))
    return states


@dataclass(frozen=True)
class CompleteCoverage:
    """The coverage of outlines that somebody drew with care: every place was looked at.

    Parameters
    ----------
    scene_id, acquired, sensor
        As of a scene.
    resolution_m : float
        Pixel size of the images that the outlines were drawn on.

    Raises
    ------
    InputError
        When one is of another type.

    Examples
    --------
    >>> from datetime import datetime
    >>> import glacial_lakes as gl
    >>> gl.CompleteCoverage("survey 2020", datetime(2020, 8, 1), "S2A", 10.0).resolution_m
    10.0
    """

    scene_id: str
    acquired: datetime
    sensor: str
    resolution_m: float = DEFAULT_RESOLUTION_M
    is_complete: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(self.scene_id, str, "scene_id", N_("give a text"))
        require(self.acquired, datetime, "acquired", N_("give a datetime, e.g. of fromisoformat"))
        require(self.sensor, str, "sensor", N_("give a text"))
        require_amount(self.resolution_m, "resolution_m")

    def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
        """Return that every geometry was seen whole."""
        return pd.DataFrame(
            {C.OBSERVED_FRACTION: 1.0, C.STATUS: Status.OBSERVED}, index=geometries.index
        )


@dataclass(frozen=True)
class DrawnCoverage(CompleteCoverage):
    """The coverage of an older inventory: its extent was looked at, but lakes may be left out.

    What has no outline in it counts as ``uncertain``, never as absent. Outlines that tell a date
    of their own keep it.

    Parameters
    ----------
    extent : shapely.Geometry
        Ground that was looked at, in :data:`glacial_lakes.grid.EQUAL_AREA`; beyond it is no data.
    """

    extent: shapely.Geometry = field(default_factory=shapely.Polygon)
    is_complete: ClassVar[bool] = False

    def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
        """Return that every geometry that meets the extent was seen whole."""
        shapely.prepare(self.extent)
        inside = shapely.intersects(self.extent, geometries.to_crs(EQUAL_AREA).to_numpy())
        return pd.DataFrame(
            {
                C.OBSERVED_FRACTION: np.where(inside, 1.0, 0.0),
                C.STATUS: np.where(inside, Status.OBSERVED, Status.NODATA).astype(object),
            },
            index=geometries.index,
        )


def _count(runs: Runs, read: Any, counts: NDArray[np.int64]) -> None:
    """Add the states in runs that lie near each other on the grid."""
    top, left = int(runs.row[0]), int(runs.start.min())
    height, width = int(runs.row[-1]) + 1 - top, int(runs.stop.max()) - left
    states = read(Window(left, top, width, height))
    _add_states(runs.polygon, runs.row - top, runs.start - left, runs.stop - left, states, counts)


@kernel
def _add_states(polygon, row, start, stop, states, counts):  # type: ignore[no-untyped-def]
    """Count the states in runs of pixels, by polygon."""
    for run in range(len(polygon)):
        for column in range(start[run], stop[run]):
            counts[polygon[run], states[row[run], column]] += 1


def _window(grid: Grid, bounds: tuple[float, float, float, float]) -> Window:
    """Return the whole pixels that cover bounds, also beyond the grid."""
    west, south, east, north = bounds
    left, top = placed(~grid.transform, west, north)
    right, bottom = placed(~grid.transform, east, south)
    col, row = math.floor(left), math.floor(top)
    return Window(col, row, max(1, math.ceil(right) - col), max(1, math.ceil(bottom) - row))
