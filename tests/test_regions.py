"""Outlines and properties of plain arrays, against geometry and rasters that know the answer."""

from __future__ import annotations

from datetime import UTC, datetime

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rasterio.features import rasterize
from scipy import ndimage

import glacial_lakes as gl
from glacial_lakes.errors import GridError, InputError
from glacial_lakes.mapping import regions

UTM = "EPSG:32643"
NORTH_UP = Affine(10, 0, 450_000, 0, -10, 4_720_000)
ROWS, COLS = np.indices((80, 100))


def disc(row: float, col: float, radius: float) -> np.ndarray:
    """Return the water fraction of a round lake, nearly."""
    return np.clip(radius + 0.5 - np.hypot(ROWS - row, COLS - col), 0, 1)


def test_a_round_lake_has_its_place_and_size() -> None:
    found = regions.outlines(disc(40, 50, 20), NORTH_UP, UTM)
    truth = shapely.Point(450_505, 4_719_595).buffer(200)
    (shape,) = found.geometry
    assert shape.symmetric_difference(truth).area < 0.01 * truth.area
    assert found["status"].tolist() == ["observed"]
    assert found["pixel_m"].tolist() == [10.0]
    factor = 0.9996  # of the map at the meridian of its zone, about
    assert found["area_m2"].item() == pytest.approx(shape.area / factor**2, rel=1e-3)


def test_an_island_is_a_hole_and_a_lake_on_it_is_a_lake() -> None:
    water = disc(40, 50, 30) - disc(40, 50, 20) + disc(40, 50, 8)
    found = regions.outlines(water, NORTH_UP, UTM)
    assert [len(shape.interiors) for shape in found.geometry] == [1, 0]
    lone = regions.outlines(disc(40, 50, 8), NORTH_UP, UTM)
    assert found["area_m2"].iloc[1] == pytest.approx(lone["area_m2"].item())


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 8), st.integers(1, 8)),
        elements=st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0, np.nan]),
    )
)
def test_every_region_has_one_outline_that_holds_its_pixels_and_no_others(values) -> None:
    found = regions.outlines(values, NORTH_UP, UTM)
    with np.errstate(invalid="ignore"):
        labels, count = ndimage.label(values > 0.5, np.ones((3, 3)))
    assert found.index.tolist() == list(range(1, count + 1))
    assert found.geometry.is_valid.all()
    assert (found.geom_type == "Polygon").all()
    for number, shape in found.geometry.items():
        inside = rasterize([shape], values.shape, transform=NORTH_UP).astype(bool)
        assert (inside >= (labels == number)).all()
        assert not (inside & (values < 0.5)).any()


def test_what_may_go_on_unseen_has_no_area() -> None:
    water = disc(40, 50, 10) + disc(0, 10, 5) + disc(60, 80, 6)
    water[60:63, 80:83] = np.nan
    found = regions.outlines(water, NORTH_UP, UTM)
    assert found["status"].tolist() == ["nodata", "observed", "nodata"]
    assert found["area_m2"].isna().tolist() == [True, False, True]
    assert (found["perimeter_m"] > 0).all()


def test_an_index_is_outlined_at_its_threshold() -> None:
    ndwi = 0.9 * disc(40, 50, 20) - 0.6
    found = regions.outlines(ndwi, NORTH_UP, UTM, level=-0.15)
    usual = regions.outlines(disc(40, 50, 20), NORTH_UP, UTM)
    assert found["area_m2"].item() == pytest.approx(usual["area_m2"].item())


def test_outlines_of_an_array_are_validated_and_tracked_as_they_are() -> None:
    found = regions.outlines(disc(40, 50, 20) + disc(10, 10, 5), NORTH_UP, UTM)
    assert gl.validate(found, found).to_frame().loc["all", "recall"] == 1
    days = [datetime(year, 8, 1, tzinfo=UTC) for year in (2019, 2020)]
    surveys = [gl.CompleteCoverage(f"{day:%Y}", day, "S2A", 10.0) for day in days]
    inventory = gl.track([gl.MappedScene(found, survey) for survey in surveys])
    assert inventory.lakes["state"].tolist() == ["present", "present"]


