from __future__ import annotations

import csv
import hashlib
import json
import logging
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacial_lakes import schema
from glacial_lakes.errors import (
    DamagedFileError,
    GlacialLakesError,
    InputError,
    OutputError,
    UnsafeInputError,
    VectorError,
)
from glacial_lakes.events import Event, InputOdd, RowsLeftOut
from glacial_lakes.io import geopackage, qgis_style, repair, shapefile, vector

COLUMNS = schema.OUTLINES
NAMES = ["Петров көлү", "Қапал көлі ғ ұ", "Кӯли Сарез ҳ ҷ ӣ", "=1+1", ""]


def _outlines(count: int = 5) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(1)
    ring = shapely.points(rng.uniform(74, 78, count), rng.uniform(41, 43, count)).reshape(count)
    geometry = shapely.difference(shapely.buffer(ring, 0.01), shapely.buffer(ring, 0.003))
    frame = gpd.GeoDataFrame(
        {
            "lake_id": [f"GL0745{i:02d}E42637N" for i in range(count)],
            "acquired": pd.Timestamp("2020-08-30T05:32:07.890Z"),
            "area_m2": rng.lognormal(10, 2, count),
            "glacier_dist_m": [None, *[0.0] * (count - 1)] if count else [],
            "verified": [True, None, False, True, None][:count],
            "quality": NAMES[:count],
        },
        geometry=list(geometry),
        crs=4326,
    )
    table = schema.conform(frame, COLUMNS)
    assert isinstance(table, gpd.GeoDataFrame)
    return table


def _layers(count: int = 5) -> dict[str, pd.DataFrame]:
    observations = pd.DataFrame({"lake_id": ["a", "b"], "area_m2": [1.5, None]})
    return {
        "outlines": _outlines(count),
        "observations": schema.conform(observations, schema.OBSERVATIONS),
        "events": schema.conform(pd.DataFrame(index=range(0)), schema.LAKE_EVENTS),
    }


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "lakes.shp"
    shapefile.write_shapefile(_outlines(), path, COLUMNS)
    return path


# GeoPackage


@pytest.mark.parametrize("count", [0, 1, 5])
def test_layers_read_back_as_written(tmp_path: Path, count: int) -> None:
    path = tmp_path / "Көл папка" / "a b.gpkg"
    layers = _layers(count)
    geopackage.write_layers(path, layers)
    back = geopackage.read_layers(path)
    assert list(back) == list(layers)
    outlines = schema.conform(back["outlines"], COLUMNS)
    pd.testing.assert_frame_equal(
        pd.DataFrame(outlines.drop(columns="geometry")),
        pd.DataFrame(layers["outlines"].drop(columns="geometry")),
        check_dtype=False,
    )
    assert shapely.equals(
        back["outlines"].geometry.to_numpy(), layers["outlines"].geometry.to_numpy()
    ).all()
    assert back["outlines"].crs == layers["outlines"].crs
    observations = schema.conform(back["observations"], schema.OBSERVATIONS)
    assert observations["area_m2"].isna().tolist() == [False, True]


def test_equal_layers_give_equal_bytes_whatever_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = set()
    for number, day in enumerate(("2020-01-01T00:00:00Z", None)):
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": day})
        path = tmp_path / f"{number}.gpkg"
        geopackage.write_layers(path, _layers(), {"outlines": "<qgis/>"})
        assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == day
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_geopackage_is_version_1_2_with_a_default_style(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    colours = {"observed": "0,90,200", 'a"<b': "1,2,3"}
    style = qgis_style.layer_style((), coloured="status", colours=colours)
    geopackage.write_layers(path, _layers(), {"outlines": style})
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10200,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        row = database.execute(
            "SELECT f_table_schema, f_table_name, f_geometry_column, useAsDefault, styleQML "
            "FROM layer_styles"
        ).fetchone()
        assert row[:4] == ("", "outlines", "geom", 1)
        column = database.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = 'outlines'"
        ).fetchone()
        assert column == ("geom",)
    database.close()
    from defusedxml import ElementTree

    root = ElementTree.fromstring(style, forbid_dtd=False)
    assert [node.get("value") for node in root.iter("category")] == ["observed", 'a"<b']
    assert len(list(root.iter("symbol"))) == 2


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="needs ogrinfo of gdal-bin")
def test_the_geopackage_is_read_by_gdal_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    geopackage.write_layers(path, _layers())
    run = subprocess.run(
        ["ogrinfo", "-al", "-so", str(path)], capture_output=True, text=True, check=True
    )
    assert not run.stderr
    assert "Feature Count: 5" in run.stdout
    assert "Geometry: Multi Polygon" in run.stdout


