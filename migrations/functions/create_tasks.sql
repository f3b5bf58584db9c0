-- Hot path 1: creates many tasks in one transaction. Parallel arrays, one element a task; identity keys are NULL where
-- the task is always unique. Answers one row an item: created false means that an equal task exists, task_uuid is its.
-- step_uuids is by the step's position in the plan, NULL where the step is not created at the start.
CREATE OR REPLACE FUNCTION tasker.create_tasks(
    p_revisions int[], p_contexts jsonb[], p_initiators text[], p_sources text[], p_reasons text[], p_tags jsonb[],
    p_priorities smallint[], p_correlations uuid[], p_parents uuid[], p_identity_keys bytea[],
    p_notify boolean)
RETURNS TABLE (item int, task_uuid uuid, created boolean, created_at timestamptz, step_uuids uuid[])
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := tasker.now();
    v_tasks uuid[];
    v_losers int[] := '{}';
    v_existing uuid[] := '{}';
    v_ready uuid[];
BEGIN
    SELECT array_agg(tasker.uuid7()) INTO v_tasks FROM generate_subscripts(p_revisions, 1);
    IF array_length(array_remove(p_identity_keys, NULL), 1) > 0 THEN
        INSERT INTO tasker.task_identities AS i (template_id, identity_key, task_uuid, expires_at)
        SELECT DISTINCT ON (r.template_id, k.identity_key) r.template_id, k.identity_key, k.task_uuid,
               coalesce(v_now + t.identity_ttl, 'infinity')
        FROM unnest(p_identity_keys, v_tasks, p_revisions) WITH ORDINALITY AS k(identity_key, task_uuid, revision_id, item)
        JOIN tasker.template_revisions r ON r.revision_id = k.revision_id
        JOIN tasker.templates t ON t.template_id = r.template_id
        WHERE k.identity_key IS NOT NULL
        ORDER BY r.template_id, k.identity_key, k.item
        ON CONFLICT (template_id, identity_key) DO UPDATE
        SET task_uuid = excluded.task_uuid, expires_at = excluded.expires_at
        WHERE i.expires_at <= v_now;
        SELECT coalesce(array_agg(k.item ORDER BY k.item), '{}'), coalesce(array_agg(i.task_uuid ORDER BY k.item), '{}')
        INTO v_losers, v_existing
        FROM unnest(p_identity_keys, v_tasks, p_revisions) WITH ORDINALITY AS k(identity_key, task_uuid, revision_id, item)
        JOIN tasker.template_revisions r ON r.revision_id = k.revision_id
        JOIN tasker.task_identities i ON i.template_id = r.template_id AND i.identity_key = k.identity_key
        WHERE i.task_uuid <> k.task_uuid;
    END IF;

    RETURN QUERY
    WITH new AS MATERIALIZED (
        SELECT n.item::int AS item, n.task_uuid, n.revision_id, r.template_id, r.initial_steps, r.initial_sinks, n.context, n.initiator,
               n.source, n.reason, n.tags, n.priority, n.correlation_id, n.parent_correlation_id,
               (SELECT array_agg(CASE WHEN ts.created_at_start THEN tasker.uuid7() END ORDER BY ts.position)
                FROM tasker.template_steps ts WHERE ts.revision_id = n.revision_id) AS ids
        FROM unnest(v_tasks, p_revisions, p_contexts, p_initiators, p_sources, p_reasons, p_tags, p_priorities, p_correlations, p_parents)
             WITH ORDINALITY AS n(task_uuid, revision_id, context, initiator, source, reason, tags, priority, correlation_id,
                                  parent_correlation_id, item)
        JOIN tasker.template_revisions r ON r.revision_id = n.revision_id
        WHERE n.item <> ALL (v_losers)),
    step_rows AS MATERIALIZED (
        SELECT n.ids[ts.position + 1] AS step_uuid, n.task_uuid, ts.template_step_id, ts.name, n.priority,
               CASE WHEN ts.parents = '{}' THEN '{}'::uuid[]
                    ELSE ARRAY (SELECT n.ids[p + 1] FROM unnest(ts.parents) AS p WHERE n.ids[p + 1] IS NOT NULL) END AS parents,
               CASE WHEN ts.children = '{}' THEN '{}'::uuid[]
                    ELSE ARRAY (SELECT n.ids[c + 1] FROM unnest(ts.children) AS c WHERE n.ids[c + 1] IS NOT NULL) END AS children
        FROM new n
        JOIN tasker.template_steps ts ON ts.revision_id = n.revision_id
        WHERE ts.created_at_start),
    task_insert AS (
        INSERT INTO tasker.tasks (task_uuid, template_id, revision_id, state, priority, remaining_sinks, total_steps, context,
                                  initiator, source_system, reason, tags, correlation_id, parent_correlation_id, created_at, updated_at)
        SELECT n.task_uuid, n.template_id, n.revision_id, 'steps_in_process', n.priority, n.initial_sinks, n.initial_steps, n.context,
               n.initiator, n.source, n.reason, ARRAY (SELECT jsonb_array_elements_text(n.tags)), n.correlation_id, n.parent_correlation_id, v_now, v_now
        FROM new n
        ORDER BY n.task_uuid),
    step_insert AS (
        INSERT INTO tasker.steps (step_uuid, task_uuid, template_step_id, name, state, priority, remaining_parents, parents, children,
                                  created_at, updated_at)
        SELECT step_uuid, task_uuid, template_step_id, name,
               CASE WHEN parents = '{}' THEN 'enqueued' ELSE 'pending' END::tasker.step_state,
               priority, cardinality(parents), parents, children, v_now, v_now
        FROM step_rows
        ORDER BY step_uuid),
    log AS (
        INSERT INTO tasker.transitions (task_uuid, step_uuid, task_path, step_path, actor, reason, at)
        SELECT task_uuid, NULL, '{pending,initializing,enqueuing_steps,steps_in_process}'::tasker.task_state[], NULL, initiator, reason, v_now
        FROM new
        UNION ALL
        SELECT task_uuid, step_uuid, NULL,
               CASE WHEN parents = '{}' THEN '{pending,enqueued}' ELSE '{pending}' END::tasker.step_state[], NULL, NULL, v_now
        FROM step_rows)
    SELECT n.item, n.task_uuid, true, v_now, n.ids FROM new n
    UNION ALL
    SELECT l.item, l.task_uuid, false, NULL::timestamptz, NULL::uuid[]
    FROM unnest(v_losers, v_existing) AS l(item, task_uuid);

    SELECT array_agg(s.step_uuid ORDER BY s.step_uuid) INTO v_ready
    FROM tasker.steps s WHERE s.task_uuid = ANY (v_tasks) AND s.state = 'enqueued';
    PERFORM tasker.enqueue_steps(v_ready, v_now);
    IF EXISTS (SELECT FROM tasker.template_revisions r WHERE r.revision_id = ANY (p_revisions) AND r.limits IS NOT NULL) THEN
        INSERT INTO tasker.task_limits (task_uuid, counts_from, check_at)
        SELECT t.task_uuid, v_now, v_now + make_interval(mins => (r.limits ->> 'shortest')::int)
        FROM tasker.tasks t JOIN tasker.template_revisions r USING (revision_id)
        WHERE t.task_uuid = ANY (v_tasks) AND r.limits IS NOT NULL;
    END IF;
    IF p_notify AND v_ready IS NOT NULL THEN
        PERFORM pg_notify('tasker_ready', '');
    END IF;
END
$$;
