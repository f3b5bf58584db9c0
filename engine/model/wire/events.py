"""What `GET /v1/events/stream` sends; `event` is the name of the server-sent event that carries it."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from engine.model.states import TaskState
from engine.model.wire.base import Timestamp, WireModel


class TransitionChange(WireModel):
    """One row of the transition log.

    `path` is every state that one transaction took the entity through, the first after `from_state`, the
    last `to_state`. Without `step_uuid` it is a change of the task. Clients drop doubles by `id`.
    """

    id: int
    at: Timestamp
    task_uuid: UUID
    step_uuid: UUID | None = None
    step_name: str | None = None
    path: list[str]
    from_state: str | None = None
    to_state: str
    attempt: int | None = None
    worker_uuid: UUID | None = None
    actor: str | None = None
    reason: str | None = None


class TransitionsEvent(WireModel):
    """Changes, oldest first. `cursor` is the mark to resume from; nothing older can still appear."""

    event: ClassVar[str] = "transitions"

    cursor: str
    changes: list[TransitionChange]


class SummaryRow(WireModel):
    """What a row of a task list shows: the latest of one task."""

    task_uuid: UUID
    name: str
    namespace: str
    version: str
    status: TaskState
    priority: int
    total_steps: int
    completed_steps: int
    failed_steps: int
    in_progress_steps: int
    retrying_steps: int
    created_at: Timestamp
    updated_at: Timestamp
    completed_at: Timestamp | None


class SummaryEvent(WireModel):
    """Rows that changed since the last one."""

    event: ClassVar[str] = "summary"

    cursor: str
    tasks: list[SummaryRow]


class ResetEvent(WireModel):
    """The stream cannot go on from the client's cursor (`reason` says why): load again."""

    event: ClassVar[str] = "reset"

    reason: str


class LogLine(WireModel):
    """One line that a handler logged or printed."""

    at: Timestamp
    stream: Literal["log", "stdout", "stderr"]
    level: str | None = None
    logger: str | None = None
    message: str


class LogEvent(WireModel):
    """Lines of one attempt of one step, oldest first."""

    event: ClassVar[str] = "log"

    cursor: str
    task_uuid: UUID
    step_uuid: UUID
    attempt: int
    lines: list[LogLine]
