"""Connected pixels of a mask that is mostly empty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.jit import inner, kernel

LOOK = 64
"""Pixels of a row that are looked at together."""


@kernel
def connected(mask, begun, halo):  # type: ignore[no-untyped-def]
    """Return the labels of what is connected over sides or corners, int32, and their extents.

    Equal to ``scipy.ndimage.label``, but its cost follows the runs of pixels in a mask that is
    mostly empty, and it ends where nothing goes on that begins in the first rows.

    Parameters
    ----------
    mask : array of bool, shape (y, x)
        C-contiguous.
    begun : int
        What begins in so many rows is labelled whole; of the rest, what the same rows show.
    halo : int
        Rows below the last of it that are labelled as well.

    Returns
    -------
    labels : array of int32, shape (row, x)
        From 1 on, in the order of first pixels; 0 outside of the mask.
    extents : array of int64, shape (label, 5)
        Number of pixels, first and last row, first and last column.
    """
    height, width = mask.shape
    count = 0
    for row in range(height):
        line = mask[row]
        count += line[0]
        before, here = line[: width - 1], line[1:]
        for col in range(width - 1):
            count += here[col] > before[col]
    runs = np.empty((count, 3), np.int64)  # row, first and end column
    parent = np.arange(count)
    number, above, end = 0, 0, height
    for row in range(height):
        if row >= end:
            break
        first = number
        line = mask[row]
        col = _next(line, 0)
        while col < width:
            begin = col
            while col < width and line[col]:
                col += 1
            runs[number, 0], runs[number, 1], runs[number, 2] = row, begin, col
            number += 1
            col = _next(line, col)
        other = above
        goes_on = row < begun
        for run in range(first, number):
            while other < first and runs[other, 2] < runs[run, 1]:
                other += 1
            near = other
            while near < first and runs[near, 1] <= runs[run, 2]:
                one, two = _root(parent, run), _root(parent, near)
                parent[max(one, two)] = min(one, two)
                near += 1
            goes_on |= runs[_root(parent, run), 0] < begun
        above = first
        if not goes_on and end == height:
            end = min(height, row + halo)
    label = np.zeros(number, np.int32)
    labels = np.zeros((end, width), np.int32)
    extents = np.empty((number, 5), np.int64)
    known = 0
    for run in range(number):
        row, begin, stop = runs[run, 0], runs[run, 1], runs[run, 2]
        root = _root(parent, run)
        if root == run:
            one = extents[known]
            one[0], one[1], one[3], one[4] = 0, row, begin, stop - 1
            known += 1
            label[run] = known
        label[run] = label[root]
        one = extents[label[run] - 1]
        one[0] += stop - begin
        one[2] = row
        one[3], one[4] = min(one[3], begin), max(one[4], stop - 1)
        for col in range(begin, stop):
            labels[row, col] = label[run]
    return labels, extents[:known]


def connected_with(start: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what of a mask is connected with some of its pixels, over sides or corners.

    Examples
    --------
    >>> mask = np.array([[1, 1, 0, 1]], bool)
    >>> connected_with(np.array([[1, 0, 0, 0]], bool), mask).astype(int)
    array([[1, 1, 0, 0]])
    """
    labels, extents = connected(np.ascontiguousarray(mask), mask.shape[0], 0)
    kept = np.zeros(len(extents) + 1, bool)
    kept[labels[start]] = True
    kept[0] = False
    joined: NDArray[np.bool_] = kept[labels]
    return joined


@inner
def _next(line, col):  # type: ignore[no-untyped-def]
    """Return where the next run of a row begins; its length when there is none."""
    size = len(line)
    while col + LOOK <= size:  # at many together, for most rows are empty
        part = line[col : col + LOOK]
        found = False
        for place in range(LOOK):
            found |= part[place]
        if found:
            break
        col += LOOK
    while col < size and not line[col]:
        col += 1
    return col


@inner
def _root(parent, run):  # type: ignore[no-untyped-def]
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run
