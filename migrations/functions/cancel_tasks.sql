-- Cancels tasks and every step of theirs that has not ended. Answers one row a task: the state that it was in.
-- A task that has ended is left as it is.
CREATE OR REPLACE FUNCTION tasker.cancel_tasks(p_tasks uuid[], p_actor text, p_reason text)
RETURNS TABLE (task_uuid uuid, old_state tasker.task_state, cancelled boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := tasker.now();
    v_live uuid[];
    v_steps uuid[];
BEGIN
    PERFORM tasker.lock_whole_tasks(p_tasks);
    SELECT array_agg(t.task_uuid) INTO v_live
    FROM tasker.tasks t
    WHERE t.task_uuid = ANY (p_tasks) AND t.state NOT IN ('complete', 'error', 'cancelled', 'resolved_manually');
    RETURN QUERY SELECT t.task_uuid, t.state, t.task_uuid = ANY (v_live) IS TRUE FROM tasker.tasks t WHERE t.task_uuid = ANY (p_tasks);
    IF v_live IS NULL THEN
        RETURN;
    END IF;
    WITH old AS MATERIALIZED (
        SELECT s.step_uuid, s.task_uuid, s.state, s.attempts, s.claim_no
        FROM tasker.steps s
        WHERE s.task_uuid = ANY (v_live) AND s.state NOT IN ('complete', 'cancelled', 'resolved_manually')),
    moved AS (
        UPDATE tasker.steps s SET state = 'cancelled', retry_at = NULL, completed_at = v_now, updated_at = v_now
        FROM old WHERE s.step_uuid = old.step_uuid),
    step_log AS (
        INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
        SELECT old.task_uuid, old.step_uuid, ARRAY[old.state, 'cancelled'], old.attempts, old.claim_no, p_actor, p_reason, v_now FROM old),
    old_tasks AS MATERIALIZED (SELECT t.task_uuid, t.state FROM tasker.tasks t WHERE t.task_uuid = ANY (v_live)),
    tasks AS (
        UPDATE tasker.tasks t
        SET state = 'cancelled', final_state = 'cancelled', completed_at = v_now, updated_at = v_now, failed_steps = 0, retrying_steps = 0
        FROM old_tasks o WHERE t.task_uuid = o.task_uuid)
    INSERT INTO tasker.transitions (task_uuid, task_path, actor, reason, at)
    SELECT o.task_uuid, ARRAY[o.state, 'cancelled'], p_actor, p_reason, v_now FROM old_tasks o;
    v_steps := ARRAY (SELECT s.step_uuid FROM tasker.steps s WHERE s.task_uuid = ANY (v_live));
    DELETE FROM tasker.leases l WHERE l.step_uuid = ANY (v_steps);
    DELETE FROM tasker.step_retries r WHERE r.step_uuid = ANY (v_steps);
    PERFORM tasker.unqueue_steps(v_steps);
    PERFORM tasker.close_dead_letters(v_live, 'cancelled', p_actor, p_reason, v_now);
END
$$;
