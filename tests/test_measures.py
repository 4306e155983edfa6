"""Areas on the ellipsoid, elevations and glacier distances against independent figures."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS
from shapely import Point, Polygon, box
from shapely.affinity import translate

from glacial_lakes import measures
from glacial_lakes.grid import Grid
from glacial_lakes.terrain import Terrain


def test_area_equals_an_equal_area_projection_in_every_zone() -> None:
    equal_area = "+proj=laea +lat_0={} +lon_0={} +ellps=WGS84"
    for zone in range(41, 47):
        lon, lat = -183 + 6 * zone + 2.5, 42.0
        polygon = Point(lon, lat).buffer(0.01, quad_segs=64)
        project = Transformer.from_crs(4326, equal_area.format(lat, lon), always_xy=True)
        planar = Polygon(np.column_stack(project.transform(*np.array(polygon.exterior.coords).T)))
        found = measures.geodesic_area_perimeter(gpd.GeoSeries([polygon], crs=4326))
        assert found["area_m2"].iloc[0] == pytest.approx(planar.area, rel=1e-6)


@pytest.mark.parametrize("reverse_shell", [False, True])
@pytest.mark.parametrize("reverse_hole", [False, True])
def test_a_hole_is_taken_off_whatever_way_its_ring_runs(
    reverse_shell: bool, reverse_hole: bool
) -> None:
    shell, hole = (
        box(460_000, 4_719_000, 461_000, 4_720_000),
        box(460_200, 4_719_200, 460_700, 4_719_700),
    )
    outer, inner = list(shell.exterior.coords), list(hole.exterior.coords)
    polygon = Polygon(outer[:: -1 if reverse_shell else 1], [inner[:: -1 if reverse_hole else 1]])
    found = measures.geodesic_area_perimeter(gpd.GeoSeries([polygon, shell, hole], crs=32643))
    area = found["area_m2"]
    assert area.iloc[0] == pytest.approx(area.iloc[1] - area.iloc[2], rel=1e-9)


def test_a_missing_geometry_has_no_area() -> None:
    found = measures.geodesic_area_perimeter(gpd.GeoSeries([None, Polygon()], crs=32643))
    assert found.isna().all(axis=None)


def test_inner_point_of_a_crescent_lies_in_it() -> None:
    crescent = Point(0.5, 0.5).buffer(0.4).difference(Point(0.6, 0.5).buffer(0.38))
    point = measures.inner_lon_lat(gpd.GeoSeries([crescent], crs=4326)).iloc[0]
    assert crescent.contains(Point(point["lon"], point["lat"]))


def test_nearest_glacier_of_several_is_found_with_its_name() -> None:
    lake = box(460_000, 4_719_000, 460_100, 4_719_100)
    glaciers = gpd.GeoDataFrame(
        {"RGIId": ["far", "near", "empty"]},
        geometry=[translate(lake, 5000), translate(lake, 0, 350), Polygon()],
        crs=32643,
    )
    found = measures.nearest_glacier(gpd.GeoSeries([lake], crs=32643), glaciers.to_crs(4326))
    assert found["glacier_id"].iloc[0] == "near"
    assert found["glacier_dist_m"].iloc[0] == pytest.approx(250, abs=0.5)


def test_a_lake_on_a_glacier_has_distance_zero(sample_data: Path) -> None:
    glaciers = gpd.read_file(sample_data / "glaciers.gpkg")
    inside = glaciers.geometry.iloc[[2]].representative_point().buffer(5)
    found = measures.nearest_glacier(inside, glaciers)
    assert found.iloc[0].to_list() == [glaciers["glacier_id"].iloc[2], 0.0]


def test_without_glaciers_nothing_is_near() -> None:
    lakes = gpd.GeoSeries([box(460_000, 4_719_000, 460_100, 4_719_100)], index=[7], crs=32643)
    found = measures.nearest_glacier(lakes, gpd.GeoDataFrame({"rgi_id": []}, geometry=[], crs=4326))
    assert found.index.to_list() == [7]
    assert found.isna().all(axis=None)


def test_elevation_is_the_median_inside_and_missing_where_the_dem_ends() -> None:
    grid = Grid(CRS.from_epsg(32643), Affine(30, 0, 460_000, 0, -30, 4_720_000), (20, 20))
    heights = np.full(grid.shape, 3000, "float32")
    heights[:, 10:] = np.nan
    layer = np.zeros(grid.shape, "float32")
    terrain = Terrain(grid, heights, layer, layer)
    lakes = gpd.GeoSeries(
        [box(460_030, 4_719_700, 460_120, 4_719_800), box(460_400, 4_719_700, 460_500, 4_719_800)],
        crs=32643,
    )
    found = measures.elevation(lakes, terrain)
    assert found.iloc[0] == 3000
    assert np.isnan(found.iloc[1])
