"""Scenes whose bands are single files: names, sidecars and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import makers
import numpy as np
import pytest
from products import Products, copied

from glacial_lakes.errors import (
    GlacialLakesError,
    MetadataError,
    MissingFileError,
    UnknownProductError,
    UnsafeInputError,
)
from glacial_lakes.events import Event, InputOdd, SceneRefused
from glacial_lakes.scenes import Scene, discover, find_products, open_scene
from glacial_lakes.scenes.bands import groups, is_band
from glacial_lakes.simulate.scene import SimulatedScene

PRODUCT = "S2B_MSIL2A_20220816T055649_N0400_R091_T43TDH_20220816T084500"
SIDECAR = """sensor = "S2B"
acquired = 2022-08-16T05:56:49Z
scale = 0.0001
offset = -0.1
nodata = 0
"""


def agrees(scene: Scene, truth: SimulatedScene) -> None:
    """Compare reflectance, grid and cloud with what was written."""
    assert scene.grid == truth.grid
    for band in ("green", "nir"):
        np.testing.assert_allclose(scene.read([band])[0], truth.bands[band], atol=6e-5)
    assert scene.provenance["contradictions"] == ()


def test_bands_are_told_from_other_images_and_of_two_sizes_the_finer_is_taken() -> None:
    assert not any(map(is_band, ("dem.tif", "B03.txt", "NB03.tif", "mask_b.tif", "B8.png")))
    names = ["R10m/B03.jp2", "R20m/B03.jp2", "R20m/B8A.jp2", "R20m/SCL.jp2", "preview.jp2"]
    assert groups(names) == {
        "": {"b03": "R10m/B03.jp2", "b8a": "R20m/B8A.jp2", "scl": "R20m/SCL.jp2"}
    }
    landsat = [
        f"LC08_L2SP_151030_20130903_20200904_02_T1_{end}.TIF" for end in ("SR_B3", "QA_PIXEL")
    ]
    assert [list(files) for files in groups(landsat).values()] == [["qa_pixel", "sr_b3"]]


@pytest.mark.parametrize("place", ["folder", "sidecar", "json"])
def test_jpeg_2000_of_a_named_product_need_no_scale(
    products: Products, tmp_path: Path, place: str
) -> None:
    truth = products.scenes["2022"]
    folder = tmp_path / (PRODUCT if place == "folder" else "0")
    makers.write_single_bands(truth, folder, ending="jp2", offset=-0.1)
    if place == "sidecar":
        (folder / "scene.toml").write_text(SIDECAR)
    if place == "json":
        info = {"productName": PRODUCT, "timestamp": "2022-08-16T05:56:49.024Z"}
        (folder / "tileInfo.json").write_text(json.dumps({**info, "cloudyPixelPercentage": 4.5}))
    assert find_products(tmp_path) == [folder]
    scene = open_scene(folder)
    agrees(scene, truth)
    assert (scene.sensor, scene.decoder) == ("S2B", "scl")
    assert scene.acquired.isoformat() == "2022-08-16T05:56:49+00:00"
    assert scene.cloud_percent == (4.5 if place == "json" else None)


def test_the_folders_of_amazon_are_one_scene(products: Products, tmp_path: Path) -> None:
    truth = products.scenes["2022"]
    folder = tmp_path / "tiles/43/T/DH/2022/8/16/0"
    makers.write_single_bands(truth, folder, pattern="R{pixel}m/B{number:02d}", layer="R20m/SCL",
                              ending="jp2", offset=-0.1)  # fmt: skip
    (folder / "tileInfo.json").write_text(json.dumps({"productName": PRODUCT}))
    assert find_products(tmp_path) == [folder]
    scene = open_scene(folder)
    agrees(scene, truth)
    assert scene.bands["swir1"].resolution == 20.0


def test_a_link_to_a_folder_above_is_not_searched(products: Products, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "back").symlink_to(tmp_path)
    (tmp_path / "c" / "here").symlink_to(products.find("LC08*"))
    assert find_products(tmp_path) == [tmp_path / "c" / "here"]


def test_two_dates_of_amazon_are_two_scenes_though_their_folders_have_one_name(
    products: Products, tmp_path: Path
) -> None:
    names = (PRODUCT, PRODUCT.replace("20220816", "20220806"))
    for day, name in zip(("16", "6"), names, strict=True):
        folder = tmp_path / "8" / day / "0"
        makers.write_single_bands(products.scenes["2022"], folder, ending="jp2", offset=-0.1)
        (folder / "tileInfo.json").write_text(json.dumps({"productName": name}))
    assert sorted(scene.id for scene in discover(tmp_path)) == sorted(names)


def test_an_extract_of_a_granule_asks_for_what_its_names_do_not_tell(
    products: Products, tmp_path: Path
) -> None:
    truth = products.scenes["2022"]
    start = "T43TDH_20220816T055649_"
    makers.write_single_bands(truth, tmp_path, start=start, pattern="B{number:02d}_{pixel}m",
                              layer="SCL_20m", ending="jp2", offset=-0.1)  # fmt: skip
    with pytest.raises(MetadataError, match=r"do not tell sensor; write T43TDH_\S+\.toml"):
        open_scene(tmp_path)
    sidecar = tmp_path / "T43TDH_20220816T055649.toml"
    sidecar.write_text('sensor = "S2B"\n')
    with pytest.raises(MetadataError, match=r"T43TDH_\S+\.toml: lacks scale, offset"):
        open_scene(tmp_path)
    sidecar.write_text('sensor = "S2B"\nscale = 0.0001\noffset = -0.1\nnodata = 0\n')
    scene = open_scene(tmp_path)
    agrees(scene, truth)
    assert scene.acquired.isoformat() == "2022-08-16T05:56:49+00:00"


@pytest.mark.parametrize(("baseline", "told"), [("N0400", False), ("N0208", True)])
def test_a_geotiff_of_sentinel_2_may_have_its_offset_taken_off(
    products: Products, tmp_path: Path, baseline: str, told: bool
) -> None:
    folder = tmp_path / PRODUCT.replace("N0400", baseline)
    makers.write_single_bands(products.scenes["2022"], folder)
    if told:
        agrees(open_scene(folder), products.scenes["2022"])
    else:
        with pytest.raises(MetadataError, match=r"do not tell offset; write scene\.toml"):
            open_scene(folder)


def test_landsat_level_2_without_its_mtl_is_read_at_its_usual_hour(
    products: Products, tmp_path: Path
) -> None:
    truth = products.scenes["2013"]
    name = "LC08_L2SP_151030_20130903_20200904_02_T1"
    folder = makers.write_single_bands(
        truth, tmp_path / name, start=f"{name}_", pattern="SR_B{number}", layer="QA_PIXEL",
        ending="TIF", scale=2.75e-5, offset=-0.2,
    )  # fmt: skip
    assert find_products(tmp_path) == [folder]
    scene = open_scene(folder)
    agrees(scene, truth)
    assert (scene.id, scene.level, scene.decoder) == (name, "L2SP", "qa_pixel")
    assert scene.provenance["time"] == "overpass"
    told: list[Event] = []
    assert [found.id for found in discover(tmp_path, told.append)] == [name]
    reasons = [event.reason for event in told if isinstance(event, InputOdd)]
    assert reasons == ["only the day is told; time and sun are those at which LC08 usually passes"]


def test_landsat_level_1_needs_its_mtl(products: Products, tmp_path: Path) -> None:
    name = "LC08_L1TP_151030_20130903_20200904_02_T1"
    makers.write_single_bands(
        products.scenes["2013"], tmp_path / name, start=f"{name}_", pattern="B{number}", layer=""
    )
    with pytest.raises(MissingFileError, match="lacks its metadata, "):
        open_scene(tmp_path / name)


def test_two_scenes_of_one_folder_are_told_apart_by_what_their_names_begin_with(
    products: Products, tmp_path: Path
) -> None:
    for day in ("20220816", "20220818"):
        start = f"T43TDH_{day}T055649"
        makers.write_single_bands(products.scenes["2022"], tmp_path, start=f"{start}_", layer="")
        text = SIDECAR.replace("offset = -0.1", "offset = 0").replace(
            "2022-08-16", "2022-08-" + day[-2:]
        )
        (tmp_path / f"{start}.toml").write_text(text)
    with pytest.raises(UnknownProductError, match="holds 2 products; open one of their bands"):
        open_scene(tmp_path)
    assert [scene.acquired.day for scene in discover(tmp_path)] == [16, 18]


@pytest.mark.parametrize(
    ("sidecar", "error", "told"),
    [
        (SIDECAR + '[bands]\nnir = "../B08.tif"\n', UnsafeInputError, "not a file beside it"),
        (SIDECAR + '[bands]\nthermal = "B10.tif"\n', MetadataError, "thermal"),
        (SIDECAR + '[bands]\nnir = "B99.tif"\n', MissingFileError, r"lacks B99\.tif"),
        (SIDECAR.replace("S2B", "drone"), MissingFileError, "no file of the band green, nir"),
        (SIDECAR.replace("scale", "skale"), MetadataError, "did you mean scale"),
        (SIDECAR.replace("T05:56:49Z", "T05:56:49"), MetadataError, "zone"),
        (SIDECAR.replace("nodata = 0\n", ""), MetadataError, "nodata"),
    ],
)
def test_a_sidecar_of_single_bands_that_is_wrong_is_refused(
    products: Products, tmp_path: Path, sidecar: str, error: type[GlacialLakesError], told: str
) -> None:
    makers.write_single_bands(products.scenes["2022"], tmp_path, layer="")
    (tmp_path / "scene.toml").write_text(sidecar)
    with pytest.raises(error, match=told):
        open_scene(tmp_path)


def test_names_that_disagree_are_refused(products: Products, tmp_path: Path) -> None:
    makers.write_single_bands(
        products.scenes["2022"], tmp_path / PRODUCT, start="T43TDH_20220817T055649_"
    )
    with pytest.raises(MetadataError, match="2022-08-16, 2022-08-17"):
        open_scene(tmp_path / PRODUCT)


def test_a_vrt_among_single_bands_is_refused(products: Products, tmp_path: Path) -> None:
    makers.write_single_bands(products.scenes["2022"], tmp_path, layer="")
    (tmp_path / "scene.toml").write_text(SIDECAR)
    (tmp_path / "B08.tif").write_text("<VRTDataset/>")
    with pytest.raises(UnsafeInputError, match=r"B08\.tif.*not a TIFF"):
        open_scene(tmp_path)


def test_a_band_beside_the_metadata_of_its_product_stands_for_the_product(
    products: Products,
) -> None:
    product = products.find("LC08*")
    band = next(product.glob("*_SR_B3.TIF"))
    assert find_products(band) == [product]
    assert open_scene(band) == open_scene(product)


def test_bands_of_a_scene_without_metadata_lie_among_whole_products(
    products: Products, tmp_path: Path
) -> None:
    for product in map(products.find, ("LC08*", "LE07*")):
        for file in product.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    start = "LC08_L2SP_151030_20150903_20200904_02_T1_"
    makers.write_single_bands(
        products.scenes["2013"], tmp_path, start=start, pattern="SR_B{number}",
        layer="QA_PIXEL", ending="TIF", scale=2.75e-5, offset=-0.2,
    )  # fmt: skip
    told: list[Event] = []
    scenes = discover(tmp_path, told.append)
    days = [(scene.acquired.year, scene.provenance["product"]) for scene in scenes]
    assert days == [(2006, "landsat"), (2013, "landsat"), (2015, "bands")]
    assert [type(event) for event in told] == [InputOdd]  # the usual hour of that one


@pytest.mark.parametrize("whole", ["LC08*", "S2A*2018*"])
def test_bands_of_a_scene_without_metadata_lie_beside_one_whole_product(
    products: Products, tmp_path: Path, whole: str
) -> None:
    product = copied(products.find(whole), tmp_path)
    start = "LC08_L2SP_151030_20150903_20200904_02_T1_"
    makers.write_single_bands(
        products.scenes["2013"], product, start=start, pattern="SR_B{number}",
        layer="QA_PIXEL", ending="TIF", scale=2.75e-5, offset=-0.2,
    )  # fmt: skip
    told: list[Event] = []
    scenes = discover(tmp_path, told.append)
    kinds = ["sentinel2" if whole.startswith("S2") else "landsat", "bands"]
    assert sorted(scene.provenance["product"] for scene in scenes) == sorted(kinds)
    assert [type(event) for event in told] == [InputOdd]
    assert [open_scene(scene.path).id for scene in scenes] == [scene.id for scene in scenes]
    assert open_scene(product).provenance["product"] == kinds[0]


def test_bands_beside_a_whole_product_that_tell_too_little_are_named(
    products: Products, tmp_path: Path
) -> None:
    product = copied(products.find("LC08*"), tmp_path)
    makers.write_single_bands(products.scenes["2022"], product)
    told: list[Event] = []
    assert [scene.sensor for scene in discover(tmp_path, told.append)] == ["LC08"]
    [refused] = told
    assert isinstance(refused, SceneRefused)
    assert refused.path == str(product / "B02.tif")
    assert "sensor" in refused.reason


def test_a_product_unpacked_among_downloads_hides_none_of_them(
    products: Products, tmp_path: Path
) -> None:
    for name in ("LC08*", "S2A*2018*"):
        downloads = tmp_path / name[:3]
        for item in products.find(name).iterdir():
            downloads.mkdir(exist_ok=True)
            (downloads / item.name).symlink_to(item)
        for other in ("S2B*", "LE07*"):
            copied(products.find(other), downloads)
        copied(products.find("LT05*"), downloads / "older" / "one")
        copied(products.stack.parent, downloads / "stacks")
        told: list[Event] = []
        found = {scene.sensor for scene in discover(downloads, told.append)}
        assert found == {name[:4] if name[0] == "L" else "S2A", "S2B", "LE07", "LT05"}


def test_a_band_alone_is_named_though_its_name_tells_no_product(
    products: Products, tmp_path: Path
) -> None:
    product = copied(products.find("LC08*"), tmp_path)
    green = next(product.glob("*_SR_B3.TIF")).read_bytes()
    for name in ("B03.tif", "below/nir.tif", "below/dem.tif", "mask.tif", "masks/SCL.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(green)
    told: list[Event] = []
    assert [scene.path for scene in discover(tmp_path, told.append)] == [str(product)]
    named = {event.path for event in told if isinstance(event, SceneRefused)}
    assert named == {str(tmp_path / "B03.tif"), str(tmp_path / "below" / "nir.tif")}


@pytest.mark.parametrize("ending", ["TIF", "jp2"])
def test_a_band_alone_is_named_wherever_it_lies(
    products: Products, tmp_path: Path, ending: str
) -> None:
    product = copied(products.find("LC08*"), tmp_path)
    start = "LC08_L2SP_151030_20150903_20200904_02_T1_"
    thermal = product / f"{product.name}_ST_B10.TIF"
    thermal.write_bytes(next(product.glob("*_SR_B3.TIF")).read_bytes())
    for folder in (product, tmp_path / "downloads"):
        folder.mkdir(exist_ok=True)
        (folder / f"{start}SR_B3.{ending}").write_bytes(thermal.read_bytes())
    told: list[Event] = []
    assert [scene.path for scene in discover(tmp_path, told.append)] == [str(product)]
    named = {event.path for event in told if isinstance(event, SceneRefused)}
    assert named == {
        str(folder / f"{start}SR_B3.{ending}") for folder in (product, tmp_path / "downloads")
    }
    assert find_products(thermal) == [product]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_band_that_is_a_link_to_itself_is_looked_at_as_any_other(
    tmp_path: Path, sample_data: Path
) -> None:
    product = copied(next((sample_data / "scenes").glob("LT05*")), tmp_path)
    band = next(product.glob("*_SR_B2.TIF"))
    band.unlink()
    band.symlink_to(band.name)
    assert [*find_products([tmp_path])] == [product]
