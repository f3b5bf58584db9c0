"""One template as its screen knows it: each step with its handler and how it did in the newest runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from engine.model.states import StepState
from engine.model.wire.comparison import Grid
from engine.model.wire.queues import HandlerList, HandlerStatus
from engine.model.wire.tasks import TemplateDetail
from tasker_tui.dag.graph import CyclicGraph, Graph
from tasker_tui.dag.layout import Drawing, lay_out
from tasker_tui.states import Mark
from tasker_tui.text import printable

SERVED = Mark("○", "P", "ready to run", "idle")
FAILING = Mark("▲", "F", "failed of late", "waiting")
MISSING = Mark("✗", "E", "nobody has its handler", "failed")


@dataclass(frozen=True, slots=True)
class TemplateStep:
    """A step of a template. `runs` are those of the newest in which it has run, `failed` those in which it is
    in error, `retried` those in which it took several attempts; durations are in ms. `status` is None while
    it is not known who has the handler."""

    name: str
    kind: str
    handler: str
    parents: tuple[str, ...]
    description: str
    runs: int = 0
    failed: int = 0
    retried: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    status: HandlerStatus | None = None
    workers: int = 0

    @property
    def mark(self) -> Mark:
        """How it looks in the graph."""
        if self.status in ("missing", "no_worker"):
            return MISSING
        return FAILING if self.failed else SERVED


@dataclass(frozen=True, slots=True)
class TemplateView:
    """The steps in the order of the template, and their drawing, None with `trouble` if there is none."""

    steps: tuple[TemplateStep, ...]
    drawing: Drawing | None
    trouble: str
    runs: int


def view_of(template: TemplateDetail, grid: Grid, handlers: HandlerList) -> TemplateView:
    """Put together what the server says."""
    who = {one.handler: one for one in handlers.handlers}
    steps = []
    for definition in _definitions(template):
        name, handler = str(definition.get("name", "")), _handler(definition)
        found = who.get(handler)
        steps.append(
            TemplateStep(
                name,
                str(definition.get("type") or "standard"),
                handler,
                tuple(map(str, definition.get("dependencies") or ())),
                str(definition.get("description") or ""),
                **_figures(grid, name),
                status=found.status if found else None,
                workers=found.workers if found else 0,
            )
        )
    drawing, trouble = _drawn(steps)
    return TemplateView(tuple(steps), drawing, trouble, len(grid.runs))


def _definitions(template: TemplateDetail) -> Sequence[Mapping[str, Any]]:
    found = template.configuration.get("steps") if isinstance(template.configuration, dict) else None
    if isinstance(found, list):
        return [one for one in found if isinstance(one, dict)]
    return [{"name": one.name} for one in template.steps]


def _handler(definition: Mapping[str, Any]) -> str:
    handler = definition.get("handler")
    return str(handler.get("callable", "")) if isinstance(handler, dict) else ""


def _figures(grid: Grid, name: str) -> dict[str, Any]:
    column = next((i for i, one in enumerate(grid.columns) if one.step == name), None)
    if column is None:
        return {}
    cells = [cell for run in grid.runs if (cell := run.cells[column]) is not None and cell.attempts]
    took = sorted(cell.duration_ms for cell in cells if cell.duration_ms is not None)
    return {
        "runs": len(cells),
        "failed": sum(cell.state is StepState.ERROR for cell in cells),
        "retried": sum(cell.attempts > 1 for cell in cells),
        "p50_ms": percentile(took, 0.5),
        "p95_ms": percentile(took, 0.95),
    }


def percentile(ascending: Sequence[float], share: float) -> float | None:
    """The smallest of the values that `share` of them do not exceed; None of none."""
    return ascending[max(0, ceil(share * len(ascending)) - 1)] if ascending else None


def _drawn(steps: Sequence[TemplateStep]) -> tuple[Drawing | None, str]:
    if not steps:
        return None, "this template has no steps"
    labels = {step.name: printable(step.name) for step in steps}
    try:
        return lay_out(Graph.build(labels, [(p, step.name) for step in steps for p in step.parents])), ""
    except CyclicGraph as error:
        return None, str(error)
