-- Whether a task is old: it ended before p_done, or in error before p_failed. It may leave if no dead letter of it is open either, which is
-- not asked here, so that the planner sees through this function.
CREATE OR REPLACE FUNCTION tasker.is_old(
    p_completed_at timestamptz, p_final_state tasker.task_state, p_done timestamptz, p_failed timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(p_completed_at < CASE WHEN p_final_state = 'error' THEN p_failed ELSE p_done END, false)
$$;
