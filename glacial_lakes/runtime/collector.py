"""Python's collector of cycles, which costs much among very many objects that all last."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Keep Python from looking for cycles while very many objects are made."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


@contextmanager
def collected() -> Iterator[None]:
    """Let go at once of cycles that are made here: a look at the newest objects is quick."""
    with paused():
        yield
        gc.collect(0)
