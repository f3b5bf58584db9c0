"""Reading the transition log: a task's history, and what is new for those who watch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import asyncpg

from engine.model.wire.details import TransitionPage
from engine.model.wire.events import TransitionChange
from engine.store.pool import Connection
from engine.store.tail import POSITION, Cursor, Snapshot, Tail

SETTLE_TRIES, SETTLE_SECONDS = 20, 0.01

BY_HAND = """
    l.actor IS NOT NULL AND l.actor NOT LIKE 'engine:%'
    AND l.at > (SELECT t.created_at FROM tasker.tasks t WHERE t.task_uuid = l.task_uuid)"""
"""Of a row `l` of the log: a person's doing. A task's creation has an actor too, and is not meant."""

_COLUMNS = """
    l.id, l.at, l.task_uuid, l.step_uuid, coalesce(l.task_path::text[], l.step_path::text[]) AS path,
    l.attempt, l.worker_uuid, l.actor, l.reason"""

# A step that was superseded has its name elsewhere.
_STEP_NAME = """
    coalesce(s.name, (SELECT x.name FROM tasker.superseded_steps x WHERE x.step_uuid = l.step_uuid))
        AS step_name"""

_WITH_NAMES = f"""
    SELECT {_COLUMNS}, {_STEP_NAME}, p.namespace, p.name AS template
    FROM tasker.transitions l
    LEFT JOIN tasker.steps s USING (step_uuid)
    LEFT JOIN tasker.tasks t ON t.task_uuid = l.task_uuid
    LEFT JOIN tasker.templates p USING (template_id)"""


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A row of the log, with the namespace and name of its template (None when the task is gone)."""

    change: TransitionChange
    namespace: str | None
    template: str | None


async def task_history(
    conn: Connection,
    task_uuid: UUID,
    *,
    step_uuid: UUID | None,
    after: int,
    limit: int,
    actor: str | None = None,
    by_hand: bool = False,
) -> TransitionPage:
    """The changes of a task and its steps, or of one step, with ids above `after`, oldest first.

    `actor` and `by_hand` narrow them to those of one person, or of any.
    """
    rows = await conn.fetch(
        f"""
        SELECT {_COLUMNS}, {_STEP_NAME}
        FROM tasker.transitions l LEFT JOIN tasker.steps s USING (step_uuid)
        WHERE l.task_uuid = $1 AND l.id > $2 AND ($3::uuid IS NULL OR l.step_uuid = $3)
          AND ($5::text IS NULL OR l.actor = $5) AND (NOT $6 OR {BY_HAND})
        ORDER BY l.id LIMIT $4
        """,
        task_uuid,
        after,
        step_uuid,
        limit + 1,
        actor,
        by_hand,
    )
    changes = [_change(row) for row in rows[:limit]]
    return TransitionPage(transitions=changes, next_after=changes[-1].id if len(rows) > limit else None)


def _change(row: asyncpg.Record) -> TransitionChange:
    path = row["path"]
    return TransitionChange(
        id=row["id"],
        at=row["at"],
        task_uuid=row["task_uuid"],
        step_uuid=row["step_uuid"],
        step_name=row["step_name"],
        path=path,
        from_state=path[0] if len(path) > 1 else None,
        to_state=path[-1],
        attempt=row["attempt"],
        worker_uuid=row["worker_uuid"],
        actor=row["actor"],
        reason=row["reason"],
    )


def _logged(row: asyncpg.Record) -> LoggedChange:
    return LoggedChange(_change(row), row["namespace"], row["template"])


Log = Literal["transitions", "step_logs"]


async def open_tail(conn: Connection, log: Log) -> Tail:
    """Begin to follow a log at its end.

    Waits a moment for the transactions that run, so that it is known where those that come after them write.
    """
    _, id_before = await _position(conn, log)
    before, _ = await _position(conn, log)
    seen, last_id = before, id_before
    for _ in range(SETTLE_TRIES):
        seen, last_id = await _position(conn, log)
        if seen.xmin >= before.xmax:
            break
        await asyncio.sleep(SETTLE_SECONDS)
    return Tail(before, id_before, seen, last_id)


