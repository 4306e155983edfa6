"""A probability or mask of an outside model takes the place of the seeds, wherever strips end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from geopandas.testing import assert_geodataframe_equal
from rasterio.features import rasterize
from rasterio.transform import from_bounds
from rasterio.warp import calculate_default_transform, reproject

import glacial_lakes as gl
from glacial_lakes.errors import GridError, InputError, MissingFileError
from glacial_lakes.language import in_language

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def scene(sample_data: Path) -> gl.Scene:
    return next(one for one in gl.discover(sample_data / "scenes") if one.id.startswith("S2A"))


@pytest.fixture(scope="module")
def dem(sample_data: Path) -> Path:
    return sample_data / "dem.tif"


@pytest.fixture(scope="module")
def own(scene: gl.Scene, dem: Path) -> gl.MappedScene:
    return gl.map_lakes(scene, dem=dem)


@pytest.fixture(scope="module")
def mask(scene: gl.Scene, own: gl.MappedScene) -> Any:
    """Return a perfect mask: the pixels of the lakes that the scene shows."""
    return rasterize(own.outlines.geometry, scene.grid.shape, transform=scene.grid.transform)


@pytest.fixture(scope="module")
def by_mask(scene: gl.Scene, dem: Path, mask: Any) -> gl.MappedScene:
    return gl.map_lakes(scene, dem=dem, probability=mask)


@pytest.fixture
def write(tmp_path: Path, scene: gl.Scene) -> Write:
    def write_raster(values: Any, name: str = "model.tif", **given: Any) -> Path:
        profile = {"crs": scene.grid.crs, "transform": scene.grid.transform} | given
        rows, cols = values.shape
        with rasterio.open(
            tmp_path / name, "w", driver="GTiff", height=rows, width=cols, count=1,
            dtype=values.dtype.name, **profile,
        ) as dataset:  # fmt: skip
            dataset.write(values, 1)
        return tmp_path / name

    return write_raster


def lost(found: gl.MappedScene, wanted: gl.MappedScene) -> gpd.GeoDataFrame:
    """Return the wanted outlines whose inner point lies in none that was found."""
    inner = wanted.outlines.geometry.representative_point()
    return wanted.outlines[~inner.intersects(found.outlines.union_all())]


def sure(lakes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the lakes that are seen whole and hardly anything else.

    A candidate of other pixels is another one, and is judged by its own signal as ever: of the
    doubtful and of those that clouds cut, some are judged otherwise.
    """
    return lakes[(lakes["lake_prob"] > 0.6) & (lakes["status"] == "observed")]


def test_a_perfect_mask_finds_every_sure_lake_and_is_uncertain_of_the_others(
    own: gl.MappedScene, by_mask: gl.MappedScene
) -> None:
    missed = lost(by_mask, own)
    assert len(sure(own.outlines)) >= 10
    assert sure(missed).empty
    assert (by_mask.coverage.observe(missed.geometry)["status"] == "uncertain").all()
    joined = gpd.sjoin(own.outlines, by_mask.outlines, lsuffix="own", rsuffix="mask")
    ratio = joined["area_m2_mask"] / joined["area_m2_own"]
    assert ratio.median() == pytest.approx(1.0, abs=0.02)
    assert (
        by_mask.outlines["area_sigma_m2"].gt(0).sum() == by_mask.outlines["area_m2"].notna().sum()
    )


def test_strips_cut_their_windows_inside(
    scene: gl.Scene, dem: Path, mask: Any, by_mask: gl.MappedScene
) -> None:
    narrow = gl.map_lakes(
        scene, dem=dem, probability=mask, settings=gl.MappingSettings(strip_rows=64)
    )
    assert_geodataframe_equal(narrow.outlines, by_mask.outlines)
    assert narrow.coverage == by_mask.coverage


def test_a_mask_is_the_same_as_file_dataset_array_and_probability(
    scene: gl.Scene, dem: Path, mask: Any, by_mask: gl.MappedScene, write: Write
) -> None:
    xr = pytest.importorskip("xarray")
    like = scene.to_xarray(["green"])[0]
    table = xr.DataArray(mask == 1, like.coords, like.dims).sortby("y")
    with rasterio.open(write(mask)) as dataset:
        forms = [write(mask * np.float32(0.9), "share.tif"), dataset, table, mask.astype(bool)]
        for form in forms:
            mapped = gl.map_lakes(scene, dem=dem, probability=form)
            assert_geodataframe_equal(mapped.outlines, by_mask.outlines)
            assert mapped.coverage == by_mask.coverage


def test_a_mask_on_another_grid_finds_the_lakes(
    scene: gl.Scene, dem: Path, mask: Any, own: gl.MappedScene, write: Write
) -> None:
    grid = scene.grid
    rows, cols = grid.shape
    at, width, height = calculate_default_transform(
        grid.crs, "EPSG:32644", cols, rows, *grid.bounds, resolution=5
    )
    moved = np.full((height, width), np.float32(np.nan))
    reproject(
        mask.astype(np.float32), moved, src_transform=grid.transform, src_crs=grid.crs,
        dst_transform=at, dst_crs="EPSG:32644", dst_nodata=np.nan,
    )  # fmt: skip
    mapped = gl.map_lakes(scene, dem=dem, probability=write(moved, crs="EPSG:32644", transform=at))
    assert sure(lost(mapped, own)).empty


