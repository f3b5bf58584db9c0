"""The health of an engine, made of what was measured (reference 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.model.wire.health import (
    DetailedHealthChecks,
    DetailedHealthResponse,
    HealthCheck,
    HealthInfo,
    HealthResponse,
    PoolDetail,
    PoolUtilizationInfo,
    ReadinessChecks,
    ReadinessResponse,
)

FAILURES_ALLOWED = 3
"""Calls of a loop that may fail in a row before the engine counts as unhealthy."""

CROWDED_PERCENT = 95.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What health is judged by. `database_ms` is None when the database did not answer (`database_error`).

    `loop_failures` counts failed calls in a row by the loop's name; `ready_steps` is how many wait for a
    worker; `waiting_creations` how many requests wait for a transaction.
    """

    version: str
    environment: str
    database_ms: int | None
    database_error: str | None
    loop_failures: Mapping[str, int]
    pool: PoolDetail
    ready_steps: int
    waiting_creations: int


def basic() -> HealthResponse:
    """The process answers."""
    return HealthResponse(status="healthy", timestamp=datetime.now(UTC))


def live() -> HealthResponse:
    """The process is alive; a restart would help nobody."""
    return HealthResponse(status="alive", timestamp=datetime.now(UTC))


def readiness(measured: Measured) -> ReadinessResponse:
    """Whether the engine can take work: `ready` or `not_ready`."""
    checks = ReadinessChecks(**_checks(measured))
    return ReadinessResponse(
        status="ready" if is_ready(checks) else "not_ready",
        timestamp=datetime.now(UTC),
        checks=checks,
        info=_info(measured),
    )


def detailed(measured: Measured) -> DetailedHealthResponse:
    """All checks: `healthy`, `degraded` when something is crowded, `unhealthy` when it cannot take work."""
    pool, waiting = measured.pool, measured.waiting_creations
    crowded = pool.utilization_percent >= CROWDED_PERCENT
    checks = DetailedHealthChecks(
        **_checks(measured),
        pool_utilization=_check(
            "degraded" if crowded else "healthy",
            f"{pool.active_connections} of {pool.max_connections} connections are in use",
        ),
        queue_depth=_check("healthy", f"{measured.ready_steps} steps wait for a worker"),
        channel_saturation=_check("healthy", f"{waiting} creations wait for a transaction"),
    )
    status = ("degraded" if crowded else "healthy") if is_ready(checks) else "unhealthy"
    return DetailedHealthResponse(
        status=status, timestamp=datetime.now(UTC), checks=checks, info=_info(measured)
    )


def is_ready(checks: ReadinessChecks) -> bool:
    """Whether no check says that work cannot be taken."""
    names = ReadinessChecks.model_fields
    return all(getattr(checks, name).status != "unhealthy" for name in names)


def _checks(measured: Measured) -> dict[str, HealthCheck]:
    if measured.database_ms is None:
        database = _check("unhealthy", f"the database does not answer: {measured.database_error}")
    else:
        database = _check("healthy", None, measured.database_ms)
    failing = {name: count for name, count in measured.loop_failures.items() if count}
    broken = any(count > FAILURES_ALLOWED for count in failing.values())
    told = ", ".join(f"{name} failed {count} times in a row" for name, count in failing.items())
    return {
        "web_database": database,
        "orchestration_database": database,
        "circuit_breaker": _check("healthy" if measured.database_ms is not None else "unhealthy"),
        "orchestration_system": _check("unhealthy" if broken else "healthy", told or None),
        "command_processor": _check("healthy", f"{len(measured.loop_failures)} loops run"),
    }


def _check(status: str, message: str | None = None, duration_ms: int = 0) -> HealthCheck:
    return HealthCheck(status=status, message=message, duration_ms=duration_ms)


def _info(measured: Measured) -> HealthInfo:
    size = measured.pool.max_connections
    return HealthInfo(
        version=measured.version,
        environment=measured.environment,
        operational_state="normal",
        web_database_pool_size=size,
        orchestration_database_pool_size=size,
        circuit_breaker_state="closed" if measured.database_ms is not None else "open",
        pool_utilization=PoolUtilizationInfo(tasker_pool=measured.pool, pgmq_pool=measured.pool),
    )
