"""From a graph to a drawing: layers, order, rows, routing and columns of the screen, left to right.

The layout depends on the shape of the graph and on the labels alone: a change of state only recolours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from rich.cells import cell_len

from tasker_tui.dag.graph import Graph
from tasker_tui.dag.layers import Layered, split_into_layers
from tasker_tui.dag.order import reduce_crossings
from tasker_tui.dag.route import Channel, FreeRows, route_channel
from tasker_tui.dag.rows import assign_rows

LABEL_LIMIT = 32
"""Cells; a longer label is cut with an ellipsis."""
NODE_EXTRA = 2
"""A node is drawn as its state's glyph, a space and the label."""
APPROACH = 2
"""The line and the arrowhead in front of a node."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands, in cells from the top left of the drawing."""

    x: int
    y: int
    width: int
    layer: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A laid out graph. Layer `i` begins at `layer_x[i]`, `layer_width[i]` wide; its channel follows."""

    graph: Graph
    layered: Layered
    row_of: list[int]
    places: tuple[Place, ...]
    channels: list[Channel]
    layer_x: list[int]
    layer_width: list[int]
    width: int
    height: int

    @property
    def layers(self) -> list[list[int]]:
        """The nodes of each layer from top to bottom, without the lanes."""
        return [[item for item in layer if not self.layered.is_lane(item)] for layer in self.layered.layers]


@lru_cache(maxsize=64)
def lay_out(graph: Graph) -> Drawing:
    """Lay the graph out. Tasks of one template share the result, for graphs compare by value.

    Raises CyclicGraph.
    """
    layered = split_into_layers(graph)
    reduce_crossings(layered)
    row_of, channels, height = _route(layered, assign_rows(layered))
    layer_width = [_layer_width(layered, layer) for layer in layered.layers]
    layer_x, x = [], 0
    for width, channel in zip(layer_width, channels, strict=True):
        layer_x.append(x)
        x += width + channel.columns + APPROACH
    places = tuple(
        Place(
            layer_x[layered.layer_of[node]],
            row_of[node],
            NODE_EXTRA + min(cell_len(label), LABEL_LIMIT),
            layered.layer_of[node],
        )
        for node, label in enumerate(graph.labels)
    )
    total = layer_x[-1] + layer_width[-1] if layer_x else 0
    return Drawing(graph, layered, row_of, places, channels, layer_x, layer_width, total, height)


def shared_layout(graph: Graph) -> Drawing:
    """Lay the graph out, or take the layout of another task of the same shape: only the ids differ."""
    shape = Graph(tuple(map(str, range(len(graph.ids)))), graph.labels, graph.edges)
    return replace(lay_out(shape), graph=graph)


def _route(layered: Layered, rows: list[int]) -> tuple[list[int], list[Channel], int]:
    """Route every channel; doglegs may open rows in between, so that all rows are numbered anew."""
    free = FreeRows(max(rows, default=-1) + 1)
    channels = [
        route_channel([(2 * rows[a], 2 * rows[b], layered.edges_of(a, b)) for a, b in links], free)
        for links in layered.links
    ]
    kept = sorted({2 * row for row in rows} | free.opened)
    number = {half_row: row for row, half_row in enumerate(kept)}
    for channel in channels:
        channel.renumber(number)
    return [number[2 * row] for row in rows], channels, len(kept)


def _layer_width(layered: Layered, layer: list[int]) -> int:
    """Room for the widest node and a space; two behind a node that leads nowhere, lest it seem to."""
    labels = layered.graph.labels
    return max(
        (
            NODE_EXTRA + min(cell_len(labels[item]), LABEL_LIMIT) + (1 if layered.carries[item] else 2)
            for item in layer
            if not layered.is_lane(item)
        ),
        default=1,
    )
