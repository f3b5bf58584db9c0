-- Sends steps whose backoff is over to the workers again. Returns how many, and in how long the next one is due.
CREATE OR REPLACE FUNCTION tasker.fire_retries(p_limit int, p_actor text, OUT fired int, OUT next_in interval)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_due uuid[];
    v_steps uuid[];
    v_tasks uuid[];
BEGIN
    fired := 0;
    SELECT array_agg(d.step_uuid) INTO v_due
    FROM (SELECT r.step_uuid FROM tasker.step_retries r WHERE r.retry_at <= v_now ORDER BY r.retry_at LIMIT p_limit) d;
    IF v_due IS NOT NULL THEN
        PERFORM FROM tasker.steps s WHERE s.step_uuid = ANY (v_due) ORDER BY s.step_uuid FOR NO KEY UPDATE;
        SELECT array_agg(s.step_uuid), array_agg(DISTINCT s.task_uuid) INTO v_steps, v_tasks
        FROM tasker.steps s WHERE s.step_uuid = ANY (v_due) AND s.state = 'waiting_for_retry' AND s.retry_at <= v_now;
        PERFORM FROM tasker.tasks t WHERE t.task_uuid = ANY (v_tasks) ORDER BY t.task_uuid FOR NO KEY UPDATE;
        DELETE FROM tasker.step_retries r WHERE r.step_uuid = ANY (v_steps);
        PERFORM tasker.requeue_steps(v_steps, '{waiting_for_retry,pending,enqueued}', v_now, p_actor, NULL);
        UPDATE tasker.tasks t
        SET retrying_steps = t.retrying_steps - c.n, updated_at = v_now
        FROM (SELECT s.task_uuid, count(*)::int AS n FROM tasker.steps s WHERE s.step_uuid = ANY (v_steps) GROUP BY 1) c
        WHERE t.task_uuid = c.task_uuid;
        PERFORM tasker.limit_batches(v_tasks);
        PERFORM tasker.settle_tasks(v_tasks, v_now, p_actor, NULL);
        fired := coalesce(cardinality(v_steps), 0);
    END IF;
    SELECT min(r.retry_at) - tasker.now() INTO next_in FROM tasker.step_retries r;
END
$$;
