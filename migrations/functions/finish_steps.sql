-- Steps that the caller has just moved to complete or resolved_manually let their children go on: counts down, enqueues
-- what became ready, counts the tasks' sinks down. The caller holds the locks (lock_for_settling) and settles the tasks after.
CREATE OR REPLACE FUNCTION tasker.finish_steps(p_steps uuid[], p_now timestamptz, p_actor text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_freed uuid[];
BEGIN
    WITH counted AS (
        SELECT child, count(*)::int AS n
        FROM tasker.steps s, unnest(s.children) AS child
        WHERE s.step_uuid = ANY (p_steps)
        GROUP BY child),
    children AS (
        UPDATE tasker.steps c
        SET remaining_parents = c.remaining_parents - counted.n,
            state = CASE WHEN c.state = 'pending' AND c.remaining_parents = counted.n THEN 'enqueued' ELSE c.state END,
            updated_at = p_now
        FROM counted
        WHERE c.step_uuid = counted.child
        RETURNING c.step_uuid, c.task_uuid, c.state, c.remaining_parents),
    freed AS (
        SELECT c.step_uuid, c.task_uuid FROM children c WHERE c.state = 'enqueued' AND c.remaining_parents = 0),
    step_log AS (
        INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, actor, at)
        SELECT f.task_uuid, f.step_uuid, '{pending,enqueued}', p_actor, p_now FROM freed f),
    task_log AS (
        INSERT INTO tasker.transitions (task_uuid, task_path, actor, at)
        SELECT DISTINCT t.task_uuid, '{steps_in_process,evaluating_results,enqueuing_steps,steps_in_process}'::tasker.task_state[], p_actor, p_now
        FROM freed f JOIN tasker.tasks t USING (task_uuid)
        WHERE t.state = 'steps_in_process')
    SELECT array_agg(f.step_uuid) INTO v_freed FROM freed f;
    UPDATE tasker.tasks t
    SET remaining_sinks = t.remaining_sinks - sinks.n, updated_at = p_now
    FROM (SELECT s.task_uuid, count(*)::int AS n FROM tasker.steps s
          WHERE s.step_uuid = ANY (p_steps) AND s.children = '{}' GROUP BY 1) sinks
    WHERE t.task_uuid = sinks.task_uuid;
    PERFORM tasker.enqueue_steps(v_freed, p_now);
END
$$;
