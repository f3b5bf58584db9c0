"""A task in figures: how its steps stand, where its time went, what failed and who acted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from engine.model.states import STEP_SATISFIES, StepState
from engine.model.wire.pauses import Pause
from engine.model.wire.reports import CriticalStep, HandAct, StepError, StepTimes, TaskSummary
from engine.store.pauses import list_pauses
from engine.store.pool import Connection
from engine.store.transitions import BY_HAND

SLOWEST, ERRORS, ACTS, ACT_NAMES, LONGEST_PATH = 10, 20, 20, 10, 1_000

_HEAD = """
    SELECT t.task_uuid, p.namespace, p.name AS template, p.version, t.state::text AS state, t.created_at,
           t.completed_at, tasker.now() AS calculated_at
    FROM tasker.tasks t JOIN tasker.templates p USING (template_id)
    WHERE t.task_uuid = $1
"""

_STATES = "SELECT state::text, count(*)::int FROM tasker.steps WHERE task_uuid = $1 GROUP BY 1"

# From the step that ended last, or goes on, to the parent that ended last, and so on.
_PATH = """
    WITH RECURSIVE path AS (
        (SELECT s.step_uuid, s.parents, 1 AS n FROM tasker.steps s
         WHERE s.task_uuid = $1 AND s.state NOT IN ('pending', 'cancelled')
         ORDER BY s.completed_at DESC NULLS FIRST, s.last_attempted_at DESC NULLS LAST, s.step_uuid LIMIT 1)
        UNION ALL
        SELECT p.step_uuid, p.parents, path.n + 1
        FROM path CROSS JOIN LATERAL (
            SELECT p.step_uuid, p.parents FROM tasker.steps p
            WHERE p.step_uuid = ANY (path.parents) AND p.completed_at IS NOT NULL
            ORDER BY p.completed_at DESC, p.step_uuid LIMIT 1) p
        WHERE path.n < $2)
    SELECT s.step_uuid, s.name, s.state::text AS state,
           coalesce(s.completed_at, CASE s.state WHEN 'error' THEN s.last_failure_at END) AS ended_at
    FROM path JOIN tasker.steps s USING (step_uuid)
    ORDER BY path.n DESC
"""

_TIMES = """
    WITH log AS (
        SELECT l.step_uuid, l.at, l.step_path[cardinality(l.step_path)] AS state,
               lead(l.at) OVER (PARTITION BY l.step_uuid ORDER BY l.id) AS until
        FROM tasker.transitions l
        WHERE l.task_uuid = $1 AND l.step_uuid IS NOT NULL),
    spans AS (
        SELECT step_uuid, state,
               greatest(extract(epoch FROM coalesce(until, $2) - at) * 1000, 0)::bigint AS ms
        FROM log),
    times AS (
        SELECT step_uuid, count(*) FILTER (WHERE state = 'in_progress') AS attempts,
               coalesce(sum(ms) FILTER (WHERE state = 'pending'), 0) AS waiting,
               coalesce(sum(ms) FILTER (WHERE state = 'enqueued'), 0) AS queued,
               coalesce(sum(ms) FILTER (WHERE state = 'in_progress'), 0) AS running,
               coalesce(sum(ms) FILTER (WHERE state IN ('enqueued_for_orchestration',
                                                        'enqueued_as_error_for_orchestration')), 0) AS engine,
               coalesce(sum(ms) FILTER (WHERE state = 'waiting_for_retry'), 0) AS retry_wait
        FROM spans GROUP BY 1),
    ranked AS (
        SELECT t.*, row_number() OVER (ORDER BY running DESC, attempts DESC, step_uuid) AS place,
               sum(waiting) OVER () AS all_waiting, sum(queued) OVER () AS all_queued,
               sum(running) OVER () AS all_running, sum(engine) OVER () AS all_engine,
               sum(retry_wait) OVER () AS all_retry_wait, sum(attempts) OVER () AS all_attempts,
               sum(greatest(attempts - 1, 0)) OVER () AS all_retries
        FROM times t)
    SELECT r.*, s.name, s.state::text AS step_state
    FROM ranked r JOIN tasker.steps s USING (step_uuid)
    WHERE r.place <= $3 OR r.step_uuid = ANY ($4)
    ORDER BY r.place
"""

_ERRORS = """
    SELECT s.step_uuid, s.name AS step, s.state::text AS state, a.attempt, a.recorded_at AS at,
           a.details ->> 'error_type' AS error_type, left(a.details ->> 'message', 2000) AS message,
           a.details -> 'retryable' IS DISTINCT FROM 'false'::jsonb AS retryable
    FROM tasker.steps s
    CROSS JOIN LATERAL (
        SELECT * FROM tasker.step_attempts a
        WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND NOT a.success
        ORDER BY a.claim_no DESC LIMIT 1) a
    WHERE s.task_uuid = $1
      AND s.state IN ('error', 'waiting_for_retry', 'enqueued_as_error_for_orchestration')
    ORDER BY s.state <> 'error', a.recorded_at, s.step_uuid LIMIT $2
