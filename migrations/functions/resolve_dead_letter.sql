-- Closes a dead letter and does to its task what the operator decided (p_action): retry resets the failed steps, and the task goes on;
-- resolve ends a task that rests (blocked_by_failures, error) as resolved_manually; fail ends it in error; cancel cancels it; none leaves it.
-- outcome: done, closed (it was closed before), nothing_failed (retry: no step is in error or waits for a retry), busy (an engine is about to
-- look at a result of the task: try again), missing. Nothing changes unless it is done.
CREATE OR REPLACE FUNCTION tasker.resolve_dead_letter(
    p_entry uuid, p_status tasker.dlq_resolution_status, p_action text, p_actor text, p_reason text) RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_uuid uuid;
    v_task tasker.tasks;
    v_entry tasker.tasks_dlq;
    v_failed uuid[];
BEGIN
    SELECT d.task_uuid INTO v_uuid FROM tasker.tasks_dlq d WHERE d.dlq_entry_uuid = p_entry;
    IF v_uuid IS NULL THEN
        RETURN 'missing';
    END IF;
    PERFORM tasker.lock_whole_tasks(ARRAY[v_uuid]);
    SELECT * INTO v_task FROM tasker.tasks t WHERE t.task_uuid = v_uuid;
    SELECT * INTO v_entry FROM tasker.tasks_dlq d WHERE d.dlq_entry_uuid = p_entry FOR UPDATE;
    IF v_entry.resolution_status <> 'pending' THEN
        RETURN 'closed';
    ELSIF p_action = 'retry' THEN
        v_failed := ARRAY (SELECT s.step_uuid FROM tasker.steps s
                           WHERE s.task_uuid = v_uuid AND s.state IN ('error', 'waiting_for_retry'));
        IF v_failed = '{}' THEN
            RETURN 'nothing_failed';
        END IF;
        PERFORM tasker.reset_steps(v_failed, p_actor, p_reason);
    ELSIF p_action = 'resolve' AND v_task.state IN ('blocked_by_failures', 'error') THEN
        PERFORM tasker.resolve_task(v_task, v_now, p_actor, p_reason);
    ELSIF p_action = 'fail' AND v_task.completed_at IS NULL THEN
        IF EXISTS (SELECT FROM tasker.unprocessed_results u WHERE u.task_uuid = v_uuid) THEN
            RETURN 'busy';
        END IF;
        PERFORM tasker.give_up_tasks(ARRAY[v_uuid], 'given_up', format('%s gave the task up: %s', p_actor, p_reason), v_now, p_actor, p_reason);
    ELSIF p_action = 'cancel' THEN
        PERFORM tasker.cancel_tasks(ARRAY[v_uuid], p_actor, p_reason);
    END IF;
    UPDATE tasker.tasks_dlq d
    SET resolution_status = p_status, resolution_timestamp = v_now, resolved_by = p_actor, updated_at = v_now
    WHERE d.dlq_entry_uuid = p_entry;
    -- A task that goes on as it was gets its limits anew: whoever cared for it has let it.
    IF p_action IN ('none', 'resolve') THEN
        PERFORM tasker.restart_limits(ARRAY (SELECT t.task_uuid FROM tasker.tasks t WHERE t.task_uuid = v_uuid AND t.completed_at IS NULL), v_now);
    END IF;
    RETURN 'done';
END
$$;
