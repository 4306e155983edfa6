from __future__ import annotations

import itertools
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from rasterio.windows import Window

from glacial_lakes.errors import (
    GlacialLakesError,
    InputError,
    MissingFileError,
    UnknownProductError,
)
from glacial_lakes.events import Event, SceneRefused
from glacial_lakes.scenes import discover, find_products, open_scene

FOLDERS = (
    "independent_truth",
    "landsat_c2",
    "sentinel2_safe",
    "flathead_landsat",
    "sen2r_barbellino",
)

SERIES = "independent_truth/series"
OPENS = {
    f"{SERIES}/LT05_L2SP_152035_19950820_19960908_02_T1": ("LT05", "L2SP", "1995-08-20T05:58:11"),
    f"{SERIES}/LE07_L2SP_152035_20000908_20010908_02_T1": ("LE07", "L2SP", "2000-09-08T05:58:11"),
    f"{SERIES}/LE07_L2SP_152035_20080814_20090908_02_T1": ("LE07", "L2SP", "2008-08-14T05:58:11"),
    f"{SERIES}/LT05_L2SP_152035_20110604_20120908_02_T1": ("LT05", "L2SP", "2011-06-04T05:58:11"),
    f"{SERIES}/LC08_L2SP_152035_20140823_20150908_02_T1": ("LC08", "L2SP", "2014-08-23T05:58:11"),
    f"{SERIES}/LC08_L2SP_152035_20200915_20200928_02_T1": ("LC08", "L2SP", "2020-09-15T05:58:11"),
    f"{SERIES}/S2A_MSIL2A_20180811T060631_N0208_R134_T44SLA_20180811T101422.SAFE": (
        "S2A", "L2A", "2018-08-11T06:08:07",
    ),
    f"{SERIES}/S2B_MSIL2A_20220728T060631_N0400_R134_T44SLA_20220728T101422.SAFE": (
        "S2B", "L2A", "2022-07-28T06:08:07",
    ),
    f"{SERIES}/S2A_MSIL2A_20230816T060631_N0509_R134_T44SLA_20230816T101422.SAFE": (
        "S2A", "L2A", "2023-08-16T06:08:07",
    ),
    "independent_truth/clear_summer/"
    "S2A_MSIL2A_20210824T060631_N0301_R134_T43SDU_20210824T101422.SAFE": (
        "S2A", "L2A", "2021-08-24T06:08:07",
    ),
    "landsat_c2/LC08_L2SP_005009_20150710_20200908_02_T2": (
        "LC08", "L2SP", "2015-07-10T14:34:35",
    ),
    "landsat_c2/LC08_L2SP_098084_20210503_20210508_02_T1": (
        "LC08", "L2SP", "2021-05-03T00:39:15",
    ),
    "landsat_c2/LE07_L2SP_090084_20210331_20210426_02_T1": (
        "LE07", "L2SP", "2021-03-31T23:01:59",
    ),
    "flathead_landsat/LC08_2015-06-04": ("LC08", "L1TP", "2015-06-04T18:23:55"),
    "flathead_landsat/LE07_2007-05-05": ("LE07", "L1T", "2007-05-05T18:15:10"),
    "sentinel2_safe/S2A_MSIL1C_20201031T004711_N0209_R102_T53JQJ_20201031T022859.zip": (
        "S2A", "L1C", "2020-10-31T00:55:10",
    ),
}  # fmt: skip

