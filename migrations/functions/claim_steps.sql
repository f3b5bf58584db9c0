-- Hot path 2: leases up to p_limit ready steps of the namespaces whose handlers the worker has, and describes them.
CREATE OR REPLACE FUNCTION tasker.claim_steps(
    p_worker uuid, p_call uuid, p_namespaces text[], p_handlers text[], p_limit int, p_lease interval, p_dependency_limit bigint)
RETURNS TABLE (step_uuid uuid, task_uuid uuid, claim_no bigint, attempt int, chain smallint, template_step_id int, name text,
               correlation_id uuid, context jsonb, dependencies jsonb, inputs jsonb, checkpoint jsonb)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_steps uuid[] := tasker.lease_ready_steps(p_worker, p_call, p_namespaces, p_handlers, p_limit, p_lease);
BEGIN
    IF v_steps IS NOT NULL THEN
        RETURN QUERY SELECT * FROM tasker.describe_claims(v_steps, p_dependency_limit);
    END IF;
END
$$;
