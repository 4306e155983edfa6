"""Whether a file that stands where a result goes is an earlier result of the same kind.

A file is proved by its structure: what an earlier version wrote has the tables, columns and keys
of today, or some of them; what a person added to it makes it the person's.
"""

from __future__ import annotations

import csv
import importlib
import re
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from glacial_lakes.columns import C

_HEAD_BYTES = 1 << 16
_MOST_JSON_BYTES = 1 << 26
_REPORT = re.compile(
    r"""content="default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; """
    r"""base-uri 'none'; form-action 'none'">"""
)
_VIEWER = re.compile(
    r"""content="default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+' """
    r"""'sha256-[^']+'; img-src data:( (&#39;|')self(&#39;|') file:)?; """
    r"""base-uri 'none'; form-action 'none'">"""
)
_ATLAS = re.compile(
    r"""content="default-src 'none'; style-src 'sha256-[^']+'; img-src data:; """
    r"""base-uri 'none'; form-action 'none'">"""
)
_KMZ = (b'<Style id="present">', b'<Style id="lake">')
"""How our documents for Google Earth begin, and how they did before 0.2."""
_WORKBOOK = b"2000-01-01T00:00:00Z</dcterms:modified>"
"""When our workbooks say that they were changed: never."""
KEPT = "kept_"
"""Before the name of a layer: the table of what a person wrote in rows that it has no more."""

OWN_STYLE = '<qgis version="3.22" styleCategories="Symbology'
"""How styles of this program begin; what QGIS saves names its own version and all categories."""


def may_replace(new: Path, old: Path) -> bool:
    """Tell whether a file may be put in the place of another one without asking.

    Parameters
    ----------
    new : pathlib.Path
        The file that was written.
    old : pathlib.Path
        What stands in its place; need not exist.

    Returns
    -------
    bool
        True when there is nothing, an empty file, the same bytes, or an earlier result of the
        same kind. False for links, folders, and whatever cannot be read.
    """
    try:
        state = old.lstat()
    except FileNotFoundError:
        return True
    if not stat.S_ISREG(state.st_mode):
        return False
    if state.st_size == 0:
        return True
    try:
        return _is_equal(new, old) or _KINDS.get(new.suffix.lower(), _same_page)(new, old)
    except Exception:  # noqa: BLE001 (of many libraries: what cannot be read is not ours)
        return False


