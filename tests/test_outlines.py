"""Outlines of simulated mixtures run where half of a pixel is water."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize
from scipy.ndimage import gaussian_filter
from shapely import Point

from glacial_lakes import map_lakes, open_scene
from glacial_lakes.mapping import outlines, unmixing, whole_water
from glacial_lakes.mapping.whole_water import with_all_water

PIXEL = 10.0
SHAPE = (70, 70)
TRANSFORM = Affine(PIXEL, 0, 0, 0, -PIXEL, SHAPE[0] * PIXEL)
WATER = {"clear": (0.07, 0.06, 0.03, 0.012), "turbid": (0.13, 0.16, 0.14, 0.08)}
SHORE = {"moraine": (0.11, 0.14, 0.17, 0.22), "vegetation": (0.05, 0.08, 0.06, 0.30)}


def share_of(polygon: shapely.Polygon, fine: int = 8) -> np.ndarray:
    """Return the share of each pixel that lies in the polygon, after the sensor's blur."""
    grid = TRANSFORM * Affine.scale(1 / fine)
    inside = rasterize([polygon], (SHAPE[0] * fine, SHAPE[1] * fine), transform=grid)
    blurred = gaussian_filter(inside.astype(float), 0.6 * fine)
    return blurred.reshape(SHAPE[0], fine, SHAPE[1], fine).mean((1, 3))


def mixture(polygon: shapely.Polygon, water: str, shore: str, noise: float = 0.003) -> np.ndarray:
    rng = np.random.default_rng(4)
    share = share_of(polygon)
    w = np.array(WATER[water])[:, None, None]
    texture = 1 + 0.08 * gaussian_filter(rng.normal(size=SHAPE), 1) / 0.28
    land = np.array(SHORE[shore])[:, None, None] * texture
    bands = share * w + (1 - share) * land + rng.normal(0, noise, (4, *SHAPE))
    return bands.astype("float32")


def outline(
    polygon: shapely.Polygon, water: str, shore: str, seeds: float = 0.6
) -> shapely.Polygon:
    bands = mixture(polygon, water, shore)
    candidate = share_of(polygon) > seeds
    seen = np.ones(SHAPE, bool)
    first = unmixing.unmix(bands, candidate, ~seen, seen)
    assert first is not None
    candidate, fraction = with_all_water(first, bands, candidate, ~seen, seen)
    level = unmixing.conserving_level(fraction.water, seen, candidate)
    return max(outlines.contour(fraction.water, level, TRANSFORM), key=lambda p: float(p.area))


@pytest.mark.parametrize("water", WATER)
@pytest.mark.parametrize("shore", SHORE)
def test_area_of_a_lake_is_right_in_every_water_and_shore(water: str, shore: str) -> None:
    lake = Point(352, 347).buffer(180)  # 0.1 km²
    assert outline(lake, water, shore).area == pytest.approx(lake.area, rel=0.015)


@pytest.mark.parametrize("water", WATER)
def test_outline_runs_within_a_fifth_of_a_pixel_of_the_shore(water: str) -> None:
    lake = Point(352, 347).buffer(180)
    found = outline(lake, water, "moraine")
    gaps = shapely.distance(shapely.points(found.exterior.coords), lake.exterior)
    assert np.sqrt((gaps**2).mean()) < 0.2 * PIXEL


def test_a_small_lake_keeps_its_area() -> None:
    lake = Point(352, 347).buffer(56)  # 0.01 km²
    assert outline(lake, "clear", "moraine").area == pytest.approx(lake.area, rel=0.05)


@pytest.mark.parametrize("radius", [56, 90, 180])
def test_an_outline_does_not_depend_on_how_far_seeds_reach(radius: float) -> None:
    lake = Point(352, 347).buffer(radius)
    near, far = (outline(lake, "clear", "vegetation", seeds).area for seeds in (0.5, 0.93))
    assert far == pytest.approx(near, rel=0.02)
    assert far == pytest.approx(lake.area, rel=0.04)


def test_dim_ground_is_no_water_and_dim_water_stays_water() -> None:
    water, land = (np.array(kind[name]) for kind, name in ((WATER, "turbid"), (SHORE, "moraine")))
    pixels = np.stack([0.4 * land, 0.4 * water, 0.5 * (water + land), land, water])
    ends = (np.broadcast_to(end, (1, 5, 4)).astype("float32") for end in (water, land))
    fraction = np.array([[0.7, 1.2, 0.5, 0.0, 1.0]], "float32")
    bands = pixels[None].astype("float32")
    unmixing._dim_ground(fraction, bands, *ends, np.eye(4) * 1e4)
    assert fraction.tolist()[0] == pytest.approx([0, 1.2, 0.5, 0, 1], abs=1e-6)


