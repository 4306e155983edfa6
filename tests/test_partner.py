# ruff: noqa: S608
"""A partner's year: names, numbers and decisions of persons last, and nothing is dropped silently.

Played as an operator of a national service does: copies edited by other programs, catalogues as
offices keep them, and reports read in Russian.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import Call
from editing import convert, ogr, sql
from sample_inventory import make_inventory

from glacial_lakes import schema
from glacial_lakes.errors import InputError, VectorError
from glacial_lakes.events import Event, InputOdd
from glacial_lakes.ingest.partner import named_catalogue
from glacial_lakes.ingest.track_files import track_files
from glacial_lakes.inventory import decisions
from glacial_lakes.inventory.inventory import Inventory, open_inventory
from glacial_lakes.language import in_language
from glacial_lakes.measures.relief import _slope_down
from glacial_lakes.report.contents import describe
from glacial_lakes.report.page import write_report
from glacial_lakes.report.summaries import sheets
from glacial_lakes.review import working_copy
from glacial_lakes.review.review_file import review_file
from glacial_lakes.schema import Decision


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of an inventory made by hand, with numbers as a run gives them."""
    inventory = make_inventory(12).with_reviews(make_inventory(1).reviews)
    inventory.to_file(tmp_path / "inventory.gpkg")
    return tmp_path / "inventory.gpkg"


@pytest.fixture
def copy(path: Path) -> Path:
    return Path(shutil.copy(path, path.with_name("copy.gpkg")))


def square(lon: float, lat: float, size: float = 0.002) -> shapely.Polygon:
    return shapely.box(lon, lat, lon + size, lat + size)


def survey(path: Path, rows: list[dict[str, object]]) -> Path:
    frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=4326)
    frame.to_file(path)
    return path


def two_surveys(folder: Path) -> list[Path]:
    """Write two national surveys, each drawn on images of several years."""
    places = [(74.5 + i / 100, 42.6) for i in range(4)]
    years = {"k2000": (1998, 1999, 2001, 2002), "k2010": (2009, 2010, 2010, 2011)}
    paths = []
    for name, of_lakes in years.items():
        rows = [
            {
                "GL_Date": f"{year}-08-0{i + 1}",
                "НОМЕР": f"КЫР-{i + 1}",
                "НАЗВАНИЕ": "Адыгене" if i == 0 and name == "k2000" else None,
                "geometry": square(*place),
            }
            for i, (place, year) in enumerate(zip(places, of_lakes, strict=True))
        ]
        paths.append(survey(folder / f"{name}.gpkg", rows))
    return paths


@pytest.fixture
def older(tmp_path: Path) -> Inventory:
    paths = two_surveys(tmp_path)
    return track_files(paths, tmp_path / "older.gpkg", fields={"lake_id": "НОМЕР"})


def test_a_survey_is_a_range_of_dates_and_its_lakes_count_as_observed(older: Inventory) -> None:
    contents = describe(older, [], "ru")
    assert contents.n_unseen == 0
    spans = [(scene.first.year, scene.last.year) for scene in contents.scenes]
    assert spans == [(1998, 2002), (2009, 2011)]


def test_a_survey_is_told_with_its_range_and_not_by_its_oldest_image(
    older: Inventory, tmp_path: Path
) -> None:
    page = write_report(older, tmp_path / "r.html", language="ru").read_text(encoding="utf-8")
    assert "01.08.1998 – 04.08.2002" in page
    assert "01.08.2009 – 04.08.2011" in page
    assert "Не наблюдались на последнюю дату" not in page


@pytest.mark.parametrize("since", ["2001", "2002", "1998", "2000-2001"])
def test_changes_since_a_year_are_those_since_the_survey_that_has_it(
    older: Inventory, since: str
) -> None:
    changes = {sheet.title: sheet for sheet in sheets(older, since)}["Changes"]
    assert len(changes.rows) == 4
    assert {row[5].year for row in changes.rows} == {1998, 1999, 2001, 2002}


