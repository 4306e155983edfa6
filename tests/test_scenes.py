from __future__ import annotations

import itertools
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from products import Products, copied, pack
from rasterio.windows import Window

from glacial_lakes.errors import InputError, MetadataError, MissingFileError, UnknownProductError
from glacial_lakes.events import Event, SceneRefused
from glacial_lakes.scenes import Quality, Scene, discover, find_products, open_scene
from glacial_lakes.scenes import products as products_of_paths
from glacial_lakes.scenes.families import FAMILIES, Family
from glacial_lakes.scenes.quality import DECODERS, decoder_of
from glacial_lakes.scenes.sensors import SAID, SENSORS, SERVICE
from glacial_lakes.scenes.source import Source
from glacial_lakes.simulate.quality import Label

LAYOUTS = {
    "S2A_MSIL2A_20180812T055641_N0208*": ("S2A", "L2A", "2018-08-12T05:56:41", "scl"),
    "S2B_MSIL2A_20220816T055649_N0400*": ("S2B", "L2A", "2022-08-16T05:56:49", "scl"),
    "S2A_MSIL2A_20230905T055651_N0509*": ("S2A", "L2A", "2023-09-05T05:56:51", "scl"),
    "S2A_MSIL2A_*_N0207*": ("S2A", "L2A", "2018-08-12T04:56:41", "scl"),
    "S2A_MSIL1C_*_N0206*": ("S2A", "L1C", "2018-08-12T04:56:41", "none"),
    "S2B_MSIL1C_*_N0400*": ("S2B", "L1C", "2022-08-16T04:56:49", "none"),
    "LT05_L2SP_*_02_T1": ("LT05", "L2SP", "2003-08-17T05:13:20", "qa_pixel"),
    "LE07_L2SP_*_02_T1": ("LE07", "L2SP", "2006-08-17T05:29:48", "qa_pixel"),
    "LC08_L2SP_*_02_T1": ("LC08", "L2SP", "2013-09-03T05:33:51", "qa_pixel"),
    "LC08_L1TP_*_02_T1": ("LC08", "L1TP", "2013-09-03T05:33:51", "qa_pixel"),
    "LC08_L1TP_*_01_T1": ("LC08", "L1TP", "2013-09-03T05:33:51", "bqa"),
    "LT05_L1TP_*_01_T1": ("LT05", "L1TP", "2003-08-17T05:13:20", "bqa"),
    "LE71510302006229EDC00": ("LE07", "L1T", "2006-08-17T05:29:48", "none"),
    "LT51510302003229EDC00": ("LT05", "L1T", "2003-08-17T05:13:20", "none"),
}
"""Name of a product → sensor, level, second of the image, layout of the quality layer."""


def layout_named(products: Products, pattern: str) -> Path:
    [path] = (path for path in products.truth if path.match(pattern))
    return path


@pytest.mark.parametrize("pattern", LAYOUTS)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_each_layout_gives_what_was_written_into_it(
    products: Products, tmp_path: Path, pattern: str, packed: bool
) -> None:
    product = layout_named(products, pattern)
    ending = "zip" if product.suffix == ".SAFE" else "tar"
    scene = open_scene(pack(product, tmp_path, ending) if packed else product)
    sensor, level, second, decoder = LAYOUTS[pattern]
    assert (scene.sensor, scene.level, scene.decoder) == (sensor, level, decoder)
    assert scene.acquired.isoformat().startswith(second)
    assert scene.acquired.isoformat().endswith("+00:00")

    truth = products.truth[product]
    assert scene.grid == truth.grid
    assert scene.sun_elevation_deg == pytest.approx(truth.sun_elevation_deg, abs=1e-6)
    flags = scene.read_quality()
    numbers = 3e-3 if "1T" in level and sensor != "LC08" else 3e-5  # 8 bits, or 16
    for number, name in enumerate(("blue", "green", "red", "nir")):
        expected, band = truth.bands[name], scene.bands[name]
        if numbers > 1e-3:
            highest = band.scale * 255 + band.offset
            full = (truth.saturated >> number) & 1 == 1
            expected = np.where(full, highest, np.minimum(expected, highest))
        np.testing.assert_allclose(scene.read([name])[0], expected, atol=numbers)
    told = np.zeros(len(Label), np.uint8)
    told[[Label.CLOUD, Label.CLOUD_MEDIUM]] = Quality.CLOUD
    told[Label.SHADOW], told[Label.SNOW] = Quality.CLOUD_SHADOW, Quality.SNOW
    expected = told[truth.labels] if decoder != "none" else np.zeros_like(truth.labels)
    factor = scene.grid.shape[0] // expected.shape[0]
    expected = np.kron(expected, np.ones((factor, factor), np.uint8))
    seen = np.isfinite(truth.bands["green"])
    kinds = Quality.CLOUD | Quality.CLOUD_SHADOW | Quality.SNOW
    np.testing.assert_array_equal((flags & kinds)[seen], expected[seen])


