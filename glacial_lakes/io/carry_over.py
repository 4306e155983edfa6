# ruff: noqa: S608
"""What a person added to a GeoPackage → the one that takes its place: columns, layers, styles."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from glacial_lakes.errors import Message, OutputError
from glacial_lakes.io.geopackage import NO_WAITING, STYLES_LAYER, quoted
from glacial_lakes.io.kinds import KEPT, OWN_STYLE
from glacial_lakes.io.qgis_style import FIXED_DATE

_LOG = logging.getLogger(__name__)

_BY_TABLE = (
    "gpkg_contents",
    "gpkg_geometry_columns",
    "gpkg_ogr_contents",
    "gpkg_extensions",
    "gpkg_data_columns",
    "gpkg_tile_matrix_set",
    "gpkg_tile_matrix",
)
"""Tables of the format that tell of others by ``table_name``."""
_SHADOWS = ("_node", "_rowid", "_parent")
_OF_GDAL = ("rtree_", "trigger_insert_feature_count_", "trigger_delete_feature_count_")
"""How the triggers begin that GDAL makes of a layer; their endings depend on its version."""
_STYLE = ("f_table_name", "styleName")
_SQL = re.compile(
    r"""'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|[(),]|[^'"`\[(),/-]+|.""", re.DOTALL
)
"""Texts and names in quotes, comments, brackets, commas, and what stands between."""
_NAME = re.compile(r"""^(\[[^\]]*\]|("[^"]*")+|(`[^`]*`)+|('[^']*')+|[^\s('"`\[]+)\s*""")
_RULE = re.compile(
    r"\b(CONSTRAINT|PRIMARY|NOT|NULL|UNIQUE|CHECK|DEFAULT|COLLATE|REFERENCES)\b.*", re.I | re.DOTALL
)
"""What follows the type of a column in its declaration."""
_FORMAT = {"fid", "geom"}
"""Columns that GDAL declares, as its version does."""
_GEOMETRY_FUNCTIONS = ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")


def carry_over(
    old: Path,
    new: Path,
    own: Mapping[str, Collection[str]],
    keys: Mapping[str, Sequence[str]],
) -> None:
    """Put into a new GeoPackage what a person added to the old one.

    Columns go to the rows with the same keys; what they say in rows that the new file does not
    have waits in a table of its own (:data:`~glacial_lakes.io.kinds.KEPT`) until these are back.
    A layer with columns of the person's, or with rules on columns, is declared as the old one was:
    what it gives for a missing value, what it refuses, what it computes of others stays.
    Layers, tables, views, indexes, triggers and what the format tells of them are copied as they
    are. A style is the person's when it is new or saved by QGIS; the style that QGIS opens a layer
    with stays the one that was chosen.

    Parameters
    ----------
    old, new : pathlib.Path
        GeoPackages at rest; the new one is changed.
    own : mapping of str to collection of str
        Layers and columns that the new file gives; all others are the person's.
    keys : mapping of str to sequence of str
        Columns that tell the rows of a layer.

    Raises
    ------
    OutputError
        When something cannot be carried over; the new file must not take the old one's place.
    """
    try:
        uri = f"{new.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.execute(NO_WAITING)
            for name in _GEOMETRY_FUNCTIONS:  # triggers name them; no geometry changes here
                database.create_function(name, 1, lambda _: 0)
            database.execute("ATTACH ? AS old", (f"{old.absolute().as_uri()}?mode=ro",))
            with database:
                for layer, names in own.items():
                    _carry_columns(database, layer, names, keys[layer])
                _carry_tables(database, own)
                _carry_styles(database)
    except sqlite3.IntegrityError as error:
        raise OutputError(
            old,
            "has a rule of yours that a row to be written does not keep: {reason}",
            "change the rule, or give the column a default value, then start again",
            reason=error,
        ) from error
    except sqlite3.Error as error:
        raise OutputError(
            old,
            "holds columns or layers of yours that cannot be kept: {reason}",
            "move them to a file of their own, then start again",
            reason=error,
        ) from error


