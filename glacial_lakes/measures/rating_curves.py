"""Volume of one lake from its area by its own bathymetry: what a survey knows, and no other lake.

A survey gives volumes at some areas, one at least. Between them the volume is a power of the area,
as it is for lakes in general; beyond them too, with an error that grows with the distance, for as
far as the basin may go on as it did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

USUAL_EXPONENT = 1.45
"""Of a lake of which one volume is known: the relations of many lakes have 1.41 to 1.53."""
EXPONENT_ERROR = 0.3
"""One standard deviation of the exponent beyond what was surveyed, and of a single volume. It is
ours: exponents from that of a basin with steep walls (1) to that of a cone (1.5) and beyond."""
CURVE_ERROR = 0.1
"""Relative standard deviation of a volume whose survey tells none."""
FARTHEST = 2.0
"""A curve holds from the smallest surveyed area divided by this to the largest times it."""


@dataclass(frozen=True, slots=True)
class RatingCurve:
    """Volumes of a lake at some areas.

    Parameters
    ----------
    area_m2, volume_m3 : tuple of float
        Above 0 and growing, one pair or more.
    relative_error : float
        One standard deviation of all its volumes, which shares its cause, such as the survey.

    Examples
    --------
    >>> curve = RatingCurve((1e5, 2e5), (1e6, 3e6))
    >>> volume, error = curve.volumes(np.array([1e5, 2e5, 5e5]))
    >>> volume.tolist()
    [1000000.0, 3000000.0, nan]
    """

    area_m2: tuple[float, ...]
    volume_m3: tuple[float, ...]
    relative_error: float = CURVE_ERROR

    def volumes(self, area_m2: Float) -> tuple[Float, Float]:
        """Return volumes in m³ and their relative errors; 0 at area 0, NaN too far from the survey.

        Parameters
        ----------
        area_m2 : array of float
        """
        area = np.asarray(area_m2, dtype=np.float64)
        known, volumes = np.log(self.area_m2), np.log(self.volume_m3)
        holds = (area >= self.area_m2[0] / FARTHEST) & (area <= self.area_m2[-1] * FARTHEST)
        place = np.log(np.where(holds, area, self.area_m2[0]))
        exponents = np.diff(volumes) / np.diff(known) if len(known) > 1 else [USUAL_EXPONENT]
        below, above = known[0] - place, place - known[-1]
        found = np.interp(place, known, volumes)
        found = np.where(below > 0, volumes[0] - exponents[0] * below, found)
        found = np.where(above > 0, volumes[-1] + exponents[-1] * above, found)
        away = np.maximum(np.maximum(below, above), 0.0)
        error = np.hypot(self.relative_error, EXPONENT_ERROR * away)
        volume = np.where(holds, np.exp(found), np.where(area == 0, 0.0, np.nan))
        return volume, np.where(holds, error, np.where(area == 0, 0.0, np.nan))

    def slope_m(self, area_m2: Float) -> Float:
        """Return by how much the volume grows with the area, m³ per m²; NaN where it is not known.

        Parameters
        ----------
        area_m2 : array of float
        """
        step = 0.01
        lower, upper = (self.volumes(np.asarray(area_m2) * (1 + by))[0] for by in (-step, step))
        slope: Float = (upper - lower) / (2 * step * np.where(area_m2 > 0, area_m2, np.nan))
        return slope


def from_depths(depth_m: Float, pixel_m2: float, steps: int = 20) -> RatingCurve | None:
    """Return the curve of a bathymetry: area and volume as the level sinks.

    Parameters
    ----------
    depth_m : array of float
        Depth below the surface of the survey, downwards above 0; NaN and 0 outside of the lake.
    pixel_m2 : float
    steps : int
        Levels, evenly between the surface and the deepest point.

    Returns
    -------
    RatingCurve or None
        None when nothing is deeper than 0.

    Examples
    --------
    >>> curve = from_depths(np.full((10, 10), 5.0), 100.0)
    >>> curve.area_m2[-1], curve.volume_m3[-1]
    (10000.0, 50000.0)
    """
    depths = np.sort(depth_m[np.isfinite(depth_m) & (depth_m > 0)].astype(np.float64))
    if not depths.size:
        return None
    levels = depths[-1] * np.arange(steps)[::-1] / steps
    first = np.searchsorted(depths, levels, side="right")
    total = np.append(np.cumsum(depths[::-1])[::-1], 0.0)
    count = depths.size - first
    areas, volumes = count * pixel_m2, (total[first] - levels * count) * pixel_m2
    # A wall gives one area at several levels: the highest of them counts.
    last = np.append(np.diff(areas) > 0, True)
    return RatingCurve(tuple(areas[last].tolist()), tuple(volumes[last].tolist()))
