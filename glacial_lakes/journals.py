"""GeoPackages that another program has open, and what SQLite keeps beside them then."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from glacial_lakes.errors import LockedError

_ENDS = ("-wal", "-journal")
_PATIENCE_S = 2.0


def settle(path: Path | str) -> None:
    """Bring a GeoPackage to rest, so that it can be read whole and replaced.

    While a program edits a GeoPackage, saved changes lie beside it (``-wal``) or what they
    replaced does (``-journal``). SQLite would mix them with any file put in its place. What a
    program that has gone left there is taken into the file.

    Parameters
    ----------
    path : path-like
        A GeoPackage, which need not exist.

    Raises
    ------
    LockedError
        When a program still has it open.
    """
    path = Path(path).absolute()
    if not path.is_file() or not any(_beside(path, end).exists() for end in _ENDS):
        return
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)) as database:
            for statement in ("PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE", "COMMIT"):
                database.execute(statement).fetchall()
    except sqlite3.Error as error:
        raise LockedError(
            path,
            "is open in another program, which may hold changes",
            "save them and close the file there, e.g. in QGIS, then start again",
        ) from error


def same_content(one: Path, other: Path) -> bool:
    """Tell whether two GeoPackages at rest hold the same tables with the same rows.

    Programs change the file by opening it, such as the date of its last change.
    """
    with closing(sqlite3.connect(f"{one.as_uri()}?mode=ro", uri=True)) as database:
        database.execute("ATTACH ? AS other", (f"{other.as_uri()}?mode=ro",))
        listed = "SELECT table_name FROM {}.gpkg_contents ORDER BY table_name"
        names, others = (
            [str(row[0]) for row in database.execute(listed.format(side))]
            for side in ("main", "other")
        )
        return names == others and all(_same_rows(database, name) for name in names)


def _same_rows(database: sqlite3.Connection, name: str) -> bool:
    table = '"' + name.replace('"', '""') + '"'
    columns = [
        database.execute(f"PRAGMA {side}.table_info({table})").fetchall()
        for side in ("main", "other")
    ]
    if columns[0] != columns[1]:
        return False
    sides = (f"main.{table}", f"other.{table}")
    lacks = "SELECT 1 FROM (SELECT * FROM {} EXCEPT SELECT * FROM {}) LIMIT 1"
    return all(
        database.execute(lacks.format(*pair)).fetchone() is None for pair in (sides, sides[::-1])
    )


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)
