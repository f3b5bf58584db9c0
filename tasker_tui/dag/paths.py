"""Paths through a graph that are worth seeing, and what they look like in a folded one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from tasker_tui.dag.fold import Folded
from tasker_tui.dag.graph import Graph


def path_to(graph: Graph, target: int, ended: Callable[[int], float]) -> list[int]:
    """The path that decided when the target could begin: of the parents always the one that ended last."""
    parents, path = graph.parents(), [target]
    while before := parents[path[-1]]:
        path.append(max(before, key=lambda node: (ended(node), -node)))
    return path[::-1]


def drawn(folded: Folded, path: Sequence[int]) -> tuple[frozenset[int], int]:
    """The nodes that stand for a path's steps, and its edges as a bit mask over those that are drawn."""
    number = {edge: i for i, edge in enumerate(folded.graph.edges)}
    nodes = [folded.node_of[step] for step in path]
    mask = 0
    for a, b in pairwise(nodes):
        edge = (a, b) if a is not None and b is not None else None
        if edge in number:
            mask |= 1 << number[edge]
    return frozenset(node for node in nodes if node is not None), mask
