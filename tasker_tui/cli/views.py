"""Tasks and steps as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.model.states import StepState, TaskState
from engine.model.wire.tasks import StepResponse, TaskListResponse, TaskResponse
from tasker_tui.states import STEP_MARKS, TASK_MARKS, Mark
from tasker_tui.text import age, duration, printable

STYLES = {
    "idle": "dim",
    "queued": "cyan",
    "running": "blue",
    "waiting": "yellow",
    "ok": "green",
    "failed": "red",
    "stopped": "dim",
    "manual": "magenta",
}


def task_list(page: TaskListResponse) -> RenderableType:
    """One line a task, and how many there are."""
    now = datetime.now(UTC)
    table = _table("TASK", "TEMPLATE", "VERSION", "STATE", "STEPS", "AGE", "TOOK")
    for task in page.tasks:
        table.add_row(
            str(task.task_uuid),
            Text(printable(f"{task.namespace}/{task.name}")),
            Text(printable(task.version)),
            task_state(task.status),
            _progress(task),
            age(task.created_at, now),
            _took(task.created_at, task.completed_at),
        )
    about = page.pagination
    return Group(
        table, Text(f"page {about.page} of {about.total_pages}, {about.total_count} tasks", style="dim")
    )


def task_detail(task: TaskResponse, steps: Sequence[StepResponse]) -> RenderableType:
    """Everything about a task that an operator asks first, then its steps."""
    fields = Table.grid(padding=(0, 2))
    for name, value in _fields(task):
        fields.add_row(Text(name, style="dim"), value if isinstance(value, Text) else Text(printable(value)))
    return Group(fields, Text(), step_list(steps))


def step_list(steps: Iterable[StepResponse]) -> RenderableType:
    """One line a step, with the error of those that have one."""
    table = _table("STEP", "STATE", "ATTEMPTS", "PARENTS", "NEXT TRY", "ERROR")
    for step in steps:
        table.add_row(
            Text(printable(step.name)),
            step_state(step.current_state),
            f"{step.attempts}/{step.max_attempts}",
            f"{step.completed_parents}/{step.total_parents}",
            _until(step.next_retry_at),
            Text(printable(error_of(step.results))),
        )
    return table


def outcome(task: TaskResponse) -> Text:
    """How a task ended, in one line."""
    ended = task.completed_at or task.updated_at
    about = f", {_progress(task)} steps, after {_took(task.created_at, ended)}"
    return task_state(task.status).append(about, style="default")


def step_state(state: StepState) -> Text:
    """A step's state as shape and word."""
    return _marked(STEP_MARKS[state], state)


def error_of(results: Any) -> str:
    """The message of a stored execution result that failed, else nothing."""
    error = results.get("error") if isinstance(results, dict) else None
    if not isinstance(error, dict):
        return ""
    kind, message = error.get("error_type"), error.get("message")
    return f"{kind}: {message}" if kind else str(message or "")


def _fields(task: TaskResponse) -> Iterable[tuple[str, str | Text]]:
    yield "task", str(task.task_uuid)
    yield "template", f"{task.namespace}/{task.name} {task.version}"
    yield "state", task_state(task.status)
    yield "steps", f"{_progress(task)}, {task.failed_steps} failed, {task.in_progress_steps} in progress"
    yield "created", f"{task.created_at:%Y-%m-%d %H:%M:%S} UTC by {task.initiator} ({task.reason})"
    if task.completed_at:
        took = _took(task.created_at, task.completed_at)
        yield "completed", f"{task.completed_at:%Y-%m-%d %H:%M:%S} UTC, after {took}"
    yield "priority", str(task.priority or 0)
    if task.tags:
        yield "tags", ", ".join(task.tags)
    yield "correlation", str(task.correlation_id)
    if task.parent_correlation_id:
        yield "started by", f"a task of correlation {task.parent_correlation_id}"


def task_state(state: TaskState) -> Text:
    """A task's state as shape and word."""
    return _marked(TASK_MARKS[state], state)


def _marked(mark: Mark, state: str) -> Text:
    return Text(f"{mark.shape} {state}", style=STYLES[mark.tone])


def _progress(task: TaskResponse) -> str:
    return f"{task.completed_steps}/{task.total_steps}"


def _took(began: datetime, ended: datetime | None) -> str:
    if ended is None:
        return ""
    seconds = (ended - began).total_seconds()
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else duration(seconds)


def _until(moment: datetime | None) -> str:
    return f"in {duration((moment - datetime.now(UTC)).total_seconds())}" if moment else ""


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="bold")
