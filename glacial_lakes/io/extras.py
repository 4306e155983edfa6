"""Libraries that are not always installed, asked for where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from glacial_lakes.errors import ConfigError


def lazy_pixels() -> Any:
    """Return :mod:`glacial_lakes.io.lazy_pixels`, which needs xarray.

    Raises
    ------
    ConfigError
        When xarray is not installed, with the command that installs it.
    """
    return optional("xarray", "glacial_lakes.io.lazy_pixels")


def chunked(array: Any, chunks: Any) -> Any:
    """Return an array or a dataset in chunks of dask; as it is for None.

    Raises
    ------
    ConfigError
        When dask is not installed, with the command that installs it.
    """
    if chunks is None:
        return array
    optional("dask", "dask.array")
    return array.chunk(chunks)


def optional(extra: str, module: str) -> Any:
    """Return a module that needs a library of an extra.

    Raises
    ------
    ConfigError
        When the library is not installed, with the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "glacial_lakes":
            raise
        raise ConfigError(
            None,
            "{package} is not installed",
            'install it: python -m pip install "glacial-lakes[{extra}]"',
            package=extra,
            extra=extra,
        ) from None
