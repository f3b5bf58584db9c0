"""Tasks, steps and templates as the REST API answers them (reference 5.1)."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from engine.model.states import StepState, TaskState
from engine.model.wire.base import NaiveTimestamp, Timestamp, WireModel

ExecutionStatus = Literal[
    "blocked_by_failures", "has_ready_steps", "processing", "all_complete", "waiting_for_dependencies"
]
RecommendedAction = Literal[
    "handle_failures", "execute_ready_steps", "wait_for_completion", "finalize_task", "wait_for_dependencies"
]
TaskHealth = Literal["healthy", "recovering", "blocked", "unknown"]


class StepReadinessStatus(WireModel):
    """One step of a task with what decides whether it can run (reference 3, get_step_readiness_status)."""

    workflow_step_uuid: UUID
    task_uuid: UUID
    named_step_uuid: UUID
    name: str
    current_state: StepState
    dependencies_satisfied: bool
    retry_eligible: bool
    ready_for_execution: bool
    last_failure_at: NaiveTimestamp | None
    next_retry_at: NaiveTimestamp | None
    total_parents: int
    completed_parents: int
    attempts: int
    max_attempts: int
    backoff_request_seconds: int | None
    last_attempted_at: NaiveTimestamp | None


class TaskResponse(WireModel):
    """One task; the derived fields are those of reference 2.4. In lists `steps` is empty."""

    task_uuid: UUID
    name: str
    namespace: str
    version: str
    status: TaskState
    created_at: Timestamp
    updated_at: Timestamp
    completed_at: Timestamp | None
    context: Any
    initiator: str
    source_system: str
    reason: str
    priority: int | None
    tags: list[str] | None
    correlation_id: UUID
    parent_correlation_id: UUID | None
    total_steps: int
    pending_steps: int
    in_progress_steps: int
    completed_steps: int
    failed_steps: int
    ready_steps: int
    execution_status: ExecutionStatus
    recommended_action: RecommendedAction
    completion_percentage: float
    health_status: TaskHealth
    steps: list[StepReadinessStatus]


class PaginationInfo(WireModel):
    """Where a list stands. `next_cursor`, if there is a next page, continues by key instead of by number."""

    page: int
    per_page: int
    total_count: int
    total_pages: int
    has_next: bool
    has_previous: bool
    next_cursor: str | None = None


class TaskListResponse(WireModel):
    """One page of tasks."""

    tasks: list[TaskResponse]
    pagination: PaginationInfo


class StepResponse(WireModel):
    """One step. `results` is the stored execution result: the handler's data is under its key `result`."""

    step_uuid: UUID
    task_uuid: UUID
    name: str
    created_at: Timestamp
    updated_at: Timestamp
    completed_at: Timestamp | None
    results: Any
    current_state: StepState
    dependencies_satisfied: bool
    retry_eligible: bool
    ready_for_execution: bool
    total_parents: int
    completed_parents: int
    attempts: int
    max_attempts: int
    last_failure_at: Timestamp | None
    next_retry_at: Timestamp | None
    last_attempted_at: Timestamp | None


class StepAuditResponse(WireModel):
    """One submitted result of a step (reference 2.5). `audit_uuid` and `transition_uuid` are opaque texts."""

    audit_uuid: str
    workflow_step_uuid: UUID
    transition_uuid: str
    task_uuid: UUID
    recorded_at: Timestamp
    worker_uuid: UUID | None
    correlation_id: UUID | None
    success: bool
    execution_time_ms: int | None
    result: Any
    step_name: str
    from_state: StepState | None
    to_state: StepState


class NamespaceSummary(WireModel):
    name: str
    description: str | None
    template_count: int


class TemplateSummary(WireModel):
    name: str
    namespace: str
    version: str
    description: str | None
    step_count: int


class TemplateListResponse(WireModel):
    """The registered templates, and the namespaces that they are in."""

    namespaces: list[NamespaceSummary]
    templates: list[TemplateSummary]
    total_count: int


class StepDefinition(WireModel):
    """A step as the template's detail lists it; the whole of it is in the template's `configuration`."""

    name: str
    description: str | None
    default_retryable: bool
    default_max_attempts: int


class TemplateDetail(WireModel):
    """One template; `configuration` is the whole of it as registered."""

    name: str
    namespace: str
    version: str
    description: str | None
    configuration: Any
    steps: list[StepDefinition]
