-- The reason that says the most about why each of some tasks is not done; of a task of which nothing is said there is no row.
-- p_kinds: the kinds of explain_steps that say something of a task, the most telling first; 'failed' is the first of all.
--
-- A step in error is found by its own table. Of the others one in each state stands for all of the same step of the template. A task may
-- have thousands of either: of more than 500 it does not matter much which is told about.
CREATE OR REPLACE FUNCTION tasker.why_tasks(p_tasks uuid[], p_alive interval, p_kinds text[])
RETURNS TABLE (task_uuid uuid, step_uuid uuid, name text, state tasker.step_state, kind text, sentence text, data jsonb)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (e.task_uuid) e.task_uuid, e.step_uuid, e.name, e.state, e.kind, e.sentence, e.data
    FROM tasker.explain_steps(
        ARRAY (
            SELECT coalesce(failed.step_uuid, begun.step_uuid)
            FROM unnest(p_tasks) AS t(task_uuid)
            LEFT JOIN LATERAL (
                SELECT f.step_uuid FROM (
                    SELECT f.step_uuid FROM tasker.failed_steps f WHERE f.task_uuid = t.task_uuid LIMIT 500) f
                ORDER BY f.step_uuid LIMIT 1) failed ON true
            LEFT JOIN LATERAL (
                SELECT DISTINCT ON (s.state, s.template_step_id) s.step_uuid FROM (
                    SELECT s.state, s.template_step_id, s.step_uuid FROM tasker.steps s
                    WHERE s.task_uuid = t.task_uuid AND failed.step_uuid IS NULL
                      AND s.state NOT IN ('pending', 'complete', 'resolved_manually', 'cancelled', 'error') LIMIT 500) s
                ORDER BY s.state, s.template_step_id, s.step_uuid LIMIT 100) begun ON true), p_alive, true) e
    WHERE e.kind = ANY (p_kinds)
    ORDER BY e.task_uuid, array_position(p_kinds, e.kind), e.step_uuid
$$;
