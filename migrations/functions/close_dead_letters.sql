-- Closes the open dead letters of tasks that go on, or have ended. What somebody noted before stays.
CREATE OR REPLACE FUNCTION tasker.close_dead_letters(
    p_tasks uuid[], p_status tasker.dlq_resolution_status, p_actor text, p_notes text, p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
    UPDATE tasker.tasks_dlq d
    SET resolution_status = p_status, resolution_timestamp = p_now, resolved_by = p_actor,
        resolution_notes = coalesce(d.resolution_notes, p_notes), updated_at = p_now
    WHERE d.task_uuid = ANY (p_tasks) AND d.resolution_status = 'pending'
$$;
