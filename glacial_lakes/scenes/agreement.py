"""Whether a scene shows the ground of a place as bright as the other scenes of the place do.

A wrong scale may give reflectance that is possible, but not that of this ground. Half of the clear
ground of a mountain place is darker than the same number to within a sixth in every summer and by
every sensor (test data: green 0.11–0.13, near infrared 0.18–0.21), and to within a third at the
end of October.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
import shapely
from numpy.typing import NDArray

from glacial_lakes.errors import Message

FACTOR = 1.75
"""How much brighter or darker than the others the clear ground of a scene may be."""

FEWEST_OTHERS = 2
"""Of two scenes that differ nobody can tell which one is wrong."""

_COMMON = 0.5
"""Share of the smaller of two scenes that both show, from which they show one place."""
_SUPPORT = 0.25
"""Where this share of the others agrees with a scene, it shows another season and no fault."""


@dataclass(frozen=True, slots=True)
class Ground:
    """How bright a scene shows the ground."""

    extent: shapely.Geometry
    """Where, in degrees."""
    clear: Mapping[str, float]
    """By band the median reflectance of what is clear of cloud and snow; empty: not told."""
    all: Mapping[str, float]
    """By band the median reflectance, cloud and snow too."""


def disagreeing(grounds: Mapping[str, Ground]) -> dict[str, Message]:
    """Return why scenes stand far off most others of their place, as clauses by scene.

    Parameters
    ----------
    grounds : mapping of str to Ground
        By scene. One that does not tell its cloud and snow is only compared where it is the
        darker one: these two only brighten.

    Returns
    -------
    dict of str to Message
        Independent of the order of the scenes. Scenes with fewer than :data:`FEWEST_OTHERS`
        others, or whose others do not agree among themselves, are not in it.
    """
    found = {}
    names = [name for name, ground in grounds.items() if ground.clear]
    extents = np.array([grounds[name].extent for name in names], object)
    for name, ground in grounds.items():
        is_near = _show_one_place(ground.extent, extents)
        others = [
            grounds[other].clear
            for other, near in zip(names, is_near, strict=True)
            if near and other != name
        ]
        for band in ground.clear or ground.all:
            levels = [clear[band] for clear in others if clear.get(band, 0.0) > 0]
            own = (ground.clear or ground.all)[band]
            is_darker_only = not ground.clear
            if len(levels) >= FEWEST_OTHERS and _stands_off(own, levels, is_darker_only):
                found[name] = Message(
                    "{band} reflectance of the ground is {own:.3f}, "
                    "but {others:.3f} in most of {count} other images of the place",
                    band=band,
                    own=own,
                    others=median(levels),
                    count=len(levels),
                )
                break
    return found


def _stands_off(own: float, levels: list[float], is_darker_only: bool) -> bool:
    middle = median(levels)
    if _is_near(own, middle) or (is_darker_only and own > middle):
        return False
    agreeing = sum(_is_near(level, middle, math.sqrt(FACTOR)) for level in levels)
    support = sum(_is_near(level, own) for level in levels)
    return agreeing > len(levels) / 2 and support < _SUPPORT * len(levels)


def _is_near(one: float, other: float, factor: float = FACTOR) -> bool:
    return one < factor * other and other < factor * one


def _show_one_place(one: shapely.Geometry, others: NDArray[np.object_]) -> NDArray[np.bool_]:
    smaller = np.minimum(one.area, shapely.area(others))
    common = shapely.area(shapely.intersection(one, others))
    is_one: NDArray[np.bool_] = (smaller > 0) & (common >= _COMMON * smaller)
    return is_one
