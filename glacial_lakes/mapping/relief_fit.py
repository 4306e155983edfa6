"""Whether an elevation model is of the ground that a scene shows, by its light and shade.

Slopes that face the sun are bright and what lies in shade is dark, where the model is in its place
and its heights are in metres. Limits were set by nine sample scenes and eighteen of an independent
simulator, and the same with models that were turned over, moved by 300 m and 1 km, and in other
units (``benchmarks/relief_fit.py``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.errors import Message
from glacial_lakes.kernels.interpolation import sample
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.dem import Dem
from glacial_lakes.terrain import read_terrain

Float = NDArray[np.float32]

PIXEL_M, MOST_PIXELS = 30.0, 1500
"""Light is compared on about such pixels, and on larger ones where a scene has more on an edge."""
COARSEST_M = 100.0
"""Models whose pixels are larger than this smooth slopes away, and are not asked."""

FEWEST, FEWEST_SHADED = 2000, 200
"""Pixels of ground, and of shade by the model, below which nothing is said."""

SHADE, LIT = 0.02, (0.8, 1.3)
"""Light by the model, relative to level ground, of shade and of what the sun shines on."""

BRIGHTEST_GREEN = 0.2
"""What is brighter is snow or cloud."""

AS_BRIGHT = 0.65
"""Near infrared of shade over that of sunlit ground (good ones: 0.05–0.09; of another place:
0.73–1.06)."""
DARK, DARK_OUTSIDE = 0.4, 0.3
"""Of another place the shade of the image lies elsewhere: so many pixels, against those that the
model shades, are darker than that share of sunlit ground outside of the model's shade. Where slopes
were corrected hardly any are."""
FOLLOWS = 0.4
"""Correlation of near infrared with light (0.65–0.82; of another place: −0.06–0.32). Products whose
slopes were corrected with a model of their own do not follow it either, but their shade is dark."""

SUNLIT_SHADE = 0.3
"""Share of shade that is more than 0.6 times as bright as sunlit ground (0.00–0.01; in feet:
0.32–0.48)."""
STEEPEST_RISE = 1.75
"""By how much brighter, relative to the median, ground is where there is 1 more light (0.8–1.3, and
1 by the cosine law; where heights are a third: 2.0–3.1)."""


class ReliefFit:
    """Takes the rows of a scene as they are read, and tells whether a model fits them.

    Parameters
    ----------
    scene : Scene
    dem : path-like, rasterio dataset or xarray.DataArray

    Raises
    ------
    GlacialLakesError
        As :func:`glacial_lakes.terrain.read_terrain`.
    """

    def __init__(self, scene: Scene, dem: Dem) -> None:
        edge = max(scene.grid.shape)
        self._every = max(1, round(PIXEL_M / scene.grid.resolution), -(-edge // MOST_PIXELS))
        grid = scene.grid.coarsened(self._every)
        terrain = read_terrain(dem, grid, scene.sun_azimuth_deg, scene.sun_elevation_deg)
        is_fine = terrain.grid.resolution <= max(COARSEST_M, grid.resolution)
        light = sample(terrain.illumination, terrain.grid.transform, grid.transform, grid.shape)
        self._light = light if is_fine else np.full_like(light, np.nan)
        self._seen = {name: np.full(grid.shape, np.nan, np.float32) for name in ("green", "nir")}

    def add(self, window: Window, reflectance: Mapping[str, Float]) -> None:
        """Take rows; those that are left out are not known."""
        every, half = self._every, self._every // 2
        top, left = int(window.row_off), int(window.col_off)
        row, col = (half - top) % every, (half - left) % every
        for name, plane in self._seen.items():
            taken = reflectance[name][row::every, col::every]
            rows = slice((top + row) // every, (top + row) // every + taken.shape[0])
            cols = slice((left + col) // every, (left + col) // every + taken.shape[1])
            plane[rows, cols] = taken

    def fault(self) -> Message | None:
        """Return why the model seems not to be of this ground, as a clause."""
        return misfit(self._seen["green"], self._seen["nir"], self._light)


def misfit(green: Float, nir: Float, light: Float) -> Message | None:
    """Return why light by a model is not what an image shows, as a clause.

    Parameters
    ----------
    green, nir : array of float32
        Reflectance, NaN where there is none.
    light : array of float32
        Of the same shape, relative to level ground; 0 in shade.

    Examples
    --------
    >>> light = np.tile(np.linspace(0.0, 1.5, 100, dtype="float32"), (50, 1))
    >>> misfit(0.1 * light + 0.01, 0.2 * light + 0.01, light) is None
    True
    >>> print(misfit(0.1 * light + 0.01, 0.2 * light + 0.01, light[:, ::-1]).text[:29])
    what the elevation model puts
    """
    known = np.isfinite(green) & np.isfinite(nir) & np.isfinite(light) & (green < BRIGHTEST_GREEN)
    shaded = nir[known & (light < SHADE)]
    ground = known & (light > 5 * SHADE) & (nir > green)  # no water
    sunlit = nir[ground & (light > LIT[0]) & (light < LIT[1])]
    if ground.sum() < FEWEST or sunlit.size < FEWEST_SHADED:
        return None
    bright, lights = nir[ground].astype(np.float64), light[ground].astype(np.float64)
    usual = float(np.median(sunlit))
    if not (bright.std() > 0 and lights.std() > 0 and usual > 0):
        return None
    follows = float(np.corrcoef(bright, lights)[0, 1])
    if shaded.size >= FEWEST_SHADED:
        ratio = float(np.median(shaded)) / usual
        elsewhere = (known & (nir < DARK * usual) & (light > 5 * SHADE)).sum()
        is_elsewhere = elsewhere > DARK_OUTSIDE * shaded.size
        if ratio > AS_BRIGHT and follows < FOLLOWS and is_elsewhere:
            return Message(
                "what the elevation model puts in shade is {ratio:.2f} times as bright as sunlit "
                "ground, as if the model were of another place",
                ratio=ratio,
            )
        share = float((shaded > 0.6 * usual).mean())
        if share > SUNLIT_SHADE and follows > FOLLOWS:
            return Message(
                "{percent:.0f} % of what the elevation model puts in shade is sunlit, as if its "
                "heights were in feet",
                percent=100 * share,
            )
    rise = follows * float(bright.std() / lights.std()) / float(np.median(bright))
    if follows > FOLLOWS and rise > STEEPEST_RISE:
        return Message(
            "slopes of the elevation model are too gentle for their light and shade "
            "({rise:.1f} times), as if its heights were too small",
            rise=rise,
        )
    return None
