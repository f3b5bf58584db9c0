-- Ends the pauses of tasks; their ready steps can be claimed, unless something else holds them. Answers one row a task that was paused.
CREATE OR REPLACE FUNCTION tasker.resume_tasks(p_tasks uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql AS $$
DECLARE
    v_resumed uuid[];
BEGIN
    WITH gone AS (DELETE FROM tasker.pauses p WHERE p.task_uuid = ANY (p_tasks) RETURNING p.task_uuid)
    SELECT array_agg(g.task_uuid) INTO v_resumed FROM gone g;
    IF v_resumed IS NULL THEN
        RETURN;
    END IF;
    WITH held AS MATERIALIZED (
        SELECT r.step_uuid, (r.holds & 24) | tasker.pause_holds(r.namespace, r.task_uuid) AS holds
        FROM tasker.ready_steps r
        WHERE r.held AND r.task_uuid = ANY (v_resumed)
        FOR UPDATE OF r SKIP LOCKED)
    UPDATE tasker.ready_steps r SET holds = h.holds FROM held h WHERE r.step_uuid = h.step_uuid AND r.holds <> h.holds;
    PERFORM tasker.sweep_lanes();  -- they have been ready for longer than the marks of their lanes say
    RETURN QUERY SELECT unnest(v_resumed);
END
$$;
