"""Exports that a person has edited since: kept before new ones take their place."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from glacial_lakes.errors import Message
from glacial_lakes.io.atomic import Aside, sha256
from glacial_lakes.io.parsing import json_of
from glacial_lakes.review.working_copy import copied_aside

RECORD = ".glacial_lakes_exports.json"
"""A file beside exports with the SHA-256 of each, as it was written."""
_FILES = "files"
_MOST_BYTES = 1 << 24

logger = logging.getLogger(__name__)


def keep_edited(aside: Aside) -> None:
    """Keep copies of exports that somebody changed, and record what is written now.

    Outlines that were redrawn in an exported shapefile are lost otherwise, where nobody gave it to
    ``review`` before. Styles are left out: one that a person saved is never replaced.

    Parameters
    ----------
    aside : Aside
        With the new files, from :func:`glacial_lakes.io.atomic.together`.
    """
    paths = [path for path in sorted(aside.folder.rglob("*")) if path.is_file()]
    new = {path.relative_to(aside.folder).as_posix(): sha256(path) for path in paths}
    before = _recorded(aside.target / RECORD)
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
    record = {_FILES: dict(sorted({**before, **new}.items()))}
    (aside.folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _recorded(path: Path) -> Mapping[str, str]:
    """Return what was written, by name; nothing where somebody else wrote the record."""
    try:
        if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return {}
        content = json_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    files = content.get(_FILES) if isinstance(content, dict) else None
    known = files.items() if isinstance(files, dict) else ()
    return {name: text for name, text in known if isinstance(text, str)}
