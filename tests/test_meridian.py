"""Lakes that the 180th meridian crosses are as whole as others."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from glacial_lakes.export.export import export
from glacial_lakes.ingest.check import check_file
from glacial_lakes.ingest.track_files import track_files
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.inventory.plots import plot_lakes
from glacial_lakes.io.vector import as_places
from glacial_lakes.measures import geodesic_area_perimeter, inner_lon_lat
from glacial_lakes.measures.meridian import around, cut_at_180, in_degrees, in_equal_area
from glacial_lakes.report.contents import describe
from glacial_lakes.tracking.ragged import RaggedPolygons
from glacial_lakes.workflow.map_files import map_scenes

ZONE = 32660
(MIDDLE,) = gpd.GeoSeries([shapely.Point(180, 65)], crs=4326).to_crs(ZONE)


def lake(east: float = 0.0, radius: float = 200.0) -> shapely.Geometry:
    return shapely.Point(MIDDLE.x + east, MIDDLE.y).buffer(radius)


LAKES = gpd.GeoSeries([lake(), lake(-5000, 100), lake(5000, 100)], crs=ZONE)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Return three lakes of two surveys; the first lies on the meridian, a glacier beside it."""
    folder = tmp_path_factory.mktemp("meridian")
    paths = []
    for year, shift in ((2015, 0.0), (2020, 20.0)):
        table = gpd.GeoDataFrame(geometry=LAKES.translate(shift), crs=ZONE)
        paths.append(folder / f"lakes_{year}-08-01.gpkg")
        table.to_file(paths[-1])
    ice = gpd.GeoDataFrame({"rgi_id": ["ice"]}, geometry=[lake(900, 300)], crs=ZONE)
    ice = ice.to_crs(4326)
    ice.to_file(folder / "ice.gpkg")
    return track_files(paths, folder / "out" / "i.gpkg", glaciers=folder / "ice.gpkg")


@pytest.mark.parametrize("move", [in_degrees, in_equal_area])
def test_an_outline_is_cut_there_and_stays_as_large(move: object) -> None:
    cut = move(LAKES)  # type: ignore[operator]
    assert cut.is_valid.all()
    assert cut.geom_type.tolist() == ["MultiPolygon", "Polygon", "Polygon"]
    parts = cut.explode()
    half = 180.0 if move is in_degrees else 17_367_530.5
    assert (parts.bounds["maxx"] - parts.bounds["minx"]).max() < half / 100
    whole, there = geodesic_area_perimeter(LAKES), geodesic_area_perimeter(cut)
    np.testing.assert_allclose(there, whole, rtol=1e-6)
    again = gpd.GeoSeries(cut_at_180(cut.to_numpy(), cut.crs), crs=cut.crs)
    assert again.geom_equals(cut).all()


def test_ragged_outlines_are_cut_on_their_way_there_and_back() -> None:
    there = RaggedPolygons.of(LAKES.to_numpy()).to_crs(ZONE, "EPSG:6933")
    back = gpd.GeoSeries(there.to_crs("EPSG:6933", 4326).geometries(), crs=4326)
    np.testing.assert_allclose(shapely.area(there.geometries()), LAKES.area, rtol=3e-3)
    np.testing.assert_allclose(back.bounds, in_degrees(LAKES).bounds, atol=1e-9)


def test_longitudes_beyond_180_are_the_same_place() -> None:
    east = gpd.GeoSeries(
        [shapely.box(179.9, 65, 180.1, 66), shapely.box(181, 65, 182, 66)], crs=4326
    )
    cut = in_degrees(east)
    assert cut.bounds.to_numpy().tolist() == [[-180, 65, 180, 66], [-179, 65, -178, 66]]
    world = gpd.GeoSeries([shapely.box(-180, -90, 180, 90)], crs=4326)
    assert in_degrees(world).geom_equals(world).all()


@given(st.floats(-179.9, 179.9), st.sampled_from([0.001, 0.01, 0.2]))
def test_a_ring_of_longitudes_from_0_to_360_is_the_same_place(lon: float, size: float) -> None:
    """Also across the meridian of Greenwich, where its longitudes jump."""
    box = shapely.box(lon - size, 42.0, lon + size, 42.1)
    east = shapely.transform(box, lambda xy: np.column_stack([xy[:, 0] % 360, xy[:, 1]]))
    plain, turned = (in_degrees(gpd.GeoSeries([one], crs=4326)).iloc[0] for one in (box, east))
    assert shapely.symmetric_difference(plain, turned).area < 1e-6 * box.area


def test_a_point_inside_lies_inside() -> None:
    points = inner_lon_lat(LAKES)
    assert (points["lon"].abs() > 179.8).all()


