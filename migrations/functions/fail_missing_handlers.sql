-- Fails ready steps whose handler no live worker of their namespace has had for p_grace. Where no live worker serves the
-- namespace at all the steps wait: workers that are being deployed are no reason to fail. Returns how many failed.
CREATE OR REPLACE FUNCTION tasker.fail_missing_handlers(p_grace interval, p_alive interval, p_actor text) RETURNS int
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_steps uuid[];
    v_tasks uuid[];
    v_failed uuid[];
BEGIN
    IF NOT EXISTS (SELECT FROM tasker.ready_steps) AND NOT EXISTS (SELECT FROM tasker.missing_handlers) THEN
        RETURN 0;
    END IF;
    WITH live AS MATERIALIZED (
        SELECT w.namespaces, w.handlers FROM tasker.workers w
        WHERE w.state <> 'stopped' AND w.last_heartbeat_at > v_now - p_alive),
    missing AS MATERIALIZED (
        SELECT r.namespace, r.handler
        FROM (SELECT DISTINCT r.namespace, r.handler FROM tasker.ready_steps r) r
        WHERE EXISTS (SELECT FROM live l WHERE r.namespace = ANY (l.namespaces))
          AND NOT EXISTS (SELECT FROM live l WHERE r.namespace = ANY (l.namespaces) AND r.handler = ANY (l.handlers))),
    found AS (
        DELETE FROM tasker.missing_handlers m
        WHERE NOT EXISTS (SELECT FROM missing x WHERE x.namespace = m.namespace AND x.handler = m.handler))
    INSERT INTO tasker.missing_handlers (namespace, handler, missing_since)
    SELECT x.namespace, x.handler, v_now FROM missing x
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
    SELECT array_agg(r.step_uuid) INTO v_steps
    FROM tasker.ready_steps r JOIN tasker.missing_handlers m USING (namespace, handler)
    WHERE greatest(m.missing_since, r.ready_at) <= v_now - p_grace AND r.holds & 7 = 0;
    IF v_steps IS NULL THEN
        RETURN 0;
    END IF;
    v_tasks := tasker.lock_for_settling(v_steps);
    v_failed := tasker.unqueue_steps(ARRAY (
        SELECT s.step_uuid FROM tasker.steps s WHERE s.step_uuid = ANY (v_steps) AND s.state = 'enqueued'));
    PERFORM tasker.fail_steps(v_failed, ARRAY (
        WITH failed AS MATERIALIZED (
            SELECT f.n, ts.namespace, ts.handler
            FROM unnest(v_failed) WITH ORDINALITY AS f(step_uuid, n)
            JOIN tasker.steps s USING (step_uuid)
            JOIN tasker.template_steps ts USING (template_step_id)),
        told AS MATERIALIZED (
            SELECT w.namespace, w.handler, known.count, tasker.near_names(w.handler, known.names) AS near
            FROM (SELECT DISTINCT f.namespace, f.handler FROM failed f) w
            CROSS JOIN LATERAL (
                SELECT array_agg(DISTINCT h) AS names, count(DISTINCT h) AS count
                FROM tasker.workers l CROSS JOIN LATERAL unnest(l.handlers) AS h
                WHERE l.state <> 'stopped' AND l.last_heartbeat_at > v_now - p_alive AND w.namespace = ANY (l.namespaces)) known)
        SELECT format('no live worker of namespace %L has the handler %L; looked in %s names.%s Register it with a worker or correct '
                      'handler.callable in the template, then retry the step', t.namespace, t.handler, t.count,
                      ' Did you mean ' || (SELECT string_agg(quote_literal(x), ' or ') FROM unnest(t.near) AS x) || '?')
        FROM failed f JOIN told t USING (namespace, handler)
        ORDER BY f.n), 'enqueued', 'handler_not_found', v_now, p_actor);
    PERFORM tasker.settle_tasks(v_tasks, v_now, p_actor, 'handler_not_found');
    PERFORM tasker.look_again(v_tasks);
    RETURN coalesce(cardinality(v_failed), 0);
END
$$;
