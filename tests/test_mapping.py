"""Mapping of whole scenes: real products, known truth, and what must hold on every scene."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.features import geometry_mask, rasterize
from rasterio.transform import from_origin

from glacial_lakes import schema
from glacial_lakes.coverage import Coverage, State
from glacial_lakes.errors import MetadataError
from glacial_lakes.mapping import indices
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import discover, open_scene
from glacial_lakes.settings import MappingSettings

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")


def matches(mapped: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> np.ndarray:
    """Return for each true lake the row of the outline with IoU of at least one half, or -1."""
    truth = truth.to_crs(mapped.crs)
    tree = shapely.STRtree(mapped.geometry.to_numpy())
    lake, found = tree.query(truth.geometry.to_numpy(), predicate="intersects")
    a, b = truth.geometry.to_numpy()[lake], mapped.geometry.to_numpy()[found]
    shared = shapely.area(shapely.intersection(a, b))
    hit = shared / (shapely.area(a) + shapely.area(b) - shared) >= 0.5
    best = np.full(len(truth), -1)
    best[lake[hit]] = found[hit]
    return best


def score(mapped: gpd.GeoDataFrame, truth: gpd.GeoDataFrame, smallest: float) -> dict[str, float]:
    """Return recall, precision and area errors of lakes from ``smallest`` m² on.

    Lakes less than half seen or more than half frozen are neither hit nor miss.
    """
    best = matches(mapped, truth)
    counted = (truth["observed_fraction"] >= 0.5) & (truth["frozen_fraction"] <= 0.5)
    large = (truth["area_m2"] >= smallest) & counted
    hit = large & (best >= 0)
    false = np.setdiff1d(np.flatnonzero(mapped.area >= smallest), best)
    on_any = shapely.STRtree(truth.to_crs(mapped.crs).geometry.to_numpy())
    touching = on_any.query(mapped.geometry.to_numpy()[false], predicate="intersects")[0]
    false = np.delete(false, np.unique(touching))
    area = mapped["area_m2"].to_numpy()[best[hit]]
    error = area / truth["area_m2"][hit] - 1
    return {
        "recall": float(hit.sum() / large.sum()),
        "precision": float(hit.sum() / (hit.sum() + len(false))),
        "error": float(np.nanmedian(np.abs(error))),
        "bias": float(np.nanmedian(error)),
    }


def states_of(mapped: MappedScene) -> np.ndarray:
    assert isinstance(mapped.coverage, Coverage)
    return mapped.coverage.states()


Pair = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]


def of_sample(sample_data: Path, pattern: str) -> tuple[MappedScene, gpd.GeoDataFrame]:
    scene = open_scene(next((sample_data / "scenes").glob(pattern)))
    truth = gpd.read_file(sample_data / "truth.gpkg", layer=f"{scene.acquired:%Y-%m-%d}")
    mapped = map_lakes(scene, dem=sample_data / "dem.tif", glaciers=sample_data / "glaciers.gpkg")
    return mapped, truth


@pytest.fixture(scope="module")
def clear_scene(sample_data: Path) -> tuple[MappedScene, gpd.GeoDataFrame]:
    """Return a clear sample scene as mapped, and its truth."""
    return of_sample(sample_data, "S2B_MSIL2A_2022*")


@pytest.fixture(scope="module")
def clear(clear_scene: tuple[MappedScene, gpd.GeoDataFrame]) -> Pair:
    """Return outlines and truth of a clear sample scene."""
    mapped, truth = clear_scene
    return mapped.outlines, truth


@pytest.fixture(scope="module")
def cloudy(sample_data: Path) -> Pair:
    """Return outlines and truth of a sample scene with clouds over lakes."""
    mapped, truth = of_sample(sample_data, "LT05*_20090724_*")
    return mapped.outlines, truth


def test_clear_scene_of_another_simulator_is_mapped(data: Path) -> None:
    folder = data / "independent_truth/clear_summer"
    scene = open_scene(next(folder.glob("*.SAFE")))
    mapped = map_lakes(scene, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg").outlines
    found = score(mapped, gpd.read_file(folder / "truth.gpkg"), smallest=10_000)
    assert found["recall"] >= 0.95
    assert found["precision"] >= 0.95
    assert found["error"] <= 0.05


def test_columns_and_types_follow_the_schema(clear: Pair) -> None:
    mapped, _ = clear
    names = [column.name for column in schema.MAPPED]
    assert list(mapped.columns) == [*names, "geometry"]
    assert str(mapped["acquired"].dt.tz) == "UTC"
    assert mapped.crs.is_projected
    assert set(mapped["status"]) <= set(schema.Status)


def test_outlines_are_valid_single_polygons_with_geodesic_area(clear: Pair) -> None:
    mapped, _ = clear
    assert mapped.is_valid.all()
    assert set(mapped.geom_type) == {"Polygon"}
    seen = mapped["status"] == "observed"
    # UTM at the central meridian scales areas by 0.9992
    np.testing.assert_allclose(mapped["area_m2"][seen], mapped.area[seen], rtol=2e-3)


def test_rivers_that_the_pixels_show_are_told_beside_the_lakes(
    clear_scene: tuple[MappedScene, gpd.GeoDataFrame],
) -> None:
    mapped, truth = clear_scene
    rivers = mapped.rivers
    assert rivers is not None
    assert rivers.crs == mapped.outlines.crs
    assert rivers.is_valid.all()
    assert len(rivers) > 100
    width = 2 * rivers.area / rivers.length
    assert width.max() < 30  # the widest river of the simulator has 13 m
    lakes = shapely.union_all([*mapped.outlines.geometry, *truth.to_crs(rivers.crs).geometry])
    assert rivers.intersection(lakes.buffer(-10)).area.sum() == 0


def test_a_lake_that_is_cut_has_a_reason_and_no_area(cloudy: Pair) -> None:
    mapped, truth = cloudy
    cut = mapped["observed_fraction"] < 0.9
    assert (mapped["area_m2"].isna() == cut).all()
    assert (mapped["status"][cut] != "observed").all()
    best = matches(mapped, truth)
    hidden = (truth["observed_fraction"] < 0.85) & (best >= 0)
    assert hidden.sum() >= 2
    assert mapped["area_m2"].iloc[best[hidden]].isna().all()


def test_elevation_and_nearest_glacier_are_filled(clear: Pair) -> None:
    mapped, _ = clear
    assert mapped["elev_m"].between(2000, 8000).all()
    assert mapped["glacier_id"].notna().all()
    assert (mapped["glacier_dist_m"] >= 0).all()


@pytest.mark.parametrize("pattern", ["S2B_MSIL2A_20220728*", "LC08_L2SP_152035_20140823*"])
def test_scenes_with_cloud_of_another_simulator_are_mapped(data: Path, pattern: str) -> None:
    folder = data / "independent_truth/series"
    scene = open_scene(next(folder.glob(pattern)))
    truth = gpd.read_file(folder / "truth.gpkg", layer=f"{scene.acquired:%Y-%m-%d}")
    mapped = map_lakes(scene, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg").outlines
    found = score(mapped, truth, smallest=20_000)
    assert found["recall"] >= 0.9
    assert found["precision"] >= 0.95


@pytest.mark.parametrize("pattern", ["LC08_L2SP_151030_2016*", "LE07_L2SP_151030_2006*"])
def test_result_does_not_depend_on_the_strip_rows(sample_data: Path, pattern: str) -> None:
    scene = open_scene(next((sample_data / "scenes").glob(pattern)))
    one = map_lakes(scene, dem=sample_data / "dem.tif")
    many = map_lakes(scene, dem=sample_data / "dem.tif", settings=MappingSettings(strip_rows=64))
    pd.testing.assert_frame_equal(one.outlines, many.outlines)
    assert one.coverage == many.coverage


def test_without_a_dem_mapping_works_and_says_what_it_cannot_exclude(sample_data: Path) -> None:
    mapped = map_lakes(open_scene(next((sample_data / "scenes").glob("LC08*_2013*")))).outlines
    assert len(mapped) > 20
    assert mapped["elev_m"].isna().all()
    assert mapped["quality"].str.contains("no DEM|shadow|thin cloud").all()


def test_aoi_smallest_lake_and_glacier_buffer_leave_lakes_out(
    clear: Pair, sample_data: Path
) -> None:
    scene = open_scene(next((sample_data / "scenes").glob("S2B_MSIL2A_2022*")))
    west, south, east, north = scene.grid.bounds
    half = gpd.GeoDataFrame(geometry=[shapely.box(west, south, (west + east) / 2, north)])
    half = half.set_crs(scene.grid.crs.to_wkt()).to_crs(4326)
    found = map_lakes(
        scene, dem=sample_data / "dem.tif", glaciers=sample_data / "glaciers.gpkg", aoi=half,
        min_area_m2=20_000, glacier_buffer_m=500,
    )  # fmt: skip
    mapped = found.outlines
    assert 0 < len(mapped) < len(clear[0])
    assert mapped.area.min() >= 20_000
    assert mapped["glacier_dist_m"].max() <= 500
    assert mapped.representative_point().x.max() <= (west + east) / 2
    states = states_of(found)
    assert (states[:, -100:] == State.NODATA).all()  # not looked at is not observed


@pytest.fixture(scope="module")
def flathead(data: Path) -> dict[int, MappedScene]:
    """Return outlines of the two real Landsat chips, mapped without a DEM."""
    folders = sorted((data / "flathead_landsat").iterdir())
    scenes = [open_scene(folder) for folder in folders if folder.is_dir()]
    return {scene.acquired.year: map_lakes(scene) for scene in scenes}


def test_two_sensors_draw_the_same_real_lake(flathead: dict[int, MappedScene], data: Path) -> None:
    lakes, seen = [], []
    for scene_of_year in (flathead[2007], flathead[2015]):
        table, coverage = scene_of_year.outlines, scene_of_year.coverage
        assert isinstance(coverage, Coverage)
        seen.append(coverage.states() != State.NODATA)
        outline = table.geometry.loc[table.area.idxmax()]
        grid = coverage.grid
        lakes.append(geometry_mask([outline], grid.shape, grid.transform, invert=True))
    low, high = (lake & seen[0] & seen[1] for lake in lakes)
    assert (low & ~high).sum() <= 0.002 * high.sum()
    # In spring the lake is drawn down: 2.3 km² of its flats lie bare, brighter in the SWIR than
    # any water. Plain NDWI > 0 leaves them out as well (IoU 0.92).
    scene = next(s for s in discover([data / "flathead_landsat"]) if s.acquired.year == 2007)
    bare = (scene.read(["swir1"])[0] > 0.1) & high
    assert 2e6 < bare.sum() * 900 < 2.6e6
    assert (low & bare).sum() <= 0.05 * bare.sum()
    # Beside them lie wet flats, and thin cloud hangs over the lake: too bright for water.
    nir, swir1 = scene.read(["nir", "swir1"])
    veiled = (nir > 0.05) & (swir1 > 0.02) & high & ~bare
    assert veiled.sum() * 900 < 1.8e6
    clear = ~bare & ~veiled
    assert (low & high & clear).sum() / ((low | high) & clear).sum() >= 0.99


def test_a_lake_that_the_edge_of_the_image_cuts_has_no_area(
    flathead: dict[int, MappedScene],
) -> None:
    for one in flathead.values():
        largest = one.outlines.loc[one.outlines.area.idxmax()]
        assert largest["status"] == "nodata"
        assert np.isnan(largest["area_m2"])


def test_the_snow_of_2007_is_no_lake(flathead: dict[int, MappedScene], data: Path) -> None:
    scene = next(s for s in discover([data / "flathead_landsat"]) if s.acquired.year == 2007)
    with np.errstate(invalid="ignore"):
        plain = indices.mndwi(*scene.read(["green", "swir1"])) > 0
    east = np.indices(plain.shape)[1] * 30 + scene.grid.transform.c > 724_000
    assert (plain & east).sum() * 900 > 50e6, "a plain index takes it for lakes of many km²"
    table = flathead[2007].outlines
    mountains = table[table.representative_point().x > 724_000]
    assert (mountains.area < 50_000).all()
    assert (states_of(flathead[2007]) == State.SNOW).mean() > 0.15


def test_water_of_a_hand_labelled_chip_is_told_from_cloud_and_shadow(
    data: Path, tmp_path: Path
) -> None:
    chip = np.load(data / "ukis_csmask" / "sentinel2.npz")
    image, water = chip["img"].transpose(2, 0, 1), chip["msk"][..., 0] == 1
    path = tmp_path / "chip.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=512,
        height=512,
        count=6,
        dtype="float32",
        crs="EPSG:32633",
        transform=from_origin(500_000, 5_000_000, 10, 10),
    ) as file:
        file.write(image)
    bands = "".join(f"{name} = {i}\n" for i, name in enumerate(BANDS, start=1))
    path.with_suffix(".toml").write_text(
        'acquired = 2019-08-01T10:00:00Z\nsensor = "S2A"\nscale = 1.0\noffset = 0.0\n'
        f'nodata = "none"\n[bands]\n{bands}',
        "utf-8",
    )
    scene = open_scene(path)
    ours = (
        rasterize(map_lakes(scene).outlines.geometry, (512, 512), transform=scene.grid.transform)
        == 1
    )
    plain = indices.ndwi(image[1], image[3]) > 0
    precision, iou = (
        [(found & water).sum() / whole.sum() for found, whole in pairs]
        for pairs in (
            [(ours, ours), (plain, plain)],
            [(ours, ours | water), (plain, plain | water)],
        )
    )
    assert precision[0] > precision[1] + 0.1
    assert iou[0] > iou[1] + 0.1


def barbellino(data: Path, folder: Path, year: str) -> MappedScene:
    stem = f"S2A2A_{year}_022_Barbellino"
    for kind in ("BOA", "SCL"):
        shutil.copy(data / f"sen2r_barbellino/out/{stem}_{kind}_10.tif", folder)
    (folder / f"{stem}_BOA_10.toml").write_text(
        f'acquired = "{year[:4]}-{year[4:6]}-{year[6:]}T10:20:00Z"\nsensor = "S2A"\n'
        f'scale = 0.0001\noffset = 0.0\nnodata = 65535\nquality = "{stem}_SCL_10.tif"\n'
        'decoder = "scl"\n[bands]\nblue = 2\ngreen = 3\nred = 4\nnir = 8\nswir1 = 10\n'
        "swir2 = 11\n",
        encoding="utf-8",
    )
    return map_lakes(open_scene(folder / f"{stem}_BOA_10.tif"))


def test_a_lake_under_cloud_is_not_reported_as_smaller(data: Path, tmp_path: Path) -> None:
    both = [barbellino(data, tmp_path, year) for year in ("20170703", "20190723")]
    cloudy, clear = (one.outlines for one in both)
    whole, part = clear.loc[clear.area.idxmax()], cloudy.loc[cloudy.area.idxmax()]
    assert part.geometry.area < 0.9 * whole.geometry.area
    assert part["status"] == "cloud"
    assert np.isnan(part["area_m2"])
    seen = both[0].coverage.observe(gpd.GeoSeries([whole.geometry], crs=clear.crs)).iloc[0]
    assert seen["status"] == "cloud"


def test_sample_scenes_are_mapped_within_their_uncertainty(clear: Pair) -> None:
    mapped, truth = clear
    found = score(mapped, truth, smallest=10_000)
    assert found["recall"] >= 0.95
    assert abs(found["bias"]) <= 0.03
    best = matches(mapped, truth)
    rows = mapped.iloc[best[best >= 0]]
    gap = (rows["area_m2"].to_numpy() - truth["area_m2"][best >= 0]).abs()
    assert (gap < 2 * rows["area_sigma_m2"].to_numpy()).mean() >= 0.9


def test_a_scene_without_water_has_no_outlines_and_a_full_coverage(sample_data: Path) -> None:
    scene = discover([sample_data / "scenes"])[0]
    mapped = map_lakes(scene, min_area_m2=1e9)
    assert mapped.outlines.empty
    assert list(mapped.outlines.columns) == [*(column.name for column in schema.MAPPED), "geometry"]
    assert states_of(mapped).shape == scene.grid.shape


def test_a_scene_without_near_infrared_is_refused(sample_data: Path) -> None:
    scene = discover([sample_data / "scenes"])[0]
    bands = {name: band for name, band in scene.bands.items() if name != "nir"}
    with pytest.raises(MetadataError, match="no nir band"):
        map_lakes(replace(scene, bands=bands))
