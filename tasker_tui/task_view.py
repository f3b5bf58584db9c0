"""The state of one open task: its steps, their graph, and what happened since it was opened."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from engine.model.states import STEP_SATISFIES, StepState, TaskState
from engine.model.wire.details import StepDetail, StepWhy
from engine.model.wire.events import TransitionChange
from engine.model.wire.tasks import TaskResponse
from tasker_tui.dag.graph import CyclicGraph, Graph
from tasker_tui.dag.scene import reading_order
from tasker_tui.reasons import still_true
from tasker_tui.text import printable
from tasker_tui.view_models import StepRow, TaskRow

KEPT_EVENTS = 2000
FIRST_LOOK = (StepState.ERROR, StepState.WAITING_FOR_RETRY, StepState.IN_PROGRESS)
"""The cursor of a task that is opened begins on the first step in one of these states."""


class TaskView:
    """One task as the screen knows it. Its steps come in full by `load`, their states at once by `apply`."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.task: TaskRow | None = None
        self.context: Any = None
        self.reason = ""
        self.steps: dict[str, StepRow] = {}
        self.reasons: dict[str, StepWhy] = {}
        self.graph: Graph | None = None
        """Its steps and what they wait for; None before they were loaded, and where they wait in a circle."""
        self._order: list[str] = []
        self.trouble: str | None = None
        self.events: deque[TransitionChange] = deque(maxlen=KEPT_EVENTS)

    def load(self, task: TaskResponse, steps: Sequence[StepDetail]) -> bool:
        """Take the server's answer over. Answers whether the graph has another shape now."""
        self.task = TaskRow.from_answer(task)
        self.context, self.reason = task.context, task.reason
        rows = [StepRow.from_answer(step) for step in steps]
        self.steps = {row.uuid: row for row in rows}
        return self._redraw()

    def apply(self, changes: Iterable[TransitionChange]) -> bool:
        """Take transitions over. Answers whether the task has to be loaded again for what they do not say."""
        touched = False
        for change in changes:
            if str(change.task_uuid) != self.uuid:
                continue
            touched = True
            self.events.appendleft(change)
            step = self.steps.get(str(change.step_uuid)) if change.step_uuid else None
            if step is not None:
                self.steps[step.uuid] = step.after(change)
            elif change.step_uuid is None and self.task is not None:
                self.task = replace(self.task, state=TaskState(change.to_state), updated_at=change.at)
        return touched

    def put(self, step: StepDetail) -> None:
        """Take over the server's answer to an action on a step."""
        if str(step.step_uuid) in self.steps:
            self.steps[str(step.step_uuid)] = StepRow.from_answer(step)

    def remember(self, history: Sequence[TransitionChange]) -> None:
        """Put what happened before the task was opened behind what has happened since, without doubles."""
        known = {change.id for change in self.events}
        for change in reversed(history):
            if change.id not in known:
                self.events.append(change)

    def explain(self, reasons: Iterable[StepWhy]) -> None:
        """Take over why the unfinished steps are where they are."""
        self.reasons = {str(reason.step_uuid): reason for reason in reasons}

    def why(self, step: StepRow) -> StepWhy | None:
        """Why the step is where it is, None if the server has not said so since it came there."""
        reason = self.reasons.get(step.uuid)
        return reason if still_true(reason, step) else None

    @property
    def unfinished(self) -> bool:
        """Whether a step has not ended, or ended in an error."""
        return any(step.state not in (*STEP_SATISFIES, StepState.CANCELLED) for step in self.steps.values())

    def named(self, name: str) -> StepRow | None:
        """The step of that name."""
        return next((step for step in self.steps.values() if step.name == name), None)

    def first_look(self, wanted: str | None) -> str | None:
        """Where the cursor begins: on the step of that name, else where something is to be seen."""
        named, ordered = self.named(wanted) if wanted else None, self.ordered()
        seen = [step for state in FIRST_LOOK for step in ordered if step.state is state]
        first = next(iter([named] if named else seen or ordered), None)
        return first.uuid if first else None

    def in_state(self, state: StepState) -> list[StepRow]:
        """The steps in a state, in the order of the graph."""
        return [step for step in self.ordered() if step.state is state]

    def ordered(self) -> list[StepRow]:
        """The steps, each after its parents."""
        return [self.steps[uuid] for uuid in self._order]

    def parents_of(self, step: StepRow) -> list[StepRow]:
        """The steps that it waits for."""
        return [self.steps[parent] for parent in step.parents if parent in self.steps]

    def children_of(self, step: StepRow) -> list[StepRow]:
        """The steps that wait for it directly."""
        return [other for other in self.ordered() if step.uuid in other.parents]

    def _redraw(self) -> bool:
        labels = {row.uuid: printable(row.name) for row in self.steps.values()}
        graph = Graph.build(labels, [(p, row.uuid) for row in self.steps.values() for p in row.parents])
        if graph == self.graph:
            return False
        try:
            self._order = [graph.ids[step] for step in reading_order(graph)]
            self.graph, self.trouble = graph, None
        except CyclicGraph as error:
            self._order, self.graph, self.trouble = list(self.steps), None, str(error)
        return True
