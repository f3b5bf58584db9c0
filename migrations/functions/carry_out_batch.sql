-- Creates the workers that an analyzer's outcome asks for and what converges on them (reference 8.1), in the transaction that completes
-- the analyzer. Without batches one placeholder stands for all, with batch id 000 and is_no_op. Returns NULL, or what is wrong with the
-- outcome: then nothing was created. The caller holds the locks of all the task's live steps and of the task.
CREATE OR REPLACE FUNCTION tasker.carry_out_batch(p_step uuid, p_now timestamptz, p_actor text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    c_most_workers constant int := 10000;
    v_step tasker.steps;
    v_analyzer tasker.template_steps;
    v_worker tasker.template_steps;
    v_result jsonb;
    v_outcome jsonb;
    v_cursors jsonb;
    v_count int;
    v_after int[];
BEGIN
    SELECT * INTO v_step FROM tasker.steps s WHERE s.step_uuid = p_step;
    SELECT * INTO v_analyzer FROM tasker.template_steps ts WHERE ts.template_step_id = v_step.template_step_id;
    SELECT a.result, a.result -> 'batch_processing_outcome' INTO v_result, v_outcome FROM tasker.step_attempts a
    WHERE a.task_uuid = v_step.task_uuid AND a.step_uuid = p_step AND a.claim_no = v_step.claim_no;
    IF v_outcome ->> 'type' = 'no_batches' THEN
        SELECT ts.* INTO v_worker FROM tasker.template_steps ts
        WHERE ts.revision_id = v_analyzer.revision_id AND ts.step_type = 'batch_worker' AND v_analyzer.position = ANY (ts.parents)
        ORDER BY ts.position LIMIT 1;
        v_cursors := '[{"batch_id": "000", "start_cursor": 0, "end_cursor": 0, "batch_size": 0}]';
    ELSIF v_outcome ->> 'type' = 'create_batches' AND jsonb_typeof(v_outcome -> 'cursor_configs') = 'array'
          AND jsonb_array_length(v_outcome -> 'cursor_configs') > 0 THEN
        SELECT ts.* INTO v_worker FROM tasker.template_steps ts
        WHERE ts.revision_id = v_analyzer.revision_id AND ts.step_type = 'batch_worker'
          AND ts.name = v_outcome ->> 'worker_template_name' AND v_analyzer.position = ANY (ts.ancestors);
        v_cursors := v_outcome -> 'cursor_configs';
    ELSE
        RETURN format('the analyzer %L returned no batch_processing_outcome of type create_batches (with cursor_configs) or no_batches', v_step.name);
    END IF;
    v_count := jsonb_array_length(v_cursors);
    IF v_worker.template_step_id IS NULL THEN
        RETURN format('the analyzer %L asks for workers %L, which is no step of type batch_worker after it', v_step.name,
                      coalesce(v_outcome ->> 'worker_template_name', '(any)'));
    ELSIF v_count > c_most_workers THEN
        RETURN format('the analyzer %L asks for %s workers; at most %s are allowed', v_step.name, v_count, c_most_workers);
    ELSIF (SELECT count(DISTINCT c ->> 'batch_id') FROM jsonb_array_elements(v_cursors) AS c) <> v_count THEN
        RETURN format('the analyzer %L returned cursors without a batch_id of their own each', v_step.name);
    END IF;

    v_after := tasker.steps_that_follow(p_step, ARRAY[v_worker.position]);
    PERFORM tasker.create_steps(
        v_step.task_uuid, v_analyzer.revision_id,
        array_fill(v_worker.position, ARRAY[v_count]) || v_after,
        ARRAY (SELECT v_worker.name || '_' || (c ->> 'batch_id') FROM jsonb_array_elements(v_cursors) WITH ORDINALITY AS x(c, n) ORDER BY n),
        ARRAY (SELECT jsonb_build_object(
                   'cursor', c, 'batch_metadata', coalesce(v_result -> 'batch_metadata', '{}'), 'template_step', v_worker.name,
                   'batch_index', n - 1, 'total_batches', v_count, 'is_no_op', v_outcome ->> 'type' = 'no_batches')
               FROM jsonb_array_elements(v_cursors) WITH ORDINALITY AS x(c, n) ORDER BY n),
        p_now, p_actor, format('created by the analyzer %s', v_step.name));
    RETURN NULL;
END
$$;
