"""All candidates of a scene, each measured once with all that is around it, whatever the strips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.coverage import State
from glacial_lakes.grid import within
from glacial_lakes.mapping import slc_gaps
from glacial_lakes.mapping.candidates import (
    AROUND_PX,
    MOST_BYTES,
    Candidate,
    CutCandidate,
    Measured,
    begin,
    extended,
    object_at,
    objects,
    standing,
    unsettled,
)
from glacial_lakes.mapping.job import Job
from glacial_lakes.mapping.pixels import Pixels, ground_states, read_pixels
from glacial_lakes.mapping.strips import Strip, strips
from glacial_lakes.scenes import keep_open
from glacial_lakes.scenes.raster import block_shape
from glacial_lakes.scenes.remote import is_remote

Bool = NDArray[np.bool_]
States = NDArray[np.uint8]
Place = tuple[int, int]

WORKERS = 2
"""Threads that measure candidates; a run maps several scenes at a time besides."""
COARSE_PX = 12
"""Of two pixels of the coarsest bands, one of them a neighbour."""
AT_A_TIME = 8
"""Candidates that a thread takes at once."""


def measure_all(job: Job, rows: int) -> tuple[States, list[Measured]]:
    """Return the states of the ground, and all outlines in the order of their first pixels.

    A candidate that strips do not hold with all that is around it is read once more, in a window
    of its own; so nothing depends on the strips.
    """
    states = np.zeros(job.scene.grid.shape, np.uint8)
    with ThreadPoolExecutor(WORKERS, "measure") as pool:
        found, cut = _measure_strips(job, rows, states, pool)
        shares = np.array_split(np.array(sorted(cut), int).reshape(-1, 2), WORKERS)
        for measured in pool.map(lambda share: _measure_apart(job, share.tolist()), shares):
            found |= measured
    return states, [one for place in sorted(found) for one in found[place]]


def _measure_strips(
    job: Job, rows: int, states: States, pool: ThreadPoolExecutor
) -> tuple[dict[Place, list[Measured]], list[Place]]:
    """Fill the states, and return what strips hold whole and the first pixels of the rest."""
    found: dict[Place, list[Measured]] = {}
    cut: list[Place] = []
    before: list[Future[dict[Place, list[Measured]]]] = []
    followed: list[CutCandidate] = []
    for strip, seeds in _seeded(job, rows):
        pixels, (first, end) = strip.pixels, strip.core
        _, along = pixels.window.toslices()
        core = pixels.cut(Window(along.start, first, pixels.window.width, end - first))
        ground = ground_states(core)
        if job.model is not None:
            ground[job.model.unknown(core.window) & (ground == State.LAND)] = State.UNCERTAIN
        states[first:end, along] = ground
        if job.look is not None:
            job.look(core.window, core.reflectance)
        if job.fields is not None:
            job.fields.keep_pixels(core, seeds[within(core.window, pixels.window)])
        whole, continuing, apart, beyond = _candidates(job, strip, seeds)
        found |= {one.first: [unsettled(one, pixels.window)] for one in beyond}
        parts = (whole[place : place + AT_A_TIME] for place in range(0, len(whole), AT_A_TIME))
        measuring = [pool.submit(_measured, job, pixels, part) for part in parts]
        ended, followed, left = _follow(job, strip, seeds, followed, continuing)
        measuring += [pool.submit(_measured, job, one.pixels(), [one.candidate]) for one in ended]
        cut += apart + left
        # The strip before must be done with: its pixels make room for those to come.
        for part in before:
            found |= part.result()
        before = measuring
    for part in before:
        found |= part.result()
    return found, cut


def _seeded(job: Job, rows: int) -> Iterator[tuple[Strip, Bool]]:
    """Yield the strips with their seeds, of which those that two of them share are found once."""
    seeds, known = np.zeros((0, 0), bool), Window(0, 0, 0, 0)
    for strip in strips(job.scene, job.bands, lambda: job.terrain, job.blocks, rows, job.path):
        pixels, window = strip.pixels, strip.pixels.window
        # What gaps hid may be known now.
        settled = int(known.row_off + known.height) - slc_gaps.MAX_GAP_ROWS
        new = min(max(settled, int(window.row_off)), int(window.row_off + window.height))
        kept = seeds[int(window.row_off - known.row_off) :][: new - int(window.row_off)]
        rest = Window(window.col_off, new, window.width, window.row_off + window.height - new)
        fresh = job.seeds(pixels.cut(rest))
        seeds, known = np.concatenate([kept, fresh]) if len(kept) else fresh, window
        yield strip, seeds


def _measured(
    job: Job, pixels: Pixels, candidates: Sequence[Candidate]
) -> dict[Place, list[Measured]]:
    return {one.first: job.measure(pixels, one) for one in candidates}


def _candidates(
    job: Job, strip: Strip, seeds: Bool
) -> tuple[list[Candidate], list[Candidate], list[Place], list[Candidate]]:
    """Return the candidates that begin in a strip.

    Those that it holds with all that is around, those that go on below, the first pixels of such
    that blocks cut that are not read, and those of which no part that is read is near enough to
    be wanted.
    """
    grid, pixels, (first, end) = job.scene.grid, strip.pixels, strip.core
    last, bottom = end - int(pixels.window.row_off), pixels.window.row_off + pixels.window.height
    begun = [one for one in objects(seeds, pixels.window, last) if one.first[0] >= first]
    whole, continuing, apart, beyond = [], [], [], []
    for one, near in zip(begun, job.blocks.reached([one.extent for one in begun]), strict=True):
        needed = grid.around(one.extent, AROUND_PX)
        if not near and (strip.is_last or one.extent.row_off + one.extent.height < bottom):
            beyond.append(one)
        elif not near or not job.blocks.hold(needed):
            apart.append(one.first)
        elif pixels.covers(needed):
            whole.append(one)
        else:
            continuing.append(one)
    return whole, continuing, apart, beyond


def _follow(
    job: Job,
    strip: Strip,
    seeds: Bool,
    followed: Sequence[CutCandidate],
    begun: Sequence[Candidate],
) -> tuple[list[CutCandidate], list[CutCandidate], list[Place]]:
    """Return the objects that end in a strip, those that go on, and the first pixels of the rest.

    The rest have no room, or lie partly where nothing is read.
    """
    pixels, grid = strip.pixels, job.scene.grid
    ended: list[CutCandidate] = []
    going_on: list[CutCandidate] = []
    left: list[Place] = []
    room = MOST_BYTES
    for one in (
        *(extended(one, pixels, seeds, is_last=strip.is_last) for one in followed),
        *(begin(one, pixels, seeds, is_last=strip.is_last) for one in begun),
    ):
        room -= one.size_bytes
        read = job.blocks.hold(grid.around(one.candidate.extent, AROUND_PX))
        state = standing(one, grid) if read and room >= 0 else "beyond"
        if state == "whole":
            ended.append(one)
        elif state == "goes on":
            going_on.append(one)
        else:
            left.append(one.candidate.first)
    return ended, going_on, left


def _measure_apart(job: Job, pixels: Sequence[Place]) -> dict[Place, list[Measured]]:
    """Measure the candidates of some pixels, each in a window that holds all of it."""
    found: dict[Place, list[Measured]] = {}
    with keep_open():
        for row, col in pixels:
            found |= _measure_around(job, row, col)
    return found


def _measure_around(job: Job, row: int, col: int) -> dict[Place, list[Measured]]:
    extent, pad = Window(col, row, 1, 1), 4 * AROUND_PX
    while True:
        window = job.scene.grid.around(extent, pad)
        if is_remote(job.scene.bands["green"].path):
            window = fetched_with(
                job.scene.grid.around(extent, AROUND_PX),
                block_shape(job.scene.bands["green"]),
                job.scene.grid.shape,
            )
        pixels = read_pixels(job.scene, job.bands, window, job.terrain, job.path)
        seeds = job.seeds(pixels)
        one = object_at(row, col, seeds, window)
        extent = one.extent
        if pixels.covers(job.scene.grid.around(extent, AROUND_PX)):
            break
        pad = AROUND_PX + max(int(extent.height), int(extent.width)) // 2
    part = object_at(row, col, seeds & job.blocks.read(window), window)
    if not job.blocks.reached([part.extent]).all():  # as its strip would have said
        return {part.first: [unsettled(part, window)]}
    return _measured(job, pixels, [one])


def fetched_with(needed: Window, block: tuple[int, int], shape: tuple[int, int]) -> Window:
    """Return what is fetched from a server with a window anyway: the blocks that it touches.

    Short of their end by a pixel of coarser bands, which are interpolated from one beyond.

    Parameters
    ----------
    needed : Window
    block : tuple of int
        Rows and columns of a block.
    shape : tuple of int
        Rows and columns of all.
    """
    edges = []
    for part, edge, size in zip(needed.toslices(), block, shape, strict=True):
        start, end = part.start // edge * edge, min(-(-part.stop // edge) * edge, size)
        first = start if start == 0 else min(part.start, start + COARSE_PX)
        last = end if end == size else max(part.stop, end - COARSE_PX)
        edges.append((first, last))
    return Window.from_slices(*edges)
