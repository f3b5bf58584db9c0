-- Hot path 4: what submit left to an engine. Failures wait for their retry or end in error, outcomes are carried out, tasks are settled.
-- Returns how many rows were taken, whether something became ready, and in how long the first of the new retries is due.
CREATE OR REPLACE FUNCTION tasker.process_results(p_limit int, p_actor text, OUT taken int, OUT enqueued boolean, OUT next_in interval)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_ids bigint[];
    v_steps uuid[];
    v_tasks uuid[];
    v_failed_tasks uuid[];
    v_absorbed uuid[];
BEGIN
    enqueued := false;
    SELECT array_agg(u.id), array_agg(DISTINCT u.step_uuid) FILTER (WHERE u.step_uuid IS NOT NULL), array_agg(DISTINCT u.task_uuid)
    INTO v_ids, v_steps, v_tasks
    FROM (SELECT * FROM tasker.unprocessed_results ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED) u;
    taken := coalesce(cardinality(v_ids), 0);
    IF taken = 0 THEN
        RETURN;
    END IF;
    -- A task without a step in the batch is locked through one of its steps: any serves.
    PERFORM tasker.lock_for_settling(coalesce(v_steps, '{}') || ARRAY (
        SELECT (SELECT s.step_uuid FROM tasker.steps s WHERE s.task_uuid = t LIMIT 1)
        FROM (SELECT unnest(v_tasks) EXCEPT SELECT s.task_uuid FROM tasker.steps s WHERE s.step_uuid = ANY (v_steps)) AS bare(t)));
    DELETE FROM tasker.unprocessed_results WHERE id = ANY (v_ids);

    WITH failed AS MATERIALIZED (
        SELECT s.step_uuid, s.task_uuid, s.attempts, s.claim_no, a.details, verdict.again,
               -- A worker of a batch that goes on without it is complete, with a result that says what happened.
               CASE WHEN verdict.again THEN 'waiting_for_retry' WHEN ts.failure_strategy = 'continue_on_failure' THEN 'complete'
                    ELSE 'error' END::tasker.step_state AS new_state,
               coalesce(CASE WHEN jsonb_typeof(a.details -> 'retry_after') = 'number'
                             THEN make_interval(secs => greatest(least((a.details ->> 'retry_after')::numeric, 86400), 0)::float8) END,
                        tasker.backoff_interval(ts.backoff, ts.backoff_base_ms, ts.max_backoff_ms, s.attempts)) AS wait,
               a.details ->> 'error_type' AS error_type
        FROM tasker.steps s
        JOIN tasker.template_steps ts USING (template_step_id)
        LEFT JOIN tasker.step_attempts a ON a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no
        CROSS JOIN LATERAL (
            SELECT ts.retryable AND s.attempts < ts.max_attempts AND a.details -> 'retryable' IS DISTINCT FROM 'false'::jsonb AS again) verdict
        WHERE s.step_uuid = ANY (v_steps) AND s.state = 'enqueued_as_error_for_orchestration'),
    moved AS (
        UPDATE tasker.steps s
        SET state = f.new_state, retry_at = CASE WHEN f.again THEN v_now + f.wait END, updated_at = v_now,
            claim_no = s.claim_no + (f.new_state = 'complete')::int, completed_at = CASE f.new_state WHEN 'complete' THEN v_now END
        FROM failed f
        WHERE s.step_uuid = f.step_uuid),
    absorbed AS (
        INSERT INTO tasker.step_attempts (task_uuid, step_uuid, claim_no, attempt, success, result, recorded_at)
        SELECT f.task_uuid, f.step_uuid, f.claim_no + 1, f.attempts, true,
               jsonb_build_object('batch_failed', true, 'error', f.details - 'backtrace'), v_now
        FROM failed f WHERE f.new_state = 'complete'),
    timers AS (
        INSERT INTO tasker.step_retries (step_uuid, retry_at)
        SELECT f.step_uuid, v_now + f.wait FROM failed f WHERE f.again ORDER BY f.step_uuid
        RETURNING retry_at),
    counted AS (
        UPDATE tasker.tasks t
        SET failed_steps = t.failed_steps + c.failed, retrying_steps = t.retrying_steps + c.retrying, updated_at = v_now
        FROM (SELECT f.task_uuid, (count(*) FILTER (WHERE f.new_state = 'error'))::int AS failed, (count(*) FILTER (WHERE f.again))::int AS retrying
              FROM failed f GROUP BY 1) c
        WHERE t.task_uuid = c.task_uuid),
    log AS (
        INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
        SELECT f.task_uuid, f.step_uuid, ARRAY['enqueued_as_error_for_orchestration', f.new_state], f.attempts, f.claim_no, p_actor, f.error_type, v_now
        FROM failed f)
    SELECT (SELECT min(t.retry_at) - v_now FROM timers t), (SELECT array_agg(DISTINCT f.task_uuid) FROM failed f),
           (SELECT array_agg(f.step_uuid) FROM failed f WHERE f.new_state = 'complete')
    INTO next_in, v_failed_tasks, v_absorbed;
    PERFORM tasker.finish_steps(v_absorbed, v_now, p_actor);
    enqueued := tasker.carry_out_outcomes(v_steps, v_now, p_actor) OR v_absorbed IS NOT NULL;
    IF EXISTS (SELECT FROM tasker.ready_steps r WHERE r.task_uuid = ANY (v_tasks) AND r.held) THEN
        PERFORM tasker.limit_batches(v_tasks);
        enqueued := true;
    END IF;
    PERFORM tasker.settle_tasks(v_tasks, v_now, p_actor, NULL);
    PERFORM tasker.look_again(v_failed_tasks);
END
$$;
