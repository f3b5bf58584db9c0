-- Moves tasks to the state that their steps ask for, after something other than a plain success happened to them.
-- The caller holds the locks of the tasks and of their running steps, so that no result slips by unseen.
CREATE OR REPLACE FUNCTION tasker.settle_tasks(p_tasks uuid[], p_now timestamptz, p_actor text, p_reason text) RETURNS void
LANGUAGE sql AS $$
    WITH wanted AS MATERIALIZED (
        SELECT t.task_uuid, t.state AS old,
               CASE WHEN t.remaining_sinks = 0 AND NOT (t.ended_by_hand AND EXISTS (
                             SELECT FROM tasker.steps s WHERE s.task_uuid = t.task_uuid AND s.state NOT IN ('complete', 'resolved_manually')))
                    THEN 'complete'
                    WHEN EXISTS (SELECT FROM tasker.steps s
                                 WHERE s.task_uuid = t.task_uuid
                                   AND s.state IN ('enqueued', 'in_progress', 'enqueued_for_orchestration',
                                                   'enqueued_as_error_for_orchestration')
                                   -- The rest of a batch that has failed waits for the operator, like its task.
                                   AND NOT EXISTS (SELECT FROM tasker.ready_steps r
                                                   WHERE s.state = 'enqueued' AND r.step_uuid = s.step_uuid AND r.holds & 16 <> 0))
                    THEN 'steps_in_process'
                    WHEN t.retrying_steps > 0 THEN 'waiting_for_retry'
                    WHEN t.failed_steps > 0 THEN 'blocked_by_failures'
                    ELSE 'waiting_for_dependencies' END::tasker.task_state AS new
        FROM tasker.tasks t
        WHERE t.task_uuid = ANY (p_tasks) AND t.state NOT IN ('complete', 'cancelled', 'resolved_manually')),
    moved AS (
        UPDATE tasker.tasks t
        SET state = w.new, updated_at = p_now,
            completed_at = CASE WHEN w.new = 'complete' THEN p_now END,
            final_state = CASE WHEN w.new = 'complete' THEN w.new END
        FROM wanted w
        WHERE t.task_uuid = w.task_uuid AND w.new <> w.old)
    INSERT INTO tasker.transitions (task_uuid, task_path, actor, reason, at)
    SELECT w.task_uuid,
           ARRAY[w.old, CASE WHEN w.new = 'steps_in_process' THEN 'enqueuing_steps' ELSE 'evaluating_results' END::tasker.task_state, w.new],
           p_actor, p_reason, p_now
    FROM wanted w
    WHERE w.new <> w.old
$$;
