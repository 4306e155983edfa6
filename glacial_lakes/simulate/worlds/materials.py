"""What surfaces reflect, drawn from ranges of published spectra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from glacial_lakes.simulate.spectra import CENTRES_NM, Spectrum
from glacial_lakes.simulate.worlds.frame import between, choose

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mineral:
    """A range of rock or soil spectra."""

    green: Range
    """Reflectance at 560 nm, dry."""
    slope: Range
    """Exponent of the rise with wavelength from blue to NIR: 0 is grey, 2 is red."""
    swir: Range
    """Reflectance at 1.6 µm over that at 0.84 µm."""
    swir2: Range
    """Reflectance at 2.2 µm over that at 1.6 µm: clay and carbonate absorb there."""
    source: str


ROCKS: dict[str, Mineral] = {
    "granite": Mineral((0.15, 0.30), (0.35, 0.9), (1.0, 1.35), (0.85, 1.0), "splib07; ECOSTRESS"),
    "gneiss": Mineral((0.10, 0.22), (0.3, 0.9), (1.0, 1.4), (0.82, 1.0), "splib07; ECOSTRESS"),
    "schist": Mineral((0.06, 0.13), (0.2, 0.8), (1.05, 1.5), (0.8, 0.97), "splib07; ECOSTRESS"),
    "slate": Mineral((0.045, 0.09), (0.1, 0.5), (1.0, 1.35), (0.85, 1.0), "ECOSTRESS"),
    "basalt": Mineral((0.045, 0.10), (0.2, 0.7), (0.9, 1.3), (0.85, 1.05), "splib07; ECOSTRESS"),
    "limestone": Mineral((0.22, 0.42), (0.2, 0.7), (0.95, 1.15), (0.75, 0.95), "splib07"),
    "sandstone": Mineral((0.10, 0.22), (1.0, 2.2), (1.0, 1.4), (0.8, 0.97), "splib07; ECOSTRESS"),
}
"""Kokaly et al. 2017 (splib07), Meerdink et al. 2019 (ECOSTRESS, with Baldridge et al. 2009)."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The surfaces of one world."""

    rocks: tuple[str, str]
    spectra: Mapping[str, Spectrum]
    grain: float
    """Contrast of the texture of rock."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> Palette:
        """Draw the surfaces of a world: two rocks, and all that is made of them or lies on them.

        At last all are made brighter or darker by up to 16 %, redder or bluer by up to 10 %
        from blue to 1.6 µm, and each band by about 3 %: what calibration, moisture, lichen and
        direction change from site to site.
        """
        names = list(ROCKS)
        first, second = (names[int(n)] for n in rng.choice(len(names), 2, replace=False))
        one, two = _mineral(rng, ROCKS[first]), _mineral(rng, ROCKS[second])
        debris = (0.5 * one + 0.5 * two) * between(rng, 0.9, 1.2)
        silt = _silt(rng, debris)
        land = {
            "rock": one,
            "other rock": two,
            "scree": debris * between(rng, 0.95, 1.15),
            "moraine": debris * between(rng, 0.9, 1.15),
            "gravel": debris * between(rng, 1.0, 1.25),
            "debris on ice": debris * between(rng, 0.7, 1.0),
            "silt": silt,
            "wet silt": _wet(rng, silt),
            "wet debris": _wet(rng, debris),
            "lake bed": silt * between(rng, 0.6, 1.0),
            "forest": _canopy(rng, (0.020, 0.042), (0.10, 0.24), (0.35, 0.6)),
            "meadow": _canopy(rng, (0.045, 0.085), (0.24, 0.42), (0.5, 0.75)),
            "sedge": _canopy(rng, (0.04, 0.07), (0.16, 0.28), (0.4, 0.7)),
            "dry grass": _mineral(
                rng, Mineral((0.08, 0.14), (1.2, 1.9), (1.1, 1.5), (0.65, 0.85), "splib07")
            ),
        }
        frozen = _snow_and_ice(rng, land["debris on ice"])
        tone = between(rng, 0.84, 1.16)
        tilt = between(rng, -0.10, 0.10)
        own = 1.0 + 0.03 * np.clip(rng.standard_normal(6), -2, 2)
        colour = tone * own * (1.0 + tilt * (np.array(CENTRES_NM) - 1050.0) / 1120.0)
        spectra = {name: _spectrum(values * colour) for name, values in land.items()}
        pure = 1.0 + (own - 1.0) / 2
        spectra |= {name: _spectrum(values * pure) for name, values in frozen.items()}
        return cls((first, second), spectra, between(rng, 0.07, 0.17))


def _mineral(rng: np.random.Generator, of: Mineral) -> np.ndarray:
    green, slope = between(rng, *of.green), between(rng, *of.slope)
    nm = np.array(CENTRES_NM)
    shape = (nm / 560.0) ** slope
    shape[3] = shape[2] * (842.0 / 665.0) ** (0.6 * slope)  # iron oxides flatten beyond the red
    shape[4] = shape[3] * between(rng, *of.swir)
    shape[5] = shape[4] * between(rng, *of.swir2)
    return green * shape


def _silt(rng: np.random.Generator, debris: np.ndarray) -> np.ndarray:
    """Rock flour, dry: brighter and flatter than what it is ground from."""
    flat = np.mean(debris[:4])
    return np.clip((0.5 * debris + 0.5 * flat) * between(rng, 1.1, 1.7), 0.06, 0.5)


def _wet(rng: np.random.Generator, dry: np.ndarray) -> np.ndarray:
    """Darker by a film of water, most in the shortwave infrared (Lobell & Asner 2002)."""
    film = between(rng, 0.4, 1.0)
    deep = np.array([0.45, 0.45, 0.47, 0.50, 0.72, 0.80])
    return dry * (1.0 - film * deep)


def _canopy(rng: np.random.Generator, green: Range, nir: Range, swir: Range) -> np.ndarray:
    """Plants: Kokaly et al. 2017; conifers as in Rautiainen et al. 2018."""
    g, n = between(rng, *green), between(rng, *nir)
    red = g * between(rng, 0.5, 0.85)
    middle = n * between(rng, *swir)
    blue = g * between(rng, 0.4, 0.6)
    return np.array([blue, g, red, n, middle, middle * between(rng, 0.4, 0.6)])


def _snow_and_ice(rng: np.random.Generator, debris: np.ndarray) -> dict[str, np.ndarray]:
    """Snow by grain and dirt (Warren 1982), ice by dirt (Bøggild et al. 2010; Gardner & Sharp)."""

    def snow(visible: Range, nir: Range, swir: Range, dirt: Range) -> np.ndarray:
        v, n, s = between(rng, *visible), between(rng, *nir), between(rng, *swir)
        clean = np.array([v, v, 0.99 * v, n * v, s, 0.75 * s])
        return clean + between(rng, *dirt) * (debris - clean)

    ice = snow((0.42, 0.62), (0.55, 0.75), (0.012, 0.05), (0.0, 0.1))
    return {
        "fresh snow": snow((0.90, 0.97), (0.86, 0.93), (0.10, 0.20), (0.0, 0.01)),
        "old snow": snow((0.72, 0.88), (0.76, 0.85), (0.04, 0.09), (0.0, 0.06)),
        "firn": snow((0.50, 0.72), (0.68, 0.80), (0.03, 0.07), (0.02, 0.15)),
        "ice": ice,
        "dirty ice": ice + between(rng, 0.55, 0.9) * (debris - ice),
        "white lake ice": snow((0.45, 0.68), (0.65, 0.82), (0.02, 0.05), (0.0, 0.02)),
        "grey lake ice": snow((0.14, 0.26), (0.45, 0.65), (0.008, 0.02), (0.0, 0.02)),
        "black lake ice": snow((0.04, 0.09), (0.30, 0.55), (0.004, 0.010), (0.0, 0.01)),
        "slush": snow((0.22, 0.40), (0.40, 0.60), (0.010, 0.025), (0.0, 0.02)),
    }


def _spectrum(values: np.ndarray) -> Spectrum:
    a, b, c, d, e, f = (float(value) for value in np.clip(values, 0.002, 0.99))
    return a, b, c, d, e, f


def season(rng: np.random.Generator) -> str:
    """Draw whether grass is green or dry."""
    return choose(rng, meadow=0.65, **{"dry grass": 0.35})