def _columns(database: sqlite3.Connection, side: str, table: str) -> dict[str, str]:
    """Return the columns that hold something, and not what is computed of others, with types."""
    rows = database.execute(f"PRAGMA {side}.table_info({quoted(table)})").fetchall()
    return {str(row[1]): str(row[2]) for row in rows}


def _declarations(text: str) -> list[str]:
    """Return what a CREATE TABLE statement says of each column, then of the table.

    SQLite tells nowhere else what a column refuses, or how it is computed.
    """
    declared, depth = [""], 0
    for part in _SQL.findall(text):
        depth -= part == ")"
        if depth == 1 and part == ",":
            declared.append("")
        elif depth >= 1 and not part.startswith(("--", "/*")):
            declared[-1] += part
        depth += part == "("
    return [one.strip() for one in declared]


@dataclass(frozen=True)
class _Declared:
    """How the old layer is declared."""

    columns: Mapping[str, str]
    """By name, those that are computed of others too."""
    rules: tuple[str, ...]
    """Of the whole table."""

    @classmethod
    def of(cls, database: sqlite3.Connection, layer: str) -> _Declared:
        names = [str(r[1]) for r in database.execute(f"PRAGMA old.table_xinfo({quoted(layer)})")]
        declared = _declarations(_tables(database, "old").get(layer, ""))
        return cls(dict(zip(names, declared, strict=False)), tuple(declared[len(names) :]))

    def rule(self, name: str) -> str:
        """Return what a column says after its type: what it refuses and gives for no value."""
        found = _RULE.search(_NAME.sub("", self.columns.get(name, "")))
        return "" if found is None else found[0]


def _tables(database: sqlite3.Connection, side: str) -> dict[str, str]:
    listed = f"SELECT name, sql FROM {side}.sqlite_master WHERE type = 'table' ORDER BY rowid"
    return {str(name): str(text) for name, text in database.execute(listed)}


def _carry_columns(
    database: sqlite3.Connection, layer: str, names: Collection[str], keys: Sequence[str]
) -> None:
    ours = _columns(database, "main", layer)
    sources = {
        name: columns
        for name in (layer, KEPT + layer)
        if (columns := _columns(database, "old", name))
    }
    known = {name.lower() for name in (*names, *ours)}
    added = {
        name: kind
        for columns in sources.values()
        for name, kind in columns.items()
        if name.lower() not in known
    }
    declared = _Declared.of(database, layer)
    theirs = {name: f"{quoted(name)} {kind}" for name, kind in added.items()}
    theirs |= {name: text for name, text in declared.columns.items() if name.lower() not in known}
    rules = {name: declared.rule(name) for name in ours if name.lower() not in _FORMAT}
    matching = [
        name for name in keys if name in ours and all(name in held for held in sources.values())
    ]
    if not (theirs or declared.rules or any(rules.values())) or not matching:
        return
    index = ", ".join(map(quoted, matching))
    names_added = "".join(f", {quoted(name)}" for name in added)
    parts = " UNION ALL ".join(
        f"SELECT {index}"
        + "".join(f", {quoted(name) if name in columns else 'NULL'}" for name in added)
        + f" FROM old.{quoted(name_of)}"
        for name_of, columns in sources.items()
    )
    database.execute(f"CREATE TEMP TABLE o ({index}{names_added})")
    database.execute(f"INSERT INTO temp.o {parts}")
    database.execute(f"CREATE INDEX temp.o_index ON o ({index})")
    held = ", ".join(map(quoted, ours))
    of_ours = ", ".join(f"n.{quoted(name)}" for name in ours)
    of_theirs = "".join(f", o.{quoted(name)}" for name in added)
    same = " AND ".join(f"o.{quoted(key)} IS n.{quoted(key)}" for key in matching)
    first = f"(SELECT min(o.rowid) FROM temp.o AS o WHERE {same})"
    with _declared_anew(database, layer, rules, [*theirs.values(), *declared.rules]):
        database.execute(
            f"INSERT INTO main.{quoted(layer)} ({held}{names_added}) SELECT {of_ours}{of_theirs} "
            f"FROM temp.n AS n JOIN temp.o AS o ON o.rowid = {first}"
        )
        database.execute(  # a row that is new has what its columns give for a missing value
            f"INSERT INTO main.{quoted(layer)} ({held}) "
            f"SELECT {of_ours} FROM temp.n AS n WHERE {first} IS NULL"
        )
    if added:
        says = " OR ".join(f"coalesce(o.{quoted(name)}, '') != ''" for name in added)
        lost = f"({says}) AND NOT EXISTS (SELECT 1 FROM main.{quoted(layer)} AS n WHERE {same})"
        _keep_rows(database, layer, {name: ours[name] for name in matching} | added, lost)
    database.execute("DROP TABLE temp.o")


