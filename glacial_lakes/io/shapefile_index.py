"""The index of a shapefile repeats what the shapes tell of their place: a wrong bit in it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glacial_lakes.errors import DamagedFileError

_HEADER_WORDS, _RECORD_WORDS = 50, 4


def check_index(shp: Path, shx: Path) -> None:
    """Refuse an index that does not fit its shapes; GDAL drops or swaps them without a word.

    Parameters
    ----------
    shp, shx : pathlib.Path
        The shapes and the index, each as long as its header says.

    Raises
    ------
    DamagedFileError
        When an entry leads to no shape of the length that it tells.
    """
    if shx.stat().st_size <= 2 * _HEADER_WORDS:
        return
    entries = np.fromfile(shx, ">u4", offset=2 * _HEADER_WORDS)
    entries = entries[: len(entries) // 2 * 2].reshape(-1, 2).astype(np.int64)
    words = np.memmap(shp, ">u2", mode="r", shape=(shp.stat().st_size // 2,))
    start, length = entries.T
    fits = (start >= _HEADER_WORDS) & (start + _RECORD_WORDS + length <= len(words))
    length_at = start[fits] + 2
    fits[fits] = (words[length_at].astype(np.int64) << 16) + words[length_at + 1] == length[fits]
    if not fits.all():
        raise DamagedFileError(
            shx,
            "does not fit the shapes of {shp}",
            "copy all parts of it",
            shp=shp.name,
        )
