"""Sunlight on terrain: slope, incidence and cast shadow."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from glacial_lakes.simulate.noise import Field

_OUTSIDE_M = -1.0e4
"""Elevation given to what lies outside the terrain: it shades nothing."""


def gradient(elevation: Field, cell_m: float) -> tuple[Field, Field]:
    """Return the rise towards east and towards north per metre."""
    south, east = np.gradient(elevation, cell_m)
    return np.asarray(east, np.float32), np.asarray(-south, np.float32)


def incidence(
    rise_east: Field, rise_north: Field, azimuth_deg: float, elevation_deg: float
) -> Field:
    """Return the cosine of the angle between sun and surface normal, below zero facing away."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    east = math.sin(azimuth) * math.cos(elevation)
    north = math.cos(azimuth) * math.cos(elevation)
    dot = math.sin(elevation) - east * rise_east - north * rise_north
    cosine = dot / np.sqrt(1.0 + rise_east * rise_east + rise_north * rise_north)
    return np.asarray(cosine, dtype=np.float32)


def shadow_depth(terrain: Field, cell_m: float, azimuth_deg: float, elevation_deg: float) -> Field:
    """Return how far below the edge of the cast shadow each cell lies, in metres.

    Every ray is marched at once: the terrain is resampled onto a grid whose columns run away
    from the sun, where the highest sun ray so far is a running maximum of
    ``z + distance * tan(elevation)``. Positive is in shadow, negative is lit.

    Parameters
    ----------
    terrain : numpy.ndarray
        Elevation in metres, float32, north-up.
    cell_m : float
        Cell edge in metres.
    azimuth_deg, elevation_deg : float
        Sun, clockwise from north, and above the horizon.
    """
    rows, cols = terrain.shape
    azimuth = math.radians(azimuth_deg)
    away = np.array([math.cos(azimuth), -math.sin(azimuth)])  # (row, col) away from the sun
    across = np.array([-away[1], away[0]])
    half = math.hypot(rows, cols) / 2 + 2
    size = 2 * math.ceil(half) + 1
    centre = np.array([(rows - 1) / 2, (cols - 1) / 2])
    to_terrain = np.column_stack([away, across])
    middle = np.full(2, (size - 1) / 2)
    rays = ndimage.affine_transform(
        terrain,
        to_terrain,
        offset=centre - to_terrain @ middle,
        output_shape=(size, size),
        order=1,
        mode="constant",
        cval=_OUTSIDE_M,
    )
    outside = rays < 0.5 * _OUTSIDE_M
    climb = np.arange(size, dtype=np.float32)[:, None] * np.float32(
        cell_m * math.tan(math.radians(elevation_deg))
    )
    rays += climb
    highest = np.maximum.accumulate(rays, axis=0)
    depth = np.zeros_like(rays)
    depth[1:] = highest[:-1] - rays[1:]
    depth[outside] = 0.0
    to_rays = to_terrain.T
    back = ndimage.affine_transform(
        depth,
        to_rays,
        offset=middle - to_rays @ centre,
        output_shape=(rows, cols),
        order=1,
        mode="nearest",
    )
    return np.asarray(back, dtype=np.float32)


def sunlit_fraction(depth_m: Field, elevation_deg: float, cell_m: float) -> Field:
    """Return the share of each cell that the sun reaches, from its depth in the shadow.

    The edge is as wide as a cell plus the penumbra of the solar disc (0.53° across) thrown by a
    crest about 500 m away.
    """
    width = cell_m * math.tan(math.radians(elevation_deg)) + 500.0 * math.radians(0.53)
    return np.asarray(np.clip(0.5 - depth_m / np.float32(width), 0.0, 1.0), dtype=np.float32)
