-- An operator puts a task among the dead letters. It goes on, if it does; somebody looks at it. outcome: made, exists (it is among
-- them already), ended, missing.
CREATE OR REPLACE FUNCTION tasker.add_dead_letter_by_hand(p_task uuid, p_actor text, p_reason text, p_assignee text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_task tasker.tasks;
BEGIN
    SELECT * INTO v_task FROM tasker.tasks t WHERE t.task_uuid = p_task FOR NO KEY UPDATE;
    IF v_task.task_uuid IS NULL THEN
        RETURN 'missing';
    ELSIF EXISTS (SELECT FROM tasker.tasks_dlq d WHERE d.task_uuid = p_task AND d.resolution_status = 'pending') THEN
        RETURN 'exists';
    ELSIF v_task.state IN ('complete', 'cancelled', 'resolved_manually') THEN
        RETURN 'ended';
    END IF;
    PERFORM tasker.bury_tasks(ARRAY[p_task], ARRAY[v_task.state], 'manual_dlq', 'by_hand',
                                    jsonb_build_object('by', p_actor, 'message', p_reason), v_now);
    UPDATE tasker.tasks_dlq d SET assignee = p_assignee
    WHERE d.task_uuid = p_task AND d.resolution_status = 'pending' AND p_assignee IS NOT NULL;
    IF v_task.completed_at IS NULL THEN
        UPDATE tasker.tasks t SET ended_by_hand = true WHERE t.task_uuid = p_task;
    END IF;
    RETURN 'made';
END
$$;
