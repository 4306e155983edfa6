"""The DEM that comes with a world: of another year, smoothed, shifted, biased, with voids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from scipy import ndimage

from glacial_lakes.simulate.frame import (
    COARSE_M,
    CRS_NAME,
    FINE_M,
    MARGIN_M,
    NORTH,
    WEST,
    block_mean,
)
from glacial_lakes.simulate.noise import Field, fractal_field, generator
from glacial_lakes.simulate.worlds.frame import between, choose, log_between

VOID = -9999.0


@dataclass(frozen=True, slots=True)
class DemFaults:
    """Faults of a DEM (Copernicus DEM Product Handbook; Rodriguez et al. 2006 for SRTM)."""

    kind: str
    """``good``, ``other year`` (without the lakes, and with more ice), or ``none`` at all."""
    smoothing_m: float
    shift_px: tuple[float, float]
    """East and south, up to one pixel of 30 m (Nuth & Kääb 2011)."""
    bias_m: float
    noise_m: float
    voids: float
    """Share without a value."""
    ice_loss_m: float
    """How much thicker the ice was at the snouts in the year of the DEM."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> DemFaults:
        """Draw the faults of a DEM."""
        kind = choose(rng, good=0.45, **{"other year": 0.43}, none=0.12)
        angle, far = between(rng, 0, 2 * np.pi), between(rng, 0.0, 1.0)
        return cls(
            kind=kind,
            smoothing_m=log_between(rng, 8.0, 60.0),
            shift_px=(float(far * np.cos(angle)), float(far * np.sin(angle))),
            bias_m=between(rng, -4.0, 4.0),
            noise_m=log_between(rng, 0.4, 2.5),
            voids=float(rng.choice([0.0, 0.01, 0.05], p=[0.7, 0.2, 0.1])),
            ice_loss_m=between(rng, 5.0, 60.0),
        )


def make_dem(
    seed: int, faults: DemFaults, terrain: Field, bare: Field, low_ice: Field
) -> tuple[Field, Affine] | None:
    """Return a DEM of 30 m and its transform, or None where the world has none.

    Parameters
    ----------
    seed : int
        Of the world.
    faults : DemFaults
        What is wrong with it.
    terrain, bare : numpy.ndarray
        True elevation with and without the lakes, on cells of 10 m, metres.
    low_ice : numpy.ndarray
        0–1, as they: how low on a tongue a cell lies.
    """
    if faults.kind == "none":
        return None
    rng = generator(seed, 110)
    source = terrain
    if faults.kind == "other year":
        source = bare + np.float32(faults.ice_loss_m) * low_ice
    smooth = ndimage.gaussian_filter(source, faults.smoothing_m / FINE_M)
    moved = ndimage.shift(
        smooth,
        (faults.shift_px[1] * COARSE_M / FINE_M, faults.shift_px[0] * COARSE_M / FINE_M),
        order=1,
        mode="nearest",
    )
    dem = block_mean(np.asarray(moved, np.float32), round(COARSE_M / FINE_M))
    steep = np.hypot(*np.gradient(dem, COARSE_M))
    wide = fractal_field(rng, dem.shape, COARSE_M, longest_m=1500.0, hurst=0.6)
    grain = rng.standard_normal(dem.shape, dtype=np.float32)
    dem = dem + faults.noise_m * ((0.7 + 2.0 * steep) * wide + 0.4 * grain) + faults.bias_m
    if faults.voids > 0:
        where = fractal_field(rng, dem.shape, COARSE_M, longest_m=900.0, hurst=0.7)
        where = where + 1.2 * (steep > 0.7)
        dem[where > np.quantile(where, 1.0 - faults.voids)] = VOID
    rim = 6
    dem = np.round(dem[rim:-rim, rim:-rim], 2).astype(np.float32)
    transform = Affine(
        COARSE_M,
        0,
        WEST - MARGIN_M + rim * COARSE_M,
        0,
        -COARSE_M,
        NORTH + MARGIN_M - rim * COARSE_M,
    )
    return dem, transform


def write(dem: Field, transform: Affine, path: Path) -> None:
    """Write a DEM."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=dem.shape[1],
        height=dem.shape[0],
        count=1,
        dtype="float32",
        crs=CRS_NAME,
        transform=transform,
        nodata=VOID,
        compress="deflate",
    ) as file:
        file.write(dem, 1)
