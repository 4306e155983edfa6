"""Every compiled step gives what its plain counterpart in ``benchmarks/plain_kernels.py`` gives.

Windows are random, of 1 x 1 to 60 x 60 pixels, some empty, some full, some without numbers.
The same windows are tried each time: a pixel within rounding of a limit would move all that
follows. What counts pixels or chooses them must be equal. Numbers may differ by the rounding of
float32 (a relative 6e-8 a step): sums of some hundred of them by 1e-5, and so water fractions.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from glacial_lakes.scenes import sensors

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import plain_kernels as plain

from glacial_lakes import terrain
from glacial_lakes.kernels import (
    contours,
    filters,
    interpolation,
    jit,
    labels,
    morphology,
    rasterize,
    text,
)
from glacial_lakes.mapping import (
    candidates,
    features,
    indices,
    masks,
    observability,
    outlines,
    pixels,
    rivers,
    slc_gaps,
    uncertainty,
    unmixing,
)
from glacial_lakes.mapping import seeds as seeding
from glacial_lakes.scenes import raster
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.raster import Band

SUM = {"rtol": 1e-5, "atol": 1e-6}
"""Sums of some hundred numbers around 1 in float32."""

seeds = st.integers(0, 2**32 - 1)
checked = settings(max_examples=60, deadline=None, derandomize=True)
often = settings(checked, max_examples=150)


class Window:
    """Random fields and masks of one shape."""

    def __init__(self, seed: int, shape: tuple[int, int] | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        largest = self.rng.choice([3, 12, 60])
        self.shape = shape or tuple(self.rng.integers(1, largest + 1, 2).tolist())

    def mask(self) -> np.ndarray:
        """Nothing, all, scattered pixels, or blobs that touch the edge."""
        kind = self.rng.integers(8)
        if kind < 2:
            return np.full(self.shape, kind == 1)
        if kind < 4:
            return self.rng.random(self.shape) < self.rng.random()
        return self.blobs()

    def blobs(self) -> np.ndarray:
        noise = ndimage.gaussian_filter(self.rng.standard_normal(self.shape), 3)
        return noise > np.quantile(noise, self.rng.uniform(0.3, 0.95))

    def field(self, low: float = -1.0, high: float = 2.0, missing: float = 0.1) -> np.ndarray:
        """Numbers, of which some or all are missing."""
        field = self.rng.uniform(low, high, self.shape).astype("float32")
        if self.rng.random() < 0.5:
            field[self.rng.random(self.shape) < missing] = np.nan
        if self.rng.random() < 0.05:
            field[:] = np.nan
        return field

    def flags(self) -> np.ndarray:
        flags = np.zeros(self.shape, np.uint8)
        for bit in range(8):
            if self.rng.random() < 0.5:
                flags |= self.mask().astype(np.uint8) << np.uint8(bit)
        return flags


def same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(found, expected)


# Stencils


@given(seeds, st.sampled_from([0.5, 1.0, 2.0, 2.5, 6.0]))
@checked
def test_distances_are_those_of_the_euclidean_transform(seed: int, limit: float) -> None:
    mask = Window(seed).mask()
    for name in ("distance_to", "depth_in"):
        expected = getattr(plain, name)(mask, limit)
        np.testing.assert_allclose(getattr(morphology, name)(mask, limit), expected, rtol=1e-6)


@given(seeds, st.integers(0, 10))
@checked
def test_masks_grow_and_shrink_as_in_scipy(seed: int, steps: int) -> None:
    mask = Window(seed).mask()
    if steps:
        same(morphology.dilate(mask, steps), plain.dilate(mask, steps))
        same(morphology.erode(mask, steps), plain.erode(mask, steps))
    else:
        same(morphology.dilate(mask, 0), mask)
        same(morphology.erode(mask, 0), mask)


@given(seeds, st.sampled_from([(0.6, 4.0), (0.8, 4.0), (2.0, 4.0), (2.0, 6.0)]), st.integers(1, 7))
@checked
def test_means_are_those_of_the_gaussian_filter(
    seed: int, kernel: tuple[float, float], count: int
) -> None:
    window = Window(seed)
    fields = window.rng.uniform(-1, 2, (*window.shape, count)).astype("float32")
    found = filters.smooth(fields, filters.gaussian_weights(*kernel))
    np.testing.assert_allclose(found, plain.smooth(fields, *kernel), **SUM)


@given(seeds, st.sampled_from([2, 4]))
@checked
def test_finer_pixels_are_those_of_zoom(seed: int, times: int) -> None:
    field = Window(seed).field(missing=0.0)
    assume(np.isfinite(field).all())
    np.testing.assert_allclose(
        interpolation.upsample(field, times), plain.upsample(field, times), **SUM
    )


@given(seeds)
@checked
def test_extents_are_those_of_the_mask(seed: int) -> None:
    mask = Window(seed).mask()
    assert morphology.extent(mask) == plain.extent(mask)
    numbers = mask * np.float32(0.25)
    assert morphology.extent(numbers) == plain.extent(mask)


@given(seeds)
@checked
def test_medians_leave_out_what_is_missing(seed: int) -> None:
    window = Window(seed)
    field, where = window.field(), window.mask()
    field[window.rng.random(window.shape) < 0.1] = np.inf
    np.testing.assert_allclose(
        filters.median_of(field, where), plain.median_of(field, where), rtol=1e-7
    )


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=50), st.data())
@checked
def test_ranks_are_those_of_a_partition_also_among_equal_values(
    values: list[int], data: st.DataObject
) -> None:
    array = np.float32(values)
    rank = data.draw(st.integers(0, len(array) - 1))
    assert filters.smallest(array.copy(), rank) == plain.smallest(array, rank)


@given(seeds)
@checked
def test_labels_and_extents_are_those_of_scipy(seed: int) -> None:
    mask = Window(seed).mask()
    found, extents = labels.connected(mask, len(mask), 0)
    expected, places = plain.connected(mask)
    same(found, expected)
    same(extents, places)


@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_connected_with_some_pixels_is_found_as_by_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask, start = rng.random((2, *rng.integers(1, 60, 2))) > rng.random((2, 1, 1))
    expected, _ = ndimage.label(mask, np.ones((3, 3)))
    np.testing.assert_array_equal(
        labels.connected_with(start, mask),
        mask & np.isin(expected, np.unique(expected[start & mask])),
    )


def test_mapping_starts_without_scipy_which_costs_a_quarter_of_a_start() -> None:
    code = "import glacial_lakes as gl, sys; gl.map_lakes; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"scipy.ndimage", "scipy.special", "skimage"} & set(done.stdout.split())


@given(seeds, st.integers(1, 60), st.integers(1, 5))
@checked
def test_labels_end_below_what_begins_in_the_first_rows(seed: int, begun: int, halo: int) -> None:
    mask = Window(seed).mask()
    found, extents = labels.connected(mask, begun, halo)
    expected, places = plain.connected(mask)
    wanted = np.flatnonzero(places[:, 1] < begun) + 1
    below = min(len(mask), 1 + halo + max(places[wanted - 1, 2], default=begun - 1))
    assert len(found) >= min(below, len(mask))
    same(found > 0, mask[: len(found)])
    for number in wanted:  # the first in both, in the order of first pixels
        same(found == number, expected[: len(found)] == number)
    same(extents[: len(wanted)], places[: len(wanted)])


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=1, max_size=20))
@checked
def test_vertices_as_text_are_those_of_printf(places: list[tuple[float, float]]) -> None:
    points = np.array(places)
    told, begins = text.written(points, "", ",", " ")
    assert [told[begin - 1] for begin in begins[1:]] == [" "] * len(points)
    one, other = (
        [[float(number) for number in point.split(",")] for point in text.split()]
        for text in (told, plain.ring_texts(points))
    )
    # Half a digit is rounded up here, and to the even digit there; -0 is 0.
    np.testing.assert_allclose(one, other, rtol=0, atol=1.001e-7)
    np.testing.assert_allclose(one, points, rtol=0, atol=0.501e-7)
    assert all(len(number.partition(".")[2]) == 7 for number in told.replace(",", " ").split())


@given(seeds)
@checked
def test_pixels_inside_are_those_that_shapely_contains(seed: int) -> None:
    window = Window(seed)
    height, width = window.shape
    points = shapely.points(window.rng.uniform((-5, -5), (width + 5, height + 5), (6, 2)))
    sizes = window.rng.uniform(0.2, 10, 6)
    parts = shapely.get_parts(shapely.union_all(shapely.buffer(points, sizes)))
    hole = shapely.buffer(points[0], sizes[0] / 3)
    for polygon in shapely.get_parts(shapely.difference(parts, hole)):
        found = rasterize.pixels_inside(polygon, Affine.identity(), window.shape)
        same(found, plain.inside_of(polygon, window.shape))


@given(seeds, st.floats(0.1, 0.9))
@checked
def test_contours_enclose_what_those_of_scikit_image_enclose(seed: int, level: float) -> None:
    window = Window(seed)
    field = ndimage.gaussian_filter(window.rng.random(window.shape), window.rng.uniform(0, 2))
    field = (field / max(field.max(), 1e-9)).astype("float32")
    x, y, starts, areas = contours.contour_lines(field, level)
    points = np.column_stack([x, y])
    polygons = [shapely.Polygon(points[first:end]) for first, end in pairwise(starts)]
    lines = plain.contour_lines(field, level)
    assert len(polygons) == len(lines)
    np.testing.assert_allclose(np.abs(areas), [one.area for one in polygons], atol=1e-9)
    expected = sorted(shapely.Polygon(line).area for line in lines)
    np.testing.assert_allclose(sorted(np.abs(areas)), expected, atol=1e-6)
    whole = shapely.union_all(plain.polygon_of([shapely.Polygon(line) for line in lines]))
    found = shapely.union_all(outlines.contour(field, level, Affine.identity()))
    assert shapely.symmetric_difference(whole, found).area < 1e-5


# Outlines


def lake_window(seed: int, count: int) -> SimpleNamespace:
    """A lake, at times at the edge, between two kinds of ground, with neighbours and cloud."""
    window = Window(seed, tuple(np.random.default_rng(seed).integers(20, 61, 2).tolist()))
    rng, (height, width) = window.rng, window.shape
    rows, cols = np.indices(window.shape)

    def disc(size: float) -> np.ndarray:
        row, col = rng.uniform(0, height), rng.uniform(0, width)
        wobble = ndimage.gaussian_filter(rng.standard_normal(window.shape), 2)
        away = np.hypot(rows - row, cols - col)
        cover = np.clip(size + 6 * wobble - away + 0.5, 0, 1)
        return ndimage.gaussian_filter(cover, 0.7).astype("float32")

    lake, other = disc(rng.uniform(0.8, 12)), disc(rng.uniform(0, 6)) * (rng.random() < 0.5)
    wet, dry, ice = rng.uniform(((0.02,), (0.15,), (0.15,)), ((0.1,), (0.4,), (0.4,)), (3, count))
    parted = cols > width * rng.random()
    ground = np.where(parted, dry[:, None, None], ice[:, None, None])
    cover = np.maximum(lake, other)
    bands = cover * wet[:, None, None] + (1 - cover) * ground
    bands += rng.normal(0, 0.01, bands.shape)
    labels, number = ndimage.label(cover > rng.uniform(0.3, 0.6), plain.EIGHT)
    own = int(rng.integers(1, number + 1)) if number else 0
    candidate = (labels == own) & (labels > 0)
    seen = ~window.blobs() if rng.random() < 0.3 else np.ones(window.shape, bool)
    bands[:, ~seen & (rng.random(window.shape) < 0.5)] = np.nan
    return SimpleNamespace(
        bands=bands.astype("float32"),
        candidate=candidate,
        others=(labels > 0) & ~candidate,
        seen=seen,
        window=window,
    )


@given(seeds, st.integers(1, 6), st.sampled_from([10.0, 30.0]))
@often
def test_water_fractions_are_those_of_the_plain_solution(
    seed: int, count: int, pixel_m: float
) -> None:
    one = lake_window(seed, count)
    assume((one.candidate & one.seen).any())
    arrays = one.bands, one.candidate, one.others, one.seen
    found = unmixing.unmix(*arrays, pixel_m=pixel_m)
    expected = plain.unmix(*arrays, sensors.blur_px(pixel_m))
    assert (found is None) == (expected is None)
    if found is None:
        return
    water_fraction, core, shore, ground, separation, small = expected
    same(found.shore, shore)
    same(found.core, core)
    same(found.ground, ground)
    assert found.method == ("unmixed_small" if small else "unmixed")
    assert found.separation == pytest.approx(separation, rel=1e-5)
    np.testing.assert_allclose(found.water, water_fraction, rtol=1e-5, atol=1e-5)


def test_without_a_shore_there_is_no_fraction() -> None:
    full, none = np.ones((9, 9), bool), np.zeros((9, 9), bool)
    bands = np.full((4, 9, 9), 0.1, "float32")
    assert unmixing.unmix(bands, full, none, full) is None
    assert unmixing.unmix(bands[:, :1, :1], full[:1, :1], none[:1, :1], full[:1, :1]) is None
    assert unmixing.unmix(np.full_like(bands, np.nan), full, none, none) is None


@given(seeds)
@checked
def test_conserving_levels_are_those_of_the_plain_search(seed: int) -> None:
    one = lake_window(seed, 1)
    fraction = np.nan_to_num(1 - one.bands[0] / 0.4)
    usable = one.seen & ~one.others
    found = unmixing.conserving_level(fraction, usable, one.candidate)
    expected = plain.conserving_level(fraction, usable, one.candidate)
    assert found == pytest.approx(expected, abs=1e-5)


# What is measured along and inside of an outline


@given(seeds)
@checked
def test_shores_are_measured_as_by_the_plain_steps(seed: int) -> None:
    window = Window(seed)
    fraction = window.rng.uniform(-1.5, 2.5, window.shape).astype("float32")
    masks_of = [window.mask() for _ in range(5)]
    length, level = window.rng.uniform(1, 100), window.rng.uniform(0.3, 0.6)
    found = uncertainty._along_shore(fraction, level, *masks_of, length)
    expected = plain.along_shore(fraction, level, *masks_of, length)
    # A fine pixel may lie on the border of the levels.
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1.01 / 16 / length)


@given(seeds)
@checked
def test_medians_of_a_candidate_are_those_of_numpy(seed: int) -> None:
    window = Window(seed)
    fields = [window.field(0, 0.5) for _ in range(5)]
    arrays = *fields, window.flags(), window.mask(), window.mask(), window.mask()
    np.testing.assert_allclose(features._medians(*arrays), plain.medians(*arrays), rtol=1e-5)


@given(seeds)
@often
def test_slopes_in_a_candidate_are_found_as_by_the_plain_steps(seed: int) -> None:
    window = Window(seed)
    arrays = window.field(0, 1), window.field(0, 20), window.flags(), window.mask()
    same(candidates._without_slopes(*arrays), plain.without_slopes(*arrays))


def test_a_bluish_slope_beside_a_clear_pond_is_no_part_of_it_but_haze_and_shallows_are() -> None:
    ndwi = np.full((30, 30), 0.05, "float32")
    ndwi[5:15, 5:25] = 0.6
    ndwi[4, 5:25] = 0.15  # blur of the shore
    ndwi[15:22, 8:20] = 0.1
    candidate = ndwi > 0.06
    cirrus = int(Quality.CIRRUS)
    cases = (
        (0, 25, ndwi > 0.12),
        (cirrus, 25, candidate),
        (0, 2, candidate),
        (0, np.nan, candidate),
    )
    for flag, slope_deg, expected in cases:
        flags, slope = (
            np.full(ndwi.shape, flag, np.uint8),
            np.full(ndwi.shape, slope_deg, "float32"),
        )
        same(candidates._without_slopes(ndwi, slope, flags, candidate), expected)


@given(seeds)
@often
def test_observed_fractions_are_those_of_the_plain_steps(seed: int) -> None:
    window = Window(seed)
    arrays = (
        window.mask(),
        window.field(0, 0.5),
        window.field(0, 0.5),
        window.flags(),
        window.mask(),
        window.mask(),
        window.mask(),
        window.field(0, 30),
        window.rng.integers(0, 7, window.shape).astype(np.uint8),
        *(window.mask() for _ in range(3)),
        *window.rng.uniform(-0.3, 0.6, 2),
        *window.rng.integers(1, 11, 3).tolist(),
        bool(window.rng.integers(2)),
    )
    share, hides = observability._observed(*arrays)
    expected, state = plain.observed(*arrays)
    assert share == pytest.approx(expected, abs=1e-9)
    assert hides == state


# Pixels of a scene


@given(seeds)
@checked
def test_masks_of_pixels_are_those_of_numpy(seed: int) -> None:
    window = Window(seed)
    blue, green, red, nir, swir1 = (window.field(-0.05, 0.6) for _ in range(5))
    flags, cloud, snow = window.flags(), window.mask(), window.mask()
    np.testing.assert_allclose(
        indices.ndwi_or_zero(green, nir), plain.ndwi_or_zero(green, nir), rtol=1e-6
    )
    none = masks.NO_BAND
    for first, second, third in itertools.product((blue, none), (red, none), (swir1, none)):
        bands = first, green, second, nir, third
        same(seeding._water_seeds(*bands, cloud), plain.candidates(*bands, cloud))
        same(masks._cloud(green, nir, third, flags), plain.is_cloud(green, nir, third, flags))
        same(masks._snow_or_ice(*bands), plain.is_snow_or_ice(*bands))
        same(masks._shows_water(*bands), plain.shows_water(*bands))
    same(masks.terrain_flags(60 * green, nir), plain.terrain_flags(60 * green, nir))
    same(pixels._ground_states(flags, cloud, snow), plain.ground_states(flags, cloud, snow))


@given(seeds, st.integers(1, 6))
@checked
def test_pixels_that_lack_a_band_are_flagged(seed: int, count: int) -> None:
    window = Window(seed)
    raw = np.stack([window.field() for _ in range(count)])
    raw[:, window.rng.random(window.shape) < 0.02] = np.inf
    flags = window.flags()
    expected = plain.without_value(raw, flags)
    for band in raw:
        pixels._flag_missing(band.view(np.int32), flags)
    same(flags, expected)


@given(seeds, st.integers(0, 30))
@checked
def test_gaps_are_bridged_from_a_row_on(seed: int, first: int) -> None:
    window = Window(seed)
    band, unseen = window.field(), window.mask()
    for row in range(0, window.shape[0], 20):  # some wider than what is bridged
        unseen[row : row + window.rng.integers(20)] |= window.rng.random() < 0.5
    expected = plain.bridge_gaps(band, unseen, first)
    slc_gaps.bridge_gaps(band, unseen, first)
    same(band, expected)


@given(seeds, st.sampled_from([3, 4, 5]))
@checked
def test_lines_of_rivers_are_those_of_an_opening(seed: int, width: int) -> None:
    window = Window(seed)
    value, usable = window.field(-0.3, 0.5), window.mask()
    if window.rng.random() < 0.5:
        value = ndimage.gaussian_filter(np.nan_to_num(value), 1)
    piece = window.blobs() & window.mask()
    level = window.rng.uniform(-0.1, 0.2)
    odd = 2 * (width // 2) + 1  # an even width counts as the next
    if not piece.any():
        return
    found = rivers.river_trace(value, piece, usable, level, width)
    assert found == pytest.approx(plain.river_trace(value, piece, usable, level, odd))


@given(seeds, st.floats(1, 360), st.floats(15, 80))
@checked
def test_reach_of_shadows_is_that_of_clouds_shifted_away_from_the_sun(
    seed: int, azimuth: float, elevation: float
) -> None:
    window = Window(seed)
    cloud, body = window.mask(), window.mask()
    found = masks.reach_fraction(cloud, *np.nonzero(body), 30.0, azimuth, elevation)
    reach = plain.shadow_reach(cloud, 30.0, azimuth, elevation)
    assert found == pytest.approx(reach[body].mean() if body.any() else 0.0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
@pytest.mark.parametrize("nodata", [None, 0.0, -9999.0, 0.5, float("nan")])
def test_numbers_become_reflectance_as_in_numpy(dtype: str, nodata: float | None) -> None:
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 50, (40, 30)).astype(dtype)
    if dtype.startswith("float"):
        numbers[0, :5] = np.nan, np.inf, -np.inf, 0.5, -9999
    band = Band("", "GTiff", 1, 2.75e-5, -0.2, nodata, 30.0)
    found = raster.to_reflectance(band, numbers)
    expected = plain.to_reflectance(numbers, band.scale, band.offset, nodata)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    out = np.empty((60, 60), np.float32)[::2, 15:45][:, :30]
    part = out[: len(numbers[:30])]
    raster.to_reflectance(band, numbers[:30], part)
    same(part, found[:30])


@given(seeds, st.sampled_from([2, 3, 6]))
@checked
def test_coarse_bands_are_interpolated_between_what_is_known(seed: int, factor: int) -> None:
    window = Window(seed)
    start = tuple(window.rng.integers(0, 20, 2).tolist())
    spans = [
        interpolation.coarse_span(*span, factor)[1]
        for span in zip(start, window.shape, strict=True)
    ]
    coarse = Window(seed, tuple(span + 2 for span in spans)).field(0, 1, missing=0.3)
    found = interpolation.bilinear(coarse, factor, start, window.shape)
    np.testing.assert_allclose(found, plain.bilinear(coarse, factor, start, window.shape), **SUM)


@given(seeds, st.sampled_from([1, 2, 4]), st.floats(0.1, 1.5))
@checked
def test_what_stands_out_is_far_from_all_four_sides(seed: int, reach: int, least: float) -> None:
    field = Window(seed).field(-1, 1, missing=0.1)
    found = filters.stands_out(field, reach, np.float32(least))
    same(found, plain.stands_out(field, reach, np.float32(least)))


@given(seeds, st.integers(2, 12), st.floats(0.3, 4), st.sampled_from([0.0, 0.2]))
@checked
def test_a_square_askew_in_an_image_is_the_mean_of_places_in_it(
    seed: int, size: int, width: float, missing: float
) -> None:
    rng = np.random.default_rng(seed)
    source = rng.integers(1, 256, (3, 70, 80), np.uint8)
    source[:, rng.random((70, 80)) < missing] = 0
    source[0, rng.random((70, 80)) < missing] = 0  # dark in a band, as water is, and known
    share = np.linspace(0, width * size, 5)
    rows, cols = rng.uniform(-5, 40, 2)[:, None, None] + np.stack(
        [share[:, None] + 0.1 * share, share - 0.1 * share[:, None]]
    )
    parts = max(1, round(width))
    found = interpolation.sampled(source, rows, cols, size)
    expected = plain.sampled(source, rows, cols, size, parts)
    assert (np.abs(found - expected) <= 1).mean() > 0.999  # what is half known may be either
    same(found, interpolation._sampled(source, rows, cols, size, parts))


@pytest.mark.parametrize("corner", [0.5, 30.0, 57.5, 57.6])
def test_a_square_is_the_same_at_the_edge_of_what_is_known(corner: float) -> None:
    source = np.random.default_rng(1).integers(1, 256, (3, 70, 70), np.uint8)
    share = np.linspace(0, 12, 3) + corner
    rows, cols = np.meshgrid(share, share, indexing="ij")
    found = interpolation.sampled(source, rows, cols, 12)
    same(found, interpolation._sampled(source, rows, cols, 12, 1))
    np.testing.assert_allclose(found, plain.sampled(source, rows, cols, 12, 1), atol=1)


# Terrain


@given(seeds, st.floats(0, 360), st.floats(5, 89))
@checked
def test_light_and_shadow_are_those_of_numpy(seed: int, azimuth: float, sun: float) -> None:
    window = Window(seed)
    hills = ndimage.gaussian_filter(window.rng.standard_normal(window.shape), 2) * 4000
    elevation = (3000 + hills + 10 * window.field(0, 1)).astype("float32")
    gradient = terrain.horn_gradient(elevation, 30.0)
    expected = plain.horn_gradient(elevation, 30.0)
    for found, one in zip(gradient, expected, strict=True):
        np.testing.assert_allclose(found, one, rtol=1e-5, atol=1e-5)  # of metres at 4000 m
    np.testing.assert_allclose(
        terrain.illumination(gradient, azimuth, sun),
        plain.illumination(gradient, azimuth, sun),
        rtol=1e-4,
        atol=1e-5,
    )
    found = terrain.cast_shadow(elevation, 30.0, azimuth, sun)
    assert (found != plain.cast_shadow(elevation, 30.0, azimuth, sun)).mean() <= 0.001


@given(seeds, st.floats(0.2, 3), st.floats(-8, 8), st.floats(-8, 8))
@checked
def test_layers_are_sampled_bilinearly(seed: int, pixel: float, east: float, north: float) -> None:
    window = Window(seed)
    layer = Window(seed + 1).field(0, 1)
    source, target = Affine(1, 0, 0, 0, -1, 0), Affine(pixel, 0, east, 0, -pixel, north)
    found = interpolation.sample(layer, source, target, window.shape)
    np.testing.assert_allclose(found, plain.sample(layer, source, target, window.shape), **SUM)


@pytest.mark.parametrize(
    "step", [morphology.distance_to, morphology.depth_in, morphology.dilate, morphology.erode]
)
def test_a_window_of_no_pixels_gives_none(step: Callable[..., np.ndarray]) -> None:
    assert step(np.zeros((0, 0), bool), 2).shape == (0, 0)


# What is kept on disk

ASK = """
import numpy as np
from glacial_lakes.mapping import seeds
pixel = np.full((1, 1), 0.3, np.float32), np.full((1, 1), 0.17, np.float32)
print(seeds.water_seeds(dict(green=pixel[0], nir=pixel[1]), np.zeros((1, 1), bool))[0, 0])
"""


def test_a_kernel_is_compiled_anew_when_a_number_of_another_file_changes(tmp_path: Path) -> None:
    package = Path(jit.__file__).parents[1]
    shutil.copytree(package, tmp_path / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: text for name, text in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])

    def answer() -> str:
        return subprocess.run(
            [sys.executable, "-c", ASK],
            check=True,
            capture_output=True,
            cwd=tmp_path,
            env=environment,
            encoding="utf-8",
        ).stdout.strip()

    assert (answer(), answer()) == ("True", "True")
    kept = set(tmp_path.rglob("seeds._water_seeds*.nbi"))
    assert kept
    source = tmp_path / package.name / "mapping" / "masks.py"
    text = source.read_text("utf-8")
    assert text.count("MIN_WATER_NDWI = 0.24") == 1
    source.write_text(text.replace("MIN_WATER_NDWI = 0.24", "MIN_WATER_NDWI = 0.34"), "utf-8")
    assert answer() == "False"