def test_nothing_proposed_is_no_lake_and_nothing_said_is_uncertain(
    scene: gl.Scene, dem: Path, mask: Any
) -> None:
    nowhere = gl.map_lakes(scene, dem=dem, probability=mask * 0)
    assert nowhere.outlines.empty
    share = mask.astype(np.float32)
    share[:, :100] = np.nan
    mapped = gl.map_lakes(scene, dem=dem, probability=share)
    west, south, _, north = scene.grid.bounds
    side = shapely.box(west, south, west + 90 * scene.grid.resolution, north)
    seen = mapped.coverage.observe(gpd.GeoSeries([side], crs=scene.grid.crs.to_wkt()))
    assert seen["observed_fraction"].iloc[0] < 0.01
    assert not mapped.outlines.intersects(side).any()


def test_a_threshold_of_ones_own_is_taken(scene: gl.Scene, mask: Any, own: gl.MappedScene) -> None:
    low = mask * np.float32(0.3)
    assert gl.map_lakes(scene, probability=low).outlines.empty
    taken = gl.map_lakes(scene, probability=low, settings=gl.MappingSettings(seed_threshold=0.2))
    assert len(taken.outlines) > 5


def test_of_a_part_that_is_asked_for_alone_no_more_must_be_covered(
    scene: gl.Scene, mask: Any, write: Write
) -> None:
    half = mask[:, : mask.shape[1] // 2]
    west, south, _, north = scene.grid.bounds
    part = shapely.box(west + 50, south + 50, west + half.shape[1] * 5, north - 50)
    aoi = gpd.GeoDataFrame(geometry=[part], crs=scene.grid.crs.to_wkt())
    path = write(half)
    assert len(gl.map_lakes(scene, probability=path, aoi=aoi).outlines) > 0
    with pytest.raises(GridError, match=r"model\.tif: the probability does not cover all of the"):
        gl.map_lakes(scene, probability=path)


REFUSED: dict[str, tuple[Callable[[Any, Write], Any], type[Exception], str]] = {
    "no file": (lambda m, _: "model.tif", MissingFileError, "does not exist"),
    "a table": (lambda m, _: gpd.GeoDataFrame(), InputError, "probability is given as GeoData"),
    "a list": (lambda m, _: m.tolist(), InputError, "probability is given as list; give a GeoTIFF"),
    "another shape": (lambda m, _: m[1:], InputError, r"the shape \(.*\), and the scene \("),
    "three dimensions": (lambda m, _: m[None], InputError, "the shape"),
    "bytes": (lambda m, _: m * np.uint8(255), InputError, "numbers from 0 to 255; give prob"),
    "logits": (lambda m, _: m * 8.0 - 4, InputError, "numbers from -4 to 4"),
    "large numbers": (lambda m, _: m.astype(np.int32) * 256, InputError, "numbers from 0 to 255"),
    "texts": (lambda m, _: m.astype(str), InputError, "the probability holds <U"),
    "no CRS": (lambda m, write: write(m, crs=None), GridError, "the probability has no CRS"),
    "elsewhere": (
        lambda m, write: write(m, crs="EPSG:32610"),
        GridError,
        "does not cover all of the scene; give it for the whole scene",
    ),
    "in degrees elsewhere": (
        lambda m, write: write(m, crs=4326, transform=from_bounds(10, 40, 11, 41, *m.shape)),
        GridError,
        "does not cover all of the scene",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_probability_of_the_scene_is_refused_in_one_line(
    name: str, scene: gl.Scene, mask: Any, write: Write
) -> None:
    make, kind, said = REFUSED[name]
    with pytest.raises(kind, match=said) as refused:
        gl.map_lakes(scene, probability=make(mask, write))
    assert "\n" not in str(refused.value)
    assert in_language(refused.value.line, "ru") != refused.value.line  # type: ignore[attr-defined]


def test_a_detector_beside_a_probability_is_refused(scene: gl.Scene, mask: Any) -> None:
    with pytest.raises(InputError, match="detector and probability are both given"):
        gl.map_lakes(scene, probability=mask, detector=lambda _, excluded: excluded)


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        (lambda _, excluded: None, "the detector gives NoneType; return an array of bool"),
        (lambda _, excluded: excluded[:1], r"the detector gives bool \(1, "),
        (lambda bands, _: bands["nir"], "the detector gives float32"),
        (lambda _, excluded: excluded.tolist(), "the detector gives list"),
        (lambda _, excluded: excluded.astype(np.uint8), "the detector gives uint8"),
    ],
    ids=["nothing", "shape", "probability", "list", "bytes"],
)
def test_a_detector_that_gives_no_answer_is_refused_in_one_line(
    scene: gl.Scene, detector: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        gl.map_lakes(scene, detector=detector)
    assert "\n" not in str(refused.value)
