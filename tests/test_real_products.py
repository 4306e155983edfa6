"""Real products, the second tier: what the simulator's products cannot tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from glacial_lakes.errors import (
    DamagedFileError,
    GlacialLakesError,
    MissingFileError,
    UnknownProductError,
)
from glacial_lakes.scenes import Quality, find_products, open_scene, verify
from glacial_lakes.scenes.landsat import earth_sun_distance
from glacial_lakes.scenes.level1c_masks import decode_polygons
from glacial_lakes.scenes.metadata import to_time

FOLDERS = (
    "independent_truth/series",
    "independent_truth/clear_summer",
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


def refusals(data: Path, paths: Iterable[str]) -> dict[str, GlacialLakesError]:
    """What each path is refused with."""
    found = {}
    for path in paths:
        with pytest.raises(GlacialLakesError) as refusal:
            open_scene(data / path)
        found[path] = refusal.value
    return found


def test_metadata_without_pixels_is_refused_naming_the_band_file(data: Path) -> None:
    for path, refusal in refusals(data, NO_BAND).items():
        assert isinstance(refusal, MissingFileError)
        assert NO_BAND[path] in refusal.what
        assert "\n" not in str(refusal)
        assert refusal.remedy


def test_multispectral_scanners_are_refused_for_their_missing_bands(data: Path) -> None:
    for refusal in refusals(data, SCANNER).values():
        assert isinstance(refusal, UnknownProductError)
        assert "no blue and no short-wave infrared" in refusal.what
        assert refusal.remedy


def test_geotiffs_without_a_sidecar_are_refused_with_what_to_write(data: Path) -> None:
    for path, refusal in refusals(data, STACKS).items():
        assert isinstance(refusal, MissingFileError)
        assert f"{Path(path).stem}.toml" in refusal.what


def test_the_lists_above_leave_no_product_of_the_data_out(data: Path) -> None:
    found = {
        path.relative_to(data).as_posix()
        for folder in FOLDERS
        for path in find_products(data / folder)
    }
    listed = {*OPENS, *NO_BAND, *SCANNER, "sen2r_barbellino"}
    assert found == listed


def test_thinned_images_are_read_on_their_own_grid(data: Path) -> None:
    scene = open_scene(next((data / "sentinel2_safe").glob("*.zip")))
    assert scene.grid.shape == (20, 20)
    assert scene.provenance["decimated"]
    assert scene.decoder is decode_polygons
    assert scene.read(["green", "swir1"]).shape == (2, 20, 20)


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


def test_thinned_landsat_images_open_but_differ_from_their_makers_checksums(data: Path) -> None:
    scene = open_scene(data / "landsat_c2/LE07_L2SP_090084_20210331_20210426_02_T1")
    with pytest.raises(DamagedFileError, match="differs from its MD5"):
        verify(scene)


def test_gaps_of_the_scan_lines_without_a_nodata_tag_are_not_observed(data: Path) -> None:
    scene = open_scene(data / "flathead_landsat/LE07_2007-05-05")
    with rasterio.open(scene.bands["green"].path) as dataset:
        assert dataset.nodata is None
        numbers = dataset.read(1)
    fill = numbers == 0
    assert 0.05 < fill.mean() < 0.5
    green, flags = scene.read(["green"])[0], scene.read_quality()
    assert np.array_equal(np.isnan(green), fill)
    assert np.all(flags[fill] & Quality.NODATA)
    assert np.all(flags[numbers == 255] & Quality.SATURATED)
    radiance = (196.5 + 6.4) / 254 * (100 - 1) - 6.4
    distance_au = 1.00858  # day 125, table 6 of Chander et al. 2009
    expected = np.pi * radiance * distance_au**2 / (1812 * np.sin(np.radians(54.9240131)))
    assert green[numbers == 100] == pytest.approx(expected, rel=5e-4)
