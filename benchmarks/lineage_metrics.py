"""Tracking in the terms of others: the measures of the Cell Tracking Challenge for lakes.

A lake on a date is a node, a lake that goes on an edge; a lake that splits has several edges to the
next date, lakes that merge several from the last. Nodes are matched one to one before.

- TRA: 1 - AOGM / AOGM of an empty result; what it would cost to correct the graph by hand (Matula
  et al. 2015, PLoS ONE 10, e0144959): 10 for a node that is missed, 1 for a false one; 1.5 for an
  edge that is missed, 1 for a false one and for one of the wrong kind.
- Division F1, also called branching correctness: splits with the right lake before and both after.
- Mitotic branching correctness: right splits over right, false and missed ones (Ulicna et al.
  2021, Front. Comput. Sci. 3, 734559).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

MISSED_NODE, FALSE_NODE = 10.0, 1.0
MISSED_EDGE, FALSE_EDGE, WRONG_EDGE = 1.5, 1.0, 1.0

Node = Hashable
Edge = tuple[Node, Node]


@dataclass(frozen=True)
class Graph:
    """Lakes through time."""

    nodes: frozenset[Node]
    edges: frozenset[Edge]

    @property
    def splits(self) -> frozenset[Node]:
        """Nodes from which at least two edges lead on."""
        leaving = Counter(start for start, _ in self.edges)
        return frozenset(node for node, count in leaving.items() if count > 1)

    @property
    def branches(self) -> frozenset[Edge]:
        """Edges from a lake that splits, or to one that others merge into."""
        merged = {node for node, count in Counter(e for _, e in self.edges).items() if count > 1}
        splits = self.splits
        return frozenset(e for e in self.edges if e[0] in splits or e[1] in merged)


@dataclass(frozen=True)
class Lineage:
    """How well a graph follows the true one; NaN where nothing can be told."""

    tra: float
    division_f1: float
    mitotic_branching_correctness: float


def lineage(true: Graph, found: Graph, pairs: Iterable[tuple[Node, Node]]) -> Lineage:
    """Compare a graph with the true one.

    Parameters
    ----------
    true, found : Graph
    pairs : iterable of (node of true, node of found)
        One to one.
    """
    ours = dict(pairs)
    theirs = {node: truth for truth, node in ours.items()}
    return Lineage(_tra(true, found, ours, theirs), *_divisions(true, found, ours, theirs))


def _tra(
    true: Graph, found: Graph, ours: Mapping[Node, Node], theirs: Mapping[Node, Node]
) -> float:
    most = MISSED_NODE * len(true.nodes) + MISSED_EDGE * len(true.edges)
    if not most:
        return float("nan")
    cost = MISSED_NODE * len(true.nodes - ours.keys()) + FALSE_NODE * len(
        found.nodes - theirs.keys()
    )
    real, told = true.branches, found.branches
    for edge in found.edges:
        if edge[0] not in theirs or edge[1] not in theirs:
            continue  # falls with its node
        truth = theirs[edge[0]], theirs[edge[1]]
        if truth not in true.edges:
            cost += FALSE_EDGE
        elif (truth in real) != (edge in told):
            cost += WRONG_EDGE
    for start, end in true.edges:
        if (ours.get(start), ours.get(end)) not in found.edges:
            cost += MISSED_EDGE
    return 1 - min(cost, most) / most


def _divisions(
    true: Graph, found: Graph, ours: Mapping[Node, Node], theirs: Mapping[Node, Node]
) -> tuple[float, float]:
    right, false = 0, set(found.splits)
    for node in true.splits:
        ends = [end for start, end in true.edges if start == node]
        image = ours.get(node)
        if image in found.splits:
            false.discard(image)  # if its lakes are wrong it is neither right nor false
            right += sum((image, ours.get(end)) in found.edges for end in ends) == 2
    n_true, n_found = len(true.splits), len(found.splits)
    recall = right / n_true if n_true else float("nan")
    precision = right / n_found if n_found else float("nan")
    both = recall + precision
    f1 = float("nan") if both == 0 else 2 * recall * precision / both
    total = n_true + len(false)
    return f1, right / total if total else float("nan")


def graph_of(
    shown: pd.DataFrame, name: str, events: Iterable[tuple[Collection[str], Collection[str], str]]
) -> Graph:
    """Return the graph of lakes that are shown on dates.

    Parameters
    ----------
    shown : pandas.DataFrame
        ``day`` (ISO 8601) and the lake in the column ``name``.
    name : str
    events : iterable of (lakes before, lakes after, day)
        Splits and merges; the day is the first that shows it.
    """
    days = {str(lake): sorted(set(rows)) for lake, rows in shown.groupby(name)["day"]}
    nodes = {(lake, day) for lake, own in days.items() for day in own}
    edges = {
        ((lake, one), (lake, other)) for lake, own in days.items() for one, other in pairwise(own)
    }
    for before, after, day in events:
        for start in before:
            last = [one for one in days.get(start, []) if one < day]
            for end in after:
                first = [one for one in days.get(end, []) if one >= day]
                if last and first and start != end:
                    edges.add(((start, last[-1]), (end, first[0])))
    return Graph(frozenset(nodes), frozenset(edges))
