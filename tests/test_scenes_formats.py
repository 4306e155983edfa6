"""What the metadata of each format tells, and what is refused because it does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import makers
import numpy as np
import pytest
import rasterio
from products import SIDECAR, STACK_BANDS, Products, copied, pack
from pyproj import Transformer
from rasterio.windows import Window

from glacial_lakes.errors import (
    DamagedFileError,
    GlacialLakesError,
    GridError,
    MetadataError,
    MissingFileError,
    UnknownProductError,
)
from glacial_lakes.events import SceneRefused, collecting
from glacial_lakes.scenes import Quality, Scene, discover, open_scene
from glacial_lakes.scenes.integrity import verify
from glacial_lakes.scenes.landsat import earth_sun_distance
from glacial_lakes.scenes.sun import sun_over

OFFSET_LIST = re.compile(r"<BOA_ADD_OFFSET_VALUES_LIST>.*?</BOA_ADD_OFFSET_VALUES_LIST>", re.S)
BAND_IDS = {"blue": 1, "green": 2, "red": 3, "nir": 7, "swir1": 11, "swir2": 12}

Edit = Callable[[str], str]


def edited(whole: Path, folder: Path, name: str, edit: Edit) -> Path:
    """A copy of a product with one metadata file changed."""
    copy = folder / whole.name
    shutil.copytree(whole, copy)
    [metadata] = copy.rglob(name)
    before = metadata.read_text(encoding="utf-8")
    after = edit(before)
    assert after != before
    metadata.write_text(after, encoding="utf-8")
    return copy


def with_list(values: dict[int, int]) -> Edit:
    items = "".join(
        f'<BOA_ADD_OFFSET band_id="{band}">{value}</BOA_ADD_OFFSET>'
        for band, value in values.items()
    )
    text = f"<BOA_ADD_OFFSET_VALUES_LIST>{items}</BOA_ADD_OFFSET_VALUES_LIST>"
    return lambda xml: OFFSET_LIST.sub(text, xml)


def baseline(number: str) -> Edit:
    return lambda xml: xml.replace("<PROCESSING_BASELINE>04.00<", f"<PROCESSING_BASELINE>{number}<")


def both(first: Edit, second: Edit) -> Edit:
    return lambda xml: second(first(xml))


NO_LIST: Edit = lambda xml: OFFSET_LIST.sub("", xml)  # noqa: E731


@pytest.mark.parametrize(
    ("edit", "offsets"),
    [
        (baseline("02.08"), dict.fromkeys(BAND_IDS, -0.1)),
        (baseline("05.11"), dict.fromkeys(BAND_IDS, -0.1)),
        (both(NO_LIST, baseline("02.08")), dict.fromkeys(BAND_IDS, 0.0)),
        (both(NO_LIST, baseline("03.01")), dict.fromkeys(BAND_IDS, 0.0)),
        (
            with_list({number: -100 * number for number in range(13)}),
            {name: -number / 100 for name, number in BAND_IDS.items()},
        ),
    ],
)
def test_offset_is_the_one_in_the_metadata_whatever_the_date_and_baseline(
    products: Products, tmp_path: Path, edit: Edit, offsets: dict[str, float]
) -> None:
    safe = products.find("S2B*N0400*")
    scene = open_scene(edited(safe, tmp_path, "MTD_MSIL2A.xml", edit))
    assert {name: band.offset for name, band in scene.bands.items()} == pytest.approx(offsets)


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (NO_LIST, "baseline 04.00"),
        (both(NO_LIST, baseline("05.09")), "baseline 05.09"),
        (both(NO_LIST, baseline("")), "baseline"),
        (with_list(dict.fromkeys([*range(2), *range(3, 13)], -1000)), "offset of B3"),
        (lambda xml: xml.replace('physicalBand="B8"', 'physicalBand="X8"'), "offset of B8"),
        (lambda xml: xml.replace('"none">10000<', '"none">ten<'), "quantification"),
        (lambda xml: xml.replace(">NODATA<", ">VOID<"), "NODATA"),
        (lambda xml: xml.replace("Sentinel-2B", "Sentinel-1B"), "spacecraft"),
    ],
)
def test_what_the_metadata_does_not_tell_is_refused(
    products: Products, tmp_path: Path, edit: Edit, what: str
) -> None:
    safe = products.find("S2B*N0400*")
    with pytest.raises(MetadataError, match=what):
        open_scene(edited(safe, tmp_path, "MTD_MSIL2A.xml", edit))


@pytest.mark.parametrize(
    ("edit", "error", "what"),
    [
        (lambda xml: xml.replace("EPSG:32643", "EPSG:32644"), GridError, "off the grid"),
        (lambda xml: xml.replace(">458040<", ">458140<"), GridError, "100 m off"),
        (lambda xml: re.sub("<ZENITH_ANGLE.*?>", '<A unit="deg">', xml), DamagedFileError, "XML"),
        (
            lambda xml: re.sub("(<ZENITH_ANGLE.*?>)[0-9.]+<", r"\g<1>97.5<", xml),
            MetadataError,
            "sun",
        ),
    ],
)
def test_a_granule_that_contradicts_its_images_is_refused(
    products: Products, tmp_path: Path, edit: Edit, error: type[GlacialLakesError], what: str
) -> None:
    safe = products.find("S2B*N0400*")
    with pytest.raises(error, match=what):
        open_scene(edited(safe, tmp_path, "MTD_TL.xml", edit))


def test_sun_is_the_mean_of_the_tile(products: Products) -> None:
    safe = products.find("S2A*N0509*")
    scene, truth = open_scene(safe), products.truth[safe]
    assert scene.sun_elevation_deg == pytest.approx(truth.sun_elevation_deg)
    assert scene.sun_azimuth_deg == pytest.approx(truth.sun_azimuth_deg)
    assert scene.cloud_percent == pytest.approx(truth.cloud_percent, abs=1e-6)


def test_odd_metadata_names_and_a_missing_manifest_are_read(
    products: Products, tmp_path: Path
) -> None:
    safe = products.find("S2B*N0400*")
    copy = tmp_path / "renamed"
    shutil.copytree(safe, copy)
    (copy / "manifest.safe").unlink()
    (copy / "MTD_MSIL2A.xml").rename(copy / "MTD_MSIL2a.xml")
    scene = open_scene(copy)
    assert scene.id == safe.name.removesuffix(".SAFE")


@pytest.mark.parametrize("name", ["R20m/*_SCL_20m.jp2", "R20m/*_B11_20m.jp2", "R10m/*_B08_10m.jp2"])
def test_a_missing_image_is_named(products: Products, tmp_path: Path, name: str) -> None:
    safe = products.find("S2B*N0400*")
    copy = tmp_path / safe.name
    shutil.copytree(safe, copy)
    [image] = copy.glob(f"GRANULE/*/IMG_DATA/{name}")
    image.unlink()
    with pytest.raises(MissingFileError, match=image.name):
        open_scene(copy)


def test_a_product_of_several_granules_is_refused(products: Products, tmp_path: Path) -> None:
    safe = products.find("S2B*N0400*")
    copy = tmp_path / safe.name
    shutil.copytree(safe, copy)
    [granule] = (copy / "GRANULE").iterdir()
    shutil.copytree(granule, granule.with_name("L2A_T44SLB"))
    with pytest.raises(UnknownProductError, match="2 granules"):
        open_scene(copy)


STRAY = (
    ".DS_Store",
    "GRANULE/Thumbs.db",
    "GRANULE/desktop.ini",
    "GRANULE/{granule}_$folder$",
    "GRANULE/{granule}/IMG_DATA/R10m/._{image}",
    "GRANULE/{granule}/IMG_DATA/R10m/{image}.aux.xml",
    "GRANULE/{granule}/IMG_DATA/R10m/AAA - Copy_B03_10m.jp2~",
    "GRANULE/{granule} (1)/MTD_TL.xml",
    "GRANULE/{granule} - Copy/IMG_DATA/R10m/{image}",
    "GRANULE/__MACOSX/{granule}/MTD_TL.xml",
    "GRANULE/empty/notes.txt",
)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("stray", STRAY)
def test_files_that_computers_leave_in_a_product_are_none_of_it(
    products: Products, tmp_path: Path, stray: str, packed: bool
) -> None:
    safe = products.find("S2B*N0400*")
    copy = copied(safe, tmp_path / "it")
    [image] = copy.glob("GRANULE/*/IMG_DATA/R10m/*_B03_10m.jp2")
    name = stray.format(granule=image.parts[-4], image=image.name)
    (copy / name).parent.mkdir(parents=True, exist_ok=True)
    (copy / name).write_bytes(b"x")
    scene = open_scene(pack(copy, tmp_path, "zip") if packed else copy)
    assert scene.bands["green"].path.endswith(f"R10m/{image.name}")


@pytest.mark.parametrize("name", ["._{}", "{}~", "Copy of {}", ".DS_Store", "{}.aux.xml"])
def test_files_that_computers_leave_beside_landsat_bands_are_none_of_it(
    products: Products, tmp_path: Path, name: str
) -> None:
    copy = copied(products.find("LC08*"), tmp_path)
    for file in list(copy.iterdir()):
        (copy / name.format(file.name)).write_bytes(b"x")
    (tmp_path / "__MACOSX" / "S2A_MSIL2A_20180812.SAFE").mkdir(parents=True)
    told: list[object] = []
    [scene] = discover(tmp_path, told.append)
    assert told == []
    assert scene.id == open_scene(products.find("LC08*")).id


@pytest.mark.parametrize("pattern", ["S2B*N0400*", "LC08*"])
def test_a_product_in_a_folder_of_its_own_name_is_that_product(
    products: Products, tmp_path: Path, pattern: str
) -> None:
    whole = products.find(pattern)
    outer = tmp_path / whole.name
    copied(whole, outer)
    assert open_scene(outer).id == open_scene(whole).id
    assert [scene.path for scene in discover(tmp_path)] == [str(outer / whole.name)]


def test_a_safe_with_geotiff_bands_reads_as_that_with_jpeg_2000(
    products: Products, tmp_path: Path
) -> None:
    whole = products.find("S2B*N0400*")
    copy = copied(whole, tmp_path)
    for image in list(copy.glob("GRANULE/*/IMG_DATA/**/*.jp2")):
        with rasterio.open(image) as source:
            profile, values = source.profile, source.read()
        with rasterio.open(
            image.with_suffix(".tif"), "w", **(profile | {"driver": "GTiff", "nodata": 0})
        ) as target:
            target.write(values)
        image.unlink()
    scene, expected = open_scene(copy), open_scene(whole)
    bands = list(expected.bands)
    np.testing.assert_array_equal(scene.read(bands), expected.read(bands))
    np.testing.assert_array_equal(scene.read_quality(), expected.read_quality())


def halves(whole: Path, folder: Path, *, strips: bool, cut: bool) -> None:
    """Write two products of one tile and time: of two data strips, or each with half of it."""
    for number, stamp in enumerate(("20300101T000000", "20300102T000000")):
        part = copied(whole, folder / stamp)
        part = part.rename(folder / re.sub(r"\d{8}T\d{6}\.SAFE", f"{stamp}.SAFE", whole.name))
        for file in (*part.glob("*.xml"), *part.glob("GRANULE/*/*.xml")):
            text = file.read_text(encoding="utf-8").replace(whole.name, part.name)
            if strips:
                text = re.sub(r"(_DS_\w+_S\d{8}T\d{4})\d\d", rf"\g<1>{10 + number}", text)
            file.write_text(text, encoding="utf-8")
        for image in part.glob("GRANULE/*/IMG_DATA/**/*.jp2") if cut else ():
            with rasterio.open(image) as source:
                profile, values = source.profile, source.read()
            middle = values.shape[1] // 2
            values[:, slice(0, middle) if number else slice(middle, None)] = 0
            profile |= {"driver": "JP2OpenJPEG", "QUALITY": 100, "REVERSIBLE": "YES"}
            with rasterio.open(image, "w", **profile) as target:
                target.write(values)


@pytest.mark.parametrize(
    ("strips", "cut", "count"), [(True, False, 2), (False, True, 2), (False, False, 1)]
)
def test_a_tile_of_two_data_strips_is_two_scenes_and_two_processings_are_one(
    products: Products, tmp_path: Path, strips: bool, cut: bool, count: int
) -> None:
    halves(products.find("S2B*N0400*"), tmp_path, strips=strips, cut=cut)
    assert len(discover(tmp_path)) == count


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
@pytest.mark.parametrize("folder", ["", "./", "LC08_2014/"])
def test_a_tar_reads_as_its_folder_does(
    products: Products, tmp_path: Path, ending: str, folder: str
) -> None:
    whole = products.find("LC08*")
    packed = pack(whole, tmp_path, ending, folder)
    scene, expected = open_scene(packed), open_scene(whole)
    window = Window(10, 15, 40, 30)
    bands = list(scene.bands)
    np.testing.assert_array_equal(scene.read(bands, window), expected.read(bands, window))
    np.testing.assert_array_equal(scene.read_quality(window), expected.read_quality(window))


def test_level2_factors_are_not_those_of_level1_in_the_same_file(
    products: Products, tmp_path: Path
) -> None:
    level1 = next(products.collection2.glob("*_MTL.txt")).read_text(encoding="utf-8")
    end = "END_GROUP = LANDSAT_METADATA_FILE"
    groups = level1[level1.index("  GROUP = LEVEL1_MIN_MAX") : level1.index(end)]
    assert "REFLECTANCE_MULT_BAND_3 = 2.00000000E-05" in groups

    whole = products.find("LC08*")
    copy = edited(whole, tmp_path, "*_MTL.txt", lambda mtl: mtl.replace(end, f"{groups}{end}"))
    band = open_scene(copy).bands["green"]
    assert (band.scale, band.offset) == (2.75e-05, -0.2)


def test_radiance_only_metadata_follows_chander_2009(products: Products) -> None:
    scene = open_scene(products.older)
    radiance = (196.5 + 6.4) / 254 * (100 - 1) - 6.4
    distance_au = 1.0126  # day 229
    elevation = products.truth[products.older].sun_elevation_deg
    expected = np.pi * radiance * distance_au**2 / (1812 * np.sin(np.radians(elevation)))
    band = scene.bands["green"]
    assert band.scale * 100 + band.offset == pytest.approx(expected, rel=5e-4)


def test_earth_sun_distance_is_that_of_the_almanac() -> None:
    # perihelion and aphelion of 2020 (Astronomical Almanac), and a day of the paper's table 6
    for day, distance_au in (
        (datetime(2020, 1, 5, 8, tzinfo=UTC), 0.98324),
        (datetime(2020, 7, 4, 12, tzinfo=UTC), 1.01669),
        (datetime(2007, 5, 5, 18, tzinfo=UTC), 1.00858),
    ):
        assert earth_sun_distance(day) == pytest.approx(distance_au, abs=2e-4)


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda mtl: mtl.replace("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", "OTHER"), "REFLECTANCE"),
        (lambda mtl: mtl.replace("SUN_ELEVATION = ", "SUN_ELEVATION = -"), "sun"),
        (lambda mtl: mtl.replace("DATE_ACQUIRED = 2013-09-03", "DATE_ACQUIRED = 03.09.13"), "DATE"),
        (lambda mtl: mtl.replace('05:33:51.0000000Z"', '05:33:51.0000000"'), "TIME"),
        (
            lambda mtl: mtl.replace("REFLECTANCE_ADD_BAND_3 = -0.2", "REFLECTANCE_ADD_BAND_3 = x"),
            "x",
        ),
    ],
)
def test_what_the_mtl_does_not_tell_is_refused(
    products: Products, tmp_path: Path, edit: Edit, what: str
) -> None:
    whole = products.find("LC08*")
    with pytest.raises(MetadataError, match=what):
        open_scene(edited(whole, tmp_path, "*_MTL.txt", edit))


def test_a_cut_mtl_is_refused(products: Products, tmp_path: Path) -> None:
    whole = products.find("LC08*")
    with pytest.raises(DamagedFileError, match="cut short"):
        open_scene(edited(whole, tmp_path, "*_MTL.txt", lambda mtl: mtl[: len(mtl) * 2 // 3]))


def test_a_band_on_another_grid_is_refused(products: Products, tmp_path: Path) -> None:
    whole = products.find("LC08*")
    copy = tmp_path / whole.name
    shutil.copytree(whole, copy)
    [nir] = copy.glob("*_SR_B5.TIF")
    with rasterio.open(nir, "r+") as dataset:
        dataset.transform = dataset.transform * rasterio.Affine.translation(1, 0)
    with pytest.raises(GridError, match="does not fit"):
        open_scene(copy)


def stack(
    products: Products, folder: Path, *, bands: dict[str, int] | None = None, **keys: str
) -> Path:
    """A lake as a stack, with a sidecar of changed keys ("" leaves one out)."""
    shutil.copyfile(products.stack, folder / "lake.tif")
    shutil.copyfile(products.stack_quality, folder / "lake_SCL.tif")
    lines = [f"{key} = {value}" for key, value in {**SIDECAR, **keys}.items() if value]
    lines += ["[bands]", *(f"{key} = {value}" for key, value in (bands or STACK_BANDS).items())]
    (folder / "lake.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder / "lake.tif"


def test_a_stack_with_its_sidecar_opens(products: Products, tmp_path: Path) -> None:
    scene = open_scene(stack(products, tmp_path))
    assert scene.acquired.isoformat() == "2019-07-23T10:20:31+00:00"
    assert (scene.sun_azimuth_deg, scene.sun_elevation_deg) == (146.0, 62.0)
    with rasterio.open(tmp_path / "lake.tif") as dataset:
        numbers = dataset.read(8)
        expected = np.where(numbers == dataset.nodata, np.nan, numbers * 1e-4)
    np.testing.assert_allclose(scene.read(["nir"])[0], expected, atol=1e-6)
    with rasterio.open(tmp_path / "lake_SCL.tif") as dataset:
        snow = np.kron(dataset.read(1), np.ones((2, 2))) == 11
    assert np.array_equal((scene.read_quality() & 16) != 0, snow)


def test_the_sun_and_the_quality_layer_may_be_left_out(products: Products, tmp_path: Path) -> None:
    scene = open_scene(
        stack(products, tmp_path, sun_azimuth_deg="", sun_elevation_deg="", quality="", decoder="")
    )
    assert (scene.quality, scene.decoder) == (None, "none")
    azimuth, elevation = sun_over(scene.grid, scene.acquired)  # then time and place tell it
    assert (scene.sun_azimuth_deg, scene.sun_elevation_deg) == (azimuth, elevation)


def test_a_time_with_another_zone_is_kept_in_utc(products: Products, tmp_path: Path) -> None:
    scene = open_scene(stack(products, tmp_path, acquired='"2019-07-23T02:20:31+06:00"'))
    assert scene.acquired.isoformat() == "2019-07-22T20:20:31+00:00"


@pytest.mark.parametrize(
    "acquired",
    [
        "2019-07-23T10:20:31",
        "10:20:31",
        '"2019-07-23T10:20:31"',
        '"23.07.2019 10:20"',
        '" "',
        "2019",
    ],
)
def test_a_naive_or_ambiguous_time_is_refused(
    products: Products, tmp_path: Path, acquired: str
) -> None:
    with pytest.raises(MetadataError, match="zone"):
        open_scene(stack(products, tmp_path, acquired=acquired))


@pytest.mark.parametrize("acquired", ["2019-07-23", '"2019-07-23"'])
def test_of_a_day_alone_the_usual_hour_of_the_sensor_is_taken_and_told(
    products: Products, tmp_path: Path, acquired: str
) -> None:
    sun = {"sun_azimuth_deg": "", "sun_elevation_deg": ""}
    scene = open_scene(stack(products, tmp_path, acquired=acquired, **sun))
    assert scene.provenance["time"] == "overpass"
    to_degrees = Transformer.from_crs(scene.grid.crs.to_wkt(), "EPSG:4326", always_xy=True)
    west, south, _, _ = scene.grid.bounds
    lon, _ = to_degrees.transform(west, south)
    local = scene.acquired + timedelta(hours=lon / 15)
    assert f"{local:%Y-%m-%d %H:%M}"[:-1] in ("2019-07-23 10:3", "2019-07-23 10:2")
    assert scene.sun_elevation_deg == sun_over(scene.grid, scene.acquired)[1]
    assert scene.provenance["contradictions"] == ()


def test_a_day_alone_of_a_sensor_without_a_usual_hour_is_refused(
    products: Products, tmp_path: Path
) -> None:
    with pytest.raises(MetadataError, match="without a time of day"):
        open_scene(stack(products, tmp_path, acquired="2019-07-23", sensor='"drone"'))


def test_scale_offset_and_saturation_may_be_told_for_each_band(
    products: Products, tmp_path: Path
) -> None:
    bands = dict.fromkeys(STACK_BANDS, 1e-4)
    scale = ", ".join(f"{band} = {value}" for band, value in {**bands, "nir": 2e-4}.items())
    offset = ", ".join(f"{band} = 0.0" for band in bands).replace("red = 0.0", "red = -0.01")
    saturated = ", ".join(f"{band} = 20000" for band in bands)
    path = stack(products, tmp_path, scale=f"{{{scale}}}", offset=f"{{{offset}}}",
                 saturated=f"{{{saturated}}}")  # fmt: skip
    scene = open_scene(path)
    told = {name: (band.scale, band.offset, band.saturated) for name, band in scene.bands.items()}
    assert told["green"] == (1e-4, 0.0, 20_000)
    assert told["nir"] == (2e-4, 0.0, 20_000)
    assert told["red"] == (1e-4, -0.01, 20_000)


def tagged(path: Path, scale: float, offset: float) -> Path:
    """Write tags of scale and offset into an image, as GDAL and rioxarray do."""
    with rasterio.open(path, "r+") as dataset:
        dataset.scales = [scale] * dataset.count
        dataset.offsets = [offset] * dataset.count
    return path


def test_scale_and_offset_of_tags_are_taken_where_the_sidecar_is_silent(
    products: Products, tmp_path: Path
) -> None:
    path = stack(products, tmp_path, scale="", offset="")
    with pytest.raises(MetadataError, match="lacks scale, offset"):
        open_scene(path)
    scene = open_scene(tagged(path, 1e-4, -0.01))
    assert {(band.scale, band.offset) for band in scene.bands.values()} == {(1e-4, -0.01)}
    scene = open_scene(tagged(stack(products, tmp_path), 1e-4, 0.0))
    assert {(band.scale, band.offset) for band in scene.bands.values()} == {(1e-4, 0.0)}


def test_tags_that_contradict_the_sidecar_are_refused(products: Products, tmp_path: Path) -> None:
    for factors, words in (((1e-4, -0.1), "offset 0 of blue, .* -0.1"), ((1.0, -0.1), "scale")):
        path = tagged(stack(products, tmp_path), *factors)
        with pytest.raises(MetadataError, match=words):
            open_scene(path)


def test_reflectance_that_is_declared_as_stored_numbers_is_refused(
    products: Products, tmp_path: Path
) -> None:
    path = stack(products, tmp_path)
    with rasterio.open(path) as dataset:
        profile, numbers = dataset.profile, dataset.read()
    reflectance = np.where(numbers == 65_535, np.nan, numbers * 1e-4).astype(np.float32)
    with rasterio.open(path, "w", **{**profile, "dtype": "float32", "nodata": np.nan}) as dataset:
        dataset.write(reflectance)
    with pytest.raises(MetadataError, match=r"scale is 0\.0001, but the green .* are reflec"):
        open_scene(path)
    sidecar = path.with_suffix(".toml")
    sidecar.write_text(sidecar.read_text().replace("scale = 0.0001", "scale = 1"))
    assert open_scene(path).bands["green"].scale == 1.0


def test_the_bands_of_an_export_are_known_by_their_descriptions(
    products: Products, tmp_path: Path
) -> None:
    path = stack(products, tmp_path)
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
    sidecar = path.with_suffix(".toml")
    sidecar.write_text(sidecar.read_text().partition("[bands]")[0])
    scene = open_scene(path)
    assert {name: band.index for name, band in scene.bands.items()} == STACK_BANDS


def test_landsat_of_earth_engine_needs_no_sidecar(products: Products, tmp_path: Path) -> None:
    truth = products.scenes["2013"]
    order = ("blue", "green", "red", "nir", "swir1", "swir2")
    stored = np.stack(
        [makers.numbers(truth.bands[band], 2.75e-5, 0, "uint16", -0.2) for band in order]
    )
    path = makers.write(tmp_path / "LC08_151030_20130903.tif", stored, truth.grid)
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = tuple(f"SR_B{number}" for number in range(2, 8))
    scene = open_scene(path)
    assert (scene.sensor, scene.provenance["time"]) == ("LC08", "overpass")
    assert abs((scene.acquired - truth.acquisition.time).total_seconds()) < 3600
    np.testing.assert_allclose(scene.read(["nir"])[0], truth.bands["nir"], atol=3e-5)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_the_masks_of_an_export_are_known_by_their_descriptions(
    products: Products, tmp_path: Path, dtype: str
) -> None:
    """Of several bands in one file all have one type: masks are floats where bands are."""
    folder = products.find("LC08*")
    names = [*(f"SR_B{number}" for number in range(2, 8)), "QA_PIXEL", "QA_RADSAT"]
    layers = []
    for name in names:
        with rasterio.open(next(folder.glob(f"*_{name}.TIF"))) as dataset:
            layers.append(dataset.read(1))
            profile = dataset.profile
    layers[-1][5:9, 5:9] = 1 << 3  # green at its ceiling
    path = tmp_path / "LC08_151030_20130903.tif"
    told = {**profile, "count": len(names), "dtype": dtype, "nodata": 0}
    with rasterio.open(path, "w", **told) as dataset:
        dataset.write(np.stack(layers).astype(dtype))
        dataset.descriptions = tuple(names)
    if dtype == "float32":
        path.with_suffix(".toml").write_text("scale = 2.75e-5\noffset = -0.2\n")
    scene, product = open_scene(path), open_scene(folder)
    flags = scene.read_quality()
    assert (flags[5:9, 5:9] & Quality.SATURATED).all()
    flags[5:9, 5:9] &= ~np.uint8(Quality.SATURATED)
    np.testing.assert_array_equal(flags[9:, 9:], product.read_quality()[9:, 9:])


def test_the_classes_of_an_export_are_known_by_their_description(
    products: Products, tmp_path: Path
) -> None:
    path = stack(products, tmp_path, quality="", decoder="")
    with rasterio.open(path) as dataset:
        profile, numbers = dataset.profile, dataset.read()
    with rasterio.open(path, "w", **{**profile, "count": 12}) as dataset:
        dataset.write(np.concatenate([numbers, np.full_like(numbers[:1], 9)]))
        dataset.set_band_description(12, "SCL")
    seen = ~(np.isin(numbers[[2, 7]], profile["nodata"]).any(0))
    assert (open_scene(path).read_quality()[seen] & Quality.CLOUD).all()


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"scale": ""}, "lacks scale"),
        ({"scale": "{green = 0.0001}"}, "scale has no blue"),
        ({"nodata": "{green = 0}"}, "nodata is a table"),
        ({"sensor": ""}, "lacks sensor"),
        ({"sensor": "2"}, "sensor is 2"),
        ({"scale": "1.0"}, "give green reflectance"),
        ({"scale": "0.01"}, "give green reflectance"),
        ({"offset": "-1.5"}, "give green reflectance"),
        ({"scale": "0"}, "scale is 0"),
        ({"sun_azimuth_deg": ""}, "sun_elevation_deg only"),
        ({"decoder": ""}, "decoder"),
        ({"decoder": '"fmask"'}, "decoder"),
        ({"reflectance_scale": "1"}, "unknown key"),
        ({"bands": {"green": 3}}, "lacks nir"),
        ({"bands": {**STACK_BANDS, "nir": 99}}, "1 to 11"),
        ({"bands": {**STACK_BANDS, "thermal": 1}}, "thermal"),
    ],
)
def test_a_sidecar_that_tells_too_little_or_wrong_is_refused(
    products: Products, tmp_path: Path, keys: dict[str, object], what: str
) -> None:
    with pytest.raises(MetadataError, match=what):
        open_scene(stack(products, tmp_path, **keys))


def test_an_unknown_key_names_the_nearest_known_one(products: Products, tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="did you mean acquired"):
        open_scene(stack(products, tmp_path, aquired="1"))


def test_the_same_lake_has_the_same_reflectance_from_the_stack_in_any_window(
    products: Products, tmp_path: Path
) -> None:
    scene: Scene = open_scene(stack(products, tmp_path))
    whole = scene.read(["green"])[0]
    np.testing.assert_array_equal(scene.read(["green"], Window(3, 5, 7, 9))[0], whole[5:14, 3:10])


def test_metadata_that_an_editor_of_windows_has_saved_is_read(
    products: Products, tmp_path: Path
) -> None:
    """It puts a byte order mark first, and ends lines otherwise."""
    whole = next(products.collection2.glob("*_MTL.txt")).parent
    copy = edited(whole, tmp_path, "*_MTL.txt", lambda mtl: "\ufeff" + mtl.replace("\n", "\r\n"))
    assert open_scene(copy).id == open_scene(whole).id


def small_letters(folder: Path) -> None:
    """Rename all that lies in a folder, as some file systems and programs do."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rename(path.with_name(path.name.lower()))


