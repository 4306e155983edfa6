"""What is this program's own: folders that carry its mark, files that may be replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from glacial_lakes.errors import ForeignFileError
from glacial_lakes.io import kinds

MARK_NAME = ".glacial_lakes"
"""A file that tells that a folder is one of results: only in such folders are files removed."""
MARK = "glacial_lakes writes this folder and lists in manifest.json what is its own.\n"

_OVERWRITE: ContextVar[frozenset[Path] | None] = ContextVar("overwrite", default=frozenset())


@contextmanager
def overwriting(paths: Iterable[Path] | None = None) -> Iterator[None]:
    """Let files be replaced whatever they hold: those that are named, or all.

    Parameters
    ----------
    paths : iterable of pathlib.Path, optional
        Files that are known to be results, e.g. from a manifest; by default every file.
    """
    before = _OVERWRITE.get()
    names = None if paths is None or before is None else before | {p.absolute() for p in paths}
    token = _OVERWRITE.set(names)
    try:
        yield
    finally:
        _OVERWRITE.reset(token)


def is_overwriting() -> bool:
    """Tell whether every file may be replaced."""
    return _OVERWRITE.get() is None


def is_marked(folder: Path) -> bool:
    """Tell whether a folder carries the mark of results."""
    path = folder / MARK_NAME
    try:
        with path.open("rb") as file:
            return not path.is_symlink() and file.read(13) == MARK[:13].encode()
    except OSError:
        return False


def refuse_foreign(new: Path, target: Path) -> None:
    """Refuse to replace what is no earlier result of the same kind.

    Raises
    ------
    ForeignFileError
        When something else stands in the place; see :func:`.kinds.may_replace`.
    """
    known = _OVERWRITE.get()
    if known is None or (target in known and not target.is_symlink()):
        return
    if not kinds.may_replace(new, target):
        raise ForeignFileError(
            target,
            "is a link to another file"
            if target.is_symlink()
            else "is there, and no earlier result",
            "name another file, or replace it with --overwrite",
        )
