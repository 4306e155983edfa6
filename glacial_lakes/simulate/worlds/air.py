"""Light on the relief and air above it: sky light, path radiance, adjacency, clouds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from shapely.geometry import Polygon

from glacial_lakes.simulate.frame import COARSE_M, FINE_M, MARGIN_M, NORTH, WEST, block_mean
from glacial_lakes.simulate.light import gradient, incidence, shadow_depth, sunlit_fraction
from glacial_lakes.simulate.noise import Field, fractal_field, generator, smoothstep
from glacial_lakes.simulate.sky import Sky
from glacial_lakes.simulate.spectra import CENTRES_NM
from glacial_lakes.simulate.surface import Reflectance
from glacial_lakes.simulate.worlds.cover import Ground
from glacial_lakes.simulate.worlds.frame import (
    Frame,
    between,
    choose,
    finer,
    for_landsat,
    log_between,
)

_CLOUD_COLOUR = (1.0, 1.0, 1.0, 0.98, 0.72, 0.55)
_SCALE_HEIGHT_M = 8_400.0
_REACH_M = 6_000.0
"""Extent of the cloud field beyond the scene: shadows come from that far."""


@dataclass(frozen=True, slots=True)
class Air:
    """The air over a scene and what a processor makes of it. Ranges: ``docs/simulator.md``."""

    aerosol: float
    """Optical thickness at 550 nm at the lowest ground (Holben et al. 2001)."""
    angstrom: float
    level: str
    """``SR``: corrected for the air. ``TOA``: not."""
    left: float
    """Share of path radiance that a correction leaves; negative where it takes too much."""
    relief_corrected: float
    """Exponent to which a processor divides by the light on its DEM; above 1 over-corrects."""
    least_light: float
    """Cosine below which the divisor does not fall."""
    adjacency: float
    """Share of the signal at 560 nm that comes from around."""
    cover: float
    """Share of the scene under thick cloud."""
    cumulus: float
    """Share under small cumulus of 60–400 m."""
    veil: float
    """Optical thickness of thin cloud over part of the scene."""
    veil_over_lake: float
    """Optical thickness of a thin cloud that lies over part of the largest lake."""
    cloud_height_m: float
    """Above the highest ground."""

    @classmethod
    def clear(cls, rng: np.random.Generator, level: str, *, sentinel2: bool) -> Air:
        """Draw the air of a scene without thick cloud."""
        return cls(
            aerosol=log_between(rng, 0.02, 0.22),
            angstrom=between(rng, 0.7, 1.7),
            level=level,
            left=between(rng, -0.6, 0.45),
            relief_corrected=between(rng, 0.0, 1.1) if sentinel2 and level == "SR" else 0.0,
            least_light=between(rng, 0.08, 0.3),
            adjacency=between(rng, 0.015, 0.07),
            cover=0.0,
            cumulus=0.0,
            veil=0.0,
            veil_over_lake=0.0,
            cloud_height_m=between(rng, 300.0, 2500.0),
        )

    def cloudy(self, rng: np.random.Generator) -> Air:
        """Return it with clouds."""
        kind = choose(rng, thick=0.4, small=0.35, thin=0.25)
        return replace(
            self,
            cover=between(rng, 0.05, 0.4) if kind == "thick" else 0.0,
            cumulus=log_between(rng, 0.003, 0.03),
            veil=log_between(rng, 0.05, 0.35) if kind == "thin" else 0.0,
            veil_over_lake=log_between(rng, 0.2, 1.5) if kind == "thin" else 0.0,
        )

    def haze(self) -> np.ndarray:
        """Return the optical thickness of the aerosol by band."""
        return self.aerosol * (np.array(CENTRES_NM) / 550.0) ** -self.angstrom


def gases() -> np.ndarray:
    """Return the optical thickness of gases at sea level by band (Hansen & Travis 1974)."""
    um = np.array(CENTRES_NM) / 1000.0
    return np.asarray(0.008569 * um**-4 * (1 + 0.0113 * um**-2 + 0.00013 * um**-4))


def make_sky(
    seed: int,
    frame: Frame,
    terrain: Field,
    ground: Ground,
    air: Air,
    sun: tuple[float, float],
    number: int,
    lake: Polygon | None = None,
) -> Sky:
    """Return clouds, shadows and incidence; shadows lie where the ray to the sun meets a cloud."""
    azimuth, elevation = sun
    landsat = ground.cell_m > 5.0

    def down(field: Field, cell_m: float) -> Field:
        there = frame.on_ground(field, cell_m)
        return for_landsat(there) if landsat else there

    depth = down(shadow_depth(terrain, FINE_M, azimuth, elevation), FINE_M)
    thickness, veil = _clouds(seed, frame, air, number, lake)
    rim = round((_REACH_M - MARGIN_M) / COARSE_M)
    cells = round((frame.size_m + 2 * MARGIN_M) / COARSE_M)
    over = (thickness + veil)[rim : rim + cells, rim : rim + cells]
    cloudy = bool(thickness.max() > 0)
    if cloudy:
        relief = ndimage.gaussian_filter(terrain, 20.0)[1::3, 1::3][:cells, :cells]
        top = float(terrain.max()) + air.cloud_height_m
        reach = (top - relief) / math.tan(math.radians(elevation)) / COARSE_M
        row, col = np.mgrid[0:cells, 0:cells].astype(np.float32) + np.float32(rim)
        sunward = ndimage.map_coordinates(
            thickness,
            [
                row - reach * math.cos(math.radians(azimuth)),
                col + reach * math.sin(math.radians(azimuth)),
            ],
            order=1,
            mode="nearest",
        ).astype(np.float32)
    else:
        sunward = np.zeros((cells, cells), np.float32)
    return Sky(
        cloud=down(over, COARSE_M),
        shade=down(sunward, COARSE_M),
        lit=sunlit_fraction(depth, elevation, ground.cell_m),
        cosine=incidence(ground.rise_east, ground.rise_north, azimuth, elevation),
        sun_azimuth_deg=azimuth,
        sun_elevation_deg=elevation,
    )


def _clouds(
    seed: int, frame: Frame, air: Air, number: int, lake: Polygon | None
) -> tuple[Field, Field]:
    cells = round((frame.size_m + 2 * _REACH_M) / COARSE_M)
    shape = (cells, cells)
    rng = generator(seed, 109, number)
    thick = np.zeros(shape, np.float32)
    if air.cover > 0:
        field = fractal_field(rng, shape, COARSE_M, longest_m=3200.0, hurst=0.6)
        excess = field - np.float32(np.quantile(field, 1.0 - air.cover))
        thick = 20.0 * smoothstep(excess, -0.05, 1.4) ** 1.4 * (excess > 0)
    if air.cumulus > 0:
        field = fractal_field(rng, shape, COARSE_M, longest_m=700.0, shortest_m=60.0, hurst=0.35)
        excess = field - np.float32(np.quantile(field, 1.0 - air.cumulus))
        thick = np.maximum(thick, 9.0 * smoothstep(excess, 0.0, 0.9) * (excess > 0))
    veil = np.zeros(shape, np.float32)
    if air.veil > 0:
        field = fractal_field(rng, shape, COARSE_M, longest_m=9000.0, shortest_m=240.0, hurst=0.75)
        veil = np.float32(air.veil) * np.clip(0.8 + 1.0 * field, 0.0, 3.0)
    if air.veil_over_lake > 0 and lake is not None:
        veil += np.float32(air.veil_over_lake) * _over(rng, shape, lake)
    return thick.astype(np.float32), veil.astype(np.float32)


def _over(rng: np.random.Generator, shape: tuple[int, int], lake: Polygon) -> Field:
    """Return a ragged patch, 0-1, about a place on the shore of a lake."""
    place = lake.exterior.interpolate(rng.random(), normalized=True)
    col = (place.x - WEST + _REACH_M) / COARSE_M
    row = (NORTH + _REACH_M - place.y) / COARSE_M
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    reach = (0.8 * math.sqrt(lake.area) + 120.0) / COARSE_M
    ragged = fractal_field(rng, shape, COARSE_M, longest_m=900.0, hurst=0.5)
    far2 = ((x - col) ** 2 + (y - row) ** 2) / np.float32(reach**2)
    return smoothstep(np.exp(-far2) + 0.15 * ragged, 0.15, 0.6)


def see(signal: Reflectance, ground: Ground, sky: Sky, air: Air) -> None:
    """Turn albedo into the reflectance that the product reports, in place.

    Direct light goes with the cosine of incidence. Sky light (its share follows the optical
    thickness of gases and aerosol) comes from the visible part of the sky (Liu & Jordan 1963),
    light of the slopes across from the rest. A processor that corrects the relief divides by
    the light on its own, smoother DEM, where it knows no cast shadow. Path radiance is single
    scattering (Bodhaine et al. 1999 for the gases), lower on high ground. Adjacency mixes in a
    share of some 300 m around (Vermote et al. 1997). Clouds are two-stream slabs (Bohren 1987).
    """
    overhead = math.sin(math.radians(sky.sun_elevation_deg))
    slab = max(overhead, 0.25)
    slope2 = ground.rise_east**2 + ground.rise_north**2
    view = 0.5 + 0.5 / np.sqrt(1.0 + slope2)
    beam = np.exp(-sky.shade / np.float32(slab))
    through = beam + np.float32(0.10) * (1.0 - beam)
    direct = np.clip(sky.cosine, 0.0, None) / np.float32(overhead) * sky.lit * through
    veiled = 1.0 - 0.25 * np.minimum(sky.shade, 3.0) / 3.0
    known = _known_light(ground, sky, air, overhead) if air.relief_corrected > 0 else None
    above = np.exp(-ground.elevation / np.float32(_SCALE_HEIGHT_M))
    at_sea = gases()
    lowest = float(ground.elevation.min())
    thin_out = np.exp(-(ground.elevation - np.float32(lowest)) / np.float32(1500.0))
    dust = air.haze()
    white = 0.15 * sky.cloud / (2.0 + 0.15 * sky.cloud)
    pass_through = (1.0 - white) * np.exp(-0.5 * sky.cloud)
    cloudy = bool(sky.cloud.max() > 0)
    block = round(60.0 / ground.cell_m)
    for band in range(6):
        dusty = np.float32(dust[band]) * thin_out
        gas = np.float32(at_sea[band]) * above
        scattered = 0.5 * gas + 0.75 * dusty
        share = 1.0 - np.exp(-scattered / np.float32(slab))
        across = _around(signal[band], block)
        lit = direct * (1.0 - share) + view * veiled * share + 0.9 * (1.0 - view) * across
        if known is not None:
            assumed = known * (1.0 - share) + view * share
            lit = lit / assumed ** np.float32(air.relief_corrected)
        signal[band] *= np.minimum(lit, 3.0)
        mix = air.adjacency * (
            0.3 + 0.7 * (gas + dusty) / max(float(gas.max() + dusty.max()), 1e-6)
        )
        mix = np.float32((CENTRES_NM[band] / 560.0) ** -1.2) * mix
        signal[band] += mix * (_around(signal[band], block) - signal[band])
        path = (gas * 1.1 + 0.35 * dusty) / np.float32(4.0 * slab)
        path = path / (1.0 + path)
        if air.level == "TOA":
            fade = np.exp(-(0.5 * gas + 0.2 * dusty) * np.float32(1.0 + 1.0 / slab))
            signal[band] = path + fade * signal[band]
        else:
            signal[band] += np.float32(air.left) * path
        if cloudy:
            colour = np.float32(_CLOUD_COLOUR[band] * 1.2)
            signal[band] = signal[band] * pass_through + colour * white


def _known_light(ground: Ground, sky: Sky, air: Air, overhead: float) -> Field:
    """Return what a processor takes the direct light for, from its own smoother DEM."""
    smooth = ndimage.gaussian_filter(ground.elevation, 25.0 / ground.cell_m)
    east, north = gradient(np.asarray(smooth, np.float32), ground.cell_m)
    cosine = incidence(east, north, sky.sun_azimuth_deg, sky.sun_elevation_deg)
    return np.asarray(np.maximum(cosine, air.least_light) / overhead, np.float32)


def _around(field: Field, block: int) -> Field:
    mean = block_mean(field, block)
    wide = finer(ndimage.gaussian_filter(mean, 4.0, mode="nearest"), block)
    missing = [(0, field.shape[0] - wide.shape[0]), (0, field.shape[1] - wide.shape[1])]
    return np.pad(wide, missing, mode="edge")
