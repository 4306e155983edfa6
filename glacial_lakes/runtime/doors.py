"""What a process never does: run what lies in the folder it works in, or ask the network.

Files come from anywhere. A module in a folder of data must not be taken for one of the libraries,
and no text in a file may make GDAL or PROJ send a request.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path

PACKAGE_HOME = Path(__file__).parents[2]
"""The folder that the package itself is imported from."""

NO_PROXY_AT_ALL = "none://"
"""A proxy of a kind that curl does not know: it gives up before it opens a connection."""

OFFLINE: Mapping[str, str] = {
    "GDAL_HTTP_PROXY": NO_PROXY_AT_ALL,
    "GDAL_HTTPS_PROXY": NO_PROXY_AT_ALL,
    "GML_DOWNLOAD_SCHEMA": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{noext}",
}
"""Settings of GDAL with which it asks nobody."""

_PROXY_FREE = ("no_proxy", "NO_PROXY")
"""Hosts that curl would reach without the proxy."""


def import_path(entries: Sequence[str] | None = None, *, beside_script: bool = False) -> list[str]:
    """Return where modules may come from: neither the working folder, nor beside the script.

    A folder stays where the package itself lies in it: then it is a checkout and no data.

    Parameters
    ----------
    entries : sequence of str, optional
        As in ``sys.path``, which is taken by default. Empty and relative ones mean the working
        folder or one below it.
    beside_script : bool
        Modules may lie beside the script that runs.
    """
    data = _open_to_all(beside_script)
    kept = []
    for entry in sys.path if entries is None else entries:
        place = Path(entry).absolute()
        is_own = _is_one(place, PACKAGE_HOME)
        if is_own or not any(_is_one(place, folder) for folder in data):
            kept.append(str(place))
    return kept


def leave_working_folder() -> None:
    """Import nothing more from the working folder in this process."""
    sys.path[:] = import_path(beside_script=True)


def go_offline(environment: MutableMapping[str, str]) -> None:
    """Set the variables with which GDAL and PROJ ask nobody, in this process and its children.

    For programs: who calls the library from a program of their own decides for that program.
    """
    environment.update(OFFLINE)
    environment["PROJ_NETWORK"] = "OFF"
    for name in _PROXY_FREE:
        environment.pop(name, None)


def _open_to_all(beside_script: bool) -> list[Path]:
    """Return the working folder and, unless it is allowed, that of the script that runs."""
    folders = []
    with suppress(OSError):  # it was removed
        folders.append(Path.cwd())
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if script and not beside_script:
        folders.append(Path(script).absolute().parent)
    return folders


def _is_one(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
