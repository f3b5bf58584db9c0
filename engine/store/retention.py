"""Old tasks: which they are, what there is of them, and how they leave (decision 0017)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from engine.store.pool import Connection

LOOK_AT = 2_000
"""Tasks that are looked at in one transaction."""

STEPS_AT_ONCE = 2_000
"""Steps of the tasks that are removed in one transaction; a task with more goes alone."""


@dataclass(frozen=True, slots=True)
class Age:
    """Tasks that ended before `done`, those in error before `failed`, are old."""

    done: datetime
    failed: datetime


class Stretch(NamedTuple):
    """Tasks from a uuid to another; `whole` if the history of all of them leaves with its partition."""

    from_uuid: UUID
    to_uuid: UUID
    whole: bool


class Old(NamedTuple):
    """Old tasks, locked, and the last one that was looked at: None when there was none."""

    looked_to: UUID | None
    tasks: list[UUID]


class OldTasks(NamedTuple):
    """How many tasks of a template that ended in one state are old, and when the first of them ended."""

    namespace: str
    template: str
    state: str
    tasks: int
    first_ended_at: datetime


class Totals(NamedTuple):
    """What was ever removed."""

    tasks: int
    partitions: int


async def age(conn: Connection, done: timedelta, failed: timedelta) -> Age:
    """What is old now, by the database's clock."""
    now = await conn.fetchval("SELECT tasker.now()")
    return Age(now - done, now - failed)


async def claim_turn(conn: Connection) -> bool:
    """Whether nobody else removes tasks; until the end of the transaction nobody else will."""
    mine: bool = await conn.fetchval("SELECT pg_try_advisory_xact_lock(hashtext('tasker.retention'))")
    return mine


async def old_ranges(conn: Connection, age: Age) -> list[Stretch]:
    """Where old tasks may be, the oldest first."""
    rows = await conn.fetch("SELECT * FROM tasker.old_ranges($1, $2)", age.done, age.failed)
    return [Stretch(*row) for row in rows]


async def lock_old(conn: Connection, stretch: Stretch, after: UUID, age: Age) -> Old:
    """Lock some old tasks with uuids above `after`."""
    row = await conn.fetchrow(
        "SELECT * FROM tasker.lock_old_tasks($1, $2, $3, $4, $5, $6)",
        after,
        stretch.to_uuid,
        age.done,
        age.failed,
        LOOK_AT,
        STEPS_AT_ONCE,
    )
    assert row is not None
    return Old(*row)


async def export_lines(conn: Connection, tasks: list[UUID]) -> AsyncIterator[str]:
    """All that there is of each task, as one line of JSON; in a transaction."""
    async for row in conn.cursor("SELECT line FROM tasker.export_tasks($1)", tasks, prefetch=20):
        yield row["line"]


async def delete_tasks(conn: Connection, tasks: list[UUID], *, history: bool) -> None:
    """Remove tasks that this transaction has locked; with `history`, what happened to them as well."""
    await conn.execute("SELECT tasker.delete_tasks($1, $2)", tasks, history)


async def drop_partitions(conn: Connection, age: Age) -> int:
    """Drop the partitions of the oldest week of history that no task is left of; 0 when there are no more."""
    dropped: int = await conn.fetchval("SELECT tasker.drop_old_partitions($1)", max(age.done, age.failed))
    return dropped


async def count_old(conn: Connection, age: Age) -> list[OldTasks]:
    """What would be removed now."""
    rows = await conn.fetch(
        """
        SELECT p.namespace, p.name, t.final_state::text, count(*)::int, min(t.completed_at)
        FROM tasker.tasks t JOIN tasker.templates p USING (template_id)
        WHERE t.task_uuid < tasker.uuid7_floor(greatest($1::timestamptz, $2::timestamptz))
          AND tasker.is_old(t.completed_at, t.final_state, $1, $2)
          AND NOT EXISTS (SELECT FROM tasker.tasks_dlq d
                          WHERE d.task_uuid = t.task_uuid AND d.resolution_status = 'pending')
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        age.done,
        age.failed,
    )
    return [OldTasks(*row) for row in rows]


async def totals(conn: Connection) -> Totals:
    """What was ever removed, by engines and by hand."""
    row = await conn.fetchrow("SELECT tasks, partitions FROM tasker.retention_totals")
    assert row is not None
    return Totals(*row)