def test_the_layouts_above_are_all_that_the_simulator_writes(products: Products) -> None:
    assert sorted(layout_named(products, pattern) for pattern in LAYOUTS) == sorted(products.truth)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("S2B_MSIL2A*_N0400*", "IMG_DATA/R10m/T43TDH_20220816T055649_B02_10m.jp2"),
        ("S2B_MSIL1C*", "IMG_DATA/T43TDH_20220816T045649_B02.jp2"),
        ("LC08_L2SP*", "LC08_L2SP_151030_20130903_20200904_02_T1_SR_B2.TIF"),
        ("LT05_L1TP*", "LT05_L1TP_151030_20030817_20030831_01_T1_B1.TIF"),
        ("LE7*", "LE71510302006229EDC00_B1.TIF"),
    ],
)
def test_metadata_without_pixels_is_refused_naming_the_band_file(
    products: Products, tmp_path: Path, pattern: str, name: str
) -> None:
    copy = copied(layout_named(products, pattern), tmp_path)
    for image in [*copy.rglob("*.jp2"), *copy.rglob("*.TIF")]:
        image.unlink()
    with pytest.raises(MissingFileError) as refusal:
        open_scene(copy)
    assert name in refusal.value.what
    assert "\n" not in str(refusal.value)


def test_multispectral_scanner_is_refused_for_its_missing_bands(products: Products) -> None:
    with pytest.raises(UnknownProductError, match="no blue and no short-wave infrared"):
        open_scene(products.scanner)


def test_geotiff_without_a_sidecar_is_refused_with_what_to_write(products: Products) -> None:
    with pytest.raises(MissingFileError) as refusal:
        open_scene(products.stack)
    assert f"{products.stack.stem}.toml" in refusal.value.what
    for key in ("acquired", "sensor", "scale", "offset", "nodata", "[bands]"):
        assert key in refusal.value.remedy


def test_a_folder_of_geotiffs_without_sidecars_is_refused_in_one_line(products: Products) -> None:
    events: list[Event] = []
    assert discover(products.stack.parent, events.append) == []
    assert len(events) == 1
    assert "sidecar" in events[0].reason


def test_dem_and_masks_beside_products_are_no_scenes(
    products: Products, sample_data: Path, tmp_path: Path
) -> None:
    copied(products.older, tmp_path)
    shutil.copy(sample_data / "dem.tif", tmp_path)
    shutil.copy(products.stack_quality, tmp_path / "mask.tif")
    assert find_products(tmp_path) == [tmp_path / products.older.name]


def test_metadata_file_folder_and_pattern_find_the_same_product(products: Products) -> None:
    folder = products.collection1
    mtl = next(folder.glob("*_MTL.txt"))
    safe = products.find("S2B*.SAFE")
    pattern = str(folder.parent / "LC08*01_T1")
    assert find_products([mtl, folder, pattern]) == [folder.absolute()]
    assert find_products([safe / "MTD_MSIL2A.xml", str(safe / "*.xml")]) == [safe]
    assert open_scene(mtl) == open_scene(folder)
    assert open_scene(safe / "MTD_MSIL2A.xml") == open_scene(safe)


def test_all_formats_of_one_mtl_are_one_product(products: Products) -> None:
    pattern = str(products.series / "LC08_L2SP_*" / "*_MTL.*")
    assert len(list(products.series.glob("LC08_L2SP_*/*_MTL.*"))) == 3
    assert len(find_products(pattern)) == 1


