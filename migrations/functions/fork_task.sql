-- A new task of the same template revision from some steps of an old one, as fork_plan says; the old one stays as it is, whatever state it
-- is in. A fork is never a duplicate of another task; a second one with the same key (NULL: no key) is. Answers the new task, or the one
-- that exists (created false). What p_context changes wins over what was edited of it in single steps. Raises TK002 where there is nothing
-- to run.
CREATE OR REPLACE FUNCTION tasker.fork_task(
    p_task uuid, p_steps uuid[], p_context jsonb, p_key text, p_actor text, p_reason text, OUT task_uuid uuid, OUT created boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := tasker.now();
    v_task uuid := tasker.uuid7();
    v_ready uuid[];
    v_changed text[];
    -- As carry_out_batch writes it.
    v_share text[] := '{cursor,batch_metadata,template_step,batch_index,total_batches,is_no_op}';
BEGIN
    created := false;
    -- First, so that of two at once with the same key the second one waits here.
    INSERT INTO tasker.forks (task_uuid, parent_uuid, step_names, context_edited, idempotency_key, actor, reason, forked_at)
    SELECT v_task, t.task_uuid,
           ARRAY (SELECT s.name FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps) ORDER BY s.step_uuid), p_context IS NOT NULL,
           p_key, p_actor, p_reason, v_now
    FROM tasker.tasks t WHERE t.task_uuid = p_task
    ON CONFLICT (parent_uuid, idempotency_key) DO NOTHING;
    IF NOT FOUND THEN
        SELECT f.task_uuid INTO task_uuid FROM tasker.forks f WHERE f.parent_uuid = p_task AND f.idempotency_key = p_key;
        RETURN;
    END IF;
    SELECT array_agg(k) INTO v_changed FROM tasker.tasks t CROSS JOIN LATERAL jsonb_object_keys(t.context || p_context) k
    WHERE t.task_uuid = p_task AND t.context -> k IS DISTINCT FROM p_context -> k;
    -- One statement, hence one snapshot: the old task may go on meanwhile.
    WITH old AS MATERIALIZED (
        SELECT p.effect, p.open_parents, tasker.uuid7() AS new_uuid, s.*,
               CASE p.effect WHEN 'taken_over' THEN s.state WHEN 'enqueued' THEN 'enqueued' ELSE 'pending' END::tasker.step_state AS new_state
        FROM tasker.fork_plan(p_task, p_steps) p JOIN tasker.steps s USING (step_uuid)
        WHERE p.effect <> 'superseded'),
    parents AS MATERIALIZED (
        SELECT o.step_uuid, array_agg(m.new_uuid ORDER BY u.n) AS uuids
        FROM old o CROSS JOIN LATERAL unnest(o.parents) WITH ORDINALITY AS u(step_uuid, n) JOIN old m ON m.step_uuid = u.step_uuid
        GROUP BY 1),
    children AS MATERIALIZED (
        SELECT o.step_uuid, array_agg(m.new_uuid ORDER BY u.n) AS uuids
        FROM old o CROSS JOIN LATERAL unnest(o.children) WITH ORDINALITY AS u(step_uuid, n) JOIN old m ON m.step_uuid = u.step_uuid
        GROUP BY 1),
    task_row AS (
        INSERT INTO tasker.tasks (task_uuid, template_id, revision_id, state, priority, remaining_sinks, total_steps, context, initiator,
                                  source_system, reason, tags, correlation_id, parent_correlation_id, created_at, updated_at, ended_by_hand)
        SELECT v_task, t.template_id, t.revision_id, 'steps_in_process', t.priority,
               (SELECT count(*) FROM old o LEFT JOIN children c USING (step_uuid) WHERE c.uuids IS NULL AND o.effect <> 'taken_over'),
               (SELECT count(*) FROM old), coalesce(p_context, t.context), p_actor, t.source_system, p_reason, t.tags, t.correlation_id,
               t.parent_correlation_id, v_now, v_now, t.ended_by_hand
        FROM tasker.tasks t WHERE t.task_uuid = p_task),
    step_rows AS (
        INSERT INTO tasker.steps (step_uuid, task_uuid, template_step_id, name, state, priority, remaining_parents, claim_no, parents, children,
                                  inputs, settings_edit, created_at, updated_at, completed_at)
        SELECT o.new_uuid, v_task, o.template_step_id, o.name, o.new_state, o.priority, o.open_parents, (o.effect = 'taken_over')::int,
               coalesce(p.uuids, '{}'), coalesce(c.uuids, '{}'),
               -- A batch's share is none of the context's.
               o.inputs - CASE WHEN o.inputs ? 'is_no_op' THEN ARRAY(SELECT unnest(v_changed) EXCEPT SELECT unnest(v_share))
                               ELSE coalesce(v_changed, '{}') END,
               o.settings_edit, v_now, v_now,
               CASE o.effect WHEN 'taken_over' THEN v_now END
        FROM old o LEFT JOIN parents p USING (step_uuid) LEFT JOIN children c USING (step_uuid)
        ORDER BY o.new_uuid),
    results AS (
        INSERT INTO tasker.step_attempts (task_uuid, step_uuid, claim_no, attempt, success, result, details, recorded_at)
        SELECT v_task, o.new_uuid, 1, a.attempt, true, a.result, a.details, v_now
        FROM old o
        CROSS JOIN LATERAL (SELECT a.attempt, a.result, a.details FROM tasker.step_attempts a
                            WHERE a.task_uuid = p_task AND a.step_uuid = o.step_uuid AND a.claim_no = o.claim_no AND a.success LIMIT 1) a
        WHERE o.effect = 'taken_over'),
    log AS (
        INSERT INTO tasker.transitions (task_uuid, step_uuid, task_path, step_path, claim_no, actor, reason, at)
        SELECT v_task, NULL, '{pending,initializing,enqueuing_steps,steps_in_process}'::tasker.task_state[], NULL::tasker.step_state[], NULL::bigint,
               p_actor, p_reason, v_now
        UNION ALL
        SELECT v_task, o.new_uuid, NULL,
               CASE o.new_state WHEN 'pending' THEN '{pending}' ELSE ARRAY['pending', o.new_state] END::tasker.step_state[],
               CASE o.effect WHEN 'taken_over' THEN 1 END,
               CASE o.effect WHEN 'taken_over' THEN p_actor END, CASE o.effect WHEN 'taken_over' THEN format('taken over from task %s', p_task) END,
               v_now
        FROM old o)
    SELECT array_agg(o.new_uuid ORDER BY o.new_uuid) FILTER (WHERE o.new_state = 'enqueued') INTO v_ready FROM old o;
    IF v_ready IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TK002', MESSAGE = 'every step of the task is done: there is nothing to run';
    END IF;
    PERFORM tasker.enqueue_steps(v_ready, v_now);
    PERFORM tasker.limit_batches(ARRAY[v_task]);
    PERFORM tasker.restart_limits(ARRAY[v_task], v_now);
    task_uuid := v_task;
    created := true;
END
$$;
