"""Lines along a level of a field (marching squares), as rings of vertices."""

from __future__ import annotations

import numpy as np

from glacial_lakes.kernels.jit import inner, kernel


@kernel
def contour_lines(field, level):  # type: ignore[no-untyped-def]
    """Return the lines along which a field crosses a level (marching squares), closed.

    Values stand for pixel centres; beyond the array all is 0, which must be below the level. The
    higher side lies to the left of a line, with y pointing up. Where two corners of a square are
    high, they are not joined over its middle.

    Returns
    -------
    x, y : array of float64
        Vertices in pixels from the upper left corner, one ring after the other.
    starts : array of int64
        Where each ring begins, and the number of vertices.
    areas : array of float64
        Signed area of each ring in pixels: above 0 around high ground, below 0 around low.
    """
    height, width = field.shape[0] + 2, field.shape[1] + 2
    high = np.zeros((height, width), np.bool_)
    for row in range(height - 2):
        for col in range(width - 2):
            high[row + 1, col + 1] = field[row, col] > level
    # Every side of a square that is crossed leads on to one other side. Sides are numbered: the
    # one from a corner to the right, then all those downwards.
    sides = height * width
    onward = np.full(2 * sides, -1, np.int64)
    crossed = 0
    for row in range(height - 1):
        for col in range(width - 1):
            case = (
                high[row, col]
                + 2 * high[row, col + 1]
                + 4 * high[row + 1, col]
                + 8 * high[row + 1, col + 1]
            )
            if case in (0, 15):
                continue
            crossed += 2
            top = row * width + col
            left, bottom, right = sides + top, top + width, sides + top + 1
            if case in (1, 9):
                onward[left] = top
            if case in (2, 6):
                onward[top] = right
            if case in (4, 6):
                onward[bottom] = left
            if case in (8, 9):
                onward[right] = bottom
            if case == 3:
                onward[left] = right
            elif case == 5:
                onward[bottom] = top
            elif case == 7:
                onward[bottom] = right
            elif case == 10:
                onward[top] = bottom
            elif case == 11:
                onward[left] = bottom
            elif case == 12:
                onward[right] = left
            elif case == 13:
                onward[right] = top
            elif case == 14:
                onward[top] = left
    x, y = np.empty(4 * crossed + 1), np.empty(4 * crossed + 1)
    starts, areas = np.zeros(crossed + 1, np.int64), np.zeros(crossed + 1)
    rings, count = 0, 0
    for first in range(2 * sides):
        if onward[first] < 0:
            continue
        side = first
        area = 0.0
        while onward[side] >= 0:
            row, col = (side % sides) // width, side % width
            down = side >= sides
            one = _value(field, row, col)
            other = _value(field, row + down, col + (not down))
            part = (level - one) / (other - one)
            x[count] = col - 0.5 + (0.0 if down else part)
            y[count] = row - 0.5 + (part if down else 0.0)
            if count > starts[rings]:
                area -= x[count - 1] * y[count] - x[count] * y[count - 1]
            count += 1
            following = onward[side]
            onward[side] = -1
            side = following
        begin = starts[rings]
        area -= x[count - 1] * y[begin] - x[begin] * y[count - 1]
        x[count], y[count] = x[begin], y[begin]
        count += 1
        areas[rings] = area / 2
        rings += 1
        starts[rings] = count
    return x[:count], y[:count], starts[: rings + 1], areas[:rings]


@inner
def _value(field, row, col):  # type: ignore[no-untyped-def]
    """Return a value by its place in an array that has one more pixel of 0 on every side."""
    if 1 <= row <= field.shape[0] and 1 <= col <= field.shape[1]:
        return np.float64(field[row - 1, col - 1])
    return 0.0