def test_an_inventory_of_older_outlines_is_in_the_language_it_was_made_in(
    tmp_path: Path, call: Call
) -> None:
    out = tmp_path / "older.gpkg"
    assert call("track", *two_surveys(tmp_path), "-o", out, "--lang", "ru")[0] == 0
    assert open_inventory(out).language == "ru"
    for place, language in (("a", "ru"), ("b", "en")):
        given = () if language == "ru" else ("--lang", language)
        formats = ("--format", "gpkg", "--format", "shp", "--epoch", "2000=1998-2002")
        assert call("export", out, "-o", tmp_path / place, *formats, *given)[0] == 0
        styles = [
            path.read_text(encoding="utf-8") for path in (tmp_path / place).rglob("lakes*.qml")
        ]
        with closing(sqlite3.connect(tmp_path / place / "inventory.gpkg")) as database:
            styles += [text for (text,) in database.execute("SELECT styleQML FROM layer_styles")]
        assert len(styles) > 10
        assert {
            "Площадь" in text for text in styles if "rea on the" in text or "Площадь" in text
        } == {language == "ru"}


def test_pages_that_are_written_later_bear_the_name_of_the_project(
    path: Path, tmp_path: Path, call: Call
) -> None:
    inventory = open_inventory(path)
    told = json.dumps({"project": {"name": "Каталог Чуйской долины", "language": "ru"}})
    replace(inventory, runs=inventory.runs.assign(settings=told)).to_file(path)
    for kind in ("full", "summary", "atlas", "viewer"):
        out = tmp_path / f"{kind}.html"
        assert call("report", path, "-o", out, "--kind", kind)[0] == 0
        page = out.read_text(encoding="utf-8")
        assert "<title>Каталог Чуйской долины" in page, kind
        assert not re.search(r"на \d{4}-\d\d-\d\d", page), kind


def test_numbers_of_the_partner_that_a_field_holds_stay_with_the_lakes(older: Inventory) -> None:
    assert sorted(older.lakes["catalogue_no"]) == ["КЫР-1", "КЫР-2", "КЫР-3", "КЫР-4"]
    assert older.outlines.groupby("lake_id")["catalogue_no"].nunique().tolist() == [1] * 4


def test_a_name_that_only_an_older_survey_tells_is_the_lakes(older: Inventory) -> None:
    named = older.lakes.set_index("catalogue_no")["lake_name"]
    assert named["КЫР-1"] == "Адыгене"
    assert named.isna().sum() == 3


def write_list(folder: Path) -> Path:
    """Write a national list as a spreadsheet of the office saves it, with a lake nobody drew."""
    lines = ["№;Название;Район;Широта;Долгота"]
    lines += [
        f"КР-{i};Озеро {i};Чуйский;42,601;{74.501 + i / 100:.3f}".replace(".", ",") for i in (0, 1)
    ]
    lines.append("КР-9;Дальнее;Нарынский;41,5;75,5")
    path = folder / "список.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1251"))
    return path


@pytest.mark.parametrize("is_project", [False, True])
def test_older_outlines_are_joined_to_the_catalogue(
    tmp_path: Path, call: Call, is_project: bool
) -> None:
    path = write_list(tmp_path)
    if is_project:
        told = {"file": path.name, "id": "№", "name": "Название", "district": "Район"}
        lines = [f'{key} = "{value}"' for key, value in told.items()]
        path = tmp_path / "project.toml"
        path.write_text("\n".join(["[catalogue]", *lines]), encoding="utf-8")
    surveys = [
        gpd.read_file(survey).drop(columns=["НОМЕР", "НАЗВАНИЕ"])
        for survey in two_surveys(tmp_path)
    ]
    files = [tmp_path / f"survey_{i}.gpkg" for i in range(2)]
    for table, file in zip(surveys, files, strict=True):
        table.to_file(file)
    out = tmp_path / "older.gpkg"
    code, _, said = call("track", *files, "-o", out, "--catalogue", path)
    assert code == 0, said
    inventory = open_inventory(out)
    lakes = inventory.lakes.dropna(subset="catalogue_no").set_index("catalogue_no")
    assert lakes["lake_name"].to_dict() == {"КР-0": "Озеро 0", "КР-1": "Озеро 1"}
    assert set(lakes["district"]) == {"Чуйский"}
    register = inventory.register.set_index("catalogue_no")
    assert register.loc["КР-9", "reason"]
    call("track", *files, "-o", out)
    again = open_inventory(out).lakes.dropna(subset="catalogue_no")
    assert set(again["catalogue_no"]) == {"КР-0", "КР-1"}


