-- Moves tasks to the state that their steps ask for, after something other than a plain success happened to them.
-- The caller holds the locks of the tasks and of their running steps, so that no result slips by unseen. A task that has ended stays as
-- it is; an operator's function that lets it go on takes its end (completed_at) away before. A task that comes to rest becomes a dead
-- letter, one that goes on from there, or is complete, is none any more.
CREATE OR REPLACE FUNCTION tasker.settle_tasks(p_tasks uuid[], p_now timestamptz, p_actor text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_blocked uuid[];
    v_resumed uuid[];
    v_reopened uuid[];
    v_complete uuid[];
BEGIN
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
        WHERE t.task_uuid = ANY (p_tasks) AND t.completed_at IS NULL),
    moved AS (
        UPDATE tasker.tasks t
        SET state = w.new, updated_at = p_now,
            completed_at = CASE WHEN w.new = 'complete' THEN p_now END,
            final_state = CASE WHEN w.new = 'complete' THEN w.new END
        FROM wanted w
        WHERE t.task_uuid = w.task_uuid AND w.new <> w.old),
    log AS (
        INSERT INTO tasker.transitions (task_uuid, task_path, actor, reason, at)
        SELECT w.task_uuid,
               CASE WHEN w.new = 'steps_in_process' THEN ARRAY[w.old, 'enqueuing_steps', w.new]
                    WHEN w.old = 'error' THEN ARRAY[w.old, 'enqueuing_steps', 'steps_in_process', 'evaluating_results', w.new]
                    ELSE ARRAY[w.old, 'evaluating_results', w.new] END::tasker.task_state[],
               p_actor, p_reason, p_now
        FROM wanted w
        WHERE w.new <> w.old)
    SELECT array_agg(w.task_uuid) FILTER (WHERE w.new = 'blocked_by_failures'),
           array_agg(w.task_uuid) FILTER (WHERE w.old IN ('blocked_by_failures', 'error') AND w.new NOT IN ('blocked_by_failures', 'complete')),
           array_agg(w.task_uuid) FILTER (WHERE w.old = 'error' AND w.new = 'blocked_by_failures'),
           array_agg(w.task_uuid) FILTER (WHERE w.new = 'complete')
    INTO v_blocked, v_resumed, v_reopened, v_complete
    FROM wanted w
    WHERE w.new <> w.old;
    IF v_resumed IS NOT NULL OR v_complete IS NOT NULL THEN
        PERFORM tasker.close_dead_letters(v_complete, 'manually_resolved', p_actor, 'the task is complete', p_now);
        PERFORM tasker.close_dead_letters(v_resumed, 'manually_resolved', p_actor, coalesce(p_reason, 'the task goes on'), p_now);
        PERFORM tasker.restart_limits(v_resumed, p_now);
    END IF;
    IF v_reopened IS NOT NULL THEN
        PERFORM tasker.restart_limits(v_reopened, p_now);
    END IF;
    IF v_blocked IS NOT NULL THEN
        PERFORM tasker.bury_tasks(v_blocked, array_fill('blocked_by_failures'::tasker.task_state, ARRAY[cardinality(v_blocked)]),
                                        NULL, NULL, NULL, p_now);
        PERFORM tasker.announce('task.failed', v_blocked, p_now);
    END IF;
END
$$;
