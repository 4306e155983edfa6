"""A threshold between land and water, found in the histogram of an index of one scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window
from skimage.filters import threshold_isodata, threshold_otsu, threshold_yen

from glacial_lakes.errors import MetadataError
from glacial_lakes.mapping import indices
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.raster import keep_open
from glacial_lakes.scenes.scene import Scene

METHODS: Mapping[str, Callable[..., float]] = {
    "otsu": threshold_otsu,
    "yen": threshold_yen,
    "isodata": threshold_isodata,
}
"""Methods of scikit-image that take a histogram, so that a scene need not be in memory."""
BINS = 1000
"""Of the index from -1 to 1: a threshold is as exact as 0.002."""
HIDDEN = Quality.NODATA | Quality.CLOUD | Quality.CLOUD_SHADOW | Quality.CIRRUS
_ROWS = 512


def histogram_threshold(scene: Scene, index: str, method: str) -> float:
    """Return the threshold of an index that parts the histogram of a scene.

    Parameters
    ----------
    scene : Scene
        Read in strips: the memory does not grow with it, and the result does not depend on them.
    index : str
        One of :func:`glacial_lakes.mapping.indices.names`, with values from -1 to 1.
    method : {"otsu", "yen", "isodata"}
        Otsu (1979), Yen et al. (1995), Ridler & Calvard (1978).

    Returns
    -------
    float
        Above is water.

    Raises
    ------
    MetadataError
        When the scene lacks a band of the index, or shows no ground.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scene = gl.discover("sample_data/scenes")[0]
    >>> -0.5 < histogram_threshold(scene, "ndwi", "otsu") < 0.5
    True
    """
    bands = indices.bands_of(index)
    missing = [band for band in bands if band not in scene.bands]
    if missing:
        raise MetadataError(
            scene.path, "there is no {band} band", "choose another mapping.index", band=missing[0]
        )
    counts = np.zeros(BINS, np.int64)
    rows, cols = scene.grid.shape
    with keep_open():
        for first in range(0, rows, _ROWS):
            window = Window(0, first, cols, min(_ROWS, rows - first))
            values = index_values(scene, index, window)
            counts += np.histogram(values, BINS, (-1, 1))[0]
    if not counts.any():
        raise MetadataError(scene.path, "shows no ground that is free of cloud", "leave it out")
    edges = np.linspace(-1, 1, BINS + 1)
    return float(METHODS[method](hist=(counts, (edges[1:] + edges[:-1]) / 2)))


def index_values(scene: Scene, index: str, window: Window) -> NDArray[np.float32]:
    """Return the index of the pixels of a window that are neither hidden nor without a value."""
    bands = indices.bands_of(index)
    reflectance = dict(zip(bands, scene.read(bands, window), strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = indices.compute(index, reflectance)
    seen = (scene.read_flags(window) & HIDDEN) == 0
    chosen: NDArray[np.float32] = values[seen & np.isfinite(values)]
    return chosen