def test_the_encoding_that_the_command_names_is_that_of_a_list_too_that_tells_none(
    call: Call, tmp_path: Path
) -> None:
    survey = gpd.read_file(two_surveys(tmp_path)[1])
    survey = survey.drop(columns=["НОМЕР", "НАЗВАНИЕ"])
    survey.to_file(tmp_path / "survey.shp")
    points = survey.representative_point().to_crs(4326)
    names = {"НОМЕР": [f"№{i}" for i in survey.index], "НАЗВАНИЕ": "Озеро"}
    table = gpd.GeoDataFrame(names, geometry=points.to_numpy(), crs=4326)
    table.to_file(tmp_path / "list.shp", encoding="CP1251")
    (tmp_path / "list.cpg").unlink()
    told = ("track", tmp_path / "survey.shp", "-o", tmp_path / "o.gpkg")
    told = (*told, "--catalogue", tmp_path / "list.shp")
    code, _, said = call(*told)
    assert (code, "--encoding CP1251" in said) == (1, True)
    code, _, said = call(*told, "--encoding", "CP1251")
    assert code == 0, said
    assert set(open_inventory(tmp_path / "o.gpkg").lakes["lake_name"].dropna()) == {"Озеро"}


def test_a_list_whose_numbers_nothing_tells_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("a;lat;lon\n1;42;74\n", encoding="utf-8")
    with pytest.raises(VectorError, match="which column holds the numbers"):
        named_catalogue(tmp_path / "list.csv")


@pytest.mark.parametrize("rise", [-1.0, 0.0, 20.0, 200.0])
def test_water_never_flows_uphill(rise: float) -> None:
    z = np.array([[3500.0 + rise]], dtype="float32")
    slope = _slope_down([(0, 30.0)], z, 3500.0, np.array([[1]], dtype="int32"))
    assert (slope >= 0) if rise <= 0 else np.isnan(slope)


@ogr
def test_name_and_comment_given_to_a_new_lake_last_and_are_shown(path: Path, copy: Path) -> None:
    circle = "ST_Multi(ST_Buffer(MakePoint({}, 42.9, 4326), {}))"
    told = "'Кичи-Көл', 'осмотрено с вертолёта', 'Чуйский', 'Д-17', 'ice-contact'"
    columns = "lake_name, comment, district, catalogue_no, lake_type"
    place = circle.format(74.9, 0.001)
    sql(copy, f"INSERT INTO lakes (geom, {columns}) VALUES ({place}, {told})")
    (name,) = review_file(path, copy)["lake_id"]
    again = Path(shutil.copy(path, path.with_name("again.gpkg")))
    wider = circle.format(74.9, 0.0012)
    sql(again, f"UPDATE lakes SET geom = {wider} WHERE lake_id = '{name}'")
    review_file(path, again)
    inventory = open_inventory(path)
    lake = inventory.lakes.set_index("lake_id").loc[name]
    assert [lake[column] for column in columns.split(", ")] == [
        text.strip(" '") for text in told.split(", ")
    ]
    page = write_report(inventory, path.with_name("r.html"), language="ru").read_text("utf-8")
    for word in ("Кичи-Көл", "осмотрено с вертолёта", "Чуйский", "Д-17"):
        assert word in page


