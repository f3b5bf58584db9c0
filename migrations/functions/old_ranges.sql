-- Where old tasks are to be looked for: the weeks of the history's partitions up to the later of the two times, oldest first, and what was
-- there before the first of them. A week is whole if all of its tasks may leave: their history then leaves with its partition.
CREATE OR REPLACE FUNCTION tasker.old_ranges(p_done timestamptz, p_failed timestamptz)
RETURNS TABLE (from_uuid uuid, to_uuid uuid, whole boolean)
LANGUAGE sql STABLE AS $$
    WITH upto AS (SELECT tasker.uuid7_floor(greatest(p_done, p_failed)) AS uuid),
    weeks AS (
        SELECT tasker.uuid7_floor(w.week) AS from_uuid, tasker.uuid7_floor(w.week + interval '1 week') AS to_uuid
        FROM tasker.history_weeks() AS w(week)),
    ranges AS (
        SELECT '00000000-0000-0000-0000-000000000000'::uuid AS from_uuid,
               coalesce((SELECT from_uuid FROM weeks ORDER BY 1 LIMIT 1), (SELECT uuid FROM upto)) AS to_uuid, false AS is_week
        UNION ALL
        SELECT from_uuid, to_uuid, true FROM weeks)
    SELECT r.from_uuid, least(r.to_uuid, u.uuid),
           r.is_week AND r.to_uuid <= u.uuid
           AND NOT EXISTS (SELECT FROM tasker.tasks t WHERE t.task_uuid >= r.from_uuid AND t.task_uuid < r.to_uuid
                             AND NOT (tasker.is_old(t.completed_at, t.final_state, p_done, p_failed)
                                      AND NOT EXISTS (SELECT FROM tasker.tasks_dlq d
                                                      WHERE d.task_uuid = t.task_uuid AND d.resolution_status = 'pending')))
    FROM ranges r CROSS JOIN upto u
    WHERE r.from_uuid < u.uuid
    ORDER BY 1
$$;
