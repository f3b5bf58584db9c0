-- Pauses one thing: a namespace, a template or a task. From the end of the transaction on no step of it is claimed; what runs goes on.
-- Paused again it stays as it was. Returns whether it was running before.
CREATE OR REPLACE FUNCTION tasker.pause(p_namespace text, p_template int, p_task uuid, p_actor text, p_reason text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_new int;
BEGIN
    INSERT INTO tasker.pauses (namespace, template_id, task_uuid, actor, reason, paused_at)
    VALUES (p_namespace, p_template, p_task, p_actor, p_reason, tasker.now())
    ON CONFLICT DO NOTHING
    RETURNING pause_id INTO v_new;
    PERFORM tasker.hold_steps('infinity');
    RETURN v_new IS NOT NULL;
END
$$;