def test_a_failed_write_keeps_the_old_geopackage(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    geopackage.write_layers(path, _layers())
    before = path.read_bytes()
    broken = _outlines().set_crs(None, allow_override=True)
    with pytest.raises(ValueError, match="CRS"):
        geopackage.write_layers(path, {"outlines": broken})
    with pytest.raises(GlacialLakesError):
        geopackage.write_layers(path / "below" / "b.gpkg", _layers())
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.gpkg"]


# Shapefile


def test_a_shapefile_has_fixed_names_and_every_value(written: Path) -> None:
    table = _outlines()
    back = pyogrio.read_dataframe(written)
    fields = {c.shapefile: c.name for c in COLUMNS if c.shapefile}
    assert list(back.columns) == [*fields, "geometry"]
    assert max(len(name) for name in fields) <= 10
    assert len(set(fields)) == len([c for c in COLUMNS if c.shapefile])
    np.testing.assert_allclose(back["GL_Area"], table["area_m2"], rtol=1e-12)
    assert back["GL_Date"].tolist() == ["2020-08-30T05:32:07Z"] * 5
    assert back["Quality"].tolist()[:4] == NAMES[:4]
    assert back["Glac_Dist"].isna().tolist() == [True, False, False, False, False]
    assert back["Verified"].isna().tolist() == [False, True, False, False, True]
    assert back["Verified"].dropna().astype(int).tolist() == [1, 0, 1]
    assert shapely.equals(back.geometry.to_numpy(), table.geometry.to_numpy()).all()


def test_a_shapefile_is_whole_with_all_its_parts(written: Path) -> None:
    names = {part.name for part in written.parent.iterdir()}
    parts = {f"lakes.{end}" for end in ("shp", "shx", "dbf", "prj", "cpg")}
    assert names == parts | {"lakes_fields.csv"}
    assert written.with_suffix(".cpg").read_text() == "UTF-8"
    assert "WGS_1984" in written.with_suffix(".prj").read_text()


def test_the_dictionary_explains_every_field_in_two_languages(written: Path) -> None:
    path = written.with_name("lakes_fields.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # Excel shows Cyrillic only with it
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows[1:]] == [c.shapefile for c in COLUMNS if c.shapefile]
    assert all(len(row) == 6 and row[4] and row[5] for row in rows)


def test_equal_tables_give_equal_shapefiles(written: Path, tmp_path: Path) -> None:
    other = tmp_path / "again" / "lakes.shp"
    shapefile.write_shapefile(_outlines(), other, COLUMNS)
    for part in written.parent.iterdir():
        assert part.read_bytes() == other.with_name(part.name).read_bytes()
    assert written.with_suffix(".dbf").read_bytes()[1:4] == bytes([100, 1, 1])


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="needs ogrinfo of gdal-bin")
@pytest.mark.parametrize("count", [0, 5])
def test_gdal_reads_the_shapefile(tmp_path: Path, count: int) -> None:
    path = tmp_path / "lakes.shp"
    shapefile.write_shapefile(_outlines(count), path, COLUMNS)
    run = subprocess.run(["ogrinfo", "-al", str(path)], capture_output=True, check=True)
    said = run.stdout.decode("utf-8")
    assert not run.stderr
    assert f"Feature Count: {count}" in said
    assert "Geometry: Polygon" in said
    assert 'ID["EPSG",4326]' in said
    assert ("Петров көлү" in said) == (count > 0)


@pytest.mark.parametrize("suffix", [".shp", ".shx", ".dbf"])
@pytest.mark.parametrize("left", [0, 32, 104, 120])
def test_a_shapefile_that_a_full_disk_cut_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, left: int
) -> None:
    """GDAL says nothing when the disk is full at the end; what it left may not even open."""
    write = pyogrio.write_dataframe

    def write_less(frame: gpd.GeoDataFrame, path: Path, **options: object) -> None:
        write(frame, path, **options)
        part = Path(path).with_suffix(suffix)
        part.write_bytes(part.read_bytes()[:left])

    monkeypatch.setattr(pyogrio, "write_dataframe", write_less)
    with pytest.raises(OutputError):
        shapefile.write_shapefile(_outlines(), tmp_path / "lakes.shp", COLUMNS)
    assert not (tmp_path / "lakes.shp").exists()


def test_text_that_does_not_fit_is_cut_between_letters_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = _outlines()
    table.loc[1, "quality"] = "ө" * 200
    with caplog.at_level(logging.WARNING):
        shapefile.write_shapefile(table, tmp_path / "a.shp", COLUMNS)
    assert '1 text of "Quality of the outline" (quality) cut' in caplog.text
    assert pyogrio.read_dataframe(tmp_path / "a.shp")["Quality"][1] == "ө" * 127


def test_a_value_that_a_shapefile_cannot_hold_is_refused(tmp_path: Path) -> None:
    table = _outlines()
    table.loc[1, "area_m2"] = np.inf
    with pytest.raises(OutputError, match="area_m2"):
        shapefile.write_shapefile(table, tmp_path / "a.shp", COLUMNS)
    assert not list(tmp_path.iterdir())


