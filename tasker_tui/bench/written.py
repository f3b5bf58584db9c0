"""Reads back that what was measured was written: durably, and with its whole history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasker_tui.bench.errors import BenchError
from tasker_tui.bench.target import NAMESPACE, Target

STEP_CHANGES = 5
"""pending, enqueued, in_progress, enqueued_for_orchestration, complete."""

TASK_CHANGES = 6
"""pending, initializing, enqueuing_steps, steps_in_process, evaluating_results, complete, at the least."""

# A row of the log holds a path of states, which begins where the row before ended.
_WRITTEN = """
SELECT count(*)::int AS tasks, sum(t.total_steps)::int AS steps, sum(l.rows)::int AS log_rows,
       (sum(l.step_hops) + sum(t.total_steps))::int AS step_changes,
       (sum(l.task_hops) + count(*))::int AS task_changes,
       sum(a.attempts)::int AS attempts
FROM tasker.tasks t
JOIN tasker.templates p USING (template_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS rows, sum(cardinality(l.step_path) - 1) AS step_hops,
           sum(cardinality(l.task_path) - 1) AS task_hops
    FROM tasker.transitions l WHERE l.task_uuid = t.task_uuid) l
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.success) AS attempts
    FROM tasker.step_attempts a WHERE a.task_uuid = t.task_uuid) a
WHERE p.namespace = $1 AND p.name = $2 AND t.final_state = 'complete'
  AND t.task_uuid >= tasker.uuid7_floor($3)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What a task left, on average: changes of state in the log (`log_rows` rows hold them), and attempts."""

    tasks: int
    steps_per_task: float
    transitions_per_task: float
    log_rows_per_task: float
    attempts_per_task: float


async def read_settings(target: Target) -> dict[str, str]:
    """What decides how durable a commit is; raises BenchError when the machine could lose one."""
    names = ("fsync", "synchronous_commit", "full_page_writes", "wal_level", "server_version")
    async with target.database() as conn:
        found = {name: str(await conn.fetchval(f"SHOW {name}")) for name in names}
    for name in names[:2]:
        if found[name] != "on":
            raise BenchError(
                f"{name} is {found[name]}: what is measured so says nothing", f"set {name} = on on the server"
            )
    return found


async def read_written(target: Target, template: str, since: datetime, tasks: int) -> Written:
    """What the tasks created since an instant left; raises BenchError when that is short of the full history.

    `tasks` is how many there must be.
    """
    async with target.database() as conn:
        row = await conn.fetchrow(_WRITTEN, NAMESPACE, template, since, timeout=600)
    assert row is not None
    _require("complete tasks", row["tasks"], tasks)
    _require("successful attempts", row["attempts"], row["steps"])
    _require("changes of steps", row["step_changes"], row["steps"] * STEP_CHANGES)
    _require("changes of tasks", row["task_changes"], row["tasks"] * TASK_CHANGES)
    return Written(
        row["tasks"],
        row["steps"] / row["tasks"],
        (row["step_changes"] + row["task_changes"]) / row["tasks"],
        row["log_rows"] / row["tasks"],
        row["attempts"] / row["tasks"],
    )


def _require(what: str, found: int | None, least: int) -> None:
    if (found or 0) < least:
        raise BenchError(
            f"the database holds {found or 0} {what} and should hold {least}: something was not recorded",
            "`tasker doctor` looks for what is wrong",
        )
