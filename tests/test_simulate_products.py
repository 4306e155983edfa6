"""Simulated products and the sample data, read with the tools that anyone would use."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio

from glacial_lakes.errors import OutputError
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.quality import Label, qa_pixel, scene_classification
from glacial_lakes.simulate.sample import SCHEDULE, SEED
from glacial_lakes.simulate.scene import SimulatedScene, simulate_scene
from glacial_lakes.simulate.series import write_dem, write_product
from glacial_lakes.simulate.site import Site, make_site

S2_TIME = datetime(2021, 8, 20, 5, 57, tzinfo=UTC)


@pytest.fixture(scope="module")
def site() -> Site:
    return make_site(SEED)


@pytest.fixture(scope="module")
def sentinel(site: Site) -> SimulatedScene:
    return simulate_scene(site, Acquisition(S2_TIME, "S2B", baseline="05.09", cloud_fraction=0.05))


@pytest.fixture(scope="module")
def landsat(site: Site) -> SimulatedScene:
    return simulate_scene(site, SCHEDULE[0])


@pytest.fixture(scope="module")
def safe(sentinel: SimulatedScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_product(sentinel, tmp_path_factory.mktemp("s2"))


@pytest.fixture(scope="module")
def l2sp(landsat: SimulatedScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_product(landsat, tmp_path_factory.mktemp("l5"))


def read(path: Path) -> tuple[np.ndarray, rasterio.DatasetReader]:
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def gdalinfo(path: Path) -> dict:
    if shutil.which("gdalinfo") is None:
        pytest.skip("gdalinfo is not installed")
    result = subprocess.run(["gdalinfo", "-json", str(path)], capture_output=True, check=True)
    return json.loads(result.stdout)


class TestSentinel2:
    @pytest.mark.thorough
    def test_bands_lie_on_the_tile_grid(self, safe):
        for code, pixel, count in [
            ("B02", 10, 900),
            ("B08", 10, 900),
            ("B11", 20, 450),
            ("SCL", 20, 450),
        ]:
            (path,) = safe.glob(f"GRANULE/*/IMG_DATA/R{pixel}m/*_{code}_{pixel}m.jp2")
            values, dataset = read(path)
            assert values.shape == (count, count)
            assert dataset.crs.to_epsg() == 32643
            assert tuple(dataset.transform)[:6] == (pixel, 0, 455_040, 0, -pixel, 4_722_000)

    def test_an_independent_gdal_reads_the_same_georeference(self, safe):
        info = gdalinfo(next(safe.rglob("*_B03_10m.jp2")))
        assert info["size"] == [900, 900]
        assert info["geoTransform"] == [455_040, 10, 0, 4_722_000, 0, -10]
        assert 'ID["EPSG",32643]' in info["coordinateSystem"]["wkt"]

    def test_numbers_become_the_reflectance_with_scale_and_offset_of_the_metadata(
        self, safe, sentinel
    ):
        root = ElementTree.parse(safe / "MTD_MSIL2A.xml")  # noqa: S314 - written a moment ago
        scale = float(root.find(".//BOA_QUANTIFICATION_VALUE").text)
        offsets = {float(node.text) for node in root.iter("BOA_ADD_OFFSET")}
        assert offsets == {-1000.0}
        values, _ = read(next(safe.rglob("*_B03_10m.jp2")))
        error = (values.astype(float) - 1000.0) / scale - sentinel.bands["green"]
        assert np.abs(error).max() < 0.51 / scale

    def test_products_before_baseline_04_carry_no_offset(self, sentinel, tmp_path):
        early = dataclasses.replace(sentinel.acquisition, baseline="02.12")
        product = write_product(dataclasses.replace(sentinel, acquisition=early), tmp_path)
        text = (product / "MTD_MSIL2A.xml").read_text(encoding="utf-8")
        assert "BOA_ADD_OFFSET" not in text
        assert "_N0212_" in product.name
        values, _ = read(next(product.rglob("*_B03_10m.jp2")))
        assert np.abs(values / 1e4 - sentinel.bands["green"]).max() < 0.51e-4
        assert 'checksumName="MD5"' in (product / "manifest.safe").read_text(encoding="utf-8")

    def test_the_manifest_lists_every_file_with_its_size_and_checksum(self, safe):
        listed = _manifest(safe)
        assert set(listed) == set(files(safe)) - {"manifest.safe"}
        for name, (size, kind, digest) in listed.items():
            data = (safe / name).read_bytes()
            assert len(data) == size
            assert hashlib.new(kind, data).hexdigest() == digest

    def test_tile_metadata_tell_sun_and_grid(self, safe, sentinel):
        root = ElementTree.parse(next(safe.rglob("MTD_TL.xml")))  # noqa: S314
        zenith = float(root.find(".//Mean_Sun_Angle/ZENITH_ANGLE").text)
        azimuth = float(root.find(".//Mean_Sun_Angle/AZIMUTH_ANGLE").text)
        assert zenith == pytest.approx(90 - sentinel.sun_elevation_deg)
        assert azimuth == pytest.approx(sentinel.sun_azimuth_deg)
        assert root.find(".//HORIZONTAL_CS_CODE").text == "EPSG:32643"

    def test_a_product_that_is_there_is_not_overwritten(self, safe, sentinel):
        with pytest.raises(OutputError, match="there already"):
            write_product(sentinel, safe.parent)

    def test_writing_twice_gives_the_same_bytes(self, safe, sentinel, tmp_path):
        assert files(write_product(sentinel, tmp_path)) == files(safe)


class TestLandsat:
    def test_bands_lie_on_the_landsat_grid(self, l2sp):
        for path in l2sp.glob("*.TIF"):
            values, dataset = read(path)
            assert values.shape == (300, 300)
            assert dataset.crs.to_epsg() == 32643
            assert tuple(dataset.transform)[:6] == (30, 0, 455_025, 0, -30, 4_722_015)

    def test_an_independent_gdal_reads_the_same_georeference(self, l2sp):
        info = gdalinfo(next(l2sp.glob("*_SR_B4.TIF")))
        assert info["geoTransform"] == [455_025, 30, 0, 4_722_015, 0, -30]
        assert info["bands"][0]["noDataValue"] == 0

    def test_numbers_become_the_reflectance(self, l2sp, landsat):
        values, _ = read(next(l2sp.glob("*_SR_B2.TIF")))
        assert np.abs(values * 2.75e-5 - 0.2 - landsat.bands["green"]).max() < 1.4e-5

    def test_metadata_are_balanced_and_name_the_files_that_are_there(self, l2sp):
        lines = (l2sp / f"{l2sp.name}_MTL.txt").read_text(encoding="utf-8").splitlines()
        opened = [line.split(" = ")[1] for line in lines if line.strip().startswith("GROUP")]
        closed = [line.split(" = ")[1] for line in lines if line.strip().startswith("END_GROUP")]
        assert sorted(opened) == sorted(closed)
        named = [line.split('"')[1] for line in lines if line.strip().startswith("FILE_NAME")]
        assert all((l2sp / name).is_file() for name in named)
        assert len([name for name in named if "_SR_B" in name]) == 6

    def test_the_list_of_checksums_is_right(self, l2sp):
        for line in (l2sp / f"{l2sp.name}_MD5.txt").read_text(encoding="utf-8").splitlines():
            digest, name = line.split()
            data = (l2sp / name).read_bytes()
            assert hashlib.md5(data, usedforsecurity=False).hexdigest() == digest

    def test_saturated_pixels_have_their_bit(self, l2sp, landsat):
        values, _ = read(next(l2sp.glob("*_QA_RADSAT.TIF")))
        assert np.array_equal(values & 1, landsat.saturated & 1)
        assert (values & 1).any()

    def test_writing_twice_gives_the_same_bytes(self, l2sp, landsat, tmp_path):
        assert files(write_product(landsat, tmp_path)) == files(l2sp)


class TestQuality:
    @pytest.mark.parametrize(("sensor", "pattern"), [("LC08", "LC08*"), ("LT05", "LE07*")])
    def test_qa_pixel_has_values_that_real_products_have(self, data, sensor, pattern):
        real: set[int] = set()
        for path in (data / "landsat_c2").glob(f"{pattern}/*_QA_PIXEL.TIF"):
            real |= set(np.unique(read(path)[0]).tolist())
        common = [Label.NODATA, Label.BARE, Label.WATER, Label.CLOUD, Label.SHADOW, Label.DILATED]
        assert set(qa_pixel(np.array(common, np.uint8), sensor).tolist()) <= real

    def test_every_label_has_a_scene_class(self):
        classes = scene_classification(np.arange(len(Label), dtype=np.uint8))
        assert classes.tolist() == [0, 5, 4, 6, 11, 2, 3, 10, 8, 8, 9]

    def test_most_cloud_is_found_and_little_clear_ground_is_lost(self, sentinel):
        cloudy = np.isin(sentinel.labels, [Label.CLOUD, Label.CLOUD_MEDIUM])
        assert 0.02 < cloudy.mean() < 0.12

    def test_water_is_mostly_labelled_water_in_the_open(self, sentinel):
        from rasterio.features import geometry_mask

        lake = sentinel.truth[sentinel.truth["observed_fraction"] == 1].iloc[0]
        inside = geometry_mask(
            [lake.geometry.buffer(-40)], (450, 450),
            rasterio.Affine(20, 0, 455_040, 0, -20, 4_722_000), invert=True,
        )  # fmt: skip
        assert (sentinel.labels[inside] == Label.WATER).mean() > 0.6


class TestSampleData:
    def test_is_small_enough_to_be_checked_in(self, sample_data):
        size = sum(path.stat().st_size for path in sample_data.rglob("*") if path.is_file())
        assert 5e6 < size <= 25e6

    def test_holds_at_least_eight_dates_over_twenty_years_of_three_sensors(self, sample_data):
        names = sorted(path.name for path in (sample_data / "scenes").iterdir())
        assert len(names) == len(SCHEDULE) >= 8
        assert len({name[:4] for name in names}) >= 3
        years = [acquisition.year for acquisition in SCHEDULE]
        assert years == sorted(years)
        assert years[-1] - years[0] >= 20
        baselines = {name.split("_")[3] for name in names if name.startswith("S2")}
        assert any(b < "N0400" for b in baselines)
        assert any(b >= "N0400" for b in baselines)

    def test_every_product_is_whole(self, sample_data):
        for product in (sample_data / "scenes").iterdir():
            if product.suffix == ".SAFE":
                for name, (size, kind, digest) in _manifest(product).items():
                    data = (product / name).read_bytes()
                    assert (len(data), hashlib.new(kind, data).hexdigest()) == (size, digest)
            else:
                for line in (product / f"{product.name}_MD5.txt").read_text("utf-8").splitlines():
                    digest, name = line.split()
                    data = (product / name).read_bytes()
                    assert hashlib.md5(data, usedforsecurity=False).hexdigest() == digest

    def test_is_what_the_simulator_makes(self, site, sample_data, landsat, tmp_path):
        """Library versions may move a value by its last digit; nothing else may differ."""
        fresh = write_product(landsat, tmp_path)
        for path in fresh.glob("*_SR_B*.TIF"):
            new, _ = read(path)
            old, _ = read(sample_data / "scenes" / fresh.name / path.name)
            assert (np.abs(new.astype(int) - old.astype(int)) <= 1).mean() > 0.999
        write_dem(site, tmp_path / "dem.tif")
        new, _ = read(tmp_path / "dem.tif")
        old, _ = read(sample_data / "dem.tif")
        apart = np.abs(new - old)
        assert apart.mean() <= 0.01
        assert apart.max() <= 0.5  # erosion makes more of the last digit in a few channels

    def test_the_dem_reaches_beyond_the_scenes(self, sample_data):
        with rasterio.open(sample_data / "dem.tif") as dem:
            assert dem.dtypes == ("float32",)
            assert dem.crs.to_epsg() == 32643
            west, south, east, north = dem.bounds
            assert west <= 455_040 - 600
            assert east >= 464_040 + 600
            assert south <= 4_713_000 - 600
            assert north >= 4_722_000 + 600
            values = dem.read(1)
        assert 2900 < values.min() < values.max() < 5400

    def test_truth_has_a_layer_a_date_with_what_could_be_seen(self, sample_data):
        truth = _truth(sample_data)
        assert list(truth) == [f"{a.time:%Y-%m-%d}" for a in SCHEDULE]
        tables = list(truth.values())
        assert all(len(table) >= 25 for table in tables)
        assert all(table.is_valid.all() and table["lake_id"].is_unique for table in tables)
        hidden = [int((table["observed_fraction"] < 0.9).sum()) for table in tables]
        assert sum(count >= 2 for count in hidden) >= 3
        assert any(table["in_shadow"].any() for table in tables)
        assert any(table["frozen_fraction"].between(0.1, 0.9).any() for table in tables)

    def test_truth_tells_of_every_kind_of_event(self, sample_data):
        events = pd.read_csv(sample_data / "truth_events.csv", keep_default_na=False)
        assert {"appeared", "drained", "merged", "split"} <= set(events["event"])
        truth = _truth(sample_data)
        for event in events.itertuples():
            before = set(truth[event.after]["lake_id"])
            after = set(truth[event.date]["lake_id"])
            assert set(event.from_ids.split()) <= before
            assert set(event.to_ids.split()) <= after
            assert event.first_visible_date >= event.date or not event.first_visible_date

    def test_glaciers_have_names_and_valid_outlines(self, sample_data):
        glaciers = gpd.read_file(sample_data / "glaciers.gpkg")
        assert glaciers["glacier_id"].is_unique
        assert glaciers.is_valid.all()
        assert glaciers.crs.to_epsg() == 32643


def _manifest(safe: Path) -> dict[str, tuple[int, str, str]]:
    listed = {}
    for node in ElementTree.parse(safe / "manifest.safe").iter("byteStream"):  # noqa: S314
        name = node.find("fileLocation").get("href").removeprefix("./")
        checksum = node.find("checksum")
        kind = {"MD5": "md5", "SHA3-256": "sha3_256"}[checksum.get("checksumName")]
        listed[name] = (int(node.get("size")), kind, checksum.text)
    return listed


def _truth(sample_data: Path) -> dict[str, gpd.GeoDataFrame]:
    path = sample_data / "truth.gpkg"
    return {name: gpd.read_file(path, layer=name) for name, _ in pyogrio.list_layers(path)}
