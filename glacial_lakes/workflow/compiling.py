"""All loops are compiled ahead, once, whoever needs them first."""

from __future__ import annotations

import logging
import tempfile
from concurrent.futures import wait
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from glacial_lakes.coverage import Coverage
from glacial_lakes.errors import Message
from glacial_lakes.events import KernelsCompiling, KernelsNotCompiled, Listener, ignore
from glacial_lakes.grid import Grid
from glacial_lakes.kernels import cache, interpolation, overlaps, text
from glacial_lakes.mapping import masks, rivers, seeds, slc_gaps
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.runtime import interrupts
from glacial_lakes.runtime.processes import ProcessPerCall
from glacial_lakes.scenes.raster import Band
from glacial_lakes.scenes.scene import Scene

_CRS = CRS.from_epsg(32643)
_EDGE_PX = 64
_PIXEL_M = 10.0
_WATER, _GROUND, _SNOW = (900, 500, 200), (1200, 2500, 3000), (8000, 7500, 1000)
"""Green, near and shortwave infrared, in 1e-4."""
_WAIT_SECONDS = 0.5  # Windows delivers Ctrl-C only between waits
_LOG = logging.getLogger(__name__)


def compile_ahead(on_event: Listener = ignore) -> None:
    """Compile all loops and keep them, unless that was done on this computer.

    It is done in a process of its own, which gives its memory back. When another one is at it,
    that one is waited for. Where nothing can be kept nothing is done: each process compiles what it
    needs when it needs it.

    Parameters
    ----------
    on_event : callable, optional
        Told with :class:`~glacial_lakes.events.KernelsCompiling` when there is something to
        compile, or with :class:`~glacial_lakes.events.KernelsNotCompiled` where numba was told not
        to.
    """
    if cache.is_off():
        on_event(KernelsNotCompiled())
        return
    if cache.is_complete():
        return
    on_event(KernelsCompiling())
    with ProcessPerCall(1) as process:
        compiling = process.submit(_compile)
        while not wait([compiling], timeout=_WAIT_SECONDS).done:
            interrupts.raise_if_interrupted()
        if error := compiling.exception():  # what is called later is compiled then
            _LOG.debug(Message("not all could be compiled ahead: {error}", error=error))


def _compile() -> None:
    with cache.held():
        if not cache.is_complete():
            _call_all()
            cache.complete()


def _call_all() -> None:
    """Call every kernel with the types that it gets in earnest."""
    with tempfile.TemporaryDirectory(prefix="glacial_lakes-") as folder:
        map_lakes(_scene(Path(folder)), dem=_dem(Path(folder)))
    # What a single lake in the sun does not need.
    seeds.is_grey(0.1, 0.1, 0.1, 0.1)
    field, mask = np.zeros((8, 8), np.float32), np.zeros((8, 8), bool)
    slc_gaps.bridge_gaps(field, mask, 0)
    rivers.river_trace(field, mask, mask, 0.0, 3)
    place = np.arange(2)
    masks.reach_fraction(mask, place, place, 10.0, 150.0, 40.0)
    square = np.array([shapely.box(0, 0, 1, 1)])
    overlaps.overlap_areas(square, square)
    list(text.ring_texts(square, "(", ",", ")"))
    text.polyline_digits(place)
    picture = np.ones((3, 8, 8), np.uint8)
    for edge in (0.0, 1.0):  # beyond what is known, and within
        corners = np.array([[edge, 8 - edge]] * 2)
        interpolation.sampled(picture, corners.T.copy(), corners, 4)
    grid = Grid(_CRS, Affine(_PIXEL_M, 0, 0, 0, -_PIXEL_M, 0), mask.shape)
    seen = Coverage.from_states(
        mask.astype(np.uint8), scene_id="", acquired=datetime.now(UTC), sensor="", grid=grid
    )
    seen.observe(gpd.GeoSeries([shapely.box(10, -50, 40, -20)], crs=_CRS))


def _scene(folder: Path) -> Scene:
    """Return a lake on bare ground below snow, with bands of two resolutions."""
    down, along = np.mgrid[:_EDGE_PX, :_EDGE_PX] - _EDGE_PX // 2
    lake, snow = down**2 + along**2 < (_EDGE_PX // 4) ** 2, down < 8 - _EDGE_PX // 2
    bands = {}
    for place, (name, step) in enumerate({"green": 1, "nir": 1, "swir1": 2}.items()):
        pixels = np.where(lake, _WATER[place], np.where(snow, _SNOW[place], _GROUND[place]))
        pixels = pixels + (7 * down + 3 * along) % 11  # no two alike
        path = _write(folder / f"{name}.tif", pixels[::step, ::step].astype(np.uint16))
        bands[name] = Band(str(path), "GTiff", 1, 1e-4, 0.0, 0.0, _PIXEL_M * step)
    path = _write(folder / "classes.tif", np.full(down.shape, 4, np.uint8))
    return Scene(
        id="compiled",
        path=str(folder),
        sensor="S2A",
        level="L2A",
        acquired=datetime(2020, 8, 15, 6, tzinfo=UTC),
        grid=Grid(_CRS, _transform(_PIXEL_M), down.shape),
        sun_azimuth_deg=150.0,
        sun_elevation_deg=50.0,
        bands=bands,
        quality=Band(str(path), "GTiff", 1, 1.0, 0.0, None, _PIXEL_M),
        decoder="scl",
    )


def _dem(folder: Path) -> Path:
    rows = np.mgrid[:_EDGE_PX, :_EDGE_PX][0]
    return _write(folder / "dem.tif", (3000 + rows).astype(np.float32))


def _write(path: Path, pixels: NDArray[np.generic]) -> Path:
    height, width = pixels.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=1,
        dtype=pixels.dtype,
        crs=_CRS,
        transform=_transform(_PIXEL_M * _EDGE_PX / height),
    ) as dataset:
        dataset.write(pixels, 1)
    return path


def _transform(pixel_m: float) -> Affine:
    return Affine(pixel_m, 0, 500_000, 0, -pixel_m, 4_700_000)
