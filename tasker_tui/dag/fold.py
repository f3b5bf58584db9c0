"""Folding: steps that stand alike in a graph are drawn as one node, so that any graph can be shown.

*Groups* are steps of which all have parents of the same groups and children of the same groups: a path
between two groups then stands for a path from each step of the one to some step of the other. Where that
leaves too many nodes, groups are coarser: all steps of a layer. No edge lies in a group, and none leads back.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from string import digits

from tasker_tui.dag.graph import Graph

FOLDABLE = 3
"""So many alike make a group; two are as easily shown."""
LARGE = 100
"""A graph of more steps is folded at first."""
LIMIT = 500
"""With more nodes than that, folded, groups are made coarser."""
CHUNK = 100
"""A larger group is opened in parts of so many."""
STEM_LIMIT, SUFFIX_LIMIT = 14, 5
"""Cells of what the names begin with, and of what follows in the first one: parts of a group differ there."""
SEPARATORS = "_-.:/ "

Unit = tuple[int, ...]
"""What can be opened: a group (g,), or a part of a large one (g, part)."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Which steps stand alike: the group of each, and the steps of each group, ascending."""

    of: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """The graph that is drawn, in which node `i` stands for the steps `members[i]`.

    `units[i]` is the group or part that it stands for, or that its one step is in; None if it is in none.
    `node_of` leads from a step to its node, None where it is not drawn.
    """

    graph: Graph
    members: tuple[tuple[int, ...], ...]
    units: tuple[Unit | None, ...]
    node_of: tuple[int | None, ...]

    def stands_for_many(self, node: int) -> bool:
        """Whether the node is folded."""
        return len(self.members[node]) > 1


def group(graph: Graph, kinds: Sequence[str]) -> Groups:
    """The finest groups that leave a drawable number of nodes; `kinds` tells steps apart, as handlers do.

    Raises CyclicGraph.
    """
    depth = depths(graph)
    found = _alike(graph, [*zip(kinds, depth, strict=True)])
    for keys in ([*zip(kinds, depth, strict=True)], depth):
        if _nodes(found) > LIMIT:
            found = _groups(keys)
    return found


def depths(graph: Graph) -> list[int]:
    """For each step the length of the longest path to it. Raises CyclicGraph."""
    depth, children = [0] * len(graph.ids), graph.children()
    for node in graph.topological():
        for child in children[node]:
            depth[child] = max(depth[child], depth[node] + 1)
    return depth


def _alike(graph: Graph, keys: Sequence[Hashable]) -> Groups:
    """Split the groups of equal keys until all of a group have the same groups around them."""
    parents, children = graph.parents(), graph.children()
    groups = _groups(keys)
    while True:
        of = groups.of
        finer = _groups(
            [
                (mine, frozenset(of[p] for p in before), frozenset(of[c] for c in after))
                for mine, before, after in zip(of, parents, children, strict=True)
            ]
        )
        if len(finer.members) == len(groups.members):
            return groups
        groups = finer


def _groups(keys: Sequence[Hashable]) -> Groups:
    number: dict[Hashable, int] = {}
    of = tuple(number.setdefault(key, len(number)) for key in keys)
    members: list[list[int]] = [[] for _ in number]
    for node, mine in enumerate(of):
        members[mine].append(node)
    return Groups(of, tuple(map(tuple, members)))


def _nodes(groups: Groups) -> int:
    """How many nodes are left when everything is folded."""
    return sum(1 if len(members) >= FOLDABLE else len(members) for members in groups.members)


def fold(graph: Graph, groups: Groups, opened: frozenset[Unit]) -> Folded:
    """The graph with all groups folded but those that are `opened`."""
    shown = sorted(
        (members, unit)
        for mine in range(len(groups.members))
        for members, unit in _parts(groups, mine, opened)
    )
    node_of: list[int | None] = [None] * len(graph.ids)
    for node, (members, _) in enumerate(shown):
        for step in members:
            node_of[step] = node
    labels = tuple(_label(graph, members, unit) for members, unit in shown)
    edges = {(node_of[a] or 0, node_of[b] or 0) for a, b in graph.edges}
    small = Graph(tuple(graph.ids[members[0]] for members, _ in shown), labels, tuple(sorted(edges)))
    units = tuple(unit or None for _, unit in shown)
    return Folded(small, tuple(members for members, _ in shown), units, tuple(node_of))


def _parts(groups: Groups, mine: int, opened: frozenset[Unit]) -> list[tuple[tuple[int, ...], Unit]]:
    """What a group is drawn as: steps, and what it, or a part of it, is as a unit; () for no group."""
    members, whole = groups.members[mine], (mine,)
    if len(members) < FOLDABLE:
        return [((step,), ()) for step in members]
    if whole not in opened:
        return [(members, whole)]
    if len(members) <= 2 * CHUNK:
        return [((step,), whole) for step in members]
    found: list[tuple[tuple[int, ...], Unit]] = []
    for part, first in enumerate(range(0, len(members), CHUNK)):
        some, unit = members[first : first + CHUNK], (mine, part)
        found += [((step,), unit) for step in some] if unit in opened else [(some, unit)]
    return found


def _label(graph: Graph, members: tuple[int, ...], unit: Unit) -> str:
    """`quote_fedex`; `quote[×3]` and a part `pack_101…[×100]` with room for a count behind them."""
    names = [graph.labels[step] for step in members]
    if len(names) == 1:
        return names[0]
    stem = _common(min(names), max(names)).rstrip(SEPARATORS + digits)
    part = len(unit) > 1 or not stem
    limit = STEM_LIMIT if part else STEM_LIMIT + SUFFIX_LIMIT
    shown = stem if len(stem) <= limit else f"{stem[: limit - 1]}…"
    if part:
        shown += f"{names[0][len(stem) :][:SUFFIX_LIMIT]}…"
    return f"{shown}[×{len(names)}]{' ' * room_for_count(len(names))}"


def _common(one: str, other: str) -> str:
    """What both begin with."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(a for a, _ in pairs)


def room_for_count(steps: int) -> int:
    """The cells behind the label of so many steps: a space, a number, a state's glyph."""
    return len(str(steps)) + 2


def first_opened(graph: Graph, groups: Groups) -> frozenset[Unit]:
    """What is open at first: everything, unless the graph is large."""
    return frozenset((g,) for g in range(len(groups.members))) if len(graph.ids) <= LARGE else frozenset()


def parent_of(unit: Unit, opened: frozenset[Unit]) -> Unit:
    """What closes when one folds at a node of this unit: the part that is open, or else the whole group."""
    return unit if unit in opened else unit[:1]