@contextmanager
def _declared_anew(
    database: sqlite3.Connection, layer: str, rules: Mapping[str, str], theirs: Sequence[str]
) -> Iterator[None]:
    """Declare a layer anew, to be filled from the table ``n`` of its rows.

    SQLite adds no column that must have a value, is stored though computed, or is unique.
    """
    table = quoted(layer)
    made = "SELECT sql FROM main.sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger')"
    parts = database.execute(f"{made} AND sql IS NOT NULL", (layer,)).fetchall()
    names = _columns(database, "main", layer)
    ours = _declarations(_tables(database, "main")[layer])
    declared = [f"{text} {rules.get(name, '')}" for name, text in zip(names, ours, strict=True)]
    database.execute(f"CREATE TEMP TABLE n AS SELECT * FROM main.{table}")
    database.execute(f"DROP TABLE main.{table}")
    database.execute(f"CREATE TABLE main.{table} ({', '.join([*declared, *theirs])})")
    yield
    for (text,) in parts:
        database.execute(text)
    database.execute("DROP TABLE temp.n")


def _keep_rows(
    database: sqlite3.Connection, layer: str, columns: Mapping[str, str], lost: str
) -> None:
    """Keep what a person wrote in rows that the layer has no more in a table of its own."""
    count = database.execute(f"SELECT count(*) FROM temp.o AS o WHERE {lost}").fetchone()[0]
    if not count:
        return
    kept = KEPT + layer
    declared = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
    names = ", ".join(map(quoted, columns))
    database.execute(f"CREATE TABLE main.{quoted(kept)} (fid INTEGER PRIMARY KEY, {declared})")
    database.execute(
        f"INSERT INTO main.{quoted(kept)} ({names}) SELECT {names} FROM temp.o AS o WHERE {lost}"
    )
    database.execute(
        "INSERT INTO main.gpkg_contents (table_name, data_type, identifier, last_change) "
        "VALUES (?, 'attributes', ?, ?)",
        (kept, kept, FIXED_DATE),
    )
    _LOG.warning(
        Message(
            "{count} row of {layer} with words of yours is away, and waits in the table {table}",
            "{count} rows of {layer} with words of yours are away, and wait in the table {table}",
            count=count,
            layer=layer,
            table=kept,
        )
    )


def _carry_tables(database: sqlite3.Connection, own: Mapping[str, Collection[str]]) -> None:
    theirs, ours = (_tables(database, side) for side in ("old", "main"))
    virtual = [name for name, text in theirs.items() if text.upper().startswith("CREATE VIRTUAL")]
    shadows = {name + end for name in virtual for end in _SHADOWS}
    added = [
        name
        for name in theirs
        if name not in ours and name not in shadows and not name.startswith("sqlite_")
        if name.removeprefix(KEPT) not in own
    ]
    for name in added:
        database.execute(theirs[name])
        held = ", ".join(map(quoted, _columns(database, "old", name)))
        database.execute(
            f"INSERT INTO main.{quoted(name)} ({held}) SELECT {held} FROM old.{quoted(name)}"
        )
    layers = set(added) | set(_views(database))
    for name in _BY_TABLE:
        if name in theirs and name in ours:
            _carry_rows(database, name, layers, own)
    _carry_titles(database, own)
    if "gpkg_spatial_ref_sys" in theirs:
        _insert(database, "gpkg_spatial_ref_sys", "1")
    listed = "SELECT tbl_name, name, sql FROM old.sqlite_master WHERE type IN ('index', 'view', "
    listed += "'trigger') AND sql IS NOT NULL AND name NOT IN (SELECT name FROM main.sqlite_master)"
    listed += " AND (type = 'view' OR tbl_name IN (SELECT value FROM json_each(?))) "
    listed += "ORDER BY type = 'trigger', type = 'index'"
    for table, name, text in database.execute(listed, (_json({*layers, *own}),)).fetchall():
        if table not in own or not name.startswith(tuple(f"{start}{table}" for start in _OF_GDAL)):
            database.execute(text)


