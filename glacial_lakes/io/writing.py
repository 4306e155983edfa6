"""What libraries say when a file cannot be written, as our error: they know no full disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from shapely.errors import GEOSException

from glacial_lakes.errors import OutputError
from glacial_lakes.io.reasons import plain_reason

_REASONS = (
    DataSourceError,
    DataLayerError,
    FeatureError,
    GEOSException,
    sqlite3.Error,
    UnicodeError,
)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be written, or not be read back as it was written.

    Raises
    ------
    OutputError
    """
    try:
        yield
    except _REASONS as error:
        raise OutputError(
            path, "cannot be written: {reason}", "check the disk", reason=plain_reason(error)
        ) from error
