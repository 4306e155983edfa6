"""A scene is read once, from top to bottom; the result does not tell how."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.windows import Window
from scipy import ndimage
from shapely import box

from glacial_lakes.coverage import Coverage, State
from glacial_lakes.errors import DamagedFileError
from glacial_lakes.grid import Grid
from glacial_lakes.mapping import measuring, pipeline
from glacial_lakes.mapping.candidates import AROUND_PX, MOST_BYTES, Candidate, Measured
from glacial_lakes.mapping.job import Job
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.measuring import fetched_with
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.mapping.pixels import Pixels, read_pixels
from glacial_lakes.mapping.read_mask import BLOCK_PX, MARGIN_PX, REMOTE_PX, Blocks
from glacial_lakes.mapping.sky import Sky
from glacial_lakes.mapping.slc_gaps import MAX_GAP_ROWS
from glacial_lakes.mapping.strips import ABOVE_PX, BELOW_PX, strips
from glacial_lakes.scenes import Scene, open_scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.settings import MappingSettings
from glacial_lakes.workflow.area_series import MARGIN_M

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import full_tile

BANDS = ("blue", "green", "nir", "swir1")
PATTERNS = ("S2A_MSIL2A_20180812*", "LC08_L2SP_151030_20130903*", "LE07_L2SP_151030_20060817*")
"""JPEG 2000 with bands of 10 and 20 m; GeoTIFF; GeoTIFF with the gaps of Landsat 7."""


@pytest.fixture(scope="module", params=PATTERNS)
def scene(request: pytest.FixtureRequest, sample_data: Path) -> Scene:
    return open_scene(next((sample_data / "scenes").glob(request.param)))


@pytest.fixture(scope="module")
def tile(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a scene of some blocks: the ground, lakes and bands of the speed benchmark."""
    folder = tmp_path_factory.mktemp("tile")
    full_tile.write_tile(folder, 1600)
    return open_scene(folder / "tile.tif")


@pytest.fixture(scope="module")
def at_once(scene: Scene, sample_data: Path) -> tuple[bytes, bytes]:
    """Return what mapping tells of a scene that is one strip."""
    mapped = map_lakes(scene, dem=sample_data / "dem.tif", settings=MappingSettings(strip_rows=512))
    return contents(mapped)


def contents(mapped: MappedScene) -> tuple[bytes, bytes]:
    """Return all that mapping tells, byte by byte."""
    assert isinstance(mapped.coverage, Coverage)
    return mapped.outlines.to_wkb().to_csv(index=False).encode(), mapped.coverage.tiff


@pytest.mark.parametrize("rows", [32, 100, 512])
def test_strips_hold_each_row_once_and_what_is_around_it(scene: Scene, rows: int) -> None:
    height, width = scene.grid.shape
    expected = 0
    for strip in strips(scene, BANDS, lambda: None, Blocks.of(scene.grid), rows):
        first, end = strip.core
        window = strip.pixels.window
        assert first == expected < end
        assert window.row_off == max(0, first - ABOVE_PX)
        assert min(height, end + BELOW_PX) <= window.row_off + window.height <= height
        assert (window.col_off, window.width) == (0, width)
        expected = end
    assert expected == height


@pytest.mark.parametrize("rows", [100, 250])
def test_the_pixels_of_a_strip_are_those_of_its_window(scene: Scene, rows: int) -> None:
    for strip in strips(scene, BANDS, lambda: None, Blocks.of(scene.grid), rows):
        pixels, expected = strip.pixels, read_pixels(scene, BANDS, strip.pixels.window)
        # A window alone does not show both sides of the gaps that its edge cuts.
        bridged = np.s_[MAX_GAP_ROWS:-MAX_GAP_ROWS]
        for name, band in expected.reflectance.items():
            np.testing.assert_array_equal(pixels.reflectance[name][bridged], band[bridged])
        for layer in ("flags", "cloud", "snow_or_ice", "seen"):
            found, known = getattr(pixels, layer), getattr(expected, layer)
            np.testing.assert_array_equal(found[bridged], known[bridged])
        assert pixels.transform == expected.transform


def test_the_gaps_of_landsat_7_lie_in_the_strips(sample_data: Path) -> None:
    scene = open_scene(next((sample_data / "scenes").glob(PATTERNS[2])))
    gaps = [
        (strip.pixels.flags & Quality.NODATA != 0).mean()
        for strip in strips(scene, BANDS, lambda: None, Blocks.of(scene.grid), 64)
    ]
    assert 0.05 < np.mean(gaps) < 0.5


