"""Creating, reading and cancelling tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from engine.model.payload import load_json
from engine.model.readiness import StepCounts, count_steps
from engine.model.wire.tasks import StepReadinessStatus, TaskResponse
from engine.store.crash_points import crash_point
from engine.store.pool import Connection
from engine.store.steps import readiness_of

_CREATE = (
    "SELECT item, task_uuid, created, created_at, step_uuids "
    "FROM tasker.create_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)

TASK_COLUMNS = """
    t.task_uuid, p.name, p.namespace, p.version, t.state::text AS status, t.created_at, t.updated_at,
    t.completed_at, t.context, t.initiator, t.source_system, t.reason, t.priority, t.tags,
    t.correlation_id, t.parent_correlation_id, t.total_steps"""
"""Of `tasker.tasks t JOIN tasker.templates p`."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to create; `context` is JSON text, `identity_key` None where every creation is a new task."""

    revision_id: int
    context: str
    initiator: str
    source_system: str
    reason: str
    tags: list[str]
    priority: int
    correlation_id: UUID
    parent_correlation_id: UUID | None
    identity_key: bytes | None


class Creation(NamedTuple):
    """The answer to one new task. Not `created` means that `task_uuid` is an equal task that exists.

    `step_uuids` is by the position in the plan, None where a step is not created at the start.
    """

    task_uuid: UUID
    created: bool
    created_at: datetime
    step_uuids: list[UUID | None]


class Cancellation(NamedTuple):
    """What cancelling one task led to: the state that it was in, and whether it is cancelled now by this."""

    task_uuid: UUID
    old_state: str
    cancelled: bool


async def create_many(conn: Connection, tasks: Sequence[NewTask], *, notify: bool) -> list[Creation]:
    """Create tasks in one transaction, an answer each in their order; `notify` wakes the workers with it."""
    crash_point("create.before")
    rows = await conn.fetch(
        _CREATE,
        [task.revision_id for task in tasks],
        [task.context for task in tasks],
        [task.initiator for task in tasks],
        [task.source_system for task in tasks],
        [task.reason for task in tasks],
        [to_json(task.tags).decode() for task in tasks],
        [task.priority for task in tasks],
        [task.correlation_id for task in tasks],
        [task.parent_correlation_id for task in tasks],
        [task.identity_key for task in tasks],
        notify,
    )
    crash_point("create.after")
    by_item = {row[0]: Creation(*row[1:]) for row in map(tuple, rows)}
    return [by_item[item] for item in range(1, len(tasks) + 1)]


async def get_task(conn: Connection, task_uuid: UUID) -> TaskResponse | None:
    """One task with the readiness of its steps; None if there is none."""
    row = await conn.fetchrow(
        f"""
        SELECT {TASK_COLUMNS} FROM tasker.tasks t JOIN tasker.templates p USING (template_id)
        WHERE t.task_uuid = $1
        """,
        task_uuid,
    )
    if row is None:
        return None
    steps = await readiness_of(conn, task_uuid)
    counts = count_steps((step.current_state, step.ready_for_execution) for step in steps)
    return task_response(row, counts, steps)


async def task_exists(conn: Connection, task_uuid: UUID) -> bool:
    """Whether there is such a task."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM tasker.tasks WHERE task_uuid = $1)", task_uuid
    )
    return found


async def task_state(conn: Connection, task_uuid: UUID) -> str | None:
    """A task's state; None if there is no such task."""
    state: str | None = await conn.fetchval(
        "SELECT state::text FROM tasker.tasks WHERE task_uuid = $1", task_uuid
    )
    return state


async def count_steps_of(conn: Connection, tasks: Iterable[UUID]) -> dict[UUID, StepCounts]:
    """How the steps of some tasks stand."""
    rows = await conn.fetch(
        """
        SELECT s.task_uuid,
               count(*)::int AS total,
               (count(*) FILTER (WHERE s.state = 'pending'))::int AS pending,
               (count(*) FILTER (WHERE s.state IN ('in_progress', 'enqueued_for_orchestration',
                                                   'enqueued_as_error_for_orchestration')))::int AS running,
               (count(*) FILTER (WHERE s.state IN ('complete', 'resolved_manually')))::int AS completed,
               (count(*) FILTER (WHERE s.state = 'error'))::int AS failed,
               (count(*) FILTER (WHERE s.state IN ('pending', 'enqueued', 'waiting_for_retry')
                                   AND s.remaining_parents = 0
                                   AND coalesce(s.retry_at <= tasker.now(), true)))::int AS ready,
               (count(*) FILTER (WHERE s.state = 'waiting_for_retry'))::int AS retrying
        FROM tasker.steps s
        WHERE s.task_uuid = ANY ($1)
        GROUP BY s.task_uuid
        """,
        list(tasks),
    )
    return {row[0]: StepCounts(*list(row)[1:]) for row in rows}


def task_response(row: asyncpg.Record, counts: StepCounts, steps: list[StepReadinessStatus]) -> TaskResponse:
    """A row with TASK_COLUMNS as the answer that clients read."""
    fields: dict[str, Any] = {**row, "context": load_json(row["context"])}
    return TaskResponse(
        **fields | {"total_steps": counts.total},
        pending_steps=counts.pending,
        in_progress_steps=counts.running,
        completed_steps=counts.completed,
        failed_steps=counts.failed,
        ready_steps=counts.ready,
        execution_status=counts.execution_status,
        recommended_action=counts.recommended_action,
        completion_percentage=counts.completion_percentage,
        health_status=counts.health_status,
        steps=steps,
    )


async def cancel_tasks(
    conn: Connection, tasks: Sequence[UUID], actor: str, reason: str | None
) -> list[Cancellation]:
    """Cancel tasks and every step of theirs that has not ended; those that don't exist are left out."""
    rows = await conn.fetch(
        "SELECT task_uuid, old_state::text, cancelled FROM tasker.cancel_tasks($1, $2, $3)",
        tasks,
        actor,
        reason,
    )
    return [Cancellation(*row) for row in rows]
