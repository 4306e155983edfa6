"""Reflectance as colours in which water, ice and ground are told apart by eye."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LIMITS = {"swir1": 0.45, "nir": 0.55, "red": 0.5, "green": 0.5}
"""Reflectance that is shown at full brightness: the same in every scene, so that dates compare."""
_GAMMA = 0.6
"""Brightens the dark, where water and shade are."""


def false_colour(reflectance: Mapping[str, NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Return red, green and blue: short-wave infrared, near infrared and green.

    Water is dark or blue, snow and ice are light blue, rock is brown, plants are green. Without
    short-wave infrared, near infrared, red and green stand for the three.

    Parameters
    ----------
    reflectance : mapping of str to ndarray (y, x), float32
        At least ``green`` and ``nir``; NaN where nothing is known.

    Returns
    -------
    ndarray (3, y, x), uint8
        0 where nothing is known, else 1 to 255.

    Examples
    --------
    >>> band = np.array([[0.0, 0.5, np.nan]], np.float32)
    >>> false_colour({"green": band, "nir": band})[2].tolist()
    [[1, 255, 0]]
    """
    first = "swir1" if "swir1" in reflectance else "nir"
    second = "nir" if first == "swir1" else ("red" if "red" in reflectance else "green")
    colours = np.zeros((3, *reflectance["green"].shape), np.uint8)
    for plane, name in zip(colours, (first, second, "green"), strict=True):
        shown = np.clip(reflectance[name] / np.float32(LIMITS[name]), 0, 1)
        known = np.isfinite(shown)
        plane[known] = 1 + np.rint(254 * shown[known] ** np.float32(_GAMMA)).astype(np.uint8)
    return colours
