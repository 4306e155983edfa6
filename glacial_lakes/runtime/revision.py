"""Which code this is: the version, the commit in a checkout of it, and those of the libraries."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
from functools import cache
from pathlib import Path

import glacial_lakes

PACKAGE = Path(__file__).parents[1]
_ASK = ("-c", "core.fsmonitor=false", "status", "--porcelain=v2", "--branch", "--", PACKAGE.name)
_COMMIT = "# branch.oid "
_SECONDS = 10
_DIGITS = 12
_LIBRARIES = ("numpy", "numba", "scipy", "scikit-image", "pandas", "geopandas", "shapely", "pyproj")


@cache
def code_version(package: Path = PACKAGE) -> str:
    """Return the version of the code that runs, as exactly as it can be told.

    Parameters
    ----------
    package : pathlib.Path
        Folder of the package.

    Returns
    -------
    str
        ``0.2.0`` when it was installed; in a checkout, also by an editable installation,
        ``0.2.0+g0123456789ab``, with ``.dirty`` behind it when a file of the package differs from
        that commit; ``0.2.0+unknown`` where git does not tell.
    """
    version = glacial_lakes.__version__
    root = package.parent
    if not ((root / ".git").exists() and (root / "pyproject.toml").exists()):
        return version
    own = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        lines = subprocess.run(  # noqa: S603 (nothing of it comes from outside)
            ["git", "-C", str(root), *_ASK],  # noqa: S607 (the user's git, wherever it is)
            check=True,
            capture_output=True,
            encoding="utf-8",
            env=own | {"GIT_OPTIONAL_LOCKS": "0"},
            timeout=_SECONDS,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return f"{version}+unknown"
    commits = [line.removeprefix(_COMMIT) for line in lines if line.startswith(_COMMIT)]
    changes = [line for line in lines if not line.startswith("#")]
    ending = ".dirty" if changes else ""
    return f"{version}+g{commits[0][:_DIGITS]}{ending}"


def versions() -> dict[str, str]:
    """Return the versions of the libraries that compute, of GDAL and of PROJ."""
    import rasterio  # noqa: PLC0415 (heavy, and a process that only serves asks for no version)

    found = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return found | {
        "rasterio": rasterio.__version__,
        "GDAL": rasterio.__gdal_version__,
        "PROJ": rasterio.__proj_version__,
    }
