"""What happened over time, from rolled-up counters, never from the tasks themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from engine.model.histogram import Histogram
from engine.model.states import TASK_TERMINAL, TaskState
from engine.model.wire.statistics import Backlog, Statistics, StatisticsBucket
from engine.store.pool import Connection
from engine.store.stats import duration_bounds

_COUNTS = """
    SELECT date_bin($3::interval, h.minute, $1) AS at,
           sum(h.hops) FILTER (WHERE h.entity = 'task' AND h.from_state = '') AS tasks_created,
           sum(h.hops) FILTER (WHERE h.entity = 'task' AND h.to_state = 'complete') AS tasks_completed,
           sum(h.hops) FILTER (WHERE h.entity = 'task' AND h.to_state IN ('blocked_by_failures', 'error'))
               AS tasks_failed,
           sum(h.hops) FILTER (WHERE h.entity = 'task' AND h.to_state = 'cancelled') AS tasks_cancelled,
           sum(h.hops) FILTER (WHERE h.entity = 'step' AND h.to_state = 'complete') AS steps_completed,
           sum(h.hops) FILTER (WHERE h.entity = 'step' AND h.to_state = 'error') AS steps_failed,
           sum(h.hops) FILTER (WHERE h.entity = 'step' AND h.to_state = 'waiting_for_retry') AS steps_retried
    FROM tasker.hops_by_minute h
    WHERE h.minute >= $1 AND h.minute < $2 AND ($4::int[] IS NULL OR h.template_id = ANY ($4))
    GROUP BY 1
"""

_DURATIONS = """
    SELECT date_bin($3::interval, d.minute, $1), d.entity, d.bucket - 1, sum(d.items)::bigint,
           sum(d.total_ms)::bigint
    FROM tasker.durations_by_minute d
    WHERE d.minute >= $1 AND d.minute < $2 AND ($4::int[] IS NULL OR d.template_id = ANY ($4))
    GROUP BY 1, 2, 3
"""

_STANDING = """
    SELECT h.entity, h.from_state, h.to_state, sum(h.hops)::bigint FROM tasker.hops_by_minute h
    WHERE h.minute = '-infinity' AND ($1::int[] IS NULL OR h.template_id = ANY ($1)) GROUP BY 1, 2, 3
"""

_OLDEST = """
    SELECT extract(epoch FROM tasker.now() - min(r.ready_at))::float8
    FROM tasker.ready_lanes l
    CROSS JOIN LATERAL (
        SELECT r.ready_at FROM tasker.ready_steps r
        WHERE r.namespace = l.namespace AND r.priority = l.priority AND NOT r.held
          AND r.ready_at >= l.low_mark
        ORDER BY r.ready_at LIMIT 1) r
    WHERE $1::text IS NULL OR l.namespace = $1
"""

_COUNTED = (
    "tasks_created", "tasks_completed", "tasks_failed", "tasks_cancelled", "steps_completed", "steps_failed",
    "steps_retried",
)  # fmt: skip


class Span(NamedTuple):
    """A time that is cut into buckets; `start` is where one begins."""

    start: datetime
    end: datetime
    bucket: timedelta


class _Bucket:
    """One bucket while it is filled."""

    def __init__(self, bounds: Sequence[int]) -> None:
        self.counts: Counter[str] = Counter()
        self.durations = {"task": Histogram(bounds), "step": Histogram(bounds)}

    def done(self, at: datetime) -> StatisticsBucket:
        return StatisticsBucket(
            at=at,
            task_durations=self.durations["task"].figures(),
            attempt_durations=self.durations["step"].figures(),
            **{name: self.counts[name] for name in _COUNTED},
        )


async def read_statistics(
    conn: Connection,
    span: Span,
    *,
    template_ids: Sequence[int] | None,
    namespace: str | None,
    one_template: bool,
) -> Statistics:
    """The counters of some templates (None: of all) in each bucket of a time, and what there is to do now."""
    bounds = await duration_bounds(conn)
    total = _Bucket(bounds)
    buckets: dict[datetime, _Bucket] = {}
    for number in range(-(-(span.end - span.start) // span.bucket)):
        buckets[span.start + number * span.bucket] = _Bucket(bounds)
    for row in await conn.fetch(_COUNTS, *span, template_ids):
        for one in (buckets[row["at"]], total):
            one.counts.update({name: int(row[name] or 0) for name in _COUNTED})
    for at, entity, index, items, total_ms in map(tuple, await conn.fetch(_DURATIONS, *span, template_ids)):
        for one in (buckets[at], total):
            one.durations[entity].add(index, items, total_ms)
    return Statistics(
        start=span.start,
        end=span.end,
        bucket_seconds=int(span.bucket.total_seconds()),
        total=total.done(span.start),
        buckets=[one.done(at) for at, one in buckets.items()],
        backlog=await _backlog(conn, template_ids, namespace, with_age=not one_template),
    )


async def _backlog(
    conn: Connection, template_ids: Sequence[int] | None, namespace: str | None, *, with_age: bool
) -> Backlog:
    standing: Counter[tuple[Literal["task", "step"], str]] = Counter()
    for entity, from_state, to_state, hops in map(tuple, await conn.fetch(_STANDING, template_ids)):
        standing[entity, to_state] += hops
        standing[entity, from_state] -= hops
    there = {key: max(0, count) for key, count in standing.items()}
    tasks = {state: there.get(("task", state), 0) for state in TaskState if state not in TASK_TERMINAL}
    return Backlog(
        open_tasks=sum(tasks.values()),
        task_states={state: count for state, count in tasks.items() if count},
        blocked_tasks=tasks[TaskState.BLOCKED_BY_FAILURES],
        ready_steps=there.get(("step", "enqueued"), 0),
        running_steps=there.get(("step", "in_progress"), 0),
        retrying_steps=there.get(("step", "waiting_for_retry"), 0),
        failed_steps=there.get(("step", "error"), 0),
        oldest_ready_seconds=await conn.fetchval(_OLDEST, namespace) if with_age else None,
    )
