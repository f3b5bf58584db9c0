-- What a fork of a task from some of its steps (none: from all that are not done) is made of: one row a step of the task.
-- effect: 'taken_over' with its result, 'enqueued' at once, 'pending' until its parents are done, 'superseded' (what creates it creates it
-- anew, so the fork begins without it).
CREATE OR REPLACE FUNCTION tasker.fork_plan(p_task uuid, p_steps uuid[])
RETURNS TABLE (step_uuid uuid, name text, old_state tasker.step_state, effect text, open_parents int)
LANGUAGE sql STABLE AS $$
    WITH plan AS MATERIALIZED (
        SELECT s.step_uuid, s.name, s.state, s.parents, ts.position,
               coalesce(b.superseded, false) AS superseded,
               b.step_uuid IS NULL AND s.state IN ('complete', 'resolved_manually') AS done
        FROM tasker.steps s
        JOIN tasker.template_steps ts USING (template_step_id)
        LEFT JOIN tasker.steps_from(p_steps) b USING (step_uuid)
        WHERE s.task_uuid = p_task),
    counted AS (
        SELECT p.step_uuid, count(*)::int AS n
        FROM plan p CROSS JOIN LATERAL unnest(p.parents) AS u(parent) JOIN plan o ON o.step_uuid = u.parent
        WHERE NOT o.done
        GROUP BY 1)
    SELECT p.step_uuid, p.name, p.state,
           CASE WHEN p.superseded THEN 'superseded' WHEN p.done THEN 'taken_over' WHEN c.n > 0 THEN 'pending' ELSE 'enqueued' END,
           coalesce(c.n, 0)
    FROM plan p LEFT JOIN counted c USING (step_uuid)
    ORDER BY p.position, p.step_uuid
$$;
