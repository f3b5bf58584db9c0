-- Takes steps out of their tasks whose decision or analyzer runs again. To the log they are cancelled. The caller holds the locks of all
-- steps of the tasks, has the steps out of every queue, and counts the tasks' steps afterwards.
CREATE OR REPLACE FUNCTION tasker.supersede_steps(p_steps uuid[], p_now timestamptz, p_actor text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(cardinality(p_steps), 0) = 0 THEN
        RETURN;
    END IF;
    INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, attempt, claim_no, actor, reason, at)
    SELECT s.task_uuid, s.step_uuid,
           CASE WHEN s.state IN ('complete', 'resolved_manually') THEN ARRAY[s.state, 'pending', 'cancelled']
                ELSE ARRAY[s.state, 'cancelled'] END::tasker.step_state[],
           s.attempts, s.claim_no, p_actor, p_reason, p_now
    FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps);
    UPDATE tasker.steps p
    SET children = ARRAY (SELECT c FROM unnest(p.children) AS c WHERE c NOT IN (SELECT unnest(p_steps))), updated_at = p_now
    WHERE p.step_uuid IN (SELECT unnest(s.parents) FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps))
      AND p.step_uuid NOT IN (SELECT unnest(p_steps));
    WITH gone AS (
        DELETE FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps)
        RETURNING s.step_uuid, s.task_uuid, s.template_step_id, s.name, s.state)
    INSERT INTO tasker.superseded_steps (step_uuid, task_uuid, template_step_id, name, old_state, superseded_at)
    SELECT g.*, p_now FROM gone g;
END
$$;
