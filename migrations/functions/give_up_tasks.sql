-- Tasks end in error as they stand: running steps are taken back from their workers, queued ones unqueued, retries dropped; all of those
-- are in error then, so that an operator's reset of them resumes the task. A step that waits for its retry keeps the error that it has,
-- the others get p_error_type and p_message. The caller holds the locks of all steps of the tasks, then of the tasks, and has seen that
-- none of the steps waits for an engine.
CREATE OR REPLACE FUNCTION tasker.give_up_tasks(
    p_tasks uuid[], p_error_type text, p_message text, p_now timestamptz, p_actor text, p_reason text) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_steps uuid[];
    -- A task that is blocked has failed before.
    v_failed uuid[] := ARRAY (SELECT t.task_uuid FROM tasker.tasks t WHERE t.task_uuid = ANY (p_tasks) AND t.state <> 'blocked_by_failures');
BEGIN
    WITH live AS MATERIALIZED (
        SELECT s.step_uuid, s.task_uuid, s.state, s.attempts, s.claim_no + (s.state = 'enqueued')::int AS claim_no,
               l.worker_uuid, l.claimed_at
        FROM tasker.steps s
        LEFT JOIN LATERAL (SELECT l.worker_uuid, l.claimed_at FROM tasker.leases l WHERE l.step_uuid = s.step_uuid LIMIT 1) l ON true
        WHERE s.task_uuid = ANY (p_tasks) AND s.state IN ('enqueued', 'in_progress', 'waiting_for_retry')),
    moved AS (
        UPDATE tasker.steps s
        SET state = 'error', claim_no = live.claim_no, retry_at = NULL, updated_at = p_now,
            last_failure_at = CASE live.state WHEN 'waiting_for_retry' THEN s.last_failure_at ELSE p_now END
        FROM live WHERE s.step_uuid = live.step_uuid),
    attempt_rows AS (
        INSERT INTO tasker.step_attempts (task_uuid, step_uuid, claim_no, attempt, success, worker_uuid, execution_ms, details, started_at, recorded_at)
        SELECT l.task_uuid, l.step_uuid, l.claim_no, l.attempts, false, l.worker_uuid, (extract(epoch FROM p_now - l.claimed_at) * 1000)::int,
               jsonb_build_object('error_type', p_error_type, 'retryable', false, 'message', p_message), l.claimed_at, p_now
        FROM live l WHERE l.state <> 'waiting_for_retry'),
    log AS (
        INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
        SELECT l.task_uuid, l.step_uuid,
               CASE l.state WHEN 'waiting_for_retry' THEN '{waiting_for_retry,pending,error}' ELSE ARRAY[l.state, 'error'] END::tasker.step_state[],
               l.attempts, l.claim_no, p_actor, p_reason, p_now
        FROM live l)
    SELECT array_agg(l.step_uuid) INTO v_steps FROM live l;
    PERFORM tasker.unqueue_steps(v_steps);
    DELETE FROM tasker.leases l WHERE l.step_uuid = ANY (v_steps);
    DELETE FROM tasker.step_retries r WHERE r.step_uuid = ANY (v_steps);
    WITH old AS MATERIALIZED (SELECT t.task_uuid, t.state FROM tasker.tasks t WHERE t.task_uuid = ANY (p_tasks)),
    moved AS (
        UPDATE tasker.tasks t
        SET state = 'error', final_state = 'error', completed_at = p_now, updated_at = p_now, retrying_steps = 0,
            failed_steps = (SELECT count(*) FROM tasker.steps s WHERE s.task_uuid = t.task_uuid AND s.state = 'error')
        FROM old WHERE t.task_uuid = old.task_uuid)
    INSERT INTO tasker.transitions (task_uuid, task_path, actor, reason, at)
    SELECT o.task_uuid, ARRAY[o.state, 'error'], p_actor, p_reason, p_now FROM old o;
    DELETE FROM tasker.task_limits l WHERE l.task_uuid = ANY (p_tasks);
    PERFORM tasker.announce('task.failed', v_failed, p_now);
END
$$;
