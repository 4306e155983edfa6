"""Arrays that a person holds are scenes: the same pixels give the same lakes as a product file."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from geopandas.testing import assert_geodataframe_equal
from products import SIDECAR, STACK_BANDS, Products

import glacial_lakes as gl
from glacial_lakes.errors import GlacialLakesError, GridError, InputError, MetadataError
from glacial_lakes.language import in_language
from glacial_lakes.scenes.plausibility import assess

xr = pytest.importorskip("xarray")

TOLD: dict[str, Any] = {
    "acquired": SIDECAR["acquired"],
    "sensor": "S2A",
    "scale": 0.0001,
    "offset": 0.0,
    "sun_azimuth_deg": 146.0,
    "sun_elevation_deg": 62.0,
}
NUMBERS = {"blue": "02", "green": "03", "red": "04", "nir": "08", "swir1": "11", "swir2": "12"}


def array_of(path: Path, band: int, name: str | None = None) -> Any:
    """Return a band of a file as rioxarray gives it, numbers as they are stored."""
    with rasterio.open(path) as dataset:
        at, (rows, cols) = dataset.transform, dataset.shape
        place = xr.DataArray(0, attrs={"crs_wkt": dataset.crs.to_wkt()})
        return xr.DataArray(
            dataset.read(band),
            dims=("y", "x"),
            coords={
                "y": at.f + at.e * (np.arange(rows) + 0.5),
                "x": at.c + at.a * (np.arange(cols) + 0.5),
                "spatial_ref": place,
            },
            name=name,
            attrs={} if dataset.nodata is None else {"_FillValue": dataset.nodata},
        )


@pytest.fixture(scope="module")
def cube(products: Products) -> Any:
    return xr.Dataset({name: array_of(products.stack, n) for name, n in STACK_BANDS.items()})


@pytest.fixture(scope="module")
def classes(products: Products) -> Any:
    return array_of(products.stack_quality, 1, "SCL")


@pytest.fixture(scope="module")
def product(products: Products, tmp_path_factory: pytest.TempPathFactory) -> gl.Scene:
    folder = tmp_path_factory.mktemp("stack")
    for path in (products.stack, products.stack_quality):
        shutil.copy(path, folder)
    lines = [f"{key} = {value}" for key, value in SIDECAR.items()]
    lines += ["[bands]", *(f"{name} = {number}" for name, number in STACK_BANDS.items())]
    (folder / "lake_BOA.toml").write_text("\n".join(lines), "utf-8")
    return gl.open_scene(folder / "lake_BOA.tif")


@pytest.fixture(scope="module")
def lakes(product: gl.Scene, sample_data: Path) -> gl.MappedScene:
    mapped = gl.map_lakes(product, dem=sample_data / "dem.tif")
    assert len(mapped.outlines) > 1
    return mapped


FORMS: dict[str, Callable[[Any], Any]] = {
    "a dataset": lambda cube: cube,
    "a cube of dask": lambda cube: cube.chunk({"y": 70, "x": 50}),
    "south up, one time, as odc-stac": lambda cube: (
        cube.isel(y=slice(None, None, -1))
        .rename({name: f"B{number}" for name, number in NUMBERS.items()})
        .expand_dims(time=[np.datetime64("2019-07-23T10:20:31")])
    ),
    "an array with a dimension of bands": lambda cube: cube.to_dataarray("band"),
    "bands of EOPF": lambda cube: cube.rename({n: f"b{k}" for n, k in NUMBERS.items()}),
    "a mapping": lambda cube: {name: cube[name] for name in cube},
    "columns before rows in capitals, as Earth Engine": (
        lambda cube: (
            cube.drop_vars("spatial_ref")
            .rename({name: f"B{int(number)}" for name, number in NUMBERS.items()})
            .rename(x="X", y="Y")
            .transpose("X", "Y")
            .isel(Y=slice(None, None, -1))
            .assign_attrs(crs="EPSG:32643")
        )
    ),
    "corners in place of centres, as stackstac": (
        lambda cube: (
            cube.drop_vars("spatial_ref")
            .to_dataarray("band")
            .assign_coords(
                band=[f"B{number}" for number in NUMBERS.values()], x=cube.x - 5, y=cube.y + 5
            )
            .assign_attrs(
                crs="epsg:32643",
                transform=Affine(10, 0, float(cube.x[0]) - 5, 0, -10, float(cube.y[0]) + 5),
            )
        )
    ),
    "descriptions of bands, as rioxarray": lambda cube: (
        cube.to_dataarray("band")
        .assign_coords(band=range(1, 7))
        .assign_attrs(
            long_name=tuple(f"B{int(k)}" for k in NUMBERS.values()),
            _FillValue=65535,
            scale_factor=1.0,
            add_offset=0.0,
            AREA_OR_POINT="Area",
        )
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_arrays_give_the_lakes_of_the_same_pixels_as_a_product(
    form: str, cube: Any, classes: Any, lakes: gl.MappedScene, sample_data: Path
) -> None:
    held = FORMS[form](cube)
    keep = ("array" in form and "rioxarray" not in form) or "stackstac" in form
    given = TOLD | ({"nodata": 65535} if keep else {})
    scene = gl.Scene.from_xarray(held, quality=classes, id="lake_BOA", **given)
    assert scene.grid == lakes.coverage.grid
    mapped = gl.map_lakes(scene, dem=sample_data / "dem.tif")
    assert_geodataframe_equal(mapped.outlines, lakes.outlines)
    assert mapped.coverage == lakes.coverage


def test_reflectance_and_quality_are_those_of_the_product(
    cube: Any, classes: Any, product: gl.Scene
) -> None:
    window = rasterio.windows.Window(-3, 100, 120, 100)
    for held in (cube, cube.chunk({"y": 33})):
        scene = gl.Scene.from_xarray(held, quality=classes, **TOLD)
        names = list(product.bands)
        np.testing.assert_array_equal(scene.read(names, window), product.read(names, window))
        np.testing.assert_array_equal(scene.read_quality(), product.read_quality())
        assert assess(scene).verdict == assess(product).verdict
        back = pickle.loads(pickle.dumps(scene))
        np.testing.assert_array_equal(back.read(["nir"]), product.read(["nir"]))


def test_bands_of_larger_pixels_are_interpolated_as_those_of_files(
    cube: Any, product: gl.Scene
) -> None:
    coarse = cube["swir1"].coarsen(y=2, x=2).mean().astype(np.uint16).assign_attrs(_FillValue=65535)
    scene = gl.Scene.from_xarray(
        {"green": cube["green"], "nir": cube["nir"], "B11": coarse}, **TOLD
    )
    assert scene.grid == product.grid
    assert scene.bands["swir1"].resolution == 2 * scene.grid.resolution
    assert scene.read(["swir1"]).shape == (1, *product.grid.shape)


def test_chunks_are_computed_once_in_a_pass_and_few_when_a_scene_is_made(
    cube: Any, classes: Any
) -> None:
    computed: list[tuple[int, int]] = []

    def note(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info:
            computed.append(block_info[0]["chunk-location"])
        return block

    lazy = cube.chunk({"y": 45, "x": 60})
    lazy["nir"] = lazy["nir"].copy(
        data=lazy["nir"].data.map_blocks(note, dtype=np.uint16, meta=np.empty((0, 0), np.uint16))
    )
    scene = gl.Scene.from_xarray(lazy, quality=classes, **TOLD)
    assert len(computed) <= 6  # of 12
    computed.clear()
    gl.map_lakes(scene, settings=gl.MappingSettings(strip_rows=64))
    assert sorted(set(computed)) == [(row, col) for row in range(4) for col in range(3)]
    in_strips = computed[: len(set(computed))]
    assert sorted(in_strips) == sorted(set(in_strips))


def test_what_attributes_and_coordinates_tell_need_not_be_given(cube: Any) -> None:
    held = cube.assign_coords(time=np.datetime64("2019-07-23T10:20:31.024")).assign_attrs(
        platform="sentinel-2a", level="L2A"
    )
    for name in held:
        held[name].attrs.update(scale_factor=0.0001, add_offset=-0.1)
    scene = gl.Scene.from_xarray(held.assign(SCL=cube["green"].astype(np.uint8) % 12))
    assert (scene.sensor, scene.level, scene.decoder) == ("S2A", "L2A", "scl")
    assert scene.id == "S2A_20190723T102031"
    assert {(band.scale, band.offset, band.nodata) for band in scene.bands.values()} == {
        (0.0001, -0.1, 65535.0)
    }
    assert scene.provenance["sun"] == "computed"
    assert scene.sun_elevation_deg == pytest.approx(44, abs=1)  # by hand: 3.2 h after noon


def test_stored_numbers_as_floats_are_those_of_whole_ones(
    cube: Any, classes: Any, product: gl.Scene
) -> None:
    """odc-stac makes floats of bands and classes whose items do not tell a type."""
    floats = cube.astype(np.float32).map(lambda one: one.drop_attrs())
    layer = classes.astype(np.float32)
    scene = gl.Scene.from_xarray(floats, quality=layer, nodata=65535, **TOLD)
    names = list(product.bands)
    np.testing.assert_allclose(scene.read(names), product.read(names), atol=1e-6)
    np.testing.assert_array_equal(scene.read_quality(), product.read_quality())


def test_numbers_that_were_scaled_while_they_were_read_are_not_scaled_again(
    cube: Any, product: gl.Scene
) -> None:
    held = cube.astype(np.float32).where(cube != 65535) * np.float32(0.0001)
    for name in held:
        held[name].encoding |= {"scale_factor": 0.0001, "_FillValue": 65535}
    given = {key: value for key, value in TOLD.items() if key not in {"scale", "offset"}}
    scene = gl.Scene.from_xarray(held, **given)
    np.testing.assert_array_equal(scene.read(["green"]), product.read(["green"]))


@pytest.mark.parametrize(
    ("sensor", "names"),
    [
        ("LC08", {"green": "SR_B3", "nir": "SR_B5", "swir1": "SR_B6"}),
        ("LT05", {"green": "SR_B2", "nir": "SR_B4", "swir1": "SR_B5"}),
        ("LC09", {"green": "B03", "nir": "nir08", "swir1": "swir16"}),
        ("S2B", {"green": "b03", "nir": "B8", "swir1": "B11_20m"}),
        ("drone", {"green": "green", "nir": "NIR"}),
    ],
)
def test_bands_have_the_names_that_their_makers_give(
    cube: Any, sensor: str, names: dict[str, str]
) -> None:
    held = cube[list(names)].rename(names)
    year = 2010 if sensor == "LT05" else 2022
    told = TOLD | {"sensor": sensor, "acquired": f"{year}-07-23T10:20:31Z"}
    scene = gl.Scene.from_xarray(held.assign(B8A=cube["nir"]), **told)
    assert list(scene.bands) == list(names)
    for band in names:
        np.testing.assert_array_equal(scene.bands[band].plane, cube[band])


REFUSED: dict[str, tuple[Callable[[Any], Any], dict[str, Any], str]] = {
    "no CRS": (lambda c: c.drop_vars("spatial_ref"), {}, "the band .* has no CRS; give it one"),
    "metres as degrees": (lambda c: c, {"crs": 4326}, "in degrees reaches from 4.7"),
    "feet": (lambda c: c, {"crs": 2263}, "not a projected one in metres"),
    "a crs that is none": (lambda c: c, {"crs": "Pulkovo"}, "crs is 'Pulkovo', which is none"),
    "no scale": (lambda c: c, {"scale": None}, "does not tell its scale; give scale and offset"),
    "no offset": (lambda c: c, {"offset": None}, "does not tell its offset"),
    "stored numbers as reflectance": (lambda c: c, {"scale": 1}, "give green reflectance from"),
    "stored numbers of dask": (lambda c: c.chunk(), {"scale": 1}, "give green reflectance from"),
    "a scale below 0": (lambda c: c, {"scale": -1}, "scale is -1"),
    "no time": (lambda c: c, {"acquired": None}, "tells no time; give it"),
    "a time without zone": (lambda c: c, {"acquired": "2019-07-23T10:20:31"}, "acquired is"),
    "no sensor": (lambda c: c, {"sensor": None}, "tells no sensor"),
    "several times": (
        lambda c: c.expand_dims(time=np.array(["2019", "2020"], "datetime64[ns]")),
        {},
        "has several layers, by time; choose one with isel",
    ),
    "no no-data": (
        lambda c: c.assign({name: c[name].assign_attrs(_FillValue=None) for name in c}),
        {},
        "does not tell what stands for no data",
    ),
    "no green": (lambda c: c.drop_vars("green"), {}, "has no band green; it has blue, "),
    "two greens": (lambda c: c.assign(B03=c["green"]), {}, "green, B03 are all green; choose one"),
    "an unknown name": (lambda c: c, {"bands": {"green": "G"}}, "bands has green = 'G'"),
    "an unknown sensor's numbers": (
        lambda c: c.rename(green="B03"),
        {"sensor": "drone"},
        "has no band green",
    ),
    "half a sun": (lambda c: c, {"sun_azimuth_deg": None}, "has sun_elevation_deg only"),
    "a decoder alone": (lambda c: c, {"decoder": "scl"}, "has a decoder but no quality layer"),
    "a layer that is not there": (lambda c: c, {"quality": "QA"}, "quality is 'QA', which is no"),
    "a layer of unknown code": (
        lambda c: c,
        {"quality": "red"},
        "how its quality layer is",
    ),
    "a layer that was interpolated": (
        lambda c: c.assign(SCL=c["red"] * 0.3),
        {},
        "the quality layer holds broken numbers, such as ",
    ),
    "stored numbers as floats without no-data": (
        lambda c: c.assign({name: c[name].astype(np.float32).drop_attrs() for name in c}),
        {},
        "does not tell what stands for no data",
    ),
    "numbers that were scaled while they were read, fill and all": (
        lambda c: xr.decode_cf(
            c.assign({n: c[n].drop_attrs().assign_attrs(scale_factor=1e-4) for n in c})
        ),
        {"scale": None, "offset": None},
        "does not tell what stands for no data",
    ),
    "another grid": (
        lambda c: {"green": c["green"], "nir": c["nir"].isel(y=slice(1, None))},
        {},
        "does not fit the scene's other bands",
    ),
    "complex numbers": (lambda c: c * 1j, {"nodata": "none"}, "holds complex128 numbers"),
    "a path": (lambda _: "cube.nc", {}, "dataset is given as str; give an xarray Dataset"),
    "numbers": (lambda c: {"green": c["green"].to_numpy()}, {}, "dataset is given as dict"),
    "no names of bands": (lambda c: c["green"], {}, "no dimension with the names of bands"),
    "before its launch": (lambda c: c, {"acquired": "2010-07-23T10:20:31Z"}, "when S2A took none"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_arrays_do_not_tell_is_not_guessed_but_refused_in_one_line(
    name: str, cube: Any
) -> None:
    change, given, said = REFUSED[name]
    with pytest.raises(GlacialLakesError, match=said) as refused:
        gl.Scene.from_xarray(change(cube), **(TOLD | given))
    assert isinstance(refused.value, InputError | MetadataError | GridError)
    assert "\n" not in str(refused.value)
    assert in_language(refused.value.line, "ru") != refused.value.line
