"""Runs beside each other: many of a template as a grid, two of them as a diff. Durations are in ms."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from engine.model.states import StepState, TaskState
from engine.model.wire.base import Timestamp, WireModel


class GridColumn(WireModel):
    """A step of the template; the workers of a batch share one."""

    step: str
    step_type: str


class GridCell(WireModel):
    """A step of a run. Of the `steps` that share a column the state that needs most attention, the most
    attempts, and the time from the first one's beginning to the last one's end."""

    state: StepState
    steps: int
    attempts: int
    duration_ms: int | None


class GridRun(WireModel):
    """A task; its cells are in the order of the columns, null where it does not have that step."""

    task_uuid: UUID
    state: TaskState
    created_at: Timestamp
    completed_at: Timestamp | None
    duration_ms: int
    cells: list[GridCell | None]


class Grid(WireModel):
    """The newest runs of a template's version; `next_before` asks for older ones, null at the end."""

    namespace: str
    template: str
    version: str
    calculated_at: Timestamp
    columns: list[GridColumn]
    runs: list[GridRun]
    next_before: UUID | None


class ValueDiff(WireModel):
    """A place in two JSON values where they differ, as `order.items[2].sku`; '' is the whole value.

    A value whose JSON is longer than 500 characters is the beginning of that text instead, and `cut` is true.
    """

    path: str
    kind: Literal["added", "removed", "changed"]
    a: Any
    b: Any
    cut: bool


class ValueDiffs(WireModel):
    """The first differences, and how many more there are. `too_large`: they were not looked for."""

    differences: list[ValueDiff]
    more: int
    too_large: bool


class DiffTask(WireModel):
    """One of the two tasks."""

    task_uuid: UUID
    version: str
    revision_id: int
    state: TaskState
    priority: int
    initiator: str
    created_at: Timestamp
    completed_at: Timestamp | None
    duration_ms: int
    total_steps: int


class DiffStep(WireModel):
    """A step in one of the tasks, with its last attempt."""

    step_uuid: UUID
    state: StepState
    attempts: int
    duration_ms: int | None
    error_type: str | None
    error_message: str | None


Differing = Literal["presence", "state", "attempts", "duration", "result", "error"]


class StepDiff(WireModel):
    """A step by its name in both tasks; null where one does not have it.

    Durations differ when one is at least twice the other and 100 ms longer. `result` is null where the
    results are alike.
    """

    step: str
    a: DiffStep | None
    b: DiffStep | None
    differs: list[Differing]
    result: ValueDiffs | None


class TaskDiff(WireModel):
    """Two tasks of one template. `steps` are in the order of the plan, at most as many as were asked for:
    `more_steps` were left out at the end, `same_steps` because they are alike and only others were wanted."""

    namespace: str
    template: str
    a: DiffTask
    b: DiffTask
    context: ValueDiffs
    steps: list[StepDiff]
    same_steps: int
    more_steps: int
