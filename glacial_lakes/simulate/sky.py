"""Clouds with their shadows, cirrus, haze, and the light that reaches the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.frame import (
    COARSE_M,
    FINE_M,
    MARGIN_M,
    NORTH,
    SCENE_M,
    WEST,
    block_mean,
    on_ground,
    upsample,
)
from glacial_lakes.simulate.ground import Ground
from glacial_lakes.simulate.lakes import LakeState
from glacial_lakes.simulate.light import incidence, shadow_depth, sunlit_fraction
from glacial_lakes.simulate.noise import Field, fractal_field, generator, smoothstep
from glacial_lakes.simulate.site import Site
from glacial_lakes.simulate.spectra import CENTRES_NM
from glacial_lakes.simulate.surface import Reflectance

OPAQUE = 0.5
"""Optical thickness from which a cell counts as hidden."""
CLOUD_TOP_M = 5_300.0
"""Elevation of the clouds, above all peaks."""
_REACH_M = 5_700.0
"""Extent of the cloud field beyond the scene: shadows come from that far."""
_DIFFUSE = (0.20, 0.145, 0.095, 0.055, 0.02, 0.012)
"""Diffuse share of the light on level ground at about 3700 m under a clear sky."""
_CLOUD_COLOUR = (1.0, 1.0, 1.0, 0.98, 0.72, 0.55)
_THROUGH_CLOUD = 0.14
"""Share of direct light that thick cumulus lets through or past, scattered."""
_ADJACENCY = (0.055, 0.045, 0.035, 0.022, 0.006, 0.004)


@dataclass(frozen=True, eq=False)
class Sky:
    """Optical thickness overhead, on the way to the sun, and the sun on the terrain."""

    cloud: Field
    """Optical thickness between ground and sensor, cirrus included."""
    shade: Field
    """Optical thickness of cloud between ground and sun."""
    lit: Field
    """Share of each cell that terrain does not shade."""
    cosine: Field
    """Cosine of the incidence angle."""
    sun_azimuth_deg: float
    sun_elevation_deg: float


def make_sky(site: Site, ground: Ground, acquisition: Acquisition) -> Sky:
    """Return the sky over a site on a date.

    Shadows lie where the ray from the ground to the sun meets a cloud, at the height of the
    clouds above that ground.
    """
    azimuth, elevation = acquisition.sun(*site.centre_lonlat)
    depth = on_ground(shadow_depth(site.terrain, FINE_M, azimuth, elevation), FINE_M, ground.cell_m)
    thickness = _cloud_field(site, acquisition)
    rim = round((_REACH_M - MARGIN_M) / COARSE_M)
    over = (thickness + _cirrus(acquisition, thickness.shape))[rim:-rim, rim:-rim]
    relief = ndimage.gaussian_filter(site.terrain, 20.0)[1::3, 1::3]
    reach = (CLOUD_TOP_M - relief) / math.tan(math.radians(elevation)) / COARSE_M
    row, col = np.mgrid[0 : reach.shape[0], 0 : reach.shape[1]].astype(np.float32) + np.float32(rim)
    sunward = ndimage.map_coordinates(
        thickness,
        [
            row - reach * math.cos(math.radians(azimuth)),
            col + reach * math.sin(math.radians(azimuth)),
        ],
        order=1,
        mode="nearest",
    )
    return Sky(
        cloud=on_ground(over, COARSE_M, ground.cell_m),
        shade=on_ground(sunward.astype(np.float32), COARSE_M, ground.cell_m),
        lit=sunlit_fraction(depth, elevation, ground.cell_m),
        cosine=incidence(ground.rise_east, ground.rise_north, azimuth, elevation),
        sun_azimuth_deg=azimuth,
        sun_elevation_deg=elevation,
    )


def light_up(albedo: Reflectance, ground: Ground, sky: Sky, relief_corrected: float) -> None:
    """Turn albedo into the reflectance that a processor reports, in place.

    Direct light goes with the cosine of incidence, diffuse light with the visible sky of a
    tilted plane (Liu & Jordan 1963); both are relative to level ground in the sun. The
    processor takes out a share of the relief's effect where the sun shines.
    """
    overhead = math.sin(math.radians(sky.sun_elevation_deg))
    relative = np.clip(sky.cosine, 0.0, None) / np.float32(overhead)
    relative = np.minimum(relative ** np.float32(1.0 - relief_corrected), 2.6)
    beam = np.exp(-sky.shade / np.float32(max(overhead, 0.3)))
    through = beam + np.float32(_THROUGH_CLOUD) * (1.0 - beam)
    direct = relative * sky.lit * through
    slope2 = ground.rise_east**2 + ground.rise_north**2
    view = 0.5 + 0.5 / np.sqrt(1.0 + slope2)
    veiled = 1.0 - 0.30 * np.minimum(sky.shade, 3.0) / 3.0
    diffuse = view * veiled
    for band in range(6):
        share = np.float32(_DIFFUSE[band] * (0.6 + 0.28 / overhead))
        albedo[band] *= direct * (1.0 - share) + diffuse * share


def through_air(signal: Reflectance, ground: Ground, sky: Sky, haze: float) -> None:
    """Add adjacency, haze and clouds to the reflectance, in place.

    Clouds reflect as the two-stream slab of Bohren (1987) with an asymmetry of 0.85; haze has
    an Ångström exponent of 1.3 and thins out with height; adjacency mixes in a share of the
    surroundings (Vermote et al. 1997).
    """
    block = round(60.0 / ground.cell_m)
    scale = np.exp(-(ground.elevation - 3200.0) / 1800.0) * np.float32(haze)
    white = 0.15 * sky.cloud / (2.0 + 0.15 * sky.cloud)
    pass_through = (1.0 - white) * np.exp(-0.5 * sky.cloud)
    cloudy = bool(sky.cloud.max() > 0)
    for band, colour in enumerate(_CLOUD_COLOUR):
        mean = block_mean(signal[band], block)
        around = upsample(ndimage.gaussian_filter(mean, 5.0, mode="nearest"), block)
        around = np.pad(
            around,
            [(0, signal.shape[1] - around.shape[0]), (0, signal.shape[2] - around.shape[1])],
            mode="edge",
        )
        share = np.float32(_ADJACENCY[band] * (1.0 + 12.0 * haze))
        signal[band] += share * (around - signal[band])
        veil = scale * np.float32((CENTRES_NM[band] / 560.0) ** -1.3)
        signal[band] += veil - 1.2 * veil * signal[band]
        if cloudy:
            signal[band] = signal[band] * pass_through + np.float32(colour * 1.25) * white


def _cloud_field(site: Site, acquisition: Acquisition) -> Field:
    cells = round((SCENE_M + 2 * _REACH_M) / COARSE_M)
    shape = (cells, cells)
    if acquisition.cloud_fraction <= 0.0 and not acquisition.cloud_over:
        return np.zeros(shape, np.float32)
    rng = generator(site.seed, 31, acquisition.seed, acquisition.time.toordinal())
    field = fractal_field(rng, shape, COARSE_M, longest_m=2600.0, hurst=0.55)
    ragged = fractal_field(rng, shape, COARSE_M, longest_m=700.0, hurst=0.35)
    y, x = np.mgrid[0:cells, 0:cells].astype(np.float32)
    states = {s.lake.lake_id: s for s in site.lakes_in(acquisition.year)}
    for number in acquisition.cloud_over:
        state = states.get(site.lakes[number].lake_id)
        if state is not None:
            field = np.maximum(field, _bump(state, x, y, ragged))
    edge = round(_REACH_M / COARSE_M)
    scene = field[edge:-edge, edge:-edge]
    limit = float(np.quantile(scene, 1.0 - min(acquisition.cloud_fraction, 1.0)))
    excess = np.maximum(field - np.float32(limit), 0.0)
    return np.asarray(22.0 * smoothstep(excess, -0.05, 1.5) ** 1.4 * (excess > 0), np.float32)


def _bump(state: LakeState, x: Field, y: Field, ragged: Field) -> Field:
    """Return a cloud over a lake with a ragged edge."""
    centre = state.outline.centroid
    col = (centre.x - WEST + _REACH_M) / COARSE_M
    row = (NORTH + _REACH_M - centre.y) / COARSE_M
    reach = (0.75 * math.sqrt(state.outline.area) + 260.0) / COARSE_M
    far2 = ((x - col) ** 2 + (y - row) ** 2) / reach**2
    return np.asarray(3.4 * np.exp(-far2 * np.exp(-0.6 * np.clip(ragged, -2.0, 2.0))), np.float32)


def _cirrus(acquisition: Acquisition, shape: tuple[int, int]) -> Field:
    if acquisition.cirrus <= 0.0:
        return np.zeros(shape, np.float32)
    rng = generator(32, acquisition.seed, acquisition.time.toordinal())
    field = fractal_field(rng, shape, COARSE_M, longest_m=9000.0, shortest_m=300.0, hurst=0.7)
    return np.asarray(acquisition.cirrus * np.clip(1.0 + 0.9 * field, 0.0, None), np.float32)
