"""One template: its graph, and below it each step with its handler and how it did in the newest runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from engine.client.comparison import grid
from engine.client.queues import list_handlers
from tasker_tui.actions import Focus, bindings
from tasker_tui.dag.view import DagView
from tasker_tui.loading import Loading
from tasker_tui.locator import Locator, to_task
from tasker_tui.operations import Operations
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.template_view import TemplateStep, TemplateView, view_of
from tasker_tui.text import plural, printable
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.template_step_columns import template_step_columns
from tasker_tui.widgets.virtual_table import Column, VirtualTable

SHOWN_RUNS = 100
RELOAD_SECONDS = 5


class StepRows:
    """The steps of the template in its order."""

    def __init__(self) -> None:
        self.rows: Sequence[TemplateStep] = ()

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.rows)

    def row_at(self, index: int) -> TemplateStep | None:
        """The step at an index."""
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def index_of(self, key: str) -> int | None:
        """Where a step stands."""
        return next((i for i, row in enumerate(self.rows) if row.name == key), None)

    def key_of(self, row: TemplateStep) -> str:
        """Its name."""
        return row.name


class TemplateScreen(OperatorScreen):
    """The cursors of graph and list are on the same step."""

    SCOPES = ("template",)
    BINDINGS = bindings("template")
    DEFAULT_CSS = """
    #template-body { height: 1fr; }
    #template-graph { height: 1fr; border: round $border-blurred; border-title-style: bold; }
    #template-steps { height: 1fr; border: round $border-blurred; border-title-style: bold;
                      border-subtitle-color: $foreground 60%; padding: 0 1 0 0; }
    #template-graph:focus, #template-steps:focus { border: round $border; }
    """

    class Arrived(Message):
        """The template was loaded, or could not be."""

        def __init__(self, view: TemplateView | None, problem: str = "") -> None:
            super().__init__()
            self.view, self.problem = view, problem

    def __init__(self, services: Services, namespace: str, name: str, version: str) -> None:
        super().__init__(services)
        self._path = (namespace, name, version)
        self._operations = Operations(self, services, lambda step: None)
        self._rows = StepRows()
        self._view: TemplateView | None = None
        self._problem, self._age = "", 0
        self._loading = Loading(self, self._load, "template")

    def compose_body(self) -> ComposeResult:
        """The graph above the list."""
        with Vertical(id="template-body"):
            yield DagView(self.services.ascii_only, self._graph_empty, id="template-graph")
            yield VirtualTable[TemplateStep](
                self._rows, self._columns, lambda: [self._problem or "Loading…"], id="template-steps"
            )

    def on_mount(self) -> None:
        """Load it."""
        self.graph.border_title = Content(printable(" ".join(self._path)))
        self.table.border_title = "Steps"
        self.table.focus()
        self._loading.ask()

    @property
    def graph(self) -> DagView:
        """The drawing's widget."""
        return self.query_one("#template-graph", DagView)

    @property
    def table(self) -> VirtualTable[TemplateStep]:
        """The list's widget."""
        return self.query_one("#template-steps", VirtualTable)

    def focus_state(self) -> Focus:
        """Nothing that an action would need."""
        return Focus(connected=self.services.link.live)

    def crumbs(self) -> tuple[str, ...]:
        """Below the templates."""
        return ("templates", printable(self._path[1]))

    def locator(self) -> Locator:
        """The template."""
        return Locator("template", self._path)

    def reload(self) -> None:
        """Read everything again."""
        self._loading.ask()

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "template.start": self._start,
            "template.runs": lambda: self.services.go(Locator("runs", self._path)),
            "template.other": self._other,
            "template.back": self.app.pop_screen,
        }

    def on_tick(self) -> None:
        """Runs come in, workers come and go."""
        super().on_tick()
        self._age += 1
        if self.in_view and self._age >= RELOAD_SECONDS:
            self._loading.ask()

    def on_template_screen_arrived(self, event: Arrived) -> None:
        """Show it; what cannot be read stays as it was."""
        self._problem = event.problem
        if event.view is not None:
            self._show(event.view)
        self.table.refresh()

    def on_dag_view_moved(self, event: DagView.Moved) -> None:
        """The list follows the graph."""
        index = self._rows.index_of(event.node_id)
        if index is not None:
            self.table.move_to(index)

    def on_dag_view_asked(self, event: DagView.Asked) -> None:
        """Folding, and the ways through a graph, are for tasks."""
        self.notify("The graph of a template is always shown in full", markup=False)

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """The graph follows the list."""
        if event.key is not None:
            self.graph.select(event.key)

    def _show(self, view: TemplateView) -> None:
        before, self._view, self._rows.rows = self._view, view, view.steps
        marks = [step.mark for step in view.steps]
        if before is None or before.drawing != view.drawing:
            self.graph.show(view.drawing, self.table.cursor_key, marks)
        else:
            self.graph.recolour(marks)
        self.table.rows_moved()
        figures = (
            f"figures of the newest {plural(view.runs, 'run')}" if view.runs else "no run yet; s starts one"
        )
        self.table.border_subtitle = f"{plural(len(view.steps), 'step')}   {figures}"

    def _start(self) -> None:
        go = self.services.go
        self._operations.start_of("/".join(self._path), lambda task: go(to_task(str(task.task_uuid))))

    def _other(self) -> None:
        (self.graph if self.table.has_focus else self.table).focus()

    async def _load(self) -> None:
        self._age = 0
        client, (namespace, name, version) = self.services.client, self._path
        try:
            template, runs, handlers = await asyncio.gather(
                client.get_template(namespace, name, version),
                client.send(grid(namespace, name, version, limit=SHOWN_RUNS)),
                client.send(list_handlers(namespace=namespace)),
            )
        except CALL_FAILURES as error:
            self.post_message(self.Arrived(None, explain(error)))
        else:
            self.post_message(self.Arrived(view_of(template, runs, handlers)))

    def _columns(self, width: int) -> Sequence[Column[TemplateStep]]:
        return template_step_columns(width)

    def _graph_empty(self) -> str:
        return self._view.trouble if self._view else "…"
