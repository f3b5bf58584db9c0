-- Takes up to p_limit ready steps for a worker: highest priority first, where a minute of waiting is worth a point.
-- Never waits for a lock while it holds the ready rows, so that it can't deadlock with those who lock steps first.
-- Returns the leased steps.
CREATE OR REPLACE FUNCTION tasker.lease_ready_steps(
    p_worker uuid, p_call uuid, p_namespaces text[], p_handlers text[], p_limit int, p_lease interval)
RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz;
    v_picked uuid[];
    v_steps uuid[];
    v_paused boolean := EXISTS (SELECT FROM tasker.pauses);
BEGIN
    SELECT array_agg(step_uuid) INTO v_picked
    FROM (SELECT c.step_uuid
          FROM tasker.ready_lanes l
          CROSS JOIN LATERAL (
              SELECT r.step_uuid, r.ready_at
              FROM tasker.ready_steps r
              WHERE r.namespace = l.namespace AND r.priority = l.priority AND NOT r.held
                AND r.ready_at >= l.low_mark AND r.handler = ANY (p_handlers)
                AND NOT (v_paused AND tasker.pause_holds(r.namespace, r.task_uuid) <> 0)
              ORDER BY r.ready_at
              LIMIT p_limit
              FOR UPDATE SKIP LOCKED) c
          WHERE l.namespace = ANY (p_namespaces)
          ORDER BY c.ready_at - l.priority * interval '1 minute'
          LIMIT p_limit) picked;
    IF v_picked IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(step_uuid) INTO v_steps
    FROM (SELECT s.step_uuid FROM tasker.steps s
          WHERE s.step_uuid = ANY (v_picked) AND s.state = 'enqueued'
          ORDER BY s.step_uuid
          FOR NO KEY UPDATE SKIP LOCKED) locked;
    v_steps := tasker.unqueue_steps(v_steps);
    IF v_steps IS NULL THEN
        RETURN NULL;
    END IF;
    v_now := tasker.now();  -- after the steps are seen: none of them begins before it was ready
    WITH claimed AS (
        UPDATE tasker.steps s
        SET state = 'in_progress', attempts = attempts + 1, claim_no = claim_no + 1, last_attempted_at = v_now, updated_at = v_now
        WHERE s.step_uuid = ANY (v_steps)
        RETURNING s.step_uuid, s.task_uuid, s.attempts, s.claim_no, s.template_step_id),
    leased AS (
        INSERT INTO tasker.leases (step_uuid, claim_no, worker_uuid, call_uuid, chain, claimed_at, expires_at, deadline)
        SELECT c.step_uuid, c.claim_no, p_worker, p_call, 0, v_now, v_now + p_lease,
               coalesce(v_now + make_interval(secs => ts.timeout_seconds + 5), 'infinity')
        FROM claimed c JOIN tasker.template_steps ts USING (template_step_id)
        ORDER BY c.step_uuid)
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, worker_uuid, at)
    SELECT task_uuid, step_uuid, '{enqueued,in_progress}', attempts, claim_no, p_worker, v_now
    FROM claimed;
    RETURN v_steps;
END
$$;
