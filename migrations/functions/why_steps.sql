-- Why the steps of a task that have not ended are where they are: a row of explain_steps for each.
CREATE OR REPLACE FUNCTION tasker.why_steps(p_task uuid, p_alive interval)
RETURNS TABLE (step_uuid uuid, name text, state tasker.step_state, kind text, sentence text, data jsonb)
LANGUAGE sql STABLE AS $$
    SELECT e.step_uuid, e.name, e.state, e.kind, e.sentence, e.data
    FROM tasker.explain_steps(
        ARRAY (SELECT s.step_uuid FROM tasker.steps s
               WHERE s.task_uuid = p_task AND s.state NOT IN ('complete', 'resolved_manually', 'cancelled')), p_alive, false) e
    ORDER BY e.step_uuid
$$;
