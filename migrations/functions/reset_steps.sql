-- An operator's retry: steps in error start over with their attempts at zero, steps that wait for a retry go at once, and
-- their tasks go on. Answers one row a step that exists: the state that it was in and whether it was reset.
CREATE OR REPLACE FUNCTION tasker.reset_steps(p_steps uuid[], p_actor text, p_reason text)
RETURNS TABLE (step_uuid uuid, old_state tasker.step_state, done boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := tasker.now();
    v_tasks uuid[] := tasker.lock_for_settling(p_steps);
    v_failed uuid[];
    v_waiting uuid[];
BEGIN
    SELECT array_agg(s.step_uuid) FILTER (WHERE s.state = 'error'), array_agg(s.step_uuid) FILTER (WHERE s.state = 'waiting_for_retry')
    INTO v_failed, v_waiting
    FROM tasker.steps s JOIN tasker.tasks t USING (task_uuid)
    WHERE s.step_uuid = ANY (p_steps) AND t.state NOT IN ('complete', 'cancelled', 'resolved_manually');
    RETURN QUERY SELECT s.step_uuid, s.state, s.step_uuid = ANY (v_failed || v_waiting) IS TRUE FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps);
    UPDATE tasker.steps s SET attempts = 0 WHERE s.step_uuid = ANY (v_failed || v_waiting);
    DELETE FROM tasker.step_retries r WHERE r.step_uuid = ANY (v_waiting);
    UPDATE tasker.tasks t
    SET failed_steps = t.failed_steps - c.failed, retrying_steps = t.retrying_steps - c.waiting, updated_at = v_now,
        completed_at = NULL, final_state = NULL
    FROM (SELECT s.task_uuid, (count(*) FILTER (WHERE s.state = 'error'))::int AS failed,
                 (count(*) FILTER (WHERE s.state = 'waiting_for_retry'))::int AS waiting
          FROM tasker.steps s WHERE s.step_uuid = ANY (v_failed || v_waiting) GROUP BY 1) c
    WHERE t.task_uuid = c.task_uuid;
    PERFORM tasker.requeue_steps(v_failed, '{error,pending,enqueued}', v_now, p_actor, p_reason);
    PERFORM tasker.requeue_steps(v_waiting, '{waiting_for_retry,pending,enqueued}', v_now, p_actor, p_reason);
    PERFORM tasker.limit_batches(v_tasks);
    PERFORM tasker.settle_tasks(v_tasks, v_now, p_actor, p_reason);
END
$$;
