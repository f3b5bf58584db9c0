"""How long the dashboard's graph takes: laid out, in other colours, and opened with 5,000 steps."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from textual.app import App, ComposeResult

from tasker_tui.dag.graph import Graph
from tasker_tui.dag.layout import lay_out
from tasker_tui.dag.scene import Scene
from tasker_tui.dag.view import DagView
from tasker_tui.states import STEP_MARKS

STEPS, MANY_STEPS = 500, 5_000
WIDTHS = (10, 25, 50)
RUNS = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """In ms of processor time, each the best of five runs, of the slowest of several shapes."""

    layout_500: float
    recolour_500: float
    open_5000: float


async def measure_drawing() -> Drawn:
    """Draw graphs whose steps wait for up to three of the two layers before, a wide fan and a long chain."""
    shapes = [layered(STEPS, width) for width in WIDTHS] + [fan(STEPS), chain(STEPS)]
    many = [layered(MANY_STEPS, width) for width in WIDTHS] + [fan(MANY_STEPS), chain(MANY_STEPS)]
    return Drawn(
        max(best_ms(lambda graph=graph: lay_out.__wrapped__(graph)) for graph in shapes),  # type: ignore[misc]
        await _recolour(layered(STEPS, 25)),
        max(best_ms(lambda graph=graph: _open(graph), 2) for graph in many),  # type: ignore[misc]
    )


def _open(graph: Graph) -> None:
    lay_out.cache_clear()
    Scene(graph, ["handler"] * len(graph.ids))


def best_ms(work: Callable[[], object], runs: int = RUNS) -> float:
    """Processor time without garbage collection: the machine may be shared."""
    spent = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(runs):
            begin = time.process_time()
            work()
            spent.append((time.process_time() - begin) * 1000)
    finally:
        gc.enable()
    return min(spent)


def layered(count: int, width: int) -> Graph:
    """Each step waits for up to three of the two layers before it."""
    chance = random.Random(1)
    names = [f"step_{i}" for i in range(count)]
    edges = set()
    for i in range(width, count):
        first = i - i % width
        for _ in range(chance.randint(1, 3)):
            edges.add((names[chance.randrange(max(0, first - 2 * width), first)], names[i]))
    return Graph.build({name: name for name in names}, edges)


def fan(count: int) -> Graph:
    """One step, all others but one behind it, and the last behind those."""
    names = [f"step_{i}" for i in range(count)]
    first, *middle, last = names
    edges = [*((first, name) for name in middle), *((name, last) for name in middle)]
    return Graph.build({name: name for name in names}, edges)


def chain(count: int) -> Graph:
    """One step after another."""
    names = [f"step_{i}" for i in range(count)]
    return Graph.build({name: name for name in names}, pairwise(names))


class _Shown(App[None]):
    def __init__(self, widget: DagView) -> None:
        super().__init__()
        self._widget = widget

    def compose(self) -> ComposeResult:
        yield self._widget

    def on_mount(self) -> None:
        self._widget.styles.height = "1fr"


async def _recolour(graph: Graph) -> float:
    """Other states for all steps, and all lines in view made anew."""
    marks, chance, view = list(STEP_MARKS.values()), random.Random(3), DagView(False, str)
    lines = 48
    async with _Shown(view).run_test(size=(160, lines)) as pilot:
        view.show(lay_out(graph), None, [marks[0]] * len(graph.ids))
        await pilot.pause()

        def recolour() -> None:
            view.recolour([chance.choice(marks) for _ in graph.ids])
            for y in range(lines):
                view.render_line(y)

        recolour()
        return best_ms(recolour)
