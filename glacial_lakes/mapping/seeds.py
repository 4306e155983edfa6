"""What proposes water: a global threshold of an index, another index, or an extension.

Seeds only propose; :mod:`glacial_lakes.mapping.classification` judges each candidate by its own
features.

An extension is an installed package that names functions in its entry points: indices in the
group ``glacial_lakes.indices``, detectors in ``glacial_lakes.detectors``. Worker processes find
them as well, which they do not for functions registered in a notebook.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.errors import N_, ConfigError, InputError, Message, MetadataError
from glacial_lakes.kernels.jit import kernel
from glacial_lakes.mapping import indices
from glacial_lakes.mapping.indices import water_index
from glacial_lakes.mapping.masks import MIN_WATER_NDWI, NO_BAND, is_milk
from glacial_lakes.mapping.pixels import SHADE, Pixels
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.scene import BandName, Scene
from glacial_lakes.settings import MappingSettings

Float = NDArray[np.float32]

Bool = NDArray[np.bool_]

Detector = Callable[[Mapping[str, Float], Bool], Bool]
"""From reflectance by band (y, x; NaN is not observed) and pixels that are excluded (cloud, snow
and ice, slopes in deep shade) to pixels that may hold water."""


Proposer = Callable[[Pixels, Bool], Bool]
"""As a detector, of all that is known of the pixels of a window."""


def proposer(detector: Detector) -> Proposer:
    """Return a detector as a proposer that refuses what is no answer.

    Its function raises InputError when the detector gives nothing, another shape or another type.
    :func:`water_seeds` proposes water under glint besides.
    """
    if detector is water_seeds:
        return _propose_water

    def propose(pixels: Pixels, excluded: Bool) -> Bool:
        found: Any = detector(pixels.reflectance, excluded)
        is_array = isinstance(found, np.ndarray)
        if not (is_array and found.dtype == bool and found.shape == excluded.shape):
            raise InputError(
                None,
                "the detector gives {found}",
                "return an array of bool with the shape of excluded, {shape}",
                found=f"{found.dtype} {found.shape}" if is_array else type(found).__name__,
                shape=str(excluded.shape),
            )
        return cast("Bool", found)

    return propose


def detector_of(settings: MappingSettings, file: Path | None = None) -> Detector:
    """Return what proposes water under the settings.

    Parameters
    ----------
    settings : MappingSettings
    file : pathlib.Path, optional
        The project file that holds them, which an error names.

    Raises
    ------
    ConfigError
        When there is no such index or detector, or an index without threshold.
    """
    if settings.detector is not None:
        found: Detector = _extension("detector", settings.detector, [], file)
        return found
    name, threshold = settings.index, settings.seed_threshold
    if name == "ndwi" and threshold is None and settings.seed_method is None:
        return water_seeds
    if name not in indices.names():
        indices.register(_extension("index", name, indices.names(), file))
    if threshold is None:
        threshold = indices.WATER_ABOVE.get(name)
    if threshold is None and settings.seed_method is not None:
        threshold = 0.0  # the scene tells it
    if threshold is None:
        raise ConfigError(
            file,
            '{key} = "{name}" has no published threshold',
            "give mapping.seed_threshold",
            key="mapping.index",
            name=name,
        )
    return above(name, threshold)


def detector_for(scene: Scene, settings: MappingSettings) -> Detector:
    """Return what proposes water in a scene, whose histogram may tell the threshold.

    Raises
    ------
    ConfigError
        As :func:`detector_of`.
    MetadataError
        When the histogram is asked for and the scene lacks a band or shows no ground.
    """
    detector = detector_of(settings)
    if settings.seed_method is None or settings.detector is not None:
        return detector
    from glacial_lakes.mapping.thresholds import (  # noqa: PLC0415 (scikit-image is slow to load)
        histogram_threshold,
    )

    return above(settings.index, histogram_threshold(scene, settings.index, settings.seed_method))


def bands_of(settings: MappingSettings) -> list[str]:
    """Return the bands that may propose water under the settings; an extension may ask for any."""
    if settings.detector is None and settings.index in indices.names():
        return indices.bands_of(settings.index)
    return list(get_args(BandName))


def above(name: str, threshold: float) -> Detector:
    """Return the detector that takes pixels whose index is above a threshold."""

    def detector(reflectance: Mapping[str, Float], excluded: Bool) -> Bool:
        missing = [band for band in indices.bands_of(name) if band not in reflectance]
        if missing:
            raise MetadataError(
                None, "there is no {band} band", "choose another mapping.index", band=missing[0]
            )
        with np.errstate(invalid="ignore", divide="ignore"):
            result: Bool = (indices.compute(name, reflectance) > threshold) & ~excluded
        return result

    return detector


_GROUPS = {"index": "glacial_lakes.indices", "detector": "glacial_lakes.detectors"}


def _extension(key: str, name: str, known: list[str], file: Path | None) -> Any:
    offered = entry_points(group=_GROUPS[key])
    for entry in offered:
        if entry.name == name:
            return entry.load()
    known = sorted({*known, *(entry.name for entry in offered)})
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        remedy = Message("did you mean {name}? Known are {names}", name=near[0], names=known)
    elif known:
        remedy = Message("use one of {names}, or install the package that offers it", names=known)
    else:
        remedy = Message("install the package that offers it")
    what = N_('{key} = "{name}" is not known')
    raise ConfigError(file, what, remedy, key=f"mapping.{key}", name=name)


MIN_SEED_NDWI = 0.06
"""Lower bound of the seeds: a pixel half of turbid water and half of moraine."""

MAX_SEED_NIR = 0.16

MAX_SEED_SWIR1 = 0.14
"""Weak seeds must be dark beyond 0.8 µm, as mixed pixels of water are and bright land is not."""

MAX_DARK_NIR, MAX_DARK_SWIR1 = 0.02, 0.03
"""What reflects so little near infrared is water or shade, whatever its index, which is noise: no
sunlit ground is so dark. Glint lifts the SWIR as much as the near infrared, and the SWIR of many
sensors has coarser pixels, which see more of the shore."""

MAX_GLINT = 0.035
GLINT_FALL = 0.6
"""Glint of the sun on deep water lifts near infrared and SWIR alike, up to the first. The light of
the sky, by which shaded ground is seen, falls to less than the second share between them, and rock
in dim sunlight rises."""

MAX_GREY, GREY_SPREAD, GREY_NOISE = 0.05, 0.25, 0.004
"""Near infrared up to which water under glint is as dark as no sunlit ground; how far green and
SWIR may be from it, as a share of it and besides."""

FLAT_DEG = 4.0
"""Lakes lie on ground as flat as this in a DEM of 30 m, which shade of slopes seldom does."""

MAX_WATER_GREEN = 0.40
"""The brightest glacial milk stays below this; snow and cloud do not."""


def water_seeds(reflectance: Mapping[str, Float], excluded: Bool) -> Bool:
    """Return pixels that may hold water.

    Parameters
    ----------
    reflectance : mapping of band name to float32 array (y, x)
        At least green and nir; NaN is not observed.
    excluded : array of bool
        Never a candidate: cloud, snow and ice, slopes in deep shade.
    """
    green, nir = reflectance["green"], reflectance["nir"]
    blue, red, swir1 = (reflectance.get(name, NO_BAND) for name in ("blue", "red", "swir1"))
    found: Bool = _water_seeds(blue, green, red, nir, swir1, excluded)
    return found


def _propose_water(pixels: Pixels, excluded: Bool) -> Bool:
    """Return pixels that may hold water by their colour, or by their darkness on flat ground."""
    found, bands = water_seeds(pixels.reflectance, excluded), pixels.reflectance
    if pixels.terrain is None or "swir1" not in bands:
        return found
    hazy = pixels.flags & np.uint8(SHADE | Quality.STEEP | Quality.CIRRUS) != 0
    blue = bands.get("blue", NO_BAND)
    grey: Bool = _grey(blue, bands["green"], bands["nir"], bands["swir1"], excluded | found | hazy)
    return found | (grey & (pixels.slope_deg < FLAT_DEG)) if grey.any() else found


@kernel
def is_grey(blue, green, nir, swir1):  # type: ignore[no-untyped-def]
    """Return whether a pixel is dark and of one brightness in all bands; NaN of blue: no band.

    Water under glint is: glint lifts all bands alike. Ground in dim sunlight rises to the SWIR, and
    the light of the sky, by which shade is seen, falls off to it.
    """
    spread = GREY_SPREAD * nir + GREY_NOISE
    even = abs(swir1 - nir) < spread and abs(green - nir) < spread
    return even and 0 < nir < MAX_GREY and not blue > nir + 2 * spread


@kernel
def _grey(blue, green, nir, swir1, excluded):  # type: ignore[no-untyped-def]
    height, width = green.shape
    found = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            if not excluded[row, col]:
                b = blue[row, col] if blue.size else np.float32(np.nan)
                found[row, col] = is_grey(b, green[row, col], nir[row, col], swir1[row, col])
    return found


@kernel
def _water_seeds(blue, green, red, nir, swir1, excluded):  # type: ignore[no-untyped-def]
    height, width = green.shape
    found = np.empty((height, width), np.bool_)
    has_swir1 = swir1.size > 0
    for row in range(height):
        for col in range(width):
            g, n = green[row, col], nir[row, col]
            if excluded[row, col] or not np.isfinite(g + n):
                found[row, col] = False
                continue
            value = water_index(g, n)
            strong = (value > MIN_WATER_NDWI) & (g < MAX_WATER_GREEN)
            weak = (value > MIN_SEED_NDWI) & (n < MAX_SEED_NIR)
            dark = n < MAX_DARK_NIR
            s = swir1[row, col] if has_swir1 else np.float32(np.nan)
            b = blue[row, col] if blue.size else np.float32(np.nan)
            r = red[row, col] if red.size else np.float32(np.nan)
            milk = g < MAX_WATER_GREEN and is_milk(b, g, r, n, s)
            if has_swir1:
                weak &= (s < MAX_SEED_SWIR1) & (s < g)
                dark &= s < MAX_DARK_SWIR1
                dark |= n < MAX_GLINT and GLINT_FALL * n < s < n
            found[row, col] = strong | weak | dark | milk
    return found
