"""Glaciers in the valley heads: where their ice, debris and moraines lie in a year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from shapely.geometry import Polygon
from shapely.ops import unary_union
from skimage.measure import find_contours

from glacial_lakes.simulate.frame import COARSE_M, MARGIN_M, NORTH, WEST
from glacial_lakes.simulate.noise import Field, smoothstep
from glacial_lakes.simulate.relief import Valley

REFERENCE_YEAR = 2003.0


@dataclass(frozen=True, eq=False)
class Glacier:
    """One valley glacier that retreats at a steady rate."""

    glacier_id: str
    valley: Valley
    along: Field
    """Coarse cells: distance up the valley from its mouth."""
    across: Field
    """Coarse cells: distance from the thalweg."""
    terminus_m: float
    """Distance of the terminus from the valley mouth in :data:`REFERENCE_YEAR`."""
    retreat_m_yr: float
    debris: float
    """Share of the lowest tongue under debris, 0–1."""

    def terminus_at(self, year: float) -> float:
        """Return the distance of the terminus from the valley mouth."""
        return self.terminus_m + self.retreat_m_yr * (year - REFERENCE_YEAR)

    def inside_m(self, year: float, widened: float = 1.0) -> Field:
        """Return the distance inside the margin (negative outside), coarse cells.

        The snout is a parabola in plan; the width grows from the valley floor's at the snout
        to a cirque at the head.
        """
        above = self.along - np.float32(self.terminus_at(year))
        floor = float(np.interp(self.terminus_m, self.valley.along, self.valley.half_width_m))
        reach = max(self.valley.length_m - self.terminus_m, 400.0)
        share = np.clip(above / np.float32(reach), 0.0, 1.0)
        width = widened * (1.25 * floor + (370.0 - floor) * share**0.75)
        width = width * np.sqrt(np.clip(above / 320.0, 0.0, 1.0))
        return np.asarray(
            np.where(above > 0, width - self.across, np.minimum(-self.across, above)), np.float32
        )

    def debris_cover(self, year: float) -> Field:
        """Return the share of the ice under debris, coarse cells."""
        above = self.along - np.float32(self.terminus_at(year))
        return np.asarray(self.debris * (1.0 - smoothstep(above, 150.0, 1100.0)), np.float32)


def make_glaciers(
    rng: np.random.Generator, valleys: tuple[Valley, ...], cells: int
) -> tuple[Glacier, ...]:
    """Return a glacier for each valley that reaches high enough, largest valley first."""
    found: list[Glacier] = []
    for valley in valleys:
        end_m = rng.normal(3640.0, 60.0)
        retreat = rng.uniform(4.0, 14.0)
        debris = rng.choice([0.0, 0.35, 0.9])
        terminus = valley.reach(end_m)
        if valley.floor_m[-1] < end_m + 130.0 or valley.length_m - terminus < 450.0:
            continue
        along, across = valley.coordinates(cells)
        found.append(
            Glacier(
                f"G{len(found) + 1:03d}", valley, along, across, terminus, retreat, float(debris)
            )
        )
    return tuple(found)


def glacier_outline(glacier: Glacier, year: float) -> Polygon:
    """Return the outline of a year in map coordinates."""
    field = np.pad(glacier.inside_m(year), 1, constant_values=-1.0e3)
    rings = []
    for contour in find_contours(field, 0.0):  # type: ignore[no-untyped-call]
        x = WEST - MARGIN_M + (contour[:, 1] - 0.5) * COARSE_M
        y = NORTH + MARGIN_M - (contour[:, 0] - 0.5) * COARSE_M
        if len(contour) >= 4:
            rings.append(Polygon(np.column_stack([x, y])).buffer(0))
    whole = unary_union(rings)
    return max(getattr(whole, "geoms", [whole]), key=lambda part: part.area)
