"""What a researcher meets first: names, wrong types and values, how objects show themselves."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

import glacial_lakes as gl
from glacial_lakes.errors import ConfigError, InputError, MissingFileError, VectorError
from glacial_lakes.io.vector import as_places

SAMPLE = Path(__file__).parents[1] / "sample_data"


@pytest.mark.parametrize(
    ("settings", "given", "said"),
    [
        (gl.MappingSettings, {"min_pixels": -3}, "min_pixels = -3 is not allowed; give a number"),
        (gl.MappingSettings, {"min_pixels": "five"}, "is not a number"),
        (gl.MappingSettings, {"strip_rows": 1.5}, "is not a whole number"),
        (gl.TrackingSettings, {"min_overlap": 2}, "from 0 to 1"),
        (gl.TrackingSettings, {"drained_fraction": float("nan")}, "is not a number"),
    ],
)
def test_settings_made_by_hand_are_checked_as_those_of_a_project(settings, given, said) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(**given)


def test_whole_numbers_are_taken_where_a_number_is_meant() -> None:
    assert gl.MappingSettings(min_pixels=3) == gl.MappingSettings(min_pixels=3.0)


def test_a_path_that_does_not_exist_is_said_when_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist; check the path"):
        gl.discover(tmp_path / "nothing")
    heard: list[object] = []
    assert gl.discover(tmp_path / "nothing", heard.append) == []
    assert len(heard) == 1


def test_what_cannot_be_used_is_a_warning_when_nobody_listens(tmp_path, caplog) -> None:
    (tmp_path / "LC08_L2SP_151030_20130813_20200912_02_T1").mkdir()
    (tmp_path / "LC08_L2SP_151030_20130813_20200912_02_T1" / "x_MTL.txt").write_text("GROUP = A")
    assert gl.discover(tmp_path) == []
    assert "LC08_L2SP" in caplog.text


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint8", "bool"])
@pytest.mark.parametrize("name", gl.indices.names())
def test_stored_numbers_are_no_reflectance(name: str, dtype: str) -> None:
    bands = {band: np.ones((2, 2), dtype) for band in gl.indices.bands_of(name)}
    with pytest.raises(InputError, match=r"whole numbers .* no reflectance; apply the scale"):
        gl.indices.compute(name, bands)


def test_objects_show_themselves_in_a_line_and_a_table() -> None:
    scene = gl.discover(SAMPLE / "scenes")[0]
    assert scene.id in repr(scene)
    assert len(repr(scene)) < 250
    assert scene.id in scene._repr_html_()
    truth = SAMPLE / "truth.gpkg"
    from glacial_lakes.io.geopackage import read_layers

    lakes = next(iter(read_layers(truth).values()))
    accuracy = gl.validate(lakes, lakes)
    assert f"reference lakes {len(lakes)}, {len(lakes)} hit, 0 missed" in repr(accuracy)
    assert "<table>" in accuracy._repr_html_()


BOX = (76.9, 42.9, 77.2, 43.2)
FRAME = gpd.GeoDataFrame(geometry=[shapely.box(*BOX)], crs=4326)


@pytest.mark.parametrize(
    "held",
    [BOX, list(BOX), np.array(BOX), shapely.box(*BOX), FRAME, FRAME.geometry, FRAME.to_crs(32643)],
    ids=["tuple", "list", "array", "geometry", "table", "series", "another CRS"],
)
def test_places_are_taken_as_people_hold_them(held) -> None:
    found = as_places(held).to_crs(4326)
    assert isinstance(found, gpd.GeoDataFrame)
    np.testing.assert_allclose(found.total_bounds, BOX, atol=1e-9)


def test_places_in_a_file_are_read(tmp_path: Path) -> None:
    FRAME.to_file(tmp_path / "aoi.gpkg")
    for path in (tmp_path / "aoi.gpkg", str(tmp_path / "aoi.gpkg")):
        np.testing.assert_allclose(as_places(path).total_bounds, BOX)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (FRAME.set_crs(None, allow_override=True), "no CRS; give it one with set_crs"),
        (FRAME.geometry.set_crs(None, allow_override=True), "no CRS"),
        (42, "given as int; give a file"),
        ((1, 2, 3), "given as tuple"),
        ((77.2, 42.9, 76.9, 43.2), "bounding box has the bounds .*west, south, east, north"),
        ((500000, 4700000, 510000, 4710000), "in degrees"),
        ((float("nan"), 0, 1, 1), "bounding box"),
    ],
)
def test_places_that_cannot_be_meant_are_refused_in_one_line(held, said) -> None:
    with pytest.raises(VectorError, match=said) as refused:
        as_places(held)
    assert "\n" not in str(refused.value)
