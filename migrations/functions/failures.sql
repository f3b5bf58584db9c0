-- Failed steps of tasks that have not ended, in groups by signature, the largest first; a group's sample is its newest failure.
-- p_namespace, p_template (a name) and p_since (of the failure) narrow it; NULL does not.
CREATE OR REPLACE FUNCTION tasker.failures(p_namespace text, p_template text, p_since timestamptz, p_limit int)
RETURNS TABLE (signature text, error_type text, failed_steps bigint, failed_tasks bigint, first_seen timestamptz, last_seen timestamptz,
               places jsonb, sample jsonb)
LANGUAGE sql STABLE AS $$
    WITH failed AS MATERIALIZED (
        SELECT s.step_uuid, s.task_uuid, s.name, s.last_failure_at, tp.namespace, tp.name AS template,
               a.details ->> 'error_type' AS error_type, a.details ->> 'message' AS message,
               tasker.failure_signature(a.details ->> 'error_type', a.details ->> 'message') AS signature
        FROM tasker.tasks t
        JOIN tasker.templates tp USING (template_id)
        JOIN tasker.steps s ON s.task_uuid = t.task_uuid AND s.state = 'error'
        CROSS JOIN LATERAL (SELECT a.details FROM tasker.step_attempts a
                            WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no LIMIT 1) a
        WHERE t.completed_at IS NULL AND t.failed_steps > 0
          AND (p_namespace IS NULL OR tp.namespace = p_namespace) AND (p_template IS NULL OR tp.name = p_template)
          AND (p_since IS NULL OR s.last_failure_at >= p_since)),
    places AS (
        SELECT p.signature,
               jsonb_agg(jsonb_build_object('namespace', p.namespace, 'template', p.template, 'step', p.name, 'failed_steps', p.n)
                         ORDER BY p.n DESC, p.namespace, p.template, p.name) AS list
        FROM (SELECT f.signature, f.namespace, f.template, f.name, count(*) AS n FROM failed f GROUP BY 1, 2, 3, 4) p
        GROUP BY 1)
    SELECT f.signature, min(f.error_type), count(*), count(DISTINCT f.task_uuid), min(f.last_failure_at), max(f.last_failure_at),
           (SELECT p.list FROM places p WHERE p.signature = f.signature),
           (array_agg(jsonb_build_object('task_uuid', f.task_uuid, 'step_uuid', f.step_uuid, 'step', f.name, 'message', f.message)
                      ORDER BY f.last_failure_at DESC, f.step_uuid))[1]
    FROM failed f
    GROUP BY f.signature
    ORDER BY 3 DESC, 6 DESC, 1
    LIMIT p_limit
$$;
