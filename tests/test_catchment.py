"""Catchments, fronts, headwalls on ground whose answer is known, and on real glaciers."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.features import geometry_mask

from glacial_lakes import measures
from glacial_lakes.errors import GridError
from glacial_lakes.measures.catchment import drainage

X0, Y0, CELL = 460_000.0, 4_720_000.0, 30.0
Ground = Callable[[np.ndarray, np.ndarray], np.ndarray]


def write_dem(path: Path, ground: Ground, half_m: float = 9000.0) -> Path:
    """Write ``ground(east, north)``, both in m from the point (X0, Y0), as a DEM around it."""
    count = round(2 * half_m / CELL)
    places = (np.arange(count) + 0.5) * CELL - half_m
    z = ground(places[None, :], -places[:, None]).astype("float32")
    transform = Affine(CELL, 0, X0 - half_m, 0, -CELL, Y0 + half_m)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=z.shape[0],
        width=z.shape[1],
        count=1,
        dtype="float32",
        crs="EPSG:32643",
        transform=transform,
        nodata=-9999,
    ) as file:
        file.write(z, 1)
    return path


def round_lake(radius_m: float, east_m: float = 0.0, north_m: float = 0.0) -> shapely.Polygon:
    return shapely.Point(X0 + east_m, Y0 + north_m).buffer(radius_m, quad_segs=64)


def crater(rim_m: float, lake_m: float, slope_deg: float) -> Ground:
    """A lake in a cone that opens upwards, inside a cone that opens downwards."""
    rise = math.tan(math.radians(slope_deg))

    def ground(east: np.ndarray, north: np.ndarray) -> np.ndarray:
        far = np.hypot(east, north)
        height = 3000 + rise * np.where(far < rim_m, far - lake_m, 2 * rim_m - lake_m - far)
        return np.where(far < lake_m, 3000, height)

    return ground


def indicators(
    dem: Path, lakes: list[shapely.Polygon], ice: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    return measures.relief_indicators(gpd.GeoSeries(lakes, crs=32643), dem, ice)


@pytest.mark.parametrize("slope", [10, 40])
def test_a_lake_in_a_crater_has_all_of_it_as_catchment(tmp_path: Path, slope: int) -> None:
    dem = write_dem(tmp_path / "dem.tif", crater(2000, 300, slope))
    found = indicators(dem, [round_lake(300)]).iloc[0]
    ring = math.pi * (2000**2 - 300**2)
    pixels_of_rim = 2 * math.pi * (2000 + 300) * CELL / 2
    assert found["upslope_area_m2"] == pytest.approx(ring, abs=pixels_of_rim)
    # All of it falls to the lake by the slope itself: by more than 30 degrees or not at all.
    expected = ring if slope > 30 else 0.0
    assert found["headwall_area_m2"] == pytest.approx(expected, abs=2 * pixels_of_rim)


def test_a_headwall_counts_as_far_as_its_way_to_the_lake_falls_enough(tmp_path: Path) -> None:
    """Level ground out to 1 km, then 45 degrees: far enough up, the mean slope is 14 degrees."""

    def ground(east: np.ndarray, north: np.ndarray) -> np.ndarray:
        far = np.hypot(east, north)
        climb = np.clip(far - 300, 0, 700) * 1e-3 + np.clip(far - 1000, 0, 1000)
        return 3000 + np.where(far < 2000, climb, 1000.7 - (far - 2000))

    dem = write_dem(tmp_path / "dem.tif", ground)
    found = indicators(dem, [round_lake(300)]).iloc[0]
    # (far - 1000) / (far - 300) >= tan 14 deg, the way along straight lines
    reach = math.tan(math.radians(14))
    start = (1000 - 300 * reach) / (1 - reach)
    exact = math.pi * (2000**2 - start**2)
    # Ways over eight neighbours are up to 8 % longer, so a wall begins to count higher up.
    longest = (1000 - 300 * reach * 1.083) / (1 - reach * 1.083)
    least = math.pi * (2000**2 - longest**2)
    rim = 2 * math.pi * 3000 * CELL
    assert least - rim <= found["headwall_area_m2"] <= exact + rim


@pytest.mark.parametrize("slope", [5, 18])
def test_front_and_way_down_have_the_slope_of_the_plane_below(tmp_path: Path, slope: int) -> None:
    fall = math.tan(math.radians(slope))

    def ground(east: np.ndarray, north: np.ndarray) -> np.ndarray:
        below, above = np.minimum(north, 0) * fall, np.maximum(north - 240, 0) * 0.3
        return 3000 + below + above + 0 * east

    dem = write_dem(tmp_path / "dem.tif", ground)
    found = indicators(dem, [shapely.box(X0 - 300, Y0, X0 + 300, Y0 + 240)]).iloc[0]
    # The DEM knows the edge of the lake to half of a pixel.
    half = math.degrees(math.atan(fall * (1 - CELL / 2 / 100)))
    assert half - 0.1 <= found["front_angle_deg"] <= slope
    assert found["downstream_slope_deg"] == pytest.approx(slope, abs=0.02 * slope)
    sunk = max(0.0, (fall - math.tan(math.radians(10))) * 1000)
    assert found["lowering_height_m"] == pytest.approx(sunk, abs=fall * CELL)


def test_a_crater_has_no_front_and_no_height_to_sink(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "dem.tif", crater(2000, 300, 20))
    found = indicators(dem, [round_lake(300)]).iloc[0]
    assert found["front_angle_deg"] == found["lowering_height_m"] == 0


def test_what_drains_through_a_lake_above_counts_for_the_lake_below(tmp_path: Path) -> None:
    """A valley that falls to the south, closed to the north: the upper lake lies in it."""

    def ground(east: np.ndarray, north: np.ndarray) -> np.ndarray:
        valley = np.where(np.abs(east) < 1500, np.abs(east), 3000 - np.abs(east)) * 0.5
        along = np.where(north < 3000, north, 6000 - north) * 0.1
        return 3000 + valley + along

    dem = write_dem(tmp_path / "dem.tif", ground)
    lakes = [round_lake(150, 0, -2000), round_lake(150, 0, 1000)]
    ice = gpd.GeoDataFrame(
        {"rgi_id": ["g"]},
        geometry=[shapely.box(X0 - 500, Y0 + 2000, X0 + 500, Y0 + 2600)],
        crs=32643,
    )
    lower, upper = (row for _, row in indicators(dem, lakes, ice).iterrows())
    assert upper["upslope_area_m2"] == pytest.approx(3000 * 2000, rel=0.1)
    assert lower["upslope_area_m2"] == pytest.approx(3000 * 5000, rel=0.1)
    for lake in (lower, upper):  # the same ice in both
        iced = lake["upslope_glacier_fraction"] * lake["upslope_area_m2"]
        assert iced == pytest.approx(1000 * 600, rel=0.02)
    alone = indicators(dem, lakes[:1], ice).iloc[0]
    assert alone["upslope_area_m2"] == pytest.approx(lower["upslope_area_m2"], rel=0.01)


def test_water_of_a_glacier_that_passes_a_lake_by_is_noticed(tmp_path: Path) -> None:
    """A valley falls to the south; ice at its head; one lake beside the stream, one far up."""

    def ground(east: np.ndarray, north: np.ndarray) -> np.ndarray:
        return 3000 + 0.3 * np.abs(east) + 0.1 * north

    dem = write_dem(tmp_path / "dem.tif", ground, 6000)
    head = shapely.box(X0 - 100, Y0 + 3000, X0 + 100, Y0 + 3500)
    ice = gpd.GeoDataFrame({"rgi_id": ["g"]}, geometry=[head], crs=32643)
    lakes = [round_lake(60, 120), round_lake(60, 1500), round_lake(60, 0)]
    found = indicators(dem, lakes, ice)
    assert found["glacier_water_near"].tolist() == [True, False, True]


def test_without_ice_above_the_share_is_zero_and_without_outlines_it_is_missing(
    tmp_path: Path,
) -> None:
    dem = write_dem(tmp_path / "dem.tif", crater(2000, 300, 20))
    far = gpd.GeoDataFrame({"rgi_id": ["g"]}, geometry=[round_lake(500, 6000)], crs=32643)
    assert indicators(dem, [round_lake(300)], far)["upslope_glacier_fraction"].item() == 0
    assert indicators(dem, [round_lake(300)])["upslope_glacier_fraction"].isna().all()


def test_a_catchment_that_the_dem_cuts_is_not_known(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "dem.tif", lambda east, north: 3000 + 0.2 * north + 0 * east, 3000)
    found = indicators(dem, [round_lake(200)]).iloc[0]
    assert np.isnan(found[["upslope_area_m2", "headwall_area_m2"]].to_numpy(float)).all()
    assert found["downstream_slope_deg"] > 0


def test_the_catchment_of_a_lake_that_the_dem_cuts_is_not_known(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "dem.tif", crater(2000, 300, 20), 250)
    assert indicators(dem, [round_lake(300)])["upslope_area_m2"].isna().all()


def test_a_lake_beside_the_dem_has_nothing_and_keeps_its_place(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "dem.tif", crater(2000, 300, 20))
    lakes = gpd.GeoSeries(
        [round_lake(300, 60_000), round_lake(300)], index=["out", "in"], crs=32643
    )
    found = measures.relief_indicators(lakes, dem)
    assert found.index.to_list() == ["out", "in"]
    assert found.loc["out"].isna().all()
    assert found.loc["in", "upslope_area_m2"] > 0


def test_a_dem_without_crs_is_refused(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "dem.tif", crater(2000, 300, 20))
    with rasterio.open(dem) as file:
        profile, z = file.profile | {"crs": None}, file.read()
    with rasterio.open(dem, "w", **profile) as file:
        file.write(z)
    with pytest.raises(GridError, match="no CRS"):
        indicators(dem, [round_lake(300)])


def test_lakes_on_both_sides_of_a_zone_s_border_are_measured_alike(tmp_path: Path) -> None:
    """At 78 degrees east zone 43 ends: the crater lies across the border."""
    ground = crater(2000, 300, 20)
    dem = write_dem(tmp_path / "dem.tif", ground)
    with rasterio.open(dem, "r+") as file:  # where 43 meets 44
        file.transform = Affine.translation(746_036 - X0, 0) * file.transform
    shift = 746_036 - X0
    for east in (-100, 100):
        found = indicators(dem, [round_lake(300, shift + east)]).iloc[0]
        ring = math.pi * (2000**2 - 300**2)
        assert found["upslope_area_m2"] == pytest.approx(ring, rel=0.03)


def first_end(z: np.ndarray, ends: np.ndarray, start: tuple[int, int]) -> int:
    """Return where water ends: down the steepest way, then over the lowest pass, pixel by pixel."""
    rows, cols = z.shape
    steps = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c]

    def around(place: tuple[int, int]) -> list[tuple[int, int]]:
        near = [(place[0] + r, place[1] + c) for r, c in steps]
        return [(r, c) for r, c in near if 0 <= r < rows and 0 <= c < cols]

    place = start
    while not ends[place]:
        falls = [
            ((z[place] - z[near]) / math.hypot(near[0] - place[0], near[1] - place[1]), near)
            for near in around(place)
        ]
        fall, lower = max(falls)
        if fall <= 0:
            break
        place = lower
    heap, seen = [(z[place], place)], {place}
    while heap:
        _, place = heapq.heappop(heap)
        if ends[place]:
            return int(ends[place])
        for near in around(place):
            if near not in seen:
                seen.add(near)
                heapq.heappush(heap, (z[near], near))
    raise AssertionError("the edge ends everything")


@pytest.mark.parametrize("seed", range(12))
def test_water_finds_the_lake_that_a_flood_pixel_by_pixel_finds(seed: int) -> None:
    """On rough ground, full of hollows: the tree of passes against a plain flood."""
    rng = np.random.default_rng(seed)
    z = rng.permutation(14 * 17).reshape(14, 17).astype("float32")
    lakes = np.zeros(z.shape, "int32")
    for number, (row, col) in enumerate([(4, 4), (9, 12), (5, 13)], start=1):
        lakes[row : row + 2, col : col + 2] = number
        z[lakes == number] = z[lakes == number].min()
    ends = lakes.copy()
    ends[[0, -1]], ends[:, [0, -1]] = 9, 9
    found = drainage(z, lakes, 1.0)
    for place in np.ndindex(z.shape):
        assert found.lake[place] == first_end(z, ends, place) % 9
    assert np.isfinite(found.path_m).all()
    assert (found.path_m[ends == 0] >= 1).all()


def test_a_lake_at_the_tongue_of_a_glacier_drains_that_glacier(data: Path) -> None:
    """Glacier outlines end at divides that other people drew on another DEM."""
    folder = data / "oggm_rgi_dem"
    glaciers = gpd.read_file(folder / "rgi/rgi_oetztal.shp")
    with rasterio.open(folder / "srtm_oetztal.tif") as file:
        z, transform = file.read(1).astype(float), file.transform
    lowest = []
    for outline in glaciers.geometry:
        inside = geometry_mask([outline], z.shape, transform, invert=True)
        row, col = np.unravel_index(np.where(inside, z, np.inf).argmin(), z.shape)
        lowest.append(shapely.Point(transform * (col + 0.5, row + 0.5)))
    lakes = gpd.GeoSeries(lowest, crs=4326).to_crs(32632).buffer(100)
    found = measures.relief_indicators(lakes, folder / "srtm_oetztal.tif", glaciers)
    drained = found["upslope_area_m2"] * found["upslope_glacier_fraction"]
    share = drained.set_axis(glaciers["RGIId"]) / glaciers.to_crs(32632).area.to_numpy()
    assert share["RGI50-11.00897"] > 0.95  # Hintereisferner: one long tongue
    # Others have a second tongue, or one so wide that much of its water passes a small lake.
    assert (share > 0).all()
