"""Where water flows on a DEM: what drains into each lake, and where each lake drains to.

Steepest descent to one of eight neighbours (O'Callaghan & Mark 1984). Closed hollows, most of
them errors of the DEM, spill over their lowest pass: the graph of hollows and passes has one
spanning tree of lowest passes, rooted at the lakes and at the edge of the DEM (Cordonnier et al.
2019, *Earth Surf. Dynam.* 7, 549-562). No elevation is changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Int = NDArray[np.int32]
Bool = NDArray[np.bool_]

_NEIGHBOURS = ((-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""Nearer ones first: of equal slopes the first is taken."""


@dataclass(frozen=True)
class Drainage:
    """Flow on a DEM; lakes are numbered from 1, everything else that ends a path is the edge."""

    lake: Int
    """Lake that each pixel drains into first, shape (y, x); 0: none, or no elevation."""
    path_m: Float
    """Length of the way to that lake or to the edge, shape (y, x)."""
    is_cut: Bool
    """By lake (place 0 unused): its catchment reaches the edge of the DEM, so more may drain in."""
    downstream: Int
    """By lake: the lake that it drains into first; 0: none."""
    outlet: NDArray[np.int64]
    """By lake: flat index of the first pixel outside of its catchment; -1: none."""
    following: NDArray[np.int64]
    """Flat index of the pixel that each pixel drains to, over the pass in hollows, shape (y*x,);
    itself where a path ends."""

    def way_down(self, lake: int, length_m: float, cell_m: float) -> list[tuple[int, float]]:
        """Return the way of the water out of a catchment as (flat index, distance in m) of pixels.

        It ends behind ``length_m``, at the next lake, or at the edge of the DEM.
        """
        place, gone = int(self.outlet[lake]), cell_m
        if place < 0:
            return []
        columns = self.lake.shape[1]
        way = [(place, gone)]
        while gone < length_m:
            after = int(self.following[place])
            if after == place:
                break
            rows_apart = after // columns - place // columns
            gone += cell_m * float(np.hypot(rows_apart, after % columns - place % columns))
            place = after
            way.append((place, gone))
        return way


def drainage(elevation_m: Float, lakes: Int, cell_m: float) -> Drainage:
    """Route water over a DEM.

    Parameters
    ----------
    elevation_m : array of float32, shape (y, x)
        NaN: no elevation. Pixels of one lake must have one elevation.
    lakes : array of int32, shape (y, x)
        Number of the lake in each pixel, from 1; 0: none.
    cell_m : float
        Pixel edge.

    Returns
    -------
    Drainage
    """
    n_lakes = int(lakes.max(initial=0))
    edge = n_lakes + 1
    z = np.where(np.isfinite(elevation_m), elevation_m, np.nan).astype("float32")
    at_edge = _at_edge(z)
    ends = np.where(at_edge & (lakes == 0), edge, lakes).astype("int32")
    ends[np.isnan(z)] = 0
    receiver, step = _steepest(z, ends, cell_m)
    to_root = step.astype("float32")
    root = _followed(receiver, to_root)
    node, pits = _nodes(root, ends.ravel(), np.isfinite(z).ravel(), edge)
    passes = _passes(z, node.reshape(z.shape))
    parent, exits = _spilling(passes, edge, edge + 1 + len(pits), z.ravel())
    # Over the pass: straight from the bottom of a hollow to the first pixel behind its pass.
    following = receiver.astype("int64")
    over = exits[edge + 1 :]
    spills = over >= 0
    following[pits[spills]] = over[spills]
    extra = np.zeros(len(parent), "float32")
    columns = z.shape[1]
    rows_apart = over[spills] // columns - pits[spills] // columns
    cols_apart = over[spills] % columns - pits[spills] % columns
    extra[edge + 1 :][spills] = cell_m * np.hypot(rows_apart, cols_apart) + to_root[over[spills]]
    last = _followed(parent, extra)
    ending = last[node]
    lake_of = np.where(ending <= n_lakes, ending, 0).astype("int32").reshape(z.shape)
    path = (to_root + extra[node]).reshape(z.shape)
    downstream, outlet = _outlets(passes, last, n_lakes, z.ravel())
    cut = _cut(lake_of, at_edge, n_lakes)
    return Drainage(lake_of, path, cut, downstream, outlet, following)


def _at_edge(z: Float) -> Bool:
    """Return the rim of the array, and pixels beside missing elevations."""
    known = np.pad(np.isfinite(z), 1, constant_values=False)
    inner = np.ones(z.shape, bool)
    for row, col in _NEIGHBOURS:
        inner &= known[1 + row : 1 + row + z.shape[0], 1 + col : 1 + col + z.shape[1]]
    return ~inner


def _steepest(z: Float, ends: Int, cell_m: float) -> tuple[Int, Float]:
    """Return the flat index of the lower neighbour of steepest descent, and the way to it."""
    rows, cols = z.shape
    receiver = np.arange(z.size, dtype="int32").reshape(z.shape)
    own = receiver.copy()
    step = np.zeros(z.shape, "float32")
    best = np.zeros(z.shape, "float32")
    padded = np.pad(z, 1, constant_values=np.nan)
    for row, col in _NEIGHBOURS:
        far = np.float32(cell_m * np.hypot(row, col))
        fall = (z - padded[1 + row : 1 + row + rows, 1 + col : 1 + col + cols]) / far
        steeper = (fall > best) & (ends == 0)
        np.copyto(best, fall, where=steeper)
        np.copyto(receiver, own + np.int32(row * cols + col), where=steeper)
        step[steeper] = far
    return receiver.ravel(), step.ravel()


