"""Two tasks of one template side by side."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from engine.model.differences import compare
from engine.model.payload import load_json
from engine.model.wire.comparison import Differing, DiffStep, DiffTask, StepDiff, TaskDiff, ValueDiffs
from engine.store.pool import Connection

CONTEXT_DIFFERENCES, RESULT_DIFFERENCES = 500, 20
LARGE_RESULT, ALL_RESULTS = 64 * 1024, 4 * 1024 * 1024
"""Bytes, as stored, of one result and of all together that are compared in detail."""

SLOWER, SLOWER_MS = 2, 100

_TASKS = """
    SELECT t.task_uuid, p.namespace, p.name, p.version, t.revision_id, t.state::text AS state, t.priority,
           t.initiator, t.created_at, t.completed_at, t.context, t.total_steps,
           (extract(epoch FROM coalesce(t.completed_at, tasker.now()) - t.created_at) * 1000)::bigint
               AS duration_ms
    FROM tasker.tasks t JOIN tasker.templates p USING (template_id)
    WHERE t.task_uuid = ANY ($1)
"""

_STEPS = """
    WITH sides AS (
        SELECT s.task_uuid, s.name, ts.position, s.step_uuid, s.state::text AS state, s.attempts,
               a.success, a.execution_ms, a.result, a.details ->> 'error_type' AS error_type,
               left(a.details ->> 'message', 500) AS message
        FROM tasker.steps s
        JOIN tasker.template_steps ts USING (template_step_id)
        LEFT JOIN LATERAL (
            SELECT * FROM tasker.step_attempts a
            WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no
            LIMIT 1) a ON true
        WHERE s.task_uuid IN ($1, $2)),
    pairs AS (
        SELECT coalesce(a.name, b.name) AS name, coalesce(a.position, b.position) AS position,
               a.step_uuid AS a_step_uuid, a.state AS a_state, a.attempts AS a_attempts,
               a.success AS a_success, a.execution_ms AS a_ms, a.error_type AS a_error_type,
               a.message AS a_message, a.result AS a_result,
               b.step_uuid AS b_step_uuid, b.state AS b_state, b.attempts AS b_attempts,
               b.success AS b_success, b.execution_ms AS b_ms, b.error_type AS b_error_type,
               b.message AS b_message, b.result AS b_result,
               -- A step that is not as far in one of the tasks has no result there: its state says so.
               a.result IS NOT DISTINCT FROM b.result
                   OR a.state <> b.state AND num_nulls(a.result, b.result) = 1 AS same_result,
               greatest(coalesce(pg_column_size(a.result), 0), coalesce(pg_column_size(b.result), 0)) AS size
        FROM (SELECT * FROM sides WHERE task_uuid = $1) a
        FULL JOIN (SELECT * FROM sides WHERE task_uuid = $2) b ON a.name = b.name),
    measured AS (
        SELECT p.*, size > $3 OR sum(CASE WHEN same_result OR size > $3 THEN 0 ELSE size END)
                                     OVER (ORDER BY position, name) > $4 AS too_large
        FROM pairs p)
    SELECT name, a_step_uuid, a_state, a_attempts, a_success, a_ms, a_error_type, a_message,
           b_step_uuid, b_state, b_attempts, b_success, b_ms, b_error_type, b_message, same_result, too_large,
           CASE WHEN NOT same_result AND NOT too_large THEN a_result END AS a_result,
           CASE WHEN NOT same_result AND NOT too_large THEN b_result END AS b_result
    FROM measured ORDER BY position, name
"""


class NotComparable(Exception):
    """The two tasks are of different templates; `str(error)` names them."""


async def compare_tasks(
    conn: Connection, a: UUID, b: UUID, *, differing_only: bool, limit: int
) -> TaskDiff | UUID:
    """What differs between two tasks, or the one that does not exist. Raises NotComparable."""
    tasks = {row["task_uuid"]: row for row in await conn.fetch(_TASKS, [a, b])}
    for uuid in (a, b):
        if uuid not in tasks:
            return uuid
    names = [f"{tasks[uuid]['namespace']}/{tasks[uuid]['name']}" for uuid in (a, b)]
    if names[0] != names[1]:
        raise NotComparable(f"the tasks are of different templates: {names[0]} and {names[1]}")
    steps = [_step(row) for row in await conn.fetch(_STEPS, a, b, LARGE_RESULT, ALL_RESULTS)]
    wanted = [step for step in steps if step.differs] if differing_only else steps
    return TaskDiff(
        namespace=tasks[a]["namespace"],
        template=tasks[a]["name"],
        a=DiffTask(**_without_context(tasks[a])),
        b=DiffTask(**_without_context(tasks[b])),
        context=compare(load_json(tasks[a]["context"]), load_json(tasks[b]["context"]), CONTEXT_DIFFERENCES),
        steps=wanted[:limit],
        same_steps=len(steps) - len(wanted),
        more_steps=max(0, len(wanted) - limit),
    )


def _without_context(row: asyncpg.Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "context"}


def _step(row: asyncpg.Record) -> StepDiff:
    a, b = _side(row, "a"), _side(row, "b")
    return StepDiff(step=row["name"], a=a, b=b, differs=_differs(row, a, b), result=_results(row))


def _side(row: asyncpg.Record, side: str) -> DiffStep | None:
    if row[f"{side}_step_uuid"] is None:
        return None
    failed = row[f"{side}_success"] is False
    return DiffStep(
        step_uuid=row[f"{side}_step_uuid"],
        state=row[f"{side}_state"],
        attempts=row[f"{side}_attempts"],
        duration_ms=row[f"{side}_ms"],
        error_type=row[f"{side}_error_type"] if failed else None,
        error_message=row[f"{side}_message"] if failed else None,
    )


def _differs(row: asyncpg.Record, a: DiffStep | None, b: DiffStep | None) -> list[Differing]:
    if a is None or b is None:
        return ["presence"]
    found: list[Differing] = []
    if a.state != b.state:
        found.append("state")
    if a.attempts != b.attempts:
        found.append("attempts")
    if _slower(a.duration_ms, b.duration_ms):
        found.append("duration")
    if not row["same_result"]:
        found.append("result")
    if (a.error_type, a.error_message) != (b.error_type, b.error_message):
        found.append("error")
    return found


def _slower(a: int | None, b: int | None) -> bool:
    if a is None or b is None:
        return False
    return max(a, b) >= SLOWER * min(a, b) and abs(a - b) >= SLOWER_MS


def _results(row: asyncpg.Record) -> ValueDiffs | None:
    if row["same_result"] or row["a_step_uuid"] is None or row["b_step_uuid"] is None:
        return None
    if row["too_large"]:
        return ValueDiffs(differences=[], more=0, too_large=True)
    a, b = (None if row[name] is None else load_json(row[name]) for name in ("a_result", "b_result"))
    return compare(a, b, RESULT_DIFFERENCES)
