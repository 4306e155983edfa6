"""What differs between the files of two folders: byte for byte, else value for value.

What is new is told; what is gone, moved or changed is wrong. The tables below say what got another
name, and what differs between revisions by its nature.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio

RENAMED_VALUES = {
    "doubtful": "unconfirmed",
    "сомнительно: не подтверждено": "не подтверждено",
    "сомнительно": "не подтверждено",
    "названо сомнительным": "названо неподтверждённым",
    "Первое наблюдение": "Первый снимок, на котором это видно",
    "Первый снимок после события": "Первый снимок, на котором это видно",
    "Последний снимок до события": "Последний снимок до этого",
}
"""Values of tables, and words of pages and styles."""
RENAMED_COLUMNS: dict[str, str] = {}
RENAMED_FILES = {r"inventory\.[0-9a-f]{16}\.gpkg": "inventory.gpkg"}
"""Patterns of paths; the name of a copy holds a digest of it."""
MOVED_FILES = {"coverage.tif": ("outlines.gpkg", "SELECT content FROM coverage")}
"""Files that are now a cell of a GeoPackage beside them."""
LEFT_OUT = {
    "version", "Version", "versions", "glacial_lakes",
    "started", "reviewed", "last_change",  # the clock
    "run_id", "key", "stamp", "outputs",  # digests of version and bytes
}  # fmt: skip
"""Columns, and keys of JSON."""
LEFT_OUT_LINES = re.compile(
    r"glacial_lakes \d|Content-Security-Policy|scenes? mapped, |<dd>[Оо]бработан"
    r"|\['layer_styles', \d"
)
"""Lines of text; the policy of a page holds digests of its styles, counts have plural forms, and a
layer without a style of its own may get one."""
LABEL = re.compile(r' (label|styleCategories)="[^"]*"')
"""What QGIS shows for a value: words of a language, which change; and what a style has."""
RUN_OF_VIEWER = re.compile(r'"run":"[0-9a-f]{16}","version":"[^"]*"')
"""What the data of the viewer begin with: its run is a digest of the version."""
LEFT_OUT_TABLES = ("rtree_", "sqlite_")
"""Beginnings of names: indices and counters of SQLite."""

Part = pd.DataFrame | list[str]


@dataclass
class Found:
    """What the comparison of a file found."""

    same_bytes: bool = False
    new: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def compare_tables(before: pd.DataFrame, after: pd.DataFrame) -> Found:
    """Compare by place; columns are matched by name, and keep their order."""
    before, after = (
        table.rename(columns=RENAMED_COLUMNS).drop(
            columns=[name for name in table if LEFT_OUT & set(str(name).split("/"))]
        )
        for table in (before, after)
    )
    found = Found(new=[f"column {name}" for name in after if name not in before])
    found.wrong = [f"column {name} is gone" for name in before if name not in after]
    kept = [name for name in before if name in after]
    if kept != [name for name in after if name in before]:
        found.wrong.append("the columns have another order")
    if len(before) != len(after):
        found.wrong.append(f"{len(after) - len(before):+d} rows")
        return found
    for name in kept:
        if before[name].dtype != after[name].dtype:
            found.wrong.append(f"{name}: {after[name].dtype} instead of {before[name].dtype}")
        elif before[name].dtype != object and before[name].equals(after[name]):
            continue  # pixels are many
        old, new = (table[name].to_numpy(object) for table in (before, after))
        if differing := [at for at in range(len(old)) if not is_same(old[at], new[at])]:
            shown = " → ".join(str(values[differing[0]])[:80] for values in (old, new))
            found.wrong.append(f"{name}: {len(differing)} of {len(old)} rows, first {shown}")
    return found


def is_same(old: object, new: object) -> bool:
    """Tell whether two cells are equal, missing ones and renamed words too."""
    missing = [bool(pd.api.types.is_scalar(value) and pd.isna(value)) for value in (old, new)]
    if any(missing):
        return all(missing)
    old, new = (
        RENAMED_VALUES.get(value, value) if isinstance(value, str) else value
        for value in (old, new)
    )
    if is_list(old) and is_list(new):  # what a new column adds to
        return set(str(old).split(", ")) <= set(str(new).split(", "))
    return type(old) is type(new) and bool(np.all(old == new))


def is_list(value: object) -> bool:
    """Tell whether a cell lists columns as the verb check does: ``name=name, …``."""
    return isinstance(value, str) and all("=" in part for part in value.split(", "))


def compare_texts(before: list[str], after: list[str]) -> Found:
    """Tell what is lost of a text; pieces between those of before are new."""
    words = re.compile(rf"\b({'|'.join(RENAMED_VALUES)})\b")
    old, new = (
        [
            words.sub(lambda match: RENAMED_VALUES[match[0]], LABEL.sub("", line.rstrip(",")))
            for line in lines
            if not LEFT_OUT_LINES.search(line)
        ]
        for lines in (before, after)
    )
    rest = iter(new)
    lost = next((line for line in old if line not in rest), None)
    if lost is not None:
        return Found(wrong=[f"text: {lost.strip()[:120]!r} is gone or elsewhere"])
    return Found(new=[f"{len(new) - len(old)} pieces of text"] if len(new) > len(old) else [])


def compare_files(before: Path, after: Path) -> Found:
    """Compare two files by bytes, then by what is in them."""
    if before.read_bytes() == after.read_bytes():
        return Found(same_bytes=True)
    parts, others = (dict(parts_of(path)) for path in (before, after))
    found = Found(new=[f"table {name}" for name in others if name not in parts])
    found.wrong = [f"table {name} is gone" for name in parts if name not in others]
    for name in (name for name in parts if name in others):
        compare: Any = compare_texts if isinstance(parts[name], list) else compare_tables
        one, where = compare(parts[name], others[name]), f"{name}: " if name else ""
        found.new += [where + text for text in one.new]
        found.wrong += [where + text for text in one.wrong]
    return found


def compare_folders(before: Path, after: Path) -> dict[str, Found]:
    """Compare all files below two folders, by name."""
    old, new = files_of(before), files_of(after)
    gone = {name: missing_file(name, old, after) for name in old.keys() - new.keys()}
    added = {name: Found(new=["file"]) for name in new.keys() - old.keys()}
    kept = {name: compare_files(old[name], new[name]) for name in old.keys() & new.keys()}
    return dict(sorted((gone | added | kept).items()))


def missing_file(name: str, old: dict[str, Path], after: Path) -> Found:
    """Compare a file that moved into a GeoPackage beside it; any other file is gone."""
    path = after / name
    if path.name not in MOVED_FILES:
        return Found(wrong=["file is gone"])
    home, query = MOVED_FILES[path.name]
    with closing(sqlite3.connect(path.with_name(home))) as file:
        [(content,)] = file.execute(query)
    same = content == old[name].read_bytes()
    return Found(same_bytes=same, wrong=[] if same else [f"differs from that in {home}"])


def files_of(folder: Path) -> dict[str, Path]:
    named = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        for pattern, word in RENAMED_FILES.items():
            name = re.sub(pattern, word, name)
        named[name] = path
    return named


def parts_of(path: Path) -> Iterator[tuple[str, Part]]:
    """Yield the tables and texts that a file consists of, by name."""
    kind = path.suffix.lower()
    if kind == ".gpkg":
        yield from geopackage(path)
    elif kind == ".shp":
        yield "", plain(gpd.read_file(path, columns=[]))
    elif kind == ".shx":
        return  # follows from the .shp
    elif kind in {".dbf", ".fgb"}:
        yield "", plain(gpd.read_file(path, ignore_geometry=kind == ".dbf"))
    elif kind == ".parquet":
        yield "", plain(gpd.read_parquet(path))
    elif kind == ".geojson":
        rows = [
            row["properties"] | {"geometry": json.dumps(row["geometry"])}
            for row in json.loads(path.read_text("utf-8"))["features"]
        ]
        yield "", pd.DataFrame(rows, dtype=object)
    elif kind == ".json":
        yield "", one_row(json.loads(path.read_text("utf-8")))
    elif kind == ".csv" and not path.stem.endswith("_fields"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            head, *rows = csv.reader(file)
        yield "", pd.DataFrame(rows, columns=head, dtype=object)
    elif kind == ".tif":
        with rasterio.open(path) as file:
            bands = {f"band {number}": file.read(number).ravel() for number in file.indexes}
            told = {
                "crs": str(file.crs),
                "transform": str(file.transform),
                "shape": str(file.shape),
            }
            yield "pixels", pd.DataFrame(bands)
            yield "tags", pd.DataFrame([told | file.tags()])
    elif kind == ".kmz":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name, pieces(archive.read(name).decode())
    else:
        yield "", pieces(path.read_text("utf-8-sig", errors="backslashreplace"))


def geopackage(path: Path) -> Iterator[tuple[str, Part]]:
    """Yield all tables of a GeoPackage as SQLite holds them; the first row is the types.

    Lists of layers and styles are texts, for new layers add rows to them.
    """
    with closing(sqlite3.connect(path)) as file:
        names = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if name.startswith(LEFT_OUT_TABLES):
                continue
            fields = file.execute(f'PRAGMA table_info("{name}")').fetchall()
            rows = file.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()  # noqa: S608
            types = {row[1]: row[2] for row in fields}
            if name.startswith("gpkg_"):
                kept = [at for at, head in enumerate(types) if head not in LEFT_OUT]
                yield name, [str([row[at] for at in kept]) for row in rows]
            elif name == "layer_styles":
                yield name, [piece for _, *row in rows for piece in pieces(str(row))]
            elif name == "runs":
                yield name, one_row([run_row(dict(zip(types, row, strict=True))) for row in rows])
            else:
                yield (
                    name,
                    pd.DataFrame([tuple(types.values()), *rows], columns=[*types], dtype=object),
                )


def run_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its settings and inputs opened: they are JSON, and get new keys."""
    return row | {name: json.loads(row[name] or "null") for name in ("settings", "inputs")}


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with outlines as bytes, and the CRS as a column."""
    if not isinstance(table, gpd.GeoDataFrame):
        return table
    wkt = None if table.crs is None else table.crs.to_wkt()
    return pd.DataFrame(table.to_wkb()).assign(crs=wkt)


def one_row(content: Any) -> pd.DataFrame:
    """Return JSON as a row with a column for each path to a value."""
    return pd.DataFrame([dict(flat(content))], dtype=object)


def flat(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict | list) and content:
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from flat(value, f"{path}/{key}" if path else str(key))
    else:
        yield path, str(content) if isinstance(content, dict | list) else content


def pieces(text: str) -> list[str]:
    """Return a text in lines, and a page or a style in its tags."""
    text = RUN_OF_VIEWER.sub("", text)
    return [piece for piece in re.split(r"\n|(?=<)", text) if piece.strip()]
