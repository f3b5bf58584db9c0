-- Looks at the tasks whose limits are due, p_limit at most, and answers those that are past one. The others are told when to be looked at
-- next; those that have ended are forgotten. Unless p_dry_run, one that is answered is looked at again in a minute, so that one whose
-- end fails does not keep the others waiting. looked_at is how many were, in each row and in one without a task.
CREATE OR REPLACE FUNCTION tasker.find_stale_tasks(p_limit int, p_dry_run boolean)
RETURNS TABLE (task_uuid uuid, namespace text, name text, state tasker.task_state, passed text, minutes int, threshold int, looked_at int)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := tasker.now();
    v_due uuid[];
BEGIN
    SELECT array_agg(l.task_uuid) INTO v_due
    FROM (SELECT l.task_uuid FROM tasker.task_limits l WHERE l.check_at <= v_now ORDER BY l.check_at LIMIT p_limit FOR UPDATE SKIP LOCKED) l;
    IF v_due IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH judged AS MATERIALIZED (SELECT * FROM tasker.judge_staleness(v_due, v_now)),
    forgotten AS (
        DELETE FROM tasker.task_limits l
        WHERE l.task_uuid = ANY (v_due)
          AND NOT EXISTS (SELECT FROM judged j WHERE j.task_uuid = l.task_uuid AND NOT j.ended)),
    dated AS (
        UPDATE tasker.task_limits l
        SET check_at = CASE WHEN j.waits OR j.passed IS NOT NULL THEN v_now + interval '1 minute' ELSE j.next_at END,
            counts_from = CASE WHEN j.paused THEN v_now ELSE l.counts_from END
        FROM judged j
        WHERE l.task_uuid = j.task_uuid AND NOT j.ended AND NOT (p_dry_run AND j.passed IS NOT NULL AND NOT j.waits))
    SELECT j.task_uuid, j.namespace, j.name, j.state, j.passed, j.minutes, j.threshold, cardinality(v_due)
    FROM judged j
    WHERE j.passed IS NOT NULL AND NOT j.waits AND NOT j.ended
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, cardinality(v_due);
END
$$;
