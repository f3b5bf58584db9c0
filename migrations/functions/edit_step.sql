-- Gives a step other inputs, or its handler other settings, from its next attempt on; NULL leaves a side as it is. What was and what is, who
-- and why stay in step_edits. The caller holds the step's lock.
CREATE OR REPLACE FUNCTION tasker.edit_step(p_step uuid, p_inputs jsonb, p_settings jsonb, p_actor text, p_reason text) RETURNS void
LANGUAGE sql AS $$
    WITH edit AS (
        INSERT INTO tasker.step_edits (task_uuid, step_uuid, template_step_id, old_inputs, new_inputs, old_settings, new_settings,
                                       actor, reason, edited_at)
        SELECT s.task_uuid, s.step_uuid, s.template_step_id, CASE WHEN p_inputs IS NOT NULL THEN coalesce(s.inputs, '{}') END, p_inputs,
               CASE WHEN p_settings IS NOT NULL THEN coalesce(e.new_settings, ts.initialization) END, p_settings, p_actor, p_reason, tasker.now()
        FROM tasker.steps s
        JOIN tasker.template_steps ts USING (template_step_id)
        LEFT JOIN tasker.step_edits e ON e.edit_id = s.settings_edit
        WHERE s.step_uuid = p_step
        RETURNING edit_id)
    UPDATE tasker.steps s
    SET inputs = coalesce(p_inputs, s.inputs), settings_edit = CASE WHEN p_settings IS NULL THEN s.settings_edit ELSE e.edit_id END,
        updated_at = tasker.now()
    FROM edit e
    WHERE s.step_uuid = p_step
$$;
