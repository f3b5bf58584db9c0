"""How a worker is: the objects of the wire contract, and what an operator asks next."""

from __future__ import annotations

import importlib.metadata
import time
from datetime import UTC, datetime

from engine.model.wire.base import WireModel
from engine.model.wire.worker import (
    BasicHealthResponse,
    DetailedHealthResponse,
    HealthCheck,
    ReadinessResponse,
    WorkerDetailedChecks,
    WorkerReadinessChecks,
    WorkerSystemInfo,
)
from engine.settings import Settings
from engine.store.pool import RECONNECTABLE, Pool
from workers.runtime.loading import Loaded
from workers.runtime.running import RunningStep
from workers.runtime.worker import Worker

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
DATABASE_SECONDS = 5.0


class StuckStep(WireModel):
    """A handler that goes on although its step is over: `reason` is timed out, cancelled, lost or given
    back; `seconds` is how long it has been running."""

    step_uuid: str
    task_uuid: str
    name: str
    handler: str
    attempt: int
    reason: str
    seconds: float


class WorkerHealth(DetailedHealthResponse):
    """`problems` are sentences about templates and handlers that could not be loaded, with file and line.

    `handlers` are those that this worker claims for, `registered` all that it has, `missing` sentences about
    those that its templates name and it has not, with file and line. `templates` maps those that it has read
    to what their registration came to.
    """

    slots: int
    busy: int
    stuck: list[StuckStep]
    handlers: list[str]
    registered: list[str]
    missing: list[str]
    templates: dict[str, str]
    problems: list[str]


class Health:
    """Examines one worker."""

    def __init__(self, worker: Worker, pool: Pool, settings: Settings, loaded: Loaded) -> None:
        self._worker = worker
        self._pool = pool
        self._environment = settings.environment
        self._loaded = loaded
        self._started = time.monotonic()

    @property
    def version(self) -> str:
        """Of Tasker."""
        return importlib.metadata.version("tasker")

    @property
    def uptime(self) -> float:
        """Seconds since the worker's start."""
        return time.monotonic() - self._started

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the database last took a heartbeat."""
        return time.monotonic() - self._worker.heartbeat.last_beat

    def basic(self) -> BasicHealthResponse:
        """That the process answers."""
        return BasicHealthResponse(status=HEALTHY, timestamp=_now(), worker_id=self._worker_id)

    async def ready(self) -> ReadinessResponse:
        """Whether the worker takes steps."""
        checks = WorkerReadinessChecks(
            database=await self._database(),
            command_processor=self._command_processor(),
            queue_processing=self._queue_processing(),
        )
        return ReadinessResponse(
            status=_worst(checks),
            timestamp=_now(),
            worker_id=self._worker_id,
            checks=checks,
            system_info=self._system_info(),
        )

    async def detailed(self) -> WorkerHealth:
        """The same with all that is wrong: stuck handlers, templates that could not be loaded."""
        ready = await self.ready()
        checks = WorkerDetailedChecks(
            **dict(ready.checks),
            event_system=self._event_system(),
            step_processing=self._step_processing(),
            circuit_breakers=_check(HEALTHY, "none in use"),
        )
        return WorkerHealth(
            status=_worst(checks),
            timestamp=ready.timestamp,
            worker_id=self._worker_id,
            checks=checks,
            system_info=ready.system_info,
            distributed_cache=None,
            slots=self._worker.capacity.slots,
            busy=len(self._worker.running),
            stuck=[_stuck(step) for step in self._worker.stuck_steps],
            handlers=self._worker.identity.handlers,
            registered=self._worker.registered,
            missing=self._loaded.missing,
            templates=self._loaded.outcomes,
            problems=list(self._loaded.problems),
        )

    @property
    def _worker_id(self) -> str:
        return str(self._worker.identity.worker_uuid)

    def _system_info(self) -> WorkerSystemInfo:
        return WorkerSystemInfo(
            version=self.version,
            environment=self._environment,
            uptime_seconds=int(self.uptime),
            worker_type="python",
            database_pool_size=self._pool.get_max_size(),
            command_processor_active=not self._worker.capacity.draining,
            supported_namespaces=self._worker.identity.namespaces,
            pool_utilization=None,
        )

    async def _database(self) -> HealthCheck:
        begun = time.monotonic()
        try:
            await self._pool.fetchval("SELECT 1", timeout=DATABASE_SECONDS)
        except (*RECONNECTABLE, TimeoutError) as error:
            return _check(UNHEALTHY, f"the database can't be reached: {error or 'no answer'}", begun)
        return _check(HEALTHY, None, begun)

    def _command_processor(self) -> HealthCheck:
        if self._worker.capacity.draining:
            return _check(UNHEALTHY, "draining: takes no more steps")
        waiting = len(self._worker.exchange.outbox)
        told = (f"{waiting} results wait to be submitted", self._worker.background.told)
        return _check(HEALTHY, "; ".join(filter(None, told)))

    def _queue_processing(self) -> HealthCheck:
        age, lease = self.heartbeat_age, self._worker.identity.lease.total_seconds()
        if age > lease:
            return _check(UNHEALTHY, f"no heartbeat for {age:.0f} s, a lease is {lease:.0f} s")
        return _check(HEALTHY, f"last heartbeat {age:.1f} s ago")

    def _event_system(self) -> HealthCheck:
        inbox = self._worker.inbox
        if inbox is not None and not inbox.link.connected:
            return _check(DEGRADED, f"{inbox.link.title}: {inbox.link.error}; steps are found by polling")
        if self._worker.listener.connected:
            return _check(HEALTHY, None)
        return _check(DEGRADED, "the listening connection is down: steps are found by polling")

    def _step_processing(self) -> HealthCheck:
        slots, busy, stuck = self._worker.capacity.slots, len(self._worker.running), self._worker.stuck
        message = f"{busy} of {slots} slots busy, {stuck} stuck"
        problems = len(self._loaded.problems)
        if problems:
            message += f"; {problems} problems with templates or handlers"
        return _check(DEGRADED if stuck or problems else HEALTHY, message)


def _stuck(step: RunningStep) -> StuckStep:
    claimed = step.claimed
    return StuckStep(
        step_uuid=str(claimed.step_uuid),
        task_uuid=str(claimed.task_uuid),
        name=claimed.name,
        handler=step.definition.handler,
        attempt=claimed.attempt,
        reason=step.over_reason,
        seconds=step.execution_ms / 1000,
    )


def _worst(checks: WorkerReadinessChecks) -> str:
    found = {check.status for _, check in checks}
    return next(status for status in (UNHEALTHY, DEGRADED, HEALTHY) if status in found)


def _check(status: str, message: str | None, begun: float | None = None) -> HealthCheck:
    took = 0 if begun is None else int((time.monotonic() - begun) * 1000)
    return HealthCheck(status=status, message=message, duration_ms=took, last_checked=_now())


def _now() -> datetime:
    return datetime.now(UTC)
