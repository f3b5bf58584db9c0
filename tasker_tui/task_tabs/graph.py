"""The graph of a task's steps: folded where it is large, around one step if asked for, with paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import work
from textual.app import ComposeResult
from textual.message import Message

from engine.client import reports
from engine.model.states import StepState
from engine.model.wire.reports import CriticalStep
from tasker_tui.dag.paths import drawn, path_to
from tasker_tui.dag.scene import Scene
from tasker_tui.dag.view import DagView
from tasker_tui.services import Services
from tasker_tui.task_tabs.base import TaskTab
from tasker_tui.task_tabs.folded_states import looks, most_telling
from tasker_tui.task_view import TaskView
from tasker_tui.text import count, duration, printable
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.view_models import StepRow


class GraphTab(TaskTab):
    """Shows the graph of the task's view; `empty` says what stands there without one."""

    NAME = "graph"

    class CriticalArrived(Message):
        """The steps that decided when the task ended were loaded, the first one first."""

        def __init__(self, steps: Sequence[CriticalStep], at: datetime) -> None:
            super().__init__()
            self.steps, self.at = steps, at

    def __init__(self, services: Services, view: TaskView, empty: Callable[[], str]) -> None:
        super().__init__(services, view)
        self._empty = empty
        self._scene: Scene | None = None
        self._step_of: dict[str, int] = {}
        self._critical: GraphTab.CriticalArrived | None = None
        self._way: list[int] = []
        self._wants_critical = False

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
            graph = self.view.graph
            kinds = [self.view.steps[uuid].handler for uuid in graph.ids] if graph else []
            self._scene = Scene(graph, kinds) if graph else None
            self._step_of = {uuid: i for i, uuid in enumerate(graph.ids)} if graph else {}
            self._draw()
        if self._wants_critical:
            self._fetch_critical()

    def states_changed(self) -> None:
        """A change of state only recolours."""
        scene = self._scene
        if scene is None:
            return
        marks, counts = looks(scene.folded, self._rows(), self.services.ascii_only)
        self.graph.recolour(marks, counts)
        self._way = self._way_to_failure()
        critical = self._critical_steps()
        path = drawn(scene.folded, critical or self._way)
        self.graph.emphasize(*path, "running" if critical else "failed")

    def select(self, uuid: str) -> None:
        """Put the cursor on a step, or on the node that stands for it."""
        super().select(uuid)
        self._show_cursor()

    def failed(self) -> None:
        """The reason stands where the graph would be."""
        self.graph.refresh()

    def on_dag_view_moved(self, event: DagView.Moved) -> None:
        """The cursor moved in the graph."""
        event.stop()
        if self._scene is not None:
            members = self._scene.folded.members[self.graph.cursor]
            rows = self._rows()
            self.selected = most_telling([rows[step] for step in members]).uuid
            self.post_message(self.Chosen(self.selected))

    def on_dag_view_asked(self, event: DagView.Asked) -> None:
        """Fold, focus, or go on where the focus ends."""
        event.stop()
        scene, node = self._scene, self.graph.cursor
        if scene is None or self.selected is None:
            return
        match event.action:
            case "graph.unfold" if not scene.unfold(node):
                self._say("+ unfolds what stands for several steps; this one stands for itself")
            case "graph.fold" if not scene.fold(node):
                self._say("no other step stands in the graph as this one does: there is nothing to fold")
            case "graph.focus":
                scene.focus(self._step_of[self.selected])
            case "graph.critical":
                self._toggle_critical()
            case "graph.left" | "graph.right":
                self._walk_out(scene, node, event.action)
                return
        self._draw()

    def on_graph_tab_critical_arrived(self, event: CriticalArrived) -> None:
        """Draw the path, if it is still wanted."""
        self._critical = event if self._wants_critical else None
        self.states_changed()
        self.post_message(self.NoteChanged())

    @property
    def height_limit(self) -> int | None:
        """The lines of the drawing."""
        return self._scene.drawing.height if self._scene else None

    @property
    def note(self) -> str:
        """What is drawn, if not everything, and the path that stands out."""
        scene = self._scene
        if scene is None:
            return ""
        parts = []
        if scene.levels:
            parts.append(f"focus ±{scene.levels}")
        if scene.all_nodes < len(scene.graph.ids):
            steps, nodes = count(len(scene.graph.ids)), count(scene.all_nodes)
            parts.append(f"{steps} steps folded into {nodes}, + unfolds")
        line = "=" if self.services.ascii_only else "━"
        if self._critical is not None:
            parts.append(f"{line} critical path {self._critical_text(self._critical)}")
        elif self._way:
            parts.append(f"{line} way to the first failure, {scene.graph.labels[self._way[-1]]}")
        return "  ".join(parts)

    def _draw(self) -> None:
        scene = self._scene
        if scene is None:
            self.graph.show(None, None, ())
            return
        node = scene.node_of(self._step_of.get(self.selected or "", 0))
        looked = looks(scene.folded, self._rows(), self.services.ascii_only)
        self.graph.show(scene.drawing, scene.folded.graph.ids[node], *looked)
        self.states_changed()
        self.post_message(self.NoteChanged())

    def _show_cursor(self) -> None:
        scene, step = self._scene, self._step_of.get(self.selected or "")
        if scene is None or step is None:
            return
        before = scene.drawing
        node = scene.node_of(step)
        if scene.drawing is not before:
            self._draw()
        self.graph.select(scene.folded.graph.ids[node])

    def _walk_out(self, scene: Scene, node: int, direction: str) -> None:
        if scene.levels and scene.reaches_out(node, direction == "graph.left"):
            scene.centre_on(scene.folded.members[node][0])
            self._draw()
            self.graph.action_do(direction)

    def _rows(self) -> list[StepRow]:
        assert self.view.graph is not None
        return [self.view.steps[uuid] for uuid in self.view.graph.ids]

    def _way_to_failure(self) -> list[int]:
        """The steps that led to the step that failed first, none if none has failed."""
        rows, scene = self._rows(), self._scene
        failed = [i for i, row in enumerate(rows) if row.state is StepState.ERROR]
        if scene is None or not failed:
            return []
        first = min(failed, key=lambda i: (rows[i].updated_at, i))
        return path_to(scene.graph, first, lambda i: (rows[i].completed_at or rows[i].updated_at).timestamp())

    def _critical_steps(self) -> list[int]:
        steps = self._critical.steps if self._critical else ()
        return [self._step_of[str(s.step_uuid)] for s in steps if str(s.step_uuid) in self._step_of]

    def _critical_text(self, found: CriticalArrived) -> str:
        steps = found.steps
        if not steps:
            return "is not known yet: no step has run"
        took = ((steps[-1].ended_at or found.at) - steps[0].began_at).total_seconds()
        return f"{duration(took)}: " + " → ".join(printable(step.step) for step in steps)

    def _toggle_critical(self) -> None:
        self._wants_critical, self._critical = not self._wants_critical, None
        if self._wants_critical:
            self._fetch_critical()

    def _say(self, text: str) -> None:
        self.notify(text, severity="warning", markup=False)

    @work(group="critical", exclusive=True)
    async def _fetch_critical(self) -> None:
        try:
            found = await self.services.client.send(reports.summary(self.view.uuid))
        except CALL_FAILURES as error:
            self._say(f"the critical path could not be loaded: {explain(error)}")
        else:
            self.post_message(self.CriticalArrived(found.critical_path, found.calculated_at))
