"""Faults that real images showed: each on the image that showed it, and on pixels made for it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray

from glacial_lakes.coverage import Coverage, State
from glacial_lakes.mapping.indices import ndwi_or_zero
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.path_radiance import path_reflectance, rayleigh
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.mapping.seeds import water_seeds
from glacial_lakes.scenes import Scene, discover, open_scene
from glacial_lakes.scenes.sun import sun_over
from glacial_lakes.settings import MappingSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import real_chips

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
WATER = (0.05, 0.045, 0.02, 0.008, 0.004, 0.003)
ROCK = (0.10, 0.13, 0.16, 0.20, 0.22, 0.20)
SNOW_SHADE = (0.17, 0.15, 0.13, 0.11, 0.01, 0.01)


def chip(data: Path, name: str) -> tuple[Scene, MappedScene]:
    scene = open_scene(data / "real_chips" / name / f"{name}.tif")
    return scene, map_lakes(scene)


def states_of(mapped: MappedScene) -> NDArray[np.uint8]:
    assert isinstance(mapped.coverage, Coverage)
    return mapped.coverage.states()


def made(folder: Path, image: NDArray[np.float32], level: str = "L2A", more: str = "") -> Scene:
    """Write an image of six bands on 10 m pixels and open it."""
    path = folder / f"made_{level}.tif"
    count, height, width = image.shape
    transform = Affine(10, 0, 450_000, 0, -10, 4_720_000)
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width}
    with rasterio.open(
        path, "w", **profile, dtype="float32", crs="EPSG:32643", transform=transform
    ) as file:
        file.write(image)
    bands = "".join(f"{name} = {number}\n" for number, name in enumerate(BANDS, 1))
    path.with_suffix(".toml").write_text(
        "acquired = 2021-08-24T06:08:07Z\n"
        f'sensor = "S2A"\nscale = 1.0\noffset = 0.0\nnodata = "none"\nlevel = "{level}"\n'
        f"{more}[bands]\n{bands}",
        "utf-8",
    )
    return open_scene(path)


def ground(shape: tuple[int, int], seed: int = 1) -> NDArray[np.float32]:
    """Return rock with some texture."""
    rng = np.random.default_rng(seed)
    light = 1 + 0.08 * rng.standard_normal(shape)
    return (np.array(ROCK)[:, None, None] * light).astype("float32")


def test_deep_clear_water_without_near_infrared_is_never_land(data: Path) -> None:
    scene, mapped = chip(data, "tahoe")
    green, nir = scene.read(["green", "nir"])
    deep = (nir < 0.001) & (green > 0)
    assert deep.sum() * scene.grid.pixel_area_m2 > 80e6
    assert (states_of(mapped)[deep] == State.LAND).mean() < 0.15
    largest = mapped.outlines.loc[mapped.outlines.area.idxmax()]
    assert largest.geometry.area > 86e6
    assert largest["status"] == "nodata"


def test_so_little_light_that_its_ratio_is_noise_is_proposed_and_told_with_less_weight() -> None:
    green, nir = np.float32([[0.003, 0.004, 0.06]]), np.float32([[0.0001, -0.003, 0.01]])
    index = ndwi_or_zero(green, nir)[0]
    assert (index[:2] > 0.4).all()
    assert index[0] < (0.003 - 0.0001) / (0.003 + 0.0001)
    nothing = np.zeros((1, 3), bool)
    assert water_seeds({"green": green, "nir": nir}, nothing).all()
    bright = {"green": np.float32([[0.10]]), "nir": np.float32([[0.10]])}
    assert not water_seeds(bright, nothing[:, :1]).any()


def test_without_a_dem_deep_shade_on_walls_is_no_lake(data: Path) -> None:
    _, mapped = chip(data, "everest_2000_toa")
    assert mapped.outlines.area.sum() < 0.5e6  # 9.9 km² before; snow that saturates remains
    assert (states_of(mapped) == State.SHADOW).mean() > 0.01


def test_without_a_dem_shaded_snow_is_no_lake_and_water_is(tmp_path: Path) -> None:
    image = ground((120, 120)) * np.float32(2.2)
    rows, cols = np.indices((120, 120))
    image[:, (rows - 30) ** 2 + (cols - 30) ** 2 < 12**2] = np.array(SNOW_SHADE)[:, None]
    image[:, (rows - 80) ** 2 + (cols - 80) ** 2 < 12**2] = np.array(WATER)[:, None]
    scene = made(tmp_path, image)
    mapped = map_lakes(scene)
    [lake] = mapped.outlines.geometry
    assert lake.area == pytest.approx(np.pi * 120**2, rel=0.1)
    assert states_of(mapped)[30, 30] in (State.SHADOW, State.SNOW)


@pytest.mark.parametrize("name", ["loon_nearest", "loon_bilinear"])
def test_a_crooked_lake_is_a_lake_in_both_warps(data: Path, name: str) -> None:
    scene, mapped = chip(data, name)
    x, y = scene.grid.transform @ (112.5, 58.5)
    at = mapped.outlines[mapped.outlines.contains(shapely.Point(x, y))]
    assert len(at) == 1
    assert at["area_m2"].item() > 0.1e6


def test_water_that_leaves_the_image_has_no_area(data: Path) -> None:
    _, mapped = chip(data, "khadakwasla")
    largest = mapped.outlines.loc[mapped.outlines.area.idxmax()]
    assert largest.geometry.area > 6e6
    assert largest["status"] == "nodata"
    assert np.isnan(largest["area_m2"])


@pytest.mark.parametrize(("left", "status"), [(0, "nodata"), (20, "observed")])
def test_a_short_cut_at_the_edge_is_a_cut(tmp_path: Path, left: int, status: str) -> None:
    image = ground((100, 140))
    rows, cols = np.indices((100, 140))
    lake = ((rows - 50) / 6) ** 2 + ((cols - left - 40) / 43) ** 2 < 1  # 86 pixels long
    lake &= cols >= left - 2
    image[:, lake] = np.array(WATER)[:, None]
    [found] = map_lakes(made(tmp_path, image)).outlines["status"]
    assert found == status


def test_a_lake_under_cloud_that_no_mask_tells_of_is_not_wholly_seen(
    data: Path, tmp_path: Path
) -> None:
    chips = {one.name: one.scene for one in real_chips.chips(data, tmp_path) if "2017" in one.name}
    scene = chips["S2A1C_20170703_022_Barbellino_TOA_10"]
    assert scene.quality is None
    [lake] = map_lakes(scene).outlines.itertuples()
    assert lake.status in ("cloud", "nodata")
    assert np.isnan(lake.area_m2)


def hazed(image: NDArray[np.float32], air: dict[str, float]) -> NDArray[np.float32]:
    extra = np.array([air.get(name, 0.0) for name in BANDS], "float32")
    return image + extra[:, None, None]


def lake_scene(shape: tuple[int, int] = (300, 200)) -> NDArray[np.float32]:
    image = ground(shape)
    rows, cols = np.indices(shape)
    image[:, (rows - 150) ** 2 + (cols - 90) ** 2 < 25**2] = np.array(WATER)[:, None]
    return image


def test_the_light_of_the_air_is_measured_and_taken_off(tmp_path: Path) -> None:
    bare = lake_scene()
    air = {"blue": 0.056, "green": 0.032, "red": 0.017, "nir": 0.006}
    scene = made(tmp_path, hazed(bare, air), "L1C")
    found = path_reflectance(scene, BANDS, 1000.0)
    for name, light in air.items():
        assert found[name] == pytest.approx(light, abs=0.012)
    below, above = (map_lakes(one).outlines.area.sum() for one in (made(tmp_path, bare), scene))
    assert above == pytest.approx(below, rel=0.02)
    assert path_reflectance(made(tmp_path, bare), BANDS) == {}


def test_the_light_of_the_air_does_not_depend_on_strips_or_an_area(tmp_path: Path) -> None:
    scene = made(tmp_path, hazed(lake_scene(), {"green": 0.03, "nir": 0.005}), "L1C")
    whole = map_lakes(scene).outlines
    strips = map_lakes(scene, settings=replace(MappingSettings(), strip_rows=64)).outlines
    assert whole.geometry.to_wkb().tolist() == strips.geometry.to_wkb().tolist()
    west, south, east, north = whole.to_crs(4326).total_bounds
    part = map_lakes(scene, aoi=(west, south, east, north)).outlines
    assert part.geometry.to_wkb().tolist() == whole.geometry.to_wkb().tolist()


def test_a_lake_as_wide_as_the_image_does_not_depend_on_strips(tmp_path: Path) -> None:
    image = ground((900, 60))
    rows, cols = np.indices((900, 60))
    lake = (rows > 40 + 8 * np.sin(cols / 9)) & (rows < 850)
    image[:, lake] = np.array(WATER)[:, None]
    scene = made(tmp_path, image)
    whole, strips = (
        map_lakes(scene, settings=replace(MappingSettings(), strip_rows=rows)).outlines
        for rows in (4096, 64)
    )
    assert whole.geometry.to_wkb().tolist() == strips.geometry.to_wkb().tolist()
    assert whole.area.max() == pytest.approx(100.0 * lake.sum(), rel=0.01)


def test_air_scatters_less_when_the_sun_is_high_and_the_ground_too() -> None:
    assert rayleigh(0.56, 30, 0) > rayleigh(0.56, 60, 0) > rayleigh(0.56, 60, 4000)
    assert rayleigh(0.84, 45, 0) < 0.25 * rayleigh(0.56, 45, 0)


def test_the_sun_follows_from_time_and_place_where_a_sidecar_lacks_it(tmp_path: Path) -> None:
    scene = made(tmp_path, ground((60, 60)))
    assert scene.provenance["sun"] == "computed"
    azimuth, elevation = sun_over(scene.grid, scene.acquired)
    assert (scene.sun_azimuth_deg, scene.sun_elevation_deg) == (azimuth, elevation)
    told = made(
        tmp_path, ground((60, 60)), more="sun_azimuth_deg = 1.0\nsun_elevation_deg = 57.0\n"
    )
    assert (told.sun_azimuth_deg, told.sun_elevation_deg) == (1.0, 57.0)
    assert told.provenance["sun"] == "told"


def test_the_computed_sun_is_that_of_whole_products(data: Path) -> None:
    zips = sorted((data / "sentinel2_safe").glob("*.zip"))
    folders = sorted((data / "landsat_c2").glob("L*_L2SP_*"))
    scenes = discover([*zips, *folders])
    assert len(scenes) >= 4
    for scene in scenes:
        assert scene.sun_azimuth_deg is not None
        azimuth, elevation = sun_over(scene.grid, scene.acquired)
        assert azimuth == pytest.approx(scene.sun_azimuth_deg, abs=0.2)
        assert elevation == pytest.approx(scene.sun_elevation_deg, abs=0.2)
