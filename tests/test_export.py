"""Exports: exact columns, equal bytes, readable by others, safe with hostile text."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from defusedxml import ElementTree
from sample_inventory import empty_inventory, hostile_inventory, make_inventory

from glacial_lakes import export as export_room
from glacial_lakes import schema
from glacial_lakes.errors import ConfigError, ForeignFileError
from glacial_lakes.export import export as export_file
from glacial_lakes.export.export import FORMATS, epochs, export
from glacial_lakes.inventory.inventory import open_inventory
from glacial_lakes.report.viewer import write_viewer
from glacial_lakes.settings import EXPORT_FORMATS

KML = {"k": "http://www.opengis.net/kml/2.2"}
EXPORT = sys.modules[export.__module__]
TEXT_FORMATS = ("shp", "csv", "geojson", "kmz", "report")


@pytest.fixture(scope="module")
def inventory():
    return make_inventory()


@pytest.fixture(scope="module")
def folder(inventory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    export(inventory, folder, TEXT_FORMATS)
    return folder


def ogrinfo(*arguments: object) -> str:
    program = shutil.which("ogrinfo")
    if program is None:
        pytest.skip("ogrinfo is not installed (Debian: gdal-bin)")
    command = [program, "-ro", "-al", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_observations_csv_has_exactly_its_columns_and_every_row(inventory, folder):
    head, *rows = rows_of(folder / "observations.csv")
    assert ",".join(head) == (
        "lake_id,acquired,area_m2,area_sigma_m2,observed_fraction,status,scene_id,"
        "area_min_m2,area_max_m2,sensor,area_sigma_shared_m2,area_sigma_date_m2"
    )
    assert len(rows) == len(inventory.observations)
    raw = (folder / "observations.csv").read_bytes()
    assert raw.count(b"\r\n") == len(rows) + 1 == raw.count(b"\n")
    assert not raw.startswith(b"\xef\xbb\xbf")


def test_events_csv_has_exactly_its_columns(inventory, folder):
    head, *rows = rows_of(folder / "events.csv")
    known = "lake_id,event,date,from_ids,to_ids,after"
    assert ",".join(head) == f"{known},area_before_m2,area_after_m2"
    assert [row[2] for row in rows] == ["2013-09-03", "2018-08-20", "2020-08-01"]
    assert [row[5] for row in rows] == ["2007-08-18", "2016-08-15", "2018-08-20"]
    assert len(rows[2][3].split()) == 2


def test_an_area_that_is_not_known_is_empty_and_one_seen_dry_is_zero(inventory, folder):
    table = pd.read_csv(folder / "observations.csv", keep_default_na=False, dtype=str)
    unseen = ~table["status"].isin(["observed", "absent"])
    assert unseen.any()
    assert (table.loc[unseen, ["area_m2", "area_sigma_m2"]] == "").all(axis=None)
    assert (table.loc[table["status"] == "absent", "area_m2"] == "0").all()


def test_csv_numbers_and_times_read_back_as_they_were(inventory, folder):
    table = pd.read_csv(folder / "observations.csv")
    assert table["acquired"].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z").all()
    expected = inventory.observations.sort_values(["lake_id", "acquired", "scene_id"])
    times = pd.to_datetime(table["acquired"], format="ISO8601", utc=True)
    assert list(times) == list(expected["acquired"])
    np.testing.assert_allclose(table["area_m2"], expected["area_m2"], atol=1e-6)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", "\n="])
@pytest.mark.parametrize("before", ["", " ", "\n", "\t", "\u00a0", "\ufeff", "\x1f", "\u3000"])
def test_a_formula_is_none_behind_blanks_or_in_wide_letters(before, sign, inventory, tmp_path):
    table = inventory.lakes.head(1).assign(comment=f"{before}{sign}1+1", lake_name=f"a;{sign}1+1")
    export(replace(inventory, lakes=table), tmp_path, ["csv"])
    (row,) = csv.DictReader((tmp_path / "lakes.csv").open(encoding="utf-8", newline=""))
    assert row["comment"].startswith("'")
    assert row["lake_name"].split(";")[1].lstrip().startswith("'")


def test_no_text_of_a_csv_can_start_a_formula(tmp_path):
    export(hostile_inventory(), tmp_path, ["csv"])
    cells = [
        cell
        for name in ("observations", "events")
        for row in rows_of(tmp_path / f"{name}.csv")
        for cell in row
    ]
    assert any("=HYPERLINK" in cell for cell in cells)
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in cells)
    assert not any(re.match(r"-\D", cell) for cell in cells)


def test_every_file_written_is_told_once(inventory, tmp_path):
    told = export(inventory, tmp_path, ["shp", "csv"])
    written = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert sorted(told) == sorted(path for path in written if not path.name.startswith("."))


def test_each_date_has_a_shapefile_and_two_sensors_of_a_day_stay_apart(inventory, folder):
    names = sorted(path.stem for path in (folder / "shapefiles").glob("*.shp"))
    days = inventory.scenes["acquired"].dropna().dt.strftime("%Y-%m-%d").unique()
    assert {f"lakes_{day}" for day in days} | {"lakes", "lakes_2020-08-01_S2A"} == set(names)
    parts = {path.suffix for path in (folder / "shapefiles").glob("lakes.*")}
    assert parts >= {".shp", ".shx", ".dbf", ".prj", ".cpg", ".qml"}
    assert (folder / "shapefiles" / "lakes_fields.csv").is_file()


def test_a_date_s_shapefile_keeps_lakes_seen_in_part_without_an_area(inventory, folder):
    partial = inventory.outlines[inventory.outlines["area_m2"].isna()]
    assert len(partial)
    row = partial.iloc[0]
    tables = epochs(inventory)
    (name,) = [day for day, table in tables.items() if row["scene_id"] in set(table["scene_id"])]
    back = gpd.read_file(folder / "shapefiles" / f"lakes_{name}.shp").set_index("GLAKE_ID")
    kept = back.loc[row["lake_id"]]
    assert np.isnan(kept["GL_Area"])
    assert kept["Status"] == row["status"]
    assert kept.geometry.area > 0


def test_every_outline_is_in_exactly_one_date(inventory):
    found = pd.concat([table[["lake_id", "scene_id"]] for table in epochs(inventory).values()])
    expected = inventory.outlines[["lake_id", "scene_id"]]
    assert sorted(map(tuple, found.to_numpy())) == sorted(map(tuple, expected.to_numpy()))


def test_scenes_of_one_day_and_sensor_are_one_epoch(inventory):
    row = inventory.outlines[inventory.outlines["sensor"] == "S2B"].iloc[[0]]
    tile = row.assign(scene_id="next tile", observed_fraction=0.3, area_m2=np.nan, status="nodata")
    both = pd.concat([inventory.outlines, tile], ignore_index=True)
    found = epochs(replace(inventory, outlines=both))
    assert list(found) == list(epochs(inventory))
    day = f"{row['acquired'].iloc[0]:%Y-%m-%d}"
    kept = found[day].set_index("lake_id").loc[row["lake_id"].iloc[0]]
    assert kept["area_m2"] == row["area_m2"].iloc[0]


def test_a_date_without_lakes_gives_an_empty_shapefile(inventory, tmp_path):
    none = inventory.outlines[inventory.outlines["sensor"] != "LE07"]
    export(replace(inventory, outlines=none), tmp_path, ["shp"])
    back = gpd.read_file(tmp_path / "shapefiles" / "lakes_2002-08-28.shp")
    assert len(back) == 0
    assert "GLAKE_ID" in back


def test_lakes_shp_is_the_latest_full_outline_of_each_present_lake(inventory, folder):
    back = gpd.read_file(folder / "shapefiles" / "lakes.shp").set_index("GLAKE_ID")
    present = inventory.lakes[inventory.lakes["state"] == "present"].set_index("lake_id")
    assert set(back.index) == set(present.index)
    for lake_id, lake in back.iterrows():
        rows = inventory.observations[inventory.observations["lake_id"] == lake_id]
        last = rows[rows["status"] == "observed"]["acquired"].max()
        assert lake["GL_Date"] == f"{last:%Y-%m-%dT%H:%M:%SZ}"
        assert lake["GL_Area"] == pytest.approx(present.loc[lake_id, "area_m2"], rel=1e-9)


def test_another_program_reads_fields_text_and_crs_of_the_shapefile(inventory, tmp_path):
    told = inventory.outlines.assign(verified_by="Петров көлү Қапал ғұӯҷ", verified=True)
    export(replace(inventory, outlines=told), tmp_path, ["shp"])
    path = tmp_path / "shapefiles" / "lakes.shp"
    text = ogrinfo(path)
    assert "Verif_By (String) = Петров көлү Қапал ғұӯҷ" in text
    assert 'ID["EPSG",4326]' in text
    summary = ogrinfo("-so", path)
    fields = re.findall(r"^(\w+): (?:String|Real|Integer|Integer64|Date)", summary, re.MULTILINE)
    assert fields == [column.shapefile for column in schema.LATEST if column.shapefile]
    assert max(len(name) for name in fields) <= 10
    assert "Geometry: Polygon" in summary


def test_equal_inventories_give_equal_bytes_whatever_the_order_of_rows(inventory, folder, tmp_path):
    mixed = {
        name: getattr(inventory, name).sample(frac=1, random_state=7)
        for name in ("lakes", "outlines", "observations", "events", "scenes")
    }
    paths = export(replace(inventory, **mixed), tmp_path, TEXT_FORMATS)
    names = {path.relative_to(tmp_path).as_posix() for path in paths}
    assert names == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    for name in names:
        first, second = ((place / name).read_bytes() for place in (folder, tmp_path))
        assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest(), name


def test_the_same_inventory_twice_gives_the_same_bytes(inventory, folder, tmp_path):
    for path in export(inventory, tmp_path, TEXT_FORMATS):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name


def test_nothing_but_the_files_told_is_left_in_the_folder(inventory, tmp_path):
    told = export(inventory, tmp_path, TEXT_FORMATS)
    assert {path.resolve() for path in told} == {
        path.resolve() for path in tmp_path.rglob("*") if path.is_file()
    }


def test_geojson_is_strict_and_its_rings_turn_as_the_standard_says(inventory, folder):
    def refuse(name):
        raise AssertionError(name)

    keys = {"lakes": ["lake_id"], "outlines": ["lake_id", "acquired", "scene_id"]}
    for name, key in keys.items():
        table = getattr(inventory, name).sort_values(key)
        text = (folder / f"{name}.geojson").read_text(encoding="utf-8")
        features = json.loads(text, parse_constant=refuse)["features"]
        assert len(features) == len(table)
        for feature, shape in zip(features, table.geometry, strict=True):
            back = shapely.geometry.shape(feature["geometry"])
            assert back.exterior.is_ccw
            assert back.hausdorff_distance(shape) < 2e-7


def test_kmz_shows_each_outline_from_its_date_to_the_next_observation(inventory, folder):
    with zipfile.ZipFile(folder / "lakes.kmz") as archive:
        assert archive.namelist() == ["doc.kml"]
        root = ElementTree.fromstring(archive.read("doc.kml"))
    placemarks = root.findall(".//k:Placemark", KML)
    assert len(placemarks) == inventory.outlines["area_m2"].notna().sum()
    drained = inventory.lakes["lake_id"].iloc[0]
    spans = [
        (
            mark.findtext("k:TimeSpan/k:begin", None, KML),
            mark.findtext("k:TimeSpan/k:end", None, KML),
        )
        for mark in placemarks
        if mark.findtext("k:name", None, KML) == drained
    ]
    assert spans[-1] == ("2016-08-15T05:46:42Z", "2018-08-20T05:46:39Z")
    for (_, end), (begin, _) in pairwise(spans):
        assert end == begin


def test_another_program_reads_the_kmz(inventory, folder):
    counts = re.findall(r"Feature Count: (\d+)", ogrinfo("-so", folder / "lakes.kmz"))
    assert sum(map(int, counts)) == inventory.outlines["area_m2"].notna().sum()


def test_parquet_needs_pyarrow_and_says_so(inventory, tmp_path):
    if importlib.util.find_spec("pyarrow"):
        paths = export(inventory, tmp_path, ["parquet"])
        assert len(gpd.read_parquet(paths[0])) == len(inventory.lakes)
        return
    with pytest.raises(ConfigError, match=r"parquet needs the package pyarrow; pip install"):
        export(inventory, tmp_path, ["parquet"])
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_names_the_nearest_and_writes_nothing(inventory, tmp_path):
    with pytest.raises(ConfigError, match="there is no export format 'shape'; did you mean shp"):
        export(inventory, tmp_path, ["csv", "shape"])
    with pytest.raises(ConfigError, match="use any of shp, gpkg"):
        export(inventory, tmp_path, ["zzzz"])
    assert list(tmp_path.iterdir()) == []


def test_hostile_text_breaks_no_format(tmp_path):
    inventory = hostile_inventory()
    for path in export(inventory, tmp_path, TEXT_FORMATS):
        assert path.stat().st_size > 0
    back = gpd.read_file(tmp_path / "shapefiles" / "lakes.shp")
    assert set(back["GLAKE_ID"]) <= set(inventory.lakes["lake_id"])
    with zipfile.ZipFile(tmp_path / "lakes.kmz") as archive:
        names = ElementTree.fromstring(archive.read("doc.kml")).iterfind(".//k:Folder/k:name", KML)
        rows = inventory.outlines
        told = rows["catalogue_no"] + " " + rows["lake_name"]
        assert {name.text for name in names} <= {*rows["lake_id"], *told, *rows["district"]}


def test_an_empty_inventory_can_be_exported(tmp_path):
    paths = export(empty_inventory(), tmp_path, TEXT_FORMATS)
    assert len(rows_of(tmp_path / "observations.csv")) == 1
    assert pyogrio.read_info(tmp_path / "shapefiles" / "lakes.shp")["features"] == 0
    assert all(path.is_file() for path in paths)


def test_the_geopackage_is_the_inventory(inventory, tmp_path):
    (path,) = export(inventory, tmp_path, ["gpkg"])
    assert path == tmp_path / "inventory.gpkg"
    first = path.read_bytes()
    again = open_inventory(path)
    assert export(again, tmp_path, ["gpkg"]) == [path]
    assert path.read_bytes() == first


def test_an_inventory_read_back_gives_the_same_exports(inventory, folder, tmp_path):
    export(inventory, tmp_path, ["gpkg"])
    again = open_inventory(tmp_path / "inventory.gpkg")
    for path in export(again, tmp_path, TEXT_FORMATS):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name


def test_two_processes_write_what_one_writes(inventory, tmp_path, monkeypatch):
    names = [name for name in FORMATS if name != "parquet"]
    one = export(inventory, tmp_path / "one", names)
    monkeypatch.setattr(EXPORT, "_is_work_for_two", lambda outlines: True)
    two = export(inventory, tmp_path / "two", names)
    told = [path.relative_to(tmp_path / "one") for path in one]
    assert [path.relative_to(tmp_path / "two") for path in two] == told
    for path in told:
        assert (tmp_path / "two" / path).read_bytes() == (tmp_path / "one" / path).read_bytes()


def test_what_one_process_cannot_write_is_told_and_the_set_is_absent(
    inventory, tmp_path, monkeypatch
):
    monkeypatch.setattr(EXPORT, "_is_work_for_two", lambda outlines: True)
    (tmp_path / "inventory.gpkg").mkdir()
    with pytest.raises(ForeignFileError, match=r"inventory\.gpkg"):
        export(inventory, tmp_path, ["shp", "gpkg"])
    assert not (tmp_path / "shapefiles").exists()  # a set is whole or absent
    (tmp_path / "lakes.kmz").mkdir()
    with pytest.raises(ForeignFileError, match=r"lakes\.kmz"):
        export(inventory, tmp_path, ["kmz", "csv"])
    assert not (tmp_path / "lakes.csv").exists()


@pytest.mark.parametrize(
    ("outlines", "cores", "memory_gib", "two"),
    [(300_000, 2, 6, True), (19_999, 2, 8, False), (300_000, 1, 8, False), (300_000, 2, 5, False)],
)
def test_a_second_process_is_started_where_it_pays_and_has_room(
    outlines, cores, memory_gib, two, monkeypatch
):
    monkeypatch.setattr(EXPORT.machine, "core_count", lambda: cores)
    monkeypatch.setattr(EXPORT.machine, "memory_bytes", lambda: memory_gib * 2**30)
    assert EXPORT._is_work_for_two(outlines) == two


def test_a_format_is_a_file_of_the_room_named_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = "def write(inventory, folder, language):\n    return [folder / f'{language}.x']\n"
    (tmp_path / "some_format.py").write_text(code)
    monkeypatch.setattr(export_room, "__path__", [*export_room.__path__, str(tmp_path)])
    monkeypatch.setitem(FORMATS, "some_format", export_file._of_file("some_format"))
    try:
        paths = export(make_inventory(2), tmp_path, ["some_format"], language="ru")
    finally:
        sys.modules.pop("glacial_lakes.export.some_format", None)
    assert paths == [tmp_path / "ru.x"]


def test_the_formats_are_those_that_a_project_may_name() -> None:
    assert tuple(FORMATS) == EXPORT_FORMATS


def test_a_name_that_begins_with_a_blank_stops_no_export(tmp_path):
    made = make_inventory(1)
    table = made.outlines.assign(comment=" seen from the pass ", lake_name="\tTuyuksu")
    export(replace(made, outlines=table), tmp_path, ["shp"])
    back = gpd.read_file(tmp_path / "shapefiles" / "lakes_1999-08-12.shp")
    assert set(back["Comment"].str.strip()) == {"seen from the pass"}


def test_no_name_steers_a_terminal_or_starts_a_formula_in_any_file_of_text(tmp_path):
    made = make_inventory(2)
    hostile = ["a\x1b]0;x\x07b\x1b[2J\x9b31m", 'one, "=2+2", =3+3']
    table = made.lakes.assign(comment=hostile, lake_name=hostile, district=hostile)
    formats = ["csv", "csv_excel", "xlsx", "kmz", "report"]
    export(replace(made, lakes=table), tmp_path, formats)
    write_viewer(replace(made, lakes=table), tmp_path / "viewer.html")
    steering = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - {*"\t\n\r"}
    read = [path for path in tmp_path.rglob("*") if path.suffix in (".csv", ".html", ".gpx")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in read}
    for name in ("lakes.kmz", "inventory.xlsx"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            parts = [part for part in archive.namelist() if part.endswith(("ml",))]
            texts |= {part: archive.read(part).decode() for part in parts}
    assert {"doc.kml", "report.html", "viewer.html", "xl/sharedStrings.xml"} < {*texts}
    assert {name: found for name in texts if (found := steering & {*texts[name]})} == {}
    assert not any("_x001B_" in text for text in texts.values())
    for name in (name for name in texts if name.endswith(".csv")):
        for delimiter in ",;":
            rows = csv.reader(texts[name].splitlines(), delimiter=delimiter)
            assert not [cell for row in rows for cell in row if re.match(r"\s*[=@]", cell)]


def test_a_russian_kmz_writes_days_and_numbers_as_russians_do(inventory, tmp_path):
    export(inventory, tmp_path, ["kmz"], language="ru")
    with zipfile.ZipFile(tmp_path / "lakes.kmz") as archive:
        text = archive.read("doc.kml").decode()
    values = re.findall(r"<value>([^<]*)</value>", text)
    assert not [value for value in values if re.fullmatch(r"\d{4}-\d\d-\d\d.*|\d+\.\d", value)]
    assert any(re.fullmatch(r"\d\d\.\d\d\.\d{4} \d\d:\d\d", value) for value in values)