@pytest.mark.parametrize("ending", ["txt", "json", "xml"])
def test_each_format_of_the_mtl_tells_the_same(
    products: Products, tmp_path: Path, ending: str
) -> None:
    whole = products.find("LC08_L2SP*")
    copy = copied(whole, tmp_path)
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


def test_scenes_are_the_same_whatever_the_order_of_the_paths(products: Products) -> None:
    paths = [products.series, products.l1c_2018, products.l1c_2022]
    results = []
    for order in itertools.permutations(paths):
        events: list[Event] = []
        results.append((discover(order, events.append), events))
    assert all(result == results[0] for result in results)
    scenes = results[0][0]
    assert [scene.acquired for scene in scenes] == sorted(scene.acquired for scene in scenes)
    assert len(scenes) == 8


def test_a_broken_product_is_told_and_stops_no_other(products: Products, tmp_path: Path) -> None:
    shutil.copytree(products.older, tmp_path / "a")
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


def test_an_empty_folder_that_is_named_like_a_product_is_told(tmp_path: Path) -> None:
    (tmp_path / "download.SAFE").mkdir()
    assert find_products(tmp_path) == [tmp_path / "download.SAFE"]
    with pytest.raises(UnknownProductError, match="holds no product"):
        open_scene(tmp_path / "download.SAFE")


def test_a_landsat_folder_without_its_metadata_is_told(products: Products, tmp_path: Path) -> None:
    """Of Level 1, whose factors only the MTL tells."""
    product = products.collection2
    copy = tmp_path / product.name
    copy.mkdir()
    for band in product.glob("*_B[3-5].TIF"):
        shutil.copy(band, copy)
    told: list[Event] = []
    assert discover(tmp_path, told.append) == []
    assert [Path(event.path) for event in told if isinstance(event, SceneRefused)] == [copy]
    with pytest.raises(MissingFileError, match=r"lacks its metadata, \*_MTL\.txt"):
        open_scene(copy)


def test_of_one_granule_the_latest_processing_is_kept(products: Products, tmp_path: Path) -> None:
    whole = products.find("S2A*N0208*.SAFE")
    names = {}
    for stamp in ("20180812T110310", "20230301T120000", "20200101T000000"):
        name = whole.name.replace("20180812T110310.SAFE", f"{stamp}.SAFE")
        names[stamp] = name
        shutil.copytree(whole, tmp_path / name)
        metadata = tmp_path / name / "MTD_MSIL2A.xml"
        text = metadata.read_text(encoding="utf-8").replace(whole.name, name)
        day = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}"
        text = text.replace("<GENERATION_TIME>2018-08-12", f"<GENERATION_TIME>{day}")
        metadata.write_text(text, encoding="utf-8")
    events: list[Event] = []
    scenes = discover(tmp_path, events.append)
    kept = names["20230301T120000"].removesuffix(".SAFE")
    assert [scene.id for scene in scenes] == [kept]
    assert all(isinstance(event, SceneRefused) and kept in event.reason for event in events)
    assert {Path(event.path).name for event in events} == {
        names["20180812T110310"],
        names["20200101T000000"],
    }


def test_a_zip_reads_as_its_folder_does(products: Products, tmp_path: Path) -> None:
    safe = products.find("S2B*.SAFE")
    packed = pack(safe, tmp_path / "Көл s3 x", "zip")
    [scene] = discover(packed.parent)
    window = Window(40, 50, 64, 48)
    bands = ["green", "swir1"]
    np.testing.assert_array_equal(scene.read(bands, window), open_scene(safe).read(bands, window))


def test_a_scene_travels_to_another_process(products: Products) -> None:
    scene = open_scene(products.older)
    there = pickle.loads(pickle.dumps(scene))
    assert there == scene
    np.testing.assert_array_equal(there.read(["green"]), scene.read(["green"]))


