"""What proposes water: the rule of :mod:`water`, another index, or an extension.

An extension is an installed package that names functions in its entry points: indices in the
group ``glacial_lakes.indices``, detectors in ``glacial_lakes.detectors``. Worker processes find
them as well, which they do not for functions registered in a notebook.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from glacial_lakes import indices, water
from glacial_lakes.errors import ConfigError, MetadataError
from glacial_lakes.scenes.scene import BandName
from glacial_lakes.settings import MappingSettings

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Detector = Callable[[Mapping[str, Float], Bool], Bool]
"""From reflectance by band (y, x; NaN is not observed) and pixels that are excluded (cloud, snow
and ice, slopes in deep shade) to pixels that may hold water."""


def detector_of(settings: MappingSettings) -> Detector:
    """Return what proposes water under the settings.

    Raises
    ------
    ConfigError
        When there is no such index or detector, or an index without threshold.
    """
    if settings.detector is not None:
        found: Detector = _extension("detectors", settings.detector, [])
        return found
    name, threshold = settings.index, settings.seed_threshold
    if name == "ndwi" and threshold is None:
        return water.candidates
    if name not in indices.names():
        indices.register(_extension("indices", name, indices.names()))
    if threshold is None:
        threshold = indices.WATER_ABOVE.get(name)
    if threshold is None:
        raise ConfigError(
            "mapping.index", f"{name} has no published threshold", "give mapping.seed_threshold"
        )
    return above(name, threshold)


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
                None, f"there is no {missing[0]} band", "choose another mapping.index"
            )
        with np.errstate(invalid="ignore", divide="ignore"):
            result: Bool = (indices.compute(name, reflectance) > threshold) & ~excluded
        return result

    return detector


def _extension(kind: str, name: str, known: list[str]) -> Any:
    offered = entry_points(group=f"glacial_lakes.{kind}")
    for entry in offered:
        if entry.name == name:
            return entry.load()
    known = [*known, *(entry.name for entry in offered)]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]}?" if near else "install the package that offers it"
    raise ConfigError(f"mapping.{kind}", f"{name} is not known", remedy)
