"""Compiled loops over pixels: how they are compiled, and kept on disk between processes.

A scene has thousands of candidates of some hundred pixels each. There a call of a library costs
more than its work, so that the loops of this folder are compiled (numba): ``benchmarks/kernels.py``
compares each with its plain counterpart, and the tests hold them equal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from numba import njit


def _stamp(package: Path) -> tuple[int, int]:
    """Return what changes with any source file of a package: the last time and the total size."""
    states = [path.stat() for path in package.rglob("*.py")]
    latest = max((state.st_mtime_ns for state in states), default=0)
    return latest, sum(state.st_size for state in states)


_SOURCES = _stamp(Path(__file__).parents[1])
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}


def kernel(function: Callable[..., Any], **options: bool) -> Any:
    """Compile a function at its first call, and keep the result on disk for later processes.

    It works without Python's lock, so that threads run side by side; a division by 0 is not
    finite.

    What shortens the compilation: kernels that do not call each other many levels deep, since each
    level compiles those below once more; arrays of one layout; types instead of literals, which are
    types of their own; no arrays set or compared as a whole.
    """
    compiled = njit(**_OPTIONS, **options)(function)  # type: ignore[call-overload]
    # Numba keeps a result while the file of the function is unchanged. Yet what it calls, and the
    # numbers that it takes in, come from other files too, and are compiled into it.
    kept = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if kept is not None:
        kept._source_stamp = kept._source_stamp, _SOURCES
    return compiled


inner = partial(kernel, no_cpython_wrapper=True)
"""The same for a function that only others of its kind call."""
