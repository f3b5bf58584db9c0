-- Takes up to p_limit ready steps that have no confirmed message, oldest first, for the caller to publish. Steps that somebody took
-- longer than p_again ago without a confirmation are taken again: he may have died. What became ready longer than p_back ago is not looked
-- at (NULL: all is), since dead rows may lie there. Waits for nobody: rows that are being claimed need no message.
CREATE OR REPLACE FUNCTION tasker.take_unpublished(p_limit int, p_back interval, p_again interval)
RETURNS TABLE (step_uuid uuid, task_uuid uuid, correlation_id uuid, namespace text)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := tasker.now();
    v_since timestamptz := coalesce(v_now - p_back, '-infinity');
    v_steps uuid[];
BEGIN
    SELECT array_agg(p.step_uuid) INTO v_steps
    FROM (SELECT r.step_uuid FROM tasker.ready_steps r
          WHERE r.published_at IS NULL AND NOT r.held AND r.ready_at >= v_since
            AND (r.sent_at IS NULL OR r.sent_at < v_now - p_again)
          ORDER BY r.ready_at
          LIMIT p_limit
          FOR NO KEY UPDATE SKIP LOCKED) p;
    IF v_steps IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH taken AS (
        UPDATE tasker.ready_steps r SET sent_at = v_now
        WHERE r.step_uuid = ANY (v_steps)
        RETURNING r.step_uuid, r.task_uuid, r.namespace)
    SELECT k.step_uuid, k.task_uuid, t.correlation_id, k.namespace
    FROM taken k JOIN tasker.tasks t ON t.task_uuid = k.task_uuid;
END
$$;
