"""Exports that a person has edited since: kept before new ones take their place."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from glacial_lakes.errors import Message, OutputError
from glacial_lakes.io.atomic import Aside, sha256, whole
from glacial_lakes.io.marks import overwriting
from glacial_lakes.io.parsing import json_of
from glacial_lakes.kernels.cache import of_user
from glacial_lakes.review.working_copy import copied_aside

_FOLDER = "exports"
"""Among the user's caches: a file for each folder of exports, with their SHA-256 as written."""
_MOST_BYTES = 1 << 24
MOST_RECORDS = 200
"""Folders of exports that are remembered; edits in one that was forgotten are not noticed."""

logger = logging.getLogger(__name__)


def keep_edited(aside: Aside) -> dict[str, str]:
    """Keep copies of exports that this user made and somebody changed, before they go.

    Outlines that were redrawn in an exported shapefile are lost otherwise, where nobody gave it to
    ``review`` before. Styles are left out: one that a person saved is never replaced.

    Parameters
    ----------
    aside : Aside
        With the new files, from :func:`glacial_lakes.io.atomic.together`.

    Returns
    -------
    dict of str to str
        SHA-256 of the new files by name, for :func:`remember`.
    """
    paths = [path for path in sorted(aside.folder.rglob("*")) if path.is_file()]
    new = {path.relative_to(aside.folder).as_posix(): sha256(path) for path in paths}
    before = _remembered(aside.target)
    edited = []
    for name, checksum in new.items():
        path = aside.target / name
        if name not in before or path.suffix == ".qml" or not path.is_file() or path.is_symlink():
            continue
        found = sha256(path)
        if found not in (before[name], checksum):
            edited.append(path)
            aside.expected[name] = found
    for path, kept in copied_aside(edited, aside).items():
        if path in edited:
            what = Message(
                "{path} was edited since it was exported: {copy} is a copy of it",
                path=path,
                copy=aside.target / kept,
            )
            logger.warning(what)
    return new


def remember(folder: Path, written: Mapping[str, str]) -> None:
    """Note what was written into a folder; where there is no place for it, edits are not noticed.

    The folder itself holds nothing but exports.
    """
    content = {"folder": str(folder), "files": {**_remembered(folder), **written}}
    for path in _places(folder)[:1]:
        with suppress(OSError, OutputError), overwriting([path]), whole(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        _forget_oldest(path.parent)


def _forget_oldest(records: Path) -> None:
    """Remove the records of the folders that were longest not exported into."""
    with suppress(OSError):  # another process may be at it
        ages = {path: path.stat().st_mtime_ns for path in records.glob("*.json")}
        for path in sorted(ages, key=ages.__getitem__)[:-MOST_RECORDS]:
            path.unlink(missing_ok=True)


def _places(folder: Path) -> list[Path]:
    name = hashlib.sha256(str(folder.resolve()).encode(errors="surrogateescape")).hexdigest()[:32]
    return [home / _FOLDER / f"{name}.json" for home in of_user()]


def _remembered(folder: Path) -> Mapping[str, str]:
    """Return what was written, by name; nothing where nobody noted it, or not so."""
    for path in _places(folder):
        try:
            if path.stat().st_size > _MOST_BYTES:
                continue
            content = json_of(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        files = content.get("files") if isinstance(content, dict) else None
        known = files.items() if isinstance(files, dict) else ()
        return {name: text for name, text in known if isinstance(text, str)}
    return {}
