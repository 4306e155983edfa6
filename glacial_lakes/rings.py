"""Between pixels and rings: lines along a level of a field, and the pixels inside of a polygon."""

from __future__ import annotations

import numpy as np

from glacial_lakes.stencils import inner, kernel


@kernel
def inside_of(x, y, starts, shape):  # type: ignore[no-untyped-def]
    """Return the pixels whose centres lie in a polygon (even-odd rule).

    Parameters
    ----------
    x, y : array of float64
        Vertices of all rings, closed, in pixels from the upper left corner.
    starts : array of int64
        Where each ring begins, and the number of vertices.
    shape : tuple of int
        Rows and columns.
    """
    height, width = shape
    flips = np.zeros((height, width + 1), np.int32)
    for ring in range(len(starts) - 1):
        for vertex in range(starts[ring], starts[ring + 1] - 1):
            y0, y1 = y[vertex], y[vertex + 1]
            if y0 == y1:
                continue
            x0, x1 = x[vertex], x[vertex + 1]
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            first = max(0, int(np.ceil(y0 - 0.5)))
            end = min(height, int(np.ceil(y1 - 0.5)))
            slope = (x1 - x0) / (y1 - y0)
            for row in range(first, end):
                crossing = x0 + (row + 0.5 - y0) * slope
                col = min(max(int(np.ceil(crossing - 0.5)), 0), width)
                flips[row, col] += 1
    inside = np.zeros((height, width), np.bool_)
    for row in range(height):
        crossed = 0
        for col in range(width):
            crossed += flips[row, col]
            inside[row, col] = crossed % 2 == 1
    return inside


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