@settings(max_examples=25, deadline=None)
@given(
    area=st.floats(min_value=0, max_value=1e12, allow_subnormal=False),
    text=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60
    ),
)
def test_any_value_comes_back_from_a_shapefile_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, area: float, text: str
) -> None:
    table = _outlines(1)
    table["area_m2"], table["quality"] = area, text
    path = tmp_path_factory.mktemp("shp") / "a.shp"
    try:
        shapefile.write_shapefile(table, path, COLUMNS)
    except OutputError:
        return
    back = vector.read_vector(path)
    assert back["GL_Area"][0] == pytest.approx(area, rel=1e-9, abs=1e-12)
    # a field of dBase is filled up with blanks, and GDAL takes those before a text for such as well
    assert (back["Quality"][0] or "") == text.strip(" ")


# Reading


@pytest.mark.parametrize("cut", [0.0, 0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", [".shp", ".shx", ".dbf"])
def test_a_cut_shapefile_is_refused(written: Path, suffix: str, cut: float) -> None:
    part = written.with_suffix(suffix)
    part.write_bytes(part.read_bytes()[: int(part.stat().st_size * cut)])
    with pytest.raises((DamagedFileError, VectorError)):
        vector.read_vector(written)


@pytest.mark.parametrize("suffix", [".shx", ".dbf", ".prj"])
def test_a_shapefile_without_one_of_its_parts_is_refused(written: Path, suffix: str) -> None:
    written.with_suffix(suffix).unlink()
    with pytest.raises(VectorError, match=rf"lakes\{suffix}"):
        vector.read_vector(written)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bit=st.integers(0, 8 * 8 * 5 - 1))
def test_a_wrong_bit_in_the_index_of_a_shapefile_is_told(written: Path, bit: int) -> None:
    """GDAL drops or swaps shapes without a word."""
    index = written.with_suffix(".shx")
    good = index.read_bytes()
    bad = bytearray(good)
    bad[100 + bit // 8] ^= 1 << bit % 8
    try:
        index.write_bytes(bad)
        with pytest.raises(DamagedFileError, match="does not fit the shapes"):
            vector.read_vector(written)
    finally:
        index.write_bytes(good)


def test_zeros_in_the_shapes_of_a_shapefile_are_no_internal_error(written: Path) -> None:
    good = written.read_bytes()
    told = []
    for start in range(100, len(good), 24):
        written.write_bytes(good[:start] + bytes(16) + good[start + 16 :])
        try:
            vector.read_vector(written)
        except InputError as error:
            told.append(error)
    assert told


def test_a_table_that_tells_of_more_rows_than_memory_holds_is_cut_short(written: Path) -> None:
    table = written.with_suffix(".dbf")
    content = bytearray(table.read_bytes())
    content[4:8], content[10:12] = b"\xff\xff\xff\x7f", b"\xff\xff"
    table.write_bytes(content)
    with pytest.raises(DamagedFileError, match="cut short"):
        vector.read_vector(written)


def test_letters_of_unknown_encoding_are_refused_until_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "озёра.shp"
    frame = gpd.GeoDataFrame({"name": ["Озеро Петрова"]}, geometry=[shapely.box(0, 0, 1, 1)])
    pyogrio.write_dataframe(frame.set_crs(4326), path, encoding="CP1251", driver="ESRI Shapefile")
    path.with_suffix(".cpg").unlink()
    with pytest.raises(VectorError, match="CP1251"):
        vector.read_vector(path)
    assert vector.read_vector(path, encoding="CP1251")["name"].tolist() == ["Озеро Петрова"]


def shapefile_of(folder: Path, text: str, encoding: str, *, driver: int = 0) -> Path:
    """Write a shapefile with a field whose name and text are of an encoding, and no .cpg file."""
    path = folder / "lakes.shp"
    frame = gpd.GeoDataFrame({"FIELD": ["?" * 30]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    pyogrio.write_dataframe(frame, path, driver="ESRI Shapefile")
    path.with_suffix(".cpg").unlink()
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = driver
    table[32:43] = "ИМЯ".encode(encoding).ljust(11, b"\0")
    start = int.from_bytes(table[8:10], "little") + 1
    content = text.encode(encoding)
    table[start : start + 30] = content.ljust(30)
    path.with_suffix(".dbf").write_bytes(bytes(table))
    return path


@pytest.mark.parametrize("cpg", ["1251", "ANSI 1251", "CP866", "ISO 88595", "KOI8-R"])
@pytest.mark.parametrize("name", ["Ала-Көл", "Адыгене", "ледник № 5"])
def test_a_cpg_file_that_tells_another_encoding_than_the_text_has_is_not_believed(
    tmp_path: Path, cpg: str, name: str
) -> None:
    path = tmp_path / "lakes.shp"
    shape = shapely.box(77, 43, 77.01, 43.01)
    gpd.GeoDataFrame({"name": [name]}, geometry=[shape], crs="EPSG:4326").to_file(
        path, encoding="UTF-8"
    )
    path.with_suffix(".cpg").write_text(cpg)
    assert vector.read_vector(path)["name"].tolist() == [name]


@pytest.mark.parametrize(
    ("cpg", "encoding"),
    [
        ("1251", "cp1251"),
        ("ANSI 1251", "cp1251"),
        ("windows-1251", "cp1251"),
        ("OEM 866", "cp866"),
        ("65001", "utf-8"),
        ("UTF8", "utf-8"),
        ("ISO 8859-5", "iso8859-5"),
        ("88595", "iso8859-5"),
        ("KOI8-R\r\n", "koi8-r"),
        ("LDID/101", "cp866"),
    ],
)
def test_a_cpg_file_is_understood_as_programs_write_it(
    tmp_path: Path, cpg: str, encoding: str
) -> None:
    path = shapefile_of(tmp_path, "оз. Петрова", encoding)
    path.with_suffix(".cpg").write_text(cpg)
    assert vector.read_vector(path)["ИМЯ"].tolist() == ["оз. Петрова"]


@pytest.mark.parametrize("cpg", ["System", "", "wibble", "base64", "OEM", None])
@pytest.mark.parametrize("text", ["оз. Петрова", "17"], ids=["letters", "digits"])
def test_without_a_known_encoding_letters_are_refused_also_in_names_of_fields(
    tmp_path: Path, cpg: str | None, text: str
) -> None:
    path = shapefile_of(tmp_path, text, "cp1251")
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    with pytest.raises(VectorError, match="--encoding CP1251"):
        vector.read_vector(path)
    assert vector.read_vector(path, encoding="CP1251")["ИМЯ"].tolist() == [text]
    with pytest.raises(VectorError, match="wobble is no text encoding"):
        vector.read_vector(path, encoding="wobble")


@pytest.mark.parametrize("cpg", ["ISO-8859-1", "1252", "LATIN1", "OEM 850"])
@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r", "utf-8"])
def test_a_cpg_file_of_the_west_beside_words_of_another_script_is_not_believed(
    tmp_path: Path, cpg: str, encoding: str
) -> None:
    path = shapefile_of(tmp_path, "оз. Петрова", encoding)
    path.with_suffix(".cpg").write_text(cpg)
    if encoding != "utf-8":  # which is told by itself
        with pytest.raises(VectorError, match=r"told to be in .*, which has few; write"):
            vector.read_vector(path)
    found = vector.read_vector(path, encoding=encoding if encoding != "utf-8" else None)
    assert found["ИМЯ"].tolist() == ["оз. Петрова"]


@pytest.mark.parametrize("text", ["Þórisjökull", "Lac Émosson – été", "ÄÖÜ ————", "Gæðavatn"])
def test_western_texts_are_read_as_their_cpg_file_tells(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lakes.shp"
    frame = gpd.GeoDataFrame({"name": [text]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    pyogrio.write_dataframe(frame, path, encoding="cp1252", driver="ESRI Shapefile")
    path.with_suffix(".cpg").write_text("1252")
    assert vector.read_vector(path)["name"].tolist() == [text]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("has_cpg", [True, False])
def test_names_and_texts_that_are_cut_within_a_letter_are_read_without_it(
    tmp_path: Path, has_cpg: bool
) -> None:
    """Ten bytes hold four and a half letters beside a sign; so QGIS saves them."""
    times = pd.to_datetime(["2009-08-20", None])
    rows = {"ДАТА_СНИМКА": times, "№ НОМЕР": ["Ҷ-1", None], "ПРИМЕЧАНИЕ": ["a" + "Көл" * 60, ""]}
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)]
    path = tmp_path / "lakes.shp"
    gpd.GeoDataFrame(rows, geometry=shapes, crs=4326).to_file(path, encoding="UTF-8")
    if not has_cpg:
        path.with_suffix(".cpg").unlink()
    cut = path.with_suffix(".dbf").read_bytes()[32:]
    assert "ДАТА_С".encode()[:10] + b"\0" in cut
    found = vector.read_as_drawn(path)
    assert list(found.columns) == ["ДАТА_", "№ НОМ", "ПРИМЕ", "geometry"]
    assert pd.to_datetime(found["ДАТА_"]).dt.year.iloc[0] == 2009
    assert found["№ НОМ"].iloc[0] == "Ҷ-1"
    assert found["ПРИМЕ"].iloc[0] == ("a" + "Көл" * 60)[:127]
    path.with_suffix(".dbf").write_bytes(
        path.with_suffix(".dbf").read_bytes().replace("Ҷ".encode(), b"\xff\xff")
    )
    with pytest.raises(VectorError, match="encoding"):
        vector.read_as_drawn(path)


@pytest.mark.parametrize("cpg", ["UTF-16", "UTF-32", "UTF-7 BOM"])
def test_a_cpg_file_that_names_what_no_table_is_written_in_tells_nothing(
    tmp_path: Path, cpg: str
) -> None:
    path = shapefile_of(tmp_path, "оз. Петрова", "utf-8")
    path.with_suffix(".cpg").write_text(cpg)
    assert vector.read_vector(path)["ИМЯ"].tolist() == ["оз. Петрова"]


@pytest.mark.parametrize(("driver", "encoding"), [(0xC9, "cp1251"), (0x65, "cp866")])
def test_the_language_driver_tells_the_encoding_where_no_cpg_does(
    tmp_path: Path, driver: int, encoding: str
) -> None:
    path = shapefile_of(tmp_path, "оз. Петрова", encoding, driver=driver)
    path.with_suffix(".cpg").write_text("System")
    assert vector.read_vector(path)["ИМЯ"].tolist() == ["оз. Петрова"]


def test_a_variable_of_other_programs_does_not_change_the_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAPE_ENCODING", "CP866")
    path = shapefile_of(tmp_path, "оз. Петрова", "cp1251")
    path.with_suffix(".cpg").write_text("1251")
    assert vector.read_vector(path)["ИМЯ"].tolist() == ["оз. Петрова"]


def test_a_part_in_another_spelling_is_named(written: Path) -> None:
    written.with_suffix(".dbf").rename(written.with_name("LAKES.dbf"))
    for read in (vector.read_vector, vector.spatial_layers):
        with pytest.raises(VectorError, match=r"has no lakes\.dbf beside it, but LAKES\.dbf"):
            read(written)


def test_each_missing_part_has_a_remedy_that_helps(written: Path) -> None:
    written.with_suffix(".prj").unlink()
    with pytest.raises(VectorError, match="ogr2ogr -a_srs"):
        vector.read_vector(written)


def zipped(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zipped_shapefile_is_read_whatever_a_computer_packed_with_it(
    written: Path, tmp_path: Path
) -> None:
    parts = {f"my area/{part.name}": part.read_bytes() for part in written.parent.iterdir()}
    stray = {f"__MACOSX/my area/._{written.name}": b"x", "my area/Thumbs.db": b"x"}
    path = zipped(tmp_path / "area.zip", stray | parts)
    back = vector.as_places(path)
    assert back.total_bounds.tolist() == vector.read_vector(written).total_bounds.tolist()


def test_a_shapefile_that_windows_packed_is_read(written: Path, tmp_path: Path) -> None:
    """PowerShell before 5.1 writes names with backslashes."""
    path = tmp_path / "area.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in written.parent.iterdir():
            name = zipfile.ZipInfo("x")
            name.filename = f"my area\\{part.name}"
            archive.writestr(name, part.read_bytes())
    back = vector.as_places(path)
    assert back.total_bounds.tolist() == vector.read_vector(written).total_bounds.tolist()


def test_a_kmz_is_read_by_its_document(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame({"Name": ["a"]}, geometry=[shapely.box(74, 42, 75, 43)], crs=4326)
    table.to_file(tmp_path / "doc.kml", driver="KML")
    content = (tmp_path / "doc.kml").read_bytes()
    path = zipped(tmp_path / "area.kmz", {"doc.kml": content, "files/icon.png": b"x"})
    assert vector.as_places(path).total_bounds.tolist() == [74, 42, 75, 43]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"readme.txt": b"x"}, "holds no vector file"),
        ({"a.gpkg": b"x", "b.gpkg": b"x"}, "holds the vector files a.gpkg, b.gpkg"),
        ({"../a.gpkg": b"x"}, "would lie outside it"),
        ({"a.gpkg": bytes(2_000_000)}, "would unpack to more"),
        ({"a.gpkg": b"<OGRVRTDataSource>"}, "refers to other files"),
    ],
)
def test_an_archive_that_cannot_be_understood_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes], told: str
) -> None:
    monkeypatch.setattr("glacial_lakes.io.zipped.MAX_BYTES", 1_000_000)
    path = zipped(tmp_path / "area.zip", members)
    with pytest.raises(GlacialLakesError, match=told) as caught:
        vector.read_vector(path)
    assert str(caught.value.path).startswith(str(path))


def test_utf8_text_without_cpg_is_understood(written: Path) -> None:
    written.with_suffix(".cpg").unlink()
    assert vector.read_vector(written)["Quality"].tolist()[:3] == NAMES[:3]


@pytest.mark.parametrize("name", ["evil.shp", "evil.geojson", "evil.vrt", "evil.gpkg"])
def test_a_virtual_file_in_disguise_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    with pytest.raises(UnsafeInputError):
        vector.read_vector(path)


@pytest.mark.parametrize(
    "address", ["https://example.org/a.gpkg", "/vsicurl/https://example.org/a.gpkg", "s3://a/b.shp"]
)
def test_an_address_is_refused(address: str) -> None:
    with pytest.raises(UnsafeInputError, match="local"):
        vector.read_vector(address)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello", b"\x89PNG", b"{}"])
def test_what_is_no_vector_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.shp"
    path.write_bytes(content)
    with pytest.raises(VectorError):
        vector.read_vector(path)


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("a.gpkg", "GPKG"),
        ("a.geojson", "GeoJSON"),
        ("a.fgb", "FlatGeobuf"),
        ("a.kml", "KML"),
        ("a.tab", "MapInfo File"),
        ("a.mif", "MapInfo File"),
        ("a.gdb", "OpenFileGDB"),
    ],
)
def test_the_formats_that_partners_send_are_read(tmp_path: Path, name: str, driver: str) -> None:
    frame = _outlines()[["lake_id", "geometry"]]
    multi = frame.set_geometry([shapely.multipolygons([polygon]) for polygon in frame.geometry])
    pyogrio.write_dataframe(multi.set_crs(4326), tmp_path / name, driver=driver)
    back = vector.read_vector(tmp_path / name).to_crs(6933)
    assert sorted(back.area) == pytest.approx(sorted(frame.to_crs(6933).area), rel=1e-3)


