"""Compiled loops over pixels: how they are compiled, and kept on disk between processes.

A scene has thousands of candidates of some hundred pixels each. There a call of a library costs
more than its work, so that the loops of this folder are compiled (numba): ``benchmarks/kernels.py``
compares each with its plain counterpart, and the tests hold them equal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from numba import config, njit

from glacial_lakes.kernels import cache

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}
_CONFIGURING = threading.Lock()


def kernel(function: Callable[..., Any], **options: bool) -> Any:
    """Compile a function at its first call, and keep the result on disk for later processes.

    It works without Python's lock, so that threads run side by side; a division by 0 is not
    finite.

    A number that a kernel takes in from another file is imported by its name at the left margin,
    from the file that makes it: then what was compiled with it is out of date when that file
    changes (:func:`glacial_lakes.kernels.cache.sources`).

    What shortens the compilation: kernels that do not call each other many levels deep, since each
    level compiles those below once more; arrays of one layout; types instead of literals, which are
    types of their own; no arrays set or compared as a whole.
    """
    folder = cache.place().folder
    with _keeping_in(folder):
        compiled = njit(cache=folder is not None, **_OPTIONS, **options)  # type: ignore[call-overload]
        return compiled(function)


inner = partial(kernel, no_cpython_wrapper=True)
"""The same for a function that only others of its kind call."""


@contextmanager
def _keeping_in(folder: Path | None) -> Iterator[None]:
    """Tell numba the folder for what is decorated in the block, and for nothing else.

    It asks for its settings (``NUMBA_CACHE_DIR``) when a function is decorated.
    """
    ours = {"CACHE_DIR": str(folder or ""), "CACHE_LOCATOR_CLASSES": ""}
    with _CONFIGURING:
        before = {name: getattr(config, name, "") for name in ours}
        try:
            for name, value in ours.items():
                setattr(config, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(config, name, value)
