"""What this computer has: memory, cores, and PROJ data that belong to another program."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

KEEP_PROJ = "GLACIAL_LAKES_KEEP_PROJ"
PROJ_VARIABLES = ("PROJ_DATA", "PROJ_LIB")


def core_count() -> int:
    """Return the number of cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the memory that this process may use in bytes: the machine's or the container's."""
    if sys.platform == "win32":
        return _windows_memory_bytes()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")
    except OSError:
        return total
    return min(total, int(limit)) if limit.strip().isdigit() else total


def foreign_proj(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that lead rasterio's PROJ to the data of another program.

    The rasterio wheel brings its own ``proj.db``. QGIS, OSGeo4W and PostGIS set ``PROJ_LIB`` or
    ``PROJ_DATA`` for all programs, and PROJ refuses a database of another version. A rasterio
    without its own data (conda, a Linux distribution) needs these variables, and they are no
    fault there.

    Parameters
    ----------
    environment : mapping
        E.g. ``os.environ``.
    """
    package = importlib.util.find_spec("rasterio")
    if package is None or package.origin is None:
        return {}
    own = Path(package.origin).parent / "proj_data"
    if not (own / "proj.db").is_file():
        return {}
    named = {name: environment[name] for name in PROJ_VARIABLES if environment.get(name)}
    return {name: value for name, value in named.items() if Path(value).resolve() != own.resolve()}


def drop_foreign_proj(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Remove the variables of :func:`foreign_proj` and return them; before rasterio is imported.

    Nothing is removed when ``GLACIAL_LAKES_KEEP_PROJ`` is 1.
    """
    if environment.get(KEEP_PROJ) == "1":
        return {}
    found = foreign_proj(environment)
    for name in found:
        del environment[name]
    return found


def _windows_memory_bytes() -> int:
    import ctypes  # noqa: PLC0415 (only there)

    class _Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        ]

    status = _Status(length=ctypes.sizeof(_Status))
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.total)
