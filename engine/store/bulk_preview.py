"""What a verb would do to the items of a bulk operation, counted when they are selected."""

from __future__ import annotations

from uuid import UUID

from engine.model.wire.bulk import BulkPlace, BulkPreview, BulkRuns, BulkSample, BulkStateCount, BulkVerb
from engine.store.pool import Connection

_TASK_STATES = """
    SELECT t.state::text AS state, count(*) AS tasks, sum(t.total_steps)::bigint AS steps
    FROM (SELECT DISTINCT i.task_uuid FROM tasker.bulk_items i WHERE i.bulk_uuid = $1) i
    JOIN tasker.tasks t USING (task_uuid)
    GROUP BY 1 ORDER BY 2 DESC, 1
"""
_STEP_PLACES = """
    SELECT tp.namespace, tp.name AS template, tp.version, ts.name AS step, s.state::text AS state,
           count(*) AS items
    FROM tasker.bulk_items i
    JOIN tasker.steps s USING (step_uuid)
    JOIN tasker.template_steps ts USING (template_step_id)
    JOIN tasker.tasks t ON t.task_uuid = i.task_uuid
    JOIN tasker.templates tp USING (template_id)
    WHERE i.bulk_uuid = $1
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC, 1, 2, 3, 4, 5 LIMIT 1000
"""
_TASK_PLACES = """
    SELECT tp.namespace, tp.name AS template, tp.version, NULL AS step, t.state::text AS state,
           count(*) AS items
    FROM tasker.bulk_items i
    JOIN tasker.tasks t USING (task_uuid)
    JOIN tasker.templates tp USING (template_id)
    WHERE i.bulk_uuid = $1
    GROUP BY 1, 2, 3, 5 ORDER BY 6 DESC, 1, 2, 3, 5 LIMIT 1000
"""
_SAMPLE = """
    SELECT i.task_uuid, i.step_uuid, s.name AS step, coalesce(s.state::text, t.state::text) AS state,
           a.details ->> 'message' AS message
    FROM (SELECT * FROM tasker.bulk_items i WHERE i.bulk_uuid = $1 ORDER BY i.number LIMIT 5) i
    JOIN tasker.tasks t USING (task_uuid)
    LEFT JOIN tasker.steps s ON s.step_uuid = i.step_uuid
    LEFT JOIN tasker.step_attempts a
        ON a.task_uuid = i.task_uuid AND a.step_uuid = i.step_uuid AND a.claim_no = s.claim_no
        AND NOT a.success
    ORDER BY i.number
"""
_RUNNING_STEPS = """
    SELECT count(*) FROM tasker.leases l
    WHERE l.step_uuid IN (SELECT i.step_uuid FROM tasker.bulk_items i WHERE i.bulk_uuid = $1)
"""
_RUNNING_IN_TASKS = """
    SELECT count(*) FROM tasker.leases l JOIN tasker.steps s USING (step_uuid)
    WHERE s.task_uuid IN (SELECT i.task_uuid FROM tasker.bulk_items i WHERE i.bulk_uuid = $1)
"""

_SELECTED = "SELECT i.step_uuid FROM tasker.bulk_items i WHERE i.bulk_uuid = $1 AND i.number <= $2"
# Children of which the selected steps are all the parents that they still wait for.
_FREED = """
    SELECT c.step_uuid
    FROM (SELECT u.child, count(*) AS parents
          FROM tasker.bulk_items i JOIN tasker.steps s USING (step_uuid)
          CROSS JOIN unnest(s.children) AS u(child)
          WHERE i.bulk_uuid = $1 AND i.number <= $2 GROUP BY 1) f
    JOIN tasker.steps c ON c.step_uuid = f.child AND c.state = 'pending' AND c.remaining_parents <= f.parents
"""
# Ready steps that nothing holds but the pause of their task.
_LET_GO = """
    SELECT r.step_uuid FROM tasker.bulk_items i JOIN tasker.ready_steps r USING (task_uuid)
    WHERE i.bulk_uuid = $1 AND i.number <= $2 AND r.holds & ~4 = 0
"""
# Steps and all that comes after them; those that their decision creates anew are not known yet.
# Planned for some hundred tasks at a time: a plan for twice as many takes more than twice as long.
_RUN_AGAIN = """
    SELECT DISTINCT p.step_uuid
    FROM (SELECT array_agg(coalesce(i.step_uuid, i.task_uuid)) AS items
          FROM tasker.bulk_items i WHERE i.bulk_uuid = $1 AND i.number <= $2 GROUP BY i.number / 500) g
    CROSS JOIN LATERAL tasker.rerun_plan({steps}) p
    WHERE p.effect <> 'superseded'
"""
_DOWNSTREAM = _RUN_AGAIN.format(steps="g.items")
_WHOLE_TASKS = _RUN_AGAIN.format(steps="tasker.first_steps(g.items)")
_WILL_RUN = """
    SELECT tp.namespace, tp.name AS template, tp.version, ts.name AS step,
           CASE ts.initialization -> 'idempotent'
               WHEN 'true' THEN true WHEN 'false' THEN false END AS idempotent,
           count(*) AS steps,
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM tasker.step_attempts a
               WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid
                 AND a.details ->> 'error_type' IN ('worker_lost', 'handler_timeout'))) AS unknown_outcome
    FROM ({steps}) r
    JOIN tasker.steps s USING (step_uuid)
    JOIN tasker.template_steps ts USING (template_step_id)
    JOIN tasker.tasks t ON t.task_uuid = s.task_uuid
    JOIN tasker.templates tp USING (template_id)
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC, 1, 2, 3, 4 LIMIT 1000
"""

COUNTED = 50_000
"""Items of which it is counted what will run."""

_RUNS = {
    BulkVerb.RETRY: _SELECTED,
    BulkVerb.RETRY_DOWNSTREAM: _DOWNSTREAM,
    BulkVerb.RETRY_TASK: _WHOLE_TASKS,
    BulkVerb.SKIP: _FREED,
    BulkVerb.RESOLVE: _FREED,
    BulkVerb.COMPLETE: _FREED,
    BulkVerb.RESUME: _LET_GO,
}


async def preview_of(conn: Connection, bulk_uuid: UUID, verb: BulkVerb, named: int) -> BulkPreview:
    """Look at the items that were selected; `named` is how many tasks the filter named one by one."""
    states = await conn.fetch(_TASK_STATES, bulk_uuid)
    places = await conn.fetch(_STEP_PLACES if verb.takes_steps else _TASK_PLACES, bulk_uuid)
    running = await conn.fetchval(_RUNNING_STEPS if verb.takes_steps else _RUNNING_IN_TASKS, bulk_uuid)
    tasks = sum(row["tasks"] for row in states)
    runs = await conn.fetch(_WILL_RUN.format(steps=_RUNS[verb]), bulk_uuid, COUNTED) if verb in _RUNS else []
    if verb.takes_steps:
        steps = await conn.fetchval("SELECT count(*) FROM tasker.bulk_items WHERE bulk_uuid = $1", bulk_uuid)
    else:
        steps = sum(row["steps"] for row in states)
    return BulkPreview(
        tasks=tasks,
        steps=steps,
        running=running,
        left_out=max(0, named - tasks),
        task_states=[BulkStateCount.model_validate(dict(row)) for row in states],
        places=[BulkPlace.model_validate(dict(row)) for row in places],
        will_run=[BulkRuns.model_validate(dict(row)) for row in runs],
        sample=[BulkSample.model_validate(dict(row)) for row in await conn.fetch(_SAMPLE, bulk_uuid)],
    )
