-- Steps that ran before become claimable again: state, log row (p_path, from their state to enqueued), ready row.
-- The caller holds the steps' and tasks' locks and knows their state.
CREATE OR REPLACE FUNCTION tasker.requeue_steps(p_steps uuid[], p_path tasker.step_state[], p_now timestamptz, p_actor text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH moved AS (
        UPDATE tasker.steps s
        SET state = 'enqueued', retry_at = NULL, completed_at = NULL, updated_at = p_now
        WHERE s.step_uuid = ANY (p_steps)
        RETURNING s.step_uuid, s.task_uuid, s.attempts, s.claim_no)
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
    SELECT m.task_uuid, m.step_uuid, p_path, m.attempts, m.claim_no, p_actor, p_reason, p_now FROM moved m;
    PERFORM tasker.enqueue_steps(p_steps, p_now);
END
$$;
