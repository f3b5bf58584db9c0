-- What rerun_steps would do: one row for each step that would run again. It starts with those of p_steps that have ended in one way or
-- another (complete, resolved_manually, error) or wait for a retry; one that is still to run, or runs, needs no second run.
-- effect: 'enqueued' at once, 'pending' until its parents are done, 'superseded' (what created it creates it anew).
-- No row: there is nothing to do. Cancelled tasks are left out, and those with cancelled steps: what comes after them would wait for ever.
CREATE OR REPLACE FUNCTION tasker.rerun_plan(p_steps uuid[])
RETURNS TABLE (task_uuid uuid, step_uuid uuid, name text, old_state tasker.step_state, effect text, chosen boolean, open_parents int)
LANGUAGE sql STABLE AS $$
    WITH chosen AS MATERIALIZED (
        SELECT s.step_uuid
        FROM tasker.steps s JOIN tasker.tasks t USING (task_uuid)
        WHERE s.step_uuid = ANY (p_steps) AND s.state IN ('complete', 'resolved_manually', 'error', 'waiting_for_retry') AND t.state <> 'cancelled'
          AND s.task_uuid NOT IN (SELECT c.task_uuid FROM tasker.steps c
                                  WHERE c.state = 'cancelled'
                                    AND c.task_uuid IN (SELECT o.task_uuid FROM tasker.steps o WHERE o.step_uuid = ANY (p_steps))))
    SELECT s.task_uuid, s.step_uuid, s.name, s.state,
           CASE WHEN b.superseded THEN 'superseded' WHEN b.open_parents > 0 THEN 'pending' ELSE 'enqueued' END,
           EXISTS (SELECT FROM chosen c WHERE c.step_uuid = s.step_uuid), b.open_parents
    FROM tasker.steps_from(ARRAY (SELECT c.step_uuid FROM chosen c)) b
    JOIN tasker.steps s USING (step_uuid)
    JOIN tasker.template_steps ts USING (template_step_id)
    ORDER BY s.task_uuid, ts.position, s.step_uuid
$$;