async def _position(conn: Connection, log: Log) -> tuple[Snapshot, int]:
    row = await conn.fetchrow(f"SELECT {POSITION} FROM tasker.{log}_id_seq q")
    assert row is not None
    return Snapshot.of(row["snapshot"], row["next_xid"]), row["last_value"]


async def read_new(conn: Connection, tail: Tail, limit: int) -> list[LoggedChange] | None:
    """What became visible since the last reading, oldest first, and move the tail there.

    None when there is more than `limit`, or more to look through than is sensible: the reader has to give up
    those changes and go on from here.
    """
    floor, laggards = tail.floor, tail.laggards
    rows = await conn.fetch(
        f"""
        SELECT {POSITION}, n.*
        FROM tasker.transitions_id_seq q
        LEFT JOIN LATERAL (
            {_WITH_NAMES}
            WHERE l.id > $1 AND NOT pg_visible_in_snapshot(l.xid, $2::text::pg_snapshot)
            ORDER BY l.id LIMIT $3) n ON true
        """,
        floor,
        str(tail.seen),
        limit + 1,
    )
    seen, last_id = Snapshot.of(rows[0]["snapshot"], rows[0]["next_xid"]), rows[0]["last_value"]
    tail.advance(seen, last_id)
    fresh = [row for row in rows if row["id"] is not None]
    if len(fresh) > limit:
        return None
    ended = {xid: low for xid, low in laggards.items() if xid not in seen.running}
    if ended:
        late = await _read_late(conn, ended, floor, last_id, limit)
        if late is None:
            return None
        fresh = sorted([*late, *fresh], key=lambda row: row["id"])
    return [_logged(row) for row in fresh]


LOOK_THROUGH = 1_000_000
"""Rows of the log that a reader looks through for those that it has missed."""


async def _read_late(
    conn: Connection, ended: dict[int, int], floor: int, last_id: int, limit: int
) -> Sequence[asyncpg.Record] | None:
    low = min(ended.values())
    if last_id - low > LOOK_THROUGH:
        return None
    rows = await conn.fetch(
        f"""
        {_WITH_NAMES}
        WHERE l.id > $1 AND l.id <= $2 AND l.xid::text = ANY ($3)
        ORDER BY l.id LIMIT $4
        """,
        low,
        floor,
        [str(xid) for xid in ended],
        limit + 1,
    )
    return None if len(rows) > limit else rows


async def read_between(
    conn: Connection, cursor: Cursor, tail: Tail, limit: int, task_uuid: UUID | None = None
) -> list[LoggedChange] | None:
    """What a client that stands at `cursor` lacks of what the tail has read, oldest first.

    None when that is more than `limit`, or when a part of it may be gone or belongs to another database.
    """
    if cursor.snapshot.xmax > tail.seen.xmax or cursor.low_id > tail.last_id:
        return None
    if tail.last_id - cursor.low_id > LOOK_THROUGH:
        return None
    oldest = await conn.fetchval("SELECT id FROM tasker.transitions ORDER BY id LIMIT 1")
    if oldest is not None and cursor.low_id + 1 < oldest:
        return None
    rows = await conn.fetch(
        f"""
        {_WITH_NAMES}
        WHERE l.id > $1 AND NOT pg_visible_in_snapshot(l.xid, $2::text::pg_snapshot)
          AND pg_visible_in_snapshot(l.xid, $3::text::pg_snapshot) AND ($4::uuid IS NULL OR l.task_uuid = $4)
        ORDER BY l.id LIMIT $5
        """,
        cursor.low_id,
        str(cursor.snapshot),
        str(tail.seen),
        task_uuid,
        limit + 1,
    )
    if len(rows) > limit:
        return None
    return [_logged(row) for row in rows]
