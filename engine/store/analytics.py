"""How the system does and where its time goes, from rolled-up counters, never from the tasks themselves."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from engine.model.states import StepState, TaskState
from engine.model.wire.operations import SlowStepInfo, SlowTaskInfo, SystemHealthCounts
from engine.store.pool import Connection


class Durations(NamedTuple):
    """How many took how long in all."""

    items: int
    total_ms: int


class Window(NamedTuple):
    """What happened in a time: net arrivals of tasks in each state, and the durations of tasks and steps."""

    start: datetime
    now: datetime
    arrivals: Counter[str]
    tasks: Durations
    steps: Durations


async def read_window(conn: Connection, hours: int) -> Window:
    """The last `hours` hours, with the minute that they begin in, or from a day on with the hour."""
    row = await conn.fetchrow(
        """
        SELECT date_trunc(CASE WHEN $1 < 24 THEN 'minute' ELSE 'hour' END,
                          n - make_interval(hours => $1), 'UTC') AS start, n
        FROM tasker.now() AS n
        """,
        hours,
    )
    assert row is not None
    hops = await conn.fetch(
        """
        SELECT from_state, to_state, sum(hops)::bigint FROM tasker.hops_by_minute
        WHERE minute >= $1 AND entity = 'task' GROUP BY 1, 2
        """,
        row["start"],
    )
    durations = await conn.fetch(
        """
        SELECT entity, sum(items)::bigint, sum(total_ms)::bigint FROM tasker.durations_by_minute
        WHERE minute >= $1 GROUP BY 1
        """,
        row["start"],
    )
    took = {entity: Durations(items, total) for entity, items, total in map(tuple, durations)}
    none = Durations(0, 0)
    arrivals = _arrivals([tuple(hop) for hop in hops])
    return Window(row["start"], row["n"], arrivals, took.get("task", none), took.get("step", none))


def _arrivals(hops: list[tuple[str, str, int]]) -> Counter[str]:
    """How many came into each state and have not left it again."""
    found: Counter[str] = Counter()
    for from_state, to_state, count in hops:
        found[to_state] += count
        found[from_state] -= count
    return found


async def count_states(conn: Connection) -> SystemHealthCounts:
    """How many tasks and steps are in each state as of the last roll-up.

    Pending steps are not in the log of hops; they are counted at the tasks that have not ended. Steps that
    were pending when their task was cancelled went to `cancelled` and are counted there.
    """
    hops = await conn.fetch(
        """
        SELECT entity, from_state, to_state, sum(hops)::bigint FROM tasker.hops_by_minute
        WHERE minute = '-infinity' GROUP BY 1, 2, 3
        """
    )
    pending: int = await conn.fetchval(
        """
        SELECT count(*) FROM tasker.tasks t CROSS JOIN LATERAL (
            SELECT FROM tasker.steps s
            WHERE s.task_uuid = t.task_uuid AND s.state = 'pending' OFFSET 0) waiting
        WHERE t.completed_at IS NULL
        """
    )
    tasks = _arrivals([tuple(hop)[1:] for hop in hops if hop[0] == "task"])
    steps = _arrivals([tuple(hop)[1:] for hop in hops if hop[0] == "step"])
    steps["pending"] = pending
    counts = {f"{state}_tasks": max(0, tasks[state]) for state in TaskState}
    counts_of_steps = {f"{state}_steps": max(0, steps[state]) for state in StepState}
    totals = {"total_tasks": sum(counts.values()), "total_steps": sum(counts_of_steps.values())}
    return SystemHealthCounts.model_validate(counts | counts_of_steps | totals)


_SLOWEST = """
    SELECT t.namespace AS namespace_name, t.name AS task_name, t.version, d.step AS step_name,
           sum(d.total_ms)::float8 / sum(d.items)::float8 / 1000 AS average_duration_seconds,
           max(d.max_ms)::float8 / 1000 AS max_duration_seconds,
           sum(d.items)::bigint AS execution_count,
           sum(d.steps)::float8 / sum(d.items)::float8 AS average_step_count,
           sum(d.errors)::bigint AS error_count,
           sum(d.errors)::float8 / sum(d.items)::float8 AS error_rate,
           max(d.last_at) AS last_executed_at
    FROM tasker.durations_by_hour d JOIN tasker.templates t USING (template_id)
    WHERE d.hour >= date_trunc('hour', tasker.now() - make_interval(hours => $1)) AND (d.step = '') = $4
    GROUP BY t.namespace, t.name, t.version, d.step
    HAVING sum(d.items) >= $3
    ORDER BY average_duration_seconds DESC, 1, 2, 3, 4 LIMIT $2
"""


async def slowest_steps(
    conn: Connection, *, hours: int, limit: int, min_executions: int
) -> list[SlowStepInfo]:
    """Steps by their average attempt, the slowest first, of the whole hours that the window touches."""
    rows = await conn.fetch(_SLOWEST, hours, limit, min_executions, False)
    return [SlowStepInfo.model_validate(dict(row)) for row in rows]


async def slowest_tasks(
    conn: Connection, *, hours: int, limit: int, min_executions: int
) -> list[SlowTaskInfo]:
    """Templates by the average time of a task until it is complete or in error, the slowest first."""
    rows = await conn.fetch(_SLOWEST, hours, limit, min_executions, True)
    return [SlowTaskInfo.model_validate(dict(row)) for row in rows]
