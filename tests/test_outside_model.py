"""A probability or mask of an outside model takes the place of the seeds, wherever strips end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
from scipy import ndimage

import glacial_lakes as gl
from glacial_lakes.errors import GridError, InputError, MissingFileError
from glacial_lakes.language import in_language
from glacial_lakes.mapping.pipeline import candidates
from glacial_lakes.mapping.probability import lake_prob

Write = Callable[..., Path]


PART = {"y": slice(200, 700), "x": slice(300, 800)}
DAYS = ("2018-08-12", "2022-08-16")
"""Half in clouds, and clear."""


@pytest.fixture(scope="module")
def dem(sample_data: Path) -> Path:
    return sample_data / "dem.tif"


@pytest.fixture(scope="module")
def parts(sample_data: Path) -> dict[str, gl.Scene]:
    """Return parts of two scenes by date."""
    pytest.importorskip("xarray")
    found = {}
    for one in gl.discover(sample_data / "scenes"):
        if (day := f"{one.acquired:%Y-%m-%d}") in DAYS:
            held = one.to_xarray().isel(PART).load()
            flags = held.quality.load()
            found[day] = gl.Scene.from_xarray(
                held, scale=1, offset=0, quality=flags, decoder=np.asarray, id=one.id
            )
    return found


@pytest.fixture(scope="module")
def truths(sample_data: Path, parts: dict[str, gl.Scene]) -> dict[str, gpd.GeoDataFrame]:
    """Return the true lakes of the parts, and whether these show them whole."""
    found = {}
    for day, scene in parts.items():
        lakes, part = gpd.read_file(sample_data / "truth.gpkg", layer=day), box_of(scene)
        hidden = lakes["cloud_shadow_fraction"] + lakes["shadow_fraction"]
        lakes["whole"] = lakes.within(part.buffer(-30)) & (lakes["frozen_fraction"] < 0.1)
        lakes["whole"] &= lakes["observed_fraction"] - hidden > 0.9
        found[day] = lakes[lakes.intersects(part)]
    return found


@pytest.fixture(scope="module")
def scene(parts: dict[str, gl.Scene]) -> gl.Scene:
    return parts[DAYS[1]]


@pytest.fixture(scope="module")
def truth(truths: dict[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    return truths[DAYS[1]]


def drawn(scene: gl.Scene, lakes: gpd.GeoDataFrame) -> Any:
    """Return the mask of some lakes on the grid of a scene."""
    return rasterize(lakes.geometry, scene.grid.shape, transform=scene.grid.transform)


@pytest.fixture(scope="module")
def mask(scene: gl.Scene, truth: gpd.GeoDataFrame) -> Any:
    """Return a perfect mask."""
    return drawn(scene, truth)


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


def box_of(scene: gl.Scene) -> shapely.Geometry:
    return shapely.box(*scene.grid.bounds)


def overlaps(found: gl.MappedScene, lakes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return pairs of a true lake and the outline that shows it: they share more than half."""
    pairs = found.outlines.sjoin(lakes.assign(shape=lakes.geometry), rsuffix="true")
    shared = pairs.geometry.intersection(gpd.GeoSeries(pairs["shape"], crs=pairs.crs)).area
    both = pairs.geometry.union(gpd.GeoSeries(pairs["shape"], crs=pairs.crs)).area
    return pairs[shared > 0.5 * both]


def missed(found: gl.MappedScene, lakes: gpd.GeoDataFrame) -> set[str]:
    """Return the lakes that are seen whole and not found."""
    return set(lakes.loc[lakes["whole"], "lake_id"]) - set(overlaps(found, lakes)["lake_id"])


def invented(found: gl.MappedScene, lakes: gpd.GeoDataFrame) -> int:
    """Return how many outlines meet no lake."""
    return int((~found.outlines.intersects(lakes.union_all())).sum())