def test_numbers_in_the_report_are_kept_when_lakes_grow_and_new_ones_come(path: Path) -> None:
    inventory = open_inventory(path)
    before = inventory.lakes.set_index("lake_id")["number"]
    assert sorted(before) == list(range(1, len(before) + 1))
    areas = inventory.lakes["area_m2"].to_numpy()[::-1]
    later = replace(inventory, lakes=inventory.lakes.assign(area_m2=areas))
    first = later.lakes["lake_id"].iloc[0]
    later = later.with_reviews(decision(later, first, decision=Decision.REJECTED))
    born = decision(later, "GL074900E42900N", decision=Decision.ADDED, image=True)
    later = later.with_reviews(born.set_geometry([square(74.9, 42.9)], crs=4326))
    after = later.lakes.set_index("lake_id")["number"]
    assert after["GL074900E42900N"] == len(before) + 1
    assert after.drop("GL074900E42900N").to_dict() == before.drop(first).to_dict()
    numbers = {lake.lake_id: lake.number for lake in describe(later, [], "ru").lakes}
    assert numbers == after.to_dict()


def decision(
    inventory: Inventory, lake: str, *, image: bool = False, **values: object
) -> gpd.GeoDataFrame:
    """Return a decision as a table of reviews."""
    last = inventory.reviews["review_id"].max() if len(inventory.reviews) else 0
    row: dict[str, object] = {"review_id": int(last) + 1, "lake_id": lake, **values}
    if image:
        scene = inventory.scenes.dropna(subset="acquired").iloc[-1]
        row |= {name: scene[name] for name in ("acquired", "scene_id", "sensor")}
    row |= {"reviewed": pd.Timestamp("2026-01-01", tz="UTC"), "reviewer": "Иванова"}
    table = schema.conform(pd.DataFrame([row]), schema.REVIEWS)
    here = inventory.lakes.loc[inventory.lakes["lake_id"] == lake, "geometry"]
    shapes = [here.iloc[0] if len(here) else None]
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=4326))


def test_area_and_date_of_the_report_are_of_one_image_and_the_newest_is_told(path: Path) -> None:
    inventory = open_inventory(path)
    seen = inventory.outlines[inventory.outlines["status"] == "observed"]
    lake = seen["lake_id"].value_counts().index[0]
    rows = seen[seen["lake_id"] == lake].sort_values("acquired")
    old, new = rows.iloc[-2], rows.iloc[-1]
    drawn = decision(inventory, lake, decision=Decision.REDRAWN).assign(
        **{name: [old[name]] for name in ("acquired", "scene_id", "sensor")}
    )
    drawn = drawn.set_geometry([shapely.simplify(new["geometry"], 1e-6)], crs=4326)
    after = inventory.with_reviews(schema_table(drawn))
    told = {lake.lake_id: lake for lake in describe(after, [], "ru").lakes}[lake]
    stands = decisions.reference(after.outlines).loc[lake]
    assert told.area_of == stands["acquired"] == old["acquired"]
    assert told.area_m2 == pytest.approx(stands["area_m2"])
    assert told.newer is not None
    assert told.newer.acquired == new["acquired"]
    page = write_report(after, path.with_name("r.html"), language="ru").read_text("utf-8")
    assert f"новейший снимок: {new['acquired']:%d.%m.%Y}" in re.sub(r"\s+", " ", page)