def _is_equal(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as one_file, other.open("rb") as other_file:
        while chunk := one_file.read(1 << 20):
            if chunk != other_file.read(1 << 20):
                return False
    return True


_LEAST_SHARE = 0.5
"""Of our columns that an older result has: versions add some."""


def _is_within(old: Sequence[str], new: Sequence[str]) -> bool:
    """Tell whether names begin as others do, have no further ones, and are no mere few of them.

    A table that a person made by hand may well have some of our columns.
    """
    is_one = bool(old) and bool(new) and old[0] == new[0] and set(old) <= set(new)
    return is_one and len(set(old)) >= _LEAST_SHARE * len(set(new))


def _tables(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        listed = "SELECT table_name FROM gpkg_contents ORDER BY rowid"
        names = [str(row[0]) for row in database.execute(listed)]
        return {
            name: [
                str(row[0])
                for row in database.execute("SELECT name FROM pragma_table_xinfo(?)", (name,))
            ]
            for name in names
        }


def _same_tables(new: Path, old: Path) -> bool:
    ours = _tables(new)
    theirs = {
        name: columns
        for name, columns in _tables(old).items()
        if name in ours or name.removeprefix(KEPT) not in ours
    }
    return _is_within([*theirs], [*ours]) and all(
        set(columns) <= set(ours[name]) for name, columns in theirs.items()
    )


def _fields(path: Path) -> list[str]:
    """Return the names of the fields of a dBase table."""
    content = path.read_bytes()[:_HEAD_BYTES]
    end = int.from_bytes(content[8:10], "little")
    rows = range(32, end - 1, 32)
    return [content[row : row + 11].split(b"\0")[0].decode("latin-1") for row in rows]


def _same_shapefile(new: Path, old: Path) -> bool:
    """Compare any part of a shapefile by its table of attributes."""
    return _is_within(_fields(old.with_suffix(".dbf")), _fields(new.with_suffix(".dbf")))


def _same_header(new: Path, old: Path) -> bool:
    headers = []
    for path in (old, new):
        with path.open(encoding="utf-8-sig", newline="") as file:
            headers.append(next(csv.reader(file), []))
    return _is_within(headers[0], headers[1])


def _feature_keys(path: Path) -> list[str] | None:
    """Return the keys of the first feature; an empty list when there is no feature, else None."""
    with path.open(encoding="utf-8") as file:
        head = file.read(_HEAD_BYTES)
    if not re.match(r'\s*\{\s*"type"\s*:\s*"FeatureCollection"', head):
        return None
    if re.search(r'"features"\s*:\s*\[\s*\]', head):
        return []
    found = re.search(r'"properties"\s*:\s*(?=\{\s*"(?!name"\s*:\s*"urn))', head)
    if found is None:
        return None
    from glacial_lakes.io.parsing import json_within  # noqa: PLC0415 (commands start without it)

    keys: dict[str, Any] = json_within(head, found.end())
    return [*keys] or None


def _same_features(new: Path, old: Path) -> bool:
    ours, theirs = _feature_keys(new), _feature_keys(old)
    if ours is None or theirs is None:
        return False
    return not theirs or not ours or _is_within(theirs, ours)


def _same_keys(new: Path, old: Path) -> bool:
    if old.stat().st_size > _MOST_JSON_BYTES:
        return False
    from glacial_lakes.io.parsing import json_of  # noqa: PLC0415 (commands start without it)

    ours, theirs = (json_of(path.read_text(encoding="utf-8")) for path in (new, old))
    return isinstance(theirs, dict) and isinstance(ours, dict) and _is_within([*theirs], [*ours])


def _same_page(new: Path, old: Path) -> bool:
    heads = [_head(path).decode(errors="replace") for path in (new, old)]
    return any(all(kind.search(head) for head in heads) for kind in (_REPORT, _VIEWER, _ATLAS))


def _same_picture(new: Path, old: Path) -> bool:
    return all(_head(path)[:3] == b"\xff\xd8\xff" for path in (new, old))


def _same_style(new: Path, old: Path) -> bool:
    return all(OWN_STYLE.encode() in _head(path) for path in (new, old))


def _same_kmz(new: Path, old: Path) -> bool:
    def is_ours(path: Path) -> bool:
        with zipfile.ZipFile(path) as archive:
            if archive.namelist() != ["doc.kml"]:
                return False
            with archive.open("doc.kml") as file:
                head = file.read(1024)
                return any(sign in head for sign in _KMZ)

    return is_ours(new) and is_ours(old)


def _same_workbook(new: Path, old: Path) -> bool:
    """Compare workbooks by what made them: a spreadsheet program that saves one names itself."""

    def is_ours(path: Path) -> bool:
        with zipfile.ZipFile(path) as archive:
            return archive.read("docProps/core.xml").count(_WORKBOOK) == 1

    return is_ours(new) and is_ours(old)


def _same_route(new: Path, old: Path) -> bool:
    return all(b'creator="glacial_lakes"' in _head(path) for path in (new, old))


def _same_parquet(new: Path, old: Path) -> bool:
    read_schema = importlib.import_module("pyarrow.parquet").read_schema  # need not be installed
    return _is_within(read_schema(old).names, read_schema(new).names)


def _same_flatgeobuf(new: Path, old: Path) -> bool:
    import pyogrio  # noqa: PLC0415 (slow to load)

    if not _head(old).startswith(b"fgb"):  # any driver would open it
        return False
    theirs, ours = ([*pyogrio.read_info(path)["fields"]] for path in (old, new))
    return _is_within(theirs, ours)


def _same_coverage(new: Path, old: Path) -> bool:
    import rasterio  # noqa: PLC0415 (slow to load)

    tags = []
    for path in (old, new):
        with rasterio.open(path.absolute(), driver="GTiff") as dataset:
            tags.append({*dataset.tags()} - {"AREA_OR_POINT"})
    return tags[0] == tags[1] and C.SCENE_ID in tags[0]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


_KINDS: Mapping[str, Callable[[Path, Path], bool]] = {
    ".gpkg": _same_tables,
    ".csv": _same_header,
    ".geojson": _same_features,
    ".json": _same_keys,
    ".html": _same_page,
    ".jpg": _same_picture,
    ".qml": _same_style,
    ".kmz": _same_kmz,
    ".xlsx": _same_workbook,
    ".gpx": _same_route,
    ".parquet": _same_parquet,
    ".fgb": _same_flatgeobuf,
    ".tif": _same_coverage,
    **dict.fromkeys((".shp", ".shx", ".dbf", ".prj", ".cpg"), _same_shapefile),
}
