-- Makes the holds of ready steps say what is paused. Claims look at the pauses themselves as long as there is one; held rows are out of
-- their index, so that they don't walk over them again and again. Rows that somebody works on are left to the next call (the engine's
-- sweep), and so are those that a transaction wrote which had not seen the pause, or its end, yet.
-- The pause of a task that has ended goes. p_ready_since: rows made ready before it are not looked at for holds that have ended. Returns whether some were let go.
CREATE OR REPLACE FUNCTION tasker.hold_steps(p_ready_since timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_freed boolean := false;
BEGIN
    DELETE FROM tasker.pauses p USING tasker.tasks t WHERE t.task_uuid = p.task_uuid AND t.completed_at IS NOT NULL;
    WITH wrong AS (
        SELECT r.step_uuid, tasker.pause_holds(r.namespace, r.task_uuid) AS holds
        FROM tasker.ready_steps r
        WHERE r.held AND r.holds & 7 <> 0 AND r.ready_at >= p_ready_since
        FOR UPDATE OF r SKIP LOCKED),
    changed AS (
        UPDATE tasker.ready_steps r SET holds = (r.holds & 24) | w.holds
        FROM wrong w
        WHERE r.step_uuid = w.step_uuid AND r.holds & 7 <> w.holds
        RETURNING r.held)
    SELECT coalesce(bool_or(NOT c.held), false) INTO v_freed FROM changed c;
    IF v_freed THEN
        PERFORM tasker.sweep_lanes();  -- they have been ready for longer than the marks of their lanes say
    END IF;
    IF EXISTS (SELECT FROM tasker.pauses) THEN
        WITH paused AS (
            SELECT r.step_uuid, tasker.pause_holds(r.namespace, r.task_uuid) AS holds
            FROM tasker.ready_steps r
            WHERE NOT r.held
              AND (r.namespace IN (SELECT p.namespace FROM tasker.pauses p)
                   OR r.task_uuid IN (SELECT p.task_uuid FROM tasker.pauses p)
                   OR EXISTS (SELECT FROM tasker.tasks t JOIN tasker.pauses p USING (template_id) WHERE t.task_uuid = r.task_uuid))
            FOR UPDATE OF r SKIP LOCKED)
        UPDATE tasker.ready_steps r SET holds = r.holds | p.holds
        FROM paused p
        WHERE r.step_uuid = p.step_uuid;
    END IF;
    RETURN v_freed;
END
$$;
