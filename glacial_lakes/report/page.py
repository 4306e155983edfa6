"""An inventory as one self-contained HTML page that works offline and prints well."""

from __future__ import annotations

import base64
import hashlib
import math
import os
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import shapely
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from glacial_lakes import language as words
from glacial_lakes import schema
from glacial_lakes.errors import N_, ConfigError, require, tame
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.vector import Places
from glacial_lakes.mapping.reach import check_reach
from glacial_lakes.measures.glaciers import glacier_outlines
from glacial_lakes.measures.meridian import in_degrees
from glacial_lakes.report import curves
from glacial_lakes.report.chips import CHIP_SIZE
from glacial_lakes.report.contents import SUMMARY_ROWS, TABLE_ROWS, describe, shortened
from glacial_lakes.report.summaries import Field, heading
from glacial_lakes.report.summaries import words as words_of_cell

_TO_DETAILS = re.compile(r'<a\b[^>]*href="#(?:lake|scene)-\d+"[^>]*>(.*?)</a>', re.DOTALL)
"""Links of our own to what a summary leaves out; texts of files hold none, for they are escaped."""


def ice_about(inventory: Inventory, glaciers: Places | None) -> list[shapely.Geometry]:
    """Return glaciers in degrees, for a map of the lakes of an inventory.

    Raises
    ------
    InputError
        When there are no glaciers, or they lie far from all lakes.
    """
    if glaciers is None:
        return []
    lakes = inventory.lakes.geometry.dropna()
    places = shapely.get_parts(in_degrees(lakes).to_numpy()) if len(lakes) else ()
    check_reach(list(shapely.envelope(places)) if len(lakes) else [], glaciers=glaciers)
    return list(in_degrees(glacier_outlines(glaciers).geometry))


def write_report(
    inventory: Inventory,
    path: Path | str,
    *,
    language: str = "en",
    title: str | None = None,
    glaciers: Places | None = None,
    is_summary: bool = False,
    since: str | Inventory | None = None,
) -> Path:
    """Write an inventory as one HTML file without any outside part.

    The page holds what needs a look, key numbers, events, trends, totals, sums by basin, district,
    size, elevation and type, changes, lakes to visit and to check, a map, the scenes, a
    curve with error bars and the outline of every lake, the method and its limits, and a data
    dictionary. A content security policy
    forbids everything but its own style sheet and one script, which only sorts tables; without
    it the page says the same. Equal inventories give equal bytes.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`; every one may be empty.
    path : path-like
        The ``.html`` file; an old one is replaced only by a whole new one.
    language : str
        Language of all words; codes, file names and column names stay.
    title : str, optional
        Heading, e.g. the name of the valley.
    glaciers : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        Glacier outlines for the map.
    is_summary : bool
        Only what needs a look, key numbers, changes, the map, lakes to visit and sums by group, the
        first rows of each table: at most ten pages A4. The numbers of lakes are those of the full
        report.
    since : str or Inventory, optional
        What the table of changes is told from: a date, a year, years (``2009-2011``) or an earlier
        inventory; by default the first area of each lake.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ConfigError
        For a language that is not known.
    InputError
        When no image is of the time that is named.
    OutputError
        When the file cannot be written; an older one is left as it was.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> inventory = gl.open_inventory("inventory.gpkg")
    >>> gl.write_report(inventory, "report.html", language="ru").name
    'report.html'
    """
    require(inventory, Inventory, "inventory", N_("open it with open_inventory"))
    require(path, (str, os.PathLike), "path", N_("give the path of a file"))
    require_language(language)
    ice = ice_about(inventory, glaciers)
    environment = environment_of(language)
    style, script = (source_of(environment, name) for name in ("style.css", "sort.js"))
    contents = describe(inventory, ice, language, since)
    page = environment.get_template("report.html").render(
        c=shortened(contents) if is_summary else contents,
        table_rows=SUMMARY_ROWS if is_summary else TABLE_ROWS,
        is_summary=is_summary,
        language=language,
        title=title or inventory.name or words.translate("Glacial lake inventory", language),
        box=curves,
        chip_size=CHIP_SIZE,
        dictionary=_dictionary(),
        style=Markup(style),  # noqa: S704 (our own file)
        script=Markup(script),  # noqa: S704 (our own file)
        style_hash=content_hash(style),
        script_hash=content_hash(script),
    )
    if is_summary:
        page = _TO_DETAILS.sub(r"\1", page)
    return write_page(path, page)


