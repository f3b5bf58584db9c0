"""What `tasker task watch` writes while a task runs: lines for people, or an object a line for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from rich.text import Text

from engine.model.states import StepState
from engine.model.wire.details import StepDetail
from engine.model.wire.events import TransitionChange
from engine.model.wire.tasks import TaskResponse
from tasker_tui.cli import views
from tasker_tui.cli.console import console, print_json
from tasker_tui.text import printable


class Reporter(Protocol):
    """Told what happens, in the order in which it became known; `states` repeats what may be known."""

    def begin(self, task: TaskResponse) -> None: ...

    def changes(self, changes: Sequence[TransitionChange]) -> None: ...

    def states(self, task: TaskResponse) -> None: ...

    def end(self, task: TaskResponse, failed: Sequence[StepDetail]) -> None: ...


class _Shown:
    """The last state shown of each step, so that nothing is shown twice."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def new_states(self, task: TaskResponse) -> Iterable[tuple[str, StepState]]:
        """The steps whose state has not been shown."""
        for step in task.steps:
            if self.is_new(step.name, step.current_state):
                yield step.name, step.current_state

    def is_new(self, step: str, state: str) -> bool:
        """Whether the state was not the last one shown; it is now."""
        known, self._states[step] = self._states.get(step, StepState.PENDING), state
        return known != state


class JsonReporter:
    """The stream's changes as they are; what was only looked up has fewer fields; the task at last."""

    def __init__(self) -> None:
        self._shown = _Shown()

    def begin(self, task: TaskResponse) -> None:
        """Write nothing: the first line is the first change."""

    def changes(self, changes: Sequence[TransitionChange]) -> None:
        """Write each change."""
        for change in changes:
            if change.step_name is None or self._shown.is_new(change.step_name, change.to_state):
                print_json(change)

    def states(self, task: TaskResponse) -> None:
        """Write what the stream did not tell."""
        for name, state in self._shown.new_states(task):
            line = {"task_uuid": str(task.task_uuid), "step_name": name, "to_state": state}
            print(json.dumps(line), flush=True)

    def end(self, task: TaskResponse, failed: Sequence[StepDetail]) -> None:
        """Write the task."""
        print_json(task)


class PeopleReporter:
    """A line a change, and at last how it ended, why, and what can be done."""

    def __init__(self) -> None:
        self._shown = _Shown()
        self._console = console()

    def begin(self, task: TaskResponse) -> None:
        """Say which task it is."""
        self._line(
            Text(f"task {task.task_uuid}  {printable(f'{task.namespace}/{task.name}')} {task.version}")
        )

    def changes(self, changes: Sequence[TransitionChange]) -> None:
        """A line for each new state of a step."""
        for change in changes:
            if change.step_name and self._shown.is_new(change.step_name, change.to_state):
                attempt = change.attempt if change.attempt and change.attempt > 1 else None
                self._step(change.at, change.step_name, StepState(change.to_state), attempt)

    def states(self, task: TaskResponse) -> None:
        """A line for each state that the stream did not tell."""
        now = datetime.now(UTC)
        for name, state in self._shown.new_states(task):
            self._step(now, name, state, None)

    def end(self, task: TaskResponse, failed: Sequence[StepDetail]) -> None:
        """How it ended; the errors of steps that failed and what to do about them."""
        self._line(views.outcome(task))
        for step in failed:
            if error := views.error_of(step.results):
                self._line(Text(f"  {printable(step.name)}: {printable(error)}"))
        if any(step.current_state is StepState.ERROR for step in failed):
            self._line(Text(f"  to try again: tasker task retry {task.task_uuid} --watch", style="dim"))

    def _step(self, at: datetime, name: str, state: StepState, attempt: int | None) -> None:
        clock = f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1000:03}"
        line = Text.assemble((clock, "dim"), f"  {printable(name):<28} ", views.step_state(state))
        self._line(line.append(f", attempt {attempt}") if attempt else line)

    def _line(self, text: Text) -> None:
        self._console.print(text)
