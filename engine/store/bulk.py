"""Bulk operations: run, stop, go on, and what became of their items. Engines work them off."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from engine.model.wire.bulk import (
    BulkDetail,
    BulkItem,
    BulkItemPage,
    BulkList,
    BulkOperation,
    BulkOutcome,
    BulkPreview,
    BulkRunRequest,
    BulkState,
)
from engine.store.crash_points import crash_point
from engine.store.pool import Connection, Pool

_COLUMNS = """
    o.*, CASE WHEN o.started_at IS NOT NULL
              THEN extract(epoch FROM coalesce(o.finished_at, o.stopped_at, tasker.now())
                                      - o.resumed_at)::float8
         END AS seconds
"""
_START = """
    UPDATE tasker.bulk_operations
    SET state = CASE WHEN items = 0 THEN 'complete' ELSE 'running' END,
        rate = $2, reason = $3, actor = $4, started_at = c.now, due_at = c.now,
        resumed_at = c.now, resumed_number = 1, finished_at = CASE WHEN items = 0 THEN c.now END
    FROM (SELECT tasker.now() AS now) c
    WHERE bulk_uuid = $1 AND state = 'previewed' AND expires_at > c.now
    RETURNING bulk_uuid
"""
_STOP = """
    UPDATE tasker.bulk_operations
    SET state = 'stopped', stopped_at = tasker.now(), stop_reason = $2, stopped_by = $3
    WHERE bulk_uuid = $1 AND state = 'running'
    RETURNING bulk_uuid
"""
_RESUME = """
    UPDATE tasker.bulk_operations
    SET state = 'running', due_at = greatest(due_at, c.now), resumed_at = c.now, resumed_number = next_number,
        stopped_at = NULL, stop_reason = NULL, stopped_by = NULL
    FROM (SELECT tasker.now() AS now) c
    WHERE bulk_uuid = $1 AND state = 'stopped'
    RETURNING bulk_uuid
"""
_ITEMS = """
    SELECT number, task_uuid, step_uuid, coalesce(outcome, 'waiting') AS outcome, message, finished_at
    FROM tasker.bulk_items
    WHERE bulk_uuid = $1 AND number > $2 AND ($3::text IS NULL OR coalesce(outcome, 'waiting') = $3)
    ORDER BY number LIMIT $4
"""
_FORGET = """
    WITH old AS (
        DELETE FROM tasker.bulk_operations o
        USING (SELECT o.bulk_uuid FROM tasker.bulk_operations o
               WHERE o.state = 'previewed' AND o.expires_at < tasker.now()
                  OR o.state IN ('stopped', 'complete')
                     AND coalesce(o.finished_at, o.stopped_at) < tasker.now() - $1::interval
               ORDER BY o.bulk_uuid FOR UPDATE SKIP LOCKED) gone
        WHERE o.bulk_uuid = gone.bulk_uuid
        RETURNING o.bulk_uuid)
    DELETE FROM tasker.bulk_items i USING old WHERE i.bulk_uuid = old.bulk_uuid
"""

KEPT = timedelta(days=7)
"""Operations that ended, or were stopped, are deleted after it."""


class WorkedBulk(NamedTuple):
    """How many items were worked off, and in how long an operation is due; None: none runs."""

    worked: int
    next_in: timedelta | None


async def get_operation(conn: Connection, bulk_uuid: UUID) -> BulkDetail | None:
    """One operation; None if there is none."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM tasker.bulk_operations o WHERE o.bulk_uuid = $1", bulk_uuid
    )
    return None if row is None else _detail(row)


async def list_operations(conn: Connection, state: BulkState | None, limit: int) -> BulkList:
    """Operations, the newest first; without a state those that were only previewed are left out."""
    rows = await conn.fetch(
        f"""
        SELECT {_COLUMNS} FROM tasker.bulk_operations o
        WHERE CASE WHEN $1::text IS NULL THEN o.state <> 'previewed' ELSE o.state = $1 END
        ORDER BY coalesce(o.started_at, o.created_at) DESC, o.bulk_uuid LIMIT $2
        """,
        state and state.value,
        limit,
    )
    return BulkList(operations=[BulkOperation.model_validate(_fields(row)) for row in rows])


async def list_items(
    conn: Connection, bulk_uuid: UUID, *, after: int, outcome: BulkOutcome | None, limit: int
) -> BulkItemPage:
    """The items whose number is higher than `after`."""
    rows = await conn.fetch(_ITEMS, bulk_uuid, after, outcome and outcome.value, limit + 1)
    items = [BulkItem.model_validate(dict(row)) for row in rows[:limit]]
    return BulkItemPage(items=items, next_after=items[-1].number if len(rows) > limit else None)


async def start(conn: Connection, bulk_uuid: UUID, run: BulkRunRequest) -> bool:
    """Let the engines begin; false if it was begun before, or its selection has expired."""
    return await _changed(conn, _START, bulk_uuid, run.rate, run.reason, run.actor)


async def stop(conn: Connection, bulk_uuid: UUID, reason: str, actor: str) -> bool:
    """Let the engines take no more items; waits for those that are being done. False if it did not run."""
    return await _changed(conn, _STOP, bulk_uuid, reason, actor)


async def resume(conn: Connection, bulk_uuid: UUID) -> bool:
    """Let a stopped operation go on; false if it was not stopped."""
    return await _changed(conn, _RESUME, bulk_uuid)


async def _changed(conn: Connection, statement: str, *values: object) -> bool:
    return await conn.fetchval(statement, *values) is not None


async def work_bulk(pool: Pool) -> WorkedBulk:
    """Work off the next items of an operation that is due, in one transaction."""
    crash_point("bulk.before")
    row = await pool.fetchrow("SELECT * FROM tasker.work_bulk()")
    crash_point("bulk.after")
    assert row is not None
    return WorkedBulk(*row)


async def forget_bulk(pool: Pool) -> None:
    """Delete selections that expired, and operations that ended long ago."""
    await pool.execute(_FORGET, KEPT)


def _detail(row: asyncpg.Record) -> BulkDetail:
    preview = BulkPreview.model_validate(from_json(row["preview"]))
    return BulkDetail.model_validate(_fields(row) | {"preview": preview})


def _fields(row: asyncpg.Record) -> dict[str, object]:
    finished = row["next_number"] - 1
    remaining = row["items"] - finished
    speed = None
    if row["seconds"] is not None:
        speed = (finished - row["resumed_number"] + 1) / max(row["seconds"], 0.001)
    running = row["state"] == BulkState.RUNNING
    pace = min(speed, row["rate"]) if speed and row["rate"] else row["rate"] or speed
    return dict(row) | {
        "filter": dict(sorted(from_json(row["filter"]).items())),
        "remaining": remaining,
        "items_per_second": None if speed is None else round(speed, 3),
        "eta_seconds": round(remaining / pace, 1) if running and pace else None,
    }
