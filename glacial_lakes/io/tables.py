"""Tables of lakes that people keep, as text (.csv) or as a workbook → a frame of texts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from glacial_lakes.errors import Message, VectorError, remedy_for
from glacial_lakes.io import workbooks
from glacial_lakes.io.workbooks import Cells, Sheet
from glacial_lakes.places import file_of, layer_of

_TEXTS = (".csv", ".txt", ".tsv")
_DELIMITERS = ";\t,"
_ENCODINGS = ("utf-8-sig", "cp1251")
_MARKS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_HEADING_ROWS = 40
"""Among the first of these stands the line of headings: titles, orders and stamps before it."""
_LEAST_NUMBERED = 3
_UNIT = re.compile(r"\s*(?:,|\(|\[).*")


@dataclass(frozen=True, eq=False)
class Table:
    """What a table holds."""

    frame: pd.DataFrame
    """Texts without blanks around them, ``""`` where a cell is empty; the index is the number of
    the row as the program that made it shows it, from 1."""
    sheet: str | None = None
    """Which one of several sheets of a workbook; None where there is no choice."""


def is_table(path: Path) -> bool:
    """Tell by its ending whether a file is a table, and not a vector file.

    Examples
    --------
    >>> is_table(Path("lakes.XLSX")), is_table(Path("lakes.shp"))
    (True, False)
    """
    return file_of(path).suffix.lower() in (*_TEXTS, *workbooks.SUFFIXES)


def read_table(
    path: Path, wanted: Iterable[str], encoding: str | None = None, sheet: str | None = None
) -> Table:
    """Read a table as offices keep it: titles before the headings, headings of two lines.

    Parameters
    ----------
    path : pathlib.Path
        A text with ``;``, tabs or commas, or a workbook (.xlsx, .xlsm, .ods); told apart by their
        first bytes. Rows and columns that are hidden are read as all others.
    wanted : iterable of str
        Names of columns that are looked for, in any case: the line of headings, the delimiter and
        the sheet are those that have most of them.
    encoding : str, optional
        Of a text; without it UTF-8 or CP1251.
    sheet : str, optional
        Name of the sheet, which ``list.xlsx|layername=2025`` tells as well; without it the visible
        one that has most of the columns, of several the one that the workbook itself names
        (:data:`~glacial_lakes.io.workbooks.LIST_NAME`).

    Returns
    -------
    Table
        Without empty rows, and without a row that only numbers the columns.

    Raises
    ------
    VectorError
        When the file cannot be read, or does not tell which of its sheets is meant.
    """
    sheet, path = sheet or layer_of(path), file_of(path)
    if not path.is_file():
        raise VectorError(path, "does not exist", "check the name")
    names = {plain(name) for name in wanted}
    try:
        if workbooks.is_workbook(path):
            cells, chosen = _of_workbook(path, names, sheet)
        else:
            cells, chosen = _of_text(path, names, encoding), None
    except OSError as error:
        raise VectorError(
            path, "cannot be read: {reason}", remedy_for(error, "copy it again"), reason=error
        ) from error
    head, _ = _heading(cells, names)
    return Table(_framed(cells, head), chosen)


def plain(name: str) -> str:
    """Return a heading without what does not tell columns apart: line breaks, capitals, its unit.

    Examples
    --------
    >>> plain("Широта,  °"), plain("Area (km²)")
    ('широта', 'area')
    """
    whole = " ".join(name.replace("_", " ").split()).casefold()
    return _UNIT.sub("", whole) or whole


def _heading(cells: Cells, names: set[str]) -> tuple[int, int]:
    """Return the row of headings, 0 where there is none, and how many wanted names it has."""
    best, most = 0, (-1, 0)
    for row in sorted(cells)[:_HEADING_ROWS]:
        texts = {plain(text) for text in cells[row].values()}
        # Where no row has a name that is known, the widest is taken, and its columns are told.
        score = len(texts & names), len(cells[row])
        if score > most:
            best, most = row, score
    return best, max(most[0], 0)


def _framed(cells: Cells, head: int) -> pd.DataFrame:
    columns: dict[int, str] = {}
    for column, text in sorted(cells.get(head, {}).items()):
        name = " ".join(text.split())
        if name not in columns.values():  # of two of one name, the first
            columns[column] = name
    rows = [row for row in sorted(cells) if row > head]
    if rows and _numbers_columns([*cells[rows[0]].values()]):
        del rows[0]
    lines = [[cells[row].get(column, "") for column in columns] for row in rows]
    filled = [number for number, line in enumerate(lines) if any(line)]
    return pd.DataFrame(
        [lines[number] for number in filled],
        index=[rows[number] for number in filled],
        columns=[*columns.values()],
        dtype="object",
    )


def _numbers_columns(texts: Sequence[str]) -> bool:
    """Tell whether a row says 1, 2, 3 …, as below the headings of a form."""
    counted = [str(number) for number in range(1, len(texts) + 1)]
    return len(texts) >= _LEAST_NUMBERED and [*texts] == counted


def _of_text(path: Path, names: set[str], encoding: str | None) -> Cells:
    text = _decoded(path, encoding)
    found = [_split(text, delimiter) for delimiter in _DELIMITERS]
    headings = [_heading(cells, names) for cells in found]
    # Decimal commas may be more than semicolons: the headings decide.
    widths = [len(cells.get(row, {})) for cells, (row, _) in zip(found, headings, strict=True)]
    best = max(range(len(found)), key=lambda number: (headings[number][1], widths[number]))
    return found[best]


def _split(text: str, delimiter: str) -> Cells:
    cells: Cells = {}
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row, line in enumerate(lines, start=1):
            filled = {n: cell.strip() for n, cell in enumerate(line, start=1) if cell.strip()}
            if filled:
                cells[row] = filled
    except csv.Error:  # a cell that never ends
        return {}
    return cells


def _decoded(path: Path, encoding: str | None) -> str:
    data = path.read_bytes()
    usual = ("utf-16",) if data.startswith(_MARKS_OF_UTF_16) else _ENCODINGS
    for name in usual if encoding is None else (encoding,):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    raise VectorError(path, "has text in an encoding that is not known", "name it: encoding")


def _of_workbook(path: Path, names: set[str], sheet: str | None) -> tuple[Cells, str | None]:
    sheets = workbooks.sheets_of(path)
    if sheet is not None:
        chosen = [one for one in sheets if plain(one.name) == plain(sheet)]
        if not chosen:
            what = Message("has no sheet {name}", name=sheet)
            raise VectorError(path, what, _named(sheets))
        return chosen[0].read(), chosen[0].name
    visible = [one for one in sheets if not one.is_hidden]
    read = [one.read() for one in visible]
    counts = [_heading(cells, names)[1] if cells else -1 for cells in read]
    best = [number for number, count in enumerate(counts) if count >= 0 and count == max(counts)]
    if not best:
        raise VectorError(path, "holds no lakes", "give a table with a line of headings")
    if len(best) > 1:
        best = [number for number in best if visible[number].is_list] or best
    if len(best) > 1:
        what = Message(
            "has several sheets with lakes: {names}", names=[visible[n].name for n in best]
        )
        raise VectorError(path, what, "name one of them: sheet = …")
    return read[best[0]], visible[best[0]].name if len(sheets) > 1 else None


def _named(sheets: Sequence[Sheet]) -> Message:
    return Message("use one of {names}", names=[one.name for one in sheets])
