-- Takes back the steps whose lease ran out. Returns how many.
CREATE OR REPLACE FUNCTION tasker.expire_leases(p_limit int, p_actor text) RETURNS int
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_steps uuid[];
    v_claims bigint[];
BEGIN
    SELECT array_agg(l.step_uuid), array_agg(l.claim_no) INTO v_steps, v_claims
    FROM (SELECT * FROM tasker.leases WHERE expires_at <= tasker.now() LIMIT p_limit) l;
    IF v_steps IS NULL THEN
        RETURN 0;
    END IF;
    RETURN tasker.take_back_steps(v_steps, v_claims, array_fill(true, ARRAY[cardinality(v_steps)]), true, p_actor);
END
$$;
