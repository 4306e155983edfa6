"""Water, snow and vegetation indices: pure formulas of reflectance.

Every function works alike on NumPy, xarray and dask arrays, because it only adds, multiplies
and divides. Reflectances are fractions (0..1); where a band is NaN (not observed) the index is
NaN, and where the denominator is 0 it is not finite.

Functions name their bands by their parameters, so that :func:`compute` finds them, also those of
a user (:func:`register`).
"""

from __future__ import annotations

import functools
import inspect
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from glacial_lakes.errors import N_, InputError, require
from glacial_lakes.kernels.jit import inner, kernel
from glacial_lakes.settings import nearest

Array = Any
"""A NumPy, xarray or dask array of reflectance, or a number."""

Index = Callable[..., Array]


_INDICES: dict[str, Index] = {}


WATER_ABOVE = {
    "ndwi": 0.0,  # McFeeters 1996
    "ndwi_blue": 0.5,  # Wangchuk & Bolch 2020
    "ndwi_ice": 0.25,  # Yang & Smith 2013
    "mndwi": 0.0,  # Xu 2006
    "awei_nsh": 0.0,  # Feyisa et al. 2014
    "awei_sh": 0.0,
    "mbwi": 0.0,  # Wang et al. 2018
    "wri": 1.0,  # Shen & Li 2010
}
"""Published thresholds of the water indices; above is water."""


def register(function: Index) -> Index:
    """Add an index under the name of its function; a decorator.

    Parameters
    ----------
    function : callable
        Its parameters are band names: blue, green, red, nir, swir1, swir2.

    Returns
    -------
    callable
        The index; it refuses whole numbers, which are no reflectance.

    Examples
    --------
    >>> @register
    ... def red_water(red, nir):
    ...     return red - 2 * nir
    >>> round(float(compute("red_water", {"red": 0.1, "nir": 0.02})), 3)
    0.06
    """

    @functools.wraps(function)
    def index(*bands: Array, **named: Array) -> Array:
        given = (*bands, *named.values())
        for band in given:
            _require_reflectance(band)
        _require_one_shape(given)
        return function(*bands, **named)

    _INDICES[function.__name__] = index
    return index


def names() -> list[str]:
    """Return the names of all indices, in alphabetical order."""
    return sorted(_INDICES)


def bands_of(name: str) -> list[str]:
    """Return the bands that an index needs.

    Raises
    ------
    InputError
        When there is no such index.
    """
    require(name, str, "name", N_("give the name of an index"))
    if name not in _INDICES:
        raise InputError(None, "there is no index {name}", nearest(name, names()), name=name)
    return list(inspect.signature(_INDICES[name]).parameters)


def compute(name: str, reflectance: Mapping[str, Array]) -> Array:
    """Return an index of a scene's bands.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    reflectance : mapping of band name to array

    Raises
    ------
    InputError
        When there is no such index, or a band that it needs is missing.
    """
    bands = bands_of(name)
    require(reflectance, Mapping, "reflectance", N_("give arrays by the names of bands"))
    if missing := [band for band in bands if band not in reflectance]:
        raise InputError(
            None, "the index {name} needs the bands {bands}", "give them", name=name, bands=missing
        )
    return _INDICES[name](*(reflectance[band] for band in bands))


def _require_one_shape(bands: Sequence[Array]) -> None:
    """Refuse arrays of NumPy that do not fit each other; others are laid on each other by place."""
    shapes = [band.shape for band in bands if isinstance(band, np.ndarray)]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise InputError(
            None,
            "bands have the shapes {shapes}",
            "give bands of one grid, as scene.read does",
            shapes=[str(shape) for shape in shapes],
        ) from None


def _require_reflectance(band: Array) -> None:
    """Refuse stored numbers: whole numbers of a product wrap around below 0."""
    if not (hasattr(band, "dtype") or hasattr(band, "dtypes")):
        require(band, numbers.Real, "a band", N_("give an array of reflectance"))
    kind = getattr(getattr(band, "dtype", None), "kind", "f")
    if kind in "iub":
        raise InputError(
            None,
            "a band holds whole numbers ({dtype}), no reflectance",
            "apply the scale and offset of the product first, or read with scene.read",
            dtype=band.dtype,
        )
    if kind != "f":
        what = N_("a band holds {dtype}, no reflectance")
        raise InputError(None, what, "give an array of reflectance", dtype=band.dtype)


