"""Attributes of outlines: ``GeoDataFrame -> Series`` or ``DataFrame``, index kept.

Size, place, glaciers, volume, floods and relief; each function names the paper behind it.
Volumes, floods and relief are a first-order screening, not a hazard assessment.
"""

from glacial_lakes.measures.flood import peak_discharges, potential_flood
from glacial_lakes.measures.geometry import (
    elevation,
    geodesic_area_perimeter,
    hanshaw_bookhagen_error,
    inner_lon_lat,
)
from glacial_lakes.measures.glaciers import (
    glacier_contact,
    glacier_ids,
    glacier_years,
    may_be_near,
    nearest_glacier,
    relation_to_glaciers,
)
from glacial_lakes.measures.registry import of_lakes
from glacial_lakes.measures.relief import relief_indicators
from glacial_lakes.measures.volume import volumes

__all__ = [
    "elevation",
    "geodesic_area_perimeter",
    "glacier_contact",
    "glacier_ids",
    "glacier_years",
    "hanshaw_bookhagen_error",
    "inner_lon_lat",
    "may_be_near",
    "nearest_glacier",
    "of_lakes",
    "peak_discharges",
    "potential_flood",
    "relation_to_glaciers",
    "relief_indicators",
    "volumes",
]
