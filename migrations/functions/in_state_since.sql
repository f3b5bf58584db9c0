-- When a task last came into its state, as the transition log says. A task that goes on in steps_in_process came into it whenever a
-- success made steps ready.
CREATE OR REPLACE FUNCTION tasker.in_state_since(p_task uuid) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT l.at FROM tasker.transitions l
    WHERE l.task_uuid = p_task AND l.task_path IS NOT NULL
    ORDER BY l.id DESC
    LIMIT 1
$$;
