"""Messages that a broker outside this database carries: which steps need one, and which have one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from engine.store.crash_points import crash_point
from engine.store.pool import Connection, Pool
from engine.store.registration import queue_name

AT_ONCE = 500
LOST_AT_ONCE = 50
"""Of a namespace and handler: enough to wake its workers, who claim what waits as long as there is any."""

RECENT = timedelta(seconds=1)
"""How far back a quick look goes."""

SENT_AGAIN = timedelta(seconds=10)
"""After which a message that was sent and never confirmed is sent again."""

LOST_AFTER = timedelta(seconds=3)
"""How long a step waits beside an empty queue until its message counts as lost."""


class StepMessage(NamedTuple):
    """A step that should be on its namespace's queue."""

    step_uuid: UUID
    task_uuid: UUID
    correlation_id: UUID
    namespace: str


class ReadyStep(NamedTuple):
    """A step that waits for a worker; `held` says that it may not be claimed now."""

    handler: str
    held: bool


async def take_unpublished(pool: Pool, *, everything: bool) -> list[StepMessage]:
    """Take on the publishing of ready steps without a message, at most AT_ONCE.

    Only those that became ready lately, unless `everything` is looked at: steps that were held, or lost their
    message, are older, and to find that there are none may take a walk over many dead rows.
    """
    back = None if everything else RECENT
    crash_point("take.before")
    rows = await pool.fetch("SELECT * FROM tasker.take_unpublished($1, $2, $3)", AT_ONCE, back, SENT_AGAIN)
    crash_point("take.after")
    return [StepMessage(*row) for row in rows]


async def settle_messages(pool: Pool, steps: Sequence[UUID], *, published: bool) -> list[UUID]:
    """Keep that steps have a confirmed message, or that they have none and need one.

    Returns those of which it is kept; the others wait no longer, or somebody works on them right now.
    """
    crash_point("settle.before")
    settled: list[UUID] = await pool.fetchval("SELECT tasker.settle_messages($1, $2)", steps, published)
    crash_point("settle.after")
    return settled


async def forget_lost_messages(pool: Pool, namespaces: Sequence[str]) -> int:
    """Have steps published again that wait in namespaces whose queues are empty; returns how many.

    Of each handler the oldest LOST_AT_ONCE at most.
    """
    crash_point("forget.before")
    lost: int = await pool.fetchval(
        "SELECT tasker.forget_lost_messages($1, $2, $3)", namespaces, LOST_AFTER, LOST_AT_ONCE
    )
    crash_point("forget.after")
    return lost


async def waiting_namespaces(pool: Pool) -> list[str]:
    """Namespaces with steps whose published messages should have been used by now."""
    rows = await pool.fetch(
        """
        SELECT n.name FROM tasker.namespaces n
        WHERE n.queue_name IS NULL
          AND EXISTS (SELECT FROM tasker.ready_steps r
                      WHERE r.namespace = n.name AND NOT r.held
                        AND r.published_at < tasker.now() - $1::interval)
        ORDER BY 1
        """,
        LOST_AFTER,
    )
    return [row[0] for row in rows]


async def namespaces_elsewhere(pool: Pool) -> list[str]:
    """Namespaces whose messages are outside this database."""
    rows = await pool.fetch("SELECT name FROM tasker.namespaces WHERE queue_name IS NULL ORDER BY 1")
    return [row[0] for row in rows]


async def move_queues(conn: Connection, *, here: bool) -> list[str]:
    """Have the messages of all namespaces in this database (`here`) or outside; returns those that moved."""
    names = [
        row[0]
        for row in await conn.fetch(
            "SELECT name FROM tasker.namespaces WHERE (queue_name IS NULL) = $1 ORDER BY 1", here
        )
    ]
    if not names:
        return []
    queues = [queue_name(name) if here else None for name in names]
    return await conn.fetchval("SELECT tasker.move_queues($1, $2::text[])", names, queues) or []


async def find_ready(pool: Pool, steps: Sequence[UUID]) -> dict[UUID, ReadyStep]:
    """Those of some steps that wait for a worker."""
    rows = await pool.fetch(
        "SELECT step_uuid, handler, held FROM tasker.ready_steps WHERE step_uuid = ANY ($1)", steps
    )
    return {row[0]: ReadyStep(row[1], row[2]) for row in rows}
