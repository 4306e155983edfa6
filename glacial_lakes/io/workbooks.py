"""Workbooks of Excel (.xlsx, .xlsm) and LibreOffice (.ods) → the texts of their cells.

The two libraries at hand show too little of a workbook: a driver of GDAL does not tell which cells
are merged, as one district beside its lakes is, and others read one of the two kinds alone. Only
the sheets are read, with limits and without entities; macros, links to other files and pictures
are not looked at.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import defusedxml
from defusedxml import ElementTree

from glacial_lakes.errors import N_, DamagedFileError, Message, UnsafeInputError, VectorError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Cells = dict[int, dict[int, str]]
"""Texts by row and column, both from 1; cells that hold nothing are left out."""

SUFFIXES = (".xlsx", ".xlsm", ".ods", ".xls", ".xlsb")
"""Endings of workbooks; what the last two hold cannot be read, and is told so."""
LIST_NAME = "list_of_lakes"
"""Name of a range by which a workbook of several sheets tells which of them lists its lakes."""
MOST_BYTES = 400_000_000
"""Of a part of a workbook, unpacked."""
MOST_CELLS = 5_000_000
"""Of a sheet that hold anything."""
_OLD = b"\xd0\xcf\x11\xe0"
"""How Excel before 2007 begins, and a workbook with a password."""
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_SAVE_AS = N_("save it as .xlsx without a password")
_NOT_ODD = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
"""What of a format of numbers is no code: texts, colours, blanks as wide as a letter."""
_ZEROS = re.compile(r'(?:"([^"]*)")?(0+)')
"""Formats that fill numbers up with zeros, a text before them."""
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Formats of dates and times that have no text, by number."""
_ELAPSED = 46
_DAYS_OF_1904 = 1462
_LAST_DAY_BEFORE = 60
"""Excel counts a 29 February 1900, which never was."""
_NO_VALUE = "#N/A"
_SHEET_OF = re.compile(r"\$?(?:'((?:[^']|'')+)'|([^'.!]+))[.!]")
"""How the address of a range begins: the name of its sheet."""
_LISTED = 3


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet of a workbook."""

    name: str
    is_hidden: bool
    read: Callable[[], Cells] = field(repr=False)
    """Reads its cells. A merged cell says what it says in each of its rows, in its first column."""
    is_list: bool = False
    """The workbook names it as that of its lakes, see :data:`LIST_NAME`."""


@dataclass(eq=False)
class _Archive:
    """The parts of a workbook."""

    path: Path
    parts: frozenset[str]

    @contextmanager
    def opened(self, part: str) -> Iterator[_Bounded]:
        with zipfile.ZipFile(self.path) as archive, archive.open(part) as stream:
            yield _Bounded(stream, self.path)

    def elements(self, part: str, *events: str) -> Iterator[tuple[str, Element]]:
        """Yield the elements of a part as they begin or end."""
        with self.opened(part) as stream:
            yield from ElementTree.iterparse(stream, events or ("end",), forbid_dtd=True)

    def tree(self, part: str) -> Element | None:
        """Return a small part, or None where the workbook has none of this name."""
        if part not in self.parts:
            return None
        root = None
        for _, element in self.elements(part):
            root = element
        return root


class _Bounded:
    """A part that ends with an error where it unpacks to too much."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path, self._left = stream, path, MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._path)
        return data


def _too_large(path: Path) -> UnsafeInputError:
    return UnsafeInputError(
        path, "holds more than a list of lakes can", "save the sheet alone, or as .csv"
    )


def is_workbook(path: Path) -> bool:
    """Tell by its first bytes whether a file is a workbook, whatever its name says."""
    with path.open("rb") as file:
        head = file.read(4)
    return head in {b"PK\x03\x04", _OLD}


