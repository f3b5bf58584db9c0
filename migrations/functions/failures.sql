-- Failed steps of tasks that have not ended, in groups by signature, the largest first; a group's sample is its newest failure.
-- p_namespace, p_template (a name) and p_since (of the failure) narrow it; NULL does not.
CREATE OR REPLACE FUNCTION tasker.failures(p_namespace text, p_template text, p_since timestamptz, p_limit int)
RETURNS TABLE (signature text, error_type text, failed_steps bigint, failed_tasks bigint, first_seen timestamptz, last_seen timestamptz,
               places jsonb, sample jsonb)
LANGUAGE sql STABLE AS $$
    WITH failed AS MATERIALIZED (
        SELECT f.*, tp.namespace, tp.name AS template
        FROM tasker.failed_steps f
        JOIN tasker.templates tp USING (template_id)
        CROSS JOIN LATERAL (SELECT FROM tasker.tasks t WHERE t.task_uuid = f.task_uuid AND t.completed_at IS NULL LIMIT 1) t
        WHERE (p_namespace IS NULL OR tp.namespace = p_namespace) AND (p_template IS NULL OR tp.name = p_template)
          AND (p_since IS NULL OR f.failed_at >= p_since)),
    groups AS (
        SELECT f.signature, count(*) AS steps, count(DISTINCT f.task_uuid) AS tasks, min(f.failed_at) AS first, max(f.failed_at) AS last,
               (array_agg(f.step_uuid ORDER BY f.failed_at DESC, f.step_uuid))[1] AS newest
        FROM failed f
        GROUP BY f.signature
        ORDER BY 2 DESC, 5 DESC, 1
        LIMIT p_limit),
    places AS (
        SELECT p.signature,
               jsonb_agg(jsonb_build_object('namespace', p.namespace, 'template', p.template, 'step', p.step, 'failed_steps', p.n)
                         ORDER BY p.n DESC, p.namespace, p.template, p.step) AS list
        FROM (SELECT f.signature, f.namespace, f.template, f.step, count(*) AS n FROM failed f GROUP BY 1, 2, 3, 4) p
        GROUP BY 1)
    SELECT g.signature, a.details ->> 'error_type', g.steps, g.tasks, g.first, g.last, p.list,
           jsonb_build_object('task_uuid', f.task_uuid, 'step_uuid', f.step_uuid, 'step', f.step, 'message', a.details ->> 'message')
    FROM groups g
    JOIN places p USING (signature)
    JOIN tasker.failed_steps f ON f.step_uuid = g.newest
    CROSS JOIN LATERAL (SELECT s.claim_no FROM tasker.steps s WHERE s.step_uuid = g.newest LIMIT 1) s
    LEFT JOIN LATERAL (SELECT a.details FROM tasker.step_attempts a
                       WHERE a.task_uuid = f.task_uuid AND a.step_uuid = f.step_uuid AND a.claim_no = s.claim_no LIMIT 1) a ON true
    ORDER BY g.steps DESC, g.last DESC, g.signature
$$;
