-- Says of ready steps whether the broker has a confirmed message for them (p_published); those without are published again. Rows that
-- somebody works on are left out: they are being claimed, or their lock is given up again. Returns of which it said it, and of those that
-- have a message in this database, which need none elsewhere.
CREATE OR REPLACE FUNCTION tasker.settle_messages(p_steps uuid[], p_published boolean) RETURNS uuid[]
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_settled uuid[];
BEGIN
    SELECT array_agg(there.step_uuid) INTO v_settled
    FROM (SELECT r.step_uuid FROM tasker.ready_steps r
          WHERE r.step_uuid = ANY (p_steps)
            -- Given back by a worker since it was sent: the confirmation is of a message that is gone.
            AND (NOT p_published OR r.sent_at IS NOT NULL)
          FOR NO KEY UPDATE SKIP LOCKED) there;
    UPDATE tasker.ready_steps r
    SET published_at = CASE WHEN p_published THEN coalesce(r.published_at, tasker.now()) END,
        sent_at = CASE WHEN p_published THEN r.sent_at END
    WHERE r.step_uuid = ANY (v_settled) AND r.message_id IS NULL;
    RETURN coalesce(v_settled, '{}');
END
$$;
