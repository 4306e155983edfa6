"""Lake outlines: elongated, lobate, with bays, and islands in a few."""

from __future__ import annotations

import math

import numpy as np
from shapely import affinity
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient


def lake_outline(
    rng: np.random.Generator,
    area_m2: float,
    *,
    elongation: float = 1.8,
    roughness: float = 0.35,
    islands: int = 0,
) -> Polygon:
    """Return a lake of a given planar area about the origin, its long axis eastwards.

    The logarithm of the radius is a sum of waves whose amplitude falls as ``n ** -1.4``, which
    gives shores of a fractal dimension near 1.1–1.2 as mapped for lakes (Kent & Wong 1982).
    """
    count = int(np.clip(math.sqrt(area_m2) * 4.5 / 5.0, 48, 600))
    angle = np.linspace(0.0, 2.0 * math.pi, count, endpoint=False)
    log_radius = np.zeros(count)
    for n in range(2, min(40, count // 3)):
        amplitude = roughness * n**-1.4 * rng.rayleigh(0.8)
        log_radius += amplitude * np.cos(n * angle + rng.uniform(0.0, 2.0 * math.pi))
    radius = np.exp(log_radius)
    stretch = math.sqrt(elongation)
    x = radius * np.cos(angle) * stretch
    y = radius * np.sin(angle) / stretch
    y = y + rng.uniform(-0.18, 0.18) * x * x
    shell = Polygon(np.column_stack([x, y])).buffer(0)
    if shell.geom_type != "Polygon":
        shell = max(shell.geoms, key=lambda part: part.area)
    holes = [_island(rng, shell) for _ in range(islands)]
    for hole in holes:
        shell = shell.difference(hole)
    if shell.geom_type != "Polygon":
        shell = max(shell.geoms, key=lambda part: part.area)
    return scaled_to(affinity.translate(shell, -shell.centroid.x, -shell.centroid.y), area_m2)


def _island(rng: np.random.Generator, shell: Polygon) -> Polygon:
    centre = shell.representative_point()
    spread = 0.25 * math.sqrt(shell.area)
    x = centre.x + rng.uniform(-spread, spread)
    y = centre.y + rng.uniform(-spread, spread) * 0.5
    angle = np.linspace(0.0, 2.0 * math.pi, 24, endpoint=False)
    radius = 0.11 * math.sqrt(shell.area) * np.exp(0.15 * rng.standard_normal(24))
    island = Polygon(
        np.column_stack([x + radius * np.cos(angle) * 1.4, y + radius * np.sin(angle) * 0.8])
    ).buffer(0)
    inside = shell.buffer(-0.05 * math.sqrt(shell.area))
    return island.intersection(inside)


def scaled_to(outline: Polygon, area_m2: float) -> Polygon:
    """Return the outline scaled about the origin to a planar area."""
    factor = math.sqrt(area_m2 / outline.area)
    return affinity.scale(outline, factor, factor, origin=(0, 0))


def placed(outline: Polygon, x: float, y: float, bearing_rad: float) -> Polygon:
    """Return the outline turned anticlockwise from east and moved to a place."""
    turned = affinity.rotate(outline, bearing_rad, origin=(0, 0), use_radians=True)
    return orient(affinity.translate(turned, x, y))
