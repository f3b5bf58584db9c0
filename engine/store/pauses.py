"""What operators have paused: namespaces, templates and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from engine.model.wire.pauses import Pause, PauseList, PauseScope
from engine.store.pool import Connection

_LIST = """
    SELECT p.namespace, p.task_uuid, p.actor, p.reason, p.paused_at,
           t.namespace AS template_namespace, t.name AS template_name, t.version AS template_version
    FROM tasker.pauses p LEFT JOIN tasker.templates t USING (template_id)
    ORDER BY p.pause_id
"""


@dataclass(frozen=True, slots=True)
class Pausable:
    """One thing that exists and can be paused; one of the three is given."""

    namespace: str | None = None
    template_id: int | None = None
    task_uuid: UUID | None = None


async def find_namespace(conn: Connection, name: str) -> Pausable | None:
    """The namespace, None if no template was ever registered in it."""
    found = await conn.fetchval("SELECT name FROM tasker.namespaces WHERE name = $1", name)
    return None if found is None else Pausable(namespace=name)


async def find_template(conn: Connection, namespace: str, name: str, version: str) -> Pausable | None:
    """The template, None if there is none."""
    found = await conn.fetchval(
        "SELECT template_id FROM tasker.templates WHERE namespace = $1 AND name = $2 AND version = $3",
        namespace,
        name,
        version,
    )
    return None if found is None else Pausable(template_id=found)


async def find_task(conn: Connection, task_uuid: UUID) -> tuple[Pausable, bool] | None:
    """The task and whether it has ended, None if there is none."""
    row = await conn.fetchrow(
        "SELECT completed_at IS NOT NULL AS ended FROM tasker.tasks WHERE task_uuid = $1", task_uuid
    )
    return None if row is None else (Pausable(task_uuid=task_uuid), row["ended"])


async def pause(conn: Connection, what: Pausable, actor: str, reason: str) -> bool:
    """Let no step of it be claimed from now on; returns whether it was running before."""
    changed: bool = await conn.fetchval(
        "SELECT tasker.pause($1, $2, $3, $4, $5)",
        what.namespace,
        what.template_id,
        what.task_uuid,
        actor,
        reason,
    )
    return changed


async def resume(conn: Connection, what: Pausable) -> bool:
    """Let its steps be claimed again; returns whether it was paused."""
    changed: bool = await conn.fetchval(
        "SELECT tasker.resume($1, $2, $3)", what.namespace, what.template_id, what.task_uuid
    )
    return changed


async def is_paused(conn: Connection, what: Pausable) -> bool:
    """Whether it is paused itself, not by what it belongs to."""
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM tasker.pauses
                       WHERE namespace = $1 OR template_id = $2 OR task_uuid = $3)
        """,
        what.namespace,
        what.template_id,
        what.task_uuid,
    )
    return found


async def list_pauses(conn: Connection) -> PauseList:
    """Everything that is paused, the oldest first."""
    return PauseList(pauses=[_pause(row) for row in await conn.fetch(_LIST)])


def _pause(row: asyncpg.Record) -> Pause:
    scope, namespace = PauseScope.NAMESPACE, row["namespace"]
    if row["task_uuid"] is not None:
        scope = PauseScope.TASK
    elif row["template_name"] is not None:
        scope, namespace = PauseScope.TEMPLATE, row["template_namespace"]
    return Pause(
        scope=scope,
        namespace=namespace,
        template=row["template_name"],
        version=row["template_version"],
        task_uuid=row["task_uuid"],
        paused_by=row["actor"],
        reason=row["reason"],
        paused_at=row["paused_at"],
    )
