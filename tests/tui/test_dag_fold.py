"""Folding and focus: whatever is hidden, what is drawn is true, and no step is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_tui.bench.drawing import layered
from tasker_tui.dag.fold import FOLDABLE, LIMIT, first_opened, fold, group
from tasker_tui.dag.graph import Graph
from tasker_tui.dag.paths import drawn, path_to
from tasker_tui.dag.scene import FOCUS_LEVELS, Scene, reading_order
from tests.tui.drawings import read_edges, text


@st.composite
def graphs_with_fans(draw) -> tuple[Graph, list[str]]:
    """A small graph in which some steps have been made into several that are alike, as batches do."""
    count = draw(st.integers(1, 7))
    copies = [draw(st.sampled_from([1, 1, 2, 3, 5])) for _ in range(count)]
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    chosen = draw(st.sets(st.sampled_from(pairs), max_size=2 * count)) if pairs else set()
    names = {(n, i): f"s{n}_{i}" for n in range(count) for i in range(copies[n])}
    edges = []
    for a, b in chosen:
        alone = copies[a] != copies[b] or draw(st.booleans())
        for i in range(copies[a]):
            targets = range(copies[b]) if alone else [i]
            edges += [(names[a, i], names[b, j]) for j in targets]
    kinds = [draw(st.sampled_from(["x", "x", "x", "y"])) for _ in range(count)]
    graph = Graph.build({name: name for name in names.values()}, edges)
    return graph, [kinds[n] for n, _ in names]


def reach(beside: list[list[int]], start: int) -> set[int]:
    seen, todo = set(), [start]
    while todo:
        for other in beside[todo.pop()]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


@given(graphs_with_fans(), st.data())
def test_whatever_is_folded_every_step_has_a_node_and_every_edge_is_drawn(made, data):
    graph, kinds = made
    groups = group(graph, kinds)
    opened = data.draw(st.sets(st.sampled_from(sorted(first_opened(graph, groups)))))
    folded = fold(graph, groups, frozenset(opened))
    assert sorted(step for members in folded.members for step in members) == list(range(len(graph.ids)))
    for node, members in enumerate(folded.members):
        assert all(folded.node_of[step] == node for step in members)
        assert len(members) == 1 or len(members) >= FOLDABLE
        assert len({kinds[step] for step in members}) == 1
    assert {(folded.node_of[a], folded.node_of[b]) for a, b in graph.edges} == set(folded.graph.edges)
    assert all(a != b for a, b in folded.graph.edges)
    assert len(folded.graph.topological()) == len(folded.members), "folding makes no circle"


@given(graphs_with_fans(), st.data())
def test_folding_keeps_what_leads_where(made, data):
    graph, kinds = made
    groups = group(graph, kinds)
    opened = data.draw(st.sets(st.sampled_from(sorted(first_opened(graph, groups)))))
    for some in (frozenset(opened), frozenset()):
        folded = fold(graph, groups, some)
        after, small = graph.children(), folded.graph.children()
        for step in range(len(graph.ids)):
            there = {folded.node_of[other] for other in reach(after, step)}
            assert there <= reach(small, folded.node_of[step]), "what is reached is still reached"
    for step in range(len(graph.ids)):
        there = {groups.of[other] for other in reach(after, step)}
        shown = {groups.of[folded.members[node][0]] for node in reach(small, folded.node_of[step])}
        assert there == shown, "all folded: no group is reached that is not"


@settings(max_examples=60, deadline=None)
@given(graphs_with_fans(), st.data())
def test_no_key_loses_the_cursor_and_every_drawing_is_true(made, data):
    graph, kinds = made
    scene = Scene(graph, kinds)
    step = data.draw(st.integers(0, len(graph.ids) - 1))
    for key in data.draw(st.lists(st.sampled_from(["+", "-", "F", "move", "left", "right"]), max_size=8)):
        node = scene.node_of(step)
        if key == "+":
            scene.unfold(node)
        elif key == "-":
            scene.fold(node)
        elif key == "F":
            scene.focus(step)
        elif key == "move":
            step = data.draw(st.integers(0, len(graph.ids) - 1))
        elif scene.reaches_out(node, key == "left"):
            scene.centre_on(step)
            beside = scene.folded.graph.parents() if key == "left" else scene.folded.graph.children()
            assert beside[scene.node_of(step)], "there is where to go now"
        node = scene.node_of(step)
        assert step in scene.folded.members[node]
        assert read_edges(scene.drawing) == set(scene.folded.graph.edges), "\n" + text(scene.drawing)
        assert scene.levels or all(node is not None for node in scene.folded.node_of)


@given(graphs_with_fans())
def test_unfolding_undoes_folding(made):
    graph, kinds = made
    scene = Scene(graph, kinds)
    before = scene.drawing
    for step in range(len(graph.ids)):
        if scene.fold(scene.node_of(step)):
            assert scene.folded.stands_for_many(scene.node_of(step))
            assert not scene.fold(scene.node_of(step)), "it is folded already"
            assert scene.unfold(scene.node_of(step))
        assert not scene.unfold(scene.node_of(step))
    assert scene.drawing == before


@given(graphs_with_fans(), st.data())
def test_the_focus_shows_what_is_that_near_and_nothing_else(made, data):
    graph, kinds = made
    scene = Scene(graph, kinds)
    step = data.draw(st.integers(0, len(graph.ids) - 1))
    for levels in FOCUS_LEVELS:
        scene.focus(step)
        near = {step}
        for beside in (graph.parents(), graph.children()):
            ring = {step}
            for _ in range(levels):
                ring = {other for one in ring for other in beside[one]}
                near |= ring
        assert {s for s, node in enumerate(scene.folded.node_of) if node is not None} == near
        hidden = any(other not in near for one in near for other in graph.children()[one])
        assert hidden == any("›" in label for label in scene.folded.graph.labels)
    scene.focus(step)
    assert scene.levels == 0
    assert len(scene.folded.members) == len(graph.ids)


def fan(count: int) -> Graph:
    middle = [f"pack_{n:04}" for n in range(count)]
    edges = [*(("split", m) for m in middle), *((m, "merge") for m in middle)]
    return Graph.build({name: name for name in ("split", *middle, "merge")}, edges)


def test_a_large_fan_is_folded_and_opens_in_parts():
    scene = Scene(fan(4998), ["x"] * 5000)
    assert [label.rstrip() for label in scene.folded.graph.labels] == ["split", "pack[×4998]", "merge"]
    assert scene.unfold(scene.node_of(4000))
    assert scene.folded.graph.labels[scene.node_of(4000)].rstrip() == "pack_3900…[×100]"
    assert scene.unfold(scene.node_of(4000))
    assert scene.folded.graph.labels[scene.node_of(4000)] == "pack_3999"
    assert len(scene.folded.members) == 2 + 49 + 100
    assert scene.fold(scene.node_of(4000))
    assert scene.fold(scene.node_of(4000))
    assert len(scene.folded.members) == 3


@pytest.mark.parametrize("width", [20, 50, 200])
def test_five_thousand_steps_of_any_shape_become_a_graph_that_can_be_drawn(width):
    graph = layered(5000, width)
    scene = Scene(graph, [str(step) for step in range(5000)])
    assert len(scene.folded.members) <= LIMIT
    assert reading_order(graph)[0] < width
    assert len(scene.folded.graph.topological()) == len(scene.folded.members)


@given(graphs_with_fans(), st.data())
def test_the_way_to_a_step_is_a_way_and_is_drawn_without_a_gap(made, data):
    graph, kinds = made
    target = data.draw(st.integers(0, len(graph.ids) - 1))
    ends = data.draw(st.lists(st.floats(0, 9), min_size=len(graph.ids), max_size=len(graph.ids)))
    way = path_to(graph, target, ends.__getitem__)
    assert way[-1] == target
    assert not graph.parents()[way[0]]
    assert all(pair in graph.edges for pair in pairwise(way))
    assert all(ends[a] >= max(ends[p] for p in graph.parents()[b]) for a, b in pairwise(way))
    folded = fold(graph, group(graph, kinds), frozenset())
    nodes, edges = drawn(folded, way)
    assert len(nodes) == len(way)
    assert edges.bit_count() == len(way) - 1