def test_an_index_threshold_would_have_shrunk_the_lake() -> None:
    lake = Point(352, 347).buffer(56)
    bands = mixture(lake, "clear", "moraine")
    ndwi = (bands[1] - bands[3]) / (bands[1] + bands[3])
    assert (ndwi > 0).sum() * PIXEL**2 < 0.95 * lake.area


def test_an_island_stays_a_hole() -> None:
    lake = Point(352, 347).buffer(200).difference(Point(352, 347).buffer(60))
    found = outline(lake, "turbid", "moraine")
    assert len(found.interiors) == 1
    assert found.area == pytest.approx(lake.area, rel=0.03)


@given(
    st.floats(300, 400),
    st.floats(300, 400),
    st.floats(60, 160),
    st.floats(0.4, 1),
    st.floats(0, 180),
)
@settings(max_examples=25, deadline=None)
def test_outlines_are_valid_polygons_near_the_truth(
    x: float, y: float, radius: float, flatness: float, turn: float
) -> None:
    lake = shapely.affinity.rotate(
        shapely.affinity.scale(Point(x, y).buffer(radius), 1, flatness), turn
    )
    found = outline(lake, "turbid", "moraine")
    assert found.is_valid
    assert found.intersection(lake).area / found.union(lake).area > 0.85


def test_without_any_shore_there_is_no_fraction() -> None:
    everywhere = np.ones(SHAPE, bool)
    bands = np.full((4, *SHAPE), 0.05, "float32")
    assert unmixing.unmix(bands, everywhere, ~everywhere, everywhere) is None


def test_contour_of_a_step_lies_between_the_pixel_centres() -> None:
    field = np.zeros((6, 6), "float32")
    field[2:4, 2:4] = 1
    (square,) = outlines.contour(field, 0.5, Affine(1, 0, 0, 0, -1, 6))
    assert square.bounds == (2.0, 2.0, 4.0, 4.0)


def test_streams_are_cut_off_and_straits_are_kept() -> None:
    basins = shapely.box(0, 0, 200, 100) | shapely.box(240, 0, 440, 100)
    strait = shapely.box(200, 40, 240, 55)
    stream = shapely.box(440, 40, 840, 60)
    (lake,) = outlines.without_streams(basins | strait | stream)
    assert lake.symmetric_difference(basins | strait).area < 0.01 * basins.area
    assert lake.is_valid


def test_two_lakes_that_a_stream_links_are_two() -> None:
    upper, lower = shapely.box(0, 0, 200, 100), shapely.box(500, 0, 700, 150)
    lakes = outlines.without_streams(upper | shapely.box(200, 40, 500, 60) | lower)
    lakes.sort(key=lambda lake: lake.centroid.x)
    for lake, basin in zip(lakes, (upper, lower), strict=True):
        assert lake.symmetric_difference(basin).area < 0.02 * basin.area


def test_a_narrow_passage_behind_an_island_belongs_to_the_lake() -> None:
    lake = shapely.box(0, 0, 400, 200) - shapely.box(100, 20, 300, 100)
    (kept,) = outlines.without_streams(lake)
    assert kept.equals(lake)


def test_a_lake_that_is_narrow_everywhere_is_kept() -> None:
    pond = shapely.box(0, 0, 300, 20)
    (kept,) = outlines.without_streams(pond)
    assert kept.equals(pond)


def test_a_second_look_moves_outlines_and_decides_of_no_lake(
    sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a DEM, so that shade is judged by its colour: what has an edge is not yet a lake.
    scene = open_scene(sample_data / "scenes" / "LT05_L2SP_151030_20030817_20200904_02_T1")
    twice = map_lakes(scene).outlines
    monkeypatch.setattr(whole_water, "MOST_LOOKS", 0)
    once = map_lakes(scene).outlines
    assert len(twice) == len(once)
    assert once.sjoin(twice).index.nunique() == len(once)
    assert twice.area.sum() > once.area.sum()


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 12)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_two_outlines_share_ground_and_none_is_lost_that_is_mostly_its_own(
    discs: list[tuple[int, int, int]],
) -> None:
    drawn = [Point(x, y).buffer(radius) for x, y, radius in discs]
    told = outlines.apart(drawn)
    kept = [one for one in told if one is not None]
    assert all(one.is_valid and not one.is_empty and one.geom_type == "Polygon" for one in kept)
    assert sum(one.area for one in kept) == pytest.approx(shapely.union_all(kept).area, abs=1e-6)
    for whole, rest in zip(drawn, told, strict=True):
        others = [one for one in drawn if one is not whole]
        if not shapely.union_all(others).intersects(whole):
            assert rest is whole
        elif rest is not None:
            assert rest.area > whole.area / 2
