-- Says of ready steps whether the broker has a confirmed message for them (p_published); those without are published again. Rows that
-- somebody works on are left out: they are being claimed. Returns how many it said it of.
CREATE OR REPLACE FUNCTION tasker.settle_published(p_steps uuid[], p_published boolean) RETURNS int
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_settled int;
BEGIN
    WITH there AS MATERIALIZED (
        SELECT r.step_uuid FROM tasker.ready_steps r
        WHERE r.step_uuid = ANY (p_steps) AND r.message_id IS NULL
          -- Given back by a worker since it was sent: the confirmation is of a message that is gone.
          AND (NOT p_published OR r.sent_at IS NOT NULL)
        FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE tasker.ready_steps r
    SET published_at = CASE WHEN p_published THEN coalesce(r.published_at, tasker.now()) END,
        sent_at = CASE WHEN p_published THEN r.sent_at END
    FROM there
    WHERE r.step_uuid = there.step_uuid;
    GET DIAGNOSTICS v_settled = ROW_COUNT;
    RETURN v_settled;
END
$$;