META = "landsat_c2/metadata_only"
NO_BAND = {
    f"{META}/etm": "LE07_L2SP_021030_20100109_20200911_02_T1_SR_B1.TIF",
    **{
        f"{META}/oli-tirs/{name}_MTL.txt": f"{name}_SR_B2.TIF"
        for name in (
            "LC08_L2SP_047027_20201204_20210313_02_T1",
            "LC08_L2SR_084024_20160111_20201016_02_T1",
            "LC09_L2SP_010065_20220129_20220131_02_T1",
        )
    },
    **{
        f"{META}/tm/{name}_MTL.xml": f"{name}_SR_B1.TIF"
        for name in (
            "LT04_L2SP_002026_19830110_20200918_02_T1",
            "LT05_L2SP_010067_19860424_20200918_02_T2",
            "LT05_L2SP_058014_20110312_20200823_02_T1",
            "LT05_L2SR_087017_20090621_20200827_02_T2",
        )
    },
    **{
        f"sentinel2_safe/{name}.SAFE": band
        for name, band in {
            "S2A_MSIL1C_20200717T221941_R029_T01LAC_20200717T234135": (
                "IMG_DATA/T01LAC_20200717T221941_B02.jp2"
            ),
            "S2A_MSIL1C_20210908T042701_N0301_R133_T46RER_20210908T070248": (
                "IMG_DATA/T46RER_20210908T042701_B02.jp2"
            ),
            "S2A_MSIL2A_20180721T053721_N0212_R062_T43MDV_20201011T181419": (
                "IMG_DATA/R10m/T43MDV_20180721T053721_B02_10m.jp2"
            ),
            "S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857": (
                "IMG_DATA/R10m/T07HFE_20190212T192651_B02_10m.jp2"
            ),
            "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022157": (
                "IMG_DATA/R10m/T01WCP_20230625T234621_B02_10m.jp2"
            ),
            "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022158": (
                "IMG_DATA/R10m/T01WCP_20230625T234621_B02_10m.jp2"
            ),
            "esa_S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500": (
                "IMG_DATA/R10m/T22HBD_20210122T133229_B02_10m.jp2"
            ),
        }.items()
    },
}
SCANNER = [
    f"{META}/mss/{name}_MTL.xml"
    for name in (
        "LM01_L1GS_001010_19720908_20200909_02_T2",
        "LM01_L1GS_005037_19720823_20200909_02_T2",
        "LM01_L1GS_007019_19771009_20200907_02_T2",
        "LM02_L1GS_001004_19750411_20200908_02_T2",
        "LM03_L1GS_001001_19780510_20200907_02_T2",
        "LM04_L1GS_001001_19830527_20210902_02_T2",
        "LM05_L1GS_001001_19850524_20210918_02_T2",
    )
]
STACKS = [
    f"sen2r_barbellino/out/{level}_{day}_022_Barbellino_{kind}_10.tif"
    for day in ("20170703", "20190723")
    for level, kind in (("S2A1C", "TOA"), ("S2A2A", "BOA"), ("S2A2A", "SCL"))
]


@pytest.mark.parametrize("path", OPENS)
def test_every_whole_product_opens_with_its_sensor_level_and_time(data: Path, path: str) -> None:
    scene = open_scene(data / path)
    sensor, level, second = OPENS[path]
    assert (scene.sensor, scene.level) == (sensor, level)
    assert scene.acquired.isoformat().startswith(second)
    assert scene.acquired.isoformat().endswith("+00:00")
    assert set(scene.bands) == {"blue", "green", "red", "nir", "swir1", "swir2"}


@pytest.mark.parametrize("path", NO_BAND)
def test_metadata_without_pixels_is_refused_naming_the_band_file(data: Path, path: str) -> None:
    with pytest.raises(MissingFileError) as refusal:
        open_scene(data / path)
    assert NO_BAND[path] in refusal.value.what
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("path", SCANNER)
def test_multispectral_scanner_is_refused_for_its_missing_bands(data: Path, path: str) -> None:
    with pytest.raises(UnknownProductError, match="no blue and no short-wave infrared"):
        open_scene(data / path)


@pytest.mark.parametrize("path", STACKS)
def test_geotiff_without_a_sidecar_is_refused_with_what_to_write(data: Path, path: str) -> None:
    with pytest.raises(MissingFileError) as refusal:
        open_scene(data / path)
    assert f"{Path(path).stem}.toml" in refusal.value.what
    for key in ("acquired", "sensor", "scale", "offset", "nodata", "[bands]"):
        assert key in refusal.value.remedy


def test_the_lists_above_leave_no_product_of_the_data_out(data: Path) -> None:
    found = {
        path.relative_to(data).as_posix()
        for folder in FOLDERS
        for path in find_products(data / folder)
    }
    listed = {*OPENS, *NO_BAND, *SCANNER, "sen2r_barbellino"}
    assert found == listed


def test_a_folder_of_geotiffs_without_sidecars_is_refused_in_one_line(data: Path) -> None:
    events: list[Event] = []
    assert discover(data / "sen2r_barbellino", events.append) == []
    assert len(events) == 1
    assert "sidecar" in events[0].reason


def test_dem_and_masks_beside_products_are_no_scenes(data: Path) -> None:
    found = find_products(data / SERIES)
    assert (data / SERIES / "dem.tif").exists()
    assert len(found) == 9
    assert not [path for path in found if path.suffix == ".tif"]