def test_two_different_scenes_of_one_name_are_not_both_kept(
    products: Products, tmp_path: Path
) -> None:
    for folder, day in (("a", "2017-07-03"), ("b", "2019-07-23")):
        (tmp_path / folder).mkdir()
        shutil.copy(products.stack, tmp_path / folder / "lake.tif")
        (tmp_path / folder / "lake.toml").write_text(
            f"acquired = {day}T10:20:00Z\nsensor = 'S2A'\nscale = 1e-4\noffset = 0.0\n"
            "[bands]\ngreen = 3\nnir = 8\n",
            encoding="utf-8",
        )
    events: list[Event] = []
    assert len(discover(tmp_path, events.append)) == 1
    assert "rename" in events[0].reason


def test_a_path_that_is_not_there_or_no_product_is_refused(
    products: Products, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("lake", encoding="utf-8")
    with pytest.raises(MissingFileError, match="does not exist"):
        open_scene(tmp_path / "nothing.SAFE")
    with pytest.raises(UnknownProductError, match="no product"):
        open_scene(tmp_path / "notes.txt")
    with pytest.raises(UnknownProductError, match="holds no product"):
        open_scene(tmp_path)
    with pytest.raises(UnknownProductError, match="holds some"):
        open_scene(products.level1)
    two = tmp_path / "two"
    two.mkdir()
    for product in (products.older, products.older_tm):
        shutil.copy(next(product.glob("*_MTL.txt")), two)
    with pytest.raises(UnknownProductError, match="2 products"):
        open_scene(two)
    events: list[Event] = []
    assert discover([tmp_path / "*.SAFE"], events.append) == []
    assert "matches no product" in events[0].reason


def test_a_band_that_the_scene_lacks_is_named(products: Products) -> None:
    scene = open_scene(products.older)
    with pytest.raises(InputError, match="'thermal'"):
        scene.read(["thermal"])


def test_html_of_a_scene_is_escaped(products: Products) -> None:
    import dataclasses

    scene = open_scene(products.older)
    page = dataclasses.replace(scene, id="<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in page
    assert "2006-08-17 05:29 UTC" in page


def test_xarray_has_pixel_centres_and_crs(products: Products) -> None:
    pytest.importorskip("xarray")
    scene = open_scene(products.older)
    array = scene.to_xarray(["green", "nir"])
    assert array.dims == ("band", "y", "x")
    assert array.attrs["units"] == "1"
    assert float(array.x[0]) == scene.grid.transform.c + 15
    assert float(array.y[-1]) == scene.grid.bounds[1] + 15
    assert "UTM zone 43N" in array.attrs["crs"]
    np.testing.assert_array_equal(array.values, scene.read(["green", "nir"]))


def test_a_family_is_found_and_opened_by_its_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []

    def open_it(source: Source, name: str) -> Scene:
        opened.append(name)
        raise MetadataError(source.path, "does not tell its date")

    row = Family(r"OTHER_\w+\.met", open_it)
    monkeypatch.setattr(products_of_paths, "FAMILIES", (*FAMILIES, row))
    (tmp_path / "product").mkdir()
    (tmp_path / "product" / "other_7.MET").write_text("x")
    assert products_of_paths.find_products(tmp_path) == [tmp_path / "product"]
    with pytest.raises(MetadataError, match="does not tell its date"):
        open_scene(tmp_path / "product")
    assert opened == ["other_7.MET"]


def test_each_sensor_has_one_row_of_all_that_is_known_of_it() -> None:
    assert len({one.name for one in SENSORS}) == len(SENSORS)
    assert SAID["LANDSAT_5", "TM"].bands["swir2"] == 7
    assert SAID[("Sentinel-2A",)].name == "S2A"
    assert SERVICE["LT05"] == ("1984-03-01", "2013-06-30")
    for prefix in {one.name[:2] for one in SENSORS}:
        alike = [one for one in SENSORS if one.name.startswith(prefix)]
        assert len({(one.pixel_m, one.blur_px) for one in alike}) == 1


def test_a_family_may_bring_the_decoder_of_its_quality_layer() -> None:
    def decode(bits: np.ndarray) -> np.ndarray:
        return (bits * 4).astype(np.uint8)

    assert decoder_of(decode) is decode
    assert decoder_of("scl") is DECODERS["scl"]
