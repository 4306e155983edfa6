"""An elevation model is an input like others: distrusted, and its voids are unknown ground."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from geopandas.testing import assert_geodataframe_equal
from rasterio.vrt import WarpedVRT

import glacial_lakes as gl
from glacial_lakes.errors import (
    DamagedFileError,
    GlacialLakesError,
    GridError,
    ImplausibleError,
    InputError,
    OverlapError,
    UnsafeInputError,
)
from glacial_lakes.grid import Grid
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import open_scene
from glacial_lakes.scenes.dem import examine, open_dem, read_heights
from glacial_lakes.terrain import read_terrain

LANDSAT = "LC08_L2SP_151030_20130903_20200904_02_T1"


@pytest.fixture(scope="module")
def whole() -> tuple[Any, dict[str, Any]]:
    with rasterio.open(Path(__file__).parents[1] / "sample_data" / "dem.tif") as dataset:
        return dataset.read(1), dict(dataset.profile)


@pytest.fixture(scope="module")
def grid(whole: tuple[Any, dict[str, Any]]) -> Grid:
    _, profile = whole
    return Grid(profile["crs"], profile["transform"], (profile["height"], profile["width"]))


def write(path: Path, heights: Any, profile: dict[str, Any], **tags: Any) -> Path:
    scale, unit = tags.pop("scale", None), tags.pop("unit", None)
    options = profile | {"dtype": heights.dtype.name} | tags
    with rasterio.open(path, "w", **options) as dataset:
        dataset.write(heights, 1)
        if scale:
            dataset.scales = (scale,)
        if unit:
            dataset.units = (unit,)
    return path


@pytest.mark.parametrize(
    ("mark", "tag", "kind"),
    [
        (-32768, -32768, "int16"),
        (-32768, None, "int16"),
        (-9999, None, "float32"),
        (0, None, "int16"),
        (np.nan, -9999, "float32"),
        (np.nan, None, "float32"),
        (np.inf, None, "float32"),
        (32767, None, "int16"),
        (8848, None, "int16"),
        (-3.4e38, None, "float32"),
    ],
)
def test_a_void_is_unknown_ground_however_it_is_marked(
    tmp_path: Path, whole: Any, grid: Grid, mark: float, tag: float | None, kind: str
) -> None:
    heights, profile = whole
    holed = heights.astype(kind)
    holed[100:140, 100:140] = mark
    path = write(tmp_path / "dem.tif", holed, profile, nodata=tag)
    found = read_heights(path, grid)
    hole = np.zeros(found.shape, bool)
    hole[100:140, 100:140] = True
    assert np.isnan(found[hole]).all()
    far = ~hole
    far[98:142, 98:142] = False
    assert np.isfinite(found[far]).all()
    np.testing.assert_allclose(found[far], heights.astype(kind)[far], atol=0.01)
    terrain = read_terrain(path, grid, 145.0, 30.0)
    row, col = (int(v) for v in ~terrain.grid.transform * (grid.bounds[0], grid.bounds[3]))
    inner = np.s_[-col + 105 : -col + 135, -row + 105 : -row + 135]
    assert np.isnan(terrain.illumination[inner]).all()
    assert np.nanmin(terrain.elevation_m) > 1000


def test_no_lake_is_lost_to_a_void(tmp_path: Path, whole: Any, sample_data: Path) -> None:
    """Lakes in it are judged as without an elevation model."""
    heights, profile = whole
    holed = heights.astype("float32")
    holed[50:250, 50:250] = -32768
    path = write(tmp_path / "dem.tif", holed, profile, nodata=-32768)
    scene = open_scene(sample_data / "scenes" / LANDSAT)
    ice = sample_data / "glaciers.gpkg"
    status = {
        name: map_lakes(scene, dem=dem, glaciers=ice).outlines["status"].value_counts()
        for name, dem in (("whole", sample_data / "dem.tif"), ("void", path), ("none", None))
    }
    assert status["void"].get("observed", 0) >= status["whole"]["observed"]
    assert status["void"].get("shadow", 0) <= status["whole"].get("shadow", 0)


@pytest.mark.parametrize(
    ("factor", "kind", "tags"),
    [
        (10, "uint16", {"scale": 0.1, "nodata": 0}),
        (100, "int32", {"scale": 0.01}),
        (1 / 0.3048, "float32", {"unit": "ft"}),
        (3937 / 1200, "float32", {"unit": "US survey foot"}),
        (10, "uint16", {"unit": "dm", "nodata": None}),
        (1, "float32", {"unit": "metre"}),
    ],
)
def test_tags_of_scale_and_unit_are_done(
    tmp_path: Path, whole: Any, grid: Grid, factor: float, kind: str, tags: dict[str, Any]
) -> None:
    heights, profile = whole
    path = write(tmp_path / "dem.tif", (heights * factor).astype(kind), profile, **tags)
    np.testing.assert_allclose(read_heights(path, grid), heights, atol=0.15)
    assert examine(path) == ""


@pytest.mark.parametrize("factor", [1 / 0.3048, 10, 100])
def test_heights_in_another_unit_are_refused(
    tmp_path: Path, whole: Any, grid: Grid, factor: float
) -> None:
    heights, profile = whole
    path = write(tmp_path / "dem.tif", (heights * factor).astype("float32"), profile)
    for ask in (examine, lambda dem: read_heights(dem, grid)):
        with pytest.raises(ImplausibleError, match="no ground has") as refusal:
            ask(path)
        assert "feet" in refusal.value.remedy


def test_low_ground_in_feet_is_too_steep(tmp_path: Path, whole: Any, grid: Grid) -> None:
    heights, profile = whole
    low = ((heights - 3000) / 0.3048).astype("float32")
    with pytest.raises(ImplausibleError, match="steeper"):
        read_terrain(write(tmp_path / "dem.tif", low, profile), grid)


NO_HEIGHTS = {
    "kilometres": (lambda h: (h / 1000).astype("float32"), "as if in kilometres"),
    "depths": (np.negative, "as if it told depths"),
    "one height": (lambda h: np.full_like(h, 3000), "has the height 3000 m everywhere"),
    "voids": (lambda h: np.full_like(h, np.nan, dtype="float32"), "the DEM has no heights"),
    "zeros": (np.zeros_like, "has the height 0 m everywhere"),
    "a picture": (lambda h: shaded(h).astype("uint8"), "numbers from 0 to 255"),
    "signed bytes": (lambda h: (h % 100).astype("int8"), "numbers from 0 to 255"),
}


def shaded(heights: Any) -> Any:
    rows, cols = np.gradient(heights.astype(float), 30.0)
    lit = (0.5 + 0.4 * cols - 0.4 * rows) / np.sqrt(1 + rows**2 + cols**2)
    return 255 * np.clip(lit, 0, 1)


@pytest.mark.parametrize("name", NO_HEIGHTS)
def test_what_holds_no_heights_in_metres_is_refused_before_a_run(
    tmp_path: Path, whole: Any, name: str
) -> None:
    heights, profile = whole
    change, said = NO_HEIGHTS[name]
    changed = change(heights)
    path = write(tmp_path / "dem.tif", changed, profile, nodata=None)
    with pytest.raises(ImplausibleError, match=said):
        examine(path)


@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_a_picture_of_the_relief_in_other_numbers_is_told(
    tmp_path: Path, whole: Any, kind: str
) -> None:
    heights, profile = whole
    path = write(tmp_path / "dem.tif", shaded(heights).astype(kind), profile, nodata=None)
    assert "the shade or the slope" in examine(path)


def test_heights_of_eight_bits_with_a_scale_are_heights(tmp_path: Path, whole: Any) -> None:
    heights, profile = whole
    coarse = (heights / 25).astype("uint8")
    assert examine(write(tmp_path / "dem.tif", coarse, profile, scale=25.0, nodata=None)) == ""


def test_no_real_model_is_refused_or_told(data: Path) -> None:
    folder = data / "oggm_rgi_dem"
    paths = [
        *folder.rglob("*srtm*.tif"),
        *folder.rglob("dem*.tif"),
        *(data / "relief").glob("*.tif"),
    ]
    assert len(paths) > 3
    assert {path.name: examine(path) for path in paths if examine(path)} == {}


@pytest.mark.parametrize("mark", [-9999, -32768, 0])
@pytest.mark.parametrize("tag", [None, "other"])
def test_a_void_that_was_smeared_without_its_tag_is_unknown_ground(
    tmp_path: Path, whole: Any, grid: Grid, mark: float, tag: str | None
) -> None:
    """As after a warp of a model whose tag was lost: its rim holds heights between."""
    heights, profile = whole
    holed = heights.astype("float32")
    holed[100:140, 100:140] = mark
    smeared = holed.copy()
    near = np.s_[98:142, 98:142]
    for _ in range(2):
        smeared[1:-1, 1:-1] = (
            smeared[:-2, 1:-1] + smeared[2:, 1:-1] + smeared[1:-1, :-2] + smeared[1:-1, 2:]
        ) / 4
    holed[near] = smeared[near]
    path = write(tmp_path / "dem.tif", holed, profile, nodata=None if tag is None else -1.0)
    found = read_heights(path, grid)
    assert np.isnan(found[103:137, 103:137]).all()
    known = np.isfinite(found)
    assert np.abs(found - heights)[known].max() < 400
    far = np.ones(found.shape, bool)
    far[94:146, 94:146] = False
    np.testing.assert_allclose(found[far], heights[far], atol=0.01)


def test_speckles_are_unknown_ground(tmp_path: Path, whole: Any, grid: Grid) -> None:
    heights, profile = whole
    speckled = heights.astype("float32")
    random = np.random.default_rng(4)
    rows, cols = random.integers(5, min(heights.shape) - 5, (2, 60))
    speckled[rows, cols] += random.choice([-1, 1], 60) * random.uniform(900, 2500, 60)
    path = write(tmp_path / "dem.tif", speckled, profile, nodata=None)
    assert "no ground's" in examine(path)
    found = read_heights(path, grid)
    assert np.isnan(found[rows, cols]).all()
    known = np.isfinite(found)
    assert known.mean() > 0.98
    np.testing.assert_allclose(found[known], heights[known], atol=0.01)


def test_an_unknown_unit_is_refused(tmp_path: Path, whole: Any, grid: Grid) -> None:
    heights, profile = whole
    path = write(tmp_path / "dem.tif", heights, profile, unit="sazhen")
    with pytest.raises(ImplausibleError, match="sazhen"):
        read_heights(path, grid)


def test_a_cut_model_is_refused_in_one_line(tmp_path: Path, sample_data: Path, grid: Grid) -> None:
    content = (sample_data / "dem.tif").read_bytes()
    path = tmp_path / "dem.tif"
    refusals = 0
    for share in np.linspace(0.02, 0.95, 12):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(GlacialLakesError) as refusal:
            read_heights(path, grid)
        assert "dem.tif" in str(refusal.value)
        assert "\n" not in str(refusal.value)
        refusals += isinstance(refusal.value, DamagedFileError)
    assert refusals > 6


class Listener(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_error(404)

    do_HEAD = do_GET  # noqa: N815 (the name that the base class knows)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Listener.seen.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def hostile(port: int, canary: Path, size: str) -> dict[str, str]:
    band = (
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename>{}'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    head = f"<VRTDataset {size}><SRS>EPSG:32643</SRS>"
    raw = (
        '<VRTRasterBand dataType="Int16" band="1" subClass="VRTRawRasterBand"><SourceFilename>'
        f"{canary}</SourceFilename></VRTRasterBand></VRTDataset>"
    )
    url = f"http://127.0.0.1:{port}/x.tif"
    return {
        "vrt of the network": head + band.format(f"/vsicurl/{url}"),
        "vrt of a file": head + band.format(canary),
        "raw vrt": head + raw,
        "late vrt": "\n" * 3000 + head + band.format(canary),
        "wms": f'<GDAL_WMS><Service name="TMS"><ServerUrl>{url}</ServerUrl></Service></GDAL_WMS>',
        "wcs": f"<WCS_GDAL><ServiceURL>{url}</ServiceURL></WCS_GDAL>",
        "stacta": f'{{"type": "Feature", "stac_version": "1.0.0", "links": ["{url}"]}}',
        "text": "ncols 2\nnrows 2\n",
        "nothing": "",
    }


@pytest.mark.parametrize("name", hostile(0, Path("x"), ""))
def test_a_model_that_refers_to_others_is_refused_unread(
    tmp_path: Path, grid: Grid, port: int, sample_data: Path, name: str
) -> None:
    canary = tmp_path / "secret.tif"
    shutil.copy(sample_data / "dem.tif", canary)
    size = f'rasterXSize="{grid.shape[1]}" rasterYSize="{grid.shape[0]}"'
    path = tmp_path / "dem.tif"
    path.write_text(hostile(port, canary, size)[name], encoding="utf-8")
    with pytest.raises(GlacialLakesError) as refusal:
        read_heights(path, grid)
    assert str(path) in str(refusal.value)
    assert Listener.seen == []


@pytest.mark.parametrize("address", ["http://127.0.0.1/d.tif", "/vsicurl/http://x/d.tif"])
def test_an_address_is_no_model(grid: Grid, address: str) -> None:
    with pytest.raises(UnsafeInputError):
        read_heights(address, grid)


def test_what_lies_beside_a_model_moves_nothing(
    tmp_path: Path, sample_data: Path, grid: Grid
) -> None:
    path = tmp_path / "dem.tif"
    shutil.copy(sample_data / "dem.tif", path)
    before = read_heights(path, grid)
    (tmp_path / "dem.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32644</SRS><GeoTransform>0,30,0,0,0,-30</GeoTransform>"
        '<PAMRasterBand band="1"><Scale>2</Scale><NoDataValue>3190</NoDataValue></PAMRasterBand>'
        "</PAMDataset>",
        encoding="utf-8",
    )
    (tmp_path / "dem.tfw").write_text("30\n0\n0\n-30\n0\n0\n", encoding="utf-8")
    np.testing.assert_array_equal(read_heights(path, grid), before)


@pytest.mark.parametrize(("across", "down"), [(1, -1), (-1, 1)])
def test_a_model_that_is_upside_down_is_told_to_be_warped(
    tmp_path: Path, whole: Any, grid: Grid, across: int, down: int
) -> None:
    heights, profile = whole
    place = profile["transform"]
    turned = heights[::down, ::across].astype("float32")
    height, width = turned.shape
    corner = place @ Affine.translation(0 if across > 0 else width, 0 if down > 0 else height)
    profile = {**profile, "transform": corner @ Affine.scale(across, down)}
    path = write(tmp_path / "dem.tif", np.ascontiguousarray(turned), profile)
    for ask in (examine, lambda dem: read_heights(dem, grid)):
        with pytest.raises(GridError, match="not north-up"):
            ask(path)


def test_a_model_without_a_place_is_refused(tmp_path: Path, whole: Any, grid: Grid) -> None:
    heights, profile = whole
    for lack in ({"crs": None}, {"transform": profile["transform"].rotation(10)}):
        path = write(tmp_path / "dem.tif", heights, profile | lack)
        with pytest.raises(GridError), open_dem(path):
            pass


def array_of(path: Path, **attrs: Any) -> Any:
    """Return a file as the array that a person would make of it."""
    xarray = pytest.importorskip("xarray")
    with rasterio.open(path) as dataset:
        heights, t, crs = dataset.read(1), dataset.transform, dataset.crs.to_wkt()
    return xarray.DataArray(
        heights,
        dims=("y", "x"),
        coords={
            "y": t.f + t.e * (np.arange(heights.shape[0]) + 0.5),
            "x": t.c + t.a * (np.arange(heights.shape[1]) + 0.5),
        },
        attrs={"crs": crs} | attrs,
    )


def with_spatial_ref(array: Any) -> Any:
    """Return an array that tells its CRS as rioxarray and CF do."""
    crs = array.attrs["crs"]
    return array.drop_attrs().assign_coords(spatial_ref=((), 0, {"crs_wkt": crs}))


HELD = {
    "crs in the attributes": lambda array: array,
    "crs as CF has it": with_spatial_ref,
    "south to north": lambda array: array.isel(y=slice(None, None, -1)),
    "x before y": lambda array: array.transpose("x", "y"),
    "a band": lambda array: array.expand_dims("band"),
    "other names": lambda array: array.rename(y="northing", x="easting"),
    "big-endian": lambda array: array.astype(">f8"),
}


@pytest.mark.parametrize("name", HELD)
def test_an_array_of_heights_says_what_its_file_says(
    sample_data: Path, grid: Grid, name: str
) -> None:
    path = sample_data / "dem.tif"
    found = read_heights(HELD[name](array_of(path)), grid)
    np.testing.assert_allclose(found, read_heights(path, grid), atol=1e-3)


def test_the_accessor_of_rioxarray_is_asked_for_the_crs(
    sample_data: Path, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sample_data / "dem.tif"
    array = array_of(path).drop_attrs()

    class Accessor:
        crs = grid.crs

    monkeypatch.setattr(type(array), "rio", Accessor(), raising=False)
    np.testing.assert_allclose(read_heights(array, grid), read_heights(path, grid), atol=1e-3)


def test_relief_of_a_file_a_dataset_and_an_array_is_the_same(sample_data: Path, grid: Grid) -> None:
    path = sample_data / "dem.tif"
    asked = read_terrain(path, grid, 145.0, 30.0)
    with rasterio.open(path) as dataset, WarpedVRT(dataset, crs=grid.crs) as warped:
        held = [read_terrain(dem, grid, 145.0, 30.0) for dem in (dataset, warped)]
        assert not dataset.closed
    held += [read_terrain(array_of(path), grid, 145.0, 30.0)]
    for terrain in held:
        assert terrain.grid == asked.grid
        np.testing.assert_allclose(terrain.elevation_m, asked.elevation_m, atol=1e-3)
        np.testing.assert_allclose(terrain.illumination, asked.illumination, atol=1e-3)


def test_relief_of_lakes_is_the_same_however_the_model_is_held(sample_data: Path) -> None:
    path, ice = sample_data / "dem.tif", sample_data / "glaciers.gpkg"
    scene = open_scene(sample_data / "scenes" / LANDSAT)
    mapped = [gl.map_lakes(scene, aoi=(74.50, 42.60, 74.53, 42.63))]
    usual = gl.track(mapped, dem=path, glaciers=ice).lakes
    assert usual["upslope_area_m2"].notna().any()
    with rasterio.open(path) as dataset:
        for dem in (dataset, array_of(path)):
            held = gl.track(mapped, dem=dem, glaciers=ice).lakes
            assert_geodataframe_equal(held, usual, check_less_precise=True)


def test_outlines_of_files_are_mapped_with_a_model_in_memory(
    tmp_path: Path, sample_data: Path
) -> None:
    area = gpd.GeoSeries([shapely.box(74.50, 42.60, 74.56, 42.65)], crs=4326)
    path = sample_data / "dem.tif"
    products = [sample_data / "scenes" / LANDSAT]
    tables = [
        gl.map_scenes(products, tmp_path / "lakes.gpkg", dem=dem, aoi=area)
        for dem in (path, array_of(path))
    ]
    assert_geodataframe_equal(*tables, check_less_precise=True)


def test_an_open_model_is_not_written_over(tmp_path: Path, sample_data: Path) -> None:
    path = tmp_path / "lakes.shp"
    shutil.copy(sample_data / "dem.tif", path)
    with rasterio.open(path) as dataset, pytest.raises(OverlapError):
        gl.map_scenes([sample_data / "scenes" / LANDSAT], path, dem=dataset)


@pytest.mark.parametrize(
    ("factor", "kind", "attrs"),
    [
        (10, "uint16", {"scale_factor": 0.1, "_FillValue": 0}),
        (1 / 0.3048, "float32", {"units": "feet"}),
        (10, "int32", {"units": "dm", "nodata": -9999}),
        (1, "int16", {"missing_value": -32768}),
        (1, "float32", {"_FillValue": np.nan}),
    ],
)
def test_what_an_array_says_of_unit_scale_and_voids_is_heeded(
    tmp_path: Path, whole: Any, grid: Grid, factor: float, kind: str, attrs: dict[str, Any]
) -> None:
    heights, profile = whole
    path = write(tmp_path / "dem.tif", (heights * factor).astype(kind), profile | {"nodata": None})
    array = array_of(path, **attrs)
    marks = [value for name, value in attrs.items() if name in VOIDS]
    hole = np.s_[100:140, 100:140]
    array[hole] = marks[0] if marks else np.nan
    found = read_heights(array, grid)
    assert np.isnan(found[hole]).all()
    np.testing.assert_allclose(found[:98], heights[:98], atol=1.0)


VOIDS = ("_FillValue", "nodata", "missing_value")


def test_a_mark_of_voids_that_numbers_cannot_hold_marks_none(sample_data: Path, grid: Grid) -> None:
    path = sample_data / "dem.tif"
    for kind, mark in (("uint16", -9999), ("int16", np.nan), ("float32", 1e300)):
        array = array_of(path, _FillValue=mark)
        found = read_heights(array.astype(kind).assign_attrs(array.attrs), grid)
        np.testing.assert_allclose(found, read_heights(path, grid), atol=1.0)


def test_heights_of_an_array_are_distrusted_like_those_of_a_file(
    sample_data: Path, grid: Grid
) -> None:
    array = array_of(sample_data / "dem.tif")
    holed = array.copy()
    holed[100:140, 100:140] = -32768
    assert np.isnan(read_heights(holed, grid)[100:140, 100:140]).all()
    assert "-32768" in examine(holed)
    for ask in (examine, lambda dem: read_heights(dem, grid)):
        with pytest.raises(ImplausibleError, match="no ground has"):
            ask(array.copy(data=array / 0.3048))


WRONG = {
    "no crs": (lambda a: a.drop_attrs(), "no CRS; give it one: rio.write_crs, or attrs"),
    "a crs that is none": (lambda a: a.assign_attrs(crs="Pulkovo"), "CRS of the DEM cannot be"),
    "no names": (lambda a: a.rename(y="a", x="b"), "dimensions of the DEM are a, b; name them"),
    "layers": (lambda a: a.expand_dims(time=[1, 2]), "several layers, by time; choose one"),
    "no coordinates": (lambda a: a.drop_vars("x"), "no coordinates of its pixels along x"),
    "uneven": (lambda a: a.isel(x=[0, 1, 5, 9]), "along x are not evenly spaced"),
    "complex": (lambda a: a.astype("complex64"), "holds complex64 numbers"),
    "no scale": (lambda a: a.assign_attrs(scale_factor="ten"), "scale_factor ten, which is no"),
    "unknown unit": (lambda a: a.assign_attrs(units="sazhen"), "the unit sazhen"),
    "numbers": (lambda a: a.to_numpy(), "given as ndarray; give a file, a rasterio dataset"),
    "a set": (lambda a: a.to_dataset(name="dem"), "given as Dataset"),
    "a number": (lambda a: 42, "given as int"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_model_that_cannot_be_used_is_refused_in_one_line(
    sample_data: Path, grid: Grid, name: str
) -> None:
    change, said = WRONG[name]
    with pytest.raises(GlacialLakesError, match=said) as refused:
        read_heights(change(array_of(sample_data / "dem.tif")), grid)
    assert "\n" not in str(refused.value)
    assert "vsimem" not in str(refused.value)


def test_a_dataset_that_is_closed_or_has_no_place_is_refused(
    tmp_path: Path, whole: Any, sample_data: Path, grid: Grid
) -> None:
    with rasterio.open(sample_data / "dem.tif") as dataset:
        pass
    with pytest.raises(InputError, match=r"dem\.tif: the DEM is closed; open it again"):
        read_heights(dataset, grid)
    heights, profile = whole
    path = write(tmp_path / "nowhere.tif", heights, profile | {"crs": None})
    with rasterio.open(path) as dataset, pytest.raises(GridError, match=r"nowhere\.tif.*no CRS"):
        read_heights(dataset, grid)


@pytest.mark.parametrize("tag", [None, -9999, np.nan])
def test_a_void_of_nan_is_as_large_whatever_the_tag_says(
    tmp_path: Path, whole: Any, grid: Grid, tag: float | None
) -> None:
    """On a grid of other pixels, where heights are taken from several of the model's."""
    heights, profile = whole
    holed = heights.astype("float32")
    holed[100:105, 100:105] = np.nan
    marked = np.where(np.isnan(holed), -9999, holed)
    a = grid.transform
    shifted = Grid(grid.crs, a @ Affine.translation(0.4, 0.3) @ Affine.scale(1.3), (250, 250))
    expected = read_heights(write(tmp_path / "a.tif", marked, profile, nodata=-9999), shifted)
    found = read_heights(write(tmp_path / "b.tif", holed, profile, nodata=tag), shifted)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, atol=0.01)