def _carry_titles(database: sqlite3.Connection, own: Collection[str]) -> None:
    """Keep titles and descriptions that a person gave layers; ours are called as their tables."""
    rows = database.execute(
        "SELECT identifier, description, table_name FROM old.gpkg_contents "
        "WHERE table_name IN (SELECT value FROM json_each(?)) "
        "AND (identifier != table_name OR coalesce(description, '') != '')",
        (_json(own),),
    ).fetchall()
    database.executemany(
        "UPDATE main.gpkg_contents SET identifier = ?, description = ? WHERE table_name = ?", rows
    )


def _views(database: sqlite3.Connection) -> list[str]:
    rows = database.execute("SELECT name FROM old.sqlite_master WHERE type = 'view'")
    return [str(row[0]) for row in rows]


def _carry_rows(
    database: sqlite3.Connection,
    name: str,
    layers: Collection[str],
    own: Mapping[str, Collection[str]],
) -> None:
    """Copy what a table of the format tells of layers, and of columns, that are the person's."""
    columns = _columns(database, "old", name)
    where = "table_name IN (SELECT value FROM json_each(:layers))"
    if "column_name" in columns:
        known = sorted({column for names in own.values() for column in names} | {"fid", "geom"})
        where += " OR column_name NOT IN (SELECT value FROM json_each(:known))"
        _insert(database, name, where, {"layers": _json(layers), "known": _json(known)})
    else:
        _insert(database, name, where, {"layers": _json(layers)})


def _insert(
    database: sqlite3.Connection, name: str, where: str, values: Mapping[str, str] | None = None
) -> None:
    columns = _columns(database, "main", name)
    common = [column for column in _columns(database, "old", name) if column in columns]
    column_list = ", ".join(map(quoted, common))
    statement = (
        f"INSERT OR IGNORE INTO main.{quoted(name)} ({column_list}) SELECT {column_list} FROM "
    )
    database.execute(f"{statement}old.{quoted(name)} WHERE {where}", values or {})


def _carry_styles(database: sqlite3.Connection) -> None:
    columns = [_columns(database, side, STYLES_LAYER) for side in ("old", "main")]
    if not all(columns):
        return
    names = [name for name in columns[0] if name in columns[1] and name != "id"]
    column_list = ", ".join(map(quoted, names))
    where = " AND ".join(f"{name} = ?" for name in _STYLE)
    for row in database.execute(f"SELECT {column_list} FROM old.{STYLES_LAYER}").fetchall():
        values = dict(zip(names, row, strict=True))
        key = tuple(str(values[name]) for name in _STYLE)
        found = database.execute(f"SELECT 1 FROM main.{STYLES_LAYER} WHERE {where}", key).fetchone()
        if found is None:
            if values["useAsDefault"]:  # chosen before there was one of ours
                ours = f"UPDATE main.{STYLES_LAYER} SET useAsDefault = 0 WHERE f_table_name = ?"
                database.execute(ours, key[:1])
            marks = ", ".join("?" * len(row))
            database.execute(
                f"INSERT INTO main.{STYLES_LAYER} ({column_list}) VALUES ({marks})", row
            )
            continue
        is_foreign = OWN_STYLE not in str(values["styleQML"])
        changed = names if is_foreign else ["useAsDefault"]
        sets = ", ".join(f"{quoted(name)} = ?" for name in changed)
        database.execute(
            f"UPDATE main.{STYLES_LAYER} SET {sets} WHERE {where}",
            (*(values[name] for name in changed), *key),
        )


def _json(names: Collection[str]) -> str:
    return json.dumps(sorted(names))