def sheets_of(path: Path) -> list[Sheet]:
    """Return the sheets of a workbook in their order, none of them read yet.

    Parameters
    ----------
    path : pathlib.Path
        A local file.

    Raises
    ------
    VectorError
        For kinds of workbooks that cannot be read, and for what is none.
    UnsafeInputError
        When it unpacks to too much, or has entities.
    DamagedFileError
        When it cannot be unpacked or read.
    """
    with reading(path):
        with path.open("rb") as file:
            if file.read(4) == _OLD:
                raise VectorError(path, "is a workbook of an old kind or with a password", _SAVE_AS)
        with zipfile.ZipFile(path) as zipped:
            archive = _Archive(path, frozenset(zipped.namelist()))
        if "xl/workbook.xml" in archive.parts:
            return _sheets_of_excel(archive)
        if {"mimetype", "content.xml"} <= archive.parts:
            with archive.opened("mimetype") as stream:
                if stream.read(len(_ODS)) == _ODS:
                    return _sheets_of_ods(archive)
    raise VectorError(path, "is no workbook that is known here", _SAVE_AS)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in one line why a workbook cannot be read."""
    try:
        yield
    except defusedxml.DefusedXmlException:
        raise UnsafeInputError(path, "has a document type or an entity", _SAVE_AS) from None
    except (*_NOT_ODD, ParseError, UnicodeError, LookupError, ValueError, OverflowError) as error:
        raise DamagedFileError(
            path, "cannot be read: {error}", "copy it again", error=str(error)
        ) from error


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _attribute(element: Element, name: str) -> str | None:
    """Return an attribute by its local name."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), None)


# Excel ------------------------------------------------------------------------------------------


def _sheets_of_excel(archive: _Archive) -> list[Sheet]:
    book = archive.tree("xl/workbook.xml")
    links = archive.tree("xl/_rels/workbook.xml.rels")
    if book is None or links is None:
        raise DamagedFileError(archive.path, "is no whole workbook", "copy it again")
    targets = {
        str(link.get("Id")): posixpath.normpath(posixpath.join("/xl", str(link.get("Target"))))[1:]
        for link in links
        if link.get("TargetMode") != "External" and str(link.get("Type")).endswith("/worksheet")
    }
    is_of_1904 = any(
        _name(one) == "workbookPr" and one.get("date1904") in {"1", "true"} for one in book.iter()
    )
    found = []
    for sheet in (one for one in book.iter() if _name(one) == "sheet"):
        part = targets.get(next((v for k, v in sheet.items() if k.endswith("}id")), ""))
        if part in archive.parts:
            read = partial(_cells_of_excel, archive, part, is_of_1904)
            is_hidden = sheet.get("state", "visible") != "visible"
            found.append(Sheet(str(sheet.get("name")), is_hidden, read))
    names = (one for one in book.iter() if _name(one) == "definedName")
    return _marked(found, [str(one.text) for one in names if one.get("name") == LIST_NAME])


def _marked(sheets: list[Sheet], addresses: Iterable[str]) -> list[Sheet]:
    """Return the sheets, with that of the lakes marked."""
    found = [match for address in addresses if (match := _SHEET_OF.match(address))]
    names = {(match[1] or match[2]).replace("''", "'") for match in found}
    return [replace(sheet, is_list=sheet.name in names) for sheet in sheets]


def _cells_of_excel(archive: _Archive, part: str, is_of_1904: bool) -> Cells:
    cells: Cells = {}
    merged: list[str] = []
    never: list[str] = []
    count = row = 0
    with reading(archive.path):
        shared, formats = _shared_texts(archive), _formats(archive)
        rows: Element | None = None
        for event, element in archive.elements(part, "start", "end"):
            name = _name(element)
            if event == "start":
                rows = element if name == "sheetData" else rows
                continue
            if name == "mergeCell":
                merged.append(str(element.get("ref")))
            if name != "row" or rows is None:
                continue
            row = int(element.get("r") or row + 1)
            column = 0
            for cell in element:
                place = _REFERENCE.fullmatch(cell.get("r") or "")
                column = _column(place[1]) if place else column + 1
                text = _text_of_excel(cell, shared, formats, is_of_1904)
                if text is None:
                    never.append(cell.get("r") or f"{row}:{column}")
                elif text:
                    cells.setdefault(row, {})[column] = text
                    count += 1
            rows.clear()
            if count > MOST_CELLS:
                raise _too_large(archive.path)
    if never:
        raise VectorError(
            archive.path,
            Message(
                "has formulas that were never worked out, as in {cells}", cells=never[:_LISTED]
            ),
            "open it in Excel or LibreOffice and save it",
        )
    for reference in merged:
        begin, _, end = reference.partition(":")
        first, last = _REFERENCE.fullmatch(begin), _REFERENCE.fullmatch(end)
        if first and last:
            _fill_down(cells, int(first[2]), int(last[2]), _column(first[1]))
    return cells


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _fill_down(cells: Cells, first: int, last: int, column: int) -> None:
    """Repeat a merged cell in the rows beside it that hold something."""
    text = cells.get(first, {}).get(column)
    if text is None:
        return
    rows = range(first + 1, last + 1)
    for row in [row for row in cells if row in rows]:
        cells[row].setdefault(column, text)


