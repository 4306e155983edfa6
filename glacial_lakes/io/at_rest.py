"""GeoPackages that no other program is changing: journals settled, open changes noticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from glacial_lakes.errors import LockedError

_ENDS = ("-wal", "-journal")
_PATIENCE_S = 2.0
_NO_DATABASE = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


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
        When a program still has it open with changes, saved or not.
    """
    with at_rest(path):
        pass


@contextmanager
def at_rest(path: Path | str) -> Iterator[None]:
    """Hold a GeoPackage against changes by other programs; see :func:`settle`.

    Files that cannot be written are not held: nobody changes them.

    Raises
    ------
    LockedError
        When a program has begun to change it, even if nothing is changed yet.
    """
    path = Path(path).absolute()
    if not path.is_file() or path.stat().st_size == 0:
        yield
        return
    has_more = any(path.with_name(path.name + end).exists() for end in _ENDS)
    try:
        database = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    except sqlite3.OperationalError:  # it may not even be read: whoever reads it tells why
        yield
        return
    with closing(database):
        try:
            if has_more:
                database.execute("PRAGMA journal_mode = DELETE").fetchall()
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if has_more or kind not in _NO_DATABASE | _NOT_WRITABLE:
                raise LockedError(
                    path,
                    "is open in another program, which may hold changes",
                    "save them and close the file there, e.g. in QGIS, then start again",
                ) from error
        yield
        with suppress(sqlite3.Error):
            database.execute("COMMIT")
