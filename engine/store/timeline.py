"""When the steps of a task waited and ran, from the transition log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from engine.model.timeline import PathRow, last_attempts, segments_of
from engine.model.wire.reports import Timeline, TimelineStep, TimelineWorker
from engine.store.pool import Connection

ROWS_AN_ATTEMPT = 5
"""At most so many rows of the log belong to one attempt of a step, its way back to the queue included."""

_HEAD = """
    SELECT state::text AS state, created_at, completed_at, tasker.now() AS now
    FROM tasker.tasks WHERE task_uuid = $1
"""

_STEPS = """
    SELECT s.step_uuid, s.name, s.state::text AS state, ts.step_type
    FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
    WHERE s.task_uuid = $1 AND ($2::uuid IS NULL OR (ts.position, s.step_uuid) > (
        SELECT pts.position, p.step_uuid
        FROM tasker.steps p JOIN tasker.template_steps pts USING (template_step_id)
        WHERE p.step_uuid = $2 AND p.task_uuid = $1))
    ORDER BY ts.position, s.step_uuid LIMIT $3
"""

_LOG = """
    SELECT step_uuid, at, path, attempt, worker_uuid, begun
    FROM (SELECT l.step_uuid, l.id, l.at, l.step_path::text[] AS path, l.attempt, l.worker_uuid,
                 row_number() OVER (PARTITION BY l.step_uuid ORDER BY l.id DESC) AS newest,
                 count(*) FILTER (WHERE l.step_path[cardinality(l.step_path)] = 'in_progress')
                     OVER (PARTITION BY l.step_uuid) AS begun
          FROM tasker.transitions l
          WHERE l.task_uuid = $1 AND l.step_uuid = ANY ($2)) l
    WHERE newest <= $3
    ORDER BY step_uuid, id
"""


async def read_timeline(
    conn: Connection, task_uuid: UUID, *, after: UUID | None, limit: int, attempts: int
) -> Timeline | None:
    """The steps after one in the order of the plan, with their last `attempts`; None: no such task."""
    head = await conn.fetchrow(_HEAD, task_uuid)
    if head is None:
        return None
    steps = await conn.fetch(_STEPS, task_uuid, after, limit + 1)
    page = steps[:limit]
    rows = await conn.fetch(_LOG, task_uuid, [step["step_uuid"] for step in page], ROWS_AN_ATTEMPT * attempts)
    by_step: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        by_step[row["step_uuid"]].append(row)
    found = [_step(step, by_step[step["step_uuid"]], head, attempts) for step in page]
    return Timeline(
        task_uuid=task_uuid,
        state=head["state"],
        created_at=head["created_at"],
        completed_at=head["completed_at"],
        calculated_at=head["now"],
        steps=found,
        workers=await _workers(conn, found),
        next_after=page[-1]["step_uuid"] if len(steps) > limit else None,
    )


def _step(
    step: asyncpg.Record, rows: Sequence[asyncpg.Record], head: asyncpg.Record, attempts: int
) -> TimelineStep:
    path = [PathRow(row["at"], row["path"], row["attempt"], row["worker_uuid"]) for row in rows]
    begun = rows[0]["begun"] if rows else 0
    segments = last_attempts(segments_of(path, head["completed_at"]), attempts, begun)
    shown = sum(segment.kind == "running" for segment in segments)
    return TimelineStep(
        step_uuid=step["step_uuid"],
        step=step["name"],
        step_type=step["step_type"],
        state=step["state"],
        segments=segments,
        earlier_attempts=begun - shown,
    )


async def _workers(conn: Connection, steps: Sequence[TimelineStep]) -> list[TimelineWorker]:
    uuids = {segment.worker_uuid for step in steps for segment in step.segments if segment.worker_uuid}
    rows = await conn.fetch(
        "SELECT worker_uuid, name FROM tasker.workers WHERE worker_uuid = ANY ($1) ORDER BY name, 1",
        list(uuids),
    )
    return [TimelineWorker(worker_uuid=row[0], name=row[1]) for row in rows]
