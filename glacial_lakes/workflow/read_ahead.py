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

from glacial_lakes.errors import N_, ResourceError
from glacial_lakes.events import ignore
from glacial_lakes.inventory.build import named_basins
from glacial_lakes.inventory.catalogue import read_catalogue
from glacial_lakes.inventory.inventory import LAYERS, is_inventory
from glacial_lakes.inventory.surveys import read_surveys
from glacial_lakes.io.geopackage import read_layers
from glacial_lakes.io.vector import read_rows, spatial_layers
from glacial_lakes.mapping.reach import check_reach
from glacial_lakes.places import file_of, layer_of
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
            if isinstance(outcome, Exception):
                raise _named(outcome, path)


def too_costly(readers: Mapping[Path, Reader], limits: LimitSettings) -> dict[Path, ResourceError]:
    """Try files in a process of their own; return those that ask for more than they may.

    Every other fault is left to whoever reads the file next, and tells it in words that fit.

    Parameters
    ----------
    readers : mapping of pathlib.Path to callable
        What reads each file; picklable.
    limits : LimitSettings
        What one file may cost to read.
    """
    outcomes = in_turn(
        _read, readers.values(), seconds=limits.open_s, memory_bytes=limits.open_memory_bytes
    )
    errors = {
        path: _named(outcome, path)
        for path, outcome in zip(readers, outcomes, strict=True)
        if isinstance(outcome, Exception)
    }
    return {path: error for path, error in errors.items() if isinstance(error, ResourceError)}


def _named(error: Exception, path: Path) -> Exception:
    """Return what a reader raised as an error that names the file."""
    if isinstance(error, ResourceError) and error.path is None:
        return type(error)(path, error.what, error.remedy)
    if isinstance(error, MemoryError):
        remedy = N_("allow more with limits.open_memory_gb")
        return ResourceError(path, "the memory does not suffice", remedy)
    return error


def vector_readers(**places: object) -> dict[Path, Reader]:
    """Return what reads an area of interest (``aoi``), ``glaciers`` or ``basins``, of files."""
    return {
        Path(place): partial(check_reach, (), **{name: place})  # type: ignore[arg-type]
        for name, place in places.items()
        if isinstance(place, Path | str)
    }


def layer_readers(
    *paths: Path | str | None, layer: str | None = None, encoding: str | None = None
) -> dict[Path, Reader]:
    """Return what reads all layers, or the one that is named, of vector files and inventories."""
    return {
        Path(path): partial(_read_layers, path, layer, encoding)
        for path in paths
        if path is not None
    }


def _read_layers(path: Path | str, layer: str | None, encoding: str | None) -> None:
    layer = layer or layer_of(path)
    spatial = [layer] if layer else spatial_layers(path)
    for name in spatial:
        read_rows(path, name, encoding, ignore)
    if not layer and is_inventory(file_of(path)):
        read_layers(file_of(path), [name for name in LAYERS if name not in spatial])


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
    surveys = (project.storage.curves, *project.storage.bathymetry)
    for path in surveys:
        if path is not None:
            readers[project.folder / path] = partial(read_surveys, project.storage, project.folder)
    return readers


def _read(reader: Reader) -> None:
    reader()
