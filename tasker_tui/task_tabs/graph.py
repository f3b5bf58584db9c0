"""The graph of a task's steps."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult

from tasker_tui.dag.view import DagView
from tasker_tui.services import Services
from tasker_tui.task_tabs.base import TaskTab
from tasker_tui.task_view import TaskView


class GraphTab(TaskTab):
    """Shows the drawing of the task's view; `empty` says what stands there without one."""

    NAME = "graph"

    def __init__(self, services: Services, view: TaskView, empty: Callable[[], str]) -> None:
        super().__init__(services, view)
        self._empty = empty

    def compose(self) -> ComposeResult:
        """The graph alone."""
        yield DagView(self.services.ascii_only, self._empty)

    @property
    def graph(self) -> DagView:
        """The widget that draws."""
        return self.query_one(DagView)

    def enter(self) -> None:
        """The keys go to the graph."""
        super().enter()
        self.graph.focus()

    def steps_loaded(self, reshaped: bool) -> None:
        """Draw a graph of another shape."""
        if reshaped:
            self._recolour()
            self.graph.show(self.view.drawing, self.selected)

    def states_changed(self) -> None:
        """A change of state only recolours."""
        self._recolour()

    def select(self, uuid: str) -> None:
        """Put the cursor on a step."""
        super().select(uuid)
        self.graph.select(uuid)

    def failed(self) -> None:
        """The reason stands where the graph would be."""
        self.graph.refresh()

    def on_dag_view_moved(self, event: DagView.Moved) -> None:
        """The cursor moved in the graph."""
        event.stop()
        self.selected = event.node_id
        self.post_message(self.Chosen(event.node_id))

    @property
    def height_limit(self) -> int | None:
        """The lines of the drawing."""
        return self.view.drawing.height if self.view.drawing else None

    def _recolour(self) -> None:
        drawing = self.view.drawing
        if drawing is not None:
            self.graph.recolour([self.view.steps[uuid].mark for uuid in drawing.graph.ids])
