"""Reflectance of land, snow and ice, and of water from its optical properties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from glacial_lakes.simulate.noise import Field

WaterKind = Literal["clear", "green", "turbid", "very turbid"]

CENTRES_NM = (490.0, 560.0, 665.0, 842.0, 1610.0, 2190.0)
"""Centres of the bands blue, green, red, nir, swir1, swir2."""

Spectrum = tuple[float, float, float, float, float, float]

LAND: dict[str, Spectrum] = {
    "granite": (0.150, 0.180, 0.215, 0.255, 0.310, 0.285),
    "schist": (0.070, 0.080, 0.090, 0.110, 0.145, 0.130),
    "scree": (0.115, 0.138, 0.165, 0.205, 0.265, 0.240),
    "moraine": (0.135, 0.155, 0.175, 0.205, 0.240, 0.205),
    "meadow": (0.038, 0.075, 0.055, 0.330, 0.210, 0.110),
    "dry grass": (0.070, 0.105, 0.130, 0.235, 0.300, 0.215),
    "debris on ice": (0.105, 0.118, 0.130, 0.148, 0.165, 0.145),
    "glacier ice": (0.430, 0.435, 0.400, 0.285, 0.030, 0.022),
    "dirty ice": (0.215, 0.222, 0.220, 0.180, 0.055, 0.042),
    "firn": (0.720, 0.710, 0.685, 0.560, 0.060, 0.045),
    "old snow": (0.830, 0.820, 0.800, 0.680, 0.075, 0.055),
    "fresh snow": (0.950, 0.945, 0.935, 0.860, 0.160, 0.110),
    "wet sediment": (0.075, 0.088, 0.100, 0.115, 0.090, 0.060),
    "gravel": (0.165, 0.185, 0.200, 0.225, 0.250, 0.215),
    "lake bed": (0.100, 0.125, 0.140, 0.165, 0.185, 0.160),
    "white lake ice": (0.560, 0.560, 0.540, 0.430, 0.040, 0.030),
    "grey lake ice": (0.170, 0.175, 0.160, 0.095, 0.010, 0.008),
}
"""Bidirectional reflectance of surfaces other than water; sources in ``docs/simulator.md``."""


@dataclass(frozen=True, slots=True)
class Water:
    """What is in the water of a lake."""

    kind: WaterKind
    sediment_g_m3: float
    """Suspended glacial flour."""
    yellow_m1: float
    """Absorption of dissolved organic matter at 440 nm, per metre."""
    chlorophyll_mg_m3: float
    bottom_slope: float
    """Rise of the bed near the shore, metres per metre."""


# Pure water: Pope & Fry (1997) below 0.7 µm, Hale & Querry (1973) beyond.
_PURE_ABSORPTION_M1 = (0.0150, 0.0619, 0.429, 3.9, 672.0, 1700.0)


def water_reflectance(
    band: int, sediment_g_m3: Field, depth_m: Field, water: Water, bottom: float
) -> Field:
    """Return the reflectance of water over its bed just above the surface, without sky glint.

    Absorption and backscatter give the subsurface reflectance (Gordon et al. 1988); the bed
    shows through by two-way attenuation (Maritorena et al. 1994); the surface is crossed with
    the factors of Lee et al. (2002). Particle absorption and scattering follow Babin et al.
    (2003), dissolved matter Bricaud et al. (1981).

    Parameters
    ----------
    band : int
        Index into :data:`CENTRES_NM`.
    sediment_g_m3, depth_m : numpy.ndarray
        Suspended sediment and depth of each cell.
    water : Water
        What else is in the water.
    bottom : float
        Reflectance of the bed in this band.
    """
    nm = CENTRES_NM[band]
    mineral = 0.007 * math.exp(-0.0123 * (nm - 443.0))
    pigment = 0.05 * math.exp(-(((nm - 440.0) / 60.0) ** 2)) + 0.02 * math.exp(
        -(((nm - 675.0) / 12.0) ** 2)
    )
    dissolved = water.yellow_m1 * math.exp(-0.0145 * (nm - 440.0))
    absorbed = (
        _PURE_ABSORPTION_M1[band]
        + dissolved
        + pigment * water.chlorophyll_mg_m3
        + mineral * sediment_g_m3
    )
    molecular = 0.00069 * (500.0 / nm) ** 4.32
    scattered = molecular + 0.008 * (555.0 / nm) ** 0.7 * sediment_g_m3
    u = scattered / (absorbed + scattered)
    deep = (0.0949 + 0.0794 * u) * u
    seen = np.exp(-2.0 * (absorbed + scattered) * depth_m)
    below = deep * (1.0 - seen) + (bottom / math.pi) * seen
    above = 0.52 * below / (1.0 - 1.7 * below)
    return np.asarray(math.pi * above, dtype=np.float32)


def draw_water(rng: np.random.Generator, kind: WaterKind) -> Water:
    """Draw the contents of one lake of a kind."""
    low, high = {
        "clear": (0.4, 2.0),
        "green": (3.0, 12.0),
        "turbid": (30.0, 120.0),
        "very turbid": (180.0, 500.0),
    }[kind]
    sediment = float(np.exp(rng.uniform(math.log(low), math.log(high))))
    green = kind == "green"
    return Water(
        kind=kind,
        sediment_g_m3=sediment,
        yellow_m1=float(rng.uniform(0.15, 0.5) if green else rng.uniform(0.01, 0.08)),
        chlorophyll_mg_m3=float(rng.uniform(1.0, 4.0) if green else rng.uniform(0.1, 0.6)),
        bottom_slope=float(rng.uniform(0.08, 0.35)),
    )
