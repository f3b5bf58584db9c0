-- An operator ends a step: as complete (p_complete), or as resolved_manually; with a result or without one (NULL). Its children and
-- its task go on. A worker that runs it loses its lease. A decision or an analyzer brings its steps into being as its result says, without
-- one none; a result that asks for what can't be raises TK001. Answers the state that the step was in (NULL: no such step) and whether it was ended.
CREATE OR REPLACE FUNCTION tasker.end_step_by_hand(
    p_task uuid, p_step uuid, p_complete boolean, p_result jsonb, p_details jsonb, p_actor text, p_reason text,
    OUT old_state tasker.step_state, OUT done boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_tasks uuid[];
    v_step tasker.steps;
    v_type text;
    v_problem text;
    v_new tasker.step_state := CASE WHEN p_complete THEN 'complete' ELSE 'resolved_manually' END;
BEGIN
    done := false;
    SELECT ts.step_type INTO v_type
    FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id) WHERE s.step_uuid = p_step;
    IF v_type IN ('decision', 'batchable') THEN
        -- Any step may get new children.
        PERFORM FROM tasker.steps s WHERE s.task_uuid = p_task ORDER BY s.step_uuid FOR NO KEY UPDATE;
        p_result := coalesce(p_result, CASE v_type WHEN 'decision' THEN '{"decision_point_outcome": {"type": "no_branches"}}'::jsonb
                                                   ELSE '{"batch_processing_outcome": {"type": "no_batches"}}' END);
    END IF;
    v_tasks := tasker.lock_for_settling(ARRAY[p_step]);
    SELECT * INTO v_step FROM tasker.steps s WHERE s.step_uuid = p_step AND s.task_uuid = p_task;
    old_state := v_step.state;
    IF v_step.state IS NULL OR v_step.state IN ('complete', 'cancelled', 'resolved_manually')
       OR EXISTS (SELECT FROM tasker.tasks t WHERE t.task_uuid = p_task AND t.state IN ('complete', 'cancelled', 'resolved_manually')) THEN
        RETURN;
    END IF;
    done := true;
    PERFORM tasker.unqueue_steps(ARRAY[p_step]);
    DELETE FROM tasker.leases l WHERE l.step_uuid = p_step;
    DELETE FROM tasker.step_retries r WHERE r.step_uuid = p_step;
    INSERT INTO tasker.step_attempts (task_uuid, step_uuid, claim_no, attempt, success, result, details, recorded_at)
    VALUES (p_task, p_step, v_step.claim_no + 1, v_step.attempts, true, p_result, p_details, v_now);
    UPDATE tasker.steps s SET claim_no = s.claim_no + 1 WHERE s.step_uuid = p_step;
    IF v_type IN ('decision', 'batchable') THEN
        v_problem := CASE v_type WHEN 'decision' THEN tasker.carry_out_decision(p_step, v_now, p_actor)
                                 ELSE tasker.carry_out_batch(p_step, v_now, p_actor) END;
        IF v_problem IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'TK001', MESSAGE = v_problem;
        END IF;
    END IF;
    UPDATE tasker.steps s
    SET state = v_new, retry_at = NULL, completed_at = v_now, updated_at = v_now
    WHERE s.step_uuid = p_step;
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
    VALUES (p_task, p_step, ARRAY[v_step.state, v_new], v_step.attempts, v_step.claim_no + 1, p_actor, p_reason, v_now);
    UPDATE tasker.tasks t
    SET failed_steps = t.failed_steps - (v_step.state = 'error')::int,
        retrying_steps = t.retrying_steps - (v_step.state = 'waiting_for_retry')::int, updated_at = v_now,
        completed_at = NULL, final_state = NULL, ended_by_hand = t.ended_by_hand OR v_step.remaining_parents > 0
    WHERE t.task_uuid = p_task;
    PERFORM tasker.finish_steps(ARRAY[p_step], v_now, p_actor);
    PERFORM tasker.limit_batches(v_tasks);
    PERFORM tasker.settle_tasks(v_tasks, v_now, p_actor, p_reason);
END
$$;
