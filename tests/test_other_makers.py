"""Products of other makers than ESA and USGS: what was written into them is read again."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import makers
import numpy as np
import pytest
import rasterio
from products import Products, copied, pack
from rasterio.crs import CRS
from rasterio.windows import Window

from glacial_lakes.errors import (
    DamagedFileError,
    GridError,
    MetadataError,
    MissingFileError,
    UnknownProductError,
    UnsafeInputError,
)
from glacial_lakes.events import Event
from glacial_lakes.grid import Grid, named_crs, placed, scaled
from glacial_lakes.mapping.pipeline import map_lakes
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


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("", "", 32643),
        ('northing",0', 'northing",10000000', 32743),
        ('meridian",75', 'meridian",177', 32660),
        ('meridian",75', 'meridian",76', None),
        ("6378137,298.257223563", "6378245,298.3", None),
        ('"metre",1', '"US survey foot",0.304800609601219', None),
    ],
)
def test_a_zone_on_the_ellipsoid_of_wgs_84_is_that_of_wgs_84(
    old: str, new: str, code: int | None
) -> None:
    told = CRS.from_wkt(makers.HLS_CRS.replace(old, new))
    assert told.to_epsg() is None
    assert named_crs(told) == (told if code is None else CRS.from_epsg(code))


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


@pytest.mark.parametrize("between", ["; ", ", ", " + "])
def test_hls_of_two_images_has_the_time_and_sun_of_the_first(
    products: Products, tmp_path: Path, between: str
) -> None:
    """Two granules or scenes of a day fall on one tile; the second may be of the next day."""
    truth = products.scenes["2018"]
    folder = makers.write_hls(truth, tmp_path)
    with rasterio.open(next(folder.glob("*.B03.tif")), "r+") as dataset:
        tags = dataset.tags()
        names = ("SENSING_TIME", "MEAN_SUN_ZENITH_ANGLE", "MEAN_SUN_AZIMUTH_ANGLE")
        dataset.update_tags(**{name: f"{tags[name]}{between}{tags[name]}" for name in names})
    scene = open_scene(folder)
    assert abs((scene.acquired - truth.acquisition.time).total_seconds()) < 1
    assert scene.sun_elevation_deg == pytest.approx(truth.sun_elevation_deg, abs=1e-6)
    assert scene.provenance["contradictions"] == ()


def test_hls_sensed_after_midnight_may_be_named_after_the_day_before(
    products: Products, tmp_path: Path
) -> None:
    """Names of S30 tell when the sensor began: over Kamchatka and the Pacific before midnight."""
    truth = products.scenes["2018"]
    folder = makers.write_hls(truth, tmp_path)
    started = f"{truth.acquisition.time - timedelta(days=1):%Y%jT2356}19"
    sensed = f"{truth.acquisition.time:%Y-%m-%d}T00:11:04.024Z"
    for path in list(folder.iterdir()):
        if path.name.endswith(".B03.tif"):
            with rasterio.open(path, "r+") as dataset:
                dataset.update_tags(SENSING_TIME=sensed)
        named = re.sub(r"(\.T43TDH\.)\w+", rf"\g<1>{started}", path.name)
        path.rename(folder / named)
    told = open_scene(folder).provenance["contradictions"]
    assert not [one for one in told if "its name tells" in str(one)]


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
    told: list[Event] = []
    assert [scene.sensor for scene in discover(tmp_path, told.append)] == ["HLSL30", "HLSS30"]
    assert told == []


@pytest.mark.parametrize("metadata", ["json", "xml"])
@pytest.mark.parametrize(
    ("count", "ending"),
    [(4, ""), (8, "_harmonized_clip"), (4, "_reproject_clip"), (8, "_clip_file_format")],
)
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
        ('"PS2"', '["PS2"]', UnknownProductError, "the instrument ."),
        ('"acquired": "', '"acquired": 5, "then": "', MetadataError, "the sensing time is '5'"),
        ('"cloud_percent": 3', '"cloud_percent": {}', MetadataError, "cloud_percent is"),
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
    saturated = np.zeros(scene.grid.shape, bool)
    saturated[3:5, 6:9] = True
    np.testing.assert_array_equal((scene.read_quality() & Quality.SATURATED) != 0, saturated)


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


def with_mask(products: Products, folder: Path, year: str, write: Callable[..., object]) -> Path:
    """Return a copy of a Level-1C product with a mask in its granule."""
    whole = products.l1c_2022 if year == "2022" else products.l1c_2018
    copy = copied(whole, folder)
    [granule] = (copy / "GRANULE").iterdir()
    write(granule / "QI_DATA", products.truth[whole].grid)
    return copy


def write_classes(folder: Path, grid: Grid) -> None:
    layers = np.zeros((3, grid.shape[0] // 6, grid.shape[1] // 6), np.uint8)
    layers[0, 2:5, 3:9], layers[1, 10:12, :], layers[2, 20:, 20:] = 1, 1, 1
    coarse = Grid(grid.crs, scaled(grid.transform, 6), layers.shape[1:])
    makers.write(folder / "MSK_CLASSI_B00.jp2", layers, coarse)


def write_polygons(folder: Path, grid: Grid, zone: int = 32643) -> None:
    """Write the clouds of :func:`write_classes` as polygons; a hole in the first one."""

    def ring(row: int, col: int, end_row: int, end_col: int) -> str:
        corners = ((col, row), (end_col, row), (end_col, end_row), (col, end_row), (col, row))
        places = (placed(grid.transform, 6.0 * x, 6.0 * y) for x, y in corners)
        text = " ".join(f"{x:.0f} {y:.0f}" for x, y in places)
        return f"<gml:LinearRing><gml:posList>{text}</gml:posList></gml:LinearRing>"

    def feature(kind: str, outer: str, inner: str = "") -> str:
        hole = f"<gml:interior>{inner}</gml:interior>" if inner else ""
        return (
            f"<eop:MaskFeature><eop:maskType>{kind}</eop:maskType><eop:extentOf><gml:Polygon>"
            f"<gml:exterior>{outer}</gml:exterior>{hole}</gml:Polygon></eop:extentOf>"
            "</eop:MaskFeature>"
        )

    folder.mkdir(parents=True, exist_ok=True)
    features = feature("OPAQUE", ring(2, 3, 5, 9), ring(3, 4, 4, 5))
    features += feature("CIRRUS", ring(10, 0, 12, 30))
    (folder / "MSK_CLOUDS_B00.gml").write_text(
        '<eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" '
        'xmlns:gml="http://www.opengis.net/gml/3.2"><gml:boundedBy>'
        f'<gml:Envelope srsName="urn:ogc:def:crs:EPSG:8.7:{zone}"/></gml:boundedBy>'
        f"<eop:maskMembers>{features}</eop:maskMembers></eop:Mask>"
    )


def test_the_classes_of_level_1c_tell_cloud_cirrus_and_snow(
    products: Products, tmp_path: Path
) -> None:
    scene = open_scene(with_mask(products, tmp_path, "2022", write_classes))
    flags = scene.read_flags(scene.grid.window)
    expected = np.zeros((30, 30), np.uint8)
    expected[2:5, 3:9] |= np.uint8(Quality.CLOUD)
    expected[10:12] |= np.uint8(Quality.CIRRUS)
    expected[20:, 20:] |= np.uint8(Quality.SNOW)
    np.testing.assert_array_equal(flags, np.kron(expected, np.ones((6, 6), np.uint8)))
    assert assess(scene).verdict != "implausible"


def test_the_polygons_of_older_level_1c_tell_cloud_and_cirrus_in_every_window(
    products: Products, tmp_path: Path
) -> None:
    scene = open_scene(with_mask(products, tmp_path, "2018", write_polygons))
    flags = scene.read_flags(scene.grid.window)
    expected = np.zeros((30, 30), np.uint8)
    expected[2:5, 3:9] |= np.uint8(Quality.CLOUD)
    expected[3, 4] = 0
    expected[10:12] |= np.uint8(Quality.CIRRUS)
    np.testing.assert_array_equal(flags, np.kron(expected, np.ones((6, 6), np.uint8)))
    window = Window(17, 9, 41, 60)
    np.testing.assert_array_equal(scene.read_flags(window), flags[9:69, 17:58])
    outside = scene.read_flags(Window(-10, 5, 20, 10))
    assert (outside[:, :10] == Quality.NODATA).all()
    assert pickle.loads(pickle.dumps(scene)) == scene
    assert assess(scene).verdict != "implausible"


@pytest.mark.parametrize("write", [write_classes, write_polygons])
def test_the_masks_of_level_1c_on_amazon_are_those_of_its_safe(
    products: Products, tmp_path: Path, write: Callable[[Path, Grid], None]
) -> None:
    year = "2022" if write is write_classes else "2018"
    whole = with_mask(products, tmp_path / "safe", year, write)
    folder = tmp_path / "tiles/43/T/DH/2022/8/16/0"
    makers.write_single_bands(
        products.scenes[year], folder, layer="", ending="jp2", offset=-0.1 if year > "2021" else 0
    )
    (folder / "tileInfo.json").write_text(json.dumps({"productName": whole.stem}))
    write(folder / "qi", open_scene(whole).grid)
    [scene] = discover(tmp_path / "tiles")
    assert (scene.level, scene.provenance["product"]) == ("L1C", "bands")
    told = Quality.CLOUD | Quality.CIRRUS | Quality.SNOW
    there, here = (one.read_quality() & told for one in (scene, open_scene(whole)))
    np.testing.assert_array_equal(there, here)
    assert (scene.read_quality() & Quality.CLOUD).any()


def test_masks_of_another_zone_or_without_their_bands_are_refused(
    products: Products, tmp_path: Path
) -> None:
    def elsewhere(folder: Path, grid: Grid) -> None:
        write_polygons(folder, grid, 32644)

    def one_band(folder: Path, grid: Grid) -> None:
        layer = np.zeros((grid.shape[0] // 6, grid.shape[1] // 6), np.uint8)
        coarse = Grid(grid.crs, scaled(grid.transform, 6), layer.shape)
        makers.write(folder / "MSK_CLASSI_B00.jp2", layer, coarse)

    with pytest.raises(GridError, match="lies in EPSG:32644, the images in EPSG:32643"):
        open_scene(with_mask(products, tmp_path / "1", "2018", elsewhere))
    with pytest.raises(MetadataError, match="has 1 bands, and band 3 is needed"):
        open_scene(with_mask(products, tmp_path / "2", "2022", one_band))


@pytest.mark.parametrize("make", [makers.write_hls, makers.write_planet, makers.write_maja])
def test_scenes_of_other_makers_are_mapped(
    products: Products, tmp_path: Path, make: Callable[..., Path]
) -> None:
    scene = open_scene(make(products.scenes["2018"], tmp_path))
    mapped = map_lakes(scene, min_area_m2=2000)
    assert len(mapped.outlines) > 0


@pytest.mark.parametrize("make", [makers.write_hls, makers.write_planet])
def test_products_of_other_makers_are_read_from_an_archive(
    products: Products, tmp_path: Path, make: Callable[..., Path]
) -> None:
    folder = make(products.scenes["2018"], tmp_path / "unpacked")
    packed = pack(folder, tmp_path / "packed", "zip")
    [scene] = discover(tmp_path / "packed")
    assert (scene.path, verify(scene)) == (str(packed), "unverified")
    np.testing.assert_array_equal(scene.read(["nir"]), open_scene(folder).read(["nir"]))
    np.testing.assert_array_equal(scene.read_quality(), open_scene(folder).read_quality())
