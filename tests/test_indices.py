"""Indices equal spyndex and work alike on NumPy, xarray and dask-free plain numbers."""

from __future__ import annotations

import numpy as np
import pytest
import spyndex
import xarray as xr

from glacial_lakes import indices

BANDS = dict(
    zip("BGRN", np.random.default_rng(1).uniform(0.01, 0.6, (4, 50)), strict=True),
    S1=np.random.default_rng(2).uniform(0.01, 0.6, 50),
    S2=np.random.default_rng(3).uniform(0.01, 0.6, 50),
)
LETTERS = {"blue": "B", "green": "G", "red": "R", "nir": "N", "swir1": "S1", "swir2": "S2"}
CASES = {
    "NDWI": (indices.ndwi, ("green", "nir")),
    "MNDWI": (indices.mndwi, ("green", "swir1")),
    "NDSI": (indices.ndsi, ("green", "swir1")),
    "AWEIsh": (indices.awei_sh, ("blue", "green", "nir", "swir1", "swir2")),
    "WRI": (indices.wri, ("green", "red", "nir", "swir1")),
    "NDVI": (indices.ndvi, ("red", "nir")),
}


@pytest.mark.parametrize("name", CASES)
def test_index_equals_spyndex(name: str) -> None:
    function, bands = CASES[name]
    ours = function(*(BANDS[LETTERS[band]] for band in bands))
    theirs = spyndex.computeIndex(name, BANDS)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_awei_without_shadow_takes_swir2_off_as_the_paper_does() -> None:
    ours = indices.awei_nsh(BANDS["G"], BANDS["N"], BANDS["S1"], BANDS["S2"])
    theirs = spyndex.computeIndex("AWEInsh", BANDS)  # adds 2.75·S2 where Feyisa et al. subtract it
    np.testing.assert_allclose(ours, theirs - 2 * 2.75 * BANDS["S2"], atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_index_of_xarray_is_xarray_with_the_same_numbers(name: str) -> None:
    function, bands = CASES[name]
    arrays = [BANDS[LETTERS[band]] for band in bands]
    labelled = function(*(xr.DataArray(a, dims="x", coords={"x": range(50)}) for a in arrays))
    assert isinstance(labelled, xr.DataArray)
    np.testing.assert_array_equal(labelled, function(*arrays))


def test_blue_and_ice_indices_have_the_signs_of_the_docstring() -> None:
    assert indices.ndwi_blue(0.3, 0.1) == pytest.approx(0.5)
    assert indices.ndwi_ice(0.3, 0.1) == pytest.approx(0.5)


def test_a_pixel_that_was_not_observed_has_no_index() -> None:
    assert np.isnan(indices.ndwi(np.float32(np.nan), np.float32(0.1)))
