"""Work on long arrays of geometries in a thread a core: GEOS works without Python's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.runtime import machine

Objects = NDArray[np.object_]
Item = TypeVar("Item")
Result = TypeVar("Result")

_WORTH_A_THREAD = 100
"""Geometries below which a thread costs more than it saves."""
_AT_ONCE = 1000
"""Geometries that a thread takes together; bounds the memory."""


def in_threads(function: Callable[..., NDArray[Any]], *arrays: Objects) -> NDArray[Any]:
    """Apply a function that works without Python's lock, element by element.

    Parameters
    ----------
    function : callable
        Takes arrays of one length and returns one of that length.
    *arrays : numpy.ndarray of geometry
        Its arguments.

    Returns
    -------
    numpy.ndarray
        What one call would return.
    """
    count = len(arrays[0])
    size = -(-count // machine.core_count())
    if size < _WORTH_A_THREAD:
        return function(*arrays)
    size = min(size, _AT_ONCE)
    parts = [slice(start, start + size) for start in range(0, count, size)]
    with ThreadPoolExecutor(min(len(parts), machine.core_count())) as pool:
        done = pool.map(lambda part: function(*(array[part] for array in arrays)), parts)
        return np.concatenate(list(done))


def one_ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the result of a function for each item, and get the next item meanwhile.

    Parameters
    ----------
    function : callable
        Best one that works without Python's lock.
    items : iterable
        Best a generator that takes time; it is run in the thread of the caller.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for item in items:
            coming = pool.submit(function, item)
            if waiting is not None:
                yield waiting.result()
            waiting = coming
        if waiting is not None:
            yield waiting.result()
