"""The fields behind outlines are those that the outlines come from."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import glacial_lakes as gl
from glacial_lakes.errors import ConfigError
from glacial_lakes.grid import shifted
from glacial_lakes.mapping.features import Features
from glacial_lakes.mapping.outlines import contour

xr = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def scene(sample_data: Path) -> gl.Scene:
    return gl.discover(sample_data / "scenes")[0]


@pytest.fixture(scope="module")
def dem(sample_data: Path) -> Path:
    return sample_data / "dem.tif"


@pytest.fixture(scope="module")
def mapped(scene: gl.Scene, dem: Path) -> gl.MappedScene:
    return gl.map_lakes(scene, dem=dem)


@pytest.fixture(scope="module")
def cube(scene: gl.Scene, dem: Path) -> xr.Dataset:
    return gl.map_fields(scene, dem=dem)


def test_states_and_outlines_are_those_of_the_mapped_scene(
    cube: xr.Dataset, mapped: gl.MappedScene, scene: gl.Scene
) -> None:
    there = mapped.to_xarray()
    for name in ("state", "outline"):
        xr.testing.assert_identical(cube[name], there[name])
    assert cube["state"].shape == scene.grid.shape
    assert cube.time == there.time


def test_outlines_run_where_the_fraction_of_water_is_the_level_of_the_candidate(
    cube: xr.Dataset, mapped: gl.MappedScene, scene: gl.Scene
) -> None:
    """Drawn anew from the fields alone, lakes have the same outlines."""
    water = cube["water_fraction"].fillna(0).to_numpy().astype(np.float32)
    compared = 0
    for lake in mapped.outlines.itertuples():
        inner = scene.grid.window_of(lake.geometry.bounds, 2)
        own = cube["candidate"].to_numpy()[inner.toslices()]
        number = np.bincount(own[own > 0]).argmax()
        level = float(cube["level"].sel(number=number))
        at = shifted(scene.grid.transform, inner.row_off, inner.col_off)
        drawn = contour(water[inner.toslices()], level, at)
        same = [one for one in drawn if one.equals_exact(lake.geometry, 1e-6, normalize=True)]
        compared += bool(same)
    assert compared >= 0.8 * len(mapped.outlines) > 3  # others touch, or lost a stream


def test_each_candidate_has_its_features_and_what_it_is_taken_for(
    cube: xr.Dataset, mapped: gl.MappedScene
) -> None:
    lakes = cube.sel(number=cube["category"] == "lake")
    assert lakes.sizes["number"] == len(mapped.outlines)
    assert sorted(lakes["lake_prob"].values) == sorted(mapped.outlines["lake_prob"])
    assert cube.sizes["number"] > len(mapped.outlines)
    assert {f"feature_{one.name}" for one in fields(Features)} <= set(cube)
    numbers = set(np.unique(cube["candidate"])) - {0}
    assert numbers <= set(cube["number"].values.tolist())
    for number in list(numbers)[:5]:
        assert cube["seed"].where(cube["candidate"] == number, True).all()
    hidden = (cube["cloud"] | cube["snow_or_ice"] | cube["dark_slope"]) & (cube["ndwi"] < 0)
    assert not (cube["seed"] & hidden).any()


def test_strips_and_parts_give_the_same_fields(
    scene: gl.Scene, dem: Path, cube: xr.Dataset, mapped: gl.MappedScene
) -> None:
    narrow = gl.map_fields(scene, dem=dem, settings=gl.MappingSettings(strip_rows=64))
    xr.testing.assert_identical(narrow, cube)
    lake = mapped.outlines.geometry.iloc[[0]]
    part = gl.map_fields(scene, dem=dem, near=lake)
    row, col = (
        int(np.abs(cube[name].values - part[name].values[0]).argmin()) for name in ("y", "x")
    )
    here = {"y": slice(row, row + part.sizes["y"]), "x": slice(col, col + part.sizes["x"])}
    inside = part["outline"] == 1
    assert inside.any()
    for name in ("seed", "ndwi", "slope_deg", "water_fraction"):
        np.testing.assert_array_equal(
            part[name].to_numpy()[inside], cube[name][here].to_numpy()[inside]
        )


def test_fields_are_a_file_that_comes_back(cube: xr.Dataset, tmp_path: Path) -> None:
    cube.load().to_netcdf(tmp_path / "fields.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "fields.nc", engine="scipy") as back:
        np.testing.assert_array_equal(back["water_fraction"], cube["water_fraction"])
        assert back["category"].values.tolist() == cube["category"].values.tolist()


def test_without_xarray_nothing_is_mapped(scene: gl.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    monkeypatch.delitem(sys.modules, "glacial_lakes.io.lazy_pixels", raising=False)
    with pytest.raises(ConfigError, match=r'pip install "glacial-lakes\[xarray\]"'):
        gl.map_fields(scene)
