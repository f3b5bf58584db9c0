"""Dead letters: reading them, making one by hand, closing them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from engine.model.wire.dead_letters import (
    DlqAction,
    DlqEntry,
    DlqInvestigationQueueEntry,
    DlqResolutionStatus,
    DlqStats,
    StalenessMonitoring,
)
from engine.store.pool import Connection

_ENTRY = """
    SELECT d.dlq_entry_uuid, d.task_uuid, d.original_state::text AS original_state,
           d.dlq_reason::text AS dlq_reason, d.dlq_timestamp, d.resolution_status::text AS resolution_status,
           d.resolution_timestamp, d.resolution_notes, d.resolved_by, d.task_snapshot, d.metadata,
           d.created_at, d.updated_at, d.cause, d.assignee, p.namespace AS namespace_name,
           p.name AS task_name, t.state::text AS current_state
    FROM tasker.tasks_dlq d
    LEFT JOIN tasker.templates p USING (template_id)
    LEFT JOIN tasker.tasks t ON t.task_uuid = d.task_uuid
"""

_LIST = f"""
    {_ENTRY}
    WHERE ($1::tasker.dlq_resolution_status IS NULL OR d.resolution_status = $1)
      AND ($2::text IS NULL OR p.namespace = $2) AND ($3::text IS NULL OR p.name = $3)
      AND ($4::text IS NULL OR d.assignee = $4)
    ORDER BY d.dlq_timestamp DESC, d.dlq_entry_uuid DESC
    LIMIT $5 OFFSET $6
"""

_QUEUE = """
    SELECT q.*, d.resolution_notes, f.step AS failed_step, f.message AS error_message
    FROM tasker.dlq_queue($1) WITH ORDINALITY q
    JOIN tasker.tasks_dlq d USING (dlq_entry_uuid)
    LEFT JOIN LATERAL (
        SELECT f.step, left(a.details ->> 'message', $2) AS message
        FROM tasker.failed_steps f
        JOIN tasker.steps s USING (step_uuid)
        LEFT JOIN tasker.step_attempts a
            ON a.task_uuid = f.task_uuid AND a.step_uuid = f.step_uuid AND a.claim_no = s.claim_no
        WHERE f.task_uuid = q.task_uuid
        ORDER BY f.failed_at DESC, f.step_uuid LIMIT 1) f ON true
    ORDER BY q.ordinality
