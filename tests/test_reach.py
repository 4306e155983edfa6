"""Inputs that miss each other are told, and places of any map meet the scene they lie about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS
from sample_inventory import make_inventory
from shapely import affinity, box

from glacial_lakes.errors import InputError, VectorError
from glacial_lakes.export.export import earlier, export
from glacial_lakes.grid import Grid
from glacial_lakes.ingest.partner import named_catalogue
from glacial_lakes.ingest.track_files import track_files
from glacial_lakes.inventory.build import _basins
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.mapping.reach import check_reach, on_map
from glacial_lakes.report.page import write_report
from glacial_lakes.report.viewer import write_viewer
from glacial_lakes.scenes import discover
from glacial_lakes.settings import CatalogueSettings, ExportSettings, Project, StorageSettings
from glacial_lakes.validation.validate import validate
from glacial_lakes.workflow.map_files import map_scenes
from glacial_lakes.workflow.run import require_reach

GRID = Grid(CRS.from_epsg(32643), Affine(30, 0, 455_025, 0, -30, 4_722_015), (300, 300))
SCENE = box(*GRID.bounds)
ASIA = box(40, 20, 110, 70)


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return make_inventory(2)


def share(table: gpd.GeoDataFrame, grid: Grid = GRID) -> float:
    """Return how much of a scene lies in some places."""
    ground = shapely.union_all(on_map(table, grid).geometry.to_numpy())
    return float(ground.intersection(box(*grid.bounds)).area / box(*grid.bounds).area)


@pytest.mark.parametrize("crs", [4326, 3857, 32644, 32643])
def test_an_area_of_interest_may_be_as_large_as_a_continent(crs: int) -> None:
    shape = ASIA if crs == 4326 else SCENE.buffer(100)
    if crs == 3857:
        shape = gpd.GeoSeries([ASIA], crs=4326).to_crs(crs).item()
    if crs == 32644:
        shape = gpd.GeoSeries([shape], crs=32643).to_crs(crs).item()
    assert share(gpd.GeoDataFrame(geometry=[shape], crs=crs)) == 1


def test_the_whole_world_is_an_area_of_interest() -> None:
    assert share(gpd.GeoDataFrame(geometry=[box(-180, -90, 180, 90)], crs=4326)) == 1


def test_a_long_side_in_degrees_is_a_parallel() -> None:
    (north,) = gpd.GeoSeries([shapely.Point(74.505, 42.6)], crs=4326).to_crs(32643).y
    expected = (north - GRID.bounds[1]) / (GRID.bounds[3] - GRID.bounds[1])
    side = gpd.GeoDataFrame(geometry=[box(40, 20, 110, 42.6)], crs=4326)
    assert share(side) == pytest.approx(expected, abs=1e-3)


def test_places_on_the_other_side_of_the_180th_meridian_are_near() -> None:
    west = Grid(CRS.from_epsg(32660), Affine(30, 0, 740_000, 0, -30, 4_722_000), (300, 300))
    (edge,) = gpd.GeoSeries([shapely.Point(180, 42.6)], crs=4326).to_crs(32660)
    assert west.bounds[2] > edge.x - 5000
    ice = gpd.GeoDataFrame(geometry=[box(-180, 42.5, -179.95, 42.7)], crs=4326)
    (near,) = on_map(ice, west, 10_000).geometry
    assert near.distance(box(*west.bounds)) < 10_000
    assert on_map(gpd.GeoDataFrame(geometry=[box(10, 42, 11, 43)], crs=4326), west).empty


@pytest.mark.parametrize("east", [180.1, -179.9])
def test_a_ring_over_the_180th_meridian_lies_there_however_it_is_written(east: float) -> None:
    corners = [(179.9, 42.5), (east, 42.5), (east, 42.7), (179.9, 42.7)]
    area = gpd.GeoDataFrame({"name": ["Line"]}, geometry=[shapely.Polygon(corners)], crs=4326)
    scene = box(-179.99, 42.55, -179.95, 42.6)
    check_reach([scene], aoi=area, basins=area)
    with pytest.raises(InputError, match="km away"):
        check_reach([box(0, 42.55, 0.1, 42.6)], aoi=area)
    lakes = gpd.GeoDataFrame(geometry=[scene, box(0, 42.55, 0.1, 42.6)], crs=4326)
    assert _basins(lakes, area, "name").tolist() == ["Line", np.nan]


def test_a_reference_of_another_place_is_refused() -> None:
    lakes = gpd.GeoDataFrame(geometry=[box(0, 0, 300, 300)], crs=GRID.crs.to_wkt())
    lakes = lakes.set_geometry(lakes.translate(458_000, 4_720_000))
    far = lakes.set_geometry(lakes.translate(30_000))
    swapped = lakes.to_crs(4326)
    swapped = swapped.set_geometry(shapely.transform(swapped.geometry.to_numpy(), np.fliplr))
    for reference, told in ((far, "30 km"), (swapped.set_crs(4326), "km")):
        with pytest.raises(VectorError, match=f"lies .*{told} away from all outlines"):
            validate(lakes, reference)
    near = lakes.set_geometry(lakes.translate(3_000))
    assert validate(lakes, near).to_frame().loc["all", "recall"] == 0


def test_glaciers_out_of_reach_are_refused(sample_data: Path, tmp_path: Path) -> None:
    ice = gpd.read_file(sample_data / "glaciers.gpkg")
    far = ice.set_geometry([affinity.translate(one, 40_000) for one in ice.geometry])
    product = sample_data / "scenes" / "LT05_L2SP_151030_20030817_20200904_02_T1"
    with pytest.raises(InputError, match="km away"):
        map_scenes([product], tmp_path / "o.gpkg", glaciers=far)
    assert not (tmp_path / "o.gpkg").exists()


def test_metres_with_a_crs_in_degrees_are_told_as_what_they_are(tmp_path: Path) -> None:
    area = gpd.GeoDataFrame(geometry=[SCENE], crs=4326)
    with pytest.raises(InputError, match="has coordinates in metres, and a CRS in degrees; corr"):
        check_reach([box(74, 42, 75, 43)], aoi=area)


FAR = shapely.Point(10.0, 46.0)


def test_a_list_of_lakes_of_another_country_is_refused(
    inventory: Inventory, tmp_path: Path
) -> None:
    """Else no lake gets a number, and nobody is told."""
    inventory.lakes.assign(GL_Date="2015-08-01").to_file(tmp_path / "lakes.gpkg")
    places = {"far": [FAR] * 2, "near": [FAR, inventory.lakes.geometry[0].centroid]}
    for name, points in places.items():
        rows = gpd.GeoDataFrame({"catalogue_no": ["1", "2"]}, geometry=points, crs=4326)
        rows.to_file(tmp_path / f"{name}.gpkg")

    def tracked(name: str) -> Inventory:
        catalogue = named_catalogue(tmp_path / f"{name}.gpkg")
        out = tmp_path / f"{name}_inventory.gpkg"
        return track_files([tmp_path / "lakes.gpkg"], out, catalogue=catalogue)

    with pytest.raises(InputError, match=r"far\.gpkg: lies .* km away from all images and outl"):
        tracked("far")
    assert not (tmp_path / "far_inventory.gpkg").exists()
    assert (tracked("near").lakes["catalogue_no"] == "2").sum() == 1


def test_changes_are_not_told_from_an_inventory_of_another_place(
    inventory: Inventory, tmp_path: Path
) -> None:
    inventory.to_file(tmp_path / "here.gpkg")
    moved = inventory.lakes.geometry.translate(20)
    replace(inventory, lakes=inventory.lakes.set_geometry(moved)).to_file(tmp_path / "far.gpkg")
    for write in (
        lambda since: export(inventory, tmp_path / "out", ["csv_excel"], since=tmp_path / since),
        lambda since: earlier(str(tmp_path / since), inventory),
    ):
        with pytest.raises(InputError, match=r"far\.gpkg: lies .* km away"):
            write("far.gpkg")
        write("here.gpkg")


def test_what_a_project_names_for_another_place_is_told_before_anything_is_mapped(
    sample_data: Path, inventory: Inventory, tmp_path: Path
) -> None:
    scenes = discover(sample_data / "scenes" / "LT05_L2SP_151030_20030817_20200904_02_T1")
    (tmp_path / "list.csv").write_text("no;lon;lat\n1;10.0;46.0\n", encoding="utf-8")
    moved = inventory.lakes.geometry.translate(20)
    replace(inventory, lakes=inventory.lakes.set_geometry(moved)).to_file(tmp_path / "old.gpkg")
    depths = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": "float32"}
    transform = Affine(30, 0, 300_000, 0, -30, 5_000_000)
    with rasterio.open(
        tmp_path / "depths.tif", "w", **depths, crs="EPSG:32632", transform=transform
    ) as file:
        file.write(np.full((4, 4), 5.0, "float32"), 1)
    for name, table in {
        "list.csv": {"catalogue": CatalogueSettings(file="list.csv", id="no")},
        "old.gpkg": {"export": ExportSettings(since="old.gpkg")},
        "depths.tif": {"storage": StorageSettings(bathymetry=("depths.tif",))},
    }.items():
        with pytest.raises(InputError, match=rf"{name}: lies .* km away from all images"):
            require_reach(Project(folder=tmp_path, **table), scenes)  # type: ignore[arg-type]


def test_a_viewer_whose_elevation_model_shows_nothing_of_it_tells_so(
    inventory: Inventory, sample_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    far = replace(
        inventory, outlines=inventory.outlines.set_geometry(inventory.outlines.translate(20))
    )
    for held, count in ((inventory, 0), (far, 1)):
        write_viewer(held, tmp_path / "viewer.html", dem=sample_data / "dem.tif")
        assert caplog.text.count("dem.tif: no relief is drawn, for no lake lies there") == count


@pytest.mark.parametrize("write", [write_report, write_viewer])
def test_a_report_is_not_drawn_with_glaciers_of_another_place(
    write: object, inventory: Inventory, tmp_path: Path
) -> None:
    far = gpd.GeoDataFrame(geometry=[box(10, 46, 10.1, 46.1)], crs=4326)
    far.to_file(tmp_path / "far.gpkg")
    for ice, told in (
        (far, "km away"),
        (far.iloc[:0], "has no polygons"),
        (tmp_path / "far.gpkg", "far.gpkg: "),
    ):
        with pytest.raises(InputError, match=told):
            write(inventory, tmp_path / "r.html", glaciers=ice)  # type: ignore[operator]
    assert not (tmp_path / "r.html").exists()
