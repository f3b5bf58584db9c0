-- Pauses tasks that have not ended. From the end of the transaction on no step of theirs is claimed; their ready steps are held by the
-- engine's sweep, which looks at all pauses at once. Answers one row a task that was paused by this call.
CREATE OR REPLACE FUNCTION tasker.pause_tasks(p_tasks uuid[], p_actor text, p_reason text) RETURNS SETOF uuid
LANGUAGE sql AS $$
    INSERT INTO tasker.pauses (task_uuid, actor, reason, paused_at)
    SELECT t.task_uuid, p_actor, p_reason, tasker.now()
    FROM tasker.tasks t
    WHERE t.task_uuid = ANY (p_tasks) AND t.completed_at IS NULL
    ORDER BY t.task_uuid
    ON CONFLICT DO NOTHING
    RETURNING task_uuid
$$;
