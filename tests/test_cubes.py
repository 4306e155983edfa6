"""Scenes, stacks of scenes and what was mapped are lazy arrays with time, CRS and quality."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.features import geometry_mask
from rasterio.windows import Window

import glacial_lakes as gl
from glacial_lakes.errors import ConfigError, InputError, MetadataError
from glacial_lakes.grid import Grid
from glacial_lakes.language import in_language
from glacial_lakes.scenes.held_array import crs_of

xr = pytest.importorskip("xarray")
pytest.importorskip("dask")


@pytest.fixture(scope="module")
def scenes(sample_data: Path) -> list[gl.Scene]:
    return gl.discover(sample_data / "scenes")


@pytest.fixture(scope="module")
def landsat(scenes: list[gl.Scene]) -> list[gl.Scene]:
    return [scene for scene in scenes if scene.sensor.startswith("L")]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Return the rows of each window of reflectance that is read."""
    rows: list[int] = []
    read = gl.Scene.read

    def noted(scene: Any, bands: Any, window: Any = None, out: Any = None) -> Any:
        rows.append(scene.grid.shape[0] if window is None else int(window.height))
        return read(scene, bands, window, out)

    monkeypatch.setattr(gl.Scene, "read", noted)
    yield rows


def test_an_array_of_a_scene_is_read_where_it_is_looked_at(
    scenes: list[gl.Scene], reads: list[int]
) -> None:
    array = scenes[0].to_xarray(["green", "nir"])
    lazy = scenes[0].to_xarray(["green", "nir"], chunks={"y": 100})
    assert reads == []
    part = array.isel(y=slice(40, 60), x=slice(5, 9)).sel(band="nir").to_numpy()
    assert reads == [20]
    whole = scenes[0].read(["green", "nir"])
    np.testing.assert_array_equal(part, whole[1, 40:60, 5:9])
    np.testing.assert_array_equal(array[:, ::-3, [7, 2]], whole[:, ::-3][:, :, [7, 2]])
    np.testing.assert_array_equal(array[0, 5, 6], whole[0, 5, 6])
    assert array[:, 3:3].shape == (2, 0, 300)
    assert lazy.chunks == ((2,), (100, 100, 100), (300,))
    np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), whole)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array)), whole)


def test_an_array_of_a_scene_tells_time_quality_and_crs(scenes: list[gl.Scene]) -> None:
    scene = scenes[0]
    array = scene.to_xarray()
    assert array.time.item() == np.datetime64(scene.acquired.replace(tzinfo=None), "ns").item()
    np.testing.assert_array_equal(array.quality, scene.read_quality())
    masks = dict(zip(array.quality.flag_meanings.split(), array.quality.flag_masks, strict=True))
    assert masks["cloud"] == gl.Quality.CLOUD
    assert crs_of(array, "") == scene.grid.crs
    assert crs_of(array.assign_attrs(crs=None), "") == scene.grid.crs
    back = gl.Scene.from_xarray(array, scale=1, offset=0)
    assert (back.id, back.grid, back.acquired) == (scene.id, scene.grid, scene.acquired)
    np.testing.assert_array_equal(back.read(["nir"]), scene.read(["nir"]))


def test_a_stack_on_one_grid_holds_the_index_of_each_scene(
    landsat: list[gl.Scene], reads: list[int]
) -> None:
    stacked = gl.stack(landsat[::-1], "mndwi", chunks={"time": 1, "y": 128})
    assert reads == []
    assert stacked.dims == ("time", "y", "x")
    assert stacked.name == "mndwi"
    assert stacked.scene_id.values.tolist() == [scene.id for scene in landsat]
    assert stacked.time.to_index().is_monotonic_increasing
    for place, scene in enumerate(landsat):
        green, swir1 = scene.read(["green", "swir1"])
        np.testing.assert_array_equal(stacked[place], gl.indices.mndwi(green, swir1))
        np.testing.assert_array_equal(stacked.quality[place], scene.read_quality())
    clear = stacked.where(stacked.quality == 0).median("time")
    assert clear.shape == landsat[0].grid.shape
    assert np.isfinite(clear.to_numpy()).mean() > 0.5


def test_a_stack_on_another_grid_is_the_same_whatever_part_is_read(
    scenes: list[gl.Scene],
) -> None:
    own = scenes[0].grid
    at = Affine(25, 0, own.bounds[0] + 1007, 0, -25, own.bounds[3] - 503)
    grid = Grid(own.crs, at, (200, 180))
    two = [scenes[0], next(scene for scene in scenes if scene.sensor.startswith("S2"))]
    stacked = gl.stack(two, grid=grid)
    whole, flags = stacked.to_numpy(), stacked.quality.to_numpy()
    part = {"y": slice(70, 111), "x": slice(31, 90)}
    np.testing.assert_allclose(stacked.isel(part), whole[:, 70:111, 31:90], atol=1e-6)
    np.testing.assert_array_equal(stacked.quality.isel(part), flags[:, 70:111, 31:90])
    # what is interpolated is what lies there
    rows, cols = np.indices(grid.shape)
    x, y = at.c + 25 * (cols + 0.5), at.f - 25 * (rows + 0.5)
    for place, scene in enumerate(two):
        there = ~scene.grid.transform
        row, col = (there.e * y + there.f).astype(int), (there.a * x + there.c).astype(int)
        green, nir = scene.read(["green", "nir"])
        nearest = gl.indices.ndwi(green, nir)[row, col]
        close = np.abs(whole[place] - nearest)
        assert np.nanmedian(close) < 0.05
        np.testing.assert_array_equal(flags[place], scene.read_quality()[row, col])


