"""A sample of the pixels of a scene: every band and the quality layer of the same ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.scenes.quality import Flags, decoder_of
from glacial_lakes.scenes.raster import (
    AnyLayer,
    keep_open,
    read_numbers,
    read_thinned,
    to_reflectance,
)

if TYPE_CHECKING:
    from glacial_lakes.scenes.scene import Scene

Reflectance = NDArray[np.float32]

_WINDOWS, _EDGE_PX = 5, 64


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a scene, in pixels of its coarsest layer."""

    bands: Mapping[str, Reflectance]
    """By name reflectance (y, x), all of one shape; NaN where there is none."""
    flags: Flags | None
    """Bits of :class:`~glacial_lakes.scenes.quality.Quality` of the product's own layer, of the
    same shape; None where it has none."""


def sample_of(scene: Scene, within: Sequence[Window] | None = None) -> list[Part]:
    """Return some windows of a scene, or a thinned copy of it where a window costs as much.

    Finer bands are averaged to the pixels of the coarsest one; of a finer quality layer one pixel
    is taken.

    Parameters
    ----------
    scene : Scene
    within : sequence of Window, optional
        Windows of the scene at whose corners are looked, instead of evenly all over it.

    Raises
    ------
    DamagedFileError
        When a file cannot be decoded.
    """
    layers: list[AnyLayer] = [
        *scene.bands.values(),
        *([] if scene.quality is None else [scene.quality]),
    ]
    coarsest = max(layers, key=lambda band: band.resolution)
    with keep_open():
        if any(band.driver == "JP2OpenJPEG" for band in layers):  # a window decodes all around it
            return [_thinned(scene, read_thinned(coarsest).shape)]
        factor = max(1, round(coarsest.resolution / scene.grid.resolution))
        if within is not None:
            places = [(int(w.row_off) // factor, int(w.col_off) // factor) for w in within]
            return [_in_window(scene, coarsest, row, col) for row, col in places]
        rows, cols = (_starts(size // factor) for size in scene.grid.shape)
        return [_in_window(scene, coarsest, row, col) for row in rows for col in cols]


def _thinned(scene: Scene, shape: tuple[int, int]) -> Part:
    flags = None
    if scene.quality is not None:
        flags = decoder_of(scene.decoder)(read_thinned(scene.quality, shape))
    bands = {
        name: to_reflectance(band, read_thinned(band, shape)) for name, band in scene.bands.items()
    }
    return Part(bands, flags)


def _in_window(scene: Scene, coarsest: AnyLayer, row: int, col: int) -> Part:
    def read(band: AnyLayer) -> tuple[NDArray[Any], int]:
        factor = max(1, round(coarsest.resolution / band.resolution))
        edge = _EDGE_PX * factor
        return read_numbers(band, Window(col * factor, row * factor, edge, edge))[0], factor

    bands = {}
    for name, band in scene.bands.items():
        numbers, factor = read(band)
        bands[name] = _averaged(to_reflectance(band, numbers), factor)
    flags = None
    if scene.quality is not None:
        numbers, factor = read(scene.quality)
        flags = decoder_of(scene.decoder)(numbers[::factor, ::factor])
    shapes = [values.shape for values in bands.values()]
    shapes += [] if flags is None else [flags.shape]
    height, width = (min(shape[axis] for shape in shapes) for axis in (0, 1))
    return Part(
        {name: values[:height, :width] for name, values in bands.items()},
        None if flags is None else flags[:height, :width],
    )


def _averaged(values: Reflectance, factor: int) -> Reflectance:
    rows, cols = (size // factor for size in values.shape)
    whole = values[: rows * factor, : cols * factor]
    means: Reflectance = whole.reshape(rows, factor, cols, factor).mean(axis=(1, 3))
    return means


def _starts(size: int) -> list[int]:
    """Return where windows begin along an edge: evenly, without overlap."""
    count = max(1, min(_WINDOWS, size // _EDGE_PX))
    room = max(0, size - _EDGE_PX)
    return [round(room * (place + 0.5) / count) for place in range(count)]
