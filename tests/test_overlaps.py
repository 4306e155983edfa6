"""Shared areas equal those of a general overlay, whatever the polygons are."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from glacial_lakes.kernels.overlaps import overlap_areas

GRID = st.integers(0, 6)
TRIANGLES = st.lists(st.tuples(GRID, GRID), min_size=3, max_size=3)
SHAPES = st.lists(TRIANGLES, min_size=1, max_size=4).map(
    lambda corners: shapely.union_all([shapely.Polygon(points).buffer(0) for points in corners])
)
"""Few places: many corners and edges of two shapes coincide, some shapes have holes or parts."""


def array(*shapes: shapely.Geometry | None) -> np.ndarray:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


@settings(deadline=None)  # the first call may compile
@given(SHAPES, SHAPES, st.sampled_from([0.0, 7.3e6]))
def test_the_area_is_that_of_the_intersection(
    one: shapely.Geometry, other: shapely.Geometry, away: float
) -> None:
    one, other = (shapely.transform(shape, lambda xy: 100 * xy + away) for shape in (one, other))
    told = overlap_areas(array(one, other), array(other, one))
    known = shapely.intersection(one, other).area
    assert told == pytest.approx(known, rel=1e-9, abs=1e-3)


def test_outlines_with_holes_and_parts_share_what_both_cover() -> None:
    ring = shapely.Point(0, 0).buffer(50).difference(shapely.Point(0, 0).buffer(20))
    parts = shapely.MultiPolygon([shapely.box(-60, -5, -30, 5), shapely.box(0, -5, 40, 5)])
    told = overlap_areas(array(ring, parts, ring), array(parts, ring, ring))
    known = ring.intersection(parts).area
    assert told == pytest.approx([known, known, ring.area], rel=1e-12)


def test_outlines_that_touch_share_nothing() -> None:
    left = shapely.Polygon([(0, 0), (10, 1), (11.7, 20.3), (0, 20)])
    right = shapely.Polygon([(10, 1), (30, 0), (30, 25), (11.7, 20.3)])
    corner = shapely.box(30, 25, 40, 40)
    told = overlap_areas(array(left, right), array(right, corner))
    assert told.tolist() == [0.0, 0.0]


def test_what_is_missing_or_empty_shares_nothing() -> None:
    box = shapely.box(0, 0, 1, 1)
    assert overlap_areas(array(None, box), array(box, shapely.Polygon())).tolist() == [0.0, 0.0]
    assert overlap_areas(array(), array()).tolist() == []
