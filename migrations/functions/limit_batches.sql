-- Lets as many workers of each batch be claimed as its parallelism allows, the first ones first, and holds the others; holds all that
-- have not begun while a worker of a fail_fast batch is in error. Called whenever a worker of a batch came, ended or was reset.
-- What is let go has been ready for longer than the mark of its lane may say, so the mark goes back. A lane that a sweep works on is left
-- to the next one: nobody waits for a lane, since others may hold one while they wait for steps.
CREATE OR REPLACE FUNCTION tasker.limit_batches(p_tasks uuid[]) RETURNS void
LANGUAGE sql AS $$
    WITH workers AS MATERIALIZED (
        SELECT s.task_uuid, s.template_step_id, s.step_uuid, s.state, ts.parallelism, ts.failure_strategy
        FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
        WHERE s.task_uuid = ANY (p_tasks) AND ts.parallelism IS NOT NULL AND s.state NOT IN ('complete', 'resolved_manually', 'cancelled')),
    batches AS MATERIALIZED (
        SELECT task_uuid, template_step_id, parallelism - count(*) FILTER (WHERE state NOT IN ('pending', 'enqueued', 'error')) AS free,
               failure_strategy = 'fail_fast' AND bool_or(state = 'error') AS failed
        FROM workers
        GROUP BY task_uuid, template_step_id, parallelism, failure_strategy),
    wanted AS (
        SELECT w.step_uuid,
               CASE WHEN row_number() OVER (PARTITION BY w.task_uuid, w.template_step_id ORDER BY w.step_uuid) > b.free THEN 8 ELSE 0 END
               + CASE WHEN b.failed THEN 16 ELSE 0 END AS holds
        FROM workers w JOIN batches b USING (task_uuid, template_step_id)
        WHERE w.state = 'enqueued'),
    changed AS (
        UPDATE tasker.ready_steps r
        SET holds = (r.holds & 7) | w.holds
        FROM wanted w
        WHERE r.step_uuid = w.step_uuid AND r.holds & 24 <> w.holds
        RETURNING r.namespace, r.priority, r.ready_at, r.held),
    lanes AS MATERIALIZED (
        SELECT l.namespace, l.priority, f.oldest
        FROM (SELECT namespace, priority, min(ready_at) AS oldest FROM changed WHERE NOT held GROUP BY 1, 2) f
        JOIN tasker.ready_lanes l USING (namespace, priority)
        WHERE l.low_mark > f.oldest
        FOR NO KEY UPDATE OF l SKIP LOCKED)
    UPDATE tasker.ready_lanes l SET low_mark = w.oldest
    FROM lanes w
    WHERE l.namespace = w.namespace AND l.priority = w.priority
$$;
