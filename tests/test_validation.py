"""Accuracy of outlines: numbers by hand on squares, and by brute force on a mapped scene."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from shapely import box

from glacial_lakes.cli.commands import main
from glacial_lakes.errors import InputError, UnsafeInputError, VectorError
from glacial_lakes.io.geopackage import write_layers
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.scenes import discover
from glacial_lakes.validation.accuracy import AREAS, COUNTS, ESTIMATES, SIZE_CLASSES, Accuracy
from glacial_lakes.validation.causes import causes_below
from glacial_lakes.validation.intervals import bootstrap, f1_score, median, ratio, wilson
from glacial_lakes.validation.overlay import equal_area_frame
from glacial_lakes.validation.shores import shore_offsets
from glacial_lakes.validation.validate import validate, validate_files

FRAME = "+proj=laea +lat_0=42.6 +lon_0=74.5 +x_0=-20000 +datum=WGS84"
"""Areas are those of the coordinates; its own middle, where PROJ is off by 0.3 mm, is not used."""
UTM = "EPSG:32643"


def table(*shapes: shapely.Geometry, crs: str = FRAME, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)


@pytest.fixture
def lakes() -> gpd.GeoDataFrame:
    """Return a lake that is hit, one that is seen, a missed, an unobserved and a split one."""
    return table(
        box(0, 0, 200, 200),
        box(1000, 0, 1100, 100),
        box(2000, 0, 2100, 100),
        box(3000, 0, 3100, 100),
        box(4000, 0, 4200, 100),
        observed_fraction=[1.0, 0.9, np.nan, 0.3, 0.5],
        frozen_fraction=[0.0, 0.5, np.nan, 0.0, 0.0],
    )


@pytest.fixture
def outlines() -> gpd.GeoDataFrame:
    """Return outlines of those lakes; the last one lies on none."""
    return table(
        box(0, 0, 200, 180),
        box(1060, 0, 1160, 100),
        box(3000, 0, 3060, 100),
        box(4000, 0, 4095, 100),
        box(4105, 0, 4200, 100),
        box(9000, 0, 9050, 50),
        area_sigma_m2=[3000.0] * 6,
    )


def test_counts_and_shares_are_those_counted_by_hand(
    outlines: gpd.GeoDataFrame, lakes: gpd.GeoDataFrame
) -> None:
    found = validate(outlines, lakes).to_frame().loc["all"]
    counts = {"lakes": 4, "outlines": 5, "hits": 1, "seen": 3, "true_outlines": 4, "splits": 1}
    counts |= {"merges": 0, "missed_lakes": 1, "false_lakes": 1, "areas": 1, "sigmas": 1}
    assert found[list(COUNTS)].to_dict() == counts
    assert found["precision"] == pytest.approx(1 / 5)
    assert found["recall"] == pytest.approx(1 / 4)
    assert found["f1"] == pytest.approx(2 / 9)
    assert found["precision_any"] == pytest.approx(4 / 5)
    assert found["recall_any"] == pytest.approx(3 / 4)
    assert found["f1_any"] == pytest.approx(2 * 0.8 * 0.75 / 1.55)


def test_areas_are_those_of_squares(outlines: gpd.GeoDataFrame, lakes: gpd.GeoDataFrame) -> None:
    found = validate(outlines, lakes).to_frame().loc["all"]
    true, false, missed = 36_000 + 4_000 + 19_000, 6_000 + 2_500, 4_000 + 6_000 + 10_000 + 1_000
    assert found["true_area_m2"] == pytest.approx(true, rel=1e-6)
    assert found["false_area_m2"] == pytest.approx(false, rel=1e-6)
    assert found["missed_area_m2"] == pytest.approx(missed, rel=1e-6)
    assert found["reference_area_m2"] == pytest.approx(80_000, rel=1e-6)
    assert found["map_area_m2"] == pytest.approx(67_500, rel=1e-6)
    assert found["iou"] == pytest.approx(true / (true + false + missed), rel=1e-6)
    assert found["users_accuracy"] == pytest.approx(59 / 67.5, rel=1e-6)
    assert found["producers_accuracy"] == pytest.approx(59 / 80, rel=1e-6)
    assert found["area_bias"] == pytest.approx(-12.5 / 80, rel=1e-6)
    assert found["area_error"] == pytest.approx(-0.1, rel=1e-6)
    assert found["area_error_abs"] == pytest.approx(0.1, rel=1e-6)
    assert (found["within_1_sigma"], found["within_2_sigma"]) == (0, 1)


def test_size_classes_add_up_and_an_outline_stands_with_the_lake_it_hits(
    outlines: gpd.GeoDataFrame, lakes: gpd.GeoDataFrame
) -> None:
    outlines = pd.concat([outlines, table(box(6000, 0, 6100, 92))], ignore_index=True)
    lakes = pd.concat([lakes, table(box(6000, 0, 6100, 101))], ignore_index=True)
    frame = validate(outlines, lakes).to_frame()
    assert list(frame.index) == [*SIZE_CLASSES, "all"]
    sums = frame.loc[list(SIZE_CLASSES), [*COUNTS, *AREAS]].sum()
    pd.testing.assert_series_equal(sums, frame.loc["all", [*COUNTS, *AREAS]], check_names=False)
    assert frame.loc["0.01-0.05", "hits"] == 2
    assert (frame.loc["<0.01", "hits"], frame.loc["<0.01", "lakes"]) == (0, 0)
    assert frame.loc[">1", "lakes"] == 0
    assert frame.loc[">1", list(ESTIMATES)].isna().all()


def test_identity_is_perfect(lakes: gpd.GeoDataFrame) -> None:
    whole = lakes[["geometry"]]
    found = validate(whole, whole, pixel_m=10).to_frame().loc["all"]
    for name in ("precision", "recall", "f1", "precision_any", "recall_any", "f1_any", "iou"):
        assert found[name] == pytest.approx(1), name
    for name in ("area_error", "area_error_abs", "area_bias", "shore_rmse_m", "shore_bias_px"):
        assert found[name] == pytest.approx(0, abs=1e-6), name
    assert found["splits"] == found["merges"] == found["false_lakes"] == 0


def test_small_lakes_neither_hit_nor_miss_and_small_outlines_only_hit() -> None:
    lakes = table(box(0, 0, 200, 200), box(1000, 0, 1101, 100), box(2000, 0, 2050, 50))
    outlines = table(
        box(0, 0, 200, 200),
        box(1000, 0, 1099, 100),
        box(2000, 0, 2200, 200),
        box(3000, 0, 3010, 10),
        box(4000, 0, 4200, 200),
    )
    done = validate(outlines, lakes, min_area_m2=10_000)
    found = done.to_frame().loc["all"]
    assert found[["lakes", "outlines", "hits", "false_lakes"]].tolist() == [2, 3, 2, 1]
    assert done.outlines.sort_index()["counted"].tolist() == [True, True, False, False, True]


def test_an_outline_that_hits_an_unobservable_lake_sees_no_neighbour() -> None:
    lakes = table(box(0, 0, 100, 100), box(100, 0, 200, 100), frozen_fraction=[0.9, 0.0])
    done = validate(table(box(0, 0, 110, 100)), lakes)
    found = done.to_frame().loc["all"]
    assert found[["lakes", "outlines", "seen"]].tolist() == [1, 0, 0]
    assert math.isnan(found["precision"])
    assert found["f1"] == 0


def test_lakes_in_one_outline_are_a_merge() -> None:
    lakes = table(box(0, 0, 100, 100), box(120, 0, 220, 100))
    found = validate(table(box(0, 0, 220, 100)), lakes).to_frame().loc["all"]
    assert found[["merges", "splits", "hits", "seen"]].tolist() == [1, 0, 0, 2]


def test_neighbours_that_share_a_shore_do_not_overlap() -> None:
    lakes = table(box(0, 0, 100, 100), box(100, 0, 200, 100))
    found = validate(table(box(0, 0, 100, 100)), lakes).to_frame().loc["all"]
    assert found[["seen", "hits", "missed_lakes"]].tolist() == [1, 1, 1]


def test_an_outline_given_twice_is_wrong_once_and_its_area_counts_once() -> None:
    lake = box(0, 0, 100, 100)
    found = validate(table(lake, lake.buffer(0)), table(lake)).to_frame().loc["all"]
    assert (found["precision"], found["recall"], found["splits"]) == (0.5, 1, 1)
    assert found["map_area_m2"] == pytest.approx(10_000, rel=1e-6)
    assert found["iou"] == pytest.approx(1)


def test_outlines_without_a_stated_area_are_hits_without_errors() -> None:
    lake = box(0, 0, 100, 100)
    outlines = table(lake, box(500, 0, 600, 100), status=["cloud", "absent"], sensor="S2A")
    found = validate(outlines, table(lake)).to_frame().loc["all"]
    assert found[["outlines", "hits", "areas"]].tolist() == [1, 1, 0]
    assert found[["area_error", "shore_rmse_m", "shore_rmse_px", "within_1_sigma"]].isna().all()


def test_shores_of_squares_one_in_the_other() -> None:
    offsets = shore_offsets(box(-55, -55, 55, 55), box(-50, -50, 50, 50), 0.1)
    points, mean, square = offsets.points, offsets.sum_m / 8400, offsets.sum_m2 / 8400
    assert points == 8400
    corner = 2 * 5**3 / 3 / 110
    assert square == pytest.approx((440 * (25 + corner) + 400 * 25) / 840, rel=1e-3)
    assert 5 < mean < math.sqrt(square)
    turned = shore_offsets(box(-50, -50, 50, 50), box(-55, -55, 55, 55), 0.1)
    assert turned == pytest.approx((points, -offsets.sum_m, offsets.sum_m2))


def test_an_island_has_a_shore() -> None:
    lake, island = box(0, 0, 100, 100), box(40, 40, 60, 60)
    assert shore_offsets(lake, lake - island).sum_m > 0
    assert shore_offsets(lake - island, lake - island).sum_m2 == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("columns", "pixel_m", "expected"),
    [
        ({"sensor": ["S2B"]}, None, 10),
        ({"sensor": ["LC09"]}, None, 30),
        ({"GL_Sensor": ["LE07"]}, None, 30),
        ({"sensor": ["drone"]}, None, math.nan),
        ({"sensor": ["S2A"], "resolution_m": [5.0]}, None, 5),
        ({"sensor": ["S2A"]}, 20, 20),
        ({}, None, math.nan),
    ],
)
def test_the_pixel_is_told_by_option_column_or_sensor(
    columns: dict[str, list[object]], pixel_m: float | None, expected: float
) -> None:
    outlines = table(box(0, 0, 110, 100), **columns)
    found = validate(outlines, table(box(0, 0, 100, 100)), pixel_m=pixel_m).to_frame().loc["all"]
    in_pixels = found["shore_rmse_m"] / found["shore_rmse_px"]
    assert in_pixels == pytest.approx(expected, nan_ok=True)


def test_wilson_of_nine_in_ten_by_hand() -> None:
    z = 1.959964
    middle = (0.9 + z**2 / 20) / (1 + z**2 / 10)
    half = z / (1 + z**2 / 10) * math.sqrt(0.09 / 10 + z**2 / 400)
    assert wilson(9, 10) == pytest.approx((0.9, middle - half, middle + half), rel=1e-6)
    assert all(math.isnan(x) for x in wilson(0, 0))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy(counts: tuple[int, int]) -> None:
    interval = binomtest(*counts).proportion_ci(method="wilson")
    assert wilson(*counts)[1:] == pytest.approx((interval.low, interval.high), abs=1e-9)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_f1_lies_in_its_interval_and_is_dice(hits: int, false: int, missed: int) -> None:
    value, low, high = f1_score(hits, hits + false, hits, hits + missed)
    if hits + false + missed == 0:
        assert math.isnan(value)
        return
    assert value == pytest.approx(2 * hits / (2 * hits + false + missed))
    assert -1e-12 <= low <= value + 1e-12
    assert value - 1e-12 <= high <= 1 + 1e-12


def test_the_bootstrap_interval_of_a_mean_is_that_of_theory() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    rows = np.column_stack([values, np.ones(400)])
    value, low, high = bootstrap(rows, ratio([1, 0], [0, 1]), seed=0)
    assert value == pytest.approx(values.mean())
    half = 1.96 * values.std() / math.sqrt(400)
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.15 * half)
    assert bootstrap(rows[::-1], ratio([1, 0], [0, 1]), seed=0) == (value, low, high)
    assert bootstrap(rows[:4], median, seed=0)[1:] == pytest.approx((math.nan,) * 2, nan_ok=True)


CELL = 14
SQUARES = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 2)),
    st.tuples(*[st.integers(0, 4)] * 2, *[st.integers(2, 9)] * 2),
    min_size=1,
    max_size=10,
)
"""Rectangles that do not overlap, by the cell of a chessboard in which they lie."""


def squares(
    cells: dict[tuple[int, int], tuple[int, int, int, int]], unit_m: float, north_m: float = 0.0
) -> gpd.GeoDataFrame:
    shapes = [
        box(CELL * i + x, CELL * j + y, CELL * i + x + w, CELL * j + y + h)
        for (i, j), (x, y, w, h) in cells.items()
    ]
    moved = [500_000, 4_700_000 + north_m]
    return table(*shapely.transform(np.array(shapes), lambda xy: xy * unit_m + moved), crs=UTM)


OF_MAP_M, OF_LAKES_M = 20.0, 19.37
"""Units in no simple ratio, so that nothing lies on a limit by chance."""


@settings(deadline=None, max_examples=25)
@given(SQUARES, SQUARES, st.randoms(use_true_random=False))
def test_the_order_of_rows_has_no_influence(outlines, lakes, random) -> None:
    given, reference = squares(outlines, OF_MAP_M), squares(lakes, OF_LAKES_M)
    mixed = (x.iloc[random.sample(range(len(x)), len(x))] for x in (given, reference))
    one, other = validate(given, reference), validate(*mixed)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), check_exact=True)
    assert one.lakes["outline"].equals(other.lakes["outline"])


@settings(deadline=None, max_examples=25)
@given(SQUARES, SQUARES, st.integers(-20, 20))
def test_where_both_lie_has_no_influence(outlines, lakes, steps) -> None:
    values = [*COUNTS, *AREAS, *ESTIMATES]
    one, other = (
        validate(squares(outlines, OF_MAP_M, north), squares(lakes, OF_LAKES_M, north))
        for north in (0.0, 1000.0 * steps)
    )
    pd.testing.assert_frame_equal(
        one.to_frame()[values], other.to_frame()[values], rtol=1e-3, atol=1e-3
    )


def test_the_frame_keeps_areas_and_crosses_the_date_line() -> None:
    places = gpd.GeoSeries(
        [box(179.9, 42, 179.95, 42.05), box(-179.95, 42, -179.9, 42.05)], crs=4326
    )
    dense = places.segmentize(0.001)
    frame = equal_area_frame(dense)
    lon_0 = next(x.value for x in frame.coordinate_operation.params if x.name.startswith("Long"))
    assert abs(lon_0) == pytest.approx(180)
    expected = geodesic_area_perimeter(dense)["area_m2"].to_numpy()
    assert dense.to_crs(frame).area.to_numpy() == pytest.approx(expected, rel=1e-6)


def test_causes_are_told_by_polygons_and_by_classes(tmp_path: Path) -> None:
    outlines = table(box(0, 0, 60, 60), box(100, 0, 160, 60), box(5000, 0, 5060, 60), crs=UTM)
    outlines = outlines.set_geometry(outlines.translate(500_000, 4_700_000)).set_index(
        pd.Index([7, 8, 9])
    )
    polygons = gpd.GeoDataFrame(
        {"cause": ["snow", "shadow"]},
        geometry=[
            box(500_000, 4_700_000, 500_110, 4_700_100),
            box(500_110, 4_700_000, 500_300, 4_700_100),
        ],
        crs=UTM,
    )
    write_layers(tmp_path / "causes.gpkg", {"causes": polygons})
    assert causes_below(outlines.geometry, tmp_path / "causes.gpkg").to_dict() == {
        7: "snow",
        8: "shadow",
        9: None,
    }
    with rasterio.open(
        tmp_path / "classes.tif",
        "w",
        driver="GTiff",
        dtype="uint8",
        nodata=0,
        count=1,
        width=30,
        height=10,
        crs=UTM,
        transform=rasterio.Affine(10, 0, 500_000, 0, -10, 4_700_100),
    ) as raster:
        raster.write(np.repeat(np.array([[6] * 11 + [5] * 19], dtype="uint8"), 10, axis=0), 1)
    found = causes_below(outlines.geometry, tmp_path / "classes.tif")
    assert found.to_dict() == {7: "6", 8: "5", 9: None}
    lakes = table(box(500_100, 4_700_000, 500_160, 4_700_060), crs=UTM)
    assert validate(outlines, lakes, causes=found).causes().to_dict() == {"6": 1}


def test_a_map_of_causes_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    edge = 28_000
    one_tile = {"tiled": True, "blockxsize": edge, "blockysize": edge, "compress": "zstd"}
    size = {"width": edge, "height": edge, "count": 1, "dtype": "uint8", "SPARSE_OK": True}
    with rasterio.open(
        tmp_path / "classes.tif", "w", "GTiff", crs="EPSG:32643", **size, **one_tile
    ):
        pass
    with pytest.raises(UnsafeInputError, match=r"classes\.tif: has compressed blocks of 747 MiB"):
        causes_below(gpd.GeoSeries([box(0, 0, 9, 9)], crs=32643), tmp_path / "classes.tif")


def test_pooled_maps_count_together(outlines: gpd.GeoDataFrame, lakes: gpd.GeoDataFrame) -> None:
    once = validate(outlines, lakes)
    twice = Accuracy.pooled([once, once]).to_frame().loc["all"]
    single = once.to_frame().loc["all"]
    assert (twice[list(COUNTS)] == 2 * single[list(COUNTS)]).all()
    assert twice["iou"] == pytest.approx(single["iou"])
    width = single["recall_high"] - single["recall_low"]
    assert twice["recall_high"] - twice["recall_low"] < width


def test_a_map_without_outlines_finds_nothing(lakes: gpd.GeoDataFrame) -> None:
    done = validate(lakes.iloc[:0], lakes)
    found = done.to_frame().loc["all"]
    assert (found["recall"], found["f1"], found["iou"], found["lakes"]) == (0, 0, 0, 4)
    assert math.isnan(found["precision"])
    assert (
        strict(json.dumps(done.to_dict(), allow_nan=False))["numbers"]["all"]["precision"] is None
    )
    assert done.plot("ru").axes


def test_what_cannot_be_compared_is_refused(lakes: gpd.GeoDataFrame) -> None:
    with pytest.raises(VectorError, match="outlines have no CRS"):
        validate(lakes.set_crs(None, allow_override=True), lakes)
    with pytest.raises(VectorError, match="reference has no lakes"):
        validate(lakes, lakes.iloc[:0])
    with pytest.raises(VectorError, match="no polygons"):
        validate(lakes, lakes.set_geometry(lakes.centroid))
    with pytest.raises(VectorError, match="observed and large enough"):
        validate(lakes, lakes, min_area_m2=1e9)


def strict(text: str) -> dict:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def files(tmp_path: Path, outlines: gpd.GeoDataFrame, lakes: gpd.GeoDataFrame) -> tuple[Path, Path]:
    """Return a file of outlines with two layers, and one of reference lakes."""
    days = pd.to_datetime(["2021-08-24T05:00Z"] * 5 + ["2022-08-24T05:00Z"])
    write_layers(tmp_path / "o.gpkg", {"one": outlines, "two": outlines.assign(acquired=days)})
    write_layers(tmp_path / "эталон.gpkg", {"lakes": lakes})
    return tmp_path / "o.gpkg", tmp_path / "эталон.gpkg"


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["validate", *map(str, arguments)])
    return caught.value.code, *capsys.readouterr()


def test_the_command_prints_a_table_and_writes_json_and_a_figure(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "новая" / "report.json"
    code, told, errors = call(capsys, *files, "--layer", "one", "-o", out)
    assert (code, errors) == (0, "")
    assert re.search(r"all +4 +5 +1 +0.20 \(", told)
    assert told.splitlines()[-2:] == [str(out), str(out.with_suffix(".png"))]
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    written = strict(out.read_text(encoding="utf-8"))
    _, printed, _ = call(capsys, *files, "--layer", "one", "--json")
    assert strict(printed) == written
    assert written["numbers"]["all"]["hits"] == 1
    assert len(written["lakes_not_hit"]) == 3
    assert len(written["outlines_without_hit"]) == 4


def test_one_date_is_compared_at_a_time(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, errors = call(capsys, *files, "--layer", "two")
    assert (code, told) == (1, "")
    assert "o.gpkg: has outlines of 2 dates, 2021-08-24 to 2022-08-24" in errors
    done = validate_files(*files, layer="two", date="2022-08-24").to_frame()
    assert done.loc["all", "outlines"] == 1
    with pytest.raises(
        InputError, match=r"no outlines of 2023-01-01; use one of 2021-08-24, 2022-"
    ):
        validate_files(*files, layer="two", date="2023-01-01")


@pytest.mark.thorough
def test_files_that_cannot_be_compared_are_one_line(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outlines, reference = files
    lakes = gpd.read_file(reference)
    lakes[["geometry"]].to_file(tmp_path / "no_crs.shp")
    (tmp_path / "no_crs.prj").unlink()
    write_layers(tmp_path / "empty.gpkg", {"lakes": lakes.iloc[:0]})
    lakes.set_geometry(lakes.centroid).to_file(tmp_path / "points.geojson")
    shutil.copy(outlines, tmp_path / "causes.gpkg")
    one = ("--layer", "one")
    for arguments, name, said in (
        ((outlines, reference), "o.gpkg", "has the layers one, two"),
        (
            (outlines, reference, "--layer", "x"),
            "o.gpkg",
            "no spatial layer 'x'; use one of one, two",
        ),
        ((outlines, reference, *one, "--reference-layer", "x"), "эталон.gpkg", "no spatial layer"),
        ((outlines, tmp_path / "no_crs.shp", *one), "no_crs.shp", "CRS"),
        ((outlines, tmp_path / "empty.gpkg", *one), "empty.gpkg", "has no lakes"),
        ((outlines, tmp_path / "points.geojson", *one), "points.geojson", "no polygons"),
        ((outlines, reference, *one, "--min-area-m2", "1e9"), "эталон.gpkg", "large enough"),
        ((outlines, reference, *one, "--causes", reference), "эталон.gpkg", "column 'cause'"),
        ((outlines, reference, *one, "--causes", tmp_path / "x.tif"), "x.tif", "cannot be read"),
        ((outlines, tmp_path / "none.shp", *one), "none.shp", "does not exist"),
    ):
        code, told, errors = call(capsys, *arguments)
        (line,) = errors.splitlines()
        assert (code, told) == (1, ""), said
        assert name in line
        assert said in line


def test_the_table_is_told_in_russian(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, told, _ = call(capsys, *files, "--layer", "one", "--lang", "ru")
    assert re.search(r"все +4 +5 +1 +0,20 \(", told)
    assert not re.search(r"[a-z]{4}", told)


@pytest.fixture(scope="module")
def mapped(data: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the outlines of the clear scene of the independent truth, and the truth."""
    folder = data / "independent_truth" / "clear_summer"
    (scene,) = discover([folder])
    outlines = map_lakes(scene, dem=folder / "dem.tif").outlines
    return outlines, gpd.read_file(folder / "truth.gpkg")