def normalized_difference(a: Array, b: Array) -> Array:
    """Return (a − b) / (a + b)."""
    return (a - b) / (a + b)


@register
def ndwi(green: Array, nir: Array) -> Array:
    """Normalised difference water index, (G − N) / (G + N) (McFeeters 1996)."""
    return normalized_difference(green, nir)


@register
def ndwi_blue(blue: Array, nir: Array) -> Array:
    """Blue water index, (B − N) / (B + N); Huggel et al. (2002) write it with the sign turned."""
    return normalized_difference(blue, nir)


@register
def ndwi_ice(blue: Array, red: Array) -> Array:
    """Index for meltwater on ice, (B − R) / (B + R) (Yang & Smith 2013)."""
    return normalized_difference(blue, red)


@register
def mndwi(green: Array, swir1: Array) -> Array:
    """Return (G − S1) / (G + S1) (Xu 2006): modified NDWI, the same formula as NDSI."""
    return normalized_difference(green, swir1)


@register
def ndsi(green: Array, swir1: Array) -> Array:
    """Normalised difference snow index, (G − S1) / (G + S1) (Hall et al. 1995)."""
    return normalized_difference(green, swir1)


@register
def awei_nsh(green: Array, nir: Array, swir1: Array, swir2: Array) -> Array:
    """Automated water extraction index, no shadow: 4(G − S1) − (0.25N + 2.75S2) (Feyisa 2014)."""
    return 4 * (green - swir1) - (0.25 * nir + 2.75 * swir2)


@register
def awei_sh(blue: Array, green: Array, nir: Array, swir1: Array, swir2: Array) -> Array:
    """Automated water extraction index, shadow: B + 2.5G − 1.5(N + S1) − 0.25S2 (Feyisa 2014)."""
    return blue + 2.5 * green - 1.5 * (nir + swir1) - 0.25 * swir2


@register
def wri(green: Array, red: Array, nir: Array, swir1: Array) -> Array:
    """Water ratio index, (G + R) / (N + S1) (Shen & Li 2010)."""
    return (green + red) / (nir + swir1)


@register
def ndvi(red: Array, nir: Array) -> Array:
    """Vegetation index, (N − R) / (N + R) (Rouse et al. 1974)."""
    return normalized_difference(nir, red)


@register
def ndmi(nir: Array, swir1: Array) -> Array:
    """Moisture index, (N − S1) / (N + S1) (Gao 1996, there NDWI; also called LSWI)."""
    return normalized_difference(nir, swir1)


@register
def mbwi(green: Array, red: Array, nir: Array, swir1: Array, swir2: Array) -> Array:
    """Multi-band water index, 2G − R − N − S1 − S2 (Wang et al. 2018)."""
    return 2 * green - red - nir - swir1 - swir2


MIN_SIGNAL = 0.005
"""Sum of green and NIR below which their ratio is noise (reflectance of dark targets is known to
some 0.002), so that it is weighed down instead: less light tells less."""


@inner
def water_index(green, nir):  # type: ignore[no-untyped-def]
    """Return NDWI of a pixel within -1 and 1, drawn to 0 where noise makes much of the light.

    Reflectance below 0 is too much correction of the air and counts as 0.
    """
    none = np.float32(0)
    green, nir = max(green, none), max(nir, none)
    return (green - nir) / max(green + nir, np.float32(MIN_SIGNAL))


@kernel
def ndwi_or_zero(green, nir):  # type: ignore[no-untyped-def]
    """Return NDWI, drawn to 0 where both bands are so dark that the ratio is noise; NaN stays NaN.

    Parameters
    ----------
    green, nir : array of float32, shape (y, x)
    """
    height, width = green.shape
    value = np.empty((height, width), np.float32)
    for row in range(height):
        for col in range(width):
            if np.isfinite(green[row, col] + nir[row, col]):
                value[row, col] = water_index(green[row, col], nir[row, col])
            else:
                value[row, col] = np.nan
    return value
