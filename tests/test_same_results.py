"""The comparison of two revisions finds what differs, and only that."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from comparison import (
    Found,
    compare_files,
    compare_folders,
    compare_tables,
    compare_texts,
    pieces,
)

VECTORS = pytest.mark.parametrize("ending", ["gpkg", "shp", "geojson", "fgb"])


def lakes() -> gpd.GeoDataFrame:
    squares = [shapely.box(start, 0, start + 1, 1) for start in (0, 5, 10)]
    told = {
        "lake_id": ["GL1", "GL2", "GL3"],
        "area_m2": [1000.5, None, 3000.25],
        "n_seen": [1, 2, 3],
        "state": ["present", "doubtful", "gone"],
        "version": ["1.0", "1.0", "1.0"],
    }
    return gpd.GeoDataFrame(told, geometry=squares, crs="EPSG:32643")


def two_files(
    folder: Path, ending: str, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame
) -> tuple[Path, Path]:
    paths = []
    for name, table in (("before", before), ("after", after)):
        (folder / name).mkdir()
        paths.append(folder / name / f"lakes.{ending}")
        table.to_file(paths[-1])
    return paths[0], paths[1]


def compared(folder: Path, ending: str, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> Found:
    """Compare all parts of a file: a shapefile has several."""
    two_files(folder, ending, before, after)
    files = compare_folders(folder / "before", folder / "after").values()
    return Found(
        new=[text for found in files for text in found.new],
        wrong=[text for found in files for text in found.wrong],
    )


@VECTORS
def test_another_name_of_a_value_a_version_and_a_new_column_are_no_difference(
    tmp_path: Path, ending: str
) -> None:
    after = lakes().assign(version="2.0", extra=[1.0, 2.0, 3.0])
    after["state"] = ["present", "unconfirmed", "gone"]
    found = compared(tmp_path, ending, lakes(), after)
    assert not found.wrong
    assert len(found.new) == 1
    assert found.new[0].endswith("column extra")


@VECTORS
def test_a_changed_value_is_found(tmp_path: Path, ending: str) -> None:
    after = lakes()
    after.loc[2, "area_m2"] += 1e-9 * 3000
    (wrong,) = compared(tmp_path, ending, lakes(), after).wrong
    assert "area_m2: 1 of" in wrong


@VECTORS
def test_a_value_that_is_missing_now_is_found(tmp_path: Path, ending: str) -> None:
    after = lakes()
    after.loc[0, "area_m2"] = None
    (wrong,) = compared(tmp_path, ending, lakes(), after).wrong
    assert "area_m2: 1 of" in wrong


@VECTORS
def test_a_moved_vertex_is_found(tmp_path: Path, ending: str) -> None:
    after = lakes()
    vertices = shapely.get_coordinates(after.geometry[1])
    vertices[1] -= 1e-6
    after.loc[1, "geometry"] = shapely.set_coordinates(after.geometry[1], vertices)
    (wrong,) = compared(tmp_path, ending, lakes(), after).wrong
    assert "geom" in wrong
    assert "1 of" in wrong


@VECTORS
def test_a_lost_column_is_found(tmp_path: Path, ending: str) -> None:
    found = compared(tmp_path, ending, lakes(), lakes().drop(columns="n_seen"))
    (wrong,) = found.wrong
    assert wrong.endswith("column n_seen is gone")


@VECTORS
def test_a_lost_row_is_found(tmp_path: Path, ending: str) -> None:
    found = compared(tmp_path, ending, lakes(), lakes().iloc[:2])
    assert any(wrong.endswith("-1 rows") for wrong in found.wrong)


def test_another_type_and_a_lost_table_of_a_geopackage_are_found(tmp_path: Path) -> None:
    before, after = two_files(tmp_path, "gpkg", lakes(), lakes().astype({"n_seen": float}))
    lakes().to_file(before, layer="outlines")
    lakes().to_file(after, layer="parts")
    found = compare_files(before, after)
    assert "table outlines is gone" in found.wrong
    assert any("n_seen" in wrong and "REAL" in wrong for wrong in found.wrong)
    assert found.new == ["table parts"]


def test_another_order_of_columns_is_found() -> None:
    table = pd.DataFrame({"a": [1], "b": [2]})
    assert compare_tables(table, table[["b", "a"]]).wrong
    assert not compare_tables(table, table.assign(c=3)[["c", "a", "b"]]).wrong


cells = st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans())


@settings(deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1), cells, st.data())
def test_a_table_differs_from_another_where_a_cell_is_another(
    rows: list[tuple[object, object]], cell: object, data: st.DataObject
) -> None:
    before = pd.DataFrame(rows, columns=["a", "b"], dtype=object)
    assert not compare_tables(before, before.copy()).wrong
    after = before.copy()
    at = data.draw(st.integers(0, len(rows) - 1))
    after.iat[at, 1] = cell  # noqa: PD009
    old = before["b"].iloc[at]
    missing = [value is None or value != value for value in (old, cell)]  # noqa: PLR0124
    same = all(missing) or (not any(missing) and type(old) is type(cell) and old == cell)
    assert [text[:1] for text in compare_tables(before, after).wrong] == ([] if same else ["b"])


def test_a_page_may_get_more_but_loses_and_changes_nothing() -> None:
    page = pieces("<p>42 lakes, doubtful</p>\n<p>made with glacial_lakes 1.0</p><td>7</td>")
    more = pieces(
        "<p>42 lakes, unconfirmed</p><p>more</p><p>made with glacial_lakes 2</p><td>7</td>"
    )
    assert not compare_texts(page, page).new
    assert not compare_texts(page, more).wrong
    assert compare_texts(page, more).new
    assert compare_texts(more, page).wrong
    assert compare_texts(page, pieces("<p>42 lakes, doubtful</p>\n<td>8</td>")).wrong


def test_json_is_compared_by_path_without_versions(tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text('{"versions": {"numpy": "1"}, "lakes": [{"n": 1}, {"n": 2}]}', "utf-8")
    after.write_text('{"versions": {"numpy": "2"}, "lakes": [{"n": 1}, {"n": 3, "m": 0}]}', "utf-8")
    found = compare_files(before, after)
    assert found.new == ["column lakes/1/m"]
    assert [text.partition(":")[0] for text in found.wrong] == ["lakes/1/n"]


def test_files_are_matched_by_name_and_told_when_new_or_gone(tmp_path: Path) -> None:
    for name, area in (("before", "1"), ("after", "2")):
        (tmp_path / name / "out").mkdir(parents=True)
        (tmp_path / name / f"{name}.csv").write_text("a\n1\n", "utf-8")
        (tmp_path / name / "out" / "same.csv").write_text("a\n1\n", "utf-8")
        with zipfile.ZipFile(tmp_path / name / "out" / "lakes.kmz", "w") as archive:
            archive.writestr("doc.kml", f"<value>{area}</value>")
    found = compare_folders(tmp_path / "before", tmp_path / "after")
    assert found["out/same.csv"].same_bytes
    assert found["before.csv"].wrong and found["after.csv"].new
    assert found["out/lakes.kmz"].wrong


@pytest.mark.parametrize(("area", "is_same"), [("7", True), ("8", False)])
def test_the_viewer_of_another_version_is_the_same_but_for_its_numbers(
    tmp_path: Path, area: str, is_same: bool
) -> None:
    paths = []
    for run, version, number in (("0", "0.2.0+ga", "7"), ("1", "0.2.0+gb", area)):
        data = f'{{"language":"en","run":"{run * 16}","version":"{version}","area":[{number}]}}'
        paths.append(tmp_path / f"viewer_{run}.html")
        paths[-1].write_text(f'<script type="application/json" id="data">{data}</script>')
    assert (compare_files(*paths).wrong == []) is is_same
