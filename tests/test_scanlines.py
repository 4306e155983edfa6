"""Pixels in polygons: the same as GDAL says, for any number of polygons at once."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import geometry_mask

from glacial_lakes.kernels import rasterize
from glacial_lakes.kernels.rasterize import runs_in

TRANSFORM = Affine(10, 0, 460_000, 0, -10, 4_720_000)
SHAPE = (60, 80)


def masks(polygons: np.ndarray) -> np.ndarray:
    """Return the runs as one mask a polygon."""
    runs = runs_in(polygons, TRANSFORM)
    masks = np.zeros((len(polygons), *SHAPE), dtype=bool)
    for polygon, row, start, stop in zip(
        runs.polygon, runs.row, runs.start, runs.stop, strict=True
    ):
        assert not masks[polygon, row, start:stop].any()
        masks[polygon, row, start:stop] = True
    return masks


def blots(seed: int, count: int) -> np.ndarray:
    """Return rough polygons with holes, some of several parts."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        parts = []
        for _ in range(rng.integers(1, 3)):
            x, y = 460_000 + rng.uniform(100, 700), 4_720_000 - rng.uniform(100, 500)
            angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(4, 60)))
            reach = rng.uniform(5, 100, angle.size)
            ring = np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)])
            blot = shapely.make_valid(shapely.Polygon(ring))
            parts.append(blot.difference(shapely.Point(x, y).buffer(rng.uniform(1, 30))))
        found.append(shapely.union_all(parts))
    return np.array(found, dtype=object)


@given(st.integers(0, 10**6), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_the_pixels_are_those_of_gdal(seed: int, count: int) -> None:
    polygons = blots(seed, count)
    for polygon, mask in zip(polygons, masks(polygons), strict=True):
        expected = np.zeros(SHAPE, dtype=bool)
        if not polygon.is_empty:
            expected = geometry_mask([polygon], SHAPE, TRANSFORM, invert=True)
        np.testing.assert_array_equal(mask, expected)


def test_any_number_at_once_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    polygons = blots(1, 40)
    together = masks(polygons)
    monkeypatch.setattr(rasterize, "_VERTICES_AT_ONCE", 100)
    np.testing.assert_array_equal(masks(polygons), together)


def test_what_is_missing_or_empty_has_no_pixel() -> None:
    polygons = np.array([None, shapely.Polygon(), shapely.box(460_000, 4_719_990, 460_010, 4.72e6)])
    runs = runs_in(polygons, TRANSFORM)
    assert runs.polygon.tolist() == [2]
    assert (runs.row[0], runs.start[0], runs.stop[0]) == (0, 0, 1)
    assert runs_in(polygons[:0], TRANSFORM).row.size == 0


def test_pixels_beyond_any_raster_are_told_too() -> None:
    polygons = np.array([shapely.box(459_970, 4_720_000, 459_990, 4_720_010)])
    runs = runs_in(polygons, TRANSFORM)
    assert (runs.row.tolist(), runs.start.tolist(), runs.stop.tolist()) == ([-1], [-3], [-1])
