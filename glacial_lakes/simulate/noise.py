"""Fractal random fields: the irregularity of rock, snow, clouds and shores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Field = NDArray[np.float32]


def generator(*key: int) -> np.random.Generator:
    """Return a random generator that depends on the key alone."""
    return np.random.default_rng(list(key))


def fractal_field(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cell_m: float,
    *,
    longest_m: float,
    shortest_m: float = 0.0,
    hurst: float = 0.8,
) -> Field:
    """Return a self-affine Gaussian field, periodic, of zero mean and unit variance.

    Made by spectral synthesis: white noise is filtered to a power spectrum falling as
    ``k ** -(2 * hurst + 2)`` (Saupe 1988, in Peitgen & Saupe, *The Science of Fractal Images*).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise.
    shape : tuple of int
        Rows and columns.
    cell_m : float
        Cell edge in metres.
    longest_m, shortest_m : float
        Wavelengths in metres outside which the field has no power.
    hurst : float
        Roughness: near 1 is smooth, near 0 is rough.

    Returns
    -------
    numpy.ndarray
        float32 field of ``shape``.
    """
    spectrum = fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    ky = fft.fftfreq(shape[0], cell_m)[:, None].astype(np.float32)
    kx = fft.rfftfreq(shape[1], cell_m)[None, :].astype(np.float32)
    k = np.sqrt(kx * kx + ky * ky)
    k[0, 0] = 1.0
    gain = k ** np.float32(-(hurst + 1.0))
    gain[k < 1.0 / longest_m] = 0.0
    if shortest_m > 0:
        gain[k > 1.0 / shortest_m] = 0.0
    gain[0, 0] = 0.0
    field = fft.irfft2(spectrum * gain, s=shape)
    return np.asarray(field / max(float(field.std()), 1e-9), dtype=np.float32)


def ridged_field(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cell_m: float,
    *,
    longest_m: float,
    octaves: int,
) -> Field:
    """Return a ridged multifractal in about 0–1: sharp crests between smooth troughs.

    Each octave is folded at zero and weighted by the one before, so that detail gathers on the
    ridges (Musgrave, in Ebert et al. 1994, *Texturing and Modeling*).
    """
    total = np.zeros(shape, np.float32)
    weight = np.ones(shape, np.float32)
    amplitude = 1.0
    for octave in range(octaves):
        wavelength = longest_m / 2**octave
        wave = fractal_field(
            rng, shape, cell_m, longest_m=wavelength, shortest_m=wavelength / 2, hurst=0.0
        )
        ridge = np.clip(1.0 - np.abs(wave) / 1.5, 0.0, 1.0) ** 2
        total += amplitude * ridge * weight
        weight = np.clip(ridge * 1.6, 0.0, 1.0)
        amplitude *= 0.5
    return (total / 2.0).astype(np.float32)


def smoothstep(values: Field, low: float, high: float) -> Field:
    """Return 0 below ``low``, 1 above ``high`` and a smooth cubic between."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)
