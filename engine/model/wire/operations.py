"""Analytics as the REST API answers them (reference 5.1)."""

from __future__ import annotations

from engine.model.wire.base import Timestamp, WireModel


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
