"""What GDAL can read here: a driver that is missing is no fault of the file."""

from __future__ import annotations

import functools
from pathlib import Path

from glacial_lakes.errors import N_, InputError

_INSTEAD = {"KML": ("LIBKML",)}
"""Drivers that read a format as well."""


def require_raster_driver(driver: str, path: Path | str | None) -> None:
    """Refuse a raster that GDAL has no driver for, whatever the raster is like.

    Raises
    ------
    InputError
        Where an environment (``GDAL_SKIP``) or the build of GDAL leaves the driver out.
    """
    import rasterio  # noqa: PLC0415 (who reads vectors alone does without)

    with rasterio.Env() as env:
        known = env.drivers()
    if driver not in known:
        raise _lacking(driver, path, "rasterio")


def require_vector_driver(driver: str, path: Path | str | None) -> None:
    """Refuse a vector file that GDAL has no driver for, as :func:`require_raster_driver` does."""
    if _vector_drivers().isdisjoint((driver, *_INSTEAD.get(driver, ()))):
        raise _lacking(driver, path, "pyogrio")


@functools.cache
def _vector_drivers() -> frozenset[str]:
    import pyogrio  # noqa: PLC0415 (who reads images alone does without)

    return frozenset(pyogrio.list_drivers())


def _lacking(driver: str, path: Path | str | None, library: str) -> InputError:
    return InputError(
        path,
        "cannot be read here: the GDAL of {library} has no driver {driver}",
        N_("unset GDAL_SKIP, or install {library} from PyPI or conda-forge"),
        library=library,
        driver=driver,
    )
