"""The verdict on a candidate follows from its features."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.windows import Window

from glacial_lakes.coverage import State
from glacial_lakes.grid import Grid
from glacial_lakes.mapping import classification, sky
from glacial_lakes.mapping.classification import (
    SURE_ON_LINE,
    SURE_PROB,
    by_rules,
    classify,
    shore_index,
)
from glacial_lakes.mapping.features import Features, is_unlike_shade, measure_features
from glacial_lakes.mapping.pixels import Pixels
from glacial_lakes.mapping.probability import REASONS, Model, lake_prob, model, reason_text
from glacial_lakes.mapping.unmixing import Fraction
from glacial_lakes.scenes.quality import Quality

LAKE = Features(
    ndwi=0.45,
    shore_ndwi=-0.17,
    green=0.13,
    nir=0.05,
    green_ratio=0.9,
    nir_ratio=0.25,
    separation=5.0,
    illumination=1.0,
    slope_deg=1.0,
    sun_elevation_deg=60.0,
    swir1=0.03,
    blue=0.12,
    shadow_fraction=0.0,
    reach_fraction=0.0,
    haze_fraction=0.0,
    width_px=10.0,
    length_px=35.0,
    widest_px=12.0,
    trace_px=0.0,
    narrow=False,
)


NO_TERRAIN = {"slope_deg": float("nan"), "illumination": float("nan")}
MILK = {"ndwi": 0.17, "green": 0.28, "nir": 0.2, "swir1": 0.03, "shore_ndwi": 0.1}
MILK |= {"nir_ratio": 0.8}
BLUE_ICE = {"ndwi": 0.26, "shore_ndwi": 0.0, "green": 0.25, "nir": 0.147, "swir1": 0.02}
BLUE_ICE |= {
    "slope_deg": 20.0,
    "separation": 1.8,
    "blue": 0.247,
    "green_ratio": 1.2,
    "nir_ratio": 0.84,
}
PEAT = {"ndwi": -0.1, "shore_ndwi": -0.05, "green": 0.005, "nir": 0.007, "slope_deg": 12.0}
PEAT |= {"green_ratio": 0.03, "nir_ratio": 0.02, "blue": 0.003, "swir1": 0.01}
GLINT = {"ndwi": 0.0, "shore_ndwi": -0.12, "green": 0.032, "nir": 0.032, "swir1": 0.031}
GLINT |= {"green_ratio": 0.3, "nir_ratio": 0.18, "blue": 0.033, "separation": 5.5}
STRIP = {"width_px": 2.0, "length_px": 40.0, "widest_px": 3.0, "narrow": True, "slope_deg": 8.0}
ON_ICE = {
    "ndwi": 0.38,
    "shore_ndwi": 0.1,
    "green_ratio": 0.45,
    "illumination": 0.72,
    "slope_deg": 40.0,
}


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "lake"),
        ({"slope_deg": 45.0}, "lake"),  # the DEM may be older than the lake
        (NO_TERRAIN, "lake"),
        ({"illumination": 0.05, "slope_deg": 50.0}, "shadow"),
        ({"illumination": 0.0}, "lake"),  # flat water in cast shadow that stands out
        ({"illumination": 0.0, "ndwi": 0.25, "shore_ndwi": 0.1}, "shadow"),
        ({"shadow_fraction": 0.9, "ndwi": 0.22, "shore_ndwi": 0.05}, "shadow"),
        (
            {"ndwi": 0.17, "green": 0.35, "blue": 0.35, "shore_ndwi": -0.1, "nir_ratio": 1.4},
            "snow",
        ),
        ({"ndwi": 0.25, "shore_ndwi": 0.2}, "snow"),
        (MILK | {"blue": 0.27}, "snow"),
        (MILK | {"blue": 0.2}, "lake"),  # of the colour of silt
        (MILK | {"blue": 0.2, "swir1": 0.15}, "snow"),  # as debris on ice has as well
        (MILK | {"blue": 0.2, "illumination": 0.3, "slope_deg": 15.0}, "lake"),
        # blue ice
        ({"ndwi": 0.33, "green": 0.36, "blue": 0.38, "nir": 0.18, "shore_ndwi": 0.0}, "snow"),
        (STRIP, "river"),
        # a long lake of one width may be wider than mountain rivers: 4.7 pixels of 30 m
        (STRIP | {"width_px": 4.7, "length_px": 71.0, "widest_px": 7.0, "narrow": False}, "lake"),
        # a crooked lake is as long for its width, but not of one width
        (STRIP | {"width_px": 4.2, "length_px": 41.5, "widest_px": 11.0, **NO_TERRAIN}, "lake"),
        # without a DEM what is dim and coloured as the sky colours shade is not believed
        ({"ndwi": 0.22, "green_ratio": 0.27, "nir_ratio": 0.19, **NO_TERRAIN}, "shadow"),
        ({"ndwi": 0.2, "green_ratio": 0.3, "nir_ratio": 0.04, **NO_TERRAIN}, "lake"),
        ({"width_px": 1.5, "length_px": 6.0, "trace_px": 80.0}, "river"),
        # a stream that widens to pure water is a lake, a bright river is none
        ({"width_px": 1.5, "length_px": 6.0, "trace_px": 80.0, "separation": 9.0}, "lake"),
        ({"green_ratio": 1.8, "swir1": 0.15, "ndwi": 0.3}, "land"),
        (BLUE_ICE, "snow"),
        (BLUE_ICE | {"slope_deg": 3.0, "separation": 5.0}, "lake"),
        # sky light colours slopes under a low sun, and snow in the shadow of a cloud
        ({"sun_elevation_deg": 25.0, "slope_deg": 25.0}, "shadow"),
        ({"sun_elevation_deg": 25.0}, "lake"),
        ({"illumination": 0.45, "slope_deg": 25.0, "ndwi": 0.3}, "shadow"),
        ({"shadow_fraction": 0.4, "ndwi": 0.3, "shore_ndwi": 0.0}, "shadow"),
        # dark water in a lit snow field stands out little, and yet is no shade
        ({"ndwi": 0.29, "shore_ndwi": 0.18, "green_ratio": 0.3}, "lake"),
        ({"ndwi": 0.29, "shore_ndwi": 0.18, "green_ratio": 0.3, "slope_deg": 9.0}, "snow"),
        # peaty water beside snow is darker than any shade, and its index is noise
        (PEAT, "lake"),
        (PEAT | {"shadow_fraction": 0.9}, "lake"),  # nor is a cloud's shadow as dark
        (PEAT | {"illumination": 0.5}, "shadow"),
        (PEAT | {"green_ratio": 0.12, "nir_ratio": 0.08}, "land"),
        # so it is where no DEM knows of shade, if it stands out clearly
        (PEAT | NO_TERRAIN, "lake"),
        (PEAT | NO_TERRAIN | {"separation": 3.0}, "shadow"),
        (PEAT | NO_TERRAIN | {"sun_elevation_deg": 30.0}, "shadow"),
        # of one brightness in all bands, as under glint, on level ground that no cloud shades
        (GLINT, "lake"),
        (GLINT | {"swir1": 0.05}, "land"),
        (GLINT | {"slope_deg": 9.0}, "land"),
        (GLINT | {"separation": 3.0}, "land"),
        (GLINT | {"shadow_fraction": 0.3}, "land"),
        (GLINT | {"haze_fraction": 0.4}, "land"),
        (GLINT | {"reach_fraction": 0.7}, "shadow"),
        # on a slope turned away: a pond on ice is dark but not as dark as shade
        (ON_ICE, "lake"),
        (ON_ICE | {"green_ratio": 0.2}, "shadow"),
        (ON_ICE | {"ndwi": 0.3}, "shadow"),
        (ON_ICE | {"sun_elevation_deg": 30.0}, "shadow"),
        ({"ndwi": 0.12, "green": 0.1, "shore_ndwi": 0.0}, "land"),
        ({"ndwi": 0.12, "green": 0.1, "nir_ratio": 0.95}, "land"),
    ],
)
def test_features_decide(change: dict[str, float], verdict: str) -> None:
    assert by_rules(replace(LAKE, **change)) == verdict


@pytest.mark.parametrize(("pixel_m", "narrow"), [(10.0, True), (30.0, False)])
def test_rivers_are_narrow_in_metres_not_in_pixels(pixel_m: float, narrow: bool) -> None:
    shape = 12, 60
    body = np.zeros(shape, bool)
    body[4:8, 5:55] = True
    level = np.ones(shape, np.float32)
    pixels = SimpleNamespace(
        reflectance={"green": 0.1 * level, "nir": 0.03 * level},
        slope_deg=level,
        illumination=level,
        flags=np.zeros(shape, np.uint8),
    )
    fraction = Fraction(level, body, ~body, level > 0, 5.0, "unmixed")
    strip = shapely.box(0, 0, 50 * pixel_m, 4 * pixel_m)
    found = measure_features(
        pixels, body, fraction, strip, body, pixel_m=pixel_m, sun_elevation_deg=60.0
    )
    assert round(found.width_px, 1) == 3.7
    assert found.narrow == narrow


SHADED_SLOPE = replace(
    LAKE, ndwi=0.1, shore_ndwi=0.02, green=0.03, green_ratio=0.3, nir_ratio=0.25, separation=1.5,
    illumination=0.1, slope_deg=35.0,
)  # fmt: skip


def test_what_looks_like_a_lake_is_likely_one_and_what_looks_like_shade_is_not() -> None:
    for features, likely in ((LAKE, True), (SHADED_SLOPE, False)):
        prob, codes = lake_prob(features, by_rules(features))
        assert (prob > 0.9) if likely else (prob < 0.05)
        assert prob == round(prob, 3)  # the same on every machine
        names = [code[:-1] for code in codes.split(", ")]
        assert len(set(names)) == 2
        assert set(names) <= REASONS.keys()
        assert {code[-1] for code in codes.split(", ")} == {"+" if likely else "-"}


def test_reasons_are_told_in_words() -> None:
    assert reason_text("slope-, width-") == "against: slope; against: width"
    assert reason_text("slope-, width-", "ru") == "против: уклон; против: ширина"


def test_what_is_not_known_has_a_bin_of_its_own_and_an_edge_belongs_above() -> None:
    table = {
        "fitted_on": "",
        "bias": 0.0,
        "terms": [{"features": ["a", "b"], "edges": [[1.0], [5.0, 6.0]], "values": range(12)}],
    }
    [term] = Model.of(table).terms
    nothing = float("nan")
    places = [((0.0, 0.0), 0), ((1.0, 5.5), 5), ((nothing, nothing), 11), ((0.9, nothing), 3)]
    for (a, b), value in places:
        assert term.value({"a": a, "b": b}) == value


def test_the_table_has_a_number_for_every_bin() -> None:
    for term in model().terms:
        bins = 1
        for edges in term.edges:
            assert list(edges) == sorted(set(edges))
            bins *= len(edges) + 2
        assert len(term.values) == bins


@pytest.mark.parametrize(
    ("cloud_row", "row", "remains"),
    [
        pytest.param(None, 100, 0.0, id="no cloud towards the sun"),
        pytest.param(60, 100, 0.9, id="a cloud towards the sun"),
        pytest.param(140, 100, 0.0, id="a cloud on the other side"),
        pytest.param(None, 20, 0.9, id="a cloud may lie beyond the edge of the image"),
    ],
)
def test_a_flag_of_cloud_shadow_needs_a_cloud_that_casts_it(
    monkeypatch: pytest.MonkeyPatch, cloud_row: int | None, row: int, remains: float
) -> None:
    states = np.zeros((200, 200), np.uint8)
    if cloud_row is not None:
        states[cloud_row - 5 : cloud_row + 5, 40:60] = State.CLOUD
    grid = Grid(CRS.from_epsg(32643), from_origin(500_000, 4_700_000, 30, 30), (200, 200))
    scene = SimpleNamespace(sun_azimuth_deg=0.0, sun_elevation_deg=60.0, grid=grid)
    body = np.ones((6, 6), bool)
    one = SimpleNamespace(window=Window(47, row, 6, 6), body=body)

    def clouds(window: Window, _: object) -> np.ndarray:
        return states[window.toslices()] == State.CLOUD

    blocks = SimpleNamespace(grid=grid, of_window=lambda window: [])
    flagged = replace(
        LAKE, shadow_fraction=0.9, ndwi=0.32, shore_ndwi=0.04, green=0.061, nir=0.03, blue=0.06,
        green_ratio=0.2, nir_ratio=0.12, slope_deg=20.0, separation=3.0,
    )  # fmt: skip
    found, _ = sky.reached(SimpleNamespace(scene=scene, blocks=blocks), clouds, one, flagged)
    assert found == replace(flagged, shadow_fraction=remains)
    assert by_rules(flagged) == "shadow"
    assert by_rules(found) == ("shadow" if remains else "lake")
    monkeypatch.setattr(classification, "lake_prob", lambda *_: (0.3, ""))
    assert classify(flagged) == "shadow"
    assert classification.may_be_lake(flagged)  # before the clouds of the scene are known


def test_the_sky_is_asked_only_where_it_decides() -> None:
    """Whatever share a cloud may shade, the same is told where the sky need not be known."""
    rng = np.random.default_rng(23)
    counts = {True: 0, False: 0}
    for _ in range(400):
        found = replace(
            LAKE,
            shadow_fraction=float(rng.choice([0.0, 0.01, 0.04, 0.3, 0.7, 1.0])),
            ndwi=float(rng.uniform(0.1, 0.5)),
            shore_ndwi=float(rng.uniform(-0.2, 0.2)),
            green_ratio=float(rng.uniform(0.2, 1.2)),
            nir_ratio=float(rng.uniform(0.1, 0.6)),
            separation=float(rng.uniform(1, 8)),
            slope_deg=float(rng.uniform(0, 20)),
        )
        least = float(rng.choice([0.0, 0.02, 0.4]))
        told = set()
        for reach in rng.uniform(least, 1.0, 60):
            seen = classification.under_sky(found, float(reach))
            prob = lake_prob(seen, by_rules(seen))
            told.add((classify(seen, 0.15), prob, seen.shadow_fraction > 0.5))
        decides = classification.sky_decides(found, 0.15, least)
        assert decides or len(told) == 1
        counts[decides] += 1
    assert min(counts.values()) > 50


RIVER = replace(LAKE, **STRIP)


@pytest.mark.parametrize(
    ("features", "prob", "least", "verdict"),
    [
        (LAKE, 0.2, 0.1, "lake"),
        (LAKE, 0.05, 0.1, "land"),
        (LAKE, 0.5, 0.6, "land"),
        (SHADED_SLOPE, 0.5, 0.1, "shadow"),
        (SHADED_SLOPE, SURE_PROB, 0.1, "lake"),
        (SHADED_SLOPE, SURE_PROB, 0.9, "shadow"),
        # water as well: only a line that goes on beyond the piece tells it
        (replace(RIVER, length_px=25.0, trace_px=80.0), SURE_ON_LINE - 0.01, 0.1, "river"),
        (replace(RIVER, length_px=25.0, trace_px=80.0), SURE_ON_LINE, 0.1, "lake"),
        (replace(RIVER, length_px=25.0), SURE_PROB, 0.1, "lake"),
        (replace(RIVER, length_px=25.0), 0.5, 0.1, "river"),
        (RIVER, 1.0, 0.1, "river"),  # twenty times as long as wide
        (replace(SHADED_SLOPE, separation=1.4), 1.0, 0.1, "shadow"),  # blends into its shore
    ],
)
def test_the_probability_takes_back_and_adds(
    monkeypatch: pytest.MonkeyPatch,
    features: Features,
    prob: float,
    least: float,
    verdict: str,
) -> None:
    monkeypatch.setattr(classification, "lake_prob", lambda *_: (prob, ""))
    assert classify(features, least) == verdict


SHADED_WATER = replace(LAKE, illumination=0.6, slope_deg=15.0, green_ratio=0.3, ndwi=0.35)


@pytest.mark.parametrize(
    ("features", "prob", "least", "verdict"),
    [
        (SHADED_WATER, 0.55, 0.2, "lake"),
        (SHADED_WATER, 0.45, 0.2, "shadow"),  # likelier none
        (SHADED_WATER, 0.55, 0.58, "shadow"),
        (replace(SHADED_WATER, shadow_fraction=0.9, ndwi=0.2), 0.55, 0.2, "shadow"),  # of a cloud
        (replace(SHADED_WATER, nir=0.3), 0.55, 0.2, "shadow"),  # nor is it a lake in the sun
    ],
)
def test_what_the_shade_around_does_not_explain_need_be_less_sure(
    monkeypatch: pytest.MonkeyPatch,
    features: Features,
    prob: float,
    least: float,
    verdict: str,
) -> None:
    monkeypatch.setattr(classification, "lake_prob", lambda *_: (prob, ""))
    assert classify(features, least) == "shadow"
    assert classify(replace(features, unlike_shade=True), least) == verdict


def view_with_shade(size: int) -> tuple[Pixels, np.ndarray]:
    """Return sunlit ground with a lake, and a square in the shade of a DEM."""
    shape = (60, 60)
    rng = np.random.default_rng(3)
    lake, shade = np.zeros(shape, bool), np.zeros(shape, bool)
    lake[5:15, 5:15], shade[20 : 20 + size, 20 : 20 + size] = True, True
    green, nir = (np.where(shade, dim, lit) for dim, lit in ((0.045, 0.12), (0.03, 0.15)))
    light = rng.lognormal(0, 0.1, shape)
    reflectance = {
        "green": (np.where(lake, 0.05, green) * light * rng.lognormal(0, 0.05, shape)).astype(
            "float32"
        ),
        "nir": (np.where(lake, 0.02, nir) * light * rng.lognormal(0, 0.05, shape)).astype(
            "float32"
        ),
    }
    flags = np.where(shade, np.uint8(Quality.TERRAIN_SHADOW), np.uint8(0))
    none = np.zeros(shape, bool)
    terrain = SimpleNamespace()
    return Pixels(
        Window(0, 0, 60, 60), reflectance, flags, none, none, ~none, Affine.identity(), terrain
    ), lake


@pytest.mark.parametrize(
    ("ndwi", "green", "nir", "size", "unlike"),
    [
        pytest.param(0.43, 0.05, 0.02, 30, True, id="a larger index than ground in shade"),
        pytest.param(0.25, 0.05, 0.03, 30, False, id="as ground in shade"),
        pytest.param(0.15, 0.01, 0.0075, 30, True, id="far darker than ground in shade"),
        pytest.param(0.15, 0.025, 0.02, 30, False, id="hardly darker"),
        pytest.param(0.25, 0.05, 0.03, 8, True, id="next to no shade around"),
    ],
)
def test_the_shade_around_tells_what_shade_explains(
    ndwi: float, green: float, nir: float, size: int, unlike: bool
) -> None:
    pixels, lake = view_with_shade(size)
    found = replace(LAKE, ndwi=ndwi, green=green, nir=nir)
    assert is_unlike_shade(pixels, lake, found) == unlike
    assert not is_unlike_shade(replace(pixels, terrain=None), lake, found)
    # a slope that faces away is dim though nothing shades it
    assert is_unlike_shade(pixels, lake, replace(found, illumination=0.6)) == (unlike and size > 8)


@pytest.mark.parametrize(
    ("change", "prob", "verdict"),
    [
        ({}, 0.2, "shadow"),
        ({}, 0.4, "lake"),
        ({"green_ratio": 1.1}, 0.2, "lake"),  # no shadow is brighter than the ground around
        ({"separation": 9.0}, 0.2, "lake"),
        ({"haze_fraction": 1.0}, 0.2, "lake"),  # haze brings a lake and its shore together
    ],
)
def test_what_an_unseen_shadow_may_be_must_be_likelier_a_lake(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, float], prob: float, verdict: str
) -> None:
    dim = replace(LAKE, green_ratio=0.5, separation=3.0)
    monkeypatch.setattr(classification, "lake_prob", lambda *_: (prob, ""))
    assert classify(replace(dim, **change), 0.1) == verdict
    assert classify(replace(dim, **change)) == "lake"  # a project that asks for all gets all


def test_water_without_near_infrared_has_an_index_at_its_shore() -> None:
    assert shore_index(replace(LAKE, nir=0.0, nir_ratio=0.0)) == 1.0
    assert shore_index(replace(LAKE, nir=0.0, nir_ratio=0.0, green=0.0, green_ratio=0.0)) == 0.0


def test_what_is_black_where_light_of_the_air_was_taken_off_needs_a_dem() -> None:
    black = replace(LAKE, ndwi=0.9, green=0.001, nir=0.0, green_ratio=0.02, nir_ratio=0.0)
    bare = replace(black, **NO_TERRAIN)
    assert classify(bare) == classify(replace(black, air=0.04)) == "lake"
    assert classify(replace(bare, air=0.04)) == "shadow"
    assert classify(replace(bare, air=0.04, separation=9.0)) == "lake"
