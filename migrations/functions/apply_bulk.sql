-- Does the verb of a bulk operation on some of its items, given by their numbers. Answers one row an item: whether it was done, and
-- if not why. What is no longer in the state that the verb acts on is left as it is. The verbs take the locks, in their order; one that
-- takes a single step (see bulk_batch) is given one item a transaction.
CREATE OR REPLACE FUNCTION tasker.apply_bulk(p_operation tasker.bulk_operations, p_numbers int[])
RETURNS TABLE (number int, done boolean, message text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_reason text := format('%s (bulk operation %s)', p_operation.reason, p_operation.bulk_uuid);
    v_wanted uuid[];
    v_done uuid[];
    v_old tasker.step_state;
    v_ended boolean;
BEGIN
    SELECT array_agg(coalesce(i.step_uuid, i.task_uuid)) INTO v_wanted
    FROM unnest(p_numbers) AS n(number)
    CROSS JOIN LATERAL (SELECT * FROM tasker.bulk_items b WHERE b.bulk_uuid = p_operation.bulk_uuid AND b.number = n.number LIMIT 1) i
    LEFT JOIN tasker.steps s ON s.step_uuid = i.step_uuid
    WHERE i.step_uuid IS NULL OR s.state = ANY (p_operation.step_states)
          -- A step after another selected one has run again with it, and is in the same state as before.
          AND (p_operation.verb <> 'retry_downstream'
               OR coalesce(s.completed_at, s.last_failure_at, '-infinity') <= p_operation.created_at);
    IF v_wanted IS NOT NULL THEN
        CASE p_operation.verb
        WHEN 'retry' THEN
            v_done := ARRAY (SELECT r.step_uuid FROM tasker.reset_steps(v_wanted, p_operation.actor, v_reason) r WHERE r.done);
        WHEN 'retry_downstream' THEN
            v_done := ARRAY (SELECT r.step_uuid FROM tasker.rerun_steps(v_wanted, false, p_operation.actor, v_reason) r WHERE r.chosen);
        WHEN 'retry_task' THEN
            v_done := ARRAY (SELECT DISTINCT r.task_uuid FROM tasker.retry_tasks(v_wanted, p_operation.actor, v_reason) r);
        WHEN 'cancel' THEN
            v_done := ARRAY (SELECT c.task_uuid FROM tasker.cancel_tasks(v_wanted, p_operation.actor, v_reason) c WHERE c.cancelled);
        WHEN 'pause' THEN
            v_done := ARRAY (SELECT tasker.pause_tasks(v_wanted, p_operation.actor, v_reason));
        WHEN 'resume' THEN
            v_done := ARRAY (SELECT tasker.resume_tasks(v_wanted));
        WHEN 'skip', 'resolve', 'complete' THEN
            SELECT e.old_state, e.done INTO v_old, v_ended
            FROM tasker.steps s
            CROSS JOIN LATERAL tasker.end_step_by_hand(s.task_uuid, s.step_uuid, p_operation.verb = 'complete', p_operation.result,
                                                       NULL, p_operation.actor, v_reason) e
            WHERE s.step_uuid = v_wanted[1];
            IF v_ended AND v_old <> ALL (p_operation.step_states) THEN
                RAISE EXCEPTION USING ERRCODE = 'TK002', MESSAGE = 'the step is ' || v_old;  -- it went on before it was locked
            END IF;
            v_done := CASE WHEN v_ended THEN v_wanted END;
        END CASE;
    END IF;
    RETURN QUERY
    SELECT i.number, coalesce(i.step_uuid, i.task_uuid) = ANY (v_done) IS TRUE,
           CASE WHEN coalesce(i.step_uuid, i.task_uuid) = ANY (v_done) THEN NULL
                WHEN t.state IS NULL OR i.step_uuid IS NOT NULL AND s.state IS NULL THEN 'it does not exist any more'
                WHEN i.step_uuid IS NOT NULL AND s.state <> ALL (p_operation.step_states) THEN 'the step is ' || s.state
                WHEN p_operation.verb = 'retry_downstream' THEN 'the step has run since'
                WHEN p_operation.verb = 'resume' THEN 'the task is not paused'
                WHEN p_operation.verb = 'pause' AND t.completed_at IS NULL THEN 'the task is paused already'
                ELSE 'the task is ' || t.state END
    FROM unnest(p_numbers) AS n(number)
    CROSS JOIN LATERAL (SELECT * FROM tasker.bulk_items b WHERE b.bulk_uuid = p_operation.bulk_uuid AND b.number = n.number LIMIT 1) i
    LEFT JOIN tasker.tasks t ON t.task_uuid = i.task_uuid
    LEFT JOIN tasker.steps s ON s.step_uuid = i.step_uuid;
END
$$;
