"""The verdict on a candidate follows from its evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glacial_lakes.mapping.classification import classify, shore_index
from glacial_lakes.mapping.features import Features

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
    shadow_fraction=0.0,
    reach_fraction=0.0,
    haze_fraction=0.0,
    width_px=10.0,
    length_px=35.0,
    trace_px=0.0,
)


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
        ({"slope_deg": float("nan"), "illumination": float("nan")}, "lake"),
        ({"illumination": 0.05, "slope_deg": 50.0}, "shadow"),
        ({"illumination": 0.0}, "lake"),  # flat water in cast shadow that stands out
        ({"illumination": 0.0, "ndwi": 0.25, "shore_ndwi": 0.1}, "shadow"),
        ({"shadow_fraction": 0.9, "ndwi": 0.22, "shore_ndwi": 0.05}, "shadow"),
        ({"ndwi": 0.17, "green": 0.35, "shore_ndwi": -0.1, "nir_ratio": 1.4}, "snow"),
        ({"ndwi": 0.25, "shore_ndwi": 0.2}, "snow"),
        ({"width_px": 2.0, "length_px": 40.0, "slope_deg": 8.0}, "river"),
        ({"width_px": 1.5, "length_px": 6.0, "trace_px": 80.0}, "river"),
        # a stream that widens to pure water is a lake, a bright river is none
        ({"width_px": 1.5, "length_px": 6.0, "trace_px": 80.0, "separation": 9.0}, "lake"),
        ({"green_ratio": 1.8, "swir1": 0.15, "ndwi": 0.3}, "land"),
        # sky light colours slopes under a low sun, and snow in the shadow of a cloud
        ({"sun_elevation_deg": 25.0, "slope_deg": 25.0}, "shadow"),
        ({"sun_elevation_deg": 25.0}, "lake"),
        ({"illumination": 0.45, "slope_deg": 25.0, "ndwi": 0.3}, "shadow"),
        ({"shadow_fraction": 0.4, "ndwi": 0.3, "shore_ndwi": 0.0}, "shadow"),
        # dark water in a lit snow field stands out little, and yet is no shade
        ({"ndwi": 0.29, "shore_ndwi": 0.18, "green_ratio": 0.3}, "lake"),
        ({"ndwi": 0.29, "shore_ndwi": 0.18, "green_ratio": 0.3, "slope_deg": 9.0}, "snow"),
        # on a slope turned away: a pond on ice is dark but not as dark as shade
        (ON_ICE, "lake"),
        (ON_ICE | {"green_ratio": 0.2}, "shadow"),
        (ON_ICE | {"ndwi": 0.3}, "shadow"),
        (ON_ICE | {"sun_elevation_deg": 30.0}, "shadow"),
        ({"ndwi": 0.12, "green": 0.1, "shore_ndwi": 0.0}, "land"),
        ({"ndwi": 0.12, "green": 0.1, "nir_ratio": 0.95}, "land"),
    ],
)
def test_evidence_decides(change: dict[str, float], verdict: str) -> None:
    assert classify(replace(LAKE, **change)) == verdict


def test_water_without_near_infrared_has_an_index_at_its_shore() -> None:
    assert shore_index(replace(LAKE, nir=0.0, nir_ratio=0.0)) == 1.0
    assert shore_index(replace(LAKE, nir=0.0, nir_ratio=0.0, green=0.0, green_ratio=0.0)) == 0.0
