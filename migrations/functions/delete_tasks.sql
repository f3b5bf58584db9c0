-- Removes tasks and all that belongs to them; the caller holds their locks. Without p_history their transitions, attempts and logs stay
-- for now: they leave with their partition.
CREATE OR REPLACE FUNCTION tasker.delete_tasks(p_tasks uuid[], p_history boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tasker.step_edits e
    USING (SELECT s.step_uuid FROM tasker.steps s WHERE s.task_uuid = ANY (p_tasks)
           UNION ALL
           SELECT x.step_uuid FROM tasker.superseded_steps x WHERE x.task_uuid = ANY (p_tasks)) mine
    WHERE e.step_uuid = mine.step_uuid;
    DELETE FROM tasker.superseded_steps WHERE task_uuid = ANY (p_tasks);
    DELETE FROM tasker.forks WHERE task_uuid = ANY (p_tasks);
    DELETE FROM tasker.pauses WHERE task_uuid = ANY (p_tasks);
    DELETE FROM tasker.tasks_dlq WHERE task_uuid = ANY (p_tasks);
    DELETE FROM tasker.task_limits WHERE task_uuid = ANY (p_tasks);
    DELETE FROM tasker.task_identities WHERE task_uuid = ANY (p_tasks);
    IF p_history THEN
        DELETE FROM tasker.step_logs WHERE task_uuid = ANY (p_tasks);
        DELETE FROM tasker.step_attempts WHERE task_uuid = ANY (p_tasks);
        DELETE FROM tasker.transitions WHERE task_uuid = ANY (p_tasks);
    END IF;
    DELETE FROM tasker.steps WHERE task_uuid = ANY (p_tasks);
    DELETE FROM tasker.tasks WHERE task_uuid = ANY (p_tasks);
    UPDATE tasker.retention_totals SET tasks = tasks + cardinality(p_tasks);
END
$$;
