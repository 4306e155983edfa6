"""What the files of this room tell of the lakes of an inventory.

A file takes part by a function ``of_lakes``: a table of lakes, all of them, gives a table of new
columns with the same index. Nobody lists it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable

import pandas as pd

NAME = "of_lakes"
Measure = Callable[[pd.DataFrame], pd.DataFrame]


@functools.cache
def of_lakes() -> tuple[Measure, ...]:
    """Return the functions of that name, by name of their files."""
    room = importlib.import_module("glacial_lakes.measures")
    names = sorted(module.name for module in pkgutil.iter_modules(room.__path__))
    modules = [importlib.import_module(f"{room.__name__}.{name}") for name in names]
    return tuple(
        getattr(module, NAME)
        for module in modules
        if module.__name__ != __name__ and hasattr(module, NAME)
    )