def schema_table(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(schema.conform(table, schema.REVIEWS), geometry="geometry", crs=4326)


@ogr
def test_who_checked_a_lake_stays_whoever_takes_the_file_in(path: Path, copy: Path) -> None:
    one, other = open_inventory(path).lakes["lake_id"].iloc[:2]
    sql(copy, f"UPDATE lakes SET verified = 1, verified_by = 'Петров' WHERE lake_id = '{one}'")
    sql(copy, f"UPDATE lakes SET verified = 1 WHERE lake_id = '{other}'")
    review_file(path, copy, by="Иванова")
    lakes = open_inventory(path).lakes.set_index("lake_id")
    assert lakes.loc[[one, other], "verified_by"].tolist() == ["Петров", "Иванова"]


@ogr
def test_of_two_who_check_a_lake_both_are_named_and_kept(path: Path, copy: Path) -> None:
    lake = open_inventory(path).lakes["lake_id"].iloc[0]
    second = Path(shutil.copy(path, path.with_name("second.gpkg")))
    for copied, who in ((copy, "Асанов"), (second, "Борисова")):
        told = f"verified = 1, verified_by = '{who}'"
        sql(copied, f"UPDATE lakes SET {told} WHERE lake_id = '{lake}'")
        review_file(path, copied)
    third = Path(shutil.copy(path, path.with_name("third.gpkg")))
    sql(third, f"UPDATE lakes SET verified_by = 'Усенов' WHERE lake_id = '{lake}'")
    review_file(path, third)
    for again in (copy, second, third):
        assert review_file(path, again).empty
    inventory = open_inventory(path)
    assert inventory.lakes.set_index("lake_id")["verified_by"][lake] == "Асанов, Борисова, Усенов"
    checks = inventory.reviews[inventory.reviews["decision"] == "accepted"]
    assert checks["reviewer"].tolist() == ["Асанов", "Борисова", "Усенов"]


@ogr
def test_what_another_drew_since_is_not_taken_for_an_edit_of_the_copy(
    path: Path, copy: Path
) -> None:
    one, other = open_inventory(path).lakes["lake_id"].iloc[:2]
    second = Path(shutil.copy(path, path.with_name("second.gpkg")))
    wider = "ST_Multi(ST_Buffer(geom, 0.0003))"
    sql(copy, f"UPDATE lakes SET geom = {wider} WHERE lake_id = '{one}'")
    review_file(path, copy)
    sql(second, f"UPDATE lakes SET area_m2 = 5.0 WHERE lake_id = '{other}'")
    told: list[Event] = []
    assert review_file(path, second, on_event=told.append).empty
    (event,) = told
    assert isinstance(event, InputOdd)
    assert other in event.reason


@ogr
@pytest.mark.parametrize(
    ("column", "value"), [("basin", "'Чу'"), ("state", "'gone'"), ("area_m2", "1.0")]
)
def test_edits_of_computed_columns_are_told(
    path: Path, copy: Path, column: str, value: str
) -> None:
    lake = open_inventory(path).lakes["lake_id"].iloc[3]
    sql(copy, f"UPDATE lakes SET {column} = {value} WHERE lake_id = '{lake}'")
    told: list[Event] = []
    assert review_file(path, copy, on_event=told.append).empty
    (event,) = told
    assert isinstance(event, InputOdd)
    text = in_language(event.reason, "ru")
    assert re.fullmatch(
        rf"столбец «[А-Яа-яё, ]+» \({column}\) вычисляется и остаётся прежним, 1 строка: {lake}",
        text,
    )


@ogr
@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("lakes.shp", "GL_Area", "1.0"),
        ("lakes.shp", "Report_No", "77"),
        ("lakes.shp", "Basin", "'Чу'"),
        ("layer.gpkg", "basin", "'Чу'"),
        ("layer.gpkg", "state", "'gone'"),
        ("layer.gpkg", "area_m2", "1.0"),
        ("layer.shp", "state", "'gone'"),
        ("earlier.gpkg", "basin", "'Чу'"),
        ("earlier.gpkg", "area_m2", "1.0"),
    ],
)
def test_edits_of_computed_columns_are_told_of_any_file_and_nothing_without_them(
    path: Path, name: str, column: str, value: str
) -> None:
    """In shapefiles, in a layer that was saved by itself, and in a copy from before a run."""
    edited = path.with_name(name)
    inventory = open_inventory(path)
    lake = inventory.latest()["lake_id"].iloc[0]
    layer = edited.stem if edited.suffix == ".shp" else "lakes"
    if name == "lakes.shp":
        inventory.to_shapefile(edited)
    elif name == "earlier.gpkg":
        shutil.copy(path, edited)
        newer = inventory.runs.assign(run_id="2")
        replace(inventory, runs=newer).to_file(path)
    else:
        convert("-t_srs", "EPSG:32643", edited, path, "lakes")
    told: list[Event] = []
    review_file(path, edited, on_event=told.append, dry_run=True)
    assert told == []
    key = "GLAKE_ID" if name == "lakes.shp" else "lake_id"
    sql(edited, f"UPDATE {layer} SET {column} = {value} WHERE {key} = '{lake}'")
    assert review_file(path, edited, on_event=told.append, dry_run=True).empty
    (event,) = told
    assert isinstance(event, InputOdd)
    text = in_language(event.reason, "ru")
    assert re.fullmatch(
        rf"столбец «[А-Яа-яё, ]+» \({column}\) вычисляется и остаётся прежним, 1 строка: {lake}",
        text,
    )