def test_a_layer_must_be_named_when_there_are_several(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    geopackage.write_layers(path, {"one": _outlines(2), "two": _outlines(3)}, {"one": "<qgis/>"})
    with pytest.raises(VectorError, match="one, two"):
        vector.read_vector(path)
    with pytest.raises(VectorError, match="'three'"):
        vector.read_vector(path, layer="three")
    assert len(vector.read_vector(path, layer="two")) == 3


def test_geometries_are_repaired_and_missing_ones_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    high = shapely.Polygon([(5, 0, 3000), (6, 0, 3000), (6, 1, 3000)])
    frame = gpd.GeoDataFrame(
        {"n": [1, 2, 3, 4]}, geometry=[bow_tie, None, shapely.Polygon(), high], crs=32643
    )
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    with caplog.at_level(logging.WARNING):
        back = vector.read_vector(tmp_path / "a.gpkg")
    assert back["n"].tolist() == [1, 4]
    assert back.is_valid.all()
    assert not back.has_z.any()
    assert back.area.tolist() == [2.0, 0.5]
    assert "1 invalid" in caplog.text
    assert "rows without geometry left out: 2 (2, 3)" in caplog.text


@pytest.mark.parametrize(
    ("drawn", "ground"),
    [
        (shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(5, 0, 15, 10)]), 150),
        (shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(2, 2, 4, 4)]), 100),
        (shapely.MultiPolygon([shapely.box(0, 0, 5, 5), shapely.box(0, 0, 5, 5)]), 25),
        (shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]), 50),
        # a hole that reaches out of its lake is no lake
        (
            shapely.Polygon(
                shapely.box(0, 0, 10, 10).exterior, [shapely.box(8, 2, 14, 4).exterior]
            ),
            96,
        ),
        # a shore that comes back over its own lake; one that goes to an island and back
        (shapely.Polygon([(0, 0), (6, 0), (6, 6), (2, 6), (2, 2), (8, 2), (8, 8), (0, 8)]), 60),
        (
            shapely.Polygon(
                [(0, 0), (9, 0), (9, 9), (0, 9), (0, 0), (3, 3), (3, 6), (6, 6), (6, 3), (3, 3)]
            ),
            72,
        ),
    ],
    ids=["overlapping", "inside", "twice", "bow-tie", "hole outside", "on itself", "keyhole"],
)
@pytest.mark.parametrize("kind", ["file", "table", "geometry"])
def test_a_repair_keeps_the_ground_of_all_parts(
    drawn: shapely.Geometry, ground: float, kind: str, tmp_path: Path
) -> None:
    assert not drawn.is_valid
    table = gpd.GeoDataFrame(geometry=[drawn], crs=4326)
    if kind == "file":
        table.to_file(tmp_path / "a.gpkg")
    sources = {"file": tmp_path / "a.gpkg", "table": table, "geometry": drawn}
    (back,) = vector.as_places(sources[kind]).geometry
    assert back.is_valid
    assert back.area == pytest.approx(ground)


