"""Depth and volume of a lake from its area alone: a first-order screening, never a survey.

Relations of others, each fitted to lakes with bathymetry. They differ less from each other than
a lake differs from all of them: area explains 91 % of the variance of volume, because volume
holds area, but only 38 % of that of depth (Cook & Quincey 2015, *Earth Surf. Dynam.* 3,
559-575). So the interval is the range of the relations, widened by
:data:`SCATTER_FACTOR`. `docs/attributes.md` tells where each coefficient could be checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glacial_lakes.columns import C
from glacial_lakes.schema import LakeType

Float = NDArray[np.float64]

SCATTER_FACTOR = 2.0
"""A single lake's volume lies off a relation by about this factor (one standard deviation). Cook
& Quincey (2015) find errors of 50 % to more than 400 % for single lakes."""
MIN_RELATIONS = 3
"""Fewer relations that hold for an area give no volume."""
_SURVEYED_M2 = (1.0e4, 6.0e6)
"""From the smallest lakes that Veh et al. (2020, *PNAS* 117, 907-912) use to the largest one whose
survey could be checked (Tasman Lake, 5.96 km² and 510 million m³ in 2008: Dykes et al. 2010,
*Erdkunde* 64, 141-154). The papers' own lists of lakes reach farther; narrower is safer."""


@dataclass(frozen=True, slots=True)
class VolumeRelation:
    """``volume_m3 = factor * (area_m2 / unit_m2) ** exponent`` within a range of areas."""

    name: str
    citation: str
    factor: float
    exponent: float
    unit_m2: float = 1.0
    range_m2: tuple[float, float] = _SURVEYED_M2

    def volume_m3(self, area_m2: Float) -> Float:
        """Return volumes in m³, NaN outside the range."""
        area = np.asarray(area_m2, dtype="float64")
        holds = (area >= self.range_m2[0]) & (area <= self.range_m2[1])
        scaled = np.where(holds, area, np.nan) / self.unit_m2
        volume: Float = self.factor * scaled**self.exponent
        return volume


VOLUME_RELATIONS = (
    VolumeRelation(
        "Evans 1986", "Evans (1986), Can. Geotech. J. 23, 385-387: ice-dammed", 0.035, 1.5
    ),
    VolumeRelation(
        "Huggel 2002",
        "Huggel et al. (2002), Can. Geotech. J. 39, 316-330: moraine- and ice-dammed",
        0.104,
        1.42,
    ),
    VolumeRelation(
        "Sakai 2012",
        "Sakai (2012), Glob. Environ. Res. 16: Himalaya, moraine-dammed",
        43.24e6,
        1.5307,
        unit_m2=1e6,
    ),
    VolumeRelation(
        "Cook & Quincey 2015",
        "Cook & Quincey (2015), Earth Surf. Dynam. 3, 559-575: all dams",
        0.1217,
        1.4129,
    ),
    VolumeRelation(
        "Kapitsa 2017",
        "Kapitsa et al. (2017), Nat. Hazards Earth Syst. Sci. 17, 1837-1856: northern Tien Shan",
        0.036,
        1.49,
        # Surveyed volumes there are 2.9e3 to 5.39e6 m3 (Kapitsa et al. 2023, Front. Earth Sci.
        # 11, 1192719): by the relation itself lakes of 2000 to 306 000 m2.
        range_m2=(2.0e3, 3.0e5),
    ),
)
"""Relations in use, by year."""


def of_lakes(lakes: pd.DataFrame) -> pd.DataFrame:
    """Return volume and mean depth of the lakes of an inventory, as :func:`volumes` does."""
    return volumes(area_that_tells(lakes))


def area_that_tells(lakes: pd.DataFrame) -> pd.Series:
    """Return the areas of lakes but for those on glaciers, of whose depth area says little.

    After Cook & Quincey (2015).
    """
    areas: pd.Series = lakes[C.AREA_M2]
    return areas.where(lakes[C.LAKE_TYPE] != LakeType.SUPRAGLACIAL)