def test_metadata_file_folder_and_pattern_find_the_same_product(data: Path) -> None:
    folder = data / "flathead_landsat/LC08_2015-06-04"
    mtl = next(folder.glob("*_MTL.txt"))
    safe = next((data / SERIES).glob("S2B*.SAFE"))
    assert find_products([mtl, folder, str(folder.parent / "LC08*")]) == [folder.absolute()]
    assert find_products([safe / "MTD_MSIL2A.xml", str(safe / "*.xml")]) == [safe]
    assert open_scene(mtl) == open_scene(folder)
    assert open_scene(safe / "MTD_MSIL2A.xml") == open_scene(safe)


def test_all_formats_of_one_mtl_are_one_product(data: Path) -> None:
    pattern = str(data / SERIES / "LC08_L2SP_152035_2014*" / "*_MTL.*")
    assert len(find_products(pattern)) == 1


@pytest.mark.parametrize("ending", ["txt", "json", "xml"])
def test_each_format_of_the_mtl_tells_the_same(data: Path, tmp_path: Path, ending: str) -> None:
    whole = data / SERIES / "LC08_L2SP_152035_20140823_20150908_02_T1"
    copy = tmp_path / whole.name
    shutil.copytree(whole, copy)
    for other in {"txt", "json", "xml"} - {ending}:
        next(copy.glob(f"*_MTL.{other}")).unlink()
    scene, expected = open_scene(copy), open_scene(whole)
    for name, band in expected.bands.items():
        told = scene.bands[name]
        assert (told.scale, told.offset, told.nodata) == (band.scale, band.offset, band.nodata)
    assert (scene.id, scene.acquired, scene.sun_azimuth_deg) == (
        expected.id,
        expected.acquired,
        expected.sun_azimuth_deg,
    )


def test_scenes_are_the_same_whatever_the_order_of_the_paths(data: Path) -> None:
    paths = [data / folder for folder in ("landsat_c2", "flathead_landsat", SERIES)]
    results = []
    for order in itertools.permutations(paths):
        events: list[Event] = []
        results.append((discover(order, events.append), events))
    assert all(result == results[0] for result in results)
    scenes = results[0][0]
    assert [scene.acquired for scene in scenes] == sorted(scene.acquired for scene in scenes)
    assert len(scenes) == 14


def test_a_broken_product_is_told_and_stops_no_other(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "flathead_landsat/LE07_2007-05-05", tmp_path / "a")
    broken = tmp_path / "S2A_MSIL2A_20200101T000000_N0400_R134_T44SLA_20200101T000000.SAFE"
    broken.mkdir()
    (broken / "MTD_MSIL2A.xml").write_text("<cut", encoding="utf-8")
    (tmp_path / "S2B_MSIL1C_x.zip").write_bytes(b"PK\x03\x04 cut")
    events: list[Event] = []
    scenes = discover(tmp_path, events.append)
    assert [scene.sensor for scene in scenes] == ["LE07"]
    assert [Path(event.path).name for event in events] == [broken.name, "S2B_MSIL1C_x.zip"]
    assert all(event.reason.startswith("GL1004") for event in events)
    assert "MTD_MSIL2A.xml" in events[0].reason


def test_a_landsat_folder_without_its_metadata_is_told(data: Path, tmp_path: Path) -> None:
    product = data / SERIES / "LC08_L2SP_152035_20140823_20150908_02_T1"
    copy = tmp_path / product.name
    copy.mkdir()
    for band in product.glob("*_SR_B[3-5].TIF"):
        shutil.copy(band, copy)
    told: list[Event] = []
    assert discover(tmp_path, told.append) == []
    assert [Path(event.path) for event in told if isinstance(event, SceneRefused)] == [copy]
    with pytest.raises(MissingFileError, match=r"lacks its metadata, \*_MTL\.txt"):
        open_scene(copy)