def _followed(receiver: NDArray[np.integer], length: Float) -> Int:
    """Follow pointers to their end by doubling; lengths are added up in place."""
    place = receiver.astype("int32")
    while True:
        after = place[place]
        if np.array_equal(after, place):
            return place
        length += length[place]
        place = after


def _nodes(root: Int, ends: Int, known: Bool, edge: int) -> tuple[Int, NDArray[np.int64]]:
    """Give numbers to what paths end in: lakes, the edge, hollows; 0 without elevation."""
    own = np.arange(len(root), dtype="int32")
    pits = np.flatnonzero((root == own) & (ends == 0) & known)
    number = ends.copy()
    number[pits] = edge + 1 + np.arange(len(pits), dtype="int32")
    return number[root], pits


@dataclass(frozen=True)
class _Passes:
    """The lowest pass between each two nodes, with the pixel on either side of it."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    height: Float
    at_one: NDArray[np.int64]
    at_other: NDArray[np.int64]


def _passes(z: Float, node: Int) -> _Passes:
    index = np.arange(z.size, dtype="int64").reshape(z.shape)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        differ = (node[here] != node[there]) & (node[here] > 0) & (node[there] > 0)
        one = index[here][differ]
        found.append((one, index[there][differ], np.full(len(one), len(found))))
    first, second, side = (np.concatenate(parts) for parts in zip(*found, strict=True))
    node, z = node.ravel(), z.ravel()
    swap = node[first] > node[second]
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    height = np.maximum(z[first], z[second])
    key = node[first].astype("int64") * (int(node.max(initial=0)) + 1) + node[second]
    order = np.argsort(key)
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    if not len(starts):
        return _Passes(first, second, height, first, second)
    # Of equal heights (all that lead out of a lake) the one that falls most, then the first
    # pixel: the order of the sort must not matter.
    sizes = np.diff(starts, append=len(order))
    height_here, below = height[order], np.minimum(z[first], z[second])[order]
    other = height_here > np.repeat(np.minimum.reduceat(height_here, starts), sizes)
    below[other] = np.inf
    other |= below > np.repeat(np.minimum.reduceat(below, starts), sizes)
    place = ((first * 4 + side) * 2 + swap)[order]
    place[other] = np.iinfo("int64").max
    at = np.minimum.reduceat(place, starts)
    chosen = order[np.flatnonzero(place == np.repeat(at, sizes))]
    return _Passes(
        node[first[chosen]].astype("int64"),
        node[second[chosen]].astype("int64"),
        height[chosen],
        first[chosen],
        second[chosen],
    )


def _spilling(
    passes: _Passes, edge: int, n_nodes: int, z: Float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each node the one it spills to, and the pixel behind the pass (-1: none).

    Lakes and the edge spill nowhere: they are the roots of the tree of lowest passes.
    """
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - mapping does without it
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree  # noqa: PLC0415

    ends = np.arange(1, edge + 1)
    lowest = np.float64(np.nanmin(z)) if np.isfinite(z).any() else 0.0
    weight = np.concatenate([np.full(edge, 0.5), passes.height.astype("float64") - lowest + 1.0])
    rows = np.concatenate([np.zeros(edge, "int64"), passes.one])
    cols = np.concatenate([ends, passes.other])
    graph = csr_matrix((weight, (rows, cols)), shape=(n_nodes, n_nodes))
    tree = minimum_spanning_tree(graph)
    _, before = breadth_first_order(tree, 0, directed=False, return_predecessors=True)
    parent = np.arange(n_nodes, dtype="int64")
    exits = np.full(n_nodes, -1, "int64")
    hollows = np.flatnonzero(before[edge + 1 :] > 0) + edge + 1
    parent[hollows] = before[hollows]
    key = passes.one * n_nodes + passes.other
    low, high = np.minimum(hollows, parent[hollows]), np.maximum(hollows, parent[hollows])
    at = np.searchsorted(key, low * n_nodes + high)
    exits[hollows] = np.where(parent[hollows] == low, passes.at_one[at], passes.at_other[at])
    return parent, exits


def _outlets(passes: _Passes, last: Int, n_lakes: int, z: Float) -> tuple[Int, NDArray[np.int64]]:
    """Return for each lake where the lowest pass out of its catchment leads."""
    one, other = last[passes.one], last[passes.other]
    out = one != other
    source = np.concatenate([one[out], other[out]])
    target = np.concatenate([other[out], one[out]])
    pixel = np.concatenate([passes.at_other[out], passes.at_one[out]])
    height = np.concatenate([passes.height[out]] * 2)
    from_lake = source <= n_lakes
    source, target, pixel, height = (part[from_lake] for part in (source, target, pixel, height))
    order = np.lexsort((pixel, z[pixel], height, source))
    first = order[np.flatnonzero(np.diff(source[order], prepend=-1))]
    downstream = np.zeros(n_lakes + 1, "int32")
    outlet = np.full(n_lakes + 1, -1, "int64")
    downstream[source[first]] = np.where(target[first] <= n_lakes, target[first], 0)
    outlet[source[first]] = pixel[first]
    return downstream, outlet


def _cut(lake_of: Int, at_edge: Bool, n_lakes: int) -> Bool:
    """Tell which lakes or their catchments touch pixels at the edge."""
    cut = np.zeros(n_lakes + 1, bool)
    cut[lake_of[at_edge]] = True
    padded = np.pad(lake_of, 1)
    rows, cols = np.nonzero(at_edge)
    for row, col in _NEIGHBOURS:
        cut[padded[1 + rows + row, 1 + cols + col]] = True
    cut[0] = False
    return cut
