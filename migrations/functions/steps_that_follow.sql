-- Which steps of a task's template can come into being now that a decision or an analyzer (p_step) is carried out: positions, ascending.
-- p_also are positions that the caller creates as well, a batch's worker. Wanted are the steps that a decision of the task
-- names, and those between it and them; what follows comes when all its parents are there, a convergence when at least one is.
-- Nothing comes while one of its other parents may still come: such a parent is below a decision or an analyzer that is open.
-- The children of a decision come by its word alone. In the order of positions all that is above a step is settled before it.
CREATE OR REPLACE FUNCTION tasker.steps_that_follow(p_step uuid, p_also int[]) RETURNS int[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_task uuid;
    v_revision int;
    v_present int[];
    v_there int[];
    v_open int[];
    v_wanted int[];
    v_decisions int[];
    v_one record;
BEGIN
    SELECT s.task_uuid, ts.revision_id INTO v_task, v_revision
    FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id) WHERE s.step_uuid = p_step;
    SELECT array_agg(DISTINCT ts.position),
           coalesce(array_agg(ts.position) FILTER (WHERE ts.step_type IN ('decision', 'batchable') AND s.step_uuid <> p_step
                                                   AND s.state NOT IN ('complete', 'resolved_manually', 'cancelled')), '{}')
    INTO v_present, v_open
    FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
    WHERE s.task_uuid = v_task;
    SELECT coalesce(array_agg(ts.position), '{}') INTO v_decisions
    FROM tasker.template_steps ts WHERE ts.revision_id = v_revision AND ts.step_type = 'decision';

    WITH named AS MATERIALIZED (
        SELECT d.position AS decision, n.position, n.ancestors
        FROM tasker.steps s
        JOIN tasker.template_steps d ON d.template_step_id = s.template_step_id AND d.step_type = 'decision'
        JOIN tasker.step_attempts a ON a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no
        JOIN tasker.template_steps n ON n.revision_id = d.revision_id AND a.result -> 'decision_point_outcome' -> 'step_names' ? n.name
        WHERE s.task_uuid = v_task AND (s.step_uuid = p_step OR s.state IN ('complete', 'resolved_manually'))
          AND a.result -> 'decision_point_outcome' ->> 'type' = 'create_steps')
    SELECT coalesce(array_agg(DISTINCT w.position), '{}') INTO v_wanted
    FROM (SELECT position FROM named
          UNION ALL
          SELECT b.position FROM named n
          JOIN tasker.template_steps b ON b.revision_id = v_revision AND b.position = ANY (n.ancestors) AND n.decision = ANY (b.ancestors)) w;

    v_there := v_present || p_also;
    FOR v_one IN
        SELECT ts.position, ts.step_type, ts.parents
        FROM tasker.template_steps ts
        WHERE ts.revision_id = v_revision AND ts.position <> ALL (v_present || p_also) AND ts.step_type <> 'batch_worker' AND ts.parents <> '{}'
        ORDER BY ts.position
    LOOP
        CONTINUE WHEN NOT v_one.parents && v_there;
        IF v_one.parents <@ v_there THEN
            CONTINUE WHEN v_one.parents && v_decisions AND v_one.step_type <> 'deferred_convergence' AND v_one.position <> ALL (v_wanted);
        ELSE
            CONTINUE WHEN v_one.step_type <> 'deferred_convergence' AND v_one.position <> ALL (v_wanted);
            CONTINUE WHEN EXISTS (
                SELECT FROM tasker.template_steps p
                WHERE p.revision_id = v_revision AND p.position = ANY (v_one.parents) AND p.position <> ALL (v_there) AND p.ancestors && v_open);
        END IF;
        v_there := v_there || v_one.position;
        IF v_one.step_type IN ('decision', 'batchable') THEN
            v_open := v_open || v_one.position;
        END IF;
    END LOOP;
    RETURN ARRAY (SELECT unnest(v_there) EXCEPT SELECT unnest(v_present || p_also) ORDER BY 1);
END
$$;
