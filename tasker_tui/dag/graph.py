"""The graph to draw: steps as numbered nodes, dependencies as numbered edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class CyclicGraph(ValueError):
    """The edges form a cycle, so there is no left to right; the message names the nodes on it."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes are indices into `ids` and `labels`; an edge is (source, target). Edges are unique and sorted."""

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    @classmethod
    def build(cls, labels: Mapping[str, str], edges: Iterable[tuple[str, str]]) -> Graph:
        """A graph from `{id: label}` (whose order is the order of drawing) and pairs of ids.

        Edges from or to an id that is not a node are left out: a step's parent may not be loaded yet.
        """
        index = {node: i for i, node in enumerate(labels)}
        pairs = {(index[a], index[b]) for a, b in edges if a in index and b in index}
        return cls(tuple(labels), tuple(labels.values()), tuple(sorted(pairs)))

    def parents(self) -> list[list[int]]:
        """For each node the nodes with an edge to it, ascending."""
        found: list[list[int]] = [[] for _ in self.ids]
        for source, target in self.edges:
            found[target].append(source)
        return found

    def children(self) -> list[list[int]]:
        """For each node the nodes that it has an edge to, ascending."""
        found: list[list[int]] = [[] for _ in self.ids]
        for source, target in self.edges:
            found[source].append(target)
        return found

    def topological(self) -> list[int]:
        """Every node after its parents, ties by index. Raises CyclicGraph."""
        children, waiting = self.children(), [len(p) for p in self.parents()]
        order = [node for node, count in enumerate(waiting) if count == 0]
        for node in order:  # grows while it is walked
            for child in children[node]:
                waiting[child] -= 1
                if waiting[child] == 0:
                    order.append(child)
        if len(order) < len(self.ids):
            left = ", ".join(self.labels[n] for n, count in enumerate(waiting) if count)
            raise CyclicGraph(f"these steps depend on each other in a circle: {left}")
        return order
