-- The steps that tasks begin with: those without parents.
CREATE OR REPLACE FUNCTION tasker.first_steps(p_tasks uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(s.step_uuid ORDER BY s.step_uuid) FROM tasker.steps s WHERE s.task_uuid = ANY (p_tasks) AND s.parents = '{}'
$$;
