"""The measures of the Cell Tracking Challenge are those that their own program gives."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from lineage_metrics import Graph, graph_of, lineage

NO_ORACLE = (
    "needs traccuracy, which asks for click < 8.2 and cannot be installed beside the locked "
    "versions: pip install traccuracy in an environment of its own"
)


def made_up(seed: int) -> tuple[Graph, Graph, list[tuple[int, int]]]:
    """Return a true graph with splits and merges, another one made of it with faults, and pairs."""
    rng = np.random.default_rng(seed)
    frames = [[0, 1, 2, 3, 4]]
    edges: set[tuple[int, int]] = set()
    number = 5
    for _ in range(6):
        after: list[int] = []
        for lake in frames[-1]:
            chance = rng.random()
            if chance < 0.15:
                continue
            if chance < 0.3 and after:
                edges.add((lake, after[-1]))
                continue
            for _ in range(2 if chance < 0.5 else 1):
                after.append(number)
                edges.add((lake, number))
                number += 1
        frames.append(after)
    when = {lake: frame for frame, lakes in enumerate(frames) for lake in lakes}
    kept = {lake for lake in when if rng.random() < 0.85}
    pairs = [(lake, lake + 1000) for lake in sorted(kept)]
    found = {(a + 1000, b + 1000) for a, b in edges if a in kept and b in kept}
    found = {edge for edge in found if rng.random() < 0.85}
    nodes = {lake + 1000 for lake in kept} | {5000 + frame for frame in range(3)}
    found |= {(5000, 5001)}
    for lake in kept:  # false edges forwards in time
        others = [one for one in kept if when[one] == when[lake] + 1]
        if others and rng.random() < 0.15:
            found.add((lake + 1000, int(rng.choice(others)) + 1000))
    return (
        Graph(frozenset(when), frozenset(edges)),
        Graph(frozenset(nodes), frozenset(found)),
        pairs,
    )


def frame_of(node: int, true: Graph) -> int:
    """Return the frame of a node: how many edges lead to it, along any way."""
    if node >= 5000:
        return node - 5000
    before = [start for start, end in true.edges if end == node % 1000]
    return 1 + frame_of(before[0], true) if before else 0


@pytest.mark.parametrize("seed", range(1, 13))
def test_the_measures_are_those_of_traccuracy(seed: int) -> None:
    traccuracy = pytest.importorskip("traccuracy", reason=NO_ORACLE)
    networkx = pytest.importorskip("networkx")
    from traccuracy.matchers import Matched
    from traccuracy.metrics import CTCMetrics, DivisionMetrics

    true, found, pairs = made_up(seed)

    def matched() -> object:  # measures leave marks in the graphs
        graphs = []
        for graph in (true, found):
            drawn = networkx.DiGraph()
            drawn.add_nodes_from((node, {"t": frame_of(node, true)}) for node in graph.nodes)
            drawn.add_edges_from(graph.edges)
            graphs.append(traccuracy.TrackingGraph(drawn, label_key=None, validate=False))
        return Matched(*graphs, mapping=pairs, matcher_info={})

    ours = lineage(true, found, pairs)
    assert len(true.splits) > 0
    divisions = DivisionMetrics()._compute(matched())["Frame Buffer 0"]
    tra = CTCMetrics()._compute(matched())["TRA"]
    assert ours.tra == pytest.approx(tra, abs=1e-9)
    assert ours.division_f1 == pytest.approx(divisions["Division F1"], abs=1e-9, nan_ok=True)
    expected = divisions["Mitotic Branching Correctness"]
    assert ours.mitotic_branching_correctness == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_what_is_perfect_is_one_and_what_is_missed_costs_as_told() -> None:
    true, _, _ = made_up(1)
    same = [(node, node) for node in true.nodes]
    perfect = lineage(true, true, same)
    assert (perfect.tra, perfect.division_f1, perfect.mitotic_branching_correctness) == (1, 1, 1)
    nothing = lineage(true, Graph(frozenset(), frozenset()), [])
    assert nothing.tra == 0
    assert math.isnan(nothing.division_f1)
    one = Graph(frozenset({1, 2}), frozenset({(1, 2)}))
    alone = Graph(one.nodes, frozenset())
    assert lineage(one, alone, [(1, 1), (2, 2)]).tra == pytest.approx(1 - 1.5 / 21.5)
    more = Graph(frozenset({1, 2, 3}), one.edges)
    assert lineage(one, more, [(1, 1), (2, 2)]).tra == pytest.approx(1 - 1 / 21.5)


def test_lakes_that_split_and_merge_are_branches_of_their_graph() -> None:
    days = ("2010-08-01", "2011-08-01", "2012-08-01")
    shown = pd.DataFrame(
        [("A", days[0]), ("A", days[1]), ("B", days[1]), ("A", days[2])], columns=["lake", "day"]
    )
    events = [(["A"], ["A", "B"], days[1]), (["A", "B"], ["A"], days[2])]
    graph = graph_of(shown, "lake", events)
    assert graph.splits == {("A", days[0])}
    assert graph.branches == graph.edges
    assert len(graph.edges) == 4