def test_a_safe_whose_names_are_in_small_letters_is_the_same_product(
    products: Products, tmp_path: Path
) -> None:
    safe = products.find("S2B*N0400*")
    copy = tmp_path / safe.name.lower()
    shutil.copytree(safe, copy)
    small_letters(copy)
    scene, small = open_scene(safe), open_scene(copy)
    assert small.id == scene.id
    assert {name: band.offset for name, band in small.bands.items()} == {
        name: band.offset for name, band in scene.bands.items()
    }
    assert verify(small) == verify(scene)
    assert [found.id for found in discover([tmp_path])] == [scene.id]


@pytest.mark.parametrize("name", ["outer.zip", "S2B_MSIL2A_20220812_again.zip"])
def test_an_archive_in_an_archive_is_told_to_be_unpacked(tmp_path: Path, name: str) -> None:
    inner = "S2B_MSIL2A_20220812T053639_N0400_R005_T43TFG_20220812T082712.SAFE.zip"
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"download/{inner}", b"PK")
    with pytest.raises(UnknownProductError, match=rf"an archive of the archive .*{inner}; unpack"):
        open_scene(path)
    refused: list[SceneRefused] = []
    discover([tmp_path], collecting(SceneRefused, refused))
    assert [Path(event.path) for event in refused] == [path]


