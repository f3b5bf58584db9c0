"""Tasks that begin in the middle of another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from engine.model.payload import load_json
from engine.model.wire.reruns import Fork, ForkList, ForkRequest, ForkStep
from engine.store.pool import Connection
from engine.store.templates import TemplateKey

NOTHING_TO_RUN = "TK002"

_COLUMNS = "task_uuid, parent_uuid, step_names, context_edited, actor, reason, forked_at"


class NothingToRun(Exception):
    """Every step of the task is done, and none was named to begin with."""


class Origin(NamedTuple):
    """What a fork needs to know of the old task: the revision of its template, and its context."""

    template: TemplateKey
    context: dict[str, Any]


async def find_origin(conn: Connection, task_uuid: UUID) -> Origin | None:
    """The task that is to be forked; None if there is none."""
    row = await conn.fetchrow(
        """
        SELECT p.namespace, p.name, p.version, p.template_id, t.revision_id, t.context
        FROM tasker.tasks t JOIN tasker.templates p USING (template_id) WHERE t.task_uuid = $1
        """,
        task_uuid,
    )
    return None if row is None else Origin(TemplateKey(*row[:5]), load_json(row[5]))


async def fork_plan(conn: Connection, task_uuid: UUID, steps: Sequence[UUID]) -> list[ForkStep]:
    """What a fork from some steps would be made of, in the order of the plan."""
    rows = await conn.fetch(
        "SELECT step_uuid, name, old_state::text AS old_state, effect FROM tasker.fork_plan($1, $2)",
        task_uuid,
        steps,
    )
    return [ForkStep.model_validate(dict(row)) for row in rows]


async def fork(
    conn: Connection, task_uuid: UUID, steps: Sequence[UUID], context: str | None, request: ForkRequest
) -> tuple[UUID, bool]:
    """Create the fork (`context` is JSON text, None keeps the old one's); answers it and whether it is new.

    Raises NothingToRun.
    """
    try:
        row = await conn.fetchrow(
            "SELECT task_uuid, created FROM tasker.fork_task($1, $2, $3, $4, $5, $6)",
            task_uuid, steps, context, request.idempotency_key, request.actor, request.reason,
        )  # fmt: skip
    except asyncpg.PostgresError as error:
        if error.sqlstate == NOTHING_TO_RUN:
            raise NothingToRun from None
        raise
    assert row is not None
    return row[0], row[1]


async def forks_of(conn: Connection, task_uuid: UUID) -> ForkList:
    """What a task was forked from, and its own forks."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM tasker.forks WHERE task_uuid = $1 OR parent_uuid = $1 ORDER BY task_uuid",
        task_uuid,
    )
    forks = [Fork(**dict(zip(Fork.model_fields, row, strict=True))) for row in rows]
    return ForkList(
        forked_from=next((one for one in forks if one.task_uuid == task_uuid), None),
        forks=[one for one in forks if one.task_uuid != task_uuid],
    )
