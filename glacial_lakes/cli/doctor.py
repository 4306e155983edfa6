"""What of the installation works, what does not, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from glacial_lakes.errors import N_, Message, reason
from glacial_lakes.runtime import machine
from glacial_lakes.runtime.findings import Finding, State
from glacial_lakes.runtime.revision import code_version

RASTER_DRIVERS = ("GTiff", "JP2OpenJPEG")
VECTOR_DRIVERS = ("GPKG", "ESRI Shapefile", "GeoJSON", "FlatGeobuf", "LIBKML")
LEAST_MEMORY_BYTES = 3 * 2**30
"""Two full Sentinel-2 tiles at a time (1.2 GiB each) and the system."""
LEAST_DISK_BYTES = 2**30


def examine(environment: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at versions, drivers, PROJ and GDAL data, memory, disk, compiled code and text.

    Parameters
    ----------
    environment : mapping of str to str, optional
        The variables as the user has them; ``os.environ`` when None.

    Returns
    -------
    list of Finding
        In the order in which a reader should see them.
    """
    variables = os.environ if environment is None else environment
    return [
        *_versions(),
        *_libraries(),
        *_variables(variables),
        *_resources(),
        *_text(),
    ]


def _versions() -> Iterator[Finding]:
    yield Finding("Python", "ok", f"{platform.python_version()} ({sys.executable})")
    yield Finding("system", "ok", platform.platform())
    yield Finding("glacial-lakes", "ok", code_version())
    for name in ("numpy", "numba", "scipy", "scikit-image", "pandas", "geopandas"):
        try:
            yield Finding(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(
                name, "note", "not installed", Message("python -m pip install {name}", name=name)
            )


def _libraries() -> Iterator[Finding]:
    for look in (_rasterio, _pyogrio, _pyproj, _shapely, _numba):
        try:
            yield from look()
        except (ImportError, OSError) as error:  # the library of another program, a broken wheel
            name = look.__name__.removeprefix("_")
            remedy = Message("python -m pip install --force-reinstall {name}", name=name)
            yield Finding(name, "fault", reason(error), remedy)


def _rasterio() -> Iterator[Finding]:
    import rasterio  # noqa: PLC0415 (any of these may be the broken one)
    from rasterio.crs import CRS  # noqa: PLC0415
    from rasterio.errors import CRSError  # noqa: PLC0415

    libraries = f"GDAL {rasterio.__gdal_version__}, PROJ {rasterio.__proj_version__}"
    yield Finding("rasterio", "ok", f"{rasterio.__version__} ({libraries})")
    with rasterio.Env() as env:
        yield from _drivers("rasterio", RASTER_DRIVERS, env.drivers())
    try:
        CRS.from_epsg(32643)
    except CRSError as error:
        remedy = N_("unset PROJ_LIB and PROJ_DATA, then start again")
        yield Finding("rasterio PROJ", "fault", reason(error), remedy)


def _pyogrio() -> Iterator[Finding]:
    import pyogrio  # noqa: PLC0415

    libraries = f"GDAL {pyogrio.__gdal_version_string__}"
    yield Finding("pyogrio", "ok", f"{pyogrio.__version__} ({libraries})")
    yield from _drivers("pyogrio", VECTOR_DRIVERS, pyogrio.list_drivers())


def _pyproj() -> Iterator[Finding]:
    import pyproj  # noqa: PLC0415

    libraries = f"PROJ {pyproj.proj_version_str}"
    yield Finding("pyproj", "ok", f"{pyproj.__version__} ({libraries})")
    try:
        pyproj.CRS.from_epsg(32643)
    except pyproj.exceptions.ProjError as error:
        remedy = N_("unset PROJ_LIB and PROJ_DATA, then start again")
        yield Finding("pyproj PROJ", "fault", reason(error), remedy)


def _shapely() -> Iterator[Finding]:
    import shapely  # noqa: PLC0415

    yield Finding("shapely", "ok", f"{shapely.__version__} (GEOS {shapely.geos_version_string})")


def _numba() -> Iterator[Finding]:
    from glacial_lakes.kernels import cache  # noqa: PLC0415

    if cache.is_off():
        remedy = N_("unset NUMBA_DISABLE_JIT, then start again")
        yield Finding(
            "compiled code", "fault", "NUMBA_DISABLE_JIT is set: a map takes hours", remedy
        )
        return
    place = cache.place()
    remedy = "" if place.lasting else N_("set NUMBA_CACHE_DIR to a folder that lasts")
    if place.folder is None:
        yield Finding("compiled code", "note", "not kept: each process compiles anew", remedy)
    else:
        state: State = "ok" if place.lasting else "note"
        yield Finding("compiled code", state, str(place.folder), remedy)


def _drivers(
    library: str, needed: tuple[str, ...], present: Mapping[str, str]
) -> Iterator[Finding]:
    missing = [name for name in needed if name not in present]
    if missing:
        remedy = Message(
            "install {library} from PyPI or conda-forge; unset GDAL_SKIP", library=library
        )
        yield Finding(
            Message("{library} drivers", library=library),
            "fault",
            Message("no {missing}", missing=missing),
            remedy,
        )
    else:
        yield Finding(Message("{library} drivers", library=library), "ok", ", ".join(needed))


def _variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name, value in machine.foreign_proj(environment).items():
        if environment.get(machine.KEEP_PROJ) == "1":
            remedy = Message(
                "unset {name}, or {keep}, if a CRS cannot be found",
                name=name,
                keep=machine.KEEP_PROJ,
            )
        else:
            remedy = Message(
                "the commands of glacial-lakes leave it aside; in notebooks, unset {name}",
                name=name,
            )
        yield Finding(
            name, "note", Message("{value} belongs to another program", value=value), remedy
        )
    for name in ("GDAL_DATA", "GDAL_DRIVER_PATH"):
        if environment.get(name):
            remedy = Message("unset {name} if a file or driver cannot be opened", name=name)
            yield Finding(
                name,
                "note",
                Message("{value} belongs to another program", value=environment[name]),
                remedy,
            )


def _resources() -> Iterator[Finding]:
    memory_bytes = machine.memory_bytes()
    few = memory_bytes < LEAST_MEMORY_BYTES
    remedy = N_("run with --jobs 1 and --max-memory 1GB") if few else ""
    yield Finding(
        "memory",
        "note" if few else "ok",
        Message("{size:.1f} GiB", size=memory_bytes / 2**30),
        remedy,
    )
    yield Finding("cores", "ok", str(machine.core_count()))
    folder = None
    try:
        folder = Path(tempfile.gettempdir())
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError as error:
        remedy = N_("set TMPDIR (Windows: TEMP) to a folder with room")
        yield Finding(
            "temporary folder",
            "fault",
            Message("{folder}: {reason}", folder=folder or "–", reason=error),
            remedy,
        )
        return
    free_bytes = shutil.disk_usage(folder).free
    few = free_bytes < LEAST_DISK_BYTES
    remedy = N_("free the disk, or set TMPDIR (Windows: TEMP) to another") if few else ""
    value = Message("{folder} ({free:.1f} GiB free)", folder=folder, free=free_bytes / 2**30)
    yield Finding("temporary folder", "note" if few else "ok", value, remedy)


def _text() -> Iterator[Finding]:
    console = getattr(sys.stdout, "encoding", None) or "unknown"
    names = Message(
        "console {console}, file names {names}", console=console, names=sys.getfilesystemencoding()
    )
    narrow = not console.lower().startswith("utf")
    remedy = N_("set PYTHONUTF8=1 if letters are shown as question marks") if narrow else ""
    yield Finding("text", "note" if narrow else "ok", names, remedy)