def test_a_box_from_west_to_east_of_180_has_a_part_on_each_side() -> None:
    (area,) = as_places((179.9, 65, -179.9, 66)).geometry
    assert area.area == pytest.approx(0.2)
    assert area.bounds == (-180, 65, 180, 66)


def test_lakes_have_codes_outlines_and_glaciers_of_their_place(inventory: Inventory) -> None:
    lakes = inventory.lakes.set_index("lake_id")
    assert len(lakes) == 3
    assert all(name[2:5] in {"179", "180"} for name in lakes.index)
    assert (lakes["lon"].abs() > 179.8).all()
    assert lakes["area_m2"].max() == pytest.approx(np.pi * 200**2, rel=0.01)
    widths = lakes.geometry.explode().bounds
    assert (widths["maxx"] - widths["minx"]).max() < 0.1
    distances = sorted(lakes["glacier_dist_m"])
    assert distances == pytest.approx([380, 3680, 5520], rel=0.03)
    assert inventory.events.empty


def test_exports_are_cut_as_rfc_7946_has_it(inventory: Inventory, tmp_path: Path) -> None:
    export(inventory, tmp_path, ["geojson", "kmz", "shp"])
    features = json.loads((tmp_path / "lakes.geojson").read_text(encoding="utf-8"))["features"]
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    for shape in shapes:
        assert shape.is_valid
        for part in shapely.get_parts(shape):
            west, _, east, _ = part.bounds
            assert -180 <= west < east <= 180
            assert east - west < 0.1


def test_the_report_shows_both_sides_beside_each_other(inventory: Inventory) -> None:
    page = describe(inventory, [], "en")
    assert page.map is not None
    west, _, east, _ = page.map.frame.bounds
    assert 179.7 < west < 180 < east < 180.4
    assert all(0 < place.at.x < page.map.frame.width for place in page.map.lakes)
    assert page.bounds is not None
    assert page.bounds[0] > 179
    assert page.bounds[2] < -179


def test_a_map_of_lakes_shows_both_sides_beside_each_other(inventory: Inventory) -> None:
    figure = Figure()
    west, east = plot_lakes(inventory.lakes, figure.add_subplot()).get_xlim()
    assert 0 < east - west < 1
    assert west < 180 < east or west < -180 < east


def test_a_check_finds_nothing_wrong_with_such_an_inventory(
    inventory: Inventory, tmp_path: Path
) -> None:
    path = tmp_path / "i.gpkg"
    inventory.to_file(path)
    assert [found for found in check_file(path) if found.state == "fault"] == []


def test_bounds_elsewhere_stay_as_they_are() -> None:
    assert around((74.0, 42.0, 75.0, 43.0), [74.0, 75.0]) == (74.0, 42.0, 75.0, 43.0)
    assert around((-120.0, 42.0, 50.0, 43.0), [-120.0, 50.0]) == (-120.0, 42.0, 50.0, 43.0)


@pytest.fixture(scope="module")
def scene(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a sample scene moved east and as far north, where the meridian crosses its lakes."""
    folder = tmp_path_factory.mktemp("scene")
    [product] = (sample_data / "scenes").glob("LC08_*_20130903_*")
    bands = {"green": 3, "red": 4, "nir": 5, "swir1": 6}
    layers = []
    for number in bands.values():
        with rasterio.open(*product.glob(f"*_SR_B{number}.TIF")) as image:
            layers.append(image.read(1))
            profile = {**image.profile, "count": len(bands), "crs": "EPSG:32601"}
            profile["transform"] = Affine.translation(-205620, 4380) @ image.transform
    with rasterio.open(folder / "a.tif", "w", **profile) as image:
        image.write(np.stack(layers))
    (folder / "a.toml").write_text(
        "acquired = 2013-09-02T22:31:00Z\nsensor = 'LC08'\nscale = 2.75e-05\noffset = -0.2\n"
        "nodata = 0\n[bands]\n" + "".join(f"{name} = {n}\n" for n, name in enumerate(bands, 1)),
        encoding="utf-8",
    )
    return folder / "a.tif"


def test_outlines_of_a_scene_are_cut_in_geojson_and_as_large_as_in_its_zone(
    scene: Path, tmp_path: Path
) -> None:
    map_scenes([scene], tmp_path / "a.gpkg")
    map_scenes([scene], tmp_path / "a.geojson")
    whole, cut = (gpd.read_file(tmp_path / f"a.{ending}") for ending in ("gpkg", "geojson"))
    assert (in_degrees(whole.geometry).geom_type == "MultiPolygon").any()
    assert cut.geometry.is_valid.all()
    bounds = cut.geometry.explode().bounds
    assert (bounds["maxx"] - bounds["minx"]).max() < 0.1
    areas = [geodesic_area_perimeter(table.geometry)["area_m2"] for table in (whole, cut)]
    np.testing.assert_allclose(*areas, rtol=1e-5)
