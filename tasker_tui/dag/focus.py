"""The neighbourhood of a node: what leads to it and what it leads to, some levels far."""

from __future__ import annotations

from tasker_tui.dag.fold import Folded
from tasker_tui.dag.graph import Graph

MORE_BEFORE, MORE_AFTER = "‹", "›"
"""Around the label of a node that depends on something, or that something depends on, which is not drawn."""


def around(graph: Graph, centre: int, levels: int) -> frozenset[int]:
    """The centre, and the nodes at most so many edges before or after it."""
    found = {centre}
    for beside in (graph.parents(), graph.children()):
        edge = [centre]
        for _ in range(levels):
            edge = [other for node in edge for other in beside[node] if other not in found]
            edge = list(dict.fromkeys(edge))
            found.update(edge)
    return frozenset(found)


def narrowed(folded: Folded, kept: frozenset[int]) -> Folded:
    """Only these nodes, with a mark where edges to others are left out."""
    graph, order = folded.graph, sorted(kept)
    number = {node: i for i, node in enumerate(order)}
    parents, children = graph.parents(), graph.children()
    labels = []
    for node in order:
        before = MORE_BEFORE if any(parent not in kept for parent in parents[node]) else ""
        after = MORE_AFTER if any(child not in kept for child in children[node]) else ""
        label = graph.labels[node]
        room = len(label) - len(label.rstrip())
        labels.append(f"{before}{label.rstrip()}{after}{' ' * room}")
    edges = tuple((number[a], number[b]) for a, b in graph.edges if a in kept and b in kept)
    return Folded(
        Graph(tuple(graph.ids[node] for node in order), tuple(labels), edges),
        tuple(folded.members[node] for node in order),
        tuple(folded.units[node] for node in order),
        tuple(None if node is None else number.get(node) for node in folded.node_of),
    )
