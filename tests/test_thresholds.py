"""Thresholds that a scene's own histogram tells, against scikit-image on the whole image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.windows import Window
from skimage import filters

import glacial_lakes as gl
from glacial_lakes.errors import ConfigError, MetadataError
from glacial_lakes.mapping import thresholds
from glacial_lakes.mapping.seeds import detector_for

SCENE = "LC08_L2SP_151030_20130903_20200904_02_T1"


@pytest.fixture(scope="module")
def scene(sample_data: Path) -> gl.Scene:
    return gl.open_scene(sample_data / "scenes" / SCENE)


@pytest.mark.parametrize("method", thresholds.METHODS)
@pytest.mark.parametrize("index", ["ndwi", "mndwi"])
def test_thresholds_are_those_of_the_whole_image(scene: gl.Scene, method: str, index: str) -> None:
    rows, cols = scene.grid.shape
    values = thresholds.index_values(scene, index, Window(0, 0, cols, rows))
    whole = getattr(filters, f"threshold_{method}")(values, nbins=thresholds.BINS)
    found = thresholds.histogram_threshold(scene, index, method)
    assert found == pytest.approx(whole, abs=3 * 2 / thresholds.BINS)


@pytest.mark.parametrize("rows", [7, 64, 300])
def test_thresholds_do_not_depend_on_how_a_scene_is_read(
    scene: gl.Scene, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = thresholds.histogram_threshold(scene, "ndwi", "otsu")
    monkeypatch.setattr(thresholds, "_ROWS", rows)
    assert thresholds.histogram_threshold(scene, "ndwi", "otsu") == usual


def test_what_lies_above_the_threshold_is_proposed(scene: gl.Scene) -> None:
    settings = gl.MappingSettings(seed_method="otsu")
    threshold = thresholds.histogram_threshold(scene, "ndwi", "otsu")
    bands = {"green": np.array([[1 + threshold + 0.01, 1 + threshold - 0.01]], np.float32)}
    bands["nir"] = 2 - bands["green"]  # their index is green - 1
    proposed = detector_for(scene, settings)(bands, np.zeros((1, 2), bool))
    assert proposed.tolist() == [[True, False]]


def test_a_scene_is_mapped_from_the_seeds_of_its_histogram(scene: gl.Scene, sample_data) -> None:
    settings = gl.MappingSettings(seed_method="otsu")
    mapped = gl.map_lakes(scene, dem=sample_data / "dem.tif", settings=settings)
    usual = gl.map_lakes(scene, dem=sample_data / "dem.tif")
    shared = mapped.outlines.intersects(usual.outlines.union_all()).sum()
    assert shared >= 0.8 * len(usual.outlines)


def test_an_unknown_method_and_a_missing_band_are_refused(scene: gl.Scene) -> None:
    with pytest.raises(ConfigError, match='"otsu"'):
        gl.MappingSettings(seed_method="magic")
    from dataclasses import replace

    bands = {name: band for name, band in scene.bands.items() if name != "swir1"}
    with pytest.raises(MetadataError, match="no swir1 band"):
        thresholds.histogram_threshold(replace(scene, bands=bands), "mndwi", "otsu")
