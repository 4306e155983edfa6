"""Landsat MTL metadata as groups of texts, from ODL text, JSON or XML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from glacial_lakes.errors import DamagedFileError
from glacial_lakes.scenes.metadata import read_xml
from glacial_lakes.scenes.source import Source, read_metadata

Groups = Mapping[str, Mapping[str, str]]
"""Group → key → value. One key stands in several groups with different meanings."""

_KEY, _QUOTED = re.compile(r"\w+"), re.compile(r'"([^"]*)"')


def read_mtl(source: Source, name: str) -> Groups:
    """Parse an MTL file by its ending: ``.txt``, ``.json`` or ``.xml``.

    Raises
    ------
    DamagedFileError
        When it is not what its ending says, or cut short.
    """
    ending = name.rpartition(".")[2].lower()
    groups = {"txt": _from_odl, "json": _from_json, "xml": _from_xml}[ending](source, name)
    if not groups:
        raise DamagedFileError(source.path / name, "holds no metadata", "download it again")
    return groups


def _from_odl(source: Source, name: str) -> Groups:
    text = read_metadata(source, name).decode("utf-8-sig", errors="replace")
    groups: dict[str, dict[str, str]] = {}
    group: dict[str, str] = {}
    open_groups = 0
    for line in text.splitlines():
        key, sign, value = (part.strip() for part in line.partition("="))
        if not (sign and value and _KEY.fullmatch(key)):
            continue
        if quoted := _QUOTED.fullmatch(value):
            value = quoted[1]
        if key == "GROUP":
            group = groups.setdefault(value, {})
            open_groups += 1
        elif key == "END_GROUP":
            open_groups -= 1
        else:
            group[key] = value
    if open_groups:
        raise DamagedFileError(source.path / name, "is cut short", "download it again")
    return {name: keys for name, keys in groups.items() if keys}


def _from_json(source: Source, name: str) -> Groups:
    try:
        root: Any = json.loads(read_metadata(source, name))
        groups = next(iter(root.values()))
        return {
            group: {key: str(value) for key, value in keys.items()}
            for group, keys in groups.items()
        }
    except (ValueError, AttributeError, StopIteration, RecursionError) as error:
        raise DamagedFileError(
            source.path / name,
            "is not valid JSON metadata ({error})",
            "download it again",
            error=error,
        ) from None


def _from_xml(source: Source, name: str) -> Groups:
    root = read_xml(source, name)
    return {group.tag: {item.tag: (item.text or "").strip() for item in group} for group in root}