"""
SHOWN_MESSAGE = 1_000

Added = Literal["made", "exists", "ended", "missing"]
Resolved = Literal["done", "closed", "nothing_failed", "busy", "missing"]


class DlqFilter(NamedTuple):
    """Which dead letters; None stands for all."""

    status: DlqResolutionStatus | None = None
    namespace: str | None = None
    template: str | None = None
    assignee: str | None = None


class Notes(NamedTuple):
    """What somebody writes on a dead letter. A field that is None stays; `assignee` counts if `assigns`."""

    notes: str | None
    by: str | None
    metadata: str | None
    assignee: str | None
    assigns: bool


async def list_entries(conn: Connection, which: DlqFilter, *, limit: int, offset: int) -> list[DlqEntry]:
    """Dead letters, the newest first."""
    rows = await conn.fetch(
        _LIST, which.status, which.namespace, which.template, which.assignee, limit, offset
    )
    return [_entry(row) for row in rows]


async def get_entry(conn: Connection, entry: UUID) -> DlqEntry | None:
    """One dead letter."""
    row = await conn.fetchrow(f"{_ENTRY} WHERE d.dlq_entry_uuid = $1", entry)
    return None if row is None else _entry(row)


async def entry_of_task(conn: Connection, task_uuid: UUID) -> DlqEntry | None:
    """The open dead letter of a task, else its latest one."""
    row = await conn.fetchrow(
        f"""
        {_ENTRY} WHERE d.task_uuid = $1
        ORDER BY d.resolution_status = 'pending' DESC, d.dlq_timestamp DESC, d.dlq_entry_uuid DESC LIMIT 1
        """,
        task_uuid,
    )
    return None if row is None else _entry(row)


async def add_by_hand(
    conn: Connection, task_uuid: UUID, actor: str, reason: str, assignee: str | None
) -> Added:
    """Put a task among the dead letters; it goes on, if it does."""
    outcome: Added = await conn.fetchval(
        "SELECT tasker.add_dead_letter_by_hand($1, $2, $3, $4)", task_uuid, actor, reason, assignee
    )
    return outcome


async def write_on(conn: Connection, entry: UUID, wrote: Notes) -> bool:
    """Keep notes, data and owner of a dead letter; returns whether anything is other than before."""
    found = await conn.fetchval(
        """
        UPDATE tasker.tasks_dlq d
        SET resolution_notes = coalesce($2, resolution_notes), resolved_by = coalesce($3, resolved_by),
            metadata = coalesce($4::jsonb, metadata), assignee = CASE WHEN $6 THEN $5 ELSE assignee END,
            updated_at = tasker.now()
        WHERE dlq_entry_uuid = $1
          AND (resolution_notes IS DISTINCT FROM coalesce($2, resolution_notes)
               OR resolved_by IS DISTINCT FROM coalesce($3, resolved_by)
               OR metadata IS DISTINCT FROM coalesce($4::jsonb, metadata)
               OR $6 AND assignee IS DISTINCT FROM $5)
        RETURNING dlq_entry_uuid
        """,
        entry,
        wrote.notes,
        wrote.by,
        wrote.metadata,
        wrote.assignee,
        wrote.assigns,
    )
    return found is not None


async def resolve(
    conn: Connection, entry: UUID, status: DlqResolutionStatus, action: DlqAction, actor: str, reason: str
) -> Resolved:
    """Close a dead letter and do to its task what the action says."""
    outcome: Resolved = await conn.fetchval(
        "SELECT tasker.resolve_dead_letter($1, $2, $3, $4, $5)", entry, status, action, actor, reason
    )
    return outcome


async def dlq_stats(conn: Connection) -> list[DlqStats]:
    """Counts by reason, of the reasons that there are dead letters of."""
    rows = await conn.fetch(
        """
        SELECT dlq_reason::text AS dlq_reason, count(*) AS total_entries,
               count(*) FILTER (WHERE resolution_status = 'pending') AS pending,
               count(*) FILTER (WHERE resolution_status = 'manually_resolved') AS manually_resolved,
               count(*) FILTER (WHERE resolution_status = 'permanently_failed') AS permanent_failures,
               count(*) FILTER (WHERE resolution_status = 'cancelled') AS cancelled,
               min(dlq_timestamp) AS oldest_entry, max(dlq_timestamp) AS newest_entry,
               round(avg(extract(epoch FROM resolution_timestamp - dlq_timestamp) / 60), 2)::float8
                   AS avg_resolution_time_minutes
        FROM tasker.tasks_dlq GROUP BY 1 ORDER BY 1
        """
    )
    return [DlqStats.model_validate(dict(row)) for row in rows]


async def investigation_queue(conn: Connection, limit: int) -> list[DlqInvestigationQueueEntry]:
    """The open dead letters, the most urgent first."""
    rows = await conn.fetch(_QUEUE, limit, SHOWN_MESSAGE)
    return [DlqInvestigationQueueEntry.model_validate(dict(row)) for row in rows]


async def staleness(conn: Connection, limit: int) -> list[StalenessMonitoring]:
    """How long tasks that wait or run are in their state, the stale ones first."""
    rows = await conn.fetch("SELECT * FROM tasker.staleness($1)", limit)
    return [StalenessMonitoring.model_validate(dict(row)) for row in rows]


def _entry(row: asyncpg.Record) -> DlqEntry:
    fields: dict[str, Any] = dict(row)
    for name in ("task_snapshot", "metadata"):
        if fields[name] is not None:
            fields[name] = from_json(fields[name])
    return DlqEntry.model_validate(fields)
