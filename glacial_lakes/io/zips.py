"""Zips as computers pack them."""

from __future__ import annotations

import zipfile
from pathlib import Path


def open_zip(path: Path | str) -> zipfile.ZipFile:
    r"""Return an opened zip whose names have ``/``, also where Windows packed them with ``\``.

    Windows PowerShell before 5.1 packs so. GDAL takes these names likewise.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    zipfile.BadZipFile
        When it is none.

    Examples
    --------
    >>> with open_zip("scene.zip") as archive:  # doctest: +SKIP
    ...     archive.namelist()
    ['scene.SAFE/MTD_MSIL2A.xml']
    """
    archive = zipfile.ZipFile(path)
    for item in archive.infolist():
        item.filename = item.filename.replace("\\", "/")
    archive.NameToInfo = {item.filename: item for item in archive.infolist()}
    return archive
