"""A project of three sample scenes, and what a run of it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from glacial_lakes.io import atomic
from glacial_lakes.io.marks import MARK_NAME
from glacial_lakes.scenes import products
from glacial_lakes.settings import Project, read_project
from glacial_lakes.workflow import map_files, read_ahead
from glacial_lakes.workflow import run as workflow

PRODUCTS = (
    "LT05_L2SP_151030_20030817_20200904_02_T1",
    "LE07_L2SP_151030_20060817_20200904_02_T1",
    "LT05_L2SP_151030_20090724_20200904_02_T1",
)
"""Three small scenes; the first two are the same season of other years."""

Tree = dict[str, str]
Maker = Callable[..., Path]


def project_of(path: Path) -> Project:
    return read_project(path, environment={})


def tree(project: Path) -> Tree:
    """Return the SHA-256 of every result; the records of scenes hold times of change."""
    output = project.parent / "output"
    return {
        path.relative_to(output).as_posix(): atomic.sha256(path)
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name not in {"done.json", MARK_NAME}
    }


def spoil(project: Path, product: str) -> None:
    """Cut the green band short, as a broken download does."""
    (band,) = (project.parent / "scenes" / product).glob("*_SR_B2.TIF")
    band.write_bytes(band.read_bytes()[: band.stat().st_size // 2])


class _CallsHere(ThreadPoolExecutor):
    """Takes the place of an executor that starts a process for each call."""

    def __init__(self, max_workers: int, **limits: object) -> None:
        super().__init__(max_workers)


def _in_turn_here(call: Callable[[Any], Any], items: Iterable[Any], **limits: object) -> Iterator:
    for item in items:
        try:
            yield call(item)
        except Exception as error:  # noqa: BLE001 (handed over, as from another process)
            yield error


@contextmanager
def in_this_process() -> Iterator[None]:
    """Let runs open and map scenes here: each process would load for two seconds what is here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "in_turn", _in_turn_here)
        patch.setattr(map_files, "in_turn", _in_turn_here)
        patch.setattr(read_ahead, "in_turn", _in_turn_here)
        patch.setattr(workflow, "ProcessPerCall", _CallsHere)
        yield
