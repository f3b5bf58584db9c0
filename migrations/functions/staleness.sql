-- How long tasks that have not ended are in their state, measured against the thresholds: stale ones first, then by the share of the
-- threshold that is over. Of the tasks that wait or run the 5000 oldest are looked at: what is stale is old.
CREATE OR REPLACE FUNCTION tasker.staleness(p_limit int)
RETURNS TABLE (task_uuid uuid, namespace_name text, task_name text, current_state text, time_in_state_minutes int, task_age_minutes int,
               staleness_threshold_minutes int, health_status text, priority int)
LANGUAGE sql STABLE
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
    SELECT o.task_uuid, p.namespace, p.name, o.state::text, floor(m.in_state)::int,
           floor(extract(epoch FROM tasker.now() - o.created_at) / 60)::int, m.threshold,
           CASE WHEN m.in_state > m.threshold THEN 'stale' WHEN m.in_state >= 0.8 * m.threshold THEN 'warning' ELSE 'healthy' END,
           o.priority::int
    FROM (SELECT * FROM tasker.tasks t
          WHERE t.completed_at IS NULL AND t.state IN ('waiting_for_dependencies', 'waiting_for_retry', 'steps_in_process')
          ORDER BY t.task_uuid LIMIT 5000) o
    JOIN tasker.templates p USING (template_id)
    JOIN tasker.template_revisions r ON r.revision_id = o.revision_id
    CROSS JOIN LATERAL (
        SELECT extract(epoch FROM tasker.now() - coalesce(tasker.in_state_since(o.task_uuid), o.created_at)) / 60 AS in_state,
               tasker.staleness_threshold(o.state, r.configuration -> 'lifecycle') AS threshold) m
    ORDER BY m.in_state / m.threshold DESC, o.task_uuid
    LIMIT p_limit
$$;
