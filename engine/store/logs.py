"""Reading what handlers logged and printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from engine.model.wire.details import LogPage, LogRecord, TaskLogPage, TaskLogRecord
from engine.model.wire.events import LogLine
from engine.store.pool import Connection
from engine.store.tail import POSITION, Snapshot, Tail


class LoggedLine(NamedTuple):
    """A line with where it belongs."""

    id: int
    task_uuid: UUID
    step_uuid: UUID
    attempt: int
    line: LogLine


async def step_log(
    conn: Connection, task_uuid: UUID, step_uuid: UUID, *, attempt: int | None, after: int, limit: int
) -> LogPage:
    """The lines of a step, or of one attempt, with ids above `after`, oldest first."""
    rows = await conn.fetch(
        """
        SELECT id, attempt, level, logger, message, at FROM tasker.step_logs
        WHERE task_uuid = $1 AND step_uuid = $2 AND id > $3 AND ($4::int IS NULL OR attempt = $4)
        ORDER BY id LIMIT $5
        """,
        task_uuid,
        step_uuid,
        after,
        attempt,
        limit + 1,
    )
    lines = [LogRecord(id=row["id"], attempt=row["attempt"], **_line(row).__dict__) for row in rows[:limit]]
    return LogPage(
        task_uuid=task_uuid,
        step_uuid=step_uuid,
        lines=lines,
        next_after=lines[-1].id if len(rows) > limit else None,
    )


# Step by step, since that is the index's order: each gives the first lines that could be wanted.
_TASK_LOG = """
    SELECT l.*, s.name AS step
    FROM (SELECT s.step_uuid, s.name FROM tasker.steps s
          WHERE s.task_uuid = $1 AND ($2::text IS NULL OR s.name = $2 OR s.step_uuid::text = $2)) s
    CROSS JOIN LATERAL (
        SELECT l.id, l.step_uuid, l.attempt, l.level, l.logger, l.message, l.at FROM tasker.step_logs l
        WHERE l.task_uuid = $1 AND l.step_uuid = s.step_uuid AND l.id > $3
          AND ($4::text[] IS NULL OR l.level = ANY ($4))
        ORDER BY l.id LIMIT $5) l
    ORDER BY l.id LIMIT $5
"""


async def task_log(
    conn: Connection,
    task_uuid: UUID,
    *,
    step: str | None,
    levels: Sequence[str] | None,
    after: int,
    limit: int,
) -> TaskLogPage:
    """The lines of a task's steps, or of one by its name or id, with ids above `after`, oldest first."""
    rows = await conn.fetch(_TASK_LOG, task_uuid, step, after, levels, limit + 1)
    lines = [
        TaskLogRecord(
            id=row["id"],
            attempt=row["attempt"],
            step_uuid=row["step_uuid"],
            step=row["step"],
            **_line(row).__dict__,
        )
        for row in rows[:limit]
    ]
    return TaskLogPage(
        task_uuid=task_uuid, lines=lines, next_after=lines[-1].id if len(rows) > limit else None
    )


def _line(row: asyncpg.Record) -> LogLine:
    """What has no logger was printed."""
    return LogLine(
        at=row["at"],
        stream="stdout" if row["logger"] is None else "log",
        level=row["level"],
        logger=row["logger"],
        message=row["message"],
    )


def _logged(row: asyncpg.Record) -> LoggedLine:
    return LoggedLine(row["id"], row["task_uuid"], row["step_uuid"], row["attempt"], _line(row))


async def read_new_lines(
    conn: Connection, tail: Tail, tasks: Iterable[UUID], limit: int
) -> list[LoggedLine] | None:
    """The lines of some tasks that became visible since the last reading, oldest first; moves the tail.

    None when there are more than `limit`.
    """
    rows = await conn.fetch(
        f"""
        SELECT {POSITION}, n.*
        FROM tasker.step_logs_id_seq q
        LEFT JOIN LATERAL (
            SELECT * FROM tasker.step_logs l
            WHERE l.task_uuid = ANY ($1) AND l.id > $2
              AND NOT pg_visible_in_snapshot(l.xid, $3::text::pg_snapshot)
            ORDER BY l.id LIMIT $4) n ON true
        """,
        list(tasks),
        tail.cursor.low_id,
        str(tail.seen),
        limit + 1,
    )
    tail.advance(Snapshot.of(rows[0]["snapshot"], rows[0]["next_xid"]), rows[0]["last_value"])
    lines = [_logged(row) for row in rows if row["id"] is not None]
    return None if len(lines) > limit else lines


async def read_seen_lines(
    conn: Connection,
    tail: Tail,
    after: Snapshot | None,
    task_uuid: UUID,
    step_uuid: UUID | None,
    limit: int,
) -> list[LoggedLine]:
    """The last `limit` lines of a task or step that the tail has read and `after` does not see, in order."""
    rows = await conn.fetch(
        """
        SELECT * FROM (
            SELECT * FROM tasker.step_logs l
            WHERE l.task_uuid = $1 AND ($2::uuid IS NULL OR l.step_uuid = $2)
              AND ($3::text IS NULL OR NOT pg_visible_in_snapshot(l.xid, $3::text::pg_snapshot))
              AND pg_visible_in_snapshot(l.xid, $4::text::pg_snapshot)
            ORDER BY l.id DESC LIMIT $5) newest
        ORDER BY id
        """,
        task_uuid,
        step_uuid,
        None if after is None else str(after),
        str(tail.seen),
        limit,
    )
    return [_logged(row) for row in rows]
