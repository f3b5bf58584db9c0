"""Reports on one task: where its time went, and how it got where it is. Durations are in ms."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from engine.model.states import StepState, TaskState
from engine.model.wire.base import Timestamp, WireModel
from engine.model.wire.pauses import Pause

SegmentKind = Literal["waiting", "queued", "running", "engine", "retry_wait", "failed"]
"""`waiting` for parents, `engine` for an engine to look at a result, `failed` until somebody resumes it."""

RunOutcome = Literal["succeeded", "failed", "lost", "cancelled", "ended_by_hand"]
"""How a running attempt ended; `lost`: its lease ran out, or its worker gave it up."""


class StepTimes(WireModel):
    """Where a step's time went, all of its attempts together, and how often it was begun."""

    step_uuid: UUID
    step: str
    state: StepState
    attempts: int
    waiting_ms: int
    queued_ms: int
    running_ms: int
    engine_ms: int
    retry_wait_ms: int


class CriticalStep(WireModel):
    """A step of the chain that decided when the task ended: it began when the one before it ended.

    `took_ms` from there to its own end, of which a worker ran it for `running_ms`.
    """

    step_uuid: UUID
    step: str
    state: StepState
    began_at: Timestamp
    ended_at: Timestamp | None
    took_ms: int
    running_ms: int


class StepError(WireModel):
    """The last error of a step that has failed or waits for its retry."""

    step_uuid: UUID
    step: str
    state: StepState
    attempt: int
    error_type: str | None
    message: str | None
    retryable: bool
    at: Timestamp


class HandAct(WireModel):
    """What somebody did to a task or its steps, in one transaction.

    `from_state` and `to_state` are of the first thing that changed; `steps` are the names of steps that did,
    at most ten of `changed_steps`.
    """

    at: Timestamp
    actor: str
    reason: str | None
    from_state: str
    to_state: str
    steps: list[str]
    changed_steps: int


class TaskSummary(WireModel):
    """Answer of `GET /v1/tasks/{task_uuid}/summary`.

    `steps` counts those in each state that occurs. The durations but `total_ms` are sums over all steps, as
    of `calculated_at`. `retries` are attempts after a step's first. Lists are bounded: the ten slowest steps,
    the first twenty errors, the last twenty acts by hand.
    """

    task_uuid: UUID
    namespace: str
    template: str
    version: str
    state: TaskState
    created_at: Timestamp
    completed_at: Timestamp | None
    calculated_at: Timestamp
    total_steps: int
    steps: dict[StepState, int]
    completion_percentage: float
    total_ms: int
    waiting_ms: int
    queued_ms: int
    running_ms: int
    engine_ms: int
    retry_wait_ms: int
    attempts: int
    retries: int
    critical_path: list[CriticalStep]
    slowest_steps: list[StepTimes]
    errors: list[StepError]
    by_hand: list[HandAct]
    pauses: list[Pause]


class TimelineSegment(WireModel):
    """A time that a step spent in one way; without `end` it still does. Attempt, worker and outcome are those
    of a running segment."""

    kind: SegmentKind
    start: Timestamp
    end: Timestamp | None
    attempt: int | None
    worker_uuid: UUID | None
    outcome: RunOutcome | None


class TimelineStep(WireModel):
    """A step with its segments, oldest first; `earlier_attempts` were left out before them."""

    step_uuid: UUID
    step: str
    step_type: str
    state: StepState
    segments: list[TimelineSegment]
    earlier_attempts: int


class TimelineWorker(WireModel):
    worker_uuid: UUID
    name: str


class Timeline(WireModel):
    """Steps in the order of the plan; `next_after` asks for the next part, null at the end. `workers` names
    those of the segments that are still known."""

    task_uuid: UUID
    state: TaskState
    created_at: Timestamp
    completed_at: Timestamp | None
    calculated_at: Timestamp
    steps: list[TimelineStep]
    workers: list[TimelineWorker]
    next_after: UUID | None