def test_a_ring_that_is_no_drawing_is_repaired_in_bounded_time() -> None:
    turn, far = np.random.default_rng(0).uniform((0, 0.5), (2 * np.pi, 1), (120, 2)).T
    tangle = shapely.Polygon(np.column_stack([np.cos(turn) * far, np.sin(turn) * far]))
    (mended,) = repair.repaired([tangle])
    assert mended.is_valid
    assert 1 < mended.area < np.pi


def test_a_ring_that_is_none_costs_its_row_and_measures_cost_no_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Points with M, as ArcGIS saves them, and one ring of two points, beside a good outline."""
    path = tmp_path / "l.gpkg"
    square = shapely.box(460_000, 4_715_000, 460_100, 4_715_100)
    gpd.GeoDataFrame({"n": [1, 2, 3]}, geometry=[square] * 3, crs=32643).to_file(path, layer="l")
    begin = b"GP\x00\x01" + struct.pack("<i", 32643)
    points = [*square.exterior.coords]
    with_m = struct.pack("<BIII", 1, 2003, 1, len(points)) + b"".join(
        struct.pack("<3d", x, y, 7.0) for x, y in points
    )
    no_ring = struct.pack("<BIII", 1, 3, 1, 2) + struct.pack("<4d", *points[0], *points[1])
    with closing(sqlite3.connect(path)) as database, database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        for fid, wkb in ((1, with_m), (2, no_ring)):
            database.execute("UPDATE l SET geom = ? WHERE fid = ?", (begin + wkb, fid))
        database.execute("UPDATE gpkg_geometry_columns SET m = 2")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = vector.read_vector(path)
    assert read["n"].tolist() == [1, 3]
    assert read.area.tolist() == [10_000.0, 10_000.0]
    assert "rows without geometry left out: 1 (2)" in caplog.text


def test_a_repair_that_moves_an_area_names_the_row_and_both_areas(tmp_path: Path) -> None:
    overlapping = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(50, 0, 150, 100)])
    touching = shapely.box(300, 0, 400, 100)
    spike = shapely.Polygon([(300, 0), (400, 0), (400, 100), (400, 200), (400, 100), (300, 100)])
    frame = gpd.GeoDataFrame(geometry=[touching, spike, overlapping], crs=6933)
    frame.to_file(tmp_path / "a.gpkg")
    told: list[Event] = []
    vector.read_vector(tmp_path / "a.gpkg", on_event=told.append)
    (event,) = told
    assert isinstance(event, InputOdd)
    assert event.reason.endswith("1 polygon, by row: 3: 20000 → 15000 m²")


@pytest.mark.parametrize("suffix", ["shp", "gpkg"])
@pytest.mark.parametrize(
    ("holes", "was"),
    [
        ([shapely.box(150, 0, 160, 10)], 9900),  # far from its outline
        ([shapely.box(100, 0, 110, 10)], 9900),  # touches it
        ([shapely.box(20, 20, 30, 30), shapely.box(150, 0, 160, 10)], 9800),
    ],
)
def test_a_hole_outside_of_its_outline_is_no_ground_in_any_format(
    holes: list[shapely.Polygon], was: int, suffix: str, tmp_path: Path
) -> None:
    shell = shapely.box(0, 0, 100, 100)
    drawn = shapely.Polygon(shell.exterior, [hole.exterior for hole in holes])
    island = shapely.MultiPolygon([shapely.box(300, 0, 400, 100), shapely.box(500, 0, 600, 100)])
    path = tmp_path / f"a.{suffix}"
    gpd.GeoDataFrame(geometry=[island, drawn], crs=6933).to_file(path)
    told: list[Event] = []
    back = vector.read_vector(path, on_event=told.append)
    kept = shell.difference(shapely.union_all(holes)).area
    assert back.area.tolist() == pytest.approx([20000, kept])
    (event,) = told
    assert isinstance(event, InputOdd)
    assert event.reason.endswith(f"by row: 2: {was} → {kept:.0f} m²")


@pytest.mark.parametrize("suffix", ["gpkg", "geojson"])
def test_of_a_collection_the_polygons_are_taken(suffix: str, tmp_path: Path) -> None:
    one, other = shapely.box(75, 42, 75.1, 42.1), shapely.box(76, 42, 76.1, 42.1)
    label, line = shapely.Point(75, 42), shapely.LineString([(75, 42), (76, 43)])
    drawn = [
        shapely.GeometryCollection([label, one]),
        shapely.GeometryCollection([shapely.MultiPolygon([one, other]), line]),
        shapely.GeometryCollection([label, line]),
    ]
    path = tmp_path / f"a.{suffix}"
    gpd.GeoDataFrame(geometry=drawn, crs=4326).to_file(path)
    back = vector.read_vector(path)
    assert back.geom_type.tolist() == ["Polygon", "MultiPolygon", "GeometryCollection"]
    assert back.area.tolist() == pytest.approx([0.01, 0.02, 0])


def test_a_hole_that_takes_all_away_is_told_once(tmp_path: Path) -> None:
    square = shapely.box(0, 0, 100, 100)
    empty = shapely.Polygon(square.exterior, [square.exterior])
    gpd.GeoDataFrame(geometry=[square, empty], crs=6933).to_file(tmp_path / "a.gpkg")
    told: list[Event] = []
    assert len(vector.read_vector(tmp_path / "a.gpkg", on_event=told.append)) == 1
    assert [type(event) for event in told] == [RowsLeftOut]


def test_a_file_without_crs_or_geometries_is_refused(tmp_path: Path) -> None:
    box = shapely.box(0, 0, 1, 1)
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.write_dataframe(gpd.GeoDataFrame(geometry=[box]), tmp_path / "a.gpkg")
    with pytest.raises(VectorError, match="CRS"):
        vector.read_vector(tmp_path / "a.gpkg")
    nothing = gpd.GeoDataFrame({"n": [1]}, geometry=[None], crs=4326)
    pyogrio.write_dataframe(nothing, tmp_path / "b.gpkg", geometry_type="Polygon")
    with pytest.raises(VectorError, match="its only feature has no geometry"):
        vector.read_vector(tmp_path / "b.gpkg")


def test_a_damaged_prj_is_told(written: Path) -> None:
    written.with_suffix(".prj").write_text("PROJCS[garbage")
    with pytest.raises(VectorError, match="CRS"):
        vector.read_vector(written)


@pytest.mark.parametrize("cut", [0.3, 0.7])
@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson"])
def test_a_cut_file_of_another_format_is_refused(tmp_path: Path, name: str, cut: float) -> None:
    path = tmp_path / name
    pyogrio.write_dataframe(_outlines(), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    with pytest.raises(GlacialLakesError):
        vector.read_vector(path)


def test_a_pipeline_in_geojson_clothes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "gdal_streamed_alg", "command_line": "gdal vector read x"}))
    with pytest.raises(UnsafeInputError):
        vector.read_vector(path)


def test_the_indus_lakes_open_with_their_own_projection(data: Path) -> None:
    for year, count in ((2000, 461), (2010, 472), (2020, 514)):
        lakes = vector.read_vector(data / "hkh_indus_lakes" / f"HKH_{year}_indus.shp")
        assert len(lakes) == count
        assert lakes.crs.is_projected
        assert lakes.is_valid.all()


def test_invalid_outlines_of_greenland_are_repaired(data: Path) -> None:
    paths = sorted((data / "griml_iml2017").rglob("*.shp"))
    assert paths
    for path in paths:
        lakes = vector.read_vector(path)
        assert lakes.is_valid.all()
        assert set(lakes.geom_type) <= {"Polygon", "MultiPolygon"}


EARTH = 'GEOGCS["x",DATUM["x",SPHEROID["Krassowsky 1940",6378245,298.3]{grids}],{rest}]'
DEGREES = 'PRIMEM["Greenwich",0],UNIT["degree",{unit}]'
USUAL = EARTH.format(grids="", rest=DEGREES.format(unit="0.0174532925199433"))


@pytest.mark.parametrize(
    ("wkt", "error"),
    [
        (
            EARTH.format(
                grids=',EXTENSION["PROJ4_GRIDS","@secret.gsb"]',
                rest=DEGREES.format(unit="0.0174532925199433"),
            ),
            UnsafeInputError,
        ),
        (f'PROJCS["x",{USUAL},PROJECTION["Unheard_Of"],UNIT["metre",1]]', VectorError),
        (EARTH.format(grids="", rest=DEGREES.format(unit="0")), VectorError),
    ],
    ids=["refers to a file of shifts", "unknown projection", "degrees of no size"],
)
def test_a_crs_that_leads_to_no_place_or_to_another_file_is_refused(
    tmp_path: Path, wkt: str, error: type[Exception]
) -> None:
    path = tmp_path / "lakes.shp"
    gpd.GeoDataFrame(geometry=[shapely.box(74, 42, 75, 43)], crs="EPSG:4326").to_file(path)
    path.with_suffix(".prj").write_text(wkt)
    with pytest.raises(error, match="its CRS"):
        vector.read_vector(path)


def test_the_grid_that_means_no_shift_is_no_file(tmp_path: Path) -> None:
    """As GDAL writes Web Mercator."""
    path = tmp_path / "lakes.gpkg"
    frame = gpd.GeoDataFrame(geometry=[shapely.box(74, 42, 75, 43)], crs="EPSG:4326")
    sphere = "+proj=merc +a=6378137 +b=6378137 +units=m +nadgrids=@null +wktext +no_defs"
    frame.to_crs(sphere).to_file(path)
    assert vector.read_vector(path).to_crs("EPSG:4326").total_bounds == pytest.approx(
        [74, 42, 75, 43]
    )


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "OGC", "properties": {"urn": "urn:ogc:def:crs:OGC:1.3:CRS99"}},
        {"type": "EPSG", "properties": {"code": "unheard of"}},
    ],
)
def test_a_crs_of_older_geojson_that_is_not_known_is_no_degrees(
    tmp_path: Path, crs: dict[str, object]
) -> None:
    path = tmp_path / "lakes.geojson"
    frame = gpd.GeoDataFrame(geometry=[shapely.box(74, 42, 75, 43)], crs="EPSG:4326")
    path.write_text(json.dumps({**json.loads(frame.to_json()), "crs": crs}))
    with pytest.raises(VectorError, match="is not known"):
        vector.read_vector(path)


def test_an_archive_in_an_archive_is_told_to_be_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "area.zip", {"lakes/area.zip": b"PK"})
    with pytest.raises(VectorError, match=r"archive of the archive lakes.area\.zip; unpack it"):
        vector.read_vector(path)


def test_a_vector_file_without_a_driver_for_it_is_no_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "lakes.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.box(77, 43, 77.1, 43.1)], crs=4326).to_file(path)
    told = subprocess.run(
        [sys.executable, "-m", "glacial_lakes", "check", str(path)],
        env=os.environ | {"GDAL_SKIP": "GPKG"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "no driver GPKG" in told.stdout
    assert "unset GDAL_SKIP" in told.stdout