def test_of_one_granule_the_latest_processing_is_kept(data: Path, tmp_path: Path) -> None:
    whole = next((data / SERIES).glob("S2A*N0208*.SAFE"))
    names = {}
    for stamp in ("20180811T101422", "20230301T120000", "20200101T000000"):
        name = whole.name.replace("20180811T101422.SAFE", f"{stamp}.SAFE")
        names[stamp] = name
        shutil.copytree(whole, tmp_path / name)
        metadata = tmp_path / name / "MTD_MSIL2A.xml"
        text = metadata.read_text(encoding="utf-8").replace(whole.name, name)
        day = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}"
        text = text.replace("<GENERATION_TIME>2018-08-11", f"<GENERATION_TIME>{day}")
        metadata.write_text(text, encoding="utf-8")
    events: list[Event] = []
    scenes = discover(tmp_path, events.append)
    kept = names["20230301T120000"].removesuffix(".SAFE")
    assert [scene.id for scene in scenes] == [kept]
    assert all(isinstance(event, SceneRefused) and kept in event.reason for event in events)
    assert {Path(event.path).name for event in events} == {
        names["20180811T101422"],
        names["20200101T000000"],
    }


def test_a_zip_reads_as_its_folder_does(data: Path, tmp_path: Path) -> None:
    safe = next((data / SERIES).glob("S2B*.SAFE"))
    packed = tmp_path / "Көл s3 x" / f"{safe.name}.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(safe.rglob("*")):
            archive.write(path, Path(safe.name) / path.relative_to(safe))
    [scene] = discover(packed.parent)
    window = Window(400, 500, 64, 48)
    bands = ["green", "swir1"]
    np.testing.assert_array_equal(scene.read(bands, window), open_scene(safe).read(bands, window))


def test_a_scene_travels_to_another_process(data: Path) -> None:
    scene = open_scene(data / "flathead_landsat/LE07_2007-05-05")
    there = pickle.loads(pickle.dumps(scene))
    assert there == scene
    np.testing.assert_array_equal(there.read(["green"]), scene.read(["green"]))


def test_two_different_scenes_of_one_name_are_not_both_kept(data: Path, tmp_path: Path) -> None:
    for folder, day in (("a", "2017-07-03"), ("b", "2019-07-23")):
        (tmp_path / folder).mkdir()
        shutil.copy(data / STACKS[1], tmp_path / folder / "lake.tif")
        (tmp_path / folder / "lake.toml").write_text(
            f"acquired = {day}T10:20:00Z\nsensor = 'S2A'\nscale = 1e-4\noffset = 0.0\n"
            "[bands]\ngreen = 3\nnir = 8\n",
            encoding="utf-8",
        )
    events: list[Event] = []
    assert len(discover(tmp_path, events.append)) == 1
    assert "rename" in events[0].reason


def test_a_path_that_is_not_there_or_no_product_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("lake", encoding="utf-8")
    with pytest.raises(MissingFileError, match="does not exist"):
        open_scene(tmp_path / "nothing.SAFE")
    with pytest.raises(UnknownProductError, match="no product"):
        open_scene(tmp_path / "notes.txt")
    with pytest.raises(UnknownProductError, match="holds no product"):
        open_scene(tmp_path)
    with pytest.raises(UnknownProductError, match="holds some"):
        open_scene(data / "flathead_landsat")
    with pytest.raises(UnknownProductError, match="4 products"):
        open_scene(data / META / "tm")
    events: list[Event] = []
    assert discover([tmp_path / "*.SAFE"], events.append) == []
    assert "matches no product" in events[0].reason


def test_a_band_that_the_scene_lacks_is_named(data: Path) -> None:
    scene = open_scene(data / "flathead_landsat/LE07_2007-05-05")
    with pytest.raises(InputError, match="'thermal'"):
        scene.read(["thermal"])


def test_html_of_a_scene_is_escaped(data: Path) -> None:
    import dataclasses

    scene = open_scene(data / "flathead_landsat/LE07_2007-05-05")
    page = dataclasses.replace(scene, id="<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in page
    assert "2007-05-05 18:15 UTC" in page


def test_xarray_has_pixel_centres_and_crs(data: Path) -> None:
    pytest.importorskip("xarray")
    scene = open_scene(data / "flathead_landsat/LE07_2007-05-05")
    array = scene.to_xarray(["green", "nir"])
    assert array.dims == ("band", "y", "x")
    assert array.attrs["units"] == "1"
    assert float(array.x[0]) == scene.grid.transform.c + 15
    assert float(array.y[-1]) == scene.grid.bounds[1] + 15
    assert "UTM zone 11N" in array.attrs["crs"]
    np.testing.assert_array_equal(array.values, scene.read(["green", "nir"]))


def test_every_refusal_is_one_of_ours(data: Path) -> None:
    for path in [*NO_BAND, *SCANNER, *STACKS]:
        with pytest.raises(GlacialLakesError) as refusal:
            open_scene(data / path)
        assert refusal.value.remedy
