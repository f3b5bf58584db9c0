-- Successes that ask for more than their own completion: decisions and analyzers create their steps and complete. An outcome that is wrong
-- ends its step in error rather than letting the task go on without it. Returns whether steps were enqueued.
CREATE OR REPLACE FUNCTION tasker.carry_out_outcomes(p_steps uuid[], p_now timestamptz, p_actor text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_one record;
    v_problem text;
    v_done uuid[] := '{}';
    v_failed uuid[] := '{}';
    v_messages text[] := '{}';
BEGIN
    FOR v_one IN
        SELECT s.step_uuid, ts.step_type
        FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
        WHERE s.step_uuid = ANY (p_steps) AND s.state = 'enqueued_for_orchestration'
        ORDER BY s.step_uuid
    LOOP
        v_problem := CASE v_one.step_type
            WHEN 'decision' THEN tasker.carry_out_decision(v_one.step_uuid, p_now, p_actor)
            ELSE tasker.carry_out_batch(v_one.step_uuid, p_now, p_actor) END;
        IF v_problem IS NULL THEN
            v_done := v_done || v_one.step_uuid;
        ELSE
            v_failed := v_failed || v_one.step_uuid;
            v_messages := v_messages || v_problem;
        END IF;
    END LOOP;
    -- Their events wait for this: of an outcome that is wrong nothing is published.
    IF EXISTS (SELECT FROM tasker.domain_events e WHERE e.step_uuid = ANY (v_done || v_failed) AND NOT e.ready) THEN
        DELETE FROM tasker.domain_events e WHERE e.step_uuid = ANY (v_failed) AND NOT e.ready;
        UPDATE tasker.domain_events e SET ready = true
        FROM tasker.steps s
        WHERE s.step_uuid = ANY (v_done) AND e.step_uuid = s.step_uuid AND e.claim_no = s.claim_no AND NOT e.ready;
    END IF;
    PERFORM tasker.fail_steps(v_failed, v_messages, 'enqueued_for_orchestration', 'invalid_outcome', p_now, p_actor);
    WITH done AS (
        UPDATE tasker.steps s
        SET state = 'complete', completed_at = p_now, updated_at = p_now
        WHERE s.step_uuid = ANY (v_done)
        RETURNING s.step_uuid, s.task_uuid, s.attempts, s.claim_no)
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, at)
    SELECT d.task_uuid, d.step_uuid, '{enqueued_for_orchestration,complete}', d.attempts, d.claim_no, p_actor, p_now FROM done d;
    PERFORM tasker.finish_steps(v_done, p_now, p_actor);
    PERFORM tasker.limit_batches(ARRAY (SELECT s.task_uuid FROM tasker.steps s WHERE s.step_uuid = ANY (v_done)));
    RETURN v_done <> '{}';
END
$$;