def write_page(path: Path | str, page: str) -> Path:
    """Write the text of a page, whole or not at all, without what steers a terminal."""
    path = Path(path)
    with whole(path) as temporary:
        temporary.write_text(tame(page), encoding="utf-8", errors="replace", newline="\n")
    return path


def require_language(language: str) -> None:
    """Refuse a language that has no catalogue.

    Raises
    ------
    ConfigError
        When it has none.
    """
    if language not in words.languages():
        raise ConfigError(
            None,
            "language {language!r} is not known",
            "use one of {languages}",
            language=language,
            languages=words.languages(),
        )


@cache
def environment_of(language: str) -> Environment:
    """Return the templates of the package, with all that they say in a language.

    Compiling them takes as long as filling one in, so that they are kept.
    """
    environment = Environment(
        loader=PackageLoader("glacial_lakes", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.globals["t"] = partial(words.translate, language=language)
    environment.globals["counted"] = partial(words.counted, language=language)
    filters: dict[str, Callable[..., Any]] = {
        "num": partial(words.number, language=language),
        "signed": partial(_signed, language=language),
        "day": partial(words.day, language=language),
        "epoch": partial(words.epoch, language=language),
        "degrees": partial(words.degrees, language=language),
        "area": partial(_area, language=language),
        "span": partial(_span, language=language),
        "reason": partial(words.in_language, language=language),
        "heading": partial(heading, language=language),
        "raw": lambda value: "" if value is None else repr(value),
    }
    environment.filters.update(filters)
    environment.globals["cell"] = partial(_cell, language=language)
    return environment


def _area(
    area_m2: float | None, sigma_m2: float | None = None, unit: str = "km²", *, language: str
) -> str:
    return curves.measured(area_m2, sigma_m2, language, unit)


def _cell(field: Field, value: Any, language: str) -> str:
    """Return a cell of a table as people read it."""
    if value is None or value == "":
        return "–"
    if field.kind == "day":
        return words.day(value, language)
    if field.kind in ("real", "integer"):
        return words.number(value, field.digits, language)
    return words_of_cell(field, value, language)


def _signed(value: float | None, digits: int = 0, *, language: str) -> str:
    return ("+" if value is not None and value > 0 else "") + words.number(value, digits, language)


def _span(low: float | None, high: float | None, unit: float = 1.0, *, language: str) -> str:
    """Return a range with two figures each, as much as a first-order value bears."""
    if low is None or high is None:
        return "–"
    ends = []
    for value in (low / unit, high / unit):
        digits = 1 - math.floor(math.log10(value)) if value > 0 else 0
        ends.append(words.number(round(value, digits), max(0, digits), language))
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def source_of(environment: Environment, name: str) -> str:
    """Return a file of the templates as it is."""
    assert environment.loader is not None  # noqa: S101 (for the type checker)
    return environment.loader.get_source(environment, name)[0]


def content_hash(text: str) -> str:
    """Return the source expression of Content Security Policy level 2 for an inline element."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _dictionary() -> list[schema.Column]:
    """Return the columns of all exported tables, each name once."""
    columns: dict[str, schema.Column] = {}
    for table in (schema.OUTLINES, schema.LAKES, schema.LAKE_EVENTS, schema.TRENDS, schema.ALERTS):
        for column in table:
            columns.setdefault(column.name, column)
    return list(columns.values())