@pytest.mark.parametrize("day", DAYS)
def test_a_perfect_mask_gives_every_lake_with_its_area_and_error_and_nothing_else(
    day: str, parts: dict[str, gl.Scene], truths: dict[str, gpd.GeoDataFrame], dem: Path
) -> None:
    scene, truth = parts[day], truths[day]
    found = gl.map_lakes(scene, dem=dem, probability=drawn(scene, truth))
    assert truth["whole"].sum() >= 7
    assert missed(found, truth) == set()
    assert invented(found, truth) == 0
    pairs = overlaps(found, truth[truth["whole"]]).dropna(subset="area_m2_left")
    apart = (pairs["area_m2_left"] - pairs["area_m2_true"]).abs() / pairs["area_sigma_m2"]
    assert np.mean(apart < 2) >= 0.9
    assert found.outlines["lake_prob"].median() > 0.95


def test_what_a_noisy_mask_takes_for_water_is_no_lake_by_the_scene(
    scene: gl.Scene, truth: gpd.GeoDataFrame, dem: Path
) -> None:
    rng = np.random.default_rng(0)
    kept = truth[rng.random(len(truth)) < 0.8]
    dark = (scene.read(["nir"])[0] < 0.08) & (drawn(scene, truth) == 0)  # shade, mostly
    blobs = dark & ndimage.binary_dilation(dark & (rng.random(dark.shape) < 0.004), iterations=3)
    found = gl.map_lakes(scene, dem=dem, probability=(drawn(scene, kept) == 1) | blobs)
    assert ndimage.label(blobs)[1] > 10
    assert len(kept) < len(truth)
    assert invented(found, truth) == 0
    assert missed(found, kept) == set()


@pytest.mark.parametrize("day", DAYS)
def test_a_mask_of_chance_makes_few_lakes_of_what_it_proposes(
    day: str, parts: dict[str, gl.Scene], truths: dict[str, gpd.GeoDataFrame], dem: Path
) -> None:
    scene, truth = parts[day], truths[day]
    chance = np.random.default_rng(0).random(scene.grid.shape) < 0.1
    found = gl.map_lakes(scene, dem=dem, probability=chance)
    _, proposed = ndimage.label(chance, np.ones((3, 3)))
    assert proposed > 10_000
    assert invented(found, truth) < 1e-3 * proposed


def test_a_probability_multiplies_the_odds_of_the_scene_within_bounds(
    parts: dict[str, gl.Scene], dem: Path
) -> None:
    judged = [one for one in candidates(parts[DAYS[0]], dem=dem) if 0.2 < one.lake_prob < 0.8]
    assert len(judged) > 3
    for share, factor in [(0.0, 1 / 9), (0.3, 3 / 7), (0.5, 1), (0.7, 7 / 3), (1.0, 9)]:
        for one in judged:
            prob, _ = lake_prob(replace(one.features, outside=share), one.rules)
            alone = one.lake_prob / (1 - one.lake_prob)
            assert prob / (1 - prob) == pytest.approx(factor * alone, rel=0.05)


def test_a_probability_is_a_feature_of_each_lake(
    scene: gl.Scene, dem: Path, mask: Any, by_mask: gl.MappedScene
) -> None:
    settings = gl.MappingSettings(seed_threshold=0.05)
    low = gl.map_lakes(scene, dem=dem, probability=mask * np.float32(0.1), settings=settings)
    pairs = by_mask.outlines.merge(low.outlines, on=["lon", "lat"])
    assert len(pairs) > 12
    np.testing.assert_array_equal(pairs["area_m2_x"], pairs["area_m2_y"])
    assert (pairs["lake_prob_x"] >= pairs["lake_prob_y"]).all()
    assert (pairs["lake_prob_x"] > pairs["lake_prob_y"]).any()


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
    scene: gl.Scene, dem: Path, mask: Any, truth: gpd.GeoDataFrame, write: Write
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
    assert missed(mapped, truth) == set()


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


def test_a_threshold_of_ones_own_is_taken(scene: gl.Scene, mask: Any) -> None:
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
    found, whole = (
        gl.map_lakes(scene, probability=model, aoi=aoi).outlines for model in (path, mask)
    )
    assert len(found) > 0
    assert found.to_wkb().equals(whole.to_wkb())
    everywhere = gl.map_lakes(scene, probability=mask).outlines
    inside = everywhere[everywhere.representative_point().within(part)].reset_index(drop=True)
    assert found.to_wkb().equals(inside.to_wkb())
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
