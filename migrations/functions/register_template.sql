-- Stores a template and makes it the one that new tasks are created from.
-- p_steps is the compiled plan, an array of objects with the columns of template_steps, in the order of their positions.
-- outcome: 'created', 'unchanged', 'replaced' (p_replace) or 'conflict' (same version, other content, nothing stored).
CREATE OR REPLACE FUNCTION tasker.register_template(
    p_namespace text, p_name text, p_version text, p_description text,
    p_identity_strategy text, p_identity_ttl interval,
    p_content_hash text, p_environment text, p_configuration json, p_steps jsonb,
    p_replace boolean, p_queue_name text,
    OUT outcome text, OUT template_id int, OUT revision_id int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_current tasker.template_revisions;
    v_template tasker.templates;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tasker.template:' || p_namespace || '/' || p_name, 0));
    INSERT INTO tasker.namespaces (name, queue_name) VALUES (p_namespace, p_queue_name) ON CONFLICT DO NOTHING;
    IF p_queue_name IS NOT NULL AND to_regclass(format('pgmq.%I', 'q_' || lower(p_queue_name))) IS NULL THEN
        PERFORM pgmq.create(p_queue_name);
    END IF;
    -- So that an outside reader finds the queue before the first event.
    IF jsonb_path_exists(p_steps, '$[*].events[*] ? (@.delivery_mode != "fast")') THEN
        PERFORM tasker.event_queue(p_namespace);
    END IF;
    SELECT * INTO v_template FROM tasker.templates t
    WHERE t.namespace = p_namespace AND t.name = p_name AND t.version = p_version;
    IF v_template.template_id IS NULL THEN
        INSERT INTO tasker.templates (namespace, name, version, description, identity_strategy, identity_ttl)
        VALUES (p_namespace, p_name, p_version, p_description, p_identity_strategy, p_identity_ttl)
        RETURNING * INTO v_template;
        outcome := 'created';
    END IF;
    template_id := v_template.template_id;
    SELECT * INTO v_current FROM tasker.template_revisions r WHERE r.revision_id = v_template.revision_id;
    IF v_current.content_hash = p_content_hash AND v_current.environment = p_environment THEN
        outcome := 'unchanged';
        revision_id := v_current.revision_id;
        RETURN;
    END IF;
    IF v_current.content_hash IS DISTINCT FROM p_content_hash AND outcome IS NULL AND NOT p_replace THEN
        outcome := 'conflict';
        revision_id := v_current.revision_id;
        RETURN;
    END IF;
    outcome := coalesce(outcome, 'replaced');
    SELECT r.revision_id INTO revision_id FROM tasker.template_revisions r
    WHERE r.template_id = v_template.template_id AND r.content_hash = p_content_hash AND r.environment = p_environment;
    IF revision_id IS NULL THEN
        INSERT INTO tasker.template_revisions (template_id, content_hash, environment, configuration, initial_steps, initial_sinks)
        SELECT v_template.template_id, p_content_hash, p_environment, p_configuration, count(*),
               count(*) FILTER (WHERE NOT EXISTS (
                   SELECT FROM jsonb_array_elements(s -> 'children') AS child
                   WHERE (p_steps -> child::int ->> 'created_at_start')::boolean))
        FROM jsonb_array_elements(p_steps) AS s
        WHERE (s ->> 'created_at_start')::boolean
        RETURNING template_revisions.revision_id INTO revision_id;
        INSERT INTO tasker.template_steps (
            revision_id, position, name, description, namespace, step_type, handler, method, resolver, initialization,
            parents, children, ancestors, retryable, max_attempts, backoff, backoff_base_ms, max_backoff_ms,
            timeout_seconds, created_at_start, parallelism, failure_strategy, events)
        SELECT register_template.revision_id, x.position, x.name, x.description, p_namespace, x.step_type, x.handler, x.method,
               x.resolver, x.initialization, x.parents, x.children, x.ancestors, x.retryable, x.max_attempts, x.backoff,
               x.backoff_base_ms, x.max_backoff_ms, x.timeout_seconds, x.created_at_start,
               x.parallelism, x.failure_strategy, x.events
        FROM jsonb_to_recordset(p_steps) AS x(
            position int, name text, description text, step_type text, handler text, method text, resolver text,
            initialization jsonb, parents int[], children int[], ancestors int[], retryable boolean, max_attempts int,
            backoff text, backoff_base_ms int, max_backoff_ms int, timeout_seconds int, created_at_start boolean,
            parallelism int, failure_strategy text, events jsonb)
        ORDER BY x.position;
    END IF;
    UPDATE tasker.templates t
    SET revision_id = register_template.revision_id, description = p_description,
        identity_strategy = p_identity_strategy, identity_ttl = p_identity_ttl, updated_at = clock_timestamp()
    WHERE t.template_id = v_template.template_id;
END
$$;
