"""What a worker answers on its own port (reference 5.2), and how the server describes a worker.

Some names are also names of the orchestration server's objects, with other fields: import it by name.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from engine.model.wire.base import Timestamp, WireModel
from engine.model.wire.health import PoolUtilizationInfo

CircuitBreakerState = Literal["closed", "open", "half_open"]


class BasicHealthResponse(WireModel):
    """Answer of `/health` and `/health/live`."""

    status: str
    timestamp: Timestamp
    worker_id: str


class HealthCheck(WireModel):
    status: str
    message: str | None
    duration_ms: int
    last_checked: Timestamp


class WorkerReadinessChecks(WireModel):
    database: HealthCheck
    command_processor: HealthCheck
    queue_processing: HealthCheck


class WorkerDetailedChecks(WorkerReadinessChecks):
    event_system: HealthCheck
    step_processing: HealthCheck
    circuit_breakers: HealthCheck


class WorkerSystemInfo(WireModel):
    version: str
    environment: str
    uptime_seconds: int
    worker_type: str
    database_pool_size: int
    command_processor_active: bool
    supported_namespaces: list[str]
    pool_utilization: PoolUtilizationInfo | None


class DistributedCacheInfo(WireModel):
    enabled: bool
    provider: str
    healthy: bool


class ReadinessResponse(WireModel):
    """Answer of `/health/ready`, with 503 when the worker takes no steps."""

    status: str
    timestamp: Timestamp
    worker_id: str
    checks: WorkerReadinessChecks
    system_info: WorkerSystemInfo


class DetailedHealthResponse(WireModel):
    """Answer of `/health/detailed`."""

    status: str
    timestamp: Timestamp
    worker_id: str
    checks: WorkerDetailedChecks
    system_info: WorkerSystemInfo
    distributed_cache: DistributedCacheInfo | None


class EventRouterStats(WireModel):
    """What became of the domain events of a worker's steps: `*_routed` were accepted with their step's
    result, `failed` could not be made, `held_back` a publisher did not want, `withdrawn` were made for a
    result that was refused."""

    total_routed: int
    durable_routed: int
    fast_routed: int
    broadcast_routed: int
    failed: int
    held_back: int
    withdrawn: int


class SubscriberStats(WireModel):
    """`waiting` events are not handled yet; `failed` raised, `dropped` found its queue full."""

    subscriber: str
    patterns: list[str]
    waiting: int
    handled: int
    failed: int
    dropped: int


class EventBusStats(WireModel):
    """Fast events in the worker's process; `handler_dispatches` were handled or failed."""

    total_events_dispatched: int
    handler_dispatches: int
    handler_errors: int
    dropped: int
    subscriber_count: int
    subscribers: list[SubscriberStats]


class DomainEventStats(WireModel):
    """Answer of `/metrics/events`, since the worker's start. `publishers` are those that templates can name
    besides the default one."""

    worker_id: str
    captured_at: Timestamp
    router: EventRouterStats
    in_process_bus: EventBusStats
    publishers: list[str]


class CacheStats(WireModel):
    """How the worker's template cache does; the contract leaves the fields open."""

    total_cached: int
    cache_hits: int
    cache_misses: int


class TemplateListResponse(WireModel):
    supported_namespaces: list[str]
    template_count: int
    cache_stats: CacheStats | None
    worker_capabilities: list[str]


class TemplateValidationResponse(WireModel):
    valid: bool
    errors: list[str]
    required_capabilities: list[str]
    step_handlers: list[str]


class CircuitBreakerStatus(WireModel):
    name: str
    state: CircuitBreakerState
    is_healthy: bool
    success_count: int
    failure_count: int
    consecutive_failures: int
    total_calls: int
    circuit_open_rejections: int
    additional_metrics: dict[str, Any] | None


class CircuitBreakersHealth(WireModel):
    all_healthy: bool
    closed_count: int
    open_count: int
    half_open_count: int
    circuit_breakers: list[CircuitBreakerStatus]


class WorkerInfo(WireModel):
    """A registered worker as the orchestration server lists it.

    `slots` is how many steps it runs at once, `busy` how many it runs, `stuck` how many of those are
    held by a thread that outlived its time-out; `handlers` are the callables that it can run.
    """

    worker_uuid: UUID
    name: str
    hostname: str
    pid: int
    version: str
    namespaces: list[str]
    handlers: list[str]
    slots: int
    busy: int
    stuck: int
    state: str
    started_at: Timestamp
    last_heartbeat_at: Timestamp
