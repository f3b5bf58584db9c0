"""The workers that exist, and what they offer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from engine.model.wire.queues import WorkerStep, WorkerSteps
from engine.store.pool import Connection
from engine.store.registration import TEMPLATES_CHANNEL

MOST_STEPS = 1_000


async def register_worker(
    conn: Connection,
    worker_uuid: UUID,
    *,
    name: str,
    hostname: str,
    pid: int,
    version: str,
    namespaces: Sequence[str],
    handlers: Sequence[str],
    slots: int,
    debugs: bool = False,
) -> None:
    """Make a worker known, or what it offers after that changed."""
    await conn.execute(
        """
        INSERT INTO tasker.workers (worker_uuid, name, hostname, pid, version, namespaces, handlers, slots,
                                    debugs)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (worker_uuid) DO UPDATE
        SET namespaces = excluded.namespaces, handlers = excluded.handlers, slots = excluded.slots,
            last_heartbeat_at = tasker.now()
        """,
        worker_uuid, name, hostname, pid, version, list(namespaces), list(handlers), slots, debugs,
    )  # fmt: skip


async def debugged_handlers(conn: Connection, worker_uuid: UUID, namespaces: Sequence[str]) -> set[str]:
    """The handlers that other workers of the namespaces debug; one that died is forgotten after 15 s."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT h AS handler
        FROM tasker.workers w CROSS JOIN LATERAL unnest(w.handlers) AS h
        WHERE w.debugs AND w.state <> 'stopped' AND w.worker_uuid <> $1 AND w.namespaces && $2
          AND w.last_heartbeat_at > tasker.now() - interval '15 seconds'
        """,
        worker_uuid, list(namespaces),
    )  # fmt: skip
    return {row["handler"] for row in rows}


async def have_offers_renewed(conn: Connection) -> None:
    """Have all workers look again at what they offer."""
    await conn.execute("SELECT pg_notify($1, '')", TEMPLATES_CHANNEL)


async def retire_worker(conn: Connection, worker_uuid: UUID) -> None:
    """Say that a worker has ended."""
    await conn.execute(
        "UPDATE tasker.workers SET state = 'stopped', busy = 0, last_heartbeat_at = tasker.now() "
        "WHERE worker_uuid = $1",
        worker_uuid,
    )


async def steps_of_worker(conn: Connection, worker_uuid: UUID) -> WorkerSteps | None:
    """What a worker holds; None: there is no such worker."""
    known = await conn.fetchrow(
        """
        SELECT tasker.now() AS now,
               (SELECT count(*)::int FROM tasker.leases l WHERE l.worker_uuid = $1) AS held
        FROM tasker.workers w WHERE w.worker_uuid = $1
        """,
        worker_uuid,
    )
    if known is None:
        return None
    rows = await conn.fetch(
        """
        SELECT s.task_uuid, s.step_uuid, s.name AS step, ts.namespace, p.name AS template, p.version,
               ts.handler, s.attempts AS attempt, l.claimed_at, l.expires_at
        FROM (SELECT * FROM tasker.leases WHERE worker_uuid = $1 ORDER BY claimed_at, step_uuid LIMIT $2) l
        JOIN tasker.steps s USING (step_uuid)
        JOIN tasker.template_steps ts USING (template_step_id)
        JOIN tasker.tasks t ON t.task_uuid = s.task_uuid
        JOIN tasker.templates p USING (template_id)
        ORDER BY l.claimed_at, l.step_uuid
        """,
        worker_uuid,
        MOST_STEPS,
    )
    steps = [WorkerStep.model_validate(dict(row)) for row in rows]
    return WorkerSteps(worker_uuid=worker_uuid, calculated_at=known["now"], held=known["held"], steps=steps)
