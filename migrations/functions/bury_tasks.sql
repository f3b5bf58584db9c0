-- Puts tasks among the dead letters, each with a picture of itself; a task with an open dead letter keeps that one. p_states are where
-- they came to rest, or were. Without p_reason and p_cause (NULL) the latest failure tells them. The caller holds the tasks' locks.
-- Returns the tasks that got one (NULL: none).
CREATE OR REPLACE FUNCTION tasker.bury_tasks(
    p_tasks uuid[], p_states tasker.task_state[], p_reason tasker.dlq_reason, p_cause text, p_metadata jsonb, p_now timestamptz) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    v_new uuid[];
BEGIN
    WITH made AS (
        INSERT INTO tasker.tasks_dlq (dlq_entry_uuid, task_uuid, template_id, original_state, dlq_reason, cause, dlq_timestamp,
                                      task_snapshot, metadata, created_at, updated_at)
        SELECT tasker.uuid7(), t.task_uuid, t.template_id, p.state,
               coalesce(p_reason, CASE WHEN picture.cause IN ('worker_lost', 'handler_missing') THEN 'worker_unavailable'
                                       ELSE 'max_retries_exceeded' END::tasker.dlq_reason),
               coalesce(p_cause, picture.cause, 'permanent_failure'), p_now, picture.snapshot, p_metadata, p_now, p_now
        FROM unnest(p_tasks, p_states) AS p(task_uuid, state)
        CROSS JOIN LATERAL (SELECT * FROM tasker.tasks t WHERE t.task_uuid = p.task_uuid LIMIT 1) t
        CROSS JOIN LATERAL tasker.picture_task(t.task_uuid) AS picture
        ORDER BY t.task_uuid
        ON CONFLICT (task_uuid) WHERE resolution_status = 'pending' DO NOTHING
        RETURNING task_uuid)
    SELECT array_agg(m.task_uuid) INTO v_new FROM made m;
    PERFORM tasker.announce('dead_letter.created', v_new, p_now);
    RETURN v_new;
END
$$;
