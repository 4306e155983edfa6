"""Pixels: numbers against GDAL, windows against the whole, interpolation against SciPy."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from products import Products
from rasterio.windows import Window
from scipy.ndimage import map_coordinates

from glacial_lakes.errors import DamagedFileError
from glacial_lakes.kernels.interpolation import bilinear, coarse_span, nearest
from glacial_lakes.scenes import Quality, Scene, keep_open, open_scene
from glacial_lakes.scenes.quality import decode_bqa, decode_qa_pixel, decode_scl

COARSE_SHAPE = (9, 11)
PIXELS = [(5, 5), (17, 59), (30, 31), (59, 0), (44, 15)]


@pytest.fixture(scope="module")
def sentinel2(products: Products) -> Scene:
    return open_scene(products.find("S2A*N0509*.SAFE"))


def stored_numbers(path: str) -> np.ndarray:
    """Numbers at PIXELS as the GDAL command line reads them; NaN where they are fill."""
    if shutil.which("gdallocationinfo") is None:
        pytest.skip("gdallocationinfo is not installed")
    places = "".join(f"{col} {row}\n" for row, col in PIXELS)
    command = ["gdallocationinfo", "-valonly", path]
    told = subprocess.run(command, input=places, capture_output=True, text=True, check=True)
    numbers = np.array(told.stdout.split(), float)
    assert numbers.any()
    return np.where(numbers == 0, np.nan, numbers)


@pytest.mark.parametrize(
    ("product", "scale", "offset"),
    [
        ("S2A*N0208*", 1e-4, 0.0),
        ("S2B*N0400*", 1e-4, -0.1),
        ("S2A*N0509*", 1e-4, -0.1),
        ("LT05*", 2.75e-5, -0.2),
        ("LE07*", 2.75e-5, -0.2),
        ("LC08*", 2.75e-5, -0.2),
    ],
)
def test_reflectance_is_what_gdal_reads_times_the_published_factors(
    products: Products, product: str, scale: float, offset: float
) -> None:
    scene = open_scene(products.find(product))
    for name in ("green", "nir"):
        expected = stored_numbers(scene.bands[name].path) * scale + offset
        found = scene.read([name])[0][tuple(np.transpose(PIXELS))]
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)


def test_level1_reflectance_is_divided_by_the_sine_of_the_sun_elevation(products: Products) -> None:
    scene = open_scene(products.collection1)
    elevation = products.truth[products.collection1].sun_elevation_deg
    numbers = stored_numbers(scene.bands["green"].path)
    expected = (2.0e-5 * numbers - 0.1) / np.sin(np.radians(elevation))
    found = scene.read(["green"])[0][tuple(np.transpose(PIXELS))]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)


def test_fill_without_a_nodata_tag_is_not_observed(products: Products) -> None:
    scene = open_scene(products.older)
    with rasterio.open(scene.bands["green"].path) as dataset:
        assert dataset.nodata is None
        fill = dataset.read(1) == 0
    assert 0.05 < fill.mean() < 0.5  # scan-line gaps
    assert np.array_equal(np.isnan(scene.read(["green"])[0]), fill)
    assert np.all(scene.read_quality()[fill] & Quality.NODATA)


def test_bands_of_a_collection_are_float32_in_the_order_asked_for(sentinel2: Scene) -> None:
    window = Window(100, 140, 30, 20)
    both = sentinel2.read(["nir", "blue"], window)
    assert both.dtype == np.float32
    assert both.shape == (2, 20, 30)
    assert np.array_equal(both[1], sentinel2.read(["blue"], window)[0], equal_nan=True)


offsets = st.integers(-40, 200)
sizes = st.integers(1, 60)


@given(place=st.tuples(offsets, offsets), size=st.tuples(sizes, sizes))
@settings(max_examples=40, deadline=None)
def test_a_pixel_is_the_same_whatever_window_it_is_read_in(
    whole: tuple[np.ndarray, np.ndarray],
    sentinel2: Scene,
    place: tuple[int, int],
    size: tuple[int, int],
) -> None:
    (row, col), (height, width) = place, size
    bands, quality = whole
    window = Window(col, row, width, height)
    rows, cols = slice(row + 100, row + 100 + height), slice(col + 100, col + 100 + width)
    with keep_open():
        part = sentinel2.read(["green", "swir1"], window)
        flags = sentinel2.read_quality(window)
    np.testing.assert_array_equal(part, bands[:, rows, cols])
    np.testing.assert_array_equal(flags, quality[rows, cols])


@pytest.fixture(scope="module")
def whole(sentinel2: Scene) -> tuple[np.ndarray, np.ndarray]:
    """The whole scene with a frame of 100 pixels that were not observed."""
    bands = np.pad(
        sentinel2.read(["green", "swir1"]), ((0, 0), (100, 100), (100, 100)), constant_values=np.nan
    )
    quality = np.pad(sentinel2.read_quality(), 100, constant_values=np.uint8(Quality.NODATA))
    return bands, quality


coarse_arrays = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).random(COARSE_SHAPE, np.float32)
)


def fine(coarse: np.ndarray, factor: int, window: Window) -> np.ndarray:
    """A window interpolated from an array whose surroundings are not observed."""
    start = window.row_off, window.col_off
    shape = window.height, window.width
    (row, rows), (col, cols) = (
        coarse_span(first, size, factor) for first, size in zip(start, shape, strict=True)
    )
    padded = np.pad(coarse, 1, constant_values=np.nan)
    return bilinear(padded[row : row + rows + 2, col : col + cols + 2], factor, start, shape)


@given(array=coarse_arrays, factor=st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_interpolation_agrees_with_scipy_where_all_is_seen(array: np.ndarray, factor: int) -> None:
    rows, cols = (np.array(array.shape) * factor).tolist()
    row, col = np.mgrid[:rows, :cols]
    centres = [(row + 0.5) / factor - 0.5, (col + 0.5) / factor - 0.5]
    expected = map_coordinates(array.astype(float), centres, order=1, mode="nearest")
    found = fine(array, factor, Window(0, 0, cols, rows))
    np.testing.assert_allclose(found, expected, atol=2e-6)


@given(array=coarse_arrays, factor=st.integers(2, 6), draw=st.data())
@settings(max_examples=60, deadline=None)
def test_interpolation_does_not_depend_on_the_window(
    array: np.ndarray, factor: int, draw: st.DataObject
) -> None:
    array[array < 0.3] = np.nan
    rows, cols = (np.array(array.shape) * factor).tolist()
    row = draw.draw(st.integers(0, rows - 1))
    col = draw.draw(st.integers(0, cols - 1))
    height = draw.draw(st.integers(1, rows - row))
    width = draw.draw(st.integers(1, cols - col))
    everything = fine(array, factor, Window(0, 0, cols, rows))
    part = fine(array, factor, Window(col, row, width, height))
    np.testing.assert_array_equal(part, everything[row : row + height, col : col + width])


@given(array=coarse_arrays, factor=st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_interpolation_invents_and_loses_no_observation(array: np.ndarray, factor: int) -> None:
    array[array < 0.3] = np.nan
    rows, cols = (np.array(array.shape) * factor).tolist()
    found = fine(array, factor, Window(0, 0, cols, rows))
    seen = np.isfinite(np.kron(array, np.ones((factor, factor))))
    assert np.array_equal(np.isfinite(found), seen)
    assert np.nanmin(found) >= np.nanmin(array) - 1e-6
    assert np.nanmax(found) <= np.nanmax(array) + 1e-6


def test_nearest_takes_the_pixel_that_holds_the_fine_one() -> None:
    coarse = np.arange(6).reshape(2, 3)
    assert np.array_equal(nearest(coarse, 2, (0, 0), (4, 6)), np.kron(coarse, np.ones((2, 2), int)))
    assert np.array_equal(nearest(coarse[:, 1:], 2, (1, 2), (2, 2)), [[1, 1], [4, 4]])


def test_scene_classes_become_flags_and_dark_features_none() -> None:
    expected = [
        Quality.NODATA, Quality.SATURATED, 0, Quality.CLOUD_SHADOW, 0, 0, 0, 0,
        Quality.CLOUD, Quality.CLOUD, Quality.CIRRUS, Quality.SNOW, Quality.NODATA,
    ]  # fmt: skip
    assert decode_scl(np.arange(13, dtype=np.uint8)).tolist() == expected


@pytest.mark.parametrize(
    ("value", "flags"),
    [  # values of the table in the Landsat 8-9 Collection 2 Level 2 Science Product Guide
        (1, Quality.NODATA),
        (21824, 0),
        (21952, 0),
        (21826, Quality.CIRRUS),
        (22280, Quality.CLOUD),
        (23888, Quality.CLOUD_SHADOW),
        (30048, Quality.SNOW),
        (54596, Quality.CIRRUS),
        (55052, Quality.CLOUD | Quality.CIRRUS),
    ],
)
def test_published_qa_pixel_values_are_decoded(value: int, flags: int) -> None:
    assert decode_qa_pixel(np.array([[value]], np.uint16)).tolist() == [[flags]]


@pytest.mark.parametrize(
    ("value", "flags"),
    [  # values of the USGS table of the Collection 1 Level 1 quality band, Landsat 8
        (1, Quality.NODATA),
        (2720, 0),
        (2724, Quality.SATURATED),
        (2800, Quality.CLOUD),
        (2976, Quality.CLOUD_SHADOW),
        (3744, Quality.SNOW),
        (6816, Quality.CIRRUS),
        (6896, Quality.CLOUD | Quality.CIRRUS),
    ],
)
def test_published_bqa_values_are_decoded(value: int, flags: int) -> None:
    assert decode_bqa(np.array([[value]], np.uint16)).tolist() == [[flags]]


def test_flags_of_a_sentinel2_scene_are_those_of_its_classes(sentinel2: Scene) -> None:
    with rasterio.open(sentinel2.quality.path) as dataset:
        classes = np.kron(dataset.read(1), np.ones((2, 2), np.uint8))
    flags = sentinel2.read_quality()
    assert np.array_equal((flags & Quality.CLOUD) != 0, np.isin(classes, [8, 9]))
    assert np.array_equal((flags & Quality.SNOW) != 0, classes == 11)
    missing = np.isnan(sentinel2.read(["green", "nir"])).any(axis=0)
    assert np.array_equal((flags & Quality.NODATA) != 0, missing | (classes == 0))


def test_saturation_of_visible_bands_is_read_from_the_landsat_layer(products: Products) -> None:
    folder = products.find("LT05*")
    with rasterio.open(next(folder.glob("*_QA_RADSAT.TIF"))) as dataset:
        saturated = (dataset.read(1) & 0b1111) != 0
    flags = open_scene(folder).read_quality()
    assert saturated.any()
    assert np.all(flags[saturated] & Quality.SATURATED)


def test_a_saturated_number_keeps_a_value_and_is_flagged(products: Products) -> None:
    scene = open_scene(products.older)
    with rasterio.open(scene.bands["green"].path) as dataset:
        ceiling = dataset.read(1) == 255
    assert ceiling.any()
    assert np.isfinite(scene.read(["green"])[0][ceiling]).all()
    assert np.all(scene.read_quality()[ceiling] & Quality.SATURATED)


def test_a_cut_image_is_a_damaged_file_named_by_its_path(
    products: Products, tmp_path: Path
) -> None:
    scene = open_scene(products.older)
    whole = Path(scene.bands["green"].path)
    cut = tmp_path / whole.name
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    green = dataclasses.replace(scene.bands["green"], path=str(cut))
    with pytest.raises(DamagedFileError, match=whole.name):
        dataclasses.replace(scene, bands={**scene.bands, "green": green}).read(["green"])


def test_datasets_kept_open_are_not_shared_between_threads(sentinel2: Scene) -> None:
    window = Window(0, 0, 50, 50)
    found: list[np.ndarray] = []
    with keep_open(), keep_open():
        here = sentinel2.read(["green"], window)
        worker = threading.Thread(target=lambda: found.append(sentinel2.read(["green"], window)))
        worker.start()
        worker.join()
    assert np.array_equal(found[0], here, equal_nan=True)


def test_a_grid_that_is_no_multiple_of_the_coarse_pixel_is_covered(
    sentinel2: Scene, tmp_path: Path
) -> None:
    def image(name: str, size: int, pixel: float) -> str:
        path = str(tmp_path / name)
        transform = rasterio.transform.from_origin(400_000, 4_700_000, pixel, pixel)
        with rasterio.open(
            path, "w", driver="GTiff", height=size, width=size, count=1, dtype="uint16",
            crs="EPSG:32643", transform=transform,
        ) as dataset:  # fmt: skip
            dataset.write(np.full((1, size, size), 2000, np.uint16))
        return path

    def band(path: str, pixel: float) -> object:
        return dataclasses.replace(
            sentinel2.bands["green"], path=path, driver="GTiff", resolution=pixel
        )

    fine_band, coarse_band = band(image("f.tif", 7, 10), 10), band(image("c.tif", 4, 20), 20)
    with rasterio.open(tmp_path / "f.tif") as dataset:
        grid = type(sentinel2.grid)(dataset.crs, dataset.transform, dataset.shape)
    scene = dataclasses.replace(
        sentinel2,
        grid=grid,
        bands={"green": fine_band, "nir": coarse_band},
        quality=None,
        decoder="none",
        acquired=datetime(2020, 1, 1, tzinfo=UTC),
    )
    np.testing.assert_allclose(scene.read(["nir"]), 0.1, atol=1e-6)
    assert np.isnan(scene.read(["nir"], Window(7, 0, 1, 7))).all()
    assert not scene.read_quality().any()
