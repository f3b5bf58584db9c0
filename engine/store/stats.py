"""Counters, queues and workers: what metrics, health and the list of workers read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from engine.model.wire.events import SummaryRow
from engine.model.wire.worker import WorkerInfo
from engine.store.engine_calls import WORKER_ALIVE
from engine.store.pool import Connection


class HopTotal(NamedTuple):
    """How often tasks or steps of a template went from a state to another; `from_state` '' is a creation."""

    namespace: str
    template: str
    entity: str
    from_state: str
    to_state: str
    hops: int


class DurationTotal(NamedTuple):
    """How many durations of a template fell into one bucket; `bound_ms` None is the one without an end."""

    namespace: str
    template: str
    entity: str
    bound_ms: int | None
    items: int
    total_ms: int


class WorkLoad(NamedTuple):
    """What waits and runs in a namespace; `oldest_seconds` is how long the oldest ready step has waited."""

    namespace: str
    ready: int
    held: int
    oldest_seconds: float


async def roll_up(conn: Connection) -> bool:
    """Count what happened since the last call, by whichever engine; False if another one is at it."""
    done: bool = await conn.fetchval("SELECT tasker.roll_up()")
    return done


async def hop_totals(conn: Connection) -> list[HopTotal]:
    """All hops ever counted, without regard to the template's version."""
    rows = await conn.fetch(
        """
        SELECT coalesce(t.namespace, ''), coalesce(t.name, ''), h.entity, h.from_state, h.to_state,
               sum(h.hops)::bigint
        FROM tasker.hops_by_minute h LEFT JOIN tasker.templates t USING (template_id)
        WHERE h.minute = '-infinity'
        GROUP BY 1, 2, 3, 4, 5
        ORDER BY 1, 2, 3, 4, 5
        """
    )
    return [HopTotal(*row) for row in rows]


async def duration_totals(conn: Connection) -> list[DurationTotal]:
    """All durations ever counted, by template and bucket."""
    rows = await conn.fetch(
        """
        SELECT coalesce(t.namespace, ''), coalesce(t.name, ''), d.entity,
               (tasker.duration_bounds())[d.bucket], sum(d.items)::bigint, sum(d.total_ms)::bigint
        FROM tasker.durations_by_minute d LEFT JOIN tasker.templates t USING (template_id)
        WHERE d.minute = '-infinity'
        GROUP BY 1, 2, 3, d.bucket
        ORDER BY 1, 2, 3, d.bucket
        """
    )
    return [DurationTotal(*row) for row in rows]


async def duration_bounds(conn: Connection) -> list[int]:
    """The upper bounds of the buckets in ms, ascending."""
    bounds: list[int] = await conn.fetchval("SELECT tasker.duration_bounds()")
    return bounds


async def work_load(conn: Connection) -> list[WorkLoad]:
    """The ready steps of every namespace, read from the small table that holds only those."""
    rows = await conn.fetch(
        """
        SELECT r.namespace, (count(*) FILTER (WHERE NOT r.held))::int, (count(*) FILTER (WHERE r.held))::int,
               extract(epoch FROM tasker.now() - min(r.ready_at))::float8
        FROM tasker.ready_steps r GROUP BY 1 ORDER BY 1
        """
    )
    return [WorkLoad(*row) for row in rows]


async def running_steps(conn: Connection) -> int:
    """How many steps workers hold a lease on."""
    count: int = await conn.fetchval("SELECT count(*) FROM tasker.leases")
    return count


async def waiting_results(conn: Connection) -> int:
    """How many results wait for an engine."""
    count: int = await conn.fetchval("SELECT count(*) FROM tasker.unprocessed_results")
    return count


async def waiting_events(conn: Connection) -> int:
    """How many durable domain events are not in their queue yet."""
    count: int = await conn.fetchval("SELECT count(*) FROM tasker.domain_events")
    return count


async def list_workers(
    conn: Connection, *, namespace: str | None = None, alive: timedelta = WORKER_ALIVE
) -> list[WorkerInfo]:
    """The workers that are known, the last heard of first. One that went silent is in state `lost`."""
    rows = await conn.fetch(
        """
        SELECT worker_uuid, name, hostname, pid, version, namespaces, handlers, slots, busy, stuck,
               CASE WHEN state <> 'stopped' AND last_heartbeat_at < tasker.now() - $2::interval THEN 'lost'
                    ELSE state END AS state,
               started_at, last_heartbeat_at
        FROM tasker.workers
        WHERE $1::text IS NULL OR $1 = ANY (namespaces)
        ORDER BY last_heartbeat_at DESC
        LIMIT 1000
        """,
        namespace,
        alive,
    )
    return [WorkerInfo.model_validate(dict(row)) for row in rows]


async def summary_rows(conn: Connection, tasks: Iterable[UUID]) -> list[SummaryRow]:
    """What a list shows of some tasks."""
    rows = await conn.fetch(
        """
        SELECT t.task_uuid, p.name, p.namespace, p.version, t.state::text AS status,
               t.priority, t.failed_steps, t.retrying_steps, t.created_at, t.updated_at, t.completed_at,
               c.total_steps, c.completed_steps, c.in_progress_steps
        FROM tasker.tasks t
        JOIN tasker.templates p USING (template_id)
        CROSS JOIN LATERAL (
            SELECT count(*)::int AS total_steps,
                   (count(*) FILTER (WHERE s.state IN ('complete', 'resolved_manually')))::int
                       AS completed_steps,
                   (count(*) FILTER (WHERE s.state IN ('in_progress', 'enqueued_for_orchestration',
                                                       'enqueued_as_error_for_orchestration')))::int
                       AS in_progress_steps
            FROM tasker.steps s WHERE s.task_uuid = t.task_uuid) c
        WHERE t.task_uuid = ANY ($1)
        """,
        list(tasks),
    )
    return [SummaryRow.model_validate(dict(row)) for row in rows]
