"""Warnings of libraries that need not be heard, silenced in the thread that asks and in no other.

``warnings.catch_warnings`` changes what the whole process hears: of two threads that leave it in
another order than they came, one leaves its filters to everybody.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

_LOCK = threading.Lock()


class _Asked(threading.local):
    """Stands in a filter for the pattern of a message: it fits while this thread asks."""

    depth = 0

    def match(self, _: str) -> bool:
        """Tell whether a warning of this thread is silenced."""
        return self.depth > 0


_asked: dict[type[Warning], _Asked] = {}


@contextmanager
def quiet(category: type[Warning]) -> Iterator[None]:
    """Hear no warnings of a category in the block; those of other threads are heard.

    Parameters
    ----------
    category : type
        Of the warnings, with those derived from it.
    """
    with _LOCK:
        here = _asked.setdefault(category, _Asked())
        _put_first(("ignore", here, category, None, 0))
    here.depth += 1
    try:
        yield
    finally:
        here.depth -= 1


def _put_first(item: tuple[Any, ...]) -> None:
    """Put a filter before those that others have set meanwhile; it stays, for it fits nobody else.

    ``warnings.filterwarnings`` takes patterns as texts only.
    """
    filters = cast("list[tuple[Any, ...]]", warnings.filters)
    if filters and filters[0] == item:
        return
    if item in filters:
        filters.remove(item)
    filters.insert(0, item)