@ogr
def test_a_copy_that_nobody_edited_is_told_nothing_of(path: Path, copy: Path) -> None:
    told: list[Event] = []
    assert review_file(path, copy, on_event=told.append).empty
    assert told == []


@ogr
def test_a_type_that_is_none_is_told_and_one_in_russian_is_understood(
    path: Path, copy: Path
) -> None:
    one, other = open_inventory(path).lakes["lake_id"].iloc[:2]
    sql(copy, f"UPDATE lakes SET lake_type = 'моренное' WHERE lake_id = '{one}'")
    sql(copy, f"UPDATE lakes SET lake_type = 'Без контакта с ледником' WHERE lake_id = '{other}'")
    before = open_inventory(path).lakes.set_index("lake_id")["lake_type"]
    told: list[Event] = []
    review_file(path, copy, by="Айгуль", on_event=told.append)
    after = open_inventory(path).lakes.set_index("lake_id")["lake_type"]
    assert after[one] == before[one]
    assert after[other] == "unconnected"
    (event,) = told
    assert "моренное" in event.reason
    assert one in event.reason


def two_copies(path: Path, field: str) -> tuple[Path, Path, str]:
    """Return copies that two operators edited at the same time, and the lake."""
    lake = str(open_inventory(path).lakes["lake_id"].iloc[2])
    copies = [Path(shutil.copy(path, path.with_name(f"{who}.gpkg"))) for who in "ab"]
    for copied, text in zip(copies, ("первый", "второй"), strict=True):
        told = f"{field} = '{text}', edited_by = 'Оператор {text}'"
        sql(copied, f"UPDATE lakes SET {told} WHERE lake_id = '{lake}'")
    return copies[0], copies[1], lake


@ogr
@pytest.mark.parametrize("field", ["lake_name", "comment", "dam_type"])
def test_of_two_operators_on_one_lake_both_are_shown_and_none_wins_silently(
    path: Path, field: str
) -> None:
    first, second, lake = two_copies(path, field)
    review_file(path, first)
    with pytest.raises(InputError) as refused:
        review_file(path, second)
    text = in_language(refused.value, "ru")
    for word in (lake, "первый", "второй", "Оператор первый", "Оператор второй"):
        assert word in text
    value = open_inventory(path).lakes.set_index("lake_id")[field]
    assert value[lake] == "первый"
    for conflicts, begin in (("inventory", "не внесено"), ("file", "отныне действует")):
        if conflicts == "file":
            assert open_inventory(path).lakes.set_index("lake_id")[field][lake] == "первый"
        odd: list[InputOdd] = []
        review_file(path, second, conflicts=conflicts, on_event=odd.append)
        (told,) = [in_language(event.reason, "ru") for event in odd]
        assert told.startswith(begin)
        for word in (lake, "первый", "второй", "Оператор первый", "Оператор второй"):
            assert word in told
    assert open_inventory(path).lakes.set_index("lake_id")[field][lake] == "второй"