def test_a_stack_over_the_edge_and_in_another_zone_is_not_observed_there(
    landsat: list[gl.Scene],
) -> None:
    own = landsat[0].grid
    beside = gl.stack(landsat[:1], grid=own.crop(Window(-10, 290, 40, 40)))
    assert np.isnan(beside[0, :, :10]).all()
    assert (beside.quality[0, 10:] & gl.Quality.NODATA).all()
    np.testing.assert_array_equal(beside[0, :10, 10:], gl.stack(landsat[:1])[0, 290:, :30])
    far = Grid(CRS.from_epsg(32610), own.transform, (20, 20))
    away = gl.stack(landsat[:1], grid=far)
    assert np.isnan(away).all()
    assert (away.quality == gl.Quality.NODATA).all()


def test_what_was_mapped_is_an_array_of_states_and_outlines(
    scenes: list[gl.Scene], sample_data: Path
) -> None:
    mapped = gl.map_lakes(scenes[0], dem=sample_data / "dem.tif")
    cube = mapped.to_xarray()
    states = mapped.coverage.to_xarray()
    xr.testing.assert_identical(cube.state, states)
    names = dict(zip(states.flag_meanings.split(), states.flag_values, strict=True))
    assert names["water"] == gl.State.WATER
    assert states.time.to_numpy() == np.datetime64(scenes[0].acquired.replace(tzinfo=None))
    grid = scenes[0].grid
    whole = cube.outline.to_numpy()
    assert set(np.unique(whole)) <= {0, *range(1, len(mapped.outlines) + 1)}
    for place, lake in enumerate(mapped.outlines.geometry, 1):
        inside = ~geometry_mask([lake], grid.shape, grid.transform)
        np.testing.assert_array_equal(whole == place, inside)
    np.testing.assert_array_equal(cube.outline[50:90, 20:280], whole[50:90, 20:280])
    seen = cube.state.isin([gl.State.LAND, gl.State.WATER])
    polygon = shapely.box(*grid.bounds)
    told = mapped.coverage.observe(mapped.outlines.geometry.iloc[:0].reindex([0]).fillna(polygon))
    assert float(seen.mean()) == pytest.approx(told["observed_fraction"].iloc[0])


def test_drawn_outlines_have_no_pixels(scenes: list[gl.Scene], sample_data: Path) -> None:
    mapped = gl.map_lakes(scenes[0], aoi=(0.0, 0.0, 0.1, 0.1))
    survey = gl.CompleteCoverage("survey", scenes[0].acquired, "S2A")
    with pytest.raises(InputError, match="have no pixels"):
        gl.MappedScene(mapped.outlines, survey).to_xarray()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda scenes: gl.stack([]), "there is no scene to stack"),
        (lambda scenes: gl.stack(scenes[0]), "scenes is given as Scene; give a list of scenes"),
        (lambda scenes: gl.stack(["a"]), "a scene is given as str"),
        (lambda scenes: gl.stack(scenes, "ndwy"), "there is no index ndwy"),
        (lambda scenes: gl.stack(scenes, grid=30), "grid is given as int; give a Grid"),
        (lambda scenes: scenes[0].to_xarray(["thermal"]), "has no band 'thermal'"),
    ],
)
def test_what_cannot_be_an_array_is_refused_in_one_line(
    scenes: list[gl.Scene], given: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        given(scenes)
    assert "\n" not in str(refused.value)


def test_a_band_that_a_scene_of_a_stack_lacks_is_named(scenes: list[gl.Scene]) -> None:
    import dataclasses

    bands = {name: scenes[0].bands[name] for name in ("green", "nir")}
    with pytest.raises(MetadataError, match="no swir1 band; choose another index"):
        gl.stack([dataclasses.replace(scenes[0], bands=bands)], "mndwi")


@pytest.mark.parametrize("extra", ["xarray", "dask"])
def test_without_the_extra_the_command_that_installs_it_is_told(
    scenes: list[gl.Scene], monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    monkeypatch.delitem(sys.modules, "glacial_lakes.io.lazy_pixels")
    monkeypatch.setitem(sys.modules, {"dask": "dask.array"}.get(extra, extra), None)
    with pytest.raises(ConfigError, match=rf'pip install "glacial-lakes\[{extra}\]"') as refused:
        scenes[0].to_xarray(chunks={} if extra == "dask" else None)
    assert "установите" in in_language(refused.value.line, "ru")
