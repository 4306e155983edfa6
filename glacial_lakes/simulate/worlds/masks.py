"""Quality layers that lie: clouds they miss, lakes they take for something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glacial_lakes.simulate.noise import Field
from glacial_lakes.simulate.quality import Label

Labels = NDArray[np.uint8]
_CLOUDS = (Label.CLOUD, Label.CLOUD_MEDIUM, Label.DILATED, Label.CIRRUS)


@dataclass(frozen=True, slots=True)
class MaskFaults:
    """How a mask is wrong (Baetens et al. 2019; Skakun et al. 2022; Sen2Cor on water)."""

    smallest_cloud_m2: float
    """Clouds and shadows smaller than this are missed."""
    misses_veil: bool
    """Thin cloud is not flagged at all."""
    misses_shadows: float
    """Share of cloud shadows that are missed."""
    lakes_as_shadow: float
    """Share of dark lakes that are wholly taken for shadow."""
    lakes_as_snow: float
    """Share of bright lakes that are wholly taken for snow."""
    lakes_as_cloud: float
    """Share of bright lakes that are wholly taken for cloud."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> MaskFaults:
        """Draw the faults of a mask; about half of the masks take no lake for something else."""
        wrong = rng.random(3) < 0.4
        shares = rng.uniform(0.02, 0.3, 3) * wrong
        return cls(
            smallest_cloud_m2=float(rng.choice([0.0, 2e4, 6e4, 2e5])),
            misses_veil=bool(rng.random() < 0.6),
            misses_shadows=float(rng.uniform(0.0, 0.5)),
            lakes_as_shadow=float(shares[0]),
            lakes_as_snow=float(0.6 * shares[1]),
            lakes_as_cloud=float(0.6 * shares[2]),
        )


def lie(
    labels: Labels,
    faults: MaskFaults,
    rng: np.random.Generator,
    *,
    pixel_m: float,
    green: Field,
    lakes: Sequence[NDArray[np.intp]],
) -> Labels:
    """Return the labels with the faults.

    Parameters
    ----------
    labels : numpy.ndarray
        What a careful processor would say: a :class:`~glacial_lakes.simulate.quality.Label` a
        pixel.
    faults : MaskFaults
        What is wrong.
    rng : numpy.random.Generator
        Decides on which lakes and shadows.
    pixel_m : float
        Pixel edge, metres.
    green : numpy.ndarray
        Reflectance, as ``labels``.
    lakes : sequence of numpy.ndarray
        Flat indices of the pixels of each lake.
    """
    faulty = labels.copy()
    bare = np.uint8(Label.BARE)
    if faults.misses_veil:
        faulty[faulty == Label.CIRRUS] = bare
    cloudy = np.isin(faulty, _CLOUDS)
    faulty[_smaller(cloudy, faults.smallest_cloud_m2 / pixel_m**2)] = bare
    shadow = faulty == Label.SHADOW
    faulty[_smaller(shadow, faults.smallest_cloud_m2 / pixel_m**2)] = bare
    parts, count = ndimage.label(faulty == Label.SHADOW)
    missed = np.append(False, rng.random(count) < faults.misses_shadows)
    faulty[missed[parts]] = bare
    for cells in lakes:
        drawn = rng.random(3)
        if cells.size == 0 or np.isin(faulty.flat[cells], _CLOUDS).mean() > 0.2:
            continue
        shown = green.flat[cells]
        shown = shown[np.isfinite(shown)]
        if shown.size == 0:
            continue
        tone = float(np.median(shown))
        if tone < 0.09 and drawn[0] < faults.lakes_as_shadow:
            faulty.flat[cells] = Label.SHADOW
        elif tone > 0.14 and drawn[1] < faults.lakes_as_snow:
            faulty.flat[cells] = Label.SNOW
        elif tone > 0.14 and drawn[2] < faults.lakes_as_cloud:
            faulty.flat[cells] = Label.CLOUD
    faulty[labels == Label.NODATA] = Label.NODATA
    return faulty


def _smaller(mask: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    if least <= 0 or not mask.any():
        return np.zeros_like(mask)
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    size = np.bincount(parts.ravel())
    size[0] = size.max() + 1
    return np.asarray((size < least)[parts] & mask)
