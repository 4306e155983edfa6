"""Inputs besides scenes, read once apart from this process, before it reads them itself.

A small file can ask for much: a query that never ends behind a layer, a polygon that crosses itself
a million times. It then ends a process that has limits, and the run says which file it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from glacial_lakes.errors import N_, GlacialLakesError, ResourceError
from glacial_lakes.inventory.build import named_basins
from glacial_lakes.inventory.catalogue import read_catalogue
from glacial_lakes.mapping.reach import check_reach
from glacial_lakes.runtime.processes import in_turn
from glacial_lakes.scenes.dem import examine
from glacial_lakes.settings import LimitSettings, Project

Reader = Callable[[], object]


@contextmanager
def read_ahead(readers: Mapping[Path, Reader], limits: LimitSettings | None) -> Iterator[None]:
    """Try inputs in a process of their own while the block runs.

    Parameters
    ----------
    readers : mapping of pathlib.Path to callable
        What reads each file; picklable.
    limits : LimitSettings or None
        What one file may cost to read. Without them nothing is tried.

    Raises
    ------
    GlacialLakesError
        At the end of the block, for the first file that cannot be read, or not within the limits.
    """
    if limits is None or not readers:
        yield
        return
    outcomes = in_turn(
        _read, readers.values(), seconds=limits.open_s, memory_bytes=limits.open_memory_bytes
    )
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(list, outcomes)
        yield
        for path, outcome in zip(readers, reading.result(), strict=True):
            if isinstance(outcome, ResourceError) and outcome.path is None:
                raise type(outcome)(path, outcome.what, outcome.remedy)
            if isinstance(outcome, GlacialLakesError):
                raise outcome
            if isinstance(outcome, MemoryError):
                remedy = N_("allow more with limits.open_memory_gb")
                raise ResourceError(path, "the memory does not suffice", remedy)
            if isinstance(outcome, Exception):
                raise outcome


def vector_readers(**places: object) -> dict[Path, Reader]:
    """Return what reads an area of interest (``aoi``), ``glaciers`` or ``basins``, of files."""
    return {
        Path(place): partial(check_reach, (), **{name: place})  # type: ignore[arg-type]
        for name, place in places.items()
        if isinstance(place, Path | str)
    }


def readers_of(project: Project) -> dict[Path, Reader]:
    """Return what reads each input that a project names besides scenes."""
    named = {"aoi": project.area.aoi, "glaciers": project.inputs.glaciers}
    readers = vector_readers(
        **{name: project.folder / path for name, path in named.items() if path is not None}
    )
    if project.inputs.dem is not None:
        dem = project.folder / project.inputs.dem
        readers[dem] = partial(examine, dem)
    if project.area.basins is not None:
        basins = project.folder / project.area.basins
        readers[basins] = partial(named_basins, basins, project.area.basin_field)
    if project.catalogue.file is not None:
        catalogue = project.folder / project.catalogue.file
        readers[catalogue] = partial(read_catalogue, project.catalogue, project.folder)
    return readers


def _read(reader: Reader) -> None:
    reader()
