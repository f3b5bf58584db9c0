"""Answers that are ours alone, or that tell more than the contract's: every field of theirs, and these."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from engine.model.wire.base import Timestamp, WireModel
from engine.model.wire.events import LogLine, TransitionChange
from engine.model.wire.tasks import StepResponse, TemplateDetail


class StepEdit(WireModel):
    """What an operator changed of a step: its inputs, the settings of its handler, or both; a side that
    stayed as it was is null. The newest are in force."""

    edit_id: int
    old_inputs: Any
    new_inputs: Any
    old_settings: Any
    new_settings: Any
    actor: str
    reason: str
    edited_at: Timestamp


class StepDetail(StepResponse):
    """A step with what an operator asks next.

    `parents` and `children` are uuids of steps of the same task, `parent_names` the parents' names in the
    same order. `last_error` is the `error` of the last stored result. `worker_uuid` holds the step's lease
    until `lease_expires_at`. `edits` are the oldest first; `inputs` and `initialization` are as edited.
    """

    parents: list[UUID]
    parent_names: list[str]
    children: list[UUID]
    step_type: str
    namespace: str
    handler: str
    method: str
    timeout_seconds: int | None
    priority: int
    initialization: Any
    inputs: Any
    checkpoint: Any
    last_error: Any
    worker_uuid: UUID | None
    lease_expires_at: Timestamp | None
    edits: list[StepEdit] = Field(default_factory=list)


class StepWhy(WireModel):
    """Why a step that has not ended is where it is: a sentence for people, `kind` and `data` for programs.

    Kinds: `parents`, `failed_parent`, `retry`, `paused`, `batch_limit`, `batch_failed`, `no_worker`,
    `no_handler`, `queued`, `running`, `engine`, `failed`.
    """

    step_uuid: UUID
    name: str
    state: str
    kind: str
    sentence: str
    data: Any


class TaskWhy(StepWhy):
    """Why a task is not done: the reason of the step that says the most about it.

    Messages are cut after 200 characters, and of a step that is queued `data.ahead` is null.
    """

    task_uuid: UUID


class TransitionPage(WireModel):
    """A part of a task's history, oldest first; `next_after` asks for the next part, null at the end."""

    transitions: list[TransitionChange]
    next_after: int | None


class LogRecord(LogLine):
    """A line of a step's log with where it belongs."""

    id: int
    attempt: int


class LogPage(WireModel):
    """A part of a step's log, oldest first; `next_after` asks for the next part, null at the end."""

    task_uuid: UUID
    step_uuid: UUID
    lines: list[LogRecord]
    next_after: int | None


class TaskLogRecord(LogRecord):
    """A line of a task's log with the step that it is of."""

    step_uuid: UUID
    step: str


class TaskLogPage(WireModel):
    """A part of a task's log, oldest first; `next_after` asks for the next part, null at the end."""

    task_uuid: UUID
    lines: list[TaskLogRecord]
    next_after: int | None


class TemplateRevision(TemplateDetail):
    """A template with the revision that new tasks are created from."""

    revision_id: int
    content_hash: str
    identity_strategy: str
    registered_at: Timestamp


class TemplateRegistration(WireModel):
    """What `POST /v1/templates` did. `replaced` is a new revision of a version that was known."""

    outcome: Literal["created", "unchanged", "replaced"]
    namespace: str
    name: str
    version: str
    revision_id: int
    content_hash: str
    step_count: int
