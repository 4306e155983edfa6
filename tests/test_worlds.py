"""Worlds by seed: what each trait does to an image, and that the truth stays the truth."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.features import geometry_mask
from shapely.geometry import box

from glacial_lakes.scenes import open_scene
from glacial_lakes.simulate.camera import take
from glacial_lakes.simulate.frame import MARGIN_M, NORTH, WEST, upsample
from glacial_lakes.simulate.noise import generator
from glacial_lakes.simulate.quality import Label
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.spectra import water_reflectance
from glacial_lakes.simulate.worlds import (
    DEVELOPMENT,
    GROUPS,
    KEPT,
    World,
    WorldSite,
    look,
    make_world,
    write_world,
)
from glacial_lakes.simulate.worlds.air import Air, make_sky, see
from glacial_lakes.simulate.worlds.drainage import drain
from glacial_lakes.simulate.worlds.elevation import VOID, DemFaults, make_dem
from glacial_lakes.simulate.worlds.faults import ImageFaults, dropped, stepped, warped
from glacial_lakes.simulate.worlds.frame import Frame, finer
from glacial_lakes.simulate.worlds.lakes import Lakes, draw_water
from glacial_lakes.simulate.worlds.masks import MaskFaults, lie
from glacial_lakes.simulate.worlds.materials import ROCKS, Palette
from glacial_lakes.simulate.worlds.relief import from_dem
from glacial_lakes.simulate.worlds.world import View

HONEST = MaskFaults(0.0, False, 0.0, 0.0, 0.0, 0.0)
GOOD_DEM = DemFaults("good", 0.5, (0.0, 0.0), 0.0, 0.0, 0.0, 0.0)


def small(seed: int = DEVELOPMENT[1], **changes: object) -> World:
    """A world of 2.4 km with few lakes: seconds instead of minutes."""
    world = replace(World.of(seed), size_m=2400.0)
    lakes = replace(world.lakes, small=12, middle=4, large_m2=0.0, at_edge=2)
    views = tuple(
        replace(
            view,
            chip=0,
            faults=ImageFaults.none(),
            masks=HONEST,
            season=replace(view.season, ice_line=2.0, bergs=0.0, fresh_line=2.0, snow_line=0.9),
            air=replace(view.air, cover=0.0, cumulus=0.0, veil=0.0, veil_over_lake=0.0),
        )
        for view in world.views
    )
    return replace(world, lakes=lakes, views=views, **changes)


@pytest.fixture(scope="module")
def site() -> WorldSite:
    return make_world(small())


@pytest.fixture(scope="module")
def clear(site: WorldSite) -> SimulatedScene:
    return look(site, site.world.views[0])


def seen_with(site: WorldSite, **changes: object) -> tuple[View, SimulatedScene]:
    view = replace(site.world.views[0], **changes)
    return view, look(replace_view(site, view), view)


def replace_view(site: WorldSite, view: View) -> WorldSite:
    views = (view, *site.world.views[1:])
    return replace(site, world=replace(site.world, views=views))


class TestSeeds:
    def test_kept_and_development_worlds_have_no_seed_in_common(self):
        assert not set(DEVELOPMENT) & set(KEPT)
        assert min(len(DEVELOPMENT), len(KEPT)) >= 40

    def test_a_world_is_drawn_from_its_seed_alone(self):
        assert World.of(DEVELOPMENT[3]) == World.of(DEVELOPMENT[3])
        assert World.of(DEVELOPMENT[3]) != World.of(DEVELOPMENT[4])

    def test_each_world_is_seen_once_in_each_group(self):
        assert all(
            tuple(view.group for view in World.of(seed).views) == GROUPS
            for seed in DEVELOPMENT[:10]
        )

    def test_every_trait_comes_among_the_development_worlds(self):
        worlds = [World.of(seed) for seed in DEVELOPMENT]
        views = [view for world in worlds for view in world.views]
        assert {world.dem.kind for world in worlds} == {"good", "other year", "none"}
        assert {view.air.level for view in views} == {"SR", "TOA"}
        assert {view.acquisition.sensor for view in views} == {"S2A", "S2B", "LC08", "LT05", "LE07"}
        assert {view.faults.resampling for view in views} == {
            "none", "nearest", "bilinear", "cubic",
        }  # fmt: skip
        assert {view.chip for view in views} == {0, 4, 6}
        assert max(np.hypot(*np.transpose(v.faults.band_shift_px)).max() for v in views) > 0.25
        assert max(world.lakes.large_m2 for world in worlds) > 2e7
        assert any(view.faults.dropped_lines for view in views)
        assert any(view.faults.step > 0 for view in views)
        assert any(view.air.relief_corrected > 1 for view in views)
        assert any(view.air.veil_over_lake > 0.5 and view.masks.misses_veil for view in views)

    def test_one_seed_gives_the_same_bytes_twice(self, world_folder, tmp_path):
        again = write_world(world_folder.world, tmp_path / "again")
        digests = [
            {
                path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            }
            for folder in (world_folder.folder, again.folder)
        ]
        assert digests[0] == digests[1]
        assert len(digests[0]) > 12


@pytest.fixture(scope="module")
def world_folder(tmp_path_factory):
    world = small()
    chip = replace(world.views[0], chip=4)
    world = replace(world, views=(chip, *world.views[1:]))
    return write_world(world, tmp_path_factory.mktemp("world") / "w")


class TestWritten:
    @pytest.fixture
    def written(self, world_folder):
        return world_folder

    def test_every_product_opens_as_what_it_is(self, written):
        for image in written.images:
            scene = open_scene(image.product)
            assert scene.sensor == image.view.acquisition.sensor
            assert scene.acquired.date() == image.view.acquisition.time.date()
            assert scene.grid.shape[0] * scene.grid.resolution == pytest.approx(2400.0)

    def test_a_chip_has_its_bands_and_nothing_below_one(self, written):
        with rasterio.open(written.images[0].product) as file:
            assert file.count == 4
            assert file.read().min() >= 1

    def test_a_folder_that_is_there_is_read_again(self, written):
        again = write_world(written.world, written.folder)
        for one, two in zip(written.images, again.images, strict=True):
            assert one.product == two.product
            assert one.truth.equals(two.truth)
            assert one.shift_m == two.shift_m


class TestRelief:
    def test_lakes_are_level_and_their_shores_are_not(self, site):
        for lake in site.lakes:
            inside, around = _heights(site, lake.outline), _heights(site, lake.outline.buffer(60))
            if inside.size > 20:
                assert np.ptp(inside) < 0.01
                assert np.ptp(around) > 0.3

    def test_valleys_drain(self, site):
        drainage = drain(site.bare)
        height = drainage.height.ravel()
        below = height[drainage.receiver]
        assert (below <= height + 1e-3).all()
        rim = drainage.receiver == np.arange(height.size)
        assert drainage.area_m2[rim].sum() == pytest.approx(height.size * 60.0**2)

    def test_a_given_plane_keeps_its_slope(self):
        x = np.arange(400, dtype=np.float32) * 30.0
        plane = np.tile(0.2 * x, (400, 1))
        surface = from_dem(plane, 1, Frame(2400.0))
        rise = np.hypot(*np.gradient(surface[20:-20:3, 20:-20:3], 30.0))
        assert np.median(rise) == pytest.approx(0.2, abs=0.03)

    def test_a_dem_in_degrees_is_taken_by_its_metres(self, tmp_path):
        height = np.tile(np.arange(600, dtype=np.float32) * 10.0, (600, 1)).T  # 10 m a row
        path = tmp_path / "dem.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=600, height=600, count=1, dtype="float32",
            crs="EPSG:4326", transform=Affine(1 / 3600, 0, 75.0, 0, -1 / 3600, 60.0),
        ) as file:  # fmt: skip
            file.write(height, 1)
        surface = from_dem(path, 3, Frame(2400.0))
        rise = np.hypot(*np.gradient(surface[20:-20:3, 20:-20:3], 30.0))
        assert np.median(rise) == pytest.approx(10 / 30.7, rel=0.1)

    def test_a_world_on_given_relief_has_its_lakes(self, site):
        given = site.bare[::3, ::3]
        again = make_world(small(), relief=given, cell_m=30.0)
        assert len(again.lakes) >= 5
        assert np.percentile(again.bare, 50) == pytest.approx(np.percentile(given, 50), abs=30.0)

    def test_finer_cells_are_those_of_linear_interpolation(self):
        field = generator(1).standard_normal((7, 9)).astype(np.float32)
        for factor in (2, 3, 6):
            assert finer(field, factor) == pytest.approx(upsample(field, factor), abs=1e-5)


def _offset_px(one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """Return by how much the second shows ground farther east and south, from phases."""
    window = np.outer(np.hanning(one.shape[0]), np.hanning(one.shape[1]))
    first, second = (np.fft.fft2((band - band.mean()) * window) for band in (one, two))
    row, col = (np.fft.fftfreq(size) for size in one.shape)
    v, u = np.meshgrid(row, col, indexing="ij")
    slow = (np.hypot(u, v) < 0.12) & (np.hypot(u, v) > 0.01)
    phase = np.angle(second * np.conj(first))[slow]
    weight = np.abs(first)[slow]
    unknown = np.column_stack([u[slow], v[slow]]) * weight[:, None]
    east, south = np.linalg.lstsq(unknown, phase * weight, rcond=None)[0] / (2 * np.pi)
    return abs(float(east)), abs(float(south))


def _heights(site: WorldSite, outline: object) -> np.ndarray:
    transform = site.frame.terrain_transform
    return site.terrain[
        geometry_mask([outline], site.terrain.shape, transform=transform, invert=True)
    ]


class TestLakes:
    def test_small_lakes_dominate(self):
        areas = np.concatenate(
            [Lakes.of(generator(seed), 7000.0).areas_m2(generator(seed, 1)) for seed in range(40)]
        )
        assert 500.0 <= areas.min() < 600.0
        assert np.median(areas) < 8_000.0
        assert areas.max() > 1e7

    def test_an_edge_cuts_what_the_truth_says_it_cuts(self, site, clear):
        scene = box(WEST, NORTH - 2400.0, WEST + 2400.0, NORTH)
        truth = clear.truth
        outside = 1.0 - truth.geometry.intersection(scene).area / truth.geometry.area
        assert truth["edge_fraction"].to_numpy() == pytest.approx(outside.to_numpy(), abs=0.03)
        assert (truth["edge_fraction"] > 0).any()
        assert (truth["observed_fraction"] <= 1.0 - truth["edge_fraction"] + 1e-3).all()

    def test_lakes_lie_apart(self, site):
        outlines = gpd.GeoSeries([lake.outline for lake in site.lakes])
        for number, one in enumerate(outlines):
            assert outlines.drop(number).distance(one).min() >= 14.0

    def test_water_reaches_from_milk_to_the_clearest(self):
        index, infrared = [], []
        for seed in range(400):
            kind, water = draw_water(generator(seed), "tarn" if seed % 2 else "proglacial", 5e4)
            sediment, depth = np.float32([water.sediment_g_m3]), np.float32([60.0])
            green, nir = (
                float(water_reflectance(band, sediment, depth, water, 0.1)[0]) for band in (1, 3)
            )
            index.append((green - nir) / (green + nir))
            infrared.append((kind, nir))
        assert 0.0 < min(index) < 0.15
        assert np.quantile(index, 0.05) < 0.4
        assert np.quantile(index, 0.98) > 0.9
        assert max(nir for kind, nir in infrared if kind == "deep clear") < 0.001


class TestMaterials:
    def test_rocks_are_as_dark_and_as_red_as_measured_ones(self):
        # 1-99 % of 4185 measured soils and gravels: NDWI -0.59 to -0.07 (reference library)
        for seed in range(60):
            spectra = Palette.of(generator(seed)).spectra
            for name in ("rock", "other rock"):
                _, green, _, nir, swir, _ = spectra[name]
                assert 0.03 < green < 0.55
                assert -0.6 < (green - nir) / (green + nir) < 0.02
                assert 0.7 < swir / nir < 1.8

    def test_water_films_darken_most_where_water_absorbs(self):
        for seed in range(30):
            spectra = Palette.of(generator(seed)).spectra
            dry, wet = np.array(spectra["silt"]), np.array(spectra["wet silt"])
            assert (wet < dry).all()
            assert wet[4] / dry[4] < wet[1] / dry[1]

    def test_snow_and_ice_are_dark_beyond_1500_nm(self):
        for seed in range(30):
            spectra = Palette.of(generator(seed)).spectra
            for name in ("fresh snow", "old snow", "ice", "white lake ice"):
                assert spectra[name][4] < 0.4 * spectra[name][1]

    def test_every_rock_names_its_source(self):
        assert all(mineral.source for mineral in ROCKS.values())


class TestAir:
    @pytest.fixture
    def lit(self, site):
        """How bright an even ground of 0.2 looks, by air."""

        def bright(**changes: object) -> tuple[np.ndarray, object]:
            air = replace(
                Air.clear(generator(1), "SR", sentinel2=True),
                aerosol=0.05, left=0.0, relief_corrected=0.0, adjacency=0.0,
            )  # fmt: skip
            air = replace(air, **changes)
            sky = make_sky(1, site.frame, site.terrain, site.ground, air, (150.0, 40.0), 0)
            signal = np.full((6, *site.ground.shape), 0.2, np.float32)
            see(signal, site.ground, sky, air)
            return signal, sky

        return bright

    def test_path_radiance_brightens_the_blue_of_dark_ground(self, lit, site):
        surface, sky = lit()
        above, _ = lit(level="TOA")
        dark = sky.lit < 0.01
        gain = np.median((above - surface)[:, dark], axis=1)
        assert gain[0] > 0.02
        assert (np.diff(gain) < 0).all()

    def test_a_correction_that_takes_too_much_darkens(self, lit):
        plain, _ = lit()
        less, _ = lit(left=-0.35)
        more, _ = lit(left=0.35)
        assert (less[0] < plain[0]).all() and (more[0] > plain[0]).all()

    def test_shade_is_bluer_than_sun(self, lit):
        signal, sky = lit()
        shade, sun = sky.lit < 0.01, (sky.lit > 0.99) & (sky.cosine > 0.5)
        blueness = signal[0] / signal[4]
        assert np.median(blueness[shade]) > 2 * np.median(blueness[sun])

    def test_over_correction_makes_faintly_lit_slopes_the_brighter_ones(self, lit):
        plain, sky = lit()
        over, _ = lit(relief_corrected=1.1, least_light=0.08)
        faint = (sky.lit > 0.99) & (sky.cosine > 0.2) & (sky.cosine < 0.4)
        full = (sky.lit > 0.99) & (sky.cosine > 0.75)
        before, after = (np.mean(one[3][faint]) / np.mean(one[3][full]) for one in (plain, over))
        assert before < 0.7
        assert after > 1.0

    def test_a_correction_knows_no_cast_shadow(self, lit):
        over, sky = lit(relief_corrected=1.0)
        cast = (sky.lit < 0.01) & (sky.cosine > 0.5)
        full = (sky.lit > 0.99) & (sky.cosine > 0.5)
        assert np.median(over[3][cast]) < 0.4 * np.median(over[3][full])

    def test_adjacency_brightens_the_dark_beside_the_bright(self, site):
        signal = np.full((6, *site.ground.shape), 0.05, np.float32)
        middle = signal.shape[2] // 2
        signal[:, :, middle:] = 0.6
        flat = np.zeros(site.ground.shape, np.float32)
        level = replace(site.ground, rise_east=flat, rise_north=flat)
        none = replace(
            Air.clear(generator(1), "SR", sentinel2=True),
            left=0.0, adjacency=0.0, relief_corrected=0.0,
        )  # fmt: skip
        sky = make_sky(1, site.frame, np.zeros_like(site.terrain), level, none, (150.0, 60.0), 0)
        without, with_it = signal.copy(), signal.copy()
        see(without, level, sky, none)
        see(with_it, level, sky, replace(none, adjacency=0.07))
        gain = np.median(with_it[1] - without[1], axis=0)
        assert gain[middle - 10] > 0.005 > abs(gain[30])
        assert gain[middle + 10] < -0.005

    def test_cumulus_is_small_and_throws_a_shadow(self, site):
        air = replace(site.world.views[0].air, cumulus=0.03, cloud_height_m=600.0)
        sky = make_sky(3, site.frame, site.terrain, site.ground, air, (150.0, 45.0), 0)
        assert 0.002 < (sky.cloud > 0.5).mean() < 0.15
        assert 0.002 < (sky.shade > 0.5).mean() < 0.15
        both = ((sky.shade > 0.5) & (sky.cloud > 0.5)).mean()
        assert both < 0.5 * (sky.shade > 0.5).mean()


class TestFaults:
    def test_misregistration_moves_one_band_by_the_fraction_told(self, site, clear):
        shift = tuple((0.3, 0.0) if band == 3 else (0.0, 0.0) for band in range(6))
        _, moved = seen_with(site, faults=replace(ImageFaults.none(), band_shift_px=shift))
        assert np.array_equal(moved.bands["green"], clear.bands["green"])
        assert _offset_px(clear.bands["nir"], moved.bands["nir"]) == pytest.approx(
            [0.3, 0.0], abs=0.06
        )

    @pytest.mark.parametrize("kernel", ["nearest", "bilinear", "cubic"])
    def test_a_warp_keeps_places_right(self, kernel):
        ramp = np.add.outer(np.arange(80.0), 2.0 * np.arange(80.0)).astype(np.float32)
        faults = replace(
            ImageFaults.none(), resampling=kernel, warp_px=(0.4, -0.3), warp_turn=0.003
        )
        off = (warped(ramp, faults) - ramp)[4:-4, 4:-4]
        most = 3.01 if kernel == "nearest" else 0.02  # a pixel of a ramp that rises by 1 and 2
        assert abs(off).max() <= most
        assert abs(off.mean()) < 0.3

    def test_bilinear_smooths_and_nearest_repeats(self):
        noise = generator(2).standard_normal((90, 90)).astype(np.float32)
        faults = replace(ImageFaults.none(), warp_px=(0.4, -0.4), warp_turn=0.002)
        smooth = warped(noise, replace(faults, resampling="bilinear"))
        again = warped(noise, replace(faults, resampling="nearest"))
        assert smooth[5:-5, 5:-5].std() < 0.75 * noise.std()
        assert np.isin(again, noise).all()

    def test_dropped_lines_strike_so_many_lines_and_no_more(self, clear):
        bands = {name: clear.bands["green"].copy() for name in BANDS}
        struck, rows = dropped(bands, 4, generator(3))
        changed = np.zeros(bands["green"].shape, bool)
        for name, band in bands.items():
            changed |= struck[name] != band
        assert len(rows) == 4
        assert set(np.flatnonzero(changed.any(axis=1))) <= set(rows.tolist())
        assert changed.any()

    def test_steps_leave_whole_counts(self):
        values = generator(1).random((50, 50)).astype(np.float32)
        counts = stepped(values, 1 / 255) * 255
        assert counts == pytest.approx(np.round(counts), abs=1e-3)
        assert stepped(values, 0.0) is values

    def test_no_fault_of_an_image_touches_the_truth(self, site, clear):
        faults = replace(
            ImageFaults.none(), band_shift_px=((0.3, 0.1),) * 6, resampling="cubic",
            warp_px=(0.4, 0.4), step=1 / 127,
        )  # fmt: skip
        lies = MaskFaults(2e5, True, 0.5, 1.0, 1.0, 1.0)
        _, scene = seen_with(site, faults=faults, masks=lies)
        assert scene.truth.equals(clear.truth)


class TestMasks:
    def labels(self) -> np.ndarray:
        labels = np.full((60, 60), Label.BARE, np.uint8)
        labels[5:8, 5:8] = Label.CLOUD
        labels[10:30, 10:30] = Label.CLOUD
        labels[40:42, 40:42] = Label.SHADOW
        labels[50, :] = Label.CIRRUS
        return labels

    def told(self, tone: float = 0.05, **changes: object) -> tuple[np.ndarray, np.ndarray]:
        lake = np.ravel_multi_index(np.mgrid[32:38, 45:55].reshape(2, -1), (60, 60))
        green = np.full((60, 60), tone, np.float32)
        faults = replace(HONEST, **changes)
        told = lie(self.labels(), faults, generator(1), pixel_m=20.0, green=green, lakes=[lake])
        return told, told.flat[lake]

    def test_an_honest_mask_says_what_it_sees(self):
        assert np.array_equal(self.told()[0], self.labels())

    def test_small_clouds_and_their_shadows_are_missed(self):
        told, _ = self.told(smallest_cloud_m2=2e4)
        assert (told[5:8, 5:8] == Label.BARE).all()
        assert (told[40:42, 40:42] == Label.BARE).all()
        assert (told[10:30, 10:30] == Label.CLOUD).all()

    def test_a_veil_is_missed(self):
        assert (self.told(misses_veil=True)[0][50] == Label.BARE).all()

    @pytest.mark.parametrize(
        ("fault", "tone", "label"),
        [
            ("lakes_as_shadow", 0.05, Label.SHADOW),
            ("lakes_as_snow", 0.3, Label.SNOW),
            ("lakes_as_cloud", 0.3, Label.CLOUD),
        ],
    )
    def test_a_whole_lake_is_taken_for_something_else(self, fault, tone, label):
        told, lake = self.told(tone, **{fault: 1.0})
        assert (lake == label).all()
        assert (told != self.labels()).sum() == lake.size

    def test_a_bright_lake_is_no_shadow_and_a_dark_one_no_cloud(self):
        assert np.array_equal(self.told(0.3, lakes_as_shadow=1.0)[0], self.labels())
        assert np.array_equal(self.told(0.05, lakes_as_cloud=1.0)[0], self.labels())


class TestElevation:
    def dem(self, site: WorldSite, **changes: object) -> tuple[np.ndarray, np.ndarray]:
        faults = replace(GOOD_DEM, **changes)
        low = np.zeros_like(site.terrain)
        dem, _ = make_dem(1, faults, site.terrain, site.bare, low)
        true = site.terrain.reshape(dem.shape[0] + 12, 3, -1, 3).mean(axis=(1, 3))
        return dem, true[6:-6, 6:-6]

    def test_none_is_none(self, site):
        faults = replace(GOOD_DEM, kind="none")
        assert make_dem(1, faults, site.terrain, site.bare, site.bare) is None

    def test_a_good_one_is_the_ground(self, site):
        dem, true = self.dem(site)
        assert np.abs(dem - true).max() < 2.0

    def test_the_bias_is_the_one_told(self, site):
        dem, true = self.dem(site, bias_m=4.0, noise_m=1.0)
        assert np.median(dem - true) == pytest.approx(4.0, abs=0.2)

    def test_the_shift_is_the_one_told(self, site):
        dem, true = self.dem(site, shift_px=(1.0, 0.0))
        assert np.abs(dem[:, 1:] - true[:, :-1]).mean() < 0.2 * np.abs(dem - true).mean()

    def test_voids_are_as_many_as_told(self, site):
        dem, _ = self.dem(site, voids=0.05)
        assert (dem == VOID).mean() == pytest.approx(0.05, abs=0.03)

    def test_another_year_does_not_know_the_lakes(self, site):
        dem, true = self.dem(site, kind="other year")
        bare = site.bare.reshape(dem.shape[0] + 12, 3, -1, 3).mean(axis=(1, 3))[6:-6, 6:-6]
        assert np.abs(dem - bare).max() < np.abs(dem - true).max()


def test_pixels_of_a_shifted_band_lie_where_the_camera_says():
    ramp = np.tile(np.arange(200, dtype=np.float32), (200, 1))
    still, moved = (
        take(ramp, cell_m=5.0, first=40, count=50, pixel_m=10.0, blur_m=4.0, shift_m=(east, 0.0))
        for east in (0.0, 3.0)
    )
    assert still - moved == pytest.approx(3.0 / 5.0, abs=1e-3)


def test_the_margin_lets_mountains_outside_shade_the_image(site):
    assert site.terrain.shape[0] == round((2400.0 + 2 * MARGIN_M) / 10.0)


def test_worlds_are_documented():
    text = (Path(__file__).parents[1] / "docs" / "simulator.md").read_text("utf-8")
    assert f"{DEVELOPMENT[0]}" in text.replace(" ", "").replace("_", "")
    assert f"{KEPT[0]}" in text.replace(" ", "").replace("_", "")
