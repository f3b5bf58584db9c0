-- Ends the pause of a namespace, a template or a task; its ready steps can be claimed, unless something else holds them.
-- Returns whether it was paused.
CREATE OR REPLACE FUNCTION tasker.resume(p_namespace text, p_template int, p_task uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_old int;
BEGIN
    DELETE FROM tasker.pauses p
    WHERE p.namespace = p_namespace OR p.template_id = p_template OR p.task_uuid = p_task
    RETURNING p.pause_id INTO v_old;
    PERFORM tasker.hold_steps('-infinity');
    RETURN v_old IS NOT NULL;
END
$$;
