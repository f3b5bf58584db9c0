-- Steps together with all that comes after them: their children's children, and what the decisions and analyzers among them
-- created, connected or not (a convergence that waited for other branches alone). One row a step. superseded: a decision or an analyzer
-- above it runs again and creates it anew, if at all. open_parents: how many parents it then waits for.
CREATE OR REPLACE FUNCTION tasker.steps_from(p_steps uuid[])
RETURNS TABLE (step_uuid uuid, task_uuid uuid, superseded boolean, open_parents int)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE below(step_uuid) AS (
        SELECT s.step_uuid FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps)
        UNION
        SELECT n.step_uuid
        FROM below b
        -- LIMIT makes it a look-up by key, however many rows the planner expects.
        CROSS JOIN LATERAL (SELECT s.task_uuid, s.children, s.template_step_id FROM tasker.steps s WHERE s.step_uuid = b.step_uuid LIMIT 1) s
        JOIN tasker.template_steps ts USING (template_step_id)
        CROSS JOIN LATERAL (
            SELECT unnest(s.children)
            UNION ALL
            SELECT d.step_uuid
            FROM tasker.steps d JOIN tasker.template_steps dt USING (template_step_id)
            WHERE ts.step_type IN ('decision', 'batchable') AND d.task_uuid = s.task_uuid AND NOT dt.created_at_start
              AND ts.position = ANY (dt.ancestors)) n(step_uuid)),
    members AS MATERIALIZED (
        SELECT s.step_uuid, s.task_uuid, s.parents, ts.created_at_start, ts.ancestors,
               CASE WHEN ts.step_type IN ('decision', 'batchable') THEN ts.position END AS creates_at
        FROM below b JOIN tasker.steps s USING (step_uuid) JOIN tasker.template_steps ts USING (template_step_id)),
    creators AS MATERIALIZED (
        SELECT m.task_uuid, array_agg(m.creates_at) AS positions FROM members m WHERE m.creates_at IS NOT NULL GROUP BY 1),
    open AS (
        SELECT e.step_uuid, count(*)::int AS n
        FROM (SELECT m.step_uuid, unnest(m.parents) AS parent FROM members m) e
        LEFT JOIN members o ON o.step_uuid = e.parent
        LEFT JOIN tasker.steps p ON p.step_uuid = e.parent AND p.state NOT IN ('complete', 'resolved_manually')
        WHERE o.step_uuid IS NOT NULL OR p.step_uuid IS NOT NULL
        GROUP BY 1)
    SELECT m.step_uuid, m.task_uuid, NOT m.created_at_start AND coalesce(m.ancestors && c.positions, false), coalesce(o.n, 0)
    FROM members m
    LEFT JOIN creators c USING (task_uuid)
    LEFT JOIN open o USING (step_uuid)
$$;
