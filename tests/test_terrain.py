"""Slope, illumination and cast shadow against analytic terrain, a ray march and GDAL."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import Resampling, calculate_default_transform, reproject

from glacial_lakes import terrain
from glacial_lakes.errors import GridError, UnknownProductError
from glacial_lakes.grid import Grid
from glacial_lakes.kernels import interpolation

UTM = CRS.from_epsg(32643)


def grid(shape: tuple[int, int] = (60, 80), resolution: float = 10.0) -> Grid:
    return Grid(UTM, Affine(resolution, 0, 460_000, 0, -resolution, 4_720_000), shape)


def plane(east: float, north: float, shape: tuple[int, int] = (30, 40)) -> terrain.Float:
    rows, cols = np.indices(shape)
    return (1000 + 30 * (cols * east - rows * north)).astype("float32")


def test_gradient_of_a_plane_is_its_rise_per_metre() -> None:
    to_east, to_north = terrain.horn_gradient(plane(0.3, -0.2), 30.0)
    inner = np.s_[1:-1, 1:-1]
    np.testing.assert_allclose(to_east[inner], 0.3, atol=1e-4)
    np.testing.assert_allclose(to_north[inner], -0.2, atol=1e-4)


@pytest.mark.parametrize("elevation", [20.0, 35.0, 65.0])
def test_level_ground_is_the_measure_of_light_for_every_sun(elevation: float) -> None:
    flat = terrain.horn_gradient(plane(0, 0), 30.0)
    np.testing.assert_allclose(terrain.illumination(flat, 140, elevation), 1, atol=1e-6)


def test_a_slope_that_faces_the_sun_is_lit_in_full() -> None:
    rise = math.tan(math.radians(30))  # falls towards the south, where the sun stands 60° high
    lit = terrain.illumination(terrain.horn_gradient(plane(0, rise), 30.0), 180, 60)
    np.testing.assert_allclose(lit[1:-1, 1:-1], 1 / math.sin(math.radians(60)), atol=1e-3)


def test_shadow_of_a_wall_has_the_length_of_trigonometry() -> None:
    wall = np.zeros((5, 100), "float32")
    wall[:, 60] = 300.0  # sun in the east: the shadow falls to the west of it
    shadow = terrain.cast_shadow(wall, 30.0, 90.0, 45.0)
    assert shadow[2, 51:60].all()
    assert not shadow[2, :50].any()
    assert not shadow[2, 60:].any()


def marched(z: np.ndarray, resolution: float, azimuth: float, elevation: float) -> np.ndarray:
    """March every ray in small steps through the bilinear surface."""
    from scipy.ndimage import map_coordinates

    rows, cols = np.indices(z.shape).astype(float)
    shadow = np.zeros(z.shape, bool)
    up = math.tan(math.radians(elevation)) * resolution
    a = math.radians(azimuth)
    for step in np.arange(0.5, max(z.shape) * 1.5, 0.5):
        ahead = map_coordinates(
            z, [rows - step * math.cos(a), cols + step * math.sin(a)], order=1, cval=-1e6
        )
        shadow |= ahead - step * up > z
    return shadow


@pytest.mark.parametrize("azimuth", [0.0, 37.0, 131.5, 203.0, 288.0])
def test_cast_shadow_agrees_with_a_ray_march(azimuth: float) -> None:
    rng = np.random.default_rng(5)
    from scipy.ndimage import gaussian_filter

    z = (gaussian_filter(rng.normal(size=(120, 120)), 8) * 9000).astype("float32")
    ours = terrain.cast_shadow(z, 30.0, azimuth, 30.0)
    theirs = marched(z, 30.0, azimuth, 30.0)
    inner = np.s_[20:-20, 20:-20]
    assert theirs[inner].mean() > 0.05
    assert (ours == theirs)[inner].mean() > 0.97


@given(st.floats(0, 360), st.floats(5, 85))
@settings(max_examples=25, deadline=None)
def test_flat_ground_casts_no_shadow(azimuth: float, elevation: float) -> None:
    assert not terrain.cast_shadow(np.full((20, 20), 7.0, "float32"), 30, azimuth, elevation).any()


def test_the_sun_below_the_horizon_leaves_all_in_shadow() -> None:
    assert terrain.cast_shadow(plane(0, 0), 30, 100, -1).all()


def test_sampling_a_plane_is_exact_on_any_grid() -> None:
    source = grid((40, 40), 30.0)
    target = grid((60, 80), 10.0)
    rows, cols = np.indices(source.shape)
    values = interpolation.sample(
        (2.0 * cols - 3.0 * rows).astype("float32"),
        source.transform,
        target.transform,
        target.shape,
    )
    rows, cols = np.indices(target.shape)
    expected = 2 * ((cols + 0.5) / 3 - 0.5) - 3 * ((rows + 0.5) / 3 - 0.5)
    inside = np.isfinite(values)
    assert inside[2:, 2:].all()
    np.testing.assert_allclose(values[inside], expected[inside], atol=1e-3)


def write_dem(path: Path, crs: CRS | None, transform: Affine, z: np.ndarray) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, height=z.shape[0], width=z.shape[1],
        crs=crs, transform=transform, nodata=-9999,
    ) as dataset:  # fmt: skip
        dataset.write(z.astype("float32"), 1)
    return path


def test_slope_agrees_with_gdaldem(tmp_path: Path, sample_data: Path) -> None:
    if shutil.which("gdaldem") is None:
        pytest.skip("gdaldem is not installed")
    dem = sample_data / "dem.tif"
    with rasterio.open(dem) as dataset:
        own = Grid(dataset.crs, dataset.transform, dataset.shape)
    subprocess.run(
        ["gdaldem", "slope", dem, tmp_path / "slope.tif"], check=True, capture_output=True
    )
    with rasterio.open(tmp_path / "slope.tif") as dataset:
        theirs = dataset.read(1)
    layers = terrain.read_terrain(dem, own, 130, 60, margin_m=0)
    inner = np.s_[3:-3, 3:-3]
    np.testing.assert_allclose(layers.slope_deg[inner], theirs[inner], atol=0.05)


def test_a_dem_in_degrees_is_warped_to_the_scene(sample_data: Path, tmp_path: Path) -> None:
    with rasterio.open(sample_data / "dem.tif") as dataset:
        crs, z = dataset.crs, dataset.read(1)
        place = {"src_crs": crs, "src_transform": dataset.transform}
        transform, cols, rows = calculate_default_transform(
            crs, "EPSG:4326", dataset.width, dataset.height, *dataset.bounds
        )
    degrees = np.full((rows, cols), -9999.0)
    reproject(z, degrees, dst_crs="EPSG:4326", dst_transform=transform, dst_nodata=-9999.0,
              resampling=Resampling.bilinear, **place)  # fmt: skip
    path = write_dem(tmp_path / "degrees.tif", CRS.from_epsg(4326), transform, degrees)
    scene = Grid(crs, Affine(10, 0, 458_040, 0, -10, 4_719_000), (300, 300))
    found, expected = (
        terrain.read_terrain(dem, scene, 150, 40).on(scene.transform, scene.shape, "elevation_m")
        for dem in (path, sample_data / "dem.tif")
    )
    assert np.isfinite(found).all()
    assert np.abs(found - expected).mean() < 3  # metres, after two interpolations


def test_a_dem_elsewhere_is_refused(tmp_path: Path) -> None:
    far = write_dem(tmp_path / "far.tif", UTM, Affine(30, 0, 0, 0, -30, 30_000), plane(0, 0))
    with pytest.raises(GridError, match=r"far\.tif: the DEM does not cover the scene"):
        terrain.read_terrain(far, grid())


def test_a_dem_without_crs_is_refused(tmp_path: Path) -> None:
    bare = write_dem(tmp_path / "bare.tif", None, Affine(30, 0, 0, 0, -30, 0), plane(0, 0))
    with pytest.raises(GridError, match="has no CRS"):
        terrain.read_terrain(bare, grid())


def test_a_text_file_is_no_dem(tmp_path: Path) -> None:
    (tmp_path / "dem.tif").write_text("not a raster")
    with pytest.raises(UnknownProductError, match=r"dem\.tif: the DEM cannot be read"):
        terrain.read_terrain(tmp_path / "dem.tif", grid())
