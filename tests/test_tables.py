"""Tables as offices keep them, in text and in workbooks of Excel and LibreOffice."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from sample_inventory import make_inventory

from glacial_lakes.errors import DamagedFileError, GlacialLakesError, UnsafeInputError, VectorError
from glacial_lakes.export.export import export
from glacial_lakes.ingest.partner import named_catalogue
from glacial_lakes.inventory.catalogue import Catalogue, degrees_of, read_catalogue
from glacial_lakes.inventory.surveys import read_surveys
from glacial_lakes.io import workbooks
from glacial_lakes.io.tables import read_table
from glacial_lakes.language import in_language
from glacial_lakes.settings import CatalogueSettings, StorageSettings

OFFICE = shutil.which("soffice")
FORMS = {"csv": "csv:Text - txt - csv (StarCalc):59,34,76,1"}
"""Semicolons and UTF-8, as a Russian system saves it."""
HEADS = ["№ по\nкаталогу", "Название", "Район", "Широта", "Долгота", "Площадь, км²", "Осмотр"]
NAMES = {"id": "№ по каталогу", "name": "Название", "district": "Район", "comment": "Осмотр"}
LAKES = [
    [7, "Адыгене", "Чуйский", "42°31'48\"", "74°30'00\"", 0.031, datetime.date(2025, 8, 14)],
    [8, "Ак-Көл", None, 42.55, "74,52", "0,12", datetime.date(2024, 7, 2)],
    ["0012", None, None, "42,57", 74.54, None, "не было"],
    [31, "Теньтек", "Кеминский", None, None, 0.4, None],
]


def ministry(sheet: Worksheet) -> None:
    """Fill a sheet as a ministry does: a title, headings, their numbers, a sum, a signature."""
    sheet.append(["КАТАЛОГ ВЫСОКОГОРНЫХ ОЗЁР"])
    sheet.merge_cells("A1:G1")
    sheet.append(["утверждён приказом № 12 от 01.02.2025"])
    sheet.append([])
    sheet.append(HEADS)
    sheet.append([1, 2, 3, 4, 5, 6, 7])
    for row in LAKES:
        sheet.append(row)
    sheet.merge_cells("C6:C8")
    sheet.append(["Итого 4 озера", None, None, None, None, "=SUM(F6:F9)", None])
    sheet.append([])
    sheet.append(["Исполнитель: Иванова, тел. 61-22-33"])
    sheet["A6"].number_format = "0000"
    sheet["E8"].number_format = "0.00"
    sheet.row_dimensions[7].hidden = True  # a filter was left on
    sheet.column_dimensions["C"].hidden = True


def worked_out(path: Path, kind: str) -> Path:
    """Save a workbook with LibreOffice, which works its formulas out."""
    folder = path.parent / "saved"
    command = [str(OFFICE), "--headless", f"-env:UserInstallation=file://{folder}/profile"]
    command += ["--convert-to", FORMS.get(kind, kind), "--outdir", str(folder), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / f"{path.stem}.{kind}"


def in_excel(folder: Path, fill: Callable[[Worksheet], None], *, formula: float = 0.551) -> Path:
    """Write a workbook whose formulas have values, as Excel saves it."""
    book = openpyxl.Workbook()
    fill(book.active)
    path = folder / "list.xlsx"
    book.save(path)
    return changed(path, "xl/worksheets/sheet1.xml", b"<v />", f"<v>{formula}</v>".encode())


def changed(path: Path, part: str, old: bytes, new: bytes) -> Path:
    """Put other bytes into a part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def catalogue(path: Path, **more: str) -> Catalogue:
    found = read_catalogue(CatalogueSettings(file=path.name, **{**NAMES, **more}), path.parent)
    assert found is not None
    return found


def of_excel(folder: Path) -> Path:
    return in_excel(folder, ministry)


