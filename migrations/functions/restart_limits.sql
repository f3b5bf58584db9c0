-- The limits of tasks that an operator lets go on, or forked, count from p_now. The caller holds the tasks' locks.
CREATE OR REPLACE FUNCTION tasker.restart_limits(p_tasks uuid[], p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO tasker.task_limits (task_uuid, counts_from, check_at)
    SELECT t.task_uuid, p_now, p_now + make_interval(mins => (r.limits ->> 'shortest')::int)
    FROM tasker.tasks t
    JOIN tasker.template_revisions r USING (revision_id)
    WHERE t.task_uuid = ANY (p_tasks) AND r.limits IS NOT NULL
    ORDER BY t.task_uuid
    ON CONFLICT (task_uuid) DO UPDATE SET counts_from = excluded.counts_from, check_at = excluded.check_at
$$;
