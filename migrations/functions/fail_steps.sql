-- Steps end in error for a reason of the engine's own: an attempt row that says why, under a new fencing token, the count of their tasks
-- and the log. p_from is the state that they are in. The caller holds the locks and settles the tasks.
CREATE OR REPLACE FUNCTION tasker.fail_steps(
    p_steps uuid[], p_messages text[], p_from tasker.step_state, p_error_type text, p_now timestamptz, p_actor text) RETURNS void
LANGUAGE sql AS $$
    WITH failed AS (
        UPDATE tasker.steps s
        SET state = 'error', claim_no = s.claim_no + 1, last_failure_at = p_now, updated_at = p_now
        FROM unnest(p_steps, p_messages) AS f(step_uuid, message)
        WHERE s.step_uuid = f.step_uuid AND s.state = p_from
        RETURNING s.step_uuid, s.task_uuid, s.attempts, s.claim_no, f.message),
    attempt_rows AS (
        INSERT INTO tasker.step_attempts (task_uuid, step_uuid, claim_no, attempt, success, details, recorded_at)
        SELECT f.task_uuid, f.step_uuid, f.claim_no, f.attempts, false,
               jsonb_build_object('error_type', p_error_type, 'retryable', false, 'message', f.message), p_now
        FROM failed f),
    counted AS (
        UPDATE tasker.tasks t SET failed_steps = t.failed_steps + c.n, updated_at = p_now
        FROM (SELECT f.task_uuid, count(*)::int AS n FROM failed f GROUP BY 1) c
        WHERE t.task_uuid = c.task_uuid)
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
    SELECT f.task_uuid, f.step_uuid, ARRAY[p_from, 'error'], f.attempts, f.claim_no, p_actor, p_error_type, p_now FROM failed f
$$;
