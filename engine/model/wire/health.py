"""Health of the orchestration server as the REST API answers it (reference 5.1)."""

from __future__ import annotations

from engine.model.wire.base import Timestamp, WireModel


class HealthResponse(WireModel):
    """Answer of `/health` and `/health/live`."""

    status: str
    timestamp: Timestamp


class HealthCheck(WireModel):
    status: str
    message: str | None
    duration_ms: int


class PoolDetail(WireModel):
    """One connection pool; `utilization_percent` from 0 to 100."""

    active_connections: int
    idle_connections: int
    max_connections: int
    utilization_percent: float
    total_acquires: int
    slow_acquires: int
    acquire_errors: int
    average_acquire_time_ms: float
    max_acquire_time_ms: float


class PoolUtilizationInfo(WireModel):
    tasker_pool: PoolDetail
    pgmq_pool: PoolDetail


class HealthInfo(WireModel):
    version: str
    environment: str
    operational_state: str
    web_database_pool_size: int
    orchestration_database_pool_size: int
    circuit_breaker_state: str
    pool_utilization: PoolUtilizationInfo | None


class ReadinessChecks(WireModel):
    web_database: HealthCheck
    orchestration_database: HealthCheck
    circuit_breaker: HealthCheck
    orchestration_system: HealthCheck
    command_processor: HealthCheck


class DetailedHealthChecks(ReadinessChecks):
    pool_utilization: HealthCheck
    queue_depth: HealthCheck
    channel_saturation: HealthCheck


class ReadinessResponse(WireModel):
    """Answer of `/health/ready`, with 503 when the server cannot take work."""

    status: str
    timestamp: Timestamp
    checks: ReadinessChecks
    info: HealthInfo


class DetailedHealthResponse(WireModel):
    """Answer of `/health/detailed`."""

    status: str
    timestamp: Timestamp
    checks: DetailedHealthChecks
    info: HealthInfo
