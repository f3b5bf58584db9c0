"""Fills a database with finished tasks, by SQL alone, so that a run can be measured above a long history."""

from __future__ import annotations

from collections.abc import Callable

from engine.store.pool import Connection

AT_ONCE = 5_000

# What a run of the template leaves when nothing goes wrong: the same rows, in that order.
_SEED = """
WITH tasks AS MATERIALIZED (
    SELECT tasker.uuid7() AS task_uuid FROM generate_series(1, $2)),
plan AS MATERIALIZED (
    SELECT * FROM tasker.template_steps WHERE revision_id = $1),
uuids AS MATERIALIZED (
    SELECT t.task_uuid, array_agg(tasker.uuid7() ORDER BY p.position) AS ids
    FROM tasks t CROSS JOIN plan p GROUP BY 1),
steps AS MATERIALIZED (
    SELECT u.task_uuid, u.ids[p.position + 1] AS step_uuid, p.position, p.template_step_id, p.name,
           ARRAY (SELECT u.ids[i + 1] FROM unnest(p.parents) AS i) AS parents,
           ARRAY (SELECT u.ids[i + 1] FROM unnest(p.children) AS i) AS children
    FROM uuids u CROSS JOIN plan p),
task_rows AS (
    INSERT INTO tasker.tasks (
        task_uuid, template_id, revision_id, state, priority, remaining_sinks, total_steps, context,
        initiator, source_system, reason, tags, correlation_id, created_at, updated_at, completed_at,
        final_state)
    SELECT t.task_uuid, r.template_id, $1, 'complete', 0, 0, (SELECT count(*) FROM plan), '{"n": 1}',
           'bench', 'bench', 'history', '{}', gen_random_uuid(), $3, $3, $3, 'complete'
    FROM tasks t, tasker.template_revisions r
    WHERE r.revision_id = $1
    ORDER BY t.task_uuid),
step_rows AS (
    INSERT INTO tasker.steps (
        step_uuid, task_uuid, template_step_id, name, state, priority, remaining_parents, attempts,
        claim_no, parents, children, last_attempted_at, created_at, updated_at, completed_at)
    SELECT step_uuid, task_uuid, template_step_id, name, 'complete', 0, 0, 1,
           1, parents, children, $3, $3, $3, $3
    FROM steps ORDER BY step_uuid),
attempt_rows AS (
    INSERT INTO tasker.step_attempts (
        task_uuid, step_uuid, claim_no, attempt, success, worker_uuid, execution_ms, result, started_at,
        recorded_at)
    SELECT task_uuid, step_uuid, 1, 1, true, $4, 0, '{"value": 1}', $3, $3
    FROM steps ORDER BY task_uuid, position),
task_log AS (
    SELECT task_uuid, 0 AS moment, -1 AS position,
           '{pending,initializing,enqueuing_steps,steps_in_process}'::tasker.task_state[] AS path
    FROM tasks
    UNION ALL
    SELECT task_uuid, 2, position, '{steps_in_process,evaluating_results,enqueuing_steps,steps_in_process}'
    FROM steps WHERE children <> '{}'
    UNION ALL
    SELECT task_uuid, 3, 0, '{steps_in_process,evaluating_results,complete}'
    FROM tasks),
step_log AS (
    SELECT s.task_uuid, s.step_uuid, m.moment, s.position, m.path::tasker.step_state[]
    FROM steps s
    CROSS JOIN LATERAL (VALUES
        (0, CASE WHEN parents = '{}' THEN '{pending,enqueued}' ELSE '{pending}' END),
        (1, CASE WHEN parents = '{}' THEN '{enqueued,in_progress}' ELSE '{pending,enqueued,in_progress}' END),
        (2, '{in_progress,enqueued_for_orchestration,complete}')) AS m(moment, path)),
log AS (
    SELECT task_uuid, NULL::uuid AS step_uuid, moment, position, path AS task_path,
           NULL::tasker.step_state[] AS step_path
    FROM task_log
    UNION ALL
    SELECT task_uuid, step_uuid, moment, position, NULL, path
    FROM step_log)
INSERT INTO tasker.transitions (
    task_uuid, step_uuid, task_path, step_path, attempt, claim_no, worker_uuid, actor, at)
SELECT task_uuid, step_uuid, task_path, step_path,
       CASE WHEN moment > 0 AND step_uuid IS NOT NULL THEN 1 END,
       CASE WHEN moment > 0 AND step_uuid IS NOT NULL THEN 1 END,
       CASE WHEN moment > 0 THEN $4::uuid END,
       CASE WHEN moment = 0 THEN 'bench' END,
       $3
FROM log
ORDER BY task_uuid, moment, position
"""


async def seed_finished_tasks(
    conn: Connection,
    revision_id: int,
    count: int,
    progress: Callable[[int], None] = lambda _: None,
    *,
    at_once: int = AT_ONCE,
) -> None:
    """Add `count` finished tasks of a revision with all that their runs would have left, and vacuum.

    Deliberately in the newest partitions, where the tasks of the measurement go too: the harder case.
    `progress` is told how many there are so far.
    """
    await conn.execute("SELECT tasker.ensure_partitions()")
    worker = await conn.fetchval("SELECT tasker.uuid7()")
    done = 0
    while done < count:
        batch = min(at_once, count - done)
        now = await conn.fetchval("SELECT tasker.now()")
        await conn.execute(_SEED, revision_id, batch, now, worker, timeout=600)
        done += batch
        progress(done)
    await conn.execute("VACUUM (ANALYZE)", timeout=3600)


async def revision_of(conn: Connection, template: str) -> int:
    """The revision that tasks of one of the bench's templates are made from; raises LookupError without."""
    found: int | None = await conn.fetchval(
        "SELECT revision_id FROM tasker.templates WHERE namespace = 'bench' AND name = $1", template
    )
    if found is None:
        raise LookupError(f"no worker has registered the template bench/{template}")
    return found
