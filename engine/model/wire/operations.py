"""Dead letters, staleness and analytics as the REST API answers them (reference 5.1, 8.4)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from engine.model.states import TaskState
from engine.model.wire.base import NaiveTimestamp, RequestModel, Timestamp, WireModel


class DlqReason(StrEnum):
    """Why a task became a dead letter (reference 3)."""

    STALENESS_TIMEOUT = "staleness_timeout"
    MAX_RETRIES_EXCEEDED = "max_retries_exceeded"
    DEPENDENCY_CYCLE_DETECTED = "dependency_cycle_detected"
    WORKER_UNAVAILABLE = "worker_unavailable"
    MANUAL_DLQ = "manual_dlq"


class DlqResolutionStatus(StrEnum):
    """How the investigation of a dead letter stands."""

    PENDING = "pending"
    MANUALLY_RESOLVED = "manually_resolved"
    PERMANENTLY_FAILED = "permanently_failed"
    CANCELLED = "cancelled"


class StalenessHealthStatus(StrEnum):
    """`warning` from 80 % of the threshold, `stale` beyond it."""

    HEALTHY = "healthy"
    WARNING = "warning"
    STALE = "stale"


class DlqEntry(WireModel):
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


class DlqInvestigationUpdate(RequestModel):
    """Body of `PATCH /v1/dlq/entry/{id}`: what is left out stays as it is."""

    resolution_status: DlqResolutionStatus | None = None
    resolution_notes: str | None = None
    resolved_by: str | None = None
    metadata: Any = None


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


class PerformanceMetrics(WireModel):
    """Answer of `GET /v1/analytics/performance`; rates are shares from 0 to 1."""

    total_tasks: int
    active_tasks: int
    completed_tasks: int
    failed_tasks: int
    completion_rate: float
    error_rate: float
    average_task_duration_seconds: float
    average_step_duration_seconds: float
    tasks_per_hour: int
    steps_per_hour: int
    system_health_score: float
    analysis_period_start: Timestamp
    calculated_at: Timestamp


class SlowStepInfo(WireModel):
    namespace_name: str
    task_name: str
    version: str
    step_name: str
    average_duration_seconds: float
    max_duration_seconds: float
    execution_count: int
    error_count: int
    error_rate: float
    last_executed_at: Timestamp | None


class SlowTaskInfo(WireModel):
    namespace_name: str
    task_name: str
    version: str
    average_duration_seconds: float
    max_duration_seconds: float
    execution_count: int
    average_step_count: float
    error_count: int
    error_rate: float
    last_executed_at: Timestamp | None


class SystemHealthCounts(WireModel):
    """How many tasks and steps are in each state (reference 2.1, 2.3)."""

    pending_tasks: int
    initializing_tasks: int
    enqueuing_steps_tasks: int
    steps_in_process_tasks: int
    evaluating_results_tasks: int
    waiting_for_dependencies_tasks: int
    waiting_for_retry_tasks: int
    blocked_by_failures_tasks: int
    complete_tasks: int
    error_tasks: int
    cancelled_tasks: int
    resolved_manually_tasks: int
    total_tasks: int
    pending_steps: int
    enqueued_steps: int
    in_progress_steps: int
    enqueued_for_orchestration_steps: int
    enqueued_as_error_for_orchestration_steps: int
    waiting_for_retry_steps: int
    complete_steps: int
    error_steps: int
    cancelled_steps: int
    resolved_manually_steps: int
    total_steps: int


class ResourceUtilization(WireModel):
    database_pool_utilization: float
    system_health: SystemHealthCounts


class BottleneckAnalysis(WireModel):
    """Answer of `GET /v1/analytics/bottlenecks`, slowest first."""

    slow_steps: list[SlowStepInfo]
    slow_tasks: list[SlowTaskInfo]
    resource_utilization: ResourceUtilization
    recommendations: list[str]
