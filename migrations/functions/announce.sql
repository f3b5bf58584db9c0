-- Writes a call to every webhook that wants to hear that something happened to tasks: task.failed, or dead_letter.created.
-- Without webhooks it costs one look at an empty table. The caller holds the tasks' locks.
CREATE OR REPLACE FUNCTION tasker.announce(p_event text, p_tasks uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_tasks IS NULL OR NOT EXISTS (SELECT FROM tasker.webhooks w WHERE w.enabled AND p_event = ANY (w.events)) THEN
        RETURN;
    END IF;
    INSERT INTO tasker.webhook_deliveries (delivery_uuid, webhook_uuid, event, task_uuid, payload, next_at, created_at, updated_at)
    SELECT tasker.uuid7(), w.webhook_uuid, p_event, t.task_uuid,
           jsonb_build_object('type', p_event, 'timestamp', to_char(p_now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                              'data', happened.data),
           p_now, p_now, p_now
    FROM unnest(p_tasks) AS t(task_uuid)
    CROSS JOIN LATERAL (
        SELECT (picture.snapshot - 'steps') || jsonb_build_object('failed_steps', (
                   SELECT coalesce(jsonb_agg(s.step ORDER BY s.place), '[]')
                   FROM jsonb_array_elements(picture.snapshot -> 'steps') WITH ORDINALITY AS s(step, place)
                   WHERE s.step ->> 'state' = 'error' AND s.place <= 20)) AS task
        FROM tasker.picture_task(t.task_uuid) AS picture
        WHERE EXISTS (SELECT FROM tasker.tasks k JOIN tasker.templates p USING (template_id) JOIN tasker.webhooks w
                      ON w.enabled AND p_event = ANY (w.events) AND coalesce(w.namespace, p.namespace) = p.namespace
                         AND coalesce(w.template, p.name) = p.name
                      WHERE k.task_uuid = t.task_uuid)) pictured
    LEFT JOIN LATERAL (
        SELECT jsonb_build_object(
                   'dlq_entry_uuid', d.dlq_entry_uuid, 'dlq_reason', d.dlq_reason, 'cause', d.cause, 'original_state', d.original_state,
                   'dlq_timestamp', d.dlq_timestamp, 'metadata', d.metadata) AS letter
        FROM tasker.tasks_dlq d
        WHERE d.task_uuid = t.task_uuid AND d.resolution_status = 'pending' AND p_event = 'dead_letter.created'
        LIMIT 1) lettered ON true
    CROSS JOIN LATERAL (SELECT jsonb_strip_nulls(jsonb_build_object('task', pictured.task, 'dead_letter', lettered.letter)) AS data) happened
    JOIN tasker.webhooks w
      ON w.enabled AND p_event = ANY (w.events) AND coalesce(w.namespace, pictured.task ->> 'namespace') = pictured.task ->> 'namespace'
         AND coalesce(w.template, pictured.task ->> 'name') = pictured.task ->> 'name';
END
$$;
