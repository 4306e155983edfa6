"""Images in degrees are mapped on their own pixels: lakes and areas are those of metres."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from scipy.stats import binom

import glacial_lakes as gl
from glacial_lakes.columns import C
from glacial_lakes.errors import GridError, Message
from glacial_lakes.grid import Grid
from glacial_lakes.language import in_language
from glacial_lakes.mapping.masks import clouds_above, reach_fraction
from glacial_lakes.scenes.held_array import crs_of
from glacial_lakes.scenes.local_metres import grid_of
from glacial_lakes.scenes.raster import Header, coarsening, read_numbers
from glacial_lakes.terrain import read_terrain

xr = pytest.importorskip("xarray")

NAMES = ["blue", "green", "red", "nir", "swir1"]
DAY, EDGE, ROW, COL = "2022-08-16", 500, 200, 300
WINDOW = Window(COL, ROW, EDGE, EDGE)
WGS84 = CRS.from_epsg(4326)


Held = tuple[gl.Scene, Any]
"""A scene of arrays, and an elevation model."""


def pixel_deg(latitude: float, width_m: float, height_m: float) -> tuple[float, float]:
    """Return width and height in degrees of a pixel of so many metres on the ellipsoid."""
    geod = pyproj.Geod(ellps="WGS84")
    here = geod.fwd(0, latitude, 90, width_m)[0], geod.fwd(0, latitude, 0, height_m)[1] - latitude
    return float(here[0]), float(here[1])


@pytest.fixture(scope="module")
def scene(sample_data: Path) -> gl.Scene:
    scenes = gl.discover(sample_data / "scenes")
    return next(one for one in scenes if f"{one.acquired:%Y-%m-%d}" == DAY)


@pytest.fixture(scope="module")
def part(scene: gl.Scene) -> Grid:
    """Return the grid in metres of the pixels that all tests map."""
    return scene.grid.crop(WINDOW)


@pytest.fixture(scope="module")
def heights(part: Grid, sample_data: Path) -> Any:
    with (
        rasterio.open(sample_data / "dem.tif") as dem,
        WarpedVRT(
            dem, crs=part.crs, transform=part.transform, width=EDGE, height=EDGE,
            resampling=Resampling.bilinear,
        ) as warped,
    ):  # fmt: skip
        return warped.read(1)


def array(values: Any, at: Affine, crs: str) -> Any:
    rows, cols = values.shape
    names = ("latitude", "longitude") if crs == "EPSG:4326" else ("y", "x")
    places = at.f + at.e * (np.arange(rows) + 0.5), at.c + at.a * (np.arange(cols) + 0.5)
    return xr.DataArray(values, dict(zip(names, places, strict=True)), names, attrs={"crs": crs})


def laid(scene: gl.Scene, heights: Any, at: Affine, crs: str, together: int = 1) -> Held:
    """Return the pixels of a part of a scene, rows averaged, and its DEM, laid on another grid."""
    rows = EDGE // together
    bands = {
        name: array(band.reshape(rows, together, EDGE).mean(axis=1), at, crs)
        for name, band in zip(NAMES, scene.read(NAMES, WINDOW), strict=True)
    }
    coarse = Window(COL // 2, ROW // 2, EDGE // 2, EDGE // 2)
    classes = read_numbers(scene.quality, coarse)[0].repeat(2, 0).repeat(2, 1)[::together]
    held = gl.Scene.from_xarray(
        xr.Dataset(bands), scale=1, offset=0, sensor="S2A", acquired=scene.acquired,
        quality=array(classes, at, crs), decoder="scl", sun_azimuth_deg=scene.sun_azimuth_deg,
        sun_elevation_deg=scene.sun_elevation_deg,
    )  # fmt: skip
    fine = Affine(at.a, 0, at.c, 0, at.e / together, at.f)
    return held, array(heights, fine, crs).assign_attrs(units="m")


def laid_in_degrees(scene: gl.Scene, heights: Any, latitude: float, together: int = 1) -> Held:
    wide, high = pixel_deg(latitude, 10.0, 10.0 * together)
    north = latitude + high * EDGE / together / 2
    return laid(scene, heights, Affine(wide, 0, 74, 0, -high, north), "EPSG:4326", together)


def in_pixels(shapes: gpd.GeoSeries, grid: Grid, together: int = 1) -> Any:
    """Return shapes by columns and rows of the pixels in metres."""
    to = Affine.scale(1, together) @ ~grid.transform
    return shapes.affine_transform([to.a, to.b, to.d, to.e, to.c, to.f]).to_numpy()


@pytest.fixture(scope="module")
def truth(part: Grid, sample_data: Path) -> gpd.GeoDataFrame:
    """Return the lakes that the part shows, by columns and rows, and which it shows whole."""
    lakes = gpd.read_file(sample_data / "truth.gpkg", layer=DAY)
    lakes["shape"] = in_pixels(lakes.geometry, part)
    lakes["whole"] = shapely.within(
        lakes["shape"].to_numpy(), shapely.box(3, 3, EDGE - 3, EDGE - 3)
    )
    return lakes[shapely.intersects(lakes["shape"].to_numpy(), shapely.box(0, 0, EDGE, EDGE))]


@pytest.fixture(scope="module")
def in_metres(scene: gl.Scene, heights: Any, part: Grid) -> gl.MappedScene:
    held, dem = laid(scene, heights, part.transform, part.crs.to_string())
    return gl.map_lakes(held, dem=dem)


@pytest.fixture(scope="module")
def in_degrees(scene: gl.Scene, heights: Any) -> gl.MappedScene:
    held, dem = laid_in_degrees(scene, heights, 42.6)
    return gl.map_lakes(held, dem=dem)


def test_the_same_pixels_in_degrees_are_the_same_lakes(
    in_metres: gl.MappedScene, in_degrees: gl.MappedScene
) -> None:
    there, here = in_metres.outlines, in_degrees.outlines
    assert len(here) == len(there) > 12
    for column in ("status", "quality", "outline_method"):
        assert here[column].tolist() == there[column].tolist()
    np.testing.assert_allclose(here["area_m2"], there["area_m2"], rtol=0.005)
    np.testing.assert_allclose(here["area_sigma_m2"], there["area_sigma_m2"], rtol=0.05)
    np.testing.assert_allclose(here["lake_prob"], there["lake_prob"], atol=0.05)
    states = (mapped.coverage.states() for mapped in (in_metres, in_degrees))
    assert np.mean(next(states) != next(states)) < 0.001


def test_pixels_twice_as_high_as_wide_give_all_lakes_within_their_errors(
    scene: gl.Scene, heights: Any, truth: gpd.GeoDataFrame
) -> None:
    held, dem = laid_in_degrees(scene, heights, 60.0, together=2)
    assert held.grid.shape == (EDGE // 2, EDGE)
    assert held.grid.transform.a == pytest.approx(10, rel=0.01)
    assert held.grid.transform.e == pytest.approx(-20, rel=0.01)
    found = gl.map_lakes(held, dem=dem).outlines
    shapes = in_pixels(found.geometry, held.grid, together=2)
    true = truth["shape"].to_numpy()
    one, other = shapely.STRtree(true).query(shapes, "intersects")
    assert set(one) == set(range(len(found)))  # nothing where there is no lake
    shared = shapely.area(shapely.intersection(shapes[one], true[other]))
    alike = shared > 0.5 * shapely.area(shapely.union(shapes[one], true[other]))
    seen = truth["observed_fraction"] - truth["cloud_shadow_fraction"] > 0.9
    wanted = np.flatnonzero(seen & truth["whole"])
    assert len(wanted) > 12
    assert set(wanted) <= set(other[alike])
    pairs = alike & np.isin(other, wanted)
    areas, known = found.iloc[one[pairs]], truth["area_m2"].to_numpy()[other[pairs]]
    assert np.median(areas["area_m2"] / known) == pytest.approx(1, abs=0.02)
    sigmas = np.abs(areas["area_m2"] - known) / areas["area_sigma_m2"]
    fewest = binom.ppf(0.025, len(sigmas), [0.683, 0.954])  # of so few lakes, by chance
    assert (sigmas < 1).sum() >= fewest[0]
    assert (sigmas < 2).sum() >= fewest[1]


def test_what_was_mapped_in_degrees_is_tracked_and_kept(
    in_degrees: gl.MappedScene, tmp_path: Path
) -> None:
    in_degrees.to_file(tmp_path / "scene.gpkg")
    back = gl.MappedScene.read(tmp_path / "scene.gpkg")
    assert back.coverage == in_degrees.coverage
    lakes = gl.track([back]).lakes
    assert len(lakes) == len(in_degrees.outlines)
    assert lakes["lon"].between(74, 74.1).all()
    assert lakes["lat"].between(42.5, 42.7).all()
    states = in_degrees.coverage.to_xarray()
    assert crs_of(states, Message("states")) == in_degrees.coverage.grid.crs


def write_in_degrees(path: Path, layers: Any, at: Affine, **tags: Any) -> None:
    layers = layers if layers.ndim == 3 else layers[np.newaxis]
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", width=layers.shape[2], height=layers.shape[1],
        count=len(layers), dtype=layers.dtype.name, crs=WGS84, transform=at, **tags,
    ) as dataset:  # fmt: skip
        dataset.write(layers)


def test_images_in_degrees_go_through_a_whole_run(
    scene: gl.Scene, heights: Any, in_degrees: gl.MappedScene, tmp_path: Path, here: None
) -> None:
    """Two dates with an elevation model, an area and exports: the lakes are those of one scene."""
    wide, high = pixel_deg(42.6, 10.0, 10.0)
    at = Affine(wide, 0, 74, 0, -high, 42.6 + high * EDGE / 2)
    classes = read_numbers(scene.quality, Window(COL // 2, ROW // 2, EDGE // 2, EDGE // 2))[0]
    for year in (2022, 2023):
        path = tmp_path / "scenes" / f"lakes_{year}.tif"
        write_in_degrees(path, scene.read(NAMES, WINDOW), at, nodata=np.nan)
        write_in_degrees(path.with_suffix(".scl.tif"), classes.repeat(2, 0).repeat(2, 1), at)
        numbers = "\n".join(f"{name} = {number}" for number, name in enumerate(NAMES, 1))
        path.with_suffix(".toml").write_text(
            f'sensor = "S2A"\nacquired = {year}-08-16T05:56:49Z\nscale = 1\noffset = 0\n'
            f'quality = "lakes_{year}.scl.tif"\ndecoder = "scl"\n'
            f"sun_azimuth_deg = {scene.sun_azimuth_deg}\n"
            f"sun_elevation_deg = {scene.sun_elevation_deg}\n[bands]\n{numbers}\n"
        )
    write_in_degrees(tmp_path / "dem.tif", heights.astype(np.float32), at)
    west, south, east, north = at.c, at.f - high * EDGE, at.c + wide * EDGE, at.f
    area = shapely.box(west, south, east, north - high * EDGE / 2)
    gpd.GeoSeries([area], crs=4326).to_file(tmp_path / "aoi.gpkg")
    (tmp_path / "project.toml").write_text(
        '[inputs]\nscenes = ["scenes/lakes_*.tif"]\ndem = "dem.tif"\n'
        '[area]\naoi = "aoi.gpkg"\n[export]\nformats = ["shp", "kmz"]\n'
    )
    result = gl.run(gl.read_project(tmp_path / "project.toml"))
    assert (result.refused, len(result.mapped)) == ((), 2)
    inside = gpd.GeoSeries([area], crs=4326).to_crs(in_degrees.outlines.crs).item()
    known = in_degrees.outlines
    known = known[known.representative_point().intersects(inside)]
    seen = gl.open_inventory(result.output / "inventory.gpkg").observations
    assert len(known) > 5
    for _, observed in seen.groupby(C.ACQUIRED):
        areas = observed[C.AREA_M2].dropna()
        assert len(observed) == len(known)
        assert areas.sum() == pytest.approx(known[C.AREA_M2].sum(), rel=0.005)
    lakes = gpd.read_file(next(result.output.rglob("lakes*.shp"))).to_crs(4326)
    assert lakes.within(area.buffer(0.01)).all()
    assert gl.run(gl.read_project(tmp_path / "project.toml")).unchanged


@pytest.mark.parametrize(
    ("crs", "corner", "name"),
    [
        (4326, (74.5, 42.7), "WGS 84, metres about 42.7 N 75 E"),
        (4284, (74.5, 42.7), "Pulkovo 1942, metres about 42.7 N 75 E"),
        (4326, (-78.2, -9.1), "WGS 84, metres about 9.1 S 78 W"),
        (4326, (281.8, -9.1), "WGS 84, metres about 9.1 S 78 W"),
        (4326, (179.98, -44.0), "WGS 84, metres about 44.0 S 180 E"),
    ],
)
def test_pixels_lie_where_degrees_tell(crs: int, corner: tuple[float, float], name: str) -> None:
    at = Affine(1e-4, 0, corner[0], 0, -1e-4, corner[1])
    grid = grid_of(CRS.from_epsg(crs), at, (600, 800))
    assert grid.crs_name == name
    geodetic = pyproj.CRS(grid.crs.to_wkt()).geodetic_crs
    assert geodetic == pyproj.CRS(crs).to_2d() or geodetic.name == pyproj.CRS(crs).name
    back = pyproj.Transformer.from_crs(grid.crs.to_wkt(), geodetic, always_xy=True)
    for row, col in [(0, 0), (300, 400), (123, 777), (600, 800)]:
        there = grid.transform @ (col, row)
        lon, lat = back.transform(*there)
        assert lat == pytest.approx(corner[1] - 1e-4 * row, abs=1e-7)
        assert (lon - corner[0] - 1e-4 * col + 180) % 360 == pytest.approx(180, abs=1e-7)
    across = pyproj.Geod(ellps="WGS84").line_length([0, 1e-4], [corner[1] - 0.03] * 2)
    assert grid.transform.a == pytest.approx(across, rel=0.004)


def test_an_image_in_metres_stays_as_it_is() -> None:
    at = Affine(10, 0, 5e5, 0, -10, 4.7e6)
    assert grid_of(CRS.from_epsg(32643), at, (5, 5)) == Grid(CRS.from_epsg(32643), at, (5, 5))


@pytest.mark.parametrize(
    ("crs", "at", "said"),
    [
        (WGS84, Affine(10, 0, 455_040, 0, -10, 4_722_000), "in degrees reaches from 4.716e.06 to"),
        (WGS84, Affine(0.02, 0, 70, 0, -0.02, 48), "reaches from 36 to 48° of latitude"),
        (WGS84, Affine(1e-4, 1e-5, 70, 0, -1e-4, 48), "is not a projected one in metres"),
        (CRS.from_epsg(2263), Affine(10, 0, 5e5, 0, -10, 2e5), "is not a projected one in metres"),
    ],
)
def test_degrees_that_are_none_or_too_many_are_refused(crs: CRS, at: Affine, said: str) -> None:
    with pytest.raises(GridError, match=said) as refused:
        grid_of(crs, at, (600, 600))
    assert "\n" not in str(refused.value)
    assert in_language(refused.value.line, "ru") != refused.value.line


@pytest.mark.parametrize("latitude", [0.0, 42.0, 65.0])
def test_slopes_are_those_of_the_ground_at_every_latitude(latitude: float) -> None:
    grid = grid_of(WGS84, Affine(1e-4, 0, 10, 0, -1e-4, latitude + 0.01), (200, 200))
    wide, high = pixel_deg(latitude, 30, 30)
    rows, cols = np.indices((300, 300))
    at = Affine(wide, 0, 10.01 - 150 * wide, 0, -high, latitude + 150 * high)
    slopes = []
    for rise in (cols, rows):
        heights = (30 * math.tan(math.radians(20)) * rise).astype(np.float32)
        dem = array(heights, at, "EPSG:4326").assign_attrs(units="m")
        terrain = read_terrain(dem, grid, margin_m=100)
        slopes.append(np.nanmean(terrain.on(grid.transform, grid.shape, "slope_deg")))
    assert slopes == pytest.approx([20, 20], abs=0.2)


def test_shadows_of_clouds_are_looked_for_as_far_as_they_reach() -> None:
    stretch = 0.5, 2.0  # pixels of 20 m by 5 m, 10 m in the mean
    rows, cols = np.array([200]), np.array([400])
    for azimuth, row, col in [(90.0, 200, 480), (180.0, 220, 400)]:  # 400 m away
        cloud = np.zeros((400, 800), bool)
        cloud[row, col - 1 : col + 2] = cloud[row - 1 : row + 2, col] = True
        window = clouds_above(rows, cols, 10.0, azimuth, 45.0, stretch)
        assert window.col_off <= col < window.col_off + window.width
        assert window.row_off <= row < window.row_off + window.height
        assert reach_fraction(cloud, rows, cols, 10.0, azimuth, 45.0, stretch) == 1
        near = cloud[:, ::-1] if azimuth == 90 else cloud[::-1]  # on the other side
        assert reach_fraction(near, rows, cols, 10.0, azimuth, 45.0, stretch) == 0


def test_bands_on_another_grid_in_degrees_are_refused() -> None:
    at = Affine(1e-4, 0, 74, 0, -1e-4, 42)
    fine = Header(WGS84, at, (100, 100), 1, None)
    coarse = Header(WGS84, Affine(2e-4, 0, 74, 0, -2e-4, 42), (50, 50), 1, None)
    assert coarsening(coarse, "b", fine) == 2
    moved = Header(WGS84, at @ Affine.translation(1, 0), (100, 100), 1, None)
    with pytest.raises(GridError, match="does not fit the scene's other bands"):
        coarsening(moved, "b", fine)
