-- Locks all steps of tasks, then the tasks, in the order that everybody keeps. While it waits, an engine may have created steps:
-- those are locked as well, until there are no more.
CREATE OR REPLACE FUNCTION tasker.lock_whole_tasks(p_tasks uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_before int := -1;
    v_locked int;
BEGIN
    LOOP
        PERFORM FROM tasker.steps s WHERE s.task_uuid = ANY (p_tasks) ORDER BY s.step_uuid FOR NO KEY UPDATE;
        GET DIAGNOSTICS v_locked = ROW_COUNT;
        EXIT WHEN v_locked = v_before;
        v_before := v_locked;
    END LOOP;
    PERFORM FROM tasker.tasks t WHERE t.task_uuid = ANY (p_tasks) ORDER BY t.task_uuid FOR NO KEY UPDATE;
END
$$;
