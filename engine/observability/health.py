"""The health of an engine, made of what was measured (reference 5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.model.breaker import BreakerState, Reading
from engine.model.pressure import Tier
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
from engine.model.wire.queues import Broker

FAILURES_ALLOWED = 3
"""Calls of a loop that may fail in a row before the engine counts as unhealthy."""

CROWDED_PERCENT = 95.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What health is judged by. `database_ms` is None when the database did not answer (`database_error`).

    `loop_failures` counts failed calls in a row by the loop's name, `loops_ended` says which of them ended by
    themselves and had to be begun again; `ready_steps` is how many wait for a worker, `queue` the tier of the
    fullest queue; `waiting_creations` how many requests wait for a transaction, `channel_percent` what share
    of those that may. The first of the `breakers` is the database's.
    """

    version: str
    environment: str
    database_ms: int | None
    database_error: str | None
    loop_failures: Mapping[str, int]
    loops_ended: str
    pool: PoolDetail
    breakers: Sequence[Reading]
    queue: Tier
    ready_steps: int
    broker: Broker
    waiting_creations: int
    channel_percent: float


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
    """All checks: `healthy`, `degraded` when something is crowded or the broker is away, `unhealthy` when the
    engine cannot take work."""
    pool, waiting = measured.pool, measured.waiting_creations
    checks = DetailedHealthChecks(
        **_checks(measured),
        pool_utilization=_check(
            _crowded(pool.utilization_percent),
            f"{pool.active_connections} of {pool.max_connections} connections are in use",
        ),
        queue_depth=_queue(measured),
        channel_saturation=_check(
            _crowded(measured.channel_percent), f"{waiting} creations wait for a transaction"
        ),
    )
    fine = all(getattr(checks, name).status == "healthy" for name in DetailedHealthChecks.model_fields)
    status = ("healthy" if fine else "degraded") if is_ready(checks) else "unhealthy"
    return DetailedHealthResponse(
        status=status, timestamp=datetime.now(UTC), checks=checks, info=_info(measured)
    )


def is_ready(checks: ReadinessChecks) -> bool:
    """Whether no check says that work cannot be taken."""
    names = ReadinessChecks.model_fields
    return all(getattr(checks, name).status != "unhealthy" for name in names)


def _crowded(percent: float) -> str:
    return "degraded" if percent >= CROWDED_PERCENT else "healthy"


def _queue(measured: Measured) -> HealthCheck:
    message = f"{measured.ready_steps} steps wait for a worker"
    if measured.queue.retry_after_seconds is not None:
        message += f"; a queue is at its tier {measured.queue}: no new tasks are taken in for it"
    broker = measured.broker
    if not broker.connected:
        message += f"; {broker.title}: {broker.problem}; workers find steps by polling"
    fine = measured.queue is Tier.NORMAL and broker.connected
    return _check("healthy" if fine else "degraded", message)


def _breakers(measured: Measured) -> HealthCheck:
    """Not ready while the database's is open; another one that is open only makes something wait."""
    open_ones = [one for one in measured.breakers if one.state is not BreakerState.CLOSED]
    told = ", ".join(_told(one) for one in open_ones)
    if measured.database_ms is None or measured.breakers[0].state is BreakerState.OPEN:
        return _check("unhealthy", told or None)
    return _check("degraded" if open_ones else "healthy", told or None)


def _told(breaker: Reading) -> str:
    since = datetime.now(UTC) - timedelta(seconds=breaker.troubled_seconds or 0.0)
    words = f"{breaker.name} is {breaker.state.replace('_', ' ')}"
    return f"{words}, not closed since {since:%Y-%m-%d %H:%M:%S} UTC"


def _checks(measured: Measured) -> dict[str, HealthCheck]:
    if measured.database_ms is None:
        database = _check("unhealthy", f"the database does not answer: {measured.database_error}")
    else:
        database = _check("healthy", None, measured.database_ms)
    failing = {name: count for name, count in measured.loop_failures.items() if count}
    broken = any(count > FAILURES_ALLOWED for count in failing.values())
    told = ", ".join(f"{name} failed {count} times in a row" for name, count in failing.items())
    running = f"{len(measured.loop_failures)} loops run"
    return {
        "web_database": database,
        "orchestration_database": database,
        "circuit_breaker": _breakers(measured),
        "orchestration_system": _check("unhealthy" if broken else "healthy", told or None),
        "command_processor": _check("healthy", "; ".join(filter(None, (running, measured.loops_ended)))),
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
        circuit_breaker_state=measured.breakers[0].state,
        pool_utilization=PoolUtilizationInfo(tasker_pool=measured.pool, pgmq_pool=measured.pool),
    )
