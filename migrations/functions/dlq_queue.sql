-- The open dead letters, the most urgent first: by the weight of the reason (a lost worker or exhausted retries may soon hit others too,
-- what somebody put there by hand is known to them) plus a point for each minute that it waits.
CREATE OR REPLACE FUNCTION tasker.dlq_queue(p_limit int)
RETURNS TABLE (dlq_entry_uuid uuid, task_uuid uuid, original_state text, dlq_reason text, dlq_timestamp timestamptz, minutes_in_dlq float8,
               namespace_name text, task_name text, current_state text, time_in_state_minutes int, priority_score float8, cause text, assignee text)
LANGUAGE sql STABLE AS $$
    SELECT q.dlq_entry_uuid, q.task_uuid, q.original_state::text, q.dlq_reason::text, q.dlq_timestamp, round(q.minutes::numeric, 2)::float8,
           p.namespace, p.name, t.state::text,
           floor(extract(epoch FROM tasker.now() - coalesce(tasker.in_state_since(q.task_uuid), q.dlq_timestamp)) / 60)::int,
           round((q.weight + q.minutes)::numeric, 2)::float8, q.cause, q.assignee
    FROM (SELECT e.*, w.weight, greatest(extract(epoch FROM tasker.now() - e.dlq_timestamp) / 60, 0) AS minutes
          FROM (VALUES ('dependency_cycle_detected'::tasker.dlq_reason, 1000), ('max_retries_exceeded', 500), ('worker_unavailable', 200),
                       ('staleness_timeout', 100), ('manual_dlq', 10)) AS w(reason, weight)
          CROSS JOIN LATERAL (
              SELECT * FROM tasker.tasks_dlq d
              WHERE d.resolution_status = 'pending' AND d.dlq_reason = w.reason
              ORDER BY d.dlq_timestamp LIMIT p_limit) e
          ORDER BY w.weight + greatest(extract(epoch FROM tasker.now() - e.dlq_timestamp) / 60, 0) DESC, e.dlq_entry_uuid
          LIMIT p_limit) q
    LEFT JOIN tasker.templates p USING (template_id)
    LEFT JOIN tasker.tasks t ON t.task_uuid = q.task_uuid
    ORDER BY q.weight + q.minutes DESC, q.dlq_entry_uuid
$$;