def _shared_texts(archive: _Archive) -> list[str]:
    texts: list[str] = []
    if "xl/sharedStrings.xml" not in archive.parts:
        return texts
    for _, element in archive.elements("xl/sharedStrings.xml"):
        if _name(element) == "si":
            texts.append(_rich_text(element))
            element.clear()
    return texts


def _rich_text(element: Element) -> str:
    """Return a text of several fonts; how it is spoken is left out."""
    parts = []
    for child in element:
        if _name(child) == "t":
            parts.append(child.text or "")
        elif _name(child) == "r":
            parts += [part.text or "" for part in child if _name(part) == "t"]
    return "".join(parts).strip()


def _formats(archive: _Archive) -> list[tuple[int, str]]:
    """Return number and text of the format of each style."""
    root = archive.tree("xl/styles.xml")
    if root is None:
        return []
    codes: dict[int, str] = {}
    styles: list[tuple[int, str]] = []
    for part in root:
        if _name(part) == "numFmts":
            codes |= {int(one.get("numFmtId") or 0): str(one.get("formatCode")) for one in part}
        elif _name(part) == "cellXfs":
            numbers = [int(one.get("numFmtId") or 0) for one in part]
            styles = [(number, codes.get(number, "")) for number in numbers]
    return styles


def _text_of_excel(
    cell: Element, shared: list[str], formats: list[tuple[int, str]], is_of_1904: bool
) -> str | None:
    """Return what a cell says, nothing where it is empty; None for a formula without a value."""
    parts = {_name(part): part for part in cell}
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _rich_text(parts["is"]) if "is" in parts else ""
    value = (parts["v"].text or "") if "v" in parts else ""
    if "f" in parts and not value and kind != "str":
        return None
    if kind == "s":
        return shared[int(value)] if value else ""
    if kind == "d":
        return value.removesuffix("T00:00:00")
    if kind != "n" or not value:
        return "" if value == _NO_VALUE else value.strip()
    style = int(cell.get("s") or 0)
    number, code = formats[style] if style < len(formats) else (0, "")
    return _number_text(float(value), number, code.partition(";")[0], is_of_1904)


def _number_text(value: float, number: int, code: str, is_of_1904: bool) -> str:
    """Return a number as a person sees it where that tells more: a day, or zeros before it."""
    plain = _LITERAL.sub("", code).lower()
    is_elapsed = number == _ELAPSED or re.search(r"\[h+\]", code, re.IGNORECASE) is not None
    if is_elapsed and value >= 0:
        hours, rest = divmod(round(value * 86400), 3600)
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    is_date = number in _DATES or re.search("[ymdhs]", plain) is not None
    if is_date and 0 <= value < 2_958_466:
        return _time_text(value, is_of_1904)
    text = f"{value:.15g}"
    zeros = _ZEROS.fullmatch(code)
    if zeros and text.isdigit():
        return (zeros[1] or "") + text.zfill(len(zeros[2]))
    return f"{value:.0f}" if value.is_integer() else text


