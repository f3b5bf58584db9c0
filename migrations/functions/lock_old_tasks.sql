-- Locks old tasks with all of their steps, in the order that everybody keeps, and returns them. Looks at most at p_limit tasks whose uuids
-- are above p_after and below p_before, oldest first, and takes no more when they have p_steps steps together; looked_to is the last one
-- that was looked at, NULL when there was none. A task that an operator took up again meanwhile is not among those returned.
CREATE OR REPLACE FUNCTION tasker.lock_old_tasks(
    p_after uuid, p_before uuid, p_done timestamptz, p_failed timestamptz, p_limit int, p_steps int, OUT looked_to uuid, OUT tasks uuid[])
LANGUAGE plpgsql AS $$
BEGIN
    SELECT (array_agg(c.task_uuid ORDER BY c.task_uuid DESC))[1], array_agg(c.task_uuid ORDER BY c.task_uuid) FILTER (WHERE c.old)
    INTO looked_to, tasks
    FROM (SELECT l.task_uuid, l.old,
                 sum(CASE WHEN l.old THEN l.total_steps ELSE 0 END)
                     OVER (ORDER BY l.task_uuid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS steps_before
          FROM (SELECT t.task_uuid, t.total_steps,
                       tasker.is_old(t.completed_at, t.final_state, p_done, p_failed)
                       AND NOT EXISTS (SELECT FROM tasker.tasks_dlq d
                                       WHERE d.task_uuid = t.task_uuid AND d.resolution_status = 'pending') AS old
                FROM tasker.tasks t WHERE t.task_uuid > p_after AND t.task_uuid < p_before
                ORDER BY t.task_uuid LIMIT p_limit) l) c
    WHERE coalesce(c.steps_before, 0) < p_steps;
    PERFORM tasker.lock_whole_tasks(tasks);
    SELECT coalesce(array_agg(t.task_uuid), '{}') INTO tasks
    FROM tasker.tasks t
    WHERE t.task_uuid = ANY (tasks) AND tasker.is_old(t.completed_at, t.final_state, p_done, p_failed)
      AND NOT EXISTS (SELECT FROM tasker.tasks_dlq d WHERE d.task_uuid = t.task_uuid AND d.resolution_status = 'pending');
END
$$;
