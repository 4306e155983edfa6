"""Scenes that cannot be what they claim are refused; good ones of every kind are not."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from sample_project import PRODUCTS, Maker, project_of

from glacial_lakes import schema
from glacial_lakes.errors import GridError, ImplausibleError, MetadataError, MissingFileError
from glacial_lakes.events import SceneRefused
from glacial_lakes.grid import Grid
from glacial_lakes.mapping.reach import extent_of
from glacial_lakes.scenes import discover, find_products, open_scene
from glacial_lakes.scenes.agreement import Ground, disagreeing
from glacial_lakes.scenes.consistency import disordered_colours, foreign_quality, mixed_bands
from glacial_lakes.scenes.plausibility import (
    assess,
    check_time,
    contradictions,
    require_plausible,
)
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.sampling import Part
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.sun import sun_over, sun_position
from glacial_lakes.workflow.map_files import map_scenes
from glacial_lakes.workflow.run import run

LANDSAT = "LC08_L2SP_151030_20130903_20200904_02_T1"
SENTINEL2 = "S2A_MSIL2A_20230905T055651_N0509_R091_T43TDH_20230905T110320.SAFE"
Edit = Callable[[str], str]


def edited(product: Path, folder: Path, pattern: str, edit: Edit) -> Path:
    """Return a copy of a product with one metadata file changed and no checksums."""
    copy = folder / product.name
    shutil.copytree(product, copy)
    for listing in (*copy.glob("*MD5*"), *copy.glob("manifest.safe")):
        listing.unlink()
    [metadata] = copy.rglob(pattern)
    text = metadata.read_text(encoding="utf-8")
    assert edit(text) != text
    metadata.write_text(edit(text), encoding="utf-8")
    return copy


def put(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Edit:
    return lambda text: re.sub(pattern, new, text)


def mult(new: str, band: str = "3") -> Edit:
    return put(rf"(REFLECTANCE_MULT_BAND_{band} = )2.75e-05", rf"\g<1>{new}")


LANDSAT_FAULTS = {
    "minus": mult("-2.75e-05", "."),
    "minus in one band": mult("-2.75e-05", "5"),
    "ten times": mult("2.75e-04"),
    "one digit": mult("2.15e-05"),
    "offset left out": put(r"(REFLECTANCE_ADD_BAND_3 = )-0.2", r"\g<1>0"),
    "offset doubled": put(r"(REFLECTANCE_ADD_BAND_. = )-0.2", r"\g<1>-0.4"),
    "made before it was taken": lambda text: text.replace(
        "  GROUP = LEVEL2_PROCESSING_RECORD",
        "  GROUP = LEVEL2_PROCESSING_RECORD\n    DATE_PRODUCT_GENERATED = 2011-09-04T10:00:00Z",
    ),
    "of the night": put(r"05:33:51", "17:33:51"),
    "sun of another place": put(r"(SUN_ELEVATION = )49", r"\g<1>18"),
    "sun on the other side": put(r"(SUN_AZIMUTH = )144", r"\g<1>324"),
    "zenith distance for elevation": put(r"(SUN_ELEVATION = )49\.\d+", r"\g<1>40.05"),
    "corners in degrees of the other hemisphere": put(r"(_LAT_PRODUCT = )4", r"\g<1>-4"),
    "a corner 3 km to the east": put(r"(UL_PROJECTION_X_PRODUCT = )455", r"\g<1>458"),
    "a corner 3 km to the north": put(r"(LR_PROJECTION_Y_PRODUCT = )4713", r"\g<1>4716"),
    "a corner in degrees 300 m away": put(r"(UR_LAT_PRODUCT = )42.649", r"\g<1>42.652"),
    "a side 3 km to the west in metres": put(r"(.L_PROJECTION_X_PRODUCT = )455", r"\g<1>452"),
    "of another path": put(r"(WRS_PATH = )\d+", r"\g<1>12"),
    "its saturation for its quality": put(r'(QUALITY_L1_PIXEL = ".*)_QA_PIXEL', r"\g<1>_QA_RADSAT"),
    "of the day after its name": put("(DATE_ACQUIRED = 2013-09-0)3", r"\g<1>4"),
    "blue and green in each other's place": put(
        r'(BAND_[23] = ".*_SR_B)([23])', lambda found: found[1] + str(5 - int(found[2]))
    ),
}


@pytest.mark.parametrize("fault", LANDSAT_FAULTS)
def test_a_landsat_scene_that_contradicts_itself_is_refused(
    sample_data: Path, tmp_path: Path, fault: str
) -> None:
    copy = edited(sample_data / "scenes" / LANDSAT, tmp_path, "*MTL.txt", LANDSAT_FAULTS[fault])
    scene = open_scene(copy)
    with pytest.raises(ImplausibleError) as refusal:
        require_plausible(scene, assess(scene))
    assert refusal.value.path == str(copy)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "fault",
    {
        "offset doubled": put(">-1000<", ">-2000<"),
        "offset 0": put(">-1000<", ">0<"),
        "offset positive": put(">-1000<", ">1000<"),
        "offset of one band": put('(BOA_ADD_OFFSET band_id="7">)-1000', r"\g<1>-100"),
        "quantification": put("(BOA_QUANTIFICATION_VALUE[^>]*>)10000", r"\g<1>100000"),
        "quantification halved": put("(BOA_QUANTIFICATION_VALUE[^>]*>)10000", r"\g<1>5000"),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_a_sentinel2_scene_that_contradicts_its_baseline_is_refused(
    sample_data: Path, tmp_path: Path, fault: tuple[str, Edit]
) -> None:
    copy = edited(sample_data / "scenes" / SENTINEL2, tmp_path, "MTD_MSIL2A.xml", fault[1])
    scene = open_scene(copy)
    with pytest.raises(ImplausibleError, match=r"baseline 05\.09"):
        require_plausible(scene, assess(scene))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("MTD_MSIL2A.xml", "(>SATURATED<.*\\s.*>)65535<", r"\g<1>1500<"),
        ("MTD_MSIL2A.xml", "(>NODATA<.*\\s.*>)0<", r"\g<1>1500<"),
        ("MTD_MSIL2A.xml", "Sentinel-2A", "Sentinel-2B"),
        ("MTD_TL.xml", "(<AZIMUTH_ANGLE .*>)153", r"\g<1>333"),
        ("MTD_TL.xml", "(<TILE_ID.*_T43T)DH", r"\g<1>CH"),
    ],
)
def test_a_sentinel2_scene_that_tells_what_none_has_is_refused(
    sample_data: Path, tmp_path: Path, name: str, old: str, new: str
) -> None:
    scene = open_scene(edited(sample_data / "scenes" / SENTINEL2, tmp_path, name, put(old, new)))
    with pytest.raises(ImplausibleError):
        require_plausible(scene, assess(scene))


def test_a_sun_in_the_middle_of_the_sky_may_stand_on_another_side() -> None:
    grid = Grid(CRS.from_epsg(32643), Affine(30, 0, 460_000, 0, -30, 4_720_000), (100, 100))
    noon = datetime(2021, 6, 21, 6, 50, tzinfo=UTC)  # 71° high
    azimuth, elevation = sun_over(grid, noon)
    assert contradictions(noon, grid, (elevation, azimuth + 60)) == []
    assert contradictions(noon, grid, (elevation, azimuth + 180)) != []


def test_images_beside_the_corners_of_their_metadata_are_refused(
    sample_data: Path, tmp_path: Path
) -> None:
    """Three kilometres to the east, as from a raster that was saved with another origin."""
    copy = tmp_path / LANDSAT
    shutil.copytree(sample_data / "scenes" / LANDSAT, copy)
    for path in copy.glob("*.TIF"):
        with rasterio.open(path, "r+") as image:
            image.transform = image.transform @ Affine.translation(100, 0)
    with pytest.raises(GridError, match=r"3015 m beyond the corners"):
        open_scene(copy)


def test_a_band_that_is_named_for_another_image_is_not_believed(
    sample_data: Path, tmp_path: Path
) -> None:
    """Of Landsat the MTL names it; into a SAFE somebody has put it, also in place of its own."""
    other = "LC08_L2SP_151030_20161029_20200904_02_T1"
    band = put(f"{LANDSAT}_SR_B3.TIF", f"{other}_SR_B3.TIF")
    copy = edited(sample_data / "scenes" / LANDSAT, tmp_path, "*MTL.txt", band)
    shutil.copy(sample_data / "scenes" / other / f"{other}_SR_B3.TIF", copy)
    scene = open_scene(copy)
    with pytest.raises(ImplausibleError, match="another image"):
        require_plausible(scene, assess(scene))

    safe = tmp_path / SENTINEL2
    shutil.copytree(sample_data / "scenes" / SENTINEL2, safe)
    before = open_scene(safe).bands["green"].path
    [stranger] = (sample_data / "scenes").glob("*20220816*/GRANULE/*/IMG_DATA/R10m/*_B03_10m.jp2")
    shutil.copy(stranger, Path(before).parent)
    assert open_scene(safe).bands["green"].path == before
    Path(before).unlink()
    with pytest.raises(MissingFileError, match="_20230905T055651_B03_10m"):
        open_scene(safe)


def test_a_collection_without_its_quality_layer_is_refused(
    sample_data: Path, tmp_path: Path
) -> None:
    product = sample_data / "scenes" / LANDSAT
    copy = edited(product, tmp_path, "*MTL.txt", put(r" *FILE_NAME_QUALITY_L1_PIXEL.*\n", ""))
    with pytest.raises(MissingFileError, match="quality layer"):
        open_scene(copy)


@pytest.mark.parametrize("day", ["0001-09-03", "1971-09-03", "2013-01-01", "9999-09-03"])
def test_a_day_on_which_the_satellite_did_not_fly_is_refused(
    sample_data: Path, tmp_path: Path, day: str
) -> None:
    product = sample_data / "scenes" / LANDSAT
    copy = edited(product, tmp_path, "*MTL.txt", put("(DATE_ACQUIRED = ).*", rf"\g<1>{day}"))
    with pytest.raises(MetadataError, match=f"{day}, when LC08 took none"):
        open_scene(copy)


@given(st.datetimes(datetime(1984, 3, 2), datetime(2013, 6, 1)))
def test_any_day_of_service_is_believed(day: datetime) -> None:
    check_time(day.replace(tzinfo=UTC), "LT05", "MTL")


@given(
    st.datetimes(datetime(1984, 1, 1), datetime(2030, 1, 1)),
    st.floats(-180, 180),
    st.floats(-70, 70),
)
def test_the_sun_stands_where_another_formula_sets_it(
    day: datetime, lon: float, lat: float
) -> None:
    time = day.replace(tzinfo=UTC)
    assert sun_position(time, lon, lat)[1] == pytest.approx(spencer(time, lon, lat), abs=0.6)


def spencer(time: datetime, lon_deg: float, lat_deg: float) -> float:
    """Return the elevation of the sun by the series of Spencer (1971, Search 2, 172)."""
    hours = time.hour + time.minute / 60 + time.second / 3600
    year = 2 * math.pi * (time.timetuple().tm_yday - 1 + (hours - 12) / 24) / 365
    waves = [wave(turn * year) for turn in (1, 2) for wave in (math.cos, math.sin)]

    def series(*terms: float) -> float:
        return math.fsum(term * wave for term, wave in zip(terms, [1, *waves], strict=True))

    declination = series(0.006918, -0.399912, 0.070257, -0.006758, 0.000907)
    declination += -0.002697 * math.cos(3 * year) + 0.00148 * math.sin(3 * year)
    of_time = 229.18 * series(0.000075, 0.001868, -0.032077, -0.014615, -0.040849)
    angle = math.radians(15 * (hours - 12) + lon_deg + of_time / 4)
    lat = math.radians(lat_deg)
    sine = math.sin(lat) * math.sin(declination)
    return math.degrees(math.asin(sine + math.cos(lat) * math.cos(declination) * math.cos(angle)))


def scaled(scene: Scene, factor: float, shift: float) -> Scene:
    """Return a scene whose reflectance is wrong by a factor and a shift, as its metadata tells."""
    bands = {
        name: replace(band, scale=band.scale * factor, offset=band.offset * factor + shift)
        for name, band in scene.bands.items()
    }
    return replace(scene, bands=bands)


@pytest.mark.parametrize(
    ("factor", "shift", "verdict"),
    [
        (1, 0, "plausible"),
        (0.1, 0, "implausible"),
        (10, 0, "implausible"),
        (1e4, 0, "implausible"),
        (1, -0.1, "implausible"),
        (1, -0.2, "implausible"),
        (1, 0.1, "odd"),
        (1, 0.2, "odd"),
        (-1, 0, "implausible"),
        (0, 0.2, "implausible"),
    ],
)
def test_reflectance_alone_tells_a_wrong_scale_or_offset(
    sample_data: Path, factor: float, shift: float, verdict: str
) -> None:
    """As for a stack, whose factors a person wrote."""
    for product in (LANDSAT, SENTINEL2):
        scene = open_scene(sample_data / "scenes" / product)
        assert assess(scaled(scene, factor, shift)).verdict == verdict, product


def exchanged(scene: Scene, **others: Scene | str) -> Scene:
    """Return a scene with bands, or the quality layer, of another one, or of another name."""
    quality = others.pop("quality", scene)
    assert isinstance(quality, Scene)
    bands = {
        name: scene.bands[other] if isinstance(other, str) else other.bands[name]
        for name, other in others.items()
    }
    return replace(scene, bands={**scene.bands, **bands}, quality=quality.quality)


SWAPS = [
    ("green", "nir", "implausible"),
    ("blue", "nir", "odd"),
    ("red", "nir", "odd"),
    ("green", "swir1", "odd"),
    ("nir", "swir1", "odd"),
    ("red", "swir2", "odd"),
    ("swir1", "swir2", "implausible"),
    ("blue", "green", "odd"),
    ("green", "red", "odd"),
    ("blue", "red", "odd"),
]


@pytest.mark.parametrize(("one", "other", "verdict"), SWAPS)
def test_two_bands_that_were_swapped_are_noticed(
    sample_data: Path, one: str, other: str, verdict: str
) -> None:
    for product in (LANDSAT, SENTINEL2):
        scene = open_scene(sample_data / "scenes" / product)
        found = assess(exchanged(scene, **{one: other, other: one}))
        assert found.verdict in {verdict, "implausible"}, found
        assert found.reason


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["L2SP", "L1TP"]), st.floats(0.01, 0.05))
def test_colours_out_of_order_are_told_through_the_air_and_at_the_ground(
    seed: int, level: str, haze: float
) -> None:
    """Rock rises from blue to red; the air adds to it what falls as the fourth power."""
    random = np.random.default_rng(seed)
    light = random.uniform(0.05, 1.0, (60, 60))  # shade to sun
    rock = {"blue": 0.10, "green": 0.125, "red": 0.145, "nir": 0.19, "swir1": 0.25}
    air = {"blue": 1.0, "green": 0.56, "red": 0.29, "nir": 0.11, "swir1": 0.01}
    seen = haze if level == "L1TP" else 0.0
    bands = {name: light * value + seen * air[name] for name, value in rock.items()}
    assert disordered_colours(part_of(bands), level) == []
    for one, other in (("blue", "green"), ("green", "red"), ("blue", "red")):
        swapped = part_of(bands | {one: bands[other], other: bands[one]})
        assert disordered_colours(swapped, level) != []
    snow = {name: np.full((60, 60), 0.8) for name in bands} | {"swir1": np.full((60, 60), 0.1)}
    assert disordered_colours(part_of(snow), level) == []


@pytest.mark.parametrize("layer", ["green", "red", "nir", "swir1", "quality"])
def test_a_layer_of_another_season_is_noticed(sample_data: Path, layer: str) -> None:
    """Files of one name, copied from the folder of August into that of June, and back."""
    names = (
        "S2B_MSIL2A_20190613T055651_N0212_R091_T43TDH_20190613T110320.SAFE",
        "S2A_MSIL2A_20180812T055641_N0208_R091_T43TDH_20180812T110310.SAFE",
    )
    june, august = (open_scene(sample_data / "scenes" / name) for name in names)
    verdicts = [
        assess(exchanged(scene, **{layer: other})).verdict
        for scene, other in ((june, august), (august, june))
    ]
    assert "odd" in verdicts
    assert "unjudged" not in verdicts


@pytest.mark.parametrize("band", ["blue", "swir1", "swir2"])
def test_a_band_of_another_year_is_told_by_all_others(sample_data: Path, band: str) -> None:
    names = (
        "LC08_L2SP_151030_20130903_20200904_02_T1",
        "LC08_L2SP_151030_20161029_20200904_02_T1",
    )
    one, other = (open_scene(sample_data / "scenes" / name) for name in names)
    verdict = assess(exchanged(one, **{band: other}))
    assert verdict.verdict == "odd"
    assert "another image" in str(verdict.reason)
    assert assess(one).verdict == assess(other).verdict == "plausible"


@pytest.mark.parametrize("band", ["green", "nir"])
@pytest.mark.parametrize(
    "names",
    [
        (LANDSAT, "LT05_L2SP_151030_20090724_20200904_02_T1"),
        (
            "S2A_MSIL2A_20180812T055641_N0208_R091_T43TDH_20180812T110310.SAFE",
            "S2B_MSIL2A_20220816T055649_N0400_R091_T43TDH_20220816T110318.SAFE",
        ),
    ],
)
def test_a_band_of_another_date_with_the_same_light_is_told_by_the_brightness_of_the_others(
    sample_data: Path, names: tuple[str, str], band: str
) -> None:
    """Its edges are those of the same ground in the same sun."""
    scenes = [open_scene(sample_data / "scenes" / name) for name in names]
    for one, other in (scenes, scenes[::-1]):
        found = assess(exchanged(one, **{band: other}))
        assert found.verdict == "odd"
        assert "another image" in str(found.reason)
        assert assess(one).verdict == "plausible"


@pytest.mark.parametrize("fault", ["of the night", "of the day after its name", "minus"])
def test_a_bad_copy_takes_no_place_of_the_good_one(
    sample_data: Path, tmp_path: Path, fault: str
) -> None:
    """Whichever comes first: both have the name of one scene."""
    bad = edited(sample_data / "scenes" / LANDSAT, tmp_path, "*MTL.txt", LANDSAT_FAULTS[fault])
    bad = bad.rename(tmp_path / "z")
    good = shutil.copytree(sample_data / "scenes" / LANDSAT, tmp_path / LANDSAT)
    told: list[object] = []
    assert [scene.path for scene in discover(tmp_path, told.append)] == [str(good)]
    assert str(bad) in str(told)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def _zeros(file: Path) -> None:
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    file.write_bytes(content)


def _all_one(file: Path) -> None:
    with rasterio.open(file) as image:
        profile, numbers = image.profile, image.read()
    file.unlink()
    with rasterio.open(file, "w", **profile) as image:
        image.write(np.where(numbers == profile["nodata"], numbers, 12000))


@pytest.mark.parametrize("spoil", [_cut, _zeros, _all_one])
@pytest.mark.parametrize("folders", [("a", "z"), ("z", "a")])
@pytest.mark.parametrize("is_renamed", ["good", "bad", "neither"])
def test_a_spoiled_copy_takes_no_place_of_the_good_one_whatever_they_are_called(
    sample_data: Path,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    folders: tuple[str, str],
    is_renamed: str,
) -> None:
    names = {kind: "copy" if is_renamed == kind else LANDSAT for kind in ("good", "bad")}
    good, bad = (
        shutil.copytree(sample_data / "scenes" / LANDSAT, tmp_path / folder / names[kind])
        for kind, folder in zip(("good", "bad"), folders, strict=True)
    )
    for listing in tmp_path.rglob("*MD5*"):
        listing.unlink()
    spoil(next(bad.glob("*SR_B4.TIF")))
    told: list[SceneRefused] = []
    assert [scene.path for scene in discover(tmp_path, told.append)] == [str(good)]  # type: ignore[arg-type]
    assert [event.path for event in told] == [str(bad)]


@pytest.mark.parametrize("name", [LANDSAT, SENTINEL2])
def test_near_infrared_that_is_bright_where_all_other_bands_are_dark_is_odd(
    sample_data: Path, name: str
) -> None:
    """Its edges are those of the image, and land stays brighter in it than in green."""
    scene = open_scene(sample_data / "scenes" / name)
    band = scene.bands["nir"]
    inverted = replace(band, scale=-band.scale, offset=0.45 - band.offset)
    found = assess(replace(scene, bands={**scene.bands, "nir": inverted}))
    assert found.verdict == "odd"
    assert "inverted" in str(found.reason)


def part_of(bands: dict[str, np.ndarray], flags: np.ndarray | None = None) -> list[Part]:
    return [Part({name: values.astype(np.float32) for name, values in bands.items()}, flags)]


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(0.0, 0.001),
    st.sampled_from(["green", "red", "swir1", "swir2", "nir"]),
)
def test_a_band_that_shows_other_edges_is_noticed_and_noise_is_not(
    seed: int, noise: float, name: str
) -> None:
    random = np.random.default_rng(seed)
    one, other = (random.normal(0.2, 0.04, (60, 60)) for _ in range(2))
    bands = {band: one + random.normal(0, noise, one.shape) for band in (*GROUND, "red", "swir2")}
    assert mixed_bands(part_of(bands)) == []
    assert mixed_bands(part_of(bands | {name: other})) != []
    flat = {band: np.full_like(one, 0.02) for band in bands}
    assert mixed_bands(part_of(flat)) == []  # open water shows no edges
    grainy = {band: 0.02 + random.normal(0, 0.001, one.shape) for band in bands}
    assert mixed_bands(part_of(grainy)) == []


def test_a_quality_layer_that_tells_of_no_image_where_there_is_one_is_odd(
    sample_data: Path,
) -> None:
    """Else nothing of the scene is observed, and nobody is told why."""

    def all_fill(numbers: np.ndarray) -> np.ndarray:
        return np.full(numbers.shape, Quality.NODATA, np.uint8)

    for product in (LANDSAT, SENTINEL2, PRODUCTS[1]):  # the last with the stripes of Landsat 7
        scene = open_scene(sample_data / "scenes" / product)
        assert assess(scene).verdict == "plausible"
        found = assess(replace(scene, decoder=all_fill))
        assert found.verdict == "odd"
        assert "calls 100 % of what the bands show no data" in found.reason


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_ground_without_an_image_is_told_by_the_layer_as_by_the_bands(
    seed: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    empty = random.random((60, 60)) < share
    bands = {
        name: np.where(empty, np.nan, random.uniform(0.1, 0.2, empty.shape)) for name in GROUND
    }
    flags = np.where(empty, np.uint8(Quality.NODATA), np.uint8(0))
    assert foreign_quality(part_of(bands, flags), "none") == []


def test_a_layer_that_cannot_tell_snow_misses_none() -> None:
    snow = {"green": 0.7, "red": 0.7, "nir": 0.6, "swir1": 0.1}
    bands = {name: np.full((60, 60), value) for name, value in snow.items()}
    clear = np.zeros((60, 60), np.uint8)
    assert len(foreign_quality(part_of(bands, clear), "scl")) == 1
    assert foreign_quality(part_of(bands, clear), "none") == []
    assert foreign_quality(part_of(bands, clear + np.uint8(16)), "scl") == []
    assert foreign_quality(part_of(bands), "none") == []


@pytest.mark.thorough
@settings(max_examples=15, deadline=None)
@given(st.floats(0.75, 1.3), st.floats(-0.01, 0.01))
def test_what_calibration_and_haze_change_is_never_refused(factor: float, shift: float) -> None:
    root = Path(__file__).parents[1] / "sample_data" / "scenes"
    for product in sorted(root.glob("L*")):
        assert assess(scaled(open_scene(product), factor, shift)).verdict == "plausible"


@pytest.mark.thorough
def test_every_good_product_of_the_data_is_plausible(data: Path, sample_data: Path) -> None:
    found = {}
    folders = ("flathead_landsat", "real_chips", "landsat_c2", "independent_truth")
    paths = [path for name in folders for path in find_products(data / name)]
    for path in [*paths, *find_products(sample_data)]:
        if "metadata_only" not in path.parts:
            found[path.name] = assess(open_scene(path)).verdict
    assert len(found) > 25
    assert set(found.values()) == {"plausible"}


@pytest.mark.usefixtures("here")
def test_a_refused_scene_stands_in_the_table_of_scenes_and_changes_no_lake(
    make: Maker, tmp_path: Path
) -> None:
    project = make(tmp_path / "p", ("LT05_L2SP_151030_20030817_20200904_02_T1", LANDSAT))
    for listing in (tmp_path / "p" / "scenes").glob("*/*MD5*"):
        listing.unlink()
    [mtl] = (tmp_path / "p" / "scenes" / LANDSAT).glob("*MTL.txt")
    mtl.write_text(LANDSAT_FAULTS["minus"](mtl.read_text(encoding="utf-8")), encoding="utf-8")
    result = run(project_of(project), jobs=1)
    assert [Path(event.path).name for event in result.refused] == [LANDSAT]
    from glacial_lakes.inventory.inventory import open_inventory

    inventory = open_inventory(result.output / "inventory.gpkg")
    scenes = schema.conform(inventory.scenes, schema.SCENES).set_index("scene_id")
    assert scenes.loc[LANDSAT, "state"] == "refused"
    assert scenes.loc[LANDSAT, "plausibility"] == "implausible"
    assert "GL1007" in scenes.loc[LANDSAT, "reason"]
    assert set(scenes["plausibility"]) == {"plausible", "implausible"}
    assert inventory.events.empty
    assert inventory.alerts.empty


@pytest.mark.thorough
@pytest.mark.usefixtures("here")
def test_an_odd_scene_waits_until_a_person_trusts_it(make: Maker, tmp_path: Path) -> None:
    project = make(tmp_path, ("LT05_L2SP_151030_20030817_20200904_02_T1",))
    image = tmp_path / "scenes" / "bright.tif"
    product = tmp_path / "scenes" / "LT05_L2SP_151030_20030817_20200904_02_T1"
    layers = [next(product.glob(f"*SR_B{number}.TIF")) for number in (2, 4)]
    with rasterio.open(layers[0]) as first:
        profile = dict(first.profile, count=2, driver="GTiff")
        planes = [first.read(1)]
    with rasterio.open(layers[1]) as second:
        planes.append(second.read(1))
    with rasterio.open(image, "w", **profile) as stack:
        stack.write(np.stack(planes))
    image.with_suffix(".toml").write_text(
        'acquired = 2013-08-17T05:13:20Z\nsensor = "P"\nscale = 2.75e-05\noffset = -0.08\n'
        "nodata = 0\n[bands]\ngreen = 1\nnir = 2\n",
        encoding="utf-8",
    )
    waiting = run(project_of(project), jobs=1)
    assert [event.scene_id for event in waiting.set_aside] == ["bright"]
    assert "nowhere below" in waiting.set_aside[0].reason
    text = project.read_text(encoding="utf-8")
    project.write_text(text + 'trusted_scenes = ["bright"]\n', encoding="utf-8")
    trusted = run(project_of(project), jobs=1)
    assert trusted.set_aside == ()
    assert not trusted.unchanged
    table = manifest_scenes(trusted.output)
    assert table["bright"]["state"] == "mapped"
    assert table["bright"]["plausibility"] == "trusted"


GROUND = {"green": 0.12, "nir": 0.19, "swir1": 0.2}
PLACE = shapely.box(80, 43, 81, 44)


def grounds_of(*clear: dict[str, float]) -> dict[str, Ground]:
    return {str(number): Ground(PLACE, levels, levels) for number, levels in enumerate(clear)}


def times(factor: float) -> dict[str, float]:
    return {band: level * factor for band, level in GROUND.items()}


@pytest.mark.parametrize(
    ("clear", "odd"),
    [
        ([times(1), times(1.1), times(2)], ["2"]),
        ([times(1), times(1.1), times(0.5)], ["2"]),
        ([times(1), times(0.9), {**GROUND, "swir1": 0.4}], ["2"]),
        ([times(1), times(0.9), times(1.05), times(-1)], ["3"]),
        ([times(1), times(2)], []),  # which of the two?
        ([times(1), times(1.2), times(1.5), times(0.8)], []),
        ([times(1), times(2), times(4)], []),  # nobody agrees
        ([times(1), times(1), times(1), times(1), times(2), times(2)], ["4", "5"]),
        ([times(1), times(1), times(1), times(2), times(2)], []),  # another season
    ],
)
def test_ground_that_no_other_scene_shows_alike_is_odd(
    clear: list[dict[str, float]], odd: list[str]
) -> None:
    grounds = grounds_of(*clear)
    assert sorted(disagreeing(grounds)) == odd
    assert disagreeing(dict(reversed(grounds.items()))) == disagreeing(grounds)


def test_scenes_of_other_places_say_nothing_of_the_ground() -> None:
    grounds = grounds_of(times(1), times(1), times(2))
    moved = replace(grounds["2"], extent=shapely.box(80.6, 43, 81.6, 44))
    assert disagreeing({**grounds, "2": moved}) == {}


def test_snow_that_a_scene_does_not_tell_makes_it_brighter_and_never_odd() -> None:
    grounds = grounds_of(times(1), times(1))
    assert disagreeing({**grounds, "snowy": Ground(PLACE, {}, times(4))}) == {}
    assert list(disagreeing({**grounds, "dark": Ground(PLACE, {}, times(0.4))})) == ["dark"]


def test_no_sample_scene_stands_off_the_others(sample_data: Path) -> None:
    """Five sensors, June to the end of October."""
    grounds = {}
    for scene in discover(sample_data / "scenes"):
        found = assess(scene)
        assert set(found.ground) == set(GROUND)
        grounds[scene.id] = Ground(extent_of(scene.grid), found.ground, {})
    assert len(grounds) == 9
    assert disagreeing(grounds) == {}


@pytest.mark.usefixtures("here")
def test_a_scene_half_as_bright_as_the_others_waits_for_a_person(
    make: Maker, tmp_path: Path
) -> None:
    """Each by itself is plausible: only together they tell that a factor is wrong."""
    project = make(tmp_path)
    dark = PRODUCTS[2]
    folder = tmp_path / "scenes" / dark
    for listing in folder.glob("*MD5*"):
        listing.unlink()
    for path in folder.glob("*_SR_B*.TIF"):
        with rasterio.open(path, "r+") as image:
            numbers = image.read(1)
            halved = (numbers.astype(float) - 7273) / 2 + 7273
            image.write(np.where(numbers == 0, 0, halved).astype(numbers.dtype), 1)
    result = run(project_of(project), jobs=1)
    assert [event.scene_id for event in result.set_aside] == [dark]
    assert "other images of the place" in result.set_aside[0].reason
    assert manifest_scenes(result.output)[dark]["state"] == "odd"
    assert run(project_of(project), jobs=1).unchanged


def manifest_scenes(output: Path) -> dict[str, dict[str, object]]:
    import json

    content = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    return {row["scene_id"]: row for row in content["scenes"]}


def test_a_scene_mapped_alone_is_judged_too(sample_data: Path, tmp_path: Path) -> None:
    product = sample_data / "scenes" / LANDSAT
    copy = edited(product, tmp_path, "*MTL.txt", LANDSAT_FAULTS["minus"])
    refused: list[object] = []
    with pytest.raises(Exception, match="no scene could be used"):
        map_scenes([copy], tmp_path / "o.gpkg", on_event=refused.append)
    assert any("GL1007" in str(event) for event in refused)
    assert not (tmp_path / "o.gpkg").exists()


@pytest.mark.parametrize(
    ("name", "is_odd"),
    [
        ("LC08_L2SP_151030_20130903_20200904_02_T1", False),
        ("LC08_L2SP_151030_20230903_20230904_02_T1", True),
        ("S2A_MSIL2A_20130903T055641_N0208_R091_T43TDH_20180812T110310", False),
        ("S2A_MSIL2A_20180812T055641_N0208_R091_T43TDH_20180812T110310", True),
        ("LC81510302013246LGN01", False),
    ],
)
def test_a_day_that_contradicts_the_name_of_the_product_is_told(name: str, is_odd: bool) -> None:
    acquired = datetime(2013, 9, 3, 5, 40, tzinfo=UTC)
    grid = Grid(CRS.from_epsg(32643), Affine(30, 0, 460_000, 0, -30, 4_720_000), (100, 100))
    found = contradictions(acquired, grid, None, name=name)
    assert any("but its name tells" in str(one) for one in found) == is_odd