def volumes(
    area_m2: pd.Series, relations: tuple[VolumeRelation, ...] = VOLUME_RELATIONS
) -> pd.DataFrame:
    """Return volume and mean depth by published area scalings: low, median, high.

    Screening, not a survey: median over the relations whose range holds the area; from the
    lowest of them divided by :data:`SCATTER_FACTOR` to the highest times it. The mean depth is
    the volume over the area.

    Parameters
    ----------
    area_m2 : Series of float
    relations : tuple of VolumeRelation

    Returns
    -------
    DataFrame of float64
        ``volume_low_m3``, ``volume_m3``, ``volume_high_m3`` and the same of ``mean_depth_…_m``;
        missing where fewer than :data:`MIN_RELATIONS` relations hold.
    """
    area: Float = area_m2.to_numpy(dtype="float64", na_value=np.nan)
    every = np.stack([relation.volume_m3(area) for relation in relations])
    known = np.isfinite(every).sum(axis=0) >= MIN_RELATIONS
    found = np.full((3, len(area)), np.nan)
    if known.any():
        held = every[:, known]
        found[0, known] = np.nanmin(held, axis=0) / SCATTER_FACTOR
        found[1, known] = np.nanmedian(held, axis=0)
        found[2, known] = np.nanmax(held, axis=0) * SCATTER_FACTOR
    columns = {}
    for quantity, unit, values in (("mean_depth", "m", found / area), ("volume", "m3", found)):
        for part, row in zip(("_low", "", "_high"), values, strict=True):
            columns[f"{quantity}{part}_{unit}"] = row
    return pd.DataFrame(columns, index=area_m2.index)


def volume_changes(
    before_m2: Float,
    after_m2: Float,
    sigma_m2: Float,
    relations: tuple[VolumeRelation, ...] = VOLUME_RELATIONS,
) -> Float:
    """Return changes of volume by published area scalings: low, median, high.

    A lake lies off a relation on all dates alike, so that a change is known as well as a volume is:
    from the smallest change of the relations divided by :data:`SCATTER_FACTOR` to the largest times
    it. The error of the difference of the areas adds to both sides.

    Parameters
    ----------
    before_m2, after_m2 : array of float
        Areas; 0 of a lake that is not there, of which the volume is 0.
    sigma_m2 : array of float
        One standard deviation of their difference; NaN counts as 0.

    Returns
    -------
    ndarray (3, lake), float64
        m³; missing where fewer than :data:`MIN_RELATIONS` relations hold for both areas.

    Examples
    --------
    >>> low, half, high = volume_changes(np.array([1e5]), np.array([2e5]), np.array([0.0]))
    >>> bool(low[0] > 0), round(high[0] / half[0], 1)
    (True, 2.2)
    """
    before, after = (
        np.where(area == 0, 0.0, np.stack([relation.volume_m3(area) for relation in relations]))
        for area in (np.asarray(before_m2), np.asarray(after_m2))
    )
    every = after - before
    known = np.isfinite(every).sum(axis=0) >= MIN_RELATIONS
    found = np.full((3, every.shape[1]), np.nan)
    if not known.any():
        return found
    held = every[:, known]
    ends = np.stack([held / SCATTER_FACTOR, held * SCATTER_FACTOR])
    low, half = np.nanmin(ends, axis=(0, 1)), np.nanmedian(held, axis=0)
    high = np.nanmax(ends, axis=(0, 1))
    larger = np.fmax(before_m2, after_m2)[known]
    exponents = np.array([[relation.exponent] for relation in relations])
    slopes = exponents * np.fmax(before, after)[:, known] / np.where(larger > 0, larger, np.inf)
    slope_m = np.nanmedian(slopes, axis=0)
    spread = np.nan_to_num(slope_m * np.asarray(sigma_m2)[known])
    below, above = np.hypot(half - low, spread), np.hypot(high - half, spread)
    found[:, known] = half - below, half, half + above
    return found
