"""What a run would read and need, told before it reads a pixel."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from glacial_lakes.events import Listener, SceneRefused, collecting, ignore
from glacial_lakes.mapping.pipeline import bands_read
from glacial_lakes.mapping.strips import HELD_PX
from glacial_lakes.runtime import machine
from glacial_lakes.scenes import tiff_blocks
from glacial_lakes.scenes.raster import (
    AnyLayer,
    Band,
    StackedLayers,
    block_shape,
    open_raster,
    read_header,
)
from glacial_lakes.scenes.remote import is_remote
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.settings import Project
from glacial_lakes.workflow.run import checksums_of, find_scenes, require_reach, tasks_of
from glacial_lakes.workflow.scene_tasks import (
    MEMORY_SHARE,
    SceneTask,
    blocks_of,
    capacity,
    earlier_record,
    sampled,
)


@dataclass(frozen=True, slots=True)
class PlannedScene:
    """What a run would do with a scene."""

    scene_id: str
    path: str
    sensor: str
    level: str
    acquired: datetime
    cloud_percent: float | None
    bytes: int
    """That are read of its images, of those on a server those that are not kept yet; 0 when an
    earlier result holds."""
    is_remote: bool
    is_reused: bool
    """An earlier result still holds: nothing is read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would read and need.

    Parameters
    ----------
    scenes : tuple of PlannedScene
        Sorted by time.
    refused : tuple of SceneRefused
        Scenes that cannot be opened, with the reason.
    jobs : int
        Scenes mapped at a time.
    memory_bytes : int
        Memory of all of them together when it is largest; what is reserved for them is more.
    """

    scenes: tuple[PlannedScene, ...]
    refused: tuple[SceneRefused, ...]
    jobs: int
    memory_bytes: int

    @property
    def bytes(self) -> int:
        """That are read of all images."""
        return sum(scene.bytes for scene in self.scenes)

    @property
    def fetched_bytes(self) -> int:
        """That are fetched from servers."""
        return sum(scene.bytes for scene in self.scenes if scene.is_remote)


def explain(
    project: Project,
    *,
    jobs: int | None = None,
    max_memory: int | None = None,
    on_event: Listener = ignore,
) -> Plan:
    """Tell what a run of a project would read and need; no pixel is read, and nothing is mapped.

    Scenes are opened as by a run: of images on a server the directories of blocks are fetched, and
    kept for the run.

    Parameters
    ----------
    project : Project
    jobs, max_memory
        As of :func:`glacial_lakes.run`.
    on_event : callable, optional
        Called with a :class:`glacial_lakes.events.SceneRefused` for each scene that is left out.

    Returns
    -------
    Plan

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> plan = gl.explain(gl.read_project("project/project.toml"))
    >>> len(plan.scenes) > 1, plan.memory_bytes > 0
    (True, True)
    """
    refused: list[SceneRefused] = []
    scenes = find_scenes(project, collecting(SceneRefused, refused, on_event))
    require_reach(project, scenes)
    output = (project.folder / project.project.output).resolve()
    tasks = tasks_of(project, scenes, checksums_of(project), output)
    planned = [_planned(task) for task in tasks]
    new = [task for task, found in zip(tasks, planned, strict=True) if not found.is_reused]
    most = max_memory or project.limits.memory_bytes
    most = most or int(machine.memory_bytes() * MEMORY_SHARE)
    rows = project.mapping.strip_rows
    if not new:
        return Plan(tuple(planned), tuple(refused), 0, 0)
    grids = [task.scene.grid for task in new]
    room = capacity(grids, jobs or machine.core_count(), most, rows)
    largest = sorted((memory_to_map(task, room.strip_rows) for task in new), reverse=True)
    return Plan(tuple(planned), tuple(refused), room.jobs, sum(largest[: room.jobs]))


PROCESS_BYTES = 380_000_000
"""Python, the libraries, and the block cache of GDAL."""
GROUND_PIXEL_BYTES, DEM_PIXEL_BYTES = 2.4, 2.1
"""A pixel of the scene: its state, kept and packed; height, slope and light of a DEM of 30 m."""
READ_PIXEL_BYTES = 95
"""A pixel of a strip, as wide as what is read: six bands and masks, three times."""


BEYOND_SHARE = 0.1
"""Of the bytes of an area, what is told for lakes that go on beyond it: mostly none is fetched, but
the blocks of one more row or column where a large one does, which only the images can tell."""


def memory_to_map(task: SceneTask, strip_rows: int) -> int:
    """Return the memory that mapping a scene takes, from measurements (``docs/performance.md``)."""
    height, width = task.scene.grid.shape
    extent = blocks_of(task).extent
    strip = int(extent.width) * min(int(extent.height), strip_rows + HELD_PX)
    each = GROUND_PIXEL_BYTES + (0 if task.dem is None else DEM_PIXEL_BYTES)
    return round(PROCESS_BYTES + each * height * width + READ_PIXEL_BYTES * strip)


def _planned(task: SceneTask) -> PlannedScene:
    scene, is_reused = task.scene, earlier_record(task) is not None
    return PlannedScene(
        scene.id,
        scene.path,
        scene.sensor,
        scene.level,
        scene.acquired,
        scene.cloud_percent,
        0 if is_reused else bytes_to_read(task),
        any(is_remote(band.path) for band in scene.bands.values()),
        is_reused,
    )


def bytes_to_read(task: SceneTask) -> int:
    """Return how many bytes of the images of a scene are read to map it."""
    scene, blocks = task.scene, blocks_of(task)
    height, width = blocks.wanted.shape
    windows = [
        blocks.read_window((row, col))
        for row in range(height)
        for col in range(width)
        if blocks.wanted[row, col]
    ]
    looks = sampled(task) or []
    mapped = bands_read(scene, task.settings)
    layers: list[tuple[AnyLayer, int, bool]] = [
        (band, 1, name in mapped) for name, band in scene.bands.items()
    ]
    for layer in (scene.quality, scene.saturation):
        parts = layer.layers if isinstance(layer, StackedLayers) else (layer,)
        layers += [(part, 0, True) for part in parts if part is not None]
    count = sum(
        _bytes_of(band, scene, windows if is_mapped else looks, margin)
        for band, margin, is_mapped in layers
        if isinstance(band, Band)
    )
    goes_on = is_remote(scene.bands["green"].path) and not blocks.wanted.all()
    return round(count * (1 + BEYOND_SHARE)) if goes_on else count


def _bytes_of(band: Band, scene: Scene, windows: Iterable[Window], margin: int) -> int:
    """Return the bytes of the blocks of a band that hold some windows of the scene."""
    factor = max(1, round(band.resolution / scene.grid.resolution))
    shape = read_header(band.path, band.driver).shape
    spans = {
        tuple(
            _span(part, factor, margin if factor > 1 else 0, size)
            for part, size in zip(window.toslices(), shape, strict=True)
        )
        for window in windows
    }
    if is_remote(band.path):
        with open_raster(band.path, band.driver) as image:
            numbers = {number for rows, cols in spans for number in image.touched(rows, cols)}
            return int(image.lacking_bytes(numbers, band.index))
    edges = block_shape(band)
    touched = np.zeros([-(-size // edge) for size, edge in zip(shape, edges, strict=True)], bool)
    for rows, cols in spans:
        touched[
            rows[0] // edges[0] : -(-rows[1] // edges[0]),
            cols[0] // edges[1] : -(-cols[1] // edges[1]),
        ] = True
    return _stored_bytes(band, touched)


def _span(part: slice, factor: int, margin: int, size: int) -> tuple[int, int]:
    start = max(0, part.start // factor - margin)
    return start, min(size, -(-part.stop // factor) + margin)


_IN_ARCHIVE = re.compile(r"/vsi(?:zip|tar)/\{(.+)\}/", re.DOTALL)


def _stored_bytes(band: Band, touched: np.ndarray) -> int:
    """Return the bytes of some blocks as they are stored here."""
    path = Path(band.path)
    if path.is_dir():  # an array of Zarr
        share = float(touched.mean()) if touched.size else 0.0
        return int(share * sum(part.stat().st_size for part in path.rglob("*") if part.is_file()))
    if not path.is_file():
        packed = _IN_ARCHIVE.match(band.path)
        size = Path(packed[1]).stat().st_size // _LAYERS if packed else 0
        return int(size * touched.mean())
    if band.driver == "GTiff":
        with path.open("rb") as stream:

            def read(start: int, count: int) -> bytes:
                stream.seek(start)
                return stream.read(count)

            table = tiff_blocks.read_blocks(read, band.path)
        count = touched.size
        first = (band.index - 1) * count if len(table.sizes) > count else 0
        return int(table.sizes[first : first + count][touched.ravel()].sum())
    return int(path.stat().st_size * touched.mean())


_LAYERS = 8
"""Layers that an archive holds about, of which each takes a share of its size."""