def test_a_mapped_scene_is_judged_as_by_brute_force(
    mapped: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], data: Path
) -> None:
    outlines, truth = mapped
    folder = data / "independent_truth" / "clear_summer"
    causes = causes_below(outlines.geometry, folder / "classes_2021-08-24.tif")
    done = validate(outlines, truth, causes=causes)
    found = done.to_frame().loc["all"]
    observable = (truth["observed_fraction"] >= 0.5) & (truth["frozen_fraction"] <= 0.5)
    spared = truth[~observable].geometry
    counted, lakes = outlines.geometry, truth[observable].geometry
    touches_spared = counted.apply(lambda shape: spared.intersects(shape).any())
    touches_lake = counted.apply(lambda shape: lakes.intersects(shape).any())
    counted = counted[touches_lake | ~touches_spared]
    iou = np.array([lakes.intersection(s).area / lakes.union(s).area for s in counted])
    hits = int((iou >= 0.5).any(axis=0).sum())
    assert found[["lakes", "outlines", "hits"]].tolist() == [len(lakes), len(counted), hits]
    assert found["f1"] == pytest.approx(2 * hits / (len(lakes) + len(counted)))
    land = counted.union_all() - spared.union_all()
    shared, united = land & lakes.union_all(), land | lakes.union_all()
    assert found["iou"] == pytest.approx(shared.area / united.area, rel=1e-5)
    of_lakes = geodesic_area_perimeter(lakes)["area_m2"].sum()
    assert found["reference_area_m2"] == pytest.approx(of_lakes, rel=1e-6)
    assert found["shore_rmse_px"] == pytest.approx(found["shore_rmse_m"] / 10)
    assert done.causes().sum() == found["false_lakes"]
    assert found["f1"] > 0.8