def of_office(kind: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        return worked_out(in_excel(folder, ministry), kind)

    return write


OFFICES = [
    pytest.param(of_excel, id="openpyxl"),
    *(
        pytest.param(
            of_office(kind),
            id=f"LibreOffice {kind}",
            marks=pytest.mark.skipif(OFFICE is None, reason="needs LibreOffice"),
        )
        for kind in ("xlsx", "ods", "csv")
    ),
]


@pytest.mark.parametrize("write", OFFICES)
def test_a_list_as_a_ministry_keeps_it_is_read(write, tmp_path: Path) -> None:
    path = write(tmp_path)
    found = catalogue(path)
    is_text = path.suffix == ".csv"  # where a merged cell is that of its first row alone
    places = found.places
    assert places["catalogue_no"].tolist() == ["0007", "8", "0012", "31"]
    assert places["lake_name"].tolist() == ["Адыгене", "Ак-Көл", None, "Теньтек"]
    districts = ["Чуйский", *([None] * 2 if is_text else ["Чуйский"] * 2), "Кеминский"]
    assert places["district"].tolist() == districts
    if not is_text:
        days = ["2025-08-14", "2024-07-02", "не было", None]
        assert places["comment"].tolist() == days
    told = places.geometry[:3]
    assert told.y.tolist() == pytest.approx([42.53, 42.55, 42.57])
    assert told.x.tolist() == pytest.approx([74.5, 74.52, 74.54])
    assert places.geometry.iloc[3] is None
    assert found.note is not None
    assert in_language(found.note, "en").endswith("such as 10, 12")  # as the program counts them


def test_the_file_is_told_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    path = of_excel(tmp_path)
    assert len(catalogue(path.rename(tmp_path / "list.csv")).places) == 4


def test_a_list_that_is_named_alone_is_known_by_usual_names(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["Список озёр"])
        sheet.append(["НОМЕР", "НАЗВАНИЕ", "lat", "lon"])
        sheet.append(["КЫР-7", "Адыгене", 42.5, 74.5])

    found = named_catalogue(in_excel(tmp_path, fill))
    assert found.places["lake_name"].tolist() == ["Адыгене"]


def as_it_is(path: Path) -> Path:
    return path


def saved_by_excel(path: Path) -> Path:
    """Save a workbook as a person does who moved a sheet and copied it."""
    book = openpyxl.load_workbook(path)
    book.move_sheet("Озёра", len(book.sheetnames))
    book.copy_worksheet(book["Озёра"]).title = "Выборка"
    book.save(path)
    return path


def saved_by_libreoffice(path: Path) -> Path:
    if OFFICE is None:
        pytest.skip("needs soffice of LibreOffice")
    profile = f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"
    told = ["soffice", profile, "--headless", "--convert-to", "ods", "--outdir", str(path.parent)]
    subprocess.run([*told, str(path)], check=True, capture_output=True, timeout=300)
    return path.with_suffix(".ods")


@pytest.mark.parametrize("save", [as_it_is, saved_by_excel, saved_by_libreoffice])
def test_a_workbook_of_ours_is_a_list_again(save, tmp_path: Path) -> None:
    inventory = make_inventory(12)
    numbers = [f"КЫР-{n}" for n in range(len(inventory.lakes))]
    lakes = inventory.lakes.assign(catalogue_no=numbers, district="Чуйский")
    lakes.loc[lakes.index[1], "state"] = "unconfirmed"  # somebody should see it: another sheet
    export(replace(inventory, lakes=lakes), tmp_path, ["xlsx"], language="ru")
    found = named_catalogue(save(tmp_path / "inventory.xlsx"))
    assert sorted(found.places["catalogue_no"]) == sorted(numbers)
    assert set(found.places["district"]) == {"Чуйский"}
    told = found.places.set_index("catalogue_no").geometry
    there = lakes.set_index("catalogue_no")
    assert told.x.to_dict() == pytest.approx(there["lon"].to_dict(), abs=1e-4)


def two_lines(sheet: Worksheet) -> None:
    sheet.append(["НОМЕР", "Координаты", None, "Район"])
    sheet.append([None, "широта", "долгота", None])
    for cells in ("A1:A2", "B1:C1", "D1:D2"):
        sheet.merge_cells(cells)
    sheet.append(["КЫР-1", "42:31:48", datetime.timedelta(hours=74, minutes=30), "Чуйский"])


def test_headings_of_two_lines_and_degrees_that_became_hours_are_read(tmp_path: Path) -> None:
    places = catalogue(in_excel(tmp_path, two_lines), id="НОМЕР", name="НОМЕР", comment="Район")
    point = places.places.geometry.iloc[0]
    assert (point.x, point.y) == pytest.approx((74.5, 42.53))
    assert degrees_of("42:31:48") == pytest.approx(42.53)


def several(folder: Path, *, hidden: str = "") -> Path:
    book = openpyxl.Workbook()
    book.active.title = "Титул"
    book.active.append(["Каталог озёр"])
    for year in ("2024", "2025"):
        sheet = book.create_sheet(year)
        sheet.append(["НОМЕР", "lat", "lon"])
        sheet.append([f"{year}-1", 42.5, 74.5])
        sheet.sheet_state = "hidden" if year == hidden else "visible"
    book.save(folder / "list.xlsx")
    return folder / "list.xlsx"


def test_of_several_sheets_that_could_be_meant_one_is_asked_for(tmp_path: Path) -> None:
    path = several(tmp_path)
    settings = CatalogueSettings(file=path.name, id="НОМЕР")
    with pytest.raises(VectorError, match="several sheets with lakes: 2024, 2025; name one"):
        read_catalogue(settings, tmp_path)
    with pytest.raises(VectorError, match="no sheet 2023; use one of Титул, 2024, 2025"):
        read_catalogue(CatalogueSettings(file=path.name, id="НОМЕР", sheet="2023"), tmp_path)
    for asked in ({"sheet": "2024"}, {"file": "list.xlsx|layername=2024"}):
        given = {"file": path.name, "id": "НОМЕР", **asked}
        found = read_catalogue(CatalogueSettings(**given), tmp_path)
        assert found is not None
        assert found.places["catalogue_no"].tolist() == ["2024-1"]
        assert found.source == "list.xlsx (2024)"


def test_a_hidden_sheet_is_not_meant_unless_it_is_named(tmp_path: Path) -> None:
    path = several(tmp_path, hidden="2025")
    for sheet, number in ((None, "2024-1"), ("2025", "2025-1")):
        settings = CatalogueSettings(file=path.name, id="НОМЕР", sheet=sheet)
        found = read_catalogue(settings, tmp_path)
        assert found is not None
        assert found.places["catalogue_no"].tolist() == [number]


def test_curves_of_surveys_may_stand_in_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Объёмы по батиметрии"])
    book.active.append(["lake", "area_km2", "volume_million_m3"])
    for row in (["КЫР-7", 0.05, 0.4], ["КЫР-7", "0,10", "1,1"]):
        book.active.append(row)
    book.save(tmp_path / "curves.xlsx")
    curves = read_surveys(StorageSettings(curves="curves.xlsx"), tmp_path).curves
    assert curves["area_m2"].tolist() == pytest.approx([5e4, 1e5])
    assert curves["volume_m3"].tolist() == pytest.approx([4e5, 1.1e6])


@pytest.mark.parametrize("value", [True, 3.5, 1e21, 1 / 3, datetime.datetime(2024, 8, 1, 5, 30)])
@pytest.mark.parametrize("is_of_1904", [False, True])
def test_values_are_texts_that_lose_nothing(value, is_of_1904: bool, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    if is_of_1904:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["a", "b"])
    book.active.append([value, "#N/A"])
    book.save(tmp_path / "t.xlsx")
    frame = read_table(tmp_path / "t.xlsx", ["a"]).frame
    assert frame.index.tolist() == [2]
    text, nothing = frame.loc[2]
    assert nothing == ""
    if isinstance(value, datetime.datetime):
        assert text == value.isoformat()
    else:
        assert float(text) == pytest.approx(float(value), rel=1e-14)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_texts_with_titles_are_read_in_each_form(
    encoding: str, delimiter: str, tmp_path: Path
) -> None:
    rows = [["Список; озёр, по районам"], [], ["НОМЕР", "Широта", "Долгота"], ["7", "42.5", "74.5"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (tmp_path / "list.txt").write_bytes(text.encode(encoding))
    found = read_catalogue(CatalogueSettings(file="list.txt", id="номер"), tmp_path)
    assert found is not None
    assert found.places.geometry.x.tolist() == [74.5]


# What is hostile ---------------------------------------------------------------------------------


def test_formulas_that_were_never_worked_out_are_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["НОМЕР", "lat", "lon"])
    book.active.append(["7", "=1+41", 74.5])
    book.save(tmp_path / "list.xlsx")
    with pytest.raises(VectorError, match=r"never worked out, as in B2; open it in Excel"):
        read_catalogue(CatalogueSettings(file="list.xlsx", id="НОМЕР"), tmp_path)


def test_macros_and_links_to_other_files_are_not_looked_at(tmp_path: Path) -> None:
    path = of_excel(tmp_path)
    other = tmp_path / "other.xml"
    other.write_text("<worksheet><sheetData/></worksheet>")
    link = (
        f'<Relationship Id="rId1" Type="http://x/worksheet" Target="{other.as_uri()}" '
        'TargetMode="External"/></Relationships>'
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\0")
        archive.writestr("xl/externalLinks/externalLink1.xml", link)
    assert len(catalogue(path).places) == 4
    changed(path, "xl/_rels/workbook.xml.rels", b"</Relationships>", link.encode())
    assert len(catalogue(path).places) == 4
    outside = b'Target="../../other.xml"'
    again = of_excel(tmp_path)
    changed(again, "xl/_rels/workbook.xml.rels", b'Target="/xl/worksheets/sheet1.xml"', outside)
    with pytest.raises(GlacialLakesError):
        catalogue(again)


def test_entities_are_refused(tmp_path: Path) -> None:
    path = of_excel(tmp_path)
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'
    changed(path, "xl/worksheets/sheet1.xml", b"<worksheet", bomb)
    with pytest.raises(UnsafeInputError, match="a document type or an entity"):
        catalogue(path)


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = of_excel(tmp_path)
    changed(path, "xl/worksheets/sheet1.xml", b"</worksheet>", b" " * 3_000_000 + b"</worksheet>")
    monkeypatch.setattr(workbooks, "MOST_BYTES", 2_000_000)
    with pytest.raises(UnsafeInputError, match="more than a list of lakes can"):
        catalogue(path)


def ods(folder: Path, rows: str) -> Path:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    path = folder / "list.ods"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="a">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


CELL = "<table:table-cell {}><text:p>7</text:p></table:table-cell>"
ROW = "<table:table-row {}>{}</table:table-row>"


@pytest.mark.parametrize(
    "row",
    [
        ROW.format('table:number-rows-repeated="999999999"', CELL.format("")),
        ROW.format("", CELL.format('table:number-columns-repeated="999999999"')),
    ],
)
def test_cells_that_are_repeated_without_end_are_refused(row: str, tmp_path: Path) -> None:
    with pytest.raises(GlacialLakesError):
        read_table(ods(tmp_path, row), ["7"])


def test_empty_rows_to_the_end_of_a_sheet_cost_nothing(tmp_path: Path) -> None:
    rows = ROW.format("", CELL.format("")) * 2
    rows += ROW.format('table:number-rows-repeated="1048574"', "<table:table-cell/>")
    assert read_table(ods(tmp_path, rows), ["7"]).frame.index.tolist() == [2]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), VectorError),
        (b"PK\x03\x04" + bytes(600), DamagedFileError),
    ],
)
def test_what_is_no_workbook_of_today_is_told_in_one_line(
    content: bytes, kind: type, tmp_path: Path
) -> None:
    (tmp_path / "list.xls").write_bytes(content)
    with pytest.raises(kind) as caught:
        read_catalogue(CatalogueSettings(file="list.xls", id="НОМЕР"), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_workbook_cut_anywhere_is_refused_or_read_whole(tmp_path: Path) -> None:
    whole = of_excel(tmp_path).read_bytes()
    path = tmp_path / "cut.xlsx"
    for size in range(10, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(GlacialLakesError):
            catalogue(path)


def test_broken_parts_are_refused_in_one_line(tmp_path: Path) -> None:
    for old, new in (
        (b't="inlineStr">', b't="s"><v>99999</v>'),
        (b"<v>", b"<v>x"),
        (b'r="1"', b'r="x"'),
        (b"</row>", b""),
    ):
        path = changed(of_excel(tmp_path), "xl/worksheets/sheet1.xml", old, new)
        with pytest.raises(DamagedFileError) as caught:
            catalogue(path)
        assert "\n" not in str(caught.value)


def test_a_frame_of_texts_has_no_other_kind(tmp_path: Path) -> None:
    frame = read_table(of_excel(tmp_path), NAMES.values()).frame
    assert all(isinstance(value, str) for value in frame.to_numpy().ravel())
    assert isinstance(frame, pd.DataFrame)