def corner(scene: Scene, size_m: float) -> gpd.GeoDataFrame:
    """Return a glacier in the lower right corner of a scene."""
    _, south, east, _ = scene.grid.bounds
    place = shapely.box(east - size_m, south, east, south + size_m)
    return gpd.GeoDataFrame({"RGIId": ["G1"]}, geometry=[place], crs=scene.grid.crs.to_wkt())


def test_each_wanted_pixel_is_read_once_and_no_other(
    tile: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = Blocks.of(tile.grid).near(corner(tile, 1000.0), 2000.0)
    wanted = np.kron(blocks.wanted, np.ones((BLOCK_PX, BLOCK_PX), int))
    wanted = wanted[: tile.grid.shape[0], : tile.grid.shape[1]]
    assert 0 < wanted.mean() < 0.5
    times = {name: np.zeros(tile.grid.shape, int) for name in BANDS}
    read = Scene.read

    def counted(scene: Scene, names: list[str], window: object, **options: object) -> object:
        for name in names:
            times[name][window.toslices()] += 1  # type: ignore[attr-defined]
        return read(scene, names, window, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Scene, "read", counted)
    for strip in strips(tile, BANDS, lambda: None, blocks, 256):
        window = strip.pixels.window
        seen = strip.pixels.flags & Quality.NODATA == 0
        np.testing.assert_array_equal(seen, wanted[window.toslices()])
    for count in times.values():
        np.testing.assert_array_equal(count, wanted)


def test_what_lies_beyond_the_buffer_is_not_read_again(
    tile: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, again = [], []
    candidates, around = measuring._candidates, measuring._measure_around

    def told(job, strip, seeds):  # type: ignore[no-untyped-def]
        whole, tall, apart, beyond = candidates(job, strip, seeds)
        cut.extend(
            one.first for one in beyond if not job.blocks.hold(tile.grid.around(one.extent, 1))
        )
        return whole, tall, apart, beyond

    def read(job, row, col):  # type: ignore[no-untyped-def]
        again.append((row, col))
        return around(job, row, col)

    monkeypatch.setattr(measuring, "_candidates", told)
    monkeypatch.setattr(measuring, "_measure_around", read)
    _, south, east, _ = tile.grid.bounds
    for size_m in (1000.0, 3000.0, 6000.0):
        place = shapely.box(east - size_m, south + 5000, east, south + 5000 + size_m)
        glaciers = gpd.GeoDataFrame({"RGIId": ["G1"]}, geometry=[place], crs=tile.grid.crs.to_wkt())
        map_lakes(tile, glaciers=glaciers, glacier_buffer_m=500.0)
    assert cut
    assert not set(cut) & set(again)


def test_blocks_are_as_large_as_those_that_are_decoded(tile: Scene) -> None:
    blocks = Blocks.of(tile.grid, 1024).near(corner(tile, 100.0), 100.0)
    assert blocks.wanted.tolist() == [[False, False], [False, True]]
    assert blocks.extent == Window(1024, 1024, 576, 576)
    assert blocks.hold(Window(1024, 1024, 576, 576))
    assert not blocks.hold(Window(1023, 1024, 10, 10))
    assert Blocks.of(tile.grid, 1).edge == BLOCK_PX


def test_lakes_near_glaciers_are_those_of_the_whole_scene(tile: Scene) -> None:
    glaciers = corner(tile, 3000.0)
    found = map_lakes(tile, glaciers=glaciers, glacier_buffer_m=4000.0)
    near = found.outlines
    whole = map_lakes(tile, glaciers=glaciers, glacier_buffer_m=None).outlines
    inside = whole[whole["glacier_dist_m"] <= 4000.0].reset_index(drop=True)
    assert 5 < len(inside) < len(whole)
    assert near.to_wkb().equals(inside.to_wkb())
    assert isinstance(found.coverage, Coverage)
    unread = found.coverage.states() == State.NODATA
    assert 0.2 < unread.mean() < 0.9


def test_what_lies_too_far_from_glaciers_in_a_block_is_neither_measured_nor_land(
    tile: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []
    measure = Job.measure

    def noted(job: Job, pixels: Pixels, candidate: Candidate) -> list[Measured]:
        measured.append(candidate.first)
        return measure(job, pixels, candidate)

    monkeypatch.setattr(Job, "measure", noted)
    glaciers = corner(tile, 1000.0)
    whole = map_lakes(tile, glaciers=glaciers, glacier_buffer_m=None).outlines
    all_of_them = len(measured)
    measured.clear()
    near = map_lakes(tile, glaciers=glaciers, glacier_buffer_m=2000.0)
    assert len(near.outlines) <= len(measured) < all_of_them / 2
    coverage = near.coverage
    assert isinstance(coverage, Coverage)
    far = whole[whole["glacier_dist_m"] > 3000.0].representative_point()
    rows, cols = rasterio.transform.rowcol(tile.grid.transform, far.x, far.y)
    told = coverage.states()[rows, cols]
    assert len(far) > 5
    assert set(told) == {State.NODATA, State.UNCERTAIN}
    assert set(coverage.observe(far.buffer(15.0))["status"]) <= {"nodata", "uncertain"}


@pytest.mark.parametrize(("rows", "workers"), [(64, 1), (64, 2), (256, 1), (256, 2)])
def test_neither_rows_nor_threads_change_a_byte(
    scene: Scene,
    at_once: tuple[bytes, bytes],
    sample_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    workers: int,
) -> None:
    dem = sample_data / "dem.tif"
    monkeypatch.setattr(measuring, "WORKERS", workers)
    found = contents(map_lakes(scene, dem=dem, settings=MappingSettings(strip_rows=rows)))
    assert found == at_once


def test_rows_do_not_change_a_byte_of_a_scene_of_several_blocks(tile: Scene) -> None:
    glaciers = corner(tile, 3000.0)
    results = {
        contents(
            map_lakes(
                tile,
                glaciers=glaciers,
                glacier_buffer_m=4000.0,
                settings=MappingSettings(strip_rows=rows),
            )
        )
        for rows in (64, 256, 512)
    }
    assert len(results) == 1


@pytest.fixture(scope="module")
def tall(tile: Scene, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return the tile with lakes that are taller than strips.

    A straight one, one that goes sideways, and one of two arms that join far below. Gaps as those
    of Landsat 7 run across.
    """
    folder = tmp_path_factory.mktemp("tall")
    for name in ("tile.tif", "tile.toml"):
        shutil.copy(Path(tile.path).with_name(name), folder / name)
    rows, cols = np.indices(tile.grid.shape)
    straight = (abs(cols - 300) < 20) & (rows > 200) & (rows < 1300)
    slanted = (abs(cols - 500 - 0.6 * (rows - 150)) < 15) & (rows > 150) & (rows < 1100)
    arms = (abs(abs(cols - 1400) - 60) < 15) & (rows > 220 + 90 * (cols > 1400)) & (rows < 1200)
    arms |= (abs(cols - 1400) < 75) & (rows >= 1190) & (rows < 1220)
    lakes = straight | slanted | arms
    around = ndimage.binary_dilation(lakes, iterations=30)
    gaps = (rows + cols // 40) % 150 < 9
    with rasterio.open(folder / "tile.tif", "r+") as file:
        for number, (wet, dry) in enumerate(zip(full_tile.CLEAR, full_tile.MORAINE, strict=True)):
            if number < file.count:
                stored = file.read(number + 1)
                stored[around] = round(10_000 * float(dry))
                stored[lakes] = round(10_000 * float(wet))
                stored[gaps] = 0
                file.write(stored, number + 1)
    return open_scene(folder / "tile.tif")


@pytest.mark.thorough
def test_lakes_taller_than_a_strip_are_those_of_the_whole_scene_and_not_read_again(
    tall: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = map_lakes(tall, settings=MappingSettings(strip_rows=2000))
    bounds = whole.outlines.bounds
    assert ((bounds["maxy"] - bounds["miny"]) > 10 * BELOW_PX * 2).sum() == 3
    again = []
    around = measuring._measure_around

    def noted(job: Job, row: int, col: int) -> dict[measuring.Place, list[Measured]]:
        again.append(col)
        return around(job, row, col)

    monkeypatch.setattr(measuring, "_measure_around", noted)
    for room in (MOST_BYTES, 2**20, 0):
        again.clear()
        monkeypatch.setattr(measuring, "MOST_BYTES", room)
        in_strips = map_lakes(tall, settings=MappingSettings(strip_rows=64))
        assert contents(in_strips) == contents(whole)
        if room == MOST_BYTES:
            assert not [col for col in again if col < 340]
            assert len(again) < 5
    assert [col for col in again if col < 340]  # there was no room at last


def threads() -> set[str]:
    """Return the names of what decodes and measures."""
    names = {thread.name for thread in threading.enumerate()}
    return {name for name in names if name.startswith(("decode", "measure"))}


def test_a_file_that_breaks_while_it_is_read_is_named_and_no_thread_is_left(
    sample_data: Path, tmp_path: Path
) -> None:
    product = next((sample_data / "scenes").glob(PATTERNS[1]))
    shutil.copytree(product, tmp_path / product.name)
    scene = open_scene(tmp_path / product.name)
    path = Path(scene.bands["nir"].path)
    stored = path.read_bytes()
    path.write_bytes(stored[: len(stored) // 2] + bytes(len(stored) - len(stored) // 2))
    with pytest.raises(DamagedFileError, match=path.name) as caught:
        map_lakes(scene)
    assert "\n" not in str(caught.value)
    assert not threads()


def test_a_mistake_while_measuring_is_told_and_no_thread_is_left(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ArithmeticError("of the test")

    monkeypatch.setattr(Job, "measure", broken)
    with pytest.raises(ArithmeticError, match="of the test"):
        map_lakes(scene)
    assert not threads()


def write_land(folder: Path, rows: int) -> Path:
    """Write bare ground of 1024 columns."""
    profile = {
        "driver": "GTiff", "width": 1024, "height": rows, "count": 4, "dtype": "uint16",
        "crs": "EPSG:32643", "transform": from_origin(400_000, 4_800_000, 10, 10),
        "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate",
    }  # fmt: skip
    path = folder / f"land_{rows}.tif"
    grain = np.random.default_rng(1).integers(0, 300, (256, 1024))
    with rasterio.open(path, "w", **profile) as file:
        for band, value in enumerate((1100, 1400, 1700, 2200), 1):
            stripe = (value + grain).astype("uint16")
            file.write(np.tile(stripe, (rows // 256, 1)), band)
    path.with_suffix(".toml").write_text(
        'acquired = 2020-08-01T06:00:00Z\nsensor = "S2A"\nscale = 0.0001\noffset = 0.0\n'
        "nodata = 0\n[bands]\nblue = 1\ngreen = 2\nred = 3\nnir = 4\n",
        "utf-8",
    )
    return path


PEAK = """
import sys
from pathlib import Path
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import open_scene

scene = open_scene(sys.argv[1])
map_lakes(scene)
told = Path("/proc/self/status").read_text()  # ru_maxrss is at least that of the parent
print(told.partition("VmHWM:")[2].split()[0])
"""


def peak_bytes(path: Path) -> int:
    """Return the largest memory of a process that maps a scene."""
    told = subprocess.run(
        [sys.executable, "-c", PEAK, path], check=True, capture_output=True, text=True
    )
    return 1024 * int(told.stdout)


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the peak")
def test_memory_follows_the_strip_and_not_the_scene(tmp_path: Path) -> None:
    short, tall = write_land(tmp_path, 2048), write_land(tmp_path, 8192)
    few = peak_bytes(short)  # first: it compiles, where nothing could be kept compiled
    more = peak_bytes(tall) - few
    assert more <= 2 * 1024 * (8192 - 2048)  # the states: a byte a pixel


def test_lakes_that_meet_a_place_are_those_of_the_whole_scene(tile: Scene) -> None:
    dem = Path(tile.path).parent / "dem.tif"
    west, _, _, north = tile.grid.bounds
    place = shapely.box(west + 2000, north - 4500, west + 4500, north - 2000)
    near = gpd.GeoSeries([place], crs=tile.grid.crs.to_wkt())
    found, whole = map_lakes(tile, dem=dem, near=near), map_lakes(tile, dem=dem)
    meets = whole.outlines[whole.outlines.intersects(place)].reset_index(drop=True)
    assert 3 < len(meets) < len(whole.outlines)
    assert found.outlines.to_wkb().equals(meets.to_wkb())
    assert isinstance(found.coverage, Coverage)
    assert isinstance(whole.coverage, Coverage)
    inside = tile.grid.window_of(place.bounds)
    part = found.coverage.grid.window_of(place.bounds)
    np.testing.assert_array_equal(found.coverage.states(part), whole.coverage.states(inside))
    assert found.coverage.grid.shape < tile.grid.shape


def under_clouds(tile: Scene, folder: Path, discs: Iterable[tuple[float, float, float]]) -> Scene:
    """Return a copy of a scene with clouds: their rows, columns and radii in pixels."""
    for path in Path(tile.path).parent.glob("*"):
        if path.is_file():
            shutil.copy(path, folder / path.name)
    with rasterio.open(folder / "tile.tif", "r+") as dataset:
        bands = dataset.read()
        rows, cols = np.ogrid[: tile.grid.shape[0], : tile.grid.shape[1]]
        for row, col, radius in discs:
            disc = np.hypot(rows - row, cols - col) < radius
            bands[:, disc] = np.array([5200, 5200, 5200, 5200, 4400, 4000])[: len(bands), None]
        dataset.write(bands)
    return open_scene(folder / "tile.tif")


def test_clouds_are_those_of_the_whole_scene_whatever_is_read(
    tile: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tile = under_clouds(tile, tmp_path, [(700, 900, 60), (1100, 1000, 150), (400, 1100, 20)])
    held: list[tuple[Job, np.ndarray]] = []
    decide = pipeline._decide

    def kept(job, states, *others):  # type: ignore[no-untyped-def]
        held.append((job, states.copy()))
        return decide(job, states, *others)

    monkeypatch.setattr(pipeline, "_decide", kept)
    map_lakes(tile)
    map_lakes(tile, near=corner(tile, 500.0))
    (_, whole), (job, part) = held
    assert (part == State.NODATA).sum() > (whole == State.NODATA).sum()
    sky, window = Sky(job, part), Window(300, 500, 900, 900)
    places = job.blocks.of_window(window)
    expected = whole[window.toslices()] == State.CLOUD
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(sky.clouds(window, places), expected)


@pytest.mark.thorough
def test_bounds_of_lakes_under_cloud_are_those_of_the_whole_scene(
    tile: Scene, tmp_path: Path
) -> None:
    discs = []
    for number, shape in enumerate(map_lakes(tile).outlines.geometry):
        down, along = tile.grid.window_of(shape.bounds).toslices()
        radius = (15, 60, 200)[number % 3]  # of clouds that touch the lake
        discs.append((down.start + 4 - 0.7 * radius, along.start + 4 - 0.7 * radius, radius))
    scene, dem = under_clouds(tile, tmp_path, discs), tmp_path / "dem.tif"
    whole, bounded = map_lakes(scene, dem=dem).outlines, 0
    for place in whole.geometry[::2]:
        near = gpd.GeoSeries([place.envelope.buffer(MARGIN_M)], crs=tile.grid.crs.to_wkt())
        found = map_lakes(scene, dem=dem, near=near).outlines
        one, other = (table[table.intersects(place)].to_wkb() for table in (found, whole))
        assert one.reset_index(drop=True).equals(other.reset_index(drop=True))
        bounded += int(other["area_max_m2"].notna().sum())
    assert bounded > 0


def test_of_a_server_is_read_what_the_area_and_its_margin_touch_and_no_whole_squares() -> None:
    utm = CRS.from_epsg(32643)
    grid = Grid(utm, Affine(10, 0, 0, 0, -10, 20_000), (2000, 2000))
    area = gpd.GeoDataFrame(geometry=[box(4390, 6900, 9390, 11_900)], crs=utm.to_wkt())
    blocks = Blocks.of(grid, REMOTE_PX, REMOTE_PX).near(area, 0.0, AROUND_PX)
    margin = MARGIN_PX + AROUND_PX
    expected = grid.window_of(tuple(area.total_bounds), margin)
    assert blocks.extent == expected
    (top, bottom), (left, right) = ((part.start, part.stop) for part in expected.toslices())
    assert (right, right % 1024) == (1009, 1009)  # whole squares would end with a block, at 1024
    read = np.zeros(grid.shape, int)
    for window in blocks.runs(0, 2000):
        read[window.toslices()] += 1
    assert read[top:bottom, left:right].min() == read.max() == 1
    assert read.sum() == expected.width * expected.height
    assert np.array_equal(blocks.read(grid.window), read.astype(bool))
    assert blocks.hold(expected)
    assert not blocks.hold(grid.around(expected, 1))
    assert sum(one.width * one.height for one in blocks.sample(10_000)) == read.sum()


@pytest.mark.parametrize("seed", range(20))
def test_what_is_looked_at_beyond_an_area_is_fetched_anyway(seed: int) -> None:
    """Of no band more blocks than those of the window that is needed."""
    rng = np.random.default_rng(seed)
    shape = 5490, 4000
    top, left = rng.integers(0, (5000, 3900)).tolist()
    needed = Window(left, top, *rng.integers(9, (4000 - left, 5490 - top)).tolist())
    found = fetched_with(needed, (512, 256), shape)

    def touched(window: Window, factor: int) -> list[tuple[int, int]]:
        spans = zip(window.toslices(), shape, (512, 256), strict=True)
        beside = 1 if factor > 1 else 0
        return [
            (max(0, part.start // factor - beside) // edge,
             -(-min(size // factor, -(-part.stop // factor) + beside) // edge))
            for part, size, edge in spans
        ]  # fmt: skip

    for factor in (1, 2, 6):
        assert touched(found, factor) == touched(needed, factor)
    for part, more in zip(needed.toslices(), found.toslices(), strict=True):
        assert more.start <= part.start < part.stop <= more.stop
