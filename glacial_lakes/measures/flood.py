"""How much water might leave a lake, and how fast: a first-order screening, never a forecast.

The mechanism decides: a tunnel through ice lets out a lake in days, a breach in minutes. It is
not known beforehand, so all results are ranges, one for dams of earth and rock, one for dams of
ice, and never a single number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glacial_lakes.columns import C
from glacial_lakes.measures.volume import VOLUME_RELATIONS, area_that_tells, volumes

Float = NDArray[np.float64]
Mechanism = Literal["breach", "ice"]

MAX_DEPTH_M = 55.0
"""Fujita et al. (2013), eq. 1: mean depth in m of 55 A^0.25, A in km², "the maximum
approximation" to Himalayan lakes."""
POTENTIAL_FLOOD_ERROR = 0.26
"""Relative uncertainty of the potential flood volume (Fujita et al. 2013)."""


@dataclass(frozen=True, slots=True)
class PeakRelation:
    """``peak_m3_s = factor * (volume_m3 / unit_m3) ** exponent`` up to a largest volume."""

    name: str
    citation: str
    mechanism: Mechanism
    factor: float
    exponent: float
    unit_m3: float = 1.0
    max_volume_m3: float = np.inf

    def peak_m3_s(self, volume_m3: Float) -> Float:
        """Return peak discharges in m³/s, NaN above the largest volume."""
        volume = np.asarray(volume_m3, dtype="float64")
        scaled = np.where(volume <= self.max_volume_m3, volume, np.nan) / self.unit_m3
        peak: Float = self.factor * scaled**self.exponent
        return peak


_HUGGEL_2004 = "Huggel et al. (2004), Can. Geotech. J. 41, 1068-1083: breach of moraine dams"
_HAEBERLI = "Haeberli (1983), Ann. Glaciol. 4, 85-90: sudden break of an ice barrier, V/t"

PEAK_RELATIONS = (
    PeakRelation(
        "Evans 1986",
        "Evans (1986), Can. Geotech. J. 23, 385-387: man-made and natural dams",
        "breach",
        0.72,
        0.53,
    ),
    PeakRelation(
        "Popov 1991",
        "Popov (1991): glacial debris flows, northern Tien Shan",
        "breach",
        0.0048,
        0.896,
    ),
    PeakRelation(
        "Huggel 2002",
        "Huggel et al. (2002), Can. Geotech. J. 39, 316-330: 2V/t with t = 1000 s",
        "breach",
        2e-3,
        1.0,
    ),
    PeakRelation("Huggel 2004", _HUGGEL_2004, "breach", 0.00077, 1.017, max_volume_m3=1.9e7),
    PeakRelation(
        "Clague & Mathews 1973",
        "Clague & Mathews (1973), J. Glaciol. 12, 501-504: tunnel through ice",
        "ice",
        75.0,
        0.67,
        unit_m3=1e6,
    ),
    PeakRelation("Haeberli 1983, t = 1000 s", _HAEBERLI, "ice", 1e-3, 1.0),
    PeakRelation("Haeberli 1983, t = 2000 s", _HAEBERLI, "ice", 5e-4, 1.0),
    PeakRelation(
        "Walder & Costa 1996, tunnel",
        "Walder & Costa (1996), Earth Surf. Process. Landf. 21, 701-723: tunnel through ice",
        "ice",
        46.0,
        0.66,
        unit_m3=1e6,
    ),
    PeakRelation(
        "Walder & Costa 1996, breach",
        "Walder & Costa (1996), Earth Surf. Process. Landf. 21, 701-723: not through a tunnel",
        "ice",
        1100.0,
        0.44,
        unit_m3=1e6,
    ),
)
"""Relations in use; which of the two mechanisms holds, the dam decides."""


def of_lakes(lakes: pd.DataFrame) -> pd.DataFrame:
    """Return peak discharges and potential floods of the lakes of an inventory."""
    area = area_that_tells(lakes)
    volume = volumes(area)
    peaks = peak_discharges(volume[C.VOLUME_LOW_M3], volume[C.VOLUME_HIGH_M3])
    height = lakes[C.LOWERING_HEIGHT_M] if C.LOWERING_HEIGHT_M in lakes else area * float("nan")
    return pd.concat([peaks, potential_flood(area, height)], axis=1)


def peak_discharges(
    volume_low_m3: pd.Series,
    volume_high_m3: pd.Series,
    relations: tuple[PeakRelation, ...] = PEAK_RELATIONS,
) -> pd.DataFrame:
    """Return the range of peak discharges at the lake if all of it drains.

    Screening, not a forecast. The low end is the lowest relation at the low volume, the high end
    the highest relation at the high volume.

    Parameters
    ----------
    volume_low_m3, volume_high_m3 : Series of float
        As :func:`glacial_lakes.measures.volume.volumes` gives them.
    relations : tuple of PeakRelation

    Returns
    -------
    DataFrame of float64
        ``peak_breach_low_m3_s`` and ``peak_breach_high_m3_s`` if the dam is of moraine or
        debris, ``peak_ice_low_m3_s`` and ``peak_ice_high_m3_s`` if it is of ice; missing where
        the volume is.
    """
    low: Float = volume_low_m3.to_numpy(dtype="float64", na_value=np.nan)
    high: Float = volume_high_m3.to_numpy(dtype="float64", na_value=np.nan)
    columns = {}
    for mechanism in ("breach", "ice"):
        mechanism_relations = [
            relation for relation in relations if relation.mechanism == mechanism
        ]
        least = np.fmin.reduce([relation.peak_m3_s(low) for relation in mechanism_relations])
        most = np.fmax.reduce([relation.peak_m3_s(high) for relation in mechanism_relations])
        columns[f"peak_{mechanism}_low_m3_s"] = least
        columns[f"peak_{mechanism}_high_m3_s"] = most
    return pd.DataFrame(columns, index=volume_low_m3.index)


def potential_flood(area_m2: pd.Series, lowering_height_m: pd.Series) -> pd.DataFrame:
    """Return the potential flood volume of Fujita et al. (2013) as an interval.

    Screening, not a forecast: the area times the smaller of the mean depth and the height by
    which the lake level must sink until no ground within 1 km lies steeply below it
    (*Nat. Hazards Earth Syst. Sci.* 13, 1827-1839).

    Parameters
    ----------
    area_m2 : Series of float
    lowering_height_m : Series of float
        As :func:`glacial_lakes.measures.relief.relief_indicators` gives it.

    Returns
    -------
    DataFrame of float64
        ``potential_flood_low_m3`` and ``potential_flood_high_m3`` (± 26 %); 0 without a steep
        front, missing where the height is, or where the area is outside of the range of
        the volume relations.
    """
    area = area_m2.to_numpy(dtype="float64", na_value=np.nan)
    height = lowering_height_m.to_numpy(dtype="float64", na_value=np.nan)
    least, most = VOLUME_RELATIONS[0].range_m2
    area = np.where((area >= least) & (area <= most), area, np.nan)
    volume = np.minimum(height, MAX_DEPTH_M * (area / 1e6) ** 0.25) * area
    return pd.DataFrame(
        {
            C.POTENTIAL_FLOOD_LOW_M3: volume * (1 - POTENTIAL_FLOOD_ERROR),
            C.POTENTIAL_FLOOD_HIGH_M3: volume * (1 + POTENTIAL_FLOOD_ERROR),
        },
        index=area_m2.index,
    )
