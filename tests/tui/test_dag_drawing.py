"""The drawn graph: whatever the graph, its drawing says that graph and no other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_tui.dag.glyphs import CROSS, GLYPHS, JOINS, LinePiece, NodePiece, Painter
from tasker_tui.dag.graph import CyclicGraph, Graph
from tasker_tui.dag.layout import Drawing, lay_out
from tests.tui.drawings import read_edges, text

MIXED_CELLS = {GLYPHS["unicode"][CROSS], *JOINS["unicode"].values()}


@st.composite
def graphs(draw, nodes: int = 14) -> Graph:
    count = draw(st.integers(1, nodes))
    names = draw(st.permutations([f"s{i}" for i in range(count)]))
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    chosen = draw(st.sets(st.sampled_from(pairs), max_size=2 * count)) if pairs else set()
    return Graph.build(
        {name: name * (1 + len(name) % 3) for name in names}, [(f"s{a}", f"s{b}") for a, b in chosen]
    )


@st.composite
def layered_graphs(draw) -> Graph:
    """Layers of up to eight with dense gaps, where lines compete for tracks."""
    widths = draw(st.lists(st.integers(1, 8), min_size=2, max_size=5))
    layers = [[f"n{layer}_{i}" for i in range(width)] for layer, width in enumerate(widths)]
    edges = set()
    for before, after in pairwise(layers):
        pairs = [(a, b) for a in before for b in after]
        edges |= draw(st.sets(st.sampled_from(pairs), max_size=20))
    return Graph.build({node: node for layer in layers for node in layer}, edges)


@settings(max_examples=300, deadline=None)
@given(st.one_of(graphs(), layered_graphs()))
def test_following_the_lines_finds_exactly_the_edges(graph):
    drawing = lay_out(graph)
    assert read_edges(drawing) == set(graph.edges), "\n" + text(drawing)


@settings(max_examples=150, deadline=None)
@given(st.one_of(graphs(), layered_graphs()))
def test_nothing_overlaps(graph):
    drawing = lay_out(graph)
    painter = Painter(drawing)
    for y in range(drawing.height):
        taken = 0
        for piece in painter.row(y):
            assert piece.x >= taken, "\n" + text(drawing)
            width = drawing.places[piece.node].width if isinstance(piece, NodePiece) else len(piece.text)
            taken = piece.x + width
        assert taken <= drawing.width
    assert len({(p.x, p.y) for p in drawing.places}) == len(graph.ids)


@settings(max_examples=150, deadline=None)
@given(st.one_of(graphs(), layered_graphs()))
def test_edges_that_share_a_line_belong_together(graph):
    """A line cell holds all edges between its sources and targets, unless two lines cross or join there."""
    drawing = lay_out(graph)
    for piece in _lines(drawing):
        if piece.text in MIXED_CELLS:
            continue
        edges = {edge for i, edge in enumerate(graph.edges) if piece.edges >> i & 1}
        product = {(a, b) for a, _ in edges for _, b in edges}
        assert edges
        assert product <= set(graph.edges), "\n" + text(drawing)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_the_same_graph_is_always_drawn_the_same(graph):
    again = Graph(graph.ids, graph.labels, graph.edges)
    assert text(lay_out.__wrapped__(graph)) == text(lay_out.__wrapped__(again))


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_every_step_stands_right_of_its_parents(graph):
    places = lay_out(graph).places
    assert all(places[a].layer < places[b].layer for a, b in graph.edges)


def _lines(drawing: Drawing):
    painter = Painter(drawing)
    for y in range(drawing.height):
        yield from (piece for piece in painter.row(y) if isinstance(piece, LinePiece))


def test_a_circle_is_refused_with_its_steps():
    with pytest.raises(CyclicGraph, match="circle: b, c"):
        lay_out(Graph.build({"a": "a", "b": "b", "c": "c"}, [("a", "b"), ("b", "c"), ("c", "b")]))
