"""The workbook for people, read by openpyxl and by LibreOffice: numbers, dates, words, places."""

from __future__ import annotations

import csv
import datetime
import json
import shutil
import subprocess
import textwrap
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from sample_inventory import HOSTILE, hostile_inventory, make_inventory

from glacial_lakes.errors import InputError
from glacial_lakes.export.export import export
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.language import in_language
from glacial_lakes.report.summaries import route, sheets
from glacial_lakes.workflow.output_folder import is_result

office = pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice (soffice)")


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    """Return an inventory whose lakes have numbers, names, districts and basins."""
    made = make_inventory(12)
    lakes = made.lakes.assign(
        number=np.arange(1, len(made.lakes) + 1),
        catalogue_no=[f"КЫР-{i}" for i in range(len(made.lakes))],
        lake_name="Көл",
        district=["Чуйский", "Кеминский"] * (len(made.lakes) // 2),
        basin=["Чу", "Талас", "Нарын"] * (len(made.lakes) // 3),
    )
    return replace(made, lakes=lakes)


@pytest.fixture(scope="module")
def book(inventory: Inventory, tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    folder = tmp_path_factory.mktemp("xlsx")
    export(inventory, folder, ["xlsx"], language="ru")
    return openpyxl.load_workbook(folder / "inventory.xlsx")


def columns_of(page: object) -> dict[str, list[object]]:
    head, *rows = page.iter_rows(values_only=True)  # type: ignore[attr-defined]
    return {str(name): [row[i] for row in rows] for i, name in enumerate(head)}


def test_headings_are_in_the_language_of_the_project_and_have_their_units(
    book: openpyxl.Workbook,
) -> None:
    told = {page.title for page in book}
    assert {"Озёра", "По бассейнам", "По районам", "По размеру", "По высоте", "По типу"} <= told
    assert {"Изменения", "Обследовать", "Контроль качества"} <= told
    heads = columns_of(book["Озёра"])
    assert {"№", "№ в каталоге", "Название", "Район", "Площадь, км²", "Высота, м"} <= set(heads)


def test_numbers_are_numbers_and_dates_are_dates(
    book: openpyxl.Workbook, inventory: Inventory
) -> None:
    table = columns_of(book["Озёра"])
    count = len(inventory.lakes)
    areas = table["Площадь, км²"][:count]
    assert all(isinstance(area, float) for area in areas)
    assert areas == pytest.approx((inventory.lakes["area_m2"] / 1e6).tolist())
    assert all(isinstance(day, datetime.datetime) for day in table["Дата площади"][:count])
    days = [day.date() for day in table["Впервые видно"][:count]]  # type: ignore[attr-defined]
    assert days == [when.date() for when in inventory.lakes["first_seen"]]


def test_what_exceeds_its_error_is_told_by_yes_and_no(book: openpyxl.Workbook) -> None:
    assert set(columns_of(book["Изменения"])["Больше погрешности"]) - {None} == {"да", "нет"}


def test_a_heading_is_shown_whole_with_no_word_parted(book: openpyxl.Workbook) -> None:
    for page in book:
        for cell in page[1]:
            width = page.column_dimensions[cell.column_letter].width
            assert max(map(len, str(cell.value).split())) <= width - 2, cell.value
            lines = textwrap.wrap(str(cell.value), int(width) - 2)
            assert page.row_dimensions[1].height >= 14 * len(lines), cell.value


def test_a_number_does_not_run_into_the_text_behind_it(book: openpyxl.Workbook) -> None:
    for page in book:
        heads = [cell.value for cell in page[1]]
        for at, cell in enumerate(page[2]):
            is_text_behind = at + 1 < len(heads) and isinstance(page[2][at + 1].value, str)
            if heads[at] == "№" or (isinstance(cell.value, datetime.datetime) and is_text_behind):
                assert cell.alignment.horizontal == "center"


def test_heads_stay_in_sight_and_tables_have_filters(book: openpyxl.Workbook) -> None:
    for page in book:
        assert page.freeze_panes == "A2"
        assert page.auto_filter.ref.startswith("A1:")


def test_sums_by_group_are_those_of_the_lakes(
    book: openpyxl.Workbook, inventory: Inventory
) -> None:
    present = inventory.lakes[inventory.lakes["state"] == "present"]
    for page, name in (("По районам", "district"), ("По бассейнам", "basin")):
        table = columns_of(book[page])
        heads = list(table)
        sums = zip(table["Озёра"], table["Площадь, км²"], strict=True)
        found = dict(zip(table[heads[0]], sums, strict=True))
        for group, rows in present.groupby(name):
            assert found[group][0] == len(rows)
            assert found[group][1] == pytest.approx(rows["area_m2"].sum() / 1e6)
        assert found["все"][0] == len(present)
        sigma = present["area_sigma_m2"].to_numpy() / 1e6
        last = next(row for row in zip(*table.values(), strict=True) if row[0] == "все")
        assert last[-2:] == pytest.approx((np.hypot.reduce(sigma), sigma.sum()))


def test_changes_are_told_from_the_year_that_is_named(inventory: Inventory) -> None:
    changes = {sheet.title: sheet for sheet in sheets(inventory, "2013")}["Changes"]
    seen = inventory.observations
    seen = seen[(seen["acquired"].dt.year == 2013) & (seen["status"] == "observed")]
    before = seen.set_index("lake_id")["area_m2"] / 1e6
    told = {row[4]: row for row in changes.rows}
    assert set(told) <= {*before.index, *inventory.lakes["lake_id"]}
    for lake, row in told.items():
        if lake in before:
            assert row[6] == pytest.approx(before[lake])
            assert row[9] == pytest.approx(row[8] - row[6])


def test_changes_are_told_from_an_earlier_inventory_by_number_where_ids_differ(
    inventory: Inventory,
) -> None:
    lakes = inventory.lakes.assign(area_m2=inventory.lakes["area_m2"] / 2)
    renamed = {lake: f"X{lake}" for lake in lakes["lake_id"]}
    earlier = replace(
        inventory,
        lakes=lakes.assign(lake_id=lakes["lake_id"].map(renamed)),
        outlines=inventory.outlines.assign(lake_id=inventory.outlines["lake_id"].map(renamed)),
    )
    outlines = earlier.outlines.assign(
        acquired=earlier.outlines["acquired"] - np.timedelta64(9, "D")
    )
    changes = {s.title: s for s in sheets(inventory, replace(earlier, outlines=outlines))}[
        "Changes"
    ]
    present = inventory.lakes["state"] != "gone"
    assert len(changes.rows) >= present.sum()
    for row in changes.rows:
        if row[8]:
            assert row[11] == pytest.approx(100.0)


@pytest.mark.parametrize("since", ["1066", "soon", "2013-13-45"])
def test_a_time_without_images_is_refused(inventory: Inventory, since: str) -> None:
    with pytest.raises(InputError):
        sheets(inventory, since)


def test_places_to_visit_are_waypoints_and_a_route(inventory: Inventory, tmp_path: Path) -> None:
    export(inventory, tmp_path, ["xlsx"], language="ru")
    root = ET.parse(tmp_path / "to_visit.gpx").getroot()  # noqa: S314 (our own file)
    space = {"g": "http://www.topografix.com/GPX/1/1"}
    points = root.findall("g:wpt", space)
    wanted = {*inventory.alerts["lake_id"]}
    assert len(points) == len(root.findall("g:rte/g:rtept", space)) >= len(wanted) > 0
    by_name = inventory.lakes.set_index("catalogue_no")
    for point in points:
        lake = by_name.loc[point.findtext("g:name", "", space).split()[0]]
        assert float(point.get("lat", 0)) == pytest.approx(lake["lat"], abs=1e-5)


def test_a_route_goes_to_the_nearest_place_next() -> None:
    assert route([(42.0, 74.0), (42.5, 74.0), (42.1, 74.0), (42.1, 74.01)]) == [0, 2, 3, 1]
    assert route([]) == []


def test_no_text_is_a_formula_and_equal_inventories_give_equal_bytes(tmp_path: Path) -> None:
    for name in "ab":
        export(hostile_inventory(), tmp_path / name, ["xlsx"], language="ru")
    one, other = (tmp_path / name / "inventory.xlsx" for name in "ab")
    assert one.read_bytes() == other.read_bytes()
    kinds = {cell.data_type for page in openpyxl.load_workbook(one) for row in page for cell in row}
    assert "f" not in kinds
    assert any(text.startswith("=") for text in HOSTILE)


def test_tables_for_excel_open_right_where_the_comma_is_decimal(
    inventory: Inventory, tmp_path: Path
) -> None:
    export(inventory, tmp_path, ["csv_excel", "csv"], language="ru")
    data = (tmp_path / "csv_excel" / "lakes.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines(), delimiter=";"))
    with (tmp_path / "lakes.csv").open(encoding="utf-8", newline="") as file:
        plain = list(csv.DictReader(file))
    for row, same in zip(rows, plain, strict=True):
        assert "." not in row["area_m2"]
        assert row["area_m2"].replace(",", ".") == same["area_m2"]
        assert row["lake_name"] == "Көл"


def test_the_tables_of_the_workbook_are_text_for_excel_too(
    book: openpyxl.Workbook, inventory: Inventory, tmp_path: Path
) -> None:
    paths = export(inventory, tmp_path, ["csv_excel"], language="ru", since="2013")
    assert all(is_result(path, tmp_path) for path in paths)
    for name in ("list_of_lakes", "by_basin", "by_district", "by_size", "to_visit"):
        data = (tmp_path / "csv_excel" / f"{name}.csv").read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines(), delimiter=";"))
    head, *cells = book["Обследовать"].iter_rows(values_only=True)
    assert rows[0] == list(head)
    assert len(rows) == len(cells) + 1
    place = rows[0].index("Широта, °")
    assert float(rows[1][place].replace(",", ".")) == pytest.approx(cells[0][place], abs=1e-5)
    with (tmp_path / "csv_excel" / "changes.csv").open(encoding="utf-8-sig", newline="") as file:
        days = {row["Дата до"][:4] for row in csv.DictReader(file, delimiter=";")}
    assert days == {"2013"}


def test_numbers_that_a_spreadsheet_would_take_for_days_are_told(
    inventory: Inventory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export(inventory, tmp_path, ["csv_excel"], language="ru")
    assert not caplog.records
    numbers = ["КЫР-1", "03-07", *inventory.lakes["catalogue_no"].iloc[2:]]
    days = replace(inventory, lakes=inventory.lakes.assign(catalogue_no=numbers))
    export(days, tmp_path, ["csv_excel"], language="ru")
    (record,) = caplog.records
    assert "03-07" in in_language(record.msg, "ru")
    assert "inventory.xlsx" in in_language(record.msg, "ru")


def test_what_rounds_to_zero_has_no_sign(inventory: Inventory, tmp_path: Path) -> None:
    seen = inventory.observations["area_m2"]
    slight = replace(inventory, observations=inventory.observations.assign(area_m2=seen.max()))
    lakes = slight.lakes.assign(area_m2=seen.max() - 1e-3)
    export(replace(slight, lakes=lakes), tmp_path, ["xlsx", "csv_excel"], language="ru")
    text = (tmp_path / "csv_excel" / "changes.csv").read_text(encoding="utf-8-sig")
    assert ";0,0000;" in text
    assert "-0,0" not in text
    book = openpyxl.load_workbook(tmp_path / "inventory.xlsx")
    assert 0 in columns_of(book["Изменения"])["Изменение, км²"]


@office
def test_libreoffice_takes_areas_for_numbers_and_names_for_text(
    inventory: Inventory, tmp_path: Path
) -> None:
    export(inventory, tmp_path, ["xlsx"], language="ru")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    told = ["soffice", profile, "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc)"]
    options = ":59,34,UTF8,1,,0,true,false"  # in quotes what is text, values as they are
    told[-1] += options
    subprocess.run(
        [*told, "--outdir", str(tmp_path / "out"), str(tmp_path / "inventory.xlsx")],
        check=True,
        capture_output=True,
        timeout=300,
    )
    (path,) = (tmp_path / "out").glob("*.csv")
    lines = path.read_text(encoding="utf-8").splitlines()[: len(inventory.lakes) + 1]
    heads, *rows = (line.split(";") for line in lines)
    ids, texts = (
        [row[heads.index(f'"{name}"')] for row in rows] for name in ("Код озера", "Площадь, км²")
    )
    assert ids == [f'"{name}"' for name in inventory.lakes["lake_id"]]
    areas = [float(text) for text in texts]
    assert areas == pytest.approx((inventory.lakes["area_m2"] / 1e6).tolist(), abs=6e-5)


def test_words_of_a_workbook_leave_no_english(book: openpyxl.Workbook) -> None:
    told = {
        str(cell.value)
        for page in book
        for row in page
        for cell in row
        if isinstance(cell.value, str)
    }
    english = {text for text in told if text.split(" ")[0].isascii() and text[:1].isalpha()}
    ids = {text for text in english if text.startswith(("GL", "G0"))}
    assert english - ids <= {"good"}, json.dumps(sorted(english - ids))
