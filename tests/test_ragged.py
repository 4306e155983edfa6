"""Packed outlines come out as they went in, wherever they are taken from."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pytest
import shapely

from glacial_lakes.runtime import collector
from glacial_lakes.runtime.threads import one_ahead
from glacial_lakes.tracking.ragged import RaggedPolygons

HOLE = (
    shapely.box(0, 0, 9, 9).difference(shapely.box(1, 1, 2, 2)).difference(shapely.box(3, 3, 5, 4))
)
SHAPES = [
    shapely.Point(30, 30).buffer(5),
    HOLE,
    shapely.MultiPolygon([HOLE, shapely.box(20, 20, 21, 22)]),
    None,
    shapely.Polygon(),
    shapely.Polygon([(0, 0, 7), (1, 0, 7), (1, 1, 7)]),
    shapely.box(4, 5, 6, 7),
]


def array(shapes: list[shapely.Geometry | None]) -> np.ndarray:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


def wkb(shapes: np.ndarray) -> list[bytes | None]:
    return [None if shape is None else shapely.to_wkb(shape) for shape in shapes]


@pytest.mark.parametrize("chosen", [[0, 1, 2, 3, 4, 5, 6], [6, 2, 1, 1, 4], [3], []])
def test_outlines_come_out_as_they_went_in(chosen: list[int]) -> None:
    shapes = array(SHAPES)
    ragged = RaggedPolygons.of(shapes)
    assert len(ragged) == len(shapes)
    assert wkb(ragged.geometries()) == wkb(shapes)
    positions = np.array(chosen, dtype=int)
    assert wkb(ragged[positions].geometries()) == wkb(shapes[positions])


def test_another_crs_gives_the_bytes_of_geopandas() -> None:
    shapes = shapely.transform(array(SHAPES), lambda xy: xy * 100 + (500_000, 4_700_000))
    told = RaggedPolygons.of(shapes).to_crs("EPSG:32643", "EPSG:6933").geometries()
    assert wkb(told) == wkb(gpd.GeoSeries(shapes, crs=32643).to_crs(6933).to_numpy())
    same = RaggedPolygons.of(shapes)
    assert same.to_crs(32643, "EPSG:32643") is same


def test_some_outlines_can_be_put_in_place_of_others() -> None:
    ragged = RaggedPolygons.of(array([HOLE, SHAPES[0]]))
    assert wkb(ragged.having({1: SHAPES[2]}).geometries()) == wkb(array([HOLE, SHAPES[2]]))


def test_the_next_item_is_taken_while_a_function_works() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(4):
            taken.append(item)
            yield item

    results = one_ahead(lambda item: item * item, items())
    assert (next(results), taken) == (0, [0, 1])
    assert [*results] == [1, 4, 9]
    assert [*one_ahead(str, [])] == []


def test_a_function_that_fails_ahead_fails_here() -> None:
    with pytest.raises(ZeroDivisionError):
        [*one_ahead(lambda item: 1 // item, [1, 0, 1])]


def test_the_collector_rests_only_for_a_while() -> None:
    with collector.paused():
        assert not gc.isenabled()
        with collector.collected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


class Knot:
    """An object that holds itself, so that only the collector lets it go."""

    def __init__(self) -> None:
        self.own = self


def test_a_cycle_that_was_made_in_a_sweep_is_gone_after_it() -> None:
    with collector.paused():
        with collector.collected():
            collected = weakref.ref(Knot())
        left = weakref.ref(Knot())
        assert (collected() is None, left() is None) == (True, False)