"""

_ACTS = f"""
    SELECT min(l.at) AS at, l.actor, max(l.reason) AS reason,
           (array_agg(l.path[1] ORDER BY l.place, l.id))[1] AS from_state,
           (array_agg(l.path[cardinality(l.path)] ORDER BY l.place, l.id))[1] AS to_state,
           coalesce((array_agg(s.name ORDER BY l.id)
                     FILTER (WHERE l.place = 1 AND s.name IS NOT NULL))[1:$3], '{{}}') AS steps,
           count(*) FILTER (WHERE l.place = 1) AS changed_steps
    FROM (SELECT l.*, coalesce(l.step_path::text[], l.task_path::text[]) AS path,
                 -- Steps that were acted on, then the task, then what became ready by it.
                 CASE WHEN l.step_path[1] <> 'pending' THEN 1 WHEN l.step_path IS NULL THEN 2
                      ELSE 3 END AS place
          FROM tasker.transitions l
          WHERE l.task_uuid = $1 AND {BY_HAND}) l
    LEFT JOIN tasker.steps s USING (step_uuid)
    GROUP BY l.xid, l.actor
    ORDER BY min(l.id) DESC LIMIT $2
"""


async def read_summary(conn: Connection, task_uuid: UUID) -> TaskSummary | None:
    """Everything about a task in figures; None if there is no such task."""
    head = await conn.fetchrow(_HEAD, task_uuid)
    if head is None:
        return None
    states = {StepState(state): count for state, count in map(tuple, await conn.fetch(_STATES, task_uuid))}
    path = await conn.fetch(_PATH, task_uuid, LONGEST_PATH)
    until = head["completed_at"] or head["calculated_at"]
    times = await conn.fetch(_TIMES, task_uuid, until, SLOWEST, [row["step_uuid"] for row in path])
    total, done = sum(states.values()), sum(states.get(state, 0) for state in STEP_SATISFIES)
    acts = await conn.fetch(_ACTS, task_uuid, ACTS, ACT_NAMES)
    return TaskSummary(
        **head,
        total_steps=total,
        steps=states,
        completion_percentage=round(100 * done / total, 2) if total else 0.0,
        total_ms=round((until - head["created_at"]).total_seconds() * 1000),
        **_sums(times),
        critical_path=_critical_path(head, path, times),
        slowest_steps=[_times(row) for row in times if row["place"] <= SLOWEST],
        errors=[StepError(**row) for row in await conn.fetch(_ERRORS, task_uuid, ERRORS)],
        by_hand=[HandAct(**row) for row in acts],
        pauses=[pause for pause in (await list_pauses(conn)).pauses if _concerns(pause, head)],
    )


def _sums(times: Sequence[asyncpg.Record]) -> dict[str, int]:
    """What every row of the times says of all steps."""
    first = times[0] if times else None
    spans = ("waiting", "queued", "running", "engine", "retry_wait")
    found = {f"{name}_ms": int(first[f"all_{name}"]) if first else 0 for name in spans}
    counts = {name: int(first[f"all_{name}"]) if first else 0 for name in ("attempts", "retries")}
    return found | counts


def _times(row: asyncpg.Record) -> StepTimes:
    spans = {
        f"{name}_ms": int(row[name]) for name in ("waiting", "queued", "running", "engine", "retry_wait")
    }
    return StepTimes(
        step_uuid=row["step_uuid"],
        step=row["name"],
        state=row["step_state"],
        attempts=row["attempts"],
        **spans,
    )


def _critical_path(
    head: asyncpg.Record, path: Sequence[asyncpg.Record], times: Sequence[asyncpg.Record]
) -> list[CriticalStep]:
    running = {row["step_uuid"]: int(row["running"]) for row in times}
    began, found = head["created_at"], []
    for row in path:
        # An operator may have ended a step before its parents were done.
        ended = max(began, row["ended_at"] or head["completed_at"] or head["calculated_at"])
        found.append(
            CriticalStep(
                step_uuid=row["step_uuid"],
                step=row["name"],
                state=row["state"],
                began_at=began,
                ended_at=row["ended_at"],
                took_ms=round((ended - began).total_seconds() * 1000),
                running_ms=running.get(row["step_uuid"], 0),
            )
        )
        began = ended
    return found


def _concerns(pause: Pause, head: asyncpg.Record) -> bool:
    if pause.task_uuid is not None:
        return bool(pause.task_uuid == head["task_uuid"])
    mine = (head["namespace"], head["template"], head["version"])
    return (pause.namespace, pause.template or mine[1], pause.version or mine[2]) == mine