def _time_text(value: float, is_of_1904: bool) -> str:
    seconds = timedelta(seconds=round(value * 86400))
    if value < 1 and not is_of_1904:
        return str(seconds)
    begin = datetime(1899, 12, 31 if value < _LAST_DAY_BEFORE else 30)
    if is_of_1904:
        begin = datetime(1899, 12, 30) + timedelta(days=_DAYS_OF_1904)
    return (begin + seconds).isoformat().removesuffix("T00:00:00")


# LibreOffice ------------------------------------------------------------------------------------


def _sheets_of_ods(archive: _Archive) -> list[Sheet]:
    """Find the sheets; which of them are hidden stands in the styles before them."""
    hidden: set[str] = set()
    style = ""
    found: list[Sheet] = []
    named: list[str] = []
    depth = 0
    for event, element in archive.elements("content.xml", "start", "end"):
        name = _name(element)
        if event == "end":
            depth -= name == "table"
            if name == "table-row":
                element.clear()
            continue
        if name == "style":
            style = _attribute(element, "name") or ""
        elif name == "table-properties" and _attribute(element, "display") == "false":
            hidden.add(style)
        elif name == "named-range" and _attribute(element, "name") == LIST_NAME:
            named.append(_attribute(element, "cell-range-address") or "")
        elif name == "table":
            depth += 1
            if depth == 1:  # others lie in drawings and notes
                is_hidden = _attribute(element, "style-name") in hidden
                title = _attribute(element, "name") or ""
                found.append(Sheet(title, is_hidden, partial(_cells_of_ods, archive, len(found))))
    return _marked(found, named)


def _cells_of_ods(archive: _Archive, place: int) -> Cells:
    cells: Cells = {}
    merged: list[tuple[int, int, int]] = []
    depth = row = count = 0
    number = -1
    with reading(archive.path):
        for event, element in archive.elements("content.xml", "start", "end"):
            name = _name(element)
            if name == "table":
                depth += 1 if event == "start" else -1
                number += event == "start" and depth == 1
            if event == "start" or name != "table-row" or depth != 1:
                continue
            if number == place:
                line = _line_of_ods(element, row + 1, merged)
                times = _times(element, "number-rows-repeated")
                if line and times * len(line) > MOST_CELLS - count:
                    raise _too_large(archive.path)
                for again in range(times if line else 0):
                    cells[row + 1 + again] = dict(line)
                row += times
                count += times * len(line)
            element.clear()
    for first, last, column in merged:
        _fill_down(cells, first, last, column)
    return cells


def _line_of_ods(element: Element, row: int, merged: list[tuple[int, int, int]]) -> dict[int, str]:
    line: dict[int, str] = {}
    column = 1
    for cell in element:
        if _name(cell) not in {"table-cell", "covered-table-cell"}:
            continue
        times = _times(cell, "number-columns-repeated")
        text = _text_of_ods(cell)
        if text and times > MOST_CELLS:
            raise ValueError(times)
        for again in range(times if text else 0):
            line[column + again] = text
        spanned = _times(cell, "number-rows-spanned")
        if spanned > 1:
            merged.append((row, row + spanned - 1, column))
        column += times
    return line


def _times(element: Element, name: str) -> int:
    return int(_attribute(element, name) or 1)


def _text_of_ods(cell: Element) -> str:
    """Return what a cell says: numbers in full, days in one form, all else as it is shown."""
    shown = "\n".join(
        "".join(part.itertext()).strip() for part in cell if _name(part) == "p"
    ).strip()
    kind = _attribute(cell, "value-type")
    if kind == "date":
        return str(_attribute(cell, "date-value")).removesuffix("T00:00:00")
    if kind == "time":
        found = re.fullmatch(
            r"PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S", _attribute(cell, "time-value") or ""
        )
        return f"{int(found[1])}:{found[2]}:{found[3]}" if found else shown
    if kind not in {"float", "percentage", "currency"}:
        return "" if shown == _NO_VALUE else shown
    value = float(_attribute(cell, "value") or "nan")
    text = f"{value:.0f}" if value.is_integer() else f"{value:.15g}"
    # a number with zeros or a text before it is shown so because it is a name
    digits = re.fullmatch(r"[^\d.,+-]*(\d+)", shown)
    return shown if digits and value.is_integer() and int(digits[1]) == value else text
