-- Adds steps to a task that runs: p_positions in its template, with a name and inputs of their own where p_names and p_inputs say so
-- (a batch worker's position stands for many steps). An edge goes from every step at a parent's position, old or new.
-- Steps are put together by position, of which there are few, so that a batch of thousands costs no more than its rows.
-- A step whose parents are all done already (a convergence that waited for this decision alone) is enqueued at once.
-- The caller holds the locks of all the task's live steps and of the task.
CREATE OR REPLACE FUNCTION tasker.create_steps(
    p_task uuid, p_revision int, p_positions int[], p_names text[], p_inputs jsonb[], p_now timestamptz, p_actor text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_ready uuid[];
BEGIN
    WITH new AS MATERIALIZED (
        SELECT tasker.uuid7() AS step_uuid, n.position, n.name, n.inputs
        FROM unnest(p_positions, p_names, p_inputs) AS n(position, name, inputs)),
    old AS MATERIALIZED (
        SELECT s.step_uuid, ts.position, s.state NOT IN ('complete', 'resolved_manually') AS open
        FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
        WHERE s.task_uuid = p_task),
    new_places AS MATERIALIZED (
        SELECT ts.position, ts.template_step_id, ts.name, ts.parents, n.uuids
        FROM (SELECT position, array_agg(step_uuid ORDER BY step_uuid) AS uuids FROM new GROUP BY 1) n
        JOIN tasker.template_steps ts ON ts.revision_id = p_revision AND ts.position = n.position),
    places AS MATERIALIZED (
        SELECT position, uuids, cardinality(uuids) AS open FROM new_places
        UNION ALL
        SELECT position, array_agg(step_uuid ORDER BY step_uuid), (count(*) FILTER (WHERE open))::int FROM old GROUP BY 1),
    wired AS MATERIALIZED (
        SELECT c.position, c.template_step_id, c.name,
               (SELECT array_agg(u ORDER BY u) FROM places p, unnest(p.uuids) AS u WHERE p.position = ANY (c.parents)) AS parents,
               (SELECT sum(p.open)::int FROM places p WHERE p.position = ANY (c.parents)) AS open,
               (SELECT array_agg(u ORDER BY u) FROM new_places k, unnest(k.uuids) AS u WHERE c.position = ANY (k.parents)) AS children
        FROM new_places c),
    created AS (
        INSERT INTO tasker.steps (step_uuid, task_uuid, template_step_id, name, state, priority, remaining_parents, parents, children, inputs,
                                  created_at, updated_at)
        SELECT n.step_uuid, p_task, w.template_step_id, coalesce(n.name, w.name),
               CASE WHEN w.open = 0 THEN 'enqueued' ELSE 'pending' END::tasker.step_state, t.priority, w.open, w.parents,
               coalesce(w.children, '{}'), n.inputs, p_now, p_now
        FROM new n
        JOIN wired w ON w.position = n.position
        JOIN tasker.tasks t ON t.task_uuid = p_task
        ORDER BY n.step_uuid
        RETURNING step_uuid, state),
    linked AS (
        UPDATE tasker.steps s SET children = s.children || o.children, updated_at = p_now
        FROM (SELECT old.step_uuid,
                     (SELECT array_agg(u ORDER BY u) FROM new_places k, unnest(k.uuids) AS u WHERE old.position = ANY (k.parents)) AS children
              FROM old) o
        WHERE s.step_uuid = o.step_uuid AND o.children IS NOT NULL),
    log AS (
        INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, actor, reason, at)
        SELECT p_task, c.step_uuid, CASE c.state WHEN 'enqueued' THEN '{pending,enqueued}' ELSE '{pending}' END::tasker.step_state[],
               p_actor, p_reason, p_now
        FROM created c)
    SELECT array_agg(c.step_uuid) FILTER (WHERE c.state = 'enqueued') INTO v_ready FROM created c;
    UPDATE tasker.tasks t
    SET total_steps = t.total_steps + cardinality(p_positions), updated_at = p_now,
        remaining_sinks = (SELECT count(*) FROM tasker.steps s
                           WHERE s.task_uuid = t.task_uuid AND s.children = '{}' AND s.state NOT IN ('complete', 'resolved_manually'))
    WHERE t.task_uuid = p_task;
    IF v_ready IS NOT NULL THEN
        INSERT INTO tasker.transitions (task_uuid, task_path, actor, at)
        SELECT t.task_uuid, '{steps_in_process,evaluating_results,enqueuing_steps,steps_in_process}'::tasker.task_state[], p_actor, p_now
        FROM tasker.tasks t WHERE t.task_uuid = p_task AND t.state = 'steps_in_process';
        PERFORM tasker.enqueue_steps(v_ready, p_now);
    END IF;
END
$$;
