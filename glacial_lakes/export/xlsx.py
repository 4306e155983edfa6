"""Tables for a ministry: a workbook with real numbers and dates, and places to visit as GPX."""

from __future__ import annotations

import datetime
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import xlsxwriter

from glacial_lakes.errors import tame
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.workbooks import LIST_NAME
from glacial_lakes.language import translate
from glacial_lakes.report.summaries import (
    NUMBER,
    Field,
    Sheet,
    heading,
    number,
    route,
    sheets,
    to_visit,
    words,
)

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory

_MADE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
"""When every workbook was made: equal inventories give equal bytes."""
_MOST_WIDE = 48
_LEAST_WIDE = 8
_DATE_WIDE = 12
_BOLD = 3
"""Signs by which a heading needs more room than its letters: it is bold, and has margins."""
_LINE_POINTS = 15
_A4 = 9


def write(
    inventory: Inventory, folder: Path, language: str, since: str | Inventory | None = None
) -> list[Path]:
    """Write ``inventory.xlsx``, and ``to_visit.gpx`` where lakes need a visit.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`.
    folder : pathlib.Path
        Where the files are put.
    language : str
        Language of headings and words.
    since : str or Inventory, optional
        What changes are told from, see :func:`glacial_lakes.report.summaries.sheets`.
    """
    tables = sheets(inventory, since)
    path = folder / "inventory.xlsx"
    with whole(path) as temporary:
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        book = xlsxwriter.Workbook(str(temporary), options)
        book.set_properties({"created": _MADE, "title": translate("Glacial lakes", language)})
        formats = _Formats(book)
        for table in tables:
            _write_sheet(book, formats, table, language)
        title = _title(tables[0], language).replace("'", "''")
        book.define_name(LIST_NAME, f"='{title}'!$A:$A")  # the list may be read again
        book.close()
    visits = to_visit(inventory)
    return [path, _write_gpx(visits, folder / "to_visit.gpx", language)] if visits.rows else [path]


class _Formats:
    """Formats of cells, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self.head = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#DCE9F2", "border": 1}
        )
        self.number = book.add_format({"num_format": "0", "align": "center"})
        self.note = book.add_format({"italic": True, "font_color": "#555555"})
        self.date = book.add_format({"num_format": "dd.mm.yyyy", "align": "center"})
        self.whole = book.add_format({"num_format": "0"})
        self._reals: dict[int, Any] = {}

    def real(self, digits: int) -> Any:
        """Return the format of numbers with so many decimals; each country has its mark."""
        if digits not in self._reals:
            form = "0" if digits == 0 else f"0.{'0' * digits}"
            self._reals[digits] = self._book.add_format({"num_format": form})
        return self._reals[digits]


def _title(table: Sheet, language: str) -> str:
    return translate(table.title, language)[:31]


def _write_sheet(book: Any, formats: _Formats, table: Sheet, language: str) -> None:
    page = book.add_worksheet(_title(table, language))
    last = len(table.rows)
    most_lines = 1
    for column, field in enumerate(table.fields):
        head = heading(field, language)
        page.write_string(0, column, head, formats.head)
        widest = max(_LEAST_WIDE, *(len(word) + _BOLD for word in head.split()))
        for row, values in enumerate(table.rows, start=1):
            text = _write_cell(page, formats, (row, column), field, values[column], language)
            widest = max(widest, len(text) + 2)
        wide = max(_DATE_WIDE, widest) if field.kind == "day" else min(widest, _MOST_WIDE)
        page.set_column(column, column, wide)
        most_lines = max(most_lines, len(textwrap.wrap(head, wide - _BOLD + 1)))
    page.set_row(0, _LINE_POINTS * most_lines + 2)
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(last, 1), len(table.fields) - 1)
    page.set_paper(_A4)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    if table.note:
        page.write_string(last + 2, 0, translate(table.note, language), formats.note)


def _write_cell(
    page: Any,
    formats: _Formats,
    place: tuple[int, int],
    field: Field,
    value: Any,
    language: str,
) -> str:
    """Write a value as what it is, nothing where it is missing; return its text."""
    if value is None or value == "":
        return ""
    if field.kind == "day":
        page.write_datetime(*place, value.to_pydatetime().replace(tzinfo=None), formats.date)
        return ""
    if field.kind in ("real", "integer"):
        form = formats.real(field.digits) if field.kind == "real" else formats.whole
        if field is NUMBER:  # the name behind it would look like more of its digits
            form = formats.number
        page.write_number(*place, number(field, value), form)
        return f"{value:.{field.digits}f}"
    text = tame(words(field, value, language))
    page.write_string(*place, text)
    return text


def _write_gpx(visits: Sheet, path: Path, language: str) -> Path:
    """Write places as waypoints, and as a route from each to the nearest next one (GPX 1.1)."""
    titles = [field.title for field in visits.fields]
    rows = [dict(zip(titles, row, strict=True)) for row in visits.rows]
    reason = visits.fields[titles.index("Reason")]
    rows = [row | {"Reason": words(reason, row["Reason"], language)} for row in rows]
    rows = [row for row in rows if row["Latitude"] is not None and row["Longitude"] is not None]
    order = route([(row["Latitude"], row["Longitude"]) for row in rows])
    points = [_point(row, "wpt") for row in rows]
    way = [_point(rows[place], "rtept") for place in order]
    name = escape(translate(visits.title, language))
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="glacial_lakes" xmlns="http://www.topografix.com/GPX/1/1">\n'
        f"{''.join(points)}<rte>\n<name>{name}</name>\n{''.join(way)}</rte>\n</gpx>\n"
    )
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def _point(row: dict[str, Any], tag: str) -> str:
    called = [row[title] for title in ("Catalogue No.", "Name") if row[title]]
    name = escape(_plain(" ".join(called) or row["Lake ID"]))
    height = "" if row["Elevation"] is None else f"<ele>{row['Elevation']:.0f}</ele>"
    description = escape(_plain(f"{row['Lake ID']}: {row['Reason']}"))
    return (
        f'<{tag} lat="{row["Latitude"]:.6f}" lon="{row["Longitude"]:.6f}">{height}'
        f"<name>{name}</name><desc>{description}</desc></{tag}>\n"
    )


def _plain(text: str) -> str:
    """Return a text without signs that XML cannot hold, or that steer a terminal."""
    return "".join(sign for sign in tame(text) if sign >= " " and sign not in "\ufffe\uffff")
