-- An operator's retry of steps, done ones too, with all that comes after them: rerun_plan says what that is, and is what is answered.
-- Attempts begin at zero. Workers that run one of the steps lose their leases, and their results are refused. A checkpoint is kept
-- (p_keep_checkpoint) where the step had not done its work and its parents do not run again. Tasks that had ended live again.
CREATE OR REPLACE FUNCTION tasker.rerun_steps(p_steps uuid[], p_keep_checkpoint boolean, p_actor text, p_reason text)
RETURNS TABLE (task_uuid uuid, step_uuid uuid, name text, old_state tasker.step_state, effect text, chosen boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz;
    v_tasks uuid[];
    v_all uuid[];
    v_superseded uuid[];
    -- Those that stay, in parallel.
    v_steps uuid[];
    v_open int[];
    v_kept boolean[];
BEGIN
    PERFORM tasker.lock_whole_tasks(ARRAY (SELECT DISTINCT s.task_uuid FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps)));
    v_now := tasker.now();
    RETURN QUERY SELECT p.task_uuid, p.step_uuid, p.name, p.old_state, p.effect, p.chosen FROM tasker.rerun_plan(p_steps) p;
    SELECT array_agg(DISTINCT p.task_uuid), array_agg(p.step_uuid),
           array_agg(p.step_uuid) FILTER (WHERE p.effect = 'superseded'),
           array_agg(p.step_uuid) FILTER (WHERE p.effect <> 'superseded'),
           array_agg(p.open_parents) FILTER (WHERE p.effect <> 'superseded'),
           array_agg(p_keep_checkpoint AND p.chosen AND p.old_state IN ('error', 'waiting_for_retry') AND p.open_parents = 0)
               FILTER (WHERE p.effect <> 'superseded')
    INTO v_tasks, v_all, v_superseded, v_steps, v_open, v_kept
    FROM tasker.rerun_plan(p_steps) p;
    IF v_all IS NULL THEN
        RETURN;
    END IF;
    PERFORM tasker.unqueue_steps(v_all);
    DELETE FROM tasker.leases l WHERE l.step_uuid = ANY (v_all);
    DELETE FROM tasker.step_retries r WHERE r.step_uuid = ANY (v_all);
    PERFORM tasker.supersede_steps(v_superseded, v_now, p_actor, p_reason);
    WITH old AS MATERIALIZED (
        SELECT s.step_uuid, s.task_uuid, s.state, s.claim_no, p.open, p.kept
        FROM unnest(v_steps, v_open, v_kept) AS p(step_uuid, open, kept) JOIN tasker.steps s USING (step_uuid)),
    moved AS (
        UPDATE tasker.steps s
        SET state = CASE WHEN o.open = 0 THEN 'enqueued' ELSE 'pending' END::tasker.step_state,
            -- The result of before is the step's result no more, and what a worker still does is refused.
            claim_no = s.claim_no + (o.state NOT IN ('pending', 'enqueued'))::int,
            remaining_parents = o.open, attempts = 0, checkpoint = CASE WHEN o.kept THEN s.checkpoint END,
            retry_at = NULL, completed_at = NULL, updated_at = v_now
        FROM old o
        WHERE s.step_uuid = o.step_uuid
        RETURNING s.step_uuid, s.claim_no)
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
    SELECT o.task_uuid, o.step_uuid,
           CASE WHEN o.state IN ('complete', 'resolved_manually', 'error', 'waiting_for_retry') THEN ARRAY[o.state, 'pending']
                ELSE ARRAY[o.state, 'waiting_for_retry', 'pending'] END::tasker.step_state[]
           || CASE WHEN o.open = 0 THEN '{enqueued}'::tasker.step_state[] ELSE '{}' END,
           0, m.claim_no, p_actor, p_reason, v_now
    FROM old o JOIN moved m USING (step_uuid)
    WHERE o.state <> CASE WHEN o.open = 0 THEN 'enqueued' ELSE 'pending' END::tasker.step_state;
    PERFORM tasker.enqueue_steps(ARRAY (SELECT p.step_uuid FROM unnest(v_steps, v_open) AS p(step_uuid, open) WHERE p.open = 0), v_now);
    PERFORM tasker.revive_tasks(v_tasks, v_now, p_actor, p_reason);
    PERFORM tasker.limit_batches(v_tasks);
    PERFORM tasker.settle_tasks(v_tasks, v_now, p_actor, p_reason);
END
$$;
