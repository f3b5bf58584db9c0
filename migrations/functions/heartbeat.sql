-- A worker's sign of life: renews exactly the (step, claim) pairs that it names, and answers those that it no longer holds
-- ('cancelled' or 'lost'). Called often, writes rarely: a lease is renewed when a third of it is gone, and never past its deadline.
-- Rows that a submit is just deleting are skipped, never waited for.
CREATE OR REPLACE FUNCTION tasker.heartbeat(
    p_worker uuid, p_busy int, p_stuck int, p_state text, p_steps uuid[], p_claims bigint[], p_lease interval)
RETURNS TABLE (step_uuid uuid, claim_no bigint, reason text)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := tasker.now();
BEGIN
    UPDATE tasker.workers w
    SET last_heartbeat_at = v_now, busy = p_busy, stuck = p_stuck, state = p_state
    WHERE w.worker_uuid = p_worker
      AND (w.last_heartbeat_at < v_now - interval '5 seconds' OR w.state <> p_state OR w.stuck <> p_stuck);
    IF EXISTS (SELECT FROM unnest(p_steps, p_claims) AS p(step_uuid, claim_no)
               JOIN tasker.leases l ON l.step_uuid = p.step_uuid AND l.claim_no = p.claim_no
               WHERE l.expires_at < least(v_now + p_lease * 2 / 3, l.deadline)) THEN
        UPDATE tasker.leases l
        SET expires_at = least(v_now + p_lease, l.deadline)
        FROM (SELECT l.step_uuid
              FROM unnest(p_steps, p_claims) AS p(step_uuid, claim_no)
              JOIN tasker.leases l ON l.step_uuid = p.step_uuid AND l.claim_no = p.claim_no
              WHERE l.worker_uuid = p_worker AND l.expires_at > v_now
              ORDER BY l.step_uuid
              FOR NO KEY UPDATE OF l SKIP LOCKED) held
        WHERE l.step_uuid = held.step_uuid;
    END IF;
    RETURN QUERY
    SELECT p.step_uuid, p.claim_no, CASE WHEN s.state = 'cancelled' THEN 'cancelled' ELSE 'lost' END
    FROM unnest(p_steps, p_claims) AS p(step_uuid, claim_no)
    LEFT JOIN tasker.steps s ON s.step_uuid = p.step_uuid
    WHERE NOT EXISTS (SELECT FROM tasker.leases l WHERE l.step_uuid = p.step_uuid AND l.claim_no = p.claim_no);
END
$$;
