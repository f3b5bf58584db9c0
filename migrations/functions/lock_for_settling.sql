-- Takes the locks that a change of some steps and the settling of their tasks need, in the one order that everybody keeps:
-- the steps, their children and the tasks' running steps by uuid, then the tasks by uuid. Where one of the steps waits for its outcome
-- to be carried out, all steps of its task that have not ended: any may get new children. Returns the tasks.
CREATE OR REPLACE FUNCTION tasker.lock_for_settling(p_steps uuid[]) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    v_tasks uuid[];
    v_steps uuid[];
BEGIN
    SELECT array_agg(DISTINCT s.task_uuid) INTO v_tasks FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps);
    SELECT array_agg(u ORDER BY u) INTO v_steps
    FROM (SELECT unnest(p_steps) AS u
          UNION
          SELECT unnest(s.children) FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps)
          UNION
          SELECT s.step_uuid FROM tasker.steps s WHERE s.task_uuid = ANY (v_tasks) AND s.state = 'in_progress'
          UNION
          SELECT s.step_uuid FROM tasker.steps s
          WHERE s.state NOT IN ('complete', 'resolved_manually', 'cancelled')
            AND s.task_uuid IN (SELECT w.task_uuid FROM tasker.steps w
                                WHERE w.step_uuid = ANY (p_steps) AND w.state = 'enqueued_for_orchestration')) involved;
    PERFORM FROM tasker.steps s WHERE s.step_uuid = ANY (v_steps) ORDER BY s.step_uuid FOR NO KEY UPDATE;
    PERFORM FROM tasker.tasks t WHERE t.task_uuid = ANY (v_tasks) ORDER BY t.task_uuid FOR NO KEY UPDATE;
    RETURN v_tasks;
END
$$;
