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
    -- LIMIT makes each a look-up by key, whatever the statistics of a table say that is empty at times.
    IF EXISTS (SELECT FROM unnest(p_steps, p_claims) AS p(step_uuid, claim_no)
               CROSS JOIN LATERAL (SELECT l.claim_no, l.expires_at, l.deadline FROM tasker.leases l
                                   WHERE l.step_uuid = p.step_uuid LIMIT 1) l
               WHERE l.claim_no = p.claim_no AND l.expires_at < least(v_now + p_lease * 2 / 3, l.deadline)) THEN
        UPDATE tasker.leases l
        SET expires_at = least(v_now + p_lease, l.deadline)
        WHERE l.step_uuid = ANY (ARRAY (
            SELECT held.step_uuid
            FROM unnest(p_steps, p_claims) AS p(step_uuid, claim_no)
            CROSS JOIN LATERAL (SELECT l.step_uuid FROM tasker.leases l
                                WHERE l.step_uuid = p.step_uuid AND l.claim_no = p.claim_no AND l.worker_uuid = p_worker
                                  AND l.expires_at > v_now
                                LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) held));
    END IF;
    RETURN QUERY
    SELECT p.step_uuid, p.claim_no, CASE WHEN s.state = 'cancelled' THEN 'cancelled' ELSE 'lost' END
    FROM unnest(p_steps, p_claims) AS p(step_uuid, claim_no)
    LEFT JOIN LATERAL (SELECT l.claim_no FROM tasker.leases l WHERE l.step_uuid = p.step_uuid LIMIT 1) l ON true
    LEFT JOIN LATERAL (SELECT s.state FROM tasker.steps s WHERE s.step_uuid = p.step_uuid LIMIT 1) s ON true
    WHERE l.claim_no IS DISTINCT FROM p.claim_no;
END
$$;
