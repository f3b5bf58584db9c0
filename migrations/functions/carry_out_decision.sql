-- Creates the steps that a decision's outcome asks for (reference 8.2), in the transaction that completes the decision. Returns NULL,
-- or what is wrong with the outcome: then nothing was created. The caller holds the locks of all the task's live steps and of the task.
CREATE OR REPLACE FUNCTION tasker.carry_out_decision(p_step uuid, p_now timestamptz, p_actor text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    c_most_steps constant int := 100;
    v_step tasker.steps;
    v_decision tasker.template_steps;
    v_outcome jsonb;
    v_names text[];
    v_wrong text;
    v_new int[];
BEGIN
    SELECT * INTO v_step FROM tasker.steps s WHERE s.step_uuid = p_step;
    SELECT * INTO v_decision FROM tasker.template_steps ts WHERE ts.template_step_id = v_step.template_step_id;
    SELECT a.result -> 'decision_point_outcome' INTO v_outcome FROM tasker.step_attempts a
    WHERE a.task_uuid = v_step.task_uuid AND a.step_uuid = p_step AND a.claim_no = v_step.claim_no;
    IF v_outcome ->> 'type' = 'create_steps' AND jsonb_typeof(v_outcome -> 'step_names') = 'array' THEN
        v_names := ARRAY (SELECT DISTINCT jsonb_array_elements_text(v_outcome -> 'step_names'));
    ELSIF v_outcome ->> 'type' = 'no_branches' THEN
        v_names := '{}';
    ELSE
        RETURN format('the decision %L returned no decision_point_outcome of type create_steps (with step_names) or no_branches', v_step.name);
    END IF;
    IF cardinality(v_names) > c_most_steps THEN
        RETURN format('the decision %L names %s steps; at most %s are allowed', v_step.name, cardinality(v_names), c_most_steps);
    END IF;
    SELECT string_agg(format('%L (%s)', n, CASE WHEN ts.position IS NULL THEN 'no such step in the template'
                                                WHEN v_decision.position <> ALL (ts.ancestors) THEN 'does not come after the decision'
                                                ELSE 'a batch worker comes by its analyzer: name that' END), ', ' ORDER BY n)
    INTO v_wrong
    FROM unnest(v_names) AS n
    LEFT JOIN tasker.template_steps ts ON ts.revision_id = v_decision.revision_id AND ts.name = n
    WHERE ts.position IS NULL OR v_decision.position <> ALL (ts.ancestors) OR ts.step_type = 'batch_worker';
    IF v_wrong IS NOT NULL THEN
        RETURN format('the decision %L names steps that it can''t create: %s', v_step.name, v_wrong);
    END IF;

    v_new := tasker.steps_that_follow(p_step, '{}');
    IF v_new = '{}' THEN
        RETURN NULL;
    END IF;

    PERFORM tasker.create_steps(
        v_step.task_uuid, v_decision.revision_id, v_new, NULL, NULL, p_now, p_actor, format('created by the decision %s', v_step.name));
    RETURN NULL;
END
$$;
