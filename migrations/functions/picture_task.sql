-- A task as it stands, for its dead letter: where it comes from, how many steps are in which state, and the steps with their attempts and
-- errors (200 at most, the failed ones first, then those that have not ended). cause is what its latest failure was; NULL without one.
CREATE OR REPLACE FUNCTION tasker.picture_task(p_task uuid, OUT snapshot jsonb, OUT cause text)
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
               'task_uuid', t.task_uuid, 'namespace', p.namespace, 'name', p.name, 'version', p.version, 'state', t.state,
               'priority', t.priority, 'correlation_id', t.correlation_id, 'initiator', t.initiator, 'source_system', t.source_system,
               'reason', t.reason, 'tags', t.tags, 'created_at', t.created_at,
               'steps_by_state', (SELECT jsonb_object_agg(c.state, c.n)
                                  FROM (SELECT s.state, count(*) AS n FROM tasker.steps s WHERE s.task_uuid = p_task GROUP BY 1) c),
               'steps', steps.shown),
           steps.cause
    FROM tasker.tasks t
    JOIN tasker.templates p USING (template_id)
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'step_uuid', x.step_uuid, 'name', x.name, 'state', x.state, 'attempts', x.attempts, 'max_attempts', x.max_attempts,
                   'error_type', x.details ->> 'error_type', 'message', left(x.details ->> 'message', 2000),
                   'retryable', x.details -> 'retryable', 'last_failure_at', x.last_failure_at)) ORDER BY x.place) AS shown,
               (array_agg(CASE x.details ->> 'error_type'
                              WHEN 'worker_lost' THEN 'worker_lost'
                              WHEN 'handler_not_found' THEN 'handler_missing'
                              ELSE CASE WHEN x.retryable AND x.details -> 'retryable' IS DISTINCT FROM 'false'::jsonb
                                        THEN 'retries_exhausted' ELSE 'permanent_failure' END END
                          ORDER BY x.place) FILTER (WHERE x.state = 'error'))[1] AS cause
        FROM (SELECT s.step_uuid, s.name, s.state, s.attempts, s.last_failure_at, ts.max_attempts, ts.retryable, a.details,
                     row_number() OVER (ORDER BY CASE WHEN s.state = 'error' THEN 0
                                                      WHEN s.state IN ('complete', 'resolved_manually', 'cancelled') THEN 2 ELSE 1 END,
                                        s.last_failure_at DESC NULLS LAST, s.step_uuid) AS place
              FROM tasker.steps s
              JOIN tasker.template_steps ts USING (template_step_id)
              LEFT JOIN LATERAL (
                  SELECT a.details FROM tasker.step_attempts a
                  WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no AND NOT a.success
                  LIMIT 1) a ON s.state NOT IN ('complete', 'resolved_manually', 'cancelled')
              WHERE s.task_uuid = p_task
              ORDER BY place
              LIMIT 200) x) steps
    WHERE t.task_uuid = p_task
$$;