@ogr
@pytest.mark.parametrize(
    ("column", "edit"),
    [
        ("edited_by", "edited_by = 'Асанова'"),
        ("verified_by", "verified_by = 'Асанова'"),
        ("verified_by", "verified_by = NULL"),
    ],
)
def test_a_name_that_goes_with_no_decision_is_told(path: Path, column: str, edit: str) -> None:
    working_copy.replace(open_inventory(path), path)
    lake = open_inventory(path).lakes["lake_id"].iloc[2]
    if "NULL" in edit:
        sql(path, f"UPDATE lakes SET verified = 1, verified_by = 'Я' WHERE lake_id = '{lake}'")
        assert len(review_file(path)) == 1
    copied = Path(shutil.copy(path, path.with_name("a.gpkg")))
    for edited in (copied, path):
        sql(edited, f"UPDATE lakes SET {edit} WHERE lake_id = '{lake}'")
        odd: list[InputOdd] = []
        assert review_file(path, edited, on_event=odd.append).empty
        (told,) = [event.reason for event in odd if column in event.reason]
        assert told.endswith(f"it stays as it was, in 1 row, of {lake}")


@ogr
def test_a_name_that_goes_with_a_decision_is_not_told_again(path: Path) -> None:
    lake = open_inventory(path).lakes["lake_id"].iloc[2]
    edited = Path(shutil.copy(path, path.with_name("a.gpkg")))
    sql(edited, f"UPDATE lakes SET comment = 'x', edited_by = 'Я' WHERE lake_id = '{lake}'")
    for expected in (1, 0):
        odd: list[InputOdd] = []
        assert len(review_file(path, edited, on_event=odd.append)) == expected
        assert odd == []


@ogr
def test_one_operator_rejects_and_another_redraws_and_both_are_asked(path: Path) -> None:
    lake = open_inventory(path).lakes["lake_id"].iloc[2]
    first, second = (Path(shutil.copy(path, path.with_name(f"{who}.gpkg"))) for who in "ab")
    sql(first, f"DELETE FROM lakes WHERE lake_id = '{lake}'")
    sql(second, f"UPDATE lakes SET geom = ST_Buffer(geom, 0.0003) WHERE lake_id = '{lake}'")
    review_file(path, second, by="Б")
    with pytest.raises(InputError, match=rf"{lake}: redrawn \(Б\), now rejected \(А\)"):
        review_file(path, first, by="А")


@ogr
def test_two_operators_on_different_lakes_or_things_do_not_disturb_each_other(path: Path) -> None:
    one, other = open_inventory(path).lakes["lake_id"].iloc[[2, 3]]
    first, second = (Path(shutil.copy(path, path.with_name(f"{who}.gpkg"))) for who in "ab")
    sql(first, f"UPDATE lakes SET lake_name = 'Ак-Көл' WHERE lake_id = '{one}'")
    sql(second, f"UPDATE lakes SET comment = 'глубокое' WHERE lake_id = '{one}'")
    sql(second, f"UPDATE lakes SET lake_name = 'Көк-Көл' WHERE lake_id = '{other}'")
    review_file(path, first)
    review_file(path, second)
    lakes = open_inventory(path).lakes.set_index("lake_id")
    assert lakes.loc[one, ["lake_name", "comment"]].tolist() == ["Ак-Көл", "глубокое"]
    assert lakes.loc[other, "lake_name"] == "Көк-Көл"