def test_an_image_without_a_driver_for_it_is_no_fault_of_the_download(products: Products) -> None:
    safe = products.find("S2B*N0400*")
    program = (
        "import sys; from glacial_lakes.scenes import open_scene\n"
        "try: open_scene(sys.argv[1])\n"
        "except Exception as error: print(error)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(safe)],
        env=os.environ | {"GDAL_SKIP": "JP2OpenJPEG"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "no driver JP2OpenJPEG; unset GDAL_SKIP" in told
    assert "download" not in told


@pytest.mark.parametrize("kind", ["OPER_PRD_MSIL1C", "USER_PRD_MSIL2A"])
def test_sentinel_2_in_the_format_of_several_tiles_is_refused_by_its_name(
    tmp_path: Path, kind: str
) -> None:
    time = "20160717T090142"
    product = tmp_path / f"S2A_{kind}_PDMC_20160717T202905_R007_V{time}_{time}.SAFE"
    granule = "S2A_OPER_MSI_L1C_TL_MPS__20160717T125454_A005581_T35SLC"
    images = product / "GRANULE" / f"{granule}_N02.04" / "IMG_DATA"
    images.mkdir(parents=True)
    (images / f"{granule}_B03.jp2").write_bytes(b"")
    (product / "S2A_OPER_MTD_SAFL1C_PDMC.xml").write_text("<a/>")
    told: list[SceneRefused] = []
    assert discover(tmp_path, collecting(SceneRefused, told)) == []
    assert ["before December 2016" in event.reason for event in told] == [True]


def test_landsat_of_level_2_without_temperature_is_the_same_product(
    products: Products, tmp_path: Path
) -> None:
    """L2SR has the bands, factors and layers of L2SP but for those of temperature."""
    whole = products.find("LC08*")
    metadata = next(whole.glob("*_MTL.txt")).name
    copy = edited(whole, tmp_path, metadata, lambda mtl: mtl.replace('"L2SP"', '"L2SR"'))
    scene, other = open_scene(whole), open_scene(copy)
    assert other.level == "L2SR"
    assert {name: (band.scale, band.offset) for name, band in other.bands.items()} == {
        name: (band.scale, band.offset) for name, band in scene.bands.items()
    }
    assert (other.decoder, other.saturation_bits) == (scene.decoder, scene.saturation_bits)


@pytest.mark.parametrize(("number", "known"), [("03", True), ("04", False)])
def test_a_collection_that_is_not_known_is_refused_by_its_name(
    products: Products, tmp_path: Path, number: str, known: bool
) -> None:
    whole = products.find("LC08*")
    metadata = next(whole.glob("*_MTL.txt")).name
    copy = edited(
        whole,
        tmp_path,
        metadata,
        lambda mtl: re.sub(r"COLLECTION_NUMBER = \S+", f"COLLECTION_NUMBER = {number}", mtl),
    )
    if known:
        assert open_scene(copy).provenance["baseline"] == number
    else:
        with pytest.raises(UnknownProductError, match="is of the collection 04; use one of 01, 02"):
            open_scene(copy)