@pytest.mark.parametrize("azimuth", [0, 30, 90, 135])
@pytest.mark.parametrize("height_m", [10, 20])
def test_form_is_told_in_metres_and_from_north(azimuth: int, height_m: int) -> None:
    transform = Affine(10, 0, 450_000, 0, -height_m, 4_720_000)
    x, y = 450_000 + 10 * (COLS + 0.5), 4_720_000 - height_m * (ROWS + 0.5)
    east, north = x - 450_500, y - (4_720_000 - 40 * height_m)
    angle = np.radians(azimuth)
    along = east * np.sin(angle) + north * np.cos(angle)
    across = east * np.cos(angle) - north * np.sin(angle)
    found = regions.properties((along / 300) ** 2 + (across / 100) ** 2 < 1, transform, UTM)
    assert found["length_m"].item() == pytest.approx(600, rel=0.02)
    assert found["width_m"].item() == pytest.approx(200, rel=0.04)
    turned = (found["azimuth_deg"].item() - azimuth + 90) % 180 - 90
    assert abs(turned) < 1
    assert found["pixel_area_m2"].item() == pytest.approx(np.pi * 300 * 100, rel=0.02)
    assert found.geometry.x.item() == pytest.approx(450_500, abs=2)
    assert found.geometry.y.item() == pytest.approx(4_720_000 - 40 * height_m, abs=2)


def test_properties_and_outlines_are_of_the_same_regions() -> None:
    water = disc(40, 50, 20) + disc(12.3, 12.2, 8)
    nir = np.where(water > 0.5, 0.02, 0.2)
    nir[12, 12] = np.nan
    form = regions.properties(water > 0.5, NORTH_UP, UTM, {"nir": nir})
    drawn = regions.outlines(water, NORTH_UP, UTM)
    both = drawn.join(form.drop(columns="geometry"))
    assert isinstance(both, gpd.GeoDataFrame)
    assert both.contains(form.geometry).all()
    np.testing.assert_allclose(both["pixel_area_m2"], both.area, rtol=0.05)
    assert np.isnan(both["nir_mean"].iloc[0])
    assert both["nir_max"].iloc[1] == 0.02


def test_numbers_of_regions_are_kept() -> None:
    labels = np.where(disc(40, 50, 20) > 0.5, 7, 0)
    assert regions.properties(labels, NORTH_UP, UTM).index.tolist() == [7]


def test_nothing_gives_empty_tables_with_all_columns() -> None:
    none = np.zeros((4, 5), bool)
    found, form = regions.outlines(none, NORTH_UP, UTM), regions.properties(none, NORTH_UP, UTM)
    assert len(found) == len(form) == 0
    assert {"area_m2", "status"} <= {*found.columns}
    assert {"length_m", "solidity"} <= {*form.columns}
    unseen = regions.outlines(np.full((4, 5), np.nan), NORTH_UP, UTM)
    assert len(unseen) == 0


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda w: regions.outlines(w, NORTH_UP, "EPSG:4326"), GridError, "not a projected one"),
        (lambda w: regions.outlines(w, NORTH_UP, "Pulkovo"), GridError, "CRS Pulkovo cannot be"),
        (lambda w: regions.outlines(w, NORTH_UP, None), GridError, "CRS None cannot be read"),
        (lambda w: regions.outlines(w, Affine.identity(), UTM), GridError, "not north-up"),
        (lambda w: regions.outlines(w[0], NORTH_UP, UTM), InputError, "with 1 dimensions"),
        (lambda w: regions.outlines(w + 1j, NORTH_UP, UTM), InputError, "array of complex128"),
        (lambda w: regions.properties(w, NORTH_UP, UTM), InputError, "e.g. values > 0.5"),
        (
            lambda w: regions.properties(w > 0.5, NORTH_UP, UTM, {"nir": w[1:]}),
            InputError,
            r"nir has the shape \(79, 100\)",
        ),
    ],
)
def test_what_is_no_array_on_a_map_is_refused_in_one_line(call, kind, said) -> None:
    with pytest.raises(kind, match=said) as refused:
        call(disc(40, 50, 20))
    assert "\n" not in str(refused.value)