def test_an_alert_without_areas_says_that_the_lake_was_seen_in_part(path: Path) -> None:
    inventory = open_inventory(path)
    drained = inventory.events[inventory.events["event"] == "drained"]
    unknown = drained.assign(area_before_m2=np.nan, area_after_m2=np.nan)
    page = write_report(replace(inventory, events=unknown), path.with_name("r.html"), language="ru")
    text = page.read_text(encoding="utf-8")
    row = re.findall(r"<td>внезапн[^<]*</td>.*?</tr>", text, re.DOTALL)[0]
    assert row.count("видно частично") == 2


@ogr
def test_a_lake_that_was_merged_into_another_is_not_called_gone(path: Path, copy: Path) -> None:
    ids = open_inventory(path).lakes["lake_id"].tolist()
    one, other = ids[1], ids[2]
    union = f"(SELECT ST_Multi(ST_Union(geom)) FROM lakes WHERE lake_id IN ('{one}', '{other}'))"
    sql(copy, f"UPDATE lakes SET geom = {union} WHERE lake_id = '{one}'")
    sql(copy, f"DELETE FROM lakes WHERE lake_id = '{other}'")
    merged = review_file(path, copy)
    small = merged.loc[merged["decision"] == "merged", "lake_id"].item()
    inventory = open_inventory(path)
    assert inventory.lakes.set_index("lake_id")["state"].get(small, "merged") == "merged"


@ogr
def test_the_tick_edited_alone_is_told_and_changes_nothing(path: Path, copy: Path) -> None:
    before = open_inventory(path)
    drawn = set(before.reviews["lake_id"])
    one, other = [name for name in before.lakes["lake_id"] if name not in drawn][:2]
    sql(copy, f"UPDATE lakes SET edited = 1 WHERE lake_id = '{one}'")
    wider = "geom = ST_Multi(ST_Buffer(geom, 0.0002)), edited = 1"
    sql(copy, f"UPDATE lakes SET {wider} WHERE lake_id = '{other}'")
    heard: list[Event] = []
    found = review_file(path, copy, by="А", on_event=heard.append)
    assert found["lake_id"].tolist() == [other]
    (told,) = [event.reason for event in heard if isinstance(event, InputOdd)]
    assert one in told
    assert other not in told
    assert "отметка остаётся прежней" in in_language(told, "ru")
    assert not open_inventory(path).lakes.set_index("lake_id")["edited"].fillna(False)[one]
    again: list[Event] = []
    assert review_file(path, path, on_event=again.append).empty
    assert again == []


FORM = {column.name: column for column in schema.OUTLINES}
"""What a form of QGIS shows."""


@ogr
def test_what_is_not_taken_in_is_told_in_words_that_the_forms_of_qgis_show(
    path: Path, copy: Path
) -> None:
    lake = open_inventory(path).lakes["lake_id"].iloc[3]
    told = "area_m2 = 1, lake_type = 'пруд', edited = 1, verified_by = 'Б'"
    sql(copy, f"UPDATE lakes SET {told} WHERE lake_id = '{lake}'")
    heard: list[Event] = []
    review_file(path, copy, by="А", on_event=heard.append)
    lines = [in_language(event.reason, "ru") for event in heard if isinstance(event, InputOdd)]
    labels = {name: column.label("ru").partition(",")[0] for name, column in FORM.items()}
    for name in ("area_m2", "lake_type", "edited", "verified_by"):
        (line,) = [line for line in lines if f"столбец «{labels[name]}» ({name})" in line]
        assert re.search("[A-Za-z]{4}", re.sub(rf"\(\w+\)|{lake}", "", line)) is None, line


@pytest.mark.parametrize("name", ["inventory.xlsx", "list_of_lakes.csv", "лист.ods"])
def test_a_table_of_a_spreadsheet_is_told_where_its_words_belong(path: Path, name: str) -> None:
    edited = path.with_name(name)
    edited.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError) as caught:
        review_file(path, edited)
    told = in_language(caught.value, "ru")
    assert "это таблица" in told
    assert "[catalogue]" in told
