"""What the metadata of each format tells, and what is refused because it does not."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from glacial_lakes.errors import (
    DamagedFileError,
    GlacialLakesError,
    GridError,
    MetadataError,
    MissingFileError,
    UnknownProductError,
)
from glacial_lakes.scenes import Scene, open_scene
from glacial_lakes.scenes.landsat import earth_sun_distance
from glacial_lakes.scenes.metadata import to_time

SERIES = "independent_truth/series"
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
    data: Path, tmp_path: Path, edit: Edit, offsets: dict[str, float]
) -> None:
    safe = next((data / SERIES).glob("S2B*N0400*"))
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
    data: Path, tmp_path: Path, edit: Edit, what: str
) -> None:
    safe = next((data / SERIES).glob("S2B*N0400*"))
    with pytest.raises(MetadataError, match=what):
        open_scene(edited(safe, tmp_path, "MTD_MSIL2A.xml", edit))


@pytest.mark.parametrize(
    ("edit", "error", "what"),
    [
        (lambda xml: xml.replace("EPSG:32644", "EPSG:32643"), GridError, "off the grid"),
        (lambda xml: xml.replace(">371640<", ">371740<"), GridError, "100 m off"),
        (lambda xml: re.sub("<ZENITH_ANGLE.*?>", '<A unit="deg">', xml), DamagedFileError, "XML"),
        (lambda xml: xml.replace(">23.1256348193<", ">97.5<"), MetadataError, "sun"),
    ],
)
def test_a_granule_that_contradicts_its_images_is_refused(
    data: Path, tmp_path: Path, edit: Edit, error: type[GlacialLakesError], what: str
) -> None:
    safe = next((data / SERIES).glob("S2B*N0400*"))
    with pytest.raises(error, match=what):
        open_scene(edited(safe, tmp_path, "MTD_TL.xml", edit))


def test_sun_is_the_mean_of_the_tile(data: Path) -> None:
    scene = open_scene(next((data / SERIES).glob("S2B*N0400*")))
    assert scene.sun_elevation_deg == pytest.approx(90 - 23.1256348193)
    assert scene.sun_azimuth_deg == pytest.approx(120.3216692873)
    assert scene.cloud_percent == pytest.approx(11.544916)


def test_odd_metadata_names_and_a_missing_manifest_are_read(data: Path, tmp_path: Path) -> None:
    safe = next((data / SERIES).glob("S2B*N0400*"))
    copy = tmp_path / "renamed"
    shutil.copytree(safe, copy)
    (copy / "manifest.safe").unlink()
    (copy / "MTD_MSIL2A.xml").rename(copy / "MTD_MSIL2a.xml")
    scene = open_scene(copy)
    assert scene.id == safe.name.removesuffix(".SAFE")


@pytest.mark.parametrize("name", ["R20m/*_SCL_20m.jp2", "R20m/*_B11_20m.jp2", "R10m/*_B08_10m.jp2"])
def test_a_missing_image_is_named(data: Path, tmp_path: Path, name: str) -> None:
    safe = next((data / SERIES).glob("S2B*N0400*"))
    copy = tmp_path / safe.name
    shutil.copytree(safe, copy)
    [image] = copy.glob(f"GRANULE/*/IMG_DATA/{name}")
    image.unlink()
    with pytest.raises(MissingFileError, match=image.name):
        open_scene(copy)


def test_a_product_of_several_granules_is_refused(data: Path, tmp_path: Path) -> None:
    safe = next((data / SERIES).glob("S2B*N0400*"))
    copy = tmp_path / safe.name
    shutil.copytree(safe, copy)
    [granule] = (copy / "GRANULE").iterdir()
    shutil.copytree(granule, granule.with_name("L2A_T44SLB"))
    with pytest.raises(UnknownProductError, match="2 granules"):
        open_scene(copy)


def test_thinned_images_are_read_on_their_own_grid(data: Path) -> None:
    scene = open_scene(next((data / "sentinel2_safe").glob("*.zip")))
    assert scene.grid.shape == (20, 20)
    assert scene.provenance["decimated"]
    assert scene.decoder == "none"
    assert scene.read(["green", "swir1"]).shape == (2, 20, 20)


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
@pytest.mark.parametrize("folder", ["", "./", "LC08_2014/"])
def test_a_tar_reads_as_its_folder_does(
    data: Path, tmp_path: Path, ending: str, folder: str
) -> None:
    whole = next((data / SERIES).glob("LC08*2014*"))
    packed = tmp_path / f"{whole.name}.{ending}"
    with tarfile.open(packed, "w:gz" if ending.endswith("gz") else "w") as archive:
        for path in sorted(whole.iterdir()):
            archive.add(path, folder + path.name)
    scene, expected = open_scene(packed), open_scene(whole)
    window = Window(100, 100, 40, 30)
    bands = list(scene.bands)
    np.testing.assert_array_equal(scene.read(bands, window), expected.read(bands, window))
    np.testing.assert_array_equal(scene.read_quality(window), expected.read_quality(window))


def test_level2_factors_are_not_those_of_level1_in_the_same_file(data: Path) -> None:
    whole = data / "landsat_c2/LE07_L2SP_090084_20210331_20210426_02_T1"
    mtl = next(whole.glob("*_MTL.txt")).read_text(encoding="utf-8")
    assert "REFLECTANCE_MULT_BAND_2 = 1.3499E-03" in mtl
    band = open_scene(whole).bands["green"]
    assert (band.scale, band.offset) == (2.75e-05, -0.2)


def test_radiance_only_metadata_follows_chander_2009(data: Path) -> None:
    scene = open_scene(data / "flathead_landsat/LE07_2007-05-05")
    radiance = (196.5 + 6.4) / 254 * (100 - 1) - 6.4
    distance_au = 1.00858  # day 125, table 6 of the paper
    expected = np.pi * radiance * distance_au**2 / (1812 * np.sin(np.radians(54.9240131)))
    band = scene.bands["green"]
    assert band.scale * 100 + band.offset == pytest.approx(expected, rel=5e-4)


def test_earth_sun_distance_agrees_with_every_mtl_that_tells_it(data: Path) -> None:
    told = 0
    for mtl in sorted(data.glob("landsat_c2/**/*_MTL.xml")):
        text = mtl.read_text(encoding="utf-8")
        distance = re.search(r"<EARTH_SUN_DISTANCE>([\d.]+)<", text)
        day = re.search(r"<DATE_ACQUIRED>([\d-]+)<", text)
        clock = re.search(r'<SCENE_CENTER_TIME>"?([^<"]+)', text)
        if not (distance and day and clock):
            continue
        time = to_time(f"{day[1]}T{clock[1]}", "time", mtl)
        assert earth_sun_distance(time) == pytest.approx(float(distance[1]), abs=2e-4)
        told += 1
    assert told >= 10


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda mtl: mtl.replace("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", "OTHER"), "REFLECTANCE"),
        (lambda mtl: mtl.replace("SUN_ELEVATION = 61", "SUN_ELEVATION = -61"), "sun"),
        (lambda mtl: mtl.replace("DATE_ACQUIRED = 2014-08-23", "DATE_ACQUIRED = 23.08.14"), "DATE"),
        (lambda mtl: mtl.replace('05:58:11.1234560Z"', '05:58:11.1234560"'), "TIME"),
        (
            lambda mtl: mtl.replace("REFLECTANCE_ADD_BAND_3 = -0.2", "REFLECTANCE_ADD_BAND_3 = x"),
            "x",
        ),
    ],
)
def test_what_the_mtl_does_not_tell_is_refused(
    data: Path, tmp_path: Path, edit: Edit, what: str
) -> None:
    whole = next((data / SERIES).glob("LC08*2014*"))
    with pytest.raises(MetadataError, match=what):
        open_scene(edited(whole, tmp_path, "*_MTL.txt", edit))


def test_a_cut_mtl_is_refused(data: Path, tmp_path: Path) -> None:
    whole = next((data / SERIES).glob("LC08*2014*"))
    with pytest.raises(DamagedFileError, match="cut short"):
        open_scene(edited(whole, tmp_path, "*_MTL.txt", lambda mtl: mtl[: len(mtl) * 2 // 3]))


def test_a_band_on_another_grid_is_refused(data: Path, tmp_path: Path) -> None:
    whole = next((data / SERIES).glob("LC08*2014*"))
    copy = tmp_path / whole.name
    shutil.copytree(whole, copy)
    [nir] = copy.glob("*_SR_B5.TIF")
    with rasterio.open(nir, "r+") as dataset:
        dataset.transform = dataset.transform * rasterio.Affine.translation(1, 0)
    with pytest.raises(GridError, match="does not fit"):
        open_scene(copy)


SIDECAR = {
    "acquired": "2019-07-23T10:20:31Z",
    "sensor": '"S2A"',
    "scale": "0.0001",
    "offset": "0.0",
    "sun_azimuth_deg": "146.0",
    "sun_elevation_deg": "62.0",
    "quality": '"lake_SCL.tif"',
    "decoder": '"scl"',
}
BANDS = {"blue": 2, "green": 3, "red": 4, "nir": 8, "swir1": 10, "swir2": 11}


def stack(data: Path, folder: Path, *, bands: dict[str, int] | None = None, **keys: str) -> Path:
    """The real lake of 2019 as a stack, with a sidecar of changed keys ("" leaves one out)."""
    for kind, name in (("BOA", "lake.tif"), ("SCL", "lake_SCL.tif")):
        source = data / f"sen2r_barbellino/out/S2A2A_20190723_022_Barbellino_{kind}_10.tif"
        shutil.copyfile(source, folder / name)
    lines = [f"{key} = {value}" for key, value in {**SIDECAR, **keys}.items() if value]
    lines += ["[bands]", *(f"{key} = {value}" for key, value in (bands or BANDS).items())]
    (folder / "lake.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder / "lake.tif"


def test_a_stack_with_its_sidecar_opens(data: Path, tmp_path: Path) -> None:
    scene = open_scene(stack(data, tmp_path))
    assert scene.acquired.isoformat() == "2019-07-23T10:20:31+00:00"
    assert (scene.sun_azimuth_deg, scene.sun_elevation_deg) == (146.0, 62.0)
    with rasterio.open(tmp_path / "lake.tif") as dataset:
        numbers = dataset.read(8)
        expected = np.where(numbers == dataset.nodata, np.nan, numbers * 1e-4)
    np.testing.assert_allclose(scene.read(["nir"])[0], expected, atol=1e-6)
    with rasterio.open(tmp_path / "lake_SCL.tif") as dataset:
        snow = np.kron(dataset.read(1), np.ones((2, 2))) == 11
    assert np.array_equal((scene.read_quality() & 16) != 0, snow)


def test_the_sun_and_the_quality_layer_may_be_left_out(data: Path, tmp_path: Path) -> None:
    scene = open_scene(
        stack(data, tmp_path, sun_azimuth_deg="", sun_elevation_deg="", quality="", decoder="")
    )
    assert (scene.sun_azimuth_deg, scene.quality, scene.decoder) == (None, None, "none")


def test_a_time_with_another_zone_is_kept_in_utc(data: Path, tmp_path: Path) -> None:
    scene = open_scene(stack(data, tmp_path, acquired='"2019-07-23T02:20:31+06:00"'))
    assert scene.acquired.isoformat() == "2019-07-22T20:20:31+00:00"


@pytest.mark.parametrize(
    "acquired",
    [
        "2019-07-23",
        "2019-07-23T10:20:31",
        "10:20:31",
        '"2019-07-23"',
        '"2019-07-23T10:20:31"',
        '"23.07.2019 10:20"',
        '" "',
        "2019",
    ],
)
def test_a_naive_or_ambiguous_time_is_refused(data: Path, tmp_path: Path, acquired: str) -> None:
    with pytest.raises(MetadataError, match="zone"):
        open_scene(stack(data, tmp_path, acquired=acquired))


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"scale": ""}, "lacks scale"),
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
        ({"bands": {**BANDS, "nir": 99}}, "1 to 11"),
        ({"bands": {**BANDS, "thermal": 1}}, "thermal"),
    ],
)
def test_a_sidecar_that_tells_too_little_or_wrong_is_refused(
    data: Path, tmp_path: Path, keys: dict[str, object], what: str
) -> None:
    with pytest.raises(MetadataError, match=what):
        open_scene(stack(data, tmp_path, **keys))


def test_an_unknown_key_names_the_nearest_known_one(data: Path, tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="did you mean acquired"):
        open_scene(stack(data, tmp_path, aquired="1"))


def test_the_same_lake_has_the_same_reflectance_from_the_stack_in_any_window(
    data: Path, tmp_path: Path
) -> None:
    scene: Scene = open_scene(stack(data, tmp_path))
    whole = scene.read(["green"])[0]
    np.testing.assert_array_equal(scene.read(["green"], Window(3, 5, 7, 9))[0], whole[5:14, 3:10])
