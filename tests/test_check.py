"""What `check` finds wrong with a file of lakes, and what it does not call wrong."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sample_inventory import make_inventory
from shapely import affinity

from glacial_lakes.cli.commands import ERROR, OK, main
from glacial_lakes.errors import VectorError
from glacial_lakes.events import Event, InputOdd
from glacial_lakes.ingest.check import check_file
from glacial_lakes.ingest.reading import read_outlines
from glacial_lakes.ingest.track_files import track_files
from glacial_lakes.inventory.inventory import open_inventory


def lake(east: float, radius: float = 100.0) -> shapely.Geometry:
    return shapely.Point(500_000 + east, 4_700_000).buffer(radius)


def sound(count: int = 4) -> gpd.GeoDataFrame:
    """Return lakes in which nothing is wrong."""
    shapes = [lake(1000 * n, 100 + 10 * n) for n in range(count)]
    table = gpd.GeoDataFrame(geometry=shapes, crs=32643)
    places = table.geometry.representative_point().to_crs(4326)
    table["lake_id"] = [f"GL{round(p.x * 1000):06d}E{round(p.y * 1000):05d}N" for p in places]
    table["acquired"] = "2015-08-01"
    table["area_m2"] = table.area.round(1)
    return table


def found(table: gpd.GeoDataFrame, folder: Path, name: str = "lakes.gpkg") -> dict[str, list[str]]:
    """Return what is said of each subject, with its state before it."""
    table.to_file(folder / name)
    told: dict[str, list[str]] = {}
    for finding in check_file(folder / name):
        told.setdefault(finding.subject, []).append(f"{finding.state}: {finding.value}")
    return told


def faults(table: gpd.GeoDataFrame, folder: Path, name: str = "lakes.gpkg") -> list[str]:
    table.to_file(folder / name)
    findings = check_file(folder / name)
    assert all(finding.remedy for finding in findings if finding.state == "fault")
    return [f"{f.subject}: {f.value}" for f in findings if f.state == "fault"]


def test_a_sound_file_has_no_faults_and_no_notes(tmp_path: Path) -> None:
    told = found(sound(), tmp_path)
    assert told["dates"] == ["ok: 2015-08-01 – 2015-08-01"]
    assert all(line.startswith("ok:") for lines in told.values() for line in lines), told
    assert told["dates"] == ["ok: 2015-08-01 – 2015-08-01"]


def test_broken_and_missing_outlines_are_counted_and_named(tmp_path: Path) -> None:
    table = sound()
    bow = shapely.Polygon([(0, 0), (200, 200), (200, 0), (0, 200)])
    table.loc[1, "geometry"] = affinity.translate(bow, 501_000, 4_700_000)
    table.loc[2, "geometry"] = None
    told = faults(table, tmp_path)
    assert f"geometry: invalid: 1 (2: {table['lake_id'][1]})" in told
    assert f"geometry: without geometry: 1 (3: {table['lake_id'][2]})" in told


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp"])
def test_a_file_without_rows_is_not_well(name: str, tmp_path: Path) -> None:
    assert faults(sound().iloc[:0], tmp_path, name) == ["geometry: no rows"]


def test_points_are_no_lakes(tmp_path: Path) -> None:
    table = sound().set_geometry(sound().centroid)
    assert faults(table, tmp_path)[0].startswith("geometry: no polygons: 4 (1: GL")


def test_a_lake_that_is_drawn_twice_is_a_fault_and_a_slight_cut_is_none(tmp_path: Path) -> None:
    table = sound()
    table.loc[1, "geometry"] = lake(5)
    assert faults(table, tmp_path)[0].startswith("overlaps: outlines on others")
    table = sound()
    table.loc[1, "geometry"] = lake(195)
    told = found(table, tmp_path)
    assert told["overlaps"] == [
        f"note: outlines that cut others a little: 1 (2: {table['lake_id'][1]})"
    ]


@pytest.mark.parametrize("column", ["acquired", "last_seen"])
def test_an_older_outline_under_a_newer_one_is_told_and_no_fault(
    column: str, tmp_path: Path
) -> None:
    """Of the latest state of lakes, where one ran over another that was hidden that day."""
    table = sound().rename(columns={"acquired": column}).assign(first_seen="2015-08-01")
    table.loc[1, "geometry"] = lake(5)
    table.loc[1, column] = "2018-08-01"
    assert faults(table, tmp_path) == []
    (told,) = found(table, tmp_path)["overlaps"]
    assert told.startswith("note: outlines on others of another date: 1 (2: ")
    table.loc[1, column] = table.loc[0, column]
    assert faults(table, tmp_path)[0].startswith("overlaps: outlines on others of the same date")


def test_the_same_lake_on_two_dates_is_no_overlap_and_no_second_code(tmp_path: Path) -> None:
    series = gpd.GeoDataFrame(
        gpd.pd.concat([sound(), sound().assign(acquired="2020-08-01")], ignore_index=True)
    )
    assert faults(series, tmp_path) == []


def test_codes_that_are_missing_or_given_twice_are_faults(tmp_path: Path) -> None:
    table = sound()
    table.loc[1, "lake_id"] = table.loc[0, "lake_id"]
    table.loc[2, "lake_id"] = ""
    told = faults(table, tmp_path)
    assert "codes: without a code: 1 (3)" in told
    assert f"codes: codes given twice on one date: 1 (2: {table['lake_id'][0]})" in told


def test_codes_of_another_form_or_of_another_place_are_told(tmp_path: Path) -> None:
    table = sound()
    table.loc[0, "lake_id"] = "17"
    table.loc[1, "lake_id"] = "GL070000E40000N"
    told = found(table, tmp_path)["codes"]
    assert "note: not of the form GL074512E42637N: 1 (1: 17)" in told
    assert "note: name a place more than 1 km away: 1 (2: GL070000E40000N)" in told


@pytest.mark.parametrize(
    ("field", "factor", "unit", "state"),
    [
        ("area_m2", 1e-6, "km2", "fault"),
        ("GL_Area", 1e-6, "km2", "fault"),
        ("GL_Area", 1e-4, "ha", "fault"),
        ("GL_Area", 1.0, "m2", "ok"),
        ("Area", 1e-6, "km2", "ok"),
        ("area_sqkm", 1e-6, "km2", "ok"),
    ],
)
def test_the_unit_of_an_area_is_told_by_the_geometry(
    tmp_path: Path, field: str, factor: float, unit: str, state: str
) -> None:
    table = sound().drop(columns="area_m2")
    table[field] = (table.area * factor).round(4)
    (told,) = found(table, tmp_path)["areas"]  # what is a fault is not called right as well
    assert told.startswith(f"{state}: {field} ")
    assert unit in told


def test_areas_in_a_field_with_a_unit_are_compared_and_unknown_fields_are_named(
    tmp_path: Path,
) -> None:
    table = sound().rename(columns={"area_m2": "AREA_HA"})
    table["depth"], table["AREA_HA"] = 3.0, ["3.1 ha", "3.8 ha", "4.5 ha", "9.9 ha"]
    told = found(table, tmp_path)
    assert "note: not used: depth" in told["fields"]
    (line,) = told["areas"]
    assert line.startswith("note: AREA_HA (ha) differs by more than 10 % from the geometry: 1 (4:")


def test_areas_that_differ_from_the_outlines_are_named(tmp_path: Path) -> None:
    table = sound()
    table.loc[3, "area_m2"] *= 1.5
    (told,) = found(table, tmp_path)["areas"]
    assert told.startswith("note: area_m2 (m2) differs by more than 10 %")
    assert told.endswith(f"1 (4: {table['lake_id'][3]})")
    table["area_m2"] *= 2
    assert any(line.startswith("areas: area_m2") for line in faults(table, tmp_path)[:1])


def test_dates_that_are_missing_or_cannot_be_read_are_faults(tmp_path: Path) -> None:
    assert "dates: field acquired has a date that cannot be read: 08/01/2015" in faults(
        sound().assign(acquired="08/01/2015"), tmp_path
    )
    table = sound()
    table.loc[0, "acquired"] = None
    assert f"dates: without a date: 1 (1: {table['lake_id'][0]})" in faults(table, tmp_path)
    assert "dates: does not tell the date of its outlines" in faults(
        sound().drop(columns="acquired"), tmp_path
    )


def in_other_letters(path: Path, layer: str, field: str, row: int) -> None:
    """Write a text in CP1251 into a GeoPackage, as older programs do."""
    with closing(sqlite3.connect(path)) as database, database:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0)
        text = "\N{CYRILLIC CAPITAL LETTER O}зеро".encode("cp1251")
        statement = f"UPDATE {layer} SET {field} = CAST(? AS TEXT) WHERE fid = ?"  # noqa: S608
        database.execute(statement, (text, row))


@pytest.mark.parametrize(("layer", "field"), [("lakes", "comment"), ("outlines", "scene_id")])
def test_a_text_of_other_letters_costs_its_row_alone(
    layer: str, field: str, tmp_path: Path
) -> None:
    path = tmp_path / "inventory.gpkg"
    make_inventory(8).to_file(path)
    whole = [f for f in check_file(path) if f.subject != "file"]
    in_other_letters(path, layer, field, 2)
    findings = check_file(path)
    (fault,) = [f for f in findings if f.state == "fault"]
    assert fault.subject == "texts"
    assert re.fullmatch(r"letters that cannot be read: 1 \(2: GL.*\)", str(fault.value))
    assert [f for f in findings if f is not fault] == whole
    with pytest.raises(VectorError, match=rf"no UTF-8 in the layer {layer}: 1 \(2\); write them"):
        open_inventory(path)


def test_an_outline_with_a_text_of_other_letters_is_tracked_and_told(tmp_path: Path) -> None:
    path = tmp_path / "lakes.gpkg"
    sound().assign(name="x").to_file(path)
    in_other_letters(path, "lakes", "name", 3)
    heard: list[Event] = []
    (outlines,) = read_outlines(path, on_event=heard.append)
    assert len(outlines.outlines) == len(sound())
    assert [str(event.reason) for event in heard if isinstance(event, InputOdd)] == [
        "rows with letters that cannot be read: 1 (3)"
    ]


@pytest.mark.parametrize("date", ["0001-01-01", "1066-10-14", "9999-12-31"])
@pytest.mark.parametrize("is_text", [True, False])
def test_a_date_on_which_nobody_surveyed_is_a_fault(
    date: str, is_text: bool, tmp_path: Path
) -> None:
    table = sound()
    table.loc[1, "acquired"] = date
    if not is_text:
        table["acquired"] = table["acquired"].astype("datetime64[ms]")
    (fault,) = [line for line in faults(table, tmp_path) if line.startswith("dates")]
    assert fault.startswith(f"dates: dates that cannot be read, such as {date}: 1 (2")


def test_a_number_that_is_infinite_is_a_fault(tmp_path: Path) -> None:
    table = sound()
    table.loc[2, "area_m2"] = float("inf")
    assert "such as inf: 1 (3" in " ".join(faults(table, tmp_path))


def test_a_file_whose_name_tells_another_year_is_noted(tmp_path: Path) -> None:
    told = found(sound(), tmp_path, "lakes_2005.gpkg")["dates"]
    assert told == ["note: 2015 to 2015, but the name of the file tells 2005"]


def test_a_missing_or_a_wrong_crs_is_a_fault(tmp_path: Path) -> None:
    sound().to_file(tmp_path / "lakes.shp")
    (tmp_path / "lakes.prj").unlink()
    (finding,) = check_file(tmp_path / "lakes.shp")
    assert (finding.subject, finding.state) == ("file", "fault")
    assert "CRS" in finding.value
    wrong = sound().set_crs(4326, allow_override=True)
    assert faults(wrong, tmp_path)[0].startswith("CRS: outside of what the CRS knows: 4")


def test_slips_of_the_indus_inventory_are_found(data: Path) -> None:
    told = {
        (f.subject, f.value.split(":")[0]): f
        for f in check_file(data / "hkh_indus_lakes" / "HKH_2010_indus.shp")
    }
    twice = told["codes", "codes given twice on one date"]
    assert twice.state == "fault"
    given = gpd.read_file(data / "hkh_indus_lakes" / "HKH_2010_indus.shp")
    assert twice.value.split(": ", 1)[1].startswith(f"{given['GLIMS_ID'].duplicated().sum()} (")
    assert "GL075813N36590E" in told["codes", "not of the form GL074512E42637N"].value
    assert told["areas", "Area (km2) agrees with the geometry"].state == "ok"


def test_broken_outlines_of_real_files_are_found(data: Path) -> None:
    path = data / "griml_iml2017" / "IMLs_2017.shp"
    (finding,) = [f for f in check_file(path) if f.value.startswith("invalid")]
    assert finding.value.startswith(f"invalid: {(~gpd.read_file(path).is_valid).sum()} (")


def test_an_inventory_made_here_has_no_faults(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [data / "hkh_indus_lakes" / f"HKH_{year}_indus.shp" for year in (2010, 2020)]
    track_files(paths, tmp_path / "inventory.gpkg")
    assert run(capsys, tmp_path / "inventory.gpkg")[0] == OK


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main(["check", *(str(argument) for argument in arguments)])
    return int(str(caught.value.code)), capsys.readouterr().out


def test_the_command_tells_faults_in_both_languages_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lakes.gpkg"
    sound().to_file(path)
    code, told = run(capsys, path)
    assert (code, told.splitlines()[-1]) == (OK, "All is well.")
    sound().drop(columns="acquired").to_file(path)
    code, told = run(capsys, path, "--lang", "ru")
    assert code == ERROR
    assert "не указана дата контуров" in told
    code, told = run(capsys, path, "--json")
    assert [row["subject"] for row in json.loads(told) if row["state"] == "fault"] == ["dates"]
