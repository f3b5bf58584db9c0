-- An operator's retry of whole tasks: rerun_steps from the steps that a new task begins with. Answers as that does.
CREATE OR REPLACE FUNCTION tasker.retry_tasks(p_tasks uuid[], p_actor text, p_reason text)
RETURNS TABLE (task_uuid uuid, step_uuid uuid, name text, old_state tasker.step_state, effect text, chosen boolean)
LANGUAGE sql AS $$
    SELECT r.* FROM tasker.rerun_steps(tasker.first_steps(p_tasks), false, p_actor, p_reason) r
$$;
