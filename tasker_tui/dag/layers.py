"""Layers: which column of the drawing a node stands in, and the lanes that long edges run through."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasker_tui.dag.graph import Graph


@dataclass(slots=True)
class Layered:
    """Items are the nodes (0 … n-1) and after them the lanes.

    All edges of one source that pass a layer share one lane there, which is what makes them share a trunk.
    `carries[item]` is a bit mask of the edges that leave the item to the right, bit i for `graph.edges[i]`;
    `enters[node]` is the same of the edges that end in the node.
    """

    graph: Graph
    layer_of: list[int]
    layers: list[list[int]]
    links: list[list[tuple[int, int]]] = field(default_factory=list)
    carries: list[int] = field(default_factory=list)
    enters: list[int] = field(default_factory=list)

    def is_lane(self, item: int) -> bool:
        """Whether the item is a lane of a long edge, not a node."""
        return item >= len(self.graph.ids)

    def edges_of(self, left: int, right: int) -> int:
        """The edges, as a bit mask, that the link from `left` to `right` carries."""
        if self.is_lane(right):
            return self.carries[right]
        return self.carries[left] & self.enters[right]


def split_into_layers(graph: Graph) -> Layered:
    """Put every node right of its parents (longest path, then pulled to its children) and add the lanes."""
    layer_of = _pulled(graph, _longest_paths(graph))
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for node, layer in enumerate(layer_of):
        layers[layer].append(node)
    layered = Layered(graph, layer_of, layers, [[] for _ in layers], [0] * len(layer_of))
    number = {edge: i for i, edge in enumerate(graph.edges)}
    layered.enters = [0] * len(layer_of)
    for i, (_, target) in enumerate(graph.edges):
        layered.enters[target] |= 1 << i
    for source, children in enumerate(graph.children()):
        if children:
            _run_trunk(layered, source, {child: 1 << number[source, child] for child in children})
    return layered


def _longest_paths(graph: Graph) -> list[int]:
    layer_of = [0] * len(graph.ids)
    children = graph.children()
    for node in graph.topological():
        for child in children[node]:
            layer_of[child] = max(layer_of[child], layer_of[node] + 1)
    return layer_of


def _pulled(graph: Graph, layer_of: list[int]) -> list[int]:
    """Move nodes right where that shortens the trunks as a whole."""
    parents, children = graph.parents(), graph.children()
    for node in reversed(graph.topological()):
        if not children[node]:
            continue
        limit = min(layer_of[child] for child in children[node]) - 1
        reach = [max((layer_of[c] for c in children[p] if c != node), default=0) for p in parents[node]]
        while layer_of[node] < limit:
            lengthened = sum(1 for far in reach if far <= layer_of[node])
            if lengthened >= 1:
                break
            layer_of[node] += 1
    return layer_of


def _run_trunk(layered: Layered, source: int, edge_bits: dict[int, int]) -> None:
    """Link the source to its children, through one lane in each layer that it has to pass."""
    layer_of = layered.layer_of
    at, item = layer_of[source], source
    pending = sorted(edge_bits, key=lambda child: (layer_of[child], child))
    layered.carries[source] = sum(edge_bits.values())
    while True:
        here = [child for child in pending if layer_of[child] == at + 1]
        pending = pending[len(here) :]
        layered.links[at] += [(item, child) for child in here]
        if not pending:
            return
        at += 1
        item = _add_lane(layered, item, at, sum(edge_bits[child] for child in pending))


def _add_lane(layered: Layered, before: int, layer: int, edges: int) -> int:
    lane = len(layered.layer_of)
    layered.layer_of.append(layer)
    layered.layers[layer].append(lane)
    layered.carries.append(edges)
    layered.links[layer - 1].append((before, lane))
    return lane
