"""The simulated world: terrain, light, water, lakes, clouds, sensors."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy import ndimage

from glacial_lakes.scenes.sun import sun_position
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.camera import develop, scan_gaps, take
from glacial_lakes.simulate.frame import CRS_NAME, NORTH, SCENE_M, WEST
from glacial_lakes.simulate.lakes import LakeState
from glacial_lakes.simulate.light import gradient, incidence, shadow_depth
from glacial_lakes.simulate.noise import generator
from glacial_lakes.simulate.placement import WISHES
from glacial_lakes.simulate.scene import SimulatedScene, simulate_scene
from glacial_lakes.simulate.sensors import SENSORS
from glacial_lakes.simulate.shapes import lake_outline
from glacial_lakes.simulate.site import Site, make_site
from glacial_lakes.simulate.sky import CLOUD_TOP_M, make_sky
from glacial_lakes.simulate.spectra import LAND, WaterKind, draw_water, water_reflectance
from glacial_lakes.simulate.surface import cover_lake

SUMMER = datetime(2021, 8, 20, 5, 57, tzinfo=UTC)
KINDS: tuple[WaterKind, ...] = ("clear", "green", "turbid", "very turbid")


@pytest.fixture(scope="module")
def site() -> Site:
    return make_site(5)


@pytest.fixture(scope="module")
def clear_landsat(site: Site) -> SimulatedScene:
    return simulate_scene(site, Acquisition(SUMMER, "LC08"))


def water(kind: WaterKind, depth_m: float, bottom: float = 0.15) -> np.ndarray:
    contents = draw_water(generator(1), kind)
    sediment = np.float32([contents.sediment_g_m3])
    depth = np.float32([depth_m])
    return np.array(
        [water_reflectance(band, sediment, depth, contents, bottom)[0] for band in range(6)]
    )


class TestSun:
    def test_agrees_with_the_worked_example_of_reda_and_andreas_2004(self):
        time = datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC)
        azimuth, elevation = sun_position(time, -105.1786, 39.742476)
        assert azimuth == pytest.approx(194.340, abs=0.03)
        assert elevation == pytest.approx(90 - 50.112, abs=0.03)

    def test_stands_due_south_at_its_highest_on_the_solstice(self):
        times = [datetime(2020, 6, 20, 6, minute, tzinfo=UTC) for minute in range(60)]
        azimuth, elevation = max(
            (sun_position(time, 82.0, 42.6) for time in times), key=lambda pair: pair[1]
        )
        assert elevation == pytest.approx(90 - 42.6 + 23.437, abs=0.02)
        assert azimuth == pytest.approx(180, abs=0.6)

    def test_a_given_sun_replaces_the_computed_one(self):
        given_sun = Acquisition(SUMMER, "S2A", sun_azimuth_deg=120.0, sun_elevation_deg=25.0)
        assert given_sun.sun(74.5, 42.6) == (120.0, 25.0)


class TestLight:
    def test_level_ground_sees_the_sine_of_the_elevation(self):
        zero = np.zeros((3, 3), np.float32)
        assert incidence(zero, zero, 150.0, 40.0) == pytest.approx(math.sin(math.radians(40)))

    def test_a_slope_square_to_the_sun_sees_it_in_full(self):
        x = np.arange(20, dtype=np.float32) * 10
        plane = np.tile(x, (20, 1)) * np.float32(math.tan(math.radians(50)))  # rises eastwards
        cosine = incidence(*gradient(plane, 10.0), 270.0, 40.0)
        assert cosine[5:-5, 5:-5] == pytest.approx(1.0, abs=1e-5)

    @pytest.mark.parametrize(
        ("azimuth", "elevation"), [(135.0, 25.0), (170.0, 35.0), (250.0, 20.0)]
    )
    def test_the_shadow_of_a_cone_is_where_marching_each_ray_puts_it(self, azimuth, elevation):
        size, cell = 201, 10.0
        row, col = np.mgrid[0:size, 0:size]
        distance = np.hypot(row - 100, col - 100) * cell
        cone = np.maximum(0.0, 300.0 * (1 - distance / 300.0)).astype(np.float32)
        shaded = shadow_depth(cone, cell, azimuth, elevation) > 0.5
        brute = _marched(cone, cell, azimuth, elevation)
        overlap = (shaded & brute).sum() / (shaded | brute).sum()
        assert overlap > 0.96
        # The tip lies where the ray over the apex meets the ground, away from the sun.
        reach = 300.0 / math.tan(math.radians(elevation)) / cell
        tip = (
            100 + reach * math.cos(math.radians(azimuth)),
            100 - reach * math.sin(math.radians(azimuth)),
        )
        rows, cols = np.nonzero(shaded)
        farthest = np.hypot(rows - 100, cols - 100).argmax()
        assert (rows[farthest], cols[farthest]) == pytest.approx(tip, abs=3.0)

    def test_flat_ground_casts_no_shadow(self):
        assert (
            shadow_depth(np.zeros((50, 60), np.float32), 10.0, 100.0, 10.0)[5:-5, 5:-5] <= 0
        ).all()


def _marched(terrain: np.ndarray, cell: float, azimuth: float, elevation: float) -> np.ndarray:
    row, col = np.mgrid[0 : terrain.shape[0], 0 : terrain.shape[1]].astype(float)
    shaded = np.zeros(terrain.shape, bool)
    for distance in np.arange(4.0, 1000.0, 4.0):
        at = [
            row - distance / cell * math.cos(math.radians(azimuth)),
            col + distance / cell * math.sin(math.radians(azimuth)),
        ]
        ahead = ndimage.map_coordinates(terrain, at, order=1, mode="constant", cval=-1e4)
        shaded |= ahead > terrain + distance * math.tan(math.radians(elevation)) + 0.5
    return shaded


class TestSpectra:
    @pytest.mark.parametrize("kind", KINDS)
    def test_deep_water_is_darker_in_the_near_infrared_than_in_the_green(self, kind):
        _, green, _, nir, swir1, swir2 = water(kind, 20.0)
        assert 0 < nir < green
        assert max(swir1, swir2) < 0.01

    def test_sediment_makes_water_brighter(self):
        green = [water(kind, 30.0)[1] for kind in ("clear", "turbid", "very turbid")]
        assert green == sorted(green)
        assert green[0] < 0.05
        assert 0.1 < green[-1] < 0.4

    def test_clear_water_is_bluer_than_green_water(self):
        clear, green = water("clear", 30.0), water("green", 30.0)
        assert clear[0] / clear[1] > 1 > green[0] / green[1]

    def test_the_bed_shows_through_shallow_clear_water_only(self):
        assert water("clear", 0.3, 0.3)[1] > 2 * water("clear", 20.0, 0.3)[1]
        assert water("clear", 60.0, 0.3)[1] == pytest.approx(
            water("clear", 60.0, 0.05)[1], rel=0.02
        )
        assert water("very turbid", 2.0, 0.3)[1] == pytest.approx(
            water("very turbid", 2.0, 0.05)[1], rel=0.02
        )

    @pytest.mark.parametrize("name", ["fresh snow", "old snow", "firn"])
    def test_snow_is_bright_in_the_visible_and_dark_in_the_shortwave_infrared(self, name):
        blue, green, red, _, swir1, swir2 = LAND[name]
        assert min(blue, green, red) > 0.65
        assert max(swir1, swir2) < 0.2

    def test_plants_jump_in_the_near_infrared_and_rock_does_not(self):
        assert LAND["meadow"][3] > 4 * LAND["meadow"][2]
        assert LAND["granite"][3] < 1.5 * LAND["granite"][2]


class TestShapes:
    @settings(max_examples=40, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        area=st.floats(500.0, 1.0e6),
        elongation=st.floats(1.0, 4.5),
        islands=st.integers(0, 2),
    )
    def test_an_outline_is_one_valid_polygon_of_the_area_asked_for(
        self, seed, area, elongation, islands
    ):
        outline = lake_outline(generator(seed), area, elongation=elongation, islands=islands)
        assert outline.geom_type == "Polygon"
        assert outline.is_valid
        assert outline.area == pytest.approx(area, rel=1e-9)
        assert len(outline.interiors) <= islands

    def test_shores_are_rougher_than_a_circle(self):
        outlines = [lake_outline(generator(seed), 1e5, elongation=1.0) for seed in range(20)]
        compactness = [4 * math.pi * o.area / o.length**2 for o in outlines]
        assert 0.3 < np.median(compactness) < 0.95


class TestSite:
    def test_holds_at_least_25_lakes_of_all_kinds_and_sizes(self, site):
        areas = np.array([lake.outline.area for lake in site.lakes])
        assert len(areas) >= 25
        assert areas.min() >= 0.0029e6
        assert areas.max() <= 1.0e6
        assert {lake.lake_type for lake in site.lakes} == {
            "supraglacial",
            "ice-contact",
            "proglacial",
            "unconnected",
        }
        assert {lake.water.kind for lake in site.lakes} == set(KINDS)
        assert any(lake.outline.interiors for lake in site.lakes)

    def test_every_lake_has_a_name_of_its_own(self, site):
        names = [lake.lake_id for lake in site.lakes]
        assert len(set(names)) == len(names)

    def test_lakes_lie_in_the_scene_and_apart_in_every_year(self, site):
        for year in (2003.5, 2013.5, 2023.5):
            outlines = [state.outline for state in site.lakes_in(year)]
            for number, outline in enumerate(outlines):
                west, south, east, north = outline.bounds
                assert WEST < west < east < WEST + SCENE_M
                assert NORTH - SCENE_M < south < north < NORTH
                assert all(outline.disjoint(other) for other in outlines[number + 1 :])

    def test_terrain_is_level_on_every_lake(self, site):
        grid = site.terrain_grid
        for lake in site.lakes:
            inside = lake.outline.buffer(-8.0)
            inner = inside if not inside.is_empty else lake.outline
            point = inner.representative_point()
            col, row = ~grid.transform * (point.x, point.y)
            assert site.terrain[int(row), int(col)] == pytest.approx(lake.level_m, abs=0.01)

    def test_terrain_is_that_of_high_mountains(self, site):
        slope = np.degrees(np.arctan(np.hypot(*gradient(site.terrain, 10.0))))
        assert 20 < np.median(slope) < 33
        assert 2900 < site.terrain.min() < site.terrain.max() < 5400

    @pytest.mark.thorough
    def test_equal_seeds_give_equal_sites_and_others_do_not(self):
        first, again, other = (make_site(seed, wishes=WISHES[:5]) for seed in (5, 5, 6))
        assert np.array_equal(first.terrain, again.terrain)
        assert [lake.outline for lake in first.lakes] == [lake.outline for lake in again.lakes]
        assert not np.array_equal(first.terrain, other.terrain)

    def test_glaciers_retreat(self, site):
        for glacier in site.glaciers:
            assert (glacier.inside_m(2003.0) > 0).sum() >= (glacier.inside_m(2023.0) > 0).sum()

    def test_histories_tell_of_growth_drainage_birth_union_and_division(self, site):
        early = {s.lake.lake_id: s.outline.area for s in site.lakes_in(2003.5)}
        late = {s.lake.lake_id: s.outline.area for s in site.lakes_in(2023.7)}
        kept = early.keys() & late.keys()
        assert any(late[name] > 1.5 * early[name] for name in kept)
        assert any(late[name] < 0.3 * early[name] for name in kept) or early.keys() - late.keys()
        assert late.keys() - early.keys()
        assert sum(late[name] == pytest.approx(early[name]) for name in kept) > len(site.lakes) / 2
        for strait in site.straits:
            joined = strait.opens <= 2023.7 < strait.closes
            assert ({strait.first, strait.second} <= late.keys()) != joined


class TestMixing:
    @pytest.mark.parametrize("ground", ["ground", "coarse_ground"])
    def test_the_shares_of_water_add_up_to_the_area_of_the_outline(self, site, ground):
        cells = getattr(site, ground)
        for lake in site.lakes:
            cover = cover_lake(cells, Acquisition(SUMMER, "S2A"), LakeState(lake, lake.outline))
            area = float(cover.share.sum()) * cells.cell_m**2
            assert area == pytest.approx(lake.outline.area, rel=0.005)

    def test_shore_pixels_lie_between_water_and_land(self, site, clear_landsat):
        lake = max(site.lakes, key=lambda lake: lake.outline.area)
        nir, grid = clear_landsat.bands["nir"], clear_landsat.grid
        deep = _values(nir, grid, lake.outline.buffer(-90.0))
        assert deep.max() < 0.12
        ring = _values(nir, grid, lake.outline.buffer(12.0).difference(lake.outline.buffer(-12.0)))
        assert np.median(deep) < np.median(ring) < 0.35


def _values(band: np.ndarray, grid, outline) -> np.ndarray:
    from rasterio.features import geometry_mask

    return band[geometry_mask([outline], grid.shape, grid.transform, invert=True)]


class TestScene:
    def test_truth_areas_are_geodesic(self, clear_landsat):
        lonlat = clear_landsat.truth.to_crs("EPSG:4326").geometry
        areas = [abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) for shape in lonlat]
        assert clear_landsat.truth["area_m2"].to_numpy() == pytest.approx(areas, abs=0.01)

    def test_truth_areas_agree_with_an_equal_area_projection(self, clear_landsat):
        flat = clear_landsat.truth.to_crs("+proj=laea +lat_0=42.6 +lon_0=74.5 +datum=WGS84").area
        assert clear_landsat.truth["area_m2"].to_numpy() == pytest.approx(flat.to_numpy(), rel=1e-4)

    def test_equal_arguments_give_equal_scenes(self, site, clear_landsat):
        again = simulate_scene(site, Acquisition(SUMMER, "LC08"))
        for name, band in clear_landsat.bands.items():
            assert np.array_equal(band, again.bands[name])
        assert np.array_equal(clear_landsat.labels, again.labels)

    def test_another_seed_changes_the_noise_and_not_the_truth(self, site, clear_landsat):
        other = simulate_scene(site, Acquisition(SUMMER, "LC08", seed=1))
        assert not np.array_equal(other.bands["green"], clear_landsat.bands["green"])
        assert other.truth["area_m2"].equals(clear_landsat.truth["area_m2"])
        assert other.shift_m != clear_landsat.shift_m

    def test_a_clear_scene_shows_every_lake(self, clear_landsat):
        assert (clear_landsat.truth["observed_fraction"] == 1.0).all()
        assert clear_landsat.truth.crs.to_string() == CRS_NAME

    def test_lakes_look_like_water(self, clear_landsat):
        big = clear_landsat.truth[clear_landsat.truth["area_m2"] > 40_000]
        for outline in big.geometry:
            core = outline.buffer(-50.0)
            if core.area < 4_000:
                continue
            green = _values(clear_landsat.bands["green"], clear_landsat.grid, core)
            nir = _values(clear_landsat.bands["nir"], clear_landsat.grid, core)
            assert np.median(nir) < np.median(green)

    def test_clouds_take_the_share_asked_for_and_hide_the_lakes_named(self, site):
        scene = simulate_scene(
            site, Acquisition(SUMMER, "LC08", cloud_fraction=0.2, cloud_over=(0, 3))
        )
        cloudy = np.isin(scene.labels, [9, 10])
        assert 0.1 < cloudy.mean() < 0.35
        truth = scene.truth.set_index("lake_id")
        for number in (0, 3):
            assert truth.loc[site.lakes[number].lake_id, "observed_fraction"] < 0.6

    def test_cloud_shadows_lie_away_from_the_sun_at_the_distance_of_the_clouds(self, site):
        ground = site.coarse_ground
        taken = Acquisition(SUMMER, "LC08", cloud_fraction=0.1, seed=4)
        sky = make_sky(site, ground, taken)
        here = np.fft.rfft2(np.minimum(sky.cloud, 1) - np.minimum(sky.cloud, 1).mean())
        there = np.fft.rfft2(np.minimum(sky.shade, 1) - np.minimum(sky.shade, 1).mean())
        match = np.fft.irfft2(there * np.conj(here), s=ground.shape)
        row, col = np.unravel_index(match.argmax(), match.shape)
        south = (row if row < ground.shape[0] / 2 else row - ground.shape[0]) * ground.cell_m
        east = (col if col < ground.shape[1] / 2 else col - ground.shape[1]) * ground.cell_m
        distance = (CLOUD_TOP_M - float(np.median(ground.elevation))) / math.tan(
            math.radians(sky.sun_elevation_deg)
        )
        assert math.hypot(south, east) == pytest.approx(distance, rel=0.2)
        bearing = math.degrees(math.atan2(east, -south)) % 360
        assert bearing == pytest.approx((sky.sun_azimuth_deg + 180) % 360, abs=12)

    def test_low_sun_puts_lakes_in_shadow_and_makes_them_dark(self, site):
        autumn = Acquisition(datetime(2016, 10, 29, 5, 32, tzinfo=UTC), "LC08")
        scene = simulate_scene(site, autumn)
        shaded = scene.truth[scene.truth["shadow_fraction"] > 0.95]
        assert len(shaded) >= 1
        for outline in shaded.geometry:
            assert np.median(_values(scene.bands["nir"], scene.grid, outline)) < 0.06

    def test_lakes_far_above_the_ice_line_are_frozen_and_bright(self, site):
        frozen = simulate_scene(site, Acquisition(SUMMER, "LC08", ice_line_m=2500.0))
        assert (frozen.truth["frozen_fraction"] == 1.0).all()
        outline = frozen.truth.geometry.iloc[0].buffer(-60)
        assert np.median(_values(frozen.bands["nir"], frozen.grid, outline)) > 0.1

    def test_lakes_a_little_above_the_ice_line_are_partly_frozen(self, site):
        level = float(np.median([lake.level_m for lake in site.lakes]))
        scene = simulate_scene(site, Acquisition(SUMMER, "LC08", ice_line_m=level - 175))
        assert scene.truth["frozen_fraction"].between(0.2, 0.8).any()

    def test_fresh_snow_brightens_the_high_ground(self, site, clear_landsat):
        snowy = simulate_scene(site, Acquisition(SUMMER, "LC08", fresh_snow_line_m=3500.0))
        assert snowy.bands["green"].mean() > 1.5 * clear_landsat.bands["green"].mean()

    def test_haze_brightens_the_dark_water_in_the_blue(self, site, clear_landsat):
        hazy = simulate_scene(site, Acquisition(SUMMER, "LC08", haze=0.03))
        low = [np.percentile(s.bands["blue"], 1) for s in (clear_landsat, hazy)]
        assert low[1] > low[0] + 0.015

    def test_etm_has_gaps_only_after_its_scan_line_corrector_failed(self, site):
        before = simulate_scene(site, Acquisition(datetime(2002, 8, 9, 5, 25, tzinfo=UTC), "LE07"))
        after = simulate_scene(site, Acquisition(datetime(2004, 8, 9, 5, 25, tzinfo=UTC), "LE07"))
        assert np.isfinite(before.bands["green"]).all()
        missing = np.isnan(after.bands["green"])
        assert 0.1 < missing.mean() < 0.4
        assert (after.truth["observed_fraction"] < 0.999).any()


class TestCamera:
    def test_an_even_field_stays_as_it_is(self):
        pixels = take(
            np.full((200, 200), 0.3, np.float32),
            cell_m=5.0, first=24, count=60, pixel_m=10.0, blur_m=4.2, shift_m=(2.3, -1.7),
        )  # fmt: skip
        assert pixels.shape == (60, 60)
        assert pixels == pytest.approx(0.3, abs=1e-6)

    def test_a_pointing_error_moves_the_image_by_as_much(self):
        spot = np.zeros((240, 240), np.float32)
        spot[118:122, 118:122] = 1.0
        options = {"cell_m": 5.0, "first": 20, "count": 100, "pixel_m": 10.0, "blur_m": 8.0}
        still = ndimage.center_of_mass(take(spot, **options, shift_m=(0.0, 0.0)))
        moved = ndimage.center_of_mass(take(spot, **options, shift_m=(6.5, 3.0)))
        assert moved[1] - still[1] == pytest.approx(0.65, abs=0.01)  # east: to the right
        assert moved[0] - still[0] == pytest.approx(-0.30, abs=0.01)  # north: upwards

    @pytest.mark.parametrize("name", ["S2A", "LC08"])
    @pytest.mark.parametrize("band", [0, 3, 5])
    def test_noise_meets_the_signal_to_noise_ratio_at_the_reference(self, name, band):
        sensor = SENSORS[name]
        even = np.full((400, 400), sensor.reference[band], np.float32)
        noisy, _ = develop(generator(3), even, sensor, band, sun_elevation_deg=90.0)
        assert float(even[0, 0] / noisy.std()) == pytest.approx(sensor.snr[band], rel=0.02)

    def test_bright_snow_saturates_the_blue_of_tm_and_not_of_oli(self):
        snow = np.full((20, 20), 0.9, np.float32)
        assert develop(generator(3), snow, SENSORS["LT05"], 0, sun_elevation_deg=55.0)[1].all()
        assert not develop(generator(3), snow, SENSORS["LC08"], 0, sun_elevation_deg=55.0)[1].any()

    def test_gaps_descend_eastwards_two_scans_apart(self):
        gaps = scan_gaps(generator(2), 300, 300)
        first = np.nonzero(np.diff(gaps[:, 10].astype(int)) == 1)[0]
        assert np.diff(first) == pytest.approx(33, abs=1)
        moved = np.nonzero(np.diff(gaps[:, 80].astype(int)) == 1)[0]
        assert min(abs(moved - first[1] - 70 * 0.155)) < 1.5
