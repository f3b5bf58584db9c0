-- All that there is of some tasks, one JSON object a task, as text: its row with the names of its template, its steps, and what happened.
-- Rows become json and not jsonb: that takes six tenths of the time, and jsonb could hold 256 MiB at most, json a gigabyte. No column is json,
-- whose text may have line breaks. Of the histories all columns but xid, which means nothing elsewhere: add new ones here.
CREATE OR REPLACE FUNCTION tasker.export_tasks(p_tasks uuid[]) RETURNS TABLE (task_uuid uuid, line text)
LANGUAGE sql STABLE AS $$
    SELECT t.task_uuid, json_build_object(
        'task', to_jsonb(t) || jsonb_build_object('namespace', p.namespace, 'name', p.name, 'version', p.version),
        'steps', (SELECT coalesce(json_agg(row_to_json(s) ORDER BY s.step_uuid), '[]') FROM tasker.steps s WHERE s.task_uuid = t.task_uuid),
        'superseded_steps', (SELECT coalesce(json_agg(row_to_json(x) ORDER BY x.step_uuid), '[]')
                             FROM tasker.superseded_steps x WHERE x.task_uuid = t.task_uuid),
        'step_edits', (SELECT coalesce(json_agg(row_to_json(e) ORDER BY e.edit_id), '[]')
                       FROM (SELECT s.step_uuid FROM tasker.steps s WHERE s.task_uuid = t.task_uuid
                             UNION ALL
                             SELECT x.step_uuid FROM tasker.superseded_steps x WHERE x.task_uuid = t.task_uuid) mine
                       JOIN tasker.step_edits e USING (step_uuid)),
        'attempts', (SELECT coalesce(json_agg(row_to_json(a) ORDER BY a.recorded_at, a.step_uuid, a.claim_no), '[]')
                     FROM tasker.step_attempts a WHERE a.task_uuid = t.task_uuid),
        'transitions', (SELECT coalesce(json_agg(row_to_json(h) ORDER BY h.id), '[]')
                        FROM (SELECT l.id, l.task_uuid, l.step_uuid, l.task_path, l.step_path, l.attempt, l.claim_no, l.worker_uuid,
                                     l.actor, l.reason, l.at
                              FROM tasker.transitions l WHERE l.task_uuid = t.task_uuid) h),
        'logs', (SELECT coalesce(json_agg(row_to_json(h) ORDER BY h.id), '[]')
                 FROM (SELECT g.task_uuid, g.step_uuid, g.claim_no, g.id, g.attempt, g.level, g.logger, g.message, g.at
                       FROM tasker.step_logs g WHERE g.task_uuid = t.task_uuid) h),
        'dead_letters', (SELECT coalesce(json_agg(row_to_json(d) ORDER BY d.dlq_timestamp), '[]')
                         FROM tasker.tasks_dlq d WHERE d.task_uuid = t.task_uuid),
        'fork', (SELECT row_to_json(f) FROM tasker.forks f WHERE f.task_uuid = t.task_uuid))::text
    FROM tasker.tasks t JOIN tasker.templates p USING (template_id)
    WHERE t.task_uuid = ANY (p_tasks)
    ORDER BY t.task_uuid
$$;
