"""Indices equal spyndex, and work alike on NumPy, xarray and dask arrays and plain numbers."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import spyndex
import xarray as xr

from glacial_lakes.mapping import indices

BANDS = dict(
    zip("BGRN", np.random.default_rng(1).uniform(0.01, 0.6, (4, 50)), strict=True),
    S1=np.random.default_rng(2).uniform(0.01, 0.6, 50),
    S2=np.random.default_rng(3).uniform(0.01, 0.6, 50),
)
LETTERS = {"blue": "B", "green": "G", "red": "R", "nir": "N", "swir1": "S1", "swir2": "S2"}
SAME = {
    "ndwi": "NDWI",
    "mndwi": "MNDWI",
    "ndsi": "NDSI",
    "awei_sh": "AWEIsh",
    "wri": "WRI",
    "ndvi": "NDVI",
    "ndmi": "NDMI",
    "mbwi": "MBWI",
}
"""Names of the same indices in spyndex."""
OWN = ["awei_nsh", "ndwi_blue", "ndwi_ice"]


def arrays(name: str) -> list[np.ndarray]:
    return [BANDS[LETTERS[band]] for band in indices.bands_of(name)]


def test_every_index_is_compared_or_told_why_not() -> None:
    built_in = {name for name in indices.names() if hasattr(indices, name)}
    assert built_in == {*SAME, *OWN}


@pytest.mark.parametrize("name", SAME)
def test_index_equals_spyndex(name: str) -> None:
    ours = getattr(indices, name)(*arrays(name))
    omega = {"omega": 2.0} if name == "mbwi" else {}
    theirs = spyndex.computeIndex(SAME[name], {**BANDS, **omega})
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["ndwi_blue", "ndwi_ice"])
def test_indices_that_spyndex_lacks_are_normalised_differences(name: str) -> None:
    first, second = arrays(name)
    theirs = spyndex.computeIndex("NDWI", {"G": first, "N": second})
    np.testing.assert_allclose(getattr(indices, name)(first, second), theirs, rtol=0, atol=1e-6)


def test_awei_without_shadow_takes_swir2_off_as_the_paper_does() -> None:
    ours = indices.awei_nsh(BANDS["G"], BANDS["N"], BANDS["S1"], BANDS["S2"])
    theirs = spyndex.computeIndex("AWEInsh", BANDS)  # adds 2.75·S2 where Feyisa et al. subtract it
    np.testing.assert_allclose(ours, theirs - 2 * 2.75 * BANDS["S2"], atol=1e-6)


@pytest.mark.parametrize("name", [*SAME, *OWN])
def test_index_of_xarray_and_dask_is_the_same(name: str) -> None:
    function, plain = getattr(indices, name), arrays(name)
    labelled = function(*(xr.DataArray(a, dims="x", coords={"x": range(50)}) for a in plain))
    lazy = function(*(da.from_array(a, chunks=10) for a in plain))
    both = function(*(xr.DataArray(da.from_array(a, chunks=10), dims="x") for a in plain))
    assert isinstance(labelled, xr.DataArray)
    assert isinstance(lazy, da.Array)
    assert isinstance(both.data, da.Array)
    for result in (labelled, lazy.compute(), both.compute()):
        np.testing.assert_array_equal(result, function(*plain))


def test_blue_and_ice_indices_have_the_signs_of_the_docstring() -> None:
    assert indices.ndwi_blue(0.3, 0.1) == pytest.approx(0.5)
    assert indices.ndwi_ice(0.3, 0.1) == pytest.approx(0.5)


def test_a_pixel_that_was_not_observed_has_no_index() -> None:
    assert np.isnan(indices.ndwi(np.float32(np.nan), np.float32(0.1)))
