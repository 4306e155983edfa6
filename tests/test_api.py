"""What a researcher meets first: names, wrong types and values, how objects show themselves."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import get_type_hints

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import glacial_lakes as gl
from glacial_lakes.change.series import epoch_names
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


DRAWN = FRAME.to_crs(32643)
SURVEY = gl.CompleteCoverage("survey 2020", datetime(2020, 8, 1, tzinfo=UTC), "S2A", 10.0)
MAPPED = gl.MappedScene(DRAWN, SURVEY)
WRONG_TYPES = {
    "a path for a scene": (lambda _: gl.map_lakes("LC08.SAFE"), "scene is given as str; open it"),
    "a dict of settings": (
        lambda scene: gl.map_lakes(scene, settings={"min_pixels": 3}),
        "settings is given as dict; give MappingSettings",
    ),
    "other settings": (
        lambda scene: gl.map_lakes(scene, settings=gl.TrackingSettings()),
        "settings is given as TrackingSettings",
    ),
    "a name of a detector": (lambda scene: gl.map_lakes(scene, detector="x"), "give a function"),
    "one mapped scene": (lambda _: gl.track(MAPPED), "mapped is given as MappedScene; give a list"),
    "one table": (lambda _: gl.track(DRAWN), "mapped is given as GeoDataFrame; give a list"),
    "a path of an inventory": (
        lambda _: gl.track([MAPPED], previous="inventory.gpkg"),
        "previous is given as str; open it with open_inventory",
    ),
    "settings of mapping": (
        lambda _: gl.track([MAPPED], settings=gl.MappingSettings()),
        "settings is given as MappingSettings; give TrackingSettings",
    ),
    "a path of outlines": (lambda _: gl.validate("lakes.gpkg", DRAWN), "outlines is given as str"),
    "a mapped scene": (lambda _: gl.validate(DRAWN, MAPPED), "reference is given as MappedScene"),
    "a number for paths": (lambda _: gl.discover(42), "paths is given as int; give a path"),
    "numbers for paths": (lambda _: gl.discover([42]), "a path is given as int; give a path"),
    "a number for a path": (lambda _: gl.open_scene(42), "path is given as int; give the path"),
    "a path of a project": (lambda _: gl.run("project.toml"), "read it with read_project"),
    "a path to export": (
        lambda _: gl.export_inventory("inventory.gpkg", "output", ["csv"]),
        "inventory is given as str; open it with open_inventory",
    ),
    "a path to report": (lambda _: gl.write_report("x.gpkg", "x.html"), "open it with open_inv"),
    "points as lakes": (
        lambda _: gl.track([gl.MappedScene(DRAWN.set_geometry(DRAWN.centroid), SURVEY)]),
        "hold a Point, which has no area; give polygons",
    ),
    "a number for a mapped scene": (lambda _: gl.track([3]), "a mapped scene is given as int"),
    "a text for a date": (
        lambda _: gl.CompleteCoverage("a", "2020-01-01", "S2A"),
        "acquired is given as str; give a datetime",
    ),
    "numbers for outlines": (
        lambda _: gl.MappedScene(3, 4),
        "outlines is given as int; give a Geo",
    ),
    "a number for a coverage": (lambda _: gl.MappedScene(DRAWN, 4), "coverage is given as int"),
    "numbers for a grid": (lambda _: gl.Grid(1, 2, 3), "crs is given as int; give a rasterio"),
    "a dict for a table": (
        lambda _: gl.Project(mapping={"a": 1}),
        "mapping is given as dict; give MappingSettings",
    ),
    "one band": (lambda scene: scene.read("green"), r"bands is given as str; give a list .*green"),
    "no bands": (lambda scene: scene.read(3), "bands is given as int; give a list"),
    "lists for bands": (
        lambda _: gl.indices.ndwi([1], [2]),
        "a band is given as list; give an arr",
    ),
    "an unknown index": (
        lambda _: gl.indices.compute("zz", {}),
        "no index zz; use one of awei_nsh",
    ),
    "too few bands": (
        lambda _: gl.indices.compute("ndwi", {"green": 0.1}),
        "the index ndwi needs the bands nir",
    ),
    "an inventory to check": (
        lambda _: gl.check_file(gl.track([MAPPED])),
        "path is given as Inventory; give the path of a file",
    ),
    "an inventory to review": (
        lambda _: gl.review_file(gl.track([MAPPED])),
        "inventory is given as Inventory; give the path",
    ),
    "a number for a page": (
        lambda _: gl.write_report(gl.track([MAPPED]), 5),
        "path is given as int",
    ),
    "a number to open": (
        lambda _: gl.open_inventory(3),
        "path is given as int; give the path of an",
    ),
    "an open inventory": (lambda _: gl.open_inventory(gl.track([MAPPED])), "is given as Inventory"),
    "a number for a project": (lambda _: gl.read_project(4), "path is given as int; give the path"),
    "a number for a mapped file": (lambda _: MAPPED.to_file(3), "path is given as int"),
    "a number for an inventory": (lambda _: gl.track([MAPPED]).to_file(3), "path is given as int"),
    "a number for a shapefile": (
        lambda _: gl.track([MAPPED]).to_shapefile(3),
        "path is given as int",
    ),
    "a number for a table": (
        lambda _: gl.map_scenes([SAMPLE / "scenes"], 5),
        "path is given as int; give the path of a file",
    ),
    "a number for a folder": (
        lambda _: gl.export_inventory(gl.track([MAPPED]), 5, ["csv"]),
        "folder is given as int; give the path of a folder",
    ),
    "a number for formats": (
        lambda _: gl.export_inventory(gl.track([MAPPED]), "output", 5),
        "formats is given as int; give a list of formats",
    ),
    "a number to look with": (
        lambda scene: gl.map_lakes(scene, look=3),
        "look is given as int; give a function",
    ),
    "a number for a window": (lambda scene: scene.read(["green"], 3), "window is given as int"),
    "a text for states": (
        lambda scene: gl.Coverage.from_states(
            "x", scene_id="a", acquired=scene.acquired, sensor="S2A", grid=scene.grid
        ),
        "states is given as str",
    ),
    "states of another grid": (
        lambda scene: gl.Coverage.from_states(
            np.zeros((2, 2), np.uint8),
            scene_id="a",
            acquired=scene.acquired,
            sensor="S2A",
            grid=scene.grid,
        ),
        r"states have the shape \(2, 2\), their grid has \(300, 300\)",
    ),
    "bands of two grids": (
        lambda _: gl.indices.ndwi(np.ones((2, 3)), np.ones((3, 2))),
        r"bands have the shapes \(2, 3\), \(3, 2\)",
    ),
    "texts for a band": (
        lambda _: gl.indices.ndwi(np.array(["a"], object), np.ones(1)),
        "a band holds object, no reflectance",
    ),
    "points for glaciers": (
        lambda scene: gl.map_lakes(scene, glaciers=shapely.Point(77, 43)),
        "glaciers has no polygons; give polygons",
    ),
    "a line for an area": (
        lambda scene: gl.map_lakes(scene, aoi=shapely.LineString([(77, 43), (78, 43)])),
        "aoi has no polygons",
    ),
    "a point for glaciers of tracking": (
        lambda _: gl.track([MAPPED], glaciers=shapely.Point(77, 43)),
        "glaciers has no polygons",
    ),
}


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_an_argument_of_another_type_is_refused_in_one_line(name: str) -> None:
    call, said = WRONG_TYPES[name]
    with pytest.raises(InputError, match=said) as refused:
        call(gl.discover(SAMPLE / "scenes")[0])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [-5.0, float("nan"), "x", True])
@pytest.mark.parametrize(
    "call",
    [
        lambda scene, value: gl.map_lakes(scene, min_area_m2=value),
        lambda scene, value: gl.map_lakes(scene, glacier_buffer_m=value),
        lambda scene, value: gl.track([MAPPED], min_area_m2=value),
        lambda scene, value: gl.validate(DRAWN, DRAWN, min_area_m2=value),
        lambda scene, value: gl.CompleteCoverage("a", scene.acquired, "S2A", value),
    ],
    ids=["lake mapped", "buffer", "lake tracked", "lake validated", "pixel"],
)
def test_an_amount_below_0_or_no_number_is_refused_in_one_line(call, value) -> None:
    with pytest.raises(InputError, match=r"_m2? is given as .*; give a number, 0 or more"):
        call(gl.discover(SAMPLE / "scenes")[0], value)


def test_a_language_without_a_catalogue_is_refused_before_anything_is_written(tmp_path) -> None:
    with pytest.raises(ConfigError, match="language 'xx' is not known; use one of en, ru"):
        gl.export_inventory(gl.track([MAPPED]), tmp_path, ["csv"], language="xx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["jobs", "max_memory"])
@pytest.mark.parametrize("value", [0, -3, "x", 1.5, True])
def test_a_number_that_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, value
) -> None:
    with pytest.raises(InputError, match=rf"{name} is given as .*; give a whole number"):
        gl.run(gl.Project(tmp_path), **{name: value})
    assert list(tmp_path.iterdir()) == []


def test_a_time_without_a_zone_is_utc_also_beside_one_with_a_zone() -> None:
    naive = gl.CompleteCoverage("survey 2021", datetime(2021, 8, 1), "S2A", 10.0)
    inventory = gl.track([MAPPED, gl.MappedScene(DRAWN, naive)])
    assert inventory.scenes["acquired"].tolist() == [
        pd.Timestamp("2020-08-01", tz="UTC"),
        pd.Timestamp("2021-08-01", tz="UTC"),
    ]


@pytest.mark.parametrize("name", ["map_lakes", "map_scenes", "track", "track_files", "validate"])
def test_the_types_of_arguments_can_be_asked_for_without_optional_libraries(name: str) -> None:
    assert "return" in get_type_hints(getattr(gl, name))


def test_one_path_is_one_path_and_no_list_of_letters(tmp_path: Path) -> None:
    scene = SAMPLE / "scenes" / "nothing"
    with pytest.raises(InputError, match=r"nothing: no scene could be used"):
        gl.map_scenes(str(scene), tmp_path / "lakes.gpkg")
    with pytest.raises(InputError, match=r"nothing\.gpkg: no file could be used"):
        gl.track_files(str(tmp_path / "nothing.gpkg"), tmp_path / "tracked.gpkg")


def test_a_series_of_outlines_is_validated_like_its_table() -> None:
    assert repr(gl.validate(DRAWN.geometry, DRAWN.geometry)) == repr(gl.validate(DRAWN, DRAWN))


def test_glaciers_are_taken_as_people_hold_them_wherever_they_are_asked_for(tmp_path: Path) -> None:
    DRAWN.to_file(tmp_path / "survey.gpkg")
    usual = gl.track([MAPPED], glaciers=FRAME).lakes["lake_type"].tolist()
    assert gl.track([MAPPED], glaciers=BOX).lakes["lake_type"].tolist() == usual
    inventory = gl.track_files(
        tmp_path / "survey.gpkg", tmp_path / "tracked.gpkg", date="2020-08-01", glaciers=FRAME
    )
    assert inventory.lakes["lake_type"].tolist() == usual
    pages = [
        gl.write_report(inventory, tmp_path / f"{name}.html", glaciers=held).read_bytes()
        for name, held in (("table", FRAME), ("geometry", FRAME.geometry[0]), ("bounds", BOX))
    ]
    assert pages[0] == pages[1] == pages[2]


def test_images_of_unknown_sensors_are_named_without_a_warning() -> None:
    days = pd.to_datetime(["2020-08-01", "2021-08-01"], utc=True).to_series(index=[0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = epoch_names(days, pd.Series([None, np.nan], dtype=object))
    assert names.tolist() == ["2020-08-01", "2021-08-01"]
