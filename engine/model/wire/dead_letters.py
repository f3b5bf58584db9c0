"""Dead letters and staleness as the REST API reads and answers them (reference 5.1, 8.4)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator

from engine.model.states import TaskState
from engine.model.wire.base import NaiveTimestamp, RequestModel, WireModel
from engine.model.wire.fields import NO_NUL, Name, Reason, Text255

Notes = Annotated[str, Field(max_length=10_000, pattern=NO_NUL)]


class DlqReason(StrEnum):
    """Why a task became a dead letter (reference 3)."""

    STALENESS_TIMEOUT = "staleness_timeout"
    MAX_RETRIES_EXCEEDED = "max_retries_exceeded"
    DEPENDENCY_CYCLE_DETECTED = "dependency_cycle_detected"
    WORKER_UNAVAILABLE = "worker_unavailable"
    MANUAL_DLQ = "manual_dlq"


class DlqCause(StrEnum):
    """What happened, more exactly than the reasons, whose words are fixed, can say."""

    RETRIES_EXHAUSTED = "retries_exhausted"
    PERMANENT_FAILURE = "permanent_failure"
    WORKER_LOST = "worker_lost"
    HANDLER_MISSING = "handler_missing"
    STALE = "stale"
    BY_HAND = "by_hand"


class DlqResolutionStatus(StrEnum):
    """How the investigation of a dead letter stands."""

    PENDING = "pending"
    MANUALLY_RESOLVED = "manually_resolved"
    PERMANENTLY_FAILED = "permanently_failed"
    CANCELLED = "cancelled"


class DlqAction(StrEnum):
    """What closing a dead letter does to its task.

    `retry` resets its failed steps, and it goes on; `resolve` ends a task that rests as
    `resolved_manually`; `fail` ends it in `error`; `cancel` cancels it; `none` leaves it as it is.
    """

    RETRY = "retry"
    RESOLVE = "resolve"
    FAIL = "fail"
    CANCEL = "cancel"
    NONE = "none"


USUAL_ACTIONS = {
    DlqResolutionStatus.MANUALLY_RESOLVED: DlqAction.RESOLVE,
    DlqResolutionStatus.PERMANENTLY_FAILED: DlqAction.FAIL,
    DlqResolutionStatus.CANCELLED: DlqAction.CANCEL,
}
"""What a resolution does unless the request says otherwise."""

ACTION_STATUSES = {
    DlqAction.RETRY: DlqResolutionStatus.MANUALLY_RESOLVED,
    DlqAction.RESOLVE: DlqResolutionStatus.MANUALLY_RESOLVED,
    DlqAction.FAIL: DlqResolutionStatus.PERMANENTLY_FAILED,
    DlqAction.CANCEL: DlqResolutionStatus.CANCELLED,
}
"""The resolution that an action stands for; `none` goes with each."""


class StalenessHealthStatus(StrEnum):
    """`warning` from 80 % of the threshold, `stale` beyond it."""

    HEALTHY = "healthy"
    WARNING = "warning"
    STALE = "stale"


class DlqEntry(WireModel):
    """A dead letter. `task_snapshot` is the task as it was then: its steps, their attempts and errors.

    `namespace_name`, `task_name` and `current_state` are null when the task is no longer kept.
    """

    dlq_entry_uuid: UUID
    task_uuid: UUID
    original_state: TaskState
    dlq_reason: DlqReason
    dlq_timestamp: NaiveTimestamp
    resolution_status: DlqResolutionStatus
    resolution_timestamp: NaiveTimestamp | None
    resolution_notes: str | None
    resolved_by: str | None
    task_snapshot: Any
    metadata: Any
    created_at: NaiveTimestamp
    updated_at: NaiveTimestamp
    cause: DlqCause
    assignee: str | None
    namespace_name: str | None
    task_name: str | None
    current_state: TaskState | None


class DlqInvestigationUpdate(RequestModel):
    """Body of `PATCH /v1/dlq/entry/{id}`: what is left out stays as it is.

    A `resolution_status` other than pending closes the dead letter and acts on its task: `action` says
    how (see `USUAL_ACTIONS`), or stands for the status. `resolved_by` and `resolution_notes` are the actor
    and the reason in the audit. `assignee` null gives the dead letter back to nobody.
    """

    resolution_status: DlqResolutionStatus | None = None
    resolution_notes: Notes | None = None
    resolved_by: Text255 | None = None
    metadata: Any = None
    action: DlqAction | None = None
    assignee: Name | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _fits(self) -> DlqInvestigationUpdate:
        status, action = self.resolution_status, self.action
        if action is None:
            return self
        if status is DlqResolutionStatus.PENDING:
            raise ValueError("an action closes the dead letter: leave resolution_status out")
        if status is None and action is DlqAction.NONE:
            raise ValueError("action none needs a resolution_status: manually_resolved, for one")
        if status is not None and ACTION_STATUSES.get(action, status) is not status:
            raise ValueError(f"action {action} goes with resolution_status {ACTION_STATUSES[action]}")
        return self

    @property
    def resolution(self) -> tuple[DlqResolutionStatus, DlqAction] | None:
        """How the dead letter is to be closed; None if it is not."""
        status, action = self.resolution_status, self.action
        if action is not None:
            return status or ACTION_STATUSES[action], action
        if status is None or status is DlqResolutionStatus.PENDING:
            return None
        return status, USUAL_ACTIONS[status]


class DlqAddRequest(RequestModel):
    """Body of `POST /v1/dlq/task/{id}`."""

    reason: Reason
    actor: Text255 = "api"
    assignee: Name | None = None
    dry_run: bool = False


class DlqChange(WireModel):
    """What a change of a dead letter did, or would do (`dry_run`).

    `changed` is false where it was so already. `entry` is the dead letter after it; that of a dry run which
    would make one has an id that nothing has.
    """

    changed: bool
    dry_run: bool
    entry: DlqEntry


class DlqStats(WireModel):
    dlq_reason: DlqReason
    total_entries: int
    pending: int
    manually_resolved: int
    permanent_failures: int
    cancelled: int
    oldest_entry: NaiveTimestamp | None
    newest_entry: NaiveTimestamp | None
    avg_resolution_time_minutes: float | None


class DlqInvestigationQueueEntry(WireModel):
    """An open dead letter; the higher `priority_score` the more urgent.

    `failed_step` is the step of its task that failed last and is still in error, `error_message` the
    beginning of what it said; null where there is none.
    """

    dlq_entry_uuid: UUID
    task_uuid: UUID
    original_state: TaskState
    dlq_reason: DlqReason
    dlq_timestamp: NaiveTimestamp
    minutes_in_dlq: float
    namespace_name: str | None
    task_name: str | None
    current_state: TaskState | None
    time_in_state_minutes: int | None
    priority_score: float
    cause: DlqCause
    assignee: str | None
    resolution_notes: str | None
    failed_step: str | None
    error_message: str | None


class StalenessMonitoring(WireModel):
    task_uuid: UUID
    namespace_name: str | None
    task_name: str | None
    current_state: TaskState
    time_in_state_minutes: int
    task_age_minutes: int
    staleness_threshold_minutes: int
    health_status: StalenessHealthStatus
    priority: int
