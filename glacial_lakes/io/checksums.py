"""What files hold, as a number that changes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from glacial_lakes.io import atomic
from glacial_lakes.settings import digest


def parts_of(path: Path) -> list[Path]:
    """Return the files that make up an input, sorted.

    A folder: all files in it. A file: itself and those that differ only in the ending, such as
    the parts of a shapefile or the sidecar of a GeoTIFF.
    """
    if path.is_dir():
        return sorted(part for part in path.rglob("*") if part.is_file())
    prefix = f"{path.stem}."
    return sorted(
        part for part in path.parent.iterdir() if part.is_file() and part.name.startswith(prefix)
    )


def stamp(parts: Iterable[Path]) -> str:
    """Return a digest of names, sizes and times of change: quick, and enough when it is equal."""
    states = [(str(part), part.stat()) for part in parts]
    return digest([(name, state.st_size, state.st_mtime_ns) for name, state in states])


def checksum(parts: Iterable[Path]) -> str:
    """Return a digest of names and contents (SHA-256), independent of place and time.

    For a single file it is the SHA-256 of the file, as ``sha256sum`` tells it.
    """
    parts = list(parts)
    if len(parts) == 1:
        return atomic.sha256(parts[0])
    return digest([(part.name, atomic.sha256(part)) for part in parts])


def current_checksum(parts: Iterable[Path], known: Mapping[str, str]) -> str:
    """Return the checksum, from ``known`` (checksum by stamp) while nothing was touched."""
    parts = list(parts)
    return known.get(stamp(parts)) or checksum(parts)
