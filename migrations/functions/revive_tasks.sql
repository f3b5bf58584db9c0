-- Counts the steps of tasks anew after some of them went back, and lets tasks that had ended go on. The caller holds the locks of the
-- tasks and of all their steps, and settles them afterwards.
CREATE OR REPLACE FUNCTION tasker.revive_tasks(p_tasks uuid[], p_now timestamptz, p_actor text, p_reason text) RETURNS void
LANGUAGE sql AS $$
    SELECT tasker.restart_limits(ARRAY (SELECT t.task_uuid FROM tasker.tasks t WHERE t.task_uuid = ANY (p_tasks) AND t.completed_at IS NOT NULL), p_now);
    SELECT tasker.close_dead_letters(ARRAY (SELECT t.task_uuid FROM tasker.tasks t WHERE t.task_uuid = ANY (p_tasks) AND t.completed_at IS NOT NULL),
                                     'manually_resolved', p_actor, p_reason, p_now);
    WITH old AS MATERIALIZED (
        SELECT t.task_uuid, t.state, t.completed_at IS NOT NULL AS ended FROM tasker.tasks t WHERE t.task_uuid = ANY (p_tasks)),
    counted AS (
        SELECT s.task_uuid, count(*)::int AS total,
               (count(*) FILTER (WHERE s.children = '{}' AND s.state NOT IN ('complete', 'resolved_manually')))::int AS sinks,
               (count(*) FILTER (WHERE s.state = 'error'))::int AS failed,
               (count(*) FILTER (WHERE s.state = 'waiting_for_retry'))::int AS retrying
        FROM tasker.steps s WHERE s.task_uuid = ANY (p_tasks) GROUP BY 1),
    moved AS (
        UPDATE tasker.tasks t
        SET state = CASE WHEN o.ended THEN 'steps_in_process' ELSE t.state END, completed_at = NULL, final_state = NULL, updated_at = p_now,
            total_steps = c.total, remaining_sinks = c.sinks, failed_steps = c.failed, retrying_steps = c.retrying
        FROM old o JOIN counted c USING (task_uuid)
        WHERE t.task_uuid = o.task_uuid)
    INSERT INTO tasker.transitions (task_uuid, task_path, actor, reason, at)
    SELECT o.task_uuid,
           ARRAY[o.state] || CASE o.state WHEN 'error' THEN '{enqueuing_steps,steps_in_process}'
                                          ELSE '{pending,initializing,enqueuing_steps,steps_in_process}' END::tasker.task_state[],
           p_actor, p_reason, p_now
    FROM old o WHERE o.ended
$$;
