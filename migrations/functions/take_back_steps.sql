-- Takes leased steps back from a worker: an engine whose lease ran out (p_expired_only), or a draining worker its own.
-- p_spent says, step by step, whether the attempt was begun: then it is recorded as worker_lost (handler_timeout past the
-- deadline) and counts against max_attempts; otherwise it is given back. Returns how many were taken back.
CREATE OR REPLACE FUNCTION tasker.take_back_steps(
    p_steps uuid[], p_claims bigint[], p_spent boolean[], p_expired_only boolean, p_actor text) RETURNS int
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_tasks uuid[] := tasker.lock_for_settling(p_steps);
    v_again uuid[];
    v_dead uuid[];
BEGIN
    WITH lost AS (
        DELETE FROM tasker.leases l
        USING unnest(p_steps, p_claims, p_spent) AS p(step_uuid, claim_no, spent)
        WHERE l.step_uuid = ANY (p_steps) AND l.step_uuid = p.step_uuid AND l.claim_no = p.claim_no AND (NOT p_expired_only OR l.expires_at <= v_now)
        RETURNING l.step_uuid, l.claim_no, l.worker_uuid, l.claimed_at, l.deadline <= v_now AS timed_out, p.spent),
    held AS MATERIALIZED (
        SELECT lost.*, s.task_uuid, s.attempts, NOT lost.spent OR ts.retryable AND s.attempts < ts.max_attempts AS again
        FROM lost
        JOIN tasker.steps s ON s.step_uuid = lost.step_uuid AND s.claim_no = lost.claim_no AND s.state = 'in_progress'
        JOIN tasker.template_steps ts USING (template_step_id)),
    attempt_rows AS (
        INSERT INTO tasker.step_attempts (task_uuid, step_uuid, claim_no, attempt, success, worker_uuid, execution_ms, details, started_at, recorded_at)
        SELECT h.task_uuid, h.step_uuid, h.claim_no, h.attempts, false, h.worker_uuid,
               (extract(epoch FROM v_now - h.claimed_at) * 1000)::int,
               jsonb_build_object(
                   'error_type', CASE WHEN h.timed_out THEN 'handler_timeout' ELSE 'worker_lost' END,
                   'message', CASE WHEN h.timed_out THEN 'the step ran past its time-out and its worker did not end it'
                                   ELSE 'the worker gave no sign of life before its lease ran out, or gave the step up' END,
                   'retryable', true),
               h.claimed_at, v_now
        FROM held h WHERE h.spent),
    unspent AS (
        UPDATE tasker.steps s SET attempts = s.attempts - 1
        FROM held h WHERE s.step_uuid = h.step_uuid AND NOT h.spent),
    counted AS (
        UPDATE tasker.tasks t SET failed_steps = t.failed_steps + c.n, updated_at = v_now
        FROM (SELECT h.task_uuid, count(*)::int AS n FROM held h WHERE NOT h.again GROUP BY 1) c
        WHERE t.task_uuid = c.task_uuid)
    SELECT array_agg(h.step_uuid) FILTER (WHERE h.again), array_agg(h.step_uuid) FILTER (WHERE NOT h.again)
    INTO v_again, v_dead
    FROM held h;
    UPDATE tasker.steps s SET last_failure_at = v_now
    WHERE s.step_uuid = ANY (v_again || v_dead)
      AND EXISTS (SELECT FROM unnest(p_steps, p_spent) AS p(step_uuid, spent) WHERE p.step_uuid = s.step_uuid AND p.spent);
    PERFORM tasker.requeue_steps(v_again, '{in_progress,waiting_for_retry,pending,enqueued}', v_now, p_actor, 'worker_lost');
    WITH dead AS (
        UPDATE tasker.steps s SET state = 'error', updated_at = v_now
        WHERE s.step_uuid = ANY (v_dead)
        RETURNING s.step_uuid, s.task_uuid, s.attempts, s.claim_no)
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
    SELECT d.task_uuid, d.step_uuid, '{in_progress,error}', d.attempts, d.claim_no, p_actor, 'worker_lost', v_now FROM dead d;
    PERFORM tasker.limit_batches(v_tasks);
    PERFORM tasker.settle_tasks(v_tasks, v_now, p_actor, NULL);
    IF v_dead IS NOT NULL THEN
        PERFORM tasker.look_again(v_tasks);
    END IF;
    RETURN coalesce(cardinality(v_again), 0) + coalesce(cardinality(v_dead), 0);
END
$$;
