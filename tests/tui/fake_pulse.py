"""The health of the whole system, as the server would answer for it from memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.client import ApiError
from engine.client.calls import Call
from engine.model.states import TASK_TERMINAL
from engine.model.wire.dead_letters import DlqReason, DlqStats, StalenessMonitoring
from engine.model.wire.health import (
    DetailedHealthChecks,
    DetailedHealthResponse,
    HealthCheck,
    HealthInfo,
    PoolDetail,
    PoolUtilizationInfo,
)
from engine.model.wire.statistics import Backlog, DurationFigures, Statistics, StatisticsBucket
from tests.tui.fake_answers import answers

if TYPE_CHECKING:
    from tests.tui.support import FakeTasker

MINUTES = 60
STALE_MINUTES = 60


@answers("GET", "/v1/statistics")
def _statistics(tasker: FakeTasker, call: Call[Any]) -> Statistics:
    """Every task of the server ended in the minute that it was created in; steps as many as they have."""
    if any(check.status == "unhealthy" for check in tasker.checks.values()):
        raise ApiError(503, "INTERNAL", "the database cannot be reached", {})
    now = tasker.clock.now()
    start = (now - timedelta(minutes=MINUTES - 1)).replace(second=0, microsecond=0)
    buckets = [_bucket(tasker, start + timedelta(minutes=number)) for number in range(MINUTES)]
    total = buckets[0].model_copy(
        update={
            name: sum(getattr(bucket, name) for bucket in buckets)
            for name in ("tasks_created", "tasks_completed", "steps_completed", "steps_failed")
        }
        | {
            "task_durations": _took(sum(bucket.tasks_completed for bucket in buckets)),
            "attempt_durations": _took(sum(bucket.steps_completed for bucket in buckets)),
        }
    )
    return Statistics(
        start=start, end=now, bucket_seconds=60, total=total, buckets=buckets, backlog=_backlog(tasker)
    )


def _bucket(tasker: FakeTasker, at: datetime) -> StatisticsBucket:
    tasks = [one for one in tasker.tasks.values() if at <= one.created_at < at + timedelta(minutes=1)]
    steps = [step for one in tasks for step in one.steps]
    complete = sum(step.state == "complete" for step in steps)
    ended = sum(one.state == "complete" for one in tasks)
    return StatisticsBucket(
        at=at, tasks_created=len(tasks), tasks_completed=ended,
        tasks_failed=0, tasks_cancelled=0, steps_completed=complete,
        steps_failed=sum(step.state == "error" for step in steps), steps_retried=0,
        task_durations=_took(ended),
        attempt_durations=_took(complete),
    )  # fmt: skip


def _took(items: int) -> DurationFigures | None:
    return DurationFigures(items=items, mean_ms=800, p50_ms=700, p95_ms=900, p99_ms=990) if items else None


def _backlog(tasker: FakeTasker) -> Backlog:
    there = [task for task in tasker.tasks.values() if task.state not in TASK_TERMINAL]
    states = {task.state: sum(one.state is task.state for one in there) for task in there}
    return Backlog(
        open_tasks=len(there), task_states=states,
        blocked_tasks=sum(task.state == "blocked_by_failures" for task in there),
        ready_steps=0, running_steps=0, retrying_steps=0, failed_steps=0,
        oldest_ready_seconds=41.0 if there else None,
    )  # fmt: skip


@answers("GET", "/v1/dlq/stats")
def _letters(tasker: FakeTasker, call: Call[Any]) -> Any:
    if not tasker.letters:
        return []
    return [
        DlqStats(
            dlq_reason=DlqReason.MAX_RETRIES_EXCEEDED, total_entries=len(tasker.letters),
            pending=len(tasker.letters), manually_resolved=0, permanent_failures=0, cancelled=0,
            oldest_entry=tasker.letters[0].dlq_timestamp,
            newest_entry=tasker.letters[-1].dlq_timestamp, avg_resolution_time_minutes=None,
        )
    ]  # fmt: skip


@answers("GET", "/v1/dlq/staleness")
def _staleness(tasker: FakeTasker, call: Call[Any]) -> list[StalenessMonitoring]:
    """The oldest task that waits for others is stale after an hour."""
    waiting = [task for task in tasker.tasks.values() if task.state == "waiting_for_dependencies"]
    found = []
    for task in sorted(waiting, key=lambda one: one.created_at)[:1]:
        minutes = int((tasker.clock.now() - task.created_at).total_seconds() // 60)
        found.append(
            StalenessMonitoring(
                task_uuid=task.uuid,
                namespace_name=task.namespace,
                task_name=task.name,
                current_state=task.state,
                time_in_state_minutes=minutes,
                task_age_minutes=minutes,
                staleness_threshold_minutes=STALE_MINUTES,
                health_status="stale" if minutes >= STALE_MINUTES else "healthy",
                priority=0,
            )
        )
    return found


@answers("GET", "/health/detailed")
def _health(tasker: FakeTasker, call: Call[Any]) -> DetailedHealthResponse:
    pool = PoolDetail(
        active_connections=2, idle_connections=8, max_connections=10, utilization_percent=20.0,
        total_acquires=1, slow_acquires=0, acquire_errors=0, average_acquire_time_ms=0.1,
        max_acquire_time_ms=1.0,
    )  # fmt: skip
    check = HealthCheck(status="healthy", message="all is well", duration_ms=3)
    checks = dict.fromkeys(DetailedHealthChecks.model_fields, check) | tasker.checks
    found = {one.status for one in checks.values()}
    return DetailedHealthResponse(
        status=next((word for word in ("unhealthy", "degraded") if word in found), "healthy"),
        timestamp=tasker.clock.now(),
        checks=DetailedHealthChecks.model_validate(checks),
        info=HealthInfo(
            version="0.1.0", environment="tests", operational_state="normal", web_database_pool_size=10,
            orchestration_database_pool_size=10, circuit_breaker_state="closed",
            pool_utilization=PoolUtilizationInfo(tasker_pool=pool, pgmq_pool=pool),
        ),
    )  # fmt: skip
