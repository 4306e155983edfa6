"""Products of other makers than ESA and USGS: what was written into them is read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import makers
import numpy as np
import pytest
import rasterio
from products import Products, pack

from glacial_lakes.errors import (
    DamagedFileError,
    GridError,
    MetadataError,
    MissingFileError,
    UnknownProductError,
    UnsafeInputError,
)
from glacial_lakes.scenes import Quality, Scene, discover, find_products, open_scene, verify
from glacial_lakes.scenes.plausibility import assess
from glacial_lakes.simulate.quality import Label

KINDS = Quality.CLOUD | Quality.CLOUD_SHADOW | Quality.SNOW


def flags_of(labels: np.ndarray) -> np.ndarray:
    """Return the flags that each product can tell."""
    told = np.zeros(len(Label), np.uint8)
    told[[Label.CLOUD, Label.CLOUD_MEDIUM]] = Quality.CLOUD
    told[Label.SHADOW], told[Label.SNOW] = Quality.CLOUD_SHADOW, Quality.SNOW
    return told[labels]


def check(
    scene: Scene, bands: dict[str, np.ndarray], labels: np.ndarray, shape: tuple[int, int]
) -> None:
    """Compare a scene with what it shows."""
    assert scene.grid.shape == shape
    flags = scene.read_quality()
    seen = np.isfinite(bands["green"]) & np.isfinite(bands["nir"])
    np.testing.assert_array_equal((flags & Quality.NODATA) == 0, seen)
    np.testing.assert_array_equal((flags & KINDS)[seen], flags_of(labels)[seen])
    for name in set(bands) & set(scene.bands):
        if bands[name].shape == shape:
            np.testing.assert_allclose(scene.read([name])[0], bands[name], atol=6e-5)
    assert assess(scene).verdict in ("plausible", "unjudged", "odd")


@pytest.mark.parametrize(("year", "sensor"), [("2013", "HLSL30"), ("2018", "HLSS30")])
def test_hls_is_read_with_its_tags(
    products: Products, tmp_path: Path, year: str, sensor: str
) -> None:
    truth = products.scenes[year]
    folder = makers.write_hls(truth, tmp_path)
    assert find_products(tmp_path) == [folder]
    scene = open_scene(folder)
    bands, labels, grid = makers.at_30_m(truth)
    assert (scene.sensor, scene.id, scene.cloud_percent) == (sensor, folder.name, 7.0)
    assert scene.grid == grid
    assert abs((scene.acquired - truth.acquisition.time).total_seconds()) < 1
    assert scene.sun_elevation_deg == pytest.approx(truth.sun_elevation_deg, abs=1e-6)
    assert scene.provenance["contradictions"] == ()
    assert verify(scene) == "unverified"
    check(scene, bands, labels, grid.shape)


def test_hls_without_tags_has_the_factors_of_its_version(
    products: Products, tmp_path: Path
) -> None:
    truth = products.scenes["2013"]
    folder = makers.write_hls(truth, tmp_path, has_tags=False)
    scene = open_scene(next(folder.glob("*.B03.tif")))
    bands, labels, grid = makers.at_30_m(truth)
    assert scene.acquired == truth.acquisition.time.replace(microsecond=0)
    assert scene.provenance["sun"] == "computed"
    check(scene, bands, labels, grid.shape)


def spoil_name(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("v2.0", "v1.5"))


def spoil_tile(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("T43", "T44"))


def spoil_driver(folder: Path) -> None:
    next(folder.glob("*.B05.tif")).write_text("<VRTDataset/>")


@pytest.mark.parametrize(
    ("spoil", "error", "told"),
    [
        (spoil_name, UnknownProductError, r"the collection 1\.5 in its name"),
        (spoil_tile, GridError, "the tile is 44TDH"),
        (spoil_driver, UnsafeInputError, r"B05\.tif.*not a TIFF"),
        (lambda f: next(f.glob("*Fmask*")).unlink(), MissingFileError, r"lacks .*Fmask\.tif"),
        (lambda f: next(f.glob("*B06*")).unlink(), MissingFileError, r"lacks .*B06\.tif"),
    ],
    ids=["version", "tile", "driver", "mask", "band"],
)
def test_a_spoiled_hls_is_refused_in_one_line(
    products: Products,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    error: type[Exception],
    told: str,
) -> None:
    folder = makers.write_hls(products.scenes["2013"], tmp_path)
    spoil(folder)
    with pytest.raises(error, match=told):
        open_scene(folder)


def test_hls_of_another_day_than_its_name_is_implausible(
    products: Products, tmp_path: Path
) -> None:
    folder = makers.write_hls(products.scenes["2013"], tmp_path)
    with rasterio.open(next(folder.glob("*.B03.tif")), "r+") as dataset:
        dataset.update_tags(SENSING_TIME="2013-09-05T05:33:51Z", scale_factor="0.0002")
    found = assess(open_scene(folder))
    assert found.verdict == "implausible"
    assert "its name tells 2013-09-03" in found.reason


def test_two_hls_products_of_one_folder_are_two_scenes(products: Products, tmp_path: Path) -> None:
    for year in ("2013", "2018"):
        for path in makers.write_hls(products.scenes[year], tmp_path / year).iterdir():
            path.rename(tmp_path / path.name)
    assert [scene.sensor for scene in discover(tmp_path)] == ["HLSL30", "HLSS30"]


@pytest.mark.parametrize("metadata", ["json", "xml"])
@pytest.mark.parametrize(("count", "ending"), [(4, ""), (8, "_harmonized_clip")])
def test_planetscope_is_read_with_its_metadata(
    products: Products, tmp_path: Path, count: int, ending: str, metadata: str
) -> None:
    truth = products.scenes["2018"]
    folder = makers.write_planet(truth, tmp_path, count=count, metadata=metadata, ending=ending)
    [image] = find_products(tmp_path)
    scene = open_scene(image)
    assert image == folder
    assert (scene.sensor, scene.level) == ("PSB.SD" if count == 8 else "PS2", "SR")
    assert (list(scene.bands), scene.cloud_percent) == (["blue", "green", "red", "nir"], 3.0)
    assert abs((scene.acquired - truth.acquisition.time).total_seconds()) < 1
    assert scene.sun_azimuth_deg == pytest.approx(truth.sun_azimuth_deg, abs=1e-6)
    assert scene.provenance["contradictions"] == ()
    labels = np.kron(truth.labels, np.ones((2, 2), np.uint8))
    check(scene, truth.bands, labels, truth.grid.shape)


def test_the_older_mask_of_planetscope_tells_cloud_and_fill(
    products: Products, tmp_path: Path
) -> None:
    truth = products.scenes["2022"]
    scene = open_scene(makers.write_planet(truth, tmp_path, mask="udm"))
    labels = np.kron(truth.labels, np.ones((2, 2), np.uint8))
    flags = scene.read_quality()
    cloud = np.isin(labels, (Label.CLOUD, Label.CLOUD_MEDIUM))
    np.testing.assert_array_equal((flags & Quality.CLOUD) != 0, cloud)
    assert not (flags & Quality.SNOW).any()


def test_planetscope_without_metadata_is_known_by_its_name_or_refused(
    products: Products, tmp_path: Path
) -> None:
    truth = products.scenes["2018"]
    scene = open_scene(makers.write_planet(truth, tmp_path / "8", count=8, metadata="", mask=""))
    assert (scene.sensor, scene.provenance["sun"], scene.decoder) == ("PSB.SD", "computed", "none")
    assert scene.acquired == truth.acquisition.time.replace(microsecond=0)
    with pytest.raises(MissingFileError, match=r"lacks its metadata, .*_metadata\.json"):
        open_scene(makers.write_planet(truth, tmp_path / "4", metadata=""))


@pytest.mark.parametrize(
    ("old", "new", "error", "told"),
    [
        ("PS2", "RE5", UnknownProductError, "the instrument RE5"),
        ('"properties"', '"other"', MetadataError, "has no properties"),
        ("{", "", DamagedFileError, "not valid JSON"),
        ('"sun_azimuth"', '"sun"', MetadataError, "sun_elevation_deg only"),
    ],
)
def test_spoiled_metadata_of_planetscope_are_refused(
    products: Products, tmp_path: Path, old: str, new: str, error: type[Exception], told: str
) -> None:
    folder = makers.write_planet(products.scenes["2018"], tmp_path)
    metadata = next(folder.glob("*_metadata.json"))
    metadata.write_text(metadata.read_text().replace(old, new))
    with pytest.raises(error, match=told):
        open_scene(folder)


def test_an_image_of_other_bands_than_its_name_says_is_refused(
    products: Products, tmp_path: Path
) -> None:
    folder = makers.write_planet(products.scenes["2018"], tmp_path)
    image = next(folder.glob("*_SR.tif"))
    image.rename(folder / image.name.replace("_SR", "_SR_8b"))
    with pytest.raises(MetadataError, match="has 4 bands, and band 6 is needed"):
        open_scene(folder)


@pytest.mark.parametrize("kinds", [("FRE", "SRE"), ("FRE",)])
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_maja_is_read_without_its_correction_for_slopes(
    products: Products, tmp_path: Path, kinds: tuple[str, ...], packed: bool
) -> None:
    truth = products.scenes["2018"]
    folder = makers.write_maja(truth, tmp_path / "unpacked", kinds=kinds)
    product = pack(folder, tmp_path / "packed", "zip") if packed else folder
    assert find_products(product.parent) == [product]
    scene = open_scene(product)
    assert (scene.sensor, scene.level, scene.cloud_percent) == ("S2A", "L2A", 12.0)
    assert scene.provenance["reflectance"] == kinds[-1]
    assert scene.provenance["contradictions"] == ()
    assert scene.grid == truth.grid
    assert scene.sun_elevation_deg == pytest.approx(truth.sun_elevation_deg, abs=1e-6)
    labels = np.kron(truth.labels, np.ones((2, 2), np.uint8))
    check(scene, truth.bands, labels, truth.grid.shape)
    cirrus = (scene.read_quality() & Quality.CIRRUS) != 0
    np.testing.assert_array_equal(cirrus, labels == Label.CIRRUS)


@pytest.mark.parametrize(
    ("old", "new", "error", "told"),
    [
        ("_L2A_", "_L3A_", UnknownProductError, "the level L3A"),
        ("<PRODUCT_ID>SENTINEL2A", "<PRODUCT_ID>VENUS-XS", UnknownProductError, "VENUS-XS"),
        (">10000<", ">0<", MetadataError, "quantification value is 0"),
        ("<Sun_Angles>", "<Sun_Angles></Sun_Angles><Sun>", DamagedFileError, "not valid XML"),
        ('name="nodata"', 'name="other"', MetadataError, "the special value nodata is missing"),
        ("T43TDH", "T44TDH", GridError, "the tile is 44TDH"),
    ],
)
def test_spoiled_metadata_of_maja_are_refused(
    products: Products, tmp_path: Path, old: str, new: str, error: type[Exception], told: str
) -> None:
    folder = makers.write_maja(products.scenes["2018"], tmp_path, kinds=("SRE",))
    metadata = next(folder.glob("*_MTD_ALL.xml"))
    metadata.write_text(metadata.read_text().replace(old, new))
    with pytest.raises(error, match=told):
        open_scene(folder)


def test_maja_without_a_mask_is_refused(products: Products, tmp_path: Path) -> None:
    folder = makers.write_maja(products.scenes["2018"], tmp_path, kinds=("SRE",))
    next((folder / "MASKS").glob("*_MG2_R1*")).unlink()
    with pytest.raises(MissingFileError, match=r"lacks MASKS/SENTINEL2A_.*_MG2_R1"):
        open_scene(folder)


def test_maja_whose_metadata_tell_another_satellite_is_implausible(
    products: Products, tmp_path: Path
) -> None:
    folder = makers.write_maja(products.scenes["2018"], tmp_path, kinds=("SRE",))
    metadata = next(folder.glob("*_MTD_ALL.xml"))
    text = metadata.read_text().replace("<PLATFORM>SENTINEL2A", "<PLATFORM>SENTINEL2B")
    metadata.write_text(text)
    assert "its name tells SENTINEL2A" in assess(open_scene(folder)).reason
