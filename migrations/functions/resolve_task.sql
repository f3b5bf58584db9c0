-- A task that rests ends as resolved_manually. Its failed steps stay in error, to tell what happened; the rest of a batch that was held when
-- one of it failed is cancelled. The caller holds the locks of the task's steps, then of the task.
CREATE OR REPLACE FUNCTION tasker.resolve_task(p_task tasker.tasks, p_now timestamptz, p_actor text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_held uuid[] := ARRAY (SELECT s.step_uuid FROM tasker.steps s WHERE s.task_uuid = p_task.task_uuid AND s.state = 'enqueued');
BEGIN
    PERFORM tasker.unqueue_steps(v_held);
    WITH moved AS (
        UPDATE tasker.steps s SET state = 'cancelled', completed_at = p_now, updated_at = p_now
        WHERE s.step_uuid = ANY (v_held)
        RETURNING s.step_uuid, s.attempts, s.claim_no)
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
    SELECT p_task.task_uuid, m.step_uuid, '{enqueued,cancelled}', m.attempts, m.claim_no, p_actor, p_reason, p_now FROM moved m;
    UPDATE tasker.tasks t
    SET state = 'resolved_manually', final_state = 'resolved_manually', completed_at = p_now, updated_at = p_now
    WHERE t.task_uuid = p_task.task_uuid;
    INSERT INTO tasker.transitions (task_uuid, task_path, actor, reason, at)
    VALUES (p_task.task_uuid, ARRAY[p_task.state, 'resolved_manually']::tasker.task_state[], p_actor, p_reason, p_now);
END
$$;
