-- After how many minutes in a state a task counts as stale: what its template's lifecycle says, else the default of the state.
CREATE OR REPLACE FUNCTION tasker.staleness_threshold(p_state tasker.task_state, p_lifecycle json) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE p_state
        WHEN 'waiting_for_dependencies' THEN coalesce((p_lifecycle ->> 'max_waiting_for_dependencies_minutes')::int, 60)
        WHEN 'waiting_for_retry' THEN coalesce((p_lifecycle ->> 'max_waiting_for_retry_minutes')::int, 30)
        WHEN 'steps_in_process' THEN coalesce((p_lifecycle ->> 'max_steps_in_process_minutes')::int, 30)
        ELSE 1440 END
$$;
