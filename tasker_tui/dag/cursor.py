"""Moving through a drawing in two dimensions: along the edges sideways, through a layer up and down."""

from __future__ import annotations

from typing import Literal

from tasker_tui.dag.layout import Drawing

Direction = Literal["left", "right", "up", "down", "first", "last"]


def move(drawing: Drawing, node: int, direction: Direction) -> int:
    """The node that `direction` leads to from `node`; `node` itself where there is none.

    Left and right lead to a parent or child, of the nearest layer that has one and there of the nearest
    row; up and down to the neighbour in the layer; first and last to the ends of the graph.
    """
    if direction == "left":
        return _nearest(drawing, node, drawing.graph.parents()[node])
    if direction == "right":
        return _nearest(drawing, node, drawing.graph.children()[node])
    if direction in ("up", "down"):
        layer = drawing.layers[drawing.places[node].layer]
        i = layer.index(node) + (1 if direction == "down" else -1)
        return layer[i] if 0 <= i < len(layer) else node
    layers = [layer for layer in drawing.layers if layer]
    return layers[0][0] if direction == "first" else layers[-1][-1]


def _nearest(drawing: Drawing, node: int, candidates: list[int]) -> int:
    here = drawing.places[node]

    def distance(other: int) -> tuple[int, int, int]:
        place = drawing.places[other]
        return (abs(place.layer - here.layer), abs(place.y - here.y), place.y)

    return min(candidates, key=distance, default=node)


def upstream(drawing: Drawing, node: int) -> frozenset[int]:
    """All nodes that `node` depends on, itself not included."""
    return _reachable(drawing.graph.parents(), node)


def downstream(drawing: Drawing, node: int) -> frozenset[int]:
    """All nodes that depend on `node`, itself not included."""
    return _reachable(drawing.graph.children(), node)


def _reachable(beside: list[list[int]], node: int) -> frozenset[int]:
    seen: set[int] = set()
    todo = list(beside[node])
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += beside[at]
    return frozenset(seen)


def edges_between(drawing: Drawing, nodes: frozenset[int]) -> int:
    """The edges, as a bit mask, whose two ends are both in `nodes`."""
    mask = 0
    for i, (source, target) in enumerate(drawing.graph.edges):
        if source in nodes and target in nodes:
            mask |= 1 << i
    return mask
