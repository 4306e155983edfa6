"""Water, snow and vegetation indices: pure formulas of reflectance.

Every function works alike on NumPy, xarray and dask arrays, because it only adds, multiplies
and divides. Reflectances are fractions (0..1); where a band is NaN (not observed) the index is
NaN, and where the denominator is 0 it is not finite.
"""

from __future__ import annotations

from typing import Any

Array = Any
"""A NumPy, xarray or dask array of reflectance, or a number."""


def normalized_difference(a: Array, b: Array) -> Array:
    """Return (a − b) / (a + b)."""
    return (a - b) / (a + b)


def ndwi(green: Array, nir: Array) -> Array:
    """Normalised difference water index, (G − N) / (G + N) (McFeeters 1996)."""
    return normalized_difference(green, nir)


def ndwi_blue(blue: Array, nir: Array) -> Array:
    """Blue water index, (B − N) / (B + N); Huggel et al. (2002) write it with the sign turned."""
    return normalized_difference(blue, nir)


def ndwi_ice(blue: Array, red: Array) -> Array:
    """Index for meltwater on ice, (B − R) / (B + R) (Yang & Smith 2013)."""
    return normalized_difference(blue, red)


def mndwi(green: Array, swir1: Array) -> Array:
    """Return (G − S1) / (G + S1) (Xu 2006): modified NDWI, the same formula as NDSI."""
    return normalized_difference(green, swir1)


def ndsi(green: Array, swir1: Array) -> Array:
    """Normalised difference snow index, (G − S1) / (G + S1) (Hall et al. 1995)."""
    return normalized_difference(green, swir1)


def awei_nsh(green: Array, nir: Array, swir1: Array, swir2: Array) -> Array:
    """Automated water extraction index, no shadow: 4(G − S1) − (0.25N + 2.75S2) (Feyisa 2014)."""
    return 4 * (green - swir1) - (0.25 * nir + 2.75 * swir2)


def awei_sh(blue: Array, green: Array, nir: Array, swir1: Array, swir2: Array) -> Array:
    """Automated water extraction index, shadow: B + 2.5G − 1.5(N + S1) − 0.25S2 (Feyisa 2014)."""
    return blue + 2.5 * green - 1.5 * (nir + swir1) - 0.25 * swir2


def wri(green: Array, red: Array, nir: Array, swir1: Array) -> Array:
    """Water ratio index, (G + R) / (N + S1) (Shen & Li 2010)."""
    return (green + red) / (nir + swir1)


def ndvi(red: Array, nir: Array) -> Array:
    """Vegetation index, (N − R) / (N + R) (Rouse et al. 1974)."""
    return normalized_difference(nir, red)
