"""The catalogue that a person names on the command line: a project file, or the list itself."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from glacial_lakes.columns import C
from glacial_lakes.errors import ConfigError, VectorError
from glacial_lakes.ingest.fields import NAMES, recognise
from glacial_lakes.inventory.catalogue import Catalogue, column_names, read_catalogue
from glacial_lakes.settings import CatalogueSettings, read_project

_ID_TOO = (C.LAKE_ID, "id", "number", "no", "№", "код")
"""Names that a list of lakes has for its numbers besides those of outlines."""


def named_catalogue(path: Path | str, encoding: str | None = None) -> Catalogue:
    """Read the partner's catalogue from a project file, or from a file with usual names of columns.

    Parameters
    ----------
    path : path-like
        A ``.toml`` with the table ``[catalogue]``, or the list of lakes: a vector file, or a table
        with coordinates.
    encoding : str, optional
        Text encoding of a list that does not tell it; a project file names its own.

    Returns
    -------
    Catalogue

    Raises
    ------
    ConfigError
        When a project file names no catalogue.
    VectorError
        When the list cannot be read, or no column looks like numbers of lakes.
    """
    path = Path(path)
    if path.suffix.lower() == ".toml":
        project = read_project(path)
        found = read_catalogue(project.catalogue, project.folder)
        if found is None:
            raise ConfigError(path, "names no catalogue", "set file and id in [catalogue]")
        return found
    wanted = [*chain(*NAMES.values()), *_ID_TOO]
    try:
        columns = column_names(path, wanted)
        encoding = None
    except VectorError:
        if encoding is None:
            raise
        columns = column_names(path, wanted, encoding)
    named = recognise(path, columns)
    lower = {name.lower(): name for name in reversed(columns)}
    spare = next((lower[name] for name in (*NAMES[C.LAKE_ID], *_ID_TOO) if name in lower), None)
    number = named.get(C.CATALOGUE_NO, spare)
    if number is None:
        raise VectorError(
            path,
            "does not tell which column holds the numbers",
            "name it in [catalogue] of a project file, and give that file instead",
        )
    settings = CatalogueSettings(
        file=path.name,
        id=number,
        name=named.get(C.LAKE_NAME),
        district=named.get(C.DISTRICT),
        comment=named.get(C.COMMENT),
        encoding=encoding,
    )
    read = read_catalogue(settings, path.absolute().parent)
    assert read is not None  # noqa: S101 (for the type checker: a file is named)
    return read
