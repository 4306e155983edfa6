"""Where files lie: whether two names mean one place, and whether results would meet inputs."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from glacial_lakes.errors import N_, ConfigError, OverlapError, require, require_path

Place = str | tuple[int, int]
PathLike = str | os.PathLike[str]

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:[/\\]|[/\\]vsi", re.IGNORECASE)
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".qml")
"""What belongs to a shapefile, by ending."""


_LAYER = "|layername="


def file_of(path: Path | str) -> Path:
    """Return the file of a name such as ``lakes.gpkg|layername=2020``, as QGIS writes it."""
    return Path(str(path).partition(_LAYER)[0])


def layer_of(path: Path | str) -> str | None:
    """Return the layer of such a name; None when it names none."""
    return str(path).partition(_LAYER)[2] or None


def with_layer(path: Path | str, layer: str) -> str:
    """Return the name of a layer in a file."""
    return f"{path}{_LAYER}{layer}"


def listed(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return the paths that are given: one, or several.

    Raises
    ------
    InputError
        When there is something else among them.

    Examples
    --------
    >>> listed("scenes") == listed(["scenes"]) == [Path("scenes")]
    True
    """
    remedy = N_("give a path, or a list of paths")
    if isinstance(paths, str | os.PathLike):
        return [Path(paths)]
    require(paths, Iterable, "paths", remedy)
    found = list(paths)
    for path in found:
        require(path, (str, os.PathLike), "a path", remedy)
    return [Path(path) for path in found]


def refuse_addresses(*outputs: Path | str) -> None:
    """Refuse outputs that are no files of this computer, such as ``s3://bucket/output``.

    Raises
    ------
    ConfigError
        When one is an address.
    """
    for path in outputs:
        require_path(path)
        if _ADDRESS.match(str(path)):
            raise ConfigError(path, "is an address, and no local path", "name a local folder")


def is_same(one: Path | str, other: Path | str) -> bool:
    """Tell whether two names mean one file or folder, now or on another computer.

    Links are followed, and letters that differ only in case or in their Unicode form are the
    same: on some systems they are.
    """
    return not _identities(Path(one)).isdisjoint(_identities(Path(other)))


def lies_in(path: Path | str, folder: Path | str) -> bool:
    """Tell whether a path is a folder, or lies in it, by its own name or by what it links to."""
    outer = _identities(Path(folder))
    return any(
        not outer.isdisjoint(_names(above))
        for way in _ways(Path(path))
        for above in (way, *way.parents)
    )


def keep_apart(
    outputs: Iterable[Path | str], inputs: Iterable[Path | str], *, folder: bool = False
) -> None:
    """Refuse outputs that would replace an input or come into one.

    Parameters
    ----------
    outputs : iterable of path-like
        Files to be written, or folders for results.
    inputs : iterable of path-like
        Files and folders that are read; of a shapefile the main part.
    folder : bool
        The outputs are folders that shall hold nothing but results: no input may lie in them.

    Raises
    ------
    OverlapError
        When an output is an input, a part of one, or lies in one; for folders also when an input
        lies in an output. Names are compared as :func:`is_same` does.

    Examples
    --------
    >>> keep_apart(["lakes.gpkg"], ["glaciers.gpkg"])
    >>> keep_apart(["aoi.gpkg"], ["AOI.gpkg"])
    Traceback (most recent call last):
    ...
    glacial_lakes.errors.OverlapError: GL2001 aoi.gpkg: would replace the input AOI.gpkg; ...
    """
    given = [file_of(path) for path in inputs]
    for output in map(Path, outputs):
        for path in given:
            if any(is_same(one, other) for one in _files(output) for other in _files(path)):
                what = N_("would replace the input {input}")
                raise OverlapError(output, what, "give it a name of its own", input=path)
            if lies_in(output, path):
                what = N_("would be written into the input {input}")
                raise OverlapError(output, what, "give it a place of its own", input=path)
            if folder and lies_in(path, output):
                what = N_("would mix results with the input {input}")
                remedy = N_('give a folder of its own, e.g. "output"')
                raise OverlapError(output, what, remedy, input=path)


def is_plain(name: str) -> bool:
    """Tell whether a name leads to a file below a folder, on every system.

    Names with ``..``, from a root or a drive, or that are none at all, may come from a manifest
    that somebody else wrote.
    """
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind(name)
        if path.is_absolute() or path.drive or path.root or ".." in path.parts or not path.parts:
            return False
    return not set(name) & set("\0\\:")


def _files(path: Path) -> Iterator[Path]:
    """Yield a file and those that are written and read together with it."""
    yield path
    if path.suffix.lower() == ".shp":
        yield from (path.with_suffix(end) for end in SHAPEFILE_PARTS[1:])
        yield path.with_name(f"{path.stem}_fields.csv")


def _ways(path: Path) -> Iterator[Path]:
    """Yield a path as it is named and as it is reached, both from the root."""
    yield Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow links)
    try:
        yield path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return


def _identities(path: Path) -> set[Place]:
    return {name for way in _ways(path) for name in _names(way)}


def _names(way: Path) -> set[Place]:
    """Return what tells a file, whatever its name: its letters, and its number on the disk."""
    letters = unicodedata.normalize("NFC", str(way)).casefold()
    try:
        state = way.stat()
    except (OSError, ValueError):
        return {letters}
    return {letters, (state.st_dev, state.st_ino)} if state.st_ino else {letters}
