"""Light that the air sends up itself, as reflectance: it lifts the water index of all that is dark.

Products of the top of the atmosphere hold it, surface reflectance does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from rasterio.windows import Window

from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.scene import BandName
from glacial_lakes.scenes.sensors import is_top_of_atmosphere

WAVELENGTH_UM: Mapping[BandName, float] = {"blue": 0.485, "green": 0.56, "red": 0.66, "nir": 0.84}
"""Middle of the bands of Landsat and Sentinel-2, within 0.02. Beyond them air scatters next to
nothing."""
SWIR_UM: Mapping[BandName, float] = {"swir1": 1.61, "swir2": 2.2}
"""Bands whose darkest ground tells what dark objects of the near infrared owe to glint."""
LEAST_DARK: Mapping[BandName, float] = {
    "blue": 0.006,
    "green": 0.005,
    "red": 0.003,
    "nir": 0.002,
    "swir1": 0.002,
    "swir2": 0.002,
}
"""Reflectance of the darkest ground of a scene, clear water and deep shade; what it shows beyond
is light of the air (the dark objects of Chavez 1988, who takes 0.01)."""
MOST_DARK_NIR = 0.07
"""Darkest near infrared from which on a scene shows no dark object: no haze through which lakes are
mapped is brighter."""
ANGSTROM = 1.3
"""How fast haze scatters less with the wavelength, over land (Ångström 1929; 0.8 to 1.8)."""
HEIGHT_M = 2000.0
"""Of the ground where no DEM tells it: between lowlands and the lakes of high mountains."""
SCALE_HEIGHT_M = 8000.0
"""Over which the air thins out to 1/e."""
CELL_PX, MOST_CELLS = 1024, 4
"""Dark objects are looked for in fixed cells of the product, at most so many a side."""
DARKEST_PERCENT, STEP = 0.1, 0.0005
"""The darkest are this share of the pixels, and at least one; told in steps of reflectance."""
HIDDEN = int(Quality.NODATA | Quality.CLOUD)


def path_reflectance(
    scene: Scene, names: Sequence[str], height_m: float | None = None
) -> dict[str, float]:
    """Return the reflectance of the air in the bands of a scene.

    That of molecules by single scattering for a view straight down (:func:`rayleigh`), and that of
    haze, which the darkest objects show in the near infrared, where molecules scatter little; it
    grows towards the blue by the exponent of Ångström. Where no dark object of a scene is dark in
    the SWIR, sunglint lifts them all (it is alike in all bands and haze is not) and the haze is
    less. It is no more than the darkest objects leave in each band. Where nothing dark shows, haze
    stays in.

    Parameters
    ----------
    scene : Scene
        Dark objects are those of fixed cells of the product: the result does not depend on an area
        of interest or on how a scene is read.
    names : sequence of str
        Bands.
    height_m : float, optional
        Of the ground; default :data:`HEIGHT_M`.

    Returns
    -------
    dict of str to float
        Bands with a value above 0. Empty for surface reflectance, and for a scene whose level or
        sun is not told.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> path_reflectance(gl.discover("sample_data/scenes")[0], ["green", "nir"])
    {}
    """
    sun = scene.sun_elevation_deg
    if not is_top_of_atmosphere(scene.level) or sun is None or not sun > 0:
        return {}
    height = HEIGHT_M if height_m is None else height_m
    bands = [name for name in WAVELENGTH_UM if name in names]
    longest = [name for name in SWIR_UM if name in names][-1:]
    dark = _darkest(scene, [*bands, *longest])
    molecules = {name: rayleigh(WAVELENGTH_UM[name], sun, height) for name in bands}
    haze = 0.0
    if 0 < dark.get("nir", 0.0) < MOST_DARK_NIR:
        haze = dark["nir"] - LEAST_DARK["nir"] - molecules["nir"]
        for name in longest:
            haze -= _glint(haze, dark[name] - LEAST_DARK[name], SWIR_UM[name])
        haze = max(0.0, haze)
    found = {}
    for name in bands:
        air = molecules[name] + haze * _fall(WAVELENGTH_UM[name])
        air = min(air, dark[name] - LEAST_DARK[name])
        if air > 0:
            found[str(name)] = round(air, 4)
    return found


def rayleigh(wavelength_um: float, sun_elevation_deg: float, height_m: float) -> float:
    """Return the reflectance of the molecules of the air, seen from straight above.

    τ P(Θ) / (4 μ) with the optical depth τ of Hansen & Travis (1974, Space Science Reviews 16,
    527), the phase function P = ¾ (1 + cos²Θ) and the sine μ of the sun's elevation.

    Examples
    --------
    >>> [round(rayleigh(wavelength, 45.0, 0.0), 3) for wavelength in (0.485, 0.56, 0.84)]
    [0.065, 0.036, 0.007]
    """
    squared = wavelength_um**-2
    depth = 0.008569 * squared**2 * (1 + 0.0113 * squared + 0.00013 * squared**2)
    depth *= math.exp(-height_m / SCALE_HEIGHT_M)
    sine = math.sin(math.radians(sun_elevation_deg))
    return depth * 0.75 * (1 + sine**2) / (4 * sine)


def _fall(wavelength_um: float) -> float:
    """Return the reflectance of haze as a share of that in the near infrared."""
    return float((wavelength_um / WAVELENGTH_UM["nir"]) ** -ANGSTROM)


def _glint(nir: float, swir: float, wavelength_um: float) -> float:
    """Return the part of dark objects that is alike in both bands; the rest falls as haze does."""
    fall = _fall(wavelength_um)
    return max(0.0, (swir - fall * nir) / (1.0 - fall))


def _darkest(scene: Scene, bands: Sequence[BandName]) -> dict[str, float]:
    """Return the reflectance of the darkest ground of a scene, by band; 0 where nothing is seen."""
    rows, cols = scene.grid.shape
    edges = np.arange(-0.1, 0.3, STEP)
    counts = np.zeros((len(bands), len(edges) + 1), np.int64)
    for top in _cells(rows):
        for left in _cells(cols):
            window = Window(left, top, min(CELL_PX, cols - left), min(CELL_PX, rows - top))
            values = scene.read(bands, window)
            usable = np.isfinite(values).all(axis=0) & ((scene.read_flags(window) & HIDDEN) == 0)
            for number, band in enumerate(values):
                places = np.searchsorted(edges, band[usable], side="right")
                counts[number] += np.bincount(places, minlength=counts.shape[1])
    few = np.maximum(1, counts.sum(axis=1) * DARKEST_PERCENT / 100)
    lowest = np.argmax(np.cumsum(counts, axis=1) >= few[:, None], axis=1)
    levels = edges[np.maximum(lowest - 1, 0)]
    seen = counts.sum(axis=1) > 0
    return {
        name: float(level) if is_seen else 0.0
        for name, level, is_seen in zip(bands, levels, seen, strict=True)
    }


def _cells(size: int) -> list[int]:
    """Return the first pixels of the cells that are looked at along one side of a product."""
    count = -(-size // CELL_PX)
    step = max(1, -(-count // MOST_CELLS))
    return [cell * CELL_PX for cell in range(0, count, step)]
