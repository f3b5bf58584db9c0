"""What of a task's graph is drawn now: what is folded, and the neighbourhood in focus."""

from __future__ import annotations

from collections.abc import Sequence

from tasker_tui.dag.focus import around, narrowed
from tasker_tui.dag.fold import LARGE, Folded, depths, first_opened, fold, group, parent_of
from tasker_tui.dag.graph import Graph
from tasker_tui.dag.layout import Drawing, shared_layout

FOCUS_LEVELS = (1, 2, 3)


class Scene:
    """One graph as the user has folded it. Steps are numbers of the whole graph, nodes those of the drawn.

    Raises CyclicGraph.
    """

    def __init__(self, graph: Graph, kinds: Sequence[str]) -> None:
        self.graph = graph
        self._groups = group(graph, kinds)
        self._opened = first_opened(graph, self._groups)
        self._whole = fold(graph, self._groups, self._opened)
        self.levels = 0
        """How far the neighbourhood in focus reaches; 0: everything is drawn."""
        self._centre = 0
        self._draw()

    def node_of(self, step: int) -> int:
        """The node that stands for a step. The focus moves there if it is outside."""
        node = self.folded.node_of[step]
        if node is None:
            self._centre = step
            self._draw()
            node = self.folded.node_of[step]
        assert node is not None
        return node

    def unfold(self, node: int) -> bool:
        """Draw what the node stands for, a large group in parts; answers whether there is anything."""
        unit = self.folded.units[node]
        if unit is None or not self.folded.stands_for_many(node):
            return False
        self._open(self._opened | {unit})
        return True

    def fold(self, node: int) -> bool:
        """Draw all that are like this node as one; answers whether there are any."""
        unit = self.folded.units[node]
        if unit is None:
            return False
        closed = parent_of(unit, self._opened)
        if closed not in self._opened:
            return False
        self._open(frozenset(one for one in self._opened if one[: len(closed)] != closed))
        return True

    def focus(self, step: int) -> None:
        """Draw only what is around the step, a level further every time, and everything after the last."""
        levels = (0, *FOCUS_LEVELS, 0)
        self.levels, self._centre = levels[levels.index(self.levels) + 1], step
        self._draw()

    def reaches_out(self, node: int, leftwards: bool) -> bool:
        """Whether there is something beside the node that the focus leaves out."""
        whole = self._whole.node_of[self.folded.members[node][0]]
        assert whole is not None
        beside = self._whole.graph.parents() if leftwards else self._whole.graph.children()
        drawn = self.folded.graph.parents() if leftwards else self.folded.graph.children()
        return len(beside[whole]) > len(drawn[node])

    def centre_on(self, step: int) -> None:
        """Move the focus."""
        self._centre = step
        self._draw()

    @property
    def all_nodes(self) -> int:
        """How many nodes there are without a focus."""
        return len(self._whole.members)

    def _open(self, opened: frozenset[tuple[int, ...]]) -> None:
        self._opened = opened
        self._whole = fold(self.graph, self._groups, opened)
        self._draw()

    def _draw(self) -> None:
        self.folded: Folded = self._whole
        if self.levels:
            centre = self._whole.node_of[self._centre]
            assert centre is not None
            self.folded = narrowed(self._whole, around(self._whole.graph, centre, self.levels))
        self.drawing: Drawing = shared_layout(self.folded.graph)


def reading_order(graph: Graph) -> list[int]:
    """The steps by layer and from top to bottom; by number in a graph too large to be drawn as it stands.

    Each stands after its parents. Raises CyclicGraph.
    """
    if len(graph.ids) > LARGE:
        depth = depths(graph)
        return sorted(range(len(graph.ids)), key=lambda step: (depth[step], step))
    places = shared_layout(graph).places
    return sorted(range(len(graph.ids)), key=lambda step: (places[step].layer, places[step].y))
