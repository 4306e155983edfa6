"""Ctrl-C that is not lost.

Python raises ``KeyboardInterrupt`` wherever the program is. Where that is a ``__del__`` or a
callback of a library, nobody can catch it: Python drops it, and the program goes on.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Handler:
    """Raises as Python's own handler does, and remembers it."""

    came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        signal.default_int_handler(number, frame)


@contextmanager
def remembered() -> Iterator[None]:
    """Remember Ctrl-C in the block; its end raises it again, :func:`raise_if_interrupted` earlier.

    For programs, not for the library: who calls that decides what Ctrl-C does. Outside of the
    main thread, and where Ctrl-C does not raise ``KeyboardInterrupt``, nothing changes.

    Raises
    ------
    KeyboardInterrupt
        At the end, when Ctrl-C came at any time, whatever became of it: an error as well may be
        what a library made of it.
    """
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    handler, tell = _Handler(), sys.unraisablehook

    def tell_others(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):  # that one is not lost
            tell(dropped)

    signal.signal(signal.SIGINT, handler)
    sys.unraisablehook = tell_others
    try:
        yield
    finally:
        sys.unraisablehook = tell
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if handler.came:
            raise KeyboardInterrupt


def raise_if_interrupted() -> None:
    """Raise ``KeyboardInterrupt`` when Ctrl-C came and Python dropped it; long loops ask."""
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, _Handler) and handler.came:
        raise KeyboardInterrupt
